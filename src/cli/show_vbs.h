/* What goes to and from /attest/Tpm, and what Windows puts into it, as trees (tpm-vbs.md 1, 4). */
#ifndef ASSAY_CLI_SHOW_VBS_H
#define ASSAY_CLI_SHOW_VBS_H

#include "cli/show.h"

/* NULL with a fault when the bytes are none of the kind. */
struct json *show_vbs_report(struct arena *a, struct bytes b, struct fault *fault);
struct json *show_ncrypt_claim(struct arena *a, struct bytes b, struct fault *fault);
/* A message of the protocol, in its envelopes or bare; the payload of a request; a service context. */
struct json *show_tpm_message(struct arena *a, struct bytes b, struct fault *fault);

#endif
