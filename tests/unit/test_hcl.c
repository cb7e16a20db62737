/* The paravisor's report and the runtime claims in it: lengths that lie, claims that are none, and each of its checks. */
#include "arena_test.h"

#include "base/text.h"
#include "evidence/hcl.h"
#include "evidence/parts/hcl_report.h"
#include "simulate/simulate.h"

enum { YEAR = 365 * 86400, MEMORY = 64 * 1024 * 1024 };

static const char good_claims[] =
    "{\"keys\":[{\"kid\":\"HCLTransferKey\",\"key_ops\":[\"encrypt\"],\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"AA\"}],"
    "\"vm-configuration\":{\"secure-boot\":true,\"vmUniqueId\":\"3c18c97a\"},\"user-data\":\"00\"}";

/* Fields of a header, each of which a test can make lie. */
struct header {
    uint32_t magic, version, size, request, data_size, data_version, type, hash, claims_size;
};

static struct header header_of(size_t claims)
{
    uint32_t n = (uint32_t)claims;

    return (struct header){HCL_MAGIC, 2, n + HCL_CLAIMS_AT, HCL_AK_CERT, n + 20, 1, HCL_SNP, 1, n};
}

static struct bytes blob(const struct header *h, struct bytes hardware, struct bytes claims, size_t zeros)
{
    struct writer w = wr_open(&arena);

    wr_u32le(&w, h->magic);
    wr_u32le(&w, h->version);
    wr_u32le(&w, h->size);
    wr_u32le(&w, h->request);
    wr_put(&w, bytes_make(arena_alloc(&arena, 16), 16));
    wr_put(&w, hardware);
    wr_put(&w, bytes_make(arena_alloc(&arena, HCL_HARDWARE_SIZE), HCL_HARDWARE_SIZE - hardware.n));
    wr_u32le(&w, h->data_size);
    wr_u32le(&w, h->data_version);
    wr_u32le(&w, h->type);
    wr_u32le(&w, h->hash);
    wr_u32le(&w, h->claims_size);
    wr_put(&w, claims);
    wr_put(&w, bytes_make(arena_alloc(&arena, zeros), zeros));
    return wr_done(&w);
}

static bool reads(const struct header *h)
{
    struct hcl_report r;

    return hcl_report_read(blob(h, BYTES_NONE, bytes_text(good_claims), 9), &r, NULL);
}

static void lengths_and_types_must_fit(void **state)
{
    const struct header good = header_of(strlen(good_claims));
    struct header h;

    (void)state;
    assert_true(reads(&good));
#define LIES(field, value)       \
    do {                         \
        h = good;                \
        h.field = (value);       \
        assert_false(reads(&h)); \
    } while (0)
    LIES(magic, HCL_MAGIC + 1);
    LIES(version, 0);
    LIES(version, 3);
    LIES(size, good.size + 1);
    LIES(size, 0);
    LIES(data_size, good.data_size - 1);
    LIES(data_size, UINT32_MAX);
    LIES(data_version, 2);
    LIES(hash, 2);
    LIES(claims_size, good.claims_size - 1);
    LIES(claims_size, UINT32_MAX);
    LIES(claims_size, UINT32_MAX - 19); /* so that the sums wrap */
}

static void every_cut_is_refused(void **state)
{
    const struct header h = header_of(strlen(good_claims));
    struct bytes whole = blob(&h, BYTES_NONE, bytes_text(good_claims), 0);
    struct hcl_report r;

    (void)state;
    for (size_t n = 0; n < whole.n; n++)
        assert_false(hcl_report_read(bytes_first(whole, n), &r, NULL));
    assert_true(hcl_report_read(whole, &r, NULL));
    assert_bytes_are(r.claims, good_claims);
}

static bool claims_read(const char *text, struct hcl_claims *out)
{
    return hcl_claims_read(&arena, bytes_text(text), out, NULL);
}

static void claims_are_an_object_with_keys(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"keys\":{}}",
        "{\"keys\":[{}]}",
        "{\"keys\":[{\"kid\":1}]}",
        "{\"keys\":[],\"vm-configuration\":1}",
        "{\"keys\":[],\"user-data\":1}",
        "{\"keys\":[],\"vm-configuration\":{\"vmUniqueId\":1}}",
        "{\"keys\":[],\"keys\":[]}",
        "{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"EC\"}]}",
        "{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"AA\"}]}",
    };
    struct hcl_claims c;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(claims_read(bad[i], &c));
    assert_true(claims_read(good_claims, &c)); /* a key of another name is nobody's business here */
    assert_int_equal(c.attestation_key.kind, KEY_NONE);
    assert_bytes_are(c.vm_id, "3c18c97a");
    assert_bytes_are(c.user_data, "00");
}

/* ---------------------------------------------------------------------------------- round a simulated SEV-SNP report */

static struct made {
    struct simulated snp;
    struct endorsements *endorsements;
    struct settings settings;
} made;

static void make(const char *claims)
{
    struct fault fault = {0};
    const struct simulate_options o = {.kind = SIMULATE_SNP, .seed = 7, .runtime_data = bytes_text(claims)};

    made = (struct made){.endorsements = endorsements_new(MEMORY)};
    if (!simulate(&arena, &o, &made.snp, &fault) || !simulate_endorsements(&made.snp, made.endorsements, true, &fault))
        fail_msg("%s", fault.text);
    made.settings = made.snp.settings;
}

static const char *judge(struct bytes file)
{
    struct exam x = {.arena = &arena,
                     .trace = trace_new(&arena),
                     .endorsements = made.endorsements,
                     .settings = &made.settings,
                     .time = made.snp.time};
    enum check_id missing;

    claims_init(&x.incoming, &arena);
    if (hcl_decode_file(&x, file, made.snp.chain) && hcl_attester.verify(&x) &&
        trace_complete(x.trace, hcl_attester.required, &missing))
        return "accepted";
    return trace_failure(x.trace) ? check_table[trace_failure(x.trace)->id].id : "a check was not made";
}

static void its_checks_refuse(void **state)
{
    struct header h = header_of(strlen(good_claims)), tdx = h;
    char changed[sizeof good_claims];

    (void)state;
    make(good_claims);
    assert_string_equal(judge(blob(&h, made.snp.report, bytes_text(good_claims), 100)), "accepted");
    memcpy(changed, good_claims, sizeof changed);
    changed[sizeof changed - 4] = '1';
    assert_string_equal(judge(blob(&h, made.snp.report, bytes_text(changed), 0)), "hcl.binding");
    tdx.type = HCL_TDX;
    assert_string_equal(judge(blob(&tdx, made.snp.report, bytes_text(good_claims), 0)), "hcl.type");
    memcpy(changed, good_claims, sizeof changed);
    changed[0] = '[';
    assert_string_equal(judge(blob(&h, made.snp.report, bytes_text(changed), 0)), "hcl.claims");
    assert_string_equal(judge(BYTES_LIT("HCLA")), "hcl.shape");
    endorsements_free(made.endorsements);
}

/* Its fault puts something behind the hash of the runtime data. */
static void what_stands_behind_the_hash_is_refused(void **state)
{
    struct header h = header_of(strlen(good_claims));
    struct fault fault = {0};
    const struct simulate_options o = {
        .kind = SIMULATE_SNP, .seed = 7, .fault = "snp.report_data_tail", .runtime_data = bytes_text(good_claims)};

    (void)state;
    make(good_claims);
    assert_true(simulate(&arena, &o, &made.snp, &fault));
    assert_string_equal(judge(blob(&h, made.snp.report, bytes_text(good_claims), 0)), "hcl.tail");
    endorsements_free(made.endorsements);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_and_types_must_fit),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(claims_are_an_object_with_keys),
        cmocka_unit_test(its_checks_refuse),
        cmocka_unit_test(what_stands_behind_the_hash_is_refused),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
