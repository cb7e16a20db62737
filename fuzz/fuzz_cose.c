/* Any bytes as CBOR and as COSE_Sign1: what is taken lies within the input and within the limits, and under a key of ours
 * nothing verifies but what it signed. */
#include <stdlib.h>

#include "base/limits.h"
#include "crypto/cose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static bool inside(struct bytes part, struct bytes whole)
{
    return part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

/* How many values there are below and with v. */
static size_t walk(const struct cbor *v, struct bytes whole, unsigned depth)
{
    size_t children = 0, values = 1;

    must(depth <= LIMIT_CBOR_DEPTH && inside(v->text, whole));
    for (const struct cbor *c = v->first; c; c = c->next, children++)
        values += walk(c, whole, depth + 1);
    switch (v->kind) {
    case CBOR_KIND_ARRAY: must(children == v->count); break;
    case CBOR_KIND_MAP:
        must(children == 2 * v->count);
        for (const struct cbor *k = v->first; k; k = k->next->next)
            must(cbor_at_key(v, k) == k->next); /* each key is there once */
        break;
    case CBOR_KIND_TAG: must(children == 1); break;
    default: must(children == 0);
    }
    return values;
}

static void as_message(struct arena *a, struct bytes b)
{
    /* The key of RFC 9052's examples, "11". */
    static const uint8_t point[] = "\xba\xc5\xb1\x1c\xad\x8f\x99\xf9\xc7\x2b\x05\xcf\x4b\x9e\x26\xd2\x44\xdc\x18\x9f"
                                   "\x74\x52\x28\x25\x5a\x21\x9a\x86"
                                   "\xd6\xa0\x9e\xff\x20\x13\x8b\xf8\x2d\xc1\xb6\xd5\x62\xbe\x0f\xa5\x4a\xb7\x80\x4a"
                                   "\x3a\x64\xb6\xd7\x2c\xcf\xed\x6b"
                                   "\x6f\xb6\xed\x28\xbb\xfc\x11\x7e";
    struct cose_sign1 m;
    struct fault fault = {0};
    struct public_key key;

    must(cose_sign1_decode(a, b, &m, &fault) == (fault.code == FAULT_NONE));
    if (fault.code != FAULT_NONE)
        return;
    must(b.n <= LIMIT_COSE && inside(m.protected_bytes, b) && inside(m.payload, b) && inside(m.signature, b));
    must(cbor_at(m.headers, COSE_ALG) && !cbor_at(m.headers, COSE_CRIT));
    must(public_key_from_point(bytes_make(point, 64), &key));
    must(!cose_sign1_verify(a, &m, &key) || bytes_is(m.payload, "This is the content."));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes b = bytes_make(data, size);
    const struct cbor *v;
    struct arena a;

    arena_init(&a, LIMIT_REQUEST_MEMORY);
    if (cbor_parse(&a, b, &v))
        must(walk(v, b, 0) <= LIMIT_CBOR_VALUES);
    as_message(&a, b);
    arena_free(&a);
    return 0;
}
