#include "service/root_commands.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/pair.h"
#include "core/root_key.h"
#include "service/config.h"

enum { PATH_LONGEST = 4096 };

static const char help[] =
    "Usage: assayd reseal --config FILE\n"
    "\n"
    "  reseal    open the root key by what sealed it, and seal it as [keys] sealer and its settings say now; services\n"
    "            that run go on\n";

bool is_root_command(int argc, char **argv)
{
    return argc > 1 && strcmp(argv[1], "reseal") == 0;
}

static bool read_arguments(int argc, char **argv, const char **config, bool *helped)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};

    *config = NULL;
    *helped = false;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;)
        switch (option) {
        case 'c': *config = optarg; break;
        case 'h': *helped = true; return true;
        default: return false;
        }
    return *config && optind == argc;
}

static bool become(struct config *c, char *verb, struct fault *fault)
{
    char program[PATH_LONGEST], **settings = root_sealer_arguments(&c->arena, &c->sealer),
                                *arguments[ROOT_SEALER_ARGUMENTS + 4] = {program, verb};

    if (!pair_sealer(program, sizeof program, fault))
        return false;
    arguments[2] = arena_string(&c->arena, bytes_text(c->sealing_key));
    for (size_t i = 0; settings[i]; i++)
        arguments[3 + i] = settings[i];
    execv(program, arguments);
    return fault_set(fault, FAULT_SYSTEM, "cannot start %s: %s", program, strerror(errno));
}

int root_command(int argc, char **argv)
{
    const char *path;
    struct config config;
    struct fault fault = {0};
    bool helped;

    if (!read_arguments(argc - 1, argv + 1, &path, &helped)) {
        fputs(help, stderr);
        return EXIT_FAILURE;
    }
    if (helped) {
        fputs(help, stdout);
        return EXIT_SUCCESS;
    }
    config_defaults(&config);
    if (config_read(&config, path, &fault) && config_complete(&config, &fault))
        become(&config, argv[1], &fault);
    fprintf(stderr, "assayd: %s\n", fault.text);
    config_free(&config);
    return EXIT_FAILURE;
}
