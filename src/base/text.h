/* Text forms of bytes: hexadecimal, base64, UTF-8. */
#ifndef ASSAY_BASE_TEXT_H
#define ASSAY_BASE_TEXT_H

#include <stdarg.h>

#include "base/arena.h"

/* Hexadecimal text of either letter case to bytes. False for an odd length or another character. */
bool hex_decode(struct arena *a, struct bytes text, struct bytes *out);
/* The same into a buffer that must be filled exactly. */
bool hex_decode_exact(struct bytes text, uint8_t *out, size_t n);
struct bytes hex_encode(struct arena *a, struct bytes b); /* lower case */
struct bytes hex_encode_upper(struct arena *a, struct bytes b);

/* Base64 as clients send it: standard or URL-safe alphabet, also mixed, with or without padding, no white space
 * (clients.md 1.4). Non-canonical trailing bits are refused. On failure *bad is the offending character, or 0
 * when the length is impossible; bad may be NULL. */
bool base64_decode(struct arena *a, struct bytes text, struct bytes *out, uint8_t *bad);
/* Strict forms for what must be canonical: URL-safe without padding (RFC 7515), standard with padding. */
bool base64url_decode_strict(struct arena *a, struct bytes text, struct bytes *out);
bool base64_decode_strict(struct arena *a, struct bytes text, struct bytes *out);
struct bytes base64url_encode(struct arena *a, struct bytes b);
struct bytes base64_encode(struct arena *a, struct bytes b);
void wr_base64url(struct writer *w, struct bytes b);

bool utf8_valid(struct bytes text);
/* UTF-16LE as UTF-8, without NULs at the end; what is no character becomes U+FFFD. */
struct bytes utf16_decode(struct arena *a, struct bytes utf16);
/* Text as it is, or where it is no UTF-8 with all but ASCII as \xNN: fit for JSON. */
struct bytes text_clean(struct arena *a, struct bytes text);

/* vsnprintf that cuts between characters, never within one. */
void text_format(char *out, size_t size, const char *format, va_list args) __attribute__((format(printf, 3, 0)));

/* How many bytes must be put in, taken out or changed to make one word of another. Words of more than 64 bytes are as far
 * apart as can be: SIZE_MAX. */
size_t text_distance(struct bytes a, struct bytes b);

#endif
