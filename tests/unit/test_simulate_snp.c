/* Simulated SEV-SNP reports by OpenSSL alone: chains as X.509 has them, signatures over the bytes that the layout names. */
#include "arena_test.h"

#include <openssl/ecdsa.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include "base/text.h"
#include "simulate/simulate.h"

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
    static const char *const products[] = {"Milan", "Genoa", "Bergamo", "Siena", "Turin"};

    for (size_t i = 0; i < sizeof products / sizeof *products; i++)
        for (unsigned version = strcmp(products[i], "Turin") == 0 ? 3 : 2; version <= 5; version++)
            for (int vlek = 0; vlek <= 1; vlek++) {
                struct simulate_options o = {
                    .kind = SIMULATE_SNP, .product = products[i], .version = version, .vlek = vlek, .seed = 1};
                struct simulated s;
                uint8_t hash[SHA256_SIZE];

                made(&o, &s);
                assert_int_equal(s.report.n, REPORT);
                if (!holds(&s))
                    fail_msg("%s, version %u, VLEK %d", products[i], version, vlek);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openssl_verifies_every_product),
        cmocka_unit_test(what_is_changed_does_not_verify),
        cmocka_unit_test(one_seed_makes_one_chip),
        cmocka_unit_test(wrong_options_are_named),
    };
    return cmocka_run_group_tests_name("simulate_snp", tests, set_up, tear_down);
}
