/* assay collateral forecast: which platforms will be refused under the newest TCB data at hand, when, and why. */
#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"
#include "cli/show.h"
#include "cli/terminal.h"
#include "cli/verify.h"
#include "endorsement/forecast.h"

enum { OPTION_COLLATERAL = OPTION_BASE, OPTION_ANCHOR, OPTION_BASELINE, OPTION_ACCEPT };

/* One file of evidence: what its platform is, and what becomes of it. */
struct outlook {
    const char *file;
    enum evidence_kind kind;
    const struct platform_identity *platform; /* NULL: the evidence did not get so far */
    const char *failed;                       /* id of the check that refuses it today, or NULL */
    struct forecast forecast;
};

struct forecasting {
    struct verification v;
    struct outlook *outlooks;
    size_t count, cap;
    struct snp_tcb newest[SNP_PRODUCT_COUNT]; /* the highest that the evidence shows */
};

static void judge_file(struct forecasting *f, const char *file)
{
    struct verification *v = &f->v;
    struct outlook *o;

    v->file = file;
    v->evidence = BYTES_NONE;
    if (!verify_read(v))
        return;
    f->outlooks = ARENA_ROOM(v->cli->arena, f->outlooks, f->count, &f->cap);
    o = &f->outlooks[f->count++];
    verify_judge(v, NULL, NULL);
    const struct trace_entry *failure = trace_failure(v->appraisal.exam.trace);
    *o = (struct outlook){.file = file,
                          .kind = v->kind,
                          .platform = v->appraisal.exam.platform,
                          .failed = failure       ? check_table[failure->id].id
                                    : v->accepted ? NULL
                                                  : v->appraisal.answer.failed_check};
}

static uint8_t higher(uint8_t a, uint8_t b)
{
    return a > b ? a : b;
}

static void note_newest(struct forecasting *f, const struct platform_identity *p)
{
    struct snp_tcb *n = &f->newest[p->product];

    *n = (struct snp_tcb){.bootloader = higher(n->bootloader, p->snp.bootloader),
                          .tee = higher(n->tee, p->snp.tee),
                          .snp = higher(n->snp, p->snp.snp),
                          .microcode = higher(n->microcode, p->snp.microcode),
                          .fmc = higher(n->fmc, p->snp.fmc)};
}

static void forecast_all(struct forecasting *f)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->outlooks[i].platform && f->outlooks[i].platform->tee == PLATFORM_SNP)
            note_newest(f, f->outlooks[i].platform);
    for (size_t i = 0; i < f->count; i++) {
        struct outlook *o = &f->outlooks[i];

        if (!o->platform)
            continue;
        if (o->platform->tee == PLATFORM_SNP)
            forecast_amd(&f->v.settings, &f->newest[o->platform->product], o->platform, &o->forecast);
        else
            forecast_intel(f->v.endorsements, &f->v.settings, o->platform, f->v.time, &o->forecast);
    }
}

/* "refused": today already. */
static const char *word_of(const struct outlook *o)
{
    return o->failed ? "refused" : !o->forecast.known ? "unknown" : o->forecast.fails ? "fails" : "stays";
}

static const char *when(const struct forecast *f)
{
    static char text[32];

    if (f->from == 0)
        return "as soon as they are in force";
    time_format(f->from, text);
    return text;
}

static void print_outlook(struct arena *a, const struct outlook *o)
{
    const struct forecast *f = &o->forecast;
    bool intel = o->platform && o->platform->tee != PLATFORM_SNP;

    printf("%s: %s %s", o->file, evidence_kind_name(o->kind), word_of(o));
    if (o->failed)
        printf(" today by %s", o->failed);
    if (f->known && intel && f->evaluation_now && f->now != f->then)
        printf(", %s now", tcb_status_name(f->now));
    if (f->known && intel)
        printf(", %s under evaluation number %u", tcb_status_name(f->then), f->evaluation_then);
    if (f->fails)
        printf(", %s%s", f->from ? "from " : "", when(f));
    puts("");
    for (size_t i = 0; i < f->gap_count; i++)
        printf("    %s\n", tcb_gap_text(a, &f->gap[i]));
}

static struct json *gaps_json(struct arena *a, const struct forecast *f)
{
    struct json *list = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < f->gap_count; i++) {
        const struct tcb_gap *g = &f->gap[i];
        struct json *o = json_new(a, JSON_OBJECT);

        show_string(a, o, "kind", tcb_gap_name(g->kind));
        show_number(a, o, "index", g->index);
        show_number(a, o, "found", g->found);
        show_number(a, o, "needed", g->needed);
        show_string(a, o, "text", tcb_gap_text(a, g));
        json_append(list, o);
    }
    return list;
}

static void number_or_null(struct arena *a, struct json *o, const char *name, uint32_t v)
{
    json_set(o, bytes_text(name), v ? json_new_integer(a, v) : json_new(a, JSON_NULL));
}

static struct json *outlook_json(struct arena *a, const struct outlook *o)
{
    const struct forecast *f = &o->forecast;
    struct json *object = json_new(a, JSON_OBJECT);
    bool intel = f->known && o->platform->tee != PLATFORM_SNP;

    show_string(a, object, "file", o->file);
    show_string(a, object, "type", evidence_kind_name(o->kind));
    JSON_SET(object, "platform",
             o->platform ? json_new_text(a, hex_encode(a, bytes_make(o->platform->id, sizeof o->platform->id)))
                         : json_new(a, JSON_NULL));
    show_string(a, object, "outlook", word_of(o));
    JSON_SET(object, "failed", o->failed ? json_new_text(a, bytes_text(o->failed)) : json_new(a, JSON_NULL));
    JSON_SET(object, "status",
             intel && f->evaluation_now ? json_new_text(a, bytes_text(tcb_status_name(f->now)))
                                        : json_new(a, JSON_NULL));
    JSON_SET(object, "status_then",
             intel ? json_new_text(a, bytes_text(tcb_status_name(f->then))) : json_new(a, JSON_NULL));
    number_or_null(a, object, "evaluation", f->evaluation_now);
    number_or_null(a, object, "evaluation_then", f->evaluation_then);
    JSON_SET(object, "tcb_date", f->tcb_date.n ? json_new_text(a, f->tcb_date) : json_new(a, JSON_NULL));
    JSON_SET(object, "from", f->from ? json_new_text(a, arena_copy(a, bytes_text(when(f)))) : json_new(a, JSON_NULL));
    JSON_SET(object, "reasons", gaps_json(a, f));
    return object;
}

/* Text or JSON; true when a platform is, or will be, refused. */
static bool print(const struct forecasting *f)
{
    struct arena *a = f->v.cli->arena;
    struct json *list = json_new(a, JSON_ARRAY), *whole = json_new(a, JSON_OBJECT);
    size_t fails = 0;

    for (size_t i = 0; i < f->count; i++) {
        const struct outlook *o = &f->outlooks[i];

        fails += o->failed || o->forecast.fails;
        if (f->v.json)
            json_append(list, outlook_json(a, o));
        else
            print_outlook(a, o);
    }
    JSON_SET(whole, "platforms", list);
    show_number(a, whole, "fails", (int64_t)fails);
    if (f->v.json)
        put_json(a, whole);
    return fails > 0;
}

static bool collect(struct forecasting *f, const char *path, struct path_list *files)
{
    struct fault fault = {0};

    if (!input_is_folder(path)) {
        path_list_add(f->v.cli->arena, files, path);
        return true;
    }
    if (input_folder(f->v.cli->arena, path, files, &fault))
        return true;
    cli_error(f->v.cli, "%s", fault.text);
    return false;
}

static bool read_option(struct verification *v, int id, const char *value)
{
    switch (id) {
    case OPTION_COLLATERAL: path_list_add(v->cli->arena, &v->collateral, value); return true;
    case OPTION_ANCHOR: path_list_add(v->cli->arena, &v->anchors, value); return true;
    case OPTION_BASELINE: return verify_baseline(v, value);
    case OPTION_ACCEPT: return verify_accept(v, value);
    case 't':
        if (input_time(value, &v->time))
            return true;
        cli_misuse(v->cli, "--at %s: no time", value);
        return false;
    default: v->json = true; return true;
    }
}

/* Of a folder only what is evidence counts; a file that was named is judged whatever it is. */
static bool judge_all(struct forecasting *f, const struct path_list *files, size_t named_alone)
{
    for (size_t i = 0; i < files->n; i++) {
        struct fault fault = {0};
        struct bytes content;

        if (i >= named_alone && (!input_file(f->v.cli->arena, files->v[i], LIMIT_TOOL_FILE, &content, &fault) ||
                                 recognise_evidence(f->v.cli->arena, content) == KIND_UNKNOWN))
            continue;
        progress("judging %s", files->v[i]);
        judge_file(f, files->v[i]);
    }
    progress(NULL);
    if (f->count > 0)
        return true;
    cli_error(f->v.cli, "no evidence was found");
    return false;
}

static enum status forecast_run(struct cli *cli, int argc, char **argv)
{
    struct forecasting f = {0};
    struct path_list files = {0}, folders = {0};
    const char *path;
    struct options o;
    enum status status;

    verify_open(&f.v, cli);
    options_open(&o, cli, argc, argv);
    for (int id; (id = options_next(&o)) != 0;)
        if (!read_option(&f.v, id, o.value))
            return STATUS_MISUSE;
    if (options_done(&o, 1, LIMIT_TOOL_FILES, &status))
        return status;
    if (f.v.collateral.n == 0)
        return cli_misuse(cli, "--collateral is needed: the TCB data to judge by");
    for (int i = 0; (path = options_operand(&o, i)) != NULL; i++)
        if (!collect(&f, path, input_is_folder(path) ? &folders : &files))
            return STATUS_MISUSE;
    size_t named = files.n;
    for (size_t i = 0; i < folders.n; i++)
        path_list_add(cli->arena, &files, folders.v[i]);
    bool ran = verify_load_endorsements(&f.v) && judge_all(&f, &files, named);
    if (ran)
        forecast_all(&f);
    status = !ran ? STATUS_MISUSE : print(&f) ? STATUS_REFUSED : STATUS_DONE;
    endorsements_free(f.v.endorsements);
    return status;
}

const struct command collateral_forecast_command = {
    .name = "collateral forecast",
    .summary = "say which platforms the newest TCB data will refuse, when, and why",
    .usage = "FILE|DIR... --collateral DIR [OPTIONS]",
    .about =
        "Judges evidence as the service does, and its platform once more by the highest evaluation number at hand. "
        "Names each component that is below the nearest level that would be accepted. For SEV-SNP, which has no "
        "levels, the highest TCB that the evidence shows of a product is the measure. Exit status 2 when a platform "
        "is refused or will be.",
    .options =
        (const struct option_row[]){
            {OPTION_COLLATERAL, "collateral", "DIR|F", "endorsements: a folder, or one file; repeatable"},
            {OPTION_ANCHOR, "anchor", "F", "trust this root too: a certificate or a public key; repeatable"},
            {OPTION_BASELINE, "baseline", "N", "TCB evaluation number that is in force (default: the highest issued)"},
            {OPTION_ACCEPT, "accept", "STATUS",
             "accept this TCB status besides UpToDate and SWHardeningNeeded; repeatable"},
            OPTION_AT("the present"),
            OPTION_JSON,
            OPTION_END},
    .examples = "  assay collateral forecast quotes/ --collateral endorsements/ --baseline 18\n"
                "  assay collateral forecast quote.bin --collateral endorsements/ --json\n",
    .run = forecast_run,
};
