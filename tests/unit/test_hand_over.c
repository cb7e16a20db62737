/* The root key from one node to another: through files, by the steps that operators take, between simulated nodes of one platform. */
#include "arena_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/key_envelope.h"
#include "hand_over_case.h"
#include "sealer/hand_over.h"

static struct root_name name;
static const struct root_sealer file_sealer = {.name = "file"};

/* Two nodes and the folder that both have their files in. */
struct world {
    char folder[64], old_file[128], new_file[128];
    struct hand_over_vector old_vector, new_vector;
    struct endorsements *endorsements;
    struct settings settings;
    struct hand_over_node old_node, new_node;
};

static bool evidence(void *context, struct bytes body, struct arena *a, struct key_evidence *out, struct fault *fault)
{
    return case_evidence(a, context, body, out, NULL, fault);
}

static void make_world(struct world *w, enum simulate_kind kind)
{
    struct key_evidence unused;
    struct fault fault = {0};

    *w = (struct world){.folder = "/tmp/assay-hand-over-XXXXXX", .settings = SETTINGS_DEFAULT};
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->old_file, sizeof w->old_file, "%s/old.key", w->folder);
    snprintf(w->new_file, sizeof w->new_file, "%s/new.key", w->folder);
    w->old_vector = w->new_vector = (struct hand_over_vector){.kind = kind};
    w->endorsements = endorsements_new(TEST_MEMORY);
    assert_true(case_evidence(&arena, &w->old_vector, BYTES_LIT("x"), &unused, w->endorsements, &fault));
    w->old_node = (struct hand_over_node){w->old_file, &file_sealer,   w->endorsements, &w->settings,
                                          evidence,    &w->old_vector, HAND_OVER_NOW};
    w->new_node = w->old_node;
    w->new_node.key_file = w->new_file;
    w->new_node.context = &w->new_vector;
    assert_true(key_file_create(w->old_file, key_envelope_plain(&arena, KEY_HOLDS_ROOT, case_root), &fault));
}

static void end_world(struct world *w)
{
    char command[128];

    endorsements_free(w->endorsements);
    snprintf(command, sizeof command, "rm -r %s", w->folder);
    assert_int_equal(0, system(command));
}

static bool is_there(const char *path, const char *suffix)
{
    struct stat st;

    return lstat(arena_printf(&arena, "%s%s", path, suffix), &st) == 0;
}

static void refused(bool ok, const struct fault *fault, const char *why)
{
    if (ok || !strstr(fault->text, why))
        fail_msg("%s, not: %s", ok ? "accepted" : fault->text, why);
}

static void goes_over(enum simulate_kind kind)
{
    struct world w;
    struct fault fault = {0};
    struct bytes offer, grant, text;
    struct key_envelope e;
    uint8_t root[ROOT_KEY_SIZE];
    bool there;

    make_world(&w, kind);
    if (!hand_over_offer(&w.new_node, &arena, &offer, &fault) ||
        !hand_over_grant(&w.old_node, offer, &arena, &grant, &name, &fault) ||
        !hand_over_accept(&w.new_node, grant, &arena, &name, &fault))
        fail_msg("%s", fault.text);
    assert_true(key_file_read(w.new_file, &arena, &there, &text, &fault) && there);
    assert_true(key_envelope_read(&arena, text, &e, &fault) && key_envelope_open(&arena, &e, NULL, root, &fault));
    assert_memory_equal(root, case_root, sizeof root);
    assert_false(is_there(w.new_file, ".offer") || is_there(w.new_file, ".offered"));
    for (size_t i = 0; i + sizeof root <= grant.n; i++)
        assert_memory_not_equal(grant.p + i, case_root, sizeof root);

    refused(hand_over_accept(&w.new_node, grant, &arena, &name, &fault), &fault, "there is a key file");
    fault = (struct fault){0};
    refused(hand_over_offer(&w.new_node, &arena, &offer, &fault), &fault, "there is a key file");
    end_world(&w);
}

static void all_kinds_go_over(void **state)
{
    (void)state;
    goes_over(SIMULATE_SGX);
    goes_over(SIMULATE_TDX);
    goes_over(SIMULATE_SNP);
}

static void grant_refused(struct world *w, struct bytes offer, const char *why)
{
    struct fault fault = {0};
    struct bytes grant;

    refused(hand_over_grant(&w->old_node, offer, &arena, &grant, &name, &fault), &fault, why);
}

static void the_old_node_refuses(void **state)
{
    struct world w;
    struct fault fault = {0};
    struct bytes offer, grant;

    (void)state;
    make_world(&w, SIMULATE_SGX);
    assert_true(hand_over_offer(&w.new_node, &arena, &offer, &fault));
    w.old_node.time = HAND_OVER_NOW + HAND_OVER_SECONDS;
    grant_refused(&w, offer, "handover.time");
    w.old_node.time = HAND_OVER_NOW - 2 * HAND_OVER_SKEW;
    grant_refused(&w, offer, "handover.time");
    w.old_node.time = HAND_OVER_NOW;
    grant_refused(&w, bytes_first(offer, offer.n / 2), "handover.shape");
    w.old_vector.debug = true; /* so that the new node's measurement is another's, and itself no node to give a key */
    grant_refused(&w, offer, "handover.configuration");
    w.old_vector.debug = false;
    assert_false(is_there(w.old_file, ".granted"));

    assert_true(hand_over_grant(&w.old_node, offer, &arena, &grant, &name, &fault));
    grant_refused(&w, offer, "handover.fresh");
    w.old_node.key_file = w.new_file;
    grant_refused(&w, offer, "cannot read the key file");

    w.new_vector.debug = true;
    refused(hand_over_offer(&w.new_node, &arena, &offer, &fault), &fault, "may be debugged");
    end_world(&w);
}

/* A key that somebody put in the place of a sealed one goes nowhere, and opens nothing. */
static void an_open_key_is_not_handed_over(void **state)
{
    const struct root_sealer sealed = {.name = "tpm2"};
    struct world w;
    struct fault fault = {0};
    struct bytes offer, grant;

    (void)state;
    make_world(&w, SIMULATE_SGX);
    assert_true(hand_over_offer(&w.new_node, &arena, &offer, &fault));
    w.old_node.sealer = &sealed;
    grant_refused(&w, offer, "it is sealed by file, not by tpm2");
    w.old_node.sealer = &file_sealer;
    assert_int_equal(unlink(arena_printf(&arena, "%s.granted", w.old_file)), 0);
    assert_true(hand_over_grant(&w.old_node, offer, &arena, &grant, &name, &fault));
    w.new_node.sealer = &sealed;
    refused(hand_over_accept(&w.new_node, grant, &arena, &name, &fault), &fault, "it is sealed by file, not by tpm2");
    assert_false(is_there(w.new_file, ""));
    end_world(&w);
}

/* Every hundredth bit of an offer and of a grant; each of the body, which the evidence is bound to. */
static void no_bit_may_change(void **state)
{
    struct world w;
    struct fault fault = {0};
    struct bytes offer, grant;

    (void)state;
    make_world(&w, SIMULATE_SGX);
    assert_true(hand_over_offer(&w.new_node, &arena, &offer, &fault));
    uint8_t *p = arena_alloc(&arena, offer.n);
    const size_t body = 14 + 8 + HAND_OVER_NONCE + X25519_SIZE,
                 quote = 700; /* what of the quote is signed, and its signature */
    for (size_t bit = 0; bit < 8 * (body + quote); bit += bit < 8 * body ? 7 : 101) {
        struct fault reason = {0};
        struct bytes made;

        memcpy(p, offer.p, offer.n);
        p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (hand_over_grant(&w.old_node, bytes_make(p, offer.n), &arena, &made, &name, &reason))
            fail_msg("bit %zu of the offer", bit);
    }
    assert_true(hand_over_grant(&w.old_node, offer, &arena, &grant, &name, &fault));
    const size_t grant_body = 14 + 8 + SHA256_SIZE + X25519_SIZE + AEAD_IV_SIZE + ROOT_KEY_SIZE + AEAD_TAG_SIZE;
    p = arena_alloc(&arena, grant.n);
    for (size_t bit = 0; bit < 8 * (grant_body + quote); bit += bit < 8 * grant_body ? 7 : 101) {
        struct fault reason = {0};

        memcpy(p, grant.p, grant.n);
        p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (hand_over_accept(&w.new_node, bytes_make(p, grant.n), &arena, &name, &reason))
            fail_msg("bit %zu of the grant", bit);
    }
    assert_true(hand_over_accept(&w.new_node, grant, &arena, &name, &fault));
    end_world(&w);
}

static void the_new_node_refuses(void **state)
{
    struct world w;
    struct fault fault = {0};
    struct bytes first, offer, grant, of_first;

    (void)state;
    make_world(&w, SIMULATE_SNP);
    refused(hand_over_accept(&w.new_node, BYTES_LIT("x"), &arena, &name, &fault), &fault, "has made no offer");
    fault = (struct fault){0};
    assert_true(hand_over_offer(&w.new_node, &arena, &first, &fault));
    assert_true(hand_over_grant(&w.old_node, first, &arena, &of_first, &name, &fault));
    w.new_node.time++;
    assert_true(hand_over_offer(&w.new_node, &arena, &offer, &fault));
    refused(hand_over_accept(&w.new_node, of_first, &arena, &name, &fault), &fault, "handover.answer");
    fault = (struct fault){0};
    assert_true(hand_over_grant(&w.old_node, offer, &arena, &grant, &name, &fault));
    /* The evidence of one grant under the body of another. */
    size_t body = 14 + 8 + SHA256_SIZE + X25519_SIZE + AEAD_IV_SIZE + ROOT_KEY_SIZE + AEAD_TAG_SIZE;
    uint8_t *p = arena_alloc(&arena, grant.n);
    memcpy(p, grant.p, body);
    memcpy(p + body, of_first.p + body, grant.n - body);
    refused(hand_over_accept(&w.new_node, bytes_make(p, grant.n), &arena, &name, &fault), &fault, "snp.runtime_data");
    fault = (struct fault){0};
    w.new_node.time += HAND_OVER_SECONDS;
    refused(hand_over_accept(&w.new_node, grant, &arena, &name, &fault), &fault, "handover.time");
    assert_false(is_there(w.new_file, ""));
    end_world(&w);
}

/* Who has the new node's disk puts an offer of another program, on genuine hardware, in the place of the node's own, with the node's
 * key in it, and grants a root key that he knows. */
static void no_root_is_planted(void **state)
{
    const struct hand_over_vector other = {.kind = SIMULATE_SGX, .kss = true};
    const uint8_t iv[AEAD_IV_SIZE] = {3};
    struct world w;
    struct fault fault = {0};
    struct hand_over_exam x;
    struct hand_over_offer own, planted;
    struct key_evidence e;
    struct bytes offer, body, grant;

    (void)state;
    make_world(&w, SIMULATE_SGX);
    assert_true(hand_over_offer(&w.new_node, &arena, &offer, &fault));
    x = (struct hand_over_exam){&arena, trace_new(&arena), w.endorsements, &w.settings, HAND_OVER_NOW};
    assert_true(hand_over_read_offer(&x, offer, &own));
    assert_true(case_evidence(&arena, &other, own.message.body, &e, NULL, &fault));
    offer = hand_over_write(&arena, own.message.body, &e);
    assert_true(hand_over_read_offer(&x, offer, &planted));
    assert_true(key_file_replace(arena_printf(&arena, "%s.offered", w.new_file), offer, &fault));
    assert_true(hand_over_grant_body(&arena, HAND_OVER_NOW, offer, &planted, case_secret[1], iv, case_root, &body));
    assert_true(case_evidence(&arena, &other, body, &e, NULL, &fault));
    grant = hand_over_write(&arena, body, &e);
    refused(hand_over_accept(&w.new_node, grant, &arena, &name, &fault), &fault, "the offer that lies here is refused");
    assert_non_null(strstr(fault.text, "handover.configuration"));
    assert_false(is_there(w.new_file, ""));
    end_world(&w);
}

/* Each fault by the check that is there for it; the mutants show that no other would. */
static void each_check_refuses(void **state)
{
    (void)state;
    assert_null(case_judge(&arena, CASE_GOOD));
    for (size_t i = 0; i < CASE_FAULTS; i++) {
        const char *id = case_judge(&arena, case_faults[i].fault);

        assert_non_null(id);
        assert_string_equal(id, check_table[case_faults[i].row].id);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_kinds_go_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_old_node_refuses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_open_key_is_not_handed_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_new_node_refuses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_bit_may_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_root_is_planted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_check_refuses, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("hand_over", tests, NULL, NULL);
}
