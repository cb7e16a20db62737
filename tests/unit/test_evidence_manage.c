/* The service's own evidence into the certificate of a provider's key: the key stays, and evidence of anything else is refused. */
#include "simulated_judge.h"

#include "base/text.h"
#include "core/key_evidence.h"
#include "core/manage.h"
#include "crypto/x509.h"

#define ISSUER "https://test.here.example"
#define SEALED "sealed form of the key"

enum { SNP_REPORT_DATA = 0x50 };

static struct signing_key *key;
static struct endorsements *endorsements; /* none */

static int make_key(void **state)
{
    (void)state;
    endorsements = endorsements_new(64 * 1024 * 1024);
    endorsements_seal(endorsements);
    key = signing_key_generate(KEY_RSA, NULL);
    return key ? 0 : -1;
}

static int forget_key(void **state)
{
    (void)state;
    signing_key_free(key);
    endorsements_free(endorsements);
    return 0;
}

/* As a signer would, to whom verifiers write. */
static bool certify(void *context, struct bytes issuer, struct bytes sealed_key, const struct key_evidence *evidence,
                    struct arena *a, struct bytes *certificate, struct fault *fault)
{
    const struct certify_message sent = {issuer, sealed_key, *evidence};
    struct certify_message m;

    (void)context;
    assert_true(read_certify(write_certify(a, &sent), &m));
    assert_bytes_are(m.sealed_key, SEALED);
    return key_certificate(key, m.issuer, &m.evidence, a, certificate, fault);
}

static struct answer answer;
static struct changes changes;

static void manage_with(struct bytes body, const struct mint *mint)
{
    const struct provider provider = {.issuer = BYTES_LIT(ISSUER),
                                      .kid = key_id(&arena, signing_key_spki(key, &arena)),
                                      .sealed_key = BYTES_LIT(SEALED)};
    const struct snapshot snapshot = {.endorsements = endorsements, .providers = &provider, .provider_count = 1};
    const struct manage_request request = {
        .what = MANAGE_KEY_EVIDENCE, .issuer = provider.issuer, .body = body, .time = 1700000000};

    core_manage(&arena, &snapshot, &request, mint, &answer, &changes);
}

static void manage(const struct key_evidence *e)
{
    manage_with(write_key_evidence(&arena, e), &(struct mint){.certify = certify});
}

static struct key_evidence evidence_of(enum simulate_kind kind, struct bytes runtime_data)
{
    const struct simulate_options options = {.kind = kind, .runtime_data = runtime_data};
    struct simulated s;

    assert_true(simulate(&arena, &options, &s, NULL));
    return kind == SIMULATE_SNP
               ? (struct key_evidence){.tee = KEY_SNP, .report = s.report, .chain = s.chain}
               : (struct key_evidence){.tee = kind == SIMULATE_TDX ? KEY_TDX : KEY_SGX, .report = s.evidence};
}

static struct bytes text_of_key(void)
{
    return key_text(&arena, signing_key_spki(key, &arena));
}

static void refused_by(const char *check)
{
    assert_int_equal(answer.status, 400);
    assert_int_equal(changes.count, 0);
    assert_string_equal(answer.failed_check, check);
}

static const enum simulate_kind kinds[] = {SIMULATE_SGX, SIMULATE_TDX, SIMULATE_SNP};

static void the_certificate_changes_and_the_key_stays(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct key_evidence e = evidence_of(kinds[i], text_of_key());
        const struct certificate *c;
        struct provider_key made;
        struct bytes expected;

        manage(&e);
        assert_int_equal(answer.status, 200);
        assert_int_equal(changes.count, 1);
        assert_bytes_are(changes.v[0].kind, "key");
        assert_true(read_provider_key(changes.v[0].body, &made));
        assert_bytes_equal(made.kid, key_id(&arena, signing_key_spki(key, &arena)));
        assert_bytes_are(made.sealed, SEALED);
        assert_true(key_certificate(key, BYTES_LIT(ISSUER), &e, &arena, &expected, NULL));
        assert_bytes_equal(made.certificate, expected);
        assert_true(certificate_decode(&arena, made.certificate, &c, NULL));
        assert_bytes_are(c->subject_cn, ISSUER);
    }
}

static void padding_behind_a_quote_is_left_out(void **state)
{
    struct key_evidence e = evidence_of(SIMULATE_TDX, text_of_key()), padded = e;
    struct writer w = wr_open(&arena);
    struct provider_key made;
    struct bytes expected;

    (void)state;
    wr_put(&w, e.report);
    for (int i = 0; i < 1000; i++)
        wr_u8(&w, 0);
    padded.report = wr_done(&w);
    manage(&padded);
    assert_true(read_provider_key(changes.v[0].body, &made));
    assert_true(key_certificate(key, BYTES_LIT(ISSUER), &e, &arena, &expected, NULL));
    assert_bytes_equal(made.certificate, expected);
}

/* The host gave no certificates, or not all of them, or in another order. */
static void the_chain_is_completed_from_what_is_at_hand(void **state)
{
    const struct simulate_options options = {.kind = SIMULATE_SNP, .runtime_data = text_of_key()};
    struct endorsements *none = endorsements, *some = endorsements_new(64 * 1024 * 1024);
    struct simulated s;
    struct provider_key made;
    struct bytes expected;
    struct key_evidence e = {.tee = KEY_SNP};

    (void)state;
    assert_true(simulate(&arena, &options, &s, NULL));
    e.report = s.report;
    manage(&e);
    refused_by("amd.leaf.present");
    assert_true(bytes_begin(answer.wanted, "amd/vcek/"));
    assert_true(endorsements_add(some, "chain.pem", s.chain, NULL));
    endorsements_seal(some);
    endorsements = some;
    manage(&e);
    endorsements = none;
    assert_int_equal(answer.status, 200);
    assert_true(read_provider_key(changes.v[0].body, &made));
    e.chain = s.chain;
    assert_true(key_certificate(key, BYTES_LIT(ISSUER), &e, &arena, &expected, NULL));
    assert_bytes_equal(made.certificate, expected);
    endorsements_free(some);
}

static void evidence_of_another_key_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct key_evidence e = evidence_of(kinds[i], BYTES_LIT("another key"));

        manage(&e);
        refused_by("key_evidence.binding");
    }
    struct key_evidence e = evidence_of(SIMULATE_SNP, text_of_key());
    e.report = arena_copy(&arena, e.report);
    ((uint8_t *)(uintptr_t)e.report.p)[SNP_REPORT_DATA + 40] ^= 1; /* behind the hash all is zero */
    manage(&e);
    refused_by("key_evidence.binding");
}

static void what_is_no_evidence_is_refused(void **state)
{
    struct key_evidence quote = evidence_of(SIMULATE_SGX, text_of_key()), tdx = quote, report = quote, cut = quote,
                        none = {0};

    (void)state;
    tdx.tee = KEY_TDX;
    report.tee = KEY_SNP;
    cut.report.n -= 1;
    struct key_evidence *const wrong[] = {&tdx, &report, &cut, &none};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        manage(wrong[i]);
        refused_by("key_evidence.shape");
    }
    manage_with(BYTES_LIT("\x09garbage"), &(struct mint){.certify = certify});
    assert_int_equal(answer.status, 400);
    assert_int_equal(changes.count, 0);
}

static void without_a_signer_nothing_changes(void **state)
{
    struct key_evidence e = evidence_of(SIMULATE_SGX, text_of_key());

    (void)state;
    manage_with(write_key_evidence(&arena, &e), &(struct mint){0});
    assert_int_equal(answer.status, 503);
    assert_int_equal(changes.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_certificate_changes_and_the_key_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(padding_behind_a_quote_is_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_chain_is_completed_from_what_is_at_hand, set_up, tear_down),
        cmocka_unit_test_setup_teardown(evidence_of_another_key_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_evidence_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_signer_nothing_changes, set_up, tear_down),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_key, forget_key);
}
