/* Accepting what is in a store as the truth: its records get the seals that they lack, or that do not fit them. For an operator who looked
 * at it, while the service is stopped (`assayd adopt`), and for stores of a release that sealed none. Where the store is anchored, it is
 * anchored anew, as it was listed. It overrides what seals and anchors are for, so that a pair of the core does it alone when it was started for it, and never one that serves. */
#ifndef ASSAY_SERVICE_ADOPT_H
#define ASSAY_SERVICE_ADOPT_H

#include "core/keeper.h"
#include "core/record_seal.h"
#include "merkle/growth.h"
#include "service/config.h"
#include "store/store.h"

struct adoption {
    struct keeper *keeper;
    struct pair pair;
    struct state_keys keys;
    uint64_t records, refused; /* of the survey */
    struct merkle_growth all;  /* everything that was there: a leaf for each record */
};

/* A pair that does this and nothing else, of a keeper that has a place for it (host_keeper). *out is to be ended in either case. */
bool adopt_begin(struct keeper *keeper, struct adoption *out, struct fault *fault);
void adopt_end(struct adoption *a);
/* Reads the whole store; each is called for every record that is not as the core sealed it. */
typedef void adopt_each(void *context, const struct record *record, enum check_id failed);
bool adopt_survey(struct adoption *a, struct store *s, adopt_each *each, void *context, struct fault *fault);
/* The store as it was surveyed, as one number: the root over all of its records. */
bool adopt_state(struct adoption *a, struct merkle_hash *out, struct fault *fault);
/* Seals those; false where a record is not as it was surveyed. */
bool adopt_all(struct adoption *a, struct store *s, struct fault *fault);
/* Where the store is anchored: signs what was surveyed, with the seals of adopt_all, as its newest checkpoint, whatever was before, and puts
 * that in force. The store is not read again: what was changed meanwhile is refused by the next start. */
bool adopt_anchor(struct adoption *a, const struct config *c, struct fault *fault);
/* For development: a store in which nothing is sealed is of a release that sealed nothing, and is adopted, which the log tells. */
bool adopt_unsealed(struct keeper *keeper, struct store *s, struct fault *fault);
/* assayd adopt; gives the exit status. */
int adopt_command(int argc, char **argv);
/* The same record, as the core knows it. */
struct state_record state_record_of(const struct record *r);

#endif
