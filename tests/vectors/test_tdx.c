/* Real quotes of TDX beside their measured verdicts: what their tokens say, padding, an updated module, what must be refused.
 * Status rows are in test_verdicts.c. */
#include "arena_test.h"
#include "intel.h"

#include "base/text.h"

/* Judges under default settings, widened by `also`; fails the test unless the refusal ("none": accepted) is the expected one. */
static void expect(struct exam *x, struct settings *settings, struct endorsements *e, const char *file,
                   const char *time, const char *refusal)
{
    exam_begin(x, &arena, e, settings, NULL, time_of(bytes_text(time)));
    bool ok = judge_td_quote(x, read_shared(&arena, arena_printf(&arena, "evidence/tdx/%s", file)));
    if (ok != (strcmp(refusal, "none") == 0) || strcmp(failed_id(x), refusal) != 0)
        fail_msg("%s: %s", file, arena_string(&arena, trace_message(x->trace, &arena)));
}

static void claim_is(const struct exam *x, const char *name, const char *value)
{
    const struct claim *c = claims_find(&x->incoming, bytes_text(name));

    if (!c || !bytes_is(json_print(&arena, claim_value_json(&arena, &c->value), JSON_SORTED), value))
        fail_msg("%s is not %s", name, value);
}

static const struct {
    const char *file, *set, *time;
    const char *claims[8][2];
} golden[] = {
    {"tdx-v4-00806f050000-00b2526a.bin",
     "tdx-00806f050000-e16-20240614-242e",
     "2024-07-08T00:13:53Z",
     {{"tdx_tee_tcb_svn", "\"04010700000000000000000000000000\""},
      {"tdx_seamsvn", "260"},
      {"tdx_td_attributes", "\"0000001000000000\""},
      {"tdx_xfam", "\"e700060000000000\""},
      {"tdx_mrtd",
       "\"dae67181d3d65e073ad8f95b7907d5e927bfe9761c9ff3e9b89734a45d8954dba41394c7717cb2735396c1d04231f94a\""},
      {"tdx_report_data", "\"0000000000000000000000000000000000000000000000000000000000000000"
                          "0000000000000000000000000000000000000000000000000000000000000000\""}}},
    {"tdx-v4-90c06f000000-1d0342e3.bin",
     "tdx-90c06f000000-e18-20260316-c5e1",
     "2026-04-15T11:28:33Z",
     {{"tdx_tee_tcb_svn", "\"0c010400000000000000000000000000\""},
      {"tdx_seamsvn", "268"},
      {"tdx_xfam", "\"e702060000000000\""},
      {"tdx_mrtd",
       "\"fd685522ce791dfef67414614eb07d03fc07a32c5a66f36288b329dab92b724b1564c73d436ffb9ea84488c51ac5a1c5\""}}},
    {"tdx-v5-90c06f000000-cf77a6e9.bin",
     "tdx-90c06f000000-e18-20260112-6567",
     "2026-02-04T03:11:36Z",
     {{"tdx_tee_tcb_svn", "\"0b010400000000000000000000000000\""},
      {"tdx_seamsvn", "267"},
      {"tdx_mrtd",
       "\"7348651a34b2d2d3462822e3a750ec6110125f36757c78480bbfc69cc0d21fb001a1ced3ee19747dda8f750c3bc8f876\""}}},
};

static void golden_claims(void **state)
{
    (void)state;
    NEED_SHARED("TDX quotes whose claims are known");
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        struct settings settings = SETTINGS_DEFAULT;
        struct endorsements *e = load_set(&arena, bytes_text(golden[i].set), time_of(bytes_text(golden[i].time)));
        struct exam x;

        expect(&x, &settings, e, golden[i].file, golden[i].time, "none");
        assert_int_equal(x.tcb_status, TCB_UP_TO_DATE);
        for (size_t c = 0; golden[i].claims[c][0]; c++)
            claim_is(&x, golden[i].claims[c][0], golden[i].claims[c][1]);
        claim_is(&x, "attester_tcb_status", "\"UpToDate\"");
        claim_is(&x, "dbgstat", "\"disabled\"");
        claim_is(&x, "tdx_td_attributes_septve_disable", "true");
        static const char *const off[] = {"debug", "protection_keys", "key_locker", "perfmon"};
        for (size_t f = 0; f < sizeof off / sizeof *off; f++)
            claim_is(&x, arena_printf(&arena, "tdx_td_attributes_%s", off[f]), "false");
        endorsements_free(e);
    }
}

/* Names and JSON types of the profile's published token; its evidence is not at hand. */
static void every_claim_of_the_profile(void **state)
{
    (void)state;
    NEED_SHARED("the published TDX token");
    struct settings settings = SETTINGS_DEFAULT;
    struct endorsements *e = load_set(&arena, bytes_text(golden[0].set), time_of(bytes_text(golden[0].time)));
    const struct json *token;
    struct exam x;
    unsigned seen = 0;

    assert_true(json_parse(&arena, read_shared(&arena, "spec/tokens/doc-tdxvm.json"), NULL, &token, NULL));
    expect(&x, &settings, e, golden[0].file, golden[0].time, "none");
    JSON_EACH (member, json_member(token, "payload")) {
        const struct claim *c = claims_find(&x.incoming, member->name);

        if (!bytes_begin(member->name, "tdx_") && !bytes_is(member->name, "eat_profile") &&
            !bytes_is(member->name, "dbgstat") && !bytes_is(member->name, "intuse") &&
            !bytes_is(member->name, "attester_tcb_status"))
            continue;
        if (!c)
            fail_msg("no claim %.*s", (int)member->name.n, (const char *)member->name.p);
        const struct json *ours = claim_value_json(&arena, &c->value);
        bool boolean = member->kind == JSON_TRUE || member->kind == JSON_FALSE;
        assert_true(boolean ? c->value.kind == CLAIM_BOOLEAN : ours->kind == member->kind);
        if (member->kind == JSON_STRING && bytes_begin(member->name, "tdx_"))
            assert_int_equal(ours->text.n, member->text.n);
        if (!bytes_begin(member->name, "tdx_") && !bytes_is(member->name, "attester_tcb_status"))
            assert_bytes_equal(ours->text, member->text);
        seen++;
    }
    assert_true(seen >= 24);
    endorsements_free(e);
}

/* The one real platform whose module was updated beneath a running trust domain, with its endorsements in one file. */
static void updated_module(void **state)
{
    (void)state;
    NEED_SHARED("the quote of an updated module");
    static const char *const pairs[][2] = {
        {"oe-host_verify-tdx_quote-moduleupdate-seamldr5.bin", "host_verify-tdx_endorsement.bin"},
        {"oe-secure_verify-tdx_quote-moduleupdate-seamldr5.bin", "secure_verify-tdx_endorsement_data.bin"}};

    for (size_t i = 0; i < 2; i++) {
        struct settings settings = SETTINGS_DEFAULT;
        struct endorsements *e = endorsements_new(SET_MEMORY);
        struct exam x;

        add_shared(&arena, e, arena_printf(&arena, "oe/oe-tdx-endorsements-%s", pairs[i][1]));
        endorsements_seal(e);
        expect(&x, &settings, e, pairs[i][0], "2025-02-26T10:37:20Z", "intel.tcb.status");
        assert_int_equal(x.tcb_status, TCB_TD_RELAUNCH_ADVISED);
        assert_int_equal(x.tcb->sgx_status, TCB_UP_TO_DATE);
        assert_int_equal(x.tcb->tdx_status, TCB_UP_TO_DATE);
        assert_int_equal(x.tcb->module_status, TCB_OUT_OF_DATE);
        assert_int_equal(x.tcb->qe_status, TCB_UP_TO_DATE);
        assert_bytes_are(x.tcb_date, "2024-11-13T00:00:00Z");
        settings.accepted_tdx |= 1u << TCB_TD_RELAUNCH_ADVISED;
        expect(&x, &settings, e, pairs[i][0], "2025-02-26T10:37:20Z", "none");
        claim_is(&x, "attester_tcb_status", "\"TDRelaunchAdvised\"");
        endorsements_free(e);
    }
}

/* Rows of the manifest that are no status: bytes behind the quote, and what must be refused, by which check. */
static void manifest_rows(void **state)
{
    (void)state;
    NEED_SHARED("TDX rows of MANIFEST-intel.tsv");
    static const char set[] = "tdx-00806f050000-e16-20240614-242e", time[] = "2024-07-08T00:13:53Z";
    static const struct {
        const char *file, *refusal;
    } rows[] = {
        {"padded-gcp-cos113.bin", "none"},
        {"padded-az-td-quote.bin", "none"},
        {"padded-evidence-api.bin", "intel.pck.anchor"},
        {"tdx-v4-10806f070000-preprod-3f49cfeb.bin", "intel.pck.anchor"},
        {"tdx-v4-30806f000000-preprod-6fb27f35.bin", "intel.pck.anchor"},
        {"tdx-v4-corrupt-f185dfdc.bin", "intel.pck.signatures"},
        {"tdx-v4-ct5-a15cfbbe.bin", "intel.pck.shape"},
        {"tdx-v4-ct5-aa2cafad.bin", "intel.pck.shape"},
        {"tdx-v4-ct5-c04eb01f.bin", "intel.pck.shape"},
    };
    struct settings settings = SETTINGS_DEFAULT;
    struct endorsements *e = load_set(&arena, BYTES_LIT(set), time_of(BYTES_LIT(time)));
    struct exam x;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect(&x, &settings, e, rows[i].file, time, rows[i].refusal);
    endorsements_free(e);
}

/* Genuine platforms for which no TCB info of their period is at hand: signatures hold, and there is no status. */
static void genuine_without_tcb_info(void **state)
{
    (void)state;
    NEED_SHARED("TDX quotes without TCB info");
    static const char *const files[] = {"tdx-v4-00806f050000-85ef3b3f.bin", "tdx-v4-00806f050000-970fa0a3.bin",
                                        "tdx-v4-00806f050000-ce9cdba8.bin"};
    struct settings settings = SETTINGS_DEFAULT;
    int64_t t = time_of(BYTES_LIT("2026-04-15T11:28:33Z"));
    struct endorsements *e = load_set(&arena, BYTES_LIT("tdx-90c06f000000-e18-20260316-c5e1"), t);
    struct exam x;

    settings.crl_freshness = false; /* the certificates are younger than the set's CRLs */
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        expect(&x, &settings, e, files[i], "2026-10-01T00:00:00Z", "intel.tcb_info.present");
        assert_false(x.tcb_known);
    }
    endorsements_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_claims), cmocka_unit_test(every_claim_of_the_profile), cmocka_unit_test(updated_module),
        cmocka_unit_test(manifest_rows), cmocka_unit_test(genuine_without_tcb_info),
    };
    return cmocka_run_group_tests_name("tdx", tests, set_up, tear_down);
}
