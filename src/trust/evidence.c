/* Steps 2 and 3: the certificate carries evidence of a TEE, which verifies, and which is bound to the certificate's key (sgx-tdx.md
 * 9.6, snp-cvm.md 5). The evidence is judged as in the pipeline, with all its checks. */
#include "core/core.h"
#include "crypto/der.h"
#include "evidence/sgx.h"
#include "evidence/snp.h"
#include "evidence/tdx.h"
#include "trust/judging.h"

enum { OE_REPORT_VERSION = 1, OE_EVIDENCE_VERSION = 3 }; /* of its headers, the first word of each */

/* Extensions in the order of Open Enclave's own search, SEV-SNP's behind them. */
enum carrier { CARRIER_REPORT, CARRIER_EVIDENCE, CARRIER_SNP };
static const struct {
    const char *oid;
    struct bytes der; /* without tag and length */
    enum carrier carrier;
} carriers[] = {
    {"1.2.840.113556.10.1.1", BYTES_LIT("\x2a\x86\x48\x86\xf7\x14\x0a\x01\x01"), CARRIER_REPORT},
    {"1.3.6.1.4.1.311.105.1", BYTES_LIT("\x2b\x06\x01\x04\x01\x82\x37\x69\x01"), CARRIER_REPORT},
    {"1.2.840.113556.10.1.2", BYTES_LIT("\x2a\x86\x48\x86\xf7\x14\x0a\x01\x02"), CARRIER_EVIDENCE},
    {"1.3.6.1.4.1.311.105.2", BYTES_LIT("\x2b\x06\x01\x04\x01\x82\x37\x69\x02"), CARRIER_EVIDENCE},
    {"1.3.6.1.4.1.311.105.1000.1", BYTES_LIT("\x2b\x06\x01\x04\x01\x82\x37\x69\x87\x68\x01"), CARRIER_SNP},
};
#define OID_SNP_KIND BYTES_LIT("\x2b\x06\x01\x04\x01\x82\x37\x69\x87\x68\x02")
#define SNP_KIND     "acisevsnp"

/* What the extension's value is, once it is unwrapped. */
enum form { FORM_NONE, FORM_OE_REPORT, FORM_QUOTE, FORM_OE_EVIDENCE, FORM_TDX_EVIDENCE, FORM_SNP };
static const char *const form_names[] = {
    "nothing known",         "Open Enclave report",          "SGX quote",
    "Open Enclave evidence", "Open Enclave evidence of TDX", "SEV-SNP report with its endorsements"};

struct carried {
    enum form form;
    struct bytes evidence;
    const char *oid;
};

/* The generation of 2020 wrapped a bare quote into an OCTET STRING. */
static void unwrap_report(struct bytes value, struct carried *out)
{
    struct reader r = rd_open(value), der = rd_open(value);

    if (rd_u32le(&r) == OE_REPORT_VERSION) {
        *out = (struct carried){FORM_OE_REPORT, value, out->oid};
        return;
    }
    struct bytes quote = der_take(&der, DER_OCTET_STRING);
    if (rd_end(&der) && quote.n)
        *out = (struct carried){FORM_QUOTE, quote, out->oid};
}

static void unwrap_evidence(struct bytes value, struct carried *out)
{
    struct reader r = rd_open(value);
    uint32_t version = rd_u32le(&r);

    rd_skip(&r, 20); /* format and padding */
    uint64_t size = rd_u64le(&r);
    if (rd_ok(&r) && version == OE_EVIDENCE_VERSION && size == rd_left(&r))
        *out = (struct carried){tdx_is_wrapped(value) ? FORM_TDX_EVIDENCE : FORM_OE_EVIDENCE, value, out->oid};
}

/* JSON, as a UTF8String or bare. */
static void unwrap_snp(struct bytes value, struct carried *out)
{
    struct reader r = rd_open(value);
    struct bytes text = value;

    if (der_next_is(&r, DER_UTF8_STRING)) {
        text = der_take(&r, DER_UTF8_STRING);
        if (!rd_end(&r))
            return;
    }
    if (bytes_begin(bytes_without_mark(text), "{"))
        *out = (struct carried){FORM_SNP, text, out->oid};
}

static bool snp_kind(struct judging *j)
{
    struct bytes value = BYTES_NONE, text;

    certificate_extension(j->key->certificate, OID_SNP_KIND, &value);
    struct reader r = rd_open(value);
    text = der_next_is(&r, DER_UTF8_STRING) ? der_take(&r, DER_UTF8_STRING) : value;
    return check_eq(j, TRUST_EVIDENCE_KIND, text, BYTES_LIT(SNP_KIND));
}

static bool find(struct judging *j, struct carried *out)
{
    struct bytes value = BYTES_NONE;
    enum carrier carrier = CARRIER_REPORT;

    for (size_t i = 0; i < sizeof carriers / sizeof *carriers && !out->oid; i++)
        if (certificate_extension(j->key->certificate, carriers[i].der, &value)) {
            out->oid = carriers[i].oid;
            carrier = carriers[i].carrier;
        }
    if (!check_that(j, TRUST_EVIDENCE_PRESENT, out->oid != NULL))
        return false;
    if (carrier == CARRIER_REPORT)
        unwrap_report(value, out);
    else if (carrier == CARRIER_EVIDENCE)
        unwrap_evidence(value, out);
    else
        unwrap_snp(value, out);
    if (!check_that(j, TRUST_EVIDENCE_FORM, out->form != FORM_NONE))
        return false;
    j->key->carried = arena_printf(j->q->arena, "%s in %s", form_names[out->form], out->oid ? out->oid : "none");
    if (out->form == FORM_SNP)
        return snp_kind(j);
    check_skip(j, TRUST_EVIDENCE_KIND, "the evidence is not of SEV-SNP");
    return !j->trace->failed;
}

static bool decode(struct exam *x, const struct carried *c, const struct attester **attester)
{
    switch (c->form) {
    case FORM_QUOTE: *attester = &sgx_attester; return sgx_decode_quote(x, c->evidence, NULL, NULL);
    case FORM_OE_REPORT:
    case FORM_OE_EVIDENCE: *attester = &oe_attester; return oe_decode_file(x, c->evidence, NULL, NULL);
    case FORM_TDX_EVIDENCE: *attester = &tdx_attester; return tdx_decode_file(x, c->evidence, NULL, NULL);
    case FORM_SNP: *attester = &snp_attester; return snp_decode_file(x, c->evidence, BYTES_NONE, NULL, NULL);
    case FORM_NONE: break;
    }
    return false;
}

static void found_in_sgx(struct judging *j, const struct sgx_evidence *e)
{
    j->key->found = measurement_of_sgx(&e->report);
    j->has_claims = e->has_custom_claims;
    j->claims = e->custom_claims;
}

static void found_in_tdx(struct judging *j, const struct tdx_evidence *e)
{
    j->key->found = measurement_of_tdx(&e->report);
    j->has_claims = true;
    j->claims = e->quote.tail;
}

static bool check_debug(struct judging *j)
{
    if (j->key->found.debug && j->q->rules->allow_debug) {
        check_skip(j, TRUST_EVIDENCE_DEBUG, "--allow-debug");
        return !j->trace->failed;
    }
    return check_that(j, TRUST_EVIDENCE_DEBUG, !j->key->found.debug);
}

/* The pipeline's own judgement, in the trace of this key. */
static bool judge(struct judging *j, struct appraisal *x, const struct carried *c)
{
    enum check_id missing = CHECK_TRUST_EVIDENCE_FORM;

    if (!decode(&x->exam, c, &x->attester))
        return false;
    bool ok = core_judge(x, false);
    j->key->tcb_known = x->exam.tcb_known;
    j->key->tcb_status = x->exam.tcb_status;
    j->key->advisories = x->exam.advisories;
    j->key->advisory_count = x->exam.advisory_count;
    j->key->development = x->exam.development;
    if (ok || j->trace->failed)
        return ok;
    if (x->answer.failed_check)
        check_by_name(bytes_text(x->answer.failed_check), &missing);
    check_record(j->trace, missing, false, CHECK_NO_VALUE, CHECK_NO_VALUE);
    check_note(j->trace, "this check was never made: an error of this program");
    return false;
}

bool trust_step_evidence(struct judging *j)
{
    const struct trust_question *q = j->q;
    struct carried c = {0};
    struct appraisal x = {.exam = {.arena = q->arena,
                                   .trace = j->trace,
                                   .endorsements = q->endorsements,
                                   .settings = &q->rules->appraisal,
                                   .time = q->time}};

    claims_init(&x.exam.incoming, q->arena);
    if (!find(j, &c) || !judge(j, &x, &c))
        return false;
    if (c.form == FORM_SNP)
        j->key->found = measurement_of_snp(&((const struct snp_evidence *)x.exam.evidence)->report);
    else if (c.form == FORM_TDX_EVIDENCE)
        found_in_tdx(j, x.exam.evidence);
    else
        found_in_sgx(j, x.exam.evidence);
    return check_debug(j);
}

bool trust_step_binding(struct judging *j)
{
    struct bytes data = j->key->found.report_data;

    if (!j->has_claims)
        check_skip(j, TRUST_BINDING_CLAIMS, "the evidence is of a form without custom claims");
    else if (!check_that(j, TRUST_BINDING_CLAIMS, bytes_equal(j->claims, j->key_text)))
        return false;
    return check_eq(j, TRUST_BINDING_REPORT_DATA, bytes_first(data, SHA256_SIZE),
                    sha256_of(j->q->arena, j->key_text)) &&
           check_that(j, TRUST_BINDING_TAIL, bytes_all_zero(bytes_after(data, SHA256_SIZE)));
}
