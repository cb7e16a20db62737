/* What each path of the data plane does (api.md 2). */
#ifndef ASSAY_SERVICE_ROUTES_H
#define ASSAY_SERVICE_ROUTES_H

#include "collateral/serve.h"
#include "service/collateral_fetch.h"
#include "service/decision_log.h"
#include "service/http.h"
#include "service/kept.h"
#include "service/ledger.h"
#include "service/metrics.h"
#include "service/pool.h"
#include "service/registry.h"
#include "service/shadow.h"
#include "service/sign_in.h"
#include "service/state_anchor.h"

enum { SIGNALS = 3 };

struct service {
    struct event_base *base;
    struct config *config;
    const char *config_path; /* NULL in --dev */
    struct keeper *keeper;
    struct pool *pool;
    struct http_server *http, *administration; /* administration: NULL where http serves that too */
    struct metrics *metrics;
    struct registry *registry;
    struct ledger *ledger;
    struct tenancy *making; /* creations: the first one's key is being made, the others wait for that (tenancy.c) */
    struct shadows *shadows;
    struct outlooks *outlooks;
    struct quotas *quotas;
    struct collateral_fetch *collateral;
    struct own_evidence *own_evidence;
    struct sign_in *sign_in;
    struct served *served; /* endorsements for other tools; NULL: none are served */
    struct rotation *rotation;
    struct measurements *measurements;
    struct audit *audit;            /* NULL: none is kept */
    struct decision_log *decisions; /* the same */
    struct kept *kept;              /* the same: inputs of decisions */
    struct state_anchor *anchor;    /* of the store; the same */
    struct state_view *view;        /* what it compares; the same */
    struct event *signals[SIGNALS], *drain;
    bool ready, stopping;
};

void routes_handle(void *service, struct exchange *e);
void routes_answered(void *service, const struct exchange *e, int status, int64_t microseconds);

#endif
