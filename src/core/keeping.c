#include "core/keeping.h"

#include "base/limits.h"
#include "base/text.h"
#include "core/frame.h"
#include "core/management.h"
#include "core/record_seal.h"
#include "crypto/pem.h"

enum { VERSION = 1 };

static void put_keeping(struct writer *w, const struct keeping *k)
{
    wr_u8(w, VERSION);
    wr_u32le(w, k->days);
    wr_field(w, k->recipient);
}

static bool take_keeping(struct reader *r, struct keeping *out)
{
    uint8_t version = rd_u8(r);

    out->days = rd_u32le(r);
    out->recipient = rd_field(r);
    return rd_ok(r) && version == VERSION && out->days > 0 && out->days <= KEEP_DAYS_MOST && out->recipient.n;
}

struct bytes write_keeping(struct arena *a, const struct keeping *k)
{
    struct writer w = wr_open(a);

    put_keeping(&w, k);
    return wr_done(&w);
}

bool read_keeping(struct bytes body, struct keeping *out)
{
    struct reader r = rd_open(body);

    return take_keeping(&r, out) && rd_end(&r);
}

struct bytes write_keep_request(struct arena *a, const struct keep_request *k)
{
    struct writer w = wr_open(a);

    wr_u32le(&w, k->days_most);
    wr_field(&w, k->body);
    return wr_done(&w);
}

bool read_keep_request(struct bytes body, struct keep_request *out)
{
    struct reader r = rd_open(body);

    out->days_most = rd_u32le(&r);
    out->body = rd_field(&r);
    return rd_end(&r);
}

struct bytes write_keep_order(struct arena *a, const struct keep_order *o)
{
    struct writer w = wr_open(a);

    put_keeping(&w, &o->keeping);
    wr_field(&w, o->payload);
    wr_field(&w, o->policy);
    return wr_done(&w);
}

bool read_keep_order(struct bytes body, struct keep_order *out)
{
    struct reader r = rd_open(body);

    if (!take_keeping(&r, &out->keeping))
        return false;
    out->payload = rd_field(&r);
    out->policy = rd_field(&r);
    return rd_end(&r);
}

size_t kept_inputs_size(const struct kept_inputs *k)
{
    return 1 + 3 * sizeof(uint32_t) + k->request.n + k->payload.n + k->policy.n;
}

void put_kept_inputs(struct writer *w, const struct kept_inputs *k)
{
    wr_u8(w, VERSION);
    wr_field(w, k->request);
    wr_field(w, k->payload);
    wr_field(w, k->policy);
}

struct bytes write_kept_inputs(struct arena *a, const struct kept_inputs *k)
{
    struct writer w = wr_open(a);

    put_kept_inputs(&w, k);
    return wr_done(&w);
}

bool read_kept_inputs(struct bytes content, struct kept_inputs *out)
{
    struct reader r = rd_open(content);
    uint8_t version = rd_u8(&r);

    out->request = rd_field(&r);
    out->payload = rd_field(&r);
    out->policy = rd_field(&r);
    return rd_end(&r) && version == VERSION;
}

/* --- The operations. --- */

static void give(struct management *m, const struct keeping *k)
{
    struct json *body = json_new(m->arena, JSON_OBJECT);

    JSON_SET(body, "keepInputs", json_new_boolean(m->arena, k != NULL));
    if (k) {
        JSON_SET(body, "days", json_new_integer(m->arena, k->days));
        JSON_SET(body, "recipient", json_new_text(m->arena, pem_encode(m->arena, "PUBLIC KEY", k->recipient)));
    }
    manage_give_json(m, body);
}

void keeping_get(struct management *m)
{
    const struct state_record *r = provider_record(m->provider, BYTES_LIT("keeping"));
    struct keeping k;

    give(m, r && r->body.n && read_keeping(r->body, &k) ? &k : NULL);
}

/* A shared provider is everybody's: nobody may have the inputs of all the others. */
static bool may_change(struct management *m)
{
    if (!m->provider->shared)
        return true;
    manage_refuse(m, 403, "Forbidden",
                  BYTES_LIT("This is a shared provider: no inputs of its decisions are kept. Create a provider of "
                            "your own."));
    return false;
}

static bool read_recipient(struct management *m, const struct json *text, struct keeping *out)
{
    struct public_key key;
    struct bytes pem;

    if (!json_text(text, &pem) || pem.n > LIMIT_CERTIFICATE || !public_key_read(m->arena, pem, &key))
        return false;
    out->recipient = public_key_spki(m->arena, &key);
    return out->recipient.n > 0;
}

/* NULL, or what is wrong. */
static const char *read_choice(struct management *m, const struct keep_request *request, struct keeping *out)
{
    const struct json *body;
    int64_t days = 0;

    if (!json_parse(m->arena, request->body, NULL, &body, NULL) || body->kind != JSON_OBJECT || body->count != 2)
        return "The body is an object that has the members recipient and days, and no other.";
    if (!json_integer(json_member(body, "days"), &days) || days < 1 || days > request->days_most ||
        days > KEEP_DAYS_MOST)
        return arena_printf(m->arena, "days is a number from 1 to %u, the most that the operator allows.",
                            request->days_most < KEEP_DAYS_MOST ? request->days_most : KEEP_DAYS_MOST);
    out->days = (uint32_t)days;
    if (!read_recipient(m, json_member(body, "recipient"), out))
        return "recipient is PEM of a certificate or of a public key: RSA of 2048 to 4096 bits, P-256 or P-384.";
    return NULL;
}

void keeping_set(struct management *m)
{
    struct keep_request request;
    struct keeping k;
    const char *wrong;

    if (!may_change(m))
        return;
    if (!read_keep_request(m->request->body, &request) || !request.days_most) {
        manage_refuse(m, 409, "KeepingNotAllowed",
                      BYTES_LIT("The operator of this service keeps no inputs of decisions."));
        return;
    }
    wrong = read_choice(m, &request, &k);
    if (wrong) {
        manage_refuse(m, 400, "InvalidParameter", bytes_text(wrong));
        return;
    }
    manage_change(m, (struct change){.kind = BYTES_LIT("keeping"), .body = write_keeping(m->arena, &k)});
    give(m, &k);
}

void keeping_stop(struct management *m)
{
    const struct state_record *r = provider_record(m->provider, BYTES_LIT("keeping"));

    if (!may_change(m))
        return;
    if (r && r->body.n)
        manage_change(m, (struct change){.kind = BYTES_LIT("keeping")});
    give(m, NULL);
}
