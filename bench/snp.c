/* What SEV-SNP appraisals cost beside their one P-384 verification, by the back end that is used; the other one is measured
 * beside it. */
#include "bench.h"
#include "core/mint_key.h"
#include "crypto/ecdsa.h"
#include "evidence/snp.h"

enum { EACH = 200, FIRST_SEEN = 60, WORKS = 5 };

struct snp_bench {
    struct arena request;
    struct simulated made;
    struct endorsements *endorsements;
    struct cache *cache;
    struct signing_key *key;
    struct provider provider;
    struct snapshot snapshot;
    struct mint mint;
    struct public_key vcek;
    struct bytes signed_part, signature;
};

static void hash_of(const struct snp_bench *b, uint8_t hash[SHA384_SIZE])
{
    digest_parts(DIGEST_SHA384, &b->signed_part, 1, hash);
}

static void p384_verify(void *context)
{
    const struct snp_bench *b = context;
    uint8_t hash[SHA384_SIZE];

    hash_of(b, hash);
    if (!ecdsa_verify(&b->vcek, BYTES_OF(hash), b->signature))
        failed("the simulated report's signature does not verify");
}

static void p384_verify_openssl(void *context)
{
    const struct snp_bench *b = context;
    uint8_t hash[SHA384_SIZE];

    hash_of(b, hash);
    if (!ecdsa_verify_openssl(&b->vcek, BYTES_OF(hash), b->signature))
        failed("OpenSSL does not verify the simulated report's signature");
}

static void rsa_sign(void *context)
{
    struct snp_bench *b = context;
    struct bytes signature;

    if (!sign_message(b->key, SIGNATURE_RS256, b->signed_part, &b->request, &signature))
        failed("cannot sign");
    arena_reset(&b->request);
}

/* Decode and verify, the chain known. */
static void verify_report(void *context)
{
    struct snp_bench *b = context;
    struct exam x = {.arena = &b->request,
                     .trace = trace_new(&b->request),
                     .endorsements = b->endorsements,
                     .settings = &b->provider.settings,
                     .cache = b->cache,
                     .time = b->made.time};

    claims_init(&x.incoming, &b->request);
    if (!snp_decode_file(&x, b->made.evidence, BYTES_NONE, NULL, NULL) || !snp_verify(&x))
        failed(arena_string(&b->request, trace_message(x.trace, &b->request)));
    arena_reset(&b->request);
    cache_settle(b->cache);
}

static void attest(void *context)
{
    static const uint8_t entropy[EXAM_ENTROPY];
    struct snp_bench *b = context;
    struct core_request request = {.issuer = b->provider.issuer,
                                   .attester = BYTES_LIT("SevSnpVm"),
                                   .body = b->made.request,
                                   .time = b->made.time,
                                   .entropy = BYTES_OF(entropy)};
    struct appraisal x;

    core_attest(&x, &b->request, &b->snapshot, &request, &b->mint, b->cache);
    if (x.answer.status != 200)
        failed(arena_string(&b->request, x.answer.body));
    arena_reset(&b->request);
    cache_settle(b->cache);
}

/* The same chip for the first time: its chain is not in the cache. */
static double first_seen_microseconds(struct snp_bench *b)
{
    struct bytes parts[] = {BYTES_LIT("vcek"), b->made.chain};
    uint8_t key[SHA256_SIZE];
    double took = 0;

    cache_key("amd chain", parts, 2, key);
    if (!cache_find(b->cache, key))
        failed("the chain is not in the cache under the key that is forgotten");
    for (int i = 0; i < FIRST_SEEN; i++) {
        cache_forget(b->cache, key);
        double began = cpu_now();
        attest(b);
        took += cpu_now() - began;
    }
    return took / FIRST_SEEN * 1e6;
}

/* r and s of a report, 72 bytes each, little endian, as r || s. */
static struct bytes big_endian(struct arena *a, struct bytes raw)
{
    enum { HALF = 48, FIELD = 72 };
    uint8_t *out = arena_alloc(a, 2 * (size_t)HALF);

    for (size_t i = 0; i < HALF; i++) {
        out[i] = raw.p[HALF - 1 - i];
        out[HALF + i] = raw.p[FIELD + HALF - 1 - i];
    }
    return bytes_make(out, 2 * (size_t)HALF);
}

static void set_up(struct snp_bench *b, struct arena *forever)
{
    enum { SIGNED = 0x2a0 };
    struct simulate_options options = {.kind = SIMULATE_SNP};
    const struct certificate *chain = NULL;
    struct fault fault = {0};
    size_t count;

    arena_init(&b->request, BENCH_MEMORY);
    arena_init(forever, BENCH_MEMORY);
    b->endorsements = endorsements_new(BENCH_MEMORY);
    b->cache = cache_new(4096, 64 * 1024 * 1024);
    b->key = signing_key_generate(KEY_RSA, &fault);
    if (!b->key || !simulate(forever, &options, &b->made, &fault) ||
        !simulate_endorsements(&b->made, b->endorsements, true, &fault) ||
        !certificates_decode(forever, b->made.chain, &chain, &count, &fault))
        failed(fault.text);
    b->vcek = chain->key;
    b->signed_part = bytes_first(b->made.report, SIGNED);
    b->signature = big_endian(forever, bytes_after(b->made.report, SIGNED));
    b->provider = (struct provider){.issuer = BYTES_LIT("https://bench.example"),
                                    .settings = b->made.settings,
                                    .kid = key_id(forever, signing_key_spki(b->key, forever))};
    b->snapshot = (struct snapshot){.endorsements = b->endorsements, .providers = &b->provider, .provider_count = 1};
    b->mint = mint_with_key(b->key);
}

void bench_snp(void)
{
    static struct snp_bench b;
    unit_of_work *work[WORKS] = {p384_verify, p384_verify_openssl, rsa_sign, verify_report, attest};
    void *context[WORKS] = {&b, &b, &b, &b, &b};
    struct arena forever;
    double took[WORKS];

    set_up(&b, &forever);
    attest(&b); /* warm */
    measure(work, context, WORKS, EACH, took);
    print_figure("p384.verify.us", took[0], "us");
    print_figure("p384.openssl.us", took[1], "us");
    print_figure("snp.verify.us", took[3], "us");
    print_figure("snp.verify.ratio", took[3] / took[0], "ratio");
    print_figure("snp.pipeline.ratio", took[4] / (took[0] + took[2]), "ratio");
    print_figure("snp.firstseen.ratio", first_seen_microseconds(&b) / took[4], "ratio");
    signing_key_free(b.key);
    endorsements_free(b.endorsements);
    cache_free(b.cache);
    arena_free(&b.request);
    arena_free(&forever);
}
