#include "simulate/upload.h"

#include "base/text.h"
#include "crypto/digest.h"
#include "crypto/pem.h"
#include "simulate/authority.h"

enum { OPEN, ISOLATED };

static const struct simulate_upload_fault faults[] = {
    {"upload.body", SIMULATE_POLICY, SIMULATE_CHAIN, OPEN, "the body is empty"},
    {"upload.body:object", SIMULATE_POLICY, SIMULATE_CHAIN, OPEN, "the body is a JSON object of something else"},
    {"upload.jws", SIMULATE_POLICY, SIMULATE_CHAIN, OPEN, "the signature is missing, with its dot"},
    {"upload.jws:algorithm", SIMULATE_POLICY, SIMULATE_CHAIN, OPEN, "the algorithm is HS256"},
    {"upload.jws:none-with-signature", SIMULATE_POLICY, SIMULATE_CHAIN, OPEN, "alg is none, but there is a signature"},
    {"upload.signed", SIMULATE_POLICY, SIMULATE_UNSIGNED, ISOLATED, "the JWS is not signed"},
    {"upload.signed:certificate", SIMULATE_CERTIFICATE, SIMULATE_UNSIGNED, ISOLATED, "the JWS is not signed"},
    {"upload.key", SIMULATE_POLICY, SIMULATE_CHAIN, OPEN, "the header carries neither certificate nor key"},
    {"upload.key:jwk", SIMULATE_POLICY, SIMULATE_JWK, OPEN, "the key of the header is no point of its curve"},
    {"upload.x5c", SIMULATE_POLICY, SIMULATE_CHAIN, OPEN, "the certificate in x5c is cut"},
    {"upload.x5c:base64", SIMULATE_POLICY, SIMULATE_CHAIN, OPEN, "the certificate in x5c is not base64"},
    {"upload.x5c:empty", SIMULATE_POLICY, SIMULATE_CHAIN, OPEN, "x5c is empty"},
    {"upload.critical", SIMULATE_POLICY, SIMULATE_CHAIN, OPEN, "the leaf has a critical extension that nobody knows"},
    {"upload.critical:isolated", SIMULATE_RESET, SIMULATE_CHAIN, ISOLATED, "the same, of a registered root"},
    {"upload.chain", SIMULATE_POLICY, SIMULATE_CHAIN, OPEN, "a stranger signed the leaf"},
    {"upload.chain:isolated", SIMULATE_CERTIFICATE, SIMULATE_CHAIN, ISOLATED, "a stranger signed the leaf"},
    {"upload.chain:authority", SIMULATE_POLICY, SIMULATE_CHAIN, OPEN, "a stranger signed the authority's certificate"},
    {"upload.chain:root", SIMULATE_POLICY, SIMULATE_CHAIN, OPEN, "a stranger signed the root's certificate"},
    {"upload.chain:missing", SIMULATE_POLICY, SIMULATE_CHAIN, OPEN, "the leaf stands alone in x5c"},
    {"upload.chain:self", SIMULATE_POLICY, SIMULATE_SELF_SIGNED, OPEN, "a stranger signed the self-signed certificate"},
    {"upload.issuer", SIMULATE_POLICY, SIMULATE_CHAIN, OPEN, "the authority is no CA"},
    {"upload.issuer:key-usage", SIMULATE_POLICY, SIMULATE_CHAIN, ISOLATED,
     "the authority's key may not sign certificates"},
    {"upload.issuer:names", SIMULATE_POLICY, SIMULATE_CHAIN, OPEN, "the leaf names another issuer"},
    {"upload.issuer:root", SIMULATE_POLICY, SIMULATE_CHAIN, OPEN, "the root is no CA"},
    {"upload.issuer:critical", SIMULATE_POLICY, SIMULATE_CHAIN, OPEN,
     "the root has a critical extension that nobody knows"},
    {"upload.dates", SIMULATE_POLICY, SIMULATE_CHAIN, OPEN, "the leaf has expired"},
    {"upload.dates:early", SIMULATE_POLICY, SIMULATE_CHAIN, ISOLATED, "the leaf is not valid yet"},
    {"upload.dates:authority-expired", SIMULATE_POLICY, SIMULATE_CHAIN, ISOLATED, "the authority has expired"},
    {"upload.dates:authority-early", SIMULATE_POLICY, SIMULATE_CHAIN, OPEN, "the authority is not valid yet"},
    {"upload.algorithm", SIMULATE_POLICY, SIMULATE_CHAIN, OPEN, "the algorithm is that of RSA, the key on P-256"},
    {"upload.algorithm:curve", SIMULATE_POLICY, SIMULATE_JWK, OPEN, "the algorithm is that of P-384, the key on P-256"},
    {"upload.signature", SIMULATE_POLICY, SIMULATE_CHAIN, OPEN, "a stranger signed the JWS"},
    {"upload.signature:isolated", SIMULATE_CERTIFICATE, SIMULATE_SELF_SIGNED, ISOLATED, "a stranger signed the JWS"},
    {"upload.signature:changed", SIMULATE_POLICY, SIMULATE_JWK, OPEN, "the payload was changed after it was signed"},
    {"upload.signature:zero", SIMULATE_RESET, SIMULATE_CHAIN, OPEN, "the signature is zero"},
    {"upload.signer", SIMULATE_POLICY, SIMULATE_CHAIN, ISOLATED, "the chain ends in a root that is not registered"},
    {"upload.signer:reset", SIMULATE_RESET, SIMULATE_SELF_SIGNED, ISOLATED, "the certificate is not registered"},
    {"upload.signer:certificate", SIMULATE_CERTIFICATE, SIMULATE_SELF_SIGNED, ISOLATED,
     "the certificate is not registered"},
    {"upload.signer:jwk", SIMULATE_POLICY, SIMULATE_JWK, ISOLATED, "the header carries a bare key"},
    {"upload.payload", SIMULATE_POLICY, SIMULATE_CHAIN, OPEN, "the payload is an array"},
    {"upload.policy", SIMULATE_POLICY, SIMULATE_CHAIN, OPEN, "AttestationPolicy is missing"},
    {"upload.policy:base64", SIMULATE_POLICY, SIMULATE_UNSIGNED, OPEN, "AttestationPolicy is no base64url"},
    {"upload.reset", SIMULATE_RESET, SIMULATE_CHAIN, OPEN, "the reset carries a payload"},
    {"upload.certificate", SIMULATE_CERTIFICATE, SIMULATE_CHAIN, ISOLATED, "policyCertificate is missing"},
    {"policy_token.jws", SIMULATE_PUT_IN_FORCE, SIMULATE_CHAIN, OPEN, "the signature is missing, with its dot"},
    {"policy_token.signature", SIMULATE_PUT_IN_FORCE, SIMULATE_CHAIN, OPEN, "a stranger signed the token"},
    {"policy_token.signature:changed", SIMULATE_PUT_IN_FORCE, SIMULATE_CHAIN, ISOLATED,
     "the token was made to last longer after it was signed"},
    {"policy_token.signature:none", SIMULATE_PUT_IN_FORCE, SIMULATE_UNSIGNED, OPEN, "the token is not signed"},
    {"policy_token.signature:zero", SIMULATE_PUT_IN_FORCE, SIMULATE_UNSIGNED, OPEN, "the signature is zero"},
    {"policy_token.claims", SIMULATE_PUT_IN_FORCE, SIMULATE_CHAIN, OPEN, "the token names no hash"},
    {"policy_token.claims:issuer", SIMULATE_PUT_IN_FORCE, SIMULATE_CHAIN, OPEN, "the token names no issuer"},
    {"policy_token.claims:expiry", SIMULATE_PUT_IN_FORCE, SIMULATE_CHAIN, OPEN, "the token expires at no time"},
    {"policy_token.issuer", SIMULATE_PUT_IN_FORCE, SIMULATE_CHAIN, ISOLATED,
     "the same key signed for another provider"},
    {"policy_token.fresh", SIMULATE_PUT_IN_FORCE, SIMULATE_UNSIGNED, OPEN, "the token expires this very second"},
    {"policy_token.pending", SIMULATE_PUT_IN_FORCE, SIMULATE_CHAIN, OPEN, "no policy waits"},
    {"policy_token.hash", SIMULATE_PUT_IN_FORCE, SIMULATE_CHAIN, OPEN, "the token is of another policy"},
};

const struct simulate_upload_fault *simulate_upload_fault_at(size_t i)
{
    return i < sizeof faults / sizeof *faults ? &faults[i] : NULL;
}

enum check_id simulate_upload_fault_check(const struct simulate_upload_fault *fault)
{
    enum check_id id = CHECK_COUNT;

    check_by_name(bytes_make(fault->name, strcspn(fault->name, ":")), &id);
    return id;
}

enum upload_key {
    KEY_TENANT_ROOT,
    KEY_TENANT_AUTHORITY,
    KEY_TENANT_LEAF,
    KEY_OTHER_ROOT,
    KEY_STRANGER,
    KEY_SERVICE,
    UPLOAD_KEYS
};

enum { HOUR = 3600, DAY = 86400, YEAR = 365 * DAY, DEFAULT_TIME = 1767225600 /* 2026-01-01 */ };

#define NAME_ROOT      "Tenant root"
#define NAME_AUTHORITY "Tenant authority"
#define NAME_LEAF      "Policy signer"

struct making {
    struct arena *arena;
    const struct simulate_upload_options *options;
    EVP_PKEY *key[UPLOAD_KEYS];
    bool failed; /* libcrypto could not do something */
};

static bool flawed(const struct making *m, const char *name)
{
    return m->options->fault && strcmp(m->options->fault, name) == 0;
}

/* Of the check `name`, whatever the variant. */
static bool flawed_in(const struct making *m, const char *name)
{
    const char *fault = m->options->fault;

    return fault && strncmp(fault, name, strlen(name)) == 0 && (!fault[strlen(name)] || fault[strlen(name)] == ':');
}

static struct bytes issue(struct making *m, struct authority_certificate c)
{
    struct bytes der;

    c.not_before = c.not_before ? c.not_before : m->options->time - YEAR;
    c.not_after = c.not_after ? c.not_after : m->options->time + YEAR;
    c.path_length = -1;
    der = authority_issue(m->arena, &c);
    m->failed |= der.n == 0;
    return der;
}

/* What is registered stays what it is; what is sent can be another's. */
static struct bytes tenant_root(struct making *m, bool sent)
{
    enum upload_key own = sent && flawed_in(m, "upload.signer") ? KEY_OTHER_ROOT : KEY_TENANT_ROOT;

    return issue(m, (struct authority_certificate){
                        .subject = NAME_ROOT,
                        .issuer = NAME_ROOT,
                        .key = m->key[own],
                        .issuer_key = m->key[flawed(m, "upload.chain:root") ? KEY_STRANGER : own],
                        .serial = 1,
                        .ca = !flawed(m, "upload.issuer:root"),
                        .unknown_critical = flawed(m, "upload.issuer:critical"),
                    });
}

static struct bytes authority(struct making *m)
{
    enum upload_key root = flawed_in(m, "upload.signer") ? KEY_OTHER_ROOT : KEY_TENANT_ROOT;

    return issue(m, (struct authority_certificate){
                        .subject = NAME_AUTHORITY,
                        .issuer = NAME_ROOT,
                        .key = m->key[KEY_TENANT_AUTHORITY],
                        .issuer_key = m->key[flawed(m, "upload.chain:authority") ? KEY_STRANGER : root],
                        .serial = 2,
                        .ca = !flawed(m, "upload.issuer"),
                        .without_cert_sign = flawed(m, "upload.issuer:key-usage"),
                        .not_before = flawed(m, "upload.dates:authority-early") ? m->options->time + DAY : 0,
                        .not_after = flawed(m, "upload.dates:authority-expired") ? m->options->time - DAY : 0,
                    });
}

static struct bytes leaf(struct making *m)
{
    bool forged = flawed(m, "upload.chain") || flawed(m, "upload.chain:isolated");

    return issue(m, (struct authority_certificate){
                        .subject = NAME_LEAF,
                        .issuer = flawed(m, "upload.issuer:names") ? "Another authority" : NAME_AUTHORITY,
                        .key = m->key[KEY_TENANT_LEAF],
                        .issuer_key = m->key[forged ? KEY_STRANGER : KEY_TENANT_AUTHORITY],
                        .serial = 3,
                        .unknown_critical = flawed_in(m, "upload.critical"),
                        .not_before = flawed(m, "upload.dates:early") ? m->options->time + DAY : 0,
                        .not_after = flawed(m, "upload.dates") ? m->options->time - DAY : 0,
                    });
}

static struct bytes self_signed(struct making *m)
{
    return issue(m, (struct authority_certificate){
                        .subject = NAME_LEAF,
                        .issuer = NAME_LEAF,
                        .key = m->key[KEY_TENANT_LEAF],
                        .issuer_key = m->key[flawed(m, "upload.chain:self") ? KEY_STRANGER : KEY_TENANT_LEAF],
                        .serial = 4,
                        .ca = true,
                    });
}

static void put_certificate(struct making *m, struct writer *w, struct bytes der, const char *between)
{
    if (flawed(m, "upload.x5c"))
        der = bytes_first(der, der.n - 1);
    wr_printf(w, "%s\"", between);
    wr_put(w, flawed(m, "upload.x5c:base64") ? BYTES_LIT("%%%%") : base64_encode(m->arena, der));
    wr_text(w, "\"");
}

static void put_x5c(struct making *m, struct writer *w)
{
    wr_text(w, ",\"x5c\":[");
    if (flawed(m, "upload.x5c:empty")) {
        wr_text(w, "]");
        return;
    }
    put_certificate(m, w, m->options->signer == SIMULATE_CHAIN ? leaf(m) : self_signed(m), "");
    if (m->options->signer == SIMULATE_CHAIN && !flawed(m, "upload.chain:missing")) {
        put_certificate(m, w, authority(m), ",");
        put_certificate(m, w, tenant_root(m, true), ",");
    }
    wr_text(w, "]");
}

static void put_jwk(struct making *m, struct writer *w)
{
    struct bytes point = key_point(m->arena, m->key[KEY_TENANT_LEAF]);

    m->failed |= point.n == 0;
    wr_text(w, ",\"jwk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"");
    wr_base64url(w, bytes_first(point, point.n / 2));
    wr_text(w, "\",\"y\":\"");
    wr_base64url(w, flawed(m, "upload.key:jwk") ? bytes_first(point, point.n / 2) : bytes_after(point, point.n / 2));
    wr_text(w, "\"}");
}

static struct bytes header(struct making *m)
{
    struct writer w = wr_open(m->arena);
    const char *alg = flawed(m, "upload.algorithm")         ? "RS256"
                      : flawed(m, "upload.algorithm:curve") ? "ES384"
                      : flawed(m, "upload.jws:algorithm")   ? "HS256"
                                                            : "ES256";

    if (m->options->signer == SIMULATE_UNSIGNED || flawed(m, "upload.jws:none-with-signature"))
        return BYTES_LIT("{\"alg\":\"none\"}");
    wr_printf(&w, "{\"alg\":\"%s\"", alg);
    if (m->options->signer == SIMULATE_JWK)
        put_jwk(m, &w);
    else if (!flawed(m, "upload.key"))
        put_x5c(m, &w);
    wr_text(&w, "}");
    return wr_done(&w);
}

static struct bytes policy_payload(struct making *m, const char *text)
{
    struct writer w = wr_open(m->arena);

    wr_text(&w, "{\"AttestationPolicy\":\"");
    wr_base64url(&w, bytes_text(text));
    wr_text(&w, "\"}");
    return wr_done(&w);
}

/* Neither of those that sign. */
static struct bytes new_certificate(struct making *m)
{
    return issue(m, (struct authority_certificate){.subject = "Next signer",
                                                   .issuer = "Next signer",
                                                   .key = m->key[KEY_OTHER_ROOT],
                                                   .issuer_key = m->key[KEY_OTHER_ROOT],
                                                   .serial = 5,
                                                   .ca = true});
}

static struct bytes payload(struct making *m)
{
    struct writer w = wr_open(m->arena);
    enum simulate_operation o = m->options->operation;

    if (flawed(m, "upload.payload"))
        return BYTES_LIT("[]");
    if (o == SIMULATE_RESET && !flawed(m, "upload.reset"))
        return BYTES_NONE;
    if (flawed(m, "upload.policy") || flawed(m, "upload.certificate"))
        return BYTES_LIT("{}");
    if (o == SIMULATE_CERTIFICATE) {
        wr_text(&w, "{\"policyCertificate\":{\"kty\":\"EC\",\"x5c\":[\"");
        wr_put(&w, base64_encode(m->arena, new_certificate(m)));
        wr_text(&w, "\"]}}");
        return wr_done(&w);
    }
    return flawed(m, "upload.policy:base64")
               ? BYTES_LIT("{\"AttestationPolicy\":\"version=1.0;\"}")
               : policy_payload(m, "version=1.0;authorizationrules{=>permit();};issuancerules{};");
}

static struct bytes signature(struct making *m, struct bytes signed_part)
{
    static const uint8_t zero[64];
    bool forged = flawed(m, "upload.signature") || flawed(m, "upload.signature:isolated");
    struct bytes s = key_sign(m->arena, m->key[forged ? KEY_STRANGER : KEY_TENANT_LEAF], signed_part);

    m->failed |= s.n == 0;
    return flawed(m, "upload.signature:zero") ? BYTES_OF(zero) : s;
}

/* header "." payload, both in base64url */
static struct bytes jws_signing_input(struct arena *a, struct bytes head, struct bytes body)
{
    struct writer w = wr_open(a);

    wr_base64url(&w, head);
    wr_text(&w, ".");
    wr_base64url(&w, body);
    return wr_done(&w);
}

static struct bytes jws_compact(struct arena *a, struct bytes signed_part, struct bytes s)
{
    struct writer w = wr_open(a);

    wr_put(&w, signed_part);
    wr_text(&w, ".");
    wr_base64url(&w, s);
    return wr_done(&w);
}

static struct bytes make_jws(struct making *m)
{
    struct bytes head = header(m), body = payload(m);
    struct bytes signed_part = jws_signing_input(m->arena, head, body), s = BYTES_NONE;

    if (flawed(m, "upload.body"))
        return BYTES_NONE;
    if (flawed(m, "upload.body:object"))
        return BYTES_LIT("{\"policy\":\"version=1.0;\"}");
    if (flawed(m, "upload.jws"))
        return signed_part;
    if (m->options->signer != SIMULATE_UNSIGNED)
        s = signature(m, signed_part);
    if (flawed(m, "upload.signature:changed"))
        signed_part = jws_signing_input(m->arena, head, policy_payload(m, "version=1.0;authorizationrules{};"));
    return jws_compact(m->arena, signed_part, s);
}

static struct bytes token_payload(struct making *m, struct bytes pending, int64_t expires)
{
    struct bytes hashed = flawed(m, "policy_token.hash") ? BYTES_LIT("another policy") : pending;
    struct writer w = wr_open(m->arena);

    wr_text(&w, "{\"iat\":0");
    if (!flawed(m, "policy_token.claims")) {
        wr_text(&w, ",\"aas-policyHash\":\"");
        wr_base64url(&w, sha256_of(m->arena, hashed));
        wr_text(&w, "\"");
    }
    if (!flawed(m, "policy_token.claims:issuer"))
        wr_printf(&w, ",\"iss\":\"%s\"",
                  flawed(m, "policy_token.issuer") ? "https://another.example" : SIMULATE_ISSUER);
    if (!flawed(m, "policy_token.claims:expiry"))
        wr_printf(&w, ",\"exp\":%lld", (long long)expires);
    wr_text(&w, "}");
    return wr_done(&w);
}

/* What updatepolicy answers with: a token of the provider's own key over the hash of the policy that waits. */
static struct bytes make_token(struct making *m, struct bytes pending)
{
    static const uint8_t zero[64];
    int64_t expires = m->options->time + (flawed(m, "policy_token.fresh") ? 0 : HOUR);
    bool unsecured = flawed(m, "policy_token.signature:none");
    enum upload_key key = flawed(m, "policy_token.signature") ? KEY_STRANGER : KEY_SERVICE;
    struct bytes head = unsecured ? BYTES_LIT("{\"alg\":\"none\"}") : BYTES_LIT("{\"alg\":\"ES256\"}");
    struct bytes signed_part = jws_signing_input(m->arena, head, token_payload(m, pending, expires));
    struct bytes s = unsecured ? BYTES_NONE : key_sign(m->arena, m->key[key], signed_part);

    m->failed |= !unsecured && s.n == 0;
    if (flawed(m, "policy_token.jws"))
        return signed_part;
    if (flawed(m, "policy_token.signature:changed"))
        signed_part = jws_signing_input(m->arena, head, token_payload(m, pending, expires + DAY));
    return jws_compact(m->arena, signed_part, flawed(m, "policy_token.signature:zero") ? BYTES_OF(zero) : s);
}

/* The certificate of the key that the provider signs its tokens with. */
static struct bytes service_certificate(struct making *m)
{
    return issue(m, (struct authority_certificate){.subject = SIMULATE_ISSUER,
                                                   .issuer = SIMULATE_ISSUER,
                                                   .key = m->key[KEY_SERVICE],
                                                   .issuer_key = m->key[KEY_SERVICE],
                                                   .serial = 6});
}

/* PEM of what the provider has registered. */
static struct bytes registered(struct making *m)
{
    bool stranger = flawed_in(m, "upload.signer") || m->options->signer != SIMULATE_SELF_SIGNED;

    if (!m->options->isolated)
        return BYTES_NONE;
    return pem_encode(m->arena, "CERTIFICATE", stranger ? tenant_root(m, false) : self_signed(m));
}

static void make_upload(struct making *m, struct simulated_upload *out)
{
    out->jws = make_jws(m);
    out->signer = registered(m);
    if (out->options.operation != SIMULATE_PUT_IN_FORCE)
        return;
    out->pending = flawed(m, "policy_token.pending") ? BYTES_NONE : out->jws;
    out->service = service_certificate(m);
    out->jws = make_token(m, out->jws);
}

static bool choose(struct simulate_upload_options *o, struct fault *fault)
{
    o->time = o->time ? o->time : DEFAULT_TIME;
    for (size_t i = 0; o->fault && i < sizeof faults / sizeof *faults; i++)
        if (strcmp(faults[i].name, o->fault) == 0) {
            o->operation = faults[i].operation;
            o->signer = faults[i].signer;
            o->isolated = faults[i].isolated;
            return true;
        }
    return !o->fault || fault_set(fault, FAULT_USAGE, "no fault named '%s' can be simulated in an upload", o->fault);
}

bool simulate_upload(struct arena *a, const struct simulate_upload_options *options, struct simulated_upload *out,
                     struct fault *fault)
{
    struct making m = {.arena = a};
    uint8_t seed[sizeof options->seed];

    *out = (struct simulated_upload){.options = *options};
    if (!choose(&out->options, fault))
        return false;
    m.options = &out->options;
    for (size_t i = 0; i < sizeof seed; i++)
        seed[i] = (uint8_t)(options->seed >> 8 * i);
    for (unsigned i = 0; i < UPLOAD_KEYS; i++)
        if (!(m.key[i] = key_derive(KEY_P256, BYTES_OF(seed), i)))
            m.failed = true;
    if (!m.failed)
        make_upload(&m, out);
    for (int i = 0; i < UPLOAD_KEYS; i++)
        EVP_PKEY_free(m.key[i]);
    return !m.failed || fault_set(fault, FAULT_CRYPTO, "libcrypto could not make a key, certificate or signature");
}
