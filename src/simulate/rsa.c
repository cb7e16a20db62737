/* RSA keys and signatures that come out of a seed alike each time. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "crypto/digest.h"
#include "crypto/rsa_primes.h"
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

/* What the first candidate leaves when divided by 3, 5, 7 and so on, so that most others need no arithmetic of large numbers. */
enum { DIVISORS = 1024 };

static bool has_small_factor(const uint16_t rests[DIVISORS], unsigned offset)
{
    for (unsigned i = 0; i < DIVISORS; i++)
        if ((rests[i] + offset) % (2 * i + 3) == 0)
            return true;
    return false;
}

/* (-2)^(p-1) = 1 mod p; for numbers of full size, as the negative is, libcrypto has its fastest code. A number that comes out of a digest and lies is not to be expected before the end of the world; libcrypto's 64 rounds
 * are against numbers that somebody chose. 1, 0, or -1 when libcrypto failed. */
static int fermat(const BIGNUM *p, BN_CTX *bn)
{
    BIGNUM *less = BN_dup(p), *power = BN_new(), *base = BN_dup(p);
    int is = -1;

    if (less && power && base && BN_sub_word(less, 1) == 1 && BN_sub_word(base, 2) == 1 &&
        BN_mod_exp_mont_consttime(power, base, less, p, bn, NULL) == 1)
        is = BN_is_one(power);
    BN_free(less);
    BN_free(power);
    BN_free(base);
    return is;
}

/* The next prime from p on that is fit for the exponent. */
static bool next_prime(BIGNUM *p, BN_CTX *bn)
{
    uint16_t rests[DIVISORS];

    for (unsigned i = 0; i < DIVISORS; i++)
        rests[i] = (uint16_t)BN_mod_word(p, 2 * i + 3);
    for (unsigned offset = 0, at = 0;; offset += 2) {
        if (has_small_factor(rests, offset))
            continue;
        if (BN_add_word(p, offset - at) != 1)
            return false;
        at = offset;
        int is = BN_mod_word(p, EXPONENT) == 1 ? 0 : fermat(p, bn);
        if (is != 0)
            return is == 1;
    }
}

/* Of full size, from where the seed points to; NULL when libcrypto failed. */
static BIGNUM *prime(struct bytes seed, unsigned number, unsigned which, BN_CTX *bn)
{
    uint8_t start[PRIME_SIZE], names[] = {(uint8_t)number, (uint8_t)which}, hash[SHA256_SIZE];
    struct bytes parts[] = {BYTES_LIT("simulated prime"), BYTES_OF(names), seed};
    BIGNUM *p;

    digest_parts(DIGEST_SHA256, parts, 3, hash);
    expand(DIGEST_SHA256, BYTES_OF(hash), start, sizeof start);
    start[0] |= 0xc0; /* so that the product of two has all its bits */
    start[sizeof start - 1] |= 1;
    p = BN_bin2bn(start, sizeof start, NULL);
    if (p && next_prime(p, bn))
        return p;
    BN_free(p);
    return NULL;
}

static EVP_PKEY *make(struct bytes seed, unsigned number)
{
    BN_CTX *bn = BN_CTX_new();
    BIGNUM *p = bn ? prime(seed, number, 1, bn) : NULL, *q = p ? prime(seed, number, 2, bn) : NULL;
    uint8_t both[2 * PRIME_SIZE];
    EVP_PKEY *key = NULL;

    if (q && BN_bn2binpad(p, both, PRIME_SIZE) == PRIME_SIZE &&
        BN_bn2binpad(q, both + PRIME_SIZE, PRIME_SIZE) == PRIME_SIZE)
        key = rsa_from_primes(BYTES_OF(both));
    BN_free(p);
    BN_free(q);
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
