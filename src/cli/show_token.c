/* Tokens as trees: what they say, without a word on whether it is true. */
#include "base/clock.h"
#include "base/text.h"
#include "cli/show.h"

static bool decode_part(struct arena *a, struct bytes part, const char *what, struct bytes *out, struct fault *fault)
{
    uint8_t bad;

    if (base64_decode(a, part, out, &bad))
        return true;
    return fault_set(fault, FAULT_SYNTAX, "the %s is no base64url", what);
}

bool token_split(struct arena *a, struct bytes text, struct token_parts *out, struct fault *fault)
{
    struct bytes part[3] = {{0}}, header;
    size_t n = 0;

    *out = (struct token_parts){0};
    for (size_t i = 0, start = 0; i <= text.n; i++) {
        if (i < text.n && text.p[i] != '.')
            continue;
        if (n < 3)
            part[n] = bytes_first(bytes_after(text, start), i - start);
        n++;
        start = i + 1;
    }
    if (n != 3)
        return fault_set(fault, FAULT_SYNTAX, "a token has three parts between full stops, this has %zu", n);
    if (!decode_part(a, part[0], "header", &header, fault) ||
        !decode_part(a, part[1], "payload", &out->payload_bytes, fault) ||
        !decode_part(a, part[2], "signature", &out->signature, fault))
        return false;
    if (!json_parse(a, header, NULL, &out->header, NULL) || out->header->kind != JSON_OBJECT)
        return fault_set(fault, FAULT_SYNTAX, "the header is no JSON object");
    if (!json_parse(a, out->payload_bytes, NULL, &out->payload, NULL))
        out->payload = NULL; /* a reset of a policy has an empty payload */
    return true;
}

/* The certificates of an x5c header, each as a few lines. */
static struct json *chain_tree(struct arena *a, const struct json *x5c)
{
    struct json *list = json_new(a, JSON_ARRAY);

    JSON_EACH (item, x5c) {
        const struct certificate *c;
        struct bytes text, der;

        if (json_text(item, &text) && base64_decode(a, text, &der, NULL) && certificate_decode(a, der, &c, NULL))
            json_append(list, show_certificate_brief(a, c));
        else
            json_append(list, json_new_text(a, BYTES_LIT("not a certificate")));
    }
    return list;
}

static bool is_time(const struct json *member)
{
    return member->kind == JSON_INTEGER &&
           (bytes_is(member->name, "exp") || bytes_is(member->name, "iat") || bytes_is(member->name, "nbf"));
}

static struct json *payload_for_people(struct arena *a, const struct json *payload)
{
    struct json *o = json_new(a, JSON_OBJECT);

    JSON_EACH (item, payload) {
        if (is_time(item) && item->integer > -62135596800 && item->integer < 253402300800) { /* years 1 to 9999 */
            char text[32];

            time_format(item->integer, text);
            json_set(o, item->name,
                     json_new_text(a, bytes_text(arena_printf(a, "%lld (%s)", (long long)item->integer, text))));
        } else {
            json_set(o, item->name, json_link(a, item));
        }
    }
    return o;
}

static struct json *header_for_people(struct arena *a, const struct json *header)
{
    struct json *o = json_new(a, JSON_OBJECT);

    JSON_EACH (item, header) {
        if (bytes_is(item->name, "x5c") && item->kind == JSON_ARRAY)
            json_set(o, item->name, chain_tree(a, item));
        else
            json_set(o, item->name, json_link(a, item));
    }
    return o;
}

struct json *show_token(struct arena *a, const struct token_parts *parts, bool for_people)
{
    struct json *o = json_new(a, JSON_OBJECT), *times;
    bool object = parts->payload && parts->payload->kind == JSON_OBJECT;

    show_string(a, o, "kind", "token");
    JSON_SET(o, "header", for_people ? header_for_people(a, parts->header) : json_link(a, parts->header));
    if (object && for_people)
        JSON_SET(o, "payload", payload_for_people(a, parts->payload));
    else if (parts->payload)
        JSON_SET(o, "payload", json_link(a, parts->payload));
    else
        show_hex(a, o, "payload", parts->payload_bytes);
    if (for_people) {
        show_number(a, o, "signature bytes", (int64_t)parts->signature.n);
        return o;
    }
    show_text(a, o, "signature", base64url_encode(a, parts->signature));
    times = json_new(a, JSON_OBJECT);
    JSON_EACH (item, object ? parts->payload : NULL)
        if (is_time(item) && item->integer > -62135596800 && item->integer < 253402300800)
            show_time(a, times,
                      bytes_is(item->name, "exp")   ? "exp"
                      : bytes_is(item->name, "iat") ? "iat"
                                                    : "nbf",
                      item->integer);
    JSON_SET(o, "times", times);
    if (json_member(parts->header, "x5c"))
        JSON_SET(o, "certificates", chain_tree(a, json_member(parts->header, "x5c")));
    return o;
}
