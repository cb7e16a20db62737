#include "simulate/upload.h"

#include "base/text.h"
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

enum upload_key { KEY_TENANT_ROOT, KEY_TENANT_AUTHORITY, KEY_TENANT_LEAF, KEY_OTHER_ROOT, KEY_STRANGER, UPLOAD_KEYS };

enum { DAY = 86400, YEAR = 365 * DAY, DEFAULT_TIME = 1767225600 /* 2026-01-01 */ };

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

static struct bytes make_jws(struct making *m)
{
    struct bytes head = base64url_encode(m->arena, header(m)), body = payload(m);
    struct writer w = wr_open(m->arena);

    if (flawed(m, "upload.body"))
        return BYTES_NONE;
    if (flawed(m, "upload.body:object"))
        return BYTES_LIT("{\"policy\":\"version=1.0;\"}");
    wr_put(&w, head);
    wr_text(&w, ".");
    wr_base64url(&w, body);
    struct bytes signed_part = arena_copy(m->arena, wr_done(&w));
    if (flawed(m, "upload.jws"))
        return signed_part;
    w = wr_open(m->arena);
    wr_put(&w, head);
    wr_text(&w, ".");
    if (flawed(m, "upload.signature:changed"))
        wr_base64url(&w, policy_payload(m, "version=1.0;authorizationrules{};"));
    else
        wr_base64url(&w, body);
    wr_text(&w, ".");
    if (m->options->signer != SIMULATE_UNSIGNED)
        wr_base64url(&w, signature(m, signed_part));
    return wr_done(&w);
}

/* PEM of what the provider has registered. */
static struct bytes registered(struct making *m)
{
    bool stranger = flawed_in(m, "upload.signer") || m->options->signer != SIMULATE_SELF_SIGNED;

    if (!m->options->isolated)
        return BYTES_NONE;
    return pem_encode(m->arena, "CERTIFICATE", stranger ? tenant_root(m, false) : self_signed(m));
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
        if (!(m.key[i] = key_derive(BYTES_OF(seed), i)))
            m.failed = true;
    if (!m.failed) {
        out->jws = make_jws(&m);
        out->signer = registered(&m);
    }
    for (int i = 0; i < UPLOAD_KEYS; i++)
        EVP_PKEY_free(m.key[i]);
    return !m.failed || fault_set(fault, FAULT_CRYPTO, "libcrypto could not make a key, certificate or signature");
}
