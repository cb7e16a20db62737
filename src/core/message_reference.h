/* Reference values within the frame of settings (core/message.h). */
#ifndef ASSAY_CORE_MESSAGE_REFERENCE_H
#define ASSAY_CORE_MESSAGE_REFERENCE_H

#include "core/frame.h"
#include "endorsement/reference.h"

void wr_reference(struct writer *w, const struct reference_values *r);
/* Never NULL; the reader is failed where the bytes are not exactly what wr_reference writes of some set. */
const struct reference_values *rd_reference(struct reader *r, struct arena *a);

#endif
