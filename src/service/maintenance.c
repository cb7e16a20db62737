#include "service/maintenance.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "service/config.h"
#include "store/copy.h"

static const char help[] = "Usage: assayd backup --config FILE DESTINATION\n"
                           "       assayd restore --config FILE BACKUP\n"
                           "\n"
                           "  backup    write every record of the store that the file names, with its whole history,\n"
                           "            into one new file; the service may go on meanwhile\n"
                           "  restore   put them back into the store that the file names, which must be empty\n"
                           "\n"
                           "Nothing is left half done. Keep backups where only you can read them.\n";

bool is_maintenance(int argc, char **argv)
{
    return argc > 1 && (strcmp(argv[1], "backup") == 0 || strcmp(argv[1], "restore") == 0);
}

static void show(void *context, uint64_t done, uint64_t total)
{
    (void)context;
    fprintf(stderr, "\r\033[K%llu", (unsigned long long)done);
    if (total)
        fprintf(stderr, " of %llu", (unsigned long long)total);
    fputs(" records", stderr);
}

static bool read_arguments(int argc, char **argv, const char **config, const char **file, bool *helped)
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
    *file = argv[optind];
    return *config && optind + 1 == argc;
}

static bool run(const char *verb, const char *url, const char *file, struct fault *fault)
{
    const struct copy_progress progress = {.report = isatty(STDERR_FILENO) ? show : NULL};
    bool backup = strcmp(verb, "backup") == 0;
    struct store *s;
    uint64_t count;

    if (!url)
        return fault_set(fault, FAULT_USAGE, "the configuration names no store: set [store] url");
    s = store_open(url, fault);
    if (!s)
        return false;
    bool ok =
        backup ? backup_write(s, file, progress, &count, fault) : backup_restore(s, file, progress, &count, fault);
    store_close(s);
    if (progress.report)
        fputs("\r\033[K", stderr);
    if (ok)
        printf("%llu records %s %s\n", (unsigned long long)count, backup ? "written to" : "restored from", file);
    return ok;
}

int maintenance(int argc, char **argv)
{
    const char *path, *file;
    struct config config;
    struct fault fault = {0};
    bool helped;

    if (!read_arguments(argc - 1, argv + 1, &path, &file, &helped)) {
        fputs(help, stderr);
        return EXIT_FAILURE;
    }
    if (helped) {
        fputs(help, stdout);
        return EXIT_SUCCESS;
    }
    config_defaults(&config);
    bool ok = config_read(&config, path, &fault) && run(argv[1], config.store, file, &fault);
    if (!ok)
        fprintf(stderr, "assayd: %s\n", fault.text);
    config_free(&config);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
