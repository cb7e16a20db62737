/* Records of the store as the core vouches for them (DESIGN 5): each carries an Ed25519 signature under the record key of
 * core/state_key.h over everything it asserts, so that whoever owns the database can change, move or exchange none of them
 * unnoticed. What a seal does not tell is whether there is a newer record: for that see core/record_memory.h.
 *
 * How a record gets its seal: every operation of core/manage.h adds what is to be stored with manage_change. core_manage then gives each
 * change its version (one above the provider's record of that kind), its time, its caller (the request's) and its seal (core/manage_seal.c), and
 * the host stores exactly that (record_of in service/submit.h). So a new kind of record that the core makes needs nothing but manage_change(m, (struct change){.kind, .body, …}) in an
 * operation of its own; one that a verifier must read again is taken from provider.records (every current record of the provider,
 * verified), or by its kind in core/providers.c, which also wants its name among `kinds` there. There is no way to have the core seal a body that the host made, but for the
 * provider's resource in the control plane, in which the core reads nothing. */
#ifndef ASSAY_CORE_RECORD_SEAL_H
#define ASSAY_CORE_RECORD_SEAL_H

#include "base/check.h"
#include "core/state_key.h"

struct state_record {
    struct bytes provider; /* issuer */
    struct bytes kind;     /* "policy/SgxEnclave" */
    uint64_t version;      /* 1 is the first of its provider and kind */
    int64_t time;
    struct bytes body, hash, signer, caller; /* as struct record of the store has them */
    struct bytes seal;
};

/* What is signed: a label, then the length-framed provider and kind, version, time, SHA-256 of the body, and the other fields. */
struct bytes record_message(struct arena *a, const struct state_record *r);

/* FRAME_RECORD, and what FRAME_ADOPT asks for. */
struct bytes write_state_record(struct arena *a, const struct state_record *r);
bool read_state_record(struct bytes body, struct state_record *out);

struct record_exam {
    struct arena *arena;
    struct trace *trace;
};
/* Its seal, by itself: record.seal, record.signature. */
bool record_verify(struct record_exam *x, const uint8_t key[ED25519_PUBLIC], const struct state_record *r);
/* One line for people: which record, what is wrong, what to do. */
struct bytes record_refusal(struct arena *a, const struct state_record *r, enum check_id failed);

/* The trust model of a provider is bound to its keys: the records "key" and "next", where they hold one, have one of these as their hash
 * (api.md 3.4). */
#define RECORD_ISOLATED "isolated"
#define RECORD_OPEN     "open"
bool record_tells_model(const struct state_record *r);           /* is it of a kind, and with a body, that must? */
bool record_model(const struct state_record *r, bool *isolated); /* false: it does not tell */

#endif
