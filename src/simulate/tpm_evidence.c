/* What a TPM says of a boot, as an attestation object (tpm-vbs.md 1.4). */
#include "simulate/kinds.h"
#include "simulate/tpm_platform.h"

#define NONCE BYTES_LIT("simulated nonce.")

static bool is_one_of(const char *given, const char *const *names)
{
    while (*names && strcmp(given, *names) != 0)
        names++;
    return *names != NULL;
}

static bool check_names(const struct simulate_options *o, struct fault *fault)
{
    static const char *const keys[] = {"rsassa", "rsapss", "ecdsa", NULL},
                             *const systems[] = {"windows", "linux", NULL},
                             *const isolations[] = {"trusted-launch", "snp", "tdx", NULL};

    if (o->ak && !is_one_of(o->ak, keys))
        return fault_set(fault, FAULT_USAGE, "attestation keys are rsassa, rsapss or ecdsa");
    if (o->os && !is_one_of(o->os, systems))
        return fault_set(fault, FAULT_USAGE, "the systems that boot are windows and linux");
    return !o->isolation || is_one_of(o->isolation, isolations) ||
           fault_set(fault, FAULT_USAGE, "the isolation of a guest is trusted-launch, snp or tdx");
}

static bool check_together(const struct simulate_options *o, struct fault *fault)
{
    bool request = o->kind == SIMULATE_TPM_REQUEST || o->kind == SIMULATE_VBS, guest = o->kind == SIMULATE_AZURE_GUEST;

    if (o->nonce.n > SHA512_SIZE)
        return fault_set(fault, FAULT_USAGE, "a nonce has at most %d bytes", SHA512_SIZE);
    if (o->version > (request ? 2 : 0))
        return fault_set(fault, FAULT_USAGE, "requests to /attest/Tpm have version 1 or 2");
    if (guest && o->ak && strcmp(o->ak, "rsassa") != 0)
        return fault_set(fault, FAULT_USAGE, "attestation keys of Azure's guests are rsassa");
    if (o->kind == SIMULATE_VBS && o->os && strcmp(o->os, "windows") != 0)
        return fault_set(fault, FAULT_USAGE, "VBS enclaves are Windows'");
    if (!guest && (o->isolation || o->product || o->vlek))
        return fault_set(fault, FAULT_USAGE, "isolation, product and VLEK are those of Azure's guests");
    return true;
}

bool tpm_complete(struct simulate_options *o, const struct simulate_fault *f, struct fault *fault)
{
    unsigned needs = f ? f->kinds : 0;

    if (f || o->variation)
        o->tpm = NULL; /* no other lies */
    if (!o->os && needs & SIMULATE_NEEDS_LINUX)
        o->os = "linux";
    bool vouched = o->variation && (strcmp(o->variation, "without-certificate") == 0 || /* by hardware */
                                    strcmp(o->variation, "paravisor-unknown") == 0);
    if (!o->isolation && (needs & SIMULATE_NEEDS_HARDWARE || (vouched && o->kind == SIMULATE_AZURE_GUEST)))
        o->isolation = "snp";
    if (!o->version && f)
        o->version = f->version;
    if (!o->nonce.n)
        o->nonce = NONCE;
    return check_names(o, fault) && check_together(o, fault);
}

static bool make(struct tpm_platform *p, struct simulated *s)
{
    if (!tpm_platform_certify(p, s) || !tpm_platform_boot(p) || !tpm_attestation(p, s->options.nonce, &s->evidence))
        return false;
    s->nonce = s->options.nonce;
    s->log = p->log;
    s->list = p->list;
    return !p->failed;
}

bool simulate_tpm(struct arena *a, const struct simulate_fault *wanted, struct simulated *out, struct fault *fault)
{
    struct tpm_platform p;

    if (!tpm_complete(&out->options, wanted, fault))
        return false;
    bool ok = tpm_platform_open(&p, a, out, fault) && make(&p, out);
    tpm_platform_close(&p);
    return ok && simulated_anchor(a, out, fault);
}
