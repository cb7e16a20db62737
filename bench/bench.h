/* Shared by the files of the benchmark. */
#ifndef ASSAY_BENCH_BENCH_H
#define ASSAY_BENCH_BENCH_H

#include "core/core.h"
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

/* SEV-SNP: the same figures as of SGX, and P-384 by both back ends. */
void bench_snp(void);
/* What policies cost: the longest of the corpus (NULL: none at hand), and how the cost grows with rules and claims. */
void bench_policies(const char *shared);
/* Appraisals per second with frames fed directly to pairs, one and two, over what bare cryptography gains from a second core. */
void bench_pairs(const char *folder, const struct simulated *made);

#endif
