#include "endorsement/intel/document.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"

enum { SIGNATURE_SIZE = 64 };

void document_fail(struct document_reader *r, const char *member, const char *what)
{
    r->failed = true;
    fault_set(r->fault, FAULT_SYNTAX, "%s: %s: %s", r->name, member, what);
}

uint64_t document_number(struct document_reader *r, const struct json *object, const char *member, uint64_t max)
{
    uint64_t v = 0;

    if (!r->failed && !json_unsigned(json_member(object, member), max, &v))
        document_fail(r, member, "not a number in range");
    return v;
}

struct bytes document_text(struct document_reader *r, const struct json *object, const char *member)
{
    struct bytes text = BYTES_NONE;

    if (!r->failed && !json_text(json_member(object, member), &text))
        document_fail(r, member, "not a text");
    return text;
}

struct bytes document_hex(struct document_reader *r, const struct json *object, const char *member, size_t size)
{
    struct bytes text = document_text(r, object, member), out = BYTES_NONE;

    if (!r->failed && (!hex_decode(r->arena, text, &out) || out.n != size))
        document_fail(r, member, "not hexadecimal of the right length");
    return out;
}

int64_t document_time(struct document_reader *r, const struct json *object, const char *member)
{
    struct bytes text = document_text(r, object, member);
    int64_t t = 0;

    if (!r->failed && !time_parse(text, &t))
        document_fail(r, member, "not a time of the form YYYY-MM-DDThh:mm:ssZ");
    return t;
}

const struct json *document_array(struct document_reader *r, const struct json *object, const char *member, size_t max)
{
    const struct json *v = json_member(object, member);

    if (r->failed)
        return NULL;
    if (v && v->kind == JSON_ARRAY && v->count >= 1 && v->count <= max)
        return v;
    document_fail(r, member, "not an array, empty, or too long");
    return NULL;
}

void document_level(struct document_reader *r, const struct json *level, enum tcb_status *status, struct bytes *date,
                    const struct bytes **advisories, size_t *advisory_count)
{
    struct bytes name = document_text(r, level, "tcbStatus");
    const struct json *ids = json_member(level, "advisoryIDs");

    if (!r->failed && (!tcb_status_by_name(name, status) || *status == TCB_NOT_SUPPORTED))
        document_fail(r, "tcbStatus", "unknown");
    document_time(r, level, "tcbDate");
    *date = document_text(r, level, "tcbDate");
    if (r->failed || !ids)
        return;
    if (ids->kind != JSON_ARRAY || ids->count > LIMIT_ADVISORIES) {
        document_fail(r, "advisoryIDs", "not an array, or too long");
        return;
    }
    struct bytes *list = ARENA_ARRAY(r->arena, struct bytes, ids->count);
    JSON_EACH (id, ids)
        if (!json_text(id, &list[(*advisory_count)++]))
            document_fail(r, "advisoryIDs", "not a text");
    *advisories = list;
}

static int highest_svn_first(const void *a, const void *b)
{
    return ((const struct svn_level *)b)->isv_svn - ((const struct svn_level *)a)->isv_svn;
}

const struct svn_level *document_svn_levels(struct document_reader *r, const struct json *object, size_t *count)
{
    const struct json *levels = document_array(r, object, "tcbLevels", LIMIT_TCB_LEVELS);
    struct svn_level *list = levels ? ARENA_ARRAY(r->arena, struct svn_level, levels->count) : NULL;
    size_t n = 0;

    JSON_EACH (level, levels) {
        struct svn_level *l = &list[n++];

        l->isv_svn = (uint16_t)document_number(r, json_member(level, "tcb"), "isvsvn", UINT16_MAX);
        document_level(r, level, &l->status, &l->date, &l->advisories, &l->advisory_count);
    }
    if (r->failed)
        return NULL;
    qsort(list, n, sizeof *list, highest_svn_first);
    for (size_t i = 1; i < n; i++)
        if (list[i - 1].isv_svn == list[i].isv_svn)
            document_fail(r, "tcbLevels", "a level stands twice");
    *count = n;
    return list;
}

const struct json *document_open(struct document_reader *r, struct bytes text, const char *member,
                                 struct signed_document *out)
{
    const struct json *document, *inner;
    struct bytes parts[2];

    text = bytes_trim_nul(text); /* OE endorsements carry the text with its NUL */
    if (text.n > LIMIT_COLLATERAL) {
        document_fail(r, member, "the document is too long");
        return NULL;
    }
    if (!json_parse(r->arena, text, NULL, &document, r->fault)) {
        r->failed = true;
        return NULL;
    }
    inner = json_member(document, member);
    if (!inner || inner->kind != JSON_OBJECT) {
        document_fail(r, member, "missing");
        return NULL;
    }
    out->name = r->name;
    out->inner = inner->span;
    out->signature = document_hex(r, document, "signature", SIGNATURE_SIZE);
    out->issued = document_time(r, inner, "issueDate");
    out->next_update = document_time(r, inner, "nextUpdate");
    parts[0] = text;
    parts[1] = BYTES_LIT("\0");
    digest_parts(DIGEST_SHA256, parts, 2, out->hash);
    return inner;
}
