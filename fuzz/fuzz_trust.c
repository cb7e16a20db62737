/* A service's key set with certificates that carry evidence, and a list of measurements; a zero byte parts them. Whatever they are there is one verdict,
 * told in words and as JSON, and nothing is accepted without a measurement that was announced. */
#include <stdlib.h>

#include "base/limits.h"
#include "trust/trust.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct endorsements *none;
static struct arena arena;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    none = endorsements_new(LIMIT_REQUEST_MEMORY);
    endorsements_seal(none);
    arena_init(&arena, LIMIT_TOOL_MEMORY);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes all = bytes_make(data, size);
    const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
    struct bytes jwks = bytes_first(all, zero ? (size_t)(zero - data) : size), list = bytes_after(all, jwks.n + 1);
    const struct trust_rules rules = {.appraisal = SETTINGS_DEFAULT, .allow_debug = true, .allow_short_key = true};
    const struct records_exam x = {.arena = &arena, .trace = trace_new(&arena)};
    struct trust_question q = {.arena = &arena,
                               .service = BYTES_LIT("https://sharedwus.wus.attest.azure.net"),
                               .jwks = jwks,
                               .list = list,
                               .endorsements = none,
                               .rules = &rules,
                               .time = 1668716909};
    struct trust_result result;
    struct records records;

    if (trust_judge(&q, &result))
        abort(); /* no endorsement is at hand */
    json_print(&arena, trust_json(&q, &result), JSON_IN_ORDER);
    for (size_t i = 0; i < result.count; i++)
        for (int step = 0; step < TRUST_STEPS; step++)
            trust_step_text(&arena, &result.keys[i], (enum trust_step)step);
    if (records_read(&x, list, NULL, &records))
        records_payload(&arena, &records);
    arena_reset(&arena);
    return 0;
}
