/* What SGX and TDX appraisals cost beside the cryptography that nobody can leave out: all in one run, as ratios, a line each:
 * name, value, unit, with tabs between. Usage: bench [CORE-FOLDER], the folder of assay-verifier and assay-signer. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/mint_key.h"
#include "evidence/tdx.h"

enum { ROUNDS = 9, EACH = 400, FIRST_SEEN = 60 };

double cpu_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void print_figure(const char *name, double value, const char *unit)
{
    printf("%s\t%.3f\t%s\n", name, value, unit);
    fflush(stdout);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

void measure(unit_of_work *const *work, void *const *context, size_t kinds, int each, double *microseconds)
{
    double took[KINDS_MOST][ROUNDS];

    for (int round = 0; round < ROUNDS; round++)
        for (size_t k = 0; k < kinds; k++) {
            double began = cpu_now();

            for (int i = 0; i < each; i++)
                work[k](context[k]);
            took[k][round] = (cpu_now() - began) / each * 1e6;
        }
    for (size_t k = 0; k < kinds; k++) {
        qsort(took[k], ROUNDS, sizeof(double), ascending);
        microseconds[k] = took[k][ROUNDS / 2];
    }
}

struct bench {
    const struct attester *attester;
    bool (*decode)(struct exam *, struct bytes, const struct request_data *, const struct request_data *);
    struct arena request, kept; /* of one appraisal; of the whole run */
    struct simulated made;
    struct endorsements *endorsements;
    struct cache *cache;
    struct signing_key *key;
    struct provider provider;
    struct snapshot snapshot;
    struct mint mint;
    struct quote quote;
    struct public_key attestation_key;
};

void failed(const char *what)
{
    fprintf(stderr, "bench: %s\n", what);
    exit(EXIT_FAILURE);
}

static void p256_verify(void *context)
{
    struct bench *b = context;
    uint8_t hash[SHA256_SIZE];

    sha256(b->quote.signed_part, hash);
    if (!ecdsa_verify(&b->attestation_key, BYTES_OF(hash), b->quote.signature))
        failed("the simulated quote's signature does not verify");
}

static void rsa_sign(void *context)
{
    struct bench *b = context;
    struct bytes signature;

    if (!sign_message(b->key, SIGNATURE_RS256, b->quote.signed_part, &b->request, &signature))
        failed("cannot sign");
    arena_reset(&b->request);
}

/* Decode and verify, endorsements and chain known. */
static void verify_quote(void *context)
{
    struct bench *b = context;
    struct exam x = {.arena = &b->request,
                     .trace = trace_new(&b->request),
                     .endorsements = b->endorsements,
                     .settings = &b->provider.settings,
                     .cache = b->cache,
                     .time = b->made.time};

    claims_init(&x.incoming, &b->request);
    if (!b->decode(&x, b->made.evidence, NULL, NULL) || !b->attester->verify(&x))
        failed(arena_string(&b->request, trace_message(x.trace, &b->request)));
    arena_reset(&b->request);
    cache_settle(b->cache);
}

/* The whole pipeline from request body to signed token. */
static void attest(void *context)
{
    static const uint8_t entropy[EXAM_ENTROPY];
    struct bench *b = context;
    struct core_request request = {.issuer = b->provider.issuer,
                                   .attester = bytes_text(b->attester->path),
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

/* The same platform for the first time: its chain is not in the cache, the rest of the world is. */
static double first_seen_microseconds(struct bench *b)
{
    double took = 0;

    for (int i = 0; i < FIRST_SEEN; i++) {
        uint8_t key[SHA256_SIZE];
        struct bytes pem = bytes_trim_nul(b->quote.certification);

        cache_key("intel pck chain", &pem, 1, key);
        cache_forget(b->cache, key);
        double began = cpu_now();
        attest(b);
        took += cpu_now() - began;
    }
    return took / FIRST_SEEN * 1e6;
}

static void set_up(struct bench *b, const struct simulate_options *options)
{
    struct fault fault = {0};

    arena_init(&b->request, BENCH_MEMORY);
    arena_init(&b->kept, BENCH_MEMORY);
    b->endorsements = endorsements_new(BENCH_MEMORY);
    b->cache = cache_new(4096, 64 * 1024 * 1024);
    b->key = signing_key_generate(KEY_RSA, &fault);
    if (!b->key || !simulate(&b->kept, options, &b->made, &fault) ||
        !simulate_endorsements(&b->made, b->endorsements, true, &fault) || !quote_read(b->made.evidence, &b->quote) ||
        !public_key_from_point(b->quote.attestation_key, &b->attestation_key))
        failed(fault.text);
    b->attester = simulated_attester(&b->made);
    b->decode = options->kind == SIMULATE_TDX ? tdx_decode_file : sgx_decode_quote;
    b->provider = (struct provider){.issuer = BYTES_LIT("https://bench.example"),
                                    .settings = b->made.settings,
                                    .kid = key_id(&b->kept, signing_key_spki(b->key, &b->kept))};
    b->snapshot = (struct snapshot){.endorsements = b->endorsements, .providers = &b->provider, .provider_count = 1};
    b->mint = mint_with_key(b->key);
}

int main(int argc, char **argv)
{
    static struct bench b, td;
    unit_of_work *work[] = {p256_verify, rsa_sign, verify_quote, attest, verify_quote, attest};
    void *context[] = {&b, &b, &b, &b, &td, &td};
    enum { WORKS = sizeof work / sizeof *work };
    double took[WORKS];

    set_up(&b, &(struct simulate_options){.kind = SIMULATE_SGX});
    set_up(&td, &(struct simulate_options){.kind = SIMULATE_TDX});
    attest(&b); /* warm */
    attest(&td);
    measure(work, context, WORKS, EACH, took);
    print_figure("p256.verify.us", took[0], "us");
    print_figure("rsa2048.sign.us", took[1], "us");
    print_figure("sgx.verify.us", took[2], "us");
    print_figure("sgx.verify.ratio", took[2] / (2 * took[0]), "ratio");
    print_figure("sgx.pipeline.ratio", took[3] / (2 * took[0] + took[1]), "ratio");
    print_figure("sgx.firstseen.ratio", first_seen_microseconds(&b) / took[3], "ratio");
    print_figure("tdx.verify.us", took[4], "us");
    print_figure("tdx.verify.ratio", took[4] / (2 * took[0]), "ratio");
    print_figure("tdx.pipeline.ratio", took[5] / (2 * took[0] + took[1]), "ratio");
    print_figure("tdx.firstseen.ratio", first_seen_microseconds(&td) / took[5], "ratio");
    bench_snp();
    bench_policies(getenv("ASSAY_SHARED"));
    if (argc > 1)
        bench_pairs(argv[1], &b.made);
    return EXIT_SUCCESS;
}
