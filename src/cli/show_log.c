#include "cli/show_log.h"

#include "base/text.h"
#include "evidence/parts/ima_log.h"
#include "evidence/parts/linux_boot.h"
#include "evidence/parts/secure_boot.h"
#include "evidence/parts/tpm.h"
#include "evidence/parts/wbcl.h"

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

/* ------------------------------------------------------------------------------------- what the data say, by type */

static struct json *variable_json(struct arena *a, const struct uefi_variable *v)
{
    struct json *o = json_new(a, JSON_OBJECT);
    struct reader r = rd_open(v->guid);
    uint32_t first = rd_u32le(&r);
    uint16_t second = rd_u16le(&r), third = rd_u16le(&r);
    struct bytes rest = hex_encode(a, rd_rest(&r));

    show_string(a, o, "guid",
                arena_printf(a, "%08x-%04x-%04x-%.4s-%.12s", (unsigned)first, (unsigned)second, (unsigned)third,
                             (const char *)rest.p, (const char *)rest.p + 4));
    show_text(a, o, "name", utf16_decode(a, v->name));
    show_number(a, o, "size", (int64_t)v->value.n);
    show_hex(a, o, "value", bytes_first(v->value, DATA_SHOWN));
    return o;
}

static struct json *point_json(struct arena *a, const struct wbcl_trust_point *p)
{
    struct json *o = json_new(a, JSON_OBJECT);
    struct tpm_attest attest;

    show_text(a, o, "aik", utf16_decode(a, p->aik));
    show_hex(a, o, "aik_modulus_sha1", p->aik_digest);
    show_hex(a, o, "quote", p->quote);
    if (tpm_attest_read(a, p->quote, &attest, NULL) && attest.type == TPM_ATTEST_QUOTE) {
        show_hex(a, o, "extra_data", attest.extra_data);
        show_hex(a, o, "pcr_digest", attest.pcr_digest);
        show_number(a, o, "reset_count", attest.reset_count);
    }
    show_hex(a, o, "signature", p->signature);
    return o;
}

static void show_trust_points(struct arena *a, struct json *o, struct bytes data)
{
    struct wbcl_trust_point points[WBCL_TRUST_POINTS];
    size_t count = wbcl_trust_points(data, points);
    struct json *list = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < count; i++)
        json_append(list, point_json(a, &points[i]));
    if (count)
        show_tree(o, "trust_points", list);
}

static void show_windows(struct arena *a, struct json *o, struct bytes data)
{
    struct writer w = wr_open(a);
    const struct json *tree;

    wr_wbcl(&w, data, true);
    if (json_parse(a, wr_done(&w), NULL, &tree, NULL))
        show_tree(o, "windows", json_link(a, tree));
}

static void show_meaning(struct arena *a, struct json *o, const struct event *e)
{
    struct linux_event text;
    struct uefi_variable v;

    switch (e->type) {
    case EV_EFI_VARIABLE_DRIVER_CONFIG:
    case EV_EFI_VARIABLE_BOOT:
    case EV_EFI_VARIABLE_BOOT2:
    case EV_EFI_VARIABLE_AUTHORITY:
        if (uefi_variable_read(e->data, &v))
            show_tree(o, "variable", variable_json(a, &v));
        return;
    case EV_NO_ACTION: show_trust_points(a, o, e->data); return;
    case EV_IPL:
    case EV_EVENT_TAG:
        if (linux_event_read(a, e, &text)) {
            show_string(a, o, "kind", linux_kind_name(text.kind));
            show_text(a, o, "said", text.text);
        } else if (e->type == EV_EVENT_TAG && wbcl_fits(e->data)) {
            show_windows(a, o, e->data);
        }
        return;
    default: return;
    }
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
    show_meaning(a, o, e);
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
