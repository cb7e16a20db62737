/* Any bytes as a SEV-SNP report, as the request round one, and as the certificate of a chip: they are refused by a named check, or
 * every check was made; what is read lies within what was given. */
#include "intel.h"

#include "evidence/snp.h"

static struct endorsements *endorsements;
static struct settings settings;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    settings = SETTINGS_DEFAULT;
    endorsements = endorsements_new(LIMIT_REQUEST_MEMORY);
    endorsements_seal(endorsements);
    return 0;
}

static void as_report(struct arena *a, struct bytes b)
{
    enum snp_product product = SNP_MILAN;
    struct snp_report r;
    bool whole = snp_report_read(a, b, &r);

    must(whole == (b.n == SNP_REPORT_SIZE));
    must(r.signature.n == 96);
    if (!whole)
        return;
    must(r.signed_part.n == SNP_REPORT_SIGNED && r.chip_id.p == b.p + 0x1a0 && r.report_data.p == b.p + 0x50);
    must(snp_report_key(&r) <= SNP_KEY_NONE);
    must(r.version >= SNP_VERSION_CPUID || (!r.family && !r.model && !r.stepping));
    snp_report_product(&r, &product);
    struct snp_tcb tcb = snp_tcb_read(product, r.reported_tcb);
    struct snp_tcb again = snp_tcb_read(product, snp_tcb_raw(a, product, &tcb));
    must(snp_tcb_equal(&tcb, &again) && snp_tcb_name(a, r.reported_tcb).n == 2 * SNP_TCB_SIZE);
}

static void as_certificate(struct arena *a, struct bytes b)
{
    const struct certificate *c;
    struct fault fault = {0};
    struct amd_leaf leaf;
    size_t count;

    if (!certificates_decode(a, b, &c, &count, &fault))
        return;
    for (; c; c = c->next) {
        if (!amd_leaf_decode(c, &leaf, &fault)) {
            must(fault.code == FAULT_SYNTAX && *fault.text);
            continue;
        }
        must(leaf.product_name.n && (leaf.vlek ? leaf.csp_id.n && !leaf.hw_id.n : leaf.hw_id.n && !leaf.csp_id.n));
        must(leaf.vlek || leaf.hw_id.n == (leaf.product == SNP_TURIN ? SNP_TURIN_CHIP_ID_SIZE : SNP_CHIP_ID_SIZE));
    }
}

/* A real chain behind the report's bytes, where they begin a bundle: the first 1184 bytes, then certificates. */
static void as_both(struct arena *a, struct bytes b)
{
    struct bytes certificates = bytes_after(b, SNP_REPORT_SIZE);
    struct exam x;

    fuzz_exam(&x, a, endorsements, &settings);
    x.time = FUZZ_TIME_TDX; /* most certificates of the corpus are in date then */
    fuzz_verify(&x, snp_decode_file(&x, bytes_first(b, SNP_REPORT_SIZE), certificates, NULL, NULL), &snp_attester);
    must(!memmem(x.wanted.p ? x.wanted.p : (const uint8_t *)"", x.wanted.n, "..", 2));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_make(data, size);
    struct arena a;
    struct exam x;

    arena_init(&a, LIMIT_REQUEST_MEMORY);
    as_report(&a, text);
    as_certificate(&a, text);
    as_both(&a, text);
    fuzz_exam(&x, &a, endorsements, &settings);
    x.time = FUZZ_TIME_TDX;
    fuzz_verify(&x, snp_decode_file(&x, text, BYTES_NONE, NULL, NULL), &snp_attester);
    arena_free(&a);
    return 0;
}
