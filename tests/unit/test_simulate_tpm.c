/* Our own TPM, and the boots that it goes through: its quotes and certifications hold, the logs replay to its registers, by the
 * same rules as real ones; and where it lies, the check that is there for it refuses. */
#include "simulated_tpm.h"

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
