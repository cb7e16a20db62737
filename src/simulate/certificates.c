/* Certificates and CRLs of the platform. */
#include "crypto/der_write.h"
#include "crypto/pem.h"
#include "simulate/platform.h"

static struct bytes issue(struct platform *p, const struct authority_certificate *c)
{
    struct bytes der = authority_issue(p->arena, c);

    p->failed |= der.n == 0;
    return der;
}

static struct authority_certificate template(const struct platform *p, const char *subject, const char *issuer,
                                             enum simulated_key key, enum simulated_key issuer_key, uint64_t serial)
{
    return (struct authority_certificate){.subject = subject,
                                          .issuer = issuer,
                                          .key = p->key[key],
                                          .issuer_key = p->key[issuer_key],
                                          .serial = serial,
                                          .not_before = p->now - YEAR,
                                          .not_after = p->now + YEAR,
                                          .path_length = -1};
}

static struct bytes root_der(struct platform *p, enum simulated_key key, bool authority)
{
    struct authority_certificate c = template(p, NAME_ROOT, NAME_ROOT, key, key, 0x1001);

    c.ca = authority;
    c.path_length = authority ? 1 : -1;
    return issue(p, &c);
}

static enum simulated_key pck_root(const struct platform *p)
{
    return platform_fault(p, "intel.pck.anchor") ? KEY_STRANGE_ROOT : KEY_ROOT;
}

/* OID 1.2.840.113741.1.13.1 followed by these arcs (each below 128). */
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

static struct bytes sgx_extension(struct platform *p)
{
    struct arena *a = p->arena;
    struct writer tcb = wr_open(a);
    uint8_t svn = PLATFORM_SVN, pce_svn = PLATFORM_PCESVN, cpu_svn[16], ppid[16] = {0x5a}, type = 1;

    memset(cpu_svn, PLATFORM_SVN, sizeof cpu_svn);
    for (uint8_t i = 1; i <= 16; i++)
        wr_put(&tcb, pair(a, sgx_oid(a, 2, i), der_write_unsigned(a, bytes_make(&svn, 1))));
    wr_put(&tcb, pair(a, sgx_oid(a, 2, 17), der_write_unsigned(a, bytes_make(&pce_svn, 1))));
    wr_put(&tcb, pair(a, sgx_oid(a, 2, 18), octets(a, cpu_svn, sizeof cpu_svn)));
    return DER_ELEMENT(a, DER_SEQUENCE, pair(a, sgx_oid(a, 1, 0), octets(a, ppid, sizeof ppid)),
                       pair(a, sgx_oid(a, 2, 0), DER_ELEMENT(a, DER_SEQUENCE, wr_done(&tcb))),
                       pair(a, sgx_oid(a, 3, 0), octets(a, "\0\0", 2)),
                       pair(a, sgx_oid(a, 4, 0), octets(a, p->fmspc.p, p->fmspc.n)),
                       pair(a, sgx_oid(a, 5, 0), DER_ELEMENT(a, DER_ENUMERATED, bytes_make(&type, 1))));
}

struct bytes platform_pck_chain(struct platform *p)
{
    enum simulated_key root = pck_root(p);
    struct authority_certificate authority =
        template(p, NAME_AUTHORITY, platform_fault(p, "intel.pck.names") ? "Another Root CA" : NAME_ROOT, KEY_AUTHORITY,
                 root, SERIAL_AUTHORITY);
    struct authority_certificate leaf =
        template(p, platform_fault(p, "intel.pck.role") ? "Intel SGX Something" : NAME_LEAF, NAME_AUTHORITY,
                 KEY_PLATFORM, platform_fault(p, "intel.pck.signatures") ? KEY_FORGER : KEY_AUTHORITY, SERIAL_LEAF);
    struct writer w = wr_open(p->arena);

    authority.ca = !platform_fault(p, "intel.pck.authority");
    authority.path_length = authority.ca ? 0 : -1;
    if (platform_fault(p, "intel.pck.validity"))
        leaf.not_after = p->now - DAY;
    leaf.sgx_extension = sgx_extension(p);
    wr_pem(&w, "CERTIFICATE", issue(p, &leaf));
    if (p->options->certification == 4)
        return wr_done(&w);
    wr_pem(&w, "CERTIFICATE", issue(p, &authority));
    wr_pem(&w, "CERTIFICATE", root_der(p, root, true));
    return wr_done(&w);
}

struct bytes platform_signing_chain(struct platform *p)
{
    enum simulated_key root = platform_fault(p, "intel.signer.anchor") ? KEY_STRANGE_ROOT : pck_root(p);
    struct authority_certificate signer =
        template(p, platform_fault(p, "intel.signer.role") ? "Intel Something" : NAME_SIGNER,
                 platform_fault(p, "intel.signer.names") ? "Another Root CA" : NAME_ROOT, KEY_SIGNER,
                 platform_fault(p, "intel.signer.signatures") ? KEY_FORGER : root, SERIAL_SIGNER);
    struct writer w = wr_open(p->arena);

    if (platform_fault(p, "intel.signer.present"))
        return BYTES_NONE;
    if (platform_fault(p, "intel.signer.validity"))
        signer.not_after = p->now - DAY;
    wr_pem(&w, "CERTIFICATE", issue(p, &signer));
    wr_pem(&w, "CERTIFICATE", root_der(p, root, !platform_fault(p, "intel.signer.authority")));
    return wr_done(&w);
}

struct bytes platform_root(struct platform *p)
{
    return pem_encode(p->arena, "CERTIFICATE", root_der(p, KEY_ROOT, true));
}

/* The CRL of `kind` ("root_crl", "pck_crl") with that kind's faults. */
static struct bytes crl(struct platform *p, const char *kind, struct authority_crl c)
{
    struct bytes der;

    if (platform_fault(p, arena_printf(p->arena, "intel.%s.present", kind)))
        return BYTES_NONE;
    c.issuer_key = c.key;
    if (platform_fault(p, arena_printf(p->arena, "intel.%s.signature", kind)))
        c.key = p->key[KEY_FORGER];
    c.without_number = platform_fault(p, arena_printf(p->arena, "intel.%s.extensions", kind));
    if (platform_fault(p, arena_printf(p->arena, "intel.%s.issued", kind)))
        c.this_update = p->now + DAY;
    if (platform_fault(p, arena_printf(p->arena, "intel.%s.fresh", kind)))
        c.next_update = p->now - DAY;
    der = authority_revoke(p->arena, &c);
    p->failed |= der.n == 0;
    return der;
}

struct bytes platform_root_crl(struct platform *p)
{
    return crl(p, "root_crl",
               (struct authority_crl){.issuer = NAME_ROOT,
                                      .key = p->key[pck_root(p)],
                                      .this_update = p->now - 10 * DAY,
                                      .next_update = p->now + 30 * DAY,
                                      .revoked = platform_fault(p, "intel.pck_ca.not_revoked")   ? SERIAL_AUTHORITY
                                                 : platform_fault(p, "intel.signer.not_revoked") ? SERIAL_SIGNER
                                                                                                 : 0});
}

struct bytes platform_pck_crl(struct platform *p)
{
    return crl(p, "pck_crl",
               (struct authority_crl){.issuer = NAME_AUTHORITY,
                                      .key = p->key[KEY_AUTHORITY],
                                      .this_update = p->now - 10 * DAY,
                                      .next_update = p->now + 30 * DAY,
                                      .revoked = platform_fault(p, "intel.pck.not_revoked") ? SERIAL_LEAF : 0});
}
