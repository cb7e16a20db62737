#include "merkle/proof.h"

#include "base/text.h"

#define FIRST_LINE "c2sp.org/tlog-proof@v1"

enum { HASH_BASE64 = 44 };

static void wr_line(struct writer *w, struct arena *a, const char *name, struct bytes value)
{
    wr_text(w, name);
    wr_put(w, base64_encode(a, value));
    wr_u8(w, '\n');
}

void wr_path(struct writer *w, struct arena *a, const struct merkle_path *path)
{
    for (size_t i = 0; i < path->n; i++)
        wr_line(w, a, "", BYTES_OF(path->v[i].v));
    wr_u8(w, '\n');
}

struct bytes log_proof_write(struct arena *a, const struct log_proof *p)
{
    struct writer w = wr_open(a);

    wr_text(&w, FIRST_LINE "\n");
    wr_line(&w, a, "extra ", p->entry);
    wr_printf(&w, "index %llu\n", (unsigned long long)p->index);
    wr_path(&w, a, &p->path);
    wr_put(&w, p->checkpoint);
    return wr_done(&w);
}

static bool read_hash(struct arena *a, struct bytes line, struct merkle_path *path)
{
    struct bytes hash;

    if (path->n == MERKLE_PATH_MAX || line.n != HASH_BASE64 || !base64_decode_strict(a, line, &hash) ||
        hash.n != SHA256_SIZE)
        return false;
    memcpy(path->v[path->n++].v, hash.p, SHA256_SIZE);
    return true;
}

bool rd_path(struct reader *r, struct arena *a, struct merkle_path *out)
{
    out->n = 0;
    for (struct bytes line = log_line(r); rd_ok(r) && line.n; line = log_line(r))
        if (!read_hash(a, line, out))
            return false;
    return rd_ok(r);
}

bool log_proof_read(struct arena *a, struct bytes text, struct log_proof *out)
{
    struct reader r = rd_open(text);

    *out = (struct log_proof){0};
    if (text.n > LOG_PROOF_MOST || !bytes_is(log_line(&r), FIRST_LINE))
        return false;
    struct bytes extra = log_line(&r), index = log_line(&r);
    if (!bytes_begin(extra, "extra ") || !base64_decode_strict(a, bytes_after(extra, 6), &out->entry) ||
        !bytes_begin(index, "index ") || !log_number(bytes_after(index, 6), &out->index))
        return false;
    if (!rd_path(&r, a, &out->path))
        return false;
    out->checkpoint = rd_rest(&r);
    return rd_ok(&r) && bytes_equal(text, log_proof_write(a, out)); /* one form for each */
}

/* A time to come is as bad as one long past: such a line would never grow old. */
static bool judge_cosignature(struct log_exam *x, struct bytes note)
{
    return check_that(x, LOG_COSIGNATURE, cosign_verify(x->arena, note, x->witness, &x->cosigned)) &&
           (!x->witness_age ||
            check_that(x, LOG_COSIGNATURE_AGE,
                       x->cosigned >= x->now - x->witness_age && x->cosigned <= x->now + x->witness_age));
}

bool log_judge_checkpoint(struct log_exam *x, struct bytes note)
{
    struct bytes text, signature;
    bool split = note_split(x->arena, note, x->key, &text, &signature);

    if (!check_that(x, LOG_CHECKPOINT_SHAPE, text.n && checkpoint_parse(text, &x->checkpoint)))
        return false;
    if (!check_that(x, LOG_CHECKPOINT_SIGNATURE, split && ed25519_verify(x->key->key, text, signature)))
        return false;
    return check_eq(x, LOG_CHECKPOINT_ORIGIN, x->checkpoint.origin, x->key->name) &&
           (!x->witness || judge_cosignature(x, note));
}

bool log_judge_inclusion(struct log_exam *x, const struct log_proof *p)
{
    struct merkle_hash leaf;

    if (!log_judge_checkpoint(x, p->checkpoint))
        return false;
    merkle_leaf(p->entry, &leaf);
    return check_that(x, LOG_INCLUSION,
                      merkle_included(&leaf, p->index, x->checkpoint.size, &p->path, &x->checkpoint.root));
}

bool log_judge_growth(struct log_exam *x, const struct checkpoint *old, const struct checkpoint *next,
                      const struct merkle_path *path)
{
    return check_that(x, LOG_CONSISTENCY, merkle_consistent(old->size, &old->root, next->size, &next->root, path));
}

bool log_judge_consistency(struct log_exam *x, struct bytes old_note, struct bytes new_note,
                           const struct merkle_path *path)
{
    const struct log_key *witness = x->witness;

    x->witness = NULL;
    bool judged = log_judge_checkpoint(x, old_note);
    x->witness = witness;
    if (!judged)
        return false;
    struct checkpoint old = x->checkpoint;

    return log_judge_checkpoint(x, new_note) && log_judge_growth(x, &old, &x->checkpoint, path);
}
