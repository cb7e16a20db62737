#include "cli/show.h"

#include "base/clock.h"
#include "base/text.h"

void show_text(struct arena *a, struct json *o, const char *name, struct bytes text)
{
    show_tree(o, name, json_new_text(a, text_clean(a, text)));
}

void show_string(struct arena *a, struct json *o, const char *name, const char *text)
{
    show_text(a, o, name, bytes_text(text));
}

void show_hex(struct arena *a, struct json *o, const char *name, struct bytes b)
{
    show_text(a, o, name, hex_encode(a, b));
}

void show_number(struct arena *a, struct json *o, const char *name, int64_t v)
{
    show_tree(o, name, json_new_integer(a, v));
}

void show_flag(struct arena *a, struct json *o, const char *name, bool v)
{
    show_tree(o, name, json_new_boolean(a, v));
}

void show_time(struct arena *a, struct json *o, const char *name, int64_t t)
{
    char text[32];

    time_format(t, text);
    show_text(a, o, name, arena_copy(a, bytes_text(text)));
}

void show_tree(struct json *o, const char *name, struct json *tree)
{
    if (!json_member(o, name)) /* what strangers wrote may hold a field twice: the first counts */
        json_set(o, bytes_text(name), tree);
}

void show_bits(struct arena *a, struct json *o, const char *name, uint64_t v, const char *const *names)
{
    struct json *list = json_new(a, JSON_ARRAY);

    for (unsigned bit = 0; bit < 64; bit++)
        if (v >> bit & 1)
            json_append(list, json_new_text(a, bytes_text(names[bit] ? names[bit] : arena_printf(a, "bit %u", bit))));
    show_tree(o, name, list);
}
