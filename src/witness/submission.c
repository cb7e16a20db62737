#include "witness/submission.h"

#define OLD "old "

struct bytes submission_write(struct arena *a, const struct submission *s)
{
    struct writer w = wr_open(a);

    wr_text(&w, OLD);
    wr_decimal(&w, s->old);
    wr_u8(&w, '\n');
    wr_path(&w, a, &s->path);
    wr_put(&w, s->note);
    return wr_done(&w);
}

bool submission_read(struct arena *a, struct bytes body, struct submission *out)
{
    struct reader r = rd_open(body);
    struct bytes old = log_line(&r);

    *out = (struct submission){0};
    if (body.n > SUBMISSION_MOST || !bytes_begin(old, OLD) ||
        !log_number(bytes_after(old, sizeof OLD - 1), &out->old) || !rd_path(&r, a, &out->path) ||
        out->path.n > SUBMISSION_PATH_MOST)
        return false;
    out->note = rd_rest(&r);
    return rd_ok(&r) && out->note.n > 0;
}

bool submission_size_read(struct bytes body, uint64_t *out)
{
    struct reader r = rd_open(body);
    struct bytes size = log_line(&r);

    return rd_end(&r) && log_number(size, out);
}
