#include "evidence/tpm_request.h"

#include "base/limits.h"
#include "base/text.h"

static bool refuse_jws(struct exam *x, const char *why)
{
    if (check_that(x, ATTREQ_JWS, false))
        return true;
    check_note(x->trace, "%s", why);
    return false;
}

/* Exactly two members (tpm-vbs.md 1.2, step 3): no kid, no key that the payload does not hold. */
static bool read_header(struct exam *x, struct tpm_request *r)
{
    const struct json *type = json_member(r->jws.header, "typ");

    if (r->jws.header->count != 2 || !type || type->kind != JSON_STRING)
        return refuse_jws(x, "its header has other members than alg and typ");
    if (r->jws.alg != SIGNATURE_PS256)
        return refuse_jws(x, "its alg is not PS256");
    r->is_v1 = bytes_is(type->text, "attReq");
    if (!r->is_v1 && !bytes_is(type->text, "attReqV2"))
        return refuse_jws(x, "its typ is neither attReq nor attReqV2");
    if (r->is_v1 && !x->settings->tpm_v1)
        return refuse_jws(
            x, "it is of version 1 (attReq), which this service is set not to accept (tpm_v1): send attReqV2");
    return check_that(x, ATTREQ_JWS, true);
}

/* A member of text, or of base64 text, of at most `most` bytes; absent and null are empty. */
struct member {
    const char *name;
    bool needed, encoded;
    size_t most;
    struct bytes *out;
};

static const char *read_member(struct exam *x, const struct json *object, const struct member *m)
{
    const struct json *v = json_member(object, m->name);
    struct bytes text;

    *m->out = BYTES_NONE;
    if (!v || v->kind == JSON_NULL)
        return m->needed ? arena_printf(x->arena, "%s is missing", m->name) : NULL;
    if (!json_text(v, &text))
        return arena_printf(x->arena, "%s is no text", m->name);
    if (m->encoded && !base64_decode(x->arena, text, &text, NULL))
        return arena_printf(x->arena, "%s is no base64url", m->name);
    if (text.n > m->most || (m->needed && !text.n))
        return arena_printf(x->arena, "%s is %s", m->name, text.n ? "too long" : "empty");
    *m->out = text;
    return NULL;
}

static const char *read_members(struct exam *x, const struct json *object, const struct member *list, size_t count)
{
    const char *why = NULL;

    for (size_t i = 0; i < count && !why; i++)
        why = read_member(x, object, &list[i]);
    return why;
}

static const struct json *object_member(const struct json *object, const char *name)
{
    const struct json *v = json_member(object, name);

    return v && v->kind == JSON_OBJECT ? v : NULL;
}

/* --- Keys. --- */

static const char *read_quote_info(const struct json *info, struct tpm_key *key)
{
    struct bytes alg;

    if (!json_text(json_member(info, "hash_alg"), &alg))
        return "tpm_quote names no hash_alg";
    key->binding = BOUND_BY_QUOTE;
    key->hash = bytes_is(alg, "sha-512") ? DIGEST_SHA512 : bytes_is(alg, "sha-384") ? DIGEST_SHA384 : DIGEST_SHA256;
    return key->hash != DIGEST_SHA256 || bytes_is(alg, "sha-256")
               ? NULL
               : "hash_alg of tpm_quote is none of sha-256, sha-384, sha-512";
}

static const char *read_certify_info(struct exam *x, const struct json *info, struct tpm_key *key)
{
    const struct member members[] = {{"public", true, true, LIMIT_CERTIFICATION, &key->object},
                                     {"certification", true, true, LIMIT_CERTIFICATION, &key->certification},
                                     {"signature", true, true, LIMIT_CERTIFICATION, &key->signature}};

    key->binding = BOUND_BY_CERTIFICATION;
    return read_members(x, info, members, sizeof members / sizeof *members);
}

/* How the key is tied to the TPM. */
static const char *read_info(struct exam *x, const struct json *info, struct tpm_key *key)
{
    const struct json *quote = json_member(info, "tpm_quote"), *certify = json_member(info, "tpm_certify");

    key->binding = BOUND_NOT;
    if (!info || info->kind == JSON_NULL)
        return NULL;
    key->info = info;
    if (info->kind != JSON_OBJECT || (quote && quote->kind != JSON_OBJECT) || (certify && certify->kind != JSON_OBJECT))
        return "info of a key is no object of objects";
    if (json_member(info, "vbs_ncrypt"))
        return "keys that VBS protects (vbs_ncrypt) are not judged: their form is not published";
    if (quote && certify)
        return "a key is tied to the TPM by quote and by certification at once";
    if (quote)
        return read_quote_info(quote, key);
    return certify ? read_certify_info(x, certify, key) : NULL;
}

/* ATTREQ_PAYLOAD: the form of a key; what its info says comes after it. */
static const char *read_key(struct exam *x, const struct json *v, bool signs, struct tpm_key *key)
{
    struct fault fault = {0};

    *key = (struct tpm_key){.jwk = object_member(v, "jwk")};
    if (!key->jwk || key->jwk->span.n > LIMIT_JWK)
        return key->jwk ? "a jwk is too long" : "a key has no jwk";
    if (signs ? jwk_decode(x->arena, key->jwk, &key->key, &fault)
              : jwk_decode_numbers(x->arena, key->jwk, &key->key, &fault))
        return NULL;
    return arena_printf(x->arena, "%s", fault.text);
}

static const char *read_keys(struct exam *x, const struct json *data, struct tpm_request *r)
{
    const struct json *other = json_member(data, "other_keys");
    const char *why = read_key(x, json_member(data, "request_key"), true, &r->key);

    if (why || !other || other->kind == JSON_NULL)
        return why;
    if (other->kind != JSON_ARRAY || other->count > TPM_OTHER_KEYS)
        return "other_keys is no array of at most two keys";
    JSON_EACH (v, other)
        if ((why = read_key(x, v, false, &r->others[r->other_count++])))
            return why;
    return NULL;
}

static const char *read_infos(struct exam *x, const struct json *data, struct tpm_request *r)
{
    const char *why = read_info(x, json_member(json_member(data, "request_key"), "info"), &r->key);
    size_t i = 0;

    if (why)
        return why;
    if (r->key.binding == BOUND_NOT)
        return "request_key is tied to the TPM by neither tpm_quote nor tpm_certify";
    JSON_EACH (v, r->other_count ? json_member(data, "other_keys") : NULL) {
        if ((why = read_info(x, json_member(v, "info"), &r->others[i])))
            return why;
        if (r->others[i++].binding == BOUND_BY_QUOTE)
            return "a key of other_keys is tied by tpm_quote, which only request_key can be";
    }
    return NULL;
}

/* The key of version 1 is tied to nothing but the challenge, which it signs. */
static const char *read_attest_key(struct exam *x, const struct json *data, struct tpm_request *r)
{
    struct fault fault = {0};

    r->key = (struct tpm_key){.jwk = object_member(data, "attest_key")};
    if (!r->key.jwk || r->key.jwk->span.n > LIMIT_JWK)
        return "attest_key is missing, no object, or too long";
    return jwk_decode(x->arena, r->key.jwk, &r->key.key, &fault) ? NULL : arena_printf(x->arena, "%s", fault.text);
}

/* --- Custom claims. --- */

static bool custom_value(struct arena *a, const struct json *entry, struct claim_value *out)
{
    struct bytes value, type = BYTES_LIT("string");
    const struct json *number;

    json_text(json_member(entry, "value_type"), &type);
    if (!json_text(json_member(entry, "value"), &value) || value.n > LIMIT_RUNTIME_DATA)
        return false;
    *out = (struct claim_value){.kind = CLAIM_STRING, .text = value};
    if (bytes_is_nocase(type, "string"))
        return true;
    if (bytes_is_nocase(type, "boolean") || bytes_is_nocase(type, "bool")) {
        *out = (struct claim_value){.kind = CLAIM_BOOLEAN, .integer = bytes_is_nocase(value, "true")};
        return out->integer || bytes_is_nocase(value, "false");
    }
    if (!bytes_is_nocase(type, "integer") && !bytes_is_nocase(type, "int"))
        return false;
    *out = (struct claim_value){.kind = CLAIM_INTEGER};
    return json_parse(a, value, NULL, &number, NULL) && json_integer(number, &out->integer);
}

static const char *read_custom(struct exam *x, const struct json *data, struct tpm_request *r)
{
    const struct json *list = json_member(data, "custom_claims");
    struct claim_value value;
    struct bytes name;

    if (!list || list->kind == JSON_NULL)
        return NULL;
    if (list->kind != JSON_ARRAY || list->count > LIMIT_CUSTOM_CLAIMS)
        return "custom_claims is no array of at most 64";
    JSON_EACH (entry, list)
        if (!json_text(json_member(entry, "name"), &name) || !name.n || name.n > LIMIT_CUSTOM_NAME ||
            !custom_value(x->arena, entry, &value))
            return "an entry of custom_claims is not {name, value, value_type} of texts, or its value is not of its "
                   "type";
    r->custom_claims = list;
    return NULL;
}

void tpm_custom_claims(struct exam *x, const struct tpm_request *r)
{
    JSON_EACH (entry, r->custom_claims) {
        struct writer w = wr_open(x->arena);
        struct claim claim = {.issuer = ISSUER_CUSTOM, .flags = CLAIM_POLICY};

        if (!custom_value(x->arena, entry, &claim.value))
            continue;
        wr_put(&w, x->issuer);
        wr_text(&w, "/customclaims/");
        wr_put(&w, json_member(entry, "name")->text);
        claim.type = wr_done(&w);
        claims_add(&x->incoming, claim);
        if (r->is_vbs && bytes_is(json_member(entry, "name")->text, "aas-ehd")) {
            claim.type = BYTES_LIT("aas-ehd"); /* the enclave's report binds it */
            claims_add(&x->incoming, claim);
        }
    }
}

/* --- The payload. --- */

/* In version 2 an object says whose report it is. */
static const char *read_vsm_report(struct exam *x, const struct json *data, struct tpm_request *r)
{
    const struct json *report = json_member(data, "vsm_report");
    const struct json *holder = r->is_v1 ? data : object_member(report, "enclave");
    const struct member m = {r->is_v1 ? "vsm_report" : "report", true, true, LIMIT_VBS_REPORT, &r->vsm_report};

    return holder ? read_member(x, holder, &m) : "vsm_report is not {\"enclave\":{\"report\":…}}";
}

/* The object that holds the members, which in VBS requests is what the enclave hashed. */
static const char *find_data(struct exam *x, const struct json *payload, struct tpm_request *r,
                             const struct json **data)
{
    const struct json *att = object_member(payload, "att_data");
    struct bytes type;

    if (!json_text(json_member(payload, "att_type"), &type) || !att)
        return "att_type or att_data is missing";
    r->is_vbs = bytes_is(type, "vbs");
    if (!r->is_vbs && !bytes_is(type, "basic"))
        return "att_type is neither basic nor vbs";
    *data = r->is_vbs ? object_member(att, "report_signed") : att;
    if (!*data)
        return "report_signed is missing, or no object";
    r->report_signed = r->is_vbs ? (*data)->span : BYTES_NONE;
    return r->is_vbs ? read_vsm_report(x, att, r) : NULL;
}

static const char *read_data(struct exam *x, const struct json *data, struct tpm_request *r)
{
    struct bytes bytes, id;
    const struct member members[] = {{"rp_id", false, false, LIMIT_NONCE, &id},
                                     {"rp_data", false, true, LIMIT_NONCE, &bytes},
                                     {"challenge", true, true, LIMIT_NONCE, &r->challenge},
                                     /* without one it opens nowhere; tools do without */
                                     {"service_context", false, true, LIMIT_NONCE, &r->service_context}};
    const char *why = read_members(x, data, members, sizeof members / sizeof *members);

    json_text(json_member(data, "rp_data"), &r->rp_data);
    r->tpm = object_member(data, "tpm_att_data");
    if (!why && !r->tpm)
        why = "tpm_att_data is missing, or no object";
    if (!why)
        why = read_custom(x, data, r);
    if (!why)
        why = r->is_v1 ? read_attest_key(x, data, r) : read_keys(x, data, r);
    return why;
}

bool tpm_request_decode_payload(struct exam *x, struct bytes payload, bool is_v1, struct tpm_request *r)
{
    const struct json *object, *data = NULL;
    struct fault fault = {0};
    const char *why = fault.text;

    r->is_v1 = is_v1;
    if (json_parse(x->arena, payload, NULL, &object, &fault))
        why = find_data(x, object, r, &data);
    if (!why)
        why = read_data(x, data, r);
    if (!check_that(x, ATTREQ_PAYLOAD, !why)) {
        check_note(x->trace, "%s", why);
        return false;
    }
    why = why || is_v1 ? NULL : read_infos(x, data, r);
    if (check_that(x, ATTREQ_KEY_INFO, !why))
        return true;
    check_note(x->trace, "%s", why);
    return false;
}

bool tpm_request_decode(struct exam *x, struct bytes jws, struct tpm_request *r)
{
    struct fault fault = {0};

    *r = (struct tpm_request){0};
    if (!jws_decode(x->arena, jws, false, &r->jws, &fault))
        return refuse_jws(x, fault.text);
    return read_header(x, r) && tpm_request_decode_payload(x, r->jws.payload, r->is_v1, r);
}
