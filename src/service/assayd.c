/* assayd: the service. See assayd(8). */
#include <errno.h>
#include <event2/event.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include "service/adopt.h"
#include "service/audit.h"
#include "service/development.h"
#include "service/host_confine.h"
#include "service/log.h"
#include "service/maintenance.h"
#include "service/measurements.h"
#include "service/own_evidence.h"
#include "service/root_commands.h"
#include "service/rotation.h"
#include "service/routes.h"
#include "service/tenancy.h"

enum { EXIT_USAGE = 1 };

static const char help[] =
    "usage: assayd --config FILE [--check-config]\n"
    "       assayd --dev [--state DIR] [--port N] [--store URL] [--evidence KIND]\n"
    "       assayd backup | restore --config FILE BACKUP\n"
    "       assayd reseal [--from SEALER] --config FILE\n"
    "       assayd hand-over offer | grant | accept --config FILE\n"
    "       assayd adopt --config FILE [--accept STATE]\n"
    "\n"
    "  --config FILE    serve as the file says; assayd.conf(5) lists every setting\n"
    "  --check-config   read the configuration, say what is wrong with it, and end\n"
    "  --dev            serve for development, on localhost, with everything made under DIR\n"
    "  --state DIR      where --dev keeps what it makes (default: state)\n"
    "  --port N         port of --dev (default: 8443; 0: any free one)\n"
    "  --store URL      where --dev keeps providers and policies (default: sqlite:DIR/assay.db)\n"
    "  --evidence KIND  what --dev seems to run on, in the certificates of its keys: simulated-snp (default),\n"
    "                   simulated-sgx, simulated-tdx, none\n"
    "  --version, --help\n"
    "\n"
    "SIGHUP reads the endorsements again; SIGTERM and SIGINT end after what is under way.\n";

struct arguments {
    const char *config, *state, *store;
    bool development, check;
    int port;
    enum evidence_choice evidence; /* of --dev */
};

static bool read_arguments(int argc, char **argv, struct arguments *a)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},   {"dev", no_argument, NULL, 'd'},
        {"state", required_argument, NULL, 's'},    {"port", required_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},           {"version", no_argument, NULL, 'v'},
        {"check-config", no_argument, NULL, 'k'},   {"store", required_argument, NULL, 'S'},
        {"evidence", required_argument, NULL, 'e'}, {NULL, 0, NULL, 0},
    };
    uint64_t port;

    *a = (struct arguments){.state = "state", .port = -1};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;)
        switch (option) {
        case 'c': a->config = optarg; break;
        case 'd': a->development = true; break;
        case 's': a->state = optarg; break;
        case 'k': a->check = true; break;
        case 'S': a->store = optarg; break;
        case 'e':
            if (!evidence_choice_by_name(optarg, &a->evidence) ||
                !(a->evidence == EVIDENCE_OFF || evidence_choice_simulated(a->evidence)))
                return false;
            break;
        case 'p':
            if (!decimal_parse(bytes_text(optarg), UINT16_MAX, &port))
                return false;
            a->port = (int)port;
            break;
        case 'h': fputs(help, stdout); exit(EXIT_SUCCESS);
        case 'v': puts("assayd " ASSAY_VERSION); exit(EXIT_SUCCESS);
        default: return false;
        }
    return optind == argc && (a->config != NULL) != a->development &&
           ((!a->store && a->evidence == EVIDENCE_AUTO) || a->development);
}

/* What was read is in force from now on; an answer is made in one go, so none is under way. */
static void use_endorsements(struct service *s, struct loaded *l)
{
    served_free(s->served);
    s->served = l->served;
    l->served = NULL;
    decision_log_settings(s->decisions, l);
    pool_load(s->pool, l);
}

/* What the fetcher wrote, in force between two requests of each pair. */
static void fetched(void *context, struct loaded *snapshot)
{
    struct service *s = context;

    log_info("collateral: endorsements that were fetched are put in force, %zu files", snapshot->files);
    use_endorsements(s, snapshot);
}

static bool load_endorsements(struct service *s, struct fault *fault)
{
    struct loaded loaded;

    if (!load_snapshot(s->config, &loaded, fault))
        return false;
    use_endorsements(s, &loaded);
    return true;
}

/* Of the configuration that was just put in force. */
static void use_limits(struct service *s, SSL_CTX *tls)
{
    http_limits(s->http);
    if (s->administration && SSL_CTX_up_ref(tls) == 1) {
        http_limits(s->administration);
        http_use_certificate(s->administration, tls);
    }
    http_use_certificate(s->http, tls);
}

static size_t busy(const struct service *s)
{
    return http_busy(s->http) + (s->administration ? http_busy(s->administration) : 0);
}

/* Everything is read before anything changes. */
static bool reload_all(struct service *s, struct fault *fault)
{
    struct config next;
    struct loaded loaded;
    struct sign_in_set *sign_in = NULL;
    struct announced *announced = NULL;
    SSL_CTX *tls = NULL;

    config_defaults(&next);
    if (!config_read(&next, s->config_path, fault) || !config_complete(&next, fault) ||
        !(sign_in = sign_in_read(&next, fault)) || !(tls = tls_server(&next, fault)) ||
        !announced_read(&next, &announced, fault))
        goto bad;
    const char *kept = config_keep_started(&next, s->config);
    if (!load_snapshot(&next, &loaded, fault))
        goto bad;
    if (*kept)
        log_error("these settings change at the next start: %s", kept);
    struct config last = *s->config;
    collateral_fetch_hold(s->collateral);
    *s->config = next;
    collateral_fetch_release(s->collateral);
    sign_in_use(s->sign_in, sign_in);
    use_limits(s, tls);
    use_endorsements(s, &loaded);
    measurements_use(s->measurements, announced);
    config_free(&last);
    return collateral_fetch_use(s->collateral, fault);
bad:
    sign_in_set_free(sign_in);
    announced_free(announced);
    SSL_CTX_free(tls);
    config_free(&next);
    return false;
}

static void reload(evutil_socket_t fd, short what, void *context)
{
    struct service *s = context;
    struct fault fault = {0};

    (void)fd, (void)what;
    if (s->config_path ? reload_all(s, &fault)
                       : load_endorsements(s, &fault) && collateral_fetch_use(s->collateral, &fault))
        log_info("configuration and endorsements were read again");
    else
        log_error("nothing was reloaded, what was in force stays: %s", fault.text);
    own_evidence_renew(s->own_evidence);
    audit_reopen(s->audit);
}

static void drained(evutil_socket_t fd, short what, void *context)
{
    struct service *s = context;
    static int waited;

    (void)fd, (void)what;
    if ((busy(s) == 0 && state_anchor_ended(s->anchor)) || ++waited > s->config->stop_seconds * 10)
        event_base_loopbreak(s->base);
}

static void stop(evutil_socket_t number, short what, void *context)
{
    struct service *s = context;
    struct timeval tenth = {0, 100000};

    (void)what;
    if (s->stopping) { /* asked twice: now */
        event_base_loopbreak(s->base);
        return;
    }
    log_info("signal %d: ending after %zu requests that are under way", number, busy(s));
    s->stopping = true;
    http_stop(s->http); /* administration goes on: it tells that the service ends */
    event_add(s->drain, &tenth);
    event_active(s->drain, EV_TIMEOUT, 0);
}

/* A start under way. */
struct launch {
    struct service *service;
    const struct arguments *arguments;
    bool pairs_ready, store_known, store_good;
    struct fault failure; /* why it ended */
};

static void log_serving(const struct service *s)
{
    for (size_t i = 0; i < s->config->provider_count; i++) {
        const struct tenant *t = registry_by_issuer(s->registry, bytes_text(s->config->providers[i].issuer));

        log_info("serving %.*s with key %.*s", (int)t->issuer.n, (const char *)t->issuer.p, (int)t->key.kid.n,
                 (const char *)t->key.kid.p);
    }
    log_info("%zu providers are known", registry_count(s->registry));
}

static void failed(struct launch *l, const struct fault *why)
{
    l->failure = *why;
    event_base_loopbreak(l->service->base);
}

static void broken(void *context, const char *why)
{
    struct fault fault = {0};

    fault_set(&fault, FAULT_SYSTEM, "%s", why);
    failed(context, &fault);
}

/* Providers of the configuration have their keys: the service can answer. */
static void fixed(void *context, const struct tenancy_result *result)
{
    struct launch *l = context;
    struct service *s = l->service;
    struct fault fault = {0};

    if (result->status) {
        fault_set(&fault, FAULT_SYSTEM, "a provider of the configuration has no key: %.*s", (int)result->message.n,
                  (const char *)result->message.p);
        failed(l, &fault);
        return;
    }
    s->ready = true;
    state_anchor_go(s->anchor);
    log_serving(s);
    if (l->arguments->development && !development_ready(s->config, l->arguments->state, http_port(s->http), &fault))
        log_error("%s", fault.text);
}

/* Whoever may use a sealer can put a root key of his own where the service keeps its: no seal of the store is of that one. */
static bool has_its_root(struct launch *l, struct fault *fault)
{
    const struct service *s = l->service;

    return registry_seals(s->registry).records == 0 || registry_knows_key(s->registry) ||
           fault_set(fault, FAULT_CRYPTO,
                     "the root key in %s is not the one that sealed this store: no seal of its %llu records is of it; "
                     "restore the key file (or the store, if that was exchanged), and look for whoever did this",
                     s->config->sealing_key, (unsigned long long)registry_seals(s->registry).records);
}

/* Pairs start while the store is read. */
static void go_on(struct launch *l)
{
    struct fault fault = {0};

    if (!l->pairs_ready || !l->store_known || !l->store_good || l->failure.code || l->service->stopping)
        return;
    if (has_its_root(l, &fault))
        tenancy_fix(l->service, fixed, l);
    else
        failed(l, &fault);
}

static void ready(void *context)
{
    struct launch *l = context;

    l->pairs_ready = true;
    go_on(l);
}

static void known(void *context, const struct fault *fault)
{
    struct launch *l = context;

    struct registry_seals seals = registry_seals(l->service->registry);
    struct fault unsealed = {0};

    l->store_known = !fault;
    if (!fault && l->service->view)
        state_view_whole(l->service->view);
    registry_settle(l->service->registry);
    if (!fault && seals.records && !seals.sealed) {
        fault_set(&unsealed, FAULT_USAGE,
                  "no record of the store is sealed: it is of a release that sealed none, or somebody took the seals "
                  "away; look at it and accept it with `assayd adopt --config FILE`");
        fault = &unsealed;
    }
    if (!fault)
        go_on(l);
    else
        failed(l, fault);
}

/* Before anything is written or served. */
static void store_judged(void *context, const struct fault *why, enum check_id failed_check)
{
    struct launch *l = context;
    struct fault fault = {0};

    l->store_good = !why;
    if (!why) {
        go_on(l);
        return;
    }
    /* Without a check to name, what holds the anchor cannot be asked: its reason. */
    if (!audit_event(l->service->audit, "JudgeState", false,
                     failed_check != CHECK_COUNT ? check_table[failed_check].id : why->text, &fault))
        log_error("that the store is refused is not on record: %s", fault.text);
    failed(l, why);
}

static void state_noted(void *context, struct bytes note)
{
    pool_state(((struct launch *)context)->service->pool, note);
}

static void keys(void *context, const struct state_keys *keys)
{
    struct launch *l = context;
    struct service *s = l->service;

    registry_use_key(s->registry, keys->record);
    state_anchor_start(s->base, s->config, keys->store, s->keeper, &s->pool, s->view,
                       &(struct state_anchor_callbacks){store_judged, state_noted, l}, &s->anchor);
    l->store_good = !s->anchor;
}

static void shadowed(void *context, const struct shadow_result *result)
{
    struct service *s = ((struct launch *)context)->service;

    shadows_note(s->shadows, result, (int64_t)time(NULL));
    metrics_shadow(s->metrics, result->outcome);
}

static void foretold(void *context, const struct outlook *outlook)
{
    outlooks_note(((struct launch *)context)->service->outlooks, outlook);
}

static bool watch_signals(struct service *s)
{
    static const struct {
        int number;
        event_callback_fn callback;
    } watched[SIGNALS] = {{SIGTERM, stop}, {SIGINT, stop}, {SIGHUP, reload}};

    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is a failed write, not the end */
    for (size_t i = 0; i < SIGNALS; i++) {
        s->signals[i] = evsignal_new(s->base, watched[i].number, watched[i].callback, s);
        if (!s->signals[i] || event_add(s->signals[i], NULL) != 0)
            return false;
    }
    s->drain = event_new(s->base, -1, EV_PERSIST, drained, s);
    return s->drain != NULL;
}

/* Keys do not live here, but callers' evidence does. */
static void forbid_dumps(void)
{
    struct rlimit none = {0, 0};

    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
}

/* Changes of what epoll watches are gathered: a request makes half a dozen of them. */
static struct event_base *new_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (config && event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST) == 0)
        base = event_base_new_with_config(config);
    if (config)
        event_config_free(config);
    return base;
}

static void apply(void *context, const struct record *record)
{
    struct service *s = ((struct launch *)context)->service;

    registry_apply(s->registry, record);
    if (s->view) {
        const struct state_record given = state_record_of(record);

        state_view_serve(s->view, &given);
    }
    if (s->shadows && bytes_is(record->kind, "retired"))
        shadows_forget(s->shadows, record->provider);
    if (bytes_is(record->kind, "retired"))
        kept_forget(s->kept, record->provider, record->sequence);
}

/* Opened here, so that what is wrong with it stops the start; then it belongs to its thread. */
static bool open_store(struct service *s, struct launch *l, struct fault *fault)
{
    struct store *store = store_open(s->config->store, fault);

    if (!store)
        return false;
    if (l->arguments->development && !adopt_unsealed(s->keeper, store, fault)) {
        store_close(store);
        return false;
    }
    registry_expect(s->registry);
    s->view = s->config->state.file ? state_view_new() : NULL;
    s->ledger = ledger_start(s->base, store, &(struct ledger_callbacks){apply, known, l}, fault);
    return s->ledger != NULL;
}

/* Data plane and, where it has a listener of its own, administration. */
static bool open_listeners(struct service *s, struct fault *fault)
{
    const struct config *c = s->config;
    struct http_place place = {LISTENER_PUBLIC, c->listen, c->port, routes_handle, routes_answered, s};
    SSL_CTX *tls = tls_server(c, fault);

    s->http = tls ? http_listen(s->base, c, tls, &place, fault) : NULL;
    if (!s->http || c->administration_port < 0)
        return s->http != NULL;
    place.by = LISTENER_ADMINISTRATION;
    place.address = c->administration_listen ? c->administration_listen : "127.0.0.1";
    place.port = c->administration_port;
    SSL_CTX_up_ref(tls);
    s->administration = http_listen(s->base, c, tls, &place, fault);
    return s->administration != NULL;
}

static bool open_all(struct service *s, struct launch *l, struct fault *fault)
{
    struct config *c = s->config;

    s->metrics = metrics_new((int64_t)time(NULL));
    if (!s->metrics || !watch_signals(s))
        return fault_set(fault, FAULT_SYSTEM, "cannot watch signals");
    if (!open_listeners(s, fault) || !host_confine(c, l->arguments->development, fault) ||
        !audit_open(s, &s->audit, fault))
        return false;
    http_use_audit(s->http, s->audit);
    if (s->administration)
        http_use_audit(s->administration, s->audit);
    if (l->arguments->development)
        development_provider(c, http_port(s->http));
    if (!config_complete(c, fault) || !(s->sign_in = sign_in_new(s->base, fault)))
        return false;
    struct sign_in_set *sign_in = sign_in_read(c, fault);
    if (!sign_in)
        return false;
    sign_in_use(s->sign_in, sign_in);
    if (!measurements_open(c, &s->measurements, fault))
        return false;
    s->registry = registry_new();
    s->shadows = shadows_new();
    s->outlooks = outlooks_new();
    s->quotas = quotas_new();
    if (!s->registry || !s->shadows || !s->outlooks || !s->quotas)
        return fault_set(fault, FAULT_SYSTEM, "no memory");
    if (!open_store(s, l, fault))
        return false;
    s->pool =
        pool_new(s->base, c, s->keeper, &(struct pool_callbacks){keys, ready, shadowed, foretold, broken, l}, fault);
    if (!s->pool || !decision_log_start(s->base, c, &s->pool, &s->decisions, fault) ||
        !kept_start(s->base, c, &s->kept, fault) || !load_endorsements(s, fault))
        return false;
    s->collateral = collateral_fetch_new(s->base, c, fetched, s, fault);
    return s->collateral && (s->own_evidence = own_evidence_new(s, fault)) && (s->rotation = rotation_new(s, fault));
}

static void close_all(struct service *s)
{
    /* The loop runs once more for connections that end, and none of these may find things gone. */
    for (size_t i = 0; i < SIGNALS; i++)
        if (s->signals[i]) {
            int number = event_get_signal(s->signals[i]);

            event_free(s->signals[i]); /* which gives the signal back its default */
            signal(number, SIG_IGN);   /* it ends already */
        }
    if (s->drain)
        event_free(s->drain);
    ledger_stop(s->ledger); /* who waits for it is answered */
    decision_log_stop(s->decisions);
    s->decisions = NULL;
    kept_stop(s->kept);
    s->kept = NULL;
    state_anchor_stop(s->anchor);
    s->anchor = NULL;
    state_view_free(s->view);
    s->view = NULL;
    http_cut(s->http); /* and nobody asks for what is freed here */
    http_cut(s->administration);
    collateral_fetch_free(s->collateral);
    pool_free(s->pool);
    own_evidence_free(s->own_evidence);
    rotation_free(s->rotation);
    shadows_free(s->shadows);
    outlooks_free(s->outlooks);
    quotas_free(s->quotas);
    event_base_loop(s->base, EVLOOP_NONBLOCK); /* streams count themselves out */
    http_free(s->http);
    http_free(s->administration);
    metrics_free(s->metrics);
    sign_in_free(s->sign_in);
    served_free(s->served);
    measurements_free(s->measurements);
    audit_close(s->audit); /* after the last answer */
    registry_free(s->registry);
    event_base_free(s->base);
}

static void log_counts(const struct service *s)
{
    struct pool_counts n = pool_counts(s->pool);

    log_info(
        "ended; %lu requests judged, %lu not (verifier died %lu, too slow %lu, over memory %lu), %lu refused unread, "
        "%lu pairs replaced",
        n.answered, n.died + n.slow + n.over_memory, n.died, n.slow, n.over_memory, n.refused_unread, n.restarts);
}

static bool serve(struct service *s, const struct arguments *a, struct fault *fault)
{
    struct launch launch = {.service = s, .arguments = a};

    s->base = new_base();
    if (!s->base)
        return fault_set(fault, FAULT_SYSTEM, "no event loop");
    bool ok = open_all(s, &launch, fault);
    if (ok) {
        log_info("assayd " ASSAY_VERSION " listens on port %d, %d pairs", http_port(s->http), s->config->pairs);
        if (s->administration)
            log_info("administration is on port %d", http_port(s->administration));
        if (strcmp(s->config->sealer.name, "file") == 0)
            log_info("the root key %s is kept by the permissions of its file alone: for development; [keys] sealer "
                     "names better ways",
                     s->config->sealing_key);
        event_base_dispatch(s->base);
        log_counts(s);
        if (launch.failure.code) {
            *fault = launch.failure;
            ok = false;
        }
    }
    close_all(s);
    return ok;
}

/* The core's keeper first: it is forked from a process that has read nothing from outside, and holds nothing that the core may not have. */
static bool begin(struct service *s, const struct arguments *a, struct fault *fault)
{
    char how[PAIR_END_TEXT];
    bool ok = host_check(s->config, a->development, fault) &&
              host_keeper(s->config, a->development ? KEEPER_FOR_DEVELOPMENT : KEEPER_FOR_SERVICE, &s->keeper, fault) &&
              serve(s, a, fault);

    keeper_end(s->keeper, how);
    if (*how)
        log_error("the keeper of the core ended%s", how);
    return ok;
}

int main(int argc, char **argv)
{
    struct config config;
    struct service service = {.config = &config};
    struct arguments a;
    struct fault fault = {0};

    if (is_maintenance(argc, argv))
        return maintenance(argc, argv);
    if (is_root_command(argc, argv))
        return root_command(argc, argv);
    if (argc > 1 && strcmp(argv[1], "adopt") == 0)
        return adopt_command(argc - 1, argv + 1);
    if (!read_arguments(argc, argv, &a)) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    config_defaults(&config);
    if (a.store)
        config.store = a.store;
    config.evidence = a.evidence;
    bool ok = a.development ? development_prepare(&config, a.state, a.port, &fault)
                            : config_read(&config, a.config, &fault) && config_complete(&config, &fault);
    if (ok && a.check) {
        puts("the configuration is well formed");
    } else if (ok) {
        forbid_dumps();
        service.config_path = a.config;
        ok = begin(&service, &a, &fault);
    }
    if (!ok)
        fprintf(stderr, "assayd: %s\n", fault.text);
    config_free(&config);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
