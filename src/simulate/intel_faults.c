/* What can be wrong with simulated evidence of Intel's kinds, one thing at a time, and how it can harmlessly differ. */
#include "simulate/kinds.h"
#include "simulate/platform.h"

enum {
    QUOTE = 1u << SIMULATE_SGX,
    REPORT = 1u << SIMULATE_OE_REPORT,
    CLAIMS = 1u << SIMULATE_OE_EVIDENCE,
    PLAIN = QUOTE | REPORT, /* bound to runtime data, with nothing behind the quote */
    TD = 1u << SIMULATE_TDX,
    BOTH = PLAIN | TD, /* the same, of enclaves and trust domains */
    SGX = PLAIN | CLAIMS,
    ANY = SGX | TD
};

const struct simulate_fault intel_faults[] = {
    /* the quote's bytes */
    {"sgx.quote.version", BOTH, 0, "an EPID quote of version 2"},
    {"sgx.quote.version:epid", PLAIN, 3, "an EPID quote of version 3"},
    {"sgx.quote.version:future", BOTH, 0, "a quote of version 6"},
    {"sgx.quote.shape", BOTH, 0, "the last byte is missing"},
    {"sgx.quote.shape:signature-length", ANY, 0, "the signature data claims more bytes than there are"},
    {"sgx.quote.shape:signature-short", ANY, 0, "the signature data claims one byte less than its parts"},
    {"sgx.quote.shape:auth-length", ANY, 0, "the QE authentication data claims more bytes than there are"},
    {"sgx.quote.shape:certification-length", ANY, 0, "the certification data claims more bytes than there are"},
    {"sgx.quote.shape:outer-type", ANY, 4, "the outer certification data is not of type 6"},
    {"sgx.quote.shape:body-size", ANY, 5, "the body claims another size than its type has"},
    {"sgx.quote.shape:body-type", ANY, 5, "the body claims to be of another TEE"},
    {"sgx.quote.key_type", ANY, 0, "the attestation key claims to be ECDSA on P-384"},
    {"sgx.quote.tee", SGX, 4, "the quote claims to be of TDX"},
    {"tdx.quote.tee", TD, 4, "the quote claims to be of SGX"},
    {"sgx.quote.vendor", ANY, 0, "the quoting enclave is of an unknown vendor"},
    {"sgx.quote.certification", ANY, 0, "the quote holds the PCK certificate alone"},
    /* the PCK certificate chain */
    {"intel.pck.shape", ANY, 0, "the PCK certificate has no SGX extension"},
    {"intel.pck.shape:no-pem", ANY, 0, "the certification data is no PEM"},
    {"intel.pck.shape:two-certificates", ANY, 0, "the root is missing"},
    {"intel.pck.shape:four-certificates", ANY, 0, "a certificate follows the root"},
    {"intel.pck.shape:fmspc-size", ANY, 0, "the FMSPC has five bytes"},
    {"intel.pck.shape:component-missing", ANY, 0, "TCB component 16 is missing"},
    {"intel.pck.shape:component-twice", ANY, 0, "TCB component 1 is there twice"},
    {"intel.pck.shape:component-range", ANY, 0, "TCB component 1 is 256"},
    {"intel.pck.shape:excess-zero", ANY, 0, "an INTEGER has a zero too many"},
    {"intel.pck.anchor", ANY, 0, "the platform's certificates end in a root that is not trusted"},
    {"intel.pck.signatures", ANY, 0, "a stranger signed the PCK certificate"},
    {"intel.pck.signatures:authority", ANY, 0, "a stranger signed the PCK authority's certificate"},
    {"intel.pck.signatures:root", ANY, 0, "a stranger signed the root's certificate"},
    {"intel.pck.names", ANY, 0, "the PCK certificate names another issuer"},
    {"intel.pck.names:authority", ANY, 0, "the PCK authority's certificate names another issuer"},
    {"intel.pck.names:root", ANY, 0, "the root's certificate names another issuer"},
    {"intel.pck.authority", ANY, 0, "the PCK authority is no CA"},
    {"intel.pck.authority:root", ANY, 0, "the root is no CA"},
    {"intel.pck.authority:key-usage", ANY, 0, "the PCK authority's key may not sign certificates"},
    {"intel.pck.authority:path-length", ANY, 0, "the root allows no authority below it"},
    {"intel.pck.authority:critical", ANY, 0, "the PCK certificate has a critical extension that nobody knows"},
    {"intel.pck.role", ANY, 0, "the leaf is not named a PCK certificate"},
    {"intel.pck.role:authority", ANY, 0, "the PCK authority is not named an authority"},
    {"intel.pck.role:root", ANY, 0, "the root is not named the SGX root"},
    {"intel.pck.validity", ANY, 0, "the PCK certificate has expired"},
    {"intel.pck.validity:early", ANY, 0, "the PCK certificate is not valid yet"},
    {"intel.pck.validity:authority-expired", ANY, 0, "the PCK authority's certificate has expired"},
    {"intel.pck.validity:authority-early", ANY, 0, "the PCK authority's certificate is not valid yet"},
    {"intel.pck.validity:root-expired", ANY, 0, "the root's certificate has expired"},
    {"intel.pck.validity:root-early", ANY, 0, "the root's certificate is not valid yet"},
    /* revocation */
    {"intel.root_crl.present", ANY, 0, "there is no root CRL"},
    {"intel.root_crl.present:stranger", ANY, 0, "the CRL at hand is another root's"},
    {"intel.root_crl.signature", ANY, 0, "a stranger signed the root CRL"},
    {"intel.root_crl.extensions", ANY, 0, "the root CRL has no number"},
    {"intel.root_crl.extensions:authority-key", ANY, 0, "the root CRL has no authority key identifier"},
    {"intel.root_crl.extensions:partial", ANY, 0, "the root CRL speaks of some certificates only"},
    {"intel.root_crl.issued", ANY, 0, "the root CRL is of tomorrow"},
    {"intel.root_crl.fresh", ANY, 0, "the root CRL is past its next update"},
    {"intel.root_crl.fresh:endless", ANY, 0, "the root CRL names no next update"},
    {"intel.pck_ca.not_revoked", ANY, 0, "the PCK authority is revoked"},
    {"intel.pck_crl.present", ANY, 0, "there is no PCK CRL"},
    {"intel.pck_crl.present:stranger", ANY, 0, "the CRL at hand is another authority's"},
    {"intel.pck_crl.signature", ANY, 0, "a stranger signed the PCK CRL"},
    {"intel.pck_crl.extensions", ANY, 0, "the PCK CRL has no number"},
    {"intel.pck_crl.extensions:authority-key", ANY, 0, "the PCK CRL has no authority key identifier"},
    {"intel.pck_crl.extensions:partial", ANY, 0, "the PCK CRL speaks of some certificates only"},
    {"intel.pck_crl.issued", ANY, 0, "the PCK CRL is of tomorrow"},
    {"intel.pck_crl.fresh", ANY, 0, "the PCK CRL is past its next update"},
    {"intel.pck_crl.fresh:endless", ANY, 0, "the PCK CRL names no next update"},
    {"intel.pck.not_revoked", ANY, 0, "the PCK certificate is revoked"},
    {"intel.pck.not_denied", ANY, 0, "the operator denies the platform"},
    /* what the TCB signer signs */
    {"intel.signer.present", ANY, 0, "the TCB signer's certificate is not there"},
    {"intel.signer.anchor", ANY, 0, "the TCB signer's certificate ends in a root that is not trusted"},
    {"intel.signer.signatures", ANY, 0, "a stranger signed the TCB signer's certificate"},
    {"intel.signer.signatures:root", ANY, 0, "a stranger signed the root's certificate behind the TCB signer's"},
    {"intel.signer.names", ANY, 0, "the TCB signer's certificate names another issuer"},
    {"intel.signer.names:root", ANY, 0, "the root's certificate behind the TCB signer's names another issuer"},
    {"intel.signer.authority", ANY, 0, "the root behind the TCB signer is no CA"},
    {"intel.signer.authority:key-usage", ANY, 0, "the key of the root behind the TCB signer may not sign certificates"},
    {"intel.signer.authority:critical", ANY, 0, "the TCB signer's certificate has a critical extension nobody knows"},
    {"intel.signer.role", ANY, 0, "the signer of TCB data is not named so"},
    {"intel.signer.validity", ANY, 0, "the TCB signer's certificate has expired"},
    {"intel.signer.validity:early", ANY, 0, "the TCB signer's certificate is not valid yet"},
    {"intel.signer.validity:root-expired", ANY, 0, "the root's certificate behind the TCB signer's has expired"},
    {"intel.signer.validity:root-early", ANY, 0, "the root's certificate behind the TCB signer's is not valid yet"},
    {"intel.signer.not_revoked", ANY, 0, "the TCB signer is revoked"},
    {"intel.tcb_info.present", ANY, 0, "there is no TCB info"},
    {"intel.tcb_info.present:fmspc", ANY, 0, "the TCB info is of another FMSPC"},
    {"intel.tcb_info.present:tdx", SGX, 0, "the TCB info is of TDX"},
    {"intel.tcb_info.present:sgx", TD, 0, "the TCB info is of SGX"},
    {"intel.tcb_info.signature", ANY, 0, "a stranger signed the TCB info"},
    {"intel.tcb_info.signature:changed", ANY, 0, "the TCB info was changed after it was signed"},
    {"intel.tcb_info.signature:zero", ANY, 0, "the signature of the TCB info is zero"},
    {"intel.tcb_info.issued", ANY, 0, "the TCB info is of tomorrow"},
    {"intel.tcb_info.fresh", ANY, 0, "the TCB info is past its next update"},
    {"intel.tcb_info.pce", ANY, 0, "the TCB info is of another PCE"},
    {"intel.qe_identity.present", ANY, 0, "there is no QE identity"},
    {"intel.qe_identity.present:tdx", SGX, 0, "the identity is that of the quoting enclave for TDX"},
    {"intel.qe_identity.present:sgx", TD, 0, "the identity is that of the quoting enclave for SGX"},
    {"intel.qe_identity.present:qve", ANY, 0, "the identity is that of the quote verification enclave"},
    {"intel.qe_identity.signature", ANY, 0, "a stranger signed the QE identity"},
    {"intel.qe_identity.signature:changed", ANY, 0, "the QE identity was changed after it was signed"},
    {"intel.qe_identity.signature:zero", ANY, 0, "the signature of the QE identity is zero"},
    {"intel.qe_identity.issued", ANY, 0, "the QE identity is of tomorrow"},
    {"intel.qe_identity.fresh", ANY, 0, "the QE identity is past its next update"},
    /* the quoting enclave and the quote */
    {"sgx.qe.signature", ANY, 0, "a stranger signed the quoting enclave's report"},
    {"sgx.qe.signature:changed", ANY, 0, "the quoting enclave's report was changed after it was signed"},
    {"sgx.qe.signature:zero-r", ANY, 0, "r of the signature over the quoting enclave's report is zero"},
    {"sgx.qe.signature:zero-s", ANY, 0, "s of the signature over the quoting enclave's report is zero"},
    {"sgx.qe.debug", ANY, 0, "the quoting enclave is a debug enclave"},
    {"sgx.qe.miscselect", ANY, 0, "the quoting enclave has another MISCSELECT"},
    {"sgx.qe.attributes", ANY, 0, "the quoting enclave has other attributes"},
    {"sgx.qe.signer", ANY, 0, "the quoting enclave is of another signer"},
    {"sgx.qe.product", ANY, 0, "the quoting enclave is another product"},
    {"sgx.qe.binding", ANY, 0, "the quoting enclave vouches for another key"},
    {"sgx.qe.binding:auth-data", ANY, 0, "the QE authentication data was changed"},
    {"sgx.quote.key", ANY, 0, "the attestation key is no point of the curve"},
    {"sgx.quote.key:zero", ANY, 0, "the attestation key is zero"},
    {"sgx.quote.signature", ANY, 0, "a stranger signed the quote"},
    {"sgx.quote.signature:header", ANY, 0, "the quote's header was changed after it was signed"},
    {"sgx.quote.signature:body", ANY, 0, "the report was changed after it was signed"},
    {"sgx.quote.signature:zero-r", ANY, 0, "r of the quote's signature is zero"},
    {"sgx.quote.signature:zero-s", ANY, 0, "s of the quote's signature is zero"},
    {"sgx.quote.signature:huge-r", ANY, 0, "r of the quote's signature is above the order of the curve"},
    {"intel.tcb.status", ANY, 0, "the platform is out of date"},
    {"intel.tcb.status:quoting-enclave", ANY, 0, "the quoting enclave is out of date"},
    {"intel.tcb.status:revoked", ANY, 0, "the platform's TCB level is revoked"},
    {"intel.tcb.status:unsupported", ANY, 0, "the platform is below every TCB level"},
    {"intel.tcb.status:module", TD, 0, "the TDX module is out of date"},
    {"intel.tcb.status:relaunch", TD, 5, "the TDX module was out of date when the trust domain was started"},
    {"tdx.report.vm", TD, 5, "the report is of a virtual machine inside the trust domain"},
    {"tdx.module.known", TD, 0, "the TDX module is of a version that the TCB info does not know"},
    {"tdx.module.signer", TD, 0, "the TDX module is of another signer"},
    {"tdx.module.attributes", TD, 0, "the TDX module has an attribute that the TCB info does not name"},
    {"tdx.module.attributes:as-described", TD, 0, "the TDX module has an attribute, which the TCB info names"},
    /* what the caller says, and wrappings */
    {"sgx.runtime_data", PLAIN, 0, "the report data is the hash of other runtime data"},
    {"sgx.report_data_tail", SGX, 0, "the second half of the report data is not zero"},
    {"sgx.init_data", PLAIN, 0, "CONFIGID is the hash of other init-time data"},
    {"tdx.runtime_data", TD, 0, "the report data is the hash of other runtime data"},
    {"tdx.report_data_tail", TD, 0, "the second half of the report data is not zero"},
    {"tdx.init_data", TD, 0, "MRCONFIGID is the hash of other init-time data"},
    {"tdx.init_data:tail", TD, 0, "MRCONFIGID is not zero behind the hash"},
    {"oe.report.shape", REPORT, 0, "the report claims more bytes than there are"},
    {"oe.report.type", REPORT, 0, "the report claims to be local"},
    {"oe.evidence.shape", CLAIMS, 0, "the evidence claims more bytes than there are"},
    {"oe.evidence.format", CLAIMS, 0, "the evidence claims to be of EPID"},
    {"oe.custom_claims", CLAIMS, 0, "the report data is the hash of other custom claims"},
    {0},
};

/* Harmless ways in which evidence and endorsements differ in the world (sgx-tdx.md 0, 4, 5; all must be accepted). */
const char *const intel_variations[] = {
    "quote-with-tail", /* the first: what follows it is true of Open Enclave evidence too */
    "pem-without-nul", "pem-crlf", "pem-root-second", "crl-pem", "crl-hex", "crl-with-nul", NULL,
};

bool platform_fault(const struct platform *p, const char *name)
{
    return p->options->fault && strcmp(p->options->fault, name) == 0;
}

bool platform_fault_of(const struct platform *p, const char *format, const char *what)
{
    return platform_fault(p, arena_printf(p->arena, format, what));
}

bool platform_varies(const struct platform *p, const char *variation)
{
    return p->options->variation && strcmp(p->options->variation, variation) == 0;
}
