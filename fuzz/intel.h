/* What the targets over Intel evidence share: the endorsements of the recorded requests, where ASSAY_SHARED is at hand, so that
 * mutations of genuine evidence get past the certificate chain. */
#ifndef ASSAY_FUZZ_INTEL_H
#define ASSAY_FUZZ_INTEL_H

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "evidence/sgx.h"
#include "evidence/tdx.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    FUZZ_TIME = 1668716909,    /* 2022-11-17T20:28:29Z, of the recorded requests */
    FUZZ_TIME_TDX = 1770174696 /* 2026-02-04T03:11:36Z, of the newest quote of TDX */
};

static inline void must(bool ok)
{
    if (!ok)
        abort();
}

static inline void fuzz_load(struct endorsements *e, const char *folder, const char *name)
{
    struct arena a;

    arena_init(&a, LIMIT_REQUEST_MEMORY);
    FILE *f = fopen(arena_printf(&a, "%s/evidence/collateral/%s", folder, name), "rb");
    if (f) {
        uint8_t *p = arena_alloc(&a, LIMIT_COLLATERAL);

        endorsements_add(e, name, bytes_make(p, fread(p, 1, LIMIT_COLLATERAL, f)), NULL);
        fclose(f);
    }
    arena_free(&a);
}

static inline struct endorsements *fuzz_set(const char *const *files, size_t count)
{
    struct endorsements *e = endorsements_new(LIMIT_REQUEST_MEMORY);
    const char *shared = getenv("ASSAY_SHARED");

    for (size_t i = 0; shared && i < count; i++)
        fuzz_load(e, shared, files[i]);
    endorsements_seal(e);
    return e;
}

static inline struct endorsements *fuzz_endorsements(void)
{
    static const char *const files[] = {"tcbinfo-v2-sgx-00906ed50000-e10-20210331-0487222c.json",
                                        "qeid-qe-e10-20210701-0f7320e2.json",
                                        "certs/intel-tcbsigning-20180521-20250521-ec37d981.der",
                                        "certs/intel-root-20180521-20491231-44a0196b.der",
                                        "crl-processor-20221018-67a75283.der",
                                        "crl-root-20220419-ef604c71.der"};

    return fuzz_set(files, sizeof files / sizeof *files);
}

static inline struct endorsements *fuzz_endorsements_tdx(void)
{
    static const char *const files[] = {"tcbinfo-v3-tdx-90c06f000000-e18-20260112-656794a9.json",
                                        "qeid-tdqe-e18-20260112-8da04943.json",
                                        "chains/tcb-signing-chain-20250506-20320506.pem",
                                        "crl-platform-20260112-9890f503.der", "crl-root-20250320-ad6f3f4e.der"};

    return fuzz_set(files, sizeof files / sizeof *files);
}

static inline void fuzz_exam(struct exam *x, struct arena *a, const struct endorsements *e, const struct settings *s)
{
    *x = (struct exam){.arena = a, .trace = trace_new(a), .endorsements = e, .settings = s, .time = FUZZ_TIME};
    claims_init(&x->incoming, a);
}

/* Verify what was decoded: a refusal names its check, an acceptance made every check. */
static inline void fuzz_verify(struct exam *x, bool decoded, const struct attester *attester)
{
    enum check_id missing;
    bool ok = decoded && attester->verify(x);

    must(ok == !x->trace->failed);
    if (ok)
        must(trace_complete(x->trace, attester->required, &missing) && x->incoming.n > 0);
    else
        must(trace_message(x->trace, x->arena).n > 0);
}

#endif
