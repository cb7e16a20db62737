/* A proof that an entry is in a log, as one file that needs nothing else but the log's key (C2SP tlog-proof): the entry's index, the
 * hashes on its way to the root, and the checkpoint that vouches for that. The entry itself comes with it. */
#ifndef ASSAY_MERKLE_PROOF_H
#define ASSAY_MERKLE_PROOF_H

#include "base/check.h"
#include "merkle/cosign.h"

enum { LOG_PROOF_MOST = 192 * 1024 /* bytes: the longest entry in base64, the path, the checkpoint */ };

/* Hashes, each as a line of base64, and the empty line behind the last. */
void wr_path(struct writer *w, struct arena *a, const struct merkle_path *path);
bool rd_path(struct reader *r, struct arena *a, struct merkle_path *out);

struct log_proof {
    uint64_t index;
    struct bytes entry; /* as "extra" */
    struct merkle_path path;
    struct bytes checkpoint; /* the note */
};
struct bytes log_proof_write(struct arena *a, const struct log_proof *p);
/* False for what log_proof_write would not write. */
bool log_proof_read(struct arena *a, struct bytes text, struct log_proof *out);

/* Judging, check by check (log.…). */
struct log_exam {
    struct arena *arena;
    struct trace *trace;
    const struct log_key *key;
    const struct log_key *witness; /* a checkpoint must have its cosignature too; NULL: nobody's */
    int64_t now, witness_age; /* it cosigned within so many seconds of now, seconds since 1970; 0: whenever it was */
    struct checkpoint checkpoint; /* out: what the log's key vouches for */
    int64_t cosigned;             /* out: when the witness did, seconds since 1970 */
};
bool log_judge_checkpoint(struct log_exam *x, struct bytes note);
bool log_judge_inclusion(struct log_exam *x, const struct log_proof *p);
/* Two checkpoints, the older one first: the newer goes on from it. x->checkpoint is the newer one then, and it alone must be cosigned:
 * what it goes on from may be of a time when there was no witness. */
bool log_judge_consistency(struct log_exam *x, struct bytes old_note, struct bytes new_note,
                           const struct merkle_path *path);
/* Of checkpoints that were judged, or are to be signed. */
bool log_judge_growth(struct log_exam *x, const struct checkpoint *old, const struct checkpoint *next,
                      const struct merkle_path *path);

#endif
