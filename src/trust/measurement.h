/* Measurements: what evidence says that runs in a TEE, and the records by which a publisher announces what may.
 *
 * A list of records is JSON, {"issued", "measurements": [record, …]}, as one compact JWS (ES256, typ assay-measurements+jws) under the
 * release key; or bare, when it is a relying party's own. A record:
 *
 *   {"component":"assay", "version":"1.2.3", "kind":"sgx"|"snp"|"tdx"|"software",
 *    "values":{…}, "digests":{"assay-verifier":"<SHA-256>", …},
 *    "announced":TIME, "planned":true, "usable_from":TIME, "retired_after":TIME}
 *
 * values, in hexadecimal: sgx mrenclave, or mrsigner with product_id and svn (the least); snp measurement, host_data; tdx mrtd, rtmr0..3. What
 * a record does not name is not compared, but mrenclave or mrsigner, measurement, mrtd must be there. software has digests alone.
 *
 * The schedule, in months of the calendar: a planned release is usable two months after its announcement, and those before it are retired after
 * three; an unplanned one (a flaw was found) is usable after one month, and those before it are retired then. The first of a component and kind
 * is usable at once: nobody relied on another before it. */
#ifndef ASSAY_TRUST_MEASUREMENT_H
#define ASSAY_TRUST_MEASUREMENT_H

#include "base/json.h"
#include "crypto/verify.h"
#include "endorsement/exam.h"

enum tee_kind { TEE_KIND_NONE, TEE_KIND_SGX, TEE_KIND_SNP, TEE_KIND_TDX, TEE_KIND_SOFTWARE, TEE_KINDS };
const char *tee_kind_name(enum tee_kind kind); /* "none", "sgx", … */

enum { MEASUREMENT_REGISTERS = 4 };
struct measurement {
    enum tee_kind tee;
    struct bytes code;      /* MRENCLAVE, launch measurement, MRTD; empty in a record: not compared */
    struct bytes signer;    /* MRSIGNER */
    bool has_product;       /* of a record: the next two are compared */
    uint32_t product, svn;  /* svn: of a record the least */
    struct bytes host_data; /* of SNP */
    struct bytes registers[MEASUREMENT_REGISTERS]; /* RTMRs of TDX */
    struct bytes report_data;                      /* of evidence */
    bool debug;                                    /* the same */
};

struct sgx_report;
struct td_report;
struct snp_report;
struct key_evidence;
/* As views into the report. */
struct measurement measurement_of_sgx(const struct sgx_report *r);
struct measurement measurement_of_tdx(const struct td_report *r);
struct measurement measurement_of_snp(const struct snp_report *r);
/* Of evidence as the hardware gave it, which is not judged: for who asked his own. False: it is not of its form. */
bool measurement_read(struct arena *a, const struct key_evidence *e, struct measurement *out);
/* Of a record: does it name all that decides what runs? Of TDX firmware, its settings, boot loader and kernel with its command line (mrtd,
 * rtmr0 to rtmr2; rtmr3 is the guest's own); of SNP the launch and what the host chose (measurement, host_data). Of SGX each form does. */
bool measurement_is_whole(const struct measurement *m);

struct software_digest {
    struct bytes name; /* "assay-verifier" */
    struct bytes sha256;
};

#define RECORD_NEVER INT64_MAX
struct record {
    struct bytes component, version;
    struct measurement values;
    const struct software_digest *digests;
    size_t digest_count;
    int64_t announced, usable_from, retired_after; /* RECORD_NEVER: it is in use */
    bool planned;
};
struct records {
    const struct record *v;
    size_t count;
    int64_t issued;
};

struct records_exam {
    struct arena *arena;
    struct trace *trace;
};
/* A list: states its form, and with a key the signature and the schedule. False when one of them is refused. */
bool records_read(const struct records_exam *x, struct bytes list, const struct public_key *release_key,
                  struct records *out);
/* Whether what was measured is announced, by a record that is whole or with partial ones allowed, and usable at this time: four checks. The
 * record is *out; NULL when there is none. */
bool records_match(const struct records_exam *x, const struct records *list, const struct measurement *found,
                   int64_t time, bool allow_partial, const struct record **out);
/* The same of software without a TEE: the digest of each named program is in the record of one release. */
bool records_match_software(const struct records_exam *x, const struct records *list,
                            const struct software_digest *found, size_t count, int64_t time, const struct record **out);

/* Put a new record, whose announced, planned and values are set, into the list: sets its usable_from, and retired_after of those before it.
 * False with a fault for what is announced already, or older than what is there. The list's array is written anew. */
bool records_announce(struct arena *a, struct records *list, const struct record *record, struct fault *fault);
/* The list as canonical JSON, which is what is signed; and the header of its JWS. */
struct bytes records_payload(struct arena *a, const struct records *list);
/* Where a service publishes the list of what it may run. */
#define MEASUREMENTS_PATH "/.well-known/assay-measurements"
#define RECORDS_TYPE      "assay-measurements+jws"
#define RECORDS_HEADER    "{\"alg\":\"ES256\",\"typ\":\"" RECORDS_TYPE "\"}"
struct json *measurement_json(struct arena *a, const struct measurement *m);
struct json *record_json(struct arena *a, const struct record *r);
/* One record of this JSON; NULL, or why it is none. lenient: times may be missing, for lists that nobody signed. */
const char *record_read(struct arena *a, const struct json *o, bool lenient, struct record *out);

#endif
