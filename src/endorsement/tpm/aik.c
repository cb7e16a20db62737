/* Certificates of attestation keys (tpm-vbs.md 2.5). */
#include "endorsement/tpm/tpm.h"

#include "base/limits.h"
#include "crypto/der.h"
#include "endorsement/tpm/chain.h"

/* DER of object identifiers. */
static const uint8_t oid_tcg_aik[] = {0x67, 0x81, 0x05, 0x08, 0x03}; /* 2.23.133.8.3 */
/* Document signing elsewhere: a certificate with it, for a key in software, is easily had of an enterprise's authority. */
static const uint8_t oid_azure_aik[] = {0x2b, 0x06, 0x01, 0x04, 0x01,
                                        0x82, 0x37, 0x0a, 0x03, 0x0c}; /* 1.3.6.1.4.1.311.10.3.12 */
static const uint8_t oid_google_vm[] = {0x2b, 0x06, 0x01, 0x04, 0x01,
                                        0xd6, 0x79, 0x02, 0x01, 0x15}; /* 1.3.6.1.4.1.11129.2.1.21 */
static const struct bytes usages[] = {{oid_tcg_aik, sizeof oid_tcg_aik}};
static const struct bytes azure_usage = {oid_azure_aik, sizeof oid_azure_aik};
/* Google tells the use by keyUsage alone, and the machine in an extension of its own; its roots are an operator's to trust. */
static const struct bytes google_vm = {oid_google_vm, sizeof oid_google_vm};

static const struct tpm_role attestation_key = {.what = "an attestation key",
                                                .usages = usages,
                                                .usage_count = sizeof usages / sizeof *usages,
                                                .azure_usage = &azure_usage,
                                                .or_extension = &google_vm,
                                                .key_usage = KEY_USAGE_SIGN};
static const enum check_id ids[TPM_STEPS] = {
    [TPM_ANCHORED] = CHECK_AIK_CHAIN,      [TPM_SIGNATURES] = CHECK_AIK_SIGNATURES,
    [TPM_AUTHORITY] = CHECK_AIK_AUTHORITY, [TPM_ROLE] = CHECK_AIK_ROLE,
    [TPM_VALIDITY] = CHECK_AIK_VALIDITY,   [TPM_NOT_REVOKED] = CHECK_AIK_NOT_REVOKED};

/* Certificates in DER, one behind the other; zeros behind the last are the rest of an NV index. */
static bool decode_der(struct arena *a, struct bytes text, const struct certificate **leaf, struct fault *fault)
{
    struct certificate *first = NULL, *last = NULL;
    size_t count = 0;

    while (text.n && !bytes_all_zero(text)) {
        struct reader r = rd_open(text);
        struct bytes der = der_take_whole(&r, DER_SEQUENCE);
        const struct certificate *c;

        if (!rd_ok(&r))
            return fault_set(fault, FAULT_SYNTAX, "%s",
                             first ? "what stands behind the certificate is neither one nor zero"
                                   : "not the DER of a certificate");
        if (++count > LIMIT_CHAIN)
            return fault_set(fault, FAULT_LIMIT, "more than %d certificates", LIMIT_CHAIN);
        if (!certificate_decode(a, der, &c, fault))
            return false;
        struct certificate *own = ARENA_NEW(a, struct certificate);
        *own = *c;
        if (last)
            last->next = own;
        else
            first = own;
        last = own;
        text = rd_rest(&r);
    }
    *leaf = first;
    return first || fault_set(fault, FAULT_SYNTAX, "nothing but zeros");
}

bool tpm_certificates_decode(struct arena *a, struct bytes text, const struct certificate **leaf, struct fault *fault)
{
    size_t count;

    *leaf = NULL;
    if (text.n && (text.p[0] == DER_SEQUENCE || text.p[0] == 0))
        return decode_der(a, text, leaf, fault);
    return certificates_decode(a, text, leaf, &count, fault);
}

/* From the cache where they were seen before. NULL, with a fault: they are not well formed. */
static const struct certificate *load(struct exam *x, struct bytes text, struct fault *fault)
{
    uint8_t key[SHA256_SIZE];
    const struct certificate *leaf;

    cache_key("tpm certificates", &text, 1, key);
    const struct certificate *known = cache_find(x->cache, key);
    if (known)
        return known;
    struct arena *built = cache_arena(x->cache, x->arena);
    if (!tpm_certificates_decode(built, text, &leaf, fault)) {
        cache_discard(x->cache, built);
        return NULL;
    }
    cache_keep(x->cache, key, built, leaf);
    return leaf;
}

bool aik_decode(struct exam *x, struct bytes text, struct aik *out)
{
    struct fault fault = {0};

    *out = (struct aik){0};
    if (text.n)
        out->leaf = load(x, text, &fault);
    if (check_that(x, AIK_SHAPE, text.n == 0 || out->leaf))
        return true;
    check_note(x->trace, "%s", fault.text);
    return false;
}

/* Whoever vouches for it, a certificate or the hardware beneath. */
static bool not_denied(struct exam *x, const struct aik *aik)
{
    const struct public_key *key = aik->leaf ? &aik->leaf->key : aik->key;
    struct bytes digest = BYTES_NONE;

    if (key && key->kind != KEY_NONE)
        digest = sha256_of(x->arena, public_key_spki(x->arena, key));
    return check_found(x, AIK_NOT_DENIED, !reference_has(x->settings->reference, REFERENCE_DENIED_AIKS, digest), digest,
                       "a key that is not denied");
}

/* A key without a certificate is what the operator says it is, or unknown. */
static const char *bare_key_fault(struct exam *x, struct aik *out)
{
    struct anchors added = anchors_added(x->endorsements);
    uint8_t digest[SHA256_SIZE];

    if (!out->key || out->key->kind == KEY_NONE)
        return "no certificate of the attestation key was sent";
    sha256(public_key_spki(x->arena, out->key), digest);
    if (!anchors_have(&added, digest))
        return "no certificate of the attestation key was sent, and the key itself is not trusted";
    out->development = anchor_is_development(x->endorsements, digest);
    return NULL;
}

static const char *step_fault(struct exam *x, struct aik *out, const struct tpm_chain *chain, enum tpm_step step)
{
    if (out->leaf)
        return tpm_chain_fault(x->arena, x->cache, x->endorsements, chain, &attestation_key, x->time, step);
    return step == TPM_ANCHORED ? bare_key_fault(x, out) : NULL;
}

bool aik_verify(struct exam *x, struct aik *out, bool required, const char *setting)
{
    uint8_t pins[TPM_ROOTS][SHA256_SIZE];
    size_t first = out->azure ? TPM_AZURE_VTPM_ROOT_2023 : 0; /* the one before is of PCs */
    struct anchors roots = {(const uint8_t(*)[SHA256_SIZE])pins, TPM_ROOTS - first};
    struct tpm_chain chain = {0};

    for (size_t i = first; i < TPM_ROOTS; i++)
        memcpy(pins[i - first], tpm_authorities[i].spki_digest, SHA256_SIZE);
    out->valid = false;
    out->why = NULL;
    if (!not_denied(x, out))
        return false;
    if (out->leaf) {
        tpm_chain_build(x->arena, x->cache, x->endorsements, out->leaf, &roots, &chain);
        out->development = anchor_is_development(x->endorsements, chain.top->spki_digest);
    }
    for (int step = 0; step < TPM_STEPS; step++) {
        if (!out->why)
            out->why = step_fault(x, out, &chain, (enum tpm_step)step);
        if (out->why && !required) {
            check_skip_(x->trace, ids[step], setting);
            continue;
        }
        const char *why = out->why;
        out->why = NULL; /* where a mutant goes on, the next step is judged by itself */
        if (!check_record(x->trace, ids[step], !why, CHECK_NO_VALUE, CHECK_NO_VALUE)) {
            check_note(x->trace, "%s", why);
            out->why = why;
            return false;
        }
    }
    out->valid = !out->why;
    out->development &= out->valid;
    return !x->trace->failed;
}

/* ------------------------------------------------------------------------------------------------------ device */

enum { SAN_DIRECTORY_NAME = 4 };
static const uint8_t oid_alternative_name[] = {0x55, 0x1d, 0x11};

/* One attribute: 2.23.133.2.n. */
static void read_attribute(struct reader *set, struct tpm_device *out)
{
    static const uint8_t arc[] = {0x67, 0x81, 0x05, 0x02};
    struct reader attribute = der_enter(set, DER_SEQUENCE);
    struct bytes oid = der_take(&attribute, DER_OID), value;
    uint8_t tag;

    value = der_any(&attribute, &tag, NULL);
    if (!rd_end(&attribute) || oid.n != sizeof arc + 1 || memcmp(oid.p, arc, sizeof arc) != 0)
        return;
    switch (oid.p[sizeof arc]) {
    case 1: out->manufacturer = value; return;
    case 2: out->model = value; return;
    case 3: out->version = value; return;
    default: return;
    }
}

struct tpm_device tpm_device_read(const struct certificate *c)
{
    struct tpm_device out = {0};
    struct bytes value;

    if (!certificate_extension(c, BYTES_OF(oid_alternative_name), &value))
        return out;
    struct reader outer = rd_open(value), names = der_enter(&outer, DER_SEQUENCE);
    while (rd_ok(&names) && rd_left(&names)) {
        uint8_t tag;
        struct bytes name = der_any(&names, &tag, NULL);
        struct reader wrapper = rd_open(name), sets;

        if (tag != DER_CONSTRUCTED(SAN_DIRECTORY_NAME))
            continue;
        sets = der_enter(&wrapper, DER_SEQUENCE);
        while (rd_ok(&sets) && rd_left(&sets))
            for (struct reader set = der_enter(&sets, DER_SET); rd_ok(&set) && rd_left(&set);)
                read_attribute(&set, &out);
    }
    return out;
}
