/* What a log gives a witness, and what a witness keeps: forms, verdicts, and what is on the disk. */
#include "arena_test.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "log_sample.h"
#include "witness/book.h"

static struct log_sample sample;
static char folder[] = "/tmp/assay-test-book-XXXXXX";
static struct fault fault;

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

static struct witness_book *book(void)
{
    fault = (struct fault){0};
    return witness_book_open(folder, &sample.witness, sample.witness_seed, &sample.key, 1, &fault);
}

static int begin_book(void **state)
{
    strcpy(folder + sizeof folder - sizeof "XXXXXX", "XXXXXX");
    return begin(state) != 0 || !mkdtemp(folder) ||
           !witness_book_begin(folder, &sample.witness, &sample.key, 1, &fault);
}

static int end_book(void **state)
{
    const char *rm = arena_printf(&arena, "rm -rf '%s'", folder);
    int failed = system(rm);

    return tear_down(state) != 0 || failed != 0;
}

static int status(struct witness_book *b, struct bytes body)
{
    return witness_book_take(b, &arena, body, 1679315147).status;
}

static void what_was_cosigned_outlives_the_process(void **state)
{
    struct bytes text;
    int64_t time;

    (void)state;
    struct witness_book *b = book();
    assert_non_null(b);
    assert_null(book()); /* one process alone has the folder */
    assert_non_null(strstr(fault.text, "another process"));
    struct witness_answer answer = witness_book_take(b, &arena, submission_of(0, 5), 1679315147);
    assert_int_equal(answer.status, 200);
    struct bytes note = log_sample_note(&arena, &sample, 5), cosigned;
    assert_true(cosign_add(&arena, note, answer.body, &cosigned));
    assert_true(cosign_verify(&arena, cosigned, &sample.witness, &time));
    assert_int_equal(time, 1679315147);
    witness_book_close(b);
    b = book();
    answer = witness_book_take(b, &arena, submission_of(0, SAMPLE_ENTRIES), 0);
    assert_int_equal(answer.status, 409);
    assert_true(answer.size);
    assert_bytes_equal(answer.body, BYTES_LIT("5\n"));
    assert_int_equal(status(b, submission_of(5, SAMPLE_ENTRIES)), 200);
    assert_int_equal(status(b, submission_of(5, 7)), 409); /* shorter than what is known */
    assert_int_equal(status(b, submission_of(SAMPLE_ENTRIES, SAMPLE_ENTRIES)), 200);
    assert_true(note_text(note, &text));
    witness_book_close(b);
}

static const char *file(const char *end)
{
    const char *name = arena_string(&arena, hex_encode(&arena, sha256_of(&arena, sample.key.name)));

    return arena_printf(&arena, "%s/%s%s", folder, name, end);
}

static void no_fork_is_cosigned(void **state)
{
    (void)state;
    struct witness_book *b = book();
    assert_int_equal(status(b, submission_of(0, 5)), 200);
    struct merkle_hash third = sample.leaves[2];
    sample.leaves[2].v[0] ^= 1; /* history was rewritten, and signed */
    assert_false(witness_book_take(b, &arena, submission_of(5, SAMPLE_ENTRIES), 0).told);
    assert_true(witness_book_take(b, &arena, submission_of(5, SAMPLE_ENTRIES), 0).told);
    assert_int_equal(status(b, submission_of(5, SAMPLE_ENTRIES)), 422);
    struct witness_answer answer = witness_book_take(b, &arena, submission_of(5, 5), 0);
    assert_int_equal(answer.status, 409);
    assert_true(answer.fork && !answer.told);
    assert_int_equal(answer.lost.n, 0);
    assert_int_equal(access(file(".5.fork"), F_OK), 0);
    assert_true(witness_book_take(b, &arena, submission_of(5, 5), 0).told);
    assert_int_equal(status(b, submission_of(0, 7)), 409);
    sample.leaves[2] = third;
    assert_int_equal(status(b, submission_of(5, 7)), 200);
    witness_book_close(b);
}

static void who_signed_it_is_asked_first(void **state)
{
    struct submission s = {.note = log_sample_renamed(&arena, &sample, 5)};

    (void)state;
    struct witness_book *b = book();
    assert_int_equal(status(b, submission_write(&arena, &s)), 403);
    sample.seed[0] = 7;
    assert_int_equal(status(b, submission_of(0, 5)), 403);
    sample.seed[0] = 1;
    sample.key.name = BYTES_LIT("elsewhere.example/log");
    struct bytes stranger = submission_of(0, 5);
    sample.key.name = BYTES_LIT("node-1.example/log");
    assert_int_equal(status(b, stranger), 404);
    assert_int_equal(status(b, BYTES_LIT("old 0\n\nno checkpoint\n")), 400);
    assert_int_equal(status(b, submission_of(0, 0)), 200);
    witness_book_close(b);
}

static void a_folder_of_another_key_is_refused(void **state)
{
    (void)state;
    struct witness_book *b = book();
    assert_int_equal(status(b, submission_of(0, 5)), 200);
    witness_book_close(b);
    sample.witness_seed[0] = 77;
    assert_true(ed25519_public(sample.witness_seed, sample.witness.key));
    assert_null(book());
    assert_non_null(strstr(fault.text, "another witness's key"));
    sample.witness_seed[0] = 9;
    assert_true(ed25519_public(sample.witness_seed, sample.witness.key));
    struct log_key twice[] = {sample.key, sample.key};
    fault = (struct fault){0};
    assert_null(witness_book_open(folder, &sample.witness, sample.witness_seed, twice, 2, &fault));
}

static void a_lost_folder_is_not_begun_anew(void **state)
{
    uint64_t was;

    (void)state;
    struct witness_book *b = book();
    assert_int_equal(status(b, submission_of(0, 5)), 200);
    witness_book_close(b);
    fault = (struct fault){0};
    assert_false(witness_book_begin(folder, &sample.witness, &sample.key, 1, &fault)); /* as long as it is there */
    assert_non_null(strstr(fault.text, "begun before"));
    const char *mark = arena_printf(&arena, "%s/key", folder), *aside = arena_printf(&arena, "%s/aside", folder);
    assert_int_equal(rename(mark, aside),
                     0); /* a file that was deleted, or the folder below a volume that is not there */
    assert_null(book());
    assert_non_null(strstr(fault.text, "not the folder"));
    fault = (struct fault){0};
    assert_false(witness_book_list(folder, &sample.witness, NULL, NULL, &fault));
    assert_false(witness_book_forget(folder, &sample.witness, sample.key.name, &was, &fault));
    assert_false(witness_book_admit(folder, &sample.witness, sample.key.name, &fault));
    assert_int_equal(rename(aside, mark), 0);
    const char *slip = arena_printf(&arena, "%s/slip", folder);
    assert_null(witness_book_open(slip, &sample.witness, sample.witness_seed, &sample.key, 1, &fault));
    assert_int_equal(access(slip, F_OK), -1); /* nothing was made */
    b = book();
    assert_non_null(b);
    witness_book_close(b);
}

static void a_lost_file_is_not_a_new_log(void **state)
{
    (void)state;
    assert_int_equal(access(file(".new"), F_OK), 0);
    struct witness_book *b = book();
    assert_int_equal(status(b, submission_of(0, 5)), 200);
    witness_book_close(b);
    assert_int_equal(access(file(".new"), F_OK), -1);
    fault = (struct fault){0};
    assert_false(witness_book_admit(folder, &sample.witness, sample.key.name, &fault)); /* it is known */
    assert_int_equal(unlink(file("")), 0);
    assert_null(book());
    assert_non_null(strstr(fault.text, "its file is lost"));
    assert_true(witness_book_admit(folder, &sample.witness, sample.key.name, &fault));
    assert_false(witness_book_admit(folder, &sample.witness, sample.key.name, &fault));
    b = book();
    assert_int_equal(status(b, submission_of(0, 3)), 200);
    witness_book_close(b);
}

static void a_log_that_was_both_is_the_one_that_was_cosigned(void **state)
{
    (void)state;
    struct witness_book *b = book();
    assert_int_equal(status(b, submission_of(0, 5)), 200);
    witness_book_close(b);
    FILE *f = fopen(file(".new"), "w"); /* it ended between the two */
    assert_non_null(f);
    fclose(f);
    b = book();
    assert_int_equal(status(b, submission_of(0, 3)), 409);
    assert_int_equal(access(file(".new"), F_OK), -1);
    witness_book_close(b);
}

static void count_seen(void *context, const struct checkpoint *c, int64_t time)
{
    assert_int_equal(c->size, 5);
    assert_int_equal(time, 1679315147);
    ++*(int *)context;
}

static void a_log_is_forgotten_by_name(void **state)
{
    uint64_t was = 0;
    int seen = 0;

    (void)state;
    struct witness_book *b = book();
    assert_int_equal(status(b, submission_of(0, 5)), 200);
    assert_true(witness_book_list(folder, &sample.witness, count_seen, &seen, &fault));
    assert_int_equal(seen, 1);
    assert_false(witness_book_forget(folder, &sample.witness, sample.key.name, &was, &fault)); /* it runs */
    witness_book_close(b);
    fault = (struct fault){0};
    assert_false(witness_book_forget(folder, &sample.witness, BYTES_LIT("elsewhere"), &was, &fault));
    assert_true(witness_book_forget(folder, &sample.witness, sample.key.name, &was, &fault));
    assert_int_equal(was, 5);
    b = book();
    assert_int_equal(status(b, submission_of(0, 3)), 200);
    witness_book_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(submissions_have_one_form, begin, tear_down),
        cmocka_unit_test_setup_teardown(sizes_have_one_form, begin, tear_down),
        cmocka_unit_test_setup_teardown(what_was_cosigned_outlives_the_process, begin_book, end_book),
        cmocka_unit_test_setup_teardown(no_fork_is_cosigned, begin_book, end_book),
        cmocka_unit_test_setup_teardown(who_signed_it_is_asked_first, begin_book, end_book),
        cmocka_unit_test_setup_teardown(a_folder_of_another_key_is_refused, begin_book, end_book),
        cmocka_unit_test_setup_teardown(a_lost_folder_is_not_begun_anew, begin_book, end_book),
        cmocka_unit_test_setup_teardown(a_lost_file_is_not_a_new_log, begin_book, end_book),
        cmocka_unit_test_setup_teardown(a_log_that_was_both_is_the_one_that_was_cosigned, begin_book, end_book),
        cmocka_unit_test_setup_teardown(a_log_is_forgotten_by_name, begin_book, end_book),
    };
    return cmocka_run_group_tests_name("witness", tests, NULL, NULL);
}
