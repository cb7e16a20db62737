#include "service/load.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/limits.h"

enum { LOADED_MEMORY = 1024 * 1024 * 1024, FILE_MOST = 2 * LIMIT_CRL, FILES_MOST = 100000 };

bool load_file(struct arena *a, const char *path, size_t most, struct bytes *out, struct fault *fault)
{
    FILE *f = fopen(path, "rbe");
    struct stat st;

    *out = BYTES_NONE;
    if (!f)
        return fault_set(fault, FAULT_SYSTEM, "cannot read %s: %s", path, strerror(errno));
    bool ok = fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode) && (size_t)st.st_size <= most;
    if (ok) {
        uint8_t *p = arena_alloc(a, (size_t)st.st_size);

        *out = bytes_make(p, fread(p, 1, (size_t)st.st_size, f));
        ok = out->n == (size_t)st.st_size;
    }
    fclose(f);
    return ok || fault_set(fault, FAULT_SYSTEM, "cannot read %s: no file of at most %zu bytes", path, most);
}

static void add(struct loaded *l, enum frame_kind kind, struct bytes body)
{
    l->frames = ARENA_ROOM(&l->arena, l->frames, l->count, &l->cap);
    l->frames[l->count++] = (struct loaded_frame){kind, body};
}

static int visible(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static bool load_one(struct loaded *l, const char *path, const char *name, struct fault *fault)
{
    struct bytes text;

    if (!load_file(&l->arena, path, FILE_MOST, &text, fault))
        return false;
    add(l, FRAME_ENDORSEMENT, write_named(&l->arena, bytes_text(name), text));
    l->files++;
    return true;
}

static bool load_folder(struct loaded *l, const char *folder, struct fault *fault)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, visible, alphasort);
    bool ok = n >= 0 && n <= FILES_MOST;

    if (!ok)
        fault_set(fault, FAULT_SYSTEM, "cannot read the collateral folder %s: %s", folder,
                  n < 0 ? strerror(errno) : "too many files");
    for (int i = 0; i < n; i++) {
        char *path = arena_printf(&l->arena, "%s/%s", folder, entries[i]->d_name);
        struct stat st;

        if (ok && stat(path, &st) == 0 && S_ISREG(st.st_mode))
            ok = load_one(l, path, entries[i]->d_name, fault);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return ok;
}

static bool load_anchor(struct loaded *l, const char *path, bool simulated, struct fault *fault)
{
    const struct certificate *list;
    struct bytes text;
    size_t count;

    if (!load_file(&l->arena, path, LIMIT_CERTIFICATE * 2, &text, fault) ||
        !certificates_decode(&l->arena, text, &list, &count, fault))
        return false;
    add(l, FRAME_ANCHOR, write_anchor(&l->arena, list->spki_digest, simulated));
    return true;
}

bool load_signers(struct arena *a, const char *path, struct bytes *jwks, struct fault *fault)
{
    const struct certificate *list;
    struct bytes text;
    size_t count;

    if (!load_file(a, path, LIMIT_CHAIN * LIMIT_CERTIFICATE, &text, fault) ||
        !certificates_decode(a, text, &list, &count, fault))
        return false;
    *jwks = signers_jwks(a, list);
    return true;
}

bool load_snapshot(const struct config *c, struct loaded *out, struct fault *fault)
{
    bool ok = true;

    *out = (struct loaded){0};
    arena_init(&out->arena, LOADED_MEMORY);
    add(out, FRAME_SNAPSHOT_BEGIN, write_settings(&out->arena, &c->settings));
    for (size_t i = 0; i < c->anchor_count && ok; i++)
        ok = load_anchor(out, c->anchors[i], c->anchors_are_simulated, fault);
    ok = ok && (!c->folder || load_folder(out, c->folder, fault));
    for (size_t i = 0; i < c->file_count && ok; i++)
        ok = load_one(out, c->files[i], c->files[i], fault);
    add(out, FRAME_SNAPSHOT_END, BYTES_NONE);
    if (!ok)
        loaded_free(out);
    return ok;
}

void loaded_free(struct loaded *l)
{
    arena_free(&l->arena);
    *l = (struct loaded){0};
}
