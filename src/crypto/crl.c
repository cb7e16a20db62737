#include "crypto/x509_parts.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/text.h"
#include "crypto/pem.h"

/* 2.5.29.n */
enum { EXT_CRL_NUMBER = 20, EXT_REASON = 21, EXT_INVALIDITY_DATE = 24, EXT_AUTHORITY_KEY_ID = 35 };

enum { TEXT_MOST = 2 * LIMIT_CRL + 64 }; /* hexadecimal with what may stand behind it; the longest form */

/* The DER of whatever form the text has (sgx-tdx.md 5). */
static bool to_der(struct arena *a, struct bytes text, struct bytes *der)
{
    struct pem_block block;
    bool found;

    if (bytes_begin(text, "-----")) {
        if (!pem_next(a, &text, &block, &found) || !found || !bytes_is(block.label, "X509 CRL"))
            return false;
        *der = block.der;
        return true;
    }
    if (text.n && text.p[0] == DER_SEQUENCE) {
        /* A NUL behind is no part of it; a CRL's own last byte may be zero. */
        struct reader r = rd_open(text);

        *der = der_take_whole(&r, DER_SEQUENCE);
        return rd_ok(&r) && bytes_all_zero(rd_rest(&r));
    }
    return hex_decode(a, bytes_trim_end(text), der);
}

static int by_bytes(const void *x, const void *y)
{
    return bytes_compare(*(const struct bytes *)x, *(const struct bytes *)y);
}

static bool read_entry(struct crl *c, struct reader *list, struct bytes *serial)
{
    struct reader entry = der_enter(list, DER_SEQUENCE);
    struct x509_extension e;

    *serial = der_unsigned(&entry);
    der_time(&entry);
    if (rd_left(&entry)) {
        struct reader extensions = der_enter(&entry, DER_SEQUENCE);

        while (rd_left(&extensions)) {
            if (!x509_next_extension(&extensions, &e))
                return false;
            uint8_t arc = x509_certificate_arc(e.oid);
            c->critical_unknown |= e.critical && arc != EXT_REASON && arc != EXT_INVALIDITY_DATE;
        }
    }
    return rd_end(&entry);
}

static bool read_entries(struct arena *a, struct crl *c, struct reader list)
{
    struct bytes *serials = NULL;
    size_t cap = 0;

    while (rd_left(&list)) {
        struct bytes serial;

        if (!read_entry(c, &list, &serial) || c->count == LIMIT_CRL_ENTRIES)
            return false;
        serials = ARENA_ROOM(a, serials, c->count, &cap);
        serials[c->count++] = serial;
    }
    if (c->count)
        qsort(serials, c->count, sizeof *serials, by_bytes);
    c->serials = serials;
    return rd_end(&list);
}

static bool read_extensions(struct crl *c, struct reader *r)
{
    struct reader wrapper = der_enter(r, DER_CONSTRUCTED(0)), list = der_enter(&wrapper, DER_SEQUENCE);
    struct x509_extension e;

    while (rd_left(&list)) {
        if (!x509_next_extension(&list, &e))
            return false;
        struct reader number = rd_open(e.value);
        switch (x509_certificate_arc(e.oid)) {
        case EXT_CRL_NUMBER:
            c->number = der_unsigned(&number);
            if (!rd_end(&number))
                return false;
            break;
        case EXT_AUTHORITY_KEY_ID: c->authority_key_id = x509_authority_key_id(e.value); break;
        default: c->critical_unknown |= e.critical; break;
        }
    }
    return rd_end(&wrapper) && rd_end(&list);
}

static bool read_tbs(struct arena *a, struct crl *c, struct bytes *inner_alg)
{
    struct reader outer = rd_open(c->tbs), r = der_enter(&outer, DER_SEQUENCE);
    bool version_2 = der_u64(&r) == 1;

    *inner_alg = der_take_whole(&r, DER_SEQUENCE);
    c->issuer = der_take_whole(&r, DER_SEQUENCE);
    c->this_update = der_time(&r);
    c->has_next_update = der_next_is(&r, DER_UTC_TIME) || der_next_is(&r, DER_GENERALIZED_TIME);
    if (c->has_next_update)
        c->next_update = der_time(&r);
    if (der_next_is(&r, DER_SEQUENCE) && !read_entries(a, c, der_enter(&r, DER_SEQUENCE)))
        return false;
    if (der_next_is(&r, DER_CONSTRUCTED(0)) && !read_extensions(c, &r))
        return false;
    return version_2 && rd_end(&outer) && rd_end(&r);
}

bool crl_decode(struct arena *a, struct bytes text, const struct crl **out, struct fault *fault)
{
    struct crl *c = ARENA_NEW(a, struct crl);
    struct signed_parts parts;
    struct bytes inner_alg;

    *out = NULL;
    if (text.n > TEXT_MOST)
        return fault_set(fault, FAULT_LIMIT, "CRL: longer than %d bytes", LIMIT_CRL);
    if (!to_der(a, text, &c->der))
        return fault_set(fault, FAULT_SYNTAX, "CRL: neither DER nor PEM nor hexadecimal");
    if (c->der.n > LIMIT_CRL)
        return fault_set(fault, FAULT_LIMIT, "CRL: longer than %d bytes", LIMIT_CRL);
    c->der = arena_copy(a, c->der);
    if (!x509_envelope(c->der, &parts))
        return fault_set(fault, FAULT_SYNTAX, "CRL: not the DER of one CRL");
    c->tbs = parts.tbs;
    if (!read_tbs(a, c, &inner_alg))
        return fault_set(fault, FAULT_SYNTAX, "CRL: not a well-formed X.509 CRL of version 2");
    if (!bytes_equal(inner_alg, parts.alg))
        return fault_set(fault, FAULT_SYNTAX, "CRL: two signature algorithms are named");
    c->alg = x509_signature_alg(parts.alg);
    if (!x509_signature(a, c->alg, parts.signature, &c->signature))
        return fault_set(fault, FAULT_SYNTAX, "CRL: the signature is not one of its algorithm");
    c->issuer_cn = x509_common_name(c->issuer);
    sha256(c->der, c->digest);
    *out = c;
    return true;
}

bool crl_signed_by(const struct crl *c, const struct public_key *issuer_key)
{
    return x509_verify(c->alg, c->tbs, c->signature, issuer_key);
}

bool crl_revokes(const struct crl *c, struct bytes serial)
{
    return c->count && bsearch(&serial, c->serials, c->count, sizeof *c->serials, by_bytes);
}
