/* What a service and its publisher say with their keys: the key set, a token, the list of measurements. */
#include "base/clock.h"
#include "base/text.h"
#include "crypto/pem.h"
#include "evidence/snp.h"
#include "evidence/tdx.h"
#include "simulate/service_parts.h"

enum { HOUR = 3600, DAY = 86400, LIFETIME = 8 * HOUR };

static struct bytes kid(struct service_making *m, enum service_rsa_key key)
{
    return base64_encode(m->arena, sha256_of(m->arena, service_key_text(m, key)));
}

/* Under which the key is listed, and which the token names. */
static struct bytes listed_kid(struct service_making *m)
{
    return kid(m, service_fault(m, "trust.key.kid") ? SERVICE_STRANGER : SERVICE_OWN);
}

static void put_text(struct writer *w, const char *before, struct bytes text, const char *after)
{
    wr_text(w, before);
    wr_put(w, text);
    wr_text(w, after);
}

void service_key_set(struct service_making *m)
{
    struct writer w = wr_open(m->arena);
    struct bytes x5c = base64_encode(m->arena, m->out->certificate);

    put_text(&w, "{\"keys\":[{\"x5c\":[\"", x5c, "\"");
    if (service_fault(m, "trust.key.alone"))
        put_text(&w, ",\"", x5c, "\"");
    put_text(&w, "],\"kid\":\"", listed_kid(m), "\",\"kty\":\"RSA\"}]}");
    m->out->jwks = wr_done(&w);
}

static struct bytes signing_input(struct arena *a, struct bytes header, struct bytes payload)
{
    struct writer w = wr_open(a);

    wr_base64url(&w, header);
    wr_u8(&w, '.');
    wr_base64url(&w, payload);
    return wr_done(&w);
}

static struct bytes compact(struct arena *a, struct bytes input, struct bytes signature)
{
    struct writer w = wr_open(a);

    wr_put(&w, input);
    wr_u8(&w, '.');
    wr_base64url(&w, signature);
    return wr_done(&w);
}

void service_token(struct service_making *m)
{
    struct arena *a = m->arena;
    struct writer header = wr_open(a), payload = wr_open(a);
    int64_t from = m->options->time - HOUR, until = from + LIFETIME;
    bool strange = service_fault(m, "trust.token.signature");

    put_text(&header, "{\"alg\":\"RS256\",\"kid\":\"",
             service_fault(m, "trust.key.listed") ? kid(m, SERVICE_STRANGER) : listed_kid(m), "\",\"typ\":\"JWT\"}");
    if (service_fault(m, "trust.token.dates"))
        until = m->options->time - HOUR / 2;
    if (service_fault(m, "trust.token.dates:early"))
        from = m->options->time + HOUR;
    if (service_fault(m, "trust.measurement.not_retired:backdated"))
        from = m->options->time - 20 * DAY;
    if (!service_fault(m, "trust.token.dates:endless"))
        wr_printf(&payload, "{\"exp\":%lld,", (long long)until);
    else
        wr_text(&payload, "{");
    wr_printf(&payload, "\"iat\":%lld,\"iss\":\"%s\",\"nbf\":%lld}", (long long)from,
              service_fault(m, "trust.token.issuer") ? "https://other.simulated.example" : SIMULATED_SERVICE,
              (long long)from);
    /* What is listed under no name that fits is signed by a stranger all the same. */
    strange = strange || service_fault(m, "trust.key.listed");
    struct bytes input = signing_input(a, wr_done(&header), wr_done(&payload));
    m->out->token = compact(a, input, service_sign(m, m->rsa[strange ? SERVICE_STRANGER : SERVICE_OWN], input));
}

/* The values of a record, as JSON: what the evidence measures. */
static struct bytes values(struct service_making *m)
{
    struct arena *a = m->arena;
    struct bytes evidence = m->out->hardware.evidence, code = BYTES_NONE;
    const char *name = "mrenclave", *more = "";
    struct writer w = wr_open(a);
    struct quote quote = {0};

    if (m->options->host == SIMULATE_HOST_SNP) {
        struct snp_report report;

        snp_report_read(a, m->out->hardware.report, &report);
        name = "measurement";
        code = report.measurement;
        more = arena_printf(a, ",\"host_data\":\"%s\"", arena_string(a, hex_encode(a, report.host_data)));
    } else if (m->options->host == SIMULATE_HOST_TDX) {
        struct td_report report;

        m->failed |= !quote_read(evidence, &quote) || !td_report_read(quote.body, &report);
        name = "mrtd";
        code = report.mrtd;
        for (int i = 0; i < TD_RTMR_COUNT; i++)
            more = arena_printf(a, "%s,\"rtmr%d\":\"%s\"", more, i, arena_string(a, hex_encode(a, report.rtmr[i])));
    } else {
        struct sgx_report report;

        m->failed |= !quote_read(evidence, &quote);
        struct reader r = rd_open(quote.body);
        sgx_report_read(&r, &report);
        code = report.mrenclave;
        more = arena_printf(a, ",\"product_id\":%u,\"svn\":%u", report.isv_prod_id, report.isv_svn);
    }
    if (service_fault(m, "trust.measurement.announced"))
        code = arena_copy(a, bytes_make("another measurement of another release, as it were", code.n));
    if (service_fault(m, "trust.measurement.whole"))
        more = "";
    wr_printf(&w, "{\"%s\":\"", name);
    wr_hex(&w, code);
    wr_printf(&w, "\"%s}", more);
    return wr_done(&w);
}

static void put_record(struct service_making *m, struct writer *w, const char *version, struct bytes v,
                       const int64_t days[3])
{
    static const char *const kinds[] = {"sgx", "sgx", "tdx", "snp"};
    static const char *const times[] = {"announced", "usable_from", "retired_after"};

    wr_printf(w, "{\"component\":\"assay\",\"version\":\"%s\",\"kind\":\"%s\",\"planned\":true,\"values\":", version,
              kinds[m->options->host]);
    wr_put(w, v);
    for (size_t i = 0; i < 3; i++) {
        char text[32];

        if (days[i] == INT64_MAX)
            continue;
        time_format(m->options->time + days[i] * DAY, text);
        wr_printf(w, ",\"%s\":\"%s\"", times[i], text);
    }
    wr_text(w, "}");
}

/* The release that runs, and the one before it; in days from now: announced, usable, retired. */
static struct bytes list_payload(struct service_making *m, struct bytes current)
{
    int64_t before[3] = {-400, -400, -10}, now[3] = {-100, -30, INT64_MAX};
    static const char other[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    static const char *const names[] = {"mrenclave", "mrenclave", "mrtd", "measurement"};
    bool is_long = m->options->host >= SIMULATE_HOST_TDX;
    struct writer w = wr_open(m->arena), old = wr_open(m->arena);
    char text[32];

    if (service_fault(m, "trust.measurement.schedule"))
        now[1] = -90;
    if (service_fault(m, "trust.measurement.schedule:retired"))
        before[2] = 30;
    if (service_fault(m, "trust.measurement.usable"))
        now[1] = 3;
    if (service_fault(m, "trust.measurement.not_retired") ||
        service_fault(m, "trust.measurement.not_retired:backdated"))
        now[2] = -1;
    wr_printf(&old, "{\"%s\":\"%s%.*s\"}", names[m->options->host], other, is_long ? 32 : 0, other);
    time_format(m->options->time - DAY, text);
    wr_printf(&w, "{\"issued\":\"%s\",\"measurements\":[", text);
    put_record(m, &w, "1.0.0", wr_done(&old), before);
    wr_text(&w, ",");
    put_record(m, &w, "1.1.0", current, now);
    wr_text(&w, "]}");
    return wr_done(&w);
}

void service_list(struct service_making *m)
{
    struct arena *a = m->arena;
    bool changed = service_fault(m, "trust.measurement.signature:changed");
    struct bytes header = BYTES_LIT("{\"alg\":\"ES256\",\"typ\":\"assay-measurements+jws\"}");
    struct bytes input = signing_input(a, header, list_payload(m, values(m)));
    EVP_PKEY *key = m->ec[service_fault(m, "trust.measurement.signature") ? SERVICE_FORGER : SERVICE_RELEASE];
    /* What was signed said less of the same release. */
    struct bytes signed_input = changed ? signing_input(a, header, list_payload(m, BYTES_LIT("{}"))) : input;

    m->out->list = compact(a, input, key_sign(a, key, signed_input));
    m->out->release_key = pem_encode(a, "PUBLIC KEY", service_spki(m, m->ec[SERVICE_RELEASE]));
}
