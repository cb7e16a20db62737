/* Keys to trust, as options name them: files of certificates or of a bare public key, DER or PEM. */
#ifndef ASSAY_CLI_ANCHOR_H
#define ASSAY_CLI_ANCHOR_H

#include "base/limits.h"
#include "cli/cli.h"
#include "crypto/x509.h"

struct anchor_file {
    uint8_t spki[LIMIT_CHAIN][SHA256_SIZE]; /* SHA-256 of each SubjectPublicKeyInfo */
    bool simulated[LIMIT_CHAIN];            /* of a certificate that says so */
    size_t count;
};
/* False when the file cannot be read or holds no key, which has been reported under this option's name. */
bool anchor_read(const struct cli *cli, const char *option, const char *path, struct anchor_file *out);

#endif
