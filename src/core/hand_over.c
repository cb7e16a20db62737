#include "core/hand_over.h"

#include "crypto/digest.h"
#include "evidence/sgx.h"
#include "evidence/snp.h"
#include "evidence/tdx.h"

#define OFFER_LINE "assay-offer 1\n"
#define GRANT_LINE "assay-grant 1\n"
#define PURPOSE    "assay: the root key handed to another node"

enum { SEALED_SIZE = AEAD_IV_SIZE + ROOT_KEY_SIZE + AEAD_TAG_SIZE };

struct bytes hand_over_offer_body(struct arena *a, int64_t time, const uint8_t nonce[HAND_OVER_NONCE],
                                  const uint8_t key[X25519_SIZE])
{
    struct writer w = wr_open(a);

    wr_text(&w, OFFER_LINE);
    wr_u64le(&w, (uint64_t)time);
    wr_put(&w, bytes_make(nonce, HAND_OVER_NONCE));
    wr_put(&w, bytes_make(key, X25519_SIZE));
    return wr_done(&w);
}

/* The key of the root's cipher: of this offer and these two keys alone. */
static bool agree(const uint8_t secret[X25519_SIZE], const uint8_t peer[X25519_SIZE], struct bytes offer_key,
                  struct bytes grant_key, const uint8_t offer[SHA256_SIZE], uint8_t key[AEAD_KEY_SIZE])
{
    uint8_t shared[X25519_SIZE], info[sizeof PURPOSE + 2 * X25519_SIZE + SHA256_SIZE] = PURPOSE;
    uint8_t *p = info + sizeof PURPOSE;

    memcpy(p, offer_key.p, X25519_SIZE);
    memcpy(p + X25519_SIZE, grant_key.p, X25519_SIZE);
    memcpy(p + 2 * X25519_SIZE, offer, SHA256_SIZE);
    bool ok = x25519_agree(secret, peer, shared);
    if (ok)
        root_derive(shared, BYTES_OF(info), key);
    secret_wipe(shared, sizeof shared);
    return ok;
}

bool hand_over_grant_body(struct arena *a, int64_t time, struct bytes offer, const struct hand_over_offer *o,
                          const uint8_t secret[X25519_SIZE], const uint8_t iv[AEAD_IV_SIZE],
                          const uint8_t root[ROOT_KEY_SIZE], struct bytes *body)
{
    uint8_t own[X25519_SIZE], digest[SHA256_SIZE], key[AEAD_KEY_SIZE];
    struct writer w = wr_open(a);
    struct bytes sealed;

    sha256(offer, digest);
    wr_text(&w, GRANT_LINE);
    wr_u64le(&w, (uint64_t)time);
    wr_put(&w, BYTES_OF(digest));
    bool ok = x25519_public(secret, own) && agree(secret, o->key.p, o->key, BYTES_OF(own), digest, key);
    wr_put(&w, BYTES_OF(own));
    ok = ok && aead_seal(key, iv, wr_done(&w), bytes_make(root, ROOT_KEY_SIZE), a, &sealed);
    secret_wipe(key, sizeof key);
    if (!ok)
        return false;
    wr_put(&w, bytes_make(iv, AEAD_IV_SIZE));
    wr_put(&w, sealed);
    *body = wr_done(&w);
    return true;
}

struct bytes hand_over_write(struct arena *a, struct bytes body, const struct key_evidence *e)
{
    struct writer w = wr_open(a);

    wr_put(&w, body);
    wr_put(&w, write_key_evidence(a, e));
    return wr_done(&w);
}

bool hand_over_read_offer(struct hand_over_exam *x, struct bytes text, struct hand_over_offer *out)
{
    struct reader r = rd_open(text);

    *out = (struct hand_over_offer){.message.body = BYTES_NONE};
    struct bytes line = rd_take(&r, sizeof OFFER_LINE - 1);
    out->time = (int64_t)rd_u64le(&r);
    out->nonce = rd_take(&r, HAND_OVER_NONCE);
    out->key = rd_take(&r, X25519_SIZE);
    out->message.body = bytes_first(text, text.n - rd_left(&r));
    return check_that(x, HANDOVER_SHAPE,
                      text.n <= HAND_OVER_MAX && rd_ok(&r) && bytes_is(line, OFFER_LINE) &&
                          read_key_evidence(rd_rest(&r), &out->message.evidence));
}

bool hand_over_read_grant(struct hand_over_exam *x, struct bytes text, struct hand_over_grant *out)
{
    struct reader r = rd_open(text);

    *out = (struct hand_over_grant){.message.body = BYTES_NONE};
    struct bytes line = rd_take(&r, sizeof GRANT_LINE - 1);
    out->time = (int64_t)rd_u64le(&r);
    out->offer = rd_take(&r, SHA256_SIZE);
    out->key = rd_take(&r, X25519_SIZE);
    out->sealed = rd_take(&r, SEALED_SIZE);
    out->message.body = bytes_first(text, text.n - rd_left(&r));
    return check_that(x, HANDOVER_SHAPE,
                      text.n <= HAND_OVER_MAX && rd_ok(&r) && bytes_is(line, GRANT_LINE) &&
                          read_key_evidence(rd_rest(&r), &out->message.evidence));
}

static void of_sgx(struct writer *w, const struct sgx_evidence *e, struct hand_over_party *out)
{
    out->measurement = e->report.mrenclave;
    out->debug = e->report.flags & SGX_FLAG_DEBUG;
    wr_put(w, e->report.mrsigner);
    wr_put(w, e->report.attributes);
    wr_put(w, e->report.miscselect);
    wr_put(w, e->report.isv_ext_product_id);
    wr_put(w, e->report.isv_family_id);
    wr_put(w, e->report.config_id);
    wr_u64le(w, e->report.isv_prod_id);
    wr_u64le(w, e->report.isv_svn);
    wr_u64le(w, e->report.config_svn);
}

static void of_tdx(struct writer *w, const struct tdx_evidence *e, struct hand_over_party *out)
{
    out->measurement = e->report.mrtd;
    out->debug = td_report_under_test(&e->report);
    for (size_t i = 0; i < TD_RTMR_COUNT; i++)
        wr_put(w, e->report.rtmr[i]);
    wr_put(w, e->report.td_attributes_bytes);
    wr_put(w, e->report.xfam);
    wr_put(w, e->report.mrconfigid);
    wr_put(w, e->report.mrowner);
    wr_put(w, e->report.mrownerconfig);
    wr_u64le(w, e->report.vm_id);
}

static void of_snp(struct writer *w, const struct snp_evidence *e, struct hand_over_party *out)
{
    out->measurement = e->report.measurement;
    out->debug = snp_policy_has(&e->report, SNP_POLICY_DEBUG);
    wr_put(w, e->report.family_id);
    wr_put(w, e->report.image_id);
    wr_put(w, e->report.host_data);
    wr_put(w, e->report.id_key_digest);
    wr_put(w, e->report.author_key_digest);
    wr_u64le(w, e->report.policy);
    wr_u64le(w, e->report.guest_svn);
    wr_u64le(w, e->report.vmpl);
}

static const struct attester *decode(struct exam *x, const struct hand_over_message *m)
{
    const struct request_data body = {.type = DATA_BINARY, .data = m->body};
    const struct key_evidence *e = &m->evidence;

    switch (e->tee) {
    case KEY_SGX: return sgx_decode_quote(x, e->report, &body, NULL) ? &sgx_attester : NULL;
    case KEY_TDX: return tdx_decode_file(x, e->report, &body, NULL) ? &tdx_attester : NULL;
    case KEY_SNP: return snp_decode_file(x, e->report, e->chain, &body, NULL) ? &snp_attester : NULL;
    default: return NULL;
    }
}

static void describe(struct arena *a, enum key_tee tee, const void *evidence, struct hand_over_party *out)
{
    struct writer w = wr_open(a);

    wr_u64le(&w, tee);
    if (tee == KEY_SGX)
        of_sgx(&w, evidence, out);
    else if (tee == KEY_TDX)
        of_tdx(&w, evidence, out);
    else
        of_snp(&w, evidence, out);
    sha256(wr_done(&w), out->configuration);
}

bool hand_over_judge(struct hand_over_exam *x, const struct hand_over_message *m, struct hand_over_party *out)
{
    struct exam exam = {.arena = x->arena,
                        .trace = x->trace,
                        .endorsements = x->endorsements,
                        .settings = x->settings,
                        .time = x->time};
    enum check_id missing;

    *out = (struct hand_over_party){.debug = true};
    claims_init(&exam.incoming, x->arena);
    const struct attester *attester = decode(&exam, m);
    bool ok = attester && attester->verify(&exam);
    if (x->trace->failed)
        return false;
    if (!check_that(x, HANDOVER_EVIDENCE,
                    ok && trace_complete(x->trace, attester->required, &missing) &&
                        (!exam.required || trace_complete(x->trace, exam.required, &missing))))
        return false;
    describe(x->arena, m->evidence.tee, exam.evidence, out);
    return true;
}

bool hand_over_same(struct hand_over_exam *x, const struct hand_over_party *other, const struct hand_over_party *own)
{
    return check_that(x, HANDOVER_DEBUG, !other->debug) &&
           check_eq(x, HANDOVER_MEASUREMENT, other->measurement, own->measurement) &&
           check_eq(x, HANDOVER_CONFIGURATION, BYTES_OF(other->configuration), BYTES_OF(own->configuration));
}

bool hand_over_in_time(struct hand_over_exam *x, int64_t made)
{
    return check_record(x->trace, CHECK_HANDOVER_TIME,
                        made <= x->time + HAND_OVER_SKEW && made > x->time - HAND_OVER_SECONDS, check_time(made),
                        check_time(x->time));
}

bool hand_over_fresh(struct hand_over_exam *x, bool answered)
{
    return check_that(x, HANDOVER_FRESH, !answered);
}

bool hand_over_open(struct hand_over_exam *x, const struct hand_over_grant *g, struct bytes offer,
                    const uint8_t secret[X25519_SIZE], uint8_t root[ROOT_KEY_SIZE])
{
    uint8_t digest[SHA256_SIZE], own[X25519_SIZE], key[AEAD_KEY_SIZE];
    struct bytes plain = BYTES_NONE, head = bytes_first(g->message.body, g->message.body.n - SEALED_SIZE);

    sha256(offer, digest);
    if (!check_eq(x, HANDOVER_ANSWER, g->offer, BYTES_OF(digest)))
        return false;
    bool ok = x25519_public(secret, own) && agree(secret, g->key.p, BYTES_OF(own), g->key, digest, key) &&
              aead_open(key, g->sealed.p, head, bytes_after(g->sealed, AEAD_IV_SIZE), x->arena, &plain) &&
              plain.n == ROOT_KEY_SIZE;
    secret_wipe(key, sizeof key);
    if (ok)
        memcpy(root, plain.p, ROOT_KEY_SIZE);
    secret_wipe((void *)(uintptr_t)plain.p, plain.n);
    return check_that(x, HANDOVER_OPENED, ok);
}
