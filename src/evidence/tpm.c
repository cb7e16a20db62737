#include "evidence/tpm.h"

#include "base/limits.h"
#include "base/text.h"
#include "evidence/parts/request.h"
#include "evidence/tpm_attestations.h"
#include "evidence/tpm_claims.h"

#define ONLY_AT_SERVICE "service contexts open at the service that made them"
#define REPLAYED \
    EXAM_BELIEVED "service contexts open at the service that made them, and the record tells that this one did"
#define BARE_PAYLOAD "a payload was given without its signature"

const enum check_id tpm_required[] = {CHECK_REQUEST_EVIDENCE,
                                      CHECK_ATTREQ_MESSAGE,
                                      CHECK_ATTREQ_JWS,
                                      CHECK_ATTREQ_PAYLOAD,
                                      CHECK_ATTREQ_KEY_INFO,
                                      CHECK_ATTREQ_CLAIMS,
                                      TPM_ATTESTATION_CHECKS,
                                      TPM_CERTIFY_CHECKS,
                                      CHECK_ATTREQ_CONTEXT,
                                      CHECK_ATTREQ_CONTEXT_FRESH,
                                      CHECK_ATTREQ_CHALLENGE,
                                      CHECK_ATTREQ_SIGNATURE,
                                      CHECK_ATTREQ_KEY,
                                      CHECK_ATTREQ_BOOT_KEY,
                                      CHECK_ATTREQ_BOOT_CLOCK,
                                      CHECK_ATTREQ_BOOT_REGISTERS,
                                      VBS_CHECKS,
                                      CHECK_END};

static void skip_all(struct exam *x, const enum check_id *list, const char *why)
{
    for (; *list != CHECK_END; list++)
        check_skip_(x->trace, *list, why);
}

/* --- Decoding. --- */

static bool refuse_message(struct exam *x, const char *why)
{
    if (check_that(x, ATTREQ_MESSAGE, false))
        return true;
    check_note(x->trace, "%s", why);
    return false;
}

static bool decode_certification(struct exam *x, const struct tpm_key *key, struct tpm_certification *out)
{
    return key->binding != BOUND_BY_CERTIFICATION ||
           tpm_certify_decode(x, key->certification, key->signature, false, key->object, out);
}

static bool decode_certifications(struct exam *x, struct tpm_evidence *e)
{
    bool ok = decode_certification(x, &e->request.key, &e->certified[0]);

    for (size_t i = 0; i < e->request.other_count && ok; i++)
        ok = decode_certification(x, &e->request.others[i], &e->certified[1 + i]);
    return ok;
}

static bool decode_parts(struct exam *x, struct tpm_evidence *e)
{
    const struct json *current, *boot;

    if (!tpm_attestations_find(x, &e->request, &current, &boot) || !tpm_attestation_decode(x, current, &e->current))
        return false;
    e->has_boot = boot != NULL;
    if ((boot && !tpm_attestation_decode(x, boot, &e->boot)) || !decode_certifications(x, e))
        return false;
    /* Or leaving logs out would say that nothing was ever in safe mode. */
    e->current.logs.needed = e->boot.logs.needed = true;
    if (e->request.is_vbs)
        return vbs_report_decode(x, e->request.vsm_report, &e->report);
    vbs_report_skip(x, "the request is not of a VBS enclave");
    return !x->trace->failed;
}

static bool decode_context(struct exam *x, struct tpm_evidence *e)
{
    if (!x->replay)
        return challenge_open(x, e->request.service_context, &e->context);
    e->no_context = REPLAYED;
    check_skip(x, ATTREQ_CONTEXT, REPLAYED);
    return true;
}

static bool decode_request(struct exam *x, struct bytes jws)
{
    struct tpm_evidence *e = ARENA_NEW(x->arena, struct tpm_evidence);

    x->evidence = e;
    return check_that(x, ATTREQ_MESSAGE, true) && tpm_request_decode(x, jws, &e->request) && decode_context(x, e) &&
           decode_parts(x, e);
}

/* The message inside the envelope, or bare (tpm-vbs.md 8, item 6). */
static bool read_message(struct exam *x, struct bytes text, const struct json **message)
{
    struct fault fault = {0};
    const struct json *object, *payload;

    if (!json_parse(x->arena, bytes_without_mark(text), NULL, &object, &fault))
        return refuse_message(x, fault.text);
    payload = json_member(object, "payload");
    *message = payload ? payload : object;
    return (*message)->kind == JSON_OBJECT || refuse_message(x, "the message is no object");
}

static bool decode(struct exam *x, const struct json *request)
{
    const struct json *message = NULL, *type, *asked;
    struct bytes text, value;

    if (!request_evidence(x, request, "data", &text) || !read_message(x, text, &message))
        return false;
    type = json_member(message, "type");
    asked = json_member(message, "request");
    if (type && asked)
        return refuse_message(x, "it is of two kinds at once");
    if (asked)
        return json_text(asked, &value) ? decode_request(x, value) : refuse_message(x, "request is no text");
    if (!json_text(type, &value))
        return refuse_message(x, json_member(message, "report") ? "a report is what the service sends"
                                                                : "it has neither type nor request");
    if (!bytes_is(value, "aikcert"))
        return refuse_message(x, "its type is not aikcert");
    return check_that(x, ATTREQ_MESSAGE, true) && challenge_give(x);
}

/* The payload of a request, where the file holds no more; BYTES_NONE: it holds a JWS, which is *jws. */
static struct bytes payload_in(struct exam *x, struct bytes file, struct bytes *jws, bool *is_v1)
{
    const struct json *object, *message, *att;

    *jws = bytes_without_mark(bytes_trim_end(file));
    if (!json_parse(x->arena, *jws, NULL, &object, NULL))
        return BYTES_NONE;
    if (json_text(json_member(object, "data"), jws) && base64_decode(x->arena, *jws, &file, NULL))
        return payload_in(x, file, jws, is_v1);
    message = json_member(object, "payload");
    if (json_text(json_member(message ? message : object, "request"), jws))
        return BYTES_NONE;
    att = json_member(object, "att_data");
    if (json_member(att, "report_signed"))
        att = json_member(att, "report_signed");
    *is_v1 = json_member(att, "attest_key") != NULL;
    return object->span;
}

bool tpm_request_file(struct exam *x, struct bytes file)
{
    struct tpm_evidence *e = ARENA_NEW(x->arena, struct tpm_evidence);
    static const enum check_id at_service[] = {CHECK_ATTREQ_CONTEXT, CHECK_END};
    bool is_v1 = false;
    struct bytes jws, payload;

    *e = (struct tpm_evidence){.no_context = ONLY_AT_SERVICE};
    x->evidence = e;
    if (!check_that(x, REQUEST_EVIDENCE, file.n > 0))
        return false;
    if (vbs_report_read(x->arena, file, &e->report, NULL))
        return refuse_message(
            x, "an enclave's report alone: the key that signed it is known from the log of its machine, so "
               "give the request that carries both");
    if (!check_that(x, ATTREQ_MESSAGE, true))
        return false;
    payload = payload_in(x, file, &jws, &is_v1);
    skip_all(x, at_service, ONLY_AT_SERVICE);
    if (!payload.n)
        return tpm_request_decode(x, jws, &e->request) && decode_parts(x, e);
    check_skip(x, ATTREQ_JWS, BARE_PAYLOAD);
    return tpm_request_decode_payload(x, payload, is_v1, &e->request) && decode_parts(x, e);
}

/* --- Verifying (tpm-vbs.md 1.5). --- */

static bool challenge_is_ours(struct exam *x, const struct tpm_evidence *e)
{
    static const enum check_id list[] = {CHECK_ATTREQ_CONTEXT_FRESH, CHECK_ATTREQ_CHALLENGE, CHECK_END};

    if (!e->no_context)
        return check_not_after(x, ATTREQ_CONTEXT_FRESH, x->time, e->context.expires) &&
               check_that(x, ATTREQ_CHALLENGE, secret_equal(e->request.challenge, e->context.challenge));
    skip_all(x, list, e->no_context);
    return !x->trace->failed;
}

static bool signed_by_its_key(struct exam *x, const struct tpm_request *r)
{
    if (r->jws.text.n)
        return check_that(x, ATTREQ_SIGNATURE, jws_verify(&r->jws, &r->key.key));
    check_skip(x, ATTREQ_SIGNATURE, BARE_PAYLOAD);
    return !x->trace->failed;
}

/* What the quote of the present state must hold (tpm-vbs.md 1.4). */
static struct bytes quote_nonce(struct arena *a, const struct tpm_request *r)
{
    uint8_t hash[DIGEST_MAX];
    const struct bytes parts[] = {r->key.jwk->span, bytes_make("", 1), r->challenge};

    if (r->is_v1 || r->key.binding != BOUND_BY_QUOTE)
        return r->challenge;
    digest_parts(r->key.hash, parts, sizeof parts / sizeof *parts, hash);
    return arena_copy(a, bytes_make(hash, digest_size(r->key.hash)));
}

/* A machine that slept measures its firmware no second time (tpm-vbs.md 3.7): in some bank both quotes cover PCRs 0 to 7, and each
 * holds what it held. */
static bool resumed(const struct tpm_quote *now, const struct tpm_quote *then)
{
    enum { FIRMWARE = 0xff, FIRMWARE_PCRS = 8 };

    for (size_t i = 0; i < now->attest.selection.count; i++)
        for (size_t k = 0; k < then->attest.selection.count; k++) {
            uint16_t id = now->attest.selection.banks[i].id;
            unsigned reg = 0;

            if (id != then->attest.selection.banks[k].id ||
                (now->attest.selection.banks[i].mask & then->attest.selection.banks[k].mask & FIRMWARE) != FIRMWARE)
                continue;
            while (reg < FIRMWARE_PCRS &&
                   bytes_equal(tpm_pcrs_value(&now->pcrs, id, reg), tpm_pcrs_value(&then->pcrs, id, reg)))
                reg++;
            return reg == FIRMWARE_PCRS;
        }
    return false;
}

static bool verify_boot(struct exam *x, struct tpm_evidence *e)
{
    static const enum check_id list[] = {CHECK_ATTREQ_BOOT_KEY, CHECK_ATTREQ_BOOT_CLOCK, CHECK_ATTREQ_BOOT_REGISTERS,
                                         CHECK_END};
    const struct tpm_attest *now = &e->current.quote.attest, *then = &e->boot.quote.attest;

    if (!e->has_boot) {
        skip_all(x, list, "the request has no attestation of the boot");
        return !x->trace->failed;
    }
    return tpm_attestation_verify(x, &e->boot, NULL, "the quote of the boot was made before the challenge") &&
           check_that(x, ATTREQ_BOOT_KEY, public_key_equal(&e->boot.key, &e->current.key)) &&
           check_that(x, ATTREQ_BOOT_CLOCK,
                      then->reset_count == now->reset_count && then->restart_count <= now->restart_count &&
                          then->clock <= now->clock) &&
           check_that(x, ATTREQ_BOOT_REGISTERS, resumed(&e->current.quote, &e->boot.quote));
}

static bool verify_key(struct exam *x, const struct tpm_evidence *e, const struct tpm_key *key,
                       const struct tpm_certification *c)
{
    return key->binding != BOUND_BY_CERTIFICATION ||
           (tpm_certify_verify(x, c, &e->current.key, &e->request.challenge, NULL) &&
            check_that(x, ATTREQ_KEY, public_key_equal(&c->object.key, &key->key)));
}

static bool verify_keys(struct exam *x, const struct tpm_evidence *e)
{
    static const enum check_id list[] = {TPM_CERTIFY_CHECKS, CHECK_ATTREQ_KEY, CHECK_END};
    const struct tpm_request *r = &e->request;
    bool any = r->key.binding == BOUND_BY_CERTIFICATION;
    bool ok = verify_key(x, e, &r->key, &e->certified[0]);

    for (size_t i = 0; i < r->other_count && ok; i++) {
        any = any || r->others[i].binding == BOUND_BY_CERTIFICATION;
        ok = verify_key(x, e, &r->others[i], &e->certified[1 + i]);
    }
    if (!any)
        skip_all(x, list, "no key of the request is certified by the TPM");
    return ok && !x->trace->failed;
}

/* The identity key of VBS is in the newest log; a machine that resumed may have measured it at its boot alone. */
static bool verify_enclave(struct exam *x, const struct tpm_evidence *e)
{
    const struct tpm_attestation *by = e->current.facts.idks.kind == KEY_NONE && e->has_boot ? &e->boot : &e->current;

    return !e->request.is_vbs || vbs_report_verify(x, &e->report, &by->facts.idks, e->request.report_signed);
}

bool tpm_verify(struct exam *x)
{
    struct tpm_evidence *e = x->evidence;
    struct bytes nonce = quote_nonce(x->arena, &e->request);

    if (!challenge_is_ours(x, e) || !signed_by_its_key(x, &e->request) ||
        !tpm_attestation_verify(x, &e->current, &nonce, NULL) || !verify_boot(x, e) || !verify_keys(x, e) ||
        !verify_enclave(x, e))
        return false;
    tpm_claims(x, e);
    return true;
}

static bool answer(struct exam *x, struct bytes token, struct bytes *out)
{
    struct json *message = json_new(x->arena, JSON_OBJECT);

    JSON_SET(message, "report", json_new_text(x->arena, token));
    *out = challenge_envelope(x->arena, message);
    return true;
}

const struct attester tpm_attester = {
    .path = "Tpm",
    .type = "tpm",
    .default_policy = NULL,
    .required = tpm_required,
    .decode = decode,
    .verify = tpm_verify,
    .answer = answer,
    .is_report = true,
};
