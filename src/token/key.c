#include "crypto/der_write.h"
#include "crypto/pem.h"
#include "base/limits.h"
#include "base/text.h"
#include "token/token.h"

struct bytes key_text(struct arena *a, struct bytes spki)
{
    struct writer w = wr_open(a);

    wr_pem(&w, "PUBLIC KEY", spki);
    wr_u8(&w, 0);
    return wr_done(&w);
}

void key_binding(struct arena *a, struct bytes spki, uint8_t out[SHA256_SIZE])
{
    sha256(key_text(a, spki), out);
}

struct bytes key_id(struct arena *a, struct bytes spki)
{
    uint8_t binding[SHA256_SIZE];

    key_binding(a, spki, binding);
    return base64_encode(a, BYTES_OF(binding));
}

/* The certificate is written here, not by libcrypto's X.509 writer, because every byte of its form is given:
 * GeneralizedTime for years that others write as UTCTime, names longer than 64 characters, an extension whose value
 * is no DER. */

#define OID_COMMON_NAME       BYTES_LIT("\x06\x03\x55\x04\x03")
#define OID_SHA256_RSA        BYTES_LIT("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b")
#define OID_BASIC_CONSTRAINTS BYTES_LIT("\x06\x03\x55\x1d\x13")
#define OID_SUBJECT_KEY_ID    BYTES_LIT("\x06\x03\x55\x1d\x0e")
#define OID_AUTHORITY_KEY_ID  BYTES_LIT("\x06\x03\x55\x1d\x23")
#define EMPTY_SEQUENCE        BYTES_LIT("\x30\x00")

static struct bytes extension(struct arena *a, struct bytes oid, struct bytes value)
{
    return DER_ELEMENT(a, DER_SEQUENCE, oid, DER_ELEMENT(a, DER_OCTET_STRING, value));
}

/* SHA-1 of the public key's bits: RFC 5280 4.2.1.2, method 1. */
static struct bytes subject_key_id(struct arena *a, struct bytes spki)
{
    struct reader r = rd_open(spki), inside = der_enter(&r, DER_SEQUENCE);

    der_take(&inside, DER_SEQUENCE);
    return digest(a, DIGEST_SHA1, der_bits(&inside));
}

static struct bytes extensions(struct arena *a, struct bytes spki, const struct key_evidence *evidence)
{
    struct evidence_extension held[EVIDENCE_EXTENSIONS];
    size_t count = evidence_extensions(a, evidence, spki, held);
    struct bytes id = subject_key_id(a, spki);
    struct bytes authority = DER_ELEMENT(a, DER_SEQUENCE, DER_ELEMENT(a, DER_CONTEXT(0), id));
    struct bytes list = DER_ELEMENT(a, DER_SEQUENCE, extension(a, OID_BASIC_CONSTRAINTS, EMPTY_SEQUENCE),
                                    extension(a, OID_SUBJECT_KEY_ID, DER_ELEMENT(a, DER_OCTET_STRING, id)),
                                    extension(a, OID_AUTHORITY_KEY_ID, authority),
                                    count > 0 ? extension(a, held[0].oid, held[0].value) : BYTES_NONE,
                                    count > 1 ? extension(a, held[1].oid, held[1].value) : BYTES_NONE);

    return DER_ELEMENT(a, DER_CONSTRUCTED(3), list);
}

static struct bytes to_be_signed(struct arena *a, struct bytes issuer, struct bytes algorithm, struct bytes spki,
                                 const struct key_evidence *evidence)
{
    struct bytes version = DER_ELEMENT(a, DER_CONSTRUCTED(0), DER_ELEMENT(a, DER_INTEGER, BYTES_LIT("\x02")));
    struct bytes serial = DER_ELEMENT(a, DER_INTEGER, BYTES_LIT("\x01"));
    struct bytes validity =
        DER_ELEMENT(a, DER_SEQUENCE, DER_ELEMENT(a, DER_GENERALIZED_TIME, BYTES_LIT("20190501000000Z")),
                    DER_ELEMENT(a, DER_GENERALIZED_TIME, BYTES_LIT("20501231235959Z")));
    struct bytes attribute = DER_ELEMENT(a, DER_SEQUENCE, OID_COMMON_NAME, DER_ELEMENT(a, DER_UTF8_STRING, issuer));
    struct bytes name = DER_ELEMENT(a, DER_SEQUENCE, DER_ELEMENT(a, DER_SET, attribute));

    return DER_ELEMENT(a, DER_SEQUENCE, version, serial, algorithm, name, validity, name, spki,
                       extensions(a, spki, evidence));
}

bool key_certificate(const struct signing_key *key, struct bytes issuer, const struct key_evidence *evidence,
                     struct arena *a, struct bytes *der, struct fault *fault)
{
    struct bytes algorithm = DER_ELEMENT(a, DER_SEQUENCE, OID_SHA256_RSA, DER_ELEMENT(a, DER_NULL, BYTES_NONE)),
                 signature;

    if (signing_key_kind(key) != KEY_RSA)
        return fault_set(fault, FAULT_CRYPTO, "tokens are signed with RS256: the key must be RSA");
    struct bytes tbs = to_be_signed(a, issuer, algorithm, signing_key_spki(key, a), evidence);
    if (!sign_message(key, SIGNATURE_RS256, tbs, a, &signature))
        return fault_set(fault, FAULT_CRYPTO, "the key cannot sign its certificate");
    *der = DER_ELEMENT(a, DER_SEQUENCE, tbs, algorithm,
                       DER_ELEMENT(a, DER_BIT_STRING, BYTES_LIT("\0") /* no unused bits */, signature));
    return der->n <= LIMIT_CERTIFICATE ||
           fault_set(fault, FAULT_LIMIT, "a certificate of %zu bytes, with the evidence inside: %d are the most",
                     der->n, LIMIT_CERTIFICATE);
}
