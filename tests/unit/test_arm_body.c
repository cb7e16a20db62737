/* Bodies that the control plane takes, and each reason for which it does not. */
#include "arm_case.h"

#include "base/limits.h"
#include "base/text.h"

#define PROPERTIES(inner) "{\"location\":\"westus\",\"properties\":{" inner "}}"
#define KEYS(keys)        PROPERTIES("\"policySigningCertificates\":{\"keys\":[" keys "]}")
#define KEY(der)          "{\"kty\":\"RSA\",\"x5c\":[\"" der "\"]}"

static void shapes_refused(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "null",
        "[]",
        "\"x\"",
        "{",
        "{} {}",
        "{\"location\":\"westus\",\"location\":\"westus\"}",
        "{\"location\":\"westus\",\"Location\":\"westus\"}",
        "{\"location\":1}",
        "{\"location\":[\"westus\"]}",
        "{\"location\":\"west\\u0000us\"}",
        "{\"location\":\"westus\",\"properties\":[]}",
        "{\"location\":\"westus\",\"properties\":\"\"}",
        "{\"location\":\"westus\",\"propertys\":{}}",
        "{\"location\":\"westus\",\"policySigningCertificates\":{\"keys\":[]}}",
        PROPERTIES("\"policySigningCertificate\":{\"keys\":[]}"),
        PROPERTIES("\"policySigningCertificates\":[]"),
        PROPERTIES("\"policySigningCertificates\":{\"keys\":{}}"),
        PROPERTIES("\"publicNetworkAccess\":true"),
        PROPERTIES("\"publicNetworkAccess\":\"Maybe\""),
        PROPERTIES("\"publicNetworkAccess\":\"\""),
        PROPERTIES("\"tpmAttestationAuthentication\":\"Enabled \""),
        PROPERTIES("\"trustModel\":\"Isolated\""),
        PROPERTIES("\"trustModel\":1"),
        PROPERTIES("\"attestationPolicy\":\"name\""), /* a member of 2018-09-01-preview alone */
        "{\"location\":\"westus\",\"tags\":[]}",
        "{\"location\":\"westus\",\"tags\":{\"a\":1}}",
        "{\"location\":\"westus\",\"tags\":{\"a\":null}}",
        "{\"location\":\"westus\",\"tags\":{\"a\":\"1\",\"A\":\"2\"}}",
    };

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        assert_refused(400, "InvalidRequestContent", "PUT", AT("first"), bodies[i]);
    assert_refused(400, "LocationRequired", "PUT", AT("first"), "{}");
    assert_refused(400, "LocationRequired", "PUT", AT("first"), "{\"location\":null,\"properties\":{}}");
    assert_refused(400, "LocationRequired", "PUT", AT("first"), "{\"location\":\"\"}");
    assert_refused(400, "LocationNotAvailableForResourceType", "PUT", AT("first"), "{\"location\":\"nowhere\"}");
    assert_refused(400, "LocationNotAvailableForResourceType", "PUT", AT("first"), "{\"location\":\"wus\"}");
    assert_refused(400, "LocationNotAvailableForResourceType", "PUT", AT("first"), "{\"location\":\" \"}");
}

static void shapes_taken(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{\"location\":\"westus\"}",
        "{\"LOCATION\":\"WEST US\",\"Properties\":null,\"Tags\":null}",
        PROPERTIES("\"PolicySigningCertificates\":{\"Keys\":[]}"),
        PROPERTIES("\"policySigningCertificates\":{}"),
        PROPERTIES("\"policySigningCertificates\":null"),
        PROPERTIES("\"publicNetworkAccess\":null,\"attestationPolicy\":null"),
        /* What a GET gave, sent back. */
        "{\"id\":\"x\",\"name\":\"first\",\"type\":\"t\",\"location\":\"westus\",\"systemData\":{\"createdBy\":\"x\"},"
        "\"properties\":{\"trustModel\":\"AAD\",\"status\":\"Ready\",\"attestUri\":\"https://"
        "x\",\"publicNetworkAccess\":"
        "null,\"privateEndpointConnections\":[]}}",
    };

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        int status = ask("PUT", arena_printf(&arena, AT("taken%zu"), i), bodies[i]);

        if (status != 201)
            fail_msg("%s: %d %.*s", bodies[i], status, (int)answer.body.n, (const char *)answer.body.p);
        assert_at("properties.trustModel", "AAD");
    }
}

static void an_old_version_does_not_take_new_switches(void **state)
{
    (void)state;
    version = "2020-10-01";
    assert_refused(400, "InvalidRequestContent", "PUT", AT("first"),
                   PROPERTIES("\"publicNetworkAccess\":\"Disabled\""));
    version = "2021-06-01-preview";
    assert_refused(400, "InvalidRequestContent", "PUT", AT("first"),
                   PROPERTIES("\"tpmAttestationAuthentication\":\"Disabled\""));
    assert_int_equal(ask("PUT", AT("first"), PROPERTIES("\"publicNetworkAccess\":\"Disabled\"")), 201);
}

static void the_policy_of_2018(void **state)
{
    (void)state;
    version = "2018-09-01-preview";
    assert_int_equal(ask("PUT", AT("first"), PROPERTIES("\"attestationPolicy\":\"SgxDefault\"")), 201);
    assert_null(at("properties.attestationPolicy"));
    assert_null(at("systemData"));
    assert_refused(400, "InvalidRequestContent", "PUT", AT("second"), PROPERTIES("\"attestationPolicy\":1"));
    assert_refused(400, "InvalidRequestContent", "PUT", AT("second"),
                   PROPERTIES("\"attestationPolicy\":\"eyJhbGciOiJub25lIn0..\""));
    assert_refused(400, "InvalidRequestContent", "PUT", AT("second"),
                   PROPERTIES("\"attestationPolicy\":\"version=1.0;authorizationrules{=>deny();};\""));
}

static void signers_make_it_isolated(void **state)
{
    (void)state;
    assert_int_equal(ask("PUT", AT("iso"), KEYS("{\"kty\":\"RSA\",\"X5C\":[\"AAAA\",\"BBBB\"]}")), 201);
    assert_at("properties.trustModel", "Isolated");
    assert_null(at("properties.policySigningCertificates"));
    assert_bytes_are(answer.effect.signers, "{\"keys\":[{\"x5c\":[\"AAAA\",\"BBBB\"]}]}");
    /* The same set, in any order and number, or none said: nothing changes. Another one cannot be chosen any more. */
    assert_int_equal(ask("PUT", AT("iso"), KEYS(KEY("AAAA"))), 200);
    assert_int_equal(answer.effect.kind, ARM_NOTHING);
    assert_int_equal(ask("PUT", AT("iso"), WESTUS), 200);
    assert_at("properties.trustModel", "Isolated");
    assert_refused(400, "InvalidRequestContent", "PUT", AT("iso"), KEYS(""));
    assert_refused(400, "InvalidRequestContent", "PUT", AT("iso"), KEYS(KEY("BBBB")));
    assert_refused(400, "InvalidRequestContent", "PUT", AT("iso"), KEYS(KEY("AAAA") "," KEY("BBBB")));
    assert_int_equal(ask("PUT", AT("two"), KEYS(KEY("AAAA") "," KEY("BBBB"))), 201);
    assert_int_equal(ask("PUT", AT("two"), KEYS(KEY("BBBB") "," KEY("AAAA") "," KEY("BBBB"))), 200);
    assert_int_equal(ask("PUT", AT("aad"), WESTUS), 201);
    assert_int_equal(answer.effect.signers.n, 0);
    assert_refused(400, "InvalidRequestContent", "PUT", AT("aad"), KEYS(KEY("AAAA")));
    assert_int_equal(ask("PUT", AT("three"),
                         PROPERTIES("\"trustModel\":\"isolated\",\"policySigningCertificates\":{\"keys\":["
                                    "{\"x5c\":[\"AAAA\"]}]}")),
                     201);
    assert_refused(
        400, "InvalidRequestContent", "PUT", AT("four"),
        PROPERTIES("\"trustModel\":\"AAD\",\"policySigningCertificates\":{\"keys\":[{\"x5c\":[\"AAAA\"]}]}"));
}

static void keys_without_certificates(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        KEYS("{}"),
        KEYS("1"),
        KEYS("\"AAAA\""),
        KEYS("{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}"),
        KEYS("{\"x5c\":[]}"),
        KEYS("{\"x5c\":\"AAAA\"}"),
        KEYS("{\"x5c\":[1]}"),
        KEYS("{\"x5c\":[\"\"]}"),
        KEYS("{\"x5c\":[\"AAAA\",\"\"]}"),
        KEYS("{\"x5c\":[\"A\"]}"),
        KEYS("{\"x5c\":[\"-----BEGIN CERTIFICATE-----\"]}"),
        KEYS("{\"x5c\":[\"AAAA\",\"AAAA\",\"AAAA\",\"AAAA\",\"AAAA\",\"AAAA\",\"AAAA\"]}"),
        KEYS(KEY("AAAA") ",{}"),
    };

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        assert_refused(400, "InvalidParameter", "PUT", AT("iso"), bodies[i]);
        assert_at("error.message", "PolicySigningCertificate key is not an X509 security key");
    }
}

static void as_many_keys_as_a_provider_holds(void **state)
{
    (void)state;
    for (int more = 0; more < 2; more++) {
        struct writer w = wr_open(&arena);

        wr_text(&w, "{\"location\":\"westus\",\"properties\":{\"policySigningCertificates\":{\"keys\":[");
        for (int i = 0; i < LIMIT_SIGNERS + more; i++)
            wr_text(&w, i ? ",{\"x5c\":[\"AAAA\"]}" : "{\"x5c\":[\"AAAA\"]}");
        wr_text(&w, "]}}}");
        char *text = arena_string(&arena, wr_done(&w));
        if (more)
            assert_refused(400, "InvalidRequestContent", "PUT", AT("more"), text);
        else
            assert_int_equal(ask("PUT", AT("most"), text), 201);
    }
}

static char *with_tag(const char *name, const char *value)
{
    return arena_printf(&arena, "{\"location\":\"westus\",\"tags\":{\"%s\":\"%s\"}}", name, value);
}

static void tags(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "a<", "a>", "a%", "a&", "a\\\\", "a?", "a/", "a\\n"};
    char *longest = arena_printf(&arena, "%0*d", LIMIT_ARM_TAG_NAME, 0);
    char *value = arena_printf(&arena, "%0*d", LIMIT_ARM_TAG_VALUE, 0);
    struct writer w = wr_open(&arena);

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_refused(400, "InvalidTags", "PUT", AT("first"), with_tag(bad[i], "v"));
    assert_refused(400, "InvalidTags", "PUT", AT("first"), with_tag("a", "\\u0001"));
    assert_refused(400, "InvalidTags", "PUT", AT("first"), with_tag(arena_printf(&arena, "%sx", longest), "v"));
    assert_refused(400, "InvalidTags", "PUT", AT("first"), with_tag("a", arena_printf(&arena, "%sx", value)));
    assert_int_equal(ask("PUT", AT("first"), with_tag(longest, value)), 201);
    assert_int_equal(ask("PUT", AT("first"), with_tag("Kostenstelle Köln", "")), 200);
    assert_at("tags.Kostenstelle Köln", "");
    wr_text(&w, "{\"location\":\"westus\",\"tags\":{");
    for (int i = 0; i <= LIMIT_ARM_TAGS; i++)
        wr_printf(&w, "%s\"t%d\":\"\"", i ? "," : "", i);
    wr_text(&w, "}}");
    assert_refused(400, "InvalidTags", "PUT", AT("first"), arena_string(&arena, wr_done(&w)));
}

static void a_record_too_large(void **state)
{
    (void)state;
    struct writer w = wr_open(&arena);

    wr_text(&w, "{\"location\":\"westus\",\"tags\":{");
    for (int i = 0; i < LIMIT_ARM_TAGS; i++) { /* characters of three bytes */
        wr_printf(&w, "%s\"%d", i ? "," : "", i + 100);
        for (int k = 0; k < LIMIT_ARM_TAG_NAME - 3; k++)
            wr_text(&w, "€");
        wr_text(&w, "\":\"\"");
    }
    wr_text(&w, "}}");
    assert_refused(413, "RequestEntityTooLarge", "PUT", AT("first"), arena_string(&arena, wr_done(&w)));
}

#define STATE(inner) "{\"properties\":{\"privateLinkServiceConnectionState\":{" inner "}}}"

static void connections(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "{}",
        "{\"properties\":{}}",
        "{\"properties\":{\"privateLinkServiceConnectionState\":null}}",
        "{\"properties\":{\"privateLinkServiceConnectionState\":\"Approved\"}}",
        "{\"privateLinkServiceConnectionState\":{\"status\":\"Approved\"}}",
        "{\"properties\":{\"privateEndpoint\":\"x\",\"privateLinkServiceConnectionState\":{}}}",
        "{\"properties\":{\"privateEndpoint\":{\"id\":1},\"privateLinkServiceConnectionState\":{}}}",
        STATE("\"status\":\"Maybe\""),
        STATE("\"status\":1"),
        STATE("\"state\":\"Approved\""),
        STATE("\"description\":\"\\u001b[2J\""),
    };

    assert_int_equal(ask("PUT", AT("first"), WESTUS), 201);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_refused(400, "InvalidRequestContent", "PUT", AT("first/privateEndpointConnections/c"), bad[i]);
    assert_int_equal(ask("PUT", AT("first/privateEndpointConnections/c"),
                         STATE("\"status\":\"Pending\",\"actionsRequired\":\"None\"")),
                     200);
    assert_at("properties.privateLinkServiceConnectionState.status", "Pending");
    assert_at("properties.privateLinkServiceConnectionState.actionsRequired", "None");
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(shapes_refused),
        CASE(shapes_taken),
        CASE(an_old_version_does_not_take_new_switches),
        CASE(the_policy_of_2018),
        CASE(signers_make_it_isolated),
        CASE(keys_without_certificates),
        CASE(as_many_keys_as_a_provider_holds),
        CASE(tags),
        CASE(a_record_too_large),
        CASE(connections),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
