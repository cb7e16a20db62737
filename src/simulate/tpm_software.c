/* A TPM of our own: the same seed makes the same quotes, byte for byte, and it lies where a fault asks for it. */
#include "simulate/keys.h"
#include "simulate/tpm_marshal.h"

enum {
    KEY_FORGER = TPM_KEY_TOTAL, /* number of a key that no TPM holds */
    KEYS,
    FIRST_KEY = 32, /* number of the AK below the seed: lower ones are its authorities' */
    FIRST_DYNAMIC = 17,
    LAST_DYNAMIC = 22,
    RESETS = 7,
    FIRST_CLOCK = 60000,
    TICK = 1000,
};
#define FIRMWARE UINT64_C(0x2024010100010002)

struct software {
    uint8_t pcr[SIMULATED_BANKS][SIMULATED_PCRS][DIGEST_MAX];
    EVP_PKEY *key[KEYS];
    uint64_t clock; /* milliseconds since the reset */
};

static bool lies(const struct simulated_tpm *t, const char *name)
{
    return t->options->fault && strcmp(t->options->fault, name) == 0;
}

static bool lies_of(const struct simulated_tpm *t, const char *what, const char *how)
{
    return lies(t, arena_printf(t->arena, "tpm.%s.%s", what, how));
}

static bool software_open(struct simulated_tpm *t, struct fault *fault)
{
    struct software *s = ARENA_NEW(t->arena, struct software);

    (void)fault;
    *s = (struct software){.clock = FIRST_CLOCK};
    for (int bank = 0; bank < SIMULATED_BANKS; bank++)
        for (int pcr = FIRST_DYNAMIC; pcr <= LAST_DYNAMIC; pcr++)
            memset(s->pcr[bank][pcr], 0xff, DIGEST_MAX);
    for (int bank = 0; bank < SIMULATED_BANKS; bank++)
        if (t->options->variation && strcmp(t->options->variation, "locality-3") == 0)
            s->pcr[bank][0][digest_size(simulated_banks[bank]) - 1] = 3;
    t->state = s;
    return true;
}

static void software_close(struct simulated_tpm *t)
{
    struct software *s = t->state;

    for (int i = 0; s && i < KEYS; i++)
        EVP_PKEY_free(s->key[i]);
    t->state = NULL;
}

static bool software_extend(struct simulated_tpm *t, unsigned pcr, const struct bytes digests[SIMULATED_BANKS],
                            struct fault *fault)
{
    struct software *s = t->state;

    (void)fault;
    for (int bank = 0; bank < SIMULATED_BANKS; bank++) {
        uint8_t *value = s->pcr[bank][pcr];
        struct bytes parts[] = {bytes_make(value, digest_size(simulated_banks[bank])), digests[bank]};

        digest_parts(simulated_banks[bank], parts, 2, value);
    }
    return true;
}

static bool software_read(struct simulated_tpm *t, int bank, unsigned pcr, struct bytes *value, struct fault *fault)
{
    const struct software *s = t->state;

    (void)fault;
    *value = arena_copy(t->arena, bytes_make(s->pcr[bank][pcr], digest_size(simulated_banks[bank])));
    return true;
}

static bool failed(struct fault *fault)
{
    return fault_set(fault, FAULT_CRYPTO, "libcrypto could not make a key or signature");
}

static bool is_ecc(const struct simulated_tpm *t)
{
    return t->options->ak && strcmp(t->options->ak, "ecdsa") == 0;
}

/* The forger's is of the AK's kind. */
static EVP_PKEY *key_at(struct simulated_tpm *t, int key)
{
    struct software *s = t->state;
    bool ecc = (key == TPM_KEY_AK || key == KEY_FORGER) && is_ecc(t);
    unsigned number = FIRST_KEY + (unsigned)key;

    if (!s->key[key])
        s->key[key] = ecc ? key_derive(KEY_P256, t->seed, number) : rsa_derive(t->seed, number, t->options->seed != 0);
    return s->key[key];
}

static bool fill_rsa(struct arena *a, EVP_PKEY *key, TPMT_PUBLIC *p)
{
    struct bytes modulus;

    if (!rsa_modulus(a, key, &modulus))
        return false;
    p->unique.rsa.size = (UINT16)modulus.n;
    memcpy(p->unique.rsa.buffer, modulus.p, modulus.n);
    return true;
}

static bool fill_ecc(struct arena *a, EVP_PKEY *key, TPMT_PUBLIC *p)
{
    struct bytes point = key_point(a, key);

    if (point.n != 2 * SHA256_SIZE)
        return false;
    p->unique.ecc.x.size = p->unique.ecc.y.size = SHA256_SIZE;
    memcpy(p->unique.ecc.x.buffer, point.p, SHA256_SIZE);
    memcpy(p->unique.ecc.y.buffer, point.p + SHA256_SIZE, SHA256_SIZE);
    return true;
}

/* Keys to which no answer may be encrypted. */
static void loosen(const struct simulated_tpm *t, TPMT_PUBLIC *p)
{
    static const struct {
        const char *fault;
        TPMA_OBJECT changed;
    } flaws[] = {{"guest.key.attributes", TPMA_OBJECT_USERWITHAUTH},
                 {"guest.key.attributes:exportable", TPMA_OBJECT_FIXEDTPM},
                 {"guest.key.attributes:parent", TPMA_OBJECT_FIXEDPARENT},
                 {"guest.key.attributes:imported", TPMA_OBJECT_SENSITIVEDATAORIGIN},
                 {"guest.key.attributes:signs", TPMA_OBJECT_SIGN_ENCRYPT},
                 {"guest.key.attributes:no-decryption", TPMA_OBJECT_DECRYPT}};

    for (size_t i = 0; i < sizeof flaws / sizeof *flaws; i++)
        if (lies(t, flaws[i].fault))
            p->objectAttributes ^= flaws[i].changed;
}

static bool software_make_key(struct simulated_tpm *t, enum simulated_tpm_key key, struct bytes policy,
                              struct fault *fault)
{
    TPMT_PUBLIC p = simulated_template(key, t->options, policy);
    EVP_PKEY *made = key_at(t, (int)key);

    if (key == TPM_KEY_EPHEMERAL)
        loosen(t, &p);
    if (!made || !(p.type == TPM2_ALG_ECC ? fill_ecc(t->arena, made, &p) : fill_rsa(t->arena, made, &p)))
        return failed(fault);
    return simulated_tpm_keep(t, key, &p, fault);
}

/* TPMT_SIGNATURE over what is attested, by the AK or one who claims to be it. */
static struct bytes sign_attest(struct simulated_tpm *t, int key, struct bytes attest)
{
    bool pss = t->options->ak && strcmp(t->options->ak, "rsapss") == 0;
    TPMT_SIGNATURE s = {.sigAlg = pss ? TPM2_ALG_RSAPSS : TPM2_ALG_RSASSA};
    EVP_PKEY *signer = key_at(t, key);
    struct bytes raw;

    if (!signer)
        return BYTES_NONE;
    s.signature.any.hashAlg = TPM2_ALG_SHA256;
    if (is_ecc(t)) {
        raw = key_sign(t->arena, signer, attest);
        if (raw.n != 2 * SHA256_SIZE)
            return BYTES_NONE;
        s.sigAlg = TPM2_ALG_ECDSA;
        s.signature.ecdsa.signatureR.size = s.signature.ecdsa.signatureS.size = SHA256_SIZE;
        memcpy(s.signature.ecdsa.signatureR.buffer, raw.p, SHA256_SIZE);
        memcpy(s.signature.ecdsa.signatureS.buffer, raw.p + SHA256_SIZE, SHA256_SIZE);
        return marshal_signature(t->arena, &s);
    }
    raw = rsa_sign(t->arena, signer, pss ? SIGNATURE_PS256 : SIGNATURE_RS256, attest);
    s.signature.rsassa.sig.size = (UINT16)raw.n;
    if (raw.n)
        memcpy(s.signature.rsassa.sig.buffer, raw.p, raw.n);
    return raw.n ? marshal_signature(t->arena, &s) : BYTES_NONE;
}

/* Of a key directly below the hierarchy `handle`. */
static void qualify(struct arena *a, uint8_t handle, struct bytes area, TPM2B_NAME *out)
{
    const uint8_t parent[] = {0x40, 0, 0, handle};
    struct bytes name = simulated_name(a, area), parts[] = {BYTES_OF(parent), name};

    out->size = (UINT16)name.n;
    memcpy(out->name, name.p, 2);
    digest_parts(DIGEST_SHA256, parts, 2, out->name + 2);
}

/* What all attestations say. */
static TPMS_ATTEST statement(struct simulated_tpm *t, const char *what, TPM2_ST type, struct bytes extra_data)
{
    struct software *s = t->state;
    TPMS_ATTEST out = {.magic = TPM2_GENERATED_VALUE, .type = type, .firmwareVersion = FIRMWARE};

    s->clock += TICK;
    out.clockInfo = (TPMS_CLOCK_INFO){.clock = s->clock, .resetCount = RESETS, .safe = TPM2_YES};
    if (s->clock == FIRST_CLOCK + TICK) { /* the first one */
        out.clockInfo.resetCount += lies(t, "attreq.boot.clock:reset");
        out.clockInfo.restartCount += lies(t, "attreq.boot.clock:restart");
    }
    qualify(t->arena, 0x0b, t->public[TPM_KEY_AK].area, &out.qualifiedSigner);
    out.extraData.size = (UINT16)extra_data.n;
    if (extra_data.n)
        memcpy(out.extraData.buffer, extra_data.p, extra_data.n);
    if (lies_of(t, what, "nonce")) {
        out.extraData.size = out.extraData.size ? out.extraData.size : 1;
        out.extraData.buffer[0] ^= 1;
    }
    return out;
}

/* What libtss2-mu would not write stands in the bytes: offset 0 the magic, 4 the type. */
static bool finish(struct simulated_tpm *t, const char *what, const TPMS_ATTEST *s, struct simulated_attest *out,
                   struct fault *fault)
{
    struct bytes attest = marshal_attest(t->arena, s);
    uint8_t *p = (uint8_t *)(uintptr_t)attest.p; /* ours, just made */

    if (attest.n == 0)
        return failed(fault);
    if (lies_of(t, what, "magic"))
        p[0] ^= 1;
    if (lies_of(t, what, "type"))
        p[5] ^= 1;
    if (lies_of(t, what, "shape"))
        attest.n--;
    bool forged = lies_of(t, what, "signature");
    *out = (struct simulated_attest){attest, sign_attest(t, forged ? KEY_FORGER : TPM_KEY_AK, attest)};
    if (lies_of(t, what, "signature:changed"))
        p[attest.n - 1] ^= 1;
    if (lies_of(t, what, "signature_shape"))
        out->signature.n--;
    return out->signature.n || failed(fault);
}

/* One register once more: its bank is selected twice. */
static void select_twice(TPML_PCR_SELECTION *s)
{
    s->pcrSelections[s->count] = (TPMS_PCR_SELECTION){.hash = s->pcrSelections[0].hash, .sizeofSelect = 3};
    s->pcrSelections[s->count++].pcrSelect[0] = 1;
}

static bool software_quote(struct simulated_tpm *t, const struct simulated_selection *selection,
                           struct bytes extra_data, struct simulated_attest *out, struct fault *fault)
{
    TPMS_ATTEST s = statement(t, "quote", TPM2_ST_ATTEST_QUOTE, extra_data);
    const struct software *state = t->state;
    struct writer values = wr_open(t->arena);

    s.attested.quote.pcrSelect = marshal_selection(selection);
    for (int bank = 0; bank < SIMULATED_BANKS; bank++)
        for (int pcr = 0; pcr < SIMULATED_PCRS; pcr++)
            if (selection->mask[bank] & 1u << pcr)
                wr_put(&values, bytes_make(state->pcr[bank][pcr], digest_size(simulated_banks[bank])));
    if (lies(t, "tpm.quote.selection")) {
        select_twice(&s.attested.quote.pcrSelect);
        wr_put(&values, bytes_make(state->pcr[1][0], SHA256_SIZE));
    }
    s.attested.quote.pcrDigest.size = SHA256_SIZE;
    sha256(wr_done(&values), s.attested.quote.pcrDigest.buffer);
    s.attested.quote.pcrDigest.buffer[0] ^= lies(t, "tpm.quote.pcrs");
    return finish(t, "quote", &s, out, fault);
}

static bool software_certify(struct simulated_tpm *t, enum simulated_tpm_key key, struct bytes extra_data,
                             struct simulated_attest *out, struct fault *fault)
{
    TPMS_ATTEST s = statement(t, "certify", TPM2_ST_ATTEST_CERTIFY, extra_data);
    struct bytes name = simulated_name(t->arena, t->public[key].area);

    s.attested.certify.name.size = (UINT16)name.n;
    memcpy(s.attested.certify.name.name, name.p, name.n);
    s.attested.certify.name.name[2] ^= lies(t, "tpm.certify.name");
    qualify(t->arena, 0x01, t->public[key].area, &s.attested.certify.qualifiedName);
    return finish(t, "certify", &s, out, fault);
}

static bool software_sign(struct simulated_tpm *t, enum simulated_tpm_key key, struct bytes message,
                          struct bytes *signature, struct fault *fault)
{
    EVP_PKEY *signer = key_at(t, (int)key);

    *signature = signer ? rsa_sign(t->arena, signer, SIGNATURE_PS256, message) : BYTES_NONE;
    return signature->n || failed(fault);
}

const struct simulated_tpm_driver software_tpm = {
    .name = "a TPM of our own",
    .can_lie = true,
    .open = software_open,
    .extend = software_extend,
    .read = software_read,
    .make_key = software_make_key,
    .quote = software_quote,
    .certify = software_certify,
    .sign = software_sign,
    .close = software_close,
};
