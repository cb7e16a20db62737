/* Does a second pair bring what a second core can bring? Frames are fed directly, without HTTP. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "core/message.h"
#include "core/pair.h"
#include "core/record_seal.h"

#define ISSUER "https://bench.example"

enum { PAIRS = 2, MEMORY = 256 * 1024 * 1024 };

static const double seconds = 1.5;

static double wall_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct worker {
    pthread_t thread;
    struct pair pair;
    struct frame_reader answers;
    struct bytes frame;
    double done; /* per second */
    const struct simulated *made;
};

/* A key for the provider, made and sealed by the first pair's core and sent to both. */
static bool send_provider(struct worker *w, struct arena *a, struct bytes *key)
{
    const struct manage_request create = {.what = MANAGE_PROVIDER_CREATE, .issuer = BYTES_LIT(ISSUER), .first = true};
    struct provider_message m = {.issuer = BYTES_LIT(ISSUER)};
    struct answered answer;
    enum frame_kind kind;
    struct bytes body;

    if (!key->n) {
        if (!frame_write(w->pair.fd, FRAME_MANAGE, write_manage(a, &create)) ||
            !frame_read(&w->answers, a, &kind, &body) || !read_answer(body, &answer) || answer.changes.count != 1)
            return false;
        const struct change *c = &answer.changes.v[0];
        *key = write_state_record(a, &(struct state_record){.provider = m.issuer,
                                                            .kind = c->kind,
                                                            .version = c->version,
                                                            .time = c->time,
                                                            .body = c->body,
                                                            .hash = c->hash,
                                                            .seal = c->seal});
    }
    return frame_write(w->pair.fd, FRAME_PROVIDER, write_provider(a, &m)) &&
           frame_write(w->pair.fd, FRAME_RECORD, *key) && frame_write(w->pair.fd, FRAME_PROVIDER_END, BYTES_NONE);
}

static void feed_snapshot(struct worker *w, struct arena *a, const struct simulated *made, struct bytes *key)
{
    const struct {
        const char *name;
        struct bytes text;
    } files[] = {{"tcbinfo.json", made->tcb_info},
                 {"qeidentity.json", made->identity},
                 {"root.crl", made->root_crl},
                 {"pck.crl", made->pck_crl},
                 {"chain.pem", made->signing_chain}};
    enum frame_kind kind;
    struct bytes body;
    int fd = w->pair.fd;

    w->answers = (struct frame_reader){.fd = fd};
    bool ok = frame_read(&w->answers, a, &kind, &body) && kind == FRAME_READY &&
              frame_write(fd, FRAME_SNAPSHOT_BEGIN, write_settings(a, &made->settings)) &&
              frame_write(fd, FRAME_ANCHOR, write_anchor(a, made->anchor_spki, true));
    for (size_t i = 0; i < 5; i++)
        ok = ok && frame_write(fd, FRAME_ENDORSEMENT, write_named(a, bytes_text(files[i].name), files[i].text));
    ok = ok && frame_write(fd, FRAME_SNAPSHOT_END, BYTES_NONE) && frame_read(&w->answers, a, &kind, &body) &&
         kind == FRAME_SNAPSHOT_READY && send_provider(w, a, key);
    if (!ok) {
        fprintf(stderr, "bench: a pair did not take its snapshot\n");
        exit(EXIT_FAILURE);
    }
}

/* The next answer; what newer TCB data would say of the platform comes between two of them. */
static bool read_next(struct worker *w, struct arena *a, struct answered *answer)
{
    enum frame_kind kind;
    struct bytes body;

    do
        if (!frame_read(&w->answers, a, &kind, &body))
            return false;
    while (kind == FRAME_OUTLOOK);
    return kind == FRAME_ANSWER && read_answer(body, answer);
}

static void *feed(void *context)
{
    struct worker *w = context;
    struct answered answer;
    struct arena a;
    unsigned n = 0;

    arena_init(&a, MEMORY);
    double began = wall_now(), until = began + seconds;
    for (; wall_now() < until; n++, arena_reset(&a))
        if (!frame_write(w->pair.fd, FRAME_ATTEST, w->frame) || !read_next(w, &a, &answer) || answer.status != 200) {
            fprintf(stderr, "bench: a pair gave no token\n");
            exit(EXIT_FAILURE);
        }
    w->done = n / (wall_now() - began);
    arena_free(&a);
    return NULL;
}

/* The cryptography of one appraisal, nothing else. */
static void *bare(void *context)
{
    struct worker *w = context;
    struct signing_key *key = signing_key_generate(KEY_RSA, NULL);
    struct public_key attestation;
    struct bytes signature;
    uint8_t hash[SHA256_SIZE];
    struct quote q;
    struct arena a;
    unsigned n = 0;

    arena_init(&a, MEMORY);
    if (!key || !quote_read(w->made->evidence, &q) || !public_key_from_point(q.attestation_key, &attestation))
        exit(EXIT_FAILURE);
    sha256(q.signed_part, hash);
    double began = wall_now(), until = began + seconds;
    for (; wall_now() < until; n++, arena_reset(&a))
        if (!ecdsa_verify(&attestation, BYTES_OF(hash), q.signature) ||
            !ecdsa_verify(&attestation, BYTES_OF(hash), q.signature) ||
            !sign_message(key, SIGNATURE_RS256, q.signed_part, &a, &signature))
            exit(EXIT_FAILURE);
    w->done = n / (wall_now() - began);
    signing_key_free(key);
    arena_free(&a);
    return NULL;
}

static double together(struct worker *w, size_t count, void *(*work)(void *))
{
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        pthread_create(&w[i].thread, NULL, work, &w[i]);
    for (size_t i = 0; i < count; i++) {
        pthread_join(w[i].thread, NULL);
        sum += w[i].done;
    }
    return sum;
}

void bench_pairs(const char *folder, const struct simulated *made)
{
    static const uint8_t entropy[EXAM_ENTROPY];
    struct core_request request = {.issuer = BYTES_LIT(ISSUER),
                                   .attester = BYTES_LIT("SgxEnclave"),
                                   .body = made->request,
                                   .time = made->time,
                                   .entropy = BYTES_OF(entropy)};
    struct worker workers[PAIRS] = {0};
    char key[64] = "/tmp/assay-bench-XXXXXX";
    struct fault fault = {0};
    struct arena a;

    arena_init(&a, MEMORY);
    if (!mkdtemp(key))
        return;
    char *path = arena_printf(&a, "%s/sealing.key", key);
    struct pair_options options = {.folder = folder,
                                   .sealing_key = path,
                                   .request_memory = 64 * 1024 * 1024,
                                   .request_seconds = 5,
                                   .pairs = PAIRS};
    struct bytes provider_key = BYTES_NONE;
    for (size_t i = 0; i < PAIRS; i++) {
        options.place = i;
        if (!pair_start(&options, &workers[i].pair, &fault)) {
            fprintf(stderr, "bench: %s\n", fault.text);
            exit(EXIT_FAILURE);
        }
        feed_snapshot(&workers[i], &a, made, &provider_key);
        workers[i].frame = write_attest(&a, &request);
        workers[i].made = made;
    }
    together(workers, PAIRS, feed); /* warm */
    double one = together(workers, 1, feed), bare_one = together(workers, 1, bare);
    double two = together(workers, PAIRS, feed), bare_two = together(workers, PAIRS, bare);
    print_figure("workers.one", one, "appraisals/s");
    print_figure("workers.two", two, "appraisals/s");
    print_figure("workers.ratio", two / one / (bare_two / bare_one), "ratio");
    for (size_t i = 0; i < PAIRS; i++)
        pair_kill(&workers[i].pair);
    unlink(path);
    rmdir(key);
    arena_free(&a);
}
