/* ECDSA on P-384 with nettle, whose field arithmetic for this curve is written for it; OpenSSL's is for any prime. */
#include <nettle/ecc-curve.h>
#include <nettle/ecdsa.h>
#undef ecdsa_verify /* a short name of nettle's for its own, and the name of ours */

#include "crypto/ecdsa.h"

enum { COORDINATE = 48 };

static void import(mpz_t out, struct bytes big_endian)
{
    mpz_import(out, big_endian.n, 1, 1, 1, 0, big_endian.p);
}

/* ecc_point_set refuses what is not on the curve, nettle_ecdsa_verify r and s outside 1..n-1. */
static bool verify(struct bytes x, struct bytes y, struct bytes hash, struct bytes r, struct bytes s)
{
    struct dsa_signature signature;
    struct ecc_point key;
    mpz_t px, py;

    mpz_inits(px, py, NULL);
    ecc_point_init(&key, nettle_get_secp_384r1());
    dsa_signature_init(&signature);
    import(px, x);
    import(py, y);
    import(signature.r, r);
    import(signature.s, s);
    bool ok = ecc_point_set(&key, px, py) == 1 && nettle_ecdsa_verify(&key, hash.n, hash.p, &signature) == 1;

    dsa_signature_clear(&signature);
    ecc_point_clear(&key);
    mpz_clears(px, py, NULL);
    return ok;
}

bool ecdsa_verify_nettle(const struct public_key *key, struct bytes hash, struct bytes signature)
{
    if (key->kind != KEY_P384 || key->point.n != 2 * COORDINATE || signature.n != 2 * COORDINATE || hash.n == 0 ||
        hash.n > DIGEST_MAX)
        return false;
    return verify(bytes_first(key->point, COORDINATE), bytes_after(key->point, COORDINATE), hash,
                  bytes_first(signature, COORDINATE), bytes_after(signature, COORDINATE));
}
