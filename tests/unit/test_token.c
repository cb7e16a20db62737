/* Tokens and keys: the recorded forms where the corpus is at hand, and an independent reader (libcrypto) for
 * certificates. */
#include "test.h"

#include <openssl/x509.h>

#include "base/text.h"
#include "crypto/der.h"
#include "crypto/jose.h"
#include "crypto/x509.h"
#include "token/token.h"

#define ISSUER  "https://test.here.example:8443"
#define ENTROPY "0123456789abcdefghijklmnopqrstuv" /* TOKEN_JTI_ENTROPY characters */

enum { OE_HEADER = 16 }; /* before the quote in an Open Enclave report */

struct fixture {
    struct arena arena;
    struct signing_key *key;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    arena_init(&f->arena, TEST_MEMORY);
    f->key = signing_key_generate(KEY_RSA, NULL);
    *state = f;
    return f->key ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    signing_key_free(f->key);
    arena_free(&f->arena);
    free(f);
    return 0;
}

/* Parts of a certificate by a walk of its DER: also of those with keys that the X.509 reader does not accept. */
struct parts {
    struct bytes spki, key_id, evidence, signature, name;
};

static struct parts take_apart(struct bytes der)
{
    struct reader r = rd_open(der), outer = der_enter(&r, DER_SEQUENCE), tbs = der_enter(&outer, DER_SEQUENCE);
    struct parts p = {0};

    der_take(&tbs, DER_CONSTRUCTED(0));
    der_take(&tbs, DER_INTEGER);
    der_take(&tbs, DER_SEQUENCE);
    struct reader name = der_enter(&tbs, DER_SEQUENCE), set = der_enter(&name, DER_SET),
                  pair = der_enter(&set, DER_SEQUENCE);
    der_take(&pair, DER_OID);
    p.name = der_take(&pair, DER_UTF8_STRING);
    der_take(&tbs, DER_SEQUENCE);
    der_take(&tbs, DER_SEQUENCE);
    p.spki = der_take_whole(&tbs, DER_SEQUENCE);
    struct reader wrapped = der_enter(&tbs, DER_CONSTRUCTED(3)), list = der_enter(&wrapped, DER_SEQUENCE);
    for (int i = 0; rd_left(&list); i++) {
        struct reader extension = der_enter(&list, DER_SEQUENCE);

        der_take(&extension, DER_OID);
        struct bytes value = der_take(&extension, DER_OCTET_STRING);
        if (i == 1)
            p.key_id = bytes_after(value, 2);
        if (i == 3)
            p.evidence = value;
    }
    der_take(&outer, DER_SEQUENCE);
    p.signature = der_bits(&outer);
    assert_true(rd_end(&outer) && rd_ok(&list));
    return p;
}

static void replace(struct bytes text, struct bytes old, struct bytes new)
{
    int hits = 0;

    assert_int_equal(old.n, new.n);
    for (size_t i = 0; i + old.n <= text.n; i++)
        if (memcmp(text.p + i, old.p, old.n) == 0) {
            memcpy((uint8_t *)(uintptr_t)(text.p + i), new.p, new.n);
            hits++;
        }
    assert_true(hits > 0);
}

static void recorded_certificates_follow_the_key_rules(void **state)
{
    static const char *const names[] = {"128313e2", "16e8ce3e", "1a3a0e84", "1b0b918d", "1f1f33f9",
                                        "2244bcbd", "4c3d0372", "6ead1196", "e2ceeb31"};
    struct fixture *f = *state;

    NEED_SHARED("recorded certificates");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct bytes der =
            read_shared(&f->arena, arena_printf(&f->arena, "evidence/oe/maa-signing-cert-%s.der", names[i]));
        struct parts p = take_apart(der);
        uint8_t binding[SHA256_SIZE];

        key_binding(&f->arena, p.spki, binding);
        /* It is the report data of the quote inside, wherever the generation of 2020 or the later one puts that. */
        assert_non_null(memmem(der.p, der.n, binding, sizeof binding));
        if (strcmp(names[i], "16e8ce3e") == 0)
            assert_bytes_are(key_id(&f->arena, p.spki), "XxRc2vLh1E5FrsNawnRH3PzuFgqg3q7NvCdnjoJHBGE=");
    }
}

static void our_certificate_has_the_recorded_layout(void **state)
{
    struct fixture *f = *state;
    struct fault fault = {0};
    struct bytes ours;

    NEED_SHARED("the recorded certificate");
    struct bytes recorded = read_shared(&f->arena, "evidence/oe/maa-signing-cert-16e8ce3e.der");
    struct parts theirs = take_apart(recorded);
    const struct key_evidence evidence = {.tee = KEY_SGX, .report = bytes_after(theirs.evidence, OE_HEADER)};
    assert_true(key_certificate(f->key, theirs.name, &evidence, &f->arena, &ours, &fault));
    struct parts mine = take_apart(ours);
    struct bytes expected = arena_copy(&f->arena, recorded);

    assert_bytes_equal(mine.spki, signing_key_spki(f->key, &f->arena));
    replace(expected, theirs.spki, mine.spki);
    replace(expected, theirs.key_id, mine.key_id);
    replace(expected, theirs.signature, mine.signature);
    assert_bytes_equal(ours, expected);
}

static void check_certificate(struct fixture *f, const char *issuer, struct bytes quote)
{
    static const uint8_t oid[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x69, 0x01};
    const struct key_evidence evidence = {.tee = quote.n ? KEY_SGX : KEY_NO_TEE, .report = quote};
    const struct certificate *c;
    struct bytes der, value;

    assert_true(key_certificate(f->key, bytes_text(issuer), &evidence, &f->arena, &der, NULL));
    assert_true(certificate_decode(&f->arena, der, &c, NULL));
    assert_true(certificate_signed_by(c, &c->key));
    assert_bytes_are(c->subject_cn, issuer);
    assert_bytes_are(c->issuer_cn, issuer);
    assert_bytes_equal(c->serial, BYTES_LIT("\x01"));
    assert_bytes_equal(c->subject_key_id, c->authority_key_id);
    assert_int_equal(c->not_before, 1556668800);
    assert_int_equal(c->not_after, 2556143999);
    assert_false(c->is_ca);
    assert_int_equal(certificate_extension(c, BYTES_OF(oid), &value), quote.n > 0);
    if (quote.n)
        assert_bytes_equal(bytes_after(value, OE_HEADER), quote);

    const uint8_t *p = der.p;
    X509 *x = d2i_X509(NULL, &p, (long)der.n);
    assert_non_null(x);
    assert_ptr_equal(p, der.p + der.n);
    assert_int_equal(X509_self_signed(x, 1), 1);
    X509_free(x);
}

static void certificates_are_valid(void **state)
{
    struct fixture *f = *state;

    check_certificate(f, ISSUER, BYTES_NONE);
    check_certificate(f, ISSUER, BYTES_LIT("no DER inside"));
    check_certificate(f, ISSUER, arena_copy(&f->arena, bytes_make(arena_alloc(&f->arena, 12000), 12000)));
    check_certificate(f, "https://a-name-that-is-rather-longer-than-the-64-characters-of-x520.example:65535",
                      BYTES_NONE);
}

static void other_keys_are_refused(void **state)
{
    struct fixture *f = *state;
    struct signing_key *ec = signing_key_generate(KEY_P256, NULL);
    const struct token_head head = {.issuer = BYTES_LIT(ISSUER), .kid = BYTES_LIT("kid")};
    struct fault fault = {0};
    struct bytes out;

    assert_false(key_certificate(ec, BYTES_LIT(ISSUER), NULL, &f->arena, &out, &fault));
    assert_false(token_sign(&f->arena, ec, &head, BYTES_LIT("{}"), &out, &fault));
    assert_int_equal(fault.code, FAULT_CRYPTO);
    signing_key_free(ec);
}

static struct token_frame frame(void)
{
    return (struct token_frame){.issuer = BYTES_LIT(ISSUER),
                                .time = 1668716910,
                                .lifetime = TOKEN_ATTEST_LIFETIME,
                                .jti_entropy = BYTES_LIT(ENTROPY),
                                .type = BYTES_LIT("sgx"),
                                .policy_hash = BYTES_LIT("HASH")};
}

#define JTI "303132333435363738396162636465666768696a6b6c6d6e6f70717273747576"

static void payload_without_issued_claims(void **state)
{
    struct fixture *f = *state;
    struct token_frame fr = frame();
    struct claims in, out;

    claims_init(&in, &f->arena);
    claims_init(&out, &f->arena);
    claims_text(&in, "x-ms-attestation-type", BYTES_LIT("sgx"), CLAIM_POLICY | CLAIM_TOKEN);
    claims_integer(&in, "x-ms-sgx-svn", 3, CLAIM_POLICY | CLAIM_TOKEN);
    claims_integer(&in, "$svn", 3, CLAIM_POLICY);
    claims_add(&in,
               (struct claim){BYTES_LIT("added"), {.kind = CLAIM_INTEGER}, ISSUER_POLICY, CLAIM_POLICY | CLAIM_TOKEN});
    assert_bytes_are(token_payload(&f->arena, &fr, &in, &out),
                     "{\"exp\":1668745710,\"iat\":1668716910,\"iss\":\"" ISSUER "\",\"jti\":\"" JTI
                     "\",\"nbf\":1668716910,\"x-ms-attestation-type\":\"sgx\",\"x-ms-policy-hash\":\"HASH\","
                     "\"x-ms-sgx-svn\":3,\"x-ms-ver\":\"1.0\"}");
}

static void issue(struct claims *out, const char *type, const char *text)
{
    claims_add(out, (struct claim){bytes_text(type),
                                   {.kind = CLAIM_STRING, .text = bytes_text(text)},
                                   ISSUER_POLICY,
                                   CLAIM_POLICY | CLAIM_TOKEN});
}

static void service_members_win_over_issued_claims(void **state)
{
    struct fixture *f = *state;
    struct token_frame fr = frame();
    struct claims in, out;

    claims_init(&in, &f->arena);
    claims_init(&out, &f->arena);
    claims_boolean(&in, "x-ms-sgx-is-debuggable", true, CLAIM_POLICY | CLAIM_TOKEN);
    issue(&out, "x-ms-sgx-is-debuggable", "no");
    issue(&out, "iss", "https://other");
    issue(&out, "x-ms-policy", "mine");
    issue(&out, "x-ms-policy-signer", "forged");
    issue(&out, "nonce", "forged");
    issue(&out, "role", "b");
    issue(&out, "role", "a");
    issue(&out, "role", "b");
    assert_bytes_are(
        token_payload(&f->arena, &fr, &in, &out),
        "{\"exp\":1668745710,\"iat\":1668716910,\"iss\":\"" ISSUER "\",\"jti\":\"" JTI
        "\",\"nbf\":1668716910,\"role\":[\"b\",\"a\"],\"x-ms-attestation-type\":\"sgx\",\"x-ms-policy\":{\"iss\":"
        "\"https://other\",\"nonce\":\"forged\",\"role\":[\"b\",\"a\"],\"x-ms-policy\":\"mine\",\"x-ms-policy-signer\":"
        "\"forged\",\"x-ms-sgx-is-debuggable\":\"no\"},\"x-ms-policy-hash\":\"HASH\",\"x-ms-sgx-is-debuggable\":true,"
        "\"x-ms-ver\":\"1.0\"}");
}

/* Members of the request are never a policy's: a report without rp_data gets none. */
static void report_members_in_their_order(void **state)
{
    struct fixture *f = *state;
    struct token_frame fr = frame();
    struct claims in, out;

    claims_init(&in, &f->arena);
    claims_init(&out, &f->arena);
    claims_text(&in, "x-ms-tpm-request-key", BYTES_LIT("{}"), CLAIM_POLICY | CLAIM_TOKEN);
    claims_integer(&in, "tpmVersion", 2, CLAIM_POLICY);
    issue(&out, "zeta", "last");
    issue(&out, "Alpha", "first");
    issue(&out, "rp_data", "forged");
    issue(&out, "nonce", "forged");
    issue(&out, "cnf", "forged");
    issue(&out, "jti", "forged");
    issue(&out, "x-ms-attestation-type", "forged");
    issue(&out, "x-ms-tpm-request-key", "forged");
    fr.type = BYTES_LIT("tpm");
    assert_bytes_are(token_report_payload(&f->arena, &fr, &in, &out),
                     "{\"nbf\":1668716610,\"exp\":1668745710,\"iat\":1668716910,\"iss\":\"" ISSUER
                     "\",\"jti\":\"303132333435363738396162636465666768696a\",\"ver\":\"1.0\",\"x-ms-ver\":\"1.0\","
                     "\"x-ms-policy-hash\":\"HASH\",\"Alpha\":\"first\",\"x-ms-attestation-type\":\"tpm\","
                     "\"x-ms-tpm-request-key\":\"{}\",\"zeta\":\"last\"}");
}

static void report_headers_and_listed_twice(void **state)
{
    struct fixture *f = *state;
    struct token_head head = {TOKEN_REPORT, BYTES_LIT(ISSUER), BYTES_LIT("kid"), BYTES_NONE};
    struct key_record key = {.kid = BYTES_LIT("kid"), .certificate = BYTES_LIT("A")};
    struct bytes token;
    struct jws jws;

    assert_false(token_sign(&f->arena, f->key, &head, BYTES_LIT("{}"), &token, NULL)); /* without a certificate */
    head.certificate = key.certificate;
    assert_true(token_sign(&f->arena, f->key, &head, BYTES_LIT("{}"), &token, NULL));
    assert_true(jws_decode(&f->arena, token, false, &jws, NULL));
    /* SHA-1("A") */
    assert_bytes_are(jws.header->span, "{\"typ\":\"JWT\",\"alg\":\"RS256\",\"x5c\":[\"QQ==\"],"
                                       "\"kid\":\"bc1M4j2I4u6VaLpUbAB8Y9kTHBs\"}");
    head.form = TOKEN_REPORT_SHORT;
    assert_true(token_sign(&f->arena, f->key, &head, BYTES_LIT("{}"), &token, NULL));
    assert_true(jws_decode(&f->arena, token, false, &jws, NULL));
    assert_bytes_are(jws.header->span, "{\"typ\":\"JWT\",\"alg\":\"RS256\",\"x5t\":\"bc1M4j2I4u6VaLpUbAB8Y9kTHBs\","
                                       "\"kid\":\"bc1M4j2I4u6VaLpUbAB8Y9kTHBs\"}");
    assert_bytes_are(token_jwks(&f->arena, &key, 1, true),
                     "{\"keys\":[{\"x5c\":[\"QQ==\"],\"kid\":\"kid\",\"kty\":\"RSA\"},"
                     "{\"x5c\":[\"QQ==\"],\"kid\":\"bc1M4j2I4u6VaLpUbAB8Y9kTHBs\",\"kty\":\"RSA\"}]}");
}

static void nonce_and_signer(void **state)
{
    struct fixture *f = *state;
    struct token_frame fr = frame();
    struct claims none;
    const struct json *payload, *signer;
    struct bytes text;

    claims_init(&none, &f->arena);
    assert_true(json_parse(&f->arena,
                           BYTES_LIT("{\"alg\":\"RS256\",\"kty\":\"RSA\",\"use\":\"sig\",\"x5c\":[\"AA==\"]}"), NULL,
                           &fr.policy_signer, NULL));
    fr.nonce = BYTES_LIT("18446744073709551615");
    assert_true(json_parse(&f->arena, token_payload(&f->arena, &fr, &none, &none), NULL, &payload, NULL));
    assert_true(json_text(json_member(payload, "nonce"), &text));
    assert_bytes_are(text, "18446744073709551615");
    signer = json_member(payload, "x-ms-policy-signer");
    assert_bytes_are(
        json_print(&f->arena, signer, JSON_IN_ORDER),
        "{\"alg\":\"RS256\",\"jwk\":{\"alg\":\"RS256\",\"kty\":\"RSA\",\"use\":\"sig\",\"x5c\":[\"AA==\"]},"
        "\"kty\":\"RSA\",\"use\":\"sig\",\"x5c\":[\"AA==\"]}");
}

static void signed_and_unsigned_form(void **state)
{
    struct fixture *f = *state;
    struct bytes spki = signing_key_spki(f->key, &f->arena), kid = key_id(&f->arena, spki), token;
    const struct token_head head = {.issuer = BYTES_LIT(ISSUER), .kid = kid};
    struct public_key key;
    struct jws jws;

    assert_true(public_key_decode(&f->arena, spki, &key));
    assert_true(token_sign(&f->arena, f->key, &head, BYTES_LIT("{\"a\":1}"), &token, NULL));
    assert_true(jws_decode(&f->arena, token, false, &jws, NULL));
    assert_true(jws_verify(&jws, &key));
    assert_bytes_are(jws.payload, "{\"a\":1}");
    assert_bytes_are(jws.header->span,
                     arena_printf(&f->arena,
                                  "{\"alg\":\"RS256\",\"jku\":\"" ISSUER "/certs\",\"kid\":\"%s\",\"typ\":\"JWT\"}",
                                  arena_string(&f->arena, kid)));

    token = token_unsigned(&f->arena, BYTES_LIT(ISSUER), BYTES_LIT("k"), BYTES_LIT("{}"));
    assert_bytes_are(token,
                     "eyJhbGciOiJub25lIiwiamt1IjoiaHR0cHM6Ly90ZXN0LmhlcmUuZXhhbXBsZTo4NDQzL2NlcnRzIiwia2lkIjoiayIs"
                     "InR5cCI6IkpXVCJ9.e30.");
    assert_true(jws_decode(&f->arena, token, false, &jws, NULL));
    assert_true(jws.unsecured && !jws_verify(&jws, &key));
}

static struct bytes recorded_body(struct arena *a, const char *file, const char *path_end)
{
    const struct json *recording;
    struct bytes text;

    assert_true(json_parse(a, read_shared(a, file), NULL, &recording, NULL));
    JSON_EACH (call, json_member(recording, "networkCallRecords")) {
        assert_true(json_text(json_member(call, "Url"), &text));
        size_t n = strlen(path_end);
        if (text.n >= n && memcmp(text.p + text.n - n, path_end, n) == 0) {
            assert_true(json_text(json_member(json_member(call, "Response"), "BODY"), &text));
            return text;
        }
    }
    fail_msg("%s has no call to %s", file, path_end);
    return BYTES_NONE;
}

static void metadata_as_recorded(void **state)
{
    static const char file[] = "spec/recordings/cpp-sdk/Attestation-MetadataTests.GetOpenIdMetadata-Shared.json";
    struct fixture *f = *state;
    struct key_record key = {.issuer = BYTES_LIT("https://sharedwus.wus.attest.azure.net")};
    const struct json *jwks;
    struct bytes text, der;

    NEED_SHARED("recorded metadata");
    assert_bytes_equal(token_openid(&f->arena, key.issuer),
                       recorded_body(&f->arena, file, "/.well-known/openid-configuration"));

    struct bytes recorded = recorded_body(&f->arena, file, "/certs");
    assert_true(json_parse(&f->arena, recorded, NULL, &jwks, NULL));
    const struct json *first = json_element(json_member(jwks, "keys"), 0);
    assert_true(json_text(json_element(json_member(first, "x5c"), 0), &text));
    assert_true(base64_decode_strict(&f->arena, text, &der));
    key.certificate = der;
    key.kid = key_id(&f->arena, take_apart(der).spki);
    struct bytes ours = token_jwks(&f->arena, &key, 1, false);
    ours.n -= 2; /* the recorded list goes on */
    assert_bytes_equal(ours, bytes_first(recorded, ours.n));
}

static void lists_of_keys(void **state)
{
    struct fixture *f = *state;
    struct key_record keys[] = {{BYTES_LIT(ISSUER), BYTES_LIT("one"), BYTES_LIT("A")},
                                {BYTES_LIT(ISSUER), BYTES_LIT("two"), BYTES_LIT("B")}};

    assert_bytes_are(token_jwks(&f->arena, NULL, 0, false), "{\"keys\":[]}");
    assert_bytes_are(token_jwks(&f->arena, keys, 2, false),
                     "{\"keys\":[{\"x5c\":[\"QQ==\"],\"kid\":\"one\",\"kty\":\"RSA\"},"
                     "{\"x5c\":[\"Qg==\"],\"kid\":\"two\",\"kty\":\"RSA\"}]}");
}

static void key_ids_of_the_sample_list(void **state)
{
    struct fixture *f = *state;
    const struct json *jwks;

    NEED_SHARED("sample keys");
    assert_true(json_parse(&f->arena, read_shared(&f->arena, "spec/examples/sample-certs-jwks-5-keys.json"), NULL,
                           &jwks, NULL));
    const struct json *first = json_element(json_member(jwks, "keys"), 0);
    struct bytes kid, text, der;
    assert_true(json_text(json_member(first, "kid"), &kid));
    assert_true(json_text(json_element(json_member(first, "x5c"), 0), &text));
    assert_true(base64_decode_strict(&f->arena, text, &der));
    assert_bytes_equal(key_id(&f->arena, take_apart(der).spki), kid);
    assert_bytes_are(kid, "KQFAHrk1xALKHBD4b4u7TCvCJ1Mw0MlYZe+rxdePOtg=");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_certificates_follow_the_key_rules),
        cmocka_unit_test(our_certificate_has_the_recorded_layout),
        cmocka_unit_test(certificates_are_valid),
        cmocka_unit_test(other_keys_are_refused),
        cmocka_unit_test(payload_without_issued_claims),
        cmocka_unit_test(service_members_win_over_issued_claims),
        cmocka_unit_test(report_members_in_their_order),
        cmocka_unit_test(report_headers_and_listed_twice),
        cmocka_unit_test(nonce_and_signer),
        cmocka_unit_test(signed_and_unsigned_form),
        cmocka_unit_test(metadata_as_recorded),
        cmocka_unit_test(lists_of_keys),
        cmocka_unit_test(key_ids_of_the_sample_list),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
