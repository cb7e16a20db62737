/* assay provider keep-inputs: whether inputs of a provider's decisions are kept, and for whom. */
#include <stdio.h>

#include "base/limits.h"
#include "cli/input.h"
#include "cli/remote.h"
#include "cli/show.h"
#include "cli/terminal.h"
#include "core/keeping.h"
#include "crypto/pem.h"
#include "crypto/x509.h"

enum { TO = OPTION_BASE, DAYS, OFF, CA, TOKEN_FILE };

struct call {
    struct remote remote;
    const char *to, *days;
    bool off;
};

/* The public key alone is sent. */
static bool read_recipient(const struct call *c, struct json *body)
{
    struct arena *a = c->remote.cli->arena;
    struct fault fault = {0};
    struct public_key key;
    struct bytes text;

    if (!input_file(a, c->to, LIMIT_CERTIFICATE, &text, &fault)) {
        cli_error(c->remote.cli, "--to %s", fault.text);
    } else if (!public_key_read(a, text, &key)) {
        cli_error(c->remote.cli,
                  "--to %s: neither a certificate nor a public key in PEM, of RSA with 2048 to 4096 bits, P-256 or "
                  "P-384; of a private key, `openssl pkey -pubout` writes it",
                  c->to);
    } else {
        JSON_SET(body, "recipient", json_new_text(a, pem_encode(a, "PUBLIC KEY", public_key_spki(a, &key))));
        return true;
    }
    return false;
}

static enum status set(const struct call *c, struct remote_request *request)
{
    struct arena *a = c->remote.cli->arena;
    struct json *body = json_new(a, JSON_OBJECT);
    uint64_t days;

    if (!c->to || !c->days)
        return cli_misuse(c->remote.cli, "--to and --days go together");
    if (!decimal_parse(bytes_text(c->days), KEEP_DAYS_MOST, &days) || days == 0)
        return cli_misuse(c->remote.cli, "--days needs a number from 1 to %d", KEEP_DAYS_MOST);
    if (!read_recipient(c, body))
        return STATUS_MISUSE;
    JSON_SET(body, "days", json_new_integer(a, (int64_t)days));
    request->method = "PUT";
    request->body = json_print(a, body, JSON_IN_ORDER);
    request->content_type = "application/json";
    return STATUS_DONE;
}

static enum status send_it(const struct call *c, const struct remote_request *request)
{
    struct http_answer answer;
    const struct json *root;

    if (!remote_send(&c->remote, request, &answer))
        return STATUS_MISUSE;
    if (answer.status != 200)
        return remote_refused(&c->remote, request, &answer);
    if (!remote_json(&c->remote, &answer, &root))
        return STATUS_REFUSED;
    if (c->remote.json)
        put_json(c->remote.cli->arena, root);
    else
        put_tree(stdout, root, 0);
    return STATUS_DONE;
}

static enum status keep_inputs_run(struct cli *cli, int argc, char **argv)
{
    struct remote_request request = {.path = "/assay/v1/keeping"};
    struct call c = {.remote.cli = cli};
    struct options o;
    enum status status;

    options_open(&o, cli, argc, argv);
    for (int id; (id = options_next(&o)) != 0;)
        switch (id) {
        case TO: c.to = o.value; break;
        case DAYS: c.days = o.value; break;
        case OFF: c.off = true; break;
        case CA: c.remote.ca_file = o.value; break;
        case TOKEN_FILE: c.remote.token_file = o.value; break;
        default: c.remote.json = true;
        }
    if (options_done(&o, 1, 1, &status))
        return status;
    c.remote.url = options_operand(&o, 0);
    if (c.off && (c.to || c.days))
        return cli_misuse(cli, "--off goes with neither --to nor --days");
    if (c.off)
        request.method = "DELETE";
    else if ((c.to || c.days) && (status = set(&c, &request)) != STATUS_DONE)
        return status;
    return remote_open(&c.remote) ? send_it(&c, &request) : STATUS_MISUSE;
}

const struct command provider_keep_inputs_command = {
    .name = "provider keep-inputs",
    .summary = "have the inputs of a provider's decisions kept, encrypted",
    .usage = "URL [--to F --days N | --off]",
    .about =
        "Where the operator allows it, the service then keeps what each token was decided by, so that the decision "
        "can be replayed when nobody else has its inputs any more. Only the holder of the private key can read "
        "them. With no option it shows what is chosen.",
    .options =
        (const struct option_row[]){
            {TO, "to", "F", "PEM: encrypt for the key of this certificate, or for this public key"},
            {DAYS, "days", "N", "delete each after so many days"},
            {OFF, "off", NULL, "keep no more; what is kept stays until its time is over"},
            OPTION_CA(CA),
            OPTION_TOKEN_FILE(TOKEN_FILE),
            OPTION_JSON,
            OPTION_END},
    .examples = "  assay provider keep-inputs https://attest.example --to auditor.pem --days 30\n"
                "  assay provider keep-inputs https://attest.example --off\n",
    .run = keep_inputs_run,
};
