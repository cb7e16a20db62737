#include "arm/regions.h"

#include "arm/names.h"

/* BYTES_LIT is a compound literal, which may not initialise static data. */
#define TEXT(lit)                               \
    {                                           \
        (const uint8_t *)(lit), sizeof(lit) - 1 \
    }
#define REGION(name, code)     \
    {                          \
        TEXT(name), TEXT(code) \
    }

const struct region regions_published[] = {
    REGION("East US", "eus"),           REGION("East US 2", "eus2"),        REGION("West US", "wus"),
    REGION("West US 2", "wus2"),        REGION("West US 3", "wus3"),        REGION("Central US", "cus"),
    REGION("North Central US", "ncus"), REGION("South Central US", "scus"), REGION("Canada Central", "cac"),
    REGION("Canada East", "cae"),       REGION("North Europe", "neu"),      REGION("West Europe", "weu"),
    REGION("UK South", "uks"),          REGION("UK West", "ukw"),           REGION("France Central", "frc"),
    REGION("Sweden Central", "sec"),    REGION("Italy North", "itn"),       REGION("Switzerland North", "swn"),
    REGION("Japan East", "jpe"),        REGION("Japan West", "jpw"),        REGION("East Asia", "easia"),
    REGION("Southeast Asia", "sasia"),  REGION("Australia East", "eau"),    REGION("Australia Southeast", "sau"),
    REGION("US Gov Virginia", "ugv"),   REGION("US Gov Arizona", "uga"),    REGION("Central US EUAP", "cuse"),
    REGION("East US 2 EUAP", "eus2e"),
};
const size_t regions_published_count = sizeof regions_published / sizeof *regions_published;

enum { TEXT_END = -1 };

/* The next character that counts, in lower case. */
static int next(struct bytes text, size_t *at)
{
    while (*at < text.n && text.p[*at] == ' ')
        ++*at;
    if (*at == text.n)
        return TEXT_END;
    uint8_t c = text.p[(*at)++];
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

bool location_same(struct bytes a, struct bytes b)
{
    size_t i = 0, j = 0;
    int c, d;

    do {
        c = next(a, &i);
        d = next(b, &j);
    } while (c == d && c != TEXT_END);
    return c == d;
}

const struct region *regions_find(const struct regions *regions, struct bytes location)
{
    for (size_t i = 0; i < regions->count; i++)
        if (location_same(regions->v[i].name, location))
            return &regions->v[i];
    return NULL;
}

const struct region *regions_find_code(const struct regions *regions, struct bytes code)
{
    for (size_t i = 0; i < regions->count; i++)
        if (bytes_equal(regions->v[i].code, code))
            return &regions->v[i];
    return NULL;
}

struct bytes regions_list(struct arena *a, const struct regions *regions)
{
    struct writer w = wr_open(a);

    for (size_t i = 0; i < regions->count; i++) {
        struct bytes name = regions->v[i].name;
        int c;

        if (i)
            wr_u8(&w, ',');
        for (size_t at = 0; (c = next(name, &at)) != TEXT_END;)
            wr_u8(&w, (uint8_t)c);
    }
    return wr_done(&w);
}

struct bytes regions_issuer(struct arena *a, const struct regions *regions, struct bytes name, struct bytes code)
{
    struct writer w = wr_open(a);

    wr_text(&w, "https://");
    wr_put(&w, name_lower(a, name));
    wr_u8(&w, '.');
    wr_put(&w, code);
    wr_u8(&w, '.');
    wr_put(&w, regions->domain);
    return wr_done(&w);
}
