/* Any bytes as SIPA events: what fits is JSON that we read ourselves, and trust points lie in it. */
#include <stdlib.h>

#include "base/limits.h"
#include "evidence/parts/wbcl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void inside(struct bytes whole, struct bytes part)
{
    must(part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n));
}

static void payloads(struct bytes whole)
{
    struct wbcl_si_policy policy;
    struct wbcl_revocation_list list;
    struct wbcl_sbcp sbcp;
    struct wbcl_signer signer;
    struct wbcl_certificate c;
    struct wbcl_pluton pluton;
    struct public_key key;

    if (wbcl_si_policy(whole, &policy))
        inside(whole, policy.digest.value);
    if (wbcl_revocation_list(whole, &list))
        inside(whole, list.digest.value);
    if (wbcl_sbcp(whole, &sbcp))
        inside(whole, sbcp.digest.value);
    if (wbcl_signer(whole, &signer)) {
        struct reader r = rd_open(signer.certificates);

        while (rd_left(&r) && wbcl_certificate(&r, &c))
            inside(whole, c.digest);
        inside(whole, signer.ekus);
    }
    if (wbcl_pluton(whole, &pluton))
        inside(whole, pluton.file);
    if (wbcl_idk(whole, &key))
        inside(whole, key.modulus);
}

static void events(struct arena *a, struct bytes whole)
{
    struct wbcl_trust_point points[WBCL_TRUST_POINTS];
    const struct json *tree;

    must(wbcl_fits(whole) || wbcl_trust_points(whole, points) == 0);
    if (!wbcl_fits(whole))
        return;
    for (int explain = 0; explain < 2; explain++) {
        struct writer w = wr_open(a);
        struct fault fault = {0};

        wr_wbcl(&w, whole, explain);
        must(json_parse(a, wr_done(&w), NULL, &tree, &fault) || fault.code == FAULT_LIMIT);
    }
    for (size_t i = wbcl_trust_points(whole, points); i-- > 0;) {
        inside(whole, points[i].quote);
        inside(whole, points[i].signature);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;

    arena_init(&a, 1u << 30);
    events(&a, bytes_make(data, size));
    payloads(bytes_make(data, size));
    arena_free(&a);
    return 0;
}
