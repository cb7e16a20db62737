#include "simulate/kinds.h"

enum { DEFAULT_TIME = 1767225600 /* 2026-01-01 */ };

bool simulated_certificate(const struct certificate *c)
{
    return c->subject.n &&
           memmem(c->subject.p, c->subject.n, SIMULATED_ORGANIZATION, sizeof SIMULATED_ORGANIZATION - 1);
}

static bool known_variation(enum simulate_kind kind, const char *name)
{
    const char *known;

    for (size_t i = 0; name && (known = simulate_variation_at(kind, i)) != NULL; i++)
        if (strcmp(known, name) == 0)
            return true;
    return !name;
}

static bool check_names(const struct simulate_options *o, const struct simulate_fault *f, struct fault *fault)
{
    const char *what = simulate_kind_what(o->kind);

    if (o->fault && !f)
        return fault_set(fault, FAULT_USAGE, "no fault named '%s' can be simulated", o->fault);
    if (f && !(f->kinds & 1u << o->kind))
        return fault_set(fault, FAULT_USAGE, "%s is not shown by %s, but by %s", f->name, what,
                         simulate_kind_what(simulate_fault_kind(f)));
    return known_variation(o->kind, o->variation) ||
           fault_set(fault, FAULT_USAGE, "%s has no variation named '%s'", what, o->variation);
}

bool simulated_seed(uint64_t number, uint8_t seed[SIMULATED_SEED_SIZE], struct fault *fault)
{
    memset(seed, 0, SIMULATED_SEED_SIZE);
    for (size_t i = 0; i < sizeof number; i++)
        seed[i] = (uint8_t)(number >> 8 * i);
    return number != 0 || random_bytes(seed, SIMULATED_SEED_SIZE) ||
           fault_set(fault, FAULT_SYSTEM, "the system gives no random numbers");
}

bool simulated_anchor(struct arena *a, struct simulated *s, struct fault *fault)
{
    const struct certificate *root;
    size_t count;

    if (!certificates_decode(a, s->anchor, &root, &count, fault))
        return false;
    memcpy(s->anchor_spki, root->spki_digest, SHA256_SIZE);
    return true;
}

bool simulate(struct arena *a, const struct simulate_options *options, struct simulated *out, struct fault *fault)
{
    const struct simulate_fault *wanted = options->fault ? simulate_fault_by_name(options->fault) : NULL;

    *out = (struct simulated){.options = *options, .settings = SETTINGS_DEFAULT};
    out->time = out->options.time = options->time ? options->time : DEFAULT_TIME;
    return check_names(options, wanted, fault) && simulated_kinds[options->kind].make(a, wanted, out, fault);
}

bool simulated_collateral_at(const struct simulated *s, size_t i, struct simulated_file *out)
{
    const struct simulated_file files[] = {{"tcbinfo.json", s->tcb_info},
                                           {"qeidentity.json", s->identity},
                                           {"root.crl", s->root_crl},
                                           {"pck.crl", s->pck_crl},
                                           {"tcb-signing-chain.pem", s->signing_chain},
                                           {"ark.crl", s->crl},
                                           {"aik-issuers.pem", s->aik_issuers},
                                           {"aik-issuer.crl", s->aik_crl}};
    size_t count = sizeof files / sizeof *files;

    if (i >= count)
        return s->hardware && simulated_collateral_at(s->hardware, i - count, out);
    *out = files[i];
    return true;
}

bool simulate_endorsements(const struct simulated *s, struct endorsements *e, bool trusted, struct fault *fault)
{
    struct simulated_file file;

    if (trusted)
        endorsements_add_anchor(e, s->anchor_spki, true);
    if (trusted && s->hardware)
        endorsements_add_anchor(e, s->hardware->anchor_spki, true);
    for (size_t i = 0; simulated_collateral_at(s, i, &file); i++)
        if (file.text.n && !endorsements_add(e, file.name, file.text, fault))
            return false;
    endorsements_seal(e);
    return true;
}
