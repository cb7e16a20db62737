/* A bundle: the endorsements of a folder as one signed file, for sites that no network reaches. assay-collateral(1) describes it:
 * a line that begins it, a JWS over the manifest (names, sizes and SHA-256 of all objects, a sequence number, the time), and
 * the objects, one behind the other. The signature is over the transport: who put these objects together, and which of two
 * bundles is the later one. What an object says is its vendor's word alone, verified as everywhere. */
#ifndef ASSAY_COLLATERAL_BUNDLE_H
#define ASSAY_COLLATERAL_BUNDLE_H

#include "collateral/folder.h"
#include "crypto/sign.h"

struct bundle {
    uint64_t sequence;
    int64_t time;
    struct folder_entry *objects;
    size_t count;
    bool is_signed;              /* its signature verified under `signer` */
    uint8_t signer[SHA256_SIZE]; /* SHA-256 of the SubjectPublicKeyInfo that the bundle names */
    uint8_t digest[SHA256_SIZE]; /* of the JWS: two bundles with one digest are one */
};

/* Does it begin as a bundle does? */
bool bundle_is(struct bytes text);
/* Views point into text. Refused: what is cut short or goes on behind its end, sizes or digests that differ from the
 * manifest's, names that no object makes, a signature that does not verify. Who may sign is for the caller to judge. */
bool bundle_read(struct arena *a, struct bytes text, struct bundle *out, struct fault *fault);
/* A file as the endorsements that it is: itself, or the objects of a bundle, named PATH:NAME. False, with none, for a bundle
 * that is damaged. */
bool bundle_parts(struct arena *a, const char *path, struct bytes text, struct folder_entry **out, size_t *count,
                  struct fault *fault);
/* in: sequence, time, objects. key NULL: unsigned. */
bool bundle_write(struct arena *a, const struct bundle *in, const struct signing_key *key, struct bytes *out,
                  struct fault *fault);

/* What a folder remembers of the bundle that was imported last; sequence 0: there was none. */
struct bundle_memory {
    uint64_t sequence;
    int64_t time;
    bool was_signed;
    uint8_t signer[SHA256_SIZE], digest[SHA256_SIZE];
};
bool bundle_memory_read(struct folder *f, struct arena *a, struct bundle_memory *out, struct fault *fault);

struct import_rules {
    const struct anchors *anchors; /* besides the built-in ones; NULL: none */
    const uint8_t *trusted;        /* SHA-256 of the key that must have signed; NULL: who signed the last one */
    bool keep_newer;               /* what is newer in the folder stays; else the bundle is refused for it */
    int64_t now;
};
/* Into a folder open for writing: all that is newer than what is there, in one commit, or nothing. results: one for each object
 * of the bundle, filled where the reason lies in objects. FAULT_USAGE: refused; others: it could not be done. */
bool bundle_import(struct folder *f, struct arena *a, const struct bundle *b, const struct import_rules *rules,
                   struct folder_result *results, struct fault *fault);

#endif
