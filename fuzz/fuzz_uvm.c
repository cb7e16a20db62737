/* Any bytes as the endorsement of a utility VM, and as the member that carries some: refused by a named check, never accepted
 * for a measurement that nobody endorsed. */
#include "intel.h"

#include "evidence/parts/uvm.h"

static struct settings settings;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    settings = SETTINGS_DEFAULT;
    settings.claim_extensions = true;
    return 0;
}

static void judge(struct exam *x, bool decoded, const struct uvm *uvm)
{
    static const uint8_t zero[SHA384_SIZE];

    must(uvm->count <= LIMIT_UVM_ENDORSEMENTS && decoded == !x->trace->failed);
    if (!decoded)
        return;
    bool accepted = uvm_verify(x, uvm, BYTES_OF(zero));
    must(accepted == (uvm->count == 0) && accepted == !x->trace->failed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_make(data, size);
    struct uvm uvm = {0};
    struct arena a;
    struct exam x;

    arena_init(&a, LIMIT_REQUEST_MEMORY);
    fuzz_exam(&x, &a, NULL, &settings);
    judge(&x, uvm_decode_cose(&x, text, &uvm), &uvm);
    fuzz_exam(&x, &a, NULL, &settings);
    judge(&x, uvm_decode(&x, text, &uvm), &uvm);
    arena_free(&a);
    return 0;
}
