/* A decision on record comes out again from its inputs, and each input that differs is named. */
#include "arena_test.h"

#include "base/text.h"
#include "replay_sample.h"

static struct replay_sample sample;

static int begin(void **state)
{
    int failed = set_up(state);

    return failed || !replay_sample_make(&arena, &sample);
}

static const char *verdict(void)
{
    const char *refused = replay_sample_judge(&arena, &sample, replay_sample_record(&arena, &sample.decision));

    return refused ? refused : "accepted";
}

/* With this in the place of an input, and back again. */
static const char *with(struct bytes *input, struct bytes other)
{
    struct bytes mine = *input;

    *input = other;
    const char *found = verdict();
    *input = mine;
    return found;
}

static struct bytes longer(struct bytes b)
{
    struct writer w = wr_open(&arena);

    wr_put(&w, b);
    wr_u8(&w, ' ');
    return wr_done(&w);
}

/* The payload with the first of a byte changed that stands behind this. */
static struct bytes changed(struct bytes b, const char *behind, char to)
{
    uint8_t *copy = arena_alloc(&arena, b.n), *at;

    memcpy(copy, b.p, b.n);
    at = memmem(copy, b.n, behind, strlen(behind));
    assert_non_null(at);
    at[strlen(behind)] = (uint8_t)to;
    return bytes_make(copy, b.n);
}

static void each_input_is_named(void **state)
{
    (void)state;
    assert_string_equal(verdict(), "accepted");
    assert_string_equal(with(&sample.request, longer(sample.request)), "log.replay.evidence");
    assert_string_equal(with(&sample.settings, longer(sample.settings)), "log.replay.settings");
    assert_string_equal(with(&sample.settings, BYTES_NONE), "log.replay.settings");
    assert_string_equal(with(&sample.policy, longer(sample.policy)), "log.replay.policy");
    assert_string_equal(with(&sample.policy, BYTES_NONE), "log.replay.policy"); /* the default one */
    assert_string_equal(with(&sample.made.tcb_info, BYTES_NONE), "log.replay.endorsements");
    assert_string_equal(with(&sample.made.tcb_info, longer(sample.made.tcb_info)), "log.replay.endorsements");
}

static void each_token_is_held_to_the_record(void **state)
{
    struct bytes payload = sample.payload;

    (void)state;
    assert_string_equal(with(&sample.payload, changed(payload, "\"iss\":\"https://", 'R')), "log.replay.provider");
    assert_string_equal(with(&sample.payload, changed(payload, "\"jti\":\"", '4')), "log.replay.evidence");
    assert_string_equal(with(&sample.payload, changed(payload, "\"exp\":", '9')), "log.replay.outcome");
    assert_string_equal(with(&sample.payload, longer(payload)), "log.replay.outcome");
    assert_string_equal(with(&sample.payload, BYTES_LIT("[]")), "log.replay.provider");
    assert_string_equal(with(&sample.payload, BYTES_LIT("{\"iss\":\"https://exchange.example\"}")),
                        "log.replay.evidence");
    assert_string_equal(with(&sample.payload, BYTES_LIT("{\"iss\":\"https://exchange.example\",\"jti\":\"30\"}")),
                        "log.replay.evidence");
}

static void every_byte_of_a_record_counts(void **state)
{
    struct bytes core = decision_core(&arena, &sample.decision);
    uint8_t *copy = arena_alloc(&arena, core.n);

    (void)state;
    for (size_t i = 0; i < core.n; i++) {
        memcpy(copy, core.p, core.n);
        copy[i] ^= (uint8_t)(1 << i % 8);
        struct bytes record = decision_record(&arena, bytes_make(copy, core.n), BYTES_LIT("request-1"));
        if (!replay_sample_judge(&arena, &sample, record))
            fail_msg("accepted with byte %zu changed", i);
    }
    assert_string_equal(replay_sample_judge(&arena, &sample, core), "log.record.shape");
}

static void a_refusal_is_no_token(void **state)
{
    (void)state;
    sample.decision.verdict = DECISION_REFUSED;
    assert_string_equal(verdict(), "log.replay.outcome");
}

/* Whoever signed the policy stands in the token, in the order in which he wrote his key. */
static void a_signed_policy(void **state)
{
    const struct json *signer;

    (void)state;
    assert_true(json_parse(&arena, BYTES_LIT("{\"kty\":\"RSA\",\"x5c\":[\"MIIB\",\"AA==\"],\"alg\":\"RS256\"}"), NULL,
                           &signer, NULL));
    assert_true(replay_sample_of(&arena, SIMULATE_SGX, signer, &sample));
    assert_non_null(memmem(sample.payload.p, sample.payload.n, "x-ms-policy-signer", 18));
    assert_string_equal(verdict(), "accepted");
    assert_string_equal(with(&sample.payload, changed(sample.payload, "\"x5c\":[\"", 'N')), "log.replay.outcome");
}

/* Requests whose context the service alone can open, with an enclave's report or without; the challenge is believed, and no more. */
static void requests_of_tpms(void **state)
{
    static const enum simulate_kind kinds[] = {SIMULATE_TPM_REQUEST, SIMULATE_VBS};

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        assert_true(replay_sample_of(&arena, kinds[i], NULL, &sample));
        assert_string_equal(verdict(), "accepted");
        assert_string_equal(with(&sample.request, longer(sample.request)), "log.replay.evidence");
        assert_string_equal(with(&sample.payload, changed(sample.payload, "\"iat\":", '9')), "log.replay.outcome");
        assert_string_equal(with(&sample.policy, BYTES_NONE), "log.replay.policy");
    }
}

/* Encrypted for one key, opened with the other half of it alone, and only as it was. */
static void kept_inputs_are_for_one_key(void **state)
{
    static const enum key_kind kinds[] = {KEY_RSA, KEY_P256, KEY_P384};
    const struct kept_inputs inputs = {BYTES_LIT("a request"), BYTES_LIT("claims"), BYTES_LIT("a policy")};
    struct bytes content = write_kept_inputs(&arena, &inputs);

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct bytes spki, sealed, opened;
        struct fault fault = {0};
        struct cms_key *key = replay_sample_key(&arena, kinds[i], &spki);

        assert_non_null(key);
        assert_true(cms_seal(&arena, spki, content, &sealed, &fault));
        assert_null(memmem(sealed.p, sealed.n, "a request", 9));
        assert_true(cms_open(&arena, key, sealed, &opened, &fault));
        assert_bytes_equal(opened, content);
        uint8_t *copy = arena_alloc(&arena, sealed.n);
        for (size_t k = 0; k < sealed.n; k += 7) {
            memcpy(copy, sealed.p, sealed.n);
            copy[k] ^= 4;
            bool ok = cms_open(&arena, key, bytes_make(copy, sealed.n), &opened, &fault);
            if (ok && !bytes_equal(opened, content))
                fail_msg("other content with byte %zu of %zu changed", k, sealed.n);
        }
        assert_false(cms_open(&arena, key, bytes_first(sealed, sealed.n - 1), &opened, &fault));
        assert_false(cms_open(&arena, key, longer(sealed), &opened, &fault));
        assert_false(cms_open(&arena, key, BYTES_NONE, &opened, &fault));
        cms_key_free(key);
    }
}

static void kept_inputs_are_read(void **state)
{
    struct replay r = {.arena = &arena, .trace = trace_new(&arena)};
    const struct kept_inputs inputs = {BYTES_LIT("a request"), BYTES_LIT("claims"), BYTES_LIT("a policy")};
    struct bytes content = write_kept_inputs(&arena, &inputs), spki, sealed;
    struct cms_key *key = replay_sample_key(&arena, KEY_P256, &spki);
    struct kept_inputs found;

    (void)state;
    assert_true(cms_seal(&arena, spki, content, &sealed, NULL));
    assert_true(replay_open_kept(&r, key, sealed));
    assert_bytes_equal(r.request, inputs.request);
    assert_bytes_equal(r.payload, inputs.payload);
    assert_bytes_equal(r.policy, inputs.policy);
    assert_true(cms_seal(&arena, spki, longer(content), &sealed, NULL));
    assert_false(replay_open_kept(&r, key, sealed));
    assert_string_equal(check_table[trace_failure(r.trace)->id].id, "log.kept.shape");
    for (size_t i = 0; i < content.n; i++)
        assert_false(read_kept_inputs(bytes_first(content, i), &found));
    cms_key_free(key);
    assert_false(cms_seal(&arena, BYTES_LIT("no key"), content, &sealed, NULL));
    assert_null(cms_key_read(BYTES_LIT("no key"), NULL));
    assert_string_equal(replay_sample_other_key(&arena), "log.kept.open");
}

static void each_check_refuses_alone(void **state)
{
    const char *found;

    (void)state;
    for (unsigned row = 0; row < CHECK_COUNT; row++)
        if (bytes_begin(bytes_text(check_table[row].id), "log.replay.")) {
            assert_true(replay_sample_try(&arena, (enum check_id)row, &found));
            assert_string_equal(found, check_table[row].id);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_input_is_named, begin, tear_down),
        cmocka_unit_test_setup_teardown(each_token_is_held_to_the_record, begin, tear_down),
        cmocka_unit_test_setup_teardown(every_byte_of_a_record_counts, begin, tear_down),
        cmocka_unit_test_setup_teardown(a_refusal_is_no_token, begin, tear_down),
        cmocka_unit_test_setup_teardown(a_signed_policy, begin, tear_down),
        cmocka_unit_test_setup_teardown(requests_of_tpms, begin, tear_down),
        cmocka_unit_test_setup_teardown(kept_inputs_are_for_one_key, begin, tear_down),
        cmocka_unit_test_setup_teardown(kept_inputs_are_read, begin, tear_down),
        cmocka_unit_test_setup_teardown(each_check_refuses_alone, begin, tear_down),
    };

    return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
