/* Which keys are judged, and in which order the steps come. */
#include "base/limits.h"
#include "trust/judging.h"

const char *trust_step_name(enum trust_step step)
{
    static const char *const names[] = {"signature", "evidence", "binding", "measurement"};

    return names[step];
}

const char *trust_verdict_name(enum trust_verdict v)
{
    static const char *const names[] = {"accepted", "not compared", "chained", "refused"};

    return names[v];
}

/* What all keys share, before any is looked at. */
struct common {
    struct trace *trace;
    const struct json *keys;
    struct jws token;
    const struct json *payload;
    struct bytes kid; /* to look for; empty: every key */
};

static bool read_keys(const struct trust_question *q, struct common *c)
{
    struct fault fault = {0};
    const struct json *set = NULL, *list = NULL;
    bool ok = json_parse(q->arena, q->jwks, NULL, &set, &fault) && (list = json_member(set, "keys")) &&
              list->kind == JSON_ARRAY && list->count > 0 && list->count <= LIMIT_TRUST_KEYS;

    for (const struct json *key = ok ? list->first : NULL; key; key = key->next)
        ok = ok && key->kind == JSON_OBJECT;
    c->keys = ok ? list : json_new(q->arena, JSON_ARRAY);
    if (check_that(c, TRUST_KEY_SET, ok))
        return true;
    if (fault.code)
        check_note(c->trace, "%s", fault.text);
    return false;
}

static bool read_token(const struct trust_question *q, struct common *c)
{
    struct fault fault = {0};

    if (!q->token.n) {
        c->kid = q->kid;
        check_skip(c, TRUST_TOKEN_FORM, "no token was given");
        return true;
    }
    bool ok = jws_decode(q->arena, q->token, false, &c->token, &fault) && !c->token.unsecured &&
              json_text(json_member(c->token.header, "kid"), &c->kid) && c->kid.n &&
              json_parse(q->arena, c->token.payload, NULL, &c->payload, &fault) && c->payload->kind == JSON_OBJECT;
    if (check_that(c, TRUST_TOKEN_FORM, ok))
        return true;
    check_note(c->trace, "%s", fault.code ? fault.text : c->token.unsecured ? "it is not signed" : "it names no key");
    return false;
}

static struct bytes kid_of(const struct json *entry)
{
    struct bytes kid = BYTES_NONE;

    json_text(json_member(entry, "kid"), &kid);
    return kid;
}

static size_t count_of(const struct common *c)
{
    size_t n = 0;

    JSON_EACH (entry, c->keys)
        n += bytes_equal(kid_of(entry), c->kid);
    return n;
}

static bool step(struct judging *j, enum trust_step which, bool ok)
{
    j->key->end[which] = j->trace->n;
    return ok;
}

static void judge_key(const struct trust_question *q, const struct common *c, const struct json *entry,
                      struct trust_key *key)
{
    struct judging j = {.trace = trace_new(q->arena), .q = q, .key = key, .moment = q->time};

    *key = (struct trust_key){.kid = kid_of(entry), .trace = j.trace, .verdict = TRUST_REFUSED};
    for (size_t i = 0; i < c->trace->n; i++) { /* what came before belongs to every key */
        const struct trace_entry *e = &c->trace->entries[i];

        if (e->result == CHECK_SKIP)
            check_skip_(j.trace, e->id, e->setting);
        else
            check_record(j.trace, e->id, true, e->found, e->expected);
    }
    if (q->token.n) {
        j.token = &c->token;
        j.payload = c->payload;
    }
    if (step(&j, TRUST_SIGNED, trust_step_signed(&j, entry)) && step(&j, TRUST_EVIDENCE, trust_step_evidence(&j)) &&
        step(&j, TRUST_BINDING, trust_step_binding(&j)) && step(&j, TRUST_MEASUREMENT, trust_step_measurement(&j)))
        key->verdict = q->list.n || q->rules->any_measurement ? TRUST_ACCEPTED : TRUST_NOT_COMPARED;
    const struct trace_entry *failure = trace_failure(j.trace);
    if (failure && failure->id == CHECK_TRUST_KEY_ALONE && !q->token.n && !q->kid.n)
        key->verdict = TRUST_CHAINED;
}

/* Accepted only where some key was, and none was refused. A list in which some key is held by no TEE says nothing of a token that is
 * not at hand. */
static enum trust_verdict worst(const struct trust_result *r, bool allow_chained)
{
    enum trust_verdict v = TRUST_ACCEPTED;
    size_t chained = 0;

    for (size_t i = 0; i < r->count; i++) {
        enum trust_verdict one = r->keys[i].verdict;

        chained += one == TRUST_CHAINED;
        if (one > v && !(one == TRUST_CHAINED && allow_chained))
            v = one;
    }
    return chained == r->count ? TRUST_REFUSED : v;
}

static bool refuse_all(const struct trust_question *q, struct common *c, struct trust_result *out)
{
    out->keys = ARENA_NEW(q->arena, struct trust_key);
    *out->keys = (struct trust_key){.kid = c->kid, .trace = c->trace, .verdict = TRUST_REFUSED};
    out->keys->end[TRUST_SIGNED] = c->trace->n;
    out->count = 1;
    out->verdict = TRUST_REFUSED;
    return false;
}

bool trust_judge(const struct trust_question *q, struct trust_result *out)
{
    struct common c = {.trace = trace_new(q->arena)};

    *out = (struct trust_result){0};
    if (!read_keys(q, &c) || !read_token(q, &c))
        return refuse_all(q, &c, out);
    size_t listed = count_of(&c);
    if (!c.kid.n) {
        check_skip(&c, TRUST_KEY_LISTED, "no token and no kid was given: every listed key is judged");
    } else if (!check_that(&c, TRUST_KEY_LISTED, listed > 0)) {
        check_note(c.trace, "kid %s, one of %zu keys is wanted", arena_string(q->arena, c.kid), c.keys->count);
        return refuse_all(q, &c, out);
    }
    if (c.keys->count == 0)
        return refuse_all(q, &c, out); /* only a mutant comes here */
    out->keys = ARENA_ARRAY(q->arena, struct trust_key, c.keys->count);
    JSON_EACH (entry, c.keys)
        if (!listed || bytes_equal(kid_of(entry), c.kid) || !c.kid.n)
            judge_key(q, &c, entry, &out->keys[out->count++]);
    out->verdict = worst(out, q->rules->allow_chained);
    return out->verdict == TRUST_ACCEPTED;
}
