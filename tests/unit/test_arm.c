/* The control plane as a whole: routes, versions, each operation and what it leaves behind. */
#include "arm_case.h"

#include "base/limits.h"

static void every_path_and_method(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path;
        enum arm_operation operation;
        enum arm_action action;
    } rows[] = {
        {"GET", SPACE "/operations", ARM_OPERATIONS_LIST, ARM_ACTION_NONE},
        {"GET", SUB PLURAL, ARM_PROVIDERS_LIST, ARM_ACTION_READ},
        {"GET", GROUP PLURAL, ARM_PROVIDERS_LIST_BY_GROUP, ARM_ACTION_READ},
        {"GET", AT("n"), ARM_PROVIDER_GET, ARM_ACTION_READ},
        {"PUT", AT("n"), ARM_PROVIDER_CREATE, ARM_ACTION_WRITE},
        {"PATCH", AT("n"), ARM_PROVIDER_UPDATE, ARM_ACTION_WRITE},
        {"DELETE", AT("n"), ARM_PROVIDER_DELETE, ARM_ACTION_DELETE},
        {"GET", SUB SPACE "/defaultProviders", ARM_DEFAULTS_LIST, ARM_ACTION_NONE},
        {"GET", SUB SPACE "/locations/Central US/defaultProvider", ARM_DEFAULT_GET, ARM_ACTION_NONE},
        {"GET", AT("n") "/privateEndpointConnections", ARM_CONNECTIONS_LIST, ARM_CONNECTION_READ},
        {"GET", AT("n") "/privateEndpointConnections/c", ARM_CONNECTION_GET, ARM_CONNECTION_READ},
        {"PUT", AT("n") "/privateEndpointConnections/c", ARM_CONNECTION_CREATE, ARM_CONNECTION_WRITE},
        {"DELETE", AT("n") "/privateEndpointConnections/c", ARM_CONNECTION_DELETE, ARM_CONNECTION_REMOVE},
        {"GET", AT("n") "/privateLinkResources", ARM_LINK_RESOURCES_LIST, ARM_LINK_READ},
        {"GET", AT("n") "/signingKeys", ARM_KEYS_LIST, ARM_ACTION_READ},
        {"POST", AT("n") "/rotateSigningKey", ARM_KEY_ROTATE, ARM_ACTION_WRITE},
        {"POST", AT("n") "/revokeSigningKey", ARM_KEY_REVOKE, ARM_ACTION_WRITE},
    };
    bool seen[ARM_OPERATION_COUNT] = {false};
    struct arm_route r;
    const char *allowed;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(arm_route(rows[i].method, bytes_text(rows[i].path), &r, &allowed), ARM_FOUND);
        assert_int_equal(r.operation, rows[i].operation);
        assert_int_equal(r.action, rows[i].action);
        seen[r.operation] = true;
    }
    for (int i = 0; i < ARM_OPERATION_COUNT; i++) {
        assert_true(seen[i]);
        assert_non_null(arm_operation_name((enum arm_operation)i));
    }
}

static void routes_name_their_parts(void **state)
{
    (void)state;
    struct arm_route r;
    const char *allowed;

    assert_int_equal(arm_route("GET",
                               BYTES_LIT("/SUBSCRIPTIONS/S1/resourcegroups/G.1/Providers/microsoft.ATTESTATION/"
                                         "AttestationProviders/Name/PrivateEndpointConnections/C"),
                               &r, &allowed),
                     ARM_FOUND);
    assert_bytes_are(r.subscription, "S1");
    assert_bytes_are(r.group, "G.1");
    assert_bytes_are(r.name, "Name");
    assert_bytes_are(r.connection, "C");
    assert_int_equal(r.location.n, 0);
    assert_int_equal(arm_route("GET", BYTES_LIT(SUB SPACE "/locations/Central US/defaultProvider"), &r, &allowed),
                     ARM_FOUND);
    assert_bytes_are(r.location, "Central US");
    assert_int_equal(r.group.n, 0);
}

static void no_other_path(void **state)
{
    (void)state;
    static const char *const paths[] = {"",
                                        "/",
                                        "subscriptions/s" PLURAL,
                                        SPACE,
                                        SPACE "/operations/",
                                        SPACE "//operations",
                                        "/" SPACE "/operations",
                                        SPACE "/operation",
                                        SPACE "/operationss",
                                        "/providers/Microsoft.Attestatio/operations",
                                        "/providers/Microsoft.Storage/operations",
                                        SUB,
                                        GROUP,
                                        SUB PLURAL "/",
                                        SUB PLURAL "/n",
                                        PLURAL "/sharedwus",
                                        AT(""),
                                        AT("."),
                                        AT(".."),
                                        AT("n/"),
                                        AT("n/../m"),
                                        AT("n/privateEndpointConnections/"),
                                        AT("n/privateEndpointConnections/.."),
                                        AT("n/privateEndpointConnections/c/d"),
                                        AT("n/privateLinkResources/tenant"),
                                        "/subscriptions//resourceGroups/g" PLURAL "/n",
                                        "/subscriptions/s/resourceGroups" PLURAL "/n",
                                        SUB SPACE "/locations/defaultProvider",
                                        SUB SPACE "/locations//defaultProvider"};
    struct arm_route r;
    const char *allowed;

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (arm_route("GET", bytes_text(paths[i]), &r, &allowed) != ARM_NO_PATH)
            fail_msg("%s is a path", paths[i]);
}

static void other_methods_say_which_there_are(void **state)
{
    (void)state;
    struct arm_route r;
    const char *allowed;

    assert_int_equal(arm_route("POST", BYTES_LIT(AT("n")), &r, &allowed), ARM_WRONG_METHOD);
    assert_string_equal(allowed, "GET, PUT, PATCH, DELETE");
    assert_int_equal(arm_route("get", BYTES_LIT(AT("n")), &r, &allowed), ARM_WRONG_METHOD);
    assert_int_equal(arm_route("PATCH", BYTES_LIT(AT("n/privateEndpointConnections/c")), &r, &allowed),
                     ARM_WRONG_METHOD);
    assert_string_equal(allowed, "GET, PUT, DELETE");
    assert_int_equal(arm_route("PUT", BYTES_LIT(SPACE "/operations"), &r, &allowed), ARM_WRONG_METHOD);
    assert_string_equal(allowed, "GET");
}

static void versions(void **state)
{
    (void)state;
    static const char *const good[] = {"2018-09-01-preview", "2020-10-01", "2021-06-01-preview", "2021-06-01",
                                       "2018-09-01-PREVIEW"};
    static const char *const bad[] = {"", "2018-09-01", "2022-08-01", "2021-06-01 ", "2021-06-01-previewx", "latest"};

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        version = good[i];
        assert_int_equal(ask("GET", SUB PLURAL, NULL), 200);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        version = bad[i];
        assert_refused(400, "InvalidApiVersionParameter", "GET", SUB PLURAL, NULL);
        struct bytes message;
        assert_true(json_text(at("error.message"), &message));
        assert_non_null(strstr(arena_string(&arena, message), "2018-09-01-preview,2020-10-01"));
    }
    version = NULL;
    assert_refused(400, "MissingApiVersionParameter", "GET", SUB PLURAL, NULL);
}

static void operations_of_later_versions(void **state)
{
    (void)state;
    version = "2018-09-01-preview";
    assert_refused(404, "InvalidResourceType", "GET", AT("fixed/privateEndpointConnections"), NULL);
    assert_refused(404, "InvalidResourceType", "PUT", AT("fixed/privateEndpointConnections/c"), "{}");
    assert_refused(404, "InvalidResourceType", "GET", AT("fixed/privateLinkResources"), NULL);
    version = "2020-10-01";
    assert_int_equal(ask("GET", AT("fixed/privateEndpointConnections"), NULL), 200);
    assert_refused(404, "InvalidResourceType", "GET", AT("fixed/privateLinkResources"), NULL);
    version = "2021-06-01-preview";
    assert_int_equal(ask("GET", AT("fixed/privateLinkResources"), NULL), 200);
}

static void names(void **state)
{
    (void)state;
    static const char *const providers[] = {"ab",    "a.b", "a_b",   "-abc", "abc-",   "xn--a",
                                            "ab--c", "a b", "a%00b", "äöü",  "a\tbcd", "123456789012345678901234x"};
    static const char *const groups[] = {"g.", "a b", "a$", "ä", "a/../b"};

    for (size_t i = 0; i < sizeof providers / sizeof *providers; i++)
        assert_refused(400, "InvalidResourceName", "PUT", arena_printf(&arena, GROUP PLURAL "/%s", providers[i]),
                       WESTUS);
    for (size_t i = 0; i + 1 < sizeof groups / sizeof *groups; i++)
        assert_refused(400, "InvalidResourceGroup", "GET",
                       arena_printf(&arena, SUB "/resourceGroups/%s" PLURAL, groups[i]), NULL);
    assert_refused(400, "InvalidResourceGroup", "GET",
                   arena_printf(&arena, SUB "/resourceGroups/%0*d" PLURAL, LIMIT_ARM_GROUP + 1, 0), NULL);
    assert_int_equal(ask("GET", arena_printf(&arena, SUB "/resourceGroups/%0*d" PLURAL, LIMIT_ARM_GROUP, 0), NULL),
                     200);
    assert_int_equal(ask("GET", SUB "/resourceGroups/A-b_c.(d)" PLURAL, NULL), 200);
    assert_refused(400, "InvalidSubscriptionId", "GET", "/subscriptions/a b" PLURAL, NULL);
    assert_refused(400, "InvalidSubscriptionId", "GET",
                   arena_printf(&arena, "/subscriptions/%0*d" PLURAL, LIMIT_ARM_SUBSCRIPTION + 1, 0), NULL);
    assert_int_equal(ask("GET", "/subscriptions/azure_subscription_id" PLURAL, NULL), 200);
    assert_refused(400, "InvalidResourceName", "GET", AT("fixed/privateEndpointConnections/.c"), NULL);
    assert_refused(400, "InvalidResourceName", "GET",
                   arena_printf(&arena, AT("fixed/privateEndpointConnections/%0*d"), LIMIT_ARM_CONNECTION + 1, 0),
                   NULL);
    assert_int_equal(ask("PUT", AT("123456789012345678901234"), WESTUS), 201);
    assert_int_equal(ask("PUT", AT("a-1"), WESTUS), 201);
}

static void created_got_listed_and_deleted(void **state)
{
    (void)state;
    assert_int_equal(ask("PUT", AT("First"), "{\"location\":\"West US\",\"tags\":{\"a\":\"1\"},\"properties\":{}}"),
                     201);
    assert_int_equal(answer.effect.kind, ARM_CREATE);
    assert_string_equal(answer.location, "https://first.wus.attest.example:8443/");
    assert_at("id", AT("First"));
    assert_at("name", "First");
    assert_at("type", "Microsoft.Attestation/attestationProviders");
    assert_at("location", "West US");
    assert_at("tags.a", "1");
    assert_at("properties.trustModel", "AAD");
    assert_at("properties.status", "Ready");
    assert_at("properties.attestUri", "https://first.wus.attest.example:8443");
    assert_at("systemData.createdBy", "ada@example");
    assert_at("systemData.createdByType", "User");
    assert_at("systemData.createdAt", "2027-01-15T08:00:00Z");
    struct bytes made = answer.body;

    assert_int_equal(ask("GET", AT("first"), NULL), 200);
    assert_bytes_equal(answer.body, made);
    assert_null(answer.location);
    assert_int_equal(ask("GET", SUB PLURAL, NULL), 200);
    assert_int_equal(at("value")->count, 2);
    assert_at("value.1.name", "First");
    assert_int_equal(ask("GET", SUB "/resourceGroups/CONFORMANCE" PLURAL, NULL), 200);
    assert_int_equal(at("value")->count, 2);
    assert_int_equal(ask("GET", SUB "/resourceGroups/other" PLURAL, NULL), 200);
    assert_int_equal(at("value")->count, 0);
    assert_int_equal(ask("GET", "/subscriptions/other" PLURAL, NULL), 200);
    assert_bytes_are(answer.body, "{\"value\":[]}");

    assert_int_equal(ask("DELETE", AT("FIRST"), NULL), 200);
    assert_int_equal(answer.effect.kind, ARM_DELETE);
    assert_int_equal(answer.body.n, 0);
    assert_refused(404, "ResourceNotFound", "GET", AT("First"), NULL);
    assert_int_equal(ask("DELETE", AT("First"), NULL), 204);
    assert_int_equal(answer.effect.kind, ARM_NOTHING);
}

static void a_creation_again_is_an_update(void **state)
{
    (void)state;
    assert_int_equal(ask("PUT", AT("first"), "{\"location\":\"westus\",\"tags\":{\"a\":\"1\"}}"), 201);
    now++;
    assert_int_equal(ask("PUT", AT("FIRST"), "{\"location\":\"West US\",\"tags\":{\"a\":\"1\"}}"), 200);
    assert_int_equal(answer.effect.kind, ARM_NOTHING); /* nothing but the hour would differ */
    assert_at("name", "first");
    assert_at("location", "westus");
    assert_at("systemData.lastModifiedAt", "2027-01-15T08:00:00Z");
    assert_int_equal(ask("PUT", AT("first"), "{\"location\":\"westus\",\"tags\":{\"b\":\"2\"}}"), 200);
    assert_int_equal(answer.effect.kind, ARM_UPDATE);
    assert_null(at("tags.a"));
    assert_at("tags.b", "2");
    assert_at("systemData.createdAt", "2027-01-15T08:00:00Z");
    assert_at("systemData.lastModifiedAt", "2027-01-15T08:00:01Z");
    assert_int_equal(ask("PUT", AT("first"), "{\"location\":\"westus\",\"tags\":null}"), 200);
    assert_null(at("tags"));
    assert_refused(409, "InvalidResourceLocation", "PUT", AT("first"), "{\"location\":\"eastus\"}");
}

static void a_creation_says_what_its_version_knows(void **state)
{
    (void)state;
    const char *set = "{\"location\":\"westus\",\"properties\":{\"publicNetworkAccess\":\"disabled\","
                      "\"tpmAttestationAuthentication\":\"Disabled\"}}";

    assert_int_equal(ask("PUT", AT("first"), set), 201);
    assert_at("properties.publicNetworkAccess", "Disabled");
    version = "2020-10-01";
    assert_int_equal(ask("PUT", AT("first"), WESTUS), 200);
    assert_null(at("properties.publicNetworkAccess"));
    version = "2021-06-01-preview";
    assert_int_equal(ask("GET", AT("first"), NULL), 200);
    assert_at("properties.publicNetworkAccess", "Disabled");
    assert_null(at("properties.tpmAttestationAuthentication"));
    assert_int_equal(ask("PUT", AT("first"), WESTUS), 200);
    assert_null(at("properties.publicNetworkAccess"));
    version = "2021-06-01";
    assert_int_equal(ask("GET", AT("first"), NULL), 200);
    assert_int_equal(at("properties.publicNetworkAccess")->kind, JSON_NULL);
    assert_at("properties.tpmAttestationAuthentication", "Disabled");
    assert_int_equal(ask("PUT", AT("first"), WESTUS), 200);
    assert_int_equal(at("properties.tpmAttestationAuthentication")->kind, JSON_NULL);
}

static void updates(void **state)
{
    (void)state;
    assert_refused(404, "ResourceNotFound", "PATCH", AT("first"), "{}");
    assert_int_equal(ask("PUT", AT("first"), "{\"location\":\"westus\",\"tags\":{\"a\":\"1\"}}"), 201);
    assert_int_equal(ask("PATCH", AT("first"), "{}"), 200);
    assert_int_equal(answer.effect.kind, ARM_NOTHING);
    assert_int_equal(ask("PATCH", AT("First"), "{\"tags\":{\"tag1\":\"value1\"}}"), 200);
    assert_int_equal(answer.effect.kind, ARM_UPDATE);
    assert_null(at("tags.a"));
    assert_at("tags.tag1", "value1");
    assert_int_equal(ask("PATCH", AT("first"),
                         "{\"properties\":{\"PublicNetworkAccess\":\"Disabled\",\"tpmAttestationAuthentication\":"
                         "\"Enabled\"}}"),
                     200);
    assert_at("tags.tag1", "value1");
    assert_at("properties.publicNetworkAccess", "Disabled");
    assert_at("properties.tpmAttestationAuthentication", "Enabled");
    assert_int_equal(ask("PATCH", AT("first"), "{\"tags\":{}}"), 200);
    assert_null(at("tags"));
    version = "2020-10-01";
    assert_refused(400, "InvalidRequestContent", "PATCH", AT("first"),
                   "{\"properties\":{\"publicNetworkAccess\":\"Enabled\"}}");
    assert_refused(400, "InvalidRequestContent", "PATCH", AT("first"),
                   "{\"properties\":{\"policySigningCertificates\":{}}}");
    assert_refused(400, "InvalidRequestContent", "PATCH", AT("first"), "{\"location\":\"westus\"}");
}

static void names_taken_by_others(void **state)
{
    (void)state;
    assert_int_equal(ask("PUT", AT("first"), WESTUS), 201);
    assert_refused(409, "NameNotAvailable", "PUT", "/subscriptions/other/resourceGroups/g" PLURAL "/FIRST", WESTUS);
    assert_refused(409, "NameNotAvailable", "PUT", SUB "/resourceGroups/other" PLURAL "/first", WESTUS);
    assert_refused(409, "NameNotAvailable", "PUT", AT("sharedwus"), WESTUS);
    assert_int_equal(ask("PUT", "/subscriptions/other/resourceGroups/g" PLURAL "/first", "{\"location\":\"East US\"}"),
                     201);
    assert_at("properties.attestUri", "https://first.eus.attest.example:8443");
    /* Another's provider is not seen, not changed, not deleted. */
    assert_refused(404, "ResourceNotFound", "GET", "/subscriptions/other/resourceGroups/g2" PLURAL "/first", NULL);
    assert_int_equal(ask("DELETE", "/subscriptions/other/resourceGroups/g2" PLURAL "/first", NULL), 204);
    assert_int_equal(ask("GET", AT("first"), NULL), 200);
}

static void a_subscription_is_limited(void **state)
{
    (void)state;
    most = 2; /* the configuration's are not counted */
    assert_int_equal(ask("PUT", AT("first"), WESTUS), 201);
    assert_int_equal(ask("PUT", SUB "/resourceGroups/other" PLURAL "/second", WESTUS), 201);
    assert_refused(409, "QuotaExceeded", "PUT", AT("third"), WESTUS);
    assert_int_equal(ask("GET", AT("third"), NULL), 404);
    assert_int_equal(ask("PUT", AT("first"), WESTUS), 200); /* it is there already */
    assert_int_equal(ask("PUT", "/subscriptions/other/resourceGroups/g" PLURAL "/third", WESTUS), 201);
    assert_int_equal(ask("DELETE", AT("first"), NULL), 200);
    assert_int_equal(ask("PUT", AT("fourth"), WESTUS), 201);
}

static void the_configurations_providers_stay(void **state)
{
    (void)state;
    assert_int_equal(ask("PUT", AT("fixed"), WESTUS), 200); /* nothing would change */
    assert_int_equal(answer.effect.kind, ARM_NOTHING);
    assert_null(at("systemData"));
    assert_refused(409, "Conflict", "PUT", AT("fixed"), "{\"location\":\"westus\",\"tags\":{\"a\":\"1\"}}");
    assert_refused(409, "Conflict", "PATCH", AT("fixed"), "{\"tags\":{\"a\":\"1\"}}");
    assert_refused(409, "Conflict", "DELETE", AT("fixed"), NULL);
    assert_refused(409, "Conflict", "PUT", AT("fixed/privateEndpointConnections/c"),
                   "{\"properties\":{\"privateLinkServiceConnectionState\":{}}}");
}

static void default_providers(void **state)
{
    (void)state;
    assert_int_equal(ask("GET", SUB SPACE "/defaultProviders", NULL), 200);
    assert_int_equal(at("value")->count, 1);
    assert_at("value.0.id", "/providers/Microsoft.Attestation/attestationProviders/sharedwus");
    assert_at("value.0.properties.attestUri", "https://sharedwus.wus.attest.example:8443");
    assert_int_equal(ask("GET", SUB SPACE "/locations/westus/defaultProvider", NULL), 200);
    assert_at("location", "West US");
    assert_at("properties.trustModel", "AAD");
    assert_int_equal(ask("GET", SUB SPACE "/locations/WEST us/defaultProvider", NULL), 200);
    assert_refused(404, "ResourceNotFound", "GET", SUB SPACE "/locations/nowhere/defaultProvider", NULL);
    assert_refused(404, "ResourceNotFound", "GET", SUB SPACE "/locations/eastus/defaultProvider", NULL);
}

#define APPROVED \
    "{\"properties\":{\"privateLinkServiceConnectionState\":{\"status\":\"Approved\",\"description\":\"yes\"}}}"

static void private_endpoint_connections(void **state)
{
    (void)state;
    assert_refused(404, "ResourceNotFound", "GET", AT("first/privateEndpointConnections"), NULL);
    assert_refused(404, "ResourceNotFound", "PUT", AT("first/privateEndpointConnections/c1"), APPROVED);
    assert_int_equal(ask("DELETE", AT("first/privateEndpointConnections/c1"), NULL), 204);
    assert_int_equal(ask("PUT", AT("first"), WESTUS), 201);
    assert_int_equal(ask("GET", AT("first/privateEndpointConnections"), NULL), 200);
    assert_bytes_are(answer.body, "{\"value\":[]}");
    assert_int_equal(ask("PUT", AT("first/privateEndpointConnections/c1"), APPROVED), 200);
    assert_at("id", AT("first/privateEndpointConnections/c1"));
    assert_at("name", "c1");
    assert_at("type", "Microsoft.Attestation/attestationProviders/privateEndpointConnections");
    assert_at("properties.privateLinkServiceConnectionState.status", "Approved");
    assert_at("properties.privateLinkServiceConnectionState.description", "yes");
    assert_at("properties.provisioningState", "Succeeded");
    assert_null(at("properties.privateEndpoint"));
    assert_int_equal(
        ask("PUT", AT("first/privateEndpointConnections/c2"),
            "{\"properties\":{\"privateEndpoint\":{\"id\":\"/pe/2\"},\"privateLinkServiceConnectionState\":{}}}"),
        200);
    assert_at("properties.privateLinkServiceConnectionState.description", "Auto-Approved");
    assert_at("properties.privateEndpoint.id", "/pe/2");
    assert_int_equal(ask("PUT", AT("first/privateEndpointConnections/C1"),
                         "{\"properties\":{\"privateLinkServiceConnectionState\":{\"status\":\"rejected\"}}}"),
                     200);
    assert_at("name", "c1");
    assert_at("properties.privateLinkServiceConnectionState.status", "Rejected");
    assert_int_equal(ask("GET", AT("first/privateEndpointConnections"), NULL), 200);
    assert_int_equal(at("value")->count, 2);
    assert_int_equal(ask("GET", AT("first"), NULL), 200);
    assert_at("properties.privateEndpointConnections.0.name", "c1");
    assert_int_equal(ask("DELETE", AT("first/privateEndpointConnections/c1"), NULL), 200);
    assert_int_equal(answer.effect.kind, ARM_UPDATE);
    assert_int_equal(ask("DELETE", AT("first/privateEndpointConnections/c1"), NULL), 204);
    assert_refused(404, "ResourceNotFound", "GET", AT("first/privateEndpointConnections/c1"), NULL);
    assert_int_equal(ask("GET", AT("first/privateEndpointConnections/C2"), NULL), 200);
}

static void connections_are_limited(void **state)
{
    (void)state;
    assert_int_equal(ask("PUT", AT("first"), WESTUS), 201);
    for (int i = 0; i < LIMIT_ARM_CONNECTIONS; i++)
        assert_int_equal(ask("PUT", arena_printf(&arena, AT("first/privateEndpointConnections/c%d"), i), APPROVED),
                         200);
    assert_refused(400, "TooManyConnections", "PUT", AT("first/privateEndpointConnections/one-more"), APPROVED);
    assert_int_equal(ask("PUT", AT("first/privateEndpointConnections/c7"), APPROVED), 200);
}

static void private_link_resources(void **state)
{
    (void)state;
    assert_refused(404, "ResourceNotFound", "GET", AT("first/privateLinkResources"), NULL);
    assert_int_equal(ask("GET", AT("fixed/privateLinkResources"), NULL), 200);
    assert_at("value.0.id", AT("fixed/privateLinkResources/tenant"));
    assert_at("value.0.properties.groupId", "standard");
    assert_at("value.0.properties.requiredMembers.0", "default");
    assert_at("value.0.properties.requiredZoneNames.0", "privatelink.attest.example");
}

static void the_list_of_operations(void **state)
{
    (void)state;
    version = "2018-09-01-preview";
    assert_int_equal(ask("GET", SPACE "/operations", NULL), 200);
    assert_int_equal(at("value")->count, 3);
    assert_at("value.0.name", "Microsoft.Attestation/attestationProviders/attestation/read");
    assert_at("value.1.name", "Microsoft.Attestation/attestationProviders/attestation/write");
    assert_at("value.2.name", "Microsoft.Attestation/attestationProviders/attestation/delete");
    for (int i = 0; i < 3; i++) {
        assert_non_null(at(arena_printf(&arena, "value.%d.display.provider", i)));
        assert_non_null(at(arena_printf(&arena, "value.%d.display.operation", i)));
    }
}

static void a_list_too_long_is_refused_whole(void **state)
{
    (void)state;
    char *tags = arena_printf(&arena, "{\"location\":\"westus\",\"tags\":{");
    struct writer w = wr_open(&arena);

    wr_text(&w, tags);
    for (int i = 0; i < LIMIT_ARM_TAGS; i++)
        wr_printf(&w, "%s\"%0*d\":\"%0*d\"", i ? "," : "", LIMIT_ARM_TAG_NAME, i, LIMIT_ARM_TAG_VALUE, i);
    wr_text(&w, "}}");
    char *large = arena_string(&arena, wr_done(&w));
    for (int i = 0; i < LIMIT_ARM_LIST / (LIMIT_ARM_TAGS * (LIMIT_ARM_TAG_NAME + LIMIT_ARM_TAG_VALUE)) + 1; i++)
        assert_int_equal(ask("PUT", arena_printf(&arena, AT("many%d"), i), large), 201);
    assert_refused(413, "ResponseTooLarge", "GET", SUB PLURAL, NULL);
    assert_int_equal(ask("GET", AT("many1"), NULL), 200);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_path_and_method),
        cmocka_unit_test(routes_name_their_parts),
        cmocka_unit_test(no_other_path),
        cmocka_unit_test(other_methods_say_which_there_are),
        CASE(versions),
        CASE(operations_of_later_versions),
        CASE(names),
        CASE(created_got_listed_and_deleted),
        CASE(a_creation_again_is_an_update),
        CASE(a_creation_says_what_its_version_knows),
        CASE(updates),
        CASE(names_taken_by_others),
        CASE(a_subscription_is_limited),
        CASE(the_configurations_providers_stay),
        CASE(default_providers),
        CASE(private_endpoint_connections),
        CASE(connections_are_limited),
        CASE(private_link_resources),
        CASE(the_list_of_operations),
        CASE(a_list_too_long_is_refused_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
