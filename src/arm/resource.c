/* What callers see of a resource. */
#include "arm/resource.h"

#include "arm/names.h"
#include "base/clock.h"
#include "base/limits.h"

static const char *const version_names[ARM_VERSIONS] = {
    [ARM_2018_09_01_PREVIEW] = "2018-09-01-preview",
    [ARM_2020_10_01] = "2020-10-01",
    [ARM_2021_06_01_PREVIEW] = "2021-06-01-preview",
    [ARM_2021_06_01] = "2021-06-01",
};
static const char *const switch_names[] = {[ARM_ENABLED] = "Enabled", [ARM_DISABLED] = "Disabled"};
static const char *const approval_names[] = {
    [ARM_PENDING] = "Pending", [ARM_APPROVED] = "Approved", [ARM_REJECTED] = "Rejected"};
static const char *const author_names[] = {[ARM_USER] = "User",
                                           [ARM_APPLICATION] = "Application",
                                           [ARM_MANAGED_IDENTITY] = "ManagedIdentity",
                                           [ARM_KEY] = "Key"};

const char *arm_version_name(enum arm_version v)
{
    return version_names[v];
}

bool arm_version_find(struct bytes name, enum arm_version *out)
{
    for (int i = 0; i < ARM_VERSIONS; i++)
        if (bytes_is_nocase(name, version_names[i])) {
            *out = (enum arm_version)i;
            return true;
        }
    return false;
}

const char *arm_switch_name(enum arm_switch s)
{
    return switch_names[s];
}

bool arm_switch_find(struct bytes name, enum arm_switch *out)
{
    *out = bytes_is_nocase(name, "Enabled")    ? ARM_ENABLED
           : bytes_is_nocase(name, "Disabled") ? ARM_DISABLED
                                               : ARM_UNSET;
    return *out != ARM_UNSET;
}

const char *arm_approval_name(enum arm_approval s)
{
    return approval_names[s];
}

bool arm_approval_find(struct bytes name, enum arm_approval *out)
{
    for (int i = 0; i < ARM_APPROVALS; i++)
        if (bytes_is_nocase(name, approval_names[i])) {
            *out = (enum arm_approval)i;
            return true;
        }
    return false;
}

const char *arm_author_name(enum arm_author s)
{
    return author_names[s];
}

struct bytes resource_id(struct arena *a, const struct resource *r)
{
    struct writer w = wr_open(a);

    if (r->owner != ARM_SHARED) {
        wr_text(&w, "/subscriptions/");
        wr_put(&w, r->subscription);
        wr_text(&w, "/resourceGroups/");
        wr_put(&w, r->group);
    }
    wr_text(&w, "/providers/" ARM_PROVIDER_TYPE "/");
    wr_put(&w, r->name);
    return wr_done(&w);
}

bool resource_is(const struct resource *r, struct bytes subscription, struct bytes group, struct bytes name)
{
    return bytes_equal_nocase(r->name, name) && bytes_equal_nocase(r->group, group) &&
           bytes_equal_nocase(r->subscription, subscription);
}

const struct arm_connection *resource_connection(const struct resource *r, struct bytes name)
{
    for (size_t i = 0; i < r->connection_count; i++)
        if (bytes_equal_nocase(r->connections[i].name, name))
            return &r->connections[i];
    return NULL;
}

static void set_text(struct arena *a, struct json *o, const char *name, struct bytes text)
{
    json_set(o, bytes_text(name), json_new_text(a, text));
}

static void set_some(struct arena *a, struct json *o, const char *name, struct bytes text)
{
    if (text.n)
        set_text(a, o, name, text);
}

/* null when it was never set. */
static void set_switch(struct arena *a, struct json *o, const char *name, enum arm_switch s)
{
    json_set(o, bytes_text(name),
             s == ARM_UNSET ? json_new(a, JSON_NULL) : json_new_text(a, bytes_text(switch_names[s])));
}

static void set_stamp(struct arena *a, struct json *o, const char *prefix, const struct arm_stamp *stamp)
{
    char time[32];

    if (!stamp->at)
        return;
    time_format(stamp->at, time);
    set_some(a, o, arena_printf(a, "%sBy", prefix), stamp->by);
    set_text(a, o, arena_printf(a, "%sByType", prefix), bytes_text(author_names[stamp->kind]));
    set_text(a, o, arena_printf(a, "%sAt", prefix), bytes_text(arena_printf(a, "%s", time)));
}

static void set_system_data(struct arena *a, struct json *o, const struct resource *r)
{
    struct json *data = json_new(a, JSON_OBJECT);

    set_stamp(a, data, "created", &r->created);
    set_stamp(a, data, "lastModified", &r->modified);
    if (data->count)
        JSON_SET(o, "systemData", data);
}

struct json *connection_json(struct arena *a, const struct resource *r, const struct arm_connection *c)
{
    struct json *o = json_new(a, JSON_OBJECT), *properties = json_new(a, JSON_OBJECT),
                *state = json_new(a, JSON_OBJECT), *endpoint = json_new(a, JSON_OBJECT);
    struct writer id = wr_open(a);

    wr_put(&id, resource_id(a, r));
    wr_text(&id, "/privateEndpointConnections/");
    wr_put(&id, c->name);
    set_text(a, o, "id", wr_done(&id));
    set_text(a, o, "name", c->name);
    set_text(a, o, "type", BYTES_LIT(ARM_CONNECTION_TYPE));
    if (c->endpoint.n) {
        set_text(a, endpoint, "id", c->endpoint);
        JSON_SET(properties, "privateEndpoint", endpoint);
    }
    set_text(a, state, "status", bytes_text(approval_names[c->status]));
    set_some(a, state, "description", c->description);
    set_some(a, state, "actionsRequired", c->actions);
    JSON_SET(properties, "privateLinkServiceConnectionState", state);
    set_text(a, properties, "provisioningState", BYTES_LIT("Succeeded"));
    JSON_SET(o, "properties", properties);
    return o;
}

static struct json *properties_json(struct arena *a, const struct resource *r, enum arm_version version)
{
    struct json *o = json_new(a, JSON_OBJECT);

    set_text(a, o, "trustModel", bytes_text(r->isolated ? "Isolated" : "AAD"));
    set_text(a, o, "status", BYTES_LIT("Ready"));
    set_text(a, o, "attestUri", r->issuer);
    if (version == ARM_2021_06_01 || (version == ARM_2021_06_01_PREVIEW && r->public_network_access != ARM_UNSET))
        set_switch(a, o, "publicNetworkAccess", r->public_network_access);
    if (version >= ARM_2020_10_01 && r->connection_count) {
        struct json *list = json_new(a, JSON_ARRAY);

        for (size_t i = 0; i < r->connection_count; i++)
            json_append(list, connection_json(a, r, &r->connections[i]));
        JSON_SET(o, "privateEndpointConnections", list);
    }
    if (version == ARM_2021_06_01)
        set_switch(a, o, "tpmAttestationAuthentication", r->tpm_authentication);
    return o;
}

struct json *resource_json(struct arena *a, const struct resource *r, enum arm_version version)
{
    struct json *o = json_new(a, JSON_OBJECT);

    set_text(a, o, "id", resource_id(a, r));
    set_text(a, o, "name", r->name);
    set_text(a, o, "type", BYTES_LIT(ARM_PROVIDER_TYPE));
    set_text(a, o, "location", r->location);
    if (r->tag_count) {
        struct json *tags = json_new(a, JSON_OBJECT);

        for (size_t i = 0; i < r->tag_count; i++)
            json_set(tags, r->tags[i].name, json_new_text(a, r->tags[i].value));
        JSON_SET(o, "tags", tags);
    }
    if (version >= ARM_2020_10_01)
        set_system_data(a, o, r);
    JSON_SET(o, "properties", properties_json(a, r, version));
    return o;
}

/* Bytes of UTF-8 that begin a character. */
static size_t characters(struct bytes text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++)
        n += (text.p[i] & 0xc0) != 0x80;
    return n;
}

const char *tag_fault(struct bytes name, struct bytes value)
{
    if (name.n == 0 || characters(name) > LIMIT_ARM_TAG_NAME)
        return "a tag's name has 1 to 512 characters";
    if (characters(value) > LIMIT_ARM_TAG_VALUE)
        return "a tag's value has at most 256 characters";
    if (!text_is_plain(name, name.n) || !text_is_plain(value, value.n))
        return "a tag has no control characters";
    for (size_t i = 0; i < name.n; i++)
        if (strchr("<>%&\\?/", name.p[i]))
            return "a tag's name has none of the characters <>%&\\?/";
    return NULL;
}
