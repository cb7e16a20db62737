/* One line for each thing that happened, on standard error: time, level, text. Never evidence, tokens or keys. */
#ifndef ASSAY_SERVICE_LOG_H
#define ASSAY_SERVICE_LOG_H

void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
