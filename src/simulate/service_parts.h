/* A simulated service while it is made; for the files of this module alone. */
#ifndef ASSAY_SIMULATE_SERVICE_PARTS_H
#define ASSAY_SIMULATE_SERVICE_PARTS_H

#include "simulate/keys.h"
#include "simulate/service.h"

enum service_rsa_key { SERVICE_OWN, SERVICE_STRANGER, SERVICE_RSA_KEYS };
enum service_ec_key { SERVICE_RELEASE, SERVICE_FORGER, SERVICE_EC_KEYS };

struct service_making {
    struct arena *arena;
    const struct simulate_service_options *options;
    struct simulated_service *out;
    EVP_PKEY *rsa[SERVICE_RSA_KEYS], *ec[SERVICE_EC_KEYS];
    bool failed; /* libcrypto could not do something */
};

bool service_fault(const struct service_making *m, const char *name);
struct bytes service_spki(struct service_making *m, EVP_PKEY *key); /* DER */
/* PEM and one NUL: what evidence is bound to. */
struct bytes service_key_text(struct service_making *m, enum service_rsa_key key);
/* RS256, of a key of any size. */
struct bytes service_sign(struct service_making *m, EVP_PKEY *key, struct bytes message);

/* Each fills its part of m->out. */
void service_certificate(struct service_making *m);
void service_key_set(struct service_making *m);
void service_token(struct service_making *m);
void service_list(struct service_making *m);

#endif
