#include "service/state_place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MODE = 0600, NOTE_MEMORY = 4 * 1024 * 1024 };

static bool failed(const struct state_place *p, const char *end, struct fault *fault)
{
    return fault_set(fault, FAULT_SYSTEM, "the checkpoint of the store %s%s: %s", p->path, end, strerror(errno));
}

static bool path_of(const struct state_place *p, const char *end, char out[PATH_MAX])
{
    int n = snprintf(out, PATH_MAX, "%s%s", p->path, end);

    if (n > 0 && n < PATH_MAX)
        return true;
    errno = ENAMETOOLONG;
    return false;
}

static bool take_lock(struct state_place *p, struct fault *fault)
{
    char path[PATH_MAX];

    p->lock = path_of(p, ".lock", path) ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE) : -1;
    if (p->lock < 0)
        return failed(p, ".lock", fault);
    return flock(p->lock, LOCK_EX | LOCK_NB) == 0 ||
           fault_set(fault, FAULT_USAGE, "the checkpoint of the store %s is another process's", p->path);
}

bool state_place_open(const struct state_config *c, const struct counting *counting, struct state_place *out,
                      struct fault *fault)
{
    char *path = strdup(c->file);

    if (!path)
        abort();
    *out = (struct state_place){.path = path, .lock = -1, .counted = c->counted, .counting = *counting};
    return take_lock(out, fault) &&
           (!out->counted || state_counter_ask(&out->counting, COUNTER_READ, 0, &out->reading, fault));
}

void state_place_close(struct state_place *p)
{
    if (p->lock >= 0)
        close(p->lock);
    free(p->path);
    *p = (struct state_place){.lock = -1};
}

static bool read_file(const struct state_place *p, const char *end, struct arena *a, struct bytes *note,
                      struct fault *fault)
{
    uint8_t *content = arena_alloc(a, LOG_NOTE_MOST);
    char path[PATH_MAX];
    int fd = path_of(p, end, path) ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;

    *note = BYTES_NONE;
    if (fd < 0 && errno == ENOENT)
        return true;
    ssize_t n = fd >= 0 ? read(fd, content, LOG_NOTE_MOST) : -1;
    if (fd >= 0)
        close(fd);
    if (n < 0)
        return failed(p, end, fault);
    *note = n ? bytes_make(content, (size_t)n) : BYTES_LIT("\n"); /* an empty file is none that is not there */
    return true;
}

static bool sync_folder(const struct state_place *p)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(p->path, '/');

    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - p->path) + 1 : 1, slash ? p->path : ".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool has_next(const struct state_place *p, struct bytes note)
{
    struct fault unread = {0};
    struct bytes next;
    struct arena a;

    arena_init(&a, NOTE_MEMORY);
    bool has = read_file(p, ".next", &a, &next, &unread) && bytes_equal(next, note);
    arena_free(&a);
    return has;
}

static bool write_beside(const char *path, struct bytes note)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    bool ok = fd >= 0 && write(fd, note.p, note.n) == (ssize_t)note.n && fsync(fd) == 0;

    if (fd >= 0)
        ok = close(fd) == 0 && ok;
    return ok;
}

/* Whole or not at all. One that is there already is let alone: the TPM may have counted for it, and then there is no other copy. */
static bool write_next(struct state_place *p, struct bytes note, struct fault *fault)
{
    char path[PATH_MAX], beside[PATH_MAX];
    bool ok = has_next(p, note) || (path_of(p, ".next", path) && path_of(p, ".next.new", beside) &&
                                    write_beside(beside, note) && rename(beside, path) == 0);

    return (ok && sync_folder(p)) || failed(p, ".next", fault);
}

static bool become_newest(struct state_place *p, struct fault *fault)
{
    char next[PATH_MAX];

    return (path_of(p, ".next", next) && rename(next, p->path) == 0 && sync_folder(p)) || failed(p, ".next", fault);
}

/* The counter at the value that the note was signed for: counted up, unless it was already. */
static bool count(struct state_place *p, const struct state_counter *of, struct fault *fault)
{
    if (!p->counted)
        return true;
    if (!state_counter_ask(&p->counting, COUNTER_ADD, of->value - 1, &p->reading, fault))
        return false;
    return (p->reading.there && p->reading.counter.value == of->value) ||
           fault_set(fault, FAULT_SYSTEM,
                     "the counter of the TPM is at %llu, and should be at %llu: another counts too",
                     (unsigned long long)p->reading.counter.value, (unsigned long long)of->value);
}

bool state_place_keep(struct state_place *p, struct fault *fault)
{
    return !p->counted || p->reading.in_force || state_counter_ask(&p->counting, COUNTER_KEEP, 0, &p->reading, fault);
}

bool state_place_put(struct state_place *p, struct bytes note, const struct state_counter *of, struct fault *fault)
{
    return write_next(p, note, fault) && count(p, of, fault) && become_newest(p, fault) && state_place_keep(p, fault);
}

/* Its name may be younger than what the disk has of the folder. */
static bool complete(struct state_place *p, const struct state_counter *of, struct fault *fault)
{
    return (sync_folder(p) || failed(p, ".next", fault)) && count(p, of, fault) && become_newest(p, fault);
}

/* Was a note signed for the value that the counter has, or for the one above? */
static bool is_under_way(const struct state_place *p, const struct state_counter *of)
{
    const struct state_counter *now = &p->reading.counter;

    return p->reading.there && memcmp(of->id, now->id, STATE_COUNTER_ID) == 0 &&
           (of->value == now->value || of->value == now->value + 1);
}

bool state_place_newest(struct state_place *p, const struct log_key *key, struct arena *a, struct bytes *note,
                        struct fault *fault)
{
    struct state_exam x = {.arena = a, .trace = trace_new(a), .key = key};
    struct bytes next;

    if (!read_file(p, ".next", a, &next, fault))
        return false;
    if (p->counted && next.n && state_judge_note(&x, next) && is_under_way(p, &x.mark.counter) &&
        !complete(p, &x.mark.counter, fault))
        return false;
    return read_file(p, "", a, note, fault);
}

bool state_place_next(struct state_place *p, struct state_counter *out, struct fault *fault)
{
    *out = (struct state_counter){.value = 0};
    if (!p->counted)
        return true;
    if (!p->reading.there && !state_counter_ask(&p->counting, COUNTER_ADD, 0, &p->reading, fault))
        return false;
    *out = p->reading.counter;
    out->value++;
    return true;
}
