/* The first exchange of the protocol of TPMs: challenges, and the service contexts that bring them back. */
#include "arena_test.h"

#include "base/text.h"
#include "core/context_key.h"
#include "core/core.h"
#include "crypto/digest.h"
#include "evidence/tpm_challenge.h"
#include "evidence/tpm_request.h"

#define ISSUER "https://mine.example:8443"
#define INIT   "{\"payload\":{\"type\":\"aikcert\"},\"metadata\":{\"os_ver\":\"10.0\"}}"

enum { NOW = 1700000000 };

static const uint8_t sealing[AEAD_KEY_SIZE] = {1, 2, 3}, other_sealing[AEAD_KEY_SIZE] = {1, 2, 4};
static const char entropy[] = "0123456789abcdefghijklmnopqrstuv";

static struct sealer the_sealer(void)
{
    return context_sealer(sealing);
}

static struct exam exam_at(const struct sealer *sealer, const char *issuer, int64_t time)
{
    struct exam x = {.arena = &arena,
                     .trace = trace_new(&arena),
                     .issuer = bytes_text(issuer),
                     .sealer = sealer,
                     .time = time,
                     .entropy = bytes_text(entropy)};

    claims_init(&x.incoming, &arena);
    return x;
}

static struct bytes made_at(const char *issuer, int64_t time)
{
    struct sealer sealer = the_sealer();
    struct exam x = exam_at(&sealer, issuer, time);

    assert_true(challenge_give(&x));
    return challenge_context_of(&arena, x.reply);
}

/* Does it open, and if not, does that very check refuse it? */
static bool opens(struct bytes context, const uint8_t key[AEAD_KEY_SIZE], const char *issuer, int64_t time,
                  struct service_context *out)
{
    struct sealer sealer = context_sealer(key);
    struct exam x = exam_at(&sealer, issuer, time);
    bool ok = challenge_open(&x, context, out);

    assert_int_equal(x.trace->n, 1);
    assert_int_equal(x.trace->entries[0].id, CHECK_ATTREQ_CONTEXT);
    assert_int_equal(x.trace->failed, !ok);
    if (!ok)
        assert_true(out->challenge.n == 0 && out->expires == 0);
    return ok;
}

static void what_was_sealed_comes_back(void **state)
{
    struct service_context c;

    (void)state;
    assert_true(opens(made_at(ISSUER, NOW), sealing, ISSUER, NOW + 10, &c));
    assert_bytes_equal(c.challenge, bytes_make(entropy, CHALLENGE_SIZE));
    assert_int_equal(c.issued, NOW);
    assert_int_equal(c.expires, NOW + CHALLENGE_SECONDS);
}

static void forms_are_the_recorded_ones(void **state)
{
    const struct json *outer, *inner, *context;
    struct sealer sealer = the_sealer();
    struct exam x = exam_at(&sealer, ISSUER, NOW);
    struct bytes text, name;

    (void)state;
    assert_true(challenge_give(&x));
    assert_true(json_parse(&arena, x.reply, NULL, &outer, NULL) && outer->count == 1);
    assert_true(json_text(json_member(outer, "data"), &text) && base64url_decode_strict(&arena, text, &text));
    assert_true(bytes_begin(text, "{\"payload\":{\"challenge\":\"MDEyMzQ1Njc4OWFiY2RlZg\",\"service_context\":\""));
    assert_true(json_parse(&arena, text, NULL, &inner, NULL));
    assert_true(json_parse(&arena, challenge_context_of(&arena, x.reply), NULL, &context, NULL));
    assert_true(bytes_begin(context->span, "{\"ProtectionKeyName\":\""));
    assert_true(json_text(json_member(context, "ProtectionKeyName"), &name) && name.n == 64);
    assert_true(hex_decode(&arena, name, &text));
    assert_bytes_equal(hex_encode_upper(&arena, text), name);
    assert_true(json_text(json_member(context, "ProtectedContext"), &text));
    assert_true(base64url_decode_strict(&arena, text, &text));
    assert_false(memmem(text.p, text.n, entropy, CHALLENGE_SIZE)); /* the challenge is not to be read in it */
}

static void others_cannot_open_it(void **state)
{
    struct service_context c;
    struct bytes mine = made_at(ISSUER, NOW);

    (void)state;
    assert_false(opens(mine, sealing, "https://yours.example:8443", NOW, &c));
    assert_false(opens(mine, other_sealing, ISSUER, NOW, &c));
    assert_false(opens(BYTES_NONE, sealing, ISSUER, NOW, &c));
    assert_false(opens(BYTES_LIT("{}"), sealing, ISSUER, NOW, &c));
    assert_false(
        opens(BYTES_LIT("{\"ProtectionKeyName\":\"A\",\"ProtectedContext\":\"AAAA\"}"), sealing, ISSUER, NOW, &c));
}

/* In text: each character of it changed to each of two others. */
static void any_change_is_refused(void **state)
{
    struct bytes mine = made_at(ISSUER, NOW);
    struct service_context c;

    (void)state;
    for (size_t i = 0; i < mine.n; i++) {
        uint8_t *copy = (uint8_t *)(uintptr_t)arena_copy(&arena, mine).p;

        copy[i] = copy[i] == 'A' ? 'B' : 'A';
        assert_false(opens(bytes_make(copy, mine.n), sealing, ISSUER, NOW, &c));
        assert_false(opens(bytes_first(mine, i), sealing, ISSUER, NOW, &c));
    }
}

static void generations_overlap_by_one(void **state)
{
    int64_t last = NOW - NOW % CONTEXT_GENERATION + CONTEXT_GENERATION - 1; /* the last second of its generation */
    struct bytes old = made_at(ISSUER, last);
    struct service_context c;

    (void)state;
    assert_true(opens(old, sealing, ISSUER, last, &c));
    assert_true(opens(old, sealing, ISSUER, last + 1, &c));
    assert_true(opens(old, sealing, ISSUER, last + CONTEXT_GENERATION, &c)); /* it is over, which another check says */
    assert_int_equal(c.expires, last + CHALLENGE_SECONDS);
    assert_false(opens(old, sealing, ISSUER, last + CONTEXT_GENERATION + 1, &c));
    assert_false(opens(old, sealing, ISSUER, last - CONTEXT_GENERATION, &c));
}

static void without_a_key_it_says_so(void **state)
{
    struct exam x = exam_at(NULL, ISSUER, NOW);
    struct service_context c;

    (void)state;
    assert_false(challenge_give(&x));
    assert_int_equal(trace_failure(x.trace)->id, CHECK_ATTREQ_CONTEXT);
    assert_non_null(strstr(trace_failure(x.trace)->note, "no key is at hand"));
    x = exam_at(NULL, ISSUER, NOW);
    assert_false(challenge_open(&x, made_at(ISSUER, NOW), &c));
}

/* --- The whole way of a message. --- */

static const struct answer *send(struct appraisal *x, const char *path, const char *body, bool with_policy)
{
    struct provider_policy *policy = ARENA_NEW(&arena, struct provider_policy);
    struct provider *p = ARENA_NEW(&arena, struct provider);
    struct mint *mint = ARENA_NEW(&arena, struct mint);
    const struct core_request request = {.issuer = BYTES_LIT(ISSUER),
                                         .attester = bytes_text(path),
                                         .body = bytes_text(body),
                                         .time = NOW,
                                         .entropy = bytes_text(entropy)};

    *policy =
        (struct provider_policy){.attester = attester_find(BYTES_LIT("Tpm")),
                                 .text = BYTES_LIT("version=1.0; authorizationrules{=> permit();}; issuancerules{};")};
    *p = (struct provider){
        .issuer = BYTES_LIT(ISSUER), .policies = policy, .policy_count = with_policy, .settings = SETTINGS_DEFAULT};
    *mint = (struct mint){.sealer = the_sealer()};
    struct snapshot s = {.providers = p, .provider_count = 1};
    core_attest(x, &arena, &s, &request, mint, NULL);
    return &x->answer;
}

static const char *body_of(const char *message)
{
    return arena_printf(&arena, "{\"data\":\"%s\"}",
                        arena_string(&arena, base64url_encode(&arena, bytes_text(message))));
}

static void a_challenge_for_who_asks(void **state)
{
    static const char *const good[] = {INIT, "{\"payload\":{\"type\":\"aikcert\"}}", "{\"type\":\"aikcert\"}",
                                       "{\"payload\": { \"type\": \"aikcert\" } }"};
    struct appraisal x;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        const struct answer *a = send(&x, i % 2 ? "tpm" : "Tpm", body_of(good[i]), true);

        assert_int_equal(a->status, 200);
        assert_true(bytes_begin(a->body, "{\"data\":\"eyJwYXlsb2FkIjp7ImNoYWxsZW5nZSI6"));
        assert_true(challenge_context_of(&arena, a->body).n > 0);
        assert_false(core_shadow_due(&x));
    }
    /* With padding, and with the standard alphabet. */
    const struct answer *a = send(&x, "Tpm", "{\"data\":\"eyJwYXlsb2FkIjp7InR5cGUiOiJhaWtjZXJ0In0gfQ==\"}", true);
    assert_int_equal(a->status, 200);
}

static void no_challenge_without_a_policy(void **state)
{
    struct appraisal x;
    const struct answer *a = send(&x, "Tpm", body_of(INIT), false);

    (void)state;
    assert_int_equal(a->status, 400);
    assert_string_equal(a->code, "Bad request");
    assert_bytes_are(a->message, "A VBS attestation policy has not been set on the attestation provider.");
}

static void other_messages_are_refused(void **state)
{
    static const struct {
        const char *message, *check;
    } bad[] = {
        {"not json", "attreq.message"},
        {"[]", "attreq.message"},
        {"{\"payload\":[]}", "attreq.message"},
        {"{}", "attreq.message"},
        {"{\"payload\":{}}", "attreq.message"},
        {"{\"payload\":{\"type\":\"aikpub\"}}", "attreq.message"},
        {"{\"payload\":{\"type\":\"AIKCERT\"}}", "attreq.message"},
        {"{\"payload\":{\"type\":7}}", "attreq.message"},
        {"{\"payload\":{\"type\":\"aikcert\",\"request\":\"a.b.c\"}}", "attreq.message"},
        {"{\"payload\":{\"type\":\"aikcert\",\"type\":\"aikcert\"}}", "attreq.message"},
        {"{\"payload\":{\"type\":\"aikcert\"},\"payload\":{}}", "attreq.message"},
        {"{\"payload\":{\"report\":\"a.b.c\"}}", "attreq.message"},
        {"{\"payload\":{\"challenge\":\"AA\",\"service_context\":\"AA\"}}", "attreq.message"},
        {"{\"payload\":{\"request\":7}}", "attreq.message"},
        {"{\"payload\":{\"request\":\"\"}}", "attreq.jws"},
        {"{\"payload\":{\"request\":\"a.b.c\"}}", "attreq.jws"},
    };
    struct appraisal x;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct answer *a = send(&x, "Tpm", body_of(bad[i].message), true);

        assert_int_equal(a->status, 400);
        assert_string_equal(a->code, "InvalidParameter");
        assert_string_equal(a->failed_check, bad[i].check);
    }
    assert_string_equal(send(&x, "Tpm", "{\"data\":\"!\"}", true)->failed_check, "request.evidence");
    assert_string_equal(send(&x, "Tpm", "{}", true)->failed_check, "request.evidence");
    assert_string_equal(send(&x, "Tpm", "[]", true)->failed_check, "request.json");
}

/* What the header alone decides; the payload here is none. */
static const char *judged(const char *type, bool version_1, const char **note)
{
    struct settings settings = SETTINGS_DEFAULT;
    struct sealer sealer = the_sealer();
    struct exam x = exam_at(&sealer, ISSUER, NOW);
    struct writer w = wr_open(&arena);
    struct tpm_request r;

    settings.tpm_v1 = version_1;
    x.settings = &settings;
    wr_base64url(&w, bytes_text(arena_printf(&arena, "{\"alg\":\"PS256\",\"typ\":\"%s\"}", type)));
    wr_text(&w, ".e30.AAAA");
    assert_false(tpm_request_decode(&x, wr_done(&w), &r));
    *note = trace_failure(x.trace)->note;
    return check_table[trace_failure(x.trace)->id].id;
}

/* Nothing ties the key of a request of version 1 to a TPM: an operator can do without. */
static void version_1_by_setting(void **state)
{
    const char *note;

    (void)state;
    assert_true(SETTINGS_DEFAULT.tpm_v1);
    assert_string_equal(judged("attReq", true, &note), "attreq.payload");
    assert_string_equal(judged("attReqV2", false, &note), "attreq.payload");
    assert_string_equal(judged("attReq", false, &note), "attreq.jws");
    assert_non_null(strstr(note, "tpm_v1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_sealed_comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(forms_are_the_recorded_ones, set_up, tear_down),
        cmocka_unit_test_setup_teardown(others_cannot_open_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(any_change_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(generations_overlap_by_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_key_it_says_so, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_challenge_for_who_asks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_challenge_without_a_policy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_messages_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(version_1_by_setting, set_up, tear_down),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
