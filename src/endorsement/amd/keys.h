/* AMD's authorities, which are built in (snp-cvm.md 1.8): the root of each product (ARK), and what issues certificates for chips
 * (ASK) and for cloud providers (ASVK). For the endorsement floor and its tests. */
#ifndef ASSAY_ENDORSEMENT_AMD_KEYS_H
#define ASSAY_ENDORSEMENT_AMD_KEYS_H

#include "crypto/x509.h"
#include "endorsement/reference.h"

enum amd_role { AMD_ARK, AMD_ASK, AMD_ASVK, AMD_ROLES };

const char *amd_authority_name(enum snp_product product, enum amd_role role); /* "SEV-VLEK-Milan" */
const uint8_t *amd_authority_spki(enum snp_product product,
                                  enum amd_role role); /* SHA-256 of the SubjectPublicKeyInfo */
bool amd_authority_by_name(struct bytes common_name, enum snp_product *product, enum amd_role *role);
/* What a path needs of its certificate: names, key, dates, serial, authority. There are no bytes and no signature: that the key
 * is built in takes their place. */
struct certificate *amd_authority(struct arena *a, enum snp_product product, enum amd_role role);
/* Did AMD's CRLs once revoke the authority with this serial number? They stay so where no CRL is at hand. */
bool amd_serial_revoked(struct bytes serial);
/* A distinguished name as AMD writes it, in DER. */
struct bytes amd_name(struct arena *a, const char *common_name);

#endif
