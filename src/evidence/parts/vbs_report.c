#include "evidence/parts/vbs_report.h"

#include "base/limits.h"
#include "base/text.h"

enum {
    PACKAGE_VERSION = 1,
    SCHEME_RSA_PSS = 1,
    REPORT_VERSION = 1,
    MODULE_BLOCK = 1,
    BLOCK_HEADER = 8,
    DATA_SIZE = 64,
    LONG_ID = 32,
    SHORT_ID = 16,
    SIGNATURE_MOST = 512, /* RSA of 4096 bits */
};

static void read_identity(struct reader *r, struct vbs_report *out)
{
    out->enclave_data = rd_take(r, DATA_SIZE);
    out->owner_id = rd_take(r, LONG_ID);
    out->unique_id = rd_take(r, LONG_ID);
    out->author_id = rd_take(r, LONG_ID);
    out->family_id = rd_take(r, SHORT_ID);
    out->image_id = rd_take(r, SHORT_ID);
    out->enclave_svn = rd_u32le(r);
    out->secure_kernel_svn = rd_u32le(r);
    out->platform_svn = rd_u32le(r);
    out->flags = rd_u32le(r);
    out->signing_level = rd_u32le(r);
    out->enclave_type = rd_u32le(r);
}

static bool read_module(struct bytes block, struct vbs_module *out)
{
    struct reader r = rd_open(block);

    out->unique_id = rd_take(&r, LONG_ID);
    out->author_id = rd_take(&r, LONG_ID);
    out->family_id = rd_take(&r, SHORT_ID);
    out->image_id = rd_take(&r, SHORT_ID);
    out->svn = rd_u32le(&r);
    out->name = rd_rest(&r);
    return rd_end(&r);
}

/* Blocks of {type, size with this header}, one behind the other. */
static bool read_blocks(struct arena *a, struct reader *r, struct vbs_report *out, struct fault *fault)
{
    struct vbs_module *modules = NULL;
    size_t cap = 0;

    while (rd_ok(r) && rd_left(r)) {
        uint32_t type = rd_u32le(r), size = rd_u32le(r);

        if (!rd_ok(r) || size < BLOCK_HEADER || type == 0)
            return fault_set(fault, FAULT_SYNTAX, "a block behind the identity that is none");
        struct bytes block = rd_take(r, size - BLOCK_HEADER);
        if (type != MODULE_BLOCK || !rd_ok(r))
            continue;
        if (out->module_count == LIMIT_VBS_MODULES)
            return fault_set(fault, FAULT_LIMIT, "more modules than %d", LIMIT_VBS_MODULES);
        modules = ARENA_ROOM(a, modules, out->module_count, &cap);
        if (!read_module(block, &modules[out->module_count++]))
            return fault_set(fault, FAULT_SYNTAX, "a module that ends before its name");
    }
    out->modules = modules;
    return rd_end(r) || fault_set(fault, FAULT_SYNTAX, "the report ends within a block");
}

static bool read_statement(struct arena *a, struct vbs_report *out, struct fault *fault)
{
    struct reader r = rd_open(out->statement);
    uint32_t size = rd_u32le(&r), version = rd_u32le(&r);

    read_identity(&r, out);
    if (!rd_ok(&r) || size != out->statement.n)
        return fault_set(fault, FAULT_SYNTAX, "the report is shorter than an enclave's, or not as long as it says");
    if (version != REPORT_VERSION)
        return fault_set(fault, FAULT_SYNTAX, "the report is of a version other than 1");
    return read_blocks(a, &r, out, fault);
}

bool vbs_report_read(struct arena *a, struct bytes text, struct vbs_report *out, struct fault *fault)
{
    struct reader r = rd_open(text);
    uint32_t package = rd_u32le(&r), version = rd_u32le(&r);

    *out = (struct vbs_report){.scheme = rd_u32le(&r)};
    uint32_t statement = rd_u32le(&r), signature = rd_u32le(&r);
    rd_skip(&r, 4); /* reserved */
    out->statement = rd_take(&r, statement);
    out->signature = rd_take(&r, signature);
    if (!rd_end(&r) || package != text.n)
        return fault_set(fault, FAULT_SYNTAX, "the lengths in the package do not agree with its bytes");
    if (version != PACKAGE_VERSION || out->scheme != SCHEME_RSA_PSS)
        return fault_set(fault, FAULT_SYNTAX, "a package of another version, or signed by another scheme than RSA-PSS");
    return read_statement(a, out, fault);
}

bool vbs_report_decode(struct exam *x, struct bytes text, struct vbs_report *out)
{
    struct fault fault = {0};

    if (check_that(x, VBS_REPORT_SHAPE, vbs_report_read(x->arena, text, out, &fault)))
        return true;
    check_note(x->trace, "%s", fault.text);
    return false;
}

static struct bytes reversed(struct arena *a, struct bytes b)
{
    uint8_t *out = arena_alloc(a, b.n);

    for (size_t i = 0; i < b.n; i++)
        out[i] = b.p[b.n - 1 - i];
    return bytes_make(out, b.n);
}

static bool signed_by(struct exam *x, const struct vbs_report *r, const struct public_key *key)
{
    struct bytes hash = sha256_of(x->arena, r->statement);

    if (key->kind != KEY_RSA || r->signature.n > SIGNATURE_MOST)
        return false;
    return rsa_pss_verify(key, DIGEST_SHA256, hash, SALT_ANY, r->signature) ||
           rsa_pss_verify(key, DIGEST_SHA256, hash, SALT_ANY, reversed(x->arena, r->signature));
}

bool vbs_report_verify(struct exam *x, const struct vbs_report *r, const struct public_key *identity, struct bytes said)
{
    return check_that(x, VBS_IDENTITY_KEY, identity->kind == KEY_RSA) &&
           check_that(x, VBS_SIGNATURE, signed_by(x, r, identity)) &&
           check_eq(x, VBS_ENCLAVE_DATA, r->enclave_data, digest(x->arena, DIGEST_SHA512, said));
}

void vbs_report_skip(struct exam *x, const char *why)
{
    check_skip(x, VBS_REPORT_SHAPE, why);
    check_skip(x, VBS_IDENTITY_KEY, why);
    check_skip(x, VBS_SIGNATURE, why);
    check_skip(x, VBS_ENCLAVE_DATA, why);
}

static void claim_id(struct exam *x, const char *name, struct bytes id)
{
    claims_text(&x->incoming, name, base64url_encode(x->arena, id), CLAIM_POLICY);
}

void vbs_report_claims(struct exam *x, const struct vbs_report *r)
{
    claim_id(x, "enclaveAuthorId", r->author_id);
    claim_id(x, "enclaveImageId", r->image_id);
    claim_id(x, "enclaveOwnerId", r->owner_id);
    claim_id(x, "enclaveFamilyId", r->family_id);
    claims_integer(&x->incoming, "enclaveSvn", r->enclave_svn, CLAIM_POLICY);
    claims_integer(&x->incoming, "enclavePlatformSvn", r->platform_svn, CLAIM_POLICY);
    claims_integer(&x->incoming, "enclaveFlags", r->flags, CLAIM_POLICY);
}
