/* Lists of records: signed, kept to the schedule, matched with what was measured. */
#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "crypto/jose.h"
#include "trust/judging.h"

/* The schedule, in months of the calendar. */
enum {
    PLANNED_USABLE = 2,   /* until a planned release may be used: its notice */
    PLANNED_RETIRED = 3,  /* until those before it are retired */
    UNPLANNED_USABLE = 1, /* the same where a flaw asks for haste */
    UNPLANNED_RETIRED = 1,
};

/* The same day and hour, so many months later; the last day of the month where it is shorter. */
static int64_t months_after(int64_t t, int months)
{
    char text[32];
    int year, month, day, hour, minute, second;
    int64_t out = t;

    time_format(t, text);
    if (sscanf(text, "%d-%d-%dT%d:%d:%dZ", &year, &month, &day, &hour, &minute, &second) != 6)
        return RECORD_NEVER;
    month += months;
    year += (month - 1) / 12;
    month = (month - 1) % 12 + 1;
    while (!time_make(year, month, day, hour, minute, second, &out))
        if (--day < 1)
            return RECORD_NEVER;
    return out;
}

static bool same_series(const struct record *a, const struct record *b)
{
    return a->values.tee == b->values.tee && bytes_equal(a->component, b->component);
}

/* When r may be used, by the schedule: the first of its series at once. */
static int64_t usable_by_schedule(const struct records *list, const struct record *r)
{
    for (size_t i = 0; i < list->count; i++)
        if (same_series(&list->v[i], r) && list->v[i].announced < r->announced)
            return months_after(r->announced, r->planned ? PLANNED_USABLE : UNPLANNED_USABLE);
    return r->announced;
}

/* When r is retired, by the schedule: what came after it says so. */
static int64_t retired_by_schedule(const struct records *list, const struct record *r)
{
    int64_t end = RECORD_NEVER;

    for (size_t i = 0; i < list->count; i++) {
        const struct record *later = &list->v[i];

        if (same_series(later, r) && later->announced > r->announced) {
            int64_t t = months_after(later->announced, later->planned ? PLANNED_RETIRED : UNPLANNED_RETIRED);

            end = t < end ? t : end;
        }
    }
    return end;
}

static const char *off_schedule(struct arena *a, const struct records *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct record *r = &list->v[i];
        const char *name = arena_printf(a, "%s %s", arena_string(a, r->component), arena_string(a, r->version));

        if (r->usable_from < usable_by_schedule(list, r))
            return arena_printf(a, "%s is usable before its notice has passed", name);
        /* One that a flaw overtook before it was usable was never in use (records_announce). */
        if (r->retired_after > retired_by_schedule(list, r) && r->retired_after > r->usable_from)
            return arena_printf(a, "%s is not retired in time", name);
        if (r->retired_after < r->usable_from)
            return arena_printf(a, "%s is retired before it is usable", name);
    }
    return NULL;
}

static const char *read_list(struct arena *a, struct bytes text, bool lenient, struct records *out)
{
    struct fault fault = {0};
    const struct json *o, *items;
    struct bytes issued;
    struct record *v;

    if (!json_parse(a, text, NULL, &o, &fault))
        return arena_string(a, bytes_text(fault.text));
    items = json_member(o, "measurements");
    if (!items || items->kind != JSON_ARRAY || items->count == 0 || items->count > LIMIT_MEASUREMENTS)
        return "measurements is missing, empty or too long";
    if (json_text(json_member(o, "issued"), &issued) ? !time_parse(issued, &out->issued) : !lenient)
        return "issued is missing, or no time";
    out->v = v = ARENA_ARRAY(a, struct record, items->count);
    JSON_EACH (item, items) {
        const char *why = record_read(a, item, lenient, v++);

        if (why)
            return arena_printf(a, "record %td: %s", v - out->v, why);
    }
    out->count = items->count;
    return NULL;
}

static bool form(const struct records_exam *x, const char *why)
{
    if (check_that(x, TRUST_MEASUREMENT_LIST, !why))
        return true;
    check_note(x->trace, "%s", why ? why : "");
    return false;
}

static bool read_signed(const struct records_exam *x, struct bytes list, const struct public_key *key,
                        struct records *out)
{
    struct fault fault = {0};
    struct jws jws;
    struct bytes typ = BYTES_NONE;
    const char *why = NULL;

    if (!jws_decode(x->arena, bytes_trim_end(list), false, &jws, &fault))
        return form(x, arena_printf(x->arena, "it is not signed: %s", fault.text));
    json_text(json_member(jws.header, "typ"), &typ);
    if (!bytes_is(typ, RECORDS_TYPE))
        return form(x, "what is signed is no list of measurements: its typ is another");
    why = read_list(x->arena, jws.payload, false, out);
    if (!form(x, why) || !check_that(x, TRUST_MEASUREMENT_SIGNATURE, jws_verify(&jws, key)))
        return false;
    why = off_schedule(x->arena, out);
    if (check_that(x, TRUST_MEASUREMENT_SCHEDULE, !why))
        return true;
    check_note(x->trace, "%s", why ? why : "");
    return false;
}

bool records_read(const struct records_exam *x, struct bytes list, const struct public_key *release_key,
                  struct records *out)
{
    *out = (struct records){0};
    if (list.n > LIMIT_MEASUREMENTS_TEXT)
        return form(x, "it is too long");
    if (release_key)
        return read_signed(x, list, release_key, out);
    if (!bytes_begin(bytes_without_mark(bytes_trim_end(list)), "{"))
        return form(x, "it is signed, or no JSON; a signed list is judged with the release key");
    if (!form(x, read_list(x->arena, bytes_without_mark(bytes_trim_end(list)), true, out)))
        return false;
    check_skip(x, TRUST_MEASUREMENT_SIGNATURE, "the list is the caller's own");
    check_skip(x, TRUST_MEASUREMENT_SCHEDULE, "the list is the caller's own");
    return !x->trace->failed;
}

static bool same(struct bytes wanted, struct bytes found)
{
    return !wanted.n || bytes_equal(wanted, found);
}

static bool fits(const struct record *r, const struct measurement *m)
{
    const struct measurement *w = &r->values;
    bool ok = w->tee == m->tee && same(w->code, m->code) && same(w->signer, m->signer) &&
              same(w->host_data, m->host_data) && (!w->has_product || (w->product == m->product && m->svn >= w->svn));

    for (size_t i = 0; i < MEASUREMENT_REGISTERS; i++)
        ok = ok && same(w->registers[i], m->registers[i]);
    return ok;
}

static bool fits_software(const struct record *r, const struct software_digest *found, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool there = false;

        for (size_t k = 0; k < r->digest_count; k++)
            there = there || (bytes_equal(r->digests[k].name, found[i].name) &&
                              bytes_equal(r->digests[k].sha256, found[i].sha256));
        if (!there)
            return false;
    }
    return count > 0 && r->values.tee == TEE_KIND_SOFTWARE;
}

static bool in_use(const struct record *r, int64_t time)
{
    return r->usable_from <= time && time < r->retired_after;
}

static bool state_whole(const struct records_exam *x, const struct record *best, bool allow_partial)
{
    bool whole = !best || measurement_is_whole(&best->values);

    if (whole || !allow_partial)
        return check_that(x, TRUST_MEASUREMENT_WHOLE, whole);
    check_skip(x, TRUST_MEASUREMENT_WHOLE, "--allow-partial");
    return !x->trace->failed;
}

/* Four checks over the best of the records that fit. */
static bool state_use(const struct records_exam *x, const struct record *best, int64_t time, bool allow_partial,
                      const char *what)
{
    if (!check_that(x, TRUST_MEASUREMENT_ANNOUNCED, best != NULL)) {
        check_note(x->trace, "%s", what);
        return false;
    }
    if (!state_whole(x, best, allow_partial))
        return false;
    int64_t from = best ? best->usable_from : time, until = best ? best->retired_after : RECORD_NEVER;
    return check_record(x->trace, CHECK_TRUST_MEASUREMENT_USABLE, from <= time, check_time(time), check_time(from)) &&
           check_record(x->trace, CHECK_TRUST_MEASUREMENT_NOT_RETIRED, time < until, check_time(time),
                        until == RECORD_NEVER ? check_text("in use") : check_time(until));
}

/* One in use before others, then a whole one before others; the first of those, and where none is in use the last. */
static bool is_better(const struct record *r, const struct record *than, int64_t time)
{
    if (!than)
        return true;
    if (in_use(r, time) != in_use(than, time))
        return in_use(r, time);
    if (measurement_is_whole(&r->values) != measurement_is_whole(&than->values))
        return measurement_is_whole(&r->values);
    return !in_use(r, time);
}

bool records_match(const struct records_exam *x, const struct records *list, const struct measurement *found,
                   int64_t time, bool allow_partial, const struct record **out)
{
    struct bytes values = json_print(x->arena, measurement_json(x->arena, found), JSON_SORTED);

    *out = NULL;
    for (size_t i = 0; i < list->count; i++)
        if (fits(&list->v[i], found) && is_better(&list->v[i], *out, time))
            *out = &list->v[i];
    return state_use(x, *out, time, allow_partial,
                     arena_printf(x->arena, "no record of kind %s has %s", tee_kind_name(found->tee),
                                  arena_string(x->arena, values)));
}

bool records_match_software(const struct records_exam *x, const struct records *list,
                            const struct software_digest *found, size_t count, int64_t time, const struct record **out)
{
    struct writer w = wr_open(x->arena);

    *out = NULL;
    for (size_t i = 0; i < list->count && !(*out && in_use(*out, time)); i++)
        if (fits_software(&list->v[i], found, count))
            *out = &list->v[i];
    for (size_t i = 0; i < count; i++) {
        wr_printf(&w, " %s ", arena_string(x->arena, found[i].name));
        wr_hex(&w, found[i].sha256);
    }
    return state_use(x, *out, time, false,
                     arena_printf(x->arena, "no record of kind software has%s", arena_string(x->arena, wr_done(&w))));
}

static bool fit_to_add(const struct records *list, const struct record *r, struct fault *fault)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct record *other = &list->v[i];

        if (!same_series(other, r))
            continue;
        if (bytes_equal(other->version, r->version))
            return fault_set(fault, FAULT_USAGE, "this version is announced already, for this kind of TEE");
        if (other->announced >= r->announced)
            return fault_set(fault, FAULT_USAGE, "a release of this component was announced at this time or later");
    }
    return list->count < LIMIT_MEASUREMENTS || fault_set(fault, FAULT_LIMIT, "the list is full");
}

bool records_announce(struct arena *a, struct records *list, const struct record *record, struct fault *fault)
{
    struct record *v = ARENA_ARRAY(a, struct record, list->count + 1);

    if (!fit_to_add(list, record, fault))
        return false;
    for (size_t i = 0; i < list->count; i++)
        v[i] = list->v[i];
    v[list->count] = *record;
    list->v = v;
    list->count++;
    struct record *added = &v[list->count - 1];
    added->usable_from = usable_by_schedule(list, added);
    added->retired_after = RECORD_NEVER;
    list->issued = added->announced;
    for (size_t i = 0; i + 1 < list->count; i++) {
        int64_t end = retired_by_schedule(list, &v[i]);

        v[i].retired_after = end < v[i].retired_after ? end : v[i].retired_after;
        /* What a flaw overtook before it was ever usable. */
        if (v[i].retired_after < v[i].usable_from)
            v[i].retired_after = v[i].usable_from;
    }
    const char *why = off_schedule(a, list); /* a list that nobody would read is not signed */
    return !why || fault_set(fault, FAULT_USAGE, "%s", why);
}

bool trust_step_measurement(struct judging *j)
{
    const struct records_exam x = {.arena = j->q->arena, .trace = j->trace};
    static const enum check_id ids[] = {CHECK_TRUST_MEASUREMENT_LIST,       CHECK_TRUST_MEASUREMENT_SIGNATURE,
                                        CHECK_TRUST_MEASUREMENT_SCHEDULE,   CHECK_TRUST_MEASUREMENT_ANNOUNCED,
                                        CHECK_TRUST_MEASUREMENT_WHOLE,      CHECK_TRUST_MEASUREMENT_USABLE,
                                        CHECK_TRUST_MEASUREMENT_NOT_RETIRED};
    struct records list;

    if (!j->q->list.n || j->q->rules->any_measurement) {
        for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
            check_skip_(j->trace, ids[i],
                        j->q->rules->any_measurement ? "--any-measurement" : "no measurements were named");
        return !j->trace->failed;
    }
    return records_read(&x, j->q->list, j->q->release_key, &list) &&
           records_match(&x, &list, &j->key->found, j->moment, j->q->rules->allow_partial, &j->key->record);
}
