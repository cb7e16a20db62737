#include "endorsement/intel/document.h"

enum { MISCSELECT_SIZE = 4, ATTRIBUTES_SIZE = 16, MRSIGNER_SIZE = 32 };

static bool kind_by_name(struct bytes id, enum identity_kind *out)
{
    static const char *const names[] = {
        [IDENTITY_QE] = "QE", [IDENTITY_TD_QE] = "TD_QE", [IDENTITY_QVE] = "QVE", [IDENTITY_QAE] = "QAE"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (bytes_is(id, names[i])) {
            *out = (enum identity_kind)i;
            return true;
        }
    return false;
}

bool identity_decode(struct arena *a, const char *name, struct bytes text, const struct enclave_identity **out,
                     struct fault *fault)
{
    struct document_reader r = {.arena = a, .name = name, .fault = fault};
    struct enclave_identity *e = ARENA_NEW(a, struct enclave_identity);
    const struct json *inner = document_open(&r, text, "enclaveIdentity", &e->document);

    *out = NULL;
    if (!inner)
        return false;
    if (document_number(&r, inner, "version", UINT16_MAX) != 2)
        document_fail(&r, "version", "not 2");
    struct bytes id = document_text(&r, inner, "id");
    if (!r.failed && !kind_by_name(id, &e->kind))
        document_fail(&r, "id", "none of QE, TD_QE, QVE, QAE");
    e->document.evaluation = (uint32_t)document_number(&r, inner, "tcbEvaluationDataNumber", UINT32_MAX);
    e->miscselect = document_hex(&r, inner, "miscselect", MISCSELECT_SIZE);
    e->miscselect_mask = document_hex(&r, inner, "miscselectMask", MISCSELECT_SIZE);
    e->attributes = document_hex(&r, inner, "attributes", ATTRIBUTES_SIZE);
    e->attributes_mask = document_hex(&r, inner, "attributesMask", ATTRIBUTES_SIZE);
    e->mrsigner = document_hex(&r, inner, "mrsigner", MRSIGNER_SIZE);
    e->isv_prod_id = (uint16_t)document_number(&r, inner, "isvprodid", UINT16_MAX);
    if (!r.failed)
        e->levels = document_svn_levels(&r, inner, &e->level_count);
    if (r.failed)
        return false;
    *out = e;
    return true;
}
