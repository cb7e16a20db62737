#include "core/record_seal.h"

#include "core/frame.h"
#include "crypto/digest.h"

struct bytes record_message(struct arena *a, const struct state_record *r)
{
    struct writer w = wr_open(a);

    wr_text(&w, "assay record 1\n");
    wr_field(&w, r->provider);
    wr_field(&w, r->kind);
    wr_u64le(&w, r->version);
    wr_u64le(&w, (uint64_t)r->time);
    wr_put(&w, sha256_of(a, r->body));
    wr_field(&w, r->hash);
    wr_field(&w, r->signer);
    wr_field(&w, r->caller);
    return wr_done(&w);
}

struct bytes write_state_record(struct arena *a, const struct state_record *r)
{
    struct writer w = wr_open(a);

    wr_field(&w, r->provider);
    wr_field(&w, r->kind);
    wr_u64le(&w, r->version);
    wr_u64le(&w, (uint64_t)r->time);
    wr_field(&w, r->body);
    wr_field(&w, r->hash);
    wr_field(&w, r->signer);
    wr_field(&w, r->caller);
    wr_field(&w, r->seal);
    return wr_done(&w);
}

bool read_state_record(struct bytes body, struct state_record *out)
{
    struct reader r = rd_open(body);

    out->provider = rd_field(&r);
    out->kind = rd_field(&r);
    out->version = rd_u64le(&r);
    out->time = (int64_t)rd_u64le(&r);
    out->body = rd_field(&r);
    out->hash = rd_field(&r);
    out->signer = rd_field(&r);
    out->caller = rd_field(&r);
    out->seal = rd_field(&r);
    return rd_end(&r);
}

bool record_tells_model(const struct state_record *r)
{
    return r->body.n && (bytes_is(r->kind, "key") || bytes_is(r->kind, "next"));
}

bool record_model(const struct state_record *r, bool *isolated)
{
    *isolated = bytes_is(r->hash, RECORD_ISOLATED);
    return *isolated || bytes_is(r->hash, RECORD_OPEN);
}

bool record_verify(struct record_exam *x, const uint8_t key[ED25519_PUBLIC], const struct state_record *r)
{
    return check_that(x, RECORD_SEAL, r->seal.n == ED25519_SIGNATURE) &&
           check_that(x, RECORD_SIGNATURE, ed25519_verify(key, record_message(x->arena, r), r->seal));
}

struct bytes record_refusal(struct arena *a, const struct state_record *r, enum check_id failed)
{
    const struct check_info *check = &check_table[failed];

    return bytes_text(arena_printf(a, "%.*s, version %llu of %.*s: %s: this does not hold: %s %s", (int)r->kind.n,
                                   (const char *)r->kind.p, (unsigned long long)r->version, (int)r->provider.n,
                                   (const char *)r->provider.p, check->id, check->proves, check->remedy));
}
