/* assayd adopt: shows what the core did not seal; accepts it when its operator names the state that was shown. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "service/adopt.h"
#include "service/audit.h"
#include "service/host_confine.h"
#include "service/routes.h"

static const char help[] = "Usage: assayd adopt --config FILE [--accept STATE]\n"
                           "\n"
                           "Lists the records of the store that are not as the core sealed them, and names the state "
                           "of the whole store. With\n"
                           "--accept and that name, seals them as they are: from then on they count; and where [state] "
                           "anchors the store, it\n"
                           "is anchored as it was listed, an older one too. The service must be stopped. Look at each "
                           "one before: whoever changed\n"
                           "a record behind the service's back, or put back an old store, is believed by this.\n";

enum { LISTED_MAX = 200, STATE_DIGITS = 32, COMMAND_MEMORY = 1024 * 1024 };

struct command {
    const char *config, *accept;
    bool help;
};

static bool read_arguments(int argc, char **argv, struct command *c)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"accept", required_argument, NULL, 'a'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};

    *c = (struct command){0};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;)
        switch (option) {
        case 'c': c->config = optarg; break;
        case 'a': c->accept = optarg; break;
        case 'h': c->help = true; return true;
        default: return false;
        }
    return c->config && optind == argc;
}

/* Names are of whoever wrote the database: nothing that a terminal would obey. */
static void put_visible(struct bytes text)
{
    for (size_t i = 0; i < text.n; i++)
        putchar(text.p[i] > ' ' && text.p[i] <= '~' ? text.p[i] : '?');
}

static void list(void *context, const struct record *r, enum check_id failed)
{
    uint64_t *listed = context;

    if (++*listed > LISTED_MAX)
        return;
    put_visible(r->provider);
    putchar(' ');
    put_visible(r->kind);
    printf(" version %llu: %s\n", (unsigned long long)r->version, check_table[failed].id);
}

static bool accept_all(const struct config *config, struct adoption *of, struct store *s, struct fault *fault)
{
    struct service service = {.config = (struct config *)(uintptr_t)config};
    struct audit *audit = NULL;
    char details[256];

    /* The log is another process's while the service runs; and what is not on record is not done. */
    if (!audit_open(&service, &audit, fault))
        return false;
    snprintf(details, sizeof details, "%llu of %llu records were sealed as they stand%s",
             (unsigned long long)of->refused, (unsigned long long)of->records,
             config->state.file ? ", and the store anchored anew" : "");
    bool ok = audit_event(audit, "AdoptState", true, details, fault) && adopt_all(of, s, fault) &&
              adopt_anchor(of, config, fault);
    audit_close(audit);
    return ok;
}

static bool judge(const struct config *config, const struct command *c, struct adoption *of, struct store *s,
                  struct fault *fault)
{
    char state[STATE_DIGITS + 1];
    struct merkle_hash root;
    uint64_t listed = 0;
    struct arena a;

    if (!adopt_survey(of, s, list, &listed, fault) || !adopt_state(of, &root, fault))
        return false;
    if (listed > LISTED_MAX)
        printf("and %llu more\n", (unsigned long long)(listed - LISTED_MAX));
    arena_init(&a, COMMAND_MEMORY);
    snprintf(state, sizeof state, "%.*s", STATE_DIGITS, arena_string(&a, hex_encode(&a, BYTES_OF(root.v))));
    arena_free(&a);
    printf("%llu of %llu records are not as the core sealed them; the state of the store is %s\n",
           (unsigned long long)of->refused, (unsigned long long)of->records, state);
    if (!c->accept)
        return true;
    if (strcmp(c->accept, state) != 0)
        return fault_set(fault, FAULT_USAGE, "the store is not in the state %s: look at the list again", c->accept);
    if (!accept_all(config, of, s, fault))
        return false;
    puts("accepted");
    return true;
}

static bool look(const struct config *config, const struct command *c, struct keeper *keeper, struct fault *fault)
{
    struct adoption of;
    struct store *s = store_open(config->store, fault);

    if (!s)
        return false;
    bool ok = adopt_begin(keeper, &of, fault) && judge(config, c, &of, s, fault);
    adopt_end(&of);
    store_close(s);
    return ok;
}

/* As the two users of the service: whoever had the host may have put there what it finds in store and audit log. */
static bool run(const struct config *config, const struct command *c, struct fault *fault)
{
    struct keeper *keeper = NULL;
    char how[PAIR_END_TEXT];

    if (!config->store || !config->sealing_key)
        return fault_set(fault, FAULT_USAGE, "the configuration names no store, or no sealing key");
    bool ok = host_users(config, fault) && host_keeper(config, KEEPER_FOR_ADOPTION, &keeper, fault) &&
              host_become(config, fault) && look(config, c, keeper, fault);
    keeper_end(keeper, how);
    return ok;
}

int adopt_command(int argc, char **argv)
{
    struct config config;
    struct command c;
    struct fault fault = {0};

    if (!read_arguments(argc, argv, &c)) {
        fputs(help, stderr);
        return EXIT_FAILURE;
    }
    if (c.help) {
        fputs(help, stdout);
        return EXIT_SUCCESS;
    }
    config_defaults(&config);
    bool ok = config_read(&config, c.config, &fault) && run(&config, &c, &fault);
    if (!ok)
        fprintf(stderr, "assayd: %s\n", fault.text);
    config_free(&config);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
