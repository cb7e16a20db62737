#include "core/selftest.h"

#include "base/text.h"
#include "core/context_key.h"
#include "core/core.h"
#include "core/selftest_sample.inc"
#include "evidence/tpm_challenge.h"

enum {
    MEMORY = 32 * 1024 * 1024, /* of one sample, and as much for its endorsements */
    OE_HEADER = 16,            /* before the quote of an Open Enclave report */
    QUOTE_SIGNATURE = 436,     /* of the quote's header and report body, within a quote (sgx-tdx.md 1) */
    TD_QUOTE_SIGNATURE = 636,
    SNP_SIGNATURE = 0x2a0, /* of a report of AMD's (snp-cvm.md 1.1) */
};

/* Of those who made the samples: trusted here, and in no other set. */
static const uint8_t *const sample_anchors[] = {sample_anchor, sample_snp_anchor, sample_aik_anchor};

static const struct selftest_sample samples[] = {
    {"SgxEnclave",
     "quote",
     {sample_report + OE_HEADER, sizeof sample_report - OE_HEADER},
     QUOTE_SIGNATURE,
     CHECK_SGX_QUOTE_SIGNATURE,
     {0},
     {0},
     {0}},
    {"OpenEnclave",
     "report",
     {sample_report, sizeof sample_report},
     OE_HEADER + QUOTE_SIGNATURE,
     CHECK_SGX_QUOTE_SIGNATURE,
     {0},
     {0},
     {0}},
    {"TdxVm",
     "quote",
     {sample_td_quote, sizeof sample_td_quote},
     TD_QUOTE_SIGNATURE,
     CHECK_SGX_QUOTE_SIGNATURE,
     {0},
     {0},
     {0}},
    {"SevSnpVm",
     "report",
     {sample_snp_report, sizeof sample_snp_report},
     SNP_SIGNATURE,
     CHECK_SNP_REPORT_SIGNATURE,
     {sample_snp_chain, sizeof sample_snp_chain},
     {0},
     {0}},
    {"AzureGuest",
     "AttestationInfo",
     {sample_guest_signature, sizeof sample_guest_signature},
     0,
     CHECK_TPM_QUOTE_SIGNATURE,
     {0},
     {sample_guest_before, sizeof sample_guest_before},
     {sample_guest_after, sizeof sample_guest_after}},
    {"Tpm",
     "data",
     {sample_tpm_signature, sizeof sample_tpm_signature},
     0,
     CHECK_ATTREQ_SIGNATURE,
     {0},
     {sample_tpm_before, sizeof sample_tpm_before},
     {sample_tpm_after, sizeof sample_tpm_after}},
};

/* Tpm has no default policy. */
static const struct provider_policy sample_policies[] = {
    {.attester = &tpm_attester,
     .kind = {(const uint8_t *)"Tpm", 3},
     .text = BYTES_LIT("version=1.0;authorizationrules{=>permit();};issuancerules{};")}};

struct sealer selftest_sealer(void)
{
    static const uint8_t known[AEAD_KEY_SIZE];

    return context_sealer(known);
}

const struct selftest_sample *selftest_sample_at(size_t i)
{
    return i < sizeof samples / sizeof *samples ? &samples[i] : NULL;
}

static struct endorsements *sample_endorsements(struct fault *fault)
{
    static const struct {
        const char *name;
        struct bytes text;
    } files[] = {{"tcb info", {sample_tcb_info, sizeof sample_tcb_info}},
                 {"identity", {sample_identity, sizeof sample_identity}},
                 {"root crl", {sample_root_crl, sizeof sample_root_crl}},
                 {"pck crl", {sample_pck_crl, sizeof sample_pck_crl}},
                 {"signing chain", {sample_signing_chain, sizeof sample_signing_chain}},
                 {"tcb info of TDX", {sample_td_tcb_info, sizeof sample_td_tcb_info}},
                 {"identity of TD QE", {sample_td_identity, sizeof sample_td_identity}},
                 {"crl of AMD", {sample_snp_crl, sizeof sample_snp_crl}},
                 {"authorities of TPMs", {sample_aik_issuers, sizeof sample_aik_issuers}}};
    struct endorsements *e = endorsements_new(MEMORY);

    if (!e) {
        fault_set(fault, FAULT_SYSTEM, "no memory");
        return NULL;
    }
    for (size_t i = 0; i < sizeof sample_anchors / sizeof *sample_anchors; i++)
        endorsements_add_anchor(e, sample_anchors[i], true);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (!endorsements_add(e, files[i].name, files[i].text, fault)) {
            endorsements_free(e);
            return NULL;
        }
    endorsements_seal(e);
    return e;
}

/* Report and certificates as one object (snp-cvm.md 2.2). */
static struct bytes with_certificates(struct arena *a, struct bytes report, struct bytes certificates)
{
    struct json *object = json_new(a, JSON_OBJECT);

    JSON_SET(object, "SnpReport", json_new_text(a, base64url_encode(a, report)));
    JSON_SET(object, "VcekCertChain", json_new_text(a, base64url_encode(a, certificates)));
    return json_print(a, object, JSON_IN_ORDER);
}

/* A signature where it stands in a text. */
static struct bytes between(struct arena *a, const struct selftest_sample *sample, struct bytes signature)
{
    struct writer w = wr_open(a);

    wr_put(&w, sample->before);
    wr_base64url(&w, signature);
    wr_put(&w, sample->after);
    return wr_done(&w);
}

static struct bytes request_of(struct arena *a, const struct selftest_sample *sample, struct bytes evidence)
{
    struct json *request = json_new(a, JSON_OBJECT), *runtime = json_new(a, JSON_OBJECT);

    JSON_SET(runtime, "data", json_new_text(a, base64url_encode(a, BYTES_OF(sample_runtime))));
    JSON_SET(runtime, "dataType", json_new_text(a, BYTES_LIT("JSON")));
    if (sample->certificates.n)
        evidence = with_certificates(a, evidence, sample->certificates);
    if (sample->before.n)
        evidence = between(a, sample, evidence);
    json_set(request, bytes_text(sample->member), json_new_text(a, base64url_encode(a, evidence)));
    JSON_SET(request, "runtimeData", runtime);
    return json_print(a, request, JSON_IN_ORDER);
}

/* What the firmware of the sample's machine holds in its variables. */
static const struct reference_values *sample_reference(struct arena *a)
{
    static const struct bytes variables[] = {{sample_secure_boot_pk, sizeof sample_secure_boot_pk},
                                             {sample_secure_boot_kek, sizeof sample_secure_boot_kek},
                                             {sample_secure_boot_db, sizeof sample_secure_boot_db},
                                             {sample_secure_boot_dbx, sizeof sample_secure_boot_dbx}};
    struct reference_values *r = ARENA_NEW(a, struct reference_values);

    *r = reference_builtin;
    for (int i = 0; i < 4; i++)
        reference_add(a, r, (enum reference_list)(REFERENCE_SECURE_BOOT_PK + i), variables[i]);
    return r;
}

/* The way of every request, but for the token: NULL when it would have got one, else what refused it. */
static const char *judge(struct arena *a, const struct endorsements *endorsements, const struct selftest_sample *sample,
                         struct bytes evidence)
{
    static const uint8_t entropy[EXAM_ENTROPY];
    struct provider provider = {.issuer = SELFTEST_ISSUER,
                                .settings = SETTINGS_DEFAULT,
                                .policies = sample_policies,
                                .policy_count = sizeof sample_policies / sizeof *sample_policies};
    const struct mint mint = {.sealer = selftest_sealer()};
    const struct snapshot snapshot = {.endorsements = endorsements, .providers = &provider, .provider_count = 1};
    const struct core_request request = {.issuer = provider.issuer,
                                         .attester = bytes_text(sample->path),
                                         .body = request_of(a, sample, evidence),
                                         .time = sample_time,
                                         .entropy = BYTES_OF(entropy)};
    struct appraisal x;

    provider.settings.freshness = FRESHNESS_STRICT;
    provider.settings.amd_crl_freshness = true;
    provider.settings.reference = sample_reference(a);
    core_attest(&x, a, &snapshot, &request, &mint, NULL); /* no cache: everything is judged here and now */
    if (x.answer.status == 200 && x.permitted && x.payload.n)
        return NULL;
    return x.answer.failed_check ? x.answer.failed_check : "nothing that has a name";
}

static struct bytes damaged(struct arena *a, const struct selftest_sample *sample)
{
    uint8_t *twin = arena_alloc(a, sample->evidence.n);

    memcpy(twin, sample->evidence.p, sample->evidence.n);
    if (sample->damage < sample->evidence.n)
        twin[sample->damage] ^= 1;
    return bytes_make(twin, sample->evidence.n);
}

static bool judge_both(struct arena *a, const struct endorsements *endorsements, const struct selftest_sample *sample,
                       struct fault *fault)
{
    const char *wanted = check_table[sample->refused_by].id;
    const char *good = judge(a, endorsements, sample, sample->evidence);

    if (good)
        return fault_set(fault, FAULT_CRYPTO, "%s: the good sample was refused by %s", sample->path, good);
    const char *twin = judge(a, endorsements, sample, damaged(a, sample));
    if (!twin)
        return fault_set(fault, FAULT_CRYPTO, "%s: the damaged sample was accepted, which %s should have refused",
                         sample->path, wanted);
    return strcmp(twin, wanted) == 0 ||
           fault_set(fault, FAULT_CRYPTO, "%s: the damaged sample was refused by %s, not by %s", sample->path, twin,
                     wanted);
}

bool selftest_judge(const struct selftest_sample *sample, struct fault *fault)
{
    struct endorsements *endorsements = sample_endorsements(fault);
    struct arena a;

    if (!endorsements)
        return false;
    arena_init(&a, MEMORY);
    bool ok = judge_both(&a, endorsements, sample, fault);
    arena_free(&a);
    endorsements_free(endorsements);
    return ok;
}

static const struct selftest_sample *sample_of(const struct attester *attester)
{
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
        if (strcmp(samples[i].path, attester->path) == 0)
            return &samples[i];
    return NULL;
}

/* A challenge, and what brings it back: good as it is, refused in the hands of another provider. */
static bool judge_challenge(struct fault *fault)
{
    static const uint8_t entropy[EXAM_ENTROPY];
    const struct sealer sealer = selftest_sealer();
    struct service_context context;
    struct arena a;

    arena_init(&a, MEMORY);
    struct exam x = {.arena = &a,
                     .trace = trace_new(&a),
                     .issuer = SELFTEST_ISSUER,
                     .sealer = &sealer,
                     .time = sample_time,
                     .entropy = BYTES_OF(entropy)};
    struct bytes sent = challenge_give(&x) ? challenge_context_of(&a, x.reply) : BYTES_NONE;
    bool good = challenge_open(&x, sent, &context) && context.expires > x.time;
    x.issuer = BYTES_LIT("https://other.invalid");
    bool other = challenge_open(&x, sent, &context);
    arena_free(&a);
    return (good && !other) || fault_set(fault, FAULT_CRYPTO,
                                         good ? "Tpm: a service context opened for another provider"
                                              : "Tpm: a service context did not open");
}

bool selftest_evidence(struct fault *fault)
{
    const struct attester *attester;

    for (size_t i = 0; (attester = attester_at(i)) != NULL; i++) {
        const struct selftest_sample *sample = sample_of(attester);

        if (attester == &tpm_attester && !judge_challenge(fault))
            return false;
        if (!sample)
            return fault_set(fault, FAULT_CRYPTO, "%s: there is no sample", attester->path);
        if (!selftest_judge(sample, fault))
            return false;
    }
    return true;
}
