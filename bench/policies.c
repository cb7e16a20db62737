/* What running a policy costs: the longest of the corpus; and against the number of rules and of claims, where each ratio is the
 * cost of one rule (one claim) in the large case over that in the small one, 1 when the cost is linear. */
#include "bench.h"

#include <dirent.h>
#include <stdio.h>

#include "base/limits.h"

enum {
    CORPUS_CLAIMS = 100,
    CORPUS_RUNS = 400,
    SIZES = 3,
    BASE_CLAIMS = 100,
    BASE_RULES = 20,
    BUDGET = 4 * 1000 * 1000
};

struct policy_bench {
    struct arena request;
    const struct policy *policy;
    struct claims claims;
    bool explain;
};

static void run_policy(void *context)
{
    struct policy_bench *p = context;
    struct claims incoming;
    struct policy_run run;

    claims_init(&incoming, &p->request);
    for (size_t i = 0; i < p->claims.n; i++)
        claims_add(&incoming, p->claims.v[i]);
    policy_start(&run, p->policy, &p->request, &incoming);
    run.explain = p->explain;
    if (policy_configure(&run))
        policy_decide(&run);
    if (run.decision == POLICY_ERROR)
        failed(arena_string(&p->request, run.error));
    arena_reset(&p->request);
}

static void fill_claims(struct policy_bench *p, struct arena *a, int count)
{
    claims_init(&p->claims, a);
    for (int i = 0; i < count; i++)
        claims_integer(&p->claims, arena_printf(a, "claim-%d", i), i, CLAIM_POLICY);
}

static struct bytes read_text(struct arena *a, const char *path)
{
    FILE *f = fopen(path, "rbe");
    uint8_t *p = arena_alloc(a, LIMIT_POLICY_TEXT);
    struct bytes out = bytes_make(p, f ? fread(p, 1, LIMIT_POLICY_TEXT, f) : 0);

    if (f)
        fclose(f);
    return out;
}

static void longest_of_corpus(struct arena *a, const char *shared)
{
    struct policy_bench p = {0};
    const char *folder = arena_printf(a, "%s/corpus/policies", shared);
    DIR *dir = opendir(folder);
    size_t longest = 0;
    double took;

    for (struct dirent *e; dir && (e = readdir(dir));) {
        struct bytes text = read_text(a, arena_printf(a, "%s/%s", folder, e->d_name));
        struct policy_error error;
        const struct policy *policy;

        if (e->d_name[0] != '.' && text.n > longest && policy_parse(a, text, &policy, &error)) {
            p.policy = policy;
            longest = text.n;
        }
    }
    if (dir)
        closedir(dir);
    if (!p.policy)
        return;
    arena_init(&p.request, BENCH_MEMORY);
    fill_claims(&p, a, CORPUS_CLAIMS);
    measure((unit_of_work *[]){run_policy}, (void *[]){&p}, 1, CORPUS_RUNS, &took);
    print_figure("policy.longest.us", took, "us");
    arena_free(&p.request);
}

/* Each rule looks for a claim by its type, from the last on; half of them permit, half issue another, as rules of real policies do. */
static struct bytes policy_of(struct arena *a, int rules, int claims)
{
    struct writer w = wr_open(a);

    wr_text(&w, "version=1.0;authorizationrules{");
    for (int i = 0; i < rules / 2; i++)
        wr_printf(&w, "[type==\"claim-%d\"]=>permit();", claims - 1 - i % claims);
    wr_text(&w, "};issuancerules{");
    for (int i = 0; i < rules / 2; i++)
        wr_printf(&w, "[type==\"claim-%d\"]=>issue(type=\"out-%d\",value=1);", claims - 1 - i % claims, i);
    wr_text(&w, "};");
    return wr_done(&w);
}

static void make(struct policy_bench *p, struct arena *a, int rules, int claims)
{
    struct policy_error error;

    *p = (struct policy_bench){0};
    arena_init(&p->request, BENCH_MEMORY);
    if (!policy_parse(a, policy_of(a, rules, claims), &p->policy, &error))
        failed(error.message);
    fill_claims(p, a, claims);
}

/* "policy.rules", with what is counted for each of the sizes. */
static void growth(struct arena *a, const char *name, const int rules[SIZES], const int claims[SIZES],
                   const int counted[SIZES])
{
    double took[SIZES];

    for (int i = 0; i < SIZES; i++) {
        struct policy_bench p;
        int runs = BUDGET / (rules[i] * claims[i] + claims[i]);

        make(&p, a, rules[i], claims[i]);
        measure((unit_of_work *[]){run_policy}, (void *[]){&p}, 1, 1 + runs / 10, &took[i]);
        arena_free(&p.request);
        print_figure(arena_printf(a, "%s.%d.us", name, counted[i]), took[i], "us");
        if (i > 0)
            print_figure(arena_printf(a, "%s.%d.ratio", name, counted[i]),
                         took[i] / counted[i] / (took[0] / counted[0]), "ratio");
    }
}

/* What the trace of every rule costs those who ask for it. */
static void explained(struct arena *a)
{
    struct policy_bench plain, traced;
    double took[2];

    make(&plain, a, BASE_CLAIMS, BASE_CLAIMS);
    make(&traced, a, BASE_CLAIMS, BASE_CLAIMS);
    traced.explain = true;
    measure((unit_of_work *[]){run_policy, run_policy}, (void *[]){&plain, &traced}, 2, CORPUS_RUNS, took);
    print_figure("policy.explain.ratio", took[1] / took[0], "ratio");
    arena_free(&plain.request);
    arena_free(&traced.request);
}

void bench_policies(const char *shared)
{
    static const int many_rules[SIZES] = {100, 1000, 4000}, few_rules[SIZES] = {BASE_RULES, BASE_RULES, BASE_RULES};
    static const int many_claims[SIZES] = {100, 1000, 10000},
                     few_claims[SIZES] = {BASE_CLAIMS, BASE_CLAIMS, BASE_CLAIMS};
    struct arena a;

    arena_init(&a, BENCH_MEMORY);
    if (shared && *shared)
        longest_of_corpus(&a, shared);
    growth(&a, "policy.rules", many_rules, few_claims, many_rules);
    growth(&a, "policy.claims", few_rules, many_claims, many_claims);
    explained(&a);
    arena_free(&a);
}
