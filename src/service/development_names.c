#include "service/development_names.h"

#include "arm/regions.h"

const char development_node_script[] =
    "// Names below localhost are this machine (RFC 6761 6.3). Loaded by node where NODE_OPTIONS requires it.\n"
    "'use strict';\n"
    "const dns = require('node:dns');\n"
    "const here = (name) => (typeof name === 'string' && /\\.localhost\\.?$/i.test(name) ? '127.0.0.1' : name);\n"
    "const { lookup } = dns;\n"
    "dns.lookup = (name, ...rest) => lookup(here(name), ...rest);\n"
    "const promised = dns.promises.lookup;\n"
    "dns.promises.lookup = (name, ...rest) => promised(here(name), ...rest);\n";

const char *development_alternative_names(struct arena *a)
{
    struct writer w = wr_open(a);

    wr_text(&w, "DNS:localhost,DNS:*.localhost,IP:127.0.0.1,IP:::1");
    for (size_t i = 0; i < regions_published_count; i++) {
        wr_text(&w, ",DNS:*.");
        wr_put(&w, regions_published[i].code);
        wr_text(&w, ".localhost");
    }
    return arena_string(a, wr_done(&w));
}
