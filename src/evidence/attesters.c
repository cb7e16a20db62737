#include "evidence/attester.h"

static const struct attester *const attesters[] = {&sgx_attester, &oe_attester,    &tdx_attester,
                                                   &snp_attester, &guest_attester, &tpm_attester};

enum { ATTESTERS = sizeof attesters / sizeof *attesters };

const struct attester *attester_at(size_t i)
{
    return i < ATTESTERS ? attesters[i] : NULL;
}

const struct attester *attester_find(struct bytes path)
{
    for (size_t i = 0; i < ATTESTERS; i++)
        if (bytes_is_nocase(path, attesters[i]->path))
            return attesters[i];
    return NULL;
}
