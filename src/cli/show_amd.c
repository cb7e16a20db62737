/* SEV-SNP reports, what requests put round them, and AMD's extensions, field by field. Tolerant where verification is not. */
#include "cli/show_amd.h"

#include "base/text.h"
#include "evidence/parts/snp_report.h"
#include "evidence/parts/uvm.h"

static void show_components(struct arena *a, struct json *o, const char *name, enum snp_product product,
                            const struct snp_tcb *tcb)
{
    struct json *tree = json_new(a, JSON_OBJECT);

    if (product == SNP_TURIN)
        show_number(a, tree, "fmc", tcb->fmc);
    show_number(a, tree, "bootloader", tcb->bootloader);
    show_number(a, tree, "tee", tcb->tee);
    show_number(a, tree, "snp", tcb->snp);
    show_number(a, tree, "microcode", tcb->microcode);
    show_tree(o, name, tree);
}

void show_amd_extensions(struct arena *a, struct json *o, const struct certificate *c)
{
    struct json *tree = json_new(a, JSON_OBJECT);
    struct fault fault = {0};
    struct amd_leaf leaf;

    if (!amd_leaf_named(c))
        return;
    if (!amd_leaf_decode(c, &leaf, &fault)) {
        show_string(a, tree, "unreadable", arena_printf(a, "%s", fault.text));
        show_tree(o, "amd", tree);
        return;
    }
    show_number(a, tree, "struct_version", (int64_t)leaf.struct_version);
    show_text(a, tree, "product_name", leaf.product_name);
    show_components(a, tree, "tcb", leaf.product, &leaf.tcb);
    show_text(a, tree, "tcb_name", snp_tcb_name(a, snp_tcb_raw(a, leaf.product, &leaf.tcb)));
    if (leaf.vlek)
        show_text(a, tree, "csp_id", leaf.csp_id);
    else
        show_hex(a, tree, "hw_id", leaf.hw_id);
    show_tree(o, "amd", tree);
}

/* Reports of version 2 do not tell their product; there was no Turin yet. */
static void show_tcb(struct arena *a, struct json *o, const char *name, const struct snp_report *r, struct bytes raw)
{
    enum snp_product product = SNP_MILAN;
    struct json *tree = json_new(a, JSON_OBJECT);

    show_text(a, tree, "name", snp_tcb_name(a, raw));
    if (r->version < SNP_VERSION_CPUID || snp_report_product(r, &product)) {
        struct snp_tcb tcb = snp_tcb_read(product, raw);

        show_components(a, tree, "components", product, &tcb);
    }
    show_tree(o, name, tree);
}

static void show_policy(struct arena *a, struct json *o, const struct snp_report *r)
{
    static const char *const bits[64] = {
        [SNP_POLICY_SMT] = "SMT",
        [SNP_POLICY_RESERVED_ONE] = "reserved, always set",
        [SNP_POLICY_MIGRATION] = "MIGRATE_MA",
        [SNP_POLICY_DEBUG] = "DEBUG",
        [SNP_POLICY_SINGLE_SOCKET] = "SINGLE_SOCKET",
        [SNP_POLICY_CXL] = "CXL_ALLOW",
        [SNP_POLICY_AES_256_XTS] = "MEM_AES_256_XTS",
        [SNP_POLICY_RAPL_DISABLED] = "RAPL_DIS",
        [SNP_POLICY_CIPHERTEXT_HIDING] = "CIPHERTEXT_HIDING_DRAM",
        [SNP_POLICY_PAGE_SWAP_DISABLED] = "PAGE_SWAP_DISABLE",
    };
    struct json *tree = json_new(a, JSON_OBJECT);

    show_string(a, tree, "value", arena_printf(a, "0x%llx", (unsigned long long)r->policy));
    show_string(a, tree, "least_abi",
                arena_printf(a, "%u.%u", (unsigned)(r->policy >> 8 & 0xff), (unsigned)(r->policy & 0xff)));
    show_bits(a, tree, "flags", r->policy & ~UINT64_C(0xffff), bits);
    show_tree(o, "policy", tree);
}

static void show_platform(struct arena *a, struct json *o, const struct snp_report *r)
{
    static const char *const bits[64] = {
        "SMT_EN", "TSME_EN",   "ECC_EN", "RAPL_DIS", "CIPHERTEXT_HIDING_DRAM_EN", "ALIAS_CHECK_COMPLETE",
        NULL,     "SEV_TIO_EN"};
    static const char *const keys[] = {"VCEK",     "VLEK",     "reserved", "reserved",
                                       "reserved", "reserved", "reserved", "none"};
    enum snp_product product;

    show_bits(a, o, "platform_info", r->platform_info, bits);
    show_string(a, o, "signing_key", keys[snp_report_key(r)]);
    show_flag(a, o, "author_key", snp_report_author_key(r));
    show_flag(a, o, "mask_chip_key", snp_report_key_masked(r));
    if (r->version >= SNP_VERSION_CPUID) {
        show_string(a, o, "processor",
                    arena_printf(a, "family 0x%02x, model 0x%02x, stepping %u", r->family, r->model, r->stepping));
        show_string(a, o, "product", snp_report_product(r, &product) ? snp_product_name(product) : "not known here");
    }
}

static void show_firmware(struct arena *a, struct json *o, const char *name, const struct snp_firmware *f)
{
    show_string(a, o, name, arena_printf(a, "%u.%u.%u", f->major, f->minor, f->build));
}

static struct json *report_tree(struct arena *a, const struct snp_report *r)
{
    struct json *o = json_new(a, JSON_OBJECT);

    show_string(a, o, "kind", "snp-report");
    show_number(a, o, "version", r->version);
    show_number(a, o, "guest_svn", r->guest_svn);
    show_policy(a, o, r);
    show_hex(a, o, "family_id", r->family_id);
    show_hex(a, o, "image_id", r->image_id);
    show_number(a, o, "vmpl", r->vmpl);
    show_number(a, o, "signature_algorithm", r->algorithm);
    show_platform(a, o, r);
    show_hex(a, o, "report_data", r->report_data);
    show_hex(a, o, "measurement", r->measurement);
    show_hex(a, o, "host_data", r->host_data);
    show_hex(a, o, "id_key_digest", r->id_key_digest);
    show_hex(a, o, "author_key_digest", r->author_key_digest);
    show_hex(a, o, "report_id", r->report_id);
    show_hex(a, o, "report_id_ma", r->report_id_ma);
    show_hex(a, o, "chip_id", r->chip_id);
    show_tcb(a, o, "reported_tcb", r, r->reported_tcb);
    show_tcb(a, o, "current_tcb", r, r->current_tcb);
    show_tcb(a, o, "committed_tcb", r, r->committed_tcb);
    show_tcb(a, o, "launch_tcb", r, r->launch_tcb);
    show_firmware(a, o, "current_firmware", &r->current);
    show_firmware(a, o, "committed_firmware", &r->committed);
    if (r->version >= SNP_VERSION_MITIGATION) {
        show_number(a, o, "launch_mitigation_vector", (int64_t)r->launch_mitigation);
        show_number(a, o, "current_mitigation_vector", (int64_t)r->current_mitigation);
    }
    show_hex(a, o, "signature", r->signature);
    if (r->reserved)
        show_string(a, o, "reserved", r->reserved);
    return o;
}

struct json *show_uvm(struct arena *a, struct bytes b, struct fault *fault)
{
    struct json *o = json_new(a, JSON_OBJECT), *list = json_new(a, JSON_ARRAY);
    struct uvm_statement says;

    if (!uvm_read(a, b, &says, fault))
        return NULL;
    show_string(a, o, "kind", "uvm-endorsement");
    show_string(a, o, "form", says.cwt ? "cwt" : "legacy");
    show_text(a, o, "issuer", text_clean(a, says.issuer));
    show_text(a, o, "feed", text_clean(a, says.feed));
    show_number(a, o, "svn", (int64_t)says.svn);
    show_hex(a, o, "launch_measurement", says.measurement);
    for (const struct certificate *c = says.leaf; c; c = c->next)
        json_append(list, show_certificate_brief(a, c));
    show_tree(o, "certificates", list);
    return o;
}

/* A member in base64; none where it is absent or is no base64. */
static struct bytes member(struct arena *a, const struct json *root, const char *name)
{
    struct bytes text, out;

    return json_text(json_member_nocase(root, name), &text) && base64_decode(a, text, &out, NULL) ? out : BYTES_NONE;
}

static struct json *evidence_tree(struct arena *a, const struct json *root, struct fault *fault)
{
    struct json *o = json_new(a, JSON_OBJECT), *list = json_new(a, JSON_ARRAY);
    struct bytes endorsements = member(a, root, "Endorsements");
    const struct certificate *c;
    struct snp_report report;
    size_t count;

    if (!snp_report_read(a, member(a, root, "SnpReport"), &report)) {
        fault_set(fault, FAULT_SYNTAX, "SnpReport holds no report of %d bytes", SNP_REPORT_SIZE);
        return NULL;
    }
    show_string(a, o, "kind", "snp-evidence");
    show_tree(o, "report", report_tree(a, &report));
    if (certificates_decode(a, member(a, root, "VcekCertChain"), &c, &count, &(struct fault){0}))
        for (; c; c = c->next)
            json_append(list, show_certificate(a, c));
    show_tree(o, "certificates", list);
    if (endorsements.n)
        show_text(a, o, "endorsements", text_clean(a, endorsements));
    return o;
}

struct json *show_snp(struct arena *a, struct bytes b, struct fault *fault)
{
    struct bytes text = bytes_without_mark(bytes_trim_end(b));
    const struct json *root;
    struct snp_report report;

    if (bytes_begin(text, "{"))
        return json_parse(a, text, NULL, &root, fault) ? evidence_tree(a, root, fault) : NULL;
    if (snp_report_read(a, b, &report))
        return report_tree(a, &report);
    fault_set(fault, FAULT_SYNTAX, "a SEV-SNP report has %d bytes, this has %zu", SNP_REPORT_SIZE, b.n);
    return NULL;
}
