/* The C library's face of trust_judge (include/assay/trust.h). */
#include <assay/trust.h>

#include <setjmp.h>
#include <stdlib.h>

#include "base/limits.h"
#include "trust/trust.h"

struct assay_trust {
    struct arena judged; /* of the last judgement; first, so that its handler finds the rest */
    struct arena kept;
    jmp_buf out_of_memory;
    struct endorsements *endorsements;
    bool sealed;
    struct trust_rules rules;
    struct bytes list;
    struct public_key release_key;
    bool has_key;
    struct bytes reason, report;
};

/* A library ends no process: what ran out of memory is answered as an error. */
static __attribute__((noreturn)) void exhausted(struct arena *a)
{
    struct assay_trust *t = (struct assay_trust *)(void *)a;

    longjmp(t->out_of_memory, 1);
}

struct assay_trust *assay_trust_new(void)
{
    struct assay_trust *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    arena_init(&t->judged, LIMIT_REQUEST_MEMORY);
    t->judged.exhausted = exhausted;
    arena_init(&t->kept, LIMIT_REQUEST_MEMORY);
    t->endorsements = endorsements_new(LIMIT_TOOL_MEMORY);
    t->rules.appraisal = SETTINGS_DEFAULT;
    return t;
}

void assay_trust_free(struct assay_trust *t)
{
    if (!t)
        return;
    endorsements_free(t->endorsements);
    arena_free(&t->judged);
    arena_free(&t->kept);
    free(t);
}

int assay_trust_add_endorsement(struct assay_trust *t, const char *name, const void *data, size_t size)
{
    struct fault fault = {0};

    if (t->sealed || !data || size > LIMIT_BUNDLE)
        return -1;
    return endorsements_add(t->endorsements, name ? name : "endorsement", bytes_make(data, size), &fault) ? 0 : -1;
}

int assay_trust_add_anchor(struct assay_trust *t, const uint8_t spki_sha256[32])
{
    if (t->sealed)
        return -1;
    endorsements_add_anchor(t->endorsements, spki_sha256, false);
    return 0;
}

int assay_trust_set_measurements(struct assay_trust *t, const void *list, size_t size, const void *release_key,
                                 size_t release_key_size)
{
    if (!list || size == 0 || size > LIMIT_MEASUREMENTS_TEXT || release_key_size > LIMIT_KEY_FILE)
        return -1;
    arena_reset(&t->kept);
    t->has_key = release_key != NULL;
    t->list = BYTES_NONE;
    if (release_key &&
        !public_key_read(&t->kept, arena_copy(&t->kept, bytes_make(release_key, release_key_size)), &t->release_key))
        return -1;
    t->list = arena_copy(&t->kept, bytes_make(list, size));
    return 0;
}

void assay_trust_allow(struct assay_trust *t, unsigned allowances)
{
    t->rules.allow_debug = allowances & ASSAY_TRUST_ALLOW_DEBUG;
    t->rules.allow_short_key = allowances & ASSAY_TRUST_ALLOW_SHORT_KEY;
    t->rules.allow_expired = allowances & ASSAY_TRUST_ALLOW_EXPIRED;
    t->rules.allow_chained = allowances & ASSAY_TRUST_ALLOW_CHAINED;
    t->rules.allow_partial = allowances & ASSAY_TRUST_ALLOW_PARTIAL;
    t->rules.any_measurement = allowances & ASSAY_TRUST_ANY_MEASUREMENT;
}

static struct bytes reason_of(struct arena *a, const struct trust_result *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->keys[i].verdict == TRUST_REFUSED)
            return trace_message(r->keys[i].trace, a);
    return r->verdict == TRUST_REFUSED   ? BYTES_LIT("no key of the service is held by a TEE")
           : r->verdict == TRUST_CHAINED ? BYTES_LIT("some keys of the service are held by no TEE: judge a token")
                                         : BYTES_NONE;
}

enum assay_trust_verdict assay_trust_judge(struct assay_trust *t, const char *service, const void *jwks,
                                           size_t jwks_size, const char *token, int64_t time)
{
    struct trust_result result;

    t->reason = t->report = BYTES_NONE;
    if (!service || !jwks || jwks_size > LIMIT_HTTP_ANSWER || (token && strlen(token) > LIMIT_TOKEN))
        return ASSAY_TRUST_ERROR;
    if (!t->sealed)
        endorsements_seal(t->endorsements);
    t->sealed = true;
    arena_reset(&t->judged);
    if (setjmp(t->out_of_memory))
        return ASSAY_TRUST_ERROR;
    const struct trust_question q = {.arena = &t->judged,
                                     .service = bytes_text(service),
                                     .jwks = bytes_make(jwks, jwks_size),
                                     .token = token ? bytes_text(token) : BYTES_NONE,
                                     .list = t->list,
                                     .release_key = t->has_key ? &t->release_key : NULL,
                                     .endorsements = t->endorsements,
                                     .rules = &t->rules,
                                     .time = time};
    trust_judge(&q, &result);
    t->reason = reason_of(&t->judged, &result);
    t->report = json_print(&t->judged, trust_json(&q, &result), JSON_IN_ORDER);
    return result.verdict == TRUST_ACCEPTED       ? ASSAY_TRUST_ACCEPTED
           : result.verdict == TRUST_NOT_COMPARED ? ASSAY_TRUST_NOT_COMPARED
                                                  : ASSAY_TRUST_REFUSED;
}

static size_t put(struct bytes text, char *buffer, size_t size)
{
    if (size) {
        size_t n = text.n < size - 1 ? text.n : size - 1;

        if (n)
            memcpy(buffer, text.p, n);
        buffer[n] = 0;
    }
    return text.n;
}

size_t assay_trust_reason(const struct assay_trust *t, char *buffer, size_t size)
{
    return put(t->reason, buffer, size);
}

size_t assay_trust_report(const struct assay_trust *t, char *buffer, size_t size)
{
    return put(t->report, buffer, size);
}
