/* A bounded cache of immutable objects by the digest of all that made them (DESIGN 5, "Caches"): decoded chains,
 * compiled policies, facts of the form "this signature verifies". What it holds cannot change an answer, only its cost.
 * Single-threaded: each verifier has its own. */
#ifndef ASSAY_CRYPTO_CACHE_H
#define ASSAY_CRYPTO_CACHE_H

#include "crypto/digest.h"

struct cache;

/* entries and bytes bound it; the least recently used go first. */
struct cache *cache_new(size_t entries, size_t bytes);
void cache_free(struct cache *c);
/* Key of parts, each framed by its length so that no two lists of parts collide. kind separates uses. */
void cache_key(const char *kind, const struct bytes *parts, size_t count, uint8_t key[SHA256_SIZE]);
/* NULL when absent; c may be NULL (never a hit). */
const void *cache_find(struct cache *c, const uint8_t key[SHA256_SIZE]);
/* An arena in which to build an object to be kept, under the same limit as the request's; it becomes the cache's by cache_keep
 * (which does not keep what is larger than the whole cache), or goes by cache_discard. Both leave the object readable until
 * cache_settle. With c NULL `request` serves instead, so callers have one path. */
struct arena *cache_arena(struct cache *c, struct arena *request);
void cache_keep(struct cache *c, const uint8_t key[SHA256_SIZE], struct arena *built, const void *object);
void cache_discard(struct cache *c, struct arena *built);
/* Drop one object, as if it had never been seen. */
void cache_forget(struct cache *c, const uint8_t key[SHA256_SIZE]);
/* Objects evicted since the last call are released now: call between requests, when no view of them is in use. */
void cache_settle(struct cache *c);

#endif
