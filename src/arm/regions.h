/* Regions: the names that callers send as `location`, and the codes that stand in host names (api.md 7). Both are values of the
 * configuration; the table here is what it begins with. */
#ifndef ASSAY_ARM_REGIONS_H
#define ASSAY_ARM_REGIONS_H

#include "base/arena.h"

struct region {
    struct bytes name; /* for people, "East US 2"; also `location` of its default provider */
    struct bytes code; /* "eus2" */
};
struct regions {
    const struct region *v;
    size_t count;
    struct bytes
        domain; /* what follows the code in host names, with a port where it is not 443: "attest.example:8443" */
};

/* The published regions. */
extern const struct region regions_published[];
extern const size_t regions_published_count;

/* Two locations are the same when they differ in blanks and letter case alone ("East US 2", "eastus2"). */
bool location_same(struct bytes a, struct bytes b);
/* The region of a location as it was sent; NULL when there is none. */
const struct region *regions_find(const struct regions *regions, struct bytes location);
const struct region *regions_find_code(const struct regions *regions, struct bytes code);
/* "eastus,eastus2", as the platform lists them. */
struct bytes regions_list(struct arena *a, const struct regions *regions);
/* https://NAME.CODE.DOMAIN, the name in lower case: where a provider answers, and its issuer. */
struct bytes regions_issuer(struct arena *a, const struct regions *regions, struct bytes name, struct bytes code);

#endif
