/* RSA, and algorithms by name. */
#include "crypto/verify.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "crypto/rsa_key.h"

static const char *md_name(enum digest_alg alg)
{
    static const char *const names[] = {"SHA1", "SHA256", "SHA384", "SHA512"};

    return names[alg];
}

EVP_PKEY *rsa_public(const struct public_key *key)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *n = BN_bin2bn(key->modulus.p, (int)key->modulus.n, NULL),
           *e = BN_bin2bn(key->exponent.p, (int)key->exponent.n, NULL);
    OSSL_PARAM *params = NULL;
    EVP_PKEY *k = NULL;

    if (context && build && n && e && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1 && (params = OSSL_PARAM_BLD_to_param(build)) &&
        EVP_PKEY_fromdata_init(context) == 1 && EVP_PKEY_fromdata(context, &k, EVP_PKEY_PUBLIC_KEY, params) != 1)
        k = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    BN_free(e);
    EVP_PKEY_CTX_free(context);
    return k;
}

enum { SALT_NONE = -1, SALT_AUTO = -2 };

/* salt SALT_NONE: PKCS#1 v1.5. */
static bool rsa_verify(const struct public_key *key, enum digest_alg alg, struct bytes hash, int salt,
                       struct bytes signature)
{
    if (key->kind != KEY_RSA || hash.n != digest_size(alg) || signature.n != key->modulus.n)
        return false;
    EVP_PKEY *k = rsa_public(key);
    EVP_PKEY_CTX *context = k ? EVP_PKEY_CTX_new_from_pkey(NULL, k, NULL) : NULL;
    bool ok =
        context && EVP_PKEY_verify_init(context) == 1 &&
        EVP_PKEY_CTX_set_rsa_padding(context, salt == SALT_NONE ? RSA_PKCS1_PADDING : RSA_PKCS1_PSS_PADDING) == 1 &&
        EVP_PKEY_CTX_set_signature_md(context, EVP_get_digestbyname(md_name(alg))) == 1 &&
        (salt == SALT_NONE ||
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salt == SALT_AUTO ? RSA_PSS_SALTLEN_AUTO : salt) == 1) &&
        EVP_PKEY_verify(context, signature.p, signature.n, hash.p, hash.n) == 1;

    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(k);
    return ok;
}

bool rsa_pkcs1_verify(const struct public_key *key, enum digest_alg alg, struct bytes hash, struct bytes signature)
{
    return rsa_verify(key, alg, hash, SALT_NONE, signature);
}

bool rsa_pss_verify(const struct public_key *key, enum digest_alg alg, struct bytes hash, size_t salt_size,
                    struct bytes signature)
{
    int salt = salt_size == SALT_ANY ? SALT_AUTO : (int)salt_size;

    return (salt_size == SALT_ANY || salt_size <= DIGEST_MAX) && rsa_verify(key, alg, hash, salt, signature);
}

enum scheme { SCHEME_PKCS1, SCHEME_PSS, SCHEME_ECDSA };

static const struct {
    enum scheme scheme;
    enum digest_alg digest;
} schemes[] = {
    [SIGNATURE_RS256] = {SCHEME_PKCS1, DIGEST_SHA256}, [SIGNATURE_RS384] = {SCHEME_PKCS1, DIGEST_SHA384},
    [SIGNATURE_RS512] = {SCHEME_PKCS1, DIGEST_SHA512}, [SIGNATURE_PS256] = {SCHEME_PSS, DIGEST_SHA256},
    [SIGNATURE_PS384] = {SCHEME_PSS, DIGEST_SHA384},   [SIGNATURE_PS512] = {SCHEME_PSS, DIGEST_SHA512},
    [SIGNATURE_ES256] = {SCHEME_ECDSA, DIGEST_SHA256}, [SIGNATURE_ES384] = {SCHEME_ECDSA, DIGEST_SHA384},
    [SIGNATURE_ES512] = {SCHEME_ECDSA, DIGEST_SHA512},
};

bool signature_verify(const struct public_key *key, enum signature_alg alg, struct bytes message,
                      struct bytes signature)
{
    uint8_t buffer[DIGEST_MAX];

    if (alg == SIGNATURE_NONE)
        return false;
    enum digest_alg d = schemes[alg].digest;
    struct bytes hash = bytes_make(buffer, digest_size(d));
    digest_parts(d, &message, 1, buffer);
    switch (schemes[alg].scheme) {
    case SCHEME_PKCS1: return rsa_pkcs1_verify(key, d, hash, signature);
    case SCHEME_PSS: return rsa_pss_verify(key, d, hash, digest_size(d), signature);
    case SCHEME_ECDSA: return ecdsa_verify(key, hash, signature);
    }
    return false;
}
