#include <stdlib.h>

#include "base/limits.h"
#include "endorsement/intel/document.h"

static int highest_number_first(const void *a, const void *b)
{
    uint32_t x = ((const struct evaluation_number *)a)->number, y = ((const struct evaluation_number *)b)->number;

    return x < y ? 1 : x > y ? -1 : 0;
}

bool evaluations_decode(struct arena *a, const char *name, struct bytes text, const struct evaluation_list **out,
                        struct fault *fault)
{
    struct document_reader r = {.arena = a, .name = name, .fault = fault};
    struct evaluation_list *e = ARENA_NEW(a, struct evaluation_list);
    const struct json *inner = document_open(&r, text, "tcbEvaluationDataNumbers", &e->document);

    *out = NULL;
    if (!inner)
        return false;
    struct bytes id = document_text(&r, inner, "id");
    e->tee = bytes_is(id, "TDX") ? TEE_TDX : TEE_SGX;
    if (!r.failed && e->tee == TEE_SGX && !bytes_is(id, "SGX"))
        document_fail(&r, "id", "neither SGX nor TDX");
    if (document_number(&r, inner, "version", UINT16_MAX) != 1)
        document_fail(&r, "version", "not 1");
    const struct json *list = document_array(&r, inner, "tcbEvalNumbers", LIMIT_EVALUATION_NUMBERS);
    struct evaluation_number *numbers = list ? ARENA_ARRAY(a, struct evaluation_number, list->count) : NULL;
    JSON_EACH (item, list) {
        struct evaluation_number *n = &numbers[e->count++];

        n->number = (uint32_t)document_number(&r, item, "tcbEvaluationDataNumber", UINT32_MAX);
        n->recovery_event = document_time(&r, item, "tcbRecoveryEventDate");
        n->tcb_date = document_time(&r, item, "tcbDate");
    }
    if (r.failed)
        return false;
    qsort(numbers, e->count, sizeof *numbers, highest_number_first);
    e->numbers = numbers;
    *out = e;
    return true;
}
