/* Urls of PostgreSQL: what is refused before anything is connected. */
#include "test.h"

#include <sys/stat.h>
#include <unistd.h>

#include "store/postgres_url.h"

static void assert_refused(const char *url, const char *why)
{
    struct postgres_url out;
    struct fault fault = {0};

    if (postgres_url_read(url, &out, &fault) || !strstr(fault.text, why))
        fail_msg("%s: '%s', wanted '%s'", url, fault.text, why);
    if (strstr(fault.text, "secret"))
        fail_msg("%s: '%s' tells the password", url, fault.text);
    assert_null(out.text);
}

static void assert_taken(const char *url, const char *text, int poll)
{
    struct postgres_url out;
    struct fault fault = {0};

    if (!postgres_url_read(url, &out, &fault))
        fail_msg("%s: %s", url, fault.text);
    assert_string_equal(out.text, text);
    assert_int_equal(out.poll_milliseconds, poll);
    free(out.text);
}

static void own_parameters_are_taken_out(void **state)
{
    (void)state;
    assert_taken("postgresql:///assay", "postgresql:///assay", 500);
    assert_taken("postgresql:///a?assay_poll=100", "postgresql:///a", 100);
    assert_taken("postgresql:///a?assay_poll=600000&user=b", "postgresql:///a?user=b", 600000);
    assert_taken("postgresql:///a?user=b&assay_tls=unverified&port=1&assay_poll=200", "postgresql:///a?user=b&port=1",
                 200);
    for (const char *const *bad = (const char *const[]){"assay_poll=", "assay_poll=99", "assay_poll=600001",
                                                        "assay_poll=1e3", "assay_poll=100x", "assay_poll=99999999999",
                                                        "assay_tls=off", "assay_tls=unverified2", "assay_x=1", NULL};
         *bad; bad++) {
        char url[64];

        snprintf(url, sizeof url, "postgresql:///a?%s", *bad);
        assert_refused(url, "allowed are assay_tls=unverified, assay_password=FILE, and assay_poll=100 to 600000");
    }
    assert_refused("postgresql://[::1/a", "not of the form");
    assert_refused("postgresql:///a?no_such=1", "not of the form");
    assert_refused("postgresql://u:secret@[::1/a", "not of the form");
    assert_refused("postgresql://u:secret@h:port:x/a%", "not of the form");
}

static void secrets_are_refused(void **state)
{
    (void)state;
    assert_refused("postgresql://u:secret@localhost/a", "a password may stand neither");
    assert_refused("postgresql:///a?password=secret", "a password may stand neither");
    assert_refused("postgresql:///a?pass%77ord=secret", "a password may stand neither");
    assert_refused("postgresql:///a?sslpassword=secret", "a password may stand neither");
    assert_refused("postgresql:///a?service=x", "service= is not allowed");
    setenv("PGPASSWORD", "secret", 1);
    assert_refused("postgresql:///a", "a password may stand neither");
    unsetenv("PGPASSWORD");

    char path[] = "/tmp/assay-pass-XXXXXX", url[128];
    close(mkstemp(path));
    snprintf(url, sizeof url, "postgresql:///a?passfile=%s", path);
    assert_taken(url, url, 500);
    chmod(path, 0640);
    assert_refused(url, "only its owner");
    unlink(path);
    assert_refused(url, "cannot read the passfile");

    char secret[] = "/tmp/assay-pass-XXXXXX";
    struct postgres_url out;
    close(mkstemp(secret));
    snprintf(url, sizeof url, "postgresql:///a?assay_password=%s&port=1", secret);
    chmod(secret, 0440); /* as a credential of systemd looks */
    assert_true(postgres_url_read(url, &out, NULL));
    assert_string_equal(out.password_file, secret);
    assert_string_equal(out.text, "postgresql:///a?port=1");
    free(out.text);
    free(out.password_file);
    chmod(secret, 0604);
    assert_refused(url, "others may not read");
    chmod(secret, 0660);
    assert_refused(url, "others may not read");
    unlink(secret);
    assert_refused(url, "cannot read the password");
    assert_refused("postgresql:///a?assay_password=", "allowed are");
}

static void other_machines_need_verified_tls(void **state)
{
    (void)state;
    static const char *const local[] = {"localhost", "127.0.0.1",           "127.8.9.1",
                                        "[::1]",     "%2Frun%2Fpostgresql", "localhost,127.0.0.1:99"};
    static const char *const away[] = {"db",
                                       "10.0.0.1",
                                       "128.0.0.1",
                                       "[::2]",
                                       "localhost,db",
                                       "db,localhost",
                                       "127.0.0.1.example",
                                       "localhost.example",
                                       "[::ffff:10.0.0.1]"};
    char url[200];

    for (size_t i = 0; i < sizeof local / sizeof *local; i++) {
        snprintf(url, sizeof url, "postgresql://%s/a", local[i]);
        assert_taken(url, url, 500);
    }
    for (size_t i = 0; i < sizeof away / sizeof *away; i++) {
        static const char *const weak[] = {"", "sslmode=require", "sslmode=verify-ca", "sslmode=disable", "sslmode="};

        for (size_t k = 0; k < sizeof weak / sizeof *weak; k++) {
            snprintf(url, sizeof url, "postgresql://%s/a?%s", away[i], weak[k]);
            assert_refused(url, "it must be verify-full");
        }
        snprintf(url, sizeof url, "postgresql://%s/a?sslmode=verify-full", away[i]);
        assert_taken(url, url, 500);
    }
    assert_refused("postgresql://localhost/a?hostaddr=10.0.0.1", "it must be verify-full");
    assert_refused("postgresql:///a?host=/run/x,db", "it must be verify-full");
    assert_taken("postgresql://db/a?hostaddr=127.0.0.1", "postgresql://db/a?hostaddr=127.0.0.1", 500);
    assert_taken("postgresql://db/a?assay_tls=unverified", "postgresql://db/a", 500);
    setenv("PGHOST", "db", 1);
    assert_refused("postgresql:///a", "it must be verify-full");
    setenv("PGSSLMODE", "verify-full", 1);
    assert_taken("postgresql:///a", "postgresql:///a", 500);
    assert_refused("postgresql:///a?sslmode=require", "it must be verify-full");
    unsetenv("PGHOST");
    unsetenv("PGSSLMODE");
}

static void times_have_bounds(void **state)
{
    (void)state;
    assert_taken("postgresql:///a?connect_timeout=60", "postgresql:///a?connect_timeout=60", 500);
    assert_refused("postgresql:///a?connect_timeout=0", "allowed is 1 to 60");
    assert_refused("postgresql:///a?connect_timeout=61", "allowed is 1 to 60");
    assert_refused("postgresql:///a?connect_timeout=-1", "allowed is 1 to 60");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_parameters_are_taken_out),
        cmocka_unit_test(secrets_are_refused),
        cmocka_unit_test(other_machines_need_verified_tls),
        cmocka_unit_test(times_have_bounds),
    };
    return cmocka_run_group_tests_name("store_url", tests, NULL, NULL);
}
