#include "service/config_sign_in.h"

#include <stdio.h>

#include "base/limits.h"

enum { REFRESH_DEFAULT = 3600, REFRESH_MOST = 86400, HASH_DIGITS = 64 };

#define ISSUER     "issuer "
#define ASSIGNMENT "assignment "
#define X509       "x509:"

enum kind {
    URL,
    AUDIENCES,
    MANAGEMENT_AUDIENCES,
    JWKS_FILE,
    CA_FILE,
    SUBSCRIPTIONS,
    SUBJECT_CLAIM,
    PRIVATE_ADDRESSES,
    REFRESH_SECONDS,
    OF_ISSUER,
    SUBJECT,
    GROUP,
    ROLE_CLAIM,
    ROLE,
    SCOPE,
};

static const struct row {
    const char *section, *name;
    enum kind kind;
    const char *allowed;
} rows[] = {
    {"issuer NAME", "url", URL, "https:// and what follows in tokens' iss, or x509: and the hash of a CA's key"},
    {"issuer NAME", "audiences", AUDIENCES, "audiences with commas between"},
    {"issuer NAME", "management_audiences", MANAGEMENT_AUDIENCES, "audiences with commas between"},
    {"issuer NAME", "jwks_file", JWKS_FILE, "a file"},
    {"issuer NAME", "ca_file", CA_FILE, "a file"},
    {"issuer NAME", "private_addresses", PRIVATE_ADDRESSES, "on or off"},
    {"issuer NAME", "refresh_seconds", REFRESH_SECONDS, "a whole number from 1 to 86400"},
    {"issuer NAME", "subscriptions", SUBSCRIPTIONS, "all, or subscriptions with commas between"},
    {"issuer NAME", "subject_claim", SUBJECT_CLAIM, "the name of a claim"},
    {"assignment NAME", "issuer", OF_ISSUER, "the name of an [issuer NAME] section"},
    {"assignment NAME", "subject", SUBJECT, "a subject; one of subject, group and role_claim"},
    {"assignment NAME", "group", GROUP, "a group; one of subject, group and role_claim"},
    {"assignment NAME", "role_claim", ROLE_CLAIM, "an application role; one of subject, group and role_claim"},
    {"assignment NAME", "role", ROLE,
     "Owner, Contributor, Reader, Attestation Contributor, Attestation Reader, or the id of one"},
    {"assignment NAME", "scope", SCOPE,
     "/, /subscriptions/S, /subscriptions/S/resourceGroups/G, or the resource id of a provider"},
};

bool config_sign_in_section(const char *section)
{
    return strncmp(section, ISSUER, strlen(ISSUER)) == 0 || strncmp(section, ASSIGNMENT, strlen(ASSIGNMENT)) == 0;
}

struct issuer_config *config_issuer(struct config *c, const char *name, struct issuer **issuer)
{
    for (size_t i = 0; i < c->issuer_count; i++)
        if (strcmp(c->issuer_configs[i].name, name) == 0) {
            *issuer = &c->issuers[i];
            return &c->issuer_configs[i];
        }
    if (c->issuer_count == CONFIG_ISSUERS_MAX)
        return NULL;
    struct issuer_config *i = &c->issuer_configs[c->issuer_count];
    *i = (struct issuer_config){.name = arena_string(&c->arena, bytes_text(name)), .refresh_seconds = REFRESH_DEFAULT};
    *issuer = &c->issuers[c->issuer_count++];
    **issuer = (struct issuer){.subject_claim = "sub"};
    return i;
}

static struct assignment_config *find_assignment(struct config *c, const char *name)
{
    for (size_t i = 0; i < c->assignment_count; i++)
        if (strcmp(c->assignments[i].name, name) == 0)
            return &c->assignments[i];
    if (c->assignment_count == CONFIG_ASSIGNMENTS_MAX)
        return NULL;
    c->assignments = ARENA_ROOM(&c->arena, c->assignments, c->assignment_count, &c->assignment_cap);
    struct assignment_config *a = &c->assignments[c->assignment_count++];
    *a = (struct assignment_config){.name = arena_string(&c->arena, bytes_text(name))};
    return a;
}

/* What a name of these sections may be made of, so that texts can repeat it. */
static bool printable(struct bytes text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < ' ' || text.p[i] == 0x7f)
            return false;
    return text.n > 0 && text.n <= LIMIT_CALLER_TEXT;
}

/* Whole texts between commas, white space around them dropped; at least one. */
static bool read_list(struct config *c, struct bytes text, struct names *out)
{
    struct bytes *names = NULL;
    size_t count = 0, cap = 0;

    for (bool more = true; more && count < CONFIG_NAMES_MAX;) {
        const uint8_t *comma = text.n ? memchr(text.p, ',', text.n) : NULL;
        struct bytes name = bytes_first(text, comma ? (size_t)(comma - text.p) : text.n);

        more = comma != NULL;
        text = bytes_after(text, name.n + 1);
        while (name.n && name.p[0] == ' ')
            name = bytes_after(name, 1);
        name = bytes_trim_end(name);
        if (!printable(name))
            return false;
        names = ARENA_ROOM(&c->arena, names, count, &cap);
        names[count++] = name;
        if (!more) {
            *out = (struct names){names, count};
            return true;
        }
    }
    return false;
}

static bool read_subscriptions(struct config *c, struct bytes text, struct issuer *out)
{
    struct scope scope;

    out->any_subscription = bytes_is(text, "all");
    out->subscriptions = (struct names){NULL, 0};
    if (out->any_subscription)
        return true;
    if (!read_list(c, text, &out->subscriptions))
        return false;
    for (size_t i = 0; i < out->subscriptions.count; i++) {
        struct bytes s = out->subscriptions.v[i];

        if (!scope_parse(bytes_text(arena_printf(&c->arena, "/subscriptions/%.*s", (int)s.n, (const char *)s.p)),
                         &scope) ||
            scope.group.n)
            return false;
    }
    return true;
}

/* https with an authority and perhaps a path; or the hash of a CA's key. Nothing that ends a quoted string in a header. */
static bool good_url(struct bytes url)
{
    struct bytes hash = bytes_after(url, strlen(X509));

    for (size_t i = 0; i < url.n; i++)
        if (url.p[i] <= ' ' || url.p[i] >= 0x7f || strchr("\"\\#?", url.p[i]))
            return false;
    if (!bytes_begin(url, X509))
        return bytes_begin(url, "https://") && url.n > strlen("https://") && url.n <= LIMIT_CALLER_TEXT;
    for (size_t i = 0; i < hash.n; i++)
        if (!strchr("0123456789abcdef", hash.p[i]))
            return false;
    return hash.n == HASH_DIGITS;
}

static bool read_refresh(const char *value, int *out)
{
    uint64_t seconds;
    bool ok = decimal_parse(bytes_text(value), REFRESH_MOST, &seconds) && seconds > 0;

    *out = (int)seconds;
    return ok;
}

static bool read_issuer(struct config *c, const char *section, enum kind kind, struct bytes text)
{
    struct issuer *issuer;
    struct issuer_config *i = config_issuer(c, section + strlen(ISSUER), &issuer);
    const char *value = (const char *)text.p;

    if (!i)
        return false;
    switch (kind) {
    case URL: issuer->url = text; return good_url(text);
    case AUDIENCES: return read_list(c, text, &issuer->audiences[PLANE_DATA]);
    case MANAGEMENT_AUDIENCES: return read_list(c, text, &issuer->audiences[PLANE_CONTROL]);
    case JWKS_FILE: i->jwks_file = value; return text.n > 0;
    case CA_FILE: i->ca_file = value; return text.n > 0;
    case SUBSCRIPTIONS: return read_subscriptions(c, text, issuer);
    case SUBJECT_CLAIM: issuer->subject_claim = value; return printable(text);
    case PRIVATE_ADDRESSES:
        i->private_addresses = bytes_is(text, "on");
        return i->private_addresses || bytes_is(text, "off");
    case REFRESH_SECONDS: return read_refresh(value, &i->refresh_seconds);
    default: return false;
    }
}

static bool read_name(struct assignment_config *a, enum assigned to, struct bytes text)
{
    bool first = !a->named;

    a->named = true;
    a->assignment.to = to;
    a->assignment.name = text;
    return first && printable(text);
}

static bool read_assignment(struct config *c, const char *section, enum kind kind, struct bytes text)
{
    struct assignment_config *a = find_assignment(c, section + strlen(ASSIGNMENT));

    if (!a)
        return false;
    switch (kind) {
    case OF_ISSUER: a->issuer = (const char *)text.p; return text.n > 0;
    case SUBJECT: return read_name(a, ASSIGNED_SUBJECT, text);
    case GROUP: return read_name(a, ASSIGNED_GROUP, text);
    case ROLE_CLAIM: return read_name(a, ASSIGNED_ROLE, text);
    case ROLE: a->assignment.role = role_find(text); return a->assignment.role != NULL;
    case SCOPE: a->scoped = true; return scope_parse(text, &a->assignment.scope);
    default: return false;
    }
}

const char *config_sign_in_setting(struct config *c, const char *section, const char *name, const char *value)
{
    bool of_issuer = strncmp(section, ISSUER, strlen(ISSUER)) == 0;
    struct bytes text = bytes_text(arena_string(&c->arena, bytes_text(value)));

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strncmp(rows[i].section, of_issuer ? ISSUER : ASSIGNMENT, strlen(of_issuer ? ISSUER : ASSIGNMENT)) != 0 ||
            strcmp(rows[i].name, name) != 0)
            continue;
        bool ok =
            of_issuer ? read_issuer(c, section, rows[i].kind, text) : read_assignment(c, section, rows[i].kind, text);
        return ok ? NULL : rows[i].allowed;
    }
    return of_issuer ? "url, audiences, management_audiences, jwks_file, ca_file, subscriptions, subject_claim, "
                       "private_addresses or refresh_seconds in an issuer's section"
                     : "issuer, subject, group, role_claim, role or scope in an assignment's section";
}

static const struct issuer *issuer_named(const struct config *c, const char *name)
{
    for (size_t i = 0; i < c->issuer_count; i++)
        if (strcmp(c->issuer_configs[i].name, name) == 0)
            return &c->issuers[i];
    return NULL;
}

static bool issuers_complete(const struct config *c, struct fault *fault)
{
    for (size_t i = 0; i < c->issuer_count; i++) {
        const struct issuer *issuer = &c->issuers[i];
        const char *name = c->issuer_configs[i].name;

        if (!issuer->url.n || (!issuer->any_subscription && !issuer->subscriptions.count))
            return fault_set(fault, FAULT_USAGE, "[issuer %s] needs url and subscriptions", name);
        for (size_t k = 0; k < i; k++)
            if (bytes_equal(c->issuers[k].url, issuer->url))
                return fault_set(fault, FAULT_USAGE, "two issuers have the url %s", (const char *)issuer->url.p);
    }
    return true;
}

bool config_sign_in_complete(const struct config *c, struct fault *fault)
{
    if (!issuers_complete(c, fault))
        return false;
    for (size_t i = 0; i < c->assignment_count; i++) {
        struct assignment_config *a = &c->assignments[i];
        const struct issuer *issuer = a->issuer ? issuer_named(c, a->issuer) : NULL;

        if (!a->issuer || !a->named || !a->assignment.role || !a->scoped)
            return fault_set(fault, FAULT_USAGE,
                             "[assignment %s] needs issuer, role, scope, and one of subject, group and role_claim",
                             a->name);
        if (!issuer)
            return fault_set(fault, FAULT_USAGE, "[assignment %s] issuer = %s: there is no section [issuer %s]",
                             a->name, a->issuer, a->issuer);
        a->assignment.issuer = issuer->url;
    }
    return true;
}

bool config_provider_scope(const struct provider_config *p, struct scope *out)
{
    char text[4096];
    struct scope parsed;
    int n = snprintf(text, sizeof text,
                     "/subscriptions/%s/resourceGroups/%s/providers/Microsoft.Attestation/attestationProviders/%s",
                     p->subscription, p->group, p->name);

    bool ok = n > 0 && (size_t)n < sizeof text && scope_parse(bytes_text(text), &parsed) &&
              bytes_is(parsed.subscription, p->subscription) && bytes_is(parsed.group, p->group) &&
              bytes_is(parsed.provider, p->name);

    *out = (struct scope){.provider = bytes_text(p->name), .shared = p->shared};
    if (!p->shared) {
        out->subscription = bytes_text(p->subscription);
        out->group = bytes_text(p->group);
    }
    return ok;
}
