/* The file of a sealed key: what is written is read, and every byte of it counts. */
#include "arena_test.h"

#include "core/key_envelope.h"
#include "core/root_key.h"

static const uint8_t secret[ROOT_KEY_SIZE] = "thirty-two bytes of a root key.", key[ROOT_KEY_SIZE] = {7, 7, 7};
static const struct key_field fields[] = {{BYTES_LIT("pcrs"), BYTES_LIT("sha256:0,2")},
                                          {BYTES_LIT("iv"), BYTES_LIT("00ff")}};

static struct bytes sealed(void)
{
    struct fault fault = {0};
    struct bytes text;

    assert_true(key_envelope_seal(&arena, KEY_HOLDS_ROOT, "tpm2", fields, 2, key, secret, &text, &fault));
    return text;
}

static void comes_back(void **state)
{
    uint8_t out[ROOT_KEY_SIZE];
    struct key_envelope e;
    struct bytes value;
    struct fault fault = {0};

    (void)state;
    assert_true(key_envelope_read(&arena, sealed(), &e, &fault));
    assert_true(bytes_is(e.holds, KEY_HOLDS_ROOT) && bytes_is(e.sealer, "tpm2"));
    assert_int_equal(2, e.count);
    assert_true(key_envelope_field(&e, "pcrs", &value, &fault) && bytes_is(value, "sha256:0,2"));
    assert_true(key_envelope_hex(&arena, &e, "iv", &value, &fault) && bytes_equal(value, BYTES_LIT("\x00\xff")));
    assert_true(key_envelope_open(&arena, &e, key, out, &fault));
    assert_memory_equal(out, secret, sizeof out);
    assert_false(key_envelope_field(&e, "salt", &value, &fault));
    assert_non_null(strstr(fault.text, "salt"));
    assert_true(key_envelope_read(&arena, key_envelope_plain(&arena, KEY_HOLDS_OFFER, secret), &e, &fault));
    assert_true(bytes_is(e.holds, KEY_HOLDS_OFFER) && key_envelope_open(&arena, &e, NULL, out, &fault));
    assert_memory_equal(out, secret, sizeof out);
}

static void every_bit_counts(void **state)
{
    struct bytes text = sealed();
    uint8_t *p = arena_alloc(&arena, text.n), out[ROOT_KEY_SIZE];

    (void)state;
    for (size_t bit = 0; bit < 8 * text.n; bit++) {
        struct key_envelope e;

        memcpy(p, text.p, text.n);
        p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        /* Hexadecimal digits of either case are the same secret; what stands above it is authenticated as it is. */
        if (key_envelope_read(&arena, bytes_make(p, text.n), &e, NULL) &&
            key_envelope_open(&arena, &e, key, out, NULL)) {
            assert_int_equal(5, bit % 8);
            assert_true(bit / 8 >= e.head.n + sizeof "sealed");
        }
    }
    for (size_t n = 0; n < text.n; n++) {
        struct key_envelope e;

        assert_false(key_envelope_read(&arena, bytes_make(text.p, n), &e, NULL));
    }
}

static void refuses(const char *text, const char *why)
{
    struct fault fault = {0};
    struct key_envelope e;

    assert_false(key_envelope_read(&arena, bytes_text(text), &e, &fault));
    if (!strstr(fault.text, why))
        fail_msg("%s: %s", text, fault.text);
}

static void other_texts_are_refused(void **state)
{
    (void)state;
    refuses("", "no key");
    refuses("0123", "no key");
    refuses("assay-key 2\nholds root\nsealer file\nsealed 00\n", "another version");
    refuses("assay-key 1\nsealer file\nholds root\nsealed 00\n", "damaged");
    refuses("assay-key 1\nholds root\nsealer file\nsealed 00\nmore\n", "damaged");
    refuses("assay-key 1\nholds root\nsealer file\nsealed 0\n", "damaged");
    refuses("assay-key 1\nholds root\nsealer file\na 1\na 1\na 1\na 1\na 1\na 1\na 1\na 1\na 1\nsealed 00\n",
            "damaged");
    refuses("assay-key 1\nholds root\nsealer file\nUPPER 1\nsealed 00\n", "damaged");
    refuses("assay-key 1\nholds root\nsealer file\nname \x01\nsealed 00\n", "damaged");
}

static void settings_are_arguments(void **state)
{
    const struct root_sealer s = {.name = "tpm2", .tpm = "device:/dev/tpm0", .pin_file = "/pin=1"};
    char **arguments = root_sealer_arguments(&arena, &s), *unknown[] = {arena_printf(&arena, "pin=1234"), NULL};
    struct root_sealer read;
    struct fault fault = {0};

    (void)state;
    assert_string_equal(arguments[0], "sealer=tpm2");
    assert_true(root_sealer_read(arguments, &read, &fault));
    assert_string_equal(read.name, "tpm2");
    assert_string_equal(read.tpm, "device:/dev/tpm0");
    assert_string_equal(read.pin_file, "/pin=1");
    assert_null(read.pcrs);
    assert_true(root_sealer_read((char *[]){NULL}, &read, &fault));
    assert_string_equal(read.name, "file");
    assert_false(root_sealer_read(unknown, &read, &fault));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_bit_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_texts_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(settings_are_arguments, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("key_envelope", tests, NULL, NULL);
}
