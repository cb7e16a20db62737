#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "simulate/kinds.h"

static bool make_folder(const char *path, struct fault *fault)
{
    return mkdir(path, 0755) == 0 || errno == EEXIST ||
           fault_set(fault, FAULT_SYSTEM, "cannot make the folder %s: %s", path, strerror(errno));
}

/* An empty file is one that this form of evidence, or its fault, leaves out: an older one of that name goes. */
static bool put(struct arena *a, const char *folder, const char *name, struct bytes content, struct fault *fault)
{
    char *path = arena_printf(a, "%s/%s", folder, name);

    if (content.n == 0) {
        unlink(path);
        return true;
    }
    FILE *f = fopen(path, "wbe");
    bool ok = f && fwrite(content.p, 1, content.n, f) == content.n;
    ok = f && fclose(f) == 0 && ok;
    return ok || fault_set(fault, FAULT_SYSTEM, "cannot write %s: %s", path, strerror(errno));
}

static bool changed(const struct reference_values *r, int list)
{
    return r->lists[list].v != reference_builtin.lists[list].v;
}

/* What an operator would have to set for the same judgement. */
static void put_reference(struct writer *w, const struct reference_values *r)
{
    static const char *const names[REFERENCE_LISTS] = {
        [REFERENCE_AZURE_ID_KEYS] = "azure_id_key",    [REFERENCE_AZURE_MRTDS] = "azure_mrtd",
        [REFERENCE_SECURE_BOOT_PK] = "secure_boot_pk", [REFERENCE_SECURE_BOOT_KEK] = "secure_boot_kek",
        [REFERENCE_SECURE_BOOT_DB] = "secure_boot_db", [REFERENCE_SECURE_BOOT_DBX] = "secure_boot_dbx",
        [REFERENCE_DENIED_CHIPS] = "denied_chip",      [REFERENCE_DENIED_PLATFORMS] = "denied_platform",
        [REFERENCE_DENIED_AIKS] = "denied_aik",        [REFERENCE_WINDOWS_LOADERS] = "windows_loader"};
    bool own_roots = r->uvm_roots != reference_builtin.uvm_roots;

    if (own_roots && r->uvm_root_count == 0)
        wr_text(w, " --reference uvm_root=none");
    for (size_t i = 0; own_roots && i < r->uvm_root_count; i++) {
        wr_text(w, " --reference 'uvm_root=");
        wr_put(w, r->uvm_roots[i].issuer);
        wr_text(w, " ");
        wr_put(w, r->uvm_roots[i].feed);
        wr_printf(w, " %llu'", (unsigned long long)r->uvm_roots[i].minimum_svn);
    }
    for (int list = 0; list < REFERENCE_LISTS; list++)
        for (size_t i = 0; changed(r, list) && names[list] && i < r->lists[list].count; i++) {
            wr_printf(w, " --reference %s=", names[list]);
            wr_hex(w, r->lists[list].v[i]);
        }
}

static void put_least_tcb(struct writer *w, const struct reference_values *r)
{
    for (int i = 0; i < SNP_PRODUCT_COUNT; i++) {
        const struct snp_tcb *t = &r->minimum_tcb[i];
        const struct {
            const char *name;
            unsigned least;
        } components[] = {{"bootloader", t->bootloader},
                          {"tee", t->tee},
                          {"snp", t->snp},
                          {"microcode", t->microcode},
                          {"fmc", t->fmc}};

        for (size_t c = 0; c < sizeof components / sizeof *components; c++)
            if (components[c].least)
                wr_printf(w, " --reference 'minimum_tcb=%s %s=%u'", snp_product_name((enum snp_product)i),
                          components[c].name, components[c].least);
    }
}

static struct bytes readme(struct arena *a, const struct simulated *s, const char *folder)
{
    const struct simulate_fault *wrong = s->options.fault ? simulate_fault_by_name(s->options.fault) : NULL;
    const struct simulated_kind *kind = &simulated_kinds[s->options.kind];
    struct writer w = wr_open(a);
    char when[32];

    time_format(s->time, when);
    wr_printf(&w, "Simulated %s evidence of Assay, under a root that nobody trusts unless told to.\n", kind->family);
    if (s->options.seed)
        wr_text(&w, "Its keys are made from a seed: whoever knows that has them. Never trust this root in earnest.\n");
    if (wrong)
        wr_printf(&w, "Its fault: %s (%s).\n", wrong->wrong, wrong->name);
    wr_text(&w, "\n");
    wr_printf(&w, "assay verify %s/%s --collateral %s/collateral --anchor %s/anchor.pem --at %s", folder, kind->file,
              folder, folder, when);
    if (s->options.kind >= SIMULATE_SNP)
        wr_printf(&w, " --type %s",
                  simulate_kind_type(s->options.kind)); /* what is wrong may be what it is recognised by */
    if (s->nonce.n) {
        wr_text(&w, " --nonce ");
        wr_hex(&w, s->nonce);
    }
    if (s->runtime_data.n)
        wr_printf(&w, " --runtime-data %s/runtime.bin", folder);
    if (s->init_data.n)
        wr_printf(&w, " --init-data %s/init.bin", folder);
    wr_text(&w, " --freshness strict");
    if (s->settings.report_data_tail_zero)
        wr_text(&w, " --report-data-tail zero");
    if (s->settings.amd_crl_freshness)
        wr_text(&w, " --amd-crl-freshness on");
    put_reference(&w, s->settings.reference);
    put_least_tcb(&w, s->settings.reference);
    wr_text(&w, "\n");
    return wr_done(&w);
}

/* What an earlier run left in the folder under the name of another kind goes. */
static bool put_evidence(struct arena *a, const struct simulated *s, const char *folder, struct fault *fault)
{
    const char *name = simulated_kinds[s->options.kind].file;

    for (int kind = 0; kind < SIMULATE_KINDS; kind++)
        if (strcmp(simulated_kinds[kind].file, name) != 0 &&
            !put(a, folder, simulated_kinds[kind].file, BYTES_NONE, fault))
            return false;
    return put(a, folder, name, s->evidence, fault);
}

bool simulate_write(struct arena *a, const struct simulated *s, const char *folder, struct fault *fault)
{
    const struct simulated_file files[] = {
        {"runtime.bin", s->runtime_data},
        {"init.bin", s->init_data},
        {"request.json", s->request},
        {"anchor.pem", s->anchor},
        {"snp-report.bin", s->options.kind == SIMULATE_SNP ? s->report : BYTES_NONE},
        {"enclave-report.bin", s->options.kind == SIMULATE_VBS ? s->report : BYTES_NONE},
        {"chain.pem", s->chain},
        {"aik.der", s->aik_certificate},
        {"boot.log", s->log},
        {"ima.list", s->list},
        {"uvm.cose", s->uvm},
        {"endorsements.bin", s->options.kind == SIMULATE_SGX ? BYTES_NONE : s->endorsements},
        {"README.txt", readme(a, s, folder)},
    };
    char *collateral = arena_printf(a, "%s/collateral", folder);
    struct simulated_file file;

    if (!make_folder(folder, fault) || !make_folder(collateral, fault) || !put_evidence(a, s, folder, fault))
        return false;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (!put(a, folder, files[i].name, files[i].text, fault))
            return false;
    for (size_t i = 0; simulated_collateral_at(s, i, &file); i++)
        if (!put(a, collateral, file.name, file.text, fault))
            return false;
    return true;
}
