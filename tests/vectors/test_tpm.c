/* TPM quotes and certifications of the corpus: facts and verdicts as MANIFEST-tpm.tsv and tpm-vbs.md 7.1 have them. */
#include "tpm.h"

static struct arena arena;
static struct settings settings;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, TEST_MEMORY);
    settings = SETTINGS_DEFAULT;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static struct bytes evidence(const char *folder, const char *name)
{
    return read_shared(&arena, arena_printf(&arena, "evidence/%s/%s", folder, name));
}

static struct bytes unhex(const char *text)
{
    struct bytes out;

    assert_true(hex_decode(&arena, bytes_trim_end(bytes_text(text)), &out));
    return out;
}

/* The first check that failed, or "accepted". */
static const char *verdict(const struct exam *x)
{
    const struct trace_entry *failure = trace_failure(x->trace);

    return failure ? check_table[failure->id].id : "accepted";
}

static struct exam exam(void)
{
    return (struct exam){.arena = &arena, .trace = trace_new(&arena), .settings = &settings};
}

static const struct real_quote {
    const char *folder, *quote, *signature, *key, *pcrs;
    enum pcr_form form;
    bool raw;
    const char *extra_data, *pcr_digest; /* NULL: not told */
} quotes[] = {
#define SWTPM(folder, ak, digest)                                                                                   \
    {                                                                                                               \
        folder, ak ".quote.tpms_attest", ak ".quote.tpmt_signature", ak ".tpm2b_public", ak ".pcrs.bin", PCRS_TOOL, \
            false, "nonce.hex", digest                                                                              \
    }
#define LUDMILLA "017847a1d8ef1ea0d3d4923e91fe7b71001689341ccf6b4afee65c0dd0ab590e"
#define WINDOWS  "23ceb8532d1b52f01bf8b30ca3ffc9aaf2d8a261469753456067d58622f2649e"
    SWTPM("tpm/swtpm-linux-ludmilla", "ak", LUDMILLA),
    SWTPM("tpm/swtpm-linux-ludmilla", "akpss", LUDMILLA),
    SWTPM("tpm/swtpm-linux-ludmilla", "akecc", LUDMILLA),
    SWTPM("tpm/swtpm-windows-locality3", "ak", WINDOWS),
    SWTPM("tpm/swtpm-windows-locality3", "akpss", WINDOWS),
    SWTPM("tpm/swtpm-windows-locality3", "akecc", WINDOWS),
    {"tpm/azure-trustedlaunch-ca2a", "quote.msg", "quote.sig", "ak.pub", "pcrs.bin", PCRS_TOOL, true, "nonce.hex",
     "461684441feb67717a22b7f43096ec2f92a6582f5987f82729b3749180fede61"},
    {"tpm/azure-cvm-kinvolk", "quote.tpms_attest.bin", "quote.rsassa.bin", "akpub.pem", "pcrs.sha256.bin", PCRS_RAW,
     true, NULL, NULL},
    {"tpm/azure-tdx-1780922561", "quote.tpms_attest.bin", "quote.rsassa.bin", "ak-chain-0.der", "pcrs.sha256.bin",
     PCRS_RAW, true, NULL, NULL},
    {"tpm/keylime-quote", "quote.tpms_attest.bin", "quote.tpmt_signature.bin", "ak.tpm2b_public.bin",
     "pcrs.tpm2tools.bin", PCRS_TOOL, false, NULL, NULL},
#define GCE(bank)                                                                                         \
    {                                                                                                     \
        "tpm/gce-cos-85-no-nonce", "quote-" bank ".tpms_attest.bin", "quote-" bank ".tpmt_signature.bin", \
            "ak.tpmt_public.bin", "pcrs-" bank ".json", PCRS_BANK, false, NULL, NULL                      \
    }
    GCE("sha1"),
    GCE("sha256"),
    GCE("sha384"),
    {"tpm/goattestation-gcp-windows-shielded", "quote.bin", "quote.sig.bin", "ak.public.bin", "pcrs.json", PCRS_BANKS,
     false, NULL, NULL},
#define AZURE(name)                                                                                                    \
    {                                                                                                                  \
        "azure-vtpm/quotes", name ".attest.bin", name ".sig.bin", name ".akpub.pem", name ".pcrs.bin", PCRS_RAW, true, \
            NULL, NULL                                                                                                 \
    }
    AZURE("kinvolk"),
    AZURE("snp-cleanroom-encryption"),
    AZURE("snp-genoa"),
    AZURE("snp-milan-v3-a"),
    AZURE("snp-milan-v3-b-userdata"),
    AZURE("snp-milan-v3-c"),
    AZURE("snp-trustee-a"),
    AZURE("tdx-flashbots-b"),
    AZURE("tdx-trustee"),
};
enum { QUOTES = sizeof quotes / sizeof *quotes };

/* Verified as a whole. `nonce` NULL: the one that the quote has. */
static const char *verify(const struct real_quote *r, struct bytes attest, struct bytes signature,
                          const struct bytes *nonce, struct tpm_quote *q)
{
    struct exam x = exam();

    if (tpm_quote_decode(&x, attest, signature, r->raw, q)) {
        struct public_key key = load_key(&arena, evidence(r->folder, r->key));

        load_pcrs(&arena, evidence(r->folder, r->pcrs), r->form, &q->attest.selection, &q->pcrs);
        assert_true(tpm_quote_verify(&x, q, &key, nonce ? nonce : &q->attest.extra_data, "no nonce") ==
                    !x.trace->failed);
    }
    return verdict(&x);
}

static void test_real_quotes(void **state)
{
    (void)state;
    NEED_SHARED("real quotes");
    for (size_t i = 0; i < QUOTES; i++) {
        const struct real_quote *r = &quotes[i];
        struct tpm_quote q;

        print_message("# %s/%s\n", r->folder, r->quote);
        assert_string_equal(verify(r, evidence(r->folder, r->quote), evidence(r->folder, r->signature), NULL, &q),
                            "accepted");
        if (r->extra_data)
            assert_bytes_equal(q.attest.extra_data, unhex(arena_string(&arena, evidence(r->folder, r->extra_data))));
        if (r->pcr_digest)
            assert_bytes_equal(q.attest.pcr_digest, unhex(r->pcr_digest));
    }
    print_message("# %d quotes accepted\n", QUOTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_real_quotes, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
