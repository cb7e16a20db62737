/* The configuration of assayd: one INI file (assayd.conf(5)). A wrong setting stops the start with file, line and what is
 * allowed. */
#ifndef ASSAY_SERVICE_CONFIG_H
#define ASSAY_SERVICE_CONFIG_H

#include "arm/regions.h"
#include "collateral/upstream.h"
#include "core/core.h"
#include "core/root_key.h"
#include "identity/roles.h"
#include "service/evidence_source.h"

enum { CONFIG_PROVIDERS_MAX = 64, CONFIG_ANCHORS_MAX = 16, CONFIG_FILES_MAX = 256 };
enum { CONFIG_ISSUERS_MAX = 64, CONFIG_ASSIGNMENTS_MAX = 4096, CONFIG_NAMES_MAX = 1024 /* in one list */ };

struct provider_config {
    const char *name;                 /* of its section */
    const char *issuer;               /* https://authority */
    const char *signers;              /* PEM of the first registered policy certificates: makes it Isolated; or NULL */
    bool shared;                      /* a default provider: nobody changes its policies */
    const char *subscription, *group; /* where it is, for the rights of callers */
};

/* Where the keys of an issuer of bearer tokens come from; the issuer itself stands at the same place in config.issuers. */
struct issuer_config {
    const char *name;                /* of its section */
    const char *jwks_file, *ca_file; /* keys from a file, not from the issuer; PEM to trust at the issuer; or NULL */
    bool private_addresses;          /* it may be at an address that is not public */
    int refresh_seconds;
};

struct assignment_config {
    const char *name, *issuer; /* of its section; of the issuer's section */
    bool named, scoped;        /* who and where it is for was told */
    struct assignment assignment;
};

/* [collateral] refresh…: how endorsements are kept fresh. */
struct refresh_config {
    struct upstream sources[UPSTREAMS_MAX];
    size_t source_count; /* 0: they are not */
    int margin_hours, interval_minutes;
    int rate;   /* requests to one host in a minute */
    int misses; /* that one address may cause in a minute */
    const char *proxy, *ca_file;
};

/* [state]: the anchor of the store (service/state_anchor.h). */
struct state_config {
    const char *file, *name;           /* of its newest checkpoint; NULL: none is kept */
    bool counted;                      /* by a TPM */
    const char *tpm;                   /* TCTI; NULL: the device that is there */
    int index;                         /* of its NV memory, and the one above */
    int seconds;                       /* between two checkpoints */
    const char *witness, *witness_key; /* who is asked to cosign them; NULL: nobody */
    const char *witness_ca;            /* PEM: trust these at the witness besides the system's; or NULL */
    bool witness_refuse;               /* no start without it */
};

struct config {
    struct arena arena; /* holds all texts */
    /* [server] */
    const char *listen;
    int port;
    const char *certificate, *private_key;
    const char *client_ca; /* PEM of CAs whose certificates clients may sign in with; or NULL */
    int connections, header_bytes, body_bytes;
    int address_connections; /* of `connections`, for one address; 0: all. No setting: callers of a service may share a proxy's */
    int header_seconds, body_seconds, idle_seconds, stop_seconds;
    const char *user; /* to become once the listeners are open; NULL: stay who it is */
    /* [administration] */
    const char *administration_listen;
    int administration_port; /* -1: no listener of its own */
    /* [core] */
    const char *core_user; /* whom the core runs as, where assayd is started as root; NULL: as the host does */
    int pairs, request_milliseconds, queue, provider_queue;
    size_t request_memory;
    bool sandbox_required; /* no start on a kernel without filters of system calls */
    const char *measurements,
        *measurements_key;      /* signed list of what was announced, and who must have signed it; or NULL */
    bool measurements_enforced; /* no start with a core that the list does not have */
    /* [limits] requests in a second and in a burst; a rate of 0 is none */
    int provider_rate, provider_burst, address_rate, address_burst;
    int subscription_providers; /* that may be made in one subscription; 0: any number */
    /* [keys] */
    const char *sealing_key;       /* file of the key under which providers' signing keys are stored */
    struct root_sealer sealer;     /* how it is kept there */
    enum evidence_choice evidence; /* where the service's own evidence comes from; simulated only in development */
    const char *evidence_path;     /* of that, where it is not the usual one; or NULL */
    int evidence_days;             /* until it is collected anew */
    struct evidence_platform evidence_platform;
    bool regional_keys;                          /* providers of a region share one (core/sealed_key.h) */
    int rotation_seconds, publish_ahead_seconds; /* service/rotation.h; 0: none */
    /* [collateral] */
    const char *folder;
    const char *files[CONFIG_FILES_MAX]; /* single ones beside the folder */
    size_t file_count;
    const char *bundle, *bundle_key; /* signed file of endorsements, and who must have signed it; or NULL */
    bool serve;                      /* endorsements to other tools */
    struct refresh_config refresh;
    struct settings settings;
    struct reference_values *reference;      /* [reference]; settings.reference is the same */
    const char *anchors[CONFIG_ANCHORS_MAX]; /* files of certificates whose keys are trusted too */
    size_t anchor_count;
    bool anchors_are_simulated;
    /* [store] */
    const char *store; /* store_open's url */
    struct state_config state;
    /* [audit] */
    const char *audit_file; /* NULL: none is kept */
    bool audit_sync, audit_journal, audit_refuse;
    /* [decisions] */
    const char *decision_folder, *decision_name; /* of the log; NULL: none is kept */
    int decision_checkpoint_seconds;
    bool decision_refusals, decision_serve;
    const char *decision_witness, *decision_witness_key; /* who is asked to cosign checkpoints; NULL: nobody */
    const char *decision_witness_ca; /* PEM: trust these at the witness besides the system's; or NULL */
    bool decision_keep;              /* providers may have inputs kept (service/kept.h) */
    int decision_keep_days_most, decision_keep_mib_most;
    /* [control_plane] */
    const char *control_authority; /* host[:port] where it answers; NULL: nowhere */
    /* [region NAME], and domain of [control_plane] */
    struct regions regions;
    size_t region_cap; /* 0: those that are published */
    /* [provider NAME] */
    struct provider_config providers[CONFIG_PROVIDERS_MAX];
    size_t provider_count;
    /* [issuer NAME], [assignment NAME] */
    struct issuer issuers[CONFIG_ISSUERS_MAX]; /* without keys */
    struct issuer_config issuer_configs[CONFIG_ISSUERS_MAX];
    size_t issuer_count;
    struct assignment_config *assignments;
    size_t assignment_count, assignment_cap;
};

void config_defaults(struct config *c);
bool config_read(struct config *c, const char *path, struct fault *fault);
/* What one setting alone cannot tell: providers there, files named. */
bool config_complete(const struct config *c, struct fault *fault);
void config_free(struct config *c);
/* The section of an issuer, and what is the same in all that are not told otherwise; NULL when there are too many. */
struct issuer_config *config_issuer(struct config *c, const char *name, struct issuer **issuer);
/* A configuration read anew, `next`, for the running service: what only a start can change is put back as it is in force. Gives the
 * names of such settings that differ, with commas between; empty when there are none. */
const char *config_keep_started(struct config *next, const struct config *in_force);

#endif
