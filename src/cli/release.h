/* What `assay trust`, `assay release` and `assay token verify` share: where lists of measurements and key sets come from. */
#ifndef ASSAY_CLI_RELEASE_H
#define ASSAY_CLI_RELEASE_H

#include "base/fault.h"
#include "cli/cli.h"
#include "crypto/verify.h"
#include "trust/measurement.h"

/* The address without slashes at its end. */
const char *service_address(struct arena *a, const char *url);
/* One document over HTTPS; ca_file may be NULL. *answered: the server could be reached, whatever it said. */
bool release_fetch(struct arena *a, const char *url, const char *ca_file, struct bytes *out, bool *answered,
                   struct fault *fault);
/* Where the key set of a service is, by its metadata, which must name itself and an address below its own. */
bool key_set_address(struct arena *a, const char *service, const char *ca_file, const char **out, bool *answered,
                     struct fault *fault);
/* A list of measurements: a file, or an https address. False: it cannot be had, which has been reported. */
bool release_list_read(struct cli *cli, const char *from, const char *ca_file, struct bytes *out);
/* The public key of whoever signs lists: PEM of the key or of a certificate. False: none there, reported. */
bool release_key_read(struct cli *cli, const char *path, struct public_key *out);
/* One line: component, version, kind, and whether it may run at this time. */
void release_print_record(const struct cli *cli, const struct record *r, int64_t time);

#endif
