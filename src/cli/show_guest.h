/* What Azure's virtual machines make, as trees. */
#ifndef ASSAY_CLI_SHOW_GUEST_H
#define ASSAY_CLI_SHOW_GUEST_H

#include "cli/show.h"

/* The paravisor's report, NV index 0x01400001 (snp-cvm.md 3.2). NULL with a fault when the bytes are none. */
struct json *show_hcl(struct arena *a, struct bytes b, struct fault *fault);
/* {"hcl_report", "tpm_quote", "vcek" or "td_quote"}: how Confidential Containers carry it. */
struct json *show_azure_vtpm(struct arena *a, struct bytes b, struct fault *fault);
/* The body of a request to AzureGuest (snp-cvm.md 3.4). */
struct json *show_guest_request(struct arena *a, struct bytes b, struct fault *fault);

#endif
