/* What Windows measures while it starts: SIPA events, in the data of tagged events of a boot log (tpm-vbs.md 3.7). They are worth
 * something only where the digest of the tagged event covers them. Containers hold more of them, and nest. Views point into the
 * data that was read. */
#ifndef ASSAY_EVIDENCE_PARTS_WBCL_H
#define ASSAY_EVIDENCE_PARTS_WBCL_H

#include "base/json.h"
#include "crypto/verify.h"

enum {
    WBCL_CONTAINER = 0x40000000, /* bits of an id */
    WBCL_CLASS = 0x00ff0000,
    WBCL_ALG_SHA256 = 0x000b,
};
#define WBCL_UNMEASURED 0x80000000u

/* Those that this program knows by more than their row. */
enum wbcl_id {
    SIPA_BITLOCKER_UNLOCK = 0x00020005,
    SIPA_BOOT_REVOCATION_LIST = 0x00040002,
    SIPA_SI_POLICY = 0x0005000f,
    SIPA_OS_REVOCATION_LIST = 0x00050013,
    SIPA_VSM_IDK_INFO = 0x00050020,
    SIPA_VSM_IDKS_INFO = 0x00050023,
    SIPA_SBCP_INFO = 0x00050029,
    SIPA_SI_POLICY_SIGNER = 0x00050031,
    SIPA_SI_POLICY_UPDATE_SIGNER = 0x00050032,
    SIPA_MODULE_PLUTON = 0x0007000c,
    SIPA_VBS_HVCI_POLICY = 0x000a0007,
    SIPA_TRUSTBOUNDARY = 0x40010001,
    SIPA_ELAM_AGGREGATION = 0x40010002,
    SIPA_LOADEDMODULE_AGGREGATION = 0x40010003,
};
/* Unmeasured, so their ids do not fit into an enum. */
#define SIPA_TRUSTPOINT_AGGREGATION 0xc0010004u
#define SIPA_QUOTE                  0x80080001u
#define SIPA_QUOTESIGNATURE         0x80080002u
#define SIPA_AIKID                  0x80080003u
#define SIPA_AIKPUBDIGEST           0x80080004u

struct wbcl_event {
    uint32_t id;
    struct bytes data; /* of a container: more events */
};
/* The next event; false at the end, and where lengths do not fit, after which rd_end(r) is false. */
bool wbcl_next(struct reader *r, struct wbcl_event *e);
/* Do all lengths fit, down to LIMIT_WBCL_DEPTH, with at most LIMIT_WBCL_KINDS different events in each container? An empty text
 * has none. */
bool wbcl_fits(struct bytes data);

/* How an event is shown to policies (1.6). */
enum wbcl_form {
    WBCL_BINARY, /* base64url; also what does not have the size of its form */
    WBCL_BOOL,
    WBCL_INTEGER,
    WBCL_NAMED,    /* {"Value","String"} */
    WBCL_TEXT,     /* UTF-16LE */
    WBCL_RAW,      /* {"RawData"} */
    WBCL_SIGNATURE /* {"SignatureValid"} */
};
struct wbcl_kind {
    uint32_t id;
    const char *name; /* "EVENT_BOOTDEBUGGING", as policies name it */
    enum wbcl_form form;
    bool repeats; /* a list, also where there is one alone */
};
/* NULL for an id that has no row. */
const struct wbcl_kind *wbcl_find(uint32_t id);
/* What a number of a WBCL_NAMED event means; its digits where that has no name. */
const char *wbcl_value_name(struct arena *a, uint32_t id, uint64_t value);

/* An integer of 1, 2, 4 or 8 bytes, whatever the event. */
bool wbcl_integer(struct bytes data, uint64_t *out);

/* One object with a member for each event, as policies see it. The data must fit (wbcl_fits). Events with the unmeasured bit are
 * left out. explain: packed payloads are taken apart too, and nothing is left out; for people. */
void wr_wbcl(struct writer *w, struct bytes data, bool explain);

/* Packed payloads. False where lengths do not fit. */
struct wbcl_digest {
    uint16_t alg; /* TPM_ALG_ID */
    struct bytes value;
};
struct wbcl_si_policy {
    uint64_t version;
    struct bytes name; /* UTF-16LE, with NUL */
    struct wbcl_digest digest;
};
bool wbcl_si_policy(struct bytes data, struct wbcl_si_policy *out);
struct wbcl_revocation_list {
    uint64_t created; /* FILETIME */
    struct wbcl_digest digest;
};
bool wbcl_revocation_list(struct bytes data, struct wbcl_revocation_list *out);
/* VSM_IDK_INFO, VSM_IDKS_INFO: an RSA key of an acceptable size (crypto/verify.h). */
bool wbcl_idk(struct bytes data, struct public_key *out);
struct wbcl_sbcp {
    uint32_t version, options, signers;
    struct wbcl_digest digest;
};
bool wbcl_sbcp(struct bytes data, struct wbcl_sbcp *out);
struct wbcl_signer {
    uint32_t root;
    uint16_t certificate_count, eku_count;
    struct bytes certificates, name, ekus; /* name: UTF-16LE */
};
bool wbcl_signer(struct bytes data, struct wbcl_signer *out);
struct wbcl_certificate {
    struct bytes publisher, issuer; /* common names, UTF-16LE */
    uint32_t alg;
    struct bytes digest;
};
bool wbcl_certificate(struct reader *r, struct wbcl_certificate *out);
struct wbcl_pluton {
    struct wbcl_digest digest;
    struct bytes file; /* UTF-16LE, filled with NULs */
};
bool wbcl_pluton(struct bytes data, struct wbcl_pluton *out);

/* A trust point: what an attestation key of this machine said of the log up to here (3.7). */
enum { WBCL_TRUST_POINTS = 8 };
struct wbcl_trust_point {
    struct bytes aik;        /* name of the key, UTF-16LE */
    struct bytes aik_digest; /* SHA-1 of its RSA modulus */
    struct bytes quote;      /* TPMS_ATTEST */
    struct bytes signature;  /* RSASSA */
};
/* Those in the data of an event without a register: one, or one for each key, nested. Returns how many; 0 where the data hold
 * none, or lengths do not fit. */
size_t wbcl_trust_points(struct bytes data, struct wbcl_trust_point out[WBCL_TRUST_POINTS]);

#endif
