/* Every certificate and CRL of the corpus decodes as OpenSSL decodes it, Intel's keys are the known ones, and what Intel
 * signed verifies (sgx-tdx.md 4.1, 4.2, 5). */
#include "arena_test.h"

#include <dirent.h>

#include <openssl/asn1.h>
#include <openssl/x509v3.h>

#include "base/text.h"
#include "crypto/x509.h"

static int64_t seconds(const ASN1_TIME *t)
{
    struct tm tm;

    assert_int_equal(ASN1_TIME_to_tm(t, &tm), 1);
    return timegm(&tm);
}

static struct bytes magnitude(const ASN1_INTEGER *v)
{
    return bytes_make(ASN1_STRING_get0_data(v), (size_t)ASN1_STRING_length(v));
}

static struct bytes octets(const ASN1_OCTET_STRING *v)
{
    return v ? bytes_make(ASN1_STRING_get0_data(v), (size_t)ASN1_STRING_length(v)) : BYTES_NONE;
}

static void compare_certificate(const struct certificate *c)
{
    const unsigned char *p = c->der.p;
    X509 *x = d2i_X509(NULL, &p, (long)c->der.n);
    unsigned char *name = NULL;

    assert_non_null(x);
    int n = i2d_X509_NAME(X509_get_subject_name(x), &name);
    assert_bytes_equal(c->subject, bytes_make(name, (size_t)n));
    OPENSSL_free(name);
    assert_bytes_equal(c->serial, magnitude(X509_get0_serialNumber(x)));
    assert_int_equal(c->not_before, seconds(X509_get0_notBefore(x)));
    assert_int_equal(c->not_after, seconds(X509_get0_notAfter(x)));
    assert_bytes_equal(c->subject_key_id, octets(X509_get0_subject_key_id(x)));
    assert_bytes_equal(c->authority_key_id, octets(X509_get0_authority_key_id(x)));
    assert_true(c->is_ca == (X509_check_ca(x) == 1));
    assert_int_equal(c->path_length, X509_get_pathlen(x));
    assert_int_equal(c->key_usage, X509_get_key_usage(x) & 0xff);
    assert_false(c->critical_unknown);
    assert_true(c->key.kind != KEY_NONE && c->alg != SIGNATURE_NONE);
    X509_free(x);
}

/* Files of a folder of the corpus whose names begin and end so. */
static size_t each_file(const char *folder, const char *begin, const char *end,
                        void (*take)(const char *name, struct bytes))
{
    DIR *d = opendir(shared_path(&arena, folder));
    size_t n = 0;

    if (!d)
        fail_msg("cannot open %s", folder);
    for (const struct dirent *e; (e = readdir(d));) {
        size_t length = strlen(e->d_name), tail = strlen(end);

        if (length < tail || strcmp(e->d_name + length - tail, end) != 0 ||
            strncmp(e->d_name, begin, strlen(begin)) != 0)
            continue;
        take(e->d_name, read_shared(&arena, arena_printf(&arena, "%s/%s", folder, e->d_name)));
        n++;
    }
    closedir(d);
    return n;
}

static const struct {
    const char *name, *key; /* of the file and of the key: SHA-256 of SubjectPublicKeyInfo */
} intel_keys[] = {
    {"intel-root-", "a0af031289f5d5d4132f9186068a7fc13628633ba235777472e29b6b6c67a49e"},
    {"intel-pck-platform-ca-", "5af8709d23989004d46b7c02b1f88d0e65f100ce860eec10e94104a1f4d15594"},
    {"intel-pck-processor-ca-", "cd7c95bd6ea4c67253a57b1de6ed47bd839ba5af102c5bbedf3fc414cd1a9cbc"},
    {"intel-tcbsigning-", "bd7d4b9c805d92607dee34683a104abfa7b2a487e06af2edf0740a8666cbc22f"},
};
enum { INTEL_KEYS = sizeof intel_keys / sizeof *intel_keys };

static struct public_key issuers[INTEL_KEYS]; /* in that order */
static size_t known;

static void take_certificate(const char *name, struct bytes der)
{
    const struct certificate *c;
    struct fault fault = {0};

    if (!certificate_decode(&arena, der, &c, &fault))
        fail_msg("%s: %s", name, fault.text);
    assert_bytes_equal(c->der, der);
    compare_certificate(c);
    for (size_t i = 0; i < INTEL_KEYS; i++)
        if (strncmp(name, intel_keys[i].name, strlen(intel_keys[i].name)) == 0) {
            struct bytes key;

            assert_true(hex_decode(&arena, bytes_text(intel_keys[i].key), &key));
            assert_bytes_equal(bytes_make(c->spki_digest, SHA256_SIZE), key);
            assert_true(certificate_extension(c, BYTES_LIT("\x55\x1d\x0f"), &key));
            issuers[i] = c->key;
            known++;
        }
}

static void signed_by_the_root(const char *name, struct bytes der)
{
    const struct certificate *c;

    assert_true(certificate_decode(&arena, der, &c, NULL));
    if (!certificate_signed_by(c, &issuers[0]))
        fail_msg("%s", name);
}

static void certificates(void **state)
{
    (void)state;
    NEED_SHARED("certificates of the corpus");
    size_t n = each_file("evidence/collateral/certs", "", ".der", take_certificate);
    assert_int_equal(known, 8);
    assert_int_equal(each_file("evidence/collateral/certs", "intel-", ".der", signed_by_the_root), 8);
    print_message("# %zu certificates\n", n);
    assert_true(n >= 31);
}

static size_t in_chains;

static void take_chain(const char *name, struct bytes pem)
{
    const struct certificate *list;
    struct fault fault = {0};
    size_t count;

    if (!certificates_decode(&arena, pem, &list, &count, &fault))
        fail_msg("%s: %s", name, fault.text);
    assert_int_equal(count, 2);
    assert_true(chain_signatures(list));
    assert_bytes_equal(list->issuer, list->next->subject);
    for (const struct certificate *c = list; c; c = c->next)
        compare_certificate(c);
    in_chains += count;
}

static void chains(void **state)
{
    (void)state;
    NEED_SHARED("chains of the corpus");
    size_t n = each_file("evidence/collateral/chains", "", ".pem", take_chain);
    print_message("# %zu chains of %zu certificates\n", n, in_chains);
    assert_true(n >= 5);
}

static size_t revoked;

static void take_crl(const char *name, struct bytes der)
{
    const struct crl *c;
    struct fault fault = {0};
    size_t issuer = strncmp(name, "crl-root-", 9) == 0 ? 0 : strncmp(name, "crl-platform-", 13) == 0 ? 1 : 2;

    if (!crl_decode(&arena, der, &c, &fault))
        fail_msg("%s: %s", name, fault.text);
    if (!crl_signed_by(c, &issuers[issuer]))
        fail_msg("%s is not signed by its issuer", name);
    assert_true(c->number.n && c->authority_key_id.n && c->has_next_update && !c->critical_unknown);
    assert_bytes_are(c->issuer_cn, issuer == 0   ? "Intel SGX Root CA"
                                   : issuer == 1 ? "Intel SGX PCK Platform CA"
                                                 : "Intel SGX PCK Processor CA");
    const unsigned char *p = der.p;
    X509_CRL *x = d2i_X509_CRL(NULL, &p, (long)der.n);
    assert_non_null(x);
    STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(x);
    assert_int_equal(c->count, entries ? sk_X509_REVOKED_num(entries) : 0);
    for (int i = 0; i < (int)c->count; i++)
        assert_true(crl_revokes(c, magnitude(X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(entries, i)))));
    assert_int_equal(c->this_update, seconds(X509_CRL_get0_lastUpdate(x)));
    assert_int_equal(c->next_update, seconds(X509_CRL_get0_nextUpdate(x)));
    revoked += c->count;
    X509_CRL_free(x);
}

static void crls(void **state)
{
    (void)state;
    NEED_SHARED("CRLs of the corpus");
    each_file("evidence/collateral/certs", "intel-", ".der", take_certificate);
    size_t n = each_file("evidence/collateral", "crl-", ".der", take_crl);
    print_message("# %zu CRLs with %zu entries\n", n, revoked);
    assert_true(n >= 79 && revoked >= 2562);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(certificates, set_up, tear_down),
        cmocka_unit_test_setup_teardown(chains, set_up, tear_down),
        cmocka_unit_test_setup_teardown(crls, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("collateral", tests, NULL, NULL);
}
