/* Requests of confidential containers through the whole pipeline (GOLDEN.md 2d, 2e; snp-cvm.md 6.2). */
#include "test.h"

#include "base/clock.h"
#include "base/text.h"
#include "core/mint_key.h"
#include "crypto/jose.h"

#define ROOT_OF_MAAPERF \
    "did:x509:0:sha256:mxiU8iPZNMvWV1rzxuH2CWuSIafaEyGF9aXNySI1tdw::subject:CN:ContainerPlat ContainerPlat-AMD-UVM 0"

static struct arena arena;
static struct signing_key *key;
static struct endorsements *nothing; /* certificates come with the requests, AMD's authorities are built in */

static struct bytes request_of(const char *name)
{
    return read_shared(&arena, arena_printf(&arena, "evidence/uvm/maa-requests/%s.request.json", name));
}

static const struct appraisal *attest(struct bytes body, const struct settings *settings, const char *time)
{
    static const uint8_t entropy[EXAM_ENTROPY];
    struct appraisal *x = ARENA_NEW(&arena, struct appraisal);
    struct provider p = {.issuer = BYTES_LIT("https://golden.example"), .kid = BYTES_LIT("kid"), .settings = *settings};
    struct snapshot s = {.endorsements = nothing, .providers = &p, .provider_count = 1};
    struct mint mint = mint_with_key(key);
    struct core_request r = {
        .issuer = p.issuer, .attester = BYTES_LIT("SevSnpVM"), .body = body, .entropy = BYTES_OF(entropy)};

    assert_true(time_parse(bytes_text(time), &r.time));
    core_attest(x, &arena, &s, &r, &mint, NULL);
    return x;
}

static const struct json *payload_of(const struct appraisal *x)
{
    const struct json *v;
    struct fault fault = {0};

    if (x->answer.status != 200)
        fail_msg("%.*s", (int)x->answer.body.n, (const char *)x->answer.body.p);
    assert_true(json_parse(&arena, x->payload, NULL, &v, &fault));
    return v;
}

static void expect_text(const struct json *payload, const char *name, const char *value)
{
    struct bytes text;

    if (!json_text(json_member(payload, name), &text))
        fail_msg("no text %s", name);
    assert_bytes_are(text, value);
}

static void expect_number(const struct json *payload, const char *name, int64_t value)
{
    int64_t n;

    if (!json_integer(json_member(payload, name), &n))
        fail_msg("no number %s", name);
    assert_int_equal(n, value);
}

static void a_container_with_its_endorsement(void **state)
{
    (void)state;
    NEED_SHARED("the request of a container");
    struct settings settings = SETTINGS_DEFAULT;
    const struct json *p = payload_of(attest(request_of("cleanroom-sidecar"), &settings, "2025-10-01T00:00:00Z"));

    expect_text(p, "x-ms-attestation-type", "sevsnpvm");
    expect_text(p, "x-ms-compliance-status", "azure-compliant-uvm");
    expect_text(p, "x-ms-sevsnpvm-hostdata", "73973b78d70cc68353426de188db5dfc57e5b766e399935fb73a61127ea26d20");
    expect_number(p, "x-ms-sevsnpvm-guestsvn", 2);
    expect_number(p, "x-ms-sevsnpvm-microcode-svn", 219);
    expect_number(p, "x-ms-sevsnpvm-snpfw-svn", 24);
    expect_number(p, "x-ms-sevsnpvm-bootloader-svn", 4);
    expect_text(p, "nonce", "13202930541250959283");
    assert_non_null(json_member(json_member(p, "x-ms-runtime"), "keys"));
    assert_null(json_member(p, "x-ms-inittime"));
    assert_null(json_member(p, "x-ms-sevsnpvm-uvm-endorsement"));
    settings.claim_extensions = true;
    p = payload_of(attest(request_of("cleanroom-sidecar"), &settings, "2025-10-01T00:00:00Z"));
    const struct json *said = json_member(p, "x-ms-sevsnpvm-uvm-endorsement");
    expect_text(said, "svn", "103");
    expect_text(said, "feed", "ContainerPlat-AMD-UVM");
}

static void an_issuer_that_no_root_names(void **state)
{
    (void)state;
    NEED_SHARED("the request of a container with another issuer");
    struct reference_values reference = reference_builtin;
    struct settings settings = SETTINGS_DEFAULT;
    const struct appraisal *x = attest(request_of("maaperf-uvm"), &settings, "2023-06-01T00:00:00Z");

    assert_int_equal(x->answer.status, 400);
    assert_string_equal(x->answer.failed_check, "uvm.root");
    assert_null(reference_set(&arena, &reference, "uvm_root", ROOT_OF_MAAPERF));
    settings.reference = &reference;
    const struct json *p = payload_of(attest(request_of("maaperf-uvm"), &settings, "2023-06-01T00:00:00Z"));
    expect_text(p, "nonce", "noncesevsnp987");
    expect_text(p, "x-ms-compliance-status", "azure-compliant-uvm");
    static const char *const members[] = {"claim1", "claim2", "is_it_good_json", "what"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        assert_non_null(json_member(json_member(p, "x-ms-runtime"), members[i]));
}

/* The member report of a request with its object changed: Endorsements replaced by this text, in base64. */
static struct bytes with_endorsements(struct bytes request, struct bytes endorsements)
{
    const struct json *outer, *inner;
    struct bytes text, object;
    struct fault fault = {0};
    struct json *changed = json_new(&arena, JSON_OBJECT), *again = json_new(&arena, JSON_OBJECT);

    assert_true(json_parse(&arena, request, NULL, &outer, &fault));
    assert_true(json_text(json_member(outer, "report"), &text) && base64_decode(&arena, text, &object, NULL));
    assert_true(json_parse(&arena, object, NULL, &inner, &fault));
    JSON_EACH (m, inner)
        if (!bytes_is(m->name, "Endorsements"))
            json_set(changed, m->name, json_link(&arena, m));
    JSON_SET(changed, "Endorsements", json_new_text(&arena, base64url_encode(&arena, endorsements)));
    object = base64url_encode(&arena, json_print(&arena, changed, JSON_IN_ORDER));
    JSON_EACH (m, outer)
        json_set(again, m->name, bytes_is(m->name, "report") ? json_new_text(&arena, object) : json_link(&arena, m));
    return json_print(&arena, again, JSON_IN_ORDER);
}

static struct bytes list_of(const char *const *names, size_t count)
{
    struct writer w = wr_open(&arena);

    wr_text(&w, "{\"Uvm\":[");
    for (size_t i = 0; i < count; i++) {
        wr_text(&w, i ? ",\"" : "\"");
        wr_base64url(&w, read_shared(&arena, arena_printf(&arena, "evidence/uvm/endorsements/%s.cose", names[i])));
        wr_text(&w, "\"");
    }
    wr_text(&w, "]}");
    return wr_done(&w);
}

/* The endorsement with its last bit turned, which is its signature's. */
static struct bytes with_bit_turned(const char *name)
{
    struct bytes cose = read_shared(&arena, arena_printf(&arena, "evidence/uvm/endorsements/%s.cose", name));
    struct writer w = wr_open(&arena);

    ((uint8_t *)(uintptr_t)cose.p)[cose.n - 1] ^= 1;
    wr_text(&w, "{\"Uvm\":[\"");
    wr_base64url(&w, cose);
    wr_text(&w, "\"]}");
    return wr_done(&w);
}

static void expect_refused(struct bytes endorsements, const char *check)
{
    struct settings settings = SETTINGS_DEFAULT;
    const struct appraisal *x =
        attest(with_endorsements(request_of("cleanroom-sidecar"), endorsements), &settings, "2025-10-01T00:00:00Z");

    assert_int_equal(x->answer.status, 400);
    assert_string_equal(x->answer.failed_check, check);
}

static void endorsements_of_others(void **state)
{
    (void)state;
    NEED_SHARED("endorsements of another measurement");
    static const char *const own[] = {"cleanroom-maa-svn103"}, *const other[] = {"css-20250617"},
                             *const old[] = {"sidecar-svn22"},
                             *const second[] = {"cleanroom-maa-svn103", "css-20250617"},
                             *const many[] = {own[0], own[0], own[0], own[0], own[0]};
    struct settings settings = SETTINGS_DEFAULT;
    const struct json *p = payload_of(attest(with_endorsements(request_of("cleanroom-sidecar"), list_of(many, 4)),
                                             &settings, "2025-10-01T00:00:00Z"));

    expect_text(p, "x-ms-compliance-status", "azure-compliant-uvm");
    expect_refused(list_of(other, 1), "uvm.measurement");
    expect_refused(list_of(old, 1), "uvm.svn");
    expect_refused(with_bit_turned(own[0]), "uvm.signature");
    expect_refused(list_of(second, 2), "uvm.measurement");
    expect_refused(list_of(many, 5), "uvm.shape");
    expect_refused(BYTES_LIT("{\"Uvm\":[1]}"), "uvm.shape");
    expect_refused(BYTES_LIT("{\"Uvm\":\"0oQ\"}"), "uvm.shape");
    expect_refused(BYTES_LIT("{\"Uvm\":[\"\"]}"), "uvm.shape");
    expect_refused(BYTES_LIT("[]"), "uvm.shape");
    expect_refused(BYTES_LIT("not JSON"), "uvm.shape");
    /* None at all is a container that nobody vouches for. */
    p = payload_of(attest(with_endorsements(request_of("cleanroom-sidecar"), BYTES_LIT("{\"Uvm\":[]}")), &settings,
                          "2025-10-01T00:00:00Z"));
    assert_null(json_member(p, "x-ms-compliance-status"));
}

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, TEST_MEMORY);
    key = signing_key_generate(KEY_RSA, NULL);
    nothing = endorsements_new(TEST_MEMORY);
    endorsements_seal(nothing);
    return key ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    endorsements_free(nothing);
    signing_key_free(key);
    arena_free(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_container_with_its_endorsement),
        cmocka_unit_test(an_issuer_that_no_root_names),
        cmocka_unit_test(endorsements_of_others),
    };

    return cmocka_run_group_tests_name("golden_uvm", tests, begin, end);
}
