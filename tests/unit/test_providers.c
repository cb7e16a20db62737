/* Keys under their seal, and providers as a verifier and as the host keep them. */
#include "test.h"

#include "arm/resource.h"
#include "core/providers.h"
#include "crypto/pem.h"
#include "record_case.h"
#include "service/registry.h"

#define ISSUER "https://one.wus.example"
#define ON_443 "https://one.wus.example:443"

static struct arena arena;
static uint8_t sealing[AEAD_KEY_SIZE] = {1, 2, 3};
static struct provider_key made;

static int make_key(void **state)
{
    static struct arena lasting;
    struct fault fault = {0};

    (void)state;
    arena_init(&lasting, TEST_MEMORY);
    return sealed_key_make(sealing, BYTES_LIT(ISSUER), &lasting, &made, &fault) ? 0 : -1;
}

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, TEST_MEMORY);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static bool opens(const uint8_t key[AEAD_KEY_SIZE], const char *issuer, struct bytes sealed)
{
    struct fault fault = {0};
    struct signing_key *k = sealed_key_open(key, bytes_text(issuer), sealed, &arena, &fault);

    assert_true(k || fault.text[0]);
    signing_key_free(k);
    return k != NULL;
}

static void a_key_opens_for_its_provider_alone(void **state)
{
    uint8_t other[AEAD_KEY_SIZE] = {1, 2, 4};

    (void)state;
    assert_true(opens(sealing, ISSUER, made.sealed));
    assert_false(opens(other, ISSUER, made.sealed));
    assert_false(opens(sealing, "https://two.example", made.sealed));
    assert_false(opens(sealing, "", made.sealed));
}

/* A region's key is for all of it, and for nobody else; a provider's is not the region's. */
static void a_key_of_a_region_opens_for_its_providers_alone(void **state)
{
    struct provider_key key;
    struct fault fault = {0};
    struct bytes region = key_region(&arena, BYTES_LIT(ISSUER));

    (void)state;
    assert_true(bytes_is(region, "https://*.wus.example"));
    assert_true(key_is_region(region) && !key_is_region(BYTES_LIT(ISSUER)));
    assert_bytes_equal(key_region(&arena, region), region);
    assert_true(sealed_key_make(sealing, region, &arena, &key, &fault));
    assert_true(sealed_key_is_regional(key.sealed) && !sealed_key_is_regional(made.sealed));
    assert_true(opens(sealing, ISSUER, key.sealed));
    assert_true(opens(sealing, "https://two.wus.example", key.sealed));
    assert_true(opens(sealing, "https://*.wus.example", key.sealed));
    assert_false(opens(sealing, "https://two.eus.example", key.sealed));
    assert_false(opens(sealing, "https://two.wus.example:8443", key.sealed));
    assert_false(opens(sealing, "https://a.two.wus.example", key.sealed));
    assert_false(opens(sealing, "https://wus.example", key.sealed));
    assert_false(opens(sealing, "https://localhost", key.sealed));
    assert_false(opens(sealing, "https://*.wus.example", made.sealed));
    /* Neither is taken for the other by its first byte. */
    uint8_t *other = arena_alloc(&arena, key.sealed.n);
    memcpy(other, key.sealed.p, key.sealed.n);
    other[0]--;
    assert_false(opens(sealing, "https://*.wus.example", bytes_make(other, key.sealed.n)));
    assert_false(opens(sealing, ISSUER, bytes_make(other, key.sealed.n)));
    assert_int_equal(key_region(&arena, BYTES_LIT("https://localhost:8443")).n, 0);
    assert_int_equal(key_region(&arena, BYTES_LIT("https://127.0.0.1:8443")).n, 0);
    assert_int_equal(key_region(&arena, BYTES_LIT("https://[::1]:8443")).n, 0);
}

static void no_bit_of_a_sealed_key_can_change(void **state)
{
    uint8_t *copy = arena_alloc(&arena, made.sealed.n + 1);

    (void)state;
    memcpy(copy, made.sealed.p, made.sealed.n);
    for (size_t i = 0; i < made.sealed.n; i++) {
        copy[i] ^= (uint8_t)(1 << i % 8);
        assert_false(opens(sealing, ISSUER, bytes_make(copy, made.sealed.n)));
        copy[i] ^= (uint8_t)(1 << i % 8);
    }
    for (size_t n = 0; n < made.sealed.n; n += 7)
        assert_false(opens(sealing, ISSUER, bytes_make(copy, n)));
    copy[made.sealed.n] = 0;
    assert_false(opens(sealing, ISSUER, bytes_make(copy, made.sealed.n + 1)));
}

/* One key before and after: its public half and its PKCS#1 signature, which is the same each time. */
static void assert_same_key(const struct signing_key *one, const struct signing_key *other)
{
    struct bytes first, second;

    assert_non_null(other);
    assert_bytes_equal(signing_key_spki(one, &arena), signing_key_spki(other, &arena));
    assert_true(sign_message(one, SIGNATURE_RS256, BYTES_LIT("text"), &arena, &first));
    assert_true(sign_message(other, SIGNATURE_RS256, BYTES_LIT("text"), &arena, &second));
    assert_bytes_equal(first, second);
}

static void a_key_is_made_again_from_its_primes(void **state)
{
    struct signing_key *key = signing_key_generate(KEY_RSA, NULL), *again;
    struct bytes form;

    (void)state;
    assert_true(signing_key_write_short(key, &arena, &form, NULL));
    assert_int_equal(form.n, 257);
    again = signing_key_read_short(form, NULL);
    assert_same_key(key, again);
    signing_key_free(again);
    for (size_t n = 0; n < 257; n++)
        assert_null(signing_key_read_short(bytes_first(form, n), &(struct fault){0}));
    signing_key_free(key);
}

/* What a store of the first release holds. */
static void a_key_sealed_as_pkcs8_still_opens(void **state)
{
    static const uint8_t iv[AEAD_IV_SIZE] = {9};
    struct signing_key *key = signing_key_generate(KEY_RSA, NULL), *again;
    struct writer bound = wr_open(&arena), sealed = wr_open(&arena);
    struct pem_block block;
    struct bytes pem, body;
    bool found;

    (void)state;
    assert_true(signing_key_write_pem(key, &arena, &pem, NULL));
    assert_true(pem_next(&arena, &pem, &block, &found) && found);
    wr_text(&bound, "assay signing key ");
    wr_u8(&bound, 1);
    wr_field(&bound, BYTES_LIT(ISSUER));
    assert_true(aead_seal(sealing, iv, wr_done(&bound), block.der, &arena, &body));
    wr_u8(&sealed, 1);
    wr_put(&sealed, BYTES_OF(iv));
    wr_put(&sealed, body);
    again = sealed_key_open(sealing, BYTES_LIT(ISSUER), wr_done(&sealed), &arena, NULL);
    assert_same_key(key, again);
    signing_key_free(again);
    signing_key_free(key);
    ((uint8_t *)(uintptr_t)wr_done(&sealed).p)[0] = 2; /* the form that it is not */
    assert_false(opens(sealing, ISSUER, wr_done(&sealed)));
}

static void the_same_key_is_never_sealed_alike(void **state)
{
    struct signing_key *k = sealed_key_open(sealing, BYTES_LIT(ISSUER), made.sealed, &arena, NULL);
    struct bytes again;

    (void)state;
    assert_non_null(k);
    assert_true(sealed_key_write(sealing, BYTES_LIT(ISSUER), k, &arena, &again, NULL));
    assert_int_equal(again.n, made.sealed.n);
    assert_false(bytes_equal(again, made.sealed));
    /* Its public half is the one of kid and certificate. */
    assert_bytes_equal(key_id(&arena, signing_key_spki(k, &arena)), made.kid);
    signing_key_free(k);
}

static void aead_refuses_other_data(void **state)
{
    const uint8_t iv[AEAD_IV_SIZE] = {9};
    struct bytes sealed, plain;

    (void)state;
    assert_true(aead_seal(sealing, iv, BYTES_LIT("a"), BYTES_LIT("plain"), &arena, &sealed));
    assert_int_equal(sealed.n, 5 + AEAD_TAG_SIZE);
    assert_true(aead_open(sealing, iv, BYTES_LIT("a"), sealed, &arena, &plain));
    assert_bytes_are(plain, "plain");
    assert_false(aead_open(sealing, iv, BYTES_LIT("b"), sealed, &arena, &plain));
    assert_int_equal(plain.n, 0);
    assert_false(aead_open(sealing, iv, BYTES_NONE, sealed, &arena, &plain));
    assert_true(aead_seal(sealing, iv, BYTES_NONE, BYTES_NONE, &arena, &sealed));
    assert_true(aead_open(sealing, iv, BYTES_NONE, sealed, &arena, &plain));
}

static void take(struct providers *p, const char *issuer, struct bytes policy)
{
    static uint64_t version;
    const struct provider_message m = {.issuer = bytes_text(issuer)};
    struct state_record key = record_made(&arena, issuer, "key", 1, write_provider_key(&arena, &made)),
                        of_policy = record_made(&arena, issuer, "policy/SgxEnclave", ++version, policy);

    assert_true(providers_take(p, FRAME_PROVIDER, write_provider(&arena, &m)));
    assert_true(providers_take(p, FRAME_RECORD, write_state_record(&arena, &key)));
    if (policy.n)
        assert_true(providers_take(p, FRAME_RECORD, write_state_record(&arena, &of_policy)));
    assert_true(providers_take(p, FRAME_PROVIDER_END, BYTES_NONE));
}

static struct providers *new_providers(size_t memory)
{
    uint8_t key[ED25519_PUBLIC];

    record_public(key);
    return providers_new(memory, key);
}

#define POLICY_JWS                                                                                                     \
    "eyJhbGciOiJub25lIn0."                                                                                             \
    "eyJBdHRlc3RhdGlvblBvbGljeSI6ImRtVnljMmx2YmoweExqQTdJR0YxZEdodmNtbDZZWFJwYjI1eWRXeGxjM3M5UGlCd1pYSnRhWFFvS1R0OU95" \
    "QnBjM04xWVc1alpYSjFiR1Z6ZTMwNyJ9."

static void a_verifier_keeps_the_newest_state(void **state)
{
    struct providers *p = new_providers(TEST_MEMORY);
    const struct kept_provider *found;

    (void)state;
    assert_null(providers_find(p, BYTES_LIT(ISSUER)));
    take(p, ISSUER, BYTES_NONE);
    take(p, "https://two.example", BYTES_NONE);
    found = providers_find(p, BYTES_LIT(ISSUER));
    assert_non_null(found);
    assert_int_equal(found->provider.policy_count, 0);
    assert_bytes_equal(found->provider.sealed_key, made.sealed);
    assert_non_null(found->provider.certificate);
    take(p, ISSUER, BYTES_LIT(POLICY_JWS));
    found = providers_find(p, BYTES_LIT(ISSUER));
    assert_int_equal(found->provider.policy_count, 1);
    assert_int_equal(found->refusal.n, 0);
    take(p, ISSUER, BYTES_LIT("nonsense"));
    assert_true(providers_find(p, BYTES_LIT(ISSUER))->refusal.n);
    assert_null(providers_find(p, BYTES_LIT(ISSUER))->failed_check);
    assert_non_null(providers_find(p, BYTES_LIT("https://two.example")));
    providers_free(p);
}

static void a_verifier_drops_others_when_it_is_full(void **state)
{
    struct providers *p = new_providers(256 * 1024);
    unsigned kept = 0;

    (void)state;
    for (int i = 0; i < 64; i++)
        take(p, arena_printf(&arena, "https://%d.example", i), BYTES_NONE);
    for (int i = 0; i < 64; i++)
        kept += providers_find(p, bytes_text(arena_printf(&arena, "https://%d.example", i))) != NULL;
    assert_in_range(kept, 1, 63);
    assert_non_null(providers_find(p, BYTES_LIT("https://63.example")));
    providers_free(p);
}

static void frames_out_of_order_are_refused(void **state)
{
    struct providers *p = new_providers(TEST_MEMORY);

    (void)state;
    assert_false(providers_take(p, FRAME_RECORD, BYTES_NONE));
    assert_false(providers_take(p, FRAME_PROVIDER_END, BYTES_NONE));
    assert_false(providers_take(p, FRAME_PROVIDER, BYTES_LIT("nonsense")));
    providers_free(p);
}

static struct record record(const char *issuer, const char *kind, uint64_t version, struct bytes body)
{
    return (struct record){
        .provider = bytes_text(issuer), .kind = bytes_text(kind), .version = version, .time = 1000, .body = body};
}

/* What the control plane keeps of it. */
static struct bytes resource(const char *issuer)
{
    const struct resource r = {.subscription = BYTES_LIT("s"),
                               .group = BYTES_LIT("g"),
                               .name = BYTES_LIT("one"),
                               .location = BYTES_LIT("westus"),
                               .region = BYTES_LIT("wus"),
                               .issuer = bytes_text(issuer)};

    return resource_record(&arena, &r);
}

static void apply(struct registry *r, struct record record)
{
    registry_apply(r, &record);
}

static void a_tenant_serves_once_it_has_key_and_resource(void **state)
{
    struct registry *r = registry_new();
    struct bytes key = write_provider_key(&arena, &made);
    struct key_record keys[TENANT_KEYS_MAX];

    (void)state;
    apply(r, record(ON_443, "key", 1, key));
    struct tenant *t = registry_by_authority(r, BYTES_LIT("one.wus.example"));
    assert_non_null(t);
    assert_false(tenant_serves(t));
    apply(r, record(ON_443, "provider", 1, resource(ON_443)));
    assert_true(tenant_serves(t));
    uint64_t stamp = t->stamp;
    apply(r, record(ON_443, "provider", 1, resource(ON_443))); /* seen already */
    assert_int_equal(t->stamp, stamp);
    assert_int_equal(tenant_next_version(t, BYTES_LIT("provider")), 2);
    assert_int_equal(tenant_next_version(t, BYTES_LIT("policy/SgxEnclave")), 1);
    assert_int_equal(tenant_keys(t, 0, keys), 1);
    assert_ptr_equal(registry_by_issuer(r, BYTES_LIT(ISSUER)), t);
    assert_null(registry_by_authority(r, BYTES_LIT("one.wus.example:444")));
    apply(r, record("https://two.example", "key", 1, key));
    assert_false(tenant_serves(registry_fix(r, BYTES_LIT("https://three.example"), false)));
    assert_true(tenant_serves(registry_fix(r, BYTES_LIT("https://two.example"), true)));
    assert_int_equal(registry_count(r), 3);
    registry_free(r);
}

static void a_deleted_tenant_lists_its_keys_until_they_expire(void **state)
{
    struct registry *r = registry_new();
    const struct retired_key retired = {made.kid, made.certificate, 5000};
    struct key_record keys[TENANT_KEYS_MAX];

    (void)state;
    apply(r, record(ISSUER, "provider", 1, resource(ISSUER)));
    apply(r, record(ISSUER, "key", 1, write_provider_key(&arena, &made)));
    apply(r, record(ISSUER, "provider", 2, BYTES_NONE));
    apply(r, record(ISSUER, "key", 2, BYTES_NONE));
    apply(r, record(ISSUER, "retired", 1, write_retired_keys(&arena, &retired, 1)));
    struct tenant *t = registry_by_issuer(r, BYTES_LIT(ISSUER));
    assert_false(tenant_serves(t));
    assert_int_equal(tenant_keys(t, 4999, keys), 1);
    assert_bytes_equal(keys[0].kid, made.kid);
    assert_int_equal(tenant_keys(t, 5000, keys), 0);
    /* Made again: the old key is listed behind the new one. */
    apply(r, record(ISSUER, "provider", 3, resource(ISSUER)));
    apply(r, record(ISSUER, "key", 3, write_provider_key(&arena, &made)));
    assert_true(tenant_serves(t));
    assert_int_equal(tenant_keys(t, 4999, keys), 2);
    registry_free(r);
}

static void damaged_records_serve_nobody(void **state)
{
    struct registry *r = registry_new();
    struct key_record keys[TENANT_KEYS_MAX];

    (void)state;
    apply(r, record(ISSUER, "provider", 1, resource(ISSUER)));
    apply(r, record(ISSUER, "key", 1, BYTES_LIT("nonsense")));
    apply(r, record(ISSUER, "retired", 1, BYTES_LIT("\x11")));
    struct tenant *t = registry_by_issuer(r, BYTES_LIT(ISSUER));
    assert_false(tenant_serves(t));
    assert_int_equal(tenant_keys(t, 0, keys), 0);
    registry_free(r);
}

static void count_frame(void *context, enum frame_kind kind, struct bytes body)
{
    unsigned *counts = context;

    (void)body;
    counts[kind]++;
}

static void a_verifier_is_told_of_every_record(void **state)
{
    unsigned counts[FRAME_NOT_SIGNED + 1] = {0};
    struct registry *r = registry_new();

    (void)state;
    apply(r, record(ISSUER, "key", 1, write_provider_key(&arena, &made)));
    apply(r, record(ISSUER, "policy/SgxEnclave", 1, BYTES_LIT(POLICY_JWS)));
    apply(r, record(ISSUER, "shadow/SgxEnclave", 1, BYTES_LIT(POLICY_JWS)));
    apply(r, record(ISSUER, "policy/OpenEnclave", 1, BYTES_LIT(POLICY_JWS)));
    apply(r, record(ISSUER, "policy/OpenEnclave", 2, BYTES_NONE));
    tenant_frames(registry_by_issuer(r, BYTES_LIT(ISSUER)), &arena, count_frame, counts);
    assert_int_equal(counts[FRAME_PROVIDER], 1);
    assert_int_equal(counts[FRAME_RECORD], 4); /* resets, too: the newest of each kind */
    assert_int_equal(counts[FRAME_PROVIDER_END], 1);
    registry_free(r);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_key_opens_for_its_provider_alone),
        CASE(a_key_of_a_region_opens_for_its_providers_alone),
        CASE(no_bit_of_a_sealed_key_can_change),
        CASE(a_key_is_made_again_from_its_primes),
        CASE(a_key_sealed_as_pkcs8_still_opens),
        CASE(the_same_key_is_never_sealed_alike),
        CASE(aead_refuses_other_data),
        CASE(a_verifier_keeps_the_newest_state),
        CASE(a_verifier_drops_others_when_it_is_full),
        CASE(frames_out_of_order_are_refused),
        CASE(a_tenant_serves_once_it_has_key_and_resource),
        CASE(a_deleted_tenant_lists_its_keys_until_they_expire),
        CASE(damaged_records_serve_nobody),
        CASE(a_verifier_is_told_of_every_record),
    };

    return cmocka_run_group_tests(tests, make_key, NULL);
}
