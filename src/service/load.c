#include "service/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "collateral/bundle.h"

enum { LOADED_MEMORY = 1024 * 1024 * 1024, FILE_MOST = 2 * LIMIT_CRL + 1 /* what is longer is no endorsement */ };

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

/* An endorsement, or a bundle of them. One that is damaged goes on as it is: the verifier warns of what it cannot read. */
static void add_file(struct loaded *l, const char *name, struct bytes text)
{
    struct folder_entry whole = {name, bytes_first(text, FILE_MOST)}, *parts;
    size_t count;

    if (l->served)
        catalogue_add(served_catalogue(l->served), name, text);
    if (!bundle_parts(&l->arena, name, text, &parts, &count, NULL)) {
        parts = &whole;
        count = 1;
    }
    for (size_t i = 0; i < count; i++)
        add(l, FRAME_ENDORSEMENT, write_named(&l->arena, bytes_text(parts[i].name), parts[i].content));
    l->files += count;
}

static bool load_one(struct loaded *l, const char *path, struct fault *fault)
{
    struct bytes text;

    if (!load_file(&l->arena, path, LIMIT_BUNDLE, &text, fault))
        return false;
    add_file(l, path, text);
    return true;
}

static bool load_files(struct loaded *l, struct folder *f, struct fault *fault)
{
    const struct folder_file *files;
    struct bytes text;
    size_t count;

    if (!folder_list(f, &l->arena, &files, &count, fault))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!folder_read(f, &l->arena, files[i].name, LIMIT_BUNDLE, &text, fault))
            return false;
        add_file(l, files[i].name, text);
    }
    return true;
}

static bool load_folder(struct loaded *l, const char *path, struct fault *fault)
{
    struct folder f;

    if (!folder_open(&f, path, FOLDER_READ, fault))
        return false;
    bool ok = load_files(l, &f, fault);
    folder_close(&f);
    return ok;
}

bool load_public_key(struct arena *a, const char *path, struct public_key *key, struct fault *fault)
{
    struct bytes text;

    return load_file(a, path, LIMIT_CHAIN * LIMIT_CERTIFICATE, &text, fault) &&
           (public_key_read(a, text, key) ||
            fault_set(fault, FAULT_CRYPTO, "%s: neither a certificate nor a public key in PEM", path));
}

/* Unlike a file of the folder, the bundle that the configuration names must be whole and rightly signed. */
static bool load_bundle(struct loaded *l, const struct config *c, struct fault *fault)
{
    struct bundle b;
    struct public_key key;
    struct bytes text;
    uint8_t signer[SHA256_SIZE];
    struct fault reason = {0};

    if (!load_file(&l->arena, c->bundle, LIMIT_BUNDLE, &text, fault) ||
        (c->bundle_key && !load_public_key(&l->arena, c->bundle_key, &key, fault)))
        return false;
    if (!bundle_read(&l->arena, text, &b, &reason))
        return fault_set(fault, reason.code, "%s: %s", c->bundle, reason.text);
    if (c->bundle_key)
        sha256(key.spki, signer);
    if (c->bundle_key && !(b.is_signed && memcmp(b.signer, signer, SHA256_SIZE) == 0))
        return fault_set(fault, FAULT_CRYPTO, "%s is not signed by the key in %s", c->bundle, c->bundle_key);
    add_file(l, c->bundle, text);
    return true;
}

static bool load_anchor(struct loaded *l, const char *path, bool simulated, struct fault *fault)
{
    const struct certificate *list;
    struct bytes text;
    size_t count;

    if (!load_file(&l->arena, path, LIMIT_CERTIFICATE * 2, &text, fault) ||
        !certificates_decode(&l->arena, text, &list, &count, fault))
        return false;
    if (l->served)
        catalogue_add_anchor(served_catalogue(l->served), list->spki_digest);
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

    *out = (struct loaded){.served = c->serve ? served_new(LOADED_MEMORY) : NULL};
    arena_init(&out->arena, LOADED_MEMORY);
    add(out, FRAME_SNAPSHOT_BEGIN, write_settings(&out->arena, &c->settings));
    for (size_t i = 0; i < c->anchor_count && ok; i++)
        ok = load_anchor(out, c->anchors[i], c->anchors_are_simulated, fault);
    ok = ok && (!c->folder || load_folder(out, c->folder, fault));
    for (size_t i = 0; i < c->file_count && ok; i++)
        ok = load_one(out, c->files[i], fault);
    ok = ok && (!c->bundle || load_bundle(out, c, fault));
    add(out, FRAME_SNAPSHOT_END, BYTES_NONE);
    if (ok && out->served)
        served_open(out->served, c->settings.default_baseline);
    if (!ok)
        loaded_free(out);
    return ok;
}

void loaded_free(struct loaded *l)
{
    arena_free(&l->arena);
    served_free(l->served);
    *l = (struct loaded){0};
}
