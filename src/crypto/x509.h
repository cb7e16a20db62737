/* X.509 certificates and CRLs, decoded once into plain data that lives in an arena (decoding costs more than verifying:
 * cache what comes again, key the cache by the DER's digest), and paths to pinned anchors.
 *
 * Strictness (DESIGN 5): version 3, one signature algorithm inside and outside, keys as in crypto/verify.h; an unknown
 * critical extension, a name constraint or a policy constraint makes a path fail, none is ignored. */
#ifndef ASSAY_CRYPTO_X509_H
#define ASSAY_CRYPTO_X509_H

#include "base/check.h"
#include "base/fault.h"
#include "crypto/verify.h"

enum { KEY_USAGE_SIGN = 0x80, KEY_USAGE_CERT_SIGN = 0x04, KEY_USAGE_CRL_SIGN = 0x02 }; /* bits of the first octet */

struct certificate {
    struct bytes der;
    uint8_t digest[SHA256_SIZE];        /* SHA-256 of der */
    struct bytes tbs;                   /* the signed part, as it stood */
    struct bytes subject, issuer;       /* DER names */
    struct bytes subject_cn, issuer_cn; /* the (last) common name as UTF-8; empty when there is none */
    struct bytes serial;                /* big endian magnitude without leading zeros; a negative one does not decode */
    int64_t not_before, not_after;
    struct bytes spki;                /* DER SubjectPublicKeyInfo, as it stood */
    struct public_key key;            /* kind KEY_NONE when the key is of a kind or size that is not accepted */
    uint8_t spki_digest[SHA256_SIZE]; /* SHA-256 of the DER SubjectPublicKeyInfo: what anchors are pinned by */
    enum signature_alg alg;           /* SIGNATURE_NONE: one we do not accept */
    struct bytes signature;           /* ECDSA as r || s */
    struct bytes extensions;          /* content of the list; read it with certificate_extension */
    struct bytes subject_key_id, authority_key_id; /* empty when absent */
    bool has_basic_constraints, is_ca;
    int path_length; /* -1: none given */
    bool has_key_usage;
    uint8_t key_usage;
    bool critical_unknown;          /* an extension is critical that path validation here does not process */
    const struct certificate *next; /* in a list, leaf first */
};

bool certificate_decode(struct arena *a, struct bytes der, const struct certificate **out, struct fault *fault);
/* DER, or PEM with one or more certificates, at most LIMIT_CHAIN, as a list in the order given. */
bool certificates_decode(struct arena *a, struct bytes text, const struct certificate **list, size_t *count,
                         struct fault *fault);
/* The key of a file that names one: of its first certificate, DER or PEM, or bare in PEM. False where there is none that is accepted
 * (verify.h). Views point into text. */
bool public_key_read(struct arena *a, struct bytes text, struct public_key *out);
/* Value of an extension (the content of its OCTET STRING) by DER of its OID without tag and length; false when absent. */
bool certificate_extension(const struct certificate *c, struct bytes oid, struct bytes *value);
/* Would a path ignore something that must not be ignored, even if its caller processes the extensions 2.5.29.arcs? */
bool certificate_unprocessed(const struct certificate *c, const uint8_t *arcs, size_t count);
/* The (last) attribute 2.5.4.arc of a DER name, as UTF-8; empty when there is none. */
struct bytes name_attribute(struct bytes name, uint8_t arc);
bool certificate_signed_by(const struct certificate *c, const struct public_key *issuer_key);

struct crl {
    struct bytes der, tbs, issuer, issuer_cn;
    uint8_t digest[SHA256_SIZE];
    int64_t this_update, next_update;
    bool has_next_update;
    struct bytes number; /* big endian; empty when the extension is absent */
    struct bytes authority_key_id;
    enum signature_alg alg;
    struct bytes signature;      /* ECDSA as r || s */
    const struct bytes *serials; /* revoked, ascending by bytes_compare */
    size_t count;
    bool critical_unknown; /* indirect, delta or otherwise restricted CRLs end here: not accepted */
};

/* DER, DER with NUL, PEM, or hexadecimal text of the DER (sgx-tdx.md 5). */
bool crl_decode(struct arena *a, struct bytes text, const struct crl **out, struct fault *fault);
bool crl_signed_by(const struct crl *c, const struct public_key *issuer_key);
bool crl_revokes(const struct crl *c, struct bytes serial);

/* Trust anchors: SHA-256 of SubjectPublicKeyInfo. Built-in ones are constants, operators may add some. */
struct anchors {
    const uint8_t (*pins)[SHA256_SIZE];
    size_t count;
};
bool anchors_have(const struct anchors *anchors, const uint8_t spki_digest[SHA256_SIZE]);

/* Names of the checks that path_verify states, so that each kind of chain has its own rows in checks.def. */
struct path_checks {
    enum check_id anchor;     /* the last certificate holds a pinned key */
    enum check_id signatures; /* each is signed by the next, the last by itself */
    enum check_id names;      /* each issuer name is the next one's subject name */
    enum check_id
        authority; /* each but the first may sign certificates: CA, keyCertSign, path length; nothing critical is unknown */
    enum check_id validity; /* not_before <= time <= not_after for all */
};
/* What c lacks to sign certificates, `below` intermediates standing beneath it; NULL: nothing. */
const char *certificate_lacks_authority(const struct certificate *c, int below);
/* Signature verdict of a chain: true when each certificate is signed by the next and the last by itself. It depends on
 * the bytes alone, so callers cache it with the decoded chain. */
bool chain_signatures(const struct certificate *leaf_first);
/* State how the certificates hang together: signatures, names and authority of ids, the other two of which are not used. For
 * chains whose anchor and dates are judged otherwise. signatures_ok is chain_signatures' verdict. */
bool path_links(struct trace *trace, const struct path_checks *ids, const struct certificate *leaf_first,
                bool signatures_ok);
/* State the five checks over a chain that ends in a self-signed anchor. signatures_ok is chain_signatures' verdict. */
bool path_verify(struct trace *trace, const struct path_checks *ids, const struct certificate *leaf_first,
                 bool signatures_ok, const struct anchors *anchors, int64_t time);

#endif
