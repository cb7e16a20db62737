#include "simulate/authority.h"

#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "crypto/der_write.h"
#include "crypto/digest.h"
#include "simulate/simulate.h"

enum { KEY_ID_SIZE = 4 + SHA1_SIZE };

static bool name_entry(X509_NAME *name, const char *field, const char *value)
{
    return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0) == 1;
}

/* The common names are the vendor's, for they are judged; the organization says whose certificates these are. */
static X509_NAME *new_name(const char *common_name, bool amd)
{
    X509_NAME *name = X509_NAME_new();
    bool ok = name != NULL;

    if (amd)
        ok = ok && name_entry(name, "OU", "Engineering") && name_entry(name, "C", "US") &&
             name_entry(name, "L", "Santa Clara") && name_entry(name, "ST", "CA") &&
             name_entry(name, "O", SIMULATED_ORGANIZATION) && name_entry(name, "CN", common_name);
    else
        ok = ok && name_entry(name, "CN", common_name) && name_entry(name, "O", SIMULATED_ORGANIZATION);
    if (ok)
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

static bool add_raw_extensions(X509 *x, const struct authority_certificate *c)
{
    for (size_t i = 0; i < c->extension_count; i++)
        if (!extend_raw(x, c->extensions[i].oid, false, c->extensions[i].value))
            return false;
    return true;
}

static bool add_extensions(X509 *x, const struct authority_certificate *c)
{
    uint8_t key_id[KEY_ID_SIZE];
    const char *usage = !c->ca                 ? "critical,digitalSignature,nonRepudiation"
                        : c->without_cert_sign ? "critical,cRLSign"
                                               : "critical,keyCertSign,cRLSign";
    char constraints[64];

    if (c->bare)
        return add_raw_extensions(x, c);
    if (c->ca && c->path_length >= 0)
        snprintf(constraints, sizeof constraints, "critical,CA:TRUE,pathlen:%d", c->path_length);
    else
        snprintf(constraints, sizeof constraints, "critical,CA:%s", c->ca ? "TRUE" : "FALSE");
    return authority_key(c->issuer_key, key_id) && extend_raw(x, "2.5.29.35", false, BYTES_OF(key_id)) &&
           extend(x, NID_subject_key_identifier, "hash") && extend(x, NID_key_usage, usage) &&
           extend(x, NID_basic_constraints, constraints) &&
           (!c->extended_usage || extend(x, NID_ext_key_usage, c->extended_usage)) && add_raw_extensions(x, c) &&
           (c->sgx_extension.n == 0 || extend_raw(x, "1.2.840.113741.1.13.1", false, c->sgx_extension)) &&
           (!c->unknown_critical || extend_raw(x, "1.2.840.113741.1.999", true, BYTES_LIT("\x05\x00")));
}

static bool fill(X509 *x, const struct authority_certificate *c)
{
    X509_NAME *subject = new_name(c->subject, c->amd_name), *issuer = new_name(c->issuer, c->amd_name);
    bool ok = subject && issuer && X509_set_version(x, X509_VERSION_3) == 1 &&
              ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), c->serial) == 1 &&
              X509_set_subject_name(x, subject) == 1 && X509_set_issuer_name(x, issuer) == 1 &&
              ASN1_TIME_adj(X509_getm_notBefore(x), (time_t)c->not_before, 0, 0) &&
              ASN1_TIME_adj(X509_getm_notAfter(x), (time_t)c->not_after, 0, 0) && X509_set_pubkey(x, c->key) == 1;

    X509_NAME_free(subject);
    X509_NAME_free(issuer);
    return ok && add_extensions(x, c);
}

/* PSS parameters with SHA-384 and a salt of 48 bytes as some of AMD's certificates write them: trailerField [3] is there. */
static const uint8_t pss384_with_trailer[] = {0x30, 0x39, 0xa0, 0x0f, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                              0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0xa1, 0x1c, 0x30, 0x1a, 0x06,
                                              0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08, 0x30, 0x0d,
                                              0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05,
                                              0x00, 0xa2, 0x03, 0x02, 0x01, 0x30, 0xa3, 0x03, 0x02, 0x01, 0x01};

/* A context in which OpenSSL signs, only so that it writes the algorithm inside: our own signature replaces its. */
static EVP_MD_CTX *signer(EVP_PKEY *key, enum signature_alg alg)
{
    const EVP_MD *md = alg == SIGNATURE_NONE ? EVP_sha256() : EVP_sha384();
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *inner = NULL;

    if (context && EVP_DigestSignInit(context, &inner, md, NULL, key) == 1 &&
        (alg != SIGNATURE_PS384 || (EVP_PKEY_CTX_set_rsa_padding(inner, RSA_PKCS1_PSS_PADDING) == 1 &&
                                    EVP_PKEY_CTX_set_rsa_pss_saltlen(inner, SHA384_SIZE) == 1)))
        return context;
    EVP_MD_CTX_free(context);
    return NULL;
}

/* The signed object of what is to be signed: content, algorithm, signature. */
static struct bytes sign_object(struct arena *a, EVP_PKEY *key, enum signature_alg alg, const X509_ALGOR *named,
                                const unsigned char *content, int n)
{
    struct bytes tbs = bytes_make(content, n > 0 ? (size_t)n : 0);
    unsigned char *algorithm = NULL;
    int length = i2d_X509_ALGOR(named, &algorithm);
    struct bytes signature = tbs.n == 0              ? BYTES_NONE
                             : alg == SIGNATURE_NONE ? key_sign_der(a, key, tbs)
                                                     : rsa_sign(a, key, alg, tbs),
                 out = BYTES_NONE;

    if (signature.n && length > 0)
        out = DER_ELEMENT(a, DER_SEQUENCE, tbs, bytes_make(algorithm, (size_t)length),
                          DER_ELEMENT(a, DER_BIT_STRING, BYTES_LIT("\0"), signature));
    OPENSSL_free(algorithm);
    return out;
}

/* The algorithm inside, written with its trailer field. OpenSSL hands it out for reading, but it is ours. */
static bool write_trailer(X509 *x)
{
    X509_ALGOR *named = (X509_ALGOR *)(uintptr_t)X509_get0_tbs_sigalg(x);
    ASN1_STRING *parameters = ASN1_STRING_new();
    bool ok = parameters && ASN1_STRING_set(parameters, pss384_with_trailer, sizeof pss384_with_trailer) == 1 &&
              X509_ALGOR_set0(named, OBJ_nid2obj(NID_rsassaPss), V_ASN1_SEQUENCE, parameters) == 1;

    if (!ok)
        ASN1_STRING_free(parameters);
    return ok;
}

struct bytes authority_issue(struct arena *a, const struct authority_certificate *c)
{
    X509 *x = X509_new();
    EVP_MD_CTX *context = signer(c->issuer_key, c->alg);
    unsigned char *tbs = NULL;
    struct bytes out = BYTES_NONE;

    if (x && context && fill(x, c) && X509_sign_ctx(x, context) > 0 && (!c->trailer_written || write_trailer(x))) {
        int n = i2d_re_X509_tbs(x, &tbs);

        out = sign_object(a, c->issuer_key, c->alg, X509_get0_tbs_sigalg(x), tbs, n);
    }
    OPENSSL_free(tbs);
    EVP_MD_CTX_free(context);
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
    X509_NAME *issuer = new_name(c->issuer, c->amd_name);

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
    EVP_MD_CTX *context = signer(c->key, c->alg);
    const X509_ALGOR *named = NULL;
    unsigned char *tbs = NULL;
    struct bytes out = BYTES_NONE;

    if (crl && context && fill_crl(crl, c) && X509_CRL_sign_ctx(crl, context) > 0) {
        int n = i2d_re_X509_CRL_tbs(crl, &tbs);

        X509_CRL_get0_signature(crl, NULL, &named);
        out = sign_object(a, c->key, c->alg, named, tbs, n);
    }
    OPENSSL_free(tbs);
    EVP_MD_CTX_free(context);
    X509_CRL_free(crl);
    return out;
}
