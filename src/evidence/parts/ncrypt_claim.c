#include "evidence/parts/ncrypt_claim.h"

#include "base/text.h"
#include "evidence/parts/tpm.h"

enum { NCRYPT_MAGIC = 0x54504c41 /* "ALPT" */ };

bool ncrypt_claim_read(struct bytes text, struct ncrypt_claim *out, struct fault *fault)
{
    struct reader r = rd_open(text);
    uint32_t magic = rd_u32le(&r), version = rd_u32le(&r), bank = rd_u32le(&r);
    uint32_t signature = rd_u32le(&r), quote = rd_u32le(&r), pcrs = rd_u32le(&r);
    enum digest_alg alg;

    *out = (struct ncrypt_claim){.bank = (uint16_t)bank};
    out->signature = rd_take(&r, signature);
    out->quote = rd_take(&r, quote);
    out->pcrs = rd_take(&r, pcrs);
    if (!rd_end(&r))
        return fault_set(fault, FAULT_SYNTAX, "the lengths in a platform claim do not agree with its bytes");
    if (magic != NCRYPT_MAGIC || version != 0)
        return fault_set(fault, FAULT_SYNTAX, "no platform claim of Windows (ALPT), or of a version other than 0");
    if (bank > UINT16_MAX || !tpm_alg_digest(out->bank, &alg) || out->pcrs.n != TPM_PCRS * digest_size(alg))
        return fault_set(fault, FAULT_SYNTAX, "a platform claim without the 24 registers of a bank that is known here");
    out->pcr_size = digest_size(alg);
    return true;
}

static struct json *registers(struct arena *a, const struct ncrypt_claim *c)
{
    struct json *values = json_new(a, JSON_ARRAY);

    for (int i = 0; i < TPM_PCRS; i++) {
        struct json *value = json_new(a, JSON_OBJECT);
        struct bytes digest = bytes_first(bytes_after(c->pcrs, (size_t)i * c->pcr_size), c->pcr_size);

        JSON_SET(value, "index", json_new_integer(a, i));
        JSON_SET(value, "digest", json_new_text(a, base64url_encode(a, digest)));
        json_append(values, value);
    }
    return values;
}

void ncrypt_claim_attestation(struct arena *a, const struct ncrypt_claim *c, struct json *attestation)
{
    struct json *banks = json_new(a, JSON_ARRAY), *bank = json_new(a, JSON_OBJECT);

    JSON_SET(bank, "algorithm", json_new_integer(a, c->bank));
    JSON_SET(bank, "values", registers(a, c));
    json_append(banks, bank);
    JSON_SET(attestation, "pcrs", banks);
    JSON_SET(attestation, "quote", json_new_text(a, base64url_encode(a, c->quote)));
    JSON_SET(attestation, "signature", json_new_text(a, base64url_encode(a, c->signature)));
}
