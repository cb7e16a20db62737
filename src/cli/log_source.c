#include "cli/log_source.h"

#include <signal.h>
#include <stdlib.h>

#include "base/limits.h"
#include "cli/input.h"
#include "cli/remote.h"
#include "merkle/append.h"

static bool read_remote(void *context, struct arena *a, const char *path, size_t limit, struct bytes *out,
                        struct fault *fault)
{
    const struct log_source *s = context;
    const char *url = arena_printf(a, "%s/log/%s", s->where, path), *extra = getenv("NODE_EXTRA_CA_CERTS");
    struct http_request request = {.url = url, .ca_file = s->ca_file, .extra_ca_file = extra, .answer_limit = limit};
    struct http_answer answer;

    if (!http_send(&request, a, &answer, fault))
        return false;
    *out = answer.body;
    return answer.status == 200 || fault_set(fault, FAULT_SYSTEM, "%s: the service answers %d", url, answer.status);
}

bool log_source_open(struct log_source *s)
{
    if (!s->where)
        s->where = getenv("ASSAY_URL");
    if (!s->where) {
        cli_misuse(s->cli, "which log? Give --log, or set ASSAY_URL");
        return false;
    }
    bool remote = strncmp(s->where, "https://", 8) == 0;
    size_t n = strlen(s->where);
    while (n > 1 && s->where[n - 1] == '/')
        n--;
    s->where = arena_string(s->cli->arena, bytes_make(s->where, n));
    signal(SIGPIPE, SIG_IGN);
    s->reader = (struct log_reader){.read = remote ? read_remote : log_folder_read,
                                    .context = remote ? (void *)s : (void *)(uintptr_t)s->where};
    log_reader_open(&s->reader);
    return true;
}

void log_source_close(struct log_source *s)
{
    log_reader_free(&s->reader);
}

bool log_source_file(struct log_source *s, const char *path, size_t limit, struct bytes *out)
{
    struct fault fault = {0};
    struct log_reader *r = &s->reader;

    arena_reset(&r->arena);
    if (!r->read(r->context, &r->arena, path, limit, out, &fault)) {
        cli_error(s->cli, "%s", fault.text);
        return false;
    }
    *out = arena_copy(s->cli->arena, *out);
    return true;
}

typedef bool key_parser(struct arena *a, struct bytes text, struct log_key *out);

static bool read_key(const struct cli *cli, const char *option, const char *whose, const char *given, key_parser *parse,
                     struct log_key *out)
{
    struct fault fault = {0};
    struct bytes text;

    if (parse(cli->arena, bytes_text(given), out))
        return true;
    if (!input_file(cli->arena, given, LIMIT_KEY_FILE, &text, &fault))
        cli_misuse(cli, "%s %s is neither the key of a %s, NAME+ID+BASE64, nor a file with one", option, given, whose);
    else if (!parse(cli->arena, text, out))
        cli_error(cli, "%s %s: this is no key of a %s, NAME+ID+BASE64", option, given, whose);
    else
        return true;
    return false;
}

bool log_source_key(const struct cli *cli, const char *given, struct log_key *out)
{
    return read_key(cli, "--key", "log", given, log_key_parse, out);
}

bool log_source_witness(const struct cli *cli, const char *given, const struct log_key **out)
{
    struct log_key *key = given ? ARENA_NEW(cli->arena, struct log_key) : NULL;

    *out = key;
    return !given || read_key(cli, "--witness", "witness", given, witness_key_parse, key);
}
