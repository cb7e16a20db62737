/* What TLS and the HTTP server cost by themselves: evhttp over libevent's streams of OpenSSL, as in the service, with one answer for
 * every request. serve CERTIFICATE PRIVATE-KEY BYTES prints its port and serves until it is killed. */
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct bufferevent *accept_tls(struct event_base *base, void *tls)
{
    return bufferevent_openssl_socket_new(base, -1, SSL_new(tls), BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
}

static void answer(struct evhttp_request *request, void *text)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(request), *out = evbuffer_new();

    evbuffer_pullup(body, -1); /* it is read, as the service reads it */
    evbuffer_add(out, text, strlen(text));
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", "application/json");
    evhttp_send_reply(request, HTTP_OK, NULL, out);
    evbuffer_free(out);
}

static SSL_CTX *read_tls(const char *certificate, const char *key)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

    if (tls && SSL_CTX_use_certificate_chain_file(tls, certificate) == 1 &&
        SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) == 1)
        return tls;
    fputs("serve: no certificate or no key\n", stderr);
    exit(EXIT_FAILURE);
}

static int listen_here(struct evhttp *http)
{
    struct evhttp_bound_socket *bound = evhttp_bind_socket_with_handle(http, "127.0.0.1", 0);
    struct sockaddr_in address;
    socklen_t n = sizeof address;
    int on = 1;

    if (!bound || setsockopt(evhttp_bound_socket_get_fd(bound), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &n) != 0) {
        fputs("serve: cannot listen\n", stderr);
        exit(EXIT_FAILURE);
    }
    return ntohs(address.sin_port);
}

int main(int argc, char **argv)
{
    size_t n = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
    char *text = calloc(1, n + 1);

    if (n == 0 || !text) {
        fputs("usage: serve CERTIFICATE PRIVATE-KEY BYTES\n", stderr);
        return EXIT_FAILURE;
    }
    memset(text, 'x', n);
    struct event_base *base = event_base_new();
    struct evhttp *http = evhttp_new(base);
    evhttp_set_bevcb(http, accept_tls, read_tls(argv[1], argv[2]));
    evhttp_set_gencb(http, answer, text);
    printf("%d\n", listen_here(http));
    fflush(stdout);
    return event_base_dispatch(base) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
