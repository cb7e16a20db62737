#include "evidence/logs.h"

#include "base/text.h"
#include "evidence/parts/secure_boot.h"

static const enum check_id event_log_required[] = {CHECK_EVENTLOG_SHAPE, CHECK_END};
static const enum check_id ima_required[] = {CHECK_IMA_SHAPE, CHECK_IMA_TEMPLATE_HASH, CHECK_END};

/* {"0": "<hex>"}: the registers of which the log tells. */
static struct json *registers_json(struct arena *a, const struct event_registers *r)
{
    struct json *o = json_new(a, JSON_OBJECT);

    for (int i = 0; i < EVENT_LOG_REGISTERS; i++)
        if (r->told[i] && !r->incomplete[i])
            json_set(o, bytes_text(arena_printf(a, "%d", i)),
                     json_new_text(a, hex_encode(a, bytes_make(r->value[i], r->size))));
    return o;
}

/* ------------------------------------------------------------------------------------------------------- event logs */

bool event_log_decode_file(struct exam *x, struct bytes file)
{
    struct event_log *log = ARENA_NEW(x->arena, struct event_log);
    struct fault fault = {0};

    x->evidence = log;
    if (check_that(x, EVENTLOG_SHAPE, event_log_read(x->arena, file, log, &fault)))
        return true;
    check_note(x->trace, "%s", fault.text);
    return false;
}

/* Secure Boot is on when every bank says so. */
static bool secure_boot(const struct event_log *log)
{
    bool on = false;

    for (size_t i = 0; i < log->bank_count; i++) {
        if (!log->banks[i].known)
            continue;
        if (secure_boot_state(log, &log->banks[i]) != SECURE_BOOT_ON)
            return false;
        on = true;
    }
    return on;
}

static bool event_log_verify(struct exam *x)
{
    const struct event_log *log = x->evidence;
    struct json *pcrs = json_new(x->arena, JSON_OBJECT);

    for (size_t i = 0; i < log->bank_count; i++) {
        struct event_registers r;

        if (!log->banks[i].known)
            continue;
        event_log_replay(log, &log->banks[i], &r);
        json_set(pcrs, bytes_text(event_bank_name(&log->banks[i])), registers_json(x->arena, &r));
    }
    claims_json(&x->incoming, "pcrs", pcrs, CLAIM_TOKEN);
    claims_boolean(&x->incoming, "secureboot", secure_boot(log), CLAIM_POLICY | CLAIM_TOKEN);
    claims_integer(&x->incoming, "events", (int64_t)log->count, CLAIM_TOKEN);
    return true;
}

const struct attester event_log_attester = {
    .path = "", .type = "eventlog", .required = event_log_required, .verify = event_log_verify};

/* -------------------------------------------------------------------------------------------------------------- IMA */

bool ima_decode_file(struct exam *x, struct bytes file)
{
    struct ima_log *log = ARENA_NEW(x->arena, struct ima_log);
    struct fault fault = {0};

    x->evidence = log;
    if (check_that(x, IMA_SHAPE, ima_log_read(x->arena, file, log, &fault)))
        return true;
    check_note(x->trace, "%s", fault.text);
    return false;
}

static bool hashes_hold(struct exam *x, const struct ima_log *log)
{
    size_t first = 0;

    while (first < log->count && ima_hash_holds(&log->entries[first]))
        first++;
    if (check_that(x, IMA_TEMPLATE_HASH, first == log->count))
        return true;
    const struct ima_entry *e = &log->entries[first];
    check_note(x->trace, "entry %zu: %.*s", first, (int)bytes_first(e->name, 200).n, (const char *)e->name.p);
    return false;
}

static bool ima_verify(struct exam *x)
{
    static const struct {
        const char *name;
        enum digest_alg alg;
    } banks[] = {
        {"sha1", DIGEST_SHA1}, {"sha256", DIGEST_SHA256}, {"sha384", DIGEST_SHA384}, {"sha512", DIGEST_SHA512}};
    const struct ima_log *log = x->evidence;
    struct json *pcrs = json_new(x->arena, JSON_OBJECT);

    if (!hashes_hold(x, log))
        return false;
    for (size_t i = 0; i < sizeof banks / sizeof *banks; i++) {
        struct event_registers r = {0};

        ima_log_replay(log, banks[i].alg, false, &r);
        json_set(pcrs, bytes_text(banks[i].name), registers_json(x->arena, &r));
    }
    claims_json(&x->incoming, "pcrs", pcrs, CLAIM_TOKEN);
    claims_integer(&x->incoming, "entries", (int64_t)log->count, CLAIM_TOKEN);
    claims_integer(&x->incoming, "violations", (int64_t)log->violations, CLAIM_TOKEN);
    return true;
}

const struct attester ima_attester = {.path = "", .type = "ima", .required = ima_required, .verify = ima_verify};
