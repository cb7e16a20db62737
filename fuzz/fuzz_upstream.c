/* What sources of endorsements answer: headers, bodies, THIM's JSON; and the names by which something is wanted. The first byte chooses
 * source and want; the header ends at the first empty line, the body is the rest. */
#include "collateral/fetch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const sources[] = {"pcs", "pccs https://cache:8081", "thim", "thim https://cache", "kds"};
static const char *const names[] = {"intel/sgx/00a55a000000/platform", "intel/tdx/00906ed50000/platform/17",
                                    "amd/crl/Genoa", "amd/vcek/Turin/0102030405060708/4a00000003010204"};

static void judge(struct arena *a, const struct want *w, const struct upstream_objects *objects)
{
    struct catalogue c;
    const char *why = "";

    catalogue_init(&c, a);
    for (size_t i = 0; i < objects->count; i++)
        catalogue_add(&c, "the answer", objects->v[i]);
    for (size_t i = 0; i < c.n; i++) {
        struct want again;

        collateral_judge(&c, &c.v[i]);
        want_met(a, w, &c.v[i], &why);
        if (want_of(&c.v[i], &again) && !want_met(a, &again, &c.v[i], &why))
            __builtin_trap(); /* what would take its place is not what it is */
    }
}

static void answer_one(struct arena *a, const struct upstream *u, const struct want *w, struct bytes rest)
{
    struct upstream_request requests[UPSTREAM_TRIES];
    struct upstream_objects objects;
    struct http_answer answer = {.status = 200, .content_type = "", .header = rest};
    const uint8_t *end = rest.n ? memmem(rest.p, rest.n, "\r\n\r\n", 4) : NULL;

    if (!upstream_serves(u, w))
        return;
    if (end) {
        answer.header = bytes_make(rest.p, (size_t)(end - rest.p) + 2);
        answer.body = bytes_after(rest, answer.header.n + 2);
    }
    retry_after(http_answer_header(&answer, "Retry-After"), 1700000000);
    if (upstream_requests(a, u, w, requests) &&
        upstream_read(a, u, w, &requests[0], &answer, &objects, &(struct fault){0}))
        judge(a, w, &objects);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct want wants[WANTS_OF_PLATFORM];
    struct upstream u;
    struct arena a;

    if (size == 0)
        return 0;
    arena_init(&a, FETCH_MEMORY);
    struct bytes rest = bytes_make(data + 1, size - 1);
    size_t count = wants_parse(rest, wants);
    if (count)
        want_name(&a, &wants[0]);
    upstream_parse(&a, rest, &u, &(struct fault){0});
    count = wants_parse(bytes_text(names[data[0] / 8 % 4]), wants);
    if (!count || !upstream_parse(&a, bytes_text(sources[data[0] % 8 % 5]), &u, &(struct fault){0}))
        __builtin_trap();
    for (size_t i = 0; i < count; i++)
        answer_one(&a, &u, &wants[i], rest);
    arena_free(&a);
    return 0;
}
