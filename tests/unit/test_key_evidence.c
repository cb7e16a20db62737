/* Evidence inside signing certificates: forms of the extensions, and that what a relying party takes out of them verifies, bound to
 * the key. */
#include "simulated_judge.h"
#include "test.h"

#include "base/limits.h"
#include "base/text.h"
#include "crypto/der.h"
#include "crypto/x509.h"
#include "evidence/snp.h"
#include "evidence/tdx.h"
#include "token/token.h"

#define ISSUER "https://test.here.example"

static const uint8_t oe_report[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x69, 0x01},
                     oe_evidence[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x69, 0x02},
                     snp[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x69, 0x87, 0x68, 0x01},
                     snp_kind[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x69, 0x87, 0x68, 0x02};

static struct signing_key *key;

static int make_key(void **state)
{
    (void)state;
    key = signing_key_generate(KEY_RSA, NULL);
    return key ? 0 : -1;
}

static int forget_key(void **state)
{
    (void)state;
    signing_key_free(key);
    return 0;
}

static struct bytes bound_text(void)
{
    return key_text(&arena, signing_key_spki(key, &arena));
}

static const struct certificate *certificate_with(const struct key_evidence *evidence)
{
    const struct certificate *c;
    struct fault fault = {0};
    struct bytes der;

    if (!key_certificate(key, BYTES_LIT(ISSUER), evidence, &arena, &der, &fault) ||
        !certificate_decode(&arena, der, &c, &fault))
        fail_msg("%s", fault.text);
    assert_true(certificate_signed_by(c, &c->key));
    return c;
}

/* A platform that vouches for the key. */
static struct simulated platform(enum simulate_kind kind, const char *uvm)
{
    const struct simulate_options options = {.kind = kind, .runtime_data = bound_text(), .uvm = uvm};
    struct simulated s;

    assert_true(simulate(&arena, &options, &s, NULL));
    return s;
}

enum taken { TAKEN_OE_REPORT, TAKEN_OE_EVIDENCE, TAKEN_SNP };

/* Verified as `assay verify` would what lay in the extension; runtime data as given. */
static bool verifies(const struct simulated *s, enum taken form, struct bytes value, struct bytes runtime)
{
    struct request_data given = {.type = DATA_BINARY, .data = runtime};
    struct endorsements *e = endorsements_new(64 * 1024 * 1024);
    struct exam x = {
        .arena = &arena, .trace = trace_new(&arena), .endorsements = e, .settings = &s->settings, .time = s->time};
    enum check_id missing;

    assert_true(simulate_endorsements(s, e, true, NULL));
    claims_init(&x.incoming, &arena);
    const struct attester *attester = form == TAKEN_OE_REPORT     ? &oe_attester
                                      : form == TAKEN_OE_EVIDENCE ? &tdx_attester
                                                                  : &snp_attester;
    bool ok = (form == TAKEN_OE_REPORT     ? oe_decode_file(&x, value, &given, NULL)
               : form == TAKEN_OE_EVIDENCE ? tdx_decode_file(&x, value, &given, NULL)
                                           : snp_decode_file(&x, value, BYTES_NONE, &given, NULL)) &&
              attester->verify(&x) && trace_complete(x.trace, attester->required, &missing);
    endorsements_free(e);
    return ok;
}

static void verifies_for_this_key_alone(const struct simulated *s, enum taken form, struct bytes value)
{
    assert_true(verifies(s, form, value, bound_text()));
    /* Without the NUL it is another text. */
    assert_false(verifies(s, form, value, bytes_first(bound_text(), bound_text().n - 1)));
    assert_false(verifies(s, form, value, BYTES_LIT("another key")));
}

static void an_sgx_quote_is_an_open_enclave_report(void **state)
{
    struct simulated s = platform(SIMULATE_SGX, NULL);
    const struct key_evidence evidence = {.tee = KEY_SGX, .report = s.evidence};
    const struct certificate *c = certificate_with(&evidence);
    struct bytes value;

    (void)state;
    assert_true(certificate_extension(c, BYTES_OF(oe_report), &value));
    assert_bytes_equal(bytes_first(value, 8), BYTES_LIT("\x01\0\0\0\x02\0\0\0"));
    assert_bytes_equal(bytes_after(value, 16), s.evidence);
    assert_false(certificate_extension(c, BYTES_OF(oe_evidence), &value));
    assert_false(certificate_extension(c, BYTES_OF(snp), &value));
    assert_true(certificate_extension(c, BYTES_OF(oe_report), &value));
    verifies_for_this_key_alone(&s, TAKEN_OE_REPORT, value);
}

static void a_tdx_quote_is_open_enclave_evidence_with_the_key(void **state)
{
    struct simulated s = platform(SIMULATE_TDX, NULL);
    const struct key_evidence evidence = {.tee = KEY_TDX, .report = s.evidence};
    const struct certificate *c = certificate_with(&evidence);
    struct bytes value;

    (void)state;
    assert_false(certificate_extension(c, BYTES_OF(oe_report), &value));
    assert_true(certificate_extension(c, BYTES_OF(oe_evidence), &value));
    struct reader r = rd_open(value);
    assert_int_equal(rd_u32le(&r), 3);
    assert_bytes_equal(rd_take(&r, 16), BYTES_LIT("\x8b\xa7\x02\x86\xc1\xcf\x11\xed\xaf\xa1\x02\x42\xac\x12\x00\x02"));
    assert_int_equal(rd_u32le(&r), 0);
    uint64_t size = rd_u64le(&r);
    assert_int_equal(size, rd_left(&r));
    assert_bytes_equal(rd_take(&r, s.evidence.n), s.evidence);
    assert_bytes_equal(rd_rest(&r), bound_text());
    verifies_for_this_key_alone(&s, TAKEN_OE_EVIDENCE, value);
}

/* Content of a DER UTF8String that is all there is. */
static struct bytes utf8(struct bytes der)
{
    struct reader r = rd_open(der);
    struct bytes text = der_take(&r, DER_UTF8_STRING);

    assert_true(rd_end(&r));
    return text;
}

static void snp_case(const char *uvm)
{
    struct simulated s = platform(SIMULATE_SNP, uvm);
    const struct json *object, *sent;
    struct bytes value, kind, text;
    struct key_evidence evidence = {.tee = KEY_SNP, .report = s.report, .chain = s.chain};

    assert_true(json_parse(&arena, s.evidence, NULL, &sent, NULL));
    if (json_text(json_member(sent, "Endorsements"), &text))
        assert_true(base64_decode(&arena, text, &evidence.endorsements, NULL));
    assert_int_equal(evidence.endorsements.n > 0, uvm != NULL);
    const struct certificate *c = certificate_with(&evidence);
    assert_false(certificate_extension(c, BYTES_OF(oe_report), &value));
    assert_true(certificate_extension(c, BYTES_OF(snp_kind), &kind));
    assert_bytes_are(utf8(kind), "acisevsnp");
    assert_true(certificate_extension(c, BYTES_OF(snp), &value));
    /* The JSON goes before its kind, with its members in this order, in base64url without padding. */
    assert_true(value.p < kind.p);
    assert_true(json_parse(&arena, utf8(value), NULL, &object, NULL));
    assert_int_equal(object->count, uvm ? 3 : 2);
    assert_bytes_are(object->first->name, "SnpReport");
    assert_bytes_are(object->first->next->name, "VcekCertChain");
    assert_true(json_text(object->first, &text));
    assert_bytes_equal(text, base64url_encode(&arena, s.report));
    verifies_for_this_key_alone(&s, TAKEN_SNP, utf8(value));
}

static void an_snp_report_is_json_with_its_kind_behind(void **state)
{
    (void)state;
    snp_case(NULL);
    snp_case("legacy");
    snp_case("cwt");
}

static void without_a_tee_there_is_none(void **state)
{
    const struct key_evidence none = {0};
    const struct certificate *c = certificate_with(&none);
    struct bytes value;

    (void)state;
    assert_false(certificate_extension(c, BYTES_OF(oe_report), &value));
    assert_bytes_equal(c->der, certificate_with(NULL)->der);
}

static void evidence_that_is_too_large_is_refused(void **state)
{
    const struct key_evidence evidence = {
        .tee = KEY_SGX, .report = bytes_make(arena_alloc(&arena, LIMIT_CERTIFICATE), LIMIT_CERTIFICATE)};
    struct fault fault = {0};
    struct bytes der;

    (void)state;
    assert_false(key_certificate(key, BYTES_LIT(ISSUER), &evidence, &arena, &der, &fault));
    assert_int_equal(fault.code, FAULT_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_sgx_quote_is_an_open_enclave_report, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_tdx_quote_is_open_enclave_evidence_with_the_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_snp_report_is_json_with_its_kind_behind, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_tee_there_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(evidence_that_is_too_large_is_refused, set_up, tear_down),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_key, forget_key);
}
