#include "sealer/reseal.h"

#include <stdio.h>

#include "crypto/digest.h"
#include "sealer/sealers.h"

static bool seal_anew(const char *path, const struct root_sealer *s, const uint8_t root[ROOT_KEY_SIZE], struct arena *a,
                      struct fault *fault)
{
    uint8_t again[ROOT_KEY_SIZE];
    struct bytes text = BYTES_NONE;
    bool ok = sealers_seal(s, KEY_HOLDS_ROOT, root, a, &text, fault) &&
              sealers_open(s, bytes_text(s->name), KEY_HOLDS_ROOT, text, a, again, fault);

    ok = ok && (secret_equal(BYTES_OF(again), bytes_make(root, ROOT_KEY_SIZE)) ||
                fault_set(fault, FAULT_CRYPTO, "what was sealed does not come back as it was; nothing was changed"));
    secret_wipe(again, sizeof again);
    ok = ok && key_file_replace(path, text, fault);
    secret_wipe((void *)(uintptr_t)text.p, text.n);
    return ok;
}

static bool may_come_from(struct bytes sealer, const char *from, const struct root_sealer *s, struct fault *fault)
{
    if (*from && !bytes_is(sealer, from))
        return fault_set(fault, FAULT_USAGE, "it is sealed by %.*s, not by %s", (int)bytes_first(sealer, 32).n,
                         (const char *)sealer.p, from);
    return *from || !bytes_is(sealer, "file") || strcmp(s->name, "file") == 0 ||
           fault_set(
               fault, FAULT_USAGE,
               "it lies open, so whoever could write there may have made it: where sealer was file until now, say "
               "so with --from file; else the file was replaced: restore it from a backup");
}

bool reseal(const char *path, const char *from, const struct root_sealer *s, struct arena *a, struct fault *fault)
{
    uint8_t root[ROOT_KEY_SIZE];
    struct root_sealer before = *s;
    struct fault reason = {0};
    struct key_envelope old;
    struct bytes text;
    bool there;

    if (!key_file_read(path, a, &there, &text, fault))
        return false;
    if (!there)
        return fault_set(fault, FAULT_USAGE, "there is no key file %s: the service makes it when it starts", path);
    before.first_form = *from != 0;
    bool ok = key_envelope_read(a, text, &old, &reason) && may_come_from(old.sealer, from, s, &reason) &&
              sealers_open(&before, old.sealer, KEY_HOLDS_ROOT, text, a, root, &reason) &&
              seal_anew(path, s, root, a, &reason);
    secret_wipe(root, sizeof root);
    secret_wipe((void *)(uintptr_t)old.sealed.p, old.sealed.n);
    if (!ok)
        return fault_set(fault, reason.code, "the key file %s: %s", path, reason.text);
    printf("%s: sealed by %s; it was by %.*s\n", path, s->name, (int)old.sealer.n, (const char *)old.sealer.p);
    secret_wipe((void *)(uintptr_t)text.p, text.n);
    return true;
}
