/* Any path and query to the cache of endorsements: an answer whose status is one of those that clients know, and whose headers
 * are of one line. What is served are simulated endorsements. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "collateral/serve.h"
#include "simulate/simulate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static struct served *served;

static void prepare(void)
{
    static struct arena a;
    struct simulate_options options = {.seed = 7};
    struct simulated s;
    struct catalogue *c;

    arena_init(&a, LIMIT_REQUEST_MEMORY);
    served = served_new(LIMIT_REQUEST_MEMORY);
    must(served && simulate(&a, &options, &s, NULL));
    c = served_catalogue(served);
    catalogue_add_anchor(c, s.anchor_spki);
    must(catalogue_add(c, "1", s.tcb_info) && catalogue_add(c, "2", s.identity) && catalogue_add(c, "3", s.root_crl) &&
         catalogue_add(c, "4", s.pck_crl) && catalogue_add(c, "5", s.signing_chain));
    served_open(served, 0);
}

struct line {
    struct arena *arena;
    struct bytes query;
};

/* name=value pairs with & between, not decoded. */
static const char *query(void *context, const char *name)
{
    struct line *l = context;
    struct bytes rest = l->query;

    while (rest.n) {
        const uint8_t *end = memchr(rest.p, '&', rest.n);
        struct bytes pair = bytes_first(rest, end ? (size_t)(end - rest.p) : rest.n);
        const uint8_t *equals = pair.n ? memchr(pair.p, '=', pair.n) : NULL;

        rest = bytes_after(rest, pair.n + 1);
        if (equals && bytes_is_nocase(bytes_first(pair, (size_t)(equals - pair.p)), name))
            return arena_string(l->arena, bytes_after(pair, (size_t)(equals - pair.p) + 1));
    }
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_make(data, size);
    const uint8_t *mark = size ? memchr(data, '?', size) : NULL;
    struct serve_answer answer;
    struct arena a;

    if (!served)
        prepare();
    arena_init(&a, LIMIT_REQUEST_MEMORY);
    struct bytes path = bytes_first(text, mark ? (size_t)(mark - data) : size);
    struct line line = {&a, bytes_after(text, path.n + 1)};
    struct serve_request r = {"GET", path, 1767225600, query, &line};
    serve_reply(served, &a, &r, &answer);
    must(answer.type != NULL);
    must(answer.status == 200 || answer.status == 400 || answer.status == 404 || answer.status == 410 ||
         answer.status == 461);
    must(answer.status != 200 || (answer.body.n > 0 && serve_path(path)));
    for (size_t i = 0; i < answer.header_count; i++)
        must(!strpbrk(answer.headers[i].value, "\r\n"));
    arena_free(&a);
    return 0;
}
