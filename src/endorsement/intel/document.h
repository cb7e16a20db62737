/* Reading what TCB infos and identities share; for their decoders. */
#ifndef ASSAY_ENDORSEMENT_INTEL_DOCUMENT_H
#define ASSAY_ENDORSEMENT_INTEL_DOCUMENT_H

#include "endorsement/intel/intel.h"

/* Sticky reading of one document's members: the first fault stays. */
struct document_reader {
    struct arena *arena;
    const char *name;
    struct fault *fault;
    bool failed;
};

void document_fail(struct document_reader *r, const char *member, const char *what);
uint64_t document_number(struct document_reader *r, const struct json *object, const char *member, uint64_t max);
struct bytes document_text(struct document_reader *r, const struct json *object, const char *member);
struct bytes document_hex(struct document_reader *r, const struct json *object, const char *member, size_t size);
int64_t document_time(struct document_reader *r, const struct json *object, const char *member);
/* An array of 1 to max elements; NULL after a failure. */
const struct json *document_array(struct document_reader *r, const struct json *object, const char *member, size_t max);
/* tcbStatus, tcbDate, advisoryIDs of a level. */
void document_level(struct document_reader *r, const struct json *level, enum tcb_status *status, struct bytes *date,
                    const struct bytes **advisories, size_t *advisory_count);
/* tcbLevels of an identity or module: {tcb: {isvsvn}, …}, sorted highest first, none twice. */
const struct svn_level *document_svn_levels(struct document_reader *r, const struct json *object, size_t *count);
/* The envelope {member: {…}, "signature": hex}: fills the shared part and gives the inner object. */
const struct json *document_open(struct document_reader *r, struct bytes text, const char *member,
                                 struct signed_document *out);

#endif
