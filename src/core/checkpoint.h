/* What the core signs of a log, that of decisions or that of the store's records: a checkpoint that goes on from the one signed before,
 * proved to it, and no other. The host keeps the log; it cannot have a shorter one signed, or one that was rewritten. */
#ifndef ASSAY_CORE_CHECKPOINT_H
#define ASSAY_CORE_CHECKPOINT_H

#include "core/state_key.h"
#include "merkle/proof.h"

/* FRAME_LOG: there is such a log, of this name. The use is STATE_CHECKPOINT or STATE_STORE. */
struct bytes write_log(struct arena *a, enum state_key_use use, struct bytes name);
bool read_log(struct bytes body, enum state_key_use *use, struct bytes *name);

/* FRAME_CHECKPOINT. */
struct checkpoint_message {
    enum state_key_use use;
    struct bytes last; /* the newest signed note; empty: the log has none yet */
    struct checkpoint next;
    struct merkle_path growth; /* from the one to the other */
};
struct bytes write_checkpoint(struct arena *a, const struct checkpoint_message *m);
bool read_checkpoint(struct bytes body, struct checkpoint_message *out);

/* May this be signed? `signed_before`: the newest that this process has signed, or size 0; once there is one, `last` must be that one. So
 * what a process signs is one log, and the host asks the same one as long as that runs. Judged check by check in x, whose key is
 * the log's. */
bool checkpoint_judge(struct log_exam *x, const struct checkpoint_message *m, const struct checkpoint *signed_before);

#endif
