#include "core/key_life.h"

#include "core/frame.h"
#include "core/management.h"
#include "core/record_seal.h"
#include "core/sealed_key.h"

struct bytes write_key_request(struct arena *a, const struct key_request *r)
{
    struct writer w = wr_open(a);

    wr_field(&w, r->kid);
    return wr_done(&w);
}

bool read_key_request(struct bytes body, struct key_request *out)
{
    struct reader r = rd_open(body);

    out->kid = rd_field(&r);
    return rd_end(&r);
}

/* What there is of a provider's keys. */
struct keys {
    struct provider_key current, next; /* next: no kid where there is none */
    struct retired_key rotated[RETIRED_KEYS_MAX + 1];
    size_t rotated_count; /* those that still count */
};

static bool read_key(const struct state_record *r, struct provider_key *out)
{
    *out = (struct provider_key){0};
    return !r || !r->body.n || read_provider_key(r->body, out);
}

size_t manage_keys_listed(struct management *m, struct bytes kind, struct retired_key *out)
{
    const struct state_record *r = provider_record(m->provider, kind);
    struct retired_key all[RETIRED_KEYS_MAX];
    size_t count = 0, n = 0;

    if (!r || !r->body.n || !read_retired_keys(r->body, all, &count))
        return 0;
    for (size_t i = 0; i < count; i++)
        if (m->request->time < all[i].until)
            out[n++] = all[i];
    return n;
}

int64_t manage_key_since(struct management *m)
{
    const struct state_record *r = provider_record(m->provider, BYTES_LIT("key"));
    struct provider_key key;

    if (!read_key(r, &key))
        return 0;
    return key.since || !r ? key.since : r->time;
}

/* False: refused. */
static bool read_keys(struct management *m, struct keys *out)
{
    *out = (struct keys){0};
    out->rotated_count = manage_keys_listed(m, BYTES_LIT("rotated"), out->rotated);
    if (read_key(provider_record(m->provider, BYTES_LIT("key")), &out->current) && out->current.kid.n &&
        read_key(provider_record(m->provider, BYTES_LIT("next")), &out->next))
        return true;
    manage_refuse(m, 409, "Conflict", BYTES_LIT("The provider has no signing key that can be replaced."));
    return false;
}

static void change_key(struct management *m, struct bytes kind, struct provider_key key)
{
    key.since = m->request->time;
    manage_change(m, (struct change){.kind = kind, .body = write_provider_key(m->arena, &key)});
}

static void change_rotated(struct management *m, const struct retired_key *keys, size_t count)
{
    manage_change(m, (struct change){.kind = BYTES_LIT("rotated"), .body = write_retired_keys(m->arena, keys, count)});
}

static bool not_made(struct management *m, bool can, const struct fault *fault)
{
    manage_refuse(m, 503, "ServiceUnavailable",
                  bytes_text(arena_printf(m->arena, "A signing key could not be made: %s",
                                          can ? fault->text : "no signer is at hand")));
    return false;
}

/* That of its region, with a certificate of its own. The signer opens no other for it. */
static bool regional_key(struct management *m, struct provider_key *out)
{
    static const struct key_evidence none;
    const struct certificate *c = NULL;
    struct fault fault = {0};

    *out = (struct provider_key){.sealed = m->request->regional, .since = m->request->time};
    if (!sealed_key_is_regional(out->sealed)) { /* the provider's own of before, say, which the signer would open */
        manage_refuse(m, 409, "Conflict", BYTES_LIT("The key that is to be used is not one of a region."));
        return false;
    }
    if (!m->mint->certify ||
        !m->mint->certify(m->mint->context, m->request->issuer, out->sealed, &none, m->arena, &out->certificate,
                          &fault) ||
        !certificate_decode(m->arena, out->certificate, &c, &fault))
        return not_made(m, m->mint->certify != NULL, &fault);
    out->kid = key_id(m->arena, public_key_spki(m->arena, &c->key));
    return true;
}

bool manage_new_key(struct management *m, struct provider_key *out)
{
    struct fault fault = {0};
    struct bytes made;

    if (m->request->regional.n)
        return regional_key(m, out);
    if (m->mint->make_key && m->mint->make_key(m->mint->context, m->request->issuer, m->arena, &made, &fault) &&
        read_provider_key(made, out)) {
        out->since = m->request->time;
        return true;
    }
    return not_made(m, m->mint->make_key != NULL, &fault);
}

static void done(struct management *m)
{
    *m->answer = (struct answer){.status = 200};
}

void key_publish(struct management *m)
{
    struct provider_key made;
    struct keys keys;

    if (!read_keys(m, &keys))
        return;
    if (keys.next.kid.n) {
        manage_refuse(m, 409, "Conflict",
                      BYTES_LIT("A new signing key is published already; it signs once clients had time to see it."));
        return;
    }
    if (!manage_new_key(m, &made))
        return;
    change_key(m, BYTES_LIT("next"), made);
    done(m);
}

/* `key` signs from now on; what signed until now stays listed, unless it is not to be believed. */
static void replace(struct management *m, struct keys *keys, const struct provider_key *key, bool revoked)
{
    if (!revoked) {
        memmove(keys->rotated + 1, keys->rotated, keys->rotated_count * sizeof *keys->rotated);
        keys->rotated[0] =
            (struct retired_key){keys->current.kid, keys->current.certificate, m->request->time + RETIRED_SECONDS};
        keys->rotated_count++;
    }
    change_key(m, BYTES_LIT("key"), *key);
    if (keys->next.kid.n)
        manage_change(m, (struct change){.kind = BYTES_LIT("next")});
    if (!revoked)
        change_rotated(m, keys->rotated, keys->rotated_count);
    done(m);
}

/* One that may have signed a token that is not expired is never dropped to make room. */
static bool has_room(struct management *m, const struct keys *keys)
{
    if (keys->rotated_count < RETIRED_KEYS_MAX)
        return true;
    manage_refuse(
        m, 409, "TooManyKeys",
        BYTES_LIT("As many signing keys as can be are still listed for the tokens that they signed. Wait until "
                  "the oldest of them has expired."));
    return false;
}

void key_switch(struct management *m)
{
    struct keys keys;

    if (!read_keys(m, &keys))
        return;
    if (!keys.next.kid.n)
        manage_refuse(m, 409, "Conflict", BYTES_LIT("No new signing key is published."));
    else if (has_room(m, &keys))
        replace(m, &keys, &keys.next, false);
}

/* The key that is published, which clients may know already, or else a new one; never the one that is revoked. False: refused. */
static bool successor(struct management *m, const struct keys *keys, struct bytes revoked, struct provider_key *out)
{
    *out = keys->next;
    return (keys->next.kid.n && !bytes_equal(keys->next.kid, revoked)) || manage_new_key(m, out);
}

void key_replace(struct management *m)
{
    struct provider_key key;
    struct keys keys;

    if (read_keys(m, &keys) && has_room(m, &keys) && successor(m, &keys, BYTES_NONE, &key))
        replace(m, &keys, &key, false);
}

/* One that signs no more is listed no more. False: there is none of this kid. */
static bool unlist(struct management *m, struct keys *keys, struct bytes kid)
{
    size_t n = 0;

    for (size_t i = 0; i < keys->rotated_count; i++)
        if (!bytes_equal(keys->rotated[i].kid, kid))
            keys->rotated[n++] = keys->rotated[i];
    if (n == keys->rotated_count)
        return false;
    change_rotated(m, keys->rotated, n);
    done(m);
    return true;
}

/* A region's providers have the key too, each in records of its own: what they are to drop stays on record, the newest first. */
static void remember_revoked(struct management *m, struct bytes kid)
{
    struct retired_key all[1 + RETIRED_KEYS_MAX];
    size_t n = 1;

    if (!key_is_region(m->request->issuer) || !m->changes->count)
        return;
    all[0] = (struct retired_key){kid, BYTES_NONE, INT64_MAX};
    n += manage_keys_listed(m, BYTES_LIT("revoked"), all + 1);
    manage_change(
        m, (struct change){.kind = BYTES_LIT("revoked"),
                           .body = write_retired_keys(m->arena, all, n < RETIRED_KEYS_MAX ? n : RETIRED_KEYS_MAX)});
}

void key_revoke(struct management *m)
{
    struct key_request request;
    struct provider_key key;
    struct keys keys;

    if (!read_keys(m, &keys))
        return;
    if (!read_key_request(m->request->body, &request) || !request.kid.n) {
        manage_refuse(m, 400, "InvalidParameter", BYTES_LIT("Name the kid of the signing key that is to be revoked."));
    } else if (bytes_equal(request.kid, keys.current.kid)) {
        if (successor(m, &keys, request.kid, &key))
            replace(m, &keys, &key, true);
    } else if (keys.next.kid.n && bytes_equal(request.kid, keys.next.kid)) {
        manage_change(m, (struct change){.kind = BYTES_LIT("next")});
        done(m);
    } else if (!unlist(m, &keys, request.kid)) {
        manage_refuse(m, 404, "NotFound",
                      BYTES_LIT("The provider lists no signing key of this kid. Look at its /certs."));
    }
    remember_revoked(m, request.kid);
}
