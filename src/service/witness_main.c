/* assay-witness: cosigns checkpoints of logs that it knows. See assay-witness(1). */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"
#include "core/confine.h"
#include "service/http.h"
#include "service/load.h"
#include "service/log.h"
#include "service/witness_key.h"
#include "witness/book.h"

enum {
    EXIT_MISUSE = 1,
    EXIT_REFUSED = 2,
    PORT_MOST = 65535,
    CONNECTIONS = 256,
    ADDRESS_CONNECTIONS = 16,
    IDLE_SECONDS = 3, /* a log asks twice at most, at once */
    HEADER_BYTES = 8 * 1024,
    SECONDS = 10,
    STOP_SECONDS = 1
};

static const char help[] =
    "usage: assay-witness --key F --state DIR --listen ADDRESS:PORT --certificate F --certificate-key F --log KEY...\n"
    "                     [--name NAME] [--user USER]\n"
    "       assay-witness show --key F --state DIR\n"
    "       assay-witness begin [ORIGIN] --key F --state DIR\n"
    "       assay-witness forget ORIGIN --key F --state DIR\n"
    "\n"
    "Cosigns checkpoints of transparency logs (C2SP tlog-witness) when they go on from the ones that it cosigned "
    "before.\n"
    "\n"
    "  --key F              the witness's own key; made when there is none, and then --name must be given\n"
    "  --name NAME          the name of a key that is made, as witness.example/w1\n"
    "  --state DIR          what it has cosigned; begun with a key that is made, else by the word begin alone\n"
    "  --log KEY            a log that it knows, as NAME+ID+BASE64, or a file with that; may be given again. One that\n"
    "                       comes later than the folder is let in by the word begin, with its name\n"
    "  --listen ADDRESS:PORT  where it is asked; port 0: any free one\n"
    "  --certificate F      of its TLS, PEM, with those above it\n"
    "  --certificate-key F  the certificate's key, PEM\n"
    "  --user USER          who to become once the port is open; must be given to root\n"
    "  --version, --help\n"
    "\n"
    "Prints its public key, which users of the logs need. SIGHUP reads the certificate again.\n";

struct arguments {
    const char *key, *name, *state, *certificate, *certificate_key, *user;
    char *listen;
    const char **logs;
    size_t log_count;
};

struct witness {
    struct arguments given;
    struct config config; /* of the listener */
    struct arena arena;
    struct log_key key;
    struct log_key *logs;
    struct witness_book *book;
    struct event_base *base;
    struct http_server *http;
    struct event *signals[3];
};

enum { KEY = 256, NAME, STATE, LOG, LISTEN, CERTIFICATE, CERTIFICATE_KEY, USER, VERSION, HELP };

/* False: it is no use of the program. *done: it was asked for text alone, which is printed. */
static bool read_arguments(int argc, char **argv, struct arguments *a, bool *done)
{
    static const struct option options[] = {
        {"key", required_argument, NULL, KEY},
        {"name", required_argument, NULL, NAME},
        {"state", required_argument, NULL, STATE},
        {"log", required_argument, NULL, LOG},
        {"listen", required_argument, NULL, LISTEN},
        {"certificate", required_argument, NULL, CERTIFICATE},
        {"certificate-key", required_argument, NULL, CERTIFICATE_KEY},
        {"user", required_argument, NULL, USER},
        {"version", no_argument, NULL, VERSION},
        {"help", no_argument, NULL, HELP},
        {NULL, 0, NULL, 0},
    };

    *done = false;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;)
        switch (option) {
        case KEY: a->key = optarg; break;
        case NAME: a->name = optarg; break;
        case STATE: a->state = optarg; break;
        case LOG: a->logs[a->log_count++] = optarg; break;
        case LISTEN: a->listen = optarg; break;
        case CERTIFICATE: a->certificate = optarg; break;
        case CERTIFICATE_KEY: a->certificate_key = optarg; break;
        case USER: a->user = optarg; break;
        case VERSION: *done = true; return puts("assay-witness " ASSAY_VERSION) >= 0;
        case HELP: *done = true; return fputs(help, stdout) >= 0;
        default: return false;
        }
    return true;
}

static bool read_log(struct witness *w, const char *given, struct log_key *out, struct fault *fault)
{
    struct bytes text;

    if (log_key_parse(&w->arena, bytes_text(given), out))
        return true;
    if (!load_file(&w->arena, given, LIMIT_KEY_FILE, &text, NULL))
        return fault_set(fault, FAULT_USAGE,
                         "--log %s is neither the key of a log, NAME+ID+BASE64, nor a file with one", given);
    return log_key_parse(&w->arena, text, out) ||
           fault_set(fault, FAULT_USAGE, "--log %s: this is no key of a log, NAME+ID+BASE64", given);
}

static bool read_listen(struct config *c, char *given, struct fault *fault)
{
    char *colon = strrchr(given, ':');
    size_t n = colon ? (size_t)(colon - given) : 0;
    uint64_t port;

    if (n == 0 || !decimal_parse(bytes_text(colon + 1), PORT_MOST, &port))
        return fault_set(fault, FAULT_USAGE, "--listen %s is no ADDRESS:PORT", given);
    *colon = 0;
    c->port = (int)port;
    c->listen = given;
    if (given[0] == '[' && given[n - 1] == ']') {
        given[n - 1] = 0;
        c->listen = given + 1;
    }
    return true;
}

static void tell(const struct witness_answer *answer)
{
    const int n = (int)answer->origin.n;
    const char *origin = (const char *)answer->origin.p;
    const unsigned long long size = answer->size_asked;

    if (answer->told)
        return;
    if (answer->fork && answer->lost.n)
        log_error("THE LOG %.*s HAS SIGNED TWO HISTORIES of %llu entries; the proof is not kept: %.*s", n, origin, size,
                  (int)answer->lost.n, (const char *)answer->lost.p);
    else if (answer->fork)
        log_error("THE LOG %.*s HAS SIGNED TWO HISTORIES of %llu entries: both are kept, and prove it", n, origin,
                  size);
    else if (answer->status == 422)
        log_info("a checkpoint of %.*s, of %llu entries, came with a proof that does not hold", n, origin, size);
    else if (answer->status == 500)
        log_error("%.*s", (int)bytes_trim_end(answer->body).n, (const char *)answer->body.p);
}

static void handle(void *context, struct exchange *e)
{
    struct witness *w = context;

    http_header(e, "Cache-Control", "no-store");
    if (bytes_is(e->path, SUBMISSION_PATH) && strcmp(e->method, "POST") == 0) {
        struct witness_answer answer = witness_book_take(w->book, &e->arena, e->body, (int64_t)time(NULL));

        tell(&answer);
        http_header(e, "Content-Type", answer.size ? SUBMISSION_SIZE : "text/plain; charset=utf-8");
        http_reply(e, answer.status, answer.body);
    } else if (bytes_is(e->path, "/key") && (strcmp(e->method, "GET") == 0 || strcmp(e->method, "HEAD") == 0)) {
        struct bytes key = log_key_text(&e->arena, &w->key);

        http_header(e, "Content-Type", "text/plain; charset=utf-8");
        http_reply(e, 200, bytes_text(arena_printf(&e->arena, "%s\n", arena_string(&e->arena, key))));
    } else if (bytes_is(e->path, SUBMISSION_PATH)) {
        http_header(e, "Allow", "POST");
        http_fail(e, 405, "MethodNotAllowed", "Checkpoints are given by POST.");
    } else {
        http_fail(e, 404, "NotFound", "There is no such path.");
    }
}

static void answered(void *context, const struct exchange *e, int status, int64_t microseconds)
{
    (void)context, (void)e, (void)status, (void)microseconds;
}

static void signalled(evutil_socket_t number, short what, void *context)
{
    struct witness *w = context;
    struct fault fault = {0};
    const struct timeval soon = {STOP_SECONDS, 0};

    (void)what;
    if (number == SIGHUP) {
        SSL_CTX *tls = tls_server(&w->config, &fault);

        if (tls)
            http_use_certificate(w->http, tls);
        else
            log_error("the certificate stays as it is: %s", fault.text);
        return;
    }
    http_stop(w->http);
    event_base_loopexit(w->base, &soon);
}

static bool watch_signals(struct witness *w)
{
    static const int numbers[] = {SIGHUP, SIGINT, SIGTERM};

    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        w->signals[i] = evsignal_new(w->base, numbers[i], signalled, w);
        if (!w->signals[i] || event_add(w->signals[i], NULL) != 0)
            return false;
    }
    return true;
}

/* The port is opened first, as who it was started as; all files of its own are its user's. */
static bool open_all(struct witness *w, struct fault *fault)
{
    struct config *c = &w->config;
    const struct arguments *a = &w->given;
    uint8_t seed[ED25519_SEED];
    bool made;

    if (geteuid() == 0 && !a->user)
        return fault_set(fault, FAULT_USAGE,
                         "started as root: name the user to become with --user (root, if that is meant)");
    if (!read_listen(c, a->listen, fault))
        return false;
    w->logs = arena_alloc(&w->arena, (a->log_count + 1) * sizeof *w->logs);
    for (size_t i = 0; i < a->log_count; i++)
        if (!read_log(w, a->logs[i], &w->logs[i], fault))
            return false;
    SSL_CTX *tls = tls_server(c, fault);
    const struct http_place place = {LISTENER_PUBLIC, c->listen, c->port, handle, answered, w};
    w->base = tls ? event_base_new() : NULL;
    w->http = w->base ? http_listen(w->base, c, tls, &place, fault) : NULL;
    if (!w->http || !watch_signals(w) || !confine_user(a->user, 0, 0, &host_calls, fault) ||
        !witness_key_open(a->key, a->name, &w->arena, &w->key, seed, &made, fault))
        return fault_set(fault, FAULT_SYSTEM, "cannot start");
    if (!made || witness_book_begin(a->state, &w->key, w->logs, a->log_count, fault))
        w->book = witness_book_open(a->state, &w->key, seed, w->logs, a->log_count, fault);
    secret_wipe(seed, sizeof seed);
    return w->book != NULL;
}

static void close_all(struct witness *w)
{
    for (size_t i = 0; i < sizeof w->signals / sizeof *w->signals; i++)
        if (w->signals[i])
            event_free(w->signals[i]);
    http_cut(w->http);
    if (w->base)
        event_base_loop(w->base, EVLOOP_NONBLOCK); /* streams count themselves out */
    http_free(w->http);
    witness_book_close(w->book);
    if (w->base)
        event_base_free(w->base);
}

static bool serve(struct witness *w, struct fault *fault)
{
    struct config *c = &w->config;

    if (!confine_memory_dumps(fault))
        return false;
    config_defaults(c);
    c->certificate = w->given.certificate;
    c->private_key = w->given.certificate_key;
    c->connections = CONNECTIONS;
    c->address_connections = ADDRESS_CONNECTIONS;
    c->idle_seconds = IDLE_SECONDS;
    c->header_bytes = HEADER_BYTES;
    c->body_bytes = SUBMISSION_MOST;
    c->header_seconds = c->body_seconds = SECONDS;
    bool ok = open_all(w, fault);
    if (ok) {
        printf("%s\n", arena_string(&w->arena, log_key_text(&w->arena, &w->key)));
        fflush(stdout);
        log_info("assay-witness " ASSAY_VERSION " listens on port %d, for %zu logs", http_port(w->http),
                 w->given.log_count);
        event_base_dispatch(w->base);
    }
    close_all(w);
    config_free(c);
    return ok;
}

static void show_log(void *context, const struct checkpoint *c, int64_t when)
{
    char text[32];

    (void)context;
    time_format(when, text);
    printf("%.*s %llu %s\n", (int)c->origin.n, (const char *)c->origin.p, (unsigned long long)c->size, text);
}

/* Of a folder, or of a log in it. */
static bool begin(const struct witness *w, const char *origin, struct fault *fault)
{
    const char *state = w->given.state;

    if (!(origin ? witness_book_admit(state, &w->key, bytes_text(origin), fault)
                 : witness_book_begin(state, &w->key, NULL, 0, fault)))
        return false;
    printf(origin ? "%s is let in: its first checkpoint is cosigned whatever it says\n"
                  : "%s is begun: now let each log in, by its name\n",
           origin ? origin : state);
    return true;
}

/* The words that need no listener. */
static bool keep_books(struct witness *w, const char *word, const char *origin, struct fault *fault)
{
    const struct arguments *a = &w->given;
    uint8_t seed[ED25519_SEED];
    uint64_t was;
    bool made;

    if (!witness_key_open(a->key, NULL, &w->arena, &w->key, seed, &made, fault))
        return false;
    secret_wipe(seed, sizeof seed);
    if (strcmp(word, "begin") == 0)
        return begin(w, origin, fault);
    if (strcmp(word, "show") == 0)
        return witness_book_list(a->state, &w->key, show_log, NULL, fault);
    if (!witness_book_forget(a->state, &w->key, bytes_text(origin), &was, fault))
        return false;
    printf("%s is forgotten, which had %llu entries: its next checkpoint is cosigned whatever it says\n", origin,
           (unsigned long long)was);
    return true;
}

static bool well_used(const struct arguments *a, const char *word, int operands)
{
    bool own = !a->name && !a->listen && !a->certificate && !a->certificate_key && !a->user && a->log_count == 0;

    if (!a->key || !a->state)
        return false;
    if (!word)
        return a->listen && a->certificate && a->certificate_key && a->log_count > 0;
    return own && ((strcmp(word, "show") == 0 && operands == 1) || (strcmp(word, "forget") == 0 && operands == 2) ||
                   (strcmp(word, "begin") == 0 && operands <= 2));
}

int main(int argc, char **argv)
{
    struct witness w = {0};
    struct fault fault = {0};
    bool done;

    w.given.logs = calloc((size_t)argc + 1, sizeof *w.given.logs);
    if (!w.given.logs)
        return EXIT_MISUSE;
    bool used = read_arguments(argc, argv, &w.given, &done);
    const char *word = used && optind < argc ? argv[optind] : NULL;
    if (done || !used || !well_used(&w.given, word, argc - optind)) {
        if (!done)
            fputs(help, stderr);
        free(w.given.logs);
        return done && used ? EXIT_SUCCESS : EXIT_MISUSE;
    }
    arena_init(&w.arena, LIMIT_TOOL_MEMORY);
    bool ok = word ? keep_books(&w, word, argv[optind + 1], &fault) : serve(&w, &fault);
    if (!ok)
        fprintf(stderr, "assay-witness: %s\n", fault.text);
    arena_free(&w.arena);
    free(w.given.logs);
    return ok ? EXIT_SUCCESS : fault.code == FAULT_CRYPTO ? EXIT_REFUSED : EXIT_MISUSE;
}
