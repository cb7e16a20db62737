/* assay release announce: put a release's measurement into the signed list, by the schedule. */
#include <stdio.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/text.h"
#include "cli/input.h"
#include "cli/output.h"
#include "cli/release.h"
#include "cli/terminal.h"
#include "crypto/jose.h"
#include "crypto/sign.h"
#include "trust/measurement.h"

enum {
    OPTION_KEY = OPTION_BASE,
    OPTION_COMPONENT,
    OPTION_VERSION,
    OPTION_KIND,
    OPTION_VALUE,
    OPTION_DIGEST,
    OPTION_UNPLANNED,
    OPTION_PARTIAL
};

struct announcing {
    struct cli *cli;
    const char *file, *key_file;
    struct json *record, *values, *digests;
    bool planned, partial;
    int64_t time;
    struct signing_key *key;
    struct records list;
};

static bool wrong(struct announcing *x, const char *option, const char *value, const char *expected)
{
    cli_misuse(x->cli, "--%s %s: %s", option, value, expected);
    return false;
}

/* NAME=VALUE; the members of a record have their own forms, which are judged where it is read. */
static bool split(struct announcing *x, const char *option, const char *value, struct bytes *name, struct bytes *rest)
{
    const char *sign = strchr(value, '=');

    if (!sign || sign == value || !sign[1])
        return wrong(x, option, value, "NAME=VALUE is wanted");
    *name = bytes_make(value, (size_t)(sign - value));
    *rest = bytes_text(sign + 1);
    return true;
}

static bool take_value(struct announcing *x, const char *value)
{
    struct arena *a = x->cli->arena;
    struct bytes name, text;
    const struct json *number;

    if (!split(x, "value", value, &name, &text))
        return false;
    if (json_member(x->values, arena_string(a, name)))
        return wrong(x, "value", value, "it was given already");
    bool counts = bytes_is(name, "product_id") || bytes_is(name, "svn");
    if (counts && !json_parse(a, text, NULL, &number, NULL))
        return wrong(x, "value", value, "no number");
    json_set(x->values, name, counts ? json_link(a, number) : json_new_text(a, text));
    return true;
}

/* Of a file: PATH, whose last part is the program's name; or NAME=HEX. */
static bool take_digest(struct announcing *x, const char *value)
{
    struct arena *a = x->cli->arena;
    struct bytes name, text, content;
    struct fault fault = {0};

    if (strchr(value, '=')) {
        if (!split(x, "digest", value, &name, &text))
            return false;
    } else {
        const char *slash = strrchr(value, '/');

        if (!input_file(a, value, LIMIT_BUNDLE, &content, &fault)) {
            cli_error(x->cli, "--digest %s", fault.text);
            return false;
        }
        name = bytes_text(slash ? slash + 1 : value);
        text = hex_encode(a, sha256_of(a, content));
    }
    if (json_member(x->digests, arena_string(a, name)))
        return wrong(x, "digest", value, "this program was given already");
    json_set(x->digests, name, json_new_text(a, text));
    return true;
}

static bool read_option(struct announcing *x, int id, const char *value)
{
    static const char *const members[] = {"component", "version", "kind"};

    switch (id) {
    case OPTION_KEY: x->key_file = value; return true;
    case OPTION_COMPONENT:
    case OPTION_VERSION:
    case OPTION_KIND:
        if (json_member(x->record, members[id - OPTION_COMPONENT]))
            return wrong(x, members[id - OPTION_COMPONENT], value, "it was given already");
        json_set(x->record, bytes_text(members[id - OPTION_COMPONENT]),
                 json_new_text(x->cli->arena, bytes_text(value)));
        return true;
    case OPTION_VALUE: return take_value(x, value);
    case OPTION_DIGEST: return take_digest(x, value);
    case OPTION_UNPLANNED: x->planned = false; return true;
    case OPTION_PARTIAL: x->partial = true; return true;
    default: return input_time(value, &x->time) || wrong(x, "at", value, "no time");
    }
}

static bool read_key(struct announcing *x)
{
    struct fault fault = {0};
    struct bytes pem;

    if (!input_file(x->cli->arena, x->key_file, LIMIT_KEY_FILE, &pem, &fault)) {
        cli_error(x->cli, "%s", fault.text);
        return false;
    }
    x->key = signing_key_read_pem(pem, &fault);
    secret_wipe((void *)(uintptr_t)pem.p, pem.n);
    if (x->key && signing_key_kind(x->key) == KEY_P256)
        return true;
    cli_error(x->cli, "--key %s: %s", x->key_file, x->key ? "not a key on P-256" : fault.text);
    return false;
}

/* What was announced before, under the same key. */
static bool read_list(struct announcing *x)
{
    struct arena *a = x->cli->arena;
    const struct records_exam exam = {.arena = a, .trace = trace_new(a)};
    struct public_key public_key;
    struct bytes text;

    if (access(x->file, F_OK) != 0)
        return true;
    if (!release_list_read(x->cli, x->file, NULL, &text) ||
        !public_key_decode(a, signing_key_spki(x->key, a), &public_key))
        return false;
    if (records_read(&exam, text, &public_key, &x->list))
        return true;
    cli_error(x->cli, "%s: %s", x->file, arena_string(a, trace_message(exam.trace, a)));
    return false;
}

static bool sign_list(struct announcing *x, struct bytes *out)
{
    struct arena *a = x->cli->arena;
    struct writer w = wr_open(a);
    struct bytes signature;

    wr_base64url(&w, BYTES_LIT(RECORDS_HEADER));
    wr_u8(&w, '.');
    wr_base64url(&w, records_payload(a, &x->list));
    if (!sign_message(x->key, SIGNATURE_ES256, wr_done(&w), a, &signature)) {
        cli_error(x->cli, "the key cannot sign");
        return false;
    }
    wr_u8(&w, '.');
    wr_base64url(&w, signature);
    wr_u8(&w, '\n');
    *out = wr_done(&w);
    return true;
}

static bool announce(struct announcing *x)
{
    struct arena *a = x->cli->arena;
    struct fault fault = {0};
    struct record r;
    struct bytes text;

    JSON_SET(x->record, "planned", json_new_boolean(a, x->planned));
    if (x->values->count)
        JSON_SET(x->record, "values", x->values);
    if (x->digests->count)
        JSON_SET(x->record, "digests", x->digests);
    const char *why = record_read(a, x->record, true, &r);
    if (!why && (!r.component.n || !r.version.n))
        why = "--component and --version are needed";
    if (!why && !x->partial && !measurement_is_whole(&r.values))
        why = r.values.tee == TEE_KIND_TDX
                  ? "mrtd is the firmware alone: name rtmr0, rtmr1 and rtmr2 too, or say --partial"
                  : "measurement is the launch alone: name host_data too (zeros where the host gives none), or say "
                    "--partial";
    if (why) {
        cli_misuse(x->cli, "%s", why);
        return false;
    }
    r.announced = x->time;
    if (!read_key(x) || !read_list(x))
        return false;
    if (!records_announce(a, &x->list, &r, &fault)) {
        cli_error(x->cli, "%s", fault.text);
        return false;
    }
    return sign_list(x, &text) && output_file(x->cli, x->file, text, 0644);
}

static enum status announce_run(struct cli *cli, int argc, char **argv)
{
    struct announcing x = {.cli = cli,
                           .record = json_new(cli->arena, JSON_OBJECT),
                           .values = json_new(cli->arena, JSON_OBJECT),
                           .digests = json_new(cli->arena, JSON_OBJECT),
                           .planned = true,
                           .time = input_now()};
    struct options o;
    enum status status;

    options_open(&o, cli, argc, argv);
    for (int id; (id = options_next(&o)) != 0;)
        if (!read_option(&x, id, o.value))
            return STATUS_MISUSE;
    if (options_done(&o, 1, 1, &status))
        return status;
    x.file = options_operand(&o, 0);
    if (!x.key_file)
        return cli_misuse(cli, "--key F is needed: who announces? `assay collateral key` makes one");
    bool ok = announce(&x);
    signing_key_free(x.key);
    if (ok)
        release_print_record(cli, &x.list.v[x.list.count - 1], x.time);
    return ok ? STATUS_DONE : STATUS_MISUSE;
}

const struct command release_announce_command = {
    .name = "release announce",
    .summary = "put a release's measurement into the signed list",
    .usage =
        "FILE --key F --component NAME --version V --kind KIND --value NAME=VALUE… [--digest F|NAME=HEX]… [OPTIONS]",
    .about = "A planned release is usable two months after its announcement, and those before it are retired after "
             "three. An "
             "unplanned one, when a flaw was found, is usable after one month, and those before it are retired then. "
             "The first of "
             "a component and kind is usable at once. The list is made if it is not there, and signed anew as a whole.",
    .options =
        (const struct option_row[]){
            {OPTION_KEY, "key", "F", "private key in PEM, on P-256 (assay collateral key)"},
            {OPTION_COMPONENT, "component", "NAME", "what is released"},
            {OPTION_VERSION, "version", "V", "its version"},
            {OPTION_KIND, "kind", "KIND", "sgx, snp, tdx, or software, which has digests alone"},
            {OPTION_VALUE, "value", "NAME=VALUE",
             "mrenclave, mrsigner, product_id, svn; measurement, host_data; mrtd, rtmr0 to rtmr3; repeatable"},
            {OPTION_DIGEST, "digest", "F|NAME=HEX", "SHA-256 of a program, or the program; repeatable"},
            {OPTION_PARTIAL, "partial", NULL,
             "announce although rtmr0 to rtmr2 (TDX) or host_data (SEV-SNP) are left out: relying parties refuse such "
             "a "
             "record unless they allow it"},
            {OPTION_UNPLANNED, "unplanned", NULL, "a flaw was found: one month's notice"},
            OPTION_AT("announced at this time"),
            OPTION_END},
    .examples =
        "  assay release announce measurements.jws --key release.pem --component assay --version 1.2.0 --kind software "
        "--digest libexec/assay-verifier --digest libexec/assay-signer\n",
    .run = announce_run,
};
