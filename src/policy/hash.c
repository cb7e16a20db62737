#include "base/text.h"
#include "crypto/digest.h"
#include "policy/policy.h"

struct bytes policy_hash(struct arena *a, struct bytes text)
{
    uint8_t hash[SHA256_SIZE];

    sha256(base64url_encode(a, text), hash);
    return base64url_encode(a, BYTES_OF(hash));
}
