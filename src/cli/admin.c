/* assay admin migrate: from one store into another. */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/terminal.h"
#include "store/copy.h"

static void show(void *context, uint64_t done, uint64_t total)
{
    (void)context;
    progress("%llu of %llu records", (unsigned long long)done, (unsigned long long)total);
}

static bool migrate(const char *from_url, const char *to_url, uint64_t *count, struct fault *fault)
{
    struct store *from = store_open(from_url, fault), *to = from ? store_open(to_url, fault) : NULL;
    bool ok = from && to && store_migrate(from, to, (struct copy_progress){.report = show}, count, fault);

    progress(NULL);
    store_close(from);
    store_close(to);
    return ok;
}

static enum status migrate_run(struct cli *cli, int argc, char **argv)
{
    struct fault fault = {0};
    struct options o;
    enum status status;
    uint64_t count = 0;

    options_open(&o, cli, argc, argv);
    while (options_next(&o))
        ;
    if (options_done(&o, 2, 2, &status))
        return status;
    if (!migrate(options_operand(&o, 0), options_operand(&o, 1), &count, &fault)) {
        cli_error(cli, "%s", fault.text);
        return STATUS_MISUSE;
    }
    printf("%llu records copied and compared\n", (unsigned long long)count);
    return STATUS_DONE;
}

const struct command admin_migrate_command = {
    .name = "admin migrate",
    .summary = "copy a service's store into another one, such as from a file to PostgreSQL",
    .usage = "FROM-URL TO-URL",
    .about = "Copies every record with its whole history and order, in one transaction: a copy that was interrupted "
             "has left "
             "nothing. The second store must be empty. Stop the service before, and then set [store] url to the second "
             "store. URLs are those of assayd.conf(5).",
    .options = (const struct option_row[]){OPTION_END},
    .examples = "  assay admin migrate sqlite:/var/lib/assay/assay.db \\\n"
                "      'postgresql://assay@db1,db2/assay?sslmode=verify-full&assay_password=/etc/assay/password'\n",
    .run = migrate_run,
};
