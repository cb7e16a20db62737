/* What can be wrong with evidence of a simulated TPM, one thing at a time, and how it can harmlessly differ. */
#include "simulate/kinds.h"

enum { TPM = 1u << SIMULATE_TPM, LINUX = TPM | SIMULATE_NEEDS_LINUX };

const struct simulate_fault tpm_faults[] = {
    {"tpm.quote.shape", TPM, 0, "the last byte of the quote is missing"},
    {"tpm.quote.magic", TPM, 0, "what was signed does not say that a TPM made it"},
    {"tpm.quote.type", TPM, 0, "what the TPM attests is no quote"},
    {"tpm.quote.signature_shape", TPM, 0, "the last byte of the quote's signature is missing"},
    {"tpm.quote.signature", TPM, 0, "a stranger signed the quote"},
    {"tpm.quote.nonce", TPM, 0, "the quote was made for another nonce"},
    {"tpm.quote.selection", TPM, 0, "the quote selects a register twice"},
    {"tpm.quote.pcrs", TPM, 0, "the quote's digest is over other values"},
    {"aik.shape", TPM, 0, "the last byte of the AK's certificate is missing"},
    {"aik.chain", TPM, 0, "the AK's certificate ends in a root that is not trusted"},
    {"aik.chain:issuer", TPM, 0, "the issuer of the AK's certificate is not at hand"},
    {"aik.signatures", TPM, 0, "a stranger signed the AK's certificate"},
    {"aik.signatures:authority", TPM, 0, "a stranger signed the certificate of the AK's authority"},
    {"aik.authority", TPM, 0, "the AK's authority is no CA"},
    {"aik.authority:key-usage", TPM, 0, "the key of the AK's authority may not sign certificates"},
    {"aik.authority:path-length", TPM, 0, "the root allows no authority below it"},
    {"aik.authority:critical", TPM, 0, "the AK's certificate has a critical extension nobody knows"},
    {"aik.role", TPM, 0, "the AK's certificate is for a client of TLS"},
    {"aik.role:none", TPM, 0, "the AK's certificate is for anything"},
    {"aik.validity", TPM, 0, "the AK's certificate has expired"},
    {"aik.validity:early", TPM, 0, "the AK's certificate is not valid yet"},
    {"aik.validity:authority-expired", TPM, 0, "the certificate of the AK's authority has expired"},
    {"aik.validity:authority-early", TPM, 0, "the certificate of the AK's authority is not valid yet"},
    {"boot.log.shape", TPM, 0, "the last byte of the boot log is missing"},
    {"boot.log.replay", TPM, 0, "the boot log leaves an event out"},
    {"boot.log.replay:changed", TPM, 0, "the boot log has another digest than the TPM was given"},
    {"boot.log.replay:twice", TPM, 0, "the boot log tells an event twice"},
    {"boot.log.replay:untold", TPM, 0, "a register of which no log tells is not as after a reset"},
    {"boot.log.separator", TPM, 0, "a register of Windows was closed twice"},
    {"boot.log.separator:label", TPM, 0, "the separator of PCR 7 is called an action"},
    {"boot.log.separator:called", TPM, 0, "an event of Windows is called a separator"},
    {"boot.log.data", TPM, 0, "an event of Windows is called another thing"},
    {"boot.log.data:changed", TPM, 0, "the data of an event of Windows are not those that were measured"},
    {0},
};

/* Harmless ways in which evidence differs in the world (tpm-vbs.md 2, 3; all must be accepted). */
const char *const tpm_variations[] = {"secure-boot-off", "locality-3", "sha1-bank", "all-banks", "without-ima", NULL};
