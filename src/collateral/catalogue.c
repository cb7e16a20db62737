#include "collateral/catalogue.h"

#include "collateral/bundle.h"
#include "collateral/recognise.h"

static const struct {
    const char *word, *what;
} kinds[COLLATERAL_KINDS] = {
    [COLLATERAL_TCB_INFO_SGX] = {"tcb-info-sgx", "TCB info of SGX"},
    [COLLATERAL_TCB_INFO_TDX] = {"tcb-info-tdx", "TCB info of TDX"},
    [COLLATERAL_QE_IDENTITY] = {"identity-qe", "identity of the SGX quoting enclave"},
    [COLLATERAL_TD_QE_IDENTITY] = {"identity-tdqe", "identity of the TD quoting enclave"},
    [COLLATERAL_QVE_IDENTITY] = {"identity-qve", "identity of the quote verification enclave"},
    [COLLATERAL_QAE_IDENTITY] = {"identity-qae", "identity of the quote appraisal enclave"},
    [COLLATERAL_EVALUATIONS_SGX] = {"evaluations-sgx", "evaluation numbers of SGX"},
    [COLLATERAL_EVALUATIONS_TDX] = {"evaluations-tdx", "evaluation numbers of TDX"},
    [COLLATERAL_TCB_CHAIN] = {"chain-tcb", "TCB signing certificate"},
    [COLLATERAL_ROOT_CRL] = {"crl-root", "CRL of Intel's root"},
    [COLLATERAL_PROCESSOR_CRL] = {"crl-processor", "CRL of the PCK Processor CA"},
    [COLLATERAL_PLATFORM_CRL] = {"crl-platform", "CRL of the PCK Platform CA"},
    [COLLATERAL_PROCESSOR_CHAIN] = {"chain-processor", "PCK Processor CA"},
    [COLLATERAL_PLATFORM_CHAIN] = {"chain-platform", "PCK Platform CA"},
    [COLLATERAL_PCK] = {"pck", "PCK certificate"},
    [COLLATERAL_INTEL_ROOT] = {"root-intel", "Intel's root certificate"},
    [COLLATERAL_VCEK] = {"vcek", "VCEK"},
    [COLLATERAL_VLEK] = {"vlek", "VLEK"},
    [COLLATERAL_VCEK_CHAIN] = {"chain-vcek", "ASK and ARK"},
    [COLLATERAL_VLEK_CHAIN] = {"chain-vlek", "ASVK and ARK"},
    [COLLATERAL_AMD_CRL] = {"crl-amd", "CRL of AMD's root"},
    [COLLATERAL_AMD_ROOT] = {"root-amd", "ARK"},
};

const char *collateral_kind_word(enum collateral_kind kind)
{
    return kinds[kind].word;
}

const char *collateral_kind_what(enum collateral_kind kind)
{
    return kinds[kind].what;
}

void catalogue_init(struct catalogue *c, struct arena *a)
{
    *c = (struct catalogue){.arena = a};
    catalogue_add_anchor(c, intel_root_spki);
    for (unsigned p = 0; p < SNP_PRODUCT_COUNT; p++) {
        catalogue_add_anchor(c, amd_authority_spki((enum snp_product)p, AMD_ARK));
        for (unsigned r = 0; r < AMD_ROLES; r++)
            c->built_in[p][r] = amd_authority(a, (enum snp_product)p, (enum amd_role)r);
    }
}

void catalogue_add_anchor(struct catalogue *c, const uint8_t spki_digest[SHA256_SIZE])
{
    c->pins = ARENA_ROOM(c->arena, c->pins, c->pin_count, &c->pin_cap);
    memcpy(c->pins[c->pin_count++], spki_digest, SHA256_SIZE);
}

static bool listed(const struct certificate *const *list, size_t n, const struct certificate *c)
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(list[i]->digest, c->digest, SHA256_SIZE) == 0)
            return true;
    return false;
}

/* Remember who may sign others. Leaves of platforms, of which there may be thousands, are not among them. */
static void pool(struct catalogue *c, const struct certificate *list)
{
    for (; list; list = list->next) {
        if (list->is_ca && !listed(c->authorities, c->authority_count, list)) {
            c->authorities = ARENA_ROOM(c->arena, c->authorities, c->authority_count, &c->authority_cap);
            c->authorities[c->authority_count++] = list;
        }
        if (!list->is_ca && recognise_tcb_signer(list) && !listed(c->signers, c->signer_count, list)) {
            c->signers = ARENA_ROOM(c->arena, c->signers, c->signer_count, &c->signer_cap);
            c->signers[c->signer_count++] = list;
        }
    }
}

static void keep(struct catalogue *c, struct collateral *o)
{
    sha256(o->content, o->digest);
    for (size_t i = 0; i < c->n; i++)
        if (c->v[i].kind == o->kind && memcmp(c->v[i].digest, o->digest, SHA256_SIZE) == 0)
            return;
    o->name = recognise_name(c->arena, o);
    pool(c, o->certificates);
    c->v = ARENA_ROOM(c->arena, c->v, c->n, &c->cap);
    c->v[c->n++] = *o;
}

static void add_foreign(struct catalogue *c, const char *file, const char *why)
{
    c->foreign = ARENA_ROOM(c->arena, c->foreign, c->foreign_count, &c->foreign_cap);
    c->foreign[c->foreign_count++] = (struct foreign_file){file, arena_string(c->arena, bytes_text(why))};
}

static bool add_one(struct catalogue *c, const char *file, struct bytes content)
{
    struct collateral o = {.file = file};
    struct fault fault = {0};

    if (!recognise(c->arena, content, &o, &fault)) {
        add_foreign(c, file, fault.text);
        return false;
    }
    keep(c, &o);
    return true;
}

bool catalogue_add(struct catalogue *c, const char *file, struct bytes content)
{
    struct bytes items[OE_ENDORSEMENTS];
    struct folder_entry *parts;
    struct fault fault = {0};
    size_t count;
    bool ok = true;

    file = arena_string(c->arena, bytes_text(file));
    if (oe_endorsement_items(content, items)) {
        for (size_t i = 0; i < OE_ENDORSEMENTS; i++)
            ok = add_one(c, file, items[i]) && ok;
        return ok;
    }
    if (!bundle_parts(c->arena, file, content, &parts, &count, &fault)) {
        add_foreign(c, file, fault.text);
        return false;
    }
    for (size_t i = 0; i < count; i++)
        ok = add_one(c, parts[i].name, parts[i].content) && ok;
    return ok;
}

bool collateral_older(const struct collateral *a, const struct collateral *b)
{
    return a->issued < b->issued;
}

struct collateral *catalogue_newest(const struct catalogue *c, const char *name, enum collateral_verdict verdict)
{
    struct collateral *best = NULL;

    for (size_t i = 0; i < c->n; i++) {
        struct collateral *o = &c->v[i];

        if (strcmp(o->name, name) == 0 && (!best || collateral_older(best, o)) && collateral_judge(c, o) == verdict)
            best = o;
    }
    return best;
}
