/* Warnings about policies: each kind with what is just no case of it; and none about what the project itself ships. */
#include "arena_test.h"

#include "base/limits.h"
#include "base/text.h"
#include "core/manage.h"
#include "policy/lint.h"
#include "policy/vocabulary.h"

static struct policy_warnings warnings;

static void lint_bytes(struct bytes text, unsigned types)
{
    const struct policy *policy;
    struct policy_error error;

    if (!policy_parse(&arena, text, &policy, &error))
        fail_msg("%s", arena_string(&arena, policy_error_message(&arena, &error)));
    policy_lint(&arena, policy, types, &warnings);
    for (size_t i = 0; i < warnings.n; i++)
        assert_true(utf8_valid(warnings.v[i].message) && warnings.v[i].message.n);
}

/* "id column, id column" of the warnings about one line. */
static char *found(void)
{
    struct writer w = wr_open(&arena);

    for (size_t i = 0; i < warnings.n; i++)
        wr_printf(&w, "%s%s %u", i ? ", " : "", warnings.v[i].id, warnings.v[i].column);
    return arena_string(&arena, wr_done(&w));
}

struct sample {
    const char *rules, *expected;
};

/* Rules of issuancerules stand in line 2 from column 0 on. */
static void issuance(const struct sample *samples, size_t n, unsigned types)
{
    for (size_t i = 0; i < n; i++) {
        const struct sample *s = &samples[i];
        const char *text =
            arena_printf(&arena, "version=1.2;authorizationrules{=>permit();};issuancerules{\n%s};", s->rules);

        lint_bytes(bytes_text(text), types);
        if (strcmp(found(), s->expected) != 0)
            fail_msg("%s\n%s, not %s", s->rules, found(), s->expected);
    }
}
#define ISSUANCE(types, ...)                                             \
    do {                                                                 \
        static const struct sample samples_[] = {__VA_ARGS__};           \
        issuance(samples_, sizeof samples_ / sizeof *samples_, (types)); \
    } while (0)
#define DO "=>issue(type=\"z\",value=1);"

static void contradictions(void **state)
{
    (void)state;
    ISSUANCE(TYPE_ALL, {"[type==\"x-ms-sgx-svn\",type==\"x-ms-sgx-mrsigner\"]" DO, "never-fires 22"},
             {"[type==\"x-ms-sgx-svn\",type==\"x-ms-sgx-svn\"]" DO, ""},
             {"[type==\"x-ms-sgx-svn\",type!=\"x-ms-sgx-svn\"]" DO, "never-fires 22"},
             {"[type!=\"x-ms-sgx-svn\",type!=\"x-ms-sgx-mrsigner\"]" DO, ""}, {"[type==1]" DO, "never-fires 1"},
             {"[value==1,value==2]" DO, "never-fires 10"}, {"[value==1,value==\"1\"]" DO, "never-fires 10"},
             {"[value==1,value!=1]" DO, "never-fires 10"}, {"[value!=1,value==1]" DO, "never-fires 10"},
             {"[value==1,value!=true]" DO, ""}, {"[value!=1,value!=2]" DO, ""});
    ISSUANCE(TYPE_ALL, {"[value<1,value>5]" DO, "never-fires 9"}, {"[value>=1,value<=1]" DO, ""},
             {"[value>1,value<=1]" DO, "never-fires 9"}, {"[value>1,value<2]" DO, "never-fires 9"},
             {"[value>1,value<3]" DO, ""}, {"[value>=1,value<2]" DO, ""}, {"[value<5,value<1]" DO, ""},
             {"[value==5,value<5]" DO, "never-fires 10"}, {"[value==5,value<=5,value>=5]" DO, ""},
             {"[value==6,value<=5]" DO, "never-fires 10"}, {"[value==4,value>4]" DO, "never-fires 10"},
             {"[value==true,value>4]" DO, "never-fires 13"}, {"[value<-9223372036854775808]" DO, "never-fires 1"},
             {"[value>9223372036854775807]" DO, "never-fires 1"}, {"[value>=9223372036854775807]" DO, ""},
             {"[value>-9223372036854775808,value<-9223372036854775807]" DO, "never-fires 28"});
    ISSUANCE(TYPE_ALL, {"c:[value>0]&&[value==c.value,value==1]" DO, ""}, {"[type<5]" DO, "never-fires 1"},
             {"[value==NegateBool(true),value==1,value==2]" DO, "never-fires 34"});
}

static void issuers_and_value_types(void **state)
{
    (void)state;
    ISSUANCE(TYPE_ALL, {"[issuer==\"AttestationServices\"]" DO, "never-fires 1"},
             {"[issuer!=\"AttestationServices\"]" DO, ""}, {"[issuer==\"attestationservice\"]" DO, "never-fires 1"},
             {"[valueType==\"Int\"]" DO, "never-fires 1"}, {"[valueType==\"Integer\",value==1]" DO, ""},
             {"[valueType==\"String\",value==1]" DO, "never-fires 21"},
             {"[value>1,valueType==\"Boolean\"]" DO, "never-fires 9"},
             {"[valueType!=\"Integer\",value>1]" DO, "never-fires 22"}, {"[valueType!=\"String\",value>1]" DO, ""},
             {"[valueType!=\"Integer\",valueType!=\"String\"]" DO, ""},
             {"[valueType!=\"Integer\",valueType!=\"String\",valueType!=\"Boolean\"]" DO, "never-fires 42"},
             {"[issuer!=\"AttestationService\",issuer!=\"AttestationPolicy\",issuer!=\"CustomClaim\"]" DO,
              "never-fires 58"});
}

static void negated(void **state)
{
    (void)state;
    ISSUANCE(TYPE_ALL, {"![value==1,value==2]" DO, "always-holds 11"}, {"![type==\"x-ms-sgx-svn\"]" DO, ""},
             {"![type==\"nothing-like-it\"]" DO, "unknown-claim 2"}, {"![issuer!=\"x\"]" DO, "never-fires 2"},
             {"![type!=5,issuer!=\"x\"]" DO, "never-fires 2"}, {"![type!=\"a\"]" DO, ""}, {"![value!=5]" DO, ""},
             {"[type==\"x-ms-sgx-svn\",value==1]&&![type==\"x-ms-sgx-svn\"]" DO, "never-fires 35"},
             {"![type==\"x-ms-sgx-svn\",value==1]&&[type==\"x-ms-sgx-svn\"]" DO, ""});
}

static void names_of_policy(void **state)
{
    (void)state;
    ISSUANCE(TYPE_ALL, {"[type==\"a\",issuer==\"AttestationPolicy\"]" DO, "never-added 1"},
             {"=>add(type=\"a\",value=1);[type==\"a\",issuer==\"AttestationPolicy\"]" DO, ""},
             {"[type==\"a\",issuer==\"AttestationPolicy\"]=>issue(type=\"a\",value=1);", "never-added 1"},
             {"![type==\"a\",issuer==\"AttestationPolicy\"]=>issue(type=\"a\",value=1);", "never-added 2"},
             {"=>add(type=\"a\",value=1);[type==\"a\"]" DO, ""},
             {"=>issue(type=\"a\",value=1);[type==\"a\",value==\"x\"]" DO, ""},
             {"=>issueproperty(type=\"omit_x5c\",value=true);[type==\"omit_x5c\"]" DO, "unknown-claim 45"},
             {"=>add(type=AppendString(\"a\",\"b\"),value=1);[type==\"a\",issuer==\"AttestationPolicy\"]" DO, ""},
             {"c:[type==\"x-ms-sgx-svn\"]=>add(claim=c);[type==\"x-ms-sgx-svn\",issuer==\"AttestationPolicy\"]" DO, ""},
             {"c:[type==\"x-ms-sgx-svn\"]=>add(type=c.type,value=1);[type==\"a\",issuer==\"AttestationPolicy\"]" DO,
              "never-added 52"},
             {"c:[value==1]=>add(claim=c);[type==\"a\",issuer==\"AttestationPolicy\"]" DO, ""});
    lint_bytes(
        BYTES_LIT(
            "version=1.0;authorizationrules{=>permit();=>add(type=\"a\",value=1);};issuancerules{[type==\"a\",issuer=="
            "\"AttestationPolicy\"]=>issue(type=\"b\",value=1);};"),
        TYPE_ALL);
    assert_string_equal(found(), "");
}

static void names_of_evidence(void **state)
{
    (void)state;
    ISSUANCE(TYPE_ALL, {"[type==\"x-ms-sgx-svm\"]" DO, "unknown-claim 1"}, {"[type==\"secureboot\"]" DO, ""},
             {"=>add(type=\"a\",value=1);[type==\"a\",issuer==\"AttestationService\"]" DO, "unknown-claim 25"},
             {"[value==1,type==\"a\"]" DO, "unknown-claim 10"}, {"[type==\"a\",issuer==\"CustomClaim\"]" DO, ""},
             {"[type==\"https://a/customclaims/b\"]" DO, ""}, {"[type==\"x-ms-runtime\"]" DO, "unknown-claim 1"},
             {"[type==\"$svn\",value==\"1\"]" DO, "value-type 14"},
             {"[type==\"x-ms-sgx-mrsigner\",value>1]" DO, "value-type 27"},
             {"[type==\"x-ms-sgx-mrsigner\",value!=1]" DO, ""}, {"[type==\"events\"]" DO, ""});
    ISSUANCE(TYPE_SGX, {"[type==\"x-ms-sgx-svn\"]" DO, ""}, {"[type==\"secureboot\"]" DO, "unknown-claim 1"},
             {"[type==\"https://a/customclaims/b\"]" DO, "unknown-claim 1"},
             {"[type==\"a\",issuer==\"CustomClaim\"]" DO, "unknown-claim 1"});
    ISSUANCE(TYPE_AZURE_GUEST, {"[type==\"x-ms-sevsnpvm-vmpl\",value==0]" DO, ""}, {"[type==\"tdx_mrtd\"]" DO, ""});
    lint_bytes(BYTES_LIT("version=1.1;authorizationrules{[type==\"events\"]=>permit();};"), TYPE_TPM);
    assert_string_equal(found(), "no-permit 12, unknown-claim 32");
}

static void hints(void **state)
{
    (void)state;
    lint_bytes(
        BYTES_LIT(
            "version=1.0;authorizationrules{=>permit();[type==\"x-ms-sgx-mrsinger\"]=>deny();=>add(type=\"flag1\","
            "value=1);[type==\"flag2\",issuer==\"AttestationPolicy\"]=>deny();[type==\"quite-another-thing\"]=>deny();}"
            ";"),
        TYPE_SGX);
    assert_int_equal(warnings.n, 3);
    assert_bytes_are(warnings.v[0].message, "no evidence of this type proves \"x-ms-sgx-mrsinger\", so the rule never "
                                            "fires; did you mean \"x-ms-sgx-mrsigner\"?");
    assert_bytes_are(warnings.v[1].message,
                     "no earlier rule adds \"flag2\", so the rule never fires; did you mean \"flag1\"?");
    assert_bytes_are(warnings.v[2].message,
                     "no evidence of this type proves \"quite-another-thing\", so the rule never fires");
}

static void permits(void **state)
{
    static const struct sample samples[] = {
        {"=>permit();", ""},
        {"", "no-permit 12"},
        {"=>add(type=\"a\",value=1);", "no-permit 12"},
        {"[value==1,value==2]=>permit();", "no-permit 12, never-fires 41"},
        {"[type==\"x-ms-sgx-svn\"]=>permit();=>deny();", "always-denied 66"},
        {"=>deny();=>permit();", "always-denied 33"},
        {"[type==\"x-ms-sgx-svn\"]=>deny();=>permit();", ""},
        {"![value==1,value==2]=>deny();=>permit();", "always-holds 42, always-denied 53"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        lint_bytes(bytes_text(arena_printf(&arena, "version=1.2;authorizationrules{%s};", samples[i].rules)), TYPE_SGX);
        assert_string_equal(found(), samples[i].expected);
    }
}

static void issued(void **state)
{
    (void)state;
    ISSUANCE(TYPE_SGX, {"=>issue(type=\"x-ms-sgx-svn\",value=1);", "overridden 2"},
             {"c:[type==\"x-ms-sgx-svn\"]=>issue(type=\"x-ms-sgx-svn\",value=c.value);", ""},
             {"c:[type==\"x-ms-sgx-svn\"]=>issue(type=\"x-ms-sgx-product-id\",value=c.value);", "overridden 26"},
             {"c:[type==\"x-ms-sgx-svn\"]=>issue(claim=c);", ""}, {"=>add(type=\"x-ms-sgx-svn\",value=1);", ""},
             {"=>issue(type=\"iss\",value=\"me\");", "overridden 2"}, {"=>issue(type=\"tdx_mrtd\",value=\"me\");", ""});
    ISSUANCE(TYPE_ALL, {"=>issue(type=\"x-ms-sgx-svn\",value=1);", ""},
             {"=>issue(type=\"iss\",value=1);", "overridden 2"}, {"c:[type==\"x-ms-sgx-svn\"]" DO, "unused-name 0"},
             {"[value==1]&&c:[type==\"x-ms-sgx-svn\"]&&[value==c.value]" DO, ""},
             {"[value==1]&&c:[type==\"x-ms-sgx-svn\"]&&[value==1]" DO, "unused-name 12"},
             {"c:[value==1]=>issue(type=\"a\",value=AppendString(\"a\",AppendString(\"b\",c.value)));", ""});
}

static void properties(void **state)
{
    static const struct sample samples[] = {
        {"=>issueproperty(type=\"required_pcr_mask\",value=15);", ""},
        {"=>issueproperty(type=\"required_pcr_mask\",value=16777216);", "property-value 36"},
        {"=>issueproperty(type=\"required_pcr_mask\",value=\"15\");", "property-value 36"},
        {"=>issueproperty(type=\"required_pcr_masks\",value=15);", "unknown-property 36"},
        {"=>issueproperty(type=\"omit_x5c\",value=true);", "property-section 36"},
        {"=>issueproperty(type=\"x-ms-sgx-tcbidentifier\",value=\"10\");", ""},
        {"=>issueproperty(type=\"x-ms-sgx-tcbidentifier\",value=\"azuredefault\");", ""},
        {"=>issueproperty(type=\"x-ms-sgx-tcbidentifier\",value=\"azure\");", "property-value 36"},
        {"=>issueproperty(type=\"x-ms-sgx-tcbidentifier\",value=\"\");", "property-value 36"},
        {"=>issueproperty(type=\"x-ms-sgx-tcbidentifier\",value=10);", "property-value 36"},
        {"[value==1]=>issueproperty(type=\"required_pcr_mask\",value=15);", "never-fires 35"},
        {"![value==1]=>issueproperty(type=\"required_pcr_mask\",value=15);", "always-holds 36"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        lint_bytes(
            bytes_text(arena_printf(&arena, "version=1.2;configurationrules{   %s};authorizationrules{=>permit();};",
                                    samples[i].rules)),
            TYPE_ALL);
        assert_string_equal(found(), samples[i].expected);
    }
    ISSUANCE(TYPE_TPM, {"=>issueproperty(type=\"report_validity_in_minutes\",value=525600);", ""},
             {"=>issueproperty(type=\"report_validity_in_minutes\",value=525601);", "property-value 2"},
             {"=>issueproperty(type=\"report_validity_in_minutes\",value=0);", "property-value 2"},
             {"=>issueproperty(type=\"omit_x5c\",value=1);", "property-value 2"});
    ISSUANCE(TYPE_SGX, {"=>issueproperty(type=\"omit_x5c\",value=true);", "unknown-property 2"});
}

/* Only so many are kept, in the order of the text; the rest are counted. */
static void many(void **state)
{
    struct writer w = wr_open(&arena);

    (void)state;
    wr_text(&w, "version=1.0;authorizationrules{");
    for (int i = 0; i < LIMIT_POLICY_RULES; i++)
        wr_printf(&w, "\n[type==\"no-claim-%d\"]=>permit();", i);
    wr_text(&w, "};");
    lint_bytes(wr_done(&w), TYPE_ALL);
    assert_int_equal(warnings.n, LIMIT_POLICY_WARNINGS);
    assert_int_equal(warnings.more, LIMIT_POLICY_RULES - LIMIT_POLICY_WARNINGS + 1); /* with no-permit */
    for (size_t i = 1; i < warnings.n; i++)
        assert_true(warnings.v[i - 1].line < warnings.v[i].line);
}

/* A long name is cut between characters. */
static void long_names(void **state)
{
    struct writer w = wr_open(&arena);

    (void)state;
    wr_text(&w, "version=1.0;authorizationrules{=>permit();[type==\"a");
    for (int i = 0; i < 1000; i++)
        wr_text(&w, "\xc3\xa9");
    wr_text(&w, "\"]=>deny();};");
    lint_bytes(wr_done(&w), TYPE_ALL);
    assert_string_equal(found(), "unknown-claim 43");
    assert_true(warnings.v[0].message.n < 200);
}

static void built_in_policies(void **state)
{
    const struct policy_kind *kind;
    size_t seen = 0;

    (void)state;
    for (size_t i = 0; (kind = policy_kind_at(i)) != NULL; i++) {
        unsigned type = vocabulary_type(bytes_text(kind->name));

        assert_true(type != 0);
        if (!kind->default_policy)
            continue;
        seen++;
        for (int k = 0; k < 2; k++) {
            lint_bytes(bytes_text(kind->default_policy), k ? type : TYPE_ALL);
            assert_string_equal(found(), "");
        }
    }
    assert_true(seen >= 5);
}

static void vocabulary(void **state)
{
    const struct known_claim *c;

    (void)state;
    for (size_t i = 0; (c = vocabulary_claim_at(i)) != NULL; i++) {
        assert_ptr_equal(vocabulary_claim(bytes_text(c->name)), c); /* each name once */
        assert_true((c->offered | c->member) && !((c->offered | c->member) & ~(unsigned)TYPE_ALL));
        assert_true(c->kind != CLAIM_JSON || !c->offered);
    }
    assert_int_equal(vocabulary_type(BYTES_LIT("sgxenclave")), TYPE_SGX);
    assert_int_equal(vocabulary_type(BYTES_LIT("VbsEnclave")), TYPE_TPM);
    assert_int_equal(vocabulary_type(BYTES_LIT("CyResComponent")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(contradictions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(issuers_and_value_types, set_up, tear_down),
        cmocka_unit_test_setup_teardown(negated, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_of_policy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_of_evidence, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hints, set_up, tear_down),
        cmocka_unit_test_setup_teardown(permits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(issued, set_up, tear_down),
        cmocka_unit_test_setup_teardown(properties, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(built_in_policies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(vocabulary, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
