#include "merkle/cosign.h"

enum { TIME_SIZE = 8, COSIGNATURE = TIME_SIZE + ED25519_SIGNATURE };
#define TIME_MOST 253402300799 /* the end of the year 9999: no form of a time goes further */

struct bytes cosign_text(struct arena *a, struct bytes text, int64_t time)
{
    struct writer w = wr_open(a);

    wr_text(&w, "cosignature/v1\ntime ");
    wr_decimal(&w, (uint64_t)time);
    wr_u8(&w, '\n');
    wr_put(&w, text);
    return wr_done(&w);
}

bool cosign(struct arena *a, struct bytes text, const struct log_key *witness, const uint8_t seed[ED25519_SEED],
            int64_t time, struct bytes *line)
{
    uint8_t own[ED25519_PUBLIC], out[COSIGNATURE];

    if (!witness->cosigns || time < 0 || time > TIME_MOST || !ed25519_public(seed, own) ||
        !bytes_equal(BYTES_OF(own), BYTES_OF(witness->key)) ||
        !ed25519_sign(seed, cosign_text(a, text, time), out + TIME_SIZE))
        return false;
    for (unsigned i = 0; i < TIME_SIZE; i++)
        out[i] = (uint8_t)((uint64_t)time >> 8 * (TIME_SIZE - 1 - i));
    *line = note_line(a, witness, BYTES_OF(out));
    return true;
}

bool cosign_add(struct arena *a, struct bytes note, struct bytes lines, struct bytes *out)
{
    struct bytes text;
    struct writer w = wr_open(a);

    if (!note_text(note, &text) || note.n + lines.n > LOG_NOTE_MOST)
        return false;
    wr_put(&w, note);
    wr_put(&w, lines);
    *out = wr_done(&w);
    return true;
}

bool cosign_line(struct arena *a, struct bytes note, const struct log_key *witness, struct bytes *line)
{
    struct bytes text, signature;

    if (!witness->cosigns || !note_split(a, note, witness, &text, &signature))
        return false;
    *line = note_line(a, witness, signature);
    return true;
}

bool cosign_drop(struct arena *a, struct bytes note, const struct log_key *witness, struct bytes *out)
{
    struct bytes text, signature;
    struct writer w = wr_open(a);

    if (!note_text(note, &text))
        return false;
    wr_put(&w, bytes_first(note, text.n + 1));
    for (struct bytes rest = bytes_after(note, text.n + 1); rest.n;) {
        const uint8_t *end = memchr(rest.p, '\n', rest.n);
        struct bytes line = bytes_first(rest, end ? (size_t)(end - rest.p) + 1 : rest.n);
        struct writer alone = wr_open(a); /* a note of this line only, which note_split tells whose it is */

        wr_text(&alone, "\n\n");
        wr_put(&alone, line);
        if (!note_split(a, wr_done(&alone), witness, &text, &signature))
            wr_put(&w, line);
        rest = bytes_after(rest, line.n);
    }
    *out = wr_done(&w);
    return true;
}

bool cosign_verify(struct arena *a, struct bytes note, const struct log_key *witness, int64_t *time)
{
    struct bytes text, signature;

    if (!witness->cosigns || !note_split(a, note, witness, &text, &signature) || signature.n != COSIGNATURE)
        return false;
    struct reader r = rd_open(signature);
    uint64_t high = rd_u32be(&r), low = rd_u32be(&r), at = high << 32 | low;
    if (at > TIME_MOST || !ed25519_verify(witness->key, cosign_text(a, text, (int64_t)at), rd_rest(&r)))
        return false;
    *time = (int64_t)at;
    return true;
}
