/* An appraisal told whole, for whoever writes the policy. */
#include "base/check_json.h"
#include "core/core.h"

static struct json *checks_json(struct arena *a, const struct trace *t)
{
    struct json *list = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < t->n; i++)
        json_append(list, check_json(a, &t->entries[i], true));
    return list;
}

const char *core_decision(const struct appraisal *x)
{
    const struct trace_entry *failure = trace_failure(x->exam.trace);

    if (x->permitted)
        return "permit";
    if (x->run.decision == POLICY_ERROR)
        return "error";
    return failure && failure->id == CHECK_POLICY_PERMIT ? "deny" : "refused";
}

/* Claims that the evidence proves. Nothing is proved by what was refused. */
static struct json *claims_json_of(const struct appraisal *x)
{
    struct arena *a = x->exam.arena;
    struct claims proved;

    claims_init(&proved, a);
    for (size_t i = 0; i < x->exam.incoming.n; i++)
        if (x->exam.incoming.v[i].issuer != ISSUER_POLICY)
            claims_add(&proved, x->exam.incoming.v[i]);
    return claims_object(a, &proved, CLAIM_POLICY);
}

void core_explain(struct appraisal *x, struct arena *a, const struct snapshot *snapshot,
                  const struct core_request *request, const struct sealer *sealer, struct cache *cache)
{
    struct core_request asked = *request;
    const struct mint seals = {.sealer = sealer ? *sealer : (struct sealer){0}};
    struct json *o = json_new(a, JSON_OBJECT);
    bool refused;

    asked.explain = true;
    core_attest(x, a, snapshot, &asked, &seals, cache);
    if (x->answer.status != 200 && x->answer.status != 400)
        return;
    refused = strcmp(core_decision(x), "refused") == 0;
    JSON_SET(o, "decision", json_new_text(a, bytes_text(core_decision(x))));
    JSON_SET(o, "error", x->answer.code ? error_object(a, x->answer.code, x->answer.message) : json_new(a, JSON_NULL));
    JSON_SET(o, "draft", json_new_boolean(a, x->draft));
    JSON_SET(o, "policyHash", x->policy_hash.n ? json_new_text(a, x->policy_hash) : json_new(a, JSON_NULL));
    JSON_SET(o, "checks", checks_json(a, x->exam.trace));
    JSON_SET(o, "claims", refused ? json_new(a, JSON_OBJECT) : claims_json_of(x));
    JSON_SET(o, "issued", claims_object(a, &x->run.outgoing, 0));
    JSON_SET(o, "properties", claims_object_last(a, &x->run.properties));
    JSON_SET(o, "trace", policy_trace_json(a, &x->run));
    x->answer =
        (struct answer){.status = 200, .body = json_print(a, o, JSON_IN_ORDER), .failed_check = x->answer.failed_check};
}
