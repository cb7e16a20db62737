#include "crypto/cose.h"

#include <cbor/encoding.h>

#include "base/limits.h"

enum { TAG_SIGN1 = 18 };

static const struct {
    int64_t id; /* IANA, COSE Algorithms */
    enum signature_alg alg;
    enum key_kind key;
} algorithms[] = {
    {-7, SIGNATURE_ES256, KEY_P256}, {-35, SIGNATURE_ES384, KEY_P384}, {-37, SIGNATURE_PS256, KEY_RSA},
    {-38, SIGNATURE_PS384, KEY_RSA}, {-39, SIGNATURE_PS512, KEY_RSA},
};

static bool read_algorithm(const struct cbor *headers, enum signature_alg *out)
{
    int64_t id;

    if (!cbor_integer(cbor_at(headers, COSE_ALG), &id))
        return false;
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
        if (algorithms[i].id == id) {
            *out = algorithms[i].alg;
            return true;
        }
    return false;
}

/* A label may stand in one of the maps alone (RFC 9052 3). */
static bool share_a_label(const struct cbor *a, const struct cbor *b)
{
    for (const struct cbor *key = b->first; key; key = key->next->next)
        if (cbor_at_key(a, key))
            return true;
    return false;
}

static bool is_map(const struct cbor *v)
{
    return v && v->kind == CBOR_KIND_MAP;
}

bool cose_sign1_decode(struct arena *a, struct bytes b, struct cose_sign1 *out, struct fault *fault)
{
    const struct cbor *tagged, *list, *member[4];

    *out = (struct cose_sign1){0};
    if (b.n > LIMIT_COSE || !cbor_parse(a, b, &tagged))
        return fault_set(fault, FAULT_SYNTAX, "it is no CBOR value of definite lengths within %d bytes", LIMIT_COSE);
    list = tagged->first;
    if (tagged->kind != CBOR_KIND_TAG || tagged->number != TAG_SIGN1 || list->kind != CBOR_KIND_ARRAY ||
        list->count != 4)
        return fault_set(fault, FAULT_SYNTAX, "it is no COSE_Sign1: tag 18 with four members");
    for (size_t i = 0; i < 4; i++)
        member[i] = i ? member[i - 1]->next : list->first;
    if (!cbor_bytes(member[0], &out->protected_bytes) || !is_map(member[1]) || !cbor_bytes(member[2], &out->payload) ||
        !cbor_bytes(member[3], &out->signature))
        return fault_set(fault, FAULT_SYNTAX, "its members are not headers, headers, payload and signature");
    if (!cbor_parse(a, out->protected_bytes, &out->headers) || !is_map(out->headers))
        return fault_set(fault, FAULT_SYNTAX, "its protected headers are no CBOR map");
    if (share_a_label(out->headers, member[1]) || cbor_at(out->headers, COSE_CRIT) || cbor_at(member[1], COSE_CRIT))
        return fault_set(fault, FAULT_SYNTAX, "a header stands in both maps, or is critical");
    return read_algorithm(out->headers, &out->alg) ||
           fault_set(fault, FAULT_SYNTAX, "its algorithm is none of PS256, PS384, PS512, ES256, ES384");
}

static void wr_byte_string(struct writer *w, struct bytes b)
{
    enum { HEAD_MOST = 9 };
    uint8_t *room = wr_room(w, HEAD_MOST);

    w->n += cbor_encode_bytestring_start(b.n, room, HEAD_MOST);
    wr_put(w, b);
}

struct bytes cose_sign1_signed(struct arena *a, struct bytes protected_bytes, struct bytes payload)
{
    struct writer w = wr_open(a);

    wr_put(&w, BYTES_LIT("\x84\x6aSignature1")); /* an array of four; its first, a text of ten */
    wr_byte_string(&w, protected_bytes);
    wr_byte_string(&w, BYTES_NONE);
    wr_byte_string(&w, payload);
    return wr_done(&w);
}

bool cose_sign1_verify(struct arena *a, const struct cose_sign1 *m, const struct public_key *key)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
        if (algorithms[i].alg == m->alg && algorithms[i].key == key->kind)
            return signature_verify(key, m->alg, cose_sign1_signed(a, m->protected_bytes, m->payload), m->signature);
    return false;
}
