#include "core/core.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/text.h"
#include "core/baseline.h"

enum { PCR_MASK_MOST = 0xffffff };

/* Every function here that returns bool has filled x->answer when it returns false. */

struct json *error_object(struct arena *a, const char *code, struct bytes message)
{
    struct json *error = json_new(a, JSON_OBJECT), *inner = json_new(a, JSON_OBJECT);

    message = text_clean(a, message); /* it may be cut in the middle of a character */
    JSON_SET(inner, "code", json_new_text(a, bytes_text(code)));
    JSON_SET(inner, "message", json_new_text(a, message));
    JSON_SET(error, "code", json_new_text(a, bytes_text(code)));
    JSON_SET(error, "message", json_new_text(a, message));
    JSON_SET(error, "innererror", inner);
    return error;
}

struct bytes error_body(struct arena *a, const char *code, struct bytes message)
{
    struct json *body = json_new(a, JSON_OBJECT);

    JSON_SET(body, "error", error_object(a, code, message));
    return json_print(a, body, JSON_IN_ORDER);
}

/* The one way in which an appraisal is refused. */
static bool refuse_with(struct appraisal *x, int status, const char *code, struct bytes message, const char *check)
{
    x->answer = (struct answer){.status = status,
                                .code = code,
                                .message = message,
                                .body = error_body(x->exam.arena, code, message),
                                .failed_check = check};
    return false;
}

static bool refuse(struct appraisal *x, int status, const char *code, const char *message)
{
    return refuse_with(x, status, code, bytes_text(message), NULL);
}

/* The code that clients know for a failed check (api.md 1.4). */
static const char *code_of(enum check_id id)
{
    switch (id) {
    case CHECK_POLICY_PARSE: return "PolicyParsingError";
    case CHECK_POLICY_CONFIGURATION:
    case CHECK_POLICY_EVALUATION:
    case CHECK_POLICY_PERMIT: return "PolicyEvaluationError";
    default: return "InvalidParameter";
    }
}

/* Refuse with the failed check; a stage that failed without one is at fault itself. */
static bool refuse_traced(struct appraisal *x)
{
    const struct trace_entry *failure = trace_failure(x->exam.trace);

    if (!failure)
        return refuse(x, 500, "InternalError", "The evidence was refused, but no check says why.");
    return refuse_with(x, 400, code_of(failure->id), trace_message(x->exam.trace, x->exam.arena),
                       check_table[failure->id].id);
}

static int by_issuer(const void *a, const void *b)
{
    return bytes_compare(((const struct provider *)a)->issuer, ((const struct provider *)b)->issuer);
}

void snapshot_sort(struct provider *providers, size_t count)
{
    qsort(providers, count, sizeof *providers, by_issuer);
}

const struct provider *snapshot_provider(const struct snapshot *s, struct bytes issuer)
{
    size_t low = 0, high = s->provider_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = bytes_compare(s->providers[middle].issuer, issuer);

        if (order == 0)
            return &s->providers[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

_Static_assert((int)TOKEN_JTI_ENTROPY == (int)EXAM_JTI_ENTROPY, "what an exam has behind it stays secret");

static bool find_parties(struct appraisal *x, const struct snapshot *snapshot, const struct core_request *request)
{
    x->provider = snapshot_provider(snapshot, request->issuer);
    if (!x->provider)
        return refuse(x, 404, "NotFound", "No provider answers under this name.");
    x->exam.settings = &x->provider->settings;
    x->attester = attester_find(request->attester);
    if (!x->attester)
        return refuse(x, 404, "NotFound", "This service does not judge evidence of this type.");
    if (request->entropy.n < TOKEN_JTI_ENTROPY)
        return refuse(x, 500, "InternalError", "The request came without entropy for a token.");
    return true;
}

/* Text of an optional member; absent and null are empty. */
static bool optional_text(const struct json *v, bool number_too, struct bytes *out)
{
    *out = BYTES_NONE;
    if (!v || v->kind == JSON_NULL)
        return true;
    if (number_too && (v->kind == JSON_INTEGER || v->kind == JSON_NUMBER)) {
        *out = v->text; /* up to 2^64 - 1 is sent: the digits, never a double (claims.md 2) */
        return true;
    }
    return json_text(v, out);
}

struct request_parts {
    const struct json *body;
    struct bytes nonce;
};

static bool read_request(struct appraisal *x, struct bytes text, struct request_parts *parts)
{
    struct fault fault = {0};
    bool ok = json_parse(x->exam.arena, bytes_without_mark(text), &(struct json_rules){.fold_case = true}, &parts->body,
                         &fault);

    if (!check_that(&x->exam, REQUEST_JSON, ok && parts->body->kind == JSON_OBJECT)) {
        check_note(x->exam.trace, "%s", ok ? "The body is JSON, but no object" : fault.text);
        return refuse_traced(x);
    }
    ok = optional_text(json_member_nocase(parts->body, "nonce"), true, &parts->nonce);
    if (!check_that(&x->exam, REQUEST_NONCE, ok && parts->nonce.n <= LIMIT_NONCE))
        return refuse_traced(x);
    const struct json *draft = json_member_nocase(parts->body, "draftPolicyForAttestation");
    ok = optional_text(draft, false, &x->policy_text);
    x->draft = draft && draft->kind == JSON_STRING;
    return check_that(&x->exam, REQUEST_POLICY, ok) || refuse_traced(x);
}

/* Draft, else stored, else built in (policy.md 5.1). */
static bool select_policy(struct appraisal *x)
{
    const struct provider *p = x->provider;

    if (x->draft)
        return true;
    for (size_t i = 0; i < p->policy_count; i++)
        if (p->policies[i].slot == SLOT_ACTIVE && p->policies[i].attester == x->attester && p->policies[i].text.n) {
            x->policy_text = p->policies[i].text;
            x->policy_signer = p->policies[i].signer;
            return true;
        }
    if (!x->attester->default_policy) /* Tpm alone has none: these words are the recorded ones */
        return refuse(x, 400, "Bad request", "A VBS attestation policy has not been set on the attestation provider.");
    x->policy_text = bytes_text(x->attester->default_policy);
    return true;
}

/* What is cached of a policy. */
struct compiled {
    const struct policy *policy;
    struct bytes hash;
};

/* Drafts are not cached: anybody can send them, and they would push out the policies in force. */
static const struct compiled *compile(struct appraisal *x, struct policy_error *error)
{
    struct cache *cache = x->draft ? NULL : x->exam.cache;
    uint8_t key[SHA256_SIZE];

    cache_key("policy", &x->policy_text, 1, key);
    const struct compiled *known = cache_find(cache, key);
    if (known)
        return known;
    struct arena *a = cache_arena(cache, x->exam.arena);
    struct compiled *made = ARENA_NEW(a, struct compiled);
    if (!policy_parse(a, arena_copy(a, x->policy_text), &made->policy, error)) {
        cache_discard(cache, a);
        return NULL;
    }
    made->hash = policy_hash(a, x->policy_text);
    cache_keep(cache, key, a, made);
    return made;
}

static bool parse_policy(struct appraisal *x)
{
    struct policy_error error = {0};
    struct arena *a = x->exam.arena;
    const struct compiled *compiled = compile(x, &error);

    if (!check_that(&x->exam, POLICY_PARSE, compiled != NULL)) {
        check_note(x->exam.trace, "%s", arena_string(a, policy_error_message(a, &error)));
        return refuse_traced(x);
    }
    x->policy = compiled->policy;
    x->policy_hash = arena_copy(a, compiled->hash);
    policy_start(&x->run, x->policy, a, &x->exam.incoming);
    x->run.explain = x->explain;
    return true;
}

/* Why the policy's rules could not be run. The reason quotes the rule: only a draft's sender knows that already. */
static void note_error(struct appraisal *x)
{
    check_note(x->exam.trace, "Policy Engine Exception: %s",
               x->draft ? arena_string(x->exam.arena, x->run.error)
                        : "a rule of the stored policy cannot be run over these claims; sent as a draft, the policy "
                          "gets a reason that names the rule");
}

/* The last value counts (policy.md 5.5); NULL: not set. */
static const struct claim *last_property(const struct appraisal *x, const char *name)
{
    const struct claims *set = &x->run.properties;

    for (size_t i = set->n; i > 0; i--)
        if (bytes_is(set->v[i - 1].type, name))
            return &set->v[i - 1];
    return NULL;
}

/* What a policy sets of TPMs (policy.md 5.5). NULL, or what is wrong. */
static const char *configure_tpm(const struct appraisal *x, struct settings *s)
{
    const struct claim *aik = last_property(x, "require_valid_aik_cert"), *mask = last_property(x, "required_pcr_mask");

    if (aik && aik->value.kind != CLAIM_BOOLEAN)
        return "require_valid_aik_cert must be a Boolean";
    if (mask && (mask->value.kind != CLAIM_INTEGER || mask->value.integer < 0 || mask->value.integer > PCR_MASK_MOST))
        return "required_pcr_mask must be an integer with a bit for each of the registers 0 to 23";
    if (aik)
        s->aik_required = aik->value.integer != 0;
    if (mask)
        s->required_pcrs = (uint32_t)mask->value.integer;
    return NULL;
}

/* What the properties say, of the right types; NULL, or what is wrong. */
static const char *configure_by(const struct appraisal *x, const struct claim *identifier, struct settings *s)
{
    if (x->attester->is_report)
        return configure_tpm(x, s);
    return identifier && identifier->value.kind != CLAIM_STRING ? "x-ms-sgx-tcbidentifier must be a string" : NULL;
}

static bool configure_baseline(struct appraisal *x, const struct claim *identifier, struct settings *s)
{
    struct bytes text = identifier->value.text;
    uint32_t baseline = 0;
    bool ok = baseline_of(text, &baseline);

    if (!check_found(&x->exam, POLICY_TCB_IDENTIFIER, ok, (const char *)arena_string(x->exam.arena, text),
                     "azuredefault or the number of a baseline"))
        return refuse_traced(x);
    if (ok) {
        s->tcb_identifier = text;
        s->baseline = baseline;
    }
    return true;
}

/* configurationrules to settings, before any evidence is judged (policy.md 5.1, step 2). */
static bool configure(struct appraisal *x)
{
    bool ran = policy_configure(&x->run);
    const struct claim *identifier = baseline_property(x->attester, &x->run.properties);
    struct settings *s = ARENA_NEW(x->exam.arena, struct settings);
    const char *wrong;

    *s = *x->exam.settings;
    wrong = ran ? configure_by(x, identifier, s) : NULL;
    if (!check_that(&x->exam, POLICY_CONFIGURATION, ran && !wrong)) {
        if (ran)
            check_note(x->exam.trace, "%s", wrong);
        else
            note_error(x);
        return refuse_traced(x);
    }
    x->exam.settings = s;
    return !identifier || wrong || configure_baseline(x, identifier, s);
}

static bool verify(struct appraisal *x)
{
    x->exam.plain_policy = x->policy && !policy_has_functions(x->policy);
    bool ok = x->attester->verify(&x->exam);

    if (!ok || x->exam.trace->failed)
        return refuse_traced(x);
    if (x->exam.settings->claim_development && (x->exam.development || x->exam.settings->development))
        claims_boolean(&x->exam.incoming, "x-assay-development", true, CLAIM_POLICY | CLAIM_TOKEN);
    return true;
}

static bool is_default(const struct appraisal *x)
{
    return x->attester->default_policy && x->policy_text.p == (const uint8_t *)x->attester->default_policy;
}

/* The sentence of policy.md 11, without its full stop. A stored policy is not shown to whoever it denies; a built-in one everybody
 * knows. */
static void note_denial(struct appraisal *x)
{
    struct arena *a = x->exam.arena;

    if (x->run.decision == POLICY_DENY && x->draft)
        check_note(x->exam.trace,
                   "Policy Engine Exception: A Deny claim was issued, authorization failed. The rule that denied is %s",
                   arena_string(a, x->run.deciding_rule));
    else if (x->run.decision == POLICY_DENY && is_default(x))
        check_note(x->exam.trace, "PolicyValidationFailure: %s", arena_string(a, x->run.deciding_rule));
    else
        check_note(x->exam.trace, "Policy Engine Exception: %s",
                   x->run.decision == POLICY_DENY
                       ? "A Deny claim was issued, authorization failed"
                       : "No Permit claim was issued in the authorizationrules section, authorization failed");
}

static bool decide(struct appraisal *x)
{
    bool permitted = policy_decide(&x->run);

    if (!check_that(&x->exam, POLICY_EVALUATION, x->run.decision != POLICY_ERROR)) {
        note_error(x);
        return refuse_traced(x);
    }
    if (!check_that(&x->exam, POLICY_PERMIT, permitted)) {
        note_denial(x);
        return refuse_traced(x);
    }
    return true;
}

/* Nothing is minted unless every check that was to be made was made (DESIGN 1). */
static bool made(struct appraisal *x, const enum check_id *required)
{
    enum check_id missing;

    if (x->exam.trace->failed)
        return refuse_traced(x);
    if (trace_complete(x->exam.trace, required, &missing))
        return true;
    refuse(x, 500, "InternalError",
           arena_printf(x->exam.arena, "The check %s was never made, so nothing was signed. %s",
                        check_table[missing].id, "This is an error of the service: please report it."));
    x->answer.failed_check = check_table[missing].id;
    return false;
}

bool core_judge(struct appraisal *x, bool by_policy)
{
    static const enum check_id policy_checks[] = {CHECK_POLICY_PARSE, CHECK_POLICY_CONFIGURATION,
                                                  CHECK_POLICY_EVALUATION, CHECK_POLICY_PERMIT, CHECK_END};

    if (by_policy && (!parse_policy(x) || !configure(x)))
        return false;
    if (!verify(x) || (by_policy && !decide(x)))
        return false;
    x->permitted = made(x, x->attester->required) && (!x->exam.required || made(x, x->exam.required)) &&
                   (!by_policy || made(x, policy_checks));
    return x->permitted;
}

static bool sign(struct appraisal *x, enum token_form form, const struct mint *mint)
{
    struct arena *a = x->exam.arena;
    struct fault fault = {0};

    if (x->draft) {
        x->token = token_unsigned(a, x->provider->issuer, x->provider->kid, x->payload);
        return true;
    }
    if (!mint || !mint->token ||
        (mint->token(mint->context, x->provider, form, x->policy_hash, x->payload, a, &x->token, &fault) && x->token.n))
        return true;
    x->token = BYTES_NONE;
    return refuse(
        x, 503, "ServiceUnavailable",
        arena_printf(a, "The token could not be signed: %s", *fault.text ? fault.text : "no reason was given"));
}

/* What policies set of a report (policy.md 5.5). False: a property has another type, or a lifetime that is none. */
static bool report_properties(const struct appraisal *x, enum token_form *form, int64_t *lifetime)
{
    const struct claim *minutes = last_property(x, "report_validity_in_minutes"), *omit = last_property(x, "omit_x5c");
    int64_t n = minutes ? minutes->value.integer : TOKEN_REPORT_MINUTES;

    if ((minutes && minutes->value.kind != CLAIM_INTEGER) || n <= 0 || (omit && omit->value.kind != CLAIM_BOOLEAN))
        return false;
    *form = omit && omit->value.integer ? TOKEN_REPORT_SHORT : TOKEN_REPORT;
    *lifetime = 60 * (n < LIMIT_VALIDITY_MINUTES ? n : LIMIT_VALIDITY_MINUTES);
    return true;
}

static bool make_token(struct appraisal *x, struct bytes nonce, const struct mint *mint)
{
    enum token_form form = TOKEN_USUAL;
    struct token_frame frame = {.issuer = x->provider->issuer,
                                .time = x->exam.time,
                                .lifetime = TOKEN_ATTEST_LIFETIME,
                                .jti_entropy = bytes_first(x->exam.entropy, TOKEN_JTI_ENTROPY),
                                .type = bytes_text(x->attester->type),
                                .policy_hash = x->policy_hash,
                                .policy_signer = x->policy_signer,
                                .nonce = nonce};

    if (!x->attester->is_report) {
        x->payload = token_payload(x->exam.arena, &frame, &x->exam.incoming, &x->run.outgoing);
        return sign(x, form, mint);
    }
    if (!check_that(&x->exam, POLICY_EVALUATION, report_properties(x, &form, &frame.lifetime))) {
        check_note(x->exam.trace, "report_validity_in_minutes must be a positive integer, omit_x5c a Boolean");
        return refuse_traced(x);
    }
    x->payload = token_report_payload(x->exam.arena, &frame, &x->exam.incoming, &x->run.outgoing);
    return sign(x, form, mint);
}

static bool give(struct appraisal *x, struct bytes body)
{
    x->answer = (struct answer){.status = 200, .body = body};
    return true;
}

static bool give_token(struct appraisal *x)
{
    struct json *body = json_new(x->exam.arena, JSON_OBJECT);
    struct bytes wrapped;

    if (x->token.n == 0)
        return give(x, BYTES_NONE);
    if (!x->attester->answer) {
        JSON_SET(body, "token", json_new_text(x->exam.arena, x->token));
        return give(x, json_print(x->exam.arena, body, JSON_IN_ORDER));
    }
    if (!x->attester->answer(&x->exam, x->token, &wrapped)) {
        x->token = BYTES_NONE;
        return refuse_traced(x);
    }
    return give(x, wrapped);
}

void core_attest(struct appraisal *x, struct arena *a, const struct snapshot *snapshot,
                 const struct core_request *request, const struct mint *mint, struct cache *cache)
{
    static const enum check_id request_checks[] = {CHECK_REQUEST_JSON, CHECK_END};
    struct request_parts parts;

    *x = (struct appraisal){.exam = {.arena = a,
                                     .trace = trace_new(a),
                                     .endorsements = snapshot->endorsements,
                                     .issuer = request->issuer,
                                     .sealer = mint && mint->sealer.seal ? &mint->sealer : NULL,
                                     .replay = request->replay,
                                     .cache = cache,
                                     .time = request->time,
                                     .entropy = request->entropy},
                            .explain = request->explain};
    claims_init(&x->exam.incoming, a);
    if (!find_parties(x, snapshot, request) || !read_request(x, request->body, &parts) || !select_policy(x))
        return;
    if (!x->attester->decode(&x->exam, parts.body) || x->exam.trace->failed) {
        refuse_traced(x);
        return;
    }
    if (x->exam.reply.n) { /* a message of a protocol, no evidence yet */
        give(x, x->exam.reply);
        return;
    }
    x->decoded = x->exam.trace->n;
    if (core_judge(x, true) && made(x, request_checks) && make_token(x, parts.nonce, mint))
        give_token(x);
}
