/* Policies and certificates that are sent to manage a provider. The first byte chooses the operation and the trust model, the
 * rest is the body. Whatever it is there is one well-formed answer; nothing is to be stored but after status 200, and in the
 * isolated trust model not without a signer. ASSAY_SEEDS names a folder to write seeds to: every simulated upload, in each
 * encoding that clients use. */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/text.h"
#include "core/manage.h"
#include "simulate/upload.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum manage_what operations[] = {
    MANAGE_POLICY_SET,           MANAGE_POLICY_RESET,      MANAGE_SIGNERS_ADD,        MANAGE_SIGNERS_REMOVE,
    MANAGE_LEGACY_POLICY_UPDATE, MANAGE_LEGACY_POLICY_SET, MANAGE_LEGACY_SIGNERS_ADD, MANAGE_LEGACY_SIGNERS_REMOVE,
};
enum { OPERATIONS = sizeof operations / sizeof *operations, ISOLATED = 0x80 };

static struct arena lasting;
static struct provider open_provider, isolated_provider;
static int64_t when;

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* One body, for the operations that its own is akin to. */
static void write_seed(const char *folder, const struct simulated_upload *u, const char *encoding)
{
    static const uint8_t first[] = {[SIMULATE_POLICY] = 0,
                                    [SIMULATE_RESET] = 1,
                                    [SIMULATE_CERTIFICATE] = 2,
                                    [SIMULATE_PUT_IN_FORCE] = 5}; /* of operations */
    static unsigned number;
    FILE *f = fopen(arena_printf(&lasting, "%s/%u", folder, number++), "wb");

    must(f != NULL);
    fputc(first[u->options.operation] | (u->options.isolated ? ISOLATED : 0), f);
    fprintf(f, encoding, arena_string(&lasting, u->jws));
    fclose(f);
}

static void write_seeds(const char *folder, const struct simulate_upload_options *options)
{
    struct simulated_upload u;

    must(simulate_upload(&lasting, options, &u, NULL));
    write_seed(folder, &u, "%s");
    write_seed(folder, &u, " \r\n%s\n");
    write_seed(folder, &u, "\"%s\"");
    write_seed(folder, &u, "{\"policyCertificateToAdd\":\"%s\"}");
    write_seed(folder, &u, "{\"policyCertificateToRemove\":\"%s\\u002B\"}");
}

static void write_all_seeds(const char *folder)
{
    const struct simulate_upload_fault *f;

    for (size_t i = 0; (f = simulate_upload_fault_at(i)) != NULL; i++)
        write_seeds(folder, &(struct simulate_upload_options){.fault = f->name});
    for (int operation = SIMULATE_POLICY; operation <= SIMULATE_PUT_IN_FORCE; operation++)
        for (int signer = SIMULATE_CHAIN; signer <= SIMULATE_UNSIGNED; signer++)
            for (int isolated = 0; isolated < 2; isolated++)
                write_seeds(folder, &(struct simulate_upload_options){.operation = (enum simulate_operation)operation,
                                                                      .signer = (enum simulate_signer)signer,
                                                                      .isolated = isolated});
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static struct provider_policy waiting;
    struct simulated_upload u;
    size_t count;

    (void)argc, (void)argv;
    arena_init(&lasting, LIMIT_REQUEST_MEMORY);
    if (getenv("ASSAY_SEEDS"))
        write_all_seeds(getenv("ASSAY_SEEDS"));
    must(simulate_upload(
        &lasting, &(struct simulate_upload_options){.operation = SIMULATE_PUT_IN_FORCE, .isolated = true}, &u, NULL));
    when = u.options.time;
    open_provider =
        (struct provider){.issuer = BYTES_LIT(SIMULATE_ISSUER), .kid = BYTES_LIT("kid"), .settings = SETTINGS_DEFAULT};
    must(certificate_decode(&lasting, u.service, &open_provider.certificate, NULL));
    must(provider_policy_load(&lasting, BYTES_LIT("pending/SgxEnclave"), u.pending, &waiting, NULL));
    open_provider.policies = &waiting;
    open_provider.policy_count = 1;
    isolated_provider = open_provider;
    isolated_provider.isolated = true;
    must(certificates_decode(&lasting, u.signer, &isolated_provider.signers, &count, NULL));
    return 0;
}

static bool mint_token(void *context, const struct provider *p, enum token_form form, struct bytes policy_hash,
                       struct bytes payload, struct arena *a, struct bytes *token, struct fault *fault)
{
    (void)context, (void)form, (void)policy_hash, (void)fault;
    *token = token_unsigned(a, p->issuer, p->kid, payload);
    return true;
}

/* What was accepted can be loaded again. */
static void load(struct arena *a, const struct change *change)
{
    const struct certificate *signers;
    struct provider_policy policy;

    if (bytes_is(change->kind, "signers"))
        must(provider_signers_load(a, change->body, &signers, NULL));
    else
        must(provider_policy_load(a, change->kind, change->body, &policy, NULL));
}

static void judge(struct arena *a, uint8_t first, struct bytes body)
{
    const struct provider *p = first & ISOLATED ? &isolated_provider : &open_provider;
    struct snapshot snapshot = {.providers = p, .provider_count = 1};
    struct mint mint = {.token = mint_token};
    struct manage_request r = {.what = operations[first % OPERATIONS],
                               .slot = SLOT_ACTIVE,
                               .issuer = p->issuer,
                               .kind = BYTES_LIT("SgxEnclave"),
                               .body = body,
                               .time = when};
    struct answer answer = {0};
    struct changes changes;
    const struct json *v;

    core_manage(a, &snapshot, &r, &mint, &answer, &changes);
    must(answer.status == 200 || (answer.status == 400 && answer.code && changes.count == 0));
    must(answer.body.n == 0 || json_parse(a, answer.body, NULL, &v, NULL));
    must(answer.status == 200 || json_member(json_member(v, "error"), "code"));
    for (size_t i = 0; i < changes.count; i++) {
        must(!p->isolated || changes.v[i].signer.n);
        load(a, &changes.v[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;

    if (size == 0)
        return 0;
    arena_init(&a, LIMIT_REQUEST_MEMORY);
    judge(&a, data[0], bytes_make(data + 1, size - 1));
    arena_free(&a);
    return 0;
}
