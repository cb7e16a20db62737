/* assay trust: is this service itself genuine? The four steps by which a relying party comes to rely on it, each with its evidence. */
#include <signal.h>
#include <stdio.h>

#include "base/limits.h"
#include "cli/release.h"
#include "cli/terminal.h"
#include "cli/token_input.h"
#include "cli/verify.h"
#include "trust/trust.h"

enum {
    OPTION_MEASUREMENTS = OPTION_BASE,
    OPTION_RELEASE_KEY,
    OPTION_TOKEN,
    OPTION_KID,
    OPTION_COLLATERAL,
    OPTION_ANCHOR,
    OPTION_JWKS,
    OPTION_CA,
    OPTION_ACCEPT,
    OPTION_BASELINE,
    OPTION_ALLOW_DEBUG,
    OPTION_ALLOW_SHORT_KEY,
    OPTION_ALLOW_EXPIRED,
    OPTION_ALLOW_CHAINED,
    OPTION_ALLOW_PARTIAL,
    OPTION_ANY_MEASUREMENT,
};

struct trusting {
    struct cli *cli;
    struct verification v; /* endorsements, settings and time, as of `assay verify` */
    struct trust_rules rules;
    const char *service, *measurements, *release_key, *token, *kid, *jwks, *ca_file;
    struct public_key key;
    struct trust_question q;
    struct trust_result result;
};

static bool read_flag(struct trusting *t, int id)
{
    switch (id) {
    case OPTION_ALLOW_DEBUG: t->rules.allow_debug = true; return true;
    case OPTION_ALLOW_SHORT_KEY: t->rules.allow_short_key = true; return true;
    case OPTION_ALLOW_EXPIRED: t->rules.allow_expired = true; return true;
    case OPTION_ALLOW_CHAINED: t->rules.allow_chained = true; return true;
    case OPTION_ALLOW_PARTIAL: t->rules.allow_partial = true; return true;
    case OPTION_ANY_MEASUREMENT: t->rules.any_measurement = true; return true;
    default: t->v.json = true; return true;
    }
}

static bool read_option(struct trusting *t, int id, const char *value)
{
    switch (id) {
    case OPTION_MEASUREMENTS: t->measurements = value; return true;
    case OPTION_RELEASE_KEY: t->release_key = value; return true;
    case OPTION_TOKEN: t->token = value; return true;
    case OPTION_KID: t->kid = value; return true;
    case OPTION_JWKS: t->jwks = value; return true;
    case OPTION_CA: t->ca_file = value; return true;
    case OPTION_COLLATERAL: path_list_add(t->cli->arena, &t->v.collateral, value); return true;
    case OPTION_ANCHOR: path_list_add(t->cli->arena, &t->v.anchors, value); return true;
    case OPTION_ACCEPT: return verify_accept(&t->v, value);
    case OPTION_BASELINE: return verify_baseline(&t->v, value);
    case 't':
        if (input_time(value, &t->v.time))
            return true;
        cli_misuse(t->cli, "--at %s: no time", value);
        return false;
    default: return read_flag(t, id);
    }
}

/* The key set: of a file, or of the service, whose metadata must name itself. */
static bool read_keys(struct trusting *t)
{
    struct arena *a = t->cli->arena;
    struct fault fault = {0};
    const char *address;
    bool answered;
    bool ok = t->jwks ? input_file(a, t->jwks, LIMIT_HTTP_ANSWER, &t->q.jwks, &fault)
                      : key_set_address(a, t->service, t->ca_file, &address, &answered, &fault) &&
                            release_fetch(a, address, t->ca_file, &t->q.jwks, &answered, &fault);

    if (!ok)
        cli_error(t->cli, "%s", fault.text);
    return ok;
}

/* Of a file or an address; with a release key alone, the list that the service publishes itself. */
static bool read_measurements(struct trusting *t)
{
    struct arena *a = t->cli->arena;
    const char *from = t->measurements;

    if (t->release_key && !release_key_read(t->cli, t->release_key, &t->key))
        return false;
    t->q.release_key = t->release_key ? &t->key : NULL;
    if (!from && t->release_key && !t->jwks)
        from = arena_printf(a, "%s" MEASUREMENTS_PATH, t->service);
    if (!from || t->rules.any_measurement)
        return true;
    if (bytes_begin(bytes_text(from), "https://") && !t->release_key) {
        cli_misuse(t->cli, "--measurements %s: what comes from an address is judged with --release-key", from);
        return false;
    }
    if (!release_list_read(t->cli, from, t->ca_file, &t->q.list))
        return false;
    if (t->q.list.n)
        return true;
    cli_error(t->cli, "%s: empty", from);
    return false;
}

static bool prepare(struct trusting *t)
{
    struct arena *a = t->cli->arena;

    t->rules.appraisal = t->v.settings;
    t->q = (struct trust_question){.arena = a,
                                   .service = bytes_text(t->service),
                                   .kid = t->kid ? bytes_text(t->kid) : BYTES_NONE,
                                   .rules = &t->rules,
                                   .time = t->v.time};
    if (t->token && !token_input(t->cli, t->token, &t->q.token))
        return false;
    if (!read_measurements(t) || !read_keys(t) || !verify_load_endorsements(&t->v))
        return false;
    t->q.endorsements = t->v.endorsements;
    return true;
}

static void print_key(struct trusting *t, const struct trust_key *k)
{
    static const char *const marks[] = {"✓", "✗", "–", "–"};
    static const enum ink inks[] = {INK_GOOD, INK_BAD, INK_FAINT, INK_FAINT};
    struct arena *a = t->cli->arena;

    printf("key ");
    put_safe(stdout, k->kid.n ? k->kid : bytes_text("none"));
    if (k->verdict == TRUST_CHAINED) {
        printf(
            "\n– %-12s not judged: it stands under an authority's chain, and no TEE holds it; tokens under it are not "
            "covered by what follows\n",
            "all");
        return;
    }
    putchar('\n');
    for (int s = 0; s < TRUST_STEPS; s++) {
        enum trust_outcome outcome = trust_step_outcome(k, (enum trust_step)s);

        printf("%s%s%s %-12s ", ink(stdout, inks[outcome]), marks[outcome], ink(stdout, INK_NONE),
               trust_step_name((enum trust_step)s));
        put_safe(stdout, bytes_text(trust_step_text(a, k, (enum trust_step)s)));
        putchar('\n');
    }
}

static const char *reason(struct trusting *t)
{
    for (size_t i = 0; i < t->result.count; i++)
        if (t->result.keys[i].verdict == TRUST_REFUSED)
            return arena_string(t->cli->arena, trace_message(t->result.keys[i].trace, t->cli->arena));
    return t->result.verdict == TRUST_CHAINED
               ? "some keys of the service are held by no TEE; judge a --token or a --kid, or say --allow-chained"
               : "no key of the service is held by a TEE";
}

static bool is_partial(const struct trusting *t)
{
    for (size_t i = 0; i < t->result.count; i++)
        if (t->result.keys[i].record && !measurement_is_whole(&t->result.keys[i].record->values))
            return true;
    return false;
}

static const char *verdict_line(const struct trusting *t)
{
    switch (t->result.verdict) {
    case TRUST_ACCEPTED:
        return t->rules.any_measurement ? "accepted: genuine hardware holds the key; what runs in it was not asked"
               : is_partial(t) ? "accepted: genuine hardware holds the key, and what runs in it was announced IN PART"
                               : "accepted: genuine hardware holds the key, and runs what was announced";
    case TRUST_NOT_COMPARED: return "not compared: genuine hardware holds the key, the measurement was not compared";
    default: return "refused";
    }
}

static void print(struct trusting *t)
{
    bool accepted = t->result.verdict == TRUST_ACCEPTED;

    if (t->v.json) {
        put_json(t->cli->arena, trust_json(&t->q, &t->result));
    } else {
        for (size_t i = 0; i < t->result.count; i++)
            print_key(t, &t->result.keys[i]);
        printf("%s%s%s\n", ink(stdout, accepted ? INK_GOOD : INK_BAD), verdict_line(t), ink(stdout, INK_NONE));
    }
    if (t->result.verdict == TRUST_NOT_COMPARED)
        cli_error(t->cli, "name what may run with --measurements, or accept any with --any-measurement");
    else if (!accepted)
        cli_error(t->cli, "%s", reason(t));
}

static enum status trust_run(struct cli *cli, int argc, char **argv)
{
    struct trusting t = {.cli = cli};
    struct options o;
    enum status status;

    verify_open(&t.v, cli);
    options_open(&o, cli, argc, argv);
    for (int id; (id = options_next(&o)) != 0;)
        if (!read_option(&t, id, o.value))
            return STATUS_MISUSE;
    if (options_done(&o, 1, 1, &status))
        return status;
    if (t.token && t.kid)
        return cli_misuse(cli, "--token names its own key: --kid has no place beside it");
    t.service = service_address(cli->arena, options_operand(&o, 0));
    signal(SIGPIPE, SIG_IGN); /* as net/http.h asks */
    bool ready = prepare(&t);
    if (ready) {
        trust_judge(&t.q, &t.result);
        print(&t);
    }
    endorsements_free(t.v.endorsements);
    return !ready ? STATUS_MISUSE : t.result.verdict == TRUST_ACCEPTED ? STATUS_DONE : STATUS_REFUSED;
}

const struct command trust_command = {
    .name = "trust",
    .summary = "judge whether a service itself is genuine, in four steps",
    .usage = "URL [--measurements F|URL] [--release-key F] [--token TOKEN|F] [--collateral DIR|BUNDLE] [OPTIONS]",
    .about =
        "The token is signed by a certificate that the service lists; the certificate carries evidence of a TEE, which "
        "verifies; the evidence is bound to the certificate's key; what it measures is what was announced. Each step "
        "is "
        "printed with what was found. Without a token every key that the service lists is judged; those under an "
        "authority's "
        "chain are told as such. Without measurements nothing is accepted, but with --any-measurement. Nothing but the "
        "service's key set, its metadata and the measurements are fetched; with --jwks nothing is.",
    .options =
        (const struct option_row[]){
            {OPTION_MEASUREMENTS, "measurements", "F|URL",
             "records of what may run: a signed list, or a file of your own (default with --release-key: what the "
             "service "
             "publishes)"},
            {OPTION_RELEASE_KEY, "release-key", "F", "public key in PEM of whoever signs the list of measurements"},
            {OPTION_TOKEN, "token", "TOKEN|F", "judge the key of this token, and the token"},
            {OPTION_KID, "kid", "KID", "judge this key alone"},
            {OPTION_JWKS, "jwks", "F", "the service's key set, instead of fetching it"},
            {OPTION_COLLATERAL, "collateral", "DIR|BUNDLE", "endorsements: a folder, or one file; repeatable"},
            {OPTION_ANCHOR, "anchor", "F", "trust this root too: a certificate or a public key; repeatable"},
            OPTION_AT("judge at this time"),
            {OPTION_ACCEPT, "accept", "STATUS",
             "accept this TCB status besides UpToDate and SWHardeningNeeded; repeatable"},
            {OPTION_BASELINE, "baseline", "N", "TCB evaluation number to judge by (default: the highest at hand)"},
            {OPTION_ANY_MEASUREMENT, "any-measurement", NULL, "accept whatever runs in genuine hardware"},
            {OPTION_ALLOW_PARTIAL, "allow-partial", NULL,
             "accept a record that leaves out what decides too: of TDX one of rtmr0 to rtmr2, of SEV-SNP host_data"},
            {OPTION_ALLOW_DEBUG, "allow-debug", NULL,
             "accept a TEE that can be debugged: its operator can read the key"},
            {OPTION_ALLOW_SHORT_KEY, "allow-short-key", NULL,
             "accept RSA keys of 1024 bits, as the original service had until 2021"},
            {OPTION_ALLOW_EXPIRED, "allow-expired", NULL, "accept certificates whose time is past"},
            {OPTION_ALLOW_CHAINED, "allow-chained", NULL,
             "without a token: accept a set in which some keys are held by no TEE"},
            {OPTION_CA, "ca", "F",
             "PEM: trust these certificates alone for the connection (default: the system's, and those of the file "
             "that "
             "NODE_EXTRA_CA_CERTS names)"},
            OPTION_JSON,
            OPTION_END},
    .examples = "  assay trust https://attest.example --release-key assay-release.pem --collateral endorsements/\n"
                "  assay trust https://attest.example --jwks certs.json --token token.jwt --measurements mine.json "
                "--collateral dir --at 2026-01-31T12:00:00Z\n",
    .run = trust_run,
};
