/* Keys of issuers, fetched by a thread of its own: ahead of need, and when a token names one that is not known. What it fetched is
 * handed to the event loop; nothing else waits for it. */
#ifndef ASSAY_SERVICE_KEY_FETCH_H
#define ASSAY_SERVICE_KEY_FETCH_H

#include <stdatomic.h>

#include "identity/keys.h"

struct event_base;
struct key_fetch;

/* Where one issuer's keys come from. */
struct key_source {
    struct bytes issuer;
    const char *jwks_file; /* NULL: from the issuer, by its metadata */
    const char *ca_file;   /* PEM to trust at the issuer; NULL: what the system trusts */
    bool private_addresses;
    int refresh_seconds;
};

/* What came of one attempt. */
struct fetched {
    unsigned generation; /* of the sources */
    size_t source;
    struct issuer_keys keys; /* none: it failed */
    size_t skipped;          /* keys that cannot be used */
    struct fault fault;
    struct arena arena; /* holds the keys; whoever gets this frees it */
};
/* On the event loop. */
typedef void key_fetched(void *context, struct fetched *f);

struct key_fetch *key_fetch_new(struct event_base *base, key_fetched *fetched, void *context, struct fault *fault);
void key_fetch_free(struct key_fetch *f);
/* Fetch from these from now on, the first time at once where `fresh` is not set; the texts must live until the next call, or the
 * end. What is under way for others before comes with their generation. Gives the generation of these sources. */
unsigned key_fetch_sources(struct key_fetch *f, const struct key_source *sources, const bool *fresh, size_t count);
/* A key was missing. One attempt for all who ask, and one in KEY_FETCH_ASK_SECONDS at most. */
void key_fetch_ask(struct key_fetch *f, size_t source);

enum {
    KEY_FETCH_ASK_SECONDS = 30,   /* anybody can name keys that do not exist */
    KEY_FETCH_RETRY_SECONDS = 30, /* after a failure, unless the refresh comes before */
    KEY_FETCH_SECONDS = 10,       /* for each of the two documents */
};

/* One attempt, here and now. */
bool key_fetch_once(const struct key_source *source, const atomic_bool *stop, struct fetched *out);

#endif
