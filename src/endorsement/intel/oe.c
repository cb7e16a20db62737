/* Open Enclave endorsements: one buffer with all that Intel says about a platform (sgx-tdx.md 9.5). */
#include "base/limits.h"
#include "endorsement/intel/store.h"

enum {
    OE_VERSION = 1,
    OE_ENCLAVE_SGX = 2,
    OE_ITEMS = 9,
    OE_EVIDENCE_VERSION = 3,
    OE_EVIDENCE_HEADER = 32,
    OE_UUID_SIZE = 16,
    FLAT_MAJOR = 4,
    FLAT_TEE_TDX = 0x81
};
enum {
    ITEM_VERSION,
    ITEM_TCB_INFO,
    ITEM_TCB_CHAIN,
    ITEM_PCK_CRL,
    ITEM_ROOT_CRL,
    ITEM_CRL_CHAIN,
    ITEM_IDENTITY,
    ITEM_IDENTITY_CHAIN,
    ITEM_CREATED
};

/* Without the header that goes with OE evidence of version 3. */
static struct bytes bare(struct bytes text)
{
    struct reader r = rd_open(text);

    if (rd_u32le(&r) != OE_EVIDENCE_VERSION)
        return text;
    rd_skip(&r, OE_UUID_SIZE + 4); /* UUID, padding */
    uint64_t n = rd_u64le(&r);
    return rd_ok(&r) && rd_left(&r) == n ? bytes_after(text, OE_EVIDENCE_HEADER) : BYTES_NONE;
}

/* SGX: offsets of nine items; the fields of version and date are of no use here. */
static bool read_items_sgx(struct bytes text, struct bytes item[OE_ITEMS])
{
    uint32_t offset[OE_ITEMS];
    struct reader r = rd_open(bare(text));
    uint32_t version = rd_u32le(&r), type = rd_u32le(&r), size = rd_u32le(&r), count = rd_u32le(&r);

    if (version != OE_VERSION || type != OE_ENCLAVE_SGX || count != OE_ITEMS || text.n > LIMIT_OE_ENDORSEMENTS ||
        rd_left(&r) != size)
        return false;
    for (size_t i = 0; i < OE_ITEMS; i++)
        offset[i] = rd_u32le(&r);
    struct bytes data = rd_rest(&r);
    if (!rd_ok(&r) || offset[0] != 0)
        return false;
    for (size_t i = 0; i < OE_ITEMS; i++) {
        size_t end = i + 1 < OE_ITEMS ? offset[i + 1] : data.n;

        if (end <= offset[i] || end > data.n)
            return false;
        item[i] = bytes_first(bytes_after(data, offset[i]), end - offset[i]);
    }
    return true;
}

/* TDX: the collateral structure of Intel's library written out, with its pointers and lengths before seven items. */
static bool read_items_tdx(struct bytes text, struct bytes item[OE_ITEMS])
{
    static const size_t order[] = {ITEM_CRL_CHAIN, ITEM_ROOT_CRL,       ITEM_PCK_CRL, ITEM_TCB_CHAIN,
                                   ITEM_TCB_INFO,  ITEM_IDENTITY_CHAIN, ITEM_IDENTITY};
    enum { ITEMS = sizeof order / sizeof *order };
    struct reader r = rd_open(bare(text));
    uint32_t size[ITEMS];

    if (rd_u16le(&r) != FLAT_MAJOR || rd_u16le(&r) != 0 || rd_u32le(&r) != FLAT_TEE_TDX ||
        text.n > LIMIT_OE_ENDORSEMENTS)
        return false;
    for (size_t i = 0; i < ITEMS; i++) {
        rd_skip(&r, 8); /* a pointer of the process that wrote it */
        size[i] = rd_u32le(&r);
        rd_skip(&r, 4);
    }
    for (size_t i = 0; i < ITEMS; i++)
        item[order[i]] = rd_take(&r, size[i]);
    return rd_end(&r);
}

static bool read_items(struct bytes text, struct bytes item[OE_ITEMS])
{
    return read_items_sgx(text, item) || read_items_tdx(text, item);
}

bool oe_endorsement_items(struct bytes text, struct bytes items[OE_ENDORSEMENTS])
{
    struct bytes all[OE_ITEMS];

    if (!read_items(text, all))
        return false;
    for (size_t i = 0; i < OE_ENDORSEMENTS; i++)
        items[i] = all[ITEM_TCB_INFO + i];
    return true;
}

bool is_oe_endorsements(struct bytes text)
{
    struct reader r = rd_open(bare(text));
    struct bytes item[OE_ITEMS];

    /* One cut short holds certificates in PEM, and must not pass for a file of those. */
    return read_items(text, item) || (rd_u32le(&r) == FLAT_MAJOR && rd_u32le(&r) == FLAT_TEE_TDX);
}

bool add_oe_endorsements(struct endorsements *e, const char *name, struct bytes text, struct fault *fault)
{
    struct bytes item[OE_ITEMS];

    if (!read_items(text, item))
        return fault_set(fault, FAULT_SYNTAX, "%s: Open Enclave endorsements whose lengths disagree", name);
    /* Each item by its content, as if it were a file of its own. */
    for (size_t i = ITEM_TCB_INFO; i < ITEM_CREATED; i++) {
        if (is_oe_endorsements(item[i]))
            return fault_set(fault, FAULT_SYNTAX, "%s: Open Enclave endorsements inside others", name);
        if (!endorsements_add(e, name, item[i], fault))
            return false;
    }
    return true;
}
