#include "core/replay.h"

#include "base/limits.h"
#include "base/text.h"
#include "core/keeping.h"
#include "core/message.h"

struct bytes replay_settings(struct arena *a, const struct bytes *bodies, size_t count, uint8_t digest[SHA256_SIZE])
{
    struct writer w = wr_open(a);
    struct digest_set set = {0};

    for (size_t i = 0; i < count; i++) {
        wr_field(&w, bodies[i]);
        digest_set_add(&set, a, bodies[i]);
    }
    digest_set_end(&set, digest);
    return wr_done(&w);
}

/* What is in the file goes to the endorsements and *out; the digest tells whether it may be used. */
static bool read_kept(struct replay *r, struct settings *out, uint8_t digest[SHA256_SIZE])
{
    struct reader file = rd_open(r->settings);
    struct digest_set set = {0};
    struct bytes body = rd_field(&file), spki;
    bool development, ok = rd_ok(&file) && read_settings(r->arena, body, out);

    digest_set_add(&set, r->arena, body);
    while (ok && rd_left(&file)) {
        body = rd_field(&file);
        ok = rd_ok(&file) && read_anchor(body, &spki, &development);
        if (ok)
            endorsements_add_anchor(r->endorsements, spki.p, development);
        digest_set_add(&set, r->arena, body);
    }
    digest_set_end(&set, digest);
    return ok;
}

/* What the token says of itself. Empty where it does not. */
struct claimed {
    struct bytes issuer, entropy;
    const struct json *signer; /* of the policy: no input of its own, it stands in the outcome */
};

static struct claimed read_payload(const struct replay *r)
{
    struct arena *a = r->arena;
    struct claimed c = {0};
    const struct json *payload;
    struct bytes jti, begin;

    if (!json_parse(a, r->payload, NULL, &payload, NULL) || payload->kind != JSON_OBJECT)
        return c;
    if (!json_text(json_member(payload, "iss"), &c.issuer))
        c.issuer = BYTES_NONE;
    const struct json *signer = json_member(payload, "x-ms-policy-signer");
    c.signer = signer ? json_member(signer, "jwk") : NULL;
    if (json_text(json_member(payload, "jti"), &jti) && hex_decode(a, jti, &begin) && begin.n >= DECISION_SALT) {
        uint8_t *entropy = arena_alloc(a, TOKEN_JTI_ENTROPY); /* a report's jti has only the beginning */

        memset(entropy, 0, TOKEN_JTI_ENTROPY);
        memcpy(entropy, begin.p, begin.n < TOKEN_JTI_ENTROPY ? begin.n : TOKEN_JTI_ENTROPY);
        c.entropy = bytes_make(entropy, TOKEN_JTI_ENTROPY);
    }
    return c;
}

/* For the trace, which outlives what was found. */
static struct bytes shown(const struct replay *r, const uint8_t digest[SHA256_SIZE])
{
    return arena_copy(r->arena, bytes_make(digest, SHA256_SIZE));
}

static bool same_record(struct replay *r, const struct claimed *c)
{
    uint8_t found[SHA256_SIZE];

    bool read = decision_read(r->record, &r->decision);
    const struct attester *attester = read ? attester_find(r->decision.attester) : NULL;
    if (!check_that(r, LOG_RECORD_SHAPE, attester && bytes_is(r->decision.attester, attester->path))) {
        if (read)
            check_note(r->trace, "this program does not judge evidence of its type");
        return false;
    }
    sha256(c->issuer, found);
    return check_eq(r, LOG_REPLAY_PROVIDER, shown(r, found), BYTES_OF(r->decision.provider));
}

static bool same_request(struct replay *r, const struct claimed *c)
{
    uint8_t found[SHA256_SIZE] = {0};

    if (c->entropy.n)
        decision_salted("evidence", c->entropy, r->request, found);
    if (check_eq(r, LOG_REPLAY_EVIDENCE, shown(r, found), BYTES_OF(r->decision.evidence)))
        return true;
    check_note(r->trace, "%s",
               c->entropy.n ? "the request, or the token with the salt, is another" : "the token has no jti");
    return false;
}

static bool same_settings(struct replay *r, struct settings *out)
{
    uint8_t found[SHA256_SIZE];
    bool read = read_kept(r, out, found);

    if (check_found(r, LOG_REPLAY_SETTINGS, read && memcmp(found, r->decision.settings, SHA256_SIZE) == 0,
                    shown(r, found), BYTES_OF(r->decision.settings)))
        return true;
    if (!read)
        check_note(r->trace, "this is no file of settings");
    return false;
}

/* The text in force and its attester. */
static bool same_policy(struct replay *r, struct provider_policy *out)
{
    out->attester = attester_find(r->decision.attester);
    out->kind = r->decision.attester;
    out->text = r->policy;
    if (!out->text.n && out->attester->default_policy)
        out->text = bytes_text(out->attester->default_policy);
    return check_eq(r, LOG_REPLAY_POLICY, policy_hash(r->arena, out->text), r->decision.policy_hash);
}

static bool same_outcome(struct replay *r, const struct claimed *c, const struct snapshot *snapshot)
{
    struct appraisal *x = &r->x;
    const struct core_request request = {.issuer = c->issuer,
                                         .attester = r->decision.attester,
                                         .body = r->request,
                                         .time = r->decision.time,
                                         .entropy = c->entropy,
                                         .replay = true};
    uint8_t found[SHA256_SIZE];

    core_attest(x, r->arena, snapshot, &request, NULL, NULL);
    bool token = x->answer.status == 200 && x->payload.n;
    decision_salted("outcome", c->entropy, token ? x->payload : BYTES_NONE, found);
    bool recorded = r->decision.verdict == DECISION_TOKEN && memcmp(found, r->decision.outcome, SHA256_SIZE) == 0;
    if (check_found(r, LOG_REPLAY_OUTCOME, token && recorded && bytes_equal(x->payload, r->payload), shown(r, found),
                    BYTES_OF(r->decision.outcome)))
        return true;
    if (!token)
        check_note(r->trace, "now it is refused: %s", arena_string(r->arena, text_clean(r->arena, x->answer.message)));
    else
        check_note(r->trace, "%s", recorded ? "the record is of another token" : "the claims are others");
    return false;
}

bool replay_judge(struct replay *r)
{
    const struct claimed c = read_payload(r);
    struct provider_policy policy = {.slot = SLOT_ACTIVE, .signer = c.signer};
    struct provider provider = {.issuer = c.issuer, .policies = &policy, .policy_count = 1};
    const struct snapshot snapshot = {.endorsements = r->endorsements, .providers = &provider, .provider_count = 1};

    if (!same_record(r, &c) || !same_request(r, &c) || !same_settings(r, &provider.settings) ||
        !same_policy(r, &policy) ||
        !check_eq(r, LOG_REPLAY_ENDORSEMENTS, BYTES_OF(r->contents_digest), BYTES_OF(r->decision.endorsements)))
        return false;
    endorsements_seal(r->endorsements);
    return same_outcome(r, &c, &snapshot);
}

bool replay_open_kept(struct replay *r, struct cms_key *key, struct bytes sealed)
{
    struct kept_inputs inputs = {0};
    struct fault fault = {0};
    struct bytes content;

    if (!check_that(r, LOG_KEPT_OPEN, cms_open(r->arena, key, sealed, &content, &fault))) {
        check_note(r->trace, "%s", fault.text);
        return false;
    }
    if (!check_that(r, LOG_KEPT_SHAPE, read_kept_inputs(content, &inputs)))
        return false;
    r->request = inputs.request;
    r->payload = inputs.payload;
    r->policy = inputs.policy;
    return true;
}
