/* assay collateral key, export, import: endorsements as one signed file, for sites that no network reaches. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/text.h"
#include "cli/anchor.h"
#include "cli/collateral.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "crypto/pem.h"

enum { OPTION_OUT = 'o', OPTION_KEY = COLLATERAL_OPTION_BASE, OPTION_SEQUENCE, OPTION_INTO, OPTION_TRUST, OPTION_KEEP };

static enum status key_run(struct cli *cli, int argc, char **argv)
{
    struct arena *a = cli->arena;
    struct options o;
    enum status status;
    struct fault fault = {0};
    struct bytes pem;
    const char *path = NULL;

    options_open(&o, cli, argc, argv);
    while (options_next(&o))
        path = o.value;
    if (options_done(&o, 0, 0, &status))
        return status;
    if (!path)
        return cli_misuse(cli, "-o FILE is needed");
    if (access(path, F_OK) == 0) {
        cli_error(cli, "%s is there already; a key is not replaced", path);
        return STATUS_MISUSE;
    }
    struct signing_key *key = signing_key_generate(KEY_P256, &fault);
    bool ok = key && signing_key_write_pem(key, a, &pem, &fault);
    if (!ok) {
        cli_error(cli, "%s", fault.text);
    } else {
        ok = output_file(cli, path, pem, 0600) &&
             output_file(cli, arena_printf(a, "%s.pub", path), pem_encode(a, "PUBLIC KEY", signing_key_spki(key, a)),
                         0644);
        secret_wipe((void *)(uintptr_t)pem.p, pem.n);
    }
    signing_key_free(key);
    return ok ? STATUS_DONE : STATUS_MISUSE;
}

const struct command collateral_key_command = {
    .name = "collateral key",
    .summary = "make a key to sign bundles of endorsements with",
    .usage = "-o FILE",
    .about =
        "Writes a new private key (EC P-256, PEM) into FILE, which only its owner may read, and its public key into "
        "FILE.pub, for `assay collateral import --trust`.",
    .options = (const struct option_row[]){{OPTION_OUT, "output", "FILE", "where the private key goes"}, OPTION_END},
    .examples = "  assay collateral key -o bundle.key\n",
    .run = key_run,
};

struct export
{
    struct collateral_call call;
    const char *folder, *out, *key;
    uint64_t sequence;
};

static bool read_sequence(struct export *e, const char *value)
{
    if (decimal_parse(bytes_text(value), INT64_MAX, &e->sequence) && e->sequence > 0)
        return true;
    cli_misuse(e->call.cli, "--sequence %s: no number above 0", value);
    return false;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct folder_entry *)a)->name, ((const struct folder_entry *)b)->name);
}

/* What is genuine, and of several about the same the newest. What is left out for another reason is told. */
static void choose(struct export *e, struct bundle *b)
{
    struct catalogue *c = &e->call.catalogue;

    b->objects = ARENA_ARRAY(e->call.cli->arena, struct folder_entry, c->n);
    for (size_t i = 0; i < c->foreign_count; i++)
        cli_warn(e->call.cli, "left out: %s: %s", c->foreign[i].file, c->foreign[i].why);
    for (size_t i = 0; i < c->n; i++) {
        struct collateral *o = &c->v[i];
        enum collateral_verdict verdict = collateral_judge(c, o);

        /* A CRL of an authority that comes with quotes: appraisals verify it under what came. */
        bool unknown = o->crl && verdict == COLLATERAL_UNKNOWN;

        if (verdict != COLLATERAL_GENUINE && !unknown)
            cli_warn(e->call.cli, "left out: %s: %s", o->file, collateral_verdict_text(verdict));
        else if (catalogue_newest(c, o->name, verdict) == o &&
                 !(unknown && catalogue_newest(c, o->name, COLLATERAL_GENUINE)))
            b->objects[b->count++] = (struct folder_entry){o->name, o->content};
    }
    qsort(b->objects, b->count, sizeof *b->objects, by_name);
}

static bool read_key(struct export *e, struct signing_key **out)
{
    struct bytes pem;
    struct fault fault = {0};

    *out = NULL;
    if (!e->key)
        return true;
    if (input_file(e->call.cli->arena, e->key, LIMIT_KEY_FILE, &pem, &fault)) {
        *out = signing_key_read_pem(pem, &fault);
        secret_wipe((void *)(uintptr_t)pem.p, pem.n);
    }
    if (!*out)
        cli_error(e->call.cli, "--key %s: %s", e->key, fault.text);
    return *out != NULL;
}

static enum status write_bundle(struct export *e, const struct bundle *b, const struct signing_key *key)
{
    struct cli *cli = e->call.cli;
    struct fault fault = {0};
    struct bytes text;

    if (!bundle_write(cli->arena, b, key, &text, &fault)) {
        cli_error(cli, "%s: %s", e->folder, fault.text);
        return STATUS_REFUSED;
    }
    if (strcmp(e->out, "-") == 0)
        return fwrite(text.p, 1, text.n, stdout) == text.n ? STATUS_DONE : STATUS_MISUSE;
    if (!output_file(cli, e->out, text, 0644))
        return STATUS_MISUSE;
    printf("%zu endorsements, number %llu%s\n", b->count, (unsigned long long)b->sequence, key ? "" : ", not signed");
    return STATUS_DONE;
}

static bool export_option(struct export *e, int id, const char *value)
{
    switch (id) {
    case OPTION_OUT: e->out = value; return true;
    case OPTION_KEY: e->key = value; return true;
    case OPTION_SEQUENCE: return read_sequence(e, value);
    default: return collateral_option(&e->call, id, value);
    }
}

static enum status export_run(struct cli *cli, int argc, char **argv)
{
    struct export e = {0};
    struct options o;
    enum status status;
    struct signing_key *key;

    collateral_open(&e.call, cli);
    options_open(&o, cli, argc, argv);
    for (int id; (id = options_next(&o)) != 0;)
        if (!export_option(&e, id, o.value))
            return STATUS_MISUSE;
    if (options_done(&o, 1, 1, &status))
        return status;
    e.folder = options_operand(&o, 0);
    if (!e.out)
        return cli_misuse(cli, "-o FILE is needed");
    if (!collateral_read(&e.call, e.folder) || !read_key(&e, &key))
        return STATUS_MISUSE;
    struct bundle b = {.sequence = e.sequence ? e.sequence : (uint64_t)e.call.time, .time = e.call.time};
    choose(&e, &b);
    status = write_bundle(&e, &b, key);
    signing_key_free(key);
    return status;
}

const struct command collateral_export_command = {
    .name = "collateral export",
    .summary = "put the endorsements of a folder into one signed file",
    .usage = "DIR -o FILE [--key K] [--sequence N] [--anchor F]",
    .about = "Puts all genuine endorsements of the folder into one bundle, signed with the private key K. Of several "
             "about the "
             "same the newest is taken. What is not genuine is left out and named; a CRL whose issuer is not at hand "
             "is taken, "
             "because PCK authorities come with quotes.",
    .options =
        (const struct option_row[]){
            {OPTION_OUT, "output", "FILE", "where the bundle goes; - for standard output"},
            {OPTION_KEY, "key", "K", "private key, PEM: EC P-256 or P-384, or RSA (default: the bundle is not signed)"},
            {OPTION_SEQUENCE, "sequence", "N",
             "number of the bundle, above that of the last one (default: the time, in seconds)"},
            COLLATERAL_OPTION_ANCHOR,
            OPTION_AT("say that it was made at this time"),
            OPTION_END},
    .examples = "  assay collateral export /var/lib/assay/collateral -o endorsements.bundle --key bundle.key\n",
    .run = export_run,
};

struct import {
    struct collateral_call call;
    const char *file, *into, *trust;
    struct import_rules rules;
    struct anchors anchors;
    struct anchor_file trusted;
};

static enum status import_failed(struct import *m, const struct fault *fault)
{
    cli_error(m->call.cli, "%s: %s; nothing was imported", m->file, fault->text);
    return fault->code == FAULT_SYSTEM ? STATUS_MISUSE : STATUS_REFUSED;
}

static void print_import(struct import *m, const struct bundle *b, const struct folder_result *results)
{
    static const char *const words[] = {[FOLDER_NEW] = "new",
                                        [FOLDER_REPLACED] = "replaced",
                                        [FOLDER_SAME] = "same",
                                        [FOLDER_NEWER] = "newer kept",
                                        [FOLDER_OTHER] = "other kept"};
    struct arena *a = m->call.cli->arena;
    struct json *o = json_new(a, JSON_OBJECT), *list = json_new(a, JSON_ARRAY);
    size_t written = 0;

    for (size_t i = 0; i < b->count; i++) {
        struct json *item = json_new(a, JSON_OBJECT);

        written += results[i].outcome <= FOLDER_REPLACED;
        JSON_SET(item, "name", json_new_text(a, bytes_text(b->objects[i].name)));
        JSON_SET(item, "outcome", json_new_text(a, bytes_text(words[results[i].outcome])));
        json_append(list, item);
        if (!m->call.json)
            printf("%-11s %s\n", words[results[i].outcome], b->objects[i].name);
    }
    if (!m->call.json) {
        printf("number %llu: %zu of %zu written\n", (unsigned long long)b->sequence, written, b->count);
        return;
    }
    JSON_SET(o, "sequence", json_new_integer(a, (int64_t)b->sequence));
    if (b->is_signed)
        JSON_SET(o, "key", json_new_text(a, hex_encode(a, BYTES_OF(b->signer))));
    JSON_SET(o, "written", json_new_integer(a, (int64_t)written));
    JSON_SET(o, "objects", list);
    put_json(a, o);
}

static enum status import_bundle(struct import *m)
{
    struct arena *a = m->call.cli->arena;
    struct bundle b;
    struct bundle_memory last;
    struct folder f;
    struct bytes text;
    struct fault fault = {0};

    if (!input_file(a, m->file, LIMIT_BUNDLE, &text, &fault) && fault.code == FAULT_SYSTEM) {
        cli_error(m->call.cli, "%s", fault.text);
        return STATUS_MISUSE;
    }
    if (fault.code != FAULT_NONE || !bundle_read(a, text, &b, &fault))
        return import_failed(m, &fault);
    if (!folder_open(&f, m->into, FOLDER_WRITE, &fault))
        return import_failed(m, &fault);
    struct folder_result *results = ARENA_ARRAY(a, struct folder_result, b.count);
    bool ok = bundle_memory_read(&f, a, &last, &fault) && bundle_import(&f, a, &b, &m->rules, results, &fault);
    folder_close(&f);
    if (!ok)
        return import_failed(m, &fault);
    if (!b.is_signed)
        cli_warn(m->call.cli, "%s is not signed: who made it, and that nothing was left out, is not known", m->file);
    else if (!m->trust && !last.was_signed)
        cli_warn(m->call.cli, "who signed %s is believed from now on; name the key with --trust to be sure", m->file);
    print_import(m, &b, results);
    return STATUS_DONE;
}

static bool import_option(struct import *m, int id, const char *value)
{
    switch (id) {
    case OPTION_INTO: m->into = value; return true;
    case OPTION_TRUST: m->trust = value; return true;
    case OPTION_KEEP: m->rules.keep_newer = true; return true;
    default: return collateral_option(&m->call, id, value);
    }
}

static enum status import_run(struct cli *cli, int argc, char **argv)
{
    struct import m = {0};
    struct options o;
    enum status status;

    collateral_open(&m.call, cli);
    options_open(&o, cli, argc, argv);
    for (int id; (id = options_next(&o)) != 0;)
        if (!import_option(&m, id, o.value))
            return STATUS_MISUSE;
    if (options_done(&o, 1, 1, &status))
        return status;
    m.file = options_operand(&o, 0);
    if (!m.into)
        return cli_misuse(cli, "--into DIR is needed");
    if (!collateral_anchors(&m.call, &m.anchors) || (m.trust && !anchor_read(cli, "--trust", m.trust, &m.trusted)))
        return STATUS_MISUSE;
    m.rules.anchors = &m.anchors;
    m.rules.trusted = m.trust ? m.trusted.spki[0] : NULL;
    m.rules.now = m.call.time;
    return import_bundle(&m);
}

const struct command collateral_import_command = {
    .name = "collateral import",
    .summary = "put the endorsements of a signed file into a folder",
    .usage = "FILE --into DIR [--trust KEY] [--keep-newer] [--anchor F]",
    .about = "Puts all endorsements of a bundle into the folder, or none: none of a bundle that was tampered with, "
             "that another "
             "key signed, that is older than the last one, or of which an object is not genuine or older than what is "
             "there.",
    .options =
        (const struct option_row[]){
            {OPTION_INTO, "into", "DIR", "the folder; made where there is none"},
            {OPTION_TRUST, "trust", "KEY",
             "public key or certificate that must have signed it (default: the key of the last "
             "bundle, where there was one)"},
            {OPTION_KEEP, "keep-newer", NULL, "keep what is newer in the folder, and import the rest"},
            COLLATERAL_OPTION_ANCHOR,
            OPTION_AT("judge at this time"),
            OPTION_JSON,
            OPTION_END},
    .examples =
        "  assay collateral import endorsements.bundle --into /var/lib/assay/collateral --trust bundle.key.pub\n",
    .run = import_run,
};
