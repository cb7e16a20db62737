#include "bench.h"
#include "core/mint_key.h"

void pipeline_open(struct pipeline *p, const struct simulate_options *options, pipeline_decode *decode)
{
    struct fault fault = {0};

    arena_init(&p->request, BENCH_MEMORY);
    arena_init(&p->kept, BENCH_MEMORY);
    p->endorsements = endorsements_new(BENCH_MEMORY);
    p->cache = cache_new(4096, 64 * 1024 * 1024);
    p->key = signing_key_generate(KEY_RSA, &fault);
    if (!p->key || !simulate(&p->kept, options, &p->made, &fault) ||
        !simulate_endorsements(&p->made, p->endorsements, true, &fault))
        failed(fault.text);
    p->attester = simulated_attester(&p->made);
    p->decode = decode;
    p->provider = (struct provider){.issuer = BYTES_LIT("https://bench.example"),
                                    .settings = p->made.settings,
                                    .kid = key_id(&p->kept, signing_key_spki(p->key, &p->kept))};
    p->snapshot = (struct snapshot){.endorsements = p->endorsements, .providers = &p->provider, .provider_count = 1};
    p->mint = mint_with_key(p->key);
}

void pipeline_close(struct pipeline *p)
{
    signing_key_free(p->key);
    endorsements_free(p->endorsements);
    cache_free(p->cache);
    arena_free(&p->request);
    arena_free(&p->kept);
}

void pipeline_verify(void *context)
{
    struct pipeline *p = context;
    struct exam x = {.arena = &p->request,
                     .trace = trace_new(&p->request),
                     .endorsements = p->endorsements,
                     .settings = &p->provider.settings,
                     .cache = p->cache,
                     .issuer = p->provider.issuer,
                     .sealer = p->mint.sealer.seal ? &p->mint.sealer : NULL,
                     .plain_policy = true, /* as it is when attesting: the default policies are */
                     .time = p->made.time};

    claims_init(&x.incoming, &p->request);
    if (!p->decode(&x, &p->made) || !p->attester->verify(&x))
        failed(arena_string(&p->request, trace_message(x.trace, &p->request)));
    arena_reset(&p->request);
    cache_settle(p->cache);
}

void pipeline_attest(void *context)
{
    static const uint8_t entropy[BENCH_ENTROPY];
    struct pipeline *p = context;
    struct core_request request = {.issuer = p->provider.issuer,
                                   .attester = bytes_text(p->attester->path),
                                   .body = p->made.request,
                                   .time = p->made.time,
                                   .entropy = BYTES_OF(entropy)};
    struct appraisal x;

    core_attest(&x, &p->request, &p->snapshot, &request, &p->mint, p->cache);
    if (x.answer.status != 200)
        failed(arena_string(&p->request, x.answer.body));
    arena_reset(&p->request);
    cache_settle(p->cache);
}

void pipeline_sign(void *context)
{
    struct pipeline *p = context;
    struct bytes signature;

    if (!sign_message(p->key, SIGNATURE_RS256, bytes_first(p->made.evidence, 512), &p->request, &signature))
        failed("cannot sign");
    arena_reset(&p->request);
}

double pipeline_first_seen(struct pipeline *p, const char *kind, const struct bytes *parts, size_t count)
{
    uint8_t key[SHA256_SIZE];
    double took = 0;

    cache_key(kind, parts, count, key);
    if (!cache_find(p->cache, key))
        failed("what a first sight costs is not in the cache under the key that is forgotten");
    for (int i = 0; i < FIRST_SEEN; i++) {
        cache_forget(p->cache, key);
        double began = cpu_now();
        pipeline_attest(p);
        took += cpu_now() - began;
    }
    return took / FIRST_SEEN * 1e6;
}
