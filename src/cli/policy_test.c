/* assay policy test: cases that a tenant's own builds run over their policies. */
#include <stdio.h>

#include "base/limits.h"
#include "base/text.h"
#include "claims/claims_json.h"
#include "cli/cli.h"
#include "cli/input.h"
#include "cli/policy_file.h"
#include "cli/terminal.h"

enum expected {
    EXPECT_PERMIT,
    EXPECT_DENY,
    EXPECT_ERROR,
    EXPECT_ISSUES,
    EXPECT_NOTHING_ELSE,
    EXPECT_NOT_ISSUES,
    EXPECT_PROPERTY,
    EXPECT_MESSAGE
};

struct expectation {
    enum expected what;
    unsigned line;
    struct bytes name; /* of a claim or property; what a message contains */
    const struct json *value;
    struct bytes text; /* the line, for reports */
};

struct test_case {
    struct bytes name;
    unsigned line;
    const struct policy *policy;
    struct claims claims;
    struct expectation *expectations;
    size_t n, cap;
    bool decides; /* says permit, deny or error */
};

struct test_file {
    struct cli *cli;
    const char *path;
    unsigned line; /* the one being read */
    const struct policy *policy;
    struct test_case *cases;
    size_t n, cap;
    bool invalid_policy;
};

static bool wrong(const struct test_file *f, const char *reason)
{
    fflush(stdout);
    fprintf(stderr, "%s:%u: %s\n", f->path, f->line, reason);
    return false;
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

/* Files are named from where the test file stands. */
static const char *beside(const struct test_file *f, struct bytes name)
{
    const char *slash = strrchr(f->path, '/');
    struct arena *a = f->cli->arena;

    if ((name.n && *name.p == '/') || !slash)
        return arena_string(a, name);
    return arena_printf(a, "%.*s%s", (int)(slash - f->path) + 1, f->path, arena_string(a, name));
}

/* NAME = and a JSON value, at the end of the line or, with `more`, before other words. */
static bool named_value(struct test_file *f, struct bytes *rest, bool more, struct bytes *name,
                        const struct json **value)
{
    struct bytes text;

    *name = word(rest);
    if (!name->n || !bytes_is(word(rest), "="))
        return wrong(f, "NAME = VALUE belongs here, with blanks round the =");
    text = more ? word(rest) : *rest;
    if (!json_parse(f->cli->arena, text, NULL, value, NULL))
        return wrong(f, "the value is no JSON: a string stands in double quotes");
    return true;
}

static bool read_policy(struct test_file *f, struct bytes name)
{
    const char *path = beside(f, name);
    struct policy_error error = {0};
    struct bytes text;

    if (!policy_file_read(f->cli, path, &text))
        return wrong(f, "this policy cannot be read");
    if (policy_parse(f->cli->arena, text, &f->policy, &error))
        return true;
    policy_file_error(path, &error);
    f->invalid_policy = true;
    return wrong(f, "this policy is not valid");
}

static bool end_case(struct test_file *f)
{
    if (!f->n || f->cases[f->n - 1].decides)
        return true;
    f->line = f->cases[f->n - 1].line;
    return wrong(f, "the case expects neither permit nor deny nor error");
}

static bool begin_case(struct test_file *f, struct bytes name)
{
    if (!f->policy)
        return wrong(f, "a policy must be named before the first case");
    if (!name.n)
        return wrong(f, "a case needs a name");
    if (f->n == LIMIT_POLICY_TEST_CASES)
        return wrong(f, "there are too many cases");
    f->cases = ARENA_ROOM(f->cli->arena, f->cases, f->n, &f->cap);
    f->cases[f->n] = (struct test_case){.name = name, .line = f->line, .policy = f->policy};
    claims_init(&f->cases[f->n++].claims, f->cli->arena);
    return true;
}

static bool read_claim(struct test_file *f, struct test_case *c, struct bytes rest)
{
    struct claim claim = {.flags = CLAIM_POLICY, .issuer = ISSUER_SERVICE};
    const struct json *v;

    if (!named_value(f, &rest, true, &claim.type, &v))
        return false;
    switch (v->kind) {
    case JSON_STRING: claim.value = (struct claim_value){.kind = CLAIM_STRING, .text = v->text}; break;
    case JSON_INTEGER: claim.value = (struct claim_value){.kind = CLAIM_INTEGER, .integer = v->integer}; break;
    case JSON_TRUE:
    case JSON_FALSE: claim.value = (struct claim_value){.kind = CLAIM_BOOLEAN, .integer = v->kind == JSON_TRUE}; break;
    default: return wrong(f, "the value of a claim is a string, a 64-bit integer or a Boolean");
    }
    while (rest.n) {
        struct bytes w = word(&rest);

        if (bytes_is(w, "read-only"))
            claim.flags |= CLAIM_READ_ONLY;
        else if (bytes_is(w, "AttestationPolicy"))
            claim.issuer = ISSUER_POLICY;
        else if (bytes_is(w, "CustomClaim"))
            claim.issuer = ISSUER_CUSTOM;
        else if (!bytes_is(w, "AttestationService"))
            return wrong(f, "behind the value: an issuer, or read-only");
    }
    claims_add(&c->claims, claim);
    return true;
}

static bool read_claims_file(struct test_file *f, struct test_case *c, struct bytes name)
{
    struct fault fault = {0};
    const struct json *list;
    struct bytes text;

    if (input_file(f->cli->arena, beside(f, name), LIMIT_TOOL_FILE, &text, &fault) &&
        json_parse(f->cli->arena, text, NULL, &list, &fault) && claims_from_json(&c->claims, list, &fault))
        return true;
    return wrong(f, fault.text);
}

/* by line N */
static bool read_rule_line(struct test_file *f, struct bytes rest, const struct json **line)
{
    return bytes_is(word(&rest), "by") && bytes_is(word(&rest), "line") &&
           json_parse(f->cli->arena, rest, NULL, line, NULL) && (*line)->kind == JSON_INTEGER;
}

static bool read_expectation(struct test_file *f, struct test_case *c, struct bytes rest)
{
    struct expectation e = {.line = f->line, .text = rest};
    struct bytes w = word(&rest);
    bool ok = true;

    if (bytes_is(w, "permit") || bytes_is(w, "deny") || bytes_is(w, "error")) {
        if (c->decides)
            return wrong(f, "the case has its decision already");
        e.what = bytes_is(w, "permit") ? EXPECT_PERMIT : bytes_is(w, "deny") ? EXPECT_DENY : EXPECT_ERROR;
        c->decides = true;
        ok = !rest.n || (e.what == EXPECT_DENY && read_rule_line(f, rest, &e.value));
    } else if (bytes_is(w, "issues") && bytes_is(rest, "nothing else")) {
        e.what = EXPECT_NOTHING_ELSE;
    } else if (bytes_is(w, "issues") || bytes_is(w, "property")) {
        e.what = bytes_is(w, "issues") ? EXPECT_ISSUES : EXPECT_PROPERTY;
        if (!named_value(f, &rest, false, &e.name, &e.value))
            return false;
    } else if (bytes_is(w, "no")) {
        e.what = EXPECT_NOT_ISSUES;
        e.name = word(&rest);
        ok = e.name.n && !rest.n;
    } else if (bytes_is(w, "message")) {
        e.what = EXPECT_MESSAGE;
        ok = json_parse(f->cli->arena, rest, NULL, &e.value, NULL) && json_text(e.value, &e.name);
    } else {
        ok = false;
    }
    if (!ok)
        return wrong(f,
                     "expect permit, deny, deny by line N, error, issues NAME = VALUE, issues nothing else, no NAME, "
                     "property NAME = VALUE or message \"TEXT\"");
    c->expectations = ARENA_ROOM(f->cli->arena, c->expectations, c->n, &c->cap);
    c->expectations[c->n++] = e;
    return true;
}

static bool read_line(struct test_file *f, struct bytes line)
{
    struct bytes rest = trim(line), w = word(&rest);
    struct test_case *c = f->n ? &f->cases[f->n - 1] : NULL;

    if (!utf8_valid(line))
        return wrong(f, "this is not UTF-8");
    if (!w.n || *w.p == '#')
        return true;
    if (bytes_is(w, "policy"))
        return read_policy(f, rest);
    if (bytes_is(w, "case"))
        return end_case(f) && begin_case(f, rest);
    if (!bytes_is(w, "claim") && !bytes_is(w, "claims") && !bytes_is(w, "expect"))
        return wrong(f, "a line begins with policy, case, claim, claims or expect");
    if (!c)
        return wrong(f, "this belongs to a case");
    return bytes_is(w, "claim")    ? read_claim(f, c, rest)
           : bytes_is(w, "claims") ? read_claims_file(f, c, rest)
                                   : read_expectation(f, c, rest);
}

static bool read_cases(struct test_file *f, struct bytes text)
{
    while (text.n) {
        const uint8_t *end = memchr(text.p, '\n', text.n);
        size_t n = end ? (size_t)(end - text.p) : text.n;

        f->line++;
        if (!read_line(f, bytes_first(text, n)))
            return false;
        text = bytes_after(text, n + 1);
    }
    if (!end_case(f))
        return false;
    return f->n ? true : wrong(f, "there is no case");
}

static const char *decision_name(enum policy_decision d)
{
    return d == POLICY_PERMIT ? "permit" : d == POLICY_ERROR ? "error" : "deny";
}

/* Where in its text the rule stands that denied. LF, CR and CR LF each end one line. */
static int64_t deciding_line(const struct policy_run *run)
{
    struct bytes text = policy_text(run->policy);
    int64_t line = 1;

    for (const uint8_t *p = text.p; p < run->deciding_rule.p; p++)
        line += *p == '\n' || (*p == '\r' && p[1] != '\n');
    return line;
}

static bool holds(struct arena *a, const struct test_case *c, const struct expectation *e, const struct policy_run *run)
{
    bool property = e->what == EXPECT_PROPERTY;
    const struct json *all = claims_object(a, property ? &run->properties : &run->outgoing, 0), *found = NULL;
    size_t named = 0;

    JSON_EACH (item, all) {
        found = bytes_equal(item->name, e->name) ? item : found;
        for (size_t i = 0; i < c->n; i++)
            named += c->expectations[i].what == EXPECT_ISSUES && bytes_equal(c->expectations[i].name, item->name);
    }
    switch (e->what) {
    case EXPECT_PERMIT: return run->decision == POLICY_PERMIT;
    case EXPECT_DENY:
        return e->value ? run->decision == POLICY_DENY && deciding_line(run) == e->value->integer
                        : run->decision == POLICY_DENY || run->decision == POLICY_NO_PERMIT;
    case EXPECT_ERROR: return run->decision == POLICY_ERROR;
    case EXPECT_NOTHING_ELSE: return named >= all->count;
    case EXPECT_NOT_ISSUES: return !found;
    case EXPECT_MESSAGE:
        return e->name.n &&
               ((run->error.n && memmem(run->error.p, run->error.n, e->name.p, e->name.n)) ||
                (run->deciding_rule.n && memmem(run->deciding_rule.p, run->deciding_rule.n, e->name.p, e->name.n)));
    default: return found && bytes_equal(json_print(a, found, JSON_SORTED), json_print(a, e->value, JSON_SORTED));
    }
}

static void print_failure(struct arena *a, const struct expectation *e, const struct policy_run *run)
{
    struct bytes found =
        json_print(a, claims_object(a, e->what == EXPECT_PROPERTY ? &run->properties : &run->outgoing, 0), JSON_SORTED);

    printf("  line %u: expected ", e->line);
    put_safe(stdout, e->text);
    printf(", found %s ", decision_name(run->decision));
    put_safe(stdout, run->decision == POLICY_ERROR ? run->error : run->deciding_rule.n ? run->deciding_rule : found);
    putchar('\n');
}

static struct json *case_object(struct arena *a, const struct test_case *c, const struct policy_run *run, bool ok)
{
    struct json *o = json_new(a, JSON_OBJECT), *failures = json_new(a, JSON_ARRAY);

    JSON_SET(o, "name", json_new_text(a, c->name));
    JSON_SET(o, "line", json_new_integer(a, c->line));
    JSON_SET(o, "result", json_new_text(a, ok ? BYTES_LIT("ok") : BYTES_LIT("fail")));
    JSON_SET(o, "decision", json_new_text(a, bytes_text(decision_name(run->decision))));
    for (size_t i = 0; i < c->n; i++) {
        const struct expectation *e = &c->expectations[i];
        struct json *failure = json_new(a, JSON_OBJECT);

        if (holds(a, c, e, run))
            continue;
        JSON_SET(failure, "line", json_new_integer(a, e->line));
        JSON_SET(failure, "expected", json_new_text(a, e->text));
        json_append(failures, failure);
    }
    JSON_SET(o, "failures", failures);
    return o;
}

/* Each case has memory of its own, as each request has. `list` is NULL where people read. */
static bool run_case(struct test_file *f, struct test_case *c, struct json *list)
{
    struct policy_run run;
    struct arena a;
    bool ok = true;

    arena_init(&a, LIMIT_REQUEST_MEMORY);
    a.exhausted = f->cli->arena->exhausted;
    policy_start(&run, c->policy, &a, &c->claims);
    if (policy_configure(&run))
        policy_decide(&run);
    for (size_t i = 0; i < c->n; i++)
        ok = holds(&a, c, &c->expectations[i], &run) && ok;
    if (list) {
        json_append(list, case_object(f->cli->arena, c, &run, ok));
        arena_free(&a);
        return ok;
    }
    printf("%s ", ok ? "ok  " : "FAIL");
    put_safe(stdout, c->name);
    putchar('\n');
    for (size_t i = 0; !ok && i < c->n; i++)
        if (!holds(&a, c, &c->expectations[i], &run))
            print_failure(&a, &c->expectations[i], &run);
    arena_free(&a);
    return ok;
}

static enum status test_run(struct cli *cli, int argc, char **argv)
{
    struct test_file f = {.cli = cli};
    struct fault fault = {0};
    struct json *list = NULL;
    size_t failed = 0;
    struct bytes text;
    struct options o;
    enum status status;

    options_open(&o, cli, argc, argv);
    while (options_next(&o))
        list = json_new(cli->arena, JSON_ARRAY);
    if (options_done(&o, 1, 1, &status))
        return status;
    f.path = options_operand(&o, 0);
    if (!input_file(cli->arena, f.path, LIMIT_POLICY_TEST_TEXT, &text, &fault)) {
        cli_error(cli, "%s", fault.text);
        return STATUS_MISUSE;
    }
    if (!read_cases(&f, text))
        return f.invalid_policy ? STATUS_REFUSED : STATUS_MISUSE;
    for (size_t i = 0; i < f.n; i++)
        failed += !run_case(&f, &f.cases[i], list);
    if (list) {
        struct json *object = json_new(cli->arena, JSON_OBJECT);

        JSON_SET(object, "passed", json_new_integer(cli->arena, (int64_t)(f.n - failed)));
        JSON_SET(object, "failed", json_new_integer(cli->arena, (int64_t)failed));
        JSON_SET(object, "cases", list);
        put_json(cli->arena, object);
    } else {
        printf("%zu passed, %zu failed\n", f.n - failed, failed);
    }
    return failed ? STATUS_REFUSED : STATUS_DONE;
}

const struct command policy_test_command = {
    .name = "policy test",
    .summary = "run the cases of a test file over policies",
    .usage = "FILE [--json]",
    .about =
        "Runs every case of FILE (- for standard input): the policy it names, over claims, against what is expected. "
        "assay-policy(1) has the form of the file. One line for each case, and for each expectation that does not "
        "hold what was found.",
    .options = (const struct option_row[]){OPTION_JSON, OPTION_END},
    .examples = "  assay policy test cases.txt\n",
    .run = test_run,
};
