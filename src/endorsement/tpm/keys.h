/* Authorities over keys of TPMs that are built in (tpm-vbs.md 2.5): the roots, and issuers of Azure's virtual TPMs that do not
 * travel with what they issue. For the endorsement floor and its tests. */
#ifndef ASSAY_ENDORSEMENT_TPM_KEYS_H
#define ASSAY_ENDORSEMENT_TPM_KEYS_H

#include "crypto/x509.h"

enum tpm_authority {
    TPM_MICROSOFT_TPM_ROOT_2014, /* AIKs that Microsoft's service issued to TPMs of PCs */
    TPM_AZURE_VTPM_ROOT_2023,
    TPM_MICROSOFT_DEVICES_ROOT_2021, /* older virtual TPMs of Azure */
    TPM_AMEROOT,                     /* the oldest; it ended in May 2026 */
    TPM_ROOTS,
    TPM_GLOBAL_VTPM_CA_01 = TPM_ROOTS,
    TPM_GLOBAL_VTPM_CA_03,
    TPM_AZURE_CLOUD_VTPM_CA_2025,
    TPM_AZURE_CLOUD_VTPM_CA_24, /* one of many beneath it */
    TPM_AUTHORITIES
};
/* What a path needs of their certificates. */
extern const struct certificate tpm_authorities[TPM_AUTHORITIES];
/* Roots of endorsement keys, by vendor; their certificates come with the evidence or lie among the endorsements. */
extern const struct anchors ek_roots;

#endif
