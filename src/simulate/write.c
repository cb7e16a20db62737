#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "simulate/simulate.h"

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

static struct bytes readme(struct arena *a, const struct simulated *s, const char *folder, const char *evidence)
{
    const struct simulate_fault *wrong = s->options.fault ? simulate_fault_by_name(s->options.fault) : NULL;
    struct writer w = wr_open(a);
    char when[32];

    time_format(s->time, when);
    wr_text(&w, "Simulated SGX evidence of Assay, under a root that nobody trusts unless told to.\n");
    if (s->options.seed)
        wr_text(&w, "Its keys are made from a seed: whoever knows that has them. Never trust this root in earnest.\n");
    if (wrong)
        wr_printf(&w, "Its fault: %s (%s).\n", wrong->wrong, wrong->name);
    wr_text(&w, "\n");
    wr_printf(&w, "assay verify %s/%s --collateral %s/collateral --anchor %s/anchor.pem --at %s", folder, evidence,
              folder, folder, when);
    if (s->runtime_data.n)
        wr_printf(&w, " --runtime-data %s/runtime.bin", folder);
    if (s->init_data.n)
        wr_printf(&w, " --init-data %s/init.bin", folder);
    wr_text(&w, s->settings.report_data_tail_zero ? " --freshness strict --report-data-tail zero\n"
                                                  : " --freshness strict\n");
    return wr_done(&w);
}

bool simulate_write(struct arena *a, const struct simulated *s, const char *folder, struct fault *fault)
{
    static const char *const names[] = {
        [SIMULATE_SGX] = "quote.bin", [SIMULATE_OE_REPORT] = "report.bin", [SIMULATE_OE_EVIDENCE] = "evidence.bin"};
    const char *evidence = names[s->options.kind];
    char *collateral = arena_printf(a, "%s/collateral", folder);
    const struct {
        const char *folder, *name;
        struct bytes content;
    } files[] = {
        {folder, "runtime.bin", s->runtime_data},
        {folder, "init.bin", s->init_data},
        {folder, "request.json", s->request},
        {folder, "anchor.pem", s->anchor},
        {folder, "endorsements.bin", s->options.kind == SIMULATE_SGX ? BYTES_NONE : s->endorsements},
        {folder, "README.txt", readme(a, s, folder, evidence)},
        {collateral, "tcbinfo.json", s->tcb_info},
        {collateral, "qeidentity.json", s->identity},
        {collateral, "root.crl", s->root_crl},
        {collateral, "pck.crl", s->pck_crl},
        {collateral, "tcb-signing-chain.pem", s->signing_chain},
    };

    if (!make_folder(folder, fault) || !make_folder(collateral, fault))
        return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!put(a, folder, names[i], names[i] == evidence ? s->evidence : BYTES_NONE, fault))
            return false;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (!put(a, files[i].folder, files[i].name, files[i].content, fault))
            return false;
    return true;
}
