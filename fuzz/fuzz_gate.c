/* The first bytes of a connection: a header is taken whole or refused, wherever the pieces are cut; what passes has one Host,
 * one length at most, and nothing in it that libevent's parser could read another way. Then a chunked body. */
#include <stdlib.h>

#include "service/gate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static const struct gate_limits limits = {.header = 4096, .body = 512};

/* In one piece and in pieces: the same verdict over the same bytes. */
static void chunks(struct bytes in, size_t piece)
{
    struct gate_chunks whole = {0}, cut = {0};
    struct gate_refusal refusal = {0};
    bool ended, end = false;

    int status = gate_chunks(&whole, in, &limits, &ended).status;
    for (struct bytes rest = in; rest.n && !end && refusal.status == 0; rest = bytes_after(rest, piece))
        refusal = gate_chunks(&cut, bytes_first(rest, piece), &limits, &end);
    must(status == refusal.status && ended == end && whole.state == cut.state && whole.total == cut.total);
    must(!(ended && status) && (status || whole.total <= limits.body));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_make(data, size);
    size_t length = gate_header_length(in, 0);
    struct gate_body body;

    if (length == 0) {
        chunks(in, 1 + size % 7);
        return 0;
    }
    must(length <= size && data[length - 1] == '\n');
    for (size_t n = 0; n < length; n++) /* no earlier end, and the end is found from wherever it was searched to */
        must(gate_header_length(bytes_first(in, n), 0) == 0 && gate_header_length(in, n) == length);
    struct gate_refusal refusal = gate_check(bytes_first(in, length), &limits, &body);
    if (refusal.status) {
        must(refusal.status >= 400 && refusal.code && refusal.message);
    } else {
        must(!memchr(data, 0, length) && (body.chunked ? body.length == 0 : body.length <= limits.body));
        for (size_t i = 0; i < length; i++)
            must(data[i] != '\n' || (i > 0 && data[i - 1] == '\r'));
    }
    chunks(bytes_after(in, length), 1 + length % 7);
    return 0;
}
