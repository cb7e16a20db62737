/* What Windows measures: containers of small events in PCR 11 to 14 (tpm-vbs.md 3.7). */
#include "evidence/parts/event_log.h"
#include "simulate/boot_log.h"

enum {
    TRUSTBOUNDARY = 0x40010001,
    ELAM_AGGREGATION = 0x40010002,
    LOADEDMODULE_AGGREGATION = 0x40010003,
    TRUSTPOINT_AGGREGATION = (int)0xc0010004,
    BOOTCOUNTER = 0x00020002,
    TRANSFER_CONTROL = 0x00020003,
    BITLOCKER_UNLOCK = 0x00020005,
    APPLICATION_SVN = 0x00020009,
    BOOTDEBUGGING = 0x00040001,
    BOOT_REVOCATION_LIST = 0x00040002,
    OSKERNELDEBUG = 0x00050001,
    CODEINTEGRITY = 0x00050002,
    TESTSIGNING = 0x00050003,
    DATAEXECUTIONPREVENTION = 0x00050004,
    SAFEMODE = 0x00050005,
    WINPE = 0x00050006,
    OSDEVICE = 0x00050008,
    SYSTEMROOT = 0x00050009,
    HYPERVISOR_LAUNCH_TYPE = 0x0005000a,
    HYPERVISOR_DEBUG = 0x0005000d,
    SI_POLICY = 0x0005000f,
    VSM_LAUNCH_TYPE = 0x00050012,
    OS_REVOCATION_LIST = 0x00050013,
    FLIGHTSIGNING = 0x00050021,
    VSM_IDKS_INFO = 0x00050023,
    AUTHORITYPUBKEY = 0x00060002,
    FILEPATH = 0x00070001,
    IMAGESIZE = 0x00070002,
    HASHALGORITHMID = 0x00070003,
    AUTHENTICODEHASH = 0x00070004,
    IMAGEVALIDATED = 0x0007000a,
    MODULE_SVN = 0x0007000b,
    AIKID = (int)0x80080003,
    ELAM_KEYNAME = 0x00090001,
    ELAM_MEASURED = 0x00090004,
    VBS_VSM_REQUIRED = 0x000a0001,
    VBS_SECUREBOOT_REQUIRED = 0x000a0002,
    VBS_IOMMU_REQUIRED = 0x000a0003,
    VBS_MANDATORY_ENFORCEMENT = 0x000a0006,
    VBS_HVCI_POLICY = 0x000a0007,
    CALG_SHA256 = 0x800c,
    TPM_ALG_SHA256 = 0x000b,
};
static const uint64_t filetime = UINT64_C(133485408000000000); /* 2024 */

static void tag(struct writer *w, int id, struct bytes data)
{
    wr_u32le(w, (uint32_t)id);
    wr_u32le(w, (uint32_t)data.n);
    wr_put(w, data);
}

static void tag_bool(struct writer *w, int id, bool on)
{
    tag(w, id, on ? BYTES_LIT("\x01") : BYTES_LIT("\x00"));
}

static void tag_u32(struct writer *w, int id, uint32_t number)
{
    wr_u32le(w, (uint32_t)id);
    wr_u32le(w, 4);
    wr_u32le(w, number);
}

static void tag_u64(struct writer *w, int id, uint64_t number)
{
    wr_u32le(w, (uint32_t)id);
    wr_u32le(w, 8);
    wr_u64le(w, number);
}

/* One event that is a container. */
static void measure(struct boot_log *l, unsigned pcr, int container, const struct writer *content)
{
    struct writer w = wr_open(l->arena);

    tag(&w, container, wr_done(content));
    boot_log_event(l, pcr, EV_EVENT_TAG, wr_done(&w));
}

/* PCR 14 is shim's too, so that there an event may be of any type, but not be called a separator. */
static void measure_authorities(struct boot_log *l, const struct writer *content)
{
    struct writer w = wr_open(l->arena);

    tag(&w, TRUSTBOUNDARY, wr_done(content));
    boot_log_event(l, 14, boot_log_flawed(l, "boot.log.separator:called") ? EV_SEPARATOR : EV_EVENT_TAG, wr_done(&w));
}

/* Digests are measured, types and data are not: who was booted may send others. */
static void measure_early_launch(struct boot_log *l, const struct writer *content)
{
    struct writer w = wr_open(l->arena);

    tag(&w, ELAM_AGGREGATION, wr_done(content));
    boot_log_event_over(l, 13, boot_log_flawed(l, "boot.log.data") ? EV_IPL : EV_EVENT_TAG, wr_done(&w),
                        boot_log_flawed(l, "boot.log.data:changed") ? BYTES_LIT("changed") : wr_done(&w));
}

static struct bytes revocation_list(struct arena *a, const char *what)
{
    struct writer w = wr_open(a);

    wr_u64le(&w, filetime);
    wr_u32le(&w, SHA256_SIZE);
    wr_u16le(&w, TPM_ALG_SHA256);
    wr_put(&w, sha256_of(a, bytes_text(what)));
    return wr_done(&w);
}

static struct bytes si_policy(struct arena *a)
{
    struct writer w = wr_open(a);
    struct bytes name = boot_utf16(a, "SiPolicy.p7b");

    wr_u64le(&w, UINT64_C(0x000a000000000000));
    wr_u16le(&w, (uint16_t)name.n);
    wr_u16le(&w, TPM_ALG_SHA256);
    wr_u32le(&w, SHA256_SIZE);
    wr_put(&w, name);
    wr_put(&w, sha256_of(a, BYTES_LIT("policy")));
    return wr_done(&w);
}

/* KeyAlgID, bits, sizes of exponent and modulus, then both (3.7). */
static struct bytes idks_info(struct arena *a, struct bytes modulus)
{
    struct writer w = wr_open(a);

    wr_u32le(&w, 1);
    wr_u32le(&w, (uint32_t)modulus.n * 8);
    wr_u32le(&w, 3);
    wr_u32le(&w, (uint32_t)modulus.n);
    wr_put(&w, BYTES_LIT("\x01\x00\x01"));
    wr_put(&w, modulus);
    return wr_done(&w);
}

static void boot_manager(struct boot_log *l)
{
    struct writer w = wr_open(l->arena);

    tag_u64(&w, BOOTCOUNTER, 42);
    tag_u32(&w, APPLICATION_SVN, 3);
    tag_bool(&w, BOOTDEBUGGING, false);
    tag(&w, BOOT_REVOCATION_LIST, revocation_list(l->arena, "boot"));
    tag_u32(&w, BITLOCKER_UNLOCK, 4); /* by the TPM */
    tag_u32(&w, TRANSFER_CONTROL, 1); /* to the loader of the system */
    measure(l, 12, TRUSTBOUNDARY, &w);
}

static void os_loader(struct boot_log *l, struct bytes idks_modulus)
{
    struct writer w = wr_open(l->arena);

    tag_u32(&w, APPLICATION_SVN, 2);
    tag_bool(&w, BOOTDEBUGGING, false);
    tag_bool(&w, OSKERNELDEBUG, false);
    tag_bool(&w, CODEINTEGRITY, true);
    tag_bool(&w, TESTSIGNING, false);
    tag_u64(&w, DATAEXECUTIONPREVENTION, 3);
    tag_bool(&w, SAFEMODE, false);
    tag_bool(&w, WINPE, false);
    tag_u32(&w, OSDEVICE, 0x10004);
    tag(&w, SYSTEMROOT, boot_utf16(l->arena, "\\Windows"));
    tag_u64(&w, HYPERVISOR_LAUNCH_TYPE, 1);
    tag_bool(&w, HYPERVISOR_DEBUG, false);
    tag_u64(&w, VSM_LAUNCH_TYPE, 1);
    tag(&w, OS_REVOCATION_LIST, revocation_list(l->arena, "system"));
    tag_bool(&w, FLIGHTSIGNING, false);
    tag_bool(&w, VBS_VSM_REQUIRED, true);
    tag_bool(&w, VBS_SECUREBOOT_REQUIRED, true);
    tag_bool(&w, VBS_IOMMU_REQUIRED, true);
    tag_bool(&w, VBS_MANDATORY_ENFORCEMENT, true);
    tag_u64(&w, VBS_HVCI_POLICY, 1);
    if (idks_modulus.n)
        tag(&w, VSM_IDKS_INFO, idks_info(l->arena, idks_modulus));
    measure(l, 12, TRUSTBOUNDARY, &w);
}

static void module(struct boot_log *l, const char *path)
{
    struct writer w = wr_open(l->arena);
    struct writer outer = wr_open(l->arena);

    tag(&w, FILEPATH, boot_utf16(l->arena, path));
    tag_u64(&w, IMAGESIZE, 1 << 20);
    tag_u32(&w, HASHALGORITHMID, CALG_SHA256);
    tag(&w, AUTHENTICODEHASH, sha256_of(l->arena, bytes_text(path)));
    tag_bool(&w, IMAGEVALIDATED, true);
    tag_u32(&w, MODULE_SVN, 1);
    tag(&outer, LOADEDMODULE_AGGREGATION, wr_done(&w));
    measure(l, 13, TRUSTBOUNDARY, &outer);
}

static void early_launch(struct boot_log *l)
{
    struct writer w = wr_open(l->arena);

    tag(&w, ELAM_KEYNAME, boot_utf16(l->arena, "Simulated Defender"));
    tag(&w, ELAM_MEASURED, sha256_of(l->arena, BYTES_LIT("early launch")));
    measure_early_launch(l, &w);
}

/* Which keys vouch for the registers: not measured, for nobody could before. */
static void trust_point(struct boot_log *l)
{
    struct writer w = wr_open(l->arena), outer = wr_open(l->arena);

    tag(&w, AIKID, boot_utf16(l->arena, "Windows AIK"));
    tag(&outer, TRUSTPOINT_AGGREGATION, wr_done(&w));
    boot_log_no_action(l, UINT32_MAX, wr_done(&outer));
}

/* As many modules as make the log as large as it shall be. */
static void fill(struct boot_log *l)
{
    for (unsigned i = 0; l->w.n < l->tpm->options->log_size; i++)
        module(l, arena_printf(l->arena, "\\Windows\\system32\\drivers\\simulated%u.sys", i));
}

void boot_log_windows(struct boot_log *l, struct bytes idks_modulus)
{
    struct writer w = wr_open(l->arena), policy = wr_open(l->arena);

    boot_log_event(l, 11, EV_COMPACT_HASH, BYTES_LIT("\x10\x00\x00\x00"));
    boot_manager(l);
    module(l, "\\Windows\\system32\\winload.efi");
    os_loader(l, idks_modulus);
    tag(&policy, SI_POLICY, si_policy(l->arena));
    measure(l, 13, TRUSTBOUNDARY, &policy);
    early_launch(l);
    module(l, "\\Windows\\system32\\drivers\\wd\\WdBoot.sys");
    fill(l);
    tag(&w, AUTHORITYPUBKEY, public_key_spki(l->arena, &l->tpm->public[TPM_KEY_AK].key));
    measure_authorities(l, &w);
    boot_log_event(l, 11, EV_COMPACT_HASH, BYTES_LIT("\xff\xff\x00\x00"));
    for (unsigned pcr = 12; pcr <= 14; pcr++)
        boot_log_event(l, pcr, EV_SEPARATOR, BYTES_LIT("WBCL"));
    if (boot_log_flawed(l, "boot.log.separator"))
        boot_log_event(l, 12, EV_SEPARATOR, BYTES_LIT("WBCL"));
    trust_point(l);
}
