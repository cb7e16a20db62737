/* The types that have a policy slot, their defaults, and what was stored of them. */
#include "core/management.h"

/* policy.md 8: what holds for a type until its tenant sets something else. */
static const struct policy_kind later_kinds[] = {
    {"Tpm", NULL},
};

enum { LATER_KINDS = sizeof later_kinds / sizeof *later_kinds, KINDS_MAX = 16 };

const struct policy_kind *policy_kind_at(size_t i)
{
    static struct policy_kind kinds[KINDS_MAX]; /* the attesters that exist, then the rest */
    static size_t count;

    if (count == 0) {
        for (size_t k = 0; attester_at(k); k++)
            kinds[count++] = (struct policy_kind){attester_at(k)->path, attester_at(k)->default_policy};
        for (size_t k = 0; k < LATER_KINDS; k++)
            if (!attester_find(bytes_text(later_kinds[k].name)))
                kinds[count++] = later_kinds[k];
    }
    return i < count ? &kinds[i] : NULL;
}

const struct policy_kind *policy_kind_find(struct bytes name)
{
    if (bytes_is_nocase(name, "VbsEnclave"))
        name = BYTES_LIT("Tpm");
    for (size_t i = 0; policy_kind_at(i); i++)
        if (bytes_is_nocase(name, policy_kind_at(i)->name))
            return policy_kind_at(i);
    return NULL;
}

/* What stands before the type in the kind of a record. */
static const char *const slot_names[SLOT_COUNT] = {
    [SLOT_ACTIVE] = "policy/", [SLOT_SHADOW] = "shadow/", [SLOT_PENDING] = "pending/"};

static bool split(struct bytes record, enum policy_slot *slot, struct bytes *kind)
{
    for (int i = 0; i < SLOT_COUNT; i++)
        if (bytes_begin(record, slot_names[i])) {
            *slot = (enum policy_slot)i;
            *kind = bytes_after(record, strlen(slot_names[i]));
            return true;
        }
    return false;
}

bool provider_policy_kind(struct bytes record)
{
    enum policy_slot slot;
    struct bytes kind;

    return split(record, &slot, &kind);
}

bool provider_policy_kind_at(struct arena *a, size_t i, struct bytes *out)
{
    const struct policy_kind *kind = policy_kind_at(i / SLOT_COUNT);

    *out = kind ? bytes_text(arena_printf(a, "%s%s", slot_names[i % SLOT_COUNT], kind->name)) : BYTES_NONE;
    return kind != NULL;
}

bool provider_policy_load(struct arena *a, struct bytes record, struct bytes jws, struct provider_policy *out,
                          struct fault *fault)
{
    const struct policy_kind *known = NULL;
    struct upload_exam x = {.arena = a, .trace = trace_new(a)};
    enum policy_slot slot;
    struct bytes kind;
    struct upload u;

    if (split(record, &slot, &kind))
        known = policy_kind_find(kind);
    if (!known)
        return fault_set(fault, FAULT_USAGE, "a policy is stored for the unknown type '%.*s'", (int)record.n,
                         (const char *)record.p);
    *out = (struct provider_policy){
        .slot = slot, .attester = attester_find(bytes_text(known->name)), .kind = bytes_text(known->name)};
    if (jws.n == 0)
        return true;
    /* Dates were judged when it was uploaded; what is stored stays in force (api.md 3.8). */
    if (!upload_decode_stored(&x, jws, &u) || !upload_policy_text(&x, &u, &out->text))
        return fault_set(fault, FAULT_SYNTAX, "the stored policy of %s: %.*s", known->name, (int)x.refusal.message.n,
                         (const char *)x.refusal.message.p);
    out->jws = jws;
    out->signer = u.signer;
    return true;
}

void policy_change(struct management *m, enum policy_slot slot, const struct upload *u, struct bytes body,
                   struct bytes hash)
{
    manage_change(m,
                  (struct change){.kind = bytes_text(arena_printf(m->arena, "%s%s", slot_names[slot], m->kind->name)),
                                  .body = body,
                                  .hash = hash,
                                  .signer = manage_thumbprint(m, u)});
}

const struct provider_policy *policy_stored(const struct provider *p, enum policy_slot slot,
                                            const struct policy_kind *kind)
{
    for (size_t i = 0; i < p->policy_count; i++)
        if (p->policies[i].slot == slot && bytes_is(p->policies[i].kind, kind->name))
            return &p->policies[i];
    return NULL;
}
