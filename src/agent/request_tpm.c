/* The Tpm protocol from the client's side: two exchanges, of which the second carries a request v2 (tpm-vbs.md 1.2, 1.4). */
#include "agent/attesting.h"
#include "agent/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "crypto/jose.h"

enum { JOSE_SALT = 32, ALL_PCRS = (1 << AGENT_PCRS) - 1, IMA_TRIES = 5 };

struct exchange {
    struct attesting *x;
    struct agent_tpm *tpm;
    struct agent_key ak;
    struct bytes challenge; /* decoded */
    struct bytes challenge_text, context;
    /* The key that signs the request: of the TPM, or of this process. */
    bool in_tpm;
    struct agent_key tpm_key;
    struct signing_key *software_key;
    struct json *jwk;
    struct agent_quote quote;
    struct bytes boot_log, ima_log;
};

static const char *api_version(const struct attesting *x)
{
    return x->wish->api_version ? x->wish->api_version : "2022-08-01";
}

/* One exchange: an envelope in base64url either way, with "payload" round what is said; an answer without it is taken too. */
static bool talk(struct exchange *e, const struct json *payload, const struct json **said)
{
    struct attesting *x = e->x;
    struct json *outer = json_new(x->a, JSON_OBJECT), *body = json_new(x->a, JSON_OBJECT);
    const struct json *answer, *inner;
    struct bytes data, text;
    struct fault fault = {0};

    json_set(outer, BYTES_LIT("payload"), json_link(x->a, payload));
    attesting_base64url(x, body, "data", json_print(x->a, outer, JSON_IN_ORDER));
    if (!attesting_post(x, "Tpm", api_version(x), body, &answer) || !attesting_member(x, answer, "data", &data))
        return false;
    if (!base64_decode(x->a, data, &text, NULL) || !json_parse(x->a, text, NULL, &inner, &fault))
        return fault_set(x->fault, FAULT_SYNTAX, "the service's answer cannot be read%s%s", fault.code ? ": " : "",
                         fault.text);
    *said = json_member(inner, "payload") ? json_member(inner, "payload") : inner;
    return true;
}

static bool ask_challenge(struct exchange *e)
{
    struct attesting *x = e->x;
    struct json *init = json_new(x->a, JSON_OBJECT);
    const struct json *said;

    attesting_text(x, init, "type", BYTES_LIT("aikcert"));
    if (!talk(e, init, &said) || !attesting_member(x, said, "challenge", &e->challenge_text) ||
        !attesting_member(x, said, "service_context", &e->context))
        return false;
    if (!base64_decode(x->a, e->challenge_text, &e->challenge, NULL) || e->challenge.n == 0 ||
        e->challenge.n > SHA512_SIZE)
        return fault_set(x->fault, FAULT_SYNTAX, "the service's challenge is none");
    return true;
}

/* Does this TPM sign with the salt that JOSE wants? */
static bool signs_for_jose(struct exchange *e)
{
    struct bytes message = BYTES_LIT("salt"), signature, hash = sha256_of(e->x->a, message);
    struct public_key key;

    return agent_tpm_sign_ps256(e->tpm, &e->tpm_key, message, e->x->a, &signature, NULL) &&
           public_key_from_rsa(e->tpm_key.modulus, BYTES_LIT("\1\0\1"), &key) &&
           rsa_pss_verify(&key, DIGEST_SHA256, hash, JOSE_SALT, signature);
}

/* A key of the TPM, certified by its attestation key; where the TPM's signatures are no JOSE, or somebody wants the private key,
 * one of this process, whose digest goes into the quote. */
static bool make_key(struct exchange *e)
{
    struct attesting *x = e->x;
    struct bytes modulus;

    e->in_tpm = !x->wish->key && agent_tpm_request_key(e->tpm, x->a, &e->tpm_key, NULL) && signs_for_jose(e);
    if (!e->in_tpm) {
        e->software_key = attesting_key(x, &modulus);
        if (!e->software_key || !attesting_give_key(x, e->software_key))
            return false;
    }
    e->jwk = attesting_jwk(x, e->in_tpm ? e->tpm_key.modulus : modulus);
    return true;
}

/* What the quote signs along: the challenge; or with a key of this process H(jwk || 0 || challenge). */
static struct bytes qualifying_data(struct exchange *e)
{
    struct writer w = wr_open(e->x->a);

    if (e->in_tpm)
        return e->challenge;
    wr_json(&w, e->jwk, JSON_IN_ORDER);
    wr_u8(&w, 0);
    wr_put(&w, e->challenge);
    return sha256_of(e->x->a, wr_done(&w));
}

/* Quote and list of IMA's measurements of one moment: the list grows while files are opened. */
static bool collect(struct exchange *e)
{
    struct attesting *x = e->x;
    const struct agent_machine *m = x->machine;
    struct bytes nonce = qualifying_data(e);
    bool there;

    if (!attesting_banks(x, e->tpm, ALL_PCRS, &e->quote) ||
        !agent_read_if_there(x->a, m->boot_log, LIMIT_EVENT_LOG, &e->boot_log, &there, x->fault))
        return false;
    for (int i = 0; i < IMA_TRIES; i++) {
        struct bytes after;

        if (!agent_read_if_there(x->a, m->ima_log, LIMIT_EVENT_LOG, &e->ima_log, &there, x->fault) ||
            !agent_tpm_quote(e->tpm, &e->ak, nonce, x->a, &e->quote, x->fault) ||
            !agent_read_if_there(x->a, m->ima_log, LIMIT_EVENT_LOG, &after, &there, x->fault))
            return false;
        if (after.n == e->ima_log.n)
            return true;
    }
    return fault_set(x->fault, FAULT_SYSTEM, "%s grew during each of %d quotes", m->ima_log, IMA_TRIES);
}

static void put_log(struct exchange *e, struct json *logs, const char *type, struct bytes log)
{
    struct json *o = json_new(e->x->a, JSON_OBJECT);

    if (!log.n)
        return;
    attesting_text(e->x, o, "type", bytes_text(type));
    attesting_base64url(e->x, o, "log", log);
    json_append(logs, o);
}

static struct json *quoted_registers(struct exchange *e)
{
    struct arena *a = e->x->a;
    struct json *pcrs = json_new(a, JSON_ARRAY);

    for (size_t b = 0; b < e->quote.count; b++) {
        const struct agent_bank *bank = &e->quote.banks[b];
        struct json *o = json_new(a, JSON_OBJECT), *values = json_new(a, JSON_ARRAY);

        for (size_t i = 0; i < AGENT_PCRS; i++) {
            struct json *v;

            if (!(bank->mask >> i & 1))
                continue;
            v = json_new(a, JSON_OBJECT);
            JSON_SET(v, "index", json_new_integer(a, (int64_t)i));
            attesting_base64url(e->x, v, "digest", bytes_make(bank->value[i], digest_size(bank->alg)));
            json_append(values, v);
        }
        JSON_SET(o, "algorithm", json_new_integer(a, agent_bank_id(bank->alg)));
        JSON_SET(o, "values", values);
        json_append(pcrs, o);
    }
    return pcrs;
}

static struct json *public_jwk(struct exchange *e, const struct agent_key *key)
{
    struct json *jwk;

    if (key->is_rsa)
        return attesting_jwk(e->x, key->modulus);
    jwk = json_new(e->x->a, JSON_OBJECT);
    attesting_text(e->x, jwk, "kty", BYTES_LIT("EC"));
    attesting_text(e->x, jwk, "crv", bytes_text(key->x.n == 32 ? "P-256" : "P-384"));
    attesting_base64url(e->x, jwk, "x", key->x);
    attesting_base64url(e->x, jwk, "y", key->y);
    return jwk;
}

/* ATT of the specification. */
static bool attestation(struct exchange *e, struct json **out)
{
    struct attesting *x = e->x;
    struct json *o = json_new(x->a, JSON_OBJECT), *logs = json_new(x->a, JSON_ARRAY);
    struct bytes certificate;

    if (!attesting_ak_certificate(x, e->tpm, &e->ak, &certificate) || !collect(e))
        return false;
    put_log(e, logs, "TCG", e->boot_log);
    put_log(e, logs, "IMA", e->ima_log);
    JSON_SET(o, "logs", logs);
    if (certificate.n)
        attesting_base64url(x, o, "aik_cert", certificate);
    JSON_SET(o, "aik_pub", public_jwk(e, &e->ak));
    JSON_SET(o, "pcrs", quoted_registers(e));
    attesting_base64url(x, o, "quote", e->quote.attest);
    attesting_base64url(x, o, "signature", e->quote.signature);
    *out = o;
    return true;
}

/* KEY of the specification. */
static bool request_key(struct exchange *e, struct json **out)
{
    struct attesting *x = e->x;
    struct json *o = json_new(x->a, JSON_OBJECT), *info = json_new(x->a, JSON_OBJECT),
                *binding = json_new(x->a, JSON_OBJECT);
    struct agent_certification c;

    if (e->in_tpm) {
        if (!agent_tpm_certify(e->tpm, &e->tpm_key, &e->ak, e->challenge, x->a, &c, x->fault))
            return false;
        attesting_base64url(x, binding, "public", e->tpm_key.public_t);
        attesting_base64url(x, binding, "certification", c.attest);
        attesting_base64url(x, binding, "signature", c.signature);
        JSON_SET(info, "tpm_certify", binding);
    } else {
        attesting_text(x, binding, "hash_alg", BYTES_LIT("sha-256"));
        JSON_SET(info, "tpm_quote", binding);
    }
    JSON_SET(o, "jwk", json_link(x->a, e->jwk));
    JSON_SET(o, "info", info);
    *out = o;
    return true;
}

static bool statement(struct exchange *e, struct bytes *out)
{
    struct attesting *x = e->x;
    struct json *o = json_new(x->a, JSON_OBJECT), *data = json_new(x->a, JSON_OBJECT),
                *tpm = json_new(x->a, JSON_OBJECT), *now, *key;

    if (!make_key(e) || !attestation(e, &now) || !request_key(e, &key))
        return false;
    JSON_SET(tpm, "current_attestation", now);
    if (x->wish->relying_party.n)
        attesting_text(x, data, "rp_id", x->wish->relying_party);
    if (x->wish->nonce.n)
        attesting_base64url(x, data, "rp_data", x->wish->nonce);
    attesting_text(x, data, "challenge", e->challenge_text);
    JSON_SET(data, "tpm_att_data", tpm);
    JSON_SET(data, "request_key", key);
    attesting_text(x, data, "service_context", e->context);
    attesting_text(x, o, "att_type", BYTES_LIT("basic"));
    JSON_SET(o, "att_data", data);
    *out = json_print(x->a, o, JSON_IN_ORDER);
    return true;
}

static bool sign(struct exchange *e, struct bytes payload, struct bytes *jws)
{
    struct attesting *x = e->x;
    struct writer w = wr_open(x->a);
    struct bytes signature;
    bool ok;

    wr_base64url(&w, BYTES_LIT("{\"alg\":\"PS256\",\"typ\":\"attReqV2\"}"));
    wr_u8(&w, '.');
    wr_base64url(&w, payload);
    ok = e->in_tpm ? agent_tpm_sign_ps256(e->tpm, &e->tpm_key, wr_done(&w), x->a, &signature, x->fault)
                   : sign_message(e->software_key, SIGNATURE_PS256, wr_done(&w), x->a, &signature);
    if (!ok)
        return fault_set(x->fault, FAULT_CRYPTO, "the request cannot be signed");
    wr_u8(&w, '.');
    wr_base64url(&w, signature);
    *jws = wr_done(&w);
    return true;
}

static bool run(struct exchange *e)
{
    struct attesting *x = e->x;
    struct json *request = json_new(x->a, JSON_OBJECT);
    struct bytes payload, jws;
    const struct json *said;

    if (!agent_tpm_ak(e->tpm, x->machine->ak_handle, x->a, &e->ak, x->fault) || !ask_challenge(e) ||
        !statement(e, &payload) || !sign(e, payload, &jws))
        return false;
    attesting_text(x, request, "request", jws);
    return talk(e, request, &said) && attesting_member(x, said, "report", &x->out->token);
}

bool attest_tpm(struct attesting *x)
{
    struct exchange e = {.x = x, .tpm = agent_tpm_open(x->machine->tcti, x->fault)};
    bool ok = e.tpm && run(&e);

    signing_key_free(e.software_key);
    agent_tpm_close(e.tpm);
    return ok;
}
