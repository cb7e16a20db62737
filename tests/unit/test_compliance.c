/* x-ms-compliance-status of confidential VMs: each condition by itself takes it away (snp-cvm.md 2.7). */
#include "arena_test.h"

#include "base/text.h"
#include "evidence/parts/compliance.h"
#include "evidence/tdx.h"
#include "evidence/tdx_claims.h"

#define CONFIGURATION "\"vm-configuration\":{\"secure-boot\":false,\"tpm-enabled\":true,\"vmUniqueId\":\"A\"}"
#define KEYS          "\"keys\":[{\"kid\":\"HCLEkPub\"},{\"kid\":\"HCLAkPub\"}]"

static const struct json *object(const char *text)
{
    const struct json *o;

    assert_true(json_parse(&arena, bytes_text(text), NULL, &o, NULL));
    return o;
}

static struct snp_compliance paravisor(const char *runtime)
{
    return (struct snp_compliance){.id_key_digest = reference_builtin.lists[REFERENCE_AZURE_ID_KEYS].v[0],
                                   .runtime = object(runtime)};
}

static const char *status(const struct snp_compliance *s)
{
    return compliance_of_snp(&reference_builtin, s);
}

static void confidential_vms(void **state)
{
    (void)state;
    struct snp_compliance good = paravisor("{" KEYS "," CONFIGURATION "}"), s = good;
    uint8_t digest[48] = {0};

    assert_string_equal(status(&s), "azure-compliant-cvm");
    s.uvm = &(struct uvm){0};
    assert_string_equal(status(&s), "azure-compliant-cvm");
    s = good;
    s.vmpl = 1;
    assert_null(status(&s));
    s = good;
    s.debuggable = true;
    assert_null(status(&s));
    s = good;
    s.migratable = true;
    assert_null(status(&s));
    s = good;
    s.id_key_digest = BYTES_OF(digest);
    assert_null(status(&s));
    s.id_key_digest = bytes_first(good.id_key_digest, 47);
    assert_null(status(&s));
    s = good;
    s.runtime = NULL;
    assert_null(status(&s));
    struct reference_values none = reference_builtin;
    reference_clear(&none, REFERENCE_AZURE_ID_KEYS);
    assert_null(compliance_of_snp(&none, &good));
}

/* What the guest of another VM may have bound is not what the paravisor binds. */
static void runtime_of_no_paravisor(void **state)
{
    static const char *const others[] = {
        "{}",
        "{" KEYS "}",
        "{" CONFIGURATION "}",
        "{\"keys\":[]," CONFIGURATION "}",
        "{\"keys\":[{\"kid\":\"HCLEkPub\"}]," CONFIGURATION "}",
        "{\"keys\":[{\"kid\":1},\"HCLAkPub\",null]," CONFIGURATION "}",
        "{\"keys\":{\"kid\":\"HCLAkPub\"}," CONFIGURATION "}",
        "{" KEYS ",\"vm-configuration\":[]}",
        "{" KEYS ",\"vm-configuration\":{\"tpm-enabled\":true,\"vmUniqueId\":\"A\"}}",
        "{" KEYS ",\"vm-configuration\":{\"secure-boot\":true,\"vmUniqueId\":\"A\"}}",
        "{" KEYS ",\"vm-configuration\":{\"secure-boot\":true,\"tpm-enabled\":true}}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct snp_compliance s = paravisor(others[i]);

        if (status(&s))
            fail_msg("%s: %s", others[i], status(&s));
    }
}

static const char *status_of_tdx(uint8_t lowest_attributes, struct bytes mrtd)
{
    uint8_t body[TD_REPORT_10_SIZE] = {0};
    struct settings settings = SETTINGS_DEFAULT;
    struct exam x = {.arena = &arena, .trace = trace_new(&arena), .settings = &settings};
    struct tdx_evidence e = {0};

    body[120] = lowest_attributes;
    memcpy(body + 136, mrtd.p, mrtd.n);
    assert_true(td_report_read(BYTES_OF(body), &e.report));
    claims_init(&x.incoming, &arena);
    tdx_claims(&x, &e);
    const struct claim *c = claims_find(&x.incoming, BYTES_LIT("x-ms-compliance-status"));
    return c ? arena_string(&arena, c->value.text) : NULL;
}

/* Any attribute of the group "under test" opens a trust domain to its host, DEBUG is but the first (sgx-tdx.md 3.4). */
static void trust_domains(void **state)
{
    (void)state;
    struct bytes known = reference_builtin.lists[REFERENCE_AZURE_MRTDS].v[0];
    uint8_t other[48] = {0};

    assert_string_equal(status_of_tdx(0, known), "azure-compliant-cvm");
    assert_null(status_of_tdx(0, BYTES_OF(other)));
    for (unsigned bit = 0; bit < 8; bit++)
        assert_null(status_of_tdx((uint8_t)(1u << bit), known));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(confidential_vms),
        cmocka_unit_test(runtime_of_no_paravisor),
        cmocka_unit_test(trust_domains),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
