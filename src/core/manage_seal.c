/* The seals of what an operation leaves to be stored (core/record_seal.h). */
#include "core/management.h"
#include "core/record_seal.h"

const struct state_record *provider_record(const struct provider *p, struct bytes kind)
{
    for (size_t i = 0; p && i < p->record_count; i++)
        if (bytes_equal(p->records[i].kind, kind))
            return &p->records[i];
    return NULL;
}

/* A creation decides the trust model by its signers; nothing changes it later (api.md 3.4). */
static bool is_isolated(const struct management *m)
{
    if (m->provider && m->provider->sealed_key.n)
        return m->provider->isolated;
    for (size_t i = 0; i < m->changes->count; i++)
        if (bytes_is(m->changes->v[i].kind, "signers") && m->changes->v[i].body.n)
            return true;
    return false;
}

static bool seal(struct management *m, struct change *c, struct fault *fault)
{
    const struct state_record *before = provider_record(m->provider, c->kind);

    c->version = before ? before->version + 1 : 1;
    c->time = m->request->time;
    c->caller = m->request->caller;
    struct state_record r = {.provider = m->request->issuer,
                             .kind = c->kind,
                             .version = c->version,
                             .time = c->time,
                             .body = c->body,
                             .hash = c->hash,
                             .signer = c->signer,
                             .caller = c->caller};
    if (record_tells_model(&r))
        r.hash = c->hash = is_isolated(m) ? BYTES_LIT(RECORD_ISOLATED) : BYTES_LIT(RECORD_OPEN);
    return !m->mint->seal_record ||
           m->mint->seal_record(m->mint->context, record_message(m->arena, &r), m->arena, &c->seal, fault);
}

bool manage_seal(struct management *m)
{
    struct fault fault = {0};

    for (size_t i = 0; i < m->changes->count; i++)
        if (!seal(m, &m->changes->v[i], &fault)) {
            manage_refuse(m, 503, "ServiceUnavailable",
                          bytes_text(arena_printf(m->arena, "The change could not be sealed: %s", fault.text)));
            return false;
        }
    return true;
}
