/* Checks: every verification step is a row of checks.def and one line of code (DESIGN 1).
 *
 *     if (!check_that(x, SGX_QUOTE_SIGNATURE, ok))             return false;
 *     if (!check_eq(x, SGX_REPORT_DATA, found, expected))      return false;
 *
 * x is anything with a member `struct trace *trace` (an exam). Found comes before expected. The first failed check
 * ends the appraisal: after it every further check is refused too, so a caller that forgot to return mints nothing. */
#ifndef ASSAY_BASE_CHECK_H
#define ASSAY_BASE_CHECK_H

#include "base/arena.h"

/* shape: the bytes are what they claim to be (fuzzed). proof: it alone stands between a forgery and a token.
 * backstop: another check would also refuse, this one gives the better reason. */
enum check_form { CHECK_SHAPE, CHECK_PROOF, CHECK_BACKSTOP };

enum check_id {
#define CHECK(id, name, form, proves, remedy) CHECK_##id,
#include "base/checks.def"
#undef CHECK
    CHECK_COUNT
};

struct check_info {
    const char *id; /* stable, "sgx.quote.signature" */
    enum check_form form;
    const char *proves; /* one sentence */
    const char *remedy; /* one sentence: what to do when it fails */
};

extern const struct check_info check_table[CHECK_COUNT];
bool check_by_name(struct bytes name, enum check_id *out);

enum check_result { CHECK_PASS, CHECK_FAIL, CHECK_SKIP };

/* What was found or expected, kept cheaply and formatted only when somebody reads the trace. */
struct check_value {
    enum { VALUE_NONE, VALUE_BYTES, VALUE_TEXT, VALUE_NUMBER, VALUE_TIME } kind;
    struct bytes bytes; /* BYTES (shown as hexadecimal), TEXT */
    uint64_t number;    /* NUMBER; TIME as int64_t */
};

struct trace_entry {
    enum check_id id;
    enum check_result result;
    struct check_value found, expected;
    const char *note;    /* what the failure was about ("FMSPC 00906ed50000, evaluation number 12"), or NULL */
    const char *setting; /* CHECK_SKIP: the setting that switched it off */
};

struct trace {
    struct arena *arena;
    struct trace_entry *entries;
    size_t n, cap;
    bool failed;
    size_t failure; /* index of the failed entry */
};

#define CHECK_END CHECK_COUNT /* ends a list of required checks */

struct trace *trace_new(struct arena *a);
/* The failed entry, or NULL. */
const struct trace_entry *trace_failure(const struct trace *t);
/* Every check of the list (up to CHECK_END) passed or was skipped by a named setting, and none failed. Otherwise
 * *missing is the first that is not. */
bool trace_complete(const struct trace *t, const enum check_id *required, enum check_id *missing);
/* "id: what it proves; found …, expected …; note. Remedy." in one line, for people. */
struct bytes trace_message(const struct trace *t, struct arena *a);
void wr_check_value(struct writer *w, const struct check_value *v);

bool check_record(struct trace *t, enum check_id id, bool ok, struct check_value found, struct check_value expected);
/* Detail for the entry recorded last; useful before returning after a failure. */
void check_note(struct trace *t, const char *format, ...) __attribute__((format(printf, 2, 3), nonnull(2)));
void check_skip_(struct trace *t, enum check_id id, const char *setting);

struct check_value check_bytes(struct bytes b);
struct check_value check_text(const char *s);
struct check_value check_number(uint64_t v);
struct check_value check_time(int64_t t);
bool check_same(struct check_value found, struct check_value expected);

#define check_value_of(v) \
    _Generic((v), struct bytes : check_bytes, const char * : check_text, char * : check_text, default : check_number)(v)

#define CHECK_NO_VALUE ((struct check_value){0})

/* ok decides; nothing is shown but the sentence of the table. */
#define check_that(x, id, ok) check_record((x)->trace, CHECK_##id, (ok), CHECK_NO_VALUE, CHECK_NO_VALUE)
/* ok decides, found and expected are shown; for comparisons other than equality. */
#define check_found(x, id, ok, found, expected) \
    check_record((x)->trace, CHECK_##id, (ok), check_value_of(found), check_value_of(expected))
/* found must equal expected: two views, two strings or two unsigned numbers. */
#define check_eq(x, id, found, expected)                                                              \
    check_record((x)->trace, CHECK_##id, check_same(check_value_of(found), check_value_of(expected)), \
                 check_value_of(found), check_value_of(expected))
/* found (a time) must not lie before / after limit. */
#define check_not_before(x, id, found, limit) \
    check_record((x)->trace, CHECK_##id, (found) >= (limit), check_time(found), check_time(limit))
#define check_not_after(x, id, found, limit) \
    check_record((x)->trace, CHECK_##id, (found) <= (limit), check_time(found), check_time(limit))
#define check_skip(x, id, setting) check_skip_((x)->trace, CHECK_##id, (setting))

#ifdef ASSAY_MUTATION
/* The one check that answers yes whatever it found; CHECK_COUNT for none. Read from ASSAY_MUTANT (a check's name) by
 * programs that call check_mutant_from_environment. */
extern enum check_id check_mutant;
bool check_mutant_from_environment(void);
#endif

#endif
