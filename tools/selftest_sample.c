/* Prints src/core/selftest_sample.inc: an Open Enclave report of the simulated platform, with the quote behind its header, a TDX
 * quote, and what vouches for them. The seed makes the same bytes each time, so that a test can compare them with the file. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "simulate/simulate.h"

enum { SEED = 4711, MEMORY = 64 * 1024 * 1024, PER_LINE = 16 };

static void put_array(const char *name, struct bytes b)
{
    printf("\nstatic const uint8_t %s[] = {", name);
    for (size_t i = 0; i < b.n; i++)
        printf("%s0x%02x,", i % PER_LINE ? " " : "\n    ", b.p[i]);
    puts("\n};");
}

int main(void)
{
    const struct simulate_options options = {.kind = SIMULATE_OE_REPORT, .seed = SEED};
    const struct simulate_options td_options = {.kind = SIMULATE_TDX, .seed = SEED}; /* the same platform and root */
    const struct simulate_options snp_options = {.kind = SIMULATE_SNP, .seed = SEED};
    struct fault fault = {0};
    struct simulated made, td, snp;
    struct arena a;

    arena_init(&a, MEMORY);
    if (!simulate(&a, &options, &made, &fault) || !simulate(&a, &td_options, &td, &fault) ||
        !simulate(&a, &snp_options, &snp, &fault)) {
        fprintf(stderr, "selftest-sample: %s\n", fault.text);
        return EXIT_FAILURE;
    }
    puts("/* Made by tools/selftest_sample.c; see core/selftest.h. Its keys are known to all. */");
    printf("static const int64_t sample_time = %" PRId64 ";\n", made.time);
    put_array("sample_report", made.evidence);
    put_array("sample_runtime", made.runtime_data);
    put_array("sample_anchor", BYTES_OF(made.anchor_spki));
    put_array("sample_tcb_info", made.tcb_info);
    put_array("sample_identity", made.identity);
    put_array("sample_root_crl", made.root_crl);
    put_array("sample_pck_crl", made.pck_crl);
    put_array("sample_signing_chain", made.signing_chain);
    put_array("sample_td_quote", td.evidence);
    put_array("sample_td_tcb_info", td.tcb_info);
    put_array("sample_td_identity", td.identity);
    put_array("sample_snp_report", snp.report);
    put_array("sample_snp_chain", snp.chain);
    put_array("sample_snp_anchor", BYTES_OF(snp.anchor_spki));
    put_array("sample_snp_crl", snp.crl);
    arena_free(&a);
    return fflush(stdout) || ferror(stdout);
}
