#include "crypto/rsa_primes.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "crypto/sign.h"

/* All numbers of an RSA key, by their names for libcrypto. */
enum rsa_number { RSA_N, RSA_E, RSA_D, RSA_P, RSA_Q, RSA_DP, RSA_DQ, RSA_QI, RSA_NUMBERS };

static const char *const rsa_names[RSA_NUMBERS] = {OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
                                                   OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
                                                   OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
                                                   OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1};

/* What follows from the primes. The flags keep libcrypto from branching on secrets. */
static bool complete_rsa(BIGNUM *v[RSA_NUMBERS], BN_CTX *c)
{
    BIGNUM *p1 = BN_CTX_get(c), *q1 = BN_CTX_get(c), *phi = BN_CTX_get(c);

    if (!phi || !BN_set_word(v[RSA_E], RSA_F4) || !BN_sub(p1, v[RSA_P], BN_value_one()) ||
        !BN_sub(q1, v[RSA_Q], BN_value_one()) || !BN_mul(phi, p1, q1, c))
        return false;
    BIGNUM *const secret[] = {p1, q1, phi, v[RSA_P], v[RSA_Q], v[RSA_D]};
    for (size_t i = 0; i < sizeof secret / sizeof *secret; i++)
        BN_set_flags(secret[i], BN_FLG_CONSTTIME);
    return BN_mul(v[RSA_N], v[RSA_P], v[RSA_Q], c) && BN_mod_inverse(v[RSA_D], v[RSA_E], phi, c) &&
           BN_mod(v[RSA_DP], v[RSA_D], p1, c) && BN_mod(v[RSA_DQ], v[RSA_D], q1, c) &&
           BN_mod_inverse(v[RSA_QI], v[RSA_Q], v[RSA_P], c);
}

static EVP_PKEY *make_rsa(BIGNUM *const v[RSA_NUMBERS])
{
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM *all = NULL;
    EVP_PKEY *pkey = NULL;
    bool ok = builder && context;

    for (size_t i = 0; i < RSA_NUMBERS && ok; i++)
        ok = OSSL_PARAM_BLD_push_BN(builder, rsa_names[i], v[i]) == 1;
    all = ok ? OSSL_PARAM_BLD_to_param(builder) : NULL;
    if (all && EVP_PKEY_fromdata_init(context) == 1)
        EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_KEYPAIR, all);
    OSSL_PARAM_free(all); /* wiped, as numbers of a secure context are */
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(context);
    return pkey;
}

EVP_PKEY *rsa_from_primes(struct bytes primes)
{
    BN_CTX *c = BN_CTX_secure_new(); /* its numbers are wiped when they are freed */
    BIGNUM *v[RSA_NUMBERS] = {0};
    int half = (int)(primes.n / 2);
    EVP_PKEY *pkey = NULL;

    if (!c || primes.n % 2 || primes.n > SIGNING_RSA_BITS_MOST / 8) {
        BN_CTX_free(c);
        return NULL;
    }
    BN_CTX_start(c);
    for (size_t i = 0; i < RSA_NUMBERS; i++)
        v[i] = BN_CTX_get(c);
    if (v[RSA_NUMBERS - 1] && BN_bin2bn(primes.p, half, v[RSA_P]) && BN_bin2bn(primes.p + half, half, v[RSA_Q]) &&
        complete_rsa(v, c))
        pkey = make_rsa(v);
    BN_CTX_end(c);
    BN_CTX_free(c);
    return pkey;
}
