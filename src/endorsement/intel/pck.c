/* PCK certificates: the SGX extension, the chain in the cache, and its verification. */
#include "base/limits.h"
#include "crypto/der.h"
#include "crypto/pem.h"
#include "endorsement/intel/store.h"

/* 1.2.840.113741.1.13.1, Intel's extension; its members hang below it (sgx-tdx.md 4.4). */
static const uint8_t oid_sgx[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};

enum { SGX_PPID = 1, SGX_TCB, SGX_PCEID, SGX_FMSPC, SGX_TYPE };
enum { TCB_PCESVN = TCB_COMPONENTS + 1, TCB_CPUSVN };

/* The number below `base` that an OID names; 0 when it is not directly below. */
static unsigned member_of(struct bytes oid, size_t base)
{
    if (oid.n != base + 1 || !bytes_equal(bytes_first(oid, sizeof oid_sgx), BYTES_OF(oid_sgx)))
        return 0;
    return oid.p[base];
}

static bool read_tcb(struct reader *value, struct pck_chain *out, unsigned *seen)
{
    struct reader list = der_enter(value, DER_SEQUENCE);

    while (rd_left(&list)) {
        struct reader pair = der_enter(&list, DER_SEQUENCE);
        struct bytes oid = der_take(&pair, DER_OID);
        unsigned member =
            oid.n > sizeof oid_sgx && oid.p[sizeof oid_sgx] == SGX_TCB ? member_of(oid, sizeof oid_sgx + 1) : 0;

        if (member >= 1 && member <= TCB_PCESVN) {
            uint64_t v = der_u64(&pair);

            if (v > (member == TCB_PCESVN ? UINT16_MAX : UINT8_MAX))
                return false;
            if (member == TCB_PCESVN)
                out->pce_svn = (uint16_t)v;
            else
                out->components[member - 1] = (uint8_t)v;
        } else if (member == TCB_CPUSVN) {
            out->cpu_svn = der_take(&pair, DER_OCTET_STRING);
        } else {
            return false;
        }
        if (!rd_end(&pair) || *seen & 1u << member)
            return false;
        *seen |= 1u << member;
    }
    return rd_end(&list);
}

static bool read_member(struct reader *pair, unsigned member, struct pck_chain *out, unsigned *tcb_seen)
{
    uint8_t tag;

    switch (member) {
    case SGX_PPID: out->ppid = der_take(pair, DER_OCTET_STRING); break;
    case SGX_TCB: return read_tcb(pair, out, tcb_seen);
    case SGX_PCEID: out->pce_id = der_take(pair, DER_OCTET_STRING); break;
    case SGX_FMSPC: out->fmspc = der_take(pair, DER_OCTET_STRING); break;
    case SGX_TYPE: out->sgx_type = (unsigned)der_enumerated(pair); break;
    default: der_any(pair, &tag, NULL); break; /* platform instance and configuration: not judged */
    }
    return true;
}

bool pck_decode(const struct certificate *leaf, struct pck_chain *out, struct fault *fault)
{
    static const unsigned tcb_all = (1u << (TCB_CPUSVN + 1)) - 2,
                          all = 1u << SGX_PPID | 1u << SGX_TCB | 1u << SGX_PCEID | 1u << SGX_FMSPC | 1u << SGX_TYPE;
    unsigned seen = 0, tcb_seen = 0;
    struct bytes value;

    if (!certificate_extension(leaf, BYTES_OF(oid_sgx), &value))
        return fault_set(fault, FAULT_SYNTAX, "the certificate has no SGX extension: it is no PCK certificate");
    struct reader outer = rd_open(value), list = der_enter(&outer, DER_SEQUENCE);
    while (rd_left(&list)) {
        struct reader pair = der_enter(&list, DER_SEQUENCE);
        unsigned member = member_of(der_take(&pair, DER_OID), sizeof oid_sgx);

        if (member == 0 || member > 31 || seen & 1u << member || !read_member(&pair, member, out, &tcb_seen) ||
            !rd_end(&pair))
            return fault_set(fault, FAULT_SYNTAX, "the SGX extension is not well formed");
        seen |= 1u << member;
    }
    if (!rd_end(&outer) || !rd_end(&list) || (seen & all) != all || tcb_seen != tcb_all || out->fmspc.n != FMSPC_SIZE ||
        out->pce_id.n != PCEID_SIZE)
        return fault_set(fault, FAULT_SYNTAX, "the SGX extension lacks a member, or one has the wrong size");
    out->leaf = leaf;
    return true;
}

/* Real chains stand in two orders: leaf, authority, root, and leaf, root, authority. Which is the root its names tell, and
 * every claim of theirs is verified after that. */
static const struct certificate *arranged(const struct certificate *leaf)
{
    struct certificate *second = (struct certificate *)(uintptr_t)leaf->next; /* decoded just now, so ours to link */
    struct certificate *third = (struct certificate *)(uintptr_t)second->next;

    if (bytes_equal(second->subject, second->issuer) && !bytes_equal(third->subject, third->issuer)) {
        ((struct certificate *)(uintptr_t)leaf)->next = third;
        third->next = second;
        second->next = NULL;
    }
    return leaf;
}

static const struct pck_chain *decode_chain(struct arena *a, struct bytes pem, struct fault *fault)
{
    struct pck_chain *chain = ARENA_NEW(a, struct pck_chain);
    const struct certificate *list;
    size_t count;

    if (!certificates_decode(a, pem, &list, &count, fault))
        return NULL;
    if (count != 3) {
        fault_set(fault, FAULT_SYNTAX,
                  "there are %zu certificates instead of three: PCK certificate, its authority, the root", count);
        return NULL;
    }
    if (!pck_decode(list, chain, fault))
        return NULL;
    list = arranged(list);
    chain->authority = list->next;
    chain->root = list->next->next;
    chain->signatures_ok = chain_signatures(list);
    return chain;
}

bool pck_chain_load(struct exam *x, struct bytes pem, const struct pck_chain **out)
{
    uint8_t key[SHA256_SIZE];
    struct fault fault = {0};

    pem = bytes_trim_nul(pem);
    cache_key("intel pck chain", &pem, 1, key);
    *out = cache_find(x->cache, key);
    if (*out)
        return check_that(x, INTEL_PCK_SHAPE, true);
    struct arena *built = cache_arena(x->cache, x->arena);
    *out = decode_chain(built, pem, &fault);
    if (*out)
        cache_keep(x->cache, key, built, *out);
    else
        cache_discard(x->cache, built);
    if (check_that(x, INTEL_PCK_SHAPE, *out != NULL))
        return *out != NULL;
    check_note(x->trace, "%s", fault.text);
    return false;
}

static const struct crl_checks root_checks = {CHECK_INTEL_ROOT_CRL_PRESENT,    CHECK_INTEL_ROOT_CRL_SIGNATURE,
                                              CHECK_INTEL_ROOT_CRL_EXTENSIONS, CHECK_INTEL_ROOT_CRL_ISSUED,
                                              CHECK_INTEL_ROOT_CRL_FRESH,      CHECK_INTEL_PCK_CA_NOT_REVOKED};
static const struct crl_checks pck_checks = {CHECK_INTEL_PCK_CRL_PRESENT,    CHECK_INTEL_PCK_CRL_SIGNATURE,
                                             CHECK_INTEL_PCK_CRL_EXTENSIONS, CHECK_INTEL_PCK_CRL_ISSUED,
                                             CHECK_INTEL_PCK_CRL_FRESH,      CHECK_INTEL_PCK_NOT_REVOKED};

static bool names_role(struct bytes common_name, const char *role)
{
    return common_name.n && memmem(common_name.p, common_name.n, role, strlen(role));
}

bool pck_chain_verify(struct exam *x, const struct pck_chain *chain)
{
    static const struct path_checks path = {CHECK_INTEL_PCK_ANCHOR, CHECK_INTEL_PCK_SIGNATURES, CHECK_INTEL_PCK_NAMES,
                                            CHECK_INTEL_PCK_AUTHORITY, CHECK_INTEL_PCK_VALIDITY};
    struct anchors anchors = anchors_of_intel(x->endorsements);
    const char *any_date = x->settings->crl_freshness ? NULL : "crl_freshness = off";

    if (!path_verify(x->trace, &path, chain->leaf, chain->signatures_ok, &anchors, x->time))
        return false;
    x->development |= anchor_is_development(x->endorsements, chain->root->spki_digest);
    return check_that(x, INTEL_PCK_ROLE,
                      names_role(chain->leaf->subject_cn, "SGX PCK Certificate") &&
                          names_role(chain->authority->subject_cn, "CA") &&
                          names_role(chain->root->subject_cn, "SGX Root CA")) &&
           crl_verify(x, chain->root, chain->authority, &root_checks, any_date) &&
           crl_verify(x, chain->authority, chain->leaf, &pck_checks, any_date) &&
           check_found(x, INTEL_PCK_NOT_DENIED,
                       !reference_has(x->settings->reference, REFERENCE_DENIED_PLATFORMS, chain->ppid), chain->ppid,
                       "a PPID that is not denied");
}
