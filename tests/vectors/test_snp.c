/* SEV-SNP reports, certificates and CRLs of the corpus: the facts and the verdict of each row of MANIFEST-amd.tsv, and what must
 * not go together (snp-cvm.md 6.2, items 1 and 2). */
#include "intel.h"

#include "base/text.h"
#include "endorsement/store.h"
#include "evidence/snp.h"

enum { FILE_NAME, KIND, FACTS = 6, COMPANIONS, EXPECTED, DAY = 86400, YEAR = 365 * DAY };

static struct arena arena, kept;
static struct endorsements *nothing; /* no endorsement but what is built in */
static struct settings settings;
static struct cache *cache;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, TEST_MEMORY);
    arena_init(&kept, TEST_MEMORY);
    nothing = endorsements_new(SET_MEMORY);
    endorsements_seal(nothing);
    settings = SETTINGS_DEFAULT;
    cache = cache_new(64, 4 * 1024 * 1024);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    endorsements_free(nothing);
    cache_free(cache);
    arena_free(&arena);
    arena_free(&kept);
    return 0;
}

static bool has(struct bytes text, const char *part)
{
    return text.n && memmem(text.p, text.n, part, strlen(part));
}

static struct bytes evidence(struct bytes name)
{
    return read_shared(&arena, arena_printf(&arena, "evidence/%.*s", (int)name.n, (const char *)name.p));
}

/* ------------------------------------------------------------------------------------------------------- facts */

static const char *hex_text(struct bytes b)
{
    return arena_string(&arena, hex_encode(&arena, b));
}

static const char *tcb_fact(const struct snp_report *r, struct bytes raw, bool named)
{
    enum snp_product product = SNP_MILAN;

    if (!named)
        return hex_text(raw);
    if (r->version >= SNP_VERSION_CPUID)
        assert_true(snp_report_product(r, &product));
    struct snp_tcb t = snp_tcb_read(product, raw);
    const char *fmc = product == SNP_TURIN ? arena_printf(&arena, "fmc=%u,", t.fmc) : "";
    return arena_printf(&arena, "%s(%sbl=%u,tee=%u,snp=%u,ucode=%u)", hex_text(raw), fmc, t.bootloader, t.tee, t.snp,
                        t.microcode);
}

static const char *firmware(const struct snp_firmware *f)
{
    return arena_printf(&arena, "%u.%u.%u", f->major, f->minor, f->build);
}

/* As the manifest writes it; NULL for what is not of the report's bytes. */
static const char *report_fact(const struct snp_report *r, struct bytes key)
{
    enum snp_product product;
    bool tells = r->version >= SNP_VERSION_CPUID;
    const struct {
        const char *key, *value;
    } facts[] = {
        {"version", arena_printf(&arena, "%u", r->version)},
        {"product", tells && snp_report_product(r, &product) ? snp_product_name(product) : NULL},
        {"cpuid_fms", tells ? arena_printf(&arena, "%02x/%02x/%02x", r->family, r->model, r->stepping) : "n/a"},
        {"signer", snp_report_key(r) == SNP_KEY_VLEK ? "VLEK" : "VCEK"},
        {"vmpl", arena_printf(&arena, "%u", r->vmpl)},
        {"guest_svn", arena_printf(&arena, "%u", r->guest_svn)},
        {"policy", arena_printf(&arena, "0x%llx", (unsigned long long)r->policy)},
        {"platform_info", arena_printf(&arena, "0x%llx", (unsigned long long)r->platform_info)},
        {"flags", arena_printf(&arena, "0x%x", r->key_word)},
        {"reported_tcb", tcb_fact(r, r->reported_tcb, true)},
        {"current_tcb", tcb_fact(r, r->current_tcb, false)},
        {"committed_tcb", tcb_fact(r, r->committed_tcb, false)},
        {"launch_tcb", tcb_fact(r, r->launch_tcb, false)},
        {"fw_current", firmware(&r->current)},
        {"fw_committed", firmware(&r->committed)},
        {"launch_mit", arena_printf(&arena, "%llx", (unsigned long long)r->launch_mitigation)},
        {"current_mit", arena_printf(&arena, "%llx", (unsigned long long)r->current_mitigation)},
        {"chip_id", hex_text(r->chip_id)},
        {"measurement", hex_text(r->measurement)},
        {"host_data", hex_text(r->host_data)},
        {"report_data", hex_text(r->report_data)},
        {"id_key_digest", hex_text(r->id_key_digest)},
        {"author_key_digest", hex_text(r->author_key_digest)},
        {"family_id", hex_text(r->family_id)},
        {"image_id", hex_text(r->image_id)},
    };

    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        if (bytes_is(key, facts[i].key))
            return facts[i].value;
    return NULL;
}

static const char *number(uint64_t v)
{
    return arena_printf(&arena, "%llu", (unsigned long long)v);
}

static const char *date(int64_t t)
{
    char text[32];

    time_format(t, text);
    return arena_string(&arena, bytes_first(bytes_text(text), 10));
}

static const char *leaf_fact(const struct amd_leaf *l, struct bytes key)
{
    const struct {
        const char *key, *value;
    } facts[] = {
        {"struct", number(l->struct_version)},
        {"product", arena_string(&arena, l->product_name)},
        {"fmc", number(l->tcb.fmc)},
        {"bl", number(l->tcb.bootloader)},
        {"tee", number(l->tcb.tee)},
        {"snp", number(l->tcb.snp)},
        {"ucode", number(l->tcb.microcode)},
        {"hwid", hex_text(l->hw_id)},
        {"csp_id", arena_string(&arena, l->csp_id)},
        {"notBefore", date(l->certificate->not_before)},
        {"notAfter", date(l->certificate->not_after)},
    };

    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        if (bytes_is(key, facts[i].key))
            return facts[i].value;
    return NULL;
}

/* The next of "key=value;…"; a value may end in ".." where it was cut. */
static bool next_fact(struct bytes *facts, struct bytes *key, struct bytes *value)
{
    if (facts->n == 0)
        return false;
    const uint8_t *end = memchr(facts->p, ';', facts->n), *is = memchr(facts->p, '=', facts->n);
    struct bytes fact = bytes_first(*facts, end ? (size_t)(end - facts->p) : facts->n);
    *facts = bytes_after(*facts, fact.n + 1);
    *key = bytes_first(fact, is && (size_t)(is - fact.p) < fact.n ? (size_t)(is - fact.p) : fact.n);
    *value = bytes_after(fact, key->n + 1);
    return true;
}

static void same_fact(struct bytes file, struct bytes key, struct bytes value, const char *ours)
{
    bool cut = value.n > 2 && bytes_is(bytes_after(value, value.n - 2), "..");
    struct bytes whole = cut ? bytes_first(value, value.n - 2) : value;

    if (!(cut ? bytes_equal(bytes_first(bytes_text(ours), whole.n), whole) : bytes_is(whole, ours)))
        fail_msg("%.*s: %.*s is %s, not %.*s", (int)file.n, (const char *)file.p, (int)key.n, (const char *)key.p, ours,
                 (int)value.n, (const char *)value.p);
}

/* ------------------------------------------------------------------------------------------------------ verdicts */

/* The VCEK or VLEK among a row's companions. */
static struct bytes leaf_of(struct bytes companions)
{
    const uint8_t *end = companions.n ? memchr(companions.p, ',', companions.n) : NULL;
    struct bytes first = bytes_first(companions, end ? (size_t)(end - companions.p) : companions.n);

    return has(first, "certs/v") ? evidence(first) : BYTES_NONE;
}

/* A time at which the certificate is in date. */
static int64_t time_for(struct bytes certificate)
{
    const struct certificate *c;

    if (certificate.n == 0 || !certificate_decode(&arena, certificate, &c, NULL))
        return time_of(BYTES_LIT("2026-03-01T00:00:00Z"));
    return c->not_before + DAY;
}

/* NULL when accepted with every required check, else the check that refuses. */
static const char *judge(struct exam *x, struct bytes report, struct bytes certificates, int64_t time)
{
    enum check_id missing;

    exam_begin(x, &arena, nothing, &settings, cache, time);
    if (!snp_decode_file(x, report, certificates, NULL, NULL) || !snp_verify(x))
        return failed_id(x);
    return trace_complete(x->trace, snp_required, &missing) ? NULL : check_table[missing].id;
}

static void expect(struct bytes name, const char *found, const char *expected)
{
    if (found == expected || (found && expected && strcmp(found, expected) == 0))
        return;
    fail_msg("%.*s: %s instead of %s", (int)name.n, (const char *)name.p, found ? found : "accepted",
             expected ? expected : "accepted");
}

static void each_row(void (*function)(struct bytes column[COLUMNS_MAX]))
{
    struct bytes text = read_shared(&kept, "evidence/MANIFEST-amd.tsv"), column[COLUMNS_MAX];
    size_t n;

    while (tsv_line(&text, column, &n)) {
        function(column);
        cache_settle(cache);
        arena_reset(&arena);
    }
}

static unsigned seen, accepted;

static void report_row(struct bytes column[COLUMNS_MAX])
{
    struct bytes facts = column[FACTS], key, value;
    struct snp_report r;
    struct exam x;

    if (!bytes_is(column[KIND], "SNP report"))
        return;
    struct bytes report = evidence(column[FILE_NAME]), leaf = leaf_of(column[COMPANIONS]);
    assert_true(snp_report_read(&arena, report, &r));
    assert_null(r.reserved);
    while (next_fact(&facts, &key, &value)) {
        const char *ours = report_fact(&r, key);

        if (bytes_is(key, "reported_tcb") && !has(value, "("))
            ours = tcb_fact(&r, r.reported_tcb, false); /* one row is without components */
        if (ours)
            same_fact(column[FILE_NAME], key, value, ours);
    }
    const char *expected = bytes_begin(column[EXPECTED], "ACCEPT") ? NULL
                           : r.version == 1                        ? "snp.report.version"
                                                                   : "amd.leaf.present";
    expect(column[FILE_NAME], judge(&x, report, leaf, time_for(leaf)), expected);
    const struct claim *debug = claims_find(&x.incoming, BYTES_LIT("x-ms-sevsnpvm-is-debuggable"));
    assert_int_equal(debug != NULL, expected == NULL);
    if (debug)
        assert_int_equal(debug->value.integer, has(column[EXPECTED], "is-debuggable=true"));
    seen++;
    accepted += !expected;
}

static void reports(void **state)
{
    (void)state;
    NEED_SHARED("SEV-SNP reports");
    seen = accepted = 0;
    each_row(report_row);
    print_message("# %u reports, %u of them verify with their VCEK or VLEK alone\n", seen, accepted);
    assert_int_equal(seen, 34);
    assert_int_equal(accepted, 30);
}

/* What each was made of, and which check must see it. */
static const struct {
    const char *name, *of, *refused;
} negatives[] = {
    {"neg-measurement-flip", "milan-v3-aci-tav", "snp.report.signature"},
    {"neg-rs-bigendian", "milan-v2-trustee", "snp.report.signature"},
    {"neg-rs-swapped", "genoa-v3-aci-tav", "snp.report.signature"},
    {"neg-sig-r-high-nonzero", "milan-v3-aci-tav", "snp.report.shape"},
    {"neg-sig-reserved-nonzero", "milan-v3-aci-tav", "snp.report.shape"},
    {"neg-truncated", "milan-v3-aci-tav", "snp.report.shape"},
    {"neg-turin-tcb-flip", "turin-v5-aci-tav", "snp.report.signature"},
};

static void negative_row(struct bytes column[COLUMNS_MAX])
{
    struct exam x;

    if (!bytes_is(column[KIND], "SNP report (derived negative)"))
        return;
    for (size_t i = 0; i < sizeof negatives / sizeof *negatives; i++) {
        if (!has(column[FILE_NAME], negatives[i].name))
            continue;
        struct bytes leaf =
            read_shared(&arena, arena_printf(&arena, "evidence/snp/certs/vcek-%s.der", negatives[i].of));
        expect(column[FILE_NAME], judge(&x, evidence(column[FILE_NAME]), leaf, time_for(leaf)), negatives[i].refused);
        seen++;
    }
}

static void derived_negatives(void **state)
{
    (void)state;
    NEED_SHARED("SEV-SNP reports");
    seen = 0;
    each_row(negative_row);
    assert_int_equal(seen, sizeof negatives / sizeof *negatives);
}

static void leaf_row(struct bytes column[COLUMNS_MAX])
{
    struct bytes facts = column[FACTS], key, value;
    const struct certificate *c;
    struct fault fault = {0};
    struct amd_leaf leaf;
    struct exam x;

    if (!bytes_is(column[KIND], "VCEK") && !bytes_is(column[KIND], "VLEK"))
        return;
    struct bytes der = evidence(column[FILE_NAME]);
    assert_true(certificate_decode(&arena, der, &c, &fault));
    if (!amd_leaf_decode(c, &leaf, &fault))
        fail_msg("%.*s: %s", (int)column[0].n, (const char *)column[0].p, fault.text);
    while (next_fact(&facts, &key, &value)) {
        const char *ours = leaf_fact(&leaf, key);

        if (ours)
            same_fact(column[FILE_NAME], key, value, ours);
    }
    struct amd_query q = {.vlek = leaf.vlek,
                          .has_product = true,
                          .product = leaf.product,
                          .chip_id = BYTES_OF(leaf.chip_id),
                          .tcb = snp_tcb_raw(&arena, leaf.product, &leaf.tcb)};
    const struct amd_chain *chain;
    exam_begin(&x, &arena, nothing, &settings, cache, c->not_before + DAY);
    assert_true(amd_chain_load(&x, der, &q, &chain));
    bool ok = amd_chain_verify(&x, chain), valid = bytes_begin(column[EXPECTED], "VALID");
    expect(column[FILE_NAME], ok ? NULL : failed_id(&x), valid ? NULL : "amd.chain.signatures");
    assert_true(!valid || has(column[EXPECTED], snp_product_name(chain->product) + 1));
    seen++;
    accepted += ok;
}

static void certificates(void **state)
{
    (void)state;
    NEED_SHARED("VCEKs and VLEKs");
    seen = accepted = 0;
    each_row(leaf_row);
    print_message("# %u certificates of keys, %u of them AMD's\n", seen, accepted);
    assert_int_equal(seen, 38);
    assert_int_equal(accepted, 36);
}

/* The built-in authorities say what AMD's certificates say. */
static void authority_row(struct bytes column[COLUMNS_MAX])
{
    enum snp_product product;
    enum amd_role role;
    const struct certificate *c;

    if (!bytes_is(column[KIND], "ARK") && !bytes_is(column[KIND], "ASK") && !bytes_is(column[KIND], "ASVK"))
        return;
    assert_true(certificate_decode(&arena, evidence(column[FILE_NAME]), &c, NULL));
    assert_true(amd_authority_by_name(c->subject_cn, &product, &role));
    const struct certificate *known = amd_authority(&arena, product, role),
                             *root = amd_authority(&arena, product, AMD_ARK);
    assert_bytes_equal(known->subject, c->subject);
    assert_bytes_equal(known->issuer, c->issuer);
    assert_bytes_equal(known->serial, c->serial);
    assert_bytes_equal(known->key.modulus, c->key.modulus);
    assert_bytes_equal(known->key.exponent, c->key.exponent);
    assert_memory_equal(known->spki_digest, c->spki_digest, SHA256_SIZE);
    assert_bytes_equal(known->subject_key_id, c->subject_key_id);
    assert_true(role == AMD_ARK || bytes_equal(known->authority_key_id, c->authority_key_id));
    assert_int_equal(known->not_before, c->not_before);
    assert_int_equal(known->not_after, c->not_after);
    assert_int_equal(known->path_length, c->path_length);
    assert_int_equal(known->key_usage, c->key_usage);
    assert_int_equal(c->alg, SIGNATURE_PS384);
    assert_true(certificate_signed_by(c, &root->key));
    seen++;
}

static void authorities(void **state)
{
    (void)state;
    NEED_SHARED("AMD's authorities");
    seen = 0;
    each_row(authority_row);
    assert_int_equal(seen, 9);
}

/* ------------------------------------------------------------------------------------------------------ CRLs */

/* Both are stale: with amd_crl_freshness they refuse, without they are told; Genoa's revokes the predecessor of its ASK alone. */
static void revocation_lists(void **state)
{
    static const struct {
        const char *crl, *leaf;
        size_t revoked;
    } rows[] = {{"milan-vcek-2022-05-09", "milan-v2-trustee", 0}, {"genoa-vcek-2022-10-31", "genoa-v3-aci-tav", 1}};
    struct settings strict = SETTINGS_DEFAULT;
    struct exam x;

    (void)state;
    NEED_SHARED("AMD's CRLs");
    strict.amd_crl_freshness = true;
    for (size_t i = 0; i < 2; i++) {
        struct endorsements *e = endorsements_new(SET_MEMORY);
        struct bytes report =
                         read_shared(&arena, arena_printf(&arena, "evidence/snp/reports/%s.report.bin", rows[i].leaf)),
                     leaf = read_shared(&arena, arena_printf(&arena, "evidence/snp/certs/vcek-%s.der", rows[i].leaf));
        int64_t t = time_for(leaf) + YEAR;

        add_shared(&arena, e, arena_printf(&arena, "snp/crl/%s.crl.der", rows[i].crl));
        endorsements_seal(e);
        assert_int_equal(e->crl_count, 1);
        assert_int_equal(e->crls[0].crl->count, rows[i].revoked);
        assert_int_equal(e->crls[0].crl->alg, SIGNATURE_PS384);
        exam_begin(&x, &arena, e, &settings, cache, t);
        assert_true(snp_decode_file(&x, report, leaf, NULL, NULL) && snp_verify(&x));
        exam_begin(&x, &arena, e, &strict, cache, t);
        assert_true(snp_decode_file(&x, report, leaf, NULL, NULL) && !snp_verify(&x));
        assert_string_equal(failed_id(&x), "amd.crl.fresh");
        if (i == 0) { /* Milan's was in date when this certificate was new */
            exam_begin(&x, &arena, e, &strict, cache, t - YEAR);
            assert_true(snp_decode_file(&x, report, leaf, NULL, NULL) && snp_verify(&x));
        }
        exam_begin(&x, &arena, nothing, &strict, cache, t);
        assert_true(snp_decode_file(&x, report, leaf, NULL, NULL) && !snp_verify(&x));
        assert_string_equal(failed_id(&x), "amd.crl.present");
        assert_bytes_are(x.wanted, i ? "amd/crl/Genoa" : "amd/crl/Milan");
        endorsements_free(e);
    }
}

/* ------------------------------------------------------------------------------------------- what does not go together */

enum { MOST = 40 };
static struct pair {
    const char *name;
    struct bytes report, leaf;
    struct snp_report r;
    struct amd_leaf l;
} pairs[MOST];
static size_t pair_count;

static void keep_pair(struct bytes column[COLUMNS_MAX])
{
    const struct certificate *c;

    if (!bytes_is(column[KIND], "SNP report") || !bytes_begin(column[EXPECTED], "ACCEPT"))
        return;
    struct pair *p = &pairs[pair_count++];
    p->name = arena_string(&kept, column[FILE_NAME]);
    p->report = arena_copy(&kept, evidence(column[FILE_NAME]));
    p->leaf = arena_copy(&kept, leaf_of(column[COMPANIONS]));
    assert_true(snp_report_read(&kept, p->report, &p->r));
    assert_true(certificate_decode(&kept, p->leaf, &c, NULL) && amd_leaf_decode(c, &p->l, NULL));
}

/* Every report with every other certificate: of another key none is taken, whatever its chip, TCB or product. */
static void certificates_of_others(void **state)
{
    unsigned crossed = 0;
    struct exam x;

    (void)state;
    NEED_SHARED("SEV-SNP reports");
    pair_count = 0;
    each_row(keep_pair);
    assert_int_equal(pair_count, 30);
    for (size_t i = 0; i < pair_count; i++)
        for (size_t k = 0; k < pair_count; k++) {
            const struct amd_leaf *mine = &pairs[i].l, *other = &pairs[k].l;

            if (bytes_equal(mine->certificate->key.point, other->certificate->key.point))
                continue;
            int64_t t = other->certificate->not_before + DAY;
            const char *refused = judge(&x, pairs[i].report, pairs[k].leaf, t);
            assert_non_null(refused);
            const char *expected = mine->vlek != other->vlek ? "amd.leaf.present"
                                   : pairs[i].r.version >= SNP_VERSION_CPUID && mine->product != other->product
                                       ? "snp.product"
                                       : NULL;
            if (expected)
                assert_string_equal(refused, expected);
            else
                assert_true(strcmp(refused, "snp.report.signature") == 0 || strcmp(refused, "snp.generation") == 0);
            crossed++;
            cache_settle(cache);
            arena_reset(&arena);
        }
    print_message("# %u pairs of a report and the certificate of another key, all refused\n", crossed);
    assert_true(crossed > 700);
}

/* Once the signature is taken for good, chip and TCB are still compared; and Turin's TCB in Milan's layout is another. */
static void tcb_and_chip(void **state)
{
    (void)state;
    NEED_SHARED("SEV-SNP reports");
    for (size_t i = 0; i < pair_count; i++) {
        const struct pair *p = &pairs[i];
        struct snp_tcb right = snp_tcb_read(p->l.product, p->r.reported_tcb);
        struct snp_tcb wrong = snp_tcb_read(p->l.product == SNP_TURIN ? SNP_MILAN : SNP_TURIN, p->r.reported_tcb);

        assert_true(snp_tcb_equal(&right, &p->l.tcb));
        assert_false(snp_tcb_equal(&wrong, &p->l.tcb));
        assert_bytes_equal(snp_tcb_raw(&arena, p->l.product, &right), p->r.reported_tcb);
        if (!p->l.vlek)
            assert_bytes_equal(p->r.chip_id, BYTES_OF(p->l.chip_id));
    }
}

/* ------------------------------------------------------------------------------------------ from the endorsements */

/* With all certificates of the corpus at hand, reports need none of their own, and each finds its own. */
static void found_among_all(void **state)
{
    struct endorsements *e = endorsements_new(SET_MEMORY);
    struct exam x;

    (void)state;
    NEED_SHARED("SEV-SNP reports");
    for (size_t i = 0; i < pair_count; i++)
        assert_true(endorsements_add(e, pairs[i].name, pairs[i].leaf, &(struct fault){0}));
    endorsements_seal(e);
    for (size_t i = 0; i < pair_count; i++) {
        exam_begin(&x, &arena, e, &settings, cache, pairs[i].l.certificate->not_before + DAY);
        assert_true(snp_decode_file(&x, pairs[i].report, BYTES_NONE, NULL, NULL));
        if (!snp_verify(&x))
            fail_msg("%s: %s", pairs[i].name, arena_string(&arena, trace_message(x.trace, &arena)));
        const struct snp_evidence *found = x.evidence;
        assert_bytes_equal(found->basis.chain->leaf.certificate->key.point, pairs[i].l.certificate->key.point);
        assert_true(x.wanted.n == 0 || bytes_begin(x.wanted, "amd/crl/"));
        exam_begin(&x, &arena, nothing, &settings, cache, pairs[i].l.certificate->not_before + DAY);
        assert_true(snp_decode_file(&x, pairs[i].report, BYTES_NONE, NULL, NULL) && !snp_verify(&x));
        assert_string_equal(failed_id(&x), "amd.leaf.present");
        if (pairs[i].l.vlek)
            assert_int_equal(x.wanted.n, 0);
        else if (pairs[i].r.version >= SNP_VERSION_CPUID)
            assert_string_equal(arena_string(&arena, x.wanted),
                                arena_printf(&arena, "amd/vcek/%s/%s/%s", snp_product_name(pairs[i].l.product),
                                             hex_text(pairs[i].l.hw_id),
                                             arena_string(&arena, snp_tcb_name(&arena, pairs[i].r.reported_tcb))));
        arena_reset(&arena);
    }
    endorsements_free(e);
}

/* ------------------------------------------------------------------------------------------------------ bit flips */

/* Every bit of a real report and of its certificate: the report has none that could be another. In the certificate all is signed,
 * and the signature itself has one form. */
static void every_bit(void **state)
{
    static const char *const names[] = {"milan-v3-aci-tav", "turin-v5-aci-tav"};
    struct exam x;

    (void)state;
    NEED_SHARED("bit flips of a real report");
    for (size_t n = 0; n < 2; n++) {
        struct bytes parts[] = {read_shared(&kept, arena_printf(&kept, "evidence/snp/reports/%s.report.bin", names[n])),
                                read_shared(&kept, arena_printf(&kept, "evidence/snp/certs/vcek-%s.der", names[n]))};
        int64_t t = time_for(parts[1]);
        unsigned flipped = 0;

        expect(bytes_text(names[n]), judge(&x, parts[0], parts[1], t), NULL);
        for (size_t p = 0; p < 2; p++) {
            uint8_t *changed = (uint8_t *)(uintptr_t)parts[p].p;

            for (size_t i = 0; i < parts[p].n; i++)
                for (unsigned bit = 0; bit < 8; bit++) {
                    changed[i] ^= (uint8_t)(1u << bit);
                    if (!judge(&x, parts[0], parts[1], t))
                        fail_msg("%s: part %zu, byte %zu, bit %u flipped is accepted", names[n], p, i, bit);
                    changed[i] ^= (uint8_t)(1u << bit);
                    flipped++;
                    cache_settle(cache);
                    arena_reset(&arena);
                }
        }
        print_message("# %s: %u bits flipped, none accepted\n", names[n], flipped);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports),      cmocka_unit_test(derived_negatives), cmocka_unit_test(certificates),
        cmocka_unit_test(authorities),  cmocka_unit_test(revocation_lists),  cmocka_unit_test(certificates_of_others),
        cmocka_unit_test(tcb_and_chip), cmocka_unit_test(found_among_all),   cmocka_unit_test(every_bit),
    };

    return cmocka_run_group_tests_name("snp", tests, set_up, tear_down);
}
