#include "cli/recognise.h"

#include "base/json.h"
#include "evidence/parts/tpm.h"

static const char *const kind_names[] = {"sgx", "oe",       "tdx", "snp", "azure-guest", "tpm",
                                         "vbs", "eventlog", "ima", "hcl", "azure-vtpm",  "unknown"};

const char *evidence_kind_name(enum evidence_kind k)
{
    return kind_names[k];
}

bool evidence_kind_by_name(const char *name, enum evidence_kind *out)
{
    for (int k = 0; k < KIND_UNKNOWN; k++)
        if (strcmp(name, kind_names[k]) == 0) {
            *out = (enum evidence_kind)k;
            return true;
        }
    return false;
}

/* Formats of OE evidence (sgx-tdx.md 9.3). */
static const uint8_t oe_formats[][16] = {
    {0xa3, 0xa2, 0x1e, 0x87, 0x1b, 0x4d, 0x40, 0x14, 0xb7, 0x0a, 0xa1, 0x25, 0xd2, 0xfb, 0xcd, 0x8c},
    {0xc8, 0x30, 0x34, 0x54, 0xd9, 0x23, 0x4c, 0x2c, 0xa6, 0x91, 0xdf, 0x7d, 0xef, 0x46, 0x0a, 0x76},
    {0x19, 0x23, 0xd9, 0x1e, 0x12, 0xd2, 0x4c, 0x72, 0xb2, 0x20, 0x25, 0xcd, 0x8d, 0xac, 0xe8, 0x71},
    {0x09, 0x26, 0x8c, 0x33, 0x6e, 0x0b, 0x45, 0xe5, 0x8a, 0x27, 0x15, 0x64, 0x4d, 0x0e, 0xf8, 0x9a},
    {0xf2, 0x28, 0xaa, 0x3f, 0xde, 0x4d, 0x49, 0xd3, 0x88, 0x4c, 0xb2, 0xaa, 0x87, 0xa5, 0x0d, 0xa6},
    {0x5c, 0x35, 0xd2, 0x90, 0xa2, 0xc2, 0x4c, 0x55, 0x9e, 0x13, 0x5a, 0xd7, 0x32, 0x74, 0x6c, 0x88},
};
static const uint8_t oe_format_tdx[16] = {0x8b, 0xa7, 0x02, 0x86, 0xc1, 0xcf, 0x11, 0xed,
                                          0xaf, 0xa1, 0x02, 0x42, 0xac, 0x12, 0x00, 0x02};

static uint32_t word(struct bytes b, size_t at)
{
    struct reader r = rd_open(bytes_after(b, at));

    return rd_u32le(&r);
}

static enum evidence_kind oe_header(struct bytes b)
{
    struct bytes format = bytes_first(bytes_after(b, 4), 16);

    if (word(b, 0) != 2 && word(b, 0) != 3)
        return KIND_UNKNOWN;
    if (bytes_equal(format, BYTES_OF(oe_format_tdx)))
        return KIND_TDX;
    for (size_t i = 0; i < sizeof oe_formats / sizeof *oe_formats; i++)
        if (bytes_equal(format, BYTES_OF(oe_formats[i])))
            return KIND_OE;
    return KIND_UNKNOWN;
}

/* The bare endorsements of 9.5, without the 32-byte header. */
static bool endorsements_body(struct bytes b)
{
    return b.n >= 20 && word(b, 0) == 1 && word(b, 4) == 2 && word(b, 12) >= 8 && word(b, 12) <= 64;
}

static enum evidence_kind quote(struct bytes b)
{
    struct reader r = rd_open(b);
    unsigned version = rd_u16le(&r), key = rd_u16le(&r);
    uint32_t tee = rd_u32le(&r);

    if (!rd_ok(&r))
        return KIND_UNKNOWN;
    if (version == 3 && key > 0 && key < 16)
        return KIND_SGX;
    if ((version == 4 || version == 5) && key > 0 && key < 16)
        return tee == 0x81 ? KIND_TDX : KIND_SGX;
    if ((version == 1 || version == 2) && key < 2 && b.n >= 436)
        return KIND_SGX; /* EPID: refused with its reason */
    return KIND_UNKNOWN;
}

/* Events of the first TCG format from end to end. */
static bool legacy_log(struct bytes b)
{
    struct reader r = rd_open(b);
    size_t events = 0;

    while (rd_left(&r) >= 32 && events < 8) {
        uint32_t pcr = rd_u32le(&r), type = rd_u32le(&r);

        rd_skip(&r, 20);
        rd_skip(&r, rd_u32le(&r));
        if (!rd_ok(&r) || pcr > 23 || (type > 0x20 && type < 0x80000000))
            return false;
        events++;
    }
    return events > 1 && !bytes_all_zero(bytes_first(b, 32)); /* zeros are padding */
}

static enum evidence_kind measurements(struct bytes b)
{
    if (bytes_begin(bytes_after(b, 32), "Spec ID Event") && word(b, 4) == 3)
        return KIND_EVENTLOG;
    if (word(b, 0) == 10 && word(b, 24) < 32 && bytes_begin(bytes_after(b, 28), "ima"))
        return KIND_IMA;
    if (bytes_begin(b, "10 ") && bytes_begin(bytes_after(b, 43), " ima"))
        return KIND_IMA;
    return legacy_log(b) ? KIND_EVENTLOG : KIND_UNKNOWN;
}

/* A message of the protocol of TPMs in either envelope, or a request's payload. */
static bool tpm_message(const struct json *root)
{
    const struct json *message = json_member(root, "payload");

    return (json_member(root, "data") && root->count == 1) || json_member(root, "att_data") ||
           json_member(message, "request") || json_member(message, "challenge") || json_member(message, "report") ||
           json_member(message, "type") || json_member(root, "ProtectionKeyName");
}

static enum evidence_kind document(const struct json *root)
{
    if (json_member_nocase(root, "SnpReport"))
        return KIND_SNP;
    if (json_member(root, "hcl_report") || json_member(json_member(root, "evidence"), "hcl_report"))
        return KIND_AZURE_VTPM;
    if (json_member_nocase(root, "AttestationInfo"))
        return KIND_AZURE_GUEST;
    if (tpm_message(root))
        return KIND_VBS;
    if (json_member(root, "quote") && (json_member(root, "signature") || json_member(root, "pcrs")))
        return KIND_TPM;
    return KIND_UNKNOWN;
}

static bool begins_like_json(struct bytes b)
{
    for (size_t i = 0; i < b.n; i++)
        if (b.p[i] != ' ' && b.p[i] != '\t' && b.p[i] != '\n' && b.p[i] != '\r')
            return b.p[i] == '{';
    return false;
}

enum evidence_kind recognise_evidence(struct arena *a, struct bytes b)
{
    const struct json *root;
    enum evidence_kind k;

    if (b.n < 8)
        return KIND_UNKNOWN;
    if (bytes_begin(b, "HCLA"))
        return KIND_HCL;
    if (b.n == 1184 && word(b, 0) >= 1 && word(b, 0) <= 5 && word(b, 0x34) == 1)
        return KIND_SNP;
    if (word(b, 0) == 1 && (word(b, 4) == 1 || word(b, 4) == 2) && !endorsements_body(b))
        return KIND_OE;
    if ((k = oe_header(b)) != KIND_UNKNOWN)
        return k;
    if (word(b, 0) == b.n && b.n > 24 && word(b, 4) == 1 && word(b, 8) == 1)
        return KIND_VBS;
    if (bytes_begin(b, "ALPT"))
        return KIND_VBS;
    if (word(b, 0) == 0x474354ff) /* TPM_GENERATED_VALUE */
        return KIND_TPM;
    if ((k = measurements(b)) != KIND_UNKNOWN)
        return k;
    if (begins_like_json(b) && json_parse(a, bytes_trim_end(b), NULL, &root, NULL))
        return document(root);
    return quote(b);
}

static enum thing json_thing(const struct json *root)
{
    if (json_member(root, "tcbInfo") || json_member(root, "enclaveIdentity") ||
        json_member(root, "tcbEvaluationDataNumbers"))
        return THING_COLLATERAL;
    if (json_member(root, "token"))
        return THING_TOKEN;
    if (json_member(root, "keys"))
        return THING_KEY_SET;
    return THING_UNKNOWN;
}

static bool hex_of_der(struct bytes b)
{
    return b.n > 64 && bytes_begin(b, "308"); /* a SEQUENCE of 128 bytes or more */
}

static bool token_like(struct bytes b)
{
    size_t dots = 0;

    for (size_t i = 0; i < b.n; i++)
        dots += b.p[i] == '.';
    return dots == 2 && bytes_begin(b, "ey");
}

/* Structures of a TPM have nothing to be known by but that they can be read from end to end. */
static enum thing tpm_thing(struct arena *a, struct bytes b)
{
    struct tpm_signature s;
    struct tpm_public p;

    if (tpm_public_read(a, b, &p, NULL))
        return THING_TPM_PUBLIC;
    return tpm_signature_read(a, b, &s, NULL) ? THING_TPM_SIGNATURE : THING_UNKNOWN;
}

/* Both are SEQUENCE { SEQUENCE { …: a certificate's inner one begins with [0] or INTEGER and holds a serial; telling them
 * apart by decoding is the caller's, who tries both. */
enum thing recognise_thing(struct arena *a, struct bytes b)
{
    const struct json *root;

    if (b.n >= 52 && oe_header(b) != KIND_UNKNOWN && endorsements_body(bytes_after(b, 32)))
        return THING_OE_ENDORSEMENTS;
    if (endorsements_body(b) || (word(b, 0) == 4 && word(b, 4) == 0x81)) /* SGX; the flattened form for TDX */
        return THING_OE_ENDORSEMENTS;
    if (bytes_begin(b, "-----BEGIN X509 CRL"))
        return THING_CRL;
    if (bytes_begin(b, "-----BEGIN"))
        return THING_CERTIFICATES;
    if (b.n > 4 && b.p[0] == 0x30 && b.p[1] >= 0x80)
        return THING_CERTIFICATES;                   /* or a CRL */
    if (b.n > 2 && b.p[0] == 0xd2 && b.p[1] == 0x84) /* tag 18 of CBOR, over an array of four */
        return THING_UVM;
    if (hex_of_der(b))
        return THING_CRL;
    if (begins_like_json(b) && json_parse(a, bytes_trim_end(b), NULL, &root, NULL) && json_thing(root) != THING_UNKNOWN)
        return json_thing(root);
    if (token_like(bytes_trim_end(b)))
        return THING_TOKEN;
    return recognise_evidence(a, b) == KIND_UNKNOWN ? tpm_thing(a, b) : THING_EVIDENCE;
}
