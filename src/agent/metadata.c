/* What Azure's host says to its guests, on an address of the link (snp-cvm.md 1.11): certificates of a SEV-SNP processor, and quotes
 * of TD reports. */
#include "agent/attesting.h"
#include "agent/file.h"
#include "agent/sev_guest.h"
#include "base/limits.h"
#include "base/text.h"

/* vcekCert and certificateChain, as they follow one another in a chain. */
static bool chain_of_object(struct attesting *x, const char *where, struct bytes text, struct bytes *pem)
{
    struct writer w = wr_open(x->a);
    const struct json *o;
    struct bytes leaf, rest;
    struct fault fault = {0};

    if (!json_parse(x->a, text, NULL, &o, &fault))
        return fault_set(x->fault, FAULT_SYNTAX, "%s: no JSON: %s", where, fault.text);
    if (!json_text(json_member(o, "vcekCert"), &leaf) || !json_text(json_member(o, "certificateChain"), &rest))
        return fault_set(x->fault, FAULT_SYNTAX, "%s holds no certificates", where);
    wr_put(&w, leaf);
    wr_put(&w, rest);
    *pem = wr_done(&w);
    return true;
}

static bool ask(struct attesting *x, const char *path, struct bytes body, struct bytes *answer)
{
    static const char *const headers[] = {"Metadata: true", NULL};
    struct http_request request = {.url = arena_printf(x->a, "%s%s", x->machine->metadata, path),
                                   .headers = headers,
                                   .body = body,
                                   .content_type = body.p ? "application/json" : NULL,
                                   .answer_limit = LIMIT_METADATA_ANSWER,
                                   .plain_local = true,
                                   .stop = x->service->stop};
    struct http_answer got;

    if (!http_send(&request, x->a, &got, x->fault))
        return false;
    *answer = got.body;
    return got.status == 200 ||
           fault_set(x->fault, FAULT_SYSTEM, "%s: refused with status %d", request.url, got.status);
}

/* Of a container group (snp-cvm.md 2.5). */
static bool context_chain(struct attesting *x, struct bytes *pem)
{
    struct bytes text, object;
    const char *path;
    bool there;

    *pem = BYTES_NONE;
    if (!x->machine->security_context)
        return true;
    path = arena_printf(x->a, "%s/host-amd-cert-base64", x->machine->security_context);
    if (!agent_read_if_there(x->a, path, LIMIT_METADATA_ANSWER, &text, &there, x->fault))
        return false;
    if (!there)
        return true;
    if (!base64_decode(x->a, bytes_trim_end(text), &object, NULL))
        return fault_set(x->fault, FAULT_SYNTAX, "%s is no base64", path);
    return chain_of_object(x, path, object, pem);
}

bool attesting_snp_chain(struct attesting *x, struct bytes table, struct bytes *pem)
{
    struct bytes text;

    *pem = x->machine->certificates;
    if (pem->n)
        return true;
    if (!agent_certificates(x->a, table, pem, x->fault))
        return false;
    if (!pem->n && !context_chain(x, pem))
        return false;
    if (pem->n || !x->machine->metadata)
        return true;
    return ask(x, "/metadata/THIM/amd/certification", BYTES_NONE, &text) &&
           chain_of_object(x, "the metadata service's answer", text, pem);
}

bool attesting_td_quote(struct attesting *x, struct bytes td_report, struct bytes *quote)
{
    struct json *o = json_new(x->a, JSON_OBJECT);
    const struct json *answer;
    struct bytes text, encoded;
    struct fault fault = {0};

    if (!x->machine->metadata)
        return fault_set(x->fault, FAULT_USAGE,
                         "quotes of TD reports come from the metadata service, which is switched off");
    attesting_base64url(x, o, "report", td_report);
    if (!ask(x, "/acc/tdquote", json_print(x->a, o, JSON_IN_ORDER), &text))
        return false;
    if (!json_parse(x->a, text, NULL, &answer, &fault) || !attesting_member(x, answer, "quote", &encoded) ||
        !base64_decode(x->a, encoded, quote, NULL))
        return fault_set(x->fault, FAULT_SYNTAX, "the metadata service's answer holds no quote");
    return true;
}
