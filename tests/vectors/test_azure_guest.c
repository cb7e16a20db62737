/* Both real requests to AzureGuest through the whole pipeline: the claims of GOLDEN.md 6, what of a request may differ, and what may
 * not (snp-cvm.md 3.4, 3.5, 6.2 item 5). */
#include "test.h"

#include "base/clock.h"
#include "base/text.h"
#include "core/core.h"
#include "evidence/parts/hcl_report.h"

enum { MEMORY = 64 * 1024 * 1024 };

static struct arena arena, kept;
static struct endorsements *trusting, *nothing;

static const struct machine {
    const char *name, *time;
} linux_vm = {"linux", "2021-05-01T00:00:00Z"}, windows_vm = {"windows", "2023-06-01T00:00:00Z"};

static struct bytes part(struct arena *a, const struct machine *m, const char *name)
{
    return read_shared(a, arena_printf(a, "evidence/azure-vtpm/guest-requests/%s.%s", m->name, name));
}

/* The AIKs' own certificates: their issuers are not public. */
static void trust(struct endorsements *e, const struct machine *m)
{
    const struct certificate *c;
    struct fault fault = {0};

    if (!certificate_decode(&kept, part(&kept, m, "aikcert.der"), &c, &fault))
        fail_msg("%s", fault.text);
    endorsements_add_anchor(e, c->spki_digest, false);
}

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, TEST_MEMORY);
    arena_init(&kept, TEST_MEMORY);
    nothing = endorsements_new(MEMORY);
    trusting = endorsements_new(MEMORY);
    if (have_shared()) {
        trust(trusting, &linux_vm);
        trust(trusting, &windows_vm);
    }
    endorsements_seal(nothing);
    endorsements_seal(trusting);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    endorsements_free(nothing);
    endorsements_free(trusting);
    arena_free(&arena);
    arena_free(&kept);
    return 0;
}

static struct appraisal *attest_at(struct bytes body, const char *attester, const char *time,
                                   struct endorsements *endorsements)
{
    static const uint8_t entropy[EXAM_ENTROPY];
    struct appraisal *x = ARENA_NEW(&arena, struct appraisal);
    struct provider *p = ARENA_NEW(&arena, struct provider); /* the appraisal points to its settings */
    struct snapshot s = {.endorsements = endorsements, .providers = p, .provider_count = 1};
    struct core_request r = {.issuer = BYTES_LIT("https://golden.example"),
                             .attester = bytes_text(attester),
                             .body = body,
                             .entropy = BYTES_OF(entropy)};

    *p = (struct provider){.issuer = r.issuer, .kid = BYTES_LIT("kid"), .settings = SETTINGS_DEFAULT};
    assert_true(time_parse(bytes_text(time), &r.time));
    core_attest(x, &arena, &s, &r, NULL, NULL);
    return x;
}

static struct appraisal *attest(const struct machine *m, struct bytes body)
{
    return attest_at(body, "AzureGuest", m->time, trusting);
}

/* The body round AttestationInfo. */
static struct bytes wrapped(struct bytes info)
{
    struct writer w = wr_open(&arena);

    wr_text(&w, "{\"AttestationInfo\":\"");
    wr_base64url(&w, info);
    wr_text(&w, "\"}");
    return wr_done(&w);
}

/* The id of the check that refused, or "accepted". */
static const char *outcome(const struct machine *m, struct bytes info)
{
    const struct appraisal *x = attest(m, wrapped(info));

    return x->answer.status == 200 ? "accepted" : x->answer.failed_check ? x->answer.failed_check : "no check";
}

static struct bytes info_of(struct arena *a, const struct machine *m)
{
    return part(a, m, "attestationinfo.json");
}

/* What stands between `before` and the next quotation mark behind it becomes something else; `nth` from 0. */
static struct bytes with_text(struct bytes info, const char *before, size_t nth, struct bytes text)
{
    size_t at = 0, end;
    struct writer w = wr_open(&arena);

    for (size_t i = 0; i <= nth; i++) {
        const uint8_t *hit = memmem(info.p + at, info.n - at, before, strlen(before));

        if (!hit)
            fail_msg("no %s", before);
        at = (size_t)(hit - info.p) + strlen(before);
    }
    for (end = at; info.p[end] != '"'; end++)
        ;
    wr_put(&w, bytes_first(info, at));
    wr_put(&w, text);
    wr_put(&w, bytes_after(info, end));
    return wr_done(&w);
}

static struct bytes with_bytes(struct bytes info, const char *member, size_t nth, struct bytes value)
{
    return with_text(info, arena_printf(&arena, "\"%s\" : \"", member), nth, base64_encode(&arena, value));
}

static struct bytes instead(struct bytes info, const char *old, const char *new)
{
    const uint8_t *hit = memmem(info.p, info.n, old, strlen(old));
    struct writer w = wr_open(&arena);

    if (!hit)
        fail_msg("no %s", old);
    wr_put(&w, bytes_first(info, (size_t)(hit - info.p)));
    wr_text(&w, new);
    wr_put(&w, bytes_after(info, (size_t)(hit - info.p) + strlen(old)));
    return wr_done(&w);
}

static const struct json *parsed(struct bytes text)
{
    const struct json *v;
    struct fault fault = {0};

    if (!json_parse(&arena, text, NULL, &v, &fault))
        fail_msg("%s", fault.text);
    return v;
}

/* ------------------------------------------------------------------------------------------------------------- golden */

#define COMMON "\"secureboot\":true,\"x-ms-attestation-type\":\"azurevm\","
#define SWITCHES(elam)                                                                                               \
    "\"x-ms-azurevm-bootdebug-enabled\":false,\"x-ms-azurevm-dbvalidated\":true,\"x-ms-azurevm-dbxvalidated\":true," \
    "\"x-ms-azurevm-debuggersdisabled\":true,\"x-ms-azurevm-default-securebootkeysvalidated\":true,"                 \
    "\"x-ms-azurevm-elam-enabled\":" elam ",\"x-ms-azurevm-flightsigning-enabled\":false,"                           \
    "\"x-ms-azurevm-hvci-policy\":0,\"x-ms-azurevm-hypervisordebug-enabled\":false,"
#define SIGNING "\"x-ms-azurevm-signingdisabled\":true,\"x-ms-azurevm-testsigning-enabled\":false,"

static const char linux_claims[] =
    "{" COMMON
    "\"x-ms-azurevm-attestation-protocol-ver\":\"1.0\",\"x-ms-azurevm-attested-pcrs\":[0,1,2,3,4,5,6,7]," SWITCHES(
        "false") "\"x-ms-azurevm-is-windows\":false,\"x-ms-azurevm-kerneldebug-enabled\":false,"
                 "\"x-ms-azurevm-osbuild\":\"NotApplication\",\"x-ms-azurevm-osdistro\":\"Test-OS\","
                 "\"x-ms-azurevm-ostype\":\"Linux\",\"x-ms-azurevm-osversion-major\":1,"
                 "\"x-ms-azurevm-osversion-minor\":10," SIGNING "\"x-ms-ver\":\"1.0\"}";
static const char windows_claims[] =
    "{" COMMON "\"x-ms-azurevm-attestation-protocol-ver\":\"2.0\","
    "\"x-ms-azurevm-attested-pcrs\":[0,1,2,3,4,5,6,7,11,12,13,14]," SWITCHES(
        "true") "\"x-ms-azurevm-is-windows\":true,\"x-ms-azurevm-kerneldebug-enabled\":false,"
                "\"x-ms-azurevm-osbuild\":\"NotApplicable\",\"x-ms-azurevm-osdistro\":\"Microsoft\","
                "\"x-ms-azurevm-ostype\":\"Windows\",\"x-ms-azurevm-osversion-major\":10,"
                "\"x-ms-azurevm-osversion-minor\":0," SIGNING "\"x-ms-ver\":\"1.0\"}";

/* Members that no two tokens share, and those that are compared by themselves. */
static bool own(struct bytes name)
{
    static const char *const names[] = {
        "iss", "iat", "nbf", "exp", "jti", "x-ms-policy-hash", "x-ms-runtime", "x-ms-azurevm-attested-pcr-values"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (bytes_is(name, names[i]))
            return true;
    return false;
}

static struct bytes without_own(const struct json *payload)
{
    struct json *o = json_new(&arena, JSON_OBJECT);

    JSON_EACH (member, payload)
        if (!own(member->name))
            json_set(o, member->name, json_link(&arena, member));
    return json_print(&arena, o, JSON_IN_ORDER);
}

static void expect_runtime(const struct machine *m, const struct json *payload, const char *modulus_hash)
{
    const struct json *runtime = json_member(payload, "x-ms-runtime"),
                      *key = json_element(json_member(runtime, "keys"), 0);
    const struct json *sent = json_member(parsed(info_of(&arena, m)), "ClientPayload");
    struct bytes text, n;

    assert_int_equal(runtime->count, 2);
    assert_int_equal(json_member(runtime, "keys")->count, 1);
    assert_bytes_equal(json_print(&arena, json_member(runtime, "client-payload"), JSON_SORTED),
                       json_print(&arena, sent, JSON_SORTED));
    assert_true(json_text(json_member(key, "n"), &text));
    assert_true(base64url_decode_strict(&arena, text, &n));
    struct bytes area = part(&arena, m, "enckeypub.bin");
    assert_bytes_equal(n, bytes_after(area, area.n - 256));
    /* The digests of GOLDEN.md 6 are of the modulus without its first two bytes. */
    assert_bytes_are(hex_encode(&arena, sha256_of(&arena, bytes_after(n, 2))), modulus_hash);
    assert_true(json_text(json_member(key, "kid"), &text));
    assert_bytes_are(text, "TpmEphemeralEncryptionKey");
    assert_bytes_are(json_print(&arena, json_member(key, "key_ops"), JSON_IN_ORDER), "[\"encrypt\"]");
    assert_true(json_text(json_member(key, "e"), &text));
    assert_bytes_are(text, "AQAB");
}

/* Each value, as it was sent. */
static void expect_values(const struct machine *m, const struct json *payload)
{
    const struct json *values = json_member(payload, "x-ms-azurevm-attested-pcr-values"),
                      *sent = json_member(json_member(parsed(info_of(&arena, m)), "TpmInfo"), "PCRs");

    assert_int_equal(values->count, sent->count);
    JSON_EACH (pcr, sent) {
        int64_t index;
        struct bytes digest, value;

        assert_true(json_integer(json_member(pcr, "Index"), &index));
        assert_true(json_text(json_member(pcr, "Digest"), &digest));
        assert_true(json_text(json_member(values, arena_printf(&arena, "pcr%d", (int)index)), &value));
        assert_bytes_equal(value, digest);
    }
}

static void expect_claims(const struct machine *m, struct bytes body, const char *claims, const char *modulus_hash)
{
    const struct appraisal *x = attest(m, body);

    if (x->answer.status != 200)
        fail_msg("%.*s", (int)x->answer.body.n, (const char *)x->answer.body.p);
    const struct json *payload = parsed(x->payload);
    assert_string_equal(arena_string(&arena, without_own(payload)), claims);
    expect_runtime(m, payload, modulus_hash);
    expect_values(m, payload);
}

static const char linux_key[] = "c8ce818797c9830bdde5b57c7bf0ebf3e5a6d6d980b28b6b535b18b855e2a287";
static const char windows_key[] = "383a09471df03fbd0c1c746b14dd196ca55e7c613874bf195d861857334d8d23";

static void golden_claims(void **state)
{
    (void)state;
    NEED_SHARED("requests of Azure guests");
    expect_claims(&linux_vm, part(&arena, &linux_vm, "request.json"), linux_claims, linux_key);
    expect_claims(&windows_vm, part(&arena, &windows_vm, "request.json"), windows_claims, windows_key);
    arena_reset(&arena);
}

/* Names and kinds of the members of published tokens, which all are of confidential VMs. */
static void members_are_those_of_published_tokens(void **state)
{
    static const char *const published[] = {"azureguest-aks-readme", "azureguest-container-sample",
                                            "azureguest-cvm-sample-app", "azureguest-windows-cvm-2022"};
    size_t compared = 0;

    (void)state;
    NEED_SHARED("requests of Azure guests");
    const struct appraisal *x = attest(&windows_vm, part(&arena, &windows_vm, "request.json"));
    const struct json *ours = parsed(x->payload);
    for (size_t i = 0; i < 4; i++) {
        const struct json *theirs = json_member(
            parsed(read_shared(&arena, arena_printf(&arena, "spec/tokens/%s.json", published[i]))), "payload");
        struct bytes before = BYTES_NONE;

        JSON_EACH (member, theirs) {
            const char *name = arena_string(&arena, member->name);
            const struct json *same = json_member(ours, name);

            assert_true(bytes_compare(before, member->name) < 0);
            before = member->name;
            if (strcmp(name, "x-ms-azurevm-vmid") == 0 || strcmp(name, "x-ms-isolation-tee") == 0) {
                assert_null(same);
                continue;
            }
            assert_non_null(same);
            bool flags = member->kind == JSON_TRUE || member->kind == JSON_FALSE;
            assert_true(flags ? same->kind == JSON_TRUE || same->kind == JSON_FALSE : same->kind == member->kind);
            compared++;
        }
        assert_int_equal(ours->count, theirs->count - 2 + 1); /* without those two, and with the values of 2026 */
    }
    assert_true(compared > 4 * 25);
    arena_reset(&arena);
}

static void order_is_ordinal(void **state)
{
    struct bytes before = BYTES_NONE;

    (void)state;
    NEED_SHARED("requests of Azure guests");
    JSON_EACH (member, parsed(attest(&linux_vm, part(&arena, &linux_vm, "request.json"))->payload)) {
        assert_true(bytes_compare(before, member->name) < 0);
        before = member->name;
    }
    arena_reset(&arena);
}

/* ------------------------------------------------------------------------------------------- what libraries write in turn */

static struct bytes padded(struct bytes b, size_t n)
{
    uint8_t *out = arena_alloc(&arena, n);

    memcpy(out, b.p, b.n);
    return bytes_make(out, n);
}

static void forms_of_other_libraries(void **state)
{
    const struct machine *m = &linux_vm;

    (void)state;
    NEED_SHARED("requests of Azure guests");
    struct bytes info = info_of(&arena, m);
    struct bytes forms[] = {
        with_bytes(info, "AikCert", 0, padded(part(&arena, m, "aikcert.der"), 4096)),
        with_bytes(info, "AikPub", 0, padded(part(&arena, m, "aikpub.bin"), 314 + 36 + 36)),
        with_text(info, "\"PcrSignature\" : \"", 0, base64url_encode(&arena, part(&arena, m, "quotesig.bin"))),
        instead(instead(info, "\"OSVersionMajor\" : 1", "\"OSVersionMajor\" : \"1\""), "\"OSVersionMinor\" : 10",
                "\"OSVersionMinor\" : \"10\""),
        instead(info, "\"OSType\"", "\"IsolationInfo\" : {\"Type\" : \"TrustedLaunch\"},\n\"OSType\""),
        instead(info, "\"OSType\"", "\"IsolationInfo\" : null,\n\"Unknown\" : [],\n\"OSType\""),
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        expect_claims(m, wrapped(forms[i]), linux_claims, linux_key);
    arena_reset(&arena);
}

/* ----------------------------------------------------------------------------------------------------------- refusals */

static void who_vouches_must_be_trusted_and_in_date(void **state)
{
    (void)state;
    NEED_SHARED("requests of Azure guests");
    struct bytes body = part(&arena, &linux_vm, "request.json");
    assert_string_equal(attest_at(body, "AzureGuest", linux_vm.time, nothing)->answer.failed_check, "aik.chain");
    assert_string_equal(attest_at(body, "AzureGuest", "2026-01-01T00:00:00Z", trusting)->answer.failed_check,
                        "aik.validity");
    assert_string_equal(attest_at(body, "AzureGuest", "2010-01-01T00:00:00Z", trusting)->answer.failed_check,
                        "aik.validity");
    arena_reset(&arena);
}

/* Parts of two machines, both genuine, do not go together. */
static void parts_of_two_machines(void **state)
{
    static const struct {
        const char *member, *file, *refused;
    } parts[] = {
        {"AikCert", "aikcert.der", "guest.aik.certificate"},
        {"AikPub", "aikpub.bin", "guest.aik.certificate"},
        {"PcrQuote", "quote.bin", "tpm.quote.signature"},
        {"PcrSignature", "quotesig.bin", "tpm.quote.signature"},
        {"EncKeyCertifyInfo", "certify.bin", "tpm.certify.signature"},
        {"EncKeyCertifyInfoSignature", "certifysig.bin", "tpm.certify.signature"},
        {"EncKeyPub", "enckeypub.bin", "tpm.certify.name"},
        {"TcgLogs", "tcglog.bin", "boot.log.replay"},
    };

    (void)state;
    NEED_SHARED("requests of Azure guests");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct bytes info = info_of(&arena, &windows_vm);

        assert_string_equal(
            outcome(&windows_vm, with_bytes(info, parts[i].member, 0, part(&arena, &linux_vm, parts[i].file))),
            parts[i].refused);
        arena_reset(&arena);
    }
}

static void what_is_said_of_the_registers_must_hold(void **state)
{
    uint8_t zeros[32] = {0};

    (void)state;
    NEED_SHARED("requests of Azure guests");
    struct bytes info = info_of(&arena, &linux_vm);
    for (size_t i = 0; i < 8; i++)
        assert_string_equal(outcome(&linux_vm, with_bytes(info, "Digest", i, BYTES_OF(zeros))), "tpm.quote.pcrs");
    const char *set = memmem(info.p, info.n, "\"PcrSet\"", 8);
    struct bytes fewer = instead(info, "\"PcrSet\" :", "\"PcrSet\" : [0, 7], \"Was\" :");
    assert_non_null(set);
    assert_string_equal(outcome(&linux_vm, fewer), "guest.pcr_set");
    arena_reset(&arena);
}

/* A shadow policy is judged over evidence that was decoded once. */
static void verifying_again_changes_nothing(void **state)
{
    (void)state;
    NEED_SHARED("requests of Azure guests");
    struct appraisal *x = attest(&windows_vm, part(&arena, &windows_vm, "request.json"));
    struct bytes first = json_print(&arena, claims_object(&arena, &x->exam.incoming, CLAIM_TOKEN), JSON_SORTED);
    claims_init(&x->exam.incoming, &arena);
    assert_true(x->attester->verify(&x->exam));
    assert_bytes_equal(json_print(&arena, claims_object(&arena, &x->exam.incoming, CLAIM_TOKEN), JSON_SORTED), first);
    arena_reset(&arena);
}

/* Without a log nothing is said of the boot, and the default policy denies. */
static void a_request_without_its_log(void **state)
{
    (void)state;
    NEED_SHARED("requests of Azure guests");
    struct bytes info = with_bytes(info_of(&arena, &linux_vm), "TcgLogs", 0, BYTES_NONE);
    assert_string_equal(outcome(&linux_vm, info), "policy.permit");
    struct writer w =
        wr_open(&arena); /* every check was made or skipped by name, so that another policy may permit it */
    wr_text(&w,
            "{\"draftPolicyForAttestation\":\"version=1.0;authorizationrules{=>permit();};\",\"AttestationInfo\":\"");
    wr_base64url(&w, info);
    wr_text(&w, "\"}");
    const struct appraisal *x = attest(&linux_vm, wr_done(&w));
    assert_int_equal(x->answer.status, 200);
    assert_non_null(memmem(x->payload.p, x->payload.n, "\"x-ms-azurevm-attested-pcrs\":[]", 31));
    struct bytes message = attest(&linux_vm, wrapped(info))->answer.message;
    assert_non_null(
        memmem(message.p, message.n, "PolicyValidationFailure: [type==\"secureboot\", value==false] => deny();", 70));
    arena_reset(&arena);
}

static struct bytes flipped(struct bytes b, size_t bit)
{
    struct bytes copy = arena_copy(&arena, b);

    ((uint8_t *)(uintptr_t)copy.p)[bit / 8] ^= (uint8_t)(1 << bit % 8);
    return copy;
}

/* One bit of each byte of what is signed, of what signs, and of what they speak of. */
static void no_bit_may_change(void **state)
{
    static const struct {
        const char *member, *file;
    } parts[] = {{"PcrQuote", "quote.bin"},
                 {"PcrSignature", "quotesig.bin"},
                 {"EncKeyCertifyInfo", "certify.bin"},
                 {"EncKeyCertifyInfoSignature", "certifysig.bin"},
                 {"EncKeyPub", "enckeypub.bin"}};
    struct bytes info, whole;

    (void)state;
    NEED_SHARED("requests of Azure guests");
    info = info_of(&kept, &linux_vm);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        whole = part(&kept, &linux_vm, parts[i].file);
        for (size_t n = 0; n < whole.n; n++) {
            const char *found = outcome(&linux_vm, with_bytes(info, parts[i].member, 0, flipped(whole, n * 8 + n % 8)));

            if (strcmp(found, "accepted") == 0)
                fail_msg("%s, byte %zu", parts[i].file, n);
            arena_reset(&arena);
        }
    }
}

/* Of the log only what was measured is protected: a change elsewhere must not change what is claimed. */
static void no_bit_of_the_log_changes_a_claim(void **state)
{
    enum { STEP = 211 };
    size_t refused = 0, same = 0;

    (void)state;
    NEED_SHARED("requests of Azure guests");
    struct bytes info = info_of(&kept, &linux_vm), log = part(&kept, &linux_vm, "tcglog.bin");
    const struct appraisal *good = attest(&linux_vm, wrapped(info));
    struct bytes payload = arena_copy(&kept, good->payload);
    for (size_t n = 0; n < log.n; n += STEP) {
        const struct appraisal *x =
            attest(&linux_vm, wrapped(with_bytes(info, "TcgLogs", 0, flipped(log, n * 8 + n % 8))));

        if (x->answer.status != 200)
            refused++;
        else if (bytes_equal(x->payload, payload))
            same++;
        else
            fail_msg("byte %zu: %s", n, arena_string(&arena, x->payload));
        arena_reset(&arena);
    }
    assert_true(refused > 0 && same > 0);
}

/* ------------------------------------------------------------------------------------------------- a confidential VM */

static struct bytes shared(const char *name)
{
    return read_shared(&arena, arena_printf(&arena, "evidence/%s", name));
}

/* TPM2B_PUBLIC of an attestation key, as clients send it (snp-cvm.md 3.1). */
static struct bytes aik_public(struct bytes modulus)
{
    static const uint8_t head[] = {0x01, 0x38, 0x00, 0x01, 0x00, 0x0b, 0x00, 0x05, 0x04, 0x72, 0x00, 0x20};
    static const uint8_t parameters[] = {0x00, 0x10, 0x00, 0x14, 0x00, 0x0b, 0x08, 0x00, 0, 0, 0, 0, 0x01, 0x00};
    struct writer w = wr_open(&arena);

    wr_put(&w, BYTES_OF(head));
    wr_put(&w, bytes_make(arena_alloc(&arena, 32), 32));
    wr_put(&w, BYTES_OF(parameters));
    wr_put(&w, modulus);
    return wr_done(&w);
}

/* A request out of the parts that a real confidential VM left: all but the certification of an ephemeral key, which is the Trusted
 * Launch machine's. */
static struct bytes confidential(const struct hcl_report *r, struct bytes runtime, struct bytes modulus)
{
    struct bytes info = info_of(&arena, &linux_vm),
                 pcrs = shared("azure-vtpm/quotes/snp-cleanroom-encryption.pcrs.bin");
    struct writer proof = wr_open(&arena), w = wr_open(&arena), list = wr_open(&arena);

    wr_text(&proof, "{\"SnpReport\":\"");
    wr_base64url(&proof, r->hardware);
    wr_text(&proof, "\",\"VcekCertChain\":\"");
    wr_put(&proof, base64_encode(&arena, shared("azure-vtpm/cvm-platform-certs/snp-cleanroom-encryption.pem")));
    wr_text(&proof, "\"}");
    wr_text(&w, "\"IsolationInfo\" : {\"Type\" : \"SevSnp\", \"Evidence\" : {\"Proof\" : \"");
    wr_put(&w, base64_encode(&arena, wr_done(&proof)));
    wr_text(&w, "\", \"RunTimeData\" : \"");
    wr_put(&w, base64_encode(&arena, runtime));
    wr_text(&w, "\"}},\n\"OSType\"");
    info = instead(info, "\"OSType\"", arena_string(&arena, wr_done(&w)));
    for (int i = 0; i < 24; i++)
        wr_printf(&list, "%s{\"Index\":%d,\"Digest\":\"%.*s\"}", i ? "," : "\"PCRs\" : [", i, 44,
                  (const char *)base64_encode(&arena, bytes_first(bytes_after(pcrs, (size_t)i * 32), 32)).p);
    wr_text(&list, "], \"Was\" :");
    info = instead(info, "\"PCRs\" :", arena_string(&arena, wr_done(&list)));
    info = with_bytes(info, "AikPub", 0, aik_public(modulus));
    info = with_bytes(info, "AikCert", 0, shared("azure-vtpm/ak-certs/snp-cleanroom-encryption.aikcert-nv.bin"));
    info = with_bytes(info, "PcrQuote", 0, shared("azure-vtpm/quotes/snp-cleanroom-encryption.attest.bin"));
    return with_bytes(info, "PcrSignature", 0, shared("azure-vtpm/quotes/snp-cleanroom-encryption.sig.bin"));
}

static bool passed(const struct appraisal *x, enum check_id id)
{
    for (size_t i = 0; i < x->exam.trace->n; i++)
        if (x->exam.trace->entries[i].id == id)
            return x->exam.trace->entries[i].result == CHECK_PASS;
    return false;
}

/* Its hardware, its paravisor and its key hold; the quote was made with a nonce for somebody else, and that is where it ends. */
static void parts_of_a_confidential_vm(void **state)
{
    static const enum check_id hold[] = {
        CHECK_SNP_REPORT_SIGNATURE, CHECK_AMD_CHAIN_ANCHOR, CHECK_HCL_BINDING,           CHECK_HCL_TAIL,
        CHECK_GUEST_AIK_HARDWARE,   CHECK_GUEST_PARAVISOR,  CHECK_GUEST_AIK_CERTIFICATE, CHECK_TPM_QUOTE_SIGNATURE};
    static const char time[] = "2025-12-01T00:00:00Z";
    struct hcl_report r;
    struct hcl_claims c;

    (void)state;
    NEED_SHARED("parts of a confidential VM");
    assert_true(hcl_report_read(shared("azure-vtpm/hcl/snp-cleanroom-encryption.hcl.bin"), &r, NULL));
    assert_true(hcl_claims_read(&arena, r.claims, &c, NULL));
    const struct appraisal *x =
        attest_at(wrapped(confidential(&r, r.claims, c.attestation_key.modulus)), "AzureGuest", time, nothing);
    if (!x->answer.failed_check || strcmp(x->answer.failed_check, "tpm.quote.nonce") != 0)
        fail_msg("%.*s", (int)x->answer.body.n, (const char *)x->answer.body.p);
    for (size_t i = 0; i < sizeof hold / sizeof *hold; i++)
        if (!passed(x, hold[i]))
            fail_msg("%s did not pass", check_table[hold[i]].id);
    /* Another key than the paravisor's, and claims of another's. */
    x = attest_at(wrapped(confidential(&r, r.claims, c.storage_key.modulus)), "AzureGuest", time, nothing);
    assert_string_equal(x->answer.failed_check, "guest.aik.hardware");
    x = attest_at(wrapped(confidential(&r, flipped(r.claims, r.claims.n * 8 - 20), c.attestation_key.modulus)),
                  "AzureGuest", time, nothing);
    assert_string_equal(x->answer.failed_check, "hcl.binding");
    arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_claims),
        cmocka_unit_test(members_are_those_of_published_tokens),
        cmocka_unit_test(order_is_ordinal),
        cmocka_unit_test(forms_of_other_libraries),
        cmocka_unit_test(who_vouches_must_be_trusted_and_in_date),
        cmocka_unit_test(parts_of_two_machines),
        cmocka_unit_test(what_is_said_of_the_registers_must_hold),
        cmocka_unit_test(verifying_again_changes_nothing),
        cmocka_unit_test(a_request_without_its_log),
        cmocka_unit_test(no_bit_may_change),
        cmocka_unit_test(no_bit_of_the_log_changes_a_claim),
        cmocka_unit_test(parts_of_a_confidential_vm),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
