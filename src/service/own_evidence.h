/* The service's own evidence inside its signing certificates (DESIGN 8). When a key has been made, or its evidence is old, the hardware
 * is asked for evidence that is bound to the key, in a thread of its own, for it is slow and limits how often it is asked; then the core
 * issues the certificate again over the same key (core/key_evidence.h), and that is stored as a new version of the key's record, which
 * every node sees. kid and key stay as they are.
 *
 * Nodes share a store, and a record has one certificate: the evidence in it is of the node that asked its hardware last. The others
 * leave it alone until it is old. What it vouches for holds for all of them, for a key gets to another node only where that one
 * proves the same. */
#ifndef ASSAY_SERVICE_OWN_EVIDENCE_H
#define ASSAY_SERVICE_OWN_EVIDENCE_H

#include "service/own_evidence_state.h"
#include "service/routes.h"

struct own_evidence;

/* Looks from now on, when the service is ready; the log says where evidence comes from. NULL with a fault. */
struct own_evidence *own_evidence_new(struct service *s, struct fault *fault);
/* NULL is allowed. */
void own_evidence_free(struct own_evidence *o);
/* The key of this provider was made here: it comes before the others. */
void own_evidence_soon(struct own_evidence *o, struct bytes issuer);
/* The operator says that something changed, the TCB say: what is older than an hour is collected anew, and what failed is tried at
 * once. */
void own_evidence_renew(struct own_evidence *o);

void own_evidence_state(const struct own_evidence *o, struct own_evidence_state *out);

#endif
