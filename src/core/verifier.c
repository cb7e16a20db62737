/* assay-verifier: parses everything hostile and holds no key (DESIGN 5). Descriptor 3 leads to the host, 4 to the signer.
 * Arguments: limits of one request, memory in bytes and time in seconds; then "adopt" for one that seals what an operator vouches for. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "core/checkpoint.h"
#include "core/confine.h"
#include "core/decision.h"
#include "core/keeping.h"
#include "core/key_evidence.h"
#include "core/message.h"
#include "core/providers.h"
#include "core/selftest.h"
#include "core/state_checkpoint.h"
#include "core/state_key.h"
#include "crypto/random_seed.h"

enum {
    HOST_FD = 3,
    SIGNER_FD = 4,
    CACHE_ENTRIES = 4096,
    CACHE_BYTES = 128 * 1024 * 1024,      /* a PCK chain takes 30 KiB: some thousand platforms */
    SNAPSHOT_MEMORY = 512 * 1024 * 1024,  /* all endorsements of all vendors, parsed */
    LIBRARY_MEMORY = 256 * 1024 * 1024,   /* libraries, stack, what libcrypto takes */
    CPU_REQUESTS = 64,                    /* the CPU limit is renewed so often: it costs two calls of the system */
    PROVIDERS_MEMORY = 256 * 1024 * 1024, /* providers that are asked for, some ten thousand usual ones */
};

/* A snapshot under construction or in force. */
struct state {
    struct arena arena;
    struct endorsements *endorsements;
    struct settings settings;
    struct writer warnings;
    struct fault fault;
    struct digest_set contents, anchors; /* of endorsements; of the settings and what is trusted */
    uint8_t contents_digest[SHA256_SIZE], settings_digest[SHA256_SIZE];
};

static struct state *building, *current;
static struct providers *providers;
static struct cache *cache;
static struct platforms *platforms;
static struct state_keys state_keys; /* of the signer */
static bool adopts;                  /* and does nothing else */
static struct held_log {
    uint8_t name[LOG_NAME_MOST];
    struct log_key key;     /* without a name: none is kept */
    struct checkpoint last; /* the newest that was signed here */
} logs[STATE_KEY_USES];
static int64_t state_time; /* of the store's newest checkpoint */
static int64_t last_time;  /* of a request: this process has no clock */
static struct frame_reader from_host = {.fd = HOST_FD}, from_signer = {.fd = SIGNER_FD};

static void state_free(struct state *s)
{
    if (!s)
        return;
    endorsements_free(s->endorsements);
    arena_free(&s->arena);
    free(s);
}

static struct state *state_new(void)
{
    struct state *s = calloc(1, sizeof *s);

    if (!s)
        abort();
    arena_init(&s->arena, SNAPSHOT_MEMORY);
    s->endorsements = endorsements_new(SNAPSHOT_MEMORY);
    s->warnings = wr_open(&s->arena);
    if (!s->endorsements)
        abort();
    return s;
}

static void take_endorsement(struct state *s, struct bytes body)
{
    struct fault fault = {0};
    struct named_bytes m = {0};

    if (!read_named(body, &m))
        fault_set(&s->fault, FAULT_SYNTAX, "an endorsement that is not well formed");
    else if (!endorsements_add(s->endorsements, arena_string(&s->arena, m.name), m.content, &fault))
        wr_printf(&s->warnings, "%s\n", fault.text); /* one bad file must not take the others away */
    digest_set_add(&s->contents, &s->arena, m.content);
}

static void take_anchor(struct state *s, struct bytes body)
{
    struct bytes spki;
    bool development;

    digest_set_add(&s->anchors, &s->arena, body);
    if (read_anchor(body, &spki, &development))
        endorsements_add_anchor(s->endorsements, spki.p, development);
    else
        fault_set(&s->fault, FAULT_SYNTAX, "an anchor that is not well formed");
}

static bool tell(void *arena, const struct outlook *outlook)
{
    return frame_write(HOST_FD, FRAME_OUTLOOK, write_outlook(arena, outlook));
}

/* Early warning: a platform that was not known is judged by the newest data at hand. Its caller has his answer. */
static bool remember(struct arena *a, const struct appraisal *x)
{
    const struct platform_identity *platform = x->answer.status == 200 ? x->exam.platform : NULL;
    struct outlook outlook;

    last_time = x->exam.time;
    if (!platform || x->draft || !platforms_note(platforms, platform))
        return true;
    platforms_judge(platforms, platform, current->endorsements, &current->settings, last_time, &outlook);
    return tell(a, &outlook);
}

static bool finish_snapshot(struct arena *a)
{
    struct state *s = building;

    building = NULL;
    endorsements_seal(s->endorsements);
    digest_set_end(&s->contents, s->contents_digest);
    digest_set_end(&s->anchors, s->settings_digest);
    if (s->fault.code != FAULT_NONE) {
        bool told = frame_write(HOST_FD, FRAME_SNAPSHOT_BAD, bytes_text(s->fault.text));

        state_free(s);
        return told;
    }
    state_free(current);
    current = s;
    return frame_write(HOST_FD, FRAME_SNAPSHOT_READY, wr_done(&s->warnings)) &&
           platforms_judge_all(platforms, s->endorsements, &s->settings, last_time, tell, a);
}

static bool take_snapshot(struct arena *a, enum frame_kind kind, struct bytes body)
{
    if (kind == FRAME_SNAPSHOT_BEGIN) {
        state_free(building);
        building = state_new();
        digest_set_add(&building->anchors, &building->arena, body);
        if (!read_settings(&building->arena, body, &building->settings))
            fault_set(&building->fault, FAULT_SYNTAX, "settings that are not well formed");
        return true;
    }
    if (!building)
        return false;
    switch (kind) {
    case FRAME_ANCHOR: take_anchor(building, body); return true;
    case FRAME_ENDORSEMENT: take_endorsement(building, body); return true;
    case FRAME_SNAPSHOT_END: return finish_snapshot(a);
    default: return false;
    }
}

/* The mint of this process: its signer. */
static bool ask_signer(enum frame_kind what, struct bytes message, struct arena *a, struct bytes *made,
                       struct fault *fault)
{
    enum frame_kind kind;

    if (!frame_write(SIGNER_FD, what, message) || !frame_read(&from_signer, a, &kind, made))
        return fault_set(fault, FAULT_SYSTEM, "the signer is gone");
    if (kind != FRAME_SIGNED)
        return fault_set(fault, FAULT_CRYPTO, "%.*s", (int)made->n, (const char *)made->p);
    return true;
}

static bool sign_token(void *context, const struct provider *provider, enum token_form form, struct bytes policy_hash,
                       struct bytes payload, struct arena *a, struct bytes *token, struct fault *fault)
{
    bool with_certificate = form != TOKEN_USUAL && provider->certificate;
    struct sign_message m = {.form = form,
                             .certificate = with_certificate ? provider->certificate->der : BYTES_NONE,
                             .issuer = provider->issuer,
                             .kid = provider->kid,
                             .sealed_key = provider->sealed_key,
                             .policy_hash = policy_hash,
                             .payload = payload};

    (void)context;
    return ask_signer(FRAME_SIGN, write_sign(a, &m), a, token, fault);
}

static bool make_key(void *context, struct bytes issuer, struct arena *a, struct bytes *record, struct fault *fault)
{
    (void)context;
    return ask_signer(FRAME_MAKE_KEY, issuer, a, record, fault);
}

static bool certify(void *context, struct bytes issuer, struct bytes sealed_key, const struct key_evidence *evidence,
                    struct arena *a, struct bytes *certificate, struct fault *fault)
{
    const struct certify_message m = {issuer, sealed_key, *evidence};

    (void)context;
    return ask_signer(FRAME_CERTIFY, write_certify(a, &m), a, certificate, fault);
}

static bool seal(void *context, const struct sealing *s, struct arena *a, struct bytes *out)
{
    (void)context;
    return ask_signer(FRAME_SEAL, write_sealing(a, s), a, out, NULL);
}

static bool unseal(void *context, const struct sealing *s, struct arena *a, struct bytes *out)
{
    (void)context;
    return ask_signer(FRAME_UNSEAL, write_sealing(a, s), a, out, NULL);
}

static bool seal_record(void *context, struct bytes message, struct arena *a, struct bytes *out, struct fault *fault)
{
    (void)context;
    return ask_signer(FRAME_STATE_SIGN, write_state_sign(a, STATE_RECORD, message), a, out, fault);
}

static const struct mint signer_mint = {.token = sign_token,
                                        .make_key = make_key,
                                        .certify = certify,
                                        .seal_record = seal_record,
                                        .sealer = {.seal = seal, .open = unseal}};

static bool refuse_state(struct arena *a, const char *failed_check, struct bytes why)
{
    static const struct changes none;
    struct answer bad = {.status = 500,
                         .code = "StateRefused",
                         .failed_check = failed_check,
                         .body = error_body(a, "StateRefused",
                                            bytes_text(arena_printf(a, "The provider's state cannot be used: %.*s",
                                                                    (int)why.n, (const char *)why.p)))};

    return frame_write(HOST_FD, FRAME_ANSWER, write_answer(a, &bad, &none, false));
}

/* What a request is judged by: the endorsements in force and its provider, which must be here; whole, or by its records alone, which
 * the core sealed. False: the host was asked for it, or told that it cannot be used. */
static bool snapshot_for(struct arena *a, struct bytes issuer, bool whole, struct provider *p, struct snapshot *out,
                         bool *told)
{
    const struct kept_provider *t = providers_find(providers, issuer);

    if (t && (whole ? !t->refusal.n && t->provider.sealed_key.n : !t->failed_check)) {
        *p = t->provider;
        p->settings = current->settings;
        *out = (struct snapshot){.endorsements = current->endorsements, .providers = p, .provider_count = 1};
        return true;
    }
    if (!t) {
        *told = frame_write(HOST_FD, FRAME_WANT_PROVIDER, BYTES_NONE);
        return false;
    }
    *told = refuse_state(a, t->failed_check, t->refusal.n ? t->refusal : BYTES_LIT("It has no key."));
    return false;
}

/* The host's clock is believed, but not back behind the newest checkpoint: what was out of date would be in date again. */
static bool behind(struct arena *a, int64_t time, bool *told)
{
    static const struct changes none;
    struct state_exam x = {.arena = a, .trace = trace_new(a), .time = time, .mark.time = state_time};

    if (state_judge_time(&x))
        return false;
    struct answer bad = {.status = 503,
                         .code = "StateRefused",
                         .failed_check = check_table[CHECK_STATE_TIME].id,
                         .body = error_body(a, "StateRefused", trace_message(x.trace, a))};
    *told = frame_write(HOST_FD, FRAME_ANSWER, write_answer(a, &bad, &none, false));
    return true;
}

/* What will be on record: every token, and every refusal for what was sent. */
static struct bytes record(struct arena *a, const struct appraisal *x, const struct core_request *request)
{
    const struct answer *answer = &x->answer;
    struct decision d = {.verdict = answer->status == 200 ? DECISION_TOKEN : DECISION_REFUSED,
                         .time = request->time,
                         .policy_hash = x->policy_hash,
                         .failed = answer->failed_check ? bytes_text(answer->failed_check) : BYTES_NONE};

    if (!logs[STATE_CHECKPOINT].key.name.n || x->draft || !x->attester ||
        (answer->status == 200 ? !x->token.n : !answer->failed_check))
        return BYTES_NONE;
    d.attester = bytes_text(x->attester->path);
    sha256(request->issuer, d.provider);
    memcpy(d.settings, current->settings_digest, SHA256_SIZE);
    memcpy(d.endorsements, current->contents_digest, SHA256_SIZE);
    decision_salted("evidence", request->entropy, request->body, d.evidence);
    decision_salted("outcome", request->entropy, answer->status == 200 ? x->payload : BYTES_NONE, d.outcome);
    return decision_core(a, &d);
}

/* To whom the inputs of a token that is on record go, as the provider's sealed record has it. */
static struct bytes keep(struct arena *a, const struct appraisal *x)
{
    const struct state_record *r = provider_record(x->provider, BYTES_LIT("keeping"));
    struct keep_order o = {.payload = x->payload, .policy = x->policy_text};

    if (x->answer.status != 200 || !x->answer.decision.n || !r || !r->body.n || !read_keeping(r->body, &o.keeping))
        return BYTES_NONE;
    return write_keep_order(a, &o);
}

static bool attest(struct arena *a, struct bytes body)
{
    static const struct changes none;
    struct shadow_result result;
    struct core_request request;
    struct snapshot snapshot;
    struct provider provider;
    struct appraisal x;
    bool told;

    if (!current || !read_attest(body, &request))
        return false;
    if (behind(a, request.time, &told))
        return told;
    if (!snapshot_for(a, request.issuer, true, &provider, &snapshot, &told))
        return told;
    if (request.explain)
        core_explain(&x, a, &snapshot, &request, &signer_mint.sealer, cache);
    else
        core_attest(&x, a, &snapshot, &request, &signer_mint, cache);
    if (!request.explain) {
        x.answer.wanted = x.exam.wanted;
        x.answer.decision = record(a, &x, &request);
        x.answer.keep = keep(a, &x);
    }
    bool shadow = !request.explain && core_shadow_due(&x);
    if (!frame_write(HOST_FD, FRAME_ANSWER, write_answer(a, &x.answer, &none, shadow)))
        return false;
    /* The caller has its answer: what follows costs it no time, and cannot fail it. */
    if (shadow) {
        core_shadow(&x, &result);
        if (!frame_write(HOST_FD, FRAME_SHADOW, write_shadow(a, &result)))
            return false;
    }
    return request.explain || remember(a, &x);
}

static bool manage(struct arena *a, struct bytes body)
{
    struct snapshot snapshot = {0};
    struct manage_request request;
    struct regional_refusal refusal;
    struct changes changes;
    struct provider provider;
    struct answer answer;
    bool told;

    if (!current || !read_manage(body, &request))
        return false;
    if (behind(a, request.time, &told))
        return told;
    /* The first of its name has no state; that there was none before is the host's word, unless it is known here. */
    bool lifecycle = request.what == MANAGE_PROVIDER_CREATE || request.what == MANAGE_PROVIDER_DELETE;
    bool first = request.what == MANAGE_PROVIDER_CREATE && request.first;
    if (first && providers_seen(providers, request.issuer))
        return refuse_state(a, check_table[CHECK_RECORD_MISSING].id,
                            BYTES_LIT("It is to be made as if there had never been one of its name, and there was."));
    if (!first && !snapshot_for(a, request.issuer, !lifecycle, &provider, &snapshot, &told))
        return told;
    if (!providers_regional(providers, a, &request, &request.regional, &refusal))
        return refuse_state(a, refusal.failed_check, refusal.why);
    core_manage(a, &snapshot, &request, &signer_mint, &answer, &changes);
    return frame_write(HOST_FD, FRAME_ANSWER, write_answer(a, &answer, &changes, false));
}

/* The name of a log of this node, before all work. */
static bool take_log(struct bytes body)
{
    enum state_key_use use;
    struct bytes name;

    if (!read_log(body, &use, &name))
        return false;
    struct held_log *l = &logs[use];
    memcpy(l->name, name.p, name.n);
    l->key.name = bytes_make(l->name, name.n);
    memcpy(l->key.key, use == STATE_STORE ? state_keys.store : state_keys.checkpoint, sizeof l->key.key);
    return true;
}

static bool sign_checkpoint(struct arena *a, struct bytes body)
{
    static const struct changes none;
    struct checkpoint_message m;
    struct fault fault = {0};
    struct bytes signature = BYTES_NONE;
    struct answer answer = {.status = 400, .code = "InvalidParameter"};

    if (!read_checkpoint(body, &m) || !logs[m.use].key.name.n)
        return false;
    struct held_log *l = &logs[m.use];
    struct log_exam x = {.arena = a, .trace = trace_new(a), .key = &l->key};
    bool good = checkpoint_judge(&x, &m, &l->last);
    struct bytes text = checkpoint_text(a, &m.next);
    if (!good)
        answer.body = trace_message(x.trace, a);
    else if (!ask_signer(FRAME_STATE_SIGN, write_state_sign(a, m.use, text), a, &signature, &fault) ||
             signature.n != ED25519_SIGNATURE)
        answer.body = bytes_text(fault.text);
    else {
        l->last = (struct checkpoint){.size = m.next.size, .root = m.next.root};
        answer = (struct answer){.status = 200, .body = note_write(a, text, &l->key, signature.p)};
    }
    return frame_write(HOST_FD, FRAME_ANSWER, write_answer(a, &answer, &none, false));
}

/* The host has no other say: what the core did not sign is no checkpoint, and an older one changes nothing. */
static bool take_state(struct arena *a, struct bytes note)
{
    struct state_exam x = {.arena = a, .trace = trace_new(a), .key = &logs[STATE_STORE].key};

    if (!x.key->name.n || !state_judge_note(&x, note))
        return false;
    if (x.mark.time > state_time)
        state_time = x.mark.time;
    return true;
}

static bool selftest(struct arena *a)
{
    struct fault fault = {0};
    struct bytes made;

    if (selftest_evidence(&fault) && ask_signer(FRAME_SELFTEST, BYTES_NONE, a, &made, &fault) &&
        selftest_signature(a, made, &fault))
        return frame_write(HOST_FD, FRAME_SELFTESTED, BYTES_NONE);
    return frame_write(HOST_FD, FRAME_SELFTESTED, bytes_text(fault.text[0] ? fault.text : "no reason was given"));
}

static __attribute__((noreturn)) void over_memory(struct arena *a)
{
    (void)a;
    frame_write(HOST_FD, FRAME_OVERRUN, BYTES_NONE);
    _exit(EXIT_FAILURE);
}

/* The operator's word stands for the seal that the record had, or never had. */
static bool adopt(struct arena *a, struct bytes body)
{
    struct state_record r;
    struct bytes sealed;

    return read_state_record(body, &r) && seal_record(NULL, record_message(a, &r), a, &sealed, NULL) &&
           frame_write(HOST_FD, FRAME_ADOPTED, sealed);
}

static bool take(struct arena *a, enum frame_kind kind, struct bytes body)
{
    if (adopts && kind != FRAME_LOG && kind != FRAME_CHECKPOINT)
        return kind == FRAME_ADOPT && adopt(a, body);
    switch (kind) {
    case FRAME_ATTEST: return attest(a, body);
    case FRAME_MANAGE: return manage(a, body);
    case FRAME_SELFTEST: return selftest(a);
    case FRAME_LOG: return take_log(body);
    case FRAME_CHECKPOINT: return sign_checkpoint(a, body);
    case FRAME_STATE: return take_state(a, body);
    case FRAME_PROVIDER:
    case FRAME_RECORD:
    case FRAME_PROVIDER_END: return providers_take(providers, kind, body);
    default: return take_snapshot(a, kind, body);
    }
}

static void serve(struct arena *a, unsigned seconds)
{
    enum frame_kind kind;
    struct bytes body;

    for (unsigned n = 0; frame_read(&from_host, a, &kind, &body); arena_reset(a), cache_settle(cache)) {
        if (n++ % CPU_REQUESTS == 0)
            confine_cpu(CPU_REQUESTS * seconds);
        if (!take(a, kind, body))
            return;
    }
}

/* Learn that the signer can sign, and tell the host: it has no way of its own to the signer. */
static bool signer_ready(struct arena *a)
{
    enum frame_kind kind;
    struct bytes body;

    return frame_read(&from_signer, a, &kind, &body) && kind == FRAME_READY && read_state_keys(body, &state_keys) &&
           frame_write(HOST_FD, FRAME_READY, body);
}

/* The arena of a request, two snapshots (one in force, one under construction) of two arenas each, the providers. */
static size_t address_space(size_t request)
{
    return request + LIMIT_FRAME + (size_t)4 * SNAPSHOT_MEMORY + 2 * PROVIDERS_MEMORY + CACHE_BYTES + LIBRARY_MEMORY;
}

/* Nothing was read yet; from here on there is no file, no clock and no source of random numbers. */
static bool close_up(size_t memory, struct fault *fault)
{
    return confine_start(fault) &&
           (random_seed_once() || fault_set(fault, FAULT_SYSTEM, "the system gives no random numbers")) &&
           confine_clock(fault) && confine_process(memory, SIGNER_FD, fault) && confine_reach(fault) &&
           confine_calls(&verifier_calls, fault);
}

int main(int argc, char **argv)
{
    uint64_t memory, seconds;
    struct fault fault = {0};
    struct arena request;

    adopts = argc == 4 && strcmp(argv[3], "adopt") == 0;
    if (argc < 3 || argc > 4 || (argc == 4 && !adopts) ||
        !decimal_parse(bytes_text(argv[1]), SIZE_MAX - LIMIT_FRAME, &memory) || memory == 0 ||
        !decimal_parse(bytes_text(argv[2]), UINT32_MAX, &seconds) || seconds == 0) {
        fputs("assay-verifier: it is started by assayd, with the limits of a request\n", stderr);
        return EXIT_FAILURE;
    }
    if (!close_up(address_space(memory), &fault)) {
        fprintf(stderr, "assay-verifier: %s\n", fault.text);
        return EXIT_FAILURE;
    }
    arena_init(&request, memory + LIMIT_FRAME);
    request.exhausted = over_memory;
    cache = cache_new(CACHE_ENTRIES, CACHE_BYTES);
    platforms = platforms_new();
    if (cache && platforms && signer_ready(&request) &&
        (providers = providers_new(PROVIDERS_MEMORY, state_keys.record)))
        serve(&request, (unsigned)seconds);
    state_free(building);
    state_free(current);
    providers_free(providers);
    platforms_free(platforms);
    cache_free(cache);
    arena_free(&request);
    return EXIT_SUCCESS;
}
