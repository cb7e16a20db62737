/* Intel's endorsements without any corpus: decoding of TCB infos and identities made here, matching, selection, files of
 * several parts. (Signatures, chains and revocation: test_simulate; real documents: tests/vectors/test_verdicts.) */
#include "arena_test.h"

#include "endorsement/intel/store.h"

#define SIGNATURE                                                      \
    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff" \
    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define DATES "\"issueDate\":\"2024-01-02T03:04:05Z\",\"nextUpdate\":\"2024-02-01T03:04:05Z\""
#define LEVEL(tcb, status)                                                            \
    "{\"tcb\":{" tcb "},\"tcbDate\":\"2023-08-09T00:00:00Z\",\"tcbStatus\":\"" status \
    "\",\"advisoryIDs\":[\"A\",\"B\"]}"
#define COMPONENT(n) "{\"svn\":" n ",\"category\":\"BIOS\"}"
#define ZERO         "{\"svn\":0}"
#define SGX3(first)                                                                                                   \
    "\"sgxtcbcomponents\":[" COMPONENT(first) "," ZERO "," ZERO "," ZERO "," ZERO "," ZERO "," ZERO "," ZERO "," ZERO \
                                              "," ZERO "," ZERO "," ZERO "," ZERO "," ZERO "," ZERO "," ZERO "]"
#define TDX3                                                                                                        \
    ",\"tdxtcbcomponents\":[" ZERO "," ZERO "," ZERO "," ZERO "," ZERO "," ZERO "," ZERO "," ZERO "," ZERO "," ZERO \
    "," ZERO "," ZERO "," ZERO "," ZERO "," ZERO "," ZERO "]"
#define TCB_INFO(head, levels)                                                                                         \
    "{\"tcbInfo\":{" head "," DATES ",\"fmspc\":\"00906ED50000\",\"pceId\":\"0000\",\"tcbType\":0,"                    \
    "\"tcbEvaluationDataNumber\":17,\"tcbLevels\":[" levels "],\"later\":{\"unknown\":[]}},\"signature\":\"" SIGNATURE \
    "\"}"
#define V3_SGX "\"id\":\"SGX\",\"version\":3"
#define V3_TDX "\"id\":\"TDX\",\"version\":3"
#define MRSIGNER                       \
    "000102030405060708090a0b0c0d0e0f" \
    "000102030405060708090a0b0c0d0e0f" \
    "000102030405060708090a0b0c0d0e0f"
#define MODULE \
    "\"mrsigner\":\"" MRSIGNER "\",\"attributes\":\"0000000000000000\",\"attributesMask\":\"FFFFFFFFFFFFFFFF\""

static const struct tcb_info *info_of(const char *text)
{
    const struct tcb_info *info;
    struct fault fault = {0};

    if (!tcb_info_decode(&arena, "t.json", bytes_text(text), &info, &fault))
        fail_msg("%s", fault.text);
    return info;
}

/* The reason for which a text is no TCB info. */
static const char *info_refused(const char *text)
{
    static struct fault fault;
    const struct tcb_info *info;

    fault = (struct fault){0};
    assert_false(tcb_info_decode(&arena, "t.json", bytes_text(text), &info, &fault));
    assert_null(info);
    assert_memory_equal(fault.text, "t.json: ", 8);
    return fault.text + 8;
}

static void tcb_info_v3(void **state)
{
    (void)state;
    const char *text = TCB_INFO(V3_SGX, LEVEL(SGX3("3") ",\"pcesvn\":11", "OutOfDate") "," LEVEL(
                                            SGX3("5") ",\"pcesvn\":13", "UpToDate") "," LEVEL(SGX3("5") ",\"pcesvn\":5",
                                                                                              "ConfigurationNeeded"));
    const struct tcb_info *t = info_of(text);

    assert_int_equal(t->tee, TEE_SGX);
    assert_int_equal(t->document.evaluation, 17);
    assert_int_equal(t->document.issued, 1704164645);
    assert_int_equal(t->document.next_update, 1706756645);
    assert_bytes_equal(t->fmspc, BYTES_LIT("\x00\x90\x6e\xd5\x00\x00"));
    assert_int_equal(t->document.inner.p[0], '{');
    assert_ptr_equal(t->document.inner.p, text + strlen("{\"tcbInfo\":"));
    assert_int_equal(t->document.signature.n, 64);
    /* Sorted, whatever the order in which they stood. */
    assert_int_equal(t->level_count, 3);
    assert_int_equal(t->levels[0].status, TCB_UP_TO_DATE);
    assert_int_equal(t->levels[1].status, TCB_CONFIGURATION_NEEDED);
    assert_int_equal(t->levels[2].status, TCB_OUT_OF_DATE);
    assert_int_equal(t->levels[2].pce_svn, 11);
    assert_bytes_are(t->levels[0].date, "2023-08-09T00:00:00Z");
    assert_int_equal(t->levels[0].advisory_count, 2);
    assert_bytes_are(t->levels[0].advisories[1], "B");
}

/* The hash covers the document with exactly one NUL, also where Open Enclave sends the NUL along. */
static void document_hash(void **state)
{
    (void)state;
    static const char text[] = TCB_INFO(V3_SGX, LEVEL(SGX3("1") ",\"pcesvn\":1", "UpToDate"));
    const struct tcb_info *without, *with;

    assert_true(tcb_info_decode(&arena, "t", bytes_make(text, sizeof text - 1), &without, NULL));
    assert_true(tcb_info_decode(&arena, "t", bytes_make(text, sizeof text), &with, NULL));
    assert_memory_equal(without->document.hash, with->document.hash, SHA256_SIZE);
    assert_bytes_equal(bytes_make(with->document.hash, SHA256_SIZE), sha256_of(&arena, bytes_make(text, sizeof text)));
}

static void tcb_info_v2(void **state)
{
    (void)state;
    struct writer w = wr_open(&arena);

    wr_text(&w, "{\"tcbInfo\":{\"version\":2," DATES ",\"fmspc\":\"00906ed50000\",\"pceId\":\"0000\",\"tcbType\":0,"
                "\"tcbEvaluationDataNumber\":10,\"tcbLevels\":[{\"tcb\":{");
    for (int i = 1; i <= 16; i++)
        wr_printf(&w, "\"sgxtcbcomp%02dsvn\":%d,", i, i * 10);
    wr_text(&w, "\"pcesvn\":65535},\"tcbDate\":\"2020-11-11T00:00:00Z\",\"tcbStatus\":\"SWHardeningNeeded\"}]},"
                "\"signature\":\"" SIGNATURE "\"}");
    wr_u8(&w, 0);
    const struct tcb_info *t = info_of((const char *)wr_done(&w).p);
    assert_int_equal(t->version, 2);
    assert_int_equal(t->tee, TEE_SGX);
    assert_int_equal(t->levels[0].sgx[0], 10);
    assert_int_equal(t->levels[0].sgx[15], 160);
    assert_int_equal(t->levels[0].pce_svn, 65535);
    assert_int_equal(t->levels[0].advisory_count, 0);
}

#define SVN_LEVEL(n, status) \
    "{\"tcb\":{\"isvsvn\":" n "},\"tcbDate\":\"2023-08-09T00:00:00Z\",\"tcbStatus\":\"" status "\"}"
#define TDX_LEVEL        LEVEL(SGX3("2") TDX3 ",\"pcesvn\":11", "UpToDate")
#define IDENTITIES(list) ",\"tdxModuleIdentities\":[" list "]"
#define TDX_01 \
    "{\"id\":\"TDX_01\"," MODULE ",\"tcbLevels\":[" SVN_LEVEL("2", "OutOfDate") "," SVN_LEVEL("4", "UpToDate") "]}"

static void tcb_info_tdx(void **state)
{
    (void)state;
    const struct tcb_info *t = info_of(TCB_INFO(V3_TDX ",\"tdxModule\":{" MODULE "}" IDENTITIES(TDX_01), TDX_LEVEL));

    assert_int_equal(t->tee, TEE_TDX);
    assert_true(t->has_module);
    assert_int_equal(t->module.mrsigner.n, 48);
    assert_int_equal(t->module_identity_count, 1);
    assert_bytes_are(t->module_identities[0].id, "TDX_01");
    assert_int_equal(t->module_identities[0].levels[0].isv_svn, 4);
    assert_int_equal(t->module_identities[0].levels[1].status, TCB_OUT_OF_DATE);
}

static void tcb_info_refusals(void **state)
{
    (void)state;
#define ONE LEVEL(SGX3("1") ",\"pcesvn\":1", "UpToDate")
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {TCB_INFO("\"version\":1", ONE), "version: version 1 ended with PCS v2; fetch version 3"},
        {TCB_INFO("\"version\":4,\"id\":\"SGX\"", ONE), "version: neither 2 nor 3"},
        {TCB_INFO("\"version\":3.0,\"id\":\"SGX\"", ONE), "version: not a number in range"},
        {TCB_INFO("\"version\":3,\"id\":\"SEV\"", ONE), "id: neither SGX nor TDX"},
        {TCB_INFO("\"version\":3", ONE), "id: not a text"},
        {TCB_INFO(V3_SGX, ""), "tcbLevels: not an array, empty, or too long"},
        {TCB_INFO(V3_SGX, ONE "," ONE), "tcbLevels: a level stands twice"},
        {TCB_INFO(V3_SGX, LEVEL("\"sgxtcbcomponents\":[],\"pcesvn\":1", "UpToDate")),
         "sgxtcbcomponents: not an array, empty, or too long"},
        {TCB_INFO(V3_SGX, LEVEL("\"sgxtcbcomponents\":[" ZERO "],\"pcesvn\":1", "UpToDate")),
         "sgxtcbcomponents: not 16 components"},
        {TCB_INFO(V3_SGX, LEVEL(SGX3("256") ",\"pcesvn\":1", "UpToDate")), "svn: not a number in range"},
        {TCB_INFO(V3_SGX, LEVEL(SGX3("-1") ",\"pcesvn\":1", "UpToDate")), "svn: not a number in range"},
        {TCB_INFO(V3_SGX, LEVEL(SGX3("1") ",\"pcesvn\":65536", "UpToDate")), "pcesvn: not a number in range"},
        {TCB_INFO(V3_SGX, LEVEL(SGX3("1"), "UpToDate")), "pcesvn: not a number in range"},
        {TCB_INFO(V3_SGX, LEVEL(SGX3("1") ",\"pcesvn\":1", "Fine")), "tcbStatus: unknown"},
        {TCB_INFO(V3_SGX, LEVEL(SGX3("1") ",\"pcesvn\":1", "TCB_NOT_SUPPORTED")), "tcbStatus: unknown"},
        {TCB_INFO(V3_SGX ",\"tdxModule\":{" MODULE "}", ONE), "tdxModule: does not belong into TCB info of SGX"},
        {TCB_INFO(V3_TDX, TDX_LEVEL), "mrsigner: not a text"},
        {TCB_INFO(V3_TDX ",\"tdxModule\":{" MODULE "}", ONE), "tdxtcbcomponents: not an array, empty, or too long"},
        {TCB_INFO(V3_TDX ",\"tdxModule\":{" MODULE "}" IDENTITIES(""), TDX_LEVEL),
         "tdxModuleIdentities: not an array, empty, or too long"},
        {"{\"tcbInfo\":[],\"signature\":\"" SIGNATURE "\"}", "tcbInfo: missing"},
        {"{\"tcbInfo\":{" DATES "},\"signature\":\"00\"}", "signature: not hexadecimal of the right length"},
        {"{\"tcbInfo\":{\"issueDate\":\"2024-13-02T03:04:05Z\"},\"signature\":\"" SIGNATURE "\"}",
         "issueDate: not a time of the form YYYY-MM-DDThh:mm:ssZ"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(info_refused(cases[i].text), cases[i].reason);
}

#define HEX16 "000102030405060708090a0b0c0d0e0f"
#define IDENTITY(id, version, levels)                                                                                \
    "{\"enclaveIdentity\":{\"id\":\"" id "\",\"version\":" version "," DATES ",\"tcbEvaluationDataNumber\":17,"      \
    "\"miscselect\":\"00000000\",\"miscselectMask\":\"FFFFFFFF\",\"attributes\":\"" HEX16 "\","                      \
    "\"attributesMask\":\"" HEX16 "\",\"mrsigner\":\"" HEX16 HEX16 "\",\"isvprodid\":1,\"tcbLevels\":[" levels "]}," \
    "\"signature\":\"" SIGNATURE "\"}"

static void identities(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reason;
        enum identity_kind kind;
    } cases[] = {
        {IDENTITY("QE", "2", SVN_LEVEL("5", "OutOfDate") "," SVN_LEVEL("8", "UpToDate")), NULL, IDENTITY_QE},
        {IDENTITY("TD_QE", "2", SVN_LEVEL("4", "UpToDate")), NULL, IDENTITY_TD_QE},
        {IDENTITY("QVE", "2", SVN_LEVEL("4", "UpToDate")), NULL, IDENTITY_QVE},
        {IDENTITY("QAE", "2", SVN_LEVEL("4", "UpToDate")), NULL, IDENTITY_QAE},
        {IDENTITY("qe", "2", SVN_LEVEL("4", "UpToDate")), "t.json: id: none of QE, TD_QE, QVE, QAE", 0},
        {IDENTITY("QE", "1", SVN_LEVEL("4", "UpToDate")), "t.json: version: not 2", 0},
        {IDENTITY("QE", "2", ""), "t.json: tcbLevels: not an array, empty, or too long", 0},
        {IDENTITY("QE", "2", SVN_LEVEL("4", "UpToDate") "," SVN_LEVEL("4", "Revoked")),
         "t.json: tcbLevels: a level stands twice", 0},
        {IDENTITY("QE", "2", SVN_LEVEL("70000", "UpToDate")), "t.json: isvsvn: not a number in range", 0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct enclave_identity *e;
        struct fault fault = {0};

        if (identity_decode(&arena, "t.json", bytes_text(cases[i].text), &e, &fault)) {
            assert_null(cases[i].reason);
            assert_int_equal(e->kind, cases[i].kind);
            assert_int_equal(e->attributes.n, 16);
            assert_int_equal(e->mrsigner.n, 32);
        } else {
            assert_string_equal(fault.text, cases[i].reason ? cases[i].reason : "accepted");
        }
    }
}

static void svn_levels_match(void **state)
{
    (void)state;
    const struct enclave_identity *e;

    assert_true(identity_decode(
        &arena, "t", bytes_text(IDENTITY("QE", "2", SVN_LEVEL("5", "OutOfDate") "," SVN_LEVEL("8", "UpToDate"))), &e,
        NULL));
    assert_null(svn_match(e->levels, e->level_count, 4));
    assert_int_equal(svn_match(e->levels, e->level_count, 5)->status, TCB_OUT_OF_DATE);
    assert_int_equal(svn_match(e->levels, e->level_count, 7)->status, TCB_OUT_OF_DATE);
    assert_int_equal(svn_match(e->levels, e->level_count, 8)->status, TCB_UP_TO_DATE);
    assert_int_equal(svn_match(e->levels, e->level_count, 65535)->status, TCB_UP_TO_DATE);
}

/* All sixteen components and the PCESVN must be reached; one that is not leads to a lower level. */
static const struct tcb_level *match(const struct tcb_info *t, const struct tcb_platform *platform)
{
    static const struct enclave_identity none;
    struct tcb_verdict verdict;

    tcb_judge(t, &none, platform, &verdict);
    assert_ptr_equal(verdict.level, verdict.sgx_level);
    assert_int_equal(verdict.status, TCB_NOT_SUPPORTED); /* no quoting enclave is known here */
    return verdict.level;
}

static void sgx_levels_match(void **state)
{
    (void)state;
    const struct tcb_info *t = info_of(TCB_INFO(
        V3_SGX, LEVEL(SGX3("5") ",\"pcesvn\":13", "UpToDate") "," LEVEL(SGX3("5") ",\"pcesvn\":5", "OutOfDate")));
    struct tcb_platform platform = {.components = {5}, .pce_svn = 13};

    assert_int_equal(match(t, &platform)->status, TCB_UP_TO_DATE);
    platform.components[15] = 255;
    assert_int_equal(match(t, &platform)->status, TCB_UP_TO_DATE);
    platform.pce_svn = 12;
    assert_int_equal(match(t, &platform)->status, TCB_OUT_OF_DATE);
    platform.pce_svn = 4;
    assert_null(match(t, &platform));
    platform.pce_svn = 13;
    platform.components[0] = 4;
    assert_null(match(t, &platform));
}

static void status_names(void **state)
{
    (void)state;
    for (int s = 0; s < TCB_STATUS_COUNT; s++) {
        enum tcb_status again;

        assert_true(tcb_status_by_name(bytes_text(tcb_status_name((enum tcb_status)s)), &again));
        assert_int_equal(again, s);
    }
    assert_false(tcb_status_by_name(BYTES_LIT("uptodate"), &(enum tcb_status){0}));
}

/* --- sets --- */

static const char document_form[] =
    "{\"enclaveIdentity\":{\"id\":\"QE\",\"version\":2,\"issueDate\":\"%s\",\"nextUpdate\":\"2030-02-01T03:04:05Z\","
    "\"tcbEvaluationDataNumber\":%u,\"miscselect\":\"00000000\",\"miscselectMask\":\"FFFFFFFF\",\"attributes\":\"" HEX16
    "\",\"attributesMask\":\"" HEX16 "\",\"mrsigner\":\"" HEX16 HEX16 "\",\"isvprodid\":1,"
    "\"tcbLevels\":[" SVN_LEVEL("1", "UpToDate") "]},\"signature\":\"" SIGNATURE "\"}";

static void add_identity_of(struct endorsements *e, const char *issued, unsigned evaluation)
{
    char text[2048];
    struct fault fault = {0};

    snprintf(text, sizeof text, document_form, issued, evaluation);
    if (!endorsements_add(e, "identity.json", bytes_text(text), &fault))
        fail_msg("%s", fault.text);
}

/* The highest evaluation number that was issued by then; of one number the newest; of what lies ahead the earliest. */
static void documents_are_chosen(void **state)
{
    (void)state;
    static const struct {
        uint32_t baseline;
        int64_t time;
        uint32_t evaluation;
        int64_t issued; /* 0: none is chosen */
    } cases[] = {
        {0, 1700000000, 16, 1696118400},  /* 2023-11-14: the newer of two with number 16 */
        {0, 1709251200, 17, 1706745600},  /* 2024-03-01: number 17 is out */
        {16, 1709251200, 16, 1696118400}, /* but a baseline holds */
        {15, 1709251200, 15, 1704067200}, /* 2024-01-01, an old number issued anew */
        {14, 1709251200, 0, 0},           {0, 1577836800, 16, 1688169600}, /* 2020: all lie ahead */
    };
    static const uint8_t root[SHA256_SIZE] = {1};
    struct endorsements *e = endorsements_new(TEST_MEMORY);

    add_identity_of(e, "2023-07-01T00:00:00Z", 16);
    add_identity_of(e, "2023-10-01T00:00:00Z", 16);
    add_identity_of(e, "2024-02-01T00:00:00Z", 17);
    add_identity_of(e, "2024-01-01T00:00:00Z", 15);
    add_identity_of(e, "2024-01-01T00:00:00Z", 15);
    assert_int_equal(e->identity_count, 4); /* the same content twice counts once */
    endorsements_seal(e);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct document_query q = {root, cases[i].baseline, cases[i].time};
        const struct enclave_identity *found = find_identity(e, IDENTITY_QE, &q);

        assert_int_equal(found ? found->document.evaluation : 0, cases[i].evaluation);
        assert_int_equal(found ? found->document.issued : 0, cases[i].issued);
    }
    assert_null(find_identity(e, IDENTITY_TD_QE, &(struct document_query){root, 0, 1709251200}));
    /* What was signed under the platform's root comes before all else. */
    e->identities[0].document.signature_ok = true;
    memcpy(e->identities[0].document.root_spki, root, sizeof root);
    assert_ptr_equal(find_identity(e, IDENTITY_QE, &(struct document_query){root, 0, 1709251200}), &e->identities[0]);
    assert_false(endorsements_add(e, "late.json", BYTES_LIT("{}"), NULL));
    endorsements_free(e);
}

/* What is missing is said with FMSPC and evaluation number. */
static void missing_documents_are_named(void **state)
{
    (void)state;
    struct settings settings = SETTINGS_DEFAULT;
    struct endorsements *e = endorsements_new(TEST_MEMORY);
    const struct certificate root = {0};
    struct pck_chain chain = {
        .root = &root, .fmspc = BYTES_LIT("\x00\x90\x6e\xd5\x00\x00"), .pce_id = BYTES_LIT("\0\0")};
    struct intel_basis basis;

    endorsements_seal(e);
    for (uint32_t baseline = 0; baseline <= 12; baseline += 12) {
        struct exam x = {.arena = &arena, .trace = trace_new(&arena), .endorsements = e, .settings = &settings};

        settings.default_baseline = baseline;
        assert_false(intel_basis_verify(&x, TEE_SGX, &chain, &basis));
        assert_int_equal(trace_failure(x.trace)->id, CHECK_INTEL_TCB_INFO_PRESENT);
        assert_string_equal(trace_failure(x.trace)->note,
                            baseline ? "no TCB info of SGX for FMSPC 00906ed50000, evaluation number 12"
                                     : "no TCB info of SGX for FMSPC 00906ed50000, any evaluation number");
    }
    endorsements_free(e);
}

static void files_that_are_no_endorsements(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"", "x: the file is empty"},
        {"hello", "x: no endorsement: neither TCB data, nor a certificate, nor a CRL"},
        {"abc", "x: no endorsement: neither TCB data, nor a certificate, nor a CRL"},
        {"{}", "x: JSON that is neither TCB info nor an enclave identity"},
        {"-----BEGIN CERTIFICATE-----\nAAAA\n", "x: PEM: a block is broken"},
        {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
         "x: certificate: not the DER of one certificate"},
    };
    struct endorsements *e = endorsements_new(TEST_MEMORY);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fault fault = {0};

        assert_false(endorsements_add(e, "x", bytes_text(cases[i].text), &fault));
        assert_string_equal(fault.text, cases[i].reason);
    }
    assert_int_equal(e->tcb_info_count + e->identity_count + e->crl_count + e->pool_count, 0);
    endorsements_free(e);
}

/* Open Enclave endorsements of the given nine items. */
static struct bytes oe_endorsements(const struct bytes item[9], bool header)
{
    struct writer data = wr_open(&arena), w = wr_open(&arena), out = wr_open(&arena);

    wr_u32le(&w, 1);
    wr_u32le(&w, 2);
    for (int i = 0; i < 9; i++)
        wr_put(&data, item[i]);
    wr_u32le(&w, (uint32_t)(9 * 4 + wr_done(&data).n));
    wr_u32le(&w, 9);
    for (size_t i = 0, offset = 0; i < 9; offset += item[i++].n)
        wr_u32le(&w, (uint32_t)offset);
    wr_put(&w, wr_done(&data));
    if (!header)
        return wr_done(&w);
    wr_u32le(&out, 3);
    for (int i = 0; i < 20; i++)
        wr_u8(&out, 0);
    wr_u64le(&out, wr_done(&w).n);
    wr_put(&out, wr_done(&w));
    return wr_done(&out);
}

static void oe_endorsements_are_taken_whole(void **state)
{
    (void)state;
    struct bytes info = BYTES_LIT(TCB_INFO(V3_SGX, LEVEL(SGX3("1") ",\"pcesvn\":1", "UpToDate")) "\0");
    struct bytes item[9] = {BYTES_LIT("\x01\0\0\0"), info, info, info, info, info, info, info, BYTES_LIT("created\0")};
    struct fault fault = {0};

    for (int header = 0; header < 2; header++) {
        struct endorsements *e = endorsements_new(TEST_MEMORY);

        assert_true(endorsements_add(e, "oe", oe_endorsements(item, header), &fault));
        assert_int_equal(e->tcb_info_count, 1);
        endorsements_free(e);
    }
    struct endorsements *e = endorsements_new(TEST_MEMORY);
    struct bytes good = oe_endorsements(item, false);
    for (size_t n = 0; n < good.n; n++)
        assert_false(endorsements_add(e, "oe", bytes_first(good, n), NULL)); /* cut anywhere */
    item[7] = BYTES_LIT("broken");
    assert_false(endorsements_add(e, "oe", oe_endorsements(item, false), &fault));
    assert_int_equal(e->tcb_info_count, 0); /* the items before it are gone again */
    item[7] = good;
    fault = (struct fault){0};
    assert_false(endorsements_add(e, "oe", oe_endorsements(item, true), &fault));
    assert_string_equal(fault.text, "oe: Open Enclave endorsements inside others");
    endorsements_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tcb_info_v3),
        cmocka_unit_test(document_hash),
        cmocka_unit_test(tcb_info_v2),
        cmocka_unit_test(tcb_info_tdx),
        cmocka_unit_test(tcb_info_refusals),
        cmocka_unit_test(identities),
        cmocka_unit_test(svn_levels_match),
        cmocka_unit_test(sgx_levels_match),
        cmocka_unit_test(status_names),
        cmocka_unit_test(documents_are_chosen),
        cmocka_unit_test(missing_documents_are_named),
        cmocka_unit_test(files_that_are_no_endorsements),
        cmocka_unit_test(oe_endorsements_are_taken_whole),
    };
    return cmocka_run_group_tests_name("intel", tests, set_up, tear_down);
}
