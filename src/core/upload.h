/* What callers send to manage a provider: policies and certificates as JWS in the encodings that clients use, and the rules
 * for who signed them (api.md 0 items 3 and 4, 3.3-3.5, 3.8; policy.md 10; clients.md 1). Each step is a check (DESIGN 1);
 * what a caller is told beside it are the code and the sentence that clients of the original service know. */
#ifndef ASSAY_CORE_UPLOAD_H
#define ASSAY_CORE_UPLOAD_H

#include "base/check.h"
#include "core/core.h"
#include "crypto/jose.h"

/* Why a request to manage was refused: an error code of api.md 1.4 and a sentence with the remedy. */
struct refusal {
    const char *code;
    struct bytes message;
};

#define INVALID_OPERATION "InvalidOperation"
#define INVALID_PARAMETER "InvalidParameter"

/* One upload under way: what it is judged by, and what came of it. */
struct upload_exam {
    struct arena *arena;
    struct trace *trace;
    const struct certificate *registered; /* of the provider; linked */
    bool isolated;                        /* trust model: signed by a registered certificate (api.md 3.4) */
    int64_t time;
    struct refusal refusal; /* of the failed check */
};

struct upload {
    struct bytes text; /* the bare compact JWS, as it is stored and hashed */
    struct jws jws;
    const struct certificate *chain; /* x5c, leaf first; NULL: unsigned, or a bare jwk */
    const struct json *signer;       /* x-ms-policy-signer; NULL: unsigned */
};

/* Every function below that returns bool has filled x->refusal, and the trace has the failed check, when it returns false. */

/* The compact JWS inside a body: white space and one pair of JSON quotes stripped; for certificates also the object form,
 * whose member is `member` (NULL: none). */
bool upload_bare_text(struct upload_exam *x, struct bytes body, const char *member, struct bytes *out);
/* The JWS of a body, decoded; when it is signed, verified under its own x5c or jwk; and, in the isolated trust model, signed
 * by a registered certificate or one that chains to it. */
bool upload_verify(struct upload_exam *x, struct bytes body, const char *member, struct upload *out);
/* One that was accepted before: decoded again, neither signature nor dates are judged anew. */
bool upload_decode_stored(struct upload_exam *x, struct bytes jws, struct upload *out);
/* The policy text of an upload's payload ({"AttestationPolicy": base64url}). */
bool upload_policy_text(struct upload_exam *x, const struct upload *u, struct bytes *text);
/* The payload is empty, as a reset's must be. */
bool upload_empty(struct upload_exam *x, const struct upload *u);
/* The certificate to add or remove ({"policyCertificate": JWK with x5c}, and its older names). */
bool upload_certificate(struct upload_exam *x, const struct upload *u, const struct certificate **out);
/* Every check that an upload must pass was made, and `last`, the operation's own: nothing is stored otherwise. */
bool upload_complete(struct upload_exam *x, enum check_id last);
/* Every check of the list, up to CHECK_END, was made, for operations that ask for more. */
bool upload_made(struct upload_exam *x, const enum check_id *required);
/* States a check; when it fails, the code and the sentence (at most 1 KiB) are what the caller is told. */
bool upload_require(struct upload_exam *x, enum check_id id, bool ok, const char *code, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* {"alg","kty","use","x5c"} of a chain, as answers and tokens name a signer. */
struct json *signer_json(struct arena *a, enum signature_alg alg, const struct certificate *chain);

#endif
