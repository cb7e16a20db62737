/* What is known of the endorsements in the folder, and what came of fetching them; for metrics and the log. */
#ifndef ASSAY_SERVICE_COLLATERAL_STATE_H
#define ASSAY_SERVICE_COLLATERAL_STATE_H

#include "collateral/fetch.h"
#include "service/fetch_tasks.h"

/* Objects of one kind; of several about the same the newest one alone counts for the times. */
struct collateral_kind_state {
    size_t objects;
    int64_t issued;    /* of the one issued longest ago */
    int64_t expires;   /* of the one that expires first */
    const char *first; /* name of that; NULL without objects; lives as long as the arena it was scanned into */
};

struct collateral_state {
    struct collateral_kind_state kinds[COLLATERAL_KINDS];
    bool fetching; /* sources are set */
    unsigned long fetched[UPSTREAM_SHAPES][FETCH_OUTCOMES];
    int64_t succeeded[UPSTREAM_SHAPES]; /* when last, in seconds since 1970; 0: never */
    unsigned long asked[FETCH_ASKS];
    unsigned long loads;
    size_t tasks;
};

/* Of a catalogue at this time. */
void collateral_state_of(const struct catalogue *c, struct collateral_kind_state kinds[COLLATERAL_KINDS]);
/* Is there none about the same that is newer, or of a higher evaluation number? */
bool collateral_is_newest(const struct catalogue *c, const struct collateral *o);

void wr_collateral_metrics(struct writer *w, const struct collateral_state *s, int64_t now);

#endif
