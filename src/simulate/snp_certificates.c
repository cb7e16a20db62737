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
    tcb.tee = (uint8_t)(tcb.tee - snp_fault(p, "snp.tcb:tee"));
    tcb.fmc = (uint8_t)(tcb.fmc + snp_fault(p, "snp.tcb:fmc"));
    if (p->model->turin)
        extend_number(e, OID_AMD "3.9", tcb.fmc);
    if (snp_fault(p, "amd.chain.shape:range"))
        extend(e, OID_AMD "3.1", BYTES_LIT("\x02\x02\x01\x00"));
    else if (!snp_fault(p, "amd.chain.shape:component"))
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
    if (snp_fault(p, "snp.chip_id:zero"))
        memset(id, 0, SNP_CHIP_SIZE);
    id[0] ^= snp_fault(p, "snp.chip_id");
    struct bytes raw = bytes_make(id, snp_chip(p).n - snp_fault(p, "amd.chain.shape:hwid"));
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
    return arena_printf(p->arena, "ARK-%s", snp_fault(p, "amd.chain.role:root") ? "Rome" : p->model->chain);
}

static const char *authority_name(const struct snp_platform *p)
{
    bool vlek = p->vlek_chain;
    const char *product = p->model->chain;

    if (snp_fault(p, "amd.chain.role") || snp_fault(p, "amd.chain.role:vlek"))
        vlek = !vlek;
    if (snp_fault(p, "amd.chain.role:product"))
        product = strcmp(product, "Genoa") == 0 ? "Milan" : "Genoa";
    return arena_printf(p->arena, vlek ? "SEV-VLEK-%s" : "SEV-%s", product);
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

/* The root that signed what stands below it. */
static enum snp_key root_key(const struct snp_platform *p)
{
    return snp_fault(p, "amd.chain.anchor") ? SNP_KEY_STRANGE_ARK : SNP_KEY_ARK;
}

/* The ARK that the chain holds. */
static struct bytes sent_ark(struct snp_platform *p)
{
    enum snp_key key = root_key(p);
    struct authority_certificate c = template(p, ark_name(p), ark_name(p), key, key, SNP_SERIAL_ARK);

    if (snp_fault(p, "amd.chain.signatures:root"))
        c.issuer_key = snp_key(p, SNP_KEY_STRANGE_ARK);
    if (snp_fault(p, "amd.chain.names"))
        c.issuer = ANOTHER_NAME;
    if (snp_fault(p, "amd.chain.authority:path-length"))
        c.path_length = 0;
    c.ca = !snp_fault(p, "amd.chain.authority:root");
    outdate(p, &c, "amd.chain.validity:root-expired", "amd.chain.validity:root-early");
    return issue(p, &c);
}

struct bytes snp_authority(struct snp_platform *p)
{
    bool strange = snp_fault(p, "amd.chain.signatures:authority");
    struct authority_certificate c = template(p, authority_name(p), ark_name(p), SNP_KEY_AUTHORITY,
                                              strange ? SNP_KEY_STRANGE_ARK : root_key(p), SNP_SERIAL_AUTHORITY);

    if (snp_fault(p, "amd.issuer.not_revoked:superseded"))
        c.serial = SNP_SERIAL_SUPERSEDED;
    c.ca = !snp_fault(p, "amd.chain.authority");
    c.path_length = c.ca ? 0 : -1;
    c.without_cert_sign = snp_fault(p, "amd.chain.authority:key-usage");
    c.unknown_critical = snp_fault(p, "amd.chain.authority:critical");
    outdate(p, &c, "amd.chain.validity:authority-expired", "amd.chain.validity:authority-early");
    return issue(p, &c);
}

static const char *product_name(const struct snp_platform *p)
{
    if (snp_fault(p, "snp.product:certificate"))
        return strcmp(p->model->chain, "Genoa") == 0 ? "Milan" : "Genoa";
    return p->vlek_chain ? p->model->chain : p->model->vcek;
}

/* Whose key it is: a chip's, or a provider's. */
static void extend_owner(struct extensions *e, struct snp_platform *p)
{
    bool both = snp_fault(p, "amd.chain.shape:both");

    if (!p->vlek_chain || both)
        extend(e, OID_AMD "4", hardware_id(p));
    if ((p->vlek_chain && !snp_fault(p, "amd.chain.shape:provider")) || both)
        extend_text(e, OID_AMD "5", CSP);
}

struct bytes snp_leaf(struct snp_platform *p)
{
    bool forged = snp_fault(p, "amd.chain.signatures");
    struct extensions e = {.arena = p->arena};
    struct authority_certificate c = template(p, p->vlek_chain ? "SEV-VLEK" : "SEV-VCEK", authority_name(p),
                                              SNP_KEY_LEAF, forged ? SNP_KEY_STRANGE_ARK : SNP_KEY_AUTHORITY, 0);

    extend_number(&e, OID_AMD "1", p->model->turin);
    if (!snp_fault(p, "amd.chain.shape"))
        extend_text(&e, OID_AMD "2", product_name(p));
    extend_tcb(&e, p);
    extend_owner(&e, p);
    c.bare = true;
    c.extensions = e.v;
    c.extension_count = e.count;
    outdate(p, &c, "amd.chain.validity", "amd.chain.validity:early");
    outdate(p, &c, "amd.chain.validity:vlek-expired", "");
    return issue(p, &c);
}

struct bytes snp_chain(struct snp_platform *p)
{
    struct bytes leaf = snp_leaf(p), authority = snp_authority(p), ark = sent_ark(p);
    const struct bytes usual[] = {leaf, authority, ark}, reversed[] = {ark, authority, leaf};
    const struct bytes *order = snp_varies(p, "chain-reversed") ? reversed : usual;
    struct writer w = wr_open(p->arena), crlf = wr_open(p->arena);

    if (snp_fault(p, "amd.leaf.present"))
        return BYTES_NONE;
    if (snp_fault(p, "amd.chain.shape:no-pem"))
        return BYTES_LIT("no PEM");
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
    bool strange = snp_fault(p, "amd.crl.present:stranger"), early = snp_fault(p, "amd.crl.issued");
    bool revoked = snp_fault(p, "amd.issuer.not_revoked") || snp_fault(p, "amd.issuer.not_revoked:vlek");
    enum snp_key key = root_key(p);
    struct authority_crl c = {.issuer = strange ? ANOTHER_NAME : ark_name(p),
                              .key = snp_key(p, snp_fault(p, "amd.crl.signature") ? SNP_KEY_STRANGE_ARK : key),
                              .issuer_key = snp_key(p, key),
                              .this_update = early ? p->now + SNP_DAY : p->now - 2 * SNP_DAY,
                              .next_update = snp_fault(p, "amd.crl.fresh") ? p->now - SNP_DAY : p->now + SNP_YEAR,
                              .revoked = revoked ? SNP_SERIAL_AUTHORITY : 0,
                              .without_number = snp_fault(p, "amd.crl.extensions"),
                              .without_authority_key = snp_fault(p, "amd.crl.extensions:authority-key"),
                              .without_next_update = snp_fault(p, "amd.crl.fresh:endless"),
                              .partial = snp_fault(p, "amd.crl.extensions:partial"),
                              .alg = SIGNATURE_PS384,
                              .amd_name = true};

    if (snp_fault(p, "amd.crl.present"))
        return BYTES_NONE;
    struct bytes der = authority_revoke(p->arena, &c);
    p->failed |= der.n == 0;
    return der;
}
