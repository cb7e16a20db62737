/* What differs between two texts, line by line, as unified diff. */
#ifndef ASSAY_CLI_TEXT_DIFF_H
#define ASSAY_CLI_TEXT_DIFF_H

#include "base/arena.h"

/* The hunks from one text to the other with three lines of context; empty when they are the same. As few lines as possible
 * change, unless the texts are too long and different for LIMIT_DIFF_CELLS: then all between their common ends does. */
struct bytes text_diff(struct arena *a, struct bytes from, struct bytes to);

#endif
