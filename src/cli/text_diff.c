#include "cli/text_diff.h"

#include "base/limits.h"

enum { CONTEXT = 3 };

struct lines {
    struct bytes *v; /* each with its line end, if it has one */
    size_t n, cap;
};

/* One line of the whole: ' ' is in both, '-' and '+' in one. */
struct step {
    char mark;
    struct bytes line;
};

struct script {
    struct arena *arena;
    struct step *v;
    size_t n, cap;
};

static struct lines split(struct arena *a, struct bytes text)
{
    struct lines l = {0};

    while (text.n) {
        const uint8_t *end = memchr(text.p, '\n', text.n);
        size_t n = end ? (size_t)(end - text.p) + 1 : text.n;

        l.v = ARENA_ROOM(a, l.v, l.n, &l.cap);
        l.v[l.n++] = bytes_first(text, n);
        text = bytes_after(text, n);
    }
    return l;
}

static void add(struct script *s, char mark, struct bytes line)
{
    s->v = ARENA_ROOM(s->arena, s->v, s->n, &s->cap);
    s->v[s->n++] = (struct step){mark, line};
}

/* Cell (i, k): how many lines the rest of `from` behind i and the rest of `to` behind k have in common, in order. */
static uint32_t *common_lengths(struct arena *a, struct lines from, struct lines to)
{
    size_t width = to.n + 1;
    uint32_t *cells = ARENA_ARRAY(a, uint32_t, (from.n + 1) * width);

    for (size_t i = from.n; i-- > 0;)
        for (size_t k = to.n; k-- > 0;) {
            uint32_t below = cells[(i + 1) * width + k], right = cells[i * width + k + 1];

            cells[i * width + k] = bytes_equal(from.v[i], to.v[k]) ? cells[(i + 1) * width + k + 1] + 1
                                   : below >= right                ? below
                                                                   : right;
        }
    return cells;
}

static void compare(struct script *s, struct lines from, struct lines to)
{
    size_t i = 0, k = 0, width = to.n + 1;
    /* Beyond the bound nothing between the ends counts as common: still true, but not short. */
    const uint32_t *cells = from.n + 1 <= LIMIT_DIFF_CELLS / width ? common_lengths(s->arena, from, to) : NULL;

    while (i < from.n || k < to.n) {
        if (cells && i < from.n && k < to.n && bytes_equal(from.v[i], to.v[k])) {
            add(s, ' ', from.v[i++]);
            k++;
        } else if (k == to.n || (i < from.n && (!cells || cells[(i + 1) * width + k] >= cells[i * width + k + 1]))) {
            add(s, '-', from.v[i++]);
        } else {
            add(s, '+', to.v[k++]);
        }
    }
}

/* Equal lines at both ends cost no cells. */
static struct script make_script(struct arena *a, struct lines from, struct lines to)
{
    struct script s = {.arena = a};
    size_t head = 0, tail = 0;

    while (head < from.n && head < to.n && bytes_equal(from.v[head], to.v[head]))
        head++;
    while (tail < from.n - head && tail < to.n - head && bytes_equal(from.v[from.n - 1 - tail], to.v[to.n - 1 - tail]))
        tail++;
    for (size_t i = 0; i < head; i++)
        add(&s, ' ', from.v[i]);
    compare(&s, (struct lines){.v = from.n ? from.v + head : NULL, .n = from.n - head - tail},
            (struct lines){.v = to.n ? to.v + head : NULL, .n = to.n - head - tail});
    for (size_t i = from.n - tail; i < from.n; i++)
        add(&s, ' ', from.v[i]);
    return s;
}

/* A range is named by its first line counted from 1; an empty one by the line before it. */
static void wr_range(struct writer *w, char mark, size_t before, size_t count)
{
    wr_printf(w, "%c%zu", mark, count ? before + 1 : before);
    if (count != 1)
        wr_printf(w, ",%zu", count);
}

static void wr_hunk(struct writer *w, const struct script *s, size_t begin, size_t end, const size_t before[2])
{
    size_t count[2] = {0};

    for (size_t i = begin; i < end; i++) {
        count[0] += s->v[i].mark != '+';
        count[1] += s->v[i].mark != '-';
    }
    wr_text(w, "@@ ");
    wr_range(w, '-', before[0], count[0]);
    wr_u8(w, ' ');
    wr_range(w, '+', before[1], count[1]);
    wr_text(w, " @@\n");
    for (size_t i = begin; i < end; i++) {
        wr_u8(w, (uint8_t)s->v[i].mark);
        wr_put(w, s->v[i].line);
        if (s->v[i].line.p[s->v[i].line.n - 1] != '\n')
            wr_text(w, "\n\\ No newline at end of file\n");
    }
}

/* Behind the last change that the hunk around `change` takes in: changes that share context are one hunk. */
static size_t hunk_end(const struct script *s, size_t change)
{
    size_t last = change;

    for (size_t i = change; i < s->n && i - last <= 2 * CONTEXT + 1; i++)
        if (s->v[i].mark != ' ')
            last = i;
    return s->n - last <= CONTEXT + 1 ? s->n : last + CONTEXT + 1;
}

struct bytes text_diff(struct arena *a, struct bytes from, struct bytes to)
{
    struct script s = make_script(a, split(a, from), split(a, to));
    struct writer w = wr_open(a);
    size_t before[2] = {0}, at = 0;

    for (size_t i = 0; i < s.n; i++) {
        if (s.v[i].mark == ' ')
            continue;
        size_t begin = i - at > CONTEXT ? i - CONTEXT : at, end = hunk_end(&s, i);

        before[0] += begin - at; /* what was passed over is in both */
        before[1] += begin - at;
        wr_hunk(&w, &s, begin, end, before);
        for (size_t k = begin; k < end; k++) {
            before[0] += s.v[k].mark != '+';
            before[1] += s.v[k].mark != '-';
        }
        at = end;
        i = end - 1;
    }
    return wr_done(&w);
}
