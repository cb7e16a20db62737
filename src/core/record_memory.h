/* What a verifier has seen of the records of providers: the highest version of each kind. An older one that comes later was put
 * back by whoever owns the database or the host, however good its seal (DESIGN 5). It lasts as long as the process. */
#ifndef ASSAY_CORE_RECORD_MEMORY_H
#define ASSAY_CORE_RECORD_MEMORY_H

#include "base/bytes.h"

struct record_memory;

struct record_memory *record_memory_new(void); /* NULL without memory */
void record_memory_free(struct record_memory *m);
/* A record whose seal is good. False: a higher version was seen, or another record of this very version; else it is remembered. message:
 * record_message's. */
bool record_memory_take(struct record_memory *m, struct bytes provider, struct bytes kind, uint64_t version,
                        struct bytes message);
/* The highest that was seen; 0: none. */
uint64_t record_memory_version(const struct record_memory *m, struct bytes provider, struct bytes kind);

#endif
