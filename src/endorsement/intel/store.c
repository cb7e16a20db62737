/* Loading Intel's endorsements, and finding them again. */
#include "endorsement/intel/store.h"

#include "crypto/pem.h"

static bool under(const struct signed_document *d, const uint8_t root_spki[SHA256_SIZE])
{
    return d->signature_ok && memcmp(d->root_spki, root_spki, SHA256_SIZE) == 0;
}

bool document_preferred(const struct signed_document *d, const struct signed_document *best,
                        const struct document_query *q)
{
    bool its = under(d, q->root_spki), best_its = under(best, q->root_spki);
    bool now = d->issued <= q->time, best_now = best->issued <= q->time;

    if (its != best_its)
        return its;
    if (now != best_now)
        return now;
    if (!now)
        return d->issued < best->issued; /* the earliest that lies ahead, so that the reason given is the right one */
    if (d->evaluation != best->evaluation)
        return d->evaluation > best->evaluation;
    return d->issued > best->issued;
}

static bool of_baseline(const struct signed_document *d, const struct document_query *q)
{
    return q->baseline == 0 || d->evaluation == q->baseline;
}

const struct tcb_info *find_tcb_info(const struct endorsements *e, enum intel_tee tee, struct bytes fmspc,
                                     const struct document_query *q)
{
    const struct tcb_info *best = NULL;

    for (size_t i = 0; i < e->tcb_info_count; i++) {
        const struct tcb_info *t = &e->tcb_infos[i];

        if (t->tee == tee && bytes_equal(t->fmspc, fmspc) && of_baseline(&t->document, q) &&
            (!best || document_preferred(&t->document, &best->document, q)))
            best = t;
    }
    return best;
}

const struct enclave_identity *find_identity(const struct endorsements *e, enum identity_kind kind,
                                             const struct document_query *q)
{
    const struct enclave_identity *best = NULL;

    for (size_t i = 0; i < e->identity_count; i++) {
        const struct enclave_identity *d = &e->identities[i];

        if (d->kind == kind && of_baseline(&d->document, q) &&
            (!best || document_preferred(&d->document, &best->document, q)))
            best = d;
    }
    return best;
}

static bool in_date(const struct signing_chain *chain, int64_t time)
{
    for (const struct certificate *c = chain->signer; c; c = c->next)
        if (time < c->not_before || time > c->not_after)
            return false;
    return true;
}

const struct signing_chain *find_chain(const struct endorsements *e, const struct signed_document *d, int64_t time)
{
    const struct signing_chain *best = NULL;
    unsigned best_score = 0;

    for (size_t i = 0; i < e->chain_count; i++) {
        const struct signing_chain *c = &e->chains[i];
        bool its_key = d->signature_ok && memcmp(c->signer->spki_digest, d->signer_spki, SHA256_SIZE) == 0;
        unsigned score = 1u + (its_key ? 4u : 0) + (c->signatures_ok ? 2u : 0) + (in_date(c, time) ? 1u : 0);

        if (score > best_score) {
            best = c;
            best_score = score;
        }
    }
    return best;
}

/* Whatever signs and is neither an authority nor a platform; that it is named as a signer is a check. */
static bool is_signer(const struct certificate *c)
{
    struct pck_chain ignored = {0};

    return !c->is_ca && !pck_decode(c, &ignored, NULL);
}

static void add_chain(struct endorsements *e, const struct certificate *signer)
{
    struct writer pem = wr_open(&e->arena);
    struct signing_chain chain = {.signer = signer, .signatures_ok = chain_signatures(signer)};
    struct bytes text;

    for (const struct certificate *c = signer; c; c = c->next)
        wr_pem(&pem, "CERTIFICATE", c->der);
    wr_u8(&pem, 0);
    text = wr_done(&pem);
    sha256(text, chain.hash);
    e->chains = ARENA_ROOM(&e->arena, e->chains, e->chain_count, &e->chain_cap);
    e->chains[e->chain_count++] = chain;
}

/* A certificate that stands alone and could have issued c; of several the one that lasts longest. */
static const struct certificate *loose_issuer(const struct endorsements *e, const struct certificate *c)
{
    const struct certificate *best = NULL;

    for (size_t i = 0; i < e->pool_count; i++) {
        const struct certificate *candidate = e->pool[i].chain;

        if (candidate->next || !bytes_equal(candidate->subject, c->issuer) ||
            !bytes_equal(candidate->subject, candidate->issuer))
            continue;
        if (!certificate_signed_by(c, &candidate->key))
            continue;
        if (!best || candidate->not_after > best->not_after)
            best = candidate;
    }
    return best;
}

static void make_chains(struct endorsements *e)
{
    for (size_t i = 0; i < e->pool_count; i++) {
        const struct certificate *c = e->pool[i].chain;

        if (e->pool[i].amd || !is_signer(c))
            continue;
        if (c->next) {
            add_chain(e, c);
            continue;
        }
        const struct certificate *issuer = loose_issuer(e, c);
        if (!issuer)
            continue;
        struct certificate *linked = ARENA_NEW(&e->arena, struct certificate);
        *linked = *c;
        linked->next = issuer;
        add_chain(e, linked);
    }
}

/* Without white space outside strings: test files are often printed prettily after they were signed (sgx-tdx.md 0, 8). */
static struct bytes compacted(struct arena *a, struct bytes text)
{
    struct writer w = wr_open(a);
    bool inside = false;

    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];

        if (!inside && (c == ' ' || c == '\t' || c == '\r' || c == '\n'))
            continue;
        if (c == '"')
            inside = !inside;
        wr_u8(&w, c);
        if (inside && c == '\\' && i + 1 < text.n)
            wr_u8(&w, text.p[++i]);
    }
    return wr_done(&w);
}

bool document_signed_by(struct arena *a, const struct signed_document *d, const struct public_key *key)
{
    uint8_t hash[SHA256_SIZE];

    sha256(d->inner, hash);
    if (ecdsa_verify(key, BYTES_OF(hash), d->signature))
        return true;
    struct bytes compact = compacted(a, d->inner);
    sha256(compact, hash);
    return compact.n != d->inner.n && ecdsa_verify(key, BYTES_OF(hash), d->signature);
}

static void find_signer(struct endorsements *e, struct signed_document *d)
{
    struct bytes forms[] = {d->inner, compacted(&e->arena, d->inner)};

    for (size_t f = 0; f < 2 && !d->signature_ok; f++) {
        uint8_t hash[SHA256_SIZE];

        if (f == 1 && forms[1].n == forms[0].n)
            return; /* it was compact */
        sha256(forms[f], hash);
        for (size_t i = 0; i < e->chain_count && !d->signature_ok; i++) {
            const struct certificate *signer = e->chains[i].signer;

            if (!ecdsa_verify(&signer->key, BYTES_OF(hash), d->signature))
                continue;
            d->signature_ok = true;
            memcpy(d->signer_spki, signer->spki_digest, SHA256_SIZE);
            while (signer->next)
                signer = signer->next;
            memcpy(d->root_spki, signer->spki_digest, SHA256_SIZE);
        }
    }
}

void seal_intel(struct endorsements *e)
{
    make_chains(e);
    for (size_t i = 0; i < e->tcb_info_count; i++)
        find_signer(e, &e->tcb_infos[i].document);
    for (size_t i = 0; i < e->identity_count; i++)
        find_signer(e, &e->identities[i].document);
}
