/* What shadow policies would have changed: counted since their policy was set or the service started, logged, and shown by
 * GET /assay/v1/shadow/TYPE:report. The counts are this node's. */
#ifndef ASSAY_SERVICE_SHADOW_H
#define ASSAY_SERVICE_SHADOW_H

#include "core/core.h"

struct shadows;

struct shadows *shadows_new(void); /* NULL without memory */
void shadows_free(struct shadows *s);
void shadows_note(struct shadows *s, const struct shadow_result *result, int64_t now);
/* The provider is gone: what was counted is not for whoever has its name next. */
void shadows_forget(struct shadows *s, struct bytes issuer);
/* The report of one provider and type; all zero when nothing was judged yet. */
struct json *shadows_report(const struct shadows *s, struct arena *a, struct bytes issuer, struct bytes kind);

#endif
