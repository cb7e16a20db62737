/* The key derived by the processor for this guest: SEV-SNP mixes a secret of the chip with policy, measurement, image and family of the
 * guest and its VMPL, so neither another image nor another chip is given the same (snp-cvm.md 5.2). What the processor does not mix
 * in (host data, the keys that signed the launch) is taken from the guest's own report, and mixed in here: another value is another
 * key, to every program that derives as this one does. Nothing is kept of it: a salt, and by what it was derived. */
#include "agent/sev_guest.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "evidence/parts/snp_report.h"
#include "sealer/sealers.h"

enum { SALT_SIZE = 32 };
#define PURPOSE "assay: the root key sealed to an SEV-SNP guest"
/* The field "bound" of an envelope. One without it is of the first form, whose key was that of policy and measurement alone. */
#define BOUND "policy,measurement,image,family,vmpl,signer,idkey,authorkey,hostdata"

/* A report that was asked for in the guest comes over its own encrypted channel to the firmware: its signature is for others. No
 * upper limit of its version: these fields have been where they are since the first, and an update of the firmware must not lock
 * the key away. */
static bool ask_report(struct arena *a, struct snp_report *out, struct fault *fault)
{
    const uint8_t nothing[AGENT_REPORT_DATA] = {0};
    struct agent_report r;

    if (!agent_sev_guest_report(AGENT_SEV_GUEST_DEVICE, nothing, a, &r, fault))
        return false;
    return (snp_report_read(a, r.report, out) && out->version >= SNP_REPORT_VERSION_LEAST) ||
           fault_set(fault, FAULT_SYNTAX, AGENT_SEV_GUEST_DEVICE ": a report that this program cannot read");
}

/* What is sealed to a guest is as closed as the guest is. The host reads the memory of one that may be debugged; a migration agent
 * carries one that may be migrated, memory and all, wherever it likes; and a lower privilege level than the highest has others
 * above it that the measurement need not cover. */
static bool is_closed(const struct snp_report *r, struct fault *fault)
{
    if (snp_policy_has(r, SNP_POLICY_DEBUG))
        return fault_set(fault, FAULT_USAGE,
                         "this guest may be debugged, so its host reads what is sealed to it: start "
                         "it with a policy that forbids debugging");
    if (snp_policy_has(r, SNP_POLICY_MIGRATION))
        return fault_set(fault, FAULT_USAGE,
                         "a migration agent may carry this guest away with what is sealed to it: "
                         "start it with a policy that forbids one");
    return r->vmpl == 0 || fault_set(fault, FAULT_USAGE,
                                     "this guest's report is not of VMPL 0 but of %u, so others "
                                     "stand above it that may see what is sealed to it",
                                     r->vmpl);
}

/* All of one size, whatever a report holds. */
static struct bytes write_info(struct arena *a, const uint8_t salt[SALT_SIZE], const struct snp_report *r)
{
    struct writer w = wr_open(a);

    wr_put(&w, bytes_make(PURPOSE, sizeof PURPOSE));
    wr_put(&w, bytes_make(salt, SALT_SIZE));
    wr_put(&w, bytes_make(BOUND, sizeof BOUND));
    wr_u64le(&w, r->policy);
    wr_put(&w, r->measurement);
    wr_put(&w, r->image_id);
    wr_put(&w, r->family_id);
    wr_u8(&w, (uint8_t)r->vmpl);
    wr_u8(&w, (uint8_t)snp_report_key(r));
    wr_put(&w, r->id_key_digest);
    wr_put(&w, r->author_key_digest);
    wr_put(&w, r->host_data);
    return wr_done(&w);
}

static bool derive(const uint8_t salt[SALT_SIZE], struct arena *a, uint8_t key[ROOT_KEY_SIZE], struct fault *fault)
{
    uint8_t raw[AGENT_DERIVED_KEY];
    struct snp_report r;

    if (!ask_report(a, &r, fault) || !is_closed(&r, fault))
        return false;
    bool ok = agent_sev_guest_key(AGENT_SEV_GUEST_DEVICE, AGENT_KEY_FIELDS, raw, fault);
    if (ok)
        root_derive(raw, write_info(a, salt, &r), key);
    secret_wipe(raw, sizeof raw);
    return ok;
}

/* As the first form of envelopes was: what any guest of this policy and measurement gets. */
static bool derive_first(const uint8_t salt[SALT_SIZE], uint8_t key[ROOT_KEY_SIZE], struct fault *fault)
{
    uint8_t raw[AGENT_DERIVED_KEY], info[sizeof PURPOSE + SALT_SIZE] = PURPOSE;

    memcpy(info + sizeof PURPOSE, salt, SALT_SIZE);
    bool ok = agent_sev_guest_key(AGENT_SEV_GUEST_DEVICE, AGENT_KEY_FIELDS_FIRST, raw, fault);
    if (ok)
        root_derive(raw, BYTES_OF(info), key);
    secret_wipe(raw, sizeof raw);
    return ok;
}

static bool make(const struct root_sealer *s, struct arena *a, uint8_t key[ROOT_KEY_SIZE],
                 struct key_field fields[SEALER_FIELDS_MAX], size_t *count, struct fault *fault)
{
    uint8_t salt[SALT_SIZE];

    (void)s;
    if (!random_bytes(salt, sizeof salt))
        return fault_set(fault, FAULT_SYSTEM, "the system gives no random numbers");
    fields[(*count)++] = (struct key_field){BYTES_LIT("bound"), BYTES_LIT(BOUND)};
    fields[(*count)++] = (struct key_field){BYTES_LIT("salt"), hex_encode(a, BYTES_OF(salt))};
    return derive(salt, a, key, fault);
}

/* An envelope of the first form opens in guests that the operator did not mean, so it counts only where he says that it is his. */
static bool recover_first(const struct root_sealer *s, const uint8_t salt[SALT_SIZE], uint8_t key[ROOT_KEY_SIZE],
                          struct fault *fault)
{
    if (!s->first_form)
        return fault_set(
            fault, FAULT_USAGE,
            "it was sealed by an earlier version, for every guest of this policy and measurement whatever "
            "its host data: where the file is yours, `assayd reseal --from snp --config FILE` seals it for "
            "this guest alone");
    return derive_first(salt, key, fault);
}

static bool recover(const struct root_sealer *s, const struct key_envelope *e, struct arena *a,
                    uint8_t key[ROOT_KEY_SIZE], struct fault *fault)
{
    uint8_t salt[SALT_SIZE];
    struct bytes text, bound;

    if (!key_envelope_field(e, "salt", &text, fault))
        return false;
    if (!hex_decode_exact(text, salt, sizeof salt))
        return fault_set(fault, FAULT_SYNTAX, "a key whose \"salt\" is damaged; restore the file");
    if (!key_envelope_field(e, "bound", &bound, NULL))
        return recover_first(s, salt, key, fault);
    return (bytes_is(bound, BOUND) ||
            fault_set(fault, FAULT_SYNTAX,
                      "a key bound to what this program does not know; restore the file, or use the "
                      "version that wrote it")) &&
           derive(salt, a, key, fault);
}

const struct key_sealer sealer_snp = {"snp", make, recover};
