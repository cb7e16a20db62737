/* Logs alone as evidence, for tools: what they replay to. They prove nothing without a quote over the registers, so no service takes
 * them. */
#ifndef ASSAY_EVIDENCE_LOGS_H
#define ASSAY_EVIDENCE_LOGS_H

#include "evidence/attester.h"
#include "evidence/parts/ima_log.h"

extern const struct attester event_log_attester, ima_attester; /* not among those that attester_find knows */

bool event_log_decode_file(struct exam *x, struct bytes file);
bool ima_decode_file(struct exam *x, struct bytes file);

#endif
