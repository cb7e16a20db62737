/* Requests of Azure guests: AttestationInfo as text; its parts in bytes, put together here so that changes reach what stands behind
 * the base64; and a log by itself, for the claims that are made of it. */
#include "intel.h"

#include "base/text.h"
#include "evidence/azure_guest.h"
#include "evidence/azure_guest_claims.h"

enum { FORM_TEXT, FORM_PARTS, FORM_LOG, PARTS = 12 };

static struct endorsements *endorsements;
static struct settings settings;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    settings = SETTINGS_DEFAULT;
    endorsements = fuzz_endorsements_tdx();
    return 0;
}

/* A member in base64. */
static void wr_part(struct arena *a, struct writer *w, const char *name, struct bytes part)
{
    wr_printf(w, "\"%s\":\"", name);
    wr_put(w, base64_encode(a, part));
    wr_text(w, "\",");
}

static void wr_registers(struct arena *a, struct writer *w, struct bytes values)
{
    wr_text(w, "\"PcrSet\":[0");
    for (unsigned i = 1; i < values.n / SHA256_SIZE && i < TPM_PCRS; i++)
        wr_printf(w, ",%u", i);
    wr_text(w, "],\"PCRs\":[");
    for (unsigned i = 0; i < values.n / SHA256_SIZE && i < TPM_PCRS; i++) {
        wr_printf(w, "%s{\"Index\":%u,\"Digest\":\"", i ? "," : "", i);
        wr_put(w, base64_encode(a, bytes_first(bytes_after(values, (size_t)i * SHA256_SIZE), SHA256_SIZE)));
        wr_text(w, "\"}");
    }
    wr_text(w, "]}");
}

/* Two bytes of length before each part. */
static struct bytes assembled(struct arena *a, struct bytes data)
{
    static const char *const names[] = {"AikCert",
                                        "AikPub",
                                        "PcrQuote",
                                        "PcrSignature",
                                        "EncKeyPub",
                                        "EncKeyCertifyInfo",
                                        "EncKeyCertifyInfoSignature"};
    static const char *const kinds[] = {"TrustedLaunch", "SevSnp", "Tdx"};
    struct reader r = rd_open(data);
    struct bytes part[PARTS];
    struct writer w = wr_open(a);
    unsigned kind = rd_u8(&r) % 3;

    for (int i = 0; i < PARTS; i++)
        part[i] = rd_take(&r, rd_u16le(&r));
    wr_text(&w, "{\"AttestationProtocolVersion\":\"2.0\",");
    wr_part(a, &w, "OSType", part[0]);
    wr_part(a, &w, "TcgLogs", part[1]);
    wr_text(&w, "\"OSVersionMajor\":10,\"OSVersionMinor\":\"0\",\"TpmInfo\":{");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        wr_part(a, &w, names[i], part[2 + i]);
    wr_registers(a, &w, part[9]);
    wr_printf(&w, ",\"IsolationInfo\":{\"Type\":\"%s\",\"Evidence\":{", kinds[kind]);
    wr_part(a, &w, "Proof", part[10]);
    wr_text(&w, "\"RunTimeData\":\"");
    wr_put(&w, base64_encode(a, part[11]));
    wr_text(&w, "\"}}}");
    return wr_done(&w);
}

static void as_request(struct arena *a, struct bytes info)
{
    struct writer w = wr_open(a);
    enum check_id missing;
    struct exam x;

    wr_text(&w, "{\"AttestationInfo\":\"");
    wr_base64url(&w, info);
    wr_text(&w, "\"}");
    fuzz_exam(&x, a, endorsements, &settings);
    x.time = FUZZ_TIME_TDX;
    bool decoded = guest_decode_file(&x, wr_done(&w));
    fuzz_verify(&x, decoded, &guest_attester);
    if (!x.trace->failed)
        must(!x.required || trace_complete(x.trace, x.required, &missing));
}

/* As if a quote covered it. */
static void as_log(struct arena *a, struct bytes log)
{
    struct guest_evidence *e = ARENA_NEW(a, struct guest_evidence);
    struct exam x;

    fuzz_exam(&x, a, endorsements, &settings);
    if (!measured_add(&x, &e->measured, log, false))
        return;
    e->request.pcr_set = (1u << TPM_PCRS) - 1;
    guest_claims(&x, e);
    must(claims_find(&x.incoming, BYTES_LIT("secureboot")) && claims_find(&x.incoming, BYTES_LIT("x-ms-runtime")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_make(data, size);
    struct arena a;

    if (size == 0)
        return 0;
    arena_init(&a, LIMIT_REQUEST_MEMORY);
    if (data[0] % 3 == FORM_TEXT)
        as_request(&a, bytes_after(text, 1));
    else if (data[0] % 3 == FORM_PARTS)
        as_request(&a, assembled(&a, bytes_after(text, 1)));
    else
        as_log(&a, bytes_after(text, 1));
    arena_free(&a);
    return 0;
}
