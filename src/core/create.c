/* A new provider: its key, and the certificates that it trusts to sign policies (api.md 3.8, 7). */
#include "base/limits.h"
#include "base/text.h"
#include "core/management.h"

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

void provider_create(struct management *m)
{
    const struct certificate *signers;
    struct fault fault = {0};
    struct bytes key;

    if (!read_signers(m, &signers))
        return;
    if (!m->mint->make_key || !m->mint->make_key(m->mint->context, m->request->issuer, m->arena, &key, &fault)) {
        manage_refuse(m, 503, "ServiceUnavailable",
                      bytes_text(arena_printf(m->arena, "A signing key could not be made: %s",
                                              m->mint->make_key ? fault.text : "no signer is at hand")));
        return;
    }
    if (signers)
        manage_change(m, (struct change){.kind = BYTES_LIT("signers"), .body = signers_jwks(m->arena, signers)});
    manage_change(m, (struct change){.kind = BYTES_LIT("key"), .body = key});
    *m->answer = (struct answer){.status = 200};
}
