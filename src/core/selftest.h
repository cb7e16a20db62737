/* What a pair shows of itself before it serves: good evidence of each kind is accepted, the same with one bit of its signature
 * changed is refused by the check that is there for it, and the signer's signatures verify. A processor, a library or a build
 * in which one of these fails gives wrong answers, or none; it is not used.
 *
 * The evidence is of the simulated platform, at a fixed time, under a root that this module alone trusts, in a set of
 * endorsements of its own: nothing of it is ever among what requests are judged by. */
#ifndef ASSAY_CORE_SELFTEST_H
#define ASSAY_CORE_SELFTEST_H

#include "base/check.h"
#include "core/sealed_key.h"
#include "endorsement/exam.h"

#define SELFTEST_ISSUER BYTES_LIT("https://selftest.invalid")

struct selftest_sample {
    const char *path;   /* of the attester */
    const char *member; /* of the request that holds the evidence */
    struct bytes evidence;
    size_t damage;             /* offset of the byte in which the damaged twin differs by its lowest bit */
    enum check_id refused_by;  /* the twin */
    struct bytes certificates; /* that travel with a report of AMD's, in the object that holds both */
    /* Text on both sides of the evidence, which is then a signature alone, in base64; empty: it is sent by itself. */
    struct bytes before, after;
};

/* What the service context in a sample of Tpm was sealed with: everybody knows the key. */
struct sealer selftest_sealer(void);

const struct selftest_sample *selftest_sample_at(size_t i); /* NULL past the end */
/* One sample and its twin; false with a fault that tells which of them went wrong, and how. */
bool selftest_judge(const struct selftest_sample *sample, struct fault *fault);
/* Those of every attester; an attester without a sample fails. */
bool selftest_evidence(struct fault *fault);

/* The signer's part: a new P-256 key, sealed and opened again, signs a fixed message. The body of its answer: public key and
 * signature. Such a key signs nothing else. */
bool selftest_sign(const uint8_t sealing[AEAD_KEY_SIZE], struct arena *a, struct bytes *made, struct fault *fault);
/* The verifier's: that signature is good, and not good for another message. */
bool selftest_signature(struct arena *a, struct bytes made, struct fault *fault);

#endif
