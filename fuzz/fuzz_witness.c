/* What a witness is given, and what it answers: a submission is read in its one form, and nothing is cosigned that the log's key did not
 * sign; an answer is taken from no key but the witness's. */
#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "witness/book.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void remove_folder(const char *folder)
{
    DIR *dir = opendir(folder);

    if (!dir)
        abort();
    for (const struct dirent *e; (e = readdir(dir)) != NULL;)
        if (e->d_name[0] != '.' && unlinkat(dirfd(dir), e->d_name, 0) != 0)
            abort();
    closedir(dir);
    if (rmdir(folder) != 0)
        abort();
}

static struct witness_book *book(void)
{
    static const uint8_t seed[ED25519_SEED] = {9};
    static struct log_key log = {.name = {(const uint8_t *)"node-1", 6}},
                          witness = {.name = {(const uint8_t *)"w", 1}, .cosigns = true};
    static struct witness_book *b;
    static char folder[] = "/tmp/assay-fuzz-witness-XXXXXX";

    if (b)
        return b;
    for (uint8_t i = 0; i < ED25519_PUBLIC; i++)
        log.key[i] = i; /* nobody has its private half */
    if (!mkdtemp(folder) || !ed25519_public(seed, witness.key) ||
        !witness_book_begin(folder, &witness, &log, 1, NULL) ||
        !(b = witness_book_open(folder, &witness, seed, &log, 1, NULL)))
        abort();
    remove_folder(folder); /* nothing is ever cosigned, so nothing is written there */
    return b;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_make(data, size);
    struct submission s;
    struct arena a;
    uint64_t known;

    arena_init(&a, 1u << 26);
    if (submission_read(&a, input, &s) && !bytes_equal(submission_write(&a, &s), input))
        abort();
    if (submission_size_read(input, &known) && known > LOG_SIZE_MOST)
        abort();
    struct witness_answer answer = witness_book_take(book(), &a, input, 0);
    if (answer.status != 400 && answer.status != 403 && answer.status != 404)
        abort();
    arena_free(&a);
    return 0;
}
