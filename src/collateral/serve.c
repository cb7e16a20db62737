#include "collateral/serving.h"

#include <stdlib.h>

#include "crypto/pem.h"

enum { AGE_MOST = 24 * 3600 }; /* seconds; clients of THIM keep nothing longer (sgx-tdx.md 11.3) */

struct served *served_new(size_t memory_limit)
{
    struct served *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    arena_init(&s->arena, memory_limit);
    catalogue_init(&s->catalogue, &s->arena);
    return s;
}

void served_free(struct served *s)
{
    if (!s)
        return;
    arena_free(&s->arena);
    free(s);
}

struct catalogue *served_catalogue(struct served *s)
{
    return &s->catalogue;
}

static const struct signed_document *document_of(const struct collateral *o)
{
    return o->tcb_info      ? &o->tcb_info->document
           : o->identity    ? &o->identity->document
           : o->evaluations ? &o->evaluations->document
                            : NULL;
}

/* Signatures are looked at here and never while a request waits. */
void served_open(struct served *s, uint32_t baseline)
{
    const struct catalogue *c = &s->catalogue;

    s->baseline = baseline;
    s->signer = arena_array(&s->arena, SHA256_SIZE, c->n + 1);
    for (size_t i = 0; i < c->n; i++) {
        const struct signed_document *d = document_of(&c->v[i]);

        if (collateral_judge(c, &c->v[i]) != COLLATERAL_GENUINE || !d)
            continue;
        for (size_t k = 0; k < c->signer_count; k++)
            if (document_signed_by(&s->arena, d, &c->signers[k]->key)) {
                memcpy(s->signer[i], c->signers[k]->spki_digest, SHA256_SIZE);
                break;
            }
    }
}

const char *serving_query(const struct serving *v, const char *name)
{
    return v->r->query(v->r->context, name);
}

void serving_error(struct serving *v, int status, const char *text)
{
    v->out->status = status;
    v->out->type = "text/plain; charset=utf-8";
    v->out->body = bytes_text(text);
    v->out->header_count = 0;
}

void serving_no_data(struct serving *v)
{
    serving_error(v, 404, "No cache data for this platform.");
}

void serving_wrong(struct serving *v, const char *what)
{
    serving_error(v, 400, arena_printf(v->arena, "Invalid request parameters. %s", what));
}

void serving_header(struct serving *v, const char *name, const char *value)
{
    if (v->out->header_count == SERVE_HEADERS)
        return;
    v->out->headers[v->out->header_count].name = name;
    v->out->headers[v->out->header_count++].value = value;
}

void serving_body(struct serving *v, const char *type, struct bytes body)
{
    v->out->status = 200;
    v->out->type = type;
    v->out->body = body;
}

void serving_age(struct serving *v, const struct collateral *o)
{
    int64_t left = o->expires - v->r->time;

    serving_header(v, "Cache-Control",
                   arena_printf(v->arena, "max-age=%d",
                                left < 0          ? 0
                                : left < AGE_MOST ? (int)left
                                                  : AGE_MOST));
}

const char *serving_escaped(struct arena *a, struct bytes pem)
{
    static const char digits[] = "0123456789ABCDEF";
    struct writer w = wr_open(a);

    for (size_t i = 0; i < pem.n; i++) {
        uint8_t c = pem.p[i];
        bool plain =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("-._~", c));

        if (plain) {
            wr_u8(&w, c);
        } else {
            wr_u8(&w, '%');
            wr_u8(&w, (uint8_t)digits[c >> 4]);
            wr_u8(&w, (uint8_t)digits[c & 15]);
        }
    }
    return arena_string(a, wr_done(&w));
}

static bool in_date(const struct certificate *c, int64_t time)
{
    return c->not_before <= time && time <= c->not_after;
}

bool serving_lasts_longer(const struct certificate *a, const struct certificate *b, int64_t time)
{
    if (in_date(a, time) != in_date(b, time))
        return in_date(a, time);
    return a->not_after > b->not_after;
}

struct bytes serving_chain(const struct serving *v, const struct certificate *subject)
{
    const struct catalogue *c = &v->s->catalogue;
    const struct certificate *root = NULL;
    struct writer w = wr_open(v->arena);

    for (size_t i = 0; i < c->authority_count; i++) {
        const struct certificate *candidate = c->authorities[i];

        if (bytes_equal(candidate->subject, subject->issuer) && bytes_equal(candidate->subject, candidate->issuer) &&
            (!root || serving_lasts_longer(candidate, root, v->r->time)) &&
            certificate_signed_by(subject, &candidate->key))
            root = candidate;
    }
    if (!root)
        return BYTES_NONE;
    wr_pem(&w, "CERTIFICATE", subject->der);
    wr_pem(&w, "CERTIFICATE", root->der);
    return wr_done(&w);
}

bool serving_has(const struct collateral *o, enum collateral_kind kind)
{
    return o->kind == kind && o->judged && o->verdict == COLLATERAL_GENUINE;
}

struct bytes serving_part(struct bytes *rest)
{
    const uint8_t *slash = rest->n ? memchr(rest->p, '/', rest->n) : NULL;
    struct bytes part = bytes_first(*rest, slash ? (size_t)(slash - rest->p) : rest->n);

    *rest = slash ? bytes_after(*rest, part.n + 1) : BYTES_NONE;
    return part;
}

/* What lies behind a prefix; letter case does not matter. */
static bool below(struct bytes path, const char *prefix, struct bytes *rest)
{
    size_t n = strlen(prefix);

    if (!bytes_is_nocase(bytes_first(path, n), prefix))
        return false;
    *rest = bytes_after(path, n);
    return true;
}

enum place { PLACE_NONE, PLACE_SGX, PLACE_TDX, PLACE_VCEK, PLACE_VLEK, PLACE_CERTIFICATES, PLACE_CERTIFICATION };

/* Clients of THIM put /metadata/THIM in front where they ask the machine they run on. */
static enum place place_of(struct bytes path, struct bytes *rest)
{
    static const struct {
        const char *prefix;
        enum place place;
    } places[] = {{"/sgx/certification/v", PLACE_SGX},
                  {"/tdx/certification/v", PLACE_TDX},
                  {"/vcek/v1/", PLACE_VCEK},
                  {"/vlek/v1/", PLACE_VLEK},
                  {"/SevSnpVM/certificates/", PLACE_CERTIFICATES}};
    struct bytes inner;
    bool thim = below(path, "/metadata/THIM", &inner);

    if (thim && bytes_is_nocase(inner, "/amd/certification"))
        return PLACE_CERTIFICATION;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (below(thim ? inner : path, places[i].prefix, rest))
            return places[i].place;
    return PLACE_NONE;
}

bool serve_path(struct bytes path)
{
    struct bytes rest;

    return place_of(path, &rest) != PLACE_NONE;
}

static void certification(struct serving *v, bool tdx, struct bytes rest)
{
    struct bytes version = serving_part(&rest);

    if (bytes_is(version, "4") || (bytes_is(version, "3") && !tdx))
        serve_intel(v, tdx, (unsigned)(version.p[0] - '0'), rest);
    else
        serving_error(v, 404, "There is no such path.");
}

void serve_reply(const struct served *s, struct arena *a, const struct serve_request *r, struct serve_answer *out)
{
    struct serving v = {s, a, r, out};
    struct bytes rest = BYTES_NONE;
    enum place place = place_of(r->path, &rest);

    *out = (struct serve_answer){0};
    if (strcmp(r->method, "GET") != 0 && strcmp(r->method, "HEAD") != 0) {
        serving_error(&v, 405, "Only GET and HEAD are served.");
        serving_header(&v, "Allow", "GET, HEAD");
        return;
    }
    switch (place) {
    case PLACE_SGX: certification(&v, false, rest); break;
    case PLACE_TDX: certification(&v, true, rest); break;
    case PLACE_VCEK: serve_kds(&v, false, rest); break;
    case PLACE_VLEK: serve_kds(&v, true, rest); break;
    case PLACE_CERTIFICATES: serve_thim_certificates(&v, rest); break;
    case PLACE_CERTIFICATION: serve_thim_certification(&v); break;
    default: serving_error(&v, 404, "There is no such path."); break;
    }
}
