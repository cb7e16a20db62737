/* What each path of the data plane does (api.md 2). */
#ifndef ASSAY_SERVICE_ROUTES_H
#define ASSAY_SERVICE_ROUTES_H

#include "service/http.h"
#include "service/pool.h"
#include "service/shadow.h"
#include "store/store.h"

/* One authority as the host knows it: bodies made once, when the keys came. */
struct served {
    struct bytes authority; /* lower case */
    struct bytes issuer;
    struct bytes jwks, openid;
};

enum { SIGNALS = 3 };

struct service {
    struct event_base *base;
    struct config *config;
    const char *config_path; /* NULL in --dev */
    struct pool *pool;
    struct http_server *http;
    struct store *store;
    struct shadows *shadows;
    struct arena arena;
    struct served *served;
    size_t served_count;
    struct bytes bearer; /* token that carries all rights; empty: none */
    struct event *signals[SIGNALS], *drain;
    bool ready, stopping;
};

void routes_handle(void *service, struct exchange *e);
/* Build what is served about each provider from the keys that the signer holds. */
void routes_keys(struct service *s, const struct key_record *keys, size_t count);
/* Read the snapshot's parts from disk again and give them to the pool; false keeps what is in force. */
bool service_reload(struct service *s, struct fault *fault);

#endif
