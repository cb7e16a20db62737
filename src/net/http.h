/* Outgoing HTTPS over libcurl: one blocking request, bounded in size and time. No redirects are followed, nothing but
 * HTTPS of TLS 1.2 or later is spoken (but see plain_local), the server's name is always checked. The program must ignore
 * SIGPIPE. */
#ifndef ASSAY_NET_HTTP_H
#define ASSAY_NET_HTTP_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/fault.h"

struct http_request {
    const char *url;
    const char *method;         /* NULL: POST with a body, else GET */
    struct bytes body;          /* sent when p is not NULL */
    const char *content_type;   /* of the body */
    const char *const *headers; /* further header lines, ended by NULL; may be NULL */
    const char *ca_file;        /* PEM: trust these alone; NULL: the system's */
    const char *extra_ca_file;  /* PEM: trust these besides the system's; NULL or "": none */
    size_t answer_limit;        /* bytes of the answer's body; 0: LIMIT_HTTP_ANSWER */
    unsigned seconds;           /* for the whole exchange; 0: HTTP_SECONDS */
    const char *proxy;          /* URL of the proxy to use; NULL: as the environment says */
    bool direct;                /* through no proxy, whatever the environment says */
    bool public_only;           /* with direct: only to addresses that are public, judged where the socket is opened */
    bool
        plain_local; /* http:// is allowed too, and goes to no other machine: loopback and link-local addresses alone, no
                                 * proxy. Caches of clouds are there, and speak no TLS */
    const atomic_bool *stop; /* set: end soon, as failed; NULL */
};
enum { HTTP_SECONDS = 30, HTTP_CONNECT_SECONDS = 10 };

struct http_answer {
    int status;
    struct bytes body;
    const char *content_type; /* "" when there is none */
    struct bytes header;      /* its lines, as they came; read with http_answer_header */
};

/* True when an answer of any status came whole. FAULT_USAGE: the URL is none, or not https. FAULT_SYSTEM: no connection,
 * out of time. FAULT_CRYPTO: no trust in the server's certificate. FAULT_LIMIT: the answer is too large. */
bool http_send(const struct http_request *request, struct arena *a, struct http_answer *answer, struct fault *fault);
/* The value of the first line of this name, letter case ignored, without blanks around it; empty when there is none. */
struct bytes http_answer_header(const struct http_answer *answer, const char *name);

#endif
