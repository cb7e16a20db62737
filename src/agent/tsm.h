/* Reports of the hardware by the kernel's configfs-tsm (Linux 6.7 on; snp-cvm.md 5.1): SEV-SNP reports with their certificates,
 * and quotes of TDX trust domains. */
#ifndef ASSAY_AGENT_TSM_H
#define ASSAY_AGENT_TSM_H

#include "base/arena.h"
#include "base/fault.h"

#define AGENT_TSM "/sys/kernel/config/tsm/report"
enum { AGENT_REPORT_DATA = 64 };

enum agent_provider { AGENT_NO_PROVIDER, AGENT_SEV_GUEST, AGENT_TDX_GUEST };

struct agent_report {
    enum agent_provider provider;
    struct bytes report;       /* SEV-SNP: 1184 bytes; TDX: a quote */
    struct bytes certificates; /* SEV-SNP: table of certificates as the host gave it, or empty */
};

/* Which provider answers below `root`; AGENT_NO_PROVIDER where the folder is not there, or none has registered. */
enum agent_provider agent_tsm_provider(const char *root, struct arena *a);
/* A report over these 64 bytes. Another writer's report is never taken for ours: the generation tells, and it is asked again in
 * a fresh entry. The entry is gone when this returns. */
bool agent_tsm_report(const char *root, const uint8_t data[AGENT_REPORT_DATA], struct arena *a,
                      struct agent_report *out, struct fault *fault);

#endif
