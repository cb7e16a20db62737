/* Every SGX and TDX quote of the corpus against its measured verdict, under strict and pinned; refusals by the right check. */
#include "arena_test.h"
#include "intel.h"

#include "base/text.h"

static struct bytes joined(struct arena *a, const struct exam *x)
{
    struct writer w = wr_open(a);

    for (size_t i = 0; i < x->advisory_count; i++) {
        if (i)
            wr_u8(&w, ',');
        wr_put(&w, x->advisories[i]);
    }
    return wr_done(&w);
}

static bool accepted_by_default(const char *status)
{
    return strcmp(status, "UpToDate") == 0 || strcmp(status, "SWHardeningNeeded") == 0;
}

/* Columns 4 to 7: of the SGX level, the TDX level, the TDX module, the quoting enclave; empty where it is not said. */
static bool parts_agree(const struct tcb_verdict *v, struct bytes column[])
{
    const enum tcb_status parts[] = {v->sgx_status, v->tdx_status, v->module_status, v->qe_status};

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (column[4 + i].n && !bytes_is(column[4 + i], tcb_status_name(parts[i])))
            return false;
    return true;
}

/* One row under one freshness; prints and counts what differs. */
static unsigned row_differs(struct arena *a, struct bytes column[], const struct endorsements *e,
                            enum freshness freshness)
{
    struct settings settings = SETTINGS_DEFAULT;
    struct bytes quote = read_shared(a, arena_printf(a, "evidence/%s", arena_string(a, column[0])));
    struct exam x;

    settings.freshness = freshness;
    exam_begin(&x, a, e, &settings, NULL, time_of(column[2]));
    bool ok = bytes_begin(column[0], "tdx/") ? judge_td_quote(&x, quote) : judge_quote(&x, quote);
    const char *status = x.tcb_known ? tcb_status_name(x.tcb_status) : "none";
    if (bytes_is(column[3], status) && ok == accepted_by_default(status) &&
        (ok || strcmp(failed_id(&x), "intel.tcb.status") == 0) && bytes_equal(x.tcb_date, column[8]) &&
        bytes_equal(joined(a, &x), column[9]) && parts_agree(x.tcb, column))
        return 0;
    print_message("# %s %s: expected %s, got %s (%s) %s [%s]\n", arena_string(a, column[0]), arena_string(a, column[1]),
                  arena_string(a, column[3]), status, arena_string(a, trace_message(x.trace, a)),
                  arena_string(a, x.tcb_date), arena_string(a, joined(a, &x)));
    return 1;
}

static void measured_rows(void **state)
{
    (void)state;
    NEED_SHARED("269 rows of VERDICTS-intel.tsv");
    struct bytes text = read_shared(&arena, "evidence/VERDICTS-intel.tsv"), column[COLUMNS_MAX];
    unsigned complete = 0, tdx = 0, without_crl = 0, wrong = 0;
    struct arena a;
    size_t n;

    arena_init(&a, TEST_MEMORY);
    tsv_line(&text, column, &n);
    while (tsv_line(&text, column, &n)) {
        tdx += bytes_begin(column[0], "tdx/");
        struct endorsements *e = load_set(&a, column[1], time_of(column[2]));

        if (bytes_is(column[10], "complete")) {
            complete++;
            wrong += row_differs(&a, column, e, FRESHNESS_PINNED) + row_differs(&a, column, e, FRESHNESS_STRICT);
        } else {
            struct settings settings = SETTINGS_DEFAULT;
            struct exam x;

            without_crl++;
            exam_begin(&x, &a, e, &settings, NULL, time_of(column[2]));
            bool ok = judge_quote(&x, read_shared(&a, arena_printf(&a, "evidence/%s", arena_string(&a, column[0]))));
            if (ok || x.tcb_known ||
                (strcmp(failed_id(&x), "intel.root_crl.present") && strcmp(failed_id(&x), "intel.pck_crl.present"))) {
                print_message("# %s: %s\n", arena_string(&a, column[1]), failed_id(&x));
                wrong++;
            }
        }
        endorsements_free(e);
        arena_reset(&a);
    }
    arena_free(&a);
    print_message("# %u complete rows twice, %u of them of TDX; %u without CRLs\n", complete, tdx, without_crl);
    assert_int_equal(complete, 215 + 51);
    assert_int_equal(tdx, 51);
    assert_int_equal(without_crl, 3);
    assert_int_equal(wrong, 0);
}

static void refused(const char *file, const char *set, const char *time, const char *check)
{
    struct settings settings = SETTINGS_DEFAULT;
    int64_t t = time_of(bytes_text(time));
    struct endorsements *e = load_set(&arena, bytes_text(set), t);
    struct exam x;

    exam_begin(&x, &arena, e, &settings, NULL, t);
    struct bytes quote = read_shared(&arena, arena_printf(&arena, "evidence/%s", file));
    bool ok =
        strncmp(file, "oe/", 3) == 0 ? oe_decode_file(&x, quote, NULL, NULL) && sgx_verify(&x) : judge_quote(&x, quote);
    if (ok || strcmp(failed_id(&x), check) != 0)
        fail_msg("%s: %s", file, arena_string(&arena, trace_message(x.trace, &arena)));
    endorsements_free(e);
}

static void negative_samples(void **state)
{
    (void)state;
    NEED_SHARED("negative SGX samples");
    static const char set[] = "sgx-00906ed50000-e15-20230510-5db7", time[] = "2023-05-20T00:00:00Z";

    refused("sgx/sgx-v3-00906ea10000-bad-6dc7792a.bin", "sgx-00906ea10000-e12-20221018-b5a6", "2022-10-25T00:00:00Z",
            "sgx.quote.signature");
    refused("sgx/sgx-v3-ct1-5042adf0.bin", set, time, "sgx.quote.certification");
    refused("sgx/sgx-v3-ct1-8cc428aa.bin", set, time, "sgx.quote.certification");
    refused("sgx/sgx-v3-ct3-2f59d4cb.bin", set, time, "sgx.quote.certification");
    refused("oe/sgx_report_bad.bin", set, time, "intel.pck.signatures");
    refused("sgx/sgx-v4-ct5-1f017227.bin", set, time, "intel.pck.shape");
    refused("tdx/tdx-v4-00806f050000-00b2526a.bin", set, time, "sgx.quote.tee");
}

static void oe_sample(const char *name, const char *time, enum freshness freshness, bool accepted, const char *status)
{
    struct settings settings = SETTINGS_DEFAULT;
    struct endorsements *e = endorsements_new(SET_MEMORY);
    struct bytes evidence = read_shared(&arena, arena_printf(&arena, "evidence/oe/oe-%s.bin", name));
    const char *suffix = strstr(name, "evidence") + strlen("evidence");
    char *own = strncmp(name, "plugin", 6) == 0 ? "oe/oe-plugin-endorsements.bin"
                                                : arena_printf(&arena, "oe/oe-endorsements%s.bin", suffix);
    enum check_id missing;
    struct exam x;

    settings.freshness = freshness;
    add_shared(&arena, e, own);
    endorsements_seal(e);
    exam_begin(&x, &arena, e, &settings, NULL, time_of(bytes_text(time)));
    bool ok =
        oe_decode_file(&x, evidence, NULL, NULL) && sgx_verify(&x) && trace_complete(x.trace, oe_required, &missing);
    if (ok != accepted || (status && strcmp(status, x.tcb_known ? tcb_status_name(x.tcb_status) : "none") != 0))
        fail_msg("%s: %s", name, arena_string(&arena, trace_message(x.trace, &arena)));
    endorsements_free(e);
}

static void open_enclave_samples(void **state)
{
    (void)state;
    NEED_SHARED("Open Enclave samples");
    oe_sample("evidence-dcap", "2023-01-18T23:01:10Z", FRESHNESS_STRICT, true, "SWHardeningNeeded");
    oe_sample("evidence-dcap", "2023-02-02T22:01:09Z", FRESHNESS_STRICT, true, "SWHardeningNeeded");
    oe_sample("evidence-dcap_v3", "2022-07-15T03:34:20Z", FRESHNESS_STRICT, true, "UpToDate");
    oe_sample("evidence-dcap_v3", "2022-07-30T02:44:00Z", FRESHNESS_STRICT, true, "UpToDate");
    oe_sample("evidence-dcap-expired", "2022-05-16T23:29:47Z", FRESHNESS_PINNED, true, "UpToDate");
    oe_sample("evidence-dcap-expired", "2022-05-16T23:29:47Z", FRESHNESS_STRICT, false, NULL);
    oe_sample("plugin-evidence", "2022-05-01T00:00:00Z", FRESHNESS_PINNED, true, "SWHardeningNeeded");
}

/* The custom claim "pk" of the samples, as 32 bytes or as their hexadecimal text beside them. */
static void custom_claims_of_samples(void **state)
{
    (void)state;
    NEED_SHARED("custom claims of Open Enclave samples");
    static const char *const names[] = {"dcap", "dcap_v3", "dcap-expired"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct bytes evidence = read_shared(&arena, arena_printf(&arena, "evidence/oe/oe-evidence-%s.bin", names[i]));
        struct bytes pk =
            read_shared(&arena, arena_printf(&arena, "evidence/oe/oe-evidence-%s.claim-pk.bin", names[i]));
        struct oe_claim *list;
        struct quote q;
        size_t count;

        if (pk.n != 32)
            assert_true(hex_decode(&arena, bytes_trim_end(pk), &pk));
        assert_true(quote_read(evidence, &q));
        assert_true(oe_custom_claims(&arena, q.tail, &list, &count));
        assert_int_equal(count, 1);
        assert_bytes_are(list[0].name, "pk");
        assert_bytes_equal(list[0].value, pk);
    }
}

/* A version 3 quote with certification data of type 5 in the place of what it has: nothing signs those bytes. */
static struct bytes with_chain(struct bytes quote, struct bytes pem)
{
    struct quote q;
    struct writer data = wr_open(&arena), w = wr_open(&arena);

    assert_true(quote_read(quote, &q));
    wr_put(&data, q.signature);
    wr_put(&data, q.attestation_key);
    wr_put(&data, q.qe_report_bytes);
    wr_put(&data, q.qe_signature);
    wr_u16le(&data, (uint16_t)q.qe_auth_data.n);
    wr_put(&data, q.qe_auth_data);
    wr_u16le(&data, QUOTE_CERT_PCK_CHAIN);
    wr_u32le(&data, (uint32_t)pem.n);
    wr_put(&data, pem);
    wr_put(&w, q.signed_part);
    wr_u32le(&w, (uint32_t)wr_done(&data).n);
    wr_put(&w, wr_done(&data));
    return wr_done(&w);
}

/* Intel's generated sample, under a root that is pinned only when named. Its quote carries no chain, and is refused for that
 * until it is given the chain that lies beside it. */
static void sample_under_another_root(void **state)
{
    (void)state;
    NEED_SHARED("qvl-sample-sgx");
    static const char *const files[] = {"tcbInfo.json",     "qeIdentity.json", "qveIdentity.json",
                                        "tcbSignChain.pem", "rootCaCrl.der",   "intermediateCaCrl.der"};
    struct writer chain = wr_open(&arena);
    struct bytes bare = read_shared(&arena, "evidence/collateral/qvl-sample-sgx/quote.dat");
    const struct certificate *root;
    size_t count;

    wr_put(&chain, read_shared(&arena, "evidence/collateral/qvl-sample-sgx/pckCert.pem"));
    wr_put(&chain, read_shared(&arena, "evidence/collateral/qvl-sample-sgx/pckSignChain.pem"));
    struct bytes pem = read_shared(&arena, "evidence/collateral/qvl-sample-sgx/trustedRootCaCert.pem");
    assert_true(certificates_decode(&arena, pem, &root, &count, NULL));
    for (int trusted = 0; trusted < 2; trusted++) {
        struct settings settings = SETTINGS_DEFAULT;
        struct endorsements *e = endorsements_new(SET_MEMORY);
        struct exam x;

        if (trusted)
            endorsements_add_anchor(e, root->spki_digest, false);
        for (size_t i = 0; i < sizeof files / sizeof *files; i++)
            add_shared(&arena, e, arena_printf(&arena, "collateral/qvl-sample-sgx/%s", files[i]));
        endorsements_seal(e);
        settings.freshness = FRESHNESS_STRICT;
        exam_begin(&x, &arena, e, &settings, NULL, time_of(BYTES_LIT("2020-01-01T00:00:00Z")));
        assert_false(judge_quote(&x, bare));
        assert_string_equal(failed_id(&x), "sgx.quote.certification");
        exam_begin(&x, &arena, e, &settings, NULL, time_of(BYTES_LIT("2020-01-01T00:00:00Z")));
        bool ok = judge_quote(&x, with_chain(bare, wr_done(&chain)));
        if (trusted && !ok)
            fail_msg("%s", arena_string(&arena, trace_message(x.trace, &arena)));
        if (!trusted)
            assert_string_equal(failed_id(&x), "intel.pck.anchor");
        else
            assert_int_equal(x.tcb_status, TCB_UP_TO_DATE);
        assert_int_equal(ok, trusted);
        endorsements_free(e);
    }
}

/* The status that VERDICTS-intel.tsv has for a quote and one complete set; false when it has none. */
static bool measured(struct bytes quote_name, struct bytes *set, struct bytes *time, struct bytes *status)
{
    struct bytes text = read_shared(&arena, "evidence/VERDICTS-intel.tsv"), column[COLUMNS_MAX];
    size_t n;

    while (tsv_line(&text, column, &n))
        if (bytes_equal(column[0], quote_name) && bytes_is(column[10], "complete")) {
            *set = column[1];
            *time = column[2];
            *status = column[3];
            return true;
        }
    return false;
}

/* "see quote file sgx/….bin" of the manifest: an OE report or a quote under another name, with held data beside it. */
static bool same_quote(struct bytes column[COLUMNS_MAX], struct bytes *quote_name)
{
    static const char prefix[] = "see quote file ";

    if (!bytes_begin(column[0], "oe/") || !bytes_begin(column[5], prefix))
        return false;
    *quote_name = bytes_after(column[5], sizeof prefix - 1);
    return true;
}

/* The held data, where the manifest says that they match. */
static bool held_data(const char *file, struct request_data *out)
{
    char *name = arena_printf(&arena, "evidence/%.*s.ehd.bin", (int)(strlen(file) - strlen(".bin")), file);
    FILE *f = fopen(shared_path(&arena, name), "rb");

    *out = (struct request_data){0};
    if (!f)
        return false;
    fclose(f);
    out->type = DATA_BINARY;
    out->data = read_shared(&arena, name);
    return true;
}

static void reports_with_held_data(void **state)
{
    (void)state;
    NEED_SHARED("Open Enclave reports with held data");
    struct bytes text = read_shared(&arena, "evidence/MANIFEST-intel.tsv"), column[COLUMNS_MAX], name, set, time,
                 status;
    unsigned judged = 0, with_data = 0;
    size_t n;

    while (tsv_line(&text, column, &n)) {
        if (!same_quote(column, &name) || !measured(name, &set, &time, &status))
            continue;
        const char *file = arena_string(&arena, column[0]);
        int64_t t = time_of(time);
        struct settings settings = SETTINGS_DEFAULT;
        struct endorsements *e = load_set(&arena, set, t);
        struct request_data held;
        struct exam x;

        settings.accepted_sgx = UINT16_MAX;
        with_data += held_data(file, &held);
        exam_begin(&x, &arena, e, &settings, NULL, t);
        struct bytes evidence = read_shared(&arena, arena_printf(&arena, "evidence/%s", file));
        bool ok = (bytes_is(column[1], "oe-report") ? oe_decode_file(&x, evidence, &held, NULL)
                                                    : sgx_decode_quote(&x, evidence, &held, NULL)) &&
                  sgx_verify(&x);
        if (!ok)
            fail_msg("%s: %s", file, arena_string(&arena, trace_message(x.trace, &arena)));
        assert_bytes_are(status, tcb_status_name(x.tcb_status));
        endorsements_free(e);
        judged++;
    }
    print_message("# %u reports judged, %u of them with their held data\n", judged, with_data);
    assert_true(judged > 0 && with_data > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measured_rows),
        cmocka_unit_test(negative_samples),
        cmocka_unit_test(open_enclave_samples),
        cmocka_unit_test(custom_claims_of_samples),
        cmocka_unit_test(sample_under_another_root),
        cmocka_unit_test(reports_with_held_data),
    };
    return cmocka_run_group_tests_name("verdicts", tests, set_up, tear_down);
}
