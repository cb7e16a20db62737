#include "core/state_checkpoint.h"

#include "base/text.h"

enum { MARK_MEMORY = 64 * 1024, ID_HEX = 2 * STATE_COUNTER_ID };

struct bytes state_mark_write(struct arena *a, const struct state_mark *m)
{
    struct writer w = wr_open(a);

    if (m->counter.value) {
        wr_printf(&w, "counter %llu ", (unsigned long long)m->counter.value);
        wr_hex(&w, BYTES_OF(m->counter.id));
        wr_u8(&w, '\n');
    }
    wr_printf(&w, "time %lld\n", (long long)m->time);
    return wr_done(&w);
}

/* "VALUE ID"; what is read is written again and compared. */
static bool read_counter(struct bytes text, struct state_counter *out)
{
    struct bytes number = bytes_first(text, text.n > ID_HEX ? text.n - ID_HEX - 1 : 0);

    return log_number(number, &out->value) &&
           hex_decode_exact(bytes_after(text, number.n + 1), out->id, STATE_COUNTER_ID);
}

static bool read_lines(struct arena *a, struct bytes lines, struct state_mark *out)
{
    struct reader r = rd_open(lines);
    struct bytes line = log_line(&r);
    uint64_t time;

    if (bytes_begin(line, "counter ")) {
        if (!read_counter(bytes_after(line, 8), &out->counter))
            return false;
        line = log_line(&r);
    }
    if (!rd_end(&r) || !bytes_begin(line, "time ") || !log_number(bytes_after(line, 5), &time))
        return false;
    out->time = (int64_t)time;
    return bytes_equal(lines, state_mark_write(a, out));
}

bool state_mark_read(struct bytes lines, struct state_mark *out)
{
    struct arena a;

    *out = (struct state_mark){.time = 0};
    arena_init(&a, MARK_MEMORY);
    bool ok = lines.n <= LOG_EXTRA_MOST && read_lines(&a, lines, out);
    arena_free(&a);
    return ok;
}

bool state_judge_note(struct state_exam *x, struct bytes note)
{
    struct bytes text;

    return check_that(x, STATE_SHAPE,
                      note_text(note, &text) && checkpoint_parse(text, &x->checkpoint) &&
                          state_mark_read(x->checkpoint.extra, &x->mark)) &&
           check_that(x, STATE_SIGNATURE, note_checkpoint(x->arena, note, x->key, &x->checkpoint));
}

static bool judge_counter(struct state_exam *x)
{
    const struct state_reading *r = x->counter;
    const struct state_counter *of = &x->mark.counter;

    if (!r) {
        check_skip(x, STATE_COUNTER, "[state] counter");
        return true;
    }
    /* One that does not count yet, or of which no checkpoint was put in force, is that of a first start. */
    bool good = of->value
                    ? r->there && of->value == r->counter.value && memcmp(of->id, r->counter.id, sizeof of->id) == 0
                    : !r->in_force;
    return check_found(x, STATE_COUNTER, good, of->value, r->there ? r->counter.value : 0);
}

bool state_judge_newest(struct state_exam *x, struct bytes note)
{
    x->checkpoint = (struct checkpoint){.size = 0};
    x->mark = (struct state_mark){.time = 0};
    return (!note.n || state_judge_note(x, note)) && judge_counter(x) && state_judge_time(x);
}

bool state_judge_store(struct state_exam *x, uint64_t records, const struct merkle_hash *begin)
{
    bool has_note = x->checkpoint.origin.n > 0;

    return check_found(x, STATE_GROWTH,
                       !has_note || (records >= x->checkpoint.size && merkle_same(begin, &x->checkpoint.root)), records,
                       x->checkpoint.size);
}

bool state_judge_view(struct state_exam *x, uint64_t differing)
{
    return check_eq(x, STATE_VIEW, differing, (uint64_t)0);
}

bool state_judge_witness(struct state_exam *x, const struct log_key *witness, struct bytes cosigned)
{
    int64_t when = 0;
    bool good = cosigned.n && cosign_verify(x->arena, cosigned, witness, &when);

    return check_record(x->trace, CHECK_STATE_WITNESS,
                        good && when >= x->time - STATE_WITNESS_SECONDS && when <= x->time + STATE_WITNESS_SECONDS,
                        check_time(when), check_time(x->time));
}

bool state_judge_time(struct state_exam *x)
{
    return check_not_before(x, STATE_TIME, x->time, x->mark.time - STATE_CLOCK_ALLOWANCE);
}

bool state_judge_next(struct trace *trace, const struct checkpoint *last, const struct checkpoint *next)
{
    struct state_exam x = {.trace = trace};
    struct state_mark before = {.time = 0};

    if (!check_that(&x, STATE_SHAPE,
                    state_mark_read(next->extra, &x.mark) &&
                        (!last->origin.n || state_mark_read(last->extra, &before))))
        return false;
    bool same = before.counter.value && memcmp(before.counter.id, x.mark.counter.id, STATE_COUNTER_ID) == 0;
    return check_found(&x, STATE_COUNTER, !same || x.mark.counter.value > before.counter.value, x.mark.counter.value,
                       before.counter.value) &&
           check_not_before(&x, STATE_TIME, x.mark.time, before.time);
}
