/* Certificates in PEM or DER: whatever decodes is looked at from every side. */
#include "crypto/x509.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t pin[1][SHA256_SIZE];
    static const struct path_checks ids = {CHECK_INTEL_PCK_ANCHOR, CHECK_INTEL_PCK_SIGNATURES, CHECK_INTEL_PCK_NAMES,
                                           CHECK_INTEL_PCK_AUTHORITY, CHECK_INTEL_PCK_VALIDITY};
    struct anchors anchors = {pin, 1};
    const struct certificate *list;
    struct bytes value;
    struct arena a;
    size_t count;

    arena_init(&a, 1u << 28);
    if (certificates_decode(&a, bytes_make(data, size), &list, &count, NULL)) {
        bool signatures = chain_signatures(list);

        anchors.pins = (const uint8_t(*)[SHA256_SIZE]) & list->spki_digest; /* trusts itself: all checks run */
        path_verify(trace_new(&a), &ids, list, signatures, &anchors, list->not_before);
        for (const struct certificate *c = list; c; c = c->next) {
            certificate_extension(c, BYTES_LIT("\x55\x1d\x13"), &value);
            public_key_spki(&a, &c->key);
        }
    }
    arena_free(&a);
    return 0;
}
