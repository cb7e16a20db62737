/* Requests of Azure guests: what is taken for one, and what is not; keys released at boot; the claims of a machine that is not as it
 * should be. Real requests are in tests/vectors/test_azure_guest.c. */
#include "arena_test.h"

#include "base/text.h"
#include "base/limits.h"
#include "core/core.h"
#include "evidence/azure_guest.h"
#include "evidence/azure_guest_claims.h"
#include "simulate/simulate.h"

enum { MEMORY = 64 * 1024 * 1024 };

#define DIGEST "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
static const char good[] =
    "{\"AttestationProtocolVersion\":\"2.0\",\"OSType\":\"TGludXg=\",\"OSDistro\":\"VWJ1bnR1\",\"OSBuild\":\"\","
    "\"OSVersionMajor\":20,\"OSVersionMinor\":\"04\",\"TcgLogs\":\"\",\"ClientPayload\":{\"nonce\":{\"a\":1}},"
    "\"TpmInfo\":{\"AikCert\":\"\",\"AikPub\":\"AA==\",\"PcrQuote\":\"AQ==\",\"PcrSignature\":\"Ag==\","
    "\"EncKeyPub\":\"Aw==\",\"EncKeyCertifyInfo\":\"BA==\",\"EncKeyCertifyInfoSignature\":\"_w\","
    "\"PcrSet\":[0,23],\"PCRs\":[{\"Index\":0,\"Digest\":\"" DIGEST "\"},{\"Index\":23,\"Digest\":\"" DIGEST "\"}]},"
    "\"IsolationInfo\":{\"Type\":\"SevSnp\",\"Evidence\":{\"Proof\":\"AA==\",\"RunTimeData\":\"AQ==\"}}}";

static bool reads(struct bytes text, struct guest_request *out)
{
    struct fault fault = {0};
    bool ok = guest_request_read(&arena, text, out, &fault);

    assert_true(ok == !*fault.text);
    return ok;
}

static struct bytes changed(const char *old, const char *new)
{
    const char *hit = strstr(good, old);
    struct writer w = wr_open(&arena);

    if (!hit)
        fail_msg("no %s", old);
    wr_put(&w, bytes_make(good, (size_t)(hit - good)));
    wr_text(&w, new);
    wr_text(&w, hit + strlen(old));
    return wr_done(&w);
}

static void a_request_is_read(void **state)
{
    struct guest_request r;

    (void)state;
    assert_true(reads(bytes_text(good), &r));
    assert_bytes_are(r.os_type, "Linux");
    assert_bytes_are(r.os_distro, "Ubuntu");
    assert_int_equal(r.os_build.n, 0);
    assert_int_equal(r.os_major, 20);
    assert_int_equal(r.os_minor, 4);
    assert_int_equal(r.pcr_set, 0x800001);
    assert_int_equal(r.pcrs.banks[0].value[23].n, SHA256_SIZE);
    assert_int_equal(r.pcrs.banks[0].value[1].n, 0);
    assert_int_equal(r.isolation, GUEST_SEV_SNP);
    assert_bytes_equal(r.certify_signature, BYTES_LIT("\xff"));
    assert_non_null(r.client_payload);
}

static void forms_that_are_taken(void **state)
{
    static const char *const forms[][2] = {
        {"\"2.0\"", "\"1.0\""},
        {"{\"nonce\":{\"a\":1}}", "null"},
        {"\"ClientPayload\":{\"nonce\":{\"a\":1}},", ""},
        {"\"TcgLogs\":\"\",", ""},
        {"\"SevSnp\"", "\"Tdx\""},
        {"{\"Type\":\"SevSnp\",\"Evidence\":{\"Proof\":\"AA==\",\"RunTimeData\":\"AQ==\"}}", "null"},
        {"\"Type\":\"SevSnp\",\"Evidence\":{\"Proof\":\"AA==\",\"RunTimeData\":\"AQ==\"}",
         "\"Type\":\"TrustedLaunch\""},
    };
    struct guest_request r;

    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        assert_true(reads(changed(forms[i][0], forms[i][1]), &r));
}

static void what_is_no_request_is_refused(void **state)
{
    static const char *const forms[][2] = {
        {"\"2.0\"", "\"3.0\""},
        {"\"2.0\"", "2.0"},
        {"\"OSType\":\"TGludXg=\"", "\"OSType\":1"},
        {"TGludXg=", "*"},
        {"TGludXg=", "/w=="}, /* no UTF-8 */
        {":20,", ":-1,"},
        {":20,", ":null,"},
        {":20,", ":1.5,"},
        {"\"04\"", "\"\""},
        {"\"04\"", "\"4a\""},
        {"\"04\"", "\"2147483648\""},
        {"{\"nonce\":{\"a\":1}}", "[]"},
        {"{\"nonce\":{\"a\":1}}", "\"text\""},
        {"\"TpmInfo\":{", "\"TpmInfo\":null,\"Was\":{"},
        {"\"AikPub\":\"AA==\",", ""},
        {"\"AikPub\":\"AA==\"", "\"AikPub\":\"\""},
        {"\"PcrQuote\":\"AQ==\"", "\"PcrQuote\":{}"},
        {"\"EncKeyPub\":\"Aw==\"", "\"EncKeyPub\":null"},
        {"[0,23]", "[0,24]"},
        {"[0,23]", "[0,0]"},
        {"[0,23]", "[0,\"7\"]"},
        {"[0,23]", "{}"},
        {"[0,23]", "[-1]"},
        {"\"Index\":23", "\"Index\":24"},
        {"\"Index\":23", "\"Index\":0"},
        {"\"Index\":23,", ""},
        {"\"Digest\":\"" DIGEST "\"", "\"Digest\":\"AA==\""},
        {"\"Digest\":\"" DIGEST "\"", "\"Was\":1"},
        {"\"PCRs\":[", "\"PCRs\":1,\"Was\":["},
        {"\"SevSnp\"", "\"sevsnp\""},
        {"\"SevSnp\"", "null"},
        {"\"Type\":\"SevSnp\",", ""},
        {"\"Proof\":\"AA==\"", "\"Proof\":\"\""},
        {",\"RunTimeData\":\"AQ==\"", ""},
        {"\"TpmInfo\"", "\"OSType\":1,\"TpmInfo\""}, /* a name twice */
    };
    struct guest_request r;

    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (reads(changed(forms[i][0], forms[i][1]), &r))
            fail_msg("%s", forms[i][1]);
    for (size_t n = 0; n < strlen(good); n++)
        assert_false(reads(bytes_make(good, n), &r));
    assert_false(reads(BYTES_LIT("[]"), &r));
}

static void texts_are_bounded(void **state)
{
    struct guest_request r;
    uint8_t *name = arena_alloc(&arena, LIMIT_GUEST_TEXT + 1);

    (void)state;
    memset(name, 'a', LIMIT_GUEST_TEXT + 1);
    for (size_t n = LIMIT_GUEST_TEXT; n <= LIMIT_GUEST_TEXT + 1; n++) {
        const char *text = arena_string(&arena, base64_encode(&arena, bytes_make(name, n)));

        assert_true(reads(changed("TGludXg=", text), &r) == (n == LIMIT_GUEST_TEXT));
    }
}

/* ------------------------------------------------------------------------------------------------------ a bad machine */

static bool flag(const struct claims *c, const char *name)
{
    const struct claim *found = claims_find(c, bytes_text(name));

    assert_non_null(found);
    assert_int_equal(found->value.kind, CLAIM_BOOLEAN);
    return found->value.integer != 0;
}

/* Without a log, or one that does not tell: nothing good is claimed. */
static void what_was_not_measured_is_not_claimed(void **state)
{
    static const char *const good_news[] = {"secureboot",
                                            "x-ms-azurevm-dbvalidated",
                                            "x-ms-azurevm-dbxvalidated",
                                            "x-ms-azurevm-default-securebootkeysvalidated",
                                            "x-ms-azurevm-debuggersdisabled",
                                            "x-ms-azurevm-signingdisabled",
                                            "x-ms-azurevm-elam-enabled"};
    struct guest_evidence *e = ARENA_NEW(&arena, struct guest_evidence);
    struct settings settings = SETTINGS_DEFAULT;

    (void)state;
    for (int windows = 0; windows < 2; windows++) {
        struct exam x = {.arena = &arena, .trace = trace_new(&arena), .settings = &settings};

        claims_init(&x.incoming, &arena);
        e->request.os_type = windows ? BYTES_LIT("Windows") : BYTES_LIT("Linux");
        e->request.pcr_set = 0xff;
        guest_claims(&x, e);
        for (size_t i = 0; i < sizeof good_news / sizeof *good_news; i++)
            assert_false(flag(&x.incoming, good_news[i]));
        assert_int_equal(claims_find(&x.incoming, BYTES_LIT("x-ms-azurevm-attested-pcrs"))->value.json->count, 0);
        assert_null(claims_find(&x.incoming, BYTES_LIT("x-ms-azurevm-vmid")));
        assert_null(claims_find(&x.incoming, BYTES_LIT("x-ms-isolation-tee")));
    }
    /* A paravisor that is not Azure's may call its VM what it likes. */
    e->runtime.vm_id = BYTES_LIT("11111111-2222-3333-4444-555555555555");
    for (int azure = 0; azure < 2; azure++) {
        struct exam x = {.arena = &arena, .trace = trace_new(&arena), .settings = &settings};

        claims_init(&x.incoming, &arena);
        e->azure = azure;
        guest_claims(&x, e);
        assert_int_equal(claims_find(&x.incoming, BYTES_LIT("x-ms-azurevm-vmid")) != NULL, azure);
    }
}

/* ------------------------------------------------------------------------------------ keys that are released at boot */

static const char boot_claims[] =
    "{\"keys\":[{\"kid\":\"HCLTransferKey\",\"key_ops\":[\"encrypt\"],\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"AQAB\"}],"
    "\"vm-configuration\":{\"secure-boot\":true,\"tpm-enabled\":true,\"vmUniqueId\":\"A\",\"current-time\":1660000000}"
    "}";

static struct bytes boot_request(const struct simulated *s)
{
    struct writer w = wr_open(&arena);
    bool tdx = s->options.kind == SIMULATE_TDX;

    wr_printf(&w, "{\"%s\":\"", tdx ? "quote" : "report");
    wr_base64url(&w, s->evidence);
    wr_text(&w, "\",\"runtimeData\":{\"dataType\":\"JSON\",\"data\":\"");
    wr_base64url(&w, bytes_text(boot_claims));
    wr_text(&w, "\"}}");
    return wr_done(&w);
}

/* The host asks at the top level: the token has the transfer key, and no x-ms-isolation-tee (snp-cvm.md 3.9). */
static void a_transfer_key_is_attested_at_boot(void **state)
{
    static const enum simulate_kind kinds[] = {SIMULATE_SNP, SIMULATE_TDX};
    static const uint8_t entropy[EXAM_ENTROPY];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct simulate_options o = {.kind = kinds[i], .seed = 9, .runtime_data = bytes_text(boot_claims)};
        struct endorsements *e = endorsements_new(MEMORY);
        struct simulated s;
        struct fault fault = {0};
        struct appraisal x;

        assert_true(simulate(&arena, &o, &s, &fault) && simulate_endorsements(&s, e, true, &fault));
        struct provider p = {.issuer = BYTES_LIT("https://a"), .settings = s.settings};
        struct snapshot snapshot = {.endorsements = e, .providers = &p, .provider_count = 1};
        struct core_request r = {.issuer = p.issuer,
                                 .attester = bytes_text(i ? "TdxVm" : "SevSnpVm"),
                                 .body = boot_request(&s),
                                 .time = s.time,
                                 .entropy = BYTES_OF(entropy)};
        core_attest(&x, &arena, &snapshot, &r, NULL, NULL);
        if (x.answer.status != 200)
            fail_msg("%.*s", (int)x.answer.body.n, (const char *)x.answer.body.p);
        const struct json *payload, *key;
        struct bytes kid;
        assert_true(json_parse(&arena, x.payload, NULL, &payload, NULL));
        key = json_element(json_member(json_member(payload, "x-ms-runtime"), "keys"), 0);
        assert_true(json_text(json_member(key, "kid"), &kid));
        assert_bytes_are(kid, "HCLTransferKey");
        assert_null(json_member(payload, "x-ms-isolation-tee"));
        endorsements_free(e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_read),
        cmocka_unit_test(forms_that_are_taken),
        cmocka_unit_test(what_is_no_request_is_refused),
        cmocka_unit_test(texts_are_bounded),
        cmocka_unit_test(what_was_not_measured_is_not_claimed),
        cmocka_unit_test(a_transfer_key_is_attested_at_boot),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
