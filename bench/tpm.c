/* What appraisals of boots cost beside what nobody can leave out: two RSA signatures over what they sign (a request of a TPM's signs the
 * log with all else, in base64 for the third time), and every event of the log hashed once, for its data and for the register that it
 * extends. */
#include <stdio.h>

#include "bench.h"
#include "evidence/parts/event_log.h"
#include "simulate/authority.h"
#include "simulate/tpm.h"
#include "tpm_exchange.h"

enum { EACH = 100, LOG_SIZE = 64 * 1024, ATTESTED = 128 /* bytes of a quote, or a certification */ };

struct tpm_bench {
    struct pipeline p;
    struct event_log log;
    struct public_key key;           /* as large as the TPM's keys */
    struct bytes message, signature; /* the second one: a certification, or the request itself */
    struct bytes quote, quote_signature;
};

static void rsa_verify(void *context)
{
    struct tpm_bench *b = context;

    if (!signature_verify(&b->key, SIGNATURE_RS256, b->quote, b->quote_signature) ||
        !signature_verify(&b->key, SIGNATURE_RS256, b->message, b->signature))
        failed("a signature does not verify");
}

static void hash_log(void *context)
{
    struct tpm_bench *b = context;
    uint8_t value[SHA256_SIZE] = {0}, data[SHA256_SIZE];
    struct bytes parts[] = {BYTES_OF(value), BYTES_OF(data)};

    for (size_t i = 0; i < b->log.count; i++) {
        sha256(b->log.events[i].data, data);
        digest_parts(DIGEST_SHA256, parts, 2, value);
    }
}

/* A report names the certificate of the key that signs it. */
static const struct certificate *certify(struct tpm_bench *b)
{
    static const uint8_t seed[32];
    const struct certificate *c = NULL;
    EVP_PKEY *subject = simulated_public_key(&b->p.kept, &b->key), *issuer = key_derive(KEY_P256, BYTES_OF(seed), 0);
    struct authority_certificate wanted = {.subject = "bench",
                                           .issuer = "bench",
                                           .key = subject,
                                           .issuer_key = issuer,
                                           .serial = 1,
                                           .not_before = EXCHANGE_TIME - 86400,
                                           .not_after = EXCHANGE_TIME + 86400,
                                           .path_length = -1};

    if (!subject || !issuer || !certificate_decode(&b->p.kept, authority_issue(&b->p.kept, &wanted), &c, NULL))
        failed("cannot make a certificate");
    EVP_PKEY_free(subject);
    EVP_PKEY_free(issuer);
    return c;
}

static bool decode(struct exam *x, const struct simulated *made)
{
    return simulated_decode(made, x);
}

static void set_up(struct tpm_bench *b, const struct simulate_options *options)
{
    static const struct provider_policy permit = {
        .attester = &tpm_attester,
        .kind = {(const uint8_t *)"Tpm", 3},
        .text = BYTES_LIT("version=1.0;authorizationrules{=>permit();};issuancerules{};")};
    struct fault fault = {0};

    pipeline_open(&b->p, options, decode);
    b->p.provider.issuer = EXCHANGE_ISSUER;
    b->p.provider.policies = &permit;
    b->p.provider.policy_count = 1;
    b->p.mint.sealer = *exchange_sealer();
    b->quote = b->message = bytes_first(b->p.made.evidence, ATTESTED);
    if (options->kind == SIMULATE_TPM_REQUEST) {
        const uint8_t *dot = memrchr(b->p.made.evidence.p, '.', b->p.made.evidence.n);

        b->message = bytes_first(b->p.made.evidence, (size_t)(dot - b->p.made.evidence.p));
    }
    if (!event_log_read(&b->p.kept, b->p.made.log, &b->log, &fault) ||
        !public_key_decode(&b->p.kept, signing_key_spki(b->p.key, &b->p.kept), &b->key) ||
        !sign_message(b->p.key, SIGNATURE_RS256, b->quote, &b->p.kept, &b->quote_signature) ||
        !sign_message(b->p.key, SIGNATURE_RS256, b->message, &b->p.kept, &b->signature))
        failed(fault.text);
    b->p.provider.certificate = certify(b);
    pipeline_attest(&b->p); /* warm */
}

/* answer: what the signature, and for a guest the encryption under its TPM's key, of the answer cost. */
static void figures(const char *name, double verify, double attest, double floor, double answer)
{
    char line[64];

    snprintf(line, sizeof line, "%s.verify.us", name);
    print_figure(line, verify, "us");
    snprintf(line, sizeof line, "%s.verify.ratio", name);
    print_figure(line, verify / floor, "ratio");
    snprintf(line, sizeof line, "%s.pipeline.ratio", name);
    print_figure(line, attest / (floor + answer), "ratio");
}

void bench_tpm(void)
{
    static struct tpm_bench guest, tpm;
    struct simulate_options guest_options = {.kind = SIMULATE_AZURE_GUEST, .log_size = LOG_SIZE};
    struct simulate_options tpm_options = {.kind = SIMULATE_TPM_REQUEST, .log_size = LOG_SIZE};
    unit_of_work *work[] = {rsa_verify,      hash_log,        pipeline_sign,   pipeline_verify,
                            pipeline_attest, pipeline_verify, pipeline_attest, rsa_verify};
    void *context[] = {&guest, &guest, &guest.p, &guest.p, &guest.p, &tpm.p, &tpm.p, &tpm};
    enum { WORKS = sizeof work / sizeof *work };
    struct arena forever;
    double took[WORKS];

    arena_init(&forever, BENCH_MEMORY);
    if (!exchange_begin(&forever, &tpm_options))
        failed("no challenge");
    set_up(&guest, &guest_options);
    set_up(&tpm, &tpm_options);
    measure(work, context, WORKS, EACH, took);
    print_figure("rsa2048.verify.us", took[0] / 2, "us");
    print_figure("log64k.hash.us", took[1], "us");
    /* Encrypting under an RSA key is the same operation as verifying. */
    figures("azure_guest", took[3], took[4], took[0] + took[1], took[2] + took[0] / 2);
    figures("tpm", took[5], took[6], took[7] + took[1], took[2]);
    pipeline_close(&guest.p);
    pipeline_close(&tpm.p);
    arena_free(&forever);
}
