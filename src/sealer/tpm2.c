/* The key as a sealed object of a TPM 2.0, which gives it out while registers hold what they held when it was sealed, and to no
 * other TPM ever. Its parent is the primary key that the TPM derives from the usual template of a storage root key over P-256 (TCG's
 * provisioning guidance), always the same, so nothing of ours stays in the TPM. The key crosses the bus encrypted to that parent. */
#include <tss2/tss2_mu.h>
#include <tss2/tss2_rc.h>
#include <time.h>
#include <unistd.h>

#include "agent/tpm_open.h"
#include "base/text.h"
#include "sealer/sealers.h"

/* Firmware, its drivers, what it starts, secure boot. Not 11, to which systemd adds while the system starts; not 8 and 9, which
 * only some boot loaders fill. */
#define USUAL_REGISTERS "sha256:0,2,4,7"

enum { CROWDED_TRIES = 40, CROWDED_MILLISECONDS = 100 }; /* a use takes a second where a TPM is slow */

static const TPM2B_PUBLIC storage_root = {
    .publicArea = {
        .type = TPM2_ALG_ECC,
        .nameAlg = TPM2_ALG_SHA256,
        .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                            TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT,
        .parameters.eccDetail = {.symmetric = {.algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB},
                                 .scheme.scheme = TPM2_ALG_NULL,
                                 .curveID = TPM2_ECC_NIST_P256,
                                 .kdf.scheme = TPM2_ALG_NULL}}};

/* "sha256:0-4,7" */
static bool read_registers(struct bytes text, struct agent_bank *bank, struct fault *fault)
{
    static const struct {
        const char *name;
        enum digest_alg alg;
    } banks[] = {
        {"sha1:", DIGEST_SHA1}, {"sha256:", DIGEST_SHA256}, {"sha384:", DIGEST_SHA384}, {"sha512:", DIGEST_SHA512}};
    size_t i = 0;

    *bank = (struct agent_bank){.mask = 0};
    while (i < sizeof banks / sizeof *banks && !bytes_begin(text, banks[i].name))
        i++;
    bool ok = i < sizeof banks / sizeof *banks;
    bank->alg = ok ? banks[i].alg : DIGEST_SHA256;
    return (ok && agent_pcrs_parse(bytes_after(text, strlen(banks[i].name)), &bank->mask)) ||
           fault_set(fault, FAULT_USAGE,
                     "\"%.*s\" names no registers: a bank and numbers from 0 to 23, as " USUAL_REGISTERS,
                     (int)bytes_first(text, 64).n, (const char *)text.p);
}

/* Without the number of the handle, session or parameter that it is about; 0 where it is none of the TPM itself. */
static TSS2_RC tpm_error(TSS2_RC rc)
{
    if ((rc & TSS2_RC_LAYER_MASK) != TSS2_TPM_RC_LAYER)
        return 0;
    return rc & TPM2_RC_FMT1 ? rc & (TPM2_RC_FMT1 | 0x3f) : rc;
}

/* A TPM in use. Where no resource manager stands before it (/dev/tpm0), all share its few places for objects and sessions. */
struct use {
    struct agent_tpm *tpm;
    bool is_crowded; /* another has the places just now */
};

static bool did(struct use *u, TSS2_RC rc, const char *command, struct fault *fault)
{
    const TSS2_RC error = tpm_error(rc);

    u->is_crowded = u->is_crowded || error == TPM2_RC_OBJECT_MEMORY || error == TPM2_RC_SESSION_MEMORY ||
                    error == TPM2_RC_MEMORY || error == TPM2_RC_RETRY || error == TPM2_RC_YIELDED ||
                    error == TPM2_RC_OBJECT_HANDLES || error == TPM2_RC_SESSION_HANDLES;
    return agent_tpm_did(rc, command, fault);
}

static struct bytes values_of(struct arena *a, const struct agent_bank *bank)
{
    struct writer w = wr_open(a);

    for (size_t i = 0; i < AGENT_PCRS; i++)
        if (bank->mask >> i & 1)
            wr_put(&w, bytes_make(bank->value[i], digest_size(bank->alg)));
    return wr_done(&w);
}

static bool make_parent(struct use *u, ESYS_TR *parent, struct fault *fault)
{
    const TPM2B_SENSITIVE_CREATE sensitive = {0};
    const TPML_PCR_SELECTION no_registers = {0};
    const TPM2B_DATA no_data = {0};
    TSS2_RC rc = Esys_CreatePrimary(u->tpm->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                                    &sensitive, &storage_root, &no_data, &no_registers, parent, NULL, NULL, NULL, NULL);

    if (tpm_error(rc) == TPM2_RC_BAD_AUTH || tpm_error(rc) == TPM2_RC_AUTH_FAIL)
        return fault_set(fault, FAULT_USAGE,
                         "the TPM's owner hierarchy has a password, and a service cannot be asked for one: clear it "
                         "(tpm2_changeauth -c owner), or choose another sealer");
    return did(u, rc, "CreatePrimary", fault) && agent_tpm_keep(u->tpm, *parent, fault);
}

/* What goes over the bus is encrypted under a secret that only the holder of the parent can read. */
static bool start_session(struct use *u, ESYS_TR parent, TPM2_SE kind, TPMA_SESSION encrypted, ESYS_TR *session,
                          struct fault *fault)
{
    const TPMT_SYM_DEF cipher = {.algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB};
    TSS2_RC rc = Esys_StartAuthSession(u->tpm->esys, parent, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                       NULL, kind, &cipher, TPM2_ALG_SHA256, session);

    return did(u, rc, "StartAuthSession", fault) && agent_tpm_keep(u->tpm, *session, fault) &&
           did(u, Esys_TRSess_SetAttributes(u->tpm->esys, *session, encrypted | TPMA_SESSION_CONTINUESESSION, 0xff),
               "its session", fault);
}

static bool seal(struct use *u, const struct agent_bank *bank, const uint8_t key[ROOT_KEY_SIZE], struct arena *a,
                 struct bytes *blob, struct fault *fault)
{
    TPM2B_SENSITIVE_CREATE sensitive = {.sensitive.data.size = ROOT_KEY_SIZE};
    TPM2B_PUBLIC template = {
        .publicArea = {.type = TPM2_ALG_KEYEDHASH,
                       .nameAlg = TPM2_ALG_SHA256,
                       .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_NODA,
                       .authPolicy.size = SHA256_SIZE,
                       .parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL}};
    const TPML_PCR_SELECTION no_registers = {0};
    const TPM2B_DATA no_data = {0};
    TPM2B_PRIVATE *private = NULL;
    TPM2B_PUBLIC *public = NULL;
    uint8_t *p = arena_alloc(a, sizeof *private + sizeof *public);
    ESYS_TR parent, session;
    size_t n = 0;

    if (!make_parent(u, &parent, fault) ||
        !start_session(u, parent, TPM2_SE_HMAC, TPMA_SESSION_DECRYPT, &session, fault))
        return false;
    agent_pcr_policy(bank, template.publicArea.authPolicy.buffer);
    memcpy(sensitive.sensitive.data.buffer, key, ROOT_KEY_SIZE);
    TSS2_RC rc = Esys_Create(u->tpm->esys, parent, ESYS_TR_PASSWORD, session, ESYS_TR_NONE, &sensitive, &template,
                             &no_data, &no_registers, &private, &public, NULL, NULL, NULL);
    secret_wipe(&sensitive, sizeof sensitive);
    bool ok = did(u, rc, "Create", fault) &&
              did(u, Tss2_MU_TPM2B_PUBLIC_Marshal(public, p, sizeof *private + sizeof *public, &n), "Create", fault) &&
              did(u, Tss2_MU_TPM2B_PRIVATE_Marshal(private, p, sizeof *private + sizeof *public, &n), "Create", fault);
    Esys_Free(private);
    Esys_Free(public);
    *blob = bytes_make(p, n);
    return ok;
}

static bool load(struct use *u, ESYS_TR parent, struct bytes blob, ESYS_TR *object, struct fault *fault)
{
    TPM2B_PRIVATE private = {0};
    TPM2B_PUBLIC public = {0};
    size_t n = 0;

    if (Tss2_MU_TPM2B_PUBLIC_Unmarshal(blob.p, blob.n, &n, &public) != TSS2_RC_SUCCESS ||
        Tss2_MU_TPM2B_PRIVATE_Unmarshal(blob.p, blob.n, &n, &private) != TSS2_RC_SUCCESS || n != blob.n)
        return fault_set(fault, FAULT_SYNTAX, "its object is none of a TPM; restore the file");
    TSS2_RC rc =
        Esys_Load(u->tpm->esys, parent, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &private, &public, object);
    if (tpm_error(rc) == TPM2_RC_INTEGRITY || tpm_error(rc) == TPM2_RC_BINDING)
        return fault_set(
            fault, FAULT_CRYPTO,
            "the TPM does not know what was sealed: it is of another machine, the TPM was cleared since, or "
            "the file was changed (%s, 0x%x)",
            Tss2_RC_Decode(rc), rc);
    return did(u, rc, "Load", fault) && agent_tpm_keep(u->tpm, *object, fault);
}

/* Which registers are others now; the values of then are in the envelope for this alone. */
static bool tell_change(struct use *u, struct agent_bank *bank, struct bytes values, struct arena *a,
                        struct fault *fault)
{
    struct writer changed = wr_open(a);
    size_t size = digest_size(bank->alg);

    if (!agent_tpm_read_pcrs(u->tpm, bank, fault))
        return false;
    for (size_t i = 0; i < AGENT_PCRS; i++) {
        if (!(bank->mask >> i & 1))
            continue;
        if (!bytes_equal(bytes_first(values, size), bytes_make(bank->value[i], size)))
            wr_printf(&changed, "%s%zu", wr_done(&changed).n ? ", " : "", i);
        values = bytes_after(values, size);
    }
    struct bytes list = wr_done(&changed);
    return fault_set(fault, FAULT_CRYPTO,
                     "the machine booted something else than when the key was sealed: register %.*s of the TPM is "
                     "another; boot what was booted then, or take the key from another node (assayd hand-over)",
                     list.n ? (int)list.n : 1, list.n ? (const char *)list.p : "?");
}

static bool unseal(struct use *u, struct agent_bank *bank, struct bytes blob, struct bytes values, struct arena *a,
                   uint8_t key[ROOT_KEY_SIZE], struct fault *fault)
{
    TPML_PCR_SELECTION selection = {.count = 1};
    const TPM2B_DIGEST as_they_are = {0};
    TPM2B_SENSITIVE_DATA *data = NULL;
    ESYS_TR parent, object, session;

    agent_select(bank, &selection.pcrSelections[0]);
    if (!make_parent(u, &parent, fault) || !load(u, parent, blob, &object, fault) ||
        !start_session(u, parent, TPM2_SE_POLICY, TPMA_SESSION_ENCRYPT, &session, fault) ||
        !did(u,
             Esys_PolicyPCR(u->tpm->esys, session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &as_they_are, &selection),
             "PolicyPCR", fault))
        return false;
    TSS2_RC rc = Esys_Unseal(u->tpm->esys, object, session, ESYS_TR_NONE, ESYS_TR_NONE, &data);
    if (tpm_error(rc) == TPM2_RC_POLICY_FAIL)
        return tell_change(u, bank, values, a, fault);
    if (!did(u, rc, "Unseal", fault))
        return false;
    bool ok = data->size == ROOT_KEY_SIZE;
    if (ok)
        memcpy(key, data->buffer, ROOT_KEY_SIZE);
    secret_wipe(data, sizeof *data);
    Esys_Free(data);
    return ok || fault_set(fault, FAULT_CRYPTO, "the TPM gives back another key than was sealed; restore the file");
}

/* One use of the TPM from its opening to its closing, again while others crowd it. */
struct work {
    bool (*once)(struct use *u, const struct work *w, struct arena *a, struct fault *fault);
    struct agent_bank *bank;
    uint8_t *key;
    struct bytes *blob, values;
};

static bool use_tpm(const struct root_sealer *s, const struct work *w, struct arena *a, struct fault *fault)
{
    for (int i = 0;; i++) {
        struct fault reason = {0};
        struct use u = {.tpm = agent_tpm_open(s->tpm, &reason)};
        bool ok = u.tpm && w->once(&u, w, a, &reason);

        agent_tpm_close(u.tpm);
        if (ok)
            return true;
        if (!u.is_crowded || i == CROWDED_TRIES)
            return fault_set(fault, reason.code, "%s", reason.text);
        struct timespec pause = {0, (CROWDED_MILLISECONDS + getpid() % CROWDED_MILLISECONDS) * 1000000L};
        nanosleep(&pause, NULL);
    }
}

static bool seal_once(struct use *u, const struct work *w, struct arena *a, struct fault *fault)
{
    return agent_tpm_read_pcrs(u->tpm, w->bank, fault) && seal(u, w->bank, w->key, a, w->blob, fault);
}

static bool unseal_once(struct use *u, const struct work *w, struct arena *a, struct fault *fault)
{
    return unseal(u, w->bank, *w->blob, w->values, a, w->key, fault);
}

static bool make(const struct root_sealer *s, struct arena *a, uint8_t key[ROOT_KEY_SIZE],
                 struct key_field fields[SEALER_FIELDS_MAX], size_t *count, struct fault *fault)
{
    const struct bytes registers = bytes_text(s->pcrs ? s->pcrs : USUAL_REGISTERS);
    struct agent_bank bank;
    struct bytes blob;

    if (!read_registers(registers, &bank, fault))
        return false;
    if (!random_bytes(key, ROOT_KEY_SIZE))
        return fault_set(fault, FAULT_SYSTEM, "the system gives no random numbers");
    if (!use_tpm(s, &(struct work){seal_once, &bank, key, &blob, BYTES_NONE}, a, fault))
        return false;
    fields[(*count)++] = (struct key_field){BYTES_LIT("pcrs"), registers};
    fields[(*count)++] = (struct key_field){BYTES_LIT("values"), hex_encode(a, values_of(a, &bank))};
    fields[(*count)++] = (struct key_field){BYTES_LIT("object"), hex_encode(a, blob)};
    return true;
}

static bool recover(const struct root_sealer *s, const struct key_envelope *e, struct arena *a,
                    uint8_t key[ROOT_KEY_SIZE], struct fault *fault)
{
    struct bytes registers, values, blob;
    struct agent_bank bank;

    return key_envelope_field(e, "pcrs", &registers, fault) && read_registers(registers, &bank, fault) &&
           key_envelope_hex(a, e, "values", &values, fault) && key_envelope_hex(a, e, "object", &blob, fault) &&
           use_tpm(s, &(struct work){unseal_once, &bank, key, &blob, values}, a, fault);
}

const struct key_sealer sealer_tpm2 = {"tpm2", make, recover};
