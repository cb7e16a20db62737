/* What can be wrong with a simulated SEV-SNP report and what vouches for it, one thing at a time, and how it can harmlessly
 * differ. */
#include "simulate/kinds.h"

enum { SNP = 1u << SIMULATE_SNP };

const struct simulate_fault snp_faults[] = {
    {0},
};

/* Harmless ways in which requests and certificates differ in the world (snp-cvm.md 1.7, 2.1, 2.2; all must be accepted). */
const char *const snp_variations[] = {
    "without-runtime-data", "without-init-data", "report-crlf", "base64-standard", "pem-crlf",
    "chain-reversed",       "pss-trailer",       "hwid-octets", "author-key",      NULL,
};
