/* Client certificates: machines sign in with one in place of a bearer token. OpenSSL verified it against [server] client_ca in the
 * handshake; here it becomes a caller, whose issuer is the key of the CA at the end of its chain. */
#ifndef ASSAY_SERVICE_CLIENT_CERTIFICATE_H
#define ASSAY_SERVICE_CLIENT_CERTIFICATE_H

#include <openssl/ssl.h>

#include "base/arena.h"
#include "base/fault.h"

struct client_certificate {
    struct bytes issuer;  /* "x509:" and the SHA-256 of the CA's SubjectPublicKeyInfo in hexadecimal */
    struct bytes subject; /* its only URI of the alternative names, else its subject as RFC 2253 writes it */
};

/* Ask for certificates under the CAs of this PEM file; clients may come without. The log names the CAs as issuers. */
bool client_certificates_ask(SSL_CTX *tls, const char *file, struct fault *fault);
/* False when the client sent none, when it has expired since, or when it does not say who it is: with two URIs, or without a subject.
 * Texts are in the arena. */
bool client_certificate_read(SSL *ssl, struct arena *a, struct client_certificate *out);

#endif
