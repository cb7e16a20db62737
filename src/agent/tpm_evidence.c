/* What evidence with a TPM has in common: which registers, which certificate. */
#include "agent/attesting.h"
#include "base/limits.h"
#include "crypto/der.h"
#include "crypto/x509.h"

enum { ALL_PCRS = (1 << AGENT_PCRS) - 1 };

bool attesting_banks(struct attesting *x, struct agent_tpm *t, uint32_t usual, struct agent_quote *q)
{
    static const enum digest_alg best[] = {DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512, DIGEST_SHA1};
    unsigned kept, wanted = x->machine->banks;

    q->count = 0;
    if (!agent_tpm_banks(t, &kept, x->fault))
        return false;
    for (size_t i = 0; !wanted && i < sizeof best / sizeof *best; i++)
        wanted = kept & 1u << best[i];
    if (!wanted)
        return fault_set(x->fault, FAULT_USAGE, "the TPM keeps no registers of a digest that is known here");
    for (enum digest_alg alg = DIGEST_SHA1; alg <= DIGEST_SHA512; alg++) {
        if (!(wanted >> alg & 1))
            continue;
        if (!(kept >> alg & 1))
            return fault_set(x->fault, FAULT_USAGE, "the TPM keeps no registers of %zu bytes", digest_size(alg));
        q->banks[q->count++] =
            (struct agent_bank){.alg = alg, .mask = (x->machine->pcrs ? x->machine->pcrs : usual) & ALL_PCRS};
    }
    return true;
}

/* Of an index that is longer than the certificate (snp-cvm.md 3.1). */
static struct bytes without_padding(struct bytes content)
{
    struct reader r = rd_open(content);
    struct bytes der = der_take_whole(&r, DER_SEQUENCE);

    return r.failed ? BYTES_NONE : der;
}

static bool is_of_key(const struct certificate *c, const struct agent_key *ak)
{
    struct bytes point = c->key.point;

    if (ak->is_rsa)
        return c->key.kind == KEY_RSA && bytes_equal(c->key.modulus, ak->modulus);
    return point.n == ak->x.n + ak->y.n && bytes_equal(bytes_first(point, ak->x.n), ak->x) &&
           bytes_equal(bytes_after(point, ak->x.n), ak->y);
}

bool attesting_ak_certificate(struct attesting *x, struct agent_tpm *t, const struct agent_key *ak, struct bytes *der)
{
    bool given = x->machine->ak_certificate.n != 0;
    struct bytes text = x->machine->ak_certificate;
    const struct certificate *c;
    struct fault fault = {0};
    size_t count;

    *der = BYTES_NONE;
    if (!given) {
        if (!agent_tpm_nv(t, AGENT_NV_AK_CERTIFICATE, x->a, &text, x->fault))
            return false;
        text = without_padding(text);
    }
    if (!text.n)
        return true;
    if (!certificates_decode(x->a, text, &c, &count, &fault) || !is_of_key(c, ak))
        return !given ||
               fault_set(x->fault, FAULT_USAGE, "the certificate that was given is not one of the attestation key%s%s",
                         fault.code ? ": " : "", fault.text);
    *der = c->der;
    return true;
}
