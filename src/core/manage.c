#include "core/management.h"

#include <assert.h>

#include "base/text.h"

void manage_refuse(struct management *m, int status, const char *code, struct bytes message)
{
    *m->answer = (struct answer){.status = status, .code = code, .body = error_body(m->arena, code, message)};
    *m->changes = (struct changes){0};
}

void manage_change(struct management *m, struct change change)
{
    assert(m->changes->count < CHANGES_MAX);
    m->changes->v[m->changes->count++] = change;
}

void manage_refuse_as_said(struct management *m)
{
    const struct trace_entry *failure = trace_failure(m->upload.trace);

    /* A check never made is an error of ours. */
    manage_refuse(m, failure ? 400 : 500, m->upload.refusal.code, m->upload.refusal.message);
    m->answer->failed_check = failure ? check_table[failure->id].id : NULL;
}

bool manage_token(struct management *m, struct json *result, struct bytes *token)
{
    struct fault fault = {0};
    int64_t now = m->request->time;

    JSON_SET(result, "iss", json_new_text(m->arena, m->provider->issuer));
    JSON_SET(result, "iat", json_new_integer(m->arena, now));
    JSON_SET(result, "nbf", json_new_integer(m->arena, now));
    JSON_SET(result, "exp", json_new_integer(m->arena, now + TOKEN_MANAGE_LIFETIME));
    if (m->mint->token(m->mint->context, m->provider, TOKEN_USUAL, BYTES_NONE,
                       json_print(m->arena, result, JSON_SORTED), m->arena, token, &fault))
        return true;
    manage_refuse(m, 503, "ServiceUnavailable",
                  bytes_text(arena_printf(m->arena, "The answer could not be signed: %s", fault.text)));
    return false;
}

void manage_give_json(struct management *m, const struct json *body)
{
    *m->answer = (struct answer){.status = 200, .body = json_print(m->arena, body, JSON_IN_ORDER)};
}

void manage_give(struct management *m, struct json *result)
{
    struct json *body = json_new(m->arena, JSON_OBJECT);
    struct bytes token;

    if (!manage_token(m, result, &token))
        return;
    JSON_SET(body, "token", json_new_text(m->arena, token));
    manage_give_json(m, body);
}

void manage_give_string(struct management *m, struct json *result)
{
    struct bytes token;

    if (manage_token(m, result, &token))
        manage_give_json(m, json_new_text(m->arena, token));
}

struct json *manage_text(struct management *m, const char *s)
{
    return json_new_text(m->arena, bytes_text(s));
}

struct bytes manage_thumbprint(struct management *m, const struct upload *u)
{
    return u->chain ? digest(m->arena, DIGEST_SHA1, u->chain->der) : BYTES_NONE;
}

struct bytes policy_payload(struct arena *a, struct bytes text)
{
    struct writer w = wr_open(a);

    wr_text(&w, "{\"AttestationPolicy\":\"");
    wr_base64url(&w, text);
    wr_text(&w, "\"}");
    return wr_done(&w);
}

struct bytes policy_jws_unsigned(struct arena *a, struct bytes payload)
{
    struct writer w = wr_open(a);

    wr_base64url(&w, BYTES_LIT("{\"alg\":\"none\"}"));
    wr_u8(&w, '.');
    wr_base64url(&w, payload);
    wr_u8(&w, '.');
    return wr_done(&w);
}

struct bytes policy_jws(struct management *m, enum policy_slot slot)
{
    const struct provider_policy *policy = policy_stored(m->provider, slot, m->kind);

    if (policy && policy->jws.n)
        return policy->jws;
    const char *built_in = slot == SLOT_ACTIVE ? m->kind->default_policy : NULL;
    return policy_jws_unsigned(m->arena, built_in ? policy_payload(m->arena, bytes_text(built_in)) : BYTES_NONE);
}

void policy_get(struct management *m)
{
    struct json *result = json_new(m->arena, JSON_OBJECT);

    JSON_SET(result, "x-ms-policy", json_new_text(m->arena, policy_jws(m, m->request->slot)));
    manage_give(m, result);
}

struct bytes policy_token_hash(struct arena *a, struct bytes jws)
{
    return base64url_encode(a, sha256_of(a, jws));
}

/* Judge who signed the upload under the provider's trust model (api.md 3.4), and what it says. */
static bool accept_policy(struct management *m, struct upload *u)
{
    struct policy_error error;
    const struct policy *policy;
    struct bytes text;

    if (!upload_verify(&m->upload, m->request->body, NULL, u) || !upload_policy_text(&m->upload, u, &text))
        return false;
    if (!check_that(&m->upload, POLICY_PARSE, policy_parse(m->arena, text, &policy, &error))) {
        m->upload.refusal = (struct refusal){"PolicyParsingError", policy_error_message(m->arena, &error)};
        return false;
    }
    return upload_complete(&m->upload, CHECK_POLICY_PARSE);
}

bool policy_accept(struct management *m, struct upload *u)
{
    if (accept_policy(m, u))
        return true;
    manage_refuse_as_said(m);
    return false;
}

bool policy_accept_reset(struct management *m, struct upload *u)
{
    if (upload_verify(&m->upload, m->request->body, NULL, u) && upload_empty(&m->upload, u) &&
        upload_complete(&m->upload, CHECK_UPLOAD_RESET))
        return true;
    manage_refuse_as_said(m);
    return false;
}

void policy_set(struct management *m)
{
    struct json *result = json_new(m->arena, JSON_OBJECT);
    struct upload u;

    if (!policy_accept(m, &u))
        return;
    struct bytes hash = policy_token_hash(m->arena, u.text);
    JSON_SET(result, "x-ms-policy-result", manage_text(m, "Updated"));
    JSON_SET(result, "x-ms-policy-token-hash", json_new_text(m->arena, hash));
    if (u.signer)
        JSON_SET(result, "x-ms-policy-signer", json_link(m->arena, u.signer));
    policy_change(m, m->request->slot, &u, u.text, hash);
    manage_give(m, result);
}

void policy_reset(struct management *m)
{
    struct json *result = json_new(m->arena, JSON_OBJECT);
    struct upload u;

    if (!policy_accept_reset(m, &u))
        return;
    JSON_SET(result, "x-ms-policy-result", manage_text(m, "Removed"));
    policy_change(m, m->request->slot, &u, BYTES_NONE, BYTES_NONE);
    manage_give(m, result);
}

void core_manage(struct arena *a, const struct snapshot *snapshot, const struct manage_request *request,
                 const struct mint *mint, struct answer *answer, struct changes *changes)
{
    static const struct {
        manage_operation *run;
        bool about_policy, writes;
    } operations[MANAGE_COUNT] = {
        [MANAGE_POLICY_GET] = {policy_get, true, false},
        [MANAGE_POLICY_SET] = {policy_set, true, true},
        [MANAGE_POLICY_RESET] = {policy_reset, true, true},
        [MANAGE_SIGNERS_GET] = {signers_get, false, false},
        [MANAGE_SIGNERS_ADD] = {signers_add, false, true},
        [MANAGE_SIGNERS_REMOVE] = {signers_remove, false, true},
        [MANAGE_BASELINES_GET] = {baselines_get, true, false},
        [MANAGE_KEY_EVIDENCE] = {provider_evidence, false, true},
        [MANAGE_PROVIDER_CREATE] = {manage_provider_create, false, true},
        [MANAGE_PROVIDER_UPDATE] = {manage_provider_update, false, true},
        [MANAGE_PROVIDER_DELETE] = {manage_provider_delete, false, true},
        [MANAGE_KEY_PUBLISH] = {key_publish, false, true},
        [MANAGE_KEY_SWITCH] = {key_switch, false, true},
        [MANAGE_KEY_REPLACE] = {key_replace, false, true},
        [MANAGE_KEY_REVOKE] = {key_revoke, false, true},
        [MANAGE_KEEPING_GET] = {keeping_get, false, false},
        [MANAGE_KEEPING_SET] = {keeping_set, false, true},
        [MANAGE_KEEPING_STOP] = {keeping_stop, false, true},
        [MANAGE_LEGACY_POLICY_GET] = {legacy_policy_get, true, false},
        [MANAGE_LEGACY_POLICY_UPDATE] = {legacy_policy_update, true, true},
        [MANAGE_LEGACY_POLICY_SET] = {legacy_policy_set, true, true},
        [MANAGE_LEGACY_POLICY_RESET] = {legacy_policy_reset, true, true},
        [MANAGE_LEGACY_SIGNERS_GET] = {legacy_signers_get, false, false},
        [MANAGE_LEGACY_SIGNERS_ADD] = {legacy_signers_add, false, true},
        [MANAGE_LEGACY_SIGNERS_REMOVE] = {legacy_signers_remove, false, true},
    };
    struct management m = {
        .arena = a, .snapshot = snapshot, .request = request, .mint = mint, .answer = answer, .changes = changes};

    *changes = (struct changes){0};
    m.provider = snapshot_provider(snapshot, request->issuer);
    if (!m.provider && request->what != MANAGE_PROVIDER_CREATE) {
        manage_refuse(&m, 404, "NotFound", BYTES_LIT("No provider answers under this name."));
        return;
    }
    m.upload = (struct upload_exam){.arena = a,
                                    .trace = trace_new(a),
                                    .registered = m.provider ? m.provider->signers : NULL,
                                    .isolated = m.provider && m.provider->isolated,
                                    .time = request->time};
    m.kind = request->kind.n ? policy_kind_find(request->kind) : NULL;
    if (operations[request->what].about_policy && !m.kind) {
        manage_refuse(&m, 400, "InvalidParameter", BYTES_LIT("The attestation type is not known to this service."));
        return;
    }
    /* Signers are refused as on any provider that has none (api.md 3.4). */
    if (m.provider && m.provider->shared && operations[request->what].about_policy &&
        operations[request->what].writes) {
        manage_refuse(
            &m, 403, "Forbidden",
            BYTES_LIT("This is a shared provider: its policies cannot be changed. Create a provider of your own."));
        return;
    }
    operations[request->what].run(&m);
    m.request = request; /* an operation may have put one of its own there */
    manage_seal(&m);
}
