#include "service/audit_log.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "crypto/log_chain.h"

enum { FILE_MODE = 0640 };

struct audit_log {
    char *path;
    int fd;
    struct log_value value;    /* of the last record */
    struct log_value previous; /* the next record is a file's first and tells of it; empty: it is not */
    /* Digest of torn bytes at the end, as they are and with a line end behind them; empty: there are none. */
    struct log_value torn, torn_ended;
    bool open;                /* the file's last byte is no line end: the next write begins with one */
    bool unsure;              /* a write was cut short: the end must be looked at anew */
    struct log_value pending; /* what the value is if that write was whole but for its line end */
};

static bool failed(const struct audit_log *l, struct fault *fault, const char *what)
{
    return fault_set(fault, FAULT_SYSTEM, "audit log %s: %s: %s", l->path, what, strerror(errno));
}

/* So that a new file is there after a loss of power, too. */
static bool sync_folder(const struct audit_log *l, struct fault *fault)
{
    char *copy = strdup(l->path);
    int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    bool ok = fd >= 0 && fsync(fd) == 0;

    if (!ok)
        failed(l, fault, "its folder cannot be written to the disk");
    if (fd >= 0)
        close(fd);
    free(copy);
    return ok;
}

/* One process alone may append: two would each hash over their own last record. A link may be somebody else's, to a file that is not his. */
static int open_file(const struct audit_log *l, struct stat *st, struct fault *fault)
{
    int fd = open(l->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW, FILE_MODE);

    if (fd < 0 || fstat(fd, st) != 0)
        failed(l, fault, "cannot be opened");
    else if (!S_ISREG(st->st_mode))
        fault_set(fault, FAULT_SYSTEM, "audit log %s: it is no regular file", l->path);
    else
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool lock(const struct audit_log *l, int fd, struct fault *fault)
{
    return flock(fd, LOCK_EX | LOCK_NB) == 0 || failed(l, fault, "another process writes it");
}

static void use_end(struct audit_log *l, const struct log_end *end)
{
    l->open = end->open;
    l->torn = l->torn_ended = (struct log_value){0};
    if (end->torn.n) {
        l->torn = log_digest(end->torn, BYTES_NONE);
        l->torn_ended = log_digest(end->torn, BYTES_LIT("\n"));
    }
    l->unsure = false;
}

/* The last bytes of the file. */
static bool read_end(const struct audit_log *l, struct arena *a, struct log_end *out, struct fault *fault)
{
    struct stat st;

    if (fstat(l->fd, &st) != 0)
        return failed(l, fault, "cannot be read");
    size_t n = st.st_size < LIMIT_LOG_TAIL ? (size_t)st.st_size : LIMIT_LOG_TAIL, got = 0;
    uint8_t *tail = arena_raw(a, n + 1);
    while (got < n) {
        ssize_t r = pread(l->fd, tail + got, n - got, st.st_size - (off_t)(n - got));

        if (r <= 0)
            return failed(l, fault, "cannot be read");
        got += (size_t)r;
    }
    *out = log_chain_end(bytes_make(tail, n));
    if (!out->found && st.st_size > LIMIT_LOG_TAIL)
        return fault_set(fault, FAULT_SYNTAX, "audit log %s: no record in its last %d bytes: this is no audit log",
                         l->path, LIMIT_LOG_TAIL);
    return true;
}

static bool first_look(struct audit_log *l, struct fault *fault)
{
    struct log_end end;
    struct arena a;

    arena_init(&a, 2 * LIMIT_LOG_TAIL);
    bool ok = read_end(l, &a, &end, fault);
    if (ok) {
        use_end(l, &end);
        l->value = end.value;
    }
    arena_free(&a);
    return ok;
}

/* After a failed write. The value stays ours whatever the file says, unless what failed was the line end alone: so a file that
 * somebody changed meanwhile does not become the truth. */
static bool look_again(struct audit_log *l, struct fault *fault)
{
    struct log_end end;
    struct arena a;

    arena_init(&a, 2 * LIMIT_LOG_TAIL);
    bool ok = read_end(l, &a, &end, fault);
    if (ok) {
        use_end(l, &end);
        if (end.found && strcmp(end.value.hex, l->pending.hex) == 0) {
            l->value = l->pending;
            l->previous = (struct log_value){0};
        }
    }
    arena_free(&a);
    return ok;
}

struct audit_log *audit_log_open(const char *path, struct fault *fault)
{
    struct audit_log *l = calloc(1, sizeof *l);
    struct stat st;

    if (!l || !(l->path = strdup(path))) {
        free(l);
        fault_set(fault, FAULT_SYSTEM, "no memory");
        return NULL;
    }
    l->fd = open_file(l, &st, fault);
    if (l->fd >= 0 && lock(l, l->fd, fault) && (st.st_size > 0 || sync_folder(l, fault)) && first_look(l, fault))
        return l;
    audit_log_close(l);
    return NULL;
}

void audit_log_close(struct audit_log *l)
{
    if (!l)
        return;
    if (l->fd >= 0)
        close(l->fd);
    free(l->path);
    free(l);
}

static void put_member(struct writer *w, const char *name, const struct log_value *value)
{
    if (*value->hex)
        wr_printf(w, ",\"%s\":\"%s\"", name, value->hex);
}

static ssize_t write_once(int fd, struct bytes b)
{
    ssize_t n;

    do
        n = write(fd, b.p, b.n);
    while (n < 0 && errno == EINTR);
    return n;
}

bool audit_log_write(struct audit_log *l, struct arena *a, struct bytes object, bool sync, struct bytes *line,
                     struct fault *fault)
{
    struct writer record = wr_open(a), whole = wr_open(a);

    if (l->unsure && !look_again(l, fault))
        return false;
    size_t begin = l->open;
    wr_put(&record, bytes_first(object, object.n - 1)); /* without its brace */
    put_member(&record, "previous", &l->previous);
    put_member(&record, "recovered", l->open ? &l->torn_ended : &l->torn);
    if (l->open)
        wr_u8(&whole, '\n');
    struct log_value next = log_chain_seal(&l->value, wr_done(&record), &whole);
    if (whole.n > LIMIT_LOG_LINE)
        return fault_set(fault, FAULT_LIMIT, "audit log %s: a record of %zu bytes", l->path, whole.n);
    ssize_t n = write_once(l->fd, wr_done(&whole));
    if (n != (ssize_t)whole.n) {
        l->unsure = true;
        l->pending = next;
        errno = n < 0 ? errno : ENOSPC;
        return failed(l, fault, "cannot be written");
    }
    l->value = next;
    l->open = false;
    l->previous = l->torn = l->torn_ended = (struct log_value){0};
    *line = bytes_make(whole.p + begin, whole.n - begin - 1);
    return !sync || fdatasync(l->fd) == 0 ||
           fault_set(fault, FAULT_UNCERTAIN, "audit log %s: may not be on the disk: %s", l->path, strerror(errno));
}

static bool is_same(int a, const struct stat *b)
{
    struct stat st;

    return fstat(a, &st) == 0 && st.st_dev == b->st_dev && st.st_ino == b->st_ino;
}

bool audit_log_reopen(struct audit_log *l, struct fault *fault)
{
    struct stat st;
    int fd = open_file(l, &st, fault);

    if (fd < 0)
        return false;
    if (is_same(l->fd, &st)) {
        close(fd);
        return true;
    }
    if (st.st_size > 0)
        fault_set(fault, FAULT_SYSTEM, "audit log %s: the new file is not empty", l->path);
    else if (lock(l, fd, fault) && sync_folder(l, fault) && (!l->unsure || look_again(l, fault))) {
        close(l->fd);
        l->fd = fd;
        l->open = false;
        l->previous = l->value;
        return true;
    }
    close(fd);
    return false;
}
