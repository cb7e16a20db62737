#include "service/development.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "crypto/sign.h"
#include "identity/development.h"
#include "service/load.h"
#include "service/development_names.h"
#include "service/development_tls.h"
#include "service/log.h"
#include "simulate/simulate.h"

enum { KEY_FILE_MOST = 4096, TOKEN_DAYS = 365, DEVELOPMENT_PORT = 8443, BASELINE_OF_SDK_EVIDENCE = 10 };

/* The endorsements that the SDKs' evidence of 2021 needs, with the TCB signing certificate of the present (same key). */
static const char *const corpus_files[] = {
    "tcbinfo-v2-sgx-00906ed50000-e10-20210331-0487222c.json",
    "qeid-qe-e10-20210701-0f7320e2.json",
    "chains/tcb-signing-chain-20250506-20320506.pem",
    "crl-processor-20221018-67a75283.der",
    "crl-root-20220419-ef604c71.der",
};

static bool make_folder(const char *path, struct fault *fault)
{
    return mkdir(path, 0700) == 0 || errno == EEXIST ||
           fault_set(fault, FAULT_SYSTEM, "cannot make the folder %s: %s", path, strerror(errno));
}

/* Whole or not at all, for whoever waits for the file. */
static bool write_file(struct arena *a, const char *path, const char *text, mode_t mode, struct fault *fault)
{
    char *new = arena_printf(a, "%s.new", path);
    int fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    if (fd >= 0)
        ok = close(fd) == 0 && ok;
    return (ok && rename(new, path) == 0) ||
           fault_set(fault, FAULT_SYSTEM, "cannot write %s: %s", path, strerror(errno));
}

static const char *corpus(struct arena *a)
{
    static const char *const guesses[] = {"../shared", "shared"};
    const char *given = getenv("ASSAY_SHARED");

    if (given)
        return *given ? given : NULL;
    for (size_t i = 0; i < sizeof guesses / sizeof *guesses; i++)
        if (access(arena_printf(a, "%s/evidence/collateral/%s", guesses[i], corpus_files[0]), R_OK) == 0)
            return guesses[i];
    return NULL;
}

static void use_corpus(struct config *c, const char *shared)
{
    for (size_t i = 0; i < sizeof corpus_files / sizeof *corpus_files; i++)
        c->files[c->file_count++] = arena_printf(&c->arena, "%s/evidence/collateral/%s", shared, corpus_files[i]);
    c->settings.default_baseline = BASELINE_OF_SDK_EVIDENCE;
    c->settings.crl_freshness = false;
    log_info(
        "development: endorsements of 2021 for the SDKs' evidence, baseline %d, freshness pinned, CRL freshness off",
        BASELINE_OF_SDK_EVIDENCE);
}

/* Platforms of our own: their roots are trusted, and their evidence lies beside. What vouches for the first has the folder
 * `[collateral] folder`, for the others file by file. */
static const struct development_platform {
    enum simulate_kind kind;
    const char *name, *folder, *evidence;
} platforms[] = {{SIMULATE_SGX, "SGX", "simulated", "quote.bin"},
                 {SIMULATE_TDX, "TDX", "simulated-tdx", "tdquote.bin"},
                 {SIMULATE_SNP, "SEV-SNP", "simulated-snp", "report.json"},
                 {SIMULATE_TPM, "TPM", "simulated-tpm", "attestation.json"}};

/* All keys of a platform are made from a number in `seed`: it is the same after another start, `assay simulate --seed` makes more of its
 * evidence, and what the service's own certificates carry is of one of them. */
static bool read_seed(struct config *c, const char *folder, struct simulate_options *o, struct fault *fault)
{
    const char *path = arena_printf(&c->arena, "%s/seed", folder);
    uint8_t random[4];
    struct bytes text;

    if (access(path, F_OK) == 0) {
        if (!load_file(&c->arena, path, KEY_FILE_MOST, &text, fault))
            return false;
        return (decimal_parse(bytes_trim_end(text), UINT64_MAX, &o->seed) && o->seed != 0) ||
               fault_set(fault, FAULT_SYNTAX, "%s holds no number", path);
    }
    if (!random_bytes(random, sizeof random))
        return fault_set(fault, FAULT_SYSTEM, "the system gives no random numbers");
    for (size_t i = 0; i < sizeof random; i++)
        o->seed = o->seed << 8 | random[i];
    o->seed |= 1;
    return make_folder(folder, fault) &&
           write_file(&c->arena, path, arena_printf(&c->arena, "%llu\n", (unsigned long long)o->seed), 0600, fault);
}

static enum evidence_choice own_evidence_of(enum simulate_kind kind)
{
    return kind == SIMULATE_SGX   ? EVIDENCE_SIMULATED_SGX
           : kind == SIMULATE_TDX ? EVIDENCE_SIMULATED_TDX
           : kind == SIMULATE_SNP ? EVIDENCE_SIMULATED_SNP
                                  : EVIDENCE_AUTO;
}

static bool use_platform(struct config *c, const char *state, const struct development_platform *p, struct fault *fault)
{
    const char *folder = arena_printf(&c->arena, "%s/%s", state, p->folder);
    struct simulate_options options = {.kind = p->kind,
                                       .ak = "ecdsa", /* of a TPM: RSA keys take longer than a start may */
                                       .time = (int64_t)time(NULL),
                                       .evaluation = p->kind >= SIMULATE_SNP ? 0 : BASELINE_OF_SDK_EVIDENCE};
    struct simulated_file file;
    struct simulated made;

    if (!read_seed(c, folder, &options, fault))
        return false;
    if (c->evidence == own_evidence_of(p->kind))
        c->evidence_platform = (struct evidence_platform){options.seed, options.evaluation};
    if (!simulate(&c->arena, &options, &made, fault) || !simulate_write(&c->arena, &made, folder, fault))
        return false;
    if (p->kind == SIMULATE_SGX)
        c->folder = arena_printf(&c->arena, "%s/collateral", folder);
    for (size_t i = 0; p->kind != SIMULATE_SGX && simulated_collateral_at(&made, i, &file); i++)
        if (file.text.n)
            c->files[c->file_count++] = arena_printf(&c->arena, "%s/collateral/%s", folder, file.name);
    c->anchors[c->anchor_count++] = arena_printf(&c->arena, "%s/anchor.pem", folder);
    log_info("development: a simulated %s platform is trusted; its evidence is %s/%s", p->name, folder, p->evidence);
    return true;
}

static bool use_simulated(struct config *c, const char *state, struct fault *fault)
{
    c->anchors_are_simulated = true;
    for (size_t i = 0; i < sizeof platforms / sizeof *platforms; i++)
        if (!use_platform(c, state, &platforms[i], fault))
            return false;
    return simulated_variables(&c->arena, c->reference) ||
           fault_set(fault, FAULT_LIMIT, "too many reference values of Secure Boot");
}

static const char *under(struct config *c, const char *state, const char *name)
{
    return arena_printf(&c->arena, "%s/%s", state, name);
}

static struct signing_key *read_issuer_key(struct config *c, const char *path, struct fault *fault)
{
    struct signing_key *key = NULL;
    struct bytes pem;

    if (!load_file(&c->arena, path, KEY_FILE_MOST, &pem, fault))
        return NULL;
    key = signing_key_read_pem(pem, fault);
    secret_wipe((void *)(uintptr_t)pem.p, pem.n);
    return key;
}

static struct signing_key *make_issuer_key(struct config *c, const char *path, struct fault *fault)
{
    struct signing_key *key = signing_key_generate(KEY_P256, fault);
    struct bytes pem = BYTES_NONE;

    if (key && signing_key_write_pem(key, &c->arena, &pem, fault) &&
        write_file(&c->arena, path, arena_string(&c->arena, pem), 0600, fault))
        return key;
    signing_key_free(key);
    return NULL;
}

/* Its tokens are as good as this key is kept: every right, but in no other service than this one. */
static struct signing_key *issuer_key(struct config *c, const char *state, struct fault *fault)
{
    const char *path = under(c, state, DEVELOPMENT_KEY);

    return access(path, F_OK) == 0 ? read_issuer_key(c, path, fault) : make_issuer_key(c, path, fault);
}

static bool make_issuer(struct config *c, const char *state, struct fault *fault)
{
    struct signing_key *key = issuer_key(c, state, fault);
    struct issuer *issuer;
    struct issuer_config *i = config_issuer(c, "development", &issuer);
    struct bytes jwks;

    issuer->url = BYTES_LIT(DEVELOPMENT_ISSUER);
    issuer->any_subscription = true;
    issuer->carries_roles = true;
    i->jwks_file = under(c, state, DEVELOPMENT_JWKS);
    bool ok = key && development_jwks(&c->arena, key, &jwks, fault) &&
              write_file(&c->arena, i->jwks_file, arena_string(&c->arena, jwks), 0644, fault);
    signing_key_free(key);
    return ok;
}

/* For dev.env: of the developer, everything everywhere. */
static bool make_token(struct config *c, const char *state, const char **token, struct fault *fault)
{
    static const char *const everywhere[] = {"/"};
    struct development_token t = {.subject = DEVELOPMENT_SUBJECT,
                                  .role = "Owner",
                                  .scopes = everywhere,
                                  .scope_count = 1,
                                  .time = (int64_t)time(NULL),
                                  .lifetime = (int64_t)TOKEN_DAYS * 86400};
    struct signing_key *key = issuer_key(c, state, fault);
    struct bytes text;
    bool ok = key && development_token(&c->arena, key, &t, &text, fault);

    if (ok)
        *token = arena_string(&c->arena, text);
    signing_key_free(key);
    return ok;
}

bool development_prepare(struct config *c, const char *state, int port, struct fault *fault)
{
    const char *shared = corpus(&c->arena);

    c->listen = "127.0.0.1"; /* never seen from another machine */
    c->port = port < 0 ? DEVELOPMENT_PORT : port;
    c->settings.development = true;
    if (c->evidence == EVIDENCE_AUTO)
        c->evidence = EVIDENCE_SIMULATED_SNP; /* the one kind that needs nothing beside it to be verified */
    c->provider_rate = c->address_rate = c->subscription_providers = 0; /* who develops floods on purpose */
    c->certificate = under(c, state, "server.pem");
    c->private_key = under(c, state, "server.key");
    c->sealing_key = under(c, state, "sealing.key");
    c->audit_file = under(c, state, "audit.log");
    if (!c->store)
        c->store = arena_printf(&c->arena, "sqlite:%s/assay.db", state);
    unlink(under(c, state, "dev.env")); /* of an earlier run: it says "ready" */
    if (!make_folder(state, fault) || !development_certificates(state, fault) || !make_issuer(c, state, fault) ||
        !write_file(&c->arena, under(c, state, DEVELOPMENT_NODE), development_node_script, 0644, fault))
        return false;
    if (shared)
        use_corpus(c, shared);
    return use_simulated(c, state, fault);
}

void development_provider(struct config *c, int port)
{
    c->control_authority = arena_printf(&c->arena, "localhost:%d", port);
    c->regions.domain = bytes_text(c->control_authority);
    c->providers[c->provider_count++] = (struct provider_config){
        .name = "development",
        .subscription = "00000000-0000-0000-0000-000000000001",
        .group = "default",
        .issuer = arena_printf(&c->arena, "https://localhost:%d", port),
    };
    /* The default provider of one region, for clients that ask for it. */
    c->providers[c->provider_count++] = (struct provider_config){
        .name = "sharedwus",
        .subscription = "00000000-0000-0000-0000-000000000001",
        .group = "default",
        .issuer = arena_printf(&c->arena, "https://sharedwus.wus.localhost:%d", port),
        .shared = true,
    };
}

static const char *absolute(struct config *c, const char *path)
{
    char *whole = realpath(path, NULL);
    const char *out = whole ? arena_string(&c->arena, bytes_text(whole)) : path;

    free(whole);
    return out;
}

bool development_ready(struct config *c, const char *state, int port, struct fault *fault)
{
    struct arena *a = &c->arena;
    const char *token;

    if (!make_token(c, state, &token, fault))
        return false;
    char *text = arena_printf(a,
                              "ASSAY_URL=https://localhost:%d\nASSAY_ARM_URL=https://localhost:%d\nASSAY_TOKEN=%s\n"
                              "NODE_EXTRA_CA_CERTS='%s'\nNODE_OPTIONS='--require \"%s\"'\n"
                              "export ASSAY_URL ASSAY_ARM_URL ASSAY_TOKEN NODE_EXTRA_CA_CERTS NODE_OPTIONS\n",
                              port, port, token, absolute(c, under(c, state, "ca.pem")),
                              absolute(c, under(c, state, DEVELOPMENT_NODE)));
    if (!write_file(a, under(c, state, "dev.env"), text, 0600, fault))
        return false;
    log_info("development: https://localhost:%d is ready; `. %s/dev.env` sets up a client", port, state);
    return true;
}
