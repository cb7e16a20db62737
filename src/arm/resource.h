/* One provider as a resource of the control plane: what is kept of it in the store, and what each version of the interface shows.
 * Views point into what it was read from. */
#ifndef ASSAY_ARM_RESOURCE_H
#define ASSAY_ARM_RESOURCE_H

#include "arm/regions.h"
#include "base/json.h"

/* Versions of the interface, oldest first. */
enum arm_version { ARM_2018_09_01_PREVIEW, ARM_2020_10_01, ARM_2021_06_01_PREVIEW, ARM_2021_06_01, ARM_VERSIONS };
const char *arm_version_name(enum arm_version v); /* "2021-06-01" */
bool arm_version_find(struct bytes name, enum arm_version *out);

enum arm_switch { ARM_UNSET, ARM_ENABLED, ARM_DISABLED }; /* never set means Enabled */

/* Who changed a resource. */
enum arm_author { ARM_USER, ARM_APPLICATION, ARM_MANAGED_IDENTITY, ARM_KEY, ARM_AUTHORS };
struct arm_stamp {
    struct bytes by;
    enum arm_author kind;
    int64_t at; /* seconds since 1970; 0: unknown, as for a provider made by the configuration */
};

struct arm_tag {
    struct bytes name, value;
};

enum arm_approval { ARM_PENDING, ARM_APPROVED, ARM_REJECTED, ARM_APPROVALS };
struct arm_connection {
    struct bytes name;
    struct bytes endpoint; /* resource id of the private endpoint; empty: not told */
    enum arm_approval status;
    struct bytes description, actions; /* empty: none */
};

/* Who may change it. */
enum arm_owner {
    ARM_TENANT, /* callers with the right to */
    ARM_FIXED,  /* the configuration: it changes there */
    ARM_SHARED, /* the same, and it is the default provider of its region; in no subscription */
};

struct resource {
    enum arm_owner owner;
    struct bytes subscription, group; /* as they were spelled at the creation; empty: ARM_SHARED */
    struct bytes name;                /* the same */
    struct bytes location;            /* as it was sent */
    struct bytes region;              /* code */
    struct bytes issuer;              /* attestUri: "https://name.code.domain[:port]" */
    bool isolated;                    /* trust model */
    struct bytes signers;             /* SHA-256 over the policy signing certificates of the creation; empty: none */
    struct bytes policy_name;         /* attestationPolicy of 2018-09-01-preview; has no effect */
    enum arm_switch public_network_access, tpm_authentication;
    const struct arm_tag *tags;
    size_t tag_count;
    const struct arm_connection *connections;
    size_t connection_count;
    struct arm_stamp created, modified;
};

/* "/subscriptions/…", or "/providers/…" of a shared one. */
struct bytes resource_id(struct arena *a, const struct resource *r);
/* Are these its names, letter case aside? */
bool resource_is(const struct resource *r, struct bytes subscription, struct bytes group, struct bytes name);
/* NULL when it has none of this name, letter case aside. */
const struct arm_connection *resource_connection(const struct resource *r, struct bytes name);

/* As a version of the interface shows it. */
struct json *resource_json(struct arena *a, const struct resource *r, enum arm_version version);
struct json *connection_json(struct arena *a, const struct resource *r, const struct arm_connection *c);

/* The body of its record in the store ("provider"), and back. The store is a stranger: a body is taken only when every member is
 * known and has its form, the record is no longer than LIMIT_ARM_RECORD, and the issuer begins with name and region. The owner is
 * ARM_TENANT. */
struct bytes resource_record(struct arena *a, const struct resource *r);
bool resource_read(struct arena *a, struct bytes record, struct resource *out, struct fault *fault);

/* Names of the interface for values: "Enabled" (NULL when never set), "Approved", "User". */
const char *arm_switch_name(enum arm_switch s);
bool arm_switch_find(struct bytes name, enum arm_switch *out);
const char *arm_approval_name(enum arm_approval s);
bool arm_approval_find(struct bytes name, enum arm_approval *out);
const char *arm_author_name(enum arm_author s);

/* Is this a tag that Azure Resource Manager takes? NULL, or what is wrong with it. */
const char *tag_fault(struct bytes name, struct bytes value);

#endif
