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
    assert_string_equal(with(&sample.payload, BYTES_LIT("{\"iss\":\"https://replay.example\"}")),
                        "log.replay.evidence");
    assert_string_equal(with(&sample.payload, BYTES_LIT("{\"iss\":\"https://replay.example\",\"jti\":\"30\"}")),
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
        cmocka_unit_test_setup_teardown(each_check_refuses_alone, begin, tear_down),
    };

    return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
