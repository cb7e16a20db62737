#include "service/evidence_source.h"

#include <stdlib.h>

#include "base/limits.h"
#include "service/config.h"

static const struct {
    const char *name;
    enum agent_way way;
} choices[] = {
    [EVIDENCE_AUTO] = {"auto", AGENT_WAY_NONE},
    [EVIDENCE_OFF] = {"none", AGENT_WAY_NONE},
    [EVIDENCE_TSM] = {"tsm", AGENT_WAY_TSM},
    [EVIDENCE_SEV_GUEST] = {"sev-guest", AGENT_WAY_SEV_GUEST},
    [EVIDENCE_GRAMINE] = {"gramine", AGENT_WAY_GRAMINE},
    [EVIDENCE_SIMULATED_SNP] = {"simulated-snp", AGENT_WAY_NONE},
    [EVIDENCE_SIMULATED_SGX] = {"simulated-sgx", AGENT_WAY_NONE},
    [EVIDENCE_SIMULATED_TDX] = {"simulated-tdx", AGENT_WAY_NONE},
};

bool evidence_choice_by_name(const char *name, enum evidence_choice *out)
{
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
        if (strcmp(choices[i].name, name) == 0) {
            *out = (enum evidence_choice)i;
            return true;
        }
    return false;
}

bool evidence_choice_simulated(enum evidence_choice choice)
{
    return choice >= EVIDENCE_SIMULATED_SNP;
}

static enum evidence_choice choice_of(enum agent_way way)
{
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
        if (way != AGENT_WAY_NONE && choices[i].way == way)
            return (enum evidence_choice)i;
    return EVIDENCE_OFF;
}

void evidence_source_choose(const struct config *c, struct evidence_source *out)
{
    *out = (struct evidence_source){.choice = c->evidence, .platform = c->evidence_platform};
    if (c->evidence == EVIDENCE_AUTO) {
        struct arena a;

        arena_init(&a, LIMIT_REQUEST_MEMORY);
        out->choice = choice_of(agent_way_find(&a));
        arena_free(&a);
    }
    out->way = choices[out->choice].way;
    if (out->way == AGENT_WAY_NONE)
        return;
    out->path = c->evidence_path && c->evidence != EVIDENCE_AUTO ? c->evidence_path : agent_way_path(out->way);
    out->context = getenv("UVM_SECURITY_CONTEXT_DIR");
}

const char *evidence_source_text(const struct evidence_source *s, struct arena *a)
{
    if (evidence_choice_simulated(s->choice))
        return arena_printf(a, "%s: SIMULATED, it proves nothing to anybody", choices[s->choice].name);
    if (s->way != AGENT_WAY_NONE)
        return arena_printf(a, "%s at %s", agent_way_name(s->way), s->path);
    return "none";
}

bool evidence_source_ask(const struct evidence_source *s, struct bytes key_text, struct arena *a,
                         struct key_evidence *out, struct fault *fault)
{
    static const enum key_tee tees[] = {
        [AGENT_NO_TEE] = KEY_NO_TEE, [AGENT_TEE_SGX] = KEY_SGX, [AGENT_TEE_TDX] = KEY_TDX, [AGENT_TEE_SNP] = KEY_SNP};
    uint8_t data[AGENT_REPORT_DATA] = {0};
    struct agent_evidence found;

    if (evidence_choice_simulated(s->choice))
        return evidence_simulate(s, key_text, a, out, fault);
    sha256(key_text, data); /* the rest stays zero */
    if (!agent_evidence_ask(s->way, s->path, data, a, &found, fault))
        return false;
    *out = (struct key_evidence){.tee = tees[found.tee], .report = found.report, .chain = found.certificates};
    return found.tee != AGENT_TEE_SNP || agent_uvm_endorsements(s->context, a, &out->endorsements, fault);
}
