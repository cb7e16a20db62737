/* Token buckets: how many requests a provider and a caller's address may send. What is above is answered with 429, late enough that
 * asking again and again does not cost others anything. */
#ifndef ASSAY_SERVICE_QUOTA_H
#define ASSAY_SERVICE_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

enum { ADDRESS_SIZE = 16 }; /* IPv6, IPv4 mapped into it */

/* Full when it is all zero. */
struct bucket {
    double used;
    int64_t at; /* microseconds, monotonic */
};
/* per_second 0: no limit. False: *wait is how many seconds until there is one. */
bool bucket_take(struct bucket *b, double per_second, double burst, int64_t now, double *wait);

/* Buckets of addresses. Bounded: of those that fall on one place the one that was there longest without a request goes. An IPv6
 * address counts by its first 64 bits, for a caller has as many as it likes below them. */
struct quotas;
struct quotas *quotas_new(void); /* NULL without memory */
void quotas_free(struct quotas *q);
struct bucket *quotas_of(struct quotas *q, const uint8_t address[ADDRESS_SIZE]);

#endif
