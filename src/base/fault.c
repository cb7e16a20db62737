#include "base/fault.h"

#include <stdarg.h>

#include "base/text.h"

bool fault_set(struct fault *f, enum fault_code code, const char *format, ...)
{
    if (f && f->code == FAULT_NONE) {
        va_list args;

        f->code = code;
        va_start(args, format);
        text_format(f->text, sizeof f->text, format, args);
        va_end(args);
    }
    return false;
}
