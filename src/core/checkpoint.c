#include "core/checkpoint.h"

#include "core/frame.h"
#include "core/state_checkpoint.h"

static bool of_a_log(uint8_t use)
{
    return use == STATE_CHECKPOINT || use == STATE_STORE;
}

struct bytes write_log(struct arena *a, enum state_key_use use, struct bytes name)
{
    struct writer w = wr_open(a);

    wr_u8(&w, (uint8_t)use);
    wr_put(&w, name);
    return wr_done(&w);
}

bool read_log(struct bytes body, enum state_key_use *use, struct bytes *name)
{
    struct reader r = rd_open(body);
    uint8_t u = rd_u8(&r);

    *use = (enum state_key_use)u;
    *name = rd_rest(&r);
    return rd_end(&r) && of_a_log(u) && log_name_ok(*name);
}

struct bytes write_checkpoint(struct arena *a, const struct checkpoint_message *m)
{
    struct writer w = wr_open(a);

    wr_u8(&w, (uint8_t)m->use);
    wr_field(&w, m->last);
    wr_field(&w, m->next.origin);
    wr_u64le(&w, m->next.size);
    wr_put(&w, BYTES_OF(m->next.root.v));
    wr_field(&w, m->next.extra);
    for (size_t i = 0; i < m->growth.n; i++)
        wr_put(&w, BYTES_OF(m->growth.v[i].v));
    return wr_done(&w);
}

bool read_checkpoint(struct bytes body, struct checkpoint_message *out)
{
    struct reader r = rd_open(body);
    uint8_t use = rd_u8(&r);
    struct bytes root;

    *out = (struct checkpoint_message){.use = (enum state_key_use)use, .last = rd_field(&r)};
    out->next.origin = rd_field(&r);
    out->next.size = rd_u64le(&r);
    root = rd_take(&r, SHA256_SIZE);
    out->next.extra = rd_field(&r);
    if (!rd_ok(&r) || !of_a_log(use) || rd_left(&r) > sizeof out->growth.v || !log_name_ok(out->next.origin) ||
        out->next.size > LOG_SIZE_MOST || !checkpoint_extra_ok(out->next.extra) ||
        (use == STATE_CHECKPOINT && out->next.extra.n))
        return false;
    memcpy(out->next.root.v, root.p, SHA256_SIZE);
    while (rd_left(&r)) {
        struct bytes hash = rd_take(&r, SHA256_SIZE);

        if (!rd_ok(&r))
            return false;
        memcpy(out->growth.v[out->growth.n++].v, hash.p, SHA256_SIZE);
    }
    return rd_end(&r);
}

bool checkpoint_judge(struct log_exam *x, const struct checkpoint_message *m, const struct checkpoint *signed_before)
{
    struct checkpoint last = {0};

    sha256(BYTES_NONE, last.root.v); /* of nothing, until there is one */
    if (m->last.n) {
        if (!log_judge_checkpoint(x, m->last))
            return false;
        last = x->checkpoint;
    }
    static const struct merkle_path none;

    /* By a signature alone `last` may be of a fork that another process signed: here it is what was signed here, to the hash. */
    if (signed_before->size && !log_judge_growth(x, signed_before, &last, &none))
        return false;
    return check_eq(x, LOG_CHECKPOINT_ORIGIN, m->next.origin, x->key->name) &&
           log_judge_growth(x, &last, &m->next, &m->growth) &&
           (m->use != STATE_STORE || state_judge_next(x->trace, &last, &m->next));
}
