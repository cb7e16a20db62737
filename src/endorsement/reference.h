/* Reference values (RFC 9334): what an operator expects of evidence beside the roots of its vendor. Which UVM endorsements
 * count and from which version on (snp-cvm.md 2.5), what makes a VM one of Azure's (2.7), which chips and platforms are never
 * accepted, which values of Secure Boot's variables are the firmware's own (3.7), and the least TCB of AMD's products. Built-in values stand until a setting replaces them; a running set is
 * immutable and hangs in struct settings. */
#ifndef ASSAY_ENDORSEMENT_REFERENCE_H
#define ASSAY_ENDORSEMENT_REFERENCE_H

#include "base/arena.h"

/* Products of AMD as KDS names them; Bergamo and Siena are Genoa. */
enum snp_product { SNP_MILAN, SNP_GENOA, SNP_TURIN, SNP_PRODUCT_COUNT };
const char *snp_product_name(enum snp_product p); /* "Milan" */
bool snp_product_by_name(struct bytes name, enum snp_product *out);

/* The components of a TCB version (snp-cvm.md 1.4), wherever its bytes are; fmc is 0 before Turin. */
struct snp_tcb {
    uint8_t bootloader, tee, snp, microcode, fmc;
};
/* Each component at least the other's: TCBs are never compared as one number. */
bool snp_tcb_at_least(const struct snp_tcb *tcb, const struct snp_tcb *least);

/* Who may endorse utility VMs: issuer and feed exactly, and the least security version accepted. */
struct uvm_root {
    struct bytes issuer, feed;
    uint64_t minimum_svn;
};

enum reference_list {
    REFERENCE_AZURE_ID_KEYS, /* ID_KEY_DIGEST of Azure's confidential VMs, 48 bytes */
    REFERENCE_AZURE_MRTDS,   /* MRTD of Azure's, 48 bytes */
    /* SHA-256 of what the variable holds: signature lists, without the variable's name (snp-cvm.md 3.7). */
    REFERENCE_SECURE_BOOT_PK,
    REFERENCE_SECURE_BOOT_KEK,
    REFERENCE_SECURE_BOOT_DB,
    REFERENCE_SECURE_BOOT_DBX,
    REFERENCE_WINDOWS_LOADERS,  /* SHA-256 of the certificate by which Secure Boot let Windows start (tpm-vbs.md 3.4) */
    REFERENCE_DENIED_CHIPS,     /* CHIP_ID as reports hold it, 64 bytes; Turin's 8 with zeros behind */
    REFERENCE_DENIED_PLATFORMS, /* Intel's PPID, 16 bytes */
    REFERENCE_DENIED_AIKS,      /* SHA-256 of the SubjectPublicKeyInfo of a TPM's attestation key: aikPubHash */
    REFERENCE_LISTS
};
struct reference_entries {
    const struct bytes *v; /* ascending, each once */
    size_t count;
};

struct reference_values {
    const struct uvm_root *uvm_roots;
    size_t uvm_root_count;
    struct reference_entries lists[REFERENCE_LISTS];
    struct snp_tcb minimum_tcb[SNP_PRODUCT_COUNT]; /* all zero: any */
};

extern const struct reference_values reference_builtin;

bool reference_has(const struct reference_values *r, enum reference_list list, struct bytes entry);
/* The root for this issuer and feed; NULL: it may not endorse. */
const struct uvm_root *reference_uvm_root(const struct reference_values *r, struct bytes issuer, struct bytes feed);
size_t reference_entry_size(enum reference_list list); /* bytes of each entry */

/* Building a set: begin with a copy of reference_builtin. The first entry of a list replaces the built-in ones. What is added
 * lies in the arena. False, and nothing changed, for an entry of another form, one that is there, and one too many. */
bool reference_add(struct arena *a, struct reference_values *r, enum reference_list list, struct bytes entry);
bool reference_add_uvm_root(struct arena *a, struct reference_values *r, const struct uvm_root *root);
void reference_clear(struct reference_values *r, enum reference_list list);
void reference_clear_uvm_roots(struct reference_values *r);

/* A setting of the section [reference], as assayd.conf(5) tells them. Returns NULL when it was taken, else what is allowed. */
const char *reference_set(struct arena *a, struct reference_values *r, const char *name, const char *value);

#endif
