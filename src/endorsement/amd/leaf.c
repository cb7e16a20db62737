/* TCB versions, and the extensions of VCEK and VLEK certificates. */
#include "base/text.h"
#include "crypto/der.h"
#include "endorsement/amd/amd.h"

/* -------------------------------------------------------------------------------------------------- TCB versions */

/* Where each component's byte is; Turin moved them. */
static const struct tcb_layout {
    uint8_t bootloader, tee, snp, microcode;
} layouts[SNP_PRODUCT_COUNT] = {
    [SNP_MILAN] = {0, 1, 6, 7}, [SNP_GENOA] = {0, 1, 6, 7}, [SNP_TURIN] = {1, 2, 3, 7} /* and FMC in 0 */};

struct snp_tcb snp_tcb_read(enum snp_product product, struct bytes raw)
{
    const struct tcb_layout *at = &layouts[product];
    uint8_t b[SNP_TCB_SIZE] = {0};

    memcpy(b, raw.p, raw.n < sizeof b ? raw.n : sizeof b);
    return (struct snp_tcb){.bootloader = b[at->bootloader],
                            .tee = b[at->tee],
                            .snp = b[at->snp],
                            .microcode = b[at->microcode],
                            .fmc = product == SNP_TURIN ? b[0] : 0};
}

struct bytes snp_tcb_raw(struct arena *a, enum snp_product product, const struct snp_tcb *tcb)
{
    const struct tcb_layout *at = &layouts[product];
    uint8_t *b = arena_alloc(a, SNP_TCB_SIZE);

    if (product == SNP_TURIN)
        b[0] = tcb->fmc;
    b[at->bootloader] = tcb->bootloader;
    b[at->tee] = tcb->tee;
    b[at->snp] = tcb->snp;
    b[at->microcode] = tcb->microcode;
    return bytes_make(b, SNP_TCB_SIZE);
}

bool snp_tcb_equal(const struct snp_tcb *a, const struct snp_tcb *b)
{
    return snp_tcb_at_least(a, b) && snp_tcb_at_least(b, a);
}

const char *snp_tcb_text(struct arena *a, enum snp_product product, const struct snp_tcb *tcb)
{
    const char *rest = arena_printf(a, "bootloader %u, tee %u, snp %u, microcode %u", tcb->bootloader, tcb->tee,
                                    tcb->snp, tcb->microcode);

    return product == SNP_TURIN ? arena_printf(a, "fmc %u, %s", tcb->fmc, rest) : rest;
}

struct bytes snp_tcb_name(struct arena *a, struct bytes raw)
{
    uint8_t reversed[SNP_TCB_SIZE] = {0};

    for (size_t i = 0; i < raw.n && i < sizeof reversed; i++)
        reversed[sizeof reversed - 1 - i] = raw.p[i];
    return hex_encode(a, BYTES_OF(reversed));
}

/* --------------------------------------------------------------------------------------------------- certificates */

/* 1.3.6.1.4.1.3704.1, below which AMD's extensions hang (snp-cvm.md 1.7). */
static const uint8_t oid_amd[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x9c, 0x78, 0x01};

/* The members below: .n, and .3.n for the components of the TCB. */
enum { STRUCT_VERSION = 1, PRODUCT_NAME = 2, TCB = 3, HW_ID = 4, CSP_ID = 5 };
enum { BL_SPL = 1, TEE_SPL, SNP_SPL, SPL_4, SPL_5, SPL_6, SPL_7, UCODE_SPL, FMC_SPL };

static bool member(const struct certificate *c, uint8_t n, uint8_t below, struct bytes *value)
{
    uint8_t oid[sizeof oid_amd + 2];
    size_t size = sizeof oid_amd + (below ? 2 : 1);

    memcpy(oid, oid_amd, sizeof oid_amd);
    oid[sizeof oid_amd] = n;
    oid[sizeof oid_amd + 1] = below;
    return certificate_extension(c, bytes_make(oid, size), value);
}

/* An INTEGER of at most max; several implementations read a fixed byte instead, which is wrong from 128 on. */
static bool integer(const struct certificate *c, uint8_t n, uint8_t below, uint64_t max, uint64_t *out)
{
    struct bytes value;

    if (!member(c, n, below, &value))
        return false;
    struct reader r = rd_open(value);
    *out = der_u64(&r);
    return rd_end(&r) && *out <= max;
}

static bool spl(const struct certificate *c, uint8_t which, uint8_t *out)
{
    uint64_t v;

    if (!integer(c, TCB, which, UINT8_MAX, &v))
        return false;
    *out = (uint8_t)v;
    return true;
}

/* Reserved components: where they are, they are numbers. */
static bool reserved_spls(const struct certificate *c)
{
    struct bytes ignored;
    uint8_t v;

    for (uint8_t i = SPL_4; i <= SPL_7; i++)
        if (member(c, TCB, i, &ignored) && !spl(c, i, &v))
            return false;
    return true;
}

static bool ia5(const struct certificate *c, uint8_t n, struct bytes *out)
{
    struct bytes value;

    if (!member(c, n, 0, &value))
        return false;
    struct reader r = rd_open(value);
    *out = der_take(&r, DER_IA5_STRING);
    return rd_end(&r) && out->n > 0 && utf8_valid(*out);
}

/* The identity of a chip: bare bytes in what AMD issues, a proper OCTET STRING elsewhere. Their lengths tell them apart. */
static bool hw_id(const struct certificate *c, size_t size, struct amd_leaf *out)
{
    struct bytes value;

    if (!member(c, HW_ID, 0, &value))
        return false;
    struct reader r = rd_open(value);
    out->hw_id = value.n == size ? value : der_take(&r, DER_OCTET_STRING);
    if (out->hw_id.n != size || (value.n != size && !rd_end(&r)))
        return false;
    memcpy(out->chip_id, out->hw_id.p, size);
    return true;
}

/* "Milan-B0" and "Milan" are Milan. */
static bool product_of(struct bytes name, enum snp_product *out)
{
    size_t n = 0;

    while (n < name.n && name.p[n] != '-')
        n++;
    return snp_product_by_name(bytes_first(name, n), out);
}

bool amd_leaf_named(const struct certificate *c)
{
    return bytes_is(c->subject_cn, "SEV-VCEK") || bytes_is(c->subject_cn, "SEV-VLEK");
}

bool amd_named(const struct certificate *list)
{
    for (; list; list = list->next)
        if (bytes_begin(list->subject_cn, "SEV-") || bytes_begin(list->subject_cn, "ARK-"))
            return true;
    return false;
}

bool amd_leaf_decode(const struct certificate *c, struct amd_leaf *out, struct fault *fault)
{
    struct bytes other;

    *out = (struct amd_leaf){.certificate = c, .vlek = bytes_is(c->subject_cn, "SEV-VLEK")};
    if (!integer(c, STRUCT_VERSION, 0, UINT8_MAX, &out->struct_version) || !ia5(c, PRODUCT_NAME, &out->product_name))
        return fault_set(fault, FAULT_SYNTAX, "the certificate does not say which product of AMD it is for");
    if (!product_of(out->product_name, &out->product))
        return fault_set(fault, FAULT_SYNTAX, "the certificate is for a product that is not known here");
    bool turin = out->product == SNP_TURIN;
    if (!spl(c, BL_SPL, &out->tcb.bootloader) || !spl(c, TEE_SPL, &out->tcb.tee) || !spl(c, SNP_SPL, &out->tcb.snp) ||
        !spl(c, UCODE_SPL, &out->tcb.microcode) || !reserved_spls(c) || (turin && !spl(c, FMC_SPL, &out->tcb.fmc)) ||
        (!turin && member(c, TCB, FMC_SPL, &other)))
        return fault_set(fault, FAULT_SYNTAX,
                         "the certificate lacks a component of the TCB, or one is not well formed");
    if (out->vlek)
        return (ia5(c, CSP_ID, &out->csp_id) && !member(c, HW_ID, 0, &other)) ||
               fault_set(fault, FAULT_SYNTAX, "a VLEK's certificate names its cloud provider, and no chip");
    return (hw_id(c, turin ? SNP_TURIN_CHIP_ID_SIZE : SNP_CHIP_ID_SIZE, out) && !member(c, CSP_ID, 0, &other)) ||
           fault_set(fault, FAULT_SYNTAX, "a VCEK's certificate names its chip, and no cloud provider");
}
