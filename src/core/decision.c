#include "core/decision.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "core/frame.h"

enum { VERSION = 1 };

void decision_salted(const char *what, struct bytes salt, struct bytes content, uint8_t out[SHA256_SIZE])
{
    const struct bytes parts[] = {BYTES_LIT("assay decision "), bytes_text(what), BYTES_LIT("\n"),
                                  bytes_first(salt, DECISION_SALT), content};

    digest_parts(DIGEST_SHA256, parts, sizeof parts / sizeof *parts, out);
}

struct bytes decision_core(struct arena *a, const struct decision *d)
{
    struct writer w = wr_open(a);

    wr_u8(&w, VERSION);
    wr_u8(&w, (uint8_t)d->verdict);
    wr_u64le(&w, (uint64_t)d->time);
    wr_field(&w, d->attester);
    wr_field(&w, d->failed);
    wr_field(&w, d->policy_hash);
    wr_put(&w, BYTES_OF(d->provider));
    wr_put(&w, BYTES_OF(d->settings));
    wr_put(&w, BYTES_OF(d->evidence));
    wr_put(&w, BYTES_OF(d->endorsements));
    wr_put(&w, BYTES_OF(d->outcome));
    return wr_done(&w);
}

struct bytes decision_record(struct arena *a, struct bytes core, struct bytes id)
{
    struct writer w = wr_open(a);

    wr_put(&w, core);
    wr_field(&w, id);
    return wr_done(&w);
}

static bool rd_hash(struct reader *r, uint8_t out[SHA256_SIZE])
{
    struct bytes hash = rd_take(r, SHA256_SIZE);

    if (hash.n)
        memcpy(out, hash.p, SHA256_SIZE);
    return hash.n > 0;
}

/* Texts of a record are shown to people as they are. */
static bool rd_text(struct reader *r, struct bytes *out)
{
    *out = rd_field(r);
    for (size_t i = 0; i < out->n; i++)
        if (out->p[i] < ' ' || out->p[i] > '~')
            return false;
    return rd_ok(r) && out->n <= DECISION_TEXT_MOST;
}

bool decision_read(struct bytes record, struct decision *out)
{
    struct reader r = rd_open(record);
    uint8_t version = rd_u8(&r), verdict = rd_u8(&r);

    *out = (struct decision){.verdict = (enum decision_verdict)verdict, .time = (int64_t)rd_u64le(&r)};
    return version == VERSION && verdict < DECISION_VERDICTS && rd_text(&r, &out->attester) &&
           rd_text(&r, &out->failed) && rd_text(&r, &out->policy_hash) && rd_hash(&r, out->provider) &&
           rd_hash(&r, out->settings) && rd_hash(&r, out->evidence) && rd_hash(&r, out->endorsements) &&
           rd_hash(&r, out->outcome) && rd_text(&r, &out->id) && rd_end(&r) && record.n <= DECISION_RECORD_MOST;
}

static void set_hash(struct arena *a, struct json *o, const char *name, const uint8_t hash[SHA256_SIZE])
{
    json_set(o, bytes_text(name), json_new_text(a, hex_encode(a, bytes_make(hash, SHA256_SIZE))));
}

struct json *decision_json(struct arena *a, const struct decision *d)
{
    struct json *o = json_new(a, JSON_OBJECT);
    char time[32];

    time_format(d->time, time);
    JSON_SET(o, "verdict", json_new_text(a, bytes_text(d->verdict == DECISION_TOKEN ? "token" : "refused")));
    JSON_SET(o, "time", json_new_text(a, arena_copy(a, bytes_text(time))));
    JSON_SET(o, "type", json_new_text(a, d->attester));
    if (d->failed.n)
        JSON_SET(o, "failed", json_new_text(a, d->failed));
    JSON_SET(o, "policyHash", json_new_text(a, d->policy_hash));
    set_hash(a, o, "provider", d->provider);
    set_hash(a, o, "settings", d->settings);
    set_hash(a, o, "evidence", d->evidence);
    set_hash(a, o, "endorsements", d->endorsements);
    set_hash(a, o, "outcome", d->outcome);
    JSON_SET(o, "id", json_new_text(a, d->id));
    return o;
}

void digest_set_add(struct digest_set *s, struct arena *a, struct bytes content)
{
    s->v = ARENA_ROOM(a, s->v, s->n, &s->cap);
    sha256(content, s->v[s->n++]);
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, SHA256_SIZE);
}

void digest_set_end(struct digest_set *s, uint8_t out[SHA256_SIZE])
{
    size_t n = 0;

    if (s->n)
        qsort(s->v, s->n, sizeof *s->v, by_bytes);
    for (size_t i = 0; i < s->n; i++)
        if (n == 0 || memcmp(s->v[n - 1], s->v[i], SHA256_SIZE) != 0)
            memmove(s->v[n++], s->v[i], SHA256_SIZE);
    s->n = n;
    sha256(bytes_make(s->v, n * SHA256_SIZE), out);
}
