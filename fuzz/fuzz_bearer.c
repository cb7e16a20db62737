/* Authorization headers, and what issuers publish. The first byte chooses: 0 a header, 1 a key set, 2 metadata. A header that was
 * accepted is that of a token which the issuer's key signed: made by a simulation, or equal to one. ASSAY_SEEDS names a folder to
 * write seeds to. */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "identity/bearer.h"
#include "identity/roles.h"
#include "simulate/bearer.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADER, KEYS, METADATA, KINDS };

static struct arena lasting;
static struct issuer issuer;
static struct simulated_bearer good;

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void write_seed(const char *folder, int kind, struct bytes text)
{
    static unsigned number;
    FILE *f = fopen(arena_printf(&lasting, "%s/%u", folder, number++), "wb");

    must(f != NULL);
    fputc(kind, f);
    fwrite(text.p, 1, text.n, f);
    fclose(f);
}

static void write_seeds(const char *folder)
{
    const struct simulate_bearer_fault *f;
    struct simulated_bearer b;

    for (size_t i = 0; (f = simulate_bearer_fault_at(i)) != NULL; i++) {
        must(simulate_bearer(&lasting, &(struct simulate_bearer_options){.fault = f->name}, &b, NULL));
        write_seed(folder, HEADER, b.authorization);
    }
    write_seed(folder, HEADER, good.authorization);
    write_seed(folder, KEYS, good.jwks);
    write_seed(folder, METADATA,
               BYTES_LIT("{\"issuer\":\"" BEARER_ISSUER_URL "\",\"jwks_uri\":\"https://keys.example/k\"}"));
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    size_t skipped;

    (void)argc, (void)argv;
    arena_init(&lasting, LIMIT_REQUEST_MEMORY);
    must(simulate_bearer(&lasting, &(struct simulate_bearer_options){0}, &good, NULL));
    issuer = (struct issuer){
        .url = BYTES_LIT(BEARER_ISSUER_URL), .subject_claim = "sub", .any_subscription = true, .carries_roles = true};
    must(issuer_keys_decode(&lasting, good.jwks, &issuer.keys, &skipped, NULL));
    if (getenv("ASSAY_SEEDS"))
        write_seeds(getenv("ASSAY_SEEDS"));
    return 0;
}

static void try_header(struct arena *a, struct bytes text)
{
    const struct issuers issuers = {&issuer, 1};
    const struct assignments none = {0};
    struct bearer_exam x = {.arena = a, .trace = trace_new(a), .issuers = &issuers, .time = good.options.time};
    struct scope scope;
    struct caller caller;

    if (bearer_verify(&x, text, &caller)) {
        /* Nobody but the simulation has the key: the token is its own, white space around it apart. */
        struct bytes token = bytes_after(good.authorization, strlen("Bearer "));

        must(text.n >= token.n && bytes_equal_nocase(bytes_first(text, 7), BYTES_LIT("Bearer ")));
        must(bytes_is(caller.subject, BEARER_SUBJECT_NAME) && caller.grant_count == 0);
        must(!caller_may(&issuers, &none, &caller, ACTION_ATTESTATION_WRITE, &(struct scope){0}));
    } else {
        must(trace_failure(x.trace) && caller.subject.n == 0 && trace_message(x.trace, a).n > 0);
    }
    if (scope_parse(text, &scope)) {
        struct scope again;

        must(scope_parse(scope_print(a, &scope), &again) && scope_covers(&scope, &again) &&
             scope_covers(&again, &scope));
    }
}

static void try_keys(struct arena *a, struct bytes text)
{
    struct fault fault = {0};
    struct issuer_keys keys;
    size_t skipped;

    if (!issuer_keys_decode(a, text, &keys, &skipped, &fault)) {
        must(fault.code != FAULT_NONE);
        return;
    }
    must(keys.count > 0 && keys.count + skipped <= LIMIT_ISSUER_KEYS);
    for (size_t i = 0; i < keys.count; i++)
        must(keys.v[i].key.kind != KEY_NONE);
}

static void try_metadata(struct arena *a, struct bytes text)
{
    struct fault fault = {0};
    const char *uri;

    if (issuer_metadata(a, text, issuer.url, &uri, &fault))
        must(strncmp(uri, "https://", 8) == 0 && !strpbrk(uri, " \t\r\n"));
    else
        must(fault.code != FAULT_NONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const tries[KINDS])(struct arena *, struct bytes) = {try_header, try_keys, try_metadata};
    struct arena a;

    if (size == 0)
        return 0;
    arena_init(&a, LIMIT_REQUEST_MEMORY);
    tries[data[0] % KINDS](&a, bytes_make(data + 1, size - 1));
    arena_free(&a);
    return 0;
}
