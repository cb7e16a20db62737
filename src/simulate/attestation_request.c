/* Requests of the protocol behind /attest/Tpm, of both generations: signed by a key that the TPM's quote or certification is bound
 * to, with a report of a VBS enclave or without (tpm-vbs.md 1.3, 1.4, 4.1). */
#include "base/text.h"
#include "simulate/kinds.h"
#include "simulate/tpm_platform.h"

#define RELYING_PARTY "https://relying-party.example"
#define RP_DATA       BYTES_LIT("relying party's nonce")
#define CHALLENGE     BYTES_LIT("own challenge...")

enum { ALG_SHA256 = 0x000b, ENCLAVE_VBS = 0x10, ENCLAVE_DATA_SIZE = SHA512_SIZE };

struct message {
    struct tpm_platform p;
    bool old, certified; /* version 1; the request key is tied by certification, not by the quote */
    struct bytes challenge, jwk;
    struct bytes report_signed; /* of which an enclave's report has the hash */
};

static bool faulty(const struct message *m, const char *name)
{
    return tpm_platform_fault(&m->p, name);
}

static const struct simulated_tpm_driver *driver(const struct message *m)
{
    return m->p.tpm.driver;
}

/* ------------------------------------------------------------------------------------------------------------ the quote */

static void put_u32le(struct writer *w, size_t number)
{
    wr_u32le(w, (uint32_t)number);
}

/* NCRYPT_TPM_PLATFORM_ATTESTATION_STATEMENT of version 1. */
static bool platform_claim(struct message *m, struct bytes nonce, struct bytes *out)
{
    struct simulated_selection s = {{0, ALL_PCRS, 0}};
    struct writer w = wr_open(m->p.arena), pcrs = wr_open(m->p.arena);
    struct simulated_attest quote;

    if (!driver(m)->quote(&m->p.tpm, &s, nonce, &quote, m->p.fault))
        return false;
    for (unsigned pcr = 0; pcr < SIMULATED_PCRS; pcr++) {
        struct bytes value;

        if (!driver(m)->read(&m->p.tpm, SHA256_BANK, pcr, &value, m->p.fault))
            return false;
        wr_put(&pcrs, value);
    }
    wr_text(&w, "ALPT");
    wr_u32le(&w, 0);
    wr_u32le(&w, ALG_SHA256);
    put_u32le(&w, quote.signature.n);
    put_u32le(&w, quote.attest.n);
    put_u32le(&w, wr_done(&pcrs).n);
    wr_put(&w, quote.signature);
    wr_put(&w, quote.attest);
    wr_put(&w, wr_done(&pcrs));
    *out = wr_done(&w);
    out->n -= faulty(m, "attreq.claims");
    return true;
}

/* What the quote of version 2 is over: the challenge, or what ties the request key to it too. */
static struct bytes quoted(struct message *m)
{
    struct bytes parts[] = {m->jwk, BYTES_LIT("\0"), m->challenge};
    uint8_t *hash = arena_alloc(m->p.arena, SHA256_SIZE);

    if (m->certified)
        return m->challenge;
    digest_parts(DIGEST_SHA256, parts, 3, hash);
    hash[0] ^= faulty(m, "tpm.quote.nonce:key");
    return bytes_make(hash, SHA256_SIZE);
}

/* ------------------------------------------------------------------------------------------------------------- the keys */

static bool wr_certification(struct message *m, struct writer *w, enum simulated_tpm_key key)
{
    struct simulated_attest c;

    if (!driver(m)->certify(&m->p.tpm, key, m->challenge, &c, m->p.fault))
        return false;
    wr_text(w, ",\"info\":{\"tpm_certify\":{");
    wr_encoded(w, "public", m->p.tpm.public[key].area);
    wr_text(w, ",");
    wr_encoded(w, "certification", c.attest);
    wr_text(w, ",");
    wr_encoded(w, "signature", c.signature);
    wr_text(w, "}}");
    return true;
}

static bool wr_keys(struct message *m, struct writer *w)
{
    bool other = tpm_platform_varies(&m->p, "other-key"), strange = faulty(m, "attreq.key");

    if ((other || strange) && !driver(m)->make_key(&m->p.tpm, TPM_KEY_OTHER, BYTES_NONE, m->p.fault))
        return false;
    wr_text(w, ",\"request_key\":{\"jwk\":");
    wr_put(w, m->jwk);
    if (!m->certified && !faulty(m, "attreq.key_info"))
        wr_text(w, ",\"info\":{\"tpm_quote\":{\"hash_alg\":\"sha-256\"}}");
    else if (m->certified && !wr_certification(m, w, strange ? TPM_KEY_OTHER : TPM_KEY_REQUEST))
        return false;
    wr_text(w, "}");
    if (!other)
        return true;
    wr_text(w, ",\"other_keys\":[{\"jwk\":");
    wr_put(w, simulated_tpm_jwk(&m->p.tpm, TPM_KEY_OTHER));
    if (!wr_certification(m, w, TPM_KEY_OTHER))
        return false;
    wr_text(w, "}]");
    return true;
}

/* ---------------------------------------------------------------------------------------------------------- the payload */

static bool wr_tpm_old(struct message *m, struct writer *w)
{
    struct bytes current;

    if (!platform_claim(m, m->challenge, &current))
        return false;
    wr_encoded(w, "srtm_boot_log", m->p.log);
    if (!tpm_platform_varies(&m->p, "without-certificate")) {
        wr_text(w, ",");
        wr_encoded(w, "aik_cert", m->p.leaf);
    }
    wr_text(w, ",\"aik_pub\":");
    wr_put(w, simulated_tpm_jwk(&m->p.tpm, TPM_KEY_AK));
    wr_text(w, ",");
    wr_encoded(w, "current_claim", current);
    return true;
}

/* The boot of another machine that the same authority knows; or of this one, with another system. */
static bool attest_another(struct message *m, bool machine, struct bytes *json)
{
    struct tpm_platform other = m->p;
    struct simulated unused = {.options = *m->p.options, .settings = SETTINGS_DEFAULT};
    struct bytes seed = machine ? sha256_of(m->p.arena, m->p.tpm.seed) : m->p.tpm.seed;

    other.windows = machine == m->p.windows;
    bool ok = simulated_tpm_open(&other.tpm, m->p.arena, m->p.options, seed, m->p.fault) &&
              other.tpm.driver->make_key(&other.tpm, TPM_KEY_AK, BYTES_NONE, m->p.fault) &&
              tpm_platform_certify(&other, &unused) && tpm_platform_boot(&other) &&
              tpm_attestation(&other, BYTES_NONE, json);
    other.tpm.driver->close(&other.tpm);
    return ok;
}

/* Before the machine slept it was quoted too, without a challenge. */
static bool wr_tpm(struct message *m, struct writer *w)
{
    bool slept = tpm_platform_varies(&m->p, "slept") ||
                 (m->p.options->fault && strncmp(m->p.options->fault, "attreq.boot", 11) == 0);
    bool late = faulty(m, "attreq.boot.clock"), strange = faulty(m, "attreq.boot.key");
    bool another = strange || faulty(m, "attreq.boot.registers");
    struct bytes current, boot = BYTES_NONE;

    if (slept && !late && !(another ? attest_another(m, strange, &boot) : tpm_attestation(&m->p, BYTES_NONE, &boot)))
        return false;
    if (!tpm_attestation(&m->p, quoted(m), &current) || (late && !tpm_attestation(&m->p, BYTES_NONE, &boot)))
        return false;
    wr_text(w, "\"current_attestation\":");
    wr_put(w, current);
    if (boot.n) {
        wr_text(w, ",\"boot_attestation\":");
        wr_put(w, boot);
    }
    return true;
}

/* Text: one character of what is sealed is another. */
static struct bytes another_context(struct message *m, struct bytes context)
{
    enum { FROM_END = 24 };
    uint8_t *copy = arena_alloc(m->p.arena, context.n + 1);

    if (context.n <= FROM_END)
        return context;
    memcpy(copy, context.p, context.n);
    copy[context.n - FROM_END] = copy[context.n - FROM_END] == 'A' ? 'Q' : 'A';
    return bytes_make(copy, context.n);
}

static bool attested_data(struct message *m, struct bytes context, struct bytes *out)
{
    struct writer w = wr_open(m->p.arena);

    wr_text(&w, "{\"rp_id\":\"" RELYING_PARTY "\",");
    wr_encoded(&w, "rp_data", RP_DATA);
    wr_text(&w, ",");
    wr_encoded(&w, faulty(m, "attreq.payload") ? "challenged" : "challenge", m->challenge);
    wr_text(&w, ",\"tpm_att_data\":{");
    if (!(m->old ? wr_tpm_old(m, &w) : wr_tpm(m, &w)))
        return false;
    wr_text(&w, "}");
    if (m->old) {
        wr_text(&w, ",\"attest_key\":");
        wr_put(&w, m->jwk);
    } else if (!wr_keys(m, &w)) {
        return false;
    }
    wr_text(&w, ",\"custom_claims\":[{\"name\":\"aas-ehd\",\"value\":\"c2ltdWxhdGVk\",\"value_type\":\"string\"},{"
                "\"name\":\"simulated\",\"value\":\"true\",\"value_type\":\"boolean\"}],"
                "\"service_context\":\"");
    wr_put(&w, faulty(m, "attreq.context") ? another_context(m, context) : context);
    wr_text(&w, "\"}");
    *out = wr_done(&w);
    return true;
}

/* ------------------------------------------------------------------------------------------------------ a VBS enclave */

static void fill(struct writer *w, uint8_t byte, size_t n)
{
    for (size_t i = 0; i < n; i++)
        wr_u8(w, byte);
}

/* VBS_ENCLAVE_REPORT over the signed members. */
static struct bytes enclave_statement(struct message *m)
{
    enum { SIZE = 8 + ENCLAVE_DATA_SIZE + 152 };
    struct writer w = wr_open(m->p.arena);
    uint8_t data[ENCLAVE_DATA_SIZE];

    digest_parts(DIGEST_SHA512, &m->report_signed, 1, data);
    data[0] ^= faulty(m, "vbs.enclave_data");
    wr_u32le(&w, SIZE);
    wr_u32le(&w, 1);
    wr_put(&w, BYTES_OF(data));
    fill(&w, 0x01, 32); /* owner */
    fill(&w, 0xec, 32); /* unique */
    fill(&w, 0xa0, 32); /* author */
    fill(&w, 0xfa, 16);
    fill(&w, 0x1d, 16);
    wr_u32le(&w, 3); /* security versions of enclave, secure kernel, platform */
    wr_u32le(&w, 2);
    wr_u32le(&w, 1);
    wr_u32le(&w, m->p.options->debug ? 1 : 0);
    wr_u32le(&w, 0);
    wr_u32le(&w, ENCLAVE_VBS);
    return wr_done(&w);
}

static bool enclave_report(struct message *m, struct bytes *out)
{
    struct bytes statement = enclave_statement(m), signature;
    struct writer w = wr_open(m->p.arena);
    EVP_PKEY *key = tpm_platform_idks(&m->p);
    bool forged = faulty(m, "vbs.signature");

    signature = key ? rsa_sign(m->p.arena, key, SIGNATURE_PS256, forged ? m->report_signed : statement) : BYTES_NONE;
    if (!signature.n)
        return tpm_platform_fail(&m->p, "a signature");
    put_u32le(&w, 24 + statement.n + signature.n);
    wr_u32le(&w, 1);
    wr_u32le(&w, 1); /* PSS with SHA-256 */
    put_u32le(&w, statement.n);
    put_u32le(&w, signature.n);
    wr_u32le(&w, 0);
    wr_put(&w, statement);
    wr_put(&w, signature);
    *out = wr_done(&w);
    out->n -= faulty(m, "vbs.report.shape");
    return true;
}

static bool wr_enclave(struct message *m, struct writer *w, struct simulated *s)
{
    if (!enclave_report(m, &s->report))
        return false;
    wr_text(w, ",\"vsm_report\":");
    wr_text(w, m->old ? "\"" : "{\"enclave\":{\"report\":\"");
    wr_base64url(w, s->report);
    wr_text(w, m->old ? "\"" : "\"}}");
    return true;
}

/* ---------------------------------------------------------------------------------------------------------- the message */

static bool payload(struct message *m, struct simulated *s, struct bytes *out)
{
    bool enclave = s->options.kind == SIMULATE_VBS;
    struct writer w = wr_open(m->p.arena);
    struct bytes data;

    if (!attested_data(m, s->options.service_context, &data))
        return false;
    m->report_signed = data;
    wr_printf(&w, "{\"att_type\":\"%s\",\"att_data\":%s", enclave ? "vbs" : "basic",
              enclave ? "{\"report_signed\":" : "");
    wr_put(&w, data);
    if (enclave && !wr_enclave(m, &w, s))
        return false;
    wr_text(&w, enclave ? "}}" : "}");
    *out = wr_done(&w);
    return true;
}

static bool sign(struct message *m, struct bytes content, struct bytes *jws)
{
    struct writer w = wr_open(m->p.arena);
    struct bytes signature;

    wr_base64url(&w, faulty(m, "attreq.jws") ? BYTES_LIT("{\"alg\":\"RS256\",\"typ\":\"attReqV2\"}")
                     : m->old                ? BYTES_LIT("{\"alg\":\"PS256\",\"typ\":\"attReq\"}")
                                             : BYTES_LIT("{\"alg\":\"PS256\",\"typ\":\"attReqV2\"}"));
    wr_text(&w, ".");
    wr_base64url(&w, content);
    struct bytes input = faulty(m, "attreq.signature") ? content : wr_done(&w);
    if (!driver(m)->sign(&m->p.tpm, TPM_KEY_REQUEST, input, &signature, m->p.fault))
        return false;
    wr_text(&w, ".");
    wr_base64url(&w, signature);
    *jws = wr_done(&w);
    return true;
}

static bool make(struct message *m, struct simulated *s)
{
    struct writer inner = wr_open(m->p.arena), outer = wr_open(m->p.arena);
    struct bytes content, jws;

    if (!tpm_platform_certify(&m->p, s) || !tpm_platform_boot(&m->p) ||
        !driver(m)->make_key(&m->p.tpm, TPM_KEY_REQUEST, BYTES_NONE, m->p.fault))
        return false;
    m->jwk = simulated_tpm_jwk(&m->p.tpm, TPM_KEY_REQUEST);
    if (!payload(m, s, &content) || !sign(m, content, &jws))
        return false;
    wr_printf(&inner, "{\"payload\":{\"%s\":\"", faulty(m, "attreq.message") ? "report" : "request");
    wr_put(&inner, jws);
    wr_text(&inner, "\"}}");
    s->evidence = wr_done(&inner);
    wr_text(&outer, "{\"data\":\"");
    wr_base64url(&outer, s->evidence);
    wr_text(&outer, "\"}");
    s->request = wr_done(&outer);
    if (faulty(m, "attreq.context.fresh"))
        s->time += 3600;
    s->log = m->p.log;
    s->list = m->p.list;
    return true;
}

bool simulate_attestation_request(struct arena *a, const struct simulate_fault *wanted, struct simulated *out,
                                  struct fault *fault)
{
    struct simulate_options *o = &out->options;
    struct message m = {.challenge = BYTES_NONE};

    if (!tpm_complete(o, wanted, fault))
        return false;
    bool ok = tpm_platform_open(&m.p, a, out, fault);
    m.p.enclave = o->kind == SIMULATE_VBS && !faulty(&m, "vbs.identity_key");
    m.old = m.p.without_list = o->version == 1;
    m.certified = tpm_platform_varies(&m.p, "certified-key") || faulty(&m, "attreq.key") ||
                  (wanted && strncmp(wanted->name, "tpm.certify", 11) == 0);
    m.challenge = o->challenge.n ? o->challenge : CHALLENGE;
    if (faulty(&m, "attreq.challenge"))
        m.challenge = sha256_of(a, m.challenge);
    ok = ok && make(&m, out);
    tpm_platform_close(&m.p);
    return ok && simulated_anchor(a, out, fault);
}
