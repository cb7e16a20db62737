/* Keys: the forms and sizes that are accepted, from DER, from numbers, from PEM, and everything else refused. */
#include "crypto_test.h"

static void points(void **state)
{
    static const char p256[] = "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff";
    struct signing_key *k = new_key(KEY_P256);
    struct bytes point = public_of(k).point, x = bytes_first(point, 32), y = bytes_after(point, 32);
    struct public_key key;

    (void)state;
    assert_true(public_key_from_point(point, &key));
    assert_ptr_equal(key.point.p, point.p); /* a view */
    for (size_t bit = 0; bit < 8; bit++)
        assert_false(public_key_from_point(flipped(point, bit * 61), &key));
    assert_int_equal(key.kind, KEY_NONE);
    struct bytes zero = bytes_make(arena_alloc(&arena, 96), 96);
    struct bytes wrong[] = {joined(y, x),
                            bytes_first(zero, 64),
                            zero,
                            joined(hex(p256), y),
                            joined(x, hex(p256)),
                            BYTES_NONE,
                            x,
                            bytes_first(point, 63),
                            joined(point, BYTES_LIT("\0"))};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(public_key_from_point(wrong[i], &key));
    /* The point with x = 0 is one; x + p, which is the same number, is not written so. */
    struct bytes y_of_0 = hex("66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4");
    assert_true(public_key_from_point(joined(bytes_first(zero, 32), y_of_0), &key));
    assert_false(public_key_from_point(joined(hex(p256), y_of_0), &key));
    signing_key_free(k);
}

static bool spki_refused(EVP_PKEY *k)
{
    struct public_key key = {.kind = KEY_RSA};
    bool refused = k && !public_key_decode(&arena, spki_of(k), &key) && key.kind == KEY_NONE;

    EVP_PKEY_free(k);
    return refused;
}

static EVP_PKEY *ec_key(const char *curve, const char *form, const char *encoding)
{
    EVP_PKEY *k = EVP_EC_gen(curve);

    assert_true(!form || EVP_PKEY_set_utf8_string_param(k, "point-format", form) == 1);
    assert_true(!encoding || EVP_PKEY_set_utf8_string_param(k, "encoding", encoding) == 1);
    return k;
}

static void keys_in_der(void **state)
{
    (void)state;
    for (enum key_kind kind = KEY_P256; kind <= KEY_RSA; kind++) {
        struct signing_key *k = new_key(kind);
        struct bytes spki = signing_key_spki(k, &arena);
        struct public_key key = public_of(k), again;

        assert_bytes_equal(public_key_spki(&arena, &key), spki);
        key.spki = BYTES_NONE; /* as of a key that came from numbers */
        assert_bytes_equal(public_key_spki(&arena, &key), spki);
        for (size_t cut = 0; cut < spki.n; cut++)
            assert_false(public_key_decode(&arena, bytes_first(spki, cut), &again));
        assert_false(public_key_decode(&arena, joined(spki, BYTES_LIT("\0")), &again));
        for (size_t bit = 0; kind != KEY_RSA && bit < spki.n * 8; bit++)
            assert_false(public_key_decode(&arena, flipped(spki, bit), &again)); /* no bit of an EC key is idle */
        signing_key_free(k);
    }
    assert_int_equal(public_key_spki(&arena, &(struct public_key){.kind = KEY_NONE}).n, 0);
    assert_true(spki_refused(EVP_RSA_gen(1024)));
    assert_true(spki_refused(EVP_RSA_gen(2040)));
    assert_true(spki_refused(EVP_EC_gen("P-521")) && spki_refused(EVP_EC_gen("secp256k1")));
    assert_true(spki_refused(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")) &&
                spki_refused(EVP_PKEY_Q_keygen(NULL, NULL, "X25519")));
    assert_true(spki_refused(ec_key("P-256", "compressed", NULL)) && spki_refused(ec_key("P-384", "hybrid", NULL)));
    assert_true(spki_refused(ec_key("P-256", NULL, "explicit")));
    assert_false(spki_refused(ec_key("P-256", NULL, NULL)));
}

/* A modulus of so many bits; odd, otherwise arbitrary. */
static struct bytes modulus_of(size_t bits)
{
    size_t n = (bits + 7) / 8;
    uint8_t *p = arena_alloc(&arena, n);

    memset(p, 0x5a, n);
    p[0] = (uint8_t)(0x80u >> (8 * n - bits));
    p[n - 1] |= 1;
    return bytes_make(p, n);
}

static void rsa_numbers(void **state)
{
    static const char *const exponents[] = {"03", "05", "010001", "ffffffff"}, *const wrong[] = {
                                                                                   "",          "00",
                                                                                   "01",        "02",
                                                                                   "010000",    "0003",
                                                                                   "00010001",  "00000001",
                                                                                   "0100000001"};
    struct public_key key;

    (void)state;
    for (size_t i = 0; i < sizeof exponents / sizeof *exponents; i++)
        assert_true(public_key_from_rsa(modulus_of(2048), hex(exponents[i]), &key));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (public_key_from_rsa(modulus_of(2048), hex(wrong[i]), &key) || key.kind != KEY_NONE)
            fail_msg("exponent %s", wrong[i]);
    static const size_t sizes[] = {8, 1024, 2047, 2048, 2049, 3072, 4095, 4096, 4097, 8192};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        assert_true(public_key_from_rsa(modulus_of(sizes[i]), hex("010001"), &key) ==
                    (sizes[i] >= 2048 && sizes[i] <= 4096));
    struct bytes even = flipped(modulus_of(2048), 255 * 8);
    assert_false(public_key_from_rsa(even, hex("010001"), &key));
    assert_false(public_key_from_rsa(joined(BYTES_LIT("\0"), modulus_of(2048)), hex("010001"), &key));
    assert_false(public_key_from_rsa(BYTES_NONE, hex("010001"), &key));
}

static void signing_keys_in_pem(void **state)
{
    struct fault fault = {0};

    (void)state;
    for (enum key_kind kind = KEY_P256; kind <= KEY_RSA; kind++) {
        struct signing_key *k = new_key(kind), *again;
        struct bytes pem;

        assert_true(signing_key_write_pem(k, &arena, &pem, &fault));
        assert_true(bytes_begin(pem, "-----BEGIN PRIVATE KEY-----\n"));
        again = signing_key_read_pem(pem, &fault);
        assert_non_null(again);
        assert_bytes_equal(signing_key_spki(again, &arena), signing_key_spki(k, &arena));
        signing_key_free(again);
        signing_key_free(k);
    }
    EVP_PKEY *good = EVP_EC_gen("P-256"), *curve = EVP_EC_gen("P-521"), *small = EVP_RSA_gen(1024);
    struct bytes wrong[] = {BYTES_NONE,
                            BYTES_LIT("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
                            BYTES_LIT("no key"),
                            private_pem(curve, NULL),
                            private_pem(small, NULL),
                            private_pem(good, EVP_aes_256_cbc())}; /* and nobody is asked for the passphrase */
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        fault = (struct fault){0};
        assert_null(signing_key_read_pem(wrong[i], &fault));
        assert_int_equal(fault.code, FAULT_CRYPTO);
        assert_true(fault.text[0]);
    }
    EVP_PKEY_free(good);
    EVP_PKEY_free(curve);
    EVP_PKEY_free(small);
    signing_key_free(NULL);
    assert_null(signing_key_generate(KEY_NONE, &fault));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(points, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_in_der, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rsa_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(signing_keys_in_pem, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
