/* Certificates of attestation and endorsement keys of the corpus: who vouches for them, and what must not pass. */
#include "tpm.h"

#include "endorsement/store.h"
#include "endorsement/tpm/chain.h"
#include "endorsement/tpm/tpm.h"

#define NOW "2026-11-30T00:00:00Z"

static struct arena arena;
static struct settings settings;
static struct endorsements *at_hand;
static struct cache *cache;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, TEST_MEMORY);
    settings = SETTINGS_DEFAULT;
    at_hand = endorsements_new(SET_MEMORY);
    cache = cache_new(64, 1024 * 1024);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    endorsements_free(at_hand);
    cache_free(cache);
    arena_free(&arena);
    return 0;
}

static struct bytes joined(const char *const *names)
{
    struct writer w = wr_open(&arena);

    for (; *names; names++)
        wr_put(&w, read_shared(&arena, arena_printf(&arena, "evidence/%s", *names)));
    return wr_done(&w);
}
#define FILES(...) joined((const char *const[]){__VA_ARGS__, NULL})

static struct exam exam(const char *time)
{
    endorsements_seal(at_hand);
    return (struct exam){.arena = &arena,
                         .trace = trace_new(&arena),
                         .settings = &settings,
                         .endorsements = at_hand,
                         .cache = cache,
                         .time = time_of(bytes_text(time))};
}

static const char *note;

/* Twice: from the bytes, and from the cache. */
static bool azure_alone; /* of the built-in roots those of Azure's machines */

static const char *verdict(struct bytes certificates, const char *time, struct aik *aik)
{
    const char *last = NULL;

    for (int i = 0; i < 2; i++) {
        struct exam x = exam(time);
        struct aik ignored;

        aik = aik ? aik : &ignored;
        bool decoded = aik_decode(&x, certificates, aik);

        aik->azure = azure_alone;
        if (decoded)
            assert_true(aik_verify(&x, aik, true, NULL) == !x.trace->failed);
        const struct trace_entry *failure = trace_failure(x.trace);
        const char *said = failure ? check_table[failure->id].id : "accepted";
        assert_true(!last || strcmp(last, said) == 0);
        assert_true(failure || aik->valid);
        note = failure && failure->note ? failure->note : "";
        last = said;
    }
    return last;
}

static void trust(struct bytes certificate)
{
    const struct certificate *c;

    assert_true(tpm_certificates_decode(&arena, certificate, &c, NULL));
    endorsements_add_anchor(at_hand, c->spki_digest, false);
}

/* The digests are of the very keys, and the built-in issuers are under the built-in roots: here are the certificates. */
static void test_built_in_authorities(void **state)
{
    static const char *const files[TPM_AUTHORITIES] = {
        [TPM_MICROSOFT_TPM_ROOT_2014] = "Microsoft-Microsoft_TPM_Root_Certificate_Authority_2014.der",
        [TPM_AZURE_VTPM_ROOT_2023] = "Azure_Virtual_TPM_Root_Certificate_Authority_2023.der",
        [TPM_MICROSOFT_DEVICES_ROOT_2021] = "microsoft-rsa-devices-root-2021.der",
        [TPM_AMEROOT] = "ameroot.der",
        [TPM_GLOBAL_VTPM_CA_01] = "aicert-azure-intermediate.der",
        [TPM_GLOBAL_VTPM_CA_03] = "Global_Virtual_TPM_CA_-_03.der",
        [TPM_AZURE_CLOUD_VTPM_CA_2025] = "../azure-tdx-1780922561/ak-chain-2.der",
        [TPM_AZURE_CLOUD_VTPM_CA_24] = "../azure-tdx-1780922561/ak-chain-1.der",
    };

    (void)state;
    for (size_t i = 0; i < TPM_AUTHORITIES; i++) {
        uint8_t digest[SHA256_SIZE];

        sha256(public_key_spki(&arena, &tpm_authorities[i].key), digest);
        assert_memory_equal(digest, tpm_authorities[i].spki_digest, SHA256_SIZE);
    }
    NEED_SHARED("certificates of TPM authorities");
    for (size_t i = 0; i < TPM_AUTHORITIES; i++) {
        const struct certificate *c, *b = &tpm_authorities[i];

        assert_true(certificate_decode(
            &arena, read_shared(&arena, arena_printf(&arena, "evidence/tpm/roots/%s", files[i])), &c, NULL));
        assert_bytes_equal(c->subject, b->subject);
        assert_bytes_equal(c->issuer, b->issuer);
        assert_bytes_equal(c->serial, b->serial);
        assert_bytes_equal(c->subject_cn, b->subject_cn);
        assert_bytes_equal(c->subject_key_id, b->subject_key_id);
        assert_memory_equal(c->spki_digest, b->spki_digest, SHA256_SIZE);
        assert_true(c->not_before == b->not_before && c->not_after == b->not_after);
        assert_true(c->path_length == b->path_length && c->key_usage == b->key_usage && c->is_ca);
        const struct certificate *issuer =
            &tpm_authorities[i < TPM_ROOTS                     ? i
                             : i == TPM_AZURE_CLOUD_VTPM_CA_24 ? TPM_AZURE_CLOUD_VTPM_CA_2025
                                                               : TPM_AZURE_VTPM_ROOT_2023];
        assert_bytes_equal(issuer->subject, c->issuer);
        assert_true(certificate_signed_by(c, &issuer->key));
    }
}

#define WEBAUTHN(name) FILES("tpm/webauthn-" name "/x5c-0.der", "tpm/webauthn-" name "/x5c-1.der")

static void test_chains_of_windows(void **state)
{
    struct aik aik;

    (void)state;
    NEED_SHARED("AIK certificates of Windows");
    assert_string_equal(verdict(WEBAUTHN("surface_pro_4"), "2022-01-01T00:00:00Z", &aik), "accepted");
    struct tpm_device device = tpm_device_read(aik.leaf);
    assert_bytes_are(device.manufacturer, "id:494E5443");
    assert_bytes_are(device.model, "ICL");
    assert_bytes_are(device.version, "id:00020000");
    assert_string_equal(verdict(WEBAUTHN("lenovo_carbon_x1"), "2022-01-01T00:00:00Z", &aik), "accepted");
    assert_bytes_are(tpm_device_read(aik.leaf).model, "ST33HTPHAHC0");
    assert_string_equal(verdict(WEBAUTHN("verify_tpm_with_ecc_public_area_type"), NOW, &aik), "accepted");
    assert_bytes_are(tpm_device_read(aik.leaf).manufacturer, "id:4E544300");
    /* Leaf and authority ended: that of the authority is the reason. */
    assert_string_equal(verdict(WEBAUTHN("surface_pro_4"), NOW, NULL), "aik.validity");
    assert_non_null(
        strstr(note, "the authority WUS-INTC-KEYID-E7083F22152A7492EC59B0C4243437648B15DBB7 ended at 2025-05-22"));
    assert_string_equal(verdict(WEBAUTHN("lenovo_carbon_x1"), "2019-05-01T00:00:00Z", NULL), "aik.validity");
    assert_non_null(strstr(note, "the certificate is valid from 2020-03-31"));
    /* The authority, which is not public, must come along. */
    assert_string_equal(verdict(FILES("tpm/webauthn-surface_pro_4/x5c-0.der"), NOW, NULL), "aik.chain");
    assert_non_null(strstr(note, "WUS-INTC-KEYID-E7083F22152A7492EC59B0C4243437648B15DBB7"));
    azure_alone = true; /* a PC is none of Azure's machines, whoever certified its key */
    assert_string_equal(verdict(WEBAUTHN("surface_pro_4"), "2022-01-01T00:00:00Z", NULL), "aik.chain");
    azure_alone = false;
    /* An authority's certificate is no attestation key's. */
    assert_string_equal(verdict(FILES("tpm/webauthn-surface_pro_4/x5c-1.der"), "2022-01-01T00:00:00Z", NULL),
                        "aik.role");
}

static void test_chains_of_azure(void **state)
{
    struct aik aik;

    (void)state;
    NEED_SHARED("AIK certificates of Azure");
    struct bytes leaf = FILES("tpm/azure-tdx-1780922561/ak-chain-0.der"),
                 with_issuer =
                     FILES("tpm/azure-tdx-1780922561/ak-chain-0.der", "tpm/azure-tdx-1780922561/ak-chain-1.der"),
                 whole = FILES("tpm/azure-tdx-1780922561/ak-chain-0.der", "tpm/azure-tdx-1780922561/ak-chain-2.der",
                               "tpm/azure-tdx-1780922561/ak-chain-1.der",
                               "tpm/roots/Azure_Virtual_TPM_Root_Certificate_Authority_2023.der");

    assert_string_equal(verdict(with_issuer, NOW, NULL), "accepted");
    assert_string_equal(verdict(whole, NOW, NULL), "accepted");
    assert_string_equal(verdict(leaf, NOW, NULL), "accepted");
    assert_string_equal(verdict(with_issuer, "2027-06-08T00:00:00Z", NULL), "aik.validity");
    assert_string_equal(verdict(FILES("tpm/azure-trustedlaunch-ca2a/akcert_0x01C101D0.der"), NOW, &aik), "accepted");
    assert_bytes_are(aik.leaf->subject_cn, "f859864a6a31.TrustedVM.Azure.windows.net");
    azure_alone = true;
    assert_string_equal(verdict(FILES("tpm/azure-trustedlaunch-ca2a/akcert_0x01C101D0.der"), NOW, &aik), "accepted");
    azure_alone = false;
    /* As it lies in the NV index: zeros behind. */
    struct bytes padded = FILES("azure-vtpm/ak-certs/snp-cleanroom-encryption.aikcert-nv.bin");
    assert_int_equal(padded.n, 4096);
    assert_string_equal(verdict(padded, NOW, NULL), "accepted");
    uint8_t *changed = memcpy(arena_alloc(&arena, padded.n), padded.p, padded.n);
    changed[padded.n - 1] = 1;
    assert_string_equal(verdict(bytes_make(changed, padded.n), NOW, NULL), "aik.shape");
    changed[padded.n - 1] = 0;
    changed[600] ^= 1; /* in the signed part */
    assert_string_not_equal(verdict(bytes_make(changed, padded.n), NOW, NULL), "accepted");
    /* What is at hand is found too. */
    endorsements_free(at_hand);
    at_hand = endorsements_new(SET_MEMORY);
    add_shared(&arena, at_hand, "tpm/webauthn-verify_tpm_with_ecc_public_area_type/x5c-1.der");
    assert_string_equal(verdict(FILES("tpm/webauthn-verify_tpm_with_ecc_public_area_type/x5c-0.der"), NOW, NULL),
                        "accepted");
    assert_string_equal(verdict(FILES("azure-vtpm/ak-certs/tdx-flashbots-b.akcert.der"), NOW, NULL), "accepted");
}

/* The authority that Azure's leaves of 2023-2025 stand under: it ended. A leaf of it is not in the corpus, but one above it is
 * told to be; the message is what is looked at. */
static void test_an_authority_that_ended(void **state)
{
    struct tpm_chain chain = {.anchored = true, .signatures_ok = true};
    struct certificate leaf = {.not_before = 0, .not_after = INT64_MAX};

    (void)state;
    leaf.next = &tpm_authorities[TPM_GLOBAL_VTPM_CA_01];
    chain.leaf = &leaf;
    chain.top = leaf.next;
    const char *why = tpm_chain_fault(&arena, NULL, at_hand, &chain, NULL, time_of(bytes_text(NOW)), TPM_VALIDITY);
    assert_non_null(strstr(why, "the authority Global Virtual TPM CA - 01 ended at 2025-11-03"));
    assert_null(
        tpm_chain_fault(&arena, NULL, at_hand, &chain, NULL, time_of(BYTES_LIT("2025-01-01T00:00:00Z")), TPM_VALIDITY));
}

/* Issuers that are not public: the operator names the key. */
static void test_leaf_as_anchor(void **state)
{
    struct exam x;
    struct aik aik;

    (void)state;
    NEED_SHARED("AIK certificates of guests");
    struct bytes linux_aik = FILES("azure-vtpm/guest-requests/linux.aikcert.der"),
                 windows = FILES("azure-vtpm/guest-requests/windows.aikcert.der"),
                 google = FILES("tpm/gce-certs/pca_tpm_rsa_sign_cert.der"),
                 encrypts = FILES("tpm/gce-certs/pca_tpm_rsa_enc_cert.der"),
                 google_ecc = FILES("tpm/gce-certs/pca_tpm_ecc_sign_cert.der"),
                 encrypts_ecc = FILES("tpm/gce-certs/pca_tpm_ecc_enc_cert.der");

    trust(linux_aik);
    trust(google);
    trust(encrypts);
    trust(google_ecc);
    trust(encrypts_ecc);
    assert_string_equal(verdict(linux_aik, "2021-05-01T00:00:00Z", &aik), "accepted");
    assert_false(aik.development);
    assert_string_equal(verdict(linux_aik, NOW, NULL), "aik.validity");
    assert_string_equal(verdict(windows, "2023-06-01T00:00:00Z", NULL), "aik.chain");
    assert_non_null(strstr(note, "AME Infra CA 06"));
    assert_string_equal(verdict(google, NOW, NULL), "accepted");
    assert_string_equal(verdict(encrypts, NOW, NULL), "aik.role");
    assert_string_equal(verdict(google_ecc, NOW, NULL), "accepted");
    assert_string_equal(verdict(encrypts_ecc, NOW, NULL), "aik.role");
    /* The key alone, too. */
    x = exam(NOW);
    assert_true(aik_decode(&x, BYTES_NONE, &aik));
    struct public_key key = load_key(&arena, linux_aik);
    aik.key = &key;
    assert_true(aik_verify(&x, &aik, true, NULL) && aik.valid);
    x = exam(NOW);
    assert_true(aik_decode(&x, BYTES_NONE, &aik));
    struct public_key other = load_key(&arena, windows);
    aik.key = &other;
    assert_false(aik_verify(&x, &aik, true, NULL));
}

/* A key that the operator denies is refused, whoever vouches for it, and also where nobody need. */
static void test_denied_keys(void **state)
{
    struct reference_values values = reference_builtin;
    const struct certificate *c;
    struct aik aik;

    (void)state;
    NEED_SHARED("AIK certificates of Azure");
    struct bytes leaf = FILES("tpm/azure-trustedlaunch-ca2a/akcert_0x01C101D0.der"),
                 other = FILES("tpm/azure-tdx-1780922561/ak-chain-0.der");
    assert_true(tpm_certificates_decode(&arena, leaf, &c, NULL));
    assert_true(reference_add(&arena, &values, REFERENCE_DENIED_AIKS, arena_copy(&arena, BYTES_OF(c->spki_digest))));
    settings.reference = &values;
    assert_string_equal(verdict(leaf, NOW, NULL), "aik.not_denied");
    assert_string_equal(verdict(other, NOW, NULL), "accepted");
    struct exam x = exam(NOW);
    assert_true(aik_decode(&x, BYTES_NONE, &aik));
    aik.key = &c->key;
    assert_false(aik_verify(&x, &aik, false, "no certificate is asked for"));
    assert_string_equal(check_table[trace_failure(x.trace)->id].id, "aik.not_denied");
}

/* Not required: what would have been refused is told, and nothing fails. */
static void test_not_required(void **state)
{
    struct aik aik;
    enum check_id missing;

    (void)state;
    NEED_SHARED("AIK certificates of guests");
    struct exam x = exam(NOW);
    assert_true(aik_decode(&x, FILES("azure-vtpm/guest-requests/linux.aikcert.der"), &aik));
    assert_true(aik_verify(&x, &aik, false, "require_valid_aik_cert = false"));
    assert_false(aik.valid);
    assert_non_null(strstr(aik.why, "AME Infra CA 02"));
    assert_true(trace_complete(x.trace, (const enum check_id[]){AIK_CHECKS, CHECK_END}, &missing));
}

static void endorsement_key(const char *folder)
{
    struct ek ek;
    struct fault fault = {0};
    struct bytes root = FILES(arena_printf(&arena, "tpm/%s/ek-root.pem", folder)),
                 leaf = FILES(arena_printf(&arena, "tpm/%s/ekcert.der", folder));
    const struct certificate *c;
    size_t count;

    add_shared(&arena, at_hand, arena_printf(&arena, "tpm/%s/ek-issuer.pem", folder));
    add_shared(&arena, at_hand, arena_printf(&arena, "tpm/%s/ek-root.pem", folder));
    assert_true(certificates_decode(&arena, root, &c, &count, NULL));
    assert_false(ek_verify(&arena, NULL, at_hand, leaf, time_of(bytes_text(NOW)), &ek, &fault));
    endorsements_add_anchor(at_hand, c->spki_digest, true);
    endorsements_seal(at_hand);
    fault = (struct fault){0};
    if (!ek_verify(&arena, NULL, at_hand, leaf, time_of(bytes_text(NOW)), &ek, &fault))
        fail_msg("%s", fault.text);
    assert_true(ek.development);
    assert_bytes_are(ek.device.model, "swtpm");
    assert_bytes_are(ek.device.manufacturer, "id:00001014");
    /* It is no attestation key's. */
    assert_string_equal(verdict(leaf, NOW, NULL), "aik.role");
}

static void test_endorsement_keys(void **state)
{
    (void)state;
    NEED_SHARED("certificates of endorsement keys");
    endorsement_key("swtpm-linux-ludmilla");
}

static void test_another_endorsement_key(void **state)
{
    (void)state;
    NEED_SHARED("certificates of endorsement keys");
    endorsement_key("swtpm-windows-locality3");
}

/* Every authority of the folder of roots is pinned, for one kind of key or the other, or built in. */
static void test_roots_of_the_corpus(void **state)
{
    struct bytes text, column[COLUMNS_MAX];
    size_t count, seen = 0;

    (void)state;
    NEED_SHARED("roots of endorsement keys");
    text = read_shared(&arena, "evidence/MANIFEST-tpm.tsv");
    while (tsv_line(&text, column, &count)) {
        const struct certificate *c;
        struct fault fault = {0};
        bool known = false;

        if (!bytes_begin(column[0], "tpm/roots/"))
            continue;
        if (!certificate_decode(
                &arena,
                read_shared(&arena, arena_printf(&arena, "evidence/%.*s", (int)column[0].n, (const char *)column[0].p)),
                &c, &fault))
            fail_msg("%.*s: %s", (int)column[0].n, (const char *)column[0].p, fault.text);
        for (size_t i = 0; i < TPM_AUTHORITIES; i++)
            known |= memcmp(tpm_authorities[i].spki_digest, c->spki_digest, SHA256_SIZE) == 0;
        assert_true(known || anchors_have(&ek_roots, c->spki_digest));
        seen++;
    }
    assert_true(seen > 25);
    print_message("# %zu authorities known by key\n", seen);
}

/* Every bit of a real certificate: none is accepted but in what nothing signs. */
static void test_bit_flips(void **state)
{
    size_t flipped = 0;

    (void)state;
    NEED_SHARED("AIK certificates of Azure");
    struct bytes leaf = FILES("tpm/azure-trustedlaunch-ca2a/akcert_0x01C101D0.der");
    uint8_t *p = memcpy(arena_alloc(&arena, leaf.n), leaf.p, leaf.n);

    endorsements_seal(at_hand);
    for (size_t bit = 0; bit < 8 * leaf.n; bit++) {
        struct arena own;
        struct exam x = exam(NOW);
        struct aik aik;

        arena_init(&own, TEST_MEMORY);
        x.arena = &own;
        x.trace = trace_new(&own);
        x.cache = NULL;
        p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(aik_decode(&x, bytes_make(p, leaf.n), &aik) && aik_verify(&x, &aik, true, NULL));
        p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        arena_free(&own);
        flipped++;
    }
    for (size_t n = 1; n < leaf.n; n++)
        assert_string_equal(verdict(bytes_first(leaf, n), NOW, NULL), "aik.shape");
    print_message("# %zu bits of an AIK certificate changed, none accepted\n", flipped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_built_in_authorities),
        TEST(test_chains_of_windows),
        TEST(test_chains_of_azure),
        TEST(test_an_authority_that_ended),
        TEST(test_leaf_as_anchor),
        TEST(test_denied_keys),
        TEST(test_not_required),
        TEST(test_endorsement_keys),
        TEST(test_another_endorsement_key),
        TEST(test_roots_of_the_corpus),
        TEST(test_bit_flips),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
