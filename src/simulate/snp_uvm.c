/* The endorsement of a utility VM in both forms: COSE_Sign1 over JSON, or over the bare measurement with CWT claims
 * (snp-cvm.md 2.5). */
#include "base/text.h"
#include "simulate/snp_platform.h"

#define EKU         "1.3.6.1.4.1.311.76.59.1.2"
#define FEED        "ContainerPlat-AMD-UVM"
#define NAME_ROOT   "Supply Chain Root CA"
#define NAME_CA     "Products CA"
#define NAME_LEAF   "ContainerPlat"
#define NAME_OTHER  "Another CA"
#define MEASUREMENT "x-ms-sevsnpvm-launchmeasurement"

enum { SVN = 104, LEAST_SVN = 100, SERIAL = 0x2001, CHAIN = 3, COSE_TAG = 18, TIME_TAG = 1 };
enum { LABEL_ALG = 1, LABEL_CONTENT_TYPE = 3, LABEL_CWT = 15, LABEL_CHAIN = 33, LABEL_THUMBPRINT = 34 };
enum { LABEL_PAYLOAD_HASH = 258, LABEL_PREIMAGE_TYPE = 259, LABEL_RECEIPTS = 394 };
enum { ALG_PS384 = -38, ALG_SHA256 = -16, ALG_SHA384 = -43 };
enum { CWT_ISSUER = 1, CWT_SUBJECT = 2, CWT_ISSUED = 6 };
enum { CBOR_UNSIGNED, CBOR_NEGATIVE, CBOR_BYTES, CBOR_TEXT, CBOR_ARRAY, CBOR_MAP, CBOR_TAG };

static void put_head(struct writer *w, uint8_t major, uint64_t n)
{
    unsigned size = n < 24 ? 0 : n <= UINT8_MAX ? 1 : n <= UINT16_MAX ? 2 : n <= UINT32_MAX ? 4 : 8;
    static const uint8_t info[] = {[1] = 24, [2] = 25, [4] = 26, [8] = 27};

    wr_u8(w, (uint8_t)(major << 5 | (size ? info[size] : (uint8_t)n)));
    for (unsigned i = size; i > 0; i--)
        wr_u8(w, (uint8_t)(n >> 8 * (i - 1)));
}

static void put_integer(struct writer *w, int64_t n)
{
    put_head(w, n < 0 ? CBOR_NEGATIVE : CBOR_UNSIGNED, (uint64_t)(n < 0 ? -1 - n : n));
}

static void put_bytes(struct writer *w, struct bytes b)
{
    put_head(w, CBOR_BYTES, b.n);
    wr_put(w, b);
}

static void put_text(struct writer *w, const char *text)
{
    put_head(w, CBOR_TEXT, strlen(text));
    wr_text(w, text);
}

static void put_time(struct writer *w, int64_t time)
{
    put_head(w, CBOR_TAG, TIME_TAG);
    put_integer(w, time);
}

static struct authority_certificate template(struct snp_platform *p, const char *subject, const char *issuer,
                                             enum snp_key key, enum snp_key issuer_key)
{
    /* Expired: images outlive the certificates that signed them. */
    return (struct authority_certificate){.subject = subject,
                                          .issuer = issuer,
                                          .key = snp_key(p, key),
                                          .issuer_key = snp_key(p, issuer_key),
                                          .serial = SERIAL + (uint64_t)key,
                                          .not_before = p->now - 2 * SNP_YEAR,
                                          .not_after = p->now - SNP_YEAR,
                                          .path_length = -1,
                                          .alg = SIGNATURE_RS384};
}

static struct bytes issue(struct snp_platform *p, const struct authority_certificate *c)
{
    struct bytes der = authority_issue(p->arena, c);

    p->failed |= der.n == 0;
    return der;
}

static struct bytes root(struct snp_platform *p)
{
    struct authority_certificate c = template(p, NAME_ROOT, NAME_ROOT, SNP_KEY_UVM_ROOT, SNP_KEY_UVM_ROOT);

    c.ca = true;
    return issue(p, &c);
}

static struct bytes authority(struct snp_platform *p)
{
    const char *issuer = snp_fault(p, "uvm.chain.names:authority") ? NAME_OTHER : NAME_ROOT;
    bool forged = snp_fault(p, "uvm.chain.signatures:authority");
    struct authority_certificate c =
        template(p, NAME_CA, issuer, SNP_KEY_UVM_AUTHORITY, forged ? SNP_KEY_UVM_FORGER : SNP_KEY_UVM_ROOT);

    c.ca = !snp_fault(p, "uvm.chain.authority");
    c.without_cert_sign = snp_fault(p, "uvm.chain.authority:key-usage");
    return issue(p, &c);
}

static struct bytes leaf(struct snp_platform *p)
{
    const char *issuer = snp_fault(p, "uvm.chain.names") ? NAME_OTHER : NAME_CA;
    bool forged = snp_fault(p, "uvm.chain.signatures");
    struct authority_certificate c =
        template(p, NAME_LEAF, issuer, SNP_KEY_UVM_LEAF, forged ? SNP_KEY_UVM_FORGER : SNP_KEY_UVM_AUTHORITY);

    c.extended_usage = snp_fault(p, "uvm.did.policy") ? "1.3.6.1.4.1.311.76.59.1.1" : "1.3.6.1.4.1.311.76.59.1.1," EKU;
    return issue(p, &c);
}

static const char *issuer(struct snp_platform *p)
{
    uint8_t fingerprint[SHA256_SIZE];

    sha256(root(p), fingerprint);
    fingerprint[0] ^= snp_fault(p, "uvm.did.fingerprint");
    if (snp_fault(p, "uvm.shape:issuer"))
        return "Contoso";
    struct bytes text = base64url_encode(p->arena, BYTES_OF(fingerprint));
    return arena_printf(p->arena, "did:x509:0:sha256:%.*s::eku:" EKU, (int)text.n, (const char *)text.p);
}

void uvm_trust(struct snp_platform *p, struct reference_values *reference)
{
    struct uvm_root trusted = {.issuer = bytes_text(issuer(p)),
                               .feed = snp_fault(p, "uvm.root:feed") ? BYTES_LIT("ConfAKS-AMD-UVM") : BYTES_LIT(FEED),
                               .minimum_svn = LEAST_SVN};

    reference_clear_uvm_roots(reference);
    if (!snp_fault(p, "uvm.root"))
        p->failed |= !reference_add_uvm_root(p->arena, reference, &trusted);
}

static int64_t svn(const struct snp_platform *p)
{
    return snp_fault(p, "uvm.svn") ? LEAST_SVN - 1 : SVN;
}

static void put_chain(struct snp_platform *p, struct writer *w)
{
    const struct bytes chain[CHAIN] = {leaf(p), authority(p), root(p)};

    put_integer(w, LABEL_CHAIN);
    put_head(w, CBOR_ARRAY, CHAIN);
    for (size_t i = 0; i < CHAIN; i++)
        put_bytes(w, chain[i]);
    put_integer(w, LABEL_THUMBPRINT);
    put_head(w, CBOR_ARRAY, 2);
    put_integer(w, ALG_SHA256);
    put_bytes(w, sha256_of(p->arena, chain[0]));
}

static struct bytes headers_of_json(struct snp_platform *p)
{
    struct writer w = wr_open(p->arena);

    put_head(&w, CBOR_MAP, 7);
    put_integer(&w, LABEL_ALG);
    put_integer(&w, ALG_PS384);
    put_integer(&w, LABEL_CONTENT_TYPE);
    put_text(&w, "application/json");
    put_chain(p, &w);
    put_text(&w, "iss");
    put_text(&w, issuer(p));
    put_text(&w, "feed");
    put_text(&w, FEED);
    put_text(&w, "signingtime");
    put_time(&w, p->now - SNP_YEAR - SNP_DAY);
    return wr_done(&w);
}

static struct bytes headers_of_cwt(struct snp_platform *p)
{
    struct writer w = wr_open(p->arena);

    put_head(&w, CBOR_MAP, 6);
    put_integer(&w, LABEL_ALG);
    put_integer(&w, ALG_PS384);
    put_integer(&w, LABEL_CWT);
    put_head(&w, CBOR_MAP, 4);
    put_integer(&w, CWT_ISSUER);
    put_text(&w, issuer(p));
    put_integer(&w, CWT_SUBJECT);
    put_text(&w, FEED);
    put_integer(&w, CWT_ISSUED);
    put_time(&w, p->now - SNP_YEAR - SNP_DAY);
    put_text(&w, "svn");
    put_integer(&w, svn(p));
    put_chain(p, &w);
    put_integer(&w, LABEL_PAYLOAD_HASH);
    put_integer(&w, ALG_SHA384);
    put_integer(&w, LABEL_PREIMAGE_TYPE);
    put_text(&w, "application/octet-stream");
    return wr_done(&w);
}

static struct bytes payload(struct snp_platform *p, bool cwt)
{
    uint8_t *measurement = arena_alloc(p->arena, SHA384_SIZE);
    struct writer w = wr_open(p->arena);
    long long number = svn(p);

    memcpy(measurement, snp_measurement, SHA384_SIZE);
    measurement[0] ^= snp_fault(p, "uvm.measurement");
    if (cwt)
        return bytes_make(measurement, SHA384_SIZE);
    wr_text(&w, "{\"" MEASUREMENT "\":\"");
    wr_hex(&w, bytes_make(measurement, SHA384_SIZE));
    wr_printf(&w, "\",\"x-ms-sevsnpvm-guestsvn\":\"%lld\",\"x-ms-sevsnpvm-guestsvn-int\":%lld}", number, number);
    return wr_done(&w);
}

/* What nobody signs: a time stamp, or the receipt of a log. */
static void put_unprotected(struct writer *w, bool cwt)
{
    put_head(w, CBOR_MAP, 1);
    if (cwt) {
        put_integer(w, LABEL_RECEIPTS);
        put_head(w, CBOR_ARRAY, 1);
    } else {
        put_text(w, "timestamp");
    }
    put_bytes(w, BYTES_LIT("simulated"));
}

static struct bytes sign(struct snp_platform *p, struct bytes headers, struct bytes content)
{
    bool forged = snp_fault(p, "uvm.signature");
    struct writer w = wr_open(p->arena);

    put_head(&w, CBOR_ARRAY, 4);
    put_text(&w, "Signature1");
    put_bytes(&w, snp_fault(p, "uvm.signature:changed") ? bytes_first(headers, headers.n - 1) : headers);
    put_bytes(&w, BYTES_NONE);
    put_bytes(&w, content);
    struct bytes signature =
        rsa_sign(p->arena, snp_key(p, forged ? SNP_KEY_UVM_FORGER : SNP_KEY_UVM_LEAF), SIGNATURE_PS384, wr_done(&w));
    p->failed |= signature.n == 0;
    return signature;
}

struct bytes uvm_endorsement(struct snp_platform *p)
{
    bool cwt = strcmp(p->options->uvm, "cwt") == 0;
    struct bytes headers = cwt ? headers_of_cwt(p) : headers_of_json(p), content = payload(p, cwt);
    struct writer w = wr_open(p->arena);

    put_head(&w, CBOR_TAG, COSE_TAG);
    put_head(&w, CBOR_ARRAY, 4);
    put_bytes(&w, headers);
    put_unprotected(&w, cwt);
    put_bytes(&w, content);
    put_bytes(&w, sign(p, headers, content));
    struct bytes cose = wr_done(&w);
    return snp_fault(p, "uvm.shape") ? bytes_first(cose, cose.n - 1) : cose;
}
