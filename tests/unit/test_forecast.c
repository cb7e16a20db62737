/* Early warning: which platforms the newest data will refuse, when, and by which component; what a verifier and a node keep of it. */
#include "arena_test.h"

#include "base/clock.h"
#include "core/platforms.h"
#include "service/outlooks.h"
#include "simulate/simulate.h"

/* Evidence of one platform, judged under endorsements of evaluation number 17, and newer ones beside them. */
struct fixture {
    struct endorsements *e;
    struct simulated now, then;
    struct exam x;
};

static bool judge(struct fixture *f, const struct simulate_options *now, const struct simulate_options *then)
{
    struct fault fault = {0};

    *f = (struct fixture){.e = endorsements_new(64 * 1024 * 1024)};
    if (!simulate(&arena, now, &f->now, &fault) || (then && !simulate(&arena, then, &f->then, &fault)))
        fail_msg("%s", fault.text);
    if (then)
        assert_true(endorsements_add(f->e, "then.json", f->then.tcb_info, &fault) &&
                    endorsements_add(f->e, "then-qe.json", f->then.identity, &fault));
    assert_true(simulate_endorsements(&f->now, f->e, true, &fault));
    f->now.settings.default_baseline = 17;
    f->now.settings.freshness = FRESHNESS_PINNED;
    f->x = (struct exam){.arena = &arena,
                         .trace = trace_new(&arena),
                         .endorsements = f->e,
                         .settings = &f->now.settings,
                         .time = f->now.time};
    claims_init(&f->x.incoming, &arena);
    return simulated_decode(&f->now, &f->x) && simulated_attester(&f->now)->verify(&f->x);
}

static struct forecast forecast(const struct fixture *f)
{
    struct forecast out;

    assert_non_null(f->x.platform);
    forecast_intel(f->e, &f->now.settings, f->x.platform, f->now.time, &out);
    return out;
}

static void has_gap(const struct forecast *f, enum tcb_gap_kind kind, unsigned index, unsigned found, unsigned needed)
{
    for (size_t i = 0; i < f->gap_count; i++)
        if (f->gap[i].kind == kind && f->gap[i].index == index) {
            assert_int_equal(f->gap[i].found, found);
            assert_int_equal(f->gap[i].needed, needed);
            return;
        }
    fail_msg("no gap of kind %s", tcb_gap_name(kind));
}

static void one_that_stays(void **state)
{
    (void)state;
    struct fixture f;

    for (int kind = SIMULATE_SGX; kind <= SIMULATE_TDX; kind++) {
        assert_true(
            judge(&f, &(struct simulate_options){.kind = (enum simulate_kind)kind, .seed = 5},
                  &(struct simulate_options){
                      .kind = (enum simulate_kind)kind, .seed = 5, .evaluation = 18, .status = "SWHardeningNeeded"}));
        struct forecast out = forecast(&f);

        assert_true(out.known && !out.fails && out.gap_count == 0);
        assert_int_equal(out.now, TCB_UP_TO_DATE);
        assert_int_equal(out.then, TCB_SW_HARDENING_NEEDED);
        assert_int_equal(out.evaluation_now, 17);
        assert_int_equal(out.evaluation_then, 18);
        assert_bytes_are(out.tcb_date, "2025-08-13T00:00:00Z");
        endorsements_free(f.e);
    }
}

/* The simulated platform has 7 everywhere, and the level above it 8. */
static void one_that_is_too_old(void **state)
{
    (void)state;
    struct simulate_options now = {.kind = SIMULATE_TDX, .seed = 5}, then = now;
    struct fixture f;

    then.evaluation = 18;
    then.status = "OutOfDate";
    assert_true(judge(&f, &now, &then));
    struct forecast out = forecast(&f);
    assert_true(out.known && out.fails);
    assert_int_equal(out.then, TCB_OUT_OF_DATE);
    has_gap(&out, GAP_SGX_COMPONENT, 1, 7, 8);
    has_gap(&out, GAP_SGX_COMPONENT, 16, 7, 8);
    has_gap(&out, GAP_PCE, 0, 13, 14);
    has_gap(&out, GAP_TDX_COMPONENT, 3, 7, 8);
    has_gap(&out, GAP_TDX_COMPONENT, 16, 7, 8);
    assert_int_equal(out.gap_count, 16 + 1 + 14); /* the module's SVN and version are not compared */
    assert_string_equal(tcb_gap_text(&arena, &out.gap[2]), "SGX component 3: 7, 8 needed");
    assert_int_equal(out.from, f.now.time + 20 * 86400); /* when what is in force ends */
    f.now.settings.accepted_tdx |= 1u << TCB_OUT_OF_DATE;
    out = forecast(&f);
    assert_true(out.known && !out.fails && out.gap_count == 0);
    endorsements_free(f.e);
}

static void module_and_quoting_enclave(void **state)
{
    (void)state;
    struct simulate_options now = {.kind = SIMULATE_TDX, .seed = 5}, then = now;
    struct fixture f;

    then.evaluation = 18;
    then.module_status = "OutOfDate";
    then.qe_status = "TCB_NOT_SUPPORTED";
    assert_true(judge(&f, &now, &then));
    struct forecast out = forecast(&f);
    assert_true(out.fails);
    assert_int_equal(out.gap_count, 2);
    has_gap(&out, GAP_TDX_MODULE, 1, 5, 7);
    has_gap(&out, GAP_QE, 0, 8, 9);
    endorsements_free(f.e);
}

/* What no update of the platform heals: the nearest higher level is not accepted either, or there is none. */
static void statuses_that_no_level_heals(void **state)
{
    (void)state;
    struct simulate_options now = {.kind = SIMULATE_SGX, .seed = 5}, then = now;
    struct fixture f;

    then.evaluation = 18;
    then.status = "Revoked";
    assert_true(judge(&f, &now, &then));
    f.now.settings.accepted_sgx = 0;
    struct forecast out = forecast(&f);
    assert_true(out.fails);
    assert_int_equal(out.gap_count, 1);
    assert_int_equal(out.gap[0].kind, GAP_STATUS);
    endorsements_free(f.e);
}

static void without_newer_data(void **state)
{
    (void)state;
    struct fixture f;

    assert_true(judge(&f, &(struct simulate_options){.kind = SIMULATE_SGX, .seed = 5}, NULL));
    struct forecast out = forecast(&f);
    assert_true(out.known && !out.fails);
    assert_int_equal(out.evaluation_then, 17);
    /* Data of another root do not speak about it. */
    struct platform_identity other = *f.x.platform;
    other.root_spki[0] ^= 1;
    other.fmspc[0] ^= 1;
    forecast_intel(f.e, &f.now.settings, &other, f.now.time, &out);
    assert_false(out.known || out.fails);
    endorsements_free(f.e);
}

/* One that was refused is known too: tools tell why. */
static void one_that_is_refused_today(void **state)
{
    (void)state;
    struct fixture f;

    assert_false(judge(&f, &(struct simulate_options){.kind = SIMULATE_SGX, .seed = 5, .status = "OutOfDate"}, NULL));
    struct forecast out = forecast(&f);
    assert_true(out.fails);
    assert_int_equal(out.from, 0);
    endorsements_free(f.e);
}

static void of_amd(void **state)
{
    (void)state;
    struct settings settings = SETTINGS_DEFAULT;
    struct snp_tcb old = {.bootloader = 3, .snp = 8, .microcode = 115},
                   newest = {.bootloader = 4, .snp = 8, .microcode = 219};
    struct platform_identity a = platform_of_amd(SNP_MILAN, BYTES_LIT("chip"), &old),
                             b = platform_of_amd(SNP_MILAN, BYTES_LIT("chip"), &newest);
    struct forecast out;

    assert_memory_not_equal(a.id, b.id, sizeof a.id);
    forecast_amd(&settings, &newest, &a, &out);
    assert_true(out.fails);
    assert_int_equal(out.gap_count, 2);
    has_gap(&out, GAP_SNP_COMPONENT, SNP_BOOTLOADER, 3, 4);
    has_gap(&out, GAP_SNP_COMPONENT, SNP_MICROCODE, 115, 219);
    assert_string_equal(tcb_gap_text(&arena, &out.gap[1]), "microcode: 115, 219 needed");
    forecast_amd(&settings, &newest, &b, &out);
    assert_false(out.fails);
}

static struct platform_identity chip(unsigned n, uint8_t microcode)
{
    struct snp_tcb tcb = {.microcode = microcode};

    return platform_of_amd(SNP_GENOA, bytes_make(&n, sizeof n), &tcb);
}

static bool count_outlook(void *context, const struct outlook *outlook)
{
    outlooks_note(context, outlook);
    return true;
}

/* Each once; however many there are, memory and counts stay bounded. */
static void what_is_remembered(void **state)
{
    (void)state;
    enum { MANY = 100000 };
    struct settings settings = SETTINGS_DEFAULT;
    struct platforms *p = platforms_new();
    struct outlooks *o = outlooks_new();
    struct platform_identity one = chip(1, 7), newer = chip(2, 9);
    struct outlook outlook;

    assert_true(platforms_note(p, &one));
    assert_false(platforms_note(p, &one));
    platforms_judge(p, &one, NULL, &settings, 0, &outlook);
    outlooks_note(o, &outlook);
    assert_int_equal(outlook.reason, GAP_NONE);
    assert_int_equal(outlooks_count(o, PLATFORM_SNP, GAP_NONE), 1);
    assert_true(platforms_note(p, &newer)); /* now the first is behind */
    assert_true(platforms_judge_all(p, NULL, &settings, 0, count_outlook, o));
    assert_int_equal(outlooks_count(o, PLATFORM_SNP, GAP_NONE), 1);
    assert_int_equal(outlooks_count(o, PLATFORM_SNP, GAP_SNP_COMPONENT), 1);
    for (unsigned n = 10; n < MANY; n++) {
        struct platform_identity next = chip(n, 9);

        platforms_note(p, &next);
        platforms_judge(p, &next, NULL, &settings, 0, &outlook);
        outlooks_note(o, &outlook);
    }
    size_t all = outlooks_count(o, PLATFORM_SNP, GAP_NONE) + outlooks_count(o, PLATFORM_SNP, GAP_SNP_COMPONENT);
    assert_true(all > 60000 && all <= 65536);
    assert_true(platforms_judge_all(p, NULL, &settings, 0, count_outlook, o));
    assert_int_equal(outlooks_count(o, PLATFORM_SNP, GAP_NONE) + outlooks_count(o, PLATFORM_SNP, GAP_SNP_COMPONENT),
                     all);
    platforms_free(p);
    outlooks_free(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_stays),
        cmocka_unit_test(one_that_is_too_old),
        cmocka_unit_test(module_and_quoting_enclave),
        cmocka_unit_test(statuses_that_no_level_heals),
        cmocka_unit_test(without_newer_data),
        cmocka_unit_test(one_that_is_refused_today),
        cmocka_unit_test(of_amd),
        cmocka_unit_test(what_is_remembered),
    };
    return cmocka_run_group_tests_name("forecast", tests, set_up, tear_down);
}
