/* The signing keys of a provider. The original has no such operations: there keys are the service's own business. */
#include "arm/answering.h"
#include "base/limits.h"

enum { KID_MOST = 64 }; /* api.md 5.2: 44 characters */

static void effect(struct answering *x, const struct resource *r, enum arm_effect_kind kind, struct bytes kid)
{
    *x->answer = (struct arm_answer){.status = 200, .effect = {.kind = kind, .issuer = r->issuer, .kid = kid}};
}

/* An object with these members alone, or nothing at all; false: refused. */
static bool read_body(struct answering *x, const char *member, const struct json **value)
{
    size_t budget = LIMIT_ARM_JSON_NODES;
    const struct json_rules rules = {.depth = LIMIT_ARM_JSON_DEPTH, .budget = &budget};
    const struct json *body = NULL;

    *value = NULL;
    if (!x->request->body.n)
        return true;
    if (json_parse(x->arena, x->request->body, &rules, &body, NULL) && body->kind == JSON_OBJECT) {
        *value = json_member(body, member);
        if (body->count == (*value ? 1 : 0))
            return true;
    }
    refuse(x, 400, "InvalidRequestContent", "The body is an object that has the member '%s' and no other.", member);
    return false;
}

void signing_keys_list(struct answering *x)
{
    const struct resource *r = found(x);

    if (r)
        effect(x, r, ARM_KEYS_SHOW, BYTES_NONE);
}

void signing_key_rotate(struct answering *x)
{
    const struct resource *r = found(x);
    const struct json *now;
    bool at_once = false;

    if (!r || !read_body(x, "now", &now))
        return;
    if (now && !json_boolean(now, &at_once))
        refuse(x, 400, "InvalidRequestContent", "'now' is true or false.");
    else
        effect(x, r, at_once ? ARM_KEYS_REPLACE : ARM_KEYS_PUBLISH, BYTES_NONE);
}

void signing_key_revoke(struct answering *x)
{
    const struct resource *r = found(x);
    const struct json *text;
    struct bytes kid;

    if (!r || !read_body(x, "kid", &text))
        return;
    if (!text || !json_text(text, &kid) || !kid.n || kid.n > KID_MOST)
        refuse(x, 400, "InvalidRequestContent",
               "'kid' names the signing key that is to be revoked, as the provider's /certs has it.");
    else
        effect(x, r, ARM_KEYS_REVOKE, kid);
}
