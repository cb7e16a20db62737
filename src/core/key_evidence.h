/* The service's own evidence on its way into a signing certificate (DESIGN 8): the host collects it from the hardware, the verifier
 * looks whether it is what it says and bound to the key, the signer issues the certificate again over the same key. Whether it is
 * genuine is for relying parties to judge, who must not believe us: nothing rests on it here. */
#ifndef ASSAY_CORE_KEY_EVIDENCE_H
#define ASSAY_CORE_KEY_EVIDENCE_H

#include "base/check.h"
#include "core/sealed_key.h"

enum { KEY_REPORT_DATA = 64 };

/* Body of a request MANAGE_KEY_EVIDENCE. What is behind a quote's signature, which some platforms pad it with, is left out. */
struct bytes write_key_evidence(struct arena *a, const struct key_evidence *e);
bool read_key_evidence(struct bytes body, struct key_evidence *out);

/* The report data, 64 bytes, of what parses as a quote or a report of its TEE; else false. A quote's end is put where its signature
 * data ends. */
bool key_evidence_report_data(struct arena *a, struct key_evidence *e, struct bytes *out);

struct key_evidence_exam {
    struct arena *arena;
    struct trace *trace;
};
/* Of this key, whose kid is given: key_evidence.shape, key_evidence.binding. */
bool key_evidence_judge(struct key_evidence_exam *x, struct key_evidence *e, struct bytes kid);

/* FRAME_CERTIFY: what the signer issues a certificate over. */
struct certify_message {
    struct bytes issuer, sealed_key;
    struct key_evidence evidence;
};
struct bytes write_certify(struct arena *a, const struct certify_message *m);
bool read_certify(struct bytes body, struct certify_message *out);

#endif
