/* Endorsements for other tools, in the shapes of Intel's PCS and PCCS, AMD's KDS and Azure's THIM caches (sgx-tdx.md 11,
 * snp-cvm.md 1.10, 1.11): a function from a request and a catalogue in memory to an answer. No file, no network, no clock.
 * What is served is genuine; bytes are those that the vendor signed. */
#ifndef ASSAY_COLLATERAL_SERVE_H
#define ASSAY_COLLATERAL_SERVE_H

#include "collateral/catalogue.h"

/* What is served: immutable once it is open. */
struct served;

struct served *served_new(size_t memory_limit); /* NULL when there is no memory */
void served_free(struct served *s);             /* NULL is allowed */
/* Before served_open: its catalogue, to be filled. */
struct catalogue *served_catalogue(struct served *s);
/* Judge everything. baseline: the evaluation number that update=standard means; 0: the newest whose recovery event is a year
 * past by Intel's list, where that is at hand, else the highest. */
void served_open(struct served *s, uint32_t baseline);

struct serve_request {
    const char *method;
    struct bytes path; /* percent-decoded */
    int64_t time;
    /* The first value of a parameter of this name, whatever its letter case, in the arena; NULL: there is none. */
    const char *(*query)(void *context, const char *name);
    void *context;
};
enum { SERVE_HEADERS = 4 };
struct serve_answer {
    int status;
    const char *type; /* Content-Type */
    struct bytes body;
    struct {
        const char *name, *value;
    } headers[SERVE_HEADERS];
    size_t header_count;
};

/* Is it one of the paths here? */
bool serve_path(struct bytes path);
/* The answer to a request for such a path; allocated in the arena, or views into s. */
void serve_reply(const struct served *s, struct arena *a, const struct serve_request *r, struct serve_answer *out);

#endif
