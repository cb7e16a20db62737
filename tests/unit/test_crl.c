/* Revocation lists: every form in which they come, every field, and what is no list. */
#include "issue.h"

#include "base/limits.h"
#include "crypto/pem.h"

enum { FROM = 1600000000, NEXT = 1602592000 };

static EVP_PKEY *issuer_key;

static int make_keys(void **state)
{
    (void)state;
    issuer_key = EVP_EC_gen("P-256");
    return issuer_key ? 0 : -1;
}

static int free_keys(void **state)
{
    (void)state;
    EVP_PKEY_free(issuer_key);
    return 0;
}

/* Not in order; one longer, one with a high bit, one that begins another. */
static const char *const serials[] = {"5566", "11", "80ff00ff", "01", "1122", NULL};

static struct crl_recipe usual(void)
{
    return (struct crl_recipe){
        .issuer = "Issuer",
        .issuer_key = issuer_key,
        .this_update = FROM,
        .next_update = NEXT,
        .version = 1,
        .serials = serials,
        .entry_extension = {"CRLReason", "DER:0A:01:01"},
        .extensions = {{"crlNumber", "DER:02:02:12:34"}, {"authorityKeyIdentifier", "keyid:always"}}};
}

static const struct crl *decoded(struct bytes text)
{
    const struct crl *c;
    struct fault fault = {0};

    if (!crl_decode(&arena, text, &c, &fault))
        fail_msg("%s", fault.text);
    return c;
}

static void refused(struct bytes text, const char *why)
{
    const struct crl *c;
    struct fault fault = {0};

    assert_false(crl_decode(&arena, text, &c, &fault));
    assert_null(c);
    if (!strstr(fault.text, why))
        fail_msg("'%s' instead of '%s'", fault.text, why);
}

static struct public_key issuer(void)
{
    struct public_key key;

    assert_true(public_key_decode(&arena, spki_of(issuer_key), &key));
    return key;
}

static void fields(void **state)
{
    struct crl_recipe r = usual();
    struct bytes der = issue_crl(&r), spki = spki_of(issuer_key);
    const struct crl *c = decoded(der);
    struct public_key key = issuer();

    (void)state;
    assert_bytes_equal(c->der, der);
    assert_memory_equal(c->digest, sha256_of(&arena, der).p, SHA256_SIZE);
    assert_bytes_are(c->issuer_cn, "Issuer");
    X509_NAME *name = name_of("Issuer");
    assert_bytes_equal(c->issuer, der_of(name, (i2d_of_void *)i2d_X509_NAME));
    X509_NAME_free(name);
    assert_int_equal(c->this_update, FROM);
    assert_true(c->has_next_update && c->next_update == NEXT);
    assert_bytes_equal(c->number, hex("1234"));
    assert_bytes_equal(c->authority_key_id, digest(&arena, DIGEST_SHA1, bytes_after(spki, spki.n - 65)));
    assert_false(c->critical_unknown);
    assert_int_equal(c->alg, SIGNATURE_ES256);
    assert_true(crl_signed_by(c, &key));
    EVP_PKEY *other = EVP_EC_gen("P-256");
    assert_true(public_key_decode(&arena, spki_of(other), &key));
    assert_false(crl_signed_by(c, &key));
    EVP_PKEY_free(other);
}

static void entries(void **state)
{
    struct crl_recipe r = usual();
    const struct crl *c = decoded(issue_crl(&r));
    static const char *const others[] = {"00",     "02", "10",     "12",         "1121", "1123",
                                         "112233", "55", "80ff00", "80ff00ff00", "ff",   ""};

    (void)state;
    assert_int_equal(c->count, 5);
    for (size_t i = 0; i + 1 < c->count; i++)
        assert_true(bytes_compare(c->serials[i], c->serials[i + 1]) < 0);
    for (int i = 0; serials[i]; i++)
        assert_true(crl_revokes(c, hex(serials[i])));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (crl_revokes(c, hex(others[i])))
            fail_msg("%s is not on the list", others[i]);
    static const char *const none[] = {NULL};
    r.serials = none;
    c = decoded(issue_crl(&r));
    assert_int_equal(c->count, 0);
    assert_false(crl_revokes(c, hex("01")));
    /* Many, so that a search that is wrong by one place shows. */
    const char *many[302] = {NULL};
    for (int i = 0; i < 301; i++)
        many[i] = arena_printf(&arena, "%06x", (i * 7919) % 301 * 3 + 0x10000);
    r.serials = many;
    c = decoded(issue_crl(&r));
    assert_int_equal(c->count, 301);
    for (unsigned i = 0; i < 910; i++)
        assert_true(crl_revokes(c, hex(arena_printf(&arena, "%06x", i + 0x10000))) == (i < 903 && i % 3 == 0));
}

static void forms(void **state)
{
    struct crl_recipe r = usual();
    struct bytes der = issue_crl(&r), pem = pem_encode(&arena, "X509 CRL", der), digits = hex_encode(&arena, der);
    struct writer upper = wr_open(&arena);

    (void)state;
    for (size_t i = 0; i < digits.n; i++)
        wr_u8(&upper, (uint8_t)(digits.p[i] >= 'a' ? digits.p[i] - 32 : digits.p[i]));
    struct bytes nul = BYTES_LIT("\0"), end = BYTES_LIT("\r\n");
    struct bytes good[] = {der,
                           joined(der, nul),
                           joined(der, BYTES_LIT("\0\0\0")),
                           pem,
                           joined(pem, nul),
                           bytes_first(pem, pem.n - 1),
                           digits,
                           wr_done(&upper),
                           joined(digits, nul),
                           joined(digits, end),
                           joined(joined(digits, end), nul)};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_bytes_equal(decoded(good[i])->der, der);
    const char *form = "neither DER nor PEM nor hexadecimal";
    refused(BYTES_NONE, "not the DER of one CRL");
    refused(nul, "not the DER of one CRL");
    refused(BYTES_LIT("text"), form);
    refused(joined(der, BYTES_LIT("\1")), form);
    refused(joined(der, BYTES_LIT("\0\1")), form);
    refused(bytes_after(digits, 1), form);
    refused(joined(BYTES_LIT(" "), digits), form);
    refused(pem_encode(&arena, "CERTIFICATE", der), form);
    refused(bytes_first(pem, pem.n - 10), form);
    refused(pem_encode(&arena, "X509 CRL", joined(der, nul)), "not the DER of one CRL");
    refused(joined(digits, BYTES_LIT("00")), "not the DER of one CRL");
    refused(hex_encode(&arena, digits), "not the DER of one CRL");
    size_t large = 2 * LIMIT_CRL + 1000;
    refused(bytes_make(arena_alloc(&arena, large), large), "longer than");
    struct bytes content = bytes_make(arena_alloc(&arena, LIMIT_CRL), LIMIT_CRL);
    refused(joined(hex("3084"), joined(hex("00100000"), content)), form); /* its length could be shorter */
    refused(joined(hex("3083100000"), content), "longer than");
}

static void no_shape(void **state)
{
    struct crl_recipe r = usual();
    struct bytes der = issue_crl(&r);
    const struct crl *c;

    (void)state;
    for (size_t cut = 0; cut < der.n; cut++)
        assert_false(crl_decode(&arena, bytes_first(der, cut), &c, NULL));
    r.version = 0;
    memset(r.extensions, 0, sizeof r.extensions);
    memset(r.entry_extension, 0, sizeof r.entry_extension);
    refused(issue_crl(&r), "version 2");
    r = usual();
    static const char *const negative[] = {"-05", NULL};
    r.serials = negative;
    refused(issue_crl(&r), "version 2");
    r = usual();
    r.extensions[0][1] = "DER:02:01:80"; /* a negative number */
    refused(issue_crl(&r), "version 2");
    r.extensions[0][1] = "DER:02:01:05:00";
    refused(issue_crl(&r), "version 2");
    struct bytes es256 = BYTES_LIT("\x2a\x86\x48\xce\x3d\x04\x03\x02"),
                 es384 = BYTES_LIT("\x2a\x86\x48\xce\x3d\x04\x03\x03");
    refused(replaced(der, es256, es384, 0), "two signature algorithms");
    refused(replaced(der, es256, es384, 1), "two signature algorithms");
    refused(replaced(der, BYTES_LIT("200913122640Z"), BYTES_LIT("200913122660Z"), 0), "version 2");
}

static void extensions(void **state)
{
    static const struct {
        const char *name, *value;
        bool unknown;
    } rows[] = {
        {"1.2.3.4", "ASN1:NULL", false},
        {"1.2.3.4", "critical,ASN1:NULL", true},
        {"issuingDistributionPoint", "critical,DER:30:03:81:01:FF", true}, /* of end certificates only */
        {"deltaCRL", "critical,DER:02:01:01", true},                       /* only what changed */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct crl_recipe r = usual();

        r.extensions[2][0] = rows[i].name;
        r.extensions[2][1] = rows[i].value;
        if (decoded(issue_crl(&r))->critical_unknown != rows[i].unknown)
            fail_msg("%s = %s", rows[i].name, rows[i].value);
    }
    /* Of an entry: its reason may be critical; whose certificate it is (an indirect list) is not known here. */
    static const struct {
        const char *name, *value;
        bool unknown;
    } of_entries[] = {{"CRLReason", "critical,DER:0A:01:01", false},
                      {"invalidityDate", "DER:18:0F:32:30:32:30:30:31:30:31:30:30:30:30:30:30:5A", false},
                      {"1.2.3.4", "critical,ASN1:NULL", true},
                      {"certificateIssuer", "critical,DER:30:00", true}};
    for (size_t i = 0; i < sizeof of_entries / sizeof *of_entries; i++) {
        struct crl_recipe r = usual();

        r.entry_extension[0] = of_entries[i].name;
        r.entry_extension[1] = of_entries[i].value;
        const struct crl *c = decoded(issue_crl(&r));
        if (c->critical_unknown != of_entries[i].unknown)
            fail_msg("%s = %s", of_entries[i].name, of_entries[i].value);
        assert_int_equal(c->count, 5);
    }
    struct crl_recipe r = usual();
    memset(r.extensions, 0, sizeof r.extensions);
    r.next_update = 0;
    const struct crl *c = decoded(issue_crl(&r));
    assert_int_equal(c->number.n + c->authority_key_id.n, 0);
    assert_false(c->has_next_update);
}

static void every_bit_is_signed(void **state)
{
    struct crl_recipe r = usual();
    struct bytes der = issue_crl(&r);
    struct public_key key = issuer();
    const struct crl *c;
    size_t decode = 0;

    (void)state;
    assert_true(crl_signed_by(decoded(der), &key));
    for (size_t bit = 0; bit < der.n * 8; bit++)
        if (crl_decode(&arena, flipped(der, bit), &c, NULL)) {
            decode++;
            if (crl_signed_by(c, &key))
                fail_msg("bit %zu is not signed", bit);
        }
    assert_in_range(decode, der.n, der.n * 8 - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fields, set_up, tear_down),
        cmocka_unit_test_setup_teardown(entries, set_up, tear_down),
        cmocka_unit_test_setup_teardown(forms, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_shape, set_up, tear_down),
        cmocka_unit_test_setup_teardown(extensions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_bit_is_signed, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("crl", tests, make_keys, free_keys);
}
