/* Which operation, and those that change nothing. */
#include "arm/answer.h"

#include <stdarg.h>
#include <stdio.h>

#include "arm/answering.h"
#include "arm/names.h"
#include "base/limits.h"

struct bytes arm_error(struct arena *a, const char *code, struct bytes message)
{
    struct json *root = json_new(a, JSON_OBJECT), *error = json_new(a, JSON_OBJECT);

    JSON_SET(error, "code", json_new_text(a, bytes_text(code)));
    JSON_SET(error, "message", json_new_text(a, message));
    JSON_SET(root, "error", error);
    return json_print(a, root, JSON_IN_ORDER);
}

void give(struct answering *x, int status, const struct json *body)
{
    *x->answer = (struct arm_answer){.status = status};
    if (body)
        x->answer->body = json_print(x->arena, body, JSON_IN_ORDER);
}

void refuse_as(struct answering *x, const struct arm_refusal *why)
{
    *x->answer = (struct arm_answer){
        .status = why->status, .code = why->code, .body = arm_error(x->arena, why->code, why->message)};
}

void refuse(struct answering *x, int status, const char *code, const char *format, ...)
{
    char text[2 * FAULT_TEXT_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    refuse_as(x, &(struct arm_refusal){status, code, bytes_text(text)});
}

const struct resource *look(struct answering *x)
{
    return x->directory->find(x->directory->context, x->route->subscription, x->route->group, x->route->name);
}

const struct resource *found(struct answering *x)
{
    const struct resource *r = look(x);

    if (!r)
        refuse(x, 404, "ResourceNotFound", "The Resource '%s/%s' under resource group '%s' was not found.",
               ARM_PROVIDER_TYPE, arena_string(x->arena, x->route->name), arena_string(x->arena, x->route->group));
    return r;
}

/* A list under way: {"value":[…]} as text, since the trees of thousands of providers would be many times that. */
struct listing {
    struct answering *x;
    struct writer out;
    size_t count;
    bool full;
};

static bool list_one(void *to, const struct resource *r)
{
    struct listing *list = to;
    struct arena scratch;

    arena_init(&scratch, LIMIT_REQUEST_MEMORY);
    struct bytes text = json_print(&scratch, resource_json(&scratch, r, list->x->version), JSON_IN_ORDER);
    list->full = list->out.n + text.n > LIMIT_ARM_LIST;
    if (!list->full) {
        if (list->count++)
            wr_u8(&list->out, ',');
        wr_put(&list->out, text);
    }
    arena_free(&scratch);
    return !list->full;
}

static struct listing list_open(struct answering *x)
{
    struct listing list = {.x = x, .out = wr_open(x->arena)};

    wr_text(&list.out, "{\"value\":[");
    return list;
}

static void list_close(struct listing *list)
{
    if (list->full) {
        refuse(list->x, 413, "ResponseTooLarge",
               "There are more providers than one answer holds. List them by resource group.");
        return;
    }
    wr_text(&list->out, "]}");
    *list->x->answer = (struct arm_answer){.status = 200, .body = wr_done(&list->out)};
}

static void providers_list(struct answering *x)
{
    struct listing list = list_open(x);

    x->directory->each(x->directory->context, x->route->subscription, x->route->group, list_one, &list);
    list_close(&list);
}

static void defaults_list(struct answering *x)
{
    struct listing list = list_open(x);

    x->directory->defaults(x->directory->context, list_one, &list);
    list_close(&list);
}

static void provider_get(struct answering *x)
{
    const struct resource *r = found(x);

    if (r)
        give(x, 200, resource_json(x->arena, r, x->version));
}

struct by_region {
    struct bytes code;
    const struct resource *found;
};

static bool of_region(void *to, const struct resource *r)
{
    struct by_region *wanted = to;

    if (bytes_equal(r->region, wanted->code))
        wanted->found = r;
    return !wanted->found;
}

static void default_get(struct answering *x)
{
    const struct region *region = regions_find(x->regions, x->route->location);
    struct by_region wanted = {.code = region ? region->code : BYTES_NONE};

    if (region)
        x->directory->defaults(x->directory->context, of_region, &wanted);
    if (wanted.found)
        give(x, 200, resource_json(x->arena, wanted.found, x->version));
    else
        refuse(x, 404, "ResourceNotFound", "There is no default provider in this location.");
}

static void connections_list(struct answering *x)
{
    const struct resource *r = found(x);
    struct json *o = json_new(x->arena, JSON_OBJECT), *list = json_new(x->arena, JSON_ARRAY);

    if (!r)
        return;
    for (size_t i = 0; i < r->connection_count; i++)
        json_append(list, connection_json(x->arena, r, &r->connections[i]));
    JSON_SET(o, "value", list);
    give(x, 200, o);
}

static void connection_get(struct answering *x)
{
    const struct resource *r = found(x);
    const struct arm_connection *c = r ? resource_connection(r, x->route->connection) : NULL;

    if (c)
        give(x, 200, connection_json(x->arena, r, c));
    else if (r)
        refuse(x, 404, "ResourceNotFound", "The provider has no private endpoint connection '%s'.",
               arena_string(x->arena, x->route->connection));
}

static struct json *text_value(struct answering *x, struct bytes text)
{
    return json_new_text(x->arena, text);
}

/* The domain without its port. */
static struct bytes zone(struct answering *x)
{
    struct bytes domain = x->regions->domain;
    size_t n = 0;

    while (n < domain.n && domain.p[n] != ':')
        n++;
    return bytes_text(arena_printf(x->arena, "privatelink.%s", arena_string(x->arena, bytes_first(domain, n))));
}

static struct json *list_of(struct answering *x, struct bytes text)
{
    struct json *list = json_new(x->arena, JSON_ARRAY);

    json_append(list, text_value(x, text));
    return list;
}

static void link_resources_list(struct answering *x)
{
    const struct resource *r = found(x);
    struct arena *a = x->arena;
    struct json *o = json_new(a, JSON_OBJECT), *list = json_new(a, JSON_ARRAY), *one = json_new(a, JSON_OBJECT),
                *properties = json_new(a, JSON_OBJECT);

    if (!r)
        return;
    char *id = arena_printf(a, "%s/privateLinkResources/tenant", arena_string(a, resource_id(a, r)));
    JSON_SET(one, "id", text_value(x, bytes_text(id)));
    JSON_SET(one, "name", text_value(x, BYTES_LIT("tenant")));
    JSON_SET(one, "type", text_value(x, BYTES_LIT(ARM_PROVIDER_TYPE "/privateLinkResources")));
    JSON_SET(properties, "groupId", text_value(x, BYTES_LIT("standard")));
    JSON_SET(properties, "requiredMembers", list_of(x, BYTES_LIT("default")));
    JSON_SET(properties, "requiredZoneNames", list_of(x, zone(x)));
    JSON_SET(one, "properties", properties);
    json_append(list, one);
    JSON_SET(o, "value", list);
    give(x, 200, o);
}

static void operations_list(struct answering *x)
{
    static const struct {
        const char *name, *operation, *description;
    } rows[] = {
        {"read", "Read policies and certificates", "Reads policies, policy management certificates and TCB baselines."},
        {"write", "Change policies and certificates", "Sets policies and adds policy management certificates."},
        {"delete", "Remove policies and certificates", "Resets policies and removes policy management certificates."},
    };
    struct arena *a = x->arena;
    struct json *o = json_new(a, JSON_OBJECT), *list = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct json *one = json_new(a, JSON_OBJECT), *display = json_new(a, JSON_OBJECT);

        JSON_SET(one, "name",
                 text_value(x, bytes_text(arena_printf(a, ARM_PROVIDER_TYPE "/attestation/%s", rows[i].name))));
        JSON_SET(display, "provider", text_value(x, BYTES_LIT("Assay attestation")));
        JSON_SET(display, "resource", text_value(x, BYTES_LIT("Attestation")));
        JSON_SET(display, "operation", text_value(x, bytes_text(rows[i].operation)));
        JSON_SET(display, "description", text_value(x, bytes_text(rows[i].description)));
        JSON_SET(one, "display", display);
        json_append(list, one);
    }
    JSON_SET(o, "value", list);
    give(x, 200, o);
}

static bool version_taken(struct answering *x)
{
    struct writer known = wr_open(x->arena);

    if (!x->request->version) {
        refuse(x, 400, "MissingApiVersionParameter",
               "The api-version query parameter (?api-version=) is required for all requests.");
        return false;
    }
    if (arm_version_find(bytes_text(x->request->version), &x->version))
        return true;
    for (int i = 0; i < ARM_VERSIONS; i++)
        wr_printf(&known, "%s%s", i ? "," : "", arm_version_name((enum arm_version)i));
    refuse(x, 400, "InvalidApiVersionParameter", "The api-version is invalid. The supported versions are '%s'.",
           arena_string(x->arena, wr_done(&known)));
    return false;
}

/* What the path names, as far as it does. */
static bool names_taken(struct answering *x)
{
    const struct arm_route *r = x->route;

    if (r->subscription.n && !name_is_subscription(r->subscription))
        refuse(x, 400, "InvalidSubscriptionId",
               "A subscription's identifier has 1 to %d letters, digits, hyphens and underscores.",
               LIMIT_ARM_SUBSCRIPTION);
    else if (r->group.n && !name_is_group(r->group))
        refuse(x, 400, "InvalidResourceGroup",
               "The name of a resource group has 1 to %d letters, digits, underscores, hyphens, periods and "
               "parentheses, and no period at its end.",
               LIMIT_ARM_GROUP);
    else if (r->name.n && !name_is_provider(r->name))
        refuse(x, 400, "InvalidResourceName",
               "The name of a provider has 3 to 24 letters, digits and hyphens. It becomes a host name, so it has no "
               "hyphen at either end, nor in both its third and fourth place.");
    else if (r->connection.n && !name_is_connection(r->connection))
        refuse(x, 400, "InvalidResourceName",
               "The name of a private endpoint connection has 1 to %d letters, digits, underscores, hyphens and "
               "periods, and begins with a letter or digit.",
               LIMIT_ARM_CONNECTION);
    else
        return true;
    return false;
}

void arm_answer(struct arena *a, const struct arm_directory *directory, const struct regions *regions,
                const struct arm_request *request, struct arm_answer *answer)
{
    static const struct {
        arm_operation_run *run;
        enum arm_version first;
    } operations[ARM_OPERATION_COUNT] = {
        [ARM_OPERATIONS_LIST] = {operations_list, ARM_2018_09_01_PREVIEW},
        [ARM_PROVIDERS_LIST] = {providers_list, ARM_2018_09_01_PREVIEW},
        [ARM_PROVIDERS_LIST_BY_GROUP] = {providers_list, ARM_2018_09_01_PREVIEW},
        [ARM_PROVIDER_GET] = {provider_get, ARM_2018_09_01_PREVIEW},
        [ARM_PROVIDER_CREATE] = {provider_create, ARM_2018_09_01_PREVIEW},
        [ARM_PROVIDER_UPDATE] = {provider_update, ARM_2018_09_01_PREVIEW},
        [ARM_PROVIDER_DELETE] = {provider_delete, ARM_2018_09_01_PREVIEW},
        [ARM_DEFAULTS_LIST] = {defaults_list, ARM_2018_09_01_PREVIEW},
        [ARM_DEFAULT_GET] = {default_get, ARM_2018_09_01_PREVIEW},
        [ARM_CONNECTIONS_LIST] = {connections_list, ARM_2020_10_01},
        [ARM_CONNECTION_GET] = {connection_get, ARM_2020_10_01},
        [ARM_CONNECTION_CREATE] = {connection_create, ARM_2020_10_01},
        [ARM_CONNECTION_DELETE] = {connection_delete, ARM_2020_10_01},
        [ARM_LINK_RESOURCES_LIST] = {link_resources_list, ARM_2021_06_01_PREVIEW},
        [ARM_KEYS_LIST] = {signing_keys_list, ARM_2018_09_01_PREVIEW},
        [ARM_KEY_ROTATE] = {signing_key_rotate, ARM_2018_09_01_PREVIEW},
        [ARM_KEY_REVOKE] = {signing_key_revoke, ARM_2018_09_01_PREVIEW},
    };
    struct answering x = {.arena = a,
                          .directory = directory,
                          .regions = regions,
                          .request = request,
                          .route = &request->route,
                          .answer = answer};

    *answer = (struct arm_answer){0};
    if (!version_taken(&x) || !names_taken(&x))
        return;
    if (x.version < operations[x.route->operation].first)
        refuse(&x, 404, "InvalidResourceType",
               "The resource type could not be found in the namespace 'Microsoft.Attestation' for api version '%s'.",
               arm_version_name(x.version));
    else
        operations[x.route->operation].run(&x);
}
