#include "crypto/did_x509.h"

#include "base/text.h"
#include "crypto/der.h"

/* What stands before the separator; the rest loses both. Without one it is all, and the rest is empty. */
static struct bytes take_until(struct bytes *rest, const char *separator)
{
    size_t n = strlen(separator);
    const uint8_t *at = rest->n ? memmem(rest->p, rest->n, separator, n) : NULL;
    struct bytes found = bytes_first(*rest, at ? (size_t)(at - rest->p) : rest->n);

    *rest = bytes_after(*rest, found.n + n);
    return found;
}

bool did_x509_parse(struct arena *a, struct bytes did, struct did_x509 *out)
{
    static const char prefix[] = "did:x509:0:sha256:";
    struct bytes rest = bytes_after(did, sizeof prefix - 1), fingerprint;

    *out = (struct did_x509){0};
    if (!bytes_begin(did, prefix) || !base64url_decode_strict(a, take_until(&rest, "::"), &fingerprint) ||
        fingerprint.n != SHA256_SIZE || rest.n == 0)
        return false;
    memcpy(out->fingerprint, fingerprint.p, SHA256_SIZE);
    out->policies = rest;
    return true;
}

bool did_x509_pins(const struct did_x509 *did, const struct certificate *leaf_first)
{
    for (const struct certificate *c = leaf_first->next; c; c = c->next)
        if (memcmp(c->digest, did->fingerprint, SHA256_SIZE) == 0)
            return true;
    return false;
}

/* Content of an OBJECT IDENTIFIER as dotted numbers. */
static struct bytes oid_text(struct arena *a, struct bytes oid)
{
    struct writer w = wr_open(a);
    struct reader r = rd_open(oid);

    while (rd_left(&r)) {
        uint64_t arc = 0;
        uint8_t octet;

        do {
            octet = rd_u8(&r);
            if (!rd_ok(&r) || arc > UINT64_MAX >> 7)
                return BYTES_NONE;
            arc = arc << 7 | (octet & 0x7f);
        } while (octet & 0x80);
        if (w.n) {
            wr_printf(&w, ".%llu", (unsigned long long)arc);
        } else {
            uint64_t first = arc < 80 ? arc / 40 : 2;

            wr_printf(&w, "%llu.%llu", (unsigned long long)first, (unsigned long long)(arc - first * 40));
        }
    }
    return wr_done(&w);
}

static bool has_eku(struct arena *a, const struct certificate *leaf, struct bytes wanted)
{
    static const uint8_t oid_eku[] = {0x55, 0x1d, 0x25};
    struct bytes value;
    bool found = false;

    if (!wanted.n || !certificate_extension(leaf, BYTES_OF(oid_eku), &value))
        return false;
    struct reader outer = rd_open(value), list = der_enter(&outer, DER_SEQUENCE);
    while (rd_left(&list))
        found |= bytes_equal(oid_text(a, der_take(&list, DER_OID)), wanted);
    return found && rd_end(&list) && rd_end(&outer);
}

static int hex_digit(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* %3A is what separates values otherwise. */
static bool percent_decode(struct arena *a, struct bytes text, struct bytes *out)
{
    struct writer w = wr_open(a);

    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '%') {
            wr_u8(&w, text.p[i]);
            continue;
        }
        int high = i + 2 < text.n ? hex_digit(text.p[i + 1]) : -1, low = i + 2 < text.n ? hex_digit(text.p[i + 2]) : -1;
        if (high < 0 || low < 0)
            return false;
        wr_u8(&w, (uint8_t)(high << 4 | low));
        i += 2;
    }
    *out = wr_done(&w);
    return true;
}

static bool has_subject(struct arena *a, const struct certificate *leaf, struct bytes pairs)
{
    static const struct {
        const char *label;
        uint8_t arc; /* below 2.5.4 */
    } attributes[] = {{"CN", 3}, {"C", 6}, {"L", 7}, {"ST", 8}, {"O", 10}, {"OU", 11}};

    if (!pairs.n)
        return false;
    while (pairs.n) {
        struct bytes label = take_until(&pairs, ":"), value;
        bool holds = false;

        if (!percent_decode(a, take_until(&pairs, ":"), &value) || !value.n)
            return false;
        for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++)
            if (bytes_is(label, attributes[i].label))
                holds = bytes_equal(name_attribute(leaf->subject, attributes[i].arc), value);
        if (!holds)
            return false;
    }
    return true;
}

bool did_x509_policies_hold(struct arena *a, const struct did_x509 *did, const struct certificate *leaf,
                            struct bytes *unmet)
{
    for (struct bytes rest = did->policies; rest.n;) {
        struct bytes policy = take_until(&rest, "::"), value = policy, kind = take_until(&value, ":");

        *unmet = policy;
        if (!(bytes_is(kind, "eku") ? has_eku(a, leaf, value)
                                    : bytes_is(kind, "subject") && has_subject(a, leaf, value)))
            return false;
    }
    return did->policies.n > 0;
}
