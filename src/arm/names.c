#include "arm/names.h"

#include "base/limits.h"
#include "base/text.h"

static bool is_digit_or_letter(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* 1 to `most` letters, digits and characters of `others`. */
static bool made_of(struct bytes name, size_t most, const char *others)
{
    if (name.n == 0 || name.n > most)
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (!is_digit_or_letter(name.p[i]) && (name.p[i] == 0 || !strchr(others, name.p[i])))
            return false;
    return true;
}

/* One label of a host name. */
static bool is_label(struct bytes name, size_t least, size_t most)
{
    if (name.n < least || !made_of(name, most, "-") || name.p[0] == '-' || name.p[name.n - 1] == '-')
        return false;
    return name.n < 4 || name.p[2] != '-' || name.p[3] != '-';
}

bool name_is_provider(struct bytes name)
{
    return is_label(name, 3, 24);
}

bool name_is_group(struct bytes name)
{
    return made_of(name, LIMIT_ARM_GROUP, "_-.()") && name.p[name.n - 1] != '.';
}

bool name_is_subscription(struct bytes name)
{
    return made_of(name, LIMIT_ARM_SUBSCRIPTION, "_-");
}

bool name_is_connection(struct bytes name)
{
    return made_of(name, LIMIT_ARM_CONNECTION, "_-.") && is_digit_or_letter(name.p[0]);
}

bool name_is_region_code(struct bytes code)
{
    for (size_t i = 0; i < code.n; i++)
        if (code.p[i] >= 'A' && code.p[i] <= 'Z')
            return false;
    return is_label(code, 1, 24);
}

struct bytes name_lower(struct arena *a, struct bytes name)
{
    uint8_t *p = arena_alloc(a, name.n);

    for (size_t i = 0; i < name.n; i++)
        p[i] = name.p[i] >= 'A' && name.p[i] <= 'Z' ? (uint8_t)(name.p[i] + 32) : name.p[i];
    return bytes_make(p, name.n);
}

bool text_is_plain(struct bytes text, size_t most)
{
    if (text.n > most || !utf8_valid(text))
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < 0x20 || text.p[i] == 0x7f)
            return false;
    return true;
}
