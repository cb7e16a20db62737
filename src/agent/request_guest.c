/* Virtual machines of Azure, or of a host that gives its guests the same: the request to /attest/AzureGuest, and its answer, which
 * this TPM alone can open (snp-cvm.md 3.2 to 3.8). */
#include <time.h>

#include "agent/attesting.h"
#include "agent/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "crypto/aead.h"

enum {
    USUAL_PCRS = 0xff,
    HCL_REPORT = 32,
    HCL_TD_REPORT_SIZE = 1024,
    HCL_SNP_REPORT_SIZE = 1184,
    HCL_SNP = 2,
    HCL_TDX = 4
};

struct guest {
    struct attesting *x;
    struct agent_tpm *tpm;
    struct agent_key ak, sealed;
    struct agent_quote quote;
    struct agent_certification certification;
    struct bytes certificate, boot_log;
};

/* The paravisor's report: hardware report and the runtime claims that it binds, in their exact bytes. */
struct hcl {
    uint32_t type;
    struct bytes report, claims;
};

static bool hcl_read(struct attesting *x, struct bytes blob, struct hcl *out)
{
    struct reader r = rd_open(blob);
    uint32_t size;

    if (!bytes_equal(rd_take(&r, 4), BYTES_LIT("HCLA")))
        return fault_set(x->fault, FAULT_SYNTAX, "the TPM's NV index 0x%08x holds no report of a paravisor",
                         AGENT_NV_HCL_REPORT);
    rd_skip(&r, HCL_REPORT - 4);
    out->report = rd_take(&r, HCL_SNP_REPORT_SIZE);
    rd_skip(&r, 8); /* size and version of what follows */
    out->type = rd_u32le(&r);
    rd_skip(&r, 4);
    size = rd_u32le(&r);
    out->claims = rd_take(&r, size);
    if (out->type == HCL_TDX)
        out->report = bytes_first(out->report, HCL_TD_REPORT_SIZE);
    if (!rd_ok(&r))
        return fault_set(x->fault, FAULT_SYNTAX, "the paravisor's report is cut off");
    return out->type == HCL_SNP || out->type == HCL_TDX ||
           fault_set(x->fault, FAULT_USAGE,
                     "the paravisor's report is of type %u; SEV-SNP (2) and TDX (4) are known here", out->type);
}

static bool snp_proof(struct attesting *x, struct bytes report, struct bytes *proof)
{
    struct json *o = json_new(x->a, JSON_OBJECT);
    struct bytes pem;

    if (!attesting_snp_chain(x, BYTES_NONE, &pem))
        return false;
    attesting_base64url(x, o, "SnpReport", report);
    attesting_base64(x, o, "VcekCertChain", pem);
    *proof = json_print(x->a, o, JSON_IN_ORDER);
    return true;
}

/* Does this report carry the data? Paravisors differ in the case of its digits. */
static bool carries(struct attesting *x, struct bytes blob, struct bytes data)
{
    const struct json *claims;
    struct bytes text;
    struct hcl hcl = {0};
    struct fault fault = {0};
    struct attesting quiet = *x;

    quiet.fault = &fault;
    return hcl_read(&quiet, blob, &hcl) && json_parse(x->a, hcl.claims, NULL, &claims, NULL) &&
           json_text(json_member(claims, "user-data"), &text) && bytes_equal_nocase(text, hex_encode(x->a, data));
}

/* The paravisor takes what is written there into its next report, some seconds later. */
static bool bind_nonce(struct guest *g, struct bytes *blob)
{
    enum { TRIES = 50 };
    const struct timespec pause = {.tv_nsec = 200 * 1000 * 1000};
    struct attesting *x = g->x;
    struct bytes data = digest(x->a, DIGEST_SHA512, x->wish->nonce);

    if (!agent_tpm_nv_write(g->tpm, AGENT_NV_USER_DATA, data, x->fault))
        return false;
    for (int i = 0; i < TRIES; i++) {
        if (!agent_tpm_nv(g->tpm, AGENT_NV_HCL_REPORT, x->a, blob, x->fault))
            return false;
        if (carries(x, *blob, data))
            return true;
        if (x->service->stop && atomic_load(x->service->stop))
            break;
        nanosleep(&pause, NULL);
    }
    return fault_set(x->fault, FAULT_SYSTEM, "the paravisor did not take the nonce into its report within %d seconds",
                     TRIES / 5);
}

/* IsolationInfo: with the hardware's evidence where there is a paravisor's report. */
static bool isolation(struct guest *g, struct json **out)
{
    struct attesting *x = g->x;
    struct json *o = json_new(x->a, JSON_OBJECT), *evidence = json_new(x->a, JSON_OBJECT);
    struct bytes blob = x->machine->hcl_report, proof;
    struct hcl hcl = {0};

    *out = o;
    if (!blob.n && !agent_tpm_nv(g->tpm, AGENT_NV_HCL_REPORT, x->a, &blob, x->fault))
        return false;
    if (!blob.n) {
        attesting_text(x, o, "Type", BYTES_LIT("TrustedLaunch"));
        return true;
    }
    if (x->wish->bind_nonce && x->wish->nonce.n && !x->machine->hcl_report.n && !bind_nonce(g, &blob))
        return false;
    if (!hcl_read(x, blob, &hcl) ||
        !(hcl.type == HCL_SNP ? snp_proof(x, hcl.report, &proof) : attesting_td_quote(x, hcl.report, &proof)))
        return false;
    attesting_text(x, o, "Type", bytes_text(hcl.type == HCL_SNP ? "SevSnp" : "Tdx"));
    attesting_base64(x, evidence, "Proof", proof);
    attesting_base64(x, evidence, "RunTimeData", hcl.claims);
    JSON_SET(o, "Evidence", evidence);
    return true;
}

static struct json *registers(struct guest *g, bool values)
{
    const struct agent_bank *bank = &g->quote.banks[0];
    struct arena *a = g->x->a;
    struct json *list = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < AGENT_PCRS; i++) {
        struct json *o = json_new(a, JSON_OBJECT);

        if (!(bank->mask >> i & 1))
            continue;
        if (!values) {
            json_append(list, json_new_integer(a, (int64_t)i));
            continue;
        }
        JSON_SET(o, "Index", json_new_integer(a, (int64_t)i));
        attesting_base64(g->x, o, "Digest", bytes_make(bank->value[i], digest_size(bank->alg)));
        json_append(list, o);
    }
    return list;
}

static struct json *tpm_info(struct guest *g)
{
    struct attesting *x = g->x;
    struct json *o = json_new(x->a, JSON_OBJECT);

    attesting_base64(x, o, "AikCert", g->certificate);
    attesting_base64(x, o, "AikPub", g->ak.public_2b);
    attesting_base64(x, o, "EncKeyCertifyInfo", g->certification.attest);
    attesting_base64(x, o, "EncKeyCertifyInfoSignature", g->certification.raw_signature);
    attesting_base64(x, o, "EncKeyPub", g->sealed.public_2b);
    JSON_SET(o, "PCRs", registers(g, true));
    attesting_base64(x, o, "PcrQuote", g->quote.attest);
    JSON_SET(o, "PcrSet", registers(g, false));
    attesting_base64(x, o, "PcrSignature", g->quote.raw_signature);
    return o;
}

/* NAME of /etc/os-release, without quotes. */
static struct bytes distribution(struct attesting *x)
{
    struct bytes rest;
    bool there;

    if (!agent_read_if_there(x->a, "/etc/os-release", LIMIT_METADATA_ANSWER, &rest, &there, NULL))
        rest = BYTES_NONE;
    while (rest.n) {
        const uint8_t *end = memchr(rest.p, '\n', rest.n);
        struct bytes line = bytes_first(rest, end ? (size_t)(end - rest.p) : rest.n);

        rest = bytes_after(rest, line.n + 1);
        if (!bytes_begin(line, "NAME="))
            continue;
        line = bytes_trim_end(bytes_after(line, 5));
        if (line.n > 1 && (line.p[0] == '"' || line.p[0] == '\''))
            line = bytes_make(line.p + 1, line.n - 2);
        return utf8_valid(line) && line.n <= LIMIT_TSM_TEXT ? line : BYTES_LIT("Linux");
    }
    return BYTES_LIT("Linux");
}

static bool information(struct guest *g, struct bytes *out)
{
    struct attesting *x = g->x;
    struct json *o = json_new(x->a, JSON_OBJECT), *payload = json_new(x->a, JSON_OBJECT), *isolated;

    if (!isolation(g, &isolated))
        return false;
    attesting_text(x, o, "AttestationProtocolVersion", BYTES_LIT("2.0"));
    if (x->wish->nonce.n) {
        attesting_base64(x, payload, "nonce", x->wish->nonce);
        JSON_SET(o, "ClientPayload", payload);
    }
    JSON_SET(o, "IsolationInfo", isolated);
    attesting_base64(x, o, "OSBuild", BYTES_LIT("NotApplication"));
    attesting_base64(x, o, "OSDistro", distribution(x));
    attesting_base64(x, o, "OSType", BYTES_LIT("Linux"));
    JSON_SET(o, "OSVersionMajor", json_new_integer(x->a, 1));
    JSON_SET(o, "OSVersionMinor", json_new_integer(x->a, 0));
    attesting_base64(x, o, "TcgLogs", g->boot_log);
    JSON_SET(o, "TpmInfo", tpm_info(g));
    *out = json_print(x->a, o, JSON_IN_ORDER);
    return true;
}

static bool collect(struct guest *g)
{
    struct attesting *x = g->x;
    uint8_t policy[SHA256_SIZE];
    bool there;

    if (!agent_tpm_ak(g->tpm, x->machine->ak_handle, x->a, &g->ak, x->fault) ||
        !attesting_ak_certificate(x, g->tpm, &g->ak, &g->certificate) ||
        !attesting_banks(x, g->tpm, USUAL_PCRS, &g->quote) ||
        !agent_read_if_there(x->a, x->machine->boot_log, LIMIT_EVENT_LOG, &g->boot_log, &there, x->fault))
        return false;
    if (!g->ak.is_rsa || g->quote.count != 1 || g->quote.banks[0].alg != DIGEST_SHA256)
        return fault_set(x->fault, FAULT_USAGE,
                         "this protocol knows attestation keys of RSA and registers of SHA-256 alone");
    if (!agent_tpm_quote(g->tpm, &g->ak, BYTES_NONE, x->a, &g->quote, x->fault))
        return false;
    agent_pcr_policy(&g->quote.banks[0], policy);
    return agent_tpm_sealed_key(g->tpm, BYTES_OF(policy), x->a, &g->sealed, x->fault) &&
           agent_tpm_certify(g->tpm, &g->sealed, &g->ak, BYTES_NONE, x->a, &g->certification, x->fault);
}

static bool member_bytes(struct attesting *x, const struct json *o, const char *name, struct bytes *out)
{
    struct bytes text;

    return attesting_member(x, o, name, &text) &&
           (base64_decode(x->a, text, out, NULL) ||
            fault_set(x->fault, FAULT_SYNTAX, "the service's answer: \"%s\" is no base64", name));
}

/* snp-cvm.md 3.6 */
static bool open_answer(struct guest *g, const struct json *answer)
{
    struct attesting *x = g->x;
    struct writer sealed = wr_open(x->a);
    struct bytes text, key, iv, tag, cipher, plain;
    const struct json *o;
    struct fault fault = {0};
    bool ok;

    if (!member_bytes(x, answer, "token", &text))
        return false;
    if (!json_parse(x->a, bytes_trim_nul(text), NULL, &o, &fault))
        return fault_set(x->fault, FAULT_SYNTAX, "the service's sealed answer is no JSON: %s", fault.text);
    if (!member_bytes(x, o, "EncryptedInnerKey", &key) ||
        !member_bytes(x, json_member(o, "EncryptionParams"), "Iv", &iv) ||
        !member_bytes(x, o, "AuthenticationData", &tag) || !member_bytes(x, o, "Jwt", &cipher) ||
        !agent_tpm_decrypt(g->tpm, &g->sealed, &g->quote.banks[0], key, x->a, &plain, x->fault))
        return false;
    if (plain.n != AEAD_KEY_SIZE || iv.n != AEAD_IV_SIZE || tag.n != AEAD_TAG_SIZE) {
        secret_wipe((void *)(uintptr_t)plain.p, plain.n);
        return fault_set(x->fault, FAULT_SYNTAX, "the service sealed its answer in a way that is not known here");
    }
    wr_put(&sealed, cipher);
    wr_put(&sealed, tag);
    ok = aead_open(plain.p, iv.p, BYTES_LIT("Transport Key"), wr_done(&sealed), x->a, &x->out->token);
    secret_wipe((void *)(uintptr_t)plain.p, plain.n);
    return ok || fault_set(x->fault, FAULT_CRYPTO, "the service's sealed answer does not open");
}

static bool run(struct guest *g)
{
    struct attesting *x = g->x;
    struct json *body = json_new(x->a, JSON_OBJECT);
    const struct json *answer;
    struct bytes text;

    if (!collect(g) || !information(g, &text))
        return false;
    attesting_base64url(x, body, "AttestationInfo", text);
    return attesting_post(x, "AzureGuest", x->wish->api_version ? x->wish->api_version : "2020-10-01", body, &answer) &&
           open_answer(g, answer);
}

bool attest_azure_guest(struct attesting *x)
{
    struct guest g = {.x = x, .tpm = agent_tpm_open(x->machine->tcti, x->fault)};
    bool ok = g.tpm && run(&g);

    agent_tpm_close(g.tpm);
    return ok;
}
