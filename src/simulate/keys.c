#include "simulate/keys.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>

#include "crypto/der_write.h"
#include "crypto/digest.h"

/* Scalars, coordinates and the digest that is signed have one size each. */
struct curve {
    int nid;
    char name[16];
    int size;
    enum digest_alg digest;
};
enum { SIZE_MOST = SHA384_SIZE, POINT_MOST = 1 + 2 * SIZE_MOST };

static const struct curve p256 = {NID_X9_62_prime256v1, "prime256v1", SHA256_SIZE, DIGEST_SHA256},
                          p384 = {NID_secp384r1, "secp384r1", SHA384_SIZE, DIGEST_SHA384};

static const struct curve *curve_of(EVP_PKEY *key)
{
    return EVP_PKEY_get_bits(key) == 8 * p384.size ? &p384 : &p256;
}

static size_t point_size(const struct curve *c)
{
    return (size_t)(1 + 2 * c->size);
}

/* A number from 1 to order - 1 out of the digest of the parts. The bias is that of reducing so few bits: of no weight here. */
static BIGNUM *scalar(const struct curve *c, const struct bytes *parts, size_t count, const EC_GROUP *group, BN_CTX *bn)
{
    uint8_t hash[SIZE_MOST];
    BIGNUM *k, *below = BN_dup(EC_GROUP_get0_order(group));

    digest_parts(c->digest, parts, count, hash);
    k = BN_bin2bn(hash, c->size, NULL);
    bool ok = k && below && BN_sub_word(below, 1) == 1 && BN_mod(k, k, below, bn) == 1 && BN_add_word(k, 1) == 1;
    BN_free(below);
    if (ok)
        return k;
    BN_free(k);
    return NULL;
}

/* An EVP_PKEY of a secret number and its point. */
static EVP_PKEY *key_of(const struct curve *c, const BIGNUM *secret, const uint8_t *point)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    OSSL_PARAM *params = NULL;
    EVP_PKEY *key = NULL;

    if (build && context && OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, c->name, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, point_size(c)) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, secret) == 1 &&
        (params = OSSL_PARAM_BLD_to_param(build)) && EVP_PKEY_fromdata_init(context) == 1 &&
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params) != 1)
        key = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(context);
    return key;
}

EVP_PKEY *key_derive(enum key_kind curve, struct bytes seed, unsigned number)
{
    const struct curve *c = curve == KEY_P384 ? &p384 : &p256;
    uint8_t which = (uint8_t)number, point[POINT_MOST];
    struct bytes parts[] = {BYTES_LIT("simulated key"), bytes_make(&which, 1), seed};
    EC_GROUP *group = EC_GROUP_new_by_curve_name(c->nid);
    BN_CTX *bn = BN_CTX_new();
    EC_POINT *public = group ? EC_POINT_new(group) : NULL;
    BIGNUM *secret = public && bn ? scalar(c, parts, 3, group, bn) : NULL;
    EVP_PKEY *key = NULL;

    if (secret && EC_POINT_mul(group, public, secret, NULL, NULL, bn) == 1 &&
        EC_POINT_point2oct(group, public, POINT_CONVERSION_UNCOMPRESSED, point, sizeof point, bn) == point_size(c))
        key = key_of(c, secret, point);
    BN_free(secret);
    EC_POINT_free(public);
    EC_GROUP_free(group);
    BN_CTX_free(bn);
    return key;
}

/* r is the x of k times the generator, s = (z + r * secret) / k; all modulo the order (SEC 1, 4.1.3). */
static bool sign_numbers(const EC_GROUP *group, const BIGNUM *secret, const BIGNUM *k, const BIGNUM *z, BIGNUM *r,
                         BIGNUM *s, BN_CTX *bn)
{
    const BIGNUM *order = EC_GROUP_get0_order(group);
    EC_POINT *point = EC_POINT_new(group);
    BIGNUM *inverse = BN_mod_inverse(NULL, k, order, bn);
    bool ok = point && inverse && EC_POINT_mul(group, point, k, NULL, NULL, bn) == 1 &&
              EC_POINT_get_affine_coordinates(group, point, r, NULL, bn) == 1 && BN_nnmod(r, r, order, bn) == 1 &&
              BN_mod_mul(s, r, secret, order, bn) == 1 && BN_mod_add(s, s, z, order, bn) == 1 &&
              BN_mod_mul(s, s, inverse, order, bn) == 1;

    BN_free(inverse);
    EC_POINT_free(point);
    return ok && !BN_is_zero(r) && !BN_is_zero(s);
}

struct bytes key_sign(struct arena *a, EVP_PKEY *key, struct bytes message)
{
    const struct curve *c = curve_of(key);
    size_t size = (size_t)c->size;
    uint8_t hash[SIZE_MOST], own[SIZE_MOST], *out = arena_alloc(a, 2 * size);
    struct bytes parts[] = {BYTES_LIT("simulated nonce"), bytes_make(own, size), bytes_make(hash, size)};
    EC_GROUP *group = EC_GROUP_new_by_curve_name(c->nid);
    BN_CTX *bn = BN_CTX_new();
    BIGNUM *secret = NULL, *k = NULL, *z, *r = BN_new(), *s = BN_new();

    digest_parts(c->digest, &message, 1, hash);
    z = BN_bin2bn(hash, c->size, NULL);
    bool ok = group && bn && r && s && z && EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &secret) == 1 &&
              BN_bn2binpad(secret, own, c->size) == c->size && (k = scalar(c, parts, 3, group, bn)) != NULL &&
              sign_numbers(group, secret, k, z, r, s, bn) && BN_bn2binpad(r, out, c->size) == c->size &&
              BN_bn2binpad(s, out + size, c->size) == c->size;
    BN_free(secret);
    BN_free(k);
    BN_free(z);
    BN_free(r);
    BN_free(s);
    EC_GROUP_free(group);
    BN_CTX_free(bn);
    return ok ? bytes_make(out, 2 * size) : BYTES_NONE;
}

static struct bytes without_zeros(struct bytes b)
{
    while (b.n > 1 && b.p[0] == 0)
        b = bytes_after(b, 1);
    return b;
}

struct bytes key_sign_der(struct arena *a, EVP_PKEY *key, struct bytes message)
{
    struct bytes raw = key_sign(a, key, message);

    if (raw.n == 0)
        return raw;
    return DER_ELEMENT(a, DER_SEQUENCE, der_write_unsigned(a, without_zeros(bytes_first(raw, raw.n / 2))),
                       der_write_unsigned(a, without_zeros(bytes_after(raw, raw.n / 2))));
}

struct bytes key_point(struct arena *a, EVP_PKEY *key)
{
    uint8_t octets[POINT_MOST];
    size_t n = 0;

    if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, octets, sizeof octets, &n) != 1 ||
        n != point_size(curve_of(key)))
        return BYTES_NONE;
    return arena_copy(a, bytes_make(octets + 1, n - 1));
}
