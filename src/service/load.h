/* What a snapshot is made of, read from disk before any request needs it: frames ready to be sent to every pair. */
#ifndef ASSAY_SERVICE_LOAD_H
#define ASSAY_SERVICE_LOAD_H

#include "collateral/serve.h"
#include "core/message.h"
#include "service/config.h"

struct loaded_frame {
    enum frame_kind kind;
    struct bytes body;
};

struct loaded {
    struct arena arena;
    struct loaded_frame *frames;
    size_t count, cap;
    size_t files;          /* endorsements: of the collateral folder, of a bundle, named ones */
    struct served *served; /* the same for other tools; NULL where none are served. Who takes it puts NULL here */
};

/* Read the collateral folder and the anchors. False when they cannot be read; a file that is no endorsement is the verifier's
 * business, it warns. */
bool load_snapshot(const struct config *c, struct loaded *out, struct fault *fault);
/* The certificates of a PEM file as JWKS, as they are registered with a provider. */
bool load_signers(struct arena *a, const char *path, struct bytes *jwks, struct fault *fault);
void loaded_free(struct loaded *l);

/* The public key that a file names: of its certificate, or bare, in PEM. */
bool load_public_key(struct arena *a, const char *path, struct public_key *key, struct fault *fault);
/* A whole file of at most `most` bytes. */
bool load_file(struct arena *a, const char *path, size_t most, struct bytes *out, struct fault *fault);

#endif
