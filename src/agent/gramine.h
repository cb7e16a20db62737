/* SGX quotes of the enclave that this very program runs in, by Gramine's pseudo-files. */
#ifndef ASSAY_AGENT_GRAMINE_H
#define ASSAY_AGENT_GRAMINE_H

#include "agent/tsm.h"

#define AGENT_GRAMINE "/dev/attestation"

/* Does this program run in an enclave of Gramine whose manifest lets it have quotes (sgx.remote_attestation = "dcap")? */
bool agent_gramine_there(const char *root, struct arena *a);
/* A quote over these 64 bytes. The files are the process's: no two threads may ask at once. */
bool agent_gramine_quote(const char *root, const uint8_t data[AGENT_REPORT_DATA], struct arena *a, struct bytes *quote,
                         struct fault *fault);

#endif
