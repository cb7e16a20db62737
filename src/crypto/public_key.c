/* Keys as plain data: from and to SubjectPublicKeyInfo. */
#include "crypto/ecdsa.h"
#include "crypto/der_write.h"
#include "crypto/verify.h"

enum { RSA_BITS_SHORT = 1024, RSA_BITS_LEAST = 2048, RSA_BITS_MOST = 4096, RSA_EXPONENT_BYTES = 4 };

/* DER contents of the algorithm identifiers that are accepted. */
static const uint8_t oid_rsa[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
static const uint8_t oid_ec[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
static const uint8_t oid_p256[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static const uint8_t oid_p384[] = {0x2b, 0x81, 0x04, 0x00, 0x22};

/* Residues of powers of 65537: what every prime that Infineon's faulty library made lies among (ROCA, CVE-2017-15361), and
 * so their product. One in 2^28 other moduli does. TPMs with that library are still about, and their keys can be factored. */
static bool generated_by_roca(struct bytes modulus)
{
    /* The primes up to 167 of which these powers are not all residues. */
    static const uint8_t primes[] = {11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157};

    for (size_t i = 0; i < sizeof primes; i++) {
        uint32_t p = primes[i], residue = 0, power = 1;

        for (size_t k = 0; k < modulus.n; k++)
            residue = (residue << 8 | modulus.p[k]) % p;
        while (power != residue && (power = power * (65537 % p) % p) != 1)
            ;
        if (power != residue)
            return false;
    }
    return true;
}

static bool rsa_key(struct bytes modulus, struct bytes exponent, size_t least, struct public_key *out)
{
    size_t bits = modulus.n * 8;

    for (uint8_t top = modulus.n ? modulus.p[0] : 0; bits && !(top & 0x80); top = (uint8_t)(top << 1))
        if (--bits % 8 == 0)
            return false; /* a leading zero byte */
    if (bits < least || bits > RSA_BITS_MOST || !(modulus.p[modulus.n - 1] & 1))
        return false;
    if (exponent.n == 0 || exponent.n > RSA_EXPONENT_BYTES || exponent.p[0] == 0 || !(exponent.p[exponent.n - 1] & 1) ||
        (exponent.n == 1 && exponent.p[0] < 3))
        return false;
    if (generated_by_roca(modulus))
        return false;
    *out = (struct public_key){.kind = KEY_RSA, .modulus = modulus, .exponent = exponent};
    return true;
}

bool public_key_from_rsa(struct bytes modulus, struct bytes exponent, struct public_key *out)
{
    *out = (struct public_key){0};
    return rsa_key(modulus, exponent, RSA_BITS_LEAST, out);
}

bool public_key_from_point(struct bytes point, struct public_key *out)
{
    enum key_kind kind = point.n == 64 ? KEY_P256 : point.n == 96 ? KEY_P384 : KEY_NONE;

    *out = (struct public_key){0};
    if (kind == KEY_NONE || !ecdsa_point_valid(kind, point))
        return false;
    *out = (struct public_key){.kind = kind, .point = point};
    return true;
}

static bool decode_rsa(struct bytes bits, size_t least, struct public_key *out)
{
    struct reader r = rd_open(bits), key = der_enter(&r, DER_SEQUENCE);
    struct bytes modulus = der_unsigned(&key), exponent = der_unsigned(&key);

    return rd_end(&r) && rd_end(&key) && rsa_key(modulus, exponent, least, out);
}

static bool decode_ec(struct bytes curve, struct bytes bits, struct public_key *out)
{
    size_t size = bytes_equal(curve, BYTES_OF(oid_p256)) ? 64 : bytes_equal(curve, BYTES_OF(oid_p384)) ? 96 : 0;

    return size && bits.n == size + 1 && bits.p[0] == 4 && public_key_from_point(bytes_after(bits, 1), out);
}

static bool decode(struct arena *a, struct bytes spki, size_t least, struct public_key *out)
{
    struct bytes copy = arena_copy(a, spki);
    struct reader outer = rd_open(copy), r = der_enter(&outer, DER_SEQUENCE), alg = der_enter(&r, DER_SEQUENCE);
    struct bytes oid = der_take(&alg, DER_OID), curve = BYTES_NONE;
    bool rsa = bytes_equal(oid, BYTES_OF(oid_rsa));

    *out = (struct public_key){0};
    if (rsa)
        der_take(&alg, DER_NULL);
    else
        curve = der_take(&alg, DER_OID);
    struct bytes bits = der_bits(&r);
    if (!rd_end(&outer) || !rd_end(&r) || !rd_end(&alg) || !(rsa || bytes_equal(oid, BYTES_OF(oid_ec))))
        return false;
    if (!(rsa ? decode_rsa(bits, least, out) : decode_ec(curve, bits, out)))
        return false;
    out->spki = copy;
    return true;
}

bool public_key_decode(struct arena *a, struct bytes spki, struct public_key *out)
{
    return decode(a, spki, RSA_BITS_LEAST, out);
}

bool public_key_decode_short(struct arena *a, struct bytes spki, struct public_key *out)
{
    return decode(a, spki, RSA_BITS_SHORT, out);
}

static struct bytes spki_of(struct arena *a, struct bytes alg, struct bytes bits)
{
    return DER_ELEMENT(a, DER_SEQUENCE, DER_ELEMENT(a, DER_SEQUENCE, alg),
                       DER_ELEMENT(a, DER_BIT_STRING, BYTES_LIT("\0"), bits));
}

struct bytes public_key_spki(struct arena *a, const struct public_key *key)
{
    struct writer alg = wr_open(a), point = wr_open(a);

    if (key->spki.n || key->kind == KEY_NONE)
        return key->spki;
    if (key->kind == KEY_RSA) {
        wr_put(&alg, DER_ELEMENT(a, DER_OID, BYTES_OF(oid_rsa)));
        wr_put(&alg, DER_ELEMENT(a, DER_NULL, BYTES_NONE));
        return spki_of(
            a, wr_done(&alg),
            DER_ELEMENT(a, DER_SEQUENCE, der_write_unsigned(a, key->modulus), der_write_unsigned(a, key->exponent)));
    }
    struct bytes curve = key->kind == KEY_P256 ? BYTES_OF(oid_p256) : BYTES_OF(oid_p384);
    wr_u8(&point, 4);
    wr_put(&point, key->point);
    wr_put(&alg, DER_ELEMENT(a, DER_OID, BYTES_OF(oid_ec)));
    wr_put(&alg, DER_ELEMENT(a, DER_OID, curve));
    return spki_of(a, wr_done(&alg), wr_done(&point));
}

bool public_key_equal(const struct public_key *a, const struct public_key *b)
{
    return a->kind != KEY_NONE && a->kind == b->kind && bytes_equal(a->point, b->point) &&
           bytes_equal(a->modulus, b->modulus) && bytes_equal(a->exponent, b->exponent);
}
