/* Certified keys of the corpus: WebAuthn statements, keys of Azure's guests, trust points of Windows; and credentials. */
#include "tpm_case.h"

#include "evidence/parts/credential.h"
#include "evidence/parts/event_log.h"

/* ---------------------------------------------------------------------------------------------- certifications */

static struct bytes rsassa(struct bytes value, uint16_t hash)
{
    struct writer w = wr_open(&arena);

    for (size_t i = 0; i < 3; i++) {
        const uint16_t words[] = {0x0014, hash, (uint16_t)value.n};

        wr_u8(&w, (uint8_t)(words[i] >> 8));
        wr_u8(&w, (uint8_t)words[i]);
    }
    wr_put(&w, value);
    return wr_done(&w);
}

static const char *certify(struct bytes attest, struct bytes signature, bool raw, struct bytes object,
                           const struct public_key *key, const struct bytes *nonce)
{
    struct exam x = exam();
    struct tpm_certification c;

    if (tpm_certify_decode(&x, attest, signature, raw, object, &c))
        tpm_certify_verify(&x, &c, key, nonce, "no nonce");
    return verdict(&x);
}

static void test_webauthn(void **state)
{
    static const struct {
        const char *folder, *name;
    } rows[] = {
        {"tpm/webauthn-surface_pro_4", "000be71c229007de41e177e0b346e107028c1662e10d9eb8aee7a935acf61aed7889"},
        {"tpm/webauthn-lenovo_carbon_x1", "000bfc3190f81aedb364f0776ddc1ef027c19b180b39c5cfe1a6209ca7f9cdf7f416"},
        {"tpm/webauthn-verify_tpm_with_ecc_public_area_type",
         "000b914f4626522738d830d9c0cfdcc5b4ceb6a39ec5270bfc17980d11c8a8aa11f0"},
    };

    (void)state;
    NEED_SHARED("WebAuthn statements");
    for (size_t i = 0; i < 3; i++) {
        const char *folder = rows[i].folder;
        struct bytes attest = evidence(folder, "certInfo.tpms_attest.bin"),
                     object = evidence(folder, "pubArea.tpmt_public.bin"),
                     signature = rsassa(evidence(folder, "sig.rsassa.bin"), 0x0004);
        struct bytes parts[] = {evidence(folder, "authData.bin"),
                                sha256_of(&arena, evidence(folder, "clientDataJSON.bin"))};
        struct public_key key = load_key(&arena, evidence(folder, "x5c-0.der"));
        struct tpm_public p;
        uint8_t hash[SHA1_SIZE];
        struct bytes nonce = BYTES_OF(hash), none = BYTES_NONE;

        digest_parts(DIGEST_SHA1, parts, 2, hash);
        assert_string_equal(certify(attest, signature, false, object, &key, &nonce), "accepted");
        assert_true(tpm_public_read(&arena, object, &p, NULL));
        assert_bytes_equal(p.name, unhex(rows[i].name));
        /* What goes wrong, one by one. */
        assert_string_equal(certify(attest, signature, false, object, &key, &none), "tpm.certify.nonce");
        const char *other = rows[(i + 1) % 3].folder;
        struct public_key other_key = load_key(&arena, evidence(other, "x5c-0.der"));
        assert_string_equal(certify(attest, signature, false, object, &other_key, &nonce), "tpm.certify.signature");
        assert_string_equal(certify(attest, signature, false, evidence(other, "pubArea.tpmt_public.bin"), &key, &nonce),
                            "tpm.certify.name");
        assert_string_equal(certify(attest, signature, true, object, &key, &nonce), "tpm.certify.signature");
        settings.tpm_sha1 = false;
        assert_string_equal(certify(attest, signature, false, object, &key, &nonce), "tpm.certify.signature");
        settings.tpm_sha1 = true;
    }
}

static void test_certified_keys(void **state)
{
    static const struct {
        const char *folder, *attest, *signature, *object, *key, *name;
        bool raw;
    } rows[] = {
        {"azure-vtpm/guest-requests", "linux.certify.bin", "linux.certifysig.bin", "linux.enckeypub.bin",
         "linux.aikcert.der", "000bab29751384f27c4b51d2dcadc43c070abc030292dd5e7547dca095d8c035652a", true},
        {"azure-vtpm/guest-requests", "windows.certify.bin", "windows.certifysig.bin", "windows.enckeypub.bin",
         "windows.aikcert.der", "000b2849532eb2cc9b8e0c420b397d33ae32038d10303d68d0bb7df0a936b2ab75c9", true},
        {"tpm/swtpm-linux-ludmilla", "key.certify.tpms_attest", "key.certify.tpmt_signature", "key.tpm2b_public",
         "ak.tpm2b_public", NULL, false},
        {"tpm/swtpm-windows-locality3", "key.certify.tpms_attest", "key.certify.tpmt_signature", "key.tpm2b_public",
         "ak.tpm2b_public", NULL, false},
    };

    (void)state;
    NEED_SHARED("certified keys");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bytes attest = evidence(rows[i].folder, rows[i].attest),
                     signature = evidence(rows[i].folder, rows[i].signature),
                     object = evidence(rows[i].folder, rows[i].object), rest, challenge = BYTES_LIT("a challenge");
        struct public_key key = load_key(&arena, evidence(rows[i].folder, rows[i].key));
        struct tpm_public p;

        /* Clients append the key's name to its area. */
        assert_true(tpm_public_read_first(&arena, object, &p, &rest, NULL));
        assert_string_equal(certify(attest, signature, rows[i].raw, p.bytes, &key, NULL), "accepted");
        assert_string_equal(certify(attest, signature, rows[i].raw, p.bytes, &key, &challenge), "tpm.certify.nonce");
        if (rows[i].name)
            assert_bytes_equal(p.name, unhex(rows[i].name));
    }
}

/* ------------------------------------------------------------------------------------------------ trust points */

/* Of tagged events, one behind the other and in containers, the data of the nth with this tag. */
static bool tagged(struct bytes text, uint32_t wanted, struct bytes *out)
{
    enum { CONTAINER = 0x40000000 };

    for (struct reader r = rd_open(text); rd_left(&r);) {
        uint32_t tag = rd_u32le(&r);
        struct bytes data = rd_take(&r, rd_u32le(&r));

        if (!rd_ok(&r))
            return false;
        if (tag == wanted) {
            *out = data;
            return true;
        }
        if (tag & CONTAINER && tagged(data, wanted, out))
            return true;
    }
    return false;
}

/* The quote that Windows left in its log when it went to sleep, over what the same log replays to. */
static const char *trust_point(const char *folder, struct bytes key_file)
{
    enum { QUOTE = 0x80080001, QUOTE_SIGNATURE, AIK_ID };
    struct exam x = exam();
    struct event_log log;
    struct event_registers registers;
    struct tpm_quote q;
    struct bytes quote = BYTES_NONE, signature = BYTES_NONE;
    struct public_key key = load_key(&arena, key_file);

    assert_true(event_log_read(&arena, evidence(folder, "eventlog-0.bin"), &log, NULL));
    for (size_t i = 0; i < log.count; i++)
        if (log.events[i].reg == UINT32_MAX && !quote.n && tagged(log.events[i].data, QUOTE, &quote))
            assert_true(tagged(log.events[i].data, QUOTE_SIGNATURE, &signature));
    assert_true(quote.n && signature.n);
    assert_true(tpm_quote_decode(&x, quote, rsassa(signature, 0x0004), false, &q));
    assert_int_equal(q.attest.selection.count, 1);
    assert_int_equal(q.attest.selection.banks[0].mask, 0x00f77f);
    struct event_bank quoted = event_bank_of(q.attest.selection.banks[0].id);
    const struct event_bank *bank = event_log_bank(&log, quoted.alg);
    assert_true(quoted.known && bank);
    event_log_replay(&log, bank, &registers);
    q.pcrs.count = 1;
    q.pcrs.banks[0].id = q.attest.selection.banks[0].id;
    for (unsigned i = 0; i < TPM_PCRS; i++)
        q.pcrs.banks[0].value[i] = bytes_make(registers.value[i], registers.size);
    uint8_t digest[DIGEST_MAX];
    assert_true(tpm_pcrs_digest(&q.pcrs, &q.attest.selection, DIGEST_SHA1, digest));
    assert_bytes_equal(bytes_make(digest, SHA1_SIZE), q.attest.pcr_digest);
    tpm_quote_verify(&x, &q, &key, &q.attest.extra_data, NULL);
    return verdict(&x);
}

static void test_trust_points(void **state)
{
    (void)state;
    NEED_SHARED("trust points of Windows");
    const char *supermicro = "tpm/guard-IMN-SUPERMICRO-WBCL-Quote-AIKs", *dell = "tpm/guard-IMN-DELL",
               *dell_keys = "tpm/guard-IMN-DELL-WBCL-BootCtrs";
    assert_string_equal(trust_point(supermicro, evidence(supermicro, "aik-bla.tpmt_public.bin")), "accepted");
    /* Nobody published the key that signed here: none of those at hand did. */
    assert_string_equal(trust_point(dell, evidence(dell_keys, "aik-Windows_AIK.tpmt_public.bin")),
                        "tpm.quote.signature");
    assert_string_equal(trust_point(dell, evidence(dell_keys, "aik-dellbla.tpmt_public.bin")), "tpm.quote.signature");
    assert_string_equal(trust_point(dell, evidence(supermicro, "aik-bla.tpmt_public.bin")), "tpm.quote.signature");
}

/* ------------------------------------------------------------------------------------------------- credentials */

/* What tpm2_makecredential wrote is read, and written again the same. */
static void test_credential_files(void **state)
{
    static const char *const files[][2] = {{"tpm/keylime-quote", "mkcred.out"},
                                           {"tpm/swtpm-linux-ludmilla", "cred.blob"},
                                           {"tpm/swtpm-windows-locality3", "cred.blob"}};

    (void)state;
    NEED_SHARED("credentials");
    for (size_t i = 0; i < 3; i++) {
        struct bytes file = evidence(files[i][0], files[i][1]);
        struct credential c;

        assert_true(credential_read(&arena, file, &c, NULL));
        assert_int_equal(c.secret.n, 256);
        assert_bytes_equal(credential_write(&arena, &c), file);
        for (size_t n = 0; n < file.n; n++)
            assert_false(credential_read(&arena, bytes_first(file, n), &c, NULL));
    }
}

/* For the endorsement keys of the corpus credentials of the same form come out; who has the TPM can tell the rest. */
static void test_credential_sizes(void **state)
{
    static const char *const folders[] = {"tpm/keylime-quote", "tpm/swtpm-linux-ludmilla"};
    uint8_t random[CREDENTIAL_RANDOM] = {1, 2, 3};

    (void)state;
    NEED_SHARED("endorsement keys");
    for (size_t i = 0; i < 2; i++) {
        struct tpm_public ek, ak;
        struct credential c, again, other;
        struct fault fault = {0};
        struct bytes secret = BYTES_LIT("16 bytes of text");

        assert_true(tpm_public_read(&arena, evidence(folders[i], "ek.pub"), &ek, NULL));
        assert_true(tpm_public_read(&arena, evidence("tpm/keylime-quote", "ak.tpm2b_public.bin"), &ak, NULL));
        if (!credential_make(&arena, &ek, ak.name, secret, random, &c, &fault))
            fail_msg("%s", fault.text);
        assert_int_equal(c.id_object.n, 2 + 32 + 2 + secret.n);
        assert_int_equal(c.secret.n, 256);
        assert_true(credential_make(&arena, &ek, ak.name, secret, random, &again, NULL));
        assert_bytes_equal(c.id_object, again.id_object);
        assert_bytes_equal(c.secret, again.secret);
        random[0] ^= 1;
        assert_true(credential_make(&arena, &ek, ak.name, secret, random, &other, NULL));
        assert_false(bytes_equal(c.id_object, other.id_object) || bytes_equal(c.secret, other.secret));
        assert_false(credential_make(&arena, &ak, ak.name, secret, random, &c, NULL));
        assert_false(credential_make(&arena, &ek, ak.name, BYTES_NONE, random, &c, NULL));
        assert_false(credential_make(&arena, &ek, ak.name, bytes_make(random, 33), random, &c, NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_webauthn),         TEST(test_certified_keys),   TEST(test_trust_points),
        TEST(test_credential_files), TEST(test_credential_sizes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
