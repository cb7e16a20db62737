/* Public areas and signatures of a TPM, written by libtss2-mu; for drivers of simulated TPMs alone. */
#ifndef ASSAY_SIMULATE_TPM_MARSHAL_H
#define ASSAY_SIMULATE_TPM_MARSHAL_H

#include <tss2/tss2_tpm2_types.h>

#include "simulate/tpm.h"

extern const TPM2_ALG_ID simulated_bank_ids[SIMULATED_BANKS];

/* Empty when the structure is none. */
struct bytes marshal_public(struct arena *a, const TPMT_PUBLIC *p);
struct bytes marshal_attest(struct arena *a, const TPMS_ATTEST *t);
struct bytes marshal_signature(struct arena *a, const TPMT_SIGNATURE *s);
TPML_PCR_SELECTION marshal_selection(const struct simulated_selection *s);

/* What TPMs are asked for: AK and keys of each use. Without `unique`, which the key itself decides. */
TPMT_PUBLIC simulated_template(enum simulated_tpm_key key, const struct simulate_options *options, struct bytes policy);
/* Keeps a key that was made: t->public. */
bool simulated_tpm_keep(struct simulated_tpm *t, enum simulated_tpm_key key, const TPMT_PUBLIC *made,
                        struct fault *fault);
/* nameAlg || SHA-256 of the area. */
struct bytes simulated_name(struct arena *a, struct bytes area);

#endif
