#include "core/checkpoint.h"

#include "core/frame.h"

struct bytes write_checkpoint(struct arena *a, const struct checkpoint_message *m)
{
    struct writer w = wr_open(a);

    wr_field(&w, m->last);
    wr_field(&w, m->next.origin);
    wr_u64le(&w, m->next.size);
    wr_put(&w, BYTES_OF(m->next.root.v));
    for (size_t i = 0; i < m->growth.n; i++)
        wr_put(&w, BYTES_OF(m->growth.v[i].v));
    return wr_done(&w);
}

bool read_checkpoint(struct bytes body, struct checkpoint_message *out)
{
    struct reader r = rd_open(body);
    struct bytes root;

    *out = (struct checkpoint_message){.last = rd_field(&r)};
    out->next.origin = rd_field(&r);
    out->next.size = rd_u64le(&r);
    root = rd_take(&r, SHA256_SIZE);
    if (!rd_ok(&r) || rd_left(&r) > sizeof out->growth.v || !log_name_ok(out->next.origin) ||
        out->next.size > LOG_SIZE_MOST)
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
           log_judge_growth(x, &last, &m->next, &m->growth);
}
