/* The events of a boot and the registers of a quote as policies see them (tpm-vbs.md 1.6). */
#include "base/text.h"
#include "crypto/x509.h"
#include "evidence/parts/boot_facts.h"
#include "evidence/parts/boot_walk.h"
#include "evidence/parts/linux_boot.h"
#include "evidence/parts/wbcl.h"

enum { PCR_CONFIGURATION = 1, SHIM_SPARE = 1 /* byte behind the data that shim does not measure */ };
static const uint32_t no_type = 0xffffffff; /* IMA's entries have none of the TCG's */

static void put_base64(struct writer *w, struct bytes b)
{
    wr_u8(w, '"');
    wr_base64url(w, b);
    wr_u8(w, '"');
}

/* ------------------------------------------------------------------------------------------------------- variables */

static void put_guid(struct writer *w, struct bytes guid)
{
    struct reader r = rd_open(guid);
    uint32_t first = rd_u32le(&r);
    uint16_t second = rd_u16le(&r), third = rd_u16le(&r);

    wr_printf(w, "\"%08X-%04X-%04X-", (unsigned)first, (unsigned)second, (unsigned)third);
    for (int i = 0; i < 8; i++)
        wr_printf(w, i == 1 ? "%02X-" : "%02X", (unsigned)rd_u8(&r));
    wr_u8(w, '"');
}

/* Of some events the digest covers a part of the data (3.2). */
enum cover { COVERS_ALL, COVERS_VALUE, COVERS_ALL_BUT_LAST };

static enum cover how_covered(const struct boot_walk *w, const struct boot_event *e, const struct uefi_variable *v)
{
    const struct event_bank *bank = event_log_bank(&e->log->tcg, w->bank);
    struct bytes digest = e->event->digests[bank - e->log->tcg.banks];
    uint8_t made[DIGEST_MAX];

    if (e->event->type == EV_EFI_VARIABLE_BOOT) {
        digest_parts(w->bank, &v->value, 1, made);
        return bytes_equal(digest, bytes_make(made, bank->size)) ? COVERS_VALUE : COVERS_ALL;
    }
    if (e->event->type == EV_EFI_VARIABLE_AUTHORITY) {
        struct bytes less = bytes_first(e->event->data, e->event->data.n - SHIM_SPARE);

        digest_parts(w->bank, &less, 1, made);
        return bytes_equal(digest, bytes_make(made, bank->size)) ? COVERS_ALL_BUT_LAST : COVERS_ALL;
    }
    return COVERS_ALL;
}

/* What configures the machine is the firmware's, and only before the separator; Secure Boot stands in PCR 7 alone. */
static bool variable_speaks(const struct boot_event *e, const struct uefi_variable *v)
{
    if (e->event->type == EV_EFI_VARIABLE_AUTHORITY)
        return e->event->reg == PCR_SECURE_BOOT;
    if (!e->open || (e->event->reg != PCR_SECURE_BOOT && e->event->reg != PCR_CONFIGURATION))
        return false;
    return e->event->reg == PCR_SECURE_BOOT || !bytes_equal(v->guid, BYTES_OF(uefi_guid_global)) ||
           !uefi_variable_named(v, "SecureBoot");
}

static bool put_variable(struct writer *out, const struct boot_walk *w, const struct boot_event *e)
{
    struct uefi_variable v;

    if (!uefi_variable_read(e->event->data, &v) || !variable_speaks(e, &v) || !boot_event_covered(w, e))
        return false;
    enum cover cover = how_covered(w, e, &v);
    wr_u8(out, '{');
    if (cover != COVERS_VALUE) { /* else nothing measures the name */
        wr_text(out, "\"VariableGuid\":");
        put_guid(out, v.guid);
        wr_text(out, ",\"UnicodeName\":");
        wr_json_string(out, utf16_decode(out->arena, v.name));
        wr_u8(out, ',');
    }
    if (cover == COVERS_ALL_BUT_LAST && v.value.n)
        v.value.n--;
    wr_text(out, "\"VariableData\":");
    put_base64(out, v.value);
    wr_u8(out, '}');
    return true;
}

/* ---------------------------------------------------------------------------------------------------------- events */

static bool put_text(struct writer *out, const struct boot_walk *w, const struct boot_event *e)
{
    struct linux_event text;

    if (!boot_event_covered(w, e) || !linux_event_read(out->arena, e->event, &text))
        return false;
    wr_text(out, "{\"Text\":");
    wr_json_string(out, text.text);
    wr_u8(out, '}');
    return true;
}

static bool put_processed(struct writer *out, const struct boot_walk *w, const struct boot_event *e)
{
    switch (e->event->type) {
    case EV_EFI_VARIABLE_DRIVER_CONFIG:
    case EV_EFI_VARIABLE_BOOT:
    case EV_EFI_VARIABLE_BOOT2:
    case EV_EFI_VARIABLE_AUTHORITY: return put_variable(out, w, e);
    case EV_IPL: return put_text(out, w, e);
    case EV_EVENT_TAG:
        if (!boot_event_of_windows(w, e))
            return false;
        wr_wbcl(out, e->event->data, false);
        return true;
    default: return false;
    }
}

static const char *bank_member(enum digest_alg bank)
{
    static const char *const names[] = {
        [DIGEST_SHA1] = "SHA1", [DIGEST_SHA256] = "SHA256", [DIGEST_SHA384] = "SHA384", [DIGEST_SHA512] = "SHA512"};

    return names[bank];
}

static void put_head(struct writer *out, size_t seq, uint32_t reg, uint32_t type, const char *name)
{
    wr_text(out, "{\"EventSeq\":");
    wr_decimal(out, seq);
    wr_text(out, ",\"PcrIndex\":");
    wr_decimal(out, reg);
    wr_text(out, ",\"EventType\":");
    wr_decimal(out, type);
    wr_text(out, ",\"EventTypeString\":\"");
    wr_text(out, name ? name : "EV_UNKNOWN");
    wr_text(out, "\",\"ProcessedData\":");
}

static void put_tail(struct writer *out, struct bytes raw, enum digest_alg bank, struct bytes digest)
{
    wr_text(out, ",\"RawData\":");
    put_base64(out, raw);
    wr_text(out, ",\"Digests\":{\"");
    wr_text(out, bank_member(bank));
    wr_text(out, "\":");
    put_base64(out, digest);
    wr_text(out, "}}");
}

static void put_event(struct writer *out, const struct boot_walk *w, const struct boot_event *e)
{
    const struct event_log *log = &e->log->tcg;

    put_head(out, e->seq, e->event->reg, e->event->type, event_type_name(e->event->type));
    if (!put_processed(out, w, e))
        wr_text(out, "null");
    put_tail(out, e->event->data, w->bank, e->event->digests[event_log_bank(log, w->bank) - log->banks]);
}

/* ------------------------------------------------------------------------------------------------------------- IMA */

static void put_member(struct writer *out, const char *name, struct bytes text)
{
    wr_text(out, ",\"");
    wr_text(out, name);
    wr_text(out, "\":");
    wr_json_string(out, text_clean(out->arena, text));
}

/* "sha256:", a NUL and the digest, as the kernel prints them. */
static void put_file_hash(struct writer *out, struct bytes field)
{
    const uint8_t *nul = field.n ? memchr(field.p, 0, field.n) : NULL;

    if (!nul)
        return;
    struct writer text = wr_open(out->arena);
    wr_put(&text, bytes_first(field, (size_t)(nul - field.p)));
    wr_hex(&text, bytes_after(field, (size_t)(nul - field.p) + 1));
    put_member(out, "FileHash", wr_done(&text));
}

/* Template ima-buf: something that the kernel was given, with a name for what it is. */
static void put_buffer(struct writer *out, const struct ima_entry *e)
{
    struct bytes buffer = ima_field(e, 2);
    const struct certificate *c;

    if (bytes_is(e->name, "kernel_version")) {
        put_member(out, "KernelVersion", bytes_trim_nul(buffer));
    } else if (bytes_begin(e->name, ".")) {
        put_member(out, "Keyring", e->name);
        if (certificate_decode(out->arena, buffer, &c, NULL))
            put_member(out, "CertificateSubject", c->subject_cn);
    }
}

static void put_entry(struct writer *out, const struct boot_event *at)
{
    const struct ima_entry *e = at->entry;

    put_head(out, at->seq, e->pcr, no_type, "IMA_MEASUREMENT_EVENT");
    if (ima_violation(e) || !ima_hash_holds(e)) { /* nothing measures what it says */
        wr_text(out, "null");
    } else {
        wr_text(out, "{\"TemplateName\":");
        wr_json_string(out, text_clean(out->arena, e->template));
        put_member(out, "FileName", e->name);
        put_file_hash(out, ima_field(e, 0));
        put_member(out, "TemplateHash", hex_encode(out->arena, e->hash));
        if (bytes_is(e->template, "ima-buf"))
            put_buffer(out, e);
        wr_u8(out, '}');
    }
    put_tail(out, e->data, DIGEST_SHA1, e->hash);
}

/* About what the text will need: growing it would copy it several times. */
static size_t events_room(const struct measured *m)
{
    enum { HEAD = 200, TIMES = 3 /* in base64url, and what is read of it */ };
    size_t n = HEAD;

    for (size_t i = 0; i < m->count; i++) {
        const struct event_log *log = &m->logs[i].tcg;

        for (size_t k = 0; !m->logs[i].is_ima && k < log->count; k++)
            n += HEAD + log->events[k].data.n * TIMES;
    }
    return n;
}

struct bytes boot_events_json(struct arena *a, const struct measured *m, enum digest_alg bank, uint32_t quoted)
{
    struct writer out = wr_open(a);
    struct boot_walk w;
    struct boot_event e;
    const char *comma = "";

    wr_room(&out, events_room(m));
    wr_text(&out, "{\"Events\":[");
    boot_walk_begin(&w, m, bank, quoted);
    while (boot_walk_any(&w, &e)) {
        wr_text(&out, comma);
        if (e.event)
            put_event(&out, &w, &e);
        else
            put_entry(&out, &e);
        comma = ",";
    }
    wr_text(&out, "]}");
    return wr_done(&out);
}

/* ------------------------------------------------------------------------------------------------------------- PCRs */

static bool quoted_in_any(const struct tpm_selection *selection, unsigned reg)
{
    for (size_t i = 0; i < selection->count; i++)
        if (selection->banks[i].mask >> reg & 1)
            return true;
    return false;
}

static void put_values(struct writer *out, const struct tpm_selection *selection, const struct tpm_pcrs *pcrs,
                       unsigned reg, bool hex)
{
    const char *comma = "";

    wr_u8(out, '{');
    for (size_t i = 0; i < selection->count; i++) {
        struct event_bank bank = event_bank_of(selection->banks[i].id);
        struct bytes value = tpm_pcrs_value(pcrs, bank.id, reg);

        if (!bank.known || !(selection->banks[i].mask >> reg & 1))
            continue;
        wr_text(out, comma);
        wr_u8(out, '"');
        wr_text(out, bank_member(bank.alg));
        wr_text(out, "\":\"");
        if (hex)
            wr_hex(out, value);
        else
            wr_base64url(out, value);
        wr_u8(out, '"');
        comma = ",";
    }
    wr_u8(out, '}');
}

struct bytes boot_pcrs_json(struct arena *a, const struct tpm_selection *selection, const struct tpm_pcrs *pcrs)
{
    struct writer out = wr_open(a);
    const char *comma = "";

    wr_text(&out, "{\"PCRs\":[");
    for (unsigned reg = 0; reg < TPM_PCRS; reg++) {
        if (!quoted_in_any(selection, reg))
            continue;
        wr_text(&out, comma);
        wr_text(&out, "{\"Index\":");
        wr_decimal(&out, reg);
        wr_text(&out, ",\"Digests\":");
        put_values(&out, selection, pcrs, reg, false);
        wr_text(&out, ",\"DigestsHex\":");
        put_values(&out, selection, pcrs, reg, true);
        wr_u8(&out, '}');
        comma = ",";
    }
    wr_text(&out, "]}");
    return wr_done(&out);
}
