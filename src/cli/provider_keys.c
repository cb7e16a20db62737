/* assay provider keys, rotate-key, revoke-key: signing keys of a provider. They are operations of Assay's own. */
#include <stdio.h>

#include "base/clock.h"
#include "cli/provider.h"
#include "cli/show.h"
#include "cli/terminal.h"

static void print_keys(const struct provider_call *c, const struct json *root)
{
    if (c->remote.json) {
        put_json(c->remote.cli->arena, root);
        return;
    }
    JSON_EACH (key, json_member(root, "signingKeys")) {
        bool retired = bytes_is(provider_text(key, "state"), "retired");
        int64_t at = 0;
        char when[32];

        json_integer(json_member(key, retired ? "until" : "since"), &at);
        time_format(at, when);
        put_safe(stdout, provider_text(key, "kid"));
        fputs("  ", stdout);
        put_safe(stdout, provider_text(key, "state"));
        printf("%*s%s %s\n", (int)(11 - provider_text(key, "state").n % 11), "", retired ? "until" : "since", when);
    }
}

/* GET without a body, else POST. */
static enum status send_keys(const struct provider_call *c, const char *below, const struct json *body)
{
    struct remote_request request = {.path = provider_path_below(c, below)};
    struct http_answer answer;
    const struct json *root;
    enum status status;

    if (body) {
        request.method = "POST";
        request.body = json_print(c->remote.cli->arena, body, JSON_IN_ORDER);
        request.content_type = "application/json";
    }
    if (!provider_ask(c, &request, &answer, &root, &status))
        return status;
    print_keys(c, root);
    return STATUS_DONE;
}

static enum status keys_run(struct cli *cli, int argc, char **argv)
{
    struct provider_call c;
    enum status status;

    return provider_call(&c, cli, argc, argv, NEEDS_PROVIDER, &status) ? send_keys(&c, "/signingKeys", NULL) : status;
}

static enum status rotate_key_run(struct cli *cli, int argc, char **argv)
{
    struct json *body = json_new(cli->arena, JSON_OBJECT);
    struct provider_call c;
    enum status status;

    if (!provider_call(&c, cli, argc, argv, NEEDS_PROVIDER, &status))
        return status;
    show_flag(cli->arena, body, "now", c.now);
    return send_keys(&c, "/rotateSigningKey", body);
}

static enum status revoke_key_run(struct cli *cli, int argc, char **argv)
{
    struct json *body = json_new(cli->arena, JSON_OBJECT);
    struct provider_call c;
    enum status status;

    if (!provider_call(&c, cli, argc, argv, NEEDS_PROVIDER, &status))
        return status;
    if (!c.kid || !*c.kid)
        return cli_misuse(cli, "--kid is needed: the key that is to be revoked; `assay provider keys` lists them");
    show_string(cli->arena, body, "kid", c.kid);
    return send_keys(&c, "/revokeSigningKey", body);
}

const struct command provider_keys_command = {
    .name = "provider keys",
    .summary = "list the signing keys of a provider",
    .usage = "--group G --name NAME [OPTIONS]",
    .options = (const struct option_row[]){OPTIONS_WHERE, OPTION_GROUP(OF_ENVIRONMENT), OPTION_NAME, OPTIONS_END},
    .examples = "  assay provider keys -g lab -n first\n",
    .run = keys_run,
};

const struct command provider_rotate_key_command = {
    .name = "provider rotate-key",
    .summary = "give a provider a new signing key",
    .usage = "--group G --name NAME [--now] [OPTIONS]",
    .about = "The new key is listed at once, and signs when clients had time to see it. With --now it signs at once: "
             "clients that cache keys refuse tokens until they look again. The old key stays listed for its tokens.",
    .options = (const struct option_row[]){OPTIONS_WHERE,
                                           OPTION_GROUP(OF_ENVIRONMENT),
                                           OPTION_NAME,
                                           {OPTION_NOW, "now", NULL, "it signs at once"},
                                           OPTIONS_END},
    .examples = "  assay provider rotate-key -g lab -n first\n",
    .run = rotate_key_run,
};

const struct command provider_revoke_key_command = {
    .name = "provider revoke-key",
    .summary = "revoke a signing key that is not to be believed any more",
    .usage = "--group G --name NAME --kid K [OPTIONS]",
    .about = "For an emergency: the key is listed no more, so every token that it signed is refused from now on. If it "
             "is the one that signs, another one does at once.",
    .options = (const struct option_row[]){OPTIONS_WHERE,
                                           OPTION_GROUP(OF_ENVIRONMENT),
                                           OPTION_NAME,
                                           {OPTION_KID, "kid", "K", "the key, as `assay provider keys` lists it"},
                                           OPTIONS_END},
    .examples = "  assay provider revoke-key -g lab -n first --kid JmUMmSXXEXAMPLEwxnO8Zh3yC1EXAMPLEvJ2n0AbcdE=\n",
    .run = revoke_key_run,
};
