#include "service/log_routes.h"

#include "merkle/append.h"
#include "service/submit.h"

/* Of files that never change, and of the checkpoint, which does. */
#define FOREVER "public, max-age=31536000, immutable"
#define NOW     "no-cache"
#define PREFIX  "/log/"

static void file(struct service *s, struct exchange *e, const char *path, size_t limit, const char *type,
                 const char *cache)
{
    void *folder = (void *)(uintptr_t)s->config->decision_folder;
    struct bytes content;

    if (!log_folder_read(folder, &e->arena, path, limit, &content, NULL)) {
        http_fail(e, 404, "NotFound",
                  "The log has no such file: it is not so long yet, or a whole tile took its place.");
        return;
    }
    http_header(e, "Content-Type", type);
    http_header(e, "Cache-Control", cache);
    http_reply(e, 200, content);
}

static void key(struct service *s, struct exchange *e)
{
    struct log_key k = {.name = bytes_text(s->config->decision_name)};

    if (!s->ready) {
        http_fail(e, 503, "ServiceUnavailable", "The service is starting. Try again.");
        return;
    }
    memcpy(k.key, pool_state_keys(s->pool)->checkpoint, sizeof k.key);
    http_header(e, "Content-Type", "text/plain; charset=utf-8");
    http_reply(e, 200,
               bytes_text(arena_printf(&e->arena, "%s\n", arena_string(&e->arena, log_key_text(&e->arena, &k)))));
}

bool log_routes_take(const struct service *s, const struct exchange *e)
{
    return s->decisions && s->config->decision_serve && bytes_begin(e->path, PREFIX);
}

void log_routes(struct service *s, struct exchange *e)
{
    struct bytes path = bytes_after(e->path, sizeof PREFIX - 1);
    struct tile t;

    if (strcmp(e->method, "GET") != 0 && strcmp(e->method, "HEAD") != 0)
        wrong_method(e, "GET, HEAD");
    else if (bytes_is(path, "checkpoint"))
        file(s, e, "checkpoint", LOG_NOTE_MOST, "text/plain; charset=utf-8", NOW);
    else if (bytes_is(path, "key"))
        key(s, e);
    else if (tile_parse(path, &t)) /* no other name of a file comes from outside */
        file(s, e, arena_string(&e->arena, tile_path(&e->arena, &t)), LOG_BUNDLE_MOST, "application/octet-stream",
             FOREVER);
    else
        http_fail(e, 404, "NotFound", "There is no such path.");
}
