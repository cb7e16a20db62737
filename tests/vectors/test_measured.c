/* Logs of real machines beside what their TPMs held, through all checks; and what they say (GOLDEN.md 6 and 7). */
#include "boot_sample.h"
#include "intel.h"

#include "base/text.h"
#include "evidence/parts/wbcl.h"

enum { ALL = 0xffffff };

static struct boot_sample sample;

static const char *hex_of(struct bytes b)
{
    return arena_string(&arena, hex_encode(&arena, b));
}

static struct bytes evidence(const char *file)
{
    return read_shared(&arena, arena_printf(&arena, "evidence/%s", file));
}

/* {"sha256":{"0":"<hex>"}} of a machine; the registers that are told there are quoted, but for those left out. */
static void quote_machine(const struct json *pcrs, enum digest_alg alg, uint32_t mask)
{
    struct event_registers r;

    event_registers_reset(&r, alg);
    JSON_EACH (item, pcrs) {
        unsigned long reg = strtoul(arena_string(&arena, item->name), NULL, 10);
        struct bytes hex;

        assert_true(json_text(item, &hex) && reg < EVENT_LOG_REGISTERS);
        assert_true(hex_decode_exact(hex, r.value[reg], r.size));
    }
    sample_quote(&sample, alg, &r, mask);
}

static const struct json *machine_pcrs(const char *folder, const char *bank)
{
    const struct json *pcrs;

    assert_true(json_parse(&arena, evidence(arena_printf(&arena, "tpm/%s/pcrs.json", folder)), NULL, &pcrs, NULL));
    pcrs = json_member(pcrs, bank);
    assert_non_null(pcrs);
    return pcrs;
}

static void expect_note(const char *where, const char *part)
{
    const char *message = arena_string(&arena, trace_message(sample.exam.trace, &arena));

    if (!strstr(message, part))
        fail_msg("%s: not in the message: %s: %s", where, part, message);
}

/* Where nothing differs all registers can be quoted, unless something extended them of which no log here tells. */
static const struct machine {
    const char *log, *folder;
    enum digest_alg alg;
    const char *differ; /* NULL: nothing */
    uint32_t untold;    /* IMA's register, and those that are not given */
} machines[] = {
    {"guard-latitude-7520/eventlog-0", "guard-latitude-7520", DIGEST_SHA256, NULL, 0},
    {"guard-IMN-DELL-WBCL-BootCtrs/eventlog-0", "guard-IMN-DELL-WBCL-BootCtrs", DIGEST_SHA256, NULL, 0},
    {"guard-good-1/eventlog-0", "guard-good-1", DIGEST_SHA256, NULL, 0},
    {"guard-issue926-x1carbon-ancient/eventlog-0", "guard-issue926-x1carbon-ancient", DIGEST_SHA256, NULL, 1u << 10},
    {"guard-issue926-x1carbon-before/eventlog-0", "guard-issue926-x1carbon-before", DIGEST_SHA256, NULL, 1u << 10},
    {"guard-ludmilla/eventlog-0", "guard-ludmilla", DIGEST_SHA1, NULL, 1u << 10},
    {"guard-ludmilla/eventlog-0", "guard-ludmilla", DIGEST_SHA256, NULL, 1u << 10},
    {"guard-IMN-SUPERMICRO-WBCL-Quote-AIKs/eventlog-0", "guard-IMN-SUPERMICRO-WBCL-Quote-AIKs", DIGEST_SHA256, NULL, 0},
    {"guard-IMN-SUPERMICRO-no-epp/eventlog-0", "guard-IMN-SUPERMICRO-no-epp", DIGEST_SHA256, NULL, 0},
    {"guard-dell-notebook-5eventlogs-WBCL/eventlog-4", "guard-dell-notebook-5eventlogs-WBCL", DIGEST_SHA256, NULL, 0},
    {"guard-dell-notebook-5eventlogs-WBCL/eventlog-0", "guard-dell-notebook-5eventlogs-WBCL", DIGEST_SHA256,
     "12, 13, 14", 0},
    {"guard-dell-notebook-5eventlogs-WBCL/eventlog-1", "guard-dell-notebook-5eventlogs-WBCL", DIGEST_SHA256, "12", 0},
    {"guard-dell-notebook-5eventlogs-WBCL/eventlog-2", "guard-dell-notebook-5eventlogs-WBCL", DIGEST_SHA256, "12", 0},
    {"guard-dell-notebook-5eventlogs-WBCL/eventlog-3", "guard-dell-notebook-5eventlogs-WBCL", DIGEST_SHA256, "12", 0},
    {"guard-failed-1/eventlog-0", "guard-failed-1", DIGEST_SHA256, "0", 0},
    {"guard-dl160-fwupd-report/eventlog-0", "guard-dl160-fwupd-report", DIGEST_SHA256, "0", 1u << 10},
    {"guard-hahuri-invalid-eventlog/eventlog-0", "guard-hahuri-invalid-eventlog", DIGEST_SHA256, "11", 1u << 10},
    {"goattestation-gcp-windows-shielded/eventlog", "goattestation-gcp-windows-shielded", DIGEST_SHA1, NULL, 0},
};

static void a_machine(const struct machine *m)
{
    const char *bank = m->alg == DIGEST_SHA1 ? "sha1" : "sha256";
    const struct json *pcrs = machine_pcrs(m->folder, bank);
    uint32_t given = 0;

    JSON_EACH (item, pcrs)
        given |= 1u << strtoul(arena_string(&arena, item->name), NULL, 10);
    sample_open(&sample);
    sample_add(&sample, evidence(arena_printf(&arena, "tpm/%s.bin", m->log)), false);
    quote_machine(pcrs, m->alg, given & ~m->untold);
    const char *refused = sample_refused_by(&sample);
    if (!m->differ != !refused)
        fail_msg("%s: %s", m->log,
                 refused ? arena_string(&arena, trace_message(sample.exam.trace, &arena)) : "accepted");
    if (refused)
        expect_note(m->log, arena_printf(&arena, "PCRs that differ: %s.", m->differ));
    if (m->untold) { /* with them the quote holds more than the logs */
        sample.selection.banks[0].mask = given;
        assert_non_null(sample_refused_by(&sample));
        expect_note(m->log, "boot.log.replay");
    }
}

static void every_machine(void **state)
{
    (void)state;
    NEED_SHARED("logs beside the PCRs of their machines");
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
        a_machine(&machines[i]);
}

/* The Linux ones have a register of IMA's, whose list nobody published: the note says what is missing. */
static void a_list_is_missing(void **state)
{
    (void)state;
    NEED_SHARED("logs beside the PCRs of their machines");
    sample_open(&sample);
    sample_add(&sample, evidence("tpm/guard-ludmilla/eventlog-0.bin"), false);
    quote_machine(machine_pcrs("guard-ludmilla", "sha256"), DIGEST_SHA256, ALL);
    assert_string_equal(sample_refused_by(&sample), "boot.log.replay");
    expect_note("ludmilla", "PCR 10 of sha256: no log tells of it");
    expect_note("ludmilla", "it is IMA's, whose measurement list was not sent");
}

/* Its firmware closed the bank that it does not use: the log does not explain that bank. */
static void a_bank_that_does_not_fit(void **state)
{
    (void)state;
    NEED_SHARED("logs beside the PCRs of their machines");
    sample_open(&sample);
    sample_add(&sample, evidence("tpm/guard-IMN-SUPERMICRO-no-epp/eventlog-0.bin"), false);
    quote_machine(machine_pcrs("guard-IMN-SUPERMICRO-no-epp", "sha256"), DIGEST_SHA256, ALL);
    quote_machine(machine_pcrs("guard-IMN-SUPERMICRO-no-epp", "sha1"), DIGEST_SHA1, ALL);
    assert_string_equal(sample_refused_by(&sample), "boot.log.replay");
    expect_note("supermicro", "of sha1");
    sample.selection.count = 1;
    assert_null(sample_refused_by(&sample));
}

static void quotes_of_software_tpms(void **state)
{
    static const char *const folders[] = {"swtpm-linux-ludmilla", "swtpm-windows-locality3"};
    static const char *const digests[] = {"017847a1d8ef1ea0d3d4923e91fe7b71001689341ccf6b4afee65c0dd0ab590e",
                                          "23ceb8532d1b52f01bf8b30ca3ffc9aaf2d8a261469753456067d58622f2649e"};

    (void)state;
    NEED_SHARED("quotes of software TPMs");
    for (size_t i = 0; i < 2; i++) {
        uint8_t made[DIGEST_MAX];

        sample_read(&sample, arena_printf(&arena, "tpm/%s/eventlog.bin", folders[i]));
        assert_true(tpm_pcrs_digest(&sample.pcrs, &sample.selection, DIGEST_SHA256, made));
        assert_string_equal(hex_of(bytes_make(made, SHA256_SIZE)), digests[i]);
        assert_null(sample_refused_by(&sample));
    }
}

/* ------------------------------------------------------------------------------------------------------------- IMA */

static void a_list_on_a_log(void **state)
{
    struct event_registers r;

    (void)state;
    NEED_SHARED("a log and a list of one machine");
    struct bytes text = evidence("ima/guard-h12ssl.binary_measurements.bin");
    sample_read(&sample, "eventlog/guard-h12ssl.bios_measurements.bin");
    sample_add(&sample, text, true);
    assert_string_equal(sample_refused_by(&sample), "boot.log.replay"); /* its register holds nothing */
    const struct event_bank *bank = event_log_bank(&sample.logs.logs[0].tcg, DIGEST_SHA1);
    assert_non_null(bank);
    sample.selection.count = 0;
    event_log_replay(&sample.logs.logs[0].tcg, bank, &r);
    assert_true(hex_decode_exact(BYTES_LIT("2bb0c97734a8b7f19d732be845e08819ddec5705"), r.value[10], SHA1_SIZE));
    sample_quote(&sample, DIGEST_SHA1, &r, ALL);
    sample_good(&sample, "guard-h12ssl");
    assert_int_equal(sample.logs.logs[1].ima.count, 2365);

    /* A name is edited: the register holds, the entry's hash does not. */
    uint8_t *copy = (uint8_t *)(uintptr_t)arena_copy(&arena, text).p;
    uint8_t *name = memmem(copy, text.n, "/usr/", 5);
    assert_non_null(name);
    name[1] = 'v';
    sample.logs.count = 1;
    sample_add(&sample, bytes_make(copy, text.n), true);
    assert_string_equal(sample_refused_by(&sample), "ima.template_hash");

    /* An entry is left out at the end. */
    sample.logs.count = 1;
    sample_add(&sample, text, true);
    sample.logs.logs[1].ima.count--;
    assert_string_equal(sample_refused_by(&sample), "boot.log.replay");
    expect_note("h12ssl", "no prefix of the logs gives it");
    /* The quote is older than the list. */
    sample.logs.logs[1].ima.count++;
    event_registers_reset(&r, DIGEST_SHA1);
    sample.logs.logs[1].ima.count -= 3;
    ima_log_replay(&sample.logs.logs[1].ima, DIGEST_SHA1, false, &r);
    sample.logs.logs[1].ima.count += 3;
    sample.pcrs.banks[sample.pcrs.count - 1].value[10] = bytes_make(r.value[10], SHA1_SIZE);
    sample.pcrs.banks[0] = sample.pcrs.banks[sample.pcrs.count - 1];
    assert_string_equal(sample_refused_by(&sample), "boot.log.replay");
    expect_note("h12ssl", "that after entry 2361 of log 2, 3 more follow");
}

/* ------------------------------------------------------------------------------------------------------ what they say */

static void facts_of(const char *file, struct boot_facts *f)
{
    sample_read(&sample, file);
    sample_good(&sample, file);
    boot_facts_read(&sample.logs, sample.bank, sample.quoted, &reference_builtin, f);
}

static void guests_of_azure(void **state)
{
    static const char pk[] = "72d3af9b2b57cfd0c1fcafc28babaa2212428c6604c1ac0b624fafbf28ac88e7",
                      kek[] = "8599624905e4fa11b379471f80f870369cc046d1ed45fefe540072a6784934bf",
                      *const db[] = {"93b62ce79e0870048a0907ef328f35d2f9d401bc75ac5dd9f0a384ef313fa5ca",
                                     "1ebc033e5f6c5b6e9b7385ab285217ccef6083bc23669662b1df3b393ab6ac27"},
                      *const dbx[] = {"3e35a78777afed8cf4bf414b06005a8d0827f9bffb2683f09a1bdbbab25a0272",
                                      "41b662dca40a591cbd7bf3d43e45f49590f56d1909244b9925b7324bff1aa718"};

    (void)state;
    NEED_SHARED("logs of Azure's guests");
    for (size_t i = 0; i < 2; i++) {
        struct boot_facts f;
        enum fact said = i ? FACT_FALSE : FACT_ABSENT;

        facts_of(i ? "azure-vtpm/guest-requests/windows.tcglog.bin" : "azure-vtpm/guest-requests/linux.tcglog.bin", &f);
        assert_true(f.secure_boot_on);
        assert_string_equal(hex_of(sha256_of(&arena, f.pk)), pk);
        assert_string_equal(hex_of(sha256_of(&arena, f.kek)), kek);
        assert_string_equal(hex_of(sha256_of(&arena, f.db)), db[i]);
        assert_string_equal(hex_of(sha256_of(&arena, f.dbx)), dbx[i]);
        assert_int_equal(f.boot_debugging, said);
        assert_int_equal(f.kernel_debug, said);
        assert_int_equal(f.test_signing, said);
        assert_int_equal(f.flight_signing, said);
        assert_int_equal(f.hypervisor_debug, FACT_ABSENT);
        assert_int_equal(f.elam, i ? FACT_TRUE : FACT_ABSENT);
        assert_int_equal(f.hvci_policy, 0);
        assert_int_equal(f.idks.kind, KEY_NONE);
    }
}

static void the_key_of_secure_mode(void **state)
{
    struct boot_facts f;
    struct public_key key;

    (void)state;
    NEED_SHARED("a log with keys of virtual secure mode");
    /* It measures its key with Secure Boot off, where anything could have been booted that measures such a key: not believed. */
    facts_of("tpm/guard-latitude-7520/eventlog-0.bin", &f);
    assert_false(f.secure_boot_on || f.windows);
    assert_int_equal(f.idks.kind, KEY_NONE);
    assert_int_equal(f.hvci_policy, 0);
    assert_int_equal(f.vsm_required, FACT_ABSENT);
    assert_true(wbcl_idk(evidence("vbs/latitude-7520.vsm_idks_info.bin"), &key));
    assert_string_equal(hex_of(sha256_of(&arena, key.modulus)),
                        "387a522f11f4f3785fe23051901cfb5c5be89cfd2ebd546dc831263256b0af36");
    struct bytes signing = key.modulus;
    assert_true(wbcl_idk(evidence("vbs/latitude-7520.vsm_idk_info.bin"), &key));
    assert_false(bytes_equal(key.modulus, signing));
    /* With it on, and by Microsoft's certificate. */
    facts_of("tpm/guard-IMN-DELL-WBCL-BootCtrs/eventlog-0.bin", &f);
    assert_true(f.secure_boot_on && f.windows && !f.other_system);
    boot_facts_read(&sample.logs, sample.bank, sample.quoted & ~(1u << PCR_SECURE_BOOT), &reference_builtin,
                    &f); /* not quoted: not believed */
    assert_false(f.windows);
    facts_of("azure-vtpm/guest-requests/linux.tcglog.bin", &f);
    assert_true(f.other_system && !f.windows);
}

static size_t trust_points_of(const char *file, struct wbcl_trust_point out[WBCL_TRUST_POINTS])
{
    struct event_log log;

    assert_true(event_log_read(&arena, evidence(file), &log, NULL));
    for (size_t i = 0; i < log.count; i++)
        if (log.events[i].reg == UINT32_MAX)
            return wbcl_trust_points(log.events[i].data, out);
    return 0;
}

static void trust_points(void **state)
{
    static const struct {
        const char *file, *aik;
        size_t quote;
    } logs[] = {{"tpm/guard-IMN-SUPERMICRO-WBCL-Quote-AIKs/eventlog-0.bin", "bla", 121},
                {"tpm/guard-IMN-DELL/eventlog-0.bin", "Windows AIK", 121},
                {"eventlog/guard-tpm12_windows_lenovo_x1carbonv3.bin", "Windows AIK", 68}};
    struct wbcl_trust_point points[WBCL_TRUST_POINTS];
    struct tpm_public public;
    struct tpm_attest attest;

    (void)state;
    NEED_SHARED("logs with trust points");
    for (size_t i = 0; i < sizeof logs / sizeof *logs; i++) {
        assert_int_equal(trust_points_of(logs[i].file, points), 1);
        assert_bytes_are(utf16_decode(&arena, points[0].aik), logs[i].aik);
        assert_int_equal(points[0].quote.n, logs[i].quote);
        assert_int_equal(points[0].signature.n, 256);
        assert_int_equal(points[0].aik_digest.n, SHA1_SIZE);
    }
    assert_int_equal(trust_points_of(logs[0].file, points), 1);
    assert_true(tpm_attest_read(&arena, points[0].quote, &attest, NULL));
    assert_int_equal(attest.type, TPM_ATTEST_QUOTE);
    assert_true(tpm_public_read(&arena, evidence("tpm/guard-IMN-SUPERMICRO-WBCL-Quote-AIKs/aik-bla.tpmt_public.bin"),
                                &public, NULL));
    assert_bytes_equal(points[0].aik_digest, digest(&arena, DIGEST_SHA1, public.key.modulus));
    assert_int_equal(trust_points_of("eventlog/goeventlog-legacy-option_rom_eventlog.bin", points), 0); /* zeros */
}

/* All of a log's registers as quoted, its events labelled or changed one by one: what Windows said is never hidden. */
static void nothing_can_be_hidden(void **state)
{
    struct boot_facts f;
    size_t tags = 0, separators = 0;

    (void)state;
    NEED_SHARED("a log of Windows");
    sample_read(&sample, "tpm/guard-latitude-7520/eventlog-0.bin");
    struct event_log *log = &sample.logs.logs[0].tcg;
    struct event *events = (struct event *)(uintptr_t)log->events;
    for (size_t i = 0; i < log->count; i++) {
        struct event kept = events[i];

        if (!event_extends(&kept) || !(kept.reg == 7 || kept.reg == 12 || kept.reg == 13))
            continue;
        bool separator = kept.type == EV_SEPARATOR;
        if (kept.type != EV_EVENT_TAG && !separator)
            continue;
        *(separator ? &separators : &tags) += 1;
        memset(sample.logs.logs[0].known, 0, log->count);
        events[i].type = EV_IPL;
        assert_string_equal(sample_refused_by(&sample), separator ? "boot.log.separator" : "boot.log.data");
        if (!separator) {
            events[i].type = EV_SEPARATOR;
            assert_string_equal(sample_refused_by(&sample), "boot.log.separator");
            events[i] = kept;
            events[i].data.n--;
            memset(sample.logs.logs[0].known, 0, log->count);
            assert_string_equal(sample_refused_by(&sample), "boot.log.data");
        }
        events[i] = kept;
    }
    memset(sample.logs.logs[0].known, 0, log->count);
    sample_good(&sample, "latitude");
    assert_int_equal(tags, 7);
    assert_int_equal(separators, 3);
    boot_facts_read(&sample.logs, sample.bank, sample.quoted, &reference_builtin, &f);
    assert_true(f.whole && f.safe_mode == FACT_FALSE);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(every_machine),           CASE(a_list_is_missing), CASE(a_bank_that_does_not_fit),
        CASE(quotes_of_software_tpms), CASE(a_list_on_a_log),   CASE(guests_of_azure),
        CASE(the_key_of_secure_mode),  CASE(trust_points),      CASE(nothing_can_be_hidden)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
