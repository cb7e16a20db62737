#include "cli/policy_remote.h"

#include <stdio.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/input.h"
#include "cli/show.h"
#include "cli/terminal.h"
#include "cli/text_diff.h"
#include "cli/token_key.h"
#include "core/manage.h"
#include "core/upload.h"

#define API_VERSION "2022-08-01"
enum { CLOCK_LEEWAY = 300 }; /* seconds that the clocks of service and user may differ */

static void read_option(struct policy_call *c, int id)
{
    const char *value = c->options.value;

    switch (id) {
    case REMOTE_SHADOW: c->shadow = true; break;
    case REMOTE_CA: c->remote.ca_file = value; break;
    case REMOTE_TOKEN_FILE: c->remote.token_file = value; break;
    case REMOTE_JWS: c->jws = true; break;
    case REMOTE_VERSION: c->version = value; break;
    case REMOTE_LIMIT: c->limit = value; break;
    case REMOTE_BEFORE: c->before = value; break;
    case REMOTE_SIGN_KEY: c->sign_key = value; break;
    case REMOTE_SIGN_CERT: c->sign_cert = value; break;
    default: c->remote.json = true;
    }
}

/* The name becomes a part of a path: only those that there are. */
static bool choose_type(struct policy_call *c, const char *given)
{
    const struct policy_kind *kind = policy_kind_find(bytes_text(given)), *each;
    struct writer names = wr_open(c->remote.cli->arena);

    c->type = kind ? kind->name : given;
    if (kind)
        return true;
    for (size_t i = 0; (each = policy_kind_at(i)) != NULL; i++)
        wr_printf(&names, "%s%s", i ? ", " : "", each->name);
    wr_u8(&names, 0);
    cli_misuse(c->remote.cli, "%s: no attestation type; there are %s", given, (const char *)wr_done(&names).p);
    return false;
}

const char *policy_call_operand(const struct policy_call *c, int i)
{
    return options_operand(&c->options, c->first + i);
}

bool policy_call_options(struct policy_call *c, struct cli *cli, int argc, char **argv, int least, int most,
                         enum status *status)
{
    *c = (struct policy_call){.remote.cli = cli, .first = c->first};
    options_open(&c->options, cli, argc, argv);
    for (int id; (id = options_next(&c->options)) != 0;)
        read_option(c, id);
    return !options_done(&c->options, least, most, status);
}

bool policy_call_target(struct policy_call *c)
{
    const char *type = policy_call_operand(c, 1);

    c->remote.url = policy_call_operand(c, 0);
    if (c->remote.cli->command == &policy_history_command && strcmp(type, "certificates") == 0)
        return remote_open(&c->remote);
    return choose_type(c, type) && remote_open(&c->remote);
}

bool policy_call_read(struct policy_call *c, struct cli *cli, int argc, char **argv, int least, int most,
                      enum status *status)
{
    if (!policy_call_options(c, cli, argc, argv, least, most, status))
        return false;
    *status = STATUS_MISUSE;
    return policy_call_target(c);
}

const char *policy_call_path(const struct policy_call *c, const char *operation)
{
    struct arena *a = c->remote.cli->arena;

    if (c->shadow)
        return arena_printf(a, "/assay/v1/shadow/%s%s", c->type, operation);
    return arena_printf(a, "/policies/%s%s?api-version=" API_VERSION, c->type, operation);
}

bool policy_call_json(struct policy_call *c, const struct remote_request *request, const struct json **body,
                      enum status *status)
{
    struct http_answer answer;

    *status = STATUS_MISUSE;
    c->refused = false;
    if (!remote_send(&c->remote, request, &answer))
        return false;
    if (answer.status != 200) {
        c->refused = true;
        *status = remote_refused(&c->remote, request, &answer);
        return false;
    }
    return remote_json(&c->remote, &answer, body);
}

static bool load_keys(struct policy_call *c, enum status *status)
{
    const struct json *body;

    if (c->keys)
        return true;
    if (!policy_call_json(c, &(struct remote_request){.path = "/certs"}, &body, status))
        return false;
    c->keys = json_member(body, "keys");
    if (c->keys && c->keys->kind == JSON_ARRAY && c->keys->count)
        return true;
    c->keys = NULL;
    cli_error(c->remote.cli, "the service lists no keys, so its answers cannot be verified");
    *status = STATUS_REFUSED;
    return false;
}

/* Letter case of names does not count, nor does the port that https has anyhow. */
static struct bytes without_port(struct bytes address)
{
    static const char port[] = ":443";
    size_t n = strlen(port);

    return address.n > n && bytes_is(bytes_after(address, address.n - n), port) ? bytes_first(address, address.n - n)
                                                                                : address;
}

static bool same_address(struct arena *a, struct bytes issuer, const char *base)
{
    return bytes_is_nocase(without_port(issuer), arena_string(a, without_port(bytes_text(base))));
}

static bool payload_counts(const struct policy_call *c, const struct json *payload, struct fault *fault)
{
    struct bytes issuer;
    int64_t begin, end, now = input_now();

    if (!json_text(json_member(payload, "iss"), &issuer))
        return fault_set(fault, FAULT_SYNTAX, "it names no issuer");
    if (!same_address(c->remote.cli->arena, issuer, c->remote.base))
        return fault_set(fault, FAULT_SYNTAX, "it was issued by %s, not by %s",
                         arena_string(c->remote.cli->arena, issuer), c->remote.base);
    if (!json_integer(json_member(payload, "nbf"), &begin) || !json_integer(json_member(payload, "exp"), &end))
        return fault_set(fault, FAULT_SYNTAX, "it does not say when it is valid");
    if (begin - CLOCK_LEEWAY <= now && now < end + CLOCK_LEEWAY)
        return true;
    return fault_set(fault, FAULT_SYNTAX,
                     "it is not valid now: does the clock of this machine, or of the service, err?");
}

bool policy_call_token(struct policy_call *c, const struct remote_request *request, const struct json **payload,
                       enum status *status)
{
    struct arena *a = c->remote.cli->arena;
    struct fault fault = {0};
    struct token_key key;
    const struct json *body;
    struct bytes token;
    struct jws jws;

    if (!policy_call_json(c, request, &body, status))
        return false;
    *status = STATUS_REFUSED;
    if (!json_text(json_member(body, "token"), &token)) {
        cli_error(c->remote.cli, "the service's answer holds no token");
        return false;
    }
    if (jws_decode(a, token, false, &jws, &fault) && jws.unsecured)
        fault_set(&fault, FAULT_CRYPTO, "it is not signed");
    if (fault.code == FAULT_NONE && !load_keys(c, status))
        return false;
    *status = STATUS_REFUSED;
    if (fault.code == FAULT_NONE && token_key_find(a, &jws, c->keys, &key, &fault) &&
        json_parse(a, jws.payload, NULL, payload, &fault) && payload_counts(c, *payload, &fault))
        return true;
    cli_error(c->remote.cli, "the token that the service answered with is refused: %s", fault.text);
    return false;
}

static bool own_signature_ok(struct arena *a, struct upload *u)
{
    struct public_key key;

    if (u->chain)
        return jws_verify(&u->jws, &u->chain->key);
    return u->signer && jwk_decode(a, u->signer, &key, NULL) && jws_verify(&u->jws, &key);
}

bool policy_held_read(const struct policy_call *c, const char *what, struct bytes jws, struct policy_held *out,
                      enum status *status)
{
    struct arena *a = c->remote.cli->arena;
    struct upload_exam x = {.arena = a, .trace = trace_new(a)};
    struct upload u;
    bool ok = upload_decode_stored(&x, jws, &u);

    *out = (struct policy_held){.jws = jws};
    *status = STATUS_REFUSED;
    if (ok && u.jws.payload.n)
        ok = upload_policy_text(&x, &u, &out->text);
    if (!ok) {
        cli_error(c->remote.cli, "%s: %s", what, arena_string(a, x.refusal.message));
        return false;
    }
    out->is_signed = !u.jws.unsecured;
    out->signer = u.chain;
    if (u.jws.unsecured || own_signature_ok(a, &u))
        return true;
    cli_error(c->remote.cli, "%s: the signature does not verify under the certificate or key that the JWS carries",
              what);
    return false;
}

bool policy_held_now(struct policy_call *c, bool read, struct policy_held *out, enum status *status)
{
    const struct json *payload;

    *out = (struct policy_held){0};
    if (!policy_call_token(c, &(struct remote_request){.path = policy_call_path(c, "")}, &payload, status))
        return false;
    if (!json_text(json_member(payload, "x-ms-policy"), &out->jws)) {
        cli_error(c->remote.cli, "the service's token holds no policy");
        *status = STATUS_REFUSED;
        return false;
    }
    return !read || policy_held_read(c, "the service's policy", out->jws, out, status);
}

struct bytes policy_held_hash(struct arena *a, struct bytes jws)
{
    return base64url_encode(a, sha256_of(a, jws));
}

struct bytes policy_held_signer(struct arena *a, const struct policy_held *held)
{
    if (!held->is_signed)
        return BYTES_LIT("nobody");
    return held->signer ? show_name(a, held->signer->subject) : BYTES_LIT("a key without certificate");
}

void policy_held_describe(struct arena *a, const struct policy_held *held)
{
    fflush(stdout);
    if (held->text.n) {
        fprintf(stderr, "%sx-ms-policy-hash%s ", ink(stderr, INK_FAINT), ink(stderr, INK_NONE));
        put_safe(stderr, policy_hash(a, held->text));
        fputc('\n', stderr);
    }
    fprintf(stderr, "%ssigned by%s ", ink(stderr, INK_FAINT), ink(stderr, INK_NONE));
    put_safe(stderr, policy_held_signer(a, held));
    if (held->signer) {
        fputs(", SHA-1 ", stderr);
        put_safe(stderr, hex_encode_upper(a, digest(a, DIGEST_SHA1, held->signer->der)));
    }
    fputc('\n', stderr);
}

static enum ink ink_of(struct bytes line, bool is_diff)
{
    if (!is_diff || line.n == 0)
        return INK_NONE;
    return *line.p == '+' ? INK_GOOD : *line.p == '-' ? INK_BAD : *line.p == '@' ? INK_FAINT : INK_NONE;
}

void put_remote_text(struct bytes text, bool is_diff)
{
    if (!isatty(STDOUT_FILENO)) {
        fwrite(text.p, 1, text.n, stdout);
        return;
    }
    while (text.n) {
        const uint8_t *end = memchr(text.p, '\n', text.n);
        struct bytes line = bytes_first(text, end ? (size_t)(end - text.p) : text.n);
        enum ink colour = ink_of(line, is_diff);

        text = bytes_after(text, line.n + 1);
        fputs(colour == INK_NONE ? "" : ink(stdout, colour), stdout);
        while (line.n) {
            const uint8_t *tab = memchr(line.p, '\t', line.n);
            struct bytes part = bytes_first(line, tab ? (size_t)(tab - line.p) : line.n);

            put_safe(stdout, part);
            fputs(tab ? "\t" : "", stdout);
            line = bytes_after(line, part.n + 1);
        }
        printf("%s\n", colour == INK_NONE ? "" : ink(stdout, INK_NONE));
    }
}

bool put_policy_diff(struct arena *a, struct bytes from_name, struct bytes from, struct bytes to_name, struct bytes to)
{
    struct bytes hunks = text_diff(a, from, to);

    if (hunks.n == 0)
        return false;
    printf("%s--- ", ink(stdout, INK_STRONG));
    put_safe(stdout, from_name);
    fputs("\n+++ ", stdout);
    put_safe(stdout, to_name);
    printf("%s\n", ink(stdout, INK_NONE));
    put_remote_text(hunks, true);
    return true;
}
