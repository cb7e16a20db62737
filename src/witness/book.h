/* What a witness has cosigned: of each log that it knows, the newest checkpoint, as a note in a folder of its own. A checkpoint is cosigned
 * when it goes on from that one, and is on the disk before its cosignature leaves: whatever ends the process, no two that it gave
 * contradict each other. One process alone has the folder; one checkpoint is judged at a time. */
#ifndef ASSAY_WITNESS_BOOK_H
#define ASSAY_WITNESS_BOOK_H

#include "witness/submission.h"

enum { WITNESS_LOGS = 1024 /* that one witness knows */ };

struct witness_book;

/* A folder, made where there is none, becomes that of this key; and each log's, which it may cosign from nothing on. False with a fault, also
 * when it was begun before: whoever has the key cosigns any history by another folder, so this is for a key that was just made, or for
 * whoever means it. */
bool witness_book_begin(const char *folder, const struct log_key *key, const struct log_key *logs, size_t count,
                        struct fault *fault);
/* Let a log in that the folder has nothing of. Likewise deliberate, and false when something is known of it, or it was let in before. */
bool witness_book_admit(const char *folder, const struct log_key *key, struct bytes origin, struct fault *fault);

/* What the folder has of these logs is read. The key is the witness's, by its seed (both are copied); `logs` are those that it knows, whose
 * names are their origins, and must live as long. NULL with a fault: the folder was not begun by this key, or is another process's; a log
 * was not let in, or its file is lost; what is there of it was not cosigned by this key; or two logs have one origin. */
struct witness_book *witness_book_open(const char *folder, const struct log_key *key, const uint8_t seed[ED25519_SEED],
                                       const struct log_key *logs, size_t count, struct fault *fault);
void witness_book_close(struct witness_book *l);

/* An answer of the protocol (C2SP tlog-witness): 200 with lines of cosignatures; 409 with the size that is known; 400, 403, 404, 422 and 500
 * with the reason as text. */
struct witness_answer {
    int status;
    struct bytes body; /* in the arena */
    bool size;         /* the body is the size of a 409 */
    bool fork;         /* the log signed two roots for one size: both notes are kept, as NAME.SIZE.fork */
    bool
        told; /* a fork, or a 422, of this log and size that was answered before: strangers can do it again and again */
    struct bytes lost;   /* why the proof of a fork could not be kept; in the arena */
    struct bytes origin; /* of the log, where it is known */
    uint64_t size_asked; /* of the checkpoint, likewise */
};
/* A body of a submission, at this time, in seconds since 1970. */
struct witness_answer witness_book_take(struct witness_book *l, struct arena *a, struct bytes body, int64_t time);

/* What a folder has, without being its process: each note's log, size and time of the cosignature by the key. False with a fault. */
typedef void witness_seen(void *context, const struct checkpoint *c, int64_t time);
bool witness_book_list(const char *folder, const struct log_key *key, witness_seen *seen, void *context,
                       struct fault *fault);
/* Drop what is known of this log, and let it in anew: the next checkpoint of it is cosigned whatever it is. *was: the size that was known. False with a fault,
 * also when nothing is known of it, and while a witness runs. */
bool witness_book_forget(const char *folder, const struct log_key *key, struct bytes origin, uint64_t *was,
                         struct fault *fault);

#endif
