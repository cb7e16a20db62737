/* A provider's end, in a real store: nothing of it comes back, whatever was under way. */
#include "test.h"

#include <stdlib.h>
#include <unistd.h>

#include "arm/resource.h"
#include "core/providers.h"
#include "record_case.h"
#include "service/tenancy.h"

#define ISSUER "https://first.wus.attest.example"

static struct arena arena;
static struct service service;
static struct store *other; /* another node's way into the same store */
static struct providers *core;
static char folder[] = "/tmp/assay-tenancy-XXXXXX";
static int status;

static bool seal(void *context, struct bytes message, struct arena *a, struct bytes *out, struct fault *fault)
{
    uint8_t *signature = arena_alloc(a, ED25519_SIGNATURE);

    (void)context, (void)fault;
    *out = bytes_make(signature, ED25519_SIGNATURE);
    return state_sign(record_root, STATE_RECORD, message, signature);
}

static void give_frame(void *context, enum frame_kind kind, struct bytes body)
{
    (void)context;
    assert_true(providers_take(core, kind, body));
}

/* The core, in this process. */
bool pool_submit(struct pool *p, const struct pool_work *work, pool_done *done, void *context)
{
    const struct mint mint = {.seal_record = seal};
    struct manage_request request;
    struct answered answered;
    struct answer answer;
    struct changes changes;

    (void)p;
    tenant_frames(work->tenant, &arena, give_frame, NULL);
    assert_true(read_manage(work->body, &request));
    const struct kept_provider *kept = providers_find(core, request.issuer);
    assert_null(kept->failed_check);
    const struct snapshot snapshot = {.providers = &kept->provider, .provider_count = 1};
    core_manage(&arena, &snapshot, &request, &mint, &answer, &changes);
    assert_true(read_answer(write_answer(&arena, &answer, &changes, false), &answered));
    done(context, POOL_ANSWERED, &answered);
    return true;
}

static void apply(void *context, const struct record *record)
{
    (void)context;
    registry_apply(service.registry, record);
}

static void known(void *context, const struct fault *fault)
{
    (void)context;
    assert_null(fault);
    event_base_loopbreak(service.base);
}

static struct record record_for(const char *kind, uint64_t version, struct bytes body)
{
    const struct state_record r = record_made(&arena, ISSUER, kind, version, body);

    return (struct record){.provider = r.provider,
                           .kind = r.kind,
                           .version = r.version,
                           .time = r.time,
                           .body = r.body,
                           .hash = r.hash,
                           .caller = r.caller,
                           .seal = r.seal};
}

/* As another node does it. */
static bool append(const char *kind, uint64_t version, const char *body)
{
    const struct record r = record_for(kind, version, bytes_text(body));
    bool conflict;
    struct fault fault = {0};
    bool ok = store_append(other, &r, 1, &conflict, &fault);

    assert_true(ok || conflict);
    return ok;
}

static void put_provider(void)
{
    const struct resource r = {.subscription = BYTES_LIT("s"),
                               .group = BYTES_LIT("g"),
                               .name = BYTES_LIT("first"),
                               .location = BYTES_LIT("West US"),
                               .region = BYTES_LIT("wus"),
                               .issuer = BYTES_LIT(ISSUER)};
    struct provider_key key;

    assert_true(sealed_key_make(record_root, r.issuer, &arena, &key, NULL));
    const struct record records[] = {record_for("provider", 1, resource_record(&arena, &r)),
                                     record_for("key", 1, write_provider_key(&arena, &key)),
                                     record_for("policy/SgxEnclave", 1, BYTES_LIT("a policy")),
                                     record_for("policy/OfALaterRelease", 1, BYTES_LIT("a policy"))};
    bool conflict;

    assert_true(store_append(other, records, 4, &conflict, NULL));
}

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, TEST_MEMORY);
    if (!mkdtemp(folder))
        return -1;
    const char *url = arena_printf(&arena, "sqlite:%s/db", folder);
    other = store_open(url, NULL);
    if (!other)
        return -1;
    put_provider();
    service.base = event_base_new();
    service.registry = registry_new();
    uint8_t key[ED25519_PUBLIC];
    record_public(key);
    registry_use_key(service.registry, key);
    core = providers_new(TEST_MEMORY, key);
    struct store *store = store_open(url, NULL);
    if (!store)
        return -1;
    service.ledger = ledger_start(service.base, store, &(struct ledger_callbacks){apply, known, NULL}, NULL);
    if (!service.ledger)
        return -1;
    event_base_dispatch(service.base);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ledger_stop(service.ledger);
    registry_free(service.registry);
    providers_free(core);
    event_base_free(service.base);
    store_close(other);
    static const char *const names[] = {"db", "db-wal", "db-shm"};
    for (size_t i = 0; i < 3; i++)
        unlink(arena_printf(&arena, "%s/%s", folder, names[i]));
    rmdir(folder);
    arena_free(&arena);
    return 0;
}

static void done(void *context, const struct tenancy_result *result)
{
    (void)context;
    status = result->status;
    event_base_loopbreak(service.base);
}

static void nothing_of_it_comes_back(void **state)
{
    (void)state;
    const struct tenant *t = registry_by_issuer(service.registry, BYTES_LIT(ISSUER));
    const struct tenancy_change change = {.issuer = t->issuer, .caller = BYTES_LIT("who"), .now = 1000};

    assert_true(tenant_serves(t));
    assert_int_equal(tenant_begin(t), 0);
    status = -1;
    tenancy_delete(&service, &arena, t, &change, done, NULL);
    event_base_dispatch(service.base);
    assert_int_equal(status, 0);
    assert_false(tenant_serves(t));
    assert_null(
        registry_by_place(service.registry, &(struct place){BYTES_LIT("s"), BYTES_LIT("g"), BYTES_LIT("first")}));
    for (const struct held_record *h = t->records; h; h = h->next)
        if (bytes_is(h->kind, "retired"))
            assert_true(h->body.n > 0);
        else
            assert_int_equal(h->body.n, 0);
    /* All of it sealed. */
    struct bytes why;
    assert_false(registry_refuses(service.registry, (struct tenant *)(uintptr_t)t, &arena, &why));
    /* Made for the provider as another node, or a verifier, still knew it. */
    assert_false(append("policy/SgxEnclave", 2, "late"));
    assert_false(append("policy/AzureGuest", 1, "late"));
    assert_false(append("shadow/OpenEnclave", 1, "late"));
    assert_false(append("pending/Tpm", 1, "late"));
    assert_false(append("signers", 1, "late"));
    /* All of it is before the begin of whoever has the name next, and what he writes is behind. */
    uint64_t begin = tenant_begin(t);
    for (const struct held_record *h = t->records; h; h = h->next)
        assert_true(h->sequence <= begin);
    assert_true(append("policy/SgxEnclave", 3, "of the next one"));
    assert_true(store_generation(other, &begin, NULL));
    assert_true(begin > tenant_begin(t));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(nothing_of_it_comes_back, set_up, tear_down)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
