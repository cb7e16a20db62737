#include "merkle/tile.h"

#include <stdlib.h>

enum {
    GROUP = 1000, /* three digits of an index are one folder */
    READER_MEMORY = 2 * LOG_BUNDLE_MOST + 64 * 1024,
};

struct bytes tile_path(struct arena *a, const struct tile *t)
{
    struct writer w = wr_open(a);
    unsigned part[8], n = 0;
    uint64_t index = t->index;

    wr_text(&w, "tile/");
    if (t->entries)
        wr_text(&w, "entries/");
    else
        wr_printf(&w, "%u/", t->level);
    do {
        part[n++] = (unsigned)(index % GROUP);
        index /= GROUP;
    } while (index);
    while (n > 1)
        wr_printf(&w, "x%03u/", part[--n]);
    wr_printf(&w, "%03u", part[0]);
    if (t->width < TILE_WIDTH)
        wr_printf(&w, ".p/%u", t->width);
    return wr_done(&w);
}

/* Digits up to another character; false for none, a leading zero that is not alone, or too many. */
static bool read_number(struct reader *r, uint64_t *out)
{
    size_t before = r->n;

    *out = rd_decimal(r, 999);
    return rd_ok(r) && before - r->n <= 3;
}

static bool read_index(struct reader *r, uint64_t *index)
{
    bool more = true;

    *index = 0;
    while (more) {
        struct bytes mark = r->n && r->p[0] == 'x' ? rd_take(r, 1) : BYTES_NONE;
        size_t before = r->n;
        uint64_t part;

        if (!read_number(r, &part) || before - r->n != 3 || *index > LOG_SIZE_MOST)
            return false;
        *index = GROUP * *index + part;
        more = mark.n > 0;
        if (more && rd_u8(r) != '/')
            return false;
    }
    return rd_ok(r);
}

static bool read_tile(struct reader *r, struct tile *t)
{
    uint64_t number;

    *t = (struct tile){.width = TILE_WIDTH};
    if (!bytes_is(rd_take(r, 5), "tile/"))
        return false;
    if (bytes_begin(bytes_make(r->p, r->n), "entries/")) {
        t->entries = true;
        rd_skip(r, 8);
    } else if (read_number(r, &number) && number < TILE_LEVELS && rd_u8(r) == '/')
        t->level = (unsigned)number;
    else
        return false;
    if (!read_index(r, &t->index))
        return false;
    if (rd_left(r) == 0)
        return rd_ok(r);
    if (!bytes_is(rd_take(r, 3), ".p/") || !read_number(r, &number) || number == 0 || number >= TILE_WIDTH)
        return false;
    t->width = (unsigned)number;
    return rd_end(r);
}

bool tile_parse(struct bytes path, struct tile *out)
{
    struct reader r = rd_open(path);
    struct arena a;

    if (path.n > 64 || !read_tile(&r, out))
        return false;
    arena_init(&a, 64 * 1024);
    bool same = bytes_equal(path, tile_path(&a, out)); /* each has one name */
    arena_free(&a);
    return same;
}

unsigned tile_width(const struct tile *t, uint64_t size)
{
    uint64_t there = t->entries ? size : size >> TILE_HEIGHT * t->level;

    if (t->index >= LOG_SIZE_MOST >> TILE_HEIGHT || there <= t->index << TILE_HEIGHT)
        return 0;
    there -= t->index << TILE_HEIGHT;
    return there < TILE_WIDTH ? (unsigned)there : TILE_WIDTH;
}

void wr_entry(struct writer *w, struct bytes entry)
{
    wr_u8(w, (uint8_t)(entry.n >> 8));
    wr_u8(w, (uint8_t)entry.n);
    wr_put(w, entry);
}

bool rd_entry(struct reader *r, struct bytes *entry)
{
    *entry = rd_take(r, rd_u16be(r));
    return rd_ok(r);
}

void log_reader_open(struct log_reader *r)
{
    arena_init(&r->arena, READER_MEMORY);
    memset(r->held, 0, sizeof r->held);
    memset(r->row, 0, sizeof r->row);
}

void log_reader_free(struct log_reader *r)
{
    for (size_t i = 0; i < TILE_LEVELS; i++)
        free(r->row[i]);
    arena_free(&r->arena);
}

/* A partial tile is gone once the whole one is there: then that has what it had. */
static bool read_either(struct log_reader *r, const struct tile *t, size_t limit, struct bytes *out,
                        struct fault *fault)
{
    struct tile whole = *t;
    struct fault first = {0};

    arena_reset(&r->arena);
    if (r->read(r->context, &r->arena, arena_string(&r->arena, tile_path(&r->arena, t)), limit, out, &first))
        return true;
    whole.width = TILE_WIDTH;
    if (t->width < TILE_WIDTH &&
        r->read(r->context, &r->arena, arena_string(&r->arena, tile_path(&r->arena, &whole)), limit, out, NULL))
        return true;
    return fault_set(fault, first.code, "%s", first.text);
}

static bool hold(struct log_reader *r, unsigned level, uint64_t index, struct fault *fault)
{
    struct tile t = {.level = level, .index = index};
    struct bytes file;

    if (r->held[level] == index + 1)
        return true;
    r->held[level] = 0;
    t.width = tile_width(&t, r->size);
    if (!r->row[level] && !(r->row[level] = malloc(TILE_WIDTH * sizeof *r->row[level])))
        return fault_set(fault, FAULT_SYSTEM, "no memory");
    if (!read_either(r, &t, TILE_WIDTH * SHA256_SIZE, &file, fault))
        return false;
    if (file.n < t.width * SHA256_SIZE || file.n % SHA256_SIZE)
        return fault_set(fault, FAULT_SYNTAX, "tile %llu of level %u has not %u hashes", (unsigned long long)index,
                         level, t.width);
    memcpy(r->row[level], file.p, t.width * SHA256_SIZE);
    r->held[level] = index + 1;
    return true;
}

static bool get(void *context, unsigned level, uint64_t index, struct merkle_hash *out, struct fault *fault)
{
    struct log_reader *r = context;
    unsigned above = level % TILE_HEIGHT, row = level / TILE_HEIGHT;

    if (row >= TILE_LEVELS) { /* LOG_SIZE_MOST leaves are one hash above the highest tile */
        row = TILE_LEVELS - 1;
        above += TILE_HEIGHT;
    }
    uint64_t first = index << above;
    if (!hold(r, row, first >> TILE_HEIGHT, fault))
        return false;
    merkle_fold(r->row[row] + first % TILE_WIDTH, above, out);
    return true;
}

struct merkle_source log_reader_source(struct log_reader *r)
{
    return (struct merkle_source){get, r};
}

bool log_reader_bundle(struct log_reader *r, uint64_t index, struct bytes *out, struct fault *fault)
{
    struct tile t = {.entries = true, .index = index};

    t.width = tile_width(&t, r->size);
    if (t.width == 0)
        return fault_set(fault, FAULT_USAGE, "entry %llu is not in the log, whose checkpoint is of %llu entries",
                         (unsigned long long)index << TILE_HEIGHT, (unsigned long long)r->size);
    if (!read_either(r, &t, LOG_BUNDLE_MOST, out, fault))
        return false;
    struct reader all = rd_open(*out);
    struct bytes entry;
    for (unsigned i = 0; i < t.width; i++)
        if (!rd_entry(&all, &entry))
            return fault_set(fault, FAULT_SYNTAX, "bundle %llu has not %u entries", (unsigned long long)index, t.width);
    out->n -= rd_left(&all);
    return true;
}

bool log_reader_entry(struct log_reader *r, struct arena *a, uint64_t index, struct bytes *out, struct fault *fault)
{
    struct bytes bundle, entry = BYTES_NONE;

    if (index >= r->size)
        return fault_set(fault, FAULT_USAGE, "entry %llu is not in the log, whose checkpoint is of %llu entries",
                         (unsigned long long)index, (unsigned long long)r->size);
    if (!log_reader_bundle(r, index >> TILE_HEIGHT, &bundle, fault))
        return false;
    struct reader all = rd_open(bundle);
    for (uint64_t i = 0; i <= index % TILE_WIDTH; i++)
        if (!rd_entry(&all, &entry))
            return fault_set(fault, FAULT_SYNTAX, "a bundle that is not whole");
    *out = arena_copy(a, entry);
    return true;
}
