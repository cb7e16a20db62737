/* The state of one provider as a verifier takes it, well-formed or with any one fault, named by the check that must refuse it; for tests
 * and mutants. */
#ifndef ASSAY_TESTS_RECORD_JUDGE_H
#define ASSAY_TESTS_RECORD_JUDGE_H

#include "core/providers.h"
#include "record_case.h"

#define RECORD_ISSUER "https://one.wus.example"
#define RECORD_OTHER  "https://two.wus.example"
#define RECORD_POLICY "policy/SgxEnclave"
/* An unsigned JWS of "version=1.0; authorizationrules{=>permit();}; issuancerules{};". */
#define RECORD_JWS                                                                                                     \
    "eyJhbGciOiJub25lIn0."                                                                                             \
    "eyJBdHRlc3RhdGlvblBvbGljeSI6ImRtVnljMmx2YmoweExqQTdJR0YxZEdodmNtbDZZWFJwYjI1eWRXeGxjM3M5UGlCd1pYSnRhWFFvS1R0OU95" \
    "QnBjM04xWVc1alpYSjFiR1Z6ZTMwNyJ9."

/* name: id of the check, and what tells it from others of the same. */
static const struct record_fault {
    const char *name;
    enum check_id row;
} record_faults[] = {
    {"record.place", CHECK_RECORD_PLACE},
    {"record.signature:provider", CHECK_RECORD_SIGNATURE},
    {"record.signature:kind", CHECK_RECORD_SIGNATURE},
    {"record.signature:version", CHECK_RECORD_SIGNATURE},
    {"record.signature:time", CHECK_RECORD_SIGNATURE},
    {"record.signature:body", CHECK_RECORD_SIGNATURE},
    {"record.signature:hash", CHECK_RECORD_SIGNATURE},
    {"record.signature:signer", CHECK_RECORD_SIGNATURE},
    {"record.signature:caller", CHECK_RECORD_SIGNATURE},
    {"record.signature:seal", CHECK_RECORD_SIGNATURE},
    {"record.version:older", CHECK_RECORD_VERSION},
    {"record.version:other", CHECK_RECORD_VERSION},
    {"record.missing", CHECK_RECORD_MISSING},
    {"record.next:isolated", CHECK_RECORD_NEXT},
    {"record.next:open", CHECK_RECORD_NEXT},
    {"record.signers", CHECK_RECORD_SIGNERS},
    {"record.revoked", CHECK_RECORD_REVOKED},
    {"record.revoked:unread", CHECK_RECORD_REVOKED},
    {"record.place:region", CHECK_RECORD_PLACE},
    {"record.place:region-kind", CHECK_RECORD_PLACE},
    {"record.signature:region-key", CHECK_RECORD_SIGNATURE},
    {"record.signature:region-revoked", CHECK_RECORD_SIGNATURE},
    {"record.version:region-key", CHECK_RECORD_VERSION},
    {"record.version:region-revoked", CHECK_RECORD_VERSION},
    {"record.missing:region-revoked", CHECK_RECORD_MISSING},
};
enum { RECORD_FAULTS = sizeof record_faults / sizeof *record_faults };

/* Making one takes a while; all of them sign nothing. */
static inline struct bytes record_key(void)
{
    static struct arena lasting;
    static struct bytes body;
    struct provider_key key;

    if (!body.n) {
        arena_init(&lasting, 64 * 1024 * 1024);
        if (sealed_key_make(record_root, BYTES_LIT(RECORD_ISSUER), &lasting, &key, NULL))
            body = write_provider_key(&lasting, &key);
    }
    return body;
}

static inline void record_change(struct arena *a, const char *what, struct state_record *r)
{
    if (strcmp(what, "provider") == 0)
        *r = record_made(a, RECORD_OTHER, RECORD_POLICY, 1, r->body);
    if (strcmp(what, "provider") == 0)
        r->provider = BYTES_LIT(RECORD_ISSUER);
    if (strcmp(what, "kind") == 0)
        r->kind = BYTES_LIT("policy/OpenEnclave");
    if (strcmp(what, "version") == 0)
        r->version++;
    if (strcmp(what, "time") == 0)
        r->time++;
    if (strcmp(what, "body") == 0)
        r->body = BYTES_NONE;
    if (strcmp(what, "hash") == 0)
        r->hash = BYTES_LIT("h");
    if (strcmp(what, "signer") == 0)
        r->signer = BYTES_LIT("s");
    if (strcmp(what, "caller") == 0)
        r->caller = BYTES_LIT("somebody else");
    if (strcmp(what, "seal") == 0)
        r->seal = arena_copy(a, bytes_make(r->body.p, ED25519_SIGNATURE));
}

static inline void record_model_is(struct arena *a, struct state_record *r, const char *model)
{
    r->hash = bytes_text(model);
    r->seal = record_seal(a, r);
}

/* One state of a key and perhaps a policy, or another record. */
static inline void record_give(struct arena *a, struct providers *p, const struct state_record *key,
                               const struct state_record *policy)
{
    const struct provider_message m = {.issuer = BYTES_LIT(RECORD_ISSUER)};

    providers_take(p, FRAME_PROVIDER, write_provider(a, &m));
    providers_take(p, FRAME_RECORD, write_state_record(a, key));
    if (policy)
        providers_take(p, FRAME_RECORD, write_state_record(a, policy));
    providers_take(p, FRAME_PROVIDER_END, BYTES_NONE);
}

/* A provider that takes signed policies alone, whose published key is one of a provider that does not. */
static inline void record_give_isolated(struct arena *a, struct providers *p)
{
    const struct provider_message m = {.issuer = BYTES_LIT(RECORD_ISSUER)};
    const struct certificate *signer = NULL;
    struct provider_key of_signer;
    struct state_record records[3] = {record_made(a, RECORD_ISSUER, "next", 1, record_key()),
                                      record_made(a, RECORD_ISSUER, "key", 1, record_key())};

    record_model_is(a, &records[1], RECORD_ISOLATED);
    if (read_provider_key(record_key(), &of_signer))
        certificate_decode(a, of_signer.certificate, &signer, NULL);
    records[2] = record_made(a, RECORD_ISSUER, "signers", 1, signers_jwks(a, signer));
    providers_take(p, FRAME_PROVIDER, write_provider(a, &m));
    for (size_t i = 0; i < 3; i++)
        providers_take(p, FRAME_RECORD, write_state_record(a, &records[i]));
    providers_take(p, FRAME_PROVIDER_END, BYTES_NONE);
}

static inline void record_give_fault(struct arena *a, struct providers *p, const char *name)
{
    struct state_record key = record_made(a, RECORD_ISSUER, "key", 1, record_key()),
                        first = record_made(a, RECORD_ISSUER, RECORD_POLICY, 1, BYTES_LIT(RECORD_JWS)),
                        second = record_made(a, RECORD_ISSUER, RECORD_POLICY, 2, BYTES_LIT(RECORD_JWS));
    const char *colon = strchr(name, ':');

    if (strcmp(name, "record.place") == 0) {
        first = record_made(a, RECORD_OTHER, RECORD_POLICY, 1, BYTES_LIT(RECORD_JWS));
    } else if (strcmp(name, "record.signers") == 0) {
        record_model_is(a, &key, RECORD_ISOLATED);
    } else if (strcmp(name, "record.next:isolated") == 0) {
        first = record_made(a, RECORD_ISSUER, "next", 1, record_key());
        record_model_is(a, &first, RECORD_ISOLATED);
    } else if (strcmp(name, "record.next:open") == 0) {
        record_give_isolated(a, p);
        return;
    } else if (strcmp(name, "record.version:older") == 0) {
        record_give(a, p, &key, &second);
    } else if (strcmp(name, "record.version:other") == 0) {
        record_give(a, p, &key, &first);
        first.caller = BYTES_LIT("who was second, and told so");
        first.seal = record_seal(a, &first);
    } else if (strcmp(name, "record.missing") == 0) {
        record_give(a, p, &key, &first);
        record_give(a, p, &key, NULL);
        return;
    } else if (colon) {
        record_change(a, colon + 1, &first);
    }
    record_give(a, p, &key, &first);
}

#define RECORD_REGION "https://*.wus.example"

static inline struct state_record record_revokes(struct arena *a, uint64_t version, struct bytes kid)
{
    const struct retired_key key = {kid, BYTES_NONE, INT64_MAX};

    return record_made(a, RECORD_REGION, "revoked", version, write_retired_keys(a, &key, 1));
}

/* What a request of a provider of the region brings; a record without a kind is not sent. */
static inline const char *record_ask_regional(struct arena *a, struct providers *p, const struct state_record *key,
                                              const struct state_record *revoked)
{
    const struct manage_request request = {.issuer = BYTES_LIT(RECORD_ISSUER),
                                           .region_key = write_state_record(a, key),
                                           .region_revoked =
                                               revoked->kind.n ? write_state_record(a, revoked) : BYTES_NONE};
    struct regional_refusal refusal;
    struct bytes sealed;

    if (!providers_regional(p, a, &request, &sealed, &refusal))
        return refusal.failed_check;
    return sealed.n ? NULL : "no key came of it";
}

/* The same, with one fault; "region": well-formed. */
static inline const char *record_judge_regional(struct arena *a, struct providers *p, const char *name)
{
    struct provider_key of_record;
    bool read = read_provider_key(record_key(), &of_record);
    struct state_record key = record_made(a, RECORD_REGION, "key", 1, record_key()),
                        newer = record_made(a, RECORD_REGION, "key", 2, record_key()),
                        revoked = record_revokes(a, 1, BYTES_LIT("another")),
                        later = record_revokes(a, 2, BYTES_LIT("another")), none = {0};

    if (strcmp(name, "record.revoked") == 0 && read) {
        revoked = record_revokes(a, 1, of_record.kid);
    } else if (strcmp(name, "record.revoked:unread") == 0) {
        revoked = record_made(a, RECORD_REGION, "revoked", 1, BYTES_LIT("of a later release"));
    } else if (strcmp(name, "record.place:region") == 0) {
        key = record_made(a, "https://*.eus.example", "key", 1, record_key());
    } else if (strcmp(name, "record.place:region-kind") == 0) {
        key = record_made(a, RECORD_REGION, "next", 1, record_key());
    } else if (strcmp(name, "record.signature:region-key") == 0) {
        key.version = 2;
    } else if (strcmp(name, "record.signature:region-revoked") == 0) {
        revoked.body = BYTES_NONE;
    } else if (strcmp(name, "record.version:region-key") == 0) {
        record_ask_regional(a, p, &newer, &revoked);
    } else if (strcmp(name, "record.version:region-revoked") == 0) {
        record_ask_regional(a, p, &key, &later);
    } else if (strcmp(name, "record.missing:region-revoked") == 0) {
        record_ask_regional(a, p, &key, &revoked);
        revoked = none;
    }
    return record_ask_regional(a, p, &key, &revoked);
}

/* Is it a fault of a region's records? */
static inline bool record_is_regional(const char *name)
{
    return strstr(name, "region") || strncmp(name, "record.revoked", 14) == 0;
}

/* NULL when accepted, else the id of the check that refused. name: of a fault, or "", or "region" for a region's. */
static inline const char *record_judge(struct arena *a, const char *name)
{
    uint8_t key[ED25519_PUBLIC];

    record_public(key);
    struct providers *p = providers_new(64 * 1024 * 1024, key);
    if (record_is_regional(name)) {
        const char *failed = record_judge_regional(a, p, name);

        providers_free(p);
        return failed;
    }
    record_give_fault(a, p, name);
    const struct kept_provider *kept = providers_find(p, BYTES_LIT(RECORD_ISSUER));
    const char *refused = !kept                ? "nothing was kept"
                          : kept->failed_check ? kept->failed_check
                          : kept->refusal.n    ? "nothing that has a name"
                                               : NULL;
    providers_free(p);
    return refused;
}

#endif
