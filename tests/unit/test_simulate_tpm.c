/* Our own TPM, and the boots that it goes through: its quotes and certifications hold, the logs replay to its registers, by the
 * same rules as real ones; and where it lies, the check that is there for it refuses. */
#include "arena_test.h"

#include "evidence/parts/measured.h"
#include "evidence/parts/tpm_verify.h"
#include "simulate/boot_log.h"
#include "simulate/tpm_platform.h"

static struct tpm_platform platform;
static struct simulated made;
static struct settings settings;
static const struct bytes nonce = BYTES_LIT("a nonce");

static void boot(const struct simulate_options *o)
{
    struct fault fault = {0};

    made = (struct simulated){.options = *o, .time = 1767225600};
    settings = SETTINGS_DEFAULT;
    if (!tpm_platform_open(&platform, &arena, &made, &fault) || !tpm_platform_boot(&platform))
        fail_msg("%s", fault.text);
}

static void shut_down(void)
{
    tpm_platform_close(&platform);
    arena_reset(&arena);
}

static struct exam exam(void)
{
    return (struct exam){.arena = &arena, .trace = trace_new(&arena), .settings = &settings};
}

/* What the TPM's registers hold, by bank. */
static struct tpm_pcrs registers(void)
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
static bool judged(struct exam *x)
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

static bool certified(struct exam *x)
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

static const char *failed_id(const struct exam *x)
{
    const struct trace_entry *f = trace_failure(x->trace);

    return f ? check_table[f->id].id : "none";
}

static const char *const keys[] = {"rsassa", "rsapss", "ecdsa"}, *const systems[] = {"windows", "linux"};

static void every_key_quotes_every_boot(void **state)
{
    static const char *const variations[] = {NULL, "locality-3", "secure-boot-off"};
    struct exam x;

    (void)state;
    for (size_t k = 0; k < 3; k++)
        for (size_t s = 0; s < 2; s++) {
            boot(&(struct simulate_options){
                .kind = SIMULATE_TPM, .seed = 1, .ak = keys[k], .os = systems[s], .variation = variations[k]});
            if (!judged(&x))
                fail_msg("%s, %s: %s", keys[k], systems[s], arena_string(&arena, trace_message(x.trace, &arena)));
            if (!certified(&x))
                fail_msg("%s: %s", keys[k], arena_string(&arena, trace_message(x.trace, &arena)));
            shut_down();
        }
}

static void logs_grow_as_asked(void **state)
{
    struct exam x;

    (void)state;
    for (size_t s = 0; s < 2; s++) {
        boot(&(struct simulate_options){.kind = SIMULATE_TPM, .seed = 1, .os = systems[s], .log_size = 64 * 1024});
        assert_in_range(platform.log.n, 64 * 1024, 66 * 1024);
        assert_true(judged(&x));
        shut_down();
    }
}

static void one_seed_makes_one_quote(void **state)
{
    struct simulate_options o = {.kind = SIMULATE_TPM, .seed = 7, .ak = "ecdsa"};
    struct bytes first, again;

    (void)state;
    boot(&o);
    assert_true(tpm_attestation(&platform, nonce, &first));
    tpm_platform_close(&platform);
    boot(&o);
    assert_true(tpm_attestation(&platform, nonce, &again));
    assert_bytes_equal(first, again);
    shut_down();
}

static void lies_are_refused(void **state)
{
    static const char *const quotes[] = {
        "tpm.quote.shape",       "tpm.quote.magic",       "tpm.quote.type",
        "tpm.quote.signature",   "tpm.quote.nonce",       "tpm.quote.signature_shape",
        "tpm.quote.selection",   "tpm.quote.pcrs",        "tpm.quote.signature:changed",
        "boot.log.shape",        "boot.log.replay",       "boot.log.replay:changed",
        "boot.log.replay:twice", "boot.log.replay:untold"};
    static const char *const certifications[] = {
        "tpm.certify.shape",     "tpm.certify.magic", "tpm.certify.type", "tpm.certify.signature_shape",
        "tpm.certify.signature", "tpm.certify.nonce", "tpm.certify.name"};
    struct exam x;

    (void)state;
    for (size_t i = 0; i < sizeof quotes / sizeof *quotes; i++) {
        boot(&(struct simulate_options){.kind = SIMULATE_TPM, .seed = 1, .fault = quotes[i]});
        assert_false(judged(&x));
        assert_memory_equal(failed_id(&x), quotes[i], strcspn(quotes[i], ":"));
        shut_down();
    }
    for (size_t i = 0; i < sizeof certifications / sizeof *certifications; i++) {
        boot(&(struct simulate_options){.kind = SIMULATE_TPM, .seed = 1, .fault = certifications[i]});
        assert_false(certified(&x));
        assert_string_equal(failed_id(&x), certifications[i]);
        shut_down();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_quotes_every_boot),
        cmocka_unit_test(logs_grow_as_asked),
        cmocka_unit_test(one_seed_makes_one_quote),
        cmocka_unit_test(lies_are_refused),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
