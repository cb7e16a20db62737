#include "crypto/pem.h"

#include "base/text.h"

static const char begin_mark[] = "-----BEGIN ", end_mark[] = "-----END ", dashes[] = "-----";

/* What stands before `mark`; *text moves behind the mark. */
static bool before(struct bytes *text, const char *mark, size_t n, struct bytes *out)
{
    const uint8_t *hit = text->n ? memmem(text->p, text->n, mark, n) : NULL;

    if (!hit)
        return false;
    *out = bytes_make(text->p, (size_t)(hit - text->p));
    *text = bytes_after(*text, out->n + n);
    return true;
}

static bool decode_lines(struct arena *a, struct bytes lines, struct bytes *der)
{
    struct writer w = wr_open(a);

    for (size_t i = 0; i < lines.n;) {
        size_t from = i;

        while (i < lines.n && lines.p[i] != '\n' && lines.p[i] != '\r')
            i++;
        wr_put(&w, bytes_make(lines.p + from, i - from));
        while (i < lines.n && (lines.p[i] == '\n' || lines.p[i] == '\r'))
            i++;
    }
    return base64_decode_strict(a, wr_done(&w), der) && der->n > 0;
}

bool pem_next(struct arena *a, struct bytes *text, struct pem_block *out, bool *found)
{
    struct bytes skipped, lines, end_label;

    *found = before(text, begin_mark, sizeof begin_mark - 1, &skipped);
    if (!*found)
        return true;
    return before(text, dashes, sizeof dashes - 1, &out->label) && out->label.n &&
           !memchr(out->label.p, '\n', out->label.n) && before(text, end_mark, sizeof end_mark - 1, &lines) &&
           before(text, dashes, sizeof dashes - 1, &end_label) && bytes_equal(out->label, end_label) &&
           decode_lines(a, lines, &out->der);
}

enum { PEM_COLUMNS = 64 };

void wr_pem(struct writer *w, const char *label, struct bytes der)
{
    struct bytes text = base64_encode(w->arena, der);

    wr_printf(w, "-----BEGIN %s-----\n", label);
    for (; text.n; text = bytes_after(text, PEM_COLUMNS)) {
        wr_put(w, bytes_first(text, PEM_COLUMNS));
        wr_u8(w, '\n');
    }
    wr_printf(w, "-----END %s-----\n", label);
}

struct bytes pem_encode(struct arena *a, const char *label, struct bytes der)
{
    struct writer w = wr_open(a);

    wr_pem(&w, label, der);
    return wr_done(&w);
}
