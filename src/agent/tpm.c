#include <stdlib.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>
#include <unistd.h>

#include "agent/tpm_open.h"

static const char *const devices[] = {"/dev/tpmrm0", "/dev/tpm0"};
static const char *const device_tctis[] = {"device:/dev/tpmrm0", "device:/dev/tpm0"};

const char *agent_tpm_device(void)
{
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
        if (access(devices[i], F_OK) == 0)
            return device_tctis[i];
    return NULL;
}

bool agent_tpm_did(TSS2_RC rc, const char *command, struct fault *fault)
{
    if (rc == TSS2_RC_SUCCESS)
        return true;
    return fault_set(fault, FAULT_SYSTEM, "the TPM, at %s: %s (0x%x)", command, Tss2_RC_Decode(rc), rc);
}

struct agent_tpm *agent_tpm_open(const char *tcti, struct fault *fault)
{
    struct agent_tpm *t;
    TSS2_RC rc;

    if (!tcti && !(tcti = agent_tpm_device())) {
        fault_set(fault, FAULT_SYSTEM, "this machine has no TPM: neither %s nor %s is there", devices[0], devices[1]);
        return NULL;
    }
    t = calloc(1, sizeof *t);
    if (!t) {
        fault_set(fault, FAULT_SYSTEM, "no memory");
        return NULL;
    }
    rc = Tss2_TctiLdr_Initialize(tcti, &t->tcti);
    if (rc == TSS2_RC_SUCCESS)
        rc = Esys_Initialize(&t->esys, t->tcti, NULL);
    if (rc == TSS2_RC_SUCCESS)
        return t;
    fault_set(fault, FAULT_SYSTEM, "no TPM answers at %s: %s", tcti, Tss2_RC_Decode(rc));
    agent_tpm_close(t);
    return NULL;
}

void agent_tpm_close(struct agent_tpm *t)
{
    if (!t)
        return;
    while (t->flushes)
        Esys_FlushContext(t->esys, t->flush[--t->flushes]);
    while (t->closes)
        Esys_TR_Close(t->esys, &t->close[--t->closes]);
    Esys_Finalize(&t->esys);
    if (t->tcti)
        Tss2_TctiLdr_Finalize(&t->tcti);
    free(t);
}

bool agent_tpm_keep(struct agent_tpm *t, ESYS_TR object, struct fault *fault)
{
    if (t->flushes < AGENT_OBJECTS) {
        t->flush[t->flushes++] = object;
        return true;
    }
    Esys_FlushContext(t->esys, object);
    return fault_set(fault, FAULT_LIMIT, "more than %d objects in the TPM", AGENT_OBJECTS);
}

bool agent_tpm_has(struct agent_tpm *t, uint32_t handle)
{
    TPMS_CAPABILITY_DATA *data = NULL;
    TPMI_YES_NO more;
    bool found;

    if (Esys_GetCapability(t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_HANDLES, handle, 1, &more,
                           &data) != TSS2_RC_SUCCESS)
        return false;
    found = data->data.handles.count == 1 && data->data.handles.handle[0] == handle;
    Esys_Free(data);
    return found;
}

/* Piece by piece: one answer holds no more than a kilobyte or two. */
static bool read_index(struct agent_tpm *t, ESYS_TR index, const TPMS_NV_PUBLIC *public, struct writer *w,
                       struct fault *fault)
{
    enum { PIECE = 512 };
    ESYS_TR reader = public->attributes & TPMA_NV_OWNERREAD ? ESYS_TR_RH_OWNER : index;

    for (uint16_t at = 0; at < public->dataSize;) {
        uint16_t left = (uint16_t)(public->dataSize - at), n = left < PIECE ? left : PIECE;
        TPM2B_MAX_NV_BUFFER *piece = NULL;
        TSS2_RC rc = Esys_NV_Read(t->esys, reader, index, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, n, at, &piece);

        if (!agent_tpm_did(rc, "NV_Read", fault))
            return false;
        wr_put(w, bytes_make(piece->buffer, piece->size));
        at = (uint16_t)(at + piece->size);
        n = piece->size;
        Esys_Free(piece);
        if (n == 0)
            return fault_set(fault, FAULT_SYSTEM, "the TPM gives less of an NV index than it has");
    }
    return true;
}

bool agent_tpm_nv(struct agent_tpm *t, uint32_t index, struct arena *a, struct bytes *out, struct fault *fault)
{
    TPM2B_NV_PUBLIC *public = NULL;
    struct writer w = wr_open(a);
    ESYS_TR handle;
    TSS2_RC rc;
    bool ok;

    *out = BYTES_NONE;
    if (!agent_tpm_has(t, index))
        return true;
    rc = Esys_TR_FromTPMPublic(t->esys, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &handle);
    if (!agent_tpm_did(rc, "NV_ReadPublic", fault))
        return false;
    rc = Esys_NV_ReadPublic(t->esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &public, NULL);
    ok = agent_tpm_did(rc, "NV_ReadPublic", fault) && read_index(t, handle, &public->nvPublic, &w, fault);
    Esys_Free(public);
    Esys_TR_Close(t->esys, &handle);
    *out = wr_done(&w);
    return ok;
}

static bool define_index(struct agent_tpm *t, uint32_t index, size_t size, struct fault *fault)
{
    const TPM2B_NV_PUBLIC public = {
        .nvPublic = {.nvIndex = index,
                     .nameAlg = TPM2_ALG_SHA256,
                     .attributes = TPMA_NV_OWNERREAD | TPMA_NV_OWNERWRITE | TPMA_NV_AUTHREAD | TPMA_NV_NO_DA,
                     .dataSize = (UINT16)size}};
    const TPM2B_AUTH no_password = {0};
    ESYS_TR made;
    TSS2_RC rc = Esys_NV_DefineSpace(t->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                                     &no_password, &public, &made);

    if (!agent_tpm_did(rc, "NV_DefineSpace", fault))
        return false;
    Esys_TR_Close(t->esys, &made);
    return true;
}

bool agent_tpm_nv_write(struct agent_tpm *t, uint32_t index, struct bytes content, struct fault *fault)
{
    TPM2B_MAX_NV_BUFFER data = {.size = (UINT16)content.n};
    ESYS_TR handle;
    bool ok;

    if (content.n > sizeof data.buffer)
        return fault_set(fault, FAULT_LIMIT, "%zu bytes for an NV index", content.n);
    memcpy(data.buffer, content.p, content.n);
    if (!agent_tpm_has(t, index) && !define_index(t, index, content.n, fault))
        return false;
    if (!agent_tpm_did(Esys_TR_FromTPMPublic(t->esys, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &handle),
                       "NV_ReadPublic", fault))
        return false;
    ok = agent_tpm_did(
        Esys_NV_Write(t->esys, ESYS_TR_RH_OWNER, handle, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &data, 0),
        "NV_Write", fault);
    Esys_TR_Close(t->esys, &handle);
    return ok;
}

TPMI_ALG_HASH agent_hash_id(enum digest_alg alg)
{
    static const TPMI_ALG_HASH ids[] = {[DIGEST_SHA1] = TPM2_ALG_SHA1,
                                        [DIGEST_SHA256] = TPM2_ALG_SHA256,
                                        [DIGEST_SHA384] = TPM2_ALG_SHA384,
                                        [DIGEST_SHA512] = TPM2_ALG_SHA512};

    return ids[alg];
}

uint16_t agent_bank_id(enum digest_alg alg)
{
    return agent_hash_id(alg);
}

bool agent_pcrs_parse(struct bytes text, uint32_t *mask)
{
    struct reader r = rd_open(text);

    *mask = 0;
    for (;;) {
        uint64_t first = rd_decimal(&r, AGENT_PCRS - 1), last = first;

        if (r.n && *r.p == '-') {
            rd_skip(&r, 1);
            last = rd_decimal(&r, AGENT_PCRS - 1);
        }
        if (!rd_ok(&r) || first > last)
            return false;
        for (uint64_t i = first; i <= last; i++)
            *mask |= 1u << i;
        if (rd_end(&r))
            return true;
        if (rd_u8(&r) != ',')
            return false;
    }
}

bool agent_tpm_banks(struct agent_tpm *t, unsigned *set, struct fault *fault)
{
    TPMS_CAPABILITY_DATA *data = NULL;
    TPMI_YES_NO more;
    TSS2_RC rc =
        Esys_GetCapability(t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_PCRS, 0, 1, &more, &data);

    *set = 0;
    if (!agent_tpm_did(rc, "GetCapability", fault))
        return false;
    for (uint32_t i = 0; i < data->data.assignedPCR.count; i++) {
        const TPMS_PCR_SELECTION *s = &data->data.assignedPCR.pcrSelections[i];
        bool any = !bytes_all_zero(bytes_make(s->pcrSelect, s->sizeofSelect));

        for (enum digest_alg alg = DIGEST_SHA1; any && alg <= DIGEST_SHA512; alg++)
            if (agent_hash_id(alg) == s->hash)
                *set |= 1u << alg;
    }
    Esys_Free(data);
    return true;
}

void agent_select(const struct agent_bank *bank, TPMS_PCR_SELECTION *out)
{
    *out = (TPMS_PCR_SELECTION){.hash = agent_hash_id(bank->alg), .sizeofSelect = 3};
    for (size_t i = 0; i < 3; i++)
        out->pcrSelect[i] = (uint8_t)(bank->mask >> (8 * i));
}

/* Takes the values of one answer; returns which registers they are of. */
static uint32_t take_values(struct agent_bank *bank, const TPML_PCR_SELECTION *selected, const TPML_DIGEST *values)
{
    uint32_t mask = 0, taken = 0, n = 0;

    if (selected->count != 1)
        return 0;
    for (size_t i = 0; i < 3 && i < selected->pcrSelections[0].sizeofSelect; i++)
        mask |= (uint32_t)selected->pcrSelections[0].pcrSelect[i] << (8 * i);
    for (size_t i = 0; i < AGENT_PCRS && n < values->count; i++) {
        const TPM2B_DIGEST *v = &values->digests[n];

        if (!(mask >> i & 1) || v->size != digest_size(bank->alg))
            continue;
        memcpy(bank->value[i], v->buffer, v->size);
        taken |= 1u << i;
        n++;
    }
    return taken;
}

bool agent_tpm_read_pcrs(struct agent_tpm *t, struct agent_bank *bank, struct fault *fault)
{
    struct agent_bank rest = *bank;

    while (rest.mask) {
        TPML_PCR_SELECTION want = {.count = 1}, *got = NULL;
        TPML_DIGEST *values = NULL;
        uint32_t taken, counter;
        TSS2_RC rc;

        agent_select(&rest, &want.pcrSelections[0]);
        rc = Esys_PCR_Read(t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &want, &counter, &got, &values);
        if (!agent_tpm_did(rc, "PCR_Read", fault))
            return false;
        taken = take_values(bank, got, values) & rest.mask;
        Esys_Free(got);
        Esys_Free(values);
        if (!taken)
            return fault_set(fault, FAULT_USAGE, "the TPM keeps no registers of %zu bytes", digest_size(bank->alg));
        rest.mask &= ~taken;
    }
    return true;
}

bool agent_nonce(struct bytes nonce, TPM2B_DATA *out, struct fault *fault)
{
    *out = (TPM2B_DATA){.size = (UINT16)nonce.n};
    if (nonce.n > sizeof out->buffer)
        return fault_set(fault, FAULT_LIMIT, "%zu bytes: a TPM takes no more than %zu to sign along", nonce.n,
                         sizeof out->buffer);
    if (nonce.n)
        memcpy(out->buffer, nonce.p, nonce.n);
    return true;
}

bool agent_signature_write(struct arena *a, const TPMT_SIGNATURE *s, struct bytes *whole, struct bytes *raw,
                           struct fault *fault)
{
    uint8_t *p = arena_alloc(a, sizeof *s);
    size_t n = 0;

    *raw = BYTES_NONE;
    if (!agent_tpm_did(Tss2_MU_TPMT_SIGNATURE_Marshal(s, p, sizeof *s, &n), "its signature", fault))
        return false;
    *whole = bytes_make(p, n);
    if (s->sigAlg == TPM2_ALG_RSASSA || s->sigAlg == TPM2_ALG_RSAPSS)
        *raw = bytes_after(*whole, n - s->signature.rsassa.sig.size);
    return true;
}

/* Digest of the values as the TPM makes it: bank by bank, ascending, by the hash of the signature. */
static bool covers(const struct agent_quote *q, const TPM2B_ATTEST *quoted, const TPMT_SIGNATURE *s)
{
    struct bytes parts[AGENT_BANKS * AGENT_PCRS];
    uint8_t digest[DIGEST_MAX];
    TPMS_ATTEST attest;
    size_t n = 0, at = 0;

    if (Tss2_MU_TPMS_ATTEST_Unmarshal(quoted->attestationData, quoted->size, &at, &attest) != TSS2_RC_SUCCESS)
        return false;
    for (size_t b = 0; b < q->count; b++)
        for (size_t i = 0; i < AGENT_PCRS; i++)
            if (q->banks[b].mask >> i & 1)
                parts[n++] = bytes_make(q->banks[b].value[i], digest_size(q->banks[b].alg));
    for (enum digest_alg alg = DIGEST_SHA1; alg <= DIGEST_SHA512; alg++)
        if (agent_hash_id(alg) == s->signature.any.hashAlg) {
            digest_parts(alg, parts, n, digest);
            return bytes_equal(bytes_make(digest, digest_size(alg)), bytes_make(attest.attested.quote.pcrDigest.buffer,
                                                                                attest.attested.quote.pcrDigest.size));
        }
    return false;
}

static bool quote_once(struct agent_tpm *t, const struct agent_key *ak, const TPM2B_DATA *nonce, struct arena *a,
                       struct agent_quote *q, bool *changed, struct fault *fault)
{
    TPMT_SIG_SCHEME scheme = {.scheme = TPM2_ALG_NULL};
    TPML_PCR_SELECTION selection = {.count = (UINT32)q->count};
    TPMT_SIGNATURE *signature = NULL;
    TPM2B_ATTEST *quoted = NULL;
    TSS2_RC rc;
    bool ok;

    for (size_t i = 0; i < q->count; i++) {
        if (!agent_tpm_read_pcrs(t, &q->banks[i], fault))
            return false;
        agent_select(&q->banks[i], &selection.pcrSelections[i]);
    }
    rc = Esys_Quote(t->esys, ak->object, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, nonce, &scheme, &selection,
                    &quoted, &signature);
    if (!agent_tpm_did(rc, "Quote", fault))
        return false;
    *changed = !covers(q, quoted, signature);
    q->attest = arena_copy(a, bytes_make(quoted->attestationData, quoted->size));
    ok = agent_signature_write(a, signature, &q->signature, &q->raw_signature, fault);
    Esys_Free(quoted);
    Esys_Free(signature);
    return ok;
}

bool agent_tpm_quote(struct agent_tpm *t, const struct agent_key *ak, struct bytes nonce, struct arena *a,
                     struct agent_quote *q, struct fault *fault)
{
    enum { TRIES = 5 };
    bool changed = true;
    TPM2B_DATA data;

    if (!agent_nonce(nonce, &data, fault))
        return false;
    for (int i = 0; changed && i < TRIES; i++)
        if (!quote_once(t, ak, &data, a, q, &changed, fault))
            return false;
    return !changed ||
           fault_set(fault, FAULT_SYSTEM, "the TPM's registers change while they are quoted, %d times in a row", TRIES);
}
