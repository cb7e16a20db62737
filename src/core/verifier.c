/* assay-verifier: parses everything hostile and holds no key (DESIGN 5). Descriptor 3 leads to the host, 4 to the signer.
 * Arguments: limits of one request, memory in bytes and time in seconds. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "core/confine.h"
#include "core/message.h"

enum {
    HOST_FD = 3,
    SIGNER_FD = 4,
    CACHE_ENTRIES = 4096,
    CACHE_BYTES = 128 * 1024 * 1024,     /* a PCK chain takes 30 KiB: some thousand platforms */
    SNAPSHOT_MEMORY = 512 * 1024 * 1024, /* all endorsements of all vendors, parsed */
    LIBRARY_MEMORY = 256 * 1024 * 1024,  /* libraries, stack, what libcrypto takes */
    CPU_REQUESTS = 64,                   /* the CPU limit is renewed so often: it costs two calls of the system */
    PROVIDERS_MAX = 4096,
};

/* A snapshot under construction or in force. */
struct state {
    struct arena arena;
    struct endorsements *endorsements;
    struct snapshot snapshot;
    struct settings settings;
    struct provider *providers;
    size_t provider_count, provider_cap;
    struct provider_policy *policies; /* of the provider sent last */
    size_t policy_count, policy_cap;
    struct writer warnings;
    struct fault fault;
};

static struct state *building, *current;
static struct key_record *keys;
static size_t key_count;
static struct cache *cache;
static struct frame_reader from_host = {.fd = HOST_FD}, from_signer = {.fd = SIGNER_FD};

static void state_free(struct state *s)
{
    if (!s)
        return;
    endorsements_free(s->endorsements);
    arena_free(&s->arena);
    free(s);
}

static struct state *state_new(void)
{
    struct state *s = calloc(1, sizeof *s);

    if (!s)
        abort();
    arena_init(&s->arena, SNAPSHOT_MEMORY);
    s->endorsements = endorsements_new(SNAPSHOT_MEMORY);
    s->warnings = wr_open(&s->arena);
    if (!s->endorsements)
        abort();
    return s;
}

static void finish_provider(struct state *s)
{
    if (s->provider_count == 0)
        return;
    s->providers[s->provider_count - 1].policies = s->policies;
    s->providers[s->provider_count - 1].policy_count = s->policy_count;
    s->policies = NULL;
    s->policy_count = s->policy_cap = 0;
}

static const struct key_record *key_of(struct bytes issuer)
{
    for (size_t i = 0; i < key_count; i++)
        if (bytes_equal(keys[i].issuer, issuer))
            return &keys[i];
    return NULL;
}

static void take_provider(struct state *s, struct bytes body)
{
    struct provider p = {.settings = s->settings};
    struct named_bytes m;

    finish_provider(s);
    if (!read_named(body, &m) || s->provider_count == PROVIDERS_MAX) {
        fault_set(&s->fault, FAULT_LIMIT, "a provider that is not well formed, or one too many");
        return;
    }
    p.issuer = arena_copy(&s->arena, m.name);
    const struct key_record *key = key_of(p.issuer);
    if (key) {
        p.kid = key->kid;
        certificate_decode(&s->arena, key->certificate, &p.certificate, &s->fault);
    }
    p.isolated = m.content.n > 0;
    if (p.isolated)
        provider_signers_load(&s->arena, arena_copy(&s->arena, m.content), &p.signers, &s->fault);
    s->providers = ARENA_ROOM(&s->arena, s->providers, s->provider_count, &s->provider_cap);
    s->providers[s->provider_count++] = p;
}

static void take_policy(struct state *s, struct bytes body)
{
    struct provider_policy p;
    struct named_bytes m;

    if (!read_named(body, &m) || s->provider_count == 0) {
        fault_set(&s->fault, FAULT_SYNTAX, "a policy that is not well formed");
        return;
    }
    if (!provider_policy_load(&s->arena, arena_copy(&s->arena, m.name), arena_copy(&s->arena, m.content), &p,
                              &s->fault))
        return;
    s->policies = ARENA_ROOM(&s->arena, s->policies, s->policy_count, &s->policy_cap);
    s->policies[s->policy_count++] = p;
}

static void take_endorsement(struct state *s, struct bytes body)
{
    struct fault fault = {0};
    struct named_bytes m;

    if (!read_named(body, &m))
        fault_set(&s->fault, FAULT_SYNTAX, "an endorsement that is not well formed");
    else if (!endorsements_add(s->endorsements, arena_string(&s->arena, m.name), m.content, &fault))
        wr_printf(&s->warnings, "%s\n", fault.text); /* one bad file must not take the others away */
}

static void take_anchor(struct state *s, struct bytes body)
{
    struct bytes spki;
    bool development;

    if (read_anchor(body, &spki, &development))
        endorsements_add_anchor(s->endorsements, spki.p, development);
    else
        fault_set(&s->fault, FAULT_SYNTAX, "an anchor that is not well formed");
}

static bool finish_snapshot(void)
{
    struct state *s = building;

    building = NULL;
    finish_provider(s);
    endorsements_seal(s->endorsements);
    for (size_t i = 0; i < s->provider_count; i++)
        if (s->providers[i].kid.n == 0)
            fault_set(&s->fault, FAULT_USAGE, "the signer holds no key for %.*s", (int)s->providers[i].issuer.n,
                      (const char *)s->providers[i].issuer.p);
    if (s->fault.code != FAULT_NONE) {
        bool told = frame_write(HOST_FD, FRAME_SNAPSHOT_BAD, bytes_text(s->fault.text));

        state_free(s);
        return told;
    }
    snapshot_sort(s->providers, s->provider_count);
    s->snapshot = (struct snapshot){
        .endorsements = s->endorsements, .providers = s->providers, .provider_count = s->provider_count};
    state_free(current);
    current = s;
    return frame_write(HOST_FD, FRAME_SNAPSHOT_READY, wr_done(&s->warnings));
}

static bool take_snapshot(enum frame_kind kind, struct bytes body)
{
    if (kind == FRAME_SNAPSHOT_BEGIN) {
        state_free(building);
        building = state_new();
        if (!read_settings(body, &building->settings))
            fault_set(&building->fault, FAULT_SYNTAX, "settings that are not well formed");
        return true;
    }
    if (!building)
        return false;
    switch (kind) {
    case FRAME_ANCHOR: take_anchor(building, body); return true;
    case FRAME_ENDORSEMENT: take_endorsement(building, body); return true;
    case FRAME_PROVIDER: take_provider(building, body); return true;
    case FRAME_POLICY: take_policy(building, body); return true;
    case FRAME_SNAPSHOT_END: return finish_snapshot();
    default: return false;
    }
}

/* The mint of this process: its signer. */
static bool ask_signer(void *context, const struct provider *provider, struct bytes policy_hash, struct bytes payload,
                       struct arena *a, struct bytes *token, struct fault *fault)
{
    struct sign_message m = {.issuer = provider->issuer, .policy_hash = policy_hash, .payload = payload};
    enum frame_kind kind;

    (void)context;
    if (!frame_write(SIGNER_FD, FRAME_SIGN, write_sign(a, &m)) || !frame_read(&from_signer, a, &kind, token))
        return fault_set(fault, FAULT_SYSTEM, "the signer is gone");
    if (kind != FRAME_TOKEN)
        return fault_set(fault, FAULT_CRYPTO, "%.*s", (int)token->n, (const char *)token->p);
    return true;
}

static const struct mint signer_mint = {.token = ask_signer};

static bool attest(struct arena *a, struct bytes body)
{
    struct change none = {0};
    struct shadow_result result;
    struct core_request request;
    struct appraisal x;

    if (!current || !read_attest(body, &request))
        return false;
    if (request.explain)
        core_explain(&x, a, &current->snapshot, &request, cache);
    else
        core_attest(&x, a, &current->snapshot, &request, &signer_mint, cache);
    bool shadow = !request.explain && core_shadow_due(&x);
    if (!frame_write(HOST_FD, FRAME_ANSWER, write_answer(a, &x.answer, &none, shadow)))
        return false;
    if (!shadow)
        return true;
    /* The caller has its answer: a shadow costs it no time, and cannot fail it. */
    core_shadow(&x, &result);
    return frame_write(HOST_FD, FRAME_SHADOW, write_shadow(a, &result));
}

static bool manage(struct arena *a, struct bytes body)
{
    struct manage_request request;
    struct answer answer;
    struct change change;

    if (!current || !read_manage(body, &request))
        return false;
    core_manage(a, &current->snapshot, &request, &signer_mint, &answer, &change);
    return frame_write(HOST_FD, FRAME_ANSWER, write_answer(a, &answer, &change, false));
}

static __attribute__((noreturn)) void over_memory(struct arena *a)
{
    (void)a;
    frame_write(HOST_FD, FRAME_OVERRUN, BYTES_NONE);
    _exit(EXIT_FAILURE);
}

static void serve(struct arena *a, unsigned seconds)
{
    enum frame_kind kind;
    struct bytes body;

    for (unsigned n = 0; frame_read(&from_host, a, &kind, &body); arena_reset(a), cache_settle(cache)) {
        if (n++ % CPU_REQUESTS == 0)
            confine_cpu(CPU_REQUESTS * seconds);
        bool ok = kind == FRAME_ATTEST   ? attest(a, body)
                  : kind == FRAME_MANAGE ? manage(a, body)
                                         : take_snapshot(kind, body);

        if (!ok)
            return;
    }
}

/* Learn the public keys, and tell the host: it has no way of its own to the signer. */
static bool pass_keys(struct arena *forever)
{
    enum frame_kind kind;
    struct bytes body;

    return frame_read(&from_signer, forever, &kind, &body) && kind == FRAME_KEYS &&
           read_keys(forever, body, &keys, &key_count) && frame_write(HOST_FD, FRAME_KEYS, body);
}

/* The arena of a request, two snapshots (one in force, one under construction) of two arenas each, what is kept for good. */
static size_t address_space(size_t request)
{
    return request + LIMIT_FRAME + (size_t)5 * SNAPSHOT_MEMORY + CACHE_BYTES + LIBRARY_MEMORY;
}

int main(int argc, char **argv)
{
    size_t memory = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
    unsigned seconds = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    struct arena forever, request;
    struct fault fault = {0};

    if (memory == 0 || seconds == 0) {
        fputs("assay-verifier: it is started by assayd, with the limits of a request\n", stderr);
        return EXIT_FAILURE;
    }
    if (!confine_memory_dumps(&fault) || !confine_process(address_space(memory), SIGNER_FD, &fault)) {
        fprintf(stderr, "assay-verifier: %s\n", fault.text);
        return EXIT_FAILURE;
    }
    arena_init(&forever, SNAPSHOT_MEMORY);
    arena_init(&request, memory + LIMIT_FRAME);
    request.exhausted = over_memory;
    cache = cache_new(CACHE_ENTRIES, CACHE_BYTES);
    if (pass_keys(&forever))
        serve(&request, seconds);
    state_free(building);
    state_free(current);
    cache_free(cache);
    arena_free(&request);
    arena_free(&forever);
    return EXIT_SUCCESS;
}
