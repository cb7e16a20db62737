/* Prints src/core/selftest_sample.inc: an Open Enclave report of the simulated platform, with the quote behind its header, a TDX
 * quote, an SEV-SNP report, requests of an Azure guest and of a machine with a TPM, and what vouches for them. The seed makes the same bytes each time, so that a test can compare them with the file. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/text.h"
#include "core/selftest.h"
#include "evidence/tpm_challenge.h"
#include "simulate/simulate.h"

enum { SEED = 4711, MEMORY = 64 * 1024 * 1024, PER_LINE = 16 };

static void put_array(const char *name, struct bytes b)
{
    printf("\nstatic const uint8_t %s[] = {", name);
    for (size_t i = 0; i < b.n; i++)
        printf("%s0x%02x,", i % PER_LINE ? " " : "\n    ", b.p[i]);
    puts("\n};");
}

static _Noreturn void fail(const char *why)
{
    fprintf(stderr, "selftest-sample: %s\n", why);
    exit(EXIT_FAILURE);
}

/* The text of a member in base64. */
static struct bytes decoded(struct arena *a, struct bytes object, const char *name)
{
    const struct json *o;
    struct bytes text;

    if (!json_parse(a, object, NULL, &o, NULL) || !json_text(json_member(o, name), &text) ||
        !base64_decode(a, text, &text, NULL))
        fail(name);
    return text;
}

/* The signature in base64 behind the last `mark`, as bytes, and the text on both sides of it. */
static void put_split(struct arena *a, const char *name, struct bytes text, const char *mark)
{
    size_t at = text.n - strlen(mark);
    struct bytes signature;

    while (at && memcmp(text.p + at, mark, strlen(mark)) != 0)
        at--;
    struct bytes rest = bytes_after(text, at + strlen(mark));
    const uint8_t *end = rest.n ? memchr(rest.p, '"', rest.n) : NULL;
    if (!end || !base64_decode(a, bytes_make(rest.p, (size_t)(end - rest.p)), &signature, NULL))
        fail(mark);
    put_array(arena_printf(a, "%s_before", name), bytes_first(text, at + strlen(mark)));
    put_array(arena_printf(a, "%s_signature", name), signature);
    put_array(arena_printf(a, "%s_after", name), bytes_after(rest, (size_t)(end - rest.p)));
}

/* A challenge as the self-test gives it; it can be answered at its one time for ever. */
static void challenge(struct arena *a, struct simulate_options *o, int64_t time)
{
    static const uint8_t entropy[EXAM_ENTROPY];
    struct sealer sealer = selftest_sealer();
    struct exam x = {.arena = a,
                     .trace = trace_new(a),
                     .issuer = SELFTEST_ISSUER,
                     .sealer = &sealer,
                     .time = time,
                     .entropy = BYTES_OF(entropy)};
    const struct json *message;

    if (!challenge_give(&x) || !json_parse(a, decoded(a, x.reply, "data"), NULL, &message, NULL))
        fail("no challenge");
    message = json_member(message, "payload");
    if (!json_text(json_member(message, "challenge"), &o->challenge) ||
        !base64_decode(a, o->challenge, &o->challenge, NULL) ||
        !json_text(json_member(message, "service_context"), &o->service_context))
        fail("no challenge");
}

static void make(struct arena *a, const struct simulate_options *options, struct simulated *out)
{
    struct fault fault = {0};

    if (!simulate(a, options, out, &fault))
        fail(fault.text);
}

/* What a TPM signs: with the signature, of which the twin has another, by itself. */
static void put_tpm(struct arena *a, int64_t time)
{
    struct simulate_options tpm_options = {
        .kind = SIMULATE_TPM_REQUEST, .seed = SEED, .os = "linux", .variation = "without-ima"};
    const struct simulate_options guest_options = {.kind = SIMULATE_AZURE_GUEST, .seed = SEED, .os = "linux"};
    static const char *const names[] = {"pk", "kek", "db", "dbx"};
    struct simulated guest, tpm;

    make(a, &guest_options, &guest);
    challenge(a, &tpm_options, time);
    make(a, &tpm_options, &tpm);
    put_split(a, "sample_tpm", tpm.evidence, ".");
    put_split(a, "sample_guest", decoded(a, guest.request, "AttestationInfo"), "\"PcrSignature\":\"");
    put_array("sample_aik_issuers", guest.aik_issuers);
    put_array("sample_aik_anchor", BYTES_OF(guest.anchor_spki));
    for (int i = 0; i < 4; i++)
        put_array(arena_printf(a, "sample_secure_boot_%s", names[i]),
                  guest.settings.reference->lists[REFERENCE_SECURE_BOOT_PK + i].v[0]);
}

int main(void)
{
    const struct simulate_options options = {.kind = SIMULATE_OE_REPORT, .seed = SEED};
    const struct simulate_options td_options = {.kind = SIMULATE_TDX, .seed = SEED}; /* the same platform and root */
    const struct simulate_options snp_options = {.kind = SIMULATE_SNP, .seed = SEED};
    struct simulated made, td, snp;
    struct arena a;

    arena_init(&a, MEMORY);
    make(&a, &options, &made);
    make(&a, &td_options, &td);
    make(&a, &snp_options, &snp);
    puts("/* Made by tools/selftest_sample.c; see core/selftest.h. Its keys are known to all. */");
    printf("static const int64_t sample_time = %" PRId64 ";\n", made.time);
    put_array("sample_report", made.evidence);
    put_array("sample_runtime", made.runtime_data);
    put_array("sample_anchor", BYTES_OF(made.anchor_spki));
    put_array("sample_tcb_info", made.tcb_info);
    put_array("sample_identity", made.identity);
    put_array("sample_root_crl", made.root_crl);
    put_array("sample_pck_crl", made.pck_crl);
    put_array("sample_signing_chain", made.signing_chain);
    put_array("sample_td_quote", td.evidence);
    put_array("sample_td_tcb_info", td.tcb_info);
    put_array("sample_td_identity", td.identity);
    put_array("sample_snp_report", snp.report);
    put_array("sample_snp_chain", snp.chain);
    put_array("sample_snp_anchor", BYTES_OF(snp.anchor_spki));
    put_array("sample_snp_crl", snp.crl);
    put_tpm(&a, made.time);
    arena_free(&a);
    return fflush(stdout) || ferror(stdout);
}
