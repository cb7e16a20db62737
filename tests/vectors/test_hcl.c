/* Reports of Azure's paravisor, of the corpus: they bind their claims, their key is the one that quotes are signed with, and what
 * can be verified of them is (snp-cvm.md 6.2 item 3, GOLDEN.md 6). */
#include "intel.h"

#include "base/text.h"
#include "crypto/pem.h"
#include "evidence/hcl.h"
#include "evidence/parts/hcl_report.h"

static struct arena arena;
static struct settings settings;
static struct endorsements *nothing;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, TEST_MEMORY);
    settings = SETTINGS_DEFAULT;
    nothing = endorsements_new(SET_MEMORY);
    endorsements_seal(nothing);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    endorsements_free(nothing);
    arena_free(&arena);
    return 0;
}

/* What is known of each: the VCEK where there is one, a time at which it holds, and what comes of it. */
static const struct sample {
    const char *name;
    uint32_t type;
    const char *vcek, *refused; /* NULL: none; accepted */
    const char *quote;          /* of the same TPM */
} samples[] = {
    {"snp-cleanroom-encryption", HCL_SNP, "vcek-milan-v3-cvm-hcl-e-userdata", NULL, "snp-cleanroom-encryption"},
    {"snp-genoa", HCL_SNP, "vcek-extra-evidence-genoa-json-vcek-c065f7", NULL, "snp-genoa"},
    {"snp-kinvolk", HCL_SNP, NULL, "amd.leaf.present", NULL},
    {"snp-milan-v3-a", HCL_SNP, "vcek-milan-v3-cvm-hcl-c", NULL, "snp-milan-v3-a"},
    {"snp-milan-v3-b-userdata", HCL_SNP, "vcek-milan-v3-cvm-hcl-d-userdata", NULL, "snp-milan-v3-b-userdata"},
    {"snp-milan-v3-c", HCL_SNP, "vcek-milan-v3-cvm-hcl-a", NULL, "snp-milan-v3-c"},
    {"snp-preview-v1-keyrelease", HCL_SNP, NULL, "snp.report.version", NULL},
    {"snp-trustee-a", HCL_SNP, "vcek-milan-v2-cvm-hcl-a", NULL, "snp-trustee-a"},
    {"tdx-constellation", HCL_TDX, NULL, "hcl.type", NULL},
    {"tdx-cvm-attestation-tools", HCL_TDX, NULL, "hcl.type", NULL},
    {"tdx-flashbots-b", HCL_TDX, NULL, "hcl.type", "tdx-flashbots-b"},
    {"tdx-trustee", HCL_TDX, NULL, "hcl.type", "tdx-trustee"},
};
enum { SAMPLES = sizeof samples / sizeof *samples };

static struct bytes blob_of(const struct sample *s)
{
    return read_shared(&arena, arena_printf(&arena, "evidence/azure-vtpm/hcl/%s.hcl.bin", s->name));
}

static struct hcl_report report_of(struct bytes blob)
{
    struct fault fault = {0};
    struct hcl_report r;

    if (!hcl_report_read(blob, &r, &fault))
        fail_msg("%s", fault.text);
    return r;
}

static bool binds(const struct hcl_report *r)
{
    struct bytes data = hcl_report_data(r);

    return data.n == HCL_REPORT_DATA_SIZE &&
           bytes_equal(bytes_first(data, SHA256_SIZE), sha256_of(&arena, r->claims)) &&
           bytes_all_zero(bytes_after(data, SHA256_SIZE));
}

static void all_bind_their_claims(void **state)
{
    (void)state;
    NEED_SHARED("reports of the paravisor");
    for (size_t i = 0; i < SAMPLES; i++) {
        struct bytes blob = blob_of(&samples[i]);
        struct hcl_report r = report_of(blob);

        assert_int_equal(r.type, samples[i].type);
        assert_true(binds(&r));
        assert_int_equal(r.size + r.tail.n, blob.n);
        r = report_of(bytes_first(blob, r.size)); /* without the zeros of the index */
        assert_true(binds(&r));
        arena_reset(&arena);
    }
}

static void one_bit_of_the_claims_breaks_the_binding(void **state)
{
    (void)state;
    NEED_SHARED("reports of the paravisor");
    for (size_t i = 0; i < SAMPLES; i++) {
        struct bytes blob = arena_copy(&arena, blob_of(&samples[i]));
        struct hcl_report r = report_of(blob);
        uint8_t *at = (uint8_t *)(uintptr_t)r.claims.p;

        for (size_t n = 0; n < r.claims.n; n++) {
            at[n] ^= (uint8_t)(1 << n % 8);
            assert_false(binds(&r));
            at[n] ^= (uint8_t)(1 << n % 8);
        }
        assert_true(binds(&r));
        arena_reset(&arena);
    }
}

/* The public key in PEM is what the quotes of that machine verify under (test_tpm.c). */
static void the_attestation_key_is_that_of_the_quotes(void **state)
{
    size_t compared = 0;

    (void)state;
    NEED_SHARED("reports of the paravisor");
    for (size_t i = 0; i < SAMPLES; i++) {
        struct fault fault = {0};
        struct hcl_report r = report_of(blob_of(&samples[i]));
        struct hcl_claims c;

        if (!hcl_claims_read(&arena, r.claims, &c, &fault))
            fail_msg("%s: %s", samples[i].name, fault.text);
        assert_true((c.attestation_key.kind == KEY_RSA) == (r.request == HCL_AK_CERT));
        if (samples[i].quote) {
            struct bytes pem =
                read_shared(&arena, arena_printf(&arena, "evidence/azure-vtpm/quotes/%s.akpub.pem", samples[i].quote));
            struct pem_block block;
            struct public_key key;
            bool found;

            assert_true(pem_next(&arena, &pem, &block, &found) && found);
            assert_true(public_key_decode(&arena, block.der, &key));
            assert_bytes_equal(key.modulus, c.attestation_key.modulus);
            assert_bytes_equal(key.exponent, c.attestation_key.exponent);
            compared++;
        }
        arena_reset(&arena);
    }
    assert_int_equal(compared, 8);
}

static void td_quotes_carry_the_report_data_of_their_blob(void **state)
{
    static const char *const names[] = {"tdx-flashbots-b", "tdx-trustee"};

    (void)state;
    NEED_SHARED("TD quotes of Azure");
    for (size_t i = 0; i < 2; i++) {
        struct sample s = {.name = names[i]};
        struct hcl_report r = report_of(blob_of(&s));
        struct td_report td;
        struct quote q;

        assert_true(quote_read(
            read_shared(&arena, arena_printf(&arena, "evidence/azure-vtpm/td-quotes/%s.tdquote.bin", names[i])), &q));
        assert_true(td_report_read(q.body, &td));
        assert_bytes_equal(td.report_data, hcl_report_data(&r));
        arena_reset(&arena);
    }
}

/* The id of the check that refused, or "accepted". */
static const char *judge(struct bytes blob, struct bytes vcek, struct exam *x)
{
    enum check_id missing;

    *x = (struct exam){.arena = &arena,
                       .trace = trace_new(&arena),
                       .endorsements = nothing,
                       .settings = &settings,
                       .time = time_of(BYTES_LIT("2026-01-01T00:00:00Z"))};
    claims_init(&x->incoming, &arena);
    if (hcl_decode_file(x, blob, vcek) && hcl_attester.verify(x) &&
        trace_complete(x->trace, hcl_attester.required, &missing))
        return "accepted";
    assert_non_null(trace_failure(x->trace));
    return check_table[trace_failure(x->trace)->id].id;
}

static struct bytes vcek_of(const struct sample *s)
{
    return s->vcek ? read_shared(&arena, arena_printf(&arena, "evidence/snp/certs/%s.der", s->vcek)) : BYTES_NONE;
}

static void those_with_a_vcek_are_verified(void **state)
{
    struct exam x;

    (void)state;
    NEED_SHARED("reports of the paravisor");
    for (size_t i = 0; i < SAMPLES; i++) {
        const struct sample *s = &samples[i];
        const char *outcome = judge(blob_of(s), vcek_of(s), &x);

        if (strcmp(outcome, s->refused ? s->refused : "accepted") != 0)
            fail_msg("%s: %s", s->name, (const char *)trace_message(x.trace, &arena).p);
        if (!s->refused) {
            assert_non_null(claims_find(&x.incoming, BYTES_LIT("x-ms-sevsnpvm-reportdata")));
            assert_non_null(claims_find(&x.incoming, BYTES_LIT("x-ms-runtime")));
        }
        arena_reset(&arena);
    }
}

/* Every byte of one blob, and every length. */
static void nothing_but_the_whole_is_accepted(void **state)
{
    const struct sample *s = &samples[0];
    struct exam x;

    (void)state;
    NEED_SHARED("reports of the paravisor");
    struct arena kept;
    arena_init(&kept, TEST_MEMORY);
    struct bytes blob = arena_copy(&kept, blob_of(s)), vcek = arena_copy(&kept, vcek_of(s));
    size_t used = report_of(blob).size;
    uint8_t *at = (uint8_t *)(uintptr_t)blob.p;

    for (size_t n = 0; n < used; n++) {
        bool ignored = n >= 12 && n < 32; /* request type, status, reserved: of the message, not of what is bound */

        at[n] ^= (uint8_t)(1 << n % 8);
        if ((strcmp(judge(blob, vcek, &x), "accepted") == 0) != ignored)
            fail_msg("byte %zu", n);
        at[n] ^= (uint8_t)(1 << n % 8);
        assert_string_not_equal(judge(bytes_first(blob, n), vcek, &x), "accepted");
        arena_reset(&arena);
    }
    at[blob.n - 1] = 1;
    assert_string_equal(judge(blob, vcek, &x), "hcl.shape");
    arena_free(&kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_bind_their_claims),
        cmocka_unit_test(one_bit_of_the_claims_breaks_the_binding),
        cmocka_unit_test(the_attestation_key_is_that_of_the_quotes),
        cmocka_unit_test(td_quotes_carry_the_report_data_of_their_blob),
        cmocka_unit_test(those_with_a_vcek_are_verified),
        cmocka_unit_test(nothing_but_the_whole_is_accepted),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
