/* The layout of policy texts: tokens and comments as the lexer gives them, written anew. A rule stands on one line where it
 * fits, else each condition has a line of its own. A comment behind a token stays on its line, any other stays before
 * what it stood before. */
#include "policy/format.h"

#include "base/limits.h"
#include "policy/lexer.h"

enum {
    COLUMNS = 100, /* a longer rule is broken; a condition or an action never is */
    INDENT = 4,    /* rules in a section; their actions, when broken, twice; what follows a comment in one, thrice */
};

struct comment {
    struct bytes text;
    bool blank; /* a blank line stands before it */
};

struct item {
    struct token token;
    struct bytes trailing; /* the comment behind it on its line; empty: none */
    size_t from, count;    /* comments on lines of their own before it */
    bool blank;            /* a blank line stands before it, behind those comments */
};

struct layout {
    struct arena *arena;
    struct item *items;
    size_t n, cap;
    struct comment *comments;
    size_t comment_count, comment_cap;
    struct writer w;
    bool commented; /* the line ends with a comment: what comes next begins another */
    bool opened;    /* the last token opened a section: no blank line now */
};

/* What stands between a token and the one before it. */
struct gap {
    enum { TIGHT, SPACE, LINE } kind;
    unsigned indent; /* LINE; also when a comment makes it one */
    enum { NONE, KEPT, FORCED } blank;
    unsigned deeper; /* comments before the token stand so much deeper */
};

static void take_comment(struct layout *x, struct token t, bool blank)
{
    struct item *last = x->n ? &x->items[x->n - 1] : NULL;
    struct bytes text = bytes_trim_end(t.source);

    if (last && last->token.line == t.line) {
        last->trailing = text;
        return;
    }
    x->comments = ARENA_ROOM(x->arena, x->comments, x->comment_count, &x->comment_cap);
    x->comments[x->comment_count++] = (struct comment){text, blank};
}

static void read_items(struct layout *x, struct bytes text)
{
    struct lexer lexer = lexer_open(x->arena, text);
    size_t from = 0;
    unsigned line = 1;
    struct token t;

    lexer.comments = true;
    do {
        t = lexer_next(&lexer);
        bool blank = t.line > line + 1;
        line = t.line;
        if (t.kind == TOKEN_COMMENT) {
            take_comment(x, t, blank);
            continue;
        }
        x->items = ARENA_ROOM(x->arena, x->items, x->n, &x->cap);
        x->items[x->n++] = (struct item){.token = t, .from = from, .count = x->comment_count - from, .blank = blank};
        from = x->comment_count;
    } while (t.kind != TOKEN_END);
}

static bool is(const struct item *i, enum token_kind kind)
{
    return i->token.kind == kind;
}

static void move_trailing(struct item *from, struct item *to)
{
    to->trailing = from->trailing;
    from->trailing = BYTES_NONE;
}

/* A comment behind a rule, a condition or an argument is about that, whichever side of the semicolon, the && or the
 * comma it stood on. */
static void settle_comments(struct layout *x)
{
    for (size_t i = 1; i + 1 < x->n; i++) {
        struct item *before = &x->items[i - 1], *here = &x->items[i], *after = &x->items[i + 1];

        if (is(here, TOKEN_AND) && here->trailing.n && !here->count && !before->trailing.n)
            move_trailing(here, before);
        if (is(here, TOKEN_AND) && !here->trailing.n) {
            here->from = here->count ? here->from : after->from;
            here->count += after->count;
            after->count = 0;
        }
        if ((is(here, TOKEN_SEMICOLON) || is(here, TOKEN_COMMA)) && before->trailing.n && !here->count &&
            !here->trailing.n)
            move_trailing(before, here);
    }
}

static void new_line(struct layout *x, unsigned indent, bool blank)
{
    if (x->w.n)
        wr_text(&x->w, blank && !x->opened ? "\n\n" : "\n");
    for (unsigned i = 0; i < indent; i++)
        wr_u8(&x->w, ' ');
    x->opened = false;
}

static bool wants_blank(const struct gap *gap, bool first, bool stood)
{
    return (gap->blank == FORCED && first) || (gap->blank != NONE && stood);
}

/* Key words have one spelling; names, strings and numbers keep theirs. */
static void put_token(struct layout *x, struct bytes source, bool lower)
{
    for (size_t i = 0; i < source.n; i++) {
        uint8_t c = source.p[i];

        wr_u8(&x->w, lower && c >= 'A' && c <= 'Z' ? (uint8_t)(c + 'a' - 'A') : c);
    }
}

static void put(struct layout *x, const struct item *i, struct gap gap, bool lower)
{
    for (size_t k = 0; k < i->count; k++) {
        const struct comment *c = &x->comments[i->from + k];

        new_line(x, gap.indent + gap.deeper, wants_blank(&gap, k == 0, c->blank));
        wr_put(&x->w, c->text);
    }
    if (is(i, TOKEN_END))
        return;
    if (gap.kind == LINE || i->count || x->commented)
        new_line(x, gap.indent, wants_blank(&gap, !i->count, i->blank && !is(i, TOKEN_BRACE_CLOSE)));
    else if (gap.kind == SPACE)
        wr_u8(&x->w, ' ');
    put_token(x, i->token.source, lower);
    x->commented = i->trailing.n > 0;
    if (x->commented) {
        wr_u8(&x->w, ' ');
        wr_put(&x->w, i->trailing);
    }
}

/* Between two tokens of a rule on one line. */
static bool is_apart(const struct item *before, const struct item *here)
{
    return is(before, TOKEN_COMMA) || is(before, TOKEN_AND) || is(before, TOKEN_ARROW) || is(here, TOKEN_AND) ||
           is(here, TOKEN_ARROW);
}

static size_t characters(struct bytes b)
{
    size_t n = 0;

    for (size_t i = 0; i < b.n; i++)
        n += (b.p[i] & 0xc0) != 0x80;
    return n;
}

/* Does a rule, from its first item to its semicolon, stand on one line? */
static bool fits(const struct layout *x, size_t from, size_t to)
{
    size_t width = INDENT;

    for (size_t i = from; i <= to; i++) {
        const struct item *here = &x->items[i];

        if ((i > from && here->count) || (i < to && here->trailing.n))
            return false;
        width += characters(here->token.source) + (i > from && is_apart(here - 1, here));
    }
    return width <= COLUMNS;
}

/* From item `from` on; returns what follows its semicolon. */
static size_t put_rule(struct layout *x, size_t from)
{
    size_t to = from;
    bool broken, acts = false;

    while (!is(&x->items[to], TOKEN_SEMICOLON))
        to++;
    broken = !fits(x, from, to);
    put(x, &x->items[from], (struct gap){LINE, INDENT, KEPT, 0}, false);
    for (size_t i = from + 1; i <= to; i++) {
        const struct item *here = &x->items[i];
        struct gap gap = {is_apart(here - 1, here) ? SPACE : TIGHT, (acts ? 3 : 2) * INDENT, NONE, 0};

        if (is(here, TOKEN_AND) || is(here, TOKEN_ARROW)) {
            gap.kind = broken ? LINE : SPACE;
            gap.indent = is(here, TOKEN_AND) ? INDENT : 2 * INDENT;
        }
        acts = acts || is(here, TOKEN_ARROW);
        put(x, here, gap, false);
    }
    return to + 1;
}

/* An accepted text: version = number ; then sections: name { rules } ; */
static void put_policy(struct layout *x)
{
    static const struct gap tight = {TIGHT, INDENT, NONE, 0};
    size_t i = 0;

    put(x, &x->items[i++], (struct gap){LINE, 0, KEPT, 0}, true);
    while (!is(&x->items[i - 1], TOKEN_SEMICOLON))
        put(x, &x->items[i++], tight, false);
    while (!is(&x->items[i], TOKEN_END)) {
        put(x, &x->items[i++], (struct gap){LINE, 0, FORCED, 0}, true);
        put(x, &x->items[i++], (struct gap){SPACE, 0, NONE, 0}, false);
        x->opened = true;
        while (!is(&x->items[i], TOKEN_BRACE_CLOSE))
            i = put_rule(x, i);
        put(x, &x->items[i++], (struct gap){LINE, 0, KEPT, INDENT}, false);
        put(x, &x->items[i++], tight, false);
    }
    put(x, &x->items[i], (struct gap){LINE, 0, KEPT, 0}, false);
    wr_u8(&x->w, '\n');
}

static bool refuse(struct policy_error *error, const char *message)
{
    *error = (struct policy_error){.line = 1, .rule = "policy"};
    memcpy(error->message, message, strlen(message) + 1);
    return false;
}

bool policy_format(struct arena *a, struct bytes text, struct bytes *out, struct policy_error *error)
{
    struct layout x = {.arena = a, .w = wr_open(a)};
    const struct policy *before, *after;

    *out = BYTES_NONE;
    if (!policy_parse(a, text, &before, error))
        return false;
    read_items(&x, text);
    settle_comments(&x);
    put_policy(&x);
    if (x.w.n > LIMIT_POLICY_TEXT)
        return refuse(error, "the text would be longer than a policy may be");
    if (!policy_parse(a, wr_done(&x.w), &after, error))
        return false;
    if (!policy_same(before, after))
        return refuse(error, "the text would mean something else: please report it");
    *out = wr_done(&x.w);
    return true;
}
