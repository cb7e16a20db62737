#include "base/check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"

const struct check_info check_table[CHECK_COUNT] = {
#define CHECK(id, name, form, proves, remedy) [CHECK_##id] = {name, CHECK_##form, proves, remedy},
#include "base/checks.def"
#undef CHECK
};

#ifdef ASSAY_MUTATION
enum check_id check_mutant = CHECK_COUNT;

bool check_mutant_from_environment(void)
{
    const char *name = getenv("ASSAY_MUTANT");

    return !name || !*name || check_by_name(bytes_text(name), &check_mutant);
}
#endif

bool check_by_name(struct bytes name, enum check_id *out)
{
    for (int i = 0; i < CHECK_COUNT; i++)
        if (bytes_is(name, check_table[i].id)) {
            *out = (enum check_id)i;
            return true;
        }
    return false;
}

struct trace *trace_new(struct arena *a)
{
    struct trace *t = ARENA_NEW(a, struct trace);

    t->arena = a;
    return t;
}

static struct trace_entry *new_entry(struct trace *t)
{
    t->entries = ARENA_ROOM(t->arena, t->entries, t->n, &t->cap);
    return &t->entries[t->n++];
}

bool check_record(struct trace *t, enum check_id id, bool ok, struct check_value found, struct check_value expected)
{
    if (t->failed)
        return false;
#ifdef ASSAY_MUTATION
    if (id == check_mutant)
        ok = true;
#endif
    *new_entry(t) =
        (struct trace_entry){.id = id, .result = ok ? CHECK_PASS : CHECK_FAIL, .found = found, .expected = expected};
    if (!ok) {
        t->failed = true;
        t->failure = t->n - 1;
    }
    return ok;
}

void check_skip_(struct trace *t, enum check_id id, const char *setting)
{
    if (!t->failed)
        *new_entry(t) = (struct trace_entry){.id = id, .result = CHECK_SKIP, .setting = setting};
}

void check_note(struct trace *t, const char *format, ...)
{
    char text[512];
    va_list args;

    if (t->n == 0 || t->entries[t->n - 1].note)
        return;
    va_start(args, format);
    text_format(text, sizeof text, format, args);
    va_end(args);
    t->entries[t->n - 1].note = arena_string(t->arena, bytes_text(text));
}

const struct trace_entry *trace_failure(const struct trace *t)
{
    return t->failed ? &t->entries[t->failure] : NULL;
}

bool trace_complete(const struct trace *t, const enum check_id *required, enum check_id *missing)
{
    bool seen[CHECK_COUNT] = {false};

    for (size_t i = 0; i < t->n; i++)
        if (t->entries[i].result != CHECK_FAIL)
            seen[t->entries[i].id] = true;
    for (; *required != CHECK_END; required++)
        if (!seen[*required]) {
            *missing = *required;
            return false;
        }
    return !t->failed;
}

struct check_value check_bytes(struct bytes b)
{
    return (struct check_value){.kind = VALUE_BYTES, .bytes = b};
}

struct check_value check_text(const char *s)
{
    return (struct check_value){.kind = VALUE_TEXT, .bytes = bytes_text(s ? s : "none")};
}

struct check_value check_number(uint64_t v)
{
    return (struct check_value){.kind = VALUE_NUMBER, .number = v};
}

struct check_value check_time(int64_t t)
{
    return (struct check_value){.kind = VALUE_TIME, .number = (uint64_t)t};
}

bool check_same(struct check_value found, struct check_value expected)
{
    if (found.kind != expected.kind)
        return false;
    return found.kind == VALUE_BYTES || found.kind == VALUE_TEXT ? bytes_equal(found.bytes, expected.bytes)
                                                                 : found.number == expected.number;
}

void wr_check_value(struct writer *w, const struct check_value *v)
{
    char time[32];

    switch (v->kind) {
    case VALUE_NONE: break;
    case VALUE_BYTES: wr_hex(w, v->bytes); break;
    case VALUE_TEXT: wr_put(w, v->bytes); break;
    case VALUE_NUMBER: wr_printf(w, "%" PRIu64, v->number); break;
    case VALUE_TIME:
        time_format((int64_t)v->number, time);
        wr_text(w, time);
        break;
    }
}

struct bytes trace_message(const struct trace *t, struct arena *a)
{
    const struct trace_entry *e = trace_failure(t);
    struct writer w = wr_open(a);

    if (!e)
        return BYTES_NONE;
    wr_printf(&w, "%s failed: %s", check_table[e->id].id, check_table[e->id].proves);
    if (e->found.kind != VALUE_NONE) {
        wr_text(&w, " Found ");
        wr_check_value(&w, &e->found);
        wr_text(&w, ", expected ");
        wr_check_value(&w, &e->expected);
        wr_text(&w, ".");
    }
    if (e->note)
        wr_printf(&w, " %s.", e->note);
    wr_printf(&w, " %s", check_table[e->id].remedy);
    return wr_done(&w);
}
