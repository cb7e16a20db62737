#include "sealer/sealers.h"

#include "crypto/digest.h"

static const struct key_sealer *const sealers[] = {&sealer_tpm2, &sealer_snp, &sealer_pkcs11};

static const struct key_sealer *find(struct bytes name, struct fault *fault)
{
    for (size_t i = 0; i < sizeof sealers / sizeof *sealers; i++)
        if (bytes_is(name, sealers[i]->name))
            return sealers[i];
    fault_set(fault, FAULT_USAGE, "it is sealed by \"%.*s\", which this program does not know",
              (int)bytes_first(name, 32).n, (const char *)name.p);
    return NULL;
}

bool sealers_seal(const struct root_sealer *s, const char *holds, const uint8_t secret[ROOT_KEY_SIZE], struct arena *a,
                  struct bytes *text, struct fault *fault)
{
    struct key_field fields[SEALER_FIELDS_MAX];
    uint8_t key[ROOT_KEY_SIZE];
    size_t count = 0;

    if (strcmp(s->name, "file") == 0) {
        *text = key_envelope_plain(a, holds, secret);
        return true;
    }
    const struct key_sealer *sealer = find(bytes_text(s->name), fault);
    bool ok = sealer && sealer->make(s, a, key, fields, &count, fault) &&
              key_envelope_seal(a, holds, sealer->name, fields, count, key, secret, text, fault);
    secret_wipe(key, sizeof key);
    return ok;
}

bool sealers_open(const struct root_sealer *s, struct bytes sealer, const char *holds, struct bytes text,
                  struct arena *a, uint8_t secret[ROOT_KEY_SIZE], struct fault *fault)
{
    struct key_envelope e;
    uint8_t key[ROOT_KEY_SIZE];

    if (!key_envelope_read(a, text, &e, fault))
        return false;
    if (!bytes_is(e.holds, holds))
        return fault_set(fault, FAULT_USAGE, "it holds another key: \"%.*s\" instead of \"%s\"",
                         (int)bytes_first(e.holds, 32).n, (const char *)e.holds.p, holds);
    if (!bytes_equal(e.sealer, sealer))
        return fault_set(fault, FAULT_USAGE,
                         "it is sealed by %.*s, not by %.*s: somebody put it there, or [keys] sealer "
                         "is not what it was",
                         (int)bytes_first(e.sealer, 32).n, (const char *)e.sealer.p, (int)sealer.n,
                         (const char *)sealer.p);
    if (bytes_is(e.sealer, "file"))
        return key_envelope_open(a, &e, NULL, secret, fault);
    const struct key_sealer *by = find(e.sealer, fault);
    bool ok = by && by->recover(s, &e, a, key, fault) && key_envelope_open(a, &e, key, secret, fault);
    secret_wipe(key, sizeof key);
    return ok;
}
