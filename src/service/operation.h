/* What a request asks for, by method and path, under the names that records of operations use (api.md 8): the operationId of api.md 2
 * where a record shows it, else one made like it; those of the control plane as they are. */
#ifndef ASSAY_SERVICE_OPERATION_H
#define ASSAY_SERVICE_OPERATION_H

#include "service/routes.h"

enum operation_class {
    OPERATION_UNKNOWN, /* there is none at this path, or not by this method */
    OPERATION_PUBLIC,  /* keys, metadata, health: the same for everybody */
    OPERATION_ATTEST,
    OPERATION_MANAGE,  /* a provider's policies and signers, and our own paths */
    OPERATION_CONTROL, /* providers themselves */
};

struct operation {
    enum operation_class class;
    const char *name; /* "AttestSgxEnclave"; "Unknown" */
};

/* The name may be in the exchange's arena. */
struct operation operation_of(const struct service *s, struct exchange *e);

#endif
