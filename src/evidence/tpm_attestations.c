#include "evidence/tpm_attestations.h"

#include "base/limits.h"
#include "base/text.h"
#include "evidence/parts/ncrypt_claim.h"

static const struct json *present(const struct json *object, const char *name)
{
    const struct json *v = json_member(object, name);

    return v && v->kind != JSON_NULL && !(v->kind == JSON_STRING && !v->text.n) ? v : NULL;
}

static void add_log(struct arena *a, struct json *logs, const struct json *text)
{
    struct json *log = json_new(a, JSON_OBJECT);

    if (!text)
        return;
    JSON_SET(log, "type", json_new_text(a, BYTES_LIT("TCG")));
    JSON_SET(log, "log", json_link(a, text));
    json_append(logs, log);
}

/* A platform claim with the logs that explain it. */
static const struct json *attestation(struct arena *a, const struct json *tpm, const struct ncrypt_claim *claim,
                                      const struct json *srtm, const struct json *drtm)
{
    struct json *att = json_new(a, JSON_OBJECT), *logs = json_new(a, JSON_ARRAY);
    const struct json *certificate = present(tpm, "aik_cert"), *key = present(tpm, "aik_pub");

    add_log(a, logs, srtm);
    add_log(a, logs, drtm);
    JSON_SET(att, "logs", logs);
    if (certificate)
        JSON_SET(att, "aik_cert", json_link(a, certificate));
    if (key)
        JSON_SET(att, "aik_pub", json_link(a, key));
    ncrypt_claim_attestation(a, claim, att);
    return att;
}

static bool read_claim(struct exam *x, const struct json *member, struct ncrypt_claim *out, struct fault *fault)
{
    struct bytes text;

    if (!json_text(member, &text) || !base64_decode(x->arena, text, &text, NULL))
        return fault_set(fault, FAULT_SYNTAX, "a platform claim is missing, or no base64url");
    return ncrypt_claim_read(text, out, fault);
}

/* A machine that resumed explains its present registers by the newest logs, and those of its boot by the older ones. */
static bool from_v1(struct exam *x, const struct json *tpm, const struct json **current, const struct json **boot,
                    struct fault *fault)
{
    const struct json *srtm = present(tpm, "srtm_boot_log"), *drtm = present(tpm, "drtm_boot_log");
    const struct json *srtm_now = present(tpm, "srtm_resume_log"), *drtm_now = present(tpm, "drtm_resume_log");
    const struct json *at_boot = present(tpm, "boot_claim");
    struct ncrypt_claim claim;

    if (!read_claim(x, json_member(tpm, "current_claim"), &claim, fault))
        return false;
    *current = attestation(x->arena, tpm, &claim, srtm_now ? srtm_now : srtm, drtm_now ? drtm_now : drtm);
    if (!at_boot)
        return true;
    if (!read_claim(x, at_boot, &claim, fault))
        return false;
    *boot = attestation(x->arena, tpm, &claim, srtm, drtm);
    return true;
}

bool tpm_attestations_find(struct exam *x, const struct tpm_request *r, const struct json **current,
                           const struct json **boot)
{
    struct fault fault = {0};

    *current = *boot = NULL;
    if (!r->is_v1) {
        *current = present(r->tpm, "current_attestation");
        *boot = present(r->tpm, "boot_attestation");
        check_skip(x, ATTREQ_CLAIMS, "a request of version 2 has no platform claims");
        return !x->trace->failed;
    }
    if (check_that(x, ATTREQ_CLAIMS, from_v1(x, r->tpm, current, boot, &fault)))
        return true;
    check_note(x->trace, "%s", fault.text);
    return false;
}
