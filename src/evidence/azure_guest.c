#include "evidence/azure_guest.h"
#include "base/text.h"
#include "evidence/azure_guest_claims.h"
#include "evidence/parts/quote_verify.h"
#include "evidence/parts/request.h"
#include "evidence/snp_claims.h"
#include "evidence/tdx_claims.h"

/* policy.md 8: the text of the original is not published; this says the same. */
static const char default_policy[] = "version=1.0;authorizationrules{[type==\"secureboot\", value==false] => deny();"
                                     "[type==\"x-ms-azurevm-default-securebootkeysvalidated\", value==false] => deny();"
                                     "[type==\"x-ms-azurevm-debuggersdisabled\", value==false] => deny();"
                                     "[type==\"x-ms-azurevm-signingdisabled\", value==false] => deny();"
                                     "[type==\"x-ms-azurevm-dbvalidated\", value==false] => deny();"
                                     "[type==\"x-ms-azurevm-dbxvalidated\", value==false] => deny();"
                                     "=> permit();};issuancerules{};";

static const enum check_id required[] = {CHECK_REQUEST_EVIDENCE,      CHECK_GUEST_REQUEST, CHECK_GUEST_AIK_SHAPE,
                                         CHECK_GUEST_AIK_CERTIFICATE, AIK_CHECKS,          TPM_QUOTE_CHECKS,
                                         CHECK_GUEST_PCR_SET,         TPM_CERTIFY_CHECKS,  CHECK_GUEST_KEY_ATTRIBUTES,
                                         CHECK_GUEST_KEY_POLICY,      MEASURED_CHECKS,     CHECK_END};
/* What the evidence of confidential VMs needs beside these. */
#define CONFIDENTIAL_CHECKS HCL_CHECKS, CHECK_GUEST_AIK_HARDWARE, CHECK_GUEST_PARAVISOR
static const enum check_id snp_needs[] = {CHECK_SNP_REQUEST, SNP_REPORT_CHECKS, CHECK_UVM_SHAPE, CONFIDENTIAL_CHECKS,
                                          CHECK_END};
static const enum check_id tdx_needs[] = {
    QUOTE_OWN_CHECKS,        CHECK_TDX_QUOTE_TEE,         CHECK_TDX_REPORT_VM, CHECK_TDX_MODULE_KNOWN,
    CHECK_TDX_MODULE_SIGNER, CHECK_TDX_MODULE_ATTRIBUTES, CONFIDENTIAL_CHECKS, CHECK_END};

static const char hardware_vouches[] = "the hardware report vouches for the attestation key";

/* ------------------------------------------------------------------------------------------------------------ decoding */

static bool decode_request(struct exam *x, struct bytes text, struct guest_evidence *e)
{
    struct fault fault = {0};

    if (check_that(x, GUEST_REQUEST, guest_request_read(x->arena, text, &e->request, &fault)))
        return true;
    check_note(x->trace, "%s", fault.text);
    return false;
}

/* Why it is no attestation key's area, or NULL. Nobody signed the attributes (tpm-vbs.md 2.3, item 6, asks for them where they are
 * known); whoever certified the key answers for them. */
static const char *aik_fault(bool read, const struct tpm_public *p, const struct fault *fault)
{
    if (!read)
        return fault->text;
    if (p->key.kind != KEY_RSA)
        return "no RSA key of a size that is accepted";
    return tpm_public_attests(p) ? NULL : "a key that does not stay in its TPM, or signs what others made";
}

/* Clients append names behind the public area. */
static bool decode_aik(struct exam *x, struct guest_evidence *e)
{
    struct fault fault = {0};
    struct bytes rest;
    bool ok = tpm_public_read_first(x->arena, e->request.aik_public, &e->aik_public, &rest, &fault);

    const char *why = aik_fault(ok, &e->aik_public, &fault);

    if (!check_that(x, GUEST_AIK_SHAPE, !why)) {
        check_note(x->trace, "%s", why);
        return false;
    }
    return aik_decode(x, e->request.aik_certificate, &e->aik);
}

static bool decode_isolation(struct exam *x, struct guest_evidence *e)
{
    const struct guest_request *r = &e->request;

    if (r->isolation == GUEST_TRUSTED_LAUNCH)
        return true;
    x->required = r->isolation == GUEST_SEV_SNP ? snp_needs : tdx_needs;
    if (!hcl_claims_decode(x, r->runtime, &e->runtime))
        return false;
    struct request_data runtime = {.type = DATA_JSON, .data = r->runtime, .json = e->runtime.json};
    e->snp.runtime = runtime;
    e->tdx.runtime = runtime;
    e->tdx.submitted = r->proof;
    return r->isolation == GUEST_SEV_SNP ? snp_decode_object(x, r->proof, &e->snp)
                                         : tdx_decode_quote(x, r->proof, &e->tdx);
}

/* Here, not in verify: a shadow policy's run verifies again what was decoded once. */
static bool decode_log(struct exam *x, struct guest_evidence *e)
{
    if (e->request.log.n)
        return measured_add(x, &e->measured, e->request.log, false);
    check_skip(x, BOOT_LOG_SHAPE, "no log was sent; the claims that rest on one are false");
    return !x->trace->failed;
}

static bool decode_text(struct exam *x, struct bytes text)
{
    struct guest_evidence *e = ARENA_NEW(x->arena, struct guest_evidence);
    const struct guest_request *r = &e->request;

    x->evidence = e;
    if (!decode_request(x, text, e) || !decode_aik(x, e) ||
        !tpm_quote_decode(x, r->quote, r->quote_signature, true, &e->quote) ||
        !tpm_certify_decode(x, r->certify, r->certify_signature, true, r->key_public, &e->ephemeral))
        return false;
    e->quote.pcrs = r->pcrs;
    return decode_log(x, e) && decode_isolation(x, e);
}

static bool decode(struct exam *x, const struct json *request)
{
    struct bytes text;

    return request_evidence(x, request, "AttestationInfo", &text) && decode_text(x, text);
}

bool guest_decode_file(struct exam *x, struct bytes file)
{
    struct fault fault = {0};
    const struct json *body;

    if (json_parse(x->arena, bytes_without_mark(bytes_trim_end(file)), NULL, &body, &fault))
        return decode(x, body);
    if (check_that(x, REQUEST_EVIDENCE, false))
        return false;
    check_note(x->trace, "%s", fault.text);
    return false;
}

/* -------------------------------------------------------------------------------------------- hardware and its claims */

/* *absent: only a mutant came here without an endorsement, and nothing further can be looked at. */
static bool hardware(struct exam *x, struct guest_evidence *e, struct bytes *report_data, bool *absent)
{
    if (e->request.isolation == GUEST_SEV_SNP) {
        if (!snp_verify_report(x, &e->snp, absent) || !uvm_verify(x, &e->snp.uvm, e->snp.report.measurement))
            return false;
        *report_data = e->snp.report.report_data;
        snp_claims(x, &e->snp);
        return true;
    }
    if (!tdx_verify_quote(x, &e->tdx, absent))
        return false;
    *report_data = e->tdx.report.report_data;
    tdx_claims(x, &e->tdx);
    return true;
}

/* The claims that the hardware's own attester makes, into a set of their own. */
static bool hardware_claims(struct exam *x, struct guest_evidence *e, struct bytes *report_data, bool *absent)
{
    struct claims incoming = x->incoming;

    claims_init(&x->incoming, x->arena);
    bool ok = hardware(x, e, report_data, absent);
    e->isolation = x->incoming;
    x->incoming = incoming;
    return ok;
}

/* An authority's word that the key is a confidential VM's: it names those of others too, and one of these can be bound to any
 * hardware by whoever owns both machines. What an operator trusts without a certificate is his to know. */
static bool certified_confidential(const struct aik *aik)
{
    static const char confidential[] = ".ConfidentialVM.";

    return aik->valid &&
           (!aik->leaf || memmem(aik->leaf->subject_cn.p, aik->leaf->subject_cn.n, confidential, strlen(confidential)));
}

/* Without Azure's paravisor in the measurement, whoever owns the VM binds what he likes: then a certificate must vouch for the
 * virtual TPM. */
static bool paravisor(struct exam *x, struct guest_evidence *e)
{
    const struct claim *status = claims_find(&e->isolation, BYTES_LIT("x-ms-compliance-status"));

    e->azure = status && bytes_is(status->value.text, "azure-compliant-cvm");
    if (check_that(x, GUEST_PARAVISOR, e->azure || certified_confidential(&e->aik)))
        return true;
    bool snp = e->request.isolation == GUEST_SEV_SNP;
    struct bytes measured = snp ? e->snp.report.id_key_digest : e->tdx.report.mrtd;
    check_note(x->trace, "the %s is %s; the certificate: %s", snp ? "ID key's digest" : "MRTD",
               arena_string(x->arena, hex_encode(x->arena, measured)),
               e->aik.valid ? "of a Trusted Launch machine"
               : e->aik.why ? e->aik.why
                            : "none was sent");
    return false;
}

static bool certificate_holds_key(struct exam *x, const struct guest_evidence *e)
{
    if (e->aik.leaf)
        return check_that(x, GUEST_AIK_CERTIFICATE, public_key_equal(&e->aik.leaf->key, &e->aik_public.key));
    check_skip(x, GUEST_AIK_CERTIFICATE,
               "no certificate was sent: hardware, or an anchor, must vouch for the key itself");
    return !x->trace->failed;
}

static bool attestation_key(struct exam *x, struct guest_evidence *e)
{
    bool needed = e->request.isolation == GUEST_TRUSTED_LAUNCH;

    e->aik.key = &e->aik_public.key;
    e->aik.azure = true; /* else any PC whose key Microsoft certified would pass for one of its machines */
    if (!certificate_holds_key(x, e) || !aik_verify(x, &e->aik, needed, hardware_vouches))
        return false;
    x->development = x->development || (e->aik.valid && e->aik.development);
    return true;
}

static bool isolation(struct exam *x, struct guest_evidence *e, bool *absent)
{
    struct bytes report_data;

    if (e->request.isolation == GUEST_TRUSTED_LAUNCH)
        return attestation_key(x, e);
    return hardware_claims(x, e, &report_data, absent) && hcl_claims_bound(x, &e->runtime, report_data) &&
           check_that(x, GUEST_AIK_HARDWARE, public_key_equal(&e->runtime.attestation_key, &e->aik_public.key)) &&
           attestation_key(x, e) && paravisor(x, e);
}

/* ------------------------------------------------------------------------------------------------------- virtual TPM */

enum { ALG_SHA256 = 0x000b };

/* The registers that were quoted in the bank of SHA-256; false when others were too. */
static bool quoted(const struct tpm_selection *s, uint32_t *mask)
{
    bool others = false;

    *mask = 0;
    for (size_t i = 0; i < s->count; i++)
        if (s->banks[i].id == ALG_SHA256)
            *mask |= s->banks[i].mask;
        else
            others = others || s->banks[i].mask != 0;
    return !others;
}

static bool quote(struct exam *x, const struct guest_evidence *e)
{
    static const struct bytes none = {NULL, 0}; /* real quotes have no nonce; one with it was made for somebody else */
    uint32_t mask;
    bool alone = quoted(&e->quote.attest.selection, &mask);

    return tpm_quote_verify(x, &e->quote, &e->aik_public.key, &none, NULL) &&
           check_found(x, GUEST_PCR_SET, alone && mask == e->request.pcr_set, mask, e->request.pcr_set);
}

/* PolicyPCR over the registers that are quoted (3.4). False only when values are missing. */
static bool pcr_policy(const struct guest_evidence *e, uint8_t out[SHA256_SIZE])
{
    static const uint8_t zeros[SHA256_SIZE], command[] = {0, 0, 0x01, 0x7f};
    uint32_t mask = e->request.pcr_set;
    const uint8_t selection[] = {
        0, 0, 0, 1, 0, ALG_SHA256, 3, (uint8_t)mask, (uint8_t)(mask >> 8), (uint8_t)(mask >> 16)};
    const struct tpm_selection set = {.banks = {{.id = ALG_SHA256, .mask = mask}}, .count = 1};
    uint8_t pcrs[DIGEST_MAX];

    if (!tpm_pcrs_digest(&e->quote.pcrs, &set, DIGEST_SHA256, pcrs))
        return false;
    struct bytes parts[] = {BYTES_OF(zeros), BYTES_OF(command), BYTES_OF(selection), bytes_make(pcrs, SHA256_SIZE)};
    digest_parts(DIGEST_SHA256, parts, sizeof parts / sizeof *parts, out);
    return true;
}

static bool ephemeral_key(struct exam *x, const struct guest_evidence *e)
{
    enum {
        NEEDED = TPM_FIXED_TPM | TPM_FIXED_PARENT | TPM_SENSITIVE_DATA_ORIGIN | TPM_DECRYPT,
        FORBIDDEN = TPM_USER_WITH_AUTH | TPM_RESTRICTED | TPM_SIGN
    };
    static const struct bytes none = {NULL, 0};
    const struct tpm_public *key = &e->ephemeral.object;
    uint8_t policy[SHA256_SIZE];

    if (!tpm_certify_verify(x, &e->ephemeral, &e->aik_public.key, &none, NULL) ||
        !check_found(x, GUEST_KEY_ATTRIBUTES,
                     key->key.kind == KEY_RSA && (key->attributes & (NEEDED | FORBIDDEN)) == NEEDED, key->attributes,
                     "RSA that decrypts, made in its TPM and fixed there, used by its policy alone"))
        return false;
    bool known = pcr_policy(e, policy);
    return check_found(x, GUEST_KEY_POLICY,
                       known && key->name_alg == ALG_SHA256 && bytes_equal(key->auth_policy, BYTES_OF(policy)),
                       key->auth_policy, arena_copy(x->arena, bytes_make(policy, known ? sizeof policy : 0)));
}

static bool verify(struct exam *x)
{
    struct guest_evidence *e = x->evidence;
    bool absent = false;

    if (!isolation(x, e, &absent))
        return absent;
    if (!quote(x, e) || !ephemeral_key(x, e) ||
        !measured_verify(x, &e->measured, &e->quote.attest.selection, &e->quote.pcrs))
        return false;
    guest_claims(x, e);
    return true;
}

const struct attester guest_attester = {
    .path = "AzureGuest",
    .type = "azurevm",
    .default_policy = default_policy,
    .required = required,
    .decode = decode,
    .verify = verify,
    .answer = guest_answer,
};
