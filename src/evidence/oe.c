/* Open Enclave wrappings of SGX quotes (sgx-tdx.md 9). */
#include "base/limits.h"
#include "evidence/sgx.h"

enum {
    OE_REPORT_VERSION = 1,
    OE_REPORT_REMOTE = 2,
    OE_REPORT_HEADER = 16,
    OE_EVIDENCE_VERSION = 3,
    OE_EVIDENCE_HEADER = 32,
    OE_UUID_SIZE = 16,
    OE_CLAIMS_VERSION = 1,
    OE_CLAIMS_MAX = 256
};

static const struct {
    const char *name, *uuid; /* as stored */
    bool accepted;
} formats[] = {
    {"SGX_ECDSA", "\xa3\xa2\x1e\x87\x1b\x4d\x40\x14\xb7\x0a\xa1\x25\xd2\xfb\xcd\x8c", true},
    {"LEGACY_REPORT_REMOTE", "\xc8\x30\x34\x54\xd9\x23\x4c\x2c\xa6\x91\xdf\x7d\xef\x46\x0a\x76", false},
    {"RAW_SGX_QUOTE_ECDSA", "\x19\x23\xd9\x1e\x12\xd2\x4c\x72\xb2\x20\x25\xcd\x8d\xac\xe8\x71", false},
    {"SGX_LOCAL_ATTESTATION", "\x09\x26\x8c\x33\x6e\x0b\x45\xe5\x8a\x27\x15\x64\x4d\x0e\xf8\x9a", false},
    {"SGX_EPID_LINKABLE", "\xf2\x28\xaa\x3f\xde\x4d\x49\xd3\x88\x4c\xb2\xaa\x87\xa5\x0d\xa6", false},
    {"SGX_EPID_UNLINKABLE", "\x5c\x35\xd2\x90\xa2\xc2\x4c\x55\x9e\x13\x5a\xd7\x32\x74\x6c\x88", false},
    {"TDX_QUOTE_ECDSA", "\x8b\xa7\x02\x86\xc1\xcf\x11\xed\xaf\xa1\x02\x42\xac\x12\x00\x02", false},
};

static struct sgx_evidence *begin(struct exam *x, struct bytes submitted)
{
    struct sgx_evidence *e = ARENA_NEW(x->arena, struct sgx_evidence);

    e->submitted = submitted;
    e->open_enclave = true;
    x->evidence = e;
    return e;
}

/* Version, type and size; the size covers all that follows. */
static bool decode_report(struct exam *x, struct sgx_evidence *e)
{
    struct reader r = rd_open(e->submitted);
    uint32_t version = rd_u32le(&r), type = rd_u32le(&r);
    uint64_t size = rd_u64le(&r);

    if (!check_that(x, OE_REPORT_SHAPE, rd_ok(&r) && version == OE_REPORT_VERSION && size == rd_left(&r))) {
        if (version >> 16 == QUOTE_KEY_ECDSA_P256)
            check_note(x->trace, "a quote of version %u without an Open Enclave header", version & 0xffff);
        else
            check_note(x->trace, "version %u, %zu bytes behind a header that says %llu", version, rd_left(&r),
                       (unsigned long long)size);
        return false;
    }
    return check_eq(x, OE_REPORT_TYPE, type, OE_REPORT_REMOTE) && sgx_decode_bytes(x, rd_rest(&r), e);
}

static bool decode(struct exam *x, const struct json *request)
{
    struct sgx_evidence *e = begin(x, BYTES_NONE);

    return request_evidence(x, request, "report", &e->submitted) && request_runtime(x, request, &e->runtime) &&
           request_init(x, request, &e->init) && decode_report(x, e);
}

/* A quote with custom claims behind it: format SGX_ECDSA. */
static bool decode_with_claims(struct exam *x, struct bytes data, struct sgx_evidence *e)
{
    if (!sgx_decode_bytes(x, data, e))
        return false;
    e->custom_claims = e->quote.tail;
    e->has_custom_claims = true;
    e->submitted = data;
    return true;
}

static bool decode_evidence(struct exam *x, struct bytes file, struct sgx_evidence *e)
{
    struct reader r = rd_open(file);
    const char *name = "an unknown format";
    bool accepted = false;

    rd_skip(&r, 4);
    struct bytes uuid = rd_take(&r, OE_UUID_SIZE);
    rd_skip(&r, 4);
    uint64_t size = rd_u64le(&r);
    if (!check_that(x, OE_EVIDENCE_SHAPE, rd_ok(&r) && size == rd_left(&r)))
        return false;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (bytes_equal(uuid, bytes_make(formats[i].uuid, OE_UUID_SIZE))) {
            name = formats[i].name;
            accepted = formats[i].accepted;
        }
    if (!check_that(x, OE_EVIDENCE_FORMAT, accepted)) {
        check_note(x->trace, "the evidence is of %s", name);
        return false;
    }
    return decode_with_claims(x, rd_rest(&r), e);
}

bool oe_decode_file(struct exam *x, struct bytes file, const struct request_data *runtime,
                    const struct request_data *init)
{
    struct sgx_evidence *e = begin(x, file);
    struct reader r = rd_open(file);
    uint32_t version = rd_u32le(&r);

    if (!request_given(x, file, runtime, init, &e->runtime, &e->init))
        return false;
    if (version == OE_REPORT_VERSION)
        return decode_report(x, e);
    /* A quote of version 3 begins with the same four bytes only if its key type were 0, which is EPID's. */
    return version == OE_EVIDENCE_VERSION ? decode_evidence(x, file, e) : decode_with_claims(x, file, e);
}

bool oe_custom_claims(struct arena *a, struct bytes buffer, struct oe_claim **out, size_t *count)
{
    struct reader r = rd_open(buffer);
    uint64_t version = rd_u64le(&r), n = rd_u64le(&r);

    *count = 0;
    if (!rd_ok(&r) || version != OE_CLAIMS_VERSION || n > OE_CLAIMS_MAX)
        return false;
    *out = ARENA_ARRAY(a, struct oe_claim, (size_t)n);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t name_size = rd_u64le(&r), value_size = rd_u64le(&r);

        if (name_size == 0 || name_size > rd_left(&r) || value_size > rd_left(&r))
            return false;
        (*out)[i].name = bytes_first(rd_take(&r, (size_t)name_size), (size_t)name_size - 1);
        (*out)[i].value = rd_take(&r, (size_t)value_size);
        ++*count;
    }
    return rd_end(&r);
}

const struct attester oe_attester = {
    .path = "OpenEnclave",
    .type = "sgx",
    .default_policy = sgx_default_policy,
    .required = oe_required,
    .decode = decode,
    .verify = sgx_verify,
};
