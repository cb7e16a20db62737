/* What can be wrong with evidence of a simulated TPM, one thing at a time, and how it can harmlessly differ. */
#include "simulate/kinds.h"

enum {
    TPM = 1u << SIMULATE_TPM,
    REQUEST = 1u << SIMULATE_TPM_REQUEST,
    VBS = 1u << SIMULATE_VBS,
    GUEST = 1u << SIMULATE_AZURE_GUEST,
    CONFIDENTIAL = GUEST | SIMULATE_NEEDS_HARDWARE,
    ATTESTED = TPM | REQUEST | VBS, /* as an attestation object */
    ANY = ATTESTED | GUEST,
    ASKED = REQUEST | VBS,
    CERTIFIED = ASKED | GUEST,
};

const struct simulate_fault tpm_faults[] = {
    /* who vouches for the key */
    {"aik.shape", ANY, 0, "the last byte of the AK's certificate is missing"},
    {"aik.chain", ANY, 0, "the AK's certificate ends in a root that is not trusted"},
    {"aik.chain:issuer", ANY, 0, "the issuer of the AK's certificate is not at hand"},
    {"aik.signatures", ANY, 0, "a stranger signed the AK's certificate"},
    {"aik.signatures:authority", ANY, 0, "a stranger signed the certificate of the AK's authority"},
    {"aik.authority", ANY, 0, "the AK's authority is no CA"},
    {"aik.authority:key-usage", ANY, 0, "the key of the AK's authority may not sign certificates"},
    {"aik.authority:path-length", ANY, 0, "the root allows no authority below it"},
    {"aik.authority:critical", ANY, 0, "the AK's certificate has a critical extension nobody knows"},
    {"aik.role", ANY, 0, "the AK's certificate is for a client of TLS"},
    {"aik.role:none", ANY, 0, "the AK's certificate does not say what it is for"},
    {"aik.role:any", ANY, 0, "the AK's certificate is for anything"},
    {"aik.role:documents", ANY, 0, "the AK's certificate is for signing documents"},
    {"aik.role:issuer", ANY, 0, "the AK's authority may certify clients of TLS alone"},
    {"aik.validity", ANY, 0, "the AK's certificate has expired"},
    {"aik.validity:early", ANY, 0, "the AK's certificate is not valid yet"},
    {"aik.validity:authority-expired", ANY, 0, "the certificate of the AK's authority has expired"},
    {"aik.validity:authority-early", ANY, 0, "the certificate of the AK's authority is not valid yet"},
    {"aik.validity:root-expired", ANY, 0, "the root's certificate has expired"},
    {"aik.validity:root-early", ANY, 0, "the root's certificate is not valid yet"},
    {"aik.not_revoked", ANY, 0, "the AK's certificate is revoked"},
    {"aik.not_revoked:authority", ANY, 0, "the AK's authority is revoked"},
    {"aik.not_denied", ATTESTED, 0, "the operator denies this AK"},
    {"tpm.aik_key", ATTESTED, 0, "the key that was sent is not the one of the certificate"},
    /* quote and logs */
    {"tpm.attestation.shape", ATTESTED, 0, "the quote is no base64url"},
    {"tpm.quote.shape", ANY, 0, "the last byte of the quote is missing"},
    {"tpm.quote.magic", ANY, 0, "what was signed does not say that a TPM made it"},
    {"tpm.quote.type", ANY, 0, "what the TPM attests is no quote"},
    {"tpm.quote.signature_shape", ATTESTED, 0, "the last byte of the quote's signature is missing"},
    {"tpm.quote.signature", ANY, 0, "a stranger signed the quote"},
    {"tpm.quote.nonce", ANY, 0, "the quote was made for another nonce"},
    {"tpm.quote.selection", ANY, 0, "the quote selects a register twice"},
    {"tpm.quote.pcrs", ANY, 0, "the quote's digest is over other values"},
    {"tpm.required_pcrs", ATTESTED, 0, "the quote leaves a register out"},
    {"tpm.required_pcrs:bank", ATTESTED, 0, "the quote covers a register in the bank of SHA-1 alone"},
    {"boot.log.shape", ANY, 0, "the last byte of the boot log is missing"},
    {"boot.log.replay", ANY, 0, "the boot log leaves an event out"},
    {"boot.log.replay:changed", ANY, 0, "the boot log has another digest than the TPM was given"},
    {"boot.log.replay:twice", ANY, 0, "the boot log tells an event twice"},
    {"boot.log.replay:none", REQUEST, 2, "no log was sent of a machine that was booted"},
    {"boot.log.replay:untold", ATTESTED, 0, "a register of which no log tells is not as after a reset"},
    {"boot.log.separator", ANY, 0, "a register of Windows was closed twice"},
    {"boot.log.separator:label", ANY, 0, "the separator of PCR 7 is called an action"},
    {"boot.log.separator:called", ANY, 0, "an event of Windows is called a separator"},
    {"boot.log.data", ANY, 0, "an event of Windows is called another thing"},
    {"boot.log.data:changed", ANY, 0, "the data of an event of Windows are not those that were measured"},
    {0},
};

/* A key that the TPM certifies. */
const struct simulate_fault certify_faults[] = {
    {"tpm.certify.shape", CERTIFIED, 0, "the last byte of the certification is missing"},
    {"tpm.certify.magic", CERTIFIED, 0, "what was signed does not say that a TPM made it"},
    {"tpm.certify.type", CERTIFIED, 0, "what the TPM attests is no certification"},
    {"tpm.certify.signature_shape", ASKED, 0, "the last byte of the certification's signature is missing"},
    {"tpm.certify.signature", CERTIFIED, 0, "a stranger signed the certification"},
    {"tpm.certify.nonce", CERTIFIED, 0, "the certification was made for another nonce"},
    {"tpm.certify.name", CERTIFIED, 0, "another key is certified"},
    {0},
};

const struct simulate_fault request_faults[] = {
    /* requests to /attest/Tpm */
    {"attreq.message", ASKED, 0, "the message is neither a request nor asks for a challenge"},
    {"attreq.jws", ASKED, 0, "the request is signed with RS256, by its header"},
    {"attreq.payload", ASKED, 0, "the payload has no challenge"},
    {"attreq.key_info", ASKED, 2, "the request key is not tied to the TPM"},
    {"attreq.context", ASKED, 0, "the service context was changed"},
    {"attreq.context.fresh", ASKED, 0, "the challenge is an hour old"},
    {"attreq.challenge", ASKED, 0, "the request answers another challenge"},
    {"attreq.signature", ASKED, 0, "something else was signed with the request key"},
    {"attreq.claims", ASKED, 1, "the last byte of the platform claim is missing"},
    {"attreq.key", ASKED, 2, "the TPM certified another key than the request key"},
    {"attreq.boot.key", REQUEST, 2, "another machine's boot is attested"},
    {"attreq.boot.registers", REQUEST, 2, "another system's boot is attested"},
    {"attreq.boot.clock", REQUEST, 2, "the boot was attested after the present state"},
    {"attreq.boot.clock:reset", REQUEST, 2, "the TPM was reset since the boot was attested"},
    {"attreq.boot.clock:restart", REQUEST, 2, "the boot that is attested was restarted later"},
    {"tpm.quote.nonce:key", ASKED, 2, "the quote is tied to another request key"},
    /* reports of enclaves */
    {"vbs.report.shape", VBS, 0, "the last byte of the enclave's report is missing"},
    {"vbs.identity_key", VBS, 0, "the log does not name the key that signs reports of enclaves"},
    {"vbs.identity_key:other-system", VBS, 0,
     "the key was measured by a system that Windows' certificates did not start"},
    {"vbs.identity_key:secure-boot-off", VBS, 0, "the key was measured where Secure Boot let anything start"},
    {"vbs.signature", VBS, 0, "something else was signed with the key of enclaves' reports"},
    {"vbs.enclave_data", VBS, 0, "the enclave vouches for another request"},
    {0},
};

const struct simulate_fault guest_faults[] = {
    {"guest.request", GUEST, 0, "the protocol has version 3.0"},
    {"guest.aik.shape", GUEST, 0, "the last byte of the AK's public area is missing"},
    {"guest.aik.certificate", GUEST, 0, "the certificate is of another key than the AK"},
    {"guest.aik.hardware", CONFIDENTIAL, 0, "the paravisor vouches for another key than the AK"},
    {"guest.paravisor", CONFIDENTIAL, 0, "the paravisor is not one that counts, and nobody certified the AK"},
    {"guest.paravisor:trusted-launch", CONFIDENTIAL, 0,
     "the paravisor is not one that counts, and the AK is certified as a Trusted Launch machine's"},
    {"guest.pcr_set", GUEST, 0, "the quote is over a register more than PcrSet names"},
    {"guest.key.attributes", GUEST, 0, "the ephemeral key can be used without its policy"},
    {"guest.key.attributes:exportable", GUEST, 0, "the ephemeral key is not fixed to its TPM"},
    {"guest.key.attributes:parent", GUEST, 0, "the ephemeral key is not fixed to its parent"},
    {"guest.key.attributes:imported", GUEST, 0, "the ephemeral key was made elsewhere"},
    {"guest.key.attributes:signs", GUEST, 0, "the ephemeral key signs too"},
    {"guest.key.attributes:no-decryption", GUEST, 0, "the ephemeral key does not decrypt"},
    {"guest.key.policy", GUEST, 0, "the policy of the ephemeral key leaves a register out"},
    {"hcl.claims", CONFIDENTIAL, 0, "the runtime claims have no list of keys"},
    {"hcl.binding", CONFIDENTIAL, 0, "the hardware report has the hash of other runtime claims"},
    {"hcl.tail", CONFIDENTIAL, 0, "the second half of the report data is not zero"},
    {0},
};

/* Harmless ways in which evidence differs in the world (tpm-vbs.md 2, 3; all must be accepted). */
const char *const tpm_variations[] = {"secure-boot-off", "locality-3",  "sha1-bank", "all-banks",
                                      "without-ima",     "issuer-sent", NULL};
const char *const request_variations[] = {"secure-boot-off", "without-ima", "all-banks", "certified-key",
                                          "other-key",       "slept",       NULL};
const char *const guest_variations[] = {"secure-boot-off", "certificate-padded", "without-certificate",
                                        "paravisor-unknown", NULL};
