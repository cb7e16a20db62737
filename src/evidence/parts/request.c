#include "evidence/parts/request.h"

#include "base/limits.h"
#include "base/text.h"

/* Why base64 text does not decode, for a note. */
static const char *base64_reason(struct arena *a, uint8_t bad)
{
    if (bad)
        return arena_printf(a, "Unknown base64 character: %u ('%c')", bad, bad >= ' ' && bad < 127 ? bad : '?');
    return "its length or its last character is impossible for base64";
}

bool request_evidence(struct exam *x, const struct json *request, const char *member, struct bytes *out)
{
    const char *why = "it is missing";
    struct bytes text;
    uint8_t bad = 0;

    *out = BYTES_NONE;
    if (json_text(json_member_nocase(request, member), &text)) {
        if (!base64_decode(x->arena, text, out, &bad))
            why = base64_reason(x->arena, bad);
        else if (out->n == 0)
            why = "it is empty";
        else
            return check_that(x, REQUEST_EVIDENCE, true);
    }
    if (check_that(x, REQUEST_EVIDENCE, false))
        return true;
    check_note(x->trace, "member '%s': %s", member, why);
    return false;
}

/* Which check a member's form is stated under. */
struct member_check {
    const char *name;
    enum check_id id;
};

static bool refuse(struct exam *x, const struct member_check *m, const char *why)
{
    check_record(x->trace, m->id, false, CHECK_NO_VALUE, CHECK_NO_VALUE);
    check_note(x->trace, "member '%s': %s", m->name, why);
    return false;
}

/* The data as a JSON object; the hash covers the NUL bytes that are dropped here (api.md 0, item 13). */
static const char *parse_object(struct exam *x, struct request_data *out)
{
    struct fault fault = {0};

    if (!json_parse(x->arena, bytes_trim_end(out->data), NULL, &out->json, &fault))
        return arena_string(x->arena, bytes_text(fault.text));
    return out->json->kind == JSON_OBJECT ? NULL : "its data is JSON, but no object";
}

static bool read_data(struct exam *x, const struct json *member, const struct member_check *m, struct request_data *out)
{
    const struct json *type = json_member_nocase(member, "dataType"), *data = json_member_nocase(member, "data");
    struct bytes type_text = BYTES_NONE, text = BYTES_NONE;
    uint8_t bad;

    if (member->kind != JSON_OBJECT)
        return refuse(x, m, "not an object");
    if ((type && type->kind != JSON_NULL && !json_text(type, &type_text)) ||
        (data && data->kind != JSON_NULL && !json_text(data, &text)))
        return refuse(x, m, "data and dataType are texts");
    if (text.n == 0 && type_text.n == 0)
        return check_record(x->trace, m->id, true, CHECK_NO_VALUE, CHECK_NO_VALUE); /* counts as absent */
    if (!base64_decode(x->arena, text, &out->data, &bad))
        return refuse(x, m, base64_reason(x->arena, bad));
    if (out->data.n > LIMIT_RUNTIME_DATA)
        return refuse(x, m, "its data is too long");
    bool json = bytes_is_nocase(type_text, "JSON");
    if (!json && type_text.n && !bytes_is_nocase(type_text, "Binary"))
        return refuse(x, m, "its dataType is neither Binary nor JSON");
    out->type = json ? DATA_JSON : DATA_BINARY;
    const char *why = json ? parse_object(x, out) : NULL;
    return why ? refuse(x, m, why) : check_record(x->trace, m->id, true, CHECK_NO_VALUE, CHECK_NO_VALUE);
}

static bool absent(const struct json *member)
{
    return !member || member->kind == JSON_NULL;
}

bool request_runtime(struct exam *x, const struct json *request, struct request_data *out)
{
    static const struct member_check m = {"runtimeData", CHECK_REQUEST_RUNTIME_DATA};
    static const struct member_check old = {"EnclaveHeldData", CHECK_REQUEST_RUNTIME_DATA};
    const struct json *member = json_member_nocase(request, m.name), *held = json_member_nocase(request, old.name);
    struct bytes text;
    uint8_t bad;

    *out = (struct request_data){0};
    if (!absent(member))
        return read_data(x, member, &m, out);
    if (absent(held))
        return check_that(x, REQUEST_RUNTIME_DATA, true);
    if (!json_text(held, &text))
        return refuse(x, &old, "not a text");
    if (!base64_decode(x->arena, text, &out->data, &bad))
        return refuse(x, &old, base64_reason(x->arena, bad));
    if (out->data.n > LIMIT_RUNTIME_DATA)
        return refuse(x, &old, "too long");
    out->type = DATA_BINARY;
    return check_that(x, REQUEST_RUNTIME_DATA, true);
}

bool request_init(struct exam *x, const struct json *request, struct request_data *out)
{
    static const struct member_check m = {"initTimeData", CHECK_REQUEST_INIT_DATA};
    const struct json *member = json_member_nocase(request, m.name);

    *out = (struct request_data){0};
    return absent(member) ? check_that(x, REQUEST_INIT_DATA, true) : read_data(x, member, &m, out);
}

bool request_data_bound(struct exam *x, enum check_id id, const struct request_data *data, struct bytes field,
                        const char *skipped)
{
    if (data->type == DATA_ABSENT) {
        check_skip_(x->trace, id, skipped);
        return !x->trace->failed;
    }
    struct check_value found = check_bytes(bytes_first(field, SHA256_SIZE));
    struct check_value expected = check_bytes(sha256_of(x->arena, data->data));
    return check_record(x->trace, id, check_same(found, expected), found, expected);
}

bool request_given(struct exam *x, struct bytes evidence, const struct request_data *runtime,
                   const struct request_data *init, struct request_data *own_runtime, struct request_data *own_init)
{
    if (runtime)
        *own_runtime = *runtime;
    if (init)
        *own_init = *init;
    return check_that(x, REQUEST_EVIDENCE, evidence.n > 0) && check_that(x, REQUEST_RUNTIME_DATA, true) &&
           check_that(x, REQUEST_INIT_DATA, true);
}
