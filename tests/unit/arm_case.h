/* What the tests of the control plane share: a directory with a default and a fixed provider, and requests to it. */
#ifndef ASSAY_TESTS_ARM_CASE_H
#define ASSAY_TESTS_ARM_CASE_H

#include "test.h"

#include "arm_directory.h"

#define SUB      "/subscriptions/00000000-0000-0000-0000-000000000001"
#define GROUP    SUB "/resourceGroups/conformance"
#define SPACE    "/providers/Microsoft.Attestation"
#define PLURAL   SPACE "/attestationProviders"
#define AT(name) GROUP PLURAL "/" name
#define WESTUS   "{\"location\":\"westus\",\"properties\":{}}"
enum { NOW = 1800000000 };

static struct arena arena;
static struct directory directory;
static struct regions regions;
static struct arm_answer answer;
static const char *version;
static int64_t now;
static size_t most; /* providers of one subscription; 0: any number */

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, TEST_MEMORY);
    regions = (struct regions){regions_published, regions_published_count, BYTES_LIT("attest.example:8443")};
    directory = (struct directory){.arena = &arena};
    directory_add(&directory, &(struct resource){.owner = ARM_SHARED,
                                                 .name = BYTES_LIT("sharedwus"),
                                                 .location = BYTES_LIT("West US"),
                                                 .region = BYTES_LIT("wus"),
                                                 .issuer = BYTES_LIT("https://sharedwus.wus.attest.example:8443")});
    directory_add(&directory, &(struct resource){.owner = ARM_FIXED,
                                                 .subscription = BYTES_LIT("00000000-0000-0000-0000-000000000001"),
                                                 .group = BYTES_LIT("conformance"),
                                                 .name = BYTES_LIT("fixed"),
                                                 .location = BYTES_LIT("westus"),
                                                 .region = BYTES_LIT("wus"),
                                                 .issuer = BYTES_LIT("https://fixed.wus.attest.example:8443")});
    version = "2021-06-01";
    now = NOW;
    most = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

/* One request, carried out; its status. */
static int ask(const char *method, const char *path, const char *body)
{
    struct arm_directory calls = directory_calls(&directory);
    struct arm_request r = {.version = version,
                            .providers_most = most,
                            .body = bytes_text(body ? body : ""),
                            .caller = {BYTES_LIT("ada@example"), ARM_USER},
                            .time = now};
    const char *allowed;

    if (arm_route(method, bytes_text(path), &r.route, &allowed) != ARM_FOUND)
        fail_msg("no route: %s %s", method, path);
    arm_answer(&arena, &calls, &regions, &r, &answer);
    if (!directory_apply(&directory, &answer.effect))
        fail_msg("the effect of %s %s cannot be carried out", method, path);
    return answer.status;
}

static inline const struct json *body(void)
{
    const struct json *v = NULL;
    struct fault fault = {0};

    if (!json_parse(&arena, answer.body, NULL, &v, &fault))
        fail_msg("%s: %.*s", fault.text, (int)answer.body.n, (const char *)answer.body.p);
    return v;
}

/* Member by dotted path; NULL when it is not there. */
static inline const struct json *at(const char *path)
{
    const struct json *v = body();

    for (const char *p = path; *p && v;) {
        size_t n = strcspn(p, ".");

        v = *p >= '0' && *p <= '9' ? json_element(v, (size_t)atoi(p))
                                   : json_member(v, arena_string(&arena, bytes_make(p, n)));
        p += n + (p[n] == '.');
    }
    return v;
}

#define assert_at(path, wanted)                                                                     \
    do {                                                                                            \
        struct bytes text_ = BYTES_NONE;                                                            \
        if (!json_text(at(path), &text_))                                                           \
            fail_msg("%s is no text: %.*s", path, (int)answer.body.n, (const char *)answer.body.p); \
        assert_bytes_are(text_, wanted);                                                            \
    } while (0)

/* A refusal that changes nothing. */
#define assert_refused(status_, code_, method, path, body_)                                               \
    do {                                                                                                  \
        size_t before_ = directory.count;                                                                 \
        int got_ = ask(method, path, body_);                                                              \
        if (got_ != (status_) || !answer.code || strcmp(answer.code, code_) != 0)                         \
            fail_msg("%s %s %s: %d %.*s", method, path, (body_) ? (body_) : "", got_, (int)answer.body.n, \
                     (const char *)answer.body.p);                                                        \
        assert_at("error.code", code_);                                                                   \
        assert_non_null(at("error.message"));                                                             \
        assert_int_equal(answer.effect.kind, ARM_NOTHING);                                                \
        assert_int_equal(directory.count, before_);                                                       \
    } while (0)

#endif
