/* The body of an attest request, sent to every kind of evidence: whatever it is, there is one well-formed answer,
 * and no token unless every required check was made. With ASSAY_SHARED the endorsements of the recorded requests are
 * at hand, so that mutations of those get as far as the policy. */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "core/core.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct provider provider;
static struct snapshot snapshot;

static void load(struct endorsements *e, const char *folder, const char *name)
{
    struct arena a;
    FILE *f;

    arena_init(&a, LIMIT_REQUEST_MEMORY);
    f = fopen(arena_printf(&a, "%s/evidence/collateral/%s", folder, name), "rb");
    if (f) {
        uint8_t *p = arena_alloc(&a, LIMIT_COLLATERAL);

        endorsements_add(e, name, bytes_make(p, fread(p, 1, LIMIT_COLLATERAL, f)), NULL);
        fclose(f);
    }
    arena_free(&a);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char *const files[] = {"tcbinfo-v2-sgx-00906ed50000-e10-20210331-0487222c.json",
                                        "qeid-qe-e10-20210701-0f7320e2.json",
                                        "certs/intel-tcbsigning-20180521-20250521-ec37d981.der",
                                        "certs/intel-root-20180521-20491231-44a0196b.der",
                                        "crl-processor-20221018-67a75283.der",
                                        "crl-root-20220419-ef604c71.der"};
    struct endorsements *e = endorsements_new(LIMIT_REQUEST_MEMORY);
    const char *shared = getenv("ASSAY_SHARED");

    (void)argc, (void)argv;
    for (size_t i = 0; shared && i < sizeof files / sizeof *files; i++)
        load(e, shared, files[i]);
    endorsements_seal(e);
    provider = (struct provider){
        .issuer = BYTES_LIT("https://fuzz.example"), .kid = BYTES_LIT("kid"), .settings = SETTINGS_DEFAULT};
    snapshot = (struct snapshot){.endorsements = e, .providers = &provider, .provider_count = 1};
    return 0;
}

static bool mint_token(void *context, const struct provider *p, enum token_form form, struct bytes policy_hash,
                       struct bytes payload, struct arena *a, struct bytes *token, struct fault *fault)
{
    (void)context, (void)form, (void)policy_hash, (void)fault;
    *token = token_unsigned(a, p->issuer, p->kid, payload);
    return true;
}

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void attest(struct arena *a, const struct attester *attester, struct bytes body)
{
    struct mint mint = {.token = mint_token};
    struct core_request r = {.issuer = provider.issuer,
                             .attester = bytes_text(attester->path),
                             .body = body,
                             .time = 1668716909, /* 2022-11-17T20:28:29Z: the recorded requests */
                             .entropy = BYTES_LIT("entropy entropy entropy entropy ")};
    struct appraisal x;
    const struct json *answer;
    enum check_id missing;

    core_attest(&x, a, &snapshot, &r, &mint, NULL);
    must(json_parse(a, x.answer.body, NULL, &answer, NULL));
    if (x.answer.status == 200) {
        must(x.token.n > 0 && !x.exam.trace->failed && x.run.decision == POLICY_PERMIT);
        must(trace_complete(x.exam.trace, attester->required, &missing));
        must(json_parse(a, x.payload, NULL, &answer, NULL));
    } else {
        must(x.token.n == 0 && x.answer.status == 400);
        must(json_member(json_member(answer, "error"), "code") != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;

    for (size_t i = 0; attester_at(i); i++) {
        arena_init(&a, LIMIT_REQUEST_MEMORY);
        attest(&a, attester_at(i), bytes_make(data, size));
        arena_free(&a);
    }
    return 0;
}
