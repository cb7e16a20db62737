/* Any bytes as the report of Azure's paravisor, and as runtime claims: refused by a named check, or every check was made. */
#include "intel.h"

#include "evidence/hcl.h"
#include "evidence/parts/hcl_report.h"

static struct endorsements *endorsements;
static struct settings settings;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    settings = SETTINGS_DEFAULT;
    endorsements = endorsements_new(LIMIT_REQUEST_MEMORY);
    endorsements_seal(endorsements);
    return 0;
}

static void as_report(struct arena *a, struct bytes b)
{
    struct fault fault = {0};
    struct hcl_report r;

    if (!hcl_report_read(b, &r, &fault)) {
        must(*fault.text);
        return;
    }
    must(r.hardware.n == HCL_HARDWARE_SIZE && r.claims.p == b.p + HCL_CLAIMS_AT);
    must(r.size == HCL_CLAIMS_AT + r.claims.n && r.size + r.tail.n == b.n && bytes_all_zero(r.tail));
    must(hcl_report_data(&r).n == (r.type == HCL_SNP || r.type == HCL_TDX ? HCL_REPORT_DATA_SIZE : 0));
    (void)a;
}

static void as_claims(struct arena *a, struct bytes b)
{
    struct fault fault = {0};
    struct hcl_claims c;

    if (!hcl_claims_read(a, b, &c, &fault)) {
        must(*fault.text);
        return;
    }
    must(c.json->kind == JSON_OBJECT && (c.attestation_key.kind == KEY_NONE || c.attestation_key.kind == KEY_RSA));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_make(data, size);
    struct arena a;
    struct exam x;

    arena_init(&a, LIMIT_REQUEST_MEMORY);
    as_report(&a, text);
    as_claims(&a, text);
    fuzz_exam(&x, &a, endorsements, &settings);
    x.time = FUZZ_TIME_TDX;
    fuzz_verify(&x, hcl_decode_file(&x, text, BYTES_NONE), &hcl_attester);
    arena_free(&a);
    return 0;
}
