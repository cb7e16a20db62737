/* assay collateral fetch: endorsements from their vendors, or a cache of theirs, into a folder. */
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/limits.h"
#include "base/text.h"
#include "cli/collateral.h"
#include "cli/terminal.h"
#include "cli/verify.h"
#include "collateral/fetch.h"

enum {
    OPTION_INTO = COLLATERAL_OPTION_BASE,
    OPTION_SOURCE,
    OPTION_FMSPC,
    OPTION_TEE,
    OPTION_FOR,
    OPTION_WANT,
    OPTION_PRODUCT,
    OPTION_EVALUATION,
    OPTION_EARLY,
    OPTION_PROXY,
    OPTION_CA_FILE,
    OPTION_RATE,
};
enum {
    WANTS_MOST = 4096, /* of one run */
    RATE = 120,        /* requests to one host in a minute */
    RATE_MOST = 60000,
    TRIES = 4,            /* at one endorsement, while its source is busy */
    PATIENCE = 60 * 1000, /* milliseconds: who is told to wait longer comes again himself */
};

struct fetch_call {
    struct collateral_call call;
    const char *into, *proxy, *ca;
    struct upstream sources[UPSTREAMS_MAX];
    size_t source_count;
    struct path_list fmspcs, files, names, products;
    bool sgx, tdx; /* --tee */
    bool early;
    uint32_t evaluation;
    int rate;
    struct want *wants;
    size_t count;
    struct throttle throttle;
    size_t refused, failed;
    struct json *list; /* of results */
};

static bool same_want(struct arena *a, const struct want *x, const struct want *y)
{
    return strcmp(want_name(a, x), want_name(a, y)) == 0;
}

static bool add_want(struct fetch_call *f, struct want w)
{
    bool numbered = w.kind == WANT_TCB_INFO || w.kind == WANT_IDENTITY;

    if (numbered && f->evaluation)
        w.evaluation = f->evaluation;
    if (numbered && f->early && !w.evaluation)
        w.early = true;
    for (size_t i = 0; i < f->count; i++)
        if (same_want(f->call.cli->arena, &f->wants[i], &w))
            return true;
    if (f->count == WANTS_MOST) {
        cli_misuse(f->call.cli, "more than %d endorsements in one run", WANTS_MOST);
        return false;
    }
    f->wants[f->count++] = w;
    return true;
}

static bool add_wants(struct fetch_call *f, const struct want *wants, size_t count)
{
    bool ok = true;

    for (size_t i = 0; i < count && ok; i++)
        ok = add_want(f, wants[i]);
    return ok;
}

/* Both authorities' CRLs: the family alone does not tell which one issued a platform's certificate. */
static bool add_fmspc(struct fetch_call *f, const char *text)
{
    struct want wants[WANTS_OF_PLATFORM];
    uint8_t fmspc[FMSPC_SIZE];
    bool ok = true;

    if (!hex_decode_exact(bytes_text(text), fmspc, sizeof fmspc)) {
        cli_misuse(f->call.cli, "--fmspc %s: 12 hexadecimal digits are needed", text);
        return false;
    }
    for (int tee = TEE_SGX; tee <= TEE_TDX && ok; tee++)
        for (int platform = 0; platform < 2 && (tee == TEE_SGX ? f->sgx : f->tdx) && ok; platform++)
            ok = add_wants(f, wants, wants_of_intel((enum intel_tee)tee, fmspc, platform, 0, wants));
    return ok;
}

static bool add_product(struct fetch_call *f, const char *name)
{
    const char *product = want_product(bytes_text(name));

    if (!product) {
        cli_misuse(f->call.cli, "--product %s: Milan, Genoa (Bergamo, Siena) or Turin", name);
        return false;
    }
    return add_want(f, (struct want){.kind = WANT_AMD_CHAIN, .product = product}) &&
           add_want(f, (struct want){.kind = WANT_AMD_CRL, .product = product});
}

static bool add_name(struct fetch_call *f, struct bytes name)
{
    struct want wants[WANTS_OF_PLATFORM];
    size_t count = wants_parse(name, wants);

    if (!add_wants(f, wants, count))
        return false;
    return !count || wants[0].kind != WANT_VCEK || add_product(f, wants[0].product);
}

/* The evidence is judged without any endorsement: what the appraisal lacks is what its platform needs. Only what verified that far names
 * a platform, so nobody can have anything fetched with a file that he wrote himself. */
static bool add_file(struct fetch_call *f, const char *path)
{
    struct cli *cli = f->call.cli;
    struct verification v;

    verify_open(&v, cli);
    v.file = path;
    v.anchors = f->call.anchors;
    v.time = f->call.time;
    if (!verify_read(&v) || !verify_load_endorsements(&v) || !verify_appraise(&v)) {
        endorsements_free(v.endorsements);
        return false;
    }
    struct bytes wanted = v.appraisal.exam.wanted;
    endorsements_free(v.endorsements);
    const struct trace_entry *failure = trace_failure(v.appraisal.exam.trace);
    if (wanted.n)
        return add_name(f, wanted);
    cli_error(cli, "%s: no platform whose endorsements can be fetched: %s", path,
              failure ? check_table[failure->id].id : "the evidence needs none");
    return false;
}

static bool collect(struct fetch_call *f)
{
    bool ok = true;

    f->wants = ARENA_ARRAY(f->call.cli->arena, struct want, WANTS_MOST);
    for (size_t i = 0; i < f->files.n && ok; i++)
        ok = add_file(f, f->files.v[i]);
    for (size_t i = 0; i < f->fmspcs.n && ok; i++)
        ok = add_fmspc(f, f->fmspcs.v[i]);
    for (size_t i = 0; i < f->products.n && ok; i++)
        ok = add_product(f, f->products.v[i]);
    for (size_t i = 0; i < f->names.n && ok; i++) {
        size_t before = f->count;

        ok = add_name(f, bytes_text(f->names.v[i]));
        if (ok && f->count == before && !wants_parse(bytes_text(f->names.v[i]), f->wants + f->count))
            return cli_misuse(f->call.cli, "--want %s: no name of an endorsement", f->names.v[i]) == STATUS_DONE;
    }
    if (ok && f->count == 0)
        cli_misuse(f->call.cli, "nothing to fetch: name --for FILE, --fmspc, --product or --want");
    return ok && f->count;
}

static bool is_transient(enum fetch_outcome o)
{
    return o == FETCH_BUSY || o == FETCH_UNREACHABLE;
}

static void fetch_one(struct fetch_call *f, const struct fetch_how *how, size_t i, struct fetch_result *r)
{
    struct arena *a = f->call.cli->arena;
    const char *name = want_name(a, &f->wants[i]);

    for (int tries = 1;; tries++) {
        progress("fetching %zu of %zu: %s", i + 1, f->count, name);
        fetch_want(a, how, &f->wants[i], r);
        if (r->outcome != FETCH_BUSY || tries == TRIES || r->wait > PATIENCE)
            return;
        progress("%zu of %zu: %s: waiting %lld s, then trying again", i + 1, f->count, name,
                 (long long)(r->wait + 999) / 1000);
        nanosleep(&(struct timespec){.tv_sec = (time_t)(r->wait / 1000), .tv_nsec = (long)(r->wait % 1000) * 1000000L},
                  NULL);
    }
}

static void tell(struct fetch_call *f, size_t i, const struct fetch_result *r)
{
    struct arena *a = f->call.cli->arena;
    const char *name = want_name(a, &f->wants[i]), *outcome = fetch_outcome_word(r->outcome);
    bool good = fetch_succeeded(r->outcome);
    struct json *o = json_new(a, JSON_OBJECT);

    progress(NULL);
    f->failed += is_transient(r->outcome) || r->outcome == FETCH_UNWRITABLE;
    f->refused += r->outcome == FETCH_ABSENT || r->outcome == FETCH_REFUSED;
    JSON_SET(o, "name", json_new_text(a, bytes_text(name)));
    JSON_SET(o, "outcome", json_new_text(a, bytes_text(outcome)));
    JSON_SET(o, "source", r->asked ? json_new_text(a, bytes_text(upstream_word(r->from))) : json_new(a, JSON_NULL));
    JSON_SET(o, "file", r->name ? json_new_text(a, bytes_text(r->name)) : json_new(a, JSON_NULL));
    JSON_SET(o, "reason", *r->why ? json_new_text(a, text_clean(a, bytes_text(r->why))) : json_new(a, JSON_NULL));
    json_append(f->list, o);
    if (!good) {
        struct bytes why = text_clean(a, bytes_text(r->why));

        cli_error(f->call.cli, "%s: %s: %.*s", name, outcome, (int)why.n, (const char *)why.p);
    } else if (!f->call.json) {
        printf("%s%-9s%s %s%s%s\n", ink(stdout, INK_GOOD), outcome, ink(stdout, INK_NONE), name, r->name ? "  " : "",
               r->name ? r->name : "");
    }
}

static enum status fetch_all(struct fetch_call *f)
{
    struct arena *a = f->call.cli->arena;
    struct json *o = json_new(a, JSON_OBJECT);
    struct anchors trust;
    const struct fetch_how how = {.sources = f->sources,
                                  .source_count = f->source_count,
                                  .folder = f->into,
                                  .proxy = f->proxy,
                                  .ca_file = f->ca,
                                  .trust = &trust,
                                  .throttle = &f->throttle};

    if (!collateral_anchors(&f->call, &trust))
        return STATUS_MISUSE;
    signal(SIGPIPE, SIG_IGN);
    throttle_init(&f->throttle, 60 * 1000 / f->rate);
    f->list = json_new(a, JSON_ARRAY);
    for (size_t i = 0; i < f->count; i++) {
        struct fetch_result r;

        fetch_one(f, &how, i, &r);
        tell(f, i, &r);
    }
    throttle_end(&f->throttle);
    JSON_SET(o, "into", json_new_text(a, text_clean(a, bytes_text(f->into))));
    JSON_SET(o, "fetched", f->list);
    JSON_SET(o, "refused", json_new_integer(a, (int64_t)f->refused));
    JSON_SET(o, "failed", json_new_integer(a, (int64_t)f->failed));
    if (f->call.json)
        put_json(a, o);
    return f->refused ? STATUS_REFUSED : f->failed ? STATUS_MISUSE : STATUS_DONE;
}

static bool add_source(struct fetch_call *f, const char *value)
{
    struct fault fault = {0};

    if (f->source_count == UPSTREAMS_MAX)
        fault_set(&fault, FAULT_LIMIT, "more than %d sources", UPSTREAMS_MAX);
    else if (upstream_parse(f->call.cli->arena, bytes_text(value), &f->sources[f->source_count], &fault))
        f->source_count++;
    if (fault.code == FAULT_NONE)
        return true;
    cli_misuse(f->call.cli, "--source %s", fault.text);
    return false;
}

static bool read_number(struct fetch_call *f, const char *option, const char *value, int most, uint64_t *out)
{
    if (decimal_parse(bytes_text(value), (uint64_t)most, out) && *out > 0)
        return true;
    cli_misuse(f->call.cli, "--%s %s: no number from 1 to %d", option, value, most);
    return false;
}

static bool choose_tee(struct fetch_call *f, const char *value)
{
    f->sgx = strcmp(value, "sgx") == 0 || strcmp(value, "both") == 0;
    f->tdx = strcmp(value, "tdx") == 0 || strcmp(value, "both") == 0;
    if (!f->sgx && !f->tdx)
        cli_misuse(f->call.cli, "--tee %s: sgx, tdx or both", value);
    return f->sgx || f->tdx;
}

static bool fetch_option(struct fetch_call *f, int id, const char *value)
{
    struct arena *a = f->call.cli->arena;
    uint64_t n;

    switch (id) {
    case OPTION_INTO: f->into = value; return true;
    case OPTION_SOURCE: return add_source(f, value);
    case OPTION_FMSPC: path_list_add(a, &f->fmspcs, value); return true;
    case OPTION_TEE: return choose_tee(f, value);
    case OPTION_FOR: path_list_add(a, &f->files, value); return true;
    case OPTION_WANT: path_list_add(a, &f->names, value); return true;
    case OPTION_PRODUCT: path_list_add(a, &f->products, value); return true;
    case OPTION_EARLY: f->early = true; return true;
    case OPTION_PROXY: f->proxy = value; return true;
    case OPTION_CA_FILE: f->ca = value; return true;
    case OPTION_EVALUATION:
        if (!read_number(f, "evaluation", value, LIMIT_EVALUATION, &n))
            return false;
        f->evaluation = (uint32_t)n;
        return true;
    case OPTION_RATE:
        if (!read_number(f, "rate", value, RATE_MOST, &n))
            return false;
        f->rate = (int)n;
        return true;
    default: return collateral_option(&f->call, id, value);
    }
}

static enum status fetch_run(struct cli *cli, int argc, char **argv)
{
    struct fetch_call f = {.sgx = true, .rate = RATE};
    struct options o;
    enum status status;

    collateral_open(&f.call, cli);
    options_open(&o, cli, argc, argv);
    for (int id; (id = options_next(&o)) != 0;)
        if (!fetch_option(&f, id, o.value))
            return STATUS_MISUSE;
    if (options_done(&o, 0, 0, &status))
        return status;
    if (!f.into)
        return cli_misuse(cli, "--into DIR is needed: the folder to write to");
    if (f.early && f.evaluation)
        return cli_misuse(cli, "--early and --evaluation cannot both hold");
    if (!f.source_count && (!add_source(&f, "pcs") || !add_source(&f, "kds")))
        return STATUS_MISUSE;
    return collect(&f) ? fetch_all(&f) : STATUS_MISUSE;
}

const struct command collateral_fetch_command = {
    .name = "collateral fetch",
    .summary = "fetch endorsements from Intel, AMD or a cache into a folder",
    .usage = "--into DIR {--for FILE | --fmspc HEX | --product NAME | --want NAME}... [--source SOURCE]... [--json]",
    .about =
        "Asks the sources in turn, and writes what is genuine and newer than what is there. A source is a word, with "
        "an address where it is not the usual one: pcs (Intel), kds (AMD), pccs (a cache of Intel's), thim (Azure's).",
    .options =
        (const struct option_row[]){
            {OPTION_INTO, "into", "DIR", "the folder; it is made where there is none"},
            {OPTION_FOR, "for", "FILE", "what the platform of this evidence needs; repeatable"},
            {OPTION_FMSPC, "fmspc", "HEX", "what Intel platforms of this family need; repeatable"},
            {OPTION_TEE, "tee", "TEE", "with --fmspc: sgx (default), tdx or both"},
            {OPTION_PRODUCT, "product", "NAME",
             "authorities and CRL of an AMD product: Milan, Genoa, Turin; repeatable"},
            {OPTION_WANT, "want", "NAME",
             "what a log or a refusal names, such as intel/sgx/00906ed50000/platform; repeatable"},
            {OPTION_SOURCE, "source", "SOURCE",
             "\"pcs\", \"pccs https://cache:8081\"; repeatable (default: pcs, then kds)"},
            {OPTION_EVALUATION, "evaluation", "N",
             "Intel's data of this TCB evaluation number (default: Intel's standard)"},
            {OPTION_EARLY, "early", NULL, "Intel's newest data, before it becomes the standard"},
            {OPTION_PROXY, "proxy", "URL", "the proxy to go through (default: as https_proxy in the environment says)"},
            {OPTION_CA_FILE, "ca", "F", "PEM: trust these certificates too for the connections"},
            {OPTION_RATE, "rate", "N", "requests to one host in a minute (default 120)"},
            COLLATERAL_OPTION_ANCHOR,
            OPTION_AT("judge the evidence of --for at this time"),
            OPTION_JSON,
            OPTION_END},
    .examples =
        "  assay collateral fetch --into collateral --for quote.bin\n"
        "  assay collateral fetch --into collateral --fmspc 00906ed50000 --evaluation 17\n"
        "  assay collateral fetch --into collateral --product Milan --source kds\n"
        "  assay collateral fetch --into collateral --for quote.bin --source 'pccs https://cache:8081' --ca ca.pem\n",
    .run = fetch_run,
};
