/* Platform claims of Windows, and how version 1 of the protocol of TPMs becomes what version 2 sends (tpm-vbs.md 1.3). */
#include "arena_test.h"

#include "base/text.h"
#include "evidence/parts/ncrypt_claim.h"
#include "evidence/parts/tpm.h"
#include "evidence/tpm_attestations.h"

/* A claim of this bank, whose registers begin with their number. */
static struct bytes claim(uint16_t bank, size_t size)
{
    struct writer w = wr_open(&arena);

    wr_text(&w, "ALPT");
    wr_u32le(&w, 0);
    wr_u32le(&w, bank);
    wr_u32le(&w, 3);
    wr_u32le(&w, 5);
    wr_u32le(&w, (uint32_t)(TPM_PCRS * size));
    wr_text(&w, "sig");
    wr_text(&w, "quote");
    for (size_t i = 0; i < TPM_PCRS * size; i++)
        wr_u8(&w, (uint8_t)(i % size ? 0xaa : i / size));
    return wr_done(&w);
}

static void parts_of_a_claim(void **state)
{
    struct ncrypt_claim c;

    (void)state;
    assert_true(ncrypt_claim_read(claim(0x000b, 32), &c, NULL));
    assert_bytes_are(c.signature, "sig");
    assert_bytes_are(c.quote, "quote");
    assert_true(c.bank == 0x000b && c.pcr_size == 32 && c.pcrs.n == 768);
    assert_true(ncrypt_claim_read(claim(0x0004, 20), &c, NULL));
    assert_int_equal(c.pcr_size, 20);
    assert_false(ncrypt_claim_read(claim(0x0004, 32), &c, NULL)); /* another bank's size */
    assert_false(ncrypt_claim_read(claim(0x0012, 32), &c, NULL)); /* SM3 */
}

static void cut_and_changed(void **state)
{
    struct bytes good = claim(0x000b, 32);
    struct ncrypt_claim c;

    (void)state;
    for (size_t n = 0; n < good.n; n++)
        assert_false(ncrypt_claim_read(bytes_make(arena_copy(&arena, bytes_first(good, n)).p, n), &c, NULL));
    for (size_t at = 0; at < 24; at++) {
        uint8_t *copy = (uint8_t *)(uintptr_t)arena_copy(&arena, good).p;

        copy[at] ^= 0x80;
        assert_false(ncrypt_claim_read(bytes_make(copy, good.n), &c, NULL));
    }
}

/* The attestations that version 1's tpm_att_data becomes. */
static bool found(const char *members, const struct json **current, const struct json **boot)
{
    struct exam x = {.arena = &arena, .trace = trace_new(&arena)};
    struct tpm_request r = {.is_v1 = true};

    assert_true(json_parse(&arena, bytes_text(arena_printf(&arena, "{%s\"aik_pub\":{\"kty\":\"RSA\"}}", members)), NULL,
                           &r.tpm, NULL));
    bool ok = tpm_attestations_find(&x, &r, current, boot);
    assert_int_equal(x.trace->entries[0].id, CHECK_ATTREQ_CLAIMS);
    assert_int_equal(x.trace->failed, !ok);
    return ok;
}

static void assert_logs(const struct json *attestation, const char *expected)
{
    struct writer w = wr_open(&arena);

    JSON_EACH (log, json_member(attestation, "logs")) {
        assert_bytes_are(json_member(log, "type")->text, "TCG");
        wr_put(&w, json_member(log, "log")->text);
    }
    assert_bytes_are(wr_done(&w), expected);
}

static void logs_of_a_boot_and_of_a_resume(void **state)
{
    const char *text = arena_string(&arena, base64url_encode(&arena, claim(0x000b, 32)));
    const char *now = arena_printf(&arena, "\"current_claim\":\"%s\",", text);
    const char *then = arena_printf(&arena, "\"boot_claim\":\"%s\",", text);
    const struct json *current, *boot;
    struct bytes digest;

    (void)state;
    assert_false(found("", &current, &boot));
    assert_false(found("\"current_claim\":\"AAAA\",", &current, &boot));
    assert_false(found("\"current_claim\":7,", &current, &boot));
    assert_true(found(now, &current, &boot));
    assert_logs(current, "");
    assert_null(boot);
    assert_true(
        found(arena_printf(&arena, "%s\"srtm_boot_log\":\"b\",\"drtm_boot_log\":\"d\",\"srtm_resume_log\":\"\",", now),
              &current, &boot));
    assert_logs(current, "bd");
    assert_true(found(arena_printf(&arena,
                                   "%s%s\"srtm_boot_log\":\"b\",\"drtm_boot_log\":\"d\",\"srtm_resume_log\":\"r\","
                                   "\"drtm_resume_log\":\"s\",",
                                   now, then),
                      &current, &boot));
    assert_logs(current, "rs");
    assert_logs(boot, "bd");
    const struct json *bank = json_element(json_member(current, "pcrs"), 0);
    const struct json *last = json_element(json_member(bank, "values"), 23);
    assert_true(json_text(json_member(last, "digest"), &digest) && base64_decode(&arena, digest, &digest, NULL));
    assert_true(digest.n == 32 && digest.p[0] == 23);
    assert_non_null(json_member(current, "aik_pub"));
    assert_null(json_member(current, "aik_cert"));
    assert_false(found(arena_printf(&arena, "%s\"boot_claim\":\"AAAA\",", now), &current, &boot));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {TEST(parts_of_a_claim), TEST(cut_and_changed),
                                       TEST(logs_of_a_boot_and_of_a_resume)};

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
