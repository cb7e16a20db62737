/* A policy, a NUL, claims as JSON: whatever they are, the parse ends with a program or a place and a reason, and the
 * evaluation within its steps and within the memory of a request. */
#include <stdlib.h>

#include "base/limits.h"
#include "base/text.h"
#include "claims/claims_json.h"
#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* What was written behind the NUL; else a claim of each kind. */
static struct claims claims_of(struct arena *a, struct bytes written)
{
    struct claims c;
    const struct json *list;

    claims_init(&c, a);
    if (json_parse(a, written, NULL, &list, NULL) && claims_from_json(&c, list, NULL))
        return c;
    claims_init(&c, a);
    claims_integer(&c, "x-ms-sgx-svn", 2, CLAIM_POLICY);
    claims_boolean(&c, "x-ms-sgx-is-debuggable", false, CLAIM_POLICY);
    claims_text(&c, "x-ms-sgx-mrsigner", BYTES_LIT("[1,true,\"a\",null]"), CLAIM_POLICY);
    claims_text(&c, "pcrs", BYTES_LIT("{}"), CLAIM_POLICY | CLAIM_READ_ONLY);
    claims_json(&c, "x-ms-runtime", json_new(a, JSON_OBJECT), CLAIM_TOKEN);
    return c;
}

static void run(struct arena *a, const struct policy *policy, struct claims *incoming)
{
    struct policy_run run;

    policy_start(&run, policy, a, incoming);
    run.explain = true;
    bool permitted = policy_configure(&run) && policy_decide(&run);
    must(permitted == (run.decision == POLICY_PERMIT));
    must(run.steps <= LIMIT_POLICY_STEPS);
    must((run.decision == POLICY_ERROR) == (run.error.n > 0) && utf8_valid(run.error));
    must((run.decision != POLICY_DENY) || run.deciding_rule.n > 0);
    must(permitted || run.outgoing.n == 0);
    json_print(a, claims_object(a, &run.outgoing, 0), JSON_SORTED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
    size_t text_size = nul ? (size_t)(nul - data) : size;
    const struct policy *policy;
    struct policy_error error;
    struct arena a;

    arena_init(&a, LIMIT_REQUEST_MEMORY);
    if (policy_parse(&a, bytes_make(data, text_size), &policy, &error)) {
        struct arena of_claims;
        arena_init(&of_claims, (size_t)1 << 30);
        struct claims incoming = claims_of(&of_claims, nul ? bytes_make(nul + 1, size - text_size - 1) : BYTES_NONE);
        run(&a, policy, &incoming);
        arena_free(&of_claims);
    } else {
        must(error.line > 0 && error.message[0] && error.rule[0]);
        must(utf8_valid(policy_error_message(&a, &error)));
    }
    arena_free(&a);
    return 0;
}
