#include "simulate/boot_log.h"

#include "evidence/parts/event_log.h"
#include "simulate/tpm_marshal.h"

enum {
    EV_S_CRTM_VERSION = 0x08,
    EV_EFI_BOOT_SERVICES_APPLICATION = 0x80000003u,
    EV_EFI_GPT_EVENT = 0x80000006u,
    EV_EFI_ACTION = 0x80000007u,
    EV_EFI_PLATFORM_FIRMWARE_BLOB = 0x80000008u,
    PCR_LAST_OF_FIRMWARE = 7,
    PCR_LOADER = 4,
    PCR_PARTITIONS = 5,
    PCR_UNTOLD = 9,
    GUID_SIZE = 16,
};

static const uint8_t guid_global[GUID_SIZE] = {0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
                                               0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c},
                     guid_security[GUID_SIZE] = {0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45,
                                                 0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f},
                     guid_sha256[GUID_SIZE] = {0x26, 0x16, 0xc4, 0xc1, 0x4c, 0x50, 0x92, 0x40,
                                               0xac, 0xa9, 0x41, 0xf9, 0x36, 0x93, 0x43, 0x28};

static bool varies(const struct boot_log *l, const char *name)
{
    const char *variation = l->tpm->options->variation;

    return variation && strcmp(variation, name) == 0;
}

bool boot_log_flawed(const struct boot_log *l, const char *name)
{
    const char *fault = l->tpm->options->fault;

    return fault && strcmp(fault, name) == 0;
}

struct bytes boot_utf16(struct arena *a, const char *text)
{
    struct writer w = wr_open(a);

    for (const char *c = text;; c++) {
        wr_u16le(&w, (uint8_t)*c);
        if (!*c)
            return wr_done(&w);
    }
}

void boot_log_open(struct boot_log *l, struct simulated_tpm *t, struct fault *fault)
{
    struct writer header = wr_open(t->arena);
    static const uint8_t no_digest[SHA1_SIZE];

    *l = (struct boot_log){.tpm = t, .arena = t->arena, .w = wr_open(t->arena), .fault = fault};
    wr_put(&header, BYTES_LIT("Spec ID Event03\0"));
    wr_u32le(&header, 0);                           /* a client's platform */
    wr_put(&header, BYTES_LIT("\x00\x02\x00\x02")); /* version 2.00, 64 bits */
    wr_u32le(&header, SIMULATED_BANKS);
    for (int bank = 0; bank < SIMULATED_BANKS; bank++) {
        wr_u16le(&header, simulated_bank_ids[bank]);
        wr_u16le(&header, (uint16_t)digest_size(simulated_banks[bank]));
    }
    wr_u8(&header, 0);
    struct bytes data = wr_done(&header);
    wr_u32le(&l->w, 0);
    wr_u32le(&l->w, EV_NO_ACTION);
    wr_put(&l->w, BYTES_OF(no_digest));
    wr_u32le(&l->w, (uint32_t)data.n);
    wr_put(&l->w, data);
}

static void write_event(struct boot_log *l, uint32_t reg, uint32_t type, const struct bytes digests[SIMULATED_BANKS],
                        struct bytes data)
{
    wr_u32le(&l->w, reg);
    wr_u32le(&l->w, type);
    wr_u32le(&l->w, SIMULATED_BANKS);
    for (int bank = 0; bank < SIMULATED_BANKS; bank++) {
        wr_u16le(&l->w, simulated_bank_ids[bank]);
        wr_put(&l->w, digests[bank]);
    }
    wr_u32le(&l->w, (uint32_t)data.n);
    wr_put(&l->w, data);
}

void boot_log_event_over(struct boot_log *l, unsigned pcr, uint32_t type, struct bytes measured, struct bytes data)
{
    struct bytes digests[SIMULATED_BANKS], told[SIMULATED_BANKS];
    bool action = type == EV_EFI_ACTION && pcr == PCR_LOADER; /* the event with which faults are */

    for (int bank = 0; bank < SIMULATED_BANKS; bank++) {
        digests[bank] = digest(l->arena, simulated_banks[bank], measured);
        told[bank] = action && boot_log_flawed(l, "boot.log.replay:changed")
                         ? digest(l->arena, simulated_banks[bank], BYTES_LIT("another"))
                         : digests[bank];
    }
    if (!action || !boot_log_flawed(l, "boot.log.replay"))
        write_event(l, pcr, type, told, data);
    if (action && boot_log_flawed(l, "boot.log.replay:twice"))
        write_event(l, pcr, type, told, data);
    l->failed = l->failed || !l->tpm->driver->extend(l->tpm, pcr, digests, l->fault);
}

void boot_log_event(struct boot_log *l, unsigned pcr, uint32_t type, struct bytes data)
{
    boot_log_event_over(l, pcr, type, data, data);
}

void boot_log_no_action(struct boot_log *l, uint32_t reg, struct bytes data)
{
    static const uint8_t zeros[DIGEST_MAX];
    struct bytes digests[SIMULATED_BANKS];

    for (int bank = 0; bank < SIMULATED_BANKS; bank++)
        digests[bank] = bytes_make(zeros, digest_size(simulated_banks[bank]));
    write_event(l, reg, EV_NO_ACTION, digests, data);
}

static struct bytes variable(struct arena *a, const uint8_t guid[GUID_SIZE], const char *name, struct bytes value)
{
    struct writer w = wr_open(a);
    struct bytes wide = boot_utf16(a, name);

    wr_put(&w, bytes_make(guid, GUID_SIZE));
    wr_u64le(&w, strlen(name));
    wr_u64le(&w, value.n);
    wr_put(&w, bytes_first(wide, wide.n - 2));
    wr_put(&w, value);
    return wr_done(&w);
}

void boot_log_variable(struct boot_log *l, unsigned pcr, uint32_t type, const uint8_t guid[GUID_SIZE], const char *name,
                       struct bytes value)
{
    boot_log_event(l, pcr, type, variable(l->arena, guid, name, value));
}

struct bytes boot_signature_list(struct arena *a, const char *what)
{
    enum { HEAD = 28, ENTRY = GUID_SIZE + SHA256_SIZE };
    struct writer w = wr_open(a);

    wr_put(&w, BYTES_OF(guid_sha256));
    wr_u32le(&w, HEAD + ENTRY);
    wr_u32le(&w, 0);
    wr_u32le(&w, ENTRY);
    wr_put(&w, BYTES_OF(guid_global)); /* the owner */
    wr_put(&w, sha256_of(a, bytes_text(what)));
    return wr_done(&w);
}

/* PCR 7 in the order of the specification (3.4). */
static void secure_boot(struct boot_log *l)
{
    static const char *const global[] = {"PK", "KEK"}, *const security[] = {"db", "dbx"};
    bool on = !varies(l, "secure-boot-off") && !boot_log_flawed(l, "vbs.identity_key:secure-boot-off");

    boot_log_variable(l, 7, EV_EFI_VARIABLE_DRIVER_CONFIG, guid_global, "SecureBoot",
                      on ? BYTES_LIT("\x01") : BYTES_LIT("\x00"));
    for (size_t i = 0; i < 2; i++)
        boot_log_variable(l, 7, EV_EFI_VARIABLE_DRIVER_CONFIG, guid_global, global[i],
                          boot_signature_list(l->arena, global[i]));
    for (size_t i = 0; i < 2; i++)
        boot_log_variable(l, 7, EV_EFI_VARIABLE_DRIVER_CONFIG, guid_security, security[i],
                          boot_signature_list(l->arena, security[i]));
}

static void boot_variables(struct boot_log *l, const char *loader)
{
    struct bytes option = variable(l->arena, guid_global, "Boot0000", boot_utf16(l->arena, loader));

    boot_log_variable(l, 1, EV_EFI_VARIABLE_BOOT, guid_global, "BootOrder", BYTES_LIT("\0\0"));
    boot_log_event_over(l, 1, EV_EFI_VARIABLE_BOOT, boot_utf16(l->arena, loader), option); /* as most firmware does */
}

/* What kind of image was loaded, and from where: the digest is the image's. */
static void image(struct boot_log *l, const char *path)
{
    struct writer w = wr_open(l->arena);
    struct bytes wide = boot_utf16(l->arena, path);

    wr_u64le(&w, UINT64_C(0x7e000000));
    wr_u64le(&w, 1 << 20);
    wr_u64le(&w, 0);
    wr_u64le(&w, wide.n + 4);
    wr_put(&w, BYTES_LIT("\x04\x04")); /* a file's path */
    wr_u16le(&w, (uint16_t)(wide.n + 4));
    wr_put(&w, wide);
    boot_log_event_over(l, PCR_LOADER, EV_EFI_BOOT_SERVICES_APPLICATION, bytes_text(path), wr_done(&w));
}

static void partitions(struct boot_log *l)
{
    enum { HEADER = 92, ENTRY = 128 };
    uint8_t *gpt = arena_alloc(l->arena, HEADER);
    struct writer w = wr_open(l->arena);

    memset(gpt, 0, HEADER);
    memcpy(gpt, "EFI PART", 8);
    gpt[84] = ENTRY;
    wr_put(&w, bytes_make(gpt, HEADER));
    wr_u64le(&w, 0);
    boot_log_event(l, PCR_PARTITIONS, EV_EFI_GPT_EVENT, wr_done(&w));
}

struct bytes boot_windows_authority(struct arena *a)
{
    return sha256_of(a, bytes_after(boot_signature_list(a, BOOT_AUTHORITY_WINDOWS), GUID_SIZE));
}

void boot_log_firmware(struct boot_log *l, const char *loader, const char *authority)
{
    struct writer blob = wr_open(l->arena);

    if (varies(l, "locality-3"))
        boot_log_no_action(l, 0, BYTES_LIT("StartupLocality\0\x03"));
    boot_log_event(l, 0, EV_S_CRTM_VERSION, boot_utf16(l->arena, "Simulated firmware 1.0"));
    wr_u64le(&blob, UINT64_C(0xff000000));
    wr_u64le(&blob, 1 << 24);
    boot_log_event_over(l, 0, EV_EFI_PLATFORM_FIRMWARE_BLOB, BYTES_LIT("code of the firmware"), wr_done(&blob));
    secure_boot(l);
    boot_variables(l, loader);
    boot_log_event(l, PCR_LOADER, EV_EFI_ACTION, BYTES_LIT("Calling EFI Application from Boot Option"));
    for (unsigned pcr = 0; pcr <= PCR_LAST_OF_FIRMWARE; pcr++)
        boot_log_event(l, pcr,
                       pcr == 7 && boot_log_flawed(l, "boot.log.separator:label") ? EV_EFI_ACTION : EV_SEPARATOR,
                       BYTES_LIT("\0\0\0\0"));
    partitions(l);
    boot_log_variable(l, 7, EV_EFI_VARIABLE_AUTHORITY, guid_security, "db", boot_signature_list(l->arena, authority));
    image(l, loader);
}

/* A register of which no log tells. */
static void extend_untold(struct boot_log *l)
{
    struct bytes digests[SIMULATED_BANKS];

    for (int bank = 0; bank < SIMULATED_BANKS; bank++)
        digests[bank] = digest(l->arena, simulated_banks[bank], BYTES_LIT("untold"));
    l->failed = l->failed || !l->tpm->driver->extend(l->tpm, PCR_UNTOLD, digests, l->fault);
}

void boot_log_exit(struct boot_log *l)
{
    boot_log_event(l, PCR_PARTITIONS, EV_EFI_ACTION, BYTES_LIT("Exit Boot Services Invocation"));
    boot_log_event(l, PCR_PARTITIONS, EV_EFI_ACTION, BYTES_LIT("Exit Boot Services Returned with Success"));
    if (boot_log_flawed(l, "boot.log.replay:untold"))
        extend_untold(l);
    if (boot_log_flawed(l, "boot.log.shape"))
        l->w.n--;
}
