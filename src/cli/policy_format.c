/* assay policy format: one layout for policy texts. */
#include "policy/format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/policy_file.h"
#include "cli/terminal.h"

static bool write_all(int file, struct bytes text)
{
    while (text.n) {
        ssize_t n = write(file, text.p, text.n);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        text = bytes_after(text, (size_t)n);
    }
    return true;
}

/* A folder remembers a renamed file only after an fsync of its own. */
static bool sync_folder(struct arena *a, const char *path)
{
    const char *slash = strrchr(path, '/');
    int file = open(arena_string(a, bytes_make(path, (size_t)(slash - path) + 1)), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = file >= 0 && fsync(file) == 0;

    if (file >= 0)
        close(file);
    return ok;
}

/* A new file beside path, an absolute one, takes its place when it is whole and on the disk. */
static bool replace(struct arena *a, const char *path, const struct stat *st, struct bytes text)
{
    char *beside = arena_printf(a, "%s.XXXXXX", path);
    int file = mkostemp(beside, O_CLOEXEC), reason;

    if (file < 0)
        return false;
    if (fchown(file, st->st_uid, st->st_gid) != 0)
        errno = 0; /* only root may: written by anyone else, the file becomes theirs */
    bool ok = write_all(file, text) && fchmod(file, st->st_mode & 0777) == 0 && fsync(file) == 0;
    reason = errno;
    if (close(file) != 0 && ok) {
        ok = false;
        reason = errno;
    }
    if (ok && rename(beside, path) == 0)
        return sync_folder(a, path);
    reason = ok ? errno : reason;
    unlink(beside);
    errno = reason;
    return false;
}

/* The whole old text or the whole new one, whatever happens in between. */
static bool write_back(struct cli *cli, const char *path, struct bytes text)
{
    char *real = realpath(path, NULL); /* behind a link stands the file that is meant */
    struct stat st;
    bool ok = real && stat(real, &st) == 0 && replace(cli->arena, real, &st, text);

    if (!ok)
        cli_error(cli, "%s: %s", path, strerror(errno));
    free(real);
    return ok;
}

static enum status finish(struct cli *cli, const char *path, struct bytes before, struct bytes after, bool write_it,
                          bool check)
{
    bool changed = !bytes_equal(before, after);

    if (check) {
        if (changed) {
            fflush(stdout);
            fprintf(stderr, "%s: not formatted; `assay policy format --write` does it\n", path);
        }
        return changed ? STATUS_REFUSED : STATUS_DONE;
    }
    if (!write_it)
        fwrite(after.p, 1, after.n, stdout);
    else if (changed && !write_back(cli, path, after))
        return STATUS_MISUSE;
    if (changed)
        cli_warn(cli, "the x-ms-policy-hash changes with the text: was %s, is %s",
                 arena_string(cli->arena, policy_hash(cli->arena, before)),
                 arena_string(cli->arena, policy_hash(cli->arena, after)));
    return STATUS_DONE;
}

static enum status format_run(struct cli *cli, int argc, char **argv)
{
    bool write_it = false, check = false;
    struct policy_error error = {0};
    struct bytes before, after;
    struct options o;
    enum status status;
    const char *path;

    options_open(&o, cli, argc, argv);
    for (int id; (id = options_next(&o)) != 0;) {
        write_it = write_it || id == 'w';
        check = check || id == OPTION_BASE;
    }
    if (options_done(&o, 1, 1, &status))
        return status;
    path = options_operand(&o, 0);
    if (write_it && check)
        return cli_misuse(cli, "--write and --check: one of them");
    if (write_it && strcmp(path, "-") == 0)
        return cli_misuse(cli, "--write needs a file");
    if (!policy_file_read(cli, path, &before))
        return STATUS_MISUSE;
    if (!policy_format(cli->arena, before, &after, &error)) {
        policy_file_error(path, &error);
        return STATUS_REFUSED;
    }
    return finish(cli, path, before, after, write_it, check);
}

const struct command policy_format_command = {
    .name = "policy format",
    .summary = "print a policy text in one stable layout",
    .usage = "FILE [--write | --check]",
    .about =
        "Prints FILE (- for standard input) in the one layout of Assay: what it means does not change, comments and "
        "strings are kept. Its x-ms-policy-hash changes with the text, so format before a policy is uploaded, not "
        "after. A text that is not valid is refused, as `assay policy check` does, and nothing is written.",
    .options =
        (const struct option_row[]){{'w', "write", NULL, "replace FILE instead, if its text changes; its mode is kept"},
                                    {OPTION_BASE, "check", NULL, "print nothing; exit with 2 if FILE is not formatted"},
                                    OPTION_END},
    .examples = "  assay policy format policy.txt --write\n"
                "  assay policy format --check policy.txt\n",
    .run = format_run,
};
