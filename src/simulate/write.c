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
    if (s->runtime_data.n)
        wr_printf(&w, " --runtime-data %s/runtime.bin", folder);
    if (s->init_data.n)
        wr_printf(&w, " --init-data %s/init.bin", folder);
    wr_text(&w, s->settings.report_data_tail_zero ? " --freshness strict --report-data-tail zero\n"
                                                  : " --freshness strict\n");
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
