#include "simulate/service.h"

#include "simulate/service_parts.h"

enum {
    SGX = 1u << SIMULATE_HOST_SGX,
    CLAIMS = 1u << SIMULATE_HOST_SGX_EVIDENCE,
    TDX = 1u << SIMULATE_HOST_TDX,
    SNP = 1u << SIMULATE_HOST_SNP,
    ANY = SGX | CLAIMS | TDX | SNP
};

static const struct simulate_service_fault faults[] = {
    {"trust.key.listed", SGX, "the token names a key that is not listed"},
    {"trust.key.alone", SGX, "the key's certificate stands under an authority's"},
    {"trust.certificate.key", SGX, "the key is RSA of 1024 bits"},
    {"trust.certificate.signature", SGX, "a stranger signed the certificate"},
    {"trust.certificate.critical", SGX, "the certificate has a critical extension that nobody knows"},
    {"trust.certificate.name", SGX, "the certificate is of another tenant"},
    {"trust.certificate.name:issuer", SGX, "the certificate names another issuer"},
    {"trust.certificate.dates", SGX, "the certificate has expired"},
    {"trust.certificate.dates:early", SGX, "the certificate is not valid yet"},
    {"trust.key.kid", SGX, "the kid is that of another key"},
    {"trust.token.signature", SGX, "a stranger signed the token"},
    {"trust.token.issuer", SGX, "another service issued the token, with the same key"},
    {"trust.token.dates", SGX, "the token has expired"},
    {"trust.token.dates:early", SGX, "the token does not hold yet"},
    {"trust.token.dates:endless", SGX, "the token never expires"},
    {"trust.evidence.present", SGX, "the certificate carries no evidence"},
    {"trust.evidence.kind", SNP, "the certificate names another kind of TEE"},
    {"trust.evidence.kind:missing", SNP, "the certificate names no kind of TEE"},
    {"trust.evidence.debug", ANY, "a debugger can open what holds the key"},
    {"trust.binding.claims", TDX, "the custom claims are another key"},
    {"trust.binding.report_data", SGX | TDX | SNP, "the evidence was made for another key"},
    {"trust.binding.tail", ANY, "the second half of the report data is not zero"},
    {"trust.measurement.signature", SGX, "a stranger signed the list"},
    {"trust.measurement.signature:changed", SGX, "a measurement of the list was changed after it was signed"},
    {"trust.measurement.schedule", SGX, "a release is usable before its notice has passed"},
    {"trust.measurement.schedule:retired", SGX, "a release stays longer than its successor lets it"},
    {"trust.measurement.announced", ANY, "nobody announced what was measured"},
    {"trust.measurement.whole", TDX | SNP, "the record that fits leaves out what else decides"},
    {"trust.measurement.usable", ANY, "the release is not usable yet"},
    {"trust.measurement.not_retired", ANY, "the release was retired"},
    {"trust.measurement.not_retired:backdated", SGX,
     "the token says that it was issued before the release was retired, which no token outlives"},
};

const struct simulate_service_fault *simulate_service_fault_at(size_t i)
{
    return i < sizeof faults / sizeof *faults ? &faults[i] : NULL;
}

enum check_id simulate_service_fault_check(const struct simulate_service_fault *fault)
{
    enum check_id id = CHECK_COUNT;

    check_by_name(bytes_make(fault->name, strcspn(fault->name, ":")), &id);
    return id;
}

bool service_fault(const struct service_making *m, const char *name)
{
    return m->options->fault && strcmp(m->options->fault, name) == 0;
}

static const struct simulate_service_fault *by_name(const char *name)
{
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        if (strcmp(faults[i].name, name) == 0)
            return &faults[i];
    return NULL;
}

static bool make_keys(struct service_making *m)
{
    /* rsa_derive has known seeds of 32 bytes. */
    uint8_t seed[SHA256_SIZE] = {0};

    for (size_t i = 0; i < sizeof m->options->seed; i++)
        seed[i] = (uint8_t)(m->options->seed >> 8 * i);
    for (unsigned i = 0; i < SERVICE_RSA_KEYS; i++)
        m->rsa[i] = i == SERVICE_OWN && service_fault(m, "trust.certificate.key")
                        ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024)
                        : rsa_derive(BYTES_OF(seed), 100 + i, true);
    for (unsigned i = 0; i < SERVICE_EC_KEYS; i++)
        m->ec[i] = key_derive(KEY_P256, BYTES_OF(seed), 200 + i);
    for (unsigned i = 0; i < SERVICE_RSA_KEYS; i++)
        m->failed |= !m->rsa[i];
    for (unsigned i = 0; i < SERVICE_EC_KEYS; i++)
        m->failed |= !m->ec[i];
    return !m->failed;
}

/* Evidence that vouches for the key's text. */
static bool make_hardware(struct service_making *m, struct simulated *out, struct fault *fault)
{
    static const enum simulate_kind kinds[] = {SIMULATE_SGX, SIMULATE_SGX, SIMULATE_TDX, SIMULATE_SNP};
    static const char *const tails[] = {"sgx.report_data_tail", "sgx.report_data_tail", "tdx.report_data_tail",
                                        "snp.report_data_tail"};
    enum service_rsa_key whose = service_fault(m, "trust.binding.report_data") ? SERVICE_STRANGER : SERVICE_OWN;
    struct simulate_options o = {.kind = kinds[m->options->host],
                                 .seed = m->options->seed,
                                 .time = m->options->time,
                                 .debug = service_fault(m, "trust.evidence.debug"),
                                 .runtime_data = service_key_text(m, whose)};

    if (service_fault(m, "trust.binding.tail"))
        o.fault = tails[m->options->host];
    if (!simulate(m->arena, &o, out, fault))
        return false;
    out->settings.report_data_tail_zero = false; /* whether it must be is the relying party's to say */
    return true;
}

bool simulate_service(struct arena *a, const struct simulate_service_options *options, struct simulated_service *out,
                      struct fault *fault)
{
    const struct simulate_service_fault *wanted = options->fault ? by_name(options->fault) : NULL;
    struct service_making m = {.arena = a, .options = &out->options, .out = out};

    *out = (struct simulated_service){.options = *options};
    out->options.time = options->time ? options->time : 1767225600; /* 2026-01-01 */
    out->options.seed = options->seed ? options->seed : 1;
    if (options->fault && (!wanted || !(wanted->hosts & 1u << options->host)))
        return fault_set(fault, FAULT_USAGE, "no fault named '%s' can be simulated in such a service", options->fault);
    bool ok = make_keys(&m) && make_hardware(&m, &out->hardware, fault);
    if (ok) {
        service_certificate(&m);
        service_key_set(&m);
        service_token(&m);
        service_list(&m);
    }
    for (int i = 0; i < SERVICE_RSA_KEYS; i++)
        EVP_PKEY_free(m.rsa[i]);
    for (int i = 0; i < SERVICE_EC_KEYS; i++)
        EVP_PKEY_free(m.ec[i]);
    return ok && !m.failed ? true : fault_set(fault, FAULT_CRYPTO, "libcrypto could not make a key or signature");
}
