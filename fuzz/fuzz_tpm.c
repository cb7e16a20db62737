/* Any bytes as structures of a TPM, as the certificate of its key, as an attestation object and as a credential: what is read lies
 * within what was given, what is refused is refused by a named check. */
#include "intel.h"

#include "evidence/parts/credential.h"
#include "evidence/tpm_file.h"

static struct endorsements *endorsements;
static struct settings settings;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    settings = SETTINGS_DEFAULT;
    settings.aik_required = false; /* or nothing behind it would be reached */
    settings.required_pcrs = 0;
    endorsements = endorsements_new(LIMIT_REQUEST_MEMORY);
    endorsements_seal(endorsements);
    return 0;
}

static void as_public(struct arena *a, struct bytes b)
{
    struct tpm_public p, again;
    struct bytes rest;

    if (!tpm_public_read_first(a, b, &p, &rest, NULL))
        return;
    must(p.bytes.n <= b.n && rest.n < b.n);
    must(!p.name.n || p.name.n == 2 + tpm_alg_size(p.name_alg));
    must(tpm_public_read(a, p.bytes, &again, NULL) && bytes_equal(p.name, again.name));
    must(tpm_public_read(a, b, &again, NULL) == (rest.n == 0));
}

static void as_attest(struct arena *a, struct bytes b)
{
    struct tpm_attest t;
    struct tpm_pcrs none = {0};
    uint8_t digest[DIGEST_MAX];

    if (!tpm_attest_read(a, b, &t, NULL))
        return;
    must(t.selection.count <= TPM_BANKS && t.extra_data.n <= b.n && t.pcr_digest.n <= b.n);
    must(t.type == TPM_ATTEST_QUOTE || (!t.pcr_digest.n && !t.selection.count));
    bool quoted = false;
    for (size_t i = 0; i < t.selection.count; i++)
        quoted |= t.selection.banks[i].mask != 0;
    must(tpm_pcrs_digest(&none, &t.selection, DIGEST_SHA256, digest) == !quoted);
}

static void as_signature(struct arena *a, struct bytes b)
{
    struct tpm_signature s;
    struct fault fault = {0};

    if (tpm_signature_read(a, b, &s, &fault))
        must(s.value.n <= b.n + 96 && (s.alg != 0x0018 || s.value.n % 2 == 0));
    else
        must(fault.code && *fault.text);
}

static void as_certificate(struct arena *a, struct bytes b)
{
    struct fault fault = {0};
    struct exam x;
    struct aik aik;
    struct ek ek;

    fuzz_exam(&x, a, endorsements, &settings);
    if (aik_decode(&x, b, &aik) && aik.leaf) {
        struct tpm_device d = tpm_device_read(aik.leaf);

        must(d.model.n <= b.n && d.manufacturer.n <= b.n);
        must(aik_verify(&x, &aik, true, NULL) == !x.trace->failed);
    }
    must(!b.n || ek_verify(a, NULL, endorsements, b, x.time, &ek, &fault) || *fault.text);
}

static void as_credential(struct arena *a, struct bytes b)
{
    struct credential c;
    struct fault fault = {0};

    if (credential_read(a, b, &c, &fault))
        must(bytes_equal(credential_write(a, &c), b));
    else
        must(*fault.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes b = bytes_make(data, size);
    struct arena a;
    struct exam x;

    arena_init(&a, LIMIT_REQUEST_MEMORY);
    as_public(&a, b);
    as_attest(&a, b);
    as_signature(&a, b);
    as_certificate(&a, b);
    as_credential(&a, b);
    fuzz_exam(&x, &a, endorsements, &settings);
    fuzz_verify(&x, tpm_decode_file(&x, b, BYTES_NONE, NULL), &tpm_file_attester);
    arena_free(&a);
    return 0;
}
