#include "store/copy.h"

#include "base/limits.h"

enum {
    BATCH_RECORDS = 256, /* of a migration, held in memory at once */
    BATCH_BYTES = 8 * 1024 * 1024,
    REPORT_EVERY = 500,
    PIECE = 256 * 1024,
};

static void report(const struct copy_progress *p, uint64_t done, uint64_t total)
{
    if (p->report && (done % REPORT_EVERY == 0 || done == total))
        p->report(p->context, done, total);
}

static void write_field(struct writer *w, struct bytes b)
{
    wr_u32le(w, (uint32_t)b.n); /* at most LIMIT_STORE_FIELD */
    wr_put(w, b);
}

static struct bytes encode(struct arena *a, const struct record *r)
{
    struct writer w = wr_open(a);

    wr_u8(&w, 'r');
    wr_u64le(&w, r->sequence);
    wr_u64le(&w, r->version);
    wr_u64le(&w, (uint64_t)r->time);
    write_field(&w, r->provider);
    write_field(&w, r->kind);
    write_field(&w, r->body);
    write_field(&w, r->hash);
    write_field(&w, r->signer);
    write_field(&w, r->caller);
    write_field(&w, r->seal);
    return wr_done(&w);
}

#define HEAD     "assay backup 2\n"
#define HEAD_OLD "assay backup 1\n" /* of a release that did not seal records */

/* Every record of a store goes by: into a file, into a digest, or both. */
struct pass {
    FILE *file; /* or NULL */
    struct arena arena;
    struct digest_stream digest;
    uint64_t count, total;
    struct copy_progress progress;
    bool failed;
};

static void put(struct pass *p, struct bytes b)
{
    digest_add(&p->digest, b);
    if (p->file && fwrite(b.p, 1, b.n, p->file) != b.n)
        p->failed = true;
}

static bool pass_record(void *context, const struct record *r)
{
    struct pass *p = context;

    put(p, encode(&p->arena, r));
    report(&p->progress, ++p->count, p->total);
    arena_reset(&p->arena);
    return !p->failed;
}

static bool backup_body(struct store *s, struct pass *p, struct fault *fault)
{
    struct writer end;
    uint8_t digest[SHA256_SIZE];

    put(p, BYTES_LIT(HEAD));
    if (!store_generation(s, &p->total, fault) || !store_records(s, &p->arena, 0, pass_record, p, fault))
        return false;
    end = wr_open(&p->arena);
    wr_u8(&end, 'e');
    wr_u64le(&end, p->count);
    put(p, wr_done(&end));
    digest_end(&p->digest, digest);
    digest_begin(&p->digest, DIGEST_SHA256); /* so that there is always one to end */
    put(p, BYTES_OF(digest));
    return true;
}

bool backup_stream(struct store *s, FILE *file, struct copy_progress progress, uint64_t *count, struct fault *fault)
{
    struct pass p = {.file = file, .progress = progress};
    uint8_t unused[SHA256_SIZE];

    arena_init(&p.arena, LIMIT_TOOL_MEMORY);
    digest_begin(&p.digest, DIGEST_SHA256);
    bool ok = backup_body(s, &p, fault) && !p.failed;
    digest_end(&p.digest, unused);
    arena_free(&p.arena);
    *count = p.count;
    return ok;
}

static bool damaged(const struct backup_reader *b, const char *how, struct fault *fault)
{
    return fault_set(fault, FAULT_SYNTAX, "%s: %s: the backup is damaged, nothing was restored", b->name, how);
}

/* A piece that counts for the digest. */
static bool take(struct backup_reader *b, size_t n, struct bytes *out, struct fault *fault)
{
    struct writer w = wr_open(b->arena);

    for (size_t got = 1; w.n < n && got; w.n += got) {
        size_t most = n - w.n < PIECE ? n - w.n : PIECE; /* memory for what is there, not for what is promised */

        got = fread(wr_room(&w, most), 1, most, b->file);
    }
    *out = wr_done(&w);
    if (out->n < n)
        return ferror(b->file) ? fault_set(fault, FAULT_SYSTEM, "cannot read %s", b->name)
                               : damaged(b, "it ends too early", fault);
    digest_add(&b->digest, *out);
    return true;
}

static bool take_number(struct backup_reader *b, uint64_t *out, struct fault *fault)
{
    struct bytes piece;

    if (!take(b, 8, &piece, fault))
        return false;
    struct reader r = rd_open(piece);
    *out = rd_u64le(&r);
    return true;
}

static bool take_field(struct backup_reader *b, struct bytes *out, struct fault *fault)
{
    struct bytes piece;

    if (!take(b, 4, &piece, fault))
        return false;
    struct reader r = rd_open(piece);
    size_t n = rd_u32le(&r);
    if (n > LIMIT_STORE_FIELD)
        return damaged(b, "a field is longer than any can be", fault);
    return take(b, n, out, fault);
}

bool backup_open(struct backup_reader *b, FILE *file, const char *name, struct arena *a, struct fault *fault)
{
    static const char prefix[] = "assay backup ";
    struct bytes head;

    *b = (struct backup_reader){.file = file, .name = name, .arena = a};
    digest_begin(&b->digest, DIGEST_SHA256);
    if (!take(b, sizeof HEAD - 1, &head, fault))
        return false;
    b->sealed = bytes_equal(head, BYTES_LIT(HEAD));
    if (b->sealed || bytes_equal(head, BYTES_LIT(HEAD_OLD)))
        return true;
    if (bytes_begin(head, prefix))
        return fault_set(fault, FAULT_USAGE, "%s: the backup was written by a newer release; use that one", name);
    return fault_set(fault, FAULT_SYNTAX, "%s: this is no backup of a store", name);
}

static bool take_end(struct backup_reader *b, struct fault *fault)
{
    uint8_t digest[SHA256_SIZE], found[SHA256_SIZE];
    uint64_t count;

    if (!take_number(b, &count, fault))
        return false;
    digest_end(&b->digest, digest);
    digest_begin(&b->digest, DIGEST_SHA256);
    if (fread(found, 1, sizeof found, b->file) != sizeof found)
        return damaged(b, "it ends too early", fault);
    if (!bytes_equal(BYTES_OF(found), BYTES_OF(digest)) || count != b->records)
        return damaged(b, "its digest is not that of its content", fault);
    return getc(b->file) == EOF || damaged(b, "something stands behind its end", fault);
}

bool backup_next(void *reader, const struct record **out, struct fault *fault)
{
    struct backup_reader *b = reader;
    struct record *r = &b->record;
    uint64_t time = 0;
    struct bytes tag;

    *out = NULL;
    arena_reset(b->arena);
    if (!take(b, 1, &tag, fault))
        return false;
    if (*tag.p == 'e')
        return take_end(b, fault);
    if (*tag.p != 'r')
        return damaged(b, "neither a record nor the end comes next", fault);
    *r = (struct record){0};
    if (!take_number(b, &r->sequence, fault) || !take_number(b, &r->version, fault) || !take_number(b, &time, fault) ||
        !take_field(b, &r->provider, fault) || !take_field(b, &r->kind, fault) || !take_field(b, &r->body, fault) ||
        !take_field(b, &r->hash, fault) || !take_field(b, &r->signer, fault) || !take_field(b, &r->caller, fault) ||
        (b->sealed && !take_field(b, &r->seal, fault)))
        return false;
    r->time = (int64_t)time;
    report(&b->progress, ++b->records, 0);
    *out = r;
    return true;
}

void backup_close(struct backup_reader *b)
{
    uint8_t unused[SHA256_SIZE];

    digest_end(&b->digest, unused);
}

/* Records of a store, asked for one after another. */
struct feed {
    struct store *from;
    struct arena arena, scratch;
    struct record *records;
    size_t held, given, bytes;
    uint64_t last, total;
    struct digest_stream digest;
    struct copy_progress progress;
};

static bool hold(void *context, const struct record *r)
{
    struct feed *f = context;

    f->records[f->held++] = *r;
    f->bytes += r->body.n + r->hash.n + r->signer.n + r->caller.n + r->seal.n;
    return f->held < BATCH_RECORDS && f->bytes < BATCH_BYTES;
}

static bool refill(struct feed *f, struct fault *fault)
{
    f->held = f->given = f->bytes = 0;
    arena_reset(&f->arena);
    f->records = ARENA_ARRAY(&f->arena, struct record, BATCH_RECORDS);
    return store_records(f->from, &f->arena, f->last, hold, f, fault);
}

static bool feed_next(void *context, const struct record **out, struct fault *fault)
{
    struct feed *f = context;

    *out = NULL;
    if (f->last == f->total) /* what is added meanwhile is found in the end */
        return true;
    if (f->given == f->held && !refill(f, fault))
        return false;
    if (f->given == f->held)
        return fault_set(fault, FAULT_SYSTEM, "the store gave %llu of %llu records", (unsigned long long)f->last,
                         (unsigned long long)f->total);
    *out = &f->records[f->given++];
    f->last = (*out)->sequence;
    digest_add(&f->digest, encode(&f->scratch, *out));
    arena_reset(&f->scratch);
    report(&f->progress, f->last, f->total);
    return true;
}

static bool digest_of(struct store *s, uint64_t *count, uint8_t out[SHA256_SIZE], struct fault *fault)
{
    struct pass p = {0};

    arena_init(&p.arena, LIMIT_TOOL_MEMORY);
    digest_begin(&p.digest, DIGEST_SHA256);
    bool ok = store_records(s, &p.arena, 0, pass_record, &p, fault);
    digest_end(&p.digest, out);
    arena_free(&p.arena);
    *count = p.count;
    return ok;
}

/* Both are read once more. */
static bool compare(struct store *from, struct store *to, const uint8_t sent[SHA256_SIZE], uint64_t count,
                    struct fault *fault)
{
    uint8_t digest[SHA256_SIZE];
    uint64_t there, now;

    if (!digest_of(to, &there, digest, fault) || !store_generation(from, &now, fault))
        return false;
    if (there != count || !bytes_equal(BYTES_OF(digest), bytes_make(sent, SHA256_SIZE)))
        return fault_set(fault, FAULT_SYSTEM,
                         "the copy differs from what was sent (%llu of %llu records): do not use it",
                         (unsigned long long)there, (unsigned long long)count);
    return now == count || fault_set(fault, FAULT_USAGE,
                                     "%llu changes were made to the first store meanwhile, which the copy lacks: stop "
                                     "the service, empty the second store, and begin again",
                                     (unsigned long long)(now - count));
}

bool store_migrate(struct store *from, struct store *to, struct copy_progress progress, uint64_t *count,
                   struct fault *fault)
{
    struct feed f = {.from = from, .progress = progress};
    uint8_t sent[SHA256_SIZE];

    arena_init(&f.arena, LIMIT_TOOL_MEMORY);
    arena_init(&f.scratch, LIMIT_TOOL_MEMORY);
    digest_begin(&f.digest, DIGEST_SHA256);
    bool ok = store_generation(from, &f.total, fault) && store_import(to, feed_next, &f, count, fault);
    digest_end(&f.digest, sent);
    ok = ok && compare(from, to, sent, f.last, fault);
    arena_free(&f.arena);
    arena_free(&f.scratch);
    return ok;
}
