/* Writing DER: an element of given parts. */
#ifndef ASSAY_CRYPTO_DER_WRITE_H
#define ASSAY_CRYPTO_DER_WRITE_H

#include "base/arena.h"
#include "crypto/der.h"

struct bytes der_element(struct arena *a, uint8_t tag, const struct bytes *parts, size_t count);
/* DER_ELEMENT(arena, tag, part, …): the parts joined under one tag and length. */
#define DER_ELEMENT(a, tag, ...)                                 \
    der_element((a), (tag), (const struct bytes[]){__VA_ARGS__}, \
                sizeof((const struct bytes[]){__VA_ARGS__}) / sizeof(struct bytes))
/* INTEGER of a big-endian magnitude without leading zeros. */
struct bytes der_write_unsigned(struct arena *a, struct bytes magnitude);

#endif
