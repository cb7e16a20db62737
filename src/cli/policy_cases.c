/* The file of cases, line by line. */
#include "cli/policy_cases.h"

#include "base/limits.h"
#include "base/text.h"
#include "claims/claims_json.h"

struct cases_reader {
    struct arena *arena;
    const struct policy_cases_source *source;
    const struct policy *policy;
    struct policy_cases *out;
    struct fault *fault;
};

static bool wrong(const struct cases_reader *f, const char *reason)
{
    return fault_set(f->fault, FAULT_SYNTAX, "%s", reason);
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static struct bytes trim(struct bytes b)
{
    while (b.n && is_blank(*b.p))
        b = bytes_after(b, 1);
    return bytes_trim_end(b);
}

/* The first word of a line, or a string with its quotes; *rest is what follows. */
static struct bytes word(struct bytes *rest)
{
    struct bytes b = trim(*rest);
    bool quoted = b.n && *b.p == '"';
    size_t n = quoted;

    while (n < b.n && (quoted ? b.p[n] != '"' : !is_blank(b.p[n])))
        n += quoted && b.p[n] == '\\' && n + 1 < b.n ? 2 : 1;
    n += quoted && n < b.n;
    *rest = trim(bytes_after(b, n));
    return bytes_first(b, n);
}

/* NAME = and a JSON value, at the end of the line or, with `more`, before other words. */
static bool named_value(struct cases_reader *f, struct bytes *rest, bool more, struct bytes *name,
                        const struct json **value)
{
    struct bytes text;

    *name = word(rest);
    if (!name->n || !bytes_is(word(rest), "="))
        return wrong(f, "NAME = VALUE belongs here, with blanks round the =");
    text = more ? word(rest) : *rest;
    if (!json_parse(f->arena, text, NULL, value, NULL))
        return wrong(f, "the value is no JSON: a string stands in double quotes");
    return true;
}

static bool read_policy(struct cases_reader *f, struct bytes name)
{
    struct bytes text;

    if (!f->source->read(f->source->context, name, &text, f->fault))
        return false;
    if (policy_parse(f->arena, text, &f->policy, &f->out->at))
        return true;
    f->out->refused = name;
    return wrong(f, "this policy is not valid");
}

/* A decision belongs to every case, and a failed check to evidence: claims are not verified. */
static bool end_case(struct cases_reader *f)
{
    const struct policy_case *c = f->out->n ? &f->out->v[f->out->n - 1] : NULL;

    if (!c)
        return true;
    if (!c->decides) {
        f->out->line = c->line;
        return wrong(f, "the case expects neither permit nor deny nor error, nor that a check failed");
    }
    for (size_t i = 0; i < c->n; i++)
        if (c->expectations[i].what == EXPECT_FAILED && !c->argc) {
            f->out->line = c->expectations[i].line;
            return wrong(f, "only evidence can fail a check: this case has none");
        }
    return true;
}

static bool begin_case(struct cases_reader *f, struct bytes name)
{
    if (!f->policy)
        return wrong(f, "a policy must be named before the first case");
    if (!name.n)
        return wrong(f, "a case needs a name");
    if (f->out->n == LIMIT_POLICY_TEST_CASES)
        return fault_set(f->fault, FAULT_LIMIT, "there are more than %d cases", LIMIT_POLICY_TEST_CASES);
    f->out->v = ARENA_ROOM(f->arena, f->out->v, f->out->n, &f->out->cap);
    f->out->v[f->out->n] = (struct policy_case){.name = name, .line = f->out->line, .policy = f->policy};
    claims_init(&f->out->v[f->out->n++].claims, f->arena);
    return true;
}

static bool read_claim(struct cases_reader *f, struct policy_case *c, struct bytes rest)
{
    struct claim claim = {.flags = CLAIM_POLICY, .issuer = ISSUER_SERVICE};
    const struct json *v;

    if (!named_value(f, &rest, true, &claim.type, &v))
        return false;
    if (!claim_value_from_json(v, &claim.value))
        return wrong(f, "the value of a claim is a string, a 64-bit integer or a Boolean");
    while (rest.n) {
        struct bytes w = word(&rest);

        if (bytes_is(w, "read-only"))
            claim.flags |= CLAIM_READ_ONLY;
        else if (!claim_issuer_by_name(w, &claim.issuer))
            return wrong(f, "behind the value: an issuer, or read-only");
    }
    claims_add(&c->claims, claim);
    return true;
}

static bool read_claims_file(struct cases_reader *f, struct policy_case *c, struct bytes name)
{
    const struct json *list;
    struct bytes text;

    return f->source->read(f->source->context, name, &text, f->fault) &&
           json_parse(f->arena, text, NULL, &list, f->fault) && claims_from_json(&c->claims, list, f->fault);
}

/* A word, or a JSON string that holds one with blanks. */
static bool plain_word(struct cases_reader *f, struct bytes *rest, char **out)
{
    struct bytes w = word(rest);
    const struct json *v;

    if (w.n && *w.p == '"' && (!json_parse(f->arena, w, NULL, &v, NULL) || !json_text(v, &w)))
        return wrong(f, "a word in double quotes is a JSON string");
    if (!w.n || memchr(w.p, 0, w.n))
        return wrong(f, "a word is empty, or has a NUL in it");
    *out = arena_string(f->arena, w);
    return true;
}

static bool read_evidence(struct cases_reader *f, struct policy_case *c, struct bytes kind, struct bytes rest)
{
    size_t n = 0, cap = 0;

    if (c->argc)
        return wrong(f, "the case has its evidence already");
    c->evidence_line = f->out->line;
    c->argv = ARENA_ROOM(f->arena, c->argv, n, &cap);
    c->argv[n++] = arena_string(f->arena, kind);
    while (rest.n) {
        c->argv = ARENA_ROOM(f->arena, c->argv, n, &cap);
        if (!plain_word(f, &rest, &c->argv[n++]))
            return false;
    }
    c->argv = ARENA_ROOM(f->arena, c->argv, n, &cap);
    c->argv[n] = NULL;
    c->argc = (int)n;
    return true;
}

/* by line N */
static bool read_rule_line(struct cases_reader *f, struct bytes rest, const struct json **line)
{
    return bytes_is(word(&rest), "by") && bytes_is(word(&rest), "line") &&
           json_parse(f->arena, rest, NULL, line, NULL) && (*line)->kind == JSON_INTEGER;
}

/* What a case must end with, and does not have yet. */
static bool read_decision(struct cases_reader *f, struct policy_case *c, struct bytes w, struct bytes rest,
                          struct expectation *e)
{
    if (c->decides)
        return wrong(f, "the case has its decision already");
    c->decides = true;
    e->name = w;
    e->what = bytes_is(w, "failed") ? EXPECT_FAILED : EXPECT_DECISION;
    if (e->what == EXPECT_FAILED)
        return check_by_name(rest, &e->check) || wrong(f, "failed: no check has this id; assay-checks(7) lists them");
    return !rest.n || (bytes_is(w, "deny") && read_rule_line(f, rest, &e->value)) ||
           wrong(f, "a decision stands alone, but deny, which may name its rule: deny by line N");
}

/* False without a fault: it is no expectation. */
static bool read_other(struct cases_reader *f, struct bytes w, struct bytes rest, struct expectation *e)
{
    if (bytes_is(w, "issues") && bytes_is(rest, "nothing else")) {
        e->what = EXPECT_NOTHING_ELSE;
        return true;
    }
    if (bytes_is(w, "issues") || bytes_is(w, "property")) {
        e->what = bytes_is(w, "issues") ? EXPECT_ISSUES : EXPECT_PROPERTY;
        return named_value(f, &rest, false, &e->name, &e->value);
    }
    if (bytes_is(w, "no")) {
        e->what = EXPECT_NOT_ISSUES;
        e->name = word(&rest);
        return e->name.n && !rest.n;
    }
    e->what = EXPECT_MESSAGE;
    return bytes_is(w, "message") && json_parse(f->arena, rest, NULL, &e->value, NULL) && json_text(e->value, &e->name);
}

static bool read_expectation(struct cases_reader *f, struct policy_case *c, struct bytes rest)
{
    struct expectation e = {.line = f->out->line, .text = rest};
    struct bytes w = word(&rest);
    bool decision = bytes_is(w, "permit") || bytes_is(w, "deny") || bytes_is(w, "error") || bytes_is(w, "failed");

    if (decision ? !read_decision(f, c, w, rest, &e) : !read_other(f, w, rest, &e))
        return wrong(f,
                     "expect permit, deny, deny by line N, error, failed CHECK-ID, issues NAME = VALUE, issues nothing "
                     "else, no NAME, property NAME = VALUE or message \"TEXT\"");
    c->expectations = ARENA_ROOM(f->arena, c->expectations, c->n, &c->cap);
    c->expectations[c->n++] = e;
    return true;
}

/* A line within a case. */
static bool read_part(struct cases_reader *f, struct policy_case *c, struct bytes w, struct bytes rest)
{
    bool evidence = bytes_is(w, "evidence") || bytes_is(w, "simulate"), claim = bytes_is(w, "claim");

    if (!evidence && !claim && !bytes_is(w, "claims") && !bytes_is(w, "expect"))
        return wrong(f, "a line begins with policy, case, claim, claims, evidence, simulate or expect");
    if (!c)
        return wrong(f, "this belongs to a case");
    if (bytes_is(w, "expect"))
        return read_expectation(f, c, rest);
    if (evidence ? c->claims.n > 0 : c->argc > 0)
        return wrong(f, "a case has claims or evidence, not both: evidence proves claims of its own");
    return evidence ? read_evidence(f, c, w, rest) : claim ? read_claim(f, c, rest) : read_claims_file(f, c, rest);
}

static bool read_line(struct cases_reader *f, struct bytes line)
{
    struct bytes rest = trim(line), w = word(&rest);

    if (!utf8_valid(line))
        return wrong(f, "this is not UTF-8");
    if (!w.n || *w.p == '#')
        return true;
    if (bytes_is(w, "policy"))
        return read_policy(f, rest);
    if (bytes_is(w, "case"))
        return end_case(f) && begin_case(f, rest);
    return read_part(f, f->out->n ? &f->out->v[f->out->n - 1] : NULL, w, rest);
}

bool policy_cases_read(struct arena *a, struct bytes text, const struct policy_cases_source *source,
                       struct policy_cases *out, struct fault *fault)
{
    struct cases_reader reader = {.arena = a, .source = source, .out = out, .fault = fault}, *f = &reader;

    *out = (struct policy_cases){0};
    while (text.n) {
        const uint8_t *end = memchr(text.p, '\n', text.n);
        size_t n = end ? (size_t)(end - text.p) : text.n;

        f->out->line++;
        if (!read_line(f, bytes_first(text, n)))
            return false;
        text = bytes_after(text, n + 1);
    }
    if (!end_case(f))
        return false;
    return f->out->n ? true : wrong(f, "there is no case");
}
