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

static bool refuse(struct management *m, const char *message)
{
    manage_refuse(m, 400, "InvalidOperation", bytes_text(message));
    return false;
}

/* The hash in a token that updatepolicy of this provider answered with in the last hour. */
static bool own_token(struct management *m, struct bytes *hash)
{
    const struct certificate *own = m->provider->certificate;
    const struct json *claims;
    struct bytes text, issuer;
    struct jws jws;
    int64_t expires;

    if (!upload_bare_text(&m->upload, m->request->body, NULL, &text)) {
        manage_refuse_as_said(m);
        return false;
    }
    if (!jws_decode(m->arena, text, false, &jws, NULL))
        return refuse(m, "Malformed JWT: the body must be the token that updatepolicy answered with.");
    if (!own || !jws_verify(&jws, &own->key))
        return refuse(m, "The token is not signed by this provider. Send the one that updatepolicy answered with.");
    if (!json_parse(m->arena, jws.payload, NULL, &claims, NULL) ||
        !json_text(json_member(claims, "aas-policyHash"), hash) || !json_text(json_member(claims, "iss"), &issuer) ||
        !bytes_equal(issuer, m->provider->issuer) || !json_integer(json_member(claims, "exp"), &expires))
        return refuse(m, "Could not find \"aas-policyHash\" claim in policy token");
    return expires > m->request->time || refuse(m, "The token has expired. Call updatepolicy again.");
}

void legacy_policy_set(struct management *m)
{
    const struct provider_policy *pending = policy_stored(m->provider, SLOT_PENDING, m->kind);
    struct manage_request again = *m->request;
    struct bytes hash;
    struct upload u;

    if (!own_token(m, &hash))
        return;
    if (!pending || !pending->jws.n || !bytes_equal(policy_token_hash(m->arena, pending->jws), hash)) {
        refuse(m,
               "No policy with this hash waits; a later updatepolicy may have replaced it. Call updatepolicy again.");
        return;
    }
    /* Who may sign can have changed since: it is judged as if it were uploaded now. */
    again.body = pending->jws;
    m->request = &again;
    if (!policy_accept(m, &u))
        return;
    policy_change(m, SLOT_ACTIVE, &u, u.text, hash);
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
