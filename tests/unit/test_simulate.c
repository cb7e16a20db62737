/* The simulated platform: every status and converge cell, every version and certification type, each fault by its own check. */
#define JUDGE_EXCHANGES
#include "simulated_judge.h"

#include <unistd.h>

static void well_formed_ones_are_accepted(void **state)
{
    (void)state;
    for (unsigned version = 3; version <= 5; version++)
        for (unsigned tcb_info = 2; tcb_info <= 3; tcb_info++)
            for (int kind = SIMULATE_SGX; kind <= SIMULATE_OE_EVIDENCE; kind++)
                for (int flags = 0; flags < 4; flags++) {
                    struct simulate_options o = {.kind = (enum simulate_kind)kind,
                                                 .version = version,
                                                 .tcb_info_version = tcb_info,
                                                 .kss = flags & 1,
                                                 .debug = flags & 2};
                    struct simulated s;
                    struct exam x;

                    if (!judge(&o, &x, &s))
                        fail_msg("version %u, TCB info %u, kind %d: %s", version, tcb_info, kind,
                                 arena_string(&arena, trace_message(x.trace, &arena)));
                    assert_true(x.development);
                    assert_int_equal(x.tcb_status, TCB_UP_TO_DATE);
                    assert_int_equal(claims_find(&x.incoming, BYTES_LIT("x-ms-sgx-config-id")) != NULL, flags & 1);
                    arena_reset(&arena);
                }
}

/* A build that never compared custom claims would not be noticed by what it accepts, only by what it required. */
static void custom_claims_are_required(void **state)
{
    (void)state;
    static const enum check_id wanted[] = {CHECK_OE_CUSTOM_CLAIMS, CHECK_END};
    enum check_id missing;

    for (int kind = SIMULATE_SGX; kind <= SIMULATE_OE_EVIDENCE; kind++) {
        struct simulate_options o = {.kind = (enum simulate_kind)kind};
        const enum check_id *required = kind == SIMULATE_SGX ? sgx_attester.required : oe_attester.required;
        const struct trace_entry *made = NULL;
        struct simulated s;
        struct exam x;

        while (*required != CHECK_END && *required != CHECK_OE_CUSTOM_CLAIMS)
            required++;
        assert_int_equal(*required == CHECK_OE_CUSTOM_CLAIMS, kind != SIMULATE_SGX);
        assert_true(judge(&o, &x, &s));
        assert_int_equal(trace_complete(x.trace, wanted, &missing), kind != SIMULATE_SGX);
        for (size_t i = 0; i < x.trace->n; i++)
            if (x.trace->entries[i].id == CHECK_OE_CUSTOM_CLAIMS)
                made = &x.trace->entries[i];
        if (made)
            assert_int_equal(made->result, kind == SIMULATE_OE_EVIDENCE ? CHECK_PASS : CHECK_SKIP);
        arena_reset(&arena);
    }
}

static void without_the_anchor_refused(void **state)
{
    (void)state;
    for (int kind = 0; kind < SIMULATE_KINDS; kind++) {
        struct simulate_options o = {.kind = (enum simulate_kind)kind, .seed = 1};
        struct endorsements *e = endorsements_new(64 * 1024 * 1024);
        struct simulated s;
        struct exam x;

        if (exchange_is_for(o.kind))
            assert_true(exchange_begin(&arena, &o));
        assert_true(simulate(&arena, &o, &s, NULL));
        assert_true(simulate_endorsements(&s, e, false, NULL));
        assert_false(judge_with(&s, e, &x));
        assert_string_equal(failed_id(&x), kind >= SIMULATE_TPM   ? "aik.chain"
                                           : kind == SIMULATE_SNP ? "amd.chain.anchor"
                                                                  : "intel.pck.anchor");
        endorsements_free(e);
        arena_reset(&arena);
    }
}

/* sgx-tdx.md 7: converge, over all that TCB infos and identities can say. */
static void every_converge_cell(void **state)
{
    (void)state;
    static const char *const platform[] = {"UpToDate",
                                           "SWHardeningNeeded",
                                           "ConfigurationNeeded",
                                           "ConfigurationAndSWHardeningNeeded",
                                           "OutOfDate",
                                           "OutOfDateConfigurationNeeded",
                                           "Revoked",
                                           "TCB_NOT_SUPPORTED"};
    static const char *const qe[] = {"UpToDate", "OutOfDate", "Revoked", "TCB_NOT_SUPPORTED"};
    static const char *const expected[4][8] = {
        {"UpToDate", "SWHardeningNeeded", "ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded", "OutOfDate",
         "OutOfDateConfigurationNeeded", "Revoked", "TCB_NOT_SUPPORTED"},
        {"OutOfDate", "OutOfDate", "OutOfDateConfigurationNeeded", "OutOfDateConfigurationNeeded", "OutOfDate",
         "OutOfDateConfigurationNeeded", "Revoked", "TCB_NOT_SUPPORTED"},
        {"Revoked", "Revoked", "Revoked", "Revoked", "Revoked", "Revoked", "Revoked", "TCB_NOT_SUPPORTED"},
        {"TCB_NOT_SUPPORTED", "TCB_NOT_SUPPORTED", "TCB_NOT_SUPPORTED", "TCB_NOT_SUPPORTED", "TCB_NOT_SUPPORTED",
         "TCB_NOT_SUPPORTED", "TCB_NOT_SUPPORTED", "TCB_NOT_SUPPORTED"},
    };

    for (size_t q = 0; q < 4; q++)
        for (size_t p = 0; p < 8; p++) {
            struct simulate_options o = {.status = platform[p], .qe_status = qe[q]};
            struct simulated s;
            struct exam x;
            bool ok = judge(&o, &x, &s);

            assert_true(x.tcb_known);
            assert_string_equal(tcb_status_name(x.tcb_status), expected[q][p]);
            assert_int_equal(ok, x.tcb_status == TCB_UP_TO_DATE || x.tcb_status == TCB_SW_HARDENING_NEEDED);
            if (!ok)
                assert_string_equal(failed_id(&x), "intel.tcb.status");
            arena_reset(&arena);
        }
}

/* In every form of evidence in which it can be. */
static void each_fault_by_its_own_check(void **state)
{
    (void)state;
    const struct simulate_fault *f;

    for (size_t i = 0; (f = simulate_fault_at(i)) != NULL; i++)
        for (int kind = 0; kind < SIMULATE_KINDS; kind++) {
            struct simulate_options o = {.fault = f->name, .kind = (enum simulate_kind)kind, .seed = 1};
            struct simulated s;
            struct exam x;

            if (!(f->kinds & 1u << kind))
                continue;
            if (judge(&o, &x, &s))
                fail_msg("%s: accepted", f->name);
            if (trace_failure(x.trace)->id != simulate_fault_check(f))
                fail_msg("%s: %s", f->name, arena_string(&arena, trace_message(x.trace, &arena)));
            arena_reset(&arena);
        }
}

static void harmless_variations_are_accepted(void **state)
{
    (void)state;
    for (int kind = 0; kind < SIMULATE_KINDS; kind++)
        for (size_t i = 0; simulate_variation_at((enum simulate_kind)kind, i); i++) {
            struct simulate_options o = {.kind = (enum simulate_kind)kind,
                                         .seed = 1,
                                         .variation = simulate_variation_at((enum simulate_kind)kind, i)};
            struct simulated s;
            struct exam x;

            if (!judge(&o, &x, &s))
                fail_msg("%s, %s: %s", simulate_kind_what(o.kind), o.variation,
                         arena_string(&arena, trace_message(x.trace, &arena)));
            arena_reset(&arena);
        }
}

static bool same(struct bytes a, struct bytes b)
{
    return a.n && bytes_equal(a, b);
}

static void one_seed_makes_one_platform(void **state)
{
    (void)state;
    struct simulate_options o = {.seed = 7, .kind = SIMULATE_OE_REPORT};
    struct simulated a, b, other;

    assert_true(simulate(&arena, &o, &a, NULL) && simulate(&arena, &o, &b, NULL));
    assert_true(same(a.evidence, b.evidence) && same(a.request, b.request) && same(a.anchor, b.anchor));
    assert_true(same(a.endorsements, b.endorsements));
    o.seed = 8;
    assert_true(simulate(&arena, &o, &other, NULL));
    assert_false(bytes_equal(a.evidence, other.evidence));
    o.seed = 0;
    assert_true(simulate(&arena, &o, &a, NULL) && simulate(&arena, &o, &b, NULL));
    assert_memory_not_equal(a.anchor_spki, b.anchor_spki, SHA256_SIZE);
}

/* One file with all of them in Open Enclave's form, and nothing else. */
static void wrapped_endorsements_suffice(void **state)
{
    (void)state;
    for (int kind = SIMULATE_SGX; kind <= SIMULATE_OE_EVIDENCE; kind++) {
        struct simulate_options o = {.kind = (enum simulate_kind)kind};
        struct endorsements *e = endorsements_new(64 * 1024 * 1024);
        struct simulated s;
        struct exam x;
        struct fault fault = {0};

        assert_true(simulate(&arena, &o, &s, NULL));
        endorsements_add_anchor(e, s.anchor_spki, true);
        if (!endorsements_add(e, "endorsements.bin", s.endorsements, &fault))
            fail_msg("%s", fault.text);
        endorsements_seal(e);
        if (!judge_with(&s, e, &x))
            fail_msg("kind %d: %s", kind, arena_string(&arena, trace_message(x.trace, &arena)));
        endorsements_free(e);
        arena_reset(&arena);
    }
}

/* The request goes through the service's own decoder. */
static void requests_are_what_the_service_takes(void **state)
{
    (void)state;
    static const char *const data[] = {"", "{\"a\":1}", "no JSON", "[1]"};
    static const enum data_type types[] = {DATA_JSON, DATA_JSON, DATA_BINARY, DATA_BINARY};

    for (size_t i = 0; i < sizeof data / sizeof *data; i++) {
        struct simulate_options o = {
            .kind = i % 2 ? SIMULATE_OE_REPORT : SIMULATE_SGX, .kss = true, .runtime_data = bytes_text(data[i])};
        const struct attester *attester = i % 2 ? &oe_attester : &sgx_attester;
        struct endorsements *e = endorsements_new(64 * 1024 * 1024);
        const struct json *body;
        struct simulated s;

        assert_true(simulate(&arena, &o, &s, NULL) && simulate_endorsements(&s, e, true, NULL));
        assert_true(json_parse(&arena, s.request, NULL, &body, NULL));
        struct exam x = {
            .arena = &arena, .trace = trace_new(&arena), .endorsements = e, .settings = &s.settings, .time = s.time};
        claims_init(&x.incoming, &arena);
        if (!attester->decode(&x, body) || !attester->verify(&x))
            fail_msg("%s: %s", data[i], arena_string(&arena, trace_message(x.trace, &arena)));
        const struct sgx_evidence *evidence = x.evidence;
        assert_int_equal(evidence->runtime.type, types[i]);
        assert_int_equal(evidence->init.type, DATA_JSON);
        endorsements_free(e);
    }
}

static void add_all(struct endorsements *e, const struct simulated *s, bool documents)
{
    endorsements_add_anchor(e, s->anchor_spki, true);
    assert_true(endorsements_add(e, "root.crl", s->root_crl, NULL) && endorsements_add(e, "pck.crl", s->pck_crl, NULL));
    if (documents)
        assert_true(endorsements_add(e, "tcbinfo.json", s->tcb_info, NULL) &&
                    endorsements_add(e, "qeidentity.json", s->identity, NULL) &&
                    endorsements_add(e, "chain.pem", s->signing_chain, NULL));
}

/* Two trusted roots of one name, for one FMSPC: each platform is judged by its own hierarchy, and by no other. */
static void two_hierarchies_do_not_mix(void **state)
{
    (void)state;
    struct simulate_options good = {.seed = 1}, late = {.seed = 2, .status = "OutOfDate"};
    struct simulated a, b;

    assert_true(simulate(&arena, &good, &a, NULL) && simulate(&arena, &late, &b, NULL));
    for (int own = 0; own < 2; own++) {
        struct endorsements *e = endorsements_new(64 * 1024 * 1024);
        struct exam x;

        add_all(e, &a, true);
        add_all(e, &b, own);
        endorsements_seal(e);
        assert_true(judge_with(&a, e, &x));
        assert_int_equal(x.tcb_status, TCB_UP_TO_DATE);
        assert_false(judge_with(&b, e, &x));
        assert_string_equal(failed_id(&x), own ? "intel.tcb.status" : "intel.signer.anchor");
        endorsements_free(e);
    }
}

/* A folder holds what was written last, and nothing of before. */
static void a_folder_holds_one_platform(void **state)
{
    (void)state;
    struct simulate_options report = {.kind = SIMULATE_OE_REPORT, .kss = true},
                            quote = {.fault = "intel.pck_crl.present"};
    char folder[] = "/tmp/assay-simulate-XXXXXX";
    struct simulated s;

    assert_non_null(mkdtemp(folder));
    char *inside = arena_printf(&arena, "%s/platform", folder);
    assert_true(simulate(&arena, &report, &s, NULL) && simulate_write(&arena, &s, inside, NULL));
    assert_bytes_equal(read_file(&arena, arena_printf(&arena, "%s/report.bin", inside)), s.evidence);
    assert_bytes_equal(read_file(&arena, arena_printf(&arena, "%s/endorsements.bin", inside)), s.endorsements);
    assert_bytes_equal(read_file(&arena, arena_printf(&arena, "%s/collateral/pck.crl", inside)), s.pck_crl);
    assert_true(simulate(&arena, &quote, &s, NULL) && simulate_write(&arena, &s, inside, NULL));
    assert_bytes_equal(read_file(&arena, arena_printf(&arena, "%s/quote.bin", inside)), s.evidence);
    static const char *const gone[] = {"report.bin", "endorsements.bin", "init.bin", "collateral/pck.crl"};
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
        assert_int_equal(access(arena_printf(&arena, "%s/%s", inside, gone[i]), F_OK), -1);
    struct bytes note = read_file(&arena, arena_printf(&arena, "%s/README.txt", inside));
    assert_non_null(memmem(note.p, note.n, "there is no PCK CRL (intel.pck_crl.present)", 43));
    struct fault fault = {0};
    assert_false(simulate_write(&arena, &s, arena_printf(&arena, "%s/quote.bin/below", inside), &fault));
    assert_int_equal(fault.code, FAULT_SYSTEM);
    assert_int_equal(system(arena_printf(&arena, "rm -r %s", folder)), 0);
}

static void each_row_has_its_fault(void **state)
{
    (void)state;
    static const char *const families[] = {"sgx.", "tdx.", "intel.", "oe.", "snp.", "amd.", "uvm."};

    for (int id = 0; id < CHECK_COUNT; id++) {
        const struct simulate_fault *f;
        bool concerns = false, found = false;

        for (size_t i = 0; i < sizeof families / sizeof *families; i++)
            concerns |= strncmp(check_table[id].id, families[i], strlen(families[i])) == 0;
        for (size_t i = 0; (f = simulate_fault_at(i)) != NULL; i++)
            found |= simulate_fault_check(f) == (enum check_id)id;
        if (concerns && !found)
            fail_msg("%s has no simulated fault", check_table[id].id);
    }
}

static void certification_types_by_name(void **state)
{
    (void)state;
    static const unsigned types[] = {1, 2, 3, 4, 7};

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct simulate_options o = {.certification = types[i]};
        struct simulated s;
        struct exam x;

        assert_false(judge(&o, &x, &s));
        assert_string_equal(failed_id(&x), "sgx.quote.certification");
        assert_non_null(strstr(trace_failure(x.trace)->note, quote_certification_name((uint16_t)types[i])));
    }
}

static void wrong_options_are_named(void **state)
{
    (void)state;
    struct fault fault = {0};
    struct simulated s;

    assert_false(simulate(&arena, &(struct simulate_options){.fault = "no.such.check"}, &s, &fault));
    assert_non_null(strstr(fault.text, "no.such.check"));
    fault = (struct fault){0};
    assert_false(simulate(&arena, &(struct simulate_options){.fault = "oe.report.type"}, &s, &fault));
    assert_non_null(strstr(fault.text, "an Open Enclave report"));
    assert_false(simulate(&arena, &(struct simulate_options){.fault = "sgx.quote.tee", .version = 3}, &s, NULL));
    assert_false(simulate(&arena, &(struct simulate_options){.variation = "no-such"}, &s, NULL));
    assert_false(simulate(&arena, &(struct simulate_options){.tcb_info_version = 4}, &s, NULL));
    assert_false(simulate(&arena, &(struct simulate_options){.version = 9}, &s, NULL));
    assert_false(simulate(&arena, &(struct simulate_options){.status = "Fine"}, &s, NULL));
    assert_false(simulate(&arena, &(struct simulate_options){.certification = 6}, &s, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_ones_are_accepted),    cmocka_unit_test(custom_claims_are_required),
        cmocka_unit_test(without_the_anchor_refused),       cmocka_unit_test(every_converge_cell),
        cmocka_unit_test(each_fault_by_its_own_check),      cmocka_unit_test(each_row_has_its_fault),
        cmocka_unit_test(harmless_variations_are_accepted), cmocka_unit_test(one_seed_makes_one_platform),
        cmocka_unit_test(wrapped_endorsements_suffice),     cmocka_unit_test(a_folder_holds_one_platform),
        cmocka_unit_test(two_hierarchies_do_not_mix),       cmocka_unit_test(requests_are_what_the_service_takes),
        cmocka_unit_test(certification_types_by_name),      cmocka_unit_test(wrong_options_are_named),
    };
    return cmocka_run_group_tests_name("simulate", tests, set_up, tear_down);
}
