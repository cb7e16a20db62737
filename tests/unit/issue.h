/* Certificates and CRLs for tests, written by OpenSSL: whole, or with one thing wrong. */
#ifndef ASSAY_TESTS_ISSUE_H
#define ASSAY_TESTS_ISSUE_H

#include "crypto_test.h"

#include <openssl/x509v3.h>

#include "crypto/x509.h"

enum { EXTENSIONS_MOST = 12 };

struct recipe {
    const char *subject, *issuer; /* common names */
    EVP_PKEY *key, *issuer_key;
    int64_t not_before, not_after;
    int64_t serial;
    int version;                                /* as X.509 writes it: 2 is version 3 */
    const EVP_MD *digest;                       /* NULL: the key's own way */
    const char *extensions[EXTENSIONS_MOST][2]; /* name, value, in OpenSSL's notation */
};

static inline X509_NAME *name_of(const char *cn)
{
    X509_NAME *name = X509_NAME_new();

    assert_int_equal(X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)"Tests", -1, -1, 0),
                     1);
    if (cn)
        assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0),
                         1);
    return name;
}

static inline struct bytes der_of(void *object, i2d_of_void *encode)
{
    unsigned char *der = NULL;
    int n = encode(object, &der);

    assert_true(n > 0);
    struct bytes out = arena_copy(&arena, bytes_make(der, (size_t)n));
    OPENSSL_free(der);
    return out;
}

/* A certificate that is there to give its name and key identifier to what it issues. */
static inline X509 *stand_in(const X509_NAME *name, EVP_PKEY *key)
{
    X509 *c = X509_new();
    X509V3_CTX context;

    assert_true(X509_set_subject_name(c, name) && X509_set_pubkey(c, key));
    X509V3_set_ctx(&context, NULL, c, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_nconf(NULL, &context, "subjectKeyIdentifier", "hash");
    assert_true(e && X509_add_ext(c, e, -1) == 1);
    X509_EXTENSION_free(e);
    return c;
}

static inline struct bytes issue(const struct recipe *r)
{
    X509_NAME *subject = name_of(r->subject), *issuer_name = name_of(r->issuer);
    X509 *c = X509_new(), *issuer = stand_in(issuer_name, r->issuer_key);
    X509V3_CTX context;

    assert_true(X509_set_version(c, r->version) && ASN1_INTEGER_set_int64(X509_get_serialNumber(c), r->serial));
    assert_true(X509_set_subject_name(c, subject) && X509_set_issuer_name(c, issuer_name) &&
                X509_set_pubkey(c, r->key));
    assert_true(ASN1_TIME_set(X509_getm_notBefore(c), r->not_before) &&
                ASN1_TIME_set(X509_getm_notAfter(c), r->not_after));
    X509V3_set_ctx(&context, issuer, c, NULL, NULL, 0);
    for (int i = 0; i < EXTENSIONS_MOST && r->extensions[i][0]; i++) {
        X509_EXTENSION *e = X509V3_EXT_nconf(NULL, &context, r->extensions[i][0], r->extensions[i][1]);

        if (!e)
            fail_msg("extension %s = %s", r->extensions[i][0], r->extensions[i][1]);
        assert_int_equal(X509_add_ext(c, e, -1), 1);
        X509_EXTENSION_free(e);
    }
    assert_true(X509_sign(c, r->issuer_key, r->digest) > 0);
    struct bytes out = der_of(c, (i2d_of_void *)i2d_X509);
    X509_NAME_free(subject);
    X509_NAME_free(issuer_name);
    X509_free(issuer);
    X509_free(c);
    return out;
}

struct crl_recipe {
    const char *issuer;
    EVP_PKEY *issuer_key;
    int64_t this_update, next_update; /* 0: none */
    int version;                      /* 1 is version 2 */
    const char *const *serials;       /* hexadecimal, up to NULL */
    const char *entry_extension[2];   /* of each entry */
    const char *extensions[EXTENSIONS_MOST][2];
};

static inline void add_revoked(X509_CRL *crl, const char *serial, const char *const extension[2], int64_t when)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_TIME *time = ASN1_TIME_set(NULL, when);
    BIGNUM *n = NULL;

    assert_true(BN_hex2bn(&n, serial) > 0);
    ASN1_INTEGER *number = BN_to_ASN1_INTEGER(n, NULL);
    assert_true(X509_REVOKED_set_serialNumber(entry, number) && X509_REVOKED_set_revocationDate(entry, time));
    if (extension[0]) {
        X509_EXTENSION *e = X509V3_EXT_nconf(NULL, NULL, extension[0], extension[1]);

        assert_true(e && X509_REVOKED_add_ext(entry, e, -1) == 1);
        X509_EXTENSION_free(e);
    }
    assert_int_equal(X509_CRL_add0_revoked(crl, entry), 1);
    ASN1_INTEGER_free(number);
    ASN1_TIME_free(time);
    BN_free(n);
}

static inline struct bytes issue_crl(const struct crl_recipe *r)
{
    X509_NAME *name = name_of(r->issuer);
    X509_CRL *crl = X509_CRL_new();
    X509 *issuer = stand_in(name, r->issuer_key);
    ASN1_TIME *from = ASN1_TIME_set(NULL, r->this_update), *to = ASN1_TIME_set(NULL, r->next_update);
    X509V3_CTX context;

    assert_true(X509_CRL_set_version(crl, r->version) && X509_CRL_set_issuer_name(crl, name));
    assert_true(X509_CRL_set1_lastUpdate(crl, from) && (!r->next_update || X509_CRL_set1_nextUpdate(crl, to)));
    X509V3_set_ctx(&context, issuer, NULL, NULL, crl, 0);
    for (const char *const *s = r->serials; s && *s; s++)
        add_revoked(crl, *s, r->entry_extension, r->this_update);
    for (int i = 0; i < EXTENSIONS_MOST && r->extensions[i][0]; i++) {
        X509_EXTENSION *e = X509V3_EXT_nconf(NULL, &context, r->extensions[i][0], r->extensions[i][1]);

        if (!e)
            fail_msg("extension %s = %s", r->extensions[i][0], r->extensions[i][1]);
        assert_int_equal(X509_CRL_add_ext(crl, e, -1), 1);
        X509_EXTENSION_free(e);
    }
    assert_true(X509_CRL_sign(crl, r->issuer_key, EVP_sha256()) > 0);
    struct bytes out = der_of(crl, (i2d_of_void *)i2d_X509_CRL);
    X509_NAME_free(name);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    X509_free(issuer);
    X509_CRL_free(crl);
    return out;
}

/* The bytes with the first (or nth) occurrence of `from` replaced by `to`, of the same length. */
static inline struct bytes replaced(struct bytes b, struct bytes from, struct bytes to, int nth)
{
    uint8_t *p = arena_alloc(&arena, b.n), *hit = p;

    memcpy(p, b.p, b.n);
    assert_int_equal(from.n, to.n);
    for (;; hit++) {
        hit = memmem(hit, b.n - (size_t)(hit - p), from.p, from.n);
        assert_non_null(hit);
        if (nth-- == 0)
            break;
    }
    memcpy(hit, to.p, to.n);
    return bytes_make(p, b.n);
}

#endif
