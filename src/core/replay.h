/* Replay: a decision that is on record (core/decision.h) judged anew, at its own time and with its own entropy, from what the holder
 * of its token brings. Every input is held to the hash that the record has of it, so that who disputes a decision learns which input
 * he has differently, and who has them all sees that it could not have come out otherwise. */
#ifndef ASSAY_CORE_REPLAY_H
#define ASSAY_CORE_REPLAY_H

#include "core/core.h"
#include "core/decision.h"
#include "crypto/cms.h"

enum { REPLAY_SETTINGS_MOST = 4 * 1024 * 1024 /* bytes: settings with long lists of reference values, and anchors */ };

struct replay {
    struct arena *arena;
    struct trace *trace;
    struct bytes record;
    struct bytes request;                 /* body as it was sent */
    struct bytes payload;                 /* of the token: names the provider and has the salt */
    struct bytes settings;                /* as replay_settings has them */
    struct bytes policy;                  /* text; empty: the default of the kind of evidence */
    struct endorsements *endorsements;    /* not sealed yet: the anchors come from the settings */
    uint8_t contents_digest[SHA256_SIZE]; /* of their contents (struct digest_set) */
    struct decision decision;             /* out: views into the record */
    struct appraisal x;                   /* out, once every input is the same */
};
/* Check by check (log.record.shape, log.replay.…); true when all inputs are the same and the decision too. Nothing is signed. What the
 * service sealed for itself, the contexts of the protocol of TPMs, cannot be opened: that the challenge in such a request was the
 * service's own, and fresh, is believed of the record, and the trace has these checks as skipped. */
bool replay_judge(struct replay *r);

/* The inputs that a provider had kept (core/keeping.h), into request, payload and policy: log.kept.open, log.kept.shape. Whoever has the
 * service's disk can make them and a record that they fit: a caller takes a record that was proved. */
bool replay_open_kept(struct replay *r, struct cms_key *key, struct bytes sealed);

/* Settings and anchors as the core was given them, each behind its length, the settings first: what the record's hash of the settings is
 * over. digest: that hash. */
struct bytes replay_settings(struct arena *a, const struct bytes *bodies, size_t count, uint8_t digest[SHA256_SIZE]);

#endif
