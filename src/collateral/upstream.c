#include "collateral/upstream.h"

#include <strings.h>

#include "base/limits.h"
#include "base/text.h"

static const struct {
    const char *word, *base;
} shapes[UPSTREAM_SHAPES] = {
    [UPSTREAM_PCS] = {"pcs", "https://api.trustedservices.intel.com"},
    [UPSTREAM_PCCS] = {"pccs", "https://localhost:8081"},
    [UPSTREAM_THIM] = {"thim", "http://169.254.169.254/metadata/THIM"},
    [UPSTREAM_KDS] = {"kds", "https://kdsintf.amd.com"},
};

const char *upstream_word(enum upstream_shape shape)
{
    return shapes[shape].word;
}

static struct bytes trimmed(struct bytes text)
{
    while (text.n && (text.p[0] == ' ' || text.p[0] == '\t'))
        text = bytes_after(text, 1);
    return bytes_trim_end(text);
}

/* Put together with paths and queries, so it may hold none. */
static bool usable_base(enum upstream_shape shape, struct bytes base)
{
    bool plain = shape == UPSTREAM_THIM && bytes_begin(base, "http://");

    for (size_t i = 0; i < base.n; i++)
        if (base.p[i] <= ' ' || base.p[i] > '~' || strchr("?#@\"\\", base.p[i]))
            return false;
    return (plain || bytes_begin(base, "https://")) && base.n > 8 && base.n <= LIMIT_UPSTREAM_URL;
}

bool upstream_parse(struct arena *a, struct bytes text, struct upstream *out, struct fault *fault)
{
    text = trimmed(text);
    size_t n = 0;

    while (n < text.n && text.p[n] != ' ' && text.p[n] != '\t')
        n++;
    struct bytes word = bytes_first(text, n), base = trimmed(bytes_after(text, n));
    while (base.n && base.p[base.n - 1] == '/')
        base.n--;
    for (int i = 0; i < UPSTREAM_SHAPES; i++) {
        if (!bytes_is(word, shapes[i].word))
            continue;
        out->shape = (enum upstream_shape)i;
        out->base = base.n ? arena_string(a, base) : shapes[i].base;
        return usable_base(out->shape, bytes_text(out->base)) ||
               fault_set(fault, FAULT_USAGE, "%.*s: no https address (for thim http, too) without a query", (int)base.n,
                         (const char *)base.p);
    }
    return fault_set(fault, FAULT_USAGE,
                     "%.*s: sources are pcs, pccs, thim and kds, with the address behind where it is "
                     "not the usual one",
                     (int)(word.n < 64 ? word.n : 64), (const char *)word.p);
}

bool upstream_serves(const struct upstream *u, const struct want *w)
{
    bool amd = w->kind >= WANT_VCEK;

    if (u->shape == UPSTREAM_THIM) /* it has no lists of numbers, and AMD's chains come with VCEKs alone */
        return w->kind != WANT_EVALUATIONS && (!amd || w->kind == WANT_VCEK);
    if (u->shape == UPSTREAM_KDS)
        return amd;
    return !amd && (u->shape == UPSTREAM_PCS || w->kind != WANT_EVALUATIONS);
}

size_t upstream_requests(struct arena *a, const struct upstream *u, const struct want *w,
                         struct upstream_request out[UPSTREAM_TRIES])
{
    memset(out, 0, UPSTREAM_TRIES * sizeof *out);
    size_t n = w->kind >= WANT_VCEK ? upstream_amd(a, u, w, out) : upstream_intel(a, u, w, out);

    for (size_t i = 0; i < n; i++)
        out[i].metadata = u->shape == UPSTREAM_THIM;
    return n;
}

bool percent_decode(struct arena *a, struct bytes text, struct bytes *out)
{
    struct writer w = wr_open(a);
    uint8_t octet;

    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '%') {
            wr_u8(&w, text.p[i]);
            continue;
        }
        if (text.n - i < 3 || !hex_decode_exact(bytes_make(text.p + i + 1, 2), &octet, 1))
            return false;
        wr_u8(&w, octet);
        i += 2;
    }
    *out = wr_done(&w);
    return true;
}

static void put(struct upstream_objects *out, struct bytes object)
{
    if (object.n && out->count < UPSTREAM_OBJECTS)
        out->v[out->count++] = object;
}

/* Who has the chain already sends none; then what is at hand must do. */
static bool read_chain(struct arena *a, const struct upstream_request *request, const struct http_answer *answer,
                       struct upstream_objects *out, struct fault *fault)
{
    struct bytes value = request->chain ? http_answer_header(answer, request->chain) : BYTES_NONE, chain;

    if (!value.n && request->chain_2)
        value = http_answer_header(answer, request->chain_2);
    if (!percent_decode(a, value, &chain))
        return fault_set(fault, FAULT_SYNTAX, "the issuer chain in the header %s is not percent-encoded",
                         request->chain);
    if (chain.n && !memmem(chain.p, chain.n, "-----BEGIN CERTIFICATE", 22))
        return fault_set(fault, FAULT_SYNTAX, "the header %s holds no certificates", request->chain);
    put(out, chain);
    return true;
}

/* {"vcekCert": PEM, "certificateChain": PEM, "tcbm", "cacheControl"} (snp-cvm.md 1.11). */
static bool read_thim_json(struct arena *a, struct bytes body, struct upstream_objects *out, struct fault *fault)
{
    size_t budget = LIMIT_THIM_NODES;
    const struct json_rules rules = {.depth = 4, .budget = &budget};
    const struct json *document;
    struct bytes certificate, chain = BYTES_NONE;

    if (!json_parse(a, body, &rules, &document, fault))
        return false;
    if (!json_text(json_member(document, "vcekCert"), &certificate))
        return fault_set(fault, FAULT_SYNTAX, "the answer has no vcekCert");
    json_text(json_member(document, "certificateChain"), &chain);
    put(out, certificate);
    put(out, chain);
    return true;
}

/* PEM of a VCEK, its ASK and ARK, one after another. */
static void read_three(struct bytes body, struct upstream_objects *out)
{
    static const char begin[] = "-----BEGIN";
    struct bytes behind = bytes_after(body, sizeof begin);
    const uint8_t *second = behind.n ? memmem(behind.p, behind.n, begin, sizeof begin - 1) : NULL;
    size_t first = second ? (size_t)(second - body.p) : body.n;

    put(out, bytes_first(body, first));
    put(out, bytes_after(body, first));
}

static struct bytes without_blanks(struct bytes body)
{
    while (body.n && strchr(" \t\r\n", body.p[0]) && body.p[0])
        body = bytes_after(body, 1);
    return body;
}

bool upstream_read(struct arena *a, const struct upstream *u, const struct want *w,
                   const struct upstream_request *request, const struct http_answer *answer,
                   struct upstream_objects *out, struct fault *fault)
{
    struct bytes body = answer->body, start = without_blanks(body);

    *out = (struct upstream_objects){0};
    if (start.n == 0)
        return fault_set(fault, FAULT_SYNTAX, "the answer is empty");
    if (w->kind == WANT_VCEK && u->shape == UPSTREAM_THIM && bytes_begin(start, "{"))
        return read_thim_json(a, body, out, fault);
    if (w->kind == WANT_VCEK && bytes_begin(start, "-----BEGIN"))
        read_three(start, out);
    else
        put(out, body);
    return read_chain(a, request, answer, out, fault);
}
