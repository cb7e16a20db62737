/* UVM endorsements of the corpus: what each says, and which are accepted for which measurement (GOLDEN.md 8, and their rows
 * of MANIFEST-amd.tsv). */
#include "intel.h"

#include "base/text.h"
#include "crypto/cose.h"
#include "crypto/did_x509.h"
#include "evidence/parts/compliance.h"
#include "evidence/parts/uvm.h"

#define FOLDER "uvm/endorsements/"
#define ROOT_OF_MAAPERF \
    "did:x509:0:sha256:mxiU8iPZNMvWV1rzxuH2CWuSIafaEyGF9aXNySI1tdw::subject:CN:ContainerPlat ContainerPlat-AMD-UVM 0"
#define ROOT_FROM_0                                                                                 \
    "did:x509:0:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s::eku:1.3.6.1.4.1.311.76.59.1.2 " \
    "ContainerPlat-AMD-UVM 0"

static struct arena arena;
static struct reference_values any_version; /* roots for all positive samples, from version 0 */
static struct settings strict, lenient;
static struct exam x;

/* The bytes under these settings: NULL when they hold for the measurement, else the check that refuses. */
static const char *judge(const struct settings *s, struct bytes cose, struct bytes measurement, struct uvm *uvm)
{
    exam_begin(&x, &arena, NULL, s, NULL, 0);
    *uvm = (struct uvm){0};
    return uvm_decode_cose(&x, cose, uvm) && uvm_verify(&x, uvm, measurement) ? NULL : failed_id(&x);
}

static struct bytes cose_of(const char *name)
{
    return read_shared(&arena, arena_printf(&arena, "evidence/" FOLDER "%s", name));
}

static const struct {
    const char *name;
    uint64_t svn;
    const char *begins;
    const char *report;  /* that has this measurement, or NULL */
    const char *refused; /* under the built-in roots */
    bool cwt;
} golden[] = {
    {"cleanroom-a-svn103.cose", 103, "d0c9e2be22046e60", "milan-v3-aci-cleanroom-a", NULL, false},
    {"cleanroom-maa-svn103.cose", 103, "d0c9e2be22046e60", "milan-v3-aci-cleanroom-c-maa", NULL, false},
    {"cleanroom-maa-svn103.cose", 103, "d0c9e2be22046e60", "milan-v3-aci-cleanroom-d", NULL, false},
    {"css-20250617.cose", 101, "5feee30d6d7e1a29", "milan-v3-aci-css20250617", NULL, false},
    {"css-20250925.cose", 101, "5feee30d6d7e1a29", "milan-v3-aci-css20250925", NULL, false},
    {"css-20250925.cose", 101, "5feee30d6d7e1a29", "milan-v3-aci-tav", NULL, false},
    {"css-20250925.cose", 101, "5feee30d6d7e1a29", "genoa-v3-aci-tav", NULL, false},
    {"sidecar-svn22.cose", 22, "51068107cdc7ee3d", "milan-v2-aci-sidecar", "uvm.svn", false},
    {"sidecar-ctx-svn100.cose", 100, "03fea02823189b25", NULL, NULL, false},
    {"maaperf-subject-did.cose", 0, "c220af73d2ed0e1d", "milan-v2-aci-maaperf", "uvm.root", false},
    {"uvm-0.2.10-svn104-cwt.cose", 104, "4904167aa9102a75", NULL, NULL, true},
};

static struct bytes measurement_of(const char *report)
{
    struct bytes whole = read_shared(&arena, arena_printf(&arena, "evidence/snp/reports/%s.report.bin", report));

    return bytes_first(bytes_after(whole, 0x90), 48);
}

static void the_golden_table(void **state)
{
    (void)state;
    NEED_SHARED("UVM endorsements");
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        struct bytes cose = cose_of(golden[i].name), measurement;
        struct uvm_statement says;
        struct fault fault = {0};
        struct uvm uvm;

        if (!uvm_read(&arena, cose, &says, &fault))
            fail_msg("%s: %s", golden[i].name, fault.text);
        assert_int_equal(says.svn, golden[i].svn);
        assert_int_equal(says.cwt, golden[i].cwt);
        assert_bytes_are(says.feed, "ContainerPlat-AMD-UVM");
        assert_true(bytes_begin(hex_encode(&arena, says.measurement), golden[i].begins));
        measurement = golden[i].report ? measurement_of(golden[i].report) : says.measurement;
        const char *refused = judge(&strict, cose, measurement, &uvm);
        if (refused != golden[i].refused && (!refused || !golden[i].refused || strcmp(refused, golden[i].refused) != 0))
            fail_msg("%s: %s", golden[i].name, refused ? refused : "accepted");
        assert_null(judge(&lenient, cose, measurement, &uvm));
        assert_string_equal(uvm_compliance(&uvm), "azure-compliant-uvm");
    }
}

/* A fact of the manifest, "name=value;…". */
static struct bytes fact(struct bytes facts, const char *name)
{
    const uint8_t *at = memmem(facts.p, facts.n, name, strlen(name));

    assert_non_null(at);
    struct bytes value = bytes_after(facts, (size_t)(at - facts.p) + strlen(name));
    const uint8_t *end = memchr(value.p, ';', value.n);
    return bytes_first(value, end ? (size_t)(end - value.p) : value.n);
}

static void each_row_of_the_manifest(void **state)
{
    (void)state;
    NEED_SHARED("UVM rows of the manifest");
    struct bytes text = read_shared(&arena, "evidence/MANIFEST-amd.tsv"), column[COLUMNS_MAX];
    unsigned accepted = 0, refused = 0;
    size_t n;

    while (tsv_line(&text, column, &n)) {
        if (!bytes_begin(column[0], FOLDER))
            continue;
        struct bytes cose = read_shared(&arena, arena_printf(&arena, "evidence/%s", arena_string(&arena, column[0])));
        struct uvm_statement says;
        struct fault fault = {0};
        struct uvm uvm;

        assert_true(uvm_read(&arena, cose, &says, &fault));
        if (bytes_is(column[8], "REJECT")) {
            assert_string_equal(judge(&lenient, cose, says.measurement, &uvm), "uvm.signature");
            refused++;
            continue;
        }
        assert_bytes_equal(says.issuer, fact(column[6], ";iss="));
        assert_bytes_equal(says.feed, fact(column[6], ";feed="));
        assert_bytes_equal(hex_encode(&arena, says.measurement), fact(column[6], ";launchmeasurement="));
        assert_bytes_are(fact(column[6], ";svn="), arena_printf(&arena, "%llu", (unsigned long long)says.svn));
        assert_null(judge(&lenient, cose, says.measurement, &uvm));
        accepted++;
    }
    print_message("# %u accepted, %u refused\n", accepted, refused);
    assert_true(accepted >= 8 && refused >= 1);
}

/* Each with the measurement of each other. */
static void measurements_of_others(void **state)
{
    (void)state;
    NEED_SHARED("UVM measurements");
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++)
        for (size_t k = 0; k < sizeof golden / sizeof *golden; k++) {
            struct uvm_statement says;
            struct fault fault = {0};
            struct uvm uvm;

            assert_true(uvm_read(&arena, cose_of(golden[k].name), &says, &fault));
            const char *refused = judge(&lenient, cose_of(golden[i].name), says.measurement, &uvm);
            if (strcmp(golden[i].begins, golden[k].begins) == 0)
                assert_null(refused);
            else
                assert_string_equal(refused, "uvm.measurement");
        }
}

static void claims_of_our_own_are_off_unless_asked_for(void **state)
{
    (void)state;
    NEED_SHARED("UVM claims");
    struct settings telling = lenient;
    struct bytes cose = cose_of("css-20250617.cose");
    struct uvm_statement says;
    struct fault fault = {0};
    struct uvm uvm;

    assert_true(uvm_read(&arena, cose, &says, &fault));
    assert_null(judge(&lenient, cose, says.measurement, &uvm));
    assert_int_equal(x.incoming.n, 0);
    telling.claim_extensions = true;
    assert_null(judge(&telling, cose, says.measurement, &uvm));
    const struct claim *c = claims_find(&x.incoming, BYTES_LIT("x-ms-sevsnpvm-uvm-endorsement"));
    assert_non_null(c);
    struct bytes svn;
    assert_true(json_text(json_member(c->value.json, "svn"), &svn));
    assert_bytes_are(svn, "101");
}

/* Names of issuers against a real chain. */
static void names_of_issuers(void **state)
{
    (void)state;
    NEED_SHARED("names of issuers");
#define ROOT  "did:x509:0:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s"
#define CLEAR "did:x509:0:sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    static const struct {
        const char *did;
        bool parses, pins, holds;
    } names[] = {
        {ROOT "::eku:1.3.6.1.4.1.311.76.59.1.2", true, true, true},
        {ROOT "::eku:1.3.6.1.4.1.311.76.59.1.1", true, true, true},
        {ROOT "::eku:1.3.6.1.4.1.311.76.59.1.1::subject:CN:ContainerPlat", true, true, true},
        {ROOT "::subject:CN:Container%50lat", true, true, true},
        {CLEAR "::subject:CN:ContainerPlat", true, false, true},
        {ROOT "::eku:1.3.6.1.4.1.311.76.59.1", true, true, false},
        {ROOT "::eku:1.3.6.1.4.1.311.76.59.1.5", true, true, false},
        {ROOT "::eku:", true, true, false},
        {ROOT "::eku:1.3.6.1.4.1.311.76.59.1.2::eku:1.2", true, true, false},
        {ROOT "::subject:CN:ContainerPla", true, true, false},
        {ROOT "::subject:CN:ContainerPlat:O:Someone", true, true, false},
        {ROOT "::subject:CN", true, true, false},
        {ROOT "::subject:2.5.4.3:ContainerPlat", true, true, false},
        {ROOT "::subject:CN:Container%5", true, true, false},
        {ROOT "::san:dns:a", true, true, false},
        {ROOT, false, false, false},
        {ROOT "::", false, false, false},
        {"did:x509:1:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s::eku:1.2", false, false, false},
        {"did:x509:0:sha384:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s::eku:1.2", false, false, false},
        {"did:x509:0:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9::eku:1.2", false, false, false},
        {"did:x509:0:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9t::eku:1.2", false, false, false},
    };
    struct uvm_statement says;
    struct fault fault = {0};

    assert_true(uvm_read(&arena, cose_of("css-20250617.cose"), &says, &fault));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct did_x509 did;
        struct bytes unmet;

        if (did_x509_parse(&arena, bytes_text(names[i].did), &did) != names[i].parses)
            fail_msg("%s", names[i].did);
        if (names[i].parses && (did_x509_pins(&did, says.leaf) != names[i].pins ||
                                did_x509_policies_hold(&arena, &did, says.leaf, &unmet) != names[i].holds))
            fail_msg("%s", names[i].did);
    }
    /* The leaf itself is no authority. */
    struct did_x509 did = {.policies = BYTES_LIT("eku:1.2")};
    memcpy(did.fingerprint, says.leaf->digest, SHA256_SIZE);
    assert_false(did_x509_pins(&did, says.leaf));
}

/* One bit of each byte turned, another one each time: refused, but where it is in what nothing signs, the headers that are not
 * protected. They reach from behind the protected ones to the payload. */
static void bits_of_a_real_one(const char *name)
{
    struct bytes cose = cose_of(name);
    struct cose_sign1 m;
    struct fault fault = {0};
    struct uvm_statement says;
    unsigned accepted = 0, open = 0;
    struct uvm uvm;

    assert_true(cose_sign1_decode(&arena, cose, &m, &fault));
    assert_true(uvm_read(&arena, cose, &says, &fault));
    const uint8_t *from = m.protected_bytes.p + m.protected_bytes.n, *to = m.payload.p;
    uint8_t *changed = (uint8_t *)(uintptr_t)arena_copy(&arena, cose).p;
    struct bytes measurement = arena_copy(&arena, says.measurement);
    struct arena kept = arena;
    arena_init(&arena, TEST_MEMORY);
    for (size_t i = 0; i < cose.n; i++) {
        bool is_open = cose.p + i >= from && cose.p + i < to;
        uint8_t bit = (uint8_t)(1u << (i * 5 % 8));

        changed[i] ^= bit;
        bool good = judge(&lenient, bytes_make(changed, cose.n), measurement, &uvm) == NULL;
        open += is_open;
        accepted += good;
        if (good && !is_open)
            fail_msg("%s: byte %zu, bit %u", name, i, bit);
        changed[i] ^= bit;
        arena_reset(&arena);
    }
    print_message("# %s: %zu bits turned, %u of them in what nothing signs, %u accepted\n", name, cose.n, open,
                  accepted);
    assert_true(open > 0 && accepted > open / 2);
    arena_free(&arena);
    arena = kept;
}

static void no_bit_can_be_turned(void **state)
{
    (void)state;
    NEED_SHARED("bits of UVM endorsements");
    bits_of_a_real_one("cleanroom-maa-svn103.cose");
    bits_of_a_real_one("uvm-0.2.10-svn104-cwt.cose");
}

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, TEST_MEMORY);
    any_version = reference_builtin;
    strict = lenient = SETTINGS_DEFAULT;
    lenient.reference = &any_version;
    return reference_set(&arena, &any_version, "uvm_root", ROOT_OF_MAAPERF) ||
           reference_set(&arena, &any_version, "uvm_root", ROOT_FROM_0);
}

static int end(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_golden_table),       cmocka_unit_test(each_row_of_the_manifest),
        cmocka_unit_test(measurements_of_others), cmocka_unit_test(claims_of_our_own_are_off_unless_asked_for),
        cmocka_unit_test(names_of_issuers),       cmocka_unit_test(no_bit_can_be_turned),
    };

    return cmocka_run_group_tests_name("uvm", tests, begin, end);
}
