#include "cli/token_key.h"

#include "cli/show.h"

/* The key of one entry: of its first certificate, or its own numbers. */
static bool key_of(struct arena *a, const struct json *entry, struct public_key *key, const char **whose)
{
    const struct certificate *c;

    if (!jwk_decode_listed(a, entry, key, &c, NULL))
        return false;
    *whose = c ? arena_printf(a, "certificate of %s", arena_string(a, show_name(a, c->subject))) : "bare key";
    return true;
}

bool token_key_find(struct arena *a, const struct jws *jws, const struct json *keys, struct token_key *out,
                    struct fault *fault)
{
    struct bytes other;
    bool listed = false;

    *out = (struct token_key){.step = "key"};
    out->named = json_text(json_member(jws->header, "kid"), &out->kid);
    JSON_EACH (entry, keys) {
        struct public_key key;
        bool same = json_text(json_member(entry, "kid"), &other) && bytes_equal(out->kid, other);

        if (out->named && !same)
            continue;
        listed = listed || same;
        if (key_of(a, entry, &key, &out->whose)) {
            if (jws_verify(jws, &key))
                return true;
        } else if (out->named) {
            return fault_set(fault, FAULT_CRYPTO, "the key of this kid is of a kind or size that is not accepted");
        }
    }
    if (out->named && !listed)
        return fault_set(fault, FAULT_CRYPTO, "the issuer lists no key with kid %s", arena_string(a, out->kid));
    out->step = "signature";
    return fault_set(fault, FAULT_CRYPTO, "%s does not verify%s", signature_alg_name(jws->alg),
                     out->named ? "" : " under any key of the issuer");
}
