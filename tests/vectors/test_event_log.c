/* Every event log of the corpus: what is in it, what it replays to, and what the machine's TPM held (MANIFEST-tpm.tsv, GOLDEN.md 7). */
#include "arena_test.h"
#include "intel.h"

#include "base/text.h"
#include "evidence/parts/ima_log.h"
#include "evidence/parts/secure_boot.h"

enum { COLUMN_FILE = 0, COLUMN_FACTS = 4, COLUMN_VERDICT = 5 };

/* Banks of a log are judged by the strongest that can be replayed, as the manifest did. */
static const struct event_bank *judged_bank(const struct event_log *log)
{
    static const enum digest_alg order[] = {DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA1, DIGEST_SHA512};

    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        const struct event_bank *b = event_log_bank(log, order[i]);

        if (b)
            return b;
    }
    fail_msg("no bank");
    return NULL;
}

static struct bytes text_of(const struct json *o, const char *name)
{
    const struct json *member = json_member(o, name);
    struct bytes text = BYTES_NONE;

    if (!member || !json_text(member, &text))
        fail_msg("no %s", name);
    return text;
}

static void expect_number(const char *file, const struct json *facts, const char *name, size_t found)
{
    const struct json *member = json_member(facts, name);
    int64_t expected = 0;

    if (!member)
        return;
    if (!json_integer(member, &expected) || (size_t)expected != found)
        fail_msg("%s: %s is %zu, not %lld", file, name, found, (long long)expected);
}

static void expect_banks(const char *file, const struct json *facts, const struct event_log *log)
{
    size_t n = 0;

    JSON_EACH (item, json_member(facts, "algs")) {
        struct bytes name;

        assert_true(json_text(item, &name));
        if (n >= log->bank_count || !bytes_is(name, event_bank_name(&log->banks[n])))
            fail_msg("%s: bank %zu is not %.*s", file, n, (int)name.n, (const char *)name.p);
        n++;
    }
    assert_int_equal(n, log->bank_count);
}

static void expect_types(const char *file, const struct json *facts, const struct event_log *log)
{
    size_t seen = 0;

    JSON_EACH (item, json_member(facts, "types")) {
        size_t count = 0;
        int64_t expected;

        for (size_t i = 0; i < log->count; i++) {
            const char *name = event_type_name(log->events[i].type);

            count += bytes_is(item->name, name ? name : arena_printf(&arena, "0x%x", log->events[i].type));
        }
        assert_true(json_integer(item, &expected));
        if (count != (size_t)expected)
            fail_msg("%s: %zu events %.*s", file, count, (int)item->name.n, (const char *)item->name.p);
        seen += count;
    }
    if (seen != log->count)
        fail_msg("%s: %zu of %zu events have a type that the manifest names", file, seen, log->count);
}

/* All registers that the object names, and no others. */
static void expect_registers(const char *file, const struct json *expected, const struct event_log *log,
                             enum digest_alg alg)
{
    const struct event_bank *bank = event_log_bank(log, alg);
    struct event_registers r;
    size_t named = 0, told = 0;

    if (!bank)
        fail_msg("%s: no such bank", file);
    event_log_replay(log, bank, &r);
    JSON_EACH (item, expected) {
        unsigned long reg = strtoul(arena_string(&arena, item->name), NULL, 10);
        struct bytes hex;

        assert_true(json_text(item, &hex) && reg < EVENT_LOG_REGISTERS);
        if (!bytes_equal_nocase(hex, hex_encode(&arena, bytes_make(r.value[reg], r.size))))
            fail_msg("%s: register %lu differs", file, reg);
        named++;
    }
    for (size_t i = 0; i < EVENT_LOG_REGISTERS; i++)
        told += r.told[i];
    if (named != told)
        fail_msg("%s: the log tells of %zu registers, the manifest of %zu", file, told, named);
}

static void expect_facts(const char *file, const struct json *facts, const struct event_log *log)
{
    static const struct {
        const char *name;
        enum digest_alg alg;
    } replays[] = {
        {"replayed_sha1", DIGEST_SHA1}, {"replayed_sha256", DIGEST_SHA256}, {"replayed_sha384", DIGEST_SHA384}};

    assert_true(bytes_is(text_of(facts, "format"), log->agile ? "crypto-agile" : "tcg12-sha1"));
    expect_number(file, facts, "events", log->count);
    expect_number(file, facts, "trailing_bytes", log->tail.n);
    expect_number(file, facts, "startup_locality", log->hcrtm ? 4 : log->locality);
    expect_banks(file, facts, log);
    expect_types(file, facts, log);
    for (size_t i = 0; i < sizeof replays / sizeof *replays; i++)
        if (json_member(facts, replays[i].name))
            expect_registers(file, json_member(facts, replays[i].name), log, replays[i].alg);
    struct bytes expected = text_of(facts, "secure_boot");
    const char *found = secure_boot_name(secure_boot_state(log, judged_bank(log)));
    if (!bytes_is(expected, found))
        fail_msg("%s: Secure Boot is %s, not %.*s", file, found, (int)expected.n, (const char *)expected.p);
}

static void every_log_of_the_manifest(void **state)
{
    (void)state;
    NEED_SHARED("event logs");
    struct bytes text = read_shared(&arena, "evidence/MANIFEST-tpm.tsv"), column[COLUMNS_MAX];
    size_t n, logs = 0, refused = 0;

    while (tsv_line(&text, column, &n)) {
        struct event_log log;
        struct fault fault = {0};
        const struct json *facts;

        bool good = n > COLUMN_VERDICT && bytes_begin(column[COLUMN_FACTS], "\"format\"");
        bool bad = n > COLUMN_VERDICT && bytes_begin(column[COLUMN_VERDICT], "reject: first event overruns");
        if (!good && !bad)
            continue;
        const char *file = arena_printf(&arena, "evidence/%s", arena_string(&arena, column[COLUMN_FILE]));
        if (event_log_read(&arena, read_shared(&arena, file), &log, &fault) != good)
            fail_msg("%s: %s", file, fault.text);
        if (bad) {
            refused++;
            continue;
        }
        char *members = arena_string(&arena, column[COLUMN_FACTS]), *remark = strstr(members, "}; ");
        if (remark) /* behind the members of the object, for people */
            remark[1] = 0;
        struct bytes object = bytes_text(arena_printf(&arena, "{%s}", members));
        if (!json_parse(&arena, object, NULL, &facts, &fault))
            fail_msg("%s: %s", file, fault.text);
        expect_facts(file, facts, &log);
        logs++;
    }
    assert_int_equal(logs, 60);
    assert_int_equal(refused, 1);
}

/* Beside each log the values that the machine's TPM held: they differ where its row says so, and nowhere else. */
static void registers_are_those_of_the_machines(void **state)
{
    static const struct {
        const char *log, *pcrs;
        enum digest_alg alg;
        uint32_t differ; /* bit set */
    } machines[] = {
        {"guard-latitude-7520/eventlog-0", "guard-latitude-7520", DIGEST_SHA256, 0},
        {"guard-IMN-DELL-WBCL-BootCtrs/eventlog-0", "guard-IMN-DELL-WBCL-BootCtrs", DIGEST_SHA256, 0},
        {"guard-good-1/eventlog-0", "guard-good-1", DIGEST_SHA256, 0},
        {"guard-issue926-x1carbon-ancient/eventlog-0", "guard-issue926-x1carbon-ancient", DIGEST_SHA256, 0},
        {"guard-issue926-x1carbon-before/eventlog-0", "guard-issue926-x1carbon-before", DIGEST_SHA256, 0},
        {"guard-ludmilla/eventlog-0", "guard-ludmilla", DIGEST_SHA1, 0},
        {"guard-ludmilla/eventlog-0", "guard-ludmilla", DIGEST_SHA256, 0},
        {"guard-IMN-SUPERMICRO-WBCL-Quote-AIKs/eventlog-0", "guard-IMN-SUPERMICRO-WBCL-Quote-AIKs", DIGEST_SHA256, 0},
        {"guard-IMN-SUPERMICRO-no-epp/eventlog-0", "guard-IMN-SUPERMICRO-no-epp", DIGEST_SHA256, 0},
        {"guard-dell-notebook-5eventlogs-WBCL/eventlog-4", "guard-dell-notebook-5eventlogs-WBCL", DIGEST_SHA256, 0},
        {"guard-dell-notebook-5eventlogs-WBCL/eventlog-0", "guard-dell-notebook-5eventlogs-WBCL", DIGEST_SHA256,
         1u << 12 | 1u << 13 | 1u << 14},
        {"guard-dell-notebook-5eventlogs-WBCL/eventlog-1", "guard-dell-notebook-5eventlogs-WBCL", DIGEST_SHA256,
         1u << 12},
        {"guard-dell-notebook-5eventlogs-WBCL/eventlog-2", "guard-dell-notebook-5eventlogs-WBCL", DIGEST_SHA256,
         1u << 12},
        {"guard-dell-notebook-5eventlogs-WBCL/eventlog-3", "guard-dell-notebook-5eventlogs-WBCL", DIGEST_SHA256,
         1u << 12},
        {"guard-failed-1/eventlog-0", "guard-failed-1", DIGEST_SHA256, 1u << 0},
        {"guard-dl160-fwupd-report/eventlog-0", "guard-dl160-fwupd-report", DIGEST_SHA256, 1u << 0},
        {"guard-hahuri-invalid-eventlog/eventlog-0", "guard-hahuri-invalid-eventlog", DIGEST_SHA256, 1u << 11},
        {"goattestation-gcp-windows-shielded/eventlog", "goattestation-gcp-windows-shielded", DIGEST_SHA1, 0},
    };

    (void)state;
    NEED_SHARED("logs beside the PCRs of their machines");
    for (size_t m = 0; m < sizeof machines / sizeof *machines; m++) {
        const struct event_bank *bank;
        struct event_registers r;
        struct event_log log;
        const struct json *pcrs;
        uint32_t differ = 0;

        struct bytes text = read_shared(&arena, arena_printf(&arena, "evidence/tpm/%s.bin", machines[m].log));
        assert_true(event_log_read(&arena, text, &log, NULL));
        text = read_shared(&arena, arena_printf(&arena, "evidence/tpm/%s/pcrs.json", machines[m].pcrs));
        assert_true(json_parse(&arena, text, NULL, &pcrs, NULL));
        bank = event_log_bank(&log, machines[m].alg);
        pcrs = bank ? json_member(pcrs, event_bank_name(bank)) : NULL;
        if (!pcrs)
            fail_msg("%s: no such bank", machines[m].log);
        event_log_replay(&log, bank, &r);
        JSON_EACH (item, pcrs) {
            unsigned long reg = strtoul(arena_string(&arena, item->name), NULL, 10);
            struct bytes hex;

            assert_true(json_text(item, &hex) && reg < EVENT_LOG_REGISTERS);
            if (r.told[reg] && !bytes_equal_nocase(hex, hex_encode(&arena, bytes_make(r.value[reg], r.size))))
                differ |= 1u << reg;
        }
        if (differ != machines[m].differ)
            fail_msg("%s: registers %x differ", machines[m].log, differ);
    }
}

/* Of events whose type has one way to be hashed, the data must be found to be measured; a changed byte must be seen. */
static void data_are_measured(void **state)
{
    size_t separators = 0, variables = 0;

    (void)state;
    NEED_SHARED("a boot log");
    struct bytes text = read_shared(&arena, "evidence/tpm/guard-latitude-7520/eventlog-0.bin");
    struct event_log log;
    assert_true(event_log_read(&arena, text, &log, NULL));
    const struct event_bank *bank = event_log_bank(&log, DIGEST_SHA256);
    for (size_t i = 0; i < log.count; i++) {
        struct event e = log.events[i];

        if (e.type != EV_SEPARATOR && e.type != EV_EFI_VARIABLE_DRIVER_CONFIG)
            continue;
        assert_true(event_data_measured(&log, &e, bank));
        uint8_t *changed = (uint8_t *)(uintptr_t)arena_copy(&arena, e.data).p;
        changed[e.data.n - 1] ^= 1;
        e.data = bytes_make(changed, e.data.n);
        assert_false(event_data_measured(&log, &e, bank));
        *(e.type == EV_SEPARATOR ? &separators : &variables) += 1;
    }
    assert_int_equal(separators, 11);
    assert_int_equal(variables, 6);
}

/* "…; violations=2 …" */
static bool fact_is(struct bytes facts, const char *name, const char *value)
{
    const char *text = arena_string(&arena, facts), *at = strstr(text, arena_printf(&arena, "%s=", name));
    size_t n = strlen(value);

    at = at ? at + strlen(name) + 1 : "";
    return strncmp(at, value, n) == 0 && (at[n] == 0 || at[n] == ' ' || at[n] == ';');
}

static void expect_ima(const char *file, struct bytes facts, const struct ima_log *log)
{
    static const struct {
        const char *name;
        enum digest_alg alg;
    } banks[] = {{"pcr10(sha1)", DIGEST_SHA1}, {"pcr10(sha256, recomputed)", DIGEST_SHA256}};
    size_t mismatches = 0;

    for (size_t i = 0; i < log->count; i++)
        mismatches += !ima_hash_holds(&log->entries[i]);
    if (!fact_is(facts, "entries", arena_printf(&arena, "%zu", log->count)) ||
        !fact_is(facts, "violations", arena_printf(&arena, "%zu", log->violations)) ||
        !fact_is(facts, "template-hash mismatches", arena_printf(&arena, "%zu", mismatches)))
        fail_msg("%s: %zu entries, %zu violations, %zu mismatches", file, log->count, log->violations, mismatches);
    for (size_t i = 0; i < sizeof banks / sizeof *banks; i++) {
        struct event_registers r = {0};

        if (!strstr(arena_string(&arena, facts), banks[i].name))
            continue;
        ima_log_replay(log, banks[i].alg, false, &r);
        struct bytes hex = hex_encode(&arena, bytes_make(r.value[10], r.size));
        if (!fact_is(facts, banks[i].name, arena_string(&arena, hex)))
            fail_msg("%s: %s differs", file, banks[i].name);
    }
}

static void every_measurement_list_of_the_manifest(void **state)
{
    (void)state;
    NEED_SHARED("lists of IMA");
    struct bytes text = read_shared(&arena, "evidence/MANIFEST-tpm.tsv"), column[COLUMNS_MAX];
    size_t n, lists = 0;

    while (tsv_line(&text, column, &n)) {
        struct fault fault = {0};
        struct ima_log log;

        if (n <= COLUMN_VERDICT || !bytes_begin(column[1], "IMA "))
            continue;
        const char *file = arena_printf(&arena, "evidence/%s", arena_string(&arena, column[COLUMN_FILE]));
        if (!ima_log_read(&arena, read_shared(&arena, file), &log, &fault))
            fail_msg("%s: %s", file, fault.text);
        expect_ima(file, column[COLUMN_FACTS], &log);
        lists++;
    }
    assert_int_equal(lists, 7);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {CASE(every_log_of_the_manifest), CASE(registers_are_those_of_the_machines),
                                       CASE(data_are_measured), CASE(every_measurement_list_of_the_manifest)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
