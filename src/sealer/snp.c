/* The key derived by the processor for this guest: SEV-SNP mixes a secret of the chip with the guest's policy and the measurement of
 * its launch, so neither another image nor another chip is given the same (snp-cvm.md 5.2). Nothing is kept of it: a salt alone. */
#include "agent/sev_guest.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "sealer/sealers.h"

enum { SALT_SIZE = 32 };
#define PURPOSE "assay: the root key sealed to an SEV-SNP guest"

static bool derive(const uint8_t salt[SALT_SIZE], uint8_t key[ROOT_KEY_SIZE], struct fault *fault)
{
    uint8_t raw[AGENT_DERIVED_KEY], info[sizeof PURPOSE + SALT_SIZE] = PURPOSE;

    memcpy(info + sizeof PURPOSE, salt, SALT_SIZE);
    bool ok = agent_sev_guest_key(AGENT_SEV_GUEST_DEVICE, raw, fault);
    if (ok)
        root_derive(raw, BYTES_OF(info), key);
    secret_wipe(raw, sizeof raw);
    return ok;
}

static bool make(const struct root_sealer *s, struct arena *a, uint8_t key[ROOT_KEY_SIZE],
                 struct key_field fields[SEALER_FIELDS_MAX], size_t *count, struct fault *fault)
{
    uint8_t salt[SALT_SIZE];

    (void)s;
    if (!random_bytes(salt, sizeof salt))
        return fault_set(fault, FAULT_SYSTEM, "the system gives no random numbers");
    fields[(*count)++] = (struct key_field){BYTES_LIT("salt"), hex_encode(a, BYTES_OF(salt))};
    return derive(salt, key, fault);
}

static bool recover(const struct root_sealer *s, const struct key_envelope *e, struct arena *a,
                    uint8_t key[ROOT_KEY_SIZE], struct fault *fault)
{
    uint8_t salt[SALT_SIZE];
    struct bytes text;

    (void)s, (void)a;
    if (!key_envelope_field(e, "salt", &text, fault))
        return false;
    return (hex_decode_exact(text, salt, sizeof salt) ||
            fault_set(fault, FAULT_SYNTAX, "a key whose \"salt\" is damaged; restore the file")) &&
           derive(salt, key, fault);
}

const struct key_sealer sealer_snp = {"snp", make, recover};
