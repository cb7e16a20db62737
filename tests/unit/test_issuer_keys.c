/* What issuers publish: which keys of a set are taken, and whose metadata is believed. */
#include "test.h"

#include "base/limits.h"
#include "base/text.h"
#include "crypto/sign.h"
#include "identity/keys.h"

static struct arena arena;
static struct bytes rsa_n, rsa_e, point;

static int set_up(void **state)
{
    (void)state;
    struct signing_key *rsa, *ec;
    struct public_key key;

    arena_init(&arena, TEST_MEMORY);
    rsa = signing_key_generate(KEY_RSA, NULL);
    ec = signing_key_generate(KEY_P256, NULL);
    if (!rsa || !ec || !public_key_decode(&arena, signing_key_spki(rsa, &arena), &key))
        return -1;
    rsa_n = base64url_encode(&arena, key.modulus);
    rsa_e = base64url_encode(&arena, key.exponent);
    if (!public_key_decode(&arena, signing_key_spki(ec, &arena), &key))
        return -1;
    point = key.point;
    signing_key_free(rsa);
    signing_key_free(ec);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static const char *rsa_jwk(const char *more)
{
    return arena_printf(&arena, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"%s}", arena_string(&arena, rsa_n),
                        arena_string(&arena, rsa_e), more);
}

static const char *ec_jwk(const char *more)
{
    return arena_printf(&arena, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\"%s}",
                        arena_string(&arena, base64url_encode(&arena, bytes_first(point, 32))),
                        arena_string(&arena, base64url_encode(&arena, bytes_after(point, 32))), more);
}

static size_t taken(const char *set, struct issuer_keys *keys)
{
    size_t skipped;

    return issuer_keys_decode(&arena, bytes_text(set), keys, &skipped, NULL) ? keys->count : 0;
}

static void keys_of_both_kinds(void **state)
{
    (void)state;
    struct issuer_keys keys;
    const char *set =
        arena_printf(&arena, "{\"keys\":[%s,%s]}", rsa_jwk(",\"kid\":\"a\",\"use\":\"sig\",\"alg\":\"RS256\""),
                     ec_jwk(",\"kid\":\"b\",\"key_ops\":[\"verify\"]"));

    assert_int_equal(taken(set, &keys), 2);
    assert_bytes_are(keys.v[0].kid, "a");
    assert_int_equal(keys.v[0].key.kind, KEY_RSA);
    assert_int_equal(keys.v[0].key.alg, SIGNATURE_RS256);
    assert_bytes_are(keys.v[1].kid, "b");
    assert_int_equal(keys.v[1].key.kind, KEY_P256);
}

/* Each stands beside a good key, which is taken all the same. */
static void unusable_keys_are_passed_over(void **state)
{
    (void)state;
    const char *const bad[] = {
        rsa_jwk(",\"use\":\"enc\""),
        rsa_jwk(",\"key_ops\":[\"encrypt\"]"),
        rsa_jwk(",\"alg\":\"RSA-OAEP\""),
        rsa_jwk(",\"alg\":\"ES256\""),
        rsa_jwk(",\"kid\":\"\""),
        rsa_jwk(",\"kid\":1"),
        ec_jwk(",\"alg\":\"HS256\""),
        ec_jwk(",\"x5c\":[\"AAAA\"]"),
        ec_jwk(",\"x5c\":[]"),
        "{\"kty\":\"oct\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAA\"}",
        "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"AA\",\"y\":\"AA\"}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}",
        "1",
        "[]",
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct issuer_keys keys;
        size_t skipped;
        const char *set = arena_printf(&arena, "{\"keys\":[%s,%s]}", bad[i], ec_jwk(",\"kid\":\"good\""));

        assert_true(issuer_keys_decode(&arena, bytes_text(set), &keys, &skipped, NULL));
        if (keys.count != 1 || skipped != 1)
            fail_msg("%s: %zu keys, %zu passed over", bad[i], keys.count, skipped);
        assert_bytes_are(keys.v[0].kid, "good");
    }
}

static void first_of_two_with_one_name(void **state)
{
    (void)state;
    struct issuer_keys keys;

    assert_int_equal(taken(arena_printf(&arena, "{\"keys\":[%s,%s,%s]}", ec_jwk(",\"kid\":\"a\",\"alg\":\"ES256\""),
                                        ec_jwk(",\"kid\":\"a\""), rsa_jwk(",\"kid\":\"a\"")),
                           &keys),
                     2);
    assert_int_equal(keys.v[0].key.alg, SIGNATURE_ES256);
    assert_int_equal(keys.v[1].key.kind, KEY_RSA);
}

static void what_is_no_key_set(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "{}", "[]", "{\"keys\":{}}", "{\"keys\":[]}", "{\"keys\":[1]}", "keys", "{\"keys\":[],\"keys\":[]}"};
    struct issuer_keys keys;
    struct writer w = wr_open(&arena);

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(taken(texts[i], &keys), 0);
    wr_text(&w, "{\"keys\":[");
    for (int i = 0; i <= LIMIT_ISSUER_KEYS; i++)
        wr_printf(&w, "%s%s", i ? "," : "", ec_jwk(arena_printf(&arena, ",\"kid\":\"%d\"", i)));
    wr_text(&w, "]}");
    assert_int_equal(taken(arena_string(&arena, wr_done(&w)), &keys), 0);
    w = wr_open(&arena);
    wr_printf(&w, "{\"keys\":[%s],\"x\":[1", ec_jwk(",\"kid\":\"a\""));
    for (int i = 0; i < LIMIT_JWKS_NODES; i++)
        wr_text(&w, ",1");
    wr_text(&w, "]}");
    assert_int_equal(taken(arena_string(&arena, wr_done(&w)), &keys), 0);
}

static bool believed(const char *document, const char **uri)
{
    return issuer_metadata(&arena, bytes_text(document), BYTES_LIT("https://login.example/t/"), uri, NULL);
}

static void metadata_of_this_issuer(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{\"issuer\":\"https://login.example/t\",\"jwks_uri\":\"https://keys.example/k\"}",
        "{\"issuer\":\"https://login.example/T/\",\"jwks_uri\":\"https://keys.example/k\"}",
        "{\"jwks_uri\":\"https://keys.example/k\"}",
        "{\"issuer\":\"https://login.example/t/\"}",
        "{\"issuer\":\"https://login.example/t/\",\"jwks_uri\":\"http://keys.example/k\"}",
        "{\"issuer\":\"https://login.example/t/\",\"jwks_uri\":\"file:///etc/passwd\"}",
        "{\"issuer\":\"https://login.example/t/\",\"jwks_uri\":\"https://keys.example/k\\r\\nX: y\"}",
        "{\"issuer\":\"https://login.example/t/\",\"issuer\":\"x\",\"jwks_uri\":\"https://keys.example/k\"}",
        "[]",
        "",
    };
    const char *uri;

    assert_true(
        believed("{\"issuer\":\"https://login.example/t/\",\"jwks_uri\":\"https://keys.example/k?v=2\"}", &uri));
    assert_string_equal(uri, "https://keys.example/k?v=2");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (believed(bad[i], &uri))
            fail_msg("believed: %s", bad[i]);
    assert_string_equal(issuer_metadata_url(&arena, BYTES_LIT("https://login.example/t/")),
                        "https://login.example/t/.well-known/openid-configuration");
    assert_string_equal(issuer_metadata_url(&arena, BYTES_LIT("https://login.example/t/v2.0")),
                        "https://login.example/t/v2.0/.well-known/openid-configuration");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_both_kinds),         cmocka_unit_test(unusable_keys_are_passed_over),
        cmocka_unit_test(first_of_two_with_one_name), cmocka_unit_test(what_is_no_key_set),
        cmocka_unit_test(metadata_of_this_issuer),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
