#include "simulate/tpm_platform.h"

#include "base/text.h"
#include "simulate/boot_log.h"
#include "simulate/kinds.h"
#include "simulate/tpm_marshal.h"

enum { NUMBER_IDKS = 64, DIGEST_TYPES = SIMULATED_BANKS };

bool tpm_platform_fault(const struct tpm_platform *p, const char *name)
{
    return p->options->fault && strcmp(p->options->fault, name) == 0;
}

bool tpm_platform_varies(const struct tpm_platform *p, const char *variation)
{
    return p->options->variation && strcmp(p->options->variation, variation) == 0;
}

bool tpm_platform_fail(struct tpm_platform *p, const char *what)
{
    if (!p->failed)
        fault_set(p->fault, FAULT_CRYPTO, "libcrypto could not make %s", what);
    p->failed = true;
    return false;
}

bool tpm_platform_open(struct tpm_platform *p, struct arena *a, struct simulated *s, struct fault *fault)
{
    *p = (struct tpm_platform){.arena = a, .options = &s->options, .now = s->time, .fault = fault};
    p->windows = !p->options->os || strcmp(p->options->os, "windows") == 0;
    if (!simulated_seed(p->options->seed, p->seed, fault))
        return false;
    for (unsigned i = 0; i < AIK_KEY_TOTAL; i++)
        if (!(p->key[i] = key_derive(KEY_P256, BYTES_OF(p->seed), i)))
            return tpm_platform_fail(p, "a key");
    return simulated_tpm_open(&p->tpm, a, p->options, BYTES_OF(p->seed), fault) &&
           p->tpm.driver->make_key(&p->tpm, TPM_KEY_AK, BYTES_NONE, fault);
}

void tpm_platform_close(struct tpm_platform *p)
{
    for (int i = 0; i < AIK_KEY_TOTAL; i++)
        EVP_PKEY_free(p->key[i]);
    EVP_PKEY_free(p->idks);
    if (p->tpm.driver)
        p->tpm.driver->close(&p->tpm);
    secret_wipe(p->seed, sizeof p->seed);
}

EVP_PKEY *tpm_platform_idks(struct tpm_platform *p)
{
    if (!p->idks)
        p->idks = rsa_derive(BYTES_OF(p->seed), NUMBER_IDKS, p->options->seed != 0);
    if (!p->idks)
        tpm_platform_fail(p, "the key of enclaves' reports");
    return p->idks;
}

bool tpm_platform_boot(struct tpm_platform *p)
{
    struct boot_log l;
    struct bytes modulus = BYTES_NONE;

    if (p->enclave && !(tpm_platform_idks(p) && rsa_modulus(p->arena, p->idks, &modulus)))
        return tpm_platform_fail(p, "the key of enclaves' reports");
    boot_log_open(&l, &p->tpm, p->fault);
    boot_log_firmware(&l, p->windows ? "\\EFI\\Microsoft\\Boot\\bootmgfw.efi" : "\\EFI\\simulated\\shimx64.efi",
                      p->windows && !tpm_platform_fault(p, "vbs.identity_key:other-system") ? BOOT_AUTHORITY_WINDOWS
                                                                                            : BOOT_AUTHORITY_OTHERS);
    if (p->windows)
        boot_log_windows(&l, modulus);
    else
        boot_log_linux(&l);
    boot_log_exit(&l);
    p->log = wr_done(&l.w);
    p->failed |= l.failed;
    return !p->failed && (p->windows || p->without_list || tpm_platform_varies(p, "without-ima") ||
                          simulated_ima_list(&p->tpm, &p->list, p->fault));
}

struct simulated_selection tpm_platform_selection(const struct tpm_platform *p)
{
    if (tpm_platform_varies(p, "sha1-bank"))
        return (struct simulated_selection){{ALL_PCRS, 0, 0}};
    if (tpm_platform_varies(p, "all-banks"))
        return (struct simulated_selection){{ALL_PCRS, ALL_PCRS, ALL_PCRS}};
    if (tpm_platform_fault(p, "tpm.required_pcrs"))
        return (struct simulated_selection){{0, ALL_PCRS >> 1, 0}};
    if (tpm_platform_fault(p, "tpm.required_pcrs:bank"))
        return (struct simulated_selection){{ALL_PCRS, ALL_PCRS >> 1, 0}};
    return (struct simulated_selection){{0, ALL_PCRS, 0}};
}

void wr_encoded(struct writer *w, const char *name, struct bytes data)
{
    wr_printf(w, "\"%s\":\"", name);
    wr_base64url(w, data);
    wr_text(w, "\"");
}

static void wr_log(struct writer *w, const char *type, struct bytes log)
{
    wr_printf(w, "{\"type\":\"%s\",", type);
    wr_encoded(w, "log", log);
    wr_text(w, "}");
}

static void wr_logs(struct tpm_platform *p, struct writer *w)
{
    wr_text(w, "\"logs\":[");
    wr_log(w, "TCG", p->log);
    if (p->list.n) {
        wr_text(w, ",");
        wr_log(w, "IMA", p->list);
    }
    wr_text(w, "],");
}

/* Registers in the order of the quote. */
static bool wr_pcrs(struct tpm_platform *p, struct writer *w, const struct simulated_selection *s)
{
    const char *between = "";

    wr_text(w, "\"pcrs\":[");
    for (int bank = 0; bank < SIMULATED_BANKS; bank++) {
        const char *comma = "";

        if (!s->mask[bank])
            continue;
        wr_printf(w, "%s{\"algorithm\":%u,\"values\":[", between, simulated_bank_ids[bank]);
        for (unsigned pcr = 0; pcr < SIMULATED_PCRS; pcr++) {
            struct bytes value;

            if (!(s->mask[bank] & 1u << pcr))
                continue;
            if (!p->tpm.driver->read(&p->tpm, bank, pcr, &value, p->fault))
                return false;
            wr_printf(w, "%s{\"index\":%u,", comma, pcr);
            wr_encoded(w, "digest", value);
            wr_text(w, "}");
            comma = ",";
        }
        wr_text(w, "]}");
        between = ",";
    }
    wr_text(w, "],");
    return true;
}

/* The AK, or the key of somebody else. */
static struct bytes sent_key(struct tpm_platform *p)
{
    struct simulated_tpm other = p->tpm;

    if (!tpm_platform_fault(p, "tpm.aik_key"))
        return simulated_tpm_jwk(&p->tpm, TPM_KEY_AK);
    if (!public_key_from_point(key_point(p->arena, p->key[AIK_KEY_FORGER]), &other.public[TPM_KEY_AK].key))
        tpm_platform_fail(p, "a key");
    return simulated_tpm_jwk(&other, TPM_KEY_AK);
}

bool tpm_attestation(struct tpm_platform *p, struct bytes nonce, struct bytes *json)
{
    struct simulated_selection s = tpm_platform_selection(p);
    struct writer w = wr_open(p->arena);
    struct simulated_attest quote;

    wr_text(&w, "{");
    if (!tpm_platform_fault(p, "boot.log.replay:none"))
        wr_logs(p, &w);
    if (!tpm_platform_varies(p, "without-certificate")) {
        wr_encoded(&w, "aik_cert", p->leaf);
        wr_text(&w, ",");
    }
    wr_text(&w, "\"aik_pub\":");
    wr_put(&w, sent_key(p));
    wr_text(&w, ",");
    if (!wr_pcrs(p, &w, &s) || !p->tpm.driver->quote(&p->tpm, &s, nonce, &quote, p->fault))
        return false;
    if (tpm_platform_fault(p, "tpm.attestation.shape"))
        wr_text(&w, "\"quote\":\"!\"");
    else
        wr_encoded(&w, "quote", quote.attest);
    wr_text(&w, ",");
    wr_encoded(&w, "signature", quote.signature);
    wr_text(&w, "}");
    *json = wr_done(&w);
    return true;
}
