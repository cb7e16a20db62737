/* What the operations of arm/answer.h share; for arm alone. */
#ifndef ASSAY_ARM_ANSWERING_H
#define ASSAY_ARM_ANSWERING_H

#include "arm/answer.h"
#include "arm/body.h"

/* One request under way. */
struct answering {
    struct arena *arena;
    const struct arm_directory *directory;
    const struct regions *regions;
    const struct arm_request *request;
    const struct arm_route *route;
    enum arm_version version;
    struct arm_answer *answer;
};

/* Each fills the answer. */
typedef void arm_operation_run(struct answering *x);
arm_operation_run provider_create, provider_update, provider_delete, connection_create, connection_delete,
    signing_keys_list, signing_key_rotate, signing_key_revoke;

void give(struct answering *x, int status, const struct json *body);
/* Nothing is to be stored. */
void refuse(struct answering *x, int status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void refuse_as(struct answering *x, const struct arm_refusal *why);
/* The provider of the path; NULL: refused, as not found. */
const struct resource *found(struct answering *x);
const struct resource *look(struct answering *x); /* the same, but NULL says only that there is none */

#endif
