/* The operations that change something. */
#include "arm/answering.h"
#include "arm/names.h"
#include "base/limits.h"

static struct arm_stamp stamp(const struct answering *x)
{
    struct bytes by = x->request->caller.name;

    return (struct arm_stamp){text_is_plain(by, LIMIT_ARM_TEXT) ? by : BYTES_NONE, x->request->caller.kind,
                              x->request->time};
}

/* Providers of the configuration change there. */
static bool may_change(struct answering *x, const struct resource *r)
{
    if (r->owner == ARM_TENANT)
        return true;
    refuse(x, 409, "Conflict",
           "This provider is made by the configuration of the service. It is changed and removed there.");
    return false;
}

/* The record of a resource that is to be stored; false: refused. */
static bool record_of(struct answering *x, const struct resource *r, struct bytes *out)
{
    *out = resource_record(x->arena, r);
    if (out->n <= LIMIT_ARM_RECORD)
        return true;
    refuse(x, 413, "RequestEntityTooLarge", "With its tags and connections the provider would take more than %d bytes.",
           LIMIT_ARM_RECORD);
    return false;
}

/* The provider is to become `next`; false: refused. Nothing is stored when only the hour would differ. */
static bool updated(struct answering *x, const struct resource *old, struct resource *next)
{
    struct arm_effect effect = {.kind = ARM_UPDATE, .issuer = old->issuer};

    next->modified = old->modified;
    if (bytes_equal(resource_record(x->arena, old), resource_record(x->arena, next))) {
        *x->answer = (struct arm_answer){0};
        return true;
    }
    next->modified = stamp(x);
    if (!may_change(x, old) || !record_of(x, next, &effect.record))
        return false;
    *x->answer = (struct arm_answer){.effect = effect};
    return true;
}

/* Fill in what answers 200, keeping the effect. */
static void give_updated(struct answering *x, const struct json *body)
{
    struct arm_effect effect = x->answer->effect;

    give(x, 200, body);
    x->answer->effect = effect;
}

static void take_settings(const struct arm_body *body, struct resource *r)
{
    if (body->tags_given) {
        r->tags = body->tags;
        r->tag_count = body->tag_count;
    }
    if (body->network != ARM_UNSET)
        r->public_network_access = body->network;
    if (body->tpm != ARM_UNSET)
        r->tpm_authentication = body->tpm;
}

static bool location_known(struct answering *x, struct bytes location, const struct region **out)
{
    *out = regions_find(x->regions, location);
    if (*out)
        return true;
    refuse(x, 400, "LocationNotAvailableForResourceType",
           "The provided location is not available for resource type '%s'. List of available regions for the resource "
           "type is '%s'.",
           ARM_PROVIDER_TYPE, arena_string(x->arena, regions_list(x->arena, x->regions)));
    return false;
}

/* What a caller believes the trust model to be is what it will be. */
static bool trust_as_expected(struct answering *x, const struct arm_body *body, bool isolated)
{
    if (!body->trust_model.n || bytes_is_nocase(body->trust_model, isolated ? "Isolated" : "AAD"))
        return true;
    refuse(
        x, 400, "InvalidRequestContent",
        "trustModel is read-only: it is Isolated when policySigningCertificates has keys at the creation, else AAD.");
    return false;
}

/* Creations under way are not counted: what is bounded is the memory of every node, and a few more do no harm. */
static bool has_room(struct answering *x)
{
    size_t most = x->request->providers_most;

    if (!most || x->directory->count(x->directory->context, x->route->subscription) < most)
        return true;
    refuse(x, 409, "QuotaExceeded", "The subscription has as many providers as one may: %zu. Delete one first.", most);
    return false;
}

static void create_new(struct answering *x, const struct arm_body *body)
{
    struct arm_effect effect = {.kind = ARM_CREATE, .signers = body->signers};
    const struct region *region;

    if (!location_known(x, body->location, &region) || !trust_as_expected(x, body, body->signer_count > 0))
        return;
    struct resource r = {.owner = ARM_TENANT,
                         .subscription = x->route->subscription,
                         .group = x->route->group,
                         .name = x->route->name,
                         .location = body->location,
                         .region = region->code,
                         .issuer = regions_issuer(x->arena, x->regions, x->route->name, region->code),
                         .isolated = body->signer_count > 0,
                         .signers = body->signers_hash,
                         .policy_name = body->policy_name,
                         .created = stamp(x),
                         .modified = stamp(x)};
    take_settings(body, &r);
    if (x->directory->find_issuer(x->directory->context, r.issuer)) {
        refuse(x, 409, "NameNotAvailable", "The name '%s' is taken in this region. Choose another one.",
               arena_string(x->arena, r.name));
        return;
    }
    effect.issuer = r.issuer;
    if (!has_room(x) || !record_of(x, &r, &effect.record))
        return;
    give(x, 201, resource_json(x->arena, &r, x->version));
    x->answer->location = arena_printf(x->arena, "%s/", arena_string(x->arena, r.issuer));
    x->answer->effect = effect;
}

/* The certificates of a creation are given once; later ones are added and removed at the provider, signed. Whoever repeats a creation
 * repeats its set, or leaves it out: it cannot be read back. */
static bool signers_unchanged(struct answering *x, const struct arm_body *body, const struct resource *old)
{
    if (!body->signers_given || bytes_equal(body->signers_hash, old->signers))
        return true;
    refuse(x, 400, "InvalidRequestContent",
           "The trust model and the policySigningCertificates of a provider are chosen at its creation and cannot be "
           "changed here. Certificates are added and removed at the provider (POST /certificates:add, :remove).");
    return false;
}

static void create_again(struct answering *x, const struct arm_body *body, const struct resource *old)
{
    const struct region *region;
    struct resource next = *old;

    if (!location_known(x, body->location, &region))
        return;
    if (!bytes_equal(region->code, old->region)) {
        refuse(x, 409, "InvalidResourceLocation",
               "The provider '%s' already exists in location '%s'. It cannot move; choose another name.",
               arena_string(x->arena, old->name), arena_string(x->arena, old->location));
        return;
    }
    if (!signers_unchanged(x, body, old) || !trust_as_expected(x, body, old->isolated))
        return;
    /* A creation says all of what its version knows, and nothing of the rest. */
    next.tags = NULL;
    next.tag_count = 0;
    if (body->network_known)
        next.public_network_access = ARM_UNSET;
    if (body->tpm_known)
        next.tpm_authentication = ARM_UNSET;
    take_settings(body, &next);
    if (updated(x, old, &next))
        give_updated(x, resource_json(x->arena, &next, x->version));
}

void provider_create(struct answering *x)
{
    const struct resource *old = look(x);
    struct arm_refusal why;
    struct arm_body body;

    if (!arm_body_create(x->arena, x->request->body, x->version, &body, &why))
        refuse_as(x, &why);
    else if (old)
        create_again(x, &body, old);
    else
        create_new(x, &body);
}

void provider_update(struct answering *x)
{
    const struct resource *old = found(x);
    struct arm_refusal why;
    struct arm_body body;

    if (!old)
        return;
    if (!arm_body_update(x->arena, x->request->body, x->version, &body, &why)) {
        refuse_as(x, &why);
        return;
    }
    struct resource next = *old;
    take_settings(&body, &next);
    if (updated(x, old, &next))
        give_updated(x, resource_json(x->arena, &next, x->version));
}

void provider_delete(struct answering *x)
{
    const struct resource *old = look(x);

    if (!old) {
        give(x, 204, NULL);
        return;
    }
    if (!may_change(x, old))
        return;
    give(x, 200, NULL);
    x->answer->effect = (struct arm_effect){.kind = ARM_DELETE, .issuer = old->issuer};
}

/* A provider's connections in memory that may be written, with room for one more. */
static struct arm_connection *connections_copy(struct answering *x, const struct resource *r)
{
    struct arm_connection *list = ARENA_ARRAY(x->arena, struct arm_connection, r->connection_count + 1);

    for (size_t i = 0; i < r->connection_count; i++)
        list[i] = r->connections[i];
    return list;
}

void connection_create(struct answering *x)
{
    const struct resource *old = found(x);
    const struct arm_connection *before;
    struct arm_connection connection;
    struct arm_refusal why;

    if (!old)
        return;
    if (!arm_body_connection(x->arena, x->request->body, x->route->connection, &connection, &why)) {
        refuse_as(x, &why);
        return;
    }
    before = resource_connection(old, connection.name);
    if (before) {
        connection.name = before->name; /* as it was spelled first */
        if (!connection.endpoint.n)
            connection.endpoint = before->endpoint;
    } else if (old->connection_count == LIMIT_ARM_CONNECTIONS) {
        refuse(x, 400, "TooManyConnections", "A provider has at most %d private endpoint connections.",
               LIMIT_ARM_CONNECTIONS);
        return;
    }
    struct resource next = *old;
    struct arm_connection *list = connections_copy(x, old);
    list[before ? before - old->connections : (ptrdiff_t)next.connection_count++] = connection;
    next.connections = list;
    if (updated(x, old, &next))
        give_updated(x, connection_json(x->arena, &next, &connection));
}

void connection_delete(struct answering *x)
{
    const struct resource *old = look(x);
    const struct arm_connection *gone = old ? resource_connection(old, x->route->connection) : NULL;

    if (!gone) {
        give(x, 204, NULL);
        return;
    }
    struct resource next = *old;
    struct arm_connection *list = connections_copy(x, old);
    next.connection_count--;
    for (size_t i = (size_t)(gone - old->connections); i < next.connection_count; i++)
        list[i] = list[i + 1];
    next.connections = list;
    if (updated(x, old, &next))
        give_updated(x, NULL);
}
