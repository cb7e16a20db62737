#include "arm/body.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "arm/names.h"
#include "base/limits.h"
#include "base/text.h"
#include "crypto/digest.h"

#define INVALID_CONTENT "InvalidRequestContent"
#define INVALID_SIGNER  "PolicySigningCertificate key is not an X509 security key"

struct reading {
    struct arena *arena;
    enum arm_version version;
    struct arm_refusal *why;
};

bool arm_refuse_body(struct arena *a, struct arm_refusal *why, const char *code, const char *format, ...)
{
    char text[FAULT_TEXT_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    *why = (struct arm_refusal){400, code, arena_copy(a, bytes_text(text))};
    return false;
}

/* What a person can read of a text of strangers. */
static const char *shown(struct reading *r, struct bytes text)
{
    return text_is_plain(text, 64) ? arena_string(r->arena, text) : "(not shown)";
}

static bool parse(struct reading *r, struct bytes body, const struct json **out)
{
    size_t budget = LIMIT_ARM_JSON_NODES;
    const struct json_rules rules = {.depth = LIMIT_ARM_JSON_DEPTH, .budget = &budget, .fold_case = true};
    struct fault fault = {0};

    if (!json_parse(r->arena, body, &rules, out, &fault))
        return arm_refuse_body(r->arena, r->why, INVALID_CONTENT, "The request content was invalid: %s", fault.text);
    return (*out)->kind == JSON_OBJECT ||
           arm_refuse_body(r->arena, r->why, INVALID_CONTENT, "The request content is not a JSON object.");
}

/* A member, unless it is null. */
static const struct json *given(const struct json *o, const char *name)
{
    const struct json *v = json_member_nocase(o, name);

    return v && v->kind != JSON_NULL ? v : NULL;
}

/* A member, and the versions that have it. */
struct member {
    const char *name; /* NULL ends the list */
    enum arm_version first, last;
};
#define ALWAYS(name)                                 \
    {                                                \
        name, ARM_2018_09_01_PREVIEW, ARM_2021_06_01 \
    }
#define SINCE(name, first)          \
    {                               \
        name, first, ARM_2021_06_01 \
    }
#define MEMBERS_END                                          \
    {                                                        \
        NULL, ARM_2018_09_01_PREVIEW, ARM_2018_09_01_PREVIEW \
    }

static bool member_known(struct reading *r, const struct json *m, const struct member *known, const char *where)
{
    for (; known->name; known++) {
        if (!bytes_is_nocase(m->name, known->name))
            continue;
        if (m->kind == JSON_NULL || (r->version >= known->first && r->version <= known->last))
            return true;
        return arm_refuse_body(r->arena, r->why, INVALID_CONTENT, "%s%s is a member of api-version %s%s.", where,
                               known->name, arm_version_name(known->first),
                               known->last == ARM_2021_06_01 ? " and later" : " alone");
    }
    return arm_refuse_body(r->arena, r->why, INVALID_CONTENT,
                           "The request content has a member that is not known: %s%s", where, shown(r, m->name));
}

static bool members_known(struct reading *r, const struct json *o, const struct member *known, const char *where)
{
    JSON_EACH (m, o)
        if (!member_known(r, m, known, where))
            return false;
    return true;
}

/* An object of the members; *out is NULL when it is not there. */
static bool object(struct reading *r, const struct json *parent, const char *name, const struct member *known,
                   const struct json **out)
{
    *out = given(parent, name);
    if (*out && (*out)->kind != JSON_OBJECT)
        return arm_refuse_body(r->arena, r->why, INVALID_CONTENT, "%s must be an object.", name);
    return members_known(r, *out, known, arena_printf(r->arena, "%s.", name));
}

/* A short text, empty when it is not there. */
static bool text(struct reading *r, const struct json *o, const char *name, struct bytes *out)
{
    const struct json *v = given(o, name);

    *out = BYTES_NONE;
    if (!v || (json_text(v, out) && text_is_plain(*out, LIMIT_ARM_TEXT)))
        return true;
    return arm_refuse_body(r->arena, r->why, INVALID_CONTENT,
                           "%s must be a text of at most %d bytes without control characters.", name, LIMIT_ARM_TEXT);
}

static bool tags(struct reading *r, const struct json *o, struct arm_body *out)
{
    const struct json *v = given(o, "tags");

    if (!v)
        return true;
    if (v->kind != JSON_OBJECT)
        return arm_refuse_body(r->arena, r->why, INVALID_CONTENT, "tags must be an object of texts.");
    if (v->count > LIMIT_ARM_TAGS)
        return arm_refuse_body(r->arena, r->why, "InvalidTags", "A resource has at most %d tags.", LIMIT_ARM_TAGS);
    struct arm_tag *list = ARENA_ARRAY(r->arena, struct arm_tag, v->count);
    JSON_EACH (m, v) {
        struct arm_tag *tag = &list[out->tag_count++];
        const char *fault;

        tag->name = m->name;
        if (!json_text(m, &tag->value))
            return arm_refuse_body(r->arena, r->why, INVALID_CONTENT, "The value of tag %s must be a text.",
                                   shown(r, m->name));
        if ((fault = tag_fault(tag->name, tag->value)) != NULL)
            return arm_refuse_body(r->arena, r->why, "InvalidTags", "The tag %s is not valid: %s.", shown(r, m->name),
                                   fault);
    }
    out->tags = list;
    out->tags_given = true;
    return true;
}

static bool a_switch(struct reading *r, const struct json *o, const char *name, enum arm_switch *out)
{
    const struct json *v = given(o, name);
    struct bytes value;

    if (!v || (json_text(v, &value) && arm_switch_find(value, out)))
        return true;
    return arm_refuse_body(r->arena, r->why, INVALID_CONTENT, "%s must be Enabled or Disabled.", name);
}

static bool switches(struct reading *r, const struct json *properties, struct arm_body *out)
{
    out->network_known = r->version >= ARM_2021_06_01_PREVIEW;
    out->tpm_known = r->version >= ARM_2021_06_01;
    return a_switch(r, properties, "publicNetworkAccess", &out->network) &&
           a_switch(r, properties, "tpmAttestationAuthentication", &out->tpm);
}

/* One key: its x5c again, each entry decoded and encoded, and the hash of its leaf. */
static bool signer(struct reading *r, const struct json *key, struct json *out, uint8_t hash[SHA256_SIZE])
{
    const struct json *x5c = given(key, "x5c");
    struct json *chain = json_new(r->arena, JSON_ARRAY);

    if (!x5c || x5c->kind != JSON_ARRAY || x5c->count == 0 || x5c->count > LIMIT_CHAIN)
        return arm_refuse_body(r->arena, r->why, "InvalidParameter", INVALID_SIGNER);
    JSON_EACH (item, x5c) {
        struct bytes encoded, der;

        if (!json_text(item, &encoded) || !base64_decode(r->arena, encoded, &der, NULL) || !der.n)
            return arm_refuse_body(r->arena, r->why, "InvalidParameter", INVALID_SIGNER);
        if (item == x5c->first)
            sha256(der, hash);
        json_append(chain, json_new_text(r->arena, base64_encode(r->arena, der)));
    }
    JSON_SET(out, "x5c", chain);
    return true;
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, SHA256_SIZE);
}

/* Of a set: in order, each once. */
static struct bytes hash_of_set(struct arena *a, uint8_t (*hashes)[SHA256_SIZE], size_t count)
{
    struct writer w = wr_open(a);

    qsort(hashes, count, sizeof *hashes, by_bytes);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || memcmp(hashes[i], hashes[i - 1], sizeof *hashes) != 0)
            wr_put(&w, BYTES_OF(hashes[i]));
    return sha256_of(a, wr_done(&w));
}

static bool signers(struct reading *r, const struct json *properties, struct arm_body *out)
{
    static const char *const where = "policySigningCertificates";
    const struct json *set = given(properties, where), *keys = given(set, "keys");
    uint8_t hashes[LIMIT_SIGNERS][SHA256_SIZE];

    out->signers_given = set != NULL;
    if ((set && set->kind != JSON_OBJECT) || (keys && keys->kind != JSON_ARRAY))
        return arm_refuse_body(r->arena, r->why, INVALID_CONTENT, "%s must be a set of keys, {\"keys\": [...]}.",
                               where);
    if (!keys || keys->count == 0)
        return true;
    if (keys->count > LIMIT_SIGNERS)
        return arm_refuse_body(r->arena, r->why, INVALID_CONTENT, "%s has at most %d keys.", where, LIMIT_SIGNERS);
    struct json *jwks = json_new(r->arena, JSON_OBJECT), *list = json_new(r->arena, JSON_ARRAY);
    JSON_EACH (key, keys) {
        struct json *one = json_new(r->arena, JSON_OBJECT);

        if (!signer(r, key, one, hashes[out->signer_count++]))
            return false;
        json_append(list, one);
    }
    JSON_SET(jwks, "keys", list);
    out->signers = json_print(r->arena, jwks, JSON_IN_ORDER);
    out->signers_hash = hash_of_set(r->arena, hashes, out->signer_count);
    return true;
}

/* attestationPolicy is the name of a policy. What is no name is a policy, and whoever sends it here believes that it will be in
 * force, which it would not. */
static bool policy_name(struct reading *r, const struct json *properties, struct arm_body *out)
{
    if (!text(r, properties, "attestationPolicy", &out->policy_name))
        return false;
    if (!out->policy_name.n || (name_is_connection(out->policy_name) && !bytes_begin(out->policy_name, "eyJ")))
        return true;
    return arm_refuse_body(r->arena, r->why, INVALID_CONTENT,
                           "attestationPolicy is the name of a policy. Set a policy itself at the provider, with PUT "
                           "/policies/TYPE.");
}

bool arm_body_create(struct arena *a, struct bytes body, enum arm_version version, struct arm_body *out,
                     struct arm_refusal *why)
{
    static const struct member members[] = {ALWAYS("location"), ALWAYS("tags"), ALWAYS("properties"), ALWAYS("id"),
                                            ALWAYS("name"),     ALWAYS("type"), ALWAYS("systemData"), MEMBERS_END};
    static const struct member inner[] = {ALWAYS("policySigningCertificates"),
                                          SINCE("publicNetworkAccess", ARM_2021_06_01_PREVIEW),
                                          SINCE("tpmAttestationAuthentication", ARM_2021_06_01),
                                          {"attestationPolicy", ARM_2018_09_01_PREVIEW, ARM_2018_09_01_PREVIEW},
                                          ALWAYS("trustModel"), /* this one and the next three are read-only */
                                          ALWAYS("status"),
                                          ALWAYS("attestUri"),
                                          ALWAYS("privateEndpointConnections"),
                                          MEMBERS_END};
    struct reading r = {a, version, why};
    const struct json *root, *properties;

    *out = (struct arm_body){0};
    if (!parse(&r, body, &root) || !members_known(&r, root, members, "") ||
        !object(&r, root, "properties", inner, &properties) || !text(&r, root, "location", &out->location))
        return false;
    if (!out->location.n)
        return arm_refuse_body(a, why, "LocationRequired", "The location property is required for this definition.");
    return tags(&r, root, out) && switches(&r, properties, out) && signers(&r, properties, out) &&
           policy_name(&r, properties, out) && text(&r, properties, "trustModel", &out->trust_model);
}

bool arm_body_update(struct arena *a, struct bytes body, enum arm_version version, struct arm_body *out,
                     struct arm_refusal *why)
{
    static const struct member members[] = {ALWAYS("tags"), ALWAYS("properties"), MEMBERS_END};
    static const struct member inner[] = {SINCE("publicNetworkAccess", ARM_2021_06_01_PREVIEW),
                                          SINCE("tpmAttestationAuthentication", ARM_2021_06_01), MEMBERS_END};
    struct reading r = {a, version, why};
    const struct json *root, *properties;

    *out = (struct arm_body){0};
    return parse(&r, body, &root) && members_known(&r, root, members, "") &&
           object(&r, root, "properties", inner, &properties) && tags(&r, root, out) && switches(&r, properties, out);
}

/* {"status", "description", "actionsRequired"}. Without a status the connection is approved: approval is automatic. */
static bool connection_state(struct reading *r, const struct json *properties, struct arm_connection *out)
{
    static const struct member members[] = {ALWAYS("status"), ALWAYS("description"), ALWAYS("actionsRequired"),
                                            MEMBERS_END};
    const struct json *state;
    struct bytes status;

    if (!object(r, properties, "privateLinkServiceConnectionState", members, &state))
        return false;
    if (!state)
        return arm_refuse_body(r->arena, r->why, INVALID_CONTENT,
                               "properties.privateLinkServiceConnectionState is required.");
    if (!text(r, state, "status", &status) || !text(r, state, "description", &out->description) ||
        !text(r, state, "actionsRequired", &out->actions))
        return false;
    out->status = ARM_APPROVED;
    if (!status.n) {
        if (!out->description.n)
            out->description = BYTES_LIT("Auto-Approved");
        return true;
    }
    return arm_approval_find(status, &out->status) ||
           arm_refuse_body(r->arena, r->why, INVALID_CONTENT, "status must be Pending, Approved or Rejected.");
}

bool arm_body_connection(struct arena *a, struct bytes body, struct bytes name, struct arm_connection *out,
                         struct arm_refusal *why)
{
    static const struct member members[] = {ALWAYS("properties"), ALWAYS("id"),         ALWAYS("name"),
                                            ALWAYS("type"),       ALWAYS("systemData"), MEMBERS_END};
    static const struct member inner[] = {ALWAYS("privateEndpoint"), ALWAYS("privateLinkServiceConnectionState"),
                                          ALWAYS("provisioningState"), MEMBERS_END};
    static const struct member endpoint_members[] = {ALWAYS("id"), MEMBERS_END};
    struct reading r = {a, ARM_2021_06_01, why};
    const struct json *root, *properties, *endpoint;

    *out = (struct arm_connection){.name = name};
    return parse(&r, body, &root) && members_known(&r, root, members, "") &&
           object(&r, root, "properties", inner, &properties) &&
           object(&r, properties, "privateEndpoint", endpoint_members, &endpoint) &&
           text(&r, endpoint, "id", &out->endpoint) && connection_state(&r, properties, out);
}
