#include "simulate/tpm.h"

#include <openssl/x509.h>
#include <tss2/tss2_mu.h>

#include "base/text.h"
#include "simulate/tpm_marshal.h"

enum { MARSHALLED_MOST = 2048, SELECT_SIZE = 3, RSA_BITS = 2048 };

const enum digest_alg simulated_banks[SIMULATED_BANKS] = {DIGEST_SHA1, DIGEST_SHA256, DIGEST_SHA384};
const TPM2_ALG_ID simulated_bank_ids[SIMULATED_BANKS] = {TPM2_ALG_SHA1, TPM2_ALG_SHA256, TPM2_ALG_SHA384};

/* ------------------------------------------------------------------------------------------------------- marshalling */

struct bytes marshal_public(struct arena *a, const TPMT_PUBLIC *p)
{
    uint8_t *out = arena_alloc(a, MARSHALLED_MOST);
    size_t n = 0;

    return Tss2_MU_TPMT_PUBLIC_Marshal(p, out, MARSHALLED_MOST, &n) == TSS2_RC_SUCCESS ? bytes_make(out, n)
                                                                                       : BYTES_NONE;
}

struct bytes marshal_attest(struct arena *a, const TPMS_ATTEST *t)
{
    uint8_t *out = arena_alloc(a, MARSHALLED_MOST);
    size_t n = 0;

    return Tss2_MU_TPMS_ATTEST_Marshal(t, out, MARSHALLED_MOST, &n) == TSS2_RC_SUCCESS ? bytes_make(out, n)
                                                                                       : BYTES_NONE;
}

struct bytes marshal_signature(struct arena *a, const TPMT_SIGNATURE *s)
{
    uint8_t *out = arena_alloc(a, MARSHALLED_MOST);
    size_t n = 0;

    return Tss2_MU_TPMT_SIGNATURE_Marshal(s, out, MARSHALLED_MOST, &n) == TSS2_RC_SUCCESS ? bytes_make(out, n)
                                                                                          : BYTES_NONE;
}

TPML_PCR_SELECTION marshal_selection(const struct simulated_selection *s)
{
    TPML_PCR_SELECTION out = {0};

    for (int bank = 0; bank < SIMULATED_BANKS; bank++) {
        TPMS_PCR_SELECTION *one = &out.pcrSelections[out.count];

        if (!s->mask[bank])
            continue;
        *one = (TPMS_PCR_SELECTION){.hash = simulated_bank_ids[bank], .sizeofSelect = SELECT_SIZE};
        for (int i = 0; i < SELECT_SIZE; i++)
            one->pcrSelect[i] = (uint8_t)(s->mask[bank] >> 8 * i);
        out.count++;
    }
    return out;
}

struct bytes simulated_name(struct arena *a, struct bytes area)
{
    struct writer w = wr_open(a);

    wr_put(&w, BYTES_LIT("\x00\x0b"));
    wr_put(&w, sha256_of(a, area));
    return wr_done(&w);
}

/* -------------------------------------------------------------------------------------------------------------- keys */

static bool is(const char *given, const char *name)
{
    return given && strcmp(given, name) == 0;
}

static void rsa_scheme(TPMT_PUBLIC *p, TPM2_ALG_ID scheme)
{
    p->type = TPM2_ALG_RSA;
    p->parameters.rsaDetail =
        (TPMS_RSA_PARMS){.symmetric.algorithm = TPM2_ALG_NULL, .scheme.scheme = scheme, .keyBits = RSA_BITS};
    p->parameters.rsaDetail.scheme.details.anySig.hashAlg = TPM2_ALG_SHA256;
}

static void ecc_scheme(TPMT_PUBLIC *p)
{
    p->type = TPM2_ALG_ECC;
    p->parameters.eccDetail = (TPMS_ECC_PARMS){.symmetric.algorithm = TPM2_ALG_NULL,
                                               .scheme.scheme = TPM2_ALG_ECDSA,
                                               .curveID = TPM2_ECC_NIST_P256,
                                               .kdf.scheme = TPM2_ALG_NULL};
    p->parameters.eccDetail.scheme.details.anySig.hashAlg = TPM2_ALG_SHA256;
}

TPMT_PUBLIC simulated_template(enum simulated_tpm_key key, const struct simulate_options *options, struct bytes policy)
{
    TPMA_OBJECT held = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN;
    TPMT_PUBLIC p = {.nameAlg = TPM2_ALG_SHA256, .objectAttributes = held | TPMA_OBJECT_USERWITHAUTH};

    if (key == TPM_KEY_EPHEMERAL)
        p.objectAttributes = held | TPMA_OBJECT_NODA | TPMA_OBJECT_DECRYPT; /* snp-cvm.md 3.4 */
    else
        p.objectAttributes |= TPMA_OBJECT_SIGN_ENCRYPT;
    if (key == TPM_KEY_AK)
        p.objectAttributes |= TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_NODA;
    if (key == TPM_KEY_AK && is(options->ak, "ecdsa"))
        ecc_scheme(&p);
    else if (key == TPM_KEY_AK)
        rsa_scheme(&p, is(options->ak, "rsapss") ? TPM2_ALG_RSAPSS : TPM2_ALG_RSASSA);
    else
        rsa_scheme(&p, TPM2_ALG_NULL);
    p.authPolicy.size = (UINT16)policy.n;
    if (policy.n)
        memcpy(p.authPolicy.buffer, policy.p, policy.n);
    return p;
}

static struct bytes joined(struct arena *a, const TPM2B_ECC_PARAMETER *x, const TPM2B_ECC_PARAMETER *y)
{
    uint8_t *out = arena_alloc(a, 2 * (size_t)SHA256_SIZE);

    memset(out, 0, 2 * (size_t)SHA256_SIZE);
    if (x->size > SHA256_SIZE || y->size > SHA256_SIZE)
        return BYTES_NONE;
    memcpy(out + SHA256_SIZE - x->size, x->buffer, x->size);
    memcpy(out + 2 * (size_t)SHA256_SIZE - y->size, y->buffer, y->size);
    return bytes_make(out, 2 * (size_t)SHA256_SIZE);
}

bool simulated_tpm_keep(struct simulated_tpm *t, enum simulated_tpm_key key, const TPMT_PUBLIC *made,
                        struct fault *fault)
{
    struct public_key *k = &t->public[key].key;
    bool ok =
        made->type == TPM2_ALG_RSA
            ? public_key_from_rsa(arena_copy(t->arena, bytes_make(made->unique.rsa.buffer, made->unique.rsa.size)),
                                  BYTES_LIT("\x01\x00\x01"), k)
            : public_key_from_point(joined(t->arena, &made->unique.ecc.x, &made->unique.ecc.y), k);

    t->public[key].area = marshal_public(t->arena, made);
    return (ok && t->public[key].area.n) || fault_set(fault, FAULT_CRYPTO, "the TPM's key is of no known form");
}

static void wr_jwk_number(struct writer *w, const char *name, struct bytes number)
{
    wr_printf(w, ",\"%s\":\"", name);
    wr_base64url(w, number);
    wr_text(w, "\"");
}

struct bytes simulated_tpm_jwk(struct simulated_tpm *t, enum simulated_tpm_key key)
{
    const struct public_key *k = &t->public[key].key;
    struct writer w = wr_open(t->arena);

    if (k->kind == KEY_RSA) {
        wr_text(&w, "{\"kty\":\"RSA\"");
        wr_jwk_number(&w, "n", k->modulus);
        wr_jwk_number(&w, "e", k->exponent);
    } else {
        wr_text(&w, "{\"kty\":\"EC\",\"crv\":\"P-256\"");
        wr_jwk_number(&w, "x", bytes_first(k->point, k->point.n / 2));
        wr_jwk_number(&w, "y", bytes_after(k->point, k->point.n / 2));
    }
    wr_text(&w, "}");
    return wr_done(&w);
}

EVP_PKEY *simulated_public_key(struct arena *a, const struct public_key *key)
{
    struct bytes spki = public_key_spki(a, key);
    const unsigned char *p = spki.p;

    return d2i_PUBKEY(NULL, &p, (long)spki.n);
}

/* ---------------------------------------------------------------------------------------------------------- policies */

/* What the SHA-256 bank's registers hold, joined and hashed. */
static bool digest_registers(struct simulated_tpm *t, uint32_t mask, struct bytes *out, struct fault *fault)
{
    struct writer w = wr_open(t->arena);

    for (unsigned pcr = 0; pcr < SIMULATED_PCRS; pcr++) {
        struct bytes value;

        if (!(mask & 1u << pcr))
            continue;
        if (!t->driver->read(t, 1, pcr, &value, fault))
            return false;
        wr_put(&w, value);
    }
    *out = sha256_of(t->arena, wr_done(&w));
    return true;
}

bool simulated_tpm_policy(struct simulated_tpm *t, uint32_t mask, struct bytes *policy, struct fault *fault)
{
    static const uint8_t nothing[SHA256_SIZE];
    TPML_PCR_SELECTION selection = marshal_selection(&(struct simulated_selection){{0, mask, 0}});
    uint8_t marshalled[64];
    struct bytes digest;
    size_t n = 0;

    if (!digest_registers(t, mask, &digest, fault))
        return false;
    if (Tss2_MU_TPML_PCR_SELECTION_Marshal(&selection, marshalled, sizeof marshalled, &n) != TSS2_RC_SUCCESS)
        return fault_set(fault, FAULT_CRYPTO, "a selection of registers cannot be written");
    struct bytes parts[] = {BYTES_OF(nothing), BYTES_LIT("\x00\x00\x01\x7f"), bytes_make(marshalled, n), digest};
    uint8_t *out = arena_alloc(t->arena, SHA256_SIZE);
    digest_parts(DIGEST_SHA256, parts, 4, out);
    *policy = bytes_make(out, SHA256_SIZE);
    return true;
}

bool simulated_tpm_open(struct simulated_tpm *t, struct arena *a, const struct simulate_options *options,
                        struct bytes seed, struct fault *fault)
{
    *t = (struct simulated_tpm){
        .driver = options->tpm ? options->tpm : &software_tpm, .arena = a, .options = options, .seed = seed};
    if (t->driver->open(t, fault))
        return true;
    t->driver->close(t);
    return false;
}
