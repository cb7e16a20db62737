/* RSA keys and signatures that come out of a seed alike each time. */
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "crypto/digest.h"
#include "simulate/keys.h"

enum { BITS = 2048, SIZE = BITS / 8, PRIME_SIZE = SIZE / 2, EXPONENT = 65537, SEED_SIZE = 32, REMEMBERED = 32 };

static struct remembered {
    uint8_t seed[SEED_SIZE];
    unsigned number;
    EVP_PKEY *key;
} remembered[REMEMBERED];

/* n bytes out of the parts: counter after counter hashed with them. This is also MGF1 (RFC 8017, B.2.1), its counter being
 * behind. */
static void expand(enum digest_alg alg, struct bytes secret, uint8_t *out, size_t n)
{
    size_t step = digest_size(alg);
    uint8_t block[DIGEST_MAX];

    for (size_t done = 0, i = 0; done < n; done += step, i++) {
        uint8_t counter[] = {0, 0, (uint8_t)(i >> 8), (uint8_t)i};
        struct bytes parts[] = {secret, BYTES_OF(counter)};

        digest_parts(alg, parts, 2, block);
        memcpy(out + done, block, n - done < step ? n - done : step);
    }
}

/* The next prime from where the seed points to, of full size, and fit for the exponent; NULL when libcrypto failed. */
static BIGNUM *prime(struct bytes seed, unsigned number, unsigned which, BN_CTX *bn)
{
    uint8_t start[PRIME_SIZE], names[] = {(uint8_t)number, (uint8_t)which}, hash[SHA256_SIZE];
    struct bytes parts[] = {BYTES_LIT("simulated prime"), BYTES_OF(names), seed};
    BIGNUM *p;
    int is = 0;

    digest_parts(DIGEST_SHA256, parts, 3, hash);
    expand(DIGEST_SHA256, BYTES_OF(hash), start, sizeof start);
    start[0] |= 0xc0; /* so that the product of two has all its bits */
    start[sizeof start - 1] |= 1;
    p = BN_bin2bn(start, sizeof start, NULL);
    while (p && is == 0)
        if ((is = BN_mod_word(p, EXPONENT) == 1 ? 0 : BN_check_prime(p, bn, NULL)) == 0 && BN_add_word(p, 2) != 1)
            is = -1;
    if (is == 1)
        return p;
    BN_free(p);
    return NULL;
}

static EVP_PKEY *key_of(const BIGNUM *n, const BIGNUM *e, const BIGNUM *d)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM *params = NULL;
    EVP_PKEY *key = NULL;

    if (build && context && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_D, d) == 1 && (params = OSSL_PARAM_BLD_to_param(build)) &&
        EVP_PKEY_fromdata_init(context) == 1 && EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params) != 1)
        key = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(context);
    return key;
}

static EVP_PKEY *make(struct bytes seed, unsigned number)
{
    BN_CTX *bn = BN_CTX_new();
    BIGNUM *p = bn ? prime(seed, number, 1, bn) : NULL, *q = p ? prime(seed, number, 2, bn) : NULL;
    BIGNUM *n = BN_new(), *e = BN_new(), *d = NULL;
    EVP_PKEY *key = NULL;

    if (q && n && e && BN_mul(n, p, q, bn) == 1 && BN_set_word(e, EXPONENT) == 1 && BN_sub_word(p, 1) == 1 &&
        BN_sub_word(q, 1) == 1 && BN_mul(p, p, q, bn) == 1 && (d = BN_mod_inverse(NULL, e, p, bn)) != NULL)
        key = key_of(n, e, d);
    BN_clear_free(p);
    BN_clear_free(q);
    BN_clear_free(d);
    BN_free(n);
    BN_free(e);
    BN_CTX_free(bn);
    return key;
}

EVP_PKEY *rsa_derive(struct bytes seed, unsigned number, bool known)
{
    static size_t next;
    EVP_PKEY *key = NULL;

    for (size_t i = 0; known && i < REMEMBERED && !key; i++)
        if (remembered[i].key && remembered[i].number == number && bytes_equal(BYTES_OF(remembered[i].seed), seed))
            key = remembered[i].key;
    if (key)
        return EVP_PKEY_up_ref(key) == 1 ? key : NULL;
    key = make(seed, number);
    if (known && key && seed.n == SEED_SIZE && EVP_PKEY_up_ref(key) == 1) {
        struct remembered *r = &remembered[next++ % REMEMBERED];

        EVP_PKEY_free(r->key);
        *r = (struct remembered){.number = number, .key = key};
        memcpy(r->seed, seed.p, SEED_SIZE);
    }
    return key;
}

bool rsa_modulus(struct arena *a, EVP_PKEY *key, struct bytes *out)
{
    uint8_t *modulus = arena_alloc(a, SIZE);
    BIGNUM *n = NULL;
    bool ok = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) == 1 && BN_bn2binpad(n, modulus, SIZE) == SIZE;

    BN_free(n);
    *out = bytes_make(modulus, SIZE);
    return ok;
}

/* EMSA-PSS (RFC 8017, 9.1.1) for a modulus of BITS bits, so that one bit of the encoded message is clear. */
static void pss_encode(enum digest_alg alg, struct bytes message, uint8_t em[SIZE])
{
    static const uint8_t zeros[8];
    size_t n = digest_size(alg), db = SIZE - n - 1;
    uint8_t hash[DIGEST_MAX], salt[DIGEST_MAX], mask[SIZE];
    struct bytes seed[] = {BYTES_LIT("simulated salt"), bytes_make(hash, n)};
    struct bytes parts[] = {BYTES_OF(zeros), bytes_make(hash, n), bytes_make(salt, n)};

    digest_parts(alg, &message, 1, hash);
    digest_parts(alg, seed, 2, salt);
    digest_parts(alg, parts, 3, em + db);
    memset(em, 0, db);
    em[db - n - 1] = 1;
    memcpy(em + db - n, salt, n);
    expand(alg, bytes_make(em + db, n), mask, db);
    for (size_t i = 0; i < db; i++)
        em[i] ^= mask[i];
    em[0] &= 0x7f;
    em[SIZE - 1] = 0xbc;
}

static bool raw_sign(EVP_PKEY *key, const uint8_t em[SIZE], uint8_t out[SIZE])
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    size_t n = SIZE;
    bool ok = context && EVP_PKEY_sign_init(context) == 1 &&
              EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING) == 1 &&
              EVP_PKEY_sign(context, out, &n, em, SIZE) == 1 && n == SIZE;

    EVP_PKEY_CTX_free(context);
    return ok;
}

static bool pkcs1_sign(EVP_PKEY *key, const EVP_MD *md, struct bytes message, uint8_t out[SIZE])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t n = SIZE;
    bool ok = context && EVP_DigestSignInit(context, NULL, md, NULL, key) == 1 &&
              EVP_DigestSign(context, out, &n, message.p, message.n) == 1 && n == SIZE;

    EVP_MD_CTX_free(context);
    return ok;
}

struct bytes rsa_sign(struct arena *a, EVP_PKEY *key, enum signature_alg alg, struct bytes message)
{
    bool pss = alg >= SIGNATURE_PS256;
    unsigned which = (unsigned)alg - (unsigned)(pss ? SIGNATURE_PS256 : SIGNATURE_RS256);
    const EVP_MD *mds[] = {EVP_sha256(), EVP_sha384(), EVP_sha512()};
    uint8_t em[SIZE], *out = arena_alloc(a, SIZE);

    if (which > 2)
        return BYTES_NONE;
    if (!pss)
        return pkcs1_sign(key, mds[which], message, out) ? bytes_make(out, SIZE) : BYTES_NONE;
    pss_encode((enum digest_alg)(DIGEST_SHA256 + which), message, em);
    return raw_sign(key, em, out) ? bytes_make(out, SIZE) : BYTES_NONE;
}
