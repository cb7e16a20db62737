#include "core/baseline.h"

#include "base/limits.h"
#include "core/management.h"
#include "endorsement/intel/intel.h"

const struct claim *baseline_property(const struct attester *attester, const struct claims *properties)
{
    if (strcmp(attester->type, "sgx") != 0)
        return NULL;
    for (size_t i = properties->n; i > 0; i--)
        if (bytes_is(properties->v[i - 1].type, "x-ms-sgx-tcbidentifier"))
            return &properties->v[i - 1];
    return NULL;
}

bool baseline_of(struct bytes identifier, uint32_t *baseline)
{
    uint64_t number = 0;
    bool ok = bytes_is(identifier, "azuredefault") ||
              (decimal_parse(identifier, LIMIT_EVALUATION, &number) && identifier.p[0] != '0');

    *baseline = (uint32_t)number;
    return ok;
}

/* The oldest platform software that Intel names for a baseline (api.md 2.5). */
static const struct {
    uint32_t evaluation;
    const char *psw_linux, *psw_windows;
} software[] = {
    {15, "2.17", "2.16"},         {14, "2.17", "2.16"},         {13, "2.17", "2.16"},
    {12, "2.13.3", "2.13.100.2"}, {11, "2.13.3", "2.13.100.2"}, {10, "2.9", "2.7.101.2"},
};

/* The number that the policy in force selects; 0 when it names none or cannot be run. */
static uint32_t selected(struct management *m, const struct attester *attester)
{
    const struct provider_policy *stored = policy_stored(m->provider, SLOT_ACTIVE, m->kind);
    struct bytes text = stored && stored->text.n ? stored->text : bytes_text(m->kind->default_policy);
    const struct policy *policy;
    struct policy_error error;
    struct policy_run run;
    struct claims nothing;
    uint32_t baseline = 0;

    claims_init(&nothing, m->arena);
    if (!policy_parse(m->arena, text, &policy, &error))
        return 0;
    policy_start(&run, policy, m->arena, &nothing);
    if (!policy_configure(&run))
        return 0;
    const struct claim *p = baseline_property(attester, &run.properties);
    if (p && (p->value.kind != CLAIM_STRING || !baseline_of(p->value.text, &baseline)))
        return 0;
    return baseline ? baseline : m->provider->settings.default_baseline;
}

static struct json *describe(struct management *m, const struct tcb_baseline *b, bool is_selected)
{
    struct json *o = json_new(m->arena, JSON_OBJECT);
    struct bytes date = b->date;

    JSON_SET(o, "tcbIdentifier", json_new_text(m->arena, bytes_text(arena_printf(m->arena, "%u", b->evaluation))));
    JSON_SET(o, "tcbEvaluationDataNumber", json_new_integer(m->arena, b->evaluation));
    if (date.n && date.p[date.n - 1] == 'Z')
        date.n--; /* the documented form has no zone */
    JSON_SET(o, "tcbReleaseDate", json_new_text(m->arena, date));
    for (size_t i = 0; i < sizeof software / sizeof *software; i++)
        if (software[i].evaluation == b->evaluation) {
            JSON_SET(o, "minimumPswLinuxVersion", manage_text(m, software[i].psw_linux));
            JSON_SET(o, "minimumPswWindowsVersion", manage_text(m, software[i].psw_windows));
        }
    JSON_SET(o, "isSelectedTcb", json_new_boolean(m->arena, is_selected));
    return o;
}

void baselines_get(struct management *m)
{
    const struct attester *attester = attester_find(bytes_text(m->kind->name));
    struct json *body = json_new(m->arena, JSON_OBJECT), *list = json_new(m->arena, JSON_ARRAY);
    const struct tcb_baseline *v;

    if (!attester || strcmp(attester->type, "sgx") != 0) {
        manage_refuse(m, 400, "InvalidParameter",
                      BYTES_LIT("TCB baselines exist for SgxEnclave and OpenEnclave only."));
        return;
    }
    size_t count = tcb_baselines(m->snapshot->endorsements, TEE_SGX, m->arena, &v);
    uint32_t chosen = selected(m, attester);
    if (!chosen && count)
        chosen = v[0].evaluation; /* without a baseline the highest at hand counts */
    for (size_t i = 0; i < count; i++) {
        bool is_selected = v[i].evaluation == chosen;

        if (is_selected || !m->request->only_selected)
            json_append(list, describe(m, &v[i], is_selected));
    }
    JSON_SET(body, "tcbBaselines", list);
    manage_give_json(m, body);
}
