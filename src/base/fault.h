/* Why something that is no check failed: reading a file, parsing a policy or a configuration, talking to a process.
 * (What an appraisal refuses is in its trace, base/check.h.) A function that can fail returns bool and fills the
 * fault it was given; the first reason stays. */
#ifndef ASSAY_BASE_FAULT_H
#define ASSAY_BASE_FAULT_H

#include <stdbool.h>

enum { FAULT_TEXT_MAX = 512 };

enum fault_code {
    FAULT_NONE,
    FAULT_SYNTAX,    /* the text or bytes are not of the form */
    FAULT_LIMIT,     /* a named limit was passed */
    FAULT_SYSTEM,    /* a file, a process, memory, a socket */
    FAULT_CRYPTO,    /* a key or signature cannot be used */
    FAULT_USAGE,     /* the caller asked for something that does not exist */
    FAULT_UNCERTAIN, /* it failed, and whether it took effect is not known */
};

struct fault {
    enum fault_code code;
    char text[FAULT_TEXT_MAX];
};

/* Record the reason, unless one is there already; always false, so that `return fault_set(…)` reads well. f may be NULL. */
bool fault_set(struct fault *f, enum fault_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
