/* The key of a witness, in a file of its own (mode 0600): one line, PRIVATE+KEY+NAME+ID+BASE64, in the form that programs for signed
 * notes have for private keys, with the type and the id of a witness's. */
#ifndef ASSAY_SERVICE_WITNESS_KEY_H
#define ASSAY_SERVICE_WITNESS_KEY_H

#include "merkle/note.h"

/* Read it; where there is none, one is made with this name (NULL: none is made), and *made says so. The name is in the arena; wipe the seed after use. False
 * with a fault, also when the file's name is another than the one that is given. */
bool witness_key_open(const char *path, const char *name, struct arena *a, struct log_key *out,
                      uint8_t seed[ED25519_SEED], bool *made, struct fault *fault);

#endif
