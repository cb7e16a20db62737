#include "cli/policy_upload.h"

#include "base/limits.h"
#include "base/text.h"
#include "cli/input.h"
#include "cli/policy_file.h"
#include "core/manage.h"
#include "crypto/jose.h"
#include "crypto/sign.h"

/* Three parts of base64url between full stops. A policy text always has a semicolon. */
static bool is_jws(struct bytes text)
{
    size_t stops = 0;

    for (size_t i = 0; i < text.n; i++) {
        if (!text.p[i] || !strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.", text.p[i]))
            return false;
        stops += text.p[i] == '.';
    }
    return stops == 2;
}

bool policy_upload_open(const struct policy_call *c, const char *path, struct policy_held *out, enum status *status)
{
    struct arena *a = c->remote.cli->arena;
    struct bytes text;

    *out = (struct policy_held){0};
    *status = STATUS_MISUSE;
    if (!policy_file_read(c->remote.cli, path, &text))
        return false;
    if (is_jws(bytes_trim_end(text))) {
        bool ok = policy_held_read(c, path, bytes_trim_end(text), out, status);

        out->from_jws = true;
        return ok;
    }
    out->text = text;
    out->jws = policy_jws_unsigned(a, policy_payload(a, text));
    return true;
}

struct signer {
    struct cli *cli;
    struct signing_key *key;
    const struct certificate *chain;
    enum signature_alg alg;
};

static bool signer_failed(const struct signer *s, const char *option, const char *path, const char *reason)
{
    cli_error(s->cli, "%s %s: %s", option, path, reason);
    return false;
}

static bool read_key(struct signer *s, const char *path)
{
    static const enum signature_alg algs[] = {
        [KEY_RSA] = SIGNATURE_RS256, [KEY_P256] = SIGNATURE_ES256, [KEY_P384] = SIGNATURE_ES384};
    struct fault fault = {0};
    struct bytes pem;

    if (!input_file(s->cli->arena, path, LIMIT_KEY_FILE, &pem, &fault)) {
        cli_error(s->cli, "--sign-key %s", fault.text);
        return false;
    }
    s->key = signing_key_read_pem(pem, &fault);
    secret_wipe((void *)(uintptr_t)pem.p, pem.n);
    if (!s->key)
        return signer_failed(s, "--sign-key", path, fault.text);
    s->alg = algs[signing_key_kind(s->key)];
    return true;
}

static bool read_chain(struct signer *s, const char *path)
{
    struct fault fault = {0};
    struct bytes text;
    size_t count;

    if (!input_file(s->cli->arena, path, LIMIT_TOKEN, &text, &fault)) {
        cli_error(s->cli, "--sign-cert %s", fault.text);
        return false;
    }
    if (!certificates_decode(s->cli->arena, text, &s->chain, &count, &fault))
        return signer_failed(s, "--sign-cert", path, fault.text);
    if (bytes_equal(signing_key_spki(s->key, s->cli->arena), public_key_spki(s->cli->arena, &s->chain->key)))
        return true;
    return signer_failed(s, "--sign-cert", path, "its first certificate is not that of the key in --sign-key");
}

static bool sign(const struct signer *s, struct bytes payload, struct bytes *jws)
{
    struct arena *a = s->cli->arena;
    struct json *header = json_new(a, JSON_OBJECT), *x5c = json_new(a, JSON_ARRAY);
    struct writer w = wr_open(a);
    struct bytes signature;

    for (const struct certificate *one = s->chain; one; one = one->next)
        json_append(x5c, json_new_text(a, base64_encode(a, one->der)));
    JSON_SET(header, "alg", json_new_text(a, bytes_text(signature_alg_name(s->alg))));
    JSON_SET(header, "x5c", x5c);
    wr_base64url(&w, json_print(a, header, JSON_IN_ORDER));
    wr_u8(&w, '.');
    wr_base64url(&w, payload);
    if (!sign_message(s->key, s->alg, wr_done(&w), a, &signature)) {
        cli_error(s->cli, "the key of --sign-key could not sign");
        return false;
    }
    wr_u8(&w, '.');
    wr_base64url(&w, signature);
    *jws = wr_done(&w);
    return true;
}

/* Signs the payload where that was asked for, and reads the result as the service will. `already`: what the file held was a
 * JWS. */
static bool sign_if_asked(const struct policy_call *c, bool already, struct bytes payload, struct policy_held *out,
                          enum status *status)
{
    struct signer s = {.cli = c->remote.cli};
    struct bytes jws;

    *status = STATUS_MISUSE;
    if (!c->sign_key && !c->sign_cert)
        return true;
    if (!c->sign_key || !c->sign_cert)
        cli_misuse(s.cli, "--sign-key and --sign-cert go together");
    else if (already)
        cli_misuse(s.cli, "the file holds a JWS, which is sent as it stands: --sign-key signs texts");
    else if (read_key(&s, c->sign_key) && read_chain(&s, c->sign_cert) && sign(&s, payload, &jws)) {
        signing_key_free(s.key);
        return policy_held_read(c, "the JWS that was made", jws, out, status);
    }
    signing_key_free(s.key);
    return false;
}

bool policy_upload_set(const struct policy_call *c, const char *path, struct policy_held *out, enum status *status)
{
    struct arena *a = c->remote.cli->arena;
    struct policy_error error = {0};
    const struct policy *policy;
    struct bytes text;

    if (!policy_upload_open(c, path, out, status))
        return false;
    *status = STATUS_REFUSED;
    text = out->text;
    if (text.n == 0 && out->from_jws) {
        cli_error(c->remote.cli, "%s: the JWS holds no policy; `assay policy reset` sends such", path);
        return false;
    }
    if (!policy_parse(a, text, &policy, &error)) {
        policy_file_error(path, &error);
        return false;
    }
    return sign_if_asked(c, out->from_jws, policy_payload(a, text), out, status);
}

bool policy_upload_reset(const struct policy_call *c, const char *path, struct policy_held *out, enum status *status)
{
    *out = (struct policy_held){.jws = policy_jws_unsigned(c->remote.cli->arena, BYTES_NONE)};
    if (path && !policy_upload_open(c, path, out, status))
        return false;
    *status = STATUS_REFUSED;
    if (path && (!out->from_jws || out->text.n)) {
        cli_error(c->remote.cli, "%s: a compact JWS with an empty payload resets; this is none", path);
        return false;
    }
    return sign_if_asked(c, path != NULL, BYTES_NONE, out, status);
}
