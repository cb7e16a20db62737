/* Handing the root key to another node, through files that anybody may read: only between two that prove the same measurement.
 *
 *     new node                                     old node
 *     offer: fresh key, nonce, time  ──────────►   judges the evidence; the measurement is its own; not answered before
 *     evidence bound to all of it
 *     judges likewise; opens, seals  ◄──────────   grant: hash of the offer, fresh key, time, the root sealed under what both
 *                                                  agree on (X25519); evidence bound to all of it
 *
 * Evidence is bound as clients bind theirs: report data are the SHA-256 of the body, then zeros. Here is no I/O, no clock and no
 * generator; the steps with their files are in sealer/hand_over.h. Every refusal is a check (handover.*, and those of the evidence). */
#ifndef ASSAY_CORE_HAND_OVER_H
#define ASSAY_CORE_HAND_OVER_H

#include "base/check.h"
#include "core/key_evidence.h"
#include "core/state_key.h"
#include "crypto/aead.h"
#include "crypto/x25519.h"
#include "endorsement/exam.h"

enum {
    HAND_OVER_SECONDS = 24 * 60 * 60, /* an offer and its grant hold so long: files are carried by hand */
    HAND_OVER_SKEW = 5 * 60,          /* by which clocks of two nodes may differ */
    HAND_OVER_NONCE = 32,
    HAND_OVER_MAX = 48 * 1024, /* of a message; a quote with its chain has 8 KiB */
};

/* What both messages are: a body, and evidence that is bound to it. */
struct hand_over_message {
    struct bytes body;
    struct key_evidence evidence;
};
struct hand_over_offer {
    struct hand_over_message message;
    int64_t time;
    struct bytes nonce, key; /* key: X25519 */
};
struct hand_over_grant {
    struct hand_over_message message;
    int64_t time;
    struct bytes offer; /* SHA-256 of the whole offer */
    struct bytes key, sealed;
};

struct bytes hand_over_offer_body(struct arena *a, int64_t time, const uint8_t nonce[HAND_OVER_NONCE],
                                  const uint8_t key[X25519_SIZE]);
/* The root under what `secret` and the offer's key agree on. False when libcrypto fails, or the offer's key is none. */
bool hand_over_grant_body(struct arena *a, int64_t time, struct bytes offer, const struct hand_over_offer *o,
                          const uint8_t secret[X25519_SIZE], const uint8_t iv[AEAD_IV_SIZE],
                          const uint8_t root[ROOT_KEY_SIZE], struct bytes *body);
struct bytes hand_over_write(struct arena *a, struct bytes body, const struct key_evidence *e);

struct hand_over_exam {
    struct arena *arena;
    struct trace *trace;
    const struct endorsements *endorsements;
    const struct settings *settings;
    int64_t time;
};
/* States handover.shape. */
bool hand_over_read_offer(struct hand_over_exam *x, struct bytes text, struct hand_over_offer *out);
bool hand_over_read_grant(struct hand_over_exam *x, struct bytes text, struct hand_over_grant *out);

/* What evidence says that runs there. */
struct hand_over_party {
    struct bytes measurement;           /* MRENCLAVE, MRTD, launch measurement */
    uint8_t configuration[SHA256_SIZE]; /* of all else that tells one program and its rights from another's */
    bool debug;
};
/* The evidence is genuine and bound to the body: all checks of its kind. */
bool hand_over_judge(struct hand_over_exam *x, const struct hand_over_message *m, struct hand_over_party *out);
/* The other may not be debugged, and is the same as this node: handover.debug, .measurement, .configuration. */
bool hand_over_same(struct hand_over_exam *x, const struct hand_over_party *other, const struct hand_over_party *own);
/* handover.time */
bool hand_over_in_time(struct hand_over_exam *x, int64_t made);
/* handover.fresh: answered: this offer has had a grant of this node. */
bool hand_over_fresh(struct hand_over_exam *x, bool answered);
/* handover.answer, handover.opened: the grant is for this offer, whose secret opens it. */
bool hand_over_open(struct hand_over_exam *x, const struct hand_over_grant *g, struct bytes offer,
                    const uint8_t secret[X25519_SIZE], uint8_t root[ROOT_KEY_SIZE]);

#endif
