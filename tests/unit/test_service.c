/* Parts of the service without a socket: the gate for requests, the memory of requests that kill, the configuration. */
#include "test.h"

#include <unistd.h>

#include "service/config.h"
#include "service/gate.h"
#include "service/poison.h"

static const struct gate_limits limits = {.header = 1000, .body = 100};

static int status_of(const char *header, struct gate_body *body)
{
    return gate_check(bytes_text(header), &limits, body).status;
}

static void headers_that_pass(void **state)
{
    struct gate_body body;

    (void)state;
    assert_int_equal(status_of("GET / HTTP/1.1\r\nHost: a\r\n\r\n", &body), 0);
    assert_int_equal(body.length, 0);
    assert_false(body.chunked);
    assert_int_equal(
        status_of("POST /a?b=c%20d HTTP/1.1\r\nhost:a:1\r\nX-Y: \t \r\ncontent-length: 100 \r\n\r\n", &body), 0);
    assert_int_equal(body.length, 100);
    assert_int_equal(
        status_of(
            "PUT https://a.b:1/c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\nExpect: 100-Continue\r\n\r\n",
            &body),
        0);
    assert_true(body.chunked && body.expects_continue);
    assert_int_equal(status_of("GET https://a HTTP/1.0\r\nHost: a\r\nContent-Length: 0\r\nX: \xc3\xa9\r\n\r\n", &body),
                     0);
    assert_int_equal(
        status_of("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n", &body), 0);
    assert_false(body.expects_continue); /* there is nothing to wait for */
}

static void headers_that_do_not(void **state)
{
    static const struct {
        const char *header;
        int status;
    } cases[] = {{"GET / HTTP/1.1\r\n\r\n", 400},
                 {"GET / HTTP/1.1\nHost: a\n\n", 400},
                 {"GET / HTTP/1.1\r\nHost: a\n\n", 400},
                 {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
                 {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
                 {"GET https://a:/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
                 {"GET https://a:123456/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
                 {"GET https://[::1]/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
                 {"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
                 {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n", 400},
                 {"POST / HTTP/1.1\r\nHost: a\r\n\r\n", 411},
                 {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n", 413},
                 {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999999\r\n\r\n", 400},
                 {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", 400},
                 {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
                 {"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
                 {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n", 501},
                 {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: x\r\n\r\n", 417}};
    struct gate_body body;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(status_of(cases[i].header, &body), cases[i].status);
}

static void header_ends(void **state)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\nbody\r\n\r\n";
    const size_t length = strlen("GET / HTTP/1.1\r\nHost: a\r\n\r\n");

    (void)state;
    for (size_t n = 0; n < sizeof text; n++)
        for (size_t seen = 0; seen <= n && seen < length; seen++)
            assert_int_equal(gate_header_length(bytes_make(text, n), seen), n < length ? 0 : length);
    assert_int_equal(gate_header_length(BYTES_LIT("a\n\nb"), 0), 3);
    assert_int_equal(gate_header_length(BYTES_LIT("\n\r\r\n"), 0), 0);
}

/* In pieces of every size: the same verdict. */
static int chunks_status(const char *text, size_t piece, size_t *total, size_t *raw)
{
    struct gate_chunks c = {0};
    struct gate_refusal refusal = {0};
    bool whole = false;

    for (struct bytes rest = bytes_text(text); rest.n && !whole && !refusal.status; rest = bytes_after(rest, piece))
        refusal = gate_chunks(&c, bytes_first(rest, piece), &limits, &whole);
    *total = c.total;
    *raw = c.raw;
    return refusal.status ? refusal.status : whole ? 200 : 0;
}

static void chunked_bodies(void **state)
{
    static const struct {
        const char *text;
        int status;
        size_t total;
    } cases[] = {{"5\r\nhello\r\n0\r\n\r\n", 200, 5},
                 {"1\r\na\r\n00000002\r\nbc\r\n0\r\n\r\nnext", 200, 3},
                 {"0\r\n\r\n", 200, 0},
                 {"5\r\nhel", 0, 5},
                 {"", 0, 0},
                 {"64\r\n", 0, 100},
                 {"65\r\n", 413, 101},
                 {"50\r\n", 0, 80},
                 {"ffffffff\r\n", 413, 0xffffffff},
                 {"fffffffff\r\n", 400, 0},
                 {"\r\n", 400, 0},
                 {"g\r\n", 400, 0},
                 {"5;a=b\r\n", 400, 0},
                 {"5 \r\n", 400, 0},
                 {"5\nhello", 400, 0},
                 {"5\r\nhelloo\r\n", 400, 5},
                 {"5\r\nhello\n", 400, 5},
                 {"0\r\nX: y\r\n\r\n", 400, 0},
                 {"0\r\n\n", 400, 0}};
    size_t total, raw;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t piece = 1; piece < 20; piece++) {
            assert_int_equal(chunks_status(cases[i].text, piece, &total, &raw), cases[i].status);
            assert_int_equal(total, cases[i].total);
        }
    char drip[50 * 6 + 1] = ""; /* 50 bytes that take 300 */
    for (size_t i = 0; i < 50; i++)
        memcpy(drip + 6 * i, "1\r\nx\r\n", 6);
    assert_int_equal(chunks_status(drip, 7, &total, &raw), 413);
    assert_true(raw <= 2 * limits.body + 1);
}

static void digest_for(unsigned n, uint8_t out[SHA256_SIZE])
{
    memset(out, 0, SHA256_SIZE);
    memcpy(out, &n, sizeof n);
}

static void killers_are_remembered_for_a_while(void **state)
{
    struct poison *p = poison_new();
    uint8_t one[SHA256_SIZE], other[SHA256_SIZE];

    (void)state;
    digest_for(1, one);
    digest_for(2, other);
    assert_true(poison_empty(p));
    poison_note(p, one, 1000);
    assert_false(poison_empty(p));
    assert_false(poison_refuses(p, one, 1000));
    poison_note(p, one, 1001);
    assert_true(poison_refuses(p, one, 1001));
    assert_false(poison_refuses(p, other, 1001));
    assert_true(poison_refuses(p, one, 1000 + POISON_SECONDS));
    assert_false(poison_refuses(p, one, 1001 + POISON_SECONDS));
    poison_note(p, one, 5000); /* long after: it counts anew */
    assert_false(poison_refuses(p, one, 5000));
    poison_free(p);
}

static void killers_are_bounded(void **state)
{
    struct poison *p = poison_new();
    uint8_t digest[SHA256_SIZE];

    (void)state;
    for (unsigned n = 1; n <= 3 * POISON_ENTRIES; n++) {
        digest_for(n, digest);
        poison_note(p, digest, n);
        poison_note(p, digest, n);
    }
    digest_for(1, digest);
    assert_false(poison_refuses(p, digest, 3 * POISON_ENTRIES)); /* forgotten first */
    digest_for(3 * POISON_ENTRIES, digest);
    assert_true(poison_refuses(p, digest, 3 * POISON_ENTRIES));
    poison_free(p);
}

static void read_text(struct config *c, const char *text)
{
    char path[] = "/tmp/assay-test-XXXXXX";
    struct fault fault = {0};
    int fd = mkstemp(path);

    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    config_defaults(c);
    if (!config_read(c, path, &fault) || !config_complete(c, &fault))
        fail_msg("%s", fault.text);
    unlink(path);
}

#define MINIMAL                                                                                      \
    "[server]\ncertificate = c\nprivate_key = k\n[keys]\nsealing_key = s\n[store]\nurl = sqlite:a\n" \
    "[provider a]\nissuer = https://a\n"

static void a_running_service_keeps_what_a_start_decides(void **state)
{
    struct config old, next;

    (void)state;
    read_text(&old, MINIMAL);
    read_text(&next, MINIMAL
              "[server]\nport = 1\nbody_seconds = 3\n[core]\npairs = 200\nqueue = 9\n[store]\nurl = sqlite:x\n");
    assert_string_equal(config_keep_started(&next, &old), "[server] port, [core] pairs, [store] url");
    assert_int_equal(next.port, old.port);
    assert_int_equal(next.pairs, old.pairs);
    assert_string_equal(next.store, "sqlite:a");
    assert_int_equal(next.body_seconds, 3);
    assert_int_equal(next.queue, 9);
    config_free(&next);
    read_text(&next, MINIMAL);
    assert_string_equal(config_keep_started(&next, &old), "");
    config_free(&next);
    read_text(&next,
              MINIMAL "[audit]\nfile = f\njournal = on\nsync = off\non_failure = continue\n[collateral]\nfile = x\n");
    assert_string_equal(config_keep_started(&next, &old), "[audit] file, [audit] journal");
    assert_true(!next.audit_file && !next.audit_journal && !next.audit_sync && !next.audit_refuse);
    assert_string_equal(next.files[0], "x"); /* another setting of that name */
    config_free(&next);
    read_text(&next, MINIMAL "[provider b]\nissuer = https://b\n");
    assert_string_equal(config_keep_started(&next, &old), "[provider]");
    assert_int_equal(next.provider_count, 1);
    config_free(&old);
    assert_string_equal(next.providers[0].issuer, "https://a"); /* a copy: the old one's memory is gone */
    config_free(&next);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_that_pass),
        cmocka_unit_test(headers_that_do_not),
        cmocka_unit_test(header_ends),
        cmocka_unit_test(chunked_bodies),
        cmocka_unit_test(killers_are_remembered_for_a_while),
        cmocka_unit_test(killers_are_bounded),
        cmocka_unit_test(a_running_service_keeps_what_a_start_decides),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
