/* Any bytes as an Open Enclave report or evidence, as custom claims, and as endorsements. */
#include "intel.h"

static struct endorsements *endorsements;
static struct settings settings;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    settings = SETTINGS_DEFAULT;
    endorsements = fuzz_endorsements();
    return 0;
}

static void as_endorsements(struct bytes text)
{
    struct endorsements *e = endorsements_new(LIMIT_REQUEST_MEMORY);
    struct fault fault = {0};

    must(endorsements_add(e, "fuzz", text, &fault) == (fault.code == FAULT_NONE));
    endorsements_seal(e);
    endorsements_free(e);
}

static void as_custom_claims(struct arena *a, struct bytes text)
{
    struct oe_claim *list;
    size_t count, total = 16;

    if (!oe_custom_claims(a, text, &list, &count))
        return;
    for (size_t i = 0; i < count; i++)
        total += 16 + list[i].name.n + 1 + list[i].value.n;
    must(total == text.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_make(data, size);
    struct arena a;
    struct exam x;

    arena_init(&a, LIMIT_REQUEST_MEMORY);
    fuzz_exam(&x, &a, endorsements, &settings);
    fuzz_verify(&x, oe_decode_file(&x, text, NULL, NULL), &oe_attester);
    as_custom_claims(&a, text);
    as_endorsements(text);
    arena_free(&a);
    return 0;
}
