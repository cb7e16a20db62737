/* AMD's evidence and endorsements as trees. */
#ifndef ASSAY_CLI_SHOW_AMD_H
#define ASSAY_CLI_SHOW_AMD_H

#include "cli/show.h"

/* Add "amd" where the certificate has the extensions of a VCEK or VLEK (snp-cvm.md 1.7). */
void show_amd_extensions(struct arena *a, struct json *o, const struct certificate *c);
/* A SEV-SNP report, or the JSON in which requests carry one; NULL with a fault when the bytes are neither. */
struct json *show_snp(struct arena *a, struct bytes b, struct fault *fault);
/* An endorsement of a utility VM, a COSE_Sign1 (snp-cvm.md 2.5). */
struct json *show_uvm(struct arena *a, struct bytes b, struct fault *fault);

#endif
