/* Regions and names; the record of a provider, which comes from a store that is not trusted; recorded answers. */
#include "arena_test.h"

#include "arm/answer.h"
#include "arm/names.h"
#include "base/limits.h"

static void locations(void **state)
{
    (void)state;
    struct regions r = {regions_published, regions_published_count, BYTES_LIT("attest.example")};

    assert_bytes_are(regions_find(&r, BYTES_LIT("eastus2"))->code, "eus2");
    assert_bytes_are(regions_find(&r, BYTES_LIT("East US 2"))->code, "eus2");
    assert_bytes_are(regions_find(&r, BYTES_LIT("  EAST us"))->code, "eus");
    assert_bytes_are(regions_find(&r, BYTES_LIT("southeastasia"))->code, "sasia");
    assert_null(regions_find(&r, BYTES_LIT("")));
    assert_null(regions_find(&r, BYTES_LIT("eastus\0")));
    assert_null(regions_find(&r, BYTES_LIT("eastu")));
    assert_null(regions_find(&r, BYTES_LIT("east-us")));
    assert_null(regions_find_code(&r, BYTES_LIT("EUS")));
    assert_bytes_are(regions_find_code(&r, BYTES_LIT("eus"))->name, "East US");
    assert_true(bytes_begin(regions_list(&arena, &r), "eastus,eastus2,westus,"));
    assert_bytes_are(regions_issuer(&arena, &r, BYTES_LIT("MyName"), BYTES_LIT("wus")),
                     "https://myname.wus.attest.example");
    for (size_t i = 0; i < r.count; i++) {
        assert_true(name_is_region_code(r.v[i].code));
        assert_ptr_equal(regions_find(&r, r.v[i].name), &r.v[i]); /* no two share a name */
        assert_ptr_equal(regions_find_code(&r, r.v[i].code), &r.v[i]);
    }
}

static const struct arm_tag example_tags[] = {{{(const uint8_t *)"a", 1}, {(const uint8_t *)"1", 1}},
                                              {{(const uint8_t *)"B", 1}, {(const uint8_t *)"", 0}}};

static struct resource example(void)
{
    static struct arm_connection connections[2];

    connections[0] =
        (struct arm_connection){BYTES_LIT("c1"), BYTES_LIT("/pe/1"), ARM_PENDING, BYTES_LIT("why"), BYTES_LIT("none")};
    connections[1] = (struct arm_connection){.name = BYTES_LIT("c2"), .status = ARM_REJECTED};
    return (struct resource){.owner = ARM_TENANT,
                             .subscription = BYTES_LIT("s1"),
                             .group = BYTES_LIT("G(1)"),
                             .name = BYTES_LIT("Name"),
                             .location = BYTES_LIT("East US"),
                             .region = BYTES_LIT("eus"),
                             .issuer = BYTES_LIT("https://name.eus.attest.example:8443"),
                             .isolated = true,
                             .signers = BYTES_LIT("0123456789abcdef0123456789abcdef"),
                             .policy_name = BYTES_LIT("p"),
                             .public_network_access = ARM_DISABLED,
                             .tpm_authentication = ARM_ENABLED,
                             .tags = example_tags,
                             .tag_count = 2,
                             .connections = connections,
                             .connection_count = 2,
                             .created = {BYTES_LIT("ada"), ARM_APPLICATION, 1800000000},
                             .modified = {BYTES_LIT("bob"), ARM_KEY, 1800000001}};
}

static void a_record_comes_back_whole(void **state)
{
    (void)state;
    struct resource r = example(), back;
    struct fault fault = {0};
    struct bytes record = resource_record(&arena, &r);

    if (!resource_read(&arena, record, &back, &fault))
        fail_msg("%s", fault.text);
    assert_bytes_equal(resource_record(&arena, &back), record);
    assert_bytes_equal(json_print(&arena, resource_json(&arena, &back, ARM_2021_06_01), JSON_IN_ORDER),
                       json_print(&arena, resource_json(&arena, &r, ARM_2021_06_01), JSON_IN_ORDER));
    assert_bytes_equal(back.signers, r.signers);
    assert_bytes_equal(back.policy_name, r.policy_name);
    assert_int_equal(back.created.at, r.created.at);
    assert_int_equal(back.modified.kind, ARM_KEY);
    assert_int_equal(back.owner, ARM_TENANT);
    /* The least that a record can be. */
    r = (struct resource){.owner = ARM_TENANT,
                          .subscription = r.subscription,
                          .group = r.group,
                          .name = r.name,
                          .location = r.location,
                          .region = r.region,
                          .issuer = r.issuer};
    record = resource_record(&arena, &r);
    assert_true(resource_read(&arena, record, &back, NULL));
    assert_bytes_equal(resource_record(&arena, &back), record);
}

/* The record with one text replaced by another. */
static struct bytes changed(struct bytes record, const char *from, const char *to)
{
    char *text = arena_string(&arena, record), *found = strstr(text, from);

    if (!found)
        fail_msg("no %s in %s", from, text);
    return bytes_text(arena_printf(&arena, "%.*s%s%s", (int)(found - text), text, to, found + strlen(from)));
}

static void records_not_of_the_form(void **state)
{
    (void)state;
    static const char *const changes[][2] = {
        {"{", ""},
        {"\"subscription\":\"s1\"", "\"subscription\":\"s 1\""},
        {"\"subscription\":\"s1\"", "\"subscription\":\"\""},
        {"\"subscription\":\"s1\",", ""},
        {"\"subscription\":\"s1\"", "\"subscription\":1"},
        {"\"subscription\"", "\"Subscription\""},
        {"\"G(1)\"", "\"G.\""},
        {"\"Name\"", "\"na\""},
        {"\"Name\"", "\"Nome\""}, /* not the issuer's */
        {"\"region\":\"eus\"", "\"region\":\"wus\""},
        {"\"region\":\"eus\"", "\"region\":\"EUS\""},
        {"https://name.eus.attest.example:8443", "http://name.eus.attest.example:8443"},
        {"https://name.eus.attest.example:8443", "https://name.eus."},
        {"https://name.eus.attest.example:8443", "https://other.eus.attest.example:8443"},
        {"\"East US\"", "\"\""},
        {"\"East US\"", "\"East\\nUS\""},
        {"\"isolated\":true", "\"isolated\":1"},
        {"\"isolated\":true", "\"isolated\":false"}, /* but with certificates */
        {"\"isolated\":true,", ""},
        {"\"signers\":\"MD", "\"signers\":\"M"},
        {"\"signers\":\"", "\"signers\":\"="},
        {"\"publicNetworkAccess\":\"Disabled\"", "\"publicNetworkAccess\":\"disabled\""},
        {"\"publicNetworkAccess\":\"Disabled\"", "\"publicNetworkAccess\":null"},
        {"\"tpmAuthentication\"", "\"tpmAttestationAuthentication\""},
        {"\"tags\":{\"a\":\"1\"", "\"tags\":{\"a\":1"},
        {"\"tags\":{\"a\":\"1\"", "\"tags\":{\"a\":\"1\",\"a\":\"1\""},
        {"\"tags\":{\"a\":\"1\"", "\"tags\":{\"a/\":\"1\""},
        {"\"tags\":{\"a\":\"1\",\"B\":\"\"}", "\"tags\":{}"},
        {"\"tags\":{\"a\":\"1\",\"B\":\"\"}", "\"tags\":[]"},
        {"\"name\":\"c2\"", "\"name\":\"C1\""},
        {"\"name\":\"c2\"", "\"name\":\".c\""},
        {"\"status\":\"Rejected\"", "\"status\":\"rejected\""},
        {"\"status\":\"Rejected\"", "\"status\":\"Rejected\",\"x\":1"},
        {"\"kind\":\"Key\"", "\"kind\":\"key\""},
        {"1800000001", "0"},
        {"1800000001", "-1"},
        {"1800000001", "1.5"},
        {"\"by\":\"bob\"", "\"by\":\"\\u001b\""},
        {"{\"subscription\"", "{\"extra\":1,\"subscription\""},
        {"{\"subscription\"", "{\"owner\":\"shared\",\"subscription\""},
    };
    struct resource r = example(), back;
    struct bytes record = resource_record(&arena, &r);

    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct fault fault = {0};

        if (resource_read(&arena, changed(record, changes[i][0], changes[i][1]), &back, &fault))
            fail_msg("taken: %s for %s", changes[i][1], changes[i][0]);
        assert_int_not_equal(fault.code, FAULT_NONE);
    }
    assert_false(resource_read(&arena, BYTES_NONE, &back, NULL));
    char *long_text = arena_printf(&arena, "\"tags\":{\"a\":\"%0*d\"", LIMIT_ARM_RECORD, 0);
    assert_false(resource_read(&arena, changed(record, "\"tags\":{\"a\":\"1\"", long_text), &back, NULL));
}

static bool has(enum arm_version version, const char *text)
{
    struct resource r = example();

    return strstr(arena_string(&arena, json_print(&arena, resource_json(&arena, &r, version), JSON_IN_ORDER)), text);
}

static void members_by_version(void **state)
{
    (void)state;
    static const struct {
        const char *member;
        bool in[ARM_VERSIONS];
    } rows[] = {
        {"\"trustModel\":\"Isolated\"", {true, true, true, true}},
        {"\"tags\":{\"a\":\"1\",\"B\":\"\"}", {true, true, true, true}},
        {"\"systemData\":{\"createdBy\":\"ada\",\"createdByType\":\"Application\"", {false, true, true, true}},
        {"\"privateEndpointConnections\":[", {false, true, true, true}},
        {"\"publicNetworkAccess\":\"Disabled\"", {false, false, true, true}},
        {"\"tpmAttestationAuthentication\":\"Enabled\"", {false, false, false, true}},
        {"signers", {false, false, false, false}},
        {"policySigningCertificates", {false, false, false, false}},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int v = 0; v < ARM_VERSIONS; v++)
            if (has((enum arm_version)v, rows[i].member) != rows[i].in[v])
                fail_msg("%s in %s", rows[i].member, arm_version_name((enum arm_version)v));
}

/* Every recorded body that shows one provider comes out byte for byte, without what was not recorded of it. */
static void compare_recorded(const struct json *exchange, const char *response, const char *uri)
{
    const struct json *shown =
        response ? json_member(json_member(exchange, "response"), "body") : json_member(exchange, "responseBody");
    const struct json *sent =
        response ? json_member(json_member(exchange, "request"), "uri") : json_member(exchange, "url");
    const struct json *properties = json_member(shown, "properties");
    struct resource r = {.owner = ARM_TENANT};
    struct bytes text, name;
    enum arm_version version;

    if (!properties || !json_text(sent, &text))
        return;
    const char *query = strstr(arena_string(&arena, text), uri);
    assert_non_null(query);
    assert_true(arm_version_find(bytes_text(query + strlen(uri)), &version));
    text.n = strcspn(arena_string(&arena, text), "?");
    struct arm_route route;
    const char *allowed;
    assert_int_equal(arm_route("GET", bytes_after(text, strlen("https://management.azure.com")), &route, &allowed),
                     ARM_FOUND);
    r.subscription = route.subscription;
    r.group = route.group;
    r.name = route.name;
    assert_true(json_text(json_member(shown, "location"), &r.location));
    assert_true(json_text(json_member(properties, "attestUri"), &r.issuer));
    assert_true(json_text(json_member(properties, "trustModel"), &name));
    r.isolated = bytes_is(name, "Isolated");
    const struct json *tags = json_member(shown, "tags");
    struct arm_tag *list = ARENA_ARRAY(&arena, struct arm_tag, tags ? tags->count : 0);
    JSON_EACH (m, tags) {
        list[r.tag_count].name = m->name;
        assert_true(json_text(m, &list[r.tag_count++].value));
    }
    r.tags = list;
    assert_bytes_equal(json_print(&arena, resource_json(&arena, &r, version), JSON_SORTED),
                       json_print(&arena, shown, JSON_SORTED));
}

static void recorded_answers(void **state)
{
    (void)state;
    static const char *const files[] = {"spec/recordings/arm/az-cli-create-get-aad.json",
                                        "spec/recordings/arm/js-update-tags.json"};
    const struct json *root;

    NEED_SHARED("recorded answers of the control plane");
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        assert_true(json_parse(&arena, read_shared(&arena, files[i]), NULL, &root, NULL));
        assert_true(root->count > 0);
        JSON_EACH (exchange, root)
            compare_recorded(exchange, NULL, "api-version=");
    }
    assert_true(json_parse(&arena, read_shared(&arena, "spec/examples/recorded-arm-provider-lifecycle.json"), NULL,
                           &root, NULL));
    assert_true(json_member(root, "exchanges")->count > 0);
    JSON_EACH (exchange, json_member(root, "exchanges"))
        compare_recorded(exchange, "response", "api-version=");
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(locations),          CASE(a_record_comes_back_whole), CASE(records_not_of_the_form),
        CASE(members_by_version), CASE(recorded_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
