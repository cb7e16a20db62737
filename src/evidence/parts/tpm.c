/* Public areas and signatures, and what all structures of a TPM share. What is attested: tpm_attest.c; registers: tpm_pcrs.c. */
#include "evidence/parts/tpm_mu.h"

#include <stdlib.h>

enum { PUBLIC_EXPONENT = 65537, P256_COORDINATE = 32, P384_COORDINATE = 48 };

/* libtss2-mu tells its caller what is wrong, and standard error too, which whoever sends evidence could then fill. */
__attribute__((constructor)) static void keep_the_library_quiet(void)
{
    setenv("TSS2_LOG", "all+none", 0);
}

static const struct {
    uint16_t id;
    uint8_t size;
    int8_t alg; /* enum digest_alg; -1: known by its size alone */
} digests[] = {
    {TPM2_ALG_SHA1, SHA1_SIZE, DIGEST_SHA1},
    {TPM2_ALG_SHA256, SHA256_SIZE, DIGEST_SHA256},
    {TPM2_ALG_SHA384, SHA384_SIZE, DIGEST_SHA384},
    {TPM2_ALG_SHA512, SHA512_SIZE, DIGEST_SHA512},
    {TPM2_ALG_SM3_256, 32, -1},
    {TPM2_ALG_SHA3_256, 32, -1},
    {TPM2_ALG_SHA3_384, 48, -1},
    {TPM2_ALG_SHA3_512, 64, -1},
};

size_t tpm_alg_size(uint16_t id)
{
    for (size_t i = 0; i < sizeof digests / sizeof *digests; i++)
        if (digests[i].id == id)
            return digests[i].size;
    return 0;
}

bool tpm_alg_digest(uint16_t id, enum digest_alg *out)
{
    for (size_t i = 0; i < sizeof digests / sizeof *digests; i++)
        if (digests[i].id == id && digests[i].alg >= 0) {
            *out = (enum digest_alg)digests[i].alg;
            return true;
        }
    return false;
}

uint16_t tpm_digest_alg(enum digest_alg alg)
{
    for (size_t i = 0; i < sizeof digests / sizeof *digests; i++)
        if (digests[i].alg == (int)alg)
            return digests[i].id;
    return TPM2_ALG_NULL;
}

/* ------------------------------------------------------------------------------------------------ public areas */

/* A number of n bytes to one of `size`, big endian; false where it is larger. */
static bool put_padded(uint8_t *out, size_t size, const uint8_t *p, size_t n)
{
    for (; n > size && *p == 0; n--)
        p++;
    if (n > size)
        return false;
    if (n)
        memcpy(out + size - n, p, n);
    return true;
}

static bool rsa_key(struct arena *a, const TPMT_PUBLIC *in, struct public_key *out)
{
    uint32_t e = in->parameters.rsaDetail.exponent ? in->parameters.rsaDetail.exponent : PUBLIC_EXPONENT;
    const TPM2B_PUBLIC_KEY_RSA *n = &in->unique.rsa;
    struct writer exponent = wr_open(a);

    for (int shift = 24; shift >= 0; shift -= 8)
        if (e >> shift)
            wr_u8(&exponent, (uint8_t)(e >> shift));
    return n->size * 8u == in->parameters.rsaDetail.keyBits &&
           public_key_from_rsa(arena_copy(a, bytes_make(n->buffer, n->size)), wr_done(&exponent), out);
}

static bool ec_key(struct arena *a, const TPMT_PUBLIC *in, struct public_key *out)
{
    TPM2_ECC_CURVE curve = in->parameters.eccDetail.curveID;
    size_t size = curve == TPM2_ECC_NIST_P256 ? P256_COORDINATE : curve == TPM2_ECC_NIST_P384 ? P384_COORDINATE : 0;
    const TPMS_ECC_POINT *point = &in->unique.ecc;

    if (!size)
        return false;
    uint8_t *p = arena_alloc(a, 2 * size);
    return put_padded(p, size, point->x.buffer, point->x.size) &&
           put_padded(p + size, size, point->y.buffer, point->y.size) &&
           public_key_from_point(bytes_make(p, 2 * size), out);
}

static void set_symmetric(const TPMT_SYM_DEF_OBJECT *in, struct tpm_public *out)
{
    out->symmetric = in->algorithm;
    if (in->algorithm != TPM2_ALG_NULL) {
        out->symmetric_bits = in->keyBits.sym;
        out->symmetric_mode = in->mode.sym;
    }
}

/* Algorithms of a key; a kind that has none leaves them TPM_ALG_NULL. */
static void set_scheme(const TPMT_PUBLIC *in, struct tpm_public *out)
{
    out->scheme = out->scheme_hash = out->symmetric = TPM2_ALG_NULL;
    if (in->type == TPM2_ALG_RSA) {
        const TPMS_RSA_PARMS *p = &in->parameters.rsaDetail;

        set_symmetric(&p->symmetric, out);
        out->scheme = p->scheme.scheme;
        if (p->scheme.scheme != TPM2_ALG_NULL && p->scheme.scheme != TPM2_ALG_RSAES)
            out->scheme_hash = p->scheme.details.anySig.hashAlg;
    } else if (in->type == TPM2_ALG_ECC) {
        const TPMS_ECC_PARMS *p = &in->parameters.eccDetail;

        set_symmetric(&p->symmetric, out);
        out->scheme = p->scheme.scheme;
        if (p->scheme.scheme != TPM2_ALG_NULL)
            out->scheme_hash = p->scheme.details.anySig.hashAlg;
    }
}

/* Its algorithm, then the digest of the area (TCG part 1, "Names"). */
static struct bytes name_of(struct arena *a, uint16_t alg, struct bytes area)
{
    enum digest_alg d;

    if (!tpm_alg_digest(alg, &d))
        return BYTES_NONE;
    size_t size = digest_size(d);
    uint8_t *p = arena_alloc(a, 2 + size);
    p[0] = (uint8_t)(alg >> 8);
    p[1] = (uint8_t)alg;
    digest_parts(d, &area, 1, p + 2);
    return bytes_make(p, 2 + size);
}

static bool read_area(struct arena *a, struct bytes text, struct tpm_public *out, size_t *used, struct fault *fault)
{
    TPMT_PUBLIC in = {0};
    size_t offset = 0;

    if (Tss2_MU_TPMT_PUBLIC_Unmarshal(text.p, text.n, &offset, &in) != TSS2_RC_SUCCESS)
        return fault_set(fault, FAULT_SYNTAX, "not a public area of a TPM");
    *used = offset;
    *out = (struct tpm_public){.bytes = bytes_first(text, offset),
                               .type = in.type,
                               .name_alg = in.nameAlg,
                               .attributes = in.objectAttributes,
                               .auth_policy = arena_copy(a, bytes_make(in.authPolicy.buffer, in.authPolicy.size))};
    set_scheme(&in, out);
    out->name = name_of(a, in.nameAlg, out->bytes);
    bool usable = in.type == TPM2_ALG_RSA   ? rsa_key(a, &in, &out->key)
                  : in.type == TPM2_ALG_ECC ? ec_key(a, &in, &out->key)
                                            : false;
    if (!usable)
        out->key = (struct public_key){.kind = KEY_NONE};
    return true;
}

/* A bare area begins with its kind; as a size such a number is too small for any area. */
static bool begins_bare(struct bytes text)
{
    struct reader r = rd_open(text);
    uint16_t first = rd_u16be(&r);

    return first == TPM2_ALG_RSA || first == TPM2_ALG_ECC || first == TPM2_ALG_KEYEDHASH || first == TPM2_ALG_SYMCIPHER;
}

bool tpm_public_read_first(struct arena *a, struct bytes text, struct tpm_public *out, struct bytes *rest,
                           struct fault *fault)
{
    struct bytes area = text;
    bool bare = begins_bare(text);
    size_t used;

    *out = (struct tpm_public){0};
    *rest = BYTES_NONE;
    if (!bare) {
        struct reader r = rd_open(text);

        area = rd_take(&r, rd_u16be(&r));
        *rest = rd_rest(&r);
        if (!rd_ok(&r))
            return fault_set(fault, FAULT_SYNTAX, "a public area of a TPM that ends before its size");
    }
    if (!read_area(a, area, out, &used, fault))
        return false;
    if (bare)
        *rest = bytes_after(text, used);
    else if (used != area.n)
        return fault_set(fault, FAULT_SYNTAX, "%zu bytes more than a public area of a TPM has", area.n - used);
    return true;
}

bool tpm_public_read(struct arena *a, struct bytes text, struct tpm_public *out, struct fault *fault)
{
    struct bytes rest;

    if (!tpm_public_read_first(a, text, out, &rest, fault))
        return false;
    return rest.n == 0 || fault_set(fault, FAULT_SYNTAX, "%zu bytes behind a public area of a TPM", rest.n);
}

bool tpm_public_attests(const struct tpm_public *p)
{
    const uint32_t must = TPM_FIXED_TPM | TPM_RESTRICTED | TPM_SIGN;

    return (p->attributes & must) == must && !(p->attributes & TPM_DECRYPT);
}

/* -------------------------------------------------------------------------------------------------- signatures */

/* Zeros may stand before r and s, or be left out. */
static struct bytes number(const TPM2B_ECC_PARAMETER *in)
{
    struct bytes n = bytes_make(in->buffer, in->size);

    while (n.n && n.p[0] == 0)
        n = bytes_after(n, 1);
    return n;
}

static bool read_ecdsa(struct arena *a, const TPMS_SIGNATURE_ECC *in, struct tpm_signature *out, struct fault *fault)
{
    struct bytes r = number(&in->signatureR), s = number(&in->signatureS);
    size_t size = r.n <= P256_COORDINATE && s.n <= P256_COORDINATE ? P256_COORDINATE : P384_COORDINATE;
    uint8_t *p = arena_alloc(a, 2 * size);

    if (!put_padded(p, size, r.p, r.n) || !put_padded(p + size, size, s.p, s.n))
        return fault_set(fault, FAULT_SYNTAX, "an ECDSA signature of a curve that is not accepted");
    out->value = bytes_make(p, 2 * size);
    return true;
}

bool tpm_signature_read(struct arena *a, struct bytes text, struct tpm_signature *out, struct fault *fault)
{
    TPMT_SIGNATURE in = {0};
    size_t offset = 0;

    *out = (struct tpm_signature){0};
    if (Tss2_MU_TPMT_SIGNATURE_Unmarshal(text.p, text.n, &offset, &in) != TSS2_RC_SUCCESS)
        return fault_set(fault, FAULT_SYNTAX, "not a signature of a TPM");
    if (offset != text.n)
        return fault_set(fault, FAULT_SYNTAX, "%zu bytes behind the signature", text.n - offset);
    out->alg = in.sigAlg;
    if (in.sigAlg != TPM2_ALG_RSASSA && in.sigAlg != TPM2_ALG_RSAPSS && in.sigAlg != TPM2_ALG_ECDSA)
        return fault_set(fault, FAULT_SYNTAX, "a signature of algorithm 0x%04x, which is not accepted", in.sigAlg);
    if (!tpm_alg_digest(in.signature.any.hashAlg, &out->hash))
        return fault_set(fault, FAULT_SYNTAX, "a signature over digest 0x%04x, which is not accepted",
                         in.signature.any.hashAlg);
    if (in.sigAlg == TPM2_ALG_ECDSA)
        return read_ecdsa(a, &in.signature.ecdsa, out, fault);
    out->value = arena_copy(a, bytes_make(in.signature.rsassa.sig.buffer, in.signature.rsassa.sig.size));
    return true;
}

struct tpm_signature tpm_signature_rsassa(struct bytes value)
{
    return (struct tpm_signature){.alg = TPM2_ALG_RSASSA, .hash = DIGEST_SHA256, .value = value};
}

/* Two small numbers may have come without the zeros that a larger curve has before them. */
static bool ecdsa_ok(const struct public_key *key, struct bytes hash, struct bytes value)
{
    uint8_t buffer[2 * P384_COORDINATE] = {0};
    size_t size = key->point.n / 2, half = value.n / 2;

    if (key->point.n > sizeof buffer || half > size || value.n % 2)
        return false;
    for (size_t i = 0; i < 2; i++)
        memcpy(buffer + (i + 1) * size - half, value.p + i * half, half);
    return ecdsa_verify(key, hash, bytes_make(buffer, 2 * size));
}

bool tpm_signature_verify(const struct tpm_signature *s, const struct public_key *key, struct bytes message)
{
    uint8_t buffer[DIGEST_MAX];
    struct bytes hash = bytes_make(buffer, digest_size(s->hash));

    digest_parts(s->hash, &message, 1, buffer);
    switch (s->alg) {
    case TPM2_ALG_RSASSA: return rsa_pkcs1_verify(key, s->hash, hash, s->value);
    case TPM2_ALG_RSAPSS: return rsa_pss_verify(key, s->hash, hash, SALT_ANY, s->value);
    case TPM2_ALG_ECDSA: return key->kind != KEY_RSA && ecdsa_ok(key, hash, s->value);
    default: return false;
    }
}
