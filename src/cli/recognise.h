/* What kind of thing a file is, from its bytes. A guess to begin with, never a judgement: decoding is what decides. */
#ifndef ASSAY_CLI_RECOGNISE_H
#define ASSAY_CLI_RECOGNISE_H

#include "base/arena.h"

/* The kinds of evidence of DESIGN 12, in its order, and `unknown`. */
enum evidence_kind {
    KIND_SGX,
    KIND_OE,
    KIND_TDX,
    KIND_SNP,
    KIND_AZURE_GUEST,
    KIND_TPM,
    KIND_VBS,
    KIND_EVENTLOG,
    KIND_IMA,
    KIND_HCL,        /* the report of Azure's paravisor */
    KIND_AZURE_VTPM, /* the same with a TPM quote, as Confidential Containers carry it */
    KIND_UNKNOWN,
};
const char *evidence_kind_name(enum evidence_kind k); /* "sgx", …; "unknown" */
bool evidence_kind_by_name(const char *name, enum evidence_kind *out);
enum evidence_kind recognise_evidence(struct arena *a, struct bytes b);

/* Kinds of things that `inspect` shows besides evidence. */
enum thing {
    THING_EVIDENCE,
    THING_OE_ENDORSEMENTS,
    THING_CERTIFICATES,
    THING_CRL,
    THING_COLLATERAL, /* TCB info, enclave identity, list of evaluation numbers */
    THING_TOKEN,
    THING_KEY_SET,
    THING_UVM,           /* endorsement of a utility VM */
    THING_TPM_PUBLIC,    /* TPMT_PUBLIC or TPM2B_PUBLIC */
    THING_TPM_SIGNATURE, /* TPMT_SIGNATURE */
    THING_UNKNOWN,
};
enum thing recognise_thing(struct arena *a, struct bytes b);

#endif
