#include "evidence/parts/secure_boot.h"

enum { GUID_SIZE = 16 };

/* 8be4df61-93ca-11d2-aa0d-00e098032b8c, as it lies in UEFI_VARIABLE_DATA */
static const uint8_t guid_global[GUID_SIZE] = {0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
                                               0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c};
static const char variable_name[] = "SecureBoot";

/* The name in UTF-16LE, with or without a NUL. */
static bool name_is(struct bytes utf16, const char *name)
{
    struct reader r = rd_open(utf16);

    for (const char *c = name; *c; c++)
        if (rd_u16le(&r) != (uint16_t)*c)
            return false;
    return rd_end(&r) || (rd_u16le(&r) == 0 && rd_end(&r));
}

/* UEFI_VARIABLE_DATA of the variable SecureBoot; *value is what it holds. */
static bool read_secure_boot(struct bytes data, struct bytes *value)
{
    struct reader r = rd_open(data);
    struct bytes guid = rd_take(&r, GUID_SIZE);
    uint64_t characters = rd_u64le(&r), size = rd_u64le(&r);

    if (!rd_ok(&r) || characters > rd_left(&r) / 2)
        return false;
    struct bytes name = rd_take(&r, (size_t)characters * 2);
    *value = rd_rest(&r);
    return size == value->n && bytes_equal(guid, BYTES_OF(guid_global)) && name_is(name, variable_name);
}

static enum secure_boot state_of(struct bytes value)
{
    if (value.n == 0)
        return SECURE_BOOT_EMPTY;
    if (value.n != 1 || value.p[0] > 1)
        return SECURE_BOOT_INVALID;
    return value.p[0] ? SECURE_BOOT_ON : SECURE_BOOT_OFF;
}

/* Configuration stands before the separator; what comes behind it could be written by what was booted. */
enum secure_boot secure_boot_state(const struct event_log *log, const struct event_bank *bank)
{
    enum secure_boot state = SECURE_BOOT_NOT_MEASURED;
    bool separated = false;

    for (size_t i = 0; i < log->count; i++) {
        const struct event *e = &log->events[i];
        struct bytes value;

        if (e->reg != PCR_SECURE_BOOT || !e->digests)
            continue;
        if (e->type == EV_SEPARATOR) {
            if (separated)
                return SECURE_BOOT_INVALID;
            separated = true;
        }
        if (e->type != EV_EFI_VARIABLE_DRIVER_CONFIG)
            continue;
        if (separated)
            return SECURE_BOOT_INVALID;
        if (!read_secure_boot(e->data, &value))
            continue;
        if (state != SECURE_BOOT_NOT_MEASURED || !event_data_measured(log, e, bank))
            return SECURE_BOOT_INVALID;
        state = state_of(value);
    }
    return state;
}

const char *secure_boot_name(enum secure_boot s)
{
    static const char *const names[] = {"not measured", "on", "off", "empty", "invalid"};

    return names[s];
}
