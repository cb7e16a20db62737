/* assay verify: is this evidence genuine, and what does it prove? The same checks as in the service, at a time of one's
 * choice, with endorsements from files. */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/text.h"
#include "cli/reference.h"
#include "cli/verify.h"

enum {
    OPTION_TYPE = OPTION_BASE,
    OPTION_COLLATERAL,
    OPTION_TCB_INFO,
    OPTION_QE_IDENTITY,
    OPTION_PCK_CRL,
    OPTION_ROOT_CRL,
    OPTION_CERTS,
    OPTION_RUNTIME_DATA,
    OPTION_RUNTIME_TYPE,
    OPTION_INIT_DATA,
    OPTION_NONCE,
    OPTION_ANCHOR,
    OPTION_FRESHNESS,
    OPTION_CRL_FRESHNESS,
    OPTION_AMD_CRL_FRESHNESS,
    OPTION_TAIL,
    OPTION_BASELINE,
    OPTION_ACCEPT,
    OPTION_REFERENCE,
    OPTION_POLICY,
    OPTION_EXPLAIN,
};

static bool wrong(struct verification *v, const char *option, const char *value, const char *expected)
{
    cli_misuse(v->cli, "--%s %s: %s", option, value, expected);
    return false;
}

bool verify_accept(struct verification *v, const char *value)
{
    enum tcb_status status;

    if (!tcb_status_by_name(bytes_text(value), &status))
        return wrong(v, "accept", value, "no TCB status; Intel's names, such as OutOfDate");
    if (status == TCB_REVOKED || status == TCB_NOT_SUPPORTED)
        return wrong(v, "accept", value, "is never accepted");
    v->settings.accepted_sgx |= (uint16_t)(1u << status);
    v->settings.accepted_tdx |= (uint16_t)(1u << status);
    return true;
}

static bool read_reference(struct verification *v, const char *value)
{
    if (!v->reference) {
        v->reference = ARENA_NEW(v->cli->arena, struct reference_values);
        *v->reference = reference_builtin;
        v->settings.reference = v->reference;
    }
    return reference_option(v->cli, v->reference, value);
}

bool verify_baseline(struct verification *v, const char *value)
{
    uint64_t n;

    if (!decimal_parse(bytes_text(value), LIMIT_EVALUATION, &n) || n == 0)
        return wrong(v, "baseline", value, "an evaluation number, such as 17");
    v->settings.default_baseline = (uint32_t)n;
    return true;
}

static bool read_choice(struct verification *v, const char *option, const char *value, const char *yes, const char *no,
                        bool *out)
{
    *out = strcmp(value, yes) == 0;
    if (*out || strcmp(value, no) == 0)
        return true;
    return wrong(v, option, value, arena_printf(v->cli->arena, "%s or %s", yes, no));
}

bool verify_option(struct verification *v, int id, const char *value)
{
    struct arena *a = v->cli->arena;
    bool flag;

    switch (id) {
    case OPTION_TYPE: v->type = value; return true;
    case OPTION_COLLATERAL:
    case OPTION_TCB_INFO:
    case OPTION_QE_IDENTITY:
    case OPTION_PCK_CRL:
    case OPTION_ROOT_CRL: path_list_add(a, &v->collateral, value); return true;
    case OPTION_CERTS:
        path_list_add(a, &v->certs, value);
        path_list_add(a, &v->collateral, value);
        return true;
    case OPTION_RUNTIME_DATA: v->runtime_data = value; return true;
    case OPTION_RUNTIME_TYPE: return read_choice(v, "runtime-type", value, "json", "binary", &v->runtime_json);
    case OPTION_INIT_DATA: v->init_data = value; return true;
    case OPTION_NONCE: v->nonce = value; return true;
    case OPTION_ANCHOR: path_list_add(a, &v->anchors, value); return true;
    case OPTION_FRESHNESS:
        if (!read_choice(v, "freshness", value, "strict", "pinned", &flag))
            return false;
        v->settings.freshness = flag ? FRESHNESS_STRICT : FRESHNESS_PINNED;
        return true;
    case OPTION_CRL_FRESHNESS: return read_choice(v, "crl-freshness", value, "on", "off", &v->settings.crl_freshness);
    case OPTION_AMD_CRL_FRESHNESS:
        return read_choice(v, "amd-crl-freshness", value, "on", "off", &v->settings.amd_crl_freshness);
    case OPTION_TAIL:
        return read_choice(v, "report-data-tail", value, "zero", "ignore", &v->settings.report_data_tail_zero);
    case OPTION_BASELINE: return verify_baseline(v, value);
    case OPTION_REFERENCE: return read_reference(v, value);
    case OPTION_ACCEPT: return verify_accept(v, value);
    case OPTION_POLICY: v->policy_file = value; return true;
    case OPTION_EXPLAIN: v->explain = true; return true;
    case 't': return input_time(value, &v->time) || wrong(v, "at", value, "no time");
    default: v->json = true; return true;
    }
}

static bool choose_kind(struct verification *v)
{
    v->kind = recognise_evidence(v->cli->arena, v->evidence);
    if (v->type && !evidence_kind_by_name(v->type, &v->kind))
        return wrong(v, "type", v->type, "no kind of evidence");
    if (v->nonce && v->kind == KIND_TPM && !hex_decode(v->cli->arena, bytes_text(v->nonce), &v->nonce_bytes))
        return wrong(v, "nonce", v->nonce, "no hexadecimal digits");
    if (v->nonce && (v->kind <= KIND_AZURE_GUEST || v->kind == KIND_HCL)) {
        cli_misuse(v->cli, "--nonce: evidence of kind %s holds no nonce of its own; bind yours with --runtime-data",
                   evidence_kind_name(v->kind));
        return false;
    }
    return true;
}

void verify_open(struct verification *v, struct cli *cli)
{
    *v = (struct verification){.cli = cli, .settings = SETTINGS_DEFAULT, .time = input_now()};
}

bool verify_read(struct verification *v)
{
    struct fault fault = {0};

    /* A file past the limit goes on, to be refused as evidence. */
    if (!input_file(v->cli->arena, v->file, LIMIT_TOOL_FILE, &v->evidence, &fault) && fault.code != FAULT_LIMIT) {
        cli_error(v->cli, "%s", fault.text);
        return false;
    }
    return choose_kind(v);
}

static bool read_policy(struct verification *v)
{
    struct fault fault = {0};

    if (!v->policy_file || input_file(v->cli->arena, v->policy_file, LIMIT_TOOL_FILE, &v->policy, &fault))
        return true;
    cli_error(v->cli, "--policy %s", fault.text);
    return false;
}

static enum status verify_run(struct cli *cli, int argc, char **argv)
{
    struct verification v;
    struct options o;
    enum status status;

    verify_open(&v, cli);
    options_open(&o, cli, argc, argv);
    for (int id; (id = options_next(&o)) != 0;)
        if (!verify_option(&v, id, o.value))
            return STATUS_MISUSE;
    if (options_done(&o, 1, 1, &status))
        return status;
    v.file = options_operand(&o, 0);
    bool ran = verify_read(&v) && verify_load_endorsements(&v) && read_policy(&v) && verify_appraise(&v);
    if (ran)
        verify_print(&v);
    endorsements_free(v.endorsements);
    return !ran ? STATUS_MISUSE : v.accepted ? STATUS_DONE : STATUS_REFUSED;
}

const struct command verify_command = {
    .name = "verify",
    .summary = "verify evidence and print what it proves",
    .usage =
        "FILE [--at TIME] [--collateral DIR|BUNDLE | --tcb-info F --qe-identity F --pck-crl F --root-crl F] [OPTIONS]",
    .about =
        "Verifies FILE (- for standard input) with the checks of the service and the endorsements given, and prints "
        "the verdict, the TCB status and the claims. Nothing is fetched from anywhere.",
    .options =
        (const struct option_row[]){
            {OPTION_TYPE, "type", "KIND",
             "sgx, oe, tdx, snp, azure-guest, tpm, hcl, eventlog or ima (default: recognised from the bytes); oe must "
             "be named for a "
             "quote "
             "followed by custom claims"},
            OPTION_AT("judge at this time"),
            {OPTION_COLLATERAL, "collateral", "DIR|F", "endorsements: a folder, or one file; repeatable"},
            {OPTION_TCB_INFO, "tcb-info", "F", "TCB info"},
            {OPTION_QE_IDENTITY, "qe-identity", "F", "identity of the quoting enclave"},
            {OPTION_PCK_CRL, "pck-crl", "F", "CRL of the PCK CA"},
            {OPTION_ROOT_CRL, "root-crl", "F", "CRL of the root CA"},
            {OPTION_CERTS, "certs", "F", "certificates, DER or PEM, such as the TCB signer's or a VCEK; repeatable"},
            {OPTION_RUNTIME_DATA, "runtime-data", "F", "data whose SHA-256 must begin the report data"},
            {OPTION_RUNTIME_TYPE, "runtime-type", "TYPE", "json or binary (default): how its claims are made"},
            {OPTION_INIT_DATA, "init-data", "F", "data whose SHA-256 must begin the configuration id"},
            {OPTION_NONCE, "nonce", "HEX", "for kinds that hold a nonce; SGX, TDX and SNP have none"},
            {OPTION_ANCHOR, "anchor", "F", "trust this root too: a certificate or a public key; repeatable"},
            {OPTION_FRESHNESS, "freshness", "MODE",
             "strict: refuse TCB info and identities past their nextUpdate; pinned "
             "(default): do not"},
            {OPTION_CRL_FRESHNESS, "crl-freshness", "on|off", "refuse a CRL past its nextUpdate (default: on)"},
            {OPTION_AMD_CRL_FRESHNESS, "amd-crl-freshness", "on|off",
             "refuse where AMD's CRL is not at hand or past its nextUpdate (default: off)"},
            {OPTION_TAIL, "report-data-tail", "MODE",
             "zero: refuse report data whose second half is not zero; ignore (default): do not look at it"},
            {OPTION_BASELINE, "baseline", "N", "TCB evaluation number to judge by (default: the highest at hand)"},
            {OPTION_REFERENCE, "reference", "NAME=VALUE|F",
             "what is expected of evidence, such as whose utility VMs count: a setting of the section [reference] of "
             "assayd.conf(5), or a file with that section; repeatable"},
            {OPTION_ACCEPT, "accept", "STATUS",
             "accept this TCB status besides UpToDate and SWHardeningNeeded; repeatable"},
            {OPTION_POLICY, "policy", "F", "run this policy over the claims and print what it issues"},
            {OPTION_EXPLAIN, "explain", NULL, "print every check, what it proves, what it found and expected"},
            OPTION_JSON,
            OPTION_END},
    .examples = "  assay verify quote.bin --collateral endorsements/ --explain\n"
                "  assay verify report.bin --runtime-data key.json --at 2022-11-17T20:28:29Z --collateral dir --json\n",
    .run = verify_run,
};
