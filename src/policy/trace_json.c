/* The one JSON form of a policy's trace (policy.h). */
#include "base/limits.h"
#include "claims/claims_json.h"
#include "policy/policy.h"

static struct json *text_json(struct arena *a, struct bytes text)
{
    size_t n = LIMIT_TRACE_TEXT;
    struct writer w;

    if (text.n <= n)
        return json_new_text(a, text);
    while (n && (text.p[n] & 0xc0) == 0x80)
        n--; /* not in the middle of a character */
    w = wr_open(a);
    wr_put(&w, bytes_first(text, n));
    wr_text(&w, "…");
    return json_new_text(a, wr_done(&w));
}

static struct json *count_json(struct arena *a, size_t n)
{
    return json_new_integer(a, (int64_t)n);
}

static struct json *string_json(struct arena *a, const char *text)
{
    return json_new_text(a, bytes_text(text));
}

static struct json *value_json(struct arena *a, const struct claim_value *v)
{
    return v->kind == CLAIM_STRING ? text_json(a, v->text) : claim_value_json(a, v);
}

static struct json *values_json(struct arena *a, const struct policy_trace_values *set)
{
    struct json *o = json_new(a, JSON_OBJECT), *values = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < set->listed; i++)
        json_append(values, value_json(a, &set->v[i]));
    JSON_SET(o, "count", count_json(a, set->count));
    JSON_SET(o, "values", values);
    return o;
}

static void set_claim(struct arena *a, struct json *o, const struct claim *c)
{
    JSON_SET(o, "type", text_json(a, c->type));
    JSON_SET(o, "value", value_json(a, &c->value));
    JSON_SET(o, "issuer", string_json(a, claim_issuer_name(c->issuer)));
}

static struct json *claim_json(struct arena *a, const struct policy_trace_claim *c)
{
    struct json *o = json_new(a, JSON_OBJECT);

    JSON_SET(o, "index", count_json(a, c->index));
    set_claim(a, o, &c->claim);
    return o;
}

static struct json *miss_json(struct arena *a, const struct policy_trace_miss *m, size_t comparisons)
{
    struct json *o;

    if (!m)
        return json_new(a, JSON_NULL);
    o = json_new(a, JSON_OBJECT);
    JSON_SET(o, "claim", claim_json(a, &m->claim));
    JSON_SET(o, "satisfied", count_json(a, m->satisfied));
    JSON_SET(o, "comparisons", count_json(a, comparisons));
    JSON_SET(o, "property", string_json(a, m->property));
    JSON_SET(o, "operator", string_json(a, m->operation));
    JSON_SET(o, "found", value_json(a, &m->found));
    JSON_SET(o, "expected", values_json(a, &m->expected));
    return o;
}

static struct json *condition_json(struct arena *a, const struct policy_trace_condition *c)
{
    static const char *const results[] = {
        [TRACE_NOT_REACHED] = "not reached", [TRACE_HELD] = "held", [TRACE_FALSE] = "false", [TRACE_FAILED] = "failed"};
    struct json *o = json_new(a, JSON_OBJECT), *matched = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < c->listed; i++)
        json_append(matched, claim_json(a, &c->matched[i]));
    JSON_SET(o, "condition", text_json(a, c->text));
    JSON_SET(o, "negated", json_new_boolean(a, c->negated));
    JSON_SET(o, "result", string_json(a, results[c->result]));
    JSON_SET(o, "matches", count_json(a, c->matches));
    JSON_SET(o, "matched", matched);
    JSON_SET(o, "nearest", miss_json(a, c->nearest, c->comparisons));
    return o;
}

static struct json *call_json(struct arena *a, const struct policy_trace_call *c, size_t conditions)
{
    struct json *o = json_new(a, JSON_OBJECT), *arguments = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < c->argument_count; i++)
        json_append(arguments, values_json(a, &c->arguments[i]));
    JSON_SET(o, "function", string_json(a, c->function));
    JSON_SET(o, "condition", c->condition < conditions ? count_json(a, c->condition + 1) : json_new(a, JSON_NULL));
    JSON_SET(o, "arguments", arguments);
    JSON_SET(o, "result", c->failed ? json_new(a, JSON_NULL) : values_json(a, &c->result));
    return o;
}

static struct json *omitted_json(struct arena *a, const struct policy_trace_entry *e)
{
    struct json *o = json_new(a, JSON_OBJECT);

    JSON_SET(o, "calls", count_json(a, e->call_count - e->calls_listed));
    JSON_SET(o, "made", count_json(a, e->made_count - e->made_listed));
    return o;
}

static void set_lists(struct arena *a, struct json *o, const struct policy_trace_entry *e)
{
    struct json *conditions = json_new(a, JSON_ARRAY), *calls = json_new(a, JSON_ARRAY),
                *made = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < e->condition_count; i++)
        json_append(conditions, condition_json(a, &e->conditions[i]));
    for (size_t i = 0; i < e->calls_listed; i++)
        json_append(calls, call_json(a, &e->calls[i], e->condition_count));
    for (size_t i = 0; i < e->made_listed; i++) {
        struct json *claim = json_new(a, JSON_OBJECT);

        set_claim(a, claim, &e->made[i]);
        json_append(made, claim);
    }
    JSON_SET(o, "conditions", conditions);
    JSON_SET(o, "calls", calls);
    JSON_SET(o, "made", made);
}

struct json *policy_trace_json(struct arena *a, const struct policy_run *run)
{
    struct json *list = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < run->trace_count; i++) {
        const struct policy_trace_entry *e = &run->trace[i];
        struct json *o = json_new(a, JSON_OBJECT);

        JSON_SET(o, "section", string_json(a, e->section));
        JSON_SET(o, "line", json_new_integer(a, e->line));
        JSON_SET(o, "column", json_new_integer(a, (int64_t)e->column + 1));
        JSON_SET(o, "rule", json_new_text(a, e->rule));
        JSON_SET(o, "fired", json_new_boolean(a, e->fired));
        JSON_SET(o, "action", string_json(a, e->action));
        set_lists(a, o, e);
        if (e->calls_listed < e->call_count || e->made_listed < e->made_count)
            JSON_SET(o, "omitted", omitted_json(a, e));
        JSON_SET(o, "error", e->error.n ? json_new_text(a, e->error) : json_new(a, JSON_NULL));
        json_append(list, o);
    }
    return list;
}
