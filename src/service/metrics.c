#include "service/metrics.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { CLASSES = 5, BUCKETS = 13 };

/* Upper bounds in microseconds. Judging real evidence takes one to some milliseconds; what waits for a store, tens. */
static const int64_t bounds[BUCKETS] = {1000,   2500,   5000,    10000,   25000,   50000,   100000,
                                        250000, 500000, 1000000, 2500000, 5000000, 10000000};

struct operation_counts {
    uint64_t by_class[CLASSES]; /* 1xx to 5xx */
    uint64_t buckets[BUCKETS];  /* each without those below */
    uint64_t slower;            /* than the last bound */
    int64_t microseconds;       /* all together */
};

struct metrics {
    int64_t started;
    struct operation_counts operations[METRICS_OPERATIONS];
    uint64_t failed[CHECK_COUNT], refused[METRICS_QUOTAS], shadows[SHADOW_OUTCOMES];
};

static const char *const operation_names[METRICS_OPERATIONS] = {
    [METRICS_ATTEST_SGX] = "attest_sgx_enclave",
    [METRICS_ATTEST_OE] = "attest_open_enclave",
    [METRICS_ATTEST_TDX] = "attest_tdx_vm",
    [METRICS_ATTEST_SNP] = "attest_sev_snp_vm",
    [METRICS_ATTEST_GUEST] = "attest_azure_guest",
    [METRICS_ATTEST_TPM] = "attest_tpm",
    [METRICS_ATTEST_OTHER] = "attest_other",
    [METRICS_KEYS] = "keys",
    [METRICS_METADATA] = "metadata",
    [METRICS_POLICY_READ] = "policy_read",
    [METRICS_POLICY_WRITE] = "policy_write",
    [METRICS_SIGNERS_READ] = "signers_read",
    [METRICS_SIGNERS_WRITE] = "signers_write",
    [METRICS_BASELINES] = "baselines",
    [METRICS_EXPLAIN] = "explain",
    [METRICS_HISTORY] = "history",
    [METRICS_SHADOW] = "shadow",
    [METRICS_CONTROL_READ] = "control_read",
    [METRICS_CONTROL_WRITE] = "control_write",
    [METRICS_HEALTH] = "health",
    [METRICS_METRICS] = "metrics",
    [METRICS_OTHER] = "other",
};

/* The first row whose path begins the request's decides; a path that ends with "/" has more behind it. */
static const struct {
    const char *path;
    enum metrics_operation read, write;
} paths[] = {
    {"/attest/SgxEnclave", METRICS_ATTEST_SGX, METRICS_ATTEST_SGX},
    {"/attest/OpenEnclave", METRICS_ATTEST_OE, METRICS_ATTEST_OE},
    {"/attest/TdxVm", METRICS_ATTEST_TDX, METRICS_ATTEST_TDX},
    {"/attest/SevSnpVm", METRICS_ATTEST_SNP, METRICS_ATTEST_SNP},
    {"/attest/AzureGuest", METRICS_ATTEST_GUEST, METRICS_ATTEST_GUEST},
    {"/attest/Tpm", METRICS_ATTEST_TPM, METRICS_ATTEST_TPM},
    {"/attest/", METRICS_ATTEST_OTHER, METRICS_ATTEST_OTHER},
    {"/certs", METRICS_KEYS, METRICS_KEYS},
    {"/.well-known/openid-configuration", METRICS_METADATA, METRICS_METADATA},
    {"/.well-known/assay-measurements", METRICS_METADATA, METRICS_METADATA},
    {"/policies/", METRICS_POLICY_READ, METRICS_POLICY_WRITE},
    {"/operations/policy/certificates", METRICS_SIGNERS_READ, METRICS_SIGNERS_WRITE},
    {"/operations/policy/", METRICS_POLICY_READ, METRICS_POLICY_WRITE},
    {"/certificates", METRICS_SIGNERS_READ, METRICS_SIGNERS_WRITE},
    {"/certificates:add", METRICS_SIGNERS_WRITE, METRICS_SIGNERS_WRITE},
    {"/certificates:remove", METRICS_SIGNERS_WRITE, METRICS_SIGNERS_WRITE},
    {"/tcbbaselines/", METRICS_BASELINES, METRICS_BASELINES},
    {"/assay/v1/explain/", METRICS_EXPLAIN, METRICS_EXPLAIN},
    {"/assay/v1/history/", METRICS_HISTORY, METRICS_HISTORY},
    {"/assay/v1/shadow/", METRICS_SHADOW, METRICS_SHADOW},
    {"/subscriptions/", METRICS_CONTROL_READ, METRICS_CONTROL_WRITE},
    {"/providers/", METRICS_CONTROL_READ, METRICS_CONTROL_WRITE},
    {"/servicehealth", METRICS_HEALTH, METRICS_HEALTH},
    {"/healthz", METRICS_HEALTH, METRICS_HEALTH},
    {"/readyz", METRICS_HEALTH, METRICS_HEALTH},
    {"/metrics", METRICS_METRICS, METRICS_METRICS},
};

static bool matches(struct bytes path, const char *row)
{
    size_t n = strlen(row);

    return row[n - 1] == '/' ? path.n > n && bytes_is_nocase(bytes_first(path, n), row) : bytes_is_nocase(path, row);
}

enum metrics_operation metrics_operation(const char *method, struct bytes path)
{
    bool read = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (matches(path, paths[i].path))
            return read ? paths[i].read : paths[i].write;
    return METRICS_OTHER;
}

const char *metrics_operation_name(enum metrics_operation operation)
{
    return operation_names[operation];
}

struct metrics *metrics_new(int64_t now)
{
    struct metrics *m = calloc(1, sizeof *m);

    if (m)
        m->started = now;
    return m;
}

void metrics_free(struct metrics *m)
{
    free(m);
}

void metrics_request(struct metrics *m, enum metrics_operation operation, int status, int64_t microseconds,
                     const char *failed_check)
{
    struct operation_counts *o = &m->operations[operation];
    int class = status / 100 - 1;
    enum check_id check;
    size_t i = 0;

    o->by_class[class < 0 ? 0 : class < CLASSES ? class : CLASSES - 1]++;
    o->microseconds += microseconds;
    while (i < BUCKETS && microseconds > bounds[i])
        i++;
    (i < BUCKETS ? &o->buckets[i] : &o->slower)[0]++;
    if (failed_check && check_by_name(bytes_text(failed_check), &check))
        m->failed[check]++;
}

void metrics_refused(struct metrics *m, enum metrics_quota quota)
{
    m->refused[quota]++;
}

void metrics_shadow(struct metrics *m, enum shadow_outcome outcome)
{
    m->shadows[outcome]++;
}

static void head(struct writer *w, const char *name, const char *type, const char *help)
{
    wr_printf(w, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void single(struct writer *w, const char *name, const char *type, const char *help, uint64_t value)
{
    head(w, name, type, help);
    wr_printf(w, "%s %" PRIu64 "\n", name, value);
}

/* One value of a name that has one label. */
static void labelled(struct writer *w, const char *name, const char *label, const char *is, uint64_t value)
{
    wr_printf(w, "%s{%s=\"%s\"} %" PRIu64 "\n", name, label, is, value);
}

static void write_requests(struct writer *w, const struct metrics *m)
{
    head(w, "assay_requests_total", "counter", "Requests answered, by operation and class of the status.");
    for (size_t i = 0; i < METRICS_OPERATIONS; i++)
        for (size_t k = 1; k < CLASSES; k++) /* the service sends no 1xx as an answer */
            wr_printf(w, "assay_requests_total{operation=\"%s\",status=\"%zuxx\"} %" PRIu64 "\n", operation_names[i],
                      k + 1, m->operations[i].by_class[k]);
}

static void write_seconds(struct writer *w, int64_t microseconds)
{
    wr_printf(w, "%" PRId64 ".%06" PRId64, microseconds / 1000000, microseconds % 1000000);
}

static void write_histogram(struct writer *w, const char *operation, const struct operation_counts *o)
{
    static const char name[] = "assay_request_seconds";
    uint64_t sum = 0;

    for (size_t i = 0; i < BUCKETS; i++) {
        sum += o->buckets[i];
        wr_printf(w, "%s_bucket{operation=\"%s\",le=\"%g\"} %" PRIu64 "\n", name, operation, (double)bounds[i] / 1e6,
                  sum);
    }
    sum += o->slower;
    wr_printf(w, "%s_bucket{operation=\"%s\",le=\"+Inf\"} %" PRIu64 "\n%s_sum{operation=\"%s\"} ", name, operation, sum,
              name, operation);
    write_seconds(w, o->microseconds);
    wr_printf(w, "\n%s_count{operation=\"%s\"} %" PRIu64 "\n", name, operation, sum);
}

static void write_latency(struct writer *w, const struct metrics *m)
{
    head(w, "assay_request_seconds", "histogram",
         "Time from a request being there whole to its answer being written, by operation.");
    for (size_t i = 0; i < METRICS_OPERATIONS; i++)
        write_histogram(w, operation_names[i], &m->operations[i]);
}

static void write_refusals(struct writer *w, const struct metrics *m)
{
    static const char *const quotas[METRICS_QUOTAS] = {"address", "provider", "queue"};
    static const char *const outcomes[SHADOW_OUTCOMES] = {"same", "would_deny", "would_permit", "claims_differ",
                                                          "error"};

    head(w, "assay_failed_checks_total", "counter", "Requests that a check refused, by its id.");
    for (size_t i = 0; i < CHECK_COUNT; i++)
        labelled(w, "assay_failed_checks_total", "check", check_table[i].id, m->failed[i]);
    head(w, "assay_refused_by_quota_total", "counter", "Requests answered 429, by the limit that they were above.");
    for (size_t i = 0; i < METRICS_QUOTAS; i++)
        labelled(w, "assay_refused_by_quota_total", "limit", quotas[i], m->refused[i]);
    head(w, "assay_shadow_results_total", "counter", "Requests judged by a shadow policy too, by what it changed.");
    for (size_t i = 0; i < SHADOW_OUTCOMES; i++)
        labelled(w, "assay_shadow_results_total", "outcome", outcomes[i], m->shadows[i]);
}

static void write_pool(struct writer *w, const struct pool_counts *n, const struct pool_load *load)
{
    head(w, "assay_core_requests_total", "counter",
         "Requests to the pairs of verifier and signer, by what came of it.");
    labelled(w, "assay_core_requests_total", "outcome", "answered", n->answered);
    labelled(w, "assay_core_requests_total", "outcome", "died", n->died);
    labelled(w, "assay_core_requests_total", "outcome", "slow", n->slow);
    labelled(w, "assay_core_requests_total", "outcome", "over_memory", n->over_memory);
    labelled(w, "assay_core_requests_total", "outcome", "refused_unread", n->refused_unread);
    single(w, "assay_pair_restarts_total", "counter", "Pairs that ended and were replaced.", n->restarts);
    single(w, "assay_shadows_lost_total", "counter", "Shadow policies whose result is not known: the pair ended.",
           n->shadows_lost);
    single(w, "assay_pairs", "gauge", "Pairs of the configuration.", load->pairs);
    single(w, "assay_pairs_serving", "gauge", "Pairs that can take requests.", load->serving);
    single(w, "assay_pairs_busy", "gauge", "Pairs that work on a request.", load->working);
    single(w, "assay_queue_length", "gauge", "Requests that wait for a pair.", load->waiting);
}

static void write_store_anchor(struct writer *w, const struct metrics_state *s)
{
    single(w, "assay_anchored_records", "gauge", "Records of the store that its newest checkpoint covers.",
           s->anchored_records);
    single(w, "assay_anchor_age_seconds", "gauge", "Age of the store's newest checkpoint; 0 where there is none yet.",
           s->anchored_time && s->now > s->anchored_time ? (uint64_t)(s->now - s->anchored_time) : 0);
    single(w, "assay_anchor_checkpoints_total", "counter", "Checkpoints of the store that were put in force.",
           s->checkpoints);
    single(w, "assay_anchor_failures_total", "counter", "Attempts at such a checkpoint in vain.",
           s->checkpoints_failed);
    head(w, "assay_anchor_witness_total", "counter",
         "Checkpoints of the store that were put before its witness, by what came of it.");
    labelled(w, "assay_anchor_witness_total", "outcome", "cosigned", s->state_cosigned);
    labelled(w, "assay_anchor_witness_total", "outcome", "refused", s->state_refused);
    labelled(w, "assay_anchor_witness_total", "outcome", "failed", s->state_unasked);
}

static void write_state(struct writer *w, const struct metrics *m, const struct metrics_state *s)
{
    single(w, "assay_ready", "gauge", "1 when /readyz answers 200.", s->ready);
    single(w, "assay_store_up", "gauge", "1 while the store answers.", s->store_answers);
    single(w, "assay_providers", "gauge", "Providers that this node knows.", s->providers);
    head(w, "assay_connections", "gauge", "Open connections, by listener.");
    labelled(w, "assay_connections", "listener", "server", s->connections);
    labelled(w, "assay_connections", "listener", "administration", s->administration_connections);
    single(w, "assay_audit_records_total", "counter", "Records written to the audit log.", s->audit_records);
    single(w, "assay_audit_lost_total", "counter", "Records that could not be written to the audit log.",
           s->audit_lost);
    single(w, "assay_decisions_total", "counter", "Records written to the log of decisions.", s->decisions);
    single(w, "assay_decisions_lost_total", "counter", "Records that could not be written to the log of decisions.",
           s->decisions_lost);
    single(w, "assay_decision_writes_total", "counter", "Writes to the log of decisions, each of one record or more.",
           s->decision_writes);
    head(w, "assay_decision_witness_total", "counter",
         "Checkpoints of the log of decisions that were put before the witness, by what came of it.");
    labelled(w, "assay_decision_witness_total", "outcome", "cosigned", s->cosigned);
    labelled(w, "assay_decision_witness_total", "outcome", "refused", s->witness_refused);
    labelled(w, "assay_decision_witness_total", "outcome", "failed", s->witness_failed);
    single(w, "assay_kept_inputs_total", "counter", "Decisions whose inputs were kept.", s->kept);
    single(w, "assay_kept_inputs_lost_total", "counter", "Decisions whose inputs were to be kept and were not.",
           s->kept_lost);
    single(w, "assay_kept_inputs_bytes", "gauge", "Size of all inputs that are kept, encrypted.", s->kept_bytes);
    single(w, "assay_kept_inputs_unreadable", "gauge", "1 while the file of kept inputs cannot be opened.",
           s->kept_unreadable);
    if (s->anchored)
        write_store_anchor(w, s);
    single(w, "assay_start_time_seconds", "gauge", "When the service started, in seconds since 1970.",
           (uint64_t)m->started);
    head(w, "assay_build_info", "gauge", "Always 1; the label is the version.");
    labelled(w, "assay_build_info", "version", ASSAY_VERSION, 1);
}

/* Early warning: how many platforms the newest TCB data at hand will refuse, and for what. */
static void write_outlooks(struct writer *w, const struct outlooks *o)
{
    head(w, "assay_platforms", "gauge",
         "Platforms that this node accepted, by what the newest TCB data at hand will find too old (none: nothing).");
    for (int tee = 0; tee < PLATFORM_TEES; tee++)
        for (int gap = 0; gap < GAP_KINDS; gap++)
            if ((tee == PLATFORM_SNP) == (gap == GAP_SNP_COMPONENT) || gap == GAP_NONE)
                wr_printf(w, "assay_platforms{tee=\"%s\",too_old=\"%s\"} %zu\n",
                          platform_tee_name((enum platform_tee)tee), tcb_gap_name((enum tcb_gap_kind)gap),
                          outlooks_count(o, (enum platform_tee)tee, (enum tcb_gap_kind)gap));
}

static void write_evidence(struct writer *w, const struct own_evidence_state *e, int64_t now)
{
    head(w, "assay_own_evidence_certificates", "gauge",
         "Keys that sign or will, by whether their certificate carries evidence of what the service runs in.");
    labelled(w, "assay_own_evidence_certificates", "evidence", "yes", e->with);
    labelled(w, "assay_own_evidence_certificates", "evidence", "no", e->without);
    single(w, "assay_own_evidence_age_seconds", "gauge", "Age of the oldest such evidence; 0 where there is none.",
           e->oldest && now > e->oldest ? (uint64_t)(now - e->oldest) : 0);
    single(w, "assay_own_evidence_collected_total", "counter", "Certificates issued with evidence.", e->collected);
    single(w, "assay_own_evidence_failures_total", "counter",
           "Attempts to get evidence into a certificate that failed.", e->failed);
    single(w, "assay_own_evidence_up", "gauge", "1 when there is a source of evidence and the last attempt succeeded.",
           e->gives && !e->fails);
}

struct bytes metrics_write(const struct metrics *m, struct arena *a, const struct metrics_state *state)
{
    struct writer w = wr_open(a);

    write_requests(&w, m);
    write_latency(&w, m);
    write_refusals(&w, m);
    write_pool(&w, &state->pool, &state->load);
    write_state(&w, m, state);
    write_evidence(&w, &state->evidence, state->now);
    write_outlooks(&w, state->outlooks);
    wr_rotation_metrics(&w, &state->rotation, state->now);
    wr_collateral_metrics(&w, &state->collateral, state->now);
    return wr_done(&w);
}
