/* The tree over all records of the store (core/state_checkpoint.h), read from the store. It waits for the store, so never from the event
 * loop. */
#ifndef ASSAY_SERVICE_STATE_TREE_H
#define ASSAY_SERVICE_STATE_TREE_H

#include "core/checkpoint.h"
#include "core/state_checkpoint.h"
#include "core/state_view.h"
#include "merkle/growth.h"
#include "store/store.h"

/* The records above `since` as the log has them; those of the first `settled` take no memory. *since is the last one's sequence then. Each is
 * shown to the view, where there is one. */
bool state_tree_read(struct store *store, uint64_t *since, uint64_t settled, struct merkle_growth *g,
                     struct state_view *view, struct fault *fault);
/* What the core is asked to sign: that the log of these records goes on from their first part, of which m->last is the checkpoint, or none. */
bool state_tree_message(struct merkle_growth *g, const struct log_key *key, const struct state_mark *mark,
                        struct arena *a, struct checkpoint_message *m, struct fault *fault);

#endif
