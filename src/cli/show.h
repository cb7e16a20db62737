/* Decoded things as JSON trees, for `inspect`, `token show` and messages: printed as they are with --json, as indented lines
 * otherwise. Nothing is judged here. */
#ifndef ASSAY_CLI_SHOW_H
#define ASSAY_CLI_SHOW_H

#include "base/json.h"
#include "crypto/x509.h"

/* Members of a tree in the making. Texts are not copied. */
void show_text(struct arena *a, struct json *o, const char *name, struct bytes text);
void show_string(struct arena *a, struct json *o, const char *name, const char *text);
void show_hex(struct arena *a, struct json *o, const char *name, struct bytes b);
void show_number(struct arena *a, struct json *o, const char *name, int64_t v);
void show_flag(struct arena *a, struct json *o, const char *name, bool v);
void show_time(struct arena *a, struct json *o, const char *name, int64_t t);
void show_tree(struct json *o, const char *name, struct json *tree);
/* The bits that are set, by name; names has 64, NULL where there is none. */
void show_bits(struct arena *a, struct json *o, const char *name, uint64_t v, const char *const *names);

/* "CN=Intel SGX Root CA,O=Intel Corporation": a DER name, in the order of the certificate. */
struct bytes show_name(struct arena *a, struct bytes der_name);
/* Every field; extensions by name or OID, the PCK extension and embedded evidence decoded. */
struct json *show_certificate(struct arena *a, const struct certificate *c);
/* Subject, issuer, validity and key alone. */
struct json *show_certificate_brief(struct arena *a, const struct certificate *c);
struct json *show_crl(struct arena *a, const struct crl *c);

/* A token, unverified. */
struct token_parts {
    const struct json *header;
    struct bytes payload_bytes;
    const struct json *payload; /* NULL when it is no JSON */
    struct bytes signature;
};
bool token_split(struct arena *a, struct bytes text, struct token_parts *out, struct fault *fault);
/* for_people: times beside the numbers, certificates summed up instead of their base64. */
struct json *show_token(struct arena *a, const struct token_parts *parts, bool for_people);

#endif
