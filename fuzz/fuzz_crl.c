/* CRLs in every form; a serial number that is on the list must be found on it. */
#include <stdlib.h>

#include "crypto/x509.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct crl *crl;
    struct arena a;

    arena_init(&a, 1u << 28);
    if (crl_decode(&a, bytes_make(data, size), &crl, NULL)) {
        for (size_t i = 0; i < crl->count; i++)
            if (!crl_revokes(crl, crl->serials[i]))
                abort();
        crl_revokes(crl, BYTES_LIT("\x01"));
        crl_signed_by(crl, &(struct public_key){.kind = KEY_NONE});
    }
    arena_free(&a);
    return 0;
}
