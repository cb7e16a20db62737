/* SEV-SNP confidential VMs and containers (snp-cvm.md 1, 2). Beside the attester's decode, which reads a request, these functions
 * decode what lies in files; attester->verify then is the same. */
#ifndef ASSAY_EVIDENCE_SNP_H
#define ASSAY_EVIDENCE_SNP_H

#include "evidence/attester.h"
#include "evidence/parts/request.h"
#include "evidence/parts/snp_verify.h"
#include "evidence/parts/uvm.h"

struct snp_evidence {
    struct bytes report_bytes;
    struct snp_report report;
    struct bytes certificates; /* of VcekCertChain, as PEM; may be empty */
    struct bytes endorsements; /* of Endorsements, JSON; empty where there is none (snp-cvm.md 2.5) */
    struct uvm uvm;            /* these, decoded */
    struct request_data runtime, init;
    struct snp_basis basis; /* once it is verified */
};

/* A raw report, or the JSON of snp-cvm.md 2.2 (with or without base64 around it). The certificates, DER or PEM, are used where
 * the file has none; runtime and init may be NULL. */
bool snp_decode_file(struct exam *x, struct bytes file, struct bytes certificates, const struct request_data *runtime,
                     const struct request_data *init);
bool snp_verify(struct exam *x);
extern const enum check_id snp_required[];

/* For evidence that holds a report of its own (azure_guest.h, hcl.h), which binds in another way than by runtime data. */
bool snp_decode_object(struct exam *x, struct bytes text, struct snp_evidence *e); /* {SnpReport, …}, JSON */
bool snp_decode_report(struct exam *x, struct bytes report, struct bytes certificates, struct snp_evidence *e);
/* The hardware and what endorses it, but nothing that the caller says. *absent as in parts/snp_verify.h. */
bool snp_verify_report(struct exam *x, struct snp_evidence *e, bool *absent);

#endif
