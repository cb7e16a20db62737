/* The bodies alone: what the signer needs of core/key_evidence.h, without any parser of quotes or reports. */
#include "core/frame.h"
#include "core/key_evidence.h"

static void wr_evidence(struct writer *w, const struct key_evidence *e)
{
    wr_u8(w, (uint8_t)e->tee);
    wr_field(w, e->report);
    wr_field(w, e->chain);
    wr_field(w, e->endorsements);
}

static bool rd_evidence(struct reader *r, struct key_evidence *out)
{
    uint8_t tee = rd_u8(r);

    *out = (struct key_evidence){.tee = tee < KEY_TEES ? (enum key_tee)tee : KEY_NO_TEE};
    out->report = rd_field(r);
    out->chain = rd_field(r);
    out->endorsements = rd_field(r);
    return rd_end(r) && tee < KEY_TEES;
}

struct bytes write_key_evidence(struct arena *a, const struct key_evidence *e)
{
    struct writer w = wr_open(a);

    wr_evidence(&w, e);
    return wr_done(&w);
}

bool read_key_evidence(struct bytes body, struct key_evidence *out)
{
    struct reader r = rd_open(body);

    return rd_evidence(&r, out);
}

struct bytes write_certify(struct arena *a, const struct certify_message *m)
{
    struct writer w = wr_open(a);

    wr_field(&w, m->issuer);
    wr_field(&w, m->sealed_key);
    wr_evidence(&w, &m->evidence);
    return wr_done(&w);
}

bool read_certify(struct bytes body, struct certify_message *out)
{
    struct reader r = rd_open(body);

    out->issuer = rd_field(&r);
    out->sealed_key = rd_field(&r);
    return rd_evidence(&r, &out->evidence);
}
