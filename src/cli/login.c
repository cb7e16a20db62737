/* assay login --dev: a bearer token of the issuer of development mode. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/input.h"
#include "identity/development.h"

enum { OPTION_DEV = OPTION_BASE, OPTION_STATE, OPTION_SUBJECT, OPTION_ROLE, OPTION_SCOPE, OPTION_HOURS };
enum { KEY_FILE_MOST = 4096, SCOPES_MOST = 64, HOURS_DEFAULT = 24, HOURS_MOST = 8784 /* a year */ };

struct login {
    struct cli *cli;
    const char *state, *scopes[SCOPES_MOST];
    struct development_token token;
    bool development;
};

static bool read_hours(struct login *l, const char *value)
{
    uint64_t hours;

    if (!decimal_parse(bytes_text(value), HOURS_MOST, &hours) || hours == 0) {
        cli_misuse(l->cli, "--hours takes a number from 1 to %d", HOURS_MOST);
        return false;
    }
    l->token.lifetime = (int64_t)hours * 3600;
    return true;
}

static bool read_option(struct login *l, int id, const char *value)
{
    switch (id) {
    case OPTION_DEV: l->development = true; return true;
    case OPTION_STATE: l->state = value; return true;
    case OPTION_SUBJECT: l->token.subject = value; return true;
    case OPTION_ROLE: l->token.role = value; return true;
    case OPTION_HOURS: return read_hours(l, value);
    case OPTION_SCOPE:
        if (l->token.scope_count < SCOPES_MOST) {
            l->scopes[l->token.scope_count++] = value;
            return true;
        }
        cli_misuse(l->cli, "--scope can be given %d times", SCOPES_MOST);
        return false;
    default: return false;
    }
}

static enum status make(struct login *l)
{
    struct arena *a = l->cli->arena;
    const char *path = arena_printf(a, "%s/%s", l->state, DEVELOPMENT_KEY);
    struct fault fault = {0};
    struct bytes pem, token;

    if (!input_file(a, path, KEY_FILE_MOST, &pem, &fault)) {
        cli_error(l->cli, "%s; `assayd --dev --state %s` makes it", fault.text, l->state);
        return STATUS_MISUSE;
    }
    struct signing_key *key = signing_key_read_pem(pem, &fault);
    secret_wipe((void *)(uintptr_t)pem.p, pem.n);
    bool ok = key && development_token(a, key, &l->token, &token, &fault);
    signing_key_free(key);
    if (!ok && fault.code == FAULT_USAGE)
        return cli_misuse(l->cli, "%s", fault.text);
    if (!ok) {
        cli_error(l->cli, "%s: %s", path, fault.text);
        return STATUS_MISUSE;
    }
    printf("%.*s\n", (int)token.n, (const char *)token.p);
    return STATUS_DONE;
}

static enum status login_run(struct cli *cli, int argc, char **argv)
{
    struct login l = {.cli = cli,
                      .state = "state",
                      .token = {.subject = DEVELOPMENT_SUBJECT,
                                .role = "Owner",
                                .time = input_now(),
                                .lifetime = (int64_t)HOURS_DEFAULT * 3600}};
    struct options o;
    enum status status;

    options_open(&o, cli, argc, argv);
    for (int id; (id = options_next(&o)) != 0;)
        if (!read_option(&l, id, o.value))
            return STATUS_MISUSE;
    if (options_done(&o, 0, 0, &status))
        return status;
    if (!l.development)
        return cli_misuse(cli, "--dev is needed: for other services, ask their issuer for a token");
    if (!*l.token.subject)
        return cli_misuse(cli, "--subject is empty");
    if (l.token.scope_count == 0)
        l.scopes[l.token.scope_count++] = "/";
    l.token.scopes = l.scopes;
    return make(&l);
}

const struct command login_command = {
    .name = "login",
    .summary = "print a bearer token for a service in development mode",
    .usage = "--dev [--state DIR] [--role ROLE] [--scope SCOPE]...",
    .about = "The token is signed by the issuer that `assayd --dev` keeps in its state folder. It is good for that "
             "service alone, for its data plane and its control plane, and carries the role and the scopes for which "
             "it was made. Real services take tokens of their configured issuers; see assayd.conf(5).",
    .options =
        (const struct option_row[]){
            {OPTION_DEV, "dev", NULL, "a token of development mode; there is no other kind"},
            {OPTION_STATE, "state", "DIR", "the state folder of assayd --dev (default: state)"},
            {OPTION_SUBJECT, "subject", "S", "who the caller is (default: developer)"},
            {OPTION_ROLE, "role", "ROLE",
             "Owner (default), Contributor, Reader, Attestation Contributor, Attestation Reader, or the id of one"},
            {OPTION_SCOPE, "scope", "SCOPE",
             "where: / (default), /subscriptions/S, /subscriptions/S/resourceGroups/G, or the resource id of a "
             "provider; may be repeated"},
            {OPTION_HOURS, "hours", "N", "how long it holds (default 24, at most 8784)"},
            OPTION_END},
    .examples =
        "  assay login --dev\n"
        "  assay login --dev --role \"Attestation Reader\" --subject auditor\n"
        "  curl --cacert state/ca.pem -H \"Authorization: Bearer $(assay login --dev)\" $ASSAY_URL/certificates\n",
    .run = login_run,
};
