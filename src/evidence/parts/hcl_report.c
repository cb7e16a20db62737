#include "evidence/parts/hcl_report.h"

#include "base/limits.h"
#include "base/text.h"

enum { HEADER_VERSION_MOST = 2, DATA_HEADER = 20, DATA_VERSION = 1, HASH_SHA256 = 1 };

const char *hcl_type_name(uint32_t type)
{
    static const char *const names[] = {"invalid", "vbs", "snp", "tvm", "tdx", "cca"};

    return type < sizeof names / sizeof *names ? names[type] : "unknown";
}

const char *hcl_request_name(uint32_t type)
{
    static const char *const names[] = {"invalid", "key-release", "ak-cert", "wrapped-key"};

    return type < sizeof names / sizeof *names ? names[type] : "unknown";
}

static bool wrong(struct fault *fault, const char *what, uint32_t found)
{
    return fault_set(fault, FAULT_SYNTAX, "%s %u", what, found);
}

/* Host requests carry version 2 with a bitmap before the claims; in NV there is none, and nobody has seen one (3.2). */
static bool sizes(const struct hcl_report *r, uint32_t magic, uint32_t data_size, uint32_t claims_size,
                  struct fault *fault)
{
    if (magic != HCL_MAGIC)
        return fault_set(fault, FAULT_SYNTAX, "it does not begin with HCLA");
    if (r->version == 0 || r->version > HEADER_VERSION_MOST)
        return wrong(fault, "a header of version", r->version);
    if (r->data_version != DATA_VERSION)
        return wrong(fault, "data of version", r->data_version);
    if (r->hash_type != HASH_SHA256)
        return wrong(fault, "a hash of type", r->hash_type);
    if (claims_size > LIMIT_RUNTIME_DATA)
        return wrong(fault, "claims of a length past the limit:", claims_size);
    if (data_size != claims_size + DATA_HEADER)
        return wrong(fault, "the length of the data does not fit the claims':", data_size);
    if (r->size != claims_size + HCL_CLAIMS_AT)
        return wrong(fault, "the length of the report does not fit the claims':", r->size);
    return true;
}

bool hcl_report_read(struct bytes text, struct hcl_report *out, struct fault *fault)
{
    enum { RESERVED = 12 };
    struct reader r = rd_open(text);
    uint32_t magic = rd_u32le(&r), data_size, claims_size;

    *out = (struct hcl_report){.version = rd_u32le(&r)};
    out->size = rd_u32le(&r);
    out->request = rd_u32le(&r);
    out->status = rd_u32le(&r);
    rd_skip(&r, RESERVED);
    out->hardware = rd_take(&r, HCL_HARDWARE_SIZE);
    data_size = rd_u32le(&r);
    out->data_version = rd_u32le(&r);
    out->type = rd_u32le(&r);
    out->hash_type = rd_u32le(&r);
    claims_size = rd_u32le(&r);
    if (rd_ok(&r) && !sizes(out, magic, data_size, claims_size, fault))
        return false;
    out->claims = rd_take(&r, claims_size);
    out->tail = rd_rest(&r);
    if (!rd_ok(&r))
        return fault_set(fault, FAULT_SYNTAX, "%zu bytes are shorter than it says", text.n);
    return bytes_all_zero(out->tail) || fault_set(fault, FAULT_SYNTAX, "behind it is something else than padding");
}

struct bytes hcl_report_data(const struct hcl_report *r)
{
    enum { SNP_REPORT_DATA_AT = 0x50 };
    size_t at = r->type == HCL_SNP ? SNP_REPORT_DATA_AT : TD_MAC_REPORT_DATA_AT;

    if (r->type != HCL_SNP && r->type != HCL_TDX)
        return BYTES_NONE;
    return bytes_first(bytes_after(r->hardware, at), HCL_REPORT_DATA_SIZE);
}

/* ---------------------------------------------------------------------------------------------------- runtime claims */

/* A JWK by its numbers alone: "key_ops" of the paravisor's are those of the TPM's key, and in early ones wrong (3.3). */
static bool read_key(struct arena *a, const struct json *jwk, struct public_key *out)
{
    struct bytes kty, n, e, modulus, exponent;

    return json_text(json_member(jwk, "kty"), &kty) && bytes_is(kty, "RSA") && json_text(json_member(jwk, "n"), &n) &&
           json_text(json_member(jwk, "e"), &e) && base64url_decode_strict(a, n, &modulus) &&
           base64url_decode_strict(a, e, &exponent) && public_key_from_rsa(modulus, exponent, out);
}

static bool read_keys(struct arena *a, const struct json *keys, struct hcl_claims *out, struct fault *fault)
{
    struct {
        const char *kid;
        struct public_key *key;
    } known[] = {{"HCLAkPub", &out->attestation_key}, {"HCLEkPub", &out->storage_key}};
    struct bytes kid;

    if (!keys || keys->kind != JSON_ARRAY)
        return fault_set(fault, FAULT_SYNTAX, "it has no list of keys");
    JSON_EACH (jwk, keys) {
        if (!json_text(json_member(jwk, "kid"), &kid))
            return fault_set(fault, FAULT_SYNTAX, "a key has no kid");
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
            if (!bytes_is(kid, known[i].kid))
                continue;
            if (known[i].key->kind != KEY_NONE)
                return fault_set(fault, FAULT_SYNTAX, "there are two keys %s", known[i].kid);
            if (!read_key(a, jwk, known[i].key))
                return fault_set(fault, FAULT_SYNTAX, "%s is no RSA key that is accepted", known[i].kid);
        }
    }
    return true;
}

/* A member that is text, or not there. */
static bool read_text(const struct json *object, const char *name, struct bytes *out, struct fault *fault)
{
    const struct json *member = json_member(object, name);

    if (!member || json_text(member, out))
        return true;
    return fault_set(fault, FAULT_SYNTAX, "%s is no text", name);
}

bool hcl_claims_read(struct arena *a, struct bytes text, struct hcl_claims *out, struct fault *fault)
{
    *out = (struct hcl_claims){.bytes = text};
    if (text.n > LIMIT_RUNTIME_DATA)
        return fault_set(fault, FAULT_LIMIT, "they are longer than %d bytes", LIMIT_RUNTIME_DATA);
    if (!json_parse(a, bytes_trim_end(text), NULL, &out->json, fault))
        return false;
    if (out->json->kind != JSON_OBJECT)
        return fault_set(fault, FAULT_SYNTAX, "they are JSON, but no object");
    out->vm = json_member(out->json, "vm-configuration");
    if (out->vm && out->vm->kind != JSON_OBJECT)
        return fault_set(fault, FAULT_SYNTAX, "vm-configuration is no object");
    return read_keys(a, json_member(out->json, "keys"), out, fault) &&
           read_text(out->vm, "vmUniqueId", &out->vm_id, fault) &&
           read_text(out->json, "user-data", &out->user_data, fault);
}

bool hcl_claims_decode(struct exam *x, struct bytes text, struct hcl_claims *out)
{
    struct fault fault = {0};

    if (check_that(x, HCL_CLAIMS, hcl_claims_read(x->arena, text, out, &fault)))
        return true;
    check_note(x->trace, "%s", fault.text);
    return false;
}

bool hcl_claims_bound(struct exam *x, const struct hcl_claims *c, struct bytes report_data)
{
    return check_eq(x, HCL_BINDING, bytes_first(report_data, SHA256_SIZE), sha256_of(x->arena, c->bytes)) &&
           check_that(x, HCL_TAIL,
                      report_data.n == HCL_REPORT_DATA_SIZE && bytes_all_zero(bytes_after(report_data, SHA256_SIZE)));
}
