/* Paths to pinned anchors: a good chain, and each thing that can be wrong with one, refused by the check whose matter it is. */
#include "issue.h"

#include "base/limits.h"

enum { FROM = 1600000000, TO = 1900000000, NOW = 1700000000, LONGEST = LIMIT_CHAIN + 2 };

static EVP_PKEY *keys[LONGEST];

/* Any rows will do. */
static const struct path_checks ids = {CHECK_INTEL_PCK_ANCHOR, CHECK_INTEL_PCK_SIGNATURES, CHECK_INTEL_PCK_NAMES,
                                       CHECK_INTEL_PCK_AUTHORITY, CHECK_INTEL_PCK_VALIDITY};

static int make_keys(void **state)
{
    (void)state;
    for (int i = 0; i < LONGEST; i++)
        if (!(keys[i] = EVP_EC_gen("P-256")))
            return -1;
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    for (int i = 0; i < LONGEST; i++)
        EVP_PKEY_free(keys[i]);
    return 0;
}

struct chain {
    size_t n;
    struct recipe certificates[LONGEST]; /* leaf first */
};

/* Leaf, authorities, root: "0" to "n - 1", each signed by the next, as it should be. */
static struct chain good_chain(size_t n)
{
    struct chain chain = {.n = n};

    for (size_t i = 0; i < n; i++) {
        size_t issuer = i + 1 < n ? i + 1 : i;

        chain.certificates[i] = (struct recipe){
            .subject = arena_printf(&arena, "%zu", i),
            .issuer = arena_printf(&arena, "%zu", issuer),
            .key = keys[i],
            .issuer_key = keys[issuer],
            .not_before = FROM,
            .not_after = TO,
            .serial = (int64_t)i + 1,
            .version = 2,
            .digest = EVP_sha256(),
            .extensions = {{"basicConstraints", "critical,CA:TRUE"}, {"keyUsage", "critical,keyCertSign,cRLSign"}}};
    }
    chain.certificates[0].extensions[0][1] = "critical,CA:FALSE";
    chain.certificates[0].extensions[1][1] = "critical,digitalSignature";
    return chain;
}

static const struct certificate *build(const struct chain *chain)
{
    struct certificate *first = NULL, **link = &first;

    for (size_t i = 0; i < chain->n; i++) {
        struct certificate *copy = ARENA_NEW(&arena, struct certificate);
        const struct certificate *c;

        assert_true(certificate_decode(&arena, issue(&chain->certificates[i]), &c, NULL));
        *copy = *c;
        *link = copy;
        link = (struct certificate **)(uintptr_t)&copy->next;
    }
    return first;
}

/* The entry of the check that refused, or NULL. */
static const struct trace_entry *judge(const struct certificate *leaf, EVP_PKEY *pinned, int64_t time)
{
    uint8_t pins[2][SHA256_SIZE] = {{0}};
    struct anchors anchors = {(const uint8_t(*)[SHA256_SIZE])pins, 2};
    struct trace *trace = trace_new(&arena);

    sha256(spki_of(pinned), pins[1]);
    bool ok = path_verify(trace, &ids, leaf, chain_signatures(leaf), &anchors, time);
    assert_true(ok == !trace_failure(trace));
    static const enum check_id all[] = {CHECK_INTEL_PCK_ANCHOR,    CHECK_INTEL_PCK_SIGNATURES, CHECK_INTEL_PCK_NAMES,
                                        CHECK_INTEL_PCK_AUTHORITY, CHECK_INTEL_PCK_VALIDITY,   CHECK_END};
    enum check_id missing;
    assert_true(ok == trace_complete(trace, all, &missing)); /* each was made */
    return trace_failure(trace);
}

static void refuses(const struct chain *chain, enum check_id id, const char *note)
{
    const struct trace_entry *e = judge(build(chain), keys[chain->n - 1], NOW);

    assert_non_null(e);
    assert_string_equal(check_table[e->id].id, check_table[id].id);
    if (note && (!e->note || !strstr(e->note, note)))
        fail_msg("'%s' instead of '%s'", e->note ? e->note : "", note);
}

static void accepts(const struct chain *chain)
{
    const struct trace_entry *e = judge(build(chain), keys[chain->n - 1], NOW);

    if (e)
        fail_msg("refused by %s: %s", check_table[e->id].id, e->note ? e->note : "");
}

static void good_chains(void **state)
{
    (void)state;
    for (size_t n = 1; n <= LIMIT_CHAIN; n++) {
        struct chain chain = good_chain(n);

        accepts(&chain);
    }
    struct chain one_too_many = good_chain(LIMIT_CHAIN + 1);
    refuses(&one_too_many, CHECK_INTEL_PCK_AUTHORITY, "one certificate too many");
}

static void anchor(void **state)
{
    struct chain chain = good_chain(3), cut = good_chain(3);
    const struct trace_entry *e = judge(build(&chain), keys[0], NOW);

    (void)state;
    assert_int_equal(e->id, CHECK_INTEL_PCK_ANCHOR);
    assert_bytes_equal(e->found.bytes, sha256_of(&arena, spki_of(keys[2]))); /* says which key it was */
    /* The anchor must be there and last: a pinned key in the middle does not end a chain. */
    assert_int_equal(judge(build(&chain), keys[1], NOW)->id, CHECK_INTEL_PCK_ANCHOR);
    cut.n = 2;
    assert_int_equal(judge(build(&cut), keys[2], NOW)->id, CHECK_INTEL_PCK_ANCHOR);
    assert_int_equal(judge(build(&cut), keys[1], NOW)->id, CHECK_INTEL_PCK_SIGNATURES); /* not self-signed */
    struct anchors none = {NULL, 0};
    assert_false(anchors_have(&none, build(&chain)->spki_digest));
}

static void signatures(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct chain chain = good_chain(3);

        chain.certificates[i].issuer_key = keys[4]; /* a stranger's */
        assert_false(chain_signatures(build(&chain)));
        refuses(&chain, CHECK_INTEL_PCK_SIGNATURES, NULL);
    }
    struct chain chain = good_chain(3);
    struct recipe swap = chain.certificates[0];
    chain.certificates[0] = chain.certificates[1];
    chain.certificates[1] = swap;
    refuses(&chain, CHECK_INTEL_PCK_SIGNATURES, NULL);
    assert_false(chain_signatures(NULL));
    /* The verdict that the caller cached is a check of its own. */
    struct trace *trace = trace_new(&arena);
    struct chain good = good_chain(2);
    const struct certificate *leaf = build(&good);
    struct anchors anchors = {&leaf->next->spki_digest, 1};
    assert_false(path_verify(trace, &ids, leaf, false, &anchors, NOW));
    assert_int_equal(trace_failure(trace)->id, CHECK_INTEL_PCK_SIGNATURES);
}

static void names(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct chain chain = good_chain(3);

        chain.certificates[i].issuer = "somebody";
        refuses(&chain, CHECK_INTEL_PCK_NAMES,
                arena_printf(&arena, "the issuer of %zu is not %zu", i, i < 2 ? i + 1 : i));
        chain = good_chain(3);
        chain.certificates[i].subject = NULL;
        if (i)
            refuses(&chain, CHECK_INTEL_PCK_NAMES, "(no common name)");
        else
            accepts(&chain); /* whom the leaf names is its reader's matter */
    }
}

static void authority(void **state)
{
    static const struct {
        size_t place;
        const char *constraints, *usage;
        const char *note; /* NULL: accepted */
    } rows[] = {
        {1, "critical,CA:FALSE", "critical,keyCertSign", "1 is no CA"},
        {2, "critical,CA:FALSE", "critical,keyCertSign", "2 is no CA"},
        {1, NULL, "critical,keyCertSign", "1 is no CA"},
        {1, "critical,CA:TRUE", "critical,cRLSign", "1 may not sign certificates"},
        {2, "critical,CA:TRUE", "digitalSignature", "2 may not sign certificates"},
        {1, "critical,CA:TRUE", NULL, NULL}, /* without keyUsage a CA may do all */
        {1, "CA:TRUE", "keyCertSign", NULL},
        {1, "critical,CA:TRUE,pathlen:0", "critical,keyCertSign", NULL},
        {2, "critical,CA:TRUE,pathlen:0", "critical,keyCertSign", "2 allows fewer intermediates"},
        {2, "critical,CA:TRUE,pathlen:1", "critical,keyCertSign", NULL},
        {3, "critical,CA:TRUE,pathlen:1", "critical,keyCertSign", "3 allows fewer intermediates"},
        {3, "critical,CA:TRUE,pathlen:2", "critical,keyCertSign", NULL},
        {0, "critical,CA:TRUE", "critical,keyCertSign", NULL}, /* what the leaf is for is its reader's matter */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct chain chain = good_chain(4);
        struct recipe *r = &chain.certificates[rows[i].place];
        size_t n = 0;

        memset(r->extensions, 0, sizeof r->extensions);
        if (rows[i].constraints) {
            r->extensions[n][0] = "basicConstraints";
            r->extensions[n++][1] = rows[i].constraints;
        }
        if (rows[i].usage) {
            r->extensions[n][0] = "keyUsage";
            r->extensions[n][1] = rows[i].usage;
        }
        if (rows[i].note)
            refuses(&chain, CHECK_INTEL_PCK_AUTHORITY, rows[i].note);
        else
            accepts(&chain);
    }
}

static void critical_extensions(void **state)
{
    static const char *const rows[][2] = {{"1.2.3.4", "critical,ASN1:NULL"},
                                          {"nameConstraints", "permitted;DNS:example.org"},
                                          {"nameConstraints", "critical,excluded;DNS:example.org"},
                                          {"policyConstraints", "requireExplicitPolicy:0"}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t place = 0; place < 3; place++) {
            struct chain chain = good_chain(3);

            chain.certificates[place].extensions[2][0] = rows[i][0];
            chain.certificates[place].extensions[2][1] = rows[i][1];
            refuses(&chain, CHECK_INTEL_PCK_AUTHORITY, arena_printf(&arena, "%zu has a critical extension", place));
        }
    struct chain chain = good_chain(3);
    chain.certificates[1].extensions[2][0] = "1.2.3.4";
    chain.certificates[1].extensions[2][1] = "ASN1:NULL"; /* unknown, but not critical */
    accepts(&chain);
}

static void validity(void **state)
{
    (void)state;
    for (size_t place = 0; place < 3; place++) {
        struct chain chain = good_chain(3);
        struct recipe *r = &chain.certificates[place];
        const char *note =
            arena_printf(&arena, "%zu is valid from 2023-11-14T22:13:20Z to 2023-11-14T22:13:30Z", place);

        r->not_before = NOW;
        r->not_after = NOW + 10;
        const struct certificate *leaf = build(&chain);
        EVP_PKEY *root = keys[2];
        assert_null(judge(leaf, root, NOW)); /* both ends count */
        assert_null(judge(leaf, root, NOW + 10));
        const struct trace_entry *early = judge(leaf, root, NOW - 1), *late = judge(leaf, root, NOW + 11);
        assert_int_equal(early->id, CHECK_INTEL_PCK_VALIDITY);
        assert_int_equal(late->id, CHECK_INTEL_PCK_VALIDITY);
        assert_string_equal(early->note, note);
        assert_string_equal(late->note, note);
        assert_int_equal(early->found.number, NOW - 1);
        assert_int_equal(early->expected.number, NOW);
        assert_int_equal(late->expected.number, NOW + 10);
    }
    /* A period that ends before it begins holds no time. */
    struct chain chain = good_chain(2);
    chain.certificates[0].not_before = NOW + 10;
    chain.certificates[0].not_after = NOW - 10;
    refuses(&chain, CHECK_INTEL_PCK_VALIDITY, "0 is valid from");
}

/* Keys of two kinds and algorithms of all: what signs a certificate is its issuer's key, whatever its own. */
static void mixed_keys(void **state)
{
    struct chain chain = good_chain(3);

    (void)state;
    EVP_PKEY *rsa = EVP_RSA_gen(3072), *p384 = EVP_EC_gen("P-384"), *weak = EVP_RSA_gen(1024);
    chain.certificates[1].key = chain.certificates[0].issuer_key = rsa;
    chain.certificates[0].digest = EVP_sha384();
    chain.certificates[2].key = chain.certificates[2].issuer_key = chain.certificates[1].issuer_key = p384;
    chain.certificates[2].digest = chain.certificates[1].digest = EVP_sha512();
    assert_null(judge(build(&chain), p384, NOW));
    chain.certificates[1].key = chain.certificates[0].issuer_key = weak; /* a key that is not accepted signs nothing */
    assert_int_equal(judge(build(&chain), p384, NOW)->id, CHECK_INTEL_PCK_SIGNATURES);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(p384);
    EVP_PKEY_free(weak);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(good_chains, set_up, tear_down),
        cmocka_unit_test_setup_teardown(anchor, set_up, tear_down),
        cmocka_unit_test_setup_teardown(signatures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(authority, set_up, tear_down),
        cmocka_unit_test_setup_teardown(critical_extensions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(validity, set_up, tear_down),
        cmocka_unit_test_setup_teardown(mixed_keys, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("path", tests, make_keys, free_keys);
}
