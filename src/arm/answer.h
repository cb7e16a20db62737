/* One request to the control plane -> its answer, and what must be stored before the answer goes out (api.md 7). A function of
 * request, directory, regions and time: it opens nothing and changes nothing. Who may call is the service's business; it has
 * looked at arm_route's action before it calls this. */
#ifndef ASSAY_ARM_ANSWER_H
#define ASSAY_ARM_ANSWER_H

#include "arm/resource.h"
#include "arm/route.h"

/* Every provider that there is. Names are compared without letter case. What is given lives until the answer is made. */
typedef bool arm_visit(void *to, const struct resource *r); /* false: no more */
struct arm_directory {
    void *context;
    /* NULL: there is none. */
    const struct resource *(*find)(void *context, struct bytes subscription, struct bytes group, struct bytes name);
    /* The provider that answers there, whoever has it. */
    const struct resource *(*find_issuer)(void *context, struct bytes issuer);
    /* Those of a subscription, or of a group of it (empty: all groups). */
    void (*each)(void *context, struct bytes subscription, struct bytes group, arm_visit *visit, void *to);
    /* How many were made in a subscription. */
    size_t (*count)(void *context, struct bytes subscription);
    /* The default providers (ARM_SHARED). */
    void (*defaults)(void *context, arm_visit *visit, void *to);
};

struct arm_caller {
    struct bytes name; /* as systemData shows it */
    enum arm_author kind;
};

struct arm_request {
    struct arm_route route;
    const char *version; /* api-version as it was sent; NULL: not there */
    struct bytes body;
    struct arm_caller caller;
    int64_t time;          /* seconds since 1970 */
    size_t providers_most; /* that may be made in one subscription; 0: any number */
};

/* What must be durable before the answer goes out. When it cannot be, the answer is not sent. */
enum arm_effect_kind {
    ARM_NOTHING,
    ARM_CREATE, /* `record`, with a key of the core's making; `signers`, once the core has taken them, which may refuse */
    ARM_UPDATE, /* `record` */
    ARM_DELETE, /* all that is kept of the provider */
    /* Signing keys: the body of the answer, which is the list of them, is the host's to make. */
    ARM_KEYS_SHOW,
    ARM_KEYS_PUBLISH, /* a new one is published, and signs in its time */
    ARM_KEYS_REPLACE, /* a new one signs at once */
    ARM_KEYS_REVOKE,  /* that of `kid` */
};
struct arm_effect {
    enum arm_effect_kind kind;
    struct bytes issuer;
    struct bytes record;
    struct bytes kid;     /* ARM_KEYS_REVOKE */
    struct bytes signers; /* JWKS of a creation; empty: none, the trust model is AAD */
};

struct arm_answer {
    int status;           /* HTTP */
    const char *code;     /* of the error; NULL: none */
    struct bytes body;    /* JSON; empty: none */
    const char *location; /* header; NULL: none */
    struct arm_effect effect;
};

void arm_answer(struct arena *a, const struct arm_directory *directory, const struct regions *regions,
                const struct arm_request *request, struct arm_answer *answer);

/* {"error":{"code","message"}}, the envelope of every refusal here. */
struct bytes arm_error(struct arena *a, const char *code, struct bytes message);

#endif
