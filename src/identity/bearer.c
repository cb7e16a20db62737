#include "identity/bearer.h"

#include "base/limits.h"
#include "identity/development.h"
#include "identity/roles.h"

static const enum check_id required[] = {
    CHECK_BEARER_FORM,   CHECK_BEARER_TYPE,       CHECK_BEARER_PAYLOAD,   CHECK_BEARER_ISSUER,
    CHECK_BEARER_KEY,    CHECK_BEARER_ALGORITHM,  CHECK_BEARER_SIGNATURE, CHECK_BEARER_AUDIENCE,
    CHECK_BEARER_EXPIRY, CHECK_BEARER_NOT_BEFORE, CHECK_BEARER_SUBJECT,   CHECK_BEARER_GROUPS,
    CHECK_END,
};

const char *bearer_audience(enum plane plane)
{
    static const char *const audiences[] = {
        [PLANE_DATA] = "https://attest.azure.net", [PLANE_CONTROL] = "https://management.azure.com"};

    return audiences[plane];
}

const struct issuer *issuer_find(const struct issuers *all, struct bytes url)
{
    for (size_t i = 0; i < all->count; i++)
        if (bytes_equal(all->v[i].url, url))
            return &all->v[i];
    return NULL;
}

/* The compact JWS behind "Bearer " (RFC 6750 2.1; the word in any letter case, RFC 9110 11.1). */
static bool read_form(struct bearer_exam *x, struct bytes authorization, struct jws *out)
{
    static const char scheme[] = "Bearer ";
    struct bytes text = bytes_after(authorization, sizeof scheme - 1);
    struct fault fault = {0};

    bool ok = authorization.n <= LIMIT_BEARER && authorization.n > sizeof scheme - 1 &&
              bytes_is_nocase(bytes_first(authorization, sizeof scheme - 1), scheme);
    while (text.n && text.p[0] == ' ')
        text = bytes_after(text, 1);
    text = bytes_trim_end(text);
    ok = ok && jws_decode(x->arena, text, false, out, &fault);
    if (ok && (out->alg == SIGNATURE_PS384 || out->alg == SIGNATURE_PS512))
        ok = fault_set(&fault, FAULT_SYNTAX, "PS384 and PS512 are not accepted.");
    if (check_that(x, BEARER_FORM, ok))
        return true;
    if (fault.code)
        check_note(x->trace, "%s", fault.text);
    return false;
}

/* "JWT" or "at+jwt" (RFC 9068 2.1), in any letter case and with the "application/" that it is short for; or none. */
static bool good_type(const struct json *header)
{
    static const char prefix[] = "application/";
    const struct json *typ = json_member(header, "typ");
    struct bytes text;

    if (!typ)
        return true;
    if (!json_text(typ, &text))
        return false;
    if (bytes_is_nocase(bytes_first(text, sizeof prefix - 1), prefix))
        text = bytes_after(text, sizeof prefix - 1);
    return bytes_is_nocase(text, "JWT") || bytes_is_nocase(text, "at+jwt");
}

/* The issuer that the token names; should the check be lost, another's keys: then only the signature would be left. */
static bool find_issuer(struct bearer_exam *x, const struct json *payload, const struct issuer **out)
{
    struct bytes iss = BYTES_NONE;
    const struct issuer *found;

    json_text(json_member(payload, "iss"), &iss);
    found = iss.n ? issuer_find(x->issuers, iss) : NULL;
    *out = found ? found : x->issuers->v;
    return check_that(x, BEARER_ISSUER, found != NULL) && *out;
}

/* A key of the name, of those the one that the algorithm fits; without a name the only key there is. */
static const struct issuer_key *choose_key(const struct issuer_keys *keys, const struct jws *jws)
{
    const struct json *kid = json_member(jws->header, "kid");
    const struct issuer_key *found = NULL;
    struct bytes name;

    if (!kid)
        return keys->count == 1 ? keys->v : NULL;
    if (!json_text(kid, &name) || name.n == 0)
        return NULL;
    for (size_t i = 0; i < keys->count; i++)
        if (bytes_equal(keys->v[i].kid, name) && (!found || jws_fits_key(jws, &keys->v[i].key)))
            found = &keys->v[i];
    return found;
}

static bool verify_signature(struct bearer_exam *x, const struct issuer *issuer, const struct jws *jws)
{
    static const struct issuer_key none;
    const struct issuer_key *found = choose_key(&issuer->keys, jws);

    if (!found) {
        x->lacking = issuer;
        found = &none;
    }
    return check_that(x, BEARER_KEY, found != &none) &&
           check_that(x, BEARER_ALGORITHM, jws_fits_key(jws, &found->key)) &&
           check_that(x, BEARER_SIGNATURE, jws_verify(jws, &found->key));
}

/* With or without a slash at the end. */
static bool same_audience(struct bytes a, struct bytes b)
{
    if (a.n && a.p[a.n - 1] == '/')
        a.n--;
    if (b.n && b.p[b.n - 1] == '/')
        b.n--;
    return b.n && bytes_equal(a, b);
}

static bool is_audience(const struct bearer_exam *x, const struct issuer *issuer, const struct json *v)
{
    const struct names *others = &issuer->audiences[x->plane];
    struct bytes text;

    if (!json_text(v, &text))
        return false;
    if (same_audience(text, bytes_text(bearer_audience(x->plane))))
        return true;
    for (size_t i = 0; i < others->count; i++)
        if (same_audience(text, others->v[i]))
            return true;
    return false;
}

static bool for_us(const struct bearer_exam *x, const struct issuer *issuer, const struct json *aud)
{
    if (!aud || aud->kind != JSON_ARRAY)
        return is_audience(x, issuer, aud);
    JSON_EACH (one, aud)
        if (is_audience(x, issuer, one))
            return true;
    return false;
}

/* NumericDate (RFC 7519 2), fractions cut off. */
static bool read_time(const struct json *v, int64_t *out)
{
    static const int64_t most = 253402300799; /* the end of the year 9999 */

    *out = 0;
    if (v && v->kind == JSON_NUMBER && v->number >= 0 && v->number <= (double)most) {
        *out = (int64_t)v->number;
        return true;
    }
    return json_integer(v, out) && *out >= 0 && *out <= most;
}

static bool verify_times(struct bearer_exam *x, const struct json *payload)
{
    const struct json *nbf = json_member(payload, "nbf");
    int64_t end = 0, begin = 0;
    bool ends = read_time(json_member(payload, "exp"), &end), begins = !nbf || read_time(nbf, &begin);

    return check_record(x->trace, CHECK_BEARER_EXPIRY, ends && x->time < end + BEARER_SLACK_SECONDS, check_time(end),
                        check_time(x->time)) &&
           check_record(x->trace, CHECK_BEARER_NOT_BEFORE, begins && x->time >= begin - BEARER_SLACK_SECONDS,
                        check_time(begin), check_time(x->time));
}

/* Text that a log or an audit record can repeat. */
static bool read_name(const struct json *v, struct bytes *out)
{
    struct bytes text;

    if (!json_text(v, &text) || text.n == 0 || text.n > LIMIT_CALLER_TEXT)
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < ' ' || text.p[i] == 0x7f)
            return false;
    *out = text;
    return true;
}

static void read_first_name(const struct json *payload, const char *const *claims, struct bytes *out)
{
    while (*claims && !read_name(json_member(payload, *claims), out))
        claims++;
}

/* A list of texts, or absent. */
static bool read_names(struct arena *a, const struct json *v, struct names *out)
{
    if (!v)
        return true;
    if (v->kind != JSON_ARRAY || v->count > LIMIT_CALLER_NAMES)
        return false;
    struct bytes *names = ARENA_ARRAY(a, struct bytes, v->count);
    *out = (struct names){names, v->count};
    JSON_EACH (item, v)
        if (!read_name(item, names++))
            return false;
    return true;
}

/* [{"role":…,"scope":…},…]: only read of an issuer that may say it. */
static bool read_grants(struct arena *a, const struct json *v, struct caller *out)
{
    struct bytes role, scope;

    if (!v)
        return true;
    if (v->kind != JSON_ARRAY || v->count > LIMIT_CALLER_NAMES)
        return false;
    struct grant *grants = ARENA_ARRAY(a, struct grant, v->count);
    JSON_EACH (item, v) {
        struct grant *g = &grants[out->grant_count++];

        if (!json_text(json_member(item, "role"), &role) || !json_text(json_member(item, "scope"), &scope) ||
            !(g->role = role_find(role)) || !scope_parse(scope, &g->scope))
            return false;
    }
    out->grants = grants;
    return true;
}

static bool read_caller(struct bearer_exam *x, const struct issuer *issuer, const struct json *payload,
                        struct caller *out)
{
    static const char *const names[] = {"upn", "preferred_username", "unique_name", "appid", "azp", NULL};

    *out = (struct caller){.issuer = issuer->url};
    if (!check_that(x, BEARER_SUBJECT, read_name(json_member(payload, issuer->subject_claim), &out->subject)))
        return false;
    read_first_name(payload, names, &out->name);
    read_name(json_member(payload, "oid"), &out->object);
    bool ok = read_names(x->arena, json_member(payload, "groups"), &out->groups) &&
              read_names(x->arena, json_member(payload, "roles"), &out->roles) &&
              (!issuer->carries_roles || read_grants(x->arena, json_member(payload, DEVELOPMENT_ROLES), out));
    return check_that(x, BEARER_GROUPS, ok);
}

static bool verify(struct bearer_exam *x, struct bytes authorization, struct caller *out)
{
    const struct json_rules rules = {.depth = LIMIT_BEARER_DEPTH};
    const struct issuer *issuer;
    const struct json *payload = NULL;
    struct jws jws;

    if (!read_form(x, authorization, &jws) || !check_that(x, BEARER_TYPE, good_type(jws.header)))
        return false;
    bool ok = json_parse(x->arena, jws.payload, &rules, &payload, NULL) && payload->kind == JSON_OBJECT;
    return check_that(x, BEARER_PAYLOAD, ok) && find_issuer(x, payload, &issuer) && verify_signature(x, issuer, &jws) &&
           check_that(x, BEARER_AUDIENCE, for_us(x, issuer, json_member(payload, "aud"))) && verify_times(x, payload) &&
           read_caller(x, issuer, payload, out);
}

bool bearer_verify(struct bearer_exam *x, struct bytes authorization, struct caller *out)
{
    enum check_id missing;

    x->lacking = NULL;
    if (verify(x, authorization, out) && trace_complete(x->trace, required, &missing))
        return true;
    *out = (struct caller){0};
    return false;
}
