/* assay collateral show: what expires when, what is not genuine, what is missing. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/collateral.h"
#include "cli/terminal.h"

enum { OPTION_WITHIN = COLLATERAL_OPTION_BASE, DAY = 24 * 3600, WITHIN_MOST = 36525 };

struct row {
    struct collateral *o;
    enum collateral_verdict verdict;
    bool superseded; /* a later one about the same platform is at hand */
};

struct show {
    struct collateral_call call;
    int within; /* days; -1: not asked */
    struct row *rows;
    size_t count;
    const char **missing;
    size_t missing_count, missing_cap;
    size_t expiring;
};

static bool same_subject(const struct collateral *a, const struct collateral *b)
{
    return a->kind == b->kind && bytes_equal(a->fmspc, b->fmspc) && bytes_equal(a->hwid, b->hwid) &&
           (a->product == b->product || (a->product && b->product && strcmp(a->product, b->product) == 0));
}

/* Is b what anyone would rather rest on than a? Certificates of a platform never take each other's place. */
static bool later(const struct collateral *a, const struct collateral *b)
{
    if (!same_subject(a, b) || a->kind == COLLATERAL_PCK || a->kind == COLLATERAL_VCEK || a->kind == COLLATERAL_VLEK)
        return false;
    if (a->evaluation != b->evaluation)
        return b->evaluation > a->evaluation;
    return a->certificates ? b->expires > a->expires : b->issued > a->issued;
}

static int soonest_first(const void *a, const void *b)
{
    const struct row *x = a, *y = b;

    if (x->o->expires != y->o->expires)
        return x->o->expires < y->o->expires ? -1 : 1;
    return strcmp(x->o->file, y->o->file);
}

static void make_rows(struct show *s)
{
    struct catalogue *c = &s->call.catalogue;

    s->rows = ARENA_ARRAY(c->arena, struct row, c->n);
    for (size_t i = 0; i < c->n; i++)
        s->rows[s->count++] = (struct row){&c->v[i], collateral_judge(c, &c->v[i]), false};
    for (size_t i = 0; i < s->count; i++)
        for (size_t k = 0; k < s->count && !s->rows[i].superseded; k++)
            s->rows[i].superseded = s->rows[k].verdict == COLLATERAL_GENUINE && later(s->rows[i].o, s->rows[k].o);
    if (s->count)
        qsort(s->rows, s->count, sizeof *s->rows, soonest_first);
    for (size_t i = 0; i < s->count; i++)
        s->expiring += s->within >= 0 && !s->rows[i].superseded &&
                       s->rows[i].o->expires - s->call.time <= (int64_t)s->within * DAY;
}

static bool have(const struct show *s, enum collateral_kind kind, uint32_t evaluation)
{
    for (size_t i = 0; i < s->count; i++)
        if ((s->rows[i].verdict == COLLATERAL_GENUINE ||
             (s->rows[i].verdict == COLLATERAL_UNKNOWN && s->rows[i].o->crl)) &&
            s->rows[i].o->kind == kind && (!evaluation || s->rows[i].o->evaluation == evaluation))
            return true;
    return false;
}

static void miss(struct show *s, const char *text)
{
    struct arena *a = s->call.cli->arena;

    for (size_t i = 0; i < s->missing_count; i++)
        if (strcmp(s->missing[i], text) == 0)
            return;
    s->missing = ARENA_ROOM(a, s->missing, s->missing_count, &s->missing_cap);
    s->missing[s->missing_count++] = text;
}

/* What platforms need besides what is there: a TCB info asks for an identity of its number, a signer and CRLs. */
static void find_missing_tee(struct show *s, const char *tee, enum collateral_kind info, enum collateral_kind identity)
{
    struct arena *a = s->call.cli->arena;
    bool infos = have(s, info, 0), identities = have(s, identity, 0);

    for (size_t i = 0; i < s->count; i++) {
        const struct row *r = &s->rows[i];

        if (r->o->kind == info && r->verdict == COLLATERAL_GENUINE && !have(s, identity, r->o->evaluation))
            miss(s, arena_printf(a, "%s of number %u: without it no %s evidence is judged by that baseline",
                                 collateral_kind_what(identity), r->o->evaluation, tee));
    }
    if (identities && !infos)
        miss(s, arena_printf(a, "%s: there is none of any platform", collateral_kind_what(info)));
    if (infos && !have(s, COLLATERAL_ROOT_CRL, 0))
        miss(s, arena_printf(a, "%s: without it no %s evidence is judged", collateral_kind_what(COLLATERAL_ROOT_CRL),
                             tee));
    if (infos && !have(s, COLLATERAL_PLATFORM_CRL, 0))
        miss(s, arena_printf(a, "%s: needed by servers of several sockets, and for TDX",
                             collateral_kind_what(COLLATERAL_PLATFORM_CRL)));
    if (infos && info == COLLATERAL_TCB_INFO_SGX && !have(s, COLLATERAL_PROCESSOR_CRL, 0))
        miss(s,
             arena_printf(a, "%s: needed by platforms of one socket", collateral_kind_what(COLLATERAL_PROCESSOR_CRL)));
}

static void find_missing(struct show *s)
{
    bool documents = false;

    for (size_t i = 0; i < s->count; i++)
        documents |= s->rows[i].o->tcb_info || s->rows[i].o->identity;
    if (documents && !have(s, COLLATERAL_TCB_CHAIN, 0))
        miss(s, "TCB signing certificate: without it no TCB info and no identity is believed");
    find_missing_tee(s, "SGX", COLLATERAL_TCB_INFO_SGX, COLLATERAL_QE_IDENTITY);
    find_missing_tee(s, "TDX", COLLATERAL_TCB_INFO_TDX, COLLATERAL_TD_QE_IDENTITY);
}

static int64_t days(int64_t seconds)
{
    return seconds >= 0 ? seconds / DAY : -((-seconds + DAY - 1) / DAY);
}

static void set_time(struct arena *a, struct json *o, const char *name, int64_t t)
{
    char text[32];

    time_format(t, text);
    json_set(o, bytes_text(name), json_new_text(a, arena_copy(a, bytes_text(text))));
}

static void set_text(struct arena *a, struct json *o, const char *name, const char *text)
{
    json_set(o, bytes_text(name), json_new_text(a, text_clean(a, bytes_text(text))));
}

static struct json *row_json(const struct show *s, const struct row *r)
{
    struct arena *a = s->call.cli->arena;
    struct json *o = json_new(a, JSON_OBJECT);
    const struct collateral *v = r->o;

    set_text(a, o, "kind", collateral_kind_word(v->kind));
    set_text(a, o, "file", v->file);
    set_text(a, o, "name", v->name);
    if (v->fmspc.n)
        JSON_SET(o, "fmspc", json_new_text(a, hex_encode(a, v->fmspc)));
    if (v->evaluation)
        JSON_SET(o, "evaluation", json_new_integer(a, v->evaluation));
    if (v->product)
        set_text(a, o, "product", v->product);
    if (v->hwid.n)
        JSON_SET(o, "hwid", json_new_text(a, hex_encode(a, v->hwid)));
    if (v->product && (v->kind == COLLATERAL_VCEK || v->kind == COLLATERAL_VLEK))
        set_text(a, o, "tcb", arena_printf(a, "%016llx", (unsigned long long)v->tcb));
    set_time(a, o, "issued", v->issued);
    JSON_SET(o, "age_days", json_new_integer(a, days(s->call.time - v->issued)));
    if (v->expires != INT64_MAX) {
        set_time(a, o, "expires", v->expires);
        JSON_SET(o, "days", json_new_integer(a, days(v->expires - s->call.time)));
    }
    JSON_SET(o, "genuine", json_new_boolean(a, r->verdict == COLLATERAL_GENUINE));
    if (r->verdict != COLLATERAL_GENUINE)
        set_text(a, o, "reason", collateral_verdict_text(r->verdict));
    JSON_SET(o, "superseded", json_new_boolean(a, r->superseded));
    JSON_SET(o, "sha256", json_new_text(a, hex_encode(a, BYTES_OF(v->digest))));
    return o;
}

static struct json *bundle_json(struct arena *a, uint64_t sequence, int64_t time, const uint8_t *key)
{
    struct json *o = json_new(a, JSON_OBJECT);

    JSON_SET(o, "sequence", json_new_integer(a, (int64_t)sequence));
    set_time(a, o, "time", time);
    if (key)
        JSON_SET(o, "key", json_new_text(a, hex_encode(a, bytes_make(key, SHA256_SIZE))));
    return o;
}

static void show_json(const struct show *s)
{
    struct arena *a = s->call.cli->arena;
    const struct collateral_call *call = &s->call;
    struct json *o = json_new(a, JSON_OBJECT), *objects = json_new(a, JSON_ARRAY), *foreign = json_new(a, JSON_ARRAY),
                *missing = json_new(a, JSON_ARRAY);

    set_time(a, o, "at", call->time);
    for (size_t i = 0; i < s->count; i++)
        json_append(objects, row_json(s, &s->rows[i]));
    for (size_t i = 0; i < call->catalogue.foreign_count; i++) {
        struct json *item = json_new(a, JSON_OBJECT);

        set_text(a, item, "file", call->catalogue.foreign[i].file);
        set_text(a, item, "reason", call->catalogue.foreign[i].why);
        json_append(foreign, item);
    }
    for (size_t i = 0; i < s->missing_count; i++)
        json_append(missing, json_new_text(a, bytes_text(s->missing[i])));
    JSON_SET(o, "objects", objects);
    JSON_SET(o, "foreign", foreign);
    JSON_SET(o, "missing", missing);
    if (s->within >= 0)
        JSON_SET(o, "expiring", json_new_integer(a, (int64_t)s->expiring));
    if (call->is_bundle)
        JSON_SET(o, "bundle",
                 bundle_json(a, call->bundle.sequence, call->bundle.time,
                             call->bundle.is_signed ? call->bundle.signer : NULL));
    if (call->memory.sequence)
        JSON_SET(o, "imported",
                 bundle_json(a, call->memory.sequence, call->memory.time,
                             call->memory.was_signed ? call->memory.signer : NULL));
    put_json(a, o);
}

static void show_row(const struct show *s, const struct row *r)
{
    const struct collateral *o = r->o;
    int64_t left = o->expires - s->call.time;
    const char *about = collateral_about(s->call.cli->arena, o);
    char date[32] = "never";
    enum ink colour = r->verdict == COLLATERAL_UNKNOWN                     ? INK_WARNING
                      : r->verdict != COLLATERAL_GENUINE                   ? INK_BAD
                      : r->superseded                                      ? INK_FAINT
                      : left < 0                                           ? INK_BAD
                      : s->within >= 0 && left <= s->within * (int64_t)DAY ? INK_WARNING
                                                                           : INK_NONE;

    if (o->expires != INT64_MAX)
        time_format(o->expires, date);
    printf("%s%.10s %6s  ", ink(stdout, colour), date,
           o->expires == INT64_MAX ? "" : arena_printf(s->call.cli->arena, "%lldd", (long long)days(left)));
    printf("%s%s%s, %lld days old", collateral_kind_what(o->kind), *about ? " " : "", about,
           (long long)days(s->call.time - o->issued));
    if (r->superseded)
        printf(", superseded");
    if (r->verdict != COLLATERAL_GENUINE)
        printf(", %s: %s", r->verdict == COLLATERAL_UNKNOWN ? "not verified" : "NOT GENUINE",
               collateral_verdict_text(r->verdict));
    printf("%s  [", ink(stdout, INK_NONE));
    put_safe(stdout, bytes_text(o->file));
    printf("]\n");
}

static void show_text(const struct show *s)
{
    const struct collateral_call *call = &s->call;
    char time[32];

    if (call->is_bundle || call->memory.sequence) {
        time_format(call->is_bundle ? call->bundle.time : call->memory.time, time);
        printf("%s number %llu of %s%s\n", call->is_bundle ? "bundle" : "last import",
               (unsigned long long)(call->is_bundle ? call->bundle.sequence : call->memory.sequence), time,
               (call->is_bundle ? call->bundle.is_signed : call->memory.was_signed) ? "" : ", not signed");
    }
    for (size_t i = 0; i < s->count; i++)
        show_row(s, &s->rows[i]);
    for (size_t i = 0; i < call->catalogue.foreign_count; i++) {
        printf("no endorsement: ");
        put_safe(stdout, bytes_text(call->catalogue.foreign[i].file));
        printf(": ");
        put_safe(stdout, bytes_text(call->catalogue.foreign[i].why));
        printf("\n");
    }
    for (size_t i = 0; i < s->missing_count; i++)
        printf("missing: %s\n", s->missing[i]);
}

static bool show_option(struct show *s, int id, const char *value)
{
    uint64_t n;

    if (id != OPTION_WITHIN)
        return collateral_option(&s->call, id, value);
    if (decimal_parse(bytes_text(value), WITHIN_MOST, &n)) {
        s->within = (int)n;
        return true;
    }
    cli_misuse(s->call.cli, "--within %s: no number of days up to %d", value, WITHIN_MOST);
    return false;
}

static enum status show_run(struct cli *cli, int argc, char **argv)
{
    struct show s = {.within = -1};
    struct options o;
    enum status status;

    collateral_open(&s.call, cli);
    options_open(&o, cli, argc, argv);
    for (int id; (id = options_next(&o)) != 0;)
        if (!show_option(&s, id, o.value))
            return STATUS_MISUSE;
    if (options_done(&o, 1, 1, &status))
        return status;
    if (!collateral_read(&s.call, options_operand(&o, 0)))
        return STATUS_MISUSE;
    make_rows(&s);
    find_missing(&s);
    if (s.call.json)
        show_json(&s);
    else
        show_text(&s);
    if (s.expiring == 0)
        return STATUS_DONE;
    cli_error(cli, "%zu expire%s within %d days, or did already", s.expiring, s.expiring == 1 ? "s" : "", s.within);
    return STATUS_REFUSED;
}

const struct command collateral_show_command = {
    .name = "collateral show",
    .summary = "list endorsements: what expires when, what is not genuine, what is missing",
    .usage = "DIR|BUNDLE|FILE [--within DAYS] [--at TIME] [--anchor F] [--json]",
    .about = "Lists all endorsements of a folder or a bundle, what expires soonest first, with their age; then files "
             "that are no "
             "endorsements, and what is missing to judge evidence by those that are there.",
    .options = (const struct option_row[]){{OPTION_WITHIN, "within", "DAYS",
                                            "exit with 2 when something expires within so many days that nothing later "
                                            "supersedes"},
                                           COLLATERAL_OPTION_ANCHOR,
                                           OPTION_AT("count from this time"),
                                           OPTION_JSON,
                                           OPTION_END},
    .examples = "  assay collateral show /var/lib/assay/collateral --within 7\n",
    .run = show_run,
};
