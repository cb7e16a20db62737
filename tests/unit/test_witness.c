/* What a log gives a witness, and what a witness keeps: forms, verdicts, and what is on the disk. */
#include "arena_test.h"

#include "base/text.h"
#include "log_sample.h"
#include "witness/submission.h"

static struct log_sample sample;

static int begin(void **state)
{
    int failed = set_up(state);

    log_sample_make(&arena, &sample);
    return failed;
}

static struct bytes submission_of(uint64_t old, uint64_t size)
{
    const struct merkle_source source = log_sample_source(&sample);
    struct submission s = {.old = old, .note = log_sample_note(&arena, &sample, size)};

    if (old)
        merkle_prove_consistency(&source, old, size, &s.path, NULL);
    return submission_write(&arena, &s);
}

static void submissions_have_one_form(void **state)
{
    struct submission read;
    struct bytes body = submission_of(5, SAMPLE_ENTRIES);

    (void)state;
    assert_true(submission_read(&arena, body, &read));
    assert_int_equal(read.old, 5);
    assert_true(read.path.n > 0);
    assert_bytes_equal(submission_write(&arena, &read), body);
    size_t before = body.n - read.note.n;
    for (size_t cut = 0; cut <= before; cut++)
        assert_false(submission_read(&arena, bytes_first(body, cut), &read));
    assert_true(bytes_begin(submission_of(0, 3), "old 0\n\nnode-1.example/log\n3\n"));
    static const char *const bad[] = {"",
                                      "old 0",
                                      "old 0\n",
                                      "old 0\n\n",
                                      "old 01\n\nx",
                                      "old -1\n\nx",
                                      "new 0\n\nx",
                                      "old 0\nAAAA\n\nx",
                                      "old  0\n\nx",
                                      "old 0 \n\nx",
                                      "\nold 0\n\nx"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(submission_read(&arena, bytes_text(bad[i]), &read));
    struct submission longest = {.note = BYTES_LIT("x"), .path.n = SUBMISSION_PATH_MOST};
    assert_true(submission_read(&arena, submission_write(&arena, &longest), &read));
    longest.path.n++;
    assert_false(submission_read(&arena, submission_write(&arena, &longest), &read));
}

static void sizes_have_one_form(void **state)
{
    static const char *const bad[] = {"", "7", "\n", "07\n", "7\n\n", " 7\n", "7 \n", "-7\n", "9999999999999999\n"};
    uint64_t size;

    (void)state;
    assert_true(submission_size_read(BYTES_LIT("7\n"), &size));
    assert_int_equal(size, 7);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(submission_size_read(bytes_text(bad[i]), &size));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(submissions_have_one_form, begin, tear_down),
        cmocka_unit_test_setup_teardown(sizes_have_one_form, begin, tear_down),
    };
    return cmocka_run_group_tests_name("witness", tests, NULL, NULL);
}
