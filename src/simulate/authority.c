#include "simulate/authority.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/x509v3.h>

#include "crypto/verify.h"
#include "simulate/simulate.h"

static bool set_name(X509_NAME *name, const char *common_name)
{
    static const char *const rest[][2] = {{"O", SIMULATED_ORGANIZATION}, {"L", "Nowhere"}, {"ST", "CA"}, {"C", "US"}};

    bool ok = X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)common_name, -1, -1, 0) == 1;
    for (size_t i = 0; i < 4; i++)
        ok = ok && X509_NAME_add_entry_by_txt(name, rest[i][0], MBSTRING_ASC, (const unsigned char *)rest[i][1], -1, -1,
                                              0) == 1;
    return ok;
}

static X509_NAME *new_name(const char *common_name)
{
    X509_NAME *name = X509_NAME_new();

    if (name && set_name(name, common_name))
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

static bool extend_raw(X509 *certificate, const char *oid, struct bytes value)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    X509_EXTENSION *e = NULL;
    bool ok = object && octets && ASN1_OCTET_STRING_set(octets, value.p, (int)value.n) == 1 &&
              (e = X509_EXTENSION_create_by_OBJ(NULL, object, 0, octets)) && X509_add_ext(certificate, e, -1) == 1;

    X509_EXTENSION_free(e);
    ASN1_OCTET_STRING_free(octets);
    ASN1_OBJECT_free(object);
    return ok;
}

enum { KEY_ID_SIZE = 4 + SHA1_SIZE };

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

static bool extend_authority_key(X509 *certificate, EVP_PKEY *issuer_key)
{
    uint8_t id[KEY_ID_SIZE];

    return authority_key(issuer_key, id) && extend_raw(certificate, "2.5.29.35", BYTES_OF(id));
}

static bool fill(X509 *x, const struct authority_certificate *c)
{
    X509_NAME *subject = new_name(c->subject), *issuer = new_name(c->issuer);
    char constraints[64];

    bool ok = subject && issuer && X509_set_version(x, X509_VERSION_3) == 1 &&
              ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), c->serial) == 1 &&
              X509_set_subject_name(x, subject) == 1 && X509_set_issuer_name(x, issuer) == 1 &&
              ASN1_TIME_adj(X509_getm_notBefore(x), (time_t)c->not_before, 0, 0) &&
              ASN1_TIME_adj(X509_getm_notAfter(x), (time_t)c->not_after, 0, 0) && X509_set_pubkey(x, c->key) == 1;
    X509_NAME_free(subject);
    X509_NAME_free(issuer);
    if (c->ca && c->path_length >= 0)
        snprintf(constraints, sizeof constraints, "critical,CA:TRUE,pathlen:%d", c->path_length);
    else
        snprintf(constraints, sizeof constraints, "critical,CA:%s", c->ca ? "TRUE" : "FALSE");
    return ok && extend_authority_key(x, c->issuer_key) && extend(x, NID_subject_key_identifier, "hash") &&
           extend(x, NID_key_usage,
                  c->ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature,nonRepudiation") &&
           extend(x, NID_basic_constraints, constraints) &&
           (c->sgx_extension.n == 0 || extend_raw(x, "1.2.840.113741.1.13.1", c->sgx_extension));
}

struct bytes authority_issue(struct arena *a, const struct authority_certificate *c)
{
    X509 *x = X509_new();
    unsigned char *der = NULL;
    struct bytes out = BYTES_NONE;

    if (x && fill(x, c) && X509_sign(x, c->issuer_key, EVP_sha256()) > 0) {
        int n = i2d_X509(x, &der);

        if (n > 0)
            out = arena_copy(a, bytes_make(der, (size_t)n));
    }
    OPENSSL_free(der);
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
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    AUTHORITY_KEYID *aki = NULL;
    X509_NAME *issuer = new_name(c->issuer);
    const unsigned char *p = key_id;

    bool ok = this_update && next_update && number && issuer && authority_key(c->issuer_key, key_id) &&
              (aki = d2i_AUTHORITY_KEYID(NULL, &p, sizeof key_id)) &&
              X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 && X509_CRL_set_issuer_name(crl, issuer) == 1 &&
              X509_CRL_set1_lastUpdate(crl, this_update) == 1 && X509_CRL_set1_nextUpdate(crl, next_update) == 1 &&
              ASN1_INTEGER_set_uint64(number, 1) == 1 &&
              (c->without_number || X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0) == 1) &&
              X509_CRL_add1_ext_i2d(crl, NID_authority_key_identifier, aki, 0, 0) == 1 &&
              (c->revoked == 0 || revoke_one(crl, c->revoked, this_update));
    ASN1_TIME_free(this_update);
    ASN1_TIME_free(next_update);
    ASN1_INTEGER_free(number);
    AUTHORITY_KEYID_free(aki);
    X509_NAME_free(issuer);
    return ok;
}

struct bytes authority_revoke(struct arena *a, const struct authority_crl *c)
{
    X509_CRL *crl = X509_CRL_new();
    unsigned char *der = NULL;
    struct bytes out = BYTES_NONE;

    if (crl && fill_crl(crl, c) && X509_CRL_sign(crl, c->key, EVP_sha256()) > 0) {
        int n = i2d_X509_CRL(crl, &der);

        if (n > 0)
            out = arena_copy(a, bytes_make(der, (size_t)n));
    }
    OPENSSL_free(der);
    X509_CRL_free(crl);
    return out;
}

struct bytes authority_sign(struct arena *a, EVP_PKEY *key, struct bytes message)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t der[128];
    size_t n = sizeof der;
    struct bytes out = BYTES_NONE;

    if (context && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
        EVP_DigestSign(context, der, &n, message.p, message.n) == 1 &&
        !ecdsa_from_der(a, KEY_P256, bytes_make(der, n), &out))
        out = BYTES_NONE;
    EVP_MD_CTX_free(context);
    return out;
}

struct bytes authority_point(struct arena *a, EVP_PKEY *key)
{
    uint8_t octets[65];
    size_t n = 0;

    if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, octets, sizeof octets, &n) != 1 ||
        n != sizeof octets)
        return BYTES_NONE;
    return arena_copy(a, bytes_make(octets + 1, 64));
}
