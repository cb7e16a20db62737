/* Certificates: every field as OpenSSL wrote it, every malformation refused; lists in PEM. (Paths: test_path.) */
#include "issue.h"

#include "base/limits.h"
#include "crypto/pem.h"

enum { FROM = 1600000000, TO = 1900000000 };

static EVP_PKEY *root_key, *leaf_key;

static int make_keys(void **state)
{
    (void)state;
    root_key = EVP_EC_gen("P-256");
    leaf_key = EVP_EC_gen("P-256");
    return root_key && leaf_key ? 0 : -1;
}

static int free_keys(void **state)
{
    (void)state;
    EVP_PKEY_free(root_key);
    EVP_PKEY_free(leaf_key);
    return 0;
}

static struct recipe leaf(void)
{
    return (struct recipe){.subject = "Leaf é",
                           .issuer = "Root",
                           .key = leaf_key,
                           .issuer_key = root_key,
                           .not_before = FROM,
                           .not_after = TO,
                           .serial = 0x80ff,
                           .version = 2,
                           .digest = EVP_sha256(),
                           .extensions = {{"basicConstraints", "critical,CA:FALSE"},
                                          {"keyUsage", "critical,digitalSignature,nonRepudiation"},
                                          {"subjectKeyIdentifier", "hash"},
                                          {"authorityKeyIdentifier", "keyid:always"},
                                          {"1.2.840.113741.1.13.1", "ASN1:UTF8String:own"}}};
}

static const struct certificate *decoded(struct bytes der)
{
    const struct certificate *c;
    struct fault fault = {0};

    if (!certificate_decode(&arena, der, &c, &fault))
        fail_msg("%s", fault.text);
    return c;
}

/* Refused, with a reason. */
static void refused(struct bytes der, const char *why)
{
    const struct certificate *c;
    struct fault fault = {0};

    assert_false(certificate_decode(&arena, der, &c, &fault));
    assert_null(c);
    if (!strstr(fault.text, why))
        fail_msg("'%s' instead of '%s'", fault.text, why);
}

static struct bytes sha1_of_key(EVP_PKEY *k)
{
    struct bytes spki = spki_of(k);

    return digest(&arena, DIGEST_SHA1, bytes_after(spki, spki.n - 65));
}

static void fields(void **state)
{
    struct recipe r = leaf();
    struct bytes der = issue(&r), value;
    const struct certificate *c = decoded(der);
    struct public_key root;

    (void)state;
    assert_bytes_equal(c->der, der);
    assert_ptr_not_equal(c->der.p, der.p); /* a copy: the text may go */
    assert_true(c->tbs.p > c->der.p && c->tbs.p + c->tbs.n < c->der.p + c->der.n);
    assert_memory_equal(c->digest, sha256_of(&arena, der).p, SHA256_SIZE);
    assert_memory_equal(c->spki_digest, sha256_of(&arena, spki_of(leaf_key)).p, SHA256_SIZE);
    assert_bytes_equal(c->key.spki, spki_of(leaf_key));
    assert_bytes_are(c->subject_cn, "Leaf é");
    assert_bytes_are(c->issuer_cn, "Root");
    X509_NAME *name = name_of("Root");
    assert_bytes_equal(c->issuer, der_of(name, (i2d_of_void *)i2d_X509_NAME));
    X509_NAME_free(name);
    assert_bytes_equal(c->serial, hex("80ff"));
    assert_int_equal(c->not_before, FROM);
    assert_int_equal(c->not_after, TO);
    assert_int_equal(c->alg, SIGNATURE_ES256);
    assert_int_equal(c->signature.n, 64);
    assert_bytes_equal(c->subject_key_id, sha1_of_key(leaf_key));
    assert_bytes_equal(c->authority_key_id, sha1_of_key(root_key));
    assert_true(c->has_basic_constraints && !c->is_ca && c->path_length == -1);
    assert_true(c->has_key_usage && c->key_usage == 0xc0);
    assert_false(c->critical_unknown);
    assert_true(certificate_extension(c, hex("2a864886f84d010d01"), &value));
    assert_bytes_are(value, "\x0c\x03own");
    assert_false(certificate_extension(c, hex("2a864886f84d010d02"), &value));
    assert_true(public_key_decode(&arena, spki_of(root_key), &root));
    assert_true(certificate_signed_by(c, &root));
    assert_false(certificate_signed_by(c, &c->key));
}

static void authority_fields(void **state)
{
    struct recipe r = leaf();
    static const struct {
        const char *constraints;
        bool ca;
        int length;
    } rows[] = {{"critical,CA:TRUE", true, -1},
                {"CA:TRUE,pathlen:0", true, 0},
                {"critical,CA:TRUE,pathlen:3", true, 3},
                {"critical,CA:TRUE,pathlen:100000", true, LIMIT_CHAIN},
                {"CA:FALSE", false, -1}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        memset(r.extensions, 0, sizeof r.extensions);
        r.extensions[0][0] = "basicConstraints";
        r.extensions[0][1] = rows[i].constraints;
        r.extensions[1][0] = "keyUsage";
        r.extensions[1][1] = "keyCertSign,cRLSign";
        const struct certificate *c = decoded(issue(&r));
        assert_true(c->has_basic_constraints && c->is_ca == rows[i].ca && c->path_length == rows[i].length);
        assert_int_equal(c->key_usage, KEY_USAGE_CERT_SIGN | KEY_USAGE_CRL_SIGN);
        assert_int_equal(c->subject_key_id.n + c->authority_key_id.n, 0);
    }
    memset(r.extensions, 0, sizeof r.extensions);
    const struct certificate *c = decoded(issue(&r)); /* version 3 without extensions is one */
    assert_false(c->has_basic_constraints || c->has_key_usage || c->is_ca);
    assert_int_equal(c->path_length, -1);
}

static void names(void **state)
{
    struct recipe r = leaf();

    (void)state;
    r.subject = NULL;
    assert_int_equal(decoded(issue(&r))->subject_cn.n, 0);
    r.subject = "Plain";
    struct bytes der = issue(&r), as_teletex, broken;
    assert_bytes_are(decoded(der)->subject_cn, "Plain");
    as_teletex = replaced(der, BYTES_LIT("\x0c\x05Plain"), BYTES_LIT("\x14\x05Plain"), 0);
    assert_int_equal(decoded(as_teletex)->subject_cn.n, 0); /* not UTF-8 by its kind */
    broken = replaced(der, BYTES_LIT("\x0c\x05Plain"), BYTES_LIT("\x0c\x05Pl\xff\xff\xff"), 0);
    assert_int_equal(decoded(broken)->subject_cn.n, 0); /* nor by its bytes */
}

static void no_shape(void **state)
{
    struct recipe r = leaf();
    struct bytes der = issue(&r);
    const struct certificate *c;

    (void)state;
    for (size_t cut = 0; cut < der.n; cut++)
        assert_false(certificate_decode(&arena, bytes_first(der, cut), &c, NULL));
    refused(joined(der, BYTES_LIT("\0")), "not the DER of one certificate");
    refused(joined(BYTES_LIT("\0"), der), "not the DER of one certificate");
    refused(bytes_make(arena_alloc(&arena, LIMIT_CERTIFICATE + 1), LIMIT_CERTIFICATE + 1), "longer than");
    r.version = 0;
    refused(issue(&r), "version 3");
    r.version = 1;
    refused(issue(&r), "version 3");
    r = leaf();
    r.serial = -5;
    refused(issue(&r), "version 3");
    r = leaf();
    r.serial = 0;
    assert_bytes_equal(decoded(issue(&r))->serial, hex("00"));
    /* Times: another month, another zone, no digits. FROM is 200913122640Z. */
    assert_int_equal(decoded(replaced(der, BYTES_LIT("200913122640Z"), BYTES_LIT("200912122640Z"), 0))->not_before,
                     FROM - 86400);
    refused(replaced(der, BYTES_LIT("200913122640Z"), BYTES_LIT("201313122640Z"), 0), "version 3");
    refused(replaced(der, BYTES_LIT("200913122640Z"), BYTES_LIT("200931122640Z"), 0), "version 3");
    refused(replaced(der, BYTES_LIT("200913122640Z"), BYTES_LIT("200913122640+"), 0), "version 3");
    refused(replaced(der, BYTES_LIT("200913122640Z"), BYTES_LIT("20091312 640Z"), 0), "version 3");
}

/* OIDs of ecdsa-with-SHA256 and -SHA384. */
#define ES256 BYTES_LIT("\x2a\x86\x48\xce\x3d\x04\x03\x02")
#define ES384 BYTES_LIT("\x2a\x86\x48\xce\x3d\x04\x03\x03")

static void signature_algorithms(void **state)
{
    struct recipe r = leaf();
    struct bytes der = issue(&r), other = replaced(der, ES256, ES384, 0);
    struct public_key root;

    (void)state;
    refused(other, "two signature algorithms");                          /* the inner one */
    refused(replaced(der, ES256, ES384, 1), "two signature algorithms"); /* the outer one */
    const struct certificate *c = decoded(replaced(other, ES256, ES384, 0));
    assert_true(public_key_decode(&arena, spki_of(root_key), &root));
    assert_int_equal(c->alg, SIGNATURE_ES384);
    assert_false(certificate_signed_by(c, &root));
    /* One that is not accepted: it decodes, and never verifies. */
    r.digest = EVP_sha1();
    c = decoded(issue(&r));
    assert_int_equal(c->alg, SIGNATURE_NONE);
    assert_false(certificate_signed_by(c, &root));
    r.digest = NULL;
    EVP_PKEY *edwards = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    r.issuer_key = r.key = edwards;
    c = decoded(issue(&r));
    assert_int_equal(c->alg, SIGNATURE_NONE);
    assert_int_equal(c->key.kind, KEY_NONE);
    assert_false(certificate_signed_by(c, &c->key));
    EVP_PKEY_free(edwards);
    /* An ECDSA signature that is none. */
    size_t at = der.n - 72; /* somewhere in it; whatever becomes of it, it does not verify */
    const struct certificate *still;
    for (; at < der.n; at++)
        if (certificate_decode(&arena, flipped(der, at * 8 + 7), &still, NULL))
            assert_false(certificate_signed_by(still, &root));
}

static void kinds_of_keys(void **state)
{
    static const struct {
        const char *type, *detail;
        enum key_kind kind;
    } rows[] = {{"EC", "P-256", KEY_P256},    {"EC", "P-384", KEY_P384}, {"RSA", "2048", KEY_RSA},
                {"RSA", "3072", KEY_RSA},     {"RSA", "1024", KEY_NONE}, {"EC", "P-521", KEY_NONE},
                {"EC", "secp256k1", KEY_NONE}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct recipe r = leaf();
        bool is_rsa = rows[i].type[0] == 'R';

        r.key = is_rsa ? EVP_RSA_gen((unsigned)atoi(rows[i].detail)) : EVP_EC_gen(rows[i].detail);
        assert_non_null(r.key);
        if (rows[i].kind != KEY_NONE || is_rsa)
            r.issuer_key = r.key; /* and signs itself */
        for (int hash = 0; hash < 3; hash++) {
            r.digest = hash == 0 ? EVP_sha256() : hash == 1 ? EVP_sha384() : EVP_sha512();
            const struct certificate *c = decoded(issue(&r));

            assert_int_equal(c->key.kind, rows[i].kind);
            assert_int_equal(c->alg, (is_rsa ? SIGNATURE_RS256 : SIGNATURE_ES256) + (unsigned)hash);
            assert_true(certificate_signed_by(c, &c->key) == (rows[i].kind != KEY_NONE));
            assert_memory_equal(c->spki_digest, sha256_of(&arena, spki_of(r.key)).p, SHA256_SIZE);
        }
        EVP_PKEY_free(r.key);
    }
    struct recipe r = leaf();
    r.issuer_key = EVP_EC_gen("P-521");
    r.digest = EVP_sha512();
    refused(issue(&r), "signature is not one of its algorithm"); /* its numbers are longer than any key's of ours */
    EVP_PKEY_free(r.issuer_key);
}

static void extensions(void **state)
{
    static const struct {
        const char *name, *value;
        bool unknown;
    } rows[] = {
        {"1.2.3.4", "ASN1:NULL", false},
        {"1.2.3.4", "critical,ASN1:NULL", true},
        {"nameConstraints", "permitted;DNS:example.org", true}, /* no constraint is ignored, critical or not */
        {"nameConstraints", "critical,permitted;DNS:example.org", true},
        {"policyConstraints", "requireExplicitPolicy:0", true},
        {"inhibitAnyPolicy", "0", true},
        {"certificatePolicies", "DER:30:05:30:03:06:01:2A", false},
        {"certificatePolicies", "critical,DER:30:05:30:03:06:01:2A", true},
        {"extendedKeyUsage", "serverAuth", false},
        {"extendedKeyUsage", "critical,serverAuth", true},
        {"crlDistributionPoints", "URI:http://example.org/", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct recipe r = leaf();

        r.extensions[5][0] = rows[i].name;
        r.extensions[5][1] = rows[i].value;
        if (decoded(issue(&r))->critical_unknown != rows[i].unknown)
            fail_msg("%s = %s", rows[i].name, rows[i].value);
    }
    static const char *const malformed[][2] = {
        {"basicConstraints", "DER:30:03:01:01:01"},
        {"basicConstraints", "DER:30:00:00"},
        {"basicConstraints", "DER:30:06:01:01:FF:02:01:FF"},
        {"basicConstraints", "DER:05:00"},
        {"keyUsage", "DER:03:02:08:80"},
        {"keyUsage", "DER:03:01"},
        {"keyUsage", "DER:04:02:07:80"},
        {"keyUsage", "DER:03:02:07:80:00"},
        {"subjectKeyIdentifier", "DER:05:00"},
    };
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        struct recipe r = leaf();

        memset(r.extensions, 0, sizeof r.extensions);
        r.extensions[0][0] = malformed[i][0];
        r.extensions[0][1] = malformed[i][1];
        refused(issue(&r), "version 3");
    }
    struct recipe r = leaf();
    r.extensions[5][0] = "1.2.3.4";
    r.extensions[5][1] = "ASN1:NULL";
    r.extensions[6][0] = "1.2.3.4";
    r.extensions[6][1] = "ASN1:NULL";
    refused(issue(&r), "version 3"); /* one that stands twice */
}

/* Every bit of a certificate turned: it does not decode, or the signature does not hold. */
static void every_bit_is_signed(void **state)
{
    struct recipe r = leaf();
    struct bytes der = issue(&r);
    struct public_key root;
    const struct certificate *c;
    size_t decode = 0;

    (void)state;
    assert_true(public_key_decode(&arena, spki_of(root_key), &root));
    assert_true(certificate_signed_by(decoded(der), &root));
    for (size_t bit = 0; bit < der.n * 8; bit++) {
        struct arena keep = arena; /* released after each: this is half a gigabyte otherwise */

        arena_init(&arena, TEST_MEMORY);
        bool ok = certificate_decode(&arena, flipped(der, bit), &c, NULL);
        decode += ok;
        if (ok && certificate_signed_by(c, &root))
            fail_msg("bit %zu is not signed", bit);
        arena_free(&arena);
        arena = keep;
    }
    assert_in_range(decode, der.n, der.n * 8 - 1); /* many decode: the signature is what refuses them */
}

static struct bytes pem_of(struct bytes der)
{
    return pem_encode(&arena, "CERTIFICATE", der);
}

/* How many certificates come of a text; 0 when it is refused. */
static size_t listed(struct bytes text)
{
    const struct certificate *list;
    size_t count;
    struct fault fault = {0};

    if (certificates_decode(&arena, text, &list, &count, &fault)) {
        size_t n = 0;

        for (const struct certificate *c = list; c; c = c->next)
            n++;
        assert_int_equal(n, count);
        return n;
    }
    assert_true(fault.text[0]);
    return 0;
}

static void lists(void **state)
{
    struct recipe r = leaf();
    struct bytes der = issue(&r), one = pem_of(der), text = BYTES_NONE;
    const struct certificate *list;
    size_t count;

    (void)state;
    r.subject = "Other";
    struct bytes other = issue(&r);
    assert_int_equal(listed(der), 1);
    assert_int_equal(listed(joined(der, BYTES_LIT("\0"))), 0);
    assert_int_equal(listed(joined(der, der)), 0);
    assert_true(certificates_decode(&arena, joined(one, pem_of(other)), &list, &count, NULL));
    assert_true(count == 2 && !list->next->next);
    assert_bytes_equal(list->der, der); /* in the order given */
    assert_bytes_equal(list->next->der, other);
    for (size_t n = 1; n <= LIMIT_CHAIN + 1; n++) {
        text = joined(text, one);
        assert_int_equal(listed(text), n <= LIMIT_CHAIN ? n : 0);
    }
    assert_int_equal(listed(joined(joined(one, BYTES_LIT("\0")), one)), 2);
    assert_int_equal(listed(joined(BYTES_LIT("leaf:\n"), joined(one, BYTES_LIT("\n\nroot:\n")))), 1);
    assert_int_equal(listed(BYTES_NONE), 0);
    assert_int_equal(listed(BYTES_LIT("text")), 0);
    assert_int_equal(listed(joined(one, pem_encode(&arena, "X509 CRL", der))), 0);
    assert_int_equal(listed(joined(one, pem_encode(&arena, "CERTIFICATE", bytes_after(der, 1)))), 0);
    assert_int_equal(listed(joined(one, bytes_first(one, one.n - 20))), 0);
    struct writer crlf = wr_open(&arena);
    for (size_t i = 0; i < one.n; i++) {
        if (one.p[i] == '\n')
            wr_u8(&crlf, '\r');
        wr_u8(&crlf, one.p[i]);
    }
    assert_int_equal(listed(wr_done(&crlf)), 1);
    assert_int_equal(listed(joined(wr_done(&crlf), one)), 2);
}

/* A certificate's, or bare; nothing else that has a key in it. */
static void keys_of_files(void **state)
{
    struct recipe r = leaf();
    struct bytes der = issue(&r);
    const struct certificate *c;
    struct public_key key;

    (void)state;
    assert_true(certificate_decode(&arena, der, &c, NULL));
    const struct bytes good[] = {der, pem_of(der), joined(pem_of(der), pem_of(der)),
                                 pem_encode(&arena, "PUBLIC KEY", c->spki)};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(public_key_read(&arena, good[i], &key));
        assert_true(public_key_equal(&key, &c->key));
        assert_bytes_equal(key.spki, c->spki);
    }
    const struct bytes bad[] = {BYTES_NONE,
                                BYTES_LIT("text"),
                                c->spki,
                                pem_encode(&arena, "PRIVATE KEY", c->spki),
                                pem_encode(&arena, "CERTIFICATE", c->spki),
                                pem_encode(&arena, "PUBLIC KEY", bytes_after(c->spki, 1))};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(public_key_read(&arena, bad[i], &key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fields, set_up, tear_down),
        cmocka_unit_test_setup_teardown(authority_fields, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_shape, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_of_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(signature_algorithms, set_up, tear_down),
        cmocka_unit_test_setup_teardown(kinds_of_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(extensions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_bit_is_signed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lists, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("x509", tests, make_keys, free_keys);
}
