#include "service/development_tls.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "service/development_names.h"

enum { NAMES_MEMORY = 64 * 1024, CA_DAYS = 3650, SERVER_DAYS = 397, RENEW_DAYS = 7, DAY = 86400, PATH_SIZE = 4096 };

static bool broken(struct fault *fault, const char *doing)
{
    char reason[160];

    ERR_error_string_n(ERR_get_error(), reason, sizeof reason);
    return fault_set(fault, FAULT_CRYPTO, "%s: %s", doing, reason);
}

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;

    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool ok = e && X509_add_ext(certificate, e, -1) == 1;
    X509_EXTENSION_free(e);
    return ok;
}

/* An empty certificate of this subject and key; the issuer is set by whoever signs. */
static X509 *new_certificate(const char *common_name, EVP_PKEY *key, long days)
{
    X509 *c = X509_new();
    X509_NAME *name = c ? X509_get_subject_name(c) : NULL;
    uint8_t serial[16];
    BIGNUM *number = NULL;

    bool ok =
        name && RAND_bytes(serial, sizeof serial) == 1 && X509_set_version(c, X509_VERSION_3) == 1 &&
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0) == 1 &&
        X509_set_pubkey(c, key) == 1 && X509_gmtime_adj(X509_getm_notBefore(c), -3600) &&
        X509_gmtime_adj(X509_getm_notAfter(c), days * DAY);
    if (ok) {
        serial[0] &= 0x7f;
        number = BN_bin2bn(serial, sizeof serial, NULL);
        ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(c));
    }
    BN_free(number);
    if (ok)
        return c;
    X509_free(c);
    return NULL;
}

static FILE *create(const char *path, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);

    return fd >= 0 ? fdopen(fd, "w") : NULL;
}

static bool write_pair(const char *state, const char *name, X509 *certificate, EVP_PKEY *key)
{
    char path[PATH_SIZE];

    snprintf(path, sizeof path, "%s/%s.key", state, name);
    FILE *f = create(path, 0600);
    bool ok = f && PEM_write_PKCS8PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1;
    ok = (!f || fclose(f) == 0) && ok;
    snprintf(path, sizeof path, "%s/%s.pem", state, name);
    f = ok ? create(path, 0644) : NULL;
    ok = f && PEM_write_X509(f, certificate) == 1;
    return (!f || fclose(f) == 0) && ok;
}

static X509 *make_ca(EVP_PKEY *key)
{
    X509 *c = new_certificate("Assay development CA", key, CA_DAYS);

    if (c && X509_set_issuer_name(c, X509_get_subject_name(c)) == 1 &&
        add_extension(c, c, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
        add_extension(c, c, NID_key_usage, "critical,keyCertSign,cRLSign") &&
        add_extension(c, c, NID_subject_key_identifier, "hash") && X509_sign(c, key, EVP_sha256()) > 0)
        return c;
    X509_free(c);
    return NULL;
}

static X509 *make_server(EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key, const char *names)
{
    X509 *c = new_certificate("localhost", key, SERVER_DAYS);

    if (c && X509_set_issuer_name(c, X509_get_subject_name(ca)) == 1 &&
        add_extension(c, ca, NID_basic_constraints, "critical,CA:FALSE") &&
        add_extension(c, ca, NID_key_usage, "critical,digitalSignature") &&
        add_extension(c, ca, NID_ext_key_usage, "serverAuth") && add_extension(c, ca, NID_subject_alt_name, names) &&
        add_extension(c, ca, NID_subject_key_identifier, "hash") &&
        add_extension(c, ca, NID_authority_key_identifier, "keyid") && X509_sign(c, ca_key, EVP_sha256()) > 0)
        return c;
    X509_free(c);
    return NULL;
}

/* It is in date, and for all names: an older version made one for fewer. */
static bool still_good(const char *state)
{
    char path[PATH_SIZE];
    time_t soon = time(NULL) + RENEW_DAYS * DAY;

    snprintf(path, sizeof path, "%s/server.pem", state);
    FILE *f = fopen(path, "re");
    X509 *c = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
    bool ok =
        c && X509_cmp_time(X509_get0_notAfter(c), &soon) > 0 && X509_check_host(c, DEVELOPMENT_NAME, 0, 0, NULL) == 1;
    X509_free(c);
    if (f)
        fclose(f);
    return ok;
}

bool development_certificates(const char *state, struct fault *fault)
{
    if (still_good(state))
        return true;
    struct arena arena;

    arena_init(&arena, NAMES_MEMORY);
    const char *names = development_alternative_names(&arena);
    EVP_PKEY *ca_key = EVP_EC_gen("prime256v1"), *key = EVP_EC_gen("prime256v1");
    X509 *ca = ca_key ? make_ca(ca_key) : NULL, *server = ca && key ? make_server(key, ca, ca_key, names) : NULL;
    bool ok = server && write_pair(state, "ca", ca, ca_key) && write_pair(state, "server", server, key);

    X509_free(server);
    X509_free(ca);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
    arena_free(&arena);
    return ok || broken(fault, "make certificates for localhost");
}
