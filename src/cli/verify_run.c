/* The appraisal of `assay verify`: files to endorsements and exam, then the pipeline of the service without its frame. */
#include "base/limits.h"
#include "base/text.h"
#include "cli/terminal.h"
#include "cli/verify.h"
#include "crypto/pem.h"

static bool add_endorsement(struct verification *v, struct endorsements *e, const char *path)
{
    struct fault fault = {0};
    struct bytes text;

    progress("reading %s", path);
    if (!input_file(v->cli->arena, path, LIMIT_TOOL_FILE, &text, &fault) && fault.code == FAULT_SYSTEM) {
        progress(NULL);
        cli_error(v->cli, "%s", fault.text);
        return false;
    }
    if (fault.code == FAULT_NONE)
        endorsements_add(e, path, text, &fault);
    progress(NULL);
    if (fault.code != FAULT_NONE)
        cli_warn(v->cli, "%s is no endorsement: %s", path, fault.text);
    return true;
}

/* The keys of a file: of its certificates, or bare. */
static bool add_anchor(struct verification *v, struct endorsements *e, const char *path)
{
    struct arena *a = v->cli->arena;
    const struct certificate *c;
    struct public_key key;
    struct fault fault = {0};
    struct pem_block block;
    struct bytes text, der;
    uint8_t digest[SHA256_SIZE];
    size_t count;
    bool found;

    if (!input_file(a, path, LIMIT_TOOL_FILE, &text, &fault)) {
        cli_error(v->cli, "--anchor %s", fault.text);
        return false;
    }
    if (certificates_decode(a, text, &c, &count, &fault)) {
        for (; c; c = c->next)
            endorsements_add_anchor(e, c->spki_digest, false);
        return true;
    }
    der = text;
    if (pem_next(a, &text, &block, &found) && found)
        der = block.der;
    if (!public_key_decode(a, der, &key)) {
        cli_misuse(v->cli, "--anchor %s: neither a certificate nor a public key (%s)", path, fault.text);
        return false;
    }
    sha256(der, digest);
    endorsements_add_anchor(e, digest, false);
    return true;
}

bool verify_load_endorsements(struct verification *v)
{
    struct endorsements *e = endorsements_new(LIMIT_TOOL_MEMORY);
    struct path_list files = {0};
    struct fault fault = {0};

    v->exam.endorsements = e;
    for (size_t i = 0; i < v->collateral.n; i++) {
        const char *path = v->collateral.v[i];

        if (!input_is_folder(path)) {
            path_list_add(v->cli->arena, &files, path);
        } else if (!input_folder(v->cli->arena, path, &files, &fault)) {
            cli_error(v->cli, "%s", fault.text);
            return false;
        }
    }
    for (size_t i = 0; i < files.n; i++)
        if (!add_endorsement(v, e, files.v[i]))
            return false;
    for (size_t i = 0; i < v->anchors.n; i++)
        if (!add_anchor(v, e, v->anchors.v[i]))
            return false;
    endorsements_seal(e);
    return true;
}
