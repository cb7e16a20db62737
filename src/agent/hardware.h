/* Evidence of the hardware that this machine, or this very program, runs on, by whichever way there is: the kernel's configfs-tsm
 * (SEV-SNP, TDX), /dev/sev-guest (SEV-SNP), Gramine (SGX). No TPM: what is here links nothing of its software stack, and the service
 * may use it. */
#ifndef ASSAY_AGENT_HARDWARE_H
#define ASSAY_AGENT_HARDWARE_H

#include "agent/tsm.h"

enum agent_way { AGENT_WAY_NONE, AGENT_WAY_TSM, AGENT_WAY_SEV_GUEST, AGENT_WAY_GRAMINE };
/* "configfs-tsm", for people; and where it usually is. */
const char *agent_way_name(enum agent_way way);
const char *agent_way_path(enum agent_way way);
/* The best way that is there; AGENT_WAY_NONE: there is none. */
enum agent_way agent_way_find(struct arena *a);

enum agent_tee { AGENT_NO_TEE, AGENT_TEE_SGX, AGENT_TEE_TDX, AGENT_TEE_SNP };
struct agent_evidence {
    enum agent_tee tee;
    struct bytes report;       /* SGX, TDX: a quote; SNP: 1184 bytes */
    struct bytes certificates; /* SNP: PEM, leaf first; empty where the host gave none */
};
/* Over these 64 bytes. Blocks, for seconds where the firmware is busy: for a thread of its own, and one at a time. */
bool agent_evidence_ask(enum agent_way way, const char *path, const uint8_t data[AGENT_REPORT_DATA], struct arena *a,
                        struct agent_evidence *out, struct fault *fault);

/* What vouches for the utility VM of a container group of Azure, from the folder that the group is told in UVM_SECURITY_CONTEXT_DIR:
 * {"Uvm":[…]} (snp-cvm.md 2.5). Empty where there is none; folder NULL: none. */
bool agent_uvm_endorsements(const char *folder, struct arena *a, struct bytes *out, struct fault *fault);

#endif
