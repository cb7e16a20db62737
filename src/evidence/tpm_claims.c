#include "evidence/tpm_claims.h"

#include "base/text.h"

/* Certified keys are told by what their public area says of them, not by the structures that proved it (tpm-vbs.md 1.8). */
static struct json *certified_info(struct arena *a, const struct tpm_public *object)
{
    struct json *info = json_new(a, JSON_OBJECT), *certify = json_new(a, JSON_OBJECT);

    JSON_SET(certify, "name_alg", json_new_integer(a, object->name_alg));
    JSON_SET(certify, "obj_attr", json_new_integer(a, object->attributes));
    if (object->auth_policy.n)
        JSON_SET(certify, "auth_policy", json_new_text(a, base64url_encode(a, object->auth_policy)));
    JSON_SET(info, "tpm_certify", certify);
    return info;
}

/* Of a quoted key the hash alone: nothing else in it was looked at. */
static struct json *quoted_info(struct arena *a, const struct json *sent)
{
    struct json *info = json_new(a, JSON_OBJECT), *quote = json_new(a, JSON_OBJECT);

    JSON_SET(quote, "hash_alg", json_link(a, json_member(json_member(sent, "tpm_quote"), "hash_alg")));
    JSON_SET(info, "tpm_quote", quote);
    return info;
}

static struct json *policy_key(struct arena *a, const struct tpm_key *key, const struct tpm_certification *certified)
{
    struct json *o = json_new(a, JSON_OBJECT);

    JSON_SET(o, "jwk", json_link(a, key->jwk));
    if (key->binding == BOUND_BY_CERTIFICATION)
        JSON_SET(o, "info", certified_info(a, &certified->object));
    else if (key->binding == BOUND_BY_QUOTE)
        JSON_SET(o, "info", quoted_info(a, key->info));
    else if (key->info)
        JSON_SET(o, "info", json_new(a, JSON_OBJECT));
    return o;
}

/* Told in tokens of version 2 without a rule for it (claims.md 8.3). */
static void key_claims(struct exam *x, const struct tpm_evidence *e)
{
    const struct tpm_request *r = &e->request;
    struct arena *a = x->arena;
    struct json *others = json_new(a, JSON_ARRAY);

    claims_text(&x->incoming, "x-ms-tpm-request-key",
                json_print(a, policy_key(a, &r->key, &e->certified[0]), JSON_IN_ORDER), CLAIM_POLICY | CLAIM_TOKEN);
    for (size_t i = 0; i < r->other_count; i++)
        json_append(others, policy_key(a, &r->others[i], &e->certified[1 + i]));
    if (r->other_count)
        claims_text(&x->incoming, "x-ms-tpm-other-keys", json_print(a, others, JSON_IN_ORDER),
                    CLAIM_POLICY | CLAIM_TOKEN);
}

/* The numbers of the key alone, as they were sent. */
static void confirmation(struct exam *x, const struct json *jwk)
{
    static const char *const names[] = {"kty", "n", "e"};
    struct json *cnf = json_new(x->arena, JSON_OBJECT), *key = json_new(x->arena, JSON_OBJECT);

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct json *m = json_member(jwk, names[i]);

        if (m)
            json_set(key, bytes_text(names[i]), json_link(x->arena, m));
    }
    JSON_SET(cnf, "jwk", key);
    claims_json(&x->incoming, "cnf", cnf, CLAIM_TOKEN);
}

static struct bytes events(struct arena *a, const struct tpm_attestation *t)
{
    return boot_events_json(a, &t->logs, t->bank, t->quoted);
}

static void log_claims(struct exam *x, const struct tpm_evidence *e)
{
    struct claims *out = &x->incoming;
    const struct tpm_quote *quote = &e->current.quote;

    if (e->current.has_bank && !x->plain_policy)
        claims_text(out, "events", events(x->arena, &e->current), CLAIM_POLICY);
    if (e->has_boot && e->boot.has_bank && !x->plain_policy)
        claims_text(out, "bootEvents", events(x->arena, &e->boot), CLAIM_POLICY);
    claims_text(out, "pcrs", boot_pcrs_json(x->arena, &quote->attest.selection, &quote->pcrs),
                CLAIM_POLICY | CLAIM_READ_ONLY);
}

void tpm_claims(struct exam *x, const struct tpm_evidence *e)
{
    const struct tpm_request *r = &e->request;
    struct claims *out = &x->incoming;

    claims_text(out, "x-ms-attestation-type", BYTES_LIT("tpm"), CLAIM_POLICY);
    tpm_attestation_claims(x, &e->current);
    log_claims(x, e);
    claims_boolean(out, "vbsReportPresent", r->is_vbs, CLAIM_POLICY);
    claims_boolean(out, "vsmReportPresent", r->is_vbs, CLAIM_POLICY);
    if (r->is_vbs)
        vbs_report_claims(x, &e->report);
    tpm_custom_claims(x, r);
    if (r->rp_data.n)
        claims_text(out, "rp_data", r->rp_data, CLAIM_TOKEN);
    confirmation(x, r->key.jwk);
    if (!r->is_v1)
        key_claims(x, e);
}
