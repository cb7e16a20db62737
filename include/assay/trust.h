/* libassay: is an attestation service itself genuine? The four steps by which a relying party comes to rely on it, as a function: the token is
 * signed by a certificate that the service lists; the certificate carries evidence of a TEE (SGX, TDX, SEV-SNP), which verifies; the evidence is
 * bound to the certificate's key; what it measures was announced. assay-trust(1) tells more.
 *
 * Nothing is fetched, no file is read, no clock is asked: the caller brings the service's key set (GET /certs), endorsements of the hardware, the
 * measurements and the time. A handle is used by one thread at a time; there is no state besides. What is passed in is copied where it is kept. */
#ifndef ASSAY_TRUST_H
#define ASSAY_TRUST_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct assay_trust;

enum assay_trust_verdict {
    ASSAY_TRUST_ACCEPTED = 0,
    ASSAY_TRUST_REFUSED = 1,      /* assay_trust_reason tells the check that failed */
    ASSAY_TRUST_NOT_COMPARED = 2, /* genuine hardware, but no measurements were named: rely on nothing yet */
    ASSAY_TRUST_ERROR = 3,        /* out of memory, or wrong use */
};

/* What may be allowed that is refused otherwise. */
enum assay_trust_allowance {
    ASSAY_TRUST_ALLOW_DEBUG = 1,     /* a TEE that its operator can debug, and so read the key of */
    ASSAY_TRUST_ALLOW_SHORT_KEY = 2, /* RSA of 1024 bits */
    ASSAY_TRUST_ALLOW_EXPIRED = 4,   /* certificates of the past */
    ASSAY_TRUST_ANY_MEASUREMENT = 8, /* whatever runs in genuine hardware */
    ASSAY_TRUST_ALLOW_CHAINED =
        16, /* without a token: keys under an authority's chain, which no TEE holds, beside others */
    ASSAY_TRUST_ALLOW_PARTIAL = 32, /* a record of TDX without rtmr0 to rtmr2, of SNP without host_data */
};

/* NULL: no memory. */
struct assay_trust *assay_trust_new(void);
void assay_trust_free(struct assay_trust *t);

/* One endorsement: TCB info, an enclave identity, a CRL, certificates, or Open Enclave's endorsements. name is for messages. 0, or -1: it is none, or
 * something was judged already. */
int assay_trust_add_endorsement(struct assay_trust *t, const char *name, const void *data, size_t size);
/* Trust a root beside the built-in ones, by the SHA-256 of its SubjectPublicKeyInfo. 0, or -1 after the first judgement. */
int assay_trust_add_anchor(struct assay_trust *t, const uint8_t spki_sha256[32]);
/* What may run: a signed list with the public key (PEM) of whoever signed it, or with release_key NULL one's own, as assay-trust(1) shows it. 0, or -1:
 * the key is none. The list itself is judged with the service. */
int assay_trust_set_measurements(struct assay_trust *t, const void *list, size_t size, const void *release_key,
                                 size_t release_key_size);
/* The sum of enum assay_trust_allowance; 0 at first. */
void assay_trust_allow(struct assay_trust *t, unsigned allowances);

/* service: its address, as tokens have it in iss. jwks: the answer of its /certs. token: compact, whose key is judged, and the token; NULL: every key
 * that is listed, of which none may be held outside of a TEE. time: seconds since 1970. */
enum assay_trust_verdict assay_trust_judge(struct assay_trust *t, const char *service, const void *jwks,
                                           size_t jwks_size, const char *token, int64_t time);

/* Of the last judgement, as text with a NUL, cut to size: the reason of a refusal in one line; all that was judged, as one JSON object (that of
 * assay trust --json). Each returns the length of the whole, without its NUL. */
size_t assay_trust_reason(const struct assay_trust *t, char *buffer, size_t size);
size_t assay_trust_report(const struct assay_trust *t, char *buffer, size_t size);

#ifdef __cplusplus
}
#endif

#endif
