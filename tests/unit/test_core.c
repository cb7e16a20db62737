/* The pipeline over an attester made for this test: what it states, proves and forgets is said by the request, so
 * that every way through core_attest is walked without any real evidence. */
#include "test.h"

#include "base/limits.h"
#include "base/text.h"
#include "core/mint_key.h"
#include "crypto/jose.h"

#define ISSUER  "https://t.example"
#define TIME    1668716910
#define PERMIT  "version=1.0;authorizationrules{=>permit();};issuancerules{};"
#define ENTROPY "0123456789abcdefghijklmnopqrstuv"

/* What the last verify saw. */
static struct settings seen;

static bool fake_decode(struct exam *x, const struct json *request)
{
    struct bytes *text = ARENA_NEW(x->arena, struct bytes);

    x->evidence = text;
    if (!json_text(json_member_nocase(request, "evidence"), text))
        return check_that(x, REQUEST_EVIDENCE, false);
    if (bytes_is(*text, "message"))
        x->reply = BYTES_LIT("{\"data\":\"next\"}");
    if (bytes_is(*text, "silent decode"))
        return false;
    if (!bytes_is(*text, "forgotten check"))
        check_that(x, REQUEST_EVIDENCE, !bytes_is(*text, "overlooked failure"));
    return true;
}

static bool fake_verify(struct exam *x)
{
    struct bytes text = *(struct bytes *)x->evidence;
    unsigned both = CLAIM_POLICY | CLAIM_TOKEN;

    seen = *x->settings;
    x->development = bytes_is(text, "simulated");
    claims_text(&x->incoming, "x-ms-attestation-type", BYTES_LIT("sgx"), both);
    claims_integer(&x->incoming, "svn-of-evidence", 7, both);
    if (bytes_is(text, "wrong"))
        return check_eq(x, REQUEST_EVIDENCE, (uint64_t)1, (uint64_t)2);
    return !bytes_is(text, "silent verify");
}

static bool fake_answer(struct exam *x, struct bytes token, struct bytes *out)
{
    struct writer w = wr_open(x->arena);

    wr_text(&w, "sealed ");
    wr_put(&w, token);
    *out = wr_done(&w);
    return true;
}

static const enum check_id fake_required[] = {CHECK_REQUEST_EVIDENCE, CHECK_END};
static const struct attester fakes[] = {
    {"Fake", "sgx", PERMIT, fake_required, fake_decode, fake_verify, NULL, false},
    {"Sealed", "other", PERMIT, fake_required, fake_decode, fake_verify, fake_answer, false},
    {"NoDefault", "other", NULL, fake_required, fake_decode, fake_verify, NULL, false},
};

const struct attester *attester_at(size_t i)
{
    return i < sizeof fakes / sizeof *fakes ? &fakes[i] : NULL;
}

const struct attester *attester_find(struct bytes path)
{
    for (size_t i = 0; attester_at(i); i++)
        if (bytes_is_nocase(path, fakes[i].path))
            return &fakes[i];
    return NULL;
}

struct fixture {
    struct arena arena;
    struct signing_key *key;
    struct public_key public;
    struct provider provider;
    struct provider_policy policy;
    struct cache *cache;
    struct mint mint;
    struct appraisal x;
    int minted;
};

static bool counting_mint(void *context, const struct provider *provider, enum token_form form,
                          struct bytes policy_hash, struct bytes payload, struct arena *a, struct bytes *token,
                          struct fault *fault)
{
    struct fixture *f = context;
    struct mint real = mint_with_key(f->key);

    f->minted++;
    return real.token(real.context, provider, form, policy_hash, payload, a, token, fault);
}

static bool broken_mint(void *context, const struct provider *provider, enum token_form form, struct bytes policy_hash,
                        struct bytes payload, struct arena *a, struct bytes *token, struct fault *fault)
{
    (void)context, (void)provider, (void)form, (void)policy_hash, (void)payload, (void)a;
    *token = BYTES_LIT("half a token");
    return fault_set(fault, FAULT_SYSTEM, "the signer is away");
}

static bool empty_mint(void *context, const struct provider *provider, enum token_form form, struct bytes policy_hash,
                       struct bytes payload, struct arena *a, struct bytes *token, struct fault *fault)
{
    (void)context, (void)provider, (void)form, (void)policy_hash, (void)payload, (void)a, (void)fault;
    *token = BYTES_NONE;
    return true;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    *state = f;
    arena_init(&f->arena, TEST_MEMORY);
    f->key = signing_key_generate(KEY_RSA, NULL);
    if (!f->key || !public_key_decode(&f->arena, signing_key_spki(f->key, &f->arena), &f->public))
        return -1;
    return 0;
}

static int each(void **state)
{
    struct fixture *f = *state;

    f->policy = (struct provider_policy){.attester = &fakes[0]};
    f->provider = (struct provider){.issuer = BYTES_LIT(ISSUER),
                                    .kid = key_id(&f->arena, signing_key_spki(f->key, &f->arena)),
                                    .policies = &f->policy,
                                    .policy_count = 1,
                                    .settings = SETTINGS_DEFAULT};
    f->mint = (struct mint){.token = counting_mint, .context = f};
    f->cache = NULL;
    f->minted = 0;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    signing_key_free(f->key);
    arena_free(&f->arena);
    free(f);
    return 0;
}

static const struct answer *attest_as(struct fixture *f, const char *attester, const char *body)
{
    struct snapshot s = {.providers = &f->provider, .provider_count = 1};
    struct core_request r = {.issuer = BYTES_LIT(ISSUER),
                             .attester = bytes_text(attester),
                             .body = bytes_text(body),
                             .time = TIME,
                             .entropy = BYTES_LIT(ENTROPY)};

    core_attest(&f->x, &f->arena, &s, &r, f->mint.token ? &f->mint : NULL, f->cache);
    return &f->x.answer;
}

static const struct answer *attest(struct fixture *f, const char *body)
{
    return attest_as(f, "fake", body);
}

static const struct answer *attest_under(struct fixture *f, const char *policy)
{
    f->policy.text = bytes_text(policy);
    return attest(f, "{\"evidence\":\"good\"}");
}

static const struct json *parsed(struct fixture *f, struct bytes text)
{
    struct fault fault = {0};
    const struct json *v;

    if (!json_parse(&f->arena, text, NULL, &v, &fault))
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

/* The payload of an accepted request, whose signature has been checked unless it is a draft's. */
static const struct json *accepted(struct fixture *f, const struct answer *answer)
{
    struct jws jws;

    if (answer->status != 200)
        fail_msg("%.*s", (int)answer->body.n, (const char *)answer->body.p);
    assert_null(answer->code);
    assert_null(answer->failed_check);
    assert_true(jws_decode(&f->arena, text_of(parsed(f, answer->body), "token"), false, &jws, NULL));
    assert_true(f->x.draft ? jws.unsecured : jws_verify(&jws, &f->public));
    assert_int_equal(f->minted, f->x.draft ? 0 : 1);
    assert_bytes_equal(jws.payload, f->x.payload);
    return parsed(f, jws.payload);
}

static void refused(struct fixture *f, const struct answer *answer, int status, const char *code, const char *check,
                    const char *words)
{
    if (answer->status != status)
        fail_msg("%d %.*s", answer->status, (int)answer->body.n, (const char *)answer->body.p);
    const struct json *error = json_member(parsed(f, answer->body), "error");
    struct bytes message = text_of(error, "message");

    assert_string_equal(answer->code, code);
    assert_string_equal(answer->failed_check ? answer->failed_check : "", check ? check : "");
    assert_bytes_are(text_of(error, "code"), code);
    assert_bytes_are(text_of(json_member(error, "innererror"), "code"), code);
    assert_bytes_equal(text_of(json_member(error, "innererror"), "message"), message);
    if (!memmem(message.p, message.n, words, strlen(words)))
        fail_msg("'%s' is not in '%.*s'", words, (int)message.n, (const char *)message.p);
    assert_int_equal(f->x.token.n, 0);
    assert_int_equal(f->minted, 0);
}

static void a_good_request_gets_a_signed_token(void **state)
{
    struct fixture *f = *state;
    const struct json *p = accepted(f, attest(f, "{\"Evidence\":\"good\"}"));
    int64_t n;

    assert_bytes_are(text_of(p, "iss"), ISSUER);
    assert_true(json_integer(json_member(p, "exp"), &n) && n == TIME + 28800);
    assert_true(json_integer(json_member(p, "nbf"), &n) && n == TIME);
    assert_bytes_are(text_of(p, "jti"), "303132333435363738396162636465666768696a6b6c6d6e6f70717273747576");
    assert_bytes_equal(text_of(p, "x-ms-policy-hash"), policy_hash(&f->arena, BYTES_LIT(PERMIT)));
    assert_true(json_integer(json_member(p, "svn-of-evidence"), &n) && n == 7);
    assert_null(json_member(p, "x-ms-policy"));
    assert_null(json_member(p, "nonce"));
    assert_null(json_member(p, "x-assay-development"));
}

static void requests_that_cannot_be_read(void **state)
{
    struct fixture *f = *state;
    static const char *const bodies[] = {
        "", "{", "[]", "\"text\"", "{\"evidence\":\"good\",\"Evidence\":\"good\"}", "{\"evidence\":\"good\"} x"};

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        refused(f, attest(f, bodies[i]), 400, "InvalidParameter", "request.json", "unique");
    refused(f, attest(f, "{}"), 400, "InvalidParameter", "request.evidence", "evidence member");
}

static void nonces(void **state)
{
    struct fixture *f = *state;
    char *longest = arena_printf(&f->arena, "{\"evidence\":\"good\",\"nonce\":\"%0*d\"}", LIMIT_NONCE, 0);
    char *longer = arena_printf(&f->arena, "{\"evidence\":\"good\",\"nonce\":\"%0*d\"}", LIMIT_NONCE + 1, 0);
    static const struct {
        const char *sent, *echoed;
    } good[] = {{"\"a\\\"b\"", "a\"b"}, {"18446744073709551615", "18446744073709551615"}, {"-1.50e2", "-1.50e2"}};
    static const char *const bad[] = {"true", "[]", "{}"}, *const none[] = {"null", "\"\""};

    for (size_t i = 0; i < sizeof good / sizeof *good; i++, f->minted = 0) {
        const char *body = arena_printf(&f->arena, "{\"evidence\":\"good\",\"NONCE\":%s}", good[i].sent);
        assert_bytes_are(text_of(accepted(f, attest(f, body)), "nonce"), good[i].echoed);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refused(f, attest(f, arena_printf(&f->arena, "{\"evidence\":\"good\",\"nonce\":%s}", bad[i])), 400,
                "InvalidParameter", "request.nonce", "number");
    for (size_t i = 0; i < sizeof none / sizeof *none; i++, f->minted = 0)
        assert_null(json_member(
            accepted(f, attest(f, arena_printf(&f->arena, "{\"evidence\":\"good\",\"nonce\":%s}", none[i]))), "nonce"));
    refused(f, attest(f, longer), 400, "InvalidParameter", "request.nonce", "1024");
    assert_int_equal(text_of(accepted(f, attest(f, longest)), "nonce").n, LIMIT_NONCE);
}

static void parties_that_do_not_exist(void **state)
{
    struct fixture *f = *state;
    struct core_request r = {.issuer = BYTES_LIT(ISSUER),
                             .attester = BYTES_LIT("Fake"),
                             .body = BYTES_LIT("{\"evidence\":\"good\"}"),
                             .entropy = BYTES_LIT("too little")};
    struct snapshot s = {.providers = &f->provider, .provider_count = 1};

    refused(f, attest_as(f, "Nothing", "{}"), 404, "NotFound", NULL, "does not judge");
    core_attest(&f->x, &f->arena, &s, &r, &f->mint, NULL);
    refused(f, &f->x.answer, 500, "InternalError", NULL, "entropy");
    s.provider_count = 0;
    core_attest(&f->x, &f->arena, &s, &r, &f->mint, NULL);
    refused(f, &f->x.answer, 404, "NotFound", NULL, "provider");
}

static void a_check_never_made_is_a_refusal(void **state)
{
    struct fixture *f = *state;

    refused(f, attest(f, "{\"evidence\":\"forgotten check\"}"), 500, "InternalError", "request.evidence", "never made");
    refused(f, attest(f, "{\"evidence\":\"forgotten check\",\"draftPolicyForAttestation\":\"" PERMIT "\"}"), 500,
            "InternalError", "request.evidence", "never made");
}

static void failures_of_an_attester(void **state)
{
    struct fixture *f = *state;

    refused(f, attest(f, "{\"evidence\":\"wrong\"}"), 400, "InvalidParameter", "request.evidence",
            "Found 1, expected 2");
    refused(f, attest(f, "{\"evidence\":\"overlooked failure\"}"), 400, "InvalidParameter", "request.evidence",
            "failed");
    refused(f, attest(f, "{\"evidence\":\"silent decode\"}"), 500, "InternalError", NULL, "no check");
    refused(f, attest(f, "{\"evidence\":\"silent verify\"}"), 500, "InternalError", NULL, "no check");
}

static void failing_mints(void **state)
{
    struct fixture *f = *state;

    f->mint.token = broken_mint;
    refused(f, attest(f, "{\"evidence\":\"good\"}"), 503, "ServiceUnavailable", NULL, "the signer is away");
    f->mint.token = empty_mint;
    refused(f, attest(f, "{\"evidence\":\"good\"}"), 503, "ServiceUnavailable", NULL, "no reason was given");
    f->mint.token = NULL;
    const struct answer *answer = attest(f, "{\"evidence\":\"good\"}");
    assert_int_equal(answer->status, 200);
    assert_int_equal(answer->body.n, 0);
    assert_true(f->x.payload.n > 0 && f->x.token.n == 0);
}

#define WITH_DRAFT(policy) "{\"evidence\":\"good\",\"draftPolicyForAttestation\":\"" policy "\"}"

static void drafts(void **state)
{
    struct fixture *f = *state;

    f->policy.text = BYTES_LIT("version=1.0;authorizationrules{=>deny();};issuancerules{};");
    f->policy.signer = json_new(&f->arena, JSON_OBJECT);
    const struct json *p = accepted(f, attest(f, WITH_DRAFT(PERMIT)));
    assert_bytes_equal(text_of(p, "x-ms-policy-hash"), policy_hash(&f->arena, BYTES_LIT(PERMIT)));
    assert_null(json_member(p, "x-ms-policy-signer"));
    assert_int_equal(f->x.token.p[f->x.token.n - 1], '.');

    refused(f, attest(f, WITH_DRAFT("version=1.0;authorizationrules{=>permit();=>deny();};issuancerules{};")), 400,
            "PolicyEvaluationError", "policy.permit", "The rule that denied is =>deny()");
    refused(f,
            attest(f, WITH_DRAFT("version=1.2;authorizationrules{=>permit();};issuancerules{=>issue(type=\\\"x\\\","
                                 "value=NegateBool(\\\"x\\\"));};")),
            400, "PolicyEvaluationError", "policy.evaluation", "NegateBool");
    refused(f, attest(f, WITH_DRAFT("")), 400, "PolicyParsingError", "policy.parse", "<EOF>");
    refused(f, attest(f, "{\"evidence\":\"good\",\"draftPolicyForAttestation\":1}"), 400, "InvalidParameter",
            "request.policy", "base64");
    f->policy.text = BYTES_NONE;
    f->policy.signer = NULL;
    accepted(f, attest(f, "{\"evidence\":\"good\",\"draftPolicyForAttestation\":null}"));
}

static void policies_that_refuse(void **state)
{
    struct fixture *f = *state;

    refused(f, attest_under(f, "version=1.0;authorizationrules{=>permit();=>deny();};issuancerules{};"), 400,
            "PolicyEvaluationError", "policy.permit",
            "Policy Engine Exception: A Deny claim was issued, authorization failed.");
    refused(f, attest_under(f, "version=1.0;authorizationrules{};issuancerules{};"), 400, "PolicyEvaluationError",
            "policy.permit",
            "Policy Engine Exception: No Permit claim was issued in the authorizationrules section, authorization "
            "failed.");
    refused(f, attest_under(f, "version=1.0\n[=>permit();"), 400, "PolicyParsingError", "policy.parse",
            "Line: '2', Column: '0'");
    refused(f,
            attest_under(f, "version=1.2;authorizationrules{=>permit();};issuancerules{=>issue(type=\"x\", "
                            "value=NegateBool(\"x\"));};"),
            400, "PolicyEvaluationError", "policy.evaluation", "Policy Engine Exception: a rule of the stored policy");
    assert_null(memmem(f->x.answer.body.p, f->x.answer.body.n, "NegateBool", 10));
    refused(f,
            attest_under(f, "version=1.2;configurationrules{=>issueproperty(type=\"x\",value=NegateBool(\"x\"));};"
                            "authorizationrules{=>permit();};"),
            400, "PolicyEvaluationError", "policy.configuration", "a rule of the stored policy");
    refused(f, attest_as(f, "NoDefault", "{\"evidence\":\"good\"}"), 400, "Bad request", NULL, "has not been set");
}

static void stored_policies_and_their_signer(void **state)
{
    struct fixture *f = *state;

    f->policy.signer = parsed(f, BYTES_LIT("{\"alg\":\"RS256\",\"kty\":\"RSA\",\"use\":\"sig\",\"x5c\":[]}"));
    const struct json *p =
        accepted(f, attest_under(f, "version=1.0;authorizationrules{[type==\"svn-of-evidence\",value==7]=>permit();};"
                                    "issuancerules{=>issue(type=\"iss\",value=\"https://other\");"
                                    "=>issue(type=\"mine\",value=true);=>issue(type=\"svn-of-evidence\",value=8);};"));
    assert_bytes_are(text_of(p, "iss"), ISSUER);
    assert_bytes_are(json_print(&f->arena, json_member(p, "x-ms-policy"), JSON_SORTED),
                     "{\"iss\":\"https://other\",\"mine\":true,\"svn-of-evidence\":8}");
    assert_int_equal(json_member(p, "mine")->kind, JSON_TRUE);
    assert_int_equal(json_member(p, "svn-of-evidence")->integer, 7);
    assert_bytes_are(text_of(json_member(json_member(p, "x-ms-policy-signer"), "jwk"), "use"), "sig");
}

static void claims_added_in_rules_stay_out_of_the_token(void **state)
{
    struct fixture *f = *state;
    const struct json *p = accepted(f, attest_under(f, "version=1.0;authorizationrules{=>add(type=\"added\",value=1);"
                                                       "[type==\"added\"]=>permit();};issuancerules{};"));

    assert_null(json_member(p, "added"));
}

#define WITH_PROPERTIES(rules) \
    "version=1.1;configurationrules{" rules "};authorizationrules{=>permit();};issuancerules{};"
#define BASELINE(value) "=>issueproperty(type=\"x-ms-sgx-tcbidentifier\",value=" value ");"

static void baselines(void **state)
{
    struct fixture *f = *state;
    static const char *const unknown[] = {WITH_PROPERTIES(BASELINE("\"\"")), WITH_PROPERTIES(BASELINE("\"0\"")),
                                          WITH_PROPERTIES(BASELINE("\"010\"")), WITH_PROPERTIES(BASELINE("\"1x\"")),
                                          WITH_PROPERTIES(BASELINE("\"1234567890\""))};

    accepted(f, attest_under(f, WITH_PROPERTIES("")));
    assert_bytes_are(seen.tcb_identifier, "azuredefault");
    f->minted = 0;
    accepted(f, attest_under(f, WITH_PROPERTIES(BASELINE("\"3\"") BASELINE("\"11\""))));
    assert_bytes_are(seen.tcb_identifier, "11");
    assert_int_equal(seen.baseline, 11);
    f->minted = 0;
    accepted(f, attest_under(f, WITH_PROPERTIES(BASELINE("\"11\"") BASELINE("\"azuredefault\""))));
    assert_int_equal(seen.baseline, 0);
    f->minted = 0;
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        refused(f, attest_under(f, unknown[i]), 400, "InvalidParameter", "policy.tcbidentifier", "/tcbbaselines");
    refused(f, attest_under(f, WITH_PROPERTIES(BASELINE("11"))), 400, "PolicyEvaluationError", "policy.configuration",
            "must be a string");
    accepted(f, attest_under(f, WITH_PROPERTIES("=>issueproperty(type=\"nobody-knows\",value=1);")));
    f->minted = 0;
    f->policy.attester = &fakes[1]; /* a type without baselines ignores the property */
    f->policy.text = BYTES_LIT(WITH_PROPERTIES(BASELINE("11")));
    assert_int_equal(attest_as(f, "Sealed", "{\"evidence\":\"good\"}")->status, 200);
}

static void development_is_marked(void **state)
{
    struct fixture *f = *state;
    static const char simulated[] = "{\"evidence\":\"simulated\"}", good[] = "{\"evidence\":\"good\"}";

    assert_int_equal(json_member(accepted(f, attest(f, simulated)), "x-assay-development")->kind, JSON_TRUE);
    f->minted = 0;
    f->provider.settings.development = true;
    assert_int_equal(json_member(accepted(f, attest(f, good)), "x-assay-development")->kind, JSON_TRUE);
    f->minted = 0;
    f->provider.settings.claim_development = false;
    assert_null(json_member(accepted(f, attest(f, simulated)), "x-assay-development"));
}

static void messages_and_envelopes(void **state)
{
    struct fixture *f = *state;
    const struct answer *answer = attest(f, "{\"evidence\":\"message\"}");

    assert_int_equal(answer->status, 200);
    assert_bytes_are(answer->body, "{\"data\":\"next\"}");
    assert_int_equal(f->minted, 0);
    answer = attest_as(f, "SEALED", "{\"evidence\":\"good\"}");
    assert_int_equal(answer->status, 200);
    assert_true(bytes_begin(answer->body, "sealed eyJ"));
}

static void a_cached_policy_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct bytes first;

    f->cache = cache_new(4, 1 << 20);
    accepted(f, attest_under(f, PERMIT));
    first = f->x.token;
    for (int i = 0; i < 3; i++) {
        f->minted = 0;
        accepted(f, attest_under(f, PERMIT));
        assert_bytes_equal(f->x.token, first);
        cache_settle(f->cache);
        f->minted = 0;
        refused(f, attest_under(f, "version=1.0;authorizationrules{};issuancerules{};"), 400, "PolicyEvaluationError",
                "policy.permit", "No Permit");
        refused(f, attest_under(f, "nonsense"), 400, "PolicyParsingError", "policy.parse", "nonsense");
        accepted(f, attest(f, WITH_DRAFT(PERMIT)));
    }
    cache_free(f->cache);
}

static void providers_are_found_by_issuer(void **state)
{
    struct fixture *f = *state;
    enum { COUNT = 257 };
    struct provider *list = ARENA_ARRAY(&f->arena, struct provider, COUNT);
    struct snapshot s = {.providers = list, .provider_count = COUNT};

    for (size_t i = 0; i < COUNT; i++)
        list[i].issuer = bytes_text(arena_printf(&f->arena, "https://p%zu.example", i * 7919 % COUNT));
    snapshot_sort(list, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        struct bytes name = bytes_text(arena_printf(&f->arena, "https://p%zu.example", i));
        assert_non_null(snapshot_provider(&s, name));
        assert_bytes_equal(snapshot_provider(&s, name)->issuer, name);
    }
    assert_null(snapshot_provider(&s, BYTES_LIT("https://p.example")));
    assert_null(snapshot_provider(&s, BYTES_NONE));
}

static void errors_are_always_json(void **state)
{
    struct fixture *f = *state;
    struct bytes body = error_body(&f->arena, "Code", BYTES_LIT("caf\xc3 \"x\"\n"));

    assert_bytes_are(body,
                     "{\"error\":{\"code\":\"Code\",\"message\":\"caf\\\\xc3 \\\"x\\\"\\n\",\"innererror\":{\"code\":"
                     "\"Code\",\"message\":\"caf\\\\xc3 \\\"x\\\"\\n\"}}}");
    parsed(f, body);
    assert_bytes_are(
        text_of(json_member(parsed(f, error_body(&f->arena, "C", BYTES_LIT("caf\xc3\xa9"))), "error"), "message"),
        "caf\xc3\xa9");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_good_request_gets_a_signed_token, each),
        cmocka_unit_test_setup(requests_that_cannot_be_read, each),
        cmocka_unit_test_setup(nonces, each),
        cmocka_unit_test_setup(parties_that_do_not_exist, each),
        cmocka_unit_test_setup(a_check_never_made_is_a_refusal, each),
        cmocka_unit_test_setup(failures_of_an_attester, each),
        cmocka_unit_test_setup(failing_mints, each),
        cmocka_unit_test_setup(drafts, each),
        cmocka_unit_test_setup(policies_that_refuse, each),
        cmocka_unit_test_setup(stored_policies_and_their_signer, each),
        cmocka_unit_test_setup(claims_added_in_rules_stay_out_of_the_token, each),
        cmocka_unit_test_setup(baselines, each),
        cmocka_unit_test_setup(development_is_marked, each),
        cmocka_unit_test_setup(messages_and_envelopes, each),
        cmocka_unit_test_setup(a_cached_policy_changes_nothing, each),
        cmocka_unit_test_setup(providers_are_found_by_issuer, each),
        cmocka_unit_test_setup(errors_are_always_json, each),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
