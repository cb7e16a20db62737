/* What is kept of decisions, on its way to the disk and back: what is read is written again as it was, and nothing that was made up opens. */
#include <stdlib.h>

#include "core/keeping.h"
#include "crypto/cms.h"

static const char key_pem[] = "-----BEGIN PRIVATE KEY-----\n"
                              "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgMzB+iqQJDgaVZErG\n"
                              "d4eqb/lx3bf24ZfA4UsYW9flAdKhRANCAATezIqjGfjERMfBoLvVe3E+5MJkLQJM\n"
                              "CifP/J6Mm4iNjHXV+9RY5pR5mMCO17az9pOc5HA4elXwbja2w6brLx97\n"
                              "-----END PRIVATE KEY-----\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(struct bytes written, struct bytes input)
{
    if (!bytes_equal(written, input))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct cms_key *key;
    struct bytes input = bytes_make(data, size), opened;
    struct kept_inputs inputs;
    struct keep_request request;
    struct keep_order order;
    struct keeping keeping;
    struct arena a;

    if (!key)
        key = cms_key_read(BYTES_LIT(key_pem), NULL);
    if (!key)
        abort();
    arena_init(&a, 1u << 26);
    if (read_keeping(input, &keeping))
        same(write_keeping(&a, &keeping), input);
    if (read_keep_request(input, &request))
        same(write_keep_request(&a, &request), input);
    if (read_keep_order(input, &order))
        same(write_keep_order(&a, &order), input);
    if (read_kept_inputs(input, &inputs))
        same(write_kept_inputs(&a, &inputs), input);
    cms_open(&a, key, input, &opened, NULL);
    arena_free(&a);
    return 0;
}
