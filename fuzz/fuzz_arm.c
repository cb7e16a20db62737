/* Requests to the control plane, several in a row against one directory: lines of "METHOD PATH VERSION", each followed by a line that
 * is its body. Whatever they are there is one well-formed answer each, every effect can be carried out, and what was refused has
 * none. */
#include <stdlib.h>

#include "../tests/unit/arm_directory.h"
#include "base/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REQUESTS_MOST = 16 };

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* Up to the separator, which is dropped; the rest without one. */
static struct bytes cut(struct bytes *text, char at)
{
    const uint8_t *end = text->n ? memchr(text->p, at, text->n) : NULL;
    struct bytes out = bytes_first(*text, end ? (size_t)(end - text->p) : text->n);

    *text = bytes_after(*text, out.n + (end ? 1 : 0));
    return out;
}

static void judge(struct directory *d, const char *method, struct bytes path, const char *version, struct bytes body)
{
    struct regions regions = {regions_published, regions_published_count, BYTES_LIT("fuzz.example:1")};
    struct arm_directory calls = directory_calls(d);
    struct arm_request r = {
        .version = version, .body = body, .caller = {BYTES_LIT("fuzzer"), ARM_APPLICATION}, .time = 1800000000};
    struct arm_answer answer;
    const struct json *v = NULL;
    const char *allowed;

    if (arm_route(method, path, &r.route, &allowed) != ARM_FOUND)
        return;
    arm_answer(d->arena, &calls, &regions, &r, &answer);
    must(!answer.body.n || json_parse(d->arena, answer.body, NULL, &v, NULL));
    must(answer.status < 400 ? !answer.code : answer.code && json_member(json_member(v, "error"), "code"));
    must(answer.status < 400 || answer.effect.kind == ARM_NOTHING);
    must((answer.effect.kind == ARM_CREATE) == (answer.status == 201));
    must(directory_apply(d, &answer.effect));
    if (answer.effect.record.n) {
        const struct resource *kept = calls.find_issuer(d, answer.effect.issuer);

        must(kept && resource_is(kept, r.route.subscription, r.route.group, r.route.name));
        must(bytes_equal(resource_record(d->arena, kept), answer.effect.record));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct directory d;
    struct bytes left = bytes_make(data, size);
    struct resource r;
    struct arena a;

    arena_init(&a, LIMIT_REQUEST_MEMORY);
    d = (struct directory){.arena = &a};
    directory_add(&d, &(struct resource){.owner = ARM_SHARED,
                                         .name = BYTES_LIT("sharedwus"),
                                         .location = BYTES_LIT("West US"),
                                         .region = BYTES_LIT("wus"),
                                         .issuer = BYTES_LIT("https://sharedwus.wus.fuzz.example:1")});
    for (int i = 0; i < REQUESTS_MOST && left.n; i++) {
        struct bytes line = cut(&left, '\n'), method = cut(&line, ' '), path = cut(&line, ' ');

        judge(&d, arena_string(&a, method), path, line.n ? arena_string(&a, line) : NULL, cut(&left, '\n'));
    }
    /* The input as a record of the store: what is read is written again as it reads. */
    if (resource_read(&a, bytes_make(data, size), &r, NULL)) {
        struct bytes record = resource_record(&a, &r);
        struct resource again;

        must(resource_read(&a, record, &again, NULL) && bytes_equal(resource_record(&a, &again), record));
    }
    arena_free(&a);
    return 0;
}
