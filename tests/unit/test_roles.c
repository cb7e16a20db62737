/* Who may do what where: each cell of the table of roles and actions, scopes and their borders, who an assignment is for. */
#include "test.h"

#include "identity/roles.h"

#define SUBSCRIPTION "11111111-1111-1111-1111-111111111111"
#define OTHER        "22222222-2222-2222-2222-222222222222"
#define PROVIDER_ID \
    "/subscriptions/" SUBSCRIPTION "/resourceGroups/g/providers/Microsoft.Attestation/attestationProviders/p"

static const struct bytes bound[] = {BYTES_LIT(SUBSCRIPTION)};
static const struct issuer issuer_list[] = {
    {.url = BYTES_LIT("https://all.example"), .any_subscription = true},
    {.url = BYTES_LIT("https://bound.example"), .subscriptions = {bound, 1}},
    {.url = BYTES_LIT("https://dev.example"), .any_subscription = true, .carries_roles = true},
    {.url = BYTES_LIT("https://none.example")},
};
static const struct issuers issuers = {issuer_list, 4};

static struct scope scope_of(const char *text)
{
    struct scope s;

    if (!scope_parse(bytes_text(text), &s))
        fail_msg("no scope: %s", text);
    return s;
}

static struct caller caller_of(const char *issuer, const char *subject)
{
    return (struct caller){.issuer = bytes_text(issuer), .subject = bytes_text(subject)};
}

static bool may(const struct caller *c, const struct assignment *a, enum action action, const char *scope)
{
    const struct assignments all = {a, a ? 1 : 0};
    struct scope s = scope_of(scope);

    return caller_may(&issuers, &all, c, action, &s);
}

static struct assignment assigned(const char *issuer, const char *role, const char *scope)
{
    return (struct assignment){.issuer = bytes_text(issuer),
                               .to = ASSIGNED_SUBJECT,
                               .name = BYTES_LIT("alice"),
                               .role = role_find(bytes_text(role)),
                               .scope = scope_of(scope)};
}

/* The table of api.md 4, and of the control plane beside it: columns in the order of enum action. */
static void each_cell_of_the_table(void **state)
{
    (void)state;
    static const struct {
        const char *role, *may; /* y or n for each action */
    } rows[] = {
        {"Owner", "yyyyyyyyyy"},
        {"Contributor", "yyyyyyyyyy"},
        {"Reader", "ynnynnynny"},
        {"Attestation Contributor", "yyynnnnnnn"},
        {"Attestation Reader", "ynnnnnnnnn"},
        {"bbf86eb8-f7b4-4cce-96e4-18cddf81d86e", "yyynnnnnnn"},
        {"FD1BD22B-8476-40BC-A0BC-69B95687B9F3", "ynnnnnnnnn"},
    };
    struct caller alice = caller_of("https://all.example", "alice");

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct assignment a = assigned("https://all.example", rows[i].role, PROVIDER_ID);

        assert_int_equal(strlen(rows[i].may), ACTIONS);
        for (int action = 0; action < ACTIONS; action++)
            if (may(&alice, &a, (enum action)action, PROVIDER_ID) != (rows[i].may[action] == 'y'))
                fail_msg("%s, %s: not as the table says", rows[i].role, action_name((enum action)action));
    }
    assert_null(role_find(BYTES_LIT("Root")));
    assert_null(role_find(BYTES_LIT("")));
    for (int action = 0; action < ACTIONS; action++)
        assert_false(may(&alice, NULL, (enum action)action, PROVIDER_ID));
}

static void actions_are_of_a_plane(void **state)
{
    (void)state;
    for (int action = 0; action < ACTIONS; action++)
        assert_int_equal(action_plane((enum action)action),
                         strstr(action_name((enum action)action), "/attestation/") ? PLANE_DATA : PLANE_CONTROL);
}

static void scopes_cover_what_lies_below(void **state)
{
    (void)state;
    static const struct {
        const char *over, *what;
        bool covered;
    } cases[] = {
        {"/", PROVIDER_ID, true},
        {"/subscriptions/" SUBSCRIPTION, PROVIDER_ID, true},
        {"/SUBSCRIPTIONS/" SUBSCRIPTION "/RESOURCEGROUPS/G", PROVIDER_ID, true},
        {"/subscriptions/" SUBSCRIPTION "/resourceGroups/g/providers/microsoft.attestation/ATTESTATIONPROVIDERS/P",
         PROVIDER_ID, true},
        {PROVIDER_ID, PROVIDER_ID, true},
        {"/subscriptions/" SUBSCRIPTION, "/subscriptions/" SUBSCRIPTION, true},
        {"/subscriptions/" OTHER, PROVIDER_ID, false},
        {"/subscriptions/1", PROVIDER_ID, false},
        {"/subscriptions/" SUBSCRIPTION "1", PROVIDER_ID, false},
        {"/subscriptions/" SUBSCRIPTION "/resourceGroups/gg", PROVIDER_ID, false},
        {"/subscriptions/" SUBSCRIPTION "/resourceGroups/h", PROVIDER_ID, false},
        {PROVIDER_ID "x", PROVIDER_ID, false},
        {PROVIDER_ID, PROVIDER_ID "x", false},
        {PROVIDER_ID, "/subscriptions/" SUBSCRIPTION "/resourceGroups/g", false},
        {PROVIDER_ID, "/subscriptions/" SUBSCRIPTION, false},
        {"/subscriptions/" SUBSCRIPTION "/resourceGroups/g", "/subscriptions/" SUBSCRIPTION, false},
        {"/subscriptions/" SUBSCRIPTION "/resourceGroups/g", "/", false},
        {"/subscriptions/" SUBSCRIPTION, "/", false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scope over = scope_of(cases[i].over), what = scope_of(cases[i].what);

        if (scope_covers(&over, &what) != cases[i].covered)
            fail_msg("%s over %s", cases[i].over, cases[i].what);
    }
    /* Made by hand, without what they stand in. */
    struct scope what = scope_of(PROVIDER_ID), no_subscription = {.group = BYTES_LIT("g")},
                 no_group = {.subscription = BYTES_LIT(SUBSCRIPTION), .provider = BYTES_LIT("p")};
    assert_false(scope_covers(&no_subscription, &what));
    assert_false(scope_covers(&no_group, &what));
}

static void what_is_no_scope(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "//",
        "subscriptions/a",
        "/subscriptions",
        "/subscriptions/",
        "/subscriptions/a/",
        "/subscriptions//resourceGroups/g",
        "/subscriptions/a/resourceGroups",
        "/subscriptions/a/resourceGroups/",
        "/subscriptions/a/resourceGroups/g/providers/Microsoft.Attestation",
        "/subscriptions/a/resourceGroups/g/providers/Microsoft.KeyVault/attestationProviders/p",
        "/subscriptions/a/resourceGroups/g/providers/Microsoft.Attestation/attestationProviders/p/",
        "/subscriptions/a/resourceGroups/g/providers/Microsoft.Attestation/attestationProviders/p/x",
        "/subscriptions/a/../b",
        "/subscriptions/..",
        "/subscriptions/.",
        "/subscriptions/a%2fb",
        "/subscriptions/a?b",
        "/subscriptions/a#b",
        "/subscriptions/a\\b",
        "/subscriptions/*",
        "/subscriptions/a b",
        "/subscriptions/a\x01",
        "/subscriptions/\xc3\xa4",
        "/resourceGroups/g",
    };
    struct scope s;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (scope_parse(bytes_text(texts[i]), &s))
            fail_msg("taken: %s", texts[i]);
    assert_false(scope_parse(BYTES_LIT("/subscriptions/a\0b"), &s));
}

static void scopes_print_as_they_are_read(void **state)
{
    (void)state;
    static const char *const texts[] = {"/", "/subscriptions/s", "/subscriptions/s/resourceGroups/g", PROVIDER_ID};
    struct arena a;

    arena_init(&a, TEST_MEMORY);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct scope s = scope_of(texts[i]);

        assert_bytes_are(scope_print(&a, &s), texts[i]);
    }
    arena_free(&a);
}

static void issuers_speak_for_their_subscriptions(void **state)
{
    (void)state;
    struct assignment a = assigned("https://bound.example", "Owner", "/");
    struct caller alice = caller_of("https://bound.example", "alice");

    assert_true(may(&alice, &a, ACTION_ATTESTATION_WRITE, PROVIDER_ID));
    assert_true(may(&alice, &a, ACTION_PROVIDER_READ, "/subscriptions/" SUBSCRIPTION));
    assert_false(may(&alice, &a, ACTION_ATTESTATION_READ, "/subscriptions/" OTHER));
    assert_false(may(&alice, &a, ACTION_PROVIDER_READ, "/"));
    a.issuer = alice.issuer = BYTES_LIT("https://none.example");
    assert_false(may(&alice, &a, ACTION_ATTESTATION_READ, PROVIDER_ID));
    a.issuer = alice.issuer = BYTES_LIT("https://gone.example"); /* no longer configured */
    assert_false(may(&alice, &a, ACTION_ATTESTATION_READ, PROVIDER_ID));
}

static void assignments_are_for_whom_they_name(void **state)
{
    (void)state;
    static const struct bytes operators[] = {BYTES_LIT("operators")};
    struct assignment a = assigned("https://all.example", "Owner", "/");
    struct caller alice = caller_of("https://all.example", "alice"), bob = caller_of("https://all.example", "bob"),
                  namesake = caller_of("https://bound.example", "alice");

    assert_true(may(&alice, &a, ACTION_ATTESTATION_READ, PROVIDER_ID));
    assert_false(may(&bob, &a, ACTION_ATTESTATION_READ, PROVIDER_ID));
    assert_false(may(&namesake, &a, ACTION_ATTESTATION_READ, PROVIDER_ID));
    alice.subject = BYTES_LIT("Alice");
    assert_false(may(&alice, &a, ACTION_ATTESTATION_READ, PROVIDER_ID));
    a.name = operators[0];
    for (int to = ASSIGNED_SUBJECT; to <= ASSIGNED_ROLE; to++) {
        struct caller subject = caller_of("https://all.example", "operators"), group = bob, role = bob, both = bob;

        group.groups = (struct names){operators, 1};
        role.roles = (struct names){operators, 1};
        both.groups = (struct names){operators, 0};
        a.to = (enum assigned)to;
        assert_int_equal(may(&subject, &a, ACTION_ATTESTATION_READ, PROVIDER_ID), to == ASSIGNED_SUBJECT);
        assert_int_equal(may(&group, &a, ACTION_ATTESTATION_READ, PROVIDER_ID), to == ASSIGNED_GROUP);
        assert_int_equal(may(&role, &a, ACTION_ATTESTATION_READ, PROVIDER_ID), to == ASSIGNED_ROLE);
        assert_false(may(&both, &a, ACTION_ATTESTATION_READ, PROVIDER_ID));
    }
    a.name = BYTES_NONE;
    struct caller nobody = caller_of("https://all.example", "");
    a.to = ASSIGNED_SUBJECT;
    assert_false(may(&nobody, &a, ACTION_ATTESTATION_READ, PROVIDER_ID));
}

static void shared_providers_are_read_by_all(void **state)
{
    (void)state;
    const struct scope shared = {.provider = BYTES_LIT("sharedwus"), .shared = true};
    const char *const urls[] = {"https://all.example", "https://bound.example", "https://none.example"};

    for (size_t i = 0; i < 3; i++) {
        struct assignment list[] = {assigned(urls[i], "Owner", "/"),
                                    assigned(urls[i], "Owner", "/subscriptions/" SUBSCRIPTION)};
        struct caller alice = caller_of(urls[i], "alice");

        for (int action = 0; action < ACTIONS; action++)
            for (size_t which = 0; which < 3; which++) {
                const struct assignments all = {which ? &list[which - 1] : NULL, which ? 1 : 0};
                bool expected = action == ACTION_ATTESTATION_READ || (i == 0 && which == 1);

                if (caller_may(&issuers, &all, &alice, (enum action)action, &shared) != expected)
                    fail_msg("%s, %s, %zu", urls[i], action_name((enum action)action), which);
            }
    }
}

/* Grants that came in a token count for the issuer that may carry them, over their scope. */
static void carried_roles(void **state)
{
    (void)state;
    const struct grant grant = {role_find(BYTES_LIT("Reader")), scope_of("/subscriptions/" SUBSCRIPTION)};
    struct caller dev = caller_of("https://dev.example", "developer"),
                  other = caller_of("https://all.example", "developer");

    dev.grants = other.grants = &grant;
    dev.grant_count = other.grant_count = 1;
    assert_true(may(&dev, NULL, ACTION_ATTESTATION_READ, PROVIDER_ID));
    assert_false(may(&dev, NULL, ACTION_ATTESTATION_WRITE, PROVIDER_ID));
    assert_false(may(&dev, NULL, ACTION_ATTESTATION_READ, "/subscriptions/" OTHER));
    assert_false(may(&other, NULL, ACTION_ATTESTATION_READ, PROVIDER_ID));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_cell_of_the_table),
        cmocka_unit_test(actions_are_of_a_plane),
        cmocka_unit_test(scopes_cover_what_lies_below),
        cmocka_unit_test(what_is_no_scope),
        cmocka_unit_test(scopes_print_as_they_are_read),
        cmocka_unit_test(issuers_speak_for_their_subscriptions),
        cmocka_unit_test(assignments_are_for_whom_they_name),
        cmocka_unit_test(shared_providers_are_read_by_all),
        cmocka_unit_test(carried_roles),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
