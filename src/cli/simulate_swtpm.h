/* swtpm behind the interface of simulated TPMs (simulate/tpm.h): for tools and tests, never for the service. */
#ifndef ASSAY_CLI_SIMULATE_SWTPM_H
#define ASSAY_CLI_SIMULATE_SWTPM_H

#include "simulate/tpm.h"

bool swtpm_installed(void);
/* Attestation keys are RSA with RSASSA; it cannot lie. */
extern const struct simulated_tpm_driver swtpm_driver;

#endif
