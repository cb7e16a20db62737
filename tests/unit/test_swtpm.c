/* A real TPM behind the interface of simulated ones: what it quotes, certifies and signs holds, as our own's does. Without swtpm there
 * is nothing to see. */
#include "simulated_tpm.h"

#include "cli/simulate_swtpm.h"

static void it_quotes_every_boot(void **state)
{
    static const char *const systems[] = {"windows", "linux"};
    struct exam x;

    (void)state;
    for (size_t s = 0; s < 2; s++) {
        boot(&(struct simulate_options){.kind = SIMULATE_TPM, .os = systems[s], .tpm = &swtpm_driver});
        if (!judged(&x))
            fail_msg("%s: %s", systems[s], arena_string(&arena, trace_message(x.trace, &arena)));
        if (!certified(&x))
            fail_msg("%s", arena_string(&arena, trace_message(x.trace, &arena)));
        shut_down();
    }
}

static void it_signs_requests(void **state)
{
    struct fault fault = {0};
    struct bytes signature = BYTES_NONE;

    (void)state;
    boot(&(struct simulate_options){.kind = SIMULATE_TPM, .tpm = &swtpm_driver});
    struct simulated_tpm *t = &platform.tpm;
    if (!t->driver->make_key(t, TPM_KEY_REQUEST, BYTES_NONE, &fault) ||
        !t->driver->sign(t, TPM_KEY_REQUEST, nonce, &signature, &fault))
        fail_msg("%s", fault.text);
    assert_true(signature_verify(&t->public[TPM_KEY_REQUEST].key, SIGNATURE_PS256, nonce, signature));
    shut_down();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_quotes_every_boot),
        cmocka_unit_test(it_signs_requests),
    };

    if (!swtpm_installed()) {
        puts("1..0 # SKIP swtpm is not installed");
        return 0;
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
