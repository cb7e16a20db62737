/* The states of a provider's signing keys: what each step leaves, what is refused, and when steps are due. */
#include "arena_test.h"

#include "core/key_life.h"
#include "core/manage.h"
#include "core/record_seal.h"
#include "core/sealed_key.h"
#include "service/regional.h"
#include "service/rotation.h"

#define ISSUER "https://one.wus.example"

/* A provider's records, as steps leave them. */
static struct state_record records[8];
static struct provider provider;
static uint8_t root[ROOT_KEY_SIZE] = {1};
static unsigned made;
static bool no_keys;

static bool make_key(void *context, struct bytes issuer, struct arena *a, struct bytes *record, struct fault *fault)
{
    /* Making a real one takes long, and nothing here looks inside. */
    const struct provider_key key = {.kid = bytes_text(arena_printf(a, "kid-%u", ++made)),
                                     .certificate = bytes_text(arena_printf(a, "certificate-%u", made)),
                                     .sealed = bytes_text(arena_printf(a, "sealed-%u", made))};

    (void)context, (void)issuer;
    if (no_keys)
        return fault_set(fault, FAULT_CRYPTO, "there are no primes");
    *record = write_provider_key(a, &key);
    return true;
}

static bool seal_record(void *context, struct bytes message, struct arena *a, struct bytes *seal, struct fault *fault)
{
    uint8_t *signature = arena_alloc(a, ED25519_SIGNATURE);

    (void)context, (void)fault;
    *seal = bytes_make(signature, ED25519_SIGNATURE);
    return state_sign(root, STATE_RECORD, message, signature);
}

static const struct mint mint = {.make_key = make_key, .seal_record = seal_record};

static const struct state_record *find(const char *kind)
{
    return provider_record(&provider, bytes_text(kind));
}

static void take(const struct change *c)
{
    struct state_record *r = (struct state_record *)(uintptr_t)provider_record(&provider, c->kind);

    if (!r)
        r = &records[provider.record_count++];
    assert_int_equal(c->version, r->version + 1);
    assert_int_equal(c->seal.n, ED25519_SIGNATURE);
    *r = (struct state_record){
        .kind = c->kind, .version = c->version, .time = c->time, .body = c->body, .hash = c->hash};
    if (bytes_is(c->kind, "next")) /* as the provider that it is published for */
        assert_true(bytes_is(c->hash, !c->body.n ? "" : provider.isolated ? RECORD_ISOLATED : RECORD_OPEN));
    if (bytes_is(c->kind, "key")) {
        struct provider_key key;
        struct certificate *certificate = ARENA_NEW(&arena, struct certificate);

        assert_true(read_provider_key(c->body, &key));
        certificate->der = key.certificate;
        provider.kid = key.kid;
        provider.sealed_key = key.sealed;
        provider.certificate = certificate;
    }
}

static int step(enum manage_what what, const char *kid, int64_t now)
{
    const struct snapshot snapshot = {.providers = &provider, .provider_count = 1};
    const struct key_request body = {bytes_text(kid)};
    const struct manage_request request = {
        .what = what, .issuer = provider.issuer, .body = write_key_request(&arena, &body), .time = now};
    struct changes *changes = ARENA_NEW(&arena, struct changes);
    struct answer answer;

    core_manage(&arena, &snapshot, &request, &mint, &answer, changes);
    assert_int_equal(answer.status == 200, changes->count > 0);
    for (size_t i = 0; i < changes->count; i++)
        take(&changes->v[i]);
    return answer.status;
}

static void assert_key(const char *kind, const char *kid, int64_t since)
{
    const struct state_record *r = find(kind);
    struct provider_key key = {0};

    assert_non_null(r);
    assert_true(!r->body.n || read_provider_key(r->body, &key));
    assert_true(bytes_is(key.kid, kid));
    assert_int_equal(key.since, since);
}

/* "kid until kid until", newest first. */
static void assert_rotated(const char *kids)
{
    const struct state_record *r = find("rotated");
    struct retired_key keys[RETIRED_KEYS_MAX];
    struct writer w = wr_open(&arena);
    size_t count = 0;

    assert_true(!r || !r->body.n || read_retired_keys(r->body, keys, &count));
    for (size_t i = 0; i < count; i++)
        wr_printf(&w, "%s%.*s %lld", i ? " " : "", (int)keys[i].kid.n, (const char *)keys[i].kid.p,
                  (long long)keys[i].until);
    assert_string_equal(arena_string(&arena, wr_done(&w)), kids);
}

/* A provider with one key, since second 1000. */
static int new_provider(void **state)
{
    struct bytes key;

    set_up(state);
    made = 0;
    no_keys = false;
    memset(records, 0, sizeof records);
    provider = (struct provider){.issuer = BYTES_LIT(ISSUER), .records = records};
    assert_true(make_key(NULL, provider.issuer, &arena, &key, NULL));
    take(&(struct change){.kind = BYTES_LIT("key"), .version = 1, .body = key, .seal = {(uint8_t[64]){0}, 64}});
    return 0;
}

static void published_then_signing_then_listed(void **state)
{
    (void)state;
    assert_int_equal(step(MANAGE_KEY_SWITCH, "", 2000), 409); /* to what? */
    assert_int_equal(step(MANAGE_KEY_PUBLISH, "", 2000), 200);
    assert_key("key", "kid-1", 0);
    assert_key("next", "kid-2", 2000);
    assert_int_equal(step(MANAGE_KEY_PUBLISH, "", 2001), 409); /* one at a time */
    assert_int_equal(made, 2);
    assert_int_equal(step(MANAGE_KEY_SWITCH, "", 3000), 200);
    assert_key("key", "kid-2", 3000);
    assert_key("next", "", 0);
    assert_rotated("kid-1 35400"); /* eight hours, and one for nodes that did not hear of it */
    assert_int_equal(step(MANAGE_KEY_SWITCH, "", 3001), 409);
    assert_int_equal(step(MANAGE_KEY_PUBLISH, "", 30000), 200);
    assert_int_equal(step(MANAGE_KEY_SWITCH, "", 35399), 200);
    assert_rotated("kid-2 67799 kid-1 35400");
    assert_int_equal(step(MANAGE_KEY_PUBLISH, "", 35400), 200);
    assert_int_equal(step(MANAGE_KEY_SWITCH, "", 35400), 200);
    assert_rotated("kid-3 67800 kid-2 67799");
}

static void a_key_is_published_for_its_trust_model(void **state)
{
    (void)state;
    provider.isolated = true;
    provider.sealed_key = BYTES_LIT("sealed-1");
    assert_int_equal(step(MANAGE_KEY_PUBLISH, "", 2000), 200);
    assert_true(bytes_is(find("next")->hash, RECORD_ISOLATED));
    assert_int_equal(step(MANAGE_KEY_SWITCH, "", 3000), 200);
    assert_true(bytes_is(find("key")->hash, RECORD_ISOLATED));
}

static void no_key_is_dropped_to_make_room(void **state)
{
    (void)state;
    for (int i = 0; i < RETIRED_KEYS_MAX; i++)
        assert_int_equal(step(MANAGE_KEY_REPLACE, "", 2000 + i), 200);
    assert_int_equal(step(MANAGE_KEY_REPLACE, "", 3000), 409);
    assert_int_equal(step(MANAGE_KEY_PUBLISH, "", 3000), 200);
    assert_int_equal(step(MANAGE_KEY_SWITCH, "", 3000), 409);
    assert_int_equal(step(MANAGE_KEY_SWITCH, "", 2000 + RETIRED_SECONDS), 200); /* the first one's tokens are gone */
    assert_int_equal(step(MANAGE_KEY_SWITCH, "", 2000 + RETIRED_SECONDS), 409);
}

static void a_revoked_key_is_listed_no_more(void **state)
{
    (void)state;
    assert_int_equal(step(MANAGE_KEY_REVOKE, "", 2000), 400);
    assert_int_equal(step(MANAGE_KEY_REVOKE, "kid-7", 2000), 404);
    assert_int_equal(step(MANAGE_KEY_REVOKE, "kid-1", 2000), 200); /* none is published: a new one */
    assert_key("key", "kid-2", 2000);
    assert_rotated("");
    assert_int_equal(step(MANAGE_KEY_REVOKE, "kid-1", 2001), 404); /* it is gone */
    assert_int_equal(step(MANAGE_KEY_PUBLISH, "", 2002), 200);
    assert_int_equal(step(MANAGE_KEY_REVOKE, "kid-2", 2003), 200); /* the one that clients may know signs */
    assert_key("key", "kid-3", 2003);
    assert_key("next", "", 0);
    assert_int_equal(step(MANAGE_KEY_PUBLISH, "", 2004), 200);
    assert_int_equal(step(MANAGE_KEY_REVOKE, "kid-4", 2005), 200); /* it signed nothing yet */
    assert_key("key", "kid-3", 2003);
    assert_key("next", "", 0);
    assert_int_equal(step(MANAGE_KEY_REPLACE, "", 2006), 200);
    assert_rotated("kid-3 34406");
    assert_int_equal(step(MANAGE_KEY_REVOKE, "kid-3", 2007), 200);
    assert_rotated("");
    assert_key("key", "kid-5", 2006);
    assert_int_equal(step(MANAGE_KEY_REVOKE, "kid-1x", 2008), 404);
}

static void nothing_changes_without_a_key(void **state)
{
    (void)state;
    no_keys = true;
    assert_int_equal(step(MANAGE_KEY_PUBLISH, "", 2000), 503);
    assert_int_equal(step(MANAGE_KEY_REPLACE, "", 2000), 503);
    assert_int_equal(step(MANAGE_KEY_REVOKE, "kid-1", 2000), 503);
    assert_key("key", "kid-1", 0);
    provider.record_count = 0; /* a provider that was deleted */
    no_keys = false;
    assert_int_equal(step(MANAGE_KEY_PUBLISH, "", 2000), 409);
    assert_int_equal(step(MANAGE_KEY_REVOKE, "kid-1", 2000), 409);
}

static void requests_are_read_whole(void **state)
{
    const struct key_request r = {BYTES_LIT("kid")};
    struct bytes body = write_key_request(&arena, &r);
    struct key_request out;

    (void)state;
    assert_true(read_key_request(body, &out));
    assert_true(bytes_is(out.kid, "kid"));
    for (size_t n = 0; n < body.n; n++)
        assert_false(read_key_request(bytes_first(body, n), &out));
}

/* Records of the release before hold no time. */
static void a_key_of_before_is_read(void **state)
{
    const struct provider_key key = {BYTES_LIT("k"), BYTES_LIT("c"), BYTES_LIT("s"), 77};
    struct bytes body = write_provider_key(&arena, &key);
    struct provider_key out;

    (void)state;
    assert_true(read_provider_key(body, &out));
    assert_int_equal(out.since, 77);
    for (size_t n = 0; n < body.n; n++)
        assert_int_equal(read_provider_key(bytes_first(body, n), &out), n == body.n - 8);
}

static void steps_are_due(void **state)
{
    const struct rotation_rules rules = {.period = 80000, .ahead = 1000}, off = {.ahead = 1000};
    struct tenant t = {.key = {.kid = BYTES_LIT("\1\1"), .since = 5000}};
    int64_t due = 0, other = 0;

    (void)state;
    assert_int_equal(rotation_next(&t, &off, NULL, &due), ROTATION_NONE);
    assert_int_equal(rotation_next(&t, &rules, NULL, &due), ROTATION_PUBLISH);
    assert_in_range(due, 5000 + 80000 - 10000 - 1000, 5000 + 80000 - 1000);
    t.key.kid = BYTES_LIT("\7\1"); /* made together, not changed together */
    assert_int_equal(rotation_next(&t, &rules, NULL, &other), ROTATION_PUBLISH);
    assert_in_range(other, 5000 + 80000 - 10000 - 1000, 5000 + 80000 - 1000);
    assert_int_not_equal(due, other);
    t.next = (struct provider_key){.kid = BYTES_LIT("n"), .since = 70000};
    assert_int_equal(rotation_next(&t, &rules, NULL, &due), ROTATION_SWITCH);
    assert_int_equal(due, 71000);
    assert_int_equal(rotation_next(&t, &off, NULL, &due), ROTATION_SWITCH); /* what was begun is done */
}

/* One whose `next` is the same key: the successor of a revoked key is never that key. */
static void a_revoked_key_is_not_its_own_successor(void **state)
{
    (void)state;
    assert_int_equal(step(MANAGE_KEY_PUBLISH, "", 2000), 200);
    ((struct state_record *)(uintptr_t)find("next"))->body = find("key")->body;
    assert_int_equal(step(MANAGE_KEY_REVOKE, "kid-1", 3000), 200);
    assert_key("key", "kid-3", 3000);
    assert_key("next", "", 0);
}

static struct held_record *held(const char *kind, struct bytes body, struct held_record *next)
{
    struct held_record *h = ARENA_NEW(&arena, struct held_record);

    *h = (struct held_record){.next = next, .kind = bytes_text(kind), .body = body};
    return h;
}

static struct bytes kids(const char *const *names, size_t count, int64_t until)
{
    struct retired_key keys[RETIRED_KEYS_MAX];

    for (size_t i = 0; i < count; i++)
        keys[i] = (struct retired_key){bytes_text(names[i]), BYTES_NONE, until};
    return write_retired_keys(&arena, keys, count);
}

/* Wherever a provider has it; the one that would sign next goes first. */
static void what_a_region_revoked_is_revoked(void **state)
{
    static const char *const gone[] = {"n", "k", "r"}, *const listed[] = {"x", "r"};
    const struct tenant region = {.records = held("revoked", kids(gone, 3, INT64_MAX), NULL)}, none = {0};
    struct tenant t = {.key = {.kid = BYTES_LIT("k")}, .next = {.kid = BYTES_LIT("n")}};

    (void)state;
    t.records = held("rotated", kids(listed, 2, 5000), NULL);
    assert_int_equal(regional_to_revoke(NULL, &t, 1000).n, 0);
    assert_int_equal(regional_to_revoke(&none, &t, 1000).n, 0);
    assert_true(bytes_is(regional_to_revoke(&region, &t, 1000), "n"));
    t.next.kid = BYTES_NONE;
    assert_true(bytes_is(regional_to_revoke(&region, &t, 1000), "k"));
    t.key.kid = BYTES_LIT("other");
    assert_true(bytes_is(regional_to_revoke(&region, &t, 1000), "r"));
    assert_int_equal(regional_to_revoke(&region, &t, 5000).n, 0); /* its tokens have expired */
}

static unsigned certified;

static bool certify_none(void *context, struct bytes issuer, struct bytes sealed_key,
                         const struct key_evidence *evidence, struct arena *a, struct bytes *certificate,
                         struct fault *fault)
{
    (void)context, (void)issuer, (void)sealed_key, (void)evidence, (void)a, (void)certificate;
    certified++;
    return fault_set(fault, FAULT_CRYPTO, "it opens nothing here");
}

/* The signer would open the provider's own key of before, and a host could so bring one back that was revoked. */
static void a_key_that_is_no_regions_is_not_taken_for_one(void **state)
{
    static const struct mint certifies = {.make_key = make_key, .seal_record = seal_record, .certify = certify_none};
    static const struct {
        struct bytes sealed;
        int status;
        unsigned certified;
    } cases[] = {{BYTES_LIT("\1own, of the first form"), 409, 0},
                 {BYTES_LIT("\2own"), 409, 0},
                 {BYTES_LIT("\3the region's"), 503, 1}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct snapshot snapshot = {.providers = &provider, .provider_count = 1};
        const struct key_request body = {BYTES_NONE};
        const struct manage_request request = {.what = MANAGE_KEY_PUBLISH,
                                               .issuer = provider.issuer,
                                               .body = write_key_request(&arena, &body),
                                               .regional = cases[i].sealed,
                                               .time = 2000};
        struct changes changes = {0};
        struct answer answer;

        certified = 0;
        core_manage(&arena, &snapshot, &request, &certifies, &answer, &changes);
        assert_int_equal(answer.status, cases[i].status);
        assert_int_equal(changes.count, 0);
        assert_int_equal(certified, cases[i].certified);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(published_then_signing_then_listed, new_provider, tear_down),
        cmocka_unit_test_setup_teardown(a_key_is_published_for_its_trust_model, new_provider, tear_down),
        cmocka_unit_test_setup_teardown(no_key_is_dropped_to_make_room, new_provider, tear_down),
        cmocka_unit_test_setup_teardown(a_revoked_key_is_listed_no_more, new_provider, tear_down),
        cmocka_unit_test_setup_teardown(nothing_changes_without_a_key, new_provider, tear_down),
        cmocka_unit_test_setup_teardown(requests_are_read_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_of_before_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_revoked_key_is_not_its_own_successor, new_provider, tear_down),
        cmocka_unit_test_setup_teardown(what_a_region_revoked_is_revoked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(steps_are_due, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_that_is_no_regions_is_not_taken_for_one, new_provider, tear_down),
    };
    return cmocka_run_group_tests_name("rotation", tests, NULL, NULL);
}
