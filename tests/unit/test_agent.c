/* The guest's side without a TPM: reports by configfs-tsm and /dev/sev-guest, certificates of the host, when to attest next, handing
 * tokens on. mkdir and open are wrapped, so that a folder behaves as the kernel's configfs. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/daemon.h"
#include "agent/file.h"
#include "agent/gramine.h"
#include "agent/sev_guest.h"
#include "agent/tsm.h"
#include "base/text.h"
#include "crypto/digest.h"

static struct arena arena;
static char folder[64];

/* configfs: what an entry holds, and who else writes to it. */
static struct {
    const char *provider; /* NULL: none has registered */
    int others;           /* entries that another writer touches */
    int entries;
    bool empty_report, no_aux;
} kernel;

/* The file that was last made to take another's place. */
static struct {
    char name[256];
    int flags;
} drafts;

int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);
int __real_open64(const char *path, int flags, mode_t mode);
int __wrap_open64(const char *path, int flags, mode_t mode);

static void put(const char *entry, const char *name, struct bytes content)
{
    char path[256];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", entry, name);
    f = fopen(path, "wb");
    assert_non_null(f);
    fwrite(content.p ? content.p : (const uint8_t *)"", 1, content.n, f);
    fclose(f);
}

int __wrap_mkdir(const char *path, mode_t mode)
{
    if (strncmp(path, folder, strlen(folder)) == 0 && !kernel.provider) {
        errno = ENXIO;
        return -1;
    }
    if (__real_mkdir(path, mode) != 0)
        return -1;
    kernel.entries++;
    put(path, "provider", bytes_text(kernel.provider));
    put(path, "generation", BYTES_LIT("7\n"));
    put(path, "inblob", BYTES_NONE);
    put(path, "outblob", BYTES_NONE);
    if (!kernel.no_aux)
        put(path, "auxblob", BYTES_LIT("certificates"));
    return 0;
}

/* A report is made when it is read, of what was written. */
int __wrap_open64(const char *path, int flags, mode_t mode)
{
    const char *name = strrchr(path, '/');
    char entry[256];
    int touched = kernel.others > 0;

    if (flags & O_CREAT) {
        snprintf(drafts.name, sizeof drafts.name, "%s", path);
        drafts.flags = flags;
    }
    if (name && strcmp(name, "/outblob") == 0) {
        struct bytes in;

        snprintf(entry, sizeof entry, "%.*s", (int)(name - path), path);
        assert_true(agent_read(&arena, arena_printf(&arena, "%s/inblob", entry), 4096, &in, NULL));
        put(entry, "outblob",
            kernel.empty_report
                ? BYTES_NONE
                : bytes_text(arena_printf(&arena, "report over %s", arena_string(&arena, hex_encode(&arena, in)))));
        put(entry, "generation", bytes_text(touched ? "9\n" : "8\n"));
        kernel.others -= touched;
    }
    return __real_open64(path, flags, mode);
}

/* rmdir of a configfs entry takes its files along; a plain folder's must go before. */
int __real_rmdir(const char *path);
int __wrap_rmdir(const char *path);
int __wrap_rmdir(const char *path)
{
    static const char *const names[] = {"provider", "generation", "inblob", "outblob", "auxblob"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(arena_printf(&arena, "%s/%s", path, names[i]));
    return __real_rmdir(path);
}

static const uint8_t data[AGENT_REPORT_DATA] = {1, 2, 3};

static void a_report_is_over_our_data(void **state)
{
    struct agent_report report;
    struct fault fault = {0};

    (void)state;
    kernel.provider = "sev_guest\n";
    assert_int_equal(agent_tsm_provider(folder, &arena), AGENT_SEV_GUEST);
    assert_true(agent_tsm_report(folder, data, &arena, &report, &fault));
    assert_int_equal(report.provider, AGENT_SEV_GUEST);
    assert_string_equal(
        arena_string(&arena, report.report),
        arena_printf(&arena, "report over %s", arena_string(&arena, hex_encode(&arena, BYTES_OF(data)))));
    assert_true(bytes_is(report.certificates, "certificates"));
    kernel.provider = "tdx_guest\n";
    kernel.no_aux = true; /* of kernels and providers that have none */
    assert_true(agent_tsm_report(folder, data, &arena, &report, &fault));
    assert_int_equal(report.provider, AGENT_TDX_GUEST);
    assert_int_equal(report.certificates.n, 0);
    assert_int_equal(__real_rmdir(folder), 0); /* no entry is left */
    assert_int_equal(__real_mkdir(folder, 0700), 0);
}

static void another_writer_is_noticed(void **state)
{
    struct agent_report report;
    struct fault fault = {0};

    (void)state;
    kernel.provider = "sev_guest\n";
    kernel.others = 2;
    assert_true(agent_tsm_report(folder, data, &arena, &report, &fault));
    assert_int_equal(kernel.entries, 3); /* each time a fresh one */
    kernel.others = 1000;
    assert_false(agent_tsm_report(folder, data, &arena, &report, &fault));
    assert_non_null(strstr(fault.text, "another writes"));
    assert_int_equal(kernel.entries, 8);
}

static void a_report_that_is_none(void **state)
{
    struct agent_report report;
    struct fault fault = {0};

    (void)state;
    assert_int_equal(agent_tsm_provider(folder, &arena), AGENT_NO_PROVIDER);
    assert_false(agent_tsm_report(folder, data, &arena, &report, &fault));
    assert_non_null(strstr(fault.text, "no provider"));
    assert_int_equal(agent_tsm_provider("/nothing/here", &arena), AGENT_NO_PROVIDER);
    kernel.provider = "arm_cca_guest\n";
    fault = (struct fault){0};
    assert_int_equal(agent_tsm_provider(folder, &arena), AGENT_NO_PROVIDER);
    assert_false(agent_tsm_report(folder, data, &arena, &report, &fault));
    assert_non_null(strstr(fault.text, "arm_cca_guest"));
    kernel.provider = "sev_guest\n";
    kernel.empty_report = true;
    fault = (struct fault){0};
    assert_false(agent_tsm_report(folder, data, &arena, &report, &fault));
    assert_non_null(strstr(fault.text, "empty"));
}

/* Gramine's files; a plain folder makes no quote of what is written, so it is there before. */
static void an_enclave_of_gramine(void **state)
{
    const char *asked = arena_printf(&arena, "%s/user_report_data", folder);
    struct fault fault = {0};
    struct bytes quote, in;

    (void)state;
    assert_false(agent_gramine_there(folder, &arena));
    assert_false(agent_gramine_quote(folder, data, &arena, &quote, &fault));
    fault = (struct fault){0};
    put(folder, "attestation_type", BYTES_LIT("none\n"));
    put(folder, "user_report_data", BYTES_NONE);
    put(folder, "quote", BYTES_LIT("quote"));
    assert_false(agent_gramine_there(folder, &arena));
    assert_false(agent_gramine_quote(folder, data, &arena, &quote, &fault));
    assert_non_null(strstr(fault.text, "sgx.remote_attestation"));
    put(folder, "attestation_type", BYTES_LIT("dcap"));
    assert_true(agent_gramine_there(folder, &arena));
    assert_true(agent_gramine_quote(folder, data, &arena, &quote, &fault));
    assert_bytes_are(quote, "quote");
    assert_true(agent_read(&arena, asked, 4096, &in, NULL));
    assert_bytes_equal(in, BYTES_OF(data));
    put(folder, "quote", BYTES_NONE);
    assert_false(agent_gramine_quote(folder, data, &arena, &quote, &fault));
    unlink(asked);
    unlink(arena_printf(&arena, "%s/attestation_type", folder));
    unlink(arena_printf(&arena, "%s/quote", folder));
}

/* The kernel's driver. */
static struct {
    int error; /* of the extended request */
    uint64_t status;
    uint32_t firmware, size;
    int calls;
} driver;

static uint64_t number(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

static int call(void *context, unsigned long request, void *argument)
{
    const uint8_t *r = argument;
    const uint8_t *ask = (const uint8_t *)(uintptr_t)number(r + 8);
    uint8_t *answer = (uint8_t *)(uintptr_t)number(r + 16);

    (void)context;
    driver.calls++;
    assert_int_equal(r[0], 1);
    assert_memory_equal(ask, data, sizeof data);
    assert_int_equal(number(ask + 64), 0); /* privilege level 0 */
    assert_true(request == 0xC0205300 || request == 0xC0205302);
    if (request == 0xC0205302) {
        uint8_t *table = (uint8_t *)(uintptr_t)number(ask + 96);
        uint32_t size;

        memcpy(&size, ask + 104, sizeof size);
        assert_int_equal(size, 0x4000);
        assert_int_equal((uintptr_t)table % 4096, 0);
        if (driver.error) {
            memcpy((uint8_t *)argument + 24, &driver.status, 8);
            errno = driver.error;
            return -1;
        }
        memset(table, 0, size);
        table[size - 1] = 1;
    }
    memcpy(answer, &driver.firmware, 4);
    memcpy(answer + 4, &driver.size, 4);
    memset(answer + 32, 0xab, 1184);
    return 0;
}

static const struct agent_sev_guest device = {call, NULL};

static void the_driver_is_asked(void **state)
{
    struct agent_report report;
    struct fault fault = {0};

    (void)state;
    driver.size = 1184;
    assert_true(agent_sev_guest_ask(&device, data, &arena, &report, &fault));
    assert_int_equal(driver.calls, 1);
    assert_int_equal(report.report.n, 1184);
    assert_int_equal(report.report.p[0], 0xab);
    assert_int_equal(report.report.p[1183], 0xab);
    assert_int_equal(report.certificates.n, 0x4000);
    /* A host that has no table, or one too large: the report alone. */
    driver.error = EIO;
    driver.status = 1ull << 32;
    assert_true(agent_sev_guest_ask(&device, data, &arena, &report, &fault));
    assert_int_equal(driver.calls, 3);
    assert_int_equal(report.certificates.n, 0);
}

static void the_driver_refuses(void **state)
{
    static const struct {
        int error;
        uint64_t status;
        uint32_t firmware, size;
        const char *says;
    } rows[] = {{ENOTTY, 0xff, 0, 1184, "only a reboot"},
                {EIO, 2ull << 32 | 5, 0, 1184, "host 0x2"},
                {0, 0, 0x16, 0, "0x16"},
                {0, 0, 0, 0, "0 bytes"},
                {0, 0, 0, 4000, "4000 bytes"},
                {0, 0, 0, 0xffffffff, "bytes"}};
    struct agent_report report;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fault fault = {0};

        driver.error = rows[i].error;
        driver.status = rows[i].status;
        driver.firmware = rows[i].firmware;
        driver.size = rows[i].size;
        assert_false(agent_sev_guest_ask(&device, data, &arena, &report, &fault));
        assert_non_null(strstr(fault.text, rows[i].says));
    }
    assert_false(agent_sev_guest_report("/nothing/here", data, &arena, &report, NULL));
}

static void put_entry(struct writer *w, const char *id, uint32_t offset, uint32_t size)
{
    struct bytes raw;

    assert_true(hex_decode(&arena, bytes_text(id), &raw));
    wr_put(w, raw);
    wr_u32le(w, offset);
    wr_u32le(w, size);
}
#define VCEK "63da758de6644564adc5f4b93be8accd"
#define VLEK "a8074bc2a25a483eaae639c045a0b8a1"
#define ASK  "4ab7b379bbac4fe4a02f05aef327c782"
#define ARK  "c0b406a4a803495297433fb6014cd0ae"

static void tables_of_certificates(void **state)
{
    struct writer w = wr_open(&arena);
    struct bytes pem, table;

    (void)state;
    put_entry(&w, ARK, 96, 3);
    put_entry(&w, VLEK, 99, 3);
    put_entry(&w, ASK, 102, 30);
    wr_put(&w, bytes_make((uint8_t[24]){0}, 24));
    wr_text(&w, "arkdie-----BEGIN x-----\r\n");
    wr_put(&w, bytes_make((uint8_t[64]){0}, 64));
    table = wr_done(&w);
    assert_true(agent_certificates(&arena, table, &pem, NULL));
    /* Leaf first, PEM as it came. */
    assert_string_equal(arena_string(&arena, pem),
                        "-----BEGIN CERTIFICATE-----\nZGll\n-----END CERTIFICATE-----\n-----BEGIN x-----\n"
                        "-----BEGIN CERTIFICATE-----\nYXJr\n-----END CERTIFICATE-----\n");
    /* Cut anywhere: no crash, and no certificate that is not whole. */
    for (size_t n = 0; n < table.n; n++) {
        struct bytes copy = arena_copy(&arena, bytes_first(table, n));

        if (agent_certificates(&arena, copy, &pem, NULL) && pem.n)
            assert_true(n >= 132);
    }
}

static void hostile_tables(void **state)
{
    static const struct {
        uint32_t offset, size;
    } rows[] = {{0xffffffff, 1}, {100, 0xffffffff}, {48, 0}, {0xffffffff, 0xffffffff}, {49, 1000}};
    struct bytes pem;
    struct fault fault = {0};
    struct writer w;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        w = wr_open(&arena);
        put_entry(&w, VCEK, rows[i].offset, rows[i].size);
        wr_put(&w, bytes_make((uint8_t[24]){0}, 24));
        wr_text(&w, "certificate");
        assert_false(agent_certificates(&arena, wr_done(&w), &pem, &fault));
    }
    w = wr_open(&arena);
    for (int i = 0; i < 10000; i++)
        put_entry(&w, "00000000000000000000000000000001", 0, 1);
    put_entry(&w, VCEK, 0, 16); /* behind more entries than are looked at */
    assert_true(agent_certificates(&arena, wr_done(&w), &pem, &fault));
    assert_int_equal(pem.n, 0);
    assert_true(agent_certificates(&arena, BYTES_NONE, &pem, &fault));
    assert_int_equal(pem.n, 0);
}

static void when_to_attest_next(void **state)
{
    (void)state;
    assert_int_equal(agent_next(1000, 1000 + 28800, 86400), 21600);
    assert_int_equal(agent_next(1000, 1000 + 28800, 600), 600);
    assert_int_equal(agent_next(1000, 1003, 600), 1);
    assert_int_equal(agent_next(1000, 10, 600), 1);
    assert_int_equal(agent_next(1000, INT64_MAX, 600), 600);
    for (unsigned errors = 1; errors < 100; errors++) {
        unsigned least = agent_pause(errors, 0), most = 0;

        for (uint32_t chance = 0; chance < 1000; chance++) {
            unsigned pause = agent_pause(errors, chance);

            assert_true(pause >= least);
            most = pause > most ? pause : most;
        }
        assert_true(least >= 1 && most <= AGENT_RETRY_MOST && most > least);
        assert_int_equal(most, errors > 7 ? AGENT_RETRY_MOST : AGENT_RETRY_LEAST << (errors - 1));
    }
}

static struct bytes token_of(const char *payload)
{
    struct writer w = wr_open(&arena);

    wr_base64url(&w, BYTES_LIT("{\"alg\":\"RS256\"}"));
    wr_text(&w, ".");
    wr_base64url(&w, bytes_text(payload));
    wr_text(&w, ".AAAA");
    return wr_done(&w);
}

static void when_a_token_expires(void **state)
{
    int64_t at;

    (void)state;
    assert_true(agent_token_expires(&arena, token_of("{\"exp\":1234}"), &at));
    assert_int_equal(at, 1234);
    assert_false(agent_token_expires(&arena, token_of("{\"exp\":\"1234\"}"), &at));
    assert_false(agent_token_expires(&arena, token_of("{}"), &at));
    assert_false(agent_token_expires(&arena, token_of("1"), &at));
    assert_false(agent_token_expires(&arena, BYTES_LIT("no token"), &at));
}

static void files_and_commands_get_it(void **state)
{
    const char *file = arena_printf(&arena, "%s/token", folder), *copy = arena_printf(&arena, "%s/copy", folder);
    struct agent_delivery d = {
        .file = file,
        .command =
            arena_printf(&arena, "cat >%s; echo \" $ASSAY_URL $ASSAY_EXPIRES ${ASSAY_TOKEN-none}\" >>%s", copy, copy),
        .url = "https://a.example"};
    struct fault fault = {0};
    struct stat st;

    (void)state;
    setenv("ASSAY_TOKEN", "a bearer token", 1);
    assert_true(agent_deliver(&d, BYTES_LIT("old"), 1, &arena, &fault));
    assert_true(agent_deliver(&d, BYTES_LIT("new"), 99, &arena, &fault));
    unsetenv("ASSAY_TOKEN");
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_true(bytes_is(read_file(&arena, file), "new"));
    assert_true(bytes_is(read_file(&arena, copy), "new https://a.example 99 none\n"));
    d.command = "exit 3"; /* which does not read */
    assert_false(agent_deliver(&d, token_of(arena_printf(&arena, "{\"x\":\"%0200000d\"}", 1)), 1, &arena, &fault));
    assert_non_null(strstr(fault.text, "ended with 3"));
    d.command = "kill -9 $$";
    fault = (struct fault){0};
    assert_false(agent_deliver(&d, BYTES_LIT("x"), 1, &arena, &fault));
    assert_non_null(strstr(fault.text, "signal 9"));
    d.command = NULL;
    d.file = arena_printf(&arena, "%s/nowhere/token", folder);
    fault = (struct fault){0};
    assert_false(agent_deliver(&d, BYTES_LIT("x"), 1, &arena, &fault));
    assert_non_null(strstr(fault.text, "nowhere"));
    unlink(file);
    unlink(copy);
}

/* What the command started is ended with it: it has the token, and its standard input still open. */
static void a_command_that_hangs_ends_whole(void **state)
{
    const char *started = arena_printf(&arena, "%s/started", folder);
    struct agent_delivery d = {.command = arena_printf(&arena, "sleep 300 <&0 & echo $! >%s; wait", started),
                               .url = "https://a.example",
                               .seconds = 1};
    struct fault fault = {0};
    long pid;
    bool gone = false;

    (void)state;
    assert_false(agent_deliver(&d, BYTES_LIT("x"), 1, &arena, &fault));
    assert_non_null(strstr(fault.text, "more than 1 seconds, and was ended"));
    pid = strtol(arena_string(&arena, read_file(&arena, started)), NULL, 10);
    assert_true(pid > 1);
    for (int i = 0; i < 200 && !gone; i++) { /* a moment after the signal; an orphan may stay unreaped */
        char *stat = arena_printf(&arena, "/proc/%ld/stat", pid);
        FILE *f = fopen(stat, "r");
        char line[256] = "";

        if (f && !fgets(line, sizeof line, f))
            line[0] = 0;
        gone = !f || strstr(line, ") Z ") || strstr(line, ") X ");
        if (f)
            fclose(f);
        usleep(10000);
    }
    if (!gone)
        kill((pid_t)pid, SIGKILL);
    assert_true(gone);
    unlink(started);
}

/* Somebody else who may write to the folder can guess no name, and no file of theirs is written to. */
static void drafts_are_new_files(void **state)
{
    const char *file = arena_printf(&arena, "%s/token", folder), *theirs = arena_printf(&arena, "%s/theirs", folder),
               *trap = arena_printf(&arena, "%s.%ld.new", file, (long)getpid()), *first;
    struct fault fault = {0};

    (void)state;
    put(folder, "theirs", BYTES_LIT("theirs"));
    assert_int_equal(link(theirs, trap), 0);
    assert_true(agent_write_secret(&arena, file, BYTES_LIT("a token"), &fault));
    assert_true(bytes_is(read_file(&arena, theirs), "theirs"));
    assert_true(bytes_is(read_file(&arena, file), "a token"));
    assert_int_equal(drafts.flags & (O_CREAT | O_EXCL | O_TRUNC), O_CREAT | O_EXCL);
    assert_true(drafts.flags & O_NOFOLLOW && drafts.flags & O_CLOEXEC);
    first = arena_string(&arena, bytes_text(drafts.name));
    assert_true(agent_write_secret(&arena, file, BYTES_LIT("a token"), &fault));
    assert_string_not_equal(first, drafts.name);
    unlink(file);
    unlink(trap);
    unlink(theirs);
    /* Where it cannot take its place, no draft is left. */
    assert_int_equal(__real_mkdir(file, 0700), 0);
    assert_false(agent_write_secret(&arena, file, BYTES_LIT("a token"), &fault));
    assert_int_equal(access(drafts.name, F_OK), -1);
    assert_int_equal(__real_rmdir(file), 0);
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    memcpy(address.sun_path, path, strlen(path) + 1);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void whoever_connects_gets_it(void **state)
{
    const char *path = arena_printf(&arena, "%s/socket", folder);
    struct fault fault = {0};
    char got[16] = "";
    struct stat st;
    int listening = agent_socket_open(path, &fault), fd;

    (void)state;
    assert_true(listening >= 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    fd = connect_to(path);
    agent_socket_serve(listening, BYTES_LIT("a token"));
    assert_int_equal(read(fd, got, sizeof got), 7);
    assert_string_equal(got, "a token");
    assert_int_equal(read(fd, got, sizeof got), 0);
    close(fd);
    agent_socket_serve(listening, BYTES_LIT("nobody waits"));
    assert_int_equal(agent_socket_open(path, &fault), -1);
    assert_non_null(strstr(fault.text, "another agent"));
    close(listening); /* an agent that died leaves its socket */
    listening = agent_socket_open(path, NULL);
    assert_true(listening >= 0);
    close(listening);
    unlink(path);
    fclose(fopen(path, "w"));
    fault = (struct fault){0};
    assert_int_equal(agent_socket_open(path, &fault), -1);
    assert_non_null(strstr(fault.text, "no socket"));
    unlink(path);
    assert_int_equal(agent_socket_open(arena_printf(&arena, "/%0200d", 1), NULL), -1);
}

static int start(void **state)
{
    (void)state;
    arena_reset(&arena);
    memset(&kernel, 0, sizeof kernel);
    memset(&driver, 0, sizeof driver);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_report_is_over_our_data, start),
        cmocka_unit_test_setup(another_writer_is_noticed, start),
        cmocka_unit_test_setup(a_report_that_is_none, start),
        cmocka_unit_test_setup(an_enclave_of_gramine, start),
        cmocka_unit_test_setup(the_driver_is_asked, start),
        cmocka_unit_test_setup(the_driver_refuses, start),
        cmocka_unit_test_setup(tables_of_certificates, start),
        cmocka_unit_test_setup(hostile_tables, start),
        cmocka_unit_test_setup(when_to_attest_next, start),
        cmocka_unit_test_setup(when_a_token_expires, start),
        cmocka_unit_test_setup(files_and_commands_get_it, start),
        cmocka_unit_test_setup(a_command_that_hangs_ends_whole, start),
        cmocka_unit_test_setup(drafts_are_new_files, start),
        cmocka_unit_test_setup(whoever_connects_gets_it, start),
    };
    int failed;

    signal(SIGPIPE, SIG_IGN); /* as agent/deliver.h asks */
    arena_init(&arena, TEST_MEMORY);
    strcpy(folder, "/tmp/assay-agent-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    failed = cmocka_run_group_tests_name("agent", tests, NULL, NULL);
    __real_rmdir(folder);
    arena_free(&arena);
    return failed;
}
