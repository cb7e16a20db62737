/* The vendor's sample policies over the events of real boots: what each issues is what the log says, read here once more in another
 * way: flat, without names, by the rules of tpm-vbs.md 1.6. */
#include "boot_sample.h"

#include "base/text.h"
#include "policy/policy.h"

enum {
    TRUSTBOUNDARY = 0x40010001,
    MODULE = 0x40010003,
    APPLICATION_SVN = 0x00020009,
    BITLOCKER = 0x00020005,
    BOOTDEBUGGING = 0x00040001,
    KERNELDEBUG = 0x00050001,
    CODEINTEGRITY = 0x00050002,
    DEP = 0x00050004,
    SAFEMODE = 0x00050005,
    WINPE = 0x00050006,
    SI_POLICY = 0x0005000f,
    FILEPATH = 0x00070001,
    VSM = 0x000a0001,
    IOMMU = 0x000a0003,
    MANDATORY = 0x000a0006,
    HVCI = 0x000a0007,
    TOLD_MAX = 16384,
};
#define BOTH_PAIRS (1u << 12 | 1u << 13 | 1u << 19 | 1u << 20)
#define FIRST_PAIR (1u << 12 | 1u << 19)

/* What Windows said, in a trust boundary or in a module of one. */
static struct told {
    uint32_t reg, id, within;
    bool closed;
    struct bytes data;
} told[TOLD_MAX];
static size_t told_count;
static struct boot_sample sample;

static uint32_t number32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void flatten(uint32_t reg, uint32_t within, struct bytes data, bool closed)
{
    while (data.n >= 8) {
        uint32_t id = number32(data.p), n = number32(data.p + 4);

        assert_true(n <= data.n - 8 && told_count < TOLD_MAX);
        struct bytes inner = bytes_make(data.p + 8, n);
        told[told_count++] = (struct told){reg, id, within, closed, inner};
        if (id & 0x40000000)
            flatten(reg, id, inner, closed);
        data = bytes_after(data, 8 + n);
    }
}

static void read_windows(void)
{
    const struct event_log *log = &sample.logs.logs[0].tcg;
    uint32_t closed = 0;

    told_count = 0;
    for (size_t i = 0; i < log->count; i++) {
        const struct event *e = &log->events[i];

        if (e->reg >= 12 && e->reg <= 14 && e->type == EV_SEPARATOR)
            closed |= 1u << e->reg;
        if (e->type == EV_EVENT_TAG && (e->reg == 12 || e->reg == 13 || e->reg == 14))
            flatten(e->reg, 0, e->data, closed != 0);
    }
}

static bool in(const struct told *t, uint32_t id, uint32_t registers)
{
    return t->within == TRUSTBOUNDARY && t->id == id && registers >> t->reg & 1;
}

static uint64_t number(struct bytes b)
{
    uint64_t v = 0;

    for (size_t i = b.n; i-- > 0;)
        v = v << 8 | b.p[i];
    return v;
}

/* All of them hold this value, and there is one; `absent` where there is none. */
static bool all_are(uint32_t id, uint32_t registers, uint64_t value, bool absent)
{
    bool any = false;

    for (size_t i = 0; i < told_count; i++) {
        if (!in(&told[i], id, registers))
            continue;
        if (number(told[i].data) != value)
            return false;
        any = true;
    }
    return any || absent;
}

static bool any_told(uint32_t id, uint32_t registers)
{
    for (size_t i = 0; i < told_count; i++)
        if (in(&told[i], id, registers))
            return true;
    return false;
}

static uint64_t first_not_zero(uint32_t id, uint32_t registers)
{
    for (size_t i = 0; i < told_count; i++)
        if (in(&told[i], id, registers) && number(told[i].data))
            return number(told[i].data);
    return 0;
}

static uint64_t last(uint32_t id, uint32_t registers)
{
    uint64_t value = 0;

    for (size_t i = 0; i < told_count; i++)
        if (in(&told[i], id, registers))
            value = number(told[i].data);
    return value;
}

/* Every second byte: paths of Windows are ASCII. */
static const char *narrow(struct bytes utf16)
{
    char *text = arena_alloc(&arena, utf16.n / 2 + 1);

    for (size_t i = 0; i < utf16.n / 2; i++)
        text[i] = (char)utf16.p[2 * i];
    return text;
}

static bool secure_boot(void)
{
    const struct event_log *log = &sample.logs.logs[0].tcg;
    static const char name[] = "S\0e\0c\0u\0r\0e\0B\0o\0o\0t";
    size_t count = 0;
    bool on = false;

    for (size_t i = 0; i < log->count; i++) {
        const struct event *e = &log->events[i];

        if (e->type != EV_EFI_VARIABLE_DRIVER_CONFIG || e->reg != 7 || !memmem(e->data.p, e->data.n, name, sizeof name))
            continue;
        count++;
        on = e->data.n == 53 && e->data.p[52] == 1;
    }
    return count == 1 && on;
}

/* ---------------------------------------------------------------------------------------------------------- policies */

/* What was issued, as JSON; what is not "permit" is in *decision. */
static struct json *run(struct bytes text, const char *name, enum policy_decision *decision)
{
    const struct policy *policy;
    struct policy_error error;
    struct policy_run r;
    struct claims incoming;
    struct boot_facts facts;

    if (!policy_parse(&arena, text, &policy, &error))
        fail_msg("%s: %s", name, arena_string(&arena, policy_error_message(&arena, &error)));
    claims_init(&incoming, &arena);
    boot_facts_read(&sample.logs, sample.bank, sample.quoted, &reference_builtin, &facts);
    boot_plain_claims(&incoming, &facts);
    claims_boolean(&incoming, "aikValidated", true, CLAIM_POLICY);
    claims_text(&incoming, "events", boot_events_json(&arena, &sample.logs, sample.bank, sample.quoted), CLAIM_POLICY);
    claims_text(&incoming, "pcrs", boot_pcrs_json(&arena, &sample.selection, &sample.pcrs),
                CLAIM_POLICY | CLAIM_READ_ONLY);
    policy_start(&r, policy, &arena, &incoming);
    bool permitted = policy_configure(&r) && policy_decide(&r);
    if (r.decision == POLICY_ERROR)
        fail_msg("%s: %s", name, arena_string(&arena, r.error));
    assert_true(permitted == (r.decision == POLICY_PERMIT));
    *decision = r.decision;
    return claims_object(&arena, &r.outgoing, 0);
}

static const char *expected; /* being built: members of the object, in the order of their names */

static void expect_text(const char *name, const char *json)
{
    expected = arena_printf(&arena, "%s%s\"%s\":%s", expected, *expected ? "," : "", name, json);
}

static void expect_bool(const char *name, bool v)
{
    expect_text(name, v ? "true" : "false");
}

static void expect_number(const char *name, uint64_t v)
{
    expect_text(name, arena_printf(&arena, "%llu", (unsigned long long)v));
}

static void code_integrity(void)
{
    expect_bool("codeIntegrityEnabled", all_are(CODEINTEGRITY, BOTH_PAIRS, 1, false));
}

static void bitlocker(void)
{
    expect_number("bitlockerStatus", first_not_zero(BITLOCKER, FIRST_PAIR));
}

static void boot_debugging(void)
{
    expect_bool("bootDebuggingDisabled", all_are(BOOTDEBUGGING, BOTH_PAIRS, 0, false));
}

static void kernel_debugging(void)
{
    expect_bool("osKernelDebuggingDisabled", all_are(KERNELDEBUG, BOTH_PAIRS, 0, false));
}

static void dep(void)
{
    expect_number("depPolicy", last(DEP, BOTH_PAIRS));
}

/* The vendor's query asks whether a list is null, which it never is. */
static void elam(void)
{
    expect_bool("elamDriverLoaded", true);
}

static void iommu(void)
{
    expect_bool("iommuEnabled", all_are(IOMMU, BOTH_PAIRS, 1, false));
}

static bool vbs_enabled(void)
{
    bool any = any_told(VSM, FIRST_PAIR) || any_told(MANDATORY, FIRST_PAIR);

    return any && all_are(VSM, FIRST_PAIR, 1, true) && all_are(MANDATORY, FIRST_PAIR, 1, true);
}

static void vbs(void)
{
    expect_bool("vbsEnabled", vbs_enabled());
    expect_bool("vsmEnabled", vbs_enabled());
}

static void safe_mode(void)
{
    expect_bool("notSafeMode", all_are(SAFEMODE, BOTH_PAIRS, 0, true));
}

static void winpe(void)
{
    expect_bool("notWinPE", all_are(WINPE, BOTH_PAIRS, 0, true));
}

/* A comment has swallowed the rule that the others stand on. */
static void nothing(void) {}

static void boot_manager(void)
{
    for (size_t i = 0; i < told_count; i++)
        if (in(&told[i], APPLICATION_SVN, 1u << 12) && !told[i].closed) {
            expect_number("bootMgrSvn", number(told[i].data));
            return;
        }
}

static void si_policies(void)
{
    const char *list = "", *only = NULL;
    struct bytes seen[64];
    size_t count = 0;

    for (size_t i = 0; i < told_count; i++) {
        bool again = false;

        if (!in(&told[i], SI_POLICY, 1u << 13))
            continue;
        for (size_t n = 0; n < count; n++)
            again = again || bytes_equal(seen[n], told[i].data);
        if (again)
            continue;
        assert_true(count < 64);
        seen[count++] = told[i].data;
        only = arena_printf(&arena, "\"%s\"", arena_string(&arena, base64url_encode(&arena, told[i].data)));
        list = arena_printf(&arena, "%s%s%s", list, *list ? "," : "", only);
    }
    if (count)
        expect_text("codeIntegrityPolicy", count == 1 ? only : arena_printf(&arena, "[%s]", list));
}

static void drtm(void)
{
    expect_bool("drtmMleValid", false); /* no log of a dynamic launch is public */
}

static void hvci_and_driver(void)
{
    expect_bool("MaliciousDriverLoaded", true); /* a list that is not null, as above */
    expect_bool("hvciEnabled", all_are(HVCI, FIRST_PAIR, 1, false));
}

static void driver_list(void)
{
    const char *list = "";

    for (size_t i = 0; i < told_count; i++) {
        struct writer w = wr_open(&arena);

        if (told[i].id != FILEPATH || told[i].within != MODULE)
            continue;
        wr_json_string(&w, bytes_text(narrow(told[i].data)));
        list = arena_printf(&arena, "%s%s%s", list, *list ? "," : "", arena_string(&arena, wr_done(&w)));
    }
    expect_text("DriverLoadPolicy", "\"null\""); /* asks for "events", which is written "Events" */
    struct writer text = wr_open(&arena);
    wr_json_string(&text, bytes_text(arena_printf(&arena, "[%s]", list)));
    expect_text("alldriverloads", arena_string(&arena, wr_done(&text)));
}

static void sample_v12(void)
{
    expect_bool("BitlockerStatus", first_not_zero(BITLOCKER, FIRST_PAIR) != 0);
    expect_bool("CodeIntegrityEnabled", all_are(CODEINTEGRITY, BOTH_PAIRS, 1, false));
    expect_bool("ELAMDriverLoaded", true);
    expect_bool("SecureBootEnabled", secure_boot());
    expect_bool("aikValidated", true);
}

static void windows_critical(void)
{
    expect_bool("bootDebuggingDisabled", false); /* the rule that fills what it looks at is not there */
    expect_bool("drtmMleValid", false);
    expect_bool("secureBootEnabled", secure_boot());
    expect_bool("vbsEnabled", vbs_enabled());
}

static void attested(bool yes)
{
    if (yes)
        expect_bool("PlatformAttested", true);
}

static void simple(void)
{
    attested(secure_boot());
}

static void v10(void)
{
    attested(secure_boot() && all_are(BOOTDEBUGGING, BOTH_PAIRS, 0, false) && all_are(SAFEMODE, BOTH_PAIRS, 0, true));
}

static void sample_v10(void)
{
    attested(secure_boot() && all_are(BOOTDEBUGGING, BOTH_PAIRS, 0, false) && all_are(SAFEMODE, BOTH_PAIRS, 0, true) &&
             all_are(WINPE, BOTH_PAIRS, 0, true) && vbs_enabled());
}

static const struct row {
    const char *policy;
    void (*expect)(void);
    enum policy_decision decision;
} rows[] = {
    {"frag-v12-code-integrity", code_integrity, POLICY_PERMIT},
    {"frag-v12-bitlocker-boot-state", bitlocker, POLICY_PERMIT},
    {"frag-v12-boot-debugging", boot_debugging, POLICY_PERMIT},
    {"frag-v12-kernel-debugging", kernel_debugging, POLICY_PERMIT},
    {"frag-v12-data-execution-prevention-dep-policy", dep, POLICY_PERMIT},
    {"frag-v12-early-launch-antimalware-elam", elam, POLICY_PERMIT},
    {"frag-v12-input-output-memory-management-unit-iomm", iommu, POLICY_PERMIT},
    {"frag-v12-virtual-secure-mode-vbs", vbs, POLICY_PERMIT},
    {"frag-v12-safe-mode", safe_mode, POLICY_PERMIT},
    {"frag-v12-winpe-boot", winpe, POLICY_PERMIT},
    {"frag-v12-boot-manager-version", nothing, POLICY_PERMIT},
    {"frag-v12-code-integrity-ci-policy", si_policies, POLICY_PERMIT},
    {"frag-v12-secure-boot-configuration-policy-hash-sb", nothing, POLICY_PERMIT}, /* no log has CurrentPolicy */
    {"frag-v12-system-guard-drtm-validation-and-smm-lev", drtm, POLICY_PERMIT},
    {"doc-tpm-concepts-hvci-malicious-driver", hvci_and_driver, POLICY_PERMIT},
    {"doc-tpm-driver-list", driver_list, POLICY_PERMIT},
    {"doc-tpm-sample-v12-boot", sample_v12, POLICY_PERMIT},
    {"doc-tpm-windows-critical", windows_critical, POLICY_PERMIT},
    {"doc-tpm-known-pcrs", nothing, POLICY_NO_PERMIT}, /* compares with text that ends in a blank */
    {"doc-tpm-concepts-simple", simple, POLICY_PERMIT},
    {"doc-v10-tpm-platformattested", v10, POLICY_PERMIT},
    {"doc-v11-tpm-configrules", v10, POLICY_PERMIT},
    {"doc-tpm-sample-v10", sample_v10, POLICY_PERMIT},
};

static const struct boot {
    const char *file;
    bool secure_boot, windows;
} boots[] = {
    {"tpm/guard-latitude-7520/eventlog-0.bin", false, true},
    {"tpm/guard-dell-notebook-5eventlogs-WBCL/eventlog-4.bin", false, true},
    {"tpm/guard-IMN-DELL-WBCL-BootCtrs/eventlog-0.bin", true, true},
    {"tpm/guard-IMN-SUPERMICRO-no-epp/eventlog-0.bin", false, true},
    {"tpm/goattestation-gcp-windows-shielded/eventlog.bin", true, true},
    {"azure-vtpm/guest-requests/windows.tcglog.bin", true, true},
    {"azure-vtpm/guest-requests/linux.tcglog.bin", true, false},
    {"tpm/guard-ludmilla/eventlog-0.bin", false, false},
    {"tpm/guard-good-1/eventlog-0.bin", true, false},
    {"eventlog/tpm2tools-event-sd-boot-fedora37.bin", false, false},
    {"eventlog/gotpmtools-ubuntu-2404-amd-sevsnp.bin", false, false},
    {"eventlog/guard-windows_event_log.bin", true, true},
    {"eventlog/guard-tpm12_windows_lenovo_x1carbonv3.bin", true, true},
};

static void compare(const char *file, const char *name, struct bytes text, void (*expect)(void),
                    enum policy_decision decision)
{
    enum policy_decision found;

    expected = "";
    expect();
    struct bytes issued = json_print(&arena, run(text, name, &found), JSON_SORTED);
    const char *all = arena_printf(&arena, "{%s}", expected);
    if (found != decision || !bytes_is(issued, all))
        fail_msg("%s, %s: %s, %s, not %s", file, name, policy_decision_name(found), arena_string(&arena, issued), all);
}

static void a_boot(const struct boot *b)
{
    sample_read(&sample, b->file);
    sample_good(&sample, b->file);
    read_windows();
    if (b->secure_boot != secure_boot() || b->windows != (told_count > 0))
        fail_msg("%s is not what the table says", b->file);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *path = arena_printf(&arena, "corpus/policies/%s.txt", rows[i].policy);

        compare(b->file, rows[i].policy, read_shared(&arena, path), rows[i].expect, rows[i].decision);
    }
    /* What the boot manager's version would be, were the comment ended. */
    char *text = arena_string(&arena, read_shared(&arena, "corpus/policies/frag-v12-boot-manager-version.txt"));
    char *swallowed = strstr(text, "SVNc:[");
    assert_non_null(swallowed);
    memcpy(swallowed, "SV\nc:[", 6);
    compare(b->file, "frag-v12-boot-manager-version, mended", bytes_text(text), boot_manager, POLICY_PERMIT);
}

static void every_policy_over_every_boot(void **state)
{
    (void)state;
    NEED_SHARED("boot logs and sample policies");
    for (size_t i = 0; i < sizeof boots / sizeof *boots; i++) {
        a_boot(&boots[i]);
        tear_down(NULL);
        set_up(NULL);
    }
    print_message("# %zu policies over %zu boots\n", sizeof rows / sizeof *rows + 1, sizeof boots / sizeof *boots);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_policy_over_every_boot, set_up, tear_down)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
