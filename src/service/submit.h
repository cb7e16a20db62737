/* What the routes share: who may call, and how a request gets to the core and its answer back. */
#ifndef ASSAY_SERVICE_SUBMIT_H
#define ASSAY_SERVICE_SUBMIT_H

#include "service/routes.h"

/* api-version is there and well formed; false: the exchange was answered. */
bool version_ok(struct exchange *e);
/* Who asks, by what the exchange has: the Authorization header, or the client's certificate. */
struct access_request access_of(struct exchange *e, enum action action, const struct scope *scope);
/* Where the provider is, as its section or its record says; one that is in neither is nowhere: false. */
bool tenant_scope(const struct service *s, const struct tenant *t, struct scope *out);
/* The caller may do this at the provider, it will be on record, and he is in e->caller from now on; false: the exchange was answered 401, or
 * 503. */
bool allowed(struct service *s, struct exchange *e, const struct tenant *t, enum action action);
/* 503: nothing can be put on record now. */
#define UNRECORDABLE \
    "Audit records cannot be written at present, so nothing is changed or shown that needs one. Attesting goes on."
void unrecordable(struct exchange *e);
void wrong_method(struct exchange *e, const char *allowed);
/* To a pair; its answer, once any change in it is durable, goes back through the exchange. */
void submit(struct service *s, struct exchange *e, enum frame_kind kind, struct bytes message, const struct tenant *t);
/* What the store is to keep of a change that the core sealed, in the arena; the issuer is not copied. */
struct record record_of(struct arena *a, struct bytes issuer, const struct change *change);
/* 500: something in the store is not what the core put there. True: the exchange was answered. */
bool state_refused(struct service *s, struct exchange *e, struct tenant *t);
/* Answer that a change was not stored. */
void store_failed(struct exchange *e, enum ledger_outcome outcome, const struct fault *fault);

/* An attest request to a pair, to be judged or (explain) told whole. */
void submit_evidence(struct service *s, struct exchange *e, const struct tenant *t, struct bytes type, bool explain);

/* The whole path, or what is behind this segment of it, letter case ignored; it holds no further segment. */
bool path_is(struct bytes path, const char *whole);
bool path_below(struct bytes path, const char *prefix, struct bytes *rest);

/* Policies, certificates, baselines and all under /assay/v1/; false when the path is none of these. */
bool manage_routes(struct service *s, struct exchange *e, const struct tenant *t);

#endif
