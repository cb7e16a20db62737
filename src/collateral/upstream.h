/* Where endorsements come from: Intel's PCS, a PCCS, Azure's THIM and caches of its form, AMD's KDS (sgx-tdx.md 11, snp-cvm.md
 * 1.10, 1.11). Requests are built and answers taken apart here; what was sent proves nothing until collateral/folder.h has
 * judged it. */
#ifndef ASSAY_COLLATERAL_UPSTREAM_H
#define ASSAY_COLLATERAL_UPSTREAM_H

#include "collateral/want.h"
#include "net/http.h"

enum upstream_shape { UPSTREAM_PCS, UPSTREAM_PCCS, UPSTREAM_THIM, UPSTREAM_KDS, UPSTREAM_SHAPES };
enum { UPSTREAMS_MAX = 8, UPSTREAM_TRIES = 3, UPSTREAM_OBJECTS = 3 };

struct upstream {
    enum upstream_shape shape;
    const char *base; /* without a slash at its end */
};
const char *upstream_word(enum upstream_shape shape); /* "pcs", … */
/* "pcs", "pccs https://cache:8081": a word, and where it is if not at its usual place. http:// is taken for THIM alone, on
 * addresses that http_request's plain_local allows. */
bool upstream_parse(struct arena *a, struct bytes text, struct upstream *out, struct fault *fault);
bool upstream_serves(const struct upstream *u, const struct want *w);

/* One way to ask. */
struct upstream_request {
    const char *url;
    bool metadata;       /* with the header that Azure's instance metadata service asks for */
    const char *chain;   /* header of the answer that holds the issuer chain; NULL: none does */
    const char *chain_2; /* another name that it goes by; NULL */
};
/* In the order in which they are to be tried; the next one when the answer is that there is nothing, or something else. */
size_t upstream_requests(struct arena *a, const struct upstream *u, const struct want *w,
                         struct upstream_request out[UPSTREAM_TRIES]);

/* What an answer holds: the endorsement first, then what vouches for it. */
struct upstream_objects {
    struct bytes v[UPSTREAM_OBJECTS];
    size_t count;
};
/* Takes an answer of status 200 apart; views into it, or copies in the arena. */
bool upstream_read(struct arena *a, const struct upstream *u, const struct want *w,
                   const struct upstream_request *request, const struct http_answer *answer,
                   struct upstream_objects *out, struct fault *fault);
/* Plain percent-decoding: '+' stays what it is. False for a '%' without two hexadecimal digits. */
bool percent_decode(struct arena *a, struct bytes text, struct bytes *out);

/* For upstream.c alone: the requests of each vendor. */
size_t upstream_intel(struct arena *a, const struct upstream *u, const struct want *w,
                      struct upstream_request out[UPSTREAM_TRIES]);
size_t upstream_amd(struct arena *a, const struct upstream *u, const struct want *w,
                    struct upstream_request out[UPSTREAM_TRIES]);

#endif
