#include "crypto/cms.h"

#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "crypto/digest.h"

enum { DAY = 24 * 60 * 60 };

struct cms_key {
    EVP_PKEY *pkey;
};

/* The last reason that OpenSSL gives; its queue is empty after that. */
static bool failed(struct fault *fault, const char *doing)
{
    char text[256] = "no reason was given";
    unsigned long code = ERR_peek_last_error();

    if (code)
        ERR_error_string_n(code, text, sizeof text);
    ERR_clear_error();
    return fault_set(fault, FAULT_CRYPTO, "%s: %s", doing, text);
}

static bool name_by_key(X509 *x)
{
    uint8_t id[SHA1_SIZE];
    unsigned n = sizeof id;
    ASN1_OCTET_STRING *text = ASN1_OCTET_STRING_new();
    bool ok = text && X509_pubkey_digest(x, EVP_sha1(), id, &n) == 1 && ASN1_OCTET_STRING_set(text, id, (int)n) == 1 &&
              X509_add1_ext_i2d(x, NID_subject_key_identifier, text, 0, 0) == 1;

    ASN1_OCTET_STRING_free(text);
    return ok;
}

/* OpenSSL knows recipients by their certificates alone: one that lives as long as the call, signed by whomever. */
static X509 *certificate_of(EVP_PKEY *recipient)
{
    EVP_PKEY *issuer = EVP_EC_gen("P-256");
    X509 *x = X509_new();

    if (issuer && x && X509_set_version(x, X509_VERSION_3) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(x), 1) == 1 &&
        X509_gmtime_adj(X509_getm_notBefore(x), 0) && X509_gmtime_adj(X509_getm_notAfter(x), DAY) &&
        X509_set_pubkey(x, recipient) == 1 && name_by_key(x) && X509_sign(x, issuer, EVP_sha256()) > 0) {
        EVP_PKEY_free(issuer);
        return x;
    }
    EVP_PKEY_free(issuer);
    X509_free(x);
    return NULL;
}

static bool add_recipient(CMS_ContentInfo *cms, X509 *x, bool is_rsa)
{
    CMS_RecipientInfo *r = CMS_add1_recipient_cert(cms, x, CMS_USE_KEYID | CMS_KEY_PARAM);
    EVP_PKEY_CTX *c = r ? CMS_RecipientInfo_get0_pkey_ctx(r) : NULL;

    if (!c)
        return false;
    if (!is_rsa)
        return EVP_PKEY_CTX_set_ecdh_kdf_md(c, EVP_sha256()) > 0;
    return EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) > 0 &&
           EVP_PKEY_CTX_set_rsa_oaep_md(c, EVP_sha256()) > 0 && EVP_PKEY_CTX_set_rsa_mgf1_md(c, EVP_sha256()) > 0;
}

static bool written(struct arena *a, CMS_ContentInfo *cms, struct bytes *out)
{
    uint8_t *der = NULL;
    int n = i2d_CMS_ContentInfo(cms, &der);

    if (n <= 0)
        return false;
    *out = arena_copy(a, bytes_make(der, (size_t)n));
    OPENSSL_free(der);
    return true;
}

bool cms_seal(struct arena *a, struct bytes spki, struct bytes content, struct bytes *out, struct fault *fault)
{
    struct public_key key;
    const uint8_t *at = spki.p;

    if (!public_key_decode(a, spki, &key) || content.n > INT32_MAX)
        return fault_set(fault, FAULT_CRYPTO, "the recipient's key is of no kind or size that is accepted");
    EVP_PKEY *recipient = d2i_PUBKEY(NULL, &at, (long)spki.n);
    X509 *x = recipient ? certificate_of(recipient) : NULL;
    BIO *in = BIO_new_mem_buf(content.p, (int)content.n);
    CMS_ContentInfo *cms = CMS_encrypt(NULL, NULL, EVP_aes_256_gcm(), CMS_PARTIAL | CMS_BINARY);
    bool ok = x && in && cms && add_recipient(cms, x, key.kind == KEY_RSA) &&
              CMS_final(cms, in, NULL, CMS_BINARY) == 1 && written(a, cms, out);

    CMS_ContentInfo_free(cms);
    BIO_free(in);
    X509_free(x);
    EVP_PKEY_free(recipient);
    return ok || failed(fault, "cannot be encrypted");
}

struct cms_key *cms_key_read(struct bytes pem, struct fault *fault)
{
    BIO *bio = pem.n <= INT32_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    struct cms_key *k = pkey ? OPENSSL_malloc(sizeof *k) : NULL;

    BIO_free(bio);
    if (k) {
        k->pkey = pkey;
        return k;
    }
    EVP_PKEY_free(pkey);
    failed(fault, "this is no private key in PEM, or its passphrase is another");
    return NULL;
}

void cms_key_free(struct cms_key *k)
{
    if (!k)
        return;
    EVP_PKEY_free(k->pkey);
    OPENSSL_free(k);
}

/* What OpenSSL held of it in clear is wiped where it is freed. */
static bool decrypted(struct arena *a, CMS_ContentInfo *cms, EVP_PKEY *pkey, struct bytes *out)
{
    BIO *to = BIO_new(BIO_s_secmem());
    char *clear = NULL;
    bool ok = to && CMS_decrypt(cms, pkey, NULL, NULL, to, CMS_BINARY) == 1;
    long n = ok ? BIO_get_mem_data(to, &clear) : 0;

    if (ok)
        *out = arena_copy(a, bytes_make(clear, (size_t)n));
    BIO_free(to);
    return ok;
}

bool cms_open(struct arena *a, struct cms_key *key, struct bytes sealed, struct bytes *out, struct fault *fault)
{
    const uint8_t *at = sealed.p;
    CMS_ContentInfo *cms = sealed.n && sealed.n <= INT32_MAX ? d2i_CMS_ContentInfo(NULL, &at, (long)sealed.n) : NULL;
    bool whole =
        cms && at == sealed.p + sealed.n && OBJ_obj2nid(CMS_get0_type(cms)) == NID_id_smime_ct_authEnvelopedData;

    *out = BYTES_NONE;
    bool ok = whole && decrypted(a, cms, key->pkey, out);
    CMS_ContentInfo_free(cms);
    return ok || (whole ? failed(fault, "it is for another key, or was changed")
                        : failed(fault, "it is no CMS message of the type AuthEnvelopedData"));
}
