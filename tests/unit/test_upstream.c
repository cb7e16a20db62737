/* Requests to each source of endorsements, and what their answers are taken apart into (sgx-tdx.md 11, snp-cvm.md 1.10, 1.11). */
#include "arena_test.h"

#include "collateral/upstream.h"

#define HWID_64                                                                                                  \
    "3ac3fe21e13fb0990eb28a802e3fb6a29483a6b0753590c951bdd3b8e53786184ca39e359669a2b76a1936776b564ea464cdce40c0" \
    "5f63c9b610c5068b006b5d"

static const char pem[] = "-----BEGIN CERTIFICATE-----\nMII+/=\n-----END CERTIFICATE-----\n";

static struct upstream source(struct arena *a, const char *text)
{
    struct fault fault = {0};
    struct upstream u;

    if (!upstream_parse(a, bytes_text(text), &u, &fault))
        fail_msg("%s: %s", text, fault.text);
    return u;
}

static void asks(struct arena *a, const char *from, const struct want *w, const char *const urls[UPSTREAM_TRIES])
{
    struct upstream u = source(a, from);
    struct upstream_request r[UPSTREAM_TRIES];

    assert_true(upstream_serves(&u, w));
    size_t n = upstream_requests(a, &u, w, r);
    for (size_t i = 0; i < UPSTREAM_TRIES; i++) {
        if (!urls[i]) {
            assert_int_equal(n, i);
            return;
        }
        assert_true(i < n);
        assert_string_equal(r[i].url, urls[i]);
        assert_int_equal(r[i].metadata, u.shape == UPSTREAM_THIM);
    }
    assert_int_equal(n, UPSTREAM_TRIES);
}

static struct want wanted(const char *text, enum want_kind kind)
{
    struct want w[WANTS_OF_PLATFORM];
    size_t n = wants_parse(bytes_text(text), w);

    for (size_t i = 0; i < n; i++)
        if (w[i].kind == kind)
            return w[i];
    fail_msg("%s asks for no such thing", text);
    return w[0];
}

static void what_pcs_is_asked(void **state)
{
    (void)state;
    struct arena *a = &arena;
    struct want tcb = wanted("intel/sgx/00906ed50000/processor", WANT_TCB_INFO),
                old = wanted("intel/tdx/50806f000000/platform/17", WANT_TCB_INFO),
                qe = wanted("intel/tdx/50806f000000/platform/17", WANT_IDENTITY),
                crl = wanted("intel/sgx/00906ed50000/processor", WANT_PCK_CRL),
                root = wanted("intel/sgx/00906ed50000/processor", WANT_ROOT_CRL),
                numbers = {.kind = WANT_EVALUATIONS, .tee = TEE_TDX};
#define PCS "https://api.trustedservices.intel.com"

    asks(a, "pcs", &tcb, (const char *[3]){PCS "/sgx/certification/v4/tcb?fmspc=00906ed50000&update=standard"});
    asks(a, "pcs", &old,
         (const char *[3]){PCS "/tdx/certification/v4/tcb?fmspc=50806f000000&tcbEvaluationDataNumber=17"});
    asks(a, "pcs", &qe, (const char *[3]){PCS "/tdx/certification/v4/qe/identity?tcbEvaluationDataNumber=17"});
    tcb.early = true;
    asks(a, "pcs", &tcb, (const char *[3]){PCS "/sgx/certification/v4/tcb?fmspc=00906ed50000&update=early"});
    asks(a, "pcs", &crl, (const char *[3]){PCS "/sgx/certification/v4/pckcrl?ca=processor&encoding=der"});
    asks(a, "pcs", &root, (const char *[3]){"https://certificates.trustedservices.intel.com/IntelSGXRootCA.der"});
    asks(a, "pcs", &numbers, (const char *[3]){PCS "/tdx/certification/v4/tcbevaluationdatanumbers"});
    asks(a, "pcs https://mirror:8443/intel/", &root,
         (const char *[3]){"https://mirror:8443/intel/IntelSGXRootCA.der",
                           "https://mirror:8443/intel/sgx/certification/v4/rootcacrl"});
}

static void what_a_pccs_is_asked(void **state)
{
    (void)state;
    struct arena *a = &arena;
    struct want tcb = wanted("intel/sgx/00906ed50000/platform/17", WANT_TCB_INFO),
                tdx = wanted("intel/tdx/50806f000000/platform", WANT_IDENTITY),
                crl = wanted("intel/tdx/50806f000000/platform", WANT_PCK_CRL),
                root = wanted("intel/tdx/50806f000000/platform", WANT_ROOT_CRL);

    asks(a, "pccs", &tcb,
         (const char *[3]){"https://localhost:8081/sgx/certification/v4/tcb?fmspc=00906ed50000&update=standard",
                           "https://localhost:8081/sgx/certification/v4/tcb?fmspc=00906ed50000&update=early",
                           "https://localhost:8081/sgx/certification/v3/tcb?fmspc=00906ed50000&update=standard"});
    asks(a, "pccs https://c", &tdx, (const char *[3]){"https://c/tdx/certification/v4/qe/identity?update=standard"});
    asks(a, "pccs https://c", &crl,
         (const char *[3]){"https://c/sgx/certification/v4/pckcrl?ca=platform&encoding=der",
                           "https://c/sgx/certification/v3/pckcrl?ca=platform&encoding=der"});
    asks(a, "pccs https://c", &root,
         (const char *[3]){"https://c/sgx/certification/v4/rootcacrl", "https://c/sgx/certification/v3/rootcacrl"});
}

static void what_thim_is_asked(void **state)
{
    (void)state;
    struct arena *a = &arena;
    struct want tcb = wanted("intel/sgx/00906ed50000/platform", WANT_TCB_INFO),
                root = wanted("intel/sgx/00906ed50000/platform", WANT_ROOT_CRL),
                crl = wanted("intel/sgx/00906ed50000/platform", WANT_PCK_CRL),
                vcek = wanted("amd/vcek/Milan/" HWID_64 "/7308000000000003", WANT_VCEK),
                amd_crl = wanted("amd/crl/Milan", WANT_AMD_CRL);
    struct upstream thim = source(a, "thim");
#define CACHE  "https://global.acccache.azure.net"
#define CLIENT "clientid=production_client"

    asks(a, "thim", &tcb,
         (const char *[3]){"http://169.254.169.254/metadata/THIM/sgx/certification/v4/tcb?fmspc=00906ed50000&" CLIENT
                           "&api-version=2018-10-01-preview"});
    asks(a, "thim " CACHE, &root,
         (const char *[3]){CACHE "/sgx/certification/v4/pckcrl?uri=https%3A%2F%2Fcertificates.trustedservices.intel.com"
                                 "%2Fintelsgxrootca.crl&" CLIENT "&api-version=2018-10-01-preview",
                           CACHE "/tdx/certification/v4/rootcacrl?" CLIENT});
    asks(a, "thim " CACHE, &crl,
         (const char *[3]){CACHE "/sgx/certification/v4/pckcrl?uri=https%3A%2F%2Fapi.trustedservices.intel.com%2Fsgx"
                                 "%2Fcertification%2Fv3%2Fpckcrl%3Fca%3Dplatform%26encoding%3Dpem&" CLIENT
                                 "&api-version=2018-10-01-preview",
                           CACHE "/tdx/certification/v4/pckcrl?ca=platform&" CLIENT});
    asks(a, "thim", &vcek,
         (const char *[3]){"http://169.254.169.254/metadata/THIM/amd/certification?tcbVersion=7308000000000003"
                           "&platformId=" HWID_64});
    asks(a, "thim " CACHE, &vcek,
         (const char *[3]){CACHE "/SevSnpVM/certificates/" HWID_64 "/7308000000000003?api-version=2020-10-15-preview"});
    assert_false(upstream_serves(&thim, &amd_crl));
}

static void what_kds_is_asked(void **state)
{
    (void)state;
    struct arena *a = &arena;
    struct want milan = wanted("amd/vcek/Milan/" HWID_64 "/7308000000000003", WANT_VCEK),
                turin = wanted("amd/vcek/turin/0102030405060708/4a00000003010204", WANT_VCEK),
                crl = wanted("amd/crl/Genoa", WANT_AMD_CRL),
                chain = {.kind = WANT_AMD_CHAIN, .product = "Genoa", .vlek = true},
                tcb = wanted("intel/sgx/00906ed50000/platform", WANT_TCB_INFO);
    struct upstream kds = source(a, "kds"), pcs = source(a, "pcs");
#define KDS "https://kdsintf.amd.com"

    asks(a, "kds", &milan,
         (const char *[3]){KDS "/vcek/v1/Milan/" HWID_64 "?blSPL=03&teeSPL=00&snpSPL=08&ucodeSPL=115"});
    asks(a, "kds", &turin,
         (const char *[3]){KDS "/vcek/v1/Turin/0102030405060708?fmcSPL=04&blSPL=02&teeSPL=01&snpSPL=03&ucodeSPL=74"});
    asks(a, "kds", &crl, (const char *[3]){KDS "/vcek/v1/Genoa/crl"});
    asks(a, "kds", &chain, (const char *[3]){KDS "/vlek/v1/Genoa/cert_chain"});
    assert_false(upstream_serves(&kds, &tcb));
    assert_false(upstream_serves(&pcs, &milan));
}

static void texts_that_name_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "/",
        "intel",
        "intel/sgx",
        "intel/sgx/00906ed50000",
        "intel/sgx/00906ed5000/processor",
        "intel/sgx/00906ed50000/root",
        "intel/sev/00906ed50000/platform",
        "intel/sgx/00906ed50000/platform/x",
        "intel/sgx/00906ed50000/platform/1234567",
        "intel/sgx/00906ed50000/platform/17/18",
        "intel/sgx/00906ed50000/platform?x",
        "amd/crl/Rome",
        "amd/crl/Milan/x",
        "amd/vcek/Milan/0102030405060708/7308000000000003",
        "amd/vcek/Turin/" HWID_64 "/7308000000000003", /* not zero behind its 8 bytes */
        "amd/vcek/Milan/" HWID_64 "/73080000000003",
        "amd/vcek/Milan/" HWID_64 "/7308000000000003/x",
        "amd/vlek/Milan/" HWID_64 "/7308000000000003",
        "nvidia/crl/Milan",
    };
    struct want w[WANTS_OF_PLATFORM];

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (wants_parse(bytes_text(texts[i]), w))
            fail_msg("taken: %s", texts[i]);
    assert_int_equal(wants_parse(BYTES_LIT("intel/tdx/50806f000000/platform"), w), 4);
    assert_int_equal(wants_parse(BYTES_LIT("amd/crl/Siena"), w), 1);
    assert_string_equal(w[0].product, "Genoa");
    assert_string_equal(want_name(&arena, &w[0]), "amd/crl/Genoa/vcek");
}

static void sources_that_are_none(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "intel",
                                        "pcs http://127.0.0.1/",
                                        "pccs http://127.0.0.1:8081",
                                        "kds ftp://kdsintf.amd.com",
                                        "pcs https://",
                                        "pcs https://host/?q=1",
                                        "pcs https://user@host",
                                        "pcs https://host with blanks"};
    struct upstream u;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (upstream_parse(&arena, bytes_text(texts[i]), &u, NULL))
            fail_msg("taken: %s", texts[i]);
    u = source(&arena, "  thim  http://169.254.169.254/metadata/THIM// ");
    assert_string_equal(u.base, "http://169.254.169.254/metadata/THIM");
}

static void plain_percent_decoding(void **state)
{
    (void)state;
    struct bytes out;

    assert_true(percent_decode(&arena, BYTES_LIT("a%20b+c%2Bd%0a%2f%3D"), &out));
    assert_bytes_equal(out, BYTES_LIT("a b+c+d\n/="));
    assert_true(percent_decode(&arena, BYTES_NONE, &out));
    assert_int_equal(out.n, 0);
    assert_false(percent_decode(&arena, BYTES_LIT("a%2"), &out));
    assert_false(percent_decode(&arena, BYTES_LIT("a%"), &out));
    assert_false(percent_decode(&arena, BYTES_LIT("%zz"), &out));
}

static bool takes(struct arena *a, const char *from, const struct want *w, struct bytes header, struct bytes body,
                  struct upstream_objects *out)
{
    struct upstream u = source(a, from);
    struct upstream_request r[UPSTREAM_TRIES];
    const struct http_answer answer = {.status = 200, .body = body, .content_type = "", .header = header};
    struct fault fault = {0};

    upstream_requests(a, &u, w, r);
    bool ok = upstream_read(a, &u, w, &r[0], &answer, out, &fault);
    assert_int_equal(ok, fault.code == FAULT_NONE);
    return ok;
}

static void answers_of_intel(void **state)
{
    (void)state;
    struct arena *a = &arena;
    struct want tcb = wanted("intel/sgx/00906ed50000/platform", WANT_TCB_INFO);
    struct upstream_objects o;
    const char *names[] = {"TCB-Info-Issuer-Chain", "sgx-tcb-info-issuer-chain", "tcb-info-issuer-chain"};
    struct bytes body = BYTES_LIT("{\"tcbInfo\":{}}");

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *header = arena_printf(a,
                                          "HTTP/1.1 200 OK\r\nRequest-ID: 1\r\n%s:  -----BEGIN%%20CERTIFICATE-----"
                                          "%%0AMII%%2B%%2F%%3D%%0A-----END%%20CERTIFICATE-----%%0A \r\n\r\n",
                                          names[i]);

        assert_true(takes(a, "pcs", &tcb, bytes_text(header), body, &o));
        assert_int_equal(o.count, 2);
        assert_bytes_equal(o.v[0], body);
        assert_bytes_equal(o.v[1], bytes_text(pem));
    }
    assert_true(takes(a, "pcs", &tcb, BYTES_LIT("HTTP/1.1 200 OK\r\n\r\n"), body, &o));
    assert_int_equal(o.count, 1);
    assert_false(takes(a, "pcs", &tcb, BYTES_LIT("TCB-Info-Issuer-Chain: -----BEGIN%2\r\n"), body, &o));
    assert_false(takes(a, "pcs", &tcb, BYTES_LIT("TCB-Info-Issuer-Chain: hello\r\n"), body, &o));
    assert_false(takes(a, "pcs", &tcb, BYTES_NONE, BYTES_NONE, &o));
    assert_false(takes(a, "pcs", &tcb, BYTES_NONE, BYTES_LIT(" \r\n"), &o));
}

static void answers_of_thim(void **state)
{
    (void)state;
    struct arena *a = &arena;
    struct want vcek = wanted("amd/vcek/Milan/" HWID_64 "/7308000000000003", WANT_VCEK);
    struct upstream_objects o;

    assert_true(takes(a, "thim", &vcek, BYTES_NONE,
                      BYTES_LIT("{\"vcekCert\":\"A\\nB\",\"tcbm\":\"7308000000000003\",\"certificateChain\":\"C\","
                                "\"cacheControl\":\"86400\"}"),
                      &o));
    assert_int_equal(o.count, 2);
    assert_bytes_equal(o.v[0], BYTES_LIT("A\nB"));
    assert_bytes_equal(o.v[1], BYTES_LIT("C"));
    assert_false(takes(a, "thim", &vcek, BYTES_NONE, BYTES_LIT("{\"certificateChain\":\"C\"}"), &o));
    assert_false(takes(a, "thim", &vcek, BYTES_NONE, BYTES_LIT("{\"vcekCert\":1}"), &o));
    assert_false(takes(a, "thim", &vcek, BYTES_NONE, BYTES_LIT("{\"vcekCert\":\"A\"}x"), &o));
    assert_false(takes(a, "thim", &vcek, BYTES_NONE, BYTES_LIT("{\"vcekCert\":[[[[[1]]]]]}"), &o));
    /* The public cache: three certificates one after another. */
    struct bytes three = bytes_text(arena_printf(a, "%s%s%s", pem, pem, pem));
    assert_true(takes(a, "thim https://c", &vcek, BYTES_NONE, three, &o));
    assert_int_equal(o.count, 2);
    assert_bytes_equal(o.v[0], bytes_text(pem));
    assert_bytes_equal(o.v[1], bytes_text(arena_printf(a, "%s%s", pem, pem)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_pcs_is_asked),       cmocka_unit_test(what_a_pccs_is_asked),
        cmocka_unit_test(what_thim_is_asked),      cmocka_unit_test(what_kds_is_asked),
        cmocka_unit_test(texts_that_name_nothing), cmocka_unit_test(sources_that_are_none),
        cmocka_unit_test(plain_percent_decoding),  cmocka_unit_test(answers_of_intel),
        cmocka_unit_test(answers_of_thim),
    };

    return cmocka_run_group_tests_name("upstream", tests, set_up, tear_down);
}
