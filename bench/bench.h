/* Shared by the files of the benchmark. */
#ifndef ASSAY_BENCH_BENCH_H
#define ASSAY_BENCH_BENCH_H

#include "core/core.h"
#include "simulate/simulate.h"

/* CPU seconds of this thread. */
double cpu_now(void);
void print_figure(const char *name, double value, const char *unit);
/* Appraisals per second with frames fed directly to pairs, one and two, over what bare cryptography gains from a second core. */
void bench_pairs(const char *folder, const struct simulated *made);

#endif
