/* What goes round the quote and its endorsements; for the files of this module alone. */
#ifndef ASSAY_SIMULATE_WRAP_H
#define ASSAY_SIMULATE_WRAP_H

#include "simulate/platform.h"

/* One claim, serialised as Open Enclave does (sgx-tdx.md 9.3). */
struct bytes wrap_custom_claims(struct arena *a);
/* The quote in the form of the platform's kind; claims follow it. */
struct bytes wrap_quote(struct platform *p, struct bytes quote, struct bytes claims);
/* Body for the service; empty for OE evidence, which no route takes. */
struct bytes wrap_request(struct arena *a, const struct simulated *s);
/* A member of a request behind others, as JSON where it is a JSON object. */
void wrap_request_member(struct writer *w, struct arena *a, const char *name, struct bytes data);
/* All endorsements in one buffer, with the header of OE evidence where the kind has it; empty where one is missing. */
struct bytes wrap_endorsements(struct platform *p, const struct simulated *s);
/* A CRL in the encoding that the variation asks for. */
struct bytes wrap_crl(struct platform *p, struct bytes der);

#endif
