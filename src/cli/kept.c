/* assay log inputs, and what assay replay takes of a service instead of files. */
#include "cli/kept.h"

#include <unistd.h>

#include "base/limits.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "core/keeping.h"
#include "merkle/proof.h"

bool kept_open(struct kept_place *p)
{
    return p->folder || remote_open(&p->remote);
}

static bool fetch(const struct kept_place *p, const char *below, struct bytes *out, enum status *status)
{
    const struct remote_request request = {.path = arena_printf(p->remote.cli->arena, "/assay/v1/kept/%s", below),
                                           .answer_limit = KEPT_FILE_MOST};
    struct http_answer answer;

    *status = STATUS_MISUSE;
    if (!remote_send(&p->remote, &request, &answer))
        return false;
    if (answer.status != 200) {
        *status = remote_refused(&p->remote, &request, &answer);
        return false;
    }
    *out = answer.body;
    return true;
}

bool kept_inputs_fetch(const struct kept_place *p, uint64_t index, struct bytes *out, enum status *status)
{
    return fetch(p, arena_printf(p->remote.cli->arena, "%llu", (unsigned long long)index), out, status);
}

static const char *below_folder(const struct kept_place *p, const char *kind, const uint8_t digest[SHA256_SIZE])
{
    struct arena *a = p->remote.cli->arena;

    return arena_printf(a, "%s/%s", kind, arena_string(a, hex_encode(a, bytes_make(digest, SHA256_SIZE))));
}

bool kept_has_endorsements(const struct kept_place *p, const uint8_t digest[SHA256_SIZE])
{
    const char *below = below_folder(p, "endorsements", digest);

    return !p->folder || access(arena_printf(p->remote.cli->arena, "%s/%s", p->folder, below), R_OK) == 0;
}

static bool file(const struct kept_place *p, const char *kind, const uint8_t digest[SHA256_SIZE], struct bytes *out,
                 enum status *status)
{
    struct arena *a = p->remote.cli->arena;
    const char *below = below_folder(p, kind, digest);
    struct fault fault = {0};

    if (!p->folder)
        return fetch(p, below, out, status);
    *status = STATUS_MISUSE;
    if (input_file(a, arena_printf(a, "%s/%s", p->folder, below), KEPT_FILE_MOST, out, &fault))
        return true;
    cli_error(p->remote.cli, "%s", fault.text);
    return false;
}

bool kept_settings(const struct kept_place *p, const uint8_t digest[SHA256_SIZE], struct bytes *out,
                   enum status *status)
{
    return file(p, "settings", digest, out, status);
}

/* Of which the name is the hash. */
static bool named(const struct kept_place *p, const uint8_t digest[SHA256_SIZE], struct bytes *out, enum status *status)
{
    uint8_t found[SHA256_SIZE];

    if (!file(p, "endorsements", digest, out, status))
        return false;
    sha256(*out, found);
    if (memcmp(found, digest, SHA256_SIZE) == 0)
        return true;
    cli_error(p->remote.cli, "an endorsement is refused: its hash is not its name");
    *status = STATUS_REFUSED;
    return false;
}

bool kept_endorsements(const struct kept_place *p, const uint8_t digest[SHA256_SIZE], struct verification *v,
                       enum status *status)
{
    struct bytes list, content;

    v->endorsements = endorsements_new(LIMIT_TOOL_MEMORY);
    if (!named(p, digest, &list, status))
        return false;
    for (size_t i = 0; i < list.n / SHA256_SIZE && i < LIMIT_FOLDER_FILES; i++) {
        const uint8_t *each = list.p + i * SHA256_SIZE;
        struct fault fault = {0};

        if (!named(p, each, &content, status))
            return false;
        digest_set_add(&v->contents, v->cli->arena, content);
        struct bytes name = hex_encode(v->cli->arena, bytes_make(each, SHA256_SIZE));
        if (!endorsements_add(v->endorsements, arena_string(v->cli->arena, name), content, &fault))
            cli_warn(v->cli, "left out: %s", fault.text);
    }
    return true;
}

enum { CA = OPTION_BASE, TOKEN_FILE };

static enum status inputs_run(struct cli *cli, int argc, char **argv)
{
    struct kept_place p = {.remote.cli = cli};
    const char *out = NULL;
    struct options o;
    enum status status;
    struct bytes blob;
    uint64_t index;

    options_open(&o, cli, argc, argv);
    for (int id; (id = options_next(&o)) != 0;)
        switch (id) {
        case CA: p.remote.ca_file = o.value; break;
        case TOKEN_FILE: p.remote.token_file = o.value; break;
        default: out = o.value;
        }
    if (options_done(&o, 2, 2, &status))
        return status;
    p.remote.url = options_operand(&o, 0);
    if (!out)
        return cli_misuse(cli, "--out is needed: where to");
    if (!log_number(bytes_text(options_operand(&o, 1)), &index))
        return cli_misuse(cli, "%s is no index of a record: a number from 0", options_operand(&o, 1));
    if (!kept_open(&p))
        return STATUS_MISUSE;
    if (!kept_inputs_fetch(&p, index, &blob, &status))
        return status;
    return output_file(cli, out, blob, 0600) ? STATUS_DONE : STATUS_MISUSE;
}

const struct command log_inputs_command = {
    .name = "log inputs",
    .summary = "fetch the inputs of a decision that its provider had kept",
    .usage = "URL INDEX --out F",
    .about = "For whoever may read the provider's policies. They come as they are kept, encrypted for the key that "
             "`assay provider keep-inputs` named: a CMS message, which `assay replay --kept F` reads, and `openssl cms "
             "-decrypt -inform DER` opens.",
    .options =
        (const struct option_row[]){
            {'o', "out", "F", "where to"}, OPTION_CA(CA), OPTION_TOKEN_FILE(TOKEN_FILE), OPTION_END},
    .examples = "  assay log inputs https://attest.example 4711 --out 4711.kept\n",
    .run = inputs_run,
};
