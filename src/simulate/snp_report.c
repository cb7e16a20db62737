/* The report (snp-cvm.md 1.1 to 1.5). */
#include "evidence/attester.h"
#include "simulate/kinds.h"
#include "simulate/snp_platform.h"

enum { REPORT_SIZE = 0x4a0, SIGNED_SIZE = 0x2a0, NUMBER_SIZE = 72, SCALAR_SIZE = SHA384_SIZE };

/* Offsets in a report. */
enum {
    AT_VERSION = 0x000,
    AT_GUEST_SVN = 0x004,
    AT_POLICY = 0x008,
    AT_FAMILY_ID = 0x010,
    AT_IMAGE_ID = 0x020,
    AT_VMPL = 0x030,
    AT_ALGORITHM = 0x034,
    AT_CURRENT_TCB = 0x038,
    AT_PLATFORM_INFO = 0x040,
    AT_KEY_INFO = 0x048,
    AT_RESERVED_KEY_INFO = 0x04c,
    AT_REPORT_DATA = 0x050,
    AT_MEASUREMENT = 0x090,
    AT_HOST_DATA = 0x0c0,
    AT_ID_KEY_DIGEST = 0x0e0,
    AT_AUTHOR_KEY_DIGEST = 0x110,
    AT_REPORT_ID = 0x140,
    AT_REPORT_ID_MA = 0x160,
    AT_REPORTED_TCB = 0x180,
    AT_CPUID = 0x188,
    AT_CHIP_ID = 0x1a0,
    AT_COMMITTED_TCB = 0x1e0,
    AT_CURRENT_VERSION = 0x1e8,
    AT_COMMITTED_VERSION = 0x1ec,
    AT_LAUNCH_TCB = 0x1f0,
    AT_LAUNCH_MIT = 0x1f8,
    AT_CURRENT_MIT = 0x200,
};

enum {
    POLICY_BASE = 0x3001f, /* ABI 0.31, SMT, the bit that is always set */
    POLICY_MIGRATION = 1 << 18,
    POLICY_DEBUG = 1 << 19,
    KEY_INFO_AUTHOR = 1 << 0,
    KEY_INFO_MASKED = 1 << 1,
    KEY_INFO_VLEK = 1 << 2,
    PLATFORM_MILAN = 0x25,
    PLATFORM_TURIN = 0x65, /* with the bit that public sources call reserved */
};

/* In this order one byte each: it is no digest of anything. */
const uint8_t snp_measurement[SHA384_SIZE] = {0x5e, 0xa5, 0x0a, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09,
                                              0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15,
                                              0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x21,
                                              0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x2b, 0x2c, 0x2d};

static void put_number(uint8_t *r, size_t at, uint64_t number, size_t size)
{
    for (size_t i = 0; i < size; i++)
        r[at + i] = (uint8_t)(number >> 8 * i);
}

static void put_tcb(const struct snp_platform *p, uint8_t *r, size_t at, const struct snp_tcb *t)
{
    const uint8_t turin[8] = {t->fmc, t->bootloader, t->tee, t->snp, 0, 0, 0, t->microcode},
                  older[8] = {t->bootloader, t->tee, 0, 0, 0, 0, t->snp, t->microcode};

    memcpy(r + at, p->model->turin ? turin : older, sizeof turin);
}

/* What runs is newer than what is reported, which certificates are made for. */
static void put_tcbs(const struct snp_platform *p, uint8_t *r)
{
    struct snp_tcb current = p->tcb, committed = p->tcb;

    current.microcode++;
    if (snp_fault(p, "snp.tcb_order"))
        current.microcode = (uint8_t)(p->tcb.microcode - 1);
    if (snp_fault(p, "snp.tcb_order"))
        committed = current;
    committed.bootloader = (uint8_t)(committed.bootloader + snp_fault(p, "snp.tcb_order:committed"));
    put_tcb(p, r, AT_CURRENT_TCB, &current);
    put_tcb(p, r, AT_REPORTED_TCB, &p->tcb);
    put_tcb(p, r, AT_COMMITTED_TCB, &committed);
    put_tcb(p, r, AT_LAUNCH_TCB, &p->tcb);
}

static void put_identity(struct snp_platform *p, uint8_t *r)
{
    r[AT_FAMILY_ID] = 1;
    r[AT_IMAGE_ID] = 2;
    memcpy(r + AT_MEASUREMENT, snp_measurement, SHA384_SIZE);
    memset(r + AT_ID_KEY_DIGEST, SIMULATED_ID_KEY_BYTE, SHA384_SIZE);
    if (snp_varies(p, "author-key")) {
        r[AT_KEY_INFO] |= KEY_INFO_AUTHOR;
        memset(r + AT_AUTHOR_KEY_DIGEST, 0xa0, SHA384_SIZE);
    }
    memset(r + AT_REPORT_ID, 0x1e, 32);
    memset(r + AT_REPORT_ID_MA, 0xff, 32);
    if (!snp_fault(p, "snp.chip_id:masked") && !snp_fault(p, "snp.chip_id:zero"))
        memcpy(r + AT_CHIP_ID, snp_chip(p).p, snp_chip(p).n);
    r[AT_CHIP_ID + SNP_CHIP_SIZE - 1] ^= snp_fault(p, "snp.chip_id:tail");
}

/* What came with later versions is zero before. */
static void put_versioned(const struct snp_platform *p, uint8_t *r, unsigned version)
{
    bool unknown = snp_fault(p, "snp.generation"), rome = snp_fault(p, "snp.generation:rome");

    if (version >= 3) {
        r[AT_CPUID] = unknown ? 0x1a : rome ? 0x17 : p->model->family;
        r[AT_CPUID + 1] = unknown ? 0x50 : rome ? 0x31 : snp_fault(p, "snp.product") ? 0x11 : p->model->model;
        r[AT_CPUID + 2] = p->model->stepping;
    }
    if (version >= 5) {
        put_number(r, AT_LAUNCH_MIT, 3, 8);
        put_number(r, AT_CURRENT_MIT, 3, 8);
    }
}

/* What is wrong with the signed bytes themselves. */
static void put_flaws(const struct snp_platform *p, uint8_t *r)
{
    static const struct {
        const char *fault;
        size_t at;
        uint8_t flip;
    } flaws[] = {
        {"snp.report.shape:policy", AT_POLICY + 2, 1 << 1},
        {"snp.report.shape:key-word", AT_KEY_INFO, 1 << 5},
        {"snp.report.shape:reserved", AT_RESERVED_KEY_INFO, 1},
        {"snp.report.shape:processor", AT_CPUID, 0x19},
        {"snp.report.shape:mitigation", AT_LAUNCH_MIT, 1},
        {"snp.report.shape:end", SIGNED_SIZE - 1, 1},
        {"snp.report.algorithm", AT_ALGORITHM, 2},
        {"snp.report.key", AT_KEY_INFO, KEY_INFO_MASKED},
        {"snp.report.key:none", AT_KEY_INFO, 7 << 2},
        {"snp.report.key:reserved", AT_KEY_INFO, 2 << 2},
        {"snp.report.vmpl:four", AT_VMPL, 4},
    };

    for (size_t i = 0; i < sizeof flaws / sizeof *flaws; i++)
        if (snp_fault(p, flaws[i].fault))
            r[flaws[i].at] ^= flaws[i].flip;
    if (snp_fault(p, "snp.report.vmpl"))
        memset(r + AT_VMPL, 0xff, 4);
    if (snp_fault(p, "snp.report.version"))
        r[AT_VERSION] = 1;
    if (snp_fault(p, "snp.report.version:future"))
        r[AT_VERSION] = 6;
}

static void put_body(struct snp_platform *p, uint8_t *r)
{
    const struct simulate_options *o = p->options;
    static const uint8_t firmware[] = {29, 55, 1}; /* build, minor, major */

    put_number(r, AT_VERSION, o->version, 4);
    put_number(r, AT_GUEST_SVN, 2, 4);
    put_number(r, AT_POLICY, POLICY_BASE | (o->debug ? POLICY_DEBUG : 0u) | (o->migration ? POLICY_MIGRATION : 0u), 8);
    put_number(r, AT_ALGORITHM, 1, 4);
    r[AT_PLATFORM_INFO] = p->model->turin ? PLATFORM_TURIN : PLATFORM_MILAN;
    r[AT_KEY_INFO] = o->vlek ? KEY_INFO_VLEK : 0;
    put_tcbs(p, r);
    put_identity(p, r);
    put_versioned(p, r, o->version);
    memcpy(r + AT_CURRENT_VERSION, firmware, sizeof firmware);
    memcpy(r + AT_COMMITTED_VERSION, firmware, sizeof firmware);
}

static void reverse(uint8_t *out, const uint8_t *number)
{
    for (size_t i = 0; i < SCALAR_SIZE; i++)
        out[i] = number[SCALAR_SIZE - 1 - i];
}

static void spoil_signature(const struct snp_platform *p, uint8_t *r, uint8_t *s)
{
    uint8_t other[SCALAR_SIZE];

    if (snp_fault(p, "snp.report.signature:zero-r"))
        memset(r, 0, SCALAR_SIZE);
    if (snp_fault(p, "snp.report.signature:zero-s"))
        memset(s, 0, SCALAR_SIZE);
    if (snp_fault(p, "snp.report.signature:huge-r"))
        memset(r, 0xff, SCALAR_SIZE);
    if (snp_fault(p, "snp.report.signature:swapped")) {
        memcpy(other, r, SCALAR_SIZE);
        memcpy(r, s, SCALAR_SIZE);
        memcpy(s, other, SCALAR_SIZE);
    }
    if (snp_fault(p, "snp.report.signature:big-endian")) {
        reverse(other, r);
        memcpy(r, other, SCALAR_SIZE);
        reverse(other, s);
        memcpy(s, other, SCALAR_SIZE);
    }
    r[NUMBER_SIZE - 1] ^= snp_fault(p, "snp.report.shape:long-r");
    s[NUMBER_SIZE - 1] ^= snp_fault(p, "snp.report.shape:long-s");
    s[NUMBER_SIZE] ^= snp_fault(p, "snp.report.shape:tail");
}

/* r and s of 72 bytes each, the least significant first. */
static void put_signature(struct snp_platform *p, uint8_t *report)
{
    enum snp_key key = snp_fault(p, "snp.report.signature") ? SNP_KEY_FORGER : SNP_KEY_LEAF;
    struct bytes signature = key_sign(p->arena, snp_key(p, key), bytes_make(report, SIGNED_SIZE));
    uint8_t *r = report + SIGNED_SIZE, *s = r + NUMBER_SIZE;

    if (signature.n != 2 * SCALAR_SIZE) {
        p->failed = true;
        return;
    }
    reverse(r, signature.p);
    reverse(s, signature.p + SCALAR_SIZE);
    spoil_signature(p, r, s);
    report[AT_MEASUREMENT] ^= snp_fault(p, "snp.report.signature:changed");
    report[AT_PLATFORM_INFO] ^= snp_fault(p, "snp.report.signature:platform");
}

struct bytes snp_report(struct snp_platform *p, const uint8_t report_data[64], const uint8_t host_data[32])
{
    uint8_t *r = arena_alloc(p->arena, REPORT_SIZE + 1);

    memset(r, 0, REPORT_SIZE + 1);
    put_body(p, r);
    memcpy(r + AT_REPORT_DATA, report_data, 64);
    memcpy(r + AT_HOST_DATA, host_data, 32);
    put_flaws(p, r);
    put_signature(p, r);
    size_t n = snp_fault(p, "snp.report.shape") ? REPORT_SIZE - 1 : REPORT_SIZE;
    return bytes_make(r, snp_fault(p, "snp.report.shape:long") ? REPORT_SIZE + 1 : n);
}
