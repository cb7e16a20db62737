/* Tokens: claims to JWT, key records, JWKS, OpenID metadata; byte for byte as recorded (api.md 3.1, 5, 6; claims.md
 * 1). */
#ifndef ASSAY_TOKEN_TOKEN_H
#define ASSAY_TOKEN_TOKEN_H

#include "claims/claims.h"
#include "crypto/sign.h"
#include "token/evidence.h"

enum {
    TOKEN_ATTEST_LIFETIME = 28800, /* seconds (api.md 0, item 10) */
    TOKEN_MANAGE_LIFETIME = 3600,
    TOKEN_JTI_ENTROPY = 32,      /* bytes */
    TOKEN_REPORT_JTI = 20,       /* the same of a report */
    TOKEN_REPORT_LEEWAY = 300,   /* seconds that nbf lies before iat in a report */
    TOKEN_REPORT_MINUTES = 1440, /* its lifetime, unless the policy sets another (policy.md 5.5) */
};

/* The public half of a signing key of one provider. */
struct key_record {
    struct bytes issuer;      /* base URL without trailing slash */
    struct bytes kid;         /* api.md 5.2 */
    struct bytes certificate; /* DER, self-signed */
};

/* Key text: PEM of the SubjectPublicKeyInfo and one NUL. */
struct bytes key_text(struct arena *a, struct bytes spki);
/* kid of a key: base64(SHA-256(key text)). */
struct bytes key_id(struct arena *a, struct bytes spki);
/* The 32 bytes whose base64 the kid is; also report data of the service's own evidence. */
void key_binding(struct arena *a, struct bytes spki, uint8_t out[SHA256_SIZE]);
/* The self-signed certificate of api.md 5.3, with this evidence (token/evidence.h) unless it is NULL or of no TEE. */
bool key_certificate(const struct signing_key *key, struct bytes issuer, const struct key_evidence *evidence,
                     struct arena *a, struct bytes *der, struct fault *fault);

/* The forms of a token (claims.md 1.1, 8.3). */
enum token_form {
    TOKEN_USUAL,
    TOKEN_REPORT,       /* of TPMs: the header has the certificate in x5c, and kid is its thumbprint */
    TOKEN_REPORT_SHORT, /* the same with x5t in place of x5c */
    TOKEN_FORMS
};

/* What a payload holds besides the evidence's and the policy's claims. */
struct token_frame {
    struct bytes issuer;
    int64_t time;             /* iat and nbf */
    int64_t lifetime;         /* seconds */
    struct bytes jti_entropy; /* TOKEN_JTI_ENTROPY bytes */
    struct bytes type;        /* x-ms-attestation-type */
    struct bytes policy_hash;
    const struct json *policy_signer; /* x-ms-policy-signer, or NULL */
    struct bytes nonce;               /* empty: none */
};
/* Payload of an attestation token: sorted compact JSON. Members that the service sets win over issued claims. */
struct bytes token_payload(struct arena *a, const struct token_frame *frame, const struct claims *incoming,
                           const struct claims *outgoing);
/* Payload of a report: nbf, exp, iat, iss, jti, ver, x-ms-ver, rp_data, nonce, cnf, x-ms-policy-hash, then all others sorted
 * (claims.md 8.3). rp_data and cnf are claims of the evidence; the frame's nonce is not looked at. */
struct bytes token_report_payload(struct arena *a, const struct token_frame *frame, const struct claims *incoming,
                                  const struct claims *outgoing);
/* What a header is made of. */
struct token_head {
    enum token_form form;
    struct bytes issuer, kid;
    struct bytes certificate; /* of the key, DER; only reports need it */
};
/* The whole signed token over this payload: what the signer process and tools do with a key (api.md 3.1). False with
 * a fault when the key is not RSA or fails, or a report's certificate is missing. */
bool token_sign(struct arena *a, const struct signing_key *key, const struct token_head *head, struct bytes payload,
                struct bytes *token, struct fault *fault);
/* The whole unsigned token of a draft policy: alg "none", an empty third part (api.md 2.2). */
struct bytes token_unsigned(struct arena *a, struct bytes issuer, struct bytes kid, struct bytes payload);

/* Their parts. */
/* {"alg":…,"jku":"{issuer}/certs","kid":…,"typ":"JWT"}; alg "RS256" or "none". */
struct bytes token_header(struct arena *a, const char *alg, struct bytes issuer, struct bytes kid);
/* {"typ":"JWT","alg":"RS256","x5c":[…] or "x5t":…,"kid":…} of a report. */
struct bytes token_report_header(struct arena *a, enum token_form form, struct bytes certificate);
/* base64url of the SHA-1 of a certificate: the kid of reports, under which its key is listed for a second time. */
struct bytes token_thumbprint(struct arena *a, struct bytes certificate);
/* header "." payload, both base64url: what is signed. */
struct bytes token_signing_input(struct arena *a, struct bytes header, struct bytes payload);
/* signing input "." signature; an empty signature makes the unsigned form. */
struct bytes token_compact(struct arena *a, struct bytes signing_input, struct bytes signature);

/* Bodies of GET /certs and GET /.well-known/openid-configuration. */
/* reports: each key stands there twice, with its thumbprint as kid too. */
struct bytes token_jwks(struct arena *a, const struct key_record *keys, size_t count, bool reports);
struct bytes token_openid(struct arena *a, struct bytes issuer);

#endif
