/* Attesting this machine, for `assay attest --self` and `assay agent`: the options that say where its evidence is, and one
 * attestation by them. */
#ifndef ASSAY_CLI_SELF_H
#define ASSAY_CLI_SELF_H

#include "agent/attest.h"
#include "agent/tsm.h"
#include "cli/cli.h"
#include "cli/remote.h"

enum {
    OPTION_SELF_FIRST = OPTION_BASE + 100,
    OPTION_TPM = OPTION_SELF_FIRST,
    OPTION_AK,
    OPTION_AK_CERT,
    OPTION_PCRS,
    OPTION_BANKS,
    OPTION_BOOT_LOG,
    OPTION_IMA_LOG,
    OPTION_TSM,
    OPTION_SEV_GUEST,
    OPTION_HCL_REPORT,
    OPTION_METADATA,
    OPTION_BIND_NONCE,
    OPTION_KEY_OUT,
    OPTION_RP_ID,
    OPTION_SELF_END,
};
/* Rows of both commands. clang-format would set each on four lines. */
/* clang-format off */
#define OPTIONS_SELF \
    {OPTION_TPM, "tpm", "TCTI", "the TPM (default: device:/dev/tpmrm0, then device:/dev/tpm0)"}, \
    {OPTION_AK, "ak", "HANDLE", "persistent attestation key (default: 0x81000003, else one derived by the TPM)"}, \
    {OPTION_AK_CERT, "ak-cert", "F", "its certificate (default: the one in the TPM, if there is one)"}, \
    {OPTION_PCRS, "pcrs", "LIST", "registers to quote, 0-7,14 (default: all; as a guest of Azure 0-7)"}, \
    {OPTION_BANKS, "banks", "LIST", "of sha1, sha256, sha384, sha512 (default: sha256, else the TPM's best)"}, \
    {OPTION_BOOT_LOG, "boot-log", "F", "the boot log (default: the kernel's)"}, \
    {OPTION_IMA_LOG, "ima-log", "F", "the list of IMA's measurements (default: the kernel's)"}, \
    {OPTION_TSM, "tsm", "DIR", "configfs-tsm (default: " AGENT_TSM ")"}, \
    {OPTION_SEV_GUEST, "sev-guest", "DEV", "where configfs-tsm is not there (default: /dev/sev-guest)"}, \
    {OPTION_HCL_REPORT, "hcl-report", "F", "the paravisor's report (default: the one in the TPM, if there is one)"}, \
    {OPTION_METADATA, "metadata", "URL", "Azure's metadata service, or none (default: " AGENT_METADATA ")"}, \
    {OPTION_BIND_NONCE, "bind-nonce", NULL, "azure-guest: have the paravisor take the nonce into its report"}, \
    {OPTION_RP_ID, "rp-id", "ID", "tpm: the relying party, which the request names"}, \
    {OPTION_KEY_OUT, "key-out", "F", "make a key that the token names; write its private half as PEM (0600)"}
/* clang-format on */

struct self {
    struct cli *cli;
    struct agent_machine machine;
    struct agent_wish wish; /* kind AGENT_NO_KIND: found by what the machine has */
    const char *key_out;
};

/* An option of OPTIONS_SELF. False: it is wrong, which has been reported. */
bool self_option(struct self *s, int id, const char *value);
/* After the last option: type NULL means what the machine has. */
bool self_open(struct self *s, const char *type);
/* One attestation. False with a fault, or out->refused. The private key, if any, is in its file then. */
bool self_attest(struct self *s, const struct remote *remote, const atomic_bool *stop, struct arena *a,
                 struct agent_outcome *out, struct fault *fault);

#endif
