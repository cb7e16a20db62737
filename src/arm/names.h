/* Names that callers choose: of subscriptions, resource groups, providers and private endpoint connections (api.md 7). All of
 * them are compared without letter case (bytes_equal_nocase), so all are ASCII: what case means outside it is not settled. */
#ifndef ASSAY_ARM_NAMES_H
#define ASSAY_ARM_NAMES_H

#include "base/arena.h"

#define ARM_PROVIDER_TYPE   "Microsoft.Attestation/attestationProviders"
#define ARM_CONNECTION_TYPE ARM_PROVIDER_TYPE "/privateEndpointConnections"

/* 3 to 24 letters, digits and hyphens, fit to be one label of a host name: no hyphen at either end (RFC 1123 2.1), and none in
 * the third and fourth place, which would make it another alphabet's name in disguise (RFC 5891 4.2.3.1). */
bool name_is_provider(struct bytes name);
/* 1 to 90 letters, digits, underscores, hyphens, periods and parentheses; no period at the end. */
bool name_is_group(struct bytes name);
/* Letters, digits, underscores and hyphens: a UUID, but names are allowed too. */
bool name_is_subscription(struct bytes name);
/* Letters, digits, underscores, hyphens and periods; a letter or digit first. */
bool name_is_connection(struct bytes name);
/* The code of a region in host names: 1 to 24 lower-case letters, digits and hyphens, one label. */
bool name_is_region_code(struct bytes code);

/* In lower case. */
struct bytes name_lower(struct arena *a, struct bytes name);

/* UTF-8 text of at most `most` bytes without control characters; an empty text is fine. */
bool text_is_plain(struct bytes text, size_t most);

#endif
