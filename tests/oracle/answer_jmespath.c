/* Our answers to JMESPath queries, in bulk: on standard input pairs of query and document, each a 32-bit length (little endian)
 * and its bytes; on standard output for each pair one letter, a length and the text. V: the value as compact JSON; E: the
 * reason of an error; L: the reason where a limit ended it, which nothing that is compared here should meet. */
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "policy/jmespath.h"

enum { MEMORY = 64 * 1024 * 1024, TEXT_MAX = 1024 * 1024, STEPS = 1000000 };

/* One text into its buffer; false at the end of the input. */
static bool read_text(uint8_t *buffer, struct bytes *out)
{
    uint8_t length[4];

    if (fread(length, 1, sizeof length, stdin) != sizeof length)
        return false;
    struct reader r = rd_open(bytes_make(length, sizeof length));
    size_t n = rd_u32le(&r);
    if (n > TEXT_MAX || fread(buffer, 1, n, stdin) != n) {
        fprintf(stderr, "the input ends inside a pair, or a text is too long\n");
        exit(EXIT_FAILURE);
    }
    *out = bytes_make(buffer, n);
    return true;
}

static void answer(char letter, struct bytes text)
{
    uint8_t length[4] = {(uint8_t)text.n, (uint8_t)(text.n >> 8), (uint8_t)(text.n >> 16), (uint8_t)(text.n >> 24)};

    putchar(letter);
    fwrite(length, 1, sizeof length, stdout);
    fwrite(text.p, 1, text.n, stdout);
}

int main(void)
{
    static uint8_t query_text[TEXT_MAX], document_text[TEXT_MAX];
    struct bytes query, document, text;
    struct arena a;

    arena_init(&a, MEMORY);
    for (; read_text(query_text, &query) && read_text(document_text, &document); arena_reset(&a)) {
        const struct jmespath *compiled;
        const struct json *given, *found;
        struct fault fault = {0};
        size_t budget = STEPS;

        if (!json_parse(&a, document, NULL, &given, &fault)) {
            fprintf(stderr, "a document is not JSON: %s\n", fault.text);
            return EXIT_FAILURE;
        }
        if (jmespath_compile(&a, query, &compiled, &fault) &&
            jmespath_search(compiled, given, &a, &budget, &found, &fault) &&
            jmespath_text(found, &a, &budget, &text, &fault))
            answer('V', text);
        else
            answer(fault.code == FAULT_LIMIT ? 'L' : 'E', bytes_text(fault.text));
    }
    arena_free(&a);
    return EXIT_SUCCESS;
}
