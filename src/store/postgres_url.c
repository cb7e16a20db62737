#include "store/postgres_url.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "base/limits.h"

enum { POLL_DEFAULT = 500 };

/* The way to a file, as it stands. */
static bool take_password_file(const char *path, size_t n, struct postgres_url *out, struct fault *fault)
{
    struct stat st;

    free(out->password_file);
    out->password_file = strndup(path, n);
    if (!out->password_file)
        return fault_set(fault, FAULT_SYSTEM, "no memory");
    if (stat(out->password_file, &st) != 0)
        return fault_set(fault, FAULT_SYSTEM, "store: cannot read the password from %s: %s", out->password_file,
                         strerror(errno));
    return (S_ISREG(st.st_mode) && !(st.st_mode & (S_IWGRP | S_IRWXO))) ||
           fault_set(fault, FAULT_USAGE, "store: %s holds a password: it must be a file that others may not read",
                     out->password_file);
}

static bool take_own(const char *item, size_t n, struct postgres_url *out, bool *unverified, struct fault *fault)
{
    static const char tls[] = "assay_tls=unverified", poll[] = "assay_poll=", password[] = "assay_password=";
    size_t prefix = sizeof poll - 1;

    if (n == sizeof tls - 1 && memcmp(item, tls, n) == 0)
        return *unverified = true;
    if (n >= sizeof password && memcmp(item, password, sizeof password - 1) == 0)
        return take_password_file(item + sizeof password - 1, n - (sizeof password - 1), out, fault);
    if (n > prefix && memcmp(item, poll, prefix) == 0) {
        uint64_t value;
        bool ok = decimal_parse(bytes_make(item + prefix, n - prefix), LIMIT_STORE_POLL_MOST, &value);

        out->poll_milliseconds = (int)value;
        if (ok && value >= LIMIT_STORE_POLL_LEAST)
            return true;
    }
    return fault_set(fault, FAULT_USAGE,
                     "store: %.*s: allowed are assay_tls=unverified, assay_password=FILE, and assay_poll=%d to %d",
                     (int)n, item, LIMIT_STORE_POLL_LEAST, LIMIT_STORE_POLL_MOST);
}

/* Copy the url without the parameters that are ours. */
static bool split(const char *url, struct postgres_url *out, bool *unverified, struct fault *fault)
{
    const char *query = strchr(url, '?');
    char separator = '?';
    char *to;

    out->text = calloc(1, strlen(url) + 1);
    if (!out->text)
        return fault_set(fault, FAULT_SYSTEM, "no memory");
    if (!query)
        query = url + strlen(url);
    memcpy(out->text, url, (size_t)(query - url));
    to = out->text + (query - url);
    for (const char *item = query; *item;) {
        size_t n = strcspn(++item, "&"); /* behind the ? or & */

        if (strncmp(item, "assay_", 6) == 0) {
            if (!take_own(item, n, out, unverified, fault))
                return false;
        } else {
            *to++ = separator;
            memcpy(to, item, n);
            to += n;
            separator = '&';
        }
        item += n;
    }
    return true;
}

/* As it will be in force: of the url, else of the environment, else libpq's own. Empty counts as not given. */
static const char *setting(const PQconninfoOption *given, const PQconninfoOption *defaults, const char *name)
{
    const PQconninfoOption *const lists[] = {given, defaults};

    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        for (const PQconninfoOption *o = lists[i]; o->keyword; o++)
            if (strcmp(o->keyword, name) == 0 && o->val && *o->val)
                return o->val;
    return "";
}

static bool is_this_machine(const char *host, size_t n)
{
    char text[INET6_ADDRSTRLEN];
    struct in_addr v4;

    if (n == 0 || *host == '/' || *host == '@') /* sockets */
        return true;
    if (n >= sizeof text)
        return false;
    memcpy(text, host, n);
    text[n] = 0;
    if (inet_pton(AF_INET, text, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return strcmp(text, "::1") == 0 || strcmp(text, "localhost") == 0;
}

static bool all_on_this_machine(const char *hosts)
{
    for (;; hosts++) {
        size_t n = strcspn(hosts, ",");

        if (!is_this_machine(hosts, n))
            return false;
        hosts += n;
        if (!*hosts)
            return true;
    }
}

static bool check_tls(const PQconninfoOption *given, const PQconninfoOption *defaults, bool unverified,
                      struct fault *fault)
{
    const char *address = setting(given, defaults, "hostaddr"), *host = setting(given, defaults, "host");
    const char *mode = setting(given, defaults, "sslmode");

    if (unverified || strcmp(mode, "verify-full") == 0 || all_on_this_machine(*address ? address : host))
        return true;
    return fault_set(
        fault, FAULT_USAGE,
        "store: sslmode is %s: to a database on another machine it must be verify-full, or anybody between could "
        "change policies; if the network itself is trusted, say so with assay_tls=unverified",
        *mode ? mode : "not set");
}

static bool check_passfile(const char *path, struct fault *fault)
{
    struct stat st;

    if (!*path)
        return true;
    if (stat(path, &st) != 0)
        return fault_set(fault, FAULT_SYSTEM, "store: cannot read the passfile %s: %s", path, strerror(errno));
    return (S_ISREG(st.st_mode) && !(st.st_mode & (S_IRWXG | S_IRWXO))) ||
           fault_set(fault, FAULT_USAGE,
                     "store: the passfile %s must be a file that only its owner may use (mode 0600)", path);
}

static bool check_given(const PQconninfoOption *given, const PQconninfoOption *defaults, bool unverified,
                        struct fault *fault)
{
    static const PQconninfoOption none[] = {{0}};
    const char *timeout = setting(given, none, "connect_timeout");
    uint64_t seconds;

    if (*setting(given, defaults, "password") || *setting(given, defaults, "sslpassword"))
        return fault_set(fault, FAULT_USAGE,
                         "store: a password may stand neither in the url nor in the environment, where others can read "
                         "it; put it into a file and name that with assay_password=FILE");
    if (*setting(given, none, "service"))
        return fault_set(fault, FAULT_USAGE, "store: service= is not allowed: say in the url itself where to connect");
    if (*timeout && (!decimal_parse(bytes_text(timeout), LIMIT_STORE_CONNECT_SECONDS, &seconds) || seconds == 0))
        return fault_set(fault, FAULT_USAGE, "store: connect_timeout=%s: allowed is 1 to %d seconds", timeout,
                         LIMIT_STORE_CONNECT_SECONDS);
    return check_passfile(setting(given, none, "passfile"), fault) && check_tls(given, defaults, unverified, fault);
}

/* Is there what may be a password? libpq repeats in its reasons what it cannot read. */
static bool has_secret(const char *url)
{
    return strchr(url, '@') || strstr(url, "password");
}

bool postgres_url_read(const char *url, struct postgres_url *out, struct fault *fault)
{
    PQconninfoOption *given = NULL, *defaults = NULL;
    char *message = NULL;
    bool unverified = false;

    *out = (struct postgres_url){.poll_milliseconds = POLL_DEFAULT};
    bool ok = split(url, out, &unverified, fault);
    if (ok && !(given = PQconninfoParse(out->text, &message)))
        ok = fault_set(fault, FAULT_USAGE, "store: the url is not of the form postgresql://HOST/DATABASE%s%s",
                       has_secret(url) ? "" : ": ",
                       has_secret(url) ? ""
                       : message       ? message
                                       : "no memory");
    if (ok && !(defaults = PQconndefaults()))
        ok = fault_set(fault, FAULT_USAGE, "store: the settings of PostgreSQL in the environment cannot be read");
    ok = ok && check_given(given, defaults, unverified, fault);
    PQfreemem(message);
    PQconninfoFree(given);
    PQconninfoFree(defaults);
    if (!ok) {
        free(out->text);
        free(out->password_file);
        out->text = out->password_file = NULL;
    }
    return ok;
}
