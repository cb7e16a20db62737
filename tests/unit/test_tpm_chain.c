/* Paths of certificates made for the purpose: what a leaf must be for, and which words of an authority count. */
#include "arena_test.h"

#include "endorsement/store.h"
#include "endorsement/tpm/tpm.h"
#include "simulate/authority.h"

enum { MEMORY = 64 * 1024 * 1024 };
enum { DAY = 86400, NOW = 1767225600, ROOT = 0, MIDDLE, LEAF, FORGER, KEYS };

#define AZURE     "01d451636602.ConfidentialVM.Azure.windows.net"
#define AIK       "2.23.133.8.3"
#define DOCUMENTS "1.3.6.1.4.1.311.10.3.12"
#define ANY       "2.5.29.37.0"

static EVP_PKEY *keys[KEYS];
static struct settings settings;
static struct endorsements *at_hand;
static const char *note;

static int open_all(void **state)
{
    set_up(state);
    settings = SETTINGS_DEFAULT;
    for (unsigned i = 0; i < KEYS; i++)
        keys[i] = key_derive(KEY_P256, BYTES_LIT("paths of certificates"), i);
    at_hand = endorsements_new(MEMORY);
    return 0;
}

static int close_all(void **state)
{
    for (unsigned i = 0; i < KEYS; i++)
        EVP_PKEY_free(keys[i]);
    endorsements_free(at_hand);
    return tear_down(state);
}

static struct authority_certificate template(const char *subject, int key, const char *issuer, int issuer_key)
{
    return (struct authority_certificate){.subject = subject,
                                          .issuer = issuer,
                                          .key = keys[key],
                                          .issuer_key = keys[issuer_key],
                                          .serial = (uint64_t)key + 1,
                                          .not_before = NOW - DAY,
                                          .not_after = NOW + DAY,
                                          .ca = key != LEAF,
                                          .path_length = -1};
}

static struct bytes leaf(const char *name, const char *usage)
{
    struct authority_certificate c = template(name, LEAF, "Middle", MIDDLE);

    c.extended_usage = usage;
    return authority_issue(&arena, &c);
}

static struct bytes authority(const char *subject, int key, const char *issuer, int issuer_key, const char *usage)
{
    struct authority_certificate c = template(subject, key, issuer, issuer_key);

    c.extended_usage = usage;
    return authority_issue(&arena, &c);
}

static struct bytes joined(struct bytes a, struct bytes b)
{
    struct writer w = wr_open(&arena);

    wr_put(&w, a);
    wr_put(&w, b);
    return wr_done(&w);
}

static void trust(struct bytes der)
{
    const struct certificate *c;

    assert_true(certificate_decode(&arena, der, &c, NULL));
    endorsements_add_anchor(at_hand, c->spki_digest, false);
}

static void give(struct bytes der)
{
    struct fault fault = {0};

    if (!endorsements_add(at_hand, "given.der", der, &fault))
        fail_msg("%s", fault.text);
}

/* What is at hand was sealed by a verdict: another set. */
static void renew(void)
{
    endorsements_free(at_hand);
    at_hand = endorsements_new(MEMORY);
}

static const char *verdict(struct bytes sent)
{
    struct exam x = {
        .arena = &arena, .trace = trace_new(&arena), .settings = &settings, .endorsements = at_hand, .time = NOW};
    struct aik aik;

    endorsements_seal(at_hand);
    if (aik_decode(&x, sent, &aik))
        assert_true(aik_verify(&x, &aik, true, NULL) == !x.trace->failed);
    const struct trace_entry *failure = trace_failure(x.trace);
    note = failure && failure->note ? failure->note : "";
    return failure ? check_table[failure->id].id : "accepted";
}

static void what_leaves_are_for(void **state)
{
    static const struct {
        const char *name, *usage;
        bool ok;
    } rows[] = {
        {"anybody", AIK, true},
        {"anybody", DOCUMENTS "," AIK, true},
        {AZURE, DOCUMENTS "," AIK, true},
        {AZURE, DOCUMENTS, true},
        {"6c4700761bb6.TrustedVM.Azure.Microsoft", DOCUMENTS, true},
        {"6c4700761bb6.trustedvm.azure.MICROSOFT", DOCUMENTS, true},
        /* A certificate for signing documents, which an enterprise gives to keys in software. */
        {"Jane Doe", DOCUMENTS, false},
        {".Azure.windows.net", DOCUMENTS, false},
        {AZURE ".example", DOCUMENTS, false},
        {"01d451636602.ConfidentialVM.notAzure.windows.net", DOCUMENTS, false},
        {"01d451636602.ConfidentialVM.Azure.Microsoft.com", DOCUMENTS, false},
        {"anybody", ANY, false},
        {AZURE, ANY, false},
        {AZURE, "1.3.6.1.5.5.7.3.2", false},
        {AZURE, NULL, false},
    };

    (void)state;
    give(authority("Middle", MIDDLE, "Middle", MIDDLE, NULL));
    trust(authority("Middle", MIDDLE, "Middle", MIDDLE, NULL));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(verdict(leaf(rows[i].name, rows[i].usage)), rows[i].ok ? "accepted" : "aik.role") != 0)
            fail_msg("%s for %s: %s", rows[i].name, rows[i].usage, note);
}

static const char *under(const char *middle_usage, const char *name, const char *usage)
{
    return verdict(joined(leaf(name, usage), authority("Middle", MIDDLE, "Root", ROOT, middle_usage)));
}

static void what_issuers_are_for(void **state)
{
    (void)state;
    give(authority("Root", ROOT, "Root", ROOT, NULL));
    trust(authority("Root", ROOT, "Root", ROOT, NULL));
    assert_string_equal(under(ANY, "anybody", AIK), "accepted");
    assert_string_equal(under(AIK, "anybody", AIK), "accepted");
    assert_string_equal(under(DOCUMENTS, AZURE, DOCUMENTS), "accepted");
    assert_string_equal(under(DOCUMENTS, "anybody", AIK), "aik.role");
    assert_string_equal(under("1.3.6.1.5.5.7.3.2", AZURE, AIK), "aik.role");
}

/* The operator trusts the key of an authority that another signed. Anybody can write a certificate around a public key: what
 * stands in it counts only where the operator gave it. */
static void words_of_a_trusted_authority(void **state)
{
    struct bytes own = leaf("anybody", AIK), real = authority("Middle", MIDDLE, "Root", ROOT, NULL),
                 made_up = authority("Middle", MIDDLE, "Root", FORGER, NULL),
                 root = authority("Root", ROOT, "Root", ROOT, NULL);

    (void)state;
    trust(real);
    assert_string_equal(verdict(joined(own, made_up)), "aik.chain");
    assert_non_null(strstr(note, "the key of Middle is trusted"));
    /* Nor is it the forger's own root that makes it better. */
    assert_string_equal(verdict(joined(joined(own, made_up), authority("Root", FORGER, "Root", FORGER, NULL))),
                        "aik.chain");
    /* Self-issued, it would have to be self-signed. */
    assert_string_equal(verdict(joined(own, authority("Middle", MIDDLE, "Middle", FORGER, NULL))), "aik.signatures");
    /* The operator's. */
    renew();
    trust(real);
    give(real);
    assert_string_equal(verdict(own), "accepted");
    assert_string_equal(verdict(joined(own, real)), "accepted");
    assert_string_equal(verdict(joined(own, made_up)), "accepted"); /* by the one that was given */
    renew();
    struct authority_certificate expired = template("Middle", MIDDLE, "Root", ROOT);
    expired.not_after = NOW - 1;
    trust(real);
    give(authority_issue(&arena, &expired));
    assert_string_equal(verdict(joined(own, made_up)), "aik.validity");
    /* A root above it that is trusted too proves what was sent. */
    renew();
    trust(real);
    trust(root);
    assert_string_equal(verdict(joined(joined(own, real), root)), "accepted");
    assert_string_equal(verdict(joined(joined(own, made_up), root)), "aik.signatures");
}

/* Trust in the leaf itself is trust in its key. */
static void a_leaf_as_anchor(void **state)
{
    struct bytes own = leaf(AZURE, DOCUMENTS);

    (void)state;
    assert_string_equal(verdict(own), "aik.chain");
    renew();
    trust(own);
    assert_string_equal(verdict(own), "accepted");
    assert_string_equal(verdict(joined(own, authority("Middle", MIDDLE, "Root", FORGER, NULL))), "accepted");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)
        TEST(what_leaves_are_for),
        TEST(what_issuers_are_for),
        TEST(words_of_a_trusted_authority),
        TEST(a_leaf_as_anchor),
    };

    return cmocka_run_group_tests_name("tpm_chain", tests, NULL, NULL);
}
