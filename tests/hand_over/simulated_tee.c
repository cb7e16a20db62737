/* In place of two functions of assay-sealer, so that keys can go from one node to another on a machine that is no TEE: a simulated
 * platform answers for the hardware, and its root counts beside those of the vendors. All else is the program that is installed. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "agent/hardware.h"
#include "simulate/simulate.h"

enum { SEED = 7, MEMORY = 64 * 1024 * 1024 };

/* What evidence_path may hold, in one word: what runs there. */
static const struct {
    const char *word;
    enum agent_tee tee;
    struct simulate_options options;
} platforms[] = {
    {"sgx", AGENT_TEE_SGX, {.kind = SIMULATE_SGX}},
    {"sgx-otherwise", AGENT_TEE_SGX, {.kind = SIMULATE_SGX, .kss = true}}, /* started with another CONFIGID */
    {"sgx-debug", AGENT_TEE_SGX, {.kind = SIMULATE_SGX, .debug = true}},
    {"sgx-forged", AGENT_TEE_SGX, {.kind = SIMULATE_SGX, .fault = "sgx.quote.signature"}},
    {"tdx", AGENT_TEE_TDX, {.kind = SIMULATE_TDX}},
    {"snp", AGENT_TEE_SNP, {.kind = SIMULATE_SNP}},
};
enum { PLATFORMS = sizeof platforms / sizeof *platforms };

bool __wrap_agent_evidence_ask(enum agent_way way, const char *path, const uint8_t data[AGENT_REPORT_DATA],
                               struct arena *a, struct agent_evidence *out, struct fault *fault);
void __wrap_endorsements_seal(struct endorsements *e);
void __real_endorsements_seal(struct endorsements *e);

/* All of one platform: the keys are those of the seed. */
static bool make(struct arena *a, struct simulate_options options, struct simulated *made, struct fault *fault)
{
    options.seed = SEED;
    options.time = (int64_t)time(NULL);
    return simulate(a, &options, made, fault);
}

bool __wrap_agent_evidence_ask(enum agent_way way, const char *path, const uint8_t data[AGENT_REPORT_DATA],
                               struct arena *a, struct agent_evidence *out, struct fault *fault)
{
    struct simulated made;
    char word[32] = "";
    FILE *f = fopen(path, "r");

    (void)way;
    if (f) {
        if (fscanf(f, "%31s", word) != 1)
            *word = 0;
        fclose(f);
    }
    for (size_t i = 0; i < PLATFORMS; i++)
        if (strcmp(platforms[i].word, word) == 0) {
            struct simulate_options options = platforms[i].options;

            options.report_data = bytes_make(data, AGENT_REPORT_DATA);
            bool ok = make(a, options, &made, fault), snp = platforms[i].tee == AGENT_TEE_SNP;

            *out = (struct agent_evidence){platforms[i].tee, snp ? made.report : made.evidence,
                                           snp ? made.chain : BYTES_NONE};
            return ok;
        }
    return fault_set(fault, FAULT_SYSTEM, "%s: no simulated platform", path);
}

/* What vouches for each kind, and its root. simulate_endorsements seals too: once is enough. */
void __wrap_endorsements_seal(struct endorsements *e)
{
    static const enum simulate_kind kinds[] = {SIMULATE_SGX, SIMULATE_TDX, SIMULATE_SNP};
    static bool within;
    struct fault fault = {0};
    struct arena a;

    if (within)
        return;
    within = true;
    arena_init(&a, MEMORY);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct simulated made;

        if (!make(&a, (struct simulate_options){.kind = kinds[i]}, &made, &fault) ||
            !simulate_endorsements(&made, e, true, &fault)) {
            fprintf(stderr, "simulated_tee: %s\n", fault.text);
            exit(EXIT_FAILURE);
        }
    }
    arena_free(&a);
    __real_endorsements_seal(e);
    within = false;
}
