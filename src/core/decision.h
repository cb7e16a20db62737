/* The record of one decision, as the log of decisions has it (merkle/append.h): what was decided, when, under which policy, and hashes
 * of all inputs, so that whoever holds those can show that they are the ones, and judge the decision anew.
 *
 * The log is for everybody, so nothing in it tells who asked or from which machine. What a stranger could guess and try, or follow
 * from record to record (a machine's evidence), is hashed behind a salt that the token's holder alone knows:
 * the beginning of the token's jti. Provider and policy are hashed plainly: a provider that watches the log must find every
 * decision made in its name, and every one by a policy that it did not set. */
#ifndef ASSAY_CORE_DECISION_H
#define ASSAY_CORE_DECISION_H

#include "base/json.h"
#include "crypto/digest.h"

enum {
    DECISION_SALT = 20,       /* bytes of entropy: what all forms of a jti begin with (token/token.h) */
    DECISION_TEXT_MOST = 256, /* bytes of each text in a record */
    DECISION_RECORD_MOST = 2048,
};

enum decision_verdict { DECISION_REFUSED, DECISION_TOKEN, DECISION_VERDICTS };

struct decision {
    enum decision_verdict verdict;
    int64_t time;                      /* by which it was judged */
    struct bytes attester;             /* "SgxEnclave" */
    struct bytes failed;               /* id of the check that refused; empty for a token */
    struct bytes policy_hash;          /* x-ms-policy-hash; empty: it was refused before a policy was looked at */
    uint8_t provider[SHA256_SIZE];     /* of the issuer */
    uint8_t settings[SHA256_SIZE];     /* of the digests of the settings and of each anchor, ascending */
    uint8_t evidence[SHA256_SIZE];     /* salted: of the request's body */
    uint8_t endorsements[SHA256_SIZE]; /* of the digests of all that were in force, ascending */
    uint8_t outcome[SHA256_SIZE];      /* salted: of the token's payload; of nothing for a refusal */
    struct bytes id;                   /* x-ms-request-id of the answer */
};

/* What the core knows of a record; the host puts the id behind it. */
struct bytes decision_core(struct arena *a, const struct decision *d);
struct bytes decision_record(struct arena *a, struct bytes core, struct bytes id);
/* The whole record; false for what decision_record would not give. Views into the record. */
bool decision_read(struct bytes record, struct decision *out);
/* One object, hashes in hexadecimal. */
struct json *decision_json(struct arena *a, const struct decision *d);

/* Digests of things that were loaded, in any order, to one. */
struct digest_set {
    uint8_t (*v)[SHA256_SIZE]; /* the arena's */
    size_t n, cap;
};
void digest_set_add(struct digest_set *s, struct arena *a, struct bytes content);
/* SHA-256 of them, ascending and each once, as which they stand in the set from now on. */
void digest_set_end(struct digest_set *s, uint8_t out[SHA256_SIZE]);

/* SHA-256 of "assay decision WHAT", a line end, the salt, the content. */
void decision_salted(const char *what, struct bytes salt, struct bytes content, uint8_t out[SHA256_SIZE]);

#endif
