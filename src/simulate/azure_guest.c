/* Requests of virtual machines in Azure: Trusted Launch, and confidential ones whose paravisor vouches for the virtual TPM
 * (snp-cvm.md 3.3, 3.4). */
#include "base/text.h"
#include "simulate/boot_log.h"
#include "simulate/kinds.h"
#include "simulate/tpm_platform.h"

#define VM_ID "5D1AED00-0000-4000-8000-0123456789AB"

enum {
    FIRMWARE_PCRS = 0xff,
    WINDOWS_PCRS = FIRMWARE_PCRS | 0xf << 11,
    SIGNATURE_HEAD = 6, /* of a TPMT_SIGNATURE: algorithm, digest, size */
};

struct guest {
    struct tpm_platform p;
    uint32_t pcrs;
    struct simulated_attest quote, certified;
    struct bytes runtime;       /* claims of the paravisor, as they are bound */
    struct simulated *hardware; /* of a confidential VM; NULL */
};

static bool faulty(const struct guest *g, const char *name)
{
    return tpm_platform_fault(&g->p, name);
}

/* ------------------------------------------------------------------------------------------------- paravisor and hardware */

static void wr_paravisor_key(struct writer *w, const char *kid, const char *operation, struct bytes modulus)
{
    wr_printf(w, "{\"kid\":\"%s\",\"key_ops\":[\"%s\"],\"kty\":\"RSA\",\"e\":\"AQAB\",", kid, operation);
    wr_encoded(w, "n", modulus);
    wr_text(w, "}");
}

static struct bytes runtime_claims(struct guest *g)
{
    bool strange = faulty(g, "guest.aik.hardware");
    struct writer w = wr_open(g->p.arena);

    wr_text(&w, "{\"keys\":[");
    wr_paravisor_key(&w, faulty(g, "guest.aik.hardware:none") ? "HCLTransferKey" : "HCLAkPub", "sign",
                     g->p.tpm.public[strange ? TPM_KEY_EPHEMERAL : TPM_KEY_AK].key.modulus);
    wr_text(&w, ",");
    wr_paravisor_key(&w, "HCLEkPub", "encrypt", g->p.tpm.public[TPM_KEY_EPHEMERAL].key.modulus);
    wr_text(&w, "],\"vm-configuration\":{\"console-enabled\":true,\"secure-boot\":true,\"tpm-enabled\":true,"
                "\"tpm-persisted\":true,\"vmUniqueId\":\"" VM_ID "\"},\"user-data\":\"");
    for (int i = 0; i < SHA512_SIZE; i++)
        wr_text(&w, "00");
    wr_text(&w, "\"}");
    return wr_done(&w);
}

/* A report of the processor over the claims, under its own root. */
static bool make_hardware(struct guest *g, const struct simulate_options *o, struct fault *fault)
{
    bool tdx = strcmp(o->isolation, "tdx") == 0, tail = faulty(g, "hcl.tail");
    struct simulate_options inner = {.kind = tdx ? SIMULATE_TDX : SIMULATE_SNP,
                                     .time = o->time,
                                     .seed = o->seed,
                                     .product = tdx ? NULL : o->product,
                                     .vlek = o->vlek,
                                     .debug = o->debug,
                                     .variation = tdx ? NULL : "without-init-data",
                                     .runtime_data = g->runtime};

    if (tail)
        inner.fault = tdx ? "tdx.report_data_tail" : "snp.report_data_tail";
    g->hardware = ARENA_NEW(g->p.arena, struct simulated);
    return simulate(g->p.arena, &inner, g->hardware, fault);
}

/* --------------------------------------------------------------------------------------------------------------- the TPM */

static bool use_tpm(struct guest *g)
{
    struct simulated_tpm *t = &g->p.tpm;
    struct simulated_selection s = {{0, g->pcrs, 0}};
    struct bytes policy;

    if (faulty(g, "guest.pcr_set"))
        s.mask[SHA256_BANK] |= 1u << 8;
    return simulated_tpm_policy(t, faulty(g, "guest.key.policy") ? FIRMWARE_PCRS >> 1 : g->pcrs, &policy, g->p.fault) &&
           t->driver->make_key(t, TPM_KEY_EPHEMERAL, policy, g->p.fault) &&
           t->driver->quote(t, &s, BYTES_NONE, &g->quote, g->p.fault) &&
           t->driver->certify(t, TPM_KEY_EPHEMERAL, BYTES_NONE, &g->certified, g->p.fault);
}

/* ----------------------------------------------------------------------------------------------------------- the request */

static void wr_standard(struct guest *g, struct writer *w, const char *name, struct bytes data, const char *behind)
{
    wr_printf(w, "\"%s\":\"", name);
    wr_put(w, base64_encode(g->p.arena, data));
    wr_printf(w, "\"%s", behind);
}

/* TPM2B_PUBLIC. */
static struct bytes sized(struct arena *a, struct bytes area)
{
    struct writer w = wr_open(a);

    wr_u8(&w, (uint8_t)(area.n >> 8));
    wr_u8(&w, (uint8_t)area.n);
    wr_put(&w, area);
    return wr_done(&w);
}

/* It comes out of an NV index that is larger. */
static struct bytes padded(struct arena *a, struct bytes der)
{
    enum { NV_SIZE = 4096 };
    uint8_t *out = arena_alloc(a, NV_SIZE);

    memset(out, 0, NV_SIZE);
    if (der.n > NV_SIZE)
        return der;
    memcpy(out, der.p, der.n);
    return bytes_make(out, NV_SIZE);
}

static bool wr_registers(struct guest *g, struct writer *w)
{
    const char *comma = "";

    wr_text(w, "\"PcrSet\":[");
    for (unsigned pcr = 0; pcr < SIMULATED_PCRS; pcr++)
        if (g->pcrs & 1u << pcr) {
            wr_printf(w, "%s%u", comma, pcr);
            comma = ",";
        }
    wr_text(w, "],\"PCRs\":[");
    comma = "";
    for (unsigned pcr = 0; pcr < SIMULATED_PCRS; pcr++) {
        struct bytes value;

        if (!(g->pcrs & 1u << pcr) && !(pcr == 8 && faulty(g, "guest.pcr_set")))
            continue;
        if (!g->p.tpm.driver->read(&g->p.tpm, SHA256_BANK, pcr, &value, g->p.fault))
            return false;
        wr_printf(w, "%s{\"Index\":%u,", comma, pcr);
        wr_standard(g, w, "Digest", value, "}");
        comma = ",";
    }
    wr_text(w, "]");
    return true;
}

static bool wr_tpm(struct guest *g, struct writer *w)
{
    const struct simulated_tpm *t = &g->p.tpm;
    struct arena *a = g->p.arena;
    struct bytes certificate = tpm_platform_varies(&g->p, "certificate-padded") ? padded(a, g->p.leaf) : g->p.leaf;

    wr_text(w, "\"TpmInfo\":{");
    bool bare = tpm_platform_varies(&g->p, "without-certificate") || faulty(g, "guest.paravisor");
    wr_standard(g, w, "AikCert", bare ? BYTES_NONE : certificate, ",");
    struct bytes aik = sized(a, t->public[TPM_KEY_AK].area);
    wr_standard(g, w, "AikPub", bytes_first(aik, aik.n - faulty(g, "guest.aik.shape")), ",");
    wr_standard(g, w, "PcrQuote", g->quote.attest, ",");
    wr_standard(g, w, "PcrSignature", bytes_after(g->quote.signature, SIGNATURE_HEAD), ",");
    wr_standard(g, w, "EncKeyPub", sized(a, t->public[TPM_KEY_EPHEMERAL].area), ",");
    wr_standard(g, w, "EncKeyCertifyInfo", g->certified.attest, ",");
    wr_standard(g, w, "EncKeyCertifyInfoSignature", bytes_after(g->certified.signature, SIGNATURE_HEAD), ",");
    if (!wr_registers(g, w))
        return false;
    wr_text(w, "},");
    return true;
}

/* The claims as they were bound, or with a blank behind them. */
static struct bytes sent_claims(struct guest *g)
{
    struct writer w = wr_open(g->p.arena);

    if (faulty(g, "hcl.claims"))
        return BYTES_LIT("{\"keys\":1}");
    wr_put(&w, g->runtime);
    if (faulty(g, "hcl.binding"))
        wr_text(&w, " ");
    return wr_done(&w);
}

static void wr_isolation(struct guest *g, struct writer *w)
{
    const struct simulated *h = g->hardware;

    wr_printf(w, "\"IsolationInfo\":{\"Type\":\"%s\"",
              !h                                ? "TrustedLaunch"
              : h->options.kind == SIMULATE_TDX ? "Tdx"
                                                : "SevSnp");
    if (h) {
        wr_text(w, ",\"Evidence\":{");
        wr_standard(g, w, "Proof", h->evidence, ",");
        wr_standard(g, w, "RunTimeData", sent_claims(g), "}");
    }
    wr_text(w, "}");
}

static bool wrap(struct guest *g, struct simulated *s)
{
    struct writer w = wr_open(g->p.arena), outer = wr_open(g->p.arena);
    bool windows = g->p.windows;

    wr_printf(&w, "{\"AttestationProtocolVersion\":\"%s\",", faulty(g, "guest.request") ? "3.0" : "2.0");
    wr_text(&w, "\"ClientPayload\":{\"nonce\":\"c2ltdWxhdGVk\"},");
    wr_standard(g, &w, "OSType", windows ? BYTES_LIT("Windows") : BYTES_LIT("Linux"), ",");
    wr_standard(g, &w, "OSDistro", windows ? BYTES_LIT("Microsoft") : BYTES_LIT("Debian"), ",");
    wr_standard(g, &w, "OSBuild", windows ? BYTES_LIT("NotApplicable") : BYTES_LIT("NotApplication"), ",");
    wr_printf(&w, "\"OSVersionMajor\":%d,\"OSVersionMinor\":0,", windows ? 10 : 12);
    wr_standard(g, &w, "TcgLogs", g->p.log, ",");
    if (!wr_tpm(g, &w))
        return false;
    wr_isolation(g, &w);
    wr_text(&w, "}");
    wr_text(&outer, "{\"AttestationInfo\":\"");
    wr_base64url(&outer, wr_done(&w));
    wr_text(&outer, "\"}");
    s->evidence = s->request = wr_done(&outer);
    return true;
}

/* Beside those that are there: the first entry replaces those that are built in. */
static bool add_own(struct arena *a, struct reference_values *reference, enum reference_list list, struct bytes own)
{
    const struct reference_entries known = reference->lists[list];

    if (!reference_has(reference, list, own) && !reference_add(a, reference, list, own))
        return false;
    for (size_t n = 0; n < known.count; n++)
        if (!reference_has(reference, list, known.v[n]) && !reference_add(a, reference, list, known.v[n]))
            return false;
    return true;
}

bool simulated_variables(struct arena *a, struct reference_values *reference)
{
    static const struct {
        const char *name;
        enum reference_list list;
    } variables[] = {{"PK", REFERENCE_SECURE_BOOT_PK},
                     {"KEK", REFERENCE_SECURE_BOOT_KEK},
                     {"db", REFERENCE_SECURE_BOOT_DB},
                     {"dbx", REFERENCE_SECURE_BOOT_DBX}};

    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        if (!add_own(a, reference, variables[i].list, sha256_of(a, boot_signature_list(a, variables[i].name))))
            return false;
    return add_own(a, reference, REFERENCE_WINDOWS_LOADERS, boot_windows_authority(a));
}

/* Which variables of Secure Boot and which paravisors count: ours do, unless the fault is that they do not. */
static bool trust(struct guest *g, struct simulated *s)
{
    struct reference_values *reference = ARENA_NEW(g->p.arena, struct reference_values);
    bool tdx = g->hardware && g->hardware->options.kind == SIMULATE_TDX;

    *reference = *s->settings.reference;
    s->settings.reference = reference;
    for (int list = REFERENCE_SECURE_BOOT_PK; list <= REFERENCE_WINDOWS_LOADERS; list++)
        reference_clear(reference, (enum reference_list)list);
    if (!simulated_variables(g->p.arena, reference))
        return false;
    /* A certificate of a confidential VM's key says as much as the list. */
    if (!g->hardware || faulty(g, "guest.paravisor") || faulty(g, "guest.paravisor:trusted-launch") ||
        tpm_platform_varies(&g->p, "paravisor-unknown"))
        return true;
    uint8_t *measured = arena_alloc(g->p.arena, SHA384_SIZE);
    memset(measured, tdx ? SIMULATED_MRTD_BYTE : SIMULATED_ID_KEY_BYTE, SHA384_SIZE);
    return reference_add(g->p.arena, reference, tdx ? REFERENCE_AZURE_MRTDS : REFERENCE_AZURE_ID_KEYS,
                         bytes_make(measured, SHA384_SIZE));
}

static bool make(struct guest *g, struct simulated *s, struct fault *fault)
{
    const struct simulate_options *o = &s->options;

    g->pcrs = g->p.windows ? WINDOWS_PCRS : FIRMWARE_PCRS;
    if (!tpm_platform_certify(&g->p, s) || !tpm_platform_boot(&g->p) || !use_tpm(g))
        return false;
    if (o->isolation && strcmp(o->isolation, "trusted-launch") != 0) {
        g->runtime = runtime_claims(g);
        if (!make_hardware(g, o, fault))
            return false;
        s->settings = g->hardware->settings;
        s->hardware = g->hardware;
    }
    if (!trust(g, s))
        return tpm_platform_fail(&g->p, "reference values");
    s->log = g->p.log;
    s->list = g->p.list;
    return wrap(g, s);
}

/* The hardware's root is trusted too. */
static void add_anchor(struct arena *a, struct simulated *s)
{
    struct writer w = wr_open(a);

    wr_put(&w, s->anchor);
    if (s->hardware)
        wr_put(&w, s->hardware->anchor);
    s->anchor = wr_done(&w);
}

bool simulate_azure_guest(struct arena *a, const struct simulate_fault *wanted, struct simulated *out,
                          struct fault *fault)
{
    struct guest g = {.pcrs = 0};

    if (!tpm_complete(&out->options, wanted, fault))
        return false;
    bool ok = tpm_platform_open(&g.p, a, out, fault) && make(&g, out, fault);
    tpm_platform_close(&g.p);
    ok = ok && simulated_anchor(a, out, fault);
    if (ok)
        add_anchor(a, out);
    return ok;
}
