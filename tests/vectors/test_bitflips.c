/* Every bit of a real quote flipped, one at a time: none is accepted, except in bytes that nothing signs. Those are named
 * here and nowhere else: what is accepted outside them, or refused inside, fails. */
#include "intel.h"

enum { CACHE_ENTRIES = 64, CACHE_BYTES = 4 * 1024 * 1024, PADDING = 16 };

/* All but the first are bytes that nothing signs. */
enum region { SIGNED, PEM_BETWEEN, PEM_NUL, TAIL, REGIONS };
static const char *const region_names[REGIONS] = {
    [SIGNED] = "signed, or a length or mark without which nothing is read",
    [PEM_BETWEEN] = "line ends between and behind the PEM blocks of the certification data",
    [PEM_NUL] = "the NUL behind the certification data's text",
    [TAIL] = "bytes behind the quote",
};

static size_t find(struct bytes b, size_t from, const char *text)
{
    const uint8_t *hit = memmem(b.p + from, b.n - from, text, strlen(text));

    return hit ? (size_t)(hit - b.p) : b.n;
}

/* The region of each byte of the quote. */
static enum region *map_regions(struct arena *a, struct bytes quote, size_t padded_size)
{
    static const char end_mark[] = "-----END CERTIFICATE-----";
    enum region *map = ARENA_ARRAY(a, enum region, padded_size);

    for (size_t end = 0; (end = find(quote, end, end_mark)) < quote.n;) {
        end += sizeof end_mark - 1;
        for (; end < quote.n && quote.p[end] != '-'; end++)
            map[end] = quote.p[end] ? PEM_BETWEEN : PEM_NUL;
    }
    for (size_t i = quote.n; i < padded_size; i++)
        map[i] = TAIL;
    return map;
}

static void every_bit(const char *file, const char *set, const char *time, bool (*judge)(struct exam *, struct bytes))
{
    struct settings settings = SETTINGS_DEFAULT;
    struct cache *cache = cache_new(CACHE_ENTRIES, CACHE_BYTES);
    int64_t t = time_of(bytes_text(time));
    unsigned accepted[REGIONS] = {0}, flipped[REGIONS] = {0};
    struct arena kept, a;
    struct exam x;

    arena_init(&kept, TEST_MEMORY);
    arena_init(&a, TEST_MEMORY);
    struct endorsements *e = load_set(&kept, bytes_text(set), t);
    struct bytes quote = read_shared(&kept, arena_printf(&kept, "evidence/%s", file));
    uint8_t *changed = arena_alloc(&kept, quote.n + PADDING);
    struct bytes padded = bytes_make(changed, quote.n + PADDING);
    const enum region *map = map_regions(&kept, quote, padded.n);

    memcpy(changed, quote.p, quote.n);
    exam_begin(&x, &a, e, &settings, cache, t);
    assert_true(judge(&x, padded));
    for (size_t i = 0; i < padded.n; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            changed[i] ^= (uint8_t)(1u << bit);
            exam_begin(&x, &a, e, &settings, cache, t);
            flipped[map[i]]++;
            if (judge(&x, padded)) {
                accepted[map[i]]++;
                if (map[i] == SIGNED)
                    print_message("# accepted: byte %zu, bit %u\n", i, bit);
            }
            changed[i] ^= (uint8_t)(1u << bit);
            arena_reset(&a);
            cache_settle(cache);
        }
    for (int r = 0; r < REGIONS; r++) {
        print_message("# %s: %u bits flipped, %u accepted\n", region_names[r], flipped[r], accepted[r]);
        assert_int_equal(accepted[r], r == SIGNED ? 0 : flipped[r]);
    }
    endorsements_free(e);
    cache_free(cache);
    arena_free(&a);
    arena_free(&kept);
}

static void of_an_enclave(void **state)
{
    (void)state;
    NEED_SHARED("bit flips of a real SGX quote");
    every_bit("sgx/sgx-v3-00606a000000-9a1589e4.bin", "sgx-00606a000000-e14-20230118-bdb1", "2023-02-02T21:56:09Z",
              judge_quote);
}

static void of_a_trust_domain(void **state)
{
    (void)state;
    NEED_SHARED("bit flips of a real TDX quote");
    every_bit("tdx/tdx-v5-90c06f000000-cf77a6e9.bin", "tdx-90c06f000000-e18-20260112-6567", "2026-02-04T03:11:36Z",
              judge_td_quote);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(of_an_enclave), cmocka_unit_test(of_a_trust_domain)};

    return cmocka_run_group_tests_name("bitflips", tests, NULL, NULL);
}
