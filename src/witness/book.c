#include "witness/book.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "merkle/disk.h"

enum {
    NOTE_MEMORY = 256 * 1024,
    NAME_HEX = 2 * SHA256_SIZE,
    MARK_MOST = 4096,
    FORKS_MOST = 16 /* of a log, kept in one run: it could fill the disk */
};
#define MARK "key" /* the folder's file that says whose it is */

struct known {
    uint64_t size;
    struct merkle_hash root;
    uint64_t told;  /* the greatest size of a checkpoint whose proof did not hold */
    unsigned forks; /* that were proved since the start */
};

struct witness_book {
    struct disk disk;
    int lock;
    struct log_key key;
    uint8_t seed[ED25519_SEED];
    const struct log_key *logs;
    size_t count;
    struct known *known; /* of each log */
    struct arena arena;  /* of the key's name, and of one note */
};

/* An origin may have any character, a file's name not. */
static const char *name_of(struct arena *a, struct bytes origin)
{
    return arena_string(a, hex_encode(a, sha256_of(a, origin)));
}

/* A log that is let in and has nothing cosigned yet has this file instead of its note, so that a note that is lost is told from it. */
static const char *new_name(struct arena *a, const char *name)
{
    return arena_printf(a, "%s.new", name);
}

/* The folder's own file says whose it is; where it is missing the folder is not the one that was begun: a volume that is not there, a
 * name with a slip in it, a file that was deleted. */
static bool check_begun(const struct disk *d, struct arena *a, const struct log_key *key, struct fault *fault)
{
    struct bytes mark;

    if (!disk_read(d, a, MARK, MARK_MOST, true, &mark, fault))
        return false;
    if (bytes_equal(bytes_trim_end(mark), log_key_text(a, key)))
        return true;
    if (mark.n)
        return fault_set(fault, FAULT_CRYPTO, "%s: this is the folder of another witness's key", d->folder);
    return fault_set(
        fault, FAULT_CRYPTO,
        "%s: this is not the folder that this witness's key was used with: what was cosigned is not here. "
        "If it is lost, take a new key and a new name; `assay-witness begin` is for a key that has cosigned nothing",
        d->folder);
}

/* A note that this key cosigned, of the log whose file has this name. */
static bool read_kept(const struct disk *d, struct arena *a, const char *name, const struct log_key *key, bool optional,
                      struct bytes *note, struct checkpoint *c, int64_t *time, struct fault *fault)
{
    struct bytes text;

    if (!disk_read(d, a, name, LOG_NOTE_MOST, optional, note, fault))
        return false;
    if (optional && !note->n)
        return true;
    if (!note_text(*note, &text) || !checkpoint_parse(text, c) || strcmp(name_of(a, c->origin), name) != 0 ||
        !cosign_verify(a, *note, key, time))
        return fault_set(fault, FAULT_CRYPTO,
                         "%s/%s: this is no checkpoint that this witness's key cosigned. A witness that has lost what "
                         "it knew, or its key, takes a new folder and a new name",
                         d->folder, name);
    return true;
}

static bool drop_new(const struct disk *d, struct arena *a, const char *name, struct fault *fault)
{
    return !disk_has(d, new_name(a, name)) || disk_remove(d, new_name(a, name), fault);
}

static bool read_log(struct witness_book *b, size_t i, struct arena *a, struct fault *fault)
{
    struct checkpoint c = {0};
    struct bytes note;
    int64_t time;

    for (size_t other = 0; other < i; other++)
        if (bytes_equal(b->logs[other].name, b->logs[i].name))
            return fault_set(fault, FAULT_USAGE, "the log %.*s is named twice", (int)b->logs[i].name.n,
                             (const char *)b->logs[i].name.p);
    arena_reset(a);
    sha256(BYTES_NONE, b->known[i].root.v); /* of no entries */
    const char *name = name_of(a, b->logs[i].name);
    if (!read_kept(&b->disk, a, name, &b->key, true, &note, &c, &time, fault))
        return false;
    if (!note.n && !disk_has(&b->disk, new_name(a, name)))
        return fault_set(fault, FAULT_CRYPTO,
                         "%s: nothing is here of the log %.*s. If it is new to this witness, let it in: `assay-witness "
                         "begin` with its name; if not, its file is lost",
                         b->disk.folder, (int)b->logs[i].name.n, (const char *)b->logs[i].name.p);
    if (note.n)
        b->known[i] = (struct known){.size = c.size, .root = c.root};
    return !note.n || drop_new(&b->disk, a, name, fault); /* of a process that ended in between */
}

static struct disk disk_of(struct arena *a, const char *folder)
{
    return (struct disk){.folder = arena_string(a, bytes_text(folder)), .sync = true};
}

static bool let_in(const struct disk *d, struct arena *a, struct bytes origin, struct fault *fault)
{
    return disk_put(d, new_name(a, name_of(a, origin)), BYTES_NONE, fault);
}

bool witness_book_begin(const char *folder, const struct log_key *key, const struct log_key *logs, size_t count,
                        struct fault *fault)
{
    struct arena a;
    int lock = -1;

    arena_init(&a, NOTE_MEMORY);
    struct disk d = disk_of(&a, folder);
    struct bytes mark = bytes_text(arena_printf(&a, "%s\n", arena_string(&a, log_key_text(&a, key))));
    bool ok = disk_begin(&d, &lock, fault);
    if (ok && disk_has(&d, MARK))
        ok = fault_set(fault, FAULT_CRYPTO, "%s: this folder was begun before", folder);
    for (size_t i = 0; ok && i < count; i++)
        ok = let_in(&d, &a, logs[i].name, fault);
    ok = ok && disk_put(&d, MARK, mark, fault);
    if (lock >= 0)
        close(lock);
    arena_free(&a);
    return ok;
}

/* The folder for a word about one log: it was begun, and nobody else has it. */
static bool take_folder(struct disk *d, struct arena *a, const struct log_key *key, int *lock, struct fault *fault)
{
    return check_begun(d, a, key, fault) && disk_begin(d, lock, fault);
}

bool witness_book_admit(const char *folder, const struct log_key *key, struct bytes origin, struct fault *fault)
{
    struct arena a;
    int lock = -1;

    arena_init(&a, NOTE_MEMORY);
    struct disk d = disk_of(&a, folder);
    const char *name = name_of(&a, origin);
    bool ok = take_folder(&d, &a, key, &lock, fault);
    if (ok && (disk_has(&d, name) || disk_has(&d, new_name(&a, name))))
        ok = fault_set(fault, FAULT_USAGE, "%s: the log %.*s was let in before", folder, (int)origin.n,
                       (const char *)origin.p);
    ok = ok && let_in(&d, &a, origin, fault);
    if (lock >= 0)
        close(lock);
    arena_free(&a);
    return ok;
}

struct witness_book *witness_book_open(const char *folder, const struct log_key *key, const uint8_t seed[ED25519_SEED],
                                       const struct log_key *logs, size_t count, struct fault *fault)
{
    struct witness_book *b = calloc(1, sizeof *b);
    struct arena note;

    if (!b)
        abort();
    *b = (struct witness_book){.lock = -1, .key = *key, .logs = logs, .count = count};
    arena_init(&b->arena, NOTE_MEMORY);
    b->key.name = arena_copy(&b->arena, key->name);
    b->disk = disk_of(&b->arena, folder);
    memcpy(b->seed, seed, sizeof b->seed);
    b->known = calloc(count ? count : 1, sizeof *b->known);
    if (!b->known)
        abort();
    arena_init(&note, NOTE_MEMORY);
    bool ok =
        (count <= WITNESS_LOGS || fault_set(fault, FAULT_LIMIT, "a witness knows %d logs at most", WITNESS_LOGS)) &&
        take_folder(&b->disk, &note, key, &b->lock, fault);
    for (size_t i = 0; ok && i < count; i++)
        ok = read_log(b, i, &note, fault);
    arena_free(&note);
    if (ok)
        return b;
    witness_book_close(b);
    return NULL;
}

void witness_book_close(struct witness_book *b)
{
    if (!b)
        return;
    if (b->lock >= 0)
        close(b->lock);
    secret_wipe(b->seed, sizeof b->seed);
    free(b->known);
    arena_free(&b->arena);
    free(b);
}

static struct witness_answer refuse(int status, const char *reason)
{
    return (struct witness_answer){.status = status, .body = bytes_text(reason)};
}

static struct witness_answer conflict(struct arena *a, const struct known *known)
{
    const char *size = arena_printf(a, "%llu\n", (unsigned long long)known->size);

    return (struct witness_answer){.status = 409, .body = bytes_text(size), .size = true};
}

/* On the disk, with no signature but the log's and this one. */
static bool keep(struct witness_book *b, struct arena *a, const struct log_key *log, struct bytes note,
                 struct bytes line, struct fault *fault)
{
    struct bytes text, signature;
    struct writer w = wr_open(a);

    if (!note_split(a, note, log, &text, &signature))
        return false;
    wr_put(&w, text);
    wr_u8(&w, '\n');
    wr_put(&w, note_line(a, log, signature));
    wr_put(&w, line);
    const char *name = name_of(a, log->name);
    return disk_put(&b->disk, name, wr_done(&w), fault) && drop_new(&b->disk, a, name, fault);
}

/* Two checkpoints of one size and two roots, both signed by the log, prove that it lied. They go into one file, which nothing that is
 * cosigned later changes; of each size the first two. */
static struct witness_answer fork_of(struct witness_book *b, struct arena *a, size_t i, struct bytes second)
{
    struct known *known = &b->known[i];
    const char *name = name_of(a, b->logs[i].name);
    const char *proof = arena_printf(a, "%s.%llu.fork", name, (unsigned long long)known->size);
    struct witness_answer answer = conflict(a, known);
    struct fault fault = {0};
    struct bytes first;
    struct writer w = wr_open(a);

    answer.fork = true;
    answer.told = disk_has(&b->disk, proof);
    if (answer.told)
        return answer;
    bool ok = disk_read(&b->disk, a, name, LOG_NOTE_MOST, known->size == 0, &first, &fault);
    wr_put(&w, first); /* none of an empty log: no other root is an empty tree's */
    if (first.n)
        wr_u8(&w, '\n');
    wr_put(&w, second);
    if (!(ok && known->forks < FORKS_MOST ? disk_put(&b->disk, proof, wr_done(&w), &fault)
                                          : ok && fault_set(&fault, FAULT_LIMIT, "it has been proved often enough")))
        answer.lost = arena_copy(a, bytes_text(fault.text));
    known->forks++;
    return answer;
}

/* Who signed is not who sent: anybody can send a checkpoint that is public, with hashes that prove nothing. */
static struct witness_answer unproved(struct known *known, uint64_t size)
{
    struct witness_answer answer =
        refuse(422, "the checkpoint does not go on from the one that is known, by this proof\n");

    answer.told = size <= known->told;
    if (!answer.told)
        known->told = size;
    return answer;
}

/* Does it go on from what is known? Then it is on the disk before anybody has the line. */
static struct witness_answer judge(struct witness_book *b, struct log_exam *x, size_t i, const struct submission *s,
                                   int64_t time)
{
    const struct log_key *log = &b->logs[i];
    struct known *known = &b->known[i];
    const struct checkpoint *next = &x->checkpoint;
    struct checkpoint last = {.origin = log->name, .size = known->size, .root = known->root};
    bool again = next->size == known->size && merkle_same(&next->root, &known->root);
    struct fault fault = {0};
    struct bytes line, text;

    if (s->old > next->size)
        return refuse(400, "the old size is above that of the checkpoint\n");
    if (s->old != known->size)
        return conflict(x->arena, known);
    if (next->size == known->size && !again)
        return fork_of(b, x->arena, i, s->note);
    if (!log_judge_growth(x, &last, next, &s->path))
        return unproved(known, next->size);
    if (!note_text(s->note, &text) || !cosign(x->arena, text, &b->key, b->seed, time, &line))
        return refuse(500, "no cosignature could be made\n");
    if (!(again && known->size) && !keep(b, x->arena, log, s->note, line, &fault)) {
        const char *reason = arena_printf(x->arena, "what is known cannot be written: %s\n", fault.text);

        return refuse(500, reason);
    }
    known->size = next->size;
    known->root = next->root;
    return (struct witness_answer){.status = 200, .body = line};
}

struct witness_answer witness_book_take(struct witness_book *b, struct arena *a, struct bytes body, int64_t time)
{
    struct submission s;
    struct checkpoint c;
    struct bytes text;
    size_t i = 0;

    if (!submission_read(a, body, &s) || !note_text(s.note, &text) || !checkpoint_parse(text, &c))
        return refuse(400, "the body is not an old size, hashes, an empty line and a checkpoint\n");
    while (i < b->count && !bytes_equal(b->logs[i].name, c.origin))
        i++;
    if (i == b->count)
        return refuse(404, "this witness does not know the log of this origin\n");
    struct log_exam x = {.arena = a, .trace = trace_new(a), .key = &b->logs[i]};
    struct witness_answer answer = log_judge_checkpoint(&x, s.note)
                                       ? judge(b, &x, i, &s, time)
                                       : refuse(403, "no signature of the checkpoint is by the key of its log\n");
    answer.origin = b->logs[i].name;
    answer.size_asked = c.size;
    return answer;
}

static bool is_kept_name(const char *name)
{
    return strlen(name) == NAME_HEX && strspn(name, "0123456789abcdef") == NAME_HEX;
}

bool witness_book_list(const char *folder, const struct log_key *key, witness_seen *seen, void *context,
                       struct fault *fault)
{
    DIR *dir = opendir(folder);
    struct arena a;
    bool ok = true;

    if (!dir)
        return fault_set(fault, FAULT_SYSTEM, "%s: %s", folder, strerror(errno));
    arena_init(&a, NOTE_MEMORY);
    struct disk d = disk_of(&a, folder);
    struct arena note;
    arena_init(&note, NOTE_MEMORY);
    ok = check_begun(&d, &note, key, fault);
    for (const struct dirent *e; ok && (e = readdir(dir)) != NULL;) {
        struct checkpoint c;
        struct bytes read;
        int64_t time;

        if (!is_kept_name(e->d_name))
            continue;
        arena_reset(&note);
        ok = read_kept(&d, &note, e->d_name, key, false, &read, &c, &time, fault);
        if (ok)
            seen(context, &c, time);
    }
    closedir(dir);
    arena_free(&note);
    arena_free(&a);
    return ok;
}

bool witness_book_forget(const char *folder, const struct log_key *key, struct bytes origin, uint64_t *was,
                         struct fault *fault)
{
    struct arena a;
    struct checkpoint c;
    struct bytes note;
    int64_t time;
    int lock = -1;

    arena_init(&a, NOTE_MEMORY);
    struct disk d = disk_of(&a, folder);
    const char *name = name_of(&a, origin);
    bool ok = take_folder(&d, &a, key, &lock, fault);
    if (ok && !disk_has(&d, name))
        ok = fault_set(fault, FAULT_USAGE, "%s: nothing is known of the log %.*s", folder, (int)origin.n,
                       (const char *)origin.p);
    ok = ok && read_kept(&d, &a, name, key, false, &note, &c, &time, fault) && let_in(&d, &a, origin, fault) &&
         disk_remove(&d, name, fault);
    if (ok)
        *was = c.size;
    if (lock >= 0)
        close(lock);
    arena_free(&a);
    return ok;
}
