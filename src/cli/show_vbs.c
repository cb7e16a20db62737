#include "cli/show_vbs.h"

#include "base/text.h"
#include "cli/show_tpm.h"
#include "crypto/jose.h"
#include "evidence/parts/ncrypt_claim.h"
#include "evidence/parts/tpm.h"
#include "evidence/parts/vbs_report.h"

static const char *const flag_names[64] = {"full-debug", "dynamic-debug", "dynamic-debug-active"};

/* ASCII of UTF-16LE without its NUL; other characters as question marks. */
static struct bytes narrow(struct arena *a, struct bytes wide)
{
    struct reader r = rd_open(wide);
    struct writer w = wr_open(a);

    while (rd_left(&r) >= 2) {
        uint16_t c = rd_u16le(&r);

        if (c)
            wr_u8(&w, c >= ' ' && c < 127 ? (uint8_t)c : '?');
    }
    return wr_done(&w);
}

static struct json *module_tree(struct arena *a, const struct vbs_module *m)
{
    struct json *o = json_new(a, JSON_OBJECT);

    show_text(a, o, "name", narrow(a, m->name));
    show_hex(a, o, "unique_id", m->unique_id);
    show_hex(a, o, "author_id", m->author_id);
    show_hex(a, o, "family_id", m->family_id);
    show_hex(a, o, "image_id", m->image_id);
    show_number(a, o, "svn", m->svn);
    return o;
}

struct json *show_vbs_report(struct arena *a, struct bytes b, struct fault *fault)
{
    struct json *o = json_new(a, JSON_OBJECT), *modules = json_new(a, JSON_ARRAY);
    struct vbs_report r;

    if (!vbs_report_read(a, b, &r, fault))
        return NULL;
    show_string(a, o, "kind", "vbs");
    show_hex(a, o, "enclave_data", r.enclave_data);
    show_hex(a, o, "owner_id", r.owner_id);
    show_hex(a, o, "unique_id", r.unique_id);
    show_hex(a, o, "author_id", r.author_id);
    show_hex(a, o, "family_id", r.family_id);
    show_hex(a, o, "image_id", r.image_id);
    show_number(a, o, "enclave_svn", r.enclave_svn);
    show_number(a, o, "secure_kernel_svn", r.secure_kernel_svn);
    show_number(a, o, "platform_svn", r.platform_svn);
    show_bits(a, o, "flags", r.flags, flag_names);
    show_number(a, o, "signing_level", r.signing_level);
    show_string(a, o, "enclave_type", arena_printf(a, "0x%x", r.enclave_type));
    for (size_t i = 0; i < r.module_count; i++)
        json_append(modules, module_tree(a, &r.modules[i]));
    show_tree(o, "modules", modules);
    show_hex(a, o, "signature", r.signature);
    return o;
}

/* A structure inside another; what does not read is told, and the rest shown all the same. */
static void show_inside(struct arena *a, struct json *o, const char *name, struct bytes b,
                        struct json *(*show)(struct arena *, struct bytes, struct fault *))
{
    struct fault fault = {0};
    struct json *tree = show(a, b, &fault);

    if (tree)
        show_tree(o, name, tree);
    else
        show_string(a, o, name, arena_printf(a, "%zu bytes: %s", b.n, fault.text));
}

struct json *show_ncrypt_claim(struct arena *a, struct bytes b, struct fault *fault)
{
    struct json *o = json_new(a, JSON_OBJECT), *pcrs = json_new(a, JSON_OBJECT);
    struct ncrypt_claim c;

    if (!ncrypt_claim_read(b, &c, fault))
        return NULL;
    show_string(a, o, "kind", "ncrypt-platform-claim");
    show_string(a, o, "bank", arena_printf(a, "0x%04x", c.bank));
    show_inside(a, o, "quote", c.quote, show_tpm_attest);
    show_inside(a, o, "signature", c.signature, show_tpm_signature);
    for (size_t i = 0; i < TPM_PCRS; i++)
        show_hex(a, pcrs, arena_printf(a, "%zu", i), bytes_first(bytes_after(c.pcrs, i * c.pcr_size), c.pcr_size));
    show_tree(o, "pcrs", pcrs);
    return o;
}

/* Sealed by the service: all that others can tell of it. */
static struct json *context_tree(struct arena *a, struct bytes text)
{
    struct json *o = json_new(a, JSON_OBJECT);
    const struct json *context;
    struct bytes name = BYTES_NONE, sealed = BYTES_NONE;

    if (json_parse(a, text, NULL, &context, NULL)) {
        json_text(json_member(context, "ProtectionKeyName"), &name);
        if (json_text(json_member(context, "ProtectedContext"), &sealed))
            base64_decode(a, sealed, &sealed, NULL);
    }
    show_text(a, o, "protection_key_name", name);
    show_string(a, o, "protected_context", arena_printf(a, "%zu bytes that only the service can open", sealed.n));
    return o;
}

/* Members of base64: the decoded bytes where they have a view, else how many there are. */
static void show_member(struct arena *a, struct json *o, const struct json *m)
{
    const char *name = arena_string(a, m->name);
    struct bytes b;

    if (m->kind != JSON_STRING || !base64_decode(a, m->text, &b, NULL)) {
        show_tree(o, name, json_link(a, m));
    } else if (bytes_is(m->name, "service_context")) {
        show_tree(o, name, context_tree(a, b));
    } else if (bytes_is(m->name, "current_claim") || bytes_is(m->name, "boot_claim")) {
        show_inside(a, o, name, b, show_ncrypt_claim);
    } else if (bytes_is(m->name, "report") || bytes_is(m->name, "vsm_report")) {
        show_inside(a, o, name, b, show_vbs_report);
    } else if (bytes_is(m->name, "quote") || bytes_is(m->name, "certification")) {
        show_inside(a, o, name, b, show_tpm_attest);
    } else if (bytes_is(m->name, "signature")) {
        show_inside(a, o, name, b, show_tpm_signature);
    } else if (bytes_is(m->name, "public")) {
        show_inside(a, o, name, b, show_tpm_public);
    } else if (bytes_is(m->name, "log") || (m->name.n > 4 && bytes_is(bytes_after(m->name, m->name.n - 4), "_log"))) {
        show_string(a, o, name, arena_printf(a, "%zu bytes", b.n));
    } else {
        show_tree(o, name, json_link(a, m));
    }
}

/* An object of the payload with all that is inside, one level of recursion for each of its own, which the parser bounds. */
static struct json *payload_tree(struct arena *a, const struct json *v)
{
    struct json *o;

    if (v->kind != JSON_OBJECT && v->kind != JSON_ARRAY)
        return json_link(a, v);
    o = json_new(a, v->kind);
    JSON_EACH (m, v) {
        if (v->kind == JSON_ARRAY)
            json_append(o, payload_tree(a, m));
        else if (m->kind == JSON_OBJECT || m->kind == JSON_ARRAY)
            show_tree(o, arena_string(a, m->name), payload_tree(a, m));
        else
            show_member(a, o, m);
    }
    return o;
}

static struct json *request_tree(struct arena *a, struct bytes text)
{
    struct json *o = json_new(a, JSON_OBJECT);
    const struct json *payload;
    struct fault fault = {0};
    struct jws jws;

    if (!jws_decode(a, text, false, &jws, &fault) || !json_parse(a, jws.payload, NULL, &payload, &fault)) {
        show_string(a, o, "fault", arena_printf(a, "%s", fault.text));
        return o;
    }
    show_tree(o, "header", json_link(a, jws.header));
    show_tree(o, "payload", payload_tree(a, payload));
    show_hex(a, o, "signature", jws.signature);
    return o;
}

static struct json *report_tree(struct arena *a, struct bytes text)
{
    struct token_parts parts;
    struct fault fault = {0};

    if (token_split(a, text, &parts, &fault))
        return show_token(a, &parts, true);
    return json_new_text(a, bytes_text(arena_printf(a, "%s", fault.text)));
}

struct json *show_tpm_message(struct arena *a, struct bytes b, struct fault *fault)
{
    struct json *o = json_new(a, JSON_OBJECT);
    const struct json *root, *message;
    struct bytes text;

    if (!json_parse(a, bytes_trim_end(b), NULL, &root, fault))
        return NULL;
    if (json_text(json_member(root, "data"), &text) && root->count == 1 && base64_decode(a, text, &b, NULL))
        return show_tpm_message(a, b, fault);
    show_string(a, o, "kind", "tpm-message");
    if (json_member(root, "ProtectionKeyName")) {
        show_tree(o, "service_context", context_tree(a, root->span));
        return o;
    }
    message = json_member(root, "payload");
    message = message ? message : root;
    JSON_EACH (m, message) {
        if (bytes_is(m->name, "request") && m->kind == JSON_STRING)
            show_tree(o, "request", request_tree(a, m->text));
        else if (bytes_is(m->name, "report") && m->kind == JSON_STRING)
            show_tree(o, "report", report_tree(a, m->text));
        else if (m->kind == JSON_OBJECT || m->kind == JSON_ARRAY)
            show_tree(o, arena_string(a, m->name), payload_tree(a, m));
        else if (!bytes_is(m->name, "kind"))
            show_member(a, o, m);
    }
    return o;
}
