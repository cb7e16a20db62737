#include "service/collateral_state.h"

#include <inttypes.h>

static bool is_numbered(enum collateral_kind kind)
{
    return kind <= COLLATERAL_QAE_IDENTITY;
}

/* About the same, whatever the evaluation number. */
static bool same_subject(const struct collateral *a, const struct collateral *b)
{
    if (a->kind != b->kind)
        return false;
    return is_numbered(a->kind) ? bytes_equal(a->fmspc, b->fmspc) : strcmp(a->name, b->name) == 0;
}

bool collateral_is_newest(const struct catalogue *c, const struct collateral *o)
{
    if (o->kind == COLLATERAL_VCEK || o->kind == COLLATERAL_VLEK || o->kind == COLLATERAL_PCK)
        return true; /* of platforms: many, and never replaced */
    for (size_t i = 0; i < c->n; i++) {
        const struct collateral *other = &c->v[i];

        if (other == o || !same_subject(o, other))
            continue;
        if (other->evaluation != o->evaluation
                ? other->evaluation > o->evaluation
                : collateral_older(o, other) || (!collateral_older(other, o) && other < o))
            return false;
    }
    return true;
}

void collateral_state_of(const struct catalogue *c, struct collateral_kind_state kinds[COLLATERAL_KINDS])
{
    memset(kinds, 0, COLLATERAL_KINDS * sizeof *kinds);
    for (size_t i = 0; i < c->n; i++) {
        const struct collateral *o = &c->v[i];
        struct collateral_kind_state *k = &kinds[o->kind];

        k->objects++;
        if (!collateral_is_newest(c, o))
            continue;
        if (!k->first || o->issued < k->issued)
            k->issued = o->issued;
        if (!k->first || o->expires < k->expires) {
            k->expires = o->expires;
            k->first = o->name;
        }
    }
}

static void head(struct writer *w, const char *name, const char *type, const char *help)
{
    wr_printf(w, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_kinds(struct writer *w, const struct collateral_state *s, int64_t now)
{
    head(w, "assay_collateral_objects", "gauge", "Endorsements in the folder, by kind.");
    for (int i = 0; i < COLLATERAL_KINDS; i++)
        wr_printf(w, "assay_collateral_objects{kind=\"%s\"} %zu\n", collateral_kind_word((enum collateral_kind)i),
                  s->kinds[i].objects);
    head(w, "assay_collateral_age_seconds", "gauge",
         "Since the endorsement of this kind that was issued longest ago was issued.");
    for (int i = 0; i < COLLATERAL_KINDS; i++)
        if (s->kinds[i].first)
            wr_printf(w, "assay_collateral_age_seconds{kind=\"%s\"} %" PRId64 "\n",
                      collateral_kind_word((enum collateral_kind)i),
                      now > s->kinds[i].issued ? now - s->kinds[i].issued : 0);
    head(w, "assay_collateral_expiry_timestamp_seconds", "gauge",
         "When the first endorsement of this kind expires, in seconds since 1970.");
    for (int i = 0; i < COLLATERAL_KINDS; i++)
        if (s->kinds[i].first && s->kinds[i].expires != INT64_MAX)
            wr_printf(w, "assay_collateral_expiry_timestamp_seconds{kind=\"%s\"} %" PRId64 "\n",
                      collateral_kind_word((enum collateral_kind)i), s->kinds[i].expires);
}

static void write_fetches(struct writer *w, const struct collateral_state *s)
{
    head(w, "assay_collateral_fetches_total", "counter",
         "Endorsements that were sought, by source and what came of it.");
    for (int i = 0; i < UPSTREAM_SHAPES; i++)
        for (int k = 0; k < FETCH_OUTCOMES; k++)
            wr_printf(w, "assay_collateral_fetches_total{source=\"%s\",outcome=\"%s\"} %lu\n",
                      upstream_word((enum upstream_shape)i), fetch_outcome_word((enum fetch_outcome)k),
                      s->fetched[i][k]);
    head(w, "assay_collateral_source_success_timestamp_seconds", "gauge",
         "When a source last served what was sought, in seconds since 1970; 0: never.");
    for (int i = 0; i < UPSTREAM_SHAPES; i++)
        wr_printf(w, "assay_collateral_source_success_timestamp_seconds{source=\"%s\"} %" PRId64 "\n",
                  upstream_word((enum upstream_shape)i), s->succeeded[i]);
}

static void write_asked(struct writer *w, const struct collateral_state *s)
{
    static const char *const asks[FETCH_ASKS] = {
        [FETCH_ASK_THERE] = "there", [FETCH_ASK_UNDER_WAY] = "under_way", [FETCH_ASK_IN_VAIN] = "in_vain",
        [FETCH_ASK_NEW] = "new",     [FETCH_ASK_REFUSED] = "refused",     [FETCH_ASK_OFF] = "off",
    };

    head(w, "assay_collateral_missing_total", "counter",
         "Requests that lacked an endorsement, by how it stood with fetching it.");
    for (int i = 0; i < FETCH_ASKS; i++)
        wr_printf(w, "assay_collateral_missing_total{fetch=\"%s\"} %lu\n", asks[i], s->asked[i]);
    head(w, "assay_collateral_loads_total", "counter", "Times that what was fetched was put in force.");
    wr_printf(w, "assay_collateral_loads_total %lu\n", s->loads);
    head(w, "assay_collateral_fetch_tasks", "gauge", "What the fetcher refreshes, fetches, or sought in vain.");
    wr_printf(w, "assay_collateral_fetch_tasks %zu\n", s->tasks);
    head(w, "assay_collateral_fetching", "gauge", "1 where sources of endorsements are set.");
    wr_printf(w, "assay_collateral_fetching %d\n", s->fetching);
}

void wr_collateral_metrics(struct writer *w, const struct collateral_state *s, int64_t now)
{
    write_kinds(w, s, now);
    write_fetches(w, s);
    write_asked(w, s);
}
