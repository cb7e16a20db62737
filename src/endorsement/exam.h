/* What code that judges evidence receives: all inputs of one appraisal, and room for what it proves. There is no other
 * way in: no clock, no generator, no file (DESIGN 2). */
#ifndef ASSAY_ENDORSEMENT_EXAM_H
#define ASSAY_ENDORSEMENT_EXAM_H

#include "claims/claims.h"
#include "crypto/cache.h"
#include "endorsement/endorsement.h"
#include "endorsement/reference.h"

enum freshness { FRESHNESS_PINNED, FRESHNESS_STRICT };

/* Intel's TCB statuses (sgx-tdx.md 7 F), in the order of sgx_ql_qv_result_t. */
enum tcb_status {
    TCB_UP_TO_DATE,
    TCB_CONFIGURATION_NEEDED,
    TCB_OUT_OF_DATE,
    TCB_OUT_OF_DATE_CONFIGURATION_NEEDED,
    TCB_REVOKED,
    TCB_SW_HARDENING_NEEDED,
    TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED,
    TCB_TD_RELAUNCH_ADVISED,
    TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED,
    TCB_NOT_SUPPORTED,
    TCB_STATUS_COUNT
};
const char *tcb_status_name(enum tcb_status s); /* "UpToDate", …, "TCB_NOT_SUPPORTED" */
bool tcb_status_by_name(struct bytes name, enum tcb_status *out);

/* From the configuration, and from configurationrules of the policy in force. */
struct settings {
    uint32_t default_baseline;   /* Intel TCB evaluation number that `azuredefault` means; 0: the highest at hand */
    uint32_t baseline;           /* chosen by policy (x-ms-sgx-tcbidentifier); 0: default_baseline */
    struct bytes tcb_identifier; /* as the policy names it; "azuredefault" when it does not */
    enum freshness freshness;    /* of TCB info and identities */
    bool crl_freshness;          /* refuse a CRL past its nextUpdate */
    bool amd_crl_freshness;      /* refuse where AMD's CRL is not at hand or past its nextUpdate (snp-cvm.md 1.9) */
    bool report_data_tail_zero;  /* claims.md 2: ask for zero in REPORT_DATA[32..63] of SGX too */
    uint16_t accepted_sgx;       /* bit set of enum tcb_status; see SETTINGS_DEFAULT */
    uint16_t accepted_tdx;       /* the same for TDX */
    bool tpm_sha1;          /* accept signatures with SHA-1 from TPMs: attestation keys of Windows still make them */
    bool tpm_v1;            /* accept requests of version 1 of the protocol of TPMs, whose key no TPM vouches for */
    bool aik_required;      /* policy of Tpm: refuse an attestation key without a valid certificate */
    uint32_t required_pcrs; /* policy of Tpm: registers that a quote must cover, by bit */
    bool development;       /* the service was started for development: its tokens say so */
    bool claim_development; /* emit x-assay-development where it applies; off in golden comparisons */
    bool claim_recent;      /* emit the names that the original service has used since 2025-2026 (claims.md 4) */
    bool claim_extensions;  /* emit claims of our own that tell more of the evidence (claims.md 4, 5) */
    const struct reference_values *reference; /* never NULL */
};
#define SETTINGS_DEFAULT                                                                     \
    ((struct settings){.tcb_identifier = BYTES_LIT("azuredefault"),                          \
                       .freshness = FRESHNESS_PINNED,                                        \
                       .crl_freshness = true,                                                \
                       .accepted_sgx = 1u << TCB_UP_TO_DATE | 1u << TCB_SW_HARDENING_NEEDED, \
                       .accepted_tdx = 1u << TCB_UP_TO_DATE | 1u << TCB_SW_HARDENING_NEEDED, \
                       .tpm_sha1 = true,                                                     \
                       .tpm_v1 = true,                                                       \
                       .aik_required = true,                                                 \
                       .required_pcrs = 0xffffff,                                            \
                       .claim_development = true,                                            \
                       .claim_recent = true,                                                 \
                       .reference = &reference_builtin})

/* What an exam has of random bytes: the first become the token's jti, which is public, the rest stay secret. */
enum { EXAM_JTI_ENTROPY = 32, EXAM_ENTROPY = 64 };

/* Something to seal, or to open: what goes through a caller's hands and comes back, perhaps to another node. */
struct sealing {
    struct bytes issuer; /* the provider whose key it is */
    uint64_t generation; /* of its keys; whoever seals counts them by time */
    struct bytes iv;     /* AEAD_IV_SIZE bytes that never came before under this key */
    struct bytes content;
};
enum { LIMIT_SEALED = 1024 }; /* bytes of content: a service context has some 100 (tpm-vbs.md 1.2) */
/* Who does that: the signer, which holds the key. False: not sealed, or not what was sealed under this key. */
struct sealer {
    bool (*seal)(void *context, const struct sealing *s, struct arena *a, struct bytes *out);
    bool (*open)(void *context, const struct sealing *s, struct arena *a, struct bytes *out);
    void *context;
};

/* What the reasons begin with of checks that are skipped for a replay. */
#define EXAM_BELIEVED "replay: "

struct exam {
    struct arena *arena; /* all memory of this request */
    struct trace *trace;
    const struct endorsements *endorsements;
    const struct settings *settings;
    struct bytes issuer;         /* of the provider that judges; empty in tools */
    const struct sealer *sealer; /* NULL: nobody seals here, as in tools */
    bool replay; /* of a decision on record: what the service sealed for itself cannot be opened, and is believed */
    struct cache *cache;  /* may be NULL */
    int64_t time;         /* seconds since 1970 */
    bool plain_policy;    /* it is of a version that looks into no texts of JSON: a boot's events need not be written */
    struct bytes entropy; /* EXAM_ENTROPY bytes; tools that make no answer may have fewer */
    void *evidence;       /* decoded, of the attester's own type; set by its decode */
    const enum check_id
        *required; /* what this evidence needs beside its attester's list; NULL: nothing. Set by decode */
    struct claims incoming;
    struct bytes wanted; /* an endorsement that was not at hand, for whoever fetches: "amd/crl/Milan"; or empty */
    struct bytes reply;  /* set by decode where the message is no evidence yet (the Tpm challenge) */

    /* Findings that are no claims of every type, for `assay verify` and the audit record. */
    bool tcb_known;
    enum tcb_status tcb_status;
    const struct bytes *advisories;
    size_t advisory_count;
    struct bytes tcb_date;                    /* of the matching level */
    const struct tcb_verdict *tcb;            /* Intel: the parts of the status (intel/intel.h); NULL before */
    const struct platform_identity *platform; /* for early warning (forecast.h); NULL: nothing to remember */
    bool development;                         /* the evidence rests on a simulated root */
};

#endif
