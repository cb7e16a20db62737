/* PEM (RFC 7468) as it occurs in evidence and collateral: blocks one after another, LF or CRLF, text between blocks
 * skipped, NUL bytes behind tolerated (sgx-tdx.md 0, item 7). */
#ifndef ASSAY_CRYPTO_PEM_H
#define ASSAY_CRYPTO_PEM_H

#include "base/arena.h"

struct pem_block {
    struct bytes label; /* "CERTIFICATE" */
    struct bytes der;
};

/* The next block of *text, which then begins behind it. *found is false when there is none left. Returns false for
 * a block that does not end, labels that differ, or content that is no base64. */
bool pem_next(struct arena *a, struct bytes *text, struct pem_block *out, bool *found);
/* "-----BEGIN label-----\n", 64 columns, LF, "-----END label-----\n". */
struct bytes pem_encode(struct arena *a, const char *label, struct bytes der);
void wr_pem(struct writer *w, const char *label, struct bytes der);

#endif
