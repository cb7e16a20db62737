/* What the service counts of itself, as Prometheus reads it (text exposition format 0.0.4). Labels are bounded: operations, classes
 * of status and checks by the tables, never a tenant, a path or a caller. */
#ifndef ASSAY_SERVICE_METRICS_H
#define ASSAY_SERVICE_METRICS_H

#include "core/core.h"
#include "service/collateral_state.h"
#include "service/outlooks.h"
#include "service/own_evidence_state.h"
#include "service/pool.h"
#include "service/rotation_state.h"

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* What a request was for, by its path; METRICS_OTHER: none of ours. */
enum metrics_operation {
    METRICS_ATTEST_SGX,
    METRICS_ATTEST_OE,
    METRICS_ATTEST_TDX,
    METRICS_ATTEST_SNP,
    METRICS_ATTEST_GUEST,
    METRICS_ATTEST_TPM,
    METRICS_ATTEST_OTHER,
    METRICS_KEYS,
    METRICS_METADATA,
    METRICS_POLICY_READ,
    METRICS_POLICY_WRITE,
    METRICS_SIGNERS_READ,
    METRICS_SIGNERS_WRITE,
    METRICS_BASELINES,
    METRICS_EXPLAIN,
    METRICS_HISTORY,
    METRICS_SHADOW,
    METRICS_CONTROL_READ,
    METRICS_CONTROL_WRITE,
    METRICS_HEALTH,
    METRICS_METRICS,
    METRICS_OTHER,
    METRICS_OPERATIONS
};
/* Letter case of the path is ignored, as routes do. */
enum metrics_operation metrics_operation(const char *method, struct bytes path);
const char *metrics_operation_name(enum metrics_operation operation);

/* Why a request was answered 429. */
enum metrics_quota { METRICS_QUOTA_ADDRESS, METRICS_QUOTA_PROVIDER, METRICS_QUOTA_QUEUE, METRICS_QUOTAS };

struct metrics;

/* now: seconds since 1970, told as the start time. NULL without memory. */
struct metrics *metrics_new(int64_t now);
void metrics_free(struct metrics *m);
/* An answer. microseconds: since the request was there whole; failed_check: id of the check that refused, or NULL. */
void metrics_request(struct metrics *m, enum metrics_operation operation, int status, int64_t microseconds,
                     const char *failed_check);
void metrics_refused(struct metrics *m, enum metrics_quota quota);
void metrics_shadow(struct metrics *m, enum shadow_outcome outcome);

/* What others count, or what is so at the moment. */
struct metrics_state {
    struct pool_counts pool;
    struct pool_load load;
    size_t providers, connections, administration_connections;
    unsigned long audit_records, audit_lost;
    unsigned long decisions, decisions_lost, decision_writes;
    unsigned long cosigned, witness_refused, witness_failed;
    unsigned long kept, kept_lost; /* inputs of decisions */
    uint64_t kept_bytes;
    bool kept_unreadable;
    bool anchored; /* the store is; then what its newest checkpoint covers, and when it was signed: */
    uint64_t anchored_records;
    int64_t anchored_time;
    unsigned long checkpoints, checkpoints_failed, state_cosigned, state_refused, state_unasked;
    bool store_answers, ready;
    const struct outlooks *outlooks;
    struct collateral_state collateral;
    struct own_evidence_state evidence;
    struct rotation_state rotation;
    int64_t now; /* seconds since 1970 */
};
struct bytes metrics_write(const struct metrics *m, struct arena *a, const struct metrics_state *state);

#endif
