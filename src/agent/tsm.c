#include "agent/tsm.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "crypto/digest.h"

enum { TRIES = 5 };

/* An entry with a name that nobody else has. */
static bool make_entry(const char *root, struct arena *a, const char **path, struct fault *fault)
{
    uint8_t tag[8];

    if (!random_bytes(tag, sizeof tag))
        return fault_set(fault, FAULT_SYSTEM, "no random bytes");
    *path = arena_printf(a, "%s/assay-%.16s", root, arena_string(a, hex_encode(a, BYTES_OF(tag))));
    if (mkdir(*path, 0700) == 0)
        return true;
    if (errno == ENXIO)
        return fault_set(fault, FAULT_SYSTEM,
                         "%s: no provider of reports has registered (module sev_guest or tdx_guest)", root);
    return fault_set(fault, FAULT_SYSTEM, "%s: %s", *path, strerror(errno));
}

static bool read_number(struct arena *a, const char *path, uint64_t *out, struct fault *fault)
{
    struct bytes text;

    if (!agent_read(a, path, LIMIT_TSM_TEXT, &text, fault))
        return false;
    return decimal_parse(bytes_trim_end(text), UINT64_MAX, out) ||
           fault_set(fault, FAULT_SYNTAX, "%s: no number", path);
}

static bool read_provider(struct arena *a, const char *entry, enum agent_provider *out, struct fault *fault)
{
    struct bytes text;

    if (!agent_read(a, arena_printf(a, "%s/provider", entry), LIMIT_TSM_TEXT, &text, fault))
        return false;
    text = bytes_trim_end(text);
    *out = bytes_is(text, "sev_guest")   ? AGENT_SEV_GUEST
           : bytes_is(text, "tdx_guest") ? AGENT_TDX_GUEST
                                         : AGENT_NO_PROVIDER;
    return *out || fault_set(fault, FAULT_USAGE, "%s: reports of %.*s are not known here", entry,
                             (int)bytes_first(text, 64).n, (const char *)text.p);
}

enum agent_provider agent_tsm_provider(const char *root, struct arena *a)
{
    enum agent_provider provider = AGENT_NO_PROVIDER;
    const char *entry;

    if (access(root, W_OK) == 0 && make_entry(root, a, &entry, NULL)) {
        read_provider(a, entry, &provider, NULL);
        rmdir(entry);
    }
    return provider;
}

/* *raced: another wrote in between, so the report may be over its data. */
static bool ask(const char *entry, const uint8_t data[AGENT_REPORT_DATA], struct arena *a, struct agent_report *out,
                bool *raced, struct fault *fault)
{
    const char *generation = arena_printf(a, "%s/generation", entry);
    uint64_t before, after;
    bool there;

    if (!read_provider(a, entry, &out->provider, fault) || !read_number(a, generation, &before, fault) ||
        !agent_write_attribute(arena_printf(a, "%s/inblob", entry), bytes_make(data, AGENT_REPORT_DATA), fault) ||
        !agent_read(a, arena_printf(a, "%s/outblob", entry), LIMIT_QUOTE, &out->report, fault) ||
        !agent_read_if_there(a, arena_printf(a, "%s/auxblob", entry), LIMIT_CERTIFICATE_TABLE, &out->certificates,
                             &there, fault) ||
        !read_number(a, generation, &after, fault))
        return false;
    *raced = after != before + 1;
    return true;
}

bool agent_tsm_report(const char *root, const uint8_t data[AGENT_REPORT_DATA], struct arena *a,
                      struct agent_report *out, struct fault *fault)
{
    for (int i = 0; i < TRIES; i++) {
        bool raced = true, ok;
        const char *entry;

        *out = (struct agent_report){0};
        if (!make_entry(root, a, &entry, fault))
            return false;
        ok = ask(entry, data, a, out, &raced, fault);
        rmdir(entry);
        if (!ok)
            return false;
        if (!raced)
            return out->report.n != 0 || fault_set(fault, FAULT_SYSTEM, "%s: an empty report", root);
    }
    return fault_set(fault, FAULT_SYSTEM, "%s: another writes to our entries, %d times in a row", root, TRIES);
}
