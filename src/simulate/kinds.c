#include "simulate/kinds.h"

#include "evidence/azure_guest.h"
#include "evidence/tdx.h"
#include "evidence/tpm_file.h"

static struct request_data sent(struct bytes data)
{
    return (struct request_data){.type = data.n ? DATA_BINARY : DATA_ABSENT, .data = data};
}

static bool decode_sgx(const struct simulated *s, struct exam *x)
{
    struct request_data runtime = sent(s->runtime_data), init = sent(s->init_data);

    return sgx_decode_quote(x, s->evidence, &runtime, &init);
}

static bool decode_oe(const struct simulated *s, struct exam *x)
{
    struct request_data runtime = sent(s->runtime_data), init = sent(s->init_data);

    return oe_decode_file(x, s->evidence, &runtime, &init);
}

static bool decode_tdx(const struct simulated *s, struct exam *x)
{
    struct request_data runtime = sent(s->runtime_data), init = sent(s->init_data);

    return tdx_decode_file(x, s->evidence, &runtime, &init);
}

/* As a request, the only form in which an endorsement can come along. */
static bool decode_snp(const struct simulated *s, struct exam *x)
{
    const struct json *request;

    return json_parse(x->arena, s->request, NULL, &request, NULL) && snp_attester.decode(x, request);
}

static bool decode_tpm(const struct simulated *s, struct exam *x)
{
    return tpm_decode_file(x, s->evidence, BYTES_NONE, &s->nonce);
}

/* As the message that the service takes. */
static bool decode_request(const struct simulated *s, struct exam *x)
{
    const struct json *request;

    return json_parse(x->arena, s->request, NULL, &request, NULL) && tpm_attester.decode(x, request);
}

static bool decode_guest(const struct simulated *s, struct exam *x)
{
    return guest_decode_file(x, s->evidence);
}

const struct simulated_kind simulated_kinds[SIMULATE_KINDS] = {
    [SIMULATE_SGX] = {"sgx", "SGX", "a quote", "quote.bin", &sgx_attester, intel_variations, simulate_intel,
                      decode_sgx},
    [SIMULATE_OE_REPORT] = {"oe", "SGX", "an Open Enclave report", "report.bin", &oe_attester, intel_variations,
                            simulate_intel, decode_oe},
    [SIMULATE_OE_EVIDENCE] = {"oe", "SGX", "Open Enclave evidence", "evidence.bin", &oe_attester, intel_variations + 1,
                              simulate_intel, decode_oe},
    [SIMULATE_TDX] = {"tdx", "TDX", "a TDX quote", "tdquote.bin", &tdx_attester, intel_variations, simulate_intel,
                      decode_tdx},
    [SIMULATE_SNP] = {"snp", "SEV-SNP", "an SEV-SNP report", "report.json", &snp_attester, snp_variations, simulate_snp,
                      decode_snp},
    [SIMULATE_TPM] = {"tpm", "TPM", "a TPM's attestation", "attestation.json", &tpm_file_attester, tpm_variations,
                      simulate_tpm, decode_tpm},
    [SIMULATE_TPM_REQUEST] = {"tpm", "TPM", "a request to attest a TPM", "message.json", &tpm_attester,
                              request_variations, simulate_attestation_request, decode_request},
    [SIMULATE_VBS] = {"vbs", "VBS", "a request to attest a VBS enclave", "message.json", &tpm_attester,
                      request_variations + 1, simulate_attestation_request, decode_request},
    [SIMULATE_AZURE_GUEST] = {"azure-guest", "Azure guest", "a request of an Azure guest", "request.json",
                              &guest_attester, guest_variations, simulate_azure_guest, decode_guest},
};

static const struct simulate_fault *const tables[] = {intel_faults,   snp_faults,     tpm_faults,
                                                      certify_faults, request_faults, guest_faults};

const struct simulate_fault *simulate_fault_at(size_t i)
{
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const struct simulate_fault *f = tables[t]; f->name; f++)
            if (i-- == 0)
                return f;
    return NULL;
}

const struct simulate_fault *simulate_fault_by_name(const char *name)
{
    const struct simulate_fault *f;

    for (size_t i = 0; (f = simulate_fault_at(i)) != NULL; i++)
        if (strcmp(f->name, name) == 0)
            return f;
    return NULL;
}

enum check_id simulate_fault_check(const struct simulate_fault *fault)
{
    enum check_id id = CHECK_COUNT;

    check_by_name(bytes_make(fault->name, strcspn(fault->name, ":")), &id);
    return id;
}

enum simulate_kind simulate_fault_kind(const struct simulate_fault *fault)
{
    int kind = 0;

    while (!(fault->kinds & 1u << kind))
        kind++;
    return (enum simulate_kind)kind;
}

const char *simulate_kind_word(enum simulate_kind kind)
{
    return simulated_kinds[kind].word;
}

const char *simulate_kind_what(enum simulate_kind kind)
{
    return simulated_kinds[kind].what;
}

const char *simulate_kind_type(enum simulate_kind kind)
{
    return simulated_kinds[kind == SIMULATE_TPM_REQUEST ? SIMULATE_VBS : kind].word;
}

bool simulate_kind_has_tpm(enum simulate_kind kind)
{
    return kind >= SIMULATE_TPM;
}

const char *simulate_variation_at(enum simulate_kind kind, size_t i)
{
    const char *const *name = simulated_kinds[kind].variations;

    while (*name && i--)
        name++;
    return *name;
}

const struct attester *simulated_attester(const struct simulated *s)
{
    return simulated_kinds[s->options.kind].attester;
}

bool simulated_decode(const struct simulated *s, struct exam *x)
{
    return simulated_kinds[s->options.kind].decode(s, x);
}
