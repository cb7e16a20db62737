/* A simulated upload sent to a provider of its trust model, for tests and mutants. */
#ifndef ASSAY_TESTS_MANAGE_UPLOAD_H
#define ASSAY_TESTS_MANAGE_UPLOAD_H

#include "core/manage.h"
#include "simulate/upload.h"

static inline bool upload_mint(void *context, const struct provider *p, enum token_form form, struct bytes policy_hash,
                               struct bytes payload, struct arena *a, struct bytes *token, struct fault *fault)
{
    (void)context, (void)form, (void)policy_hash, (void)fault;
    *token = token_unsigned(a, p->issuer, p->kid, payload);
    return true;
}

/* The answer to it in the form `body`, and what is to be stored. */
static inline void upload_send(struct arena *a, const struct simulated_upload *u, struct bytes body,
                               struct answer *answer, struct changes *changes)
{
    static const enum manage_what operations[] = {[SIMULATE_POLICY] = MANAGE_POLICY_SET,
                                                  [SIMULATE_RESET] = MANAGE_POLICY_RESET,
                                                  [SIMULATE_CERTIFICATE] = MANAGE_SIGNERS_ADD,
                                                  [SIMULATE_PUT_IN_FORCE] = MANAGE_LEGACY_POLICY_SET};
    struct provider provider = {
        .issuer = BYTES_LIT(SIMULATE_ISSUER), .kid = BYTES_LIT("kid"), .settings = SETTINGS_DEFAULT};
    struct snapshot snapshot = {.providers = &provider, .provider_count = 1};
    struct mint mint = {.token = upload_mint};
    struct provider_policy pending = {
        .slot = SLOT_PENDING, .kind = BYTES_LIT("SgxEnclave"), .jws = u->pending, .attester = &sgx_attester};
    size_t count;

    if (u->pending.n) {
        provider.policies = &pending;
        provider.policy_count = 1;
    }
    if (u->service.n)
        certificate_decode(a, u->service, &provider.certificate, NULL);
    provider.isolated = u->signer.n > 0;
    if (provider.isolated)
        certificates_decode(a, u->signer, &provider.signers, &count, NULL);
    struct manage_request request = {.what = operations[u->options.operation],
                                     .slot = SLOT_ACTIVE,
                                     .issuer = provider.issuer,
                                     .kind = BYTES_LIT("SgxEnclave"),
                                     .body = body,
                                     .time = u->options.time};
    core_manage(a, &snapshot, &request, &mint, answer, changes);
}

/* NULL when accepted, else the id of the check that refused. */
static inline const char *upload_judge(struct arena *a, const struct simulated_upload *u)
{
    struct answer answer = {0};
    struct changes changes = {0};

    upload_send(a, u, u->jws, &answer, &changes);
    if (answer.status == 200 && changes.count)
        return NULL;
    return answer.failed_check ? answer.failed_check : "nothing that has a name";
}

#endif
