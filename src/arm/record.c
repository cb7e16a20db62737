/* What the store keeps of a resource. */
#include "arm/names.h"
#include "arm/resource.h"
#include "base/limits.h"
#include "base/text.h"
#include "crypto/digest.h"

/* Times are written as seconds; what is empty or unset is left out. */

static void put_text(struct arena *a, struct json *o, const char *name, struct bytes text)
{
    if (text.n)
        json_set(o, bytes_text(name), json_new_text(a, text));
}

static void put_name(struct arena *a, struct json *o, const char *name, const char *value)
{
    if (value)
        put_text(a, o, name, bytes_text(value));
}

static void put_stamp(struct arena *a, struct json *o, const char *name, const struct arm_stamp *stamp)
{
    struct json *v = json_new(a, JSON_OBJECT);

    if (!stamp->at)
        return;
    put_text(a, v, "by", stamp->by);
    put_name(a, v, "kind", arm_author_name(stamp->kind));
    JSON_SET(v, "at", json_new_integer(a, stamp->at));
    json_set(o, bytes_text(name), v);
}

static void put_tags(struct arena *a, struct json *o, const struct resource *r)
{
    struct json *tags = json_new(a, JSON_OBJECT);

    for (size_t i = 0; i < r->tag_count; i++)
        json_set(tags, r->tags[i].name, json_new_text(a, r->tags[i].value));
    if (r->tag_count)
        JSON_SET(o, "tags", tags);
}

static void put_connections(struct arena *a, struct json *o, const struct resource *r)
{
    struct json *list = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < r->connection_count; i++) {
        const struct arm_connection *c = &r->connections[i];
        struct json *v = json_new(a, JSON_OBJECT);

        put_text(a, v, "name", c->name);
        put_text(a, v, "endpoint", c->endpoint);
        put_name(a, v, "status", arm_approval_name(c->status));
        put_text(a, v, "description", c->description);
        put_text(a, v, "actions", c->actions);
        json_append(list, v);
    }
    if (r->connection_count)
        JSON_SET(o, "connections", list);
}

struct bytes resource_record(struct arena *a, const struct resource *r)
{
    struct json *o = json_new(a, JSON_OBJECT);

    put_text(a, o, "subscription", r->subscription);
    put_text(a, o, "group", r->group);
    put_text(a, o, "name", r->name);
    put_text(a, o, "location", r->location);
    put_text(a, o, "region", r->region);
    put_text(a, o, "issuer", r->issuer);
    JSON_SET(o, "isolated", json_new_boolean(a, r->isolated));
    if (r->signers.n)
        put_text(a, o, "signers", base64url_encode(a, r->signers));
    put_text(a, o, "policyName", r->policy_name);
    put_name(a, o, "publicNetworkAccess", arm_switch_name(r->public_network_access));
    put_name(a, o, "tpmAuthentication", arm_switch_name(r->tpm_authentication));
    put_tags(a, o, r);
    put_connections(a, o, r);
    put_stamp(a, o, "created", &r->created);
    put_stamp(a, o, "modified", &r->modified);
    return json_print(a, o, JSON_IN_ORDER);
}

static bool wrong(struct fault *fault, const char *what)
{
    return fault_set(fault, FAULT_SYNTAX, "the record of a provider: %s", what);
}

/* Every member is one of the list, which ends with NULL. */
static bool members_known(const struct json *o, const char *const *names, struct fault *fault)
{
    if (!o || o->kind != JSON_OBJECT)
        return wrong(fault, "an object is missing");
    JSON_EACH (m, o) {
        const char *const *name = names;

        while (*name && !bytes_is(m->name, *name))
            name++;
        if (!*name)
            return wrong(fault, "a member that this version does not know");
    }
    return true;
}

/* An optional text; out is empty without it. */
static bool get_text(const struct json *o, const char *name, struct bytes *out)
{
    const struct json *v = json_member(o, name);

    *out = BYTES_NONE;
    return !v || (json_text(v, out) && out->n && text_is_plain(*out, LIMIT_ARM_TEXT));
}

static bool get_switch(const struct json *o, const char *name, enum arm_switch *out)
{
    struct bytes text;

    *out = ARM_UNSET;
    return get_text(o, name, &text) &&
           (!text.n || (arm_switch_find(text, out) && bytes_is(text, arm_switch_name(*out))));
}

static bool get_stamp(const struct json *o, const char *name, struct arm_stamp *out, struct fault *fault)
{
    static const char *const members[] = {"by", "kind", "at", NULL};
    const struct json *v = json_member(o, name);
    struct bytes kind;

    *out = (struct arm_stamp){0};
    if (!v)
        return true;
    if (!members_known(v, members, fault) || !get_text(v, "by", &out->by) || !get_text(v, "kind", &kind) ||
        !json_integer(json_member(v, "at"), &out->at) || out->at <= 0)
        return wrong(fault, "who changed it, or when");
    for (int i = 0; i < ARM_AUTHORS; i++)
        if (bytes_is(kind, arm_author_name((enum arm_author)i))) {
            out->kind = (enum arm_author)i;
            return true;
        }
    return wrong(fault, "the kind of who changed it");
}

static bool get_tags(struct arena *a, const struct json *v, struct resource *r, struct fault *fault)
{
    if (!v)
        return true;
    if (v->kind != JSON_OBJECT || v->count == 0 || v->count > LIMIT_ARM_TAGS)
        return wrong(fault, "its tags");
    struct arm_tag *tags = ARENA_ARRAY(a, struct arm_tag, v->count);
    JSON_EACH (m, v) {
        struct arm_tag *tag = &tags[r->tag_count++];

        tag->name = m->name;
        if (!json_text(m, &tag->value) || tag_fault(tag->name, tag->value))
            return wrong(fault, "a tag");
    }
    r->tags = tags;
    return true;
}

static bool get_connection(const struct json *v, struct arm_connection *c, struct fault *fault)
{
    static const char *const members[] = {"name", "endpoint", "status", "description", "actions", NULL};
    struct bytes status;

    return (members_known(v, members, fault) && get_text(v, "name", &c->name) && name_is_connection(c->name) &&
            get_text(v, "endpoint", &c->endpoint) && get_text(v, "status", &status) &&
            arm_approval_find(status, &c->status) && bytes_is(status, arm_approval_name(c->status)) &&
            get_text(v, "description", &c->description) && get_text(v, "actions", &c->actions)) ||
           wrong(fault, "a private endpoint connection");
}

static bool get_connections(struct arena *a, const struct json *v, struct resource *r, struct fault *fault)
{
    if (!v)
        return true;
    if (v->kind != JSON_ARRAY || v->count == 0 || v->count > LIMIT_ARM_CONNECTIONS)
        return wrong(fault, "its private endpoint connections");
    struct arm_connection *list = ARENA_ARRAY(a, struct arm_connection, v->count);
    r->connections = list;
    JSON_EACH (m, v) {
        struct arm_connection *c = &list[r->connection_count];

        if (!get_connection(m, c, fault))
            return false;
        if (resource_connection(r, c->name))
            return wrong(fault, "a private endpoint connection twice");
        r->connection_count++;
    }
    return true;
}

/* The issuer must be that of name and region; which domain is the service's to know. */
static bool get_names(struct arena *a, const struct json *o, struct resource *r, struct fault *fault)
{
    if (!get_text(o, "subscription", &r->subscription) || !name_is_subscription(r->subscription) ||
        !get_text(o, "group", &r->group) || !name_is_group(r->group) || !get_text(o, "name", &r->name) ||
        !name_is_provider(r->name) || !get_text(o, "location", &r->location) || !r->location.n ||
        !get_text(o, "region", &r->region) || !name_is_region_code(r->region) || !get_text(o, "issuer", &r->issuer))
        return wrong(fault, "one of its names");
    struct bytes begin = regions_issuer(a, &(struct regions){0}, r->name, r->region);
    if (r->issuer.n <= begin.n || !bytes_equal(bytes_first(r->issuer, begin.n), begin))
        return wrong(fault, "the issuer is not that of its name and region");
    return true;
}

/* A trust model with certificates at its creation and one without, no other. */
static bool get_trust(struct arena *a, const struct json *o, struct resource *r, struct fault *fault)
{
    struct bytes text;

    if (!json_boolean(json_member(o, "isolated"), &r->isolated) || !get_text(o, "signers", &text) ||
        (text.n && !base64url_decode_strict(a, text, &r->signers)) || r->signers.n != (r->isolated ? SHA256_SIZE : 0))
        return wrong(fault, "its trust model");
    return true;
}

bool resource_read(struct arena *a, struct bytes record, struct resource *out, struct fault *fault)
{
    static const char *const members[] = {"subscription",
                                          "group",
                                          "name",
                                          "location",
                                          "region",
                                          "issuer",
                                          "isolated",
                                          "signers",
                                          "policyName",
                                          "tags",
                                          "connections",
                                          "publicNetworkAccess",
                                          "created",
                                          "modified",
                                          "tpmAuthentication",
                                          NULL};
    size_t budget = LIMIT_ARM_JSON_NODES;
    const struct json_rules rules = {.depth = LIMIT_ARM_JSON_DEPTH, .budget = &budget};
    const struct json *o;

    *out = (struct resource){.owner = ARM_TENANT};
    if (record.n > LIMIT_ARM_RECORD)
        return fault_set(fault, FAULT_LIMIT, "the record of a provider is larger than %d bytes", LIMIT_ARM_RECORD);
    if (!json_parse(a, record, &rules, &o, fault) || !members_known(o, members, fault) ||
        !get_names(a, o, out, fault) || !get_trust(a, o, out, fault))
        return false;
    if (!get_text(o, "policyName", &out->policy_name) ||
        !get_switch(o, "publicNetworkAccess", &out->public_network_access) ||
        !get_switch(o, "tpmAuthentication", &out->tpm_authentication))
        return wrong(fault, "a setting");
    return get_tags(a, json_member(o, "tags"), out, fault) &&
           get_connections(a, json_member(o, "connections"), out, fault) &&
           get_stamp(o, "created", &out->created, fault) && get_stamp(o, "modified", &out->modified, fault);
}
