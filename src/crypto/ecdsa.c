/* ECDSA on OpenSSL's EC_KEY. These functions are deprecated in OpenSSL 3, but a key made with EVP_PKEY_fromdata costs as much
 * as a third of the verification that it is made for, and attestation keys come with every quote. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/ecdsa.h"

#include <pthread.h>
#include <stdlib.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/obj_mac.h>

#include "crypto/der.h"

static EC_GROUP *p256, *p384;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_groups(void)
{
    p256 = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    p384 = EC_GROUP_new_by_curve_name(NID_secp384r1);
    if (!p256 || !p384)
        abort(); /* a libcrypto without these curves cannot serve */
}

static const EC_GROUP *group_of(enum key_kind kind)
{
    pthread_once(&once, make_groups);
    return kind == KEY_P256 ? p256 : kind == KEY_P384 ? p384 : NULL;
}

static size_t coordinate_size(enum key_kind kind)
{
    return kind == KEY_P256 ? 32 : 48;
}

enum { POINT_MAX = 97 };

/* The point, checked to be on the curve. */
static EC_POINT *read_point(const EC_GROUP *group, enum key_kind kind, struct bytes point)
{
    uint8_t octets[POINT_MAX] = {POINT_CONVERSION_UNCOMPRESSED};

    if (!group || point.n != 2 * coordinate_size(kind))
        return NULL;
    memcpy(octets + 1, point.p, point.n);
    EC_POINT *p = EC_POINT_new(group);
    if (p && EC_POINT_oct2point(group, p, octets, point.n + 1, NULL) == 1)
        return p;
    EC_POINT_free(p);
    return NULL;
}

bool ecdsa_point_valid(enum key_kind curve, struct bytes point)
{
    EC_POINT *p = read_point(group_of(curve), curve, point);

    EC_POINT_free(p);
    return p != NULL;
}

static EC_KEY *make_key(const struct public_key *key)
{
    const EC_GROUP *group = group_of(key->kind);
    EC_POINT *point = read_point(group, key->kind, key->point);
    EC_KEY *k = point ? EC_KEY_new() : NULL;

    if (k && (EC_KEY_set_group(k, group) != 1 || EC_KEY_set_public_key(k, point) != 1)) {
        EC_KEY_free(k);
        k = NULL;
    }
    EC_POINT_free(point);
    return k;
}

static ECDSA_SIG *make_signature(enum key_kind kind, struct bytes signature)
{
    size_t half = coordinate_size(kind);

    if (signature.n != 2 * half)
        return NULL;
    BIGNUM *r = BN_bin2bn(signature.p, (int)half, NULL), *s = BN_bin2bn(signature.p + half, (int)half, NULL);
    ECDSA_SIG *sig = ECDSA_SIG_new();
    if (r && s && sig && ECDSA_SIG_set0(sig, r, s) == 1)
        return sig;
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);
    return NULL;
}

bool ecdsa_verify(const struct public_key *key, struct bytes hash, struct bytes signature)
{
    /* nettle cannot add a point to itself where a signature is made to need it; so its no is not the last word. */
    return ecdsa_verify_nettle(key, hash, signature) || ecdsa_verify_openssl(key, hash, signature);
}

/* ECDSA_do_verify refuses r and s outside 1..n-1 itself. */
bool ecdsa_verify_openssl(const struct public_key *key, struct bytes hash, struct bytes signature)
{
    if ((key->kind != KEY_P256 && key->kind != KEY_P384) || hash.n == 0 || hash.n > DIGEST_MAX)
        return false;
    ECDSA_SIG *sig = make_signature(key->kind, signature);
    EC_KEY *k = sig ? make_key(key) : NULL;
    bool ok = k && ECDSA_do_verify(hash.p, (int)hash.n, sig, k) == 1;

    EC_KEY_free(k);
    ECDSA_SIG_free(sig);
    return ok;
}

bool ecdsa_from_der(struct arena *a, enum key_kind curve, struct bytes der, struct bytes *out)
{
    struct reader outer = rd_open(der), r = der_enter(&outer, DER_SEQUENCE);
    struct bytes part[2] = {der_unsigned(&r), BYTES_NONE};
    size_t half = coordinate_size(curve);

    part[1] = der_unsigned(&r);
    if (!rd_end(&outer) || !rd_end(&r) || part[0].n > half || part[1].n > half)
        return false;
    uint8_t *p = arena_alloc(a, 2 * half);
    for (size_t i = 0; i < 2; i++)
        memcpy(p + (i + 1) * half - part[i].n, part[i].p, part[i].n);
    *out = bytes_make(p, 2 * half);
    return true;
}
