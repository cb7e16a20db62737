/* Fill a store with providers, for figures about many: fill STORE-URL SEALING-KEY-FILE COUNT PORT. They are bench0.wus.localhost:PORT
 * and so on, under one RSA key that is sealed for each, as if each had made its own: to make so many takes hours. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "arm/resource.h"
#include "base/text.h"
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

static void read_sealing(const char *path, uint8_t sealing[AEAD_KEY_SIZE])
{
    char text[2 * AEAD_KEY_SIZE];
    FILE *f = fopen(path, "r");
    bool ok = f && fread(text, 1, sizeof text, f) == sizeof text &&
              hex_decode_exact(bytes_make(text, sizeof text), sealing, AEAD_KEY_SIZE);

    if (f)
        fclose(f);
    must(ok, &(struct fault){.text = "no sealing key"});
}

static void add(struct arena *a, struct record *out, const uint8_t sealing[AEAD_KEY_SIZE],
                const struct signing_key *key, const struct provider_key *like, long i, const char *port)
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

    must(sealed_key_write(sealing, r.issuer, key, a, &mine.sealed, &fault), &fault);
    out[0] = (struct record){.provider = r.issuer,
                             .kind = BYTES_LIT("provider"),
                             .version = 1,
                             .time = (int64_t)time(NULL),
                             .body = resource_record(a, &r),
                             .caller = BYTES_LIT("bench")};
    out[1] = out[0];
    out[1].kind = BYTES_LIT("key");
    out[1].body = write_provider_key(a, &mine);
}

int main(int argc, char **argv)
{
    struct provider_key like = {0};
    struct record records[2 * BATCH];
    uint8_t sealing[AEAD_KEY_SIZE];
    struct arena lasting, a;
    struct fault fault = {0};
    bool conflict;

    if (argc != 5) {
        fputs("usage: fill STORE-URL SEALING-KEY-FILE COUNT PORT\n", stderr);
        return EXIT_FAILURE;
    }
    arena_init(&lasting, MEMORY);
    arena_init(&a, MEMORY);
    read_sealing(argv[2], sealing);
    struct store *store = store_open(argv[1], &fault);
    must(store != NULL, &fault);
    must(sealed_key_make(sealing, BYTES_LIT("https://bench"), &lasting, &like, &fault), &fault);
    struct signing_key *key = sealed_key_open(sealing, BYTES_LIT("https://bench"), like.sealed, &lasting, &fault);
    must(key != NULL, &fault);
    long count = strtol(argv[3], NULL, 10);
    for (long i = 0; i < count;) {
        size_t n = 0;

        for (; n < BATCH && i < count; n++, i++)
            add(&a, &records[2 * n], sealing, key, &like, i, argv[4]);
        must(store_append(store, records, 2 * n, &conflict, &fault), &fault);
        arena_reset(&a);
    }
    signing_key_free(key);
    store_close(store);
    arena_free(&a);
    arena_free(&lasting);
    return EXIT_SUCCESS;
}
