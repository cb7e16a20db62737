#include "cli/remote.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "cli/input.h"
#include "cli/terminal.h"

enum { SHOWN_MOST = 4096 }; /* bytes of what a service says in a refusal: a page, not a flood */

/* Without the slashes at its end. */
static const char *base_url(struct arena *a, const char *url)
{
    struct bytes b = bytes_text(url);

    while (b.n && b.p[b.n - 1] == '/')
        b.n--;
    return arena_string(a, b);
}

static bool all_visible(struct bytes text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] <= ' ' || text.p[i] > '~')
            return false;
    return true;
}

/* Paths are appended, so a query or a fragment would swallow them; a user's name would be a secret among the arguments, or
 * hide whose address it is. */
static bool url_ok(const struct remote *r)
{
    if (all_visible(bytes_text(r->base)) && !strpbrk(r->base, "?#@\\"))
        return true;
    cli_misuse(r->cli, "%s: no address of a service, which is https://name[:port]", r->url);
    return false;
}

/* The token of the environment goes to the service that ASSAY_URL or ASSAY_ARM_URL names, and to no other that somebody happens
 * to ask. */
static struct bytes token_of_environment(struct arena *a, const char *base)
{
    const char *token = getenv("ASSAY_TOKEN"), *owner = getenv("ASSAY_URL"), *plane = getenv("ASSAY_ARM_URL");

    if (!token)
        return BYTES_NONE;
    if ((!owner && !plane) || (owner && strcmp(base_url(a, owner), base) == 0) ||
        (plane && strcmp(base_url(a, plane), base) == 0))
        return bytes_text(token);
    return BYTES_NONE;
}

bool remote_open(struct remote *r)
{
    struct arena *a = r->cli->arena;
    struct fault fault = {0};
    struct bytes token;

    r->base = base_url(a, r->url);
    r->bearer = NULL;
    if (!url_ok(r))
        return false;
    if (!r->token_file) {
        token = token_of_environment(a, r->base);
    } else if (!input_file(a, r->token_file, LIMIT_BEARER, &token, &fault)) {
        cli_error(r->cli, "--token-file %s", fault.text);
        return false;
    }
    token = bytes_trim_end(token);
    /* A line end inside would be another line of the request. */
    if (!all_visible(token) || token.n > LIMIT_BEARER || (r->token_file && token.n == 0)) {
        cli_error(r->cli, "%s holds no bearer token: one word of visible ASCII",
                  r->token_file ? r->token_file : "ASSAY_TOKEN");
        return false;
    }
    if (token.n)
        r->bearer = arena_printf(a, "Authorization: Bearer %.*s", (int)token.n, (const char *)token.p);
    return true;
}

bool remote_send(const struct remote *r, const struct remote_request *request, struct http_answer *answer)
{
    struct arena *a = r->cli->arena;
    const char *headers[] = {"Accept: application/json", r->bearer, NULL};
    struct http_request http = {.url = arena_printf(a, "%s%s", r->base, request->path),
                                .method = request->method,
                                .body = request->body,
                                .content_type = request->content_type,
                                .headers = headers,
                                .answer_limit = request->answer_limit,
                                .ca_file = r->ca_file,
                                .extra_ca_file = getenv("NODE_EXTRA_CA_CERTS")};
    struct fault fault = {0};

    signal(SIGPIPE, SIG_IGN); /* as net/http.h asks */
    if (request->body.p)
        progress("sending %zu bytes to %s", request->body.n, http.url);
    else
        progress("asking %s", http.url);
    bool ok = http_send(&http, a, answer, &fault);
    progress(NULL);
    if (ok)
        return true;
    cli_error(r->cli, "%s", fault.text);
    if (fault.code == FAULT_CRYPTO)
        fputs("--ca F trusts the roots in a file of PEM; NODE_EXTRA_CA_CERTS names one to trust as well.\n", stderr);
    return false;
}

/* What to do about a status, where the service cannot know it or did not say. NULL: nothing is known here either. */
static const char *remedy(const struct remote *r, const struct remote_request *request, int status, struct bytes code,
                          bool explained)
{
    if (status == 400 && bytes_is(code, "InvalidOperation"))
        return request->invalid_hint;
    if (status == 401 && r->bearer)
        return "The bearer token that was sent does not count there: is it that service's, and still valid?";
    if (status == 401)
        return "No bearer token was sent: --token-file F names a file with one; ASSAY_TOKEN holds one for the service "
               "that ASSAY_URL names.";
    if (status == 403)
        return "Whom the bearer token names may not do this: the operator of the service grants it.";
    if (status == 429 || status == 503)
        return "Try again later.";
    if (status >= 300 && status < 400)
        return "Redirects are not followed: give the address of the service itself.";
    return explained ? NULL : "Is this the address of an attestation service?";
}

/* {"error":{"code","message"}} */
enum status remote_refused(const struct remote *r, const struct remote_request *request,
                           const struct http_answer *answer)
{
    const struct json *root = NULL, *error = NULL;
    struct bytes code = BYTES_NONE, message = BYTES_NONE;
    const char *hint;

    if (json_parse(r->cli->arena, answer->body, NULL, &root, NULL))
        error = json_member(root, "error");
    if (r->json && root)
        put_json(r->cli->arena, root);
    fflush(stdout);
    fprintf(stderr, "%srefused%s by the service with status %d", ink(stderr, INK_BAD), ink(stderr, INK_NONE),
            answer->status);
    if (json_text(json_member(error, "code"), &code)) {
        fputs(", ", stderr);
        put_safe(stderr, bytes_first(code, SHOWN_MOST));
    }
    if (json_text(json_member(error, "message"), &message)) {
        fputs("\n", stderr);
        put_safe(stderr, bytes_first(message, SHOWN_MOST));
    }
    hint = remedy(r, request, answer->status, code, message.n > 0);
    fprintf(stderr, "%s%s\n", hint ? "\n" : "", hint ? hint : "");
    return STATUS_REFUSED;
}

bool remote_json(const struct remote *r, const struct http_answer *answer, const struct json **out)
{
    struct fault fault = {0};

    if (json_parse(r->cli->arena, answer->body, NULL, out, &fault))
        return true;
    cli_error(r->cli, "the service's answer is no JSON: %s", fault.text);
    return false;
}

bool remote_token(const struct remote *r, const struct http_answer *answer, struct bytes *token)
{
    const struct json *root;

    if (json_parse(r->cli->arena, answer->body, NULL, &root, NULL) && json_text(json_member(root, "token"), token))
        return true;
    cli_error(r->cli, "the service's answer holds no token");
    return false;
}
