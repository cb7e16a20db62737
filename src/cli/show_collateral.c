/* Intel's endorsements as trees, alone and in the bundles of Open Enclave (sgx-tdx.md 6, 9.5). */
#include "base/text.h"
#include "cli/show_intel.h"

struct json *show_collateral(struct arena *a, struct bytes b, struct fault *fault)
{
    static const struct {
        const char *member, *kind;
    } kinds[] = {{"tcbInfo", "tcb-info"},
                 {"enclaveIdentity", "enclave-identity"},
                 {"tcbEvaluationDataNumbers", "tcb-evaluation-data-numbers"}};
    struct json *o = json_new(a, JSON_OBJECT);
    const struct json *root;

    if (!json_parse(a, bytes_trim_end(b), NULL, &root, fault))
        return NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (json_member(root, kinds[i].member))
            show_string(a, o, "kind", kinds[i].kind);
    JSON_EACH (item, root)
        if (!bytes_is(item->name, "kind"))
            json_set(o, item->name, json_link(a, item));
    return o;
}

static struct json *chain_tree(struct arena *a, struct bytes pem)
{
    struct json *list = json_new(a, JSON_ARRAY);
    const struct certificate *c;
    size_t count;

    if (!certificates_decode(a, pem, &c, &count, NULL))
        return json_new_text(a, hex_encode(a, pem));
    for (; c; c = c->next)
        json_append(list, show_certificate(a, c));
    return list;
}

static struct json *crl_tree(struct arena *a, struct bytes text)
{
    const struct crl *c;

    return crl_decode(a, text, &c, NULL) ? show_crl(a, c) : json_new_text(a, hex_encode(a, text));
}

static struct json *document_tree(struct arena *a, struct bytes text)
{
    struct json *o = show_collateral(a, bytes_trim_nul(text), NULL);

    return o ? o : json_new_text(a, hex_encode(a, text));
}

static struct json *text_tree(struct arena *a, struct bytes text)
{
    return json_new_text(a, text_clean(a, bytes_trim_nul(text)));
}

static struct json *hex_tree(struct arena *a, struct bytes b)
{
    return json_new_text(a, hex_encode(a, b));
}

struct item {
    const char *name;
    struct json *(*tree)(struct arena *, struct bytes);
};
static const struct item sgx_items[] = {{"version", hex_tree},
                                        {"tcb_info", document_tree},
                                        {"tcb_issuer_chain", chain_tree},
                                        {"pck_crl", crl_tree},
                                        {"root_ca_crl", crl_tree},
                                        {"pck_crl_issuer_chain", chain_tree},
                                        {"qe_identity", document_tree},
                                        {"qe_identity_issuer_chain", chain_tree},
                                        {"creation_time", text_tree}};
static const struct item tdx_items[] = {
    {"pck_crl_issuer_chain", chain_tree}, {"root_ca_crl", crl_tree},   {"pck_crl", crl_tree},
    {"tcb_issuer_chain", chain_tree},     {"tcb_info", document_tree}, {"qe_identity_issuer_chain", chain_tree},
    {"qe_identity", document_tree}};
enum {
    SGX_ITEMS = sizeof sgx_items / sizeof *sgx_items,
    TDX_ITEMS = sizeof tdx_items / sizeof *tdx_items,
    BUNDLE_MAX = 64, /* items that a later version may have */
};

/* Items between ascending offsets; those past the ninth are of a later version and shown as bytes. */
static bool show_sgx_items(struct arena *a, struct json *o, struct reader *r)
{
    uint32_t offset[BUNDLE_MAX + 1], size, count;
    struct bytes data;

    rd_skip(r, 8); /* version and enclave type, which recognised it */
    size = rd_u32le(r);
    count = rd_u32le(r);
    if (!rd_ok(r) || count == 0 || count > BUNDLE_MAX || size < 4 * count)
        return false;
    for (uint32_t i = 0; i < count; i++)
        offset[i] = rd_u32le(r);
    offset[count] = size - 4 * count;
    data = rd_take(r, size - 4 * count);
    if (!rd_ok(r))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (offset[i] > offset[i + 1] || offset[i + 1] > data.n)
            return false;
        struct bytes b = bytes_first(bytes_after(data, offset[i]), offset[i + 1] - offset[i]);
        struct item unknown = {arena_printf(a, "item_%u", i), hex_tree};
        const struct item *item = i < SGX_ITEMS ? &sgx_items[i] : &unknown;

        show_tree(o, item->name, item->tree(a, b));
    }
    return true;
}

static bool show_tdx_items(struct arena *a, struct json *o, struct reader *r)
{
    uint32_t size[TDX_ITEMS];

    rd_skip(r, 8); /* version and TEE type, which recognised it */
    for (size_t i = 0; i < TDX_ITEMS; i++) {
        rd_skip(r, 8); /* a pointer of the process that wrote it */
        size[i] = rd_u32le(r);
        rd_skip(r, 4);
    }
    for (size_t i = 0; i < TDX_ITEMS; i++) {
        struct bytes b = rd_take(r, size[i]);

        if (!rd_ok(r))
            return false;
        show_tree(o, tdx_items[i].name, tdx_items[i].tree(a, b));
    }
    return true;
}

struct json *show_oe_endorsements(struct arena *a, struct bytes b, struct fault *fault)
{
    struct json *o = json_new(a, JSON_OBJECT);
    struct reader r = rd_open(b), look = r;
    uint32_t version = rd_u32le(&look);
    bool ok;

    show_string(a, o, "kind", "oe-endorsements");
    if (version == 3) { /* the header of OE evidence */
        rd_skip(&r, 4);
        show_hex(a, o, "format", rd_take(&r, 16));
        rd_skip(&r, 12);
    }
    show_string(a, o, "tee", version == 4 ? "TDX" : "SGX");
    ok = version == 4 ? show_tdx_items(a, o, &r) : show_sgx_items(a, o, &r);
    if (!ok)
        fault_set(fault, FAULT_SYNTAX, "the items of the endorsements do not lie within the file");
    return ok ? o : NULL;
}
