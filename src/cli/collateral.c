/* assay collateral: endorsements in folders and bundles. What its members share. */
#include "cli/collateral.h"

#include "base/limits.h"
#include "base/text.h"
#include "cli/anchor.h"

void collateral_open(struct collateral_call *c, struct cli *cli)
{
    *c = (struct collateral_call){.cli = cli, .time = input_now()};
}

bool collateral_option(struct collateral_call *c, int id, const char *value)
{
    switch (id) {
    case COLLATERAL_ANCHOR: path_list_add(c->cli->arena, &c->anchors, value); return true;
    case 't':
        if (input_time(value, &c->time))
            return true;
        cli_misuse(c->cli, "--at %s: no time", value);
        return false;
    default: c->json = true; return true;
    }
}

bool collateral_anchors(struct collateral_call *c, struct anchors *out)
{
    struct arena *a = c->cli->arena;
    uint8_t(*pins)[SHA256_SIZE] = arena_array(a, SHA256_SIZE, c->anchors.n * LIMIT_CHAIN + 1);
    struct anchor_file file;

    *out = (struct anchors){(const uint8_t(*)[SHA256_SIZE])pins, 0};
    for (size_t i = 0; i < c->anchors.n; i++) {
        if (!anchor_read(c->cli, "--anchor", c->anchors.v[i], &file))
            return false;
        memcpy(pins + out->count, file.spki, file.count * SHA256_SIZE);
        out->count += file.count;
    }
    return true;
}

static bool read_file(struct collateral_call *c, const char *path, struct fault *fault)
{
    struct arena *a = c->cli->arena;
    struct bytes text;

    if (!input_file(a, path, LIMIT_BUNDLE, &text, fault))
        return false;
    c->is_bundle = bundle_is(text);
    if (c->is_bundle && !bundle_read(a, text, &c->bundle, fault))
        return false;
    catalogue_add(&c->catalogue, path, text);
    return true;
}

static bool read_folder(struct collateral_call *c, const char *path, struct fault *fault)
{
    struct folder f;

    c->is_folder = true;
    if (!folder_open(&f, path, FOLDER_READ, fault))
        return false;
    bool ok = folder_load(&f, &c->catalogue, fault) && bundle_memory_read(&f, c->cli->arena, &c->memory, fault);
    folder_close(&f);
    return ok;
}

bool collateral_read(struct collateral_call *c, const char *path)
{
    struct anchors anchors;
    struct fault fault = {0};

    catalogue_init(&c->catalogue, c->cli->arena);
    if (!collateral_anchors(c, &anchors))
        return false;
    for (size_t i = 0; i < anchors.count; i++)
        catalogue_add_anchor(&c->catalogue, anchors.pins[i]);
    if (input_is_folder(path) ? read_folder(c, path, &fault) : read_file(c, path, &fault))
        return true;
    cli_error(c->cli, "%s%s%s", strstr(fault.text, path) ? "" : path, strstr(fault.text, path) ? "" : ": ", fault.text);
    return false;
}

const char *collateral_about(struct arena *a, const struct collateral *o)
{
    const char *about = "";

    if (o->fmspc.n)
        about = arena_printf(a, "FMSPC %s", arena_string(a, hex_encode(a, o->fmspc)));
    if (o->product)
        about = o->product;
    if (o->hwid.n)
        about = arena_printf(a, "%s %s", about, arena_string(a, hex_encode(a, bytes_first(o->hwid, 8))));
    if (o->evaluation)
        about = arena_printf(a, "%s%snumber %u", about, *about ? ", " : "", o->evaluation);
    return about;
}
