#include "core/message.h"

#include "core/message_reference.h"

/* A byte that is 0 or 1: each message has one form. */
static bool flag(struct reader *r)
{
    uint8_t v = rd_u8(r);

    r->failed = r->failed || v > 1;
    return v == 1;
}

struct bytes write_settings(struct arena *a, const struct settings *s)
{
    struct writer w = wr_open(a);

    wr_u32le(&w, s->default_baseline);
    wr_u8(&w, (uint8_t)s->freshness);
    wr_u8(&w, s->crl_freshness);
    wr_u8(&w, s->amd_crl_freshness);
    wr_u8(&w, s->report_data_tail_zero);
    wr_u8(&w, s->tpm_sha1);
    wr_u8(&w, s->tpm_v1);
    wr_u16le(&w, s->accepted_sgx);
    wr_u16le(&w, s->accepted_tdx);
    wr_u8(&w, s->development);
    wr_u8(&w, s->claim_development);
    wr_u8(&w, s->claim_recent);
    wr_u8(&w, s->claim_extensions);
    wr_reference(&w, s->reference);
    return wr_done(&w);
}

bool read_settings(struct arena *a, struct bytes body, struct settings *out)
{
    struct reader r = rd_open(body);

    *out = SETTINGS_DEFAULT;
    out->default_baseline = rd_u32le(&r);
    out->freshness = flag(&r) ? FRESHNESS_STRICT : FRESHNESS_PINNED;
    out->crl_freshness = flag(&r);
    out->amd_crl_freshness = flag(&r);
    out->report_data_tail_zero = flag(&r);
    out->tpm_sha1 = flag(&r);
    out->tpm_v1 = flag(&r);
    out->accepted_sgx = rd_u16le(&r);
    out->accepted_tdx = rd_u16le(&r);
    out->development = flag(&r);
    out->claim_development = flag(&r);
    out->claim_recent = flag(&r);
    out->claim_extensions = flag(&r);
    out->reference = rd_reference(&r, a);
    return rd_end(&r);
}

struct bytes write_anchor(struct arena *a, const uint8_t spki[SHA256_SIZE], bool development)
{
    struct writer w = wr_open(a);

    wr_put(&w, bytes_make(spki, SHA256_SIZE));
    wr_u8(&w, development);
    return wr_done(&w);
}

bool read_anchor(struct bytes body, struct bytes *spki, bool *development)
{
    struct reader r = rd_open(body);

    *spki = rd_take(&r, SHA256_SIZE);
    *development = flag(&r);
    return rd_end(&r);
}

struct bytes write_named(struct arena *a, struct bytes name, struct bytes content)
{
    struct writer w = wr_open(a);

    wr_field(&w, name);
    wr_field(&w, content);
    return wr_done(&w);
}

bool read_named(struct bytes body, struct named_bytes *out)
{
    struct reader r = rd_open(body);

    out->name = rd_field(&r);
    out->content = rd_field(&r);
    return rd_end(&r);
}

struct bytes write_provider(struct arena *a, const struct provider_message *m)
{
    struct writer w = wr_open(a);

    wr_field(&w, m->issuer);
    wr_u8(&w, m->shared);
    return wr_done(&w);
}

bool read_provider(struct bytes body, struct provider_message *out)
{
    struct reader r = rd_open(body);

    out->issuer = rd_field(&r);
    out->shared = flag(&r);
    return rd_end(&r);
}

struct bytes write_attest(struct arena *a, const struct core_request *request)
{
    struct writer w = wr_open(a);

    wr_field(&w, request->issuer);
    wr_field(&w, request->attester);
    wr_u8(&w, request->explain);
    wr_u64le(&w, (uint64_t)request->time);
    wr_field(&w, request->entropy);
    wr_field(&w, request->body);
    return wr_done(&w);
}

bool read_attest(struct bytes body, struct core_request *out)
{
    struct reader r = rd_open(body);

    out->issuer = rd_field(&r);
    out->attester = rd_field(&r);
    out->explain = flag(&r);
    out->time = (int64_t)rd_u64le(&r);
    out->entropy = rd_field(&r);
    out->body = rd_field(&r);
    return rd_end(&r);
}

struct bytes write_manage(struct arena *a, const struct manage_request *request)
{
    struct writer w = wr_open(a);

    wr_u8(&w, (uint8_t)request->what);
    wr_u8(&w, (uint8_t)request->slot);
    wr_u8(&w, request->only_selected);
    wr_field(&w, request->issuer);
    wr_field(&w, request->kind);
    wr_u64le(&w, (uint64_t)request->time);
    wr_field(&w, request->body);
    wr_field(&w, request->resource);
    wr_field(&w, request->caller);
    wr_field(&w, request->region_key);
    wr_field(&w, request->region_revoked);
    wr_u8(&w, request->first);
    return wr_done(&w);
}

bool read_manage(struct bytes body, struct manage_request *out)
{
    struct reader r = rd_open(body);
    uint8_t what = rd_u8(&r), slot = rd_u8(&r);

    out->what = (enum manage_what)what;
    out->slot = (enum policy_slot)slot;
    out->only_selected = flag(&r);
    out->issuer = rd_field(&r);
    out->kind = rd_field(&r);
    out->time = (int64_t)rd_u64le(&r);
    out->body = rd_field(&r);
    out->resource = rd_field(&r);
    out->caller = rd_field(&r);
    out->region_key = rd_field(&r);
    out->region_revoked = rd_field(&r);
    out->regional = BYTES_NONE;
    out->first = flag(&r);
    return rd_end(&r) && what < MANAGE_COUNT && slot <= SLOT_SHADOW;
}

static void wr_change(struct writer *w, const struct change *change)
{
    wr_field(w, change->kind);
    wr_field(w, change->body);
    wr_field(w, change->hash);
    wr_field(w, change->signer);
    wr_u64le(w, change->version);
    wr_u64le(w, (uint64_t)change->time);
    wr_field(w, change->caller);
    wr_field(w, change->seal);
}

static void rd_change(struct reader *r, struct change *out)
{
    out->kind = rd_field(r);
    out->body = rd_field(r);
    out->hash = rd_field(r);
    out->signer = rd_field(r);
    out->version = rd_u64le(r);
    out->time = (int64_t)rd_u64le(r);
    out->caller = rd_field(r);
    out->seal = rd_field(r);
}

struct bytes write_answer(struct arena *a, const struct answer *answer, const struct changes *changes,
                          bool shadow_follows)
{
    struct writer w = wr_open(a);

    wr_u32le(&w, (uint32_t)answer->status);
    wr_field(&w, answer->code ? bytes_text(answer->code) : BYTES_NONE);
    wr_field(&w, answer->failed_check ? bytes_text(answer->failed_check) : BYTES_NONE);
    wr_field(&w, answer->body);
    wr_u8(&w, (uint8_t)changes->count);
    for (size_t i = 0; i < changes->count; i++)
        wr_change(&w, &changes->v[i]);
    wr_field(&w, answer->wanted);
    wr_field(&w, answer->wanted.n ? answer->message : BYTES_NONE);
    wr_field(&w, answer->decision);
    wr_field(&w, answer->keep);
    wr_u8(&w, shadow_follows);
    return wr_done(&w);
}

bool read_answer(struct bytes body, struct answered *out)
{
    struct reader r = rd_open(body);

    out->status = (int)rd_u32le(&r);
    out->code = rd_field(&r);
    out->failed_check = rd_field(&r);
    out->body = rd_field(&r);
    out->changes.count = rd_u8(&r);
    if (out->changes.count > CHANGES_MAX)
        return false;
    for (size_t i = 0; i < out->changes.count; i++)
        rd_change(&r, &out->changes.v[i]);
    out->wanted = rd_field(&r);
    out->message = rd_field(&r);
    out->decision = rd_field(&r);
    out->keep = rd_field(&r);
    out->shadow_follows = flag(&r);
    return rd_end(&r) && out->status >= 200 && out->status <= 599;
}

struct bytes write_outlook(struct arena *a, const struct outlook *outlook)
{
    struct writer w = wr_open(a);

    wr_put(&w, BYTES_OF(outlook->id));
    wr_u8(&w, (uint8_t)outlook->tee);
    wr_u8(&w, (uint8_t)outlook->reason);
    return wr_done(&w);
}

bool read_outlook(struct bytes body, struct outlook *out)
{
    struct reader r = rd_open(body);
    struct bytes id = rd_take(&r, SHA256_SIZE);
    uint8_t tee = rd_u8(&r), reason = rd_u8(&r);

    if (!rd_end(&r) || tee >= PLATFORM_TEES || reason >= GAP_KINDS)
        return false;
    *out = (struct outlook){.tee = (enum platform_tee)tee, .reason = (enum tcb_gap_kind)reason};
    memcpy(out->id, id.p, SHA256_SIZE);
    return true;
}

struct bytes write_shadow(struct arena *a, const struct shadow_result *result)
{
    struct writer w = wr_open(a);

    wr_field(&w, result->issuer);
    wr_field(&w, result->kind);
    wr_field(&w, result->policy_hash);
    wr_u8(&w, (uint8_t)result->outcome);
    wr_field(&w, result->reason);
    return wr_done(&w);
}

bool read_shadow(struct bytes body, struct shadow_result *out)
{
    struct reader r = rd_open(body);

    out->issuer = rd_field(&r);
    out->kind = rd_field(&r);
    out->policy_hash = rd_field(&r);
    uint8_t outcome = rd_u8(&r);
    out->outcome = (enum shadow_outcome)outcome;
    out->reason = rd_field(&r);
    return rd_end(&r) && outcome < SHADOW_OUTCOMES;
}

struct bytes write_sign(struct arena *a, const struct sign_message *m)
{
    struct writer w = wr_open(a);

    wr_u8(&w, (uint8_t)m->form);
    wr_field(&w, m->issuer);
    wr_field(&w, m->kid);
    wr_field(&w, m->sealed_key);
    wr_field(&w, m->policy_hash);
    wr_field(&w, m->payload);
    wr_field(&w, m->certificate);
    return wr_done(&w);
}

bool read_sign(struct bytes body, struct sign_message *out)
{
    struct reader r = rd_open(body);
    uint8_t form = rd_u8(&r);

    out->form = (enum token_form)form;
    out->issuer = rd_field(&r);
    out->kid = rd_field(&r);
    out->sealed_key = rd_field(&r);
    out->policy_hash = rd_field(&r);
    out->payload = rd_field(&r);
    out->certificate = rd_field(&r);
    return rd_end(&r) && form < TOKEN_FORMS;
}

struct bytes write_sealing(struct arena *a, const struct sealing *s)
{
    struct writer w = wr_open(a);

    wr_field(&w, s->issuer);
    wr_u64le(&w, s->generation);
    wr_put(&w, s->iv);
    wr_field(&w, s->content);
    return wr_done(&w);
}

bool read_sealing(struct bytes body, struct sealing *out)
{
    struct reader r = rd_open(body);

    out->issuer = rd_field(&r);
    out->generation = rd_u64le(&r);
    out->iv = rd_take(&r, AEAD_IV_SIZE);
    out->content = rd_field(&r);
    return rd_end(&r) && out->content.n <= LIMIT_SEALED + AEAD_TAG_SIZE;
}
