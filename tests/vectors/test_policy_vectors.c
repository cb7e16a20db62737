/* The vectors of the policy language and every policy of the corpus, in place. What needs a function that this build
 * does not have is counted and named. */
#include "arena_test.h"

#include "claims/claims_json.h"
#include "policy/policy.h"

enum { VECTORS = 132, POLICIES = 71 };

static struct bytes text_of(const struct json *object, const char *name)
{
    struct bytes text = BYTES_NONE;

    assert_true(json_text(json_member(object, name), &text));
    return text;
}

static struct bytes sorted(const struct json *v)
{
    return json_print(&arena, v, JSON_SORTED);
}

/* Properties as the vectors have them: the last value of a name counts. */
static struct json *properties_of(const struct policy_run *run)
{
    struct claims last;

    claims_init(&last, &arena);
    for (size_t i = run->properties.n; i > 0; i--)
        if (!claims_find(&last, run->properties.v[i - 1].type))
            claims_add(&last, run->properties.v[i - 1]);
    return claims_object(&arena, &last, 0);
}

static const char *outcome(const struct policy_run *run, bool permitted)
{
    switch (run->decision) {
    case POLICY_PERMIT: return permitted ? "permit" : "permitted, but said otherwise";
    case POLICY_ERROR: return run->error.n ? "eval-error" : "error without a reason";
    case POLICY_DENY: return run->deciding_rule.n ? "deny" : "denied by no rule";
    case POLICY_NO_PERMIT: return "deny";
    }
    return "?";
}

static void run_vector(const struct json *v, const struct json *claim_sets, struct policy_run *run, const char **found)
{
    struct policy_error error;
    const struct policy *policy;
    struct claims incoming;

    *found = "parse-error";
    if (!policy_parse(&arena, text_of(v, "policy"), &policy, &error))
        return;
    claims_init(&incoming, &arena);
    assert_true(claims_from_json(&incoming, json_member(claim_sets, arena_string(&arena, text_of(v, "claims"))), NULL));
    policy_start(run, policy, &arena, &incoming);
    *found = outcome(run, policy_configure(run) && policy_decide(run));
}

static void judge(const struct json *v, const struct json *claim_sets, int64_t n)
{
    struct policy_run run = {0};
    const char *found;

    run_vector(v, claim_sets, &run, &found);
    if (!bytes_is(text_of(v, "expect"), found))
        fail_msg("vector %d: %s (%s)", (int)n, found, arena_string(&arena, run.error));
    if (strcmp(found, "permit") == 0) {
        assert_bytes_equal(sorted(claims_object(&arena, &run.outgoing, 0)), sorted(json_member(v, "token")));
        assert_bytes_equal(sorted(properties_of(&run)), sorted(json_member(v, "properties")));
    }
}

static void vectors(void **state)
{
    const struct json *root;
    size_t passed = 0;

    (void)state;
    NEED_SHARED("the policy vectors");
    assert_true(json_parse(&arena, read_shared(&arena, "corpus/policies/VECTORS.json"), NULL, &root, NULL));
    JSON_EACH (v, json_member(root, "vectors")) {
        int64_t n = 0;

        assert_true(json_integer(json_member(v, "n"), &n));
        judge(v, json_member(root, "claim_sets"), n);
        passed++;
    }
    print_message("# policy vectors: %zu passed\n", passed);
    assert_int_equal(passed, VECTORS);
}

enum { COLUMN_FILE = 0, COLUMN_EXPECT = 3, COLUMN_HASH = 5, COLUMNS = 6 };

/* The columns of one line, which it cuts; false at the end of the text. */
static bool next_row(char **at, char *columns[COLUMNS])
{
    char *line = strsep(at, "\n");

    if (!line || !*line)
        return false;
    for (int i = 0; i < COLUMNS; i++) {
        columns[i] = strsep(&line, "\t");
        assert_non_null(columns[i]);
    }
    return true;
}

static void judge_file(char *columns[COLUMNS])
{
    struct bytes text = read_shared(&arena, arena_printf(&arena, "corpus/policies/%s", columns[COLUMN_FILE]));
    const struct policy *policy;
    struct policy_error error;
    bool expected = strcmp(columns[COLUMN_EXPECT], "accept") == 0;
    bool ok = policy_parse(&arena, text, &policy, &error);

    assert_bytes_are(policy_hash(&arena, text), columns[COLUMN_HASH]);
    if (ok != expected)
        fail_msg("%s: %s", columns[COLUMN_FILE],
                 ok ? "accepted" : arena_string(&arena, policy_error_message(&arena, &error)));
    if (!ok)
        assert_true(error.line > 0 && error.symbol[0] && error.message[0] && error.rule[0]);
}

static void corpus(void **state)
{
    char *columns[COLUMNS], *at;
    size_t passed = 0;

    (void)state;
    NEED_SHARED("the corpus of policies");
    at = arena_string(&arena, read_shared(&arena, "corpus/policies/MANIFEST.tsv"));
    next_row(&at, columns); /* the header */
    while (next_row(&at, columns)) {
        judge_file(columns);
        passed++;
    }
    print_message("# corpus policies: %zu as listed, with their hashes\n", passed);
    assert_int_equal(passed, POLICIES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(vectors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(corpus, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("policy_vectors", tests, NULL, NULL);
}
