/* Golden comparisons (GOLDEN.md 1 and 4): what the original service answered for evidence that lies in the corpus
 * must come out of our pipeline byte for byte. Issuer, key id, time and jti are inputs here, taken from each
 * recorded token, so whole payloads and headers can be compared as text. */
#include "test.h"

#include <dirent.h>

#include "base/clock.h"
#include "base/text.h"
#include "core/mint_key.h"
#include "crypto/jose.h"
#include "crypto/x509.h"
#include "evidence/snp_claims.h"

enum { TIME = 1668716909 /* 2022-11-17T20:28:29Z */, MAY_2022 = 1654037276, BASELINE = 10 };

struct fixture {
    struct arena arena;
    struct signing_key *key;
    struct endorsements *endorsements;
    struct endorsements *earlier; /* with the PCK CRL before May 2022 */
};

/* The endorsements of GOLDEN.md 1 with this PCK CRL; NULL when one does not load. */
static struct endorsements *load(struct arena *a, const char *pck_crl)
{
    const char *const files[] = {"tcbinfo-v2-sgx-00906ed50000-e10-20210331-0487222c.json",
                                 "qeid-qe-e10-20210701-0f7320e2.json",
                                 "certs/intel-tcbsigning-20180521-20250521-ec37d981.der",
                                 "certs/intel-root-20180521-20491231-44a0196b.der",
                                 "crl-root-20220419-ef604c71.der",
                                 pck_crl};
    struct endorsements *e = endorsements_new(TEST_MEMORY);
    struct fault fault = {0};

    for (size_t i = 0; have_shared() && i < sizeof files / sizeof *files; i++) {
        struct bytes text = read_shared(a, arena_printf(a, "evidence/collateral/%s", files[i]));

        if (!endorsements_add(e, files[i], text, &fault)) {
            print_error("%s: %s\n", files[i], fault.text);
            endorsements_free(e);
            return NULL;
        }
    }
    endorsements_seal(e);
    return e;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    *state = f;
    arena_init(&f->arena, TEST_MEMORY);
    f->key = signing_key_generate(KEY_RSA, NULL);
    f->endorsements = load(&f->arena, "crl-processor-20221018-67a75283.der");
    f->earlier = load(&f->arena, "crl-processor-20200518-90a1754b.der");
    return f->key && f->endorsements && f->earlier ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    signing_key_free(f->key);
    endorsements_free(f->endorsements);
    endorsements_free(f->earlier);
    arena_free(&f->arena);
    free(f);
    return 0;
}

static const struct json *parsed(struct arena *a, struct bytes text)
{
    struct fault fault = {0};
    const struct json *v;

    if (!json_parse(a, text, NULL, &v, &fault))
        fail_msg("%s", fault.text);
    return v;
}

static struct bytes text_of(const struct json *object, const char *name)
{
    struct bytes text;

    if (!json_text(json_member(object, name), &text))
        fail_msg("no text %s", name);
    return text;
}

/* A token of the original service, taken apart. */
struct recorded {
    struct jws jws;
    const struct json *payload;
};

static struct recorded take_apart(struct arena *a, struct bytes token)
{
    struct recorded r;
    struct fault fault = {0};

    if (!jws_decode(a, token, false, &r.jws, &fault))
        fail_msg("%s", fault.text);
    r.payload = parsed(a, r.jws.payload);
    return r;
}

/* How to run it, besides what is taken from a recorded token. */
struct terms {
    const struct endorsements *endorsements;
    struct settings settings;
    const char *policy; /* a stored one; NULL: the default */
    int64_t time;       /* 0: that of the token */
};

static struct terms golden_terms(const struct fixture *f)
{
    struct terms t = {.endorsements = f->endorsements, .settings = SETTINGS_DEFAULT};

    t.settings.default_baseline = BASELINE;
    t.settings.claim_development = false;
    return t;
}

/* Run the pipeline as the service of that token: its issuer, key id, time and jti. NULL: anybody's. */
static struct appraisal *attest(struct fixture *f, const char *attester, struct bytes body, const struct recorded *like,
                                const struct terms *terms)
{
    struct arena *a = &f->arena;
    struct appraisal *x = ARENA_NEW(a, struct appraisal);
    struct provider_policy stored = {.attester = attester_find(bytes_text(attester)),
                                     .text = terms->policy ? read_shared(a, terms->policy) : BYTES_NONE};
    struct provider p = {.issuer = BYTES_LIT("https://golden.example"),
                         .kid = BYTES_LIT("kid"),
                         .policies = &stored,
                         .policy_count = 1,
                         .settings = terms->settings};
    struct snapshot s = {.endorsements = terms->endorsements, .providers = &p, .provider_count = 1};
    struct mint mint = mint_with_key(f->key);
    uint8_t entropy[TOKEN_JTI_ENTROPY] = {0};
    struct core_request r = {.attester = bytes_text(attester), .body = body, .time = TIME};

    if (like) {
        p.issuer = text_of(like->payload, "iss");
        p.kid = text_of(like->jws.header, "kid");
        assert_true(hex_decode_exact(text_of(like->payload, "jti"), entropy, sizeof entropy));
        assert_true(json_integer(json_member(like->payload, "iat"), &r.time));
    }
    if (terms->time)
        r.time = terms->time;
    r.issuer = p.issuer;
    r.entropy = arena_copy(a, BYTES_OF(entropy));
    core_attest(x, a, &s, &r, &mint, NULL);
    return x;
}

/* Accepted, with the recorded header and this payload; unsigned where the recorded token is. */
static void expect_token(struct fixture *f, const struct appraisal *x, const struct recorded *like,
                         struct bytes payload)
{
    struct arena *a = &f->arena;
    struct public_key key;
    struct jws ours;

    if (x->answer.status != 200)
        fail_msg("%.*s", (int)x->answer.body.n, (const char *)x->answer.body.p);
    if (!bytes_equal(x->payload, payload))
        fail_msg("ours:\n%s\nrecorded:\n%s", arena_string(a, x->payload), arena_string(a, payload));
    assert_bytes_equal(text_of(parsed(a, x->answer.body), "token"), x->token);
    assert_true(jws_decode(a, x->token, false, &ours, NULL));
    assert_bytes_equal(ours.payload, x->payload);
    assert_bytes_equal(ours.header->span, like->jws.header->span);
    assert_int_equal(ours.unsecured, like->jws.unsecured);
    if (ours.unsecured) {
        assert_int_equal(x->token.p[x->token.n - 1], '.');
    } else {
        assert_true(public_key_decode(a, signing_key_spki(f->key, a), &key));
        assert_true(jws_verify(&ours, &key));
    }
}

static struct bytes without(struct arena *a, struct bytes text, const char *part)
{
    const uint8_t *hit = memmem(text.p, text.n, part, strlen(part));
    struct writer w = wr_open(a);

    if (!hit)
        fail_msg("no %s", part);
    wr_put(&w, bytes_first(text, (size_t)(hit - text.p)));
    wr_put(&w, bytes_after(text, (size_t)(hit - text.p) + strlen(part)));
    return wr_done(&w);
}

static struct bytes replaced(struct arena *a, struct bytes text, struct bytes old, struct bytes new)
{
    struct bytes copy = arena_copy(a, text);
    int hits = 0;

    assert_int_equal(old.n, new.n);
    for (size_t i = 0; i + old.n <= copy.n; i++)
        if (memcmp(copy.p + i, old.p, old.n) == 0) {
            memcpy((uint8_t *)(uintptr_t)(copy.p + i), new.p, new.n);
            hits++;
        }
    assert_true(hits > 0);
    return copy;
}

/* The ten recorded requests of 2022-11-17, sent again. */

static const struct json *example(struct fixture *f, const char *attester, const char *what)
{
    return parsed(&f->arena, read_shared(&f->arena, arena_printf(&f->arena, "spec/examples/recorded-attest-%s-%s.json",
                                                                 attester, what)));
}

static void accepted_example(struct fixture *f, const char *attester, const char *what)
{
    const struct json *e = example(f, attester, what);
    struct terms terms = golden_terms(f);
    struct recorded like = take_apart(&f->arena, text_of(json_member(json_member(e, "response"), "body"), "token"));
    struct bytes body = json_member(json_member(e, "request"), "body")->span;
    struct appraisal *x = attest(f, attester, body, &like, &terms);

    expect_token(f, x, &like, like.jws.payload);
    assert_bytes_equal(x->answer.body,
                       json_print(&f->arena, parsed(&f->arena, x->answer.body), JSON_SORTED)); /* one member */
    assert_true(x->exam.tcb_known);
    assert_int_equal(x->exam.tcb_status, TCB_SW_HARDENING_NEEDED);
}

static void denied_example(struct fixture *f, const char *attester)
{
    static const char phrase[] =
        "Policy Engine Exception: No Permit claim was issued in the authorizationrules section, "
        "authorization failed.";
    const struct json *e = example(f, attester, "draft-policy-denied");
    struct terms terms = golden_terms(f);
    struct bytes body = json_member(json_member(e, "request"), "body")->span;
    struct appraisal *x = attest(f, attester, body, NULL, &terms);
    const struct json *ours = json_member(parsed(&f->arena, x->answer.body), "error"),
                      *theirs = json_member(json_member(json_member(e, "response"), "body"), "error");

    assert_int_equal(x->answer.status, 400);
    assert_string_equal(x->answer.code, "PolicyEvaluationError");
    assert_string_equal(x->answer.failed_check, "policy.permit");
    assert_bytes_equal(text_of(ours, "code"), text_of(theirs, "code"));
    assert_bytes_equal(text_of(json_member(ours, "innererror"), "code"), text_of(theirs, "code"));
    for (int i = 0; i < 2; i++) {
        struct bytes message = text_of(i ? ours : theirs, "message");
        assert_non_null(memmem(message.p, message.n, phrase, sizeof phrase - 1));
    }
    assert_int_equal(x->token.n, 0);
}

static void recorded_requests(void **state)
{
    static const char *const attesters[] = {"SgxEnclave", "OpenEnclave"}, *const accepted[] = {
                                                                              "simple", "runtime-binary",
                                                                              "runtime-json", "draft-policy-ok"};

    NEED_SHARED("recorded requests");
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < 4; k++)
            accepted_example(*state, attesters[i], accepted[k]);
        denied_example(*state, attesters[i]);
    }
}

/* Under `strict` the endorsements of 2021 are past their nextUpdate. */
static void stale_endorsements_refused_under_strict(void **state)
{
    struct fixture *f = *state;
    struct terms terms = golden_terms(f);

    NEED_SHARED("recorded requests");
    terms.settings.freshness = FRESHNESS_STRICT;
    struct bytes body = json_member(json_member(example(f, "SgxEnclave", "simple"), "request"), "body")->span;
    struct appraisal *x = attest(f, "SgxEnclave", body, NULL, &terms);
    assert_int_equal(x->answer.status, 400);
    assert_string_equal(x->answer.code, "InvalidParameter");
    assert_non_null(x->answer.failed_check);
    assert_non_null(strstr(x->answer.failed_check, "fresh"));
}

/* The 16 tokens of 2022-05-31 and the two of 2022-02-28, whose requests were not kept but are known. */

static bool name_has(const char *name, const char *part)
{
    return strstr(name, part) != NULL;
}

static struct bytes rebuilt_body(struct fixture *f, const char *name, const char *attester)
{
    struct arena *a = &f->arena;
    bool oe = strcmp(attester, "OpenEnclave") == 0;
    struct bytes report = read_shared(a, "evidence/oe/oereport-azsdk-OpenEnclaveQuote.bin");
    struct bytes data = read_shared(a, "evidence/oe/oereport-azsdk-OpenEnclaveQuote.ehd.bin");
    struct json *body = json_new(a, JSON_OBJECT), *runtime = json_new(a, JSON_OBJECT);

    json_set(body, bytes_text(oe ? "report" : "quote"),
             json_new_text(a, base64url_encode(a, oe ? report : bytes_after(report, 16))));
    if (name_has(name, "RuntimeData")) {
        JSON_SET(runtime, "data", json_new_text(a, base64url_encode(a, data)));
        JSON_SET(runtime, "dataType", json_new_text(a, bytes_text(name_has(name, "Json") ? "JSON" : "Binary")));
        JSON_SET(body, "runtimeData", runtime);
    }
    if (name_has(name, "DraftPolicy"))
        JSON_SET(body, "draftPolicyForAttestation", json_new_text(a, read_shared(a, "corpus/policies/cpp-sdk-02.txt")));
    return json_print(a, body, JSON_IN_ORDER);
}

static struct bytes number(struct arena *a, int64_t n)
{
    return bytes_text(arena_printf(a, "%lld", (long long)n));
}

/* Our payload of May as it must be in February: its times, and the root CRL of that day, which is not here. */
static struct bytes of_february(struct arena *a, struct bytes payload, const struct recorded *like)
{
    static const char collateral[] = "x-ms-sgx-collateral", crl[] = "tcbinfocrlhash";
    struct bytes theirs = text_of(json_member(like->payload, collateral), crl);
    struct bytes ours = text_of(json_member(parsed(a, payload), collateral), crl);
    int64_t iat, exp;

    assert_true(bytes_begin(theirs, "059762e7"));
    assert_true(json_integer(json_member(like->payload, "iat"), &iat));
    assert_true(json_integer(json_member(like->payload, "exp"), &exp));
    payload = replaced(a, payload, ours, theirs);
    payload = replaced(a, payload, number(a, MAY_2022 + TOKEN_ATTEST_LIFETIME), number(a, exp));
    return replaced(a, payload, number(a, MAY_2022), number(a, iat));
}

/* A recorded token under the default policy of that time, from before tokens named their baseline. */
static void older_token(struct fixture *f, const char *name, const char *attester, struct bytes token)
{
    struct arena *a = &f->arena;
    struct terms terms = golden_terms(f);
    struct recorded like = take_apart(a, token);

    terms.endorsements = f->earlier;
    terms.settings.crl_freshness = false; /* no PCK CRL of those days is at hand */
    terms.policy = "corpus/policies/svc-sgx-default-2021.txt";
    if (name_has(name, "older"))
        terms.time = MAY_2022; /* nor a root CRL of February */
    struct appraisal *x = attest(f, attester, rebuilt_body(f, name, attester), &like, &terms);
    if (x->answer.status != 200)
        fail_msg("%s: %s", name, arena_string(a, x->answer.body));
    x->payload = without(a, x->payload, ",\"x-ms-sgx-tcbidentifier\":\"azuredefault\"");
    if (name_has(name, "older"))
        x->payload = of_february(a, x->payload, &like);
    if (!bytes_equal(x->payload, like.jws.payload))
        fail_msg("%s: ours:\n%s\nrecorded:\n%s", name, arena_string(a, x->payload), arena_string(a, like.jws.payload));
    struct jws ours;
    assert_true(jws_decode(a, x->token, false, &ours, NULL));
    assert_bytes_equal(ours.header->span, like.jws.header->span);
    assert_int_equal(ours.unsecured, like.jws.unsecured);
}

#define RECORDINGS "spec/recordings/cpp-sdk"

/* Calls a function for each call of each recording; returns how many it counted. */
typedef int each_call(struct fixture *f, const char *name, const struct json *recording, const struct json *call);

static int for_recordings(struct fixture *f, each_call *function)
{
    DIR *folder = opendir(shared_path(&f->arena, RECORDINGS));
    int counted = 0;

    assert_non_null(folder);
    for (struct dirent *e; (e = readdir(folder));) {
        if (!name_has(e->d_name, ".json"))
            continue;
        const struct json *recording =
            parsed(&f->arena, read_shared(&f->arena, arena_printf(&f->arena, RECORDINGS "/%s", e->d_name)));
        JSON_EACH (call, json_member(recording, "networkCallRecords"))
            counted += function(f, e->d_name, recording, call);
    }
    closedir(folder);
    return counted;
}

static const struct json *answer_of(struct fixture *f, const struct json *call)
{
    struct bytes text = text_of(json_member(call, "Response"), "BODY");

    return text.n && text.p[0] == '{' ? parsed(&f->arena, text) : NULL;
}

static int compare_older(struct fixture *f, const char *name, const struct json *recording, const struct json *call)
{
    const struct json *answer = answer_of(f, call);
    struct bytes url = text_of(call, "Url"), token;
    const char *attester = memmem(url.p, url.n, "/attest/OpenEnclave", 19) ? "OpenEnclave" : "SgxEnclave";

    (void)recording;
    if (!bytes_begin(bytes_text(name), "Attestation-AttestationTests") ||
        !json_text(json_member(answer, "token"), &token))
        return 0;
    older_token(f, name, attester, token);
    return 1;
}

static void recorded_tokens_of_spring_2022(void **state)
{
    NEED_SHARED("recordings");
    assert_int_equal(for_recordings(*state, compare_older), 18);
}

/* The production enclave: no recorded answer to this report, but tokens of the same enclave. */
static void non_debug_report(void **state)
{
    static const char *const same[] = {"x-ms-sgx-mrenclave", "x-ms-sgx-mrsigner", "x-ms-sgx-product-id", "x-ms-sgx-svn",
                                       "x-ms-sgx-is-debuggable"};
    static const char *const tokens[] = {"net-sgx-2021", "java-sgx-draft-2021", "py-sgx-binary-2022"};
    struct fixture *f = *state;
    struct arena *a = &f->arena;
    struct terms terms = golden_terms(f);

    NEED_SHARED("the non-debug report");
    struct bytes report = read_shared(a, "evidence/oe/oereport-azsdk-OpenEnclaveNonDebugQuote.bin");
    for (int oe = 0; oe < 2; oe++) {
        struct json *body = json_new(a, JSON_OBJECT);

        json_set(body, bytes_text(oe ? "report" : "quote"),
                 json_new_text(a, base64url_encode(a, oe ? report : bytes_after(report, 16))));
        struct appraisal *x =
            attest(f, oe ? "OpenEnclave" : "SgxEnclave", json_print(a, body, JSON_IN_ORDER), NULL, &terms);
        assert_int_equal(x->answer.status, 200);
        assert_int_equal(x->exam.tcb_status, TCB_SW_HARDENING_NEEDED);
        const struct json *payload = parsed(a, x->payload);
        assert_bytes_are(text_of(json_member(payload, "x-ms-sgx-collateral"), "quotehash"),
                         oe ? "ace94cb8a72b10aff82029b65f5ea52366142ec1b4badccf0b67340c5f686a9d"
                            : "257575e7e5af36573e3f3a2cf3b328c136eb0a933e9a11588a0aa2b65155821e");
        assert_int_equal(json_member(payload, "x-ms-sgx-is-debuggable")->kind, JSON_FALSE);
        for (size_t t = 0; t < sizeof tokens / sizeof *tokens; t++) {
            const struct json *theirs =
                json_member(parsed(a, read_shared(a, arena_printf(a, "spec/tokens/%s.json", tokens[t]))), "payload");
            for (size_t i = 0; i < sizeof same / sizeof *same; i++)
                assert_bytes_equal(json_print(a, json_member(payload, same[i]), JSON_SORTED),
                                   json_print(a, json_member(theirs, same[i]), JSON_SORTED));
        }
    }
}

/* ------------------------------------------------------------------------------------------------------ SEV-SNP */

#define SNP_REQUESTS "evidence/uvm/maa-requests/"

/* Names of 2025-2026 are off: the tokens are older. */
static struct terms snp_terms(const struct fixture *f, const char *time)
{
    struct terms t = golden_terms(f);

    t.settings.claim_recent = false;
    assert_true(time_parse(bytes_text(time), &t.time));
    return t;
}

static struct bytes snp_request(struct fixture *f, const char *name)
{
    return read_shared(&f->arena, arena_printf(&f->arena, SNP_REQUESTS "%s.request.json", name));
}

/* GOLDEN.md 2a: header and payload come out byte for byte. */
static void snp_token(void **state)
{
    struct fixture *f = *state;
    struct arena *a = &f->arena;
    struct terms terms = snp_terms(f, "2025-04-01T00:00:00Z");

    NEED_SHARED("a recorded token of SEV-SNP");
    struct recorded like = take_apart(a, bytes_trim_end(read_shared(a, SNP_REQUESTS "maasample.token.jwt")));
    terms.time = 0; /* the token's own lies within 2023-05-23 and 2030-05-23 */
    struct appraisal *x = attest(f, "SevSnpVm", snp_request(f, "maasample"), &like, &terms);
    expect_token(f, x, &like, like.jws.payload);
    const struct json *sample = parsed(a, read_shared(a, "spec/examples/sample-attest-SevSnpVm-request.json"));
    const struct json *body = json_member(json_member(sample, "request"), "body");
    x = attest(f, "sevsnpvm", body ? body->span : sample->span, &like, &terms);
    expect_token(f, x, &like, like.jws.payload);
}

static void snp_runtime_data_of_another(void **state)
{
    struct fixture *f = *state;
    struct terms terms = snp_terms(f, "2025-04-01T00:00:00Z");

    NEED_SHARED("a request of SEV-SNP");
    struct appraisal *x = attest(f, "SevSnpVm", snp_request(f, "maasample.runtime-mismatch"), NULL, &terms);
    assert_int_equal(x->answer.status, 400);
    assert_string_equal(x->answer.code, "InvalidParameter");
    assert_string_equal(x->answer.failed_check, "snp.runtime_data");
}

/* GOLDEN.md 2c: a report of version 1 is refused as evidence; its claims are those of the documented token. */
static void snp_claims_of_a_preview(void **state)
{
    enum { RUNTIME_AT = 1236, RUNTIME_SIZE = 605 };
    struct fixture *f = *state;
    struct arena *a = &f->arena;
    struct snp_evidence e = {0};
    struct settings settings = SETTINGS_DEFAULT;
    struct exam x = {.arena = a, .trace = trace_new(a), .settings = &settings};
    size_t same = 0;

    NEED_SHARED("a documented token of SEV-SNP");
    settings.claim_recent = false;
    struct bytes hcl = read_shared(a, "evidence/azure-vtpm/hcl/snp-preview-v1-keyrelease.hcl.bin");
    e.runtime =
        (struct request_data){.type = DATA_JSON, .data = bytes_first(bytes_after(hcl, RUNTIME_AT), RUNTIME_SIZE)};
    e.runtime.json = parsed(a, e.runtime.data);
    assert_true(snp_report_read(a, read_shared(a, "evidence/snp/reports/milan-v1-preview-hcl.report.bin"), &e.report));
    e.basis.product = SNP_MILAN;
    e.basis.reported = snp_tcb_read(SNP_MILAN, e.report.reported_tcb);
    claims_init(&x.incoming, a);
    snp_claims(&x, &e);
    const struct json *ours = claims_object(a, &x.incoming, CLAIM_TOKEN),
                      *theirs = json_member(parsed(a, read_shared(a, "spec/tokens/doc-sevsnpvm.json")), "payload");
    JSON_EACH (member, ours) {
        const struct json *other = json_member(theirs, arena_string(a, member->name));

        if (!other)
            fail_msg("%s is not in the documented token", arena_string(a, member->name));
        assert_bytes_equal(json_print(a, member, JSON_SORTED), json_print(a, other, JSON_SORTED));
        same++;
    }
    JSON_EACH (member, theirs)
        assert_true(!bytes_begin(member->name, "x-ms-sevsnpvm-") || json_member(ours, arena_string(a, member->name)));
    assert_true(json_member(ours, "x-ms-runtime") != NULL);
    assert_true(same >= 18);
}

static const struct json *snp_payload(struct fixture *f, const char *request, const struct terms *terms)
{
    struct appraisal *x = attest(f, "SevSnpVm", snp_request(f, request), NULL, terms);

    if (x->answer.status != 200)
        fail_msg("%s", arena_string(&f->arena, x->answer.body));
    return parsed(&f->arena, x->payload);
}

/* Their names are on for new instances, and off above. */
static void snp_names_of_2026(void **state)
{
    struct fixture *f = *state;
    struct terms terms = snp_terms(f, "2026-03-01T00:00:00Z");

    NEED_SHARED("a request of SEV-SNP");
    assert_null(json_member(snp_payload(f, "cleanroom-sidecar", &terms), "x-ms-sevsnpvm-chipid"));
    terms.settings.claim_recent = true;
    const struct json *payload = snp_payload(f, "cleanroom-sidecar", &terms);
    assert_bytes_are(text_of(payload, "x-ms-sevsnpvm-chip-family"), "Milan");
    assert_int_equal(text_of(payload, "x-ms-sevsnpvm-chipid").n, 2 * SNP_CHIP_ID_SIZE);
    assert_int_equal(json_member(payload, "x-ms-sevsnpvm-singlesocket")->kind, JSON_FALSE);
}

static void policy_hashes(void **state)
{
    static const char *const rows[][2] = {
        {"svc-sgx-default-1-1", "ViVGS4BYl70X8eUrgryHg0TtbEk9WtIc6DtTBEFxaWc"},
        {"svc-sgx-default-2021", "bROrN897ZfWmWY2V0FLUlu3uwk5xatGnKYHn3zBbSlw"},
        {"cpp-sdk-02", "1wKUrF_E0X5CZUM9OMIF1PH3qn5iykWY_bWgBbiWJZ0"},
        {"sdk-minimal-permit", "z0FRjKS0ssQTNur1V6BV8WIrh9M3fzgTo0EfHRvapWU"},
        {"svc-sandbox-tdxvm", "B56nbp5slhw66peoRYkpdq1WykMkEworvdol08hnMXE"},
        {"svc-sevsnpvm-default", "9NY0VnTQ-IiBriBplVUpFbczcDaEBUwsiFYAzHu_gco"},
        {"svc-sandbox-sevsnpvm", "LTPRQQju-FejAwdYihF8YV_c2XWebG9joKvrHKc3bxs"},
    };
    struct fixture *f = *state;

    NEED_SHARED("policy texts");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *file = arena_printf(&f->arena, "corpus/policies/%s.txt", rows[i][0]);
        assert_bytes_are(policy_hash(&f->arena, read_shared(&f->arena, file)), rows[i][1]);
    }
    assert_bytes_equal(read_shared(&f->arena, "corpus/policies/svc-sgx-default-1-1.txt"),
                       bytes_text(sgx_attester.default_policy));
    assert_string_equal(sgx_attester.default_policy, oe_attester.default_policy);
    assert_bytes_equal(read_shared(&f->arena, "corpus/policies/svc-sevsnpvm-default.txt"),
                       bytes_text(snp_attester.default_policy));
}

/* /certs of the same recording: the certificate under that kid, or NULL. */
static const struct certificate *recorded_key(struct fixture *f, const struct json *recording, struct bytes kid)
{
    JSON_EACH (call, json_member(recording, "networkCallRecords")) {
        struct bytes url = text_of(call, "Url");

        if (url.n < 6 || memcmp(url.p + url.n - 6, "/certs", 6) != 0)
            continue;
        JSON_EACH (key, json_member(answer_of(f, call), "keys")) {
            const struct certificate *c;
            struct bytes der;

            if (!bytes_equal(text_of(key, "kid"), kid))
                continue;
            struct bytes text;
            assert_true(json_text(json_element(json_member(key, "x5c"), 0), &text));
            assert_true(base64_decode_strict(&f->arena, text, &der));
            assert_true(certificate_decode(&f->arena, der, &c, NULL));
            return c;
        }
    }
    return NULL;
}

static int verify_token(struct fixture *f, const char *name, const struct json *recording, const struct json *call)
{
    const struct json *answer = answer_of(f, call);
    struct bytes token;

    if (!json_text(json_member(answer, "token"), &token))
        return 0;
    struct recorded r = take_apart(&f->arena, token);
    if (r.jws.unsecured)
        return 0;
    const struct certificate *c = recorded_key(f, recording, text_of(r.jws.header, "kid"));
    if (!c)
        fail_msg("%s: no key", name);
    assert_true(jws_verify(&r.jws, &c->key));
    assert_bytes_equal(key_id(&f->arena, c->key.spki), text_of(r.jws.header, "kid"));
    assert_bytes_are(c->subject_cn, arena_string(&f->arena, text_of(r.payload, "iss")));
    return 1;
}

static void recorded_signatures(void **state)
{
    NEED_SHARED("recordings");
    assert_int_equal(for_recordings(*state, verify_token), 47);
}

/* The other certificates of a region are listed under the SHA-1 of their DER. */
static void key_ids_of_certificates_from_a_ca(void **state)
{
    struct fixture *f = *state;
    int seen = 0;

    NEED_SHARED("recorded keys");
    const struct json *e = parsed(&f->arena, read_shared(&f->arena, "spec/examples/recorded-certs-jwks.json"));
    JSON_EACH (key, json_member(json_member(json_member(e, "response"), "body"), "keys")) {
        struct bytes text, der;

        assert_true(json_text(json_element(json_member(key, "x5c"), 0), &text));
        assert_true(base64_decode_strict(&f->arena, text, &der));
        if (json_member(key, "x5c")->count == 1)
            continue;
        assert_bytes_equal(base64url_encode(&f->arena, digest(&f->arena, DIGEST_SHA1, der)), text_of(key, "kid"));
        seen++;
    }
    assert_int_equal(seen, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_requests),
        cmocka_unit_test(stale_endorsements_refused_under_strict),
        cmocka_unit_test(recorded_tokens_of_spring_2022),
        cmocka_unit_test(non_debug_report),
        cmocka_unit_test(snp_token),
        cmocka_unit_test(snp_runtime_data_of_another),
        cmocka_unit_test(snp_claims_of_a_preview),
        cmocka_unit_test(snp_names_of_2026),
        cmocka_unit_test(policy_hashes),
        cmocka_unit_test(recorded_signatures),
        cmocka_unit_test(key_ids_of_certificates_from_a_ca),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
