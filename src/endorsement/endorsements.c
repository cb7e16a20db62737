#include <stdlib.h>

#include "base/limits.h"
#include "base/text.h"
#include "endorsement/intel/store.h"

/* SHA-256 of the SubjectPublicKeyInfo of "Intel SGX Root CA" (sgx-tdx.md 4.1). Two certificates hold this key. */
const uint8_t intel_root_spki[SHA256_SIZE] = {0xa0, 0xaf, 0x03, 0x12, 0x89, 0xf5, 0xd5, 0xd4, 0x13, 0x2f, 0x91,
                                              0x86, 0x06, 0x8a, 0x7f, 0xc1, 0x36, 0x28, 0x63, 0x3b, 0xa2, 0x35,
                                              0x77, 0x74, 0x72, 0xe2, 0x9b, 0x6b, 0x6c, 0x67, 0xa4, 0x9e};

struct endorsements *endorsements_new(size_t memory_limit)
{
    struct endorsements *e = calloc(1, sizeof *e);

    if (!e)
        return NULL;
    arena_init(&e->arena, memory_limit);
    endorsements_add_anchor(e, intel_root_spki, false);
    return e;
}

void endorsements_free(struct endorsements *e)
{
    if (!e)
        return;
    arena_free(&e->arena);
    free(e);
}

void endorsements_add_anchor(struct endorsements *e, const uint8_t spki_digest[SHA256_SIZE], bool development)
{
    size_t cap = e->pin_cap;

    e->pins = ARENA_ROOM(&e->arena, e->pins, e->pin_count, &cap);
    e->pin_development = ARENA_ROOM(&e->arena, e->pin_development, e->pin_count, &e->pin_cap);
    memcpy(e->pins[e->pin_count], spki_digest, SHA256_SIZE);
    e->pin_development[e->pin_count++] = development;
}

struct anchors anchors_of_intel(const struct endorsements *e)
{
    return (struct anchors){(const uint8_t(*)[SHA256_SIZE])e->pins, e->pin_count};
}

struct anchors anchors_added(const struct endorsements *e)
{
    return (struct anchors){(const uint8_t(*)[SHA256_SIZE])e->pins + 1, e->pin_count - 1};
}

bool anchor_is_development(const struct endorsements *e, const uint8_t spki[SHA256_SIZE])
{
    for (size_t i = 0; i < e->pin_count; i++)
        if (memcmp(e->pins[i], spki, SHA256_SIZE) == 0)
            return e->pin_development[i];
    return false;
}

static uint64_t mark_of(const struct certificate *c)
{
    uint64_t mark;

    memcpy(&mark, c->digest, sizeof mark);
    return mark;
}

/* Is it the very file again? */
static bool in_pool(const struct endorsements *e, const struct certificate *list)
{
    uint64_t mark = mark_of(list);

    for (size_t i = 0; i < e->pool_count; i++) {
        const struct certificate *a = e->pool[i].mark == mark ? e->pool[i].chain : NULL, *b = list;

        if (!a)
            continue;
        while (a && b && memcmp(a->digest, b->digest, SHA256_SIZE) == 0) {
            a = a->next;
            b = b->next;
        }
        if (!a && !b)
            return true;
    }
    return false;
}

bool add_certificates(struct endorsements *e, struct bytes text, struct fault *fault)
{
    const struct certificate *list;
    size_t count;

    if (!certificates_decode(&e->arena, text, &list, &count, fault))
        return false;
    for (const struct certificate *c = list; c; c = c->next)
        if (amd_leaf_named(c) && !amd_leaf_decode(c, &(struct amd_leaf){0}, fault))
            return false;
    if (in_pool(e, list))
        return true;
    e->pool = ARENA_ROOM(&e->arena, e->pool, e->pool_count, &e->pool_cap);
    e->pool[e->pool_count++] = (struct pooled){list, mark_of(list), amd_named(list)};
    return true;
}

static bool same_document(const struct signed_document *a, const struct signed_document *b)
{
    return memcmp(a->hash, b->hash, SHA256_SIZE) == 0;
}

static bool add_tcb_info(struct endorsements *e, const char *name, struct bytes text, struct fault *fault)
{
    const struct tcb_info *info;

    if (!tcb_info_decode(&e->arena, name, text, &info, fault))
        return false;
    for (size_t i = 0; i < e->tcb_info_count; i++)
        if (same_document(&e->tcb_infos[i].document, &info->document))
            return true;
    e->tcb_infos = ARENA_ROOM(&e->arena, e->tcb_infos, e->tcb_info_count, &e->tcb_info_cap);
    e->tcb_infos[e->tcb_info_count++] = *info;
    return true;
}

static bool add_identity(struct endorsements *e, const char *name, struct bytes text, struct fault *fault)
{
    const struct enclave_identity *identity;

    if (!identity_decode(&e->arena, name, text, &identity, fault))
        return false;
    for (size_t i = 0; i < e->identity_count; i++)
        if (same_document(&e->identities[i].document, &identity->document))
            return true;
    e->identities = ARENA_ROOM(&e->arena, e->identities, e->identity_count, &e->identity_cap);
    e->identities[e->identity_count++] = *identity;
    return true;
}

/* The list of numbers vouches for nothing; it only must be well formed. */
static bool add_evaluations(struct endorsements *e, const char *name, struct bytes text, struct fault *fault)
{
    const struct evaluation_list *list;

    return evaluations_decode(&e->arena, name, text, &list, fault);
}

static bool add_json(struct endorsements *e, const char *name, struct bytes text, struct fault *fault)
{
    if (memmem(text.p, text.n, "\"tcbInfo\"", 9))
        return add_tcb_info(e, name, text, fault);
    if (memmem(text.p, text.n, "\"enclaveIdentity\"", 17))
        return add_identity(e, name, text, fault);
    if (memmem(text.p, text.n, "\"tcbEvaluationDataNumbers\"", 26))
        return add_evaluations(e, name, text, fault);
    return fault_set(fault, FAULT_SYNTAX, "%s: JSON that is neither TCB info nor an enclave identity", name);
}

static bool is_hex(struct bytes text)
{
    uint8_t pair;

    text = bytes_trim_end(text);
    for (size_t i = 0; i + 1 < text.n; i += 2)
        if (!hex_decode_exact(bytes_make(text.p + i, 2), &pair, 1))
            return false;
    return text.n >= 2 && text.n % 2 == 0;
}

/* DER is a CRL or a certificate: whichever decodes. */
static bool add_der(struct endorsements *e, struct bytes text, struct fault *fault)
{
    struct fault ignored = {0};

    return add_crl(e, text, &ignored) || add_certificates(e, text, fault);
}

static bool add_content(struct endorsements *e, const char *name, struct bytes text, struct fault *fault)
{
    struct bytes start = text;

    while (start.n && strchr(" \t\r\n", start.p[0]) && start.p[0])
        start = bytes_after(start, 1);
    if (is_oe_endorsements(text))
        return add_oe_endorsements(e, name, text, fault);
    if (bytes_begin(start, "{"))
        return add_json(e, name, text, fault);
    if (memmem(text.p, text.n, "-----BEGIN X509 CRL", 19))
        return add_crl(e, start, fault);
    if (memmem(text.p, text.n, "-----BEGIN CERTIFICATE", 22))
        return add_certificates(e, start, fault);
    if (text.p[0] == 0x30 && !is_hex(text))
        return add_der(e, text, fault);
    if (is_hex(text))
        return add_crl(e, text, fault);
    return fault_set(fault, FAULT_SYNTAX, "%s: no endorsement: neither TCB data, nor a certificate, nor a CRL", name);
}

bool endorsements_add(struct endorsements *e, const char *name, struct bytes text, struct fault *fault)
{
    struct fault reason = {0};

    if (e->sealed || text.n == 0)
        return fault_set(fault, FAULT_USAGE, "%s: %s", name, e->sealed ? "the set is sealed" : "the file is empty");
    if (text.n > 2 * LIMIT_CRL)
        return fault_set(fault, FAULT_LIMIT, "%s: longer than any endorsement", name);
    const struct endorsements before = *e;
    name = arena_string(&e->arena, bytes_text(name));
    if (add_content(e, name, arena_copy(&e->arena, text), &reason))
        return true;
    e->tcb_info_count = before.tcb_info_count; /* what a file of several parts added before one failed */
    e->identity_count = before.identity_count;
    e->crl_count = before.crl_count;
    e->pool_count = before.pool_count;
    bool named = strncmp(reason.text, name, strlen(name)) == 0;
    return fault_set(fault, reason.code, "%s%s%s", named ? "" : name, named ? "" : ": ", reason.text);
}

void endorsements_seal(struct endorsements *e)
{
    if (!e->sealed) {
        seal_intel(e);
        seal_amd(e);
        seal_tpm(e);
    }
    e->sealed = true;
}
