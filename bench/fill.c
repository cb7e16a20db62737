/* Fill a store with providers, for figures about many: fill STORE-URL SEALING-KEY-FILE COUNT PORT. They are bench0.wus.localhost:PORT
 * and so on, under one RSA key that is sealed for each, as if each had made its own: to make so many takes hours. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "arm/resource.h"
#include "base/text.h"
#include "core/record_seal.h"
#include "core/root_key.h"
#include "core/sealed_key.h"
#include "crypto/digest.h"
#include "store/store.h"

enum { BATCH = 500, MEMORY = 256 * 1024 * 1024 };

static void must(bool ok, const struct fault *fault)
{
    if (ok)
        return;
    fprintf(stderr, "fill: %s\n", fault->text);
    exit(EXIT_FAILURE);
}

static void read_root(const char *path, struct arena *a, uint8_t root[ROOT_KEY_SIZE])
{
    const struct root_sealer open = {.name = "file"};
    struct fault fault = {0};

    must(root_key_load(path, &open, &root_keeper_apart, a, root, &fault), &fault);
}

/* As the core seals what it made. */
static void seal(struct arena *a, const uint8_t root[ROOT_KEY_SIZE], struct record *r)
{
    const struct state_record said = {.provider = r->provider,
                                      .kind = r->kind,
                                      .version = r->version,
                                      .time = r->time,
                                      .body = r->body,
                                      .hash = r->hash,
                                      .caller = r->caller};
    uint8_t *made = arena_alloc(a, ED25519_SIGNATURE);

    must(state_sign(root, STATE_RECORD, record_message(a, &said), made), &(struct fault){.text = "no seal"});
    r->seal = bytes_make(made, ED25519_SIGNATURE);
}

static void add(struct arena *a, struct record *out, const uint8_t root[ROOT_KEY_SIZE], const struct signing_key *key,
                const struct provider_key *like, long i, const char *port)
{
    struct provider_key mine = *like;
    struct fault fault = {0};
    struct resource r = {
        .subscription = BYTES_LIT("00000000-0000-0000-0000-000000000001"),
        .group = BYTES_LIT("bench"),
        .name = bytes_text(arena_printf(a, "bench%ld", i)),
        .location = BYTES_LIT("westus"),
        .region = BYTES_LIT("wus"),
        .issuer = bytes_text(arena_printf(a, "https://bench%ld.wus.localhost:%s", i, port)),
        .created = {BYTES_LIT("bench"), ARM_APPLICATION, 1},
        .modified = {BYTES_LIT("bench"), ARM_APPLICATION, 1},
    };

    must(sealed_key_write(root, r.issuer, key, a, &mine.sealed, &fault), &fault);
    out[0] = (struct record){.provider = r.issuer,
                             .kind = BYTES_LIT("provider"),
                             .version = 1,
                             .time = (int64_t)time(NULL),
                             .body = resource_record(a, &r),
                             .caller = BYTES_LIT("bench")};
    out[1] = out[0];
    out[1].kind = BYTES_LIT("key");
    out[1].body = write_provider_key(a, &mine);
    out[1].hash = BYTES_LIT(RECORD_OPEN);
    for (int n = 0; n < 2; n++)
        seal(a, root, &out[n]);
}

int main(int argc, char **argv)
{
    struct provider_key like = {0};
    struct record records[2 * BATCH];
    uint8_t root[ROOT_KEY_SIZE];
    struct arena lasting, a;
    struct fault fault = {0};
    bool conflict;

    if (argc != 5) {
        fputs("usage: fill STORE-URL SEALING-KEY-FILE COUNT PORT\n", stderr);
        return EXIT_FAILURE;
    }
    arena_init(&lasting, MEMORY);
    arena_init(&a, MEMORY);
    read_root(argv[2], &lasting, root);
    struct store *store = store_open(argv[1], &fault);
    must(store != NULL, &fault);
    must(sealed_key_make(root, BYTES_LIT("https://bench"), &lasting, &like, &fault), &fault);
    struct signing_key *key = sealed_key_open(root, BYTES_LIT("https://bench"), like.sealed, &lasting, &fault);
    must(key != NULL, &fault);
    long count = strtol(argv[3], NULL, 10);
    for (long i = 0; i < count;) {
        size_t n = 0;

        for (; n < BATCH && i < count; n++, i++)
            add(&a, &records[2 * n], root, key, &like, i, argv[4]);
        must(store_append(store, records, 2 * n, &conflict, &fault), &fault);
        arena_reset(&a);
    }
    signing_key_free(key);
    store_close(store);
    arena_free(&a);
    arena_free(&lasting);
    return EXIT_SUCCESS;
}
