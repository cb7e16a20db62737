/* What must survive: the records of every provider (policies, policy signers, later keys). A record is never changed: each
 * change appends a new version, the highest one counts, so that the history is the data itself (DESIGN 7).
 *
 * Drivers stand behind one table of functions, `struct store_driver`; all durable before they answer. A store is used by
 * one thread. No attest request ever touches it: the data plane answers from a snapshot in memory. */
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
    struct bytes body;     /* the JWS as uploaded; empty: reset */
    struct bytes hash;     /* what the caller was answered with */
    struct bytes signer;   /* SHA-1 thumbprint of the signing certificate; empty: unsigned */
    struct bytes caller;   /* who asked, as authenticated */
};

/* Open, creating what is missing. url: "sqlite:PATH". */
struct store *store_open(const char *url, struct fault *fault);
void store_close(struct store *s);

/* Append one record durably; on return true it survives kill -9 and loss of power. record->version must be one above the
 * current one, or nothing is written and *conflict is set: another writer was first. */
bool store_append(struct store *s, const struct record *record, bool *conflict, struct fault *fault);

/* Calls each for a record; its views live in the arena. Return false from it to stop. */
typedef bool store_visit(void *context, const struct record *record);
/* The highest version of every provider and kind. */
bool store_current(struct store *s, struct arena *a, store_visit *each, void *context, struct fault *fault);
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
/* Grows with each append by anyone who shares the store; a changed value means: load store_current again. */
bool store_generation(struct store *s, uint64_t *out, struct fault *fault);

#endif
