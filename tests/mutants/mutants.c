/* Are the tests real? For each proof: its vector is refused by that very check, and accepted once the check answers yes. For
 * each backstop: refused by that check, and once it answers yes by another. A row without its vector fails. Shapes are fuzzed.
 * One line a row; the last line counts. */
#include <stdio.h>
#include <stdlib.h>

#include "core/core.h"
#include "simulate/simulate.h"

enum { MEMORY = 256 * 1024 * 1024 };

/* Vectors of the rows that are about policies. */
static const struct {
    const char *id, *policy;
} policies[] = {
    {"policy.configuration",
     "version=1.1;configurationrules{=>issueproperty(type=\"x-ms-sgx-tcbidentifier\",value=true);};"
     "authorizationrules{=>permit();};"},
    {"policy.tcbidentifier",
     "version=1.1;configurationrules{=>issueproperty(type=\"x-ms-sgx-tcbidentifier\",value=\"newest\");};"
     "authorizationrules{=>permit();};"},
    {"policy.evaluation",
     "version=1.2;authorizationrules{=>permit();};issuancerules{=>issue(type=\"x\",value=NegateBool(\"x\"));};"},
    {"policy.permit", "version=1.0;authorizationrules{[type==\"x-ms-sgx-svn\",value>2]=>permit();};"},
};

static const char *policy_of(const char *id)
{
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++)
        if (strcmp(policies[i].id, id) == 0)
            return policies[i].policy;
    return NULL;
}

static bool simulated_row(const char *id)
{
    for (size_t i = 0; simulate_fault_at(i); i++)
        if (strcmp(simulate_fault_at(i), id) == 0)
            return true;
    return false;
}

/* The vector of a row: evidence with that fault, or good evidence under a policy with it. */
struct vector {
    struct simulated made;
    struct endorsements *endorsements;
    const char *policy;
};

static bool make_vector(struct arena *a, const char *id, struct vector *v)
{
    struct simulate_options options = {0};
    struct fault fault = {0};

    v->policy = id ? policy_of(id) : NULL;
    if (id && !v->policy) {
        options.fault = id;
        options.kind = simulate_kind_of(id);
    }
    v->endorsements = endorsements_new(MEMORY);
    if (simulate_sgx(a, &options, &v->made, &fault) && simulate_endorsements(&v->made, v->endorsements, true, &fault))
        return true;
    printf("# %s: %s\n", id ? id : "no fault", fault.text);
    return false;
}

/* NULL when accepted, else the id of the check that refused. */
static const char *judge(struct arena *a, const struct vector *v)
{
    struct appraisal x = {.attester = v->made.options.kind == SIMULATE_SGX ? &sgx_attester : &oe_attester};
    struct request_data runtime = {.type = v->made.runtime_data.n ? DATA_BINARY : DATA_ABSENT,
                                   .data = v->made.runtime_data};
    struct request_data init = {.type = v->made.init_data.n ? DATA_BINARY : DATA_ABSENT, .data = v->made.init_data};
    struct settings settings = v->made.settings;

    x.exam = (struct exam){.arena = a,
                           .trace = trace_new(a),
                           .endorsements = v->endorsements,
                           .settings = &settings,
                           .time = v->made.time};
    claims_init(&x.exam.incoming, a);
    if (v->policy)
        x.policy_text = bytes_text(v->policy);
    bool decoded = v->made.options.kind == SIMULATE_SGX ? sgx_decode_quote(&x.exam, v->made.evidence, &runtime, &init)
                                                        : oe_decode_file(&x.exam, v->made.evidence, &runtime, &init);
    if (decoded && core_judge(&x, v->policy != NULL))
        return NULL;
    const struct trace_entry *failure = trace_failure(x.exam.trace);
    return failure                 ? check_table[failure->id].id
           : x.answer.failed_check ? x.answer.failed_check
                                   : "nothing that has a name";
}

static const char *shown(const char *id)
{
    return id ? id : "accepted";
}

/* True when the row holds; says why not. */
static bool row_holds(struct arena *a, enum check_id row)
{
    const struct check_info *info = &check_table[row];
    struct vector v = {0};
    bool ok = make_vector(a, info->id, &v);

    check_mutant = CHECK_COUNT;
    const char *plain = ok ? judge(a, &v) : "no vector";
    check_mutant = row;
    const char *mutated = ok ? judge(a, &v) : "no vector";
    check_mutant = CHECK_COUNT;
    bool refused = plain && strcmp(plain, info->id) == 0;
    bool changed = info->form == CHECK_PROOF ? mutated == NULL : mutated && strcmp(mutated, info->id) != 0;
    printf("%s %s %s: as it is: %s; answering yes: %s\n", refused && changed ? "ok    " : "not ok",
           info->form == CHECK_PROOF ? "proof   " : "backstop", info->id, shown(plain), shown(mutated));
    endorsements_free(v.endorsements);
    arena_reset(a);
    return refused && changed;
}

/* Without a fault all is accepted, or the rows above would prove nothing. */
static bool good_evidence_passes(struct arena *a)
{
    struct vector v = {0};
    bool ok = make_vector(a, NULL, &v) && judge(a, &v) == NULL;

    printf("%s well-formed evidence is accepted\n", ok ? "ok    " : "not ok");
    endorsements_free(v.endorsements);
    arena_reset(a);
    return ok;
}

int main(void)
{
    unsigned passed = 0, failed = 0;
    struct arena a;

    setvbuf(stdout, NULL, _IOLBF, 0);
    arena_init(&a, MEMORY);
    *(good_evidence_passes(&a) ? &passed : &failed) += 1;
    for (int id = 0; id < CHECK_COUNT; id++) {
        const struct check_info *info = &check_table[id];

        if (info->form == CHECK_SHAPE)
            continue;
        if (!simulated_row(info->id) && !policy_of(info->id)) {
            printf("not ok %s has no vector\n", info->id);
            failed++;
        } else if (row_holds(&a, (enum check_id)id)) {
            passed++;
        } else {
            failed++;
        }
    }
    arena_free(&a);
    printf("%u passed, %u failed, 0 skipped\n", passed, failed);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
