#include "base/json.h"
#include "base/text.h"
#include "crypto/der_write.h"
#include "token/token.h"

#define OID_OE_REPORT   BYTES_LIT("\x06\x09\x2b\x06\x01\x04\x01\x82\x37\x69\x01")         /* 1.3.6.1.4.1.311.105.1 */
#define OID_OE_EVIDENCE BYTES_LIT("\x06\x09\x2b\x06\x01\x04\x01\x82\x37\x69\x02")         /* 1.3.6.1.4.1.311.105.2 */
#define OID_SNP         BYTES_LIT("\x06\x0b\x2b\x06\x01\x04\x01\x82\x37\x69\x87\x68\x01") /* …105.1000.1 */
#define OID_SNP_KIND    BYTES_LIT("\x06\x0b\x2b\x06\x01\x04\x01\x82\x37\x69\x87\x68\x02") /* …105.1000.2 */
#define SNP_KIND        BYTES_LIT("acisevsnp")
#define UUID_TDX_QUOTE  BYTES_LIT("\x8b\xa7\x02\x86\xc1\xcf\x11\xed\xaf\xa1\x02\x42\xac\x12\x00\x02")

enum { OE_REPORT_VERSION = 1, OE_REPORT_REMOTE = 2, OE_EVIDENCE_VERSION = 3 };

/* sgx-tdx.md 9.1 */
static struct bytes oe_report(struct arena *a, struct bytes quote)
{
    struct writer w = wr_open(a);

    wr_u32le(&w, OE_REPORT_VERSION);
    wr_u32le(&w, OE_REPORT_REMOTE);
    wr_u64le(&w, quote.n);
    wr_put(&w, quote);
    return wr_done(&w);
}

/* sgx-tdx.md 9.3 */
static struct bytes oe_evidence(struct arena *a, struct bytes quote, struct bytes custom_claims)
{
    struct writer w = wr_open(a);

    wr_u32le(&w, OE_EVIDENCE_VERSION);
    wr_put(&w, UUID_TDX_QUOTE);
    wr_u32le(&w, 0); /* padding */
    wr_u64le(&w, quote.n + custom_claims.n);
    wr_put(&w, quote);
    wr_put(&w, custom_claims);
    return wr_done(&w);
}

static struct bytes snp_object(struct arena *a, const struct key_evidence *e)
{
    struct json *o = json_new(a, JSON_OBJECT);

    JSON_SET(o, "SnpReport", json_new_text(a, base64url_encode(a, e->report)));
    JSON_SET(o, "VcekCertChain", json_new_text(a, base64url_encode(a, e->chain)));
    if (e->endorsements.n)
        JSON_SET(o, "Endorsements", json_new_text(a, base64url_encode(a, e->endorsements)));
    return json_print(a, o, JSON_IN_ORDER);
}

size_t evidence_extensions(struct arena *a, const struct key_evidence *e, struct bytes spki,
                           struct evidence_extension out[EVIDENCE_EXTENSIONS])
{
    switch (e ? e->tee : KEY_NO_TEE) {
    case KEY_SGX: out[0] = (struct evidence_extension){OID_OE_REPORT, oe_report(a, e->report)}; return 1;
    case KEY_TDX:
        out[0] = (struct evidence_extension){OID_OE_EVIDENCE, oe_evidence(a, e->report, key_text(a, spki))};
        return 1;
    case KEY_SNP:
        out[0] = (struct evidence_extension){OID_SNP, DER_ELEMENT(a, DER_UTF8_STRING, snp_object(a, e))};
        out[1] = (struct evidence_extension){OID_SNP_KIND, DER_ELEMENT(a, DER_UTF8_STRING, SNP_KIND)};
        return 2;
    default: return 0;
    }
}

enum key_tee evidence_held(const struct certificate *c)
{
    struct bytes value;

    /* certificate_extension takes an OID without tag and length. */
    if (certificate_extension(c, bytes_after(OID_OE_REPORT, 2), &value))
        return KEY_SGX;
    if (certificate_extension(c, bytes_after(OID_OE_EVIDENCE, 2), &value))
        return KEY_TDX;
    return certificate_extension(c, bytes_after(OID_SNP, 2), &value) ? KEY_SNP : KEY_NO_TEE;
}
