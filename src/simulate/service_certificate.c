/* The certificate of api.md 5.3, with evidence as sgx-tdx.md 9.6 has it; written here, since no other writer makes wrong ones. */
#include <openssl/x509.h>

#include "crypto/der_write.h"
#include "crypto/pem.h"
#include "simulate/service_parts.h"

#define OID_COMMON_NAME BYTES_LIT("\x55\x04\x03")
#define OID_SHA256_RSA  BYTES_LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b")
#define OID_OE_REPORT   BYTES_LIT("\x2b\x06\x01\x04\x01\x82\x37\x69\x01")
#define OID_OE_OLD      BYTES_LIT("\x2a\x86\x48\x86\xf7\x14\x0a\x01\x01")
#define OID_OE_EVIDENCE BYTES_LIT("\x2b\x06\x01\x04\x01\x82\x37\x69\x02")
#define OID_SNP         BYTES_LIT("\x2b\x06\x01\x04\x01\x82\x37\x69\x87\x68\x01")
#define OID_SNP_KIND    BYTES_LIT("\x2b\x06\x01\x04\x01\x82\x37\x69\x87\x68\x02")
#define OID_NOBODYS     BYTES_LIT("\x2b\x06\x01\x04\x01\x82\x37\x69\x01\x01")
#define UUID_SGX        BYTES_LIT("\xa3\xa2\x1e\x87\x1b\x4d\x40\x14\xb7\x0a\xa1\x25\xd2\xfb\xcd\x8c")
#define UUID_TDX        BYTES_LIT("\x8b\xa7\x02\x86\xc1\xcf\x11\xed\xaf\xa1\x02\x42\xac\x12\x00\x02")
#define OTHER_TENANT    BYTES_LIT("https://other.simulated.example")

struct bytes service_spki(struct service_making *m, EVP_PKEY *key)
{
    uint8_t *der = NULL;
    int n = i2d_PUBKEY(key, &der);
    struct bytes out = n > 0 ? arena_copy(m->arena, bytes_make(der, (size_t)n)) : BYTES_NONE;

    m->failed |= n <= 0;
    OPENSSL_free(der);
    return out;
}

struct bytes service_key_text(struct service_making *m, enum service_rsa_key key)
{
    struct writer w = wr_open(m->arena);

    wr_pem(&w, "PUBLIC KEY", service_spki(m, m->rsa[key]));
    wr_u8(&w, 0);
    return wr_done(&w);
}

struct bytes service_sign(struct service_making *m, EVP_PKEY *key, struct bytes message)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t n = (size_t)EVP_PKEY_get_size(key);
    uint8_t *out = arena_alloc(m->arena, n);

    if (!context || EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) != 1 ||
        EVP_DigestSign(context, out, &n, message.p, message.n) != 1)
        m->failed = true;
    EVP_MD_CTX_free(context);
    return bytes_make(out, n);
}

static struct bytes extension(struct arena *a, struct bytes oid, bool critical, struct bytes value)
{
    return DER_ELEMENT(a, DER_SEQUENCE, DER_ELEMENT(a, DER_OID, oid),
                       critical ? DER_ELEMENT(a, DER_BOOLEAN, BYTES_LIT("\xff")) : BYTES_NONE,
                       DER_ELEMENT(a, DER_OCTET_STRING, value));
}

static struct bytes oe_report(struct arena *a, struct bytes quote)
{
    struct writer w = wr_open(a);

    wr_u32le(&w, 1); /* version */
    wr_u32le(&w, 2); /* remote */
    wr_u64le(&w, quote.n);
    wr_put(&w, quote);
    return wr_done(&w);
}

static struct bytes oe_evidence(struct service_making *m, struct bytes uuid, struct bytes quote)
{
    struct writer w = wr_open(m->arena);
    struct bytes claims =
        service_key_text(m, service_fault(m, "trust.binding.claims") ? SERVICE_STRANGER : SERVICE_OWN);

    wr_u32le(&w, 3); /* version */
    wr_put(&w, uuid);
    wr_u32le(&w, 0);
    wr_u64le(&w, quote.n + claims.n);
    wr_put(&w, quote);
    wr_put(&w, claims);
    return wr_done(&w);
}

static struct bytes snp_extensions(struct service_making *m, struct bytes object)
{
    struct arena *a = m->arena;
    struct bytes value = m->options->plain_json ? object : DER_ELEMENT(a, DER_UTF8_STRING, object);
    struct bytes kind = service_fault(m, "trust.evidence.kind") ? BYTES_LIT("acitdx") : BYTES_LIT("acisevsnp");
    struct bytes parts[] = {extension(a, OID_SNP, false, value),
                            extension(a, OID_SNP_KIND, false, DER_ELEMENT(a, DER_UTF8_STRING, kind))};
    struct writer w = wr_open(a);

    wr_put(&w, parts[0]);
    if (!service_fault(m, "trust.evidence.kind:missing"))
        wr_put(&w, parts[1]);
    return wr_done(&w);
}

static struct bytes evidence(struct service_making *m)
{
    struct arena *a = m->arena;
    struct bytes e = m->out->hardware.evidence;

    if (service_fault(m, "trust.evidence.present"))
        return BYTES_NONE;
    switch (m->options->host) {
    case SIMULATE_HOST_SGX_EVIDENCE: return extension(a, OID_OE_EVIDENCE, false, oe_evidence(m, UUID_SGX, e));
    case SIMULATE_HOST_TDX: return extension(a, OID_OE_EVIDENCE, false, oe_evidence(m, UUID_TDX, e));
    case SIMULATE_HOST_SNP: return snp_extensions(m, e);
    default:
        return m->options->wrapped ? extension(a, OID_OE_OLD, false, DER_ELEMENT(a, DER_OCTET_STRING, e))
                                   : extension(a, OID_OE_REPORT, false, oe_report(a, e));
    }
}

static struct bytes name(struct arena *a, struct bytes common)
{
    struct bytes attribute =
        DER_ELEMENT(a, DER_SEQUENCE, DER_ELEMENT(a, DER_OID, OID_COMMON_NAME), DER_ELEMENT(a, DER_UTF8_STRING, common));

    return DER_ELEMENT(a, DER_SEQUENCE, DER_ELEMENT(a, DER_SET, attribute));
}

static struct bytes validity(struct service_making *m)
{
    struct arena *a = m->arena;
    struct bytes from =
        service_fault(m, "trust.certificate.dates:early") ? BYTES_LIT("20500101000000Z") : BYTES_LIT("20190501000000Z");
    struct bytes until =
        service_fault(m, "trust.certificate.dates") ? BYTES_LIT("20200101000000Z") : BYTES_LIT("20501231235959Z");

    return DER_ELEMENT(a, DER_SEQUENCE, DER_ELEMENT(a, DER_GENERALIZED_TIME, from),
                       DER_ELEMENT(a, DER_GENERALIZED_TIME, until));
}

static struct bytes extensions(struct service_making *m)
{
    struct arena *a = m->arena;
    struct bytes nobodys = service_fault(m, "trust.certificate.critical")
                               ? extension(a, OID_NOBODYS, true, BYTES_LIT("\x05\x00"))
                               : BYTES_NONE;

    return DER_ELEMENT(a, DER_CONSTRUCTED(3), DER_ELEMENT(a, DER_SEQUENCE, nobodys, evidence(m)));
}

void service_certificate(struct service_making *m)
{
    struct arena *a = m->arena;
    bool other = service_fault(m, "trust.certificate.name");
    struct bytes own = BYTES_LIT(SIMULATED_SERVICE);
    struct bytes subject = name(a, other ? OTHER_TENANT : own);
    struct bytes issuer =
        name(a, other || service_fault(m, "trust.certificate.name:issuer") || service_fault(m, "trust.key.alone")
                    ? OTHER_TENANT
                    : own);
    struct bytes algorithm =
        DER_ELEMENT(a, DER_SEQUENCE, DER_ELEMENT(a, DER_OID, OID_SHA256_RSA), DER_ELEMENT(a, DER_NULL, BYTES_NONE));
    struct bytes version = DER_ELEMENT(a, DER_CONSTRUCTED(0), DER_ELEMENT(a, DER_INTEGER, BYTES_LIT("\x02")));
    struct bytes tbs = DER_ELEMENT(a, DER_SEQUENCE, version, DER_ELEMENT(a, DER_INTEGER, BYTES_LIT("\x01")), algorithm,
                                   issuer, validity(m), subject, service_spki(m, m->rsa[SERVICE_OWN]), extensions(m));
    bool strange = service_fault(m, "trust.certificate.signature") || service_fault(m, "trust.key.alone");
    struct bytes signature = service_sign(m, m->rsa[strange ? SERVICE_STRANGER : SERVICE_OWN], tbs);

    m->out->certificate =
        DER_ELEMENT(a, DER_SEQUENCE, tbs, algorithm, DER_ELEMENT(a, DER_BIT_STRING, BYTES_LIT("\0"), signature));
}
