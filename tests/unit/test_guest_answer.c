/* The sealed answer to an Azure guest, opened by OpenSSL with a key in software: what clients of the service do with a TPM
 * (snp-cvm.md 3.6). */
#include "crypto_test.h"

#include <openssl/rsa.h>

#include "base/json.h"
#include "crypto/aead.h"
#include "crypto/rsa_encrypt.h"
#include "evidence/azure_guest.h"

static const uint8_t secret[] = "32 bytes that nobody can guess!!";

static EVP_PKEY *rsa(unsigned bits)
{
    EVP_PKEY *k = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);

    assert_non_null(k);
    return k;
}

static struct public_key half_of(EVP_PKEY *k)
{
    struct public_key key;

    assert_true(public_key_decode(&arena, spki_of(k), &key));
    return key;
}

static struct bytes decrypt(EVP_PKEY *k, struct bytes c)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(k, NULL);
    uint8_t *out = arena_alloc(&arena, c.n);
    size_t n = c.n;

    assert_int_equal(EVP_PKEY_decrypt_init(context), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING), 1);
    assert_int_equal(EVP_PKEY_decrypt(context, out, &n, c.p, c.n), 1);
    EVP_PKEY_CTX_free(context);
    return bytes_make(out, n);
}

static struct bytes repeated(uint8_t v, size_t n)
{
    return bytes_make(memset(arena_alloc(&arena, n), v, n), n);
}

static void rsa_encrypts_what_openssl_decrypts(void **state)
{
    static const unsigned bits[] = {2048, 3072, 4096};

    (void)state;
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++) {
        EVP_PKEY *k = rsa(bits[i]);
        struct public_key key = half_of(k);
        size_t most = bits[i] / 8 - RSA_PKCS1_OVERHEAD;

        for (size_t n = 0; n <= most; n += most / 2) {
            struct bytes message = repeated(0xa5, n), c;

            assert_true(rsa_pkcs1_encrypt(&key, message, repeated(7, rsa_pkcs1_padding(&key, n)), &arena, &c));
            assert_bytes_equal(decrypt(k, c), message);
        }
        assert_int_equal(rsa_pkcs1_padding(&key, most + 1), 0);
        EVP_PKEY_free(k);
    }
}

static void rsa_takes_no_weak_padding(void **state)
{
    EVP_PKEY *k = rsa(2048);
    struct public_key key = half_of(k);
    size_t pad = rsa_pkcs1_padding(&key, 32);
    uint8_t *padding = (uint8_t *)(uintptr_t)repeated(7, pad).p;
    struct bytes out;

    (void)state;
    assert_int_equal(pad, 256 - 3 - 32);
    assert_false(rsa_pkcs1_encrypt(&key, repeated(1, 32), bytes_make(padding, pad - 1), &arena, &out));
    padding[pad - 1] = 0;
    assert_false(rsa_pkcs1_encrypt(&key, repeated(1, 32), bytes_make(padding, pad), &arena, &out));
    assert_false(rsa_pkcs1_encrypt(&key, repeated(1, 300), repeated(7, 8), &arena, &out));
    key = (struct public_key){.kind = KEY_P256};
    assert_int_equal(rsa_pkcs1_padding(&key, 0), 0);
    EVP_PKEY_free(k);
}

/* A member in the standard alphabet with its padding: other forms break published clients. */
static struct bytes member(const struct json *o, const char *name)
{
    struct bytes text, out;

    assert_true(json_text(json_member(o, name), &text));
    assert_true(base64_decode_strict(&arena, text, &out));
    return out;
}

static const struct json *opened(struct bytes body)
{
    const struct json *root, *inner;
    struct bytes text, plain;

    assert_true(json_parse(&arena, body, NULL, &root, NULL));
    assert_int_equal(root->count, 1);
    assert_true(json_text(json_member(root, "token"), &text));
    assert_true(base64url_decode_strict(&arena, text, &plain));
    assert_int_equal(plain.n % 3, 0);
    assert_true(json_parse(&arena, plain, NULL, &inner, NULL));
    return inner;
}

static struct bytes open_token(EVP_PKEY *k, struct bytes body)
{
    const struct json *o = opened(body), *parameters = json_member(o, "EncryptionParams");
    struct bytes key = decrypt(k, member(o, "EncryptedInnerKey")), iv = member(parameters, "Iv"), token;
    struct bytes jwt = member(o, "Jwt"), tag = member(o, "AuthenticationData"), text;
    int64_t bits;

    assert_int_equal(o->count, 4);
    assert_int_equal(parameters->count, 5);
    assert_int_equal(key.n, AEAD_KEY_SIZE);
    assert_int_equal(iv.n, AEAD_IV_SIZE);
    assert_int_equal(tag.n, AEAD_TAG_SIZE);
    assert_true(json_integer(json_member(parameters, "KeySizeInBits"), &bits) && bits == 256);
    assert_true(json_text(json_member(parameters, "BlockMode"), &text));
    assert_bytes_are(text, "ChainingModeGCM");
    assert_true(json_text(json_member(parameters, "Cipher"), &text));
    assert_bytes_are(text, "AES");
    assert_true(json_text(json_member(parameters, "BlockPadding"), &text));
    assert_bytes_are(text, "PKCS7");
    assert_true(aead_open(key.p, iv.p, BYTES_LIT("Transport Key"), joined(jwt, tag), &arena, &token));
    return token;
}

static void the_guest_opens_its_answer(void **state)
{
    EVP_PKEY *k = rsa(2048);
    struct public_key key = half_of(k);
    struct bytes entropy = bytes_make(secret, 32), body;

    (void)state;
    for (size_t n = 1; n < 20; n++) { /* all lengths of the JSON modulo three */
        struct bytes token = repeated('e', n);

        assert_true(guest_seal(&arena, &key, token, entropy, &body));
        assert_bytes_equal(open_token(k, body), token);
    }
    EVP_PKEY_free(k);
}

static void key_and_iv_are_fresh_for_each_token_and_entropy(void **state)
{
    EVP_PKEY *k = rsa(2048);
    struct public_key key = half_of(k);
    struct bytes seen[4][2], body;
    const struct {
        const char *token;
        uint8_t entropy;
    } cases[] = {{"aaaa", 1}, {"aaab", 1}, {"aaaa", 2}, {"aaab", 2}};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_true(guest_seal(&arena, &key, bytes_text(cases[i].token), repeated(cases[i].entropy, 32), &body));
        const struct json *o = opened(body);
        seen[i][0] = decrypt(k, member(o, "EncryptedInnerKey"));
        seen[i][1] = member(json_member(o, "EncryptionParams"), "Iv");
        for (size_t j = 0; j < i; j++)
            for (int part = 0; part < 2; part++)
                assert_false(bytes_equal(seen[i][part], seen[j][part]));
    }
    /* A decision that is computed again gives the same answer. */
    struct bytes again;
    assert_true(guest_seal(&arena, &key, BYTES_LIT("aaab"), repeated(2, 32), &again));
    assert_bytes_equal(again, body);
    EVP_PKEY_free(k);
}

static void no_answer_without_secret_entropy(void **state)
{
    EVP_PKEY *k = rsa(2048);
    struct guest_evidence e = {.ephemeral.object.key = half_of(k)};
    struct exam x = {.arena = &arena, .evidence = &e, .entropy = repeated(1, EXAM_ENTROPY - 1)};
    struct bytes out;

    (void)state;
    assert_false(guest_answer(&x, BYTES_LIT("e.y.j"), &out));
    x.entropy = repeated(1, EXAM_ENTROPY);
    assert_true(guest_answer(&x, BYTES_LIT("e.y.j"), &out));
    assert_bytes_equal(open_token(k, out), BYTES_LIT("e.y.j"));
    EVP_PKEY_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rsa_encrypts_what_openssl_decrypts),
        cmocka_unit_test(rsa_takes_no_weak_padding),
        cmocka_unit_test(the_guest_opens_its_answer),
        cmocka_unit_test(key_and_iv_are_fresh_for_each_token_and_entropy),
        cmocka_unit_test(no_answer_without_secret_entropy),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
