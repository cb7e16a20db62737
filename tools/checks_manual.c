/* Prints assay-checks(7), the manual of every check, from the table that the checks are made by. Run when the project is
 * built, so that the manual cannot say anything else than the program does. */
#include <stdio.h>
#include <string.h>

#include "evidence/attester.h"

static const char head[] =
    ".\\\" Made from the table of checks when the project is built.\n"
    ".Dd November 24, 2026\n"
    ".Dt ASSAY-CHECKS 7\n"
    ".Os\n"
    ".Sh NAME\n"
    ".Nm assay-checks\n"
    ".Nd every check, and what is not checked\n"
    ".Sh DESCRIPTION\n"
    "Evidence is accepted only when each check that its kind requires was made and passed, or was left out for a "
    "reason that\n"
    "the trace names: a setting that switches it off, or data that were not sent.\n"
    "The first check that fails ends the appraisal.\n"
    "Its name is in the answer of the service, in its records, and in what\n"
    ".Xr assay-verify 1\n"
    "prints; names do not change from one release to the next.\n"
    ".Pp\n"
    "Each check has one of three forms.\n"
    ".Bl -tag -width backstop\n"
    ".It shape\n"
    "The bytes are what they claim to be.\n"
    "These checks are fuzzed.\n"
    ".It proof\n"
    "It alone stands between a forgery and a token.\n"
    "The project's tests switch each of them off in turn and see a forgery accepted that it had refused.\n"
    ".It backstop\n"
    "Another check would refuse too; this one gives the better reason.\n"
    ".El\n";

/* By hand: a table of what is done cannot say what is not. */
static const char tail[] =
    ".Sh WHAT IS NOT CHECKED\n"
    ".Bl -bullet\n"
    ".It\n"
    "Whether the software is any good.\n"
    "Its measurements, signer, product id, security version and debug flag become claims; a policy or the relying "
    "party\n"
    "must look at them.\n"
    "The default policy permits every genuine enclave, debuggable ones included.\n"
    ".It\n"
    "Whether the evidence is fresh.\n"
    "A quote has no time in it.\n"
    "Who needs freshness has a nonce put into the runtime data, and compares it with the one that was given.\n"
    ".It\n"
    "Whether the clock is right.\n"
    "The service judges by the clock of the machine it runs on,\n"
    ".Xr assay-verify 1\n"
    "by the time it is given.\n"
    ".It\n"
    "With\n"
    ".Li freshness = pinned ,\n"
    "the default: whether TCB info and enclave identities are past their next update.\n"
    "With\n"
    ".Li crl_freshness = off :\n"
    "the same of CRLs.\n"
    ".It\n"
    "With\n"
    ".Li report_data_tail = ignore ,\n"
    "the default: the second half of an SGX enclave's report data.\n"
    ".It\n"
    "Data that were not sent.\n"
    "Without runtime data or init-time data nothing is compared with the report data or the configuration id.\n"
    ".It\n"
    "Bytes of a quote that nothing signs: line ends between and behind the PEM blocks of its certification data, the "
    "NUL\n"
    "behind them, and whatever lies behind the quote.\n"
    "None of them reaches a claim but through the hash of the whole.\n"
    ".El\n"
    ".Sh SEE ALSO\n"
    ".Xr assay 1 ,\n"
    ".Xr assay-verify 1\n";

static const char *form_name(enum check_form form)
{
    static const char *const names[] = {
        [CHECK_SHAPE] = "shape", [CHECK_PROOF] = "proof", [CHECK_BACKSTOP] = "backstop"};

    return names[form];
}

/* One line of text, with what mdoc would take for its own made harmless. */
static void put_line(const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", stdout);
    for (; *text; text++)
        if (*text == '\\')
            fputs("\\e", stdout);
        else
            putchar(*text);
    putchar('\n');
}

static bool requires(const struct attester *a, enum check_id id)
{
    for (const enum check_id *r = a->required; *r != CHECK_END; r++)
        if (*r == id)
            return true;
    return false;
}

static void put_required(enum check_id id)
{
    const char *before = "Required of";
    const struct attester *a;

    for (size_t i = 0; (a = attester_at(i)) != NULL; i++)
        if (requires(a, id)) {
            printf("%s %s", before, a->path);
            before = ",";
        }
    if (*before == ',')
        puts(".");
}

static void put_check(enum check_id id)
{
    const struct check_info *check = &check_table[id];

    printf(".It Sy %s Pq %s\n", check->id, form_name(check->form));
    put_line(check->proves);
    put_required(id);
    puts(".br");
    put_line(check->remedy);
}

int main(void)
{
    fputs(head, stdout);
    puts(".Sh CHECKS\nIn the order of an appraisal; behind what each proves stands what to do when it fails.\n.Bl -tag "
         "-width Ds");
    for (int id = 0; id < CHECK_COUNT; id++)
        put_check((enum check_id)id);
    puts(".El");
    fputs(tail, stdout);
    return fflush(stdout) || ferror(stdout);
}
