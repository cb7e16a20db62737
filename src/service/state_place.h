/* Where the newest checkpoint of the store is: in a file, and its number in a TPM's counter where that is set. Putting one in force goes in
 * steps, behind each of which a kill or a loss of power leaves what a start completes:
 *
 *     PATH.next is whole and on the disk, signed for the value that the counter will have; it was PATH.next.new
 *     the counter counts up
 *     PATH.next becomes PATH
 *
 * Nothing here is quick: never from the event loop. One process at a time has the place; it is locked by PATH.lock.
 * What a service that was killed had begun to count is counted once, whoever comes first (sealer/counter.c). */
#ifndef ASSAY_SERVICE_STATE_PLACE_H
#define ASSAY_SERVICE_STATE_PLACE_H

#include "service/config.h"
#include "service/state_counter.h"

struct state_place {
    char *path;
    int lock;
    bool counted; /* the counter is set; then: */
    struct counting counting;
    struct state_reading reading;
};

/* `counting` for where the counter is set. False with a fault; either way state_place_close. */
bool state_place_open(const struct state_config *c, const struct counting *counting, struct state_place *out,
                      struct fault *fault);
void state_place_close(struct state_place *p);
/* The newest that is left, empty where there is none. One that was under way is completed; it must be signed by this key. */
bool state_place_newest(struct state_place *p, const struct log_key *key, struct arena *a, struct bytes *note,
                        struct fault *fault);
/* It was judged to be good: from now on the counter is never without a checkpoint. */
bool state_place_keep(struct state_place *p, struct fault *fault);
/* What the next one must say of the counter, which is made where it is not there yet. */
bool state_place_next(struct state_place *p, struct state_counter *out, struct fault *fault);
/* Puts it in force. Where it fails, the same note must be put before any other is signed: whatever is signed for a value of the counter
 * could be put back by others later. */
bool state_place_put(struct state_place *p, struct bytes note, const struct state_counter *of, struct fault *fault);

#endif
