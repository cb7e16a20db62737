/* SGX evidence without any corpus: requests, what is no quote, wrappings of Open Enclave, claims. (Each judging check:
 * test_simulate; real evidence: tests/vectors.) */
#include "test.h"

#include "base/limits.h"
#include "base/text.h"
#include "evidence/sgx_claims.h"
#include "simulate/simulate.h"

static struct arena arena;
static struct settings default_settings;

static int set_up(void **state)
{
    (void)state;
    default_settings = SETTINGS_DEFAULT;
    arena_init(&arena, TEST_MEMORY);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static struct exam new_exam(void)
{
    struct exam x = {.arena = &arena, .trace = trace_new(&arena), .settings = &default_settings};

    claims_init(&x.incoming, &arena);
    return x;
}

static const struct json *parsed(const char *text)
{
    const struct json *v;
    struct fault fault = {0};

    if (!json_parse(&arena, bytes_text(text), NULL, &v, &fault))
        fail_msg("%s", fault.text);
    return v;
}

/* "id: note" of the failed check, or "accepted". */
static const char *refusal(const struct exam *x)
{
    const struct trace_entry *f = trace_failure(x->trace);

    return f ? arena_printf(&arena, "%s: %s", check_table[f->id].id, f->note ? f->note : "") : "accepted";
}

/* --- requests --- */

static void runtime_data(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        enum data_type type;
        const char *data, *refusal; /* decoded, or why not */
    } cases[] = {
        {"{}", DATA_ABSENT, "", NULL},
        {"{\"runtimeData\":null}", DATA_ABSENT, "", NULL},
        {"{\"runtimeData\":{}}", DATA_ABSENT, "", NULL},
        {"{\"runtimeData\":{\"data\":\"\",\"dataType\":\"\"}}", DATA_ABSENT, "", NULL},
        {"{\"runtimeData\":{\"data\":\"aGk\"}}", DATA_BINARY, "hi", NULL},
        {"{\"RUNTIMEdata\":{\"DATA\":\"aGk=\",\"datatype\":\"binary\"}}", DATA_BINARY, "hi", NULL},
        {"{\"runtimeData\":{\"data\":\"\",\"dataType\":\"Binary\"}}", DATA_BINARY, "", NULL},
        {"{\"runtimeData\":{\"data\":\"_-8\"}}", DATA_BINARY, "\xff\xef", NULL},
        {"{\"runtimeData\":{\"data\":\"/+8=\"}}", DATA_BINARY, "\xff\xef", NULL},
        {"{\"runtimeData\":{\"data\":\"eyJhIjoxfQ\",\"dataType\":\"json\"}}", DATA_JSON, "{\"a\":1}", NULL},
        {"{\"EnclaveHeldData\":\"aGk\"}", DATA_BINARY, "hi", NULL},
        {"{\"runtimeData\":{\"data\":\"eyJ)\"}}", DATA_ABSENT, NULL,
         "request.runtime_data: member 'runtimeData': Unknown base64 character: 41 (')')"},
        {"{\"EnclaveHeldData\":\"a b\"}", DATA_ABSENT, NULL,
         "request.runtime_data: member 'EnclaveHeldData': Unknown base64 character: 32 (' ')"},
        {"{\"runtimeData\":{\"data\":\"aGkxx\"}}", DATA_ABSENT, NULL,
         "request.runtime_data: member 'runtimeData': its length or its last character is impossible for base64"},
        {"{\"runtimeData\":\"aGk\"}", DATA_ABSENT, NULL, "request.runtime_data: member 'runtimeData': not an object"},
        {"{\"runtimeData\":{\"data\":7}}", DATA_ABSENT, NULL,
         "request.runtime_data: member 'runtimeData': data and dataType are texts"},
        {"{\"runtimeData\":{\"data\":\"aGk\",\"dataType\":\"Cbor\"}}", DATA_ABSENT, NULL,
         "request.runtime_data: member 'runtimeData': its dataType is neither Binary nor JSON"},
        {"{\"runtimeData\":{\"data\":\"WzFd\",\"dataType\":\"JSON\"}}", DATA_ABSENT, NULL,
         "request.runtime_data: member 'runtimeData': its data is JSON, but no object"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct exam x = new_exam();
        struct request_data data;
        bool ok = request_runtime(&x, parsed(cases[i].request), &data);

        assert_string_equal(refusal(&x), cases[i].refusal ? cases[i].refusal : "accepted");
        assert_int_equal(ok, cases[i].refusal == NULL);
        if (!ok)
            continue;
        assert_int_equal(data.type, cases[i].type);
        assert_bytes_are(data.data, cases[i].data);
    }
}

/* NUL bytes and white space behind a JSON text count for the hash, not for the text. */
static void json_with_a_tail(void **state)
{
    (void)state;
    struct bytes sent = BYTES_LIT("{\"b\":2}\n\0");
    struct exam x = new_exam();
    struct request_data data;
    const struct json *request =
        parsed(arena_printf(&arena, "{\"initTimeData\":{\"dataType\":\"JSON\",\"data\":\"%s\"}}",
                            arena_string(&arena, base64_encode(&arena, sent))));

    assert_true(request_init(&x, request, &data));
    assert_bytes_equal(data.data, sent);
    assert_int_equal(json_member(data.json, "b")->integer, 2);
    x = new_exam();
    request = parsed(arena_printf(&arena, "{\"initTimeData\":{\"dataType\":\"JSON\",\"data\":\"%s\"}}",
                                  arena_string(&arena, base64_encode(&arena, BYTES_LIT("{\"b\":1,\"b\":2}")))));
    assert_false(request_init(&x, request, &data));
    assert_int_equal(trace_failure(x.trace)->id, CHECK_REQUEST_INIT_DATA);
}

static void evidence_member(void **state)
{
    (void)state;
    static const struct {
        const char *request, *refusal;
    } cases[] = {
        {"{\"quote\":\"aGk\"}", "accepted"},
        {"{\"Quote\":\"aGk=\"}", "accepted"},
        {"{}", "request.evidence: member 'quote': it is missing"},
        {"{\"quote\":12}", "request.evidence: member 'quote': it is missing"},
        {"{\"quote\":\"\"}", "request.evidence: member 'quote': it is empty"},
        {"{\"quote\":\"(\"}", "request.evidence: member 'quote': Unknown base64 character: 40 ('(')"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct exam x = new_exam();
        struct bytes out;

        assert_int_equal(request_evidence(&x, parsed(cases[i].request), "quote", &out),
                         strcmp(cases[i].refusal, "accepted") == 0);
        assert_string_equal(refusal(&x), cases[i].refusal);
    }
}

/* --- quotes --- */

static struct simulated made(struct simulate_options o)
{
    struct simulated s;
    struct fault fault = {0};

    if (!simulate(&arena, &o, &s, &fault))
        fail_msg("%s", fault.text);
    return s;
}

static const char *quote_refusal(struct bytes quote)
{
    struct exam x = new_exam();

    if (sgx_decode_quote(&x, quote, NULL, NULL))
        assert_null(trace_failure(x.trace));
    return refusal(&x);
}

/* The quote with other bytes at an offset. */
static struct bytes patched(struct bytes quote, size_t offset, struct bytes with)
{
    struct bytes copy = arena_copy(&arena, quote);

    memcpy((uint8_t *)(uintptr_t)copy.p + offset, with.p, with.n);
    return copy;
}

static void what_is_no_quote_of_ours(void **state)
{
    (void)state;
    static const struct {
        unsigned version; /* of the quote that is changed */
        size_t offset;
        struct bytes with;
        const char *refusal;
    } cases[] = {
        {3, 0, BYTES_LIT("\0\0"), "sgx.quote.version: version 0, attestation key type 2: not a quote"},
        {3, 0, BYTES_LIT("\1\0\1\0"),
         "sgx.quote.version: version 1, attestation key type 1: an EPID quote: Intel's attestation service for EPID "
         "has "
         "ended"},
        {3, 0, BYTES_LIT("\2\0\0\0"),
         "sgx.quote.version: version 2, attestation key type 0: an EPID quote: Intel's attestation service for EPID "
         "has "
         "ended"},
        {3, 2, BYTES_LIT("\1\0"),
         "sgx.quote.version: version 3, attestation key type 1: an EPID quote: Intel's attestation service for EPID "
         "has "
         "ended"},
        {3, 0, BYTES_LIT("\6\0"), "sgx.quote.version: version 6, attestation key type 2: an unknown version"},
        {3, 2, BYTES_LIT("\3\0"), "sgx.quote.key_type: version 3"},
        {4, 4, BYTES_LIT("\x81\0\0\0"), "sgx.quote.tee: this is a TDX quote"},
        {3, 4, BYTES_LIT("\1\0\0\0"), "sgx.quote.tee: version 3"},
        {5, 48, BYTES_LIT("\2\0"), "sgx.quote.shape: %zu bytes of version 5"},
        {5, 50, BYTES_LIT("\x81\1\0\0"), "sgx.quote.shape: %zu bytes of version 5"},
        {4, 436 + 128, BYTES_LIT("\5\0"), "sgx.quote.shape: %zu bytes of version 4"},
        {3, 432, BYTES_LIT("\xff\xff\xff\xff"), "sgx.quote.shape: %zu bytes of version 3"},
        {3, 432, BYTES_LIT("\0\0\0\0"), "sgx.quote.shape: %zu bytes of version 3"},
        {3, 436 + 576, BYTES_LIT("\xff\xff"), "sgx.quote.shape: %zu bytes of version 3"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bytes quote = made((struct simulate_options){.version = cases[i].version}).evidence;
        char expected[256];

        assert_string_equal(quote_refusal(quote), "accepted");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(expected, sizeof expected, cases[i].refusal, quote.n);
#pragma GCC diagnostic pop
        assert_string_equal(quote_refusal(patched(quote, cases[i].offset, cases[i].with)), expected);
    }
}

/* Cut anywhere it is refused; lengthened it is the same quote, up to the limit. */
static void lengths(void **state)
{
    (void)state;
    for (unsigned version = 3; version <= 5; version++) {
        struct bytes quote = made((struct simulate_options){.version = version}).evidence;

        for (size_t n = 0; n < quote.n; n++)
            assert_string_not_equal(quote_refusal(bytes_first(quote, n)), "accepted");
        uint8_t *longer = arena_alloc(&arena, LIMIT_QUOTE + 1);
        memcpy(longer, quote.p, quote.n);
        assert_string_equal(quote_refusal(bytes_make(longer, quote.n + 1)), "accepted");
        assert_string_equal(quote_refusal(bytes_make(longer, LIMIT_QUOTE)), "accepted");
        assert_string_equal(quote_refusal(bytes_make(longer, LIMIT_QUOTE + 1)),
                            arena_printf(&arena, "sgx.quote.shape: %d bytes of version %u", LIMIT_QUOTE + 1, version));
    }
}

/* --- Open Enclave --- */

static const char *oe_refusal(struct bytes file)
{
    struct exam x = new_exam();

    oe_decode_file(&x, file, NULL, NULL);
    return refusal(&x);
}

/* Through the attesters, as the two operations receive it. */
static const char *sent_to(const struct attester *attester, const char *member, struct bytes evidence)
{
    struct exam x = new_exam();
    const char *text = arena_string(&arena, base64url_encode(&arena, evidence));

    attester->decode(&x, parsed(arena_printf(&arena, "{\"%s\":\"%s\"}", member, text)));
    return refusal(&x);
}

static void wrappings_at_the_wrong_door(void **state)
{
    (void)state;
    struct bytes quote = made((struct simulate_options){0}).evidence;
    struct bytes report = made((struct simulate_options){.kind = SIMULATE_OE_REPORT}).evidence;
    struct bytes evidence = made((struct simulate_options){.kind = SIMULATE_OE_EVIDENCE}).evidence;

    assert_string_equal(sent_to(&sgx_attester, "quote", quote), "accepted");
    assert_string_equal(sent_to(&oe_attester, "report", report), "accepted");
    assert_string_equal(
        sent_to(&sgx_attester, "quote", report),
        "sgx.quote.version: version 1, attestation key type 0: an Open Enclave report: it goes to OpenEnclave");
    assert_string_equal(sent_to(&sgx_attester, "quote", evidence),
                        "sgx.quote.version: version 3, attestation key type 0: Open Enclave evidence with its header, "
                        "where a quote must be");
    assert_string_equal(sent_to(&oe_attester, "report", quote),
                        "oe.report.shape: a quote of version 3 without an Open Enclave header");
    assert_string_equal(sent_to(&oe_attester, "quote", report), "request.evidence: member 'report': it is missing");
}

static void oe_shapes(void **state)
{
    (void)state;
    struct bytes report = made((struct simulate_options){.kind = SIMULATE_OE_REPORT}).evidence;
    struct bytes evidence = made((struct simulate_options){.kind = SIMULATE_OE_EVIDENCE}).evidence;
    static const struct bytes local = BYTES_LIT("\x09\x26\x8c\x33\x6e\x0b\x45\xe5\x8a\x27\x15\x64\x4d\x0e\xf8\x9a");

    assert_string_equal(oe_refusal(report), "accepted");
    assert_string_equal(oe_refusal(evidence), "accepted");
    assert_string_equal(oe_refusal(patched(report, 4, BYTES_LIT("\1\0\0\0"))), "oe.report.type: ");
    assert_string_equal(oe_refusal(patched(evidence, 4, local)),
                        "oe.evidence.format: the evidence is of SGX_LOCAL_ATTESTATION");
    assert_string_equal(oe_refusal(patched(evidence, 4, BYTES_LIT("\0\0\0\0"))),
                        "oe.evidence.format: the evidence is of an unknown format");
    for (size_t n = 0; n < report.n; n++)
        assert_string_not_equal(oe_refusal(bytes_first(report, n)), "accepted");
    for (size_t n = 0; n < evidence.n; n++)
        assert_string_not_equal(oe_refusal(bytes_first(evidence, n)), "accepted");
    /* Behind the quote but inside the header's size: tolerated. Behind the size: not. */
    struct writer w = wr_open(&arena);
    wr_put(&w, report);
    wr_u8(&w, 0);
    assert_string_equal(oe_refusal(wr_done(&w)),
                        arena_printf(&arena, "oe.report.shape: version 1, %zu bytes behind a header that says %zu",
                                     report.n - 15, report.n - 16));
}

static void custom_claims(void **state)
{
    (void)state;
    struct writer w = wr_open(&arena);
    struct oe_claim *list;
    size_t count;

    wr_u64le(&w, 1);
    wr_u64le(&w, 2);
    wr_u64le(&w, 3);
    wr_u64le(&w, 4);
    wr_put(&w, BYTES_LIT("pk\0abcd"));
    wr_u64le(&w, 1);
    wr_u64le(&w, 0);
    wr_u8(&w, 0);
    struct bytes whole = wr_done(&w);
    assert_true(oe_custom_claims(&arena, whole, &list, &count));
    assert_int_equal(count, 2);
    assert_bytes_are(list[0].name, "pk");
    assert_bytes_are(list[0].value, "abcd");
    assert_int_equal(list[1].name.n + list[1].value.n, 0);
    for (size_t n = 0; n < whole.n; n++)
        assert_false(oe_custom_claims(&arena, bytes_first(whole, n), &list, &count));
    assert_false(
        oe_custom_claims(&arena, patched(whole, 8, BYTES_LIT("\xff\xff\xff\xff\xff\xff\xff\xff")), &list, &count));
    assert_false(
        oe_custom_claims(&arena, patched(whole, 16, BYTES_LIT("\xff\xff\xff\xff\xff\xff\xff\xff")), &list, &count));
    assert_false(oe_custom_claims(&arena, BYTES_LIT("-----BEGIN PUBLIC KEY-----"), &list, &count));
}

/* --- claims --- */

struct judged {
    struct exam x;
    struct simulated s;
    struct endorsements *e;
};

/* Free e. */
static struct judged judge(struct simulate_options o, const struct request_data *runtime,
                           const struct request_data *init, struct settings settings)
{
    struct judged j = {.s = made(o), .e = endorsements_new(TEST_MEMORY)};
    struct settings *kept = ARENA_NEW(&arena, struct settings);
    enum check_id missing;

    *kept = settings;
    assert_true(simulate_endorsements(&j.s, j.e, true, NULL));
    j.x = new_exam();
    j.x.endorsements = j.e;
    j.x.settings = kept;
    j.x.time = j.s.time;
    bool decoded = j.s.options.kind == SIMULATE_SGX ? sgx_decode_quote(&j.x, j.s.evidence, runtime, init)
                                                    : oe_decode_file(&j.x, j.s.evidence, runtime, init);
    if (decoded && sgx_verify(&j.x))
        assert_true(trace_complete(j.x.trace, sgx_required, &missing));
    return j;
}

/* All claims that have the flag, as one object's text. */
static const char *claims_text_of(struct exam *x, unsigned flag)
{
    return arena_string(&arena, json_print(&arena, claims_object(&arena, &x->incoming, flag), JSON_SORTED));
}

static void claims_of_an_enclave(void **state)
{
    (void)state;
    struct judged j = judge((struct simulate_options){.debug = true}, NULL, NULL, default_settings);
    assert_string_equal(refusal(&j.x), "accepted");
    const char *report_data =
        arena_string(&arena, hex_encode(&arena, ((const struct sgx_evidence *)j.x.evidence)->report.report_data));
    const char *ec = "ecececececececececececececececececececececececececececececececec";
    const char *signer = "5151515151515151515151515151515151515151515151515151515151515151";
    assert_string_equal(
        claims_text_of(&j.x, CLAIM_POLICY),
        arena_printf(&arena,
                     "{\"$is-debuggable\":true,\"$product-id\":1,\"$sgx-mrenclave\":\"%s\",\"$sgx-mrsigner\":\"%s\","
                     "\"$svn\":2,\"$tee\":\"sgx\",\"x-ms-attestation-type\":\"sgx\",\"x-ms-sgx-is-debuggable\":true,"
                     "\"x-ms-sgx-mrenclave\":\"%s\",\"x-ms-sgx-mrsigner\":\"%s\",\"x-ms-sgx-product-id\":1,"
                     "\"x-ms-sgx-report-data\":\"%s\",\"x-ms-sgx-svn\":2}",
                     ec, signer, ec, signer, report_data));
    /* What tokens hold besides. */
    static const char *const token_only[] = {"x-ms-sgx-tcbidentifier", "x-ms-sgx-collateral",
                                             "maa-attestationcollateral"};
    for (size_t i = 0; i < sizeof token_only / sizeof *token_only; i++)
        assert_int_equal(claims_find(&j.x.incoming, bytes_text(token_only[i]))->flags, CLAIM_TOKEN);
    assert_int_equal(claims_find(&j.x.incoming, BYTES_LIT("$tee"))->flags, CLAIM_POLICY);
    assert_null(claims_find(&j.x.incoming, BYTES_LIT("x-ms-sgx-config-id")));
    endorsements_free(j.e);
}

static void claims_of_kss(void **state)
{
    (void)state;
    struct judged j = judge((struct simulate_options){.kss = true}, NULL, NULL, default_settings);
    const struct sgx_report *r = &((const struct sgx_evidence *)j.x.evidence)->report;

    assert_bytes_equal(claims_find(&j.x.incoming, BYTES_LIT("x-ms-sgx-config-id"))->value.text,
                       hex_encode(&arena, r->config_id));
    assert_int_equal(claims_find(&j.x.incoming, BYTES_LIT("x-ms-sgx-config-svn"))->value.integer, 5);
    assert_bytes_are(claims_find(&j.x.incoming, BYTES_LIT("x-ms-sgx-isv-extended-product-id"))->value.text,
                     "e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1");
    assert_bytes_are(claims_find(&j.x.incoming, BYTES_LIT("x-ms-sgx-isv-family-id"))->value.text,
                     "fafafafafafafafafafafafafafafafa");
    assert_true(j.x.development); /* the pipeline makes the claim of it */
    endorsements_free(j.e);
}

static void claims_of_the_caller(void **state)
{
    (void)state;
    struct simulated s = made((struct simulate_options){.kss = true});
    struct request_data runtime = {DATA_BINARY, s.runtime_data, NULL}, init = {DATA_BINARY, s.init_data, NULL};
    struct judged j = judge((struct simulate_options){.kss = true}, &runtime, &init, default_settings);
    static const char *const held[] = {"x-ms-sgx-ehd", "aas-ehd", "maa-ehd"};

    assert_string_equal(refusal(&j.x), "accepted");
    for (size_t i = 0; i < 3; i++)
        assert_bytes_equal(claims_find(&j.x.incoming, bytes_text(held[i]))->value.text,
                           base64url_encode(&arena, s.runtime_data));
    assert_null(claims_find(&j.x.incoming, BYTES_LIT("x-ms-inittime")));
    endorsements_free(j.e);

    runtime.type = init.type = DATA_JSON;
    runtime.json = init.json = parsed("{\"z\":[1],\"a\":{}}");
    j = judge((struct simulate_options){.kss = true}, &runtime, &init, default_settings);
    assert_ptr_equal(claims_find(&j.x.incoming, BYTES_LIT("x-ms-runtime"))->value.json, runtime.json);
    assert_ptr_equal(claims_find(&j.x.incoming, BYTES_LIT("x-ms-inittime"))->value.json, init.json);
    assert_null(claims_find(&j.x.incoming, BYTES_LIT("x-ms-sgx-ehd")));
    endorsements_free(j.e);

    /* Without KSS there is nothing that init-time data could be bound to. */
    j = judge((struct simulate_options){0}, &runtime, &init, default_settings);
    assert_string_equal(refusal(&j.x), "sgx.init_data: ");
    endorsements_free(j.e);
}

/* quotehash covers the evidence as it was submitted. */
static void quotehash(void **state)
{
    (void)state;
    for (int kind = SIMULATE_SGX; kind <= SIMULATE_OE_REPORT; kind++) {
        struct judged j =
            judge((struct simulate_options){.kind = (enum simulate_kind)kind}, NULL, NULL, default_settings);
        const struct json *collateral = claims_find(&j.x.incoming, BYTES_LIT("x-ms-sgx-collateral"))->value.json;
        struct bytes hash = hex_encode(&arena, sha256_of(&arena, j.s.evidence)), text;

        assert_int_equal(collateral->count, 7);
        assert_true(json_text(json_member(collateral, "quotehash"), &text));
        assert_bytes_equal(text, hash);
        endorsements_free(j.e);
    }
}

/* An operator may widen what is accepted, never to these two. */
static void statuses_that_are_never_accepted(void **state)
{
    (void)state;
    static const char *const statuses[] = {"OutOfDate", "ConfigurationNeeded", "Revoked", "TCB_NOT_SUPPORTED"};
    struct settings settings = SETTINGS_DEFAULT;

    settings.accepted_sgx = UINT16_MAX;
    for (size_t i = 0; i < 4; i++) {
        struct judged j = judge((struct simulate_options){.status = statuses[i]}, NULL, NULL, settings);

        assert_string_equal(tcb_status_name(j.x.tcb_status), statuses[i]);
        if (i < 2)
            assert_null(trace_failure(j.x.trace));
        else
            assert_int_equal(trace_failure(j.x.trace)->id, CHECK_INTEL_TCB_STATUS);
        endorsements_free(j.e);
    }
}

/* policy.md 8: the hash of the text that tokens of the original service name. */
static void default_policy(void **state)
{
    (void)state;
    struct bytes text = base64url_encode(&arena, bytes_text(sgx_default_policy));

    assert_bytes_are(base64url_encode(&arena, sha256_of(&arena, text)), "ViVGS4BYl70X8eUrgryHg0TtbEk9WtIc6DtTBEFxaWc");
    assert_ptr_equal(sgx_attester.default_policy, sgx_default_policy);
    assert_ptr_equal(oe_attester.default_policy, sgx_default_policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runtime_data),
        cmocka_unit_test(json_with_a_tail),
        cmocka_unit_test(evidence_member),
        cmocka_unit_test(what_is_no_quote_of_ours),
        cmocka_unit_test(lengths),
        cmocka_unit_test(wrappings_at_the_wrong_door),
        cmocka_unit_test(oe_shapes),
        cmocka_unit_test(custom_claims),
        cmocka_unit_test(claims_of_an_enclave),
        cmocka_unit_test(claims_of_kss),
        cmocka_unit_test(claims_of_the_caller),
        cmocka_unit_test(quotehash),
        cmocka_unit_test(statuses_that_are_never_accepted),
        cmocka_unit_test(default_policy),
    };
    return cmocka_run_group_tests_name("sgx", tests, set_up, tear_down);
}
