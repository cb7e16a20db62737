#include "simulate/authority.h"

#include <openssl/x509v3.h>

#include "crypto/der_write.h"
#include "crypto/digest.h"
#include "simulate/simulate.h"

enum { KEY_ID_SIZE = 4 + SHA1_SIZE };

/* The common names are Intel's, for they are judged; the organization says whose certificates these are. */
static X509_NAME *new_name(const char *common_name)
{
    static const char organization[] = SIMULATED_ORGANIZATION;
    X509_NAME *name = X509_NAME_new();

    if (name &&
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)common_name, -1, -1, 0) == 1 &&
        X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const unsigned char *)organization, -1, -1, 0) == 1)
        return name;
    X509_NAME_free(name);
    return NULL;
}

static bool extend(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;

    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool ok = e && X509_add_ext(certificate, e, -1) == 1;
    X509_EXTENSION_free(e);
    return ok;
}

/* NULL when OpenSSL failed. */
static X509_EXTENSION *raw_extension(const char *oid, bool critical, struct bytes value)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    X509_EXTENSION *e = NULL;

    if (object && octets && ASN1_OCTET_STRING_set(octets, value.p, (int)value.n) == 1)
        e = X509_EXTENSION_create_by_OBJ(NULL, object, critical, octets);
    ASN1_OCTET_STRING_free(octets);
    ASN1_OBJECT_free(object);
    return e;
}

static bool extend_raw(X509 *certificate, const char *oid, bool critical, struct bytes value)
{
    X509_EXTENSION *e = raw_extension(oid, critical, value);
    bool ok = e && X509_add_ext(certificate, e, -1) == 1;

    X509_EXTENSION_free(e);
    return ok;
}

static bool extend_crl(X509_CRL *crl, const char *oid, bool critical, struct bytes value)
{
    X509_EXTENSION *e = raw_extension(oid, critical, value);
    bool ok = e && X509_CRL_add_ext(crl, e, -1) == 1;

    X509_EXTENSION_free(e);
    return ok;
}

/* AuthorityKeyIdentifier with a key identifier as RFC 5280 4.2.1.2 (1) makes it. */
static bool authority_key(EVP_PKEY *key, uint8_t id[KEY_ID_SIZE])
{
    static const uint8_t prefix[] = {0x30, 2 + SHA1_SIZE, 0x80, SHA1_SIZE};
    X509_PUBKEY *pub = NULL;
    const unsigned char *bits;
    int n;

    if (X509_PUBKEY_set(&pub, key) != 1 || X509_PUBKEY_get0_param(NULL, &bits, &n, NULL, pub) != 1)
        return false;
    struct bytes b = bytes_make(bits, (size_t)n);
    memcpy(id, prefix, sizeof prefix);
    digest_parts(DIGEST_SHA1, &b, 1, id + sizeof prefix);
    X509_PUBKEY_free(pub);
    return true;
}

static bool add_extensions(X509 *x, const struct authority_certificate *c)
{
    uint8_t key_id[KEY_ID_SIZE];
    const char *usage = !c->ca                 ? "critical,digitalSignature,nonRepudiation"
                        : c->without_cert_sign ? "critical,cRLSign"
                                               : "critical,keyCertSign,cRLSign";
    char constraints[64];

    if (c->ca && c->path_length >= 0)
        snprintf(constraints, sizeof constraints, "critical,CA:TRUE,pathlen:%d", c->path_length);
    else
        snprintf(constraints, sizeof constraints, "critical,CA:%s", c->ca ? "TRUE" : "FALSE");
    return authority_key(c->issuer_key, key_id) && extend_raw(x, "2.5.29.35", false, BYTES_OF(key_id)) &&
           extend(x, NID_subject_key_identifier, "hash") && extend(x, NID_key_usage, usage) &&
           extend(x, NID_basic_constraints, constraints) &&
           (c->sgx_extension.n == 0 || extend_raw(x, "1.2.840.113741.1.13.1", false, c->sgx_extension)) &&
           (!c->unknown_critical || extend_raw(x, "1.2.840.113741.1.999", true, BYTES_LIT("\x05\x00")));
}

static bool fill(X509 *x, const struct authority_certificate *c)
{
    X509_NAME *subject = new_name(c->subject), *issuer = new_name(c->issuer);
    bool ok = subject && issuer && X509_set_version(x, X509_VERSION_3) == 1 &&
              ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), c->serial) == 1 &&
              X509_set_subject_name(x, subject) == 1 && X509_set_issuer_name(x, issuer) == 1 &&
              ASN1_TIME_adj(X509_getm_notBefore(x), (time_t)c->not_before, 0, 0) &&
              ASN1_TIME_adj(X509_getm_notAfter(x), (time_t)c->not_after, 0, 0) && X509_set_pubkey(x, c->key) == 1;

    X509_NAME_free(subject);
    X509_NAME_free(issuer);
    return ok && add_extensions(x, c);
}

/* The signed object of what is to be signed: content, ecdsa-with-SHA256, signature. */
static struct bytes sign_object(struct arena *a, EVP_PKEY *key, const unsigned char *content, int n)
{
    static const uint8_t algorithm[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
    struct bytes tbs = bytes_make(content, n > 0 ? (size_t)n : 0),
                 signature = tbs.n ? key_sign_der(a, key, tbs) : BYTES_NONE;

    if (signature.n == 0)
        return BYTES_NONE;
    return DER_ELEMENT(a, DER_SEQUENCE, tbs, BYTES_OF(algorithm),
                       DER_ELEMENT(a, DER_BIT_STRING, BYTES_LIT("\0"), signature));
}

struct bytes authority_issue(struct arena *a, const struct authority_certificate *c)
{
    X509 *x = X509_new();
    unsigned char *tbs = NULL;
    struct bytes out = BYTES_NONE;

    /* OpenSSL's own signature only names the algorithm inside; ours replaces it. */
    if (x && fill(x, c) && X509_sign(x, c->issuer_key, EVP_sha256()) > 0) {
        int n = i2d_re_X509_tbs(x, &tbs);

        out = sign_object(a, c->issuer_key, tbs, n);
    }
    OPENSSL_free(tbs);
    X509_free(x);
    return out;
}

static bool revoke_one(X509_CRL *crl, uint64_t serial, ASN1_TIME *when)
{
    X509_REVOKED *r = X509_REVOKED_new();
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    bool ok = r && number && ASN1_INTEGER_set_uint64(number, serial) == 1 &&
              X509_REVOKED_set_serialNumber(r, number) == 1 && X509_REVOKED_set_revocationDate(r, when) == 1 &&
              X509_CRL_add0_revoked(crl, r) == 1;

    ASN1_INTEGER_free(number);
    if (!ok)
        X509_REVOKED_free(r);
    return ok;
}

static bool fill_crl(X509_CRL *crl, const struct authority_crl *c)
{
    uint8_t key_id[KEY_ID_SIZE];
    ASN1_TIME *this_update = ASN1_TIME_adj(NULL, (time_t)c->this_update, 0, 0);
    ASN1_TIME *next_update = ASN1_TIME_adj(NULL, (time_t)c->next_update, 0, 0);
    X509_NAME *issuer = new_name(c->issuer);

    bool ok = this_update && next_update && issuer && authority_key(c->issuer_key, key_id) &&
              X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 && X509_CRL_set_issuer_name(crl, issuer) == 1 &&
              X509_CRL_set1_lastUpdate(crl, this_update) == 1 &&
              (c->without_next_update || X509_CRL_set1_nextUpdate(crl, next_update) == 1) &&
              (c->without_number || extend_crl(crl, "2.5.29.20", false, BYTES_LIT("\x02\x01\x01"))) &&
              (c->without_authority_key || extend_crl(crl, "2.5.29.35", false, BYTES_OF(key_id))) &&
              (!c->partial ||
               extend_crl(crl, "2.5.29.28", true, BYTES_LIT("\x30\x03\x81\x01\xff"))) && /* onlyContainsUserCerts */
              (c->revoked == 0 || revoke_one(crl, c->revoked, this_update));
    ASN1_TIME_free(this_update);
    ASN1_TIME_free(next_update);
    X509_NAME_free(issuer);
    return ok;
}

struct bytes authority_revoke(struct arena *a, const struct authority_crl *c)
{
    X509_CRL *crl = X509_CRL_new();
    unsigned char *tbs = NULL;
    struct bytes out = BYTES_NONE;

    if (crl && fill_crl(crl, c) && X509_CRL_sign(crl, c->key, EVP_sha256()) > 0) {
        int n = i2d_re_X509_CRL_tbs(crl, &tbs);

        out = sign_object(a, c->key, tbs, n);
    }
    OPENSSL_free(tbs);
    X509_CRL_free(crl);
    return out;
}
