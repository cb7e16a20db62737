/* Policy management certificates of an isolated provider (api.md 2.4, 3.5, 3.6). */
#include "base/limits.h"
#include "base/text.h"
#include "core/management.h"

/* {"keys":[…]} of certificates, each a chain of one, without `skip`. */
struct json *signers_set(struct arena *a, const struct certificate *list, const struct certificate *skip)
{
    struct json *jwks = json_new(a, JSON_OBJECT), *keys = json_new(a, JSON_ARRAY);

    for (const struct certificate *c = list; c; c = c->next) {
        struct certificate alone = *c;

        if (skip && bytes_equal(c->der, skip->der))
            continue;
        alone.next = NULL;
        enum key_kind kind = c->key.kind;
        json_append(keys, signer_json(a,
                                      kind == KEY_P256   ? SIGNATURE_ES256
                                      : kind == KEY_P384 ? SIGNATURE_ES384
                                                         : SIGNATURE_RS256,
                                      &alone));
    }
    JSON_SET(jwks, "keys", keys);
    return jwks;
}

struct bytes signers_jwks(struct arena *a, const struct certificate *list)
{
    return json_print(a, signers_set(a, list, NULL), JSON_SORTED);
}

void signers_get(struct management *m)
{
    struct json *result = json_new(m->arena, JSON_OBJECT);

    JSON_SET(result, "x-ms-policy-certificates", signers_set(m->arena, m->provider->signers, NULL));
    manage_give(m, result);
}

static bool registered(const struct certificate *list, const struct certificate *c)
{
    for (; list; list = list->next)
        if (bytes_equal(list->der, c->der))
            return true;
    return false;
}

/* Checks all that add and remove share; *c is the certificate that they are about. */
static bool signers_change_allowed(struct management *m, const char *member, struct upload *u,
                                   const struct certificate **c)
{
    if (!m->provider->isolated) {
        manage_refuse(
            m, 400, "InvalidOperation",
            BYTES_LIT("The operation is disallowed: this provider has no policy management certificates (its trust "
                      "model is not "
                      "Isolated)."));
        return false;
    }
    if (upload_verify(&m->upload, m->request->body, member, u) && upload_certificate(&m->upload, u, c) &&
        upload_complete(&m->upload, CHECK_UPLOAD_CERTIFICATE))
        return true;
    manage_refuse_as_said(m);
    return false;
}

static void signers_answer(struct management *m, const struct certificate *c, const char *outcome)
{
    struct json *result = json_new(m->arena, JSON_OBJECT);

    JSON_SET(result, "x-ms-certificate-thumbprint",
             json_new_text(m->arena, hex_encode_upper(m->arena, digest(m->arena, DIGEST_SHA1, c->der))));
    JSON_SET(result, "x-ms-policycertificates-result", manage_text(m, outcome));
    manage_give(m, result);
}

static void signers_change(struct management *m, const struct upload *u, const struct json *jwks)
{
    manage_change(m, (struct change){.kind = BYTES_LIT("signers"),
                                     .body = json_print(m->arena, jwks, JSON_SORTED),
                                     .signer = manage_thumbprint(m, u)});
}

bool signers_added(struct management *m, const struct certificate **c, struct json **jwks)
{
    struct certificate added;
    struct upload u;
    size_t count = 0;

    if (!signers_change_allowed(m, "policyCertificateToAdd", &u, c))
        return false;
    *jwks = signers_set(m->arena, m->provider->signers, NULL);
    if (registered(m->provider->signers, *c))
        return true;
    for (const struct certificate *k = m->provider->signers; k; k = k->next)
        count++;
    if (count >= LIMIT_SIGNERS) {
        manage_refuse(m, 400, "InvalidOperation",
                      BYTES_LIT("The provider holds as many certificates as it can; remove one first."));
        return false;
    }
    added = **c;
    added.next = m->provider->signers;
    *jwks = signers_set(m->arena, &added, NULL);
    signers_change(m, &u, *jwks);
    return true;
}

bool signers_removed(struct management *m, const struct certificate **c, struct json **jwks)
{
    struct upload u;

    if (!signers_change_allowed(m, "policyCertificateToRemove", &u, c))
        return false;
    *jwks = signers_set(m->arena, m->provider->signers, *c);
    if (!registered(m->provider->signers, *c))
        return true;
    if (!m->provider->signers->next) {
        manage_refuse(m, 400, "InvalidOperation",
                      BYTES_LIT("The last policy management certificate cannot be removed; add its successor first."));
        return false;
    }
    signers_change(m, &u, *jwks);
    return true;
}

void signers_add(struct management *m)
{
    const struct certificate *c;
    struct json *jwks;

    if (signers_added(m, &c, &jwks))
        signers_answer(m, c, "IsPresent");
}

void signers_remove(struct management *m)
{
    const struct certificate *c;
    struct json *jwks;

    if (signers_removed(m, &c, &jwks))
        signers_answer(m, c, "IsAbsent");
}

bool provider_signers_load(struct arena *a, struct bytes jwks, const struct certificate **out, struct fault *fault)
{
    struct certificate *last = NULL;
    const struct json *v;

    *out = NULL;
    if (!json_parse(a, jwks, NULL, &v, fault))
        return false;
    JSON_EACH (key, json_member(v, "keys")) {
        const struct certificate *decoded;
        struct bytes text, der;

        if (!json_text(json_element(json_member(key, "x5c"), 0), &text) || !base64_decode(a, text, &der, NULL))
            return fault_set(fault, FAULT_SYNTAX, "a policy signing key without a certificate in x5c");
        if (!certificate_decode(a, der, &decoded, fault))
            return false;
        struct certificate *link = ARENA_NEW(a, struct certificate);
        *link = *decoded;
        link->next = NULL;
        if (last)
            last->next = link;
        else
            *out = link;
        last = link;
    }
    return *out || fault_set(fault, FAULT_SYNTAX, "no policy signing certificate");
}
