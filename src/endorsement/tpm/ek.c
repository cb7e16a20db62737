/* Certificates of endorsement keys (tpm-vbs.md 2.5). */
#include "endorsement/tpm/chain.h"
#include "endorsement/tpm/tpm.h"

enum { KEY_USAGE_ENCIPHER = 0x20, KEY_USAGE_AGREE = 0x08 };

static const uint8_t oid_tcg_ek[] = {0x67, 0x81, 0x05, 0x08, 0x01}; /* 2.23.133.8.1 */
static const struct bytes usages[] = {{oid_tcg_ek, sizeof oid_tcg_ek}};
static const struct tpm_role endorsement_key = {.what = "an endorsement key",
                                                .usages = usages,
                                                .usage_count = 1,
                                                .key_usage = KEY_USAGE_ENCIPHER | KEY_USAGE_AGREE};

bool ek_verify(struct arena *a, struct cache *cache, const struct endorsements *e, struct bytes certificates,
               int64_t time, struct ek *out, struct fault *fault)
{
    struct tpm_chain chain;

    *out = (struct ek){0};
    if (!tpm_certificates_decode(a, certificates, &out->leaf, fault))
        return false;
    out->device = tpm_device_read(out->leaf);
    tpm_chain_build(a, cache, e, out->leaf, &ek_roots, &chain);
    for (int step = 0; step < TPM_STEPS; step++) {
        const char *why = tpm_chain_fault(a, cache, e, &chain, &endorsement_key, time, (enum tpm_step)step);

        if (why)
            return fault_set(fault, FAULT_CRYPTO, "%s", why);
    }
    if (out->leaf->key.kind == KEY_NONE)
        return fault_set(fault, FAULT_CRYPTO, "the endorsement key is of a kind or size that is not accepted");
    out->development = anchor_is_development(e, chain.top->spki_digest);
    return true;
}
