/* The original service's recorded signing certificates, judged as a relying party does; each refused with any one bit changed. The tokens
 * that were recorded beside them are not judged here. */
#include "arena_test.h"

#include <dirent.h>

#include "base/limits.h"
#include "base/text.h"
#include "crypto/jose.h"
#include "token/token.h"
#include "trust/trust.h"

/* Endorsements of GOLDEN.md 1, and a moment at which all of them are in date. */
static const char *const collateral[] = {
    "evidence/collateral/tcbinfo-v2-sgx-00906ed50000-e10-20210331-0487222c.json",
    "evidence/collateral/qeid-qe-e10-20210701-0f7320e2.json",
    "evidence/collateral/certs/intel-tcbsigning-20180521-20250521-ec37d981.der",
    "evidence/collateral/certs/intel-root-20180521-20491231-44a0196b.der",
    "evidence/collateral/crl-processor-20221018-67a75283.der",
    "evidence/collateral/crl-root-20220419-ef604c71.der",
};
enum { MOMENT = 1668716909 /* 2022-11-17T20:28:29Z */ };

/* MRSIGNERs of sgx-tdx.md 9.6. */
#define ANNOUNCED                                                                                           \
    "{\"measurements\":[{\"kind\":\"sgx\",\"values\":{\"product_id\":1,\"svn\":1,\"mrsigner\":"             \
    "\"5e5410aaf99a32e32df2a97d579e65f8310f274816ec4f34cedeeb1be410a526\"}},{\"kind\":\"sgx\",\"values\":{" \
    "\"product_id\":1,\"svn\":1,\"mrsigner\":\"74ba5fba208571cf99e1f7158e6536a05bbb6ce7807eef8f6a97f64a7af64b83\"}}]}"

/* Of the generation of 2020: a year long, RSA of 1024 bits, and on platforms that were out of date by the oldest TCB info at hand. No CRL of
 * their own time is in the corpus, so they are judged after it. */
static const char *const of_2020[] = {"1b0b918d", "e2ceeb31", "fd160ed8"};

static struct endorsements *endorsements;
static struct arena memory; /* of what is found, for all tests */

enum { FOUND_MOST = 64 };
static struct found {
    struct bytes der;
    const char *digest; /* the first eight digits of its SHA-256 */
    const char *service;
} found[FOUND_MOST];
static size_t found_count;

static void keep(struct bytes der)
{
    const struct certificate *c;

    if (!certificate_decode(&memory, der, &c, NULL) || !bytes_begin(c->subject_cn, "https://"))
        return;
    struct bytes digest = bytes_first(hex_encode(&memory, BYTES_OF(c->digest)), 8);
    for (size_t i = 0; i < found_count; i++)
        if (bytes_is(digest, found[i].digest))
            return;
    assert_true(found_count < FOUND_MOST);
    found[found_count++] = (struct found){c->der, arena_string(&memory, digest), arena_string(&memory, c->subject_cn)};
}

/* Each x5c of a tree; bodies of recordings are texts of JSON within. */
static void gather(const struct json *v, int depth)
{
    struct bytes der, text;
    const struct json *inner;

    JSON_EACH (item, v) {
        if (bytes_is(item->name, "x5c") && item->kind == JSON_ARRAY && item->count == 1 &&
            json_text(item->first, &text) && base64_decode(&memory, text, &der, NULL))
            keep(der);
        else if (item->kind == JSON_STRING && depth < 4 && memmem(item->text.p, item->text.n, "x5c", 3) &&
                 json_parse(&memory, item->text, NULL, &inner, NULL))
            gather(inner, depth + 1);
        else
            gather(item, depth);
    }
}

static void each_file(const char *folder, const char *suffix, void (*use)(struct bytes))
{
    char *path = shared_path(&memory, folder);
    DIR *d = opendir(path);

    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        size_t n = strlen(e->d_name), tail = strlen(suffix);

        if (n > tail && strcmp(e->d_name + n - tail, suffix) == 0)
            use(read_file(&memory, arena_printf(&memory, "%s/%s", path, e->d_name)));
    }
    closedir(d);
}

static void use_json(struct bytes text)
{
    const struct json *v;

    if (json_parse(&memory, text, NULL, &v, NULL))
        gather(v, 0);
}

static int prepare(void **state)
{
    (void)state;
    arena_init(&memory, TEST_MEMORY);
    arena_init(&arena, TEST_MEMORY);
    if (!have_shared())
        return 0;
    endorsements = endorsements_new(TEST_MEMORY);
    for (size_t i = 0; i < sizeof collateral / sizeof *collateral; i++)
        assert_true(endorsements_add(endorsements, collateral[i], read_shared(&memory, collateral[i]), NULL));
    endorsements_seal(endorsements);
    each_file("spec/recordings/cpp-sdk", ".json", use_json);
    each_file("spec/examples", ".json", use_json);
    each_file("evidence/oe", ".der", keep);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    endorsements_free(endorsements);
    arena_free(&memory);
    arena_free(&arena);
    return 0;
}

static bool is_of_2020(const struct found *f)
{
    for (size_t i = 0; i < sizeof of_2020 / sizeof *of_2020; i++)
        if (strcmp(f->digest, of_2020[i]) == 0)
            return true;
    return false;
}

/* What a relying party allows that wants these: all but two of the recorded keys are in debug enclaves. */
static struct trust_rules rules_for(const struct found *f)
{
    struct trust_rules rules = {.appraisal = SETTINGS_DEFAULT, .allow_debug = true, .allow_short_key = true};

    if (is_of_2020(f)) {
        rules.allow_expired = true;
        rules.appraisal.accepted_sgx |= 1u << TCB_OUT_OF_DATE;
    }
    return rules;
}

static struct bytes key_set(struct bytes der, struct bytes kid)
{
    return bytes_text(arena_printf(&arena, "{\"keys\":[{\"x5c\":[\"%s\"],\"kid\":\"%s\",\"kty\":\"RSA\"}]}",
                                   arena_string(&arena, base64_encode(&arena, der)), arena_string(&arena, kid)));
}

/* NULL when accepted, else the check that refused. */
static const char *judge(const struct found *f, struct bytes der, const struct trust_rules *rules)
{
    const struct certificate *c;
    struct trust_question q = {.arena = &arena,
                               .service = bytes_text(f->service),
                               .list = BYTES_LIT(ANNOUNCED),
                               .endorsements = endorsements,
                               .rules = rules,
                               .time = MOMENT};
    struct trust_result r;

    certificate_decode(&arena, f->der, &c, NULL);
    q.jwks = key_set(der, key_id(&arena, c->spki));
    if (trust_judge(&q, &r))
        return NULL;
    return trace_failure(r.keys->trace) ? check_table[trace_failure(r.keys->trace)->id].id : "nothing";
}

static void every_recorded_certificate_is_accepted(void **state)
{
    size_t debug = 0, short_keys = 0;

    (void)state;
    NEED_SHARED("recorded certificates");
    assert_int_equal(found_count, 25);
    for (size_t i = 0; i < found_count; i++) {
        struct trust_rules allowing = rules_for(&found[i]), strict = {.appraisal = SETTINGS_DEFAULT};
        const char *refusal = judge(&found[i], found[i].der, &allowing);

        if (refusal)
            fail_msg("%s of %s: %s", found[i].digest, found[i].service, refusal);
        refusal = judge(&found[i], found[i].der, &strict);
        debug += refusal && strcmp(refusal, "trust.evidence.debug") == 0;
        short_keys += refusal && strcmp(refusal, "trust.certificate.key") == 0;
        arena_reset(&arena);
    }
    /* Without the allowances two sorts are refused, and three certificates stand. */
    assert_int_equal(debug, 16);
    assert_int_equal(short_keys, 6);
}

/* Every bit of some, every 61st of the others: the certificate signs all of itself but its own signature, which is one number. */
static void one_bit_changed_is_refused(void **state)
{
    size_t flips = 0;

    (void)state;
    NEED_SHARED("recorded certificates");
    for (size_t i = 0; i < found_count; i++) {
        struct trust_rules rules = rules_for(&found[i]);
        struct bytes der = arena_copy(&memory, found[i].der);
        bool whole = i == 0 || strcmp(found[i].digest, of_2020[0]) == 0;

        for (size_t bit = whole ? 0 : i; bit < der.n * 8; bit += whole ? 1 : 61) {
            uint8_t *byte = (uint8_t *)(uintptr_t)der.p + bit / 8;

            *byte ^= (uint8_t)(1u << bit % 8);
            if (!judge(&found[i], der, &rules))
                fail_msg("%s: bit %zu of byte %zu changes nothing", found[i].digest, bit % 8, bit / 8);
            *byte ^= (uint8_t)(1u << bit % 8);
            flips++;
            arena_reset(&arena);
        }
    }
    print_message("# %zu bits changed in %zu certificates\n", flips, found_count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_recorded_certificate_is_accepted),
        cmocka_unit_test(one_bit_changed_is_refused),
    };

    return cmocka_run_group_tests_name("trust", tests, prepare, finish);
}
