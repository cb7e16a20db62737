#include "service/root_commands.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/frame.h"
#include "core/pair.h"
#include "core/privileges.h"
#include "core/root_key.h"
#include "service/host_confine.h"
#include "service/load.h"

enum { PATH_LONGEST = 4096, SEALER_FD = 3 };

static const char help[] =
    "Usage: assayd reseal [--from SEALER] --config FILE\n"
    "       assayd hand-over offer --config FILE >OFFER\n"
    "       assayd hand-over grant --config FILE <OFFER >GRANT\n"
    "       assayd hand-over accept --config FILE <GRANT\n"
    "\n"
    "  reseal     open the root key by what sealed it, and seal it as [keys] sealer and its settings say now; "
    "services\n"
    "             that run go on; from a key that lies open only with --from file\n"
    "  hand-over  give the root key to a second node, of which both nodes' TEEs prove that it runs the same: the new\n"
    "             node offers, the old one grants, the new one accepts; the files may be seen by anybody, and hold a "
    "day\n";

bool is_root_command(int argc, char **argv)
{
    return argc > 1 && (strcmp(argv[1], "reseal") == 0 || strcmp(argv[1], "hand-over") == 0);
}

static bool is_step(const char *verb)
{
    return strcmp(verb, "offer") == 0 || strcmp(verb, "grant") == 0 || strcmp(verb, "accept") == 0;
}

/* argv begins with the command; *step: of a hand-over, else NULL; *from: the sealer that is said to be the old one, or empty. */
static bool read_arguments(int argc, char **argv, char **step, const char **from, const char **config, bool *helped)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"from", required_argument, NULL, 'f'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    bool hands_over = strcmp(argv[0], "hand-over") == 0;

    *config = NULL;
    *step = NULL;
    *from = "";
    *helped = false;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;)
        switch (option) {
        case 'c': *config = optarg; break;
        case 'f': *from = optarg; break;
        case 'h': *helped = true; return true;
        default: return false;
        }
    if (!hands_over)
        return *config && optind == argc;
    *step = optind < argc ? argv[optind] : NULL;
    return *config && !**from && optind + 1 == argc && is_step(*step);
}

/* As the user of the core, to whom the key file belongs; without one the operator is whoever that is. */
static bool become(const struct config *c, char *const *arguments, struct fault *fault)
{
    if (c->core_user && !privileges_become(c->core_user, fault))
        return false;
    execv(arguments[0], arguments);
    return fault_set(fault, FAULT_SYSTEM, "cannot start %s: %s", arguments[0], strerror(errno));
}

/* What vouches for hardware goes to the sealer by frames; it takes no anchor and no setting of ours. */
static bool send_endorsements(const struct config *c, int fd, struct fault *fault)
{
    struct loaded l;
    bool ok = load_snapshot(c, &l, fault);

    for (size_t i = 0; ok && i < l.count; i++)
        ok = frame_write(fd, l.frames[i].kind, l.frames[i].body) ||
             fault_set(fault, FAULT_SYSTEM, "assay-sealer does not listen");
    loaded_free(&l);
    return ok;
}

/* In a child the sealer, here the endorsements for it, read as the host, to whom they belong: *status is what it ends with. */
static bool run_beside(const struct config *c, char *const *arguments, int *status, struct fault *fault)
{
    int ends[2], ended = 0;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return fault_set(fault, FAULT_SYSTEM, "no socket pair: %s", strerror(errno));
    signal(SIGPIPE, SIG_IGN);
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGPIPE, SIG_DFL);
        if (ends[1] == SEALER_FD ? fcntl(ends[1], F_SETFD, 0) == 0 : dup2(ends[1], SEALER_FD) == SEALER_FD)
            become(c, arguments, fault);
        fprintf(stderr, "assayd: %s\n", fault->text);
        _exit(EXIT_FAILURE);
    }
    close(ends[1]);
    bool ok = (pid > 0 || fault_set(fault, FAULT_SYSTEM, "cannot start assay-sealer: %s", strerror(errno))) &&
              host_become(c, fault) && send_endorsements(c, ends[0], fault);
    close(ends[0]);
    while (pid > 0 && waitpid(pid, &ended, 0) < 0 && errno == EINTR)
        ;
    *status = WIFEXITED(ended) ? WEXITSTATUS(ended) : EXIT_FAILURE;
    return ok;
}

static bool run(struct config *c, char *verb, char *step, const char *from, int *status, struct fault *fault)
{
    char program[PATH_LONGEST], **settings = root_sealer_arguments(&c->arena, &c->sealer),
                                *arguments[ROOT_SEALER_ARGUMENTS + 7] = {program, verb};
    struct evidence_source source;
    size_t n = 2;

    if (!host_users(c, fault) || !pair_sealer(program, sizeof program, fault))
        return false;
    if (step)
        arguments[n++] = step;
    arguments[n++] = arena_string(&c->arena, bytes_text(c->sealing_key));
    if (step) {
        evidence_source_choose(c, &source);
        arguments[n++] = arena_printf(&c->arena, "%d", (int)source.way);
        arguments[n++] = arena_string(&c->arena, bytes_text(source.path ? source.path : ""));
    } else
        arguments[n++] = arena_string(&c->arena, bytes_text(from));
    for (size_t i = 0; settings[i]; i++)
        arguments[n++] = settings[i];
    return step ? run_beside(c, arguments, status, fault) : become(c, arguments, fault);
}

int root_command(int argc, char **argv)
{
    const char *path, *from;
    char *step;
    struct config config;
    struct fault fault = {0};
    int status = EXIT_FAILURE;
    bool helped;

    if (!read_arguments(argc - 1, argv + 1, &step, &from, &path, &helped)) {
        fputs(help, stderr);
        return EXIT_FAILURE;
    }
    if (helped) {
        fputs(help, stdout);
        return EXIT_SUCCESS;
    }
    config_defaults(&config);
    bool ok = config_read(&config, path, &fault) && config_complete(&config, &fault) &&
              run(&config, argv[1], step, from, &status, &fault);
    if (!ok && status != EXIT_SUCCESS && fault.text[0])
        fprintf(stderr, "assayd: %s\n", fault.text);
    config_free(&config);
    return ok ? status : EXIT_FAILURE;
}
