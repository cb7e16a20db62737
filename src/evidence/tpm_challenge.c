#include "evidence/tpm_challenge.h"

#include "base/text.h"
#include "crypto/aead.h"

#define NO_KEY "no key is at hand here that protects service contexts: send protocol messages to the service"

enum { CONTEXT_VERSION = 1, CONTEXT_TEXT_MOST = 4096 };

struct bytes challenge_envelope(struct arena *a, struct json *message)
{
    struct json *inner = json_new(a, JSON_OBJECT), *outer = json_new(a, JSON_OBJECT);

    JSON_SET(inner, "payload", message);
    JSON_SET(outer, "data", json_new_text(a, base64url_encode(a, json_print(a, inner, JSON_IN_ORDER))));
    return json_print(a, outer, JSON_IN_ORDER);
}

struct bytes challenge_context_of(struct arena *a, struct bytes reply)
{
    const struct json *outer, *inner;
    struct bytes text, context;

    if (json_parse(a, reply, NULL, &outer, NULL) && json_text(json_member(outer, "data"), &text) &&
        base64_decode(a, text, &text, NULL) && json_parse(a, text, NULL, &inner, NULL) &&
        json_text(json_member(json_member(inner, "payload"), "service_context"), &context) &&
        base64_decode(a, context, &context, NULL))
        return context;
    return BYTES_NONE;
}

static uint64_t generation_at(int64_t time)
{
    return (uint64_t)time / CONTEXT_GENERATION;
}

/* ProtectionKeyName: it tells clients nothing, and us which generation. */
static struct bytes key_name(struct arena *a, struct bytes issuer, uint64_t generation)
{
    struct writer w = wr_open(a);

    wr_printf(&w, "service context key %llu of ", (unsigned long long)generation);
    wr_put(&w, issuer);
    return hex_encode_upper(a, sha256_of(a, wr_done(&w)));
}

static struct bytes write_context(struct exam *x, struct bytes challenge)
{
    struct writer w = wr_open(x->arena);

    wr_u8(&w, CONTEXT_VERSION);
    wr_put(&w, challenge);
    wr_u64le(&w, (uint64_t)x->time);
    wr_u64le(&w, (uint64_t)(x->time + CHALLENGE_SECONDS));
    wr_put(&w, x->issuer);
    return wr_done(&w);
}

static bool read_context(const struct exam *x, struct bytes plain, struct service_context *out)
{
    struct reader r = rd_open(plain);
    uint8_t version = rd_u8(&r);

    out->challenge = rd_take(&r, CHALLENGE_SIZE);
    out->issued = (int64_t)rd_u64le(&r);
    out->expires = (int64_t)rd_u64le(&r);
    struct bytes issuer = rd_rest(&r);
    return rd_end(&r) && version == CONTEXT_VERSION && bytes_equal(issuer, x->issuer);
}

static struct bytes context_text(struct exam *x, const struct sealing *s, struct bytes sealed)
{
    struct json *context = json_new(x->arena, JSON_OBJECT);
    struct writer w = wr_open(x->arena);

    wr_put(&w, s->iv);
    wr_put(&w, sealed);
    JSON_SET(context, "ProtectionKeyName", json_new_text(x->arena, key_name(x->arena, s->issuer, s->generation)));
    JSON_SET(context, "ProtectedContext", json_new_text(x->arena, base64url_encode(x->arena, wr_done(&w))));
    return base64url_encode(x->arena, json_print(x->arena, context, JSON_IN_ORDER));
}

static bool refuse(struct exam *x, const char *why)
{
    if (check_that(x, ATTREQ_CONTEXT, false))
        return true;
    check_note(x->trace, "%s", why);
    return false;
}

bool challenge_give(struct exam *x)
{
    struct bytes challenge = bytes_first(x->entropy, CHALLENGE_SIZE);
    struct bytes iv = bytes_first(bytes_after(x->entropy, CHALLENGE_SIZE), AEAD_IV_SIZE), sealed;
    const struct sealing s = {x->issuer, generation_at(x->time), iv, write_context(x, challenge)};
    bool ok = challenge.n == CHALLENGE_SIZE && iv.n == AEAD_IV_SIZE && x->sealer &&
              x->sealer->seal(x->sealer->context, &s, x->arena, &sealed);

    if (!ok)
        return refuse(x, x->sealer ? "the signer does not seal it" : NO_KEY);
    struct json *message = json_new(x->arena, JSON_OBJECT);
    JSON_SET(message, "challenge", json_new_text(x->arena, base64url_encode(x->arena, challenge)));
    JSON_SET(message, "service_context", json_new_text(x->arena, context_text(x, &s, sealed)));
    x->reply = challenge_envelope(x->arena, message);
    return true;
}

/* The two parts of a context's text. */
static const char *read_parts(struct exam *x, struct bytes text, struct bytes *name, struct bytes *sealed)
{
    const struct json *o;
    struct bytes protected;

    if (text.n > CONTEXT_TEXT_MOST || !json_parse(x->arena, text, NULL, &o, NULL) || o->kind != JSON_OBJECT)
        return "it is no JSON object";
    if (!json_text(json_member(o, "ProtectionKeyName"), name) ||
        !json_text(json_member(o, "ProtectedContext"), &protected) || !base64_decode(x->arena, protected, sealed, NULL))
        return "it has not both ProtectionKeyName and ProtectedContext";
    return NULL;
}

/* NULL, or why not. A context outlives the change of generations by less than one. */
static const char *open_context(struct exam *x, struct bytes text, struct service_context *out)
{
    uint64_t generation = generation_at(x->time);
    struct bytes name, sealed, plain;
    const char *why = read_parts(x, text, &name, &sealed);

    if (why)
        return why;
    if (!bytes_equal(name, key_name(x->arena, x->issuer, generation)))
        generation--;
    if (!bytes_equal(name, key_name(x->arena, x->issuer, generation)))
        return "its key is another provider's, or is used no more";
    const struct sealing s = {x->issuer, generation, bytes_first(sealed, AEAD_IV_SIZE),
                              bytes_after(sealed, AEAD_IV_SIZE)};
    if (!x->sealer->open(x->sealer->context, &s, x->arena, &plain) || !read_context(x, plain, out))
        return "it was changed, or made under another sealing key";
    return NULL;
}

bool challenge_open(struct exam *x, struct bytes context, struct service_context *out)
{
    *out = (struct service_context){0};
    const char *why = x->sealer ? open_context(x, context, out) : NO_KEY;
    if (!why)
        return check_that(x, ATTREQ_CONTEXT, true);
    *out = (struct service_context){0}; /* it answers no challenge and is over, whatever a mutant says of this check */
    return refuse(x, why);
}
