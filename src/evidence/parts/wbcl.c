#include "evidence/parts/wbcl.h"

#include "base/limits.h"

enum { ALG_RSA = 1, SBCP_VERSION = 1, PLUTON_DIGEST = 64, PLUTON_NAME = 128 };

bool wbcl_next(struct reader *r, struct wbcl_event *e)
{
    if (rd_left(r) == 0)
        return false;
    e->id = rd_u32le(r);
    e->data = rd_take(r, rd_u32le(r));
    return rd_ok(r);
}

/* Notes an id among those of its container; false where they are too many. Mostly it is the one before. */
static bool note_kind(uint32_t kinds[LIMIT_WBCL_KINDS], size_t *count, uint32_t id)
{
    for (size_t i = *count; i-- > 0;)
        if (kinds[i] == id)
            return true;
    if (*count == LIMIT_WBCL_KINDS)
        return false;
    kinds[(*count)++] = id;
    return true;
}

static bool fits(struct bytes data, int depth)
{
    struct reader r = rd_open(data);
    uint32_t kinds[LIMIT_WBCL_KINDS];
    struct wbcl_event e;
    size_t count = 0;

    while (wbcl_next(&r, &e)) {
        if (!note_kind(kinds, &count, e.id))
            return false;
        if (e.id & WBCL_CONTAINER && (depth == LIMIT_WBCL_DEPTH || !fits(e.data, depth + 1)))
            return false;
    }
    return rd_end(&r);
}

bool wbcl_fits(struct bytes data)
{
    return data.n && fits(data, 1);
}

bool wbcl_integer(struct bytes data, uint64_t *out)
{
    struct reader r = rd_open(data);

    switch (data.n) {
    case 1: *out = rd_u8(&r); return true;
    case 2: *out = rd_u16le(&r); return true;
    case 4: *out = rd_u32le(&r); return true;
    case 8: *out = rd_u64le(&r); return true;
    default: return false;
    }
}

/* -------------------------------------------------------------------------------------------------- packed payloads */

bool wbcl_si_policy(struct bytes data, struct wbcl_si_policy *out)
{
    struct reader r = rd_open(data);

    out->version = rd_u64le(&r);
    uint16_t name = rd_u16le(&r);
    out->digest.alg = rd_u16le(&r);
    uint32_t size = rd_u32le(&r);
    out->name = rd_take(&r, name);
    out->digest.value = rd_take(&r, size);
    return rd_end(&r);
}

bool wbcl_revocation_list(struct bytes data, struct wbcl_revocation_list *out)
{
    struct reader r = rd_open(data);

    out->created = rd_u64le(&r);
    uint32_t size = rd_u32le(&r);
    out->digest.alg = rd_u16le(&r);
    out->digest.value = rd_take(&r, size);
    return rd_end(&r);
}

bool wbcl_idk(struct bytes data, struct public_key *out)
{
    struct reader r = rd_open(data);
    uint32_t alg = rd_u32le(&r), bits = rd_u32le(&r), exponent_size = rd_u32le(&r), modulus_size = rd_u32le(&r);
    struct bytes exponent = rd_take(&r, exponent_size), modulus = rd_take(&r, modulus_size);

    return rd_end(&r) && alg == ALG_RSA && bits == (uint64_t)modulus.n * 8 &&
           public_key_from_rsa(modulus, exponent, out);
}

bool wbcl_sbcp(struct bytes data, struct wbcl_sbcp *out)
{
    struct reader r = rd_open(data);

    out->version = rd_u32le(&r);
    uint32_t at = rd_u32le(&r);
    out->digest.alg = rd_u16le(&r);
    uint16_t size = rd_u16le(&r);
    out->options = rd_u32le(&r);
    out->signers = rd_u32le(&r);
    if (!rd_ok(&r) || out->version != SBCP_VERSION || at > data.n)
        return false;
    r = rd_open(bytes_after(data, at));
    out->digest.value = rd_take(&r, size);
    return rd_ok(&r);
}

bool wbcl_signer(struct bytes data, struct wbcl_signer *out)
{
    struct reader r = rd_open(data);

    out->root = rd_u32le(&r);
    uint32_t certificates = rd_u32le(&r);
    out->certificate_count = rd_u16le(&r);
    uint16_t name = rd_u16le(&r), ekus = rd_u16le(&r);
    out->eku_count = rd_u16le(&r);
    out->certificates = rd_take(&r, certificates);
    out->name = rd_take(&r, name);
    out->ekus = rd_take(&r, ekus);
    return rd_end(&r);
}

bool wbcl_certificate(struct reader *r, struct wbcl_certificate *out)
{
    uint16_t publisher = rd_u16le(r), issuer = rd_u16le(r);

    out->alg = rd_u32le(r);
    uint16_t digest = rd_u16le(r);
    out->publisher = rd_take(r, publisher);
    out->issuer = rd_take(r, issuer);
    out->digest = rd_take(r, digest);
    return rd_ok(r);
}

bool wbcl_pluton(struct bytes data, struct wbcl_pluton *out)
{
    struct reader r = rd_open(data);

    out->digest.alg = rd_u16le(&r);
    uint16_t size = rd_u16le(&r);
    out->digest.value = bytes_first(rd_take(&r, PLUTON_DIGEST), size);
    out->file = rd_take(&r, PLUTON_NAME);
    return rd_end(&r) && size <= PLUTON_DIGEST;
}

/* ------------------------------------------------------------------------------------------------------ trust points */

static struct bytes *trust_part(struct wbcl_trust_point *p, uint32_t id)
{
    switch (id) {
    case SIPA_QUOTE: return &p->quote;
    case SIPA_QUOTESIGNATURE: return &p->signature;
    case SIPA_AIKID: return &p->aik;
    case SIPA_AIKPUBDIGEST: return &p->aik_digest;
    default: return NULL;
    }
}

/* An aggregation: the parts of a point, or one aggregation for each key. */
static size_t read_points(struct bytes data, struct wbcl_trust_point out[WBCL_TRUST_POINTS], size_t count)
{
    struct reader r = rd_open(data);
    struct wbcl_trust_point point = {0};
    struct wbcl_event e;

    while (wbcl_next(&r, &e)) {
        struct bytes *part = trust_part(&point, e.id);

        if (part)
            *part = e.data;
        else if (e.id == SIPA_TRUSTPOINT_AGGREGATION && count < WBCL_TRUST_POINTS)
            count = read_points(e.data, out, count);
    }
    if (point.quote.n && count < WBCL_TRUST_POINTS)
        out[count++] = point;
    return count;
}

size_t wbcl_trust_points(struct bytes data, struct wbcl_trust_point out[WBCL_TRUST_POINTS])
{
    return wbcl_fits(data) ? read_points(data, out, 0) : 0;
}
