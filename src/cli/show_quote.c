/* SGX and TDX quotes field by field, and the wrappings of Open Enclave. Tolerant where verification is not: what is there
 * is shown, and what is not is said. */
#include "cli/show_intel.h"

#include "base/text.h"
#include "evidence/parts/sgx_report.h"
#include "evidence/parts/td_report.h"

enum form { HEX, NUMBER, RESERVED };
struct field {
    const char *name;
    uint8_t size;
    enum form form;
};

/* sgx-tdx.md 1.1 */
static const struct field header_v3[] = {
    {"version", 2, NUMBER}, {"attestation_key_type", 2, NUMBER}, {"reserved", 4, RESERVED}, {"qe_svn", 2, NUMBER},
    {"pce_svn", 2, NUMBER}, {"qe_vendor_id", 16, HEX},           {"user_data", 20, HEX},    {NULL, 0, HEX}};
static const struct field header_v4[] = {{"version", 2, NUMBER},
                                         {"attestation_key_type", 2, NUMBER},
                                         {"tee_type", 4, HEX},
                                         {"reserved", 4, RESERVED},
                                         {"qe_vendor_id", 16, HEX},
                                         {"user_data", 20, HEX},
                                         {NULL, 0, HEX}};
/* 2 */
static const struct field sgx_report[] = {{"cpusvn", 16, HEX},
                                          {"miscselect", 4, HEX},
                                          {"reserved_20", 12, RESERVED},
                                          {"isvextprodid", 16, HEX},
                                          {"attributes", 8, HEX},
                                          {"xfrm", 8, HEX},
                                          {"mrenclave", 32, HEX},
                                          {"reserved_96", 32, RESERVED},
                                          {"mrsigner", 32, HEX},
                                          {"reserved_160", 32, RESERVED},
                                          {"configid", 64, HEX},
                                          {"isvprodid", 2, NUMBER},
                                          {"isvsvn", 2, NUMBER},
                                          {"configsvn", 2, NUMBER},
                                          {"reserved_262", 42, RESERVED},
                                          {"isvfamilyid", 16, HEX},
                                          {"report_data", 64, HEX},
                                          {NULL, 0, HEX}};
/* 3.1, 3.2 */
static const struct field td_report[] = {
    {"tee_tcb_svn", 16, HEX},  {"mrseam", 48, HEX},        {"mrsignerseam", 48, HEX}, {"seam_attributes", 8, HEX},
    {"td_attributes", 8, HEX}, {"xfam", 8, HEX},           {"mrtd", 48, HEX},         {"mrconfigid", 48, HEX},
    {"mrowner", 48, HEX},      {"mrownerconfig", 48, HEX}, {"rtmr0", 48, HEX},        {"rtmr1", 48, HEX},
    {"rtmr2", 48, HEX},        {"rtmr3", 48, HEX},         {"report_data", 64, HEX},  {NULL, 0, HEX}};
static const struct field td_report_15[] = {{"tee_tcb_svn_2", 16, HEX}, {"mrservicetd", 48, HEX}, {NULL, 0, HEX}};
static const struct field td_report_15ex[] = {{"vmid", 1, NUMBER},
                                              {"td_id", 32, HEX},
                                              {"devinfo", 48, HEX},
                                              {"init_servtd_hash", 48, HEX},
                                              {"init_servtd_attr", 8, HEX},
                                              {"init_cpusvn", 16, HEX},
                                              {"init_tee_tcb_svn", 16, HEX},
                                              {"init_tee_fmspc", 12, HEX},
                                              {"curr_servtd_hash", 48, HEX},
                                              {"curr_servtd_attr", 8, HEX},
                                              {NULL, 0, HEX}};
/* 1.5: platform identities without a certificate */
static const struct field ppid_tail[] = {{"cpusvn", 16, HEX}, {"pcesvn", 2, NUMBER}, {"pceid", 2, HEX}, {NULL, 0, HEX}};

enum { TEE_TDX = 0x81 };

static uint64_t little_endian(struct bytes b)
{
    uint64_t v = 0;

    for (size_t i = b.n; i-- > 0;)
        v = v << 8 | b.p[i];
    return v;
}

static void show_fields(struct arena *a, struct json *o, struct reader *r, const struct field *f)
{
    for (; f->name; f++) {
        struct bytes b = rd_take(r, f->size);

        if (!rd_ok(r))
            return;
        if (f->form == NUMBER)
            show_number(a, o, f->name, (int64_t)little_endian(b));
        else if (f->form == HEX || !bytes_all_zero(b)) /* reserved bytes are worth a line when they are not zero */
            show_hex(a, o, f->name, b);
    }
}

static struct json *sgx_report_tree(struct arena *a, struct bytes body)
{
    static const char *const flags[64] = {
        [0] = "INIT",           [1] = "DEBUG", [2] = "MODE64BIT", [4] = "PROVISION_KEY",
        [5] = "EINITTOKEN_KEY", [6] = "CET",   [7] = "KSS",       [10] = "AEX_NOTIFY"};
    struct json *o = json_new(a, JSON_OBJECT);
    struct reader r = rd_open(body);

    show_fields(a, o, &r, sgx_report);
    show_bits(a, o, "flags", little_endian(bytes_first(bytes_after(body, 48), 8)), flags);
    return o;
}

static struct json *td_report_tree(struct arena *a, struct bytes body)
{
    static const char *const flags[64] = {
        [0] = "DEBUG",       [4] = "HGS_PLUS_PROF", [5] = "PERF_PROF", [6] = "PMT_PROF",
        [16] = "ICSSD",      [17] = "SERVTD_EXT",   [27] = "LASS",     [28] = "SEPT_VE_DISABLE",
        [29] = "MIGRATABLE", [30] = "PKS",          [31] = "KL",       [63] = "PERFMON"};
    struct json *o = json_new(a, JSON_OBJECT);
    struct reader r = rd_open(body);

    show_fields(a, o, &r, td_report);
    if (body.n >= TD_REPORT_15_SIZE)
        show_fields(a, o, &r, td_report_15);
    if (body.n >= TD_REPORT_15EX_SIZE)
        show_fields(a, o, &r, td_report_15ex);
    show_bits(a, o, "flags", little_endian(bytes_first(bytes_after(body, 120), 8)), flags);
    return o;
}

static struct json *certificates_tree(struct arena *a, struct bytes pem)
{
    struct json *list = json_new(a, JSON_ARRAY);
    const struct certificate *c;
    struct fault fault = {0};
    size_t count;

    if (!certificates_decode(a, pem, &c, &count, &fault))
        json_append(list, json_new_text(a, bytes_text(arena_printf(a, "unreadable: %s", fault.text))));
    else
        for (; c; c = c->next)
            json_append(list, show_certificate(a, c));
    return list;
}

static struct json *certification_tree(struct arena *a, unsigned type, struct bytes data)
{
    static const char *const names[] = {"",
                                        "PPID, plain",
                                        "PPID, encrypted with RSA-2048-OAEP",
                                        "PPID, encrypted with RSA-3072-OAEP",
                                        "PCK certificate",
                                        "PCK certificate chain",
                                        "QE report certification data",
                                        "platform manifest"};
    static const size_t ppid_size[] = {0, 16, 256, 384};
    struct json *o = json_new(a, JSON_OBJECT);
    struct reader r = rd_open(data);

    show_number(a, o, "type", type);
    show_string(a, o, "type_name", type < 8 && type ? names[type] : "unknown");
    show_number(a, o, "size", (int64_t)data.n);
    if (type >= 1 && type <= 3) {
        show_hex(a, o, "ppid", rd_take(&r, ppid_size[type]));
        show_fields(a, o, &r, ppid_tail);
    } else if (type == 4 || type == 5) {
        show_tree(o, "certificates", certificates_tree(a, data));
    } else {
        show_hex(a, o, "data", data);
    }
    return o;
}

/* The QE's report, what it says about itself, and who vouches for it: the same in all versions but for the wrapper. */
static void show_qe(struct arena *a, struct json *o, struct reader *r)
{
    struct bytes report = rd_take(r, SGX_REPORT_SIZE), signature = rd_take(r, 64), auth = rd_take(r, rd_u16le(r));
    unsigned type = rd_u16le(r);
    size_t size = rd_u32le(r);
    bool whole = rd_ok(r);

    if (!whole) {
        show_string(a, o, "cut_short", "the QE report is not whole");
        return;
    }
    show_tree(o, "qe_report", sgx_report_tree(a, report));
    show_hex(a, o, "qe_report_signature", signature);
    show_hex(a, o, "qe_auth_data", auth);
    if (size > rd_left(r)) {
        show_string(a, o, "cut_short", "the certification data is longer than the quote");
        size = rd_left(r);
    }
    show_tree(o, "certification_data", certification_tree(a, type, rd_take(r, size)));
}

static struct json *signature_tree(struct arena *a, struct bytes data, bool wrapped)
{
    struct json *o = json_new(a, JSON_OBJECT);
    struct reader r = rd_open(data);

    show_number(a, o, "size", (int64_t)data.n);
    show_hex(a, o, "signature", rd_take(&r, 64));
    show_hex(a, o, "attestation_key", rd_take(&r, 64));
    if (wrapped) {
        show_number(a, o, "outer_type", rd_u16le(&r));
        show_number(a, o, "outer_size", rd_u32le(&r));
    }
    show_qe(a, o, &r);
    return o;
}

/* The report body of versions 3 and 4 by the TEE, of version 5 by its own type and size. */
static bool show_body(struct arena *a, struct json *o, struct reader *r, unsigned version, uint32_t tee)
{
    bool is_td = tee == TEE_TDX;
    size_t size = is_td ? TD_REPORT_10_SIZE : SGX_REPORT_SIZE;

    if (version == 5) {
        unsigned type = rd_u16le(r);

        size = rd_u32le(r);
        is_td = type != 1;
        show_number(a, o, "body_type", type);
        show_number(a, o, "body_size", (int64_t)size);
    }
    struct bytes body = rd_take(r, size);
    if (!rd_ok(r) || body.n < (is_td ? TD_REPORT_10_SIZE : SGX_REPORT_SIZE))
        return false;
    show_tree(o, "report", is_td ? td_report_tree(a, body) : sgx_report_tree(a, body));
    return true;
}

static struct json *quote_tree(struct arena *a, struct bytes b, size_t *used, struct fault *fault)
{
    struct json *o = json_new(a, JSON_OBJECT), *head = json_new(a, JSON_OBJECT);
    struct reader r = rd_open(b), look = r;
    unsigned version = rd_u16le(&look);
    rd_skip(&look, 2);
    uint32_t tee = version == 3 ? 0 : rd_u32le(&look), size;

    if (version < 3 || version > 5) {
        fault_set(fault, FAULT_SYNTAX,
                  version == 1 || version == 2
                      ? "a quote of version %u is of the EPID kind, which nobody can verify any more"
                      : "no quote: version %u",
                  version);
        return NULL;
    }
    show_string(a, o, "kind", tee == TEE_TDX ? "tdx-quote" : "sgx-quote");
    show_fields(a, head, &r, version == 3 ? header_v3 : header_v4);
    show_tree(o, "header", head);
    if (!show_body(a, o, &r, version, tee)) {
        fault_set(fault, FAULT_SYNTAX, "the quote ends within its header or report (%zu bytes)", b.n);
        return NULL;
    }
    size = rd_u32le(&r);
    if (!rd_ok(&r) || size > rd_left(&r)) {
        fault_set(fault, FAULT_SYNTAX, "the quote ends within its signature data (%zu bytes)", b.n);
        return NULL;
    }
    show_tree(o, "signature_data", signature_tree(a, rd_take(&r, size), version != 3));
    *used = b.n - rd_left(&r);
    return o;
}

/* Serialised custom claims (9.3): false when the bytes are a flat buffer, which is as good. */
static bool show_custom_claims(struct arena *a, struct json *o, struct bytes b)
{
    struct reader r = rd_open(b);
    uint64_t version = rd_u64le(&r), count = rd_u64le(&r);
    struct json *list = json_new(a, JSON_OBJECT);

    if (version != 1 || count == 0 || count > 256)
        return false;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t name_size = rd_u64le(&r), value_size = rd_u64le(&r);

        if (!rd_ok(&r) || name_size > rd_left(&r) || value_size > rd_left(&r))
            return false;
        struct bytes name = text_clean(a, bytes_trim_nul(rd_take(&r, (size_t)name_size))),
                     value = rd_take(&r, (size_t)value_size);
        if (!rd_ok(&r))
            return false;
        JSON_EACH (item, list)
            if (bytes_equal(item->name, name))
                return false;
        json_set(list, name, json_new_text(a, hex_encode(a, value)));
    }
    if (!rd_end(&r))
        return false;
    show_tree(o, "custom_claims", list);
    return true;
}

struct json *show_quote(struct arena *a, struct bytes b, struct fault *fault)
{
    size_t used = 0;
    struct json *o = quote_tree(a, b, &used, fault);
    struct bytes rest = bytes_after(b, used);

    if (!o || !rest.n)
        return o;
    show_number(a, o, "trailing_bytes", (int64_t)rest.n); /* padding; or custom claims, then this is OE evidence */
    if (!bytes_all_zero(rest) && !show_custom_claims(a, o, rest))
        show_hex(a, o, "trailing", rest);
    return o;
}

static struct json *oe_quote(struct arena *a, struct json *o, struct bytes data, struct fault *fault)
{
    size_t used = 0;
    struct json *quote = quote_tree(a, data, &used, fault);
    struct bytes rest = bytes_after(data, used);

    if (!quote)
        return NULL;
    show_tree(o, "quote", quote);
    if (rest.n && !show_custom_claims(a, o, rest))
        show_hex(a, o, "custom_claims_buffer", rest);
    return o;
}

/* One header (9.1, 9.3) and what it announces; version 2 had a report inside. */
static struct json *oe_tree(struct arena *a, struct bytes b, bool inner, struct fault *fault)
{
    struct json *o = json_new(a, JSON_OBJECT);
    struct reader r = rd_open(b);
    uint32_t version = rd_u32le(&r), type = 0;

    if (version == 0 || version > 3) { /* without a header: quote, then custom claims */
        show_string(a, o, "kind", "oe-evidence");
        return oe_quote(a, o, b, fault);
    }
    show_string(a, o, "kind", version == 1 ? "oe-report" : "oe-evidence");
    show_number(a, o, "version", version);
    if (version == 1) {
        type = rd_u32le(&r);
        show_number(a, o, "report_type", type);
    } else {
        show_hex(a, o, "format", rd_take(&r, 16));
        rd_skip(&r, 4);
    }
    uint64_t size = rd_u64le(&r);
    if (!rd_ok(&r) || size > rd_left(&r)) {
        fault_set(fault, FAULT_SYNTAX, "the header announces more bytes than there are");
        return NULL;
    }
    show_number(a, o, "size", (int64_t)size);
    struct bytes data = rd_take(&r, (size_t)size);
    if (rd_left(&r))
        show_number(a, o, "trailing_bytes", (int64_t)rd_left(&r));
    if (version == 2 && !inner) {
        struct json *report = oe_tree(a, data, true, fault);

        if (report)
            show_tree(o, "report", report);
        return report ? o : NULL;
    }
    if (type == 1) { /* made for an enclave on the same machine; nobody else can verify it */
        show_hex(a, o, "local_report", data);
        return o;
    }
    return oe_quote(a, o, data, fault);
}

struct json *show_oe(struct arena *a, struct bytes b, struct fault *fault)
{
    return oe_tree(a, b, false, fault);
}
