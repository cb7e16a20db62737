/* What Windows and Linux measured, from logs made by hand: as facts, as plain claims, as events for policies. What is lied about, not
 * measured, or measured too late says nothing. */
#include "boot_windows.h"

#include "base/text.h"
#include "evidence/parts/linux_boot.h"

static const char *wbcl_text(struct bytes data, bool explain)
{
    struct writer w = wr_open(&arena);

    assert_true(wbcl_fits(data));
    wr_wbcl(&w, data, explain);
    return arena_string(&arena, wr_done(&w));
}

/* ------------------------------------------------------------------------------------------------------ SIPA events */

static void each_form(void **state)
{
    struct writer w = wr_open(&arena);

    (void)state;
    put_tag(&w, 0x00040001, BYTES_LIT("\1"));                               /* BOOTDEBUGGING */
    put_tag(&w, 0x00050005, BYTES_LIT("\0"));                               /* SAFEMODE */
    put_tag(&w, 0x00050006, BYTES_LIT("\2"));                               /* WINPE: neither */
    put_tag(&w, 0x00020009, BYTES_LIT("\5\1"));                             /* APPLICATION_SVN, in two bytes */
    put_tag(&w, 0x00020007, BYTES_LIT("\xff\xff\xff\xff\xff\xff\xff\xff")); /* COUNTERID */
    put_u32(&w, 0x00020005, 0x14);                                          /* BITLOCKER_UNLOCK */
    put_u32(&w, 0x00020003, 5);
    put_u32(&w, 0x00050004, 3);
    put_u32(&w, 0x00050008, 0x10004);
    put_u32(&w, 0x0005000e, 9);
    put_tag(&w, 0x000a0007, BYTES_LIT("\1\0\0\0\0\0\0\0"));
    put_tag(&w, 0x000c0002, BYTES_LIT("\3"));
    put_tag(&w, 0x000c0001, BYTES_LIT("signature"));
    put_tag(&w, 0x00050009, wide("\\Windows"));
    put_tag(&w, 0x00050013, BYTES_LIT("\1\2"));
    put_tag(&w, 0x0005000f, BYTES_LIT("\1"));
    put_tag(&w, 0x00060001, BYTES_NONE);
    put_tag(&w, 0x00070004, BYTES_LIT("\xff\xff"));
    put_tag(&w, 0x00123456, BYTES_LIT("x"));
    assert_string_equal(
        wbcl_text(wr_done(&w), false),
        "{\"EVENT_BOOTDEBUGGING\":true,\"EVENT_SAFEMODE\":false,\"EVENT_WINPE\":\"Ag\",\"EVENT_APPLICATION_SVN\":261,"
        "\"EVENT_COUNTERID\":18446744073709551615,\"EVENT_BITLOCKER_UNLOCK\":{\"Value\":20,\"String\":\"Tpm|Pin\"},"
        "\"EVENT_TRANSFER_CONTROL\":{\"Value\":5,\"String\":\"Hypervisor\"},"
        "\"EVENT_DATAEXECUTIONPREVENTION\":{\"Value\":3,\"String\":\"AlwaysOn\"},"
        "\"EVENT_OSDEVICE\":{\"Value\":65540,\"String\":\"Partition\"},"
        "\"EVENT_DRIVER_LOAD_POLICY\":{\"Value\":9,\"String\":\"9\"},"
        "\"EVENT_VBS_HVCI_POLICY\":{\"Value\":1,\"String\":\"HypervisorEnforcedCodeIntegrityEnable\"},"
        "\"EVENT_DRTM_SMM\":{\"Value\":3,\"String\":\"3\"},\"EVENT_DRTM_STATE_AUTH\":{\"SignatureValid\":false},"
        "\"EVENT_SYSTEMROOT\":\"\\\\Windows\",\"EVENT_OS_REVOCATION_LIST\":{\"RawData\":\"AQI\"},"
        "\"EVENT_SI_POLICY\":[{\"RawData\":\"AQ\"}],\"EVENT_NOAUTHORITY\":\"\",\"EVENT_AUTHENTICODEHASH\":\"__8\","
        "\"EVENT_0x00123456\":\"eA\"}");
}

static void containers_and_lists(void **state)
{
    struct writer inner = wr_open(&arena), w = wr_open(&arena);

    (void)state;
    put_tag(&inner, 0x00070001, wide("\\a\"b"));
    put_tag(&w, SIPA_LOADEDMODULE_AGGREGATION, wr_done(&inner));
    put_u32(&w, 0x00020009, 1);
    put_tag(&w, SIPA_LOADEDMODULE_AGGREGATION, BYTES_NONE);
    put_u32(&w, 0x00020009, 2); /* twice what stands there once: a list, so that nobody takes the wrong one */
    put_tag(&w, 0x80030002, BYTES_LIT("x"));
    assert_string_equal(wbcl_text(wr_done(&w), false),
                        "{\"EVENT_LOADEDMODULE_AGGREGATION\":[{\"EVENT_FILEPATH\":\"\\\\a\\\"b\"},{}],"
                        "\"EVENT_APPLICATION_SVN\":[1,2]}");
    assert_non_null(strstr(wbcl_text(wr_done(&w), true), "\"ERROR_TPMFAILURE\":\"eA\""));
}

static void lengths_that_lie(void **state)
{
    struct writer w = wr_open(&arena);
    struct bytes data;

    (void)state;
    assert_false(wbcl_fits(BYTES_NONE));
    put_u32(&w, 0x00020009, 1);
    data = in_container(SIPA_TRUSTBOUNDARY, &w);
    assert_true(wbcl_fits(data));
    for (size_t n = 1; n < data.n; n++)
        assert_false(wbcl_fits(bytes_first(data, n)));
    uint8_t *p = (uint8_t *)(uintptr_t)data.p;
    for (size_t at = 4; at < 16; at += at == 7 ? 5 : 1) /* sizes of the container, and of what it holds */
        for (int bit = 0; bit < 8; bit++) {
            p[at] ^= (uint8_t)(1 << bit);
            assert_false(wbcl_fits(data) && at < 8);
            p[at] ^= (uint8_t)(1 << bit);
        }
    for (int depth = 1; depth < LIMIT_WBCL_DEPTH; depth++) {
        assert_true(wbcl_fits(data));
        struct writer outer = wr_open(&arena);
        wr_put(&outer, data);
        data = in_container(SIPA_TRUSTBOUNDARY, &outer);
    }
    assert_false(wbcl_fits(data));
}

static void too_many_kinds(void **state)
{
    struct writer w = wr_open(&arena);

    (void)state;
    for (uint32_t i = 0; i < LIMIT_WBCL_KINDS; i++)
        put_tag(&w, 0x00990000 + i, BYTES_NONE);
    assert_true(wbcl_fits(wr_done(&w)));
    for (int i = 0; i < 100000; i++)
        put_tag(&w, 0x00990000, BYTES_NONE);
    assert_true(wbcl_fits(wr_done(&w)));
    assert_true(strlen(wbcl_text(wr_done(&w), false)) > 300000);
    put_tag(&w, 0x00990000 + LIMIT_WBCL_KINDS, BYTES_NONE);
    assert_false(wbcl_fits(wr_done(&w)));
}

/* Each payload is read, explained, and refused when it is cut or has more behind. */
static void packed_payloads(void **state)
{
    struct writer w[6];
    static const uint32_t ids[] = {SIPA_SI_POLICY,        SIPA_OS_REVOCATION_LIST, SIPA_SBCP_INFO,
                                   SIPA_SI_POLICY_SIGNER, SIPA_MODULE_PLUTON,      SIPA_VSM_IDKS_INFO};
    static const char *const parts[] = {"\"PolicyName\":\"P\",\"HashAlgID\":11,\"Digest\":\"0102\"",
                                        "\"CreationTime\":7,\"HashAlgID\":11,\"Digest\":\"0102\"",
                                        "\"Options\":5,\"SignersCount\":1,\"HashAlgID\":11,\"Digest\":\"0102\"",
                                        "\"Publisher\":\"P\",\"Issuer\":\"I\",\"Digest\":\"01\"",
                                        "\"FileName\":\"f\",\"HashAlgID\":11,\"Digest\":\"0102\"",
                                        "\"Exponent\":\"010001\""};
    uint8_t modulus[256];

    (void)state;
    for (int i = 0; i < 6; i++)
        w[i] = wr_open(&arena);
    wr_u64le(&w[0], 10);
    wr_u16le(&w[0], 4);
    wr_u16le(&w[0], 11);
    wr_u32le(&w[0], 2);
    wr_put(&w[0], wide("P"));
    wr_put(&w[0], BYTES_LIT("\1\2"));
    wr_u64le(&w[1], 7);
    wr_u32le(&w[1], 2);
    wr_u16le(&w[1], 11);
    wr_put(&w[1], BYTES_LIT("\1\2"));
    wr_u32le(&w[2], 1);
    wr_u32le(&w[2], 0x14);
    wr_u16le(&w[2], 11);
    wr_u16le(&w[2], 2);
    wr_u32le(&w[2], 5);
    wr_u32le(&w[2], 1);
    wr_put(&w[2], BYTES_LIT("\1\2"));
    wr_u32le(&w[3], 9);
    wr_u32le(&w[3], 19);
    wr_u16le(&w[3], 1);
    wr_u16le(&w[3], 4);
    wr_u16le(&w[3], 1);
    wr_u16le(&w[3], 1);
    wr_u16le(&w[3], 4);
    wr_u16le(&w[3], 4);
    wr_u32le(&w[3], 11);
    wr_u16le(&w[3], 1);
    wr_put(&w[3], wide("P"));
    wr_put(&w[3], wide("I"));
    wr_put(&w[3], BYTES_LIT("\1"));
    wr_put(&w[3], wide("N"));
    wr_put(&w[3], BYTES_LIT("e"));
    wr_u16le(&w[4], 11);
    wr_u16le(&w[4], 2);
    wr_put(&w[4], BYTES_LIT("\1\2"));
    wr_put(&w[4], bytes_make(arena_alloc(&arena, 62), 62));
    wr_put(&w[4], wide("f"));
    wr_put(&w[4], bytes_make(arena_alloc(&arena, 124), 124));
    memset(modulus, 0xab, sizeof modulus);
    wr_u32le(&w[5], 1);
    wr_u32le(&w[5], 2048);
    wr_u32le(&w[5], 3);
    wr_u32le(&w[5], 256);
    wr_put(&w[5], BYTES_LIT("\1\0\1"));
    wr_put(&w[5], BYTES_OF(modulus));
    for (int i = 0; i < 6; i++) {
        struct writer one = wr_open(&arena), cut = wr_open(&arena);

        put_tag(&one, ids[i], wr_done(&w[i]));
        if (!strstr(wbcl_text(wr_done(&one), true), parts[i]))
            fail_msg("%s", wbcl_text(wr_done(&one), true));
        put_tag(&cut, ids[i], bytes_first(wr_done(&w[i]), w[i].n - 1));
        assert_null(strstr(wbcl_text(wr_done(&cut), true), parts[i]));
        assert_null(strstr(wbcl_text(wr_done(&one), false), parts[i]));
    }
}

static void trust_points(void **state)
{
    struct wbcl_trust_point points[WBCL_TRUST_POINTS];
    struct writer one = wr_open(&arena), several = wr_open(&arena);

    (void)state;
    put_tag(&one, SIPA_AIKID, wide("key"));
    put_tag(&one, SIPA_AIKPUBDIGEST, BYTES_LIT("d"));
    put_tag(&one, SIPA_QUOTE, BYTES_LIT("q"));
    put_tag(&one, SIPA_QUOTESIGNATURE, BYTES_LIT("s"));
    struct bytes point = in_container(SIPA_TRUSTPOINT_AGGREGATION, &one);
    assert_int_equal(wbcl_trust_points(point, points), 1);
    assert_bytes_are(points[0].quote, "q");
    assert_bytes_are(points[0].signature, "s");
    assert_bytes_are(points[0].aik_digest, "d");
    assert_bytes_are(utf16_decode(&arena, points[0].aik), "key");
    for (int i = 0; i < 20; i++)
        wr_put(&several, point);
    assert_int_equal(wbcl_trust_points(in_container(SIPA_TRUSTPOINT_AGGREGATION, &several), points), WBCL_TRUST_POINTS);
    assert_int_equal(wbcl_trust_points(bytes_first(point, point.n - 1), points), 0);
}

/* ------------------------------------------------------------------------------------------------------------ facts */

static void nothing_said(void **state)
{
    (void)state;
    put_separator(&log_text, 0);
    read_facts();
    assert_true(facts.whole && !facts.secure_boot_on && facts.safe_mode == FACT_ABSENT && facts.idks.kind == KEY_NONE);
    boot_facts_read(&logs, DIGEST_SHA256, ALL & ~(1u << 13), &reference, &facts);
    assert_false(facts.whole);
    logs.count = 0;
    boot_facts_read(&logs, DIGEST_SHA256, ALL, &reference, &facts);
    assert_false(facts.whole);
}

static void all_must_say_it(void **state)
{
    (void)state;
    start_windows();
    put_tag(&tags, 0x00040001, BYTES_LIT("\0"));
    put_tag(&tags, 0x00050005, BYTES_LIT("\1"));
    put_tag(&tags, 0x000a0001, BYTES_LIT("\1"));
    put_tag(&tags, 0x000a0007, BYTES_LIT("\1\0\0\0\0\0\0\0"));
    measure(12);
    read_facts();
    assert_true(facts.boot_debugging == FACT_FALSE && facts.safe_mode == FACT_TRUE && facts.vsm_required == FACT_TRUE);
    assert_int_equal(facts.hvci_policy, 1);
    put_tag(&tags, 0x00040001, BYTES_LIT("\1"));
    put_tag(&tags, 0x00050005, BYTES_LIT("\1\1")); /* neither */
    put_tag(&tags, 0x000a0001, BYTES_LIT("\0"));   /* not in this register */
    put_tag(&tags, 0x000a0007, BYTES_LIT("\0"));
    measure(13);
    read_facts();
    assert_true(facts.boot_debugging == FACT_MIXED && facts.safe_mode == FACT_MIXED && facts.vsm_required == FACT_TRUE);
    assert_int_equal(facts.hvci_policy, 0);
}

static void what_comes_late_says_nothing(void **state)
{
    (void)state;
    put_tag(&tags, 0x00040001, BYTES_LIT("\1"));
    measure(12);
    close_register(12);
    put_tag(&tags, 0x00050005, BYTES_LIT("\0"));
    measure(12);
    put_tag(&tags, 0x00050006, BYTES_LIT("\0"));
    measure(8); /* none of Windows' registers */
    read_facts();
    assert_true(facts.boot_debugging == FACT_TRUE && facts.safe_mode == FACT_ABSENT && facts.winpe == FACT_ABSENT);
    assert_true(facts.whole);
}

static void what_is_not_covered_says_nothing(void **state)
{
    (void)state;
    put_tag(&tags, 0x00050005, BYTES_LIT("\0"));
    struct bytes lie = in_container(SIPA_TRUSTBOUNDARY, &tags);
    put_event(&log_text, 12, EV_EVENT_TAG, BYTES_LIT("what was measured"), lie);
    read_facts();
    assert_true(facts.safe_mode == FACT_ABSENT && !facts.whole);
}

/* The newest key counts; one that cannot be used is none. */
static void keys_of_secure_mode(void **state)
{
    uint8_t info[16 + 3 + 256] = {1, 0, 0, 0, 0, 8, 0, 0, 3, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1};

    (void)state;
    start_windows();
    memset(info + 19, 0xab, 256);
    put_tag(&tags, SIPA_VSM_IDKS_INFO, arena_copy(&arena, BYTES_OF(info)));
    measure(12);
    info[19] = 0xcd;
    put_tag(&tags, SIPA_VSM_IDKS_INFO, arena_copy(&arena, BYTES_OF(info)));
    measure(12);
    read_facts();
    assert_true(facts.idks.kind == KEY_RSA && facts.idks.modulus.p[0] == 0xcd);
    put_tag(&tags, SIPA_VSM_IDKS_INFO, BYTES_LIT("\1"));
    measure(13); /* not there */
    close_register(12);
    put_tag(&tags, SIPA_VSM_IDKS_INFO, BYTES_LIT("\1"));
    measure(12); /* too late */
    read_facts();
    assert_int_equal(facts.idks.kind, KEY_RSA);
    put_tag(&tags, SIPA_VSM_IDKS_INFO, BYTES_LIT("\1"));
    measure(19);
    read_facts();
    assert_int_equal(facts.idks.kind, KEY_NONE);
}

static bool claim_of(const struct boot_facts *f, const char *name)
{
    struct claims c;

    claims_init(&c, &arena);
    boot_plain_claims(&c, f);
    assert_int_equal(c.n, 6);
    const struct claim *found = claims_find(&c, bytes_text(name));
    assert_true(found && found->flags == CLAIM_POLICY && found->value.kind == CLAIM_BOOLEAN);
    return found->value.integer;
}

static void plain_claims(void **state)
{
    struct boot_facts f = {0};

    (void)state;
    assert_false(claim_of(&f, "notSafeMode")); /* nothing was read: nothing is known */
    assert_false(claim_of(&f, "bootDebuggingDisabled"));
    f.whole = true;
    assert_true(claim_of(&f, "notSafeMode") && claim_of(&f, "notWinPE"));
    assert_false(claim_of(&f, "secureBootEnabled") || claim_of(&f, "vbsEnabled") || claim_of(&f, "iommuEnabled"));
    f.safe_mode = FACT_MIXED;
    f.winpe = FACT_TRUE;
    f.boot_debugging = FACT_FALSE;
    f.vsm_required = FACT_TRUE;
    f.iommu_required = FACT_TRUE;
    f.secure_boot_on = true;
    assert_false(claim_of(&f, "notSafeMode") || claim_of(&f, "notWinPE"));
    assert_true(claim_of(&f, "secureBootEnabled") && claim_of(&f, "vbsEnabled") && claim_of(&f, "iommuEnabled") &&
                claim_of(&f, "bootDebuggingDisabled"));
    f.vbs_mandatory = FACT_FALSE;
    assert_false(claim_of(&f, "vbsEnabled"));
}

/* ----------------------------------------------------------------------------------------------------------- events */

static const struct json *events(void)
{
    const struct json *root;
    struct fault fault = {0};

    read_facts();
    if (!json_parse(&arena, boot_events_json(&arena, &logs, DIGEST_SHA256, ALL), NULL, &root, &fault))
        fail_msg("%s", fault.text);
    return json_member(root, "Events");
}

static const char *processed(size_t n)
{
    const struct json *event = json_element(events(), n), *data = json_member(event, "ProcessedData");

    assert_non_null(data);
    return arena_string(&arena, json_print(&arena, data, JSON_IN_ORDER));
}

static void variables_speak_in_their_place(void **state)
{
    struct bytes on = variable("SecureBoot", BYTES_LIT("\1")), other = variable("Boot0000", BYTES_LIT("abc"));
    static const char said[] =
        "{\"VariableGuid\":\"8BE4DF61-93CA-11D2-AA0D-00E098032B8C\",\"UnicodeName\":\"SecureBoot\","
        "\"VariableData\":\"AQ\"}";

    (void)state;
    put_event(&log_text, 7, EV_EFI_VARIABLE_DRIVER_CONFIG, on, on);
    put_event(&log_text, 1, EV_EFI_VARIABLE_DRIVER_CONFIG, on, on);                   /* Secure Boot elsewhere */
    put_event(&log_text, 16, EV_EFI_VARIABLE_DRIVER_CONFIG, on, on);                  /* anybody's register */
    put_event(&log_text, 7, EV_EFI_VARIABLE_DRIVER_CONFIG, BYTES_LIT("another"), on); /* not covered */
    put_event(&log_text, 1, EV_EFI_VARIABLE_BOOT, BYTES_LIT("abc"), other);           /* the value alone is */
    put_event(&log_text, 1, EV_EFI_VARIABLE_BOOT, other, other);
    put_event(&log_text, 7, EV_EFI_VARIABLE_AUTHORITY, bytes_first(other, other.n - 1), other);
    put_separator(&log_text, 7);
    put_event(&log_text, 7, EV_EFI_VARIABLE_DRIVER_CONFIG, on, on); /* too late */
    put_event(&log_text, 7, EV_EFI_VARIABLE_AUTHORITY, other, other);
    assert_string_equal(processed(0), said);
    assert_string_equal(processed(1), "null");
    assert_string_equal(processed(2), "null");
    assert_string_equal(processed(3), "null");
    assert_string_equal(processed(4), "{\"VariableData\":\"YWJj\"}");
    assert_non_null(strstr(processed(5), "\"UnicodeName\":\"Boot0000\",\"VariableData\":\"YWJj\""));
    assert_non_null(strstr(processed(6), "\"VariableData\":\"YWI\""));
    assert_string_equal(processed(7), "null");
    assert_string_equal(processed(8), "null");
    assert_non_null(strstr(processed(9), "\"VariableData\":\"YWJj\""));
}

static void tags_speak_in_their_place(void **state)
{
    (void)state;
    put_tag(&tags, 0x00050005, BYTES_LIT("\0"));
    measure(13);
    put_tag(&tags, 0x00050005, BYTES_LIT("\0"));
    measure(11); /* no register of a policy's */
    put_event(&log_text, 12, EV_EVENT_TAG, BYTES_LIT("no tag"), BYTES_LIT("no tag"));
    close_register(13);
    put_tag(&tags, 0x00050005, BYTES_LIT("\0"));
    measure(13);
    assert_string_equal(processed(0), "{\"EVENT_TRUSTBOUNDARY\":{\"EVENT_SAFEMODE\":false}}");
    assert_string_equal(processed(1), "null");
    assert_string_equal(processed(2), "null");
    assert_string_equal(processed(3), "null");
    assert_string_equal(processed(4), "null");
}

/* Only what extends quoted registers is there; sequence numbers count everything, over all logs. */
static void what_an_event_is(void **state)
{
    (void)state;
    put_event(&log_text, 0, EV_NO_ACTION, BYTES_NONE, BYTES_LIT("x"));
    put_separator(&log_text, 0);
    put_event(&log_text, 5, 0x87654321, BYTES_LIT("x"), BYTES_LIT("y"));
    const struct json *list = events();
    assert_int_equal(list->count, 2);
    assert_string_equal(arena_string(&arena, json_print(&arena, json_element(list, 0), JSON_IN_ORDER)),
                        "{\"EventSeq\":2,\"PcrIndex\":0,\"EventType\":4,\"EventTypeString\":\"EV_SEPARATOR\","
                        "\"ProcessedData\":null,\"RawData\":\"AAAAAA\",\"Digests\":{\"SHA256\":"
                        "\"3z9hmASpL9tAVxktxD3XSOp3itxSvEmM6AUkwBS4ERk\"}}");
    assert_non_null(
        strstr(arena_string(&arena, json_print(&arena, json_element(list, 1), JSON_IN_ORDER)),
               "\"EventSeq\":3,\"PcrIndex\":5,\"EventType\":2271560481,\"EventTypeString\":\"EV_UNKNOWN\""));
    assert_true(measured_add(&exam, &logs,
                             BYTES_LIT("10 0c8a706a75a5689c1e168f0a573a3cbec33061b5 ima-ng "
                                       "sha256:e4cb9f5709c88376b5fc3743cd88e76b9aae8f3d992d845678de5215edb31216 "
                                       "/a\n"),
                             true));
    struct bytes text = boot_events_json(&arena, &logs, DIGEST_SHA256, 1u << 10);
    assert_non_null(strstr(arena_string(&arena, text),
                           "{\"EventSeq\":4,\"PcrIndex\":10,\"EventType\":4294967295,\"EventTypeString\":"
                           "\"IMA_MEASUREMENT_EVENT\",\"ProcessedData\":null"));
}

static void registers_of_a_quote(void **state)
{
    static const uint8_t value[SHA256_SIZE] = {0xff, 0xfe};
    struct tpm_selection selection = {.banks = {{SHA256, 1u << 3}, {0x99, 1u << 4}}, .count = 2};
    struct tpm_pcrs pcrs = {.banks = {{.id = SHA256}}, .count = 1};

    (void)state;
    pcrs.banks[0].value[3] = BYTES_OF(value);
    assert_string_equal(
        arena_string(&arena, boot_pcrs_json(&arena, &selection, &pcrs)),
        "{\"PCRs\":[{\"Index\":3,\"Digests\":{\"SHA256\":\"__4AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"},"
        "\"DigestsHex\":{\"SHA256\":\"fffe000000000000000000000000000000000000000000000000000000000000\"}},"
        "{\"Index\":4,\"Digests\":{},\"DigestsHex\":{}}]}");
}

/* ------------------------------------------------------------------------------------------------------------ Linux */

static void loaders_of_linux(void **state)
{
    static const struct {
        uint32_t reg;
        const char *data, *text;
        enum linux_kind kind;
    } texts[] = {{8, "grub_cmd: set x=1", "set x=1", LINUX_GRUB_COMMAND},
                 {8, "kernel_cmdline: /vmlinuz quiet", "/vmlinuz quiet", LINUX_KERNEL_COMMAND_LINE},
                 {8, "module_cmdline: m", "m", LINUX_MODULE_COMMAND_LINE},
                 {8, "grub_kernel_cmdline k", "k", LINUX_KERNEL_COMMAND_LINE},
                 {9, "(hd0,gpt2)/grub.cfg", "(hd0,gpt2)/grub.cfg", LINUX_FILE},
                 {14, "MokList", "MokList", LINUX_MOK_LIST}};
    struct linux_event out;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct event e = {
            .reg = texts[i].reg, .type = EV_IPL, .data = bytes_make(texts[i].data, strlen(texts[i].data) + 1)};

        assert_true(linux_event_read(&arena, &e, &out));
        assert_int_equal(out.kind, texts[i].kind);
        assert_bytes_are(out.text, texts[i].text);
    }
    struct event section = {.reg = 11, .type = EV_IPL, .data = wide(".linux")};
    assert_true(linux_event_read(&arena, &section, &out) && out.kind == LINUX_SECTION);
    assert_bytes_are(out.text, ".linux");
    struct writer w = wr_open(&arena);
    put_tag(&w, 0x8f3b22ed, BYTES_LIT("LOADED_IMAGE::LoadOptions\0"));
    struct event tag = {.reg = 9, .type = EV_EVENT_TAG, .data = wr_done(&w)};
    assert_true(linux_event_read(&arena, &tag, &out) && out.kind == LINUX_TAG);
    assert_bytes_are(out.text, "LOADED_IMAGE::LoadOptions");
    tag.data.n--;
    assert_false(linux_event_read(&arena, &tag, &out));
    struct event bad = {.reg = 8, .type = EV_IPL, .data = BYTES_LIT("\xff\xfe\xff")};
    assert_false(linux_event_read(&arena, &bad, &out));
}

/* A command's text is what is measured, without the word before it. */
static void texts_for_policies(void **state)
{
    (void)state;
    put_event(&log_text, 8, EV_IPL, BYTES_LIT("quiet"), BYTES_LIT("kernel_cmdline: quiet\0"));
    put_event(&log_text, 8, EV_IPL, BYTES_LIT("verbose"), BYTES_LIT("kernel_cmdline: quiet\0"));
    put_event(&log_text, 11, EV_IPL, BYTES_LIT(".linux\0"), wide(".linux"));
    put_event(&log_text, 11, EV_IPL, BYTES_LIT("the kernel"), wide(".linux"));
    put_event(&log_text, 12, EV_IPL, wide("quiet"), wide("quiet"));
    assert_string_equal(processed(0), "{\"Text\":\"quiet\"}");
    assert_string_equal(processed(1), "null");
    assert_string_equal(processed(2), "{\"Text\":\".linux\"}");
    assert_string_equal(processed(3), "null");
    assert_string_equal(processed(4), "{\"Text\":\"quiet\"}");
}

static void wide_text(void **state)
{
    static const struct {
        struct bytes utf16;
        const char *utf8;
    } texts[] = {{BYTES_LIT("a\0b\0\0\0\0\0"), "ab"},
                 {BYTES_LIT("\xe9\0"), "\xc3\xa9"},
                 {BYTES_LIT("\xac\x20"), "\xe2\x82\xac"},
                 {BYTES_LIT("\x3d\xd8\x00\xde"), "\xf0\x9f\x98\x80"},
                 {BYTES_LIT("\x3d\xd8"), "\xef\xbf\xbd"},
                 {BYTES_LIT("\x00\xdc\x61\0"), "\xef\xbf\xbd"
                                               "a"},
                 {BYTES_LIT("a\0b"), "a\xef\xbf\xbd"},
                 {BYTES_LIT(""), ""}};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct bytes made = utf16_decode(&arena, texts[i].utf16);

        assert_bytes_are(made, texts[i].utf8);
        assert_true(utf8_valid(made));
    }
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, begin, tear_down)
    const struct CMUnitTest tests[] = {CASE(each_form),
                                       CASE(containers_and_lists),
                                       CASE(lengths_that_lie),
                                       CASE(too_many_kinds),
                                       CASE(packed_payloads),
                                       CASE(trust_points),
                                       CASE(nothing_said),
                                       CASE(all_must_say_it),
                                       CASE(what_comes_late_says_nothing),
                                       CASE(what_is_not_covered_says_nothing),
                                       CASE(keys_of_secure_mode),
                                       CASE(plain_claims),
                                       CASE(variables_speak_in_their_place),
                                       CASE(tags_speak_in_their_place),
                                       CASE(what_an_event_is),
                                       CASE(registers_of_a_quote),
                                       CASE(loaders_of_linux),
                                       CASE(texts_for_policies),
                                       CASE(wide_text)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
