/* The audit log: one record for each operation, in the members of api.md 8 and some of our own (assay-audit(1)). No evidence, policy
 * or token is in it, only their hashes; of what a caller sent in its header, the user agent alone. */
#ifndef ASSAY_SERVICE_AUDIT_H
#define ASSAY_SERVICE_AUDIT_H

#include "service/http.h"

struct audit;
struct service;

/* As the configuration says; *out is NULL when no log is kept, which all that follows take. */
bool audit_open(const struct service *s, struct audit **out, struct fault *fault);
void audit_close(struct audit *a);
/* The log was moved away, perhaps: go on in a new file. */
void audit_reopen(struct audit *a);

/* May this be done? False while records cannot be written and what the exchange asks for must not be done without one. */
bool audit_admits(const struct audit *a, struct exchange *e);
/* Record what came of an exchange, before the answer goes out. False: it must not go out, for what it tells of is not on record. */
bool audit_exchange(struct audit *a, struct exchange *e, int status, struct bytes answer);

/* What no exchange asked for: an operator's or the service's own doing with the whole store. ok: it was done, else it was refused. False: it
 * is not on record. NULL for a takes nothing. */
bool audit_event(struct audit *a, const char *operation, bool ok, const char *details, struct fault *fault);

struct audit_counts {
    unsigned long records, lost;
};
struct audit_counts audit_counts(const struct audit *a);

#endif
