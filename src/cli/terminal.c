#include "cli/terminal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"

static bool colourful(FILE *stream)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

    return isatty(fileno(stream)) && !(no && *no) && !(term && strcmp(term, "dumb") == 0);
}

const char *ink(FILE *stream, enum ink colour)
{
    static const char *const sequences[] = {
        [INK_NONE] = "\033[0m",     [INK_GOOD] = "\033[32m",  [INK_BAD] = "\033[31m",
        [INK_WARNING] = "\033[33m", [INK_STRONG] = "\033[1m", [INK_FAINT] = "\033[2m",
    };

    return colourful(stream) ? sequences[colour] : "";
}

void progress(const char *format, ...)
{
    va_list args;

    if (!isatty(STDERR_FILENO))
        return;
    fputs("\r\033[K", stderr);
    if (format) {
        va_start(args, format);
        vfprintf(stderr, format, args);
        va_end(args);
    }
    fflush(stderr);
}

/* Bytes of the UTF-8 sequence at p that is safe to print; 0 when the first byte is not. */
static size_t printable(const uint8_t *p, size_t n)
{
    size_t length = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;

    if (length > n || !utf8_valid(bytes_make(p, length)))
        return 0;
    if (length == 1)
        return *p >= 0x20 && *p != 0x7f;
    if (length == 2 && p[0] == 0xc2 && p[1] < 0xa0)
        return 0; /* C1 controls */
    if (length == 3 && p[0] == 0xe2 &&
        ((p[1] == 0x80 && p[2] >= 0xaa && p[2] <= 0xae) || (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9)))
        return 0; /* marks that turn the direction of writing */
    return length;
}

void put_safe(FILE *stream, struct bytes text)
{
    for (size_t i = 0; i < text.n;) {
        size_t n = printable(text.p + i, text.n - i);

        if (n)
            fwrite(text.p + i, 1, n, stream);
        else
            fprintf(stream, "\\x%02x", text.p[i]);
        i += n ? n : 1;
    }
}

static bool is_plain(const struct json *v)
{
    return v->kind != JSON_ARRAY && v->kind != JSON_OBJECT;
}

static void put_plain(FILE *stream, const struct json *v)
{
    switch (v->kind) {
    case JSON_NULL: fputs("none", stream); break;
    case JSON_FALSE: fputs("no", stream); break;
    case JSON_TRUE: fputs("yes", stream); break;
    case JSON_INTEGER:
        if (v->text.n)
            put_safe(stream, v->text);
        else
            fprintf(stream, "%lld", (long long)v->integer);
        break;
    case JSON_NUMBER: put_safe(stream, v->text); break;
    case JSON_STRING: put_safe(stream, v->text); break;
    case JSON_ARRAY:
    case JSON_OBJECT: break;
    }
}

static bool all_plain(const struct json *array)
{
    JSON_EACH (item, array)
        if (!is_plain(item))
            return false;
    return true;
}

enum { NAME_COLUMN = 26 };

static void put_name(FILE *stream, struct bytes name, int indent)
{
    int pad = NAME_COLUMN - indent - (int)name.n;

    fprintf(stream, "%*s%s", indent, "", ink(stream, INK_FAINT));
    put_safe(stream, name);
    fprintf(stream, "%s%*s", ink(stream, INK_NONE), pad > 2 ? pad : 2, "");
}

static void put_member(FILE *stream, const struct json *v, struct bytes name, int indent)
{
    if (is_plain(v) || (v->kind == JSON_ARRAY && all_plain(v))) {
        put_name(stream, name, indent);
        if (is_plain(v))
            put_plain(stream, v);
        else if (v->count == 0)
            fputs("none", stream);
        JSON_EACH (item, is_plain(v) ? NULL : v) {
            put_plain(stream, item);
            if (item->next)
                fputs(", ", stream);
        }
        fputc('\n', stream);
        return;
    }
    fprintf(stream, "%*s%s", indent, "", ink(stream, INK_STRONG));
    put_safe(stream, name);
    fprintf(stream, "%s\n", ink(stream, INK_NONE));
    put_tree(stream, v, indent + 2);
}

void put_tree(FILE *stream, const struct json *tree, int indent)
{
    size_t number = 1;

    if (is_plain(tree)) {
        fprintf(stream, "%*s", indent, "");
        put_plain(stream, tree);
        fputc('\n', stream);
    }
    JSON_EACH (item, is_plain(tree) ? NULL : tree) {
        char label[24];

        snprintf(label, sizeof label, "%zu", number++);
        put_member(stream, item, tree->kind == JSON_OBJECT ? item->name : bytes_text(label), indent);
    }
}

/* A character that no terminal may see, in the way that JSON has for it: such stand in texts alone. They are of two or three
 * bytes, or DEL; every writer of JSON escapes the controls below a blank. Returns how many bytes it had. */
static size_t put_escape(const uint8_t *p, size_t left)
{
    size_t n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : 3;

    if (n > left || !utf8_valid(bytes_make(p, n))) {
        fputs("\\ufffd", stdout);
        return 1;
    }
    unsigned code = n == 1   ? p[0]
                    : n == 2 ? (unsigned)(p[0] & 0x1f) << 6 | (p[1] & 0x3f)
                             : (unsigned)(p[0] & 0x0f) << 12 | (unsigned)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
    printf("\\u%04x", code);
    return n;
}

void put_json(struct arena *a, const struct json *tree)
{
    struct writer w = wr_open(a);
    struct bytes text;
    size_t from = 0, i = 0;

    wr_json_pretty(&w, tree, JSON_IN_ORDER);
    text = wr_done(&w);
    while (i < text.n) {
        size_t n = text.p[i] == '\n' ? 1 : printable(text.p + i, text.n - i);

        i += n;
        if (n)
            continue;
        fwrite(text.p + from, 1, i - from, stdout);
        i += put_escape(text.p + i, text.n - i);
        from = i;
    }
    fwrite(text.p + from, 1, text.n - from, stdout);
}
