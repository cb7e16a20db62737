/* Early warning: what will become of a platform that is accepted today, once the newest TCB data at hand are in force, and why.
 * Pure functions, off the path of every request. */
#ifndef ASSAY_ENDORSEMENT_FORECAST_H
#define ASSAY_ENDORSEMENT_FORECAST_H

#include "endorsement/intel/intel.h"

enum platform_tee { PLATFORM_SGX, PLATFORM_TDX, PLATFORM_SNP, PLATFORM_TEES };
const char *platform_tee_name(enum platform_tee tee); /* "sgx", … */

/* What of an accepted platform its later status depends on. It names no tenant, and the platform only by a hash. */
struct platform_identity {
    enum platform_tee tee;
    uint8_t id[SHA256_SIZE]; /* of PPID or chip id and what follows, so that one platform after an update is another */
    /* Intel */
    uint8_t fmspc[FMSPC_SIZE], root_spki[SHA256_SIZE];
    struct tcb_platform tcb;
    /* AMD */
    enum snp_product product;
    struct snp_tcb snp;
};
/* tcb and fmspc of a verified chain; the id is made of them and the PPID. */
struct platform_identity platform_of_intel(const struct pck_chain *chain, const struct tcb_platform *tcb);
struct platform_identity platform_of_amd(enum snp_product product, struct bytes chip_id,
                                         const struct snp_tcb *reported);

/* Where a platform falls short of the nearest level that would be accepted. */
enum tcb_gap_kind {
    GAP_NONE,
    GAP_SGX_COMPONENT, /* index 1 to 16, as Intel numbers them */
    GAP_PCE,           /* PCESVN */
    GAP_TDX_COMPONENT, /* index 1 to 16 */
    GAP_TDX_MODULE,    /* index: its major version; needed 0: no level of that version is good */
    GAP_QE,            /* ISV SVN of the quoting enclave */
    GAP_STATUS,        /* no level with an accepted status lies above: revoked, or a configuration is asked for */
    GAP_SNP_COMPONENT, /* index: enum snp_component */
    GAP_KINDS
};
enum snp_component { SNP_BOOTLOADER, SNP_TEE, SNP_FIRMWARE, SNP_MICROCODE, SNP_FMC, SNP_COMPONENTS };
const char *tcb_gap_name(enum tcb_gap_kind kind); /* "sgx-component", … */
struct tcb_gap {
    enum tcb_gap_kind kind;
    unsigned index, found, needed;
};
/* "SGX component 3: 5, 7 needed" */
const char *tcb_gap_text(struct arena *a, const struct tcb_gap *gap);

enum { FORECAST_GAPS = 2 * TCB_COMPONENTS + 3 };
struct forecast {
    bool known;   /* newest data for the platform are at hand */
    bool fails;   /* under them the platform will be refused */
    int64_t from; /* where it fails: not before this time; 0: at once */
    struct tcb_gap gap[FORECAST_GAPS];
    size_t gap_count; /* of a platform that fails at least one, of one that does not none */
    /* Intel */
    enum tcb_status now, then;
    uint32_t evaluation_now, evaluation_then; /* 0: no data are in force */
    struct bytes tcb_date;                    /* of the level that it then has, as it stands; empty: none */
};
/* By what is accepted under the settings. The data in force are those of the settings' baseline at `time`, the newest those of the
 * highest evaluation number at hand, issued or not. */
void forecast_intel(const struct endorsements *e, const struct settings *s, const struct platform_identity *p,
                    int64_t time, struct forecast *out);
/* AMD publishes no levels: the newest is what the operator asks for, and the highest TCB that was met of the product. */
void forecast_amd(const struct settings *s, const struct snp_tcb *newest, const struct platform_identity *p,
                  struct forecast *out);

#endif
