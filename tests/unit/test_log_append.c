/* A log in a folder: what it grows to is what a tree by the definition is, however it was cut off, and it does not go on where it
 * is shorter than what was signed, or another. */
#include "arena_test.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "merkle/append.h"

enum { ENTRIES = 700, BIG = 66000 /* fills a tile of level 1 */ };

#define ORIGIN BYTES_LIT("node-1.example/log")

static char folder[] = "/tmp/assay-log-XXXXXX";
static struct fault fault;

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static int begin(void **state)
{
    strcpy(folder, "/tmp/assay-log-XXXXXX");
    fault = (struct fault){0};
    return set_up(state) || !mkdtemp(folder);
}

static int end(void **state)
{
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return tear_down(state);
}

static struct bytes entry(size_t i)
{
    return bytes_text(arena_printf(&arena, "record %zu%s", i, i % 7 ? "" : ", which is longer than the others"));
}

static struct log_append *open_log(void)
{
    struct log_append *l = log_append_open(folder, ORIGIN, false, &fault);

    if (!l)
        fail_msg("%s", fault.text);
    return l;
}

static void add(struct log_append *l, size_t first, size_t count)
{
    struct bytes *entries = ARENA_ARRAY(&arena, struct bytes, count);
    size_t added;

    for (size_t i = 0; i < count; i++)
        entries[i] = entry(first + i);
    assert_int_equal(log_append_size(l), first);
    assert_true(log_append_add(l, entries, count, &added, &fault));
    assert_int_equal(added, count);
}

/* RFC 6962, 2.1, over the entries of this test. */
static void by_definition(size_t begin_at, size_t end_at, struct merkle_hash *out)
{
    struct merkle_hash left, right;
    size_t k = 1;

    if (end_at - begin_at == 1) {
        merkle_leaf(entry(begin_at), out);
        return;
    }
    while (2 * k < end_at - begin_at)
        k *= 2;
    by_definition(begin_at, begin_at + k, &left);
    by_definition(begin_at + k, end_at, &right);
    merkle_node(&left, &right, out);
}

/* Settled, its root right, and published with a signature that nobody asks for here. */
static void publish(struct log_append *l, struct checkpoint *c)
{
    const struct log_key key = {.name = ORIGIN};
    uint8_t signature[ED25519_SIGNATURE] = {0};
    struct merkle_path growth;
    struct merkle_hash root;

    assert_true(log_append_settle(l, 0, c, &growth, &fault));
    assert_int_equal(c->size, log_append_size(l));
    by_definition(0, c->size, &root);
    assert_memory_equal(&root, &c->root, sizeof root);
    assert_true(log_append_publish(l, note_write(&arena, checkpoint_text(&arena, c), &key, signature), &fault));
}

/* What a reader of the folder proves of every entry. */
static void read_back(const struct checkpoint *c)
{
    struct log_reader r = {.read = log_folder_read, .context = folder, .size = c->size};

    log_reader_open(&r);
    const struct merkle_source s = log_reader_source(&r);
    for (size_t i = 0; i<c->size; i += c->size> 1000 ? 977 : 1) {
        struct merkle_path path;
        struct merkle_hash leaf;
        struct bytes found;

        assert_true(log_reader_entry(&r, &arena, i, &found, &fault));
        assert_bytes_equal(found, entry(i));
        merkle_leaf(found, &leaf);
        assert_true(merkle_prove_inclusion(&s, i, c->size, &path, &fault));
        assert_true(merkle_included(&leaf, i, c->size, &path, &c->root));
    }
    struct bytes none;
    assert_false(log_reader_entry(&r, &arena, c->size, &none, &fault));
    fault = (struct fault){0};
    log_reader_free(&r);
}

static void grows_over_restarts(void **state)
{
    static const size_t steps[] = {1, 2, 60, 192, 1, 1, 255, 100, 600};
    struct log_append *l = open_log();
    struct checkpoint c, before = {0};
    size_t size = 0;

    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct merkle_path growth;

        add(l, size, steps[i]);
        size += steps[i];
        publish(l, &c);
        read_back(&c);
        assert_true(log_append_settle(l, before.size, &c, &growth, &fault));
        assert_true(merkle_consistent(before.size, &before.root, c.size, &c.root, &growth));
        before = c;
        log_append_close(l);
        l = open_log();
        assert_int_equal(log_append_size(l), size);
        assert_false(log_append_dropped(l));
    }
    log_append_close(l);
}

/* Tiles of level 1 and 2, read back from whole files at a start. */
static void fills_higher_tiles(void **state)
{
    struct log_append *l = open_log();
    struct checkpoint c;

    (void)state;
    for (size_t i = 0; i < BIG; i += 1000)
        add(l, i, 1000);
    log_append_close(l);
    l = open_log();
    publish(l, &c);
    read_back(&c);
    log_append_close(l);
    assert_int_equal(access(arena_printf(&arena, "%s/tile/1/000", folder), F_OK), 0);
    assert_int_equal(access(arena_printf(&arena, "%s/tile/2/000.p/1", folder), F_OK), 0);
    assert_int_not_equal(access(arena_printf(&arena, "%s/tile/1/000.p", folder), F_OK), 0);
}

static void mends_a_torn_tail(void **state)
{
    struct log_append *l = open_log();
    char *tail = arena_printf(&arena, "%s/tail", folder);
    struct checkpoint c;

    (void)state;
    add(l, 0, 300);
    publish(l, &c);
    add(l, 300, 3);
    log_append_close(l);
    log_append_close(open_log()); /* which leaves nothing behind the last entry */
    struct bytes whole = read_file(&arena, tail);
    /* Cut anywhere behind what was signed: whole entries stay, and it goes on. */
    for (size_t cut = 1; cut < 2 * entry(300).n; cut++) {
        assert_int_equal(truncate(tail, (off_t)(whole.n - cut)), 0);
        l = open_log();
        assert_in_range(log_append_size(l), 301, 302);
        assert_true(log_append_dropped(l));
        add(l, log_append_size(l), 1);
        log_append_close(l);
        l = open_log();
        assert_false(log_append_dropped(l));
        log_append_close(l);
        FILE *f = fopen(tail, "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(whole.p, 1, whole.n, f), whole.n);
        fclose(f);
    }
    l = open_log();
    publish(l, &c);
    read_back(&c);
    log_append_close(l);
}

static void refused(const char *why)
{
    struct log_append *l = log_append_open(folder, ORIGIN, false, &fault);

    assert_null(l);
    if (!strstr(fault.text, why))
        fail_msg("not \"%s\" but: %s", why, fault.text);
    fault = (struct fault){0};
}

static void flip(const char *name, long at)
{
    FILE *f = fopen(arena_printf(&arena, "%s/%s", folder, name), "r+b");

    assert_non_null(f);
    assert_int_equal(fseek(f, at, at < 0 ? SEEK_END : SEEK_SET), 0);
    int c = fgetc(f);
    assert_int_equal(fseek(f, -1, SEEK_CUR), 0);
    assert_int_equal(fputc(c ^ 1, f), c ^ 1);
    fclose(f);
}

static void write_over(const char *name, struct bytes content)
{
    FILE *f = fopen(arena_printf(&arena, "%s/%s", folder, name), "r+b");

    assert_non_null(f);
    assert_int_equal(fwrite(content.p, 1, content.n, f), content.n);
    fclose(f);
}

static struct bytes read_tail(void)
{
    return read_file(&arena, arena_printf(&arena, "%s/tail", folder));
}

/* Entries of one length go over those of the bundle before: what lies behind the last looks like an entry, and is none of this bundle. */
static void knows_its_own_entries(void **state)
{
    enum { HEADER = 16 };
    struct bytes all[TILE_WIDTH];
    struct log_append *l = open_log();
    size_t added;

    (void)state;
    for (size_t i = 0; i < TILE_WIDTH; i++)
        all[i] = BYTES_LIT("of one length");
    assert_true(log_append_add(l, all, TILE_WIDTH, &added, &fault));
    const struct bytes before = read_tail();
    assert_true(log_append_add(l, all, 2, &added, &fault));
    log_append_close(l);
    struct bytes now = read_tail();
    assert_int_equal(now.n, before.n);
    l = open_log();
    assert_int_equal(log_append_size(l), TILE_WIDTH + 2);
    assert_false(log_append_dropped(l));
    log_append_close(l);
    const size_t whole = HEADER + 2 * (before.n - HEADER) / TILE_WIDTH;
    assert_int_equal(read_tail().n, whole);
    /* The last of them did not come to the disk whole. */
    write_over("tail", now);
    flip("tail", (long)whole - 1);
    l = open_log();
    assert_int_equal(log_append_size(l), TILE_WIDTH + 1);
    assert_true(log_append_dropped(l));
    log_append_close(l);
}

/* The end came when entries of the next bundle were on their way, and the tail's own beginning was not on the disk yet. */
static void goes_on_from_the_sealed_bundle(void **state)
{
    struct log_append *l = open_log();
    struct checkpoint c;

    (void)state;
    add(l, 0, TILE_WIDTH);
    const struct bytes full = read_tail();
    for (size_t more = 1; more < 4; more++) {
        add(l, TILE_WIDTH, more);
        log_append_close(l);
        write_over("tail", bytes_first(full, 16));
        l = open_log();
        assert_int_equal(log_append_size(l), TILE_WIDTH);
    }
    add(l, TILE_WIDTH, 5);
    publish(l, &c);
    read_back(&c);
    log_append_close(l);
    /* A bundle that is cut short is none. */
    write_over("tail", bytes_first(full, 16));
    assert_int_equal(truncate(arena_printf(&arena, "%s/tile/entries/000", folder), 100), 0);
    refused("this is no whole bundle");
}

/* The form of a tail before its entries told their bundle. */
static void takes_over_an_earlier_tail(void **state)
{
    struct writer w = wr_open(&arena);
    struct log_append *l = open_log();
    struct checkpoint c;

    (void)state;
    log_append_close(l);
    wr_put(&w, BYTES_LIT("assaylog\0\0\0\0\0\0\0\0"));
    for (size_t i = 0; i < 3; i++) {
        struct merkle_hash leaf;

        merkle_leaf(entry(i), &leaf);
        wr_entry(&w, entry(i));
        wr_put(&w, BYTES_OF(leaf.v));
    }
    wr_put(&w, BYTES_LIT("torn"));
    write_over("tail", wr_done(&w));
    l = open_log();
    assert_true(log_append_dropped(l));
    add(l, 3, 2);
    log_append_close(l);
    l = open_log();
    assert_false(log_append_dropped(l));
    publish(l, &c);
    assert_int_equal(c.size, 5);
    read_back(&c);
    log_append_close(l);
}

/* The end came after the bundle's file was written, and before its tail was begun anew. */
static void seals_again(void **state)
{
    struct log_append *l = open_log();
    char *tail = arena_printf(&arena, "%s/tail", folder);
    struct checkpoint c;

    (void)state;
    add(l, 0, TILE_WIDTH);
    struct bytes full = read_file(&arena, tail);
    add(l, TILE_WIDTH, 1);
    log_append_close(l);
    FILE *f = fopen(tail, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(full.p, 1, full.n, f), full.n);
    fclose(f);
    l = open_log();
    assert_int_equal(log_append_size(l), TILE_WIDTH);
    add(l, TILE_WIDTH, 5);
    publish(l, &c);
    read_back(&c);
    log_append_close(l);
}

static void refuses_a_log_that_lost_what_was_signed(void **state)
{
    struct log_append *l = open_log();
    struct checkpoint c;

    (void)state;
    add(l, 0, ENTRIES);
    publish(l, &c);
    refused("another process writes it");
    log_append_close(l);
    log_append_close(open_log()); /* which leaves nothing behind the last entry */
    flip("tail", -1);             /* the last entry is no whole one now, and is dropped */
    refused("has 699 entries, and its checkpoint was signed over 700");
}

static void refuses_a_log_that_was_changed(void **state)
{
    struct log_append *l = open_log();
    struct checkpoint c;

    (void)state;
    add(l, 0, ENTRIES);
    publish(l, &c);
    log_append_close(l);
    flip("tile/0/001", 77);
    refused("they were changed");
    flip("tile/0/001", 77);
    flip("checkpoint", 40);
    refused("");
    flip("checkpoint", 40);
    flip("tail", 9);
    refused("");
    flip("tail", 9);
    assert_null(log_append_open(folder, BYTES_LIT("node-2"), false, &fault));
    assert_non_null(strstr(fault.text, "give each node a folder of its own"));
    fault = (struct fault){0};
    assert_int_equal(remove(arena_printf(&arena, "%s/tail", folder)), 0);
    refused("tail is missing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(grows_over_restarts, begin, end),
        cmocka_unit_test_setup_teardown(fills_higher_tiles, begin, end),
        cmocka_unit_test_setup_teardown(mends_a_torn_tail, begin, end),
        cmocka_unit_test_setup_teardown(seals_again, begin, end),
        cmocka_unit_test_setup_teardown(knows_its_own_entries, begin, end),
        cmocka_unit_test_setup_teardown(goes_on_from_the_sealed_bundle, begin, end),
        cmocka_unit_test_setup_teardown(takes_over_an_earlier_tail, begin, end),
        cmocka_unit_test_setup_teardown(refuses_a_log_that_lost_what_was_signed, begin, end),
        cmocka_unit_test_setup_teardown(refuses_a_log_that_was_changed, begin, end),
    };
    return cmocka_run_group_tests_name("log_append", tests, NULL, NULL);
}
