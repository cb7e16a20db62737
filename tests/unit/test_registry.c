/* Providers in memory: found by their place in the control plane as its records come, change and go. */
#include "test.h"

#include "arm/resource.h"
#include "service/registry.h"

static struct arena arena;
static struct registry *registry;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, TEST_MEMORY);
    registry = registry_new();
    return registry ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    registry_free(registry);
    arena_free(&arena);
    return 0;
}

static struct resource made(const char *subscription, const char *group, const char *name, const char *region)
{
    const char *issuer = arena_printf(&arena, "https://%s.%s.attest.example", name, region);

    return (struct resource){.subscription = bytes_text(subscription),
                             .group = bytes_text(group),
                             .name = bytes_text(name),
                             .location = BYTES_LIT("somewhere"),
                             .region = bytes_text(region),
                             .issuer = bytes_text(issuer)};
}

static void put(struct bytes issuer, uint64_t version, struct bytes body)
{
    registry_apply(registry, &(struct record){
                                 .provider = issuer, .kind = BYTES_LIT("provider"), .version = version, .body = body});
}

static void put_kind(struct bytes issuer, const char *kind, uint64_t version, struct bytes body)
{
    registry_apply(registry,
                   &(struct record){.provider = issuer, .kind = bytes_text(kind), .version = version, .body = body});
}

static void put_key(struct bytes issuer, uint64_t version)
{
    const struct provider_key key = {BYTES_LIT("kid"), BYTES_LIT("certificate"), BYTES_LIT("sealed"), 0};

    put_kind(issuer, "key", version, write_provider_key(&arena, &key));
}

static void put_made(const struct resource *r, uint64_t version)
{
    put(r->issuer, version, resource_record(&arena, r));
}

static const struct tenant *find(const char *subscription, const char *group, const char *name)
{
    return registry_by_place(registry, &(struct place){bytes_text(subscription), bytes_text(group), bytes_text(name)});
}

static void gather(void *context, const struct tenant *t)
{
    wr_put(context, t->place.name);
    wr_u8(context, ' ');
}

static void assert_listed(const char *subscription, const char *group, const char *names)
{
    struct writer w = wr_open(&arena);

    registry_each(registry, bytes_text(subscription), bytes_text(group), gather, &w);
    assert_bytes_are(wr_done(&w), names);
}

static void found_by_place(void **state)
{
    (void)state;
    struct resource b = made("s", "g", "bbb", "wus"), a = made("s", "g", "aaa", "wus"),
                    c = made("s", "h", "ccc", "wus"), other = made("t", "g", "ddd", "wus");

    put_made(&b, 1);
    put_made(&a, 1);
    put_made(&c, 1);
    put_made(&other, 1);
    assert_ptr_equal(find("S", "G", "AAA"), registry_by_issuer(registry, a.issuer));
    assert_null(find("s", "h", "aaa"));
    assert_null(find("t", "g", "aaa"));
    assert_null(find("s", "g", ""));
    assert_listed("S", "", "aaa bbb ccc ");
    assert_listed("s", "G", "aaa bbb ");
    assert_listed("s", "i", "");
    assert_listed("", "", "");
}

static void changed_and_deleted(void **state)
{
    (void)state;
    struct resource r = made("s", "g", "first", "wus");

    put_made(&r, 1);
    const struct tenant *t = find("s", "g", "first");
    assert_false(t->closed || t->tpm_open);
    r.public_network_access = r.tpm_authentication = ARM_DISABLED;
    put_made(&r, 2);
    assert_ptr_equal(find("s", "g", "first"), t);
    assert_true(t->closed && t->tpm_open);
    put(r.issuer, 1, BYTES_NONE); /* older than what is held */
    assert_ptr_equal(find("s", "g", "first"), t);
    put(r.issuer, 3, BYTES_NONE);
    assert_null(find("s", "g", "first"));
    assert_false(t->closed || t->tpm_open);
    assert_listed("s", "", "");
    r = made("other", "g", "first", "wus");
    put_made(&r, 4);
    assert_ptr_equal(find("other", "g", "first"), t);
}

static void damaged_records_are_in_no_place(void **state)
{
    (void)state;
    struct resource r = made("s", "g", "first", "wus");
    struct bytes record = resource_record(&arena, &r);
    char *escaped = arena_printf(&arena, "{\"subscription\":\"\\u0073%s", arena_string(&arena, record) + 18);

    put(BYTES_LIT("https://second.wus.attest.example"), 1, record); /* of another issuer */
    put(BYTES_LIT("https://third.wus.attest.example"), 1, BYTES_LIT("{}"));
    assert_null(find("s", "g", "first"));
    assert_true(resource_read(&arena, bytes_text(escaped), &r, NULL));
    put(r.issuer, 1, bytes_text(escaped)); /* such as nobody of us writes */
    assert_null(find("s", "g", "first"));
    assert_listed("s", "", "");
}

/* What it says, closed or not, isolated or not, is not known: the safe reading is that it does not serve. */
static void damaged_records_serve_nobody(void **state)
{
    (void)state;
    struct resource r = made("s", "g", "first", "wus");

    r.public_network_access = ARM_DISABLED;
    put_made(&r, 1);
    const struct tenant *t = find("s", "g", "first");
    assert_false(tenant_serves(t));
    put_key(r.issuer, 1);
    assert_true(tenant_serves(t));
    put(r.issuer, 2, BYTES_LIT("{}"));
    assert_false(tenant_serves(t));
    put_made(&r, 3);
    assert_true(tenant_serves(t));
    put_kind(r.issuer, "key", 2, BYTES_LIT("short"));
    assert_false(tenant_serves(t));
}

static void isolated_without_signers_serves_nobody(void **state)
{
    (void)state;
    uint8_t hash[32] = {1};
    struct resource r = made("s", "g", "first", "wus");

    r.isolated = true;
    r.signers = BYTES_OF(hash);
    put_made(&r, 1);
    put_key(r.issuer, 1);
    const struct tenant *t = find("s", "g", "first");
    assert_false(tenant_serves(t));
    put_kind(r.issuer, "signers", 1, BYTES_LIT("{\"keys\":[]}"));
    assert_true(tenant_serves(t));
    put_kind(r.issuer, "signers", 2, BYTES_NONE);
    assert_false(tenant_serves(t));
}

/* Two nodes may have made them at once, in different regions. */
static void the_first_keeps_its_place(void **state)
{
    (void)state;
    struct resource west = made("s", "g", "first", "wus"), east = made("s", "g", "first", "eus");

    put_made(&west, 1);
    put_made(&east, 1);
    assert_ptr_equal(find("s", "g", "first"), registry_by_issuer(registry, west.issuer));
    assert_listed("s", "", "first ");
    put(east.issuer, 2, BYTES_NONE);
    assert_ptr_equal(find("s", "g", "first"), registry_by_issuer(registry, west.issuer));
    put(west.issuer, 2, BYTES_NONE);
    assert_null(find("s", "g", "first"));
}

/* As at a start: with a thread that has memory ready, however much comes, and whether or not it is ended. */
static void many_are_held_in_a_hurry(void **state)
{
    enum { PROVIDERS = 3000, RECORD = 4000 };
    uint8_t *body = arena_alloc(&arena, RECORD);

    (void)state;
    registry_expect(registry);
    for (unsigned i = 0; i < PROVIDERS; i++) {
        memset(body, (int)(i & 0xff), RECORD);
        registry_apply(registry,
                       &(struct record){.provider = bytes_text(arena_printf(&arena, "https://many%u.example", i)),
                                        .kind = BYTES_LIT("policy/SgxEnclave"),
                                        .version = 1,
                                        .sequence = i + 1,
                                        .body = bytes_make(body, RECORD)});
        if (i == PROVIDERS / 2)
            registry_settle(registry);
        if (i == PROVIDERS - PROVIDERS / 4)
            registry_expect(registry);
    }
    assert_int_equal(registry_count(registry), PROVIDERS);
    for (unsigned i = 0; i < PROVIDERS; i++) {
        const struct tenant *t =
            registry_by_issuer(registry, bytes_text(arena_printf(&arena, "https://many%u.example", i)));
        const struct held_record *h = tenant_record(t, BYTES_LIT("policy/SgxEnclave"));

        assert_true(h && h->body.n == RECORD && h->body.p[0] == (i & 0xff) && h->body.p[RECORD - 1] == (i & 0xff));
    }
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(many_are_held_in_a_hurry),     CASE(found_by_place),
        CASE(changed_and_deleted),          CASE(damaged_records_are_in_no_place),
        CASE(damaged_records_serve_nobody), CASE(isolated_without_signers_serves_nobody),
        CASE(the_first_keeps_its_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
