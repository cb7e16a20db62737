/* A file of cases for policies: read whole, or refused with a line and a reason. Its files are the four below. */
#include <stdlib.h>

#include "base/limits.h"
#include "base/text.h"
#include "cli/policy_cases.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static bool read_name(void *context, struct bytes name, struct bytes *text, struct fault *fault)
{
    (void)context;
    if (bytes_is(name, "p"))
        *text = BYTES_LIT("version=1.0;authorizationrules{=>permit();};");
    else if (bytes_is(name, "bad"))
        *text = BYTES_LIT("version=1.0;");
    else if (bytes_is(name, "c"))
        *text = BYTES_LIT("[{\"type\":\"a\",\"value\":true}]");
    else if (bytes_is(name, "d"))
        *text = BYTES_LIT("{}");
    else
        return fault_set(fault, FAULT_SYSTEM, "no such file");
    return true;
}

/* What the rest of the program takes for granted of a case. */
static void judge(const struct policy_case *c)
{
    size_t decisions = 0;

    must(c->policy && c->name.n && c->line);
    must(!c->argc || (c->argv && !c->argv[c->argc] && !c->claims.n && c->evidence_line > c->line));
    for (int i = 0; i < c->argc; i++)
        must(*c->argv[i] && utf8_valid(bytes_text(c->argv[i])));
    for (size_t i = 0; i < c->n; i++) {
        const struct expectation *e = &c->expectations[i];

        decisions += e->what == EXPECT_DECISION || e->what == EXPECT_FAILED;
        must(e->line > c->line && e->text.n);
        must(e->what != EXPECT_FAILED || (c->argc && e->check < CHECK_COUNT));
        must((e->what != EXPECT_ISSUES && e->what != EXPECT_PROPERTY) || (e->name.n && e->value));
        must(e->what != EXPECT_DECISION || !e->value || e->value->kind == JSON_INTEGER);
    }
    must(decisions == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct policy_cases_source source = {NULL, read_name};
    struct fault fault = {0};
    struct policy_cases cases;
    struct arena a;

    if (size > LIMIT_POLICY_TEST_TEXT)
        return 0;
    arena_init(&a, LIMIT_TOOL_MEMORY);
    if (policy_cases_read(&a, bytes_make(data, size), &source, &cases, &fault)) {
        must(cases.n && cases.n <= LIMIT_POLICY_TEST_CASES && fault.code == FAULT_NONE);
        for (size_t i = 0; i < cases.n; i++)
            judge(&cases.v[i]);
    } else {
        must(fault.code != FAULT_NONE && *fault.text && (cases.line || !size));
        must(!cases.refused.n || cases.at.line);
    }
    arena_free(&a);
    return 0;
}
