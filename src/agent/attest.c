#include "agent/attest.h"

#include <unistd.h>

#include "agent/attesting.h"
#include "agent/sev_guest.h"
#include "base/limits.h"
#include "base/text.h"
#include "crypto/jose.h"

static const struct {
    enum agent_kind kind;
    const char *name;
    bool (*attest)(struct attesting *x);
} kinds[] = {{AGENT_TPM, "tpm", attest_tpm},
             {AGENT_AZURE_GUEST, "azure-guest", attest_azure_guest},
             {AGENT_SNP, "snp", attest_report},
             {AGENT_TDX, "tdx", attest_report}};
enum { KINDS = sizeof kinds / sizeof *kinds };

const char *agent_kind_name(enum agent_kind kind)
{
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i].kind == kind)
            return kinds[i].name;
    return "nothing";
}

bool agent_kind_by_name(const char *name, enum agent_kind *out)
{
    for (size_t i = 0; i < KINDS; i++)
        if (strcmp(kinds[i].name, name) == 0) {
            *out = kinds[i].kind;
            return true;
        }
    return false;
}

void agent_machine_usual(struct agent_machine *m)
{
    m->boot_log = m->boot_log ? m->boot_log : AGENT_BOOT_LOG;
    m->ima_log = m->ima_log ? m->ima_log : AGENT_IMA_LOG;
    m->tsm = m->tsm ? m->tsm : AGENT_TSM;
    m->sev_guest = m->sev_guest ? m->sev_guest : AGENT_SEV_GUEST_DEVICE;
}

static bool is_azure_guest(const struct agent_machine *m, struct agent_tpm *t)
{
    return m->hcl_report.n || agent_tpm_has(t, AGENT_NV_HCL_REPORT) ||
           (agent_tpm_has(t, AGENT_AK_HANDLE) && agent_tpm_has(t, AGENT_NV_AK_CERTIFICATE));
}

bool agent_kind_find(const struct agent_machine *m, struct arena *a, enum agent_kind *out, struct fault *fault)
{
    struct fault of_tpm = {0};
    struct agent_tpm *t = m->tcti || agent_tpm_device() ? agent_tpm_open(m->tcti, &of_tpm) : NULL;
    bool has_tpm = t != NULL, azure = t && is_azure_guest(m, t);
    enum agent_provider provider = AGENT_NO_PROVIDER;

    agent_tpm_close(t);
    if (!has_tpm && m->tcti) /* one was named */
        return fault_set(fault, of_tpm.code, "%s", of_tpm.text);
    if (!azure)
        provider = agent_tsm_provider(m->tsm, a);
    if (azure)
        *out = AGENT_AZURE_GUEST;
    else if (provider == AGENT_TDX_GUEST)
        *out = AGENT_TDX;
    else if (provider == AGENT_SEV_GUEST || access(m->sev_guest, F_OK) == 0)
        *out = AGENT_SNP;
    else if (has_tpm)
        *out = AGENT_TPM;
    else if (of_tpm.code)
        return fault_set(fault, of_tpm.code, "%s", of_tpm.text);
    else
        return fault_set(fault, FAULT_SYSTEM,
                         "this machine has nothing to attest with: no TPM device, nothing below %s, no %s (root may be "
                         "needed to see them)",
                         m->tsm, m->sev_guest);
    return true;
}

/* A token is three parts of base64url, and no more is asked of it here: the relying party verifies it. */
static bool looks_like_token(struct arena *a, struct bytes token)
{
    struct jws jws;

    return token.n <= LIMIT_TOKEN && jws_decode(a, token, false, &jws, NULL);
}

bool agent_attest(const struct agent_machine *m, const struct agent_wish *wish, const struct agent_service *service,
                  struct arena *a, struct agent_outcome *out, struct fault *fault)
{
    struct attesting x = {m, wish, service, a, out, fault};

    *out = (struct agent_outcome){0};
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i].kind == wish->kind) {
            if (!kinds[i].attest(&x))
                return false;
            return looks_like_token(a, out->token) ||
                   fault_set(fault, FAULT_SYNTAX, "what the service gave is no token");
        }
    return fault_set(fault, FAULT_USAGE, "no kind of evidence");
}

/* What the kinds share. */

void attesting_text(struct attesting *x, struct json *object, const char *name, struct bytes text)
{
    json_set(object, bytes_text(name), json_new_text(x->a, text));
}

void attesting_base64(struct attesting *x, struct json *object, const char *name, struct bytes b)
{
    attesting_text(x, object, name, base64_encode(x->a, b));
}

void attesting_base64url(struct attesting *x, struct json *object, const char *name, struct bytes b)
{
    attesting_text(x, object, name, base64url_encode(x->a, b));
}

bool attesting_post(struct attesting *x, const char *path, const char *api_version, const struct json *body,
                    const struct json **answer)
{
    const char *headers[] = {"Accept: application/json", x->service->bearer, NULL};
    struct http_request request = {
        .url = arena_printf(x->a, "%s/attest/%s?api-version=%s", x->service->base, path, api_version),
        .body = json_print(x->a, body, JSON_IN_ORDER),
        .content_type = "application/json",
        .headers = headers,
        .ca_file = x->service->ca_file,
        .extra_ca_file = x->service->extra_ca_file,
        .stop = x->service->stop};
    struct fault fault = {0};

    if (!http_send(&request, x->a, &x->out->answer, x->fault))
        return false;
    if (x->out->answer.status != 200) {
        x->out->refused = true;
        return fault_set(x->fault, FAULT_USAGE, "%s: refused with status %d", request.url, x->out->answer.status);
    }
    if (json_parse(x->a, x->out->answer.body, NULL, answer, &fault))
        return true;
    return fault_set(x->fault, FAULT_SYNTAX, "%s: the answer is no JSON: %s", request.url, fault.text);
}

bool attesting_member(struct attesting *x, const struct json *object, const char *name, struct bytes *out)
{
    return json_text(json_member(object, name), out) ||
           fault_set(x->fault, FAULT_SYNTAX, "the service's answer holds no text \"%s\"", name);
}

struct json *attesting_jwk(struct attesting *x, struct bytes modulus)
{
    struct json *jwk = json_new(x->a, JSON_OBJECT);

    attesting_text(x, jwk, "kty", BYTES_LIT("RSA"));
    attesting_base64url(x, jwk, "n", modulus);
    attesting_text(x, jwk, "e", BYTES_LIT("AQAB")); /* 65537 */
    return jwk;
}

struct signing_key *attesting_key(struct attesting *x, struct bytes *modulus)
{
    struct signing_key *key = signing_key_generate(KEY_RSA, x->fault);
    struct public_key public;

    if (!key)
        return NULL;
    if (!public_key_decode(x->a, signing_key_spki(key, x->a), &public)) {
        fault_set(x->fault, FAULT_CRYPTO, "a new key cannot be read");
        signing_key_free(key);
        return NULL;
    }
    *modulus = public.modulus;
    return key;
}

bool attesting_give_key(struct attesting *x, const struct signing_key *key)
{
    return !x->wish->key || signing_key_write_pem(key, x->a, &x->out->key, x->fault);
}
