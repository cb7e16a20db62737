/* What the requests of several kinds share: base64 members, runtime data, init-time data (api.md 2.1, claims.md 2). */
#ifndef ASSAY_EVIDENCE_PARTS_REQUEST_H
#define ASSAY_EVIDENCE_PARTS_REQUEST_H

#include "endorsement/exam.h"

enum data_type { DATA_ABSENT, DATA_BINARY, DATA_JSON };

struct request_data {
    enum data_type type;
    struct bytes data;       /* decoded, exactly as sent: what is hashed */
    const struct json *json; /* DATA_JSON: the object, trailing NUL bytes dropped */
};

/* States REQUEST_EVIDENCE; *out is the decoded member. */
bool request_evidence(struct exam *x, const struct json *request, const char *member, struct bytes *out);
/* Read runtimeData (or the 2018 form EnclaveHeldData) and initTimeData; an absent or empty member is DATA_ABSENT. */
bool request_runtime(struct exam *x, const struct json *request, struct request_data *out);
bool request_init(struct exam *x, const struct json *request, struct request_data *out);
/* For tools, which read no request: the same three checks over evidence and data at hand; runtime and init may be NULL. The data come
 * to the attester's own places. */
bool request_given(struct exam *x, struct bytes evidence, const struct request_data *runtime,
                   const struct request_data *init, struct request_data *own_runtime, struct request_data *own_init);
/* The first half of `field` (all reports have one of 64 or 48 bytes) is the SHA-256 of the data; without data the check is
 * skipped, and `skipped` says so. */
bool request_data_bound(struct exam *x, enum check_id id, const struct request_data *data, struct bytes field,
                        const char *skipped);

#endif
