#include "evidence/parts/tpm_verify.h"

/* Rows of a kind of attestation, so that each has its own place in a trace. */
struct rows {
    enum check_id shape, magic, type, signature_shape, signature, nonce;
    uint16_t wanted;
};
static const struct rows quote_rows = {
    CHECK_TPM_QUOTE_SHAPE,     CHECK_TPM_QUOTE_MAGIC, CHECK_TPM_QUOTE_TYPE, CHECK_TPM_QUOTE_SIGNATURE_SHAPE,
    CHECK_TPM_QUOTE_SIGNATURE, CHECK_TPM_QUOTE_NONCE, TPM_ATTEST_QUOTE};
static const struct rows certify_rows = {
    CHECK_TPM_CERTIFY_SHAPE,     CHECK_TPM_CERTIFY_MAGIC, CHECK_TPM_CERTIFY_TYPE, CHECK_TPM_CERTIFY_SIGNATURE_SHAPE,
    CHECK_TPM_CERTIFY_SIGNATURE, CHECK_TPM_CERTIFY_NONCE, TPM_ATTEST_CERTIFY};

/* A check whose reason is a fault's. */
static bool holds(struct exam *x, enum check_id id, bool ok, const struct fault *fault)
{
    if (check_record(x->trace, id, ok, CHECK_NO_VALUE, CHECK_NO_VALUE))
        return true;
    check_note(x->trace, "%s", fault->text);
    return false;
}

static bool numbers_equal(struct exam *x, enum check_id id, uint32_t found, uint32_t expected)
{
    return check_record(x->trace, id, found == expected, check_number(found), check_number(expected));
}

/* The signature may be bare, or a structure of the TPM. */
static bool decode_signature(struct exam *x, const struct rows *rows, struct bytes signature, bool raw,
                             struct tpm_signature *out)
{
    struct fault fault = {0};
    bool ok = true;

    if (raw)
        *out = tpm_signature_rsassa(signature);
    else
        ok = tpm_signature_read(x->arena, signature, out, &fault);
    return holds(x, rows->signature_shape, ok, &fault);
}

static bool decode_kind(struct exam *x, const struct rows *rows, const struct tpm_attest *attest)
{
    return numbers_equal(x, rows->magic, attest->magic, TPM_GENERATED) &&
           numbers_equal(x, rows->type, attest->type, rows->wanted);
}

/* Over the bytes as they came: what was read from them is what was signed. */
static bool signature_ok(struct exam *x, const struct rows *rows, const struct tpm_signature *s,
                         const struct public_key *key, struct bytes message)
{
    bool old = s->hash == DIGEST_SHA1 && !x->settings->tpm_sha1;

    if (check_record(x->trace, rows->signature, !old && tpm_signature_verify(s, key, message), CHECK_NO_VALUE,
                     CHECK_NO_VALUE)) {
        if (s->hash == DIGEST_SHA1)
            check_note(x->trace, "signed with SHA-1");
        return true;
    }
    if (old)
        check_note(x->trace, "signed with SHA-1, which this service is set not to accept");
    else if (key->kind == KEY_NONE)
        check_note(x->trace, "the attestation key is of a kind or size that is not accepted");
    return false;
}

static bool nonce_ok(struct exam *x, const struct rows *rows, const struct tpm_attest *attest,
                     const struct bytes *nonce, const char *why)
{
    if (nonce)
        return check_record(x->trace, rows->nonce, bytes_equal(attest->extra_data, *nonce),
                            check_bytes(attest->extra_data), check_bytes(*nonce));
    check_skip_(x->trace, rows->nonce, why);
    return !x->trace->failed;
}

bool tpm_quote_decode(struct exam *x, struct bytes attest, struct bytes signature, bool raw, struct tpm_quote *out)
{
    struct fault fault = {0};

    *out = (struct tpm_quote){0};
    return holds(x, CHECK_TPM_QUOTE_SHAPE, tpm_attest_read(x->arena, attest, &out->attest, &fault), &fault) &&
           decode_kind(x, &quote_rows, &out->attest) &&
           decode_signature(x, &quote_rows, signature, raw, &out->signature);
}

/* The digest is by the hash of the signature, whatever the banks' (tpm-vbs.md 2.3). */
static bool registers_ok(struct exam *x, const struct tpm_quote *q)
{
    uint8_t buffer[DIGEST_MAX];
    struct bytes digest = bytes_make(buffer, digest_size(q->signature.hash));
    bool all = tpm_pcrs_digest(&q->pcrs, &q->attest.selection, q->signature.hash, buffer);

    if (check_record(x->trace, CHECK_TPM_QUOTE_PCRS, all && bytes_equal(digest, q->attest.pcr_digest),
                     check_bytes(arena_copy(x->arena, digest)), check_bytes(q->attest.pcr_digest)))
        return true;
    if (!all)
        check_note(x->trace, "a quoted register was not sent, or not with the size of its bank");
    return false;
}

bool tpm_quote_verify(struct exam *x, const struct tpm_quote *q, const struct public_key *key,
                      const struct bytes *nonce, const char *why)
{
    return signature_ok(x, &quote_rows, &q->signature, key, q->attest.bytes) &&
           nonce_ok(x, &quote_rows, &q->attest, nonce, why) &&
           check_that(x, TPM_QUOTE_SELECTION, !tpm_selection_twice(&q->attest.selection)) && registers_ok(x, q);
}

bool tpm_certify_decode(struct exam *x, struct bytes attest, struct bytes signature, bool raw, struct bytes object,
                        struct tpm_certification *out)
{
    struct fault fault = {0};
    bool shape;

    *out = (struct tpm_certification){0};
    shape = tpm_attest_read(x->arena, attest, &out->attest, &fault) &&
            tpm_public_read(x->arena, object, &out->object, &fault);
    return holds(x, CHECK_TPM_CERTIFY_SHAPE, shape, &fault) && decode_kind(x, &certify_rows, &out->attest) &&
           decode_signature(x, &certify_rows, signature, raw, &out->signature);
}

/* By collision another object can have the same name where it is made with SHA-1: it would be vouched for too. */
static bool name_ok(struct exam *x, const struct tpm_certification *c)
{
    struct bytes name = c->object.name;
    bool old = c->object.name_alg == tpm_digest_alg(DIGEST_SHA1);

    if (check_found(x, TPM_CERTIFY_NAME, name.n && !old && bytes_equal(c->attest.name, name), c->attest.name, name))
        return true;
    if (old)
        check_note(x->trace, "the name of the certified key is made with SHA-1, under which others can have the same");
    return false;
}

bool tpm_certify_verify(struct exam *x, const struct tpm_certification *c, const struct public_key *key,
                        const struct bytes *nonce, const char *why)
{
    return signature_ok(x, &certify_rows, &c->signature, key, c->attest.bytes) &&
           nonce_ok(x, &certify_rows, &c->attest, nonce, why) && name_ok(x, c);
}
