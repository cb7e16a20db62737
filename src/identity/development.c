#include "identity/development.h"

#include "base/text.h"
#include "identity/bearer.h"
#include "identity/roles.h"

static struct bytes key_name(struct arena *a, const struct signing_key *key)
{
    uint8_t hash[SHA256_SIZE];
    struct bytes spki = signing_key_spki(key, a);

    digest_parts(DIGEST_SHA256, &spki, 1, hash);
    return base64url_encode(a, BYTES_OF(hash));
}

static bool on_p256(const struct signing_key *key, struct fault *fault)
{
    return signing_key_kind(key) == KEY_P256 || fault_set(fault, FAULT_CRYPTO, "the key is not on P-256");
}

bool development_jwks(struct arena *a, const struct signing_key *key, struct bytes *jwks, struct fault *fault)
{
    struct json *set = json_new(a, JSON_OBJECT), *list = json_new(a, JSON_ARRAY), *jwk = json_new(a, JSON_OBJECT);
    struct public_key public;

    if (!on_p256(key, fault))
        return false;
    if (!public_key_decode(a, signing_key_spki(key, a), &public))
        return fault_set(fault, FAULT_CRYPTO, "the key's public half does not decode");
    JSON_SET(jwk, "kty", json_new_text(a, BYTES_LIT("EC")));
    JSON_SET(jwk, "use", json_new_text(a, BYTES_LIT("sig")));
    JSON_SET(jwk, "alg", json_new_text(a, BYTES_LIT("ES256")));
    JSON_SET(jwk, "kid", json_new_text(a, key_name(a, key)));
    JSON_SET(jwk, "crv", json_new_text(a, BYTES_LIT("P-256")));
    JSON_SET(jwk, "x", json_new_text(a, base64url_encode(a, bytes_first(public.point, public.point.n / 2))));
    JSON_SET(jwk, "y", json_new_text(a, base64url_encode(a, bytes_after(public.point, public.point.n / 2))));
    json_append(list, jwk);
    JSON_SET(set, "keys", list);
    *jwks = json_print(a, set, JSON_IN_ORDER);
    return true;
}

static struct json *roles_json(struct arena *a, const struct development_token *t, struct fault *fault)
{
    struct json *list = json_new(a, JSON_ARRAY);
    struct scope scope;

    if (!role_find(bytes_text(t->role))) {
        fault_set(fault, FAULT_USAGE, "there is no role %s", t->role);
        return NULL;
    }
    for (size_t i = 0; i < t->scope_count; i++) {
        struct json *grant = json_new(a, JSON_OBJECT);

        if (!scope_parse(bytes_text(t->scopes[i]), &scope)) {
            fault_set(fault, FAULT_USAGE,
                      "%s is no scope: give /, /subscriptions/S, /subscriptions/S/resourceGroups/G, or the resource id "
                      "of a provider",
                      t->scopes[i]);
            return NULL;
        }
        JSON_SET(grant, "role", json_new_text(a, bytes_text(t->role)));
        JSON_SET(grant, "scope", json_new_text(a, bytes_text(t->scopes[i])));
        json_append(list, grant);
    }
    return list;
}

static struct json *payload_json(struct arena *a, const struct development_token *t, struct json *roles)
{
    struct json *payload = json_new(a, JSON_OBJECT), *audiences = json_new(a, JSON_ARRAY);

    for (int plane = 0; plane < PLANES; plane++)
        json_append(audiences, json_new_text(a, bytes_text(bearer_audience((enum plane)plane))));
    JSON_SET(payload, "iss", json_new_text(a, BYTES_LIT(DEVELOPMENT_ISSUER)));
    JSON_SET(payload, "sub", json_new_text(a, bytes_text(t->subject)));
    JSON_SET(payload, "aud", audiences);
    JSON_SET(payload, "iat", json_new_integer(a, t->time));
    JSON_SET(payload, "nbf", json_new_integer(a, t->time));
    JSON_SET(payload, "exp", json_new_integer(a, t->time + t->lifetime));
    JSON_SET(payload, DEVELOPMENT_ROLES, roles);
    return payload;
}

bool development_token(struct arena *a, const struct signing_key *key, const struct development_token *t,
                       struct bytes *token, struct fault *fault)
{
    struct json *header = json_new(a, JSON_OBJECT), *roles = roles_json(a, t, fault);
    struct writer w = wr_open(a);
    struct bytes signature;

    if (!roles || !on_p256(key, fault))
        return false;
    JSON_SET(header, "alg", json_new_text(a, BYTES_LIT("ES256")));
    JSON_SET(header, "kid", json_new_text(a, key_name(a, key)));
    JSON_SET(header, "typ", json_new_text(a, BYTES_LIT("JWT")));
    wr_base64url(&w, json_print(a, header, JSON_IN_ORDER));
    wr_u8(&w, '.');
    wr_base64url(&w, json_print(a, payload_json(a, t, roles), JSON_IN_ORDER));
    if (!sign_message(key, SIGNATURE_ES256, wr_done(&w), a, &signature))
        return fault_set(fault, FAULT_CRYPTO, "the key does not sign");
    wr_u8(&w, '.');
    wr_base64url(&w, signature);
    *token = wr_done(&w);
    return true;
}
