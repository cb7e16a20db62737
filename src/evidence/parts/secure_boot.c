#include "evidence/parts/secure_boot.h"

static enum secure_boot state_of(struct bytes value)
{
    if (value.n == 0)
        return SECURE_BOOT_EMPTY;
    if (value.n != 1 || value.p[0] > 1)
        return SECURE_BOOT_INVALID;
    return value.p[0] ? SECURE_BOOT_ON : SECURE_BOOT_OFF;
}

static bool is_secure_boot(const struct event *e, struct bytes *value)
{
    struct uefi_variable v;

    if (!uefi_variable_read(e->data, &v) || !bytes_equal(v.guid, BYTES_OF(uefi_guid_global)) ||
        !uefi_variable_named(&v, "SecureBoot"))
        return false;
    *value = v.value;
    return true;
}

/* Configuration stands before the separator; what comes behind it could be written by what was booted, which could also label
 * events anew: so there must be one separator, it counts by its digest, and nothing else is called so. */
enum secure_boot secure_boot_state(const struct event_log *log, const struct event_bank *bank)
{
    enum secure_boot state = SECURE_BOOT_NOT_MEASURED;
    const struct event_separators *separators = event_separators_of(bank->alg);
    bool separated = false;

    for (size_t i = 0; i < log->count; i++) {
        const struct event *e = &log->events[i];
        struct bytes value;

        if (e->reg != PCR_SECURE_BOOT || !e->digests)
            continue;
        bool separates = event_separates(log, e, bank, separators);
        if (separates != (e->type == EV_SEPARATOR) || (separates && separated))
            return SECURE_BOOT_INVALID;
        separated |= separates;
        if (e->type != EV_EFI_VARIABLE_DRIVER_CONFIG)
            continue;
        if (separated)
            return SECURE_BOOT_INVALID;
        if (!is_secure_boot(e, &value))
            continue;
        if (state != SECURE_BOOT_NOT_MEASURED || !event_data_measured(log, e, bank))
            return SECURE_BOOT_INVALID;
        state = state_of(value);
    }
    return separated || state == SECURE_BOOT_NOT_MEASURED ? state : SECURE_BOOT_INVALID;
}

const char *secure_boot_name(enum secure_boot s)
{
    static const char *const names[] = {"not measured", "on", "off", "empty", "invalid"};

    return names[s];
}
