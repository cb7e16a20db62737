#include "crypto/x509_parts.h"

#include "base/limits.h"
#include "crypto/pem.h"

/* 2.5.29.n */
enum {
    EXT_SUBJECT_KEY_ID = 14,
    EXT_KEY_USAGE = 15,
    EXT_BASIC_CONSTRAINTS = 19,
    EXT_NAME_CONSTRAINTS = 30,
    EXT_AUTHORITY_KEY_ID = 35,
    EXT_POLICY_CONSTRAINTS = 36,
    EXT_INHIBIT_ANY_POLICY = 54
};

static bool read_basic_constraints(struct certificate *c, struct bytes value)
{
    struct reader outer = rd_open(value), r = der_enter(&outer, DER_SEQUENCE);

    c->has_basic_constraints = true;
    c->is_ca = der_next_is(&r, DER_BOOLEAN) && der_boolean(&r);
    if (der_next_is(&r, DER_INTEGER)) {
        uint64_t length = der_u64(&r);

        c->path_length = length < LIMIT_CHAIN ? (int)length : LIMIT_CHAIN;
    }
    return rd_end(&outer) && rd_end(&r);
}

static bool read_key_usage(struct certificate *c, struct bytes value)
{
    struct reader r = rd_open(value);
    struct bytes bits = der_take(&r, DER_BIT_STRING); /* the first octet counts unused bits */

    c->has_key_usage = true;
    c->key_usage = bits.n >= 2 ? bits.p[1] : 0;
    return rd_end(&r) && bits.n >= 1 && bits.n <= 3 && bits.p[0] <= 7;
}

static bool read_subject_key_id(struct certificate *c, struct bytes value)
{
    struct reader r = rd_open(value);

    c->subject_key_id = der_take(&r, DER_OCTET_STRING);
    return rd_end(&r);
}

static bool read_extension(struct certificate *c, const struct x509_extension *e)
{
    switch (x509_certificate_arc(e->oid)) {
    case EXT_BASIC_CONSTRAINTS: return read_basic_constraints(c, e->value);
    case EXT_KEY_USAGE: return read_key_usage(c, e->value);
    case EXT_SUBJECT_KEY_ID: return read_subject_key_id(c, e->value);
    case EXT_AUTHORITY_KEY_ID: c->authority_key_id = x509_authority_key_id(e->value); return true;
    case EXT_NAME_CONSTRAINTS:
    case EXT_POLICY_CONSTRAINTS:
    case EXT_INHIBIT_ANY_POLICY: c->critical_unknown = true; return true; /* none is ignored, critical or not */
    default: c->critical_unknown |= e->critical; return true;
    }
}

static bool read_extensions(struct certificate *c)
{
    for (struct reader list = rd_open(c->extensions); rd_left(&list);) {
        struct x509_extension e, earlier;

        if (!x509_next_extension(&list, &e) || !read_extension(c, &e))
            return false;
        for (struct reader again = rd_open(c->extensions);
             x509_next_extension(&again, &earlier) && earlier.oid.p != e.oid.p;)
            if (bytes_equal(earlier.oid, e.oid))
                return false; /* one that stands twice */
    }
    return true;
}

/* Everything of TBSCertificate; false when it does not have that form. */
static bool read_tbs(struct arena *a, struct certificate *c, struct bytes *inner_alg)
{
    struct reader outer = rd_open(c->tbs), r = der_enter(&outer, DER_SEQUENCE);
    struct reader version = der_enter(&r, DER_CONSTRUCTED(0));
    bool v3 = der_u64(&version) == 2 && rd_end(&version);

    c->serial = der_unsigned(&r);
    *inner_alg = der_take_whole(&r, DER_SEQUENCE);
    c->issuer = der_take_whole(&r, DER_SEQUENCE);
    struct reader validity = der_enter(&r, DER_SEQUENCE);
    c->not_before = der_time(&validity);
    c->not_after = der_time(&validity);
    c->subject = der_take_whole(&r, DER_SEQUENCE);
    c->spki = der_take_whole(&r, DER_SEQUENCE);
    for (uint8_t unique_id = 1; unique_id <= 2; unique_id++)
        if (der_next_is(&r, DER_CONTEXT(unique_id)))
            der_take(&r, DER_CONTEXT(unique_id));
    if (der_next_is(&r, DER_CONSTRUCTED(3))) {
        struct reader wrapper = der_enter(&r, DER_CONSTRUCTED(3));

        c->extensions = der_take(&wrapper, DER_SEQUENCE);
        if (!rd_end(&wrapper))
            return false;
    }
    if (!v3 || !rd_end(&outer) || !rd_end(&r) || !rd_end(&validity))
        return false;
    sha256(c->spki, c->spki_digest);
    if (!public_key_decode(a, c->spki, &c->key))
        c->key = (struct public_key){.kind = KEY_NONE};
    return read_extensions(c);
}

bool certificate_decode(struct arena *a, struct bytes der, const struct certificate **out, struct fault *fault)
{
    struct certificate *c = ARENA_NEW(a, struct certificate);
    struct signed_parts parts;
    struct bytes inner_alg;

    *out = NULL;
    if (der.n > LIMIT_CERTIFICATE)
        return fault_set(fault, FAULT_LIMIT, "certificate: longer than %d bytes", LIMIT_CERTIFICATE);
    c->der = arena_copy(a, der);
    c->path_length = -1;
    if (!x509_envelope(c->der, &parts))
        return fault_set(fault, FAULT_SYNTAX, "certificate: not the DER of one certificate");
    c->tbs = parts.tbs;
    if (!read_tbs(a, c, &inner_alg))
        return fault_set(fault, FAULT_SYNTAX, "certificate: not a well-formed X.509 certificate of version 3");
    if (!bytes_equal(inner_alg, parts.alg))
        return fault_set(fault, FAULT_SYNTAX, "certificate: two signature algorithms are named");
    c->alg = x509_signature_alg(parts.alg);
    if (!x509_signature(a, c->alg, parts.signature, &c->signature))
        return fault_set(fault, FAULT_SYNTAX, "certificate: the signature is not one of its algorithm");
    c->subject_cn = x509_common_name(c->subject);
    c->issuer_cn = x509_common_name(c->issuer);
    sha256(c->der, c->digest);
    *out = c;
    return true;
}

static bool append(struct certificate ***link, const struct certificate *c, size_t *count, struct fault *fault)
{
    if (++*count > LIMIT_CHAIN)
        return fault_set(fault, FAULT_LIMIT, "more than %d certificates", LIMIT_CHAIN);
    **link = (struct certificate *)(uintptr_t)c; /* decoded just now, so ours to link */
    *link = (struct certificate **)(uintptr_t) & (**link)->next;
    return true;
}

bool certificates_decode(struct arena *a, struct bytes text, const struct certificate **list, size_t *count,
                         struct fault *fault)
{
    struct certificate *first = NULL, **link = &first;
    const struct certificate *c;

    *list = NULL;
    *count = 0;
    if (text.n && text.p[0] == DER_SEQUENCE) {
        if (!certificate_decode(a, text, &c, fault) || !append(&link, c, count, fault))
            return false;
        *list = first;
        return true;
    }
    for (;;) {
        struct pem_block block;
        bool found;

        if (!pem_next(a, &text, &block, &found))
            return fault_set(fault, FAULT_SYNTAX, "PEM: a block is broken");
        if (!found)
            break;
        if (!bytes_is(block.label, "CERTIFICATE"))
            return fault_set(fault, FAULT_SYNTAX, "PEM: a block is no certificate");
        if (!certificate_decode(a, block.der, &c, fault) || !append(&link, c, count, fault))
            return false;
    }
    *list = first;
    return first || fault_set(fault, FAULT_SYNTAX, "no certificate found");
}

bool certificate_extension(const struct certificate *c, struct bytes oid, struct bytes *value)
{
    struct x509_extension e;

    for (struct reader list = rd_open(c->extensions); rd_left(&list) && x509_next_extension(&list, &e);)
        if (bytes_equal(e.oid, oid)) {
            *value = e.value;
            return true;
        }
    return false;
}

bool certificate_unprocessed(const struct certificate *c, const uint8_t *arcs, size_t count)
{
    struct x509_extension e;

    for (struct reader list = rd_open(c->extensions); rd_left(&list) && x509_next_extension(&list, &e);) {
        uint8_t arc = x509_certificate_arc(e.oid);

        switch (arc) {
        case EXT_BASIC_CONSTRAINTS:
        case EXT_KEY_USAGE:
        case EXT_SUBJECT_KEY_ID:
        case EXT_AUTHORITY_KEY_ID: continue;
        case EXT_NAME_CONSTRAINTS:
        case EXT_POLICY_CONSTRAINTS:
        case EXT_INHIBIT_ANY_POLICY: return true;
        default:
            if (e.critical && !(arc && memchr(arcs, arc, count)))
                return true;
        }
    }
    return false;
}

bool certificate_signed_by(const struct certificate *c, const struct public_key *issuer_key)
{
    return x509_verify(c->alg, c->tbs, c->signature, issuer_key);
}

bool public_key_read(struct arena *a, struct bytes text, struct public_key *out)
{
    const struct certificate *list;
    struct pem_block block;
    size_t count;
    bool found;

    *out = (struct public_key){0};
    if (certificates_decode(a, text, &list, &count, NULL))
        *out = list->key;
    else if (pem_next(a, &text, &block, &found) && found)
        return bytes_is(block.label, "PUBLIC KEY") && public_key_decode(a, block.der, out);
    return out->kind != KEY_NONE;
}
