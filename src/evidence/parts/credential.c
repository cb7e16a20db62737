#include "evidence/parts/credential.h"

#include "crypto/aead.h"
#include "crypto/rsa_encrypt.h"
#include "evidence/parts/tpm_mu.h"

/* --------------------------------------------------------------------------------------------------- the file form */

enum { FILE_VERSION = 1 };
#define MAGIC 0xbadcc0deu /* of tpm2-tools */

bool credential_read(struct arena *a, struct bytes file, struct credential *out, struct fault *fault)
{
    struct reader r = rd_open(file);
    uint32_t magic = rd_u32be(&r), version = rd_u32be(&r);
    TPM2B_ID_OBJECT id = {0};
    TPM2B_ENCRYPTED_SECRET secret = {0};
    size_t offset = 0;

    *out = (struct credential){0};
    if (!rd_ok(&r) || magic != MAGIC || version != FILE_VERSION)
        return fault_set(fault, FAULT_SYNTAX, "not the file of a credential, version 1");
    struct bytes body = rd_rest(&r);
    if (Tss2_MU_TPM2B_ID_OBJECT_Unmarshal(body.p, body.n, &offset, &id) != TSS2_RC_SUCCESS ||
        Tss2_MU_TPM2B_ENCRYPTED_SECRET_Unmarshal(body.p, body.n, &offset, &secret) != TSS2_RC_SUCCESS ||
        offset != body.n)
        return fault_set(fault, FAULT_SYNTAX, "the lengths inside the credential do not fit");
    out->id_object = arena_copy(a, bytes_make(id.credential, id.size));
    out->secret = arena_copy(a, bytes_make(secret.secret, secret.size));
    return true;
}

static void put_u16(struct writer *w, size_t v)
{
    wr_u8(w, (uint8_t)(v >> 8));
    wr_u8(w, (uint8_t)v);
}

static void put_sized(struct writer *w, struct bytes b)
{
    put_u16(w, b.n);
    wr_put(w, b);
}

struct bytes credential_write(struct arena *a, const struct credential *c)
{
    struct writer w = wr_open(a);

    put_u16(&w, MAGIC >> 16);
    put_u16(&w, MAGIC & 0xffff);
    put_u16(&w, 0);
    put_u16(&w, FILE_VERSION);
    put_sized(&w, c->id_object);
    put_sized(&w, c->secret);
    return wr_done(&w);
}

/* ---------------------------------------------------------------------------------------------------------- making */

/* KDFa (part 1, 11.4.10.2) where one round gives enough: HMAC(key, 1 || label || 0 || context || bits). */
static void kdfa(enum digest_alg alg, struct bytes key, const char *label, struct bytes context, uint32_t bits,
                 uint8_t out[DIGEST_MAX])
{
    const uint8_t counter[] = {0, 0, 0, 1},
                  size[] = {(uint8_t)(bits >> 24), (uint8_t)(bits >> 16), (uint8_t)(bits >> 8), (uint8_t)bits};
    struct bytes parts[] = {BYTES_OF(counter), bytes_make(label, strlen(label) + 1), context, BYTES_OF(size)};

    hmac_parts(alg, key, parts, sizeof parts / sizeof *parts, out);
}

/* TPM2B(integrity) || encrypted TPM2B(secret). */
static bool make_id_object(struct arena *a, enum digest_alg alg, struct bytes seed, struct bytes name,
                           struct bytes secret, struct bytes *out)
{
    size_t size = digest_size(alg);
    uint8_t key[DIGEST_MAX], integrity[DIGEST_MAX];
    struct writer plain = wr_open(a), w = wr_open(a);

    put_sized(&plain, secret);
    struct bytes text = wr_done(&plain);
    uint8_t *identity = arena_alloc(a, text.n);
    kdfa(alg, seed, "STORAGE", name, 8 * CFB_KEY_SIZE, key);
    bool ok = cfb_encrypt(key, text, identity);
    kdfa(alg, seed, "INTEGRITY", BYTES_NONE, (uint32_t)(8 * size), key);
    struct bytes parts[] = {bytes_make(identity, text.n), name};
    hmac_parts(alg, bytes_make(key, size), parts, 2, integrity);
    secret_wipe(key, sizeof key);
    put_sized(&w, bytes_make(integrity, size));
    wr_put(&w, parts[0]);
    *out = wr_done(&w);
    return ok;
}

/* A storage key as the default template of endorsement keys makes it. */
static bool fits(const struct tpm_public *ek, enum digest_alg *alg, struct fault *fault)
{
    const uint32_t must = TPM_RESTRICTED | TPM_DECRYPT;

    if (ek->type != TPM2_ALG_RSA || ek->key.kind != KEY_RSA)
        return fault_set(fault, FAULT_CRYPTO, "the endorsement key is no RSA key of 2048 to 4096 bits");
    if ((ek->attributes & must) != must || ek->attributes & TPM_SIGN)
        return fault_set(fault, FAULT_CRYPTO, "the key is no storage key: not restricted and decrypting");
    if (ek->symmetric != TPM2_ALG_AES || ek->symmetric_bits != 8 * CFB_KEY_SIZE || ek->symmetric_mode != TPM2_ALG_CFB)
        return fault_set(fault, FAULT_CRYPTO, "the endorsement key does not go with AES-128 in CFB mode");
    return tpm_alg_digest(ek->name_alg, alg) ||
           fault_set(fault, FAULT_CRYPTO, "the endorsement key's digest 0x%04x is not known here", ek->name_alg);
}

bool credential_make(struct arena *a, const struct tpm_public *ek, struct bytes name, struct bytes secret,
                     const uint8_t random[CREDENTIAL_RANDOM], struct credential *out, struct fault *fault)
{
    enum digest_alg alg;

    *out = (struct credential){0};
    if (!fits(ek, &alg, fault))
        return false;
    size_t size = digest_size(alg);
    struct bytes seed = bytes_make(random, size), padding = bytes_make(random + DIGEST_MAX, size);
    /* A TPM takes no secret longer than its digest (part 3, TPM2_MakeCredential). */
    if (secret.n == 0 || secret.n > size || secret.n > CREDENTIAL_SECRET_MOST || name.n < 2)
        return fault_set(fault, FAULT_USAGE, "a secret of %zu bytes, or no name", secret.n);
    if (!make_id_object(a, alg, seed, name, secret, &out->id_object) ||
        !rsa_oaep_encrypt(&ek->key, alg, BYTES_LIT("IDENTITY\0"), seed, padding, a, &out->secret))
        return fault_set(fault, FAULT_CRYPTO, "libcrypto failed");
    return true;
}
