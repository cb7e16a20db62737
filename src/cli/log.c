/* assay log: what a log of decisions has, and proofs of it. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/limits.h"
#include "cli/input.h"
#include "cli/log_source.h"
#include "cli/terminal.h"
#include "core/decision.h"

enum { LOG = OPTION_BASE, KEY, WITNESS, WITNESS_AGE, CA, ID, FROM, COUNT };

enum {
    WITNESS_AGE_SECONDS = 3600, /* a service has its checkpoint cosigned anew at each checkpoint_seconds */
    WITNESS_AGE_MOST = 2000000000,
};

struct arguments {
    const char *log, *key, *witness, *witness_age, *ca, *id, *from, *count;
    bool json;
};

static bool read_arguments(struct cli *cli, struct options *o, int argc, char **argv, int least, int most,
                           struct arguments *out, enum status *status)
{
    *out = (struct arguments){0};
    options_open(o, cli, argc, argv);
    for (int id; (id = options_next(o)) != 0;)
        switch (id) {
        case LOG: out->log = o->value; break;
        case KEY: out->key = o->value; break;
        case WITNESS: out->witness = o->value; break;
        case WITNESS_AGE: out->witness_age = o->value; break;
        case CA: out->ca = o->value; break;
        case ID: out->id = o->value; break;
        case FROM: out->from = o->value; break;
        case COUNT: out->count = o->value; break;
        default: out->json = true;
        }
    return !options_done(o, least, most, status);
}

static enum status refused(const struct cli *cli, const struct log_exam *x)
{
    cli_error(cli, "%s", arena_string(cli->arena, trace_message(x->trace, cli->arena)));
    return STATUS_REFUSED;
}

static struct log_exam exam_of(const struct cli *cli, const struct log_key *key)
{
    return (struct log_exam){.arena = cli->arena, .trace = trace_new(cli->arena), .key = key};
}

/* Who cosigned the checkpoint, and when. */
static void show_witness(const struct log_exam *x, struct json *shown)
{
    char when[32];

    if (!x->witness)
        return;
    time_format(x->cosigned, when);
    JSON_SET(shown, "witness", json_new_text(x->arena, x->witness->name));
    JSON_SET(shown, "cosigned", json_new_text(x->arena, arena_copy(x->arena, bytes_text(when))));
}

static bool read_index(const char *text, uint64_t *out)
{
    return text && log_number(bytes_text(text), out);
}

/* Which witness is demanded, and how old its cosignature may be. False: it has been reported. */
static bool read_witness(const struct cli *cli, const struct arguments *o, struct log_exam *x)
{
    uint64_t age = WITNESS_AGE_SECONDS;

    if (o->witness_age && (!o->witness || !read_index(o->witness_age, &age) || age > WITNESS_AGE_MOST)) {
        cli_misuse(cli, "--witness-age is a number of seconds, 0 for any age, and needs --witness");
        return false;
    }
    x->now = (int64_t)time(NULL);
    x->witness_age = (int64_t)age;
    return log_source_witness(cli, o->witness, &x->witness);
}

/* The log's checkpoint, judged where a key is at hand; its size is what the reader goes by. */
static bool open_at_checkpoint(struct log_source *s, const struct arguments *o, struct log_exam *x, struct bytes *note,
                               enum status *status)
{
    struct bytes text;
    struct log_key *key = ARENA_NEW(s->cli->arena, struct log_key);

    *status = STATUS_MISUSE;
    *x = exam_of(s->cli, key);
    if ((o->key && !log_source_key(s->cli, o->key, key)) || !read_witness(s->cli, o, x))
        return false;
    if (x->witness && !o->key) {
        cli_misuse(s->cli, "--witness needs --key too: a witness vouches for a log, and the key says which");
        return false;
    }
    if (!log_source_file(s, "checkpoint", LOG_NOTE_MOST, note))
        return false;
    if (o->key
            ? !log_judge_checkpoint(x, *note)
            : !check_that(x, LOG_CHECKPOINT_SHAPE, note_text(*note, &text) && checkpoint_parse(text, &x->checkpoint))) {
        *status = refused(s->cli, x);
        return false;
    }
    s->reader.size = x->checkpoint.size;
    return true;
}

/* The index of the record of this id; the newest are looked through first. */
static bool find_id(struct log_source *s, const char *id, uint64_t *index, enum status *status)
{
    struct fault fault = {0};
    struct bytes bundle, entry;
    struct decision d;

    for (uint64_t b = (s->reader.size + TILE_WIDTH - 1) / TILE_WIDTH; b-- > 0;) {
        bool found = false;

        progress("looking through record %llu", (unsigned long long)(b * TILE_WIDTH));
        if (!log_reader_bundle(&s->reader, b, &bundle, &fault)) {
            cli_error(s->cli, "%s", fault.text);
            *status = STATUS_MISUSE;
            return false;
        }
        struct reader r = rd_open(bundle);
        for (uint64_t i = 0; rd_left(&r) && rd_entry(&r, &entry); i++)
            if (decision_read(entry, &d) && bytes_is(d.id, id)) {
                *index = b * TILE_WIDTH + i;
                found = true;
            }
        progress(NULL);
        if (found)
            return true;
    }
    cli_error(s->cli, "no record of the log, up to its newest checkpoint, has the id %s", id);
    *status = STATUS_REFUSED;
    return false;
}

static enum status prove(struct log_source *s, const struct arguments *o, const char *index_text)
{
    struct log_proof proof = {0};
    struct fault fault = {0};
    struct log_exam x;
    enum status status;

    if (!open_at_checkpoint(s, o, &x, &proof.checkpoint, &status) ||
        (o->id && !find_id(s, o->id, &proof.index, &status)))
        return status;
    if (!o->id && !read_index(index_text, &proof.index))
        return cli_misuse(s->cli, "%s is no index of a record: a number from 0", index_text);
    const struct merkle_source source = log_reader_source(&s->reader);
    if (!log_reader_entry(&s->reader, s->cli->arena, proof.index, &proof.entry, &fault) ||
        !merkle_prove_inclusion(&source, proof.index, s->reader.size, &proof.path, &fault)) {
        cli_error(s->cli, "%s", fault.text);
        return fault.code == FAULT_USAGE ? STATUS_REFUSED : STATUS_MISUSE;
    }
    struct merkle_hash leaf;
    merkle_leaf(proof.entry, &leaf);
    if (!check_that(&x, LOG_INCLUSION,
                    merkle_included(&leaf, proof.index, s->reader.size, &proof.path, &x.checkpoint.root)))
        return refused(s->cli, &x);
    struct bytes text = log_proof_write(s->cli->arena, &proof);
    fwrite(text.p, 1, text.n, stdout);
    return STATUS_DONE;
}

static enum status prove_run(struct cli *cli, int argc, char **argv)
{
    struct options o;
    struct arguments given;
    enum status status;

    if (!read_arguments(cli, &o, argc, argv, 0, 1, &given, &status))
        return status;
    if (!options_operand(&o, 0) == !given.id)
        return cli_misuse(cli, "give the index of a record, or --id");
    struct log_source s = {.cli = cli, .where = given.log, .ca_file = given.ca};
    if (!log_source_open(&s))
        return STATUS_MISUSE;
    status = prove(&s, &given, options_operand(&o, 0));
    log_source_close(&s);
    return status;
}

static struct json *entry_json(struct arena *a, struct bytes entry, uint64_t index)
{
    struct json *o = json_new(a, JSON_OBJECT);
    struct decision d;

    JSON_SET(o, "index", json_new_integer(a, (int64_t)index));
    JSON_SET(o, "record", decision_read(entry, &d) ? decision_json(a, &d) : json_new(a, JSON_NULL));
    return o;
}

static enum status verify_run(struct cli *cli, int argc, char **argv)
{
    struct options o;
    struct arguments given;
    struct log_proof proof;
    struct log_key key;
    struct fault fault = {0};
    struct bytes text;
    enum status status;

    if (!read_arguments(cli, &o, argc, argv, 1, 1, &given, &status))
        return status;
    if (!given.key)
        return cli_misuse(cli, "--key must be given: without the log's key anybody could have made the proof");
    if (!log_source_key(cli, given.key, &key))
        return STATUS_MISUSE;
    if (!input_file(cli->arena, options_operand(&o, 0), LOG_PROOF_MOST, &text, &fault)) {
        cli_error(cli, "%s", fault.text);
        return STATUS_MISUSE;
    }
    struct log_exam x = exam_of(cli, &key);
    if (!read_witness(cli, &given, &x))
        return STATUS_MISUSE;
    if (!check_that(&x, LOG_PROOF_SHAPE, log_proof_read(cli->arena, text, &proof)) || !log_judge_inclusion(&x, &proof))
        return refused(cli, &x);
    struct json *shown = entry_json(cli->arena, proof.entry, proof.index);
    JSON_SET(shown, "origin", json_new_text(cli->arena, x.checkpoint.origin));
    JSON_SET(shown, "size", json_new_integer(cli->arena, (int64_t)x.checkpoint.size));
    show_witness(&x, shown);
    if (given.json) {
        put_json(cli->arena, shown);
        return STATUS_DONE;
    }
    printf("%sin the log%s\n", ink(stdout, INK_GOOD), ink(stdout, INK_NONE));
    put_tree(stdout, shown, 0);
    return STATUS_DONE;
}

static bool read_note(struct cli *cli, const char *path, struct bytes *out)
{
    struct fault fault = {0};

    if (input_file(cli->arena, path, LOG_NOTE_MOST, out, &fault))
        return true;
    cli_error(cli, "%s", fault.text);
    return false;
}

static enum status consistency(struct log_source *s, struct log_exam x, struct bytes old_note, struct bytes new_note,
                               bool json)
{
    const struct cli *cli = s->cli;
    const struct log_key *witness = x.witness;
    struct merkle_path path = {0};
    struct fault fault = {0};

    x.witness = NULL; /* the older one may be of a time when there was none */
    if (!log_judge_checkpoint(&x, old_note))
        return refused(cli, &x);
    struct checkpoint old = x.checkpoint;
    x.witness = witness;
    if (!log_judge_checkpoint(&x, new_note))
        return refused(cli, &x);
    s->reader.size = x.checkpoint.size;
    const struct merkle_source source = log_reader_source(&s->reader);
    if (!merkle_prove_consistency(&source, old.size, x.checkpoint.size, &path, &fault) && fault.code != FAULT_USAGE) {
        cli_error(cli, "%s", fault.text);
        return STATUS_MISUSE;
    }
    if (!log_judge_growth(&x, &old, &x.checkpoint, &path))
        return refused(cli, &x);
    if (json) {
        struct json *o = json_new(cli->arena, JSON_OBJECT);

        JSON_SET(o, "origin", json_new_text(cli->arena, old.origin));
        JSON_SET(o, "oldSize", json_new_integer(cli->arena, (int64_t)old.size));
        JSON_SET(o, "newSize", json_new_integer(cli->arena, (int64_t)x.checkpoint.size));
        show_witness(&x, o);
        put_json(cli->arena, o);
    } else {
        printf("%sconsistent%s: %.*s went on from %llu to %llu records, and changed none\n", ink(stdout, INK_GOOD),
               ink(stdout, INK_NONE), (int)old.origin.n, (const char *)old.origin.p, (unsigned long long)old.size,
               (unsigned long long)x.checkpoint.size);
    }
    return STATUS_DONE;
}

static enum status consistency_run(struct cli *cli, int argc, char **argv)
{
    struct options o;
    struct arguments given;
    struct bytes old_note, new_note;
    struct log_key key;
    enum status status;

    if (!read_arguments(cli, &o, argc, argv, 1, 2, &given, &status))
        return status;
    if (!given.key)
        return cli_misuse(cli, "--key must be given: without the log's key anybody could have made the checkpoints");
    struct log_source s = {.cli = cli, .where = given.log, .ca_file = given.ca};
    const char *newer = options_operand(&o, 1);
    struct log_exam x = exam_of(cli, &key);
    if (!log_source_key(cli, given.key, &key) || !read_witness(cli, &given, &x) ||
        !read_note(cli, options_operand(&o, 0), &old_note) || (newer && !read_note(cli, newer, &new_note)) ||
        !log_source_open(&s))
        return STATUS_MISUSE;
    status = STATUS_MISUSE;
    if (newer || log_source_file(&s, "checkpoint", LOG_NOTE_MOST, &new_note))
        status = consistency(&s, x, old_note, new_note, given.json);
    log_source_close(&s);
    return status;
}

static enum status show(struct log_source *s, const struct arguments *o)
{
    struct arena *a = s->cli->arena;
    struct fault fault = {0};
    struct log_exam x;
    struct bytes note, entry;
    enum status status;
    uint64_t count = 10, first;

    if (!open_at_checkpoint(s, o, &x, &note, &status))
        return status;
    if (o->count && !read_index(o->count, &count))
        return cli_misuse(s->cli, "--count needs a number");
    first = s->reader.size > count ? s->reader.size - count : 0;
    if (o->from && !read_index(o->from, &first))
        return cli_misuse(s->cli, "--from needs the index of a record");
    struct json *all = json_new(a, JSON_OBJECT), *records = json_new(a, JSON_ARRAY);
    JSON_SET(all, "origin", json_new_text(a, x.checkpoint.origin));
    JSON_SET(all, "size", json_new_integer(a, (int64_t)x.checkpoint.size));
    JSON_SET(all, "records", records);
    for (uint64_t i = first; i < s->reader.size && i - first < count; i++) {
        if (!log_reader_entry(&s->reader, a, i, &entry, &fault)) {
            cli_error(s->cli, "%s", fault.text);
            return STATUS_MISUSE;
        }
        json_append(records, entry_json(a, entry, i));
    }
    if (o->json)
        put_json(a, all);
    else
        put_tree(stdout, all, 0);
    return STATUS_DONE;
}

static enum status show_run(struct cli *cli, int argc, char **argv)
{
    struct options o;
    struct arguments given;
    enum status status;

    if (!read_arguments(cli, &o, argc, argv, 0, 0, &given, &status))
        return status;
    struct log_source s = {.cli = cli, .where = given.log, .ca_file = given.ca};
    if (!log_source_open(&s))
        return STATUS_MISUSE;
    status = show(&s, &given);
    log_source_close(&s);
    return status;
}

#define OPTION_LOG_CA                                                                            \
    {                                                                                            \
        CA, "ca", "F",                                                                           \
            "PEM: trust these certificates alone for the connection to a service (default: the " \
            "system's, and those of the file that NODE_EXTRA_CA_CERTS names)"                    \
    }

static const struct option_row prove_rows[] = {
    OPTION_LOG(LOG),     {ID, "id", "ID", "the record of the answer with this x-ms-request-id, which is looked for"},
    OPTION_LOG_KEY(KEY), OPTION_LOG_WITNESS(WITNESS, WITNESS_AGE),
    OPTION_LOG_CA,       OPTION_END,
};
static const struct option_row verify_rows[] = {
    OPTION_LOG_KEY(KEY),
    OPTION_LOG_WITNESS(WITNESS, WITNESS_AGE),
    OPTION_JSON,
    OPTION_END,
};
static const struct option_row consistency_rows[] = {
    OPTION_LOG(LOG), OPTION_LOG_KEY(KEY), OPTION_LOG_WITNESS(WITNESS, WITNESS_AGE),
    OPTION_LOG_CA,   OPTION_JSON,         OPTION_END,
};
static const struct option_row show_rows[] = {
    OPTION_LOG(LOG),
    {FROM, "from", "INDEX", "begin with this record (default: the last ones)"},
    {COUNT, "count", "N", "show so many (default: 10)"},
    OPTION_LOG_KEY(KEY),
    OPTION_LOG_CA,
    OPTION_JSON,
    OPTION_END,
};

const struct command log_prove_command = {
    .name = "log prove",
    .summary = "prove that a decision is in the log",
    .usage = "INDEX | --id ID [--log DIR|URL]",
    .about = "Prints a proof that holds the record, its place, the hashes up to the root, and the log's newest "
             "checkpoint: a file for `assay log verify`, which needs nothing else but the log's key. The index stands "
             "in the answer that the record is of, in the header x-assay-decision.",
    .options = prove_rows,
    .examples =
        "  assay log prove 4711 --log https://node-1.example > 4711.proof\n"
        "  assay log prove --id \"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\" --log /var/lib/assay/log\n",
    .run = prove_run,
};

const struct command log_verify_command = {
    .name = "log verify",
    .summary = "is a decision in the log? From its proof alone",
    .usage = "PROOF --key KEY [--witness KEY [--witness-age SECONDS]]",
    .about = "Judges the checkpoint's signature, and that the record stands at its place in the log. Nothing is asked "
             "of the service. Shows the record.",
    .options = verify_rows,
    .examples = "  assay log verify 4711.proof --key log.key\n",
    .run = verify_run,
};

const struct command log_consistency_command = {
    .name = "log consistency",
    .summary = "does a checkpoint of the log go on from an older one?",
    .usage = "OLD [NEW] --key KEY [--witness KEY [--witness-age SECONDS]] [--log DIR|URL]",
    .about = "Keep a checkpoint of the log, and ask later: a log that was rewritten, or cut, since is refused. Without "
             "NEW the log's own checkpoint of now is taken.",
    .options = consistency_rows,
    .examples = "  assay log consistency kept.checkpoint --key log.key --log https://node-1.example\n",
    .run = consistency_run,
};

const struct command log_show_command = {
    .name = "log show",
    .summary = "the newest records of the log",
    .usage = "[--log DIR|URL]",
    .options = show_rows,
    .examples = "  assay log show --log /var/lib/assay/log --count 3\n",
    .run = show_run,
};
