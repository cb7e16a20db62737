/* A log of a million records in the folder that is given: what a record costs, what a proof of one costs and its verdict. Beside
 * them the SHA-256 of two hashes, of which a proof needs forty. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "merkle/append.h"
#include "merkle/proof.h"

enum { RECORDS = 1000000, AT_ONCE = 1000, RECORD = 340 /* bytes: as one of a decision */, PROOFS = 2000 };

static struct fault fault;

static _Noreturn void end(const char *what)
{
    fprintf(stderr, "bench_log: %s: %s\n", what, fault.text);
    exit(EXIT_FAILURE);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void figure(const char *name, double value, const char *unit)
{
    printf("%s\t%.3f\t%s\n", name, value, unit);
}

static void make_record(uint64_t i, uint8_t out[RECORD])
{
    memset(out, 0, RECORD);
    memcpy(out, &i, sizeof i);
}

static void grow(const char *folder, struct checkpoint *c)
{
    static uint8_t records[AT_ONCE][RECORD];
    struct log_append *l = log_append_open(folder, BYTES_LIT("bench"), false, &fault);
    struct bytes views[AT_ONCE];
    struct merkle_path growth;
    size_t added;

    if (!l)
        end("open");
    double begin = now();
    for (uint64_t i = 0; i < RECORDS; i += AT_ONCE) {
        for (size_t k = 0; k < AT_ONCE; k++) {
            make_record(i + k, records[k]);
            views[k] = BYTES_OF(records[k]);
        }
        if (!log_append_add(l, views, AT_ONCE, &added, &fault))
            end("add");
    }
    figure("log.append.us", (now() - begin) / RECORDS * 1e6, "us");
    if (!log_append_settle(l, 0, c, &growth, &fault))
        end("settle");
    log_append_close(l);
}

/* Each with a reader of its own, as a proof that somebody asks for. */
static double prove(const char *folder, const struct checkpoint *c, uint64_t index, struct merkle_path *path)
{
    struct log_reader r = {.read = log_folder_read, .context = (void *)(uintptr_t)folder, .size = c->size};
    double begin = now();

    log_reader_open(&r);
    const struct merkle_source source = log_reader_source(&r);
    bool ok = merkle_prove_inclusion(&source, index, c->size, path, &fault);
    log_reader_free(&r);
    if (!ok)
        end("prove");
    return now() - begin;
}

int main(int argc, char **argv)
{
    struct checkpoint c;
    double proving = 0, judging = 0;

    if (argc != 2)
        end("usage: bench_log FOLDER");
    grow(argv[1], &c);
    for (uint64_t i = 0; i < PROOFS; i++) {
        uint64_t index = i * 7919 * 131 % RECORDS;
        uint8_t record[RECORD];
        struct merkle_path path;
        struct merkle_hash leaf;

        proving += prove(argv[1], &c, index, &path);
        make_record(index, record);
        double begin = now();
        merkle_leaf(BYTES_OF(record), &leaf);
        if (!merkle_included(&leaf, index, c.size, &path, &c.root))
            end("a proof does not hold");
        judging += now() - begin;
    }
    figure("log.prove.us", proving / PROOFS * 1e6, "us");
    figure("log.judge.us", judging / PROOFS * 1e6, "us");
    return EXIT_SUCCESS;
}
