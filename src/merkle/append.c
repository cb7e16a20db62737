#include "merkle/append.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "merkle/disk.h"

enum {
    TAIL_HEADER = 16, /* a mark, and the number of the bundle that it will fill */
    BATCH_MEMORY = 4 * LOG_BUNDLE_MOST,
    NOTE_MEMORY = 1024 * 1024,
};

static const uint8_t tail_mark[8] = "assayTL2", tail_mark_1[8] = "assaylog"; /* whose frames have no number */

/* The right edge of one level. */
struct row {
    struct merkle_hash v[TILE_WIDTH];
    unsigned n;
};

struct log_append {
    struct disk disk;
    struct bytes origin;
    int lock, tail;
    uint64_t bundle; /* the number of the one that the tail fills */
    off_t tail_end;  /* of its last whole frame */
    bool unsure;     /* a write failed: what is behind that must go first */
    bool dropped;
    struct row rows[TILE_LEVELS];
    uint8_t *entries; /* of this bundle, as they will stand there */
    size_t entries_n, entries_cap;
    struct arena arena; /* of one call */
    struct log_reader reader;
};

uint64_t log_append_size(const struct log_append *l)
{
    return l->bundle * TILE_WIDTH + l->rows[0].n;
}

bool log_append_dropped(const struct log_append *l)
{
    return l->dropped;
}

static bool put_row(struct log_append *l, unsigned level, uint64_t index, unsigned width, struct fault *fault)
{
    const struct tile t = {.level = level, .index = index, .width = width};

    return disk_put_tile(&l->disk, &l->arena, &t, bytes_make(l->rows[level].v, width * SHA256_SIZE), fault);
}

static void wr_header(struct writer *w, uint64_t bundle)
{
    wr_put(w, BYTES_OF(tail_mark));
    wr_u64le(w, bundle);
}

/* An entry in the tail: the bundle that it is of, for those of the bundle before lie behind the last one. */
static void wr_frame(struct writer *w, uint64_t bundle, struct bytes entry, const struct merkle_hash *leaf)
{
    wr_u64le(w, bundle);
    wr_entry(w, entry);
    wr_put(w, BYTES_OF(leaf->v));
}

/* False: there is no further one that is whole. */
static bool rd_frame(struct reader *r, uint64_t bundle, bool numbered, struct bytes *entry, struct merkle_hash *leaf)
{
    bool of_bundle = !numbered || rd_u64le(r) == bundle, there = rd_entry(r, entry);
    struct bytes hash = rd_take(r, SHA256_SIZE);

    if (!there || !of_bundle || !rd_ok(r))
        return false;
    merkle_leaf(*entry, leaf);
    return bytes_equal(hash, BYTES_OF(leaf->v));
}

static void empty_tail(struct log_append *l, uint64_t bundle)
{
    l->tail_end = TAIL_HEADER;
    l->bundle = bundle;
    l->rows[0].n = 0;
    l->entries_n = 0;
    l->unsure = false;
}

/* The file, anew. */
static bool put_tail(struct log_append *l, struct bytes content, struct fault *fault)
{
    if (!disk_put(&l->disk, "tail", content, fault))
        return false;
    if (l->tail >= 0)
        close(l->tail);
    l->tail = disk_open(&l->disk, "tail", O_RDWR, fault);
    return l->tail >= 0;
}

/* The next bundle's entries go over those of the last, which are a file of their own: to make the tail anew costs more than all that
 * is written to it. The disk is not waited for, but with the first entry; a tail that has the old number till then is known by that file. */
static bool turn_tail(struct log_append *l, uint64_t bundle, struct fault *fault)
{
    struct writer w = wr_open(&l->arena);

    wr_header(&w, bundle);
    if (pwrite(l->tail, w.p, w.n, 0) != (ssize_t)w.n)
        return disk_fault(&l->disk, "tail", fault);
    empty_tail(l, bundle);
    return true;
}

/* The bundle that was full is a file, and so are the tiles below `level`: their partial ones go. */
static void tidy(struct log_append *l, uint64_t sealed, unsigned level)
{
    struct tile t = {.entries = true, .index = sealed, .width = TILE_WIDTH};

    disk_drop_partial(&l->disk, &l->arena, &t);
    t.entries = false;
    for (; t.level < level; t.level++, t.index >>= TILE_HEIGHT)
        disk_drop_partial(&l->disk, &l->arena, &t);
}

/* The bundle is full: it and the tiles that it fills become files. All is as before when this fails, and it can be done again. */
static bool seal(struct log_append *l, struct fault *fault)
{
    const struct tile bundle = {.entries = true, .index = l->bundle, .width = TILE_WIDTH};
    uint64_t index = l->bundle, sealed = l->bundle;
    unsigned level = 0;
    bool full = true;

    if (!disk_put_tile(&l->disk, &l->arena, &bundle, bytes_make(l->entries, l->entries_n), fault))
        return false;
    for (; full; index >>= TILE_HEIGHT) {
        if (!put_row(l, level, index, TILE_WIDTH, fault))
            return false;
        if (++level == TILE_LEVELS)
            return fault_set(fault, FAULT_LIMIT, "the log %s has as many entries as a log may", l->disk.folder);
        merkle_fold(l->rows[level - 1].v, TILE_HEIGHT, &l->rows[level].v[index % TILE_WIDTH]);
        full = index % TILE_WIDTH == TILE_WIDTH - 1;
    }
    if (!turn_tail(l, sealed + 1, fault))
        return false;
    for (unsigned i = 1; i < level; i++)
        l->rows[i].n = 0;
    l->rows[level].n = (unsigned)((sealed >> TILE_HEIGHT * (level - 1)) % TILE_WIDTH) + 1;
    tidy(l, sealed, level);
    return true;
}

static void keep_entry(struct log_append *l, struct bytes entry, const struct merkle_hash *leaf)
{
    if (l->entries_cap - l->entries_n < entry.n + 2) {
        size_t cap = 2 * (l->entries_n + entry.n + 2);
        uint8_t *grown = realloc(l->entries, cap);

        if (!grown)
            abort();
        l->entries = grown;
        l->entries_cap = cap;
    }
    uint8_t *p = l->entries + l->entries_n;
    p[0] = (uint8_t)(entry.n >> 8);
    p[1] = (uint8_t)entry.n;
    memcpy(p + 2, entry.p, entry.n);
    l->entries_n += entry.n + 2;
    l->rows[0].v[l->rows[0].n++] = *leaf;
}

/* So many entries as one bundle still takes, with one write and one wait for the disk. */
static bool add_some(struct log_append *l, const struct bytes *entries, size_t count, struct fault *fault)
{
    struct writer w = wr_open(&l->arena);
    struct merkle_hash leaves[TILE_WIDTH];

    if (l->unsure && ftruncate(l->tail, l->tail_end) != 0)
        return disk_fault(&l->disk, "tail", fault);
    l->unsure = false;
    for (size_t i = 0; i < count; i++) {
        merkle_leaf(entries[i], &leaves[i]);
        wr_frame(&w, l->bundle, entries[i], &leaves[i]);
    }
    ssize_t n = pwrite(l->tail, w.p, w.n, l->tail_end);
    if (n != (ssize_t)w.n || (l->disk.sync && fdatasync(l->tail) != 0)) {
        l->unsure = true;
        errno = n >= 0 && n != (ssize_t)w.n ? ENOSPC : errno;
        return disk_fault(&l->disk, "tail", fault);
    }
    l->tail_end += (off_t)w.n;
    for (size_t i = 0; i < count; i++)
        keep_entry(l, entries[i], &leaves[i]);
    return true;
}

bool log_append_add(struct log_append *l, const struct bytes *entries, size_t count, size_t *added, struct fault *fault)
{
    *added = 0;
    for (size_t i = 0; i < count; i++)
        if (entries[i].n > LOG_ENTRY_MOST)
            return fault_set(fault, FAULT_LIMIT, "an entry of %zu bytes", entries[i].n);
    while (*added < count) {
        arena_reset(&l->arena);
        if (l->rows[0].n == TILE_WIDTH && !seal(l, fault))
            return false;
        size_t room = TILE_WIDTH - l->rows[0].n, some = count - *added < room ? count - *added : room;
        if (!add_some(l, entries + *added, some, fault))
            return false;
        *added += some;
    }
    return true;
}

bool log_append_settle(struct log_append *l, uint64_t old, struct checkpoint *out, struct merkle_path *growth,
                       struct fault *fault)
{
    uint64_t size = log_append_size(l);
    struct merkle_source source = log_reader_source(&l->reader);

    arena_reset(&l->arena);
    if (l->rows[0].n == TILE_WIDTH && !seal(l, fault))
        return false;
    struct tile bundle = {.entries = true, .index = l->bundle, .width = l->rows[0].n};
    if (bundle.width && !disk_put_tile(&l->disk, &l->arena, &bundle, bytes_make(l->entries, l->entries_n), fault))
        return false;
    for (unsigned level = 0; level < TILE_LEVELS; level++)
        if (l->rows[level].n && !put_row(l, level, size >> TILE_HEIGHT * (level + 1), l->rows[level].n, fault))
            return false;
    memset(l->reader.held, 0, sizeof l->reader.held); /* partial tiles have grown */
    l->reader.size = size;
    *out = (struct checkpoint){.origin = l->origin, .size = size};
    return merkle_root(&source, size, &out->root, fault) && merkle_prove_consistency(&source, old, size, growth, fault);
}

bool log_append_last(const struct log_append *l, struct arena *a, struct bytes *note, struct fault *fault)
{
    return disk_read(&l->disk, a, "checkpoint", LOG_NOTE_MOST, true, note, fault);
}

bool log_append_publish(struct log_append *l, struct bytes note, struct fault *fault)
{
    return disk_put(&l->disk, "checkpoint", note, fault);
}

/* What was on its way when the end came: it is of this bundle, and not whole. Behind it, or behind nothing, lie entries of the one before. */
static bool is_torn(struct log_append *l, struct bytes rest)
{
    struct writer number = wr_open(&l->arena);

    wr_u64le(&number, l->bundle);
    size_t n = rest.n < number.n ? rest.n : number.n;
    return n && memcmp(rest.p, number.p, n) == 0;
}

/* The tail's frames up to the first that is not whole; nothing stays behind them. */
static bool read_tail(struct log_append *l, struct bytes file, bool *numbered, struct fault *fault)
{
    struct reader r = rd_open(file);
    struct bytes mark = rd_take(&r, sizeof tail_mark), entry;
    struct merkle_hash leaf;
    uint64_t bundle = rd_u64le(&r);

    *numbered = bytes_equal(mark, BYTES_OF(tail_mark));
    if (!rd_ok(&r) || (!*numbered && !bytes_equal(mark, BYTES_OF(tail_mark_1))) || bundle > LOG_SIZE_MOST / TILE_WIDTH)
        return fault_set(fault, FAULT_SYNTAX, "%s/tail: this is no tail of a log", l->disk.folder);
    empty_tail(l, bundle);
    while (l->rows[0].n < TILE_WIDTH && rd_frame(&r, bundle, *numbered, &entry, &leaf)) {
        keep_entry(l, entry, &leaf);
        l->tail_end = (off_t)(file.n - rd_left(&r));
    }
    const struct bytes rest = bytes_after(file, (size_t)l->tail_end);
    l->dropped = *numbered ? is_torn(l, rest) : rest.n > 0;
    return !rest.n || ftruncate(l->tail, l->tail_end) == 0 || disk_fault(&l->disk, "tail", fault);
}

/* Where the bundle is a file, its entries were sealed and are whole there, whatever was written over them in the tail since. */
static bool read_sealed(struct log_append *l, struct fault *fault)
{
    const struct tile t = {.entries = true, .index = l->bundle, .width = TILE_WIDTH};
    const char *path = arena_string(&l->arena, tile_path(&l->arena, &t));
    struct bytes file, entry;

    if (!disk_has(&l->disk, path))
        return true;
    if (!disk_read(&l->disk, &l->arena, path, LOG_BUNDLE_MOST, false, &file, fault))
        return false;
    struct reader r = rd_open(file);
    empty_tail(l, l->bundle);
    while (l->rows[0].n < TILE_WIDTH && rd_entry(&r, &entry)) {
        struct merkle_hash leaf;

        merkle_leaf(entry, &leaf);
        keep_entry(l, entry, &leaf);
    }
    return (rd_end(&r) && l->rows[0].n == TILE_WIDTH) ||
           fault_set(fault, FAULT_SYNTAX, "%s/%s: this is no whole bundle of a log", l->disk.folder, path);
}

/* One that an earlier version left, in the form of today. */
static bool renew_tail(struct log_append *l, struct fault *fault)
{
    struct reader r = rd_open(bytes_make(l->entries, l->entries_n));
    struct writer w = wr_open(&l->arena);
    struct bytes entry;

    wr_header(&w, l->bundle);
    for (unsigned i = 0; i < l->rows[0].n && rd_entry(&r, &entry); i++)
        wr_frame(&w, l->bundle, entry, &l->rows[0].v[i]);
    l->tail_end = (off_t)w.n;
    return put_tail(l, wr_done(&w), fault);
}

/* The right edges of the levels above, from whole tiles. */
static bool read_rows(struct log_append *l, struct fault *fault)
{
    const struct merkle_source source = log_reader_source(&l->reader);

    l->reader.size = l->bundle * TILE_WIDTH;
    for (unsigned level = 1; level < TILE_LEVELS; level++) {
        struct row *row = &l->rows[level];
        uint64_t there = l->reader.size >> TILE_HEIGHT * level, index = there / TILE_WIDTH * TILE_WIDTH;

        for (row->n = 0; index < there; index++, row->n++) {
            unsigned below = TILE_HEIGHT * level - 1; /* of the tile below, which is whole: its two halves */
            struct merkle_hash left, right;

            if (!source.get(source.context, below, 2 * index, &left, fault) ||
                !source.get(source.context, below, 2 * index + 1, &right, fault))
                return false;
            merkle_node(&left, &right, &row->v[row->n]);
        }
    }
    return true;
}

/* What was signed once must be what is there: nothing is missing, nothing is another. */
static bool leads_on(struct log_append *l, struct arena *a, struct fault *fault)
{
    struct checkpoint now, then;
    struct merkle_path growth;
    struct merkle_hash root;
    struct bytes note, text;
    const struct merkle_source source = log_reader_source(&l->reader);

    if (!log_append_last(l, a, &note, fault))
        return false;
    if (note.n && (!note_text(note, &text) || !checkpoint_parse(text, &then)))
        return fault_set(fault, FAULT_SYNTAX, "%s/checkpoint: this is no checkpoint of a log", l->disk.folder);
    if (note.n && !bytes_equal(then.origin, l->origin))
        return fault_set(fault, FAULT_USAGE, "%s is the log %.*s, not %.*s: give each node a folder of its own",
                         l->disk.folder, (int)then.origin.n, (const char *)then.origin.p, (int)l->origin.n,
                         (const char *)l->origin.p);
    if (note.n && then.size > log_append_size(l))
        return fault_set(fault, FAULT_SYNTAX,
                         "%s has %llu entries, and its checkpoint was signed over %llu: entries were taken away. Put "
                         "back the newest copy of the folder, or begin a log with another origin in another one",
                         l->disk.folder, (unsigned long long)log_append_size(l), (unsigned long long)then.size);
    if (!log_append_settle(l, 0, &now, &growth, fault))
        return false;
    if (!note.n)
        return true;
    return merkle_root(&source, then.size, &root, fault) &&
           (merkle_same(&root, &then.root) ||
            fault_set(fault, FAULT_SYNTAX,
                      "%s: its entries are not those that its checkpoint was signed over: they were changed",
                      l->disk.folder));
}

static bool begin_tail(struct log_append *l, struct fault *fault)
{
    if (disk_has(&l->disk, "tile/entries"))
        return fault_set(fault, FAULT_SYSTEM, "%s/tail is missing, and the log is not empty", l->disk.folder);
    empty_tail(l, 0);
    return renew_tail(l, fault);
}

static bool open_tail(struct log_append *l, struct fault *fault)
{
    struct bytes file;
    bool numbered;

    if (!disk_read(&l->disk, &l->arena, "tail", BATCH_MEMORY / 2, true, &file, fault))
        return false;
    if (!file.n)
        return begin_tail(l, fault);
    l->tail = disk_open(&l->disk, "tail", O_RDWR, fault);
    return l->tail >= 0 && read_tail(l, file, &numbered, fault) && read_sealed(l, fault) &&
           (numbered || renew_tail(l, fault));
}

struct log_append *log_append_open(const char *folder, struct bytes origin, bool sync, struct fault *fault)
{
    struct log_append *l = calloc(1, sizeof *l);
    struct arena note;

    if (!l || !(l->disk.folder = strdup(folder))) {
        free(l);
        fault_set(fault, FAULT_SYSTEM, "no memory");
        return NULL;
    }
    l->disk.sync = sync;
    l->lock = l->tail = -1;
    l->origin = origin;
    l->reader.read = log_folder_read;
    l->reader.context = l->disk.folder;
    log_reader_open(&l->reader);
    arena_init(&l->arena, BATCH_MEMORY);
    arena_init(&note, NOTE_MEMORY);
    bool ok = disk_begin(&l->disk, &l->lock, fault) && open_tail(l, fault) && read_rows(l, fault) &&
              leads_on(l, &note, fault);
    arena_free(&note);
    if (ok)
        return l;
    log_append_close(l);
    return NULL;
}

bool log_append_keep(struct log_append *l, const char *name, struct bytes content, struct fault *fault)
{
    return disk_has(&l->disk, name) || disk_put(&l->disk, name, content, fault);
}

void log_append_close(struct log_append *l)
{
    if (!l)
        return;
    if (l->tail >= 0)
        close(l->tail);
    if (l->lock >= 0)
        close(l->lock);
    free(l->disk.folder);
    free(l->entries);
    log_reader_free(&l->reader);
    arena_free(&l->arena);
    free(l);
}
