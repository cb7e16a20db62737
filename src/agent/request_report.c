/* SEV-SNP guests and TDX trust domains that ask their hardware themselves (snp-cvm.md 2, 5; claims.md 2). */
#include "agent/attesting.h"
#include "agent/hardware.h"
#include "agent/sev_guest.h"
#include "base/text.h"

/* A key for others to encrypt to, as confidential containers name it (snp-cvm.md 4.6): its kid is its thumbprint (RFC 7638). */
static bool key_object(struct attesting *x, struct json *data)
{
    struct json *keys = json_new(x->a, JSON_ARRAY), *jwk, *uses = json_new(x->a, JSON_ARRAY),
                *bare = json_new(x->a, JSON_OBJECT);
    struct bytes modulus;
    struct signing_key *key = attesting_key(x, &modulus);
    bool ok = key && attesting_give_key(x, key);

    signing_key_free(key);
    if (!ok)
        return false;
    bare = attesting_jwk(x, modulus);
    jwk = attesting_jwk(x, modulus);
    attesting_text(x, jwk, "kid", base64url_encode(x->a, sha256_of(x->a, json_print(x->a, bare, JSON_SORTED))));
    json_append(uses, json_new_text(x->a, BYTES_LIT("encrypt")));
    JSON_SET(jwk, "key_ops", uses);
    json_append(keys, jwk);
    JSON_SET(data, "keys", keys);
    return true;
}

/* What the report is bound to: without it, anybody's old report would do. */
static bool runtime_data(struct attesting *x, struct bytes *data, const char **type)
{
    struct json *o = json_new(x->a, JSON_OBJECT);
    uint8_t fresh[16];

    *data = x->wish->runtime_data;
    *type = x->wish->runtime_type ? x->wish->runtime_type : "Binary";
    if (data->n)
        return !x->wish->key ||
               fault_set(x->fault, FAULT_USAGE, "runtime data was given: a key of ours has no place in it");
    *type = "JSON";
    if (x->wish->key && !key_object(x, o))
        return false;
    if (!random_bytes(fresh, sizeof fresh))
        return fault_set(x->fault, FAULT_SYSTEM, "no random bytes");
    attesting_text(x, o, "nonce", x->wish->nonce.n ? x->wish->nonce : hex_encode(x->a, BYTES_OF(fresh)));
    *data = json_print(x->a, o, JSON_IN_ORDER);
    return true;
}

static void put_data(struct attesting *x, struct json *body, const char *name, struct bytes data, const char *type)
{
    struct json *o = json_new(x->a, JSON_OBJECT);

    attesting_base64url(x, o, "data", data);
    attesting_text(x, o, "dataType", bytes_text(type));
    json_set(body, bytes_text(name), o);
}

static bool ask_hardware(struct attesting *x, struct bytes data, struct agent_report *report)
{
    const struct agent_machine *m = x->machine;
    uint8_t report_data[AGENT_REPORT_DATA] = {0};
    enum agent_provider want = x->wish->kind == AGENT_TDX ? AGENT_TDX_GUEST : AGENT_SEV_GUEST,
                        provider = agent_tsm_provider(m->tsm, x->a);

    sha256(data, report_data); /* the rest stays zero */
    if (provider == want)
        return agent_tsm_report(m->tsm, report_data, x->a, report, x->fault);
    if (want == AGENT_SEV_GUEST)
        return agent_sev_guest_report(m->sev_guest, report_data, x->a, report, x->fault);
    return fault_set(x->fault, FAULT_SYSTEM, "%s: no TDX quotes are to be had there", m->tsm);
}

static bool wrap(struct attesting *x, const struct agent_report *report, struct bytes *out)
{
    struct json *o = json_new(x->a, JSON_OBJECT);
    struct bytes pem, endorsements;

    *out = report->report;
    if (report->provider == AGENT_TDX_GUEST)
        return true;
    if (!attesting_snp_chain(x, report->certificates, &pem))
        return false;
    attesting_base64url(x, o, "SnpReport", report->report);
    if (pem.n)
        attesting_base64url(x, o, "VcekCertChain", pem);
    if (!agent_uvm_endorsements(x->machine->security_context, x->a, &endorsements, x->fault))
        return false;
    if (endorsements.n)
        attesting_base64url(x, o, "Endorsements", endorsements);
    *out = json_print(x->a, o, JSON_IN_ORDER);
    return true;
}

bool attest_report(struct attesting *x)
{
    bool tdx = x->wish->kind == AGENT_TDX;
    struct json *body = json_new(x->a, JSON_OBJECT);
    const struct json *answer;
    struct agent_report report;
    struct bytes data, evidence;
    const char *type, *version = x->wish->api_version;

    if (!runtime_data(x, &data, &type) || !ask_hardware(x, data, &report) || !wrap(x, &report, &evidence))
        return false;
    attesting_base64url(x, body, tdx ? "quote" : "report", evidence);
    put_data(x, body, "runtimeData", data, type);
    if (x->wish->init_data.n)
        put_data(x, body, "initTimeData", x->wish->init_data, x->wish->init_type ? x->wish->init_type : "Binary");
    if (x->wish->nonce.n)
        attesting_text(x, body, "nonce", x->wish->nonce);
    return attesting_post(x, tdx ? "TdxVm" : "SevSnpVm",
                          version ? version
                          : tdx   ? "2025-06-01"
                                  : "2022-08-01",
                          body, &answer) &&
           attesting_member(x, answer, "token", &x->out->token);
}
