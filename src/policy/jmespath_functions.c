/* The functions of JMESPath, and equals_ignore_case. */
#include "policy/jmespath_tree.h"

#include <math.h>
#include <stdlib.h>

static bool wrong(struct search *s, const char *what)
{
    return fault_set(s->fault, FAULT_SYNTAX, "JMESPath: %s", what);
}

static bool is_string(const struct json *v)
{
    return v->kind == JSON_STRING;
}

static bool want(struct search *s, const struct argument *a, enum json_kind kind, const char *what)
{
    return (a->value && a->value->kind == kind) || wrong(s, what);
}

static bool want_value(struct search *s, const struct argument *a)
{
    return a->value || wrong(s, "an argument must be a value, not a reference");
}

static bool want_number(struct search *s, const struct argument *a, double *out)
{
    if (!a->value || !json_is_number(a->value))
        return wrong(s, "an argument must be a number");
    return search_number(s, a->value, out);
}

/* An array whose elements all satisfy the test. */
static bool want_array_of(struct search *s, const struct argument *a, bool (*test)(const struct json *),
                          const char *what)
{
    if (!want(s, a, JSON_ARRAY, what))
        return false;
    JSON_EACH (item, a->value)
        if (!test(item))
            return wrong(s, what);
    return search_spend(s, a->value->count);
}

static bool give_text(struct search *s, struct bytes text, const struct json **out)
{
    *out = json_new_text(s->arena, text);
    return search_spend(s, text.n / BYTES_A_STEP);
}

static bool give_boolean(struct search *s, bool v, const struct json **out)
{
    *out = json_new_boolean(s->arena, v);
    return true;
}

/* A whole number becomes an integer where 64 bits hold it, so that nothing prints an exponent that need not; the shortest
 * text that reads back as the same double otherwise. */
static bool give_number(struct search *s, double v, const struct json **out)
{
    static const double beyond = 9223372036854775808.0; /* 2^63 */

    if (!isfinite(v))
        return wrong(s, "a result is out of range");
    if (v == floor(v) && v >= -beyond && v < beyond) {
        *out = json_new_integer(s->arena, (int64_t)v);
        return true;
    }
    struct json *n = json_new(s->arena, JSON_NUMBER);
    n->number = v;
    for (int digits = 1; digits <= 17; digits++) {
        char *text = arena_printf(s->arena, "%.*g", digits, v);

        n->text = bytes_text(text);
        if (strtod(text, NULL) == v)
            break;
    }
    *out = n;
    return true;
}

static bool call_abs(struct search *s, const struct argument *a, size_t n, const struct json **out)
{
    double v;

    (void)n;
    if (a->value && a->value->kind == JSON_INTEGER) {
        if (a->value->integer == INT64_MIN)
            return wrong(s, "a result is out of range");
        *out = a->value->integer >= 0 ? a->value : json_new_integer(s->arena, -a->value->integer);
        return true;
    }
    return want_number(s, a, &v) && give_number(s, fabs(v), out);
}

static bool call_ceil(struct search *s, const struct argument *a, size_t n, const struct json **out)
{
    double v;

    (void)n;
    if (a->value && a->value->kind == JSON_INTEGER) {
        *out = a->value;
        return true;
    }
    return want_number(s, a, &v) && give_number(s, ceil(v), out);
}

static bool call_floor(struct search *s, const struct argument *a, size_t n, const struct json **out)
{
    double v;

    (void)n;
    if (a->value && a->value->kind == JSON_INTEGER) {
        *out = a->value;
        return true;
    }
    return want_number(s, a, &v) && give_number(s, floor(v), out);
}

/* From the left; exactly until the first element that is no integer. */
struct sum {
    bool whole;
    int64_t integer;
    double number; /* once not whole */
};

static bool add_up(struct search *s, const struct argument *a, struct sum *sum)
{
    *sum = (struct sum){.whole = true};
    if (!want_array_of(s, a, json_is_number, "an argument must be an array of numbers"))
        return false;
    JSON_EACH (item, a->value) {
        double v;

        if (!search_number(s, item, &v))
            return false;
        if (sum->whole && item->kind == JSON_INTEGER) {
            if (__builtin_add_overflow(sum->integer, item->integer, &sum->integer))
                return wrong(s, "a sum is out of range");
            continue;
        }
        sum->number = v + (sum->whole ? (double)sum->integer : sum->number);
        sum->whole = false;
    }
    return true;
}

static bool call_sum(struct search *s, const struct argument *a, size_t n, const struct json **out)
{
    struct sum sum;

    (void)n;
    if (!add_up(s, a, &sum))
        return false;
    if (!sum.whole)
        return give_number(s, sum.number, out);
    *out = json_new_integer(s->arena, sum.integer);
    return true;
}

static bool call_avg(struct search *s, const struct argument *a, size_t n, const struct json **out)
{
    struct sum sum;

    (void)n;
    *out = json_null();
    if (!add_up(s, a, &sum))
        return false;
    return a->value->count == 0 ||
           give_number(s, (sum.whole ? (double)sum.integer : sum.number) / (double)a->value->count, out);
}

static bool find_text(struct search *s, struct bytes in, struct bytes what, bool *found)
{
    *found = what.n == 0 || memmem(in.p, in.n, what.p, what.n) != NULL;
    return search_spend(s, in.n / BYTES_A_STEP);
}

static bool call_contains(struct search *s, const struct argument *a, size_t n, const struct json **out)
{
    bool found = false;

    (void)n;
    if (!want_value(s, &a[0]) || !want_value(s, &a[1]))
        return false;
    if (a[0].value->kind == JSON_ARRAY) {
        JSON_EACH (item, a[0].value)
            if (!found && !search_equal(s, item, a[1].value, &found))
                return false;
    } else if (!is_string(a[0].value)) {
        return wrong(s, "contains looks into an array or a string");
    } else if (is_string(a[1].value) && !find_text(s, a[0].value->text, a[1].value->text, &found)) {
        return false;
    }
    return give_boolean(s, found, out);
}

static bool two_strings(struct search *s, const struct argument *a)
{
    return want(s, &a[0], JSON_STRING, "an argument must be a string") &&
           want(s, &a[1], JSON_STRING, "an argument must be a string");
}

static bool call_starts_with(struct search *s, const struct argument *a, size_t n, const struct json **out)
{
    (void)n;
    if (!two_strings(s, a))
        return false;
    struct bytes in = a[0].value->text, what = a[1].value->text;
    return give_boolean(s, in.n >= what.n && bytes_equal(bytes_first(in, what.n), what), out);
}

static bool call_ends_with(struct search *s, const struct argument *a, size_t n, const struct json **out)
{
    (void)n;
    if (!two_strings(s, a))
        return false;
    struct bytes in = a[0].value->text, what = a[1].value->text;
    return give_boolean(s, in.n >= what.n && bytes_equal(bytes_make(in.p + (in.n - what.n), what.n), what), out);
}

static uint8_t folded(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

/* Not of the standard: two strings, ASCII letter case ignored; null on either side is false (policy.md 6.1). */
static bool call_equals_ignore_case(struct search *s, const struct argument *a, size_t n, const struct json **out)
{
    (void)n;
    if (!want_value(s, &a[0]) || !want_value(s, &a[1]))
        return false;
    if (a[0].value->kind == JSON_NULL || a[1].value->kind == JSON_NULL)
        return give_boolean(s, false, out);
    if (!two_strings(s, a))
        return false;
    struct bytes x = a[0].value->text, y = a[1].value->text;
    bool same = x.n == y.n;
    for (size_t i = 0; same && i < x.n; i++) /* a string of JSON may hold NUL */
        same = folded(x.p[i]) == folded(y.p[i]);
    return search_spend(s, x.n / BYTES_A_STEP) && give_boolean(s, same, out);
}

static bool call_join(struct search *s, const struct argument *a, size_t n, const struct json **out)
{
    struct writer w = wr_open(s->arena);

    (void)n;
    if (!want(s, &a[0], JSON_STRING, "join needs a string between the parts") ||
        !want_array_of(s, &a[1], is_string, "join needs an array of strings"))
        return false;
    JSON_EACH (item, a[1].value) {
        if (!search_spend(s, (a[0].value->text.n + item->text.n) / BYTES_A_STEP))
            return false;
        if (item != a[1].value->first)
            wr_put(&w, a[0].value->text);
        wr_put(&w, item->text);
    }
    return give_text(s, wr_done(&w), out);
}

static bool names_or_values(struct search *s, const struct argument *a, bool names, const struct json **out)
{
    struct json *list = json_new(s->arena, JSON_ARRAY);

    if (!want(s, a, JSON_OBJECT, "an argument must be an object") || !search_spend(s, a->value->count))
        return false;
    JSON_EACH (m, a->value)
        json_append(list, names ? json_new_text(s->arena, m->name) : json_link(s->arena, m));
    *out = list;
    return true;
}

static bool call_keys(struct search *s, const struct argument *a, size_t n, const struct json **out)
{
    (void)n;
    return names_or_values(s, a, true, out);
}

static bool call_values(struct search *s, const struct argument *a, size_t n, const struct json **out)
{
    (void)n;
    return names_or_values(s, a, false, out);
}

static bool continues(uint8_t c) /* a UTF-8 byte that begins no character */
{
    return (c & 0xc0) == 0x80;
}

static bool call_length(struct search *s, const struct argument *a, size_t n, const struct json **out)
{
    size_t count = 0;

    (void)n;
    if (!want_value(s, a))
        return false;
    if (is_string(a->value)) {
        for (size_t i = 0; i < a->value->text.n; i++)
            count += !continues(a->value->text.p[i]);
        if (!search_spend(s, a->value->text.n / BYTES_A_STEP))
            return false;
    } else if (a->value->kind == JSON_ARRAY || a->value->kind == JSON_OBJECT) {
        count = a->value->count;
    } else {
        return wrong(s, "length is of a string, an array or an object");
    }
    *out = json_new_integer(s->arena, (int64_t)count);
    return true;
}

static bool call_map(struct search *s, const struct argument *a, size_t n, const struct json **out)
{
    struct json *list = json_new(s->arena, JSON_ARRAY);

    (void)n;
    if (!a[0].reference)
        return wrong(s, "map needs a reference first");
    if (!want(s, &a[1], JSON_ARRAY, "map needs an array"))
        return false;
    JSON_EACH (item, a[1].value) {
        const struct json *r;

        if (!search_node(s, a[0].reference, item, &r))
            return false;
        json_append(list, json_link(s->arena, r));
    }
    *out = list;
    return true;
}

/* Elements with what they are ordered by. */
struct keyed {
    const struct json *item, *key;
    size_t place;
};

static int keyed_compare(const struct keyed *x, const struct keyed *y)
{
    return is_string(x->key) ? bytes_compare(x->key->text, y->key->text) : search_order(x->key, y->key);
}

static int in_order(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    int d = keyed_compare(x, y);

    return d ? d : (x->place > y->place) - (x->place < y->place); /* equal ones stay as they were */
}

/* The array's elements with their keys: all numbers, or all strings. */
static bool key_all(struct search *s, const struct json *array, const struct node *by, struct keyed **out)
{
    struct keyed *list = ARENA_ARRAY(s->arena, struct keyed, array->count);
    size_t n = 0;

    JSON_EACH (item, array) {
        struct keyed *k = &list[n];
        double number; /* read to see that it is in range */

        *k = (struct keyed){.item = item, .key = item, .place = n};
        if (by && !search_node(s, by, item, &k->key))
            return false;
        if (!json_is_number(k->key) && !is_string(k->key))
            return wrong(s, "what is ordered must be numbers or strings");
        if (is_string(k->key) != is_string(list[0].key))
            return wrong(s, "numbers and strings have no common order");
        if (json_is_number(k->key) && !search_number(s, k->key, &number))
            return false;
        n++;
    }
    *out = list;
    return search_spend(s, array->count);
}

static bool extreme(struct search *s, const struct json *array, const struct node *by, int sign,
                    const struct json **out)
{
    struct keyed *list;
    size_t best = 0;

    *out = json_null();
    if (!key_all(s, array, by, &list))
        return false;
    for (size_t i = 1; i < array->count; i++)
        if (sign * keyed_compare(&list[i], &list[best]) > 0)
            best = i;
    if (array->count)
        *out = list[best].item;
    return true;
}

static bool sorted(struct search *s, const struct json *array, const struct node *by, const struct json **out)
{
    struct json *result = json_new(s->arena, JSON_ARRAY);
    struct keyed *list;
    size_t log = 1;

    for (size_t c = array->count; c > 1; c /= 2)
        log++;
    if (!key_all(s, array, by, &list) || !search_spend(s, array->count * log))
        return false;
    if (array->count)
        qsort(list, array->count, sizeof *list, in_order);
    for (size_t i = 0; i < array->count; i++)
        json_append(result, json_link(s->arena, list[i].item));
    *out = result;
    return true;
}

static bool call_max(struct search *s, const struct argument *a, size_t n, const struct json **out)
{
    (void)n;
    return want(s, a, JSON_ARRAY, "max needs an array") && extreme(s, a->value, NULL, 1, out);
}

static bool call_min(struct search *s, const struct argument *a, size_t n, const struct json **out)
{
    (void)n;
    return want(s, a, JSON_ARRAY, "min needs an array") && extreme(s, a->value, NULL, -1, out);
}

static bool array_by(struct search *s, const struct argument *a)
{
    return want(s, &a[0], JSON_ARRAY, "an argument must be an array") &&
           (a[1].reference || wrong(s, "the second argument must be a reference"));
}

static bool call_max_by(struct search *s, const struct argument *a, size_t n, const struct json **out)
{
    (void)n;
    return array_by(s, a) && extreme(s, a[0].value, a[1].reference, 1, out);
}

static bool call_min_by(struct search *s, const struct argument *a, size_t n, const struct json **out)
{
    (void)n;
    return array_by(s, a) && extreme(s, a[0].value, a[1].reference, -1, out);
}

static bool call_sort(struct search *s, const struct argument *a, size_t n, const struct json **out)
{
    (void)n;
    return want(s, a, JSON_ARRAY, "sort needs an array") && sorted(s, a->value, NULL, out);
}

static bool call_sort_by(struct search *s, const struct argument *a, size_t n, const struct json **out)
{
    (void)n;
    return array_by(s, a) && sorted(s, a[0].value, a[1].reference, out);
}

static bool call_merge(struct search *s, const struct argument *a, size_t n, const struct json **out)
{
    struct json *made = json_new(s->arena, JSON_OBJECT);

    for (size_t i = 0; i < n; i++) {
        if (!want(s, &a[i], JSON_OBJECT, "merge needs objects"))
            return false;
        JSON_EACH (m, a[i].value) {
            struct json *link = json_link(s->arena, m), *old = NULL;

            if (!search_spend(s, 1 + made->count / 8))
                return false;
            for (const struct json *k = made->first; k; k = k->next)
                if (bytes_equal(k->name, m->name))
                    old = (struct json *)(uintptr_t)k; /* made here, so ours to change */
            if (!old) {
                json_set(made, m->name, link);
                continue;
            }
            link->name = old->name;
            link->next = old->next;
            *old = *link;
        }
    }
    *out = made;
    return true;
}

static bool call_not_null(struct search *s, const struct argument *a, size_t n, const struct json **out)
{
    *out = json_null();
    for (size_t i = n; i > 0; i--) {
        if (!want_value(s, &a[i - 1]))
            return false;
        if (a[i - 1].value->kind != JSON_NULL)
            *out = a[i - 1].value;
    }
    return true;
}

static bool reverse_text(struct search *s, struct bytes text, const struct json **out)
{
    uint8_t *p = arena_alloc(s->arena, text.n);
    size_t end = text.n;

    for (size_t i = 0; i < text.n;) {
        size_t width = 1;

        while (i + width < text.n && continues(text.p[i + width]))
            width++;
        end -= width;
        memcpy(p + end, text.p + i, width);
        i += width;
    }
    return give_text(s, bytes_make(p, text.n), out);
}

static bool call_reverse(struct search *s, const struct argument *a, size_t n, const struct json **out)
{
    (void)n;
    if (!want_value(s, a))
        return false;
    if (is_string(a->value))
        return reverse_text(s, a->value->text, out);
    if (!want(s, a, JSON_ARRAY, "reverse is of an array or a string") || !search_spend(s, a->value->count))
        return false;
    struct json *list = json_new(s->arena, JSON_ARRAY);
    JSON_EACH (item, a->value) {
        struct json *link = json_link(s->arena, item);

        link->next = list->first;
        list->first = link;
        list->last = list->last ? list->last : link;
        list->count++;
    }
    *out = list;
    return true;
}

static bool call_to_array(struct search *s, const struct argument *a, size_t n, const struct json **out)
{
    (void)n;
    if (!want_value(s, a))
        return false;
    *out = a->value;
    if (a->value->kind != JSON_ARRAY) {
        struct json *list = json_new(s->arena, JSON_ARRAY);

        json_append(list, json_link(s->arena, a->value));
        *out = list;
    }
    return true;
}

static bool call_to_number(struct search *s, const struct argument *a, size_t n, const struct json **out)
{
    const struct json *v;

    (void)n;
    *out = json_null();
    if (!want_value(s, a))
        return false;
    if (json_is_number(a->value))
        *out = a->value;
    else if (is_string(a->value) && a->value->text.n && json_parse(s->arena, a->value->text, NULL, &v, NULL) &&
             json_is_number(v) && v->span.n == a->value->text.n)
        *out = v;
    return true;
}

static bool call_to_string(struct search *s, const struct argument *a, size_t n, const struct json **out)
{
    struct bytes text;

    (void)n;
    if (!want_value(s, a))
        return false;
    *out = a->value;
    return is_string(a->value) ||
           (jmespath_text(a->value, s->arena, s->budget, &text, s->fault) && give_text(s, text, out));
}

static bool call_type(struct search *s, const struct argument *a, size_t n, const struct json **out)
{
    static const char *const names[] = {
        [JSON_NULL] = "null",     [JSON_FALSE] = "boolean", [JSON_TRUE] = "boolean", [JSON_INTEGER] = "number",
        [JSON_NUMBER] = "number", [JSON_STRING] = "string", [JSON_ARRAY] = "array",  [JSON_OBJECT] = "object",
    };

    (void)n;
    return want_value(s, a) && give_text(s, bytes_text(names[a->value->kind]), out);
}

static const struct jmespath_function functions[] = {
    {"abs", 1, 1, call_abs},
    {"avg", 1, 1, call_avg},
    {"ceil", 1, 1, call_ceil},
    {"contains", 2, 2, call_contains},
    {"ends_with", 2, 2, call_ends_with},
    {"equals_ignore_case", 2, 2, call_equals_ignore_case},
    {"floor", 1, 1, call_floor},
    {"join", 2, 2, call_join},
    {"keys", 1, 1, call_keys},
    {"length", 1, 1, call_length},
    {"map", 2, 2, call_map},
    {"max", 1, 1, call_max},
    {"max_by", 2, 2, call_max_by},
    {"merge", 1, NAME_ANY_NUMBER, call_merge},
    {"min", 1, 1, call_min},
    {"min_by", 2, 2, call_min_by},
    {"not_null", 1, NAME_ANY_NUMBER, call_not_null},
    {"reverse", 1, 1, call_reverse},
    {"sort", 1, 1, call_sort},
    {"sort_by", 2, 2, call_sort_by},
    {"starts_with", 2, 2, call_starts_with},
    {"sum", 1, 1, call_sum},
    {"to_array", 1, 1, call_to_array},
    {"to_number", 1, 1, call_to_number},
    {"to_string", 1, 1, call_to_string},
    {"type", 1, 1, call_type},
    {"values", 1, 1, call_values},
};

const struct jmespath_function *jmespath_function_find(struct bytes name)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (bytes_is(name, functions[i].name))
            return &functions[i];
    return NULL;
}
