/* Which addresses are public: the borders of each special block. */
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "net/address.h"

static bool judged(const char *text, bool (*judge)(const struct sockaddr *, socklen_t))
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return judge((const struct sockaddr *)(const void *)&v4, sizeof v4);
    if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
        return judge((const struct sockaddr *)(const void *)&v6, sizeof v6);
    fail_msg("no address: %s", text);
    return false;
}

static bool is_public(const char *text)
{
    return judged(text, address_is_public);
}

static void addresses_of_somebody(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "1.0.0.0",       "9.255.255.255",   "11.0.0.0",        "100.63.255.255", "100.128.0.0",      "126.255.255.255",
        "128.0.0.0",     "169.253.255.255", "169.255.0.0",     "172.15.255.255", "172.32.0.0",       "191.255.255.255",
        "192.0.1.0",     "192.0.3.0",       "192.167.255.255", "192.169.0.0",    "198.17.255.255",   "198.20.0.0",
        "198.51.99.255", "203.0.114.0",     "223.255.255.255", "8.8.8.8",        "2606:4700::1",     "2a00:1450::1",
        "2001:200::1",   "2001:db9::1",     "2400::1",         "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1",
        "3ffe::1",
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!is_public(texts[i]))
            fail_msg("not public: %s", texts[i]);
}

static void addresses_of_nobody_else(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "0.0.0.0",
        "0.255.255.255",
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.0",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.0.0",
        "169.254.169.254",
        "172.16.0.0",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.0",
        "192.168.255.255",
        "198.18.0.0",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.255",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "2002:a00:1::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
        "4000::1",
        "1fff::1",
        "3fff::1",
        "2620:4f:8000::1",
    };
    const struct sockaddr none = {.sa_family = AF_UNIX};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (is_public(texts[i]))
            fail_msg("public: %s", texts[i]);
    assert_false(address_is_public(&none, sizeof none));
}

static void addresses_that_are_cut(void **state)
{
    (void)state;
    struct sockaddr_in v4 = {.sin_family = AF_INET};

    inet_pton(AF_INET, "8.8.8.8", &v4.sin_addr);
    assert_true(address_is_public((const struct sockaddr *)(const void *)&v4, sizeof v4));
    assert_false(address_is_public((const struct sockaddr *)(const void *)&v4, sizeof v4 - 1));
}

static void addresses_without_a_router(void **state)
{
    static const char *const local[] = {"127.0.0.1", "127.255.255.255", "169.254.169.254", "::1",
                                        "fe80::1",   "febf::1",         "::ffff:127.0.0.1"};
    static const char *const others[] = {"126.255.255.255",
                                         "128.0.0.1",
                                         "169.253.255.255",
                                         "169.255.0.0",
                                         "10.0.0.1",
                                         "192.168.1.1",
                                         "0.0.0.0",
                                         "::",
                                         "::2",
                                         "fec0::1",
                                         "fe7f::1",
                                         "fd00::1",
                                         "::ffff:10.0.0.1",
                                         "2002:7f00:1::1",
                                         "8.8.8.8"};

    (void)state;
    for (size_t i = 0; i < sizeof local / sizeof *local; i++)
        if (!judged(local[i], address_is_local))
            fail_msg("not local: %s", local[i]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (judged(others[i], address_is_local))
            fail_msg("local: %s", others[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_somebody),
        cmocka_unit_test(addresses_of_nobody_else),
        cmocka_unit_test(addresses_that_are_cut),
        cmocka_unit_test(addresses_without_a_router),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
