/* A simulated TPM, ours or a real one, judged by the rules that every attester with a TPM has. For tests that share one arena. */
#ifndef ASSAY_TESTS_SIMULATED_TPM_H
#define ASSAY_TESTS_SIMULATED_TPM_H

#include "arena_test.h"

#include "evidence/parts/measured.h"
#include "evidence/parts/tpm_verify.h"
#include "simulate/boot_log.h"
#include "simulate/tpm_platform.h"

static struct tpm_platform platform;
static struct simulated made;
static struct settings settings;
static const struct bytes nonce = BYTES_LIT("a nonce");

static inline void boot(const struct simulate_options *o)
{
    struct fault fault = {0};

    made = (struct simulated){.options = *o, .time = 1767225600};
    settings = SETTINGS_DEFAULT;
    if (!tpm_platform_open(&platform, &arena, &made, &fault) || !tpm_platform_boot(&platform))
        fail_msg("%s", fault.text);
}

static inline void shut_down(void)
{
    tpm_platform_close(&platform);
    arena_reset(&arena);
}

static inline struct exam exam(void)
{
    return (struct exam){.arena = &arena, .trace = trace_new(&arena), .settings = &settings};
}

/* What the TPM's registers hold, by bank. */
static inline struct tpm_pcrs registers(void)
{
    struct tpm_pcrs out = {.count = SIMULATED_BANKS};
    struct fault fault = {0};

    for (int bank = 0; bank < SIMULATED_BANKS; bank++) {
        out.banks[bank].id = tpm_digest_alg(simulated_banks[bank]);
        out.banks[bank].known = true;
        out.banks[bank].alg = simulated_banks[bank];
        for (unsigned pcr = 0; pcr < SIMULATED_PCRS; pcr++)
            assert_true(platform.tpm.driver->read(&platform.tpm, bank, pcr, &out.banks[bank].value[pcr], &fault));
    }
    return out;
}

/* Quote and logs, as every attester with a TPM judges them. */
static inline bool judged(struct exam *x)
{
    struct simulated_selection all = {{ALL_PCRS, ALL_PCRS, ALL_PCRS}};
    struct simulated_attest quote;
    struct tpm_quote q;
    struct measured m = {.count = 0};
    struct fault fault = {0};

    *x = exam();
    assert_true(platform.tpm.driver->quote(&platform.tpm, &all, nonce, &quote, &fault));
    if (!tpm_quote_decode(x, quote.attest, quote.signature, false, &q))
        return false;
    q.pcrs = registers();
    return tpm_quote_verify(x, &q, &platform.tpm.public[TPM_KEY_AK].key, &nonce, NULL) &&
           measured_add(x, &m, platform.log, false) && (!platform.list.n || measured_add(x, &m, platform.list, true)) &&
           measured_verify(x, &m, &q.attest.selection, &q.pcrs);
}

static inline bool certified(struct exam *x)
{
    struct simulated_attest c;
    struct tpm_certification read;
    struct fault fault = {0};

    *x = exam();
    assert_true(platform.tpm.driver->make_key(&platform.tpm, TPM_KEY_EPHEMERAL, sha256_of(&arena, nonce), &fault) &&
                platform.tpm.driver->certify(&platform.tpm, TPM_KEY_EPHEMERAL, nonce, &c, &fault));
    return tpm_certify_decode(x, c.attest, c.signature, false, platform.tpm.public[TPM_KEY_EPHEMERAL].area, &read) &&
           tpm_certify_verify(x, &read, &platform.tpm.public[TPM_KEY_AK].key, &nonce, NULL);
}

static inline const char *failed_id(const struct exam *x)
{
    const struct trace_entry *f = trace_failure(x->trace);

    return f ? check_table[f->id].id : "none";
}

#endif
