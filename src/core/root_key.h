/* The root: the one secret that all signers of a deployment share, and the file where it is kept (settings [keys] sealing_key and
 * sealer). Keys of providers and of the core's own state lie under keys derived from it, so whoever has it has them all. */
#ifndef ASSAY_CORE_ROOT_KEY_H
#define ASSAY_CORE_ROOT_KEY_H

#include "core/key_envelope.h"

/* How it is kept, as the configuration says; what a sealer does not need may be NULL. */
struct root_sealer {
    const char *name;   /* "file", "tpm2", "snp", "pkcs11" */
    const char *tpm;    /* TCTI, "device:/dev/tpmrm0"; NULL: the device that is there */
    const char *pcrs;   /* registers of the TPM, "sha256:0,2,4,7" */
    const char *pkcs11; /* URI of RFC 7512 that names token and key */
    const char *pin_file;
    bool first_form; /* by the operator's word: an envelope of an earlier version, bound to less, is opened */
};
enum { ROOT_SEALER_ARGUMENTS = 5 };

/* Settings as arguments "NAME=VALUE" of assay-signer and assay-sealer, the NULL behind them included; and back. None holds a secret:
 * other users see arguments. */
char **root_sealer_arguments(struct arena *a, const struct root_sealer *s);
bool root_sealer_read(char **arguments, struct root_sealer *out, struct fault *fault);

/* Opens and seals for those sealers that need more than the file: in a process of its own (root_sealer_run), or in this one. Both
 * give an envelope as text. */
struct root_keeper {
    bool (*open)(const struct root_sealer *s, struct bytes text, struct arena *a, uint8_t secret[ROOT_KEY_SIZE],
                 struct fault *fault);
    bool (*seal)(const struct root_sealer *s, const uint8_t secret[ROOT_KEY_SIZE], struct arena *a, struct bytes *text,
                 struct fault *fault);
};
/* Starts assay-sealer, which alone is linked to the software of TPMs and loads the modules of tokens, for one opening or sealing. */
extern const struct root_keeper root_keeper_apart;

/* The root out of its file, which is made where there is none: by whoever comes first, whole and durable before anybody sees its
 * name. The file must be a plain one that its owner alone can read, and sealed by the sealer that is set. What is left of the secret
 * lies in `root` alone. */
bool root_key_load(const char *path, const struct root_sealer *s, const struct root_keeper *keeper, struct arena *a,
                   uint8_t root[ROOT_KEY_SIZE], struct fault *fault);

/* For commands of the operator. Text of such a file, or none where there is none (*there); and writing it: to a name that must not be
 * there yet, or in the place of what is there, whole or not at all. */
bool key_file_read(const char *path, struct arena *a, bool *there, struct bytes *text, struct fault *fault);
bool key_file_create(const char *path, struct bytes text, struct fault *fault);
bool key_file_replace(const char *path, struct bytes text, struct fault *fault);

#endif
