/* The bytes of a VBS enclave's report (tpm-vbs.md 4.1). What a report proves is tested with the requests that carry it. */
#include "arena_test.h"

#include "evidence/parts/vbs_report.h"

static void put_block(struct writer *w, uint32_t type, uint32_t size, size_t bytes)
{
    wr_u32le(w, type);
    wr_u32le(w, size);
    for (size_t i = 0; i < bytes; i++)
        wr_u8(w, 0x41);
}

/* A report of so many blocks. */
static struct bytes with_blocks(size_t count, uint32_t type, uint32_t size, size_t bytes)
{
    struct writer statement = wr_open(&arena), package = wr_open(&arena);

    wr_u32le(&statement, (uint32_t)(224 + count * (8 + bytes)));
    wr_u32le(&statement, 1);
    for (size_t i = 0; i < 216; i++)
        wr_u8(&statement, (uint8_t)i);
    for (size_t i = 0; i < count; i++)
        put_block(&statement, type, size, bytes);
    wr_u32le(&package, (uint32_t)(24 + statement.n + 4));
    wr_u32le(&package, 1);
    wr_u32le(&package, 1);
    wr_u32le(&package, (uint32_t)statement.n);
    wr_u32le(&package, 4);
    wr_u32le(&package, 0);
    wr_put(&package, wr_done(&statement));
    wr_u32le(&package, 0);
    return wr_done(&package);
}

static void modules_in_a_report(void **state)
{
    struct vbs_report r;

    (void)state;
    assert_true(vbs_report_read(&arena, with_blocks(0, 0, 0, 0), &r, NULL) && r.module_count == 0);
    assert_true(vbs_report_read(&arena, with_blocks(3, 1, 8 + 104, 104), &r, NULL) && r.module_count == 3);
    assert_int_equal(r.modules[2].name.n, 4);
    assert_true(vbs_report_read(&arena, with_blocks(2, 9, 8 + 5, 5), &r, NULL) && r.module_count == 0);
    assert_false(vbs_report_read(&arena, with_blocks(1, 1, 8 + 20, 20), &r, NULL)); /* no whole module */
    assert_false(vbs_report_read(&arena, with_blocks(1, 0, 8, 0), &r, NULL));
    assert_false(vbs_report_read(&arena, with_blocks(1, 1, 7, 104), &r, NULL));
    assert_false(vbs_report_read(&arena, with_blocks(1, 9, 0, 0), &r, NULL));
    assert_false(vbs_report_read(&arena, with_blocks(1, 9, 4096, 8), &r, NULL));
    assert_false(vbs_report_read(&arena, with_blocks(1, 9, UINT32_MAX, 8), &r, NULL));
    assert_true(vbs_report_read(&arena, with_blocks(256, 1, 8 + 104, 104), &r, NULL));
    assert_false(vbs_report_read(&arena, with_blocks(257, 1, 8 + 104, 104), &r, NULL));
}

static void fields_in_their_places(void **state)
{
    struct vbs_report r;

    (void)state;
    assert_true(vbs_report_read(&arena, with_blocks(0, 0, 0, 0), &r, NULL));
    assert_int_equal(r.statement.n, 224);
    assert_true(r.enclave_data.n == 64 && r.enclave_data.p[0] == 0);
    assert_true(r.owner_id.n == 32 && r.owner_id.p[0] == 64);
    assert_true(r.unique_id.n == 32 && r.unique_id.p[0] == 96);
    assert_true(r.author_id.n == 32 && r.author_id.p[0] == 128);
    assert_true(r.family_id.n == 16 && r.family_id.p[0] == 160);
    assert_true(r.image_id.n == 16 && r.image_id.p[0] == 176);
    assert_int_equal(r.enclave_svn, 0xc3c2c1c0);
    assert_int_equal(r.enclave_type, 0xd7d6d5d4);
    assert_int_equal(r.signature.n, 4);
}

static void cut_and_changed(void **state)
{
    struct bytes report = with_blocks(2, 1, 8 + 104, 104);
    struct vbs_report r;

    (void)state;
    for (size_t n = 0; n < report.n; n++)
        assert_false(vbs_report_read(&arena, bytes_make(arena_copy(&arena, bytes_first(report, n)).p, n), &r, NULL));
    for (size_t at = 0; at < 24 + 8; at++) { /* headers of package and report: all but the reserved word */
        uint8_t *copy = (uint8_t *)(uintptr_t)arena_copy(&arena, report).p;

        copy[at] ^= 0xff;
        assert_true(vbs_report_read(&arena, bytes_make(copy, report.n), &r, NULL) == (at >= 20 && at < 24));
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {TEST(fields_in_their_places), TEST(modules_in_a_report), TEST(cut_and_changed)};

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
