/* What may be written into the folder: genuine, and newer than what is there. */
#include "base/limits.h"
#include "collateral/folder.h"

struct putting {
    struct arena *arena;
    struct catalogue all; /* what is there, then what is offered */
    size_t there;         /* objects of the folder */
    bool unknown_crls;
    struct folder_entry *entries;
    size_t count, cap;
};

static bool open_catalogue(struct putting *p, struct folder *f, const struct anchors *trust, struct fault *fault)
{
    catalogue_init(&p->all, p->arena);
    for (size_t i = 0; trust && i < trust->count; i++)
        catalogue_add_anchor(&p->all, trust->pins[i]);
    bool ok = folder_load(f, &p->all, fault);
    p->there = p->all.n;
    return ok;
}

/* The newest of those with this verdict about the same. */
static struct collateral *newest_there(struct putting *p, const struct collateral *o, enum collateral_verdict verdict)
{
    struct collateral *best = NULL;

    for (size_t i = 0; i < p->there; i++) {
        struct collateral *v = &p->all.v[i];

        if (strcmp(v->name, o->name) == 0 && (!best || collateral_older(best, v)) &&
            collateral_judge(&p->all, v) == verdict)
            best = v;
    }
    return best;
}

/* An earlier one of this very call that is as new. */
static struct folder_entry *same_name(struct putting *p, const char *name)
{
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->entries[i].name, name) == 0)
            return &p->entries[i];
    return NULL;
}

static void offer(struct putting *p, struct collateral *o, struct folder_result *r)
{
    const struct collateral *old;
    enum collateral_verdict verdict = collateral_judge(&p->all, o);

    r->name = o->name;
    if (verdict != COLLATERAL_GENUINE && !(p->unknown_crls && verdict == COLLATERAL_UNKNOWN && o->crl)) {
        r->outcome = FOLDER_REFUSED;
        r->why = collateral_verdict_text(verdict);
        return;
    }
    old = newest_there(p, o, COLLATERAL_GENUINE);
    if (verdict != COLLATERAL_GENUINE && old) {
        r->outcome = FOLDER_NEWER;
        r->why = "a genuine one is there, and of this one its issuer is not at hand";
        return;
    }
    if (verdict != COLLATERAL_GENUINE)
        old = newest_there(p, o, COLLATERAL_UNKNOWN);
    struct folder_entry *beside = same_name(p, o->name);
    if (old && !collateral_older(old, o)) {
        bool older = collateral_older(o, old);

        r->outcome = older ? FOLDER_NEWER : FOLDER_OTHER;
        r->why = older ? "one that was issued later is there" : "another one that was issued at the same time is there";
    } else if (beside) {
        r->outcome = FOLDER_OTHER;
        r->why = "another one about the same came with it";
    } else {
        r->outcome = old ? FOLDER_REPLACED : FOLDER_NEW;
        p->entries = ARENA_ROOM(p->arena, p->entries, p->count, &p->cap);
        p->entries[p->count++] = (struct folder_entry){o->name, o->content};
    }
}

static const char *name_of(struct arena *a, struct bytes content)
{
    struct catalogue alone;

    catalogue_init(&alone, a);
    catalogue_add(&alone, "", content);
    return alone.n ? alone.v[alone.n - 1].name : NULL;
}

/* Of one input, which made the objects from..to of the catalogue; none when all of it was there. */
static void results_of(struct putting *p, struct bytes content, size_t from, size_t to, struct folder_result *r)
{
    if (from == to)
        *r = (struct folder_result){FOLDER_SAME, name_of(p->arena, content), NULL};
    for (size_t i = from; i < to; i++)
        offer(p, &p->all.v[i], r);
}

bool folder_offer(struct folder *f, struct arena *a, const struct folder_trust *trust, const struct bytes *contents,
                  size_t count, struct folder_result *results, struct folder_entry **entries, size_t *entry_count,
                  struct fault *fault)
{
    struct putting p = {.arena = a, .unknown_crls = trust->unknown_crls};
    size_t *ends = ARENA_ARRAY(a, size_t, count);

    if (!open_catalogue(&p, f, trust->anchors, fault))
        return false;
    for (size_t i = 0; i < count; i++) {
        size_t foreign = p.all.foreign_count;

        results[i] = (struct folder_result){0};
        if (!catalogue_add(&p.all, "what was offered", contents[i]))
            results[i] = (struct folder_result){FOLDER_REFUSED, NULL, p.all.foreign[foreign].why};
        ends[i] = p.all.n;
    }
    for (size_t i = 0; i < count; i++)
        if (results[i].outcome != FOLDER_REFUSED)
            results_of(&p, contents[i], i ? ends[i - 1] : p.there, ends[i], &results[i]);
    if (p.all.n > LIMIT_FOLDER_FILES)
        return fault_set(fault, FAULT_LIMIT, "%s: more than %d objects", f->path, LIMIT_FOLDER_FILES);
    *entries = p.entries;
    *entry_count = p.count;
    return true;
}

bool folder_put(struct folder *f, struct arena *a, const struct anchors *trust, const struct bytes *contents,
                size_t count, struct folder_result *results, struct fault *fault)
{
    struct folder_entry *entries;
    size_t n;

    struct folder_trust genuine = {trust, false};

    return folder_offer(f, a, &genuine, contents, count, results, &entries, &n, fault) &&
           folder_write(f, entries, n, fault);
}
