/* Claim sets: order, equality, the object that they become, and their form on paper. */
#include "test.h"

#include "base/limits.h"
#include "claims/claims_json.h"

static struct arena arena;
static struct claims claims;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, TEST_MEMORY);
    claims_init(&claims, &arena);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static void becomes(unsigned flags, const char *expected)
{
    assert_bytes_are(json_print(&arena, claims_object(&arena, &claims, flags), JSON_SORTED), expected);
}

static void kinds(void **state)
{
    static const uint8_t hash[] = {0x0a, 0xff};
    struct json *list = json_new(&arena, JSON_ARRAY);

    (void)state;
    json_append(list, json_new_integer(&arena, 7));
    becomes(0, "{}");
    claims_text(&claims, "text", BYTES_LIT("a\"b"), CLAIM_POLICY);
    claims_hex(&claims, "hex", BYTES_OF(hash), CLAIM_POLICY);
    claims_integer(&claims, "integer", INT64_MIN, CLAIM_POLICY);
    claims_boolean(&claims, "yes", true, CLAIM_POLICY);
    claims_boolean(&claims, "no", false, CLAIM_POLICY);
    claims_json(&claims, "json", list, CLAIM_TOKEN);
    becomes(0, "{\"hex\":\"0aff\",\"integer\":-9223372036854775808,\"json\":[7],\"no\":false,\"text\":\"a\\\"b\","
               "\"yes\":true}");
    assert_int_equal(claims.v[0].issuer, ISSUER_SERVICE);
    assert_ptr_equal(claims_find(&claims, BYTES_LIT("no")), &claims.v[4]);
    assert_null(claims_find(&claims, BYTES_LIT("n")));
}

static void flags(void **state)
{
    (void)state;
    claims_integer(&claims, "policy", 1, CLAIM_POLICY);
    claims_integer(&claims, "token", 2, CLAIM_TOKEN);
    claims_integer(&claims, "both", 3, CLAIM_POLICY | CLAIM_TOKEN);
    becomes(CLAIM_POLICY, "{\"both\":3,\"policy\":1}");
    becomes(CLAIM_TOKEN, "{\"both\":3,\"token\":2}");
    becomes(CLAIM_TOKEN | CLAIM_POLICY, "{\"both\":3}");
}

/* Values of one type stay in the order of issue, equal ones are folded into the first; the types need not stand
 * together. */
static void folding(void **state)
{
    (void)state;
    claims_text(&claims, "a", BYTES_LIT("z"), 0);
    claims_integer(&claims, "b", 1, 0);
    claims_text(&claims, "a", BYTES_LIT("y"), 0);
    claims_text(&claims, "a", BYTES_LIT("z"), 0);
    claims_integer(&claims, "b", 1, 0);
    claims_boolean(&claims, "c", true, 0);
    claims_integer(&claims, "c", 1, 0);
    claims_text(&claims, "c", BYTES_LIT("1"), 0);
    claims_boolean(&claims, "c", true, 0);
    claims_text(&claims, "ab", BYTES_LIT(""), 0);
    becomes(0, "{\"a\":[\"z\",\"y\"],\"ab\":\"\",\"b\":1,\"c\":[true,1,\"1\"]}");
}

/* Of properties the last value counts, whatever its type; nothing is folded. */
static void last_values(void **state)
{
    (void)state;
    assert_bytes_are(json_print(&arena, claims_object_last(&arena, &claims), JSON_IN_ORDER), "{}");
    claims_text(&claims, "b", BYTES_LIT("x"), 0);
    claims_integer(&claims, "a", 1, 0);
    claims_boolean(&claims, "b", true, 0);
    claims_integer(&claims, "c", 3, CLAIM_POLICY);
    claims_integer(&claims, "a", 2, 0);
    claims_integer(&claims, "a", 1, 0);
    assert_bytes_are(json_print(&arena, claims_object_last(&arena, &claims), JSON_IN_ORDER),
                     "{\"a\":1,\"b\":true,\"c\":3}");
}

static void equality(void **state)
{
    struct claim_value text = {.kind = CLAIM_STRING, .text = BYTES_LIT("1")};
    struct claim_value one = {.kind = CLAIM_INTEGER, .integer = 1}, two = {.kind = CLAIM_INTEGER, .integer = 2};
    struct claim_value yes = {.kind = CLAIM_BOOLEAN, .integer = 1};

    (void)state;
    assert_true(claim_value_equal(&text, &text) && claim_value_equal(&one, &one) && claim_value_equal(&yes, &yes));
    assert_false(claim_value_equal(&one, &two));
    assert_false(claim_value_equal(&one, &yes));
    assert_false(claim_value_equal(&text, &one));
}

/* As many as a policy can issue, all of one type and all of their own: neither costs more than sorting. */
static void many(void **state)
{
    (void)state;
    for (int i = 0; i < LIMIT_CLAIMS; i++)
        claims_integer(&claims, "same", i, 0);
    assert_int_equal(json_member(claims_object(&arena, &claims, 0), "same")->count, LIMIT_CLAIMS);
    claims_init(&claims, &arena);
    for (int i = 0; i < LIMIT_CLAIMS; i++)
        claims_integer(&claims, arena_printf(&arena, "%d", i), 0, 0);
    assert_int_equal(claims_object(&arena, &claims, 0)->count, LIMIT_CLAIMS);
    assert_int_equal(claims_object_last(&arena, &claims)->count, LIMIT_CLAIMS);
}

static bool reads(const char *text)
{
    struct fault fault = {0};
    const struct json *list;

    claims_init(&claims, &arena);
    assert_true(json_parse(&arena, bytes_text(text), NULL, &list, NULL));
    bool ok = claims_from_json(&claims, list, &fault);
    assert_int_equal(ok, fault.code == FAULT_NONE);
    return ok;
}

static void written(void **state)
{
    static const char *const refused[] = {
        "{}",
        "[1]",
        "[{}]",
        "[{\"type\":\"a\"}]",
        "[{\"value\":1}]",
        "[{\"type\":1,\"value\":1}]",
        "[{\"type\":\"a\",\"value\":null}]",
        "[{\"type\":\"a\",\"value\":1.5}]",
        "[{\"type\":\"a\",\"value\":9223372036854775808}]",
        "[{\"type\":\"a\",\"value\":[1]}]",
        "[{\"type\":\"a\",\"value\":1,\"issuer\":\"Somebody\"}]",
        "[{\"type\":\"a\",\"value\":1,\"issuer\":1}]",
        "[{\"type\":\"a\",\"value\":1,\"read_only\":\"yes\"}]",
    };

    (void)state;
    assert_true(reads("[]"));
    assert_int_equal(claims.n, 0);
    assert_true(reads("[{\"type\":\"a\",\"value\":\"x\"},{\"type\":\"a\",\"value\":-1,\"issuer\":\"CustomClaim\"},"
                      "{\"type\":\"b\",\"value\":false,\"read_only\":true,\"issuer\":\"AttestationPolicy\"}]"));
    becomes(CLAIM_POLICY, "{\"a\":[\"x\",-1],\"b\":false}");
    assert_string_equal(claim_issuer_name(claims.v[0].issuer), "AttestationService");
    assert_string_equal(claim_issuer_name(claims.v[1].issuer), "CustomClaim");
    assert_string_equal(claim_issuer_name(claims.v[2].issuer), "AttestationPolicy");
    assert_int_equal(claims.v[0].flags, CLAIM_POLICY);
    assert_int_equal(claims.v[2].flags, CLAIM_POLICY | CLAIM_READ_ONLY);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (reads(refused[i]))
            fail_msg("read: %s", refused[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(kinds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(flags, set_up, tear_down),
        cmocka_unit_test_setup_teardown(folding, set_up, tear_down),
        cmocka_unit_test_setup_teardown(last_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(equality, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(written, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("claims", tests, NULL, NULL);
}
