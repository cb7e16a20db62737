/* What SEV-SNP appraisals cost beside their one P-384 verification, by the back end that is used; the other one is measured
 * beside it. */
#include "bench.h"
#include "crypto/ecdsa.h"
#include "evidence/snp.h"

enum { EACH = 200, WORKS = 5 };

struct snp_bench {
    struct pipeline p;
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

static bool decode(struct exam *x, const struct simulated *made)
{
    return snp_decode_file(x, made->evidence, BYTES_NONE, NULL, NULL);
}

/* The same chip for the first time: its chain is not in the cache. */
static double first_seen_microseconds(struct snp_bench *b)
{
    struct bytes parts[] = {BYTES_LIT("vcek"), b->p.made.chain};

    return pipeline_first_seen(&b->p, "amd chain", parts, 2);
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

static void set_up(struct snp_bench *b)
{
    enum { SIGNED = 0x2a0 };
    const struct certificate *chain = NULL;
    struct fault fault = {0};
    size_t count;

    pipeline_open(&b->p, &(struct simulate_options){.kind = SIMULATE_SNP}, decode);
    if (!certificates_decode(&b->p.kept, b->p.made.chain, &chain, &count, &fault))
        failed(fault.text);
    b->vcek = chain->key;
    b->signed_part = bytes_first(b->p.made.report, SIGNED);
    b->signature = big_endian(&b->p.kept, bytes_after(b->p.made.report, SIGNED));
}

void bench_snp(void)
{
    static struct snp_bench b;
    unit_of_work *work[WORKS] = {p384_verify, p384_verify_openssl, pipeline_sign, pipeline_verify, pipeline_attest};
    void *context[WORKS] = {&b, &b, &b.p, &b.p, &b.p};
    double took[WORKS];

    set_up(&b);
    pipeline_attest(&b.p); /* warm */
    measure(work, context, WORKS, EACH, took);
    print_figure("p384.verify.us", took[0], "us");
    print_figure("p384.openssl.us", took[1], "us");
    print_figure("snp.verify.us", took[3], "us");
    print_figure("snp.verify.ratio", took[3] / took[0], "ratio");
    print_figure("snp.pipeline.ratio", took[4] / (took[0] + took[2]), "ratio");
    print_figure("snp.firstseen.ratio", first_seen_microseconds(&b) / took[4], "ratio");
    pipeline_close(&b.p);
}
