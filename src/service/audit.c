#include "service/audit.h"

#include <arpa/inet.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <time.h>
#include <unistd.h>

#include "arm/resource.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"
#include "service/arm_routes.h"
#include "service/audit_log.h"
#include "service/journal.h"
#include "service/log.h"
#include "service/operation.h"
#include "service/submit.h"

enum { EVENT_MEMORY = 1024 * 1024 };

struct audit {
    const struct service *service;
    struct audit_log *log;
    int journal;  /* -1: none */
    bool failing; /* the last record was lost */
    unsigned long records, lost, lost_in_a_row;
};

bool audit_open(const struct service *s, struct audit **out, struct fault *fault)
{
    const struct config *c = s->config;

    *out = NULL;
    if (!c->audit_file)
        return true;
    struct audit *a = calloc(1, sizeof *a);
    if (!a)
        return fault_set(fault, FAULT_SYSTEM, "no memory");
    *a = (struct audit){.service = s, .journal = -1};
    a->log = audit_log_open(c->audit_file, fault);
    if (a->log && (!c->audit_journal || (a->journal = journal_open(fault)) >= 0)) {
        *out = a;
        return true;
    }
    audit_close(a);
    return false;
}

void audit_close(struct audit *a)
{
    if (!a)
        return;
    log_info("audit: %lu records, %lu lost", a->records, a->lost);
    audit_log_close(a->log);
    if (a->journal >= 0)
        close(a->journal);
    free(a);
}

void audit_reopen(struct audit *a)
{
    struct fault fault = {0};

    if (a && !audit_log_reopen(a->log, &fault))
        log_error("the audit log goes on in the old file: %s", fault.text);
}

struct audit_counts audit_counts(const struct audit *a)
{
    return a ? (struct audit_counts){a->records, a->lost} : (struct audit_counts){0};
}

/* One record, while it is made. */
struct recording {
    struct audit *audit;
    struct exchange *exchange;
    struct arena *arena;
    struct operation operation;
    const struct tenant *tenant; /* NULL: none is concerned, or it cannot be told which */
    struct scope scope;          /* where it is, or what of that the request told */
    int status;
    const char *category;
};

#define AUDIT_EVENT   "AuditEvent"
#define OPERATIONAL   "Operational"
#define NOT_PROCESSED "NotProcessed"

static bool is_management(enum operation_class class)
{
    return class == OPERATION_MANAGE || class == OPERATION_CONTROL;
}

/* What a caller wrote, cut, and nothing in it that does not print. */
static struct bytes visible(struct arena *a, struct bytes text, size_t most)
{
    char *out = arena_string(a, bytes_first(text, most));

    for (size_t i = 0; i < text.n && i < most; i++)
        if (out[i] < ' ' || out[i] > '~')
            out[i] = '?';
    return bytes_make(out, text.n < most ? text.n : most);
}

static void find_control_target(struct recording *r)
{
    const struct service *s = r->audit->service;
    struct arm_route route;
    const char *methods;

    if (arm_routes_find(r->exchange, &route, &methods) != ARM_FOUND)
        return;
    r->scope = (struct scope){route.subscription, route.group, route.name, false};
    if (route.name.n)
        r->tenant = registry_by_place(s->registry, &(struct place){route.subscription, route.group, route.name});
}

static void find_target(struct recording *r)
{
    const struct service *s = r->audit->service;
    struct exchange *e = r->exchange;

    if (r->status == 421 || e->authority.n == 0)
        return; /* it says two things about whom it is for, or nothing that was read */
    if (arm_routes_take(s, e)) {
        find_control_target(r);
        return;
    }
    const struct tenant *t = registry_by_authority(s->registry, e->authority);
    if (t && tenant_serves(t) && tenant_scope(s, t, &r->scope))
        r->tenant = t;
}

/* What was refused before anybody looked at what it asks for is not processed. */
static const char *category_of(const struct recording *r)
{
    bool of_nobody = !r->tenant && r->operation.class != OPERATION_CONTROL;

    if (r->status == 401 || r->status == 403)
        return AUDIT_EVENT;
    if (r->operation.class == OPERATION_UNKNOWN || of_nobody || r->status == 405 || r->status == 413)
        return NOT_PROCESSED;
    return is_management(r->operation.class) ? AUDIT_EVENT : OPERATIONAL;
}

static void set_text(struct recording *r, struct json *to, const char *name, struct bytes text)
{
    json_set(to, bytes_text(name), json_new_text(r->arena, text_clean(r->arena, text)));
}

static void set_number(struct recording *r, struct json *to, const char *name, const char *digits)
{
    struct json *v = json_new(r->arena, JSON_NUMBER);

    v->text = bytes_text(digits);
    json_set(to, bytes_text(name), v);
}

static struct bytes name_part(struct recording *r, struct bytes part)
{
    return visible(r->arena, part, LIMIT_AUDIT_TEXT);
}

/* As far as the request has it. */
static struct bytes target_id(struct recording *r)
{
    struct scope *s = &r->scope;
    struct writer w = wr_open(r->arena);

    if (s->provider.n)
        return resource_id(r->arena, &(struct resource){.owner = s->shared ? ARM_SHARED : ARM_TENANT,
                                                        .subscription = name_part(r, s->subscription),
                                                        .group = name_part(r, s->group),
                                                        .name = name_part(r, s->provider)});
    if (s->subscription.n) {
        wr_text(&w, "/subscriptions/");
        wr_put(&w, name_part(r, s->subscription));
    }
    if (s->group.n) {
        wr_text(&w, "/resourceGroups/");
        wr_put(&w, name_part(r, s->group));
    }
    return wr_done(&w);
}

/* "EastUS" of "East US". */
static struct bytes region_name(struct recording *r)
{
    const struct region *region =
        r->tenant ? arm_routes_region(&r->audit->service->config->regions, r->tenant->issuer) : NULL;
    struct writer w = wr_open(r->arena);

    for (size_t i = 0; region && i < region->name.n; i++)
        if (region->name.p[i] != ' ')
            wr_u8(&w, region->name.p[i]);
    return wr_done(&w);
}

static const char *time_now(struct arena *a)
{
    struct timespec now;
    char seconds[32];

    clock_gettime(CLOCK_REALTIME, &now);
    time_format(now.tv_sec, seconds);
    return arena_printf(a, "%.19s.%07ldZ", seconds, now.tv_nsec / 100);
}

static const char *duration(struct arena *a, int64_t began)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    long long took = (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000 - began;
    return arena_printf(a, "%lld.%03lld", took / 1000, took % 1000);
}

static struct bytes address_text(struct arena *a, const uint8_t address[ADDRESS_SIZE])
{
    char text[INET6_ADDRSTRLEN];

    return bytes_text(arena_string(a, bytes_text(inet_ntop(AF_INET6, address, text, sizeof text) ? text : "")));
}

/* The record's schema has these two as texts that hold JSON. */
static struct bytes inner(struct recording *r, const struct json *object)
{
    return json_print(r->arena, object, JSON_IN_ORDER);
}

static struct bytes trace_context(struct recording *r)
{
    struct json *o = json_new(r->arena, JSON_OBJECT);
    const char *id = r->exchange->id; /* 00-TRACE-PARENT-FLAGS */

    set_text(r, o, "traceId", bytes_make(id + 3, 32));
    set_text(r, o, "parentId", bytes_make(id + 36, 16));
    return inner(r, o);
}

static struct bytes identity(struct recording *r)
{
    struct json *o = json_new(r->arena, JSON_OBJECT);
    const struct caller *c = &r->exchange->caller;

    if (c->subject.n == 0)
        return inner(r, o);
    set_text(r, o, "callerAadUPN", c->name);
    set_text(r, o, "callerAadObjectId", c->object);
    set_text(r, o, "callerId", c->subject);
    set_text(r, o, "callerIssuer", c->issuer);
    return inner(r, o);
}

/* Of a query, only what the service itself asks for: anything may stand in it, such as a token. */
static void put_query(struct writer *w, struct bytes query)
{
    static const char *const known[] = {"api-version", "tee",    "provideCurrentTcbInPolicy",
                                        "limit",       "before", "version"};
    char separator = '?';

    while (query.n) {
        const uint8_t *end = memchr(query.p, '&', query.n);
        struct bytes one = bytes_first(query, end ? (size_t)(end - query.p) : query.n);
        const uint8_t *equals = one.n ? memchr(one.p, '=', one.n) : NULL;
        struct bytes name = bytes_first(one, equals ? (size_t)(equals - one.p) : one.n);

        query = bytes_after(query, one.n + 1);
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            if (bytes_is_nocase(name, known[i]) && one.n <= name.n + 33) {
                wr_u8(w, (uint8_t)separator);
                wr_put(w, one);
                separator = '&';
            }
    }
}

static struct bytes whole_uri(struct recording *r)
{
    struct exchange *e = r->exchange;
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(e->request);
    const char *query = uri ? evhttp_uri_get_query(uri) : NULL;
    struct writer w = wr_open(r->arena);

    if (e->authority.n == 0)
        return BYTES_NONE;
    struct bytes authority = visible(r->arena, e->authority, LIMIT_AUDIT_TEXT);
    const uint8_t *colon = memrchr(authority.p, ':', authority.n);
    wr_text(&w, "https://");
    wr_put(&w, authority);
    if (!colon || memchr(colon, ']', authority.n - (size_t)(colon - authority.p)))
        wr_text(&w, ":443");
    wr_put(&w, visible(r->arena, bytes_text(e->sent_path), LIMIT_AUDIT_TEXT));
    if (query)
        put_query(&w, bytes_text(query));
    return visible(r->arena, wr_done(&w), 4 * LIMIT_AUDIT_TEXT);
}

static struct json *data_received(struct recording *r)
{
    struct exchange *e = r->exchange;
    struct json *o = json_new(r->arena, JSON_OBJECT), *headers = json_new(r->arena, JSON_OBJECT);
    const char *agent = http_request_header(e, "User-Agent"), *trace = http_request_header(e, "traceparent");
    struct evkeyvalq *all = evhttp_request_get_input_headers(e->request);
    int64_t count = 0, cookies = 0;

    for (struct evkeyval *h = all->tqh_first; h; h = h->next.tqe_next) {
        count++;
        cookies += strcasecmp(h->key, "Cookie") == 0;
    }
    if (agent)
        set_text(r, headers, "User-Agent", visible(r->arena, bytes_text(agent), LIMIT_AUDIT_AGENT));
    JSON_SET(o, "Headers", headers);
    JSON_SET(o, "HeaderCount", json_new_integer(r->arena, count));
    JSON_SET(o, "ContentLength", json_new_integer(r->arena, (int64_t)e->body.n));
    JSON_SET(o, "CookieCount", json_new_integer(r->arena, cookies));
    if (trace && strcmp(trace, e->id) == 0)
        set_text(r, o, "TraceParent", bytes_text(e->id));
    return o;
}

static const char *failure_category(int status)
{
    if (status < 400)
        return "None";
    if (status == 401 || status == 403)
        return "AzureAuthorization";
    return status < 500 ? "Request" : "Service";
}

static struct json *properties(struct recording *r, struct bytes id)
{
    struct json *o = json_new(r->arena, JSON_OBJECT);
    const char *code = evhttp_find_header(evhttp_request_get_output_headers(r->exchange->request), "x-ms-error-code");

    set_text(r, o, "failureResourceId", r->status < 400 ? BYTES_NONE : id);
    set_text(r, o, "failureCategory", bytes_text(failure_category(r->status)));
    set_text(r, o, "failureDetails", bytes_text(code && r->status >= 400 ? code : ""));
    JSON_SET(o, "infoDataReceived", data_received(r));
    return o;
}

static void set_hash(struct recording *r, struct json *to, const char *name, struct bytes of)
{
    set_text(r, to, name, hex_encode(r->arena, sha256_of(r->arena, of)));
}

static const char *result_type(const struct recording *r)
{
    if (r->status >= 400)
        return "Failed";
    return strcmp(r->category, AUDIT_EVENT) == 0 ? "Success" : "Succeeded";
}

static struct bytes record_text(struct recording *r, struct bytes answer)
{
    struct exchange *e = r->exchange;
    struct json *o = json_new(r->arena, JSON_OBJECT);
    struct bytes id = target_id(r), region = region_name(r);

    set_text(r, o, "Time", bytes_text(time_now(r->arena)));
    set_text(r, o, "resourceId", id);
    set_text(r, o, "region", region);
    set_text(r, o, "location", region);
    set_text(r, o, "operationName", bytes_text(r->operation.name));
    set_text(r, o, "category", bytes_text(r->category));
    set_text(r, o, "resultType", bytes_text(result_type(r)));
    set_text(r, o, "resultSignature", bytes_text(arena_printf(r->arena, "%d", r->status)));
    set_number(r, o, "durationMs", duration(r->arena, e->began));
    set_text(r, o, "callerIpAddress", address_text(r->arena, e->address));
    set_text(r, o, "traceContext", trace_context(r));
    set_text(r, o, "identity", identity(r));
    set_text(r, o, "uri", whole_uri(r));
    set_text(r, o, "level", bytes_text(r->status < 400 ? "Informational" : "Error"));
    JSON_SET(o, "properties", properties(r, id));
    set_text(r, o, "requestId", bytes_text(e->id));
    if (e->failed_check)
        set_text(r, o, "failedCheck", bytes_text(e->failed_check));
    if (e->body.n)
        set_hash(r, o, "requestSha256", e->body);
    if (r->status == 200 && answer.n &&
        (r->operation.class == OPERATION_ATTEST || r->operation.class == OPERATION_MANAGE))
        set_hash(r, o, "answerSha256", answer);
    return json_print(r->arena, o, JSON_IN_ORDER);
}

static bool write_record(struct recording *r, struct bytes text, bool sync, struct fault *fault)
{
    struct audit *a = r->audit;
    struct bytes line;

    return audit_log_write(a->log, r->arena, text, sync, &line, fault) &&
           (a->journal < 0 || journal_send(a->journal, r->status < 400 ? JOURNAL_INFO : JOURNAL_ERROR, line, fault));
}

/* Told once when it begins and once when it ends: a full disk must not fill with what is said of it. */
static void note(struct audit *a, bool ok, const struct fault *fault)
{
    if (ok) {
        a->records++;
        if (a->failing)
            log_info("audit: records are written again; %lu were lost", a->lost_in_a_row);
        a->failing = false;
        a->lost_in_a_row = 0;
        return;
    }
    a->lost++;
    a->lost_in_a_row++;
    if (!a->failing)
        log_error("audit: a record is lost: %s%s", fault->text,
                  a->service->config->audit_refuse ? "; what changes or shows policies and providers is refused" : "");
    a->failing = true;
}

bool audit_admits(const struct audit *a, struct exchange *e)
{
    return !a || !a->failing || !a->service->config->audit_refuse || !is_management(operation_of(a->service, e).class);
}

/* Only what a caller with rights asks for is worth waiting for the disk: strangers must not make others wait. */
static bool needs_disk(const struct recording *r)
{
    const struct exchange *e = r->exchange;

    return r->audit->service->config->audit_sync && is_management(r->operation.class) && e->caller.subject.n > 0 &&
           r->status < 400 && strcmp(e->method, "GET") != 0 && strcmp(e->method, "HEAD") != 0;
}

bool audit_event(struct audit *a, const char *operation, bool ok, const char *details, struct fault *fault)
{
    struct arena arena;
    struct recording r = {.audit = a, .arena = &arena, .status = ok ? 200 : 500};

    if (!a)
        return true;
    arena_init(&arena, EVENT_MEMORY);
    struct json *o = json_new(&arena, JSON_OBJECT), *p = json_new(&arena, JSON_OBJECT);
    set_text(&r, o, "Time", bytes_text(time_now(&arena)));
    set_text(&r, o, "operationName", bytes_text(operation));
    set_text(&r, o, "category", bytes_text(AUDIT_EVENT));
    set_text(&r, o, "resultType", bytes_text(ok ? "Success" : "Failed"));
    set_text(&r, o, "level", bytes_text(ok ? "Informational" : "Error"));
    set_text(&r, p, "failureCategory", bytes_text(failure_category(r.status)));
    set_text(&r, p, "failureDetails", bytes_text(details));
    JSON_SET(o, "properties", p);
    bool written = write_record(&r, json_print(&arena, o, JSON_IN_ORDER), true, fault);
    arena_free(&arena);
    return written;
}

bool audit_exchange(struct audit *a, struct exchange *e, int status, struct bytes answer)
{
    struct recording r = {.audit = a, .exchange = e, .arena = &e->arena, .status = status};
    struct fault fault = {0};

    if (!a)
        return true;
    r.operation = operation_of(a->service, e);
    if (r.operation.class == OPERATION_PUBLIC && (status < 400 || status >= 500))
        return true;
    find_target(&r);
    r.category = category_of(&r);
    bool ok = write_record(&r, record_text(&r, answer), needs_disk(&r), &fault);
    note(a, ok, &fault);
    return ok || status >= 400 || !a->service->config->audit_refuse || !is_management(r.operation.class);
}
