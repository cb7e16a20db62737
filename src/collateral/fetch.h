/* Fetching one endorsement: ask the sources in turn, judge what comes, write it into the folder. Blocking; nothing here runs while
 * a request waits. */
#ifndef ASSAY_COLLATERAL_FETCH_H
#define ASSAY_COLLATERAL_FETCH_H

#include "collateral/folder.h"
#include "collateral/throttle.h"
#include "collateral/upstream.h"

enum {
    FETCH_SECONDS = 30,
    FETCH_MEMORY = 1024 * 1024 * 1024 /* the whole folder, decoded, and one endorsement more */
};

struct fetch_how {
    const struct upstream *sources; /* in the order in which they are asked */
    size_t source_count;
    const char *folder;
    const char *proxy;           /* URL; NULL: as the environment says */
    const char *ca_file;         /* PEM: trust these besides the system's; NULL: none */
    unsigned seconds;            /* for one request; 0: FETCH_SECONDS */
    const struct anchors *trust; /* further trusted keys; NULL: the vendors' alone */
    struct throttle *throttle;
    const atomic_bool *stop; /* NULL */
};

enum fetch_outcome {
    FETCH_NEW,         /* written; there was none */
    FETCH_REPLACED,    /* written over an older one */
    FETCH_SAME,        /* served as it is in the folder */
    FETCH_OLDER,       /* what is served is older than what is there, which stays */
    FETCH_ABSENT,      /* the sources do not have it */
    FETCH_REFUSED,     /* something else came, or it is not genuine */
    FETCH_BUSY,        /* asked to wait, or still waiting since */
    FETCH_UNREACHABLE, /* no answer */
    FETCH_UNWRITABLE,  /* the folder */
    FETCH_OUTCOMES
};
const char *fetch_outcome_word(enum fetch_outcome o); /* "new", … */
bool fetch_succeeded(enum fetch_outcome o);           /* the newest that is served is in the folder */

struct fetch_result {
    enum fetch_outcome outcome;
    bool asked;               /* a source was asked at all */
    enum upstream_shape from; /* which */
    const char *name;         /* of the file, where there is one */
    const char *why;          /* what went wrong; "" */
    int64_t wait;             /* milliseconds until it is worth trying again, for FETCH_BUSY and FETCH_UNREACHABLE */
};
/* What an attempt told last is what the result tells: sources after one that was successful are not asked. */
void fetch_want(struct arena *a, const struct fetch_how *how, const struct want *w, struct fetch_result *out);

#endif
