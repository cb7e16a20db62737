/* What SGX and TDX appraisals cost beside the cryptography that nobody can leave out: all in one run, as ratios, a line each:
 * name, value, unit, with tabs between. Usage: bench [CORE-FOLDER], the folder of assay-verifier and assay-signer. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "evidence/tdx.h"

enum { ROUNDS = 9, EACH = 400 };

double cpu_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void print_figure(const char *name, double value, const char *unit)
{
    printf("%s\t%.3f\t%s\n", name, value, unit);
    fflush(stdout);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

void measure(unit_of_work *const *work, void *const *context, size_t kinds, int each, double *microseconds)
{
    double took[KINDS_MOST][ROUNDS];

    for (int round = 0; round < ROUNDS; round++)
        for (size_t k = 0; k < kinds; k++) {
            double began = cpu_now();

            for (int i = 0; i < each; i++)
                work[k](context[k]);
            took[k][round] = (cpu_now() - began) / each * 1e6;
        }
    for (size_t k = 0; k < kinds; k++) {
        qsort(took[k], ROUNDS, sizeof(double), ascending);
        microseconds[k] = took[k][ROUNDS / 2];
    }
}

/* Of Intel's: with the one of its two signatures that is measured by itself. */
struct bench {
    struct pipeline p;
    struct quote quote;
    struct public_key attestation_key;
};

void failed(const char *what)
{
    fprintf(stderr, "bench: %s\n", what);
    exit(EXIT_FAILURE);
}

static void p256_verify(void *context)
{
    struct bench *b = context;
    uint8_t hash[SHA256_SIZE];

    sha256(b->quote.signed_part, hash);
    if (!ecdsa_verify(&b->attestation_key, BYTES_OF(hash), b->quote.signature))
        failed("the simulated quote's signature does not verify");
}

static bool decode_sgx(struct exam *x, const struct simulated *made)
{
    return sgx_decode_quote(x, made->evidence, NULL, NULL);
}

static bool decode_tdx(struct exam *x, const struct simulated *made)
{
    return tdx_decode_file(x, made->evidence, NULL, NULL);
}

/* Its chain is not in the cache, the rest of the world is. */
static double first_seen_microseconds(struct bench *b)
{
    struct bytes pem = bytes_trim_nul(b->quote.certification);

    return pipeline_first_seen(&b->p, "intel pck chain", &pem, 1);
}

static void set_up(struct bench *b, enum simulate_kind kind)
{
    pipeline_open(&b->p, &(struct simulate_options){.kind = kind}, kind == SIMULATE_TDX ? decode_tdx : decode_sgx);
    if (!quote_read(b->p.made.evidence, &b->quote) ||
        !public_key_from_point(b->quote.attestation_key, &b->attestation_key))
        failed("the simulated quote cannot be read");
}

int main(int argc, char **argv)
{
    static struct bench b, td;
    unit_of_work *work[] = {p256_verify,     pipeline_sign,   pipeline_verify,
                            pipeline_attest, pipeline_verify, pipeline_attest};
    void *context[] = {&b, &b.p, &b.p, &b.p, &td.p, &td.p};
    enum { WORKS = sizeof work / sizeof *work };
    double took[WORKS];

    set_up(&b, SIMULATE_SGX);
    set_up(&td, SIMULATE_TDX);
    pipeline_attest(&b.p); /* warm */
    pipeline_attest(&td.p);
    measure(work, context, WORKS, EACH, took);
    print_figure("p256.verify.us", took[0], "us");
    print_figure("rsa2048.sign.us", took[1], "us");
    print_figure("sgx.verify.us", took[2], "us");
    print_figure("sgx.verify.ratio", took[2] / (2 * took[0]), "ratio");
    print_figure("sgx.pipeline.ratio", took[3] / (2 * took[0] + took[1]), "ratio");
    print_figure("sgx.firstseen.ratio", first_seen_microseconds(&b) / took[3], "ratio");
    print_figure("tdx.verify.us", took[4], "us");
    print_figure("tdx.verify.ratio", took[4] / (2 * took[0]), "ratio");
    print_figure("tdx.pipeline.ratio", took[5] / (2 * took[0] + took[1]), "ratio");
    print_figure("tdx.firstseen.ratio", first_seen_microseconds(&td) / took[5], "ratio");
    bench_snp();
    bench_tpm();
    bench_policies(getenv("ASSAY_SHARED"));
    if (argc > 1)
        bench_pairs(argv[1], &b.p.made);
    return EXIT_SUCCESS;
}
