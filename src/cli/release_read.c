#include "base/limits.h"
#include "cli/input.h"
#include "cli/release.h"
#include "cli/terminal.h"
#include "crypto/x509.h"
#include "net/http.h"

#include <stdlib.h>

const char *service_address(struct arena *a, const char *url)
{
    struct bytes b = bytes_text(url);

    while (b.n && b.p[b.n - 1] == '/')
        b.n--;
    return arena_string(a, b);
}

bool release_fetch(struct arena *a, const char *url, const char *ca_file, struct bytes *out, bool *answered,
                   struct fault *fault)
{
    struct http_request request = {.url = url, .ca_file = ca_file, .extra_ca_file = getenv("NODE_EXTRA_CA_CERTS")};
    struct http_answer answer;

    progress("fetching %s", url);
    *answered = http_send(&request, a, &answer, fault);
    progress(NULL);
    if (!*answered)
        return false;
    if (answer.status != 200)
        return fault_set(fault, FAULT_SYSTEM, "%s answered %d", url, answer.status);
    *out = answer.body;
    return true;
}

bool key_set_address(struct arena *a, const char *service, const char *ca_file, const char **out, bool *answered,
                     struct fault *fault)
{
    const char *url = arena_printf(a, "%s/.well-known/openid-configuration", service);
    struct bytes text, issuer = BYTES_LIT("none"), uri = BYTES_LIT("none");
    const struct json *metadata;

    if (!release_fetch(a, url, ca_file, &text, answered, fault) || !json_parse(a, text, NULL, &metadata, fault))
        return false;
    json_text(json_member(metadata, "issuer"), &issuer);
    json_text(json_member(metadata, "jwks_uri"), &uri);
    if (!bytes_is(issuer, service))
        return fault_set(fault, FAULT_SYNTAX, "%s names the issuer %s", url, arena_string(a, issuer));
    *out = arena_string(a, uri);
    if (bytes_begin(uri, arena_printf(a, "%s/", service)))
        return true;
    return fault_set(fault, FAULT_SYNTAX, "%s: jwks_uri is not below the issuer: %s", url, *out);
}

bool release_list_read(struct cli *cli, const char *from, const char *ca_file, struct bytes *out)
{
    struct fault fault = {0};
    bool answered;
    bool ok = bytes_begin(bytes_text(from), "https://")
                  ? release_fetch(cli->arena, from, ca_file, out, &answered, &fault)
                  : input_file(cli->arena, from, LIMIT_MEASUREMENTS_TEXT, out, &fault);

    if (!ok)
        cli_error(cli, "%s", fault.text);
    return ok;
}

bool release_key_read(struct cli *cli, const char *path, struct public_key *out)
{
    struct fault fault = {0};
    struct bytes text;

    if (!input_file(cli->arena, path, LIMIT_KEY_FILE, &text, &fault)) {
        cli_error(cli, "%s", fault.text);
        return false;
    }
    if (public_key_read(cli->arena, text, out) && out->kind == KEY_P256)
        return true;
    cli_misuse(
        cli, "--release-key %s: no public key on P-256 in PEM; `assay collateral key` makes one beside the private one",
        path);
    return false;
}
