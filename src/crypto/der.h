/* A sticky reader of DER (X.690): definite, minimal lengths and minimal integers only. It reads what certificates, CRLs and
 * their extensions are made of; like struct reader it stays failed after the first error. */
#ifndef ASSAY_CRYPTO_DER_H
#define ASSAY_CRYPTO_DER_H

#include "base/bytes.h"

enum {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_NULL = 0x05,
    DER_OID = 0x06,
    DER_ENUMERATED = 0x0a,
    DER_UTF8_STRING = 0x0c,
    DER_PRINTABLE_STRING = 0x13,
    DER_IA5_STRING = 0x16,
    DER_UTC_TIME = 0x17,
    DER_GENERALIZED_TIME = 0x18,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
};

/* Context-specific tags, as [0] (primitive) and [0] constructed. */
#define DER_CONTEXT(n)     (0x80 + (n))
#define DER_CONSTRUCTED(n) (0xa0 + (n))

/* The next element whatever its tag; *tag is 0 and the result empty after a failure. *whole, when not NULL, is the element
 * with tag and length. */
struct bytes der_any(struct reader *r, uint8_t *tag, struct bytes *whole);
/* Content of the next element, which must have this tag. */
struct bytes der_take(struct reader *r, uint8_t tag);
struct bytes der_take_whole(struct reader *r, uint8_t tag); /* with tag and length */
struct reader der_enter(struct reader *r, uint8_t tag);     /* a reader of its content; failed when r is */
/* Is the next element of this tag? False at the end and after a failure. */
bool der_next_is(const struct reader *r, uint8_t tag);
/* A non-negative INTEGER, big endian without leading zeros (zero is one byte 00). */
struct bytes der_unsigned(struct reader *r);
uint64_t der_u64(struct reader *r);        /* a non-negative INTEGER that fits */
uint64_t der_enumerated(struct reader *r); /* a small ENUMERATED */
bool der_boolean(struct reader *r);
struct bytes der_bits(struct reader *r); /* BIT STRING with no unused bits */
/* UTCTime or GeneralizedTime in the forms of RFC 5280 4.1.2.5, seconds since 1970. */
int64_t der_time(struct reader *r);

#endif
