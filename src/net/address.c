#include "net/address.h"

#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

struct block {
    uint8_t address[16];
    uint8_t bits;
};

/* RFC 6890 and its successors. */
static const struct block not_public_v4[] = {
    {{0}, 8},          /* this network */
    {{10}, 8},         /* private */
    {{100, 64}, 10},   /* shared, of carriers */
    {{127}, 8},        /* loopback */
    {{169, 254}, 16},  /* link-local, and the metadata services of clouds */
    {{172, 16}, 12},   /* private */
    {{192, 0, 0}, 24}, /* protocol assignments */
    {{192, 0, 2}, 24}, /* documentation */
    {{192, 31, 196}, 24},
    {{192, 52, 193}, 24},
    {{192, 88, 99}, 24}, /* anycast of protocols */
    {{192, 168}, 16},    /* private */
    {{192, 175, 48}, 24},
    {{198, 18}, 15}, /* benchmarks */
    {{198, 51, 100}, 24},
    {{203, 0, 113}, 24}, /* documentation */
    {{224}, 3},          /* multicast, reserved, broadcast */
};

/* Within 2000::/3, which is all that was given out. */
static const struct block not_public_v6[] = {
    {{0x20, 0x01, 0x00}, 23},             /* protocol assignments, Teredo among them */
    {{0x20, 0x01, 0x0d, 0xb8}, 32},       /* documentation */
    {{0x26, 0x20, 0x00, 0x4f, 0x80}, 48}, /* anycast of protocols */
    {{0x3f, 0xff}, 20},                   /* documentation */
};

static const struct block global_v6 = {{0x20}, 3};

/* An IPv4 address stands in them, at this byte. */
static const struct {
    struct block block;
    size_t at;
} embedding[] = {
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96}, 12}, /* mapped */
    {{{0x00, 0x64, 0xff, 0x9b}, 96}, 12},                   /* NAT64 */
    {{{0x20, 0x02}, 16}, 2},                                /* 6to4 */
};

static bool within(const uint8_t *address, const struct block *b)
{
    size_t whole = b->bits / 8, rest = b->bits % 8;

    return memcmp(address, b->address, whole) == 0 &&
           (rest == 0 || ((address[whole] ^ b->address[whole]) >> (8 - rest)) == 0);
}

static bool public_v4(const uint8_t *address)
{
    for (size_t i = 0; i < sizeof not_public_v4 / sizeof *not_public_v4; i++)
        if (within(address, &not_public_v4[i]))
            return false;
    return true;
}

static bool public_v6(const uint8_t *address)
{
    for (size_t i = 0; i < sizeof embedding / sizeof *embedding; i++)
        if (within(address, &embedding[i].block))
            return public_v4(address + embedding[i].at);
    for (size_t i = 0; i < sizeof not_public_v6 / sizeof *not_public_v6; i++)
        if (within(address, &not_public_v6[i]))
            return false;
    return within(address, &global_v6);
}

bool address_is_public(const struct sockaddr *address, socklen_t size)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (address->sa_family == AF_INET && size >= sizeof v4) {
        memcpy(&v4, address, sizeof v4);
        return public_v4((const uint8_t *)&v4.sin_addr);
    }
    if (address->sa_family == AF_INET6 && size >= sizeof v6) {
        memcpy(&v6, address, sizeof v6);
        return public_v6((const uint8_t *)&v6.sin6_addr);
    }
    return false;
}

static const struct block local_v4[] = {{{127}, 8}, {{169, 254}, 16}};
static const struct block loopback_v6 = {{[15] = 1}, 128}, link_local_v6 = {{0xfe, 0x80}, 10};

static bool is_local_v4(const uint8_t *address)
{
    return within(address, &local_v4[0]) || within(address, &local_v4[1]);
}

bool address_is_local(const struct sockaddr *address, socklen_t size)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (address->sa_family == AF_INET && size >= sizeof v4) {
        memcpy(&v4, address, sizeof v4);
        return is_local_v4((const uint8_t *)&v4.sin_addr);
    }
    if (address->sa_family != AF_INET6 || size < sizeof v6)
        return false;
    memcpy(&v6, address, sizeof v6);
    const uint8_t *bytes = (const uint8_t *)&v6.sin6_addr;
    if (within(bytes, &embedding[0].block)) /* mapped */
        return is_local_v4(bytes + embedding[0].at);
    return within(bytes, &loopback_v6) || within(bytes, &link_local_v6);
}
