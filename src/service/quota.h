/* Token buckets: how many requests a provider and a caller's address may send. What is above is answered with 429, late enough that
 * asking again and again does not cost others anything. */
#ifndef ASSAY_SERVICE_QUOTA_H
#define ASSAY_SERVICE_QUOTA_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum { ADDRESS_SIZE = 16 }; /* IPv6, IPv4 mapped into it */

/* All zero for what is neither IPv4 nor IPv6, or NULL. */
void address_take(const struct sockaddr *address, uint8_t out[ADDRESS_SIZE]);
/* What of it counts: an IPv6 address's first 64 bits, for a caller has as many as it likes below them. */
void address_key(const uint8_t address[ADDRESS_SIZE], uint8_t key[ADDRESS_SIZE]);

/* Full when it is all zero. */
struct bucket {
    double used;
    int64_t at; /* microseconds, monotonic */
};
/* per_second 0: no limit. False: *wait is how many seconds until there is one. */
bool bucket_take(struct bucket *b, double per_second, double burst, int64_t now, double *wait);

/* Buckets of addresses. Bounded: of those that fall on one place the one that was there longest without a request goes. */
struct quotas;
struct quotas *quotas_new(void); /* NULL without memory */
void quotas_free(struct quotas *q);
struct bucket *quotas_of(struct quotas *q, const uint8_t address[ADDRESS_SIZE]);

#endif
