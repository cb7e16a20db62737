#include "evidence/parts/tpm_attestation.h"

#include "base/text.h"
#include "crypto/jose.h"
#include "evidence/parts/boot_facts.h"

/* ------------------------------------------------------------------------------------------------------ reading */

/* A member in base64; absent, null and empty are the same. */
static bool read_bytes(struct arena *a, const struct json *object, const char *name, struct bytes *out,
                       struct fault *fault)
{
    const struct json *member = json_member(object, name);
    struct bytes text;

    *out = BYTES_NONE;
    if (!member || member->kind == JSON_NULL)
        return true;
    return (json_text(member, &text) && base64_decode(a, text, out, NULL)) ||
           fault_set(fault, FAULT_SYNTAX, "%s: no text in base64url", name);
}

static bool read_value(struct arena *a, const struct json *entry, struct bytes values[TPM_PCRS], struct fault *fault)
{
    struct bytes digest;
    uint64_t index;

    if (entry->kind != JSON_OBJECT || !json_unsigned(json_member(entry, "index"), TPM_PCRS - 1, &index))
        return fault_set(fault, FAULT_SYNTAX, "pcrs: a value without the index of a register, 0 to %d", TPM_PCRS - 1);
    if (!read_bytes(a, entry, "digest", &digest, fault))
        return false;
    if (!digest.n || values[index].n)
        return fault_set(fault, FAULT_SYNTAX, "pcrs: register %u has %s", (unsigned)index,
                         digest.n ? "two values" : "no value");
    values[index] = digest;
    return true;
}

static bool read_bank(struct arena *a, const struct json *bank, struct tpm_pcrs *out, struct fault *fault)
{
    const struct json *values = json_member(bank, "values");
    uint64_t id;

    if (bank->kind != JSON_OBJECT || !json_unsigned(json_member(bank, "algorithm"), UINT16_MAX, &id) || !values ||
        values->kind != JSON_ARRAY)
        return fault_set(fault, FAULT_SYNTAX,
                         "pcrs: a bank is no object with algorithm, a number, and values, an array");
    for (size_t i = 0; i < out->count; i++)
        if (out->banks[i].id == id)
            return fault_set(fault, FAULT_SYNTAX, "pcrs: bank %u stands twice", (unsigned)id);
    if (out->count == TPM_BANKS)
        return fault_set(fault, FAULT_LIMIT, "pcrs: more than %d banks", TPM_BANKS);
    size_t place = out->count++;
    out->banks[place].id = (uint16_t)id;
    out->banks[place].known = tpm_alg_digest((uint16_t)id, &out->banks[place].alg);
    JSON_EACH (entry, values)
        if (!read_value(a, entry, out->banks[place].value, fault))
            return false;
    return true;
}

static bool read_pcrs(struct arena *a, const struct json *att, struct tpm_pcrs *out, struct fault *fault)
{
    const struct json *pcrs = json_member(att, "pcrs");

    *out = (struct tpm_pcrs){0};
    if (!pcrs || pcrs->kind != JSON_ARRAY)
        return fault_set(fault, FAULT_SYNTAX, "pcrs: missing, or no array");
    JSON_EACH (bank, pcrs)
        if (!read_bank(a, bank, out, fault))
            return false;
    return true;
}

/* A log as it came. */
struct sent_log {
    struct bytes text;
    bool is_ima;
};

static bool read_logs(struct arena *a, const struct json *att, struct sent_log out[MEASURED_LOGS], size_t *count,
                      struct fault *fault)
{
    const struct json *logs = json_member(att, "logs");
    struct bytes type;

    *count = 0;
    if (!logs || logs->kind == JSON_NULL)
        return true;
    if (logs->kind != JSON_ARRAY || logs->count > MEASURED_LOGS)
        return fault_set(fault, FAULT_SYNTAX, "logs: no array, or of more than %d", MEASURED_LOGS);
    JSON_EACH (entry, logs) {
        struct sent_log *log = &out[(*count)++];

        if (!json_text(json_member(entry, "type"), &type) || !(bytes_is(type, "TCG") || bytes_is(type, "IMA")))
            return fault_set(fault, FAULT_SYNTAX, "logs: a type that is neither TCG nor IMA");
        log->is_ima = bytes_is(type, "IMA");
        if (!read_bytes(a, entry, "log", &log->text, fault))
            return false;
    }
    return true;
}

static bool read_key(struct arena *a, const struct json *att, struct public_key *out, struct fault *fault)
{
    const struct json *jwk = json_member(att, "aik_pub");
    struct fault reason = {0};

    *out = (struct public_key){0};
    if (!jwk || jwk->kind == JSON_NULL)
        return true;
    return jwk_decode(a, jwk, out, &reason) || fault_set(fault, reason.code, "aik_pub: %s", reason.text);
}

/* The members of the object, before what they hold is looked into. */
struct parts {
    struct bytes certificate, quote, signature;
    struct sent_log logs[MEASURED_LOGS];
    size_t log_count;
};

static bool read_members(struct arena *a, const struct json *att, struct parts *p, struct tpm_attestation *out,
                         struct fault *fault)
{
    if (!att || att->kind != JSON_OBJECT)
        return fault_set(fault, FAULT_SYNTAX, "no object");
    if (!read_bytes(a, att, "aik_cert", &p->certificate, fault) || !read_bytes(a, att, "quote", &p->quote, fault) ||
        !read_bytes(a, att, "signature", &p->signature, fault) || !read_key(a, att, &out->sent_key, fault) ||
        !read_pcrs(a, att, &out->quote.pcrs, fault) || !read_logs(a, att, p->logs, &p->log_count, fault))
        return false;
    return p->certificate.n || out->sent_key.kind != KEY_NONE ||
           fault_set(fault, FAULT_SYNTAX, "neither aik_cert nor aik_pub is there");
}

/* Of the certificates beside the object, the key's. */
static struct bytes certificate_of(struct arena *a, struct bytes certificates, const struct public_key *key)
{
    const struct certificate *c;

    if (certificates.n && tpm_certificates_decode(a, certificates, &c, NULL))
        for (; c; c = c->next)
            if (public_key_equal(&c->key, key))
                return c->der;
    return BYTES_NONE;
}

bool tpm_attestation_decode_among(struct exam *x, const struct json *att, struct bytes certificates,
                                  struct tpm_attestation *out)
{
    struct fault fault = {0};
    struct parts p = {0};

    *out = (struct tpm_attestation){0};
    if (!check_that(x, TPM_ATTESTATION_SHAPE, read_members(x->arena, att, &p, out, &fault))) {
        check_note(x->trace, "%s", fault.text);
        return false;
    }
    if (!p.certificate.n)
        p.certificate = certificate_of(x->arena, certificates, &out->sent_key);
    const struct tpm_pcrs pcrs = out->quote.pcrs;
    if (!aik_decode(x, p.certificate, &out->aik) || !tpm_quote_decode(x, p.quote, p.signature, false, &out->quote))
        return false;
    out->quote.pcrs = pcrs;
    out->key = out->aik.leaf ? out->aik.leaf->key : out->sent_key;
    for (size_t i = 0; i < p.log_count; i++)
        if (!measured_add(x, &out->logs, p.logs[i].text, p.logs[i].is_ima))
            return false;
    return true;
}

bool tpm_attestation_decode(struct exam *x, const struct json *att, struct tpm_attestation *out)
{
    return tpm_attestation_decode_among(x, att, BYTES_NONE, out);
}

/* ---------------------------------------------------------------------------------------------------- verifying */

static bool key_fits(struct exam *x, const struct tpm_attestation *a)
{
    if (a->aik.leaf && a->sent_key.kind != KEY_NONE)
        return check_that(x, TPM_AIK_KEY, public_key_equal(&a->aik.leaf->key, &a->sent_key));
    check_skip(x, TPM_AIK_KEY, a->aik.leaf ? "no aik_pub was sent beside the certificate" : "no certificate was sent");
    return !x->trace->failed;
}

/* In the bank that decisions rest on: of another one nothing but the digest is looked at. */
static bool covers_required(struct exam *x, const struct tpm_attestation *a)
{
    uint32_t missing = x->settings->required_pcrs & ~(a->has_bank ? a->quoted : 0);
    struct writer w = wr_open(x->arena);

    if (check_that(x, TPM_REQUIRED_PCRS, missing == 0))
        return true;
    for (unsigned i = 0; i < 32; i++)
        if (missing >> i & 1)
            wr_printf(&w, " %u", i);
    check_note(x->trace, "not quoted:%s", arena_string(x->arena, wr_done(&w)));
    return false;
}

bool tpm_attestation_verify(struct exam *x, struct tpm_attestation *a, const struct bytes *nonce,
                            const char *why_no_nonce)
{
    const struct tpm_selection *selection = &a->quote.attest.selection;

    a->aik.key = &a->key;
    a->has_bank = measured_bank(&a->logs, selection, &a->bank, &a->quoted);
    if (!aik_verify(x, &a->aik, x->settings->aik_required, "require_valid_aik_cert = false") || !key_fits(x, a) ||
        !tpm_quote_verify(x, &a->quote, &a->key, nonce, why_no_nonce) || !covers_required(x, a) ||
        !measured_verify(x, &a->logs, selection, &a->quote.pcrs))
        return false;
    if (a->has_bank)
        boot_facts_read(&a->logs, a->bank, a->quoted, x->settings->reference, &a->facts);
    return true;
}

void tpm_attestation_claims(struct exam *x, const struct tpm_attestation *a)
{
    enum { TPM_VERSION = 2 };
    struct claims *out = &x->incoming;

    x->development |= a->aik.development;
    claims_boolean(out, "aikValidated", a->aik.valid, CLAIM_POLICY);
    claims_text(out, "aikPubHash", base64_encode(x->arena, sha256_of(x->arena, public_key_spki(x->arena, &a->key))),
                CLAIM_POLICY);
    claims_integer(out, "tpmVersion", TPM_VERSION, CLAIM_POLICY);
    boot_plain_claims(out, &a->facts);
}
