/* The folder of endorsements and its catalogue: what is recognised, who is believed, what replaces what, and what a reader
 * sees of a writer that died. */
#include "arena_test.h"

#include <sys/stat.h>
#include <unistd.h>

#include "collateral/folder.h"
#include "simulate/simulate.h"

enum { YEAR = 365 * 24 * 3600 };

static char *new_folder(void)
{
    char *path = arena_printf(&arena, "%s/assay-collateral-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");

    assert_non_null(mkdtemp(path));
    return path;
}

static void remove_folder(const char *path)
{
    char *command = arena_printf(&arena, "rm -rf '%s'", path);

    assert_int_equal(system(command), 0);
}

static struct simulated simulated_at(int64_t time)
{
    struct simulate_options options = {.seed = 7, .time = time};
    struct simulated s;
    struct fault fault = {0};

    if (!simulate(&arena, &options, &s, &fault))
        fail_msg("%s", fault.text);
    return s;
}

static struct catalogue catalogue_of(const struct simulated *s, bool trusted)
{
    struct catalogue c;
    const struct bytes all[] = {s->tcb_info, s->identity, s->root_crl, s->pck_crl, s->signing_chain};

    catalogue_init(&c, &arena);
    if (trusted)
        catalogue_add_anchor(&c, s->anchor_spki);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        assert_true(catalogue_add(&c, arena_printf(&arena, "file %zu", i), all[i]));
    return c;
}

static struct collateral *of_kind(const struct catalogue *c, enum collateral_kind kind)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->v[i].kind == kind)
            return &c->v[i];
    fail_msg("no %s", collateral_kind_word(kind));
    return NULL;
}

static void a_catalogue_knows_kinds_dates_and_names(void **state)
{
    (void)state;
    struct simulated s = simulated_at(0);
    struct catalogue c = catalogue_of(&s, true);
    struct collateral *info = of_kind(&c, COLLATERAL_TCB_INFO_SGX);

    assert_int_equal(c.n, 5);
    assert_int_equal(c.foreign_count, 0);
    assert_int_equal(info->evaluation, 17);
    assert_int_equal(info->fmspc.n, FMSPC_SIZE);
    assert_true(info->issued < s.time && s.time < info->expires);
    assert_memory_equal(info->name, "tcbinfo-sgx-", 12);
    assert_non_null(strstr(info->name, "-e17.json"));
    assert_bytes_equal(info->content, s.tcb_info);
    assert_string_equal(of_kind(&c, COLLATERAL_QE_IDENTITY)->name, "identity-qe-e17.json");
    assert_int_equal(of_kind(&c, COLLATERAL_ROOT_CRL)->content.p[0], 0x30);
    assert_memory_equal(of_kind(&c, COLLATERAL_TCB_CHAIN)->content.p, "-----BEGIN", 10);
    assert_false(catalogue_add(&c, "note.txt", BYTES_LIT("hello")));
    assert_int_equal(c.foreign_count, 1);
    assert_string_equal(c.foreign[0].file, "note.txt");
    assert_true(catalogue_add(&c, "again", s.tcb_info));
    assert_int_equal(c.n, 5);
}

static void verdicts_tell_forged_from_unknown_and_untrusted(void **state)
{
    (void)state;
    struct simulated s = simulated_at(0);
    struct catalogue trusted = catalogue_of(&s, true), not_trusted = catalogue_of(&s, false), alone, forged;

    assert_int_equal(collateral_judge(&trusted, of_kind(&trusted, COLLATERAL_TCB_INFO_SGX)), COLLATERAL_GENUINE);
    assert_int_equal(collateral_judge(&trusted, of_kind(&trusted, COLLATERAL_TCB_CHAIN)), COLLATERAL_GENUINE);
    assert_int_equal(collateral_judge(&trusted, of_kind(&trusted, COLLATERAL_ROOT_CRL)), COLLATERAL_GENUINE);
    assert_int_equal(collateral_judge(&not_trusted, of_kind(&not_trusted, COLLATERAL_TCB_INFO_SGX)),
                     COLLATERAL_UNTRUSTED);
    catalogue_init(&alone, &arena);
    assert_true(catalogue_add(&alone, "x", s.tcb_info));
    assert_int_equal(collateral_judge(&alone, &alone.v[0]), COLLATERAL_UNKNOWN);
    catalogue_init(&forged, &arena);
    catalogue_add_anchor(&forged, s.anchor_spki);
    struct bytes bad = arena_copy(&arena, s.tcb_info);
    uint8_t *date = memmem(bad.p, bad.n, "UpToDate", 8) ? (uint8_t *)memmem(bad.p, bad.n, "\"pcesvn\":", 9) : NULL;
    assert_non_null(date);
    date[9] = date[9] == '9' ? '8' : '9';
    assert_true(catalogue_add(&forged, "x", bad));
    assert_true(catalogue_add(&forged, "y", s.signing_chain));
    assert_int_equal(collateral_judge(&forged, of_kind(&forged, COLLATERAL_TCB_INFO_SGX)), COLLATERAL_FORGED);
}

static enum folder_outcome put(const char *path, const struct simulated *s, struct bytes content, const char **name)
{
    struct anchors trust = {(const uint8_t(*)[SHA256_SIZE])s->anchor_spki, 1};
    struct bytes contents[] = {content, s->signing_chain};
    struct folder_result results[2];
    struct folder f;
    struct fault fault = {0};

    if (!folder_open(&f, path, FOLDER_WRITE, &fault) || !folder_put(&f, &arena, &trust, contents, 2, results, &fault))
        fail_msg("%s", fault.text);
    folder_close(&f);
    if (name)
        *name = results[0].name;
    return results[0].outcome;
}

static size_t files_of(const char *path, struct catalogue *c)
{
    struct folder f;
    struct fault fault = {0};

    catalogue_init(c, &arena);
    if (!folder_open(&f, path, FOLDER_READ, &fault) || !folder_load(&f, c, &fault))
        fail_msg("%s", fault.text);
    folder_close(&f);
    return c->n;
}

static void newer_replaces_older_and_never_the_other_way(void **state)
{
    (void)state;
    char *path = new_folder();
    struct simulated old = simulated_at(1767225600), new = simulated_at(1767225600 + YEAR);
    struct catalogue c;
    const char *name;

    assert_int_equal(put(path, &old, old.tcb_info, &name), FOLDER_NEW);
    assert_int_equal(put(path, &old, old.tcb_info, NULL), FOLDER_SAME);
    assert_int_equal(put(path, &new, new.tcb_info, NULL), FOLDER_REPLACED);
    assert_int_equal(put(path, &old, old.tcb_info, NULL), FOLDER_NEWER);
    assert_true(files_of(path, &c) >= 2);
    assert_bytes_equal(of_kind(&c, COLLATERAL_TCB_INFO_SGX)->content, new.tcb_info);
    assert_string_equal(of_kind(&c, COLLATERAL_TCB_INFO_SGX)->file, name);
    remove_folder(path);
}

static void what_does_not_verify_is_not_written(void **state)
{
    (void)state;
    char *path = new_folder();
    struct simulated s = simulated_at(0);
    struct bytes bad = arena_copy(&arena, s.tcb_info);
    struct catalogue c;
    struct anchors none = {NULL, 0};
    struct bytes contents[] = {s.tcb_info, s.signing_chain, BYTES_LIT("no endorsement")};
    struct folder_result results[3];
    struct folder f;
    struct fault fault = {0};

    ((uint8_t *)(uintptr_t)memmem(bad.p, bad.n, "\"issueDate\":\"", 13))[16] ^= 1; /* another year, to look newer */
    assert_int_equal(put(path, &s, bad, NULL), FOLDER_REFUSED);
    assert_true(folder_open(&f, path, FOLDER_WRITE, &fault));
    assert_true(folder_put(&f, &arena, &none, contents, 3, results, &fault));
    folder_close(&f);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(results[i].outcome, i == 1 ? FOLDER_SAME : FOLDER_REFUSED); /* put above wrote the chain */
        assert_true(i == 1 || results[i].why != NULL);
    }
    files_of(path, &c);
    assert_int_equal(c.n, 1);
    remove_folder(path);
}

/* A writer that died behind its commit left the new files where they do not belong yet: readers see them there. One that died
 * before it left nothing that counts. */
static void readers_see_all_of_a_commit_or_nothing(void **state)
{
    (void)state;
    char *path = new_folder();
    struct simulated old = simulated_at(1767225600), new = simulated_at(1767225600 + YEAR);
    struct catalogue c;
    const char *name;

    put(path, &old, old.tcb_info, &name);
    for (int committed = 0; committed < 2; committed++) {
        char *hidden = arena_printf(&arena, "%s/%s", path, committed ? ".committed" : ".staged");
        FILE *file;

        assert_int_equal(mkdir(hidden, 0755), 0);
        file = fopen(arena_printf(&arena, "%s/%s", hidden, name), "wb");
        assert_non_null(file);
        assert_int_equal(fwrite(new.tcb_info.p, 1, new.tcb_info.n, file), new.tcb_info.n);
        fclose(file);
        files_of(path, &c);
        assert_bytes_equal(of_kind(&c, COLLATERAL_TCB_INFO_SGX)->content, committed ? new.tcb_info : old.tcb_info);
        put(path, &old, old.identity, NULL); /* the next writer tidies up */
        assert_int_equal(access(hidden, F_OK), -1);
        files_of(path, &c);
        assert_bytes_equal(of_kind(&c, COLLATERAL_TCB_INFO_SGX)->content, committed ? new.tcb_info : old.tcb_info);
    }
    remove_folder(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_catalogue_knows_kinds_dates_and_names),
        cmocka_unit_test(verdicts_tell_forged_from_unknown_and_untrusted),
        cmocka_unit_test(newer_replaces_older_and_never_the_other_way),
        cmocka_unit_test(what_does_not_verify_is_not_written),
        cmocka_unit_test(readers_see_all_of_a_commit_or_nothing),
    };
    return cmocka_run_group_tests_name("collateral", tests, set_up, tear_down);
}
