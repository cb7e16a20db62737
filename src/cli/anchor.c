#include "cli/anchor.h"

#include "cli/input.h"
#include "crypto/pem.h"
#include "endorsement/tpm/tpm.h"
#include "evidence/parts/tpm.h"
#include "simulate/simulate.h"

static bool read_certificates(struct arena *a, struct bytes text, struct anchor_file *out, struct fault *fault)
{
    const struct certificate *c;

    if (!tpm_certificates_decode(a, text, &c, fault)) /* of TPMs too, with zeros behind them */
        return false;
    for (; c; c = c->next) {
        memcpy(out->spki[out->count], c->spki_digest, SHA256_SIZE);
        out->simulated[out->count++] = simulated_certificate(c);
    }
    return true;
}

bool anchor_read(const struct cli *cli, const char *option, const char *path, struct anchor_file *out)
{
    struct arena *a = cli->arena;
    struct tpm_public area;
    struct public_key key;
    struct fault fault = {0};
    struct pem_block block;
    struct bytes text, der;
    bool found;

    *out = (struct anchor_file){0};
    if (!input_file(a, path, LIMIT_TOOL_FILE, &text, &fault)) {
        cli_error(cli, "%s %s", option, fault.text);
        return false;
    }
    if (read_certificates(a, text, out, &fault))
        return true;
    der = text;
    if (pem_next(a, &text, &block, &found) && found)
        der = block.der;
    /* As tools for TPMs write it, too. */
    if (tpm_public_read(a, text, &area, NULL))
        der = public_key_spki(a, &area.key);
    if (!public_key_decode(a, der, &key)) {
        cli_misuse(cli, "%s %s: neither a certificate nor a public key (%s)", option, path, fault.text);
        return false;
    }
    sha256(der, out->spki[0]);
    out->count = 1;
    return true;
}
