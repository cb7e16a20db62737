/* Logs whose lines hang together: nobody changes, drops, adds or moves one without the rest telling (assay-audit(1) has the rule).
 *
 * A line is one JSON object whose last member is `chain`, in lower-case hexadecimal: SHA-256 over the chain value of the record
 * before it, as 64 characters of text, then the bytes of this line that stand before the comma in front of that member. A log's
 * first record follows LOG_CHAIN_START. Two more members mean something here:
 *
 * - `previous`: the first record of a file in which a log goes on after another file; the last chain value of that file;
 * - `recovered`: SHA-256 of all bytes between the record before and this line, where a write was cut short.
 *
 * The service writes by these rules and `assay` judges by them. There is no key: whoever can write the file can write a whole new
 * one, so a last value kept elsewhere is what proves the end of it. */
#ifndef ASSAY_CRYPTO_LOG_CHAIN_H
#define ASSAY_CRYPTO_LOG_CHAIN_H

#include "base/fault.h"
#include "base/limits.h"
#include "crypto/digest.h"

enum { LOG_CHAIN_HEX = 2 * SHA256_SIZE };
#define LOG_CHAIN_START "0000000000000000000000000000000000000000000000000000000000000000"

struct log_value {
    char hex[LOG_CHAIN_HEX + 1];
};

/* SHA-256 of two views joined, as it stands in a log. */
struct log_value log_digest(struct bytes first, struct bytes second);

/* End a record: `record` is an object's text without its closing brace, which gets its last member, that brace and a line end in
 * the writer. Gives the chain's next value; `before` is the one before. */
struct log_value log_chain_seal(const struct log_value *before, struct bytes record, struct writer *line);
/* A line without its end -> what is hashed, and the value; false: it has not the form of a record. No text within a record can look
 * like its end, for quotation marks in texts are escaped. */
bool log_chain_split(struct bytes line, struct bytes *record, struct bytes *value);

/* Where a log is to go on, from the last bytes of its file. */
struct log_end {
    struct log_value value; /* of the last whole record; LOG_CHAIN_START without one */
    bool found;             /* there is one */
    bool open;              /* the last byte is no line end */
    struct bytes torn;      /* what stands behind that record; empty: nothing */
};
struct log_end log_chain_end(struct bytes tail);

/* Judges a log, whose bytes come in pieces of any size, file by file. */
struct log_walk {
    struct log_value value; /* after the last record that was judged */
    struct log_value from;  /* what the first record followed */
    uint64_t records;
    struct log_value wanted; /* a value to look for */
    bool met;                /* it was there, or the log begins behind it */
    uint64_t met_at;         /* so many records lead to it */
    uint64_t recoveries;     /* records that tell of torn lines */
    uint64_t line;           /* the last that was begun, in its file, from 1 */
    size_t file;             /* counted from 1 */
    uint64_t bad_line;       /* of a failure: where */
    size_t bad_file;
    bool fresh;         /* this file has no record yet */
    bool overlong;      /* the line under way is longer than a record may be */
    bool torn;          /* lines without the form of a record were met, and no record told of them yet */
    uint64_t torn_line; /* the first of these */
    size_t torn_file;
    struct digest_stream torn_bytes;
    struct arena arena; /* of one line */
    size_t held;
    uint8_t holding[LIMIT_LOG_LINE];
};
/* `wanted`: a value to look for on the way, in lower-case hexadecimal; NULL: none. False: it has not that form. */
bool log_walk_open(struct log_walk *w, const char *wanted);
void log_walk_free(struct log_walk *w);
/* False with a fault: the log is not whole, and w->bad_line of w->bad_file is the first that shows it. Nothing more must be given. */
bool log_walk_file(struct log_walk *w, struct fault *fault); /* a file begins */
bool log_walk_bytes(struct log_walk *w, struct bytes more, struct fault *fault);
bool log_walk_end(struct log_walk *w, struct fault *fault); /* there are no more files */

#endif
