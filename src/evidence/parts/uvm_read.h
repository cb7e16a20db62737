/* Reading a UVM endorsement, for evidence/parts/uvm.c. */
#ifndef ASSAY_EVIDENCE_PARTS_UVM_READ_H
#define ASSAY_EVIDENCE_PARTS_UVM_READ_H

#include "crypto/cose.h"
#include "evidence/parts/uvm.h"

/* uvm_read, with the message around it. */
bool uvm_read_message(struct arena *a, struct bytes cose, struct cose_sign1 *m, struct uvm_statement *out,
                      struct fault *fault);

#endif
