/* ARK, ASK or ASVK, VCEK or VLEK, and the ARK's CRL (snp-cvm.md 1.7, 1.8). */
#include "crypto/der_write.h"
#include "crypto/pem.h"
#include "simulate/snp_platform.h"

#define OID_AMD      "1.3.6.1.4.1.3704.1."
#define CSP          "CN=simulated.example"
#define ANOTHER_NAME "Another CA"
enum { DER_IA5STRING = 0x16, LEAF_EXTENSIONS = 16 };

struct extensions {
    struct arena *arena;
    struct authority_extension v[LEAF_EXTENSIONS];
    size_t count;
};

static void extend(struct extensions *e, const char *oid, struct bytes value)
{
    e->v[e->count++] = (struct authority_extension){oid, value};
}

static void extend_number(struct extensions *e, const char *oid, uint8_t number)
{
    extend(e, oid, arena_copy(e->arena, der_write_unsigned(e->arena, bytes_make(&number, 1))));
}

static void extend_text(struct extensions *e, const char *oid, const char *text)
{
    extend(e, oid, DER_ELEMENT(e->arena, DER_IA5STRING, bytes_text(text)));
}

/* What the leaf says of the TCB. Turin has one component more, and none of number 4. */
static void extend_tcb(struct extensions *e, const struct snp_platform *p)
{
    struct snp_tcb tcb = p->tcb;

    tcb.microcode = (uint8_t)(tcb.microcode - snp_fault(p, "snp.tcb"));
    tcb.bootloader = (uint8_t)(tcb.bootloader - snp_fault(p, "snp.tcb:boot-loader"));
    tcb.snp = (uint8_t)(tcb.snp + snp_fault(p, "snp.tcb:newer"));
    tcb.fmc = (uint8_t)(tcb.fmc + snp_fault(p, "snp.tcb:fmc"));
    if (p->model->turin)
        extend_number(e, OID_AMD "3.9", tcb.fmc);
    extend_number(e, OID_AMD "3.1", tcb.bootloader);
    extend_number(e, OID_AMD "3.2", tcb.tee);
    extend_number(e, OID_AMD "3.3", tcb.snp);
    if (!p->model->turin)
        extend_number(e, OID_AMD "3.4", 0);
    extend_number(e, OID_AMD "3.5", 0);
    extend_number(e, OID_AMD "3.6", 0);
    extend_number(e, OID_AMD "3.7", 0);
    extend_number(e, OID_AMD "3.8", tcb.microcode);
}

struct bytes snp_chip(const struct snp_platform *p)
{
    return bytes_make(p->chip, p->model->turin ? SNP_TURIN_CHIP_SIZE : SNP_CHIP_SIZE);
}

/* Raw, as AMD writes it, or as a proper OCTET STRING. */
static struct bytes hardware_id(struct snp_platform *p)
{
    uint8_t *id = arena_alloc(p->arena, SNP_CHIP_SIZE);

    memcpy(id, p->chip, SNP_CHIP_SIZE);
    id[0] ^= snp_fault(p, "snp.chip");
    struct bytes raw = bytes_make(id, snp_chip(p).n);
    return snp_varies(p, "hwid-octets") ? DER_ELEMENT(p->arena, DER_OCTET_STRING, raw) : raw;
}

static struct bytes issue(struct snp_platform *p, const struct authority_certificate *c)
{
    struct bytes der = authority_issue(p->arena, c);

    p->failed |= der.n == 0;
    return der;
}

static const char *ark_name(const struct snp_platform *p)
{
    return arena_printf(p->arena, "ARK-%s", p->model->chain);
}

static const char *authority_name(const struct snp_platform *p)
{
    return arena_printf(p->arena, p->options->vlek ? "SEV-VLEK-%s" : "SEV-%s", p->model->chain);
}

static struct authority_certificate template(struct snp_platform *p, const char *subject, const char *issuer,
                                             enum snp_key key, enum snp_key issuer_key, uint64_t serial)
{
    return (struct authority_certificate){.subject = subject,
                                          .issuer = issuer,
                                          .key = snp_key(p, key),
                                          .issuer_key = snp_key(p, issuer_key),
                                          .serial = serial,
                                          .not_before = p->now - SNP_YEAR,
                                          .not_after = p->now + SNP_YEAR,
                                          .path_length = -1,
                                          .alg = SIGNATURE_PS384,
                                          .amd_name = true,
                                          .trailer_written = snp_varies(p, "pss-trailer")};
}

static void outdate(const struct snp_platform *p, struct authority_certificate *c, const char *expired,
                    const char *early)
{
    if (snp_fault(p, expired))
        c->not_after = p->now - SNP_DAY;
    if (snp_fault(p, early))
        c->not_before = p->now + SNP_DAY;
}

struct bytes snp_ark(struct snp_platform *p)
{
    struct authority_certificate c = template(p, ark_name(p), ark_name(p), SNP_KEY_ARK, SNP_KEY_ARK, SNP_SERIAL_ARK);

    return issue(p, &c);
}

/* The ARK that the chain holds. */
static struct bytes sent_ark(struct snp_platform *p)
{
    enum snp_key key = snp_fault(p, "amd.anchor") ? SNP_KEY_STRANGE_ARK : SNP_KEY_ARK;
    struct authority_certificate c = template(p, ark_name(p), ark_name(p), key, key, SNP_SERIAL_ARK);

    if (snp_fault(p, "amd.signatures:ark"))
        c.issuer_key = snp_key(p, SNP_KEY_STRANGE_ARK);
    if (snp_fault(p, "amd.names:ark"))
        c.issuer = ANOTHER_NAME;
    if (snp_fault(p, "amd.authority:path-length"))
        c.path_length = 0;
    c.ca = !snp_fault(p, "amd.authority:ark");
    outdate(p, &c, "amd.validity:ark-expired", "amd.validity:ark-early");
    return issue(p, &c);
}

struct bytes snp_authority(struct snp_platform *p)
{
    bool strange = snp_fault(p, "amd.anchor") || snp_fault(p, "amd.signatures:authority");
    struct authority_certificate c =
        template(p, authority_name(p), snp_fault(p, "amd.names:authority") ? ANOTHER_NAME : ark_name(p),
                 SNP_KEY_AUTHORITY, strange ? SNP_KEY_STRANGE_ARK : SNP_KEY_ARK, SNP_SERIAL_AUTHORITY);

    c.ca = !snp_fault(p, "amd.authority");
    c.path_length = c.ca ? 0 : -1;
    c.without_cert_sign = snp_fault(p, "amd.authority:key-usage");
    outdate(p, &c, "amd.validity:authority-expired", "amd.validity:authority-early");
    return issue(p, &c);
}

struct bytes snp_leaf(struct snp_platform *p)
{
    bool vlek = p->options->vlek;
    struct extensions e = {.arena = p->arena};
    struct authority_certificate c =
        template(p, vlek ? "SEV-VLEK" : "SEV-VCEK", snp_fault(p, "amd.names") ? ANOTHER_NAME : authority_name(p),
                 SNP_KEY_LEAF, snp_fault(p, "amd.signatures") ? SNP_KEY_STRANGE_ARK : SNP_KEY_AUTHORITY, 0);

    extend_number(&e, OID_AMD "1", p->model->turin);
    extend_text(&e, OID_AMD "2", snp_fault(p, "snp.product") ? "Rome" : vlek ? p->model->chain : p->model->vcek);
    extend_tcb(&e, p);
    if (!vlek)
        extend(&e, OID_AMD "4", hardware_id(p));
    else
        extend_text(&e, OID_AMD "5", CSP);
    c.bare = true;
    c.extensions = e.v;
    c.extension_count = e.count;
    outdate(p, &c, "amd.validity", "amd.validity:early");
    return issue(p, &c);
}

struct bytes snp_chain(struct snp_platform *p)
{
    struct bytes leaf = snp_leaf(p), authority = snp_authority(p), ark = sent_ark(p);
    const struct bytes usual[] = {leaf, authority, ark}, reversed[] = {ark, authority, leaf};
    const struct bytes *order = snp_varies(p, "chain-reversed") ? reversed : usual;
    struct writer w = wr_open(p->arena), crlf = wr_open(p->arena);

    for (size_t i = 0; i < 3; i++)
        wr_pem(&w, "CERTIFICATE", order[i]);
    struct bytes text = wr_done(&w);
    if (!snp_varies(p, "pem-crlf"))
        return text;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\n')
            wr_u8(&crlf, '\r');
        wr_u8(&crlf, text.p[i]);
    }
    return wr_done(&crlf);
}

struct bytes snp_crl(struct snp_platform *p)
{
    struct authority_crl c = {.issuer = ark_name(p),
                              .key = snp_key(p, SNP_KEY_ARK),
                              .issuer_key = snp_key(p, SNP_KEY_ARK),
                              .this_update = p->now - SNP_DAY,
                              .next_update = p->now + SNP_YEAR,
                              .alg = SIGNATURE_PS384,
                              .amd_name = true};

    struct bytes der = authority_revoke(p->arena, &c);
    p->failed |= der.n == 0;
    return der;
}
