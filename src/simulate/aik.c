/* Who vouches for the attestation key of a simulated TPM (tpm-vbs.md 2.5). */
#include "crypto/pem.h"
#include "simulate/boot_log.h"
#include "simulate/tpm_platform.h"

#define NAME_ROOT      "Simulated TPM Root"
#define NAME_AUTHORITY "Simulated AIK CA"
#define NAME_STRANGER  "Another CA"
#define NAME_LEAF      "0123456789ab.TrustedVM.simulated.example"
#define NAME_HARDWARE  "0123456789ab.ConfidentialVM.simulated.example"
#define EKU_AIK        "2.23.133.8.3,1.3.6.1.4.1.311.10.3.12"
#define EKU_OTHER      "1.3.6.1.5.5.7.3.2"
#define EKU_DOCUMENTS  "1.3.6.1.4.1.311.10.3.12" /* enough by itself where Azure's name stands alone */
#define EKU_ANY        "2.5.29.37.0"

enum { SERIAL_ROOT = 0x2001, SERIAL_AUTHORITY, SERIAL_LEAF };

static struct authority_certificate template(const struct tpm_platform *p, const char *subject, const char *issuer,
                                             EVP_PKEY *key, enum aik_key issuer_key, uint64_t serial)
{
    return (struct authority_certificate){.subject = subject,
                                          .issuer = issuer,
                                          .key = key,
                                          .issuer_key = p->key[issuer_key],
                                          .serial = serial,
                                          .not_before = p->now - TPM_YEAR,
                                          .not_after = p->now + TPM_YEAR,
                                          .path_length = -1};
}

/* With the faults that any of the three can have; `who` is "" for the leaf, else ":authority" or ":root". */
static struct bytes issue(struct tpm_platform *p, struct authority_certificate *c, const char *who)
{
    const char *dash = *who ? "-" : ":";

    if (tpm_platform_fault(p, arena_printf(p->arena, "aik.signatures%s", who)))
        c->issuer_key = p->key[AIK_KEY_FORGER];
    if (tpm_platform_fault(p, arena_printf(p->arena, "aik.validity%s%s", who, *who ? "-expired" : "")))
        c->not_after = p->now - TPM_DAY;
    if (tpm_platform_fault(p, arena_printf(p->arena, "aik.validity%s%searly", who, dash)))
        c->not_before = p->now + TPM_DAY;
    struct bytes der = authority_issue(p->arena, c);
    if (der.n == 0)
        tpm_platform_fail(p, "a certificate");
    return der;
}

/* The root as it is trusted, or the one in which the chain ends. */
static struct bytes root(struct tpm_platform *p, enum aik_key key)
{
    struct authority_certificate c = template(p, NAME_ROOT, NAME_ROOT, p->key[key], key, SERIAL_ROOT);

    c.ca = true;
    c.path_length = tpm_platform_fault(p, "aik.authority:path-length") ? 0 : 1;
    return issue(p, &c, ":root");
}

static struct bytes authority(struct tpm_platform *p, enum aik_key root_key)
{
    struct authority_certificate c =
        template(p, NAME_AUTHORITY, NAME_ROOT, p->key[AIK_KEY_AUTHORITY], root_key, SERIAL_AUTHORITY);

    c.ca = !tpm_platform_fault(p, "aik.authority");
    c.path_length = c.ca ? 0 : -1;
    c.without_cert_sign = tpm_platform_fault(p, "aik.authority:key-usage");
    if (tpm_platform_fault(p, "aik.role:issuer"))
        c.extended_usage = EKU_OTHER;
    return issue(p, &c, ":authority");
}

/* As Azure names them (snp-cvm.md 3.5). */
static const char *leaf_name(const struct tpm_platform *p)
{
    const char *isolation = p->options->isolation;
    bool confidential = isolation && strcmp(isolation, "trusted-launch") != 0;

    return confidential && !tpm_platform_fault(p, "guest.paravisor:trusted-launch") ? NAME_HARDWARE : NAME_LEAF;
}

static struct bytes leaf(struct tpm_platform *p, EVP_PKEY *key)
{
    bool stranger = tpm_platform_fault(p, "aik.chain:issuer");
    struct authority_certificate c =
        template(p, leaf_name(p), stranger ? NAME_STRANGER : NAME_AUTHORITY, key, AIK_KEY_AUTHORITY, SERIAL_LEAF);

    c.unknown_critical = tpm_platform_fault(p, "aik.authority:critical");
    c.extended_usage = tpm_platform_fault(p, "aik.role") ? EKU_OTHER : EKU_AIK;
    if (tpm_platform_fault(p, "aik.role:none"))
        c.extended_usage = NULL;
    if (tpm_platform_fault(p, "aik.role:documents"))
        c.extended_usage = EKU_DOCUMENTS;
    if (tpm_platform_fault(p, "aik.role:any"))
        c.extended_usage = EKU_ANY;
    struct bytes der = issue(p, &c, "");
    return tpm_platform_fault(p, "aik.shape") ? bytes_first(der, der.n - 1) : der;
}

/* A CRL, where the fault is that it names a certificate of the path. */
static struct bytes revoke(struct tpm_platform *p)
{
    bool issuer = tpm_platform_fault(p, "aik.not_revoked:authority");
    struct authority_crl c = {.issuer = issuer ? NAME_ROOT : NAME_AUTHORITY,
                              .key = p->key[issuer ? AIK_KEY_ROOT : AIK_KEY_AUTHORITY],
                              .issuer_key = p->key[issuer ? AIK_KEY_ROOT : AIK_KEY_AUTHORITY],
                              .this_update = p->now - TPM_DAY,
                              .next_update = p->now + TPM_YEAR,
                              .revoked = issuer ? SERIAL_AUTHORITY : SERIAL_LEAF};
    struct bytes der;

    if (!issuer && !tpm_platform_fault(p, "aik.not_revoked"))
        return BYTES_NONE;
    der = authority_revoke(p->arena, &c);
    if (der.n == 0)
        tpm_platform_fail(p, "a CRL");
    return der;
}

/* Alone, or with its issuer where that would not be taken for one from elsewhere. */
static struct bytes as_sent(struct tpm_platform *p, struct bytes leaf_der, struct bytes authority_der)
{
    struct writer w = wr_open(p->arena);

    wr_put(&w, leaf_der);
    if (tpm_platform_fault(p, "aik.authority") || tpm_platform_varies(p, "issuer-sent"))
        wr_put(&w, authority_der);
    return wr_done(&w);
}

/* An operator who denies this very key. */
static void deny(struct tpm_platform *p, struct simulated *s)
{
    struct reference_values *reference = ARENA_NEW(p->arena, struct reference_values);
    struct bytes spki = public_key_spki(p->arena, &p->tpm.public[TPM_KEY_AK].key);

    *reference = *s->settings.reference;
    p->failed |= !reference_add(p->arena, reference, REFERENCE_DENIED_AIKS, sha256_of(p->arena, spki));
    s->settings.reference = reference;
}

/* An operator who knows by whom our Windows is started. */
static void know_loader(struct tpm_platform *p, struct simulated *s)
{
    struct reference_values *reference = ARENA_NEW(p->arena, struct reference_values);

    *reference = *s->settings.reference;
    p->failed |= !reference_add(p->arena, reference, REFERENCE_WINDOWS_LOADERS, boot_windows_authority(p->arena));
    s->settings.reference = reference;
}

bool tpm_platform_certify(struct tpm_platform *p, struct simulated *s)
{
    enum aik_key root_key = tpm_platform_fault(p, "aik.chain") ? AIK_KEY_STRANGE_ROOT : AIK_KEY_ROOT;
    bool other = tpm_platform_fault(p, "guest.aik.certificate");
    EVP_PKEY *key = simulated_public_key(p->arena, &p->tpm.public[TPM_KEY_AK].key);
    struct bytes issuer = authority(p, root_key);
    struct writer w = wr_open(p->arena);

    p->leaf = key ? as_sent(p, leaf(p, other ? p->key[AIK_KEY_FORGER] : key), issuer) : BYTES_NONE;
    EVP_PKEY_free(key);
    wr_pem(&w, "CERTIFICATE", issuer);
    wr_pem(&w, "CERTIFICATE", root(p, root_key));
    s->aik_issuers = wr_done(&w);
    s->aik_crl = revoke(p);
    if (p->windows)
        know_loader(p, s);
    if (tpm_platform_fault(p, "aik.not_denied"))
        deny(p, s);
    s->anchor = pem_encode(p->arena, "CERTIFICATE", root(p, AIK_KEY_ROOT));
    s->aik_certificate = p->leaf;
    return (p->leaf.n && !p->failed) || tpm_platform_fail(p, "the AK's certificate");
}
