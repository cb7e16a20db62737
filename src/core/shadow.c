/* Shadow policies: a second opinion that decides nothing. */
#include "core/core.h"

enum { REASON_MAX = 300 };

static const struct provider_policy *shadow_of(const struct appraisal *x)
{
    for (size_t i = 0; i < x->provider->policy_count; i++) {
        const struct provider_policy *p = &x->provider->policies[i];

        if (p->slot == SLOT_SHADOW && p->attester == x->attester && p->text.n)
            return p;
    }
    return NULL;
}

bool core_shadow_due(const struct appraisal *x)
{
    return x->decoded && !x->draft && shadow_of(x);
}

/* The first name that one set of members has with another value, or not at all. */
static bool first_difference(struct arena *a, const struct json *ours, const struct json *other, struct bytes *name)
{
    JSON_EACH (item, ours) {
        const struct json *same = json_member(other, arena_string(a, item->name));

        if (!same || !bytes_equal(json_print(a, item, JSON_SORTED), json_print(a, same, JSON_SORTED))) {
            *name = item->name;
            return true;
        }
    }
    return false;
}

static bool sets_differ(struct arena *a, const struct claims *active, const struct claims *shadow, struct bytes *name)
{
    const struct json *ours = claims_object(a, active, 0), *other = claims_object(a, shadow, 0);

    return first_difference(a, ours, other, name) || first_difference(a, other, ours, name);
}

static void differ(struct arena *a, struct shadow_result *out, enum shadow_outcome outcome, const char *what,
                   struct bytes detail)
{
    out->outcome = outcome;
    out->reason = bytes_first(
        bytes_text(arena_printf(a, "%s%.*s", what, (int)bytes_first(detail, REASON_MAX).n, (const char *)detail.p)),
        REASON_MAX);
}

/* A policy that cannot be read or run, as opposed to one that says no. */
static bool failed_itself(const struct appraisal *y)
{
    const struct trace_entry *failure = trace_failure(y->exam.trace);

    return !failure || failure->id == CHECK_POLICY_PARSE || failure->id == CHECK_POLICY_CONFIGURATION ||
           failure->id == CHECK_POLICY_TCB_IDENTIFIER || failure->id == CHECK_POLICY_EVALUATION;
}

static void compare(const struct appraisal *x, struct appraisal *y, struct shadow_result *out)
{
    struct arena *a = y->exam.arena;
    struct bytes name;

    if (!y->permitted && failed_itself(y))
        differ(a, out, SHADOW_ERROR, "", y->run.error.n ? y->run.error : trace_message(y->exam.trace, a));
    else if (x->permitted && !y->permitted)
        differ(a, out, SHADOW_WOULD_DENY, y->run.deciding_rule.n ? "by the rule " : "",
               y->run.deciding_rule.n ? y->run.deciding_rule : trace_message(y->exam.trace, a));
    else if (!x->permitted && y->permitted)
        differ(a, out, SHADOW_WOULD_PERMIT, "refused now: ", trace_message(x->exam.trace, a));
    else if (x->permitted && sets_differ(a, &x->run.outgoing, &y->run.outgoing, &name))
        differ(a, out, SHADOW_CLAIMS_DIFFER, "issued claim ", name);
    else if (x->permitted && sets_differ(a, &x->run.properties, &y->run.properties, &name))
        differ(a, out, SHADOW_CLAIMS_DIFFER, "property ", name);
}

void core_shadow(const struct appraisal *x, struct shadow_result *out)
{
    const struct provider_policy *policy = shadow_of(x);
    struct arena *a = x->exam.arena;
    struct appraisal y = {.provider = x->provider, .attester = x->attester, .policy_text = policy->text, .draft = true};

    /* As a draft: its reasons name the rule, they go to the tenant; nothing of it is answered to the caller. */
    y.exam = (struct exam){.arena = a,
                           .trace = trace_new(a),
                           .endorsements = x->exam.endorsements,
                           .settings = &x->provider->settings,
                           .issuer = x->exam.issuer,
                           .cache = x->exam.cache,
                           .time = x->exam.time,
                           .entropy = x->exam.entropy,
                           .evidence = x->exam.evidence,
                           .required = x->exam.required};
    claims_init(&y.exam.incoming, a);
    for (size_t i = 0; i < x->decoded; i++) { /* decoding is not done again: its checks stand */
        struct trace *t = y.exam.trace;

        t->entries = ARENA_ROOM(a, t->entries, t->n, &t->cap);
        t->entries[t->n++] = x->exam.trace->entries[i];
    }
    *out = (struct shadow_result){
        .issuer = x->provider->issuer, .kind = policy->kind, .policy_hash = policy_hash(a, policy->text)};
    core_judge(&y, true);
    compare(x, &y, out);
}
