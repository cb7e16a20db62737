/* Certificates and CRLs of the platform. */
#include "crypto/pem.h"
#include "simulate/platform.h"

#define NAME_ROOT      "Intel SGX Root CA"
#define NAME_AUTHORITY "Intel SGX PCK Platform CA"
#define NAME_LEAF      "Intel SGX PCK Certificate"
#define NAME_SIGNER    "Intel SGX TCB Signing"
#define NAME_STRANGER  "Another CA"

/* The hierarchies in which certificates stand; also the middle of their faults' names. */
#define PCK    "pck"
#define SIGNER "signer"

static const char *root_name(const struct platform *p)
{
    return platform_fault(p, "intel.pck.role:root") ? "Intel SGX" : NAME_ROOT;
}

static const char *authority_name(const struct platform *p)
{
    return platform_fault(p, "intel.pck.role:authority") ? "Intel SGX PCK Platform" : NAME_AUTHORITY;
}

static enum simulated_key root_key(const struct platform *p, const char *hierarchy)
{
    bool strange = platform_fault(p, "intel.pck.anchor") ||
                   (strcmp(hierarchy, SIGNER) == 0 && platform_fault(p, "intel.signer.anchor"));

    return strange ? KEY_STRANGE_ROOT : KEY_ROOT;
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

static struct bytes issue(struct platform *p, const struct authority_certificate *c)
{
    struct bytes der = authority_issue(p->arena, c);

    p->failed |= der.n == 0;
    return der;
}

static bool flawed(const struct platform *p, const char *hierarchy, const char *check, const char *variant)
{
    return platform_fault(p, arena_printf(p->arena, "intel.%s.%s%s", hierarchy, check, variant));
}

/* With the faults that any certificate of a hierarchy can have; `who` is NULL for its end, else "authority" or "root". */
static struct bytes issue_in(struct platform *p, struct authority_certificate *c, const char *hierarchy,
                             const char *who)
{
    const char *end = who ? arena_printf(p->arena, ":%s", who) : "",
               *expired = who ? arena_printf(p->arena, ":%s-expired", who) : "",
               *early = who ? arena_printf(p->arena, ":%s-early", who) : ":early";

    if (flawed(p, hierarchy, "signatures", end))
        c->issuer_key = p->key[KEY_FORGER];
    if (flawed(p, hierarchy, "names", end))
        c->issuer = NAME_STRANGER;
    if (flawed(p, hierarchy, "validity", expired))
        c->not_after = p->now - DAY;
    if (flawed(p, hierarchy, "validity", early))
        c->not_before = p->now + DAY;
    return issue(p, c);
}

static struct bytes root(struct platform *p, const char *hierarchy)
{
    bool pck = strcmp(hierarchy, PCK) == 0;
    const char *name = pck ? root_name(p) : NAME_ROOT;
    enum simulated_key key = root_key(p, hierarchy);
    struct authority_certificate c = template(p, name, name, key, key, SERIAL_ROOT);

    c.ca = !platform_fault(p, pck ? "intel.pck.authority:root" : "intel.signer.authority");
    c.path_length = !c.ca ? -1 : pck && platform_fault(p, "intel.pck.authority:path-length") ? 0 : 1;
    c.without_cert_sign = !pck && platform_fault(p, "intel.signer.authority:key-usage");
    return issue_in(p, &c, hierarchy, "root");
}

static struct bytes authority(struct platform *p)
{
    struct authority_certificate c =
        template(p, authority_name(p), root_name(p), KEY_AUTHORITY, root_key(p, PCK), SERIAL_AUTHORITY);

    c.ca = !platform_fault(p, "intel.pck.authority");
    c.path_length = c.ca ? 0 : -1;
    c.without_cert_sign = platform_fault(p, "intel.pck.authority:key-usage");
    return issue_in(p, &c, PCK, "authority");
}

static struct bytes leaf(struct platform *p)
{
    struct authority_certificate c = template(p, platform_fault(p, "intel.pck.role") ? "Intel SGX" : NAME_LEAF,
                                              authority_name(p), KEY_PLATFORM, KEY_AUTHORITY, SERIAL_LEAF);

    c.unknown_critical = platform_fault(p, "intel.pck.authority:critical");
    if (!platform_fault(p, "intel.pck.shape"))
        c.sgx_extension = platform_sgx_extension(p);
    return issue_in(p, &c, PCK, NULL);
}

/* PEM of certificates, one after another; empty ones are left out. */
static struct bytes joined(struct platform *p, const struct bytes *der, size_t count)
{
    struct writer w = wr_open(p->arena);

    for (size_t i = 0; i < count; i++)
        if (der[i].n)
            wr_pem(&w, "CERTIFICATE", der[i]);
    return wr_done(&w);
}

struct bytes platform_pck_chain(struct platform *p)
{
    struct bytes a = authority(p), r = root(p, PCK);
    bool swapped = platform_varies(p, "pem-root-second");
    struct bytes der[4] = {leaf(p), swapped ? r : a, swapped ? a : r, BYTES_NONE};

    if (platform_fault(p, "intel.pck.shape:no-pem"))
        return BYTES_LIT("no PEM");
    if (platform_fault(p, "intel.pck.shape:two-certificates"))
        return joined(p, der, 2);
    if (platform_fault(p, "intel.pck.shape:four-certificates"))
        der[3] = r;
    return joined(p, der, p->options->certification == 4 ? 1 : 4);
}

struct bytes platform_pck_issuers(struct platform *p)
{
    return joined(p, (struct bytes[]){authority(p), root(p, PCK)}, 2);
}

struct bytes platform_signing_chain(struct platform *p)
{
    struct authority_certificate c = template(p, platform_fault(p, "intel.signer.role") ? "Intel SGX" : NAME_SIGNER,
                                              NAME_ROOT, KEY_SIGNER, root_key(p, SIGNER), SERIAL_SIGNER);

    if (platform_fault(p, "intel.signer.present"))
        return BYTES_NONE;
    c.unknown_critical = platform_fault(p, "intel.signer.authority:critical");
    return joined(p, (struct bytes[]){issue_in(p, &c, SIGNER, NULL), root(p, SIGNER)}, 2);
}

struct bytes platform_root(struct platform *p)
{
    struct authority_certificate c = template(p, NAME_ROOT, NAME_ROOT, KEY_ROOT, KEY_ROOT, SERIAL_ROOT);

    c.ca = true;
    c.path_length = 1;
    return pem_encode(p->arena, "CERTIFICATE", issue(p, &c));
}

/* The CRL of `kind` ("root_crl", "pck_crl") with that kind's faults. */
static struct bytes crl(struct platform *p, const char *kind, const char *issuer, enum simulated_key key,
                        uint64_t revoked)
{
    bool stranger = platform_fault_of(p, "intel.%s.present:stranger", kind);
    bool forged = stranger || platform_fault_of(p, "intel.%s.signature", kind);
    bool future = platform_fault_of(p, "intel.%s.issued", kind), over = platform_fault_of(p, "intel.%s.fresh", kind);
    struct authority_crl c = {.issuer = stranger ? NAME_STRANGER : issuer,
                              .key = p->key[forged ? KEY_FORGER : key],
                              .issuer_key = p->key[stranger ? KEY_FORGER : key],
                              .this_update = p->now + (future ? DAY : -10 * DAY),
                              .next_update = p->now + (over ? -DAY : 30 * DAY),
                              .revoked = revoked};
    struct bytes der;

    if (platform_fault_of(p, "intel.%s.present", kind))
        return BYTES_NONE;
    c.without_number = platform_fault_of(p, "intel.%s.extensions", kind);
    c.without_authority_key = platform_fault_of(p, "intel.%s.extensions:authority-key", kind);
    c.partial = platform_fault_of(p, "intel.%s.extensions:partial", kind);
    c.without_next_update = platform_fault_of(p, "intel.%s.fresh:endless", kind);
    der = authority_revoke(p->arena, &c);
    p->failed |= der.n == 0;
    return der;
}

struct bytes platform_root_crl(struct platform *p)
{
    uint64_t revoked = platform_fault(p, "intel.pck_ca.not_revoked")   ? SERIAL_AUTHORITY
                       : platform_fault(p, "intel.signer.not_revoked") ? SERIAL_SIGNER
                                                                       : 0;

    return crl(p, "root_crl", root_name(p), root_key(p, PCK), revoked);
}

struct bytes platform_pck_crl(struct platform *p)
{
    return crl(p, "pck_crl", authority_name(p), KEY_AUTHORITY,
               platform_fault(p, "intel.pck.not_revoked") ? SERIAL_LEAF : 0);
}
