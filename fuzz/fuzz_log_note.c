/* Checkpoints, keys and proofs of logs: what is read is written again as it was, and nothing is accepted by a key that did not
 * sign it. */
#include <stdlib.h>

#include "merkle/proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(struct arena *a, struct bytes input, const struct log_key *key)
{
    struct log_exam x = {.arena = a, .trace = trace_new(a), .key = key};
    struct bytes text, signature;
    struct log_proof proof;

    if (log_judge_checkpoint(&x, input))
        abort(); /* nobody has this key's private half */
    if (note_split(a, input, key, &text, &signature) && (signature.n == 0 || text.n >= input.n))
        abort();
    struct log_key witness = *key;
    witness.cosigns = true;
    int64_t time;
    if (cosign_verify(a, input, &witness, &time))
        abort();
    if (cosign_line(a, input, &witness, &text) && (!bytes_begin(text, "\xe2\x80\x94 ") || text.n > input.n))
        abort();
    if (!log_proof_read(a, input, &proof))
        return;
    if (!bytes_equal(log_proof_write(a, &proof), input))
        abort();
    x.trace = trace_new(a);
    if (log_judge_inclusion(&x, &proof))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_make(data, size);
    struct log_key key = {.name = BYTES_LIT("node-1")}, read;
    struct checkpoint c;
    struct arena a;

    arena_init(&a, 1u << 26);
    for (uint8_t i = 0; i < ED25519_PUBLIC; i++)
        key.key[i] = i;
    judge(&a, input, &key);
    if (checkpoint_parse(input, &c) && !bytes_equal(checkpoint_text(&a, &c), input))
        abort();
    if (log_key_parse(&a, input, &read) && !bytes_equal(log_key_text(&a, &read), bytes_trim_end(input)))
        abort();
    if (witness_key_parse(&a, input, &read) && !bytes_equal(log_key_text(&a, &read), bytes_trim_end(input)))
        abort();
    arena_free(&a);
    return 0;
}
