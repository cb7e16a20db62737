/* One attestation of this machine: evidence collected, sent to a service that speaks MAA's protocol, and the token that comes back.
 * Four kinds: a TPM (`POST /attest/Tpm`, request v2; tpm-vbs.md 1), a virtual machine of Azure (`/attest/AzureGuest`; snp-cvm.md
 * 3.4 to 3.8), a SEV-SNP guest and a TDX trust domain that ask their hardware themselves (`/attest/SevSnpVm`, `/attest/TdxVm`).
 *
 * Private keys and tokens appear in no fault. */
#ifndef ASSAY_AGENT_ATTEST_H
#define ASSAY_AGENT_ATTEST_H

#include "net/http.h"

enum agent_kind { AGENT_NO_KIND, AGENT_TPM, AGENT_AZURE_GUEST, AGENT_SNP, AGENT_TDX };
const char *agent_kind_name(enum agent_kind kind); /* "azure-guest" */
bool agent_kind_by_name(const char *name, enum agent_kind *out);

#define AGENT_BOOT_LOG "/sys/kernel/security/tpm0/binary_bios_measurements"
#define AGENT_IMA_LOG  "/sys/kernel/security/ima/binary_runtime_measurements"
#define AGENT_METADATA "http://169.254.169.254"

/* Where this machine's evidence is. agent_machine_usual fills all but what has no usual place. */
struct agent_machine {
    const char *tcti;            /* NULL: the first TPM device */
    uint32_t ak_handle;          /* 0: found, or derived */
    struct bytes ak_certificate; /* DER or PEM of the attestation key; empty: that of the TPM, if it has one */
    const char *boot_log, *ima_log;
    const char *tsm, *sev_guest;
    const char *metadata;         /* address of Azure's metadata service, without a path; NULL: not asked */
    const char *security_context; /* folder that container groups of Azure find their endorsements in; NULL: none */
    struct bytes hcl_report;      /* the paravisor's report; empty: that of the TPM, if it has one */
    struct bytes certificates;    /* PEM of the VCEK or VLEK and its issuers; empty: from host or metadata service */
    uint32_t pcrs;                /* bit n: register n is quoted; 0: all, or of an Azure guest 0 to 7 */
    unsigned banks;               /* set of 1 << enum digest_alg; 0: SHA-256, or the best that the TPM keeps */
};
void agent_machine_usual(struct agent_machine *m);
/* What this machine can show, best first: what Azure put into its TPM, hardware that reports, a TPM. A fault says what was looked
 * for in vain. */
bool agent_kind_find(const struct agent_machine *m, struct arena *a, enum agent_kind *out, struct fault *fault);

struct agent_wish {
    enum agent_kind kind;
    struct bytes nonce;         /* comes back in the token; empty: none */
    struct bytes relying_party; /* rp_id of a TPM's request; empty: none */
    struct bytes runtime_data;  /* SNP, TDX: bound to the report; empty: an object with a nonce, or with the key */
    const char *runtime_type;   /* "JSON", "Binary" */
    struct bytes init_data;     /* SNP, TDX: empty: none */
    const char *init_type;
    bool bind_nonce; /* Azure guests: put SHA-512 of the nonce into the hardware's report too (snp-cvm.md 3.1) */
    bool key;        /* make a key whose public half the token names, and give out the private one */
    const char *api_version; /* NULL: the one that clients send */
};

/* The service. */
struct agent_service {
    const char *base;    /* address without a slash at its end */
    const char *bearer;  /* line of the header, or NULL */
    const char *ca_file; /* PEM, trusted alone; NULL: the system's, and extra_ca_file */
    const char *extra_ca_file;
    const atomic_bool *stop; /* set: give up soon; NULL */
};

struct agent_outcome {
    struct bytes token; /* compact JWS */
    struct bytes key;   /* PEM of the private key, where the wish was for one. Wipe it after use */
    bool refused;       /* the service answered, but not with a token */
    struct http_answer answer;
};
/* False with a fault: no evidence, or no answer; with out->refused: the service's answer says why not. */
bool agent_attest(const struct agent_machine *m, const struct agent_wish *wish, const struct agent_service *service,
                  struct arena *a, struct agent_outcome *out, struct fault *fault);

#endif
