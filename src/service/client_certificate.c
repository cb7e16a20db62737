#include "service/client_certificate.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/limits.h"
#include "base/text.h"
#include "crypto/x509.h"
#include "service/load.h"
#include "service/log.h"

enum { AUTHORITIES_MEMORY = 4 * 1024 * 1024 };

static struct bytes issuer_text(struct arena *a, const uint8_t digest[SHA256_SIZE])
{
    struct writer w = wr_open(a);

    wr_text(&w, "x509:");
    wr_hex(&w, bytes_make(digest, SHA256_SIZE));
    return wr_done(&w);
}

/* As [issuer NAME] url must name them. */
static bool log_authorities(const char *file, struct fault *fault)
{
    const struct certificate *list;
    struct arena a;
    struct bytes text;
    size_t count;

    arena_init(&a, AUTHORITIES_MEMORY);
    bool ok = load_file(&a, file, LIMIT_CHAIN * LIMIT_CERTIFICATE * 2, &text, fault) &&
              certificates_decode(&a, text, &list, &count, fault);
    for (const struct certificate *c = ok ? list : NULL; c; c = c->next) {
        struct bytes issuer = issuer_text(&a, c->spki_digest);

        log_info("client certificates of CN=%.*s are asked for; as an issuer it is %.*s", (int)c->subject_cn.n,
                 (const char *)c->subject_cn.p, (int)issuer.n, (const char *)issuer.p);
    }
    arena_free(&a);
    return ok;
}

bool client_certificates_ask(SSL_CTX *tls, const char *file, struct fault *fault)
{
    static const unsigned char context[] = "assayd";
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(file);
    char reason[160];

    if (names && SSL_CTX_load_verify_file(tls, file) == 1 &&
        SSL_CTX_set_session_id_context(tls, context, sizeof context - 1) == 1) {
        SSL_CTX_set_client_CA_list(tls, names); /* takes them */
        SSL_CTX_set_verify_depth(tls, LIMIT_CHAIN);
        SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
        return log_authorities(file, fault);
    }
    ERR_error_string_n(ERR_get_error(), reason, sizeof reason);
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    return fault_set(fault, FAULT_CRYPTO, "client_ca %s: %s", file, reason);
}

static bool visible(struct bytes text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < ' ' || text.p[i] >= 0x7f)
            return false;
    return text.n > 0 && text.n <= LIMIT_CALLER_TEXT;
}

/* The URI among the alternative names. False: there are two, or one that nobody could compare. */
static bool read_uri(const X509 *leaf, struct arena *a, struct bytes *out)
{
    int twice = 0;
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, &twice, NULL);
    bool ok = names || twice == -1; /* -1: there is no such extension */

    *out = BYTES_NONE;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

        if (name->type != GEN_URI)
            continue;
        struct bytes uri = bytes_make(ASN1_STRING_get0_data(name->d.uniformResourceIdentifier),
                                      (size_t)ASN1_STRING_length(name->d.uniformResourceIdentifier));
        ok = ok && out->n == 0 && visible(uri);
        *out = ok ? arena_copy(a, uri) : BYTES_NONE;
    }
    GENERAL_NAMES_free(names);
    return ok;
}

/* Special and other than ASCII characters are escaped: two subjects never read the same. */
static bool read_name(const X509 *leaf, struct arena *a, struct bytes *out)
{
    BIO *text = BIO_new(BIO_s_mem());
    char *p;
    bool ok = text && X509_NAME_entry_count(X509_get_subject_name(leaf)) > 0 &&
              X509_NAME_print_ex(text, X509_get_subject_name(leaf), 0, XN_FLAG_RFC2253) > 0;
    long n = ok ? BIO_get_mem_data(text, &p) : 0;

    *out = n > 0 ? arena_copy(a, bytes_make(p, (size_t)n)) : BYTES_NONE;
    BIO_free(text);
    return visible(*out);
}

static bool read_issuer(X509 *authority, struct arena *a, struct bytes *out)
{
    uint8_t digest[SHA256_SIZE];
    unsigned char *spki = NULL;
    int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(authority), &spki);
    struct bytes view = bytes_make(spki, n > 0 ? (size_t)n : 0);

    if (view.n) {
        digest_parts(DIGEST_SHA256, &view, 1, digest);
        *out = issuer_text(a, digest);
    }
    OPENSSL_free(spki);
    return view.n > 0;
}

bool client_certificate_read(SSL *ssl, struct arena *a, struct client_certificate *out)
{
    X509 *leaf = SSL_get0_peer_certificate(ssl);
    STACK_OF(X509) *chain = leaf && SSL_get_verify_result(ssl) == X509_V_OK ? SSL_get0_verified_chain(ssl) : NULL;
    int length = chain ? sk_X509_num(chain) : 0;

    *out = (struct client_certificate){0};
    if (length < 2 || X509_cmp_current_time(X509_get0_notAfter(leaf)) <= 0) /* 1: a CA itself is nobody */
        return false;
    return read_issuer(sk_X509_value(chain, length - 1), a, &out->issuer) && read_uri(leaf, a, &out->subject) &&
           (out->subject.n > 0 || read_name(leaf, a, &out->subject));
}
