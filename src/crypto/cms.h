/* Content for the holder of one private key: CMS (RFC 5652) of the type AuthEnvelopedData (RFC 5083), AES-256-GCM, by OpenSSL, so that
 * `openssl cms -decrypt` opens it as well. The content's key goes to the recipient by RSA-OAEP or by ECDH, both with SHA-256. */
#ifndef ASSAY_CRYPTO_CMS_H
#define ASSAY_CRYPTO_CMS_H

#include "base/arena.h"
#include "base/fault.h"
#include "crypto/verify.h"

/* For a key of verify.h, by its SubjectPublicKeyInfo. The recipient is named by the SHA-1 of its key, as certificates do it. */
bool cms_seal(struct arena *a, struct bytes spki, struct bytes content, struct bytes *out, struct fault *fault);

/* A private key in PEM; for one that is encrypted OpenSSL asks on the terminal. NULL: it is none. */
struct cms_key;
struct cms_key *cms_key_read(struct bytes pem, struct fault *fault);
void cms_key_free(struct cms_key *k);
/* False for what was not sealed for this key, is of another type, or was changed: nothing of it is given then. */
bool cms_open(struct arena *a, struct cms_key *key, struct bytes sealed, struct bytes *out, struct fault *fault);

#endif
