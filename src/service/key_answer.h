/* The signing keys of a provider, as the control plane tells of them. */
#ifndef ASSAY_SERVICE_KEY_ANSWER_H
#define ASSAY_SERVICE_KEY_ANSWER_H

#include "service/registry.h"

/* {"signingKeys":[{"kid","state":"signing"|"published"|"retired","since"|"until"}]}, in the order of /certs. Times in seconds. */
struct bytes key_answer(struct arena *a, const struct tenant *t, int64_t now);

#endif
