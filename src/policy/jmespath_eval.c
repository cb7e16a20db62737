/* Searches: one function a node, over immutable trees. What a search makes are new arrays and objects whose elements are
 * links to the document's values. */
#include "policy/jmespath_tree.h"

#include <math.h>

enum { MEMBERS_A_STEP = 8 }; /* looking through members is cheap, but not free */

static const struct json null_value = {.kind = JSON_NULL};

const struct json *json_null(void)
{
    return &null_value;
}

bool json_is_number(const struct json *v)
{
    return v->kind == JSON_INTEGER || v->kind == JSON_NUMBER;
}

bool search_spend(struct search *s, size_t steps)
{
    if (*s->budget < steps) {
        *s->budget = 0;
        return fault_set(s->fault, FAULT_LIMIT, "JMESPath: the search takes too many steps");
    }
    *s->budget -= steps;
    return true;
}

bool search_number(struct search *s, const struct json *v, double *out)
{
    /* An integer that 64 bits do not hold was parsed as a number without fraction and exponent. */
    bool integral = true;

    if (v->kind == JSON_INTEGER) {
        *out = (double)v->integer;
        return true;
    }
    for (size_t i = 0; i < v->text.n; i++)
        if (v->text.p[i] == '.' || v->text.p[i] == 'e' || v->text.p[i] == 'E')
            integral = false;
    *out = v->number;
    if (!isfinite(v->number) || (integral && v->number != 0))
        return fault_set(s->fault, FAULT_SYNTAX, "JMESPath: a number is out of range");
    return true;
}

/* An integer beside a double, exactly: above 2^53 not every integer is a double. */
static int order_mixed(int64_t i, double d)
{
    static const double beyond = 9223372036854775808.0; /* 2^63 */

    if (d >= beyond || d < -beyond)
        return d < 0 ? 1 : -1;
    int64_t whole = (int64_t)d; /* towards zero */
    double rest = d - (double)whole;
    if (i != whole)
        return i > whole ? 1 : -1;
    return (rest < 0) - (rest > 0);
}

int search_order(const struct json *a, const struct json *b)
{
    if (a->kind == JSON_INTEGER && b->kind == JSON_INTEGER)
        return (a->integer > b->integer) - (a->integer < b->integer);
    if (a->kind == JSON_INTEGER)
        return order_mixed(a->integer, b->number);
    if (b->kind == JSON_INTEGER)
        return -order_mixed(b->integer, a->number);
    return (a->number > b->number) - (a->number < b->number);
}

/* Deep equality without recursion limits of its own: JSON trees are at most LIMIT_JSON_DEPTH deep. */
bool search_equal(struct search *s, const struct json *a, const struct json *b, bool *equal)
{
    double x, y;

    *equal = false;
    if (!search_spend(s, 1))
        return false;
    if (json_is_number(a) && json_is_number(b)) {
        if (!search_number(s, a, &x) || !search_number(s, b, &y))
            return false;
        *equal = search_order(a, b) == 0;
        return true;
    }
    if (a->kind != b->kind || a->count != b->count)
        return true;
    if (a->kind == JSON_STRING) {
        *equal = bytes_equal(a->text, b->text);
        return true;
    }
    *equal = true;
    const struct json *other = b->first;
    for (const struct json *m = a->first; m && *equal; m = m->next) {
        if (a->kind == JSON_OBJECT)
            for (other = b->first; other && !bytes_equal(other->name, m->name); other = other->next)
                if (!search_spend(s, 1))
                    return false;
        if (!other)
            *equal = false;
        else if (!search_equal(s, m, other, equal))
            return false;
        if (other)
            other = other->next;
    }
    return true;
}

static bool is_true(const struct json *v)
{
    switch (v->kind) {
    case JSON_NULL:
    case JSON_FALSE: return false;
    case JSON_STRING: return v->text.n > 0;
    case JSON_ARRAY:
    case JSON_OBJECT: return v->count > 0;
    default: return true;
    }
}

static bool field(struct search *s, const struct json *v, struct bytes name, const struct json **out)
{
    size_t seen = 0;

    *out = &null_value;
    if (v->kind != JSON_OBJECT)
        return true;
    JSON_EACH (m, v) {
        seen++;
        if (bytes_equal(m->name, name)) {
            *out = m;
            break;
        }
    }
    return search_spend(s, seen / MEMBERS_A_STEP);
}

static bool element(struct search *s, const struct json *v, int64_t index, const struct json **out)
{
    *out = &null_value;
    if (v->kind != JSON_ARRAY)
        return true;
    if (index < 0)
        index += (int64_t)v->count;
    if (index < 0 || index >= (int64_t)v->count)
        return true;
    *out = json_element(v, (size_t)index);
    return search_spend(s, (size_t)index / MEMBERS_A_STEP);
}

static int64_t clamp(int64_t v, int64_t low, int64_t high)
{
    return v < low ? low : v > high ? high : v;
}

static bool slice(struct search *s, const struct node *n, const struct json *v, const struct json **out)
{
    int64_t count = (int64_t)v->count, step = n->slice.given[2] ? n->slice.v[2] : 1, bound[2];

    *out = &null_value;
    if (v->kind != JSON_ARRAY)
        return true;
    if (step == 0)
        return fault_set(s->fault, FAULT_SYNTAX, "JMESPath: a slice cannot have a step of zero");
    for (int i = 0; i < 2; i++) {
        int64_t low = step > 0 ? 0 : -1, high = step > 0 ? count : count - 1;
        int64_t given = n->slice.v[i];

        if (!n->slice.given[i])
            bound[i] = (i == 0) == (step > 0) ? low : high;
        else
            bound[i] = clamp(given < 0 ? given + count : given, low, high);
    }

    const struct json **items = ARENA_ARRAY(s->arena, const struct json *, v->count);
    size_t k = 0;
    JSON_EACH (item, v)
        items[k++] = item;
    if (!search_spend(s, v->count))
        return false;
    struct json *list = json_new(s->arena, JSON_ARRAY);
    step = clamp(step, -count - 1, count + 1); /* so that adding it cannot overflow */
    for (int64_t i = bound[0]; step > 0 ? i < bound[1] : i > bound[1]; i += step)
        json_append(list, json_link(s->arena, items[i]));
    *out = list;
    return true;
}

static bool flatten(struct search *s, const struct json *v, const struct json **out)
{
    *out = &null_value;
    if (v->kind != JSON_ARRAY)
        return true;
    struct json *list = json_new(s->arena, JSON_ARRAY);
    JSON_EACH (item, v) {
        if (!search_spend(s, 1 + (item->kind == JSON_ARRAY ? item->count : 0)))
            return false;
        if (item->kind == JSON_ARRAY)
            JSON_EACH (inner, item)
                json_append(list, json_link(s->arena, inner));
        else
            json_append(list, json_link(s->arena, item));
    }
    *out = list;
    return true;
}

/* Right side of each child of v (for which the condition holds); nulls are left out. */
static bool project(struct search *s, const struct node *n, const struct json *v, const struct json **out)
{
    enum json_kind wanted = n->kind == NODE_PROJECT_VALUES ? JSON_OBJECT : JSON_ARRAY;

    *out = &null_value;
    if (v->kind != wanted)
        return true;
    struct json *list = json_new(s->arena, JSON_ARRAY);
    JSON_EACH (item, v) {
        const struct json *r;

        if (!search_spend(s, 1))
            return false;
        if (n->kind == NODE_PROJECT_FILTER) {
            if (!search_node(s, n->condition, item, &r))
                return false;
            if (!is_true(r))
                continue;
        }
        if (!search_node(s, n->right, item, &r))
            return false;
        if (r->kind != JSON_NULL)
            json_append(list, json_link(s->arena, r));
    }
    *out = list;
    return true;
}

static bool collect(struct search *s, const struct node *n, const struct json *v, const struct json **out)
{
    struct json *made = json_new(s->arena, n->kind == NODE_LIST ? JSON_ARRAY : JSON_OBJECT);

    *out = &null_value;
    if (v->kind == JSON_NULL)
        return true;
    for (const struct node *child = n->first; child; child = child->next) {
        const struct json *r;
        struct json *old = NULL;

        if (!search_node(s, child, v, &r))
            return false;
        struct json *link = json_link(s->arena, r);
        if (n->kind == NODE_LIST) {
            json_append(made, link);
            continue;
        }
        for (const struct json *m = made->first; m; m = m->next)
            if (bytes_equal(m->name, child->name))
                old = (struct json *)(uintptr_t)m; /* made here, so ours to change */
        if (!search_spend(s, made->count / MEMBERS_A_STEP))
            return false;
        if (!old) {
            json_set(made, child->name, link);
        } else { /* a name given twice: the last value counts, in the first place */
            link->name = old->name;
            link->next = old->next;
            *old = *link;
        }
    }
    *out = made;
    return true;
}

static bool compare(struct search *s, enum comparison how, const struct json *a, const struct json *b,
                    const struct json **out)
{
    bool equal, holds;
    double x, y;

    *out = &null_value;
    if (how == COMPARE_EQ || how == COMPARE_NE) {
        if (!search_equal(s, a, b, &equal))
            return false;
        *out = json_new_boolean(s->arena, equal == (how == COMPARE_EQ));
        return true;
    }
    if (!json_is_number(a) || !json_is_number(b))
        return true;
    if (!search_number(s, a, &x) || !search_number(s, b, &y))
        return false;
    int order = search_order(a, b);
    holds = how == COMPARE_LT ? order < 0 : how == COMPARE_LE ? order <= 0 : how == COMPARE_GT ? order > 0 : order >= 0;
    *out = json_new_boolean(s->arena, holds);
    return true;
}

static bool call(struct search *s, const struct node *n, const struct json *v, const struct json **out)
{
    struct argument arguments[ARGUMENTS_MAX];
    size_t count = 0;

    for (const struct node *child = n->first; child; child = child->next) {
        struct argument *a = &arguments[count++];

        *a = (struct argument){.value = &null_value};
        if (child->kind == NODE_REFERENCE)
            *a = (struct argument){.reference = child->left};
        else if (!search_node(s, child, v, &a->value))
            return false;
    }
    return n->function->call(s, arguments, count, out);
}

static bool search_pair(struct search *s, const struct node *n, const struct json *v, const struct json **out)
{
    const struct json *left;

    if (!search_node(s, n->left, v, &left))
        return false;
    switch (n->kind) {
    case NODE_SUB: return search_node(s, n->right, left, out);
    case NODE_FLATTEN: return flatten(s, left, out);
    case NODE_NOT: *out = json_new_boolean(s->arena, !is_true(left)); return true;
    case NODE_AND:
    case NODE_OR: *out = left; return is_true(left) == (n->kind == NODE_OR) || search_node(s, n->right, v, out);
    case NODE_COMPARE: {
        const struct json *right;

        return search_node(s, n->right, v, &right) && compare(s, n->comparison, left, right, out);
    }
    default: return project(s, n, left, out);
    }
}

bool search_node(struct search *s, const struct node *n, const struct json *v, const struct json **out)
{
    if (!search_spend(s, 1))
        return false;
    switch (n->kind) {
    case NODE_CURRENT: *out = v; return true;
    case NODE_FIELD: return field(s, v, n->name, out);
    case NODE_INDEX: return element(s, v, n->index, out);
    case NODE_SLICE: return slice(s, n, v, out);
    case NODE_LITERAL: *out = n->literal; return true;
    case NODE_LIST:
    case NODE_HASH: return collect(s, n, v, out);
    case NODE_FUNCTION: return call(s, n, v, out);
    case NODE_REFERENCE: return fault_set(s->fault, FAULT_SYNTAX, "JMESPath: '&' stands only before an argument");
    default: return search_pair(s, n, v, out);
    }
}

bool jmespath_search(const struct jmespath *query, const struct json *document, struct arena *a, size_t *budget,
                     const struct json **out, struct fault *fault)
{
    struct search s = {.arena = a, .budget = budget, .fault = fault};

    return search_node(&s, query->root, document, out);
}

static bool pay_for_text(struct search *s, const struct json *v)
{
    if (!search_spend(s, 1 + (v->text.n + ESCAPE_MOST * v->name.n) / BYTES_A_STEP))
        return false;
    if (v->kind == JSON_STRING && !search_spend(s, (ESCAPE_MOST - 1) * v->text.n / BYTES_A_STEP))
        return false;
    JSON_EACH (child, v)
        if (!pay_for_text(s, child))
            return false;
    return true;
}

bool jmespath_text(const struct json *result, struct arena *a, size_t *budget, struct bytes *out, struct fault *fault)
{
    struct search s = {.arena = a, .budget = budget, .fault = fault};

    if (!pay_for_text(&s, result))
        return false;
    *out = json_print(a, result, JSON_IN_ORDER);
    return true;
}
