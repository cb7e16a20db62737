/* Who calls, and whether he may: bearer tokens of the configured issuers, judged on the event loop with the keys at hand. Keys
 * come from files, or are fetched by a thread of their own (key_fetch.h); no request waits for them. */
#ifndef ASSAY_SERVICE_SIGN_IN_H
#define ASSAY_SERVICE_SIGN_IN_H

#include "identity/bearer.h"
#include "identity/roles.h"
#include "service/client_certificate.h"
#include "service/config.h"

struct event_base;
struct sign_in;
struct sign_in_set; /* issuers with their keys, and assignments: as one configuration has them */

struct sign_in *sign_in_new(struct event_base *base, struct fault *fault);
void sign_in_free(struct sign_in *s);
/* Read what the configuration names; it must outlive the set. NULL with a fault when a file of keys is bad. */
struct sign_in_set *sign_in_read(const struct config *c, struct fault *fault);
void sign_in_set_free(struct sign_in_set *set);
/* The set decides from now on; takes it, and frees the one before. Keys that were fetched for an issuer which the new set has too
 * stay. */
void sign_in_use(struct sign_in *s, struct sign_in_set *set);

enum access {
    ACCESS_GRANTED,
    ACCESS_UNAUTHENTICATED, /* no token, or one that is not good: 401 */
    ACCESS_DENIED,          /* a caller, but without the right: 401 on the data plane, 403 on the control plane */
};

/* What is asked. */
struct access_request {
    const char *authorization;                    /* the header; NULL: there is none */
    const struct client_certificate *certificate; /* counts without that header only; NULL: there is none */
    enum action action;
    const struct scope *scope;
    int64_t time;
};

struct access_answer {
    struct caller caller;     /* unless unauthenticated; its texts live in the arena */
    const char *failed_check; /* NULL: no token was sent, or the caller is known */
    const char *reason;       /* a sentence for the caller, for whoever is not granted */
};

enum access sign_in_access(struct sign_in *s, struct arena *a, const struct access_request *request,
                           struct access_answer *out);
/* The value of WWW-Authenticate on a 401 (RFC 6750 3, api.md 4). */
const char *sign_in_challenge(const struct sign_in *s, struct arena *a, enum plane plane,
                              const struct access_answer *answer);
/* "ISSUER SUBJECT", as records keep a caller; an issuer has no blanks in it. */
struct bytes sign_in_caller_text(struct arena *a, const struct caller *caller);

#endif
