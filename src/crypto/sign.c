#include "crypto/sign.h"

#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "crypto/der.h"
#include "crypto/rsa_primes.h"

struct signing_key {
    EVP_PKEY *pkey;
    enum key_kind kind;
};

static bool broken(struct fault *fault, const char *doing)
{
    char reason[160];

    ERR_error_string_n(ERR_peek_last_error(), reason, sizeof reason);
    ERR_clear_error();
    return fault_set(fault, FAULT_CRYPTO, "%s: %s", doing, reason);
}

static enum key_kind kind_of(const EVP_PKEY *pkey)
{
    char group[32];
    size_t n;

    if (EVP_PKEY_is_a(pkey, "RSA"))
        return EVP_PKEY_get_bits(pkey) >= SIGNING_RSA_BITS && EVP_PKEY_get_bits(pkey) <= SIGNING_RSA_BITS_MOST
                   ? KEY_RSA
                   : KEY_NONE;
    if (!EVP_PKEY_is_a(pkey, "EC") || EVP_PKEY_get_group_name(pkey, group, sizeof group, &n) != 1)
        return KEY_NONE;
    return strcmp(group, "prime256v1") == 0 ? KEY_P256 : strcmp(group, "secp384r1") == 0 ? KEY_P384 : KEY_NONE;
}

/* Takes the key, also on failure. */
static struct signing_key *wrap(EVP_PKEY *pkey, struct fault *fault)
{
    struct signing_key *k = pkey ? calloc(1, sizeof *k) : NULL;

    if (k) {
        *k = (struct signing_key){pkey, kind_of(pkey)};
        if (k->kind != KEY_NONE)
            return k;
        fault_set(fault, FAULT_CRYPTO, "a signing key must be RSA of %d to %d bits, P-256 or P-384", SIGNING_RSA_BITS,
                  SIGNING_RSA_BITS_MOST);
    }
    EVP_PKEY_free(pkey);
    free(k);
    return NULL;
}

struct signing_key *signing_key_generate(enum key_kind kind, struct fault *fault)
{
    EVP_PKEY *pkey = kind == KEY_RSA    ? EVP_RSA_gen(SIGNING_RSA_BITS)
                     : kind == KEY_P256 ? EVP_EC_gen("prime256v1")
                     : kind == KEY_P384 ? EVP_EC_gen("secp384r1")
                                        : NULL;

    if (!pkey)
        broken(fault, "make a key");
    return wrap(pkey, fault);
}

/* Called for each number that is tried; 0 ends it. */
static int go_on(EVP_PKEY_CTX *context)
{
    return !atomic_load((const atomic_bool *)EVP_PKEY_CTX_get_app_data(context));
}

struct signing_key *signing_key_generate_unless(const atomic_bool *stop, struct fault *fault)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *pkey = NULL;

    bool ready = context && EVP_PKEY_keygen_init(context) == 1 &&
                 EVP_PKEY_CTX_set_rsa_keygen_bits(context, SIGNING_RSA_BITS) == 1;
    if (ready) {
        EVP_PKEY_CTX_set_app_data(context, (void *)(uintptr_t)stop);
        EVP_PKEY_CTX_set_cb(context, go_on);
        ready = EVP_PKEY_generate(context, &pkey) == 1;
    }
    EVP_PKEY_CTX_free(context);
    if (!ready)
        broken(fault, "make a key");
    return wrap(pkey, fault);
}

struct signing_key *signing_key_read_pem(struct bytes pem, struct fault *fault)
{
    BIO *bio = pem.n && pem.n <= INT32_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    /* An empty passphrase instead of a prompt on the terminal. */
    EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)(uintptr_t) "") : NULL;

    BIO_free(bio);
    if (!pkey)
        broken(fault, "read a private key");
    return wrap(pkey, fault);
}

bool signing_key_write_pem(const struct signing_key *k, struct arena *a, struct bytes *pem, struct fault *fault)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    char *text;

    if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, k->pkey, NULL, NULL, 0, NULL, NULL) != 1) {
        BIO_free(bio);
        return broken(fault, "write a private key");
    }
    long n = BIO_get_mem_data(bio, &text);
    *pem = arena_copy(a, bytes_make(text, (size_t)n));
    BIO_free(bio); /* wipes its copy */
    return true;
}

struct signing_key *signing_key_read_der(struct bytes der, struct fault *fault)
{
    const unsigned char *at = der.p;
    EVP_PKEY *pkey = der.n && der.n <= INT32_MAX ? d2i_AutoPrivateKey(NULL, &at, (long)der.n) : NULL;

    if (pkey && at != der.p + der.n) {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }
    if (!pkey)
        broken(fault, "read a private key");
    return wrap(pkey, fault);
}

static bool write_der(const struct signing_key *k, struct arena *a, struct bytes *der, struct fault *fault)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(k->pkey);
    unsigned char *out = NULL;
    int n = info ? i2d_PKCS8_PRIV_KEY_INFO(info, &out) : 0;

    PKCS8_PRIV_KEY_INFO_free(info);
    if (n <= 0)
        return broken(fault, "write a private key");
    *der = arena_copy(a, bytes_make(out, (size_t)n));
    OPENSSL_clear_free(out, (size_t)n);
    return true;
}

/* The short form begins with what follows. */
enum short_form { SHORT_PRIMES = 1, SHORT_PKCS8 = 2 };

/* Both primes in half the modulus' size each; false where they do not fit, or the exponent is another than usual. */
static bool write_primes(const struct signing_key *k, struct arena *a, struct bytes *out)
{
    BIGNUM *e = NULL, *p = NULL, *q = NULL;
    int half = EVP_PKEY_get_size(k->pkey) / 2;
    uint8_t *room = arena_alloc(a, 1 + 2 * (size_t)half);

    bool ok = EVP_PKEY_get_bn_param(k->pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1 && BN_is_word(e, RSA_F4) &&
              EVP_PKEY_get_bn_param(k->pkey, OSSL_PKEY_PARAM_RSA_FACTOR1, &p) == 1 &&
              EVP_PKEY_get_bn_param(k->pkey, OSSL_PKEY_PARAM_RSA_FACTOR2, &q) == 1 &&
              BN_bn2binpad(p, room + 1, half) == half && BN_bn2binpad(q, room + 1 + half, half) == half;
    BN_free(e);
    BN_clear_free(p);
    BN_clear_free(q);
    room[0] = SHORT_PRIMES;
    *out = bytes_make(room, 1 + 2 * (size_t)half);
    ERR_clear_error();
    return ok;
}

bool signing_key_write_short(const struct signing_key *k, struct arena *a, struct bytes *out, struct fault *fault)
{
    struct writer w;
    struct bytes der;

    if (k->kind == KEY_RSA && write_primes(k, a, out))
        return true;
    if (!write_der(k, a, &der, fault))
        return false;
    w = wr_open(a);
    wr_u8(&w, SHORT_PKCS8);
    wr_put(&w, der);
    secret_wipe((void *)(uintptr_t)der.p, der.n);
    *out = wr_done(&w);
    return true;
}

struct signing_key *signing_key_read_short(struct bytes b, struct fault *fault)
{
    uint8_t form = b.n ? b.p[0] : 0;

    if (form != SHORT_PRIMES)
        return signing_key_read_der(form == SHORT_PKCS8 ? bytes_after(b, 1) : BYTES_NONE, fault);
    EVP_PKEY *pkey = rsa_from_primes(bytes_after(b, 1));
    if (!pkey)
        broken(fault, "make a private key from its primes");
    return wrap(pkey, fault);
}

void signing_key_free(struct signing_key *k)
{
    if (!k)
        return;
    EVP_PKEY_free(k->pkey);
    free(k);
}

struct bytes signing_key_spki(const struct signing_key *k, struct arena *a)
{
    unsigned char *der = NULL;
    int n = i2d_PUBKEY(k->pkey, &der);
    struct bytes out = n > 0 ? arena_copy(a, bytes_make(der, (size_t)n)) : BYTES_NONE;

    OPENSSL_free(der);
    return out;
}

enum key_kind signing_key_kind(const struct signing_key *k)
{
    return k->kind;
}

static const EVP_MD *digest_of(enum signature_alg alg)
{
    switch (alg) {
    case SIGNATURE_RS384:
    case SIGNATURE_PS384:
    case SIGNATURE_ES384: return EVP_sha384();
    case SIGNATURE_RS512:
    case SIGNATURE_PS512:
    case SIGNATURE_ES512: return EVP_sha512();
    default: return EVP_sha256();
    }
}

static bool fits(enum key_kind kind, enum signature_alg alg)
{
    if (alg == SIGNATURE_NONE)
        return false;
    return (alg >= SIGNATURE_ES256) == (kind != KEY_RSA);
}

bool sign_message(const struct signing_key *k, enum signature_alg alg, struct bytes message, struct arena *a,
                  struct bytes *signature)
{
    bool pss = alg == SIGNATURE_PS256 || alg == SIGNATURE_PS384 || alg == SIGNATURE_PS512;
    size_t n = (size_t)EVP_PKEY_get_size(k->pkey);
    uint8_t *out = arena_alloc(a, n);
    EVP_PKEY_CTX *settings;

    if (!fits(k->kind, alg))
        return false;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context && EVP_DigestSignInit(context, &settings, digest_of(alg), NULL, k->pkey) == 1 &&
              (!pss || (EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING) == 1 &&
                        EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_DIGEST) == 1)) &&
              EVP_DigestSign(context, out, &n, message.p, message.n) == 1;
    EVP_MD_CTX_free(context);
    *signature = bytes_make(out, n);
    return ok && (k->kind == KEY_RSA || ecdsa_from_der(a, k->kind, *signature, signature));
}
