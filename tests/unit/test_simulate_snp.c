/* Simulated SEV-SNP reports: by OpenSSL alone, chains as X.509 has them and signatures over the bytes that the layout names; then
 * every product, version and key in every state, as it must be judged. */
#include "simulated_judge.h"

#include <openssl/ecdsa.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include "base/text.h"

enum { SIGNED = 0x2a0, NUMBER = 72, REPORT = 1184, AT_REPORT_DATA = 0x50, AT_HOST_DATA = 0xc0, AT_CPUID = 0x188 };

static X509 *certificate(BIO *pem)
{
    X509 *x = PEM_read_bio_X509(pem, NULL, NULL, NULL);

    assert_non_null(x);
    return x;
}

/* A path of leaf, authority and root at the simulated time, the ARK's CRL consulted. */
static bool path_holds(X509 *leaf, X509 *authority, X509 *root, const struct simulated *s)
{
    const unsigned char *der = s->crl.p;
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    STACK_OF(X509) *others = sk_X509_new_null();
    X509_CRL *crl = d2i_X509_CRL(NULL, &der, (long)s->crl.n);

    assert_non_null(crl);
    assert_int_equal(X509_STORE_add_cert(store, root), 1);
    assert_int_equal(X509_CRL_verify(crl, X509_get0_pubkey(root)), 1);
    assert_true(sk_X509_push(others, authority) > 0);
    assert_int_equal(X509_STORE_CTX_init(context, store, leaf, others), 1);
    X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context), (time_t)s->time);
    bool ok = X509_verify_cert(context) == 1;
    X509_CRL_free(crl);
    sk_X509_free(others);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return ok;
}

static bool signature_holds(X509 *leaf, struct bytes report)
{
    BIGNUM *r = BN_lebin2bn(report.p + SIGNED, NUMBER, NULL),
           *s = BN_lebin2bn(report.p + SIGNED + NUMBER, NUMBER, NULL);
    ECDSA_SIG *signature = ECDSA_SIG_new();
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char *der = NULL;

    assert_int_equal(ECDSA_SIG_set0(signature, r, s), 1);
    int n = i2d_ECDSA_SIG(signature, &der);
    assert_true(n > 0);
    assert_int_equal(EVP_DigestVerifyInit(context, NULL, EVP_sha384(), NULL, X509_get0_pubkey(leaf)), 1);
    bool ok = EVP_DigestVerify(context, der, (size_t)n, report.p, SIGNED) == 1;
    OPENSSL_free(der);
    EVP_MD_CTX_free(context);
    ECDSA_SIG_free(signature);
    return ok;
}

static bool holds(const struct simulated *s)
{
    BIO *pem = BIO_new_mem_buf(s->chain.p, (int)s->chain.n);
    X509 *leaf = certificate(pem), *authority = certificate(pem), *root = certificate(pem);
    bool ok = path_holds(leaf, authority, root, s) && signature_holds(leaf, s->report);

    assert_true(ASN1_INTEGER_get(X509_get0_serialNumber(leaf)) == 0);
    X509_free(leaf);
    X509_free(authority);
    X509_free(root);
    BIO_free(pem);
    return ok;
}

static void made(const struct simulate_options *o, struct simulated *s)
{
    struct fault fault = {0};

    if (!simulate(&arena, o, s, &fault))
        fail_msg("%s", fault.text);
}

static void openssl_verifies_every_product(void **state)
{
    (void)state;
    static const char *const names[] = {"Milan", "Genoa", "Bergamo", "Siena", "Turin"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (unsigned version = strcmp(names[i], "Turin") == 0 ? 3 : 2; version <= 5; version++)
            for (int vlek = 0; vlek <= 1; vlek++) {
                struct simulate_options o = {
                    .kind = SIMULATE_SNP, .product = names[i], .version = version, .vlek = vlek, .seed = 1};
                struct simulated s;
                uint8_t hash[SHA256_SIZE];

                made(&o, &s);
                assert_int_equal(s.report.n, REPORT);
                if (!holds(&s))
                    fail_msg("%s, version %u, VLEK %d", names[i], version, vlek);
                assert_int_equal(s.report.p[0], version);
                assert_int_equal(s.report.p[AT_CPUID] != 0, version >= 3);
                sha256(s.runtime_data, hash);
                assert_memory_equal(s.report.p + AT_REPORT_DATA, hash, sizeof hash);
                sha256(s.init_data, hash);
                assert_memory_equal(s.report.p + AT_HOST_DATA, hash, sizeof hash);
                arena_reset(&arena);
            }
}

static void what_is_changed_does_not_verify(void **state)
{
    (void)state;
    struct simulate_options o = {.kind = SIMULATE_SNP, .seed = 1};
    struct simulated s;

    made(&o, &s);
    static const size_t places[] = {0, AT_REPORT_DATA, AT_HOST_DATA, SIGNED - 1, SIGNED, SIGNED + NUMBER};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        uint8_t *copy = arena_alloc(&arena, s.report.n);
        struct simulated changed = s;

        memcpy(copy, s.report.p, s.report.n);
        copy[places[i]] ^= 1;
        changed.report.p = copy;
        assert_false(holds(&changed));
    }
}

static void one_seed_makes_one_chip(void **state)
{
    (void)state;
    struct simulate_options o = {.kind = SIMULATE_SNP, .seed = 7, .uvm = "cwt"};
    struct simulated a, b;

    made(&o, &a);
    made(&o, &b);
    assert_bytes_equal(a.request, b.request);
    assert_bytes_equal(a.crl, b.crl);
    o.seed = 0;
    made(&o, &b);
    assert_true(holds(&b));
    assert_memory_not_equal(a.anchor_spki, b.anchor_spki, SHA256_SIZE);
}

static void wrong_options_are_named(void **state)
{
    (void)state;
    static const struct simulate_options wrong[] = {
        {.kind = SIMULATE_SNP, .product = "Rome"},
        {.kind = SIMULATE_SNP, .version = 1},
        {.kind = SIMULATE_SNP, .version = 6},
        {.kind = SIMULATE_SNP, .product = "Turin", .version = 2},
        {.kind = SIMULATE_SNP, .uvm = "cbor"},
        {.kind = SIMULATE_SNP, .variation = "crl-hex"},
        {.kind = SIMULATE_SNP, .fault = "sgx.quote.signature"},
    };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct fault fault = {0};
        struct simulated s;

        assert_false(simulate(&arena, &wrong[i], &s, &fault));
        assert_int_equal(fault.code, FAULT_USAGE);
    }
}

/* ---------------------------------------------------------------------------------------- judged by the attester */

static const struct product {
    const char *name, *family;
    unsigned least_version;
    int64_t snp, microcode;
} products[] = {{"Milan", "Milan", 2, 23, 0xdb},
                {"Genoa", "Genoa", 2, 23, 0xdb},
                {"Bergamo", "Genoa", 2, 23, 0xdb},
                {"Siena", "Genoa", 2, 23, 0xdb},
                {"Turin", "Turin", 3, 4, 0x51}};

/* What a platform can be in, and what is made of it: NULL is accepted. */
static const struct condition {
    const char *fault; /* NULL: none */
    const char *with_vcek, *with_vlek;
    bool debug, migration;
} conditions[] = {
    {NULL, NULL, NULL, false, false},
    {NULL, NULL, NULL, true, false},
    {NULL, NULL, NULL, false, true},
    {"amd.issuer.not_revoked", "amd.issuer.not_revoked", "amd.issuer.not_revoked", false, false},
    {"amd.chain.validity", "amd.chain.validity", "amd.chain.validity", false, false},
    {"amd.crl.fresh", "amd.crl.fresh", "amd.crl.fresh", false, false},
    {"snp.tcb", "snp.tcb", "snp.tcb", false, false},
    {"snp.tcb_minimum", "snp.tcb_minimum", "snp.tcb_minimum", false, false},
    {"snp.chip_id", "snp.chip_id", "", false, false}, /* a VLEK is no chip's */
    {"snp.chip_id:masked", "snp.chip_id", "", false, false},
    {"snp.report.signature", "snp.report.signature", "snp.report.signature", false, false},
};

static int64_t number(const struct exam *x, const char *name)
{
    const struct claim *c = claims_find(&x->incoming, bytes_text(name));

    assert_non_null(c);
    assert_int_equal(c->value.kind, CLAIM_INTEGER);
    return c->value.integer;
}

static bool flag(const struct exam *x, const char *name)
{
    const struct claim *c = claims_find(&x->incoming, bytes_text(name));

    assert_non_null(c);
    assert_int_equal(c->value.kind, CLAIM_BOOLEAN);
    return c->value.integer != 0;
}

/* The numbers of the reported TCB, not of the current one, wherever the product keeps them. */
static void assert_claims(const struct exam *x, const struct product *p, const struct condition *c, unsigned version)
{
    const struct claim *family = claims_find(&x->incoming, BYTES_LIT("x-ms-sevsnpvm-chip-family"));

    assert_true(x->development);
    assert_int_equal(number(x, "x-ms-sevsnpvm-snpfw-svn"), p->snp);
    assert_int_equal(number(x, "x-ms-sevsnpvm-microcode-svn"), p->microcode);
    assert_int_equal(flag(x, "x-ms-sevsnpvm-is-debuggable"), c->debug);
    assert_int_equal(flag(x, "x-ms-sevsnpvm-migration-allowed"), c->migration);
    assert_int_equal(family != NULL, version >= 3); /* before, reports did not tell */
    if (family)
        assert_true(bytes_is(family->value.text, p->family));
}

static void judge_condition(const struct product *p, unsigned version, bool vlek, const struct condition *c)
{
    const char *expected = vlek ? c->with_vlek : c->with_vcek;
    struct simulate_options o = {.kind = SIMULATE_SNP,
                                 .seed = 1,
                                 .product = p->name,
                                 .version = version,
                                 .vlek = vlek,
                                 .fault = c->fault,
                                 .debug = c->debug,
                                 .migration = c->migration};
    struct simulated s;
    struct exam x;

    if (expected && !*expected)
        return;
    bool ok = judge(&o, &x, &s);
    if (ok != !expected || (expected && strcmp(failed_id(&x), expected) != 0))
        fail_msg("%s, version %u, %s, %s: %s", p->name, version, vlek ? "VLEK" : "VCEK",
                 c->fault ? c->fault : "no fault", failed_id(&x));
    if (ok)
        assert_claims(&x, p, c, version);
    arena_reset(&arena);
}

static void every_platform_in_every_condition(void **state)
{
    (void)state;
    for (size_t p = 0; p < sizeof products / sizeof *products; p++)
        for (unsigned version = products[p].least_version; version <= 5; version++)
            for (int vlek = 0; vlek < 2; vlek++)
                for (size_t c = 0; c < sizeof conditions / sizeof *conditions; c++)
                    judge_condition(&products[p], version, vlek, &conditions[c]);
}

/* An endorsed utility VM has its status, whatever signed the report; one that is not endorsed has none. */
static void endorsements_make_the_compliance_status(void **state)
{
    (void)state;
    static const char *const forms[] = {NULL, "legacy", "cwt"};

    for (size_t form = 0; form < sizeof forms / sizeof *forms; form++)
        for (int vlek = 0; vlek < 2; vlek++) {
            struct simulate_options o = {.kind = SIMULATE_SNP, .seed = 1, .uvm = forms[form], .vlek = vlek};
            struct simulated s;
            struct exam x;

            assert_true(judge(&o, &x, &s));
            const struct claim *status = claims_find(&x.incoming, BYTES_LIT("x-ms-compliance-status"));
            assert_int_equal(status != NULL, form > 0);
            if (status)
                assert_true(bytes_is(status->value.text, "azure-compliant-uvm"));
            arena_reset(&arena);
        }
}

/* Where no CRL is demanded none is missed; one that is at hand counts nevertheless. */
static void without_strictness_a_crl_at_hand_counts(void **state)
{
    (void)state;
    static const struct {
        const char *fault, *failed;
    } rows[] = {{"amd.crl.present", NULL},
                {"amd.crl.fresh", NULL},
                {"amd.crl.issued", NULL},
                {"amd.crl.signature", "amd.crl.signature"},
                {"amd.issuer.not_revoked", "amd.issuer.not_revoked"}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct simulate_options o = {.kind = SIMULATE_SNP, .seed = 1, .fault = rows[i].fault};
        struct endorsements *e = endorsements_new(64 * 1024 * 1024);
        struct simulated s;
        struct exam x;

        made(&o, &s);
        assert_true(simulate_endorsements(&s, e, true, NULL));
        s.settings.amd_crl_freshness = false;
        assert_int_equal(judge_with(&s, e, &x), rows[i].failed == NULL);
        assert_string_equal(failed_id(&x), rows[i].failed ? rows[i].failed : "none");
        endorsements_free(e);
        arena_reset(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openssl_verifies_every_product),
        cmocka_unit_test(what_is_changed_does_not_verify),
        cmocka_unit_test(one_seed_makes_one_chip),
        cmocka_unit_test(wrong_options_are_named),
        cmocka_unit_test(every_platform_in_every_condition),
        cmocka_unit_test(endorsements_make_the_compliance_status),
        cmocka_unit_test(without_strictness_a_crl_at_hand_counts),
    };
    return cmocka_run_group_tests_name("simulate_snp", tests, set_up, tear_down);
}
