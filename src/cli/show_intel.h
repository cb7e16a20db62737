/* Intel's evidence and endorsements as trees. */
#ifndef ASSAY_CLI_SHOW_INTEL_H
#define ASSAY_CLI_SHOW_INTEL_H

#include "cli/recognise.h"
#include "cli/show.h"

/* Add "pck" where the certificate has Intel's extension (sgx-tdx.md 4.4). */
void show_pck_extension(struct arena *a, struct json *o, const struct certificate *c);
/* Add "evidence" where the certificate carries some (sgx-tdx.md 9.6). */
void show_certificate_evidence(struct arena *a, struct json *o, const struct certificate *c);
/* A raw quote of version 3, 4 or 5 with an SGX or TDX report; an OE report or OE evidence round one. NULL with a fault
 * when the bytes are none. */
struct json *show_quote(struct arena *a, struct bytes b, struct fault *fault);
struct json *show_oe(struct arena *a, struct bytes b, struct fault *fault);
struct json *show_oe_endorsements(struct arena *a, struct bytes b, struct fault *fault);
/* TCB info, enclave identity, evaluation numbers: the signed JSON as it stands. */
struct json *show_collateral(struct arena *a, struct bytes b, struct fault *fault);

/* Whatever the file is; NULL with a fault when it is nothing that can be shown. for_people: as show_token. */
struct json *show_file(struct arena *a, struct bytes b, bool for_people, struct fault *fault);

#endif
