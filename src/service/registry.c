#include "service/registry.h"

#include <search.h>
#include <stdlib.h>

#include "arm/resource.h"
#include "service/log.h"
#include "service/slab.h"

enum { SCRATCH_MEMORY = 16 * 1024 * 1024 }; /* to read one record, which is no larger than LIMIT_ARM_RECORD */

struct registry {
    void *by_authority; /* of struct tenant */
    void *by_place;     /* the same, those that are listed */
    struct arena scratch;
    struct slab slab; /* of records and tenants */
    struct tenant **all;
    size_t count, cap;
    struct tenant *last; /* of whom the last record was: at a start, those of one provider often stand together */
    uint64_t stamps;
    struct registry_seals seals;
    bool has_key;
    uint8_t key[ED25519_PUBLIC]; /* of records; public */
};

static void *must(void *p)
{
    if (!p)
        abort(); /* the host without memory for its own state: a start, or a restart, is the way out */
    return p;
}

static int by_authority(const void *a, const void *b)
{
    return bytes_compare(((const struct tenant *)a)->authority, ((const struct tenant *)b)->authority);
}

static int without_case(struct bytes a, struct bytes b)
{
    if (a.n != b.n)
        return a.n < b.n ? -1 : 1;
    return a.n ? strncasecmp((const char *)a.p, (const char *)b.p, a.n) : 0;
}

/* Names are ASCII without a NUL (arm/names.h). */
static int by_place(const void *a, const void *b)
{
    const struct place *x = &((const struct tenant *)a)->place, *y = &((const struct tenant *)b)->place;
    int d = without_case(x->subscription, y->subscription);

    if (!d)
        d = without_case(x->group, y->group);
    return d ? d : without_case(x->name, y->name);
}

struct registry *registry_new(void)
{
    struct registry *r = calloc(1, sizeof *r);

    if (r)
        arena_init(&r->scratch, SCRATCH_MEMORY);
    return r;
}

/* Of all its fields. The seal has one size, or none. */
static size_t held_size(const struct held_record *h)
{
    return sizeof *h + h->kind.n + h->body.n + h->hash_size + h->signer_size + h->caller_size + h->seal_size;
}

static void release(struct registry *r, struct held_record *h)
{
    if (h)
        slab_free(&r->slab, h, held_size(h));
}

/* With room for its issuer and its authority behind it. */
static size_t tenant_size(struct bytes issuer)
{
    return sizeof(struct tenant) + 2 * issuer.n;
}

static void tenant_free(struct registry *of, struct tenant *t)
{
    while (t->records) {
        struct held_record *r = t->records;

        t->records = r->next;
        release(of, r);
    }
    slab_free(&of->slab, t, tenant_size(t->issuer));
}

static void leave(void *tenant)
{
    (void)tenant; /* they are freed by their list */
}

void registry_free(struct registry *r)
{
    if (!r)
        return;
    tdestroy(r->by_authority, leave);
    tdestroy(r->by_place, leave);
    arena_free(&r->scratch);
    for (size_t i = 0; i < r->count; i++)
        tenant_free(r, r->all[i]);
    slab_end(&r->slab);
    free(r->all);
    free(r);
}

/* "https://Name:443" is asked for as "name"; `out` has room for the issuer. */
static struct bytes authority_of(struct bytes issuer, uint8_t *out)
{
    struct bytes named = bytes_after(issuer, strlen("https://"));

    for (size_t i = 0; i < named.n; i++)
        out[i] = named.p[i] >= 'A' && named.p[i] <= 'Z' ? (uint8_t)(named.p[i] + 32) : named.p[i];
    struct bytes authority = bytes_make(out, named.n);
    if (authority.n > 4 && bytes_is(bytes_after(authority, authority.n - 4), ":443"))
        authority.n -= 4;
    return authority;
}

struct tenant *registry_by_authority(const struct registry *r, struct bytes authority)
{
    struct tenant wanted = {.authority = authority};
    const void *found = tfind(&wanted, &r->by_authority, by_authority);

    return found ? *(struct tenant *const *)found : NULL;
}

struct tenant *registry_by_issuer(const struct registry *r, struct bytes issuer)
{
    uint8_t small[128], *room = issuer.n <= sizeof small ? small : must(malloc(issuer.n));
    struct tenant *t = registry_by_authority(r, authority_of(issuer, room));

    if (room != small)
        free(room);
    return t;
}

struct tenant *registry_by_place(const struct registry *r, const struct place *place)
{
    const struct tenant wanted = {.place = *place};
    void *found = tfind(&wanted, &r->by_place, by_place);

    return found ? *(struct tenant *const *)found : NULL;
}

struct walk {
    struct bytes subscription, group;
    registry_visit *each;
    void *context;
};

static void step(const void *node, VISIT visit, void *closure)
{
    const struct walk *w = closure;
    const struct tenant *t = *(const struct tenant *const *)node;

    if ((visit == postorder || visit == leaf) && bytes_equal_nocase(t->place.subscription, w->subscription) &&
        (!w->group.n || bytes_equal_nocase(t->place.group, w->group)))
        w->each(w->context, t);
}

void registry_each(const struct registry *r, struct bytes subscription, struct bytes group, registry_visit *each,
                   void *context)
{
    struct walk w = {subscription, group, each, context};

    twalk_r(r->by_place, step, &w);
}

size_t registry_count(const struct registry *r)
{
    return r->count;
}

struct tenant *registry_at(const struct registry *r, size_t i)
{
    return r->all[i];
}

static struct tenant *find_or_add(struct registry *r, struct bytes issuer)
{
    if (r->last && bytes_equal(r->last->issuer, issuer))
        return r->last;
    struct tenant *t = registry_by_issuer(r, issuer);
    if (t)
        return r->last = t;
    t = slab_alloc(&r->slab, tenant_size(issuer));
    uint8_t *names = (uint8_t *)(t + 1);
    *t = (struct tenant){.index = r->count, .stamp = ++r->stamps};
    memcpy(names, issuer.p, issuer.n);
    t->issuer = bytes_make(names, issuer.n);
    t->authority = authority_of(issuer, names + issuer.n);
    if (r->count == r->cap) {
        r->cap = r->cap ? 2 * r->cap : 64;
        r->all = must(realloc(r->all, r->cap * sizeof(struct tenant *)));
    }
    r->all[r->count++] = t;
    must(tsearch(t, &r->by_authority, by_authority));
    return r->last = t;
}

struct tenant *registry_fix(struct registry *r, struct bytes issuer, bool shared)
{
    struct tenant *t = find_or_add(r, issuer);

    t->fixed = true;
    if (t->shared != shared)
        t->stamp = ++r->stamps;
    t->shared = shared;
    return t;
}

static struct held_record *held(struct tenant *t, struct bytes kind)
{
    struct held_record *h = t->records;

    while (h && !bytes_equal(h->kind, kind))
        h = h->next;
    return h;
}

static void unlist(struct registry *r, struct tenant *t)
{
    if (t->listed)
        tdelete(t, &r->by_place, by_place);
    t->listed = false;
    t->place = (struct place){0};
    t->closed = t->isolated = t->tpm_open = false;
}

/* Names hold nothing that JSON escapes, so they stand in the record as they are. */
static bool stands_in(struct bytes record, struct bytes name)
{
    return name.p >= record.p && name.p + name.n <= record.p + record.n;
}

/* Its record in the control plane. */
static bool list(struct registry *r, struct tenant *t, struct bytes record)
{
    struct resource resource;

    if (record.n == 0)
        return true;
    arena_reset(&r->scratch);
    if (!resource_read(&r->scratch, record, &resource, NULL) || !bytes_equal(resource.issuer, t->issuer) ||
        !stands_in(record, resource.subscription) || !stands_in(record, resource.group) ||
        !stands_in(record, resource.name))
        return false;
    t->place = (struct place){resource.subscription, resource.group, resource.name};
    t->closed = resource.public_network_access == ARM_DISABLED;
    t->tpm_open = resource.tpm_authentication == ARM_DISABLED;
    t->isolated = resource.isolated;
    t->listed = *(struct tenant **)must(tsearch(t, &r->by_place, by_place)) == t;
    return t->listed; /* another region's may be in its place, when two nodes made them at once */
}

/* What the host itself reads in records. What does not read serves nobody, and the log says so. */
static void note(struct registry *r, struct tenant *t, const struct held_record *h)
{
    bool ok = true;

    if (bytes_is(h->kind, "key")) {
        ok = h->body.n == 0 || read_provider_key(h->body, &t->key);
        if (!ok || h->body.n == 0)
            t->key = (struct provider_key){0};
    } else if (bytes_is(h->kind, "next")) {
        ok = h->body.n == 0 || read_provider_key(h->body, &t->next);
        if (!ok || h->body.n == 0)
            t->next = (struct provider_key){0};
    } else if (bytes_is(h->kind, "retired") || bytes_is(h->kind, "rotated")) {
        struct retired_key keys[RETIRED_KEYS_MAX];
        size_t count;

        ok = h->body.n == 0 || read_retired_keys(h->body, keys, &count);
    } else if (bytes_is(h->kind, "provider")) {
        unlist(r, t);
        ok = list(r, t, h->body);
    }
    if (!ok)
        log_error("the record %.*s of %.*s is damaged", (int)h->kind.n, (const char *)h->kind.p, (int)t->issuer.n,
                  (const char *)t->issuer.p);
}

static struct bytes keep(uint8_t **at, struct bytes b)
{
    struct bytes kept = bytes_make(*at, b.n);

    if (b.n)
        memcpy(*at, b.p, b.n);
    *at += b.n;
    return kept;
}

static struct held_record *hold(struct registry *r, const struct record *record)
{
    const struct held_record sizes = {.kind = record->kind,
                                      .body = record->body,
                                      .hash_size = (uint32_t)record->hash.n, /* at most LIMIT_STORE_FIELD */
                                      .signer_size = (uint32_t)record->signer.n,
                                      .caller_size = (uint32_t)record->caller.n,
                                      .seal_size = (uint32_t)record->seal.n,
                                      .version = record->version,
                                      .time = record->time,
                                      .sequence = record->sequence};
    struct held_record *h = slab_alloc(&r->slab, held_size(&sizes));
    uint8_t *at = h->bytes;

    *h = sizes;
    h->kind = keep(&at, record->kind);
    h->body = keep(&at, record->body);
    keep(&at, record->hash);
    keep(&at, record->signer);
    keep(&at, record->caller);
    keep(&at, record->seal);
    r->seals.records++;
    r->seals.sealed += record->seal.n > 0;
    return h;
}

/* As the core knows it. */
static struct state_record state_of(const struct tenant *t, const struct held_record *h)
{
    const uint8_t *at = h->body.p + h->body.n;
    struct state_record out = {
        .provider = t->issuer, .kind = h->kind, .version = h->version, .time = h->time, .body = h->body};

    out.hash = bytes_make(at, h->hash_size);
    out.signer = bytes_make(at += h->hash_size, h->signer_size);
    out.caller = bytes_make(at += h->signer_size, h->caller_size);
    out.seal = bytes_make(at + h->caller_size, h->seal_size);
    return out;
}

struct bytes tenant_sealed_record(const struct tenant *t, struct arena *a, struct bytes kind)
{
    const struct held_record *h = tenant_record(t, kind);

    if (!h)
        return BYTES_NONE;
    const struct state_record record = state_of(t, h);
    return write_state_record(a, &record);
}

void registry_use_key(struct registry *r, const uint8_t key[ED25519_PUBLIC])
{
    memcpy(r->key, key, sizeof r->key);
    r->has_key = true;
}

struct registry_seals registry_seals(const struct registry *r)
{
    return r->seals;
}

static bool is_sealed(struct registry *r, struct tenant *t, struct held_record *h)
{
    struct record_exam x = {&r->scratch, trace_new(&r->scratch)};
    const struct state_record record = state_of(t, h);

    if (h->seal != SEAL_GOOD)
        h->seal = record_verify(&x, r->key, &record) ? SEAL_GOOD : SEAL_BAD;
    if (h->seal == SEAL_GOOD)
        return true;
    t->refused = h;
    t->failed = trace_failure(x.trace)->id;
    return false;
}

static void judge(struct registry *r, struct tenant *t)
{
    t->judged = t->stamp;
    t->refused = NULL;
    arena_reset(&r->scratch);
    for (struct held_record *h = t->records; h; h = h->next)
        if (!is_sealed(r, t, h)) {
            const struct state_record record = state_of(t, h);
            struct bytes why = record_refusal(&r->scratch, &record, t->failed);

            log_error("a provider's state is refused: %.*s", (int)why.n, (const char *)why.p);
            return;
        }
}

bool registry_knows_key(struct registry *r)
{
    for (size_t i = 0; r->has_key && i < r->count; i++)
        for (struct held_record *h = r->all[i]->records; h; h = h->next) {
            arena_reset(&r->scratch);
            if (h->seal_size && is_sealed(r, r->all[i], h))
                return true;
        }
    return false;
}

bool registry_refuses(struct registry *r, struct tenant *t, struct arena *a, struct bytes *why)
{
    if (!r->has_key)
        return false;
    if (t->judged != t->stamp)
        judge(r, t);
    if (!t->refused)
        return false;
    const struct state_record record = state_of(t, t->refused);
    *why = record_refusal(a, &record, t->failed);
    return true;
}

void registry_apply(struct registry *r, const struct record *record)
{
    struct tenant *t = find_or_add(r, record->provider);
    struct held_record **at = &t->records;

    while (*at && !bytes_equal((*at)->kind, record->kind))
        at = &(*at)->next;
    struct held_record *old = *at, *new;
    if (old && old->version >= record->version)
        return;
    new = hold(r, record);
    new->next = old ? old->next : NULL;
    *at = new;
    note(r, t, new); /* the old one is still there: what points into it is put right first */
    release(r, old);
    t->stamp = ++r->stamps;
}

void registry_expect(struct registry *r)
{
    slab_hurry(&r->slab);
}

void registry_settle(struct registry *r)
{
    slab_rest(&r->slab);
}

/* Whose record does not read may be closed, or have signers, without our knowing; whose signers are missing would take policies
 * that nobody signed. */
bool tenant_serves(const struct tenant *t)
{
    const struct held_record *signers = tenant_record(t, BYTES_LIT("signers"));

    return t->key.sealed.n && (t->fixed || t->listed) && (!t->isolated || (signers && signers->body.n));
}

/* Those of a record like "retired" that still count, behind the first n. */
static size_t listed(const struct tenant *t, struct bytes kind, int64_t now, struct retired_key *out, size_t n)
{
    const struct held_record *h = tenant_record(t, kind);
    struct retired_key keys[RETIRED_KEYS_MAX];
    size_t count = 0;

    if (!h || !h->body.n || !read_retired_keys(h->body, keys, &count))
        return n;
    for (size_t i = 0; i < count; i++)
        if (now < keys[i].until)
            out[n++] = keys[i];
    return n;
}

size_t tenant_listed(const struct tenant *t, int64_t now, struct retired_key out[TENANT_LISTED_MAX])
{
    return listed(t, BYTES_LIT("retired"), now, out, listed(t, BYTES_LIT("rotated"), now, out, 0));
}

size_t tenant_keys(const struct tenant *t, int64_t now, struct key_record out[TENANT_KEYS_MAX])
{
    struct retired_key keys[TENANT_LISTED_MAX];
    size_t count = tenant_listed(t, now, keys), n = 0;

    if (t->key.kid.n)
        out[n++] = (struct key_record){t->issuer, t->key.kid, t->key.certificate};
    if (t->key.kid.n && t->next.kid.n)
        out[n++] = (struct key_record){t->issuer, t->next.kid, t->next.certificate};
    for (size_t i = 0; i < count; i++)
        out[n++] = (struct key_record){t->issuer, keys[i].kid, keys[i].certificate};
    return n;
}

int64_t tenant_key_since(const struct tenant *t)
{
    const struct held_record *h = tenant_record(t, BYTES_LIT("key"));

    return t->key.since || !h ? t->key.since : h->time;
}

const struct held_record *tenant_record(const struct tenant *t, struct bytes kind)
{
    return held((struct tenant *)(uintptr_t)t, kind);
}

uint64_t tenant_begin(const struct tenant *t)
{
    const struct held_record *h = tenant_record(t, BYTES_LIT("retired"));

    return h ? h->sequence : 0;
}

uint64_t tenant_next_version(const struct tenant *t, struct bytes kind)
{
    const struct held_record *h = tenant_record(t, kind);

    return h ? h->version + 1 : 1;
}

void tenant_frames(const struct tenant *t, struct arena *a, tenant_frame *each, void *context)
{
    const struct provider_message m = {.issuer = t->issuer, .shared = t->shared};

    each(context, FRAME_PROVIDER, write_provider(a, &m));
    for (const struct held_record *h = t->records; h; h = h->next) {
        const struct state_record record = state_of(t, h);

        each(context, FRAME_RECORD, write_state_record(a, &record));
    }
    each(context, FRAME_PROVIDER_END, BYTES_NONE);
}
