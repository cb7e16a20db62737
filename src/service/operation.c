#include "service/operation.h"

#include "service/arm_routes.h"
#include "service/submit.h"

enum extent { WHOLE, ONE_MORE /* segment */, ANY_MORE };

static const struct {
    enum operation_class class;
    const char *method; /* NULL: any */
    enum extent extent;
    const char *path, *name;
} operations[] = {
    {OPERATION_PUBLIC, NULL, WHOLE, "/certs", "GetSigningCertificates"},
    {OPERATION_PUBLIC, NULL, WHOLE, "/.well-known/openid-configuration", "GetOpenIdMetadata"},
    {OPERATION_PUBLIC, NULL, WHOLE, "/.well-known/assay-measurements", "GetMeasurements"},
    {OPERATION_PUBLIC, NULL, WHOLE, "/servicehealth", "GetServiceHealth"},
    {OPERATION_PUBLIC, NULL, WHOLE, "/healthz", "GetServiceHealth"},
    {OPERATION_PUBLIC, NULL, WHOLE, "/readyz", "GetServiceHealth"},
    {OPERATION_PUBLIC, NULL, WHOLE, "/metrics", "GetMetrics"},
    {OPERATION_MANAGE, "GET", ONE_MORE, "/policies/", "GetCurrentPolicy"},
    {OPERATION_MANAGE, "PUT", ONE_MORE, "/policies/", "SetCurrentPolicy"},
    {OPERATION_MANAGE, "POST", ONE_MORE, "/policies/", "ResetCurrentPolicy"},
    {OPERATION_MANAGE, "GET", WHOLE, "/certificates", "GetPolicyCertificates"},
    {OPERATION_MANAGE, "POST", WHOLE, "/certificates:add", "AddPolicyCertificate"},
    {OPERATION_MANAGE, "POST", WHOLE, "/certificates:remove", "RemovePolicyCertificate"},
    {OPERATION_MANAGE, "GET", ONE_MORE, "/tcbbaselines/", "GetTcbBaselines"},
    {OPERATION_MANAGE, "GET", WHOLE, "/operations/policy/current", "GetCurrentPolicy"},
    {OPERATION_MANAGE, "POST", WHOLE, "/operations/policy/updatepolicy", "PrepareToSetPolicy"},
    {OPERATION_MANAGE, "PUT", WHOLE, "/operations/policy/current", "SetCurrentPolicy"},
    {OPERATION_MANAGE, "POST", WHOLE, "/operations/policy/current", "ResetCurrentPolicy"},
    {OPERATION_MANAGE, "GET", WHOLE, "/operations/policy/certificates", "GetPolicyCertificates"},
    {OPERATION_MANAGE, "PUT", WHOLE, "/operations/policy/certificates", "AddPolicyCertificate"},
    {OPERATION_MANAGE, "POST", WHOLE, "/operations/policy/certificates", "RemovePolicyCertificate"},
    {OPERATION_MANAGE, "GET", ONE_MORE, "/assay/v1/shadow/", "GetShadowPolicy"},
    {OPERATION_MANAGE, "PUT", ONE_MORE, "/assay/v1/shadow/", "SetShadowPolicy"},
    {OPERATION_MANAGE, "POST", ONE_MORE, "/assay/v1/shadow/", "ResetShadowPolicy"},
    {OPERATION_MANAGE, "POST", ONE_MORE, "/assay/v1/explain/", "ExplainAttestation"},
    {OPERATION_MANAGE, "GET", ANY_MORE, "/assay/v1/history/", "GetHistory"},
    {OPERATION_MANAGE, "GET", WHOLE, "/assay/v1/keeping", "GetKeeping"},
    {OPERATION_MANAGE, "PUT", WHOLE, "/assay/v1/keeping", "SetKeeping"},
    {OPERATION_MANAGE, "DELETE", WHOLE, "/assay/v1/keeping", "StopKeeping"},
    {OPERATION_MANAGE, "GET", ANY_MORE, "/assay/v1/kept/", "GetKeptInputs"},
};

static bool is_at(struct bytes path, const char *pattern, enum extent extent)
{
    size_t n = strlen(pattern);
    struct bytes rest;

    switch (extent) {
    case WHOLE: return path_is(path, pattern);
    case ONE_MORE: return path_below(path, pattern, &rest);
    case ANY_MORE: return path.n > n && bytes_is_nocase(bytes_first(path, n), pattern);
    }
    return false;
}

static struct operation control_operation(const struct exchange *e)
{
    struct arm_route route;
    const char *methods;

    if (arm_routes_find(e, &route, &methods) != ARM_FOUND)
        return (struct operation){OPERATION_UNKNOWN, "Unknown"};
    return (struct operation){OPERATION_CONTROL, arm_operation_name(route.operation)};
}

struct operation operation_of(const struct service *s, struct exchange *e)
{
    struct bytes type;

    if (arm_routes_take(s, e))
        return control_operation(e);
    if (strcmp(e->method, "POST") == 0 && path_below(e->path, "/attest/", &type) &&
        !bytes_is_nocase(type, "VbsEnclave")) {
        const struct policy_kind *kind = policy_kind_find(type);

        if (kind)
            return (struct operation){OPERATION_ATTEST, arena_printf(&e->arena, "Attest%s", kind->name)};
    }
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
        if ((!operations[i].method || strcmp(operations[i].method, e->method) == 0) &&
            is_at(e->path, operations[i].path, operations[i].extent))
            return (struct operation){operations[i].class, operations[i].name};
    return (struct operation){OPERATION_UNKNOWN, "Unknown"};
}
