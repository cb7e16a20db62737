#include "crypto/x509.h"

#include "base/clock.h"
#include "base/limits.h"

bool anchors_have(const struct anchors *anchors, const uint8_t spki_digest[SHA256_SIZE])
{
    for (size_t i = 0; i < anchors->count; i++)
        if (memcmp(anchors->pins[i], spki_digest, SHA256_SIZE) == 0)
            return true;
    return false;
}

bool chain_signatures(const struct certificate *leaf_first)
{
    for (const struct certificate *c = leaf_first; c; c = c->next)
        if (!certificate_signed_by(c, c->next ? &c->next->key : &c->key))
            return false;
    return leaf_first != NULL;
}

/* Name of a certificate in a note. */
static struct bytes who(const struct certificate *c)
{
    return c->subject_cn.n ? bytes_first(c->subject_cn, 128) : BYTES_LIT("(no common name)");
}

static bool names_match(struct trace *trace, enum check_id id, const struct certificate *leaf)
{
    for (const struct certificate *c = leaf; c; c = c->next) {
        const struct certificate *issuer = c->next ? c->next : c;

        if (!bytes_equal(c->issuer, issuer->subject)) {
            bool go_on = check_record(trace, id, false, CHECK_NO_VALUE, CHECK_NO_VALUE);
            check_note(trace, "the issuer of %.*s is not %.*s", (int)who(c).n, (const char *)who(c).p,
                       (int)who(issuer).n, (const char *)who(issuer).p);
            return go_on;
        }
    }
    return check_record(trace, id, true, CHECK_NO_VALUE, CHECK_NO_VALUE);
}

const char *certificate_lacks_authority(const struct certificate *c, int below)
{
    if (!c->has_basic_constraints || !c->is_ca)
        return "is no CA";
    if (c->has_key_usage && !(c->key_usage & KEY_USAGE_CERT_SIGN))
        return "may not sign certificates (keyUsage)";
    if (c->path_length >= 0 && below > c->path_length)
        return "allows fewer intermediates (pathLenConstraint)";
    return NULL;
}

static bool authority_holds(struct trace *trace, enum check_id id, const struct certificate *leaf)
{
    int place = 0;

    for (const struct certificate *c = leaf; c; c = c->next, place++) {
        const char *lack = c->critical_unknown ? "has a critical extension or a constraint that is not processed here"
                           : place             ? certificate_lacks_authority(c, place - 1)
                                               : NULL;

        if (place >= LIMIT_CHAIN)
            lack = "is one certificate too many";
        if (lack) {
            bool go_on = check_record(trace, id, false, CHECK_NO_VALUE, CHECK_NO_VALUE);
            check_note(trace, "%.*s %s", (int)who(c).n, (const char *)who(c).p, lack);
            return go_on;
        }
    }
    return check_record(trace, id, true, CHECK_NO_VALUE, CHECK_NO_VALUE);
}

static bool in_date(struct trace *trace, enum check_id id, const struct certificate *leaf, int64_t time)
{
    for (const struct certificate *c = leaf; c; c = c->next) {
        char from[32], to[32];

        if (c->not_before <= time && time <= c->not_after)
            continue;
        bool go_on = check_record(trace, id, false, check_time(time),
                                  check_time(time < c->not_before ? c->not_before : c->not_after));
        time_format(c->not_before, from);
        time_format(c->not_after, to);
        check_note(trace, "%.*s is valid from %s to %s", (int)who(c).n, (const char *)who(c).p, from, to);
        return go_on;
    }
    return check_record(trace, id, true, CHECK_NO_VALUE, CHECK_NO_VALUE);
}

bool path_links(struct trace *trace, const struct path_checks *ids, const struct certificate *leaf_first,
                bool signatures_ok)
{
    return check_record(trace, ids->signatures, signatures_ok, CHECK_NO_VALUE, CHECK_NO_VALUE) &&
           names_match(trace, ids->names, leaf_first) && authority_holds(trace, ids->authority, leaf_first);
}

bool path_verify(struct trace *trace, const struct path_checks *ids, const struct certificate *leaf_first,
                 bool signatures_ok, const struct anchors *anchors, int64_t time)
{
    const struct certificate *top = leaf_first;

    while (top->next)
        top = top->next;
    if (!check_record(trace, ids->anchor, anchors_have(anchors, top->spki_digest),
                      check_bytes(bytes_make(top->spki_digest, SHA256_SIZE)), check_text("the digest of a pinned key")))
        return false;
    return path_links(trace, ids, leaf_first, signatures_ok) && in_date(trace, ids->validity, leaf_first, time);
}
