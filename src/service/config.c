#include "service/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "arm/names.h"
#include "base/ini_file.h"
#include "base/limits.h"
#include "merkle/note.h"
#include "service/config_sign_in.h"

enum { REGION_NAME_MOST = 64, DAY = 24 * 60 * 60 };

void config_defaults(struct config *c)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);

    *c = (struct config){
        .listen = "::",
        .port = 8443,
        .administration_port = -1,
        .connections = 1024,
        .header_bytes = 16 * 1024,
        .body_bytes = LIMIT_BODY,
        .header_seconds = 10,
        .body_seconds = 20,
        .idle_seconds = 60,
        .stop_seconds = 20,
        .pairs = cpus > 0 ? (int)cpus : 1,
        .request_milliseconds = 5000,
        .queue = 1024,
        .provider_queue = 128,
        .provider_rate = 1000,
        .provider_burst = 2000,
        .address_rate = 500,
        .address_burst = 1000,
        .subscription_providers = LIMIT_ARM_PROVIDERS,
        .request_memory = LIMIT_REQUEST_MEMORY,
        .evidence_days = 30,
        .sealer.name = "file",
        .rotation_seconds = 90 * DAY,
        .publish_ahead_seconds = DAY,
        .sandbox_required = true,
        .audit_sync = true,
        .audit_refuse = true,
        .state = {.index = 0x0180a55a, .seconds = 60, .witness_refuse = true},
        .decision_checkpoint_seconds = 10,
        .decision_serve = true,
        .decision_keep_days_most = 90,
        .decision_keep_mib_most = 1024,
        .refresh = {.margin_hours = 72, .interval_minutes = 60, .rate = 120, .misses = 10},
        .settings = SETTINGS_DEFAULT,
        .regions = {.v = regions_published, .count = regions_published_count},
    };
    arena_init(&c->arena, 16 * 1024 * 1024);
    c->reference = ARENA_NEW(&c->arena, struct reference_values);
    *c->reference = reference_builtin;
    c->settings.reference = c->reference;
}

void config_free(struct config *c)
{
    arena_free(&c->arena);
}

enum setting_kind {
    TEXT,
    NUMBER,
    SIZE,
    SWITCH,
    FRESHNESS,
    STATUSES,
    TAIL,
    REFUSING,
    REQUIRED,
    ANCHOR,
    COLLATERAL_FILE,
    SOURCES,
    EVIDENCE,
    DURATION,
    KEYS,
    COUNTER,
    INDEX
};

struct setting {
    const char *section, *name;
    enum setting_kind kind;
    size_t offset;
    long least, most;
    const char *allowed;
};

#define AT(member)         offsetof(struct config, member)
#define DURATIONS          "a whole number with s, m, h or d behind it"
#define RANGE(least, most) least, most, "a whole number from " #least " to " #most

static const struct setting settings[] = {
    {"server", "listen", TEXT, AT(listen), 0, 0, "an address"},
    {"server", "port", NUMBER, AT(port), RANGE(0, 65535)},
    {"server", "certificate", TEXT, AT(certificate), 0, 0, "a file"},
    {"server", "private_key", TEXT, AT(private_key), 0, 0, "a file"},
    {"server", "client_ca", TEXT, AT(client_ca), 0, 0, "a file"},
    {"server", "connections", NUMBER, AT(connections), RANGE(1, 1000000)},
    {"server", "header_bytes", NUMBER, AT(header_bytes), RANGE(1024, 1048576)},
    {"server", "body_bytes", NUMBER, AT(body_bytes), RANGE(1024, 12582912)},
    {"server", "header_seconds", NUMBER, AT(header_seconds), RANGE(1, 3600)},
    {"server", "body_seconds", NUMBER, AT(body_seconds), RANGE(1, 3600)},
    {"server", "idle_seconds", NUMBER, AT(idle_seconds), RANGE(1, 3600)},
    {"server", "stop_seconds", NUMBER, AT(stop_seconds), RANGE(1, 3600)},
    {"server", "user", TEXT, AT(user), 0, 0, "the name of a user"},
    {"administration", "listen", TEXT, AT(administration_listen), 0, 0, "an address"},
    {"administration", "port", NUMBER, AT(administration_port), RANGE(0, 65535)},
    {"core", "user", TEXT, AT(core_user), 0, 0, "the name of a user"},
    {"core", "pairs", NUMBER, AT(pairs), RANGE(1, 256)},
    {"core", "request_milliseconds", NUMBER, AT(request_milliseconds), RANGE(1, 600000)},
    {"core", "request_memory", SIZE, AT(request_memory), RANGE(1048576, 1073741824)},
    {"core", "queue", NUMBER, AT(queue), RANGE(1, 1000000)},
    {"core", "provider_queue", NUMBER, AT(provider_queue), RANGE(1, 1000000)},
    {"core", "sandbox", REQUIRED, AT(sandbox_required), 0, 0, "required or available"},
    {"core", "measurements", TEXT, AT(measurements), 0, 0, "a file"},
    {"core", "measurements_key", TEXT, AT(measurements_key), 0, 0, "a file"},
    {"core", "measurements_enforced", SWITCH, AT(measurements_enforced), 0, 0, "on or off"},
    {"limits", "provider_rate", NUMBER, AT(provider_rate), RANGE(0, 1000000)},
    {"limits", "provider_burst", NUMBER, AT(provider_burst), RANGE(1, 1000000)},
    {"limits", "address_rate", NUMBER, AT(address_rate), RANGE(0, 1000000)},
    {"limits", "address_burst", NUMBER, AT(address_burst), RANGE(1, 1000000)},
    {"limits", "subscription_providers", NUMBER, AT(subscription_providers), RANGE(0, 1000000)},
    {"keys", "sealing_key", TEXT, AT(sealing_key), 0, 0, "a file"},
    {"keys", "evidence", EVIDENCE, AT(evidence), 0, 0, EVIDENCE_CHOICES},
    {"keys", "evidence_path", TEXT, AT(evidence_path), 0, 0, "a file or folder"},
    {"keys", "evidence_days", NUMBER, AT(evidence_days), RANGE(1, 3650)},
    {"keys", "sealer", TEXT, AT(sealer.name), 0, 0, "file, tpm2, snp or pkcs11"},
    {"keys", "sealer_tpm", TEXT, AT(sealer.tpm), 0, 0, "a TCTI, as device:/dev/tpmrm0"},
    {"keys", "sealer_pcrs", TEXT, AT(sealer.pcrs), 0, 0, "a bank and registers, as sha256:0,2,4,7"},
    {"keys", "sealer_pkcs11", TEXT, AT(sealer.pkcs11), 0, 0, "a URI, as pkcs11:token=NAME;object=NAME"},
    {"keys", "sealer_pin_file", TEXT, AT(sealer.pin_file), 0, 0, "a file"},
    {"keys", "scope", KEYS, AT(regional_keys), 0, 0, "provider or region"},
    {"keys", "rotation", DURATION, AT(rotation_seconds), 0, 3650L * DAY, DURATIONS ", or off"},
    {"keys", "publish_ahead", DURATION, AT(publish_ahead_seconds), 1, 365L * DAY, DURATIONS},
    {"collateral", "folder", TEXT, AT(folder), 0, 0, "a folder"},
    {"collateral", "file", COLLATERAL_FILE, 0, 0, 0, "a file, at most 256 times"},
    {"collateral", "bundle", TEXT, AT(bundle), 0, 0, "a file"},
    {"collateral", "bundle_key", TEXT, AT(bundle_key), 0, 0, "a file"},
    {"collateral", "serve", SWITCH, AT(serve), 0, 0, "on or off"},
    {"collateral", "refresh", SOURCES, 0, 0, 0,
     "off, or up to 8 of pcs, pccs, thim and kds with commas between, each with an address where it is not the usual "
     "one"},
    {"collateral", "refresh_margin_hours", NUMBER, AT(refresh.margin_hours), RANGE(1, 87600)},
    {"collateral", "refresh_interval_minutes", NUMBER, AT(refresh.interval_minutes), RANGE(1, 10080)},
    {"collateral", "refresh_rate", NUMBER, AT(refresh.rate), RANGE(1, 60000)},
    {"collateral", "refresh_misses", NUMBER, AT(refresh.misses), RANGE(1, 1000000)},
    {"collateral", "refresh_proxy", TEXT, AT(refresh.proxy), 0, 0, "the URL of a proxy"},
    {"collateral", "refresh_ca", TEXT, AT(refresh.ca_file), 0, 0, "a file"},
    {"collateral", "default_baseline", NUMBER, AT(settings.default_baseline), RANGE(0, LIMIT_EVALUATION)},
    {"collateral", "freshness", FRESHNESS, AT(settings.freshness), 0, 0, "strict or pinned"},
    {"collateral", "crl_freshness", SWITCH, AT(settings.crl_freshness), 0, 0, "on or off"},
    {"collateral", "amd_crl_freshness", SWITCH, AT(settings.amd_crl_freshness), 0, 0, "on or off"},
    {"collateral", "tpm_sha1", SWITCH, AT(settings.tpm_sha1), 0, 0, "on or off"},
    {"collateral", "tpm_v1", SWITCH, AT(settings.tpm_v1), 0, 0, "on or off"},
    {"collateral", "accepted_sgx", STATUSES, AT(settings.accepted_sgx), 0, 0,
     "TCB statuses with commas between; never Revoked or TCB_NOT_SUPPORTED"},
    {"collateral", "accepted_tdx", STATUSES, AT(settings.accepted_tdx), 0, 0,
     "TCB statuses with commas between; never Revoked or TCB_NOT_SUPPORTED"},
    {"collateral", "report_data_tail", TAIL, AT(settings.report_data_tail_zero), 0, 0, "ignore or zero"},
    {"collateral", "anchor", ANCHOR, 0, 0, 0, "a file with a certificate, at most 16 times"},
    {"claims", "recent", SWITCH, AT(settings.claim_recent), 0, 0, "on or off"},
    {"claims", "extensions", SWITCH, AT(settings.claim_extensions), 0, 0, "on or off"},
    {"audit", "file", TEXT, AT(audit_file), 0, 0, "a file"},
    {"audit", "sync", SWITCH, AT(audit_sync), 0, 0, "on or off"},
    {"audit", "journal", SWITCH, AT(audit_journal), 0, 0, "on or off"},
    {"audit", "on_failure", REFUSING, AT(audit_refuse), 0, 0, "refuse or continue"},
    {"decisions", "log", TEXT, AT(decision_folder), 0, 0, "a folder"},
    {"decisions", "name", TEXT, AT(decision_name), 0, 0, "a name"},
    {"decisions", "checkpoint_seconds", NUMBER, AT(decision_checkpoint_seconds), RANGE(1, 86400)},
    {"decisions", "refusals", SWITCH, AT(decision_refusals), 0, 0, "on or off"},
    {"decisions", "serve", SWITCH, AT(decision_serve), 0, 0, "on or off"},
    {"decisions", "witness", TEXT, AT(decision_witness), 0, 0, "a URL"},
    {"decisions", "witness_key", TEXT, AT(decision_witness_key), 0, 0, "a witness's key"},
    {"decisions", "witness_ca", TEXT, AT(decision_witness_ca), 0, 0, "a file"},
    {"decisions", "keep_inputs", SWITCH, AT(decision_keep), 0, 0, "on or off"},
    {"decisions", "keep_days_most", NUMBER, AT(decision_keep_days_most), RANGE(1, 3650)},
    {"decisions", "keep_mib_most", NUMBER, AT(decision_keep_mib_most), RANGE(1, 16777216)},
    {"state", "checkpoint", TEXT, AT(state.file), 0, 0, "a file"},
    {"state", "name", TEXT, AT(state.name), 0, 0, "a name"},
    {"state", "seconds", NUMBER, AT(state.seconds), RANGE(1, 86400)},
    {"state", "counter", COUNTER, AT(state.counted), 0, 0, "off or tpm"},
    {"state", "counter_index", INDEX, AT(state.index), 0x01800000, 0x01bffffe,
     "an index of the TPM's owner, from 0x01800000 to 0x01bffffe"},
    {"state", "witness", TEXT, AT(state.witness), 0, 0, "a URL"},
    {"state", "witness_key", TEXT, AT(state.witness_key), 0, 0, "a witness's key"},
    {"state", "witness_ca", TEXT, AT(state.witness_ca), 0, 0, "a file"},
    {"state", "witness_absent", REFUSING, AT(state.witness_refuse), 0, 0, "refuse or continue"},
    {"state", "counter_tpm", TEXT, AT(state.tpm), 0, 0, "a TCTI, as device:/dev/tpmrm0"},
    {"store", "url", TEXT, AT(store), 0, 0, "sqlite:PATH or postgresql://HOST/DATABASE"},
};

static bool read_number(const char *text, long least, long most, long *out)
{
    uint64_t n;
    bool ok = decimal_parse(bytes_text(text), (uint64_t)most, &n);

    *out = (long)n;
    return ok && *out >= least;
}

/* Of a TPM, as everybody writes it. */
static bool read_index(const char *text, long least, long most, long *out)
{
    char *end;

    *out = strtol(text, &end, 16);
    return strncmp(text, "0x", 2) == 0 && !*end && *out >= least && *out <= most;
}

/* In seconds; "off" is 0. */
static bool read_duration(const char *text, long least, long most, long *out)
{
    static const struct {
        char letter;
        long seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 60 * 60}, {'d', DAY}};
    struct reader r = rd_open(bytes_text(text));

    if (least == 0 && strcmp(text, "off") == 0) {
        *out = 0;
        return true;
    }
    long n = (long)rd_decimal(&r, (uint64_t)most);
    char letter = (char)rd_u8(&r);
    if (!rd_end(&r))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (letter == units[i].letter && n > 0 && n <= most / units[i].seconds) {
            *out = n * units[i].seconds;
            return true;
        }
    return false;
}

static bool read_statuses(const char *text, uint16_t *out)
{
    struct bytes rest = bytes_text(text);

    *out = 0;
    while (rest.n) {
        const uint8_t *comma = memchr(rest.p, ',', rest.n);
        struct bytes name = bytes_first(rest, comma ? (size_t)(comma - rest.p) : rest.n);
        enum tcb_status status;

        rest = bytes_after(rest, name.n + 1);
        while (name.n && name.p[0] == ' ')
            name = bytes_after(name, 1);
        if (!tcb_status_by_name(bytes_trim_end(name), &status) || status == TCB_REVOKED || status == TCB_NOT_SUPPORTED)
            return false;
        *out = (uint16_t)(*out | 1u << status);
    }
    return *out != 0;
}

static bool read_choice(const char *text, const char *no, const char *yes, bool *out)
{
    *out = strcmp(text, yes) == 0;
    return *out || strcmp(text, no) == 0;
}

static bool append(struct config *c, const char **list, size_t *count, size_t most, const char *value)
{
    if (*count == most || !*value)
        return false;
    list[(*count)++] = arena_string(&c->arena, bytes_text(value));
    return true;
}

/* Sources with commas between; a later line replaces an earlier one. */
static bool read_sources(struct config *c, const char *value)
{
    struct refresh_config *r = &c->refresh;
    struct bytes rest = bytes_text(value);

    r->source_count = 0;
    if (strcmp(value, "off") == 0)
        return true;
    do {
        const uint8_t *comma = memchr(rest.p, ',', rest.n);
        struct bytes one = bytes_first(rest, comma ? (size_t)(comma - rest.p) : rest.n);

        if (r->source_count == UPSTREAMS_MAX || !upstream_parse(&c->arena, one, &r->sources[r->source_count], NULL))
            return false;
        r->source_count++;
        rest = bytes_after(rest, one.n + 1);
    } while (rest.n);
    return true;
}

static bool apply(struct config *c, const struct setting *s, const char *value)
{
    uint8_t *at = (uint8_t *)c + s->offset;
    bool strict;
    long number;

    switch (s->kind) {
    case TEXT: *(const char **)(void *)at = arena_string(&c->arena, bytes_text(value)); return *value != 0;
    case NUMBER:
        if (!read_number(value, s->least, s->most, &number))
            return false;
        *(int *)(void *)at = (int)number;
        return true;
    case SIZE:
        if (!read_number(value, s->least, s->most, &number))
            return false;
        *(size_t *)(void *)at = (size_t)number;
        return true;
    case DURATION:
        if (!read_duration(value, s->least, s->most, &number))
            return false;
        *(int *)(void *)at = (int)number;
        return true;
    case SWITCH: return read_choice(value, "off", "on", (bool *)at);
    case REQUIRED: return read_choice(value, "available", "required", (bool *)at);
    case REFUSING: return read_choice(value, "continue", "refuse", (bool *)at);
    case KEYS: return read_choice(value, "provider", "region", (bool *)at);
    case COUNTER: return read_choice(value, "off", "tpm", (bool *)at);
    case INDEX:
        if (!read_index(value, s->least, s->most, &number))
            return false;
        *(int *)(void *)at = (int)number;
        return true;
    case TAIL: return read_choice(value, "ignore", "zero", (bool *)at);
    case FRESHNESS:
        if (!read_choice(value, "pinned", "strict", &strict))
            return false;
        *(enum freshness *)(void *)at = strict ? FRESHNESS_STRICT : FRESHNESS_PINNED;
        return true;
    case STATUSES: return read_statuses(value, (uint16_t *)(void *)at);
    case ANCHOR: return append(c, c->anchors, &c->anchor_count, CONFIG_ANCHORS_MAX, value);
    case SOURCES: return read_sources(c, value);
    case EVIDENCE: return evidence_choice_by_name(value, &c->evidence) && !evidence_choice_simulated(c->evidence);
    case COLLATERAL_FILE: return append(c, c->files, &c->file_count, CONFIG_FILES_MAX, value);
    }
    return false;
}

/* State of one reading. */
struct reading {
    struct config *config;
    struct fault *fault;
    const struct ini_place *place;
    char section[256]; /* of the provider that is being read */
};

static bool refuse(struct reading *r, const char *name, const char *value, const char *allowed)
{
    return fault_set(r->fault, FAULT_USAGE, "%s:%d: %s = %s: allowed is %s", r->place->path, r->place->line, name,
                     value, allowed);
}

static bool valid_issuer(const char *value)
{
    size_t n = strlen(value);

    return strncmp(value, "https://", 8) == 0 && n > 8 && !strchr(value + 8, '/') && !strpbrk(value, " \t\"\\@?#*");
}

static bool provider_setting(struct reading *r, const char *section, const char *name, const char *value)
{
    struct config *c = r->config;

    if (strcmp(section, r->section) != 0) {
        if (c->provider_count == CONFIG_PROVIDERS_MAX)
            return fault_set(r->fault, FAULT_LIMIT, "%s:%d: more than %d providers", r->place->path, r->place->line,
                             CONFIG_PROVIDERS_MAX);
        snprintf(r->section, sizeof r->section, "%s", section);
        c->providers[c->provider_count++] = (struct provider_config){
            .name = arena_string(&c->arena, bytes_text(section + strlen("provider "))),
            .subscription = "00000000-0000-0000-0000-000000000000",
            .group = "default",
        };
    }
    struct provider_config *p = &c->providers[c->provider_count - 1];
    const char *text = arena_string(&c->arena, bytes_text(value));
    if (strcmp(name, "issuer") == 0) {
        p->issuer = text;
        return valid_issuer(value) || refuse(r, name, value, "https:// and an authority, without a path");
    }
    if (strcmp(name, "shared") == 0)
        return read_choice(value, "off", "on", &p->shared) || refuse(r, name, value, "on or off");
    if (strcmp(name, "signers") == 0)
        p->signers = text;
    else if (strcmp(name, "subscription") == 0)
        p->subscription = text;
    else if (strcmp(name, "group") == 0)
        p->group = text;
    else
        return refuse(r, name, value, "issuer, signers, shared, subscription or group in a provider's section");
    return *value || refuse(r, name, value, "a file or name");
}

/* [region NAME]: the first one replaces those that are published. */
static bool region_setting(struct reading *r, const char *section, const char *name, const char *value)
{
    struct config *c = r->config;
    struct bytes code = arena_copy(&c->arena, bytes_text(value)),
                 region = arena_copy(&c->arena, bytes_text(section + strlen("region ")));
    struct region *list = c->region_cap ? (struct region *)(uintptr_t)c->regions.v : NULL;
    size_t count = list ? c->regions.count : 0;

    if (strcmp(name, "code") != 0)
        return refuse(r, name, value, "code in a region's section");
    if (!name_is_region_code(code))
        return refuse(r, name, value, "1 to 24 lower-case letters, digits and hyphens");
    c->regions.count = count;
    if (!text_is_plain(region, REGION_NAME_MOST) || regions_find(&c->regions, region) ||
        regions_find_code(&c->regions, code))
        return refuse(r, name, value, "a code and a name that no other region has");
    list = ARENA_ROOM(&c->arena, list, count, &c->region_cap);
    list[count] = (struct region){region, code};
    c->regions.v = list;
    c->regions.count = count + 1;
    return true;
}

/* host[:port] in lower case, as it stands in addresses. */
static bool valid_authority(const char *value)
{
    return *value && strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-.:[]") == strlen(value);
}

static bool control_setting(struct reading *r, const char *name, const char *value)
{
    struct config *c = r->config;
    const char *text = arena_string(&c->arena, bytes_text(value));

    if (strcmp(name, "authority") == 0)
        c->control_authority = text;
    else if (strcmp(name, "domain") == 0)
        c->regions.domain = bytes_text(text);
    else
        return refuse(r, name, value, "authority or domain in [control_plane]");
    return valid_authority(value) ||
           refuse(r, name, value, "a host name in lower case, with :port where it is not 443");
}

static bool take(void *user, const struct ini_place *place, const char *section, const char *name, const char *value,
                 struct fault *fault)
{
    struct reading *r = user;
    bool section_known = false;

    r->place = place;
    if (strncmp(section, "provider ", 9) == 0)
        return provider_setting(r, section, name, value);
    if (strcmp(section, "reference") == 0 || config_sign_in_section(section)) {
        const char *allowed = strcmp(section, "reference") == 0
                                  ? reference_set(&r->config->arena, r->config->reference, name, value)
                                  : config_sign_in_setting(r->config, section, name, value);

        return !allowed || refuse(r, name, value, allowed);
    }
    if (strncmp(section, "region ", 7) == 0)
        return region_setting(r, section, name, value);
    if (strcmp(section, "control_plane") == 0)
        return control_setting(r, name, value);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        const struct setting *s = &settings[i];

        if (strcmp(section, s->section) != 0)
            continue;
        section_known = true;
        if (strcmp(name, s->name) == 0)
            return apply(r->config, s, value) || refuse(r, name, value, s->allowed);
    }
    return fault_set(fault, FAULT_USAGE, "%s:%d: [%s] %s: %s; see assayd.conf(5)", r->place->path, r->place->line,
                     section, name, section_known ? "no such setting in this section" : "no such section");
}

bool config_read(struct config *c, const char *path, struct fault *fault)
{
    struct reading r = {.config = c, .fault = fault};

    return ini_read(path, take, &r, fault);
}

/* What each sealer must be told, so that what is missing stops the start and not the first signer. */
static bool config_sealer_complete(const struct config *c, struct fault *fault)
{
    static const char *const sealers[] = {"file", "tpm2", "snp", "pkcs11"};
    bool known = false;

    for (size_t i = 0; i < sizeof sealers / sizeof *sealers; i++)
        known = known || strcmp(c->sealer.name, sealers[i]) == 0;
    if (!known)
        return fault_set(fault, FAULT_USAGE, "[keys] sealer is %s: it must be file, tpm2, snp or pkcs11",
                         c->sealer.name);
    if (strcmp(c->sealer.name, "pkcs11") == 0 && !c->sealer.pkcs11)
        return fault_set(fault, FAULT_USAGE,
                         "[keys] sealer_pkcs11 must be set too: the URI of the key in the token, "
                         "pkcs11:token=NAME;object=NAME");
    return true;
}

/* A witness: both of address and key, beside a log; or neither, and no certificates. */
static bool witness_ok(const char *log, const char *url, const char *text, const char *ca)
{
    struct log_key key;
    struct arena a;

    if (!url || !text || !log)
        return !url && !text && !ca;
    arena_init(&a, 64 * 1024);
    bool ok = (strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0) && url[strlen(url) - 1] != '/' &&
              witness_key_parse(&a, bytes_text(text), &key);
    arena_free(&a);
    return ok;
}

static bool config_state_complete(const struct config *c, struct fault *fault)
{
    if (!c->state.file != !c->state.name || (c->state.name && !log_name_ok(bytes_text(c->state.name))) ||
        (c->state.counted && !c->state.file))
        return fault_set(fault, FAULT_USAGE,
                         "[state] checkpoint and name must both be set: a file, and the name of the store's log, which "
                         "all nodes of one store share, up to 128 visible characters without blank and plus sign; "
                         "counter = tpm needs them");
    return witness_ok(c->state.file, c->state.witness, c->state.witness_key, c->state.witness_ca) ||
           fault_set(fault, FAULT_USAGE,
                     "[state] witness and witness_key must both be set, beside checkpoint: an address that begins with "
                     "https:// (http:// for this machine) without a slash at its end, and the key that the witness "
                     "prints when it starts, NAME+ID+BASE64");
}

bool config_complete(const struct config *c, struct fault *fault)
{
    struct scope scope;

    if (c->provider_count == 0)
        return fault_set(fault, FAULT_USAGE, "no provider: add a section [provider NAME] with issuer");
    for (size_t i = 0; i < c->provider_count; i++) {
        const struct provider_config *p = &c->providers[i];

        if (!p->issuer)
            return fault_set(fault, FAULT_USAGE, "a section [provider NAME] without issuer");
        if (!config_provider_scope(p, &scope))
            return fault_set(fault, FAULT_USAGE,
                             "%s: [provider NAME], subscription and group are names without blanks and /%%?#\\*",
                             p->issuer);
        for (size_t k = 0; k < i; k++)
            if (strcasecmp(c->providers[k].issuer, p->issuer) == 0)
                return fault_set(fault, FAULT_USAGE, "two providers have the issuer %s", p->issuer);
    }
    if (c->control_authority && !c->regions.domain.n)
        return fault_set(fault, FAULT_USAGE,
                         "[control_plane] domain must be set too: what follows name and region in providers' hosts");
    if (!c->certificate || !c->private_key)
        return fault_set(fault, FAULT_USAGE,
                         "[server] certificate and private_key must be set: the service speaks TLS alone");
    if (!c->measurements != !c->measurements_key || (c->measurements_enforced && !c->measurements))
        return fault_set(
            fault, FAULT_USAGE,
            "[core] measurements, measurements_key: both must be set: a list, and the public key of whoever "
            "signs it; measurements_enforced = on needs them");
    if (c->administration_listen && c->administration_port < 0)
        return fault_set(fault, FAULT_USAGE, "[administration] port must be set too: without it nothing listens there");
    if (c->audit_journal && !c->audit_file)
        return fault_set(fault, FAULT_USAGE,
                         "[audit] journal = on needs a file, too: the chain goes on from it after a start");
    if (!c->decision_folder != !c->decision_name || (c->decision_name && !log_name_ok(bytes_text(c->decision_name))))
        return fault_set(fault, FAULT_USAGE,
                         "[decisions] log and name must both be set: a folder, and the log's name, of which each node "
                         "has another, up to 128 visible characters without blank and plus sign");
    if (!witness_ok(c->decision_folder, c->decision_witness, c->decision_witness_key, c->decision_witness_ca))
        return fault_set(
            fault, FAULT_USAGE,
            "[decisions] witness and witness_key must both be set, beside log: an address that begins with "
            "https:// (http:// for this machine) without a slash at its end, and the key that the witness "
            "prints when it starts, NAME+ID+BASE64");
    if (c->decision_keep && !c->decision_folder)
        return fault_set(fault, FAULT_USAGE,
                         "[decisions] keep_inputs = on needs a log, too: inputs are kept beside it");
    if (c->refresh.source_count && !c->folder)
        return fault_set(fault, FAULT_USAGE, "[collateral] folder must be set too: what refresh fetches is kept there");
    if (c->rotation_seconds && c->publish_ahead_seconds > c->rotation_seconds / 2)
        return fault_set(
            fault, FAULT_USAGE,
            "[keys] publish_ahead may be half of rotation at most: a key is listed that long before it signs");
    if (!c->sealing_key || !c->store)
        return fault_set(
            fault, FAULT_USAGE,
            "[keys] sealing_key and [store] url must be set: providers' keys are kept in the store, sealed");
    if (c->evidence_path && (c->evidence == EVIDENCE_AUTO || c->evidence == EVIDENCE_OFF))
        return fault_set(fault, FAULT_USAGE,
                         "[keys] evidence must say of what evidence_path is: tsm, sev-guest or gramine");
    return config_sealer_complete(c, fault) && config_state_complete(c, fault) && config_sign_in_complete(c, fault);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static const char *copy_text(struct config *c, const char *text)
{
    return text ? arena_string(&c->arena, bytes_text(text)) : NULL;
}

/* Put back one setting; false when that changed it. */
static bool put_back(struct config *next, const struct config *in_force, const struct setting *s)
{
    uint8_t *to = (uint8_t *)next + s->offset;
    const uint8_t *from = (const uint8_t *)in_force + s->offset;
    const char *old;

    if (s->kind != TEXT) {
        size_t n = s->kind == SIZE                                                  ? sizeof(size_t)
                   : s->kind == SWITCH || s->kind == COUNTER || s->kind == REFUSING ? sizeof(bool)
                                                                                    : sizeof(int);
        bool same = memcmp(to, from, n) == 0;

        memcpy(to, from, n);
        return same;
    }
    memcpy(&old, from, sizeof old);
    bool same = same_text(*(const char **)(void *)to, old);
    *(const char **)(void *)to = copy_text(next, old);
    return same;
}

static bool put_back_providers(struct config *next, const struct config *in_force)
{
    bool same = next->provider_count == in_force->provider_count;

    for (size_t i = 0; i < in_force->provider_count; i++) {
        const struct provider_config *p = &in_force->providers[i], *n = &next->providers[i];

        same = same && same_text(p->name, n->name) && same_text(p->issuer, n->issuer) && p->shared == n->shared;
        next->providers[i] = (struct provider_config){
            .name = copy_text(next, p->name),
            .issuer = copy_text(next, p->issuer),
            .signers = copy_text(next, p->signers),
            .shared = p->shared,
            .subscription = same ? n->subscription : copy_text(next, p->subscription),
            .group = same ? n->group : copy_text(next, p->group),
        };
    }
    next->provider_count = in_force->provider_count;
    return same;
}

/* What a running service cannot change. */
static bool is_for_start(const struct setting *s)
{
    static const char *const names[] = {"listen",  "port",        "pairs",    "request_memory",
                                        "url",     "sealing_key", "evidence", "evidence_path",
                                        "journal", "user",        "sandbox",  "measurements_enforced"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(s->name, names[i]) == 0)
            return true;
    return strncmp(s->name, "sealer", 6) == 0 || strcmp(s->section, "state") == 0 ||
           (strcmp(s->section, "audit") == 0 && strcmp(s->name, "file") == 0) ||
           (strcmp(s->section, "decisions") == 0 &&
            (strcmp(s->name, "log") == 0 || strcmp(s->name, "name") == 0 || strncmp(s->name, "witness", 7) == 0)) ||
           strncmp(s->name, "keep_", 5) == 0;
}

const char *config_keep_started(struct config *next, const struct config *in_force)
{
    struct writer names = wr_open(&next->arena);

    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (is_for_start(&settings[i]) && !put_back(next, in_force, &settings[i]))
            wr_printf(&names, "%s[%s] %s", wr_done(&names).n ? ", " : "", settings[i].section, settings[i].name);
    if (!put_back_providers(next, in_force))
        wr_printf(&names, "%s[provider]", wr_done(&names).n ? ", " : "");
    return arena_string(&next->arena, wr_done(&names));
}
