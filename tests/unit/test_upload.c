/* Uploads of policies and certificates: who may sign what, in which form, and which check says why not. */
#include "arena_test.h"

#include "manage_upload.h"

static struct simulated_upload made(const struct simulate_upload_options *options)
{
    struct simulated_upload u;
    struct fault fault = {0};

    if (!simulate_upload(&arena, options, &u, &fault))
        fail_msg("%s", fault.text);
    return u;
}

static void each_fault_by_its_own_check(void **state)
{
    (void)state;
    const struct simulate_upload_fault *f;

    for (size_t i = 0; (f = simulate_upload_fault_at(i)) != NULL; i++) {
        struct simulated_upload u = made(&(struct simulate_upload_options){.fault = f->name});
        const char *refused = upload_judge(&arena, &u);

        if (!refused || strcmp(refused, check_table[simulate_upload_fault_check(f)].id) != 0)
            fail_msg("%s: %s", f->name, refused ? refused : "accepted");
    }
}

static void each_row_has_its_fault(void **state)
{
    (void)state;
    const struct simulate_upload_fault *f;

    for (int id = 0; id < CHECK_COUNT; id++) {
        bool found =
            strncmp(check_table[id].id, "upload.", 7) != 0 && strncmp(check_table[id].id, "policy_token.", 13) != 0;

        for (size_t i = 0; (f = simulate_upload_fault_at(i)) != NULL; i++)
            found |= simulate_upload_fault_check(f) == (enum check_id)id;
        if (!found)
            fail_msg("%s has no simulated fault", check_table[id].id);
    }
}

/* What a provider of each trust model takes (api.md 3.4, 3.5, 3.8). */
static void who_may_sign(void **state)
{
    (void)state;
    static const bool taken[2][4] = {
        [false] =
            {[SIMULATE_CHAIN] = true, [SIMULATE_SELF_SIGNED] = true, [SIMULATE_JWK] = true, [SIMULATE_UNSIGNED] = true},
        [true] = {[SIMULATE_CHAIN] = true, [SIMULATE_SELF_SIGNED] = true}};

    for (int operation = SIMULATE_POLICY; operation <= SIMULATE_PUT_IN_FORCE; operation++)
        for (int signer = SIMULATE_CHAIN; signer <= SIMULATE_UNSIGNED; signer++)
            for (int isolated = operation == SIMULATE_CERTIFICATE; isolated < 2; isolated++) {
                struct simulated_upload u =
                    made(&(struct simulate_upload_options){.operation = (enum simulate_operation)operation,
                                                           .signer = (enum simulate_signer)signer,
                                                           .isolated = isolated});
                struct answer answer = {0};
                struct changes changes = {0};

                upload_send(&arena, &u, u.jws, &answer, &changes);
                if ((answer.status == 200) != taken[isolated][signer])
                    fail_msg("operation %d, signer %d, isolated %d: %s", operation, signer, isolated,
                             answer.failed_check ? answer.failed_check : "accepted");
            }
}

static void in_every_encoding(void **state)
{
    (void)state;
    struct simulated_upload policy = made(&(struct simulate_upload_options){0});
    struct simulated_upload certificate =
        made(&(struct simulate_upload_options){.operation = SIMULATE_CERTIFICATE, .isolated = true});
    const char *jws = arena_string(&arena, policy.jws), *other = arena_string(&arena, certificate.jws);
    const struct {
        const struct simulated_upload *upload;
        const char *body;
        bool taken;
    } bodies[] = {
        {&policy, jws, true},
        {&policy, arena_printf(&arena, "\r\n %s\n", jws), true},
        {&policy, arena_printf(&arena, "\"%s\"", jws), true},
        {&policy, arena_printf(&arena, "\"\\u0065%s\"", jws + 1), true},
        {&policy, arena_printf(&arena, "{\"policyCertificateToAdd\":\"%s\"}", jws), false},
        {&certificate, arena_printf(&arena, "\"%s\"", other), true},
        {&certificate, arena_printf(&arena, "{\"PolicyCertificateToAdd\":\"%s\"}", other), true},
        {&certificate, arena_printf(&arena, "{\"policyCertificateToRemove\":\"%s\"}", other), false},
    };

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct answer answer = {0};
        struct changes changes = {0};

        upload_send(&arena, bodies[i].upload, bytes_text(bodies[i].body), &answer, &changes);
        assert_int_equal(answer.status, bodies[i].taken ? 200 : 400);
        if (!bodies[i].taken)
            assert_string_equal(answer.failed_check, "upload.body");
    }
}

/* The dates of an anchor are not judged: a tenant whose only certificate ran out could change nothing again. */
static void anchors_may_be_out_of_date(void **state)
{
    (void)state;
    enum { LATER = 1900000000 };

    for (int isolated = 0; isolated < 2; isolated++)
        for (int signer = SIMULATE_CHAIN; signer <= SIMULATE_SELF_SIGNED; signer++) {
            struct simulated_upload u =
                made(&(struct simulate_upload_options){.signer = (enum simulate_signer)signer, .isolated = isolated});

            u.options.time = LATER;
            const char *refused = upload_judge(&arena, &u);
            if (signer == SIMULATE_CHAIN)
                assert_string_equal(refused, "upload.dates");
            else
                assert_null(refused);
        }
}

static void callers_are_told_what_clients_know(void **state)
{
    (void)state;
    static const struct {
        const char *fault, *code, *message;
    } known[] = {
        {"upload.signed", "InvalidOperation",
         "Unsigned JWS specified but enclave is configured with signing certificates."},
        {"upload.chain", "InvalidParameter", "Unable to find issuer certificate CN=Tenant authority"},
        {"upload.chain:missing", "InvalidParameter", "Unable to find issuer certificate CN=Tenant authority"},
        {"upload.issuer", "InvalidParameter", "Unable to find issuer certificate CN=Tenant authority"},
        {"upload.dates", "InvalidParameter", "The certificate CN=Policy signer is not in date."},
        {"upload.algorithm", "InvalidOperation", "or alg does not fit that key."},
        {"upload.signature", "InvalidOperation", "or alg does not fit that key."},
        {"upload.signer", "InvalidOperation", "Sign with one that GET /certificates lists."},
        {"upload.policy", "InvalidOperation", "Could not find \\\"AttestationPolicy\\\" claim in policy token"},
        {"upload.policy:base64", "InvalidOperation", "Unknown base64 character: 61 ('=')"},
        {"upload.certificate", "InvalidOperation", "Could not find \\\"policyCertificate\\\" claim in policy token"},
        {"policy_token.jws", "InvalidOperation", "Malformed JWT: the body must be the token"},
        {"policy_token.signature", "InvalidOperation", "The token is not signed by this provider."},
        {"policy_token.claims", "InvalidOperation", "Could not find \\\"aas-policyHash\\\" claim in policy token"},
        {"policy_token.issuer", "InvalidOperation", "The token is another provider's."},
        {"policy_token.fresh", "InvalidOperation", "The token has expired. Call updatepolicy again."},
        {"policy_token.pending", "InvalidOperation", "No policy with this hash waits"},
        {"policy_token.hash", "InvalidOperation", "No policy with this hash waits"},
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct simulated_upload u = made(&(struct simulate_upload_options){.fault = known[i].fault});
        struct answer answer = {0};
        struct changes changes = {0};

        upload_send(&arena, &u, u.jws, &answer, &changes);
        assert_int_equal(answer.status, 400);
        assert_string_equal(answer.code, known[i].code);
        if (!memmem(answer.body.p, answer.body.n, known[i].message, strlen(known[i].message)))
            fail_msg("%s: %.*s", known[i].fault, (int)answer.body.n, (const char *)answer.body.p);
        assert_int_equal(changes.count, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_by_its_own_check),
        cmocka_unit_test(each_row_has_its_fault),
        cmocka_unit_test(who_may_sign),
        cmocka_unit_test(in_every_encoding),
        cmocka_unit_test(anchors_may_be_out_of_date),
        cmocka_unit_test(callers_are_told_what_clients_know),
    };
    return cmocka_run_group_tests_name("upload", tests, set_up, tear_down);
}
