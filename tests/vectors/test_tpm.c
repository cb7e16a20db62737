/* TPM quotes of the corpus: facts and verdicts as MANIFEST-tpm.tsv and tpm-vbs.md 7.1 have them. */
#include "tpm_case.h"

#include "evidence/parts/event_log.h"

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
    {"tpm/swtpm-linux-ludmilla", "ak2.quote.tpms_attest", "ak2.quote.tpmt_signature", "ak.tpm2b_public", "ak2.pcrs.bin",
     PCRS_TOOL, false, NULL, NULL},
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

/* ------------------------------------------------------------------------------------------------- the manifest */

enum { FILE_NAME, KIND, FACTS = 4, EXPECTED };

/* What follows "key=" in a row's facts, up to a blank, a semicolon or a comma outside of brackets; empty when it is not told. */
static struct bytes fact(struct bytes facts, const char *key)
{
    const uint8_t *p = memmem(facts.p, facts.n, key, strlen(key));
    size_t n = 0, depth = 0;

    if (!p)
        return BYTES_NONE;
    p += strlen(key);
    for (; p + n < facts.p + facts.n; n++) {
        depth += p[n] == '[' || p[n] == '(';
        if (depth == 0 && (p[n] == ' ' || p[n] == ';' || p[n] == ','))
            break;
        depth -= p[n] == ']' || p[n] == ')';
    }
    return bytes_make(p, n);
}

static struct bytes file_of(struct bytes name)
{
    return read_shared(&arena, arena_printf(&arena, "evidence/%.*s", (int)name.n, (const char *)name.p));
}

/* Another file of the same folder; empty where there is none. */
static struct bytes beside(struct bytes name, const char *other)
{
    const uint8_t *slash = memrchr(name.p, '/', name.n);
    const char *path = shared_path(
        &arena, arena_printf(&arena, "evidence/%.*s/%s", (int)(slash - name.p), (const char *)name.p, other));
    FILE *f = fopen(path, "rb");

    if (!f)
        return BYTES_NONE;
    fclose(f);
    return read_file(&arena, path);
}

static struct counts {
    unsigned quotes, digests, certifications, signatures, areas, names;
} counts;

/* [('sha256', 24), ('sha1', [15, 16])]: banks in order, with how many registers or which. */
static void same_selection(struct bytes text, const struct tpm_selection *s)
{
    struct writer w = wr_open(&arena), listed = wr_open(&arena);

    if (!text.n)
        return;
    for (size_t i = 0; i < s->count; i++) {
        struct event_bank bank = event_bank_of(s->banks[i].id);
        struct writer list = wr_open(&arena);
        unsigned n = 0;

        for (unsigned r = 0; r < 32; r++)
            if (s->banks[i].mask >> r & 1)
                wr_printf(&list, "%s%u", n++ ? ", " : "", r);
        if (!n)
            continue; /* a bank of which nothing is quoted */
        wr_printf(&w, "%s('%s', %u)", w.n ? ", " : "", event_bank_name(&bank), n);
        wr_printf(&listed, "%s('%s', [%.*s])", listed.n ? ", " : "", event_bank_name(&bank), (int)list.n,
                  (const char *)list.p);
    }
    struct bytes one = bytes_text(arena_printf(&arena, "[%.*s]", (int)w.n, (const char *)w.p)),
                 other = bytes_text(arena_printf(&arena, "[%.*s]", (int)listed.n, (const char *)listed.p));
    if (!bytes_equal(text, one) && !bytes_equal(text, other))
        fail_msg("%.*s: %.*s", (int)text.n, (const char *)text.p, (int)other.n, (const char *)other.p);
}

/* "pcrDigest match=sha256": over the registers that lie beside it, by the hash of the signature. */
static void same_digest(struct bytes name, struct bytes expected, const struct tpm_attest *attest)
{
    struct bytes wanted = fact(expected, "pcrDigest match="), signature, pcrs;
    struct tpm_signature s;
    struct tpm_pcrs values;
    uint8_t out[DIGEST_MAX];

    signature = beside(name, "quote.tpmt_signature.bin");
    pcrs = beside(name, "pcrs.json");
    if (!bytes_is(wanted, "sha256") || !signature.n || !pcrs.n)
        return;
    assert_true(tpm_signature_read(&arena, signature, &s, NULL));
    load_pcrs(&arena, pcrs, PCRS_BANKS, &attest->selection, &values);
    assert_true(tpm_pcrs_digest(&values, &attest->selection, s.hash, out));
    assert_bytes_equal(bytes_make(out, digest_size(s.hash)), attest->pcr_digest);
    counts.digests++;
}

static void attest_row(struct bytes column[COLUMNS_MAX])
{
    struct tpm_attest t;
    struct fault fault = {0};
    struct bytes told;

    if (!tpm_attest_read(&arena, file_of(column[FILE_NAME]), &t, &fault))
        fail_msg("%.*s: %s", (int)column[FILE_NAME].n, (const char *)column[FILE_NAME].p, fault.text);
    assert_int_equal(t.magic, TPM_GENERATED);
    told = fact(column[FACTS], "extraData=");
    if (told.n)
        assert_bytes_equal(hex_encode(&arena, t.extra_data), told);
    told = fact(column[FACTS], "firmwareVersion=0x");
    if (told.n)
        assert_true(strtoull(arena_string(&arena, told), NULL, 16) == t.firmware_version);
    if (t.type == TPM_ATTEST_CERTIFY) {
        told = fact(column[FACTS], " name=");
        if (told.n)
            assert_bytes_equal(hex_encode(&arena, t.name), told);
        counts.certifications++;
        return;
    }
    assert_int_equal(t.type, TPM_ATTEST_QUOTE);
    same_selection(fact(column[FACTS], "pcrSelect="), &t.selection);
    same_digest(column[FILE_NAME], column[EXPECTED], &t);
    counts.quotes++;
}

static void area_row(struct bytes column[COLUMNS_MAX], struct bytes area)
{
    struct bytes told = fact(column[FACTS], "ame="); /* name=, akName= */
    struct tpm_public p;
    struct fault fault = {0};

    if (!tpm_public_read(&arena, area, &p, &fault))
        fail_msg("%.*s: %s", (int)column[FILE_NAME].n, (const char *)column[FILE_NAME].p, fault.text);
    assert_int_not_equal(p.key.kind, KEY_NONE);
    if (told.n) {
        assert_bytes_equal(hex_encode(&arena, p.name), told);
        counts.names++;
    }
    told = fact(column[FACTS], "attributes=0x");
    if (told.n)
        assert_int_equal(strtoul(arena_string(&arena, told), NULL, 16), p.attributes);
    told = fact(column[FACTS], "bits=");
    if (told.n)
        assert_int_equal(strtoul(arena_string(&arena, told), NULL, 10), p.key.modulus.n * 8);
    told = fact(column[FACTS], "scheme=");
    if (told.n)
        assert_bytes_are(told, arena_printf(&arena, "('0x%x', '0x%x')", p.scheme, p.scheme_hash));
    counts.areas++;
}

/* A key of Windows' platform crypto provider: {magic, cbHeader, type, flags, cbPublic, …}, then TPM2B_PUBLIC at cbHeader. */
static struct bytes area_in_blob(struct bytes blob)
{
    struct reader r = rd_open(bytes_after(blob, 4));
    uint32_t header = rd_u32le(&r);

    assert_true(bytes_begin(blob, "PCPM"));
    rd_skip(&r, 8);
    return bytes_first(bytes_after(blob, header), rd_u32le(&r));
}

static bool ends(struct bytes text, const char *end)
{
    size_t n = strlen(end);

    return text.n >= n && memcmp(text.p + text.n - n, end, n) == 0;
}

static bool is_area(struct bytes kind, struct bytes name)
{
    return bytes_begin(kind, "TPMT_PUBLIC") || bytes_begin(kind, "TPM2B_PUBLIC") ||
           bytes_begin(kind, "AK public (TPMT") || (bytes_begin(kind, "swtpm") && ends(name, ".tpm2b_public")) ||
           ends(name, "/ek.pub") || ends(name, "/key.pub");
}

static void signature_row(struct bytes column[COLUMNS_MAX])
{
    struct tpm_signature s;
    struct bytes told = fact(column[FACTS], "alg=");

    assert_true(tpm_signature_read(&arena, file_of(column[FILE_NAME]), &s, NULL));
    if (told.n)
        assert_int_equal(s.alg, bytes_is(told, "ecdsa") ? 0x0018 : bytes_is(told, "rsassa") ? 0x0014 : 0x0016);
    told = fact(column[FACTS], "hash=");
    if (told.n)
        assert_int_equal(s.hash, bytes_is(told, "sha1") ? DIGEST_SHA1 : DIGEST_SHA256);
    counts.signatures++;
}

/* Every structure of the manifest is read, and what the manifest tells of it is found. */
static void test_manifest(void **state)
{
    struct bytes text, column[COLUMNS_MAX];
    size_t count;

    (void)state;
    NEED_SHARED("structures of TPMs");
    counts = (struct counts){0};
    text = read_shared(&arena, "evidence/MANIFEST-tpm.tsv");
    while (tsv_line(&text, column, &count)) {
        struct bytes name = column[FILE_NAME], kind = column[KIND];

        if (!bytes_begin(name, "tpm/") || count <= EXPECTED)
            continue;
        if (bytes_begin(kind, "TPMS_ATTEST") || ends(name, ".tpms_attest"))
            attest_row(column);
        else if (bytes_begin(kind, "TPMT_SIGNATURE") || ends(name, ".tpmt_signature"))
            signature_row(column);
        else if (bytes_begin(kind, "PCP key blob"))
            area_row(column, area_in_blob(file_of(name)));
        else if (is_area(kind, name))
            area_row(column, file_of(name));
    }
    print_message("# %u quotes, %u register digests, %u certifications, %u signatures, %u public areas, %u names\n",
                  counts.quotes, counts.digests, counts.certifications, counts.signatures, counts.areas, counts.names);
    assert_true(counts.quotes == 29 && counts.digests == 12 && counts.certifications == 5 && counts.signatures == 28);
    assert_true(counts.areas == 25 && counts.names == 11);
}

/* Names that a TPM itself told. */
static void test_names(void **state)
{
    static const char *const folders[] = {"tpm/swtpm-linux-ludmilla", "tpm/swtpm-windows-locality3"};
    static const char *const keys[] = {"ak", "akpss", "akecc"};
    struct tpm_public p;

    (void)state;
    NEED_SHARED("names of keys");
    for (size_t f = 0; f < 2; f++)
        for (size_t k = 0; k < 3; k++) {
            assert_true(tpm_public_read(&arena, evidence(folders[f], arena_printf(&arena, "%s.tpm2b_public", keys[k])),
                                        &p, NULL));
            assert_bytes_equal(p.name, evidence(folders[f], arena_printf(&arena, "%s.name", keys[k])));
            assert_true(tpm_public_attests(&p));
        }
    assert_true(tpm_public_read(&arena, evidence(folders[0], "key.pub"), &p, NULL) && !tpm_public_attests(&p));
    assert_true(tpm_public_read(&arena, evidence("tpm/keylime-quote", "ak.tpm2b_public.bin"), &p, NULL));
    assert_bytes_equal(p.name, unhex("000b2d3fb7830f6cb214fac7d7cb213a21a0609148c4505927db61287e1e80322336"));
    assert_bytes_equal(p.name, evidence("tpm/keylime-quote", "ak.name"));
}

/* ----------------------------------------------------------------------------------------------- what is refused */

/* Every bit of a real quote, of its signature, and of its registers. */
static void test_bit_flips(void **state)
{
    static const size_t chosen[] = {0, 1, 2, 13 /* RSASSA, RSAPSS, ECDSA of a software TPM, one of Google's */};
    size_t flips = 0;

    (void)state;
    NEED_SHARED("real quotes");
    for (size_t c = 0; c < sizeof chosen / sizeof *chosen; c++) {
        const struct real_quote *r = &quotes[chosen[c]];
        struct arena real = arena;
        struct bytes parts[2] = {evidence(r->folder, r->quote), evidence(r->folder, r->signature)};
        struct public_key key = load_key(&arena, evidence(r->folder, r->key));
        struct bytes pcrs = evidence(r->folder, r->pcrs), nonce;
        struct tpm_quote q;
        struct exam first = exam();

        assert_true(tpm_quote_decode(&first, parts[0], parts[1], r->raw, &q));
        nonce = q.attest.extra_data;
        real = arena;
        for (size_t part = 0; part < 2; part++) {
            uint8_t *p = memcpy(arena_alloc(&real, parts[part].n), parts[part].p, parts[part].n);

            for (size_t bit = 0; bit < 8 * parts[part].n; bit++, flips++) {
                struct bytes flipped[2] = {parts[0], parts[1]};

                arena_init(&arena, TEST_MEMORY);
                struct exam x = exam();
                flipped[part] = bytes_make(p, parts[part].n);
                p[bit / 8] ^= (uint8_t)(1u << bit % 8);
                if (tpm_quote_decode(&x, flipped[0], flipped[1], r->raw, &q)) {
                    load_pcrs(&arena, pcrs, r->form, &q.attest.selection, &q.pcrs);
                    assert_false(tpm_quote_verify(&x, &q, &key, &nonce, NULL));
                }
                assert_true(x.trace->failed);
                p[bit / 8] ^= (uint8_t)(1u << bit % 8);
                arena_free(&arena);
            }
        }
        arena = real;
    }
    print_message("# %zu bits of quotes and signatures changed, none accepted\n", flips);
}

static void test_register_bits(void **state)
{
    const struct real_quote *r = &quotes[0];
    struct tpm_quote q;
    size_t flips = 0;

    (void)state;
    NEED_SHARED("real quotes");
    assert_string_equal(verify(r, evidence(r->folder, r->quote), evidence(r->folder, r->signature), NULL, &q),
                        "accepted");
    for (unsigned i = 0; i < TPM_PCRS; i++) {
        struct bytes *value = &q.pcrs.banks[0].value[i], whole = *value;
        uint8_t *p = memcpy(arena_alloc(&arena, whole.n), whole.p, whole.n), out[DIGEST_MAX];

        *value = bytes_make(p, whole.n);
        for (size_t bit = 0; bit < 8 * whole.n; bit++, flips++) {
            p[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_true(tpm_pcrs_digest(&q.pcrs, &q.attest.selection, q.signature.hash, out));
            assert_memory_not_equal(out, q.attest.pcr_digest.p, q.attest.pcr_digest.n);
            p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        *value = bytes_first(whole, whole.n - 1);
        assert_false(tpm_pcrs_digest(&q.pcrs, &q.attest.selection, q.signature.hash, out));
        *value = BYTES_NONE;
        assert_false(tpm_pcrs_digest(&q.pcrs, &q.attest.selection, q.signature.hash, out));
        *value = whole;
    }
    print_message("# %zu bits of registers changed\n", flips);
}

/* Each structure ends where it ends: a byte less or more is refused. */
static void test_truncation(void **state)
{
    static const struct {
        const char *folder, *name;
        char kind;
    } rows[] = {
        {"tpm/keylime-quote", "quote.tpms_attest.bin", 'a'},
        {"tpm/guard-ludmilla", "quote.tpms_attest.bin", 'a'},
        {"tpm/webauthn-surface_pro_4", "certInfo.tpms_attest.bin", 'a'},
        {"tpm/keylime-quote", "quote.tpmt_signature.bin", 's'},
        {"tpm/swtpm-linux-ludmilla", "akecc.quote.tpmt_signature", 's'},
        {"tpm/keylime-quote", "ak.tpm2b_public.bin", 'p'},
        {"tpm/swtpm-linux-ludmilla", "akecc.tpm2b_public", 'p'},
        {"tpm/webauthn-verify_tpm_with_ecc_public_area_type", "pubArea.tpmt_public.bin", 'p'},
    };
    size_t tried = 0;

    (void)state;
    NEED_SHARED("structures of TPMs");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bytes whole = evidence(rows[i].folder, rows[i].name);
        uint8_t *longer = memcpy(arena_alloc(&arena, whole.n + 1), whole.p, whole.n);

        for (size_t n = 0; n <= whole.n + 1; n++, tried++) {
            uint8_t *exact = memcpy(malloc(n ? n : 1), longer, n); /* so that a sanitizer sees each byte past the end */
            struct bytes b = bytes_make(exact, n);
            struct tpm_attest t;
            struct tpm_signature s;
            struct tpm_public p;
            bool ok = rows[i].kind == 'a'   ? tpm_attest_read(&arena, b, &t, NULL)
                      : rows[i].kind == 's' ? tpm_signature_read(&arena, b, &s, NULL)
                                            : tpm_public_read(&arena, b, &p, NULL);

            assert_true(ok == (n == whole.n));
            free(exact);
        }
    }
    print_message("# %zu lengths\n", tried);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_real_quotes), TEST(test_manifest),      TEST(test_names),
        TEST(test_bit_flips),   TEST(test_register_bits), TEST(test_truncation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
