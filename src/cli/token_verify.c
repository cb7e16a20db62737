/* assay token verify: is this token what the issuer signed, and is it valid now? Each step is shown. */
#include <signal.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/input.h"
#include "cli/release.h"
#include "cli/show.h"
#include "cli/terminal.h"
#include "cli/token_input.h"
#include "cli/token_key.h"

enum { LEEWAY_MOST = 24 * 60 * 60 };

enum { OPTION_ISSUER = OPTION_BASE, OPTION_JWKS, OPTION_CA, OPTION_ALLOW_UNSIGNED, OPTION_LEEWAY };

struct verification {
    struct cli *cli;
    const char *jwks_path, *issuer, *ca_file;
    bool allow_unsigned, json;
    int64_t time, leeway;

    struct jws jws;
    const struct json *payload, *keys;
    struct json *steps;
    const char *failed; /* step and reason, for standard error */
    bool unreachable;   /* a file or server was, so this is no verdict */
};

static const char *text_of(struct arena *a, const struct json *v)
{
    struct bytes text;

    return json_text(v, &text) ? arena_string(a, text) : "none";
}

enum step_result { STEP_PASS, STEP_FAIL, STEP_SKIP };

/* One step done: kept for --json, printed at once for people. Returns whether to go on. */
static bool step(struct verification *v, const char *name, enum step_result result, const char *detail)
{
    static const char *const words[] = {"pass", "fail", "skip"}, *const marks[] = {"✓", "✗", "–"};
    static const enum ink inks[] = {INK_GOOD, INK_BAD, INK_FAINT};
    struct arena *a = v->cli->arena;
    struct json *o = json_new(a, JSON_OBJECT);

    show_string(a, o, "step", name);
    show_string(a, o, "result", words[result]);
    show_string(a, o, "detail", detail);
    json_append(v->steps, o);
    if (!v->json) {
        printf("%s%s%s %-10s ", ink(stdout, inks[result]), marks[result], ink(stdout, INK_NONE), name);
        put_safe(stdout, bytes_text(detail));
        putchar('\n');
    }
    if (result == STEP_FAIL)
        v->failed = arena_printf(a, "%s: %s", name, detail);
    return result != STEP_FAIL;
}

/* From the issuer itself: its metadata names the address of its keys, which must be its own. */
static bool keys_of_issuer(struct verification *v)
{
    struct arena *a = v->cli->arena;
    struct fault fault = {0};
    const char *address;
    struct bytes text;
    bool answered = false;

    bool ok = key_set_address(a, v->issuer, v->ca_file, &address, &answered, &fault);
    v->unreachable = !answered;
    if (!ok)
        return step(v, "metadata", STEP_FAIL, arena_string(a, bytes_text(fault.text)));
    if (!step(v, "metadata", STEP_PASS, arena_printf(a, "keys are at %s", address)))
        return false;
    ok = release_fetch(a, address, v->ca_file, &text, &answered, &fault);
    v->unreachable = !answered;
    if (!ok || !json_parse(a, text, NULL, &v->keys, &fault))
        return step(v, "keys", STEP_FAIL, arena_string(a, bytes_text(fault.text)));
    return true;
}

static bool keys_of_file(struct verification *v)
{
    struct arena *a = v->cli->arena;
    struct fault fault = {0};
    struct bytes text;

    if (!input_file(a, v->jwks_path, LIMIT_HTTP_ANSWER, &text, &fault)) {
        v->unreachable = true;
        return step(v, "keys", STEP_FAIL, arena_string(a, bytes_text(fault.text)));
    }
    if (!json_parse(a, text, NULL, &v->keys, &fault))
        return step(v, "keys", STEP_FAIL, arena_printf(a, "%s: %s", v->jwks_path, fault.text));
    return true;
}

static bool load_keys(struct verification *v)
{
    const struct json *list;

    if (!(v->jwks_path ? keys_of_file(v) : keys_of_issuer(v)))
        return false;
    list = json_member(v->keys, "keys");
    if (!list || list->kind != JSON_ARRAY || list->count == 0)
        return step(v, "keys", STEP_FAIL, "the key set has no keys");
    v->keys = list;
    return true;
}

static bool check_signature(struct verification *v)
{
    struct arena *a = v->cli->arena;
    struct token_key found;
    struct fault fault = {0};

    if (!token_key_find(a, &v->jws, v->keys, &found, &fault))
        return step(v, found.step, STEP_FAIL, arena_string(a, bytes_text(fault.text)));
    if (found.named)
        step(v, "key", STEP_PASS, arena_printf(a, "kid %s, %s", arena_string(a, found.kid), found.whose));
    return step(v, "signature", STEP_PASS, arena_printf(a, "%s verifies", signature_alg_name(v->jws.alg)));
}

static bool check_envelope(struct verification *v, struct bytes token)
{
    struct arena *a = v->cli->arena;
    struct fault fault = {0};

    if (!jws_decode(a, token, false, &v->jws, &fault))
        return step(v, "form", STEP_FAIL, arena_string(a, bytes_text(fault.text)));
    if (!json_parse(a, v->jws.payload, NULL, &v->payload, &fault) || v->payload->kind != JSON_OBJECT)
        return step(v, "form", STEP_FAIL, "the payload is no JSON object");
    step(v, "form", STEP_PASS, arena_printf(a, "compact JWS, alg %s", text_of(a, json_member(v->jws.header, "alg"))));
    if (!v->jws.unsecured)
        return load_keys(v) && check_signature(v);
    if (!v->allow_unsigned)
        return step(v, "signature", STEP_FAIL, "the token is not signed (alg none); --allow-unsigned accepts that");
    return step(v, "signature", STEP_SKIP, "not signed; --allow-unsigned");
}

static bool check_issuer(struct verification *v)
{
    struct arena *a = v->cli->arena;
    const struct json *jku = json_member(v->jws.header, "jku");
    struct bytes iss, address;

    if (!json_text(json_member(v->payload, "iss"), &iss))
        return step(v, "iss", STEP_FAIL, "the token names no issuer");
    if (v->issuer && !bytes_is(iss, v->issuer))
        return step(v, "iss", STEP_FAIL, arena_printf(a, "%s, expected %s", arena_string(a, iss), v->issuer));
    if (v->issuer)
        step(v, "iss", STEP_PASS, arena_string(a, iss));
    else
        step(v, "iss", STEP_SKIP,
             arena_printf(a, "%s; compared with nothing, --issuer was not given", arena_string(a, iss)));
    if (!jku)
        return step(v, "jku", STEP_SKIP, "the token names no address of keys");
    if (!json_text(jku, &address) || !bytes_is(address, arena_printf(a, "%s/certs", arena_string(a, iss))))
        return step(v, "jku", STEP_FAIL, arena_printf(a, "%s is not the issuer's", text_of(a, jku)));
    return step(v, "jku", STEP_PASS, arena_string(a, address));
}

/* One of exp, nbf, iat against the time of judgement. */
static bool check_time_member(struct verification *v, const char *name, bool needed)
{
    struct arena *a = v->cli->arena;
    const struct json *member = json_member(v->payload, name);
    char found[32], now[32];
    bool is_end = strcmp(name, "exp") == 0;
    int64_t t;

    if (!member && !needed)
        return step(v, name, STEP_SKIP, "absent");
    if (!json_integer(member, &t) || t < 0 || t > 253402300799)
        return step(v, name, STEP_FAIL, member ? "no time in seconds since 1970" : "absent");
    time_format(t, found);
    time_format(v->time, now);
    if (is_end ? v->time >= t + v->leeway : v->time < t - v->leeway)
        return step(v, name, STEP_FAIL,
                    arena_printf(a, "%s %s, it is %s", is_end ? "expired" : "not before", found, now));
    return step(v, name, STEP_PASS, arena_string(a, bytes_text(found)));
}

static bool verify(struct verification *v, struct bytes token)
{
    return check_envelope(v, token) && check_issuer(v) && check_time_member(v, "exp", true) &&
           check_time_member(v, "nbf", false) && check_time_member(v, "iat", false);
}

static void print_verdict(struct verification *v, bool ok)
{
    struct arena *a = v->cli->arena;

    if (v->json) {
        struct json *o = json_new(a, JSON_OBJECT);

        show_string(a, o, "verdict", ok ? "accepted" : "rejected");
        JSON_SET(o, "steps", v->steps);
        JSON_SET(o, "failed", ok ? json_new(a, JSON_NULL) : json_new_text(a, bytes_text(v->failed)));
        JSON_SET(o, "claims", ok ? json_link(a, v->payload) : json_new(a, JSON_NULL));
        put_json(a, o);
    } else {
        printf("%s%s%s\n", ink(stdout, ok ? INK_GOOD : INK_BAD), ok ? "accepted" : "rejected", ink(stdout, INK_NONE));
    }
    if (!ok) {
        fflush(stdout);
        fprintf(stderr, "assay token verify: ");
        put_safe(stderr, bytes_text(v->failed));
        fputc('\n', stderr);
    }
}

static bool read_option(struct verification *v, int id, const char *value)
{
    uint64_t leeway;

    switch (id) {
    case OPTION_ISSUER: v->issuer = value; return true;
    case OPTION_JWKS: v->jwks_path = value; return true;
    case OPTION_CA: v->ca_file = value; return true;
    case OPTION_ALLOW_UNSIGNED: v->allow_unsigned = true; return true;
    case OPTION_LEEWAY:
        if (decimal_parse(bytes_text(value), LEEWAY_MOST, &leeway)) {
            v->leeway = (int64_t)leeway;
            return true;
        }
        cli_misuse(v->cli, "--leeway takes seconds, up to a day");
        return false;
    case 't':
        if (input_time(value, &v->time))
            return true;
        cli_misuse(v->cli, "--at %s: no time", value);
        return false;
    default: v->json = true; return true;
    }
}

static enum status verify_run(struct cli *cli, int argc, char **argv)
{
    struct verification v = {.cli = cli, .time = input_now(), .steps = json_new(cli->arena, JSON_ARRAY)};
    struct options o;
    struct bytes token;
    enum status status;
    bool ok;

    options_open(&o, cli, argc, argv);
    for (int id; (id = options_next(&o)) != 0;)
        if (!read_option(&v, id, o.value))
            return STATUS_MISUSE;
    if (options_done(&o, 1, 1, &status))
        return status;
    if (!v.issuer && !v.jwks_path)
        return cli_misuse(cli, "--issuer URL or --jwks F is needed: whose keys?");
    if (v.issuer)
        v.issuer = service_address(cli->arena, v.issuer);
    if (!token_input(cli, options_operand(&o, 0), &token))
        return STATUS_MISUSE;
    signal(SIGPIPE, SIG_IGN); /* as net/http.h asks */
    ok = verify(&v, token);
    print_verdict(&v, ok);
    return ok ? STATUS_DONE : v.unreachable ? STATUS_MISUSE : STATUS_REFUSED;
}

const struct command token_verify_command = {
    .name = "token verify",
    .summary = "verify a token's signature, issuer and times",
    .usage = "TOKEN|FILE (--issuer URL | --jwks F) [--at TIME] [--json]",
    .about =
        "The key is the one whose kid the token names, from the issuer's key set: fetched from the issuer over HTTPS, "
        "or read from a file. Then the issuer, the address of the keys, and the times are compared. Each step is "
        "printed. With both options the keys come from the file and the issuer must be that URL.",
    .options = (const struct option_row[]){{OPTION_ISSUER, "issuer", "URL", "who must have issued the token"},
                                           {OPTION_JWKS, "jwks", "F", "file with the issuer's key set (GET /certs)"},
                                           {OPTION_CA, "ca", "F",
                                            "PEM: trust these certificates alone for the connection (default: the "
                                            "system's, and those of the file that NODE_EXTRA_CA_CERTS names)"},
                                           OPTION_AT("judge at this time"),
                                           {OPTION_LEEWAY, "leeway", "SECONDS", "tolerate clocks that differ so much"},
                                           {OPTION_ALLOW_UNSIGNED, "allow-unsigned", NULL,
                                            "accept alg none, which tokens under a draft policy have"},
                                           OPTION_JSON,
                                           OPTION_END},
    .examples = "  assay token verify token.jwt --issuer https://attest.example\n"
                "  assay token verify token.jwt --jwks certs.json --at 2022-11-17T20:30:00Z\n",
    .run = verify_run,
};
