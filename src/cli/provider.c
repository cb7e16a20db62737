/* assay provider: the providers of a service, through its control plane (Microsoft.Attestation in Azure Resource Manager). */
#include <stdio.h>
#include <stdlib.h>

#include "arm/names.h"
#include "base/limits.h"
#include "base/text.h"
#include "cli/input.h"
#include "cli/provider.h"
#include "cli/remote.h"
#include "cli/show.h"
#include "cli/terminal.h"
#include "crypto/x509.h"

static struct arena *memory(const struct provider_call *c)
{
    return c->remote.cli->arena;
}

static bool read_tag(struct provider_call *c, const char *text)
{
    const char *equals = strchr(text, '=');
    struct bytes name;

    if (!equals || equals == text) {
        cli_misuse(c->remote.cli, "--tags %s: a tag is NAME=VALUE", text);
        return false;
    }
    if (!c->tags)
        c->tags = json_new(memory(c), JSON_OBJECT);
    name = bytes_make(text, (size_t)(equals - text));
    JSON_EACH (other, c->tags)
        if (bytes_equal_nocase(other->name, name)) {
            cli_misuse(c->remote.cli, "--tags %s: the tag was given before", text);
            return false;
        }
    json_set(c->tags, name, json_new_text(memory(c), bytes_text(equals + 1)));
    return true;
}

static bool read_switch(struct provider_call *c, const char *option, const char *value, const char **out)
{
    bool enabled = bytes_is_nocase(bytes_text(value), "Enabled");

    *out = enabled ? "Enabled" : "Disabled";
    if (enabled || bytes_is_nocase(bytes_text(value), "Disabled"))
        return true;
    cli_misuse(c->remote.cli, "%s %s: enabled or disabled", option, value);
    return false;
}

static bool read_option(struct provider_call *c, int id)
{
    const char *value = c->options.value;

    switch (id) {
    case OPTION_URL: c->remote.url = value; break;
    case 's': c->subscription = value; break;
    case 'g': c->group = value; break;
    case 'n': c->name = value; break;
    case 'l': c->location = value; break;
    case OPTION_SIGNERS: path_list_add(memory(c), &c->signers, value); break;
    case OPTION_TAGS: return read_tag(c, value);
    case OPTION_NO_TAGS: c->tags = json_new(memory(c), JSON_OBJECT); break;
    case OPTION_NETWORK: return read_switch(c, "--public-network-access", value, &c->network);
    case OPTION_TPM: return read_switch(c, "--tpm-authentication", value, &c->tpm);
    case OPTION_CA_FILE: c->remote.ca_file = value; break;
    case OPTION_TOKEN: c->remote.token_file = value; break;
    case OPTION_KID: c->kid = value; break;
    case OPTION_NOW: c->now = true; break;
    default: c->remote.json = true;
    }
    return true;
}

/* What becomes a part of a path must be there and be such a name. */
static bool name_ok(const struct provider_call *c, const char *option, const char *value, bool (*is)(struct bytes))
{
    if (!value)
        cli_misuse(c->remote.cli, "%s is needed", option);
    else if (!is(bytes_text(value)))
        cli_misuse(c->remote.cli, "%s %s: not a name that a service can have", option, value);
    else
        return true;
    return false;
}

/* "West US 2" as "westus2", which needs no encoding. */
static bool location_ok(struct provider_call *c)
{
    struct writer w = wr_open(memory(c));

    for (const char *p = c->location; p && *p; p++) {
        if (*p == ' ')
            continue;
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", *p)) {
            cli_misuse(c->remote.cli, "--location %s: letters, digits and blanks", c->location);
            return false;
        }
        wr_u8(&w, (uint8_t)*p);
    }
    if (c->location)
        c->location = arena_string(memory(c), wr_done(&w));
    return true;
}

static bool complete(struct provider_call *c, int needs)
{
    if (!c->remote.url || !*c->remote.url) {
        cli_misuse(c->remote.cli, "--url is needed: the address of the control plane, or ASSAY_ARM_URL with it");
        return false;
    }
    if (!name_ok(c, "--subscription", c->subscription, name_is_subscription) ||
        ((c->group || needs & NEEDS_GROUP) && !name_ok(c, "--group", c->group, name_is_group)) ||
        (needs & NEEDS_NAME && !name_ok(c, "--name", c->name, name_is_provider)))
        return false;
    if (needs & NEEDS_LOCATION && (!c->location || !*c->location)) {
        cli_misuse(c->remote.cli, "--location is needed");
        return false;
    }
    return location_ok(c) && remote_open(&c->remote);
}

bool provider_call(struct provider_call *c, struct cli *cli, int argc, char **argv, int needs, enum status *status)
{
    *c = (struct provider_call){.remote = {.cli = cli, .url = getenv("ASSAY_ARM_URL")},
                                .subscription = getenv("ASSAY_SUBSCRIPTION"),
                                .group = needs & NEEDS_GROUP ? getenv("ASSAY_RESOURCE_GROUP") : NULL};
    options_open(&c->options, cli, argc, argv);
    *status = STATUS_MISUSE;
    for (int id; (id = options_next(&c->options)) != 0;)
        if (!read_option(c, id))
            return false;
    if (options_done(&c->options, 0, 0, status))
        return false;
    *status = STATUS_MISUSE;
    return complete(c, needs);
}

static const char *list_path(const struct provider_call *c)
{
    const char *group = c->group ? arena_printf(memory(c), "/resourceGroups/%s", c->group) : "";

    return arena_printf(memory(c), "/subscriptions/%s%s" SPACE "/attestationProviders" API_VERSION, c->subscription,
                        group);
}

const char *provider_path_below(const struct provider_call *c, const char *below)
{
    return arena_printf(memory(c), "/subscriptions/%s/resourceGroups/%s" SPACE "/attestationProviders/%s%s" API_VERSION,
                        c->subscription, c->group, c->name, below);
}

static const char *provider_path(const struct provider_call *c)
{
    return provider_path_below(c, "");
}

bool provider_ask(const struct provider_call *c, const struct remote_request *request, struct http_answer *answer,
                  const struct json **body, enum status *status)
{
    *status = STATUS_MISUSE;
    if (!remote_send(&c->remote, request, answer))
        return false;
    if (answer->status != 200 && answer->status != 201) {
        *status = remote_refused(&c->remote, request, answer);
        return false;
    }
    return remote_json(&c->remote, answer, body);
}

struct bytes provider_text(const struct json *parent, const char *name)
{
    struct bytes text;

    return json_text(json_member(parent, name), &text) && text.n ? text : BYTES_LIT("-");
}

/* The resource group that an id names. */
static struct bytes group_of(const struct json *provider)
{
    static const char before[] = "/resourceGroups/";
    struct bytes id = provider_text(provider, "id");

    while (id.n > strlen(before) && !bytes_is_nocase(bytes_first(id, strlen(before)), before))
        id = bytes_after(id, 1);
    if (id.n <= strlen(before))
        return BYTES_LIT("-");
    id = bytes_after(id, strlen(before));
    const uint8_t *end = memchr(id.p, '/', id.n);
    return bytes_first(id, end ? (size_t)(end - id.p) : id.n);
}

static void line(const char *label, struct bytes text)
{
    printf("%-22s ", label);
    put_safe(stdout, text);
    putchar('\n');
}

static void print_provider(const struct provider_call *c, const struct json *provider)
{
    const struct json *properties = json_member(provider, "properties");

    if (c->remote.json) {
        put_json(memory(c), provider);
        return;
    }
    line("name", provider_text(provider, "name"));
    line("resource group", group_of(provider));
    line("location", provider_text(provider, "location"));
    line("trust model", provider_text(properties, "trustModel"));
    line("status", provider_text(properties, "status"));
    line("address", provider_text(properties, "attestUri"));
    line("public network access", provider_text(properties, "publicNetworkAccess"));
    line("TPM authentication", provider_text(properties, "tpmAttestationAuthentication"));
    JSON_EACH (tag, json_member(provider, "tags")) {
        struct bytes value = BYTES_NONE;

        json_text(tag, &value);
        fputs("tag                    ", stdout);
        put_safe(stdout, tag->name);
        putchar('=');
        put_safe(stdout, value);
        putchar('\n');
    }
}

enum { COLUMNS = 5 };

static struct bytes cell(const struct json *provider, int column)
{
    const struct json *properties = json_member(provider, "properties");

    switch (column) {
    case 0: return provider_text(provider, "name");
    case 1: return group_of(provider);
    case 2: return provider_text(provider, "location");
    case 3: return provider_text(properties, "trustModel");
    default: return provider_text(properties, "attestUri");
    }
}

static void print_list(const struct provider_call *c, const struct json *root)
{
    static const char *const titles[COLUMNS] = {"NAME", "GROUP", "LOCATION", "TRUST MODEL", "ADDRESS"};
    int width[COLUMNS];

    if (c->remote.json) {
        put_json(memory(c), root);
        return;
    }
    for (int i = 0; i < COLUMNS; i++) {
        width[i] = (int)strlen(titles[i]);
        JSON_EACH (provider, json_member(root, "value"))
            if (cell(provider, i).n > (size_t)width[i])
                width[i] = (int)cell(provider, i).n;
    }
    for (int i = 0; i < COLUMNS; i++)
        printf("%-*s%s", i < COLUMNS - 1 ? width[i] : 0, titles[i], i < COLUMNS - 1 ? "  " : "\n");
    JSON_EACH (provider, json_member(root, "value"))
        for (int i = 0; i < COLUMNS; i++) {
            struct bytes text = cell(provider, i);

            put_safe(stdout, text);
            printf("%*s", i < COLUMNS - 1 ? width[i] - (int)text.n + 2 : 0, "");
            if (i == COLUMNS - 1)
                putchar('\n');
        }
}

/* {"kty","x5c"} of each certificate in a file of PEM. */
static bool add_signers(const struct provider_call *c, const char *path, struct json *keys)
{
    const struct certificate *list;
    struct fault fault = {0};
    struct bytes text;
    size_t count;

    if (!input_file(memory(c), path, LIMIT_TOOL_FILE, &text, &fault)) {
        cli_error(c->remote.cli, "%s", fault.text);
        return false;
    }
    if (!certificates_decode(memory(c), text, &list, &count, &fault)) {
        cli_error(c->remote.cli, "%s: %s", path, fault.text);
        return false;
    }
    for (; list; list = list->next) {
        struct json *key = json_new(memory(c), JSON_OBJECT), *x5c = json_new(memory(c), JSON_ARRAY);

        show_string(memory(c), key, "kty", list->key.kind == KEY_RSA ? "RSA" : "EC");
        json_append(x5c, json_new_text(memory(c), base64_encode(memory(c), list->der)));
        show_tree(key, "x5c", x5c);
        json_append(keys, key);
    }
    return true;
}

static void set_switches(const struct provider_call *c, struct json *properties)
{
    if (c->network)
        show_string(memory(c), properties, "publicNetworkAccess", c->network);
    if (c->tpm)
        show_string(memory(c), properties, "tpmAttestationAuthentication", c->tpm);
}

static bool creation(const struct provider_call *c, struct json *body)
{
    struct json *properties = json_new(memory(c), JSON_OBJECT), *set = json_new(memory(c), JSON_OBJECT),
                *keys = json_new(memory(c), JSON_ARRAY);

    show_string(memory(c), body, "location", c->location);
    if (c->tags)
        show_tree(body, "tags", c->tags);
    for (size_t i = 0; i < c->signers.n; i++)
        if (!add_signers(c, c->signers.v[i], keys))
            return false;
    if (keys->count) {
        show_tree(set, "keys", keys);
        show_tree(properties, "policySigningCertificates", set);
    }
    set_switches(c, properties);
    show_tree(body, "properties", properties);
    return true;
}

static enum status send_provider(const struct provider_call *c, const char *method, const struct json *body)
{
    struct remote_request request = {.method = method,
                                     .path = provider_path(c),
                                     .body = json_print(memory(c), body, JSON_IN_ORDER),
                                     .content_type = "application/json"};
    struct http_answer answer;
    const struct json *root;
    enum status status;

    if (!provider_ask(c, &request, &answer, &root, &status))
        return status;
    print_provider(c, root);
    return STATUS_DONE;
}

static enum status create_run(struct cli *cli, int argc, char **argv)
{
    struct json *body = json_new(cli->arena, JSON_OBJECT);
    struct provider_call c;
    enum status status;

    if (!provider_call(&c, cli, argc, argv, NEEDS_PROVIDER | NEEDS_LOCATION, &status))
        return status;
    return creation(&c, body) ? send_provider(&c, "PUT", body) : STATUS_MISUSE;
}

static enum status update_run(struct cli *cli, int argc, char **argv)
{
    struct json *body = json_new(cli->arena, JSON_OBJECT), *properties = json_new(cli->arena, JSON_OBJECT);
    struct provider_call c;
    enum status status;

    if (!provider_call(&c, cli, argc, argv, NEEDS_PROVIDER, &status))
        return status;
    if (!c.tags && !c.network && !c.tpm)
        return cli_misuse(cli, "nothing to change: give --tags, --no-tags, --public-network-access or "
                               "--tpm-authentication");
    if (c.tags)
        show_tree(body, "tags", c.tags);
    set_switches(&c, properties);
    if (properties->count)
        show_tree(body, "properties", properties);
    return send_provider(&c, "PATCH", body);
}

static enum status show_run(struct cli *cli, int argc, char **argv)
{
    struct provider_call c;
    struct http_answer answer;
    const struct json *root;
    enum status status;

    if (!provider_call(&c, cli, argc, argv, NEEDS_PROVIDER, &status) ||
        !provider_ask(&c, &(struct remote_request){.path = provider_path(&c)}, &answer, &root, &status))
        return status;
    print_provider(&c, root);
    return STATUS_DONE;
}

static enum status list_run(struct cli *cli, int argc, char **argv)
{
    struct provider_call c;
    struct http_answer answer;
    const struct json *root;
    enum status status;

    if (!provider_call(&c, cli, argc, argv, NEEDS_NOTHING, &status) ||
        !provider_ask(&c, &(struct remote_request){.path = list_path(&c)}, &answer, &root, &status))
        return status;
    print_list(&c, root);
    return STATUS_DONE;
}

static enum status list_default_run(struct cli *cli, int argc, char **argv)
{
    struct provider_call c;
    struct http_answer answer;
    const struct json *root;
    enum status status;

    if (!provider_call(&c, cli, argc, argv, NEEDS_NOTHING, &status))
        return status;
    const char *where =
        c.location ? arena_printf(memory(&c), "/locations/%s/defaultProvider", c.location) : "/defaultProviders";
    const char *path = arena_printf(memory(&c), "/subscriptions/%s" SPACE "%s" API_VERSION, c.subscription, where);
    if (!provider_ask(&c, &(struct remote_request){.path = path}, &answer, &root, &status))
        return status;
    if (c.location)
        print_provider(&c, root);
    else
        print_list(&c, root);
    return STATUS_DONE;
}

static enum status delete_run(struct cli *cli, int argc, char **argv)
{
    struct remote_request request = {.method = "DELETE"};
    struct json *result = json_new(cli->arena, JSON_OBJECT);
    struct provider_call c;
    struct http_answer answer;
    enum status status;

    if (!provider_call(&c, cli, argc, argv, NEEDS_PROVIDER, &status))
        return status;
    request.path = provider_path(&c);
    if (!remote_send(&c.remote, &request, &answer))
        return STATUS_MISUSE;
    if (answer.status != 200 && answer.status != 202 && answer.status != 204)
        return remote_refused(&c.remote, &request, &answer);
    show_flag(cli->arena, result, "deleted", answer.status != 204);
    if (c.remote.json)
        put_json(cli->arena, result);
    else
        puts(answer.status == 204 ? "there is no such provider" : "deleted");
    return STATUS_DONE;
}

#define OPTIONS_SETTINGS                                                                                \
    {OPTION_TAGS, "tags", "NAME=VALUE", "a tag; may be given again"},                                   \
        {OPTION_NETWORK, "public-network-access", "WORD", "enabled or disabled"},                       \
    {                                                                                                   \
        OPTION_TPM, "tpm-authentication", "WORD", "enabled (attesting a TPM takes a token) or disabled" \
    }
const struct command provider_create_command = {
    .name = "provider create",
    .summary = "make a provider, or set an existing one anew",
    .usage = "--group G --name NAME --location L [OPTIONS]",
    .about = "With --signers its trust model is Isolated: policies must be signed by one of the certificates, or below "
             "it. Without, "
             "whoever has the role may set them. The trust model is for ever.",
    .options = (const struct option_row[]){OPTIONS_WHERE,
                                           OPTION_GROUP(OF_ENVIRONMENT),
                                           OPTION_NAME,
                                           {'l', "location", "L", "region, such as westus"},
                                           {OPTION_SIGNERS, "signers", "F",
                                            "PEM: certificates that policies must be signed by; may be given again"},
                                           OPTIONS_SETTINGS,
                                           OPTIONS_END},
    .examples = "  assay provider create -g lab -n first -l westus --tags owner=ada\n"
                "  assay provider create -g lab -n strict -l westus --signers signer.pem\n",
    .run = create_run,
};

const struct command provider_list_command = {
    .name = "provider list",
    .summary = "list the providers of a subscription or group",
    .usage = "[--group G] [OPTIONS]",
    .options =
        (const struct option_row[]){OPTIONS_WHERE, OPTION_GROUP("only those of this resource group"), OPTIONS_END},
    .examples = "  assay provider list\n  assay provider list -g lab --json\n",
    .run = list_run,
};

const struct command provider_show_command = {
    .name = "provider show",
    .summary = "show one provider",
    .usage = "--group G --name NAME [OPTIONS]",
    .options = (const struct option_row[]){OPTIONS_WHERE, OPTION_GROUP(OF_ENVIRONMENT), OPTION_NAME, OPTIONS_END},
    .examples = "  assay provider show -g lab -n first\n",
    .run = show_run,
};

const struct command provider_update_command = {
    .name = "provider update",
    .summary = "change a provider's tags and settings",
    .usage = "--group G --name NAME [OPTIONS]",
    .about = "What is not named stays. The tags given replace all that it has.",
    .options = (const struct option_row[]){OPTIONS_WHERE,
                                           OPTION_GROUP(OF_ENVIRONMENT),
                                           OPTION_NAME,
                                           OPTIONS_SETTINGS,
                                           {OPTION_NO_TAGS, "no-tags", NULL, "take all tags away"},
                                           OPTIONS_END},
    .examples = "  assay provider update -g lab -n first --tags owner=bob --public-network-access disabled\n",
    .run = update_run,
};

const struct command provider_delete_command = {
    .name = "provider delete",
    .summary = "delete a provider with its policies",
    .usage = "--group G --name NAME [OPTIONS]",
    .about = "It stops at once. That there is none is no error.",
    .options = (const struct option_row[]){OPTIONS_WHERE, OPTION_GROUP(OF_ENVIRONMENT), OPTION_NAME, OPTIONS_END},
    .examples = "  assay provider delete -g lab -n first\n",
    .run = delete_run,
};

const struct command provider_list_default_command = {
    .name = "provider list-default",
    .summary = "list the default providers, or show that of a region",
    .usage = "[--location L] [OPTIONS]",
    .options =
        (const struct option_row[]){OPTIONS_WHERE, {'l', "location", "L", "region, such as westus"}, OPTIONS_END},
    .examples = "  assay provider list-default\n  assay provider list-default -l westus\n",
    .run = list_default_run,
};
