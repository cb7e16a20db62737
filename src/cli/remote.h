/* What subcommands that speak to a service share: where it is, who it may be, who asks, and what it refused with. */
#ifndef ASSAY_CLI_REMOTE_H
#define ASSAY_CLI_REMOTE_H

#include "cli/cli.h"
#include "net/http.h"

struct remote {
    struct cli *cli;
    const char *url;        /* as given */
    const char *ca_file;    /* PEM, trusted alone; NULL: the system's */
    const char *token_file; /* holds the bearer token; NULL: the environment's, if any */
    bool json;              /* a refusal's body is printed whole */

    /* Of remote_open. */
    const char *base;   /* url without the slashes at its end */
    const char *bearer; /* line of the header; NULL: no token is sent */
};
#define OPTION_CA(id)                                                                                          \
    {                                                                                                          \
        id, "ca", "F",                                                                                         \
            "PEM: trust these certificates alone for the connection (default: the system's, and those of the " \
            "file that NODE_EXTRA_CA_CERTS names)"                                                             \
    }
#define OPTION_TOKEN_FILE(id)                                                          \
    {                                                                                  \
        id, "token-file", "F",                                                         \
            "send the bearer token in this file (default: the one in ASSAY_TOKEN, if " \
            "ASSAY_URL does not name another service)"                                 \
    }

struct remote_request {
    const char *method;       /* NULL: POST with a body, else GET */
    const char *path;         /* from the slash on, with its query */
    struct bytes body;        /* sent when p is not NULL */
    const char *content_type; /* of the body */
    size_t answer_limit;      /* bytes of the answer's body; 0: the usual one */
    const char *invalid_hint; /* what to do when the service answers InvalidOperation; NULL: it says so itself */
};

/* Looks at the address and reads the token. A token never stands among the arguments, where other users of the machine
 * read it. False: one of them cannot be used, which has been reported. */
bool remote_open(struct remote *r);
/* False: no answer came, which has been reported. */
bool remote_send(const struct remote *r, const struct remote_request *request, struct http_answer *answer);
/* Says what the service refused with, and what to do; returns STATUS_REFUSED. */
enum status remote_refused(const struct remote *r, const struct remote_request *request,
                           const struct http_answer *answer);
/* The answer's JSON, or the token in {"token": …}. False: it is none, which has been reported. */
bool remote_json(const struct remote *r, const struct http_answer *answer, const struct json **out);
bool remote_token(const struct remote *r, const struct http_answer *answer, struct bytes *token);

#endif
