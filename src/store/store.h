/* What must survive: the records of every provider (its resource, policies, policy signers, sealed keys). A record is never
 * changed: each change appends a new version, the highest one counts, so that the history is the data itself (DESIGN 7).
 *
 * Drivers stand behind one table of functions, `struct store_driver`; all durable before they answer. A store is used by
 * one thread. No attest request ever touches it: the data plane answers from a snapshot in memory. Several processes may share
 * one: each follows the others by the sequence of records. */
#ifndef ASSAY_STORE_STORE_H
#define ASSAY_STORE_STORE_H

#include "base/arena.h"
#include "base/fault.h"

struct store;

struct record {
    struct bytes provider; /* issuer URL */
    struct bytes kind;     /* "policy/SgxEnclave", "signers" */
    uint64_t version;      /* 1 is the first of its provider and kind */
    int64_t time;          /* of the change */
    struct bytes body;     /* the JWS as uploaded; empty: reset, or deleted */
    struct bytes hash;     /* what the caller was answered with */
    struct bytes signer;   /* SHA-1 thumbprint of the signing certificate; empty: unsigned */
    struct bytes caller;   /* who asked, as authenticated */
    struct bytes seal;     /* the core's signature over all of the above (core/record_seal.h); empty: none */
    uint64_t
        sequence; /* place in the order of commit over all providers, from 1 without gaps; store_append ignores it */
};

/* Open, creating what is missing. url: "sqlite:PATH", or "postgresql://…" (store/postgres_url.h). */
struct store *store_open(const char *url, struct fault *fault);
void store_close(struct store *s);

/* Append these records in one durable transaction, all or none; on return true they survive kill -9 and loss of power. The
 * version of each must be one above the current one of its provider and kind (of several in one call: one above the one before
 * it), or nothing is written and *conflict is set: another writer was first. Provider and kind are UTF-8 without NUL; the other
 * fields may hold any bytes, LIMIT_STORE_FIELD at most. False with FAULT_UNCERTAIN: the store failed in such a way that nobody can tell yet whether the
 * records are there; read them before you try again. With any other fault nothing was written. */
bool store_append(struct store *s, const struct record *records, size_t count, bool *conflict, struct fault *fault);

/* Replace seal and hash of the records that have these sequences, in one transaction, all or none: for an operator who vouches for what
 * is there (`assayd adopt`), and for nobody else. Other fields are not looked at. */
bool store_reseal(struct store *s, const struct record *records, size_t count, struct fault *fault);

/* Gives the next record for an import, or *out = NULL behind the last; false: it cannot. Views must live until the next call. */
typedef bool store_next(void *context, const struct record **out, struct fault *fault);
/* Append whole histories to a store that is empty, in one transaction, all or none; with *count records. They come ascending by
 * sequence, and keep theirs. */
bool store_import(struct store *s, store_next *next, void *context, uint64_t *count, struct fault *fault);

/* Called for each record; its views live in the arena, which the callee may reset. It must not use the store. Return false from it
 * to stop. */
typedef bool store_visit(void *context, const struct record *record);
/* The highest version of each provider and kind of which the sequence is above `since`, ascending by sequence; 0: everything.
 * Nobody ever sees a sequence before all lower ones, so the last one given is where the next call goes on. */
bool store_changes(struct store *s, struct arena *a, uint64_t since, store_visit *each, void *context,
                   struct fault *fault);
/* The same with every version, superseded ones too: what a copy of the store is made of. */
bool store_records(struct store *s, struct arena *a, uint64_t since, store_visit *each, void *context,
                   struct fault *fault);
/* Which part of a history. */
struct history_page {
    uint64_t before; /* only versions below; 0: from the newest */
    size_t limit;
    bool bodies; /* else the records come without, for a list that stays small */
};
/* Versions of one provider and kind, newest first. */
bool store_history(struct store *s, struct arena *a, struct bytes provider, struct bytes kind,
                   const struct history_page *page, store_visit *each, void *context, struct fault *fault);
/* The version that the next record of this provider and kind must have. */
bool store_next_version(struct store *s, struct arena *a, struct bytes provider, struct bytes kind, uint64_t *out,
                        struct fault *fault);
/* The highest committed sequence; 0: the store is empty. */
bool store_generation(struct store *s, uint64_t *out, struct fault *fault);
/* Blocks its thread until there are records above the last that store_changes gave (*changed, at once when there are some
 * already, one's own included), wake_fd is readable (-1: none; it is not read), or the time is over. False when the store cannot be
 * asked; the next call waits before it asks again, so that a loop around it does not spin. */
bool store_wait(struct store *s, int wake_fd, int milliseconds, bool *changed, struct fault *fault);

#endif
