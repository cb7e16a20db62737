/* What the anchor of the store has read beside what the service was given. The anchor judges every record in the order of the sequence; the service
 * asks for the newest of each provider and kind, which a database may answer from something else: an index, a view, a rule for this one
 * question. Whoever writes the database could so have an older record served, sealed at its time, while the tree is whole. Here both meet: two
 * digests for each provider and kind, 72 bytes in all. Any thread may call. */
#ifndef ASSAY_CORE_STATE_VIEW_H
#define ASSAY_CORE_STATE_VIEW_H

#include "core/record_seal.h"

struct state_view;

struct state_view *state_view_new(void);
void state_view_free(struct state_view *v); /* NULL is none */
/* The anchor read it; the highest version of a provider and kind counts. message: record_message's. */
void state_view_read(struct state_view *v, const struct state_record *r, struct bytes message);
/* From now on this is what is served. */
void state_view_serve(struct state_view *v, const struct state_record *r);
/* All that was there at the start was given to state_view_serve. */
void state_view_whole(struct state_view *v);
bool state_view_is_whole(struct state_view *v);
/* Of how many providers and kinds an older record than was read is served, another one of that version, or none. A newer one is not counted:
 * the anchor comes to it. */
uint64_t state_view_differing(struct state_view *v);

#endif
