/* Messages of the protocol of TPMs: whatever comes is refused, or gets a challenge; never a token, for nobody here can sign for a
 * key that a trusted TPM holds. The same bytes as a request's payload, an enclave's report and a platform claim. */
#include <stdlib.h>

#include "base/limits.h"
#include "base/text.h"
#include "core/context_key.h"
#include "core/core.h"
#include "evidence/parts/ncrypt_claim.h"
#include "evidence/tpm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW = 1767225600 /* of simulated requests */ };

static const uint8_t sealing[AEAD_KEY_SIZE];

static void must(bool ok)
{
    if (!ok)
        abort();
}

static struct endorsements *nothing(void)
{
    static struct endorsements *e;

    if (!e) {
        e = endorsements_new(LIMIT_REQUEST_MEMORY);
        endorsements_seal(e);
    }
    return e;
}

/* As the message inside the request's envelope. */
static void attest(struct arena *a, struct bytes message)
{
    struct provider_policy policy = {.attester = &tpm_attester,
                                     .text = BYTES_LIT("version=1.0;authorizationrules{=>permit();};")};
    struct provider p = {.issuer = BYTES_LIT("https://fuzz.example"),
                         .policies = &policy,
                         .policy_count = 1,
                         .settings = SETTINGS_DEFAULT};
    struct snapshot s = {.endorsements = nothing(), .providers = &p, .provider_count = 1};
    struct mint mint = {.sealer = context_sealer(sealing)};
    struct writer body = wr_open(a);
    struct appraisal x;

    wr_text(&body, "{\"data\":\"");
    wr_base64url(&body, message);
    wr_text(&body, "\"}");
    const struct core_request r = {.issuer = p.issuer,
                                   .attester = BYTES_LIT("Tpm"),
                                   .body = wr_done(&body),
                                   .time = NOW,
                                   .entropy =
                                       BYTES_LIT("entropy entropy entropy entropy entropy entropy entropy entropy ")};
    core_attest(&x, a, &s, &r, &mint, NULL);
    must(x.payload.n == 0 && x.token.n == 0);
    must(x.answer.status == 200 ? x.exam.reply.n > 0 && challenge_context_of(a, x.answer.body).n > 0
                                : x.answer.status == 400 && x.exam.trace->failed);
}

static struct exam exam(struct arena *a, const struct settings *settings)
{
    struct exam x = {.arena = a, .trace = trace_new(a), .endorsements = nothing(), .settings = settings, .time = NOW};

    claims_init(&x.incoming, a);
    return x;
}

/* As a tool takes it, with no key asked for a certificate: what is accepted was seen to by every check. */
static void judge(struct arena *a, struct bytes file)
{
    struct settings settings = SETTINGS_DEFAULT;
    struct exam x;
    enum check_id missing;

    settings.aik_required = false;
    settings.required_pcrs = 0;
    x = exam(a, &settings);
    if (tpm_request_file(&x, file) && tpm_verify(&x))
        must(trace_complete(x.trace, tpm_required, &missing) && !x.trace->failed);
    else
        must(x.trace->failed);
}

static void structures(struct arena *a, struct bytes b)
{
    struct service_context context;
    struct sealer sealer = context_sealer(sealing);
    struct settings settings = SETTINGS_DEFAULT;
    struct exam x = exam(a, &settings);
    struct vbs_report report;
    struct ncrypt_claim claim;

    if (vbs_report_read(a, b, &report, NULL))
        must(report.statement.n + report.signature.n + 24 == b.n && report.module_count <= LIMIT_VBS_MODULES);
    if (ncrypt_claim_read(b, &claim, NULL))
        must(claim.pcrs.n == 24 * claim.pcr_size);
    x.issuer = BYTES_LIT("https://fuzz.example");
    x.sealer = &sealer;
    must(!challenge_open(&x, b, &context) && context.challenge.n == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const ways[])(struct arena *, struct bytes) = {attest, judge, structures};
    struct arena a;

    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        arena_init(&a, 2 * LIMIT_REQUEST_MEMORY);
        ways[i](&a, bytes_make(data, size));
        arena_free(&a);
    }
    return 0;
}
