/* The paravisor's report and what travels with it, field by field. Tolerant where verification is not. */
#include "cli/show_guest.h"

#include "base/text.h"
#include "cli/show_amd.h"
#include "cli/show_intel.h"
#include "evidence/parts/hcl_report.h"

/* A decoded part under its name; what cannot be decoded is told in its place. */
static void show_part(struct arena *a, struct json *o, const char *name, struct json *tree, const struct fault *fault)
{
    if (tree)
        show_tree(o, name, tree);
    else
        show_string(a, o, name, arena_printf(a, "unreadable: %s", fault->text));
}

/* A TDREPORT by what it binds: the rest of it, a TD quote states too, and there signed. */
static struct json *td_report_tree(struct arena *a, const struct hcl_report *r)
{
    struct json *o = json_new(a, JSON_OBJECT);

    show_string(a, o, "kind", "tdreport");
    show_hex(a, o, "report_data", hcl_report_data(r));
    show_hex(a, o, "bytes", bytes_first(r->hardware, TD_MAC_REPORT_SIZE));
    return o;
}

static void show_hardware(struct arena *a, struct json *o, const struct hcl_report *r)
{
    struct fault fault = {0};

    if (r->type == HCL_SNP)
        show_part(a, o, "hardware_report", show_snp(a, r->hardware, &fault), &fault);
    else if (r->type == HCL_TDX)
        show_tree(o, "hardware_report", td_report_tree(a, r));
    else
        show_hex(a, o, "hardware_report", r->hardware);
}

struct json *show_hcl(struct arena *a, struct bytes b, struct fault *fault)
{
    struct json *o = json_new(a, JSON_OBJECT);
    struct fault reason = {0};
    struct hcl_report r;
    const struct json *claims;

    if (!hcl_report_read(b, &r, fault))
        return NULL;
    show_string(a, o, "kind", "hcl-report");
    show_number(a, o, "version", r.version);
    show_string(a, o, "request_type", hcl_request_name(r.request));
    show_number(a, o, "status", r.status);
    show_string(a, o, "report_type", hcl_type_name(r.type));
    show_hardware(a, o, &r);
    show_hex(a, o, "runtime_claims_sha256", sha256_of(a, r.claims));
    show_flag(a, o, "bound",
              hcl_report_data(&r).n &&
                  bytes_equal(bytes_first(hcl_report_data(&r), SHA256_SIZE), sha256_of(a, r.claims)));
    if (json_parse(a, bytes_trim_end(r.claims), NULL, &claims, &reason))
        show_tree(o, "runtime_claims", json_link(a, claims));
    else
        show_text(a, o, "runtime_claims", text_clean(a, r.claims));
    return o;
}

/* ------------------------------------------------------------------------------------------ of Confidential Containers */

static struct bytes decoded(struct arena *a, const struct json *root, const char *name)
{
    struct bytes text, out;

    return json_text(json_member(root, name), &text) && base64_decode(a, text, &out, NULL) ? out : BYTES_NONE;
}

static void show_certificates(struct arena *a, struct json *o, const char *name, struct bytes text)
{
    struct json *list = json_new(a, JSON_ARRAY);
    const struct certificate *c;
    struct fault fault = {0};
    size_t count;

    if (!certificates_decode(a, text, &c, &count, &fault)) {
        show_part(a, o, name, NULL, &fault);
        return;
    }
    for (; c; c = c->next)
        json_append(list, show_certificate(a, c));
    show_tree(o, name, list);
}

struct json *show_azure_vtpm(struct arena *a, struct bytes b, struct fault *fault)
{
    struct json *o = json_new(a, JSON_OBJECT);
    struct fault reason = {0};
    const struct json *root, *quote;

    if (!json_parse(a, bytes_trim_end(b), NULL, &root, fault))
        return NULL;
    if (!json_member(root, "hcl_report"))
        root = json_member(root, "evidence"); /* one producer names the platform beside it */
    show_string(a, o, "kind", "azure-vtpm-evidence");
    show_part(a, o, "hcl_report", show_hcl(a, decoded(a, root, "hcl_report"), &reason), &reason);
    if ((quote = json_member(root, "tpm_quote")))
        show_tree(o, "tpm_quote", json_link(a, quote));
    reason = (struct fault){0};
    if (json_member(root, "vcek"))
        show_certificates(a, o, "vcek", decoded(a, root, "vcek"));
    if (json_member(root, "td_quote"))
        show_part(a, o, "td_quote", show_quote(a, decoded(a, root, "td_quote"), &reason), &reason);
    return o;
}
