/* What a UVM endorsement says, in either of its forms (snp-cvm.md 2.5). */
#include "base/limits.h"
#include "base/text.h"
#include "evidence/parts/uvm_read.h"

enum { CWT_ISS = 1, CWT_SUB = 2, HASH_ALGORITHM = 258, PREIMAGE_TYPE = 259, COSE_SHA384 = -43 };

static bool wrong(struct fault *fault, const char *what)
{
    return fault_set(fault, FAULT_SYNTAX, "%s", what);
}

/* x5chain: certificates, leaf first (RFC 9360); one alone has no authority. */
static bool read_chain(struct arena *a, const struct cbor *list, struct uvm_statement *out, struct fault *fault)
{
    const struct certificate **link = &out->leaf;

    if (!list || list->kind != CBOR_KIND_ARRAY || list->count < 2 || list->count > LIMIT_CHAIN)
        return wrong(fault, "its chain (header 33) is no list of two certificates or more");
    for (const struct cbor *item = list->first; item; item = item->next) {
        struct bytes der;

        if (!cbor_bytes(item, &der) || der.n > LIMIT_CERTIFICATE || !certificate_decode(a, der, link, fault))
            return wrong(fault, "its chain holds what is no certificate");
        link = &((struct certificate *)(uintptr_t)*link)->next; /* decoded just now, so ours to link */
    }
    return true;
}

/* The version stands as a text of decimal digits, since 2025 beside that as a number, which must then be the same. */
static bool read_json_svn(const struct json *claims, uint64_t *out)
{
    const struct json *text = json_member(claims, "x-ms-sevsnpvm-guestsvn"),
                      *number = json_member(claims, "x-ms-sevsnpvm-guestsvn-int");
    struct bytes digits;
    uint64_t again;

    if (!text)
        return json_unsigned(number, INT64_MAX, out);
    return json_text(text, &digits) && decimal_parse(digits, INT64_MAX, out) &&
           (!number || (json_unsigned(number, INT64_MAX, &again) && again == *out));
}

static bool read_json_claims(struct arena *a, struct bytes payload, struct uvm_statement *out, struct fault *fault)
{
    size_t budget = LIMIT_UVM_CLAIMS;
    struct json_rules rules = {.budget = &budget};
    const struct json *claims;
    struct bytes hex;

    if (!json_parse(a, payload, &rules, &claims, fault))
        return false;
    return (json_text(json_member(claims, "x-ms-sevsnpvm-launchmeasurement"), &hex) &&
            hex_decode(a, hex, &out->measurement) && read_json_svn(claims, &out->svn)) ||
           wrong(fault, "its payload lacks the launch measurement or the version of the guest");
}

static bool read_legacy(struct arena *a, const struct cose_sign1 *m, struct uvm_statement *out, struct fault *fault)
{
    struct bytes type;

    if (!cbor_text(cbor_at(m->headers, COSE_CONTENT_TYPE), &type) || !bytes_is(type, "application/json") ||
        !cbor_text(cbor_at_text(m->headers, "iss"), &out->issuer) ||
        !cbor_text(cbor_at_text(m->headers, "feed"), &out->feed))
        return wrong(fault, "it has neither claims in CWT form nor iss, feed and JSON");
    return read_json_claims(a, m->payload, out, fault);
}

static bool read_cwt(const struct cose_sign1 *m, const struct cbor *claims, int64_t svn, struct uvm_statement *out,
                     struct fault *fault)
{
    struct bytes type;
    int64_t hash;

    out->cwt = true;
    out->svn = (uint64_t)svn;
    out->measurement = m->payload;
    if (svn < 0 || !cbor_text(cbor_at(claims, CWT_ISS), &out->issuer) ||
        !cbor_text(cbor_at(claims, CWT_SUB), &out->feed))
        return wrong(fault, "its CWT claims lack issuer or subject");
    return (cbor_integer(cbor_at(m->headers, HASH_ALGORITHM), &hash) && hash == COSE_SHA384 &&
            cbor_text(cbor_at(m->headers, PREIMAGE_TYPE), &type) && bytes_is(type, "application/octet-stream") &&
            !cbor_at(m->headers, COSE_CONTENT_TYPE)) ||
           wrong(fault, "its payload is not a SHA-384 digest of application/octet-stream");
}

bool uvm_read_message(struct arena *a, struct bytes cose, struct cose_sign1 *m, struct uvm_statement *out,
                      struct fault *fault)
{
    const struct cbor *claims;
    int64_t svn;

    *out = (struct uvm_statement){0};
    if (!cose_sign1_decode(a, cose, m, fault))
        return false;
    claims = cbor_at(m->headers, COSE_CWT_CLAIMS);
    if (!(cbor_integer(cbor_at_text(claims, "svn"), &svn) ? read_cwt(m, claims, svn, out, fault)
                                                          : read_legacy(a, m, out, fault)))
        return false;
    if (out->measurement.n != SHA384_SIZE || !out->issuer.n || out->issuer.n > LIMIT_UVM_TEXT || !out->feed.n ||
        out->feed.n > LIMIT_UVM_TEXT)
        return wrong(fault, "its measurement, issuer or feed has an impossible length");
    return read_chain(a, cbor_at(m->headers, COSE_X5CHAIN), out, fault);
}

bool uvm_read(struct arena *a, struct bytes cose, struct uvm_statement *out, struct fault *fault)
{
    struct cose_sign1 m;

    return uvm_read_message(a, cose, &m, out, fault);
}
