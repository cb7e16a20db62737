#include "evidence/parts/uvm.h"

#include "base/text.h"
#include "crypto/did_x509.h"
#include "evidence/parts/uvm_read.h"

/* With the verdicts that its bytes alone decide; the cache keeps them. */
struct uvm_endorsement {
    struct uvm_statement says;
    struct did_x509 did;
    bool chain_good, signature_good, policies_hold;
    struct bytes unmet_policy;
};

/* What must have passed for each that counts. */
static const enum check_id required[] = {CHECK_UVM_SHAPE,
                                         CHECK_UVM_CHAIN_SIGNATURES,
                                         CHECK_UVM_CHAIN_NAMES,
                                         CHECK_UVM_CHAIN_AUTHORITY,
                                         CHECK_UVM_DID_FINGERPRINT,
                                         CHECK_UVM_DID_POLICY,
                                         CHECK_UVM_ROOT,
                                         CHECK_UVM_SVN,
                                         CHECK_UVM_SIGNATURE,
                                         CHECK_UVM_MEASUREMENT,
                                         CHECK_END};

static const struct uvm_endorsement *decode(struct arena *a, struct bytes cose, struct fault *fault)
{
    struct uvm_endorsement *e = ARENA_NEW(a, struct uvm_endorsement);
    struct cose_sign1 message;

    if (!uvm_read_message(a, arena_copy(a, cose), &message, &e->says, fault))
        return NULL;
    if (!did_x509_parse(a, e->says.issuer, &e->did)) {
        fault_set(fault, FAULT_SYNTAX, "its issuer is no did:x509 of version 0 with SHA-256 and a policy");
        return NULL;
    }
    e->chain_good = chain_signatures(e->says.leaf);
    e->policies_hold = did_x509_policies_hold(a, &e->did, e->says.leaf, &e->unmet_policy);
    e->signature_good = cose_sign1_verify(a, &message, &e->says.leaf->key);
    return e;
}

static const struct uvm_endorsement *load(struct exam *x, struct bytes cose, struct fault *fault)
{
    uint8_t key[SHA256_SIZE];

    cache_key("uvm endorsement", &cose, 1, key);
    const struct uvm_endorsement *e = cache_find(x->cache, key);
    if (e)
        return e;
    struct arena *built = cache_arena(x->cache, x->arena);
    e = decode(built, cose, fault);
    if (e)
        cache_keep(x->cache, key, built, e);
    else
        cache_discard(x->cache, built);
    return e;
}

static bool refuse_shape(struct exam *x, const char *why)
{
    if (!check_that(x, UVM_SHAPE, false))
        check_note(x->trace, "%s", why);
    return false;
}

/* All that is decoded before what is wrong is of no use. */
static const char *add(struct exam *x, struct bytes cose, struct uvm *out)
{
    struct fault fault = {0};

    if (out->count == LIMIT_UVM_ENDORSEMENTS)
        return arena_printf(x->arena, "there are more than %d", LIMIT_UVM_ENDORSEMENTS);
    out->v[out->count] = load(x, cose, &fault);
    if (!out->v[out->count])
        return arena_string(x->arena, bytes_text(fault.text));
    out->count++;
    return NULL;
}

static const char *add_all(struct exam *x, struct bytes endorsements, struct uvm *out)
{
    struct fault fault = {0};
    const struct json *object, *list;

    if (!json_parse(x->arena, endorsements, &(struct json_rules){.fold_case = true}, &object, &fault))
        return arena_string(x->arena, bytes_text(fault.text));
    list = json_member_nocase(object, "Uvm");
    if (object->kind != JSON_OBJECT || (list && list->kind != JSON_ARRAY && list->kind != JSON_NULL))
        return "Endorsements is no object with a list Uvm";
    JSON_EACH (item, list) {
        struct bytes text, cose;

        if (!json_text(item, &text) || !base64_decode(x->arena, text, &cose, NULL))
            return "an endorsement is no base64url text";
        const char *why = add(x, cose, out);
        if (why)
            return why;
    }
    return NULL;
}

bool uvm_decode(struct exam *x, struct bytes endorsements, struct uvm *out)
{
    *out = (struct uvm){0};
    const char *why = endorsements.n ? add_all(x, endorsements, out) : NULL;

    return why ? refuse_shape(x, why) : check_that(x, UVM_SHAPE, true);
}

bool uvm_decode_cose(struct exam *x, struct bytes cose, struct uvm *out)
{
    const char *why = add(x, cose, out);

    return why ? refuse_shape(x, why) : check_that(x, UVM_SHAPE, true);
}

/* The issuer's name against chain and trust roots. */
static bool issuer_good(struct exam *x, const struct uvm_endorsement *e)
{
    const struct uvm_statement *s = &e->says;
    const struct uvm_root *root = reference_uvm_root(x->settings->reference, s->issuer, s->feed);

    if (!check_found(x, UVM_DID_FINGERPRINT, did_x509_pins(&e->did, s->leaf),
                     bytes_make(e->did.fingerprint, SHA256_SIZE), "the SHA-256 of an authority in its chain"))
        return false;
    if (!check_that(x, UVM_DID_POLICY, e->policies_hold)) {
        check_note(x->trace, "the leaf does not fulfil %s",
                   arena_string(x->arena, text_clean(x->arena, e->unmet_policy)));
        return false;
    }
    if (!check_that(x, UVM_ROOT, root != NULL)) {
        check_note(x->trace, "issuer %s, feed %s", arena_string(x->arena, s->issuer), arena_string(x->arena, s->feed));
        return false;
    }
    return check_found(x, UVM_SVN, !root || s->svn >= root->minimum_svn, s->svn, root ? root->minimum_svn : 0);
}

static bool verify(struct exam *x, const struct uvm_endorsement *e, struct bytes measurement)
{
    static const struct path_checks chain = {CHECK_UVM_DID_FINGERPRINT, CHECK_UVM_CHAIN_SIGNATURES,
                                             CHECK_UVM_CHAIN_NAMES, CHECK_UVM_CHAIN_AUTHORITY,
                                             CHECK_UVM_CHAIN_AUTHORITY};

    return path_links(x->trace, &chain, e->says.leaf, e->chain_good) && issuer_good(x, e) &&
           check_that(x, UVM_SIGNATURE, e->signature_good) &&
           check_eq(x, UVM_MEASUREMENT, e->says.measurement, measurement);
}

static void claim(struct exam *x, const struct uvm_statement *s)
{
    struct json *o = json_new(x->arena, JSON_OBJECT);

    JSON_SET(o, "did", json_new_text(x->arena, s->issuer));
    JSON_SET(o, "feed", json_new_text(x->arena, s->feed));
    JSON_SET(o, "svn", json_new_text(x->arena, bytes_text(arena_printf(x->arena, "%llu", (unsigned long long)s->svn))));
    claims_json(&x->incoming, "x-ms-sevsnpvm-uvm-endorsement", o, CLAIM_POLICY | CLAIM_TOKEN);
}

bool uvm_verify(struct exam *x, const struct uvm *uvm, struct bytes measurement)
{
    enum check_id missing;

    for (size_t i = 0; i < uvm->count; i++)
        if (!verify(x, uvm->v[i], measurement))
            return false;
    if (uvm->count && !trace_complete(x->trace, required, &missing))
        return check_record(x->trace, missing, false, CHECK_NO_VALUE, CHECK_NO_VALUE);
    if (uvm->count && x->settings->claim_extensions)
        claim(x, &uvm->v[0]->says);
    return true;
}

const char *uvm_compliance(const struct uvm *uvm)
{
    for (size_t i = 0; i < uvm->count; i++) {
        if (bytes_is(uvm->v[i]->says.feed, "ContainerPlat-AMD-UVM"))
            return "azure-compliant-uvm";
        if (bytes_is(uvm->v[i]->says.feed, "ConfAKS-AMD-UVM"))
            return "azure-signed-katacc-uvm";
    }
    return NULL;
}
