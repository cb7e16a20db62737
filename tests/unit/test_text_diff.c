/* Unified diffs: their form, and that whoever applies one to the old text gets the new. */
#include "arena_test.h"

#include "base/limits.h"
#include "cli/text_diff.h"

static struct bytes line_of(struct bytes text)
{
    const uint8_t *end = memchr(text.p, '\n', text.n);

    return bytes_first(text, end ? (size_t)(end - text.p) + 1 : text.n);
}

/* The next line of *text, which then begins behind it. */
static struct bytes take(struct bytes *text)
{
    struct bytes line = text->n ? line_of(*text) : BYTES_NONE;

    *text = bytes_after(*text, line.n);
    return line;
}

/* The number at *p, which is then behind it. */
static size_t number(const char **p)
{
    char *end;
    unsigned long n = strtoul(*p, &end, 10);

    assert_ptr_not_equal(*p, end);
    *p = end;
    return n;
}

/* "1,2" or "1": a range, and how many lines it has. */
static size_t range(const char **p, size_t *count)
{
    size_t begin = number(p);

    *count = 1;
    if (**p == ',') {
        ++*p;
        *count = number(p);
    }
    return *count ? begin - 1 : begin;
}

/* One line of a hunk's body. Its end belongs to the text unless the next line says that there is none. */
static void apply_line(struct bytes *hunks, struct bytes *old, size_t count[2], struct writer *out)
{
    struct bytes line = take(hunks), body = bytes_after(line, 1);

    if (bytes_begin(*hunks, "\\ No newline")) {
        take(hunks);
        body.n--;
    }
    assert_true(*line.p == ' ' || *line.p == '-' || *line.p == '+');
    if (*line.p != '+') {
        struct bytes from = take(old);

        assert_true(bytes_equal(from, body));
        assert_true(count[0]-- > 0);
    }
    if (*line.p != '-') {
        wr_put(out, body);
        assert_true(count[1]-- > 0);
    }
}

/* What a patch program does; every line number and count is held to. */
static struct bytes apply(struct bytes old, struct bytes hunks)
{
    struct writer out = wr_open(&arena);
    size_t passed[2] = {0};

    while (hunks.n) {
        const char *p = arena_string(&arena, take(&hunks));
        size_t count[2], begin[2];

        assert_memory_equal(p, "@@ -", 4);
        p += 4;
        begin[0] = range(&p, &count[0]);
        assert_memory_equal(p, " +", 2);
        p += 2;
        begin[1] = range(&p, &count[1]);
        assert_string_equal(p, " @@\n");
        assert_true(begin[0] - passed[0] == begin[1] - passed[1]);
        for (; passed[0] < begin[0]; passed[0]++)
            wr_put(&out, take(&old));
        passed[0] = begin[0] + count[0];
        passed[1] = begin[1] + count[1];
        while (count[0] || count[1])
            apply_line(&hunks, &old, count, &out);
    }
    wr_put(&out, old);
    return wr_done(&out);
}

static void gives(const char *from, const char *to, const char *expected)
{
    struct bytes hunks = text_diff(&arena, bytes_text(from), bytes_text(to));

    assert_string_equal(arena_string(&arena, hunks), expected);
    assert_true(bytes_equal(apply(bytes_text(from), hunks), bytes_text(to)));
}

static void form(void **state)
{
    (void)state;
    gives("", "", "");
    gives("a\nb\n", "a\nb\n", "");
    gives("a\nb\n", "a\nc\n", "@@ -1,2 +1,2 @@\n a\n-b\n+c\n");
    gives("", "a\n", "@@ -0,0 +1 @@\n+a\n");
    gives("a\n", "", "@@ -1 +0,0 @@\n-a\n");
    gives("1\n2\n3\n4\n5\n6\n", "1\n2\n3\n4\n5\nx\n6\n", "@@ -3,4 +3,5 @@\n 3\n 4\n 5\n+x\n 6\n");
    gives("x\n1\n2\n3\n4\n", "1\n2\n3\n4\n", "@@ -1,4 +1,3 @@\n-x\n 1\n 2\n 3\n");
    /* A line in the middle that did not change stays. */
    gives("a\nb\nc\n", "x\nb\ny\n", "@@ -1,3 +1,3 @@\n-a\n+x\n b\n-c\n+y\n");
}

static void ends_without_a_line_end(void **state)
{
    (void)state;
    gives("a", "a\n", "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n");
    gives("a\n", "a", "@@ -1 +1 @@\n-a\n+a\n\\ No newline at end of file\n");
    gives("x\na", "y\na", "@@ -1,2 +1,2 @@\n-x\n+y\n a\n\\ No newline at end of file\n");
    gives("a\r\n", "a\n", "@@ -1 +1 @@\n-a\r\n+a\n");
}

/* Up to six common lines join two changes to one hunk, seven part them. */
static void hunks_join(void **state)
{
    (void)state;
    gives("a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n",
          "@@ -1,8 +1,8 @@\n-a\n+A\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+B\n");
    gives("a\n1\n2\n3\n4\n5\n6\n7\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\nB\n",
          "@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+B\n");
}

static struct bytes random_text(unsigned *seed, size_t most)
{
    struct writer w = wr_open(&arena);

    *seed = *seed * 1103515245U + 12345U;
    for (size_t n = *seed >> 16 & 31; n && most; n--, most--) {
        *seed = *seed * 1103515245U + 12345U;
        wr_u8(&w, (uint8_t)('a' + (*seed >> 16) % 3)); /* few kinds of lines: many ways to match them */
        if (n > 1 || *seed >> 20 & 1)
            wr_u8(&w, '\n');
    }
    return wr_done(&w);
}

static void whoever_applies_it_gets_the_new_text(void **state)
{
    unsigned seed = 20261124;

    (void)state;
    for (int i = 0; i < 3000; i++) {
        struct bytes from = random_text(&seed, 31), to = random_text(&seed, 31);

        assert_true(bytes_equal(apply(from, text_diff(&arena, from, to)), to));
        arena_reset(&arena);
    }
}

static struct bytes numbered(char letter, unsigned count)
{
    struct writer w = wr_open(&arena);

    wr_text(&w, "same\n");
    for (unsigned i = 0; i < count; i++)
        wr_printf(&w, "%c%u\n", i % 100 == 50 ? 'c' : letter, i);
    wr_text(&w, "same\n");
    return wr_done(&w);
}

static size_t count_of(struct bytes hunks, char mark)
{
    size_t n = 0;

    while (hunks.n)
        n += *take(&hunks).p == mark;
    return n;
}

/* Where the table would be too large nothing between the ends counts as common; the diff is longer and still right. */
static void beyond_the_limit(void **state)
{
    const unsigned small = 500, large = 5000;
    struct bytes from = numbered('a', small), to = numbered('b', small), hunks = text_diff(&arena, from, to);

    (void)state;
    assert_int_equal(count_of(hunks, '-'), small - small / 100);
    assert_true((size_t)large * large > LIMIT_DIFF_CELLS);
    from = numbered('a', large);
    to = numbered('b', large);
    size_t used = arena.used;
    hunks = text_diff(&arena, from, to);
    assert_int_equal(count_of(hunks, '-'), large);
    assert_int_equal(count_of(hunks, '+'), large);
    assert_int_equal(count_of(hunks, ' '), 2);
    assert_true(bytes_equal(apply(from, hunks), to));
    assert_true(arena.used - used < LIMIT_DIFF_CELLS);
    /* Equal ends cost nothing, however long they are. */
    gives(arena_string(&arena, from), arena_string(&arena, from), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(form, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ends_without_a_line_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hunks_join, set_up, tear_down),
        cmocka_unit_test_setup_teardown(whoever_applies_it_gets_the_new_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(beyond_the_limit, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
