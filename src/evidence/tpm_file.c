#include "evidence/tpm_file.h"

#include "base/text.h"
#include "evidence/parts/boot_facts.h"

/* What tpm2_quote and others write to files of their own. */
static const char bare[] = "a bare TPMS_ATTEST: give the object with quote, signature, pcrs, and aik_cert or aik_pub";

static const enum check_id required[] = {TPM_ATTESTATION_CHECKS, CHECK_END};

bool tpm_decode_file(struct exam *x, struct bytes file, struct bytes certificates, const struct bytes *nonce)
{
    struct tpm_file *e = ARENA_NEW(x->arena, struct tpm_file);
    struct fault fault = {0};
    const struct json *att;

    x->evidence = e;
    e->has_nonce = nonce != NULL;
    if (nonce)
        e->nonce = *nonce;
    if (!json_parse(x->arena, bytes_without_mark(bytes_trim_end(file)), NULL, &att, &fault)) {
        if (!check_that(x, TPM_ATTESTATION_SHAPE, false))
            check_note(x->trace, "%s",
                       bytes_begin(file, "\xff"
                                         "TCG")
                           ? bare
                           : fault.text);
        return false;
    }
    return tpm_attestation_decode_among(x, att, certificates, &e->attestation);
}

static uint32_t mask_of(const struct tpm_selection *s, uint16_t id)
{
    uint32_t mask = 0;

    for (size_t i = 0; i < s->count; i++)
        if (s->banks[i].id == id)
            mask |= s->banks[i].mask;
    return mask;
}

/* {"sha256": {"0": "<hex>"}}: the registers that the quote covers. */
static struct json *registers(struct arena *a, const struct tpm_quote *q)
{
    struct json *banks = json_new(a, JSON_OBJECT);

    for (size_t i = 0; i < q->attest.selection.count; i++) {
        struct event_bank bank = event_bank_of(q->attest.selection.banks[i].id);
        struct bytes name = bytes_text(event_bank_name(&bank));
        struct json *values = json_new(a, JSON_OBJECT);

        uint16_t id = q->attest.selection.banks[i].id;
        uint32_t mask = mask_of(&q->attest.selection, id);
        if (mask == 0 || json_member(banks, event_bank_name(&bank)))
            continue; /* nothing, or told already: a bank may stand there twice, its registers may not */
        for (unsigned n = 0; n < TPM_PCRS; n++)
            if (mask >> n & 1)
                json_set(values, bytes_text(arena_printf(a, "%u", n)),
                         json_new_text(a, hex_encode(a, tpm_pcrs_value(&q->pcrs, id, n))));
        json_set(banks, name, values);
    }
    return banks;
}

/* What policies of version 1.2 look into. */
static void policy_claims(struct exam *x, const struct tpm_attestation *t)
{
    const struct tpm_selection *selection = &t->quote.attest.selection;

    if (t->logs.count && t->has_bank)
        claims_text(&x->incoming, "events", boot_events_json(x->arena, &t->logs, t->bank, t->quoted), CLAIM_POLICY);
    claims_text(&x->incoming, "pcrs", boot_pcrs_json(x->arena, selection, &t->quote.pcrs),
                CLAIM_POLICY | CLAIM_READ_ONLY);
}

static bool verify(struct exam *x)
{
    struct tpm_file *e = x->evidence;

    if (!tpm_attestation_verify(x, &e->attestation, e->has_nonce ? &e->nonce : NULL, "no nonce was given"))
        return false;
    tpm_attestation_claims(x, &e->attestation);
    policy_claims(x, &e->attestation);
    claims_json(&x->incoming, "pcrs", registers(x->arena, &e->attestation.quote), CLAIM_TOKEN);
    return true;
}

/* A report, so that the properties of a policy for TPMs count here too. */
const struct attester tpm_file_attester = {
    .path = "", .type = "tpm", .required = required, .verify = verify, .is_report = true};
