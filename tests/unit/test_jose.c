/* JWS and JWK: what is signed verifies with its own key and algorithm; every other combination and form is refused. */
#include "crypto_test.h"

#include "crypto/jose.h"

/* A JWS of this header and payload, signed as alg says. */
static struct bytes signed_text(const struct signing_key *k, enum signature_alg alg, const char *header,
                                struct bytes payload)
{
    struct writer w = wr_open(&arena);
    struct bytes s;

    wr_base64url(&w, bytes_text(header));
    wr_u8(&w, '.');
    wr_base64url(&w, payload);
    assert_true(sign_message(k, alg, wr_done(&w), &arena, &s));
    wr_u8(&w, '.');
    wr_base64url(&w, s);
    return wr_done(&w);
}

static struct jws decoded(struct bytes text)
{
    struct jws jws;
    struct fault fault = {0};

    if (!jws_decode(&arena, text, false, &jws, &fault))
        fail_msg("%s", fault.text);
    return jws;
}

static void refused(struct bytes text, const char *why)
{
    struct jws jws;
    struct fault fault = {0};

    if (jws_decode(&arena, text, true, &jws, &fault))
        fail_msg("%.*s was decoded", (int)text.n, (const char *)text.p);
    if (!strstr(fault.text, why))
        fail_msg("'%s' instead of '%s'", fault.text, why);
}

/* header and payload as base64url, and this signature text. */
static struct bytes compact(const char *header, const char *payload, const char *signature)
{
    struct writer w = wr_open(&arena);

    wr_base64url(&w, bytes_text(header));
    wr_u8(&w, '.');
    wr_base64url(&w, bytes_text(payload));
    wr_u8(&w, '.');
    wr_text(&w, signature);
    return wr_done(&w);
}

static const struct {
    const char *name;
    enum signature_alg alg;
    enum key_kind kind;
} algs[] = {
    {"RS256", SIGNATURE_RS256, KEY_RSA},  {"RS384", SIGNATURE_RS384, KEY_RSA},  {"RS512", SIGNATURE_RS512, KEY_RSA},
    {"PS256", SIGNATURE_PS256, KEY_RSA},  {"PS384", SIGNATURE_PS384, KEY_RSA},  {"PS512", SIGNATURE_PS512, KEY_RSA},
    {"ES256", SIGNATURE_ES256, KEY_P256}, {"ES384", SIGNATURE_ES384, KEY_P384},
};
enum { ALGS = sizeof algs / sizeof *algs };

static const char *header_of(const char *alg)
{
    return arena_printf(&arena, "{\"alg\":\"%s\",\"typ\":\"JWT\"}", alg);
}

static void every_algorithm(void **state)
{
    struct signing_key *keys[KEY_RSA + 1] = {NULL};
    struct public_key publics[KEY_RSA + 1];

    (void)state;
    for (enum key_kind kind = KEY_P256; kind <= KEY_RSA; kind++) {
        keys[kind] = new_key(kind);
        publics[kind] = public_of(keys[kind]);
    }
    for (size_t i = 0; i < ALGS; i++) {
        struct bytes text =
            signed_text(keys[algs[i].kind], algs[i].alg, header_of(algs[i].name), BYTES_LIT("{}\0\xff"));
        struct jws jws = decoded(text);

        assert_string_equal(signature_alg_name(algs[i].alg), algs[i].name);
        assert_true(jws.alg == algs[i].alg && !jws.unsecured);
        assert_bytes_equal(jws.text, text);
        assert_bytes_equal(jws.payload, BYTES_LIT("{}\0\xff"));
        assert_true(bytes_is(json_member(jws.header, "typ")->text, "JWT"));
        for (enum key_kind kind = KEY_P256; kind <= KEY_RSA; kind++)
            assert_true(jws_verify(&jws, &publics[kind]) == (kind == algs[i].kind));
        assert_false(jws_verify(&jws, &(struct public_key){.kind = KEY_NONE}));
        /* The same signature under another algorithm's name: that name was signed too, so nothing verifies. */
        for (size_t other = 0; other < ALGS; other++) {
            struct jws renamed = jws;

            renamed.alg = algs[other].alg;
            assert_true(jws_verify(&renamed, &publics[algs[i].kind]) == (other == i));
            /* A key bound to one algorithm verifies no other. */
            struct public_key bound = publics[algs[i].kind];
            bound.alg = algs[other].alg;
            assert_true(jws_verify(&jws, &bound) == (other == i));
        }
    }
    /* X.509 knows ES256 on P-384, JOSE does not; nor is there an ES512 without P-521. */
    struct bytes text = signed_text(keys[KEY_P384], SIGNATURE_ES256, header_of("ES256"), BYTES_LIT("{}"));
    struct jws jws = decoded(text);
    assert_true(signature_verify(&publics[KEY_P384], SIGNATURE_ES256, jws.signing_input, jws.signature));
    assert_false(jws_verify(&jws, &publics[KEY_P384]));
    refused(signed_text(keys[KEY_P256], SIGNATURE_ES512, header_of("ES512"), BYTES_LIT("{}")),
            "'ES512' is not accepted");
    for (enum key_kind kind = KEY_P256; kind <= KEY_RSA; kind++)
        signing_key_free(keys[kind]);
}

/* Each character of a token replaced: it does not decode or does not verify. */
static void every_character_is_signed(void **state)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    struct signing_key *k = new_key(KEY_P256);
    struct public_key key = public_of(k);
    struct bytes text = signed_text(k, SIGNATURE_ES256, header_of("ES256"), BYTES_LIT("{\"a\":1}"));
    struct jws jws;

    (void)state;
    for (size_t i = 0; i < text.n; i++)
        for (size_t step = 1; step < 64; step += 21) {
            uint8_t *p = arena_alloc(&arena, text.n);
            const char *at = memchr(alphabet, text.p[i], 64);

            memcpy(p, text.p, text.n);
            p[i] = (uint8_t)(at ? alphabet[((size_t)(at - alphabet) + step) % 64] : 'A');
            if (jws_decode(&arena, bytes_make(p, text.n), false, &jws, NULL) && jws_verify(&jws, &key))
                fail_msg("character %zu is not signed", i);
        }
    for (size_t cut = 0; cut < text.n; cut++)
        assert_false(jws_decode(&arena, bytes_first(text, cut), false, &jws, NULL) && jws_verify(&jws, &key));
    signing_key_free(k);
}

static void compact_form(void **state)
{
    static const char es256[] = "{\"alg\":\"ES256\"}";
    struct bytes good = compact(es256, "{}", "AAAA");

    (void)state;
    decoded(good);
    refused(BYTES_NONE, "Could not find first period in the token.");
    refused(BYTES_LIT("abc"), "Could not find first period in the token.");
    refused(BYTES_LIT("abc.def"), "Could not find second period in the token.");
    refused(joined(good, BYTES_LIT(".")), "third period");
    refused(joined(good, BYTES_LIT(".AAAA")), "third period");
    refused(joined(good, BYTES_LIT("=")), "signature is not base64url");
    refused(joined(good, BYTES_LIT("\n")), "signature is not base64url");
    refused(joined(BYTES_LIT(" "), good), "header is not base64url");
    refused(compact(es256, "{}", "AAAAA"), "signature is not base64url"); /* no such length */
    refused(compact(es256, "{}", "AAAB+A"), "signature is not base64url");
    refused(compact(es256, "{}", "AAB"), "signature is not base64url"); /* trailing bits */
    refused(compact(es256, "{}", ""), "signature is empty");
    refused(BYTES_LIT("..AAAA"), "");
    refused(BYTES_LIT("eyJhbGciOiJFUzI1NiJ9.e30=.AAAA"), "payload is not base64url");
    refused(BYTES_LIT("eyJhbGciOiJFUzI1NiJ9.e31.AAAA"), "payload is not base64url");
    struct jws empty = decoded(compact(es256, "", "AAAA")); /* RFC 7515 allows a payload of nothing */
    assert_int_equal(empty.payload.n, 0);
    assert_bytes_are(empty.signing_input, "eyJhbGciOiJFUzI1NiJ9.");
}

static void headers(void **state)
{
    static const struct {
        const char *header, *why; /* NULL: accepted */
    } rows[] = {
        {"{\"alg\":\"ES256\"}", NULL},
        {" { \"typ\" : \"JWT\" , \"alg\" : \"ES256\" } ", NULL},
        {"{\"alg\":\"ES\\u0032\\u00356\"}", NULL}, /* JSON is JSON */
        {"{}", "no alg"},
        {"[]", "no alg"},
        {"\"ES256\"", "no alg"},
        {"{\"alg\":256}", "no alg"},
        {"{\"alg\":null}", "no alg"},
        {"{\"alg\":[\"ES256\"]}", "no alg"},
        {"{\"ALG\":\"ES256\"}", "no alg"},
        {"{\"alg\":\"\"}", "'' is not accepted"},
        {"{\"alg\":\"es256\"}", "'es256' is not accepted"},
        {"{\"alg\":\"HS256\"}", "'HS256' is not accepted"},
        {"{\"alg\":\"EdDSA\"}", "'EdDSA' is not accepted"},
        {"{\"alg\":\"NONE\"}", "'NONE' is not accepted"},
        {"{\"alg\":\"none\"}", "alg is none, but there is a signature"},
        {"{\"alg\":\"ES256\\u0000\"}", "is not accepted"},
        {"{\"alg\":\"ES256 and a very long name that is cut somewhere\"}", "'ES256 and a very long name that ' is"},
        {"{\"alg\":\"ES256\",\"crit\":[\"exp\"]}", "crit"},
        {"{\"alg\":\"ES256\",\"crit\":null}", "crit"},
        {"{\"alg\":\"none\",\"alg\":\"ES256\"}", "stands twice"},
        {"{\"alg\":\"ES256\",\"a\":{\"b\":1,\"b\":1}}", "stands twice"},
        {"{\"alg\":\"ES256\"", ""},
        {"{\"alg\":\"ES256\"}{}", ""},
        {"", ""},
    };
    struct jws jws;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bytes text = compact(rows[i].header, "{}", "AAAA");

        if (rows[i].why)
            refused(text, rows[i].why);
        else
            assert_int_equal(decoded(text).alg, SIGNATURE_ES256);
    }
    char *large = arena_alloc(&arena, 60000);
    memset(large, 'x', 59999);
    refused(compact(arena_printf(&arena, "{\"alg\":\"ES256\",\"x\":\"%s\"}", large), "{}", "AAAA"), "longer than");
    /* Names that one client writes for two of ours, where a caller allows them. */
    struct bytes rsa256 = compact(header_of("RSA256"), "{}", "AAAA"),
                 ecdh256 = compact(header_of("ECDH256"), "{}", "AAAA");
    assert_false(jws_decode(&arena, rsa256, false, &jws, NULL) || jws_decode(&arena, ecdh256, false, &jws, NULL));
    assert_true(jws_decode(&arena, rsa256, true, &jws, NULL) && jws.alg == SIGNATURE_RS256);
    assert_true(jws_decode(&arena, ecdh256, true, &jws, NULL) && jws.alg == SIGNATURE_ES256);
}

static void unsecured(void **state)
{
    struct jws jws = decoded(compact("{\"alg\":\"none\"}", "{\"a\":1}", ""));
    struct signing_key *k = new_key(KEY_P256);
    struct public_key key = public_of(k);

    (void)state;
    assert_true(jws.unsecured && jws.alg == SIGNATURE_NONE && jws.signature.n == 0);
    assert_bytes_are(jws.payload, "{\"a\":1}");
    assert_string_equal(signature_alg_name(jws.alg), "none");
    assert_false(jws_verify(&jws, &key) || jws_verify(&jws, &(struct public_key){.kind = KEY_NONE}));
    /* A true signature behind alg none is none: the header says what was meant. */
    refused(signed_text(k, SIGNATURE_ES256, "{\"alg\":\"none\"}", BYTES_LIT("{}")), "alg is none");
    signing_key_free(k);
}

/* ECDSA in JOSE is r || s; the DER of the same numbers is another thing. */
static void der_signature(void **state)
{
    struct signing_key *k = new_key(KEY_P256);
    struct public_key key = public_of(k);
    struct jws jws = decoded(signed_text(k, SIGNATURE_ES256, header_of("ES256"), BYTES_LIT("{}")));

    (void)state;
    assert_true(jws_verify(&jws, &key));
    ECDSA_SIG *sig = ECDSA_SIG_new();
    assert_true(ECDSA_SIG_set0(sig, BN_bin2bn(jws.signature.p, 32, NULL), BN_bin2bn(jws.signature.p + 32, 32, NULL)));
    uint8_t *der = NULL;
    int n = i2d_ECDSA_SIG(sig, &der);
    jws.signature = arena_copy(&arena, bytes_make(der, (size_t)n));
    assert_false(jws_verify(&jws, &key));
    OPENSSL_free(der);
    ECDSA_SIG_free(sig);
    signing_key_free(k);
}

static bool key_of(const char *text, struct public_key *out, struct fault *fault)
{
    const struct json *jwk;

    if (!json_parse(&arena, bytes_text(text), NULL, &jwk, NULL))
        fail_msg("no JSON: %s", text);
    return jwk_decode(&arena, jwk, out, fault);
}

static const char *b64(struct bytes b)
{
    return arena_string(&arena, base64url_encode(&arena, b));
}

static void ec_jwk(void **state)
{
    (void)state;
    for (enum key_kind kind = KEY_P256; kind <= KEY_P384; kind++) {
        struct signing_key *k = new_key(kind);
        struct bytes point = public_of(k).point, x = bytes_first(point, point.n / 2),
                     y = bytes_after(point, point.n / 2);
        const char *curve = kind == KEY_P256 ? "P-256" : "P-384", *other = kind == KEY_P256 ? "P-384" : "P-256";
        struct public_key key;
        struct {
            const char *crv, *x, *y, *more;
            bool good;
        } rows[] = {
            {curve, b64(x), b64(y), "", true},
            {curve, b64(x), b64(y), ",\"use\":\"sig\",\"kid\":\"1\",\"x5c\":7", true},
            {curve, b64(x), b64(y), ",\"key_ops\":[\"verify\"]", true},
            {curve, b64(x), b64(y), ",\"key_ops\":[\"wrapKey\",\"sign\"]", true},
            {curve, b64(x), b64(y), ",\"key_ops\":[\"wrapKey\"]", false},
            {curve, b64(x), b64(y), ",\"key_ops\":[]", false},
            {curve, b64(x), b64(y), ",\"key_ops\":\"verify\"", false},
            {curve, b64(x), b64(y), ",\"use\":\"enc\"", false},
            {curve, b64(x), b64(y), ",\"use\":1", false},
            {curve, b64(x), b64(y), ",\"alg\":\"RS256\"", false},
            {curve, b64(x), b64(y), ",\"alg\":\"ECDH-ES\"", false},
            {curve, b64(x), b64(y), ",\"alg\":null", false},
            {other, b64(x), b64(y), "", false},
            {"P-521", b64(x), b64(y), "", false},
            {curve, b64(y), b64(x), "", false},
            {curve, b64(x), b64(x), "", false},
            {curve, b64(x), "", "", false},
            {curve, b64(joined(BYTES_LIT("\0"), x)), b64(y), "", false},
            {curve, b64(bytes_first(x, x.n - 1)), b64(y), "", false},
            {curve, arena_printf(&arena, "%s=", b64(x)), b64(y), "", false},
        };

        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            struct fault fault = {0};
            const char *text = arena_printf(&arena, "{\"kty\":\"EC\",\"crv\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"%s}",
                                            rows[i].crv, rows[i].x, rows[i].y, rows[i].more);

            if (key_of(text, &key, &fault) != rows[i].good)
                fail_msg("%s: %s", text, fault.text);
            assert_true(rows[i].good || fault.text[0]);
            if (rows[i].good)
                assert_bytes_equal(key.point, point);
        }
        const char *bound =
            arena_printf(&arena, "{\"kty\":\"EC\",\"crv\":\"%s\",\"x\":\"%s\",\"y\":\"%s\",\"alg\":\"%s\"}", curve,
                         b64(x), b64(y), kind == KEY_P256 ? "ES256" : "ES384");
        assert_true(key_of(bound, &key, NULL));
        assert_int_equal(key.alg, kind == KEY_P256 ? SIGNATURE_ES256 : SIGNATURE_ES384);
        signing_key_free(k);
    }
}

static void rsa_jwk(void **state)
{
    struct signing_key *k = new_key(KEY_RSA);
    struct public_key key, of_k = public_of(k);
    const char *n = b64(of_k.modulus);
    EVP_PKEY *weak = EVP_RSA_gen(1024);
    struct bytes weak_spki = spki_of(weak), weak_n = bytes_first(bytes_after(weak_spki, weak_spki.n - 128 - 5), 128);
    struct {
        const char *n, *e, *more;
        bool good;
    } rows[] = {
        {n, "AQAB", "", true},
        {n, "Aw", "", true},
        {n, "AQ", "", false},     /* e = 1 */
        {n, "AAEAAQ", "", false}, /* a leading zero */
        {n, "AQAC", "", false},   /* even */
        {n, "", "", false},
        {n, "AQABAQAB", "", false},
        {b64(joined(BYTES_LIT("\0"), of_k.modulus)), "AQAB", "", false},
        {b64(bytes_first(of_k.modulus, 255)), "AQAB", "", false},
        {b64(weak_n), "AQAB", "", false},
        {"", "AQAB", "", false},
        {n, "AQAB", ",\"alg\":\"PS384\"", true},
        {n, "AQAB", ",\"alg\":\"ES256\"", false},
        {n, "AQAB", ",\"alg\":\"RSA-OAEP\"", false},
        {n, "AQAB", ",\"alg\":\"none\"", false},
        {n, "AQAB", ",\"use\":\"enc\"", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *text =
            arena_printf(&arena, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"%s}", rows[i].n, rows[i].e, rows[i].more);

        if (key_of(text, &key, NULL) != rows[i].good)
            fail_msg("%s", text);
        if (rows[i].good)
            assert_bytes_equal(key.modulus, of_k.modulus);
    }
    static const char *const no_keys[] = {"{}",
                                          "[]",
                                          "null",
                                          "{\"kty\":\"oct\",\"k\":\"AAAA\"}",
                                          "{\"kty\":\"OKP\"}",
                                          "{\"kty\":1}",
                                          "{\"kty\":\"RSA\",\"n\":1,\"e\":\"AQAB\"}",
                                          "{\"kty\":\"EC\"}"};
    for (size_t i = 0; i < sizeof no_keys / sizeof *no_keys; i++)
        assert_false(key_of(no_keys[i], &key, NULL));
    assert_false(jwk_decode(&arena, NULL, &key, NULL));
    assert_int_equal(key.kind, KEY_NONE);
    EVP_PKEY_free(weak);
    signing_key_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_algorithm, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_character_is_signed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(compact_form, set_up, tear_down),
        cmocka_unit_test_setup_teardown(headers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unsecured, set_up, tear_down),
        cmocka_unit_test_setup_teardown(der_signature, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ec_jwk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rsa_jwk, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("jose", tests, NULL, NULL);
}
