#include "service/regional.h"

struct bytes regional_name(const struct service *s, struct arena *a, struct bytes issuer)
{
    return s->config->regional_keys && !key_is_region(issuer) ? key_region(a, issuer) : BYTES_NONE;
}

struct tenant *regional_refused(const struct service *s, struct arena *a, struct bytes issuer, struct bytes *why)
{
    struct bytes name = key_is_region(issuer) ? BYTES_NONE : key_region(a, issuer);
    struct tenant *t = name.n ? registry_by_issuer(s->registry, name) : NULL;

    return t && registry_refuses(s->registry, t, a, why) ? t : NULL;
}

const struct tenant *regional_tenant(const struct service *s, struct arena *a, struct bytes name)
{
    struct tenant *t = name.n ? registry_by_issuer(s->registry, name) : NULL;
    struct bytes why;

    return t && t->key.sealed.n && !registry_refuses(s->registry, t, a, &why) ? t : NULL;
}

static bool is_in(const struct tenant *region, struct bytes kind, struct bytes kid)
{
    const struct held_record *h = tenant_record(region, kind);
    struct retired_key keys[RETIRED_KEYS_MAX];
    size_t count = 0;

    if (!kid.n || !h || !h->body.n || !read_retired_keys(h->body, keys, &count))
        return false;
    for (size_t i = 0; i < count; i++)
        if (bytes_equal(keys[i].kid, kid))
            return true;
    return false;
}

bool regional_revoked(const struct tenant *region, struct bytes kid)
{
    return is_in(region, BYTES_LIT("revoked"), kid);
}

const struct tenant *regional_revoker(const struct service *s, struct arena *a, struct bytes issuer)
{
    return regional_tenant(s, a, key_is_region(issuer) ? BYTES_NONE : key_region(a, issuer));
}

struct bytes regional_to_revoke(const struct tenant *region, const struct tenant *t, int64_t now)
{
    const struct held_record *h = tenant_record(t, BYTES_LIT("rotated"));
    struct retired_key keys[RETIRED_KEYS_MAX];
    size_t count = 0;

    if (!region)
        return BYTES_NONE;
    if (regional_revoked(region, t->next.kid))
        return t->next.kid;
    if (regional_revoked(region, t->key.kid))
        return t->key.kid;
    if (h && h->body.n && read_retired_keys(h->body, keys, &count))
        for (size_t i = 0; i < count; i++)
            if (now < keys[i].until && regional_revoked(region, keys[i].kid))
                return keys[i].kid;
    return BYTES_NONE;
}

bool regional_has(const struct tenant *region, struct bytes kid)
{
    return bytes_equal(region->key.kid, kid) || is_in(region, BYTES_LIT("rotated"), kid);
}

size_t regional_keys(const struct service *s, struct arena *a, const struct tenant *t, int64_t now,
                     struct key_record out[TENANT_KEYS_MAX])
{
    struct bytes why;

    if (regional_refused(s, a, t->issuer, &why))
        return 0;
    const struct tenant *region = regional_revoker(s, a, t->issuer);
    size_t count = tenant_keys(t, now, out), n = 0;
    for (size_t i = 0; i < count; i++)
        if (!region || !regional_revoked(region, out[i].kid))
            out[n++] = out[i];
    return n;
}
