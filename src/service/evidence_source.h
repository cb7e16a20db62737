/* Where the service's own evidence comes from: [keys] evidence of assayd.conf(5). Asking blocks; own_evidence.h has a thread for it. */
#ifndef ASSAY_SERVICE_EVIDENCE_SOURCE_H
#define ASSAY_SERVICE_EVIDENCE_SOURCE_H

#include "agent/hardware.h"
#include "token/token.h"

enum evidence_choice {
    EVIDENCE_AUTO, /* what is there at the start, or none */
    EVIDENCE_OFF,
    EVIDENCE_TSM,
    EVIDENCE_SEV_GUEST,
    EVIDENCE_GRAMINE,
    /* Of a platform in software, in development alone. */
    EVIDENCE_SIMULATED_SNP,
    EVIDENCE_SIMULATED_SGX,
    EVIDENCE_SIMULATED_TDX,
};
#define EVIDENCE_CHOICES  "auto, none, tsm, sev-guest or gramine"
#define EVIDENCE_SIMULATE "none, simulated-snp, simulated-sgx or simulated-tdx"
bool evidence_choice_by_name(const char *name, enum evidence_choice *out);
bool evidence_choice_simulated(enum evidence_choice choice);

/* A simulated platform that is the same whenever it is made: what development mode trusts (development.h). */
struct evidence_platform {
    uint64_t seed;
    unsigned evaluation;
};

struct evidence_source {
    enum evidence_choice choice; /* never EVIDENCE_AUTO */
    enum agent_way way;          /* AGENT_WAY_NONE: simulated, or none */
    const char *path;            /* NULL where there is none */
    const char *context;         /* folder of a container group's security context, or NULL */
    struct evidence_platform platform;
};
struct config;
/* Views into the configuration as it is, and the environment. */
void evidence_source_choose(const struct config *c, struct evidence_source *out);
static inline bool evidence_source_gives(const struct evidence_source *s)
{
    return s->choice != EVIDENCE_OFF;
}
/* "SEV-SNP or TDX by configfs-tsm at /sys/…", or why there is none; for the log. */
const char *evidence_source_text(const struct evidence_source *s, struct arena *a);

/* Evidence bound to the key of this text (token.h, key_text). Any thread, one at a time. */
bool evidence_source_ask(const struct evidence_source *s, struct bytes key_text, struct arena *a,
                         struct key_evidence *out, struct fault *fault);
/* The same of a simulated platform (evidence_simulated.c). */
bool evidence_simulate(const struct evidence_source *s, struct bytes key_text, struct arena *a,
                       struct key_evidence *out, struct fault *fault);

#endif
