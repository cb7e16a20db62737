/* Reference values: what settings make of them, and what they then hold. */
#include "arena_test.h"
#include "base/limits.h"
#include "endorsement/exam.h"

#define ISSUER   "did:x509:0:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s::eku:1.3.6.1.4.1.311.76.59.1.2"
#define HEX_32   "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define HEX_48   HEX_32 "202122232425262728292a2b2c2d2e2f"
#define HEX_64   HEX_32 HEX_32
#define HEX_CHIP "0102030405060708"

static uint8_t counting[64];
static struct reference_values values;

static bool set(const char *name, const char *value)
{
    return reference_set(&arena, &values, name, value) == NULL;
}

static void begin(void)
{
    for (size_t i = 0; i < sizeof counting; i++)
        counting[i] = (uint8_t)i;
    values = reference_builtin;
}

static void built_in_ones_stand(void **state)
{
    struct settings settings = SETTINGS_DEFAULT;
    const struct uvm_root *root =
        reference_uvm_root(settings.reference, BYTES_LIT(ISSUER), BYTES_LIT("ContainerPlat-AMD-UVM"));

    (void)state;
    assert_non_null(root);
    assert_int_equal(root->minimum_svn, 100);
    assert_null(reference_uvm_root(settings.reference, BYTES_LIT(ISSUER), BYTES_LIT("ConfAKS-AMD-UVM")));
    for (int list = 0; list < REFERENCE_LISTS; list++)
        for (size_t i = 0; i < reference_builtin.lists[list].count; i++) {
            struct bytes entry = reference_builtin.lists[list].v[i];

            assert_int_equal(entry.n, reference_entry_size((enum reference_list)list));
            assert_true(reference_has(&reference_builtin, (enum reference_list)list, entry));
            assert_true(i == 0 || bytes_compare(reference_builtin.lists[list].v[i - 1], entry) < 0);
        }
    assert_int_equal(reference_builtin.lists[REFERENCE_AZURE_ID_KEYS].count, 7);
    assert_int_equal(reference_builtin.lists[REFERENCE_DENIED_CHIPS].count, 0);
}

static void first_entry_replaces_built_in_ones(void **state)
{
    struct bytes seed = reference_builtin.lists[REFERENCE_AZURE_ID_KEYS].v[0];

    (void)state;
    begin();
    assert_true(reference_has(&values, REFERENCE_AZURE_ID_KEYS, seed));
    assert_true(set("azure_id_key", HEX_48));
    assert_false(reference_has(&values, REFERENCE_AZURE_ID_KEYS, seed));
    assert_true(reference_has(&values, REFERENCE_AZURE_ID_KEYS, bytes_make(counting, 48)));
    assert_false(set("azure_id_key", HEX_48));
    assert_true(set("azure_mrtd", "none"));
    assert_int_equal(values.lists[REFERENCE_AZURE_MRTDS].count, 0);
    assert_false(set("azure_mrtd", "none"));
    for (size_t i = 0; i < 4; i++) {
        static const char *const names[] = {"secure_boot_pk", "secure_boot_kek", "secure_boot_db", "secure_boot_dbx"};
        enum reference_list list = (enum reference_list)(REFERENCE_SECURE_BOOT_PK + (int)i);

        assert_true(values.lists[list].count > 0);
        assert_false(set(names[i], HEX_48));
        assert_true(set(names[i], HEX_32));
        assert_int_equal(values.lists[list].count, 1);
    }
    assert_true(set("uvm_root", "a b 0"));
    assert_int_equal(values.uvm_root_count, 1);
    assert_non_null(reference_uvm_root(&values, BYTES_LIT("a"), BYTES_LIT("b")));
    assert_null(reference_uvm_root(&values, BYTES_LIT("b"), BYTES_LIT("a")));
    assert_false(set("uvm_root", "none"));
    begin();
    assert_true(set("uvm_root", "none"));
    assert_int_equal(values.uvm_root_count, 0);
}

static void a_chip_of_turin_has_zeros_behind(void **state)
{
    uint8_t chip[64] = {1, 2, 3, 4, 5, 6, 7, 8};

    (void)state;
    begin();
    assert_true(set("denied_chip", HEX_CHIP));
    assert_true(set("denied_chip", HEX_64));
    assert_true(reference_has(&values, REFERENCE_DENIED_CHIPS, BYTES_OF(chip)));
    chip[63] = 1;
    assert_false(reference_has(&values, REFERENCE_DENIED_CHIPS, BYTES_OF(chip)));
}

static void wrong_settings_change_nothing(void **state)
{
    static const char *const wrong[][2] = {
        {"uvm_root", ""},
        {"uvm_root", "a b"},
        {"uvm_root", "a b c"},
        {"uvm_root", "a b -1"},
        {"uvm_root", "a b 4294967296"},
        {"uvm_root", "a b 1 2"},
        {"azure_id_key", HEX_32},
        {"azure_id_key", HEX_64},
        {"azure_mrtd", "zz"},
        {"denied_chip", "none"},
        {"denied_chip", HEX_48},
        {"denied_platform", HEX_32 "00"},
        {"denied_platform", ""},
        {"minimum_tcb", "Milan"},
        {"minimum_tcb", "Naples snp=1"},
        {"minimum_tcb", "Milan snp=0"},
        {"minimum_tcb", "Milan snp=256"},
        {"minimum_tcb", "Milan snp=1 snp=2"},
        {"minimum_tcb", "Milan fmc=1"},
        {"minimum_tcb", "Milan ucode=1"},
        {"minimum_tcb", "Milan snp="},
        {"denied", "x"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        begin();
        const char *allowed = reference_set(&arena, &values, wrong[i][0], wrong[i][1]);
        if (!allowed)
            fail_msg("%s = %s was taken", wrong[i][0], wrong[i][1]);
        assert_memory_equal(&values, &reference_builtin, sizeof values);
    }
}

static void lists_are_bounded_and_stay_in_order(void **state)
{
    uint8_t entry[16] = {0};

    (void)state;
    begin();
    for (uint32_t i = 0; i < LIMIT_REFERENCE_ENTRIES; i++) {
        uint32_t mixed = i * 2654435761u; /* a bijection: each once, in no order */

        memcpy(entry, &mixed, sizeof mixed);
        assert_true(reference_add(&arena, &values, REFERENCE_DENIED_PLATFORMS, BYTES_OF(entry)));
        assert_false(reference_add(&arena, &values, REFERENCE_DENIED_PLATFORMS, BYTES_OF(entry)));
    }
    entry[15] = 1;
    assert_false(reference_add(&arena, &values, REFERENCE_DENIED_PLATFORMS, BYTES_OF(entry)));
    const struct reference_entries *e = &values.lists[REFERENCE_DENIED_PLATFORMS];
    for (size_t i = 1; i < e->count; i++)
        assert_true(bytes_compare(e->v[i - 1], e->v[i]) < 0);
    for (size_t i = 0; i < LIMIT_UVM_ROOTS; i++)
        assert_true(set("uvm_root", arena_printf(&arena, "a%zu b 1", i)));
    assert_false(set("uvm_root", "a b 1"));
}

static void minimum_tcb_is_by_component(void **state)
{
    struct snp_tcb tcb = {.bootloader = 3, .tee = 0, .snp = 8, .microcode = 115};

    (void)state;
    begin();
    assert_true(snp_tcb_at_least(&tcb, &values.minimum_tcb[SNP_MILAN]));
    assert_true(set("minimum_tcb", "milan bootloader=3, snp=8 microcode=115"));
    assert_false(set("minimum_tcb", "Milan snp=9"));
    assert_true(set("minimum_tcb", "Turin fmc=1"));
    assert_int_equal(values.minimum_tcb[SNP_TURIN].fmc, 1);
    assert_int_equal(values.minimum_tcb[SNP_GENOA].snp, 0);
    assert_true(snp_tcb_at_least(&tcb, &values.minimum_tcb[SNP_MILAN]));
    tcb.microcode = 255;
    tcb.snp = 7;
    assert_false(snp_tcb_at_least(&tcb, &values.minimum_tcb[SNP_MILAN]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_in_ones_stand),
        cmocka_unit_test(first_entry_replaces_built_in_ones),
        cmocka_unit_test(a_chip_of_turin_has_zeros_behind),
        cmocka_unit_test(wrong_settings_change_nothing),
        cmocka_unit_test(lists_are_bounded_and_stay_in_order),
        cmocka_unit_test(minimum_tcb_is_by_component),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
