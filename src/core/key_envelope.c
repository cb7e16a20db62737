#include "core/key_envelope.h"

#include "base/text.h"
#include "crypto/aead.h"
#include "crypto/digest.h"

#define FIRST_LINE "assay-key 1\n"

static bool is_name(struct bytes name)
{
    for (size_t i = 0; i < name.n; i++)
        if ((name.p[i] < 'a' || name.p[i] > 'z') && (name.p[i] < '0' || name.p[i] > '9'))
            return false;
    return name.n != 0;
}

static bool is_value(struct bytes value)
{
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] < ' ' || value.p[i] > '~')
            return false;
    return value.n != 0;
}

/* "NAME VALUE\n" */
static bool read_line(struct reader *r, struct key_field *out)
{
    struct bytes rest = {r->p, rd_left(r)};
    const uint8_t *end = rest.n ? memchr(rest.p, '\n', rest.n) : NULL;

    if (!end)
        return false;
    struct bytes line = rd_take(r, (size_t)(end - rest.p));
    const uint8_t *space = line.n ? memchr(line.p, ' ', line.n) : NULL;
    rd_skip(r, 1);
    if (!space)
        return false;
    out->name = bytes_first(line, (size_t)(space - line.p));
    out->value = bytes_after(line, out->name.n + 1);
    return is_name(out->name) && is_value(out->value);
}

static bool read_named(struct reader *r, const char *name, struct bytes *value)
{
    struct key_field f;

    if (!read_line(r, &f) || !bytes_is(f.name, name))
        return false;
    *value = f.value;
    return true;
}

static bool read_fields(struct arena *a, struct bytes text, struct reader *r, struct key_envelope *out)
{
    for (struct key_field f;;) {
        out->head = bytes_first(text, text.n - rd_left(r));
        if (!read_line(r, &f))
            return false;
        if (bytes_is(f.name, "sealed"))
            return hex_decode(a, f.value, &out->sealed) && rd_end(r);
        if (out->count == KEY_ENVELOPE_FIELDS)
            return false;
        out->fields[out->count++] = f;
    }
}

bool key_envelope_read(struct arena *a, struct bytes text, struct key_envelope *out, struct fault *fault)
{
    struct reader r = rd_open(bytes_after(text, sizeof FIRST_LINE - 1));

    *out = (struct key_envelope){.holds = BYTES_LIT(KEY_HOLDS_ROOT), .sealer = BYTES_LIT("file")};
    if (!bytes_begin(text, "assay-key "))
        return (hex_decode(a, bytes_trim_end(text), &out->sealed) && out->sealed.n == ROOT_KEY_SIZE) ||
               fault_set(fault, FAULT_SYNTAX, "no key: neither \"assay-key 1\" nor 64 hexadecimal digits");
    if (!bytes_begin(text, FIRST_LINE))
        return fault_set(fault, FAULT_SYNTAX,
                         "a key of another version than 1, which is all that this program knows; use the one that "
                         "wrote it");
    return (text.n <= KEY_ENVELOPE_MAX && read_named(&r, "holds", &out->holds) &&
            read_named(&r, "sealer", &out->sealer) && read_fields(a, text, &r, out)) ||
           fault_set(fault, FAULT_SYNTAX, "a key whose text is damaged; restore the file");
}

bool key_envelope_field(const struct key_envelope *e, const char *name, struct bytes *out, struct fault *fault)
{
    for (size_t i = 0; i < e->count; i++)
        if (bytes_is(e->fields[i].name, name)) {
            *out = e->fields[i].value;
            return true;
        }
    return fault_set(fault, FAULT_SYNTAX, "a key without its \"%s\"; restore the file", name);
}

bool key_envelope_hex(struct arena *a, const struct key_envelope *e, const char *name, struct bytes *out,
                      struct fault *fault)
{
    return key_envelope_field(e, name, out, fault) &&
           (hex_decode(a, *out, out) ||
            fault_set(fault, FAULT_SYNTAX, "a key whose \"%s\" is not hexadecimal; restore the file", name));
}

static struct writer write_head(struct arena *a, const char *holds, const char *sealer)
{
    struct writer w = wr_open(a);

    wr_printf(&w, FIRST_LINE "holds %s\nsealer %s\n", holds, sealer);
    return w;
}

/* The line is made in room of its own, so that no copy of an open secret stays in what a writer outgrew. */
static struct bytes with_secret(struct arena *a, struct bytes head, struct bytes sealed)
{
    static const char digits[] = "0123456789abcdef", name[] = "sealed ";
    size_t n = head.n + sizeof name - 1, size = n + 2 * sealed.n + 1;
    uint8_t *p = arena_alloc(a, size);

    memcpy(p, head.p, head.n);
    memcpy(p + head.n, name, sizeof name - 1);
    for (size_t i = 0; i < sealed.n; i++) {
        p[n + 2 * i] = (uint8_t)digits[sealed.p[i] >> 4];
        p[n + 2 * i + 1] = (uint8_t)digits[sealed.p[i] & 15];
    }
    p[size - 1] = '\n';
    return bytes_make(p, size);
}

struct bytes key_envelope_plain(struct arena *a, const char *holds, const uint8_t secret[ROOT_KEY_SIZE])
{
    struct writer w = write_head(a, holds, "file");

    return with_secret(a, wr_done(&w), bytes_make(secret, ROOT_KEY_SIZE));
}

bool key_envelope_seal(struct arena *a, const char *holds, const char *sealer, const struct key_field *fields,
                       size_t count, const uint8_t key[ROOT_KEY_SIZE], const uint8_t secret[ROOT_KEY_SIZE],
                       struct bytes *text, struct fault *fault)
{
    struct writer w = write_head(a, holds, sealer), sealed = wr_open(a);
    struct bytes cipher;
    uint8_t iv[AEAD_IV_SIZE];

    for (size_t i = 0; i < count; i++) {
        wr_put(&w, fields[i].name);
        wr_u8(&w, ' ');
        wr_put(&w, fields[i].value);
        wr_u8(&w, '\n');
    }
    if (!random_bytes(iv, sizeof iv) || !aead_seal(key, iv, wr_done(&w), bytes_make(secret, ROOT_KEY_SIZE), a, &cipher))
        return fault_set(fault, FAULT_CRYPTO, "a key cannot be sealed: the system gives no random numbers");
    wr_put(&sealed, BYTES_OF(iv));
    wr_put(&sealed, cipher);
    *text = with_secret(a, wr_done(&w), wr_done(&sealed));
    return true;
}

bool key_envelope_open(struct arena *a, const struct key_envelope *e, const uint8_t *key, uint8_t secret[ROOT_KEY_SIZE],
                       struct fault *fault)
{
    struct bytes plain = e->sealed;

    if (key && (e->sealed.n < AEAD_IV_SIZE ||
                !aead_open(key, e->sealed.p, e->head, bytes_after(e->sealed, AEAD_IV_SIZE), a, &plain)))
        return fault_set(fault, FAULT_CRYPTO,
                         "the key was changed since it was sealed, or sealed for another; restore the file");
    if (plain.n != ROOT_KEY_SIZE)
        return fault_set(fault, FAULT_SYNTAX, "a key of %zu bytes instead of %d", plain.n, ROOT_KEY_SIZE);
    memcpy(secret, plain.p, ROOT_KEY_SIZE);
    secret_wipe((void *)(uintptr_t)plain.p, plain.n);
    return true;
}
