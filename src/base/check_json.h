/* Entries of a trace as JSON, as every program shows them. */
#ifndef ASSAY_BASE_CHECK_JSON_H
#define ASSAY_BASE_CHECK_JSON_H

#include "base/check.h"
#include "base/json.h"

/* {"id", "result": "pass" | "fail" | "skip", "expected", "found"}, the last two null where nothing was compared; in detail also
 * "note" and "setting", where there is one. What is no UTF-8 is told in hexadecimal (text_clean). */
struct json *check_json(struct arena *a, const struct trace_entry *e, bool in_detail);

#endif
