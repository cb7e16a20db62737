/* A mint over a signing key at hand: how the command line, tests and benchmarks sign in process. The daemon's mint
 * is its signer process, which alone holds keys there. */
#ifndef ASSAY_CORE_MINT_KEY_H
#define ASSAY_CORE_MINT_KEY_H

#include "core/core.h"

/* Signs for every provider under its own kid, which must be the key's (token.h, key_id). The key must outlive the
 * mint. */
struct mint mint_with_key(const struct signing_key *key);

#endif
