/* Errors of a parse: the place, the symbol as it stands, what was expected, and the path of grammar rules (policy.md
 * 11). */
#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"
#include "policy/parser.h"

static const char digits[] = "0123456789abcdef";

/* Bytes of the character that begins b; 1 when none does. */
static size_t character_length(struct bytes b)
{
    for (size_t n = 1; n <= 4 && n <= b.n; n++)
        if (utf8_valid(bytes_first(b, n)))
            return n;
    return 1;
}

static bool is_shown(struct bytes character)
{
    return utf8_valid(character) && *character.p >= ' ' && *character.p != 0x7f;
}

/* A C string of whole characters, cut where there is no room. Control characters and what is no UTF-8 become \x…, so
 * that the symbol can be put into any answer. */
static void copy_symbol(char *out, size_t size, struct bytes source)
{
    size_t used = 0;

    while (source.n) {
        size_t n = character_length(source);
        struct bytes c = bytes_first(source, n);
        bool shown = is_shown(c);

        if (used + (shown ? n : sizeof "\\x00" - 1) >= size)
            break;
        if (shown) {
            memcpy(out + used, c.p, n);
            used += n;
        } else {
            out[used++] = '\\';
            out[used++] = 'x';
            out[used++] = digits[*c.p >> 4];
            out[used++] = digits[*c.p & 15];
        }
        source = bytes_after(source, n);
    }
    out[used] = 0;
}

static void copy_path(const struct parser *p, char *out, size_t size)
{
    size_t used = 0;

    out[0] = 0;
    for (size_t i = 0; i < p->path_length && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? " > " : "", p->path[i]);
}

bool parser_error(struct parser *p, const struct token *at, const char *format, ...)
{
    va_list args;

    if (p->failed)
        return false;
    p->failed = true;
    *p->error = (struct policy_error){.line = at->line, .column = at->column};
    copy_symbol(p->error->symbol, sizeof p->error->symbol, at->source);
    copy_path(p, p->error->rule, sizeof p->error->rule);
    va_start(args, format);
    text_format(p->error->message, sizeof p->error->message, format, args);
    va_end(args);
    return false;
}

bool parser_mismatch(struct parser *p, const char *expecting)
{
    char symbol[sizeof p->error->symbol];

    copy_symbol(symbol, sizeof symbol, p->token.source);
    if (p->token.kind == TOKEN_BAD)
        return parser_error(p, &p->token, "token recognition error at: '%s': %s", symbol, p->token.problem);
    return parser_error(p, &p->token, "mismatched input '%s' expecting %s", symbol, expecting);
}

bool parser_check_text(struct parser *p, struct bytes text)
{
    struct lexer at = lexer_open(p->arena, text);
    struct bytes left = text;

    if (text.n > LIMIT_POLICY_TEXT)
        return parser_error(p, &(struct token){.line = 1}, "the text is longer than %d bytes", LIMIT_POLICY_TEXT);
    if (bytes_begin(text, "\xef\xbb\xbf"))
        return parser_error(p, &(struct token){.line = 1, .source = bytes_first(text, 3)},
                            "the text begins with a byte order mark");
    if (utf8_valid(text))
        return true;
    while (left.n && utf8_valid(bytes_first(left, character_length(left)))) {
        size_t n = character_length(left);

        lexer_skip(&at, n);
        left = bytes_after(left, n);
    }
    return parser_error(p, &(struct token){.line = at.line, .column = at.column, .source = bytes_first(left, 1)},
                        "the text is not valid UTF-8");
}

struct bytes policy_error_message(struct arena *a, const struct policy_error *e)
{
    return bytes_text(arena_printf(
        a,
        "Invalid policy was specified Msg:[Policy Parser Exception Thrown: Offending symbol: '%s' Line: '%u', "
        "Column: '%u' Failure message: '%s' Failing rule: '%s']",
        e->symbol, e->line, e->column, e->message, e->rule));
}
