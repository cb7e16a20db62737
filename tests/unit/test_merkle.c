/* Trees and tiles of logs: known answers, every small tree beside a tree made by the definition, every path's one name. */
#include "arena_test.h"

#include "base/text.h"
#include "merkle/tile.h"

enum { TREES = 70 };

static struct merkle_hash leaves[TREES];

/* RFC 6962, 2.1, as it stands there. */
static void by_definition(size_t begin, size_t end, struct merkle_hash *out)
{
    struct merkle_hash left, right;
    size_t k = 1;

    if (end - begin == 1) {
        *out = leaves[begin];
        return;
    }
    while (2 * k < end - begin)
        k *= 2;
    by_definition(begin, begin + k, &left);
    by_definition(begin + k, end, &right);
    merkle_node(&left, &right, out);
}

static bool get(void *context, unsigned level, uint64_t index, struct merkle_hash *out, struct fault *fault)
{
    size_t width = (size_t)1 << level, begin = (size_t)index * width;

    (void)fault;
    assert_true(begin + width <= *(size_t *)context); /* nothing is asked for that is not there */
    by_definition(begin, begin + width, out);
    return true;
}

static void make_leaves(void)
{
    for (size_t i = 0; i < TREES; i++)
        merkle_leaf(bytes_text(arena_printf(&arena, "entry %zu", i)), &leaves[i]);
}

/* The entries and roots that implementations of RFC 6962 are tried with. */
static void known_answers(void **state)
{
    static const char *const entries[] = {
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"};
    static const char *const roots[] = {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                                        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                                        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                                        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                                        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                                        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                                        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                                        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                                        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
    struct bytes entry;

    (void)state;
    for (size_t i = 0; i < 8; i++) {
        assert_true(hex_decode(&arena, bytes_text(entries[i]), &entry));
        merkle_leaf(entry, &leaves[i]);
    }
    for (size_t size = 0; size <= 8; size++) {
        const struct merkle_source s = {get, &size};
        struct merkle_hash root;

        assert_true(merkle_root(&s, size, &root, NULL));
        assert_bytes_are(hex_encode(&arena, BYTES_OF(root.v)), roots[size]);
    }
}

static void every_entry_of_every_small_tree(void **state)
{
    (void)state;
    make_leaves();
    for (size_t size = 1; size <= TREES; size++) {
        const struct merkle_source s = {get, &size};
        struct merkle_hash root, other = {{1}};
        struct merkle_path path;

        by_definition(0, size, &root);
        for (size_t i = 0; i < size; i++) {
            assert_true(merkle_prove_inclusion(&s, i, size, &path, NULL));
            assert_true(merkle_included(&leaves[i], i, size, &path, &root));
            assert_false(merkle_included(&other, i, size, &path, &root));
            assert_false(merkle_included(&leaves[i], i, size, &path, &other));
            assert_false(merkle_included(&leaves[i], i + size, size, &path, &root));
            for (size_t k = 0; k < size; k++)
                assert_true(k == i || !merkle_included(&leaves[i], k, size, &path, &root));
            for (size_t k = 0; k < path.n; k++) {
                path.v[k].v[k % SHA256_SIZE] ^= 1;
                assert_false(merkle_included(&leaves[i], i, size, &path, &root));
                path.v[k].v[k % SHA256_SIZE] ^= 1;
            }
            path.n++;
            assert_false(merkle_included(&leaves[i], i, size, &path, &root));
            path.n--;
            if (path.n && path.n--)
                assert_false(merkle_included(&leaves[i], i, size, &path, &root));
        }
        assert_false(merkle_prove_inclusion(&s, size, size, &path, NULL));
    }
}

static void every_pair_of_small_trees(void **state)
{
    (void)state;
    make_leaves();
    for (size_t size = 1; size <= TREES; size++)
        for (size_t old = 1; old <= size; old++) {
            const struct merkle_source s = {get, &size};
            struct merkle_hash root, before;
            struct merkle_path path;

            by_definition(0, size, &root);
            by_definition(0, old, &before);
            assert_true(merkle_prove_consistency(&s, old, size, &path, NULL));
            assert_true(merkle_consistent(old, &before, size, &root, &path));
            assert_false(old != size && merkle_consistent(old, &root, size, &root, &path));
            assert_false(old != size && merkle_consistent(old, &before, size, &before, &path));
            for (size_t k = 1; k <= size; k++)
                assert_true(k == old || !merkle_consistent(k, &before, size, &root, &path));
            for (size_t k = 0; k < path.n; k++) {
                path.v[k].v[31] ^= 0x80;
                assert_false(merkle_consistent(old, &before, size, &root, &path));
                path.v[k].v[31] ^= 0x80;
            }
            path.n++;
            assert_false(merkle_consistent(old, &before, size, &root, &path));
        }
}

static void limits_are_kept(void **state)
{
    struct merkle_path path = {0};
    struct merkle_hash hash = {{0}};

    (void)state;
    assert_true(merkle_consistent(0, &hash, 5, &hash, &path));
    assert_false(merkle_consistent(6, &hash, 5, &hash, &path));
    assert_false(merkle_included(&hash, 0, 0, &path, &hash));
    assert_false(merkle_included(&hash, 0, LOG_SIZE_MOST + 1, &path, &hash));
    assert_false(merkle_included(&hash, UINT64_MAX, UINT64_MAX, &path, &hash));
    path.n = MERKLE_PATH_MAX;
    assert_false(merkle_included(&hash, 7, LOG_SIZE_MOST, &path, &hash));
}

static void tiles_have_one_name_each(void **state)
{
    static const struct {
        struct tile tile;
        const char *path;
    } rows[] = {
        {{.index = 0, .width = TILE_WIDTH}, "tile/0/000"},
        {{.index = 5, .width = 17}, "tile/0/005.p/17"},
        {{.level = 2, .index = 1234067, .width = TILE_WIDTH}, "tile/2/x001/x234/067"},
        {{.entries = true, .index = 1000, .width = 255}, "tile/entries/x001/000.p/255"},
        {{.entries = true, .index = 4294967295, .width = 1}, "tile/entries/x004/x294/x967/295.p/1"},
    };
    static const char *const bad[] = {"",
                                      "tile",
                                      "tile/",
                                      "tile/0",
                                      "tile/0/",
                                      "tile/0/00",
                                      "tile/0/0000",
                                      "tile/00/000",
                                      "tile/5/000",
                                      "tile/-1/000",
                                      "tile/0/x000/000",
                                      "tile/0/000.p/0",
                                      "tile/0/000.",
                                      "tile/0/000.p/",
                                      "tile/0/000.p/01",
                                      "tile/0/000.p/256",
                                      "tile/0/x001",
                                      "tile/0/001/000",
                                      "tile/0/../0",
                                      "tile/0/000/",
                                      "tile/0/ 00",
                                      "/tile/0/000",
                                      "tile//000",
                                      "tile/0/x01/000",
                                      "tile/entries",
                                      "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
                                      "tile/0/000.p/1x",
                                      "tile/data/000"};
    struct tile t;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_bytes_are(tile_path(&arena, &rows[i].tile), rows[i].path);
        assert_true(tile_parse(bytes_text(rows[i].path), &t));
        assert_bytes_are(tile_path(&arena, &t), rows[i].path);
        assert_int_equal(t.index, rows[i].tile.index);
        assert_int_equal(t.width, rows[i].tile.width);
        assert_int_equal(t.level, rows[i].tile.level);
        assert_int_equal(t.entries, rows[i].tile.entries);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (tile_parse(bytes_text(bad[i]), &t))
            fail_msg("%s is taken for a tile", bad[i]);
}

static void widths_follow_from_the_size(void **state)
{
    (void)state;
    assert_int_equal(tile_width(&(struct tile){.index = 0}, 0), 0);
    assert_int_equal(tile_width(&(struct tile){.index = 0}, 1), 1);
    assert_int_equal(tile_width(&(struct tile){.index = 0}, 300), 256);
    assert_int_equal(tile_width(&(struct tile){.index = 1}, 300), 44);
    assert_int_equal(tile_width(&(struct tile){.index = 2}, 300), 0);
    assert_int_equal(tile_width(&(struct tile){.level = 1}, 300), 1);
    assert_int_equal(tile_width(&(struct tile){.level = 1}, 255), 0);
    assert_int_equal(tile_width(&(struct tile){.entries = true, .index = 1}, 300), 44);
    assert_int_equal(tile_width(&(struct tile){.index = UINT64_MAX}, LOG_SIZE_MOST), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(known_answers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_entry_of_every_small_tree, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_pair_of_small_trees, set_up, tear_down),
        cmocka_unit_test_setup_teardown(limits_are_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tiles_have_one_name_each, set_up, tear_down),
        cmocka_unit_test_setup_teardown(widths_follow_from_the_size, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("merkle", tests, NULL, NULL);
}
