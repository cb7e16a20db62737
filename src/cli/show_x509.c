/* Certificates and CRLs as trees. OpenSSL names what has a name; what counts was decoded by crypto/x509. */
#include "cli/show.h"

#include <openssl/x509v3.h>

#include "base/text.h"
#include "cli/show_amd.h"
#include "cli/show_tpm.h"
#include "cli/show_intel.h"
#include "crypto/jose.h"

static struct bytes bio_text(struct arena *a, BIO *bio)
{
    char *p;
    long n = BIO_get_mem_data(bio, &p);

    return arena_copy(a, bytes_make(p, n > 0 ? (size_t)n : 0));
}

struct bytes show_name(struct arena *a, struct bytes der_name)
{
    const unsigned char *p = der_name.p;
    X509_NAME *name = d2i_X509_NAME(NULL, &p, (long)der_name.n);
    BIO *bio = BIO_new(BIO_s_mem());
    struct bytes text = BYTES_LIT("unreadable");

    const unsigned long flags = XN_FLAG_SEP_COMMA_PLUS | (ASN1_STRFLGS_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB);

    if (name && bio && X509_NAME_print_ex(bio, name, 0, flags) >= 0)
        text = bio_text(a, bio);
    X509_NAME_free(name);
    BIO_free(bio);
    return text;
}

static struct json *key_tree(struct arena *a, const struct certificate *c)
{
    static const char *const kinds[] = {"of a kind or size that is not accepted", "EC P-256", "EC P-384", "RSA"};
    struct json *o = json_new(a, JSON_OBJECT);

    show_string(a, o, "type", kinds[c->key.kind]);
    if (c->key.kind == KEY_RSA) {
        show_number(a, o, "bits", (int64_t)c->key.modulus.n * 8);
        show_hex(a, o, "modulus", c->key.modulus);
        show_hex(a, o, "exponent", c->key.exponent);
    } else if (c->key.kind != KEY_NONE) {
        show_hex(a, o, "point", c->key.point);
    }
    show_hex(a, o, "spki_sha256", BYTES_OF(c->spki_digest));
    return o;
}

/* As OpenSSL prints it, in one line; hexadecimal when it knows no form. */
static struct bytes extension_value(struct arena *a, X509_EXTENSION *ext, const ASN1_OCTET_STRING *data)
{
    BIO *bio = BIO_new(BIO_s_mem());
    struct bytes text, raw = bytes_make(ASN1_STRING_get0_data(data), (size_t)ASN1_STRING_length(data));
    bool printed = bio && X509V3_EXT_print(bio, ext, X509V3_EXT_DEFAULT, 0) == 1;
    char *line;

    if (!printed) {
        BIO_free(bio);
        return hex_encode(a, raw);
    }
    text = bytes_trim_end(bio_text(a, bio));
    line = arena_string(a, text);
    for (char *p = line; *p; p++)
        if (*p == '\n')
            *p = ' ';
    BIO_free(bio);
    return bytes_make(line, text.n);
}

static struct json *extension_tree(struct arena *a, X509_EXTENSION *ext)
{
    struct json *o = json_new(a, JSON_OBJECT);
    ASN1_OBJECT *object = X509_EXTENSION_get_object(ext);
    char oid[128];
    int nid = OBJ_obj2nid(object);

    OBJ_obj2txt(oid, sizeof oid, object, 1);
    show_text(a, o, "oid", arena_copy(a, bytes_text(oid)));
    if (nid != NID_undef)
        show_string(a, o, "name", OBJ_nid2ln(nid));
    show_flag(a, o, "critical", X509_EXTENSION_get_critical(ext) > 0);
    show_text(a, o, "value", extension_value(a, ext, X509_EXTENSION_get_data(ext)));
    return o;
}

static struct json *extensions_tree(struct arena *a, const STACK_OF(X509_EXTENSION) * list)
{
    struct json *o = json_new(a, JSON_ARRAY);

    for (int i = 0; i < sk_X509_EXTENSION_num(list); i++)
        json_append(o, extension_tree(a, sk_X509_EXTENSION_value(list, i)));
    return o;
}

struct json *show_certificate_brief(struct arena *a, const struct certificate *c)
{
    static const char *const kinds[] = {"other", "EC P-256", "EC P-384", "RSA"};
    struct json *o = json_new(a, JSON_OBJECT);

    show_text(a, o, "subject", show_name(a, c->subject));
    show_text(a, o, "issuer", show_name(a, c->issuer));
    show_time(a, o, "not_before", c->not_before);
    show_time(a, o, "not_after", c->not_after);
    show_string(a, o, "key",
                c->key.kind == KEY_RSA ? arena_printf(a, "RSA %zu", c->key.modulus.n * 8) : kinds[c->key.kind]);
    show_hex(a, o, "sha256", BYTES_OF(c->digest));
    return o;
}

struct json *show_certificate(struct arena *a, const struct certificate *c)
{
    struct json *o = json_new(a, JSON_OBJECT);
    const unsigned char *p = c->der.p;
    X509 *x = d2i_X509(NULL, &p, (long)c->der.n);

    show_string(a, o, "kind", "certificate");
    show_text(a, o, "subject", show_name(a, c->subject));
    show_text(a, o, "issuer", show_name(a, c->issuer));
    show_hex(a, o, "serial", c->serial);
    show_time(a, o, "not_before", c->not_before);
    show_time(a, o, "not_after", c->not_after);
    show_tree(o, "key", key_tree(a, c));
    show_string(a, o, "signature_algorithm", c->alg == SIGNATURE_NONE ? "not accepted" : signature_alg_name(c->alg));
    show_hex(a, o, "signature", c->signature);
    if (x)
        show_tree(o, "extensions", extensions_tree(a, X509_get0_extensions(x)));
    X509_free(x);
    show_pck_extension(a, o, c);
    show_amd_extensions(a, o, c);
    show_tpm_device(a, o, c);
    show_certificate_evidence(a, o, c);
    show_hex(a, o, "sha256", BYTES_OF(c->digest));
    return o;
}

static struct json *revoked_tree(struct arena *a, const struct crl *c)
{
    struct json *o = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < c->count; i++)
        json_append(o, json_new_text(a, hex_encode(a, c->serials[i])));
    return o;
}

struct json *show_crl(struct arena *a, const struct crl *c)
{
    struct json *o = json_new(a, JSON_OBJECT);
    const unsigned char *p = c->der.p;
    X509_CRL *x = d2i_X509_CRL(NULL, &p, (long)c->der.n);

    show_string(a, o, "kind", "crl");
    show_text(a, o, "issuer", show_name(a, c->issuer));
    show_time(a, o, "this_update", c->this_update);
    if (c->has_next_update)
        show_time(a, o, "next_update", c->next_update);
    show_hex(a, o, "number", c->number);
    show_hex(a, o, "authority_key_id", c->authority_key_id);
    show_string(a, o, "signature_algorithm", c->alg == SIGNATURE_NONE ? "not accepted" : signature_alg_name(c->alg));
    show_hex(a, o, "signature", c->signature);
    show_number(a, o, "revoked_count", (int64_t)c->count);
    show_tree(o, "revoked", revoked_tree(a, c));
    if (x)
        show_tree(o, "extensions", extensions_tree(a, X509_CRL_get0_extensions(x)));
    X509_CRL_free(x);
    show_hex(a, o, "sha256", BYTES_OF(c->digest));
    return o;
}
