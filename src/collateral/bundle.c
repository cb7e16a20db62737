#include "collateral/bundle.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"
#include "crypto/jose.h"

#define HEAD "assay collateral bundle 1 "

bool bundle_is(struct bytes text)
{
    return bytes_begin(text, HEAD);
}

static bool damaged(struct fault *fault, const char *how)
{
    return fault_set(fault, FAULT_SYNTAX, "%s: the bundle is damaged", how);
}

/* "HEAD length\n" */
static bool read_head(struct reader *r, size_t *length)
{
    bool one_form = bytes_is(rd_take(r, sizeof HEAD - 1), HEAD) && r->n && *r->p != '0';

    *length = (size_t)rd_decimal(r, LIMIT_BUNDLE_MANIFEST);
    return one_form && rd_u8(r) == '\n' && rd_ok(r);
}

/* A file name that recognise_name could have made: nothing that leads elsewhere, nothing hidden. */
static bool name_is_plain(struct bytes name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-.";

    if (name.n == 0 || name.n > 255 || name.p[0] == '.')
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (!name.p[i] || !strchr(allowed, name.p[i]))
            return false;
    return true;
}

static bool read_object(struct arena *a, const struct json *item, struct reader *r, struct folder_entry *out)
{
    struct bytes name, hex;
    uint64_t size;
    uint8_t told[SHA256_SIZE], found[SHA256_SIZE];

    if (!json_text(json_member(item, "name"), &name) || !name_is_plain(name) ||
        !json_unsigned(json_member(item, "size"), 2 * LIMIT_CRL, &size) || size == 0 ||
        !json_text(json_member(item, "sha256"), &hex) || !hex_decode_exact(hex, told, sizeof told))
        return false;
    out->name = arena_string(a, name);
    out->content = rd_take(r, (size_t)size);
    sha256(out->content, found);
    return rd_ok(r) && memcmp(told, found, sizeof told) == 0;
}

static bool read_manifest(struct arena *a, struct bytes payload, struct reader *r, struct bundle *out,
                          struct fault *fault)
{
    const struct json *manifest, *list;
    struct bytes time;
    uint64_t version;

    if (!json_parse(a, payload, NULL, &manifest, fault))
        return false;
    list = json_member(manifest, "objects");
    if (!json_unsigned(json_member(manifest, "version"), INT32_MAX, &version) || version != 1)
        return fault_set(fault, FAULT_SYNTAX, "a bundle of a version that is not known here");
    if (!json_unsigned(json_member(manifest, "sequence"), INT64_MAX, &out->sequence) || out->sequence == 0 ||
        !json_text(json_member(manifest, "time"), &time) || !time_parse(time, &out->time) || !list ||
        list->kind != JSON_ARRAY || list->count == 0 || list->count > LIMIT_FOLDER_FILES)
        return damaged(fault, "its manifest lacks something");
    out->objects = ARENA_ARRAY(a, struct folder_entry, list->count);
    JSON_EACH (item, list) {
        struct folder_entry *o = &out->objects[out->count++];

        if (!read_object(a, item, r, o))
            return damaged(fault, "an object is not what its manifest says");
        /* In ascending order, so that none stands twice. */
        if (out->count > 1 && strcmp(o[-1].name, o->name) >= 0)
            return damaged(fault, "objects are not in order, or one stands twice");
    }
    return rd_end(r) || damaged(fault, "bytes follow behind its end");
}

/* The key is named by the bundle itself; whether it may speak is judged by who imports. */
static bool read_signature(struct arena *a, const struct jws *jws, struct bundle *out, struct fault *fault)
{
    struct public_key key;
    struct bytes text, spki;

    if (jws->unsecured)
        return true;
    if (!json_text(json_member(jws->header, "spki"), &text) || !base64url_decode_strict(a, text, &spki) ||
        !public_key_decode(a, spki, &key))
        return fault_set(fault, FAULT_CRYPTO, "the bundle names no key of a kind that is accepted");
    if (!jws_verify(jws, &key))
        return fault_set(fault, FAULT_CRYPTO, "the signature of the bundle does not verify");
    sha256(spki, out->signer);
    out->is_signed = true;
    return true;
}

bool bundle_read(struct arena *a, struct bytes text, struct bundle *out, struct fault *fault)
{
    struct reader r = rd_open(text);
    struct fault reason = {0};
    struct jws jws;
    size_t length;

    *out = (struct bundle){0};
    if (text.n > LIMIT_BUNDLE)
        return fault_set(fault, FAULT_LIMIT, "longer than any bundle: more than %d bytes", LIMIT_BUNDLE);
    if (!read_head(&r, &length))
        return damaged(fault, "it does not begin as a bundle does");
    struct bytes compact = rd_take(&r, length);
    if (rd_u8(&r) != '\n' || !rd_ok(&r))
        return damaged(fault, "it ends too early");
    if (!jws_decode(a, compact, false, &jws, &reason))
        return fault_set(fault, FAULT_SYNTAX, "the manifest cannot be read: %s", reason.text);
    sha256(compact, out->digest);
    return read_signature(a, &jws, out, fault) && read_manifest(a, jws.payload, &r, out, fault);
}

bool bundle_parts(struct arena *a, const char *path, struct bytes text, struct folder_entry **out, size_t *count,
                  struct fault *fault)
{
    struct bundle b;

    *count = 0;
    if (!bundle_is(text)) {
        *out = ARENA_NEW(a, struct folder_entry);
        **out = (struct folder_entry){path, text};
        *count = 1;
        return true;
    }
    if (!bundle_read(a, text, &b, fault))
        return false;
    for (size_t i = 0; i < b.count; i++)
        b.objects[i].name = arena_printf(a, "%s:%s", path, b.objects[i].name);
    *out = b.objects;
    *count = b.count;
    return true;
}

static struct bytes manifest_of(struct arena *a, const struct bundle *in)
{
    struct json *manifest = json_new(a, JSON_OBJECT), *list = json_new(a, JSON_ARRAY);
    char time[32];

    time_format(in->time, time);
    JSON_SET(manifest, "version", json_new_integer(a, 1));
    JSON_SET(manifest, "sequence", json_new_integer(a, (int64_t)in->sequence));
    JSON_SET(manifest, "time", json_new_text(a, arena_copy(a, bytes_text(time))));
    JSON_SET(manifest, "objects", list);
    for (size_t i = 0; i < in->count; i++) {
        struct json *item = json_new(a, JSON_OBJECT);

        JSON_SET(item, "name", json_new_text(a, bytes_text(in->objects[i].name)));
        JSON_SET(item, "size", json_new_integer(a, (int64_t)in->objects[i].content.n));
        JSON_SET(item, "sha256", json_new_text(a, hex_encode(a, sha256_of(a, in->objects[i].content))));
        json_append(list, item);
    }
    return json_print(a, manifest, JSON_IN_ORDER);
}

static enum signature_alg alg_of(const struct signing_key *key)
{
    static const enum signature_alg algs[] = {
        [KEY_RSA] = SIGNATURE_PS256, [KEY_P256] = SIGNATURE_ES256, [KEY_P384] = SIGNATURE_ES384};

    return key ? algs[signing_key_kind(key)] : SIGNATURE_NONE;
}

static bool write_jws(struct arena *a, struct bytes manifest, const struct signing_key *key, struct bytes *out,
                      struct fault *fault)
{
    struct json *header = json_new(a, JSON_OBJECT);
    struct writer w = wr_open(a);
    struct bytes signature = BYTES_NONE;

    JSON_SET(header, "alg", json_new_text(a, bytes_text(signature_alg_name(alg_of(key)))));
    if (key)
        JSON_SET(header, "spki", json_new_text(a, base64url_encode(a, signing_key_spki(key, a))));
    wr_base64url(&w, json_print(a, header, JSON_IN_ORDER));
    wr_u8(&w, '.');
    wr_base64url(&w, manifest);
    if (key && !sign_message(key, alg_of(key), wr_done(&w), a, &signature))
        return fault_set(fault, FAULT_CRYPTO, "the bundle cannot be signed with this key");
    wr_u8(&w, '.');
    wr_base64url(&w, signature);
    *out = wr_done(&w);
    return true;
}

bool bundle_write(struct arena *a, const struct bundle *in, const struct signing_key *key, struct bytes *out,
                  struct fault *fault)
{
    struct writer w = wr_open(a);
    struct bytes jws;

    if (in->count == 0)
        return fault_set(fault, FAULT_USAGE, "there is nothing to put into a bundle");
    if (!write_jws(a, manifest_of(a, in), key, &jws, fault))
        return false;
    wr_printf(&w, HEAD "%zu\n", jws.n);
    wr_put(&w, jws);
    wr_u8(&w, '\n');
    for (size_t i = 0; i < in->count; i++)
        wr_put(&w, in->objects[i].content);
    *out = wr_done(&w);
    if (jws.n > LIMIT_BUNDLE_MANIFEST || out->n > LIMIT_BUNDLE)
        return fault_set(fault, FAULT_LIMIT, "too much for one bundle: more than %d bytes", LIMIT_BUNDLE);
    return true;
}
