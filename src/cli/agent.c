/* assay agent: a daemon in a guest that keeps a fresh token at hand. */
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "agent/daemon.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/input.h"
#include "cli/self.h"
#include "cli/terminal.h"
#include "collateral/throttle.h"

enum {
    OPTION_TYPE = OPTION_BASE,
    OPTION_OUT,
    OPTION_SOCKET,
    OPTION_EXEC,
    OPTION_INTERVAL,
    OPTION_ONCE,
    OPTION_API_VERSION,
    OPTION_TRUST,
    OPTION_BEARER,
    INTERVAL_LEAST = 1,
    INTERVAL_MOST = 30 * 24 * 3600,
    PAUSE_MOST = 24 * 3600,
    SHOWN_MOST = 256, /* bytes of what a service says in one line of the log */
};

struct agent_options {
    struct self self;
    struct remote remote;
    const char *type, *out, *socket, *command;
    unsigned interval;
    bool once;
};

static void log_line(bool bad, const char *text)
{
    char when[32];

    time_format((int64_t)time(NULL), when);
    fprintf(stderr, "%s %s ", when, bad ? "error" : "info");
    put_safe(stderr, bytes_text(text));
    fputc('\n', stderr);
}

/* {"error":{"code","message"}} in one line. */
static bool say_refusal(const struct http_answer *answer, struct arena *a, struct fault *fault)
{
    const struct json *root = NULL, *error;
    struct bytes code = BYTES_NONE, message = BYTES_NONE;

    json_parse(a, answer->body, NULL, &root, NULL);
    error = json_member(root, "error");
    json_text(json_member(error, "code"), &code);
    json_text(json_member(error, "message"), &message);
    *fault = (struct fault){0};
    return fault_set(fault, FAULT_USAGE, "refused by the service with status %d%s%.*s%s%.*s", answer->status,
                     code.n ? ", " : "", (int)bytes_first(code, SHOWN_MOST).n, (const char *)code.p,
                     message.n ? ": " : "", (int)bytes_first(message, SHOWN_MOST).n, (const char *)message.p);
}

static unsigned pause_of(const struct http_answer *answer)
{
    int64_t seconds = retry_after(http_answer_header(answer, "Retry-After"), (int64_t)time(NULL));

    return seconds < 0 ? 0 : seconds < PAUSE_MOST ? (unsigned)seconds : PAUSE_MOST;
}

static bool attest(void *context, const atomic_bool *stop, struct arena *a, struct bytes *token, unsigned *pause,
                   struct fault *fault)
{
    struct agent_options *o = context;
    struct remote remote = o->remote;
    struct cli cli = {a, o->self.cli->command};
    struct agent_outcome out;

    *pause = 0;
    remote.cli = &cli;
    if (!remote_open(&remote)) /* anew each time: bearer tokens are replaced too */
        return fault_set(fault, FAULT_USAGE, "without address and bearer token nothing can be asked");
    if (!self_attest(&o->self, &remote, stop, a, &out, fault)) {
        if (out.refused) {
            *pause = pause_of(&out.answer);
            say_refusal(&out.answer, a, fault);
        }
        return false;
    }
    *token = out.token;
    return true;
}

static enum status once(struct agent_options *o, const struct agent_delivery *delivery)
{
    struct cli *cli = o->self.cli;
    struct fault fault = {0};
    struct agent_outcome out;
    int64_t expires = 0;

    if (!self_attest(&o->self, &o->remote, NULL, cli->arena, &out, &fault)) {
        if (out.refused)
            return remote_refused(&o->remote, &(struct remote_request){0}, &out.answer);
        cli_error(cli, "%s", fault.text);
        return STATUS_MISUSE;
    }
    agent_token_expires(cli->arena, out.token, &expires);
    if (!delivery->file && !delivery->command) {
        put_safe(stdout, out.token);
        putchar('\n');
        return STATUS_DONE;
    }
    if (agent_deliver(delivery, out.token, expires, cli->arena, &fault))
        return STATUS_DONE;
    cli_error(cli, "%s", fault.text);
    return STATUS_MISUSE;
}

static bool read_interval(struct agent_options *o, const char *value)
{
    uint64_t v;
    bool ok = decimal_parse(bytes_text(value), INTERVAL_MOST, &v) && v >= INTERVAL_LEAST;

    o->interval = (unsigned)v;
    if (ok)
        return true;
    cli_misuse(o->self.cli, "--interval %s: seconds, %d to %d", value, INTERVAL_LEAST, INTERVAL_MOST);
    return false;
}

static bool read_option(struct agent_options *o, int id, const char *value)
{
    switch (id) {
    case OPTION_TYPE: o->type = value; break;
    case OPTION_OUT: o->out = value; break;
    case OPTION_SOCKET: o->socket = value; break;
    case OPTION_EXEC: o->command = value; break;
    case OPTION_INTERVAL: return read_interval(o, value);
    case OPTION_ONCE: o->once = true; break;
    case OPTION_API_VERSION: o->self.wish.api_version = value; break;
    case OPTION_TRUST: o->remote.ca_file = value; break;
    case OPTION_BEARER: o->remote.token_file = value; break;
    default: return self_option(&o->self, id, value);
    }
    return true;
}

static bool together(struct agent_options *o)
{
    if (o->once && o->socket)
        cli_misuse(o->self.cli, "--once ends at once: it serves no socket");
    else if (!o->once && !o->out && !o->socket && !o->command)
        cli_misuse(o->self.cli, "where to? --out F, --socket PATH, --exec COMMAND, or --once");
    else
        return true;
    return false;
}

static enum status agent_run(struct cli *cli, int argc, char **argv)
{
    struct agent_options o = {
        .self = {.cli = cli, .machine.metadata = AGENT_METADATA}, .remote.cli = cli, .interval = AGENT_INTERVAL};
    struct agent_delivery delivery;
    struct agent_daemon daemon;
    struct fault fault = {0};
    struct options options;
    enum status status;

    options_open(&options, cli, argc, argv);
    for (int id; (id = options_next(&options)) != 0;)
        if (!read_option(&o, id, options.value))
            return STATUS_MISUSE;
    if (options_done(&options, 1, 1, &status))
        return status;
    o.remote.url = options_operand(&options, 0);
    if (!together(&o) || !self_open(&o.self, o.type) || !remote_open(&o.remote))
        return STATUS_MISUSE;
    delivery = (struct agent_delivery){.file = o.out, .command = o.command, .url = o.remote.base};
    signal(SIGPIPE, SIG_IGN); /* as net/http.h asks */
    if (o.once)
        return once(&o, &delivery);
    daemon = (struct agent_daemon){.attest = attest,
                                   .context = &o,
                                   .log = log_line,
                                   .delivery = delivery,
                                   .socket = o.socket,
                                   .interval = o.interval};
    if (agent_daemon_run(&daemon, &fault))
        return STATUS_DONE;
    cli_error(cli, "%s", fault.text);
    return STATUS_MISUSE;
}

const struct command agent_command = {
    .name = "agent",
    .summary = "attest this machine, again and again, and keep the token at hand",
    .usage = "URL [OPTIONS]",
    .about =
        "Runs in the guest. Attests to the instance at URL at once and before each token expires, and hands the token "
        "to a file, to whoever connects to a socket, or to a command. After errors it tries again, with pauses that "
        "grow to ten minutes. SIGHUP attests at once. Needs to read the TPM and the kernel's logs, so it commonly runs "
        "as root.",
    .options =
        (const struct option_row[]){
            {OPTION_TYPE, "type", "KIND", "tpm, azure-guest, snp or tdx (default: by what the machine has)"},
            {OPTION_OUT, "out", "F", "write the token there, whole, for its owner alone"},
            {OPTION_SOCKET, "socket", "PATH", "serve it on this unix socket: connect, and read to the end"},
            {OPTION_EXEC, "exec", "COMMAND", "run this with each token on its standard input"},
            {OPTION_INTERVAL, "interval", "SECONDS", "attest at least so often (default: each day)"},
            {OPTION_ONCE, "once", NULL, "attest once and end; without --out and --exec print the token"},
            {OPTION_API_VERSION, "api-version", "VERSION", "default: the one that clients send"},
            OPTION_CA(OPTION_TRUST),
            OPTION_TOKEN_FILE(OPTION_BEARER),
            OPTIONS_SELF,
            OPTION_END},
    .examples = "  assay agent https://attest.example --socket /run/assay/token.sock\n"
                "  assay agent https://attest.example --type tpm --once --token-file bearer\n",
    .run = agent_run,
};
