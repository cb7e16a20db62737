/* Keys of the TPM: found, made, certified, used. */
#include <tss2/tss2_mu.h>

#include "agent/tpm_open.h"

enum { RSA_BITS = 2048 };

static size_t curve_size(TPM2_ECC_CURVE curve)
{
    return curve == TPM2_ECC_NIST_P256 ? 32 : curve == TPM2_ECC_NIST_P384 ? 48 : 0;
}

/* A coordinate with the leading zeros that a TPM may leave out. */
static struct bytes coordinate(struct arena *a, const TPM2B_ECC_PARAMETER *v, size_t size)
{
    uint8_t *p = arena_alloc(a, size);

    if (v->size <= size)
        memcpy(p + size - v->size, v->buffer, v->size);
    return bytes_make(p, size);
}

bool agent_key_describe(struct arena *a, const TPM2B_PUBLIC *public, struct agent_key *out, struct fault *fault)
{
    const TPMA_OBJECT fit = TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_FIXEDTPM;
    const TPMT_PUBLIC *area = &public->publicArea;
    uint8_t *p = arena_alloc(a, sizeof *public);
    size_t n = 0, size;

    if (!agent_tpm_did(Tss2_MU_TPM2B_PUBLIC_Marshal(public, p, sizeof *public, &n), "a public area", fault))
        return false;
    out->public_2b = bytes_make(p, n);
    out->public_t = bytes_after(out->public_2b, 2);
    out->restricted_signing = (area->objectAttributes & fit) == fit;
    out->is_rsa = area->type == TPM2_ALG_RSA;
    if (out->is_rsa) {
        if (area->parameters.rsaDetail.exponent != 0 && area->parameters.rsaDetail.exponent != 65537)
            return fault_set(fault, FAULT_CRYPTO, "the TPM's key has the exponent %u",
                             area->parameters.rsaDetail.exponent);
        out->modulus = arena_copy(a, bytes_make(area->unique.rsa.buffer, area->unique.rsa.size));
        return true;
    }
    size = area->type == TPM2_ALG_ECC ? curve_size(area->parameters.eccDetail.curveID) : 0;
    if (!size)
        return fault_set(fault, FAULT_CRYPTO, "the TPM's key is neither RSA nor of P-256 or P-384");
    out->x = coordinate(a, &area->unique.ecc.x, size);
    out->y = coordinate(a, &area->unique.ecc.y, size);
    return true;
}

static bool load_persistent(struct agent_tpm *t, uint32_t handle, struct arena *a, struct agent_key *out,
                            struct fault *fault)
{
    TPM2B_PUBLIC *public = NULL;
    ESYS_TR object;
    bool ok;

    if (!agent_tpm_did(Esys_TR_FromTPMPublic(t->esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &object),
                       "ReadPublic", fault))
        return false;
    if (t->closes == AGENT_OBJECTS)
        return fault_set(fault, FAULT_LIMIT, "more than %d objects of the TPM", AGENT_OBJECTS);
    t->close[t->closes++] = object;
    out->object = object;
    ok = agent_tpm_did(Esys_ReadPublic(t->esys, object, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &public, NULL, NULL),
                       "ReadPublic", fault) &&
         agent_key_describe(a, public, out, fault);
    Esys_Free(public);
    return ok;
}

static bool make_primary(struct agent_tpm *t, ESYS_TR hierarchy, const TPM2B_PUBLIC *template, struct arena *a,
                         struct agent_key *out, struct fault *fault)
{
    TPM2B_SENSITIVE_CREATE sensitive = {0};
    TPML_PCR_SELECTION no_pcrs = {0};
    TPM2B_DATA no_data = {0};
    TPM2B_PUBLIC *public = NULL;
    ESYS_TR object;
    TSS2_RC rc = Esys_CreatePrimary(t->esys, hierarchy, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive,
                                    template, &no_data, &no_pcrs, &object, &public, NULL, NULL, NULL);
    bool ok;

    if (!agent_tpm_did(rc, "CreatePrimary", fault))
        return false;
    out->object = object;
    ok = agent_tpm_keep(t, object, fault) && agent_key_describe(a, public, out, fault);
    Esys_Free(public);
    return ok;
}

static TPM2B_PUBLIC rsa_template(TPMA_OBJECT use)
{
    return (TPM2B_PUBLIC){.publicArea = {.type = TPM2_ALG_RSA,
                                         .nameAlg = TPM2_ALG_SHA256,
                                         .objectAttributes = use | TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                                                             TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_NODA,
                                         .parameters.rsaDetail = {.symmetric.algorithm = TPM2_ALG_NULL,
                                                                  .scheme.scheme = TPM2_ALG_NULL,
                                                                  .keyBits = RSA_BITS}}};
}

bool agent_tpm_ak(struct agent_tpm *t, uint32_t handle, struct arena *a, struct agent_key *out, struct fault *fault)
{
    TPM2B_PUBLIC template = rsa_template(TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT);

    *out = (struct agent_key){0};
    if (handle) {
        if (!agent_tpm_has(t, handle))
            return fault_set(fault, FAULT_USAGE, "the TPM has no object at 0x%08x", handle);
        return load_persistent(t, handle, a, out, fault) &&
               (out->restricted_signing ||
                fault_set(fault, FAULT_USAGE,
                          "0x%08x is no attestation key: it is not restricted to signing what the TPM says", handle));
    }
    if (agent_tpm_has(t, AGENT_AK_HANDLE)) {
        if (!load_persistent(t, AGENT_AK_HANDLE, a, out, fault))
            return false;
        if (out->restricted_signing)
            return true;
    }
    *out = (struct agent_key){0};
    template.publicArea.parameters.rsaDetail.scheme.scheme = TPM2_ALG_RSASSA;
    template.publicArea.parameters.rsaDetail.scheme.details.rsassa.hashAlg = TPM2_ALG_SHA256;
    return make_primary(t, ESYS_TR_RH_ENDORSEMENT, &template, a, out, fault);
}

bool agent_tpm_request_key(struct agent_tpm *t, struct arena *a, struct agent_key *out, struct fault *fault)
{
    TPM2B_PUBLIC template = rsa_template(TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_DECRYPT);

    *out = (struct agent_key){0};
    return make_primary(t, ESYS_TR_RH_NULL, &template, a, out, fault);
}

bool agent_tpm_sealed_key(struct agent_tpm *t, struct bytes policy, struct arena *a, struct agent_key *out,
                          struct fault *fault)
{
    TPM2B_PUBLIC template = rsa_template(TPMA_OBJECT_DECRYPT);

    *out = (struct agent_key){0};
    if (policy.n != SHA256_SIZE)
        return fault_set(fault, FAULT_USAGE, "a policy of %zu bytes", policy.n);
    template.publicArea.authPolicy.size = SHA256_SIZE;
    memcpy(template.publicArea.authPolicy.buffer, policy.p, SHA256_SIZE);
    return make_primary(t, ESYS_TR_RH_NULL, &template, a, out, fault);
}

bool agent_tpm_certify(struct agent_tpm *t, const struct agent_key *key, const struct agent_key *ak, struct bytes nonce,
                       struct arena *a, struct agent_certification *out, struct fault *fault)
{
    TPMT_SIG_SCHEME scheme = {.scheme = TPM2_ALG_NULL};
    TPMT_SIGNATURE *signature = NULL;
    TPM2B_ATTEST *attest = NULL;
    TPM2B_DATA data;
    bool ok;

    if (!agent_nonce(nonce, &data, fault))
        return false;
    if (!agent_tpm_did(Esys_Certify(t->esys, key->object, ak->object, ESYS_TR_PASSWORD, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                    &data, &scheme, &attest, &signature),
                       "Certify", fault))
        return false;
    out->attest = arena_copy(a, bytes_make(attest->attestationData, attest->size));
    ok = agent_signature_write(a, signature, &out->signature, &out->raw_signature, fault);
    Esys_Free(attest);
    Esys_Free(signature);
    return ok;
}

bool agent_tpm_sign_ps256(struct agent_tpm *t, const struct agent_key *key, struct bytes message, struct arena *a,
                          struct bytes *signature, struct fault *fault)
{
    TPMT_SIG_SCHEME scheme = {.scheme = TPM2_ALG_RSAPSS, .details.rsapss.hashAlg = TPM2_ALG_SHA256};
    TPMT_TK_HASHCHECK none = {.tag = TPM2_ST_HASHCHECK, .hierarchy = TPM2_RH_NULL};
    TPM2B_DIGEST hash = {.size = SHA256_SIZE};
    TPMT_SIGNATURE *made = NULL;
    struct bytes whole;
    bool ok;

    sha256(message, hash.buffer);
    if (!agent_tpm_did(
            Esys_Sign(t->esys, key->object, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &hash, &scheme, &none, &made),
            "Sign", fault))
        return false;
    ok = agent_signature_write(a, made, &whole, signature, fault);
    Esys_Free(made);
    return ok;
}

/* snp-cvm.md 3.4 */
void agent_pcr_policy(const struct agent_bank *bank, uint8_t policy[SHA256_SIZE])
{
    uint8_t digest[SHA256_SIZE], zeros[SHA256_SIZE] = {0}, head[14] = {0, 0, 1, 0x7f, 0, 0, 0, 1, 0, 0, 3};
    struct bytes values[AGENT_PCRS], parts[3];
    size_t n = 0;

    for (size_t i = 0; i < AGENT_PCRS; i++)
        if (bank->mask >> i & 1)
            values[n++] = bytes_make(bank->value[i], digest_size(bank->alg));
    digest_parts(DIGEST_SHA256, values, n, digest);
    head[8] = (uint8_t)(agent_hash_id(bank->alg) >> 8);
    head[9] = (uint8_t)agent_hash_id(bank->alg);
    for (size_t i = 0; i < 3; i++)
        head[11 + i] = (uint8_t)(bank->mask >> (8 * i));
    parts[0] = BYTES_OF(zeros);
    parts[1] = BYTES_OF(head);
    parts[2] = BYTES_OF(digest);
    digest_parts(DIGEST_SHA256, parts, 3, policy);
}

/* A session in which the registers hold what the key's policy says, if they do. */
static bool open_policy(struct agent_tpm *t, const struct agent_bank *bank, ESYS_TR *session, struct fault *fault)
{
    TPMT_SYM_DEF plain = {.algorithm = TPM2_ALG_NULL};
    TPML_PCR_SELECTION selection = {.count = 1};
    TPM2B_DIGEST now = {0};

    if (!agent_tpm_did(Esys_StartAuthSession(t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                             ESYS_TR_NONE, NULL, TPM2_SE_POLICY, &plain, TPM2_ALG_SHA256, session),
                       "StartAuthSession", fault))
        return false;
    agent_select(bank, &selection.pcrSelections[0]);
    return agent_tpm_keep(t, *session, fault) &&
           agent_tpm_did(Esys_PolicyPCR(t->esys, *session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &now, &selection),
                         "PolicyPCR", fault);
}

bool agent_tpm_decrypt(struct agent_tpm *t, const struct agent_key *key, const struct agent_bank *bank,
                       struct bytes sealed, struct arena *a, struct bytes *plain, struct fault *fault)
{
    TPMT_RSA_DECRYPT scheme = {.scheme = TPM2_ALG_RSAES};
    TPM2B_PUBLIC_KEY_RSA cipher = {.size = (UINT16)sealed.n}, *message = NULL;
    TPM2B_DATA label = {0};
    ESYS_TR session;
    TSS2_RC rc;

    if (sealed.n == 0 || sealed.n > sizeof cipher.buffer)
        return fault_set(fault, FAULT_SYNTAX, "%zu bytes are no key that was encrypted to the TPM", sealed.n);
    memcpy(cipher.buffer, sealed.p, sealed.n);
    if (!open_policy(t, bank, &session, fault))
        return false;
    rc =
        Esys_RSA_Decrypt(t->esys, key->object, session, ESYS_TR_NONE, ESYS_TR_NONE, &cipher, &scheme, &label, &message);
    if (!agent_tpm_did(rc, "RSA_Decrypt", fault))
        return false;
    *plain = arena_copy(a, bytes_make(message->buffer, message->size));
    secret_wipe(message, sizeof *message);
    Esys_Free(message);
    return true;
}
