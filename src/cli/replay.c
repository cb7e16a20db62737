/* assay replay: a decision that is on record, judged anew from the inputs that its holder brings. */
#include "core/replay.h"

#include <stdio.h>

#include "base/limits.h"
#include "base/text.h"
#include "cli/kept.h"
#include "cli/log_source.h"
#include "cli/policy_file.h"
#include "cli/show.h"
#include "cli/terminal.h"
#include "cli/token_input.h"
#include "cli/verify.h"
#include "core/keeping.h"
#include "merkle/proof.h"

enum { REQUEST = OPTION_BASE, TOKEN, SETTINGS, COLLATERAL, POLICY, KEY, KEPT, KEPT_KEY, CA, TOKEN_FILE, UNPROVED };

#define PROOF_BEGIN    "c2sp.org/tlog-proof"
#define INPUT_OF_CHECK "log.replay." /* behind it stands the input's name */
/* What a record that nothing proves is worth: its maker had the choice of all that it is compared with. */
#define UNPROVED_SAME                                                                                            \
    "nothing proves that this record is in a log: whoever made it up can have made up every input, the anchors " \
    "too"
#define UNPROVED_BELIEVED "; and what is believed of it is proved by nothing"

struct call {
    struct cli *cli;
    const char *record, *request, *token, *settings, *policy, *key;
    const char *kept, *kept_key;   /* a service, or a file that it gave; the private key that opens it */
    struct kept_place place;       /* that service, or the log's folder */
    bool json, is_proof, unproved; /* the last: a record that nothing proves will do */
    struct verification files;     /* what reads endorsements */
    struct replay r;
    bool proved; /* the record is in the log */
    struct log_proof proof;
};

static bool read_file(const struct call *c, const char *path, size_t most, struct bytes *out)
{
    struct fault fault = {0};

    if (input_file(c->cli->arena, path, most, out, &fault))
        return true;
    cli_error(c->cli, "%s", fault.text);
    return false;
}

/* The record itself, or what a proof holds, which is judged where the log's key is known. */
static enum status read_record(struct call *c)
{
    struct log_exam x = {.arena = c->cli->arena, .trace = c->r.trace};
    struct log_key key;

    if (!read_file(c, c->record, LOG_PROOF_MOST, &c->r.record) || (c->key && !log_source_key(c->cli, c->key, &key)))
        return STATUS_MISUSE;
    if (!bytes_begin(c->r.record, PROOF_BEGIN))
        return c->key
                   ? cli_misuse(c->cli, "--key: %s is a record alone; a proof tells that it is in the log", c->record)
                   : STATUS_DONE;
    if (!check_that(&x, LOG_PROOF_SHAPE, log_proof_read(c->cli->arena, c->r.record, &c->proof)))
        return STATUS_REFUSED;
    c->is_proof = true;
    c->r.record = c->proof.entry;
    x.key = &key;
    if (c->key && !log_judge_inclusion(&x, &c->proof))
        return STATUS_REFUSED;
    c->proved = c->key != NULL;
    return STATUS_DONE;
}

static bool read_settings_file(struct call *c, const struct decision *d, enum status *status)
{
    if (c->settings && !input_is_folder(c->settings))
        return read_file(c, c->settings, REPLAY_SETTINGS_MOST, &c->r.settings);
    return kept_settings(&c->place, d->settings, &c->r.settings, status);
}

static bool read_token(struct call *c)
{
    struct token_parts parts;
    struct fault fault = {0};
    struct bytes token;

    if (!token_input(c->cli, c->token, &token))
        return false;
    if (!token_split(c->cli->arena, token, &parts, &fault)) {
        cli_error(c->cli, "--token: not a token: %s", fault.text);
        return false;
    }
    c->r.payload = parts.payload_bytes;
    return true;
}

static bool is_url(const char *where)
{
    return where && strncmp(where, "https://", 8) == 0;
}

static bool read_blob(struct call *c, struct bytes *out, enum status *status)
{
    if (!is_url(c->kept))
        return read_file(c, c->kept, KEPT_FILE_MOST, out);
    if (c->is_proof)
        return kept_inputs_fetch(&c->place, c->proof.index, out, status);
    cli_misuse(c->cli, "--kept %s: %s is a record alone; a proof tells its index", c->kept, c->record);
    return false;
}

/* What the provider had kept. */
static bool read_kept(struct call *c, enum status *status)
{
    struct fault fault = {0};
    struct bytes pem, blob;

    if (!read_file(c, c->kept_key, LIMIT_KEY_FILE, &pem) || !read_blob(c, &blob, status))
        return false;
    struct cms_key *key = cms_key_read(pem, &fault);
    if (!key) {
        cli_error(c->cli, "--kept-key %s: %s", c->kept_key, fault.text);
        return false;
    }
    bool ok = replay_open_kept(&c->r, key, blob);
    cms_key_free(key);
    if (!ok)
        *status = STATUS_REFUSED;
    return ok;
}

/* Named ones, or those that were kept. */
static bool read_endorsements(struct call *c, const struct decision *d, enum status *status)
{
    bool at_hand =
        (is_url(c->kept) || input_is_folder(c->settings)) && kept_has_endorsements(&c->place, d->endorsements);

    if (!(c->files.collateral.n || !at_hand ? verify_gather_endorsements(&c->files)
                                            : kept_endorsements(&c->place, d->endorsements, &c->files, status)))
        return false;
    c->r.endorsements = c->files.endorsements;
    digest_set_end(&c->files.contents, c->r.contents_digest);
    return true;
}

/* False: *status says whether it was refused, and the trace why, or it was reported. */
static bool read_inputs(struct call *c, enum status *status)
{
    struct decision d;

    *status = STATUS_MISUSE;
    if (!check_that(&c->r, LOG_RECORD_SHAPE, decision_read(c->r.record, &d))) {
        *status = STATUS_REFUSED;
        return false;
    }
    c->place.folder = is_url(c->kept) ? NULL : c->settings;
    return kept_open(&c->place) && (!c->kept || read_kept(c, status)) &&
           (!c->request || read_file(c, c->request, LIMIT_TOOL_FILE, &c->r.request)) && (!c->token || read_token(c)) &&
           read_settings_file(c, &d, status) && (!c->policy || policy_file_read(c->cli, c->policy, &c->r.policy)) &&
           read_endorsements(c, &d, status);
}

/* Checks that nobody but the service could make, and that the record stands for; NULL: there are none. */
static struct json *believed(const struct call *c)
{
    struct arena *a = c->cli->arena;
    const struct trace *t = c->r.x.exam.trace;
    struct json *list = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < t->n; i++)
        if (t->entries[i].result == CHECK_SKIP && bytes_begin(bytes_text(t->entries[i].setting), EXAM_BELIEVED))
            json_append(list, json_new_text(a, bytes_text(check_table[t->entries[i].id].id)));
    return list->first ? list : NULL;
}

static void put_headline(const struct call *c, const char *unproved)
{
    if (c->proved)
        printf("%ssame%s: the record is in the log, all inputs are those on record, and the token comes out byte for "
               "byte\n",
               ink(stdout, INK_GOOD), ink(stdout, INK_NONE));
    else
        printf(
            "%ssame, but unproved%s: the inputs are those of this record, and the token comes out byte for byte; %s\n",
            ink(stdout, INK_WARNING), ink(stdout, INK_NONE), unproved);
}

static void put_same(const struct call *c)
{
    struct arena *a = c->cli->arena;
    struct json *o = json_new(a, JSON_OBJECT), *list = believed(c);
    const char *unproved = list ? UNPROVED_SAME UNPROVED_BELIEVED : UNPROVED_SAME;

    JSON_SET(o, "same", json_new_boolean(a, true));
    JSON_SET(o, "inLog", json_new_boolean(a, c->proved));
    if (c->proved)
        JSON_SET(o, "index", json_new_integer(a, (int64_t)c->proof.index));
    else
        JSON_SET(o, "unproved", json_new_text(a, bytes_text(unproved)));
    JSON_SET(o, "record", decision_json(a, &c->r.decision));
    if (list)
        JSON_SET(o, "believed", list);
    if (c->json) {
        put_json(a, o);
        return;
    }
    put_headline(c, unproved);
    put_tree(stdout, o, 0);
}

static enum status refused(const struct call *c)
{
    struct arena *a = c->cli->arena;
    const struct trace_entry *failure = trace_failure(c->r.trace);
    const char *id = check_table[failure->id].id;
    struct bytes reason = trace_message(c->r.trace, a);

    if (c->json) {
        struct json *o = json_new(a, JSON_OBJECT);

        JSON_SET(o, "same", json_new_boolean(a, false));
        JSON_SET(o, "failed", json_new_text(a, bytes_text(id)));
        if (bytes_begin(bytes_text(id), INPUT_OF_CHECK))
            JSON_SET(o, "differs", json_new_text(a, bytes_text(id + strlen(INPUT_OF_CHECK))));
        JSON_SET(o, "reason", json_new_text(a, text_clean(a, reason)));
        put_json(a, o);
    }
    cli_error(c->cli, "%s", arena_string(a, reason));
    return STATUS_REFUSED;
}

/* Kept inputs come from whoever has the service's disk, and with a record of his own making they say nothing. */
static enum status refused_unproved(const struct call *c)
{
    struct arena *a = c->cli->arena;
    const char *missing = c->is_proof ? "give the log's key, from a trusted source, with --key"
                                      : "give a proof of it, as `assay log prove` writes one, and the log's key with "
                                        "--key";

    if (c->json) {
        struct json *o = json_new(a, JSON_OBJECT);

        JSON_SET(o, "same", json_new_boolean(a, false));
        JSON_SET(o, "inLog", json_new_boolean(a, false));
        JSON_SET(o, "unproved", json_new_text(a, BYTES_LIT(UNPROVED_SAME)));
        put_json(a, o);
    }
    cli_error(c->cli, "not judged: %s; %s, or take it as it is with --unproved", UNPROVED_SAME, missing);
    return STATUS_REFUSED;
}

static enum status replay(struct call *c)
{
    enum status status = read_record(c);

    if (status != STATUS_DONE)
        return status == STATUS_REFUSED ? refused(c) : status;
    if (c->kept && !c->proved && !c->unproved)
        return refused_unproved(c);
    if (!read_inputs(c, &status))
        return trace_failure(c->r.trace) ? refused(c) : status;
    if (!replay_judge(&c->r))
        return refused(c);
    put_same(c);
    return STATUS_DONE;
}

static enum status replay_run(struct cli *cli, int argc, char **argv)
{
    struct call c = {.cli = cli, .place.remote.cli = cli, .r = {.arena = cli->arena, .trace = trace_new(cli->arena)}};
    struct options o;
    enum status status;

    verify_open(&c.files, cli);
    options_open(&o, cli, argc, argv);
    for (int id; (id = options_next(&o)) != 0;)
        switch (id) {
        case REQUEST: c.request = o.value; break;
        case TOKEN: c.token = o.value; break;
        case SETTINGS: c.settings = o.value; break;
        case COLLATERAL: path_list_add(cli->arena, &c.files.collateral, o.value); break;
        case POLICY: c.policy = o.value; break;
        case KEY: c.key = o.value; break;
        case KEPT: c.kept = o.value; break;
        case KEPT_KEY: c.kept_key = o.value; break;
        case CA: c.place.remote.ca_file = o.value; break;
        case TOKEN_FILE: c.place.remote.token_file = o.value; break;
        case UNPROVED: c.unproved = true; break;
        default: c.json = true;
        }
    if (options_done(&o, 1, 1, &status))
        return status;
    if (!c.kept != !c.kept_key)
        return cli_misuse(cli, "--kept and --kept-key go together");
    if (c.unproved && (!c.kept || c.key))
        return cli_misuse(cli, "--unproved goes with --kept, in the place of --key");
    if ((!c.kept && (!c.request || !c.token)) || (!is_url(c.kept) && !c.settings))
        return cli_misuse(cli, "--request, --token and --settings must be given, or --kept of a service");
    c.place.remote.url = c.kept;
    c.record = options_operand(&o, 0);
    status = replay(&c);
    endorsements_free(c.files.endorsements);
    return status;
}

const struct command replay_command = {
    .name = "replay",
    .summary = "judge a decision on record anew, from its inputs",
    .usage = "RECORD (--request F --token TOKEN --settings F|DIR | --kept URL|F --kept-key F) [--collateral DIR|F] "
             "[--policy F] [--key KEY | --unproved]",
    .about = "Compares every input with its hash in the record, then judges the request at the time of the record and "
             "compares the token that comes out, byte for byte. What differs is named: provider, evidence, settings, "
             "policy, endorsements, outcome. RECORD is a proof that `assay log prove` wrote, or a bare record. With "
             "--kept the inputs are those that the provider had the service keep; what is given beside it goes "
             "before, and the record must be proved: --key is needed, or --unproved.",
    .options =
        (const struct option_row[]){
            {REQUEST, "request", "F", "the request's body as it was sent"},
            {TOKEN, "token", "TOKEN|F", "the token that answered it: it has the salt of the record, and its entropy"},
            {SETTINGS, "settings", "F|DIR",
             "the settings and anchors that were in force, or the log's folder, which keeps them and may keep the "
             "endorsements"},
            {COLLATERAL, "collateral", "DIR|F",
             "all endorsements that were in force: a folder, a bundle or one file; repeatable"},
            {POLICY, "policy", "F", "the policy's text (default: the default policy of the kind of evidence)"},
            OPTION_LOG_KEY(KEY),
            {KEPT, "kept", "URL|F",
             "the inputs that a service kept, which gives settings and endorsements too; or a file of `assay log "
             "inputs`"},
            {KEPT_KEY, "kept-key", "F", "PEM: the private key that they are encrypted for"},
            {UNPROVED, "unproved", NULL,
             "with --kept and without --key: take a record that nothing proves to be in a log"},
            OPTION_CA(CA),
            OPTION_TOKEN_FILE(TOKEN_FILE),
            OPTION_JSON,
            OPTION_END,
        },
    .examples = "  assay replay 4711.proof --key log.key --request request.json --token token.jwt --settings log/ "
                "--collateral endorsements/\n"
                "  assay replay 4711.proof --key log.key --kept https://attest.example --kept-key auditor.key\n",
    .run = replay_run,
};
