#include "crypto/x509_parts.h"

#include "base/text.h"

static const struct {
    enum signature_alg alg;
    const char *identifier; /* the whole AlgorithmIdentifier */
    size_t n;
} algorithms[] = {
#define ROW(alg, text)             \
    {                              \
        alg, text, sizeof text - 1 \
    }
    ROW(SIGNATURE_ES256, "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"),
    ROW(SIGNATURE_ES384, "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03"),
    ROW(SIGNATURE_ES512, "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x04"),
    ROW(SIGNATURE_RS256, "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00"),
    ROW(SIGNATURE_RS384, "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c\x05\x00"),
    ROW(SIGNATURE_RS512, "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d\x05\x00"),
#undef ROW
};

bool x509_envelope(struct bytes der, struct signed_parts *out)
{
    struct reader outer = rd_open(der), r = der_enter(&outer, DER_SEQUENCE);

    out->tbs = der_take_whole(&r, DER_SEQUENCE);
    out->alg = der_take_whole(&r, DER_SEQUENCE);
    out->signature = der_bits(&r);
    return rd_end(&outer) && rd_end(&r) && out->signature.n > 0;
}

/* AlgorithmIdentifier of a digest: parameters are NULL or absent. */
static bool pss_digest(struct reader *r, struct bytes *oid)
{
    struct reader alg = der_enter(r, DER_SEQUENCE);

    *oid = der_take(&alg, DER_OID);
    if (rd_left(&alg))
        der_take(&alg, DER_NULL);
    return rd_end(&alg);
}

/* RSASSA-PSS-params (RFC 4055 3.1). Values are compared, not bytes: AMD writes the default trailer in some certificates and
 * leaves it out of others. One digest for message and mask, a salt of its size; nothing else is accepted. */
static enum signature_alg pss_alg(struct bytes identifier)
{
    static const uint8_t oid_pss[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a};
    static const uint8_t oid_mgf1[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08};
    static const uint8_t oid_sha2[] = {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02}; /* and 1, 2, 3 */
    static const enum signature_alg algs[] = {SIGNATURE_NONE, SIGNATURE_PS256, SIGNATURE_PS384, SIGNATURE_PS512};
    static const uint8_t salts[] = {0, SHA256_SIZE, SHA384_SIZE, SHA512_SIZE};
    struct reader outer = rd_open(identifier), r = der_enter(&outer, DER_SEQUENCE);
    bool pss = bytes_equal(der_take(&r, DER_OID), BYTES_OF(oid_pss));
    struct reader params = der_enter(&r, DER_SEQUENCE), hash = der_enter(&params, DER_CONSTRUCTED(0)),
                  mask = der_enter(&params, DER_CONSTRUCTED(1)), salt = der_enter(&params, DER_CONSTRUCTED(2));
    struct reader mgf = der_enter(&mask, DER_SEQUENCE);
    bool mgf1 = bytes_equal(der_take(&mgf, DER_OID), BYTES_OF(oid_mgf1));
    struct bytes digest_oid, mask_oid;
    bool digests = pss_digest(&hash, &digest_oid) && pss_digest(&mgf, &mask_oid);
    uint64_t salt_size = der_u64(&salt), trailer = 1;

    if (rd_left(&params)) {
        struct reader field = der_enter(&params, DER_CONSTRUCTED(3));

        trailer = der_u64(&field);
        params.failed |= !rd_end(&field);
    }
    bool whole = rd_end(&outer) && rd_end(&r) && rd_end(&params) && rd_end(&hash) && rd_end(&mask) && rd_end(&salt) &&
                 rd_end(&mgf);
    if (!pss || !mgf1 || !digests || !whole || trailer != 1 || !bytes_equal(digest_oid, mask_oid) ||
        digest_oid.n != sizeof oid_sha2 + 1 ||
        !bytes_equal(bytes_first(digest_oid, sizeof oid_sha2), BYTES_OF(oid_sha2)))
        return SIGNATURE_NONE;
    uint8_t which = digest_oid.p[sizeof oid_sha2];
    return which >= 1 && which <= 3 && salt_size == salts[which] ? algs[which] : SIGNATURE_NONE;
}

enum signature_alg x509_signature_alg(struct bytes identifier)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
        if (bytes_equal(identifier, bytes_make(algorithms[i].identifier, algorithms[i].n)))
            return algorithms[i].alg;
    return pss_alg(identifier);
}

bool x509_signature(struct arena *a, enum signature_alg alg, struct bytes raw, struct bytes *out)
{
    *out = raw;
    if (alg != SIGNATURE_ES256 && alg != SIGNATURE_ES384 && alg != SIGNATURE_ES512)
        return true;
    /* The signer's curve is not known here. Numbers of P-384 are longer than 32 bytes but for one key in 2^128. */
    return ecdsa_from_der(a, KEY_P256, raw, out) || ecdsa_from_der(a, KEY_P384, raw, out);
}

bool x509_verify(enum signature_alg alg, struct bytes tbs, struct bytes signature, const struct public_key *key)
{
    return signature_verify(key, alg, tbs, signature);
}

/* Other kinds of string (T61String, BMPString) are no UTF-8 and name nothing here. */
static bool is_utf8(uint8_t tag, struct bytes value)
{
    return (tag == DER_UTF8_STRING || tag == DER_PRINTABLE_STRING || tag == DER_IA5_STRING) && utf8_valid(value);
}

struct bytes x509_common_name(struct bytes name)
{
    enum { ARC_COMMON_NAME = 3 };

    return name_attribute(name, ARC_COMMON_NAME);
}

struct bytes name_attribute(struct bytes name, uint8_t arc)
{
    const uint8_t wanted[] = {0x55, 0x04, arc};
    struct reader outer = rd_open(name), rdns = der_enter(&outer, DER_SEQUENCE);
    struct bytes found = BYTES_NONE;

    while (rd_left(&rdns)) {
        struct reader set = der_enter(&rdns, DER_SET);

        while (rd_left(&set)) {
            struct reader attribute = der_enter(&set, DER_SEQUENCE);
            struct bytes oid = der_take(&attribute, DER_OID);
            uint8_t tag;
            struct bytes value = der_any(&attribute, &tag, NULL);

            if (rd_end(&attribute) && bytes_equal(oid, BYTES_OF(wanted)))
                found = is_utf8(tag, value) ? value : BYTES_NONE;
        }
    }
    return found;
}

bool x509_next_extension(struct reader *list, struct x509_extension *out)
{
    struct reader e = der_enter(list, DER_SEQUENCE);

    out->oid = der_take(&e, DER_OID);
    out->critical = der_next_is(&e, DER_BOOLEAN) && der_boolean(&e);
    out->value = der_take(&e, DER_OCTET_STRING);
    if (!rd_end(&e))
        list->failed = true;
    return rd_ok(list);
}

struct bytes x509_authority_key_id(struct bytes value)
{
    struct reader outer = rd_open(value), r = der_enter(&outer, DER_SEQUENCE);

    return der_next_is(&r, DER_CONTEXT(0)) ? der_take(&r, DER_CONTEXT(0)) : BYTES_NONE;
}

uint8_t x509_certificate_arc(struct bytes oid)
{
    return oid.n == 3 && oid.p[0] == 0x55 && oid.p[1] == 0x1d ? oid.p[2] : 0;
}
