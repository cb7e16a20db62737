#include "cli/policy_explain.h"

#include "cli/terminal.h"

enum { VALUES_SHOWN = 3 };

static void mark(bool good, const char *yes, const char *no)
{
    printf("%s%s%s ", ink(stdout, good ? INK_GOOD : INK_FAINT), good ? yes : no, ink(stdout, INK_NONE));
}

/* As a policy would write it: strings in quotes. */
static void print_value(struct arena *a, const struct json *v)
{
    put_safe(stdout, json_print(a, v, JSON_IN_ORDER));
}

/* One value bare, a set in braces, its tail counted. */
static void print_set(struct arena *a, const struct json *set)
{
    const struct json *values = json_member(set, "values");
    int64_t count = 0;
    size_t shown = 0;

    json_integer(json_member(set, "count"), &count);
    if (count == 1) {
        print_value(a, json_element(values, 0));
        return;
    }
    putchar('{');
    JSON_EACH (v, values) {
        if (shown == VALUES_SHOWN)
            break;
        if (shown++)
            fputs(", ", stdout);
        print_value(a, v);
    }
    if (count > (int64_t)shown)
        printf("%s… %lld in all", shown ? ", " : "", (long long)count);
    putchar('}');
}

static void print_text(const struct json *v)
{
    struct bytes text = BYTES_NONE;

    json_text(v, &text);
    put_safe(stdout, text);
}

static void print_claim(struct arena *a, const struct json *c)
{
    print_text(json_member(c, "type"));
    fputs(" = ", stdout);
    print_value(a, json_member(c, "value"));
}

static void print_nearest(struct arena *a, const struct json *nearest)
{
    fputs("        nearest: ", stdout);
    print_claim(a, json_member(nearest, "claim"));
    fputs(" (wanted ", stdout);
    print_text(json_member(nearest, "property"));
    putchar(' ');
    print_text(json_member(nearest, "operator"));
    putchar(' ');
    print_set(a, json_member(nearest, "expected"));
    fputs(", found ", stdout);
    print_value(a, json_member(nearest, "found"));
    fputs(")\n", stdout);
}

static void print_condition(struct arena *a, const struct json *c)
{
    struct bytes result = json_member(c, "result")->text;
    const struct json *matched = json_member(c, "matched"), *nearest = json_member(c, "nearest");
    int64_t matches = 0;

    json_integer(json_member(c, "matches"), &matches);
    fputs("    ", stdout);
    if (bytes_is(result, "not reached"))
        printf("%s–%s ", ink(stdout, INK_FAINT), ink(stdout, INK_NONE));
    else
        mark(bytes_is(result, "held"), "✓", "✗");
    print_text(json_member(c, "condition"));
    if (bytes_is(result, "not reached") || bytes_is(result, "failed"))
        printf("  (%.*s)", (int)result.n, (const char *)result.p);
    putchar('\n');
    JSON_EACH (claim, matched) {
        fputs("        matched: ", stdout);
        print_claim(a, claim);
        putchar('\n');
    }
    if (matches > (int64_t)matched->count)
        printf("        … %lld claims matched in all\n", (long long)matches);
    if (nearest->kind == JSON_OBJECT)
        print_nearest(a, nearest);
}

static void print_call(struct arena *a, const struct json *c)
{
    const struct json *result = json_member(c, "result");
    bool first = true;

    fputs("    ", stdout);
    print_text(json_member(c, "function"));
    putchar('(');
    JSON_EACH (argument, json_member(c, "arguments")) {
        if (!first)
            fputs(", ", stdout);
        first = false;
        print_set(a, argument);
    }
    fputs(") ", stdout);
    if (result->kind == JSON_OBJECT) {
        fputs("= ", stdout);
        print_set(a, result);
    } else {
        fputs("failed", stdout);
    }
    putchar('\n');
}

/* The first line of a rule that may have many. */
static void print_rule(const struct json *rule, const char *path)
{
    struct bytes text = json_member(rule, "rule")->text;
    const uint8_t *end = memchr(text.p, '\n', text.n);
    bool fired = json_member(rule, "fired")->kind == JSON_TRUE;

    mark(fired, "✓", "·");
    printf("%s%s:%lld%s ", ink(stdout, INK_STRONG), path, (long long)json_member(rule, "line")->integer,
           ink(stdout, INK_NONE));
    put_safe(stdout, bytes_trim_end(end ? bytes_first(text, (size_t)(end - text.p)) : text));
    printf("%s  %s\n", end ? " …" : "", fired ? "fired" : "did not fire");
}

static void print_section(const struct json *rule, struct bytes *section)
{
    struct bytes name = json_member(rule, "section")->text;

    if (bytes_equal(name, *section))
        return;
    *section = name;
    printf("\n%.*s\n", (int)name.n, (const char *)name.p);
}

void policy_explain(struct arena *a, const char *path, const struct policy_run *run)
{
    struct bytes section = BYTES_NONE;

    JSON_EACH (rule, policy_trace_json(a, run)) {
        const struct json *error = json_member(rule, "error");

        print_section(rule, &section);
        print_rule(rule, path);
        JSON_EACH (c, json_member(rule, "conditions"))
            print_condition(a, c);
        JSON_EACH (c, json_member(rule, "calls"))
            print_call(a, c);
        JSON_EACH (c, json_member(rule, "made")) {
            printf("    %.*s ", (int)json_member(rule, "action")->text.n,
                   (const char *)json_member(rule, "action")->text.p);
            print_claim(a, c);
            putchar('\n');
        }
        if (error->kind == JSON_STRING) {
            printf("    %s✗ ", ink(stdout, INK_BAD));
            put_safe(stdout, error->text);
            printf("%s\n", ink(stdout, INK_NONE));
        }
    }
}
