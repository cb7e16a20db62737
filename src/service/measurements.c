#include "service/measurements.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/limits.h"
#include "core/pair.h"
#include "service/load.h"
#include "service/log.h"
#include "trust/measurement.h"

enum {
    LIST_MEMORY = 256 * 1024 * 1024, /* a list of LIMIT_MEASUREMENTS_TEXT, parsed */
    PROGRAM_MOST = 256 * 1024 * 1024,
    PROGRAM_MEMORY = 2 * PROGRAM_MOST,
};

struct announced {
    struct arena arena;
    struct bytes text; /* as it stands in the file */
    struct records list;
};

static const char *const programs[] = {"assay-verifier", "assay-signer"};
enum { PROGRAMS = sizeof programs / sizeof *programs };

struct measurements {
    struct announced *announced; /* NULL: no list is served */
    bool enforced;               /* then the core was measured */
    struct arena arena;
    struct software_digest digests[PROGRAMS];
    struct measurement tee; /* of kind TEE_KIND_NONE: there is no hardware to ask */
};

void announced_free(struct announced *l)
{
    if (!l)
        return;
    arena_free(&l->arena);
    free(l);
}

static bool read_list(const struct config *c, struct announced *l, struct fault *fault)
{
    const struct records_exam x = {.arena = &l->arena, .trace = trace_new(&l->arena)};
    struct public_key key;

    if (!load_public_key(&l->arena, c->measurements_key, &key, fault) ||
        !load_file(&l->arena, c->measurements, LIMIT_MEASUREMENTS_TEXT, &l->text, fault))
        return false;
    if (key.kind != KEY_P256)
        return fault_set(fault, FAULT_USAGE, "%s: lists of measurements are signed by keys on P-256",
                         c->measurements_key);
    return records_read(&x, l->text, &key, &l->list) ||
           fault_set(fault, FAULT_CRYPTO, "[core] measurements = %s: %s", c->measurements,
                     arena_string(&l->arena, trace_message(x.trace, &l->arena)));
}

bool announced_read(const struct config *c, struct announced **out, struct fault *fault)
{
    *out = NULL;
    if (!c->measurements)
        return true;
    struct announced *l = calloc(1, sizeof *l);
    if (!l)
        abort();
    arena_init(&l->arena, LIST_MEMORY);
    if (!read_list(c, l, fault)) {
        announced_free(l);
        return false;
    }
    *out = l;
    return true;
}

/* The programs of the folder from which pairs are started. */
static bool measure_programs(struct measurements *m, struct fault *fault)
{
    char folder[PATH_MAX];

    if (!pair_folder(folder, sizeof folder, fault))
        return false;
    for (size_t i = 0; i < PROGRAMS; i++) {
        const char *path = arena_printf(&m->arena, "%s/%s", folder, programs[i]);
        struct arena a;
        struct bytes program;

        arena_init(&a, PROGRAM_MEMORY);
        bool ok = load_file(&a, path, PROGRAM_MOST, &program, fault);
        if (ok)
            m->digests[i] = (struct software_digest){bytes_text(programs[i]), sha256_of(&m->arena, program)};
        arena_free(&a);
        if (!ok)
            return false;
    }
    return true;
}

/* What the hardware says of this TEE, whatever it is asked over: its word is enough here, for who lies to it lies to himself. */
static bool measure_tee(const struct config *c, struct measurements *m, struct fault *fault)
{
    struct evidence_source source;
    struct key_evidence evidence;
    struct fault reason = {0};

    evidence_source_choose(c, &source);
    if (!evidence_source_gives(&source))
        return true;
    if (!evidence_source_ask(&source, BYTES_LIT("the start of assayd"), &m->arena, &evidence, &reason))
        return fault_set(fault, FAULT_SYSTEM,
                         "[core] measurements_enforced = on: the TEE does not say what it measured: %s; see [keys] "
                         "evidence in assayd.conf(5)",
                         reason.text);
    return measurement_read(&m->arena, &evidence, &m->tee) ||
           fault_set(fault, FAULT_SYNTAX,
                     "[core] measurements_enforced = on: what the TEE said that it measured is not of its form");
}

static void tell(const struct record *r)
{
    char end[32] = "";

    if (r->retired_after != RECORD_NEVER)
        time_format(r->retired_after, end);
    log_info("measurements: this core is %.*s %.*s (%s), as announced%s%s", (int)r->component.n,
             (const char *)r->component.p, (int)r->version.n, (const char *)r->version.p, tee_kind_name(r->values.tee),
             *end ? ", retired after " : "", end);
}

/* What was measured is in the list, and in use. A record that leaves registers out will do here: this guards from mistakes. */
static bool judge(const struct measurements *m, struct fault *fault)
{
    struct arena a;
    int64_t now = (int64_t)time(NULL);
    const struct records *list = &m->announced->list;
    const struct record *software, *tee = NULL;

    arena_init(&a, LIST_MEMORY);
    const struct records_exam x = {.arena = &a, .trace = trace_new(&a)};
    bool ok = records_match_software(&x, list, m->digests, PROGRAMS, now, &software) &&
              (m->tee.tee == TEE_KIND_NONE || records_match(&x, list, &m->tee, now, true, &tee));
    if (ok) {
        tell(software);
        if (tee)
            tell(tee);
    } else {
        const struct trace_entry *e = trace_failure(x.trace);
        const char *why = e->id == CHECK_TRUST_MEASUREMENT_ANNOUNCED ? "is not announced"
                          : e->id == CHECK_TRUST_MEASUREMENT_USABLE  ? "may not be used yet"
                                                                     : "is retired";

        /* The whole of it is longer than a fault may be. */
        log_error("measurements: %s", arena_string(&a, trace_message(x.trace, &a)));
        fault_set(fault, FAULT_USAGE,
                  "[core] measurements_enforced = on: this core %s (%s, above): install a release that is in use by "
                  "`assay release list`, fetch the newest list, or announce this one with `assay release announce`",
                  why, check_table[e->id].id);
    }
    arena_free(&a);
    return ok;
}

bool measurements_open(const struct config *c, struct measurements **out, struct fault *fault)
{
    struct measurements *m = calloc(1, sizeof *m);

    if (!m)
        abort();
    *out = m;
    m->enforced = c->measurements_enforced;
    arena_init(&m->arena, LIMIT_REQUEST_MEMORY);
    return announced_read(c, &m->announced, fault) &&
           (!m->enforced || (measure_programs(m, fault) && measure_tee(c, m, fault) && judge(m, fault)));
}

void measurements_free(struct measurements *m)
{
    if (!m)
        return;
    announced_free(m->announced);
    arena_free(&m->arena);
    free(m);
}

void measurements_use(struct measurements *m, struct announced *l)
{
    struct fault fault = {0};

    announced_free(m->announced);
    m->announced = l;
    if (m->enforced && l && !judge(m, &fault))
        log_error("the service goes on, but does not start again: %s", fault.text);
}

bool measurements_path(const struct measurements *m, struct bytes path)
{
    return m && m->announced && bytes_is_nocase(path, MEASUREMENTS_PATH);
}

struct bytes measurements_text(const struct measurements *m)
{
    return m->announced->text;
}
