#include "identity/keys.h"

#include "base/limits.h"

/* Of an entry that can be used; kid is text or absent. */
static bool decode_entry(struct arena *a, const struct json *entry, struct issuer_key *out)
{
    const struct certificate *certificate;
    const struct json *kid = json_member(entry, "kid");

    *out = (struct issuer_key){0};
    return (!kid || (json_text(kid, &out->kid) && out->kid.n > 0)) &&
           jwk_decode_listed(a, entry, &out->key, &certificate, NULL);
}

/* Two keys of one name and kind cannot be told apart: the first one stays. */
static bool known(const struct issuer_key *keys, size_t count, const struct issuer_key *key)
{
    for (size_t i = 0; i < count; i++)
        if (bytes_equal(keys[i].kid, key->kid) && keys[i].key.kind == key->key.kind && key->kid.n)
            return true;
    return false;
}

static const struct json *parse_object(struct arena *a, struct bytes text, struct fault *fault)
{
    size_t budget = LIMIT_JWKS_NODES;
    const struct json *v;

    if (text.n > LIMIT_JWKS) {
        fault_set(fault, FAULT_LIMIT, "longer than %d bytes", LIMIT_JWKS);
        return NULL;
    }
    if (!json_parse(a, text, &(struct json_rules){.depth = LIMIT_BEARER_DEPTH, .budget = &budget}, &v, fault))
        return NULL;
    if (v->kind != JSON_OBJECT) {
        fault_set(fault, FAULT_SYNTAX, "no JSON object");
        return NULL;
    }
    return v;
}

bool issuer_keys_decode(struct arena *a, struct bytes jwks, struct issuer_keys *out, size_t *skipped,
                        struct fault *fault)
{
    const struct json *object = parse_object(a, jwks, fault), *list = json_member(object, "keys");

    *out = (struct issuer_keys){0};
    *skipped = 0;
    if (!object)
        return false;
    if (!list || list->kind != JSON_ARRAY)
        return fault_set(fault, FAULT_SYNTAX, "no key set: it has no array `keys`");
    if (list->count > LIMIT_ISSUER_KEYS)
        return fault_set(fault, FAULT_LIMIT, "more than %d keys", LIMIT_ISSUER_KEYS);
    struct issuer_key *keys = ARENA_ARRAY(a, struct issuer_key, list->count);
    size_t count = 0;
    JSON_EACH (entry, list) {
        if (decode_entry(a, entry, &keys[count]) && !known(keys, count, &keys[count]))
            count++;
        else
            ++*skipped;
    }
    *out = (struct issuer_keys){keys, count};
    return count || fault_set(fault, FAULT_SYNTAX,
                              "no key of the set can be used: RSA of 2048 to 4096 bits, P-256 or "
                              "P-384, for signatures");
}

bool issuer_metadata(struct arena *a, struct bytes document, struct bytes issuer, const char **jwks_uri,
                     struct fault *fault)
{
    const struct json *object = parse_object(a, document, fault);
    struct bytes named, uri;

    if (!object)
        return false;
    if (!json_text(json_member(object, "issuer"), &named) || !bytes_equal(named, issuer))
        return fault_set(fault, FAULT_SYNTAX, "the metadata is of another issuer than %.*s", (int)issuer.n,
                         (const char *)issuer.p);
    if (!json_text(json_member(object, "jwks_uri"), &uri) || uri.n > LIMIT_CALLER_TEXT || !bytes_begin(uri, "https://"))
        return fault_set(fault, FAULT_SYNTAX, "the jwks_uri of the metadata is no https address");
    for (size_t i = 0; i < uri.n; i++)
        if (uri.p[i] <= ' ' || uri.p[i] >= 0x7f)
            return fault_set(fault, FAULT_SYNTAX, "the jwks_uri of the metadata is no https address");
    *jwks_uri = arena_string(a, uri);
    return true;
}

const char *issuer_metadata_url(struct arena *a, struct bytes issuer)
{
    while (issuer.n && issuer.p[issuer.n - 1] == '/')
        issuer.n--;
    return arena_printf(a, "%.*s/.well-known/openid-configuration", (int)issuer.n, (const char *)issuer.p);
}
