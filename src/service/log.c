#include "service/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"

static void line(const char *level, const char *format, va_list args)
{
    char when[32], text[2048];

    time_format((int64_t)time(NULL), when);
    vsnprintf(text, sizeof text, format, args);
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f) /* one line stays one line, whatever a caller sent */
            *p = ' ';
    fprintf(stderr, "%s %s %s\n", when, level, text);
}

void log_info(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    line("info", format, args);
    va_end(args);
}

void log_error(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    line("error", format, args);
    va_end(args);
}
