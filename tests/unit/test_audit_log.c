/* The audit log: what is written can be verified, every kind of tampering is found at its line, and a log goes on behind a line that
 * was cut short, in a new file, and after failed writes. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>
#include <unistd.h>

#include "base/text.h"
#include "crypto/log_chain.h"
#include "service/audit_log.h"

static struct arena arena;
static char folder[] = "/tmp/assay-audit-XXXXXX";
static const char *path;
static struct log_walk walk;

static int set_up(void **state)
{
    static int n;

    (void)state;
    arena_init(&arena, TEST_MEMORY);
    path = arena_printf(&arena, "%s/log%d", folder, n++);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static int make_folder(void **state)
{
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    return mkdtemp(folder) ? 0 : -1;
}

static struct audit_log *open_log(void)
{
    struct fault fault = {0};
    struct audit_log *l = audit_log_open(path, &fault);

    if (!l)
        fail_msg("%s", fault.text);
    return l;
}

static bool try_write(struct audit_log *l, int n)
{
    struct fault fault = {0};
    struct bytes line;
    bool ok = audit_log_write(l, &arena, bytes_text(arena_printf(&arena, "{\"n\":%d,\"text\":\"x\\\"\"}", n)), n % 2,
                              &line, &fault);

    assert_true(ok || fault.code);
    if (ok)
        assert_true(line.n && line.p[0] == '{' && line.p[line.n - 1] == '}');
    return ok;
}

static void write_some(int from, int to)
{
    struct audit_log *l = open_log();

    for (int i = from; i < to; i++)
        assert_true(try_write(l, i));
    audit_log_close(l);
}

static struct bytes file_text(const char *name)
{
    FILE *f = fopen(name, "rb");
    uint8_t *text = arena_alloc(&arena, 1 << 20);

    assert_non_null(f);
    size_t n = fread(text, 1, 1 << 20, f);
    fclose(f);
    return bytes_make(text, n);
}

static void set_file(const char *name, struct bytes text)
{
    FILE *f = fopen(name, "wb");

    assert_non_null(f);
    assert_true(text.n == 0 || fwrite(text.p, 1, text.n, f) == text.n);
    fclose(f);
}

/* Line i from 0, with its end. */
static struct bytes line_at(struct bytes text, size_t i)
{
    for (;; i--) {
        const uint8_t *end = memchr(text.p, '\n', text.n);
        size_t n = end ? (size_t)(end - text.p) + 1 : text.n;

        if (i == 0)
            return bytes_first(text, n);
        text = bytes_after(text, n);
    }
}

/* The line of the first failure in what files of these texts say, counted over all of them as file * 100 + line; 0: they are whole. */
static uint64_t judge(const struct bytes *texts, size_t count, const char *wanted, size_t piece)
{
    struct fault fault = {0};
    bool ok = log_walk_open(&walk, wanted);

    assert_true(ok);
    for (size_t i = 0; ok && i < count; i++) {
        struct bytes left = texts[i];

        ok = log_walk_file(&walk, &fault);
        for (; ok && left.n; left = bytes_after(left, piece))
            ok = log_walk_bytes(&walk, bytes_first(left, piece), &fault);
    }
    ok = ok && log_walk_end(&walk, &fault);
    assert_true(ok == !fault.code);
    uint64_t where = ok ? 0 : walk.bad_file * 100 + walk.bad_line;
    log_walk_free(&walk);
    return where;
}

static uint64_t judge_text(struct bytes text)
{
    uint64_t whole = judge(&text, 1, NULL, 1 << 20);

    assert_int_equal(judge(&text, 1, NULL, 1), whole); /* however it comes */
    assert_int_equal(judge(&text, 1, NULL, 7), whole);
    return whole;
}

static void what_is_written_is_whole(void **state)
{
    struct stat st;

    (void)state;
    umask(0);
    write_some(0, 3);
    write_some(3, 5); /* a second start */
    assert_int_equal(judge_text(file_text(path)), 0);
    assert_int_equal(walk.records, 5);
    assert_string_equal(walk.from.hex, LOG_CHAIN_START);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
}

/* The rule, once more and by other means. */
static void the_rule(void **state)
{
    (void)state;
    write_some(0, 2);
    struct bytes text = file_text(path), first = line_at(text, 0);
    struct bytes record = BYTES_LIT("{\"n\":0,\"text\":\"x\\\"\"");
    const char *joined = arena_printf(&arena, "%s%.*s", LOG_CHAIN_START, (int)record.n, (const char *)record.p);
    struct bytes hash = hex_encode(&arena, sha256_of(&arena, bytes_text(joined)));
    const char *whole = arena_printf(&arena, "%.*s,\"chain\":\"%.64s\"}\n", (int)record.n, (const char *)record.p,
                                     (const char *)hash.p);
    assert_true(bytes_is(first, whole));
}

static struct bytes join(struct bytes a, struct bytes b, struct bytes c)
{
    struct writer w = wr_open(&arena);

    wr_put(&w, a);
    wr_put(&w, b);
    wr_put(&w, c);
    return wr_done(&w);
}

static void every_bit_counts(void **state)
{
    (void)state;
    write_some(0, 3);
    struct bytes text = file_text(path);
    uint8_t *changed = (uint8_t *)(uintptr_t)arena_copy(&arena, text).p;
    size_t last = text.n - line_at(text, 2).n;

    for (size_t i = 0; i < text.n - 1; i++)
        for (int bit = 0; bit < 8; bit++) {
            changed[i] ^= (uint8_t)(1 << bit);
            uint64_t where = judge(&(struct bytes){changed, text.n}, 1, NULL, text.n);
            size_t line = 1 + (size_t)(i >= line_at(text, 0).n) + (size_t)(i >= last);

            if (where < 100 + line || where > 100 + line + 1)
                fail_msg("bit %d of byte %zu: found at %llu", bit, i, (unsigned long long)where);
            changed[i] ^= (uint8_t)(1 << bit);
        }
}

static void lines_dropped_swapped_added(void **state)
{
    (void)state;
    write_some(0, 4);
    struct bytes text = file_text(path), l0 = line_at(text, 0), l1 = line_at(text, 1), l2 = line_at(text, 2),
                 l3 = line_at(text, 3);
    struct bytes after0 = bytes_after(text, l0.n), after1 = bytes_after(after0, l1.n);

    assert_int_equal(judge_text(after0), 101);                                     /* the first is gone */
    assert_int_equal(judge_text(join(l0, after1, BYTES_NONE)), 102);               /* the second */
    assert_int_equal(judge_text(join(l0, l2, join(l1, l3, BYTES_NONE))), 102);     /* two swapped */
    assert_int_equal(judge_text(join(l0, l0, after0)), 102);                       /* one twice */
    assert_int_equal(judge_text(join(l0, BYTES_LIT("{\"n\":9}\n"), after0)), 102); /* one added, without a chain */
    assert_int_equal(judge_text(join(l0, BYTES_LIT("\n"), after0)), 102);          /* an empty line */
    struct writer forged = wr_open(&arena);
    log_chain_seal(&(struct log_value){LOG_CHAIN_START}, BYTES_LIT("{\"n\":9"), &forged);
    assert_int_equal(judge_text(join(l0, wr_done(&forged), after0)), 102); /* one added, of another chain */
    assert_int_equal(judge_text(join(l0, l1, join(l2, l3, l1))), 105);
}

static struct log_value value_at(struct bytes text, size_t line)
{
    struct bytes l = line_at(text, line), record, value;
    struct log_value out = {0};

    assert_true(log_chain_split(bytes_first(l, l.n - 1), &record, &value));
    memcpy(out.hex, value.p, LOG_CHAIN_HEX);
    return out;
}

static void a_cut_end_is_found_by_a_value_kept_elsewhere(void **state)
{
    (void)state;
    write_some(0, 4);
    struct bytes text = file_text(path), cut = bytes_first(text, text.n - line_at(text, 3).n);
    struct log_value third = value_at(text, 2), last = value_at(text, 3);

    assert_int_equal(judge(&text, 1, last.hex, 100), 0);
    assert_true(walk.met);
    assert_int_equal(walk.met_at, 4);
    assert_int_equal(judge(&text, 1, third.hex, 100), 0);
    assert_true(walk.met);
    assert_int_equal(walk.met_at, 3);
    assert_int_equal(judge(&cut, 1, last.hex, 100), 0); /* the chain says nothing */
    assert_false(walk.met);
    assert_int_equal(judge_text(bytes_first(text, text.n - 10)), 104); /* within a line */
    assert_int_equal(judge_text(bytes_first(text, text.n - 1)), 0);    /* but for its end it is all there */
    assert_false(log_walk_open(&walk, "abc"));
    log_walk_free(&walk);
    assert_false(log_walk_open(&walk, arena_printf(&arena, "%.63sG", LOG_CHAIN_START)));
    log_walk_free(&walk);
}

static void a_torn_line_is_kept_and_told(void **state)
{
    (void)state;
    write_some(0, 4);
    struct bytes text = file_text(path);
    size_t before = text.n - line_at(text, 3).n;

    for (size_t n = before; n <= text.n; n++) { /* cut anywhere in the last line */
        set_file(path, bytes_first(text, n));
        write_some(10, 12);
        struct bytes now = file_text(path);
        bool torn = n > before && n < text.n - 1;
        assert_true(bytes_equal(bytes_first(now, n), bytes_first(text, n)));
        assert_int_equal(judge(&now, 1, NULL, now.n), 0);
        assert_int_equal(walk.recoveries, torn);
        assert_int_equal(walk.records, n < text.n - 1 ? 5 : 6);
        if (torn) { /* nothing can be changed in it, nor can it be dropped or added to */
            ((uint8_t *)(uintptr_t)now.p)[before] ^= 1;
            assert_int_equal(judge(&now, 1, NULL, now.n), 105);
            ((uint8_t *)(uintptr_t)now.p)[before] ^= 1;
            struct bytes good = bytes_first(now, before), rest = bytes_after(now, n + 1);
            assert_int_equal(judge_text(join(good, rest, BYTES_NONE)), 104);
            assert_int_equal(judge_text(join(bytes_first(now, n + 1), BYTES_LIT("x\n"), rest)), 106);
        }
    }
}

/* Torn, started, and torn again before a record was whole. */
static void torn_twice(void **state)
{
    (void)state;
    write_some(0, 2);
    set_file(path, join(file_text(path), BYTES_LIT("{\"n\":2,\"te"), BYTES_LIT("\n{\"n\":3,")));
    write_some(4, 6);
    assert_int_equal(judge_text(file_text(path)), 0);
    assert_int_equal(walk.records, 4);
    set_file(path, BYTES_LIT("{\"n\""));
    write_some(0, 2); /* the very first line */
    assert_int_equal(judge_text(file_text(path)), 0);
}

static void files_of_a_rotation(void **state)
{
    struct fault fault = {0};

    (void)state;
    const char *second = arena_printf(&arena, "%s.1", path), *third = arena_printf(&arena, "%s.2", path);
    struct audit_log *l = open_log();
    assert_true(try_write(l, 1) && try_write(l, 2));
    assert_true(audit_log_reopen(l, &fault)); /* nothing was moved */
    assert_true(try_write(l, 3));
    rename(path, third);
    assert_true(try_write(l, 4)); /* still into the old one */
    assert_true(audit_log_reopen(l, &fault));
    assert_true(try_write(l, 5) && try_write(l, 6));
    rename(path, second);
    assert_true(audit_log_reopen(l, &fault));
    assert_true(try_write(l, 7));
    audit_log_close(l);
    struct bytes all[] = {file_text(third), file_text(second), file_text(path)};
    assert_int_equal(judge(all, 3, NULL, 100), 0);
    assert_int_equal(walk.records, 7);
    assert_int_equal(judge(all + 1, 2, NULL, 100), 0); /* the oldest is gone: what it begins behind is told */
    assert_string_equal(walk.from.hex, value_at(all[0], 3).hex);
    assert_int_equal(judge((struct bytes[]){all[0], all[2]}, 2, NULL, 100), 201);
    assert_int_equal(judge((struct bytes[]){all[1], all[0]}, 2, NULL, 100), 201);
    assert_int_equal(judge_text(join(all[0], all[1], all[2])), 0); /* in one file */
    assert_int_equal(judge_text(join(all[0], all[2], BYTES_NONE)), 105);
}

static void what_is_not_opened(void **state)
{
    struct fault fault = {0}, other = {0}, again = {0}, nowhere = {0}, device = {0}, linked = {0};

    (void)state;
    struct audit_log *l = open_log();
    assert_null(audit_log_open(path, &fault)); /* two would break each other's chain */
    assert_non_null(strstr(fault.text, "another process"));
    assert_true(try_write(l, 1));
    rename(path, arena_printf(&arena, "%s.1", path));
    set_file(path, BYTES_LIT("something\n"));
    assert_false(audit_log_reopen(l, &other));
    assert_non_null(strstr(other.text, "not empty"));
    assert_true(try_write(l, 2));
    audit_log_close(l);
    struct bytes large = bytes_make(arena_alloc(&arena, LIMIT_LOG_TAIL + 1), LIMIT_LOG_TAIL + 1);
    set_file(path, large);
    assert_null(audit_log_open(path, &again));
    assert_non_null(strstr(again.text, "no audit log"));
    assert_null(audit_log_open(arena_printf(&arena, "%s/none/log", folder), &nowhere));
    assert_null(audit_log_open("/dev/null", &device));
    assert_non_null(strstr(device.text, "regular file"));
    const char *link = arena_printf(&arena, "%s.link", path);
    assert_int_equal(symlink(arena_printf(&arena, "%s.1", path), link), 0); /* to a log that would do */
    assert_null(audit_log_open(link, &linked));
    assert_non_null(strstr(linked.text, strerror(ELOOP)));
}

static void limit_file(size_t n)
{
    struct rlimit limit;

    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = n ? n : limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
}

/* A disk that is full takes part of a line, or nothing. */
static void a_full_disk(void **state)
{
    struct fault fault = {0};

    (void)state;
    for (size_t room = 0; room < 120; room++) {
        struct audit_log *l = open_log();
        assert_true(try_write(l, 1));
        size_t size = file_text(path).n;
        limit_file(size + room);
        bool ok = try_write(l, 2);
        assert_true(ok || !try_write(l, 3)); /* and nothing more */
        limit_file(0);
        assert_true(try_write(l, 4));
        audit_log_close(l);
        struct bytes text = file_text(path);
        assert_int_equal(judge(&text, 1, NULL, text.n), 0);
        unlink(path);
    }
    struct audit_log *l = open_log(); /* torn, then moved away */
    assert_true(try_write(l, 1));
    limit_file(file_text(path).n + 20);
    assert_false(try_write(l, 2));
    limit_file(0);
    const char *moved = arena_printf(&arena, "%s.1", path);
    rename(path, moved);
    assert_true(audit_log_reopen(l, &fault));
    assert_true(try_write(l, 3));
    audit_log_close(l);
    assert_int_equal(judge((struct bytes[]){file_text(moved), file_text(path)}, 2, NULL, 100), 0);
    assert_int_equal(walk.recoveries, 1);
}

/* What somebody does to the file of a running service does not become the truth. */
static void a_file_cut_while_it_is_open(void **state)
{
    (void)state;
    struct audit_log *l = open_log();
    assert_true(try_write(l, 1) && try_write(l, 2));
    assert_int_equal(truncate(path, (off_t)line_at(file_text(path), 0).n), 0);
    assert_true(try_write(l, 3));
    audit_log_close(l);
    assert_int_equal(judge_text(file_text(path)), 102);
}

static void odd_records(void **state)
{
    struct writer w = wr_open(&arena);
    struct log_value start = {LOG_CHAIN_START};
    struct bytes long_text =
        bytes_make(memset(arena_alloc(&arena, LIMIT_LOG_LINE), 'x', LIMIT_LOG_LINE), LIMIT_LOG_LINE);

    (void)state;
    struct log_value one = log_chain_seal(&start, BYTES_LIT("{\"a\":1,\"a\":2"), &w); /* good chain, bad JSON */
    assert_int_equal(judge_text(wr_done(&w)), 101);
    w = wr_open(&arena);
    one = log_chain_seal(&start, BYTES_LIT("{\"a\":1"), &w);
    log_chain_seal(&one, BYTES_LIT("{\"recovered\":\"x\""), &w);
    assert_int_equal(judge_text(wr_done(&w)), 102);
    w = wr_open(&arena);
    log_chain_seal(&start, BYTES_LIT("{\"previous\":\"x\""), &w);
    assert_int_equal(judge_text(wr_done(&w)), 101);
    w = wr_open(&arena);
    log_chain_seal(&start, join(BYTES_LIT("{\"a\":\""), long_text, BYTES_LIT("\"")),
                   &w); /* longer than a record may be */
    assert_int_equal(judge_text(wr_done(&w)), 101);
    assert_int_equal(judge_text(BYTES_NONE), 0);
    assert_int_equal(walk.records, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_is_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_rule, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_bit_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lines_dropped_swapped_added, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cut_end_is_found_by_a_value_kept_elsewhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_torn_line_is_kept_and_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(torn_twice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_of_a_rotation, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_opened, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_disk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_cut_while_it_is_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(odd_records, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, make_folder, NULL);
}
