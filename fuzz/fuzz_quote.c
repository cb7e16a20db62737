/* Any bytes as a quote: they are refused by a named check, or every check was made. */
#include "intel.h"

static struct endorsements *endorsements;
static struct settings settings;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    settings = SETTINGS_DEFAULT;
    endorsements = fuzz_endorsements();
    return 0;
}

/* What is read of a quote lies in it, one after the other. */
static void inside(struct bytes whole)
{
    struct quote q;

    if (!quote_read(whole, &q))
        return;
    must(q.signed_part.p == whole.p && q.signed_part.n + q.tail.n <= whole.n);
    must(q.body.n >= SGX_REPORT_SIZE && q.qe_report_bytes.n == SGX_REPORT_SIZE);
    must(q.signature.n == 64 && q.attestation_key.n == 64 && q.qe_signature.n == 64);
    must(q.certification.p + q.certification.n + q.tail.n == whole.p + whole.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct exam x;

    arena_init(&a, LIMIT_REQUEST_MEMORY);
    inside(bytes_make(data, size));
    fuzz_exam(&x, &a, endorsements, &settings);
    fuzz_verify(&x, sgx_decode_quote(&x, bytes_make(data, size), NULL, NULL), &sgx_attester);
    arena_free(&a);
    return 0;
}
