#include "claims/claims_json.h"

static const char *const issuers[] = {
    [ISSUER_SERVICE] = "AttestationService",
    [ISSUER_POLICY] = "AttestationPolicy",
    [ISSUER_CUSTOM] = "CustomClaim",
};

const char *claim_issuer_name(enum claim_issuer issuer)
{
    return issuers[issuer];
}

bool claim_issuer_by_name(struct bytes name, enum claim_issuer *out)
{
    for (size_t i = 0; i < sizeof issuers / sizeof *issuers; i++)
        if (bytes_is(name, issuers[i])) {
            *out = (enum claim_issuer)i;
            return true;
        }
    return false;
}

bool claim_value_from_json(const struct json *v, struct claim_value *out)
{
    *out = (struct claim_value){0};
    if (!v)
        return false;
    switch (v->kind) {
    case JSON_STRING: *out = (struct claim_value){.kind = CLAIM_STRING, .text = v->text}; return true;
    case JSON_INTEGER: *out = (struct claim_value){.kind = CLAIM_INTEGER, .integer = v->integer}; return true;
    case JSON_TRUE:
    case JSON_FALSE: *out = (struct claim_value){.kind = CLAIM_BOOLEAN, .integer = v->kind == JSON_TRUE}; return true;
    default: return false;
    }
}

static bool read_claim(const struct json *item, struct claim *out, struct fault *fault)
{
    const struct json *issuer = json_member(item, "issuer"), *read_only = json_member(item, "read_only");
    struct bytes name = BYTES_NONE;
    bool locked = false;

    *out = (struct claim){.issuer = ISSUER_SERVICE, .flags = CLAIM_POLICY};
    if (!json_text(json_member(item, "type"), &out->type))
        return fault_set(fault, FAULT_SYNTAX, "a claim needs a type, which is a string");
    if (!claim_value_from_json(json_member(item, "value"), &out->value))
        return fault_set(fault, FAULT_SYNTAX, "the value of a claim is a string, a 64-bit integer or a Boolean");
    if (issuer && (!json_text(issuer, &name) || !claim_issuer_by_name(name, &out->issuer)))
        return fault_set(fault, FAULT_SYNTAX,
                         "the issuer of a claim is AttestationService, AttestationPolicy or CustomClaim");
    if (read_only && !json_boolean(read_only, &locked))
        return fault_set(fault, FAULT_SYNTAX, "read_only is true or false");
    if (locked)
        out->flags |= CLAIM_READ_ONLY;
    return true;
}

bool claims_from_json(struct claims *out, const struct json *list, struct fault *fault)
{
    if (!list || list->kind != JSON_ARRAY)
        return fault_set(fault, FAULT_SYNTAX, "claims are a list of objects");
    JSON_EACH (item, list) {
        struct claim claim;

        if (!read_claim(item, &claim, fault))
            return false;
        claims_add(out, claim);
    }
    return true;
}
