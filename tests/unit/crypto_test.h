/* What tests of cryptography share: an arena for each test, bytes from text, keys from OpenSSL. */
#ifndef ASSAY_TESTS_CRYPTO_TEST_H
#define ASSAY_TESTS_CRYPTO_TEST_H

#include "arena_test.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/text.h"
#include "crypto/sign.h"

static inline struct bytes hex(const char *text)
{
    struct bytes out;

    assert_true(hex_decode(&arena, bytes_text(text), &out));
    return out;
}

/* A copy with one bit turned. */
static inline struct bytes flipped(struct bytes b, size_t bit)
{
    uint8_t *p = arena_alloc(&arena, b.n);

    memcpy(p, b.p, b.n);
    p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    return bytes_make(p, b.n);
}

static inline struct bytes joined(struct bytes a, struct bytes b)
{
    struct writer w = wr_open(&arena);

    wr_put(&w, a);
    wr_put(&w, b);
    return wr_done(&w);
}

static inline struct signing_key *new_key(enum key_kind kind)
{
    struct fault fault = {0};
    struct signing_key *k = signing_key_generate(kind, &fault);

    if (!k)
        fail_msg("%s", fault.text);
    return k;
}

static inline struct public_key public_of(const struct signing_key *k)
{
    struct public_key key;

    assert_true(public_key_decode(&arena, signing_key_spki(k, &arena), &key));
    assert_int_equal(key.kind, signing_key_kind(k));
    return key;
}

static inline struct bytes spki_of(EVP_PKEY *k)
{
    unsigned char *der = NULL;
    int n = i2d_PUBKEY(k, &der);

    assert_true(n > 0);
    struct bytes out = arena_copy(&arena, bytes_make(der, (size_t)n));
    OPENSSL_free(der);
    return out;
}

static inline struct bytes private_pem(EVP_PKEY *k, const EVP_CIPHER *cipher)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;

    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, k, cipher, cipher ? "pass" : NULL, cipher ? 4 : 0, NULL, NULL),
                     1);
    struct bytes out = arena_copy(&arena, bytes_make(text, (size_t)BIO_get_mem_data(bio, &text)));
    BIO_free(bio);
    return out;
}

#endif
