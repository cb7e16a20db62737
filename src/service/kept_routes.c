#include "service/kept_routes.h"

#include "base/text.h"
#include "core/keeping.h"
#include "merkle/append.h"
#include "service/submit.h"

static void none(struct exchange *e)
{
    http_fail(e, 404, "NotFound", "Nothing is kept under this name: it never was, or its time is over.");
}

static void give(struct exchange *e, struct bytes content)
{
    http_header(e, "Content-Type", "application/octet-stream");
    http_header(e, "Cache-Control", "no-store");
    http_reply(e, 200, content);
}

static void found(void *context, enum kept_outcome outcome, struct bytes body)
{
    struct exchange *e = context;

    if (outcome == KEPT_FOUND) {
        give(e, arena_copy(&e->arena, body));
    } else if (outcome == KEPT_NONE) {
        none(e);
    } else {
        http_header(e, "Retry-After", "5");
        http_fail(e, 503, "ServiceUnavailable", "What is kept cannot be read now. Try again.");
    }
}

static void inputs(struct service *s, struct exchange *e, const struct tenant *t, struct bytes name)
{
    uint64_t index;

    if (!decimal_parse(name, LOG_SIZE_MOST, &index))
        none(e);
    else if (!kept_find(s->kept, index, t->issuer, tenant_begin(t), found, e)) {
        http_header(e, "Retry-After", "1");
        http_fail(e, 429, "TooManyRequests", "Too many requests wait for what is kept. Try again.");
    }
}

/* Named by the hash of its content: in records, which everybody reads, or in what such a name stands for. */
static void file(struct service *s, struct exchange *e, const char *folder, struct bytes name)
{
    uint8_t digest[SHA256_SIZE];
    struct bytes content;

    if (!hex_decode_exact(name, digest, sizeof digest) ||
        !log_folder_read(
            (void *)(uintptr_t)s->config->decision_folder, &e->arena,
            arena_printf(&e->arena, "%s/%s", folder, arena_string(&e->arena, hex_encode(&e->arena, BYTES_OF(digest)))),
            KEPT_FILE_MOST, &content, NULL))
        none(e);
    else
        give(e, content);
}

bool kept_routes(struct service *s, struct exchange *e, const struct tenant *t)
{
    bool is_settings, is_endorsement;
    struct bytes name;

    is_settings = path_below(e->path, "/assay/v1/kept/settings/", &name);
    is_endorsement = !is_settings && path_below(e->path, "/assay/v1/kept/endorsements/", &name);
    if (!is_settings && !is_endorsement && !path_below(e->path, "/assay/v1/kept/", &name))
        return false;
    if (strcmp(e->method, "GET") != 0)
        wrong_method(e, "GET");
    else if (!kept_allowed(s->kept))
        none(e);
    else if (is_settings)
        file(s, e, "settings", name);
    else if (is_endorsement)
        file(s, e, "endorsements", name);
    else
        inputs(s, e, t, name);
    return true;
}
