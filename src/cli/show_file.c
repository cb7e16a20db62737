/* Any file that attestation deals in, as a tree: recognised, then shown by the part that knows its kind. */
#include "base/text.h"
#include "cli/show_amd.h"
#include "cli/show_guest.h"
#include "cli/show_intel.h"
#include "cli/show_log.h"
#include "cli/show_tpm.h"
#include "cli/show_vbs.h"
#include "endorsement/tpm/tpm.h"

/* DER or PEM that holds certificates, or a CRL: whichever it decodes as. */
static struct json *x509_tree(struct arena *a, struct bytes b, bool crl_first, struct fault *fault)
{
    const struct certificate *c;
    const struct crl *crl;
    struct fault other = {0};
    struct json *list;
    size_t count;

    c = NULL;
    if (crl_first ? crl_decode(a, b, &crl, fault)
                  : !certificates_decode(a, b, &c, &count, fault) && crl_decode(a, b, &crl, &other))
        return show_crl(a, crl);
    if (crl_first && !certificates_decode(a, b, &c, &count, &other))
        return NULL;
    /* As it comes out of an NV index of a TPM: with zeros behind it. */
    if (!crl_first && fault->code && !tpm_certificates_decode(a, b, &c, &other))
        return NULL;
    if (c && !c->next)
        return show_certificate(a, c);
    list = json_new(a, JSON_ARRAY);
    for (; c; c = c->next)
        json_append(list, show_certificate(a, c));
    struct json *o = json_new(a, JSON_OBJECT);
    show_string(a, o, "kind", "certificates");
    show_tree(o, "certificates", list);
    return o;
}

static struct json *key_set_tree(struct arena *a, struct bytes b, struct fault *fault)
{
    struct json *o = json_new(a, JSON_OBJECT), *keys = json_new(a, JSON_ARRAY);
    const struct json *root;

    if (!json_parse(a, bytes_trim_end(b), NULL, &root, fault))
        return NULL;
    show_string(a, o, "kind", "key-set");
    JSON_EACH (entry, json_member(root, "keys")) {
        struct json *key = json_new(a, entry->kind == JSON_OBJECT ? JSON_OBJECT : JSON_NULL);
        struct json *chain = json_new(a, JSON_ARRAY);

        JSON_EACH (item, json_member(entry, "x5c")) {
            const struct certificate *c;
            struct bytes text, der;

            if (json_text(item, &text) && base64_decode(a, text, &der, NULL) && certificate_decode(a, der, &c, NULL))
                json_append(chain, show_certificate(a, c));
            else
                json_append(chain, json_link(a, item));
        }
        JSON_EACH (member, key->kind == JSON_OBJECT ? entry : NULL)
            json_set(key, member->name, bytes_is(member->name, "x5c") ? chain : json_link(a, member));
        json_append(keys, key);
    }
    show_tree(o, "keys", keys);
    return o;
}

static struct json *token_tree(struct arena *a, struct bytes b, bool for_people, struct fault *fault)
{
    const struct json *root;
    struct token_parts parts;
    struct bytes token = bytes_trim_end(b);

    if (json_parse(a, token, NULL, &root, NULL))
        json_text(json_member(root, "token"), &token);
    return token_split(a, token, &parts, fault) ? show_token(a, &parts, for_people) : NULL;
}

/* What stands round a report, or the report alone. */
static struct json *vbs_tree(struct arena *a, struct bytes b, struct fault *fault)
{
    if (bytes_begin(b, "ALPT"))
        return show_ncrypt_claim(a, b, fault);
    return bytes_begin(bytes_without_mark(bytes_trim_end(b)), "{") ? show_tpm_message(a, b, fault)
                                                                   : show_vbs_report(a, b, fault);
}

static struct json *evidence_tree(struct arena *a, struct bytes b, struct fault *fault)
{
    enum evidence_kind kind = recognise_evidence(a, b);
    struct reader r = rd_open(b);

    if (kind == KIND_OE || (kind == KIND_TDX && rd_u32le(&r) <= 3))
        return show_oe(a, b, fault);
    if (kind == KIND_SGX || kind == KIND_TDX)
        return show_quote(a, b, fault);
    if (kind == KIND_SNP)
        return show_snp(a, b, fault);
    if (kind == KIND_HCL)
        return show_hcl(a, b, fault);
    if (kind == KIND_AZURE_GUEST)
        return show_guest_request(a, b, fault);
    if (kind == KIND_AZURE_VTPM)
        return show_azure_vtpm(a, b, fault);
    if (kind == KIND_EVENTLOG)
        return show_event_log(a, b, fault);
    if (kind == KIND_IMA)
        return show_ima(a, b, fault);
    if (kind == KIND_VBS)
        return vbs_tree(a, b, fault);
    if (kind == KIND_TPM)
        return bytes_begin(b, "\xff") ? show_tpm_attest(a, b, fault) : show_tpm_attestation(a, b, fault);
    fault_set(fault, FAULT_USAGE, "evidence of kind %s, which this build does not show", evidence_kind_name(kind));
    return NULL;
}

struct json *show_file(struct arena *a, struct bytes b, bool for_people, struct fault *fault)
{
    switch (recognise_thing(a, b)) {
    case THING_EVIDENCE: return evidence_tree(a, b, fault);
    case THING_OE_ENDORSEMENTS: return show_oe_endorsements(a, b, fault);
    case THING_CERTIFICATES: return x509_tree(a, b, false, fault);
    case THING_CRL: return x509_tree(a, b, true, fault);
    case THING_COLLATERAL: return show_collateral(a, b, fault);
    case THING_TOKEN: return token_tree(a, b, for_people, fault);
    case THING_KEY_SET: return key_set_tree(a, b, fault);
    case THING_UVM: return show_uvm(a, b, fault);
    case THING_TPM_PUBLIC: return show_tpm_public(a, b, fault);
    case THING_TPM_SIGNATURE: return show_tpm_signature(a, b, fault);
    case THING_UNKNOWN: break;
    }
    fault_set(fault, FAULT_SYNTAX, "not recognised as evidence, certificate, CRL, endorsement or token");
    return NULL;
}
