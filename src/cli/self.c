#include "cli/self.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/file.h"
#include "agent/tpm.h"
#include "base/limits.h"
#include "cli/input.h"
#include "crypto/digest.h"

static bool read_file(struct self *s, const char *path, struct bytes *out)
{
    struct fault fault = {0};

    if (input_file(s->cli->arena, path, LIMIT_TOOL_FILE, out, &fault))
        return true;
    cli_error(s->cli, "%s", fault.text);
    return false;
}

static bool read_banks(const char *text, unsigned *set)
{
    static const char *const names[] = {
        [DIGEST_SHA1] = "sha1", [DIGEST_SHA256] = "sha256", [DIGEST_SHA384] = "sha384", [DIGEST_SHA512] = "sha512"};

    *set = 0;
    for (;;) {
        size_t n = strcspn(text, ",");
        bool known = false;

        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (bytes_is(bytes_make(text, n), names[i])) {
                *set |= 1u << i;
                known = true;
            }
        if (!known || text[n] == '\0')
            return known;
        text += n + 1;
    }
}

static bool read_handle(const char *text, uint32_t *out)
{
    char *end;
    unsigned long v;

    errno = 0;
    v = strtoul(text, &end, 0);
    *out = (uint32_t)v;
    return *text && !*end && errno == 0 && v >> 24 == 0x81; /* of persistent objects */
}

static bool wrong(struct self *s, const char *option, const char *value, const char *what)
{
    cli_misuse(s->cli, "--%s %s: %s", option, value, what);
    return false;
}

bool self_option(struct self *s, int id, const char *value)
{
    struct agent_machine *m = &s->machine;

    switch (id) {
    case OPTION_TPM: m->tcti = value; break;
    case OPTION_AK:
        return read_handle(value, &m->ak_handle) || wrong(s, "ak", value, "no handle of a persistent object, 0x81…");
    case OPTION_AK_CERT: return read_file(s, value, &m->ak_certificate);
    case OPTION_PCRS:
        return agent_pcrs_parse(bytes_text(value), &m->pcrs) || wrong(s, "pcrs", value, "no list like 0-7,14");
    case OPTION_BANKS:
        return read_banks(value, &m->banks) || wrong(s, "banks", value, "a list of sha1, sha256, sha384, sha512");
    case OPTION_BOOT_LOG: m->boot_log = value; break;
    case OPTION_IMA_LOG: m->ima_log = value; break;
    case OPTION_TSM: m->tsm = value; break;
    case OPTION_SEV_GUEST: m->sev_guest = value; break;
    case OPTION_HCL_REPORT: return read_file(s, value, &m->hcl_report);
    case OPTION_METADATA: m->metadata = strcmp(value, "none") == 0 ? NULL : value; break;
    case OPTION_BIND_NONCE: s->wish.bind_nonce = true; break;
    case OPTION_RP_ID: s->wish.relying_party = bytes_text(value); break;
    default: s->key_out = value; s->wish.key = true;
    }
    return true;
}

bool self_open(struct self *s, const char *type)
{
    agent_machine_usual(&s->machine);
    s->machine.security_context = getenv("UVM_SECURITY_CONTEXT_DIR");
    setenv("TSS2_LOG", "all+none", 0); /* the TPM's software stack would print what is reported better */
    if (!type || agent_kind_by_name(type, &s->wish.kind))
        return true;
    return wrong(s, "type", type, "tpm, azure-guest, snp or tdx");
}

bool self_attest(struct self *s, const struct remote *remote, const atomic_bool *stop, struct arena *a,
                 struct agent_outcome *out, struct fault *fault)
{
    struct agent_service service = {.base = remote->base,
                                    .bearer = remote->bearer,
                                    .ca_file = remote->ca_file,
                                    .extra_ca_file = getenv("NODE_EXTRA_CA_CERTS"),
                                    .stop = stop};
    struct agent_wish wish = s->wish;
    bool ok;

    *out = (struct agent_outcome){0};
    if (wish.kind == AGENT_NO_KIND && !agent_kind_find(&s->machine, a, &wish.kind, fault))
        return false;
    ok = agent_attest(&s->machine, &wish, &service, a, out, fault) &&
         (!s->key_out || agent_write_secret(a, s->key_out, out->key, fault));
    if (out->key.n)
        secret_wipe((void *)(uintptr_t)out->key.p, out->key.n);
    return ok;
}
