#include "evidence/parts/boot_facts.h"

#include "evidence/parts/boot_walk.h"
#include "evidence/parts/wbcl.h"

/* Registers of the parameters of Windows; what it says of virtual secure mode counts only in the first of each pair (1.6). */
#define PARAMETERS (1u << 12 | 1u << 13 | 1u << 19 | 1u << 20)
#define SECURE     (1u << 12 | 1u << 19)

static const struct fact_row {
    uint32_t id, registers;
    size_t member;
} fact_rows[] = {
    {0x00040001, PARAMETERS, offsetof(struct boot_facts, boot_debugging)},
    {0x00050001, PARAMETERS, offsetof(struct boot_facts, kernel_debug)},
    {0x0005000d, PARAMETERS, offsetof(struct boot_facts, hypervisor_debug)},
    {0x00050003, PARAMETERS, offsetof(struct boot_facts, test_signing)},
    {0x00050021, PARAMETERS, offsetof(struct boot_facts, flight_signing)},
    {0x00050002, PARAMETERS, offsetof(struct boot_facts, code_integrity)},
    {0x00050005, PARAMETERS, offsetof(struct boot_facts, safe_mode)},
    {0x00050006, PARAMETERS, offsetof(struct boot_facts, winpe)},
    {0x000a0001, SECURE, offsetof(struct boot_facts, vsm_required)},
    {0x000a0006, SECURE, offsetof(struct boot_facts, vbs_mandatory)},
    {0x000a0003, PARAMETERS, offsetof(struct boot_facts, iommu_required)},
};

enum { CLASS_ELAM = 0x00090000 };

/* One reading of all events. */
struct reading {
    struct boot_facts *facts;
    uint32_t reg; /* of the event at hand */
    bool hvci_seen;
};

static void note_fact(enum fact *f, struct bytes data)
{
    uint64_t value;
    enum fact said = wbcl_integer(data, &value) && value <= 1 ? (value ? FACT_TRUE : FACT_FALSE) : FACT_MIXED;

    *f = *f == FACT_ABSENT || *f == said ? said : FACT_MIXED;
}

static void note_hvci(struct reading *g, struct bytes data)
{
    uint64_t value;

    if (!wbcl_integer(data, &value) || (g->hvci_seen && value != g->facts->hvci_policy))
        value = 0;
    g->facts->hvci_policy = value;
    g->hvci_seen = true;
}

static void note_event(struct reading *g, const struct wbcl_event *e)
{
    if (e->id == SIPA_ELAM_AGGREGATION || (e->id & WBCL_CLASS) == CLASS_ELAM)
        g->facts->elam = FACT_TRUE;
    if (e->id == SIPA_VBS_HVCI_POLICY)
        note_hvci(g, e->data);
    if (e->id == SIPA_VSM_IDKS_INFO && SECURE >> g->reg & 1 && !wbcl_idk(e->data, &g->facts->idks))
        g->facts->idks = (struct public_key){0}; /* an older one is not the key that signs now */
    for (size_t i = 0; i < sizeof fact_rows / sizeof *fact_rows; i++)
        if (fact_rows[i].id == e->id && fact_rows[i].registers >> g->reg & 1)
            note_fact((enum fact *)(void *)((char *)g->facts + fact_rows[i].member), e->data);
}

/* Lengths fit: wbcl_fits. */
static void note_events(struct reading *g, struct bytes data)
{
    struct reader r = rd_open(data);
    struct wbcl_event e;

    while (wbcl_next(&r, &e)) {
        if (e.id & WBCL_UNMEASURED)
            continue;
        if (e.id & WBCL_CONTAINER && e.id != SIPA_LOADEDMODULE_AGGREGATION) /* which holds nothing that is asked for */
            note_events(g, e.data);
        note_event(g, &e);
    }
}

/* The variables that Secure Boot is made of. Nobody but the firmware could write them before the separator. */
static void note_variable(const struct boot_walk *w, const struct boot_event *e, struct boot_facts *out)
{
    struct uefi_variable v;
    struct bytes *to;

    if (e->event->type != EV_EFI_VARIABLE_DRIVER_CONFIG || !e->open || !uefi_variable_read(e->event->data, &v))
        return;
    bool global = bytes_equal(v.guid, BYTES_OF(uefi_guid_global)),
         image = bytes_equal(v.guid, BYTES_OF(uefi_guid_image_security));
    if (global && uefi_variable_named(&v, "PK"))
        to = &out->pk;
    else if (global && uefi_variable_named(&v, "KEK"))
        to = &out->kek;
    else if (image && uefi_variable_named(&v, "db"))
        to = &out->db;
    else if (image && uefi_variable_named(&v, "dbx"))
        to = &out->dbx;
    else
        return;
    if (boot_event_covered(w, e))
        *to = v.value.p ? v.value : BYTES_LIT("");
}

/* Who let programs start, as far as events behind the separator of PCR 7 tell. */
struct authorities {
    size_t count, of_windows;
    bool first_known, first_of_windows;
};

/* Whatever stands there and is no certificate of Windows' speaks against it: labels can be changed, digests cannot be taken back. */
static void note_authority(const struct boot_walk *w, const struct boot_event *e,
                           const struct reference_values *reference, struct authorities *out)
{
    enum { OWNER = 16 }; /* who put it into db stands before the certificate */
    uint8_t hash[SHA256_SIZE];
    struct uefi_variable v;
    bool known = e->event->type == EV_EFI_VARIABLE_AUTHORITY && boot_event_covered(w, e) &&
                 uefi_variable_read(e->event->data, &v) && v.value.n > OWNER;
    bool of_windows = false;

    if (known && bytes_equal(v.guid, BYTES_OF(uefi_guid_image_security)) && uefi_variable_named(&v, "db")) {
        sha256(bytes_after(v.value, OWNER), hash);
        of_windows = reference_has(reference, REFERENCE_WINDOWS_LOADERS, BYTES_OF(hash));
    }
    if (out->count++ == 0) {
        out->first_known = known;
        out->first_of_windows = of_windows;
    }
    out->of_windows += of_windows;
}

/* What another system may have measured in the name of Windows, and would like to be believed. */
static void forget_praise(struct boot_facts *f)
{
    enum fact *const praise[] = {&f->vsm_required, &f->vbs_mandatory, &f->iommu_required, &f->elam};

    for (size_t i = 0; i < sizeof praise / sizeof *praise; i++)
        *praise[i] = FACT_ABSENT;
    if (f->boot_debugging == FACT_FALSE)
        f->boot_debugging = FACT_ABSENT;
    f->hvci_policy = 0;
    f->idks = (struct public_key){0};
}

static bool touches(const struct event_log *log, uint32_t reg)
{
    for (size_t i = 0; i < log->count; i++)
        if (log->events[i].reg == reg && event_extends(&log->events[i]))
            return true;
    return false;
}

/* Of several logs one tells of PCR 7: a second could tell it anew. */
static enum secure_boot secure_boot_of(const struct measured *m, enum digest_alg bank)
{
    enum secure_boot state = SECURE_BOOT_NOT_MEASURED;
    bool told = false;

    for (size_t i = 0; i < m->count; i++) {
        const struct event_log *log = &m->logs[i].tcg;

        if (m->logs[i].is_ima || !touches(log, PCR_SECURE_BOOT))
            continue;
        if (told || !event_log_bank(log, bank))
            return SECURE_BOOT_INVALID;
        state = secure_boot_state(log, event_log_bank(log, bank));
        told = true;
    }
    return state;
}

void boot_facts_read(const struct measured *m, enum digest_alg bank, uint32_t quoted,
                     const struct reference_values *reference, struct boot_facts *out)
{
    struct authorities authorities = {0};
    uint32_t needed = 1u << 12 | 1u << 13;
    struct reading g = {.facts = out};
    struct boot_walk w;
    struct boot_event e;

    *out = (struct boot_facts){.whole = (quoted & needed) == needed && measured_has_tcg(m)};
    if (quoted >> PCR_SECURE_BOOT & 1)
        out->secure_boot = secure_boot_of(m, bank);
    out->secure_boot_on = out->secure_boot == SECURE_BOOT_ON;
    boot_walk_begin(&w, m, bank, quoted);
    while (boot_walk_next(&w, &e)) {
        g.reg = e.event->reg;
        if (g.reg == PCR_SECURE_BOOT)
            note_variable(&w, &e, out);
        if (g.reg == PCR_SECURE_BOOT && !e.open && !e.separator)
            note_authority(&w, &e, reference, &authorities);
        if (!(BOOT_WINDOWS_REGISTERS >> g.reg & 1) || !e.open || e.separator)
            continue;
        if (boot_event_of_windows(&w, &e))
            note_events(&g, e.event->data);
        else if (needed >> g.reg & 1)
            out->whole = false;
    }
    out->windows = out->secure_boot_on && authorities.count && authorities.of_windows == authorities.count;
    out->other_system = out->secure_boot_on && authorities.first_known && !authorities.first_of_windows;
    if (!out->windows)
        forget_praise(out);
}

/* All that were said are so, and something was. */
static bool holds(enum fact f)
{
    return f == FACT_TRUE;
}

void boot_plain_claims(struct claims *incoming, const struct boot_facts *f)
{
    bool vbs = f->vsm_required != FACT_ABSENT || f->vbs_mandatory != FACT_ABSENT;

    vbs = vbs && (f->vsm_required == FACT_ABSENT || holds(f->vsm_required)) &&
          (f->vbs_mandatory == FACT_ABSENT || holds(f->vbs_mandatory));
    claims_boolean(incoming, "secureBootEnabled", f->secure_boot_on, CLAIM_POLICY);
    claims_boolean(incoming, "iommuEnabled", holds(f->iommu_required), CLAIM_POLICY);
    claims_boolean(incoming, "bootDebuggingDisabled", f->boot_debugging == FACT_FALSE, CLAIM_POLICY);
    claims_boolean(incoming, "notSafeMode", f->safe_mode == FACT_FALSE || (f->safe_mode == FACT_ABSENT && f->whole),
                   CLAIM_POLICY);
    claims_boolean(incoming, "notWinPE", f->winpe == FACT_FALSE || (f->winpe == FACT_ABSENT && f->whole), CLAIM_POLICY);
    claims_boolean(incoming, "vbsEnabled", vbs, CLAIM_POLICY);
}
