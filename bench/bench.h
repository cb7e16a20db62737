/* Shared by the files of the benchmark. */
#ifndef ASSAY_BENCH_BENCH_H
#define ASSAY_BENCH_BENCH_H

#include "core/core.h"
#include "crypto/sign.h"
#include "simulate/simulate.h"

/* CPU seconds of this thread. */
double cpu_now(void);
void print_figure(const char *name, double value, const char *unit);
void failed(const char *what); /* ends the program */

/* One thing to measure: run it once. */
typedef void unit_of_work(void *context);
enum { KINDS_MOST = 8, BENCH_MEMORY = 512 * 1024 * 1024 };
/* Median over rounds, of `each` runs, of the CPU microseconds of each kind; the kinds alternate, so that a busy machine hits
 * all alike. */
void measure(unit_of_work *const *work, void *const *context, size_t kinds, int each, double *microseconds);

/* One kind of evidence on its way from request body to signed token, of one platform again and again. */
typedef bool pipeline_decode(struct exam *x, const struct simulated *made);
struct pipeline {
    const struct attester *attester;
    pipeline_decode *decode;
    struct arena request, kept; /* of one appraisal; of the whole run */
    struct simulated made;
    struct endorsements *endorsements;
    struct cache *cache;
    struct signing_key *key;
    struct provider provider;
    struct snapshot snapshot;
    struct mint mint;
};
enum { BENCH_ENTROPY = 64, FIRST_SEEN = 60 /* runs */ };
void pipeline_open(struct pipeline *p, const struct simulate_options *options, pipeline_decode *decode);
void pipeline_close(struct pipeline *p);
/* Units of work over a struct pipeline: decode and verify, all that can be known known; the whole; its RS256 signature alone. */
void pipeline_verify(void *pipeline);
void pipeline_attest(void *pipeline);
void pipeline_sign(void *pipeline);
/* CPU microseconds of the whole for a platform never seen before: what is kept under this key is forgotten each time. */
double pipeline_first_seen(struct pipeline *p, const char *kind, const struct bytes *parts, size_t count);

/* SEV-SNP: the same figures as of SGX, and P-384 by both back ends. */
void bench_snp(void);
/* Azure guests and machines with a TPM, whose boot log has 64 KB: beside the signatures, what hashing the log costs. */
void bench_tpm(void);
/* What policies cost: the longest of the corpus (NULL: none at hand), and how the cost grows with rules and claims. */
void bench_policies(const char *shared);
/* Appraisals per second with frames fed directly to pairs, one and two, over what bare cryptography gains from a second core. */
void bench_pairs(const char *folder, const struct simulated *made);

#endif
