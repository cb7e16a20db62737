/* What the kinds of evidence share: one attestation under way. */
#ifndef ASSAY_AGENT_ATTESTING_H
#define ASSAY_AGENT_ATTESTING_H

#include "agent/attest.h"
#include "agent/tpm.h"
#include "agent/tsm.h"
#include "base/json.h"
#include "crypto/sign.h"

struct attesting {
    const struct agent_machine *machine;
    const struct agent_wish *wish;
    const struct agent_service *service;
    struct arena *a;
    struct agent_outcome *out;
    struct fault *fault;
};

bool attest_tpm(struct attesting *x);
bool attest_azure_guest(struct attesting *x);
bool attest_report(struct attesting *x); /* SNP, TDX */

/* Posts an object to "/attest/PATH" and gives the answer's. False: no answer, or a refusal, which is in x->out. */
bool attesting_post(struct attesting *x, const char *path, const char *api_version, const struct json *body,
                    const struct json **answer);
/* A text member that must be there. */
bool attesting_member(struct attesting *x, const struct json *object, const char *name, struct bytes *out);
void attesting_text(struct attesting *x, struct json *object, const char *name, struct bytes text);
void attesting_base64(struct attesting *x, struct json *object, const char *name, struct bytes b);    /* padded */
void attesting_base64url(struct attesting *x, struct json *object, const char *name, struct bytes b); /* not padded */

/* {"kty":"RSA","n","e"} of a modulus; the exponent is 65537. */
struct json *attesting_jwk(struct attesting *x, struct bytes modulus);
/* A key of this process, and its modulus. */
struct signing_key *attesting_key(struct attesting *x, struct bytes *modulus);
/* The private key as PEM into x->out, where the wish was for one. */
bool attesting_give_key(struct attesting *x, const struct signing_key *key);

/* Registers to be quoted, as machine and TPM have it. */
bool attesting_banks(struct attesting *x, struct agent_tpm *t, uint32_t usual, struct agent_quote *q);
/* DER of the attestation key's certificate, without what a TPM pads it with; empty where there is none for this key. */
bool attesting_ak_certificate(struct attesting *x, struct agent_tpm *t, const struct agent_key *ak, struct bytes *der);

/* Certificates of a SEV-SNP report, as PEM: what the user gave, what came with the report, what Azure's services say. Empty where
 * none of them has any. */
bool attesting_snp_chain(struct attesting *x, struct bytes table, struct bytes *pem);
/* The quote that Azure's host makes of a TD report (snp-cvm.md 1.11). */
bool attesting_td_quote(struct attesting *x, struct bytes td_report, struct bytes *quote);

#endif
