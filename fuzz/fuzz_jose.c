/* A compact JWS, and a JWK in its header. */
#include "crypto/jose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct public_key key;
    struct arena a;
    struct jws jws;

    arena_init(&a, 1u << 28);
    if (jws_decode(&a, bytes_make(data, size), true, &jws, NULL)) {
        if (jwk_decode(&a, json_member(jws.header, "jwk"), &key, NULL))
            jws_verify(&jws, &key);
        jws_verify(&jws, &(struct public_key){.kind = KEY_NONE});
    }
    arena_free(&a);
    return 0;
}
