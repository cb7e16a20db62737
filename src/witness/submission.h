/* What a log gives a witness to cosign (C2SP tlog-witness, add-checkpoint): the size that the witness knows already, a proof that the
 * checkpoint goes on from it, and the checkpoint. Both ends are here: services ask (witness/ask.h), `assay witness` answers
 * (witness/book.h). */
#ifndef ASSAY_WITNESS_SUBMISSION_H
#define ASSAY_WITNESS_SUBMISSION_H

#include "merkle/proof.h"

enum {
    SUBMISSION_PATH_MOST = 63,              /* hashes, by the protocol */
    SUBMISSION_MOST = LOG_NOTE_MOST + 4096, /* bytes: so many lines of hashes and the size have less than 3000 */
};
#define SUBMISSION_PATH "/add-checkpoint"  /* behind the witness's URL */
#define SUBMISSION_SIZE "text/x.tlog.size" /* the type of an answer 409, whose body is a size and a line end */

struct submission {
    uint64_t old;
    struct merkle_path path;
    struct bytes note;
};
struct bytes submission_write(struct arena *a, const struct submission *s);
/* False for what submission_write would not write; the note is not looked at. Views into the body. */
bool submission_read(struct arena *a, struct bytes body, struct submission *out);

/* The body of an answer 409. */
bool submission_size_read(struct bytes body, uint64_t *out);

#endif
