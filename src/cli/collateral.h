/* What the members of `assay collateral` share. */
#ifndef ASSAY_CLI_COLLATERAL_H
#define ASSAY_CLI_COLLATERAL_H

#include "cli/cli.h"
#include "cli/input.h"
#include "collateral/bundle.h"

struct collateral_call {
    struct cli *cli;
    struct path_list anchors; /* --anchor */
    int64_t time;             /* --at, or now */
    bool json;
    /* After collateral_read. */
    struct catalogue catalogue;
    bool is_bundle, is_folder;
    struct bundle bundle;        /* of a bundle */
    struct bundle_memory memory; /* of a folder: the bundle imported last */
};

void collateral_open(struct collateral_call *c, struct cli *cli);
/* Options that several members have: --anchor, --at, --json. False for misuse, which has been reported. */
enum { COLLATERAL_ANCHOR = OPTION_BASE, COLLATERAL_OPTION_BASE };
#define COLLATERAL_OPTION_ANCHOR                                                                           \
    {                                                                                                      \
        COLLATERAL_ANCHOR, "anchor", "F", "trust this root too: a certificate or a public key; repeatable" \
    }
bool collateral_option(struct collateral_call *c, int id, const char *value);
/* The anchors that were named, besides the built-in ones. False when one cannot be read, which has been reported. */
bool collateral_anchors(struct collateral_call *c, struct anchors *out);
/* A folder, a bundle or one file into the catalogue. False when it cannot be read, which has been reported. */
bool collateral_read(struct collateral_call *c, const char *path);
/* "FMSPC 00906ed50000, number 17": what an object is about; "" for what is one of its kind. */
const char *collateral_about(struct arena *a, const struct collateral *o);

#endif
