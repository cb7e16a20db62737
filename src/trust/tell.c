/* What was judged, for people and as JSON. */
#include "base/check_json.h"
#include "base/clock.h"
#include "base/text.h"
#include "trust/trust.h"

static bool within(const struct trust_key *k, enum trust_step step, size_t i)
{
    return i >= (step ? k->end[step - 1] : 0) && i < k->end[step];
}

enum trust_outcome trust_step_outcome(const struct trust_key *k, enum trust_step step)
{
    if (!k->end[step])
        return TRUST_STEP_NOT_REACHED;
    if (k->trace->failed && within(k, step, k->trace->failure))
        return TRUST_STEP_FAILED;
    return step == TRUST_MEASUREMENT && k->trace->entries[k->end[step] - 1].result == CHECK_SKIP ? TRUST_STEP_SKIPPED
                                                                                                 : TRUST_STEP_PASSED;
}

static const char *hex(struct arena *a, struct bytes b)
{
    return arena_string(a, hex_encode(a, b));
}

static const char *signed_text(struct arena *a, const struct trust_key *k)
{
    const struct trace_entry *e = &k->trace->entries[k->end[TRUST_SIGNED] - 1];
    const struct certificate *c = k->certificate;
    char until[32];

    time_format(c->not_after, until);
    return arena_printf(a, "kid %s, certificate of %s, valid until %s; %s", arena_string(a, k->kid),
                        arena_string(a, c->subject_cn), until,
                        e->result == CHECK_SKIP ? "no token was given" : "the token is signed by it");
}

static const char *evidence_text(struct arena *a, const struct trust_key *k)
{
    return arena_printf(a, "%s, genuine%s%s%s%s", k->carried, k->tcb_known ? ", TCB status " : "",
                        k->tcb_known ? tcb_status_name(k->tcb_status) : "",
                        k->found.debug ? "; DEBUG: its operator can read the key" : "",
                        k->development ? "; it rests on a simulated root: good for development only" : "");
}

static const char *measurement_text(struct arena *a, const struct trust_key *k)
{
    const char *values = arena_string(a, json_print(a, measurement_json(a, &k->found), JSON_IN_ORDER));

    if (!k->record)
        return arena_printf(a, "%s %s, compared with nothing", tee_kind_name(k->found.tee), values);
    return arena_printf(
        a, "%s %s, announced as %s %s%s", tee_kind_name(k->found.tee), values,
        k->record->component.n ? arena_string(a, k->record->component) : "one of yours",
        arena_string(a, k->record->version),
        measurement_is_whole(&k->record->values) ? "" : "; PARTIAL: the record leaves out what else decides what runs");
}

const char *trust_step_text(struct arena *a, const struct trust_key *k, enum trust_step step)
{
    if (trust_step_outcome(k, step) == TRUST_STEP_NOT_REACHED)
        return "not judged: a step before it failed";
    if (trust_step_outcome(k, step) == TRUST_STEP_FAILED)
        return arena_string(a, trace_message(k->trace, a));
    switch (step) {
    case TRUST_SIGNED: return signed_text(a, k);
    case TRUST_EVIDENCE: return evidence_text(a, k);
    case TRUST_BINDING:
        return arena_printf(a, "report data %s: the hash of the key, then zeros",
                            hex(a, bytes_first(k->found.report_data, SHA256_SIZE)));
    default: return measurement_text(a, k);
    }
}

static struct json *text(struct arena *a, const char *s)
{
    return s ? json_new_text(a, text_clean(a, bytes_text(s))) : json_new(a, JSON_NULL);
}

static struct json *steps_json(struct arena *a, const struct trust_key *k)
{
    static const char *const outcomes[] = {"pass", "fail", "skip", "not reached"};
    struct json *steps = json_new(a, JSON_ARRAY);

    for (int s = 0; s < TRUST_STEPS; s++) {
        struct json *o = json_new(a, JSON_OBJECT);

        JSON_SET(o, "step", text(a, trust_step_name((enum trust_step)s)));
        JSON_SET(o, "result", text(a, outcomes[trust_step_outcome(k, (enum trust_step)s)]));
        JSON_SET(o, "detail", text(a, trust_step_text(a, k, (enum trust_step)s)));
        json_append(steps, o);
    }
    return steps;
}

static struct json *failed_json(struct arena *a, const struct trust_key *k)
{
    const struct trace_entry *e = trace_failure(k->trace);
    struct json *o = json_new(a, JSON_OBJECT);

    if (!e)
        return json_new(a, JSON_NULL);
    JSON_SET(o, "id", text(a, check_table[e->id].id));
    JSON_SET(o, "message", text(a, arena_string(a, trace_message(k->trace, a))));
    JSON_SET(o, "remedy", text(a, check_table[e->id].remedy));
    return o;
}

static struct json *key_json(struct arena *a, const struct trust_key *k)
{
    struct json *o = json_new(a, JSON_OBJECT), *checks = json_new(a, JSON_ARRAY), *advisories = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < k->trace->n; i++)
        json_append(checks, check_json(a, &k->trace->entries[i], true));
    for (size_t i = 0; i < k->advisory_count; i++)
        json_append(advisories, json_new_text(a, k->advisories[i]));
    JSON_SET(o, "kid", json_new_text(a, text_clean(a, k->kid)));
    JSON_SET(o, "verdict", text(a, trust_verdict_name(k->verdict)));
    JSON_SET(o, "evidence", text(a, k->carried));
    JSON_SET(o, "tee", text(a, tee_kind_name(k->found.tee)));
    JSON_SET(o, "debug", json_new_boolean(a, k->found.debug));
    JSON_SET(o, "development", json_new_boolean(a, k->development));
    JSON_SET(o, "tcb_status", text(a, k->tcb_known ? tcb_status_name(k->tcb_status) : NULL));
    JSON_SET(o, "advisories", advisories);
    JSON_SET(o, "report_data", text(a, k->found.report_data.n ? hex(a, k->found.report_data) : NULL));
    JSON_SET(o, "measurement", measurement_json(a, &k->found));
    JSON_SET(o, "announced", k->record ? record_json(a, k->record) : json_new(a, JSON_NULL));
    JSON_SET(o, "partial",
             k->record ? json_new_boolean(a, !measurement_is_whole(&k->record->values)) : json_new(a, JSON_NULL));
    JSON_SET(o, "steps", steps_json(a, k));
    JSON_SET(o, "checks", checks);
    JSON_SET(o, "failed", failed_json(a, k));
    return o;
}

struct json *trust_json(const struct trust_question *q, const struct trust_result *r)
{
    struct arena *a = q->arena;
    struct json *o = json_new(a, JSON_OBJECT), *keys = json_new(a, JSON_ARRAY), *failed = json_new(a, JSON_NULL);

    for (size_t i = 0; i < r->count; i++) {
        json_append(keys, key_json(a, &r->keys[i]));
        if (r->keys[i].verdict == TRUST_REFUSED && failed->kind == JSON_NULL)
            failed = failed_json(a, &r->keys[i]);
    }
    JSON_SET(o, "verdict", text(a, trust_verdict_name(r->verdict)));
    JSON_SET(o, "service", json_new_text(a, text_clean(a, q->service)));
    JSON_SET(o, "keys", keys);
    JSON_SET(o, "failed", failed);
    return o;
}
