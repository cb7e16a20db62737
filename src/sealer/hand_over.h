/* The three steps of handing the root key over (core/hand_over.h), with the files that they leave. The new node's secret waits beside
 * its key file, sealed like that: KEYFILE.offer; what was offered is KEYFILE.offered. The old node remembers what it answered in
 * KEYFILE.granted. */
#ifndef ASSAY_SEALER_HAND_OVER_H
#define ASSAY_SEALER_HAND_OVER_H

#include "core/hand_over.h"
#include "core/root_key.h"

/* A node. */
struct hand_over_node {
    const char *key_file;
    const struct root_sealer *sealer;
    const struct endorsements *endorsements;
    const struct settings *settings;
    /* Evidence of the TEE this runs in, whose report data are the SHA-256 of the body and zeros. */
    bool (*evidence)(void *context, struct bytes body, struct arena *a, struct key_evidence *out, struct fault *fault);
    void *context;
    int64_t time;
};

/* On the new node, which has no key file yet. An earlier offer is forgotten. */
bool hand_over_offer(const struct hand_over_node *n, struct arena *a, struct bytes *offer, struct fault *fault);
/* On the old one. Nothing is given out, and the root is not opened, before the offer has passed every check. *name: of the root key, as
 * on the other side. Evidence says which program grants a key, not whose key it is: who runs the same program can grant one of his own. */
bool hand_over_grant(const struct hand_over_node *n, struct bytes offer, struct arena *a, struct bytes *grant,
                     struct root_name *name, struct fault *fault);
/* On the new one: its key file is made. */
bool hand_over_accept(const struct hand_over_node *n, struct bytes grant, struct arena *a, struct root_name *name,
                      struct fault *fault);

#endif
