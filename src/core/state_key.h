/* Keys by which the core vouches for what it gives out of its hands: records of the store, and checkpoints of the decision log and
 * of the log of those records (DESIGN 5). Each is Ed25519, derived from the root, the secret that all signers of one deployment share (the "sealing key");
 * whoever has the public half, a verifier, another node or an auditor, can tell what this deployment's core signed. */
#ifndef ASSAY_CORE_STATE_KEY_H
#define ASSAY_CORE_STATE_KEY_H

#include "base/arena.h"
#include "crypto/ed25519.h"

enum { ROOT_KEY_SIZE = 32 };

enum state_key_use {
    STATE_RECORD = 1, /* of the store */
    STATE_CHECKPOINT, /* of the decision log */
    STATE_STORE,      /* a checkpoint of all records of the store (core/state_checkpoint.h) */
    STATE_KEY_USES,   /* one above the last */
};

/* A secret for one purpose. Two infos never give one key, and none tells anything of the root (NIST SP 800-56C, one step). */
void root_derive(const uint8_t root[ROOT_KEY_SIZE], struct bytes info, uint8_t out[ROOT_KEY_SIZE]);

/* What people call a root key, to see that it is the one they mean: "1f2e-33aa-…", 80 bits. It tells nothing else of the key. */
struct root_name {
    char text[sizeof "1f2e-33aa-1f2e-33aa-1f2e"];
};
void root_name(const uint8_t root[ROOT_KEY_SIZE], struct root_name *out);

/* The public halves; body of FRAME_READY as they stand here. */
struct state_keys {
    uint8_t record[ED25519_PUBLIC], checkpoint[ED25519_PUBLIC], store[ED25519_PUBLIC];
};
bool state_keys_public(const uint8_t root[ROOT_KEY_SIZE], struct state_keys *out);
struct bytes write_state_keys(struct arena *a, const struct state_keys *keys);
bool read_state_keys(struct bytes body, struct state_keys *out);

/* Signature over the message as it is: what it is for is told apart by its key. */
bool state_sign(const uint8_t root[ROOT_KEY_SIZE], enum state_key_use use, struct bytes message,
                uint8_t out[ED25519_SIGNATURE]);

/* FRAME_STATE_SIGN. */
struct bytes write_state_sign(struct arena *a, enum state_key_use use, struct bytes message);
bool read_state_sign(struct bytes body, enum state_key_use *use, struct bytes *message);

#endif
