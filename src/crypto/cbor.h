/* CBOR (RFC 8949) as COSE needs it, from hostile bytes. Heads are read by libcbor's decoder of single items, which allocates
 * nothing and gives views of the input; depth, count and memory are ours: every value lies in the arena.
 *
 * Strict: definite lengths only, keys of a map are integers or text and each there once, text is UTF-8, no floating point. */
#ifndef ASSAY_CRYPTO_CBOR_H
#define ASSAY_CRYPTO_CBOR_H

#include "base/arena.h"

enum cbor_kind {
    CBOR_KIND_UNSIGNED, /* number */
    CBOR_KIND_NEGATIVE, /* -1 - number */
    CBOR_KIND_BYTES,
    CBOR_KIND_TEXT,
    CBOR_KIND_ARRAY, /* items from first on */
    CBOR_KIND_MAP,   /* key, value, key, value… from first on; count is that of pairs */
    CBOR_KIND_TAG,   /* number, and first is what it is about */
    CBOR_KIND_FALSE,
    CBOR_KIND_TRUE,
    CBOR_KIND_NULL,
    CBOR_KIND_UNDEFINED,
};

struct cbor {
    enum cbor_kind kind;
    uint64_t number;
    struct bytes text; /* BYTES, TEXT: a view of the input */
    size_t count;
    const struct cbor *first, *next;
};

/* One value that is the whole of the bytes; false for anything else, and past a limit. */
bool cbor_parse(struct arena *a, struct bytes b, const struct cbor **out);

/* The value of an integer or text key; NULL when it is not there, or the map is none (NULL too). */
const struct cbor *cbor_at(const struct cbor *map, int64_t key);
const struct cbor *cbor_at_text(const struct cbor *map, const char *key);
const struct cbor *cbor_at_key(const struct cbor *map, const struct cbor *key);
/* Of a value that may be NULL; false when it is not of that kind (or does not fit). */
bool cbor_text(const struct cbor *v, struct bytes *out);
bool cbor_bytes(const struct cbor *v, struct bytes *out);
bool cbor_integer(const struct cbor *v, int64_t *out);

#endif
