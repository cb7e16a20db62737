/* Which TCB baseline a policy asks for (policy.md 5.5, x-ms-sgx-tcbidentifier). */
#ifndef ASSAY_CORE_BASELINE_H
#define ASSAY_CORE_BASELINE_H

#include "evidence/attester.h"

/* The property that chooses it; NULL when the policy leaves it to the service, or the evidence knows no baselines. The last one
 * counts. Its value may be of any kind. */
const struct claim *baseline_property(const struct attester *attester, const struct claims *properties);
/* "azuredefault" (0), or a TCB evaluation number in decimal as GET /tcbbaselines lists it. */
bool baseline_of(struct bytes identifier, uint32_t *baseline);

#endif
