/* Records from and to JSON. */
#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"
#include "trust/measurement.h"

static const char *const kinds[TEE_KINDS] = {"none", "sgx", "snp", "tdx", "software"};
enum { MEASUREMENT_SIZE = 48 }; /* of SNP and TDX */

bool measurement_is_whole(const struct measurement *m)
{
    switch (m->tee) {
    case TEE_KIND_SNP: return m->code.n && m->host_data.n;
    case TEE_KIND_TDX: return m->code.n && m->registers[0].n && m->registers[1].n && m->registers[2].n;
    default: return true;
    }
}

const char *tee_kind_name(enum tee_kind kind)
{
    return kinds[kind];
}

/* The members of values that are bytes, in the order of their names. */
struct value_name {
    enum tee_kind kind;
    const char *name;
    size_t size, at; /* where it lies in struct measurement */
};
#define REGISTER(n) (offsetof(struct measurement, registers) + (n) * sizeof(struct bytes))
static const struct value_name value_names[] = {
    {TEE_KIND_SGX, "mrenclave", SHA256_SIZE, offsetof(struct measurement, code)},
    {TEE_KIND_SGX, "mrsigner", SHA256_SIZE, offsetof(struct measurement, signer)},
    {TEE_KIND_SNP, "host_data", SHA256_SIZE, offsetof(struct measurement, host_data)},
    {TEE_KIND_SNP, "measurement", MEASUREMENT_SIZE, offsetof(struct measurement, code)},
    {TEE_KIND_TDX, "mrtd", MEASUREMENT_SIZE, offsetof(struct measurement, code)},
    {TEE_KIND_TDX, "rtmr0", MEASUREMENT_SIZE, REGISTER(0)},
    {TEE_KIND_TDX, "rtmr1", MEASUREMENT_SIZE, REGISTER(1)},
    {TEE_KIND_TDX, "rtmr2", MEASUREMENT_SIZE, REGISTER(2)},
    {TEE_KIND_TDX, "rtmr3", MEASUREMENT_SIZE, REGISTER(3)},
};
enum { VALUE_NAMES = sizeof value_names / sizeof *value_names };

static struct bytes *value_at(struct measurement *m, const struct value_name *v)
{
    return (struct bytes *)(void *)((uint8_t *)m + v->at);
}

static bool read_hex(struct arena *a, const struct json *v, size_t size, struct bytes *out)
{
    struct bytes text;

    return json_text(v, &text) && hex_decode(a, text, out) && out->n == size;
}

static bool read_value(struct arena *a, const struct json *v, struct measurement *m)
{
    uint64_t number;

    for (size_t i = 0; i < VALUE_NAMES; i++)
        if (value_names[i].kind == m->tee && bytes_is(v->name, value_names[i].name))
            return read_hex(a, v, value_names[i].size, value_at(m, &value_names[i]));
    if (m->tee != TEE_KIND_SGX || !json_unsigned(v, UINT16_MAX, &number))
        return false;
    if (bytes_is(v->name, "product_id"))
        m->product = (uint32_t)number;
    else if (bytes_is(v->name, "svn"))
        m->svn = (uint32_t)number;
    else
        return false;
    return true;
}

static const char *read_values(struct arena *a, const struct json *values, struct measurement *m)
{
    if (m->tee == TEE_KIND_SOFTWARE)
        return values && values->count ? "software has digests, and no values" : NULL;
    if (!values || values->kind != JSON_OBJECT)
        return "values is missing, or no object";
    JSON_EACH (v, values)
        if (!read_value(a, v, m))
            return arena_printf(a, "values: %s is not known for this kind, or not of its form",
                                arena_string(a, v->name));
    m->has_product = json_member(values, "product_id") && json_member(values, "svn");
    if (!json_member(values, "product_id") != !json_member(values, "svn"))
        return "values: product_id and svn go together";
    if (m->signer.n && !m->code.n && !m->has_product)
        return "values: mrsigner alone says little; product_id and svn go with it";
    return m->code.n || m->signer.n ? NULL : "values names no code: mrenclave or mrsigner, measurement, mrtd";
}

static const char *read_digests(struct arena *a, const struct json *digests, struct record *out)
{
    struct software_digest *list;

    if (!digests)
        return out->values.tee == TEE_KIND_SOFTWARE ? "software is announced by its digests" : NULL;
    if (digests->kind != JSON_OBJECT || digests->count > LIMIT_MEASUREMENT_DIGESTS || digests->count == 0)
        return "digests is no object, empty or too long";
    out->digests = list = ARENA_ARRAY(a, struct software_digest, digests->count);
    JSON_EACH (d, digests) {
        if (d->name.n == 0 || d->name.n > LIMIT_MEASUREMENT_TEXT || !read_hex(a, d, SHA256_SIZE, &list->sha256))
            return "digests: each is the SHA-256 of a program in hexadecimal";
        list++->name = d->name;
    }
    out->digest_count = digests->count;
    return NULL;
}

static bool read_time(const struct json *o, const char *name, int64_t absent, int64_t *out)
{
    const struct json *v = json_member(o, name);
    struct bytes text;

    *out = absent;
    return !v || (json_text(v, &text) && time_parse(text, out));
}

static const char *read_times(const struct json *o, bool lenient, struct record *out)
{
    if (!read_time(o, "announced", 0, &out->announced) || !read_time(o, "usable_from", 0, &out->usable_from) ||
        !read_time(o, "retired_after", RECORD_NEVER, &out->retired_after))
        return "a time is not of the form 2026-01-31T12:00:00Z";
    if (lenient)
        return NULL;
    return json_member(o, "announced") && json_member(o, "usable_from") ? NULL : "announced or usable_from is missing";
}

static bool read_label(const struct json *o, const char *name, bool lenient, struct bytes *out)
{
    const struct json *v = json_member(o, name);

    *out = BYTES_NONE;
    if (!v)
        return lenient;
    return json_text(v, out) && out->n > 0 && out->n <= LIMIT_MEASUREMENT_TEXT;
}

const char *record_read(struct arena *a, const struct json *o, bool lenient, struct record *out)
{
    static const char *const known[] = {"announced",     "component",   "digests", "kind",   "planned",
                                        "retired_after", "usable_from", "values",  "version"};
    struct bytes kind;

    *out = (struct record){.planned = true};
    if (o->kind != JSON_OBJECT)
        return "a record is no object";
    JSON_EACH (m, o) {
        bool found = false;

        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            found = found || bytes_is(m->name, known[i]);
        if (!found)
            return arena_printf(a, "a record has no member %s", arena_string(a, m->name));
    }
    if (!json_text(json_member(o, "kind"), &kind))
        return "kind is missing";
    for (int i = TEE_KIND_SGX; i < TEE_KINDS; i++)
        if (bytes_is(kind, kinds[i]))
            out->values.tee = (enum tee_kind)i;
    if (!out->values.tee)
        return "kind is none of sgx, snp, tdx, software";
    if (!read_label(o, "component", lenient, &out->component) || !read_label(o, "version", lenient, &out->version))
        return "component or version is missing, empty or too long";
    if (json_member(o, "planned") ? !json_boolean(json_member(o, "planned"), &out->planned) : !lenient)
        return "planned is missing, or neither true nor false";
    const char *why = read_values(a, json_member(o, "values"), &out->values);
    why = why ? why : read_digests(a, json_member(o, "digests"), out);
    return why ? why : read_times(o, lenient, out);
}

struct json *measurement_json(struct arena *a, const struct measurement *m)
{
    struct json *o = json_new(a, JSON_OBJECT);
    struct measurement copy = *m;

    for (size_t i = 0; i < VALUE_NAMES; i++)
        if (value_names[i].kind == m->tee && value_at(&copy, &value_names[i])->n)
            json_set(o, bytes_text(value_names[i].name),
                     json_new_text(a, hex_encode(a, *value_at(&copy, &value_names[i]))));
    if (m->tee == TEE_KIND_SGX && (m->has_product || m->report_data.n)) {
        JSON_SET(o, "product_id", json_new_integer(a, m->product));
        JSON_SET(o, "svn", json_new_integer(a, m->svn));
    }
    return o;
}

static struct json *time_json(struct arena *a, int64_t t)
{
    char text[32];

    time_format(t, text);
    return json_new_text(a, arena_copy(a, bytes_text(text)));
}

struct json *record_json(struct arena *a, const struct record *r)
{
    struct json *o = json_new(a, JSON_OBJECT), *digests = json_new(a, JSON_OBJECT);

    JSON_SET(o, "component", json_new_text(a, r->component));
    JSON_SET(o, "version", json_new_text(a, r->version));
    JSON_SET(o, "kind", json_new_text(a, bytes_text(kinds[r->values.tee])));
    JSON_SET(o, "planned", json_new_boolean(a, r->planned));
    if (r->values.tee != TEE_KIND_SOFTWARE)
        JSON_SET(o, "values", measurement_json(a, &r->values));
    for (size_t i = 0; i < r->digest_count; i++)
        json_set(digests, r->digests[i].name, json_new_text(a, hex_encode(a, r->digests[i].sha256)));
    if (r->digest_count)
        JSON_SET(o, "digests", digests);
    JSON_SET(o, "announced", time_json(a, r->announced));
    JSON_SET(o, "usable_from", time_json(a, r->usable_from));
    if (r->retired_after != RECORD_NEVER)
        JSON_SET(o, "retired_after", time_json(a, r->retired_after));
    return o;
}

struct bytes records_payload(struct arena *a, const struct records *list)
{
    struct json *o = json_new(a, JSON_OBJECT), *items = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < list->count; i++)
        json_append(items, record_json(a, &list->v[i]));
    JSON_SET(o, "issued", time_json(a, list->issued));
    JSON_SET(o, "measurements", items);
    return json_print(a, o, JSON_SORTED);
}
