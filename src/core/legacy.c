/* Policies and policy signers as 2018-09-01-preview manages them (api.md 2.10). A policy is set in two steps: updatepolicy judges
 * and keeps it, and answers with a token of ours over its hash; the token brought back puts it in force. */
#include "core/management.h"

#include "base/text.h"

void legacy_policy_get(struct management *m)
{
    struct json *body = json_new(m->arena, JSON_OBJECT);

    JSON_SET(body, "Policy", json_new_text(m->arena, policy_jws(m, SLOT_ACTIVE)));
    manage_give_json(m, body);
}

void legacy_policy_update(struct management *m)
{
    struct json *result = json_new(m->arena, JSON_OBJECT);
    struct upload u;

    if (!policy_accept(m, &u))
        return;
    struct bytes hash = policy_token_hash(m->arena, u.text);
    JSON_SET(result, "aas-policyHash", json_new_text(m->arena, hash));
    policy_change(m, SLOT_PENDING, &u, u.text, hash);
    manage_give_string(m, result);
}

/* What the token that updatepolicy answers with says. */
struct policy_token {
    struct bytes hash, issuer;
    int64_t expires;
};

static bool token_claims(struct arena *a, struct bytes payload, struct policy_token *out)
{
    const struct json *claims;

    return json_parse(a, payload, NULL, &claims, NULL) &&
           json_text(json_member(claims, "aas-policyHash"), &out->hash) &&
           json_text(json_member(claims, "iss"), &out->issuer) &&
           json_integer(json_member(claims, "exp"), &out->expires);
}

/* A token that updatepolicy of this provider answered with in the last hour. */
static bool own_token(struct upload_exam *x, const struct provider *p, struct bytes body, struct policy_token *out)
{
    const struct certificate *own = p->certificate;
    struct fault fault = {0};
    struct bytes text;
    struct jws jws;

    if (!upload_bare_text(x, body, NULL, &text))
        return false;
    bool decoded = jws_decode(x->arena, text, false, &jws, &fault);
    return upload_require(x, CHECK_POLICY_TOKEN_JWS, decoded, INVALID_OPERATION,
                          "Malformed JWT: the body must be the token that updatepolicy answered with. %s",
                          fault.text) &&
           upload_require(x, CHECK_POLICY_TOKEN_SIGNATURE, own && jws_verify(&jws, &own->key), INVALID_OPERATION,
                          "The token is not signed by this provider. Send the one that updatepolicy answered with.") &&
           upload_require(x, CHECK_POLICY_TOKEN_CLAIMS, token_claims(x->arena, jws.payload, out), INVALID_OPERATION,
                          "Could not find \"aas-policyHash\" claim in policy token") &&
           upload_require(x, CHECK_POLICY_TOKEN_ISSUER, bytes_equal(out->issuer, p->issuer), INVALID_OPERATION,
                          "The token is another provider's. Send the one that updatepolicy of this provider answered "
                          "with.") &&
           upload_require(x, CHECK_POLICY_TOKEN_FRESH, out->expires > x->time, INVALID_OPERATION,
                          "The token has expired. Call updatepolicy again.");
}

/* The policy that waits is the one of the token. */
static bool waiting(struct management *m, const struct policy_token *token, struct bytes *jws)
{
    static const char message[] = "No policy with this hash waits; a later updatepolicy may have replaced it. Call "
                                  "updatepolicy again.";
    const struct provider_policy *pending = policy_stored(m->provider, SLOT_PENDING, m->kind);

    *jws = pending ? pending->jws : BYTES_NONE;
    return upload_require(&m->upload, CHECK_POLICY_TOKEN_PENDING, jws->n > 0, INVALID_OPERATION, "%s", message) &&
           upload_require(&m->upload, CHECK_POLICY_TOKEN_HASH,
                          bytes_equal(policy_token_hash(m->arena, *jws), token->hash), INVALID_OPERATION, "%s",
                          message);
}

void legacy_policy_set(struct management *m)
{
    static const enum check_id required[] = {
        CHECK_POLICY_TOKEN_JWS,   CHECK_POLICY_TOKEN_SIGNATURE, CHECK_POLICY_TOKEN_CLAIMS, CHECK_POLICY_TOKEN_ISSUER,
        CHECK_POLICY_TOKEN_FRESH, CHECK_POLICY_TOKEN_PENDING,   CHECK_POLICY_TOKEN_HASH,   CHECK_END};
    struct manage_request again = *m->request;
    struct policy_token token;
    struct upload u;

    if (!own_token(&m->upload, m->provider, m->request->body, &token) || !waiting(m, &token, &again.body) ||
        !upload_made(&m->upload, required)) {
        manage_refuse_as_said(m);
        return;
    }
    /* Who may sign can have changed since: it is judged as if it were uploaded now. */
    m->request = &again;
    if (!policy_accept(m, &u))
        return;
    policy_change(m, SLOT_ACTIVE, &u, u.text, token.hash);
    *m->answer = (struct answer){.status = 200};
}

void legacy_policy_reset(struct management *m)
{
    struct upload u;

    if (!policy_accept_reset(m, &u))
        return;
    policy_change(m, SLOT_ACTIVE, &u, BYTES_NONE, BYTES_NONE);
    manage_give_json(m, json_new(m->arena, JSON_NULL));
}

/* The set under its newer and its older name. */
static void give_set(struct management *m, struct json *jwks)
{
    struct json *result = json_new(m->arena, JSON_OBJECT);

    JSON_SET(result, "aas-policyCertificates", jwks);
    JSON_SET(result, "maa-policyCertificates", json_link(m->arena, jwks));
    manage_give_string(m, result);
}

void legacy_signers_get(struct management *m)
{
    give_set(m, signers_set(m->arena, m->provider->signers, NULL));
}

void legacy_signers_add(struct management *m)
{
    const struct certificate *c;
    struct json *jwks;

    if (signers_added(m, &c, &jwks))
        give_set(m, jwks);
}

void legacy_signers_remove(struct management *m)
{
    const struct certificate *c;
    struct json *jwks;

    if (signers_removed(m, &c, &jwks))
        give_set(m, jwks);
}
