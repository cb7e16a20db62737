#include "merkle/note.h"

#include "base/text.h"

enum { KIND_ED25519 = 1, KIND_COSIGNATURE = 4, ID_HEX = 2 * LOG_KEY_ID, ROOT_MEMORY = 256 * 1024 };

#define DASH "\xe2\x80\x94 " /* an em dash and a blank: how a line of a signature begins */

struct bytes log_line(struct reader *r)
{
    const uint8_t *end = r->n ? memchr(r->p, '\n', r->n) : NULL;
    struct bytes line = rd_take(r, end ? (size_t)(end - r->p) : r->n + 1);

    rd_skip(r, 1);
    return line;
}

bool log_number(struct bytes text, uint64_t *out)
{
    return decimal_parse(text, LOG_SIZE_MOST, out) && (text.p[0] != '0' || text.n == 1);
}

bool log_name_ok(struct bytes name)
{
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] <= ' ' || name.p[i] >= 0x7f || name.p[i] == '+')
            return false;
    return name.n > 0 && name.n <= LOG_NAME_MOST;
}

static uint8_t kind_of(const struct log_key *key)
{
    return key->cosigns ? KIND_COSIGNATURE : KIND_ED25519;
}

/* The id of a key covers its name and kind: the same key under another name is another. */
static void id_of(const struct log_key *key, uint8_t id[LOG_KEY_ID])
{
    const uint8_t kind[] = {'\n', kind_of(key)};
    const struct bytes parts[] = {key->name, BYTES_OF(kind), BYTES_OF(key->key)};
    uint8_t hash[SHA256_SIZE];

    digest_parts(DIGEST_SHA256, parts, sizeof parts / sizeof *parts, hash);
    memcpy(id, hash, LOG_KEY_ID);
}

struct bytes log_key_text(struct arena *a, const struct log_key *key)
{
    uint8_t id[LOG_KEY_ID], typed[1 + ED25519_PUBLIC] = {kind_of(key)};
    struct writer w = wr_open(a);

    id_of(key, id);
    memcpy(typed + 1, key->key, ED25519_PUBLIC);
    wr_put(&w, key->name);
    wr_u8(&w, '+');
    wr_hex(&w, BYTES_OF(id));
    wr_u8(&w, '+');
    wr_put(&w, base64_encode(a, BYTES_OF(typed)));
    return wr_done(&w);
}

static bool key_parse(struct arena *a, struct bytes text, struct log_key *out)
{
    text = bytes_trim_end(text);
    const uint8_t *plus = text.n ? memchr(text.p, '+', text.n) : NULL;
    struct bytes name = bytes_first(text, plus ? (size_t)(plus - text.p) : 0);
    struct bytes key, rest = bytes_after(text, name.n + 1 + ID_HEX + 1);

    if (!log_name_ok(name) || !base64_decode_strict(a, rest, &key) || key.n != 1 + ED25519_PUBLIC ||
        key.p[0] != kind_of(out))
        return false;
    out->name = arena_copy(a, name);
    memcpy(out->key, key.p + 1, ED25519_PUBLIC);
    return bytes_equal(text, log_key_text(a, out));
}

bool log_key_parse(struct arena *a, struct bytes text, struct log_key *out)
{
    *out = (struct log_key){.cosigns = false};
    return key_parse(a, text, out);
}

bool witness_key_parse(struct arena *a, struct bytes text, struct log_key *out)
{
    *out = (struct log_key){.cosigns = true};
    return key_parse(a, text, out);
}

bool checkpoint_extra_ok(struct bytes extra)
{
    for (size_t i = 0; i < extra.n; i++)
        if (extra.p[i] == '\n' ? i == 0 || extra.p[i - 1] == '\n' : extra.p[i] < ' ' || extra.p[i] == 0x7f)
            return false;
    return extra.n <= LOG_EXTRA_MOST && (!extra.n || extra.p[extra.n - 1] == '\n') && utf8_valid(extra);
}

struct bytes checkpoint_text(struct arena *a, const struct checkpoint *c)
{
    struct writer w = wr_open(a);

    wr_put(&w, c->origin);
    wr_u8(&w, '\n');
    wr_decimal(&w, c->size);
    wr_u8(&w, '\n');
    wr_put(&w, base64_encode(a, BYTES_OF(c->root.v)));
    wr_u8(&w, '\n');
    wr_put(&w, c->extra);
    return wr_done(&w);
}

bool checkpoint_parse(struct bytes text, struct checkpoint *out)
{
    struct reader r = rd_open(text);
    struct bytes size, root, decoded;
    struct arena a;

    *out = (struct checkpoint){.origin = log_line(&r)};
    size = log_line(&r);
    root = log_line(&r);
    out->extra = rd_rest(&r);
    if (!rd_ok(&r) || !log_name_ok(out->origin) || !log_number(size, &out->size) || root.n > 64 ||
        !checkpoint_extra_ok(out->extra))
        return false;
    arena_init(&a, ROOT_MEMORY);
    bool ok = base64_decode_strict(&a, root, &decoded) && decoded.n == sizeof out->root.v;
    if (ok)
        memcpy(out->root.v, decoded.p, decoded.n);
    arena_free(&a);
    return ok;
}

struct bytes note_line(struct arena *a, const struct log_key *key, struct bytes signature)
{
    uint8_t id[LOG_KEY_ID];
    struct writer w = wr_open(a), signed_by = wr_open(a);

    id_of(key, id);
    wr_put(&signed_by, BYTES_OF(id));
    wr_put(&signed_by, signature);
    wr_text(&w, DASH);
    wr_put(&w, key->name);
    wr_u8(&w, ' ');
    wr_put(&w, base64_encode(a, wr_done(&signed_by)));
    wr_u8(&w, '\n');
    return wr_done(&w);
}

struct bytes note_write(struct arena *a, struct bytes text, const struct log_key *key,
                        const uint8_t signature[ED25519_SIGNATURE])
{
    struct writer w = wr_open(a);

    wr_put(&w, text);
    wr_u8(&w, '\n');
    wr_put(&w, note_line(a, key, bytes_make(signature, ED25519_SIGNATURE)));
    return wr_done(&w);
}

/* One line of a signature; false: it is none. *found is empty when it is another's. */
static bool read_signature(struct arena *a, struct bytes line, const struct log_key *key, struct bytes *found)
{
    uint8_t id[LOG_KEY_ID];
    struct bytes rest = bytes_after(line, sizeof DASH - 1), decoded;
    const uint8_t *blank = rest.n ? memchr(rest.p, ' ', rest.n) : NULL;
    struct bytes name = bytes_first(rest, blank ? (size_t)(blank - rest.p) : 0);

    *found = BYTES_NONE;
    if (!bytes_begin(line, DASH) || !log_name_ok(name) ||
        !base64_decode_strict(a, bytes_after(rest, name.n + 1), &decoded) || decoded.n <= LOG_KEY_ID)
        return false;
    id_of(key, id);
    if (bytes_equal(name, key->name) && bytes_equal(bytes_first(decoded, LOG_KEY_ID), BYTES_OF(id)))
        *found = bytes_after(decoded, LOG_KEY_ID);
    return true;
}

bool note_text(struct bytes note, struct bytes *text)
{
    for (size_t i = 0; i + 1 < note.n && note.n <= LOG_NOTE_MOST; i++)
        if (note.p[i] == '\n' && note.p[i + 1] == '\n') {
            *text = bytes_first(note, i + 1);
            return true;
        }
    *text = BYTES_NONE;
    return false;
}

bool note_split(struct arena *a, struct bytes note, const struct log_key *key, struct bytes *text,
                struct bytes *signature)
{
    struct bytes found;

    *signature = BYTES_NONE;
    if (!note_text(note, text))
        return false;
    struct reader r = rd_open(bytes_after(note, text->n + 1));
    for (unsigned n = 0; rd_left(&r); n++) {
        struct bytes line = log_line(&r);

        if (n == LOG_NOTE_SIGNATURES || !rd_ok(&r) || !read_signature(a, line, key, &found))
            return false;
        if (!signature->n)
            *signature = found;
    }
    return signature->n > 0;
}

bool note_checkpoint(struct arena *a, struct bytes note, const struct log_key *key, struct checkpoint *out)
{
    struct bytes text, signature;

    return note_split(a, note, key, &text, &signature) && ed25519_verify(key->key, text, signature) &&
           checkpoint_parse(text, out) && bytes_equal(out->origin, key->name);
}
