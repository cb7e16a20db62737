/* Times as the formats write them. A time is an int64_t: seconds since 1970-01-01T00:00:00Z. Nothing here reads a
 * clock: the core has none (DESIGN 6). */
#ifndef ASSAY_BASE_CLOCK_H
#define ASSAY_BASE_CLOCK_H

#include "base/bytes.h"

/* "YYYY-MM-DDThh:mm:ssZ" (Intel collateral, sgx-tdx.md 6.1; --at of the command line). Dates that do not exist
 * are refused. */
bool time_parse(struct bytes text, int64_t *out);
/* Seconds of a calendar date and time in UTC; false when it does not exist. Month and day count from 1. */
bool time_make(int year, int month, int day, int hour, int minute, int second, int64_t *out);
/* Twenty characters and a NUL. */
void time_format(int64_t t, char out[32]);

#endif
