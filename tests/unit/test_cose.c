/* CBOR and COSE_Sign1: what is taken, what is refused, and what a signature is made over. */
#include "crypto_test.h"

#include "base/limits.h"
#include "crypto/cose.h"

static const struct cbor *parsed(struct bytes b)
{
    const struct cbor *v;

    return cbor_parse(&arena, b, &v) ? v : NULL;
}

static void values(void **state)
{
    int64_t n;
    struct bytes b;

    (void)state;
    assert_true(cbor_integer(parsed(hex("17")), &n) && n == 23);
    assert_true(cbor_integer(parsed(hex("1b7fffffffffffffff")), &n) && n == INT64_MAX);
    assert_false(cbor_integer(parsed(hex("1b8000000000000000")), &n));
    assert_true(cbor_integer(parsed(hex("3b7fffffffffffffff")), &n) && n == INT64_MIN);
    assert_false(cbor_integer(parsed(hex("3b8000000000000000")), &n));
    assert_true(cbor_integer(parsed(hex("3825")), &n) && n == -38);
    assert_true(cbor_text(parsed(hex("6161")), &b));
    assert_bytes_are(b, "a");
    assert_false(cbor_bytes(parsed(hex("6161")), &b));
    assert_int_equal(parsed(hex("d200"))->number, 18);
    assert_int_equal(parsed(hex("d7f6"))->first->kind, CBOR_KIND_NULL);
    assert_int_equal(parsed(hex("d8ff00"))->number, 255);
    const struct cbor *map = parsed(hex("a3012061610220f5"));
    assert_int_equal(map->count, 3);
    assert_true(cbor_integer(cbor_at(map, 1), &n) && n == -1);
    assert_true(cbor_integer(cbor_at_text(map, "a"), &n) && n == 2);
    assert_int_equal(cbor_at(map, -1)->kind, CBOR_KIND_TRUE);
    assert_null(cbor_at(map, 2));
    assert_null(cbor_at(NULL, 1));
    assert_null(cbor_at(parsed(hex("80")), 1));
}

static void what_is_no_cbor_of_ours(void **state)
{
    static const char *const wrong[] = {
        "",
        "18",
        "1c",
        "1f",
        "0000",
        "41",
        "5f4100ff",
        "7f6161ff",
        "62c328",
        "61ff",
        "9f00ff",
        "8201",
        "8101ff",
        "bf0000ff",
        "a101",
        "a201000100",
        "a2616100616101",
        "a1410000",
        "a1f500",
        "a18000",
        "c0",
        "d8",
        "f90000",
        "fa00000000",
        "fb0000000000000000",
        "ff",
        "fc",
        "9bffffffffffffffff",
        "bbffffffffffffffff",
        "5bffffffffffffffff",
        "7bffffffffffffffff",
        "9b7fffffffffffffff",
        "bb8000000000000000",
        "a2010018010",
        "f8",
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct bytes b;

        if (hex_decode(&arena, bytes_text(wrong[i]), &b) && parsed(b))
            fail_msg("%s was taken", wrong[i]);
    }
    /* One key in two lengths is there twice. */
    assert_null(parsed(hex("a20100180100")));
}

/* n arrays in each other, with a number in the middle. */
static struct bytes nested(size_t n)
{
    uint8_t *p = arena_alloc(&arena, n + 1);

    memset(p, 0x81, n);
    return bytes_make(p, n + 1);
}

static void limits_hold(void **state)
{
    struct writer many = wr_open(&arena), map = wr_open(&arena);

    (void)state;
    assert_non_null(parsed(nested(LIMIT_CBOR_DEPTH)));
    assert_null(parsed(nested(LIMIT_CBOR_DEPTH + 1)));
    wr_put(&many, hex("990fff"));
    for (size_t i = 1; i < LIMIT_CBOR_VALUES; i++)
        wr_u8(&many, 0);
    assert_non_null(parsed(wr_done(&many)));
    many.p[2] = 0;
    many.p[1] = 0x10;
    wr_u8(&many, 0);
    assert_null(parsed(wr_done(&many)));
    wr_put(&map, hex("b841"));
    for (uint8_t i = 0; i <= LIMIT_CBOR_PAIRS; i++) {
        wr_u8(&map, 0x18);
        wr_u8(&map, (uint8_t)(i + 24));
        wr_u8(&map, 0);
    }
    assert_null(parsed(wr_done(&map)));
    map.p[1] = LIMIT_CBOR_PAIRS;
    map.n -= 3;
    assert_non_null(parsed(wr_done(&map)));
}

/* A message with these parts: a map of headers as bytes, a map, payload, signature. */
static struct bytes message(const char *protected_map, const char *unprotected_map, struct bytes payload,
                            struct bytes signature)
{
    struct writer w = wr_open(&arena);
    struct bytes headers = hex(protected_map);

    wr_put(&w, hex("d284"));
    wr_u8(&w, 0x58);
    wr_u8(&w, (uint8_t)headers.n);
    wr_put(&w, headers);
    wr_put(&w, hex(unprotected_map));
    wr_u8(&w, 0x58);
    wr_u8(&w, (uint8_t)payload.n);
    wr_put(&w, payload);
    wr_u8(&w, 0x58);
    wr_u8(&w, (uint8_t)signature.n);
    wr_put(&w, signature);
    return wr_done(&w);
}

static bool decodes(struct bytes b, struct cose_sign1 *m)
{
    struct fault fault = {0};
    bool ok = cose_sign1_decode(&arena, b, m, &fault);

    assert_int_equal(ok, fault.code == FAULT_NONE);
    return ok;
}

static void what_is_signed(void **state)
{
    (void)state;
    assert_bytes_equal(cose_sign1_signed(&arena, hex("a10126"), BYTES_LIT("This is the content.")),
                       hex("846a5369676e61747572653143a101264054546869732069732074686520636f6e74656e742e"));
}

/* The example of RFC 9052 C.2.1: ES256 over "This is the content." under the key "11". */
static void the_example_of_the_standard(void **state)
{
    struct bytes point = hex("bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff"
                             "20138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e"),
                 example = hex("d28443a10126a10442313154546869732069732074686520636f6e74656e742e"
                               "58408eb33e4ca31d1c465ab05aac34cc6b23d58fef5c083106c4d25a91aef0b0117e"
                               "2af9a291aa32e14ab834dc56ed2a223444547e01f11d3b0916e5a4c345cacb36");
    struct public_key key;
    struct cose_sign1 m;

    (void)state;
    assert_true(public_key_from_point(point, &key));
    assert_true(decodes(example, &m));
    assert_int_equal(m.alg, SIGNATURE_ES256);
    assert_true(cose_sign1_verify(&arena, &m, &key));
    for (size_t bit = 0; bit < example.n * 8; bit++) {
        struct cose_sign1 changed;
        bool is_key_id = bit / 8 >= 7 && bit / 8 <= 10; /* not protected: its label, its kind, itself */

        bool good = cose_sign1_decode(&arena, flipped(example, bit), &changed, &(struct fault){0}) &&
                    cose_sign1_verify(&arena, &changed, &key);
        if (good && !is_key_id)
            fail_msg("bit %zu", bit);
    }
}

static void each_algorithm_has_its_key(void **state)
{
    struct signing_key *rsa = new_key(KEY_RSA), *p384 = new_key(KEY_P384);
    struct public_key of_rsa = public_of(rsa), of_p384 = public_of(p384);
    struct cose_sign1 m;

    (void)state;
    assert_true(decodes(message("a10126", "a0", BYTES_LIT("x"), of_p384.point), &m));
    assert_false(cose_sign1_verify(&arena, &m, &of_rsa));
    assert_false(cose_sign1_verify(&arena, &m, &of_p384)); /* ES256 is for P-256 here */
    assert_true(decodes(message("a1013825", "a0", BYTES_LIT("x"), of_p384.point), &m));
    assert_int_equal(m.alg, SIGNATURE_PS384);
    assert_false(cose_sign1_verify(&arena, &m, &of_p384));
    signing_key_free(rsa);
    signing_key_free(p384);
}

static void what_is_no_message(void **state)
{
    struct bytes x = BYTES_LIT("x");
    struct cose_sign1 m;

    (void)state;
    assert_true(decodes(message("a10126", "a0", x, x), &m));
    assert_false(decodes(bytes_after(message("a10126", "a0", x, x), 1), &m)); /* without its tag */
    assert_false(decodes(message("a1012626", "a0", x, x), &m));
    assert_false(decodes(message("", "a0", x, x), &m));
    assert_false(decodes(message("80", "a0", x, x), &m));
    assert_false(decodes(message("a0", "a10126", x, x), &m));         /* an algorithm that is not protected */
    assert_false(decodes(message("a1013900ff", "a0", x, x), &m));     /* -256 */
    assert_false(decodes(message("a1016126", "a0", x, x), &m));       /* by name */
    assert_false(decodes(message("a201260326", "a10326", x, x), &m)); /* 3 in both */
    assert_false(decodes(message("a2012602810a", "a0", x, x), &m));   /* crit */
    assert_false(decodes(message("a10126", "a102810a", x, x), &m));
    assert_false(decodes(hex("d28343a10126a04178"), &m));
    assert_false(decodes(hex("d28443a10126a0f64178"), &m)); /* its payload is elsewhere */
    assert_false(decodes(hex("d18443a10126a041784178"), &m));
    assert_false(decodes(joined(message("a10126", "a0", x, x), BYTES_LIT("\0")), &m));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_cbor_of_ours, set_up, tear_down),
        cmocka_unit_test_setup_teardown(limits_hold, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_signed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_example_of_the_standard, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_algorithm_has_its_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_message, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("cose", tests, NULL, NULL);
}
