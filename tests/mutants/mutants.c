/* Are the tests real? For each proof: every vector of it is refused by that very check, and accepted once the check answers
 * yes. For each backstop: refused by that check, and once it answers yes by another. A row without a vector fails. Shapes are
 * fuzzed. One line a vector; the last line counts. */
#include <stdio.h>
#include <stdlib.h>

#include "bearer_judge.h"
#include "core/core.h"
#include "core/key_evidence.h"
#include "core/selftest.h"
#include "evidence/logs.h"
#include "hand_over_case.h"
#include "log_sample.h"
#include "manage_upload.h"
#include "record_judge.h"
#include "replay_sample.h"
#include "simulate/simulate.h"
#include "state_judge.h"
#include "tpm_exchange.h"
#include "trust_judge.h"

enum { MEMORY = 256 * 1024 * 1024, SEED = 1 /* known: RSA keys are made once for all vectors */ };

/* Endorsements of utility VMs; the first form is none. */
static const char *const uvm_forms[] = {NULL, "legacy", "cwt"};
enum { UVM_FORMS = sizeof uvm_forms / sizeof *uvm_forms };

/* Vectors of the rows that are about policies: good evidence under these. */
static const struct policy_vector {
    const char *id, *policy;
} policies[] = {
    {"policy.configuration",
     "version=1.1;configurationrules{=>issueproperty(type=\"x-ms-sgx-tcbidentifier\",value=true);};"
     "authorizationrules{=>permit();};"},
    {"policy.tcbidentifier",
     "version=1.1;configurationrules{=>issueproperty(type=\"x-ms-sgx-tcbidentifier\",value=\"newest\");};"
     "authorizationrules{=>permit();};"},
    {"policy.evaluation",
     "version=1.2;authorizationrules{=>permit();};issuancerules{=>issue(type=\"x\",value=NegateBool(\"x\"));};"},
    {"policy.permit", "version=1.0;authorizationrules{[type==\"x-ms-sgx-svn\",value>2]=>permit();};"},
};

struct vector {
    struct simulated made;
    struct endorsements *endorsements;
    const char *policy;
};

static bool make_vector(struct arena *a, const struct simulate_options *options, const char *policy, struct vector *v)
{
    struct fault fault = {0};

    struct simulate_options wanted = *options;
    bool begun = !exchange_is_for(options->kind) || exchange_begin(a, &wanted);

    *v = (struct vector){.policy = policy, .endorsements = endorsements_new(MEMORY)};
    if (begun && simulate(a, &wanted, &v->made, &fault) &&
        simulate_endorsements(&v->made, v->endorsements, true, &fault))
        return true;
    printf("# %s: %s\n", options->fault ? options->fault : "no fault", fault.text);
    return false;
}

/* NULL when accepted, else the id of the check that refused. */
static const char *judge(struct arena *a, const struct vector *v)
{
    struct appraisal x = {.attester = simulated_attester(&v->made)};
    struct settings settings = v->made.settings;

    x.exam = (struct exam){.arena = a,
                           .trace = trace_new(a),
                           .endorsements = v->endorsements,
                           .settings = &settings,
                           .time = v->made.time};
    claims_init(&x.exam.incoming, a);
    exchange_prepare(&x.exam);
    if (v->policy)
        x.policy_text = bytes_text(v->policy);
    if (simulated_decode(&v->made, &x.exam) && core_judge(&x, v->policy != NULL))
        return NULL;
    const struct trace_entry *failure = trace_failure(x.exam.trace);
    return failure                 ? check_table[failure->id].id
           : x.answer.failed_check ? x.answer.failed_check
                                   : "nothing that has a name";
}

static const char *shown(const char *id)
{
    return id ? id : "accepted";
}

static struct counts {
    unsigned passed, failed;
} counts;

static void count(bool ok)
{
    *(ok ? &counts.passed : &counts.failed) += 1;
}

/* What came of a vector of a row: as it is, and with the row answering yes. */
static void tell(enum check_id row, const char *name, const char *plain, const char *mutated)
{
    const struct check_info *info = &check_table[row];
    bool refused = plain && strcmp(plain, info->id) == 0;
    bool changed = info->form == CHECK_PROOF ? mutated == NULL : mutated && strcmp(mutated, info->id) != 0;

    printf("%s %s %s: as it is: %s; answering yes: %s\n", refused && changed ? "ok    " : "not ok",
           info->form == CHECK_PROOF ? "proof   " : "backstop", name, shown(plain), shown(mutated));
    count(refused && changed);
}

static void try_vector(struct arena *a, enum check_id row, const char *name, const struct simulate_options *options,
                       const char *policy)
{
    struct vector v;
    bool made = make_vector(a, options, policy, &v);

    check_mutant = CHECK_COUNT;
    const char *plain = made ? judge(a, &v) : "no vector";
    check_mutant = row;
    const char *mutated = made ? judge(a, &v) : "no vector";
    check_mutant = CHECK_COUNT;
    tell(row, name, plain, mutated);
    endorsements_free(v.endorsements);
    arena_reset(a);
}

static void try_upload(struct arena *a, enum check_id row, const char *name)
{
    struct simulated_upload u;
    struct fault fault = {0};
    bool made = simulate_upload(a, &(struct simulate_upload_options){.fault = name}, &u, &fault);

    const char *plain = made ? upload_judge(a, &u) : fault.text;
    check_mutant = row;
    const char *mutated = made ? upload_judge(a, &u) : fault.text;
    check_mutant = CHECK_COUNT;
    tell(row, name, plain, mutated);
    arena_reset(a);
}

static void try_bearer(struct arena *a, enum check_id row, const char *name)
{
    struct simulated_bearer b;
    struct fault fault = {0};
    bool made = simulate_bearer(a, &(struct simulate_bearer_options){.fault = name}, &b, &fault);

    const char *plain = made ? bearer_judge(a, &b) : fault.text;
    check_mutant = row;
    const char *mutated = made ? bearer_judge(a, &b) : fault.text;
    check_mutant = CHECK_COUNT;
    tell(row, name, plain, mutated);
    arena_reset(a);
}

/* How many there were. */
static unsigned try_bearers(struct arena *a, enum check_id row)
{
    const struct simulate_bearer_fault *f;
    unsigned vectors = 0;

    for (size_t i = 0; (f = simulate_bearer_fault_at(i)) != NULL; i++)
        if (simulate_bearer_fault_check(f) == row) {
            try_bearer(a, row, f->name);
            vectors++;
        }
    return vectors;
}

static unsigned try_logs(struct arena *a, enum check_id row)
{
    const char *plain, *mutated;

    if (!log_sample_try(a, row, &plain))
        return 0;
    check_mutant = row;
    log_sample_try(a, row, &mutated);
    check_mutant = CHECK_COUNT;
    tell(row, "a log of decisions", plain, mutated);
    arena_reset(a);
    return 1;
}

static unsigned try_replays(struct arena *a, enum check_id row)
{
    const char *plain, *mutated;

    if (!replay_sample_try(a, row, &plain))
        return 0;
    check_mutant = row;
    replay_sample_try(a, row, &mutated);
    check_mutant = CHECK_COUNT;
    tell(row, "a replay", plain, mutated);
    arena_reset(a);
    return 1;
}

static void try_service(struct arena *a, enum check_id row, const char *name, enum simulate_host host)
{
    struct simulated_service s;
    struct fault fault = {0};
    bool made = simulate_service(a, &(struct simulate_service_options){.fault = name, .host = host}, &s, &fault);

    const char *plain = made ? service_judge(a, &s) : fault.text;
    check_mutant = row;
    const char *mutated = made ? service_judge(a, &s) : fault.text;
    check_mutant = CHECK_COUNT;
    tell(row, name, plain, mutated);
    arena_reset(a);
}

/* Services on each TEE that shows the fault; how many there were. */
static unsigned try_services(struct arena *a, enum check_id row)
{
    const struct simulate_service_fault *f;
    unsigned vectors = 0;

    for (size_t i = 0; (f = simulate_service_fault_at(i)) != NULL; i++)
        for (int host = 0; simulate_service_fault_check(f) == row && host < SIMULATE_HOSTS; host++)
            if (f->hosts & 1u << host) {
                try_service(a, row, f->name, (enum simulate_host)host);
                vectors++;
            }
    return vectors;
}

/* Data of an entry in a measurement list of IMA. */
static struct bytes measured(struct arena *a, const char *path)
{
    struct writer w = wr_open(a);

    wr_u32le(&w, sizeof "sha1:" + SHA1_SIZE);
    wr_put(&w, bytes_make("sha1:", sizeof "sha1:"));
    wr_put(&w, digest(a, DIGEST_SHA1, bytes_text(path)));
    wr_u32le(&w, (uint32_t)strlen(path) + 1);
    wr_put(&w, bytes_make(path, strlen(path) + 1));
    return wr_done(&w);
}

/* NULL when the list is accepted: its one entry is of `path`, under the hash that one of /bin/true has. */
static const char *judge_list(struct arena *a, const char *path)
{
    struct bytes data = measured(a, path);
    struct writer w = wr_open(a);
    struct settings settings = SETTINGS_DEFAULT;
    struct appraisal x = {.attester = &ima_attester,
                          .exam = {.arena = a, .trace = trace_new(a), .settings = &settings}};

    wr_u32le(&w, 10);
    wr_put(&w, digest(a, DIGEST_SHA1, measured(a, "/bin/true")));
    wr_u32le(&w, (uint32_t)strlen("ima-ng"));
    wr_text(&w, "ima-ng");
    wr_u32le(&w, (uint32_t)data.n);
    wr_put(&w, data);
    claims_init(&x.exam.incoming, a);
    if (ima_decode_file(&x.exam, wr_done(&w)) && core_judge(&x, false))
        return NULL;
    const struct trace_entry *failure = trace_failure(x.exam.trace);
    return failure ? check_table[failure->id].id : "nothing that has a name";
}

/* NULL when the evidence of one key is taken for that of another. */
static const char *judge_key_evidence(struct arena *a, const struct simulated *s)
{
    struct key_evidence e = {.tee = KEY_SNP, .report = s->report};
    struct key_evidence_exam x = {a, trace_new(a)};
    struct bytes other = base64_encode(a, sha256_of(a, BYTES_LIT("another key")));

    return key_evidence_judge(&x, &e, other) ? NULL : check_table[trace_failure(x.trace)->id].id;
}

static unsigned try_key_evidence(struct arena *a, enum check_id row)
{
    const struct simulate_options options = {.kind = SIMULATE_SNP, .seed = SEED};
    struct simulated s;

    if (row != CHECK_KEY_EVIDENCE_BINDING)
        return 0;
    bool made = simulate(a, &options, &s, NULL);
    const char *plain = made ? judge_key_evidence(a, &s) : "no vector";
    check_mutant = row;
    const char *mutated = made ? judge_key_evidence(a, &s) : "no vector";
    check_mutant = CHECK_COUNT;
    tell(row, "another key", plain, mutated);
    arena_reset(a);
    return 1;
}

static unsigned try_hand_over(struct arena *a, enum check_id row)
{
    unsigned vectors = 0;

    for (size_t i = 0; i < CASE_FAULTS; i++) {
        if (case_faults[i].row != row)
            continue;
        const char *plain = case_judge(a, case_faults[i].fault);
        check_mutant = row;
        const char *mutated = case_judge(a, case_faults[i].fault);
        check_mutant = CHECK_COUNT;
        tell(row, case_faults[i].name, plain, mutated);
        arena_reset(a);
        vectors++;
    }
    return vectors;
}

static unsigned try_records(struct arena *a, enum check_id row)
{
    unsigned vectors = 0;

    for (size_t i = 0; i < RECORD_FAULTS; i++)
        if (record_faults[i].row == row) {
            const char *plain = record_judge(a, record_faults[i].name);
            check_mutant = row;
            const char *mutated = record_judge(a, record_faults[i].name);
            check_mutant = CHECK_COUNT;
            tell(row, record_faults[i].name, plain, mutated);
            arena_reset(a);
            vectors++;
        }
    return vectors;
}

static unsigned try_states(struct arena *a, enum check_id row)
{
    unsigned vectors = 0;

    for (size_t i = 0; i < STATE_FAULTS; i++)
        if (state_faults[i].row == row) {
            const char *plain = state_judge(a, state_faults[i].name);
            check_mutant = row;
            const char *mutated = state_judge(a, state_faults[i].name);
            check_mutant = CHECK_COUNT;
            tell(row, state_faults[i].name, plain, mutated);
            arena_reset(a);
            vectors++;
        }
    return vectors;
}

static unsigned try_lists(struct arena *a, enum check_id row)
{
    if (row != CHECK_IMA_TEMPLATE_HASH)
        return 0;
    const char *plain = judge_list(a, "/bin/false");
    check_mutant = row;
    const char *mutated = judge_list(a, "/bin/false");
    check_mutant = CHECK_COUNT;
    tell(row, "ima.template_hash", plain, mutated);
    arena_reset(a);
    return 1;
}

static const char *const isolations[] = {"trusted-launch", "snp", "tdx"};
enum { ISOLATIONS = sizeof isolations / sizeof *isolations };

/* Of a confidential guest on both kinds of hardware. */
static unsigned try_guest(struct arena *a, enum check_id row, const struct simulate_fault *f)
{
    struct simulate_options o = {.fault = f->name, .kind = SIMULATE_AZURE_GUEST, .seed = SEED};

    for (size_t i = 1; i < ISOLATIONS; i++) {
        o.isolation = isolations[i];
        try_vector(a, row, f->name, &o, NULL);
    }
    return ISOLATIONS - 1;
}

/* Once for each attester, whose evidence can have the fault. */
static unsigned try_fault(struct arena *a, enum check_id row, const struct simulate_fault *f)
{
    const struct attester *tried = NULL;
    unsigned vectors = 0;

    for (int kind = 0; kind < SIMULATE_KINDS; kind++) {
        struct simulated s = {.options.kind = (enum simulate_kind)kind};

        if (!(f->kinds & 1u << kind) || simulated_attester(&s) == tried)
            continue;
        tried = simulated_attester(&s);
        if (f->kinds & SIMULATE_NEEDS_HARDWARE) {
            vectors += try_guest(a, row, f);
            continue;
        }
        bool endorsed = f->kinds & SIMULATE_NEEDS_UVM;
        for (size_t form = endorsed ? 1 : 0; form < (endorsed ? UVM_FORMS : 1); form++) {
            const struct simulate_options options = {
                .fault = f->name, .kind = s.options.kind, .seed = SEED, .uvm = uvm_forms[form]};

            try_vector(a, row, f->name, &options, NULL);
            vectors++;
        }
    }
    return vectors;
}

static void try_row(struct arena *a, enum check_id row)
{
    const struct simulate_fault *f;
    unsigned vectors = 0;

    for (size_t i = 0; (f = simulate_fault_at(i)) != NULL; i++)
        if (simulate_fault_check(f) == row) {
            vectors += try_fault(a, row, f);
        }
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++)
        if (strcmp(policies[i].id, check_table[row].id) == 0) {
            try_vector(a, row, policies[i].id, &(struct simulate_options){0}, policies[i].policy);
            vectors++;
        }
    const struct simulate_upload_fault *uploaded;
    for (size_t i = 0; (uploaded = simulate_upload_fault_at(i)) != NULL; i++)
        if (simulate_upload_fault_check(uploaded) == row) {
            try_upload(a, row, uploaded->name);
            vectors++;
        }
    vectors += try_bearers(a, row) + try_lists(a, row) + try_key_evidence(a, row) + try_logs(a, row) +
               try_replays(a, row) + try_services(a, row) + try_hand_over(a, row) + try_records(a, row) +
               try_states(a, row);
    if (vectors)
        return;
    printf("not ok %s has no vector\n", check_table[row].id);
    count(false);
}

static const char *shown_option(const char *value)
{
    static char text[2][64];
    static unsigned turn;

    if (!value)
        return "";
    turn ^= 1;
    snprintf(text[turn], sizeof text[turn], ", %s", value);
    return text[turn];
}

static void try_good(struct arena *a, const struct simulate_options *options)
{
    struct vector v;
    const char *refusal = make_vector(a, options, NULL, &v) ? judge(a, &v) : "nothing was made";

    printf("%s good     %s, version %u%s%s%s%s%s: %s\n", refusal ? "not ok" : "ok    ",
           simulate_kind_what(options->kind), options->version,
           options->tcb_info_version == 2 ? ", TCB info of version 2" : "", options->kss ? ", KSS" : "",
           options->vlek ? ", VLEK" : "", shown_option(options->product ? options->product : options->variation),
           shown_option(options->ak          ? options->ak
                        : options->isolation ? options->isolation
                                             : options->uvm),
           shown(refusal));
    endorsements_free(v.endorsements);
    arena_reset(a);
    count(!refusal);
}

static void try_good_upload(struct arena *a, const struct simulate_upload_options *options)
{
    static const char *const operations[] = {"a policy", "a reset", "a certificate", "a policy that waited,"};
    static const char *const signers[] = {"a chain", "a self-signed certificate", "a bare key", "nobody"};
    struct simulated_upload u;
    struct fault fault = {0};
    const char *refusal = simulate_upload(a, options, &u, &fault) ? upload_judge(a, &u) : fault.text;

    printf("%s good     %s signed by %s%s: %s\n", refusal ? "not ok" : "ok    ", operations[options->operation],
           signers[options->signer], options->isolated ? ", isolated" : "", shown(refusal));
    arena_reset(a);
    count(!refusal);
}

/* Signed in every way that each trust model takes; certificates exist in the isolated one alone. */
static void try_good_uploads(struct arena *a, enum simulate_operation operation)
{
    if (operation != SIMULATE_CERTIFICATE)
        for (int signer = SIMULATE_CHAIN; signer <= SIMULATE_UNSIGNED; signer++)
            try_good_upload(
                a, &(struct simulate_upload_options){.operation = operation, .signer = (enum simulate_signer)signer});
    for (int signer = SIMULATE_CHAIN; signer <= SIMULATE_SELF_SIGNED; signer++)
        try_good_upload(a, &(struct simulate_upload_options){
                               .operation = operation, .signer = (enum simulate_signer)signer, .isolated = true});
}

static void try_good_bearer(struct arena *a)
{
    struct simulated_bearer b;
    struct fault fault = {0};
    bool made = simulate_bearer(a, &(struct simulate_bearer_options){0}, &b, &fault);
    const char *refusal = made ? bearer_judge(a, &b) : fault.text;

    printf("%s good     a bearer token: %s\n", refusal ? "not ok" : "ok    ", shown(refusal));
    arena_reset(a);
    count(!refusal);
}

static void try_good_tdx(struct arena *a)
{
    for (int unnumbered = 0; unnumbered < 2; unnumbered++)
        for (unsigned form = SIMULATE_TD_10; form <= SIMULATE_TD_15EX; form++)
            for (unsigned version = form == SIMULATE_TD_10 ? 4 : 5; version <= 5; version++)
                try_good(a, &(struct simulate_options){.kind = SIMULATE_TDX,
                                                       .version = version,
                                                       .tcb_info_version = 3,
                                                       .td_report = (enum simulate_td_report)form,
                                                       .unnumbered_module = unnumbered});
}

/* Every product, version, key and form of endorsement (reports of version 2 came before Turin). */
static void try_good_snp(struct arena *a)
{
    static const char *const products[] = {"Milan", "Genoa", "Bergamo", "Siena", "Turin"};

    for (size_t i = 0; i < sizeof products / sizeof *products; i++)
        for (unsigned version = strcmp(products[i], "Turin") == 0 ? 3 : 2; version <= 5; version++)
            for (int vlek = 0; vlek < 2; vlek++)
                for (size_t form = 0; form < UVM_FORMS; form++)
                    try_good(a, &(struct simulate_options){.kind = SIMULATE_SNP,
                                                           .product = products[i],
                                                           .version = version,
                                                           .vlek = vlek,
                                                           .uvm = uvm_forms[form],
                                                           .seed = SEED});
}

/* Every attestation key, system and isolation. */
static void try_good_tpm(struct arena *a)
{
    static const char *const keys[] = {"rsassa", "rsapss", "ecdsa"}, *const systems[] = {"windows", "linux"};

    for (size_t s = 0; s < 2; s++) {
        for (size_t k = 0; k < 3; k++)
            try_good(a,
                     &(struct simulate_options){
                         .kind = SIMULATE_TPM, .ak = keys[k], .os = systems[s], .seed = SEED, .log_size = 32 * 1024});
        for (unsigned version = 1; version <= 2; version++)
            try_good(a, &(struct simulate_options){
                            .kind = SIMULATE_TPM_REQUEST, .version = version, .os = systems[s], .seed = SEED});
        for (size_t i = 0; i < ISOLATIONS; i++)
            try_good(a, &(struct simulate_options){
                            .kind = SIMULATE_AZURE_GUEST, .isolation = isolations[i], .os = systems[s], .seed = SEED});
    }
    for (unsigned version = 1; version <= 2; version++)
        try_good(a, &(struct simulate_options){.kind = SIMULATE_VBS, .version = version, .seed = SEED});
}

static void try_good_services(struct arena *a)
{
    for (int host = 0; host < SIMULATE_HOSTS; host++) {
        struct simulated_service s;
        struct fault fault = {0};
        const struct simulate_service_options o = {.host = (enum simulate_host)host};
        const char *refusal = simulate_service(a, &o, &s, &fault) ? service_judge(a, &s) : fault.text;

        printf("%s good     a service on host %d: %s\n", refusal ? "not ok" : "ok    ", host, shown(refusal));
        count(!refusal);
        arena_reset(a);
    }
}

/* Without a fault all is accepted, or the rows would prove nothing. */
static void try_all_good(struct arena *a)
{
    for (unsigned version = 3; version <= 5; version++)
        for (int kind = SIMULATE_SGX; kind <= SIMULATE_OE_EVIDENCE; kind++)
            for (unsigned info = 2; info <= 3; info++)
                try_good(a, &(struct simulate_options){.kind = (enum simulate_kind)kind,
                                                       .version = version,
                                                       .tcb_info_version = info,
                                                       .kss = version == 5});
    try_good_tdx(a);
    try_good_snp(a);
    try_good_tpm(a);
    for (int kind = 0; kind < SIMULATE_KINDS; kind++)
        for (size_t i = 0; simulate_variation_at((enum simulate_kind)kind, i); i++)
            try_good(a, &(struct simulate_options){.kind = (enum simulate_kind)kind,
                                                   .seed = SEED,
                                                   .variation = simulate_variation_at((enum simulate_kind)kind, i)});
    for (int operation = SIMULATE_POLICY; operation <= SIMULATE_PUT_IN_FORCE; operation++)
        try_good_uploads(a, (enum simulate_operation)operation);
    try_good_bearer(a);
    const char *of_log = NULL;
    bool tried = log_sample_try(a, CHECK_COUNT, &of_log);
    printf("%s good     a log of decisions: %s\n", of_log ? "not ok" : "ok    ", shown(of_log));
    count(tried && !of_log);
    const char *of_replay = NULL;
    tried = replay_sample_try(a, CHECK_COUNT, &of_replay);
    printf("%s good     a replay: %s\n", of_replay ? "not ok" : "ok    ", shown(of_replay));
    count(tried && !of_replay);
    try_good_services(a);
    const char *refusal = judge_list(a, "/bin/true");
    printf("%s good     a measurement list: %s\n", refusal ? "not ok" : "ok    ", shown(refusal));
    count(!refusal);
    for (size_t i = 0; i < 2; i++) {
        refusal = record_judge(a, i ? "region" : "");
        printf("%s good     records of a %s: %s\n", refusal ? "not ok" : "ok    ", i ? "region" : "provider",
               shown(refusal));
        count(!refusal);
    }
    refusal = state_judge(a, "");
    printf("%s good     a store and its checkpoint: %s\n", refusal ? "not ok" : "ok    ", shown(refusal));
    count(!refusal);
    arena_reset(a);
}

/* The self-test of a pair sees that a check which refuses its damaged twin answers yes. */
static void try_selftests(void)
{
    const struct selftest_sample *sample;

    for (size_t i = 0; (sample = selftest_sample_at(i)) != NULL; i++) {
        struct fault plain = {0}, mutated = {0};
        bool good = selftest_judge(sample, &plain);

        check_mutant = sample->refused_by;
        bool knocked_out = selftest_judge(sample, &mutated);
        bool all = selftest_evidence(&mutated);
        check_mutant = CHECK_COUNT;
        bool ok = good && !knocked_out && !all;
        printf("%s selftest %s: as it is: %s; %s answering yes: %s\n", ok ? "ok    " : "not ok", sample->path,
               good ? "passed" : plain.text, check_table[sample->refused_by].id, knocked_out ? "passed" : mutated.text);
        count(ok);
    }
}

/* Words on the command line choose rows by the beginning of their ids. */
static bool chosen(const char *id, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strncmp(id, argv[i], strlen(argv[i])) == 0)
            return true;
    return argc < 2;
}

int main(int argc, char **argv)
{
    struct arena a;

    setvbuf(stdout, NULL, _IOLBF, 0);
    arena_init(&a, MEMORY);
    try_all_good(&a);
    try_selftests();
    for (int id = 0; id < CHECK_COUNT; id++)
        if (check_table[id].form != CHECK_SHAPE && chosen(check_table[id].id, argc, argv))
            try_row(&a, (enum check_id)id);
    arena_free(&a);
    printf("%u passed, %u failed, 0 skipped\n", counts.passed, counts.failed);
    return counts.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
