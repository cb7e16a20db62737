/* The folder of endorsements: the store of all that vouches for hardware, as files that a person may look at. Each is
 * recognised by its content; names are made from content, never from what a server said.
 *
 * Writing: everything that belongs together is written into a hidden folder inside and synced; renaming that is the commit;
 * then the files move into place. A reader counts committed files where they lie, so it sees all of a write or nothing of it,
 * whenever a writer died; the next writer finishes the moves. Writers exclude each other and readers by a lock on the folder
 * itself. */
#ifndef ASSAY_COLLATERAL_FOLDER_H
#define ASSAY_COLLATERAL_FOLDER_H

#include "collateral/catalogue.h"

enum folder_mode { FOLDER_READ, FOLDER_WRITE };

struct folder {
    const char *path;
    int fd;
    enum folder_mode mode;
};

/* FOLDER_WRITE makes the folder where there is none, and finishes what another writer committed. Waits for other writers;
 * keep it open for moments only. */
bool folder_open(struct folder *f, const char *path, enum folder_mode mode, struct fault *fault);
void folder_close(struct folder *f);

/* Visible regular files, by name; at most LIMIT_FOLDER_FILES. */
struct folder_file {
    const char *name;
    size_t size;
};
bool folder_list(struct folder *f, struct arena *a, const struct folder_file **out, size_t *count, struct fault *fault);
/* One file, of at most `most` bytes. A hidden one may be named too; *out is empty when that is missing. */
bool folder_read(struct folder *f, struct arena *a, const char *name, size_t most, struct bytes *out,
                 struct fault *fault);
/* Every file into the catalogue. */
bool folder_load(struct folder *f, struct catalogue *c, struct fault *fault);

struct folder_entry {
    const char *name;
    struct bytes content;
};
/* Write these files, all or none, replacing those of the same names. The caller has judged them. */
bool folder_write(struct folder *f, const struct folder_entry *entries, size_t count, struct fault *fault);

enum folder_outcome {
    FOLDER_NEW,      /* written; there was none about the same */
    FOLDER_REPLACED, /* written over an older one */
    FOLDER_SAME,     /* it was there already */
    FOLDER_NEWER,    /* one issued later is there and stays */
    FOLDER_OTHER,    /* another one issued at the same time is there, or came with it, and stays */
    FOLDER_REFUSED,  /* no endorsement, or not genuine: see why */
};
struct folder_result {
    enum folder_outcome outcome;
    const char *name; /* of the file; NULL for what is no endorsement */
    const char *why;  /* for FOLDER_REFUSED, FOLDER_NEWER and FOLDER_OTHER */
};
/* Offer objects to a folder open for writing: genuine ones that are newer than what is there are written, in one commit. What
 * vouches for an object (its issuer chain) may come beside it in any order. One input of several endorsements (Open Enclave's)
 * has the result of its last. results has `count` elements. False when the folder cannot be read or written: nothing
 * changed then. Only pins of `trust` are used; NULL: the built-in anchors alone. */
bool folder_put(struct folder *f, struct arena *a, const struct anchors *trust, const struct bytes *contents,
                size_t count, struct folder_result *results, struct fault *fault);
/* The same without writing: the files that would be. */
struct folder_trust {
    const struct anchors *anchors; /* besides the built-in ones; NULL: none */
    bool
        unknown_crls; /* take a CRL whose issuer is not at hand, where no genuine one is there: PCK authorities come with quotes */
};
bool folder_offer(struct folder *f, struct arena *a, const struct folder_trust *trust, const struct bytes *contents,
                  size_t count, struct folder_result *results, struct folder_entry **entries, size_t *entry_count,
                  struct fault *fault);

#endif
