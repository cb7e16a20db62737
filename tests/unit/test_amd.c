/* AMD's endorsements without the corpus: built-in keys, TCB versions by component, extensions of VCEKs and VLEKs to the letter,
 * reports field by field. (Chains: test_snp_evidence, and tests/vectors.) */
#include "issue.h"

#include "crypto/x509_parts.h"
#include "evidence/parts/snp_report.h"

#define AMD      "1.3.6.1.4.1.3704.1."
#define CHIP_8   "0102030405060708"
#define CHIP_64  CHIP_8 CHIP_8 CHIP_8 CHIP_8 CHIP_8 CHIP_8 CHIP_8 CHIP_8
#define PROVIDER "ASN1:IA5STRING:CN=cc-us-east-2.amazonaws.com"

static void built_in_keys(void **state)
{
    enum snp_product product;
    enum amd_role role;

    (void)state;
    for (int p = 0; p < SNP_PRODUCT_COUNT; p++)
        for (int r = 0; r < AMD_ROLES; r++) {
            const struct certificate *c = amd_authority(&arena, (enum snp_product)p, (enum amd_role)r);
            struct bytes spki = public_key_spki(&arena, &c->key);
            struct public_key key;
            uint8_t digest[SHA256_SIZE];

            assert_true(public_key_decode(&arena, spki, &key));
            assert_int_equal(key.kind, KEY_RSA);
            assert_int_equal(key.modulus.n, 512);
            sha256(spki, digest);
            assert_memory_equal(digest, amd_authority_spki((enum snp_product)p, (enum amd_role)r), SHA256_SIZE);
            assert_memory_equal(digest, c->spki_digest, SHA256_SIZE);
            assert_true(amd_authority_by_name(c->subject_cn, &product, &role));
            assert_true((int)product == p && (int)role == r);
            assert_bytes_equal(c->subject_cn, x509_common_name(c->subject));
            assert_int_equal(c->serial.p[0], p + 1); /* their numbers begin with that of the product */
        }
    assert_false(amd_authority_by_name(BYTES_LIT("ARK-Venice"), &product, &role));
}

static void tcb_layouts(void **state)
{
    const struct bytes raw = BYTES_LIT("\x01\x02\x03\x04\x05\x06\x07\xd2");
    struct snp_tcb milan = snp_tcb_read(SNP_MILAN, raw), turin = snp_tcb_read(SNP_TURIN, raw);

    (void)state;
    assert_true(milan.bootloader == 1 && milan.tee == 2 && milan.snp == 7 && milan.microcode == 0xd2 && milan.fmc == 0);
    assert_true(turin.fmc == 1 && turin.bootloader == 2 && turin.tee == 3 && turin.snp == 4 && turin.microcode == 0xd2);
    assert_bytes_are(snp_tcb_name(&arena, raw), "d207060504030201");
    assert_bytes_equal(snp_tcb_raw(&arena, SNP_GENOA, &milan), BYTES_LIT("\x01\x02\0\0\0\0\x07\xd2"));
    assert_bytes_equal(snp_tcb_raw(&arena, SNP_TURIN, &turin), BYTES_LIT("\x01\x02\x03\x04\0\0\0\xd2"));
    /* Not as one number: each component by itself. */
    struct snp_tcb lower = milan, mixed = milan;
    lower.microcode--;
    mixed.microcode++;
    mixed.bootloader--;
    assert_true(snp_tcb_at_least(&milan, &lower) && !snp_tcb_at_least(&lower, &milan));
    assert_true(!snp_tcb_at_least(&milan, &mixed) && !snp_tcb_at_least(&mixed, &milan));
    assert_true(snp_tcb_equal(&milan, &milan) && !snp_tcb_equal(&milan, &lower));
}

/* Extensions of a good VCEK of Milan, and of a good one of Turin. */
static const char *const milan[][2] = {{AMD "1", "ASN1:INTEGER:0"},     {AMD "2", "ASN1:IA5STRING:Milan-B0"},
                                       {AMD "3.1", "ASN1:INTEGER:3"},   {AMD "3.2", "ASN1:INTEGER:0"},
                                       {AMD "3.3", "ASN1:INTEGER:8"},   {AMD "3.4", "ASN1:INTEGER:0"},
                                       {AMD "3.8", "ASN1:INTEGER:219"}, {AMD "4", "DER:" CHIP_64}};
static const char *const turin[][2] = {{AMD "1", "ASN1:INTEGER:1"},    {AMD "2", "ASN1:IA5STRING:Turin"},
                                       {AMD "3.1", "ASN1:INTEGER:1"},  {AMD "3.2", "ASN1:INTEGER:1"},
                                       {AMD "3.3", "ASN1:INTEGER:4"},  {AMD "3.9", "ASN1:INTEGER:2"},
                                       {AMD "3.8", "ASN1:INTEGER:81"}, {AMD "4", "DER:" CHIP_8}};
enum { MEMBERS = sizeof milan / sizeof *milan };

/* The certificate with one member changed (value NULL: left out) or added. */
static bool decodes(const char *name, const char *const members[MEMBERS][2], const char *changed, const char *value,
                    struct amd_leaf *out)
{
    static EVP_PKEY *key;
    struct recipe r = {
        .subject = name, .issuer = "SEV-Milan", .not_before = 1600000000, .not_after = 1900000000, .version = 2};
    struct fault fault = {0};
    const struct certificate *c;
    bool there = false;
    int n = 0;

    key = key ? key : EVP_EC_gen("P-384");
    r.key = r.issuer_key = key;
    r.digest = EVP_sha384();
    for (int i = 0; i < MEMBERS; i++) {
        bool this = changed && strcmp(members[i][0], changed) == 0;

        there |= this;
        if (this && !value)
            continue;
        r.extensions[n][0] = members[i][0];
        r.extensions[n++][1] = this ? value : members[i][1];
    }
    if (changed && value && !there) {
        r.extensions[n][0] = changed;
        r.extensions[n][1] = value;
    }
    assert_true(certificate_decode(&arena, issue(&r), &c, &fault));
    bool ok = amd_leaf_decode(c, out, &fault);
    assert_true(ok == !*fault.text);
    return ok;
}

static void leaves(void **state)
{
    struct amd_leaf l;

    (void)state;
    assert_true(decodes("SEV-VCEK", milan, NULL, NULL, &l));
    assert_true(!l.vlek && l.product == SNP_MILAN && l.tcb.bootloader == 3 && l.tcb.snp == 8 && l.tcb.microcode == 219);
    assert_bytes_equal(l.hw_id, hex(CHIP_64));
    assert_bytes_equal(l.hw_id, BYTES_OF(l.chip_id));
    assert_true(decodes("SEV-VCEK", milan, AMD "4", "DER:0440" CHIP_64, &l)); /* a proper OCTET STRING */
    assert_bytes_equal(l.hw_id, hex(CHIP_64));
    assert_true(decodes("SEV-VCEK", turin, NULL, NULL, &l));
    assert_true(l.product == SNP_TURIN && l.tcb.fmc == 2 && l.tcb.snp == 4 && l.struct_version == 1);
    assert_bytes_equal(bytes_first(BYTES_OF(l.chip_id), 8), hex(CHIP_8));
    assert_true(bytes_all_zero(bytes_after(BYTES_OF(l.chip_id), 8)));
    assert_true(decodes("SEV-VCEK", turin, AMD "4", "DER:0408" CHIP_8, &l));
    assert_false(decodes("SEV-VLEK", milan, NULL, NULL, &l));        /* a chip, and no provider */
    assert_false(decodes("SEV-VLEK", milan, AMD "5", PROVIDER, &l)); /* both */
    assert_false(decodes("SEV-VCEK", milan, AMD "5", PROVIDER, &l)); /* both */
}

static void leaves_that_are_not_well_formed(void **state)
{
    static const struct {
        const char *const (*members)[2];
        const char *changed, *value;
    } rows[] = {
        {milan, AMD "1", NULL},
        {milan, AMD "1", "ASN1:INTEGER:256"},
        {milan, AMD "2", NULL},
        {milan, AMD "2", "ASN1:UTF8String:Milan-B0"},
        {milan, AMD "2", "ASN1:IA5STRING:Milano"},
        {milan, AMD "2", "ASN1:IA5STRING:Venice"},
        {milan, AMD "2", "ASN1:IA5STRING:"},
        {milan, AMD "2", "ASN1:IA5STRING:Turin"}, /* which has another chip id, and an FMC */
        {milan, AMD "3.1", NULL},
        {milan, AMD "3.2", NULL},
        {milan, AMD "3.3", NULL},
        {milan, AMD "3.8", NULL},
        {milan, AMD "3.8", "ASN1:INTEGER:256"},
        {milan, AMD "3.8", "ASN1:INTEGER:-1"},
        {milan, AMD "3.8", "DER:0201db"},     /* negative: 219 takes two bytes */
        {milan, AMD "3.8", "DER:02020001"},   /* not minimal */
        {milan, AMD "3.8", "DER:02010100"},   /* something behind */
        {milan, AMD "3.8", "DER:030100"},     /* no INTEGER */
        {milan, AMD "3.4", "DER:0401"},       /* reserved, and no number */
        {milan, AMD "3.9", "ASN1:INTEGER:1"}, /* Turin's alone */
        {milan, AMD "4", NULL},
        {milan, AMD "4", "DER:" CHIP_8},
        {milan, AMD "4", "DER:" CHIP_64 "00"},
        {milan, AMD "4", "DER:0440" CHIP_64 "00"},
        {milan, AMD "4", "DER:0441" CHIP_64 "00"},
        {turin, AMD "3.9", NULL},
        {turin, AMD "4", "DER:" CHIP_64},
    };
    struct amd_leaf l;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (decodes("SEV-VCEK", rows[i].members, rows[i].changed, rows[i].value, &l))
            fail_msg("row %zu: %s = %s is taken", i, rows[i].changed, rows[i].value ? rows[i].value : "absent");
}

/* ------------------------------------------------------------------------------------------------------ reports */

static uint8_t report[SNP_REPORT_SIZE];

static struct snp_report read_with(size_t at, uint8_t value)
{
    struct snp_report r;
    uint8_t before = report[at];

    report[at] = value;
    assert_true(snp_report_read(&arena, arena_copy(&arena, BYTES_OF(report)), &r));
    report[at] = before;
    return r;
}

static void reserved_bytes(void **state)
{
    static const struct {
        size_t at, size;
        uint32_t least, most; /* versions in which they are reserved */
    } ranges[] = {{0x4c, 4, 2, 5},   {0x188, 3, 2, 2},   {0x18b, 21, 2, 5}, {0x1eb, 1, 2, 5},  {0x1ef, 1, 2, 5},
                  {0x1f8, 16, 2, 4}, {0x208, 152, 2, 5}, {0x2d0, 24, 2, 5}, {0x318, 24, 2, 5}, {0x330, 368, 2, 5}};

    (void)state;
    memset(report, 0, sizeof report);
    report[0x0a] = 0x02; /* bit 17 of POLICY */
    for (uint8_t version = SNP_REPORT_VERSION_LEAST; version <= SNP_REPORT_VERSION_MOST; version++) {
        report[0] = version;
        assert_null(read_with(0, version).reserved);
        for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
            for (size_t at = ranges[i].at; at < ranges[i].at + ranges[i].size; at++)
                assert_int_equal(read_with(at, 1).reserved != NULL,
                                 version >= ranges[i].least && version <= ranges[i].most);
        assert_non_null(read_with(0x0a, 0).reserved);
        assert_non_null(read_with(0x48, 0x20).reserved);
        assert_null(read_with(0x40, 0x40).reserved); /* unknown bits of PLATFORM_INFO are real */
        assert_null(read_with(0x90, 0xff).reserved);
    }
}

static void lengths(void **state)
{
    struct snp_report r;

    (void)state;
    for (size_t n = 0; n < SNP_REPORT_SIZE; n++)
        assert_false(snp_report_read(&arena, arena_copy(&arena, bytes_first(BYTES_OF(report), n)), &r));
    uint8_t longer[SNP_REPORT_SIZE + 1] = {0};
    assert_false(snp_report_read(&arena, BYTES_OF(longer), &r));
}

static void products(void **state)
{
    static const struct {
        uint8_t family, model;
        int product; /* -1: none that is known */
    } rows[] = {{0x19, 0x00, SNP_MILAN}, {0x19, 0x0f, SNP_MILAN}, {0x19, 0x10, SNP_GENOA}, {0x19, 0x1f, SNP_GENOA},
                {0x19, 0x20, -1},        {0x19, 0x9f, -1},        {0x19, 0xa0, SNP_GENOA}, {0x19, 0xaf, SNP_GENOA},
                {0x19, 0xb0, -1},        {0x1a, 0x00, SNP_TURIN}, {0x1a, 0x11, SNP_TURIN}, {0x1a, 0x12, -1},
                {0x1a, 0x50, -1},        {0x1a, 0xc7, -1},        {0x17, 0x31, -1},        {0x00, 0x00, -1}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct snp_report r = {.version = 3, .family = rows[i].family, .model = rows[i].model};
        enum snp_product p;

        assert_int_equal(snp_report_product(&r, &p) ? (int)p : -1, rows[i].product);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_in_keys),  cmocka_unit_test(tcb_layouts),
        cmocka_unit_test(leaves),         cmocka_unit_test(leaves_that_are_not_well_formed),
        cmocka_unit_test(reserved_bytes), cmocka_unit_test(lengths),
        cmocka_unit_test(products),
    };

    return cmocka_run_group_tests_name("amd", tests, set_up, tear_down);
}
