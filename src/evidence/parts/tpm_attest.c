/* What a TPM attests, and registers. */
#include "evidence/parts/tpm_mu.h"

static bool read_name(struct arena *a, struct bytes text, size_t *offset, struct bytes *out)
{
    TPM2B_NAME name = {0};
    bool ok = Tss2_MU_TPM2B_NAME_Unmarshal(text.p, text.n, offset, &name) == TSS2_RC_SUCCESS;

    *out = arena_copy(a, bytes_make(name.name, ok ? name.size : 0));
    return ok;
}

static bool read_extra_data(struct arena *a, struct bytes text, size_t *offset, struct bytes *out)
{
    TPM2B_DATA data = {0};
    bool ok = Tss2_MU_TPM2B_DATA_Unmarshal(text.p, text.n, offset, &data) == TSS2_RC_SUCCESS;

    *out = arena_copy(a, bytes_make(data.buffer, ok ? data.size : 0));
    return ok;
}

/* All but what the type decides. */
static bool read_head(struct arena *a, struct bytes text, size_t *offset, struct tpm_attest *out)
{
    TPMS_CLOCK_INFO clock = {0};

    if (Tss2_MU_UINT32_Unmarshal(text.p, text.n, offset, &out->magic) != TSS2_RC_SUCCESS ||
        Tss2_MU_UINT16_Unmarshal(text.p, text.n, offset, &out->type) != TSS2_RC_SUCCESS ||
        !read_name(a, text, offset, &out->signer) || !read_extra_data(a, text, offset, &out->extra_data) ||
        Tss2_MU_TPMS_CLOCK_INFO_Unmarshal(text.p, text.n, offset, &clock) != TSS2_RC_SUCCESS ||
        Tss2_MU_UINT64_Unmarshal(text.p, text.n, offset, &out->firmware_version) != TSS2_RC_SUCCESS)
        return false;
    out->clock = clock.clock;
    out->reset_count = clock.resetCount;
    out->restart_count = clock.restartCount;
    out->safe = clock.safe == TPM2_YES;
    return clock.safe == TPM2_YES || clock.safe == TPM2_NO;
}

static uint32_t mask_of(const TPMS_PCR_SELECTION *s)
{
    uint32_t mask = 0;

    for (size_t i = 0; i < s->sizeofSelect; i++) /* of which the library lets pass four at most */
        mask |= (uint32_t)s->pcrSelect[i] << (8 * i);
    return mask;
}

static bool read_quote(struct arena *a, struct bytes text, size_t *offset, struct tpm_attest *out, struct fault *fault)
{
    TPMS_QUOTE_INFO in = {0};

    if (Tss2_MU_TPMS_QUOTE_INFO_Unmarshal(text.p, text.n, offset, &in) != TSS2_RC_SUCCESS)
        return fault_set(fault, FAULT_SYNTAX, "the part of a quote that tells registers is broken");
    if (in.pcrSelect.count > TPM_BANKS)
        return fault_set(fault, FAULT_LIMIT, "registers of more than %d banks", TPM_BANKS);
    for (size_t i = 0; i < in.pcrSelect.count; i++) {
        out->selection.banks[i].id = in.pcrSelect.pcrSelections[i].hash;
        out->selection.banks[i].mask = mask_of(&in.pcrSelect.pcrSelections[i]);
    }
    out->selection.count = in.pcrSelect.count;
    out->pcr_digest = arena_copy(a, bytes_make(in.pcrDigest.buffer, in.pcrDigest.size));
    return true;
}

bool tpm_attest_read(struct arena *a, struct bytes text, struct tpm_attest *out, struct fault *fault)
{
    size_t offset = 0;

    *out = (struct tpm_attest){.bytes = text};
    if (!text.n || !read_head(a, text, &offset, out))
        return fault_set(fault, FAULT_SYNTAX, "not what a TPM attests");
    if (out->type == TPM_ATTEST_QUOTE) {
        if (!read_quote(a, text, &offset, out, fault))
            return false;
    } else if (out->type == TPM_ATTEST_CERTIFY) {
        if (!read_name(a, text, &offset, &out->name) || !read_name(a, text, &offset, &out->qualified_name))
            return fault_set(fault, FAULT_SYNTAX, "the part of a certification that tells names is broken");
    } else
        return true;
    return offset == text.n || fault_set(fault, FAULT_SYNTAX, "%zu bytes behind what a TPM attests", text.n - offset);
}

bool tpm_selection_twice(const struct tpm_selection *s)
{
    for (size_t i = 0; i < s->count; i++)
        for (size_t k = 0; k < i; k++)
            if (s->banks[i].id == s->banks[k].id && s->banks[i].mask & s->banks[k].mask)
                return true;
    return false;
}

/* Of all banks that bear the id, the first value. */
struct bytes tpm_pcrs_value(const struct tpm_pcrs *pcrs, uint16_t id, unsigned index)
{
    for (size_t i = 0; i < pcrs->count; i++)
        if (pcrs->banks[i].id == id && index < TPM_PCRS && pcrs->banks[i].value[index].n)
            return pcrs->banks[i].value[index];
    return BYTES_NONE;
}

bool tpm_pcrs_digest(const struct tpm_pcrs *pcrs, const struct tpm_selection *selection, enum digest_alg hash,
                     uint8_t out[DIGEST_MAX])
{
    struct digest_stream d;
    bool all = true;

    digest_begin(&d, hash);
    for (size_t b = 0; b < selection->count; b++)
        for (unsigned i = 0; i < 32; i++) {
            struct bytes value;

            if (!(selection->banks[b].mask >> i & 1))
                continue;
            value = tpm_pcrs_value(pcrs, selection->banks[b].id, i);
            /* The size tells where one value ends and the next begins; the digest does not. */
            all &= value.n != 0 && value.n == tpm_alg_size(selection->banks[b].id);
            digest_add(&d, value);
        }
    digest_end(&d, out);
    return all;
}
