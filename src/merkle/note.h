/* Checkpoints: what a log is at one moment, signed (C2SP tlog-checkpoint over signed-note). A note is a text whose last line is
 * followed by an empty one and by lines of signatures; that of a checkpoint has three lines: the origin, which names the log, its
 * size, and its root in base64; lines of the log's own may come behind these. */
#ifndef ASSAY_MERKLE_NOTE_H
#define ASSAY_MERKLE_NOTE_H

#include "crypto/ed25519.h"
#include "merkle/tree.h"

enum {
    LOG_NOTE_MOST = 16 * 1024, /* bytes of a note with its signatures */
    LOG_NOTE_SIGNATURES = 64,  /* lines: the log's own, and those of its witnesses */
    LOG_NAME_MOST = 128,       /* bytes of an origin or of a key's name */
    LOG_EXTRA_MOST = 2048,     /* bytes of a checkpoint's further lines */
    LOG_KEY_ID = 4,
};

/* What stands before the next line end, which is taken too; without one the reader fails. */
struct bytes log_line(struct reader *r);
/* Decimal digits without a zero before them, not above LOG_SIZE_MOST. */
bool log_number(struct bytes text, uint64_t *out);

/* Who signs: a name, and a key of Ed25519. As text NAME+ID+BASE64, as a verifier's key of a note is written. */
struct log_key {
    struct bytes name;
    uint8_t key[ED25519_PUBLIC];
    bool cosigns; /* a witness's (merkle/cosign.h), whose ids and texts are of another type; else a log's */
};
/* 1 to LOG_NAME_MOST visible characters of ASCII, no plus sign. */
bool log_name_ok(struct bytes name);
struct bytes log_key_text(struct arena *a, const struct log_key *key);
/* Text as log_key_text wrote it for a log's key, or for a witness's, with white space behind or not; the name is copied. */
bool log_key_parse(struct arena *a, struct bytes text, struct log_key *out);
bool witness_key_parse(struct arena *a, struct bytes text, struct log_key *out);

struct checkpoint {
    struct bytes origin;
    uint64_t size;
    struct merkle_hash root;
    struct bytes extra; /* further lines, whole: none is empty, each has its line end */
};
/* UTF-8 of at most LOG_EXTRA_MOST bytes, no control character but line ends. */
bool checkpoint_extra_ok(struct bytes extra);
/* What is signed. */
struct bytes checkpoint_text(struct arena *a, const struct checkpoint *c);
/* False for any text that checkpoint_text would not write; views into the text. */
bool checkpoint_parse(struct bytes text, struct checkpoint *out);

/* The line of a signature: what it has behind the id may be more than an Ed25519 signature. */
struct bytes note_line(struct arena *a, const struct log_key *key, struct bytes signature);
/* The note with one signature. */
struct bytes note_write(struct arena *a, struct bytes text, const struct log_key *key,
                        const uint8_t signature[ED25519_SIGNATURE]);
/* A note's text alone, whoever signed it. */
bool note_text(struct bytes note, struct bytes *text);
/* A note's text, and the signature under the name and id of this key; false: it is no note, or has none (signature stays empty). */
bool note_split(struct arena *a, struct bytes note, const struct log_key *key, struct bytes *text,
                struct bytes *signature);
/* Split, signed by this key, and a checkpoint of the log that has the key's name. */
bool note_checkpoint(struct arena *a, struct bytes note, const struct log_key *key, struct checkpoint *out);

#endif
