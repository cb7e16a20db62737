/* assay policy test: cases that a tenant's own builds run over their policies. */
#include <stdio.h>

#include "base/limits.h"
#include "cli/policy_cases.h"
#include "cli/policy_file.h"
#include "cli/simulate.h"
#include "cli/terminal.h"
#include "cli/verify.h"

struct test_file {
    struct cli *cli;
    const char *path;
    struct policy_cases cases;
};

/* What came of a case. */
struct outcome {
    const struct policy_run *run;
    const char *decision; /* "permit", "deny", "error", "refused" */
    const char *failed;   /* the check that refused the evidence; NULL: none */
    struct bytes reason;  /* of a refusal */
};

static bool wrong(const struct test_file *f, unsigned line, const char *reason)
{
    fflush(stdout);
    fprintf(stderr, "%s:%u: ", f->path, line);
    put_safe(stderr, bytes_text(reason));
    fputc('\n', stderr);
    return false;
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

static void place(const struct test_file *f, const char **path)
{
    if (*path)
        *path = beside(f, bytes_text(*path));
}

static bool read_beside(void *context, struct bytes name, struct bytes *text, struct fault *fault)
{
    const struct test_file *f = context;

    return input_file(f->cli->arena, beside(f, name), LIMIT_TOOL_FILE, text, fault);
}

/* Evidence of a case, as its options name it. */
struct evidence {
    struct verification v;
    struct simulation s;
    bool simulated;
};

/* The options of a case, which are those of `assay verify` or `assay simulate`. */
static bool read_options(const struct policy_case *c, struct cli *cli, struct evidence *e)
{
    struct options o;
    enum status status;

    verify_open(&e->v, cli);
    e->s = (struct simulation){.cli = cli};
    e->simulated = strcmp(c->argv[0], "simulate") == 0;
    cli->command = e->simulated ? &simulate_command : &verify_command;
    options_open(&o, cli, c->argc, c->argv);
    for (int id; (id = options_next(&o)) != 0;)
        if (!(e->simulated ? simulation_option(&e->s, id, o.value) : verify_option(&e->v, id, o.value)))
            return false;
    if (options_done(&o, 1, 1, &status))
        return false;
    e->v.file = options_operand(&o, 0);
    if (!e->v.policy_file && !e->v.explain && !e->v.json && !e->s.folder && !e->s.list)
        return true;
    cli_error(cli, "--policy, --explain, --json, --output and --list-faults have no place in a file of cases");
    return false;
}

static void place_files(const struct test_file *f, struct evidence *e)
{
    place(f, &e->s.runtime_data);
    place(f, &e->v.runtime_data);
    place(f, &e->v.init_data);
    if (!e->simulated)
        place(f, &e->v.file);
    for (size_t i = 0; i < e->v.collateral.n; i++)
        place(f, &e->v.collateral.v[i]);
    for (size_t i = 0; i < e->v.anchors.n; i++)
        place(f, &e->v.anchors.v[i]);
}

static struct request_data sent(struct bytes data)
{
    return (struct request_data){.type = data.n ? DATA_BINARY : DATA_ABSENT, .data = data};
}

/* Judged with its own root trusted, at its own time, under the settings in which a fault shows. */
static bool judge_simulated(struct evidence *e)
{
    struct verification *v = &e->v;
    struct fault fault = {0};
    struct simulated made;

    if (!simulation_make(&e->s, v->file, &made))
        return false;
    v->endorsements = endorsements_new(LIMIT_TOOL_MEMORY);
    if (!simulate_endorsements(&made, v->endorsements, true, &fault)) {
        cli_error(v->cli, "%s", fault.text);
        return false;
    }
    if (!evidence_kind_by_name(simulate_kind_type(made.options.kind), &v->kind))
        return false;
    v->evidence = made.evidence;
    v->nonce = made.nonce.n ? "of the simulation" : NULL;
    v->nonce_bytes = made.nonce;
    v->settings = made.settings;
    v->time = made.time;
    struct request_data runtime = sent(made.runtime_data), init = sent(made.init_data);
    verify_judge(v, &runtime, &init);
    return true;
}

static bool judge_evidence(const struct test_file *f, const struct policy_case *c, struct cli *cli, struct evidence *e,
                           struct outcome *out)
{
    struct verification *v = &e->v;

    if (!read_options(c, cli, e))
        return false;
    place_files(f, e);
    v->policy = policy_text(c->policy);
    v->policy_file = f->path; /* there is a policy to run */
    if (!(e->simulated ? judge_simulated(e) : verify_read(v) && verify_load_endorsements(v) && verify_appraise(v)))
        return false;
    const struct appraisal *x = &v->appraisal;
    const struct trace_entry *failure = trace_failure(x->exam.trace);
    *out = (struct outcome){.run = &x->run,
                            .decision = core_decision(x),
                            .failed = failure ? check_table[failure->id].id : x->answer.failed_check,
                            .reason = failure ? trace_message(x->exam.trace, cli->arena)
                                              : BYTES_LIT("a check was never made: an error of this program")};
    return true;
}

static void judge_claims(struct arena *a, struct policy_case *c, struct policy_run *run, struct outcome *out)
{
    policy_start(run, c->policy, a, &c->claims);
    if (policy_configure(run))
        policy_decide(run);
    *out = (struct outcome){.run = run, .decision = policy_decision_name(run->decision)};
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

static struct json *found_object(struct arena *a, const struct expectation *e, const struct policy_run *run)
{
    return e->what == EXPECT_PROPERTY ? claims_object_last(a, &run->properties) : claims_object(a, &run->outgoing, 0);
}

static bool contains(struct bytes text, struct bytes part)
{
    return text.n && part.n && memmem(text.p, text.n, part.p, part.n);
}

static bool holds(struct arena *a, const struct policy_case *c, const struct expectation *e, const struct outcome *o)
{
    const struct json *all = found_object(a, e, o->run), *found = NULL;
    size_t named = 0;

    JSON_EACH (item, all) {
        found = bytes_equal(item->name, e->name) ? item : found;
        for (size_t i = 0; i < c->n; i++)
            named += c->expectations[i].what == EXPECT_ISSUES && bytes_equal(c->expectations[i].name, item->name);
    }
    switch (e->what) {
    case EXPECT_DECISION:
        return bytes_is(e->name, o->decision) &&
               (!e->value || (o->run->decision == POLICY_DENY && deciding_line(o->run) == e->value->integer));
    case EXPECT_FAILED: return o->failed && strcmp(o->failed, check_table[e->check].id) == 0;
    case EXPECT_NOTHING_ELSE: return named >= all->count;
    case EXPECT_NOT_ISSUES: return !found;
    case EXPECT_MESSAGE:
        return contains(o->run->error, e->name) || contains(o->run->deciding_rule, e->name) ||
               (o->failed && contains(o->reason, e->name));
    default: return found && bytes_equal(json_print(a, found, JSON_SORTED), json_print(a, e->value, JSON_SORTED));
    }
}

static void print_failure(struct arena *a, const struct expectation *e, const struct outcome *o)
{
    const struct policy_run *run = o->run;

    printf("  line %u: expected ", e->line);
    put_safe(stdout, e->text);
    printf(", found %s ", o->decision);
    if (strcmp(o->decision, "refused") == 0)
        put_safe(stdout, o->reason);
    else
        put_safe(stdout, run->decision == POLICY_ERROR ? run->error
                         : run->deciding_rule.n        ? run->deciding_rule
                                                       : json_print(a, found_object(a, e, run), JSON_SORTED));
    putchar('\n');
}

static struct json *case_object(struct arena *a, const struct policy_case *c, const struct outcome *found, bool ok)
{
    struct json *o = json_new(a, JSON_OBJECT), *failures = json_new(a, JSON_ARRAY);

    JSON_SET(o, "name", json_new_text(a, c->name));
    JSON_SET(o, "line", json_new_integer(a, c->line));
    JSON_SET(o, "result", json_new_text(a, ok ? BYTES_LIT("ok") : BYTES_LIT("fail")));
    JSON_SET(o, "decision", json_new_text(a, bytes_text(found->decision)));
    JSON_SET(o, "failed", found->failed ? json_new_text(a, bytes_text(found->failed)) : json_new(a, JSON_NULL));
    for (size_t i = 0; i < c->n; i++) {
        const struct expectation *e = &c->expectations[i];
        struct json *failure = json_new(a, JSON_OBJECT);

        if (holds(a, c, e, found))
            continue;
        JSON_SET(failure, "line", json_new_integer(a, e->line));
        JSON_SET(failure, "expected", json_new_text(a, e->text));
        json_append(failures, failure);
    }
    JSON_SET(o, "failures", failures);
    return o;
}

/* True when all that was expected holds. `list` is NULL where people read. */
static bool report(const struct test_file *f, struct arena *a, const struct policy_case *c, const struct outcome *found,
                   struct json *list)
{
    bool ok = true;

    for (size_t i = 0; i < c->n; i++)
        ok = holds(a, c, &c->expectations[i], found) && ok;
    if (list) {
        json_append(list, case_object(f->cli->arena, c, found, ok));
        return ok;
    }
    printf("%s ", ok ? "ok  " : "FAIL");
    put_safe(stdout, c->name);
    putchar('\n');
    for (size_t i = 0; !ok && i < c->n; i++)
        if (!holds(a, c, &c->expectations[i], found))
            print_failure(a, &c->expectations[i], found);
    return ok;
}

/* Each case has memory of its own, as each request has, and with evidence as a run of `assay verify`. False: it could not be
 * run, which has been reported. */
static bool run_case(const struct test_file *f, struct policy_case *c, struct json *list, size_t *failed)
{
    struct evidence e = {0};
    struct policy_run run = {0};
    struct outcome found;
    struct arena a;
    struct cli cli = {.arena = &a};
    bool ran = true;

    arena_init(&a, c->argc ? LIMIT_TOOL_MEMORY : LIMIT_REQUEST_MEMORY);
    a.exhausted = f->cli->arena->exhausted;
    if (c->argc)
        ran = judge_evidence(f, c, &cli, &e, &found) ||
              wrong(f, c->evidence_line, "this evidence cannot be judged, for the reason above");
    else
        judge_claims(&a, c, &run, &found);
    if (ran)
        *failed += !report(f, &a, c, &found, list);
    endorsements_free(e.v.endorsements);
    arena_free(&a);
    return ran;
}

/* The cases, and whether they can be run. */
static bool read_file(struct test_file *f, struct bytes text, enum status *status)
{
    const struct policy_cases_source source = {f, read_beside};
    struct fault fault = {0};

    *status = STATUS_MISUSE;
    if (!policy_cases_read(f->cli->arena, text, &source, &f->cases, &fault)) {
        if (f->cases.refused.n) {
            policy_file_error(beside(f, f->cases.refused), &f->cases.at);
            *status = STATUS_REFUSED;
        }
        return wrong(f, f->cases.line, fault.text);
    }
    for (size_t i = 0; i < f->cases.n; i++) {
        const struct policy_case *c = &f->cases.v[i];
        struct cli cli = *f->cli;
        struct evidence e;

        if (c->argc && !read_options(c, &cli, &e))
            return wrong(f, c->evidence_line, "these words cannot be used, for the reason above");
    }
    return true;
}

static void print_counts(struct cli *cli, size_t passed, size_t failed, struct json *list)
{
    struct json *object = json_new(cli->arena, JSON_OBJECT);

    if (!list) {
        printf("%zu passed, %zu failed\n", passed, failed);
        return;
    }
    JSON_SET(object, "passed", json_new_integer(cli->arena, (int64_t)passed));
    JSON_SET(object, "failed", json_new_integer(cli->arena, (int64_t)failed));
    JSON_SET(object, "cases", list);
    put_json(cli->arena, object);
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
    if (!read_file(&f, text, &status))
        return status;
    for (size_t i = 0; i < f.cases.n; i++)
        if (!run_case(&f, &f.cases.v[i], list, &failed))
            return STATUS_MISUSE;
    print_counts(cli, f.cases.n - failed, failed, list);
    return failed ? STATUS_REFUSED : STATUS_DONE;
}

const struct command policy_test_command = {
    .name = "policy test",
    .summary = "run the cases of a test file over policies",
    .usage = "FILE [--json]",
    .about =
        "Runs every case of FILE (- for standard input): the policy it names, over claims or evidence, against what is "
        "expected. "
        "assay-policy(1) has the form of the file. One line for each case, and for each expectation that does not "
        "hold what was found.",
    .options = (const struct option_row[]){OPTION_JSON, OPTION_END},
    .examples = "  assay policy test cases.txt\n",
    .run = test_run,
};
