#include "core/record_chain.h"

#include "base/text.h"

void record_chain_add(struct record_chain *c, struct arena *scratch, const struct state_record *r)
{
    struct writer w = wr_open(scratch);

    wr_put(&w, BYTES_OF(c->head));
    wr_u64le(&w, ++c->sequence);
    wr_put(&w, sha256_of(scratch, record_message(scratch, r)));
    sha256(wr_done(&w), c->head);
}

struct bytes checkpoint_message(struct arena *a, const struct checkpoint *c)
{
    struct writer w = wr_open(a);

    wr_text(&w, "assay store checkpoint 1\n");
    wr_u64le(&w, c->chain.sequence);
    wr_put(&w, BYTES_OF(c->chain.head));
    wr_u64le(&w, c->counter);
    wr_u64le(&w, (uint64_t)c->time);
    return wr_done(&w);
}

#define LABEL "assay checkpoint 1 "

struct bytes write_checkpoint(struct arena *a, const struct checkpoint *c, struct bytes signature)
{
    struct writer w = wr_open(a);

    wr_text(&w, LABEL);
    wr_decimal(&w, c->chain.sequence);
    wr_u8(&w, ' ');
    wr_hex(&w, BYTES_OF(c->chain.head));
    wr_u8(&w, ' ');
    wr_decimal(&w, c->counter);
    wr_u8(&w, ' ');
    wr_decimal(&w, (uint64_t)c->time);
    wr_u8(&w, ' ');
    wr_hex(&w, signature);
    wr_u8(&w, '\n');
    return wr_done(&w);
}

static struct bytes word(struct bytes *rest, uint8_t end)
{
    const uint8_t *found = rest->n ? memchr(rest->p, end, rest->n) : NULL;
    struct bytes out = bytes_first(*rest, found ? (size_t)(found - rest->p) : 0);

    *rest = found ? bytes_after(*rest, out.n + 1) : BYTES_NONE;
    return out;
}

/* Digits alone, and no zero before them: each checkpoint has one form. */
static bool number(struct bytes digits, uint64_t *out)
{
    *out = 0;
    if (digits.n == 0 || digits.n > 18 || (digits.n > 1 && digits.p[0] == '0'))
        return false;
    for (size_t i = 0; i < digits.n; i++) {
        if (digits.p[i] < '0' || digits.p[i] > '9')
            return false;
        *out = *out * 10 + (uint64_t)(digits.p[i] - '0');
    }
    return true;
}

bool read_checkpoint(struct arena *a, struct bytes text, struct checkpoint *out, struct bytes *signature)
{
    struct bytes rest = bytes_after(text, sizeof LABEL - 1), sequence = word(&rest, ' '), head = word(&rest, ' '),
                 counter = word(&rest, ' '), time = word(&rest, ' '), seal = word(&rest, '\n'), bytes;
    uint64_t seconds = 0;

    *out = (struct checkpoint){0};
    if (!bytes_begin(text, LABEL) || rest.n || !number(sequence, &out->chain.sequence) ||
        !number(counter, &out->counter) || !number(time, &seconds) || !hex_decode(a, head, &bytes) ||
        bytes.n != SHA256_SIZE || !hex_decode(a, seal, signature) || signature->n != ED25519_SIGNATURE)
        return false;
    memcpy(out->chain.head, bytes.p, SHA256_SIZE);
    out->time = (int64_t)seconds;
    return true;
}
