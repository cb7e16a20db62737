/* The fetcher of endorsements: keeps the folder fresh ahead of expiry, and fetches what a platform asked for that was not there. It
 * has threads of its own, one for each vendor and one that reads the folder; nothing here makes a request wait. When a vendor is
 * away, what is at hand is served on, and its age is told. */
#ifndef ASSAY_SERVICE_COLLATERAL_FETCH_H
#define ASSAY_SERVICE_COLLATERAL_FETCH_H

#include "service/collateral_state.h"
#include "service/fetch_tasks.h"
#include "service/load.h"
#include "service/quota.h"

struct event_base;
struct collateral_fetch;

/* On the event loop: endorsements changed, this is the new snapshot, to be taken. */
typedef void collateral_loaded(void *context, struct loaded *snapshot);

/* config is read whenever a snapshot is loaded, for as long as the fetcher lives: change it only between hold and release. */
struct collateral_fetch *collateral_fetch_new(struct event_base *base, const struct config *config,
                                              collateral_loaded *loaded, void *context, struct fault *fault);
/* NULL is allowed. */
void collateral_fetch_free(struct collateral_fetch *f);
void collateral_fetch_hold(struct collateral_fetch *f);
void collateral_fetch_release(struct collateral_fetch *f);
/* The configuration in force says this now, and the folder may be another one, or have changed. */
bool collateral_fetch_use(struct collateral_fetch *f, struct fault *fault);

/* An appraisal lacked this (struct exam, wanted) for a caller at this address. Gives what becomes of it, and in *seconds when asking
 * again may help. now: microseconds, monotonic. */
enum fetch_ask collateral_fetch_ask(struct collateral_fetch *f, struct bytes wanted,
                                    const uint8_t address[ADDRESS_SIZE], int64_t now, int *seconds);
/* That in words, for the caller. */
const char *collateral_fetch_text(struct arena *a, enum fetch_ask ask, int seconds);

void collateral_fetch_state(struct collateral_fetch *f, struct collateral_state *out);

#endif
