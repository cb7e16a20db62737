/* The SGX extension of the PCK certificate. */
#include "crypto/der_write.h"
#include "simulate/platform.h"

/* OID 1.2.840.113741.1.13.1 followed by these arcs (each below 128; a second one of 0 is left out). */
static struct bytes sgx_oid(struct arena *a, uint8_t first, uint8_t second)
{
    static const uint8_t base[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};
    uint8_t arcs[2] = {first, second};

    return DER_ELEMENT(a, DER_OID, BYTES_OF(base), bytes_make(arcs, second ? 2 : 1));
}

static struct bytes pair(struct arena *a, struct bytes oid, struct bytes value)
{
    return DER_ELEMENT(a, DER_SEQUENCE, oid, value);
}

static struct bytes octets(struct arena *a, const void *p, size_t n)
{
    return DER_ELEMENT(a, DER_OCTET_STRING, bytes_make(p, n));
}

static struct bytes component(struct platform *p, uint8_t i)
{
    static const uint8_t svn = PLATFORM_SVN, excess[] = {0, PLATFORM_SVN}, range[] = {1, 0};
    struct bytes value = bytes_make(&svn, 1);

    if (i == 1 && platform_fault(p, "intel.pck.shape:component-range"))
        value = BYTES_OF(range);
    if (i == 1 && platform_fault(p, "intel.pck.shape:excess-zero"))
        value = BYTES_OF(excess);
    return pair(p->arena, sgx_oid(p->arena, 2, i), der_write_unsigned(p->arena, value));
}

static struct bytes tcb(struct platform *p)
{
    struct arena *a = p->arena;
    struct writer w = wr_open(a);
    uint8_t pce_svn = PLATFORM_PCESVN, cpu_svn[16];

    memset(cpu_svn, PLATFORM_SVN, sizeof cpu_svn);
    for (uint8_t i = 1; i <= 16; i++)
        if (i < 16 || !platform_fault(p, "intel.pck.shape:component-missing"))
            wr_put(&w, component(p, i));
    if (platform_fault(p, "intel.pck.shape:component-twice"))
        wr_put(&w, component(p, 1));
    wr_put(&w, pair(a, sgx_oid(a, 2, 17), der_write_unsigned(a, bytes_make(&pce_svn, 1))));
    wr_put(&w, pair(a, sgx_oid(a, 2, 18), octets(a, cpu_svn, sizeof cpu_svn)));
    return DER_ELEMENT(a, DER_SEQUENCE, wr_done(&w));
}

struct bytes platform_sgx_extension(struct platform *p)
{
    struct arena *a = p->arena;
    uint8_t type = 1;
    size_t fmspc_size = p->fmspc.n - platform_fault(p, "intel.pck.shape:fmspc-size");

    return DER_ELEMENT(a, DER_SEQUENCE, pair(a, sgx_oid(a, 1, 0), octets(a, PLATFORM_PPID.p, PLATFORM_PPID.n)),
                       pair(a, sgx_oid(a, 2, 0), tcb(p)), pair(a, sgx_oid(a, 3, 0), octets(a, "\0\0", 2)),
                       pair(a, sgx_oid(a, 4, 0), octets(a, p->fmspc.p, fmspc_size)),
                       pair(a, sgx_oid(a, 5, 0), DER_ELEMENT(a, DER_ENUMERATED, bytes_make(&type, 1))));
}
