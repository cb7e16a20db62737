#include "cli/show_log.h"

#include "base/text.h"
#include "evidence/parts/ima_log.h"
#include "evidence/parts/secure_boot.h"

enum { DATA_SHOWN = 256 }; /* bytes of one event: some hold a whole list of keys */

static struct json *digests_json(struct arena *a, const struct event_log *log, const struct event *e)
{
    struct json *o = json_new(a, JSON_OBJECT);

    for (size_t i = 0; i < log->bank_count && e->digests; i++)
        if (e->digests[i].p)
            show_hex(a, o, event_bank_name(&log->banks[i]), e->digests[i]);
    return o;
}

/* The data as text where they are printable: what GRUB and the loaders of systemd wrote. */
static bool printable(struct bytes b)
{
    for (size_t i = 0; i < b.n; i++)
        if (b.p[i] < 0x20 || b.p[i] > 0x7e)
            return false;
    return b.n > 0;
}

static struct json *event_json(struct arena *a, const struct event_log *log, const struct event *e)
{
    struct json *o = json_new(a, JSON_OBJECT);
    const char *type = event_type_name(e->type);
    const struct event_bank *bank = event_log_bank(log, DIGEST_SHA256);
    struct bytes text = bytes_trim_nul(e->data);

    show_number(a, o, "register", e->reg);
    show_string(a, o, "type", type ? type : arena_printf(a, "0x%08x", e->type));
    show_tree(o, "digests", digests_json(a, log, e));
    show_number(a, o, "size", (int64_t)e->data.n);
    if (printable(text))
        show_text(a, o, "text", bytes_first(text, DATA_SHOWN));
    else
        show_hex(a, o, "data", bytes_first(e->data, DATA_SHOWN));
    if (bank || (bank = event_log_bank(log, DIGEST_SHA1)) != NULL)
        show_flag(a, o, "data_measured", event_data_measured(log, e, bank));
    return o;
}

struct json *show_event_log(struct arena *a, struct bytes b, struct fault *fault)
{
    struct json *o = json_new(a, JSON_OBJECT), *banks = json_new(a, JSON_OBJECT), *events = json_new(a, JSON_ARRAY);
    struct event_log log;

    if (!event_log_read(a, b, &log, fault))
        return NULL;
    show_string(a, o, "kind", "eventlog");
    show_string(a, o, "format", log.agile ? "crypto-agile" : "SHA-1");
    if (log.has_locality)
        show_number(a, o, "startup_locality", log.locality);
    for (size_t i = 0; i < log.bank_count; i++)
        if (log.banks[i].known)
            show_string(a, banks, event_bank_name(&log.banks[i]),
                        secure_boot_name(secure_boot_state(&log, &log.banks[i])));
    show_tree(o, "secure_boot", banks);
    for (size_t i = 0; i < log.count; i++)
        json_append(events, event_json(a, &log, &log.events[i]));
    show_tree(o, "events", events);
    show_number(a, o, "padding", (int64_t)log.tail.n);
    return o;
}

struct json *show_ima(struct arena *a, struct bytes b, struct fault *fault)
{
    struct json *o = json_new(a, JSON_OBJECT), *entries = json_new(a, JSON_ARRAY);
    struct ima_log log;

    if (!ima_log_read(a, b, &log, fault))
        return NULL;
    show_string(a, o, "kind", "ima");
    show_number(a, o, "violations", (int64_t)log.violations);
    for (size_t i = 0; i < log.count; i++) {
        const struct ima_entry *e = &log.entries[i];
        struct json *entry = json_new(a, JSON_OBJECT);

        show_number(a, entry, "pcr", e->pcr);
        show_text(a, entry, "template", e->template);
        show_text(a, entry, "name", e->name);
        show_hex(a, entry, "hash", e->hash);
        show_flag(a, entry, "hash_holds", ima_hash_holds(e));
        json_append(entries, entry);
    }
    show_tree(o, "entries", entries);
    return o;
}
