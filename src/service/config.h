/* The configuration of assayd: one INI file (assayd.conf(5)). A wrong setting stops the start with file, line and what is
 * allowed. */
#ifndef ASSAY_SERVICE_CONFIG_H
#define ASSAY_SERVICE_CONFIG_H

#include "core/core.h"

enum { CONFIG_PROVIDERS_MAX = 64, CONFIG_ANCHORS_MAX = 16, CONFIG_FILES_MAX = 256 };

struct provider_config {
    const char *issuer;  /* https://authority */
    const char *signers; /* PEM of the first registered policy certificates: makes it Isolated; or NULL */
    bool shared;         /* a default provider: nobody changes its policies */
};

struct config {
    struct arena arena; /* holds all texts */
    /* [server] */
    const char *listen;
    int port;
    const char *certificate, *private_key;
    int connections, header_bytes, body_bytes;
    int header_seconds, body_seconds, idle_seconds, stop_seconds;
    /* [core] */
    int pairs, request_milliseconds, queue, provider_queue;
    size_t request_memory;
    /* [limits] requests in a second and in a burst; a rate of 0 is none */
    int provider_rate, provider_burst, address_rate, address_burst;
    /* [keys] */
    const char *sealing_key; /* file of the key under which providers' signing keys are stored */
    /* [collateral] */
    const char *folder;
    const char *files[CONFIG_FILES_MAX]; /* single ones beside the folder */
    size_t file_count;
    struct settings settings;
    const char *anchors[CONFIG_ANCHORS_MAX]; /* files of certificates whose keys are trusted too */
    size_t anchor_count;
    bool anchors_are_simulated;
    /* [store] */
    const char *store; /* store_open's url */
    /* [authentication] */
    const char *token_file; /* holds a bearer token that carries all rights; NULL: management is refused */
    /* [provider NAME] */
    struct provider_config providers[CONFIG_PROVIDERS_MAX];
    size_t provider_count;
};

void config_defaults(struct config *c);
bool config_read(struct config *c, const char *path, struct fault *fault);
/* What one setting alone cannot tell: providers there, files named. */
bool config_complete(const struct config *c, struct fault *fault);
void config_free(struct config *c);
/* A configuration read anew, `next`, for the running service: what only a start can change is put back as it is in force. Gives the
 * names of such settings that differ, with commas between; empty when there are none. */
const char *config_keep_started(struct config *next, const struct config *in_force);

#endif
