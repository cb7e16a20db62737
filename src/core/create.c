/* A provider's beginning and end: its key, and the certificates that it trusts to sign policies (api.md 3.8, 7). */
#include "base/limits.h"
#include "base/text.h"
#include "core/management.h"
#include "core/record_seal.h"
#include "core/sealed_key.h"

static bool refuse_signers(struct management *m, const char *message)
{
    manage_refuse(m, 400, "InvalidParameter", bytes_text(message));
    return false;
}

/* One key of the JWKS; NULL: refused. Only x5c tells the key; kty is not compared with it (api.md 3.8). */
static struct certificate *read_signer(struct management *m, const struct json *key)
{
    const struct json *x5c = json_member_nocase(key, "x5c");
    const struct certificate *decoded;
    struct bytes text, der;

    if (!x5c || x5c->kind != JSON_ARRAY || !json_text(json_element(x5c, 0), &text) ||
        !base64_decode(m->arena, text, &der, NULL) || !certificate_decode(m->arena, der, &decoded, NULL) ||
        decoded->key.kind == KEY_NONE) {
        refuse_signers(m, "PolicySigningCertificate key is not an X509 security key: each key must hold x5c, standard "
                          "base64 of a DER certificate with an RSA or EC key.");
        return NULL;
    }
    struct certificate *c = ARENA_NEW(m->arena, struct certificate);
    *c = *decoded;
    c->next = NULL;
    return c;
}

/* No keys: the trust model is AAD, and the list stays empty. */
static bool read_signers(struct management *m, const struct certificate **list)
{
    const struct json *body = NULL, *keys;
    struct certificate *last = NULL;
    size_t count = 0;

    *list = NULL;
    if (m->request->body.n == 0)
        return true;
    if (!json_parse(m->arena, m->request->body, &(struct json_rules){.fold_case = true}, &body, NULL) ||
        body->kind != JSON_OBJECT)
        return refuse_signers(m, "policySigningCertificates must be a JSON Web Key Set.");
    keys = json_member_nocase(body, "keys");
    if (!keys || keys->kind == JSON_NULL)
        return true;
    if (keys->kind != JSON_ARRAY)
        return refuse_signers(m, "policySigningCertificates.keys must be an array.");
    JSON_EACH (key, keys) {
        struct certificate *c = NULL;

        if (++count > LIMIT_SIGNERS)
            return refuse_signers(m, "policySigningCertificates holds more keys than a provider can have.");
        if (!(c = read_signer(m, key)))
            return false;
        if (last)
            last->next = c;
        else
            *list = c;
        last = c;
    }
    return true;
}

void manage_provider_create(struct management *m)
{
    const struct certificate *signers;
    struct provider_key key;

    if (m->provider && m->provider->sealed_key.n) {
        manage_refuse(m, 409, "Conflict", BYTES_LIT("There is a provider of this name already; nothing changed."));
        return;
    }
    if (!read_signers(m, &signers))
        return;
    if (!manage_new_key(m, &key))
        return;
    if (m->request->resource.n)
        manage_change(m, (struct change){.kind = BYTES_LIT("provider"), .body = m->request->resource});
    if (signers)
        manage_change(m, (struct change){.kind = BYTES_LIT("signers"), .body = signers_jwks(m->arena, signers)});
    manage_change(m, (struct change){.kind = BYTES_LIT("key"), .body = write_provider_key(m->arena, &key)});
    *m->answer = (struct answer){.status = 200};
}

void manage_provider_update(struct management *m)
{
    manage_change(m, (struct change){.kind = BYTES_LIT("provider"), .body = m->request->resource});
    *m->answer = (struct answer){.status = 200};
}

/* The keys that stay listed: those of before that still count, and the one that signed until now. */
static struct bytes retired(struct management *m)
{
    struct retired_key all[1 + 2 * RETIRED_KEYS_MAX];
    size_t n = 0;

    /* The newest first; the oldest of too many goes. */
    if (m->provider->kid.n && m->provider->certificate)
        all[n++] =
            (struct retired_key){m->provider->kid, m->provider->certificate->der, m->request->time + RETIRED_SECONDS};
    n += manage_keys_listed(m, BYTES_LIT("rotated"), all + n);
    n += manage_keys_listed(m, BYTES_LIT("retired"), all + n);
    return write_retired_keys(m->arena, all, n < RETIRED_KEYS_MAX ? n : RETIRED_KEYS_MAX);
}

static bool changes_it(const struct management *m, struct bytes kind)
{
    for (size_t i = 0; i < m->changes->count; i++)
        if (bytes_equal(m->changes->v[i].kind, kind))
            return true;
    return false;
}

void manage_provider_delete(struct management *m)
{
    struct bytes kind;

    /* Whether or not there is anything in them: a change that is under way, perhaps at another node, was made for the next version,
     * and would else be found by whoever has the name after. Now one of the two fails. */
    for (size_t i = 0; provider_policy_kind_at(m->arena, i, &kind); i++)
        manage_change(m, (struct change){.kind = kind});
    manage_change(m, (struct change){.kind = BYTES_LIT("signers")});
    manage_change(m, (struct change){.kind = BYTES_LIT("next")});
    for (size_t i = 0; i < m->provider->record_count; i++) {
        const struct state_record *r = &m->provider->records[i];

        if (r->body.n && !bytes_is(r->kind, "retired") && !changes_it(m, r->kind) &&
            m->changes->count < CHANGES_MAX - 1)
            manage_change(m, (struct change){.kind = r->kind});
    }
    /* The last: what is behind it is of whoever has the name next. */
    manage_change(m, (struct change){.kind = BYTES_LIT("retired"), .body = retired(m)});
    *m->answer = (struct answer){.status = 200};
}
