/* Announced measurements on the service's side ([core] measurements… of assayd.conf(5)): the signed list is served as it stands in its file,
 * and where that is enforced, a core that the list does not have, or not now, is not started.
 *
 * The core is measured once, at the start: the SHA-256 of its programs, for records of kind software; and, where there is hardware to ask,
 * what the TEE measured, for records of its kind. Both must be announced. It keeps an operator from serving with what relying parties
 * will refuse; it keeps nobody who has the host from anything: he can start another assayd. Evidence is what convinces others. */
#ifndef ASSAY_SERVICE_MEASUREMENTS_H
#define ASSAY_SERVICE_MEASUREMENTS_H

#include "service/config.h"

struct measurements;
struct announced; /* a list that was read, and not yet in force */

/* Before pairs start. False, with the reason and a remedy: the list cannot be read, or is enforced and does not have this core. */
bool measurements_open(const struct config *c, struct measurements **out, struct fault *fault);
void measurements_free(struct measurements *m); /* NULL is allowed */

/* The list of this configuration, judged whole; *out is NULL where it names none. */
bool announced_read(const struct config *c, struct announced **out, struct fault *fault);
void announced_free(struct announced *l); /* NULL is allowed */
/* In force from now on, and m's; what runs goes on, and the log says when the next start would refuse it. */
void measurements_use(struct measurements *m, struct announced *l);

/* Whether there is a list, and it is asked for; and the list, byte for byte, valid until the next use. */
bool measurements_path(const struct measurements *m, struct bytes path);
struct bytes measurements_text(const struct measurements *m);

#endif
