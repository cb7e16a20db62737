#include "service/gate.h"

#include "base/limits.h"

#define PASS                          ((struct gate_refusal){0})
#define REFUSE(status, code, message) ((struct gate_refusal){(status), (code), (message)})
#define BAD(message)                  REFUSE(400, "BadRequest", message)
#define TOO_LONG                      REFUSE(413, "RequestEntityTooLarge", "The body is longer than is allowed.")

enum { CHUNK_DIGITS = 8, LENGTH_DIGITS = 15 };

size_t gate_header_length(struct bytes in, size_t seen)
{
    /* The end may have begun up to three bytes before. */
    for (size_t i = seen > 3 ? seen - 3 : 0; i < in.n;) {
        const uint8_t *lf = memchr(in.p + i, '\n', in.n - i);

        if (!lf)
            return 0;
        size_t at = (size_t)(lf - in.p) + 1;
        if (at < in.n && in.p[at] == '\n')
            return at + 1; /* no proper line ends: gate_check says so */
        if (at + 1 < in.n && in.p[at] == '\r' && in.p[at + 1] == '\n')
            return at + 2;
        i = at;
    }
    return 0;
}

struct gate_refusal gate_header_too_long(void)
{
    return REFUSE(431, "RequestHeaderFieldsTooLarge", "The header of the request is longer than is allowed.");
}

static bool is_one_of(uint8_t c, const char *marks)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c && strchr(marks, c));
}

static bool is_token(struct bytes b)
{
    for (size_t i = 0; i < b.n; i++)
        if (!is_one_of(b.p[i], "!#$%&'*+-.^_`|~"))
            return false;
    return b.n > 0;
}

static bool is_graphic(struct bytes b) /* visible ASCII */
{
    for (size_t i = 0; i < b.n; i++)
        if (b.p[i] <= ' ' || b.p[i] > '~')
            return false;
    return b.n > 0;
}

/* The next line without its CRLF; false when it ends in anything else. */
static bool next_line(struct bytes *rest, struct bytes *line)
{
    const uint8_t *lf = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;

    if (!lf || lf == rest->p || lf[-1] != '\r')
        return false;
    *line = bytes_make(rest->p, (size_t)(lf - rest->p) - 1);
    *rest = bytes_after(*rest, line->n + 2);
    return true;
}

static struct bytes next_word(struct bytes *rest)
{
    const uint8_t *blank = rest->n ? memchr(rest->p, ' ', rest->n) : NULL;
    struct bytes word = bytes_first(*rest, blank ? (size_t)(blank - rest->p) : rest->n);

    *rest = bytes_after(*rest, word.n + 1);
    return word;
}

/* name or name:port, as in an absolute target. */
static bool good_authority(struct bytes a)
{
    const uint8_t *colon = a.n ? memchr(a.p, ':', a.n) : NULL;
    struct bytes host = bytes_first(a, colon ? (size_t)(colon - a.p) : a.n), port = bytes_after(a, host.n + 1);
    uint64_t number;

    for (size_t i = 0; i < host.n; i++)
        if (!is_one_of(host.p[i], "-."))
            return false;
    return host.n && (!colon || (decimal_parse(port, UINT16_MAX, &number) && *port.p != '0'));
}

/* A path, or an absolute address (whose authority must be Host's: http.c). "//" would be taken for an authority. */
static bool good_target(struct bytes t)
{
    static const char scheme[] = "https://";
    struct bytes authority = bytes_after(t, sizeof scheme - 1);

    if (!is_graphic(t) || memchr(t.p, '#', t.n))
        return false;
    if (t.p[0] == '/')
        return t.n == 1 || t.p[1] != '/';
    for (size_t i = 0; i < authority.n; i++)
        if (authority.p[i] == '/' || authority.p[i] == '?')
            authority.n = i;
    return bytes_is_nocase(bytes_first(t, sizeof scheme - 1), scheme) && good_authority(authority);
}

/* What the lines of a header add up to. */
struct header {
    bool may_have_body, version_1_0;
    unsigned hosts, lengths, encodings, expectations;
    struct gate_body *body;
};

static struct gate_refusal check_request_line(struct bytes line, struct header *h)
{
    static const char *const bodies[] = {"POST", "PUT", "PATCH"}, *const others[] = {"GET", "HEAD", "DELETE",
                                                                                     "OPTIONS"};
    struct bytes method = next_word(&line), target = next_word(&line), version = line;
    bool known = false;

    if (!is_token(method) || !good_target(target) || version.n != 8 || !bytes_begin(version, "HTTP/"))
        return BAD("The first line of the request is not of HTTP/1.1.");
    h->version_1_0 = bytes_is(version, "HTTP/1.0");
    if (!h->version_1_0 && !bytes_is(version, "HTTP/1.1"))
        return REFUSE(505, "HttpVersionNotSupported", "This service speaks HTTP/1.1.");
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        h->may_have_body |= bytes_is(method, bodies[i]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        known |= bytes_is(method, others[i]);
    return known || h->may_have_body ? PASS : REFUSE(501, "NotImplemented", "This service does not know this method.");
}

static bool good_value(struct bytes v)
{
    for (size_t i = 0; i < v.n; i++)
        if ((v.p[i] < ' ' && v.p[i] != '\t') || v.p[i] == 0x7f)
            return false;
    return true;
}

static bool read_length(struct bytes v, size_t *out)
{
    uint64_t length;
    bool ok = decimal_parse(v, SIZE_MAX, &length) && v.n <= LENGTH_DIGITS;

    *out = (size_t)length;
    return ok;
}

static struct gate_refusal check_field(struct bytes line, struct header *h)
{
    const uint8_t *colon = memchr(line.p, ':', line.n);
    struct bytes name = bytes_first(line, colon ? (size_t)(colon - line.p) : 0), value = bytes_after(line, name.n + 1);

    while (value.n && (value.p[0] == ' ' || value.p[0] == '\t'))
        value = bytes_after(value, 1);
    value = bytes_trim_end(value);
    if (!is_token(name) || !good_value(bytes_after(line, name.n + 1))) /* so a folded line is none */
        return BAD("A line of the header is not of the form name: value.");
    if (bytes_is_nocase(name, "Host")) {
        h->hosts++;
    } else if (bytes_is_nocase(name, "Content-Length")) {
        h->lengths++;
        if (!read_length(value, &h->body->length))
            return BAD("Content-Length is no number.");
    } else if (bytes_is_nocase(name, "Transfer-Encoding")) {
        h->encodings++;
        h->body->chunked = true;
        if (!bytes_is_nocase(value, "chunked"))
            return REFUSE(501, "NotImplemented", "The only Transfer-Encoding that is taken is chunked.");
    } else if (bytes_is_nocase(name, "Expect")) {
        h->body->expects_continue = !h->version_1_0;
        if (!bytes_is_nocase(value, "100-continue"))
            return REFUSE(417, "ExpectationFailed", "The only expectation that can be met is 100-continue.");
    }
    return PASS;
}

/* One length, told one way, and only where there may be a body: else two servers in a row may differ about where the next
 * request begins. */
static struct gate_refusal check_framing(const struct header *h, const struct gate_limits *limits)
{
    struct gate_body *b = h->body;

    if (h->hosts != 1)
        return BAD("Exactly one Host header is needed.");
    if (h->lengths + h->encodings > 1 || (h->encodings && h->version_1_0))
        return BAD("The length of the body is told more than once, or in a way of another version of HTTP.");
    if (!h->may_have_body && (b->length || b->chunked))
        return BAD("A request of this method has no body.");
    if (h->may_have_body && h->lengths + h->encodings == 0)
        return REFUSE(411, "LengthRequired", "Content-Length, or Transfer-Encoding: chunked, is needed.");
    if (b->length > limits->body)
        return TOO_LONG;
    if (b->length == 0 && !b->chunked)
        b->expects_continue = false;
    return PASS;
}

struct gate_refusal gate_check(struct bytes header, const struct gate_limits *limits, struct gate_body *body)
{
    struct header h = {.body = body};
    struct gate_refusal refusal;
    struct bytes line;

    *body = (struct gate_body){0};
    if (!next_line(&header, &line))
        return BAD("A line of the header does not end with CR and LF.");
    refusal = check_request_line(line, &h);
    for (unsigned n = 0; refusal.status == 0; n++) {
        if (!next_line(&header, &line))
            return BAD("A line of the header does not end with CR and LF.");
        if (line.n == 0)
            return check_framing(&h, limits);
        refusal = n < LIMIT_HTTP_FIELDS ? check_field(line, &h) : gate_header_too_long();
    }
    return refusal;
}

static bool hex_digit(uint8_t c, size_t *out)
{
    uint8_t lower = c | 0x20;

    *out = c >= '0' && c <= '9' ? (size_t)(c - '0') : (size_t)(lower - 'a') + 10;
    return (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'f');
}

/* One byte between the data of chunks; false when it cannot stand there. Extensions and trailers are not taken. */
static bool step(struct gate_chunks *c, uint8_t byte)
{
    size_t digit;

    switch (c->state) {
    case CHUNK_SIZE:
        if (byte == '\r' && c->digits) {
            c->state = CHUNK_SIZE_LF;
            return true;
        }
        if (!hex_digit(byte, &digit) || ++c->digits > CHUNK_DIGITS)
            return false;
        c->left = c->left << 4 | digit;
        return true;
    case CHUNK_SIZE_LF: c->state = c->left ? CHUNK_DATA : CHUNK_LAST_CR; return byte == '\n';
    case CHUNK_CR: c->state = CHUNK_LF; return byte == '\r';
    case CHUNK_LF:
        c->state = CHUNK_SIZE;
        c->digits = 0;
        return byte == '\n';
    case CHUNK_LAST_CR: c->state = CHUNK_LAST_LF; return byte == '\r';
    case CHUNK_LAST_LF: c->state = CHUNK_END; return byte == '\n';
    default: return false;
    }
}

struct gate_refusal gate_chunks(struct gate_chunks *c, struct bytes more, const struct gate_limits *limits, bool *whole)
{
    *whole = false;
    while (more.n && c->state != CHUNK_END) {
        size_t used = 1;

        if (c->state == CHUNK_DATA) {
            used = c->left < more.n ? c->left : more.n;
            c->left -= used;
            if (c->left == 0)
                c->state = CHUNK_CR;
        } else {
            if (!step(c, more.p[0]))
                return BAD("The chunked body is not well formed.");
            if (c->state == CHUNK_DATA)
                c->total += c->left;
        }
        c->raw += used;
        more = bytes_after(more, used);
        /* Six bytes may carry one: a bound for what is held, too. */
        if (c->total > limits->body || c->raw > 2 * limits->body)
            return TOO_LONG;
    }
    *whole = c->state == CHUNK_END;
    return PASS;
}
