/* Evidence of SEV-SNP under settings and endorsements that change: what a cache keeps decides nothing, several endorsements of
 * utility VMs stand or fall together, roots and CRLs of one name are told apart. */
#include "arena_test.h"

#include "base/text.h"
#include "evidence/snp.h"
#include "simulate/simulate.h"

enum { MEMORY = 64 * 1024 * 1024, DAY = 86400, YEAR = 365 * DAY };

/* One report with what may be changed between two judgements of it. */
static struct judged {
    struct simulated made;
    struct endorsements *endorsements;
    struct settings settings;
    struct cache *cache;
    struct exam exam;
    int64_t time;
} t;

static void simulate_good(const struct simulate_options *o, struct simulated *out)
{
    struct fault fault = {0};

    if (!simulate(&arena, o, out, &fault))
        fail_msg("%s", fault.text);
}

static void begin(const struct simulate_options *o)
{
    t = (struct judged){.endorsements = endorsements_new(MEMORY)};
    simulate_good(o, &t.made);
    t.settings = t.made.settings;
    t.time = t.made.time;
}

static void add(const char *name, struct bytes text)
{
    struct fault fault = {0};

    if (!endorsements_add(t.endorsements, name, text, &fault))
        fail_msg("%s", fault.text);
}

static void end(void)
{
    endorsements_free(t.endorsements);
    cache_free(t.cache);
    arena_reset(&arena);
}

static void exam_begin(void)
{
    endorsements_seal(t.endorsements);
    t.exam = (struct exam){.arena = &arena,
                           .trace = trace_new(&arena),
                           .endorsements = t.endorsements,
                           .settings = &t.settings,
                           .cache = t.cache,
                           .time = t.time};
    claims_init(&t.exam.incoming, &arena);
}

/* NULL when accepted, else the id of the check that refused. */
static const char *outcome(bool verified)
{
    enum check_id missing;

    if (verified && trace_complete(t.exam.trace, snp_required, &missing))
        return NULL;
    const struct trace_entry *failure = trace_failure(t.exam.trace);
    return failure ? check_table[failure->id].id : check_table[missing].id;
}

static const char *judge(void)
{
    exam_begin();
    return outcome(simulated_decode(&t.made, &t.exam) && snp_verify(&t.exam));
}

/* What a file holds, with certificates beside it. */
static const char *judge_file(struct bytes file, struct bytes certificates)
{
    exam_begin();
    return outcome(snp_decode_file(&t.exam, file, certificates, NULL, NULL) && snp_verify(&t.exam));
}

#define assert_refused(by, found)                                            \
    do {                                                                     \
        const char *found_ = (found);                                        \
        if (!found_ || strcmp(found_, (by)) != 0)                            \
            fail_msg("%s, expected %s", found_ ? found_ : "accepted", (by)); \
    } while (0)
#define assert_accepted(found)                 \
    do {                                       \
        const char *found_ = (found);          \
        if (found_)                            \
            fail_msg("refused by %s", found_); \
    } while (0)

/* The cache has seen the very evidence accepted; each time something else speaks against it. */
static void what_is_cached_decides_nothing(void **state)
{
    (void)state;
    struct reference_values changed;

    begin(&(struct simulate_options){.kind = SIMULATE_SNP, .seed = 1, .uvm = "cwt"});
    t.settings.amd_crl_freshness = false;
    t.cache = cache_new(64, MEMORY);
    endorsements_add_anchor(t.endorsements, t.made.anchor_spki, true);
    assert_accepted(judge());
    assert_accepted(judge());

    t.time += 2 * YEAR;
    assert_refused("amd.chain.validity", judge());
    t.time = t.made.time;

    changed = *t.settings.reference;
    t.settings.reference = &changed;
    changed.minimum_tcb[SNP_MILAN].microcode = 255;
    assert_refused("snp.tcb_minimum", judge());
    changed.minimum_tcb[SNP_MILAN].microcode = 0;
    reference_clear_uvm_roots(&changed);
    assert_refused("uvm.root", judge());
    t.settings.reference = t.made.settings.reference;

    t.settings.amd_crl_freshness = true;
    assert_refused("amd.crl.present", judge());
    t.settings.amd_crl_freshness = false;

    endorsements_free(t.endorsements);
    t.endorsements = endorsements_new(MEMORY);
    assert_refused("amd.chain.anchor", judge());
    end();
}

static void certificates_beside_a_file(void **state)
{
    (void)state;
    struct simulated other;

    begin(&(struct simulate_options){.kind = SIMULATE_SNP, .seed = 1});
    simulate_good(&(struct simulate_options){.kind = SIMULATE_SNP, .seed = 2}, &other);
    endorsements_add_anchor(t.endorsements, t.made.anchor_spki, true);
    add("ark.crl", t.made.crl);
    /* They serve a bare report; what the file brings itself comes first. */
    assert_accepted(judge_file(t.made.report, t.made.chain));
    assert_accepted(judge_file(t.made.evidence, other.chain));
    assert_refused("amd.leaf.present", judge_file(t.made.report, BYTES_NONE));
    end();
}

/* Each platform's chain is a file of its own, with authorities of its own. */
static void chains_at_hand(void **state)
{
    (void)state;
    enum { OTHERS = 6 };

    begin(&(struct simulate_options){.kind = SIMULATE_SNP, .seed = 1});
    endorsements_add_anchor(t.endorsements, t.made.anchor_spki, true);
    for (unsigned i = 0; i < OTHERS; i++) {
        struct simulated other;

        simulate_good(&(struct simulate_options){.kind = SIMULATE_SNP, .seed = 2 + i}, &other);
        add(arena_printf(&arena, "%u.pem", i), other.chain);
    }
    add("ark.crl", t.made.crl);
    add("chain.pem", t.made.chain);
    assert_accepted(judge_file(t.made.report, BYTES_NONE));

    /* What the cache keeps of them outlives the set that they lay in, and decides nothing for the next. */
    t.cache = cache_new(64, MEMORY);
    assert_accepted(judge_file(t.made.report, BYTES_NONE));
    endorsements_free(t.endorsements);
    t.endorsements = endorsements_new(MEMORY);
    add("ark.crl", t.made.crl);
    add("chain.pem", t.made.chain);
    assert_refused("amd.chain.anchor", judge_file(t.made.report, BYTES_NONE));
    endorsements_free(t.endorsements);
    t.endorsements = endorsements_new(MEMORY);
    endorsements_add_anchor(t.endorsements, t.made.anchor_spki, true);
    assert_refused("amd.leaf.present", judge_file(t.made.report, BYTES_NONE));
    end();
}

/* A CRL at hand of another root with that name says nothing about this one's. */
static void crl_of_another_root(void **state)
{
    (void)state;
    struct simulated other;

    begin(&(struct simulate_options){.kind = SIMULATE_SNP, .seed = 1});
    simulate_good(&(struct simulate_options){.kind = SIMULATE_SNP, .seed = 2}, &other);
    endorsements_add_anchor(t.endorsements, t.made.anchor_spki, true);
    add("other.crl", other.crl);
    assert_refused("amd.crl.signature", judge());
    t.settings.amd_crl_freshness = false;
    assert_accepted(judge());
    assert_bytes_are(t.exam.wanted, "amd/crl/Milan");
    end();
}

/* What a CRL of 2022 revokes stays revoked where none is at hand. */
static void superseded_authority(void **state)
{
    (void)state;
    begin(&(struct simulate_options){
        .kind = SIMULATE_SNP, .seed = 1, .product = "Genoa", .fault = "amd.issuer.not_revoked:superseded"});
    endorsements_add_anchor(t.endorsements, t.made.anchor_spki, true);
    t.settings.amd_crl_freshness = false;
    assert_refused("amd.issuer.not_revoked", judge());
    end();
}

static const char *judge_uvm(const char *format, struct bytes first, struct bytes second)
{
    struct bytes a = base64url_encode(&arena, first), b = base64url_encode(&arena, second);
    struct uvm uvm;

    exam_begin();
    const char *json = arena_printf(&arena, format, (int)a.n, (const char *)a.p, (int)b.n, (const char *)b.p);
    struct bytes measurement = bytes_first(bytes_after(t.made.report, 0x90), 48);
    return uvm_decode(&t.exam, bytes_text(json), &uvm) && uvm_verify(&t.exam, &uvm, measurement)
               ? NULL
               : check_table[trace_failure(t.exam.trace)->id].id;
}

static struct bytes cose_of(const char *form, const char *fault)
{
    struct simulated s;
    const struct json *object;
    struct bytes text, json, cose;

    simulate_good(&(struct simulate_options){.kind = SIMULATE_SNP, .seed = 1, .uvm = form, .fault = fault}, &s);
    assert_true(json_parse(&arena, s.evidence, NULL, &object, NULL));
    assert_true(json_text(json_member(object, "Endorsements"), &text));
    assert_true(base64_decode(&arena, text, &json, NULL));
    assert_true(json_parse(&arena, json, NULL, &object, NULL));
    assert_true(json_text(json_element(json_member(object, "Uvm"), 0), &text));
    assert_true(base64_decode(&arena, text, &cose, NULL));
    return cose;
}

static void utility_vms_one_good_one_bad(void **state)
{
    (void)state;
    static const char list[] = "{\"Uvm\":[\"%.*s\",\"%.*s\"]}", twice[] = "{\"Uvm\":[\"%.*s\"],\"uvm\":[\"%.*s\"]}";
    static const char *const faults[] = {"uvm.measurement", "uvm.signature", "uvm.svn", "uvm.did.policy"};

    begin(&(struct simulate_options){.kind = SIMULATE_SNP, .seed = 1, .uvm = "cwt"});
    t.cache = cache_new(64, MEMORY);
    struct bytes cwt = cose_of("cwt", NULL), json = cose_of("legacy", NULL);
    assert_accepted(judge_uvm(list, cwt, json));
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct bytes bad = cose_of("legacy", faults[i]);

        assert_refused(faults[i], judge_uvm(list, cwt, bad));
        assert_refused(faults[i], judge_uvm(list, bad, cwt));
    }
    /* A second list would be left out unseen. */
    assert_refused("uvm.shape", judge_uvm(twice, cwt, json));
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_cached_decides_nothing),
        cmocka_unit_test(certificates_beside_a_file),
        cmocka_unit_test(chains_at_hand),
        cmocka_unit_test(crl_of_another_root),
        cmocka_unit_test(superseded_authority),
        cmocka_unit_test(utility_vms_one_good_one_bad),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
