/* Frames: how host, verifier and signer talk over socket pairs (DESIGN 5). A frame is u32 length, u32 kind, body, all little
 * endian. The length is bounded before anything is read or allocated for it. */
#ifndef ASSAY_CORE_FRAME_H
#define ASSAY_CORE_FRAME_H

#include "base/arena.h"

enum {
    FRAME_HEADER = 8,
    LIMIT_FRAME = 16 * 1024 * 1024, /* the largest: a request of the longest body that may be configured */
    FRAME_BUFFER = 64 * 1024,       /* read at once: all but the largest requests, tokens and answers */
};

enum frame_kind {
    /* Host to verifier: a snapshot, piece by piece; FRAME_SNAPSHOT_END puts it in force or keeps the old one. */
    FRAME_SNAPSHOT_BEGIN = 1,
    FRAME_ANCHOR,
    FRAME_ENDORSEMENT,
    FRAME_SNAPSHOT_END,
    /* Host to verifier: the state of one provider, before the first request for it that needs it. */
    FRAME_PROVIDER,
    FRAME_RECORD,
    FRAME_PROVIDER_END,
    /* Host to verifier: work. */
    FRAME_ATTEST,
    FRAME_MANAGE,
    FRAME_SELFTEST, /* before all work; also verifier to signer */
    FRAME_ADOPT, /* a record that an operator vouches for (service/adopt.h); only where the pair was started for that */
    FRAME_LOG,   /* there is a log (core/checkpoint.h): with one of decisions, answers come with their records */
    FRAME_CHECKPOINT, /* of such a log, to be signed (core/checkpoint.h); the answer's body is the note */
    FRAME_STATE, /* the newest checkpoint of the store: no work is done at a time behind it (core/state_checkpoint.h) */
    /* Verifier to host. */
    FRAME_READY,          /* the signer holds its sealing key: once, first; the body holds struct state_keys */
    FRAME_SELFTESTED,     /* empty: all is well; else what went wrong */
    FRAME_SNAPSHOT_READY, /* in force, with what was wrong but not fatal */
    FRAME_SNAPSHOT_BAD,   /* not in force, why */
    FRAME_WANT_PROVIDER,  /* instead of an answer: this provider's state is not here (any more) */
    FRAME_ANSWER,
    FRAME_ADOPTED, /* its seal */
    FRAME_SHADOW,  /* behind an answer that announced it: what the shadow policy would have changed */
    FRAME_OUTLOOK, /* at any time: what will become of a platform that was accepted (core/platforms.h) */
    FRAME_OVERRUN, /* over its memory: the process ends */
    /* Verifier to signer, and back. */
    FRAME_SIGN,
    FRAME_MAKE_KEY,
    FRAME_CERTIFY, /* a certificate with the service's own evidence, over a key that there is (core/key_evidence.h) */
    FRAME_STATE_SIGN, /* a record or a checkpoint (core/state_key.h) */
    FRAME_SEAL,       /* what will come back from a caller's hands (core/context_key.h) */
    FRAME_UNSEAL,     /* and what came back */
    FRAME_SIGNED, /* the token, the key made, the certificate issued, the bare signature of a state key, what was sealed or opened, or key and signature of the self-test */
    FRAME_NOT_SIGNED,
};

/* A parsed header; false when the length is over the limit or the kind is none of these. */
bool frame_header(const uint8_t header[FRAME_HEADER], uint32_t *length, enum frame_kind *kind);
void frame_put_header(uint8_t header[FRAME_HEADER], uint32_t length, enum frame_kind kind);

/* Where frames are read from, blocking: for the processes of the core. As much as there is comes with one call of the system,
 * so that a usual frame costs one. Start with {.fd = …}. */
struct frame_reader {
    int fd;
    size_t start, end; /* of what is in the buffer and not yet taken */
    uint8_t buffer[FRAME_BUFFER];
};
/* False at the end of the stream, on an error or a bad header. The body is the arena's. */
bool frame_read(struct frame_reader *r, struct arena *a, enum frame_kind *kind, struct bytes *body);
/* Blocking, with one call of the system for a usual frame. False on an error or above LIMIT_FRAME. */
bool frame_write(int fd, enum frame_kind kind, struct bytes body);

/* Fields of a body: u32 length and bytes. */
void wr_field(struct writer *w, struct bytes b);
struct bytes rd_field(struct reader *r);

#endif
