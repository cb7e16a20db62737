/* The paravisor's report and what travels with it, field by field. Tolerant where verification is not. */
#include "cli/show_guest.h"

#include "base/text.h"
#include "cli/show_amd.h"
#include "cli/show_intel.h"
#include "cli/show_log.h"
#include "evidence/azure_guest_request.h"
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

/* ------------------------------------------------------------------------------------------- requests to AzureGuest */

static void show_registers(struct arena *a, struct json *o, const char *name, uint32_t mask)
{
    struct json *list = json_new(a, JSON_ARRAY);

    for (unsigned i = 0; i < TPM_PCRS; i++)
        if (mask >> i & 1)
            json_append(list, json_new_integer(a, i));
    show_tree(o, name, list);
}

static struct json *public_tree(struct arena *a, struct bytes text, struct fault *fault)
{
    struct json *o = json_new(a, JSON_OBJECT);
    struct tpm_public key;
    struct bytes rest;

    if (!tpm_public_read_first(a, text, &key, &rest, fault))
        return NULL;
    show_string(a, o, "attributes", arena_printf(a, "0x%08x", (unsigned)key.attributes));
    show_hex(a, o, "name", key.name);
    show_hex(a, o, "policy", key.auth_policy);
    show_hex(a, o, "modulus", key.key.modulus);
    return o;
}

static struct json *attest_tree(struct arena *a, struct bytes text, struct fault *fault)
{
    struct json *o = json_new(a, JSON_OBJECT);
    struct tpm_attest attest;

    if (!tpm_attest_read(a, text, &attest, fault))
        return NULL;
    show_string(a, o, "type", arena_printf(a, "0x%04x", (unsigned)attest.type));
    show_hex(a, o, "extra_data", attest.extra_data);
    show_number(a, o, "reset_count", attest.reset_count);
    show_number(a, o, "restart_count", attest.restart_count);
    show_string(a, o, "firmware_version", arena_printf(a, "0x%016llx", (unsigned long long)attest.firmware_version));
    for (size_t i = 0; i < attest.selection.count; i++)
        show_registers(a, o, arena_printf(a, "registers_0x%04x_%zu", attest.selection.banks[i].id, i),
                       attest.selection.banks[i].mask);
    if (attest.pcr_digest.n)
        show_hex(a, o, "pcr_digest", attest.pcr_digest);
    if (attest.name.n)
        show_hex(a, o, "certified_name", attest.name);
    return o;
}

static void show_tpm(struct arena *a, struct json *o, const struct guest_request *r)
{
    struct json *tpm = json_new(a, JSON_OBJECT), *values = json_new(a, JSON_OBJECT);
    struct fault fault = {0};

    if (r->aik_certificate.n) {
        struct reader der = rd_open(r->aik_certificate);

        rd_skip(&der, 2);
        show_certificates(a, tpm, "aik_certificate",
                          bytes_first(r->aik_certificate, (size_t)rd_u16be(&der) + 4)); /* without the zeros behind */
    }
    show_part(a, tpm, "aik", public_tree(a, r->aik_public, &fault), &fault);
    fault = (struct fault){0};
    show_part(a, tpm, "quote", attest_tree(a, r->quote, &fault), &fault);
    show_hex(a, tpm, "quote_signature", r->quote_signature);
    fault = (struct fault){0};
    show_part(a, tpm, "ephemeral_key", public_tree(a, r->key_public, &fault), &fault);
    fault = (struct fault){0};
    show_part(a, tpm, "certification", attest_tree(a, r->certify, &fault), &fault);
    show_hex(a, tpm, "certification_signature", r->certify_signature);
    show_registers(a, tpm, "pcr_set", r->pcr_set);
    for (unsigned i = 0; i < TPM_PCRS; i++)
        if (r->pcrs.banks[0].value[i].n)
            show_hex(a, values, arena_printf(a, "%u", i), r->pcrs.banks[0].value[i]);
    show_tree(tpm, "pcrs", values);
    show_tree(o, "tpm", tpm);
}

static void show_isolation(struct arena *a, struct json *o, const struct guest_request *r)
{
    static const char *const names[] = {"TrustedLaunch", "SevSnp", "Tdx"};
    const struct json *claims;
    struct fault fault = {0};

    show_string(a, o, "isolation", names[r->isolation]);
    if (r->isolation == GUEST_TRUSTED_LAUNCH)
        return;
    struct json *proof =
        r->isolation == GUEST_SEV_SNP ? show_snp(a, r->proof, &fault) : show_quote(a, r->proof, &fault);
    show_part(a, o, "proof", proof, &fault);
    if (json_parse(a, bytes_trim_end(r->runtime), NULL, &claims, NULL))
        show_tree(o, "runtime_claims", json_link(a, claims));
    else
        show_text(a, o, "runtime_claims", text_clean(a, r->runtime));
}

static void show_log(struct arena *a, struct json *o, struct bytes log)
{
    struct fault fault = {0};

    if (log.n)
        show_part(a, o, "log", show_event_log(a, log, &fault), &fault);
}

struct json *show_guest_request(struct arena *a, struct bytes b, struct fault *fault)
{
    struct json *o = json_new(a, JSON_OBJECT);
    const struct json *root;
    struct guest_request r;
    struct bytes text, info;

    if (!json_parse(a, bytes_without_mark(bytes_trim_end(b)), NULL, &root, fault))
        return NULL;
    if (!json_text(json_member_nocase(root, "AttestationInfo"), &text) || !base64_decode(a, text, &info, NULL)) {
        fault_set(fault, FAULT_SYNTAX, "AttestationInfo is no base64 text");
        return NULL;
    }
    if (!guest_request_read(a, info, &r, fault))
        return NULL;
    show_string(a, o, "kind", "azure-guest-request");
    show_text(a, o, "protocol", r.protocol);
    show_text(a, o, "os_type", r.os_type);
    show_text(a, o, "os_distro", r.os_distro);
    show_text(a, o, "os_build", r.os_build);
    show_string(a, o, "os_version", arena_printf(a, "%lld.%lld", (long long)r.os_major, (long long)r.os_minor));
    if (r.client_payload)
        show_tree(o, "client_payload", json_link(a, r.client_payload));
    show_isolation(a, o, &r);
    show_tpm(a, o, &r);
    show_log(a, o, r.log);
    return o;
}
