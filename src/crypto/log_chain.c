#include "crypto/log_chain.h"

#include "base/json.h"
#include "base/text.h"

#define BEFORE_VALUE ",\"chain\":\""
#define BEHIND_VALUE "\"}"

enum { ENDING = sizeof BEFORE_VALUE - 1 + LOG_CHAIN_HEX + sizeof BEHIND_VALUE - 1 };

static void to_hex(const uint8_t hash[SHA256_SIZE], struct log_value *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < SHA256_SIZE; i++) {
        out->hex[2 * i] = digits[hash[i] >> 4];
        out->hex[2 * i + 1] = digits[hash[i] & 15];
    }
    out->hex[LOG_CHAIN_HEX] = 0;
}

struct log_value log_digest(struct bytes first, struct bytes second)
{
    const struct bytes parts[] = {first, second};
    uint8_t hash[SHA256_SIZE];
    struct log_value out;

    digest_parts(DIGEST_SHA256, parts, 2, hash);
    to_hex(hash, &out);
    return out;
}

static struct log_value next_value(const struct log_value *before, struct bytes record)
{
    return log_digest(bytes_make(before->hex, LOG_CHAIN_HEX), record);
}

struct log_value log_chain_seal(const struct log_value *before, struct bytes record, struct writer *line)
{
    struct log_value value = next_value(before, record);

    wr_put(line, record);
    wr_text(line, BEFORE_VALUE);
    wr_text(line, value.hex);
    wr_text(line, BEHIND_VALUE "\n");
    return value;
}

static bool is_value(struct bytes text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((text.p[i] < '0' || text.p[i] > '9') && (text.p[i] < 'a' || text.p[i] > 'f'))
            return false;
    return text.n == LOG_CHAIN_HEX;
}

bool log_chain_split(struct bytes line, struct bytes *record, struct bytes *value)
{
    if (line.n <= ENDING || line.n >= LIMIT_LOG_LINE || line.p[0] != '{')
        return false;
    *record = bytes_first(line, line.n - ENDING);
    struct bytes ending = bytes_after(line, record->n);
    *value = bytes_first(bytes_after(ending, sizeof BEFORE_VALUE - 1), LOG_CHAIN_HEX);
    return bytes_begin(ending, BEFORE_VALUE) && is_value(*value) &&
           bytes_is(bytes_after(ending, sizeof BEFORE_VALUE - 1 + LOG_CHAIN_HEX), BEHIND_VALUE);
}

static struct log_value value_of(struct bytes hex)
{
    struct log_value out = {0};

    memcpy(out.hex, hex.p, LOG_CHAIN_HEX);
    return out;
}

struct log_end log_chain_end(struct bytes tail)
{
    struct log_end out = {.value = {LOG_CHAIN_START}, .open = tail.n && tail.p[tail.n - 1] != '\n', .torn = tail};
    struct bytes record, value;

    for (size_t end = tail.n; end;) {
        size_t stop = tail.p[end - 1] == '\n' ? end - 1 : end;
        const uint8_t *before = stop ? memrchr(tail.p, '\n', stop) : NULL;
        size_t begin = before ? (size_t)(before - tail.p) + 1 : 0;

        if (log_chain_split(bytes_make(tail.p + begin, stop - begin), &record, &value)) {
            out.value = value_of(value);
            out.torn = bytes_after(tail, end);
            out.found = true;
            return out;
        }
        end = begin;
    }
    return out;
}

bool log_walk_open(struct log_walk *w, const char *wanted)
{
    *w = (struct log_walk){.value = {LOG_CHAIN_START}, .from = {LOG_CHAIN_START}};
    arena_init(&w->arena, LIMIT_LOG_LINE_MEMORY);
    if (!wanted)
        return true;
    if (!is_value(bytes_text(wanted)))
        return false;
    w->wanted = value_of(bytes_text(wanted));
    return true;
}

static void look_for(struct log_walk *w)
{
    if (!w->met && *w->wanted.hex && strcmp(w->wanted.hex, w->value.hex) == 0) {
        w->met = true;
        w->met_at = w->records;
    }
}

static void end_torn(struct log_walk *w, struct log_value *out)
{
    uint8_t hash[SHA256_SIZE];

    digest_end(&w->torn_bytes, hash);
    to_hex(hash, out);
    w->torn = false;
}

void log_walk_free(struct log_walk *w)
{
    struct log_value unused;

    if (w->torn)
        end_torn(w, &unused);
    arena_free(&w->arena);
}

static bool bad(struct log_walk *w, struct fault *fault, const char *reason)
{
    w->bad_line = w->line;
    w->bad_file = w->file;
    return fault_set(fault, FAULT_SYNTAX, "%s", reason);
}

static bool bad_torn(struct log_walk *w, struct fault *fault)
{
    w->bad_line = w->torn_line;
    w->bad_file = w->torn_file;
    return fault_set(fault, FAULT_SYNTAX, "this is no whole record, and the next record does not account for it");
}

/* The bytes of a line that has not the form of a record. */
static void tear(struct log_walk *w, struct bytes line)
{
    if (!w->torn) {
        digest_begin(&w->torn_bytes, DIGEST_SHA256);
        w->torn_line = w->line;
        w->torn_file = w->file;
    }
    w->torn = true;
    digest_add(&w->torn_bytes, line);
}

/* What a record says of the lines before it. */
static bool judge_recovered(struct log_walk *w, const struct json *record, struct fault *fault)
{
    const struct json *member = json_member(record, "recovered");
    struct bytes told;
    struct log_value found;

    if (!w->torn)
        return !member || bad(w, fault, "the record tells of a torn line before it, and there is none");
    if (!json_text(member, &told))
        return bad_torn(w, fault);
    end_torn(w, &found);
    w->recoveries++;
    return bytes_is(told, found.hex) ||
           bad(w, fault, "the torn lines before the record are not those that it tells of");
}

/* Which value a record follows. */
static bool judge_previous(struct log_walk *w, const struct json *record, struct fault *fault)
{
    const struct json *member = json_member(record, "previous");
    bool first = w->fresh;
    struct bytes told;

    w->fresh = false;
    if (!member)
        return !first || w->records == 0 ||
               bad(w, fault, "the file begins a log of its own: it does not go on from the file before");
    if (!json_text(member, &told) || !is_value(told))
        return bad(w, fault, "the member previous is no chain value");
    if (w->records == 0)
        w->value = w->from = value_of(told);
    return bytes_is(told, w->value.hex) || bad(w, fault,
                                               first ? "the file goes on from another end than that of the file before"
                                                     : "the record goes on from another end than the record before");
}

static bool judge_line(struct log_walk *w, struct bytes line, struct fault *fault)
{
    struct bytes text = line.n && line.p[line.n - 1] == '\n' ? bytes_first(line, line.n - 1) : line, record, value;
    const struct json *tree;
    struct fault why = {0};

    if (!log_chain_split(text, &record, &value)) {
        tear(w, line);
        return true;
    }
    arena_reset(&w->arena);
    if (!json_parse(&w->arena, text,
                    &(struct json_rules){.depth = LIMIT_LOG_DEPTH, .budget = &(size_t){LIMIT_LOG_NODES}}, &tree,
                    &why)) {
        bad(w, NULL, "");
        return fault_set(fault, FAULT_SYNTAX, "the record is no JSON: %s", why.text);
    }
    if (!judge_recovered(w, tree, fault) || !judge_previous(w, tree, fault))
        return false;
    struct log_value next = next_value(&w->value, record);
    if (!bytes_is(value, next.hex))
        return bad(w, fault,
                   "the chain breaks here: this record was changed, or records before it were dropped, added or moved");
    look_for(w); /* what it begins behind */
    w->value = next;
    w->records++;
    look_for(w);
    return true;
}

/* A piece of one line; `last`: with its line end. */
static bool take_piece(struct log_walk *w, struct bytes piece, bool last, struct fault *fault)
{
    struct bytes held = bytes_make(w->holding, w->held);

    if (w->held == 0 && !w->overlong)
        w->line++;
    if (w->overlong || w->held + piece.n > LIMIT_LOG_LINE) {
        tear(w, held);
        tear(w, piece);
        w->held = 0;
        w->overlong = !last;
        return true;
    }
    memcpy(w->holding + w->held, piece.p, piece.n);
    w->held += piece.n;
    if (!last)
        return true;
    held.n = w->held;
    w->held = 0;
    return judge_line(w, held, fault);
}

bool log_walk_bytes(struct log_walk *w, struct bytes more, struct fault *fault)
{
    while (more.n) {
        const uint8_t *end = memchr(more.p, '\n', more.n);
        struct bytes piece = bytes_first(more, end ? (size_t)(end - more.p) + 1 : more.n);

        if (!take_piece(w, piece, end != NULL, fault))
            return false;
        more = bytes_after(more, piece.n);
    }
    return true;
}

/* A last line without an end. */
static bool end_file(struct log_walk *w, struct fault *fault)
{
    struct bytes held = bytes_make(w->holding, w->held);

    w->held = 0;
    w->overlong = false;
    return held.n == 0 || judge_line(w, held, fault);
}

bool log_walk_file(struct log_walk *w, struct fault *fault)
{
    if (!end_file(w, fault))
        return false;
    w->file++;
    w->line = 0;
    w->fresh = true;
    return true;
}

bool log_walk_end(struct log_walk *w, struct fault *fault)
{
    if (!end_file(w, fault))
        return false;
    look_for(w);
    return !w->torn || bad_torn(w, fault);
}
