/* Whether a store is the one of its newest checkpoint, or goes on from it; and what the core signs of it. */
#include "arena_test.h"

#include "log_sample.h"
#include "state_judge.h"

static void a_good_one_is_accepted(void **state)
{
    (void)state;
    assert_null(state_judge(&arena, ""));
}

static void each_fault_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < STATE_FAULTS; i++) {
        const char *refused = state_judge(&arena, state_faults[i].name);

        if (!refused || strcmp(refused, check_table[state_faults[i].row].id) != 0)
            fail_msg("%s: %s", state_faults[i].name, refused ? refused : "accepted");
    }
}

static const char *spoiled_shape(struct state_case *c, const char *lines)
{
    struct checkpoint next;
    struct bytes text = BYTES_NONE;

    assert_true(note_text(c->note, &text) && checkpoint_parse(text, &next));
    next.extra = bytes_text(lines);
    c->note = note_write(&arena, checkpoint_text(&arena, &next), &c->key, (const uint8_t[ED25519_SIGNATURE]){0});
    return state_case_judge(&arena, c);
}

static void lines_have_one_form(void **state)
{
    static const char *const wrong[] = {
        "",
        "time\n",
        "time 1\ntime 1\n",
        "time 01\n",
        "time -1\n",
        "time 1\nmore\n",
        "counter 1 0f\ntime 1\n",
        "counter 0 01020300000000000000000000000000\ntime 1\n",
        "counter 1 0102030000000000000000000000000g\ntime 1\n",
        "counter 1 0A020300000000000000000000000000\ntime 1\n",
        "counter 101020300000000000000000000000000\ntime 1\n",
        "time 1\ncounter 1 01020300000000000000000000000000\n",
    };
    struct state_mark mark;
    struct state_case c;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        state_case_make(&arena, &c);
        assert_false(state_mark_read(bytes_text(wrong[i]), &mark));
        assert_string_equal(spoiled_shape(&c, wrong[i]), "state.shape");
    }
    assert_true(state_mark_read(BYTES_LIT("counter 12 0a020300000000000000000000000000\ntime 34\n"), &mark));
    assert_true(mark.counter.value == 12 && mark.counter.id[0] == 10 && mark.time == 34);
    state_case_make(&arena, &c);
    c.note = BYTES_LIT("nothing");
    assert_string_equal(state_case_judge(&arena, &c), "state.shape");
}

/* What a first start, a start after a kill and a change of settings find. */
static void what_is_no_fault(void **state)
{
    struct state_case c;

    (void)state;
    state_case_make(&arena, &c);
    c.note = BYTES_NONE; /* nothing is there yet */
    c.counter = (struct state_reading){.there = false};
    assert_null(state_case_judge(&arena, &c));
    c.counter = (struct state_reading){.there = true, .counter.value = 3}; /* killed before the first one was written */
    assert_null(state_case_judge(&arena, &c));
    state_case_make(&arena, &c);
    c.counter.in_force = false; /* killed before the last step of the first one */
    assert_null(state_case_judge(&arena, &c));
    c.counts = false; /* the setting was taken back */
    assert_null(state_case_judge(&arena, &c));
    state_case_make(&arena, &c);
    c.count = STATE_COVERED; /* nothing was written since */
    assert_null(state_case_judge(&arena, &c));
    c.now = STATE_NOW - STATE_CLOCK_ALLOWANCE;
    assert_null(state_case_judge(&arena, &c));
    state_case_make(&arena, &c);
    c.mark.counter.value = 0; /* the setting is new */
    c.note = state_case_note(&arena, &c, STATE_STORE, STATE_COVERED);
    c.counter = (struct state_reading){.there = false};
    assert_null(state_case_judge(&arena, &c));
}

/* A small part, every root and every proof from it beside those of a tree that has everything. */
static void growth_is_the_tree(void **state)
{
    enum { LEAVES = 37 };
    static struct merkle_growth whole;

    (void)state;
    for (size_t part = 0; part <= LEAVES; part++) {
        struct merkle_growth g = {0};

        merkle_growth_free(&whole);
        for (size_t i = 0; i < LEAVES; i++) {
            struct bytes entry = bytes_text(arena_printf(&arena, "entry %zu", i));

            merkle_growth_add(&whole, entry);
            merkle_growth_add(&g, entry);
            if (i < part)
                merkle_growth_settle(&g);
        }
        const struct merkle_source of_whole = merkle_growth_source(&whole), of_part = merkle_growth_source(&g);
        struct merkle_hash expected, old, root;
        struct merkle_path proof;

        assert_true(g.part == part && merkle_growth_size(&g) == LEAVES);
        assert_true(merkle_root(&of_whole, part, &old, NULL) && merkle_root(&of_part, part, &root, NULL));
        assert_true(merkle_same(&old, &root));
        for (uint64_t size = part; size <= LEAVES; size++) {
            assert_true(merkle_root(&of_whole, size, &expected, NULL) && merkle_root(&of_part, size, &root, NULL));
            assert_true(merkle_same(&expected, &root));
            assert_true(merkle_prove_consistency(&of_part, part, size, &proof, NULL));
            assert_true(merkle_consistent(part, &old, size, &root, &proof));
        }
        if (part > 2)
            assert_false(merkle_root(&of_part, part - 1, &root, NULL) && merkle_root(&of_part, part - 2, &root, NULL));
        merkle_growth_free(&g);
    }
    merkle_growth_free(&whole);
}

/* In whatever order both sides come, and of many. */
static void a_view_knows_the_newest(void **state)
{
    enum { MANY = 5000 };
    struct state_view *v = state_view_new();
    struct state_record r = {.provider = BYTES_LIT("p"), .kind = BYTES_LIT("k"), .version = 2, .body = BYTES_LIT("x")};

    (void)state;
    assert_false(state_view_is_whole(v));
    state_view_whole(v);
    assert_true(state_view_is_whole(v));
    state_view_serve(v, &r); /* another node's, to which the anchor comes */
    assert_int_equal(state_view_differing(v), 0);
    r.version = 1;
    state_view_read(v, &r, record_message(&arena, &r));
    assert_int_equal(state_view_differing(v), 0);
    r.version = 2;
    state_view_read(v, &r, record_message(&arena, &r));
    assert_int_equal(state_view_differing(v), 0);
    r.version = 1;
    state_view_read(v, &r, record_message(&arena, &r)); /* the whole store again */
    assert_int_equal(state_view_differing(v), 0);
    r.version = 3;
    state_view_read(v, &r, record_message(&arena, &r));
    assert_int_equal(state_view_differing(v), 1);
    state_view_serve(v, &r);
    assert_int_equal(state_view_differing(v), 0);
    r.provider = BYTES_LIT("pk"); /* not the same as p and k */
    r.kind = BYTES_LIT("");
    state_view_read(v, &r, record_message(&arena, &r));
    assert_int_equal(state_view_differing(v), 1);
    state_view_serve(v, &r);
    for (size_t i = 0; i < MANY; i++) {
        r.kind = bytes_text(arena_printf(&arena, "kind %zu", i));
        state_view_read(v, &r, record_message(&arena, &r));
        if (i % 5)
            state_view_serve(v, &r);
    }
    assert_int_equal(state_view_differing(v), MANY / 5);
    state_view_free(v);
    state_view_free(NULL);
}

/* Signing the next one: its counter and time go on. */
static const char *next_verdict(struct state_case *c, const struct state_mark *mark)
{
    struct log_exam x = {.arena = &arena, .trace = trace_new(&arena), .key = &c->key};
    struct checkpoint_message m = {.use = STATE_STORE, .last = c->note}, read;
    static const struct checkpoint none;
    struct merkle_growth g = {0};

    m.next = (struct checkpoint){.origin = c->key.name, .size = STATE_RECORDS, .extra = state_mark_write(&arena, mark)};
    for (size_t i = 0; i < STATE_RECORDS; i++)
        merkle_growth_add(&g, bytes_text(c->records[i]));
    const struct merkle_source source = merkle_growth_source(&g);
    assert_true(merkle_root(&source, STATE_RECORDS, &m.next.root, NULL) &&
                merkle_prove_consistency(&source, c->note.n ? STATE_COVERED : 0, STATE_RECORDS, &m.growth, NULL));
    merkle_growth_free(&g);
    assert_true(read_checkpoint(write_checkpoint(&arena, &m), &read));
    const char *refused = log_sample_verdict(&x, checkpoint_judge(&x, &read, &none));
    return refused ? refused : "signed";
}

static void the_next_goes_on(void **state)
{
    struct state_case c;
    struct state_mark mark;

    (void)state;
    state_case_make(&arena, &c);
    mark = c.mark;
    mark.counter.value++;
    assert_string_equal(next_verdict(&c, &mark), "signed");
    mark.time--;
    assert_string_equal(next_verdict(&c, &mark), "state.time");
    assert_string_equal(next_verdict(&c, &c.mark), "state.counter"); /* each value is signed once */
    mark = c.mark;
    mark.counter = (struct state_counter){1, {9}}; /* another counter, as after its loss */
    assert_string_equal(next_verdict(&c, &mark), "signed");
    c.note = BYTES_NONE;
    mark.time = 1;
    assert_string_equal(next_verdict(&c, &mark), "signed"); /* the first */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_good_one_is_accepted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_fault_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lines_have_one_form, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_fault, set_up, tear_down),
        cmocka_unit_test_setup_teardown(growth_is_the_tree, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_view_knows_the_newest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_next_goes_on, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("state_checkpoint", tests, NULL, NULL);
}
