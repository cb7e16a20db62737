#include "service/key_answer.h"

#include "base/json.h"

static void add(struct arena *a, struct json *list, struct bytes kid, const char *state, const char *time_is,
                int64_t time)
{
    struct json *o = json_new(a, JSON_OBJECT);

    JSON_SET(o, "kid", json_new_text(a, kid));
    JSON_SET(o, "state", json_new_text(a, bytes_text(state)));
    json_set(o, bytes_text(time_is), json_new_integer(a, time));
    json_append(list, o);
}

struct bytes key_answer(struct arena *a, const struct tenant *t, int64_t now)
{
    struct json *root = json_new(a, JSON_OBJECT), *list = json_new(a, JSON_ARRAY);
    struct retired_key keys[TENANT_LISTED_MAX];
    size_t count = tenant_listed(t, now, keys);

    if (t->key.kid.n)
        add(a, list, t->key.kid, "signing", "since", tenant_key_since(t));
    if (t->key.kid.n && t->next.kid.n)
        add(a, list, t->next.kid, "published", "since", t->next.since);
    for (size_t i = 0; i < count; i++)
        add(a, list, keys[i].kid, "retired", "until", keys[i].until);
    JSON_SET(root, "signingKeys", list);
    return json_print(a, root, JSON_IN_ORDER);
}
