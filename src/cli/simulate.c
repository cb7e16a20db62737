/* assay simulate: evidence with its endorsements under a root of its own, well-formed or with one fault. */
#include "cli/simulate.h"

#include <stdio.h>

#include "base/limits.h"
#include "base/text.h"
#include "cli/input.h"
#include "cli/simulate_swtpm.h"
#include "cli/terminal.h"

enum {
    OPTION_FAULT = OPTION_BASE,
    OPTION_LIST_FAULTS,
    OPTION_STATUS,
    OPTION_QE_STATUS,
    OPTION_QUOTE_VERSION,
    OPTION_TCB_INFO_VERSION,
    OPTION_CERTIFICATION,
    OPTION_EVALUATION,
    OPTION_SEED,
    OPTION_VARIATION,
    OPTION_RUNTIME_DATA,
    OPTION_EVIDENCE,
    OPTION_KSS,
    OPTION_PRODUCT,
    OPTION_REPORT_VERSION,
    OPTION_VLEK,
    OPTION_MIGRATION,
    OPTION_UVM,
    OPTION_DEBUG,
    OPTION_TD_REPORT,
    OPTION_MODULE_STATUS,
    OPTION_MODULE_UNNUMBERED,
    OPTION_MODULE_UPDATED,
    OPTION_AK,
    OPTION_OS,
    OPTION_NONCE,
    OPTION_REQUEST,
    OPTION_REQUEST_VERSION,
    OPTION_CHALLENGE,
    OPTION_ISOLATION,
    OPTION_LOG_SIZE,
    OPTION_SOFTWARE,
};

static bool read_number(struct simulation *s, const char *option, const char *value, unsigned *out)
{
    uint64_t n;
    bool ok = decimal_parse(bytes_text(value), UINT32_MAX, &n) && n > 0;

    *out = (unsigned)n;
    if (ok)
        return true;
    cli_misuse(s->cli, "--%s %s: a number from 1 on", option, value);
    return false;
}

static bool read_seed(struct simulation *s, const char *value)
{
    unsigned seed;

    if (!read_number(s, "seed", value, &seed))
        return false;
    s->options.seed = seed;
    return true;
}

static bool read_td_report(struct simulation *s, const char *value)
{
    static const char *const forms[] = {
        [SIMULATE_TD_10] = "1.0", [SIMULATE_TD_15] = "1.5", [SIMULATE_TD_15EX] = "1.5ex"};

    for (size_t i = SIMULATE_TD_10; i < sizeof forms / sizeof *forms; i++)
        if (strcmp(value, forms[i]) == 0) {
            s->options.td_report = (enum simulate_td_report)i;
            return true;
        }
    cli_misuse(s->cli, "--td-report %s: 1.0, 1.5 or 1.5ex", value);
    return false;
}

static bool read_runtime_data(struct simulation *s)
{
    struct fault fault = {0};

    if (!s->runtime_data ||
        input_file(s->cli->arena, s->runtime_data, LIMIT_RUNTIME_DATA, &s->options.runtime_data, &fault))
        return true;
    cli_error(s->cli, "%s", fault.text);
    return false;
}

static bool read_hex(struct simulation *s, const char *option, const char *value, struct bytes *out)
{
    if (hex_decode(s->cli->arena, bytes_text(value), out) && out->n)
        return true;
    cli_misuse(s->cli, "--%s %s: hexadecimal", option, value);
    return false;
}

/* What the service answered to the first message: challenge and service context, in its envelope or without. */
static bool read_challenge(struct simulation *s)
{
    struct arena *a = s->cli->arena;
    const struct json *message, *inner;
    struct bytes text, challenge, context;
    struct fault fault = {0};

    if (!s->challenge)
        return true;
    if (!input_file(a, s->challenge, LIMIT_RUNTIME_DATA, &text, &fault)) {
        cli_error(s->cli, "%s", fault.text);
        return false;
    }
    if (json_parse(a, text, NULL, &message, NULL) && json_text(json_member(message, "data"), &text) &&
        base64_decode(a, text, &text, NULL) && !json_parse(a, text, NULL, &message, NULL))
        message = NULL;
    inner = json_member(message, "payload");
    message = inner ? inner : message;
    if (json_text(json_member(message, "challenge"), &challenge) &&
        json_text(json_member(message, "service_context"), &context) &&
        base64_decode(a, challenge, &s->options.challenge, NULL)) {
        s->options.service_context = context;
        return true;
    }
    cli_misuse(s->cli, "%s holds no challenge and service context", s->challenge);
    return false;
}

/* Options of machines with a TPM; others are the rest's. */
static bool tpm_option(struct simulation *s, int id, const char *value)
{
    struct simulate_options *o = &s->options;

    switch (id) {
    case OPTION_AK: o->ak = value; return true;
    case OPTION_OS: o->os = value; return true;
    case OPTION_NONCE: return read_hex(s, "nonce", value, &o->nonce);
    case OPTION_REQUEST: s->request = true; return true;
    case OPTION_REQUEST_VERSION: s->request = true; return read_number(s, "request-version", value, &o->version);
    case OPTION_CHALLENGE:
        s->request = true;
        s->challenge = value;
        return true;
    case OPTION_ISOLATION: o->isolation = value; return true;
    case OPTION_LOG_SIZE: return read_number(s, "log-size", value, &o->log_size);
    case OPTION_SOFTWARE: s->software = true; return true;
    default: o->debug = true; return true;
    }
}

bool simulation_option(struct simulation *s, int id, const char *value)
{
    struct simulate_options *o = &s->options;

    switch (id) {
    case 'o': s->folder = value; return true;
    case 't':
        if (input_time(value, &o->time) && o->time > 0)
            return true;
        cli_misuse(s->cli, "--at %s: no time", value);
        return false;
    case OPTION_FAULT: o->fault = value; return true;
    case OPTION_LIST_FAULTS: s->list = true; return true;
    case OPTION_STATUS: o->status = value; return true;
    case OPTION_QE_STATUS: o->qe_status = value; return true;
    case OPTION_QUOTE_VERSION: return read_number(s, "quote-version", value, &o->version);
    case OPTION_TCB_INFO_VERSION: return read_number(s, "tcb-info-version", value, &o->tcb_info_version);
    case OPTION_CERTIFICATION: return read_number(s, "certification", value, &o->certification);
    case OPTION_EVALUATION: return read_number(s, "evaluation", value, &o->evaluation);
    case OPTION_SEED: return read_seed(s, value);
    case OPTION_VARIATION: o->variation = value; return true;
    case OPTION_RUNTIME_DATA: s->runtime_data = value; return true;
    case OPTION_EVIDENCE: s->evidence = true; return true;
    case OPTION_TD_REPORT: return read_td_report(s, value);
    case OPTION_MODULE_STATUS: o->module_status = value; return true;
    case OPTION_MODULE_UNNUMBERED: o->unnumbered_module = true; return true;
    case OPTION_MODULE_UPDATED: o->module_updated = true; return true;
    case OPTION_PRODUCT: o->product = value; return true;
    case OPTION_REPORT_VERSION: return read_number(s, "report-version", value, &o->version);
    case OPTION_VLEK: o->vlek = true; return true;
    case OPTION_MIGRATION: o->migration = true; return true;
    case OPTION_UVM: o->uvm = value; return true;
    case OPTION_KSS: o->kss = true; return true;
    default: return tpm_option(s, id, value);
    }
}

/* A fault is named by the check that must refuse it; behind a colon, which of several such faults it is. */
static enum status list_faults(void)
{
    const struct simulate_fault *f;

    for (size_t i = 0; (f = simulate_fault_at(i)) != NULL; i++)
        printf("%-40s %s\n", f->name, f->wrong);
    return STATUS_DONE;
}

/* Of the kinds that go by this word, the first, or the first that can have the fault. */
static bool find_kind(struct simulation *s, const char *word)
{
    const struct simulate_fault *f = s->options.fault ? simulate_fault_by_name(s->options.fault) : NULL;
    bool known = false, fits = false;

    for (int kind = 0; kind < SIMULATE_KINDS; kind++) {
        bool more = f && !fits && f->kinds & 1u << kind;

        if (strcmp(simulate_kind_word((enum simulate_kind)kind), word) != 0 || (known && !more))
            continue;
        s->options.kind = (enum simulate_kind)kind;
        known = true;
        fits |= more;
    }
    return known;
}

static bool choose_kind(struct simulation *s, const char *word)
{
    if (!find_kind(s, word)) {
        cli_misuse(s->cli, "%s: sgx, oe, tdx, snp, tpm, vbs or azure-guest can be simulated", word);
        return false;
    }
    if (s->evidence && s->options.kind != SIMULATE_OE_REPORT && s->options.kind != SIMULATE_OE_EVIDENCE) {
        cli_misuse(s->cli, "--evidence is for oe");
        return false;
    }
    if (s->evidence)
        s->options.kind = SIMULATE_OE_EVIDENCE;
    if (s->request && s->options.kind == SIMULATE_TPM)
        s->options.kind = SIMULATE_TPM_REQUEST;
    return true;
}

/* A real TPM where there is one and nothing is asked for that it does not do. */
static void choose_tpm(struct simulation *s)
{
    struct simulate_options *o = &s->options;
    bool rsassa = !o->ak || strcmp(o->ak, "rsassa") == 0;

    if (simulate_kind_has_tpm(o->kind) && !s->software && !o->fault && !o->variation && !o->seed && rsassa &&
        swtpm_installed())
        o->tpm = &swtpm_driver;
}

bool simulation_make(struct simulation *s, const char *kind, struct simulated *out)
{
    struct fault fault = {0};

    if (!choose_kind(s, kind) || !read_runtime_data(s) || !read_challenge(s))
        return false;
    choose_tpm(s);
    progress("making keys and certificates");
    bool ok = simulate(s->cli->arena, &s->options, out, &fault);
    progress(NULL);
    if (!ok)
        cli_misuse(s->cli, "%s%s", fault.text,
                   s->options.fault && fault.code == FAULT_USAGE ? "; --list-faults names those that can" : "");
    return ok;
}

static enum status simulate_run(struct cli *cli, int argc, char **argv)
{
    struct simulation s = {.cli = cli};
    struct simulated made;
    struct fault fault = {0};
    struct options o;
    enum status status;

    options_open(&o, cli, argc, argv);
    for (int id; (id = options_next(&o)) != 0;)
        if (!simulation_option(&s, id, o.value))
            return STATUS_MISUSE;
    if (options_done(&o, s.list ? 0 : 1, 1, &status))
        return status;
    if (s.list)
        return list_faults();
    if (!s.folder)
        return cli_misuse(cli, "-o DIR is needed: where to");
    if (!simulation_make(&s, options_operand(&o, 0), &made))
        return STATUS_MISUSE;
    if (!simulate_write(cli->arena, &made, s.folder, &fault)) {
        cli_error(cli, "%s", fault.text);
        return STATUS_MISUSE;
    }
    if (simulate_kind_has_tpm(s.options.kind))
        printf("The TPM is %s.\n", made.options.tpm ? "swtpm" : "one of our own");
    printf("%s/README.txt tells the command that verifies it.\n", s.folder);
    return STATUS_DONE;
}

const struct command simulate_command = {
    .name = "simulate",
    .summary = "make evidence with its endorsements under a test root",
    .usage = "sgx|oe|tdx|snp|tpm|vbs|azure-guest [--fault CHECK-ID[:VARIANT]] -o DIR",
    .about =
        "Writes a quote (sgx, tdx), an Open Enclave report (oe), an SEV-SNP report with its certificates (snp), what a "
        "TPM "
        "says of a boot (tpm), also with a report of an enclave (vbs), or the request of an Azure guest (azure-guest), "
        "its "
        "runtime data, the request body for a service, the root to trust and a folder of endorsements into DIR, and in "
        "README.txt the command that verifies it. With "
        "--fault one thing is wrong: what that check must refuse; everything else is right. A check that can fail in "
        "several ways has variants, named behind a colon. Nobody trusts the root unless told to.",
    .options =
        (const struct option_row[]){
            {'o', "output", "DIR", "folder to write to; it is made"},
            {OPTION_FAULT, "fault", "CHECK-ID", "the one thing that is wrong"},
            {OPTION_LIST_FAULTS, "list-faults", NULL, "print the faults that can be made"},
            {OPTION_STATUS, "status", "STATUS", "TCB status of the platform"},
            {OPTION_QE_STATUS, "qe-status", "STATUS", "TCB status of the quoting enclave"},
            OPTION_AT("the middle of all validity"),
            {OPTION_QUOTE_VERSION, "quote-version", "N", "3 (default), 4 or 5; of TDX 4 (default) or 5"},
            {OPTION_TCB_INFO_VERSION, "tcb-info-version", "N", "3 (default) or 2"},
            {OPTION_CERTIFICATION, "certification", "N", "type of the certification data (default 5, the PCK chain)"},
            {OPTION_EVALUATION, "evaluation", "N", "TCB evaluation number (default 17)"},
            {OPTION_SEED, "seed", "N", "make the same evidence again, byte for byte; its keys are known to all"},
            {OPTION_VARIATION, "variation", "NAME",
             "a harmless oddity that must be accepted: quote-with-tail, pem-without-nul, pem-crlf, pem-root-second, "
             "crl-pem, crl-hex, crl-with-nul; of snp without-runtime-data, without-init-data, report-crlf, "
             "base64-standard, pem-crlf, chain-reversed, pss-trailer, hwid-octets, author-key; of tpm, vbs and "
             "azure-guest "
             "see assay-simulate(1)"},
            {OPTION_RUNTIME_DATA, "runtime-data", "F",
             "what the enclave hashes into its report data (default: a small JSON object)"},
            {OPTION_EVIDENCE, "evidence", NULL, "oe: evidence with custom claims instead of a report"},
            {OPTION_KSS, "kss", NULL, "the enclave uses KSS, with init-time data"},
            {OPTION_DEBUG, "debug", NULL, "a debug enclave, a debug trust domain, a VM that may be debugged"},
            {OPTION_TD_REPORT, "td-report", "FORM", "tdx: 1.0 (default with version 4), 1.5 (with 5) or 1.5ex"},
            {OPTION_MODULE_STATUS, "module-status", "STATUS", "tdx: TCB status of the TDX module"},
            {OPTION_MODULE_UNNUMBERED, "module-unnumbered", NULL, "tdx: a module of major version 0, without levels"},
            {OPTION_MODULE_UPDATED, "module-updated", NULL,
             "tdx: the newest module was loaded beneath the trust domain (reports of 1.5 tell)"},
            {OPTION_PRODUCT, "product", "NAME", "snp: Milan (default), Genoa, Bergamo, Siena or Turin"},
            {OPTION_REPORT_VERSION, "report-version", "N", "snp: 2 to 5 (default 3; of Turin 5)"},
            {OPTION_VLEK, "vlek", NULL, "snp: a cloud provider's VLEK signs the report, not the chip's VCEK"},
            {OPTION_MIGRATION, "migration", NULL, "snp: the VM may be migrated"},
            {OPTION_UVM, "uvm", "FORM", "snp: with an endorsement of the utility VM: legacy or cwt"},
            {OPTION_AK, "ak", "SCHEME", "tpm: the attestation key: rsassa (default), rsapss or ecdsa"},
            {OPTION_OS, "os", "NAME", "tpm, azure-guest: what was booted: windows (default) or linux"},
            {OPTION_NONCE, "nonce", "HEX", "tpm: the quote's qualifying data"},
            {OPTION_REQUEST, "request", NULL, "tpm: a request to /attest/Tpm instead of an attestation object"},
            {OPTION_REQUEST_VERSION, "request-version", "N", "tpm, vbs: such a request of version 2 (default) or 1"},
            {OPTION_CHALLENGE, "challenge", "F", "tpm, vbs: what the service answered to the first message"},
            {OPTION_ISOLATION, "isolation", "NAME", "azure-guest: trusted-launch (default), snp or tdx"},
            {OPTION_LOG_SIZE, "log-size", "N", "tpm, azure-guest: the boot log has at least so many bytes"},
            {OPTION_SOFTWARE, "software", NULL,
             "tpm, vbs, azure-guest: a TPM of our own, even if swtpm is installed; that of faults always is"},
            OPTION_END},
    .examples = "  assay simulate sgx -o platform\n"
                "  assay simulate sgx --status OutOfDate -o old\n"
                "  assay simulate snp --product Genoa --uvm cwt -o container\n"
                "  assay simulate tpm --os linux -o machine\n"
                "  assay simulate azure-guest --isolation snp -o guest\n"
                "  assay simulate oe --fault sgx.quote.signature -o forged\n",
    .run = simulate_run,
};
