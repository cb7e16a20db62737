/* SIPA events as JSON: for policies as their queries expect it (tpm-vbs.md 1.6), for people with packed payloads taken apart. */
#include "base/limits.h"
#include "base/text.h"
#include "evidence/parts/wbcl.h"

/* Events of one kind in a container, in order. */
struct group {
    uint32_t id;
    size_t first, last, count;
};
struct item {
    struct bytes data;
    size_t next; /* of its group */
};
struct groups {
    struct group v[LIMIT_WBCL_KINDS];
    size_t count;
    struct item *items;
    size_t item_count, cap;
};

static void put_container(struct writer *w, struct bytes data, bool explain);

static void put_binary(struct writer *w, struct bytes b)
{
    wr_u8(w, '"');
    wr_base64url(w, b);
    wr_u8(w, '"');
}

static void put_name(struct writer *w, const char *name)
{
    wr_u8(w, '"');
    wr_text(w, name);
    wr_text(w, "\":");
}

/* ---------------------------------------------------------------------------------------------- packed, for people */

static void put_text_member(struct writer *w, const char *name, struct bytes utf16)
{
    wr_u8(w, ',');
    put_name(w, name);
    wr_json_string(w, utf16_decode(w->arena, utf16));
}

static void put_hex_member(struct writer *w, const char *name, struct bytes b)
{
    wr_u8(w, ',');
    put_name(w, name);
    wr_u8(w, '"');
    wr_hex(w, b);
    wr_u8(w, '"');
}

static void put_digest(struct writer *w, const struct wbcl_digest *d)
{
    wr_printf(w, ",\"HashAlgID\":%u", (unsigned)d->alg);
    put_hex_member(w, "Digest", d->value);
}

static void put_certificates(struct writer *w, const struct wbcl_signer *s)
{
    struct reader r = rd_open(s->certificates);
    struct wbcl_certificate c;
    const char *comma = "";

    wr_text(w, ",\"Certificates\":[");
    while (rd_left(&r) && wbcl_certificate(&r, &c)) {
        wr_printf(w, "%s{\"HashAlgID\":%u", comma, (unsigned)c.alg);
        put_text_member(w, "Publisher", c.publisher);
        put_text_member(w, "Issuer", c.issuer);
        put_hex_member(w, "Digest", c.digest);
        wr_u8(w, '}');
        comma = ",";
    }
    wr_u8(w, ']');
}

/* Members that follow another one; nothing where the payload is not what its id says. */
static void put_parts(struct writer *w, uint32_t id, struct bytes data)
{
    struct wbcl_si_policy policy;
    struct wbcl_revocation_list list;
    struct wbcl_sbcp sbcp;
    struct wbcl_signer signer;
    struct wbcl_pluton pluton;
    struct public_key key;

    if (id == SIPA_SI_POLICY && wbcl_si_policy(data, &policy)) {
        wr_printf(w, ",\"PolicyVersion\":\"%016llx\"", (unsigned long long)policy.version);
        put_text_member(w, "PolicyName", policy.name);
        put_digest(w, &policy.digest);
    } else if ((id == SIPA_BOOT_REVOCATION_LIST || id == SIPA_OS_REVOCATION_LIST) &&
               wbcl_revocation_list(data, &list)) {
        wr_printf(w, ",\"CreationTime\":%llu", (unsigned long long)list.created);
        put_digest(w, &list.digest);
    } else if (id == SIPA_SBCP_INFO && wbcl_sbcp(data, &sbcp)) {
        wr_printf(w, ",\"Options\":%u,\"SignersCount\":%u", (unsigned)sbcp.options, (unsigned)sbcp.signers);
        put_digest(w, &sbcp.digest);
    } else if ((id == SIPA_VSM_IDK_INFO || id == SIPA_VSM_IDKS_INFO) && wbcl_idk(data, &key)) {
        put_hex_member(w, "Exponent", key.exponent);
        put_hex_member(w, "Modulus", key.modulus);
    } else if ((id == SIPA_SI_POLICY_SIGNER || id == SIPA_SI_POLICY_UPDATE_SIGNER) && wbcl_signer(data, &signer)) {
        wr_printf(w, ",\"RootID\":%u", (unsigned)signer.root);
        put_text_member(w, "PolicyName", signer.name);
        put_certificates(w, &signer);
        put_hex_member(w, "EKUs", signer.ekus);
    } else if (id == SIPA_MODULE_PLUTON && wbcl_pluton(data, &pluton)) {
        put_text_member(w, "FileName", pluton.file);
        put_digest(w, &pluton.digest);
    }
}

static bool has_parts(uint32_t id)
{
    switch (id) {
    case SIPA_SI_POLICY:
    case SIPA_BOOT_REVOCATION_LIST:
    case SIPA_OS_REVOCATION_LIST:
    case SIPA_SBCP_INFO:
    case SIPA_VSM_IDK_INFO:
    case SIPA_VSM_IDKS_INFO:
    case SIPA_SI_POLICY_SIGNER:
    case SIPA_SI_POLICY_UPDATE_SIGNER:
    case SIPA_MODULE_PLUTON: return true;
    default: return false;
    }
}

/* ---------------------------------------------------------------------------------------------------------- values */

static void put_raw(struct writer *w, uint32_t id, struct bytes data, bool explain)
{
    wr_text(w, "{\"RawData\":");
    put_binary(w, data);
    if (explain)
        put_parts(w, id, data);
    wr_u8(w, '}');
}

static void put_named(struct writer *w, uint32_t id, uint64_t value)
{
    wr_text(w, "{\"Value\":");
    wr_decimal(w, value);
    wr_text(w, ",\"String\":\"");
    wr_text(w, wbcl_value_name(w->arena, id, value));
    wr_text(w, "\"}");
}

static void put_value(struct writer *w, uint32_t id, struct bytes data, bool explain)
{
    const struct wbcl_kind *kind = wbcl_find(id);
    enum wbcl_form form = kind ? kind->form : WBCL_BINARY;
    uint64_t value = 0;
    bool whole = wbcl_integer(data, &value);

    if (id & WBCL_CONTAINER)
        put_container(w, data, explain);
    else if (form == WBCL_BOOL && whole && value <= 1)
        wr_text(w, value ? "true" : "false");
    else if (form == WBCL_INTEGER && whole)
        wr_decimal(w, value);
    else if (form == WBCL_NAMED && whole)
        put_named(w, id, value);
    else if (form == WBCL_TEXT)
        wr_json_string(w, utf16_decode(w->arena, data));
    else if (form == WBCL_SIGNATURE)
        wr_text(w, "{\"SignatureValid\":false}"); /* by whose key is not published, so nobody here can tell */
    else if (form == WBCL_RAW || (explain && has_parts(id)))
        put_raw(w, id, data, explain);
    else
        put_binary(w, data);
}

/* ------------------------------------------------------------------------------------------------------- containers */

static struct group *group_of(struct groups *g, uint32_t id)
{
    for (size_t i = g->count; i-- > 0;)
        if (g->v[i].id == id)
            return &g->v[i];
    g->v[g->count] = (struct group){.id = id};
    return &g->v[g->count++];
}

static void collect(struct arena *a, struct bytes data, bool explain, struct groups *g)
{
    struct reader r = rd_open(data);
    struct wbcl_event e;

    while (wbcl_next(&r, &e)) {
        if (e.id & WBCL_UNMEASURED && !explain)
            continue;
        struct group *group = group_of(g, e.id);
        size_t n = g->item_count;

        g->items = ARENA_ROOM(a, g->items, n, &g->cap);
        g->items[g->item_count++] = (struct item){.data = e.data};
        if (group->count++)
            g->items[group->last].next = n;
        else
            group->first = n;
        group->last = n;
    }
}

static void put_group(struct writer *w, const struct groups *g, const struct group *group, bool explain)
{
    const struct wbcl_kind *kind = wbcl_find(group->id);
    bool list = group->count > 1 || (kind && kind->repeats);
    size_t at = group->first;

    if (kind)
        put_name(w, kind->name);
    else
        wr_printf(w, "\"EVENT_0x%08x\":", (unsigned)group->id);
    if (list)
        wr_u8(w, '[');
    for (size_t n = 0; n < group->count; n++, at = g->items[at].next) {
        if (n)
            wr_u8(w, ',');
        put_value(w, group->id, g->items[at].data, explain);
    }
    if (list)
        wr_u8(w, ']');
}

static void put_container(struct writer *w, struct bytes data, bool explain)
{
    struct groups g;

    g.count = g.item_count = g.cap = 0;
    g.items = NULL;
    collect(w->arena, data, explain, &g);
    wr_u8(w, '{');
    for (size_t i = 0; i < g.count; i++) {
        if (i)
            wr_u8(w, ',');
        put_group(w, &g, &g.v[i], explain);
    }
    wr_u8(w, '}');
}

void wr_wbcl(struct writer *w, struct bytes data, bool explain)
{
    put_container(w, data, explain);
}
