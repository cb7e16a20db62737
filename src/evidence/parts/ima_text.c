/* Measurement lists of IMA as text: "PCR HASH TEMPLATE FIELD FIELD…", a line an entry. What is hashed is made again from the fields. */
#include "base/text.h"
#include "evidence/parts/ima_log.h"

/* What stands behind digest and name: h, bytes in hexadecimal, which may be none; d, a digest. */
static const struct template
{
    const char *name, *behind;
}
templates[] = {{"ima", ""},        {"ima-ng", ""},   {"ima-ngv2", ""},     {"ima-sig", "h"},
               {"ima-sigv2", "h"}, {"ima-buf", "h"}, {"ima-modsig", "hdh"}};

enum { FIELDS_BEHIND = 3 };

static const struct template *find_template(struct bytes name)
{
    for (size_t i = 0; i < sizeof templates / sizeof *templates; i++)
        if (bytes_is(name, templates[i].name))
            return &templates[i];
    return NULL;
}

/* Up to a blank, which is dropped. */
static struct bytes word(struct bytes *text)
{
    const uint8_t *blank = text->n ? memchr(text->p, ' ', text->n) : NULL;
    struct bytes w = bytes_first(*text, blank ? (size_t)(blank - text->p) : text->n);

    *text = bytes_after(*text, w.n + 1);
    return w;
}

/* The last word, cut off; false where there is no blank. */
static bool last_word(struct bytes *text, struct bytes *out)
{
    const uint8_t *blank = text->n ? memrchr(text->p, ' ', text->n) : NULL;

    if (!blank)
        return false;
    *out = bytes_after(*text, (size_t)(blank - text->p) + 1);
    *text = bytes_first(*text, (size_t)(blank - text->p));
    return true;
}

static bool hex(struct arena *a, struct bytes text, struct bytes *out)
{
    *out = BYTES_NONE;
    return text.n == 0 || hex_decode(a, text, out);
}

/* "sha256:7c11…" is "sha256:", a NUL, the digest; of newer templates there is more before the last colon. */
static bool digest_field(struct arena *a, struct bytes text, struct bytes *out)
{
    const uint8_t *colon = text.n ? memrchr(text.p, ':', text.n) : NULL;
    struct writer w = wr_open(a);
    struct bytes value;

    *out = BYTES_NONE;
    if (text.n == 0)
        return true; /* of a module without one */
    if (!colon || !hex(a, bytes_after(text, (size_t)(colon - text.p) + 1), &value))
        return false;
    wr_put(&w, bytes_first(text, (size_t)(colon - text.p) + 1));
    wr_u8(&w, 0);
    wr_put(&w, value);
    *out = wr_done(&w);
    return true;
}

static void put_sized(struct writer *w, struct bytes b)
{
    wr_u32le(w, (uint32_t)b.n);
    wr_put(w, b);
}

/* Fields stand behind a name that may hold blanks, so they are taken from the end. */
static bool read_behind(struct arena *a, const char *kinds, struct bytes *rest, struct bytes out[FIELDS_BEHIND])
{
    for (size_t i = strlen(kinds); i-- > 0;) {
        struct bytes text;

        if (!last_word(rest, &text) || !(kinds[i] == 'h' ? hex(a, text, &out[i]) : digest_field(a, text, &out[i])))
            return false;
    }
    return true;
}

static bool read_legacy(struct arena *a, struct bytes digest, struct bytes name, struct ima_entry *e)
{
    struct writer w = wr_open(a);
    struct bytes value;

    if (!hex(a, digest, &value) || value.n != SHA1_SIZE || name.n >= IMA_LEGACY_NAME)
        return false;
    wr_put(&w, value);
    wr_put(&w, name);
    for (size_t i = name.n; i < IMA_LEGACY_NAME; i++)
        wr_u8(&w, 0);
    e->data = wr_done(&w);
    e->name = name;
    return true;
}

static bool read_fields(struct arena *a, const struct template *t, struct bytes rest, struct ima_entry *e)
{
    struct bytes first = word(&rest), digest, behind[FIELDS_BEHIND] = {{0}};
    struct writer w = wr_open(a);

    if (bytes_is(e->template, "ima"))
        return read_legacy(a, first, rest, e);
    if (!digest_field(a, first, &digest) || !read_behind(a, t->behind, &rest, behind) || rest.n == 0)
        return false;
    put_sized(&w, digest);
    wr_u32le(&w, (uint32_t)rest.n + 1);
    wr_put(&w, rest);
    wr_u8(&w, 0);
    for (size_t i = 0; t->behind[i]; i++)
        put_sized(&w, behind[i]);
    e->data = wr_done(&w);
    e->name = rest;
    return true;
}

static bool read_line(struct arena *a, struct bytes line, struct ima_entry *e)
{
    struct bytes pcr = word(&line), hash = word(&line);
    const struct template *t;
    uint64_t number;

    e->template = word(&line);
    t = find_template(e->template);
    if (!t || pcr.n > 2 || !decimal_parse(pcr, EVENT_LOG_REGISTERS - 1, &number))
        return false;
    e->pcr = (uint32_t)number;
    return hex(a, hash, &e->hash) && e->hash.n == SHA1_SIZE && read_fields(a, t, line, e);
}

bool ima_text_read(struct arena *a, struct bytes text, struct ima_log *out, struct fault *fault)
{
    struct ima_entry *entries = NULL;
    size_t cap = 0;

    while (text.n) {
        const uint8_t *end = memchr(text.p, '\n', text.n);
        struct bytes line = bytes_first(text, end ? (size_t)(end - text.p) : text.n);
        struct ima_entry e = {0};

        text = bytes_after(text, line.n + 1);
        if (out->count == LIMIT_IMA_ENTRIES)
            return fault_set(fault, FAULT_LIMIT, "the list has more than %d entries", LIMIT_IMA_ENTRIES);
        if (!read_line(a, line, &e))
            return fault_set(fault, FAULT_SYNTAX, "line %zu is no entry of a template that is known as text",
                             out->count + 1);
        entries = ARENA_ROOM(a, entries, out->count, &cap);
        entries[out->count++] = e;
        out->violations += ima_violation(&e);
    }
    out->entries = entries;
    return out->count > 0 || fault_set(fault, FAULT_SYNTAX, "the list is empty");
}
