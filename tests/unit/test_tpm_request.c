/* Requests to /attest/Tpm through the whole pipeline, from a challenge to a token: what is accepted, and what each rule of the
 * protocol refuses (tpm-vbs.md 1.2 to 1.7). */
#include "arena_test.h"

#include "base/text.h"
#include "core/context_key.h"
#include "core/mint_key.h"
#include "crypto/jose.h"
#include "evidence/tpm.h"
#include "simulate/kinds.h"

#define ISSUER    "https://mine.example:8443"
#define PERMIT    "version=1.0; authorizationrules{=> permit();}; issuancerules{};"
#define PERMIT_12 "version=1.2; authorizationrules{=> permit();}; issuancerules{};"
enum { NOW = 1767225600 };

static const uint8_t sealing[AEAD_KEY_SIZE] = {1, 2, 3};
static const char entropy[] = "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqr";
static struct signing_key *key;
static struct arena lasting;
static const struct certificate *certificate;

/* What a run is under; each test begins with these. */
static struct run {
    const char *issuer, *policy;
    int64_t time;
    struct simulate_options options;
    struct simulated made;
    struct appraisal x;
} run;

static int begin(void **state)
{
    set_up(state);
    run = (struct run){
        .issuer = ISSUER, .policy = PERMIT, .time = NOW + 5, .options = {.kind = SIMULATE_TPM_REQUEST, .seed = 7}};
    return 0;
}

static struct bytes text_of(const struct json *object, const char *name)
{
    struct bytes text;

    if (!json_text(json_member(object, name), &text))
        fail_msg("no text %s", name);
    return text;
}

static struct bytes decoded(struct bytes text)
{
    struct bytes out;

    assert_true(base64_decode(&arena, text, &out, NULL));
    return out;
}

static const struct json *parsed(struct bytes text)
{
    const struct json *v;
    struct fault fault = {0};

    if (!json_parse(&arena, text, NULL, &v, &fault))
        fail_msg("%s: %.200s", fault.text, (const char *)text.p);
    return v;
}

/* The message inside an answer or a request. */
static const struct json *message_in(struct bytes body)
{
    return json_member(parsed(decoded(text_of(parsed(body), "data"))), "payload");
}

static const struct answer *attest(struct bytes body)
{
    struct provider_policy *policy = ARENA_NEW(&arena, struct provider_policy);
    struct provider *p = ARENA_NEW(&arena, struct provider);
    struct mint *mint = ARENA_NEW(&arena, struct mint);
    struct endorsements *e = endorsements_new(64 * 1024 * 1024);
    struct fault fault = {0};
    const struct core_request request = {.issuer = bytes_text(run.issuer),
                                         .attester = BYTES_LIT("tpm"),
                                         .body = body,
                                         .time = run.time,
                                         .entropy = bytes_text(entropy)};

    if (run.made.anchor.n) {
        if (run.made.aik_issuers.n && !endorsements_add(e, "issuers.pem", run.made.aik_issuers, &fault))
            fail_msg("%s", fault.text);
        if (!simulate_endorsements(&run.made, e, true, &fault))
            fail_msg("%s", fault.text);
    }
    *policy = (struct provider_policy){.attester = &tpm_attester, .text = bytes_text(run.policy)};
    *p = (struct provider){.issuer = bytes_text(run.issuer),
                           .kid = BYTES_LIT("kid"),
                           .certificate = certificate,
                           .policies = policy,
                           .policy_count = 1,
                           .settings = run.made.settings.reference ? run.made.settings : SETTINGS_DEFAULT};
    *mint = mint_with_key(key);
    mint->sealer = context_sealer(sealing);
    struct snapshot s = {.endorsements = e, .providers = p, .provider_count = 1};
    core_attest(&run.x, &arena, &s, &request, mint, NULL);
    run.x.exam.endorsements = NULL;
    endorsements_free(e);
    return &run.x.answer;
}

/* Asks for a challenge and answers it, as the options say. */
static struct bytes request_for(const char *issuer, int64_t time)
{
    struct bytes body = BYTES_LIT("{\"data\":\"eyJwYXlsb2FkIjp7InR5cGUiOiJhaWtjZXJ0In19\"}");
    struct fault fault = {0};
    struct run now = run;

    run.issuer = issuer;
    run.time = time;
    const struct answer *a = attest(body);
    assert_int_equal(a->status, 200);
    const struct json *message = message_in(a->body);
    run = now;
    run.options.challenge = decoded(text_of(message, "challenge"));
    run.options.service_context = text_of(message, "service_context");
    run.made = (struct simulated){.options = run.options, .settings = SETTINGS_DEFAULT, .time = NOW};
    run.made.options.time = NOW;
    if (!simulate_attestation_request(&arena, NULL, &run.made, &fault))
        fail_msg("%s", fault.text);
    return run.made.request;
}

static struct bytes request(void)
{
    return request_for(ISSUER, NOW);
}

static void refused(const struct answer *a, const char *check)
{
    if (a->status != 400 || !a->failed_check || strcmp(a->failed_check, check) != 0)
        fail_msg("%d %s, not %s: %.*s", a->status, a->failed_check ? a->failed_check : "-", check, (int)a->body.n,
                 (const char *)a->body.p);
    assert_int_equal(run.x.token.n, 0);
}

/* The token in the answer. */
static const struct json *accepted(const struct answer *a, struct jws *jws)
{
    if (a->status != 200)
        fail_msg("%d %.*s", a->status, (int)a->body.n, (const char *)a->body.p);
    struct bytes report = text_of(message_in(a->body), "report");
    assert_bytes_equal(report, run.x.token);
    assert_true(jws_decode(&arena, report, false, jws, NULL));
    assert_true(jws_verify(jws, &certificate->key));
    return parsed(jws->payload);
}

/* --- What is accepted. --- */

static void from_challenge_to_token(void **state)
{
    static const char *const members[] = {"nbf",
                                          "exp",
                                          "iat",
                                          "iss",
                                          "jti",
                                          "ver",
                                          "x-ms-ver",
                                          "rp_data",
                                          "nonce",
                                          "cnf",
                                          "x-ms-policy-hash",
                                          "x-assay-development",
                                          "x-ms-attestation-type",
                                          "x-ms-tpm-request-key"};
    struct jws jws;
    const struct json *token = accepted(attest(request()), &jws), *m = token->first;
    size_t at = 0;
    int64_t iat, nbf, exp;

    (void)state;
    for (; m && at < sizeof members / sizeof *members; m = m->next)
        assert_bytes_are(m->name, members[at++]);
    assert_true(!m && at == sizeof members / sizeof *members);
    assert_true(json_integer(json_member(token, "iat"), &iat) && json_integer(json_member(token, "nbf"), &nbf) &&
                json_integer(json_member(token, "exp"), &exp));
    assert_true(iat == NOW + 5 && nbf == iat - 300 && exp == iat + 1440 * 60);
    assert_int_equal(text_of(token, "jti").n, 40);
    assert_bytes_are(text_of(token, "rp_data"), "cmVseWluZyBwYXJ0eSdzIG5vbmNl");
    assert_bytes_equal(text_of(token, "nonce"), text_of(token, "rp_data"));
    assert_int_equal(json_member(json_member(token, "cnf"), "jwk")->count, 3);
    const struct json *policy_key = parsed(text_of(token, "x-ms-tpm-request-key"));
    assert_bytes_are(json_member(policy_key, "info")->span, "{\"tpm_quote\":{\"hash_alg\":\"sha-256\"}}");
    assert_bytes_equal(json_member(json_member(policy_key, "jwk"), "n")->text,
                       json_member(json_member(json_member(token, "cnf"), "jwk"), "n")->text);
    assert_bytes_are(jws.header->first->name, "typ");
    assert_non_null(json_member(jws.header, "x5c"));
}

static void the_claims_of_a_machine(void **state)
{
    const struct claims *c = &run.x.exam.incoming;
    static const char *const plain[] = {"aikValidated", "aikPubHash", "tpmVersion",       "secureBootEnabled",
                                        "notSafeMode",  "notWinPE",   "vbsReportPresent", "vsmReportPresent",
                                        "events",       "pcrs"};
    struct jws jws;

    (void)state;
    accepted(attest(request()), &jws); /* an older policy cannot look into events, so they are not written */
    assert_true(!claims_find(c, BYTES_LIT("events")) && claims_find(c, BYTES_LIT("secureBootEnabled")));
    run.policy = PERMIT_12;
    accepted(attest(request()), &jws);
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        assert_non_null(claims_find(c, bytes_text(plain[i])));
    assert_true(!claims_find(c, BYTES_LIT("bootEvents")) && !claims_find(c, BYTES_LIT("enclaveSvn")));
    assert_true(claims_find(c, BYTES_LIT("aikValidated"))->value.integer);
    assert_false(claims_find(c, BYTES_LIT("vbsReportPresent"))->value.integer);
    assert_true(claims_find(c, BYTES_LIT("pcrs"))->flags & CLAIM_READ_ONLY);
    const struct claim *custom = claims_find(c, BYTES_LIT(ISSUER "/customclaims/simulated"));
    assert_true(custom->issuer == ISSUER_CUSTOM && custom->value.kind == CLAIM_BOOLEAN && custom->value.integer);
    parsed(claims_find(c, BYTES_LIT("events"))->value.text);
    parsed(claims_find(c, BYTES_LIT("pcrs"))->value.text);
}

static void every_form_of_a_request(void **state)
{
    static const struct {
        enum simulate_kind kind;
        unsigned version;
        const char *variation, *os;
    } forms[] = {
        {SIMULATE_TPM_REQUEST, 2, NULL, "windows"},
        {SIMULATE_TPM_REQUEST, 2, NULL, "linux"},
        {SIMULATE_TPM_REQUEST, 2, "certified-key", NULL},
        {SIMULATE_TPM_REQUEST, 2, "other-key", NULL},
        {SIMULATE_TPM_REQUEST, 2, "slept", NULL},
        {SIMULATE_TPM_REQUEST, 1, NULL, "windows"},
        {SIMULATE_VBS, 2, NULL, NULL},
        {SIMULATE_VBS, 1, NULL, NULL},
    };
    struct jws jws;

    (void)state;
    run.policy = PERMIT_12;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        run.options.kind = forms[i].kind;
        run.options.version = forms[i].version;
        run.options.variation = forms[i].variation;
        run.options.os = forms[i].os;
        const struct json *token = accepted(attest(request()), &jws);
        const struct claims *c = &run.x.exam.incoming;
        bool certified = forms[i].variation && strcmp(forms[i].variation, "certified-key") == 0;

        assert_true((forms[i].version == 2) == (json_member(token, "x-ms-tpm-request-key") != NULL));
        assert_true((claims_find(c, BYTES_LIT("enclaveSvn")) != NULL) == (forms[i].kind == SIMULATE_VBS));
        if (certified) {
            const struct json *k = parsed(text_of(token, "x-ms-tpm-request-key"));
            assert_non_null(json_member(json_member(json_member(k, "info"), "tpm_certify"), "obj_attr"));
        }
        assert_true((forms[i].variation && strcmp(forms[i].variation, "other-key") == 0) ==
                    (json_member(token, "x-ms-tpm-other-keys") != NULL));
        assert_true((forms[i].variation && strcmp(forms[i].variation, "slept") == 0) ==
                    (claims_find(c, BYTES_LIT("bootEvents")) != NULL));
    }
}

/* --- What policies set. --- */

#define CONFIGURE(rule) \
    "version=1.1; configurationrules{=> issueproperty(" rule ");}; authorizationrules{=> permit();};"
#define ISSUE(rule) "version=1.1; authorizationrules{=> permit();}; issuancerules{=> issueproperty(" rule ");};"

static void properties_of_policies(void **state)
{
    static const struct {
        const char *policy;
        int64_t minutes;
        bool short_header;
    } good[] = {
        {ISSUE("type=\"report_validity_in_minutes\", value=5"), 5, false},
        {ISSUE("type=\"report_validity_in_minutes\", value=9999999"), 525600, false},
        {ISSUE("type=\"omit_x5c\", value=true"), 1440, true},
        {ISSUE("type=\"omit_x5c\", value=false"), 1440, false},
        {CONFIGURE("type=\"required_pcr_mask\", value=255"), 1440, false},
        {CONFIGURE("type=\"x-ms-sgx-tcbidentifier\", value=7"), 1440, false}, /* of another type: ignored */
    };
    static const struct {
        const char *policy, *check;
    } bad[] = {
        {ISSUE("type=\"report_validity_in_minutes\", value=0"), "policy.evaluation"},
        {ISSUE("type=\"report_validity_in_minutes\", value=\"5\""), "policy.evaluation"},
        {ISSUE("type=\"omit_x5c\", value=1"), "policy.evaluation"},
        {CONFIGURE("type=\"required_pcr_mask\", value=16777216"), "policy.configuration"},
        {CONFIGURE("type=\"required_pcr_mask\", value=true"), "policy.configuration"},
        {CONFIGURE("type=\"require_valid_aik_cert\", value=\"false\""), "policy.configuration"},
    };
    struct bytes body = request();
    struct jws jws;
    int64_t iat, exp;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        run.policy = good[i].policy;
        const struct json *token = accepted(attest(body), &jws);
        assert_true(json_integer(json_member(token, "iat"), &iat) && json_integer(json_member(token, "exp"), &exp));
        assert_int_equal(exp - iat, good[i].minutes * 60);
        assert_true(good[i].short_header == (json_member(jws.header, "x5t") != NULL));
        assert_true(good[i].short_header == (json_member(jws.header, "x5c") == NULL));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        run.policy = bad[i].policy;
        refused(attest(body), bad[i].check);
        assert_string_equal(run.x.answer.code, "PolicyEvaluationError");
    }
}

static void policies_judge_the_key_and_the_report(void **state)
{
    struct bytes body;
    struct jws jws;

    (void)state;
    run.options.kind = SIMULATE_VBS;
    body = request();
    run.policy = "version=1.0; authorizationrules{[type==\"vbsReportPresent\", value==true] && [type==\"enclaveSvn\", "
                 "value>2] && [type==\"enclaveAuthorId\", value==\"oKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKA\"] => "
                 "permit();}; issuancerules{c:[type==\"enclaveFlags\"] => issue(claim=c);};";
    assert_non_null(json_member(accepted(attest(body), &jws), "enclaveFlags"));
    run.policy = "version=1.0; authorizationrules{[type==\"enclaveSvn\", value>3] => permit();};";
    refused(attest(body), "policy.permit");
}

/* --- What is refused. --- */

static void contexts_of_others(void **state)
{
    struct bytes body = request();

    (void)state;
    run.time = NOW + CHALLENGE_SECONDS;
    assert_int_equal(attest(body)->status, 200); /* at its last second */
    run.time++;
    refused(attest(body), "attreq.context.fresh");
    run.time = NOW + 3 * CONTEXT_GENERATION;
    refused(attest(body), "attreq.context");
    run.time = NOW;
    run.issuer = "https://yours.example:8443";
    refused(attest(body), "attreq.context");
    run.issuer = ISSUER;
    refused(attest(request_for("https://yours.example:8443", NOW)), "attreq.context");
}

/* An old challenge, answered with a context of another. */
static void a_replayed_challenge(void **state)
{
    struct fault fault = {0};

    (void)state;
    request();
    run.options.challenge = BYTES_LIT("an old challenge");
    run.made = (struct simulated){.options = run.options, .settings = SETTINGS_DEFAULT, .time = NOW};
    run.made.options.time = NOW;
    assert_true(simulate_attestation_request(&arena, NULL, &run.made, &fault));
    refused(attest(run.made.request), "attreq.challenge");
}

/* --- Version 1, whose key nothing but its signature binds: payloads edited and signed by a key at hand. --- */

static struct bytes own_jwk(void)
{
    struct public_key public;
    struct writer w = wr_open(&arena);

    assert_true(public_key_decode(&arena, signing_key_spki(key, &arena), &public));
    wr_text(&w, "{\"kty\":\"RSA\",\"n\":\"");
    wr_base64url(&w, public.modulus);
    wr_text(&w, "\",\"e\":\"");
    wr_base64url(&w, public.exponent);
    wr_text(&w, "\"}");
    return wr_done(&w);
}

static struct bytes signed_message(const char *header, struct bytes payload, enum signature_alg alg)
{
    struct writer w = wr_open(&arena), inner = wr_open(&arena), outer = wr_open(&arena);
    struct bytes signature;

    wr_base64url(&w, bytes_text(header));
    wr_text(&w, ".");
    wr_base64url(&w, payload);
    assert_true(sign_message(key, alg, wr_done(&w), &arena, &signature));
    wr_text(&w, ".");
    wr_base64url(&w, signature);
    wr_text(&inner, "{\"payload\":{\"request\":\"");
    wr_put(&inner, wr_done(&w));
    wr_text(&inner, "\"}}");
    wr_text(&outer, "{\"data\":\"");
    wr_base64url(&outer, wr_done(&inner));
    wr_text(&outer, "\"}");
    return wr_done(&outer);
}

#define V1_HEADER "{\"alg\":\"PS256\",\"typ\":\"attReq\"}"

/* The text with the first `old` replaced. */
static struct bytes with(struct bytes text, struct bytes old, struct bytes new)
{
    const uint8_t *at = memmem(text.p, text.n, old.p, old.n);
    struct writer w = wr_open(&arena);

    if (!at)
        fail_msg("%.*s is not in it", (int)old.n, (const char *)old.p);
    wr_put(&w, bytes_first(text, (size_t)(at - text.p)));
    wr_put(&w, new);
    wr_put(&w, bytes_after(text, (size_t)(at - text.p) + old.n));
    return wr_done(&w);
}

static struct bytes payload_of(struct bytes body)
{
    struct jws jws;

    assert_true(jws_decode(&arena, text_of(message_in(body), "request"), false, &jws, NULL));
    return jws.payload;
}

/* Of a good request of version 1, with our key in it. */
static struct bytes own_payload(void)
{
    run.options.version = 1;
    struct bytes payload = payload_of(request());
    const struct json *data = json_member(parsed(payload), "att_data");

    return with(payload, json_member(data, "attest_key")->span, own_jwk());
}

static void refuse_edited(struct bytes payload, const char *old, const char *new, const char *check)
{
    refused(attest(signed_message(V1_HEADER, with(payload, bytes_text(old), bytes_text(new)), SIGNATURE_PS256)), check);
}

static void edited_payloads(void **state)
{
    struct bytes payload = own_payload();
    struct jws jws;

    (void)state;
    accepted(attest(signed_message(V1_HEADER, payload, SIGNATURE_PS256)), &jws);
    refuse_edited(payload, "\"basic\"", "\"vsm\"", "attreq.payload");
    refuse_edited(payload, "\"basic\"", "\"vbs\"", "attreq.payload");
    refuse_edited(payload, "\"att_type\"", "\"att_typ\"", "attreq.payload");
    refuse_edited(payload, "\"att_type\"", "\"att_data\":{},\"att_type\"", "attreq.payload"); /* twice */
    refuse_edited(payload, "\"rp_data\"", "\"rp_data\":\"AA\",\"rp_data\"", "attreq.payload");
    refuse_edited(payload, "\"rp_data\":\"", "\"rp_data\":\"!", "attreq.payload");
    refuse_edited(payload, "\"challenge\"", "\"challenges\"", "attreq.payload");
    refuse_edited(payload, "\"service_context\"", "\"service_contex\"", "attreq.context");
    refuse_edited(payload, "\"service_context\":\"", "\"service_context\":\"AAAA", "attreq.context");
    refuse_edited(payload, "\"custom_claims\":[", "\"custom_claims\":[7,", "attreq.payload");
    refuse_edited(payload, "\"value_type\":\"boolean\"", "\"value_type\":\"integer\"", "attreq.payload");
    refuse_edited(payload, "\"tpm_att_data\":{", "\"tpm_att_data\":7,\"x\":{", "attreq.payload");
    refuse_edited(payload, "\"attest_key\":{", "\"attest_key\":{\"use\":\"enc\",", "attreq.payload");
    refuse_edited(payload, "\"current_claim\":\"", "\"current_claim\":\"AAAA", "attreq.claims");
    refuse_edited(payload, "\"current_claim\":", "\"boot_claim\":", "attreq.claims");
}

static void headers_of_requests(void **state)
{
    static const struct {
        const char *header;
        enum signature_alg alg;
        const char *check;
    } bad[] = {
        {"{\"alg\":\"RS256\",\"typ\":\"attReq\"}", SIGNATURE_RS256, "attreq.jws"},
        {"{\"alg\":\"PS384\",\"typ\":\"attReq\"}", SIGNATURE_PS384, "attreq.jws"},
        {"{\"alg\":\"none\",\"typ\":\"attReq\"}", SIGNATURE_PS256, "attreq.jws"},
        {"{\"alg\":\"PS256\",\"typ\":\"attreq\"}", SIGNATURE_PS256, "attreq.jws"},
        {"{\"alg\":\"PS256\",\"typ\":\"JWT\"}", SIGNATURE_PS256, "attreq.jws"},
        {"{\"alg\":\"PS256\"}", SIGNATURE_PS256, "attreq.jws"},
        {"{\"alg\":\"PS256\",\"typ\":7}", SIGNATURE_PS256, "attreq.jws"},
        {"{\"alg\":\"PS256\",\"typ\":\"attReq\",\"kid\":\"k\"}", SIGNATURE_PS256, "attreq.jws"},
        {"{\"alg\":\"PS256\",\"typ\":\"attReq\",\"alg\":\"PS256\"}", SIGNATURE_PS256, "attreq.jws"},
        {"{\"alg\":\"PS256\",\"typ\":\"attReqV2\"}", SIGNATURE_PS256, "attreq.payload"}, /* it has no request_key */
        {V1_HEADER, SIGNATURE_PS384, "attreq.signature"},
        {V1_HEADER, SIGNATURE_RS256, "attreq.signature"},
    };
    struct bytes payload = own_payload();

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refused(attest(signed_message(bad[i].header, payload, bad[i].alg)), bad[i].check);
    /* Signed by another key than the one that it carries. */
    run.options.version = 1;
    refused(attest(signed_message(V1_HEADER, payload_of(request()), SIGNATURE_PS256)), "attreq.signature");
}

/* Another machine answers the same challenge. */
static struct bytes of_another_machine(void)
{
    struct simulated second = {.options = run.options, .settings = SETTINGS_DEFAULT, .time = NOW};

    second.options.time = NOW;
    second.options.seed = 8;
    assert_true(simulate_attestation_request(&arena, NULL, &second, NULL));
    return second.request;
}

/* A quote that another machine's TPM made, under our certificate. */
static void a_quote_of_another_machine(void **state)
{
    struct bytes payload = own_payload(), other_payload;
    const struct json *ours = json_member(json_member(parsed(payload), "att_data"), "tpm_att_data"), *theirs;

    (void)state;
    other_payload = payload_of(of_another_machine());
    theirs = json_member(json_member(parsed(other_payload), "att_data"), "tpm_att_data");
    payload = with(payload, json_member(ours, "current_claim")->span, json_member(theirs, "current_claim")->span);
    refused(attest(signed_message(V1_HEADER, payload, SIGNATURE_PS256)), "tpm.quote.signature");
}

/* --- Version 2: payloads alone, as tools take them. --- */

static bool judged(struct bytes file, struct exam *x)
{
    struct endorsements *e = endorsements_new(64 * 1024 * 1024);
    static struct settings settings;
    enum check_id missing;

    settings = run.made.settings;
    assert_true(!run.made.aik_issuers.n || endorsements_add(e, "issuers.pem", run.made.aik_issuers, NULL));
    assert_true(simulate_endorsements(&run.made, e, true, NULL));
    *x = (struct exam){
        .arena = &arena, .trace = trace_new(&arena), .endorsements = e, .settings = &settings, .time = NOW};
    claims_init(&x->incoming, &arena);
    bool ok = tpm_request_file(x, file) && tpm_verify(x) && trace_complete(x->trace, tpm_required, &missing);
    endorsements_free(e);
    return ok;
}

static void judge_refuses(struct bytes payload, const char *check)
{
    struct exam x;

    assert_false(judged(payload, &x));
    const struct trace_entry *f = trace_failure(x.trace);
    if (!f || strcmp(check_table[f->id].id, check) != 0)
        fail_msg("%s (%s), not %s", f ? check_table[f->id].id : "-", f && f->note ? f->note : "", check);
}

static void tools_take_every_form(void **state)
{
    struct bytes body = request(), payload = payload_of(body);
    struct exam x;

    (void)state;
    assert_true(judged(body, &x));
    assert_true(judged(run.made.evidence, &x));
    assert_true(judged(text_of(message_in(body), "request"), &x));
    assert_true(judged(payload, &x));
    run.options.version = 1;
    assert_true(judged(payload_of(request()), &x));
    assert_true(judged(run.made.request, &x));
}

static const struct json *data_of(struct bytes payload)
{
    return json_member(parsed(payload), "att_data");
}

static void keys_that_are_not_bound(void **state)
{
    struct bytes payload = payload_of(request());
    const struct json *jwk = json_member(json_member(data_of(payload), "request_key"), "jwk");

    (void)state;
    judge_refuses(with(payload, jwk->span, own_jwk()), "tpm.quote.nonce");
    judge_refuses(with(payload, jwk->span, with(jwk->span, BYTES_LIT("{"), BYTES_LIT("{ "))),
                  "tpm.quote.nonce"); /* white space counts */
    judge_refuses(with(payload, BYTES_LIT("sha-256"), BYTES_LIT("sha-512")), "tpm.quote.nonce");
    judge_refuses(with(payload, BYTES_LIT("sha-256"), BYTES_LIT("sha-1")), "attreq.key_info");
    judge_refuses(with(payload, BYTES_LIT("tpm_quote"), BYTES_LIT("none")), "attreq.key_info");
    judge_refuses(with(payload, BYTES_LIT("tpm_quote"), BYTES_LIT("vbs_ncrypt")), "attreq.key_info");
    judge_refuses(with(payload, BYTES_LIT("{\"tpm_quote\""), BYTES_LIT("{\"tpm_certify\":{},\"tpm_quote\"")),
                  "attreq.key_info");
    judge_refuses(
        with(payload, BYTES_LIT("\"custom_claims\""), BYTES_LIT("\"other_keys\":[{\"jwk\":{}}],\"custom_claims\"")),
        "attreq.payload");
    struct writer w = wr_open(&arena);
    wr_text(&w, "\"other_keys\":[{\"jwk\":");
    wr_put(&w, own_jwk());
    wr_text(&w, ",\"info\":{\"tpm_quote\":{\"hash_alg\":\"sha-256\"}}}],\"custom_claims\"");
    judge_refuses(with(payload, BYTES_LIT("\"custom_claims\""), wr_done(&w)), "attreq.key_info");
    judge_refuses(with(payload, BYTES_LIT("\"current_attestation\""), BYTES_LIT("\"current\"")),
                  "tpm.attestation.shape");
}

static void certified_keys(void **state)
{
    struct bytes payload;
    const struct json *request_key;
    struct exam x;

    (void)state;
    run.options.variation = "certified-key";
    payload = payload_of(request());
    request_key = json_member(data_of(payload), "request_key");
    assert_true(judged(payload, &x));
    /* The certification is of another key than the JWK. */
    judge_refuses(with(payload, json_member(request_key, "jwk")->span, own_jwk()), "attreq.key");
    judge_refuses(with(payload, BYTES_LIT("\"certification\":\""), BYTES_LIT("\"certification\":\"AAAA")),
                  "tpm.certify.shape");
    judge_refuses(with(payload, BYTES_LIT("\"certification\""), BYTES_LIT("\"certificate\"")), "attreq.key_info");
    run.options.variation = "other-key";
    payload = payload_of(request());
    assert_true(judged(payload, &x));
    judge_refuses(with(payload, json_member(json_element(json_member(data_of(payload), "other_keys"), 0), "jwk")->span,
                       own_jwk()),
                  "attreq.key");
}

/* Boot and present state are of one TPM, in this order. */
static void attestations_of_the_boot(void **state)
{
    struct bytes payload, swapped;
    const struct json *tpm, *now, *boot;
    struct exam x;

    (void)state;
    run.options.variation = "slept";
    payload = payload_of(request());
    tpm = json_member(data_of(payload), "tpm_att_data");
    now = json_member(tpm, "current_attestation");
    boot = json_member(tpm, "boot_attestation");
    assert_true(judged(payload, &x));
    swapped = with(payload, boot->span, now->span); /* both the present one: not later than itself */
    assert_true(judged(swapped, &x));
    swapped = with(payload, now->span, boot->span);
    judge_refuses(swapped, "tpm.quote.nonce"); /* the boot's has no challenge */
    tpm = json_member(data_of(payload_of(of_another_machine())), "tpm_att_data");
    struct exam y;
    assert_false(judged(with(payload, boot->span, json_member(tpm, "boot_attestation")->span), &y));
}

static void reports_of_enclaves(void **state)
{
    struct bytes payload;
    struct exam x;

    (void)state;
    run.options.kind = SIMULATE_VBS;
    payload = payload_of(request());
    assert_true(judged(payload, &x));
    assert_non_null(claims_find(&x.incoming, BYTES_LIT("enclaveImageId")));
    judge_refuses(with(payload, BYTES_LIT("\"rp_id\""), BYTES_LIT(" \"rp_id\"")), "vbs.enclave_data");
    judge_refuses(with(payload, BYTES_LIT("\"report\":\""), BYTES_LIT("\"report\":\"AAAA")), "vbs.report.shape");
    judge_refuses(with(payload, BYTES_LIT("\"enclave\""), BYTES_LIT("\"vm\"")), "attreq.payload");
    judge_refuses(with(payload, BYTES_LIT("\"report_signed\""), BYTES_LIT("\"report\"")), "attreq.payload");
}

static int group_begin(void **state)
{
    struct bytes der;

    (void)state;
    arena_init(&lasting, TEST_MEMORY);
    key = signing_key_generate(KEY_RSA, NULL);
    return key && key_certificate(key, BYTES_LIT(ISSUER), NULL, &lasting, &der, NULL) &&
                   certificate_decode(&lasting, der, &certificate, NULL)
               ? 0
               : -1;
}

static int group_end(void **state)
{
    (void)state;
    signing_key_free(key);
    arena_free(&lasting);
    return 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(from_challenge_to_token),
        TEST(the_claims_of_a_machine),
        TEST(every_form_of_a_request),
        TEST(properties_of_policies),
        TEST(policies_judge_the_key_and_the_report),
        TEST(contexts_of_others),
        TEST(a_replayed_challenge),
        TEST(edited_payloads),
        TEST(headers_of_requests),
        TEST(a_quote_of_another_machine),
        TEST(tools_take_every_form),
        TEST(keys_that_are_not_bound),
        TEST(certified_keys),
        TEST(attestations_of_the_boot),
        TEST(reports_of_enclaves),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, group_begin, group_end);
}
