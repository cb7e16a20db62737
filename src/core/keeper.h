/* The keeper: the one process that starts the core's pairs, so that the host cannot (DESIGN 5). The host forks it before it opens a
 * listener or reads anything from outside. It becomes the user of the core, where there is one, and from then on the host, another user,
 * can neither read the key file nor reach the processes of the core: it has the channels to its verifiers, and this.
 *
 *     host                                      keeper
 *                                     <-        struct keeper_answer: KEEPER_READY
 *     struct keeper_request           ->        one packet of this size; anything else ends the keeper, and every pair
 *                                     <-        struct keeper_answer, to KEEPER_START with the descriptor to the verifier
 *                                     <-        the same with KEEPER_SIGNER_ENDED, at any time
 *
 * Packets of one socket pair, numbers as this machine has them: both ends are one program. There are no texts in it. Whatever a pair is
 * started with, the keeper was forked with; what changes it is another start of the service. */
#ifndef ASSAY_CORE_KEEPER_H
#define ASSAY_CORE_KEEPER_H

#include <errno.h>
#include <stdint.h>

#include "core/pair.h"

/* The longest that the host waits for an answer, or for the end: then the keeper is taken for gone. A macro, for it stands in a text. */
#define KEEPER_ANSWER_SECONDS 10

/* So often, at most, is a pair started in one place: that many at once, then one in each interval; and none while the sealer works that
 * the signer of the last one started, and which outlives it. A host that was taken over would else keep the machine and its TPM busy with
 * starts. A service at its worst asks every half second. */
enum { KEEPER_STARTS_AT_ONCE = 20, KEEPER_START_MILLISECONDS = 250, KEEPER_TOO_OFTEN = EBUSY };

enum keeper_verb {
    KEEPER_START = 1,    /* a pair in a place that has none */
    KEEPER_END_VERIFIER, /* its verifier, which may have ended by itself: how is answered */
    KEEPER_KILL,         /* both, whatever is left of them: the place has no pair now */
    KEEPER_COUNT,        /* the counter of the TPM, by assay-sealer; with the descriptor to what it says */
    KEEPER_SIGNER_ENDED, /* of answers alone: by itself, how is told */
    KEEPER_READY,        /* of answers alone: the first, once it is confined */
};

/* What KEEPER_COUNT has as its place (sealer/counter.h). */
enum keeper_counter { COUNTER_READ, COUNTER_ADD, COUNTER_KEEP, COUNTER_VERBS };

struct keeper_request {
    uint32_t verb, place;
    uint64_t value; /* of KEEPER_COUNT */
};

struct keeper_answer {
    uint32_t verb, place;
    int32_t status; /* of the process that ended; of a start that failed, the error number, or KEEPER_TOO_OFTEN */
    int32_t verifier, signer; /* their process ids, for the log: of a start, and the signer that ended */
};

struct keeper_options {
    struct pair_options pair; /* of each; place and adopts are the keeper's to set. pair.pairs: places, from 0 */
    bool adopts;              /* the place behind them is for one that seals what an operator vouches for */
    const char *sealer;       /* the path of assay-sealer; NULL: no counter is set */
    const char *counter_tpm, *counter_index; /* its arguments (sealer/counter.h) */
    const char *user;                        /* whom it becomes, with what it starts; NULL: nobody else */
};

/* In the child: serve the host at this descriptor until it ends, or says something malformed. */
_Noreturn void keeper_process(const struct keeper_options *o, int host);

/* The host's side. */
struct keeper;
/* *out is to be ended in either case. */
bool keeper_begin(const struct keeper_options *o, struct keeper **out, struct fault *fault);
/* It kills what is left of its pairs, and ends; how, to stand behind "ended". One that gives no answer is not waited for. */
void keeper_end(struct keeper *k, char text[PAIR_END_TEXT]);
/* As the functions of core/pair.h, for the pair of a place. A place of which the start failed is empty. */
bool keeper_pair_start(struct keeper *k, size_t place, struct pair *out, struct fault *fault);
void keeper_pair_end_verifier(struct keeper *k, size_t place, struct pair *p, char text[PAIR_END_TEXT]);
void keeper_pair_kill(struct keeper *k, size_t place, struct pair *p);
/* The place of the pair that seals what an operator vouches for. */
size_t keeper_adopting_place(const struct keeper *k);

/* assay-sealer counts: *fd is where it says what came of it, until it ends; to be closed. Two are never under way. */
bool keeper_count(struct keeper *k, enum keeper_counter verb, uint64_t value, int *fd, struct fault *fault);

/* What it says unasked. Readable when there may be news; those that came beside an answer, its end too, are held here. */
int keeper_fd(const struct keeper *k);
bool keeper_has_news(const struct keeper *k);
enum keeper_news { KEEPER_SILENT, KEEPER_NEWS, KEEPER_GONE };
/* Never waits. KEEPER_NEWS: the signer of a.place ended with a.status. KEEPER_GONE: it ended, and every pair with it, or gives no answer. */
enum keeper_news keeper_news(struct keeper *k, struct keeper_answer *a);
/* Of one that is gone: what became of it. */
const char *keeper_gone_text(const struct keeper *k);

#endif
