/* Which system was booted, by who let it start: what speaks for Windows is believed of Windows alone. */
#include "boot_windows.h"

#include "evidence/azure_guest_claims.h"

/* What Windows would say of itself, and a key of secure mode. */
static void praise_windows(void)
{
    uint8_t info[16 + 3 + 256] = {1, 0, 0, 0, 0, 8, 0, 0, 3, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0xab};

    memset(info + 19, 0xab, 256);
    put_tag(&tags, 0x00040001, BYTES_LIT("\0"));
    put_tag(&tags, 0x000a0001, BYTES_LIT("\1"));
    put_tag(&tags, 0x000a0003, BYTES_LIT("\1"));
    put_tag(&tags, 0x000a0006, BYTES_LIT("\1"));
    put_tag(&tags, 0x000a0007, BYTES_LIT("\1\0\0\0\0\0\0\0"));
    put_tag(&tags, 0x00090001, BYTES_LIT("E\0"));
    put_tag(&tags, SIPA_VSM_IDKS_INFO, arena_copy(&arena, BYTES_OF(info)));
    measure(12);
}

static bool praised(void)
{
    read_facts();
    bool all = facts.windows && facts.boot_debugging == FACT_FALSE && facts.vsm_required == FACT_TRUE &&
               facts.vbs_mandatory == FACT_TRUE && facts.iommu_required == FACT_TRUE && facts.elam == FACT_TRUE &&
               facts.hvci_policy == 1 && facts.idks.kind == KEY_RSA;
    bool none = !facts.windows && facts.boot_debugging == FACT_ABSENT && facts.vsm_required == FACT_ABSENT &&
                facts.vbs_mandatory == FACT_ABSENT && facts.iommu_required == FACT_ABSENT &&
                facts.elam == FACT_ABSENT && facts.hvci_policy == 0 && facts.idks.kind == KEY_NONE;
    assert_true(all != none);
    return all;
}

/* Whoever runs another system can measure all that Windows would, and call events what he likes. */
static void other_systems_praise_in_vain(void **state)
{
    static const struct bytes stranger = {(const uint8_t *)"owner of 16 byte stranger", 25}, none = {NULL, 0};
    const struct {
        const char *secure_boot;
        struct bytes early, first, second; /* before the separator, and behind it */
        uint32_t type;                     /* of the first */
        bool windows, other;
    } cases[] = {
        {"\1", none, LOADER, none, EV_EFI_VARIABLE_AUTHORITY, true, false},
        {"\1", none, LOADER, LOADER, EV_EFI_VARIABLE_AUTHORITY, true, false},
        {"\1", none, none, none, 0, false, false},
        {"\1", none, stranger, none, EV_EFI_VARIABLE_AUTHORITY, false, true},
        {"\1", none, stranger, LOADER, EV_EFI_VARIABLE_AUTHORITY, false, true}, /* measured later */
        {"\1", none, LOADER, stranger, EV_EFI_VARIABLE_AUTHORITY, false, false},
        {"\1", none, stranger, LOADER, 0x80000007, false, false}, /* called an action */
        {"\0", none, LOADER, none, EV_EFI_VARIABLE_AUTHORITY, false, false},
        {"\1", LOADER, none, none, 0, false, false}, /* nothing has been let start yet */
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin(state);
        praise_windows();
        put_secure_boot(&log_text, bytes_make(cases[i].secure_boot, 1));
        if (cases[i].early.n)
            put_authority(EV_EFI_VARIABLE_AUTHORITY, cases[i].early);
        put_separator(&log_text, PCR_SECURE_BOOT);
        if (cases[i].first.n)
            put_authority(cases[i].type, cases[i].first);
        if (cases[i].second.n)
            put_authority(EV_EFI_VARIABLE_AUTHORITY, cases[i].second);
        assert_int_equal(praised(), cases[i].windows);
        assert_int_equal(facts.other_system, cases[i].other);
        tear_down(state);
    }
}

/* What a request calls its system is signed by nobody: a Windows with a debugger would call itself Linux, and quote the firmware's
 * registers alone. */
static void a_name_does_not_switch_debuggers_off(void **state)
{
    const struct {
        const char *secure_boot, *authority;
        bool disabled;
    } cases[] = {{"\1", "owner of 16 byte stranger", true},
                 {"\1", "owner of 16 byte certificate", false}, /* Windows' */
                 {"\1", NULL, false},
                 {"\0", "owner of 16 byte stranger", false}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct settings settings = SETTINGS_DEFAULT;

        begin(state);
        put_secure_boot(&log_text, bytes_make(cases[i].secure_boot, 1));
        put_separator(&log_text, PCR_SECURE_BOOT);
        if (cases[i].authority)
            put_authority(EV_EFI_VARIABLE_AUTHORITY, bytes_text(cases[i].authority));
        read_facts();
        struct guest_evidence *e = ARENA_NEW(&arena, struct guest_evidence);
        e->measured = logs;
        e->request.os_type = BYTES_LIT("Linux");
        e->request.pcr_set = 0xff;
        settings.reference = &reference;
        exam.settings = &settings;
        claims_init(&exam.incoming, &arena);
        guest_claims(&exam, e);
        assert_int_equal(claims_find(&exam.incoming, BYTES_LIT("x-ms-azurevm-debuggersdisabled"))->value.integer,
                         cases[i].disabled);
        assert_int_equal(claims_find(&exam.incoming, BYTES_LIT("x-ms-azurevm-signingdisabled"))->value.integer,
                         cases[i].disabled);
        tear_down(state);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(other_systems_praise_in_vain),
                                       cmocka_unit_test(a_name_does_not_switch_debuggers_off)};

    return cmocka_run_group_tests_name("boot_systems", tests, NULL, NULL);
}
