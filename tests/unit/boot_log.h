/* Boot logs made by hand, for tests that share one arena. */
#ifndef ASSAY_TESTS_BOOT_LOG_H
#define ASSAY_TESTS_BOOT_LOG_H

#include "arena_test.h"

#include "evidence/parts/secure_boot.h"

enum { SHA1 = 0x04, SHA256 = 0x0b };

/* The header of an agile log with the banks of these ids and sizes. */
static inline void put_header(struct writer *w, const uint16_t banks[][2], size_t count)
{
    struct writer data = wr_open(&arena);

    wr_put(&data, bytes_make("Spec ID Event03", 16));
    wr_u32le(&data, 0);
    wr_u32le(&data, 0x02000200);
    wr_u32le(&data, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        wr_u16le(&data, banks[i][0]);
        wr_u16le(&data, banks[i][1]);
    }
    wr_u8(&data, 0);
    wr_u32le(w, 0);
    wr_u32le(w, EV_NO_ACTION);
    for (int i = 0; i < SHA1_SIZE; i++)
        wr_u8(w, 0);
    wr_u32le(w, (uint32_t)data.n);
    wr_put(w, wr_done(&data));
}

static const uint16_t two_banks[2][2] = {{SHA1, SHA1_SIZE}, {SHA256, SHA256_SIZE}};

/* An event of both banks whose digests are those of `hashed`. */
static inline void put_event(struct writer *w, uint32_t reg, uint32_t type, struct bytes hashed, struct bytes data)
{
    wr_u32le(w, reg);
    wr_u32le(w, type);
    wr_u32le(w, 2);
    wr_u16le(w, SHA1);
    wr_put(w, digest(&arena, DIGEST_SHA1, hashed));
    wr_u16le(w, SHA256);
    wr_put(w, digest(&arena, DIGEST_SHA256, hashed));
    wr_u32le(w, (uint32_t)data.n);
    wr_put(w, data);
}

static inline struct bytes variable_of(const uint8_t guid[16], const char *name, struct bytes value)
{
    struct writer w = wr_open(&arena);

    wr_put(&w, bytes_make(guid, 16));
    wr_u64le(&w, strlen(name));
    wr_u64le(&w, value.n);
    for (const char *c = name; *c; c++)
        wr_u16le(&w, (uint16_t)*c);
    wr_put(&w, value);
    return wr_done(&w);
}

static inline struct bytes variable(const char *name, struct bytes value)
{
    return variable_of(uefi_guid_global, name, value);
}

static inline void put_secure_boot(struct writer *w, struct bytes value)
{
    struct bytes data = variable("SecureBoot", value);

    put_event(w, PCR_SECURE_BOOT, EV_EFI_VARIABLE_DRIVER_CONFIG, data, data);
}

static inline void put_separator(struct writer *w, uint32_t reg)
{
    static const uint8_t zeros[4];

    put_event(w, reg, EV_SEPARATOR, BYTES_OF(zeros), BYTES_OF(zeros));
}

#endif
