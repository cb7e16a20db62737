/* The evidence of the service's own TEE into the certificate of a provider's key, which stays the same. */
#include "base/text.h"
#include "core/key_evidence.h"
#include "core/management.h"
#include "core/record_seal.h"
#include "crypto/pem.h"
#include "evidence/parts/snp_report.h"

static void refuse_check(struct management *m, const struct trace *trace)
{
    enum check_id id = trace_failure(trace)->id;

    manage_refuse(m, 400, "InvalidParameter",
                  bytes_text(arena_printf(m->arena, "%s %s", check_table[id].proves, check_table[id].remedy)));
    m->answer->failed_check = check_table[id].id;
}

/* The VCEK and its issuers, leaf first: those that the host gave with the report, else those at hand. Whoever relies on the certificate
 * should need to fetch nothing. */
static bool complete_chain(struct management *m, struct trace *trace, struct key_evidence *e)
{
    struct exam x = {.arena = m->arena,
                     .trace = trace,
                     .endorsements = m->snapshot->endorsements,
                     .settings = &m->provider->settings,
                     .time = m->request->time};
    const struct amd_chain *chain = NULL;
    struct writer w = wr_open(m->arena);
    struct snp_report r;

    snp_report_read(m->arena, e->report, &r);
    struct amd_query q = {.vlek = snp_report_key(&r) == SNP_KEY_VLEK, .chip_id = r.chip_id, .tcb = r.reported_tcb};
    q.has_product = r.version >= SNP_VERSION_CPUID && snp_report_product(&r, &q.product);
    if (!amd_chain_load(&x, e->chain, &q, &chain) || !chain) {
        refuse_check(m, trace);
        m->answer->wanted = x.wanted;
        return false;
    }
    wr_pem(&w, "CERTIFICATE", chain->leaf.certificate->der);
    if (chain->issuer)
        wr_pem(&w, "CERTIFICATE", chain->issuer->der);
    if (chain->root)
        wr_pem(&w, "CERTIFICATE", chain->root->der);
    e->chain = wr_done(&w);
    return true;
}

/* The key that the certificate is of: the one that signs, or the one that is published and will (core/key_life.h). */
static bool find_key(struct management *m, struct provider_key *out)
{
    const struct state_record *next = provider_record(m->provider, BYTES_LIT("next"));

    *out =
        (struct provider_key){.kid = m->provider->kid, .sealed = m->provider->sealed_key, .since = manage_key_since(m)};
    if (bytes_is(m->request->kind, "next") && (!next || !next->body.n || !read_provider_key(next->body, out)))
        *out = (struct provider_key){0};
    if (out->sealed.n)
        return true;
    manage_refuse(m, 404, "NotFound", BYTES_LIT("The provider has no such key."));
    return false;
}

void provider_evidence(struct management *m)
{
    struct key_evidence_exam x = {m->arena, trace_new(m->arena)};
    struct fault fault = {0};
    struct key_evidence evidence;
    struct provider_key key;

    if (!find_key(m, &key))
        return;
    if (!read_key_evidence(m->request->body, &evidence)) {
        manage_refuse(m, 400, "InvalidParameter", BYTES_LIT("This is no evidence of a key."));
        return;
    }
    if (!key_evidence_judge(&x, &evidence, key.kid)) {
        refuse_check(m, x.trace);
        return;
    }
    if (evidence.tee == KEY_SNP && !complete_chain(m, x.trace, &evidence))
        return;
    if (!m->mint->certify || !m->mint->certify(m->mint->context, m->provider->issuer, key.sealed, &evidence, m->arena,
                                               &key.certificate, &fault)) {
        manage_refuse(m, 503, "ServiceUnavailable",
                      bytes_text(arena_printf(m->arena, "The certificate could not be issued: %s",
                                              m->mint->certify ? fault.text : "no signer is at hand")));
        return;
    }
    manage_change(m, (struct change){.kind = bytes_is(m->request->kind, "next") ? BYTES_LIT("next") : BYTES_LIT("key"),
                                     .body = write_provider_key(m->arena, &key)});
    *m->answer = (struct answer){.status = 200};
}
