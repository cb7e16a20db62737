/* The outcome of `assay verify`, for people and as the stable JSON object (DESIGN 12). */
#include <stdio.h>

#include "base/check_json.h"
#include "cli/policy_explain.h"
#include "cli/show.h"
#include "cli/terminal.h"
#include "cli/verify.h"

static struct json *entry_json(struct arena *a, const struct trace_entry *e, bool explain)
{
    struct json *o = check_json(a, e, explain);

    if (explain)
        show_string(a, o, "proves", check_table[e->id].proves);
    return o;
}

/* The check that refused; one that was never made has no entry in the trace. */
static struct trace_entry failure_of(const struct verification *v)
{
    const struct trace_entry *e = trace_failure(v->appraisal.exam.trace);
    struct trace_entry missing = {.result = CHECK_FAIL, .note = "this check was never made: an error of this program"};

    if (e)
        return *e;
    check_by_name(bytes_text(v->appraisal.answer.failed_check), &missing.id);
    return missing;
}

static struct json *failed_json(struct arena *a, const struct verification *v)
{
    struct json *o = json_new(a, JSON_OBJECT);

    if (v->accepted)
        return json_new(a, JSON_NULL);
    struct trace_entry e = failure_of(v);
    struct bytes message = trace_message(v->appraisal.exam.trace, a);
    show_string(a, o, "id", check_table[e.id].id);
    show_text(a, o, "message", message.n ? message : bytes_text(e.note));
    show_string(a, o, "remedy", check_table[e.id].remedy);
    return o;
}

static struct json *advisories_json(struct arena *a, const struct exam *x)
{
    struct json *list = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < x->advisory_count; i++)
        json_append(list, json_new_text(a, x->advisories[i]));
    return list;
}

/* Under the names of tokens; not what only policies look into: the old `$` names, events and registers as texts of JSON. */
static bool is_shown(const struct claim *c)
{
    return c->issuer == ISSUER_SERVICE && !bytes_begin(c->type, "$") && !(c->flags & CLAIM_READ_ONLY) &&
           !(c->value.kind == CLAIM_STRING && (bytes_is(c->type, "events") || bytes_is(c->type, "bootEvents")));
}

static struct json *proved_claims(struct arena *a, const struct verification *v)
{
    const struct claims *all = &v->appraisal.exam.incoming;
    struct claims named;

    claims_init(&named, a);
    for (size_t i = 0; v->accepted && i < all->n; i++)
        if (is_shown(&all->v[i]))
            claims_add(&named, all->v[i]);
    return claims_object(a, &named, 0);
}

/* For people: without what stands there twice under older names, and without the hashes of what was read. */
static struct json *important_claims(struct arena *a, const struct verification *v)
{
    static const char *const left_out[] = {"maa-", "aas-", "x-ms-sgx-collateral"};
    struct json *all = proved_claims(a, v), *o = json_new(a, JSON_OBJECT);

    JSON_EACH (item, all) {
        bool skip = false;

        for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++)
            skip = skip || bytes_begin(item->name, left_out[i]);
        if (!skip)
            json_set(o, item->name, json_link(a, item));
    }
    return o;
}

static void print_json(const struct verification *v)
{
    struct arena *a = v->cli->arena;
    const struct exam *x = &v->appraisal.exam;
    struct json *o = json_new(a, JSON_OBJECT), *checks = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < x->trace->n; i++)
        json_append(checks, entry_json(a, &x->trace->entries[i], v->explain));
    show_string(a, o, "verdict", v->accepted ? "accepted" : "rejected");
    show_string(a, o, "type", evidence_kind_name(v->kind));
    show_tree(o, "tcb_status",
              x->tcb_known ? json_new_text(a, bytes_text(tcb_status_name(x->tcb_status))) : json_new(a, JSON_NULL));
    show_tree(o, "advisories", advisories_json(a, x));
    show_tree(o, "claims", proved_claims(a, v));
    show_tree(o, "issued",
              v->policy_file && v->accepted ? claims_object(a, &v->appraisal.run.outgoing, 0) : json_new(a, JSON_NULL));
    show_tree(o, "checks", checks);
    show_tree(o, "failed", failed_json(a, v));
    if (v->explain && v->policy_file)
        show_tree(o, "trace", policy_trace_json(a, &v->appraisal.run));
    put_json(a, o);
}

static void print_value(FILE *f, const char *name, const struct check_value *value, struct arena *a)
{
    struct writer w = wr_open(a);

    if (value->kind == VALUE_NONE)
        return;
    wr_check_value(&w, value);
    fprintf(f, "    %-9s ", name);
    put_safe(f, wr_done(&w));
    fputc('\n', f);
}

static void print_entry(FILE *f, const struct trace_entry *e, struct arena *a)
{
    static const char *const marks[] = {"✓", "✗", "–"};
    static const enum ink inks[] = {INK_GOOD, INK_BAD, INK_FAINT};

    fprintf(f, "%s%s%s %s%s%s: %s\n", ink(f, inks[e->result]), marks[e->result], ink(f, INK_NONE), ink(f, INK_STRONG),
            check_table[e->id].id, ink(f, INK_NONE), check_table[e->id].proves);
    print_value(f, "found", &e->found, a);
    if (e->found.kind != VALUE_NONE)
        print_value(f, "expected", &e->expected, a);
    if (e->note) {
        fputs("    note      ", f);
        put_safe(f, bytes_text(e->note));
        fputc('\n', f);
    }
    if (e->setting)
        fprintf(f, "    skipped   %s\n", e->setting);
}

static void print_refusal(const struct verification *v)
{
    struct trace_entry e = failure_of(v);

    fflush(stdout);
    print_entry(stderr, &e, v->cli->arena);
    fprintf(stderr, "    %sto do%s     %s\n", ink(stderr, INK_STRONG), ink(stderr, INK_NONE), check_table[e.id].remedy);
}

static void print_text(const struct verification *v)
{
    struct arena *a = v->cli->arena;
    const struct exam *x = &v->appraisal.exam;

    printf("%s%s%s\n", ink(stdout, v->accepted ? INK_GOOD : INK_BAD), v->accepted ? "accepted" : "rejected",
           ink(stdout, INK_NONE));
    if (x->tcb_known) {
        struct json *o = json_new(a, JSON_OBJECT);

        show_string(a, o, "TCB status", tcb_status_name(x->tcb_status));
        show_tree(o, "advisories", advisories_json(a, x));
        put_tree(stdout, o, 0);
    }
    if (x->development)
        printf("%sThe evidence rests on a simulated root: good for development only.%s\n", ink(stdout, INK_WARNING),
               ink(stdout, INK_NONE));
    if (v->accepted) {
        printf("\nclaims\n");
        put_tree(stdout, important_claims(a, v), 2);
    }
    if (v->accepted && v->policy_file) {
        printf("\nissued by the policy\n");
        put_tree(stdout, claims_object(a, &v->appraisal.run.outgoing, 0), 2);
    }
    if (v->explain) {
        printf("\nchecks\n");
        for (size_t i = 0; i < x->trace->n; i++)
            print_entry(stdout, &x->trace->entries[i], a);
        if (v->policy_file)
            policy_explain(a, v->policy_file, &v->appraisal.run);
    }
}

void verify_print(struct verification *v)
{
    if (v->json)
        print_json(v);
    else
        print_text(v);
    if (!v->accepted)
        print_refusal(v);
}
