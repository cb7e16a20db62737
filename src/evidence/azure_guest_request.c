#include "evidence/azure_guest_request.h"

#include "base/limits.h"
#include "base/text.h"

enum { ALG_SHA256 = 0x000b };

static bool absent(const struct json *v)
{
    return !v || v->kind == JSON_NULL;
}

/* A member in base64, of either alphabet: libraries differ. Where it may be absent, that and null are empty. */
static bool read_base64(struct arena *a, const struct json *object, const char *name, bool may_be_absent,
                        struct bytes *out, struct fault *fault)
{
    const struct json *member = json_member(object, name);
    struct bytes text;

    *out = BYTES_NONE;
    if (may_be_absent && absent(member))
        return true;
    if (!json_text(member, &text))
        return fault_set(fault, FAULT_SYNTAX, "%s is no text", name);
    if (!base64_decode(a, text, out, NULL))
        return fault_set(fault, FAULT_SYNTAX, "%s is no base64", name);
    return out->n || may_be_absent || fault_set(fault, FAULT_SYNTAX, "%s is empty", name);
}

/* Text in base64, which goes into the token. */
static bool read_words(struct arena *a, const struct json *root, const char *name, struct bytes *out,
                       struct fault *fault)
{
    if (!read_base64(a, root, name, true, out, fault))
        return false;
    if (out->n > LIMIT_GUEST_TEXT)
        return fault_set(fault, FAULT_LIMIT, "%s is longer than %d bytes", name, LIMIT_GUEST_TEXT);
    return utf8_valid(*out) || fault_set(fault, FAULT_SYNTAX, "%s is no UTF-8", name);
}

/* A number, or its digits as text, as one library has it. */
static bool read_number(const struct json *root, const char *name, int64_t *out, struct fault *fault)
{
    const struct json *member = json_member(root, name);
    struct bytes digits;
    uint64_t number = 0;
    bool ok = json_unsigned(member, INT32_MAX, &number);

    if (!ok && json_text(member, &digits))
        ok = decimal_parse(digits, INT32_MAX, &number);
    *out = (int64_t)number;
    return ok || fault_set(fault, FAULT_SYNTAX, "%s is no number", name);
}

static bool read_pcr_set(const struct json *list, struct guest_request *out, struct fault *fault)
{
    if (!list || list->kind != JSON_ARRAY)
        return fault_set(fault, FAULT_SYNTAX, "PcrSet is no list");
    JSON_EACH (item, list) {
        uint64_t pcr;

        if (!json_unsigned(item, TPM_PCRS - 1, &pcr) || out->pcr_set >> pcr & 1)
            return fault_set(fault, FAULT_SYNTAX, "PcrSet names a PCR that does not exist, or one twice");
        out->pcr_set |= UINT32_C(1) << pcr;
    }
    return true;
}

/* [{"Index": 0, "Digest": base64}]. */
static bool read_pcrs(struct arena *a, const struct json *list, struct guest_request *out, struct fault *fault)
{
    out->pcrs = (struct tpm_pcrs){.count = 1};
    out->pcrs.banks[0].id = ALG_SHA256;
    out->pcrs.banks[0].known = true;
    out->pcrs.banks[0].alg = DIGEST_SHA256;
    if (!list || list->kind != JSON_ARRAY)
        return fault_set(fault, FAULT_SYNTAX, "PCRs is no list");
    JSON_EACH (item, list) {
        struct bytes value;
        uint64_t pcr;

        if (!json_unsigned(json_member(item, "Index"), TPM_PCRS - 1, &pcr) || out->pcrs.banks[0].value[pcr].n)
            return fault_set(fault, FAULT_SYNTAX, "PCRs names one that does not exist, or one twice");
        if (!read_base64(a, item, "Digest", false, &value, fault))
            return false;
        if (value.n != SHA256_SIZE)
            return fault_set(fault, FAULT_SYNTAX, "the digest of PCR %u has %zu bytes", (unsigned)pcr, value.n);
        out->pcrs.banks[0].value[pcr] = value;
    }
    return true;
}

static bool read_tpm(struct arena *a, const struct json *tpm, struct guest_request *out, struct fault *fault)
{
    struct {
        const char *name;
        struct bytes *out;
    } members[] = {{"AikPub", &out->aik_public},
                   {"PcrQuote", &out->quote},
                   {"PcrSignature", &out->quote_signature},
                   {"EncKeyPub", &out->key_public},
                   {"EncKeyCertifyInfo", &out->certify},
                   {"EncKeyCertifyInfoSignature", &out->certify_signature}};

    if (!tpm || tpm->kind != JSON_OBJECT)
        return fault_set(fault, FAULT_SYNTAX, "TpmInfo is no object");
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (!read_base64(a, tpm, members[i].name, false, members[i].out, fault))
            return false;
    return read_base64(a, tpm, "AikCert", true, &out->aik_certificate, fault) &&
           read_pcr_set(json_member(tpm, "PcrSet"), out, fault) && read_pcrs(a, json_member(tpm, "PCRs"), out, fault);
}

static bool read_isolation(struct arena *a, const struct json *info, struct guest_request *out, struct fault *fault)
{
    static const char *const names[] = {"TrustedLaunch", "SevSnp", "Tdx"};
    const struct json *evidence = json_member(info, "Evidence");
    struct bytes type;
    size_t i = 0;

    if (absent(info))
        return true;
    if (!json_text(json_member(info, "Type"), &type))
        return fault_set(fault, FAULT_SYNTAX, "IsolationInfo has no Type");
    while (i < sizeof names / sizeof *names && !bytes_is(type, names[i]))
        i++;
    if (i == sizeof names / sizeof *names)
        return fault_set(fault, FAULT_SYNTAX, "Type of IsolationInfo is none of TrustedLaunch, SevSnp and Tdx");
    out->isolation = (enum guest_isolation)i;
    return out->isolation == GUEST_TRUSTED_LAUNCH ||
           (read_base64(a, evidence, "Proof", false, &out->proof, fault) &&
            read_base64(a, evidence, "RunTimeData", false, &out->runtime, fault));
}

static bool read_payload(const struct json *payload, struct guest_request *out, struct fault *fault)
{
    if (absent(payload))
        return true;
    if (payload->kind != JSON_OBJECT)
        return fault_set(fault, FAULT_SYNTAX, "ClientPayload is no object");
    if (payload->span.n > LIMIT_RUNTIME_DATA)
        return fault_set(fault, FAULT_LIMIT, "ClientPayload is longer than %d bytes", LIMIT_RUNTIME_DATA);
    out->client_payload = payload;
    return true;
}

bool guest_request_read(struct arena *a, struct bytes text, struct guest_request *out, struct fault *fault)
{
    const struct json *root;

    *out = (struct guest_request){.isolation = GUEST_TRUSTED_LAUNCH};
    if (!json_parse(a, bytes_without_mark(bytes_trim_end(text)), NULL, &root, fault))
        return false;
    if (root->kind != JSON_OBJECT)
        return fault_set(fault, FAULT_SYNTAX, "it is JSON, but no object");
    if (!json_text(json_member(root, "AttestationProtocolVersion"), &out->protocol) ||
        (!bytes_is(out->protocol, "1.0") && !bytes_is(out->protocol, "2.0")))
        return fault_set(fault, FAULT_SYNTAX, "AttestationProtocolVersion is neither 1.0 nor 2.0");
    return read_words(a, root, "OSType", &out->os_type, fault) &&
           read_words(a, root, "OSDistro", &out->os_distro, fault) &&
           read_words(a, root, "OSBuild", &out->os_build, fault) &&
           read_number(root, "OSVersionMajor", &out->os_major, fault) &&
           read_number(root, "OSVersionMinor", &out->os_minor, fault) &&
           read_base64(a, root, "TcgLogs", true, &out->log, fault) &&
           read_payload(json_member(root, "ClientPayload"), out, fault) &&
           read_tpm(a, json_member(root, "TpmInfo"), out, fault) &&
           read_isolation(a, json_member(root, "IsolationInfo"), out, fault);
}
