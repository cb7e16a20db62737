/* The signer's half of the self-test, and its judge: apart from the evidence, so that no parser of evidence is linked into the signer. */
#include "core/selftest.h"

#include "core/frame.h"

#define SELFTEST_MESSAGE BYTES_LIT("assay self-test: this signature vouches for nothing")
#define OTHER_MESSAGE    BYTES_LIT("assay self-test: this signature vouches for anything")

bool selftest_sign(const uint8_t sealing[AEAD_KEY_SIZE], struct arena *a, struct bytes *made, struct fault *fault)
{
    struct signing_key *key = signing_key_generate(KEY_P256, fault), *opened = NULL;
    struct writer w = wr_open(a);
    struct bytes sealed, signature;

    if (key && sealed_key_write(sealing, SELFTEST_ISSUER, key, a, &sealed, fault))
        opened = sealed_key_open(sealing, SELFTEST_ISSUER, sealed, a, fault);
    bool ok = opened && (sign_message(opened, SIGNATURE_ES256, SELFTEST_MESSAGE, a, &signature) ||
                         fault_set(fault, FAULT_CRYPTO, "a message cannot be signed"));
    if (ok) {
        wr_field(&w, signing_key_spki(key, a)); /* as it was before it was sealed */
        wr_field(&w, signature);
    }
    *made = wr_done(&w);
    signing_key_free(opened);
    signing_key_free(key);
    return ok;
}

bool selftest_signature(struct arena *a, struct bytes made, struct fault *fault)
{
    struct reader r = rd_open(made);
    struct bytes spki = rd_field(&r), signature = rd_field(&r);
    struct public_key key;

    if (!rd_end(&r) || !public_key_decode(a, spki, &key))
        return fault_set(fault, FAULT_SYNTAX, "signature: the signer's answer is not well formed");
    if (!signature_verify(&key, SIGNATURE_ES256, SELFTEST_MESSAGE, signature))
        return fault_set(fault, FAULT_CRYPTO, "signature: the signer's does not verify");
    return !signature_verify(&key, SIGNATURE_ES256, OTHER_MESSAGE, signature) ||
           fault_set(fault, FAULT_CRYPTO, "signature: the signer's verifies for another message");
}
