/* Which addresses are somebody's on the internet, and which are ours, our network's or nobody's. */
#ifndef ASSAY_NET_ADDRESS_H
#define ASSAY_NET_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* False for everything that is not globally reachable unicast (IANA's registries of special-purpose addresses): loopback, private,
 * link-local, shared, multicast, reserved, documentation; and for IPv6 addresses that carry an IPv4 one, by that one. False for
 * other families. */
bool address_is_public(const struct sockaddr *address, socklen_t size);
/* This machine, or its link: what no router passes on. IPv4 addresses within IPv6 ones count as what they carry. */
bool address_is_local(const struct sockaddr *address, socklen_t size);

#endif
