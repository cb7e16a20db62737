#include <openssl/err.h>

#include "service/http.h"

SSL_CTX *tls_server(const struct config *c, struct fault *fault)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    char reason[160];

    if (tls && SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) == 1 &&
        SSL_CTX_use_certificate_chain_file(tls, c->certificate) == 1 &&
        SSL_CTX_use_PrivateKey_file(tls, c->private_key, SSL_FILETYPE_PEM) == 1 &&
        SSL_CTX_check_private_key(tls) == 1) {
        /* Tickets would let one stolen key open recorded sessions; a resumed session saves little over kept connections. */
        SSL_CTX_set_options(tls, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
        SSL_CTX_set_num_tickets(tls, 0);
        SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
        if (!c->client_ca || client_certificates_ask(tls, c->client_ca, fault))
            return tls;
        SSL_CTX_free(tls);
        return NULL;
    }
    ERR_error_string_n(ERR_get_error(), reason, sizeof reason);
    SSL_CTX_free(tls);
    fault_set(fault, FAULT_CRYPTO, "TLS certificate %s, key %s: %s", c->certificate, c->private_key, reason);
    return NULL;
}
