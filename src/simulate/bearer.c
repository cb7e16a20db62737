#include "simulate/bearer.h"

#include "base/text.h"
#include "simulate/keys.h"

static const struct simulate_bearer_fault faults[] = {
    {"bearer.form", "the scheme is Basic"},
    {"bearer.form:empty", "there is nothing behind the scheme"},
    {"bearer.form:cut", "the signature is missing, with its dot"},
    {"bearer.form:hmac", "the algorithm is HS256, its secret the issuer's public key"},
    {"bearer.form:critical", "the header has crit"},
    {"bearer.form:pss", "the algorithm is PS512"},
    {"bearer.type", "the token tells of a log-out"},
    {"bearer.type:number", "the type is a number"},
    {"bearer.payload", "the payload is an array"},
    {"bearer.payload:twice", "the payload names its subject twice"},
    {"bearer.issuer", "a stranger issued the token, with the same key"},
    {"bearer.issuer:slash", "the issuer has a slash at its end"},
    {"bearer.issuer:missing", "the token names no issuer"},
    {"bearer.key", "nobody lists the kid"},
    {"bearer.key:unnamed", "there is no kid, and the issuer has two keys"},
    {"bearer.key:other", "kid and signature are of another issuer"},
    {"bearer.key:number", "the kid is a number"},
    {"bearer.algorithm", "the token is not signed, alg none"},
    {"bearer.algorithm:rsa", "the algorithm is that of RSA, the key on P-256"},
    {"bearer.algorithm:curve", "the algorithm is that of P-384, the key on P-256"},
    {"bearer.signature", "a stranger signed the token"},
    {"bearer.signature:changed", "a role was added after it was signed"},
    {"bearer.signature:key", "the issuer's other key signed the token"},
    {"bearer.audience", "the token is for another service"},
    {"bearer.audience:plane", "the token is for the control plane"},
    {"bearer.audience:array", "the token is for two other services"},
    {"bearer.audience:missing", "the token is for nobody"},
    {"bearer.expiry", "the token has expired"},
    {"bearer.expiry:missing", "the token never expires"},
    {"bearer.expiry:text", "the end is a text"},
    {"bearer.not_before", "the token does not hold yet"},
    {"bearer.not_before:text", "the beginning is a text"},
    {"bearer.subject", "the token has no subject"},
    {"bearer.subject:empty", "the subject is empty"},
    {"bearer.subject:line", "the subject has a line end in it"},
    {"bearer.groups", "the groups are a text"},
    {"bearer.groups:number", "a role is a number"},
};

const struct simulate_bearer_fault *simulate_bearer_fault_at(size_t i)
{
    return i < sizeof faults / sizeof *faults ? &faults[i] : NULL;
}

enum check_id simulate_bearer_fault_check(const struct simulate_bearer_fault *fault)
{
    enum check_id id = CHECK_COUNT;

    check_by_name(bytes_make(fault->name, strcspn(fault->name, ":")), &id);
    return id;
}

enum bearer_key { KEY_FIRST, KEY_SECOND, KEY_OTHER, KEY_STRANGER, BEARER_KEYS };

enum { HOUR = 3600, DEFAULT_TIME = 1767225600 /* 2026-01-01 */ };

static const char *const kids[] = {"first", "second", "other", "stranger"};

struct making {
    struct arena *arena;
    const struct simulate_bearer_options *options;
    EVP_PKEY *key[BEARER_KEYS];
    bool failed; /* libcrypto could not do something */
};

static bool flawed(const struct making *m, const char *name)
{
    return m->options->fault && strcmp(m->options->fault, name) == 0;
}

static void put_key(struct making *m, struct writer *w, enum bearer_key key)
{
    struct bytes point = key_point(m->arena, m->key[key]);

    m->failed |= point.n == 0;
    wr_printf(w, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"use\":\"sig\",\"kid\":\"%s\",\"x\":\"", kids[key]);
    wr_base64url(w, bytes_first(point, point.n / 2));
    wr_text(w, "\",\"y\":\"");
    wr_base64url(w, bytes_after(point, point.n / 2));
    wr_text(w, "\"}");
}

static struct bytes own_keys(struct making *m)
{
    struct writer w = wr_open(m->arena);

    wr_text(&w, "{\"keys\":[");
    put_key(m, &w, KEY_FIRST);
    wr_text(&w, ",");
    put_key(m, &w, KEY_SECOND);
    wr_text(&w, "]}");
    return wr_done(&w);
}

static struct bytes other_keys(struct making *m)
{
    struct writer w = wr_open(m->arena);

    wr_text(&w, "{\"keys\":[");
    put_key(m, &w, KEY_OTHER);
    wr_text(&w, "]}");
    return wr_done(&w);
}

/* What the header of a token with a fault in it is. */
static const struct {
    const char *fault, *header;
} headers[] = {
    {"bearer.form:hmac", "{\"alg\":\"HS256\",\"kid\":\"first\"}"},
    {"bearer.form:critical", "{\"alg\":\"ES256\",\"crit\":[\"x\"],\"kid\":\"first\",\"x\":1}"},
    {"bearer.form:pss", "{\"alg\":\"PS512\",\"kid\":\"first\"}"},
    {"bearer.type", "{\"alg\":\"ES256\",\"kid\":\"first\",\"typ\":\"logout+jwt\"}"},
    {"bearer.type:number", "{\"alg\":\"ES256\",\"kid\":\"first\",\"typ\":1}"},
    {"bearer.key", "{\"alg\":\"ES256\",\"kid\":\"nobody's\"}"},
    {"bearer.key:unnamed", "{\"alg\":\"ES256\"}"},
    {"bearer.key:other", "{\"alg\":\"ES256\",\"kid\":\"other\"}"},
    {"bearer.key:number", "{\"alg\":\"ES256\",\"kid\":1}"},
    {"bearer.algorithm", "{\"alg\":\"none\",\"kid\":\"first\"}"},
    {"bearer.algorithm:rsa", "{\"alg\":\"RS256\",\"kid\":\"first\"}"},
    {"bearer.algorithm:curve", "{\"alg\":\"ES384\",\"kid\":\"first\"}"},
};

static struct bytes header(const struct making *m)
{
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        if (flawed(m, headers[i].fault))
            return bytes_text(headers[i].header);
    return m->options->header ? bytes_text(m->options->header)
                              : BYTES_LIT("{\"alg\":\"ES256\",\"kid\":\"first\",\"typ\":\"JWT\"}");
}

/* A claim of the payload: as it is for whoever has none of the faults, each with its own text; NULL leaves it out. */
static const struct claim {
    const char *name, *good;
    struct {
        const char *fault, *text;
    } bad[4];
} claims[] = {
    {"iss",
     "\"" BEARER_ISSUER_URL "\"",
     {{"bearer.issuer", "\"https://login.example/stranger\""},
      {"bearer.issuer:slash", "\"" BEARER_ISSUER_URL "/\""},
      {"bearer.issuer:missing", NULL}}},
    {"aud",
     "\"https://attest.azure.net\"",
     {{"bearer.audience", "\"https://vault.azure.net\""},
      {"bearer.audience:plane", "\"https://management.azure.com\""},
      {"bearer.audience:array", "[\"https://vault.azure.net\",\"https://attest.azure.net.example\"]"},
      {"bearer.audience:missing", NULL}}},
    {"sub",
     "\"" BEARER_SUBJECT_NAME "\"",
     {{"bearer.subject", NULL}, {"bearer.subject:empty", "\"\""}, {"bearer.subject:line", "\"a\\nb\""}}},
    {"upn", "\"alice@login.example\"", {{NULL, NULL}}},
    {"oid", "\"7c9e6679-7425-40de-944b-e07fc1f90ae7\"", {{NULL, NULL}}},
    {"groups", "[\"operators\",\"auditors\"]", {{"bearer.groups", "\"operators\""}}},
    {"roles", "[\"policies.write\"]", {{"bearer.groups:number", "[1]"}}},
};

static const char *claim_text(const struct making *m, const struct claim *c)
{
    for (size_t i = 0; i < sizeof c->bad / sizeof *c->bad; i++)
        if (c->bad[i].fault && flawed(m, c->bad[i].fault))
            return c->bad[i].text;
    return c->good;
}

static void put_times(const struct making *m, struct writer *w)
{
    int64_t t = m->options->time;
    int64_t begin = flawed(m, "bearer.not_before") ? t + HOUR : t - HOUR, end = t + 2 * HOUR;

    if (flawed(m, "bearer.expiry"))
        end = t - HOUR / 2;
    if (flawed(m, "bearer.not_before:text"))
        wr_text(w, "\"nbf\":\"now\"");
    else
        wr_printf(w, "\"nbf\":%lld", (long long)begin);
    if (flawed(m, "bearer.expiry:text"))
        wr_text(w, ",\"exp\":\"never\"");
    else if (!flawed(m, "bearer.expiry:missing"))
        wr_printf(w, ",\"exp\":%lld", (long long)end);
}

static struct bytes payload(struct making *m, const char *more)
{
    struct writer w = wr_open(m->arena);

    if (m->options->claims)
        return bytes_text(m->options->claims);
    if (flawed(m, "bearer.payload"))
        return BYTES_LIT("[]");
    wr_text(&w, "{");
    put_times(m, &w);
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++)
        if (claim_text(m, &claims[i]))
            wr_printf(&w, ",\"%s\":%s", claims[i].name, claim_text(m, &claims[i]));
    if (flawed(m, "bearer.payload:twice"))
        wr_text(&w, ",\"sub\":\"root\"");
    wr_printf(&w, "%s}", more);
    return wr_done(&w);
}

static struct bytes signature(struct making *m, struct bytes signed_part)
{
    enum bearer_key key = flawed(m, "bearer.signature")       ? KEY_STRANGER
                          : flawed(m, "bearer.signature:key") ? KEY_SECOND
                          : flawed(m, "bearer.key:other")     ? KEY_OTHER
                                                              : KEY_FIRST;
    struct bytes s = key_sign(m->arena, m->key[key], signed_part);

    m->failed |= s.n == 0;
    return flawed(m, "bearer.algorithm") ? BYTES_NONE : s;
}

static struct bytes authorization(struct making *m)
{
    struct bytes head = base64url_encode(m->arena, header(m));
    struct writer input = wr_open(m->arena), w = wr_open(m->arena);

    wr_printf(&input, "%.*s.", (int)head.n, (const char *)head.p);
    wr_base64url(&input, payload(m, ""));
    wr_text(&w, flawed(m, "bearer.form") ? "Basic " : "Bearer ");
    if (flawed(m, "bearer.form:empty"))
        return wr_done(&w);
    if (flawed(m, "bearer.signature:changed")) {
        wr_printf(&w, "%.*s.", (int)head.n, (const char *)head.p);
        wr_base64url(&w, payload(m, ",\"wids\":[\"all\"]"));
    } else {
        wr_put(&w, wr_done(&input));
    }
    if (flawed(m, "bearer.form:cut"))
        return wr_done(&w);
    wr_text(&w, ".");
    wr_base64url(&w, signature(m, wr_done(&input)));
    return wr_done(&w);
}

static bool known(const char *name)
{
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        if (strcmp(faults[i].name, name) == 0)
            return true;
    return false;
}

bool simulate_bearer(struct arena *a, const struct simulate_bearer_options *options, struct simulated_bearer *out,
                     struct fault *fault)
{
    struct making m = {.arena = a};
    uint8_t seed[sizeof options->seed];

    *out = (struct simulated_bearer){.options = *options};
    out->options.time = options->time ? options->time : DEFAULT_TIME;
    if (options->fault && !known(options->fault))
        return fault_set(fault, FAULT_USAGE, "no fault named '%s' can be simulated in a bearer token", options->fault);
    m.options = &out->options;
    for (size_t i = 0; i < sizeof seed; i++)
        seed[i] = (uint8_t)(options->seed >> 8 * i);
    for (unsigned i = 0; i < BEARER_KEYS; i++)
        if (!(m.key[i] = key_derive(KEY_P256, BYTES_OF(seed), i)))
            m.failed = true;
    if (!m.failed) {
        out->authorization = authorization(&m);
        out->jwks = own_keys(&m);
        out->other_jwks = other_keys(&m);
    }
    for (int i = 0; i < BEARER_KEYS; i++)
        EVP_PKEY_free(m.key[i]);
    return !m.failed || fault_set(fault, FAULT_CRYPTO, "libcrypto could not make a key or signature");
}
