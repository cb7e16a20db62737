/* A boot log made by hand, of what Windows and the firmware before it measure, and the facts that are read from it. */
#ifndef ASSAY_TESTS_UNIT_BOOT_WINDOWS_H
#define ASSAY_TESTS_UNIT_BOOT_WINDOWS_H

#include "boot_log.h"

#include "evidence/parts/boot_facts.h"
#include "evidence/parts/wbcl.h"

static struct measured logs;
static struct exam exam;
static struct boot_facts facts;
static struct writer log_text, tags;
static struct reference_values reference;
#define LOADER BYTES_LIT("owner of 16 byte certificate")

enum { ALL = 0xffffff };
static const struct bytes wbcl = {(const uint8_t *)"WBCL", 4};

static inline int begin(void **state)
{
    set_up(state);
    logs = (struct measured){0};
    exam = (struct exam){.arena = &arena, .trace = trace_new(&arena)};
    log_text = wr_open(&arena);
    tags = wr_open(&arena);
    put_header(&log_text, two_banks, 2);
    reference = reference_builtin;
    assert_true(
        reference_add(&arena, &reference, REFERENCE_WINDOWS_LOADERS, sha256_of(&arena, bytes_after(LOADER, 16))));
    return 0;
}

static inline void put_tag(struct writer *w, uint32_t id, struct bytes data)
{
    wr_u32le(w, id);
    wr_u32le(w, (uint32_t)data.n);
    wr_put(w, data);
}

static inline void put_u32(struct writer *w, uint32_t id, uint32_t value)
{
    wr_u32le(w, id);
    wr_u32le(w, 4);
    wr_u32le(w, value);
}

static inline struct bytes wide(const char *text)
{
    struct writer w = wr_open(&arena);

    do
        wr_u16le(&w, (uint8_t)*text);
    while (*text++);
    return wr_done(&w);
}

static inline struct bytes in_container(uint32_t id, const struct writer *content)
{
    struct writer w = wr_open(&arena);

    put_tag(&w, id, wr_done(content));
    return wr_done(&w);
}

/* The tags so far as one event of a trust boundary. */
static inline void measure(uint32_t reg)
{
    struct bytes data = in_container(SIPA_TRUSTBOUNDARY, &tags);

    put_event(&log_text, reg, EV_EVENT_TAG, data, data);
    tags = wr_open(&arena);
}

static inline void close_register(uint32_t reg)
{
    put_event(&log_text, reg, EV_SEPARATOR, wbcl, wbcl);
}

static inline void put_authority(uint32_t type, struct bytes value)
{
    struct bytes data = variable_of(uefi_guid_image_security, "db", value);

    put_event(&log_text, PCR_SECURE_BOOT, type, data, data);
}

/* What the firmware measured before. */
static inline void start_windows(void)
{
    put_secure_boot(&log_text, BYTES_LIT("\1"));
    put_separator(&log_text, PCR_SECURE_BOOT);
    put_authority(EV_EFI_VARIABLE_AUTHORITY, LOADER);
}

static inline void read_facts(void)
{
    logs.count = 0;
    assert_true(measured_add(&exam, &logs, wr_done(&log_text), false));
    boot_facts_read(&logs, DIGEST_SHA256, ALL, &reference, &facts);
}

#endif
