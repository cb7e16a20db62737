/* The gate: which requests of HTTP/1.1 this service takes. Decided over the bytes of a whole header, and of a chunked body,
 * before libevent's parser sees any of them: that parser is lenient where two servers in a row may read differently (two
 * lengths, bodies of GET, folded lines, trailers), waits without bound for the end of some lines, and answers in its own form. */
#ifndef ASSAY_SERVICE_GATE_H
#define ASSAY_SERVICE_GATE_H

#include "base/bytes.h"

/* Why a request is refused; status 0: it is not. */
struct gate_refusal {
    int status; /* HTTP */
    const char *code, *message;
};

struct gate_limits {
    size_t header, body; /* bytes */
};

/* What a header says about the body behind it. */
struct gate_body {
    size_t length; /* when not chunked */
    bool chunked;
    bool expects_continue; /* the client waits for "100 Continue" before it sends the body */
};

/* Bytes up to and with the empty line that ends a header; 0 while it is not here. The first `seen` bytes were looked at before. */
size_t gate_header_length(struct bytes in, size_t seen);
/* A whole header (RFC 9112). */
struct gate_refusal gate_check(struct bytes header, const struct gate_limits *limits, struct gate_body *body);
/* A header that is longer than allowed. */
struct gate_refusal gate_header_too_long(void);

/* Walks over a chunked body as it comes. Start with zeros. */
struct gate_chunks {
    enum { CHUNK_SIZE, CHUNK_SIZE_LF, CHUNK_DATA, CHUNK_CR, CHUNK_LF, CHUNK_LAST_CR, CHUNK_LAST_LF, CHUNK_END } state;
    unsigned digits;
    size_t left;  /* of the chunk */
    size_t total; /* of the body */
    size_t raw;   /* as it was sent */
};
/* Take what came; *whole once the last chunk is there. What comes behind it is not taken. */
struct gate_refusal gate_chunks(struct gate_chunks *c, struct bytes more, const struct gate_limits *limits,
                                bool *whole);

#endif
