#include "core/manage.h"

#include "base/limits.h"
#include "base/text.h"
#include "core/upload.h"

/* policy.md 8: what holds for a type until its tenant sets something else. */
#define PERMIT_ALL "version= 1.0;authorizationrules{=> permit();};"

static const struct policy_kind later_kinds[] = {
    {"Tpm", NULL},
    {"SevSnpVm", PERMIT_ALL},
    {"TdxVm", PERMIT_ALL},
    {"AzureGuest", "version=1.0;authorizationrules{[type==\"secureboot\", value==false] => deny();"
                   "[type==\"x-ms-azurevm-default-securebootkeysvalidated\", value==false] => deny();"
                   "[type==\"x-ms-azurevm-debuggersdisabled\", value==false] => deny();"
                   "[type==\"x-ms-azurevm-signingdisabled\", value==false] => deny();"
                   "[type==\"x-ms-azurevm-dbvalidated\", value==false] => deny();"
                   "[type==\"x-ms-azurevm-dbxvalidated\", value==false] => deny();"
                   "=> permit();};issuancerules{};"},
};

enum { LATER_KINDS = sizeof later_kinds / sizeof *later_kinds, KINDS_MAX = 16 };

const struct policy_kind *policy_kind_at(size_t i)
{
    static struct policy_kind kinds[KINDS_MAX]; /* the attesters that exist, then the rest */
    static size_t count;

    if (count == 0) {
        for (size_t k = 0; attester_at(k); k++)
            kinds[count++] = (struct policy_kind){attester_at(k)->path, attester_at(k)->default_policy};
        for (size_t k = 0; k < LATER_KINDS; k++)
            if (!attester_find(bytes_text(later_kinds[k].name)))
                kinds[count++] = later_kinds[k];
    }
    return i < count ? &kinds[i] : NULL;
}

const struct policy_kind *policy_kind_find(struct bytes name)
{
    if (bytes_is_nocase(name, "VbsEnclave"))
        name = BYTES_LIT("Tpm");
    for (size_t i = 0; policy_kind_at(i); i++)
        if (bytes_is_nocase(name, policy_kind_at(i)->name))
            return policy_kind_at(i);
    return NULL;
}

/* One request under way. */
struct management {
    struct arena *arena;
    const struct provider *provider;
    const struct manage_request *request;
    const struct mint *mint;
    struct answer *answer;
    struct change *change;
    struct refusal refusal;
};

static void refuse(struct management *m, int status, const char *code, struct bytes message)
{
    *m->answer = (struct answer){.status = status, .code = code, .body = error_body(m->arena, code, message)};
    *m->change = (struct change){0};
}

static void refuse_as_said(struct management *m)
{
    refuse(m, 400, m->refusal.code, m->refusal.message);
}

/* {"token": JWT} over the members of `result` and the envelope's (api.md 3.1). */
static void give(struct management *m, struct json *result)
{
    struct json *body = json_new(m->arena, JSON_OBJECT);
    struct fault fault = {0};
    int64_t now = m->request->time;
    struct bytes token;

    JSON_SET(result, "iss", json_new_text(m->arena, m->provider->issuer));
    JSON_SET(result, "iat", json_new_integer(m->arena, now));
    JSON_SET(result, "nbf", json_new_integer(m->arena, now));
    JSON_SET(result, "exp", json_new_integer(m->arena, now + TOKEN_MANAGE_LIFETIME));
    if (!m->mint->token(m->mint->context, m->provider, BYTES_NONE, json_print(m->arena, result, JSON_SORTED), m->arena,
                        &token, &fault)) {
        refuse(m, 503, "ServiceUnavailable",
               bytes_text(arena_printf(m->arena, "The answer could not be signed: %s", fault.text)));
        return;
    }
    JSON_SET(body, "token", json_new_text(m->arena, token));
    *m->answer = (struct answer){.status = 200, .body = json_print(m->arena, body, JSON_SORTED)};
}

static struct json *text_of(struct management *m, const char *s)
{
    return json_new_text(m->arena, bytes_text(s));
}

static const struct provider_policy *stored(const struct provider *p, const struct policy_kind *kind)
{
    for (size_t i = 0; i < p->policy_count; i++)
        if (bytes_is(p->policies[i].kind, kind->name))
            return &p->policies[i];
    return NULL;
}

/* The JWS that stands for a built-in default, or for none (policy.md 10). */
static struct bytes default_jws(struct arena *a, const struct policy_kind *kind)
{
    struct writer w = wr_open(a), payload = wr_open(a);

    wr_base64url(&w, BYTES_LIT("{\"alg\":\"none\"}"));
    wr_u8(&w, '.');
    if (kind->default_policy) {
        wr_text(&payload, "{\"AttestationPolicy\":\"");
        wr_base64url(&payload, bytes_text(kind->default_policy));
        wr_text(&payload, "\"}");
        wr_base64url(&w, wr_done(&payload));
    }
    wr_u8(&w, '.');
    return wr_done(&w);
}

static void policy_get(struct management *m, const struct policy_kind *kind)
{
    const struct provider_policy *policy = stored(m->provider, kind);
    struct json *result = json_new(m->arena, JSON_OBJECT);
    struct bytes jws = policy && policy->jws.n ? policy->jws : default_jws(m->arena, kind);

    JSON_SET(result, "x-ms-policy", json_new_text(m->arena, jws));
    give(m, result);
}

/* The trust model's rule for whoever signed (api.md 3.4). */
static bool signer_allowed(struct management *m, const struct upload *u)
{
    return !m->provider->isolated || upload_signed_by(m->arena, u, m->provider->signers, m->request->time, &m->refusal);
}

static struct bytes thumbprint(struct arena *a, const struct upload *u)
{
    return u->chain ? digest(a, DIGEST_SHA1, u->chain->der) : BYTES_NONE;
}

static struct bytes change_kind(struct arena *a, const struct policy_kind *kind)
{
    return bytes_text(arena_printf(a, "policy/%s", kind->name));
}

static void policy_set(struct management *m, const struct policy_kind *kind)
{
    struct json *result = json_new(m->arena, JSON_OBJECT);
    struct policy_error error;
    const struct policy *policy;
    struct upload u;
    struct bytes text;

    if (!upload_decode(m->arena, m->request->body, NULL, m->provider->signers, m->request->time, &u, &m->refusal) ||
        !signer_allowed(m, &u) || !upload_policy_text(m->arena, &u, &text, &m->refusal)) {
        refuse_as_said(m);
        return;
    }
    if (!policy_parse(m->arena, text, &policy, &error)) {
        refuse(m, 400, "PolicyParsingError", policy_error_message(m->arena, &error));
        return;
    }
    struct bytes hash = base64url_encode(m->arena, sha256_of(m->arena, u.text));
    JSON_SET(result, "x-ms-policy-result", text_of(m, "Updated"));
    JSON_SET(result, "x-ms-policy-token-hash", json_new_text(m->arena, hash));
    if (u.signer)
        JSON_SET(result, "x-ms-policy-signer", json_link(m->arena, u.signer));
    *m->change = (struct change){change_kind(m->arena, kind), u.text, hash, thumbprint(m->arena, &u)};
    give(m, result);
}

static void policy_reset(struct management *m, const struct policy_kind *kind)
{
    struct json *result = json_new(m->arena, JSON_OBJECT);
    struct upload u;

    if (!upload_decode(m->arena, m->request->body, NULL, m->provider->signers, m->request->time, &u, &m->refusal) ||
        !signer_allowed(m, &u)) {
        refuse_as_said(m);
        return;
    }
    if (u.jws.payload.n) {
        refuse(m, 400, "InvalidOperation",
               BYTES_LIT("A reset is a JWS with an empty payload; to set a policy use PUT."));
        return;
    }
    JSON_SET(result, "x-ms-policy-result", text_of(m, "Removed"));
    *m->change = (struct change){change_kind(m->arena, kind), BYTES_NONE, BYTES_NONE, thumbprint(m->arena, &u)};
    give(m, result);
}

/* {"keys":[…]} of certificates, each a chain of one, without `skip`. */
static struct json *jwks_of(struct arena *a, const struct certificate *list, const struct certificate *skip)
{
    struct json *jwks = json_new(a, JSON_OBJECT), *keys = json_new(a, JSON_ARRAY);

    for (const struct certificate *c = list; c; c = c->next) {
        struct certificate alone = *c;

        if (skip && bytes_equal(c->der, skip->der))
            continue;
        alone.next = NULL;
        enum key_kind kind = c->key.kind;
        json_append(keys, signer_json(a,
                                      kind == KEY_P256   ? SIGNATURE_ES256
                                      : kind == KEY_P384 ? SIGNATURE_ES384
                                                         : SIGNATURE_RS256,
                                      &alone));
    }
    JSON_SET(jwks, "keys", keys);
    return jwks;
}

struct bytes signers_jwks(struct arena *a, const struct certificate *list)
{
    return json_print(a, jwks_of(a, list, NULL), JSON_SORTED);
}

static void signers_get(struct management *m)
{
    struct json *result = json_new(m->arena, JSON_OBJECT);

    JSON_SET(result, "x-ms-policy-certificates", jwks_of(m->arena, m->provider->signers, NULL));
    give(m, result);
}

static bool registered(const struct certificate *list, const struct certificate *c)
{
    for (; list; list = list->next)
        if (bytes_equal(list->der, c->der))
            return true;
    return false;
}

static struct bytes upper_hex(struct arena *a, struct bytes b)
{
    struct bytes hex = arena_copy(a, hex_encode(a, b));

    for (size_t i = 0; i < hex.n; i++)
        if (hex.p[i] >= 'a')
            ((uint8_t *)(uintptr_t)hex.p)[i] = (uint8_t)(hex.p[i] - 32); /* the copy is ours */
    return hex;
}

/* Checks all that add and remove share; *c is the certificate that they are about. */
static bool signers_change_allowed(struct management *m, const char *member, struct upload *u,
                                   const struct certificate **c)
{
    if (!m->provider->isolated) {
        refuse(m, 400, "InvalidOperation",
               BYTES_LIT("The operation is disallowed: this provider has no policy management certificates (its trust "
                         "model is not "
                         "Isolated)."));
        return false;
    }
    if (upload_decode(m->arena, m->request->body, member, m->provider->signers, m->request->time, u, &m->refusal) &&
        upload_signed_by(m->arena, u, m->provider->signers, m->request->time, &m->refusal) &&
        upload_certificate(m->arena, u, c, &m->refusal))
        return true;
    refuse_as_said(m);
    return false;
}

static void signers_answer(struct management *m, const struct certificate *c, const char *outcome)
{
    struct json *result = json_new(m->arena, JSON_OBJECT);

    JSON_SET(result, "x-ms-certificate-thumbprint",
             json_new_text(m->arena, upper_hex(m->arena, digest(m->arena, DIGEST_SHA1, c->der))));
    JSON_SET(result, "x-ms-policycertificates-result", text_of(m, outcome));
    give(m, result);
}

static void signers_add(struct management *m)
{
    const struct certificate *c;
    struct upload u;
    size_t count = 0;

    if (!signers_change_allowed(m, "policyCertificateToAdd", &u, &c))
        return;
    for (const struct certificate *k = m->provider->signers; k; k = k->next)
        count++;
    if (!registered(m->provider->signers, c)) {
        struct certificate added = *c;

        if (count >= LIMIT_SIGNERS) {
            refuse(m, 400, "InvalidOperation",
                   BYTES_LIT("The provider holds as many certificates as it can; remove one first."));
            return;
        }
        added.next = m->provider->signers;
        *m->change =
            (struct change){BYTES_LIT("signers"), json_print(m->arena, jwks_of(m->arena, &added, NULL), JSON_SORTED),
                            BYTES_NONE, thumbprint(m->arena, &u)};
    }
    signers_answer(m, c, "IsPresent");
}

static void signers_remove(struct management *m)
{
    const struct certificate *c;
    struct upload u;

    if (!signers_change_allowed(m, "policyCertificateToRemove", &u, &c))
        return;
    if (registered(m->provider->signers, c)) {
        if (!m->provider->signers->next) {
            refuse(m, 400, "InvalidOperation",
                   BYTES_LIT("The last policy management certificate cannot be removed; add its successor first."));
            return;
        }
        *m->change = (struct change){BYTES_LIT("signers"),
                                     json_print(m->arena, jwks_of(m->arena, m->provider->signers, c), JSON_SORTED),
                                     BYTES_NONE, thumbprint(m->arena, &u)};
    }
    signers_answer(m, c, "IsAbsent");
}

void core_manage(struct arena *a, const struct snapshot *snapshot, const struct manage_request *request,
                 const struct mint *mint, struct answer *answer, struct change *change)
{
    struct management m = {.arena = a, .request = request, .mint = mint, .answer = answer, .change = change};
    const struct policy_kind *kind = request->kind.n ? policy_kind_find(request->kind) : NULL;

    *change = (struct change){0};
    m.provider = snapshot_provider(snapshot, request->issuer);
    if (!m.provider) {
        refuse(&m, 404, "NotFound", BYTES_LIT("No provider answers under this name."));
        return;
    }
    bool about_policy = request->operation <= MANAGE_POLICY_RESET;
    if (about_policy && !kind) {
        refuse(&m, 400, "InvalidParameter", BYTES_LIT("The attestation type is not known to this service."));
        return;
    }
    switch (request->operation) {
    case MANAGE_POLICY_GET: policy_get(&m, kind); break;
    case MANAGE_POLICY_SET: policy_set(&m, kind); break;
    case MANAGE_POLICY_RESET: policy_reset(&m, kind); break;
    case MANAGE_SIGNERS_GET: signers_get(&m); break;
    case MANAGE_SIGNERS_ADD: signers_add(&m); break;
    case MANAGE_SIGNERS_REMOVE: signers_remove(&m); break;
    }
}

bool provider_policy_load(struct arena *a, struct bytes kind, struct bytes jws, struct provider_policy *out,
                          struct fault *fault)
{
    const struct policy_kind *known = policy_kind_find(kind);
    struct refusal refusal = {0};
    struct upload u;

    if (!known)
        return fault_set(fault, FAULT_USAGE, "a policy is stored for the unknown type '%.*s'", (int)kind.n,
                         (const char *)kind.p);
    *out =
        (struct provider_policy){.attester = attester_find(bytes_text(known->name)), .kind = bytes_text(known->name)};
    if (jws.n == 0)
        return true;
    /* Dates were judged when it was uploaded; what is stored stays in force (api.md 3.8). */
    if (!upload_decode_stored(a, jws, &u, &refusal) || !upload_policy_text(a, &u, &out->text, &refusal))
        return fault_set(fault, FAULT_SYNTAX, "the stored policy of %s: %.*s", known->name, (int)refusal.message.n,
                         (const char *)refusal.message.p);
    out->jws = jws;
    out->signer = u.signer;
    return true;
}

bool provider_signers_load(struct arena *a, struct bytes jwks, const struct certificate **out, struct fault *fault)
{
    struct certificate *last = NULL;
    const struct json *v;

    *out = NULL;
    if (!json_parse(a, jwks, NULL, &v, fault))
        return false;
    JSON_EACH (key, json_member(v, "keys")) {
        const struct certificate *decoded;
        struct bytes text, der;

        if (!json_text(json_element(json_member(key, "x5c"), 0), &text) || !base64_decode(a, text, &der, NULL))
            return fault_set(fault, FAULT_SYNTAX, "a policy signing key without a certificate in x5c");
        if (!certificate_decode(a, der, &decoded, fault))
            return false;
        struct certificate *link = ARENA_NEW(a, struct certificate);
        *link = *decoded;
        link->next = NULL;
        if (last)
            last->next = link;
        else
            *out = link;
        last = link;
    }
    return *out || fault_set(fault, FAULT_SYNTAX, "no policy signing certificate");
}
