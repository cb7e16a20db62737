/* Paths that manage a provider (api.md 2.3-2.5, 2.10), and our own additions under /assay/v1/. Whether the
 * caller may is decided here, by action; what comes of it, in the core. */
#include <time.h>

#include "base/text.h"
#include "core/keeping.h"
#include "service/history.h"
#include "service/kept_routes.h"
#include "service/submit.h"

static void manage(struct service *s, struct exchange *e, const struct tenant *t, struct manage_request request)
{
    request.issuer = t->issuer;
    if (!request.body.p)
        request.body = e->body;
    request.caller = sign_in_caller_text(&e->arena, &e->caller);
    request.time = (int64_t)time(NULL);
    submit(s, e, FRAME_MANAGE, write_manage(&e->arena, &request), t);
}

static bool has_suffix(struct bytes text, const char *suffix)
{
    size_t n = strlen(suffix);

    return text.n > n && bytes_is_nocase(bytes_after(text, text.n - n), suffix);
}

/* What a method of a path does; ends with method NULL. */
struct by_method {
    const char *method;
    enum manage_what what;
};

/* What a caller must be allowed to do (api.md 4). */
static enum action action_of(enum manage_what what)
{
    switch (what) {
    case MANAGE_POLICY_SET:
    case MANAGE_SIGNERS_ADD:
    case MANAGE_LEGACY_POLICY_SET:
    case MANAGE_LEGACY_POLICY_UPDATE:
    case MANAGE_KEEPING_SET:
    case MANAGE_KEEPING_STOP:
    case MANAGE_LEGACY_SIGNERS_ADD: return ACTION_ATTESTATION_WRITE;
    case MANAGE_POLICY_RESET:
    case MANAGE_SIGNERS_REMOVE:
    case MANAGE_LEGACY_POLICY_RESET:
    case MANAGE_LEGACY_SIGNERS_REMOVE: return ACTION_ATTESTATION_DELETE;
    default: return ACTION_ATTESTATION_READ;
    }
}

/* Nobody learns anything before he signed in: not even which methods a path has. */
static void by_method(struct service *s, struct exchange *e, const struct tenant *t, const struct by_method *rows,
                      struct manage_request request, bool versioned)
{
    struct writer others = wr_open(&e->arena);
    const struct by_method *row = rows;

    while (row->method && strcmp(e->method, row->method) != 0) {
        wr_printf(&others, "%s%s", row == rows ? "" : ", ", row->method);
        row++;
    }
    if (!allowed(s, e, t, row->method ? action_of(row->what) : ACTION_ATTESTATION_READ) ||
        (versioned && !version_ok(e)))
        return;
    request.what = row->what;
    if (row->method)
        manage(s, e, t, request);
    else
        wrong_method(e, arena_string(&e->arena, wr_done(&others)));
}

/* A type, or a type with ":reset" behind it. */
static void policies(struct service *s, struct exchange *e, const struct tenant *t, enum policy_slot slot,
                     struct bytes type)
{
    static const struct by_method rows[] = {{"GET", MANAGE_POLICY_GET}, {"PUT", MANAGE_POLICY_SET}, {NULL, 0}};
    static const struct by_method reset_rows[] = {{"POST", MANAGE_POLICY_RESET}, {NULL, 0}};
    bool reset = has_suffix(type, ":reset");

    if (reset)
        type.n -= strlen(":reset");
    by_method(s, e, t, reset ? reset_rows : rows, (struct manage_request){.kind = type, .slot = slot},
              slot == SLOT_ACTIVE);
}

static void baselines(struct service *s, struct exchange *e, const struct tenant *t, struct bytes type)
{
    static const struct by_method rows[] = {{"GET", MANAGE_BASELINES_GET}, {NULL, 0}};
    const char *only = http_query(e, "provideCurrentTcbInPolicy");

    by_method(s, e, t, rows,
              (struct manage_request){.kind = type, .only_selected = only && bytes_is_nocase(bytes_text(only), "true")},
              true);
}

/* Whole paths, and what their methods do. */
static const struct {
    const char *path;
    bool of_tee; /* the query parameter tee names the type */
    struct by_method rows[4];
} whole_paths[] = {
    {"/certificates", false, {{"GET", MANAGE_SIGNERS_GET}}},
    {"/certificates:add", false, {{"POST", MANAGE_SIGNERS_ADD}}},
    {"/certificates:remove", false, {{"POST", MANAGE_SIGNERS_REMOVE}}},
    {"/operations/policy/current",
     true,
     {{"GET", MANAGE_LEGACY_POLICY_GET}, {"PUT", MANAGE_LEGACY_POLICY_SET}, {"POST", MANAGE_LEGACY_POLICY_RESET}}},
    {"/operations/policy/updatepolicy", true, {{"POST", MANAGE_LEGACY_POLICY_UPDATE}}},
    {"/operations/policy/certificates",
     false,
     {{"GET", MANAGE_LEGACY_SIGNERS_GET}, {"PUT", MANAGE_LEGACY_SIGNERS_ADD}, {"POST", MANAGE_LEGACY_SIGNERS_REMOVE}}},
};
enum { WHOLE_PATHS = sizeof whole_paths / sizeof *whole_paths };

static const struct by_method *find_whole(struct exchange *e, struct manage_request *request)
{
    for (size_t i = 0; i < WHOLE_PATHS; i++)
        if (path_is(e->path, whole_paths[i].path)) {
            const char *tee = whole_paths[i].of_tee ? http_query(e, "tee") : NULL;

            request->kind = tee ? bytes_text(tee) : BYTES_NONE;
            return whole_paths[i].rows;
        }
    return NULL;
}

static void shadow_report(struct service *s, struct exchange *e, const struct tenant *t, struct bytes type)
{
    const struct policy_kind *kind = policy_kind_find(type);

    if (!allowed(s, e, t, ACTION_ATTESTATION_READ))
        return;
    if (strcmp(e->method, "GET") != 0)
        wrong_method(e, "GET");
    else if (!kind)
        http_fail(e, 400, "InvalidParameter", "The attestation type is not known to this service.");
    else
        http_reply(e, 200,
                   json_print(&e->arena, shadows_report(s->shadows, &e->arena, t->issuer, bytes_text(kind->name)),
                              JSON_IN_ORDER));
}

/* Whether inputs of its decisions are kept, and for whom. The core reads the body, and what the operator allows stands before it. */
static void keeping(struct service *s, struct exchange *e, const struct tenant *t)
{
    static const struct by_method rows[] = {
        {"GET", MANAGE_KEEPING_GET}, {"PUT", MANAGE_KEEPING_SET}, {"DELETE", MANAGE_KEEPING_STOP}, {NULL, 0}};
    const struct keep_request request = {kept_allowed(s->kept) ? (uint32_t)s->config->decision_keep_days_most : 0,
                                         e->body};

    by_method(s, e, t, rows, (struct manage_request){.body = write_keep_request(&e->arena, &request)}, false);
}

/* The version is in the path. */
static bool own_routes(struct service *s, struct exchange *e, const struct tenant *t)
{
    struct bytes rest;

    if (path_below(e->path, "/assay/v1/shadow/", &rest)) {
        if (has_suffix(rest, ":report"))
            shadow_report(s, e, t, bytes_first(rest, rest.n - strlen(":report")));
        else
            policies(s, e, t, SLOT_SHADOW, rest);
        return true;
    }
    if (path_is(e->path, "/assay/v1/keeping")) {
        keeping(s, e, t);
        return true;
    }
    if (!allowed(s, e, t, ACTION_ATTESTATION_READ))
        return true;
    if (path_below(e->path, "/assay/v1/explain/", &rest)) {
        if (strcmp(e->method, "POST") != 0)
            wrong_method(e, "POST");
        else
            submit_evidence(s, e, t, rest, true);
        return true;
    }
    return kept_routes(s, e, t) || history_routes(s, e, t);
}

bool manage_routes(struct service *s, struct exchange *e, const struct tenant *t)
{
    struct manage_request request = {0};
    const struct by_method *rows = find_whole(e, &request);
    struct bytes type;

    if (rows) {
        by_method(s, e, t, rows, request, true);
    } else if (path_below(e->path, "/policies/", &type)) {
        policies(s, e, t, SLOT_ACTIVE, type);
    } else if (path_below(e->path, "/tcbbaselines/", &type)) {
        baselines(s, e, t, type);
    } else if (e->path.n > strlen("/assay/v1/") &&
               bytes_is_nocase(bytes_first(e->path, strlen("/assay/v1/")), "/assay/v1/")) {
        return own_routes(s, e, t);
    } else {
        return false;
    }
    return true;
}
