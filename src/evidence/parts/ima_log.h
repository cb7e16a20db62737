/* Measurement lists of Linux IMA, as the kernel gives them: binary, and as text (tpm-vbs.md 3.6). The register holds the template
 * hashes; what an entry says counts only where its template hash is that of its data. */
#ifndef ASSAY_EVIDENCE_PARTS_IMA_LOG_H
#define ASSAY_EVIDENCE_PARTS_IMA_LOG_H

#include "evidence/parts/event_log.h"

enum { IMA_LEGACY_NAME = 256 }; /* to which template "ima" fills a name with zeros before it is hashed */

struct ima_entry {
    uint32_t pcr;
    struct bytes hash;     /* SHA-1 of the data; zeros: a violation, what was measured changed meanwhile */
    struct bytes template; /* "ima-ng" */
    struct bytes
        data; /* what is hashed: its fields, each behind its length; of template "ima" digest and padded name */
    struct bytes name; /* of the file, or of what was measured; empty where the template has none */
};
bool ima_violation(const struct ima_entry *e);
/* Is the template hash that of the data? Violations have none: true. */
bool ima_hash_holds(const struct ima_entry *e);

/* Field n of the data: 0 the digest behind its algorithm ("sha256:", NUL), 1 the name, 2 what the template adds. Empty where there is
 * none; template "ima" has no fields. */
struct bytes ima_field(const struct ima_entry *e, unsigned n);

struct ima_log {
    const struct ima_entry *entries;
    size_t count, violations;
};
/* Either form. False, with a fault that names the entry, for lengths that do not fit and text that is no entry. */
bool ima_log_read(struct arena *a, struct bytes text, struct ima_log *out, struct fault *fault);

/* What a bank's registers hold after the list, on top of what `r` holds. Banks other than SHA-1 hash the data; kernels before 5.8
 * extended them with the SHA-1 hash, filled with zeros: padded. */
void ima_log_replay(const struct ima_log *log, enum digest_alg alg, bool padded, struct event_registers *r);

/* The same, one entry. */
void ima_log_step(const struct ima_entry *e, enum digest_alg alg, bool padded, struct event_registers *r);

/* For ima_log_read, entries as text. */
bool ima_text_read(struct arena *a, struct bytes text, struct ima_log *out, struct fault *fault);

#endif
