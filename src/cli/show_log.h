/* Logs of what was measured as trees. */
#ifndef ASSAY_CLI_SHOW_LOG_H
#define ASSAY_CLI_SHOW_LOG_H

#include "cli/show.h"

/* NULL with a fault when the bytes are none. */
struct json *show_event_log(struct arena *a, struct bytes b, struct fault *fault);
struct json *show_ima(struct arena *a, struct bytes b, struct fault *fault);

#endif
