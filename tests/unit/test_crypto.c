/* Digests, keys, signatures: what OpenSSL makes verifies, and whatever differs from it by a bit, a size or a name does not. */
#include "crypto_test.h"

#include <pthread.h>

#include <openssl/rsa.h>

static void digests(void **state)
{
    static const struct {
        enum digest_alg alg;
        const char *of_abc, *of_nothing;
    } rows[] = {
        {DIGEST_SHA1, "a9993e364706816aba3e25717850c26c9cd0d89d", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
        {DIGEST_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {DIGEST_SHA384,
         "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
         "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b"},
        {DIGEST_SHA512,
         "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce"
         "80e"
         "2a9ac94fa54ca49f",
         "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417"
         "a81"
         "a538327af927da3e"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bytes parts[] = {BYTES_LIT("a"), BYTES_NONE, BYTES_LIT("bc")};
        uint8_t out[DIGEST_MAX];

        assert_int_equal(digest_size(rows[i].alg), strlen(rows[i].of_abc) / 2);
        assert_bytes_equal(digest(&arena, rows[i].alg, BYTES_LIT("abc")), hex(rows[i].of_abc));
        assert_bytes_equal(digest(&arena, rows[i].alg, BYTES_NONE), hex(rows[i].of_nothing));
        digest_parts(rows[i].alg, parts, 3, out);
        assert_bytes_equal(bytes_make(out, digest_size(rows[i].alg)), hex(rows[i].of_abc));
    }
    assert_bytes_equal(sha256_of(&arena, BYTES_LIT("abc")), hex(rows[1].of_abc));
}

static void secrets(void **state)
{
    uint8_t a[32] = {1}, b[32] = {1};

    (void)state;
    assert_true(secret_equal(BYTES_OF(a), BYTES_OF(b)));
    assert_true(secret_equal(BYTES_NONE, BYTES_NONE));
    assert_false(secret_equal(BYTES_OF(a), bytes_make(b, 31)));
    b[31] = 1;
    assert_false(secret_equal(BYTES_OF(a), BYTES_OF(b)));
    assert_true(random_bytes(a, sizeof a) && random_bytes(b, sizeof b));
    assert_memory_not_equal(a, b, sizeof a);
    secret_wipe(a, sizeof a);
    assert_true(bytes_all_zero(BYTES_OF(a)));
    secret_wipe(NULL, 0);
}

static const char
    n256[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
    n384[] = "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973";

static void ecdsa_of(enum key_kind kind, enum signature_alg alg, enum digest_alg d, const char *order)
{
    struct signing_key *k = new_key(kind);
    struct public_key key = public_of(k), other, bare;
    struct bytes message = BYTES_LIT("message"), hash = digest(&arena, d, message), s;
    size_t half = kind == KEY_P256 ? 32 : 48;

    assert_true(sign_message(k, alg, message, &arena, &s));
    assert_int_equal(s.n, 2 * half);
    assert_true(ecdsa_verify(&key, hash, s));
    assert_true(signature_verify(&key, alg, message, s));
    assert_true(public_key_from_point(key.point, &bare));
    assert_true(ecdsa_verify(&bare, hash, s));
    for (size_t bit = 0; bit < s.n * 8; bit++)
        assert_false(ecdsa_verify(&key, hash, flipped(s, bit)));
    size_t counts = (hash.n < half ? hash.n : half) * 8; /* of a longer digest the left part counts (FIPS 186) */
    for (size_t bit = 0; bit < counts; bit++)
        assert_false(ecdsa_verify(&key, flipped(hash, bit), s));
    struct bytes r = bytes_first(s, half), t = bytes_after(s, half), zero = bytes_make(arena_alloc(&arena, half), half);
    struct bytes wrong[] = {
        joined(zero, t), joined(r, zero),       joined(zero, zero),        joined(hex(order), t),
        joined(t, r),    joined(r, hex(order)), bytes_first(s, s.n - 1),   joined(s, BYTES_LIT("\0")),
        BYTES_NONE,      bytes_after(s, 1),     joined(BYTES_LIT("\0"), s)};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(ecdsa_verify(&key, hash, wrong[i]));
    assert_false(ecdsa_verify(&key, BYTES_NONE, s));
    for (size_t bit = 0; bit < key.point.n * 8; bit += 5) { /* a point that no decoder lets through */
        struct public_key bent = {.kind = kind, .point = flipped(key.point, bit)};

        assert_false(ecdsa_verify(&bent, hash, s));
    }
    struct public_key nowhere = {.kind = kind, .point = joined(zero, zero)};
    assert_false(ecdsa_verify(&nowhere, hash, s));
    signing_key_free(k);
    k = new_key(kind);
    other = public_of(k);
    assert_false(ecdsa_verify(&other, hash, s));
    signing_key_free(k);
    k = new_key(kind == KEY_P256 ? KEY_P384 : KEY_P256);
    other = public_of(k);
    assert_false(ecdsa_verify(&other, hash, s));
    signing_key_free(k);
    assert_false(ecdsa_verify(&(struct public_key){.kind = KEY_NONE}, hash, s));
}

static void ecdsa(void **state)
{
    (void)state;
    ecdsa_of(KEY_P256, SIGNATURE_ES256, DIGEST_SHA256, n256);
    ecdsa_of(KEY_P384, SIGNATURE_ES384, DIGEST_SHA384, n384);
    ecdsa_of(KEY_P256, SIGNATURE_ES512, DIGEST_SHA512, n256);
    ecdsa_of(KEY_P384, SIGNATURE_ES256, DIGEST_SHA256, n384);
}

static void ecdsa_der(void **state)
{
    struct bytes out;

    (void)state;
    assert_true(ecdsa_from_der(&arena, KEY_P256, hex("3006020101020200ff"), &out) == false); /* the length lies */
    assert_true(ecdsa_from_der(&arena, KEY_P256, hex("3007020101020200ff"), &out));
    struct bytes zeros = bytes_make(arena_alloc(&arena, 31), 31);
    assert_bytes_equal(out, joined(joined(zeros, hex("01")), joined(zeros, hex("ff"))));
    static const char *const wrong[] = {
        "",
        "3000",
        "3003020101",
        "3009020101020101020101", /* three numbers */
        "3008020101020200ff00",   /* something more inside */
        "3007020101020200ff00",   /* and behind */
        "308107020101020200ff",   /* long form of a short length */
        "3080020101020200ff0000", /* indefinite */
        "3006020101020181",       /* negative */
        "300702010102020001",     /* padded */
        "300702020001020101",
        "3005020002010a",     /* an empty number */
        "3107020101020200ff", /* a SET */
        "3007030101020200ff", /* a BIT STRING */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (ecdsa_from_der(&arena, KEY_P256, hex(wrong[i]), &out))
            fail_msg("%s", wrong[i]);
    const char *long_r = "302602210100000000000000000000000000000000000000000000000000000000000000000201ff";
    assert_false(ecdsa_from_der(&arena, KEY_P256, hex(long_r), &out));
    long_r = "3026022101000000000000000000000000000000000000000000000000000000000000000002017f";
    assert_false(ecdsa_from_der(&arena, KEY_P256, hex(long_r), &out)); /* 2^256 */
    assert_true(ecdsa_from_der(&arena, KEY_P384, hex(long_r), &out));
    assert_int_equal(out.n, 96);
}

static struct bytes pss_with_salt(EVP_PKEY *k, struct bytes hash, int salt)
{
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(k, NULL);
    size_t n = 256;
    uint8_t *out = arena_alloc(&arena, n);

    assert_true(EVP_PKEY_sign_init(c) == 1 && EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PSS_PADDING) == 1 &&
                EVP_PKEY_CTX_set_signature_md(c, EVP_sha256()) == 1 && EVP_PKEY_CTX_set_rsa_pss_saltlen(c, salt) == 1 &&
                EVP_PKEY_sign(c, out, &n, hash.p, hash.n) == 1);
    EVP_PKEY_CTX_free(c);
    return bytes_make(out, n);
}

static void rsa(void **state)
{
    struct signing_key *k = new_key(KEY_RSA), *ec = new_key(KEY_P256);
    struct public_key key = public_of(k), ec_key = public_of(ec), bare;
    struct bytes message = BYTES_LIT("message"), hash = digest(&arena, DIGEST_SHA256, message), s, pss;

    (void)state;
    assert_true(sign_message(k, SIGNATURE_RS256, message, &arena, &s));
    assert_true(sign_message(k, SIGNATURE_PS256, message, &arena, &pss));
    assert_true(rsa_pkcs1_verify(&key, DIGEST_SHA256, hash, s) && rsa_pss_verify(&key, DIGEST_SHA256, hash, 32, pss));
    assert_true(public_key_from_rsa(key.modulus, key.exponent, &bare) &&
                rsa_pkcs1_verify(&bare, DIGEST_SHA256, hash, s));
    assert_false(rsa_pkcs1_verify(&key, DIGEST_SHA256, hash, pss) || rsa_pss_verify(&key, DIGEST_SHA256, hash, 32, s));
    for (size_t bit = 0; bit < s.n * 8; bit += 5)
        assert_false(rsa_pkcs1_verify(&key, DIGEST_SHA256, hash, flipped(s, bit)) ||
                     rsa_pss_verify(&key, DIGEST_SHA256, hash, 32, flipped(pss, bit)));
    for (size_t bit = 0; bit < hash.n * 8; bit += 5)
        assert_false(rsa_pkcs1_verify(&key, DIGEST_SHA256, flipped(hash, bit), s) ||
                     rsa_pss_verify(&key, DIGEST_SHA256, flipped(hash, bit), 32, pss));
    struct bytes wrong[] = {BYTES_NONE,
                            bytes_first(s, 255),
                            joined(s, BYTES_LIT("\0")),
                            joined(BYTES_LIT("\0"), s),
                            key.modulus,
                            bytes_make(arena_alloc(&arena, 256), 256)};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(rsa_pkcs1_verify(&key, DIGEST_SHA256, hash, wrong[i]) ||
                     rsa_pss_verify(&key, DIGEST_SHA256, hash, 32, wrong[i]));
    /* Another digest, another size of digest, another kind of key. */
    assert_false(rsa_pkcs1_verify(&key, DIGEST_SHA384, hash, s) ||
                 rsa_pkcs1_verify(&key, DIGEST_SHA384, digest(&arena, DIGEST_SHA384, message), s));
    assert_false(rsa_pkcs1_verify(&key, DIGEST_SHA256, bytes_first(hash, 31), s));
    assert_false(rsa_pkcs1_verify(&ec_key, DIGEST_SHA256, hash, s) || ecdsa_verify(&key, hash, bytes_first(s, 64)));
    assert_false(signature_verify(&key, SIGNATURE_NONE, message, s));
    signing_key_free(k);
    signing_key_free(ec);
}

static void pss_salt_is_exact(void **state)
{
    EVP_PKEY *k = EVP_RSA_gen(2048);
    struct bytes hash = digest(&arena, DIGEST_SHA256, BYTES_LIT("message"));
    static const int salts[] = {0, 20, 31, 32, 33, 64};
    struct public_key key;

    (void)state;
    assert_true(public_key_decode(&arena, spki_of(k), &key));
    for (size_t i = 0; i < sizeof salts / sizeof *salts; i++) {
        struct bytes s = pss_with_salt(k, hash, salts[i]);

        for (size_t salt = 0; salt <= 64; salt++)
            assert_true(rsa_pss_verify(&key, DIGEST_SHA256, hash, salt, s) == (salt == (size_t)salts[i]));
        assert_true(signature_verify(&key, SIGNATURE_PS256, BYTES_LIT("message"), s) == (salts[i] == 32));
    }
    assert_false(rsa_pss_verify(&key, DIGEST_SHA256, hash, 65, pss_with_salt(k, hash, 65)));
    EVP_PKEY_free(k);
}

static void every_algorithm(void **state)
{
    static const enum signature_alg algs[] = {SIGNATURE_RS256, SIGNATURE_RS384, SIGNATURE_RS512,
                                              SIGNATURE_PS256, SIGNATURE_PS384, SIGNATURE_PS512,
                                              SIGNATURE_ES256, SIGNATURE_ES384, SIGNATURE_ES512};
    enum { ALGS = sizeof algs / sizeof *algs };

    (void)state;
    for (enum key_kind kind = KEY_P256; kind <= KEY_RSA; kind++) {
        struct signing_key *k = new_key(kind);
        struct public_key key = public_of(k);
        struct bytes s;

        for (size_t i = 0; i < ALGS; i++) {
            bool fits = (kind == KEY_RSA) == (algs[i] < SIGNATURE_ES256);

            assert_true(sign_message(k, algs[i], BYTES_LIT("m"), &arena, &s) == fits);
            for (size_t v = 0; v < ALGS && fits; v++) /* under its own name only */
                assert_true(signature_verify(&key, algs[v], BYTES_LIT("m"), s) == (v == i));
            assert_false(fits && signature_verify(&key, algs[i], BYTES_LIT("n"), s));
        }
        assert_false(sign_message(k, SIGNATURE_NONE, BYTES_LIT("m"), &arena, &s));
        signing_key_free(k);
    }
}

struct threaded {
    struct public_key key;
    struct bytes signature;
    bool ok;
};

static void *verify_in_thread(void *context)
{
    struct threaded *t = context;

    t->ok = true;
    for (int i = 0; i < 50; i++)
        t->ok &= signature_verify(&t->key, SIGNATURE_ES256, BYTES_LIT("m"), t->signature) &&
                 !signature_verify(&t->key, SIGNATURE_ES256, BYTES_LIT("n"), t->signature);
    return NULL;
}

/* What is set up once is set up by the first of several threads. Runs first, before anything was. */
static void threads(void **state)
{
    enum { THREADS = 8 };
    EVP_PKEY *k = EVP_EC_gen("P-256");
    struct bytes spki = spki_of(k), s;
    struct fault fault = {0};
    struct signing_key *signer = signing_key_read_pem(private_pem(k, NULL), &fault);
    struct threaded t[THREADS];
    pthread_t id[THREADS];

    (void)state;
    assert_true(signer && sign_message(signer, SIGNATURE_ES256, BYTES_LIT("m"), &arena, &s));
    for (int i = 0; i < THREADS; i++) {
        t[i] = (struct threaded){.signature = s, .key = {.kind = KEY_P256, .point = bytes_after(spki, spki.n - 64)}};
        assert_int_equal(pthread_create(&id[i], NULL, verify_in_thread, &t[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(id[i], NULL);
        assert_true(t[i].ok);
    }
    signing_key_free(signer);
    EVP_PKEY_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(threads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(digests, set_up, tear_down),
        cmocka_unit_test_setup_teardown(secrets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ecdsa, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ecdsa_der, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rsa, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pss_salt_is_exact, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_algorithm, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("crypto", tests, NULL, NULL);
}
