/* What is PostgreSQL's own: connections that break at every step, a server that ends and comes back, several hosts, being told and
 * asking, schemas, durability. A change that was answered is there; of one that "changed nothing" nothing is there. */
#include "store_proxy.h"

#include <sys/stat.h>

enum outcome { DONE, NOTHING_CHANGED, UNCERTAIN };

/* Two records in one append; never a conflict, for the tests write one after another. */
static enum outcome try_put(struct store *s, uint64_t version)
{
    struct record r[] = {record_of("provider", version, BYTES_LIT("p")), record_of("key", version, BYTES_LIT("k"))};
    struct fault fault = {0};
    bool conflict;

    if (store_append(s, r, 2, &conflict, &fault))
        return DONE;
    if (conflict)
        fail_msg("version %llu is there already", (unsigned long long)version);
    if (fault.code == FAULT_SYSTEM && !strstr(fault.text, "nothing changed"))
        fail_msg("%s", fault.text);
    return fault.code == FAULT_UNCERTAIN ? UNCERTAIN : NOTHING_CHANGED;
}

static uint64_t next_version(struct store *s)
{
    uint64_t key, provider;

    assert_true(store_next_version(s, &arena, BYTES_LIT("https://a"), BYTES_LIT("key"), &key, NULL));
    assert_true(store_next_version(s, &arena, BYTES_LIT("https://a"), BYTES_LIT("provider"), &provider, NULL));
    assert_int_equal(key, provider); /* all or none */
    return key;
}

/* Every step of opening and of appending; gives the number of cuts. */
static int cut_everywhere(struct store *direct, const char *database, bool after, int connections)
{
    struct fault fault = {0};
    int cuts = 0;

    for (int chunk = 1; chunk < 100; chunk++) {
        struct proxy p = proxy_start((struct cut){chunk, connections, after});
        const char *url =
            arena_printf(&arena, "postgresql://assay@/%s?host=%s&port=%d", database, server.folder, p.port);
        uint64_t version = next_version(direct);
        struct store *s = store_open(url, &fault);

        if (s) {
            enum outcome outcome = try_put(s, version);

            assert_int_not_equal(outcome, UNCERTAIN); /* the server is there and can be asked */
            assert_int_equal(next_version(direct), version + (outcome == DONE));
            store_close(s);
        }
        int cut = proxy_end(&p);
        if (!cut) {
            assert_non_null(s);
            return cuts;
        }
        cuts += cut;
    }
    fail_msg("it never ends");
    return 0;
}

static void cut_at_every_step(void **state)
{
    (void)state;
    struct store *direct = open_url(postgres_url("cut"));

    for (int connections = 1; connections <= 2; connections++) {
        assert_true(cut_everywhere(direct, "cut", false, connections) > 15);
        assert_true(cut_everywhere(direct, "cut", true, connections) > 15);
    }
    assert_true(generation_of(direct) > 20); /* most were tried again, and done */
    store_close(direct);
}

static void sessions_ended_by_the_server(void **state)
{
    (void)state;
    struct store *s = open_url(postgres_url("ended"));
    struct seen seen;

    for (uint64_t version = 1; version < 4; version++) {
        sql("ended", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'assay'");
        assert_int_equal(try_put(s, version), DONE);
        sql("ended", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'assay'");
        assert_int_equal(changes_since(s, 0, &seen), 2);
        sql("ended", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'assay'");
        assert_int_equal(generation_of(s), 2 * version);
    }
    /* Ended within a commit: by a trigger that runs there. */
    sql("ended", "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN PERFORM "
                 "pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;"
                 "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON assay.record DEFERRABLE INITIALLY DEFERRED FOR EACH "
                 "ROW EXECUTE FUNCTION die()");
    assert_int_equal(try_put(s, 4), NOTHING_CHANGED);
    assert_int_equal(next_version(s), 4);
    sql("ended", "DROP TRIGGER late ON assay.record");
    assert_int_equal(try_put(s, 4), DONE);
    store_close(s);
}

static void until_done(struct store *s, uint64_t version)
{
    for (int i = 0; i < 600; i++) {
        if (try_put(s, version) == DONE)
            return;
        usleep(100000);
    }
    fail_msg("the store does not come back");
}

static void server_away(void **state)
{
    (void)state;
    struct store *s = open_url(postgres_url("away"));
    struct fault fault = {0};
    struct seen seen = {0};
    bool changed;
    uint64_t n;

    assert_int_equal(try_put(s, 1), DONE);
    server_do("stop");
    assert_int_equal(try_put(s, 2), NOTHING_CHANGED);
    assert_false(store_generation(s, &n, &fault));
    assert_int_equal(fault.code, FAULT_SYSTEM);
    assert_false(store_changes(s, &arena, 0, note, &seen, NULL));
    assert_false(store_history(s, &arena, BYTES_LIT("https://a"), BYTES_LIT("key"), &(struct history_page){.limit = 1},
                               note, &seen, NULL));
    for (int i = 0; i < 3; i++)
        assert_false(store_wait(s, -1, 1000, &changed, NULL));
    assert_int_equal(seen.count, 0);
    server_do("start");
    until_done(s, 2);
    assert_int_equal(changes_since(s, 0, &seen), 2);
    assert_int_equal(seen.last.version, 2);
    store_close(s);
}

/* A child that writes without end and tells of each change that was acknowledged, while the server crashes. */
static void write_and_tell(int tell)
{
    struct store *s = open_url(postgres_url("crash"));
    uint64_t version = 1;

    for (;;) {
        enum outcome outcome =
            try_put(s, version); /* a version that "changed nothing" is free: else there is a conflict */

        if (outcome == UNCERTAIN) {
            struct fault fault = {0};
            uint64_t next;

            while (!store_next_version(s, &arena, BYTES_LIT("https://a"), BYTES_LIT("key"), &next, &fault))
                usleep(50000);
            outcome = next > version ? DONE : NOTHING_CHANGED;
        }
        if (outcome == DONE && write(tell, &version, sizeof version) != sizeof version)
            _exit(0);
        version += outcome == DONE;
        if (outcome != DONE)
            usleep(20000);
    }
}

static void server_crashes_under_load(void **state)
{
    (void)state;
    uint64_t told = 0, first;
    int pipes[2];

    store_close(open_url(postgres_url("crash")));
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        close(pipes[0]);
        write_and_tell(pipes[1]);
    }
    close(pipes[1]);
    for (int round = 0; round < 3; round++) {
        for (first = told; told < first + 30;)
            assert_int_equal(read(pipes[0], &told, sizeof told), sizeof told); /* 0 when the child failed */
        server_do("crash");
        server_do("start");
    }
    kill(child, SIGKILL);
    while (read(pipes[0], &first, sizeof first) == sizeof first)
        told = first;
    close(pipes[0]);
    waitpid(child, NULL, 0);
    struct store *s = open_url(postgres_url("crash"));
    uint64_t next = next_version(s);
    assert_true(next == told + 1 || next == told + 2); /* one may have been killed before it was told of */
    assert_int_equal(generation_of(s), 2 * (next - 1));
    store_close(s);
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    assert_int_equal(chmod(path, 0600), 0);
}

static void several_hosts(void **state)
{
    (void)state;
    postgres_url("hosts");
    const char *file = arena_printf(&arena, "%s/pass", server.folder);
    const char *form = "postgresql://assay@127.0.0.1:%d,localhost:%d/hosts?passfile=%s";
    struct store *s = open_url(arena_printf(&arena, form, server.dead_port, server.port, file));

    assert_int_equal(try_put(s, 1), DONE);
    store_close(s);
    /* The password from a file of its own, which may change while the service runs. */
    const char *secret = arena_printf(&arena, "%s/secret", folder);
    const char *by_file = "postgresql://assay@127.0.0.1:%d/hosts?assay_password=%s";
    write_file(secret, "wrong\n");
    assert_not_opened(arena_printf(&arena, by_file, server.port, secret), FAULT_SYSTEM, "password");
    write_file(secret, "a secret of the tests\n");
    s = open_url(arena_printf(&arena, by_file, server.port, secret));
    sql("postgres", "ALTER ROLE assay PASSWORD 'another'");
    sql("hosts", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'assay'");
    assert_int_equal(try_put(s, 2), NOTHING_CHANGED);
    write_file(secret, "another");
    until_done(s, 2);
    sql("postgres", "ALTER ROLE assay PASSWORD 'a secret of the tests'");
    store_close(s);
    /* One that takes no writes is passed over. */
    sql("hosts", "ALTER DATABASE hosts SET default_transaction_read_only = on");
    assert_not_opened(arena_printf(&arena, form, server.dead_port, server.port, file), FAULT_SYSTEM, "read-only");
    sql("postgres", "ALTER DATABASE hosts RESET default_transaction_read_only");
    /* TLS as it must be to other machines: a certificate of a known authority, for that name. */
    const char *tls = "postgresql://assay@%s:%d/hosts?passfile=%s&sslmode=verify-full&sslrootcert=%s/data/server.crt";
    s = open_url(arena_printf(&arena, tls, "localhost", server.port, file, server.folder));
    assert_int_equal(try_put(s, 3), DONE);
    assert_string_equal(sql("hosts",
                            "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'assay' "
                            "AND datname = 'hosts'"),
                        "t");
    store_close(s);
    assert_not_opened(arena_printf(&arena, tls, "127.0.0.1", server.port, file, server.folder), FAULT_SYSTEM,
                      "does not match");
}

/* With hours between two questions only NOTIFY can end this within the time of the test. */
static void told_of_changes(void **state)
{
    (void)state;
    const char *url = postgres_url("told");
    struct store *s = open_url(arena_printf(&arena, "%s&assay_poll=600000", url));

    assert_false(changed_within(s, -1, 0));
    pid_t child = fork();
    if (child == 0) {
        struct store *other = open_url(url);

        usleep(300000);
        _exit(try_put(other, 1) == DONE ? 0 : 1);
    }
    assert_true(changed_within(s, -1, 3600000));
    waitpid(child, NULL, 0);
    store_close(s);
}

static void found_by_asking(void **state)
{
    (void)state;
    struct store *s = open_url(arena_printf(&arena, "%s&assay_poll=100", postgres_url("asking")));

    assert_false(changed_within(s, -1, 0));
    pid_t child = fork();
    if (child == 0) {
        usleep(300000);
        sql("asking", "INSERT INTO assay.record VALUES (1, 'https://a', 'key', 1, 0, '', '', '', '', ''); UPDATE "
                      "assay.generation SET value = 1");
        _exit(0);
    }
    assert_true(changed_within(s, -1, 3600000));
    waitpid(child, NULL, 0);
    store_close(s);
}

static void schemas(void **state)
{
    (void)state;
    const char *url = postgres_url("fresh");

    for (int i = 0; i < 4; i++) /* at once: one makes the tables, the others find them */
        if (fork() == 0) {
            store_close(open_url(url));
            _exit(0);
        }
    for (int i = 0, status; i < 4; i++)
        assert_true(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_string_equal(sql("fresh", "SELECT count(*) || ' ' || max(version) FROM assay.schema"), "1 2");
    struct store *s = open_url(url);
    assert_int_equal(try_put(s, 1), DONE);
    sql("fresh", "UPDATE assay.schema SET version = 99");
    assert_not_opened(url, FAULT_USAGE, "newer release");
    /* Also on the way back to a server that was brought forward meanwhile. */
    sql("fresh", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'assay'");
    assert_int_equal(try_put(s, 2), NOTHING_CHANGED);
    store_close(s);
    /* Whoever owns the database may leave nothing to read, or what is no number. */
    sql("fresh", "DELETE FROM assay.schema");
    assert_not_opened(url, FAULT_SYSTEM, "is answered by no number");
    sql("fresh", "INSERT INTO assay.schema (version) VALUES (-1)");
    assert_not_opened(url, FAULT_SYSTEM, "is answered by no number");
    sql("fresh", "UPDATE assay.schema SET version = 2");
    s = open_url(url);
    sql("fresh", "UPDATE assay.generation SET value = -1");
    assert_int_equal(try_put(s, 2), NOTHING_CHANGED);
    sql("fresh", "UPDATE assay.generation SET value = (SELECT max(sequence) FROM assay.record)");
    assert_int_equal(try_put(s, 2), DONE);
    store_close(s);
    sql("postgres", "CREATE DATABASE latin OWNER assay ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'");
    assert_not_opened(postgres_url("latin"), FAULT_USAGE, "UTF8");
}

/* What a commit waits for, as the transaction itself sees it. */
static void commits_are_durable(void **state)
{
    (void)state;
    static const char *const settings[][2] = {
        {"off", "on"}, {"local", "on"}, {"remote_write", "on"}, {"on", "on"}, {"remote_apply", "remote_apply"}};
    const char *url = postgres_url("durable");

    store_close(open_url(url));
    sql("durable",
        "CREATE TABLE public.waits (setting text); GRANT INSERT ON public.waits TO assay;"
        "CREATE FUNCTION public.look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.waits "
        "VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;"
        "CREATE TRIGGER look AFTER INSERT ON assay.record EXECUTE FUNCTION public.look()");
    for (uint64_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        sql("durable", arena_printf(&arena, "ALTER ROLE assay SET synchronous_commit = %s; DELETE FROM public.waits",
                                    settings[i][0]));
        struct store *s = open_url(url);
        assert_int_equal(try_put(s, i + 1), DONE);
        store_close(s);
        assert_string_equal(sql("durable", "SELECT DISTINCT setting FROM public.waits"), settings[i][1]);
    }
    sql("durable", "ALTER ROLE assay RESET synchronous_commit");
}

/* End the wait for a standby that is not there, as an operator might; then there is no such standby any more. */
static void end_wait(const char *how)
{
    const char *waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";

    while (strcmp(sql("standby", waiting), "1") != 0)
        usleep(20000);
    sql("standby", arena_printf(&arena, "SELECT %s(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'", how));
    usleep(500000);
    sql("standby", "ALTER SYSTEM RESET synchronous_standby_names");
    sql("standby", "SELECT pg_reload_conf()");
    _exit(0);
}

static enum outcome put_while(struct store *s, uint64_t version, const char *how)
{
    sql("standby", "ALTER SYSTEM SET synchronous_standby_names = 'away'");
    sql("standby", "SELECT pg_reload_conf()");
    while (strcmp(sql("standby", "SHOW synchronous_standby_names"), "away") != 0)
        usleep(20000);
    usleep(200000); /* sessions read it a moment later */
    if (fork() == 0)
        end_wait(how);
    enum outcome outcome = try_put(s, version);
    wait(NULL);
    return outcome;
}

static void standbys(void **state)
{
    (void)state;
    struct store *s = open_url(postgres_url("standby"));

    assert_int_equal(try_put(s, 1), DONE);
    assert_int_equal(put_while(s, 2, "pg_cancel_backend"), UNCERTAIN); /* stored here, not confirmed there */
    assert_int_equal(next_version(s), 3);
    /* The answer is lost; found again, and confirmed by a commit of our own. */
    assert_int_equal(put_while(s, 3, "pg_terminate_backend"), DONE);
    assert_int_equal(next_version(s), 4);
    store_close(s);
}

/* Connected, but silent. Half a minute. */
static void silent_server(void **state)
{
    (void)state;
    const char *wanted = getenv("ASSAY_LONG");

    if (!wanted || !*wanted) {
        print_message("# SKIP a server that keeps silent is for --long\n");
        skip();
    }
    struct store *s = open_url(postgres_url("silent"));
    assert_int_equal(try_put(s, 1), DONE);
    server_do("pause");
    assert_int_equal(try_put(s, 2), NOTHING_CHANGED);
    server_do("resume");
    until_done(s, 2);
    assert_int_equal(next_version(s), 3);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_at_every_step),   cmocka_unit_test(sessions_ended_by_the_server),
        cmocka_unit_test(server_away),         cmocka_unit_test(server_crashes_under_load),
        cmocka_unit_test(several_hosts),       cmocka_unit_test(told_of_changes),
        cmocka_unit_test(found_by_asking),     cmocka_unit_test(schemas),
        cmocka_unit_test(commits_are_durable), cmocka_unit_test(standbys),
        cmocka_unit_test(silent_server),
    };
    return cmocka_run_group_tests_name("store_postgres", tests, store_set_up, store_tear_down);
}
